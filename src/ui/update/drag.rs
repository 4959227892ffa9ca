//! Pulling with the mouse: items to a folder, and the line between the panes. Must decide
//! nothing that a key to the same end would not do as well.

use crossterm::event::{KeyModifiers, MouseEvent};

use super::{effect::Effects, files};
use crate::{
    fs::Location,
    ui::{
        layout::{self, Areas, Hit},
        state::{Grip, Load, Pulled, Row, Side, State, Work},
    },
};

/// A hand that presses a button is not quite still: this far aside is no pull yet.
const JITTER: u16 = 2;

/// The left button went down on a row.
pub(super) fn press(state: &mut State, side: Side, row: usize, at: (u16, u16)) {
    let pane = state.pane(side);
    if let (Some(folder), Some(Row::Item(item))) = (pane.usable(), pane.view.row(row)) {
        let (folder, name) = (folder.clone(), item.entry.name.clone());
        state.grip = Some(Grip::Pressed { side, folder, name, at });
    }
}

/// The left button went down on a row, with Ctrl: selects it, or unselects it, and those that the
/// pointer is pulled across as well.
pub(super) fn select(state: &mut State, side: Side, row: usize) {
    let view = &mut state.pane_mut(side).view;
    let Some(folder) = view.location.clone() else { return };
    if let Some(at) = view.entry_index(row)
        && let Some(item) = view.listing.get(at)
    {
        let selected = !item.selected;
        view.listing.set_selected(at, selected);
        view.move_to(row);
        state.grip = Some(Grip::Selecting { side, folder, row, selected });
    }
}

/// Makes the rows from one to the other alike; returns the one that the cursor is on now.
fn cross(state: &mut State, side: Side, folder: &Location, from: usize, to: usize, selected: bool) -> usize {
    let view = &mut state.pane_mut(side).view;
    if view.location.as_ref() != Some(folder) {
        return from;
    }
    let to = to.min(view.rows().saturating_sub(1));
    for row in from.min(to)..=from.max(to) {
        if let Some(at) = view.entry_index(row) {
            view.listing.set_selected(at, selected);
        }
    }
    view.move_to(to);
    to
}

/// The pointer moved while the button was down.
pub(super) fn pull(state: &mut State, areas: &Areas, event: MouseEvent) {
    let now = (event.column, event.row);
    match state.grip.take() {
        Some(Grip::Pressed { side, folder, name, at }) if now.1 == at.1 && now.0.abs_diff(at.0) <= JITTER => {
            state.grip = Some(Grip::Pressed { side, folder, name, at });
        }
        Some(Grip::Pressed { side, folder, name, .. }) => {
            state.last_click = None;
            if let Some(load) = load(state, side, &folder, &name) {
                state.notice = None;
                state.grip = Some(Grip::Pulled(Pulled { load, work: work(event), at: now }));
            }
        }
        Some(Grip::Pulled(pulled)) => {
            state.grip = Some(Grip::Pulled(Pulled { work: work(event), at: now, ..pulled }));
        }
        Some(Grip::Selecting { side, folder, row, selected }) => {
            let hit = layout::hit(areas, state, now.0, now.1);
            let row = match hit {
                Hit::Row(over, to) if over == side => cross(state, side, &folder, row, to, selected),
                _ => row,
            };
            state.grip = Some(Grip::Selecting { side, folder, row, selected });
        }
        Some(Grip::Divider) => {
            divide(state, areas, event.column);
            state.grip = Some(Grip::Divider);
        }
        None => {}
    }
}

/// The button was let go.
pub(super) fn release(state: &mut State, areas: &Areas, event: MouseEvent, fx: &mut Effects) {
    let Some(Grip::Pulled(pulled)) = state.grip.take() else { return };
    let pulled = Pulled { work: work(event), at: (event.column, event.row), ..pulled };
    match layout::drop_place(areas, state, &pulled) {
        Some(place) => {
            let label = layout::place_label(&state.pane(place.side).view, &place.location, &state.home);
            files::send(state, pulled.work, pulled.load, place.location, label, fx);
        }
        None => {
            nothing_done(state, pulled.work);
            let hit = layout::hit(areas, state, event.column, event.row);
            let own = matches!(hit, Hit::Row(side, _) if state.pane(side).view.location.as_ref() == Some(&pulled.load.folder));
            if own {
                let done = files::deed(pulled.work).1;
                state.hint(format!(
                    "Nothing was {done}: let go over the other pane or a folder; with Ctrl, pulling selects."
                ));
            }
        }
    }
}

/// Nothing comes of what is pulled; true if anything was.
pub(super) fn let_go(state: &mut State) -> bool {
    match state.grip.take() {
        Some(Grip::Pulled(pulled)) => {
            nothing_done(state, pulled.work);
            true
        }
        _ => false,
    }
}

fn nothing_done(state: &mut State, work: Work) {
    state.hint(format!("Nothing was {}.", files::deed(work).1));
}

/// Alt or Shift moves. Many terminals keep Shift for themselves, some keep Alt.
fn work(event: MouseEvent) -> Work {
    if event.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SHIFT) { Work::Move } else { Work::Copy }
}

/// What was pressed, with all that is selected if it is selected as well. `None` where the pane
/// shows something else by now.
fn load(state: &State, side: Side, folder: &Location, name: &[u8]) -> Option<Load> {
    let view = &state.pane(side).view;
    if view.location.as_ref() != Some(folder) {
        return None;
    }
    let item = view.listing.get(view.listing.position(name)?)?;
    let (items, name) = if item.selected {
        files::targets(view, folder)
    } else {
        (vec![folder.join(name)], files::display_name(item))
    };
    Some(Load { folder: folder.clone(), items, name })
}

/// Puts the line between the panes into that column.
fn divide(state: &mut State, areas: &Areas, column: u16) {
    let (Some(left), Some(right)) = (&areas.left, &areas.right) else { return };
    let whole = u32::from(right.outer.right().saturating_sub(left.outer.x)).max(1);
    let wide = u32::from(column.saturating_sub(left.outer.x)) + 1;
    let split = (wide * 1000).div_ceil(whole).clamp(200, 800);
    state.split = u16::try_from(split).unwrap_or(500);
}
