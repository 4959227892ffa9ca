//! Whether one more connection is worth its while for one large file: judged by what moved in a
//! span of time with it and without. Must do no I/O and ask no clock.

use std::time::{Duration, Instant};

/// Left out of each measurement: a connection finds its speed first.
const RAMP: Duration = Duration::from_secs(2);

/// What is measured.
const SPAN: Duration = Duration::from_secs(3);

/// A file that would be done sooner than this goes on as it is.
const WORTH: f64 = 10.0;

/// One more must bring this much.
const GAIN: f64 = 1.15;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    GoOn,
    /// One more connection may help.
    Add,
    /// The last one did not.
    Retire,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// What moves is measured, after a while.
    Measuring,
    /// One more is on its way.
    Adding,
    Over,
}

/// One file's measurements.
#[derive(Debug)]
pub struct Gauge {
    phase: Phase,
    /// When and with how many bytes moved the span began; `None` before its first call.
    began: Option<(Instant, u64)>,
    ramped: bool,
    /// Time spent in the span waiting for the server.
    waited: Duration,
    /// Bytes per second before the last connection was added.
    before: Option<f64>,
}

impl Gauge {
    pub fn new() -> Gauge {
        Gauge { phase: Phase::Measuring, began: None, ramped: false, waited: Duration::ZERO, before: None }
    }

    /// The file had to wait so long for the server, not for its other end.
    pub fn waited(&mut self, time: Duration) {
        self.waited += time;
    }

    /// What to do at `now`, with `done` bytes moved and `left` to go.
    pub fn advise(&mut self, now: Instant, done: u64, left: u64) -> Advice {
        if self.phase != Phase::Measuring {
            return Advice::GoOn;
        }
        let (since, from) = *self.began.get_or_insert((now, done));
        let elapsed = now.saturating_duration_since(since);
        if !self.ramped {
            if elapsed >= RAMP {
                self.measure_from(now, done);
            }
            return Advice::GoOn;
        }
        if elapsed < SPAN {
            return Advice::GoOn;
        }
        let rate = done.saturating_sub(from) as f64 / elapsed.as_secs_f64();
        if self.before.is_some_and(|before| rate < before * GAIN) {
            self.phase = Phase::Over;
            return Advice::Retire;
        }
        let is_worth_it = left as f64 >= rate * WORTH && self.waited * 2 >= elapsed;
        if is_worth_it {
            (self.phase, self.before) = (Phase::Adding, Some(rate));
            return Advice::Add;
        }
        // The link may be slower later on.
        self.before = None;
        self.measure_from(now, done);
        Advice::GoOn
    }

    fn measure_from(&mut self, now: Instant, done: u64) {
        (self.began, self.ramped, self.waited) = (Some((now, done)), true, Duration::ZERO);
    }

    /// The connection that was advised is there.
    pub fn added(&mut self) {
        (self.phase, self.began, self.ramped) = (Phase::Measuring, None, false);
    }

    /// There will be no more of them.
    pub fn over(&mut self) {
        self.phase = Phase::Over;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    /// A file of 1 GiB on a link that gives each connection its own rate up to a common one, both in
    /// MiB/s: what was advised within a minute.
    fn advised(each: u64, all: u64, waits: bool) -> Vec<Advice> {
        let (mut gauge, start) = (Gauge::new(), Instant::now());
        let (mut done, mut connections, mut advices) = (0, 1, Vec::new());
        for tenth in 0..600 {
            let step = (each * connections).min(all) * MIB / 10;
            done += step;
            if waits {
                gauge.waited(Duration::from_millis(90));
            }
            let left = (1024 * MIB).saturating_sub(done);
            let advice = gauge.advise(start + Duration::from_millis(100 * tenth), done, left);
            match advice {
                Advice::GoOn => continue,
                Advice::Add if connections == 4 => gauge.over(),
                Advice::Add => {
                    connections += 1;
                    gauge.added();
                }
                Advice::Retire => connections -= 1,
            }
            advices.push(advice);
        }
        advices
    }

    #[test]
    fn connections_are_added_while_each_brings_more() {
        use Advice::{Add, Retire};
        assert_eq!(advised(2, 1000, true), [Add, Add, Add, Add]);
        assert_eq!(advised(2, 4, true), [Add, Add, Retire]);
        assert_eq!(advised(2, 2, true), [Add, Retire]);
    }

    #[test]
    fn nothing_is_added_where_the_other_end_is_slow_or_the_end_is_near() {
        assert_eq!(advised(2, 1000, false), []);
        assert_eq!(advised(200, 1000, true), []);
    }
}
