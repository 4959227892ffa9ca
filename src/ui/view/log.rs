//! Draws the log: replies, and the loss and the return of connections.

use std::time::Duration;

use ratatui::layout::Rect;

use super::Pen;
use crate::{
    fs::LogLine,
    ui::{
        layout::PanelAreas,
        state::{State, log::Line},
        text,
        theme::Role,
    },
    words,
};

/// What a line says in so many columns, its mark, and the mark's look.
pub(super) fn said(line: &Line, columns: usize) -> (String, &'static str, Role) {
    let (text, mark, role) = whole(line, columns);
    (text::cut(&text, columns), mark, role)
}

/// A reply that fits: the answer matters more than where in a long path it was given.
fn fitted(line: &LogLine, columns: usize) -> String {
    /// What of a request is worth the columns that it takes.
    const ASKED: usize = 16;
    let long = words::log_line(line);
    if text::width(&long) <= columns {
        return long;
    }
    let (asked, answer) = (words::asked(line), words::reply_in_short(&line.reply));
    let room = columns.saturating_sub(text::width(&answer) + 3).max(ASKED);
    format!("{} → {answer}", text::cut_middle(&asked, room))
}

fn whole(line: &Line, columns: usize) -> (String, &'static str, Role) {
    let (text, is_bad) = match line {
        Line::Reply(line) => (fitted(line, columns), line.reply.is_failure()),
        // That a server sends an idle session away is nothing to be alarmed by.
        Line::Lost { error, .. } if error.is_in_good_order() => return (words::lost(error), "·", Role::Soft),
        Line::Lost { error, .. } => (words::lost(error), true),
        Line::Left { error } => (words::left_lost(error), true),
        Line::Back { fs, .. } => (words::back(fs), false),
    };
    if is_bad { (text, "✗", Role::Bad) } else { (text, "✓", Role::Good) }
}

/// How long it took: an answer to come, a server to be there again.
fn took(line: &Line) -> Option<Duration> {
    match line {
        Line::Reply(line) => Some(line.elapsed).filter(|took| !took.is_zero()),
        Line::Back { after, .. } => *after,
        Line::Lost { .. } | Line::Left { .. } => None,
    }
}

pub(super) fn draw(pen: &mut Pen<'_>, state: &State, areas: &PanelAreas) {
    let rows = areas.rows;
    if state.log.lines.is_empty() {
        let text =
            text::cut("No server has answered anything yet.", usize::from(rows.width.saturating_sub(2)));
        if rows.height > 0 {
            pen.put(rows.x + 2, rows.y, rows.width.saturating_sub(2), &text, Role::Faint);
        }
        return;
    }
    if state.log.dropped > 0 && areas.outer.height > 1 {
        let text = format!(" {} earlier ones were not kept ", words::count(state.log.dropped));
        let width = u16::try_from(text::width(&text)).unwrap_or(u16::MAX);
        if width + 4 < areas.outer.width {
            pen.put(areas.outer.right() - width - 2, areas.outer.bottom() - 1, width, &text, Role::Faint);
        }
    }
    let lines = state.log.lines.iter().enumerate().skip(areas.first);
    for (y, (at, line)) in (rows.y..rows.bottom()).zip(lines) {
        let area = Rect { y, height: 1, ..rows };
        let end = area.right().saturating_sub(1);
        let x = area.x + 3;
        let room = end.saturating_sub(x + 9);
        let (text, mark, role) = said(line, usize::from(room));
        pen.put(area.x + 1, y, 1, mark, role);
        pen.put(x, y, room, &text, if role == Role::Bad { Role::Text } else { Role::Soft });
        if let Some(took) = took(line).filter(|_| area.width > 24) {
            pen.put_right(end.saturating_sub(8), y, 8, &words::clock(took), Role::Faint);
        }
        if state.in_panel && at == state.log.row() {
            pen.tint(area, Role::Cursor);
            pen.put(area.x, y, 1, "▌", Role::Accent);
        }
    }
}
