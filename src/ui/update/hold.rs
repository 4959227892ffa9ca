//! The drag of the keyboard: items are picked up in one place and dropped in another. Must copy
//! nothing in any way that `files` would not.

use super::{effect::Effects, files};
use crate::ui::{
    action::Action,
    layout,
    state::{Held, Load, State, Work},
};

pub(super) fn on_action(state: &mut State, action: Action, fx: &mut Effects) {
    match action {
        Action::PickUp => pick_up(state, Work::Copy),
        Action::PickUpMove => pick_up(state, Work::Move),
        Action::Drop => drop_here(state, fx),
        _ => {}
    }
}

fn pick_up(state: &mut State, work: Work) {
    let pane = state.active();
    let Some(folder) = pane.usable().cloned() else {
        return state.hint("This pane shows no place that can be worked in now.");
    };
    let (items, name) = files::targets(&pane.view, &folder);
    if items.is_empty() {
        let deed = files::deed(work).0;
        return state.hint(format!("Nothing to {deed}: select something, or put the cursor on it."));
    }
    let from = layout::place_label(&pane.view, &folder, &state.home);
    state.notice = None;
    state.held = Some(Held { load: Load { folder, items, name }, work, from, letting_go: false });
}

fn drop_here(state: &mut State, fx: &mut Effects) {
    let Some(held) = state.held.clone() else {
        let key = state.keymap.all_keys(Action::PickUp).first().map(ToString::to_string);
        let key = key.unwrap_or_default();
        return state.hint(format!("Nothing is held: {key} picks up what is selected or under the cursor."));
    };
    let pane = state.active();
    let Some(here) = pane.usable().cloned() else {
        return state.hint("This pane shows no place that can be worked in now.");
    };
    if here == held.load.folder {
        return state.hint("This is where it was picked up: go to another folder to drop it.");
    }
    let label = layout::place_label(&pane.view, &here, &state.home);
    if files::send(state, held.work, held.load, here, label, fx) {
        state.held = None;
    }
}

/// The first of two steps to let go of what is held.
pub(super) fn ask_to_let_go(state: &mut State) {
    let Some(held) = &mut state.held else { return };
    held.letting_go = true;
    let name = held.load.name.clone();
    state.hint(format!("Once more lets go of {name}."));
}

/// The second one; true if it was.
pub(super) fn let_go(state: &mut State) -> bool {
    let Some(held) = state.held.take_if(|held| held.letting_go) else { return false };
    state.hint(format!("{} is let go; nothing was {}.", held.load.name, files::deed(held.work).1));
    true
}
