//! From counters to progress: the rate over the last seconds and what it means for the rest.
//! Must never start, stop or wait for anything.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak, atomic::Ordering},
    time::{Duration, Instant},
};

use crate::{
    fs::FileSystem,
    transfer::{Phase, Progress, Totals, counters::Counters, limit::Throttle},
};

/// The stretch of time that the current rate is taken over.
const RATE_SPAN: Duration = Duration::from_secs(4);

/// A server that says nothing for so long is worth a word.
const NOTICED: Duration = Duration::from_secs(5);

/// Where something has come about so lately, nothing stands still.
const LATELY: Duration = Duration::from_secs(1);

/// Turns counters into progress.
pub(super) struct Meter {
    counters: Arc<Counters>,
    throttle: Throttle,
    pub(super) phase: Phase,
    /// The plan is whole.
    pub(super) is_counted: bool,
    started: Instant,
    samples: VecDeque<(Instant, u64)>,
    /// How many bytes were moved, and when they became so many.
    moved: (u64, Instant),
    /// The servers that are waited for.
    servers: Vec<Weak<dyn FileSystem>>,
    /// Whatever comes from them changes the counters.
    all_is_counted: bool,
    /// What the counters showed last, and since when.
    signs: (u64, Instant),
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
            moved: (0, Instant::now()),
            servers: Vec::new(),
            all_is_counted: false,
            signs: (0, Instant::now()),
        }
    }

    /// From now on these are waited for.
    pub(super) fn wait_for(&mut self, servers: &[&Arc<dyn FileSystem>], all_is_counted: bool) {
        let servers = servers.iter().filter(|fs| fs.capabilities().remote);
        self.servers = servers.map(|fs| Arc::downgrade(fs)).collect();
        self.all_is_counted = all_is_counted;
    }

    /// How long nothing has come from a server though something should; `None` where that is not
    /// worth a word.
    fn silence(&mut self, now: Instant, phase: Phase) -> Option<Duration> {
        let signs = self.counters.signs();
        let runs = matches!(phase, Phase::Planning | Phase::Running) && !self.throttle.is_holding();
        if !runs || signs != self.signs.0 {
            self.signs = (signs, now);
            return None;
        }
        let still = now.duration_since(self.signs.1);
        let servers: Vec<_> = self.servers.iter().filter_map(Weak::upgrade).collect();
        if still < LATELY || servers.is_empty() {
            return None;
        }
        let told = servers.iter().filter_map(|server| server.silence()).max().unwrap_or_default();
        // A listing shows only once it is whole.
        let silence = if self.all_is_counted && self.is_counted { told.max(still) } else { told };
        (silence >= NOTICED).then_some(silence)
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
        // What was there before is done, and was not moved: it is no speed.
        let carried = self.counters.carried.load(Ordering::Relaxed);
        self.samples.push_back((now, carried));
        if done.bytes != self.moved.0 {
            self.moved = (done.bytes, now);
        }
        let mean = match (self.samples.front(), self.samples.back()) {
            (Some((from, before)), Some((to, after))) if to > from => {
                after.saturating_sub(*before) as f64 / to.duration_since(*from).as_secs_f64()
            }
            _ => 0.0,
        };
        let planned = self.counters.planned();
        // While it asks, what has been seen may be just what it asks about.
        let is_asking = self.phase == Phase::Asking;
        let has_plan = self.is_counted || is_asking || planned != Totals::default();
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
        // Where nothing is moved for a while, and nothing is to be, a mean that falls says nothing.
        let all_moved = has_plan && done.bytes >= total.bytes;
        let rests = all_moved && now.duration_since(self.moved.1) >= LATELY;
        let waits = rests || is_asking && all_moved || phase == Phase::Paused;
        let rate = if waits { 0.0 } else { mean };
        Progress {
            silent: self.silence(now, phase),
            phase,
            remaining: match phase {
                Phase::Running if self.is_counted && !rests => {
                    remaining(done, total, rate, self.counters.own_files(), elapsed)
                }
                _ => None,
            },
            is_counting: !self.is_counted,
            checking: self.counters.checking.load(Ordering::Relaxed),
            done,
            total,
            failed: self.counters.failures(),
            skipped: self.counters.skipped.load(Ordering::Relaxed),
            current: self.counters.current(),
            rate,
            moved: carried,
            elapsed,
        }
    }
}

/// The longer of what the bytes and what the files suggest: many small files are bound by their
/// number, few big ones by their size. So many files were `made` in the time that has `elapsed`.
fn remaining(done: Totals, total: Totals, rate: f64, made: u64, elapsed: Duration) -> Option<Duration> {
    if elapsed < Duration::from_secs(1) {
        return None;
    }
    let by_bytes = (rate > 0.0).then(|| total.bytes.saturating_sub(done.bytes) as f64 / rate);
    let files_per_second = made as f64 / elapsed.as_secs_f64();
    let by_files = (made > 20).then(|| total.files.saturating_sub(done.files) as f64 / files_per_second);
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

    /// While the rest waits for an answer, or what was written is looked at.
    #[test]
    fn there_is_no_rate_where_nothing_is_to_be_moved() {
        let counters = Arc::new(Counters::default());
        let mut meter = Meter::start(counters.clone(), Throttle::default());
        (meter.phase, meter.is_counted) = (Phase::Running, true);
        counters.planned.bytes.store(1000, Ordering::Relaxed);
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        meter.read(at(0));
        let moved = |bytes| {
            counters.bytes.store(bytes, Ordering::Relaxed);
            counters.carried.store(bytes, Ordering::Relaxed);
        };
        moved(500);
        assert_eq!(meter.read(at(500)).rate, 1000.0);
        assert_eq!(meter.read(at(2000)).rate, 250.0, "half of it is still to come");
        moved(1000);
        assert!(meter.read(at(2500)).rate > 0.0);
        let rests = meter.read(at(3600));
        assert_eq!((rests.rate, rests.remaining), (0.0, None));
    }

    #[test]
    fn what_was_there_already_is_done_and_no_speed() {
        let counters = Arc::new(Counters::default());
        let mut meter = Meter::start(counters.clone(), Throttle::default());
        (meter.phase, meter.is_counted) = (Phase::Running, true);
        counters.planned.bytes.store(10_000, Ordering::Relaxed);
        meter.started = Instant::now();
        let at = |millis| Instant::now() + Duration::from_millis(millis);
        meter.read(at(0));
        // A part of 5000 bytes is found, and 500 are moved.
        counters.bytes.store(5_500, Ordering::Relaxed);
        counters.carried.store(500, Ordering::Relaxed);
        let progress = meter.read(at(2_000));
        assert_eq!(progress.done.bytes, 5_500);
        assert!((200.0..260.0).contains(&progress.rate), "{}", progress.rate);
        assert!(progress.remaining.is_some_and(|left| left.as_secs() >= 17), "{:?}", progress.remaining);
        // Another try of the same job begins its count anew.
        counters.restart();
        counters.count(Totals { bytes: 5_500, ..Totals::default() });
        assert!(meter.read(at(3_000)).rate < 260.0);
    }

    #[test]
    fn what_is_asked_about_is_not_planned() {
        let counters = Arc::new(Counters::default());
        let mut meter = Meter::start(counters.clone(), Throttle::default());
        counters.found.files.store(3, Ordering::Relaxed);
        meter.phase = Phase::Planning;
        assert_eq!(meter.read(Instant::now()).total.files, 3, "so far");
        meter.phase = Phase::Asking;
        assert_eq!(meter.read(Instant::now()).total.files, 0);
        counters.planned.files.store(2, Ordering::Relaxed);
        assert_eq!(meter.read(Instant::now()).total.files, 2, "beside what is asked about");
    }

    #[test]
    fn remaining_time_takes_the_longer_view() {
        let done = Totals { files: 100, bytes: 1000, ..Totals::default() };
        let total = Totals { files: 1000, bytes: 2000, ..Totals::default() };
        let by_files = remaining(done, total, 1000.0, 100, Duration::from_secs(10));
        assert_eq!(by_files, Some(Duration::from_secs(90)));
        let by_bytes = remaining(done, total, 1.0, 100, Duration::from_secs(10));
        assert_eq!(by_bytes, Some(Duration::from_secs(1000)));
        assert_eq!(remaining(done, total, 1.0, 100, Duration::ZERO), None);
        // What an earlier run has done tells nothing of how fast this one is.
        let resumed = remaining(done, total, 1000.0, 0, Duration::from_secs(10));
        assert_eq!(resumed, Some(Duration::from_secs(1)));
    }
}
