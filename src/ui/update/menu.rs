//! The menu of a row: what can be done with it, each with the key that does the same.

use super::{actions, effect::Effects};
use crate::ui::{
    action::Action,
    keymap::{Key, Meaning, Mode},
    state::{Menu, Overlay, Row, Side, State},
};

/// Opens the menu of a row, which the cursor goes to.
pub(super) fn open(state: &mut State, side: Side, row: usize, at: (u16, u16)) {
    let holds = state.held.is_some();
    let pane = state.pane_mut(side);
    if pane.usable().is_none() {
        return;
    }
    let view = &mut pane.view;
    let item = match view.row(row) {
        Some(Row::Item(item)) => {
            Some((super::files::display_name(item), item.selected, item.entry.is_dir_like()))
        }
        Some(Row::Above) | None => None,
    };
    let (name, actions): (String, Vec<Action>) = match item {
        Some((name, selected, is_folder)) => {
            view.move_to(row);
            if !selected {
                // What is done next is meant for this one.
                view.listing.select_none();
            }
            let count = view.listing.selected().count;
            let name = if count > 1 { crate::words::plural(count, "item", "items") } else { name };
            (name, Action::for_items(is_folder).collect())
        }
        None => {
            let offered = Action::for_folders().filter(|action| *action != Action::Drop || holds);
            ("This folder".to_owned(), offered.collect())
        }
    };
    state.overlays.push(Overlay::Menu(Menu { name, actions, choice: 0, at }));
}

/// A key that means one of the menu's actions in the panes.
pub(super) fn key(state: &mut State, key: Key, fx: &mut Effects) {
    let Some(Overlay::Menu(menu)) = state.overlay() else { return };
    let action = match state.keymap.meaning(Mode::Panes, key) {
        Some(Meaning::Action(action)) => Some(action).filter(|action| menu.actions.contains(action)),
        _ => None,
    };
    if let Some(action) = action {
        state.overlays.pop();
        actions::on_action(state, action, fx);
    }
}

/// Enter, or a click.
pub(super) fn chosen(state: &mut State, menu: &Menu, fx: &mut Effects) {
    if let Some(action) = menu.actions.get(menu.choice) {
        actions::on_action(state, *action, fx);
    }
}
