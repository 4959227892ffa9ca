//! Copies one file from any file system to any: to a temporary name, checked, then renamed.
//! Knows no protocol, no queue and no policy.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::StreamExt;

use super::{
    Verified,
    journal::Journal,
    limit::Throttle,
    part::{NAMES, Part, about_target},
    resume::{Resumed, resume},
    step::CopyFile,
    verify::{self, Summing},
};
use crate::fs::{
    Checksum, Error, ErrorKind, FileSystem, Operation, ReadOptions, RemotePath, Result, Sink, WriteOptions,
};

/// Permission bits of a file that is not whole yet.
const UNFINISHED_MODE: u32 = 0o600;

/// What the record hears of how far a file is: after so many bytes, or so long.
const NOTED: u64 = 8 << 20;
const NOTED_AFTER: Duration = Duration::from_secs(1);

/// How long removing an unfinished file may take: a server that is about to be lost may not answer.
const CLEARING: Duration = Duration::from_secs(3);

/// What became of a copy that succeeded.
#[derive(Debug, Default)]
pub struct Copied {
    pub bytes: u64,
    /// How it was verified, where that was asked for.
    pub verified: Option<Verified>,
    /// Worth telling, though the data is whole.
    pub warnings: Vec<Error>,
}

/// The bytes are at the target; nobody has looked at them there yet.
struct Poured {
    copied: Copied,
    /// Of the whole source; `None` where none was asked for.
    sum: Option<Checksum>,
}

/// What a copy tells while it runs, and what holds it back.
#[derive(Clone, Copy)]
pub struct Flow<'a> {
    /// Bytes that the target has taken.
    pub moved: &'a AtomicU64,
    pub throttle: &'a Throttle,
    /// Is told what was begun, how far it is, and what is done.
    pub journal: &'a Journal,
}

/// Copies `file`, from where an earlier run has left it if that can be. On failure whatever stood
/// at the target still stands there. The temporary file is removed, unless it was the connection
/// that failed: then the journal knows it.
pub async fn file(
    from: &dyn FileSystem,
    to: &dyn FileSystem,
    file: &CopyFile,
    part: &mut Part,
    flow: Flow<'_>,
) -> Result<Copied> {
    let copied = beside(from, to, file, part, flow).await;
    let about = |error| about_target(error, part.path(), &file.target);
    let mut copied = copied.map_err(about)?;
    copied.warnings = copied.warnings.into_iter().map(about).collect();
    Ok(copied)
}

async fn beside(
    from: &dyn FileSystem,
    to: &dyn FileSystem,
    file: &CopyFile,
    part: &mut Part,
    flow: Flow<'_>,
) -> Result<Copied> {
    let mut told = None;
    if let Some(offset) = part.resume.take() {
        match resume(from, to, file, part.path(), offset).await? {
            Resumed::At(sink) => {
                flow.moved.fetch_add(offset, Ordering::Relaxed);
                let poured = pour(from, to, file, sink, offset, flow).await;
                return conclude(from, to, file, part.path(), poured, flow).await;
            }
            Resumed::Not(why) => told = why,
        }
        match to.remove_file(part.path()).await {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    let mut copied = anew(from, to, file, part, flow).await?;
    copied.warnings.extend(told);
    Ok(copied)
}

/// Copies from the start.
async fn anew(
    from: &dyn FileSystem,
    to: &dyn FileSystem,
    file: &CopyFile,
    part: &mut Part,
    flow: Flow<'_>,
) -> Result<Copied> {
    let mut names = 0;
    loop {
        flow.journal.begin(from.id(), file, part.path());
        let outcome = match within(from, to, file, part.path(), flow).await {
            Some(copied) => copied,
            None => match to.write(part.path(), unfinished(file)).await {
                Ok(sink) => pour(from, to, file, sink, 0, flow).await,
                Err(error) => Err(error),
            },
        };
        match outcome {
            // Another program is writing there, or was; a sink may find that only at its end.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && names < NAMES => {
                names += 1;
                part.renew(&file.target);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(error),
            Err(error) if forbids_names(&error, part.path()) && file.replace => {
                return in_place(from, to, file, flow, error).await;
            }
            outcome => return conclude(from, to, file, part.path(), outcome, flow).await,
        }
    }
}

/// How a file is created that is to be whole before it has its name.
pub(super) fn unfinished(file: &CopyFile) -> WriteOptions {
    WriteOptions {
        exclusive: true,
        create_mode: Some(UNFINISHED_MODE),
        attributes: file.attributes.clone(),
        expected_size: file.size,
        ..WriteOptions::default()
    }
}

/// Gives a whole file its name once it was looked at, or clears away what there is of it.
async fn conclude(
    from: &dyn FileSystem,
    to: &dyn FileSystem,
    file: &CopyFile,
    part: &RemotePath,
    poured: Result<Poured>,
    flow: Flow<'_>,
) -> Result<Copied> {
    let whole = match poured {
        Ok(poured) => looked_at(to, part, poured).await,
        Err(error) => Err(error),
    };
    let error = match whole {
        Ok(copied) => match to.rename(part, &file.target, file.replace).await {
            Ok(()) => {
                flow.journal.done(from.id(), &file.source);
                return Ok(copied);
            }
            Err(error) => replace_error(error, file),
        },
        Err(error) => error,
    };
    // What a lost connection has left can be written on.
    if !error.kind().ends_session() && !to.is_lost() {
        let _ = tokio::time::timeout(CLEARING, to.remove_file(part)).await;
    }
    Err(error)
}

/// Compares the checksums where that was asked for.
async fn looked_at(to: &dyn FileSystem, at: &RemotePath, poured: Poured) -> Result<Copied> {
    let Poured { mut copied, sum } = poured;
    if let Some(sum) = sum {
        copied.verified = Some(verify::check(to, at, &sum).await?);
    }
    Ok(copied)
}

/// Lets a file system copy by itself where source and target are both on it. `None` where the
/// bytes have to be moved after all.
async fn within(
    from: &dyn FileSystem,
    to: &dyn FileSystem,
    file: &CopyFile,
    part: &RemotePath,
    flow: Flow<'_>,
) -> Option<Result<Poured>> {
    if from.id() != to.id() || !to.capabilities().copy_within {
        return None;
    }
    let own = AtomicU64::new(0);
    let tell = |bytes| {
        own.fetch_add(bytes, Ordering::Relaxed);
        flow.moved.fetch_add(bytes, Ordering::Relaxed);
    };
    let outcome = to.copy_within(&file.source, part, unfinished(file), &tell).await;
    let bytes = own.load(Ordering::Relaxed);
    match outcome {
        Ok(written) => {
            let mut copied = Copied { bytes: written.size.unwrap_or(bytes), ..Copied::default() };
            copied.warnings.extend(written.attributes_refused);
            copied.warnings.extend(changed(from, file, copied.bytes));
            if !file.verify {
                return Some(Ok(Poured { copied, sum: None }));
            }
            let summed = verify::sum(from, &file.source, to.preferred_checksum()).await;
            Some(summed.map(|sum| Poured { copied, sum: Some(sum) }))
        }
        Err(error)
            if error.kind().ends_session()
                || matches!(error.kind(), ErrorKind::NoSpace | ErrorKind::AlreadyExists) =>
        {
            Some(Err(error))
        }
        // Whatever it is: if moving the bytes fails as well, that says why.
        Err(error) => {
            flow.moved.fetch_sub(bytes, Ordering::Relaxed);
            if error.kind() != ErrorKind::Unsupported {
                let _ = to.remove_file(part).await;
            }
            None
        }
    }
}

/// Whether the target takes no file under the temporary name; a small one shows that only when
/// it is finished. The source's own refusals are about another path.
fn forbids_names(error: &Error, part: &RemotePath) -> bool {
    error.kind() == ErrorKind::PermissionDenied
        && error.operation() == Operation::Open
        && error.path() == Some(part)
}

fn replace_error(error: Error, file: &CopyFile) -> Error {
    match error.kind() {
        ErrorKind::AlreadyExists => error
            .with_kind(ErrorKind::Conflict)
            .with_detail("it appeared at the target while this was being copied; nothing was replaced"),
        ErrorKind::Unsupported if file.replace => error.with_detail(
            "the server cannot replace a file in one step; delete the old one first, or copy under another name",
        ),
        _ => error,
    }
}

/// Where the directory forbids new names, an existing file can still be written over.
async fn in_place(
    from: &dyn FileSystem,
    to: &dyn FileSystem,
    file: &CopyFile,
    flow: Flow<'_>,
    why: Error,
) -> Result<Copied> {
    let options = WriteOptions {
        exclusive: false,
        create_mode: None,
        attributes: file.attributes.clone(),
        expected_size: file.size,
        ..WriteOptions::default()
    };
    let Ok(sink) = to.write(&file.target, options).await else { return Err(why) };
    let poured = pour(from, to, file, sink, 0, flow).await?;
    let mut copied = looked_at(to, &file.target, poured).await?;
    flow.journal.done(from.id(), &file.source);
    copied.warnings.push(
        why.at(&file.target).with_detail("the directory takes no new names, so it was written in place"),
    );
    Ok(copied)
}

/// Moves the bytes from `start` on, and sums up all of the file where it is to be verified.
async fn pour(
    from: &dyn FileSystem,
    to: &dyn FileSystem,
    file: &CopyFile,
    mut sink: Box<dyn Sink>,
    start: u64,
    flow: Flow<'_>,
) -> Result<Poured> {
    let mut summing = file.verify.then(|| Summing::new(to.preferred_checksum()));
    if let Some(summing) = &mut summing {
        // What an earlier run has moved was summed up by nobody.
        verify::add_start(from, &file.source, start, summing).await?;
    }
    let options = ReadOptions { offset: start, expected_size: file.size };
    let mut stream = from.read(&file.source, options).await?;
    let mut copied = Copied { bytes: start, ..Copied::default() };
    let mut noted = (start, Instant::now());
    while let Some(chunk) = stream.next().await {
        let moved = match chunk {
            Ok(chunk) => {
                if let Some(summing) = &mut summing {
                    summing.add(&chunk).await;
                }
                pass(&mut *sink, chunk, &mut copied, flow).await
            }
            Err(error) => Err(error),
        };
        let arrived = sink.acknowledged();
        let due = arrived >= noted.0 + NOTED || (arrived > noted.0 && noted.1.elapsed() >= NOTED_AFTER);
        if due || (moved.is_err() && arrived > noted.0) {
            flow.journal.arrived(from.id(), &file.source, arrived);
            noted = (arrived, Instant::now());
        }
        moved?;
    }
    let written = sink.finish().await?;
    if let Some(size) = written.size
        && size != copied.bytes
    {
        return Err(Error::new(ErrorKind::Mismatch, Operation::Write)
            .at(&file.target)
            .with_detail(format!("{} bytes were sent, but the file has {size}", copied.bytes)));
    }
    copied.warnings.extend(written.attributes_refused);
    copied.warnings.extend(changed(from, file, copied.bytes));
    let sum = match summing {
        Some(summing) => Some(summing.finish().await?),
        None => None,
    };
    Ok(Poured { copied, sum })
}

async fn pass(sink: &mut dyn Sink, chunk: Bytes, copied: &mut Copied, flow: Flow<'_>) -> Result<()> {
    let len = chunk.len() as u64;
    flow.throttle.pass(len).await;
    sink.write(chunk).await?;
    copied.bytes += len;
    flow.moved.fetch_add(len, Ordering::Relaxed);
    Ok(())
}

/// What to say where a file was not what the listing said when it was read.
fn changed(from: &dyn FileSystem, file: &CopyFile, bytes: u64) -> Option<Error> {
    let size = file.size.filter(|size| *size != bytes)?;
    Some(
        Error::new(ErrorKind::Mismatch, Operation::Read).at(&file.source).on(from.id().as_str()).with_detail(
            format!("it changed while it was copied: {size} bytes when listed, {bytes} when read"),
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::{Attributes, memory::Memory};

    fn request(content: &[u8]) -> CopyFile {
        CopyFile {
            source: RemotePath::new("/from/file"),
            target: RemotePath::new("/to/file"),
            size: Some(content.len() as u64),
            mtime: None,
            attributes: Attributes::default(),
            replace: true,
            verify: true,
        }
    }

    async fn copy(from: &Memory, to: &Memory, file: &CopyFile, resume: Option<u64>) -> Result<Copied> {
        let (moved, throttle, journal) = (AtomicU64::new(0), Throttle::default(), Journal::default());
        let mut part = Part::claim(to.id(), &file.target);
        part.resume = resume;
        let flow = Flow { moved: &moved, throttle: &throttle, journal: &journal };
        super::file(from, to, file, &mut part, flow).await
    }

    /// What is compared before a copy goes on is only the end of what is there.
    #[tokio::test]
    async fn a_resumed_file_is_verified_from_its_start() {
        let content = vec![7; 500_000];
        let (from, to) = (Memory::new("resumed-from"), Memory::new("resumed-to"));
        let (file, part) = (request(&content), RemotePath::new("/to/.file.wharf-part"));
        from.plant(&file.source, &content).unwrap();
        to.plant(&file.target, b"old").unwrap();
        to.plant(&part, &content[..300_000]).unwrap();
        let copied = copy(&from, &to, &file, Some(300_000)).await.unwrap();
        assert!(copied.verified.is_some() && copied.warnings.is_empty(), "{copied:?}");
        assert!(to.content(&file.target).unwrap() == content);
        let mut damaged = content[..300_000].to_vec();
        damaged[10] = 8;
        to.plant(&part, &damaged).unwrap();
        let error = copy(&from, &to, &file, Some(300_000)).await.unwrap_err();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::Mismatch, Operation::Verify));
        assert_eq!(error.path(), Some(&file.target));
        assert!(to.content(&file.target).unwrap() == content && to.content(&part).is_err());
    }
}
