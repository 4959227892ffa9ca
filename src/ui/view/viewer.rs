//! Draws a file that is looked at.

use ratatui::{layout::Rect, style::Style};

use super::Pen;
use crate::{
    ui::{
        layout::{self, Areas},
        rows,
        state::{
            State, Viewer,
            picture::{Fitted, Picture, Stage},
            viewer::Encoding,
        },
        text,
        theme::Role,
        update,
    },
    words,
};

pub(super) fn draw(pen: &mut Pen<'_>, state: &State, viewer: &Viewer, areas: &Areas) {
    let (outer, inner) = layout::viewer(areas);
    pen.frame(outer, Role::BorderActive);
    if let Some(shown) = viewer.picture.as_ref().filter(|_| viewer.is_picture() && viewer.error.is_none()) {
        picture(pen, state, viewer, shown, inner);
        return border(pen, state, viewer, outer, None);
    }
    let (shape, height) = update::viewer_shape(state, viewer);
    let (page, _) = match viewer.encoding {
        Some(_) => rows::page(&viewer.blocks, shape, viewer.top, height),
        None => (Vec::new(), None),
    };
    let coloured = (state.colours && !shape.hex).then_some(&viewer.highlight);
    let marked = viewer.marked().unwrap_or(0..0);
    for (y, row) in (inner.y..inner.bottom()).zip(&page) {
        let mut x = inner.x;
        for glyph in &row.glyphs {
            let role = match glyph.stands_for {
                _ if marked.contains(&glyph.offset) => Role::ButtonChosen,
                true => Role::Faint,
                false => coloured.and_then(|colours| colours.role(glyph.offset)).unwrap_or(Role::Text),
            };
            x = pen.put(x, y, inner.right().saturating_sub(x), &glyph.text, role);
        }
    }
    if page.is_empty() {
        empty(pen, state, viewer, inner);
    }
    border(pen, state, viewer, outer, page.last().map(|row| row.end));
}

/// A picture in the middle, or what there is to say of it.
fn picture(pen: &mut Pen<'_>, state: &State, viewer: &Viewer, picture: &Picture, inner: Rect) {
    let room = usize::from(inner.width.saturating_sub(2));
    let since = words::duration(state.clock.running.saturating_sub(picture.since));
    let (lines, role) = match &picture.stage {
        Stage::Shown(fitted) => return cells(pen, fitted, inner),
        Stage::New => return,
        Stage::Reading { received, .. } => {
            let so_far = words::size(received.len() as u64);
            let all = viewer.blocks.size.map(|size| format!(" of {}", words::size(size))).unwrap_or_default();
            let said = format!("{} reading… {so_far}{all}  {since}  (Esc stops)", super::spinner(state));
            (text::wrap(&said, room), Role::Soft)
        }
        Stage::Making => (vec![format!("{} unpacking… {since}", super::spinner(state))], Role::Soft),
        Stage::Failed(why) => (text::wrap(why, room), Role::Bad),
    };
    for (y, line) in (inner.y..inner.bottom()).zip(&lines) {
        pen.put(inner.x + 1, y, inner.width.saturating_sub(1), line, role);
    }
}

fn cells(pen: &mut Pen<'_>, fitted: &Fitted, inner: Rect) {
    let fits = |length: usize, room: u16| u16::try_from(length).unwrap_or(room).min(room);
    let top = inner.y + (inner.height - fits(fitted.rows.len(), inner.height)) / 2;
    for (y, row) in (top..inner.bottom()).zip(&fitted.rows) {
        let left = inner.x + (inner.width - fits(row.len(), inner.width)) / 2;
        for (x, cell) in (left..inner.right()).zip(row) {
            let style = Style { fg: cell.fg, bg: cell.bg, ..Style::new() };
            pen.put_styled(x, y, 1, cell.symbol.encode_utf8(&mut [0; 4]), style);
        }
    }
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

/// The name and what it is above; what is awaited, and where one is, below. `end` is that of what
/// is seen: where nothing is, that place says what is awaited.
fn border(pen: &mut Pen<'_>, state: &State, viewer: &Viewer, outer: Rect, end: Option<u64>) {
    if outer.width < 12 || outer.height == 0 {
        return;
    }
    let room = outer.width - 4;
    let shown = viewer.picture.as_ref().filter(|_| viewer.is_picture());
    let encoding = match (shown, viewer.is_hex(), viewer.encoding) {
        (_, _, None) => "",
        (Some(picture), ..) => picture.format,
        (_, true, _) => "bytes",
        (_, false, Some(Encoding::Latin1)) => "Latin-1",
        (_, false, Some(_)) => "UTF-8",
    };
    let syntax = match &viewer.highlight.syntax {
        Some(syntax) if state.colours && !viewer.is_hex() && room > 56 => syntax.as_str(),
        _ => "",
    };
    let size = viewer.blocks.size.map_or_else(String::new, words::size);
    let facts: Vec<&str> = [syntax, encoding, &size].into_iter().filter(|fact| !fact.is_empty()).collect();
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
        _ if shown.is_some() => match shown.map(|picture| &picture.stage) {
            Some(Stage::Shown(Fitted { of: (width, height), .. })) => format!(" {width} x {height} "),
            _ => "".to_owned(),
        },
        Some(1..) => format!(" {:#x}  {:.0}% ", viewer.top, share(end.unwrap_or(viewer.top))),
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
        (None, Some(fetch)) if end.is_some_and(|end| !viewer.blocks.has(end) || viewer.to_do.is_some()) => {
            let since = words::duration(state.clock.running.saturating_sub(fetch.since));
            format!("reading… {since}  (Esc stops)")
        }
        _ => return,
    };
    let shown = text::cut(&format!(" {} {waiting} ", super::spinner(state)), usize::from(left));
    pen.put(outer.x + 2, bottom, left, &shown, Role::Accent);
}
