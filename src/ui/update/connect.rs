//! The connect screen: finding, opening, testing, removing. Must touch no file: what is to be kept
//! goes out as an effect.

mod form;
mod kept;
mod trial;

use tui_input::{Input, InputRequest};

pub(super) use form::{bookmark_this, focus_field, form_action, form_key};
pub(in crate::ui) use kept::import_name;
pub use kept::kept_at_start;
pub(super) use {kept::on_kept, trial::stop_trial};

use self::{
    form::{add, open_form, suggestion},
    kept::ask_import,
    trial::start_trial,
};
use super::{
    effect::{Demo, Effect, Effects},
    places, workspace,
};
use crate::{
    config::{self, Bookmark, Change, Named},
    engine::{Command, JobId, What},
    fs::{Error, FsId, Place, Target},
    ui::{
        action::Action,
        keymap::{self, Key},
        layout,
        state::{Choice, Chooser, Deed, Hosts, Overlay, Phase, Side, State, Step, Tone, connect::Start},
    },
    words,
};

/// Shows the connect screen in a pane.
pub fn choose(state: &mut State, side: Side, fx: &mut Effects) {
    state.filtering = false;
    state.notice = None;
    if let Some(error) = &state.places.error {
        let words = words::error(error).to_string();
        state.say(Tone::Bad, words);
    }
    state.pane_mut(side).chooser = Some(Chooser::new(&state.places));
    if state.places.hosts_job.is_none() {
        let job = state.fresh_job();
        state.places.hosts_job = Some(job);
        fx.push(Effect::Send(Command::Hosts { job }));
    }
    if state.places.can_keep {
        // Somebody may have changed the file meanwhile.
        fx.push(Effect::Keep(Change::Reload));
    }
    refresh(state);
}

/// The tour, when there is nothing to come back to and nobody has seen it.
pub fn greet(state: &mut State, fx: &mut Effects) {
    // The keys that the list of places names are to do what it says.
    if let Some(side) = Side::BOTH.into_iter().find(|side| state.pane(*side).chooser.is_some()) {
        state.active = side;
    }
    state.overlays.push(Overlay::Tour);
    fx.push(Effect::Keep(Change::Toured));
}

/// Starts the demo, to be shown in the active pane.
pub(super) fn start_demo(state: &mut State, fx: &mut Effects) {
    if state.places.can_demo {
        state.hint("Starting the demo: a server of its own over a sample tree…");
        fx.push(Effect::StartDemo);
    } else {
        state.hint("The demo is started by `wharf demo`.");
    }
}

/// The demo runs: its server here, what there is to send to it beside.
pub(super) fn demo_started(state: &mut State, demo: Result<Demo, String>, fx: &mut Effects) {
    match demo {
        Ok(Demo { server, local }) => {
            if let Place::Remote(target, _) = &server {
                state.places.demo = Some(FsId::new(target.label()));
            }
            let side = state.active;
            places::connect(state, side.other(), local, Step::New, fx);
            state.pane_mut(side).chooser = None;
            places::connect(state, side, server, Step::New, fx);
            state.hint(
                "This is the demo: nothing outside of its own folder is touched, and it goes when you quit.",
            );
        }
        Err(why) => state.say(Tone::Bad, format!("The demo could not start: {}.", words::escape(&why))),
    }
}

fn start(state: &mut State, side: Side, start: Start, fx: &mut Effects) {
    match start {
        Start::NewBookmark => add(state, side),
        Start::Import(program) => ask_import(state, Some(program)),
        Start::Demo => start_demo(state, fx),
        Start::Tour => state.overlays.push(Overlay::Tour),
        Start::Session => workspace::last_session(state, fx),
        Start::Workspaces => workspace::choose(state),
    }
}

/// Shows what is in the folder under the cursor, or hides it.
fn fold(state: &mut State, side: Side, open: Option<bool>) {
    let chooser = state.pane(side).chooser.as_ref();
    let Some(folder) = chooser.and_then(|chooser| chooser.folder()) else { return };
    let path = folder.path.clone();
    if open.unwrap_or(!folder.is_open) {
        state.places.closed.remove(&path);
    } else {
        state.places.closed.insert(path);
    }
    if let Some(chooser) = &mut state.pane_mut(side).chooser {
        chooser.moved = true;
    }
    refresh(state);
}

/// ← and →, which move nothing in an empty line: into a folder and out of it.
fn walk(state: &mut State, side: Side, inward: bool) -> bool {
    let Some(chooser) = &mut state.pane_mut(side).chooser else { return false };
    if !chooser.typed().is_empty() {
        return false;
    }
    match (chooser.folder().map(|folder| folder.is_open), inward) {
        (Some(false), true) => fold(state, side, Some(true)),
        (Some(true), true) => chooser.down(1),
        (Some(true), false) => fold(state, side, Some(false)),
        (_, false) => {
            if let Some(line) = chooser.line_of_folder() {
                chooser.move_to(line);
                chooser.moved = true;
            }
        }
        (None, true) => {}
    }
    true
}

fn refresh(state: &mut State) {
    state.in_every_tab(|state| {
        for side in Side::BOTH {
            if let Some(mut chooser) = state.pane_mut(side).chooser.take() {
                chooser.refresh(&state.places);
                state.pane_mut(side).chooser = Some(chooser);
            }
        }
    });
}

/// Whether the job is the connect screen's own.
pub(super) fn is_ours(state: &State, job: JobId) -> bool {
    state.places.hosts_job == Some(job) || state.trial.as_ref().is_some_and(|trial| trial.job == job)
}

pub(super) fn on_event(state: &mut State, job: JobId, what: What) {
    if state.places.hosts_job == Some(job) {
        match what {
            What::Hosts(hosts) => state.places.hosts = Hosts::Known(hosts),
            What::Failed(error) => {
                state.places.hosts = Hosts::Failed(error);
                state.places.hosts_job = None;
            }
            What::Done(_) | What::Cancelled => state.places.hosts_job = None,
            _ => {}
        }
        refresh(state);
        return;
    }
    trial::on_event(state, what);
}

/// What a server is called from now on: as its only bookmark, else as it calls itself, with the
/// port if that tells it from another one on the same host.
pub(super) fn label(state: &State, target: &Target, label: String) -> String {
    let url = target.label();
    let leads_there =
        |bookmark: &&Bookmark| matches!(bookmark.place(), Ok(Place::Remote(to, _)) if to.label() == url);
    let mut bookmarks = state.places.bookmarks.iter().filter(leads_there);
    let is_taken = state.servers.iter().any(|(fs, info)| fs.as_str() != url && info.label == label);
    match (bookmarks.next(), bookmarks.next(), target.port) {
        (Some(only), None, _) => only.name.clone(),
        (_, _, Some(port)) if is_taken => format!("{label}:{port}"),
        _ => label,
    }
}

/// A server was reached and has listed something: it is among the recent places from now on.
pub(super) fn visited(state: &mut State, side: Side, fx: &mut Effects) {
    if !std::mem::take(&mut state.pane_mut(side).is_new) {
        return;
    }
    let Some(location) = state.pane(side).view.location.clone() else { return };
    let Some(target) = state.targets.get(&location.fs) else { return };
    let is_demo = state.places.demo.as_ref() == Some(&location.fs);
    if state.places.can_keep && !is_demo {
        let url = config::url(target, &location);
        fx.push(Effect::Keep(Change::Visit { url, at: state.clock.now.seconds }));
    }
}

/// Typing in the search line.
pub(super) fn edit(state: &mut State, key: Key) {
    let Some(request) = keymap::edit(key) else { return };
    let walked = match request {
        InputRequest::GoToNextChar => walk(state, state.active, true),
        InputRequest::GoToPrevChar => walk(state, state.active, false),
        _ => false,
    };
    if !walked {
        search(state, request);
    }
}

pub(super) fn search(state: &mut State, request: InputRequest) {
    let side = state.active;
    let Some(chooser) = &mut state.pane_mut(side).chooser else { return };
    let before = chooser.input.value().to_owned();
    chooser.input.handle(request);
    if chooser.input.value() != before {
        search_anew(state, side);
    }
}

fn search_anew(state: &mut State, side: Side) {
    if let Some(mut chooser) = state.pane_mut(side).chooser.take() {
        chooser.search(&state.places);
        state.pane_mut(side).chooser = Some(chooser);
    }
}

/// True unless the action is one that means the same everywhere.
pub(super) fn on_action(state: &mut State, action: Action, fx: &mut Effects) -> bool {
    let side = state.active;
    let page = layout::layout(state.size, state).pane(side).map_or(1, |p| usize::from(p.rows.height).max(1));
    let testing = state.trial.is_some();
    let Some(chooser) = &mut state.pane_mut(side).chooser else { return false };
    match action {
        Action::Up => chooser.up(1),
        Action::Down => chooser.down(1),
        Action::PageUp => chooser.up(page),
        Action::PageDown => chooser.down(page),
        Action::First => chooser.up(usize::MAX),
        Action::Last => chooser.down(usize::MAX),
        Action::Open | Action::Accept if chooser.folder().is_some() => fold(state, side, None),
        Action::Open | Action::Accept => open_chosen(state, side, fx),
        Action::Import => ask_import(state, None),
        Action::RestoreSession => workspace::last_session(state, fx),
        Action::OpenWorkspace => workspace::choose(state),
        Action::Cancel if testing => stop_trial(state, fx),
        Action::Cancel if !chooser.input.value().is_empty() => {
            chooser.input = Input::default();
            search_anew(state, side);
        }
        Action::Cancel | Action::Connect => leave(state, side, fx),
        Action::AddBookmark | Action::Bookmark => add(state, side),
        Action::EditBookmark => edit_chosen(state, side),
        Action::Delete => delete_chosen(state, side, fx),
        Action::TestPlace => match chosen(state, side) {
            Some(Ok((name, named))) => start_trial(state, &name, named.place, fx),
            Some(Err(error)) => say_error(state, &error),
            None => state.hint("There is nothing to test; type a place or choose one."),
        },
        Action::OtherPane
        | Action::ShowLeft
        | Action::ShowRight
        | Action::Palette
        | Action::Tour
        | Action::Demo
        | Action::Quit
        | Action::Transfers
        | Action::Log => return false,
        _ => {}
    }
    true
}

/// Back to what the pane showed, or to this machine where it showed nothing yet.
fn leave(state: &mut State, side: Side, fx: &mut Effects) {
    let pane = state.pane_mut(side);
    pane.chooser = None;
    if pane.view.location.is_none() && matches!(pane.phase, Phase::Ready) {
        places::connect(state, side, Place::Local(b".".to_vec()), Step::New, fx);
    }
}

fn say_error(state: &mut State, error: &Error) {
    let words = words::error(error);
    state.say(Tone::Bad, format!("{}. {}", words::capital(&words.said), words.advice));
}

/// What is chosen, with a name for it.
fn chosen(state: &State, side: Side) -> Option<Result<(String, Named), Error>> {
    let chooser = state.pane(side).chooser.as_ref()?;
    let alone = |place: Place| Named { place, local: None };
    let places = &state.places;
    Some(match chooser.choice()? {
        Choice::Bookmark(at) => {
            let bookmark = places.bookmarks.get(*at)?;
            let local = bookmark.local.as_ref().map(|path| Place::Local(path.clone().into_bytes()));
            bookmark.place().map(|place| (bookmark.name.clone(), Named { place, local }))
        }
        Choice::Host(at) => {
            let host = places.host(*at)?;
            Ok((host.to_owned(), alone(Place::host(host)?)))
        }
        Choice::Recent(at) => {
            let url = &places.recent.get(*at)?.url;
            Place::parse(url.as_bytes()).map(|place| (url.clone(), alone(place)))
        }
        Choice::Typed => typed(state, chooser.typed()),
        Choice::Start(_) => return None,
    })
}

/// What was typed as a place: a bookmark's name with a path, a URL, a path, or a bare host.
fn typed(state: &State, text: &str) -> Result<(String, Named), Error> {
    if let Some(named) = state.places.named(text)? {
        return Ok((text.to_owned(), named));
    }
    let place = match Place::parse(text.as_bytes())? {
        Place::Local(_) if !text.starts_with(['/', '~', '.']) => Place::host(text),
        Place::Local(_) => {
            let path = places::local_path(&state.home, &state.home, text);
            Some(Place::Local(path.as_bytes().to_vec()))
        }
        remote => Some(remote),
    };
    let name = match &place {
        Some(Place::Remote(target, _)) => target.label(),
        _ => text.to_owned(),
    };
    let place = place.map_or_else(|| Place::parse(text.as_bytes()), Ok)?;
    Ok((name, Named { place, local: None }))
}

fn open_chosen(state: &mut State, side: Side, fx: &mut Effects) {
    let choice = state.pane(side).chooser.as_ref().and_then(|chooser| chooser.choice());
    if let Some(Choice::Start(chosen)) = choice {
        return start(state, side, *chosen, fx);
    }
    match chosen(state, side) {
        Some(Ok((_, named))) => places::open_named(state, side, named, fx),
        Some(Err(error)) => say_error(state, &error),
        None => state.hint("Type sftp://user@host:port/path, or host:path, and press Enter."),
    }
}

fn edit_chosen(state: &mut State, side: Side) {
    if state.pane(side).chooser.as_ref().is_some_and(|chooser| chooser.folder().is_some()) {
        return state.hint("A folder is what its bookmarks say; edit one of them to move it.");
    }
    let Some(choice) = state.pane(side).chooser.as_ref().and_then(|chooser| chooser.choice().cloned()) else {
        return add(state, side);
    };
    if let Choice::Bookmark(at) = choice {
        let Some(bookmark) = state.places.bookmarks.get(at).cloned() else { return };
        match bookmark.place() {
            Ok(place) => open_form(state, Some(bookmark.name.clone()), &bookmark, &place),
            Err(error) => say_error(state, &error),
        }
        return;
    }
    // A host or a recent place becomes a bookmark that way.
    match chosen(state, side) {
        Some(Ok((_, named))) => {
            let name = match &named.place {
                Place::Remote(target, _) => suggestion(&target.host),
                Place::Local(_) => String::new(),
            };
            open_form(state, None, &Bookmark { name, ..Bookmark::default() }, &named.place);
        }
        Some(Err(error)) => say_error(state, &error),
        None => {}
    }
}

fn delete_chosen(state: &mut State, side: Side, fx: &mut Effects) {
    let choice = state.pane(side).chooser.as_ref().and_then(|chooser| chooser.choice().cloned());
    match choice {
        Some(Choice::Bookmark(at)) => {
            let Some(bookmark) = state.places.bookmarks.get(at) else { return };
            let name = bookmark.name.clone();
            let lines = vec![
                format!("It leads to {}.", words::escape(&crate::fs::place::redact(&bookmark.place))),
                "The place itself stays as it is; a stored password is forgotten.".to_owned(),
            ];
            let deed = Deed::RemoveBookmark { name };
            state.overlays.push(Overlay::Confirm { deed, lines, choice: 0, scroll: 0 });
        }
        Some(Choice::Recent(at)) => {
            if let Some(recent) = state.places.recent.get(at) {
                fx.push(Effect::Keep(Change::Forget { url: recent.url.clone() }));
            }
        }
        Some(Choice::Host(_)) => {
            state.hint("This host is in ssh_config, which wharf does not change.");
        }
        Some(Choice::Typed | Choice::Start(_)) | None => state.hint("There is nothing here to remove."),
    }
}
