//! How many bytes one session keeps in flight: one window for all its files together, grown
//! while answers come promptly and shrunk when they queue up. Must never do I/O.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

/// Delay that a queue of our own making may add before the window shrinks: enough for a fast
/// link's scheduling noise, little enough that a listing on the same connection is not held up.
const QUEUE_BUDGET: Duration = Duration::from_millis(200);

/// A window shared by all transfers of one direction on one session.
pub struct Window {
    state: Mutex<State>,
    room: Notify,
    min: usize,
    max: usize,
}

struct State {
    limit: usize,
    used: usize,
    /// The quickest answer seen: the round trip without a queue.
    best: Option<Duration>,
    /// Set after a cut, so that one late batch of answers cuts once.
    hold_until: Option<Instant>,
}

/// Bytes taken from a window; given back when dropped.
pub struct Permit {
    window: Arc<Window>,
    bytes: usize,
    since: Instant,
}

impl Window {
    /// A window of `start` bytes that stays between `min` and `max`.
    pub fn new(start: usize, min: usize, max: usize) -> Arc<Self> {
        let state = State { limit: start, used: 0, best: None, hold_until: None };
        Arc::new(Window { state: Mutex::new(state), room: Notify::new(), min, max })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes `bytes` if there is room now. An empty window has room for anything.
    pub fn try_take(self: &Arc<Self>, bytes: usize) -> Option<Permit> {
        let mut state = self.state();
        if state.used > 0 && state.used + bytes > state.limit {
            return None;
        }
        state.used += bytes;
        Some(Permit { window: self.clone(), bytes, since: Instant::now() })
    }

    /// Takes `bytes` whether or not there is room: for what has been let through before.
    pub fn take_beyond(self: &Arc<Self>, bytes: usize) -> Permit {
        self.state().used += bytes;
        Permit { window: self.clone(), bytes, since: Instant::now() }
    }

    /// Waits for room for `bytes`.
    pub async fn take(self: &Arc<Self>, bytes: usize) -> Permit {
        loop {
            let room = self.room.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            if let Some(permit) = self.try_take(bytes) {
                return permit;
            }
            room.await;
        }
    }
}

impl Permit {
    /// Gives the bytes back on the arrival of their answer, and lets the window learn from how
    /// long it took.
    pub fn answered(self) {
        let latency = self.since.elapsed();
        self.window.state().learn(latency, self.bytes, self.window.min, self.window.max);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.window.state().used -= self.bytes;
        self.window.room.notify_waiters();
    }
}

impl State {
    fn learn(&mut self, latency: Duration, bytes: usize, min: usize, max: usize) {
        let best = self.best.map_or(latency, |best| best.min(latency));
        self.best = Some(best);
        if latency <= best * 2 + QUEUE_BUDGET {
            // As in slow start, but steeper: a fast and long link has its window a round trip after
            // the first answers, and a slow one answers late long before.
            self.limit = (self.limit + 4 * bytes).min(max);
        } else if self.hold_until.is_none_or(|until| Instant::now() >= until) {
            self.limit = (self.limit / 4 * 3).max(min);
            self.hold_until = Some(Instant::now() + latency);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    #[test]
    fn grows_on_prompt_answers_and_shrinks_on_late_ones() {
        let mut state = State { limit: 4 * MIB, used: 0, best: None, hold_until: None };
        for _ in 0..100 {
            state.learn(Duration::from_millis(50), MIB, MIB, 32 * MIB);
        }
        assert_eq!(state.limit, 32 * MIB);
        state.learn(Duration::from_secs(3), MIB, MIB, 32 * MIB);
        assert_eq!(state.limit, 24 * MIB);
        state.learn(Duration::from_secs(3), MIB, MIB, 32 * MIB);
        assert_eq!(state.limit, 24 * MIB, "one late batch cuts once");
    }

    #[tokio::test]
    async fn bounds_what_is_in_flight() {
        let window = Window::new(2 * MIB, MIB, 2 * MIB);
        let first = window.try_take(MIB).unwrap();
        let _second = window.try_take(MIB).unwrap();
        assert!(window.try_take(1).is_none());
        let waiting = tokio::spawn({
            let window = window.clone();
            async move { drop(window.take(MIB).await) }
        });
        drop(first);
        waiting.await.unwrap();
    }

    #[test]
    fn an_empty_window_lets_one_large_request_through() {
        let window = Window::new(10, 10, 10);
        assert!(window.try_take(100).is_some());
    }
}
