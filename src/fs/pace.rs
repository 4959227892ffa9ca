//! How a copy that a file system does by itself is followed and held back. Moves nothing.

use async_trait::async_trait;

/// Hears how far a copy within a file system is, and holds it back. A closure only hears.
#[async_trait]
pub trait Pace: Send + Sync {
    /// So many bytes were copied since it was last told.
    fn moved(&self, bytes: u64);

    /// Waits until so many more may be copied.
    async fn pass(&self, _bytes: u64) {}

    /// How many bytes may be asked for at a time: `most`, or fewer where that would be too long.
    fn piece(&self, most: u64) -> u64 {
        most
    }
}

impl<F: Fn(u64) + Send + Sync> Pace for F {
    fn moved(&self, bytes: u64) {
        self(bytes);
    }
}
