//! From counters to progress: the rate over the last seconds and what it means for the rest.
//! Must never start, stop or wait for anything.

use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use crate::transfer::{Phase, Progress, Totals, counters::Counters, limit::Throttle};

/// The stretch of time that the current rate is taken over.
const RATE_SPAN: Duration = Duration::from_secs(4);

/// Turns counters into progress.
pub(super) struct Meter {
    counters: Arc<Counters>,
    throttle: Throttle,
    pub(super) phase: Phase,
    /// The plan is whole.
    pub(super) is_counted: bool,
    started: Instant,
    samples: VecDeque<(Instant, u64)>,
}

impl Meter {
    pub(super) fn start(counters: Arc<Counters>, throttle: Throttle) -> Self {
        Meter {
            counters,
            throttle,
            phase: Phase::Queued,
            is_counted: false,
            started: Instant::now(),
            samples: VecDeque::new(),
        }
    }

    /// It is its turn.
    pub(super) fn begin(&mut self) {
        self.phase = Phase::Planning;
        self.started = Instant::now();
    }

    /// What holds the job back.
    pub(super) fn throttle(&self) -> &Throttle {
        &self.throttle
    }

    /// How far the job is at `now`.
    pub(super) fn read(&mut self, now: Instant) -> Progress {
        let done = self.counters.done();
        while self.samples.front().is_some_and(|(at, _)| now.duration_since(*at) > RATE_SPAN) {
            self.samples.pop_front();
        }
        self.samples.push_back((now, done.bytes));
        let rate = match (self.samples.front(), self.samples.back()) {
            (Some((from, before)), Some((to, after))) if to > from => {
                after.saturating_sub(*before) as f64 / to.duration_since(*from).as_secs_f64()
            }
            _ => 0.0,
        };
        let planned = self.counters.planned();
        let has_plan = self.is_counted || planned != Totals::default();
        let total = if has_plan { planned } else { self.counters.seen() };
        let elapsed = match self.phase {
            Phase::Queued => Duration::ZERO,
            _ => now.duration_since(self.started),
        };
        let phase = match self.phase {
            Phase::Planning if has_plan && self.throttle.is_paused() => Phase::Paused,
            Phase::Planning if has_plan => Phase::Running,
            Phase::Running | Phase::Queued if self.throttle.is_paused() => Phase::Paused,
            phase => phase,
        };
        Progress {
            phase,
            remaining: match phase {
                Phase::Running if self.is_counted => remaining(done, total, rate, elapsed),
                _ => None,
            },
            is_counting: !self.is_counted,
            done,
            total,
            failed: self.counters.failures(),
            skipped: self.counters.skipped.load(Ordering::Relaxed),
            current: self.counters.current(),
            rate,
            elapsed,
        }
    }
}

/// The longer of what the bytes and what the files suggest: many small files are bound by their
/// number, few big ones by their size.
fn remaining(done: Totals, total: Totals, rate: f64, elapsed: Duration) -> Option<Duration> {
    if elapsed < Duration::from_secs(1) {
        return None;
    }
    let by_bytes = (rate > 0.0).then(|| total.bytes.saturating_sub(done.bytes) as f64 / rate);
    let files_per_second = done.files as f64 / elapsed.as_secs_f64();
    let by_files =
        (done.files > 20).then(|| total.files.saturating_sub(done.files) as f64 / files_per_second);
    let seconds = match (by_bytes, by_files) {
        (Some(bytes), Some(files)) => bytes.max(files),
        (Some(seconds), None) | (None, Some(seconds)) => seconds,
        (None, None) => return None,
    };
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remaining_time_takes_the_longer_view() {
        let done = Totals { files: 100, bytes: 1000, ..Totals::default() };
        let total = Totals { files: 1000, bytes: 2000, ..Totals::default() };
        let by_files = remaining(done, total, 1000.0, Duration::from_secs(10));
        assert_eq!(by_files, Some(Duration::from_secs(90)));
        let by_bytes = remaining(done, total, 1.0, Duration::from_secs(10));
        assert_eq!(by_bytes, Some(Duration::from_secs(1000)));
        assert_eq!(remaining(done, total, 1.0, Duration::ZERO), None);
    }
}
