//! Going somewhere and looking around: connecting, listing, history, cursor, selection, order.
//! Must touch no files.

use super::{
    effect::{Effect, Effects},
    goto, questions, viewer,
};
use crate::{
    config::Named,
    engine::Command,
    fs::{
        Error, ErrorKind, FsId, Location, Operation, Place, PlacePath, RemotePath,
        entry::{Kind, Sort, SortKey},
    },
    transfer::find,
    ui::{
        action::Action,
        layout,
        state::{
            Connecting, Field, Loading, Lost, Overlay, Phase, Row, SORTS, Side, State, Step, Tone, Typing,
            View,
        },
    },
    words,
};

/// Goes to a place that may have to be connected first.
pub fn open(state: &mut State, side: Side, place: Place, fx: &mut Effects) {
    connect(state, side, place, Step::New, fx);
}

pub(super) fn connect(state: &mut State, side: Side, place: Place, step: Step, fx: &mut Effects) {
    state.notice = None;
    stop_waiting(state, side, fx);
    let label = match &place {
        Place::Local(_) => "this machine".to_owned(),
        Place::Remote(target, _) => words::escape(&target.label()).into_owned(),
    };
    let job = state.fresh_job();
    let since = state.clock.running;
    let pane = state.pane_mut(side);
    set_aside(pane);
    pane.step = step;
    pane.is_new = false;
    pane.tried = Some(place.clone());
    pane.phase = Phase::Connecting(Connecting { job, label, place: place.clone(), stage: None, since });
    fx.push(Effect::Send(Command::Open { job, place }));
}

/// Connects again to where the pane already is; what it shows stays.
fn reconnect(state: &mut State, side: Side, location: &Location, fx: &mut Effects) {
    let place = place_of(state, location);
    stop_waiting(state, side, fx);
    let shown = state.pane(side).view.clone();
    connect(state, side, place, Step::New, fx);
    state.pane_mut(side).view = shown;
}

/// A location as a place that can be opened again.
pub(super) fn place_of(state: &State, location: &Location) -> Place {
    match state.targets.get(&location.fs) {
        Some(target) => Place::Remote(target.clone(), PlacePath::Absolute(location.path.clone())),
        None if location.fs.is_local() => Place::Local(location.path.as_bytes().to_vec()),
        // The id is the URL of the login; a host that was never typed here still has that.
        None => match Place::parse(location.fs.as_str().as_bytes()) {
            Ok(Place::Remote(target, _)) => Place::Remote(target, PlacePath::Absolute(location.path.clone())),
            Ok(local) => local,
            Err(_) => Place::Local(location.path.as_bytes().to_vec()),
        },
    }
}

/// Keeps what is shown, to come back to; an unfinished way keeps where it began.
fn set_aside(pane: &mut crate::ui::state::Pane) {
    pane.chooser = None;
    let empty = View { listing: pane.view.listing.emptied(), ..View::default() };
    let view = std::mem::replace(&mut pane.view, empty);
    let phase = std::mem::replace(&mut pane.phase, Phase::Ready);
    if pane.before.is_none() && view.location.is_some() {
        let phase = if matches!(phase, Phase::Failed(_) | Phase::Lost(_)) { phase } else { Phase::Ready };
        pane.before = Some(Box::new((view, phase)));
    }
    pane.wanted = None;
}

fn is_lost(state: &State, fs: &FsId) -> bool {
    state.all_panes().any(|pane| {
        matches!(pane.phase, Phase::Lost(_)) && pane.view.location.as_ref().is_some_and(|l| l.fs == *fs)
    })
}

/// Lists another directory of a file system that is connected, or connects it again.
pub(super) fn go(
    state: &mut State,
    side: Side,
    location: Location,
    step: Step,
    wanted: Option<Box<[u8]>>,
    fx: &mut Effects,
) {
    state.filtering = false;
    state.notice = None;
    if is_lost(state, &location.fs) {
        let place = place_of(state, &location);
        connect(state, side, place, step, fx);
        state.pane_mut(side).wanted = wanted;
        return;
    }
    stop_waiting(state, side, fx);
    let info = state.servers.get(&location.fs).cloned().unwrap_or_default();
    let pane = state.pane_mut(side);
    set_aside(pane);
    pane.step = step;
    pane.wanted = wanted;
    pane.view.info = info;
    start_listing(state, side, location, fx);
}

/// Asks for the listing of `location` in a pane that shows it or is about to.
pub(super) fn start_listing(state: &mut State, side: Side, location: Location, fx: &mut Effects) {
    let job = state.fresh_job();
    let since = state.clock.running;
    let pane = state.pane_mut(side);
    let again = pane.view.location.as_ref() == Some(&location);
    let incoming = again.then(|| pane.view.listing.emptied());
    if !again {
        // Another directory: what the filter was typed for is not there.
        pane.view.listing = pane.view.listing.emptied();
        pane.view.listing.set_filter("");
        pane.view.location = Some(location.clone());
        (pane.view.cursor, pane.view.top, pane.view.incomplete) = (0, 0, false);
    }
    pane.phase = Phase::Listing(Loading { job, since, incoming });
    fx.push(Effect::Send(Command::List { job, location }));
}

/// Lists again where a pane shows `location`, unless it is busy with that already.
pub(super) fn refresh_showing(state: &mut State, location: &Location, fx: &mut Effects) {
    state.in_every_tab(|state| refresh_here(state, location, fx));
}

fn refresh_here(state: &mut State, location: &Location, fx: &mut Effects) {
    for side in Side::BOTH {
        let pane = state.pane(side);
        let shows = pane.view.location.as_ref() == Some(location);
        if shows && matches!(pane.phase, Phase::Ready | Phase::Listing(_)) {
            let wanted = state.pane_mut(side).wanted.take();
            stop_waiting(state, side, fx);
            state.pane_mut(side).wanted = wanted;
            start_listing(state, side, location.clone(), fx);
        }
    }
}

/// The way led somewhere: it enters the history.
pub(super) fn arrive(state: &mut State, side: Side) {
    const REMEMBERED: usize = 100;
    let pane = state.pane_mut(side);
    let Some(before) = pane.before.take() else { return };
    let Some(left) = before.0.location.filter(|location| Some(location) != pane.view.location.as_ref())
    else {
        return;
    };
    match pane.step {
        Step::New => {
            pane.forward.clear();
            pane.back.push(left);
            if pane.back.len() > REMEMBERED {
                pane.back.remove(0);
            }
        }
        Step::Back => {
            pane.back.pop();
            pane.forward.push(left);
        }
        Step::Forward => {
            pane.forward.pop();
            pane.back.push(left);
        }
    }
}

/// Tells the engine that nobody waits for this pane's job any more.
pub(super) fn stop_waiting(state: &mut State, side: Side, fx: &mut Effects) {
    if let Some(job) = state.pane(side).job() {
        fx.push(Effect::Send(Command::Cancel { job }));
        questions::drop_of(state, job, fx);
        let pane = state.pane_mut(side);
        if let Phase::Listing(loading) = &pane.phase {
            pane.view.incomplete |= loading.incoming.is_none();
        }
        pane.phase = Phase::Ready;
    }
}

/// Esc while waiting: back to what was there before, or content with what has come.
pub(super) fn give_up(state: &mut State, side: Side, fx: &mut Effects) {
    let cancelled = Error::new(ErrorKind::Cancelled, Operation::Connect);
    let cancelled = match &state.pane(side).phase {
        Phase::Connecting(connecting) => cancelled.on(connecting.label.as_str()),
        _ => cancelled,
    };
    stop_waiting(state, side, fx);
    go_back_to_before(state, side, cancelled);
    state.hint("Cancelled.");
}

fn go_back_to_before(state: &mut State, side: Side, why: Error) {
    let pane = state.pane_mut(side);
    pane.wanted = None;
    match pane.before.take() {
        Some(before) => (pane.view, pane.phase) = *before,
        None if pane.view.location.is_none() => pane.phase = Phase::Failed(why),
        None => pane.phase = Phase::Ready,
    }
}

/// What the pane waited for failed: back to where it was, and say why.
pub(super) fn fail(state: &mut State, side: Side, error: Error) {
    let pane = state.pane_mut(side);
    let connecting = matches!(pane.phase, Phase::Connecting(_));
    let fs = pane.view.location.as_ref().map(|location| location.fs.clone());
    let had_entries = pane.view.listing.loaded() > 0 && pane.before.is_none();
    let returns = pane.before.is_some();
    if let Phase::Listing(Loading { incoming: None, .. }) = pane.phase {
        pane.view.incomplete = true;
    }
    go_back_to_before(state, side, error.clone());
    let lost = !connecting && error.kind().ends_session();
    let pane = state.pane_mut(side);
    if lost && pane.view.location.as_ref().map(|location| &location.fs) == fs.as_ref() {
        pane.phase = Phase::Lost(Lost::new(error.clone()));
    } else if !returns && !had_entries {
        pane.phase = Phase::Failed(error.clone());
        return;
    }
    let words = words::error(&error);
    if connecting {
        state.overlays.push(Overlay::Error { words, scroll: 0 });
    } else {
        state.say(Tone::Bad, words.to_string());
    }
}

/// Actions that lead to another place.
pub(super) fn on_action(state: &mut State, action: Action, fx: &mut Effects) {
    let side = state.active;
    let here = state.pane(side).view.location.clone();
    match action {
        Action::Open => open_current(state, side, fx),
        Action::Parent => match here.as_ref().and_then(Location::parent) {
            Some(parent) => {
                let name = here.and_then(|location| location.path.name().map(Into::into));
                go(state, side, parent, Step::New, name, fx);
            }
            None => state.hint("There is nothing above."),
        },
        Action::Home => match here {
            Some(location) if !location.fs.is_local() => {
                if let Place::Remote(target, _) = place_of(state, &location) {
                    connect(state, side, Place::Remote(target, PlacePath::Login), Step::New, fx);
                }
            }
            _ => go(state, side, Location::new(FsId::local(), state.home.clone()), Step::New, None, fx),
        },
        Action::GoTo => {
            goto::open(state, side, fx);
        }
        Action::Back => match state.pane(side).back.last().cloned() {
            Some(location) => go(state, side, location, Step::Back, None, fx),
            None => state.hint("This pane has not been anywhere before."),
        },
        Action::Forward => match state.pane(side).forward.last().cloned() {
            Some(location) => go(state, side, location, Step::Forward, None, fx),
            None => state.hint("There is no way forward from here."),
        },
        Action::ShowLeft => show_in(state, Side::Left, fx),
        Action::ShowRight => show_in(state, Side::Right, fx),
        Action::SamePlace => show_in(state, side.other(), fx),
        Action::Swap => std::mem::swap(&mut state.left, &mut state.right),
        Action::Refresh => refresh(state, side, fx),
        _ => {}
    }
}

/// To a folder of the path that is shown, by how many names its own path has.
pub(super) fn go_up_to(state: &mut State, side: Side, depth: usize, fx: &mut Effects) {
    let Some(here) = state.pane(side).view.location.clone() else { return };
    let names: Vec<&[u8]> = here.path.components().collect();
    let Some(below) = names.get(depth) else { return };
    let path = names.iter().take(depth).fold(RemotePath::root(), |path, name| path.join(name));
    let wanted = Some((*below).into());
    go(state, side, Location::new(here.fs.clone(), path), Step::New, wanted, fx);
}

fn show_in(state: &mut State, side: Side, fx: &mut Effects) {
    match state.pane(side.other()).view.location.clone() {
        Some(location) if state.pane(side).view.location.as_ref() == Some(&location) => {
            state.hint("Both panes show this place already.");
        }
        Some(location) => go(state, side, location, Step::New, None, fx),
        None => state.hint("The other pane shows no place yet."),
    }
}

fn open_current(state: &mut State, side: Side, fx: &mut Effects) {
    let view = &state.pane(side).view;
    let Some(location) = view.location.clone() else {
        if let Phase::Failed(error) = &state.pane(side).phase {
            let words = words::error(error);
            state.overlays.push(Overlay::Error { words, scroll: 0 });
        }
        return;
    };
    match view.row(view.cursor) {
        None => {}
        Some(Row::Above) => on_action(state, Action::Parent, fx),
        Some(Row::Item(item)) => {
            let unknown_link = item.entry.kind == Kind::Symlink && item.entry.target_kind.is_none();
            let name = item.entry.name.clone();
            if item.entry.is_dir_like() || unknown_link {
                go(state, side, location.join(&name), Step::New, None, fx);
                return;
            }
            viewer::open(state);
        }
    }
}

fn refresh(state: &mut State, side: Side, fx: &mut Effects) {
    state.notice = None;
    let pane = state.pane(side);
    match (&pane.phase, pane.view.location.clone(), pane.tried.clone()) {
        (Phase::Connecting(_), ..) => state.hint("It is connecting already; Esc stops it."),
        (Phase::Lost(_), Some(location), _) => reconnect(state, side, &location, fx),
        (_, Some(location), _) => {
            stop_waiting(state, side, fx);
            // What folders hold may have changed as well.
            state.pane_mut(side).view.keep_cursor(|listing| listing.forget_measured());
            start_listing(state, side, location, fx);
        }
        (_, None, Some(place)) => connect(state, side, place, Step::New, fx),
        (_, None, None) => {}
    }
}

/// Opens a place, and what belongs to it on this machine in the other pane if that one shows this
/// machine.
pub(super) fn open_named(state: &mut State, side: Side, named: Named, fx: &mut Effects) {
    if let Some(local) = named.local {
        let other = state.pane(side.other());
        let is_local = match &other.view.location {
            Some(location) => location.fs.is_local(),
            None => other.chooser.is_some(),
        };
        if is_local {
            connect(state, side.other(), local, Step::New, fx);
        }
    }
    state.pane_mut(side).chooser = None;
    connect(state, side, named.place, Step::New, fx);
}

/// What was typed into the go-to field, as seen from this pane.
pub(super) fn go_to_text(state: &mut State, side: Side, text: &str, fx: &mut Effects) -> Result<(), Error> {
    let here = state.pane(side).view.location.clone();
    if let Some(path) = text.strip_prefix("local:") {
        let path =
            if path.is_empty() { state.home.clone() } else { local_path(&state.home, &state.home, path) };
        go(state, side, Location::new(FsId::local(), path), Step::New, None, fx);
        return Ok(());
    }
    if let Some(named) = state.places.named(text)? {
        open_named(state, side, named, fx);
        return Ok(());
    }
    match Place::parse(text.as_bytes())? {
        Place::Remote(target, path) => connect(state, side, Place::Remote(target, path), Step::New, fx),
        Place::Local(_) => match here {
            Some(location) if location.fs.is_local() => {
                let path = local_path(&state.home, &location.path, text);
                go(state, side, Location::new(location.fs, path), Step::New, None, fx);
            }
            Some(location) => match (place_of(state, &location), text.strip_prefix('~')) {
                (Place::Remote(target, _), Some(rest)) if rest.is_empty() || rest.starts_with('/') => {
                    let rest = rest.trim_start_matches('/').as_bytes().to_vec();
                    let path = if rest.is_empty() { PlacePath::Login } else { PlacePath::Relative(rest) };
                    connect(state, side, Place::Remote(target, path), Step::New, fx);
                }
                _ => {
                    let path = location.path.resolve(text.as_bytes());
                    go(state, side, Location::new(location.fs, path), Step::New, None, fx);
                }
            },
            None => {
                let path = local_path(&state.home, &state.home, text);
                connect(state, side, Place::Local(path.as_bytes().to_vec()), Step::New, fx);
            }
        },
    }
    Ok(())
}

pub(super) fn local_path(home: &RemotePath, here: &RemotePath, text: &str) -> RemotePath {
    match text.strip_prefix('~') {
        Some("") => home.clone(),
        Some(rest) if rest.starts_with('/') => home.resolve(rest.trim_start_matches('/').as_bytes()),
        _ => here.resolve(text.as_bytes()),
    }
}

/// Actions that change how the place is looked at.
pub(super) fn on_view_action(state: &mut State, action: Action) {
    let areas = layout::layout(state.size, state);
    let side = state.active;
    let page = areas.pane(side).map_or(1, |pane| usize::from(pane.rows.height).saturating_sub(1).max(1));
    let pane = state.pane_mut(side);
    let view = &mut pane.view;
    // Whoever moves knows where they want to be.
    pane.wanted = None;
    match action {
        Action::Up => view.move_to(view.cursor.saturating_sub(1)),
        Action::Down => view.move_to(view.cursor.saturating_add(1)),
        Action::PageUp => view.move_to(view.cursor.saturating_sub(page)),
        Action::PageDown => view.move_to(view.cursor.saturating_add(page)),
        Action::First => view.move_to(0),
        Action::Last => view.move_to(usize::MAX),
        Action::Select | Action::SelectDown | Action::SelectUp => {
            if let Some(at) = view.entry_index(view.cursor) {
                let selected = view.listing.get(at).is_some_and(|item| item.selected);
                view.listing.set_selected(at, !selected);
            }
            match action {
                Action::SelectUp => view.move_to(view.cursor.saturating_sub(1)),
                _ => view.move_to(view.cursor.saturating_add(1)),
            }
        }
        Action::SelectAll => view.listing.select_by(|_| true),
        Action::Invert => view.listing.select_by(|was| !was),
        Action::SelectPattern | Action::UnselectPattern => {
            let typing = Typing::Pattern { side, select: action == Action::SelectPattern };
            state.overlays.push(Overlay::Text { typing, field: Field::text(""), error: None });
        }
        Action::Hidden => {
            let show = !view.listing.shows_hidden();
            view.keep_cursor(|listing| listing.set_hidden(show));
            state.hint(if show { "Hidden names are shown." } else { "Hidden names are hidden." });
        }
        Action::Filter => state.filtering = true,
        Action::Sort => {
            let choice = SORTS.iter().position(|key| *key == view.listing.sort().key).unwrap_or(0);
            state.overlays.push(Overlay::Sort { side, choice });
        }
        _ => {}
    }
}

/// Sorts by the key; by the key that it is sorted by already, the other way round.
pub(super) fn sort_by(state: &mut State, side: Side, key: SortKey) {
    let view = &mut state.pane_mut(side).view;
    let old = view.listing.sort();
    // The newest and the largest are what one looks for first.
    let descending =
        if old.key == key { !old.descending } else { matches!(key, SortKey::Size | SortKey::Modified) };
    view.keep_cursor(|listing| listing.set_sort(Sort { key, descending, ..old }));
}

/// Selects, or unselects, what is shown and has a name that the pattern describes, in either case.
pub(super) fn select_matching(
    state: &mut State,
    side: Side,
    select: bool,
    pattern: &str,
) -> Result<(), String> {
    let all = if pattern.is_empty() { "*" } else { pattern };
    let pattern = find::pattern(all).map_err(|why| format!("This is no pattern: {why}."))?;
    let options = glob::MatchOptions { case_sensitive: false, ..glob::MatchOptions::new() };
    let listing = &mut state.pane_mut(side).view.listing;
    let count = listing
        .select_where(select, |entry| pattern.matches_with(&String::from_utf8_lossy(&entry.name), options));
    let done = if select { "selected" } else { "unselected" };
    state.hint(match count {
        0 => "No name here is like that.".to_owned(),
        count => format!("{} {done}.", words::plural(count as u64, "name", "names")),
    });
    Ok(())
}
