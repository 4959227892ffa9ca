//! The engine's questions: each is shown in its turn and gets exactly one answer.

use super::effect::{Effect, Effects};
use crate::{
    engine::{Answer, Ask, Command, JobId, QuestionId},
    trust,
    ui::state::{Asking, Field, Overlay, Question, Review, State},
};

/// A question of the engine: shown now if nothing else is open, else in its turn.
pub(super) fn ask(state: &mut State, job: JobId, id: QuestionId, ask: Ask, fx: &mut Effects) {
    let ask = match ask {
        Ask::Trust(trust::Question::UnknownHost(host)) => {
            Asking::Host { host: Box::new(host), choice: 0, scroll: 0 }
        }
        Ask::Trust(trust::Question::UnknownCertificate(certificate)) => {
            Asking::Certificate { certificate, choice: 0, scroll: 0 }
        }
        Ask::Trust(trust::Question::Secret(request)) => {
            let field = Field::secret(request.echo);
            Asking::Secret { request, field, scroll: usize::MAX }
        }
        Ask::Conflicts { shown, count } => Asking::Conflicts(Box::new(Review::new(shown, count))),
    };
    let question = Question { id, job, ask };
    let known = state.any_pane_waits_for(job)
        || state.trial.as_ref().is_some_and(|trial| trial.job == job)
        || state.transfers.running().any(|transfer| transfer.job == job)
        || state.edits.iter().any(|edit| edit.job == job)
        || super::compare::is_ours(state, job)
        || super::viewer::waits_for(state, job)
        || super::find::waits_for(state, job)
        || super::goto::waits_for(state, job)
        || state.measures.iter().any(|measure| measure.job == job)
        || state.errands.iter().any(|errand| errand.job == job);
    if known {
        state.waiting.push_back(question);
    } else {
        // Nobody waits for this job any more; the engine must not wait for us either.
        refuse(&question, fx);
    }
}

/// Opens the next question once no dialog is open: nothing typed for one reaches another.
pub(super) fn next(state: &mut State) {
    // A form waits for its own test, and so for the questions of that test.
    let form_waits = matches!(state.overlay(), Some(Overlay::Form(_)))
        && state
            .trial
            .as_ref()
            .is_some_and(|trial| state.waiting.front().is_some_and(|question| question.job == trial.job));
    // So does a search for those of its own server.
    let dialog_waits = form_waits
        || state.waiting.front().is_some_and(|question| match state.overlay() {
            Some(Overlay::Find(_)) => super::find::waits_for(state, question.job),
            Some(Overlay::GoTo(_)) => super::goto::waits_for(state, question.job),
            _ => false,
        });
    if (state.overlays.is_empty() || dialog_waits)
        && let Some(question) = state.waiting.pop_front()
    {
        state.filtering = false;
        state.overlays.push(Overlay::Question(question));
    }
}

/// Answers no.
pub(super) fn refuse(question: &Question, fx: &mut Effects) {
    let answer = match question.ask {
        Asking::Host { .. } | Asking::Certificate { .. } | Asking::Secret { .. } => {
            Answer::Trust(trust::Answer::No)
        }
        Asking::Conflicts(_) => Answer::Conflicts(None),
    };
    fx.push(Effect::Send(Command::Answer { question: question.id, answer }));
}

/// Answers whatever this job asked with no, open or waiting.
pub(super) fn drop_of(state: &mut State, job: JobId, fx: &mut Effects) {
    for question in take(state, job) {
        refuse(&question, fx);
    }
}

/// Closes the questions of a job that needs no answer any more.
pub(super) fn forget(state: &mut State, job: JobId) {
    take(state, job);
}

fn take(state: &mut State, job: JobId) -> Vec<Question> {
    let mut taken = Vec::new();
    state.waiting.retain(|question| {
        let keep = question.job != job;
        if !keep {
            taken.push(question.clone());
        }
        keep
    });
    state.overlays.retain(|overlay| match overlay {
        Overlay::Question(question) if question.job == job => {
            taken.push(question.clone());
            false
        }
        _ => true,
    });
    taken
}
