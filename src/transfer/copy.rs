//! Copies one file from any file system to any: to a temporary name, checked, then renamed.
//! Knows no protocol, no queue and no policy.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::StreamExt;
use rand::Rng;

use super::{
    journal::{Begun, Journal},
    limit::Throttle,
    step::{CopyFile, CopyLink},
};
use crate::fs::{
    Error, ErrorKind, FileSystem, FsId, Operation, ReadOptions, RemotePath, Result, WriteOptions,
    path::NAME_MAX,
};

/// Permission bits of a file that is not whole yet.
const UNFINISHED_MODE: u32 = 0o600;

/// What the record hears of how far a file is: after so many bytes, or so long.
const NOTED: u64 = 8 << 20;
const NOTED_AFTER: Duration = Duration::from_secs(1);

/// Bytes in front of the place where a copy goes on that source and target must have in common.
const COMPARED: u64 = 64 << 10;

/// Names that are tried where the temporary one is taken.
const NAMES: u32 = 8;

/// How long removing an unfinished file may take: a server that is about to be lost may not answer.
const CLEARING: Duration = Duration::from_secs(3);

/// What became of a copy that succeeded.
#[derive(Debug, Default)]
pub struct Copied {
    pub bytes: u64,
    /// Worth telling, though the data is whole.
    pub warnings: Vec<Error>,
}

/// The name under which `target` is written until it is whole: `.NAME.wharf-part` beside it,
/// shortened where that would be too long.
pub fn temporary(target: &RemotePath) -> RemotePath {
    let name = target.name().unwrap_or_default();
    let parent = target.parent().unwrap_or_else(RemotePath::root);
    let mut part = Vec::with_capacity(name.len() + 12);
    part.push(b'.');
    part.extend_from_slice(name);
    part.extend_from_slice(b".wharf-part");
    if part.len() > NAME_MAX {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        part = format!(".{:016x}.wharf-part", hasher.finish()).into_bytes();
    }
    parent.join(&part)
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

/// Temporary names that copies of this program are writing to.
static CLAIMED: Mutex<BTreeSet<(FsId, RemotePath)>> = Mutex::new(BTreeSet::new());

/// A temporary name that is this copy's alone: another one to the same target has another, so
/// that neither clears away or renames what the other is writing. Given back when dropped.
pub struct Part {
    claim: (FsId, RemotePath),
    /// An earlier run has written so much of it.
    resume: Option<u64>,
}

impl Part {
    /// Claims a name beside `target`, [`temporary`]'s unless that is in use.
    pub fn claim(fs: &FsId, target: &RemotePath) -> Part {
        let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
        let mut claim = (fs.clone(), temporary(target));
        let mut number = 2u64;
        while !claimed.insert(claim.clone()) {
            let name = [target.name().unwrap_or_default(), format!(".{number}").as_bytes()].concat();
            claim.1 = temporary(&target.parent().unwrap_or_else(RemotePath::root).join(&name));
            number += 1;
        }
        Part { claim, resume: None }
    }

    /// The name that an earlier run of the same job has used for this file, to be written on; or
    /// one of its own where there was none.
    pub fn of(fs: &FsId, file: &CopyFile, begun: &Begun) -> Part {
        let item = begun.items.get(&file.source).filter(|item| item.target == file.target);
        let Some((item, path)) = item.and_then(|item| Some((item, item.part.clone()?))) else {
            return Part::claim(fs, &file.target);
        };
        let claim = (fs.clone(), path);
        if !CLAIMED.lock().unwrap_or_else(PoisonError::into_inner).insert(claim.clone()) {
            return Part::claim(fs, &file.target);
        }
        // Of a source that has changed, nothing is of use.
        let is_same = item.size == file.size && item.mtime == file.mtime;
        Part { claim, resume: Some(if is_same { item.offset } else { 0 }) }
    }

    /// Takes another name, which nobody else has: something stands under this one that is not
    /// this copy's to remove.
    fn renew(&mut self, target: &RemotePath) {
        let mark = format!(".{:08x}", rand::rng().random::<u32>());
        let name = [target.name().unwrap_or_default(), mark.as_bytes()].concat();
        let path = temporary(&target.parent().unwrap_or_else(RemotePath::root).join(&name));
        let fresh = (self.claim.0.clone(), path);
        let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.remove(&self.claim);
        claimed.insert(fresh.clone());
        self.claim = fresh;
    }

    pub fn path(&self) -> &RemotePath {
        &self.claim.1
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        CLAIMED.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.claim);
    }
}

/// Nobody asked for the temporary name, and a long one is not even recognised by it.
fn about_target(error: Error, part: &RemotePath, target: &RemotePath) -> Error {
    if error.path() != Some(part) {
        return error;
    }
    let error = error.about(target);
    match error.operation() {
        Operation::Open | Operation::Rename => error.during(Operation::Write),
        _ => error,
    }
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
                let poured = pour(from, file, sink, offset, flow).await;
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
                Ok(sink) => pour(from, file, sink, 0, flow).await,
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

/// Whether a copy goes on.
enum Resumed {
    /// From there.
    At(Box<dyn crate::fs::Sink>),
    /// It begins anew; worth telling where something was there.
    Not(Option<Error>),
}

/// Opens the part to be written on from `offset`, if it ends as the source does there.
async fn resume(
    from: &dyn FileSystem,
    to: &dyn FileSystem,
    file: &CopyFile,
    part: &RemotePath,
    offset: u64,
) -> Result<Resumed> {
    let again = |why: &str| {
        let error = Error::new(ErrorKind::Mismatch, Operation::Write).at(&file.target).on(to.id().as_str());
        Ok(Resumed::Not(Some(error.with_detail(format!("it was copied from the start again: {why}")))))
    };
    if offset == 0 || file.size.is_none_or(|size| size < offset) {
        return Ok(Resumed::Not(None));
    }
    match to.lstat(part).await {
        Ok(entry) if entry.attributes.size.is_some_and(|size| size < offset) => {
            return again("less of it has arrived than was known");
        }
        Ok(_) => {}
        Err(error) if error.kind().ends_session() => return Err(error),
        Err(_) => return again("what was there of it is gone"),
    }
    let start = offset - offset.min(COMPARED);
    let (ours, theirs) =
        tokio::try_join!(block(to, part, start, offset), block(from, &file.source, start, offset))?;
    if ours != theirs {
        return again("the source is not what it was");
    }
    let options = WriteOptions { resume: Some(offset), exclusive: false, ..unfinished(file) };
    match to.write(part, options).await {
        Ok(sink) => Ok(Resumed::At(sink)),
        Err(error) if error.kind().ends_session() => Err(error),
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(Resumed::Not(None)),
        Err(_) => again("what was there of it could not be opened"),
    }
}

/// The bytes from `start` to `end`, or fewer where the file is shorter.
async fn block(fs: &dyn FileSystem, path: &RemotePath, start: u64, end: u64) -> Result<Vec<u8>> {
    let mut stream = fs.read(path, ReadOptions { offset: start, expected_size: None }).await?;
    let wanted = usize::try_from(end - start).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    while bytes.len() < wanted
        && let Some(chunk) = stream.next().await
    {
        bytes.extend_from_slice(&chunk?);
    }
    bytes.truncate(wanted);
    Ok(bytes)
}

/// How a file is created that is to be whole before it has its name.
fn unfinished(file: &CopyFile) -> WriteOptions {
    WriteOptions {
        exclusive: true,
        create_mode: Some(UNFINISHED_MODE),
        attributes: file.attributes.clone(),
        expected_size: file.size,
        ..WriteOptions::default()
    }
}

/// Gives a whole file its name, or clears away what there is of it.
async fn conclude(
    from: &dyn FileSystem,
    to: &dyn FileSystem,
    file: &CopyFile,
    part: &RemotePath,
    poured: Result<Copied>,
    flow: Flow<'_>,
) -> Result<Copied> {
    let error = match poured {
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

/// Lets a file system copy by itself where source and target are both on it. `None` where the
/// bytes have to be moved after all.
async fn within(
    from: &dyn FileSystem,
    to: &dyn FileSystem,
    file: &CopyFile,
    part: &RemotePath,
    flow: Flow<'_>,
) -> Option<Result<Copied>> {
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
            let mut copied = Copied { bytes: written.size.unwrap_or(bytes), warnings: Vec::new() };
            copied.warnings.extend(written.attributes_refused);
            copied.warnings.extend(changed(from, file, copied.bytes));
            Some(Ok(copied))
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
    let mut copied = pour(from, file, sink, 0, flow).await?;
    flow.journal.done(from.id(), &file.source);
    copied.warnings.push(
        why.at(&file.target).with_detail("the directory takes no new names, so it was written in place"),
    );
    Ok(copied)
}

/// Moves the bytes from `start` on.
async fn pour(
    from: &dyn FileSystem,
    file: &CopyFile,
    mut sink: Box<dyn crate::fs::Sink>,
    start: u64,
    flow: Flow<'_>,
) -> Result<Copied> {
    let options = ReadOptions { offset: start, expected_size: file.size };
    let mut stream = from.read(&file.source, options).await?;
    let mut copied = Copied { bytes: start, warnings: Vec::new() };
    let mut noted = (start, Instant::now());
    while let Some(chunk) = stream.next().await {
        let moved = match chunk {
            Ok(chunk) => pass(&mut *sink, chunk, &mut copied, flow).await,
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
    Ok(copied)
}

async fn pass(
    sink: &mut dyn crate::fs::Sink,
    chunk: Bytes,
    copied: &mut Copied,
    flow: Flow<'_>,
) -> Result<()> {
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

/// Copies a symlink as a symlink.
pub async fn link(
    from: &dyn FileSystem,
    to: &dyn FileSystem,
    link: &CopyLink,
    journal: &Journal,
) -> Result<()> {
    let target = match &link.target {
        Some(target) => target.clone(),
        None => from.read_link(&link.source).await?,
    };
    journal.begin_link(from.id(), &link.source, &link.path, link.replace);
    if link.replace {
        replace_link(to, link, &target).await?;
    } else {
        to.symlink(&link.path, &target).await?;
    }
    journal.done(from.id(), &link.source);
    Ok(())
}

async fn replace_link(to: &dyn FileSystem, link: &CopyLink, target: &[u8]) -> Result<()> {
    let mut part = Part::claim(to.id(), &link.path);
    let mut names = 0;
    let replaced = loop {
        match to.symlink(part.path(), target).await {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && names < NAMES => {
                names += 1;
                part.renew(&link.path);
            }
            Err(error) => break Err(error),
            Ok(()) => {
                let renamed = to.rename(part.path(), &link.path, true).await;
                if renamed.is_err() {
                    let _ = to.remove_file(part.path()).await;
                }
                break renamed;
            }
        }
    };
    replaced.map_err(|error| about_target(error, part.path(), &link.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_copies_to_one_target_have_a_temporary_name_each() {
        let (fs, target) = (FsId::new("claims"), RemotePath::new("/a/b.txt"));
        let first = Part::claim(&fs, &target);
        let second = Part::claim(&fs, &target);
        assert_eq!(*first.path(), temporary(&target));
        assert_ne!(first.path(), second.path());
        assert_eq!(second.path().parent(), target.parent());
        drop(first);
        assert_eq!(*Part::claim(&fs, &target).path(), temporary(&target), "given back");
    }

    #[test]
    fn temporary_names_fit_and_differ() {
        assert_eq!(temporary(&RemotePath::new("/a/b.txt")), RemotePath::new("/a/.b.txt.wharf-part"));
        let long = |c: char| RemotePath::new(format!("/{}", c.to_string().repeat(250)));
        assert!(temporary(&long('x')).name().is_some_and(|n| n.len() <= NAME_MAX));
        assert_ne!(temporary(&long('x')), temporary(&long('y')));
    }
}
