//! What the engine reports, taken into the state. Must decide nothing that the person should.

use super::{
    attributes, commands, connect,
    effect::{Effect, Effects},
    places, questions,
};
use crate::{
    engine::{Command, Event, JobId, ProgressBoard, What},
    fs::{Error, ErrorKind, Operation, Place, PlacePath},
    ui::state::{Errand, Notice, Phase, Side, Standing, State, Tone},
    words,
};

pub(super) fn on_event(state: &mut State, event: Event, fx: &mut Effects) {
    let Event { job, what } = event;
    match what {
        What::Log { lines, dropped } => state.log.add(lines, dropped),
        What::Lost(error) => lost(state, &error),
        What::Ask { question, ask } => questions::ask(state, job, question, ask, fx),
        what => {
            if matches!(what, What::Done(_) | What::Failed(_) | What::Cancelled) {
                // A job that ended waits for no answer any more.
                questions::forget(state, job);
            }
            if connect::is_ours(state, job) {
                connect::on_event(state, job, what);
            } else if let Some(side) = state.side_of(job) {
                on_pane_event(state, side, what, fx);
            } else if state.transfers.get_mut(job).is_some() {
                on_transfer_event(state, job, what, fx);
            } else if let Some(at) = state.errands.iter().position(|errand| errand.job == job) {
                on_errand_event(state, at, what, fx);
            } else {
                let what = attributes::on_event(state, job, what);
                commands::on_event(state, job, what);
            }
            // Anything else is late news of a job that nobody waits for.
        }
    }
}

pub(super) fn on_progress(state: &mut State, board: ProgressBoard) {
    for (job, progress) in board {
        if let Some(transfer) = state.transfers.get_mut(job)
            && transfer.is_running()
        {
            transfer.progress = progress;
        }
    }
}

fn lost(state: &mut State, error: &Error) {
    let mut any = false;
    for side in Side::BOTH {
        let pane = state.pane_mut(side);
        let here = pane.view.location.as_ref().is_some_and(|l| Some(l.fs.as_str()) == error.place());
        if here && !matches!(pane.phase, Phase::Connecting(_)) {
            pane.phase = Phase::Lost(error.clone());
            any = true;
        }
    }
    if any {
        state.say(Tone::Bad, words::error(error).to_string());
    }
}

fn on_pane_event(state: &mut State, side: Side, what: What, fx: &mut Effects) {
    match what {
        What::Stage(stage) => {
            if let Phase::Connecting(connecting) = &mut state.pane_mut(side).phase {
                connecting.stage = Some(stage);
            }
        }
        What::Connected { location, info } => {
            if let Phase::Connecting(connecting) = &state.pane(side).phase
                && let Place::Remote(target, _) = &connecting.place
            {
                let (target, location) = (target.clone(), location.clone());
                connect::visited(state, &target, &location, fx);
                state.targets.insert(location.fs, target);
            }
            let pane = state.pane_mut(side);
            pane.view.info = info;
            // A retry goes to where this led, not back to what was typed.
            if let Some(Place::Remote(_, path)) = &mut pane.tried {
                *path = PlacePath::Absolute(location.path.clone());
            }
            // The other pane of the same session is found again with this one.
            let other = state.pane_mut(side.other());
            let same = other.view.location.as_ref().is_some_and(|l| l.fs == location.fs);
            if same && matches!(other.phase, Phase::Lost(_)) {
                other.phase = Phase::Ready;
            }
            places::start_listing(state, side, location, fx);
        }
        What::Entries(entries) => {
            let refreshing = match &mut state.pane_mut(side).phase {
                Phase::Listing(loading) => loading.incoming.as_mut(),
                _ => return,
            };
            if let Some(incoming) = refreshing {
                incoming.add(entries);
                return;
            }
            places::arrive(state, side);
            let pane = state.pane_mut(side);
            let found = pane.wanted.take_if(|wanted| entries.iter().any(|entry| entry.name == *wanted));
            // A cursor that rests at the top stays there while the list grows above it.
            if pane.view.cursor == 0 {
                pane.view.listing.add(entries);
            } else {
                pane.view.keep_cursor(|listing| listing.add(entries));
            }
            if let Some(name) = found {
                pane.view.move_to_name(&name);
            }
        }
        // The panes ask for no file's bytes yet.
        What::Data(_) | What::Hosts(_) | What::Resolved(_) | What::Checksum(_) | What::Output(_) => {}
        What::Space(space) => state.pane_mut(side).view.space = Some(space),
        What::ItemFailed(error) | What::Warning(error) => {
            state.say(Tone::Bad, words::error(&error).to_string());
        }
        What::Done(_) => {
            places::arrive(state, side);
            let pane = state.pane_mut(side);
            if let Phase::Listing(loading) = std::mem::replace(&mut pane.phase, Phase::Ready)
                && let Some(newer) = loading.incoming
            {
                pane.view.replace_listing(newer);
                pane.view.incomplete = false;
            }
            if let Some(name) = pane.wanted.take() {
                pane.view.move_to_name(&name);
            }
        }
        What::Failed(error) => places::fail(state, side, error),
        What::Cancelled => places::fail(state, side, Error::new(ErrorKind::Cancelled, Operation::List)),
        What::Planned(_) | What::Ask { .. } | What::Log { .. } | What::Lost(_) => {}
    }
}

fn on_transfer_event(state: &mut State, job: JobId, what: What, fx: &mut Effects) {
    let Some(transfer) = state.transfers.get_mut(job) else { return };
    match what {
        What::Planned(totals) => transfer.progress.total = totals,
        What::ItemFailed(error) => {
            transfer.failures.push(error);
            transfer.progress.failed = transfer.progress.failed.max(transfer.failures.len() as u64);
        }
        What::Warning(error) => transfer.warnings.push(error),
        What::Done(outcome) => {
            let verb = transfer.work.verb();
            let bad = outcome.failed > 0;
            let mut text = words::outcome(&outcome, verb);
            if !transfer.target.is_empty() {
                text.push_str(&format!(" to {}", transfer.target));
            }
            if let Some(first) = transfer.failures.first().filter(|_| bad) {
                text.push_str(&format!(". {}", words::error(first)));
            } else {
                text.push('.');
            }
            transfer.progress.done = outcome.done;
            transfer.standing = Standing::Done(outcome);
            ended(state, job, Some(Notice { tone: if bad { Tone::Bad } else { Tone::Good }, text }), fx);
        }
        What::Failed(error) => {
            let text = words::error(&error).to_string();
            transfer.standing = Standing::Failed(error);
            ended(state, job, Some(Notice { tone: Tone::Bad, text }), fx);
        }
        What::Cancelled => {
            transfer.standing = Standing::Cancelled;
            let text = format!("{} was cancelled; what was done until then stays.", transfer.name);
            ended(state, job, Some(Notice { tone: Tone::Plain, text }), fx);
        }
        _ => {}
    }
}

fn ended(state: &mut State, job: JobId, notice: Option<Notice>, fx: &mut Effects) {
    state.notice = notice;
    let touches = state.transfers.get_mut(job).map(|transfer| transfer.touches.clone());
    for location in touches.unwrap_or_default() {
        places::refresh_showing(state, &location, fx);
    }
}

fn on_errand_event(state: &mut State, at: usize, what: What, fx: &mut Effects) {
    let notice = match what {
        What::Done(_) => None,
        What::Failed(error) => Some(Notice { tone: Tone::Bad, text: words::error(&error).to_string() }),
        What::Cancelled => Some(Notice { tone: Tone::Plain, text: "Cancelled.".to_owned() }),
        _ => return,
    };
    let Errand { touches, wanted, done, .. } = state.errands.remove(at);
    let succeeded = notice.is_none();
    state.notice = Some(notice.unwrap_or(Notice { tone: Tone::Good, text: done }));
    for location in touches {
        if succeeded {
            for side in Side::BOTH {
                let pane = state.pane_mut(side);
                if pane.view.location.as_ref() == Some(&location) {
                    pane.wanted = Some(wanted.clone());
                }
            }
        }
        places::refresh_showing(state, &location, fx);
    }
}

/// Tells a job to stop.
pub(super) fn cancel_job(state: &mut State, job: JobId, fx: &mut Effects) {
    if let Some(transfer) = state.transfers.get_mut(job)
        && transfer.is_running()
    {
        transfer.standing = Standing::Stopping;
        fx.push(Effect::Send(Command::Cancel { job }));
        questions::drop_of(state, job, fx);
    }
}
