//! Verifies a copy by checksums: the source's is computed from the bytes on their way, the target's
//! where the target is, if that can be. Must never change a file.

use bytes::Bytes;
use futures::StreamExt;
use tokio::{sync::mpsc, task::JoinHandle};

use super::Verified;
use crate::fs::{
    Algorithm, ByteStream, Checksum, Error, ErrorKind, FileSystem, Operation, ReadOptions, RemotePath,
    Result,
    sum::{Computed, Summer},
};

/// Bytes that are summed up in passing; more than that goes to a thread of its own, or a fast copy
/// would wait for its checksum.
const IN_PASSING: u64 = 256 << 10;

/// Chunks that may wait to be summed up.
const QUEUED: usize = 16;

/// A checksum in the making.
pub struct Summing {
    so_far: u64,
    state: State,
}

enum State {
    Here(Box<Summer>),
    Thread(mpsc::Sender<Bytes>, JoinHandle<Checksum>),
}

impl Summing {
    pub fn new(algorithm: Algorithm) -> Summing {
        Summing { so_far: 0, state: State::Here(Box::new(Summer::new(algorithm))) }
    }

    pub async fn add(&mut self, bytes: &Bytes) {
        self.so_far += bytes.len() as u64;
        if let State::Here(summer) = &mut self.state {
            if self.so_far <= IN_PASSING {
                return summer.add(bytes);
            }
            // Any will do in its place: it is not looked at again.
            let mut summer = std::mem::replace(&mut **summer, Summer::new(Algorithm::Crc32));
            let (sender, mut receiver) = mpsc::channel::<Bytes>(QUEUED);
            let thread = tokio::task::spawn_blocking(move || {
                while let Some(chunk) = receiver.blocking_recv() {
                    summer.add(&chunk);
                }
                summer.finish()
            });
            self.state = State::Thread(sender, thread);
        }
        if let State::Thread(sender, _) = &self.state {
            // The thread ends only when there is no more to come; what becomes of it, `finish` says.
            let _ = sender.send(bytes.clone()).await;
        }
    }

    /// # Errors
    /// Only where the thread died.
    pub async fn finish(self) -> Result<Checksum> {
        match self.state {
            State::Here(summer) => Ok(summer.finish()),
            State::Thread(sender, thread) => {
                drop(sender);
                thread.await.map_err(|error| {
                    Error::new(ErrorKind::Failure, Operation::Checksum).with_detail(error.to_string())
                })
            }
        }
    }

    async fn add_all(&mut self, mut chunks: ByteStream, mut most: u64) -> Result<()> {
        while most > 0
            && let Some(chunk) = chunks.next().await
        {
            let mut chunk = chunk?;
            chunk.truncate(usize::try_from(most).unwrap_or(usize::MAX).min(chunk.len()));
            most -= chunk.len() as u64;
            self.add(&chunk).await;
        }
        Ok(())
    }
}

/// Adds the first `length` bytes of a file, which are read for that.
pub async fn add_start(
    fs: &dyn FileSystem,
    path: &RemotePath,
    length: u64,
    summing: &mut Summing,
) -> Result<()> {
    if length == 0 {
        return Ok(());
    }
    let chunks = fs.read(path, ReadOptions { offset: 0, expected_size: None }).await?;
    summing.add_all(chunks, length).await
}

/// The checksum of a file, computed where the file is if that can be, else here from its bytes.
pub async fn sum(fs: &dyn FileSystem, path: &RemotePath, algorithm: Algorithm) -> Result<Checksum> {
    if fs.capabilities().checksums {
        match fs.checksum(path, algorithm).await {
            Err(error) if error.kind() == ErrorKind::Unsupported => {}
            other => return other,
        }
    }
    read_and_sum(fs, path, algorithm, None).await
}

/// The checksum of a file, computed here from its bytes.
pub async fn read_and_sum(
    fs: &dyn FileSystem,
    path: &RemotePath,
    algorithm: Algorithm,
    size: Option<u64>,
) -> Result<Checksum> {
    let chunks = fs.read(path, ReadOptions { offset: 0, expected_size: size }).await?;
    let mut summing = Summing::new(algorithm);
    summing.add_all(chunks, u64::MAX).await?;
    summing.finish().await
}

/// Compares what arrived at `path` with the checksum of what was sent.
///
/// # Errors
/// [`ErrorKind::Mismatch`] where they differ; and whatever keeps the target's from being computed.
pub async fn check(to: &dyn FileSystem, path: &RemotePath, sent: &Checksum) -> Result<Verified> {
    let arrived = sum(to, path, sent.algorithm).await.map_err(|error| error.during(Operation::Verify))?;
    if arrived.bytes == sent.bytes {
        return Ok(Verified { algorithm: arrived.algorithm, by: arrived.by });
    }
    let by = match arrived.by {
        Computed::Server(means) => format!("as {means} on the server says"),
        Computed::Here => "as reading it back says".to_owned(),
    };
    let name = sent.algorithm.name();
    Err(Error::new(ErrorKind::Mismatch, Operation::Verify).at(path).on(to.id().as_str()).with_detail(
        format!("the source has {name} {sent}, but what arrived has {arrived}, {by}; nothing was replaced"),
    ))
}
