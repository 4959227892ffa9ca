//! What is planned on its way to be carried out: as much of it as may wait, and no more. Must look
//! at nothing that passes.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::step::Step;
use crate::fs::RemotePath;

/// Steps that may wait: a tree is listed so far ahead of its copy.
const AHEAD: usize = 8192;

/// The steps of one directory.
pub struct Part {
    /// Where they land; `None` for what the request itself names.
    pub into: Option<RemotePath>,
    pub steps: Vec<Step>,
    room: Option<OwnedSemaphorePermit>,
}

impl Part {
    pub fn new(into: Option<RemotePath>, steps: Vec<Step>) -> Part {
        Part { into, steps, room: None }
    }
}

/// The end that is fed.
pub struct Feed {
    parts: mpsc::UnboundedSender<Part>,
    room: Arc<Semaphore>,
}

/// The end that is taken from.
pub struct Parts {
    parts: mpsc::UnboundedReceiver<Part>,
    room: Arc<Semaphore>,
}

pub fn channel() -> (Feed, Parts) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let room = Arc::new(Semaphore::new(AHEAD));
    (Feed { parts: sender, room: room.clone() }, Parts { parts: receiver, room })
}

impl Feed {
    /// Waits until `part` may go in; can be given up in between. The error: nobody takes any more.
    pub async fn room(&self, part: &Part) -> Result<OwnedSemaphorePermit, Gone> {
        // However large a directory is, it goes in once there is nothing else.
        let weight = u32::try_from(part.steps.len().clamp(1, AHEAD)).unwrap_or(1);
        self.room.clone().acquire_many_owned(weight).await.map_err(|_| Gone)
    }

    pub fn send(&self, mut part: Part, room: OwnedSemaphorePermit) {
        part.room = Some(room);
        // Where nobody takes it, the next one hears that.
        let _ = self.parts.send(part);
    }
}

/// Nobody takes anything any more.
pub struct Gone;

impl Parts {
    /// The next one; `None` once all are here. Its room is free again when it is dropped.
    pub async fn next(&mut self) -> Option<Part> {
        self.parts.recv().await
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        self.room.close();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::fs::Kind;

    fn part(steps: usize) -> Part {
        let step = Step::Remove { path: RemotePath::root(), kind: Kind::File };
        Part::new(None, vec![step; steps])
    }

    #[tokio::test]
    async fn whoever_is_far_ahead_waits() {
        let (feed, mut parts) = channel();
        for _ in 0..2 {
            let part = part(AHEAD / 2);
            let room = feed.room(&part).now_or_never().and_then(Result::ok).expect("room");
            feed.send(part, room);
        }
        assert!(feed.room(&part(1)).now_or_never().is_none());
        let first = parts.next().await;
        assert!(feed.room(&part(1)).now_or_never().is_none(), "it is still at work on that");
        drop(first);
        assert!(feed.room(&part(1)).now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_directory_larger_than_all_room_goes_in_alone() {
        let (feed, mut parts) = channel();
        let huge = part(AHEAD * 3);
        let room = feed.room(&huge).now_or_never().and_then(Result::ok).expect("room");
        feed.send(huge, room);
        assert_eq!(parts.next().await.map(|part| part.steps.len()), Some(AHEAD * 3));
    }

    #[tokio::test]
    async fn nobody_waits_for_somebody_who_has_gone() {
        let (feed, parts) = channel();
        drop(parts);
        assert!(feed.room(&part(1)).await.is_err());
    }
}
