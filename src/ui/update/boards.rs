//! What the screens with long lists have in common: moving in them, and the filter.

use super::{compare, review};
use crate::ui::{
    action::Action,
    layout::{
        self,
        board::{self, Shown},
    },
    state::{Overlay, State, rows::Place, rows::Sieve},
};

/// How many rows there are, and how many are seen.
fn extent(state: &State) -> Option<(usize, usize)> {
    let areas = layout::layout(state.size, state);
    let (count, _) = board::shown(state)?.rows(state);
    Some((count, usize::from(board::board(&areas, state).rows.height).max(1)))
}

fn place_mut(state: &mut State) -> Option<&mut Place> {
    match board::shown(state)? {
        Shown::Review(_) => review::review_mut(state).map(|review| &mut review.place),
        Shown::Details(_) => match state.overlays.last_mut() {
            Some(Overlay::Details(details)) => Some(&mut details.place),
            _ => None,
        },
        Shown::Compare(_) => state.compare.as_mut().map(|compare| &mut compare.place),
    }
}

fn sieve_mut(state: &mut State) -> Option<&mut Sieve> {
    match board::shown(state).filter(|_| board::is_in_front(state))? {
        Shown::Review(_) => review::review_mut(state).map(|review| &mut review.sieve),
        Shown::Details(_) => None,
        Shown::Compare(_) => state.compare.as_mut().map(|compare| &mut compare.sieve),
    }
}

/// True if the action was to move.
pub(super) fn moved(state: &mut State, action: Action) -> bool {
    let Some((count, height)) = extent(state) else { return false };
    let Some(place) = place_mut(state) else { return false };
    let page = height.saturating_sub(1).max(1);
    place.cursor = match action {
        Action::Up => place.cursor.saturating_sub(1),
        Action::Down => place.cursor.saturating_add(1),
        Action::PageUp => place.cursor.saturating_sub(page),
        Action::PageDown => place.cursor.saturating_add(page),
        Action::First => 0,
        Action::Last => usize::MAX,
        _ => return false,
    };
    place.settle(count, height);
    true
}

/// Puts the cursor on a row.
pub(super) fn move_to(state: &mut State, row: usize) {
    if let Some(place) = place_mut(state) {
        place.cursor = row;
    }
    settle(state);
}

pub(super) fn scroll(state: &mut State, rows: isize) {
    let Some((count, height)) = extent(state) else { return };
    if let Some(place) = place_mut(state) {
        place.scroll(rows, count, height);
    }
}

/// Keeps the cursor where there is something.
pub(super) fn settle(state: &mut State) {
    let Some((count, height)) = extent(state) else { return };
    if let Some(place) = place_mut(state) {
        place.settle(count, height);
    }
}

/// Whether the filter of such a screen is being typed.
pub(super) fn is_filtering(state: &mut State) -> bool {
    sieve_mut(state).is_some_and(|sieve| sieve.typing)
}

/// A change to what is typed; false where nothing is being typed.
pub(super) fn edit(state: &mut State, request: tui_input::InputRequest) -> bool {
    let Some(sieve) = sieve_mut(state).filter(|sieve| sieve.typing) else { return false };
    sieve.input.handle(request);
    search(state);
    true
}

/// While the filter is being typed.
pub(super) fn filter_action(state: &mut State, action: Action) {
    let Some(sieve) = sieve_mut(state) else { return };
    match action {
        Action::Accept => sieve.typing = false,
        Action::Cancel => {
            *sieve = Sieve::default();
            search(state);
        }
        action => {
            moved(state, action);
        }
    }
}

fn search(state: &mut State) {
    if let Some(review) = review::review_mut(state) {
        review.search();
        review.place = Place::default();
    } else if let Some(compare) = &mut state.compare {
        let current = compare.current_path();
        compare.refresh(current);
    }
    settle(state);
}

/// A click on what is decided about a row.
pub(super) fn press(state: &mut State, row: usize) {
    move_to(state, row);
    match board::shown(state) {
        Some(Shown::Review(_)) => {
            if let Some(review) = review::review_mut(state)
                && let Some(at) = review.current()
            {
                review::next(review, at);
            }
        }
        Some(Shown::Compare(_)) => compare::next_way(state),
        _ => {}
    }
}
