//! Draws the tour: the screen stepped back, and notes on its parts.

use ratatui::layout::Rect;

use super::Pen;
use crate::ui::{
    layout::{self, Areas},
    state::State,
    theme::Role,
};

pub(super) fn draw(pen: &mut Pen<'_>, state: &State, areas: &Areas) {
    pen.tint(areas.screen, Role::Faint);
    for note in layout::tour::notes(state, areas) {
        let area = note.area.intersection(areas.screen);
        // A wide character just beside would reach into it.
        pen.clear(Rect { x: area.x.saturating_sub(1), width: area.width + 1, ..area });
        pen.frame(area, Role::BorderActive);
        let inner = layout::inside(area);
        for (y, line) in (inner.y..inner.bottom()).zip(&note.lines) {
            pen.put(inner.x + 1, y, inner.width.saturating_sub(1), line, Role::Text);
        }
        if let Some((at, arrow)) = note.arrow {
            pen.put(at.x, at.y, 1, arrow, Role::Accent);
        }
    }
}
