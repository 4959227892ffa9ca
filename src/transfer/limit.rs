//! Holds transfers back: below a number of bytes per second, or altogether while they are paused.
//! Must never look at what is moved.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

/// What may be moved at once after a pause, as time at the full rate: without it, every late
/// wake-up would be lost for good.
const BURST: Duration = Duration::from_millis(100);

/// The longest sleep without another look at the rate, which may have been raised meanwhile.
const LOOK: Duration = Duration::from_millis(250);

/// However low a rate is, so many bytes are moved at a time.
const LEAST: u64 = 64 << 10;

/// A rate that all who share it stay below together (a token bucket, kept as the time at which
/// it will be full again).
#[derive(Debug, Default)]
pub struct Limiter {
    /// Bytes per second; 0 is without limit.
    rate: AtomicU64,
    /// When all that has been taken will have been paid for.
    paid: Mutex<Option<Instant>>,
}

impl Limiter {
    /// `None` is without limit.
    pub fn new(bytes_per_second: Option<u64>) -> Limiter {
        let limiter = Limiter::default();
        limiter.set(bytes_per_second);
        limiter
    }

    /// Changes the rate; those who wait notice soon.
    pub fn set(&self, bytes_per_second: Option<u64>) {
        self.rate.store(bytes_per_second.unwrap_or(0), Ordering::Relaxed);
    }

    pub fn rate(&self) -> Option<u64> {
        Some(self.rate.load(Ordering::Relaxed)).filter(|rate| *rate > 0)
    }

    /// Takes `bytes` and waits until they may have been moved.
    pub async fn take(&self, bytes: u64) {
        let Some(rate) = self.rate() else { return };
        let mut cost = seconds(bytes, rate);
        let mut priced_at = rate;
        let mut due = self.book(cost);
        loop {
            let now = Instant::now();
            let Some(left) = due.checked_duration_since(now).filter(|left| *left > BURST) else { return };
            tokio::time::sleep((left - BURST).min(LOOK)).await;
            match self.rate() {
                Some(rate) if rate == priced_at => {}
                // The debt is worth another time at another rate.
                Some(rate) => {
                    cost = cost.mul_f64(priced_at as f64 / rate as f64);
                    priced_at = rate;
                    *self.paid.lock().unwrap_or_else(PoisonError::into_inner) = None;
                    due = self.book(cost.min(left));
                }
                None => return,
            }
        }
    }

    fn book(&self, cost: Duration) -> Instant {
        let now = Instant::now();
        let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
        let due = paid.filter(|paid| *paid > now).unwrap_or(now) + cost;
        *paid = Some(due);
        due
    }
}

/// What holds one job back. Clones share it.
#[derive(Clone, Debug)]
pub struct Throttle {
    /// The job's own rate.
    pub own: Arc<Limiter>,
    /// The one that all jobs share.
    pub all: Arc<Limiter>,
    paused: Arc<watch::Sender<bool>>,
    /// So many wait here.
    held: Arc<AtomicUsize>,
}

/// Counted while it waits.
struct Held<'a>(&'a AtomicUsize);

impl<'a> Held<'a> {
    fn at(held: &'a AtomicUsize) -> Held<'a> {
        held.fetch_add(1, Ordering::Relaxed);
        Held(held)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Throttle {
    pub fn new(own: Option<u64>, all: Arc<Limiter>) -> Throttle {
        let paused = Arc::new(watch::Sender::new(false));
        Throttle { own: Arc::new(Limiter::new(own)), all, paused, held: Arc::default() }
    }

    /// Stops what passes, or lets it go on.
    pub fn pause(&self, paused: bool) {
        self.paused.send_replace(paused);
    }

    pub fn is_paused(&self) -> bool {
        *self.paused.borrow()
    }

    /// Whether something waits here: then it is not the servers that are waited for.
    pub fn is_holding(&self) -> bool {
        self.held.load(Ordering::Relaxed) > 0
    }

    /// So many bytes at most are moved at a time: what passes in a moment, so that a change of the
    /// rate and a pause are soon kept to.
    pub fn piece(&self, most: u64) -> u64 {
        let rates = [self.own.rate(), self.all.rate()].into_iter().flatten();
        rates.min().map_or(most, |rate| most.min((rate / 4).max(LEAST)))
    }

    /// Waits until `bytes` may be moved.
    pub async fn pass(&self, bytes: u64) {
        let _held = Held::at(&self.held);
        self.own.take(bytes).await;
        self.all.take(bytes).await;
        if self.is_paused() {
            // The sender is this struct's own, so it cannot go away.
            let _ = self.paused.subscribe().wait_for(|paused| !paused).await;
        }
    }
}

impl Default for Throttle {
    fn default() -> Self {
        Throttle::new(None, Arc::default())
    }
}

fn seconds(bytes: u64, rate: u64) -> Duration {
    // A century stands for whatever is longer.
    Duration::try_from_secs_f64(bytes as f64 / rate as f64).unwrap_or(Duration::from_secs(1 << 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn time_of(limiter: &Limiter, chunks: u64, bytes: u64) -> f64 {
        let started = Instant::now();
        for _ in 0..chunks {
            limiter.take(bytes).await;
        }
        started.elapsed().as_secs_f64()
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_is_kept_over_many_chunks() {
        let limiter = Limiter::new(Some(1 << 20));
        let took = time_of(&limiter, 160, 64 << 10).await;
        assert!((9.7..10.1).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_share_it_share_the_rate() {
        let limiter = Limiter::new(Some(1 << 20));
        let started = Instant::now();
        tokio::join!(time_of(&limiter, 80, 64 << 10), time_of(&limiter, 80, 64 << 10));
        let took = started.elapsed().as_secs_f64();
        assert!((9.7..10.1).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn time_that_passed_unused_is_not_saved_up() {
        let limiter = Limiter::new(Some(1 << 20));
        limiter.take(1 << 20).await;
        tokio::time::sleep(Duration::from_secs(3600)).await;
        let took = time_of(&limiter, 2, 1 << 20).await;
        assert!((1.8..2.1).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_that_is_lifted_frees_those_who_wait() {
        let limiter = Limiter::new(Some(1));
        let started = Instant::now();
        tokio::join!(limiter.take(1 << 20), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            limiter.set(None);
        });
        assert!(started.elapsed() < Duration::from_secs(2));
        assert_eq!(time_of(&limiter, 10, 1 << 30).await, 0.0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_paused_waits_until_it_may_go_on() {
        let throttle = Throttle::default();
        throttle.pause(true);
        let started = Instant::now();
        tokio::join!(throttle.pass(1), async {
            tokio::time::sleep(Duration::from_secs(60)).await;
            throttle.pause(false);
        });
        assert_eq!(started.elapsed(), Duration::from_secs(60));
        throttle.pass(1).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_that_is_raised_shortens_the_wait() {
        let limiter = Limiter::new(Some(1 << 10));
        let started = Instant::now();
        tokio::join!(limiter.take(1 << 20), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            limiter.set(Some(1 << 20));
        });
        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    }
}
