//! Summing up what folders hold: asking for it, showing it as it comes, stopping it.

use super::{
    effect::{Effect, Effects},
    questions,
};
use crate::{
    engine::{Command, JobId, Standing, What},
    fs::{Kind, Location},
    ui::state::{Listing, Measure, Row, State, Tone},
    words,
};

/// With more folders than this at a time, they are put in order once, at the end.
const SORTED_EACH: usize = 200;

/// Sums up what is selected or under the cursor; on `..`, every folder that is shown.
pub(super) fn start(state: &mut State, fx: &mut Effects) {
    let Some(folder) = state.active().usable().cloned() else {
        return state.hint("This pane shows no place that can be worked in now.");
    };
    if state.measure_of(&folder).is_some() {
        return state.hint("The folders here are being counted already.");
    }
    let view = &state.active().view;
    let all = matches!(view.row(view.cursor), Some(Row::Above)) && view.listing.selected().count == 0;
    let items = if all { view.listing.iter().collect() } else { view.targets() };
    let wanted: Vec<&[u8]> =
        items.iter().filter(|item| item.entry.kind == Kind::Dir).map(|item| &*item.entry.name).collect();
    if wanted.is_empty() {
        return state.hint("Put the cursor on a folder, or on .. for all of them.");
    }
    let names: Vec<(u32, Box<[u8]>)> = match wanted.as_slice() {
        [one] => vec![(u32::MAX, (*one).into())],
        _ => {
            let wanted: std::collections::HashSet<&[u8]> = wanted.into_iter().collect();
            (0..view.listing.len())
                .filter_map(|at| {
                    let item = view.listing.get(at)?;
                    let is_wanted = item.entry.kind == Kind::Dir && wanted.contains(&*item.entry.name);
                    is_wanted.then(|| Some((view.listing.id(at)?, item.entry.name.clone())))?
                })
                .collect()
        }
    };
    let (job, since) = (state.fresh_job(), state.clock.running);
    let items = names.iter().map(|(_, name)| folder.join(name)).collect();
    state.notice = None;
    state.measures.push(Measure {
        job,
        folder: folder.clone(),
        names: names.clone(),
        failure: None,
        done: 0,
        since,
    });
    in_listings(state, &folder, |listing| {
        for (id, name) in &names {
            listing.set_measured(*id, name, Some(Standing::Counting), None);
        }
        listing.settle_sizes();
    });
    fx.push(Effect::Send(Command::Measure { job, items }));
}

fn in_listings(state: &mut State, folder: &Location, change: impl Fn(&mut Listing)) {
    state.in_every_tab(|state| {
        for pane in [&mut state.left, &mut state.right] {
            if pane.view.location.as_ref() == Some(folder) {
                pane.view.keep_cursor(&change);
            }
        }
    });
}

/// What the engine reports.
pub(super) fn on_event(state: &mut State, at: usize, what: What) {
    let Some(measure) = state.measures.get_mut(at) else { return };
    let folder = measure.folder.clone();
    match what {
        What::Measured { location, totals, standing } => {
            let Some(name) = location.path.name() else { return };
            if standing != Standing::Counting {
                measure.done += 1;
            }
            let id = measure.names.iter().find(|(_, known)| **known == *name).map_or(u32::MAX, |(id, _)| *id);
            let settles = standing != Standing::Counting && measure.names.len() <= SORTED_EACH;
            in_listings(state, &folder, |listing| {
                listing.set_measured(id, name, Some(standing), Some(totals.bytes));
                if settles {
                    listing.settle_sizes();
                }
            });
        }
        What::ItemFailed(error) => {
            measure.failure.get_or_insert(error);
        }
        What::Done(outcome) => {
            let failure = measure.failure.take();
            ended(state, at);
            let count = outcome.done;
            let counted = format!(
                "{} in {} and {}",
                words::size(count.bytes),
                words::plural(count.files, "file", "files"),
                words::plural(count.dirs, "folder", "folders")
            );
            if outcome.failed > 0 {
                let unread = words::plural(outcome.failed, "folder", "folders");
                let why = failure.map(|error| format!(" {}", words::error(&error))).unwrap_or_default();
                state.say(Tone::Bad, format!("At least {counted}; {unread} could not be read.{why}"));
            } else {
                state.hint(format!("{counted}."));
            }
        }
        What::Failed(error) => {
            ended(state, at);
            state.say(Tone::Bad, words::error(&error).to_string());
        }
        What::Cancelled => ended(state, at),
        _ => {}
    }
}

/// What was not counted to its end is not known.
fn ended(state: &mut State, at: usize) {
    if at >= state.measures.len() {
        return;
    }
    let measure = state.measures.remove(at);
    in_listings(state, &measure.folder, |listing| {
        let open: Vec<Box<[u8]>> = listing
            .iter()
            .filter(|item| item.measured == Some(Standing::Counting))
            .map(|item| item.entry.name.clone())
            .collect();
        for name in open {
            listing.set_measured(u32::MAX, &name, None, None);
        }
        listing.settle_sizes();
    });
}

fn cancel(state: &mut State, job: JobId, fx: &mut Effects) {
    fx.push(Effect::Send(Command::Cancel { job }));
    questions::drop_of(state, job, fx);
}

/// Esc: true if something was being counted in this pane.
pub(super) fn stop(state: &mut State, fx: &mut Effects) -> bool {
    let Some(here) = state.active().view.location.clone() else { return false };
    let Some(at) = state.measures.iter().position(|measure| measure.folder == here) else { return false };
    if let Some(job) = state.measures.get(at).map(|measure| measure.job) {
        ended(state, at);
        cancel(state, job, fx);
        state.hint("The counting was stopped.");
    }
    true
}

/// Stops what no pane shows any more.
pub(super) fn settle(state: &mut State, fx: &mut Effects) {
    let seen = |folder: &Location| {
        state.all_panes().any(|pane| {
            let before = pane.before.as_ref().and_then(|before| before.0.location.as_ref());
            pane.view.location.as_ref() == Some(folder) || before == Some(folder)
        })
    };
    let left: Vec<JobId> =
        state.measures.iter().filter(|measure| !seen(&measure.folder)).map(|measure| measure.job).collect();
    for job in left {
        state.measures.retain(|measure| measure.job != job);
        cancel(state, job, fx);
    }
}
