//! Properties, permissions and owners: what the dialogs show, and what becomes of them.

use super::{
    effect::{Effect, Effects},
    files::{open_field, targets, transfer},
};
use crate::{
    engine::{Command, JobId, What},
    fs::{Algorithm, Kind, Location, mode::ModeChange},
    transfer::{Change, Owner},
    ui::{
        action::Action,
        state::{
            Field, Overlay, Permissions, Properties, State, Typing, Work,
            overlay::{Sum, bit},
        },
    },
    words,
};

pub(super) fn on_action(state: &mut State, action: Action, fx: &mut Effects) {
    let Some(here) = state.active().usable().cloned() else {
        return state.hint("This pane shows no place that can be worked in now.");
    };
    let view = &state.active().view;
    if view.targets().is_empty() {
        return state.hint("Select something, or put the cursor on it.");
    }
    match action {
        Action::Properties => {
            let Some(item) = view.current().or_else(|| view.targets().first().copied()) else { return };
            let (location, entry) = (here.join(&item.entry.name), item.entry.clone());
            show(state, location, entry, fx);
        }
        Action::Permissions => {
            let (items, name) = targets(view, &here);
            let modes = view.targets().into_iter().map(|item| item.entry.attributes.mode);
            let first = view.targets().first().and_then(|item| item.entry.attributes.mode);
            let differ = first.is_none() || modes.into_iter().any(|mode| mode != first);
            let folders = view.targets().iter().any(|item| item.entry.kind == Kind::Dir);
            ask_mode(state, items, name, first, differ, folders);
        }
        Action::Owner => {
            let (items, name) = targets(view, &here);
            let owner =
                view.targets().first().map(|item| (item.entry.owner.clone(), item.entry.group.clone()));
            ask_owner(state, items, name, owner.unwrap_or_default());
        }
        _ => {}
    }
}

type Names = (Option<std::sync::Arc<str>>, Option<std::sync::Arc<str>>);

fn ask_owner(state: &mut State, items: Vec<Location>, name: String, (owner, group): Names) {
    let text = match (owner, group) {
        (Some(owner), Some(group)) => format!("{}:{}", words::escape(&owner), words::escape(&group)),
        (Some(owner), None) => words::escape(&owner).into_owned(),
        _ => String::new(),
    };
    open_field(state, Typing::Owner { items, name }, Field::text(&text));
}

fn ask_mode(
    state: &mut State,
    items: Vec<Location>,
    name: String,
    mode: Option<u32>,
    differ: bool,
    folders: bool,
) {
    state.overlays.push(Overlay::Permissions(Box::new(Permissions {
        items,
        name,
        mode: mode.unwrap_or(0o644),
        differ,
        folders,
        recursive: false,
        row: 0,
        column: 0,
        digits: String::new(),
    })));
}

fn show(state: &mut State, location: Location, entry: crate::fs::Entry, fx: &mut Effects) {
    let look = state.fresh_job();
    fx.push(Effect::Send(Command::Stat { job: look, location: location.clone() }));
    let properties = Properties { location, entry, look, sum: Sum::Unasked, choice: 0, scroll: 0 };
    state.overlays.push(Overlay::Properties(Box::new(properties)));
}

/// A button of the properties.
pub(super) fn chosen(state: &mut State, mut properties: Box<Properties>, fx: &mut Effects) {
    let (items, entry) = (vec![properties.location.clone()], properties.entry.clone());
    let name = words::escape_bytes(&entry.name);
    match (properties.choice, &properties.sum) {
        (1, Sum::Computing(_)) => state.overlays.push(Overlay::Properties(properties)),
        (1, _) if entry.is_dir_like() => {
            properties.sum = Sum::Failed("a folder has no checksum".to_owned());
            properties.scroll = usize::MAX;
            state.overlays.push(Overlay::Properties(properties));
        }
        (1, _) => {
            let job = state.fresh_job();
            let location = properties.location.clone();
            fx.push(Effect::Send(Command::Checksum { job, location, algorithm: Algorithm::Sha256 }));
            properties.sum = Sum::Computing(job);
            properties.scroll = usize::MAX;
            state.overlays.push(Overlay::Properties(properties));
        }
        (2, _) => {
            give_up(&properties, fx);
            let mode = entry.attributes.mode;
            ask_mode(state, items, name, mode, mode.is_none(), entry.kind == Kind::Dir);
        }
        (3, _) => {
            give_up(&properties, fx);
            ask_owner(state, items, name, (entry.owner, entry.group));
        }
        _ => give_up(&properties, fx),
    }
}

/// Stops what was under way for a dialog that is closed.
pub(super) fn give_up(properties: &Properties, fx: &mut Effects) {
    if let Sum::Computing(job) = properties.sum {
        fx.push(Effect::Send(Command::Cancel { job }));
    }
}

/// What the engine reports for the properties; hands back what is not about them.
pub(super) fn on_event(state: &mut State, job: JobId, what: What) -> Option<What> {
    let shown = state.overlays.iter_mut().rev().find_map(|overlay| match overlay {
        Overlay::Properties(properties) => Some(properties),
        _ => None,
    });
    let Some(properties) = shown else { return Some(what) };
    if properties.look == job {
        if let What::Entries(entries) = what
            && let Some(entry) = entries.into_iter().next()
        {
            let named = std::mem::replace(&mut properties.entry, entry);
            properties.entry.owner = properties.entry.owner.take().or(named.owner);
            properties.entry.group = properties.entry.group.take().or(named.group);
        }
        return None;
    }
    if !matches!(properties.sum, Sum::Computing(computing) if computing == job) {
        return Some(what);
    }
    match what {
        What::Checksum(sum) => properties.sum = Sum::Known(sum),
        What::Failed(error) => properties.sum = Sum::Failed(words::error(&error).said),
        What::Cancelled => properties.sum = Sum::Unasked,
        _ => return None,
    }
    // It stands at the end.
    properties.scroll = usize::MAX;
    None
}

fn rows(permissions: &Permissions) -> usize {
    if permissions.folders { 5 } else { 4 }
}

/// Arrows and Tab among the bits; true if the action was one of these.
pub(super) fn moved(permissions: &mut Permissions, action: Action) -> bool {
    let rows = rows(permissions);
    match action {
        Action::Up => permissions.row = (permissions.row + rows - 1) % rows,
        Action::Down => permissions.row = (permissions.row + 1) % rows,
        Action::PreviousChoice => permissions.column = (permissions.column + 2) % 3,
        Action::NextChoice => permissions.column = (permissions.column + 1) % 3,
        _ => return false,
    }
    permissions.digits.clear();
    true
}

/// Space and letters turn bits over; digits are the mode in octal.
pub(super) fn letter(permissions: &mut Permissions, c: char) {
    if c.is_digit(8) {
        if permissions.digits.len() == 4 {
            permissions.digits.clear();
        }
        permissions.digits.push(c);
        permissions.mode = u32::from_str_radix(&permissions.digits, 8).unwrap_or(permissions.mode);
        return;
    }
    permissions.digits.clear();
    let row = permissions.row;
    match c.to_ascii_lowercase() {
        ' ' if row == 4 => permissions.recursive = !permissions.recursive,
        ' ' => permissions.mode ^= bit(row, permissions.column),
        'r' if row < 3 => permissions.mode ^= bit(row, 0),
        'w' if row < 3 => permissions.mode ^= bit(row, 1),
        'x' if row < 3 => permissions.mode ^= bit(row, 2),
        'f' if permissions.folders => permissions.recursive = !permissions.recursive,
        _ => {}
    }
}

/// Takes the chosen permissions.
pub(super) fn set_mode(state: &mut State, permissions: Permissions, fx: &mut Effects) {
    let Permissions { items, name, mode, recursive, .. } = permissions;
    let mode = Some(if recursive { ModeChange::Tree(mode) } else { ModeChange::Exact(mode) });
    change(state, items, name, Change { mode, ..Change::default() }, recursive, fx);
}

/// Takes the typed owner; an error says why it is none.
pub(super) fn set_owner(
    state: &mut State,
    items: Vec<Location>,
    name: String,
    text: &str,
    fx: &mut Effects,
) -> Result<(), String> {
    let (owner, group) = text.split_once(':').unwrap_or((text, ""));
    let named = |name: &str| (!name.is_empty()).then(|| Owner::Name(name.to_owned()));
    let wanted = Change { owner: named(owner), group: named(group), ..Change::default() };
    if wanted == Change::default() {
        return Err("Write OWNER, OWNER:GROUP or :GROUP.".to_owned());
    }
    change(state, items, name, wanted, false, fx);
    Ok(())
}

fn change(
    state: &mut State,
    items: Vec<Location>,
    name: String,
    change: Change,
    recursive: bool,
    fx: &mut Effects,
) {
    let job = state.fresh_job();
    let mut touches: Vec<Location> = Vec::new();
    for parent in items.iter().filter_map(Location::parent) {
        if !touches.contains(&parent) {
            touches.push(parent);
        }
    }
    state.notice = None;
    state.transfers.jobs.push(transfer(job, Work::Change, name, String::new(), touches));
    fx.push(Effect::Send(Command::SetAttributes { job, items, change, recursive }));
}
