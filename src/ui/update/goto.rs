//! Going to a path by typing it: listing what it may be completed to, and looking at what is there
//! before going. A server that is not connected is never connected for a completion.

use tui_input::InputRequest;

use super::{
    effect::{Effect, Effects},
    find, places, questions,
};
use crate::{
    config::{Change, gone},
    engine::{Command, JobId, What},
    fs::{Entry, FsId, Location, Place, PlacePath, RemotePath, place},
    ui::{
        action::Action,
        keymap::{self, Key},
        sheet,
        state::{
            GoTo, Overlay, Side, State, Step,
            goto::{Awaited, Candidate, Folder, Wait, common_beginning, in_order},
        },
    },
    words,
};

/// Where a text leads.
enum Leads {
    To(Location),
    /// Below the home directory of a login, which is not known yet.
    BelowHome(FsId),
    /// To somewhere that has to be connected first, or nowhere.
    Away,
}

pub(super) fn open(state: &mut State, side: Side, fx: &mut Effects) {
    let view = &state.pane(side).view;
    let here = view.location.clone();
    let label = here
        .as_ref()
        .filter(|location| !location.fs.is_local())
        .map(|_| words::escape(&view.info.label).into_owned());
    let mut goto = GoTo::new(side, here.clone(), label);
    // What the pane shows need not be asked for.
    if let Some(location) = here.filter(|_| !state.pane(side).is_waiting()) {
        let entries = view.listing.all().map(|item| item.entry.clone()).collect();
        goto.folders.push(Folder { location, entries, whole: true, error: None });
    }
    state.overlays.push(Overlay::GoTo(Box::new(goto)));
    offer(state, fx);
}

fn goto_mut(state: &mut State) -> Option<&mut GoTo> {
    state.overlays.iter_mut().rev().find_map(|overlay| match overlay {
        Overlay::GoTo(goto) => Some(&mut **goto),
        _ => None,
    })
}

fn goto(state: &State) -> Option<&GoTo> {
    state.overlays.iter().rev().find_map(|overlay| match overlay {
        Overlay::GoTo(goto) => Some(&**goto),
        _ => None,
    })
}

pub(super) fn waits_for(state: &State, job: JobId) -> bool {
    goto(state).and_then(|goto| goto.wait.as_ref()).is_some_and(|wait| wait.job == job)
}

/// Where a text leads, by the rules of [`places::go_to_text`].
fn leads(state: &State, goto: &GoTo, text: &str) -> Leads {
    let local = |path: RemotePath| Leads::To(Location::new(FsId::local(), path));
    if let Some(path) = text.strip_prefix("local:") {
        return local(places::local_path(&state.home, &state.home, path));
    }
    let place = match state.places.named(text) {
        Ok(Some(named)) => named.place,
        Ok(None) => match Place::parse(text.as_bytes()) {
            Ok(place @ Place::Remote(..)) => place,
            Ok(Place::Local(_)) => return from_here(state, goto, text),
            Err(_) => return Leads::Away,
        },
        Err(_) => return Leads::Away,
    };
    match place {
        Place::Local(path) => {
            local(places::local_path(&state.home, &state.home, &String::from_utf8_lossy(&path)))
        }
        Place::Remote(target, path) => {
            let known = state.targets.iter().find(|(_, known)| known.label() == target.label());
            let Some(fs) = known.map(|(fs, _)| fs.clone()) else { return Leads::Away };
            match (path, state.homes.get(&fs)) {
                (PlacePath::Absolute(path), _) => Leads::To(Location::new(fs, path)),
                (path, Some(home)) => Leads::To(Location::new(fs, path.resolve(home))),
                (_, None) => Leads::BelowHome(fs),
            }
        }
    }
}

fn from_here(state: &State, goto: &GoTo, text: &str) -> Leads {
    let Some(here) = &goto.here else {
        return Leads::To(Location::new(FsId::local(), places::local_path(&state.home, &state.home, text)));
    };
    if here.fs.is_local() {
        let path = places::local_path(&state.home, &here.path, text);
        return Leads::To(Location::new(here.fs.clone(), path));
    }
    match text.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/')) {
        None => Leads::To(Location::new(here.fs.clone(), here.path.resolve(text.as_bytes()))),
        Some(rest) => match state.homes.get(&here.fs) {
            Some(home) => {
                let path = home.resolve(rest.trim_start_matches('/').as_bytes());
                Leads::To(Location::new(here.fs.clone(), path))
            }
            None => Leads::BelowHome(here.fs.clone()),
        },
    }
}

/// What is typed, cut behind its last folder.
fn cut(text: &str) -> (&str, &str) {
    let behind = match text.find("://") {
        // The slashes of a URL that has no path yet cut nothing.
        Some(at) => text.get(at + 3..).and_then(|rest| rest.rfind('/')).map(|slash| at + 3 + slash + 1),
        None => {
            let colon = text.find(':').filter(|at| !text.get(..*at).unwrap_or_default().contains('/'));
            text.rfind('/').max(colon).map(|at| at + 1)
        }
    };
    text.split_at_checked(behind.unwrap_or(0)).unwrap_or(("", text))
}

/// Puts up what the typed text may be completed to, and asks for names that are not there yet.
fn offer(state: &mut State, fx: &mut Effects) {
    let Some(goto) = goto(state) else { return };
    let text = goto.text().to_owned();
    let (base, partial) = cut(&text);
    let is_name = !base.contains(['/', ':']) && !partial.starts_with('~');
    let mut all = Vec::new();
    let (mut asks, mut needless) = (None, false);
    let waits = goto.wait.as_ref().map(|wait| wait.what.clone());
    let to = if base.is_empty() && partial == "~" {
        Leads::Away
    } else {
        leads(state, goto, if base.is_empty() { "." } else { base })
    };
    match to {
        Leads::To(folder) => match goto.folder(&folder) {
            // What was given up half way is asked for again.
            Some(known)
                if known.whole
                    || known.error.is_some()
                    || waits.as_ref() == Some(&Awaited::Names(folder.clone())) =>
            {
                needless = matches!(&waits, Some(Awaited::Names(other)) if *other != folder);
                let in_url = base.contains("://");
                let hidden = partial.starts_with('.') || state.pane(goto.side).view.listing.shows_hidden();
                let names = in_order(&known.entries).into_iter().filter(|entry| hidden || !entry.is_hidden());
                all.extend(names.filter_map(|entry| candidate(base, entry, in_url)));
            }
            _ => asks = Some(Awaited::Names(folder)),
        },
        Leads::BelowHome(_) => asks = Some(Awaited::Home { enters: false }),
        Leads::Away => {}
    }
    if is_name {
        all.extend(names(state));
    }
    let partial = partial.to_owned();
    if needless {
        stop(state, fx);
    }
    if let Some(goto) = goto_mut(state) {
        if let Some(Awaited::Names(folder)) = asks.as_ref().filter(|asked| waits.as_ref() != Some(*asked)) {
            goto.folders.retain(|known| known.location != *folder);
        }
        goto.offer(all, &partial);
    }
    if let Some(asked) = asks
        && waits.as_ref() != Some(&asked)
    {
        ask(state, asked, fx);
    }
}

/// A name in a folder as a candidate; `None` where it cannot be typed.
fn candidate(base: &str, entry: &Entry, in_url: bool) -> Option<(String, Candidate)> {
    let name = std::str::from_utf8(&entry.name).ok().filter(|name| !name.chars().any(char::is_control))?;
    let slash = if entry.is_dir_like() { "/" } else { "" };
    let written = if in_url { place::percent_encode(name.as_bytes(), b"") } else { name.to_owned() };
    let candidate = Candidate {
        text: format!("{base}{written}{slash}"),
        shown: format!("{}{slash}", words::escape(name)),
        detail: "",
        is_folder: entry.is_dir_like(),
    };
    Some((written, candidate))
}

/// Bookmarks, hosts and paths that were gone to, by their names.
fn names(state: &State) -> Vec<(String, Candidate)> {
    let row = |text: String, detail: &'static str| {
        let shown = words::escape(&text).into_owned();
        (text.clone(), Candidate { text, shown, detail, is_folder: false })
    };
    let gone = state.gone.iter().take(20).map(|text| row(text.clone(), "lately"));
    let marked = state.places.bookmarks.iter().map(|bookmark| row(format!("{}:", bookmark.name), "bookmark"));
    let hosts = (0..).map_while(|at| state.places.host(at)).map(|host| row(format!("{host}:"), "ssh_config"));
    gone.chain(marked).chain(hosts).collect()
}

fn ask(state: &mut State, asked: Awaited, fx: &mut Effects) {
    stop(state, fx);
    let Some(goto) = goto(state) else { return };
    let command = match &asked {
        Awaited::Names(location) => {
            let location = location.clone();
            let job = state.fresh_job();
            (job, Command::List { job, location })
        }
        Awaited::Look(location) => {
            let location = location.clone();
            let job = state.fresh_job();
            (job, Command::Stat { job, location })
        }
        Awaited::Home { .. } => {
            let (base, partial) = cut(goto.text());
            let fs =
                [base, goto.text(), partial].into_iter().find_map(|text| match leads(state, goto, text) {
                    Leads::BelowHome(fs) => Some(fs),
                    _ => None,
                });
            let Some(target) = fs.and_then(|fs| state.targets.get(&fs).cloned()) else { return };
            let job = state.fresh_job();
            (job, Command::Open { job, place: Place::Remote(target, PlacePath::Login) })
        }
    };
    let (job, command) = command;
    let since = state.clock.running;
    if let Some(goto) = goto_mut(state) {
        goto.wait = Some(Wait { job, what: asked, since });
    }
    fx.push(Effect::Send(command));
}

/// Waits for nothing any more; true if it did.
fn stop(state: &mut State, fx: &mut Effects) -> bool {
    let Some(wait) = goto_mut(state).and_then(|goto| goto.wait.take()) else { return false };
    fx.push(Effect::Send(Command::Cancel { job: wait.job }));
    questions::drop_of(state, wait.job, fx);
    true
}

pub(super) fn on_event(state: &mut State, what: What, fx: &mut Effects) {
    let Some(goto) = goto_mut(state) else { return };
    let Some(wait) = goto.wait.clone() else { return };
    match (wait.what, what) {
        (Awaited::Names(location), What::Entries(entries)) => {
            goto.folder_mut(&location).entries.extend(entries);
            // Whoever walks the candidates keeps what they see.
            if goto.chosen.is_none() {
                offer(state, fx);
            }
        }
        (Awaited::Names(location), What::Done(_)) => {
            goto.folder_mut(&location).whole = true;
            goto.wait = None;
            let completes = std::mem::take(&mut goto.completes);
            if goto.chosen.is_none() {
                offer(state, fx);
                if completes {
                    complete(state, fx);
                }
            }
        }
        (Awaited::Names(location), What::Failed(error)) => {
            // There is nothing to complete; what Enter makes of it is said then.
            goto.folder_mut(&location).error = Some(words::error(&error).said);
            goto.wait = None;
        }
        (Awaited::Look(location), What::Entries(entries)) => {
            let Some(entry) = entries.into_iter().next() else { return };
            goto.wait = None;
            arrive(state, location, &entry, fx);
        }
        (Awaited::Home { enters }, What::Connected { location, .. }) => {
            goto.wait = None;
            state.homes.insert(location.fs, location.path);
            if enters { enter(state, fx) } else { offer(state, fx) }
        }
        (_, What::Failed(error)) => {
            goto.wait = None;
            let words = words::error(&error);
            goto.error = Some(format!("{}: {}.", words.what, words.said));
        }
        (_, What::Done(_) | What::Cancelled) => goto.wait = None,
        _ => {}
    }
}

fn arrive(state: &mut State, location: Location, entry: &Entry, fx: &mut Effects) {
    let Some(Overlay::GoTo(goto)) = state.overlays.pop() else { return };
    let typed = goto.text().trim();
    // From another folder a relative path would lead elsewhere.
    let is_relative = !typed.starts_with(['/', '~']) && !typed.contains(':');
    match std::str::from_utf8(location.path.as_bytes()) {
        Ok(path) if is_relative => remember(state, path, fx),
        _ => remember(state, typed, fx),
    }
    match (location.parent(), location.path.name()) {
        (Some(folder), Some(name)) if !entry.is_dir_like() => find::show(state, goto.side, folder, name, fx),
        _ => places::go(state, goto.side, location, Step::New, None, fx),
    }
}

/// Keeps what was gone to, for this run and those to come.
fn remember(state: &mut State, text: &str, fx: &mut Effects) {
    if gone::remember(&mut state.gone, text) && state.places.can_keep {
        fx.push(Effect::Keep(Change::GoneTo { text: text.to_owned() }));
    }
}

/// Enter: to where the text leads, after a look at it.
fn enter(state: &mut State, fx: &mut Effects) {
    let Some(goto) = goto(state) else { return };
    let (side, text) = (goto.side, goto.text().trim().to_owned());
    if text.is_empty() {
        return;
    }
    match leads(state, goto, &text) {
        Leads::To(location) => ask(state, Awaited::Look(location), fx),
        Leads::BelowHome(_) => ask(state, Awaited::Home { enters: true }, fx),
        Leads::Away => {
            stop(state, fx);
            let Some(Overlay::GoTo(mut goto)) = state.overlays.pop() else { return };
            match places::go_to_text(state, side, &text, fx) {
                Ok(()) => remember(state, &text, fx),
                Err(error) => {
                    let words = words::error(&error);
                    goto.error = Some(format!("{}. {}", words.said, words.advice));
                    state.overlays.push(Overlay::GoTo(goto));
                }
            }
        }
    }
}

pub(super) fn key(state: &mut State, key: Key, fx: &mut Effects) {
    if let Some(request) = keymap::edit(key) {
        edit(state, request, fx);
    }
}

pub(super) fn edit(state: &mut State, request: InputRequest, fx: &mut Effects) {
    let Some(goto) = goto_mut(state) else { return };
    let before = goto.text().to_owned();
    goto.field.input.handle(request);
    if goto.text() != before {
        changed(state, fx);
    }
}

fn changed(state: &mut State, fx: &mut Effects) {
    let Some(goto) = goto_mut(state) else { return };
    (goto.error, goto.recalled, goto.chosen, goto.completes) = (None, None, None, false);
    goto.typed = goto.text().to_owned();
    if matches!(goto.wait.as_ref().map(|wait| &wait.what), Some(Awaited::Look(_))) {
        // What was to be looked at is not what is typed now.
        stop(state, fx);
    }
    offer(state, fx);
}

pub(super) fn on_action(state: &mut State, action: Action, fx: &mut Effects) {
    let page = sheet::sheet(state).map_or(1, |sheet| usize::from(sheet.body.height)).max(1);
    match action {
        Action::Accept => enter(state, fx),
        Action::Cancel => {
            let looks = goto(state).and_then(|goto| goto.wait.as_ref());
            let looks = looks.is_some_and(|wait| !matches!(wait.what, Awaited::Names(_)));
            stop(state, fx);
            if !looks {
                state.overlays.pop();
            }
        }
        Action::NextChoice => complete(state, fx),
        Action::PreviousChoice => {
            choose(state, |at, last| at.map_or(last, |at| at.checked_sub(1).unwrap_or(last)))
        }
        Action::PageDown => choose(state, |at, last| at.map_or(0, |at| (at + page).min(last))),
        Action::PageUp => choose(state, |at, _| at.map_or(0, |at| at.saturating_sub(page))),
        Action::Up => recall(state, true, fx),
        Action::Down => recall(state, false, fx),
        _ => {}
    }
}

/// Tab: as far as it is clear; from there on one candidate after the other.
fn complete(state: &mut State, fx: &mut Effects) {
    let Some(goto) = goto_mut(state) else { return };
    if matches!(&goto.wait, Some(wait) if !matches!(wait.what, Awaited::Look(_))) && goto.chosen.is_none() {
        // It is done once the names are there.
        goto.completes = true;
        return;
    }
    if goto.chosen.is_none() {
        let (base, partial) = cut(goto.text());
        let (base, partial) = (base.len(), partial.to_lowercase());
        let begins = |candidate: &&Candidate| {
            candidate.text.get(base..).is_some_and(|rest| rest.to_lowercase().starts_with(&partial))
        };
        let alike: Vec<&Candidate> = goto.candidates.iter().filter(begins).collect();
        let only = match (goto.candidates.as_slice(), alike.as_slice()) {
            ([one], _) => Some(one.text.clone()),
            (_, [one]) => Some(one.text.clone()),
            _ => None,
        };
        let longer = only.or_else(|| {
            let common = common_beginning(alike.iter().map(|candidate| candidate.text.as_str()));
            (common.chars().count() > goto.text().chars().count()).then_some(common)
        });
        if let Some(text) = longer.filter(|text| text != goto.text()) {
            goto.set_text(&text);
            return changed(state, fx);
        }
        if alike.len() == 1 && goto.candidates.len() == 1 {
            return;
        }
    }
    choose(state, |at, last| at.map_or(0, |at| if at == last { 0 } else { at + 1 }));
}

fn choose(state: &mut State, which: impl Fn(Option<usize>, usize) -> usize) {
    let Some(goto) = goto_mut(state) else { return };
    let Some(last) = goto.candidates.len().checked_sub(1) else { return };
    let at = which(goto.chosen, last);
    if let Some(text) = goto.candidates.get(at).map(|candidate| candidate.text.clone()) {
        goto.set_text(&text);
        (goto.chosen, goto.error, goto.recalled) = (Some(at), None, None);
    }
}

/// A click on a candidate takes it.
pub(super) fn click(state: &mut State, row: usize, fx: &mut Effects) {
    let Some(goto) = goto_mut(state) else { return };
    let Some(text) = goto.candidates.get(row).map(|candidate| candidate.text.clone()) else { return };
    if goto.chosen == Some(row) {
        return enter(state, fx);
    }
    goto.set_text(&text);
    if text.ends_with('/') {
        changed(state, fx);
    } else {
        (goto.chosen, goto.error) = (Some(row), None);
    }
}

/// Up and down: what was gone to before.
fn recall(state: &mut State, older: bool, fx: &mut Effects) {
    let gone = state.gone.clone();
    let Some(goto) = goto_mut(state) else { return };
    let to = match (goto.recalled, older) {
        (None, true) => Some(0),
        (Some(at), true) => Some((at + 1).min(gone.len().saturating_sub(1))),
        (Some(at), false) => at.checked_sub(1),
        (None, false) => return choose(state, |_, _| 0),
    };
    let typed = goto.typed.clone();
    let text = match to {
        Some(at) => match gone.get(at) {
            Some(text) => text.clone(),
            None => return goto.error = Some("Nothing was gone to before.".to_owned()),
        },
        None => typed.clone(),
    };
    goto.set_text(&text);
    changed(state, fx);
    if let Some(goto) = goto_mut(state) {
        (goto.recalled, goto.typed) = (to, typed);
    }
}
