//! Time limits that leave a person's thinking time out. Knows nothing of what is awaited.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// How exactly the time is measured.
const STEP: Duration = Duration::from_millis(500);

/// Whether a person is being asked something just now; clones share it.
#[derive(Clone, Default)]
pub struct Asking(Arc<AtomicUsize>);

/// While this lives, a person is being asked.
pub struct Asked(Arc<AtomicUsize>);

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Asking {
    pub fn begin(&self) -> Asked {
        self.0.fetch_add(1, Ordering::Relaxed);
        Asked(self.0.clone())
    }

    /// Waits for `work`, but no longer than `limit` not counting what a person takes. `None`
    /// when the time is up.
    pub async fn within<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(work);
        let mut left = limit;
        while !left.is_zero() {
            let step = left.min(STEP);
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                () = tokio::time::sleep(step) => {
                    if self.0.load(Ordering::Relaxed) == 0 {
                        left -= step;
                    }
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_persons_time_is_not_counted() {
        let asking = Asking::default();
        let asked = asking.begin();
        let work = async {
            tokio::time::sleep(Duration::from_millis(2500)).await;
            drop(asked);
        };
        assert!(asking.within(Duration::from_secs(1), work).await.is_some());
        let endless = std::future::pending::<()>();
        assert!(asking.within(Duration::from_secs(1), endless).await.is_none());
    }
}
