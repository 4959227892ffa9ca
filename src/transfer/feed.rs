//! What is planned on its way to be carried out: as much of it as may wait, and no more. Must look
//! at nothing that passes.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::step::Step;
use crate::fs::RemotePath;

/// Steps that may wait: a tree is listed so far ahead of its copy.
const AHEAD: usize = 8192;

/// The steps of one directory.
pub struct Batch {
    /// Where they land; `None` for what the request itself names.
    pub into: Option<RemotePath>,
    pub steps: Vec<Step>,
    room: Option<OwnedSemaphorePermit>,
}

impl Batch {
    pub fn new(into: Option<RemotePath>, steps: Vec<Step>) -> Batch {
        Batch { into, steps, room: None }
    }
}

/// The end that is fed.
pub struct Feed {
    batches: mpsc::UnboundedSender<Batch>,
    room: Arc<Semaphore>,
}

/// The end that is taken from.
pub struct Batches {
    batches: mpsc::UnboundedReceiver<Batch>,
    room: Arc<Semaphore>,
}

pub fn channel() -> (Feed, Batches) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let room = Arc::new(Semaphore::new(AHEAD));
    (Feed { batches: sender, room: room.clone() }, Batches { batches: receiver, room })
}

impl Feed {
    /// Waits until `batch` may go in; can be given up in between. The error: nobody takes any more.
    pub async fn room(&self, batch: &Batch) -> Result<OwnedSemaphorePermit, Gone> {
        // However large a directory is, it goes in once there is nothing else.
        let weight = u32::try_from(batch.steps.len().clamp(1, AHEAD)).unwrap_or(1);
        self.room.clone().acquire_many_owned(weight).await.map_err(|_| Gone)
    }

    pub fn send(&self, mut batch: Batch, room: OwnedSemaphorePermit) {
        batch.room = Some(room);
        // Where nobody takes it, the next one hears that.
        let _ = self.batches.send(batch);
    }
}

/// Nobody takes anything any more.
pub struct Gone;

impl Batches {
    /// The next one; `None` once all are here. Its room is free again when it is dropped.
    pub async fn next(&mut self) -> Option<Batch> {
        self.batches.recv().await
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        self.room.close();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::fs::Kind;

    fn batch(steps: usize) -> Batch {
        let step = Step::Remove { path: RemotePath::root(), kind: Kind::File };
        Batch::new(None, vec![step; steps])
    }

    #[tokio::test]
    async fn whoever_is_far_ahead_waits() {
        let (feed, mut batches) = channel();
        for _ in 0..2 {
            let batch = batch(AHEAD / 2);
            let room = feed.room(&batch).now_or_never().and_then(Result::ok).expect("room");
            feed.send(batch, room);
        }
        assert!(feed.room(&batch(1)).now_or_never().is_none());
        let first = batches.next().await;
        assert!(feed.room(&batch(1)).now_or_never().is_none(), "it is still at work on that");
        drop(first);
        assert!(feed.room(&batch(1)).now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_directory_larger_than_all_room_goes_in_alone() {
        let (feed, mut batches) = channel();
        let huge = batch(AHEAD * 3);
        let room = feed.room(&huge).now_or_never().and_then(Result::ok).expect("room");
        feed.send(huge, room);
        assert_eq!(batches.next().await.map(|batch| batch.steps.len()), Some(AHEAD * 3));
    }

    #[tokio::test]
    async fn nobody_waits_for_somebody_who_has_gone() {
        let (feed, batches) = channel();
        drop(batches);
        assert!(feed.room(&batch(1)).await.is_err());
    }
}
