//! What becomes of a session that was lost: one that is on the screen is connected again by
//! itself, with growing pauses, as long as that makes sense and nobody has to be asked. Must
//! never ask.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use rand::Rng;

use super::{Link, Slot};
use crate::{
    engine::{JobId, Shared, What, lock},
    fs::{Error, ErrorKind},
};

/// The first pause; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A session that no job wanted for so long counts as idle.
const IDLE: Duration = Duration::from_secs(30);

/// One that lived so long starts the pauses anew: a server that lets in and fails at once is not
/// asked every second.
const LASTING: Duration = Duration::from_secs(60);

/// Tells that a session is lost, and brings it back if it is shown.
pub(super) fn after(shared: Weak<Shared>, slot: Arc<Slot>, error: Error) -> BoxFuture<'static, ()> {
    async move {
        let Some(strong) = shared.upgrade() else { return };
        if strong.sessions.closing.load(Ordering::Relaxed) {
            return;
        }
        let is_idle = lock(&slot.used).elapsed() >= IDLE;
        let revived = match slot.live.try_lock().ok().as_deref() {
            Some(Some(live)) => {
                if live.since.elapsed() >= LASTING {
                    slot.attempts.store(0, Ordering::Relaxed);
                }
                live.revived
            }
            _ => false,
        };
        strong.emit_in_order(What::Lost(error.clone())).await;
        if !strong.sessions.is_shown(&slot.id) {
            return;
        }
        // A server that sends idle sessions away wants none: it is connected when it is needed.
        // One that says nothing of it does so again and again.
        if is_idle && (error.is_in_good_order() || revived) {
            strong.emit_in_order(What::LeftLost { fs: slot.id.clone(), error }).await;
            return;
        }
        drop(strong);
        while !slot.reviving.swap(true, Ordering::Relaxed) {
            let is_back = revive(&shared, &slot).await;
            slot.reviving.store(false, Ordering::Relaxed);
            // Lost once more before anybody could have been told to bring it back.
            let is_lost = slot.live.lock().await.as_ref().is_some_and(|live| live.fs.is_lost());
            if !is_back || !is_lost {
                return;
            }
        }
    }
    .boxed()
}

/// Tries until the server is back; false where it is given up.
async fn revive(shared: &Weak<Shared>, slot: &Arc<Slot>) -> bool {
    loop {
        let attempt = slot.attempts.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let wait = pause_before(attempt);
        {
            let Some(shared) = shared.upgrade() else { return false };
            let fs = slot.id.clone();
            shared.emit(JobId::NONE, What::Reconnecting { fs, attempt, wait }).await;
        }
        if !pause_while_shown(shared, slot, wait).await {
            return false;
        }
        let Some(shared) = shared.upgrade() else { return false };
        let link = Arc::new(Link::silent(&shared, &slot.target));
        let Err(error) = shared.sessions.live(&shared, slot, link.clone(), None).await else { return true };
        if link.wanted_to_ask.load(Ordering::Relaxed) || !may_pass(error.kind()) {
            shared.emit_in_order(What::LeftLost { fs: slot.id.clone(), error }).await;
            return false;
        }
    }
}

/// Whether a failure to connect may pass by itself.
fn may_pass(kind: ErrorKind) -> bool {
    // Without a network, names do not resolve either.
    kind.is_retryable() || kind == ErrorKind::Unresolved
}

/// The pause in front of an attempt, the first being 1.
pub(in crate::engine) fn pause_before(attempt: u32) -> Duration {
    pause(attempt, rand::rng().random_range(0.8..1.2))
}

/// 1, 2, 4, … 60 s, each a little shorter or longer, so that many do not come at once.
fn pause(attempt: u32, jitter: f64) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << (attempt - 1).min(10));
    doubled.min(LONGEST_PAUSE).mul_f64(jitter).min(LONGEST_PAUSE)
}

/// Waits; false where the server is not on the screen any more.
async fn pause_while_shown(shared: &Weak<Shared>, slot: &Slot, wait: Duration) -> bool {
    let until = tokio::time::Instant::now() + wait;
    loop {
        let Some(shared) = shared.upgrade() else { return false };
        let looked = shared.sessions.looked.notified();
        tokio::pin!(looked);
        looked.as_mut().enable();
        if !shared.sessions.is_shown(&slot.id) {
            return false;
        }
        // Not for long: nothing may keep an engine alive that nobody else holds.
        let step = until.min(tokio::time::Instant::now() + FIRST_PAUSE);
        tokio::select! {
            () = looked => {}
            () = tokio::time::sleep_until(step) => {
                if tokio::time::Instant::now() >= until {
                    return true;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute() {
        let seconds: Vec<u64> = (1..=8).map(|attempt| pause(attempt, 1.0).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(pause(u32::MAX, 1.2), LONGEST_PAUSE);
        assert_eq!(pause(1, 0.8), Duration::from_millis(800));
    }

    #[test]
    fn what_would_fail_again_is_not_tried_again() {
        assert!(may_pass(ErrorKind::ConnectionFailed) && may_pass(ErrorKind::Timeout));
        for kind in [ErrorKind::LoginFailed, ErrorKind::HostKeyRefused, ErrorKind::Usage, ErrorKind::Protocol]
        {
            assert!(!may_pass(kind), "{kind:?}");
        }
    }
}
