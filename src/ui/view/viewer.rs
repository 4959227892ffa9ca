//! Draws a file that is looked at.

use ratatui::layout::Rect;

use super::Pen;
use crate::{
    ui::{
        layout::{self, Areas},
        rows,
        state::{State, Viewer, viewer::Encoding},
        text,
        theme::Role,
        update,
    },
    words,
};

pub(super) fn draw(pen: &mut Pen<'_>, state: &State, viewer: &Viewer, areas: &Areas) {
    let (outer, inner) = layout::viewer(areas);
    pen.frame(outer, Role::BorderActive);
    let (shape, height) = update::viewer_shape(state, viewer);
    let (page, _) = match viewer.encoding {
        Some(_) => rows::page(&viewer.blocks, shape, viewer.top, height),
        None => (Vec::new(), None),
    };
    let marked = viewer.marked().unwrap_or(0..0);
    for (y, row) in (inner.y..inner.bottom()).zip(&page) {
        let mut x = inner.x;
        for glyph in &row.glyphs {
            let role = match glyph.stands_for {
                _ if marked.contains(&glyph.offset) => Role::ButtonChosen,
                true => Role::Faint,
                false => Role::Text,
            };
            x = pen.put(x, y, inner.right().saturating_sub(x), &glyph.text, role);
        }
    }
    if page.is_empty() {
        empty(pen, state, viewer, inner);
    }
    let end = page.last().map_or(viewer.top, |row| row.end);
    border(pen, state, viewer, outer, end);
}

/// What there is to say where no byte is to be seen.
fn empty(pen: &mut Pen<'_>, state: &State, viewer: &Viewer, inner: Rect) {
    let room = usize::from(inner.width.saturating_sub(2));
    let (lines, role) = if let Some(error) = &viewer.error {
        (text::wrap(&words::error(error).to_string(), room), Role::Bad)
    } else if let Some(fetch) = &viewer.fetch {
        let since = words::duration(state.clock.running.saturating_sub(fetch.since));
        (vec![format!("{} reading… {since}  (Esc stops)", super::spinner(state))], Role::Soft)
    } else if viewer.encoding.is_some() && viewer.top == 0 {
        (vec!["This file is empty.".to_owned()], Role::Soft)
    } else {
        return;
    };
    for (y, line) in (inner.y..inner.bottom()).zip(&lines) {
        pen.put(inner.x + 1, y, inner.width.saturating_sub(1), line, role);
    }
}

/// The name and what it is above; what is awaited, and where one is, below.
fn border(pen: &mut Pen<'_>, state: &State, viewer: &Viewer, outer: Rect, end: u64) {
    if outer.width < 12 || outer.height == 0 {
        return;
    }
    let room = outer.width - 4;
    let encoding = match (viewer.is_hex(), viewer.encoding) {
        (_, None) => "",
        (true, _) => "bytes",
        (false, Some(Encoding::Latin1)) => "Latin-1",
        (false, Some(_)) => "UTF-8",
    };
    let size = viewer.blocks.size.map_or_else(String::new, words::size);
    let facts: Vec<&str> = [encoding, &size].into_iter().filter(|fact| !fact.is_empty()).collect();
    let facts = facts.join("  ");
    let used = u16::try_from(text::width(&facts)).unwrap_or(u16::MAX);
    let fits = !facts.is_empty() && used.saturating_add(12) < room;
    if fits {
        pen.put_right(outer.x + 2, outer.y, room, &format!(" {facts} "), Role::Soft);
    }
    let left = usize::from(room) - if fits { usize::from(used) + 4 } else { 2 };
    let name = format!(" {} ", text::cut_middle(&viewer.name, left));
    pen.put(outer.x + 2, outer.y, room, &name, Role::Title);

    let bottom = outer.bottom() - 1;
    let size = viewer.blocks.size.unwrap_or(0);
    let share = |at: u64| (at as f64 * 100.0 / size.max(1) as f64).min(100.0).floor();
    let place = match viewer.blocks.size {
        Some(1..) => format!(" {:#x}  {:.0}% ", viewer.top, share(end)),
        _ => format!(" {:#x} ", viewer.top),
    };
    pen.put_right(outer.x + 2, bottom, room, &place, Role::Faint);
    let left = room.saturating_sub(u16::try_from(text::width(&place)).unwrap_or(room) + 1);
    let running = viewer.search.as_ref().and_then(|search| Some((search, search.running?)));
    let waiting = match (running, &viewer.fetch) {
        (Some((search, running)), _) => {
            let so_far = if size > 0 { format!(" {:.0}%", share(running.at)) } else { String::new() };
            format!("searching {}…{so_far}  (Esc stops)", search.shown)
        }
        (None, Some(fetch)) if !viewer.blocks.has(end) || viewer.to_do.is_some() => {
            let since = words::duration(state.clock.running.saturating_sub(fetch.since));
            format!("reading… {since}  (Esc stops)")
        }
        _ => return,
    };
    let shown = text::cut(&format!(" {} {waiting} ", super::spinner(state)), usize::from(left));
    pen.put(outer.x + 2, bottom, left, &shown, Role::Accent);
}
