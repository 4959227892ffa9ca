//! Whose turn it is: of the transfers between the same two places only so many run at a time; the
//! others wait, in an order that can be changed. Must start and stop nothing.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use tokio::sync::oneshot;

use crate::{
    engine::{JobId, lock},
    fs::FsId,
    transfer::Request,
};

/// Transfers between the same two places that run at a time, unless it is set otherwise.
const AT_A_TIME: usize = 3;

/// What a transfer is between.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Pair {
    from: Option<FsId>,
    to: FsId,
}

impl Pair {
    pub(super) fn of(request: &Request) -> Pair {
        let from = request.sources.first().map(|source| source.fs.clone());
        Pair { from, to: request.target.fs.clone() }
    }
}

/// Those that run and those that wait.
pub(super) struct Queue(Mutex<State>);

struct State {
    at_a_time: usize,
    running: BTreeMap<JobId, Running>,
    /// The next one first.
    waiting: Vec<Waiting>,
}

struct Running {
    pair: Pair,
    paused: bool,
    /// It waits for a person.
    asking: bool,
}

struct Waiting {
    job: JobId,
    pair: Pair,
    paused: bool,
    turn: oneshot::Sender<()>,
}

impl Default for Queue {
    fn default() -> Self {
        Queue(Mutex::new(State { at_a_time: AT_A_TIME, running: BTreeMap::new(), waiting: Vec::new() }))
    }
}

/// A place in the queue, and then among those that run; given up when dropped.
pub(super) struct Place<'a> {
    queue: &'a Queue,
    job: JobId,
    turn: Option<oneshot::Receiver<()>>,
}

impl Place<'_> {
    /// Waits until it is this one's turn.
    pub(super) async fn turn(&mut self) {
        if let Some(turn) = &mut self.turn {
            let _ = turn.await;
            self.turn = None;
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        state.running.remove(&self.job);
        state.waiting.retain(|waiting| waiting.job != self.job);
        state.start();
    }
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }

    /// Gets in line.
    pub(super) fn enter(&self, job: JobId, pair: Pair, paused: bool) -> Place<'_> {
        let (sender, turn) = oneshot::channel();
        let mut state = self.state();
        state.waiting.push(Waiting { job, pair, paused, turn: sender });
        state.start();
        Place { queue: self, job, turn: Some(turn) }
    }

    /// Changes how many run at a time; those that run already go on.
    pub(super) fn allow(&self, at_a_time: usize) {
        let mut state = self.state();
        state.at_a_time = at_a_time.max(1);
        state.start();
    }

    /// One that is paused lets others go first.
    pub(super) fn pause(&self, job: JobId, paused: bool) {
        let mut state = self.state();
        if let Some(running) = state.running.get_mut(&job) {
            running.paused = paused;
        }
        if let Some(waiting) = state.waiting.iter_mut().find(|waiting| waiting.job == job) {
            waiting.paused = paused;
        }
        state.start();
    }

    /// So does one that waits for a person.
    pub(super) fn ask(&self, job: JobId, asking: bool) {
        let mut state = self.state();
        if let Some(running) = state.running.get_mut(&job) {
            running.asking = asking;
        }
        state.start();
    }

    /// Moves one that waits past its neighbour.
    pub(super) fn reorder(&self, job: JobId, up: bool) {
        let mut state = self.state();
        let Some(at) = state.waiting.iter().position(|waiting| waiting.job == job) else { return };
        let other = if up { at.checked_sub(1) } else { Some(at + 1) };
        if let Some(other) = other.filter(|other| *other < state.waiting.len()) {
            state.waiting.swap(at, other);
        }
    }

    /// Those that wait, the next one first.
    pub(super) fn order(&self) -> Vec<JobId> {
        self.state().waiting.iter().map(|waiting| waiting.job).collect()
    }
}

impl State {
    /// Gives those their turn that can have it.
    fn start(&mut self) {
        let mut at = 0;
        while let Some(next) = self.waiting.get(at) {
            let busy = self.running.values().filter(|r| !r.paused && !r.asking && r.pair == next.pair);
            if next.paused || busy.count() >= self.at_a_time {
                at += 1;
                continue;
            }
            let Waiting { job, pair, turn, .. } = self.waiting.remove(at);
            // Where nobody waits any more, the place is about to be given up.
            let _ = turn.send(());
            self.running.insert(job, Running { pair, paused: false, asking: false });
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn pair(to: &str) -> Pair {
        Pair { from: Some(FsId::local()), to: FsId::new(to) }
    }

    fn has_turn(place: &mut Place<'_>) -> bool {
        place.turn().now_or_never().is_some()
    }

    #[test]
    fn so_many_run_and_the_next_one_follows() {
        let queue = Queue::default();
        let mut places: Vec<_> = (1..=5).map(|job| queue.enter(JobId(job), pair("a"), false)).collect();
        let turns: Vec<bool> = places.iter_mut().map(has_turn).collect();
        assert_eq!(turns, [true, true, true, false, false]);
        assert_eq!(queue.order(), [JobId(4), JobId(5)]);
        places.remove(0);
        assert!(has_turn(&mut places[2]) && !has_turn(&mut places[3]));
        queue.allow(4);
        assert!(has_turn(&mut places[3]));
    }

    #[test]
    fn other_places_have_turns_of_their_own() {
        let queue = Queue::default();
        let _busy: Vec<_> = (1..=3).map(|job| queue.enter(JobId(job), pair("a"), false)).collect();
        assert!(has_turn(&mut queue.enter(JobId(4), pair("b"), false)));
    }

    #[test]
    fn those_that_wait_change_places() {
        let queue = Queue::default();
        let mut busy: Vec<_> = (1..=3).map(|job| queue.enter(JobId(job), pair("a"), false)).collect();
        let mut waiting: Vec<_> = (4..=6).map(|job| queue.enter(JobId(job), pair("a"), false)).collect();
        queue.reorder(JobId(6), true);
        queue.reorder(JobId(4), false);
        queue.reorder(JobId(6), true);
        assert_eq!(queue.order(), [JobId(6), JobId(4), JobId(5)]);
        busy.pop();
        assert!(has_turn(&mut waiting[2]));
        // The last one goes no further down, and one that runs does not move.
        queue.reorder(JobId(5), false);
        queue.reorder(JobId(1), true);
        assert_eq!(queue.order(), [JobId(4), JobId(5)]);
    }

    #[test]
    fn what_is_paused_or_asks_lets_others_go_first() {
        let queue = Queue::default();
        let _busy: Vec<_> = (1..=3).map(|job| queue.enter(JobId(job), pair("a"), false)).collect();
        let mut paused = queue.enter(JobId(4), pair("a"), true);
        let mut next = queue.enter(JobId(5), pair("a"), false);
        assert!(!has_turn(&mut next));
        queue.pause(JobId(1), true);
        assert!(has_turn(&mut next) && !has_turn(&mut paused));
        queue.ask(JobId(2), true);
        assert!(!has_turn(&mut paused));
        queue.pause(JobId(4), false);
        assert!(has_turn(&mut paused));
    }

    #[test]
    fn one_that_is_cancelled_leaves_the_line() {
        let queue = Queue::default();
        let mut busy: Vec<_> = (1..=3).map(|job| queue.enter(JobId(job), pair("a"), false)).collect();
        let gone = queue.enter(JobId(4), pair("a"), false);
        let mut next = queue.enter(JobId(5), pair("a"), false);
        drop(gone);
        assert_eq!(queue.order(), [JobId(5)]);
        busy.pop();
        assert!(has_turn(&mut next));
    }
}
