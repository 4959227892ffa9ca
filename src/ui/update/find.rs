//! Looking for names below a folder: asking, taking in what is found, and acting upon it. What is
//! done with a match is done by `files` and `places`, as for any item.

use tui_input::InputRequest;

use super::{
    effect::{Effect, Effects},
    files, places, questions, removal, viewer,
};
use crate::{
    engine::{Command, JobId, What},
    fs::{Kind, Location},
    transfer::find::Query,
    ui::{
        action::Action,
        keymap::{self, Key},
        layout, sheet,
        state::{Click, Find, Load, Overlay, Search, Side, State, Step, Work, find::FIELDS},
    },
    words,
};

const DOUBLE_CLICK: std::time::Duration = std::time::Duration::from_millis(400);

/// Opens the dialog; the one that was left, where the pane still is where that led.
pub(super) fn open(state: &mut State) {
    let side = state.active;
    let Some(here) = state.active().usable().cloned() else {
        return state.hint("This pane shows no place that can be worked in now.");
    };
    state.filtering = false;
    state.notice = None;
    let kept = state.found.take().filter(|find| {
        let led = find.targets().first().and_then(|found| found.path.parent());
        find.root.fs == here.fs && (find.root.path == here.path || led.as_ref() == Some(&here.path))
    });
    let mut find = kept.unwrap_or_else(|| {
        let label = layout::place_label(&state.active().view, &here, &state.home);
        Box::new(Find::new(side, here, label))
    });
    (find.side, find.returns, find.said) = (side, false, None);
    state.overlays.push(Overlay::Find(find));
}

fn find_mut(state: &mut State) -> Option<&mut Find> {
    state.overlays.iter_mut().rev().find_map(|overlay| match overlay {
        Overlay::Find(find) => Some(&mut **find),
        _ => None,
    })
}

/// The one whose search this is, be it behind a file that is looked at.
fn waiting(state: &mut State, job: JobId) -> Option<&mut Find> {
    let open = state.overlays.iter_mut().filter_map(|overlay| match overlay {
        Overlay::Find(find) => Some(find),
        _ => None,
    });
    open.chain(&mut state.found).map(|find| &mut **find).find(|find| find.job() == Some(job))
}

/// Whether a search waits for this job.
pub(super) fn waits_for(state: &State, job: JobId) -> bool {
    let open = state.overlays.iter().filter_map(|overlay| match overlay {
        Overlay::Find(find) => Some(find),
        _ => None,
    });
    open.chain(&state.found).any(|find| find.job() == Some(job))
}

pub(super) fn on_event(state: &mut State, job: JobId, what: What) {
    let now = state.clock.running;
    let Some(find) = waiting(state, job) else { return };
    let Some(search) = &mut find.search else { return };
    match what {
        What::Matches(found) => search.matches.extend(found),
        What::Scanned(tally) => search.tally = tally,
        What::ItemFailed(error) => search.fail(error),
        What::Done(outcome) => {
            search.failures = outcome.failed;
            ended(find, now);
        }
        What::Failed(error) => {
            search.error = Some(error);
            ended(find, now);
        }
        What::Cancelled => ended(find, now),
        _ => {}
    }
}

fn ended(find: &mut Find, now: std::time::Duration) {
    let (cursor, marked) = (find.cursor, std::mem::take(&mut find.marked));
    let Some(search) = &mut find.search else { return };
    search.job = None;
    search.took = Some(now.saturating_sub(search.since));
    let count = search.matches.len();
    // What the cursor or a mark is on keeps it; a cursor that was never moved stays at the top.
    let followed: Vec<usize> = [cursor].into_iter().chain(marked).collect();
    let moved = search.sort(&find.root.path, &followed);
    find.marked = moved.iter().skip(1).copied().collect();
    if cursor > 0 && cursor < count {
        find.cursor = moved.first().copied().unwrap_or(cursor);
    }
}

/// Tells the search to stop; what it has found stays.
fn stop(state: &mut State, fx: &mut Effects) -> bool {
    let now = state.clock.running;
    let Some(find) = find_mut(state) else { return false };
    let Some(job) = find.job() else { return false };
    if let Some(search) = &mut find.search {
        search.stopped = true;
    }
    ended(find, now);
    fx.push(Effect::Send(Command::Cancel { job }));
    questions::drop_of(state, job, fx);
    true
}

/// Typing, and what changes a choice.
pub(super) fn key(state: &mut State, key: Key) {
    if let Some(request) = keymap::edit(key) {
        edit(state, request);
    }
}

pub(super) fn edit(state: &mut State, request: InputRequest) {
    use InputRequest::{GoToNextChar, GoToPrevChar, InsertChar};
    let Some(find) = find_mut(state) else { return };
    (find.error, find.said) = (None, None);
    match (find.focus, request) {
        (1, GoToNextChar | InsertChar(' ')) => find.change_wanted(true),
        (1, GoToPrevChar) => find.change_wanted(false),
        (2, GoToNextChar | GoToPrevChar | InsertChar(' ')) => find.heeds_case = !find.heeds_case,
        (_, request) => {
            // Whoever types means the name.
            find.focus = 0;
            find.name.input.handle(request);
        }
    }
}

/// A click on a field.
pub(super) fn focus_field(state: &mut State, at: usize) {
    let Some(find) = find_mut(state) else { return };
    (find.error, find.said) = (None, None);
    match at {
        1 => find.change_wanted(true),
        2 => find.heeds_case = !find.heeds_case,
        _ => {}
    }
    find.focus = at;
}

/// A click on a row of the list; the second one goes there.
pub(super) fn click(state: &mut State, row: usize, fx: &mut Effects) {
    let now = state.clock.running;
    let Some(find) = find_mut(state) else { return };
    find.move_to(row);
    let again = find
        .last_click
        .take()
        .is_some_and(|last| last.row == row && now.saturating_sub(last.at) <= DOUBLE_CLICK);
    if again {
        go(state, fx);
    } else {
        find.last_click = Some(Click { side: find.side, row, at: now });
    }
}

pub(super) fn on_action(state: &mut State, action: Action, fx: &mut Effects) {
    let page = sheet::sheet(state).map_or(1, |sheet| usize::from(sheet.body.height).saturating_sub(1)).max(1);
    let Some(find) = find_mut(state) else { return };
    let at = find.cursor;
    match action {
        Action::Up => find.move_to(at.saturating_sub(1)),
        Action::Down => find.move_to(at.saturating_add(1)),
        Action::PageUp => find.move_to(at.saturating_sub(page)),
        Action::PageDown => find.move_to(at.saturating_add(page)),
        Action::First => find.move_to(0),
        Action::Last => find.move_to(usize::MAX),
        Action::NextChoice => find.focus = (find.focus + 1) % FIELDS,
        Action::PreviousChoice => find.focus = (find.focus + FIELDS - 1) % FIELDS,
        Action::Select if find.current().is_some() => {
            if !find.marked.remove(&at) {
                find.marked.insert(at);
            }
            find.move_to(at + 1);
        }
        Action::Accept if !find.is_answered() => begin(state, fx),
        Action::Accept => go(state, fx),
        Action::View => view(state),
        Action::Copy => send(state, Work::Copy, fx),
        Action::Move => send(state, Work::Move, fx),
        Action::Delete => ask_delete(state, fx),
        Action::Cancel => {
            if !stop(state, fx)
                && let Some(Overlay::Find(find)) = state.overlays.pop()
            {
                state.found = find.search.is_some().then_some(find);
            }
        }
        _ => {}
    }
}

fn begin(state: &mut State, fx: &mut Effects) {
    stop(state, fx);
    let (job, since) = (state.fresh_job(), state.clock.running);
    let Some(find) = find_mut(state) else { return };
    let query = match Query::new(find.name.input.value(), find.wanted, find.heeds_case) {
        Ok(query) => query,
        Err(why) => return find.error = Some(format!("This is no pattern: {}.", words::escape(why))),
    };
    find.search = Some(Search::begin(find, job, since));
    find.marked.clear();
    (find.cursor, find.said) = (0, None);
    let location = find.root.clone();
    fx.push(Effect::Send(Command::Find { job, location, query }));
}

/// To the place of the match under the cursor, with the cursor on it.
fn go(state: &mut State, fx: &mut Effects) {
    let Some(find) = find_mut(state) else { return };
    if let Some(error) = find.failure() {
        let said = words::error(error).to_string();
        return find.said = Some(said);
    }
    let Some(location) = find.current().map(|found| Location::new(find.root.fs.clone(), found.path.clone()))
    else {
        return;
    };
    let (Some(parent), Some(name)) = (location.parent(), location.path.name()) else { return };
    stop(state, fx);
    let Some(Overlay::Find(find)) = state.overlays.pop() else { return };
    let side = find.side;
    state.found = Some(find);
    show(state, side, parent, name, fx);
}

/// Goes to a folder and puts the cursor on a name in it, be it one that is hidden.
pub(super) fn show(state: &mut State, side: Side, folder: Location, name: &[u8], fx: &mut Effects) {
    let view = &mut state.pane_mut(side).view;
    if name.starts_with(b".") && !view.listing.shows_hidden() {
        view.keep_cursor(|listing| listing.set_hidden(true));
    }
    if view.location.as_ref() == Some(&folder) {
        view.keep_cursor(|listing| listing.set_filter(""));
        if view.move_to_name(name) {
            return;
        }
    }
    places::go(state, side, folder, Step::New, Some(name.into()), fx);
}

fn view(state: &mut State) {
    let Some(find) = find_mut(state) else { return };
    let Some(found) = find.current() else { return };
    let (location, entry) = (Location::new(find.root.fs.clone(), found.path.clone()), found.entry.clone());
    if let Err(why) = viewer::open_at(state, location, &entry) {
        if let Some(find) = find_mut(state) {
            find.said = Some(why);
        }
        return;
    }
    if let Some(Overlay::Find(mut find)) = state.overlays.pop() {
        find.returns = true;
        state.found = Some(find);
    }
}

/// The file that was looked at is closed: back to where it was found.
pub(super) fn resume(state: &mut State) {
    if let Some(mut find) = state.found.take_if(|find| find.returns) {
        find.returns = false;
        state.overlays.push(Overlay::Find(find));
    }
}

/// What to act upon, and what it is called together.
fn load(find: &Find) -> Option<(Load, u64, u64)> {
    let targets = find.targets();
    let name = match targets.as_slice() {
        [] => return None,
        [one] => files::entry_name(&one.entry),
        many => words::plural(many.len() as u64, "item", "items"),
    };
    let items = targets.iter().map(|found| Location::new(find.root.fs.clone(), found.path.clone())).collect();
    let folders = targets.iter().filter(|found| found.entry.kind == Kind::Dir).count() as u64;
    let of_files = targets.iter().filter(|found| found.entry.kind == Kind::File);
    let bytes = of_files.filter_map(|found| found.entry.attributes.size).fold(0, u64::saturating_add);
    Some((Load { folder: find.root.clone(), items, name }, folders, bytes))
}

fn send(state: &mut State, work: Work, fx: &mut Effects) {
    let deed = files::deed(work).0;
    let Some(find) = find_mut(state) else { return };
    let Some((load, ..)) = load(find) else { return };
    let side = find.side.other();
    let other = state.pane(side);
    let said = match other.usable().cloned() {
        None => format!("The other pane shows no place to {deed} to."),
        Some(target) if load.items.iter().any(|item| item.parent().as_ref() == Some(&target)) => {
            format!("The other pane shows the folder it is in: choose another one there to {deed} to.")
        }
        Some(target) => {
            let label = layout::place_label(&other.view, &target, &state.home);
            let (name, items) = (load.name.clone(), load.items.clone());
            if files::send(state, work, load, target, label.clone(), fx) {
                if let (Work::Move, Some(find)) = (work, find_mut(state)) {
                    find.forget(&items);
                }
                let key = state.keymap.all_keys(Action::Transfers).first().map(ToString::to_string);
                format!("Begun: {deed} {name} to {label}; see Transfers ({}).", key.unwrap_or_default())
            } else {
                // Said in the status line already.
                return;
            }
        }
    };
    if let Some(find) = find_mut(state) {
        find.said = Some(said);
        find.marked.clear();
    }
}

fn ask_delete(state: &mut State, fx: &mut Effects) {
    const NAMED: usize = 6;
    let Some(find) = find_mut(state) else { return };
    let Some((load, folders, bytes)) = load(find) else { return };
    let mut lines = vec![format!("Below {}", find.label)];
    let rest = load.items.len() as u64 - folders;
    if rest > 0 {
        lines.push(format!("{}, {}", words::plural(rest, "file", "files"), words::size(bytes)));
    }
    let targets = find.targets();
    let inside = targets.iter().filter(|found| found.entry.kind == Kind::Dir);
    let inside = inside.map(|found| Location::new(find.root.fs.clone(), found.path.clone())).collect();
    let mut rest = vec![String::new()];
    for item in load.items.iter().take(NAMED) {
        let below = item.path.strip_prefix(&find.root.path).unwrap_or_default();
        rest.push(format!("  {}", words::escape_bytes(below)));
    }
    if load.items.len() > NAMED {
        rest.push(format!("  and {} more", words::count((load.items.len() - NAMED) as u64)));
    }
    removal::ask(state, (load.items, load.name), inside, (lines, rest), fx);
}

/// What was found is being deleted.
pub(super) fn removed(state: &mut State, items: &[Location]) {
    if let Some(find) = find_mut(state) {
        find.forget(items);
    }
}
