//! Trying a place out: its start, what is heard of it, its end. Must connect nothing.

use super::super::{
    effect::{Effect, Effects},
    questions,
};
use crate::{
    engine::{Command, What},
    fs::{Error, Place},
    ui::{
        layout,
        state::{Overlay, State, Tone, Trial},
    },
    words,
};

pub(super) fn on_event(state: &mut State, what: What) {
    let Some(trial) = &mut state.trial else { return };
    match what {
        What::Stage(stage) => trial.stage = Some(stage),
        What::Connected { location, .. } => trial.location = Some(location),
        What::Entries(entries) => trial.entries = trial.entries.saturating_add(entries.len() as u64),
        What::Done(_) => {
            let took = state.clock.running.saturating_sub(trial.since);
            let path = trial.location.as_ref().map(|location| layout::short_path(location, &state.home));
            let text = format!(
                "{} works: {} in {}, after {}.",
                trial.name,
                words::plural(trial.entries, "entry", "entries"),
                path.unwrap_or_default(),
                words::clock(took)
            );
            trial_ended(state, Ok(text));
        }
        What::Failed(error) => trial_ended(state, Err(error)),
        What::Cancelled => state.trial = None,
        _ => {}
    }
}

fn trial_ended(state: &mut State, outcome: Result<String, Error>) {
    state.trial = None;
    let form = state.overlays.iter_mut().find_map(|overlay| match overlay {
        Overlay::Form(form) => Some(form),
        _ => None,
    });
    match (outcome, form) {
        (Ok(text), Some(form)) => form.tested = Some(text),
        (Ok(text), None) => state.say(Tone::Good, text),
        (Err(error), Some(form)) => form.error = Some(words::error(&error).to_string()),
        (Err(error), None) => {
            state.overlays.push(Overlay::Error { words: words::error(&error), scroll: 0 });
        }
    }
}

/// Tries a place out.
pub(super) fn start_trial(state: &mut State, name: &str, place: Place, fx: &mut Effects) {
    stop_trial(state, fx);
    state.notice = None;
    let job = state.fresh_job();
    let name = words::escape(name).into_owned();
    let since = state.clock.running;
    state.trial = Some(Trial { job, name, stage: None, since, location: None, entries: 0 });
    fx.push(Effect::Send(Command::Test { job, place }));
}

pub(in crate::ui::update) fn stop_trial(state: &mut State, fx: &mut Effects) {
    if let Some(trial) = state.trial.take() {
        fx.push(Effect::Send(Command::Cancel { job: trial.job }));
        questions::drop_of(state, trial.job, fx);
    }
}
