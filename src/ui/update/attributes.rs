//! Properties, permissions and owners: what the dialogs show, and what becomes of them.

use super::{
    effect::{Effect, Effects},
    files::{open_field, targets, transfer},
};
use crate::{
    engine::{Command, JobId, What},
    fs::{Algorithm, Entry, Kind, Location, Timestamp, mode::ModeChange},
    transfer::{Change, Owner},
    ui::{
        action::Action,
        state::{
            Field, Overlay, Permissions, Properties, State, Summary, Typing, Work,
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
            if view.listing.selected().count > 1 {
                return summarize(state, &here);
            }
            let Some(item) = view.targets().first().copied() else { return };
            let (location, entry) = (here.join(&item.entry.name), item.entry.clone());
            show(state, location, entry, fx);
        }
        Action::Permissions => {
            let (items, name) = targets(view, &here);
            let modes = view.targets().into_iter().map(|item| item.entry.attributes.mode).collect();
            let folders = view.targets().iter().any(|item| item.entry.kind == Kind::Dir);
            ask_mode(state, items, name, modes, folders);
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

fn ask_mode(state: &mut State, items: Vec<Location>, name: String, modes: Vec<Option<u32>>, folders: bool) {
    let (mode, mixed) = common_mode(&modes);
    state.overlays.push(Overlay::Permissions(Box::new(Permissions {
        items,
        name,
        mode,
        mixed,
        mixed_before: mixed,
        mode_before: mode,
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
            ask_mode(state, items, name, vec![mode], entry.kind == Kind::Dir);
        }
        (4, _) => {
            give_up(&properties, fx);
            ask_time(state, items, name, entry.attributes.mtime);
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
        // Whoever writes it all out means it for all.
        permissions.mixed = 0;
        return;
    }
    permissions.digits.clear();
    let row = permissions.row;
    match c.to_ascii_lowercase() {
        ' ' if row == 4 => permissions.recursive = !permissions.recursive,
        ' ' => turn(permissions, bit(row, permissions.column)),
        'r' if row < 3 => turn(permissions, bit(row, 0)),
        'w' if row < 3 => turn(permissions, bit(row, 1)),
        'x' if row < 3 => turn(permissions, bit(row, 2)),
        'f' if permissions.folders => permissions.recursive = !permissions.recursive,
        _ => {}
    }
}

/// On, off, and where they differed as they are again.
fn turn(permissions: &mut Permissions, bit: u32) {
    let is_on = permissions.mode & bit != 0;
    if permissions.mixed & bit != 0 {
        permissions.mixed &= !bit;
        permissions.mode |= bit;
    } else if is_on || permissions.mixed_before & bit == 0 {
        permissions.mode ^= bit;
    } else {
        permissions.mixed |= bit;
    }
}

/// The bits that are the same in all, and those that are not, or are not known.
fn common_mode(modes: &[Option<u32>]) -> (u32, u32) {
    if modes.iter().any(Option::is_none) {
        return (0, 0o777);
    }
    let all = modes.iter().flatten().fold(0o7777, |all, mode| all & mode);
    let any = modes.iter().flatten().fold(0, |any, mode| any | mode);
    (all, any & !all)
}

/// What several items have in common.
fn summarize(state: &mut State, here: &Location) {
    let view = &state.active().view;
    let (items, name) = targets(view, here);
    let entries: Vec<&Entry> = view.targets().into_iter().map(|item| &item.entry).collect();
    let count = |kind: Kind| entries.iter().filter(|entry| entry.kind == kind).count() as u64;
    let kinds = [
        (count(Kind::File), "file", "files"),
        (count(Kind::Dir), "folder", "folders"),
        (count(Kind::Symlink), "link", "links"),
        (count(Kind::Other), "other", "others"),
    ];
    let kinds: Vec<String> = kinds
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| words::plural(count, one, many))
        .collect();
    let untold = || "not told".to_owned();
    let time = |time: Timestamp| words::timestamp_in(time, state.clock.now, state.zone);
    let times = || entries.iter().filter_map(|entry| entry.attributes.mtime);
    let modified = match (times().min(), times().max()) {
        // Seconds apart may look alike.
        (Some(first), Some(last)) if time(first) == time(last) => time(first),
        (Some(first), Some(last)) => format!("{} to {}", time(first), time(last)),
        _ => untold(),
    };
    let same = |texts: Vec<String>| match texts.split_first() {
        None => untold(),
        Some((first, rest)) if rest.iter().all(|other| other == first) => first.clone(),
        Some(_) => {
            let different: std::collections::BTreeSet<String> = texts.into_iter().collect();
            let shown: Vec<String> = different.iter().take(4).cloned().collect();
            let more = if different.len() > 4 { ", …" } else { "" };
            format!("{}{more}", shown.join(", "))
        }
    };
    let principal = |name: &Option<std::sync::Arc<str>>, id: Option<u32>| match (name, id) {
        (Some(name), _) => words::escape(name).into_owned(),
        (None, Some(id)) => id.to_string(),
        (None, None) => untold(),
    };
    let modes: Vec<Option<u32>> = entries.iter().map(|entry| entry.attributes.mode).collect();
    let (mode, mixed) = common_mode(&modes);
    let facts = vec![
        ("In", words::escape_bytes(here.path.as_bytes())),
        ("Kind", kinds.join(", ")),
        ("Size", words::size(view.listing.selected().bytes)),
        ("Modified", modified),
        ("Mode", if modes.iter().all(Option::is_none) { untold() } else { words::mixed_mode(mode, mixed) }),
        ("Owner", same(entries.iter().map(|entry| principal(&entry.owner, entry.attributes.uid)).collect())),
        ("Group", same(entries.iter().map(|entry| principal(&entry.group, entry.attributes.gid)).collect())),
    ];
    let folders = count(Kind::Dir) > 0;
    let summary = Summary { items, name, facts, modes, folders, choice: 0, scroll: 0 };
    state.overlays.push(Overlay::Summary(Box::new(summary)));
}

/// A button of the properties of several.
pub(super) fn summary_chosen(state: &mut State, summary: Summary) {
    let Summary { items, name, modes, folders, choice, .. } = summary;
    match choice {
        1 => ask_mode(state, items, name, modes, folders),
        2 => ask_owner(state, items, name, Default::default()),
        3 => ask_time(state, items, name, None),
        _ => {}
    }
}

fn ask_time(state: &mut State, items: Vec<Location>, name: String, time: Option<Timestamp>) {
    let text = time.map(|time| words::exact_time(time, state.zone)).unwrap_or_default();
    open_field(state, Typing::Time { items, name }, Field::text(&text));
}

/// Takes the typed time; an error says why it is none.
pub(super) fn set_time(
    state: &mut State,
    items: Vec<Location>,
    name: String,
    text: &str,
    fx: &mut Effects,
) -> Result<(), String> {
    let text = text.trim();
    let (which, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let (modified, accessed, text) = match which {
        "accessed" => (false, true, rest),
        "modified" => (true, false, rest),
        "both" => (true, true, rest),
        _ => (true, false, text),
    };
    let time = words::parse_time(text.trim(), state.clock.now, state.zone)?;
    let wanted = |is_wanted: bool| is_wanted.then_some(time);
    let times = Change { mtime: wanted(modified), atime: wanted(accessed), ..Change::default() };
    change(state, items, name, times, false, fx);
    Ok(())
}

/// Takes the chosen permissions: what was not changed of those that differ stays.
pub(super) fn set_mode(state: &mut State, permissions: Permissions, fx: &mut Effects) {
    let Permissions { items, name, mode, mixed, mixed_before, mode_before, recursive, .. } = permissions;
    let mode = Some(match (mixed, recursive) {
        (0, true) => ModeChange::Tree(mode),
        (0, false) => ModeChange::Exact(mode),
        (_, tree) => {
            let changed = (mode ^ mode_before | mixed_before) & !mixed;
            ModeChange::Bits { set: mode & changed, clear: !mode & changed & 0o7777, tree }
        }
    });
    if let Some(ModeChange::Bits { set: 0, clear: 0, .. }) = mode {
        return state.hint("Nothing was changed.");
    }
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
