//! Editing files in the person's editor, those of servers by way of a copy here, and the shell.
//! Whatever was changed is never lost: until it has arrived, the copy stays and is named.

use super::{
    effect::{Effect, Effects, Outside},
    places, questions,
};
use crate::{
    engine::{Command, Draft, Fate, PutBack, What},
    fs::{Kind, Location},
    ui::state::{Edit, Overlay, Overtaken, State, Tone},
    words,
};

/// Edits the file under the cursor.
pub(super) fn open(state: &mut State, fx: &mut Effects) {
    let Some(here) = state.active().usable().cloned() else {
        return state.hint("This pane shows no place that can be worked in now.");
    };
    let Some(item) = state.active().view.current() else {
        return state.hint("Put the cursor on the file to edit.");
    };
    let name = words::escape_bytes(&item.entry.name);
    if matches!(item.entry.target_kind.unwrap_or(item.entry.kind), Kind::Dir | Kind::Other) {
        return state.hint(format!("{name} is no file that can be edited."));
    }
    let location = here.join(&item.entry.name);
    if location.fs.is_local() {
        fx.push(Effect::Outside(Outside::Edit { path: location.path, job: None }));
        return;
    }
    fetch(state, location, name, false, fx);
}

/// Fetches a file of a server, to be edited or only to be opened.
pub(super) fn fetch(state: &mut State, location: Location, name: String, to_open: bool, fx: &mut Effects) {
    if state.edits.iter().any(|edit| edit.draft.is_none()) {
        return state.hint("A file is being fetched already; Esc stops it.");
    }
    let job = state.fresh_job();
    state.hint(match to_open {
        true => format!("Fetching {name} to open a copy to read; Esc stops."),
        false => format!("Fetching {name} to edit it here; Esc stops."),
    });
    let folder = location.parent();
    state.edits.push(Edit {
        job,
        to_open,
        name,
        folder,
        draft: None,
        failure: None,
        fate: None,
        beside: false,
    });
    fx.push(Effect::Send(Command::Fetch { job, location, to_open }));
}

/// A shell where the active pane is.
pub(super) fn shell(state: &mut State, fx: &mut Effects) {
    match state.active().usable().cloned() {
        Some(here) if here.fs.is_local() => {
            fx.push(Effect::Outside(Outside::Shell { dir: here.path }));
        }
        Some(_) if state.opening_shell.is_some() => {
            state.hint("A shell is being opened already; Esc stops it.");
        }
        Some(here) => {
            let job = state.fresh_job();
            let name = words::escape(&state.active().view.info.label).into_owned();
            state.hint(format!("Opening a shell on {name}; Esc stops."));
            state.opening_shell = Some((job, name));
            let size = (state.size.width.max(1), state.size.height.max(1));
            fx.push(Effect::Send(Command::Terminal { job, location: here, size, term: state.term.clone() }));
        }
        None => state.hint("This pane shows no place that can be worked in now."),
    }
}

/// What becomes of the shell that is being opened.
pub(super) fn on_shell(state: &mut State, what: What, fx: &mut Effects) {
    let ended = matches!(what, What::Done(_) | What::Failed(_) | What::Cancelled);
    let Some((job, name)) = state.opening_shell.take_if(|_| ended) else { return };
    match what {
        What::Done(_) => {
            state.notice = None;
            fx.push(Effect::Outside(Outside::Remote { job, name }));
        }
        What::Failed(error) => state.say(Tone::Bad, words::error(&error).to_string()),
        _ => state.hint("Cancelled."),
    }
}

/// Esc: true if a file was being fetched, or a shell opened.
pub(super) fn stop_fetching(state: &mut State, fx: &mut Effects) -> bool {
    let fetching = state.edits.iter().find(|edit| edit.draft.is_none()).map(|edit| edit.job);
    let Some(job) = fetching.or(state.opening_shell.as_ref().map(|(job, _)| *job)) else { return false };
    fx.push(Effect::Send(Command::Cancel { job }));
    questions::drop_of(state, job, fx);
    true
}

/// Another program gives the terminal back.
pub(super) fn returned(state: &mut State, from: &Outside, ended: Result<i32, String>, fx: &mut Effects) {
    let job = match from {
        Outside::Edit { job, .. } => *job,
        Outside::Shell { .. } | Outside::Remote { .. } => None,
    };
    let what = match from {
        Outside::Edit { .. } => "The editor".to_owned(),
        Outside::Shell { .. } => "The shell".to_owned(),
        Outside::Remote { name, .. } => format!("The shell on {name}"),
    };
    let is_shell = matches!(from, Outside::Shell { .. } | Outside::Remote { .. });
    let well = matches!(ended, Ok(0));
    match ended {
        Ok(0) => state.notice = None,
        // A shell passes on how its last command ended.
        Ok(_) if is_shell => state.notice = None,
        Ok(status) => state.say(Tone::Bad, format!("{what} has ended with exit status {status}.")),
        Err(why) if matches!(from, Outside::Remote { .. }) => {
            state.say(Tone::Bad, format!("{what} has ended: {}.", words::escape(&why)));
        }
        Err(why) => state.say(Tone::Bad, format!("{what} could not be started: {}.", words::escape(&why))),
    }
    let Some(at) = state.edits.iter().position(|edit| Some(edit.job) == job) else {
        // Anything may have been done in the meantime.
        for side in crate::ui::state::Side::BOTH {
            let local = !matches!(from, Outside::Remote { .. });
            let touched = |location: &Location| location.fs.is_local() == local;
            if let Some(location) = state.pane(side).view.location.clone().filter(touched) {
                places::refresh_showing(state, &location, fx);
            }
        }
        return;
    };
    let edit = state.edits.remove(at);
    let Some(draft) = edit.draft else { return };
    // An editor that fails wants nothing written.
    put_back(state, edit.name, edit.folder, draft, if well { PutBack::IfSame } else { PutBack::Keep }, fx);
}

fn put_back(
    state: &mut State,
    name: String,
    folder: Option<Location>,
    draft: Box<Draft>,
    how: PutBack,
    fx: &mut Effects,
) {
    let job = state.fresh_job();
    fx.push(Effect::Send(Command::PutBack { job, draft: draft.clone(), how }));
    let (draft, failure, fate) = (Some(draft), None, None);
    let beside = how == PutBack::Beside;
    state.edits.push(Edit { job, to_open: false, name, folder, draft, failure, fate, beside });
}

/// The person's word on a file that has changed meanwhile; none is as good as keeping the copy.
pub(super) fn decide(state: &mut State, overtaken: Overtaken, how: Option<PutBack>, fx: &mut Effects) {
    match how {
        Some(how) if how != PutBack::Keep => {
            put_back(state, overtaken.name, overtaken.folder, overtaken.draft, how, fx);
        }
        _ => state.hint(kept(&overtaken.name, &overtaken.draft)),
    }
}

fn kept(name: &str, draft: &Draft) -> String {
    format!("{name} is as it was on the server; your copy is {}.", words::escape_bytes(draft.copy.as_bytes()))
}

pub(super) fn on_event(state: &mut State, at: usize, what: What, fx: &mut Effects) {
    let Some(edit) = state.edits.get_mut(at) else { return };
    match what {
        What::Fetched(draft) => edit.draft = Some(draft),
        What::Draft(fate) => edit.fate = Some(fate),
        What::ItemFailed(error) => edit.failure = Some(error),
        What::Done(_) => {
            if edit.fate.is_some() {
                let edit = state.edits.remove(at);
                settled(state, edit, fx);
            } else if edit.to_open {
                let Edit { name, draft, .. } = state.edits.remove(at);
                let Some(draft) = draft else { return };
                let copy = words::escape_bytes(draft.copy.as_bytes());
                state.hint(format!(
                    "Opening a copy of {name} to read, {copy}: what is changed there stays there."
                ));
                fx.push(Effect::Open { path: draft.copy, read_only: true });
            } else if let Some(draft) = &edit.draft {
                fx.push(Effect::Outside(Outside::Edit { path: draft.copy.clone(), job: Some(edit.job) }));
            }
        }
        What::Failed(error) => {
            let Edit { draft, .. } = state.edits.remove(at);
            let mut text = words::error(&error).to_string();
            if let Some(draft) = draft {
                text.push_str(&format!(" Your copy is {}.", words::escape_bytes(draft.copy.as_bytes())));
            }
            state.say(Tone::Bad, text);
        }
        What::Cancelled => {
            let edit = state.edits.remove(at);
            match edit.draft {
                Some(draft) => state.hint(kept(&edit.name, &draft)),
                None => state.hint("Cancelled."),
            }
        }
        _ => {}
    }
}

/// The way back has ended.
fn settled(state: &mut State, edit: Edit, fx: &mut Effects) {
    let Edit { name, folder, draft: Some(draft), failure, fate: Some(fate), beside, .. } = edit else {
        return;
    };
    if matches!(fate, Fate::Stored | Fate::Overtaken(_)) {
        // What is listed of it is not how it is any more.
        let held = draft.target.parent();
        let link = folder.clone().filter(|folder| Some(folder) != held.as_ref());
        for folder in held.into_iter().chain(link) {
            places::refresh_showing(state, &folder, fx);
        }
    }
    match fate {
        Fate::Unchanged if state.notice.is_some() => {}
        Fate::Unchanged => state.hint(format!("{name} was not changed; nothing was written.")),
        Fate::Stored if beside => {
            state.say(Tone::Good, format!("Saved yours beside {name}, under a name with a number."));
        }
        Fate::Stored => state.say(Tone::Good, format!("Put {name} back.")),
        Fate::Overtaken(now) => {
            let overtaken = Overtaken { name, folder, draft, now, choice: 0 };
            // Behind whatever is open: nothing typed for that reaches this.
            state.overlays.insert(0, Overlay::Overtaken(Box::new(overtaken)));
        }
        Fate::Kept => {
            let why = failure.map(|error| format!("{} ", words::error(&error)));
            // Why an editor wanted nothing written has just been said.
            let editor = state.notice.take().filter(|notice| notice.tone == Tone::Bad);
            let why = why.or(editor.map(|notice| format!("{} ", notice.text))).unwrap_or_default();
            state.say(Tone::Bad, format!("{why}{}", kept(&name, &draft)));
        }
    }
}
