//! The jobs that read a file's bytes: all of them, a part, or until something is found. They
//! leave nothing half done: dropping them is enough.

use std::sync::Arc;

use futures::StreamExt;

use super::{super::What, Job};
use crate::{
    fs::{
        ByteStream, Entry, Error, ErrorKind, FileSystem, Kind, Location, Needle, Operation, ReadOptions,
        RemotePath, Result,
    },
    transfer::{Outcome, Totals},
};

/// Bytes that a search goes through between two words about it.
const TOLD_EVERY: u64 = 4 << 20;

/// What a search backward reads at a time.
const STRIDE: u64 = 1 << 20;

/// What is at the path, if it can be read to an end. A server that opens a pipe waits for somebody to
/// write to it, and answers nothing else until then.
pub(super) async fn regular(fs: &dyn FileSystem, path: &RemotePath) -> Result<Entry> {
    let entry = fs.stat(path).await?;
    if entry.kind != Kind::Other {
        return Ok(entry);
    }
    Err(Error::new(ErrorKind::Unsupported, Operation::Read)
        .at(path)
        .on(fs.id().as_str())
        .with_detail("it is a device, a socket or a pipe"))
}

impl Job {
    pub(super) async fn read(
        &self,
        location: &Location,
        offset: u64,
        length: Option<u64>,
    ) -> Result<Outcome> {
        let fs = self.fs(&location.fs).await?;
        let entry = regular(&*fs, &location.path).await?;
        let Some(length) = length else {
            let expected_size = entry.attributes.size;
            let chunks = fs.read(&location.path, ReadOptions { offset, expected_size }).await?;
            return self.hand_on(chunks, u64::MAX).await;
        };
        // What is asked for is as much as there is, as far as that is known: nothing is read ahead.
        let options = ReadOptions { offset, expected_size: Some(offset.saturating_add(length)) };
        let chunks = fs.read(&location.path, options).await;
        self.shared.emit(self.job, What::Entries(vec![entry])).await;
        self.hand_on(chunks?, length).await
    }

    async fn hand_on(&self, mut chunks: ByteStream, length: u64) -> Result<Outcome> {
        let mut done = Totals { files: 1, ..Totals::default() };
        while done.bytes < length
            && let Some(chunk) = chunks.next().await
        {
            let mut chunk = chunk?;
            chunk.truncate(usize::try_from(length - done.bytes).unwrap_or(usize::MAX));
            done.bytes += chunk.len() as u64;
            self.shared.emit(self.job, What::Data(chunk)).await;
        }
        Ok(Outcome { done, ..Outcome::default() })
    }

    pub(super) async fn search(
        &self,
        location: &Location,
        needle: &Needle,
        from: u64,
        backward: bool,
    ) -> Result<Outcome> {
        let fs = self.fs(&location.fs).await?;
        let found = if backward {
            self.search_back(&fs, &location.path, needle, from).await?
        } else {
            self.search_on(&fs, &location.path, needle, from).await?
        };
        self.shared.emit(self.job, What::Found(found)).await;
        Ok(Outcome::default())
    }

    async fn search_on(
        &self,
        fs: &Arc<dyn FileSystem>,
        path: &RemotePath,
        needle: &Needle,
        from: u64,
    ) -> Result<Option<u64>> {
        let expected_size = regular(&**fs, path).await?.attributes.size;
        let mut chunks = fs.read(path, ReadOptions { offset: from, expected_size }).await?;
        // What may be the beginning of what is looked for.
        let mut tail: Vec<u8> = Vec::new();
        let (mut at, mut told) = (from, from);
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            let before = tail.len();
            // Only the seam is copied.
            tail.extend_from_slice(chunk.get(..needle.len()).unwrap_or(&chunk));
            if let Some(found) = needle.find(&tail) {
                return Ok(Some(at - before as u64 + found as u64));
            }
            if let Some(found) = needle.find(&chunk) {
                return Ok(Some(at + found as u64));
            }
            at += chunk.len() as u64;
            let keep = needle.len() - 1;
            if let Some(end) = chunk.len().checked_sub(keep).and_then(|start| chunk.get(start..)) {
                tail.clear();
                tail.extend_from_slice(end);
            }
            tail.drain(..tail.len().saturating_sub(keep));
            if at - told >= TOLD_EVERY {
                told = at;
                self.shared.emit(self.job, What::Searched(at)).await;
            }
            // A file in memory would otherwise be gone through without a pause to be stopped in.
            tokio::task::consume_budget().await;
        }
        Ok(None)
    }

    async fn search_back(
        &self,
        fs: &Arc<dyn FileSystem>,
        path: &RemotePath,
        needle: &Needle,
        from: u64,
    ) -> Result<Option<u64>> {
        let mut end = from;
        while end > 0 {
            let start = end.saturating_sub(STRIDE);
            // As much of what is behind as may belong to what begins before it.
            let until = end.saturating_add(needle.len().saturating_sub(1) as u64);
            let bytes = part(fs, path, start, until).await?;
            if let Some(found) = needle.find_last(&bytes) {
                return Ok(Some(start + found as u64));
            }
            end = start;
            self.shared.emit(self.job, What::Searched(end)).await;
        }
        Ok(None)
    }
}

/// The bytes from `start` to `end`, fewer where the file ends.
async fn part(fs: &Arc<dyn FileSystem>, path: &RemotePath, start: u64, end: u64) -> Result<Vec<u8>> {
    let mut chunks = fs.read(path, ReadOptions { offset: start, expected_size: Some(end) }).await?;
    let wanted = usize::try_from(end - start).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    while bytes.len() < wanted
        && let Some(chunk) = chunks.next().await
    {
        bytes.extend_from_slice(&chunk?);
    }
    bytes.truncate(wanted);
    Ok(bytes)
}
