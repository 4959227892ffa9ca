//! Draws the log of replies.

use ratatui::layout::Rect;

use super::Pen;
use crate::{
    reply::Reply,
    ui::{layout::PanelAreas, state::State, text, theme::Role},
    words,
};

/// The look of a code's class.
pub(super) fn class(reply: &Reply) -> (&'static str, Role) {
    if reply.is_failure() { ("✗", Role::Bad) } else { ("✓", Role::Good) }
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
        let (mark, role) = class(&line.reply);
        let end = area.right().saturating_sub(1);
        let x = pen.put(area.x + 1, y, 1, mark, role) + 1;
        let took = words::clock(line.elapsed);
        let room = end.saturating_sub(x + 9);
        let text = text::cut(&words::log_line(line), usize::from(room));
        pen.put(x, y, room, &text, if line.reply.is_failure() { Role::Text } else { Role::Soft });
        if area.width > 24 {
            pen.put_right(end.saturating_sub(8), y, 8, &took, Role::Faint);
        }
        if state.in_panel && at == state.log.row() {
            pen.tint(area, Role::Cursor);
            pen.put(area.x, y, 1, "▌", Role::Accent);
        }
    }
}
