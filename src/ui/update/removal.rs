//! Asking before something is deleted, and counting what its folders hold while the question
//! stands. Must delete nothing itself: that follows from the answer.

use std::collections::HashMap;

use super::{
    effect::{Effect, Effects},
    questions,
};
use crate::{
    engine::{Command, JobId, Standing, What},
    fs::Location,
    ui::state::{Deed, Overlay, State, overlay::Inside},
};

/// Puts the question. What `folders` hold is told behind the lines that say `what` is meant.
pub(super) fn ask(
    state: &mut State,
    (items, name): (Vec<Location>, String),
    folders: Vec<Location>,
    (what, rest): (Vec<String>, Vec<String>),
    fx: &mut Effects,
) {
    let line = what.len();
    let inside = (!folders.is_empty()).then(|| {
        let job = state.fresh_job();
        let count = folders.len() as u64;
        fx.push(Effect::Send(Command::Measure { job, items: folders }));
        Box::new(Inside { job, folders: count, found: HashMap::new(), counts: true, failed: 0, line })
    });
    let deed = Deed::Remove { items, name, inside };
    let lines = what.into_iter().chain(rest).collect();
    state.overlays.push(Overlay::Confirm { deed, lines, choice: 0, scroll: 0 });
}

fn inside_mut(state: &mut State, job: JobId) -> Option<&mut Inside> {
    state.overlays.iter_mut().find_map(|overlay| match overlay {
        Overlay::Confirm { deed: Deed::Remove { inside: Some(inside), .. }, .. } if inside.job == job => {
            Some(&mut **inside)
        }
        _ => None,
    })
}

/// Whether a question waits for this job.
pub(super) fn waits_for(state: &mut State, job: JobId) -> bool {
    inside_mut(state, job).is_some()
}

pub(super) fn on_event(state: &mut State, job: JobId, what: What) {
    let Some(inside) = inside_mut(state, job) else { return };
    match what {
        What::Measured { location, totals, standing } => {
            inside.failed += u64::from(standing == Standing::AtLeast);
            inside.found.insert(location, totals);
        }
        What::Done(outcome) => (inside.counts, inside.failed) = (false, outcome.failed),
        What::Failed(_) | What::Cancelled => (inside.counts, inside.failed) = (false, inside.failed.max(1)),
        _ => {}
    }
}

/// The question is answered: nobody wants the count any more.
pub(super) fn answered(state: &mut State, deed: &Deed, fx: &mut Effects) {
    if let Deed::Remove { inside: Some(inside), .. } = deed
        && inside.counts
    {
        fx.push(Effect::Send(Command::Cancel { job: inside.job }));
        questions::drop_of(state, inside.job, fx);
    }
}
