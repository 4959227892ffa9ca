//! Copies one file from any file system to any: to a temporary name, checked, then renamed.
//! Knows no protocol, no queue and no policy.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::StreamExt;

use super::{
    limit::Throttle,
    plan::{CopyFile, CopyLink},
};
use crate::fs::{
    Error, ErrorKind, FileSystem, FsId, Operation, ReadOptions, RemotePath, Result, WriteOptions,
    path::NAME_MAX,
};

/// Permission bits of a file that is not whole yet.
const UNFINISHED_MODE: u32 = 0o600;

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
}

/// Copies `file`. On failure the temporary file
/// is removed and whatever stood at the target still stands there.
pub async fn file(
    from: &dyn FileSystem,
    to: &dyn FileSystem,
    file: &CopyFile,
    part: &Part,
    flow: Flow<'_>,
) -> Result<Copied> {
    let about = |error| about_target(error, part.path(), &file.target);
    let mut copied = beside(from, to, file, part.path(), flow).await.map_err(about)?;
    copied.warnings = copied.warnings.into_iter().map(about).collect();
    Ok(copied)
}

/// Temporary names that copies of this program are writing to.
static CLAIMED: Mutex<BTreeSet<(FsId, RemotePath)>> = Mutex::new(BTreeSet::new());

/// A temporary name that is this copy's alone: another one to the same target has another, so
/// that neither clears away or renames what the other is writing. Given back when dropped.
pub struct Part {
    claim: (FsId, RemotePath),
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
        Part { claim }
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
    part: &RemotePath,
    flow: Flow<'_>,
) -> Result<Copied> {
    let mut tries = 0;
    if let Some(copied) = within(from, to, file, part, flow).await {
        return conclude(to, file, part, copied).await;
    }
    let sink = loop {
        match to.write(part, unfinished(file)).await {
            Ok(sink) => break sink,
            // Left behind by a copy that was cut off: nobody else uses the name.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && tries == 0 => {
                tries += 1;
                to.remove_file(part).await?;
            }
            Err(error) if error.kind() == ErrorKind::PermissionDenied && file.replace => {
                return in_place(from, to, file, flow, error).await;
            }
            Err(error) => return Err(error),
        }
    };
    match pour(from, file, sink, flow).await {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && tries == 0 => {
            // A sink may create its file only when it is finished, and find a stale one then.
            to.remove_file(part).await?;
            Box::pin(beside(from, to, file, part, flow)).await
        }
        Err(error) if forbids_names(&error, part) && file.replace => {
            in_place(from, to, file, flow, error).await
        }
        poured => conclude(to, file, part, poured).await,
    }
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
    to: &dyn FileSystem,
    file: &CopyFile,
    part: &RemotePath,
    poured: Result<Copied>,
) -> Result<Copied> {
    match poured {
        Ok(copied) => match to.rename(part, &file.target, file.replace).await {
            Ok(()) => Ok(copied),
            Err(error) => {
                let _ = to.remove_file(part).await;
                Err(replace_error(error, file))
            }
        },
        Err(error) => {
            // Where it was the source that was lost, the target can still be cleared.
            if !to.is_lost() {
                let _ = tokio::time::timeout(CLEARING, to.remove_file(part)).await;
            }
            Err(error)
        }
    }
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
    let mut outcome = to.copy_within(&file.source, part, unfinished(file), &tell).await;
    if outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::AlreadyExists) {
        // Left behind by a copy that was cut off: nobody else uses the name.
        if let Err(error) = to.remove_file(part).await {
            return Some(Err(error));
        }
        outcome = to.copy_within(&file.source, part, unfinished(file), &tell).await;
    }
    let bytes = own.load(Ordering::Relaxed);
    match outcome {
        Ok(written) => {
            let mut copied = Copied { bytes: written.size.unwrap_or(bytes), warnings: Vec::new() };
            copied.warnings.extend(written.attributes_refused);
            copied.warnings.extend(changed(from, file, copied.bytes));
            Some(Ok(copied))
        }
        Err(error) if error.kind().ends_session() || error.kind() == ErrorKind::NoSpace => Some(Err(error)),
        // Whatever it is: if moving the bytes fails as well, that says why.
        Err(_) => {
            flow.moved.fetch_sub(bytes, Ordering::Relaxed);
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
    let mut copied = pour(from, file, sink, flow).await?;
    copied.warnings.push(
        why.at(&file.target).with_detail("the directory takes no new names, so it was written in place"),
    );
    Ok(copied)
}

async fn pour(
    from: &dyn FileSystem,
    file: &CopyFile,
    mut sink: Box<dyn crate::fs::Sink>,
    flow: Flow<'_>,
) -> Result<Copied> {
    let options = ReadOptions { offset: 0, expected_size: file.size };
    let mut stream = from.read(&file.source, options).await?;
    let mut copied = Copied::default();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        let len = chunk.len() as u64;
        flow.throttle.pass(len).await;
        sink.write(chunk).await?;
        copied.bytes += len;
        flow.moved.fetch_add(len, Ordering::Relaxed);
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
pub async fn link(from: &dyn FileSystem, to: &dyn FileSystem, link: &CopyLink) -> Result<()> {
    let target = match &link.target {
        Some(target) => target.clone(),
        None => from.read_link(&link.source).await?,
    };
    if !link.replace {
        return to.symlink(&link.path, &target).await;
    }
    let claim = Part::claim(to.id(), &link.path);
    let part = claim.path();
    let replaced = async {
        match to.symlink(part, &target).await {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                to.remove_file(part).await?;
                to.symlink(part, &target).await?;
            }
            other => other?,
        }
        let renamed = to.rename(part, &link.path, true).await;
        if renamed.is_err() {
            let _ = to.remove_file(part).await;
        }
        renamed
    };
    replaced.await.map_err(|error| about_target(error, part, &link.path))
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
