//! What can be done with transfers beyond starting them: going on with what was interrupted,
//! trying again what failed, and looking at why.

use std::sync::Arc;

use super::{
    boards,
    effect::{Effect, Effects},
    files,
};
use crate::{
    engine::{Command, JobId, What},
    fs::{Error, FsId, Location, LogLine, RemotePath},
    transfer::{Chosen, Landing, Progress, Request},
    ui::{
        action::Action,
        layout,
        state::{
            Deed, Errand, Field, Interrupted, Overlay, Panel, Standing, State, Tone, Transfer, Typing, Work,
            transfers::Before,
        },
    },
    words,
};

/// Asks what was interrupted before this program began.
pub fn jobs_at_start(state: &mut State, fx: &mut Effects) {
    let job = state.fresh_job();
    state.transfers.asked = Some(job);
    fx.push(Effect::Send(Command::Stored { job }));
}

pub(super) fn is_asked(state: &State, job: JobId) -> bool {
    state.transfers.asked == Some(job)
}

/// What was interrupted.
pub(super) fn on_stored(state: &mut State, what: What) {
    let What::Stored(stored) = what else {
        if matches!(what, What::Done(_) | What::Failed(_) | What::Cancelled) {
            state.transfers.asked = None;
        }
        return;
    };
    let rows: Vec<Transfer> = stored
        .into_iter()
        .filter(|stored| !stored.running)
        .map(|stored| {
            let request = &stored.request;
            let work = match () {
                () if request.remove_source => Work::Move,
                () if request.policy.chosen.is_some() => Work::Sync,
                () => Work::Copy,
            };
            let name = match (request.sources.as_slice(), work) {
                ([_], Work::Sync) | ([], _) => "what was chosen".to_owned(),
                ([one], _) => words::escape_bytes(one.path.name().unwrap_or(b"/")),
                (many, _) => words::plural(many.len() as u64, "item", "items"),
            };
            let mut touches = vec![request.target.clone()];
            if request.remove_source {
                touches.extend(request.sources.iter().filter_map(Location::parent));
            }
            let job = state.fresh_job();
            Transfer {
                progress: Progress {
                    done: stored.ended.map_or(stored.reached, |ended| ended.done),
                    total: stored.planned.unwrap_or_default(),
                    failed: stored.failed,
                    ..Progress::default()
                },
                standing: match stored.ended {
                    Some(outcome) => Standing::Done(outcome),
                    None => {
                        Standing::Interrupted(Interrupted { started: stored.started, failed: stored.failed })
                    }
                },
                resumable: Some(stored.id),
                failures: stored.failures.iter().map(|failure| failure.error()).collect(),
                ..Transfer::new(job, work, name, label(&request.target, state), touches)
            }
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    let count = rows.len() as u64;
    let all_ended = rows.iter().all(|transfer| matches!(transfer.standing, Standing::Done(_)));
    state.transfers.jobs.splice(0..0, rows);
    state.transfers.cursor = 0;
    if state.panel.is_none() && layout::has_room_for_panel(state.size) {
        state.panel = Some(Panel::Transfers);
    }
    if state.notice.is_none() {
        let key = state.keymap.all_keys(Action::Transfers).first().map(ToString::to_string);
        let key = key.unwrap_or_default();
        let has_failed = state.transfers.jobs.first().is_some_and(|transfer| !transfer.failures.is_empty());
        let text = match count {
            1 if all_ended => format!("Some of an earlier transfer has failed: {key} shows it."),
            _ if all_ended => {
                format!("Some of {} earlier transfers has failed: {key} shows them.", words::count(count))
            }
            1 if has_failed => format!("A transfer was interrupted, and some of it failed: {key} shows it."),
            1 => format!("A transfer was interrupted: {key} and Enter go on with it."),
            _ => format!(
                "{} transfers were interrupted: {key} shows them, Enter goes on.",
                words::count(count)
            ),
        };
        state.say(Tone::Plain, text);
    }
}

/// `web-01:/var/www`: where it goes, without what the person never types.
fn label(location: &Location, state: &State) -> String {
    let path = layout::short_path(location, &state.home);
    if location.fs.is_local() {
        return path;
    }
    let login = location.fs.as_str().split_once("://").map_or(location.fs.as_str(), |(_, login)| login);
    let host = login.rsplit_once('@').map_or(login, |(_, host)| host);
    let host = [":22", ":21", ":990"].iter().find_map(|port| host.strip_suffix(port)).unwrap_or(host);
    format!("{}:{path}", words::escape(host))
}

/// Goes on with a transfer that was interrupted, or tries again all of it that failed.
pub(super) fn go_on(state: &mut State, at: usize, fx: &mut Effects) {
    let job = state.fresh_job();
    let Some(transfer) = state.transfers.jobs.get_mut(at) else { return };
    if transfer.is_running() {
        return state.hint("It is not over yet.");
    }
    let Some(id) = transfer.resumable.take() else {
        let text = match transfer.standing {
            Standing::Done(outcome) if outcome.failed == 0 => "Nothing of it has failed.",
            _ => "There is no record of it to go on with; start it anew.",
        };
        return state.hint(text);
    };
    transfer.job = job;
    transfer.standing = Standing::Running;
    transfer.failures.clear();
    transfer.warnings.clear();
    transfer.more_failures = 0;
    transfer.rates.clear();
    state.notice = None;
    fx.push(Effect::Send(Command::Resume { job, id }));
}

/// Asks whether what can go on is to be forgotten.
pub(super) fn ask_discard(state: &mut State, at: usize) {
    let Some(transfer) = state.transfers.jobs.get(at) else { return };
    let Some(id) = transfer.resumable.clone() else { return state.hint("This one has ended already.") };
    let lines = vec![
        transfer.title(),
        "What has arrived stays; the part of a file that has not arrived whole is deleted.".to_owned(),
    ];
    let deed = Deed::Discard { id, job: transfer.job };
    state.overlays.push(Overlay::Confirm { deed, lines, choice: 0, scroll: 0 });
}

/// The person said yes.
pub(super) fn discard(state: &mut State, id: String, row: JobId, fx: &mut Effects) {
    let job = state.fresh_job();
    let touches = state.transfers.get_mut(row).map(|transfer| transfer.touches.clone()).unwrap_or_default();
    state.transfers.jobs.retain(|transfer| transfer.job != row);
    state.transfers.move_to(state.transfers.cursor);
    let doing = "Removing what an interrupted transfer has left".to_owned();
    let done = "Forgotten; it cannot go on any more.".to_owned();
    state.errands.push(Errand { job, touches, wanted: Box::default(), doing, done });
    fx.push(Effect::Send(Command::Discard { job, id }));
}

/// Lets the transfer of the cursor have its turn earlier or later.
pub(super) fn reorder(state: &mut State, up: bool, fx: &mut Effects) {
    match state.transfers.current() {
        Some(transfer) if transfer.line.is_some() => {
            fx.push(Effect::Send(Command::Reorder { job: transfer.job, up }));
        }
        Some(_) => state.hint("This one does not wait for its turn."),
        None => state.hint("Nothing waits for its turn."),
    }
}

/// Asks how fast the transfer of the cursor may be, or all together.
pub(super) fn ask_limit(state: &mut State, all: bool) {
    let (job, limit) = match state.transfers.current() {
        _ if all => (None, state.transfers.limit),
        Some(transfer) if transfer.is_running() && transfer.moves_bytes() => {
            (Some(transfer.job), transfer.limit)
        }
        Some(_) => return state.hint("This one moves nothing now that could be held back."),
        None => return state.hint("Nothing runs."),
    };
    let now = limit.map(words::size).unwrap_or_default();
    files::open_field(state, Typing::Limit(job), Field::text(&now));
}

/// Sets the speed that was typed; nothing typed is none.
pub(super) fn set_limit(
    state: &mut State,
    job: Option<JobId>,
    text: &str,
    fx: &mut Effects,
) -> Result<(), String> {
    let rate = match text {
        "" => None,
        text => {
            Some(words::read_rate(text).ok_or("Type a speed such as 500k or 2MiB, or nothing for none.")?)
        }
    };
    match job {
        None => state.transfers.limit = rate,
        Some(job) => {
            if let Some(transfer) = state.transfers.get_mut(job) {
                transfer.limit = rate;
            }
        }
    }
    let whose = if job.is_some() { "This transfer" } else { "All transfers together" };
    state.hint(match rate {
        Some(rate) => format!("{whose} may take {}.", words::rate(rate as f64)),
        None => format!("{whose} may take all there is."),
    });
    fx.push(Effect::Send(Command::Limit { job, rate }));
    Ok(())
}

/// In the details of a transfer.
pub(super) fn on_action(state: &mut State, action: Action, fx: &mut Effects) {
    if boards::moved(state, action) {
        return;
    }
    let Some(Overlay::Details(details)) = state.overlays.last().cloned() else { return };
    let at = state.transfers.jobs.iter().position(|transfer| transfer.job == details.job);
    match action {
        Action::Accept | Action::Explain => {
            let error = details.transfer(state).and_then(|transfer| match &transfer.standing {
                Standing::Failed(error) if details.count(state) == 0 => Some(error),
                _ => transfer.failures.iter().chain(&transfer.warnings).nth(details.place.cursor),
            });
            match error.cloned() {
                Some(error) => explain(state, &error),
                None => {
                    state.overlays.pop();
                }
            }
        }
        Action::Cancel => {
            state.overlays.pop();
        }
        Action::RetryItem => {
            if let Some(at) = at {
                retry_one(state, at, details.place.cursor, fx);
            }
        }
        Action::RetryJob => {
            if let Some(at) = at {
                state.overlays.pop();
                go_on(state, at, fx);
            }
        }
        _ => {}
    }
}

/// What the code of a failure means, or all that is known of one without a code.
pub(super) fn explain(state: &mut State, error: &Error) {
    let Some(reply) = error.reply() else {
        let words = words::error(error);
        return state.overlays.push(Overlay::Error { words, scroll: 0 });
    };
    let line = LogLine {
        fs: FsId::new(error.place().unwrap_or("local")),
        request: words::operation(error.operation()).to_owned(),
        path: error.path().cloned(),
        reply: reply.clone(),
        elapsed: std::time::Duration::ZERO,
    };
    state.overlays.push(Overlay::Explain { line: Box::new(line), scroll: 0 });
}

/// Where a source lands.
fn root_of(request: &Request, source: &Location) -> Option<RemotePath> {
    match request.landing {
        Landing::Into => Some(request.target.path.join(source.path.name()?)),
        // Known only once it has run.
        Landing::Auto => None,
        Landing::Onto => Some(request.target.path.clone()),
    }
}

/// Where a path that failed lands: it may be named by either side.
fn landing_of(request: &Request, error: &Error) -> Option<Location> {
    let path = error.path()?;
    let of_source = |source: &Location| {
        let below = path.strip_prefix(&source.path)?;
        Some(root_of(request, source)?.resolve(below))
    };
    let landed = request.sources.iter().find_map(of_source);
    let is_target = path.is_within(&request.target.path).then(|| path.clone());
    Some(Location::new(request.target.fs.clone(), landed.or(is_target)?))
}

/// The source of an item that failed: it may be named by either side.
fn source_of(request: &Request, error: &Error) -> Option<Location> {
    let path = error.path()?;
    if let Some(source) = request.sources.iter().find(|source| path.is_within(&source.path)) {
        return Some(Location::new(source.fs.clone(), path.clone()));
    }
    request.sources.iter().find_map(|source| {
        let below = path.strip_prefix(&root_of(request, source)?)?;
        Some(Location::new(source.fs.clone(), source.path.resolve(below)))
    })
}

/// Copies one item that failed once more, and nothing else.
fn retry_one(state: &mut State, at: usize, row: usize, fx: &mut Effects) {
    let Some(transfer) = state.transfers.jobs.get(at) else { return };
    let failed = transfer.failures.get(row);
    if transfer.resumable.is_some()
        && let Some(error) = failed
    {
        let item = match transfer.request.as_deref() {
            Some(request) => source_of(request, error),
            None => {
                error.place().zip(error.path()).map(|(fs, path)| Location::new(FsId::new(fs), path.clone()))
            }
        };
        if let Some(item) = item {
            return retry_recorded(state, at, row, item, fx);
        }
    }
    let (Some(request), Some(error)) = (transfer.request.as_deref(), failed) else {
        let text = if failed.is_none() {
            "This one did not fail."
        } else {
            "It can only be tried again with all: R."
        };
        return state.hint(text);
    };
    if request.remove_source {
        return state.hint("What is moved is tried again as a whole: R.");
    }
    let Some(target) = landing_of(request, error) else {
        return state.hint("It can only be tried again with all: R.");
    };
    let mut chosen = Chosen::default();
    // The directories on the way to it, where they are missing too.
    let mut above = Some(target.path.clone());
    while let Some(path) = above.take() {
        if path.is_within(&request.target.path) {
            above = path.parent();
            chosen.copy.insert(path);
        }
    }
    let mut request = request.clone();
    request.policy.chosen = Some(Arc::new(chosen));
    request.policy.delete = false;
    let name = words::escape_bytes(target.path.name().unwrap_or_default());
    let label = transfer.target.clone();
    let job = state.fresh_job();
    let mut again = Transfer::new(job, Work::Copy, name.clone(), label, vec![request.target.clone()]);
    again.request = Some(Box::new(request.clone()));
    if let Some(transfer) = state.transfers.jobs.get_mut(at) {
        transfer.failures.remove(row);
    }
    state.transfers.jobs.push(again);
    state.hint(format!("Trying {name} again."));
    fx.push(Effect::Send(Command::Copy { job, request }));
}

/// The same where there is a record: what is left of it stays to be gone on with.
fn retry_recorded(state: &mut State, at: usize, row: usize, item: Location, fx: &mut Effects) {
    let job = state.fresh_job();
    let Some(transfer) = state.transfers.jobs.get_mut(at) else { return };
    if transfer.is_running() {
        return state.hint("It can only be tried again with all: R.");
    }
    let Some(id) = transfer.resumable.take() else { return };
    let failure = transfer.failures.remove(row);
    transfer.kept = Some(Box::new(Before {
        failure,
        standing: transfer.standing.clone(),
        progress: transfer.progress.clone(),
        id: id.clone(),
    }));
    transfer.job = job;
    transfer.standing = Standing::Running;
    let name = words::escape_bytes(item.path.name().unwrap_or_default());
    if let Some(Overlay::Details(details)) = state.overlays.last_mut() {
        details.job = job;
    }
    state.hint(format!("Trying {name} again."));
    fx.push(Effect::Send(Command::Retry { job, id, items: vec![item] }));
}
