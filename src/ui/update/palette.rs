//! The command palette: typing, choosing, and running what was chosen.

use tui_input::InputRequest;

use super::{actions, effect::Effects};
use crate::ui::{
    action::Action,
    sheet,
    state::{Overlay, Palette, State},
};

pub(super) fn open(state: &mut State) {
    state.filtering = false;
    state.overlays.push(Overlay::Palette(Box::default()));
}

fn palette_mut(state: &mut State) -> Option<&mut Palette> {
    match state.overlays.last_mut()? {
        Overlay::Palette(palette) => Some(palette),
        _ => None,
    }
}

/// Typing.
pub(super) fn edit(state: &mut State, request: InputRequest) {
    if let Some(palette) = palette_mut(state) {
        let before = palette.input.value().to_owned();
        palette.input.handle(request);
        if palette.input.value() != before {
            palette.search();
        }
    }
}

pub(super) fn on_action(state: &mut State, action: Action, fx: &mut Effects) {
    let page = sheet::sheet(state).map_or(1, |sheet| usize::from(sheet.body.height).saturating_sub(1)).max(1);
    let Some(palette) = palette_mut(state) else { return };
    let at = palette.cursor;
    match action {
        Action::Up => palette.move_to(at.saturating_sub(1)),
        Action::Down => palette.move_to(at.saturating_add(1)),
        Action::PageUp => palette.move_to(at.saturating_sub(page)),
        Action::PageDown => palette.move_to(at.saturating_add(page)),
        Action::First => palette.move_to(0),
        Action::Last => palette.move_to(usize::MAX),
        Action::Accept => run(state, at, fx),
        Action::Cancel => {
            state.overlays.pop();
        }
        _ => {}
    }
}

/// Runs the action in that row, as its key would.
pub(super) fn run(state: &mut State, row: usize, fx: &mut Effects) {
    let Some(action) = palette_mut(state).and_then(|palette| palette.found.get(row).copied()) else { return };
    state.overlays.pop();
    actions::on_action(state, action, fx);
}
