//! What several views draw alike.

use super::Pen;
use crate::ui::{action::Action, layout::PaneAreas, state::State, text, theme::Role};

/// Lines in the middle of the rows.
pub(super) fn middle(pen: &mut Pen<'_>, areas: &PaneAreas, lines: &[(Role, String)]) {
    let area = areas.rows;
    let columns = usize::from(area.width.saturating_sub(4)).max(1);
    let wrapped: Vec<(Role, String)> = lines
        .iter()
        .flat_map(|(role, text)| text::wrap(text, columns).into_iter().map(move |line| (*role, line)))
        .collect();
    let count = u16::try_from(wrapped.len()).unwrap_or(u16::MAX);
    let top = area.y + area.height.saturating_sub(count) / 2;
    for (y, (role, line)) in (top..area.bottom()).zip(&wrapped) {
        let width = u16::try_from(text::width(line)).unwrap_or(area.width).min(area.width);
        pen.put(area.x + (area.width - width) / 2, y, width, line, *role);
    }
}

pub(super) fn key(state: &State, action: Action) -> String {
    state.keymap.all_keys(action).first().map(ToString::to_string).unwrap_or_default()
}
