//! What the engine reports, taken into the state. Must decide nothing that the person should.

use super::{
    attributes, commands, compare, connect, edit,
    effect::{Effect, Effects},
    find, goto, jobs, measure, places, questions, removal, signs, viewer,
};
use crate::{
    engine::{Command, Event, JobId, ProgressBoard, What},
    fs::{Error, ErrorKind, FsId, Operation, Place, PlacePath, ServerInfo},
    transfer as transfers,
    ui::state::{Errand, Lost, Next, Notice, Phase, Side, Standing, State, Tone, log::Line},
    words,
};

/// Warnings of one job that are kept.
const MOST_WARNINGS: usize = 1_000;

pub(super) fn on_event(state: &mut State, event: Event, fx: &mut Effects) {
    let Event { job, what } = event;
    match what {
        What::Log { lines, dropped } => state.log.add(lines.into_iter().map(Line::Reply), dropped),
        What::Lost(error) => {
            let at = state.clock.running;
            state.log.add([Line::Lost { error: error.clone(), at }], 0);
            state.in_every_tab(|state| lost(state, &error));
        }
        What::Reconnecting { fs, wait, .. } => {
            let at = state.clock.running.saturating_add(wait);
            state.in_every_tab(|state| {
                for side in Side::BOTH {
                    if let Some(lost) = state.pane_mut(side).lost_mut(&fs) {
                        lost.next = Next::TryAt(at);
                    }
                }
            });
        }
        What::Reconnected { fs, info } => {
            let after = state.log.loss(&fs).map(|(_, at)| state.clock.running.saturating_sub(at));
            state.log.add([Line::Back { fs: fs.clone(), after }], 0);
            state.in_every_tab(|state| reconnected(state, &fs, &info, fx));
        }
        What::LeftLost { fs, error } => {
            // One that is only left until it is needed has failed at nothing since it was lost.
            let is_news = state.log.loss(&fs).is_none_or(|(lost, _)| lost.kind() != error.kind());
            if is_news {
                state.log.add([Line::Left { error: error.clone() }], 0);
            }
            state.in_every_tab(|state| left_lost(state, &fs, &error));
        }
        What::Ask { question, ask } => questions::ask(state, job, question, ask, fx),
        what => {
            if matches!(what, What::Done(_) | What::Failed(_) | What::Cancelled) {
                // A job that ended waits for no answer any more.
                questions::forget(state, job);
            }
            if connect::is_ours(state, job) {
                connect::on_event(state, job, what);
            } else if state.any_pane_waits_for(job) {
                state.where_awaited(job, |state, side| on_pane_event(state, side, what, fx));
            } else if state.transfers.get_mut(job).is_some() {
                on_transfer_event(state, job, what, fx);
            } else if let Some(at) = state.errands.iter().position(|errand| errand.job == job) {
                on_errand_event(state, at, what, fx);
            } else if compare::is_ours(state, job) {
                compare::on_event(state, what);
            } else if jobs::is_asked(state, job) {
                jobs::on_stored(state, what);
            } else if let Some(at) = state.measures.iter().position(|measure| measure.job == job) {
                measure::on_event(state, at, what);
            } else if removal::waits_for(state, job) {
                removal::on_event(state, job, what);
            } else if goto::waits_for(state, job) {
                goto::on_event(state, what, fx);
            } else if find::waits_for(state, job) {
                find::on_event(state, job, what);
            } else if viewer::waits_for(state, job) {
                viewer::on_event(state, job, what, fx);
            } else if state.opening_shell.as_ref().is_some_and(|(opening, _)| *opening == job) {
                edit::on_shell(state, what, fx);
            } else if let Some(at) = state.edits.iter().position(|edit| edit.job == job) {
                edit::on_event(state, at, what, fx);
            } else {
                let what = attributes::on_event(state, job, what);
                commands::on_event(state, job, what);
            }
            // Anything else is late news of a job that nobody waits for.
        }
    }
}

pub(super) fn on_progress(state: &mut State, board: ProgressBoard) {
    let queued = board.iter().filter(|(_, progress)| progress.phase == transfers::Phase::Queued);
    let queued: Vec<JobId> = queued.map(|(job, _)| *job).collect();
    state.transfers.queue(&queued);
    for (job, progress) in board {
        if let Some(transfer) = state.transfers.get_mut(job)
            && transfer.is_running()
        {
            transfer.advance(progress, state.clock.running);
        }
    }
}

fn lost(state: &mut State, error: &Error) {
    let mut any = false;
    for side in Side::BOTH {
        let pane = state.pane_mut(side);
        let here = pane.view.location.as_ref().is_some_and(|l| Some(l.fs.as_str()) == error.place());
        if here && !matches!(pane.phase, Phase::Connecting(_)) {
            // A job on it may have told already.
            any |= !matches!(pane.phase, Phase::Lost(_));
            pane.phase = Phase::Lost(Lost::new(error.clone()));
        }
    }
    // That a server sends an idle session away is nothing to be alarmed by.
    if any && !error.is_in_good_order() {
        state.say(Tone::Bad, words::error(error).to_string());
    }
}

/// Panes that show the server go on where they were, with what there is now.
fn reconnected(state: &mut State, fs: &FsId, info: &ServerInfo, fx: &mut Effects) {
    let mut info = info.clone();
    if let Some(known) = state.servers.get(fs) {
        info.label.clone_from(&known.label);
    }
    state.servers.insert(fs.clone(), info.clone());
    for side in Side::BOTH {
        let pane = state.pane_mut(side);
        let is_here = pane.view.location.as_ref().is_some_and(|location| location.fs == *fs);
        if is_here && matches!(pane.phase, Phase::Lost(_)) {
            pane.view.info = info.clone();
            pane.phase = Phase::Ready;
            if let Some(location) = pane.view.location.clone() {
                places::start_listing(state, side, location, fx);
                // What was said of the loss is over.
                state.notice = None;
            }
        } else if let Some(before) = &mut state.pane_mut(side).before
            && before.0.location.as_ref().is_some_and(|location| location.fs == *fs)
            && matches!(before.1, Phase::Lost(_))
        {
            before.1 = Phase::Ready;
        }
    }
}

fn left_lost(state: &mut State, fs: &FsId, error: &Error) {
    let mut any = false;
    for side in Side::BOTH {
        if let Some(lost) = state.pane_mut(side).lost_mut(fs) {
            *lost = Lost::new(error.clone());
            any = true;
        }
    }
    if any && !error.is_in_good_order() {
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
        What::Connected { location, mut info } => {
            if let Phase::Connecting(connecting) = &state.pane(side).phase
                && let Place::Remote(target, _) = &connecting.place
            {
                let target = target.clone();
                info.label = connect::label(state, &target, info.label);
                state.targets.insert(location.fs.clone(), target);
                state.pane_mut(side).is_new = true;
            }
            state.servers.insert(location.fs.clone(), info.clone());
            let pane = state.pane_mut(side);
            pane.view.info = info;
            // A retry goes to where this led, not back to what was typed.
            if let Some(Place::Remote(_, path)) = &mut pane.tried {
                *path = PlacePath::Absolute(location.path.clone());
            }
            // Other panes of the same session are found again with this one.
            state.in_every_tab(|state| {
                for pane in [&mut state.left, &mut state.right] {
                    let same = pane.view.location.as_ref().is_some_and(|l| l.fs == location.fs);
                    if same && matches!(pane.phase, Phase::Lost(_)) {
                        pane.phase = Phase::Ready;
                    }
                }
            });
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
            connect::visited(state, side, fx);
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
        What::Data(_)
        | What::Searched(_)
        | What::Found(_)
        | What::Fetched(_)
        | What::Draft(_)
        | What::Steps(_)
        | What::Compared(_)
        | What::Hosts(_)
        | What::Resolved(_)
        | What::Stored(_)
        | What::Retrying { .. }
        | What::Resumable { .. }
        | What::Checksum(_)
        | What::Matches(_)
        | What::Scanned(_)
        | What::Measured { .. }
        | What::Verified(_)
        | What::Output(_) => {}
        What::Space(space) => state.pane_mut(side).view.space = Some(space),
        What::ItemFailed(error) | What::Warning(error) => {
            state.say(Tone::Bad, words::error(&error).to_string());
        }
        What::Done(_) => {
            places::arrive(state, side);
            connect::visited(state, side, fx);
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
        // Handled before, or not for panes.
        What::Planned(_)
        | What::Ask { .. }
        | What::Log { .. }
        | What::Lost(_)
        | What::Reconnecting { .. }
        | What::Reconnected { .. }
        | What::LeftLost { .. } => {}
    }
}

fn on_transfer_event(state: &mut State, job: JobId, what: What, fx: &mut Effects) {
    let Some(transfer) = state.transfers.get_mut(job) else { return };
    match what {
        What::Planned(totals) => transfer.progress.total = totals,
        What::ItemFailed(error) => {
            transfer.fail(error);
        }
        What::Warning(error) if transfer.warnings.len() < MOST_WARNINGS => transfer.warnings.push(error),
        What::Resumable { id, reached } => {
            transfer.resumable = Some(id);
            // What has arrived for certain, and not what was on its way.
            transfer.progress.done = reached;
        }
        What::Verified(verified) => transfer.verified = verified,
        What::Retrying { wait, error, .. } => {
            transfer.progress.phase = transfers::Phase::Waiting;
            transfer.lost = Some(words::retrying_short(&error, wait));
            state.say(Tone::Bad, words::retrying(&error, wait));
        }
        What::Done(outcome) => {
            let verb = transfer.work.verb();
            let bad = outcome.failed > 0;
            let mut text = words::capital(&words::outcome_to(&outcome, verb, &transfer.target));
            if let Some(first) = transfer.failures.first().filter(|_| bad) {
                text.push_str(&format!(". {}", words::error(first)));
            } else {
                text.push('.');
            }
            transfer.progress.done = outcome.done;
            transfer.standing = Standing::Done(outcome);
            transfer.stand_as_before();
            ended(state, job, Some(Notice { tone: if bad { Tone::Bad } else { Tone::Good }, text }), fx);
        }
        What::Failed(error) => {
            let text = words::error(&error).to_string();
            transfer.standing = Standing::Failed(error);
            transfer.stand_as_before();
            ended(state, job, Some(Notice { tone: Tone::Bad, text }), fx);
        }
        What::Cancelled => {
            transfer.standing = Standing::Cancelled;
            transfer.stand_as_before();
            let text = format!("Cancelled: {}; what was done until then stays.", transfer.name);
            ended(state, job, Some(Notice { tone: Tone::Plain, text }), fx);
        }
        _ => {}
    }
}

fn ended(state: &mut State, job: JobId, notice: Option<Notice>, fx: &mut Effects) {
    signs::notify(state, job, notice.as_ref(), fx);
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
            state.in_every_tab(|state| {
                for pane in [&mut state.left, &mut state.right] {
                    if pane.view.location.as_ref() == Some(&location) {
                        pane.wanted = Some(wanted.clone());
                    }
                }
            });
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
