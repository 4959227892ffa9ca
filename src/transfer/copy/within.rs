//! A copy that a file system does by itself, as the transfer sees it. Moves nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

use super::Copying;
use crate::fs::Pace;

/// A copy that a file system does by itself: counted and held back as any other.
pub(super) struct Within<'a> {
    /// Bytes of this copy.
    own: AtomicU64,
    copying: Copying<'a>,
}

impl<'a> Within<'a> {
    pub(super) fn of(copying: Copying<'a>) -> Within<'a> {
        Within { own: AtomicU64::new(0), copying }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.own.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Pace for Within<'_> {
    fn moved(&self, bytes: u64) {
        self.own.fetch_add(bytes, Ordering::Relaxed);
        self.copying.count(bytes);
    }

    async fn pass(&self, bytes: u64) {
        self.copying.flow.throttle.pass(bytes).await;
    }

    fn piece(&self, most: u64) -> u64 {
        self.copying.flow.throttle.piece(most)
    }
}
