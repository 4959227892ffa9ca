//! The review of conflicts: each is decided by itself or with the rest, and all answered at once.

use super::{
    boards,
    effect::{Effect, Effects},
    questions,
};
use crate::{
    engine::{Answer, Command},
    transfer::OnConflict,
    ui::{
        action::Action,
        state::{Asking, Overlay, Question, Review, State},
    },
};

/// In the order in which a click goes through them.
const ANSWERS: [OnConflict; 4] =
    [OnConflict::Overwrite, OnConflict::Skip, OnConflict::Rename, OnConflict::Newer];

pub(super) fn review_mut(state: &mut State) -> Option<&mut Review> {
    match state.overlays.last_mut() {
        Some(Overlay::Question(Question { ask: Asking::Conflicts(review), .. })) => Some(review),
        _ => None,
    }
}

pub(super) fn on_action(state: &mut State, action: Action, fx: &mut Effects) {
    if boards::moved(state, action) {
        return;
    }
    match action {
        Action::Accept => return accept(state, fx),
        Action::Cancel => return leave(state, fx),
        _ => {}
    }
    let Some(review) = review_mut(state) else { return };
    let (how, all) = match action {
        Action::Overwrite => (OnConflict::Overwrite, false),
        Action::Skip => (OnConflict::Skip, false),
        Action::KeepBoth => (OnConflict::Rename, false),
        Action::OnlyNewer => (OnConflict::Newer, false),
        Action::OnlyDifferent => (OnConflict::Different, false),
        Action::Complete => (OnConflict::Resume, false),
        Action::OverwriteRest => (OnConflict::Overwrite, true),
        Action::SkipRest => (OnConflict::Skip, true),
        Action::KeepBothRest => (OnConflict::Rename, true),
        Action::NewerRest => (OnConflict::Newer, true),
        Action::DifferentRest => (OnConflict::Different, true),
        Action::CompleteRest => (OnConflict::Resume, true),
        Action::Undecide => {
            if let Some(at) = review.current() {
                review.decide(at, None);
            }
            return;
        }
        Action::NextWay => {
            if let Some(at) = review.current() {
                next(review, at);
            }
            return;
        }
        Action::Filter => return review.sieve.typing = true,
        _ => return,
    };
    if all {
        review.decide_all(how);
    } else if let Some(at) = review.current() {
        review.decide(at, Some(how));
        review.place.cursor = (review.place.cursor + 1).min(review.found.len().saturating_sub(1));
    }
}

/// The next answer for one, as a click on it goes through them.
pub(super) fn next(review: &mut Review, at: usize) {
    let now = review.answer(at).and_then(|now| ANSWERS.iter().position(|how| *how == now));
    let next = now.map_or(0, |now| (now + 1) % ANSWERS.len());
    review.decide(at, ANSWERS.get(next).copied());
}

/// Enter: what is shown is what is done.
fn accept(state: &mut State, fx: &mut Effects) {
    let Some(Overlay::Question(Question { id, ask: Asking::Conflicts(review), .. })) = state.overlays.pop()
    else {
        return;
    };
    let answer = Answer::Conflicts(Some(review.decisions()));
    fx.push(Effect::Send(Command::Answer { question: id, answer }));
}

/// Esc: out of the filter, else the copy is given up.
fn leave(state: &mut State, fx: &mut Effects) {
    if let Some(review) = review_mut(state)
        && !review.sieve.text().is_empty()
    {
        review.sieve = Default::default();
        return review.search();
    }
    if let Some(Overlay::Question(question)) = state.overlays.pop() {
        questions::refuse(&question, fx);
    }
}
