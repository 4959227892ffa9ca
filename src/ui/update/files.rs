//! Copying, renaming, creating and deleting: what is checked and asked before the engine hears
//! of it.

use super::{
    effect::{Effect, Effects},
    questions, removal, rename,
};
use crate::{
    engine::Command,
    fs::{Entry, Kind, Location, path::check_name},
    transfer::{Landing, OnConflict, Policy, Request},
    ui::{
        action::Action,
        layout,
        state::{Errand, Field, Item, Load, Overlay, Panel, State, Tone, Transfer, Typing, View, Work},
    },
    words,
};

pub(super) fn on_action(state: &mut State, action: Action, fx: &mut Effects) {
    let Some(here) = state.active().usable().cloned() else {
        let again = state.keymap.all_keys(Action::Refresh).first().map(|key| format!("; {key} tries again"));
        let text =
            format!("This pane shows no place that can be worked in now{}.", again.unwrap_or_default());
        return state.hint(text);
    };
    match action {
        Action::Copy => transfer_to_other(state, &here, Work::Copy, fx),
        Action::Move => transfer_to_other(state, &here, Work::Move, fx),
        Action::Rename if state.active().view.listing.selected().count > 1 => rename::open(state, here),
        Action::Rename => {
            let Some(item) = state.active().view.current() else {
                return state.hint("Put the cursor on what to rename.");
            };
            // What cannot be typed is spelled out, so that it can stay as it is.
            let name = words::spell(&item.entry.name);
            let location = here.join(&item.entry.name);
            open_field(state, Typing::Rename(location), Field::text(&name));
        }
        Action::NewFolder => open_field(state, Typing::NewFolder(here), Field::default()),
        Action::NewFile => open_field(state, Typing::NewFile(here), Field::default()),
        Action::Symlink | Action::HardLink => {
            let Some(item) = state.active().view.current() else {
                return state.hint("Put the cursor on what the link is to lead to.");
            };
            let (name, location) = (words::spell(&item.entry.name), here.join(&item.entry.name));
            let typing = match action {
                Action::Symlink => Typing::Symlink(location),
                _ if item.entry.kind == Kind::Dir => {
                    return state.hint("A folder cannot have a second name: create a symbolic link to it.");
                }
                _ => Typing::HardLink(location),
            };
            open_field(state, typing, Field::text(&name));
        }
        Action::Delete => ask_delete(state, &here, fx),
        _ => {}
    }
}

pub(super) fn open_field(state: &mut State, typing: Typing, field: Field) {
    state.overlays.push(Overlay::Text { typing, field, error: None });
}

/// The targets' locations and what to call them together.
pub(super) fn targets(view: &View, here: &Location) -> (Vec<Location>, String) {
    let items = view.targets();
    let name = match items.as_slice() {
        [one] => display_name(one),
        many => words::plural(many.len() as u64, "item", "items"),
    };
    (items.iter().map(|item| here.join(&item.entry.name)).collect(), name)
}

pub(super) fn display_name(item: &Item) -> String {
    entry_name(&item.entry)
}

pub(super) fn entry_name(entry: &Entry) -> String {
    let name = words::escape_bytes(&entry.name);
    match entry.kind {
        Kind::Dir => format!("{name}/"),
        Kind::Symlink => format!("{name}@"),
        Kind::File | Kind::Other => name,
    }
}

fn transfer_to_other(state: &mut State, here: &Location, work: Work, fx: &mut Effects) {
    let (deed, _) = deed(work);
    let (items, name) = targets(&state.active().view, here);
    if items.is_empty() {
        return state.hint(format!("Nothing to {deed}: select something, or put the cursor on it."));
    }
    let other = state.pane(state.active.other());
    let Some(target) = other.usable().cloned() else {
        return state.hint(format!("The other pane shows no place to {deed} to."));
    };
    if target == *here {
        return state.hint(format!(
            "Both panes show the same folder: choose another one in the other pane to {deed} to."
        ));
    }
    let label = layout::place_label(&other.view, &target, &state.home);
    let load = Load { folder: here.clone(), items, name };
    send(state, work, load, target, label, fx);
}

/// What the work is called, before and after.
pub(super) fn deed(work: Work) -> (&'static str, &'static str) {
    if work == Work::Move { ("move", "moved") } else { ("copy", "copied") }
}

/// Copies or moves a load into a folder, which is called `label`; false where that cannot be.
pub(super) fn send(
    state: &mut State,
    work: Work,
    load: Load,
    target: Location,
    label: String,
    fx: &mut Effects,
) -> bool {
    if let Some(source) = load.swallowed_by(&target) {
        let name = words::escape_bytes(source.path.name().unwrap_or_default());
        state.say(Tone::Bad, format!("{name} cannot be {} into itself.", deed(work).1));
        return false;
    }
    let Load { folder, items, name } = load;
    let moving = work == Work::Move;
    let policy = Policy { on_conflict: OnConflict::Ask, verify: state.verify, ..Policy::default() };
    let request = Request {
        sources: items,
        target: target.clone(),
        landing: Landing::Into,
        policy,
        remove_source: moving,
    };
    let touches = if moving { vec![target, folder] } else { vec![target] };
    let job = state.fresh_job();
    let mut transfer = transfer(job, work, name, label, touches);
    transfer.request = Some(Box::new(request.clone()));
    state.transfers.jobs.push(transfer);
    show_transfers(state);
    fx.push(Effect::Send(Command::Copy { job, request }));
    true
}

pub(super) fn transfer(
    job: crate::engine::JobId,
    work: Work,
    name: String,
    target: String,
    touches: Vec<Location>,
) -> Transfer {
    Transfer::new(job, work, name, target, touches)
}

pub(super) fn show_transfers(state: &mut State) {
    state.notice = None;
    if !state.in_panel {
        // On a small screen the panel would hide the panes; the title line tells of the job.
        // Nor does it take the place of a log that somebody reads.
        let opens = state.panel.is_none() && layout::has_room_for_panel(state.size);
        state.panel = opens.then_some(Panel::Transfers).or(state.panel);
        state.transfers.cursor = state.transfers.jobs.len().saturating_sub(1);
    }
}

fn ask_delete(state: &mut State, here: &Location, fx: &mut Effects) {
    let view = &state.active().view;
    let (items, name) = targets(view, here);
    if items.is_empty() {
        return state.hint("Nothing to delete: select something, or put the cursor on it.");
    }
    let chosen = view.targets();
    let of_kind = |kind| chosen.iter().filter(move |item| item.entry.kind == kind);
    let (dirs, links) = (of_kind(Kind::Dir).count() as u64, of_kind(Kind::Symlink).count() as u64);
    let files = chosen.len() as u64 - dirs - links;
    let bytes =
        of_kind(Kind::File).filter_map(|item| item.entry.attributes.size).fold(0, u64::saturating_add);
    let mut lines = vec![format!("In {}", layout::place_label(view, here, &state.home))];
    if files > 0 {
        lines.push(format!("{}, {}", words::plural(files, "file", "files"), words::size(bytes)));
    }
    if links > 0 {
        let spared = if links == 1 { "it leads to" } else { "they lead to" };
        lines.push(format!("{}, but not what {spared}", words::plural(links, "link", "links")));
    }
    let folders = of_kind(Kind::Dir).map(|item| here.join(&item.entry.name)).collect();
    let what = std::mem::replace(&mut lines, vec!["This cannot be undone.".to_owned(), String::new()]);
    const NAMED: usize = 6;
    lines.extend(chosen.iter().take(NAMED).map(|item| format!("  {}", display_name(item))));
    if chosen.len() > NAMED {
        lines.push(format!("  and {} more", words::count((chosen.len() - NAMED) as u64)));
    }
    removal::ask(state, (items, name), folders, (what, lines), fx);
}

/// The person said yes.
pub(super) fn remove(state: &mut State, items: Vec<Location>, name: String, fx: &mut Effects) {
    let job = state.fresh_job();
    let mut touches: Vec<Location> = Vec::new();
    for parent in items.iter().filter_map(Location::parent) {
        if !touches.contains(&parent) {
            touches.push(parent);
        }
    }
    state.transfers.jobs.push(transfer(job, Work::Remove, name, String::new(), touches));
    show_transfers(state);
    fx.push(Effect::Send(Command::Remove { job, items }));
}

/// Creates the folder that was typed; an error says why the name will not do.
pub(super) fn create_dir(
    state: &mut State,
    parent: Location,
    name: &str,
    fx: &mut Effects,
) -> Result<(), String> {
    check(name.as_bytes())?;
    let job = state.fresh_job();
    let location = parent.join(name.as_bytes());
    state.errands.push(Errand {
        job,
        touches: vec![parent],
        wanted: name.as_bytes().into(),
        doing: format!("Creating the folder {}", words::escape(name)),
        done: format!("Created the folder {}.", words::escape(name)),
    });
    fx.push(Effect::Send(Command::CreateDir { job, location, parents: false }));
    Ok(())
}

/// Renames to what was typed; an error says why the name will not do.
pub(super) fn rename_one(
    state: &mut State,
    from: Location,
    name: &str,
    fx: &mut Effects,
) -> Result<(), String> {
    let name = words::unspell(name)?;
    if from.path.name() == Some(&name) {
        return Ok(());
    }
    check(&name)?;
    let Some(parent) = from.parent() else { return Ok(()) };
    let job = state.fresh_job();
    let to = parent.path.join(&name);
    let done = format!("Renamed to {}.", words::escape_bytes(&name));
    let doing = format!("Renaming to {}", words::escape_bytes(&name));
    state.errands.push(Errand { job, touches: vec![parent], wanted: name.into(), doing, done });
    fx.push(Effect::Send(Command::Rename { job, from, to }));
    Ok(())
}

/// Creates the empty file that was typed.
pub(super) fn create_file(
    state: &mut State,
    parent: Location,
    name: &str,
    fx: &mut Effects,
) -> Result<(), String> {
    check(name.as_bytes())?;
    let job = state.fresh_job();
    let location = parent.join(name.as_bytes());
    state.errands.push(Errand {
        job,
        touches: vec![parent],
        wanted: name.as_bytes().into(),
        doing: format!("Creating the file {}", words::escape(name)),
        done: format!("Created the file {}.", words::escape(name)),
    });
    fx.push(Effect::Send(Command::CreateFile { job, location }));
    Ok(())
}

/// Links to `item` under the name, or at the path, that was typed.
pub(super) fn link(
    state: &mut State,
    item: Location,
    text: &str,
    symbolic: bool,
    fx: &mut Effects,
) -> Result<(), String> {
    let typed = words::unspell(text)?;
    let (Some(folder), Some(own)) = (item.parent(), item.path.name()) else { return Ok(()) };
    if !typed.contains(&b'/') {
        check(&typed)?;
    }
    let at = Location::new(item.fs.clone(), folder.path.resolve(&typed));
    let (Some(parent), Some(name)) = (at.parent(), at.path.name()) else {
        return Err("A link needs a name.".to_owned());
    };
    if at == item {
        return Err("The link needs a name of its own.".to_owned());
    }
    let job = state.fresh_job();
    state.errands.push(Errand {
        job,
        touches: vec![parent.clone()],
        wanted: name.into(),
        doing: format!("Creating the link {}", words::escape_bytes(name)),
        done: format!("Created the link {}.", words::escape_bytes(name)),
    });
    fx.push(Effect::Send(if symbolic {
        // Beside what it leads to, a link that moves with its folder.
        let target = if parent == folder { own.to_vec() } else { item.path.as_bytes().to_vec() };
        Command::Symlink { job, location: at, target }
    } else {
        Command::HardLink { job, location: item, to: at.path }
    }));
    Ok(())
}

/// Esc: true if a small job was going on; what it says comes with its end.
pub(super) fn stop_errand(state: &mut State, fx: &mut Effects) -> bool {
    let Some(job) = state.errands.first().map(|errand| errand.job) else { return false };
    fx.push(Effect::Send(Command::Cancel { job }));
    questions::drop_of(state, job, fx);
    true
}

fn check(name: &[u8]) -> Result<(), String> {
    check_name(name).map_err(|why| format!("{}.", words::capital(&why.to_string())))
}
