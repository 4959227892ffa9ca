//! The jobs of editing: fetching a file into a private directory, and putting it back by the same
//! copy as every other. A copy that was changed is removed here only once it has arrived there.

use std::{
    ffi::OsStr,
    fs::Permissions,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use futures::{FutureExt, StreamExt};

use super::{
    super::{
        What,
        copies::{Copies, Fresh},
        draft::{Draft, Fate, PutBack},
    },
    Job, copy,
};
use crate::{
    fs::{
        Algorithm, Attributes, Checksum, Entry, Error, ErrorKind, FileSystem, FsId, Kind, Location,
        Operation, ReadOptions, RemotePath, Result, WriteOptions, sum::Summer,
    },
    transfer::{Landing, OnConflict, Outcome, Policy, Request},
};

/// How the directories of drafts begin.
const PREFIX: &str = "wharf-edit-";

impl Job {
    pub(super) async fn fetch(&self, location: &Location, to_open: bool) -> Result<Outcome> {
        let fs = self.fs(&location.fs).await?;
        let mut path = location.path.clone();
        if fs.lstat(&path).await?.kind == Kind::Symlink {
            // What the link leads to is replaced, not the link.
            path = fs.canonicalize(&path).await?;
        }
        let fetched = fs.stat(&path).await?;
        if fetched.kind != Kind::File {
            let error = Error::new(ErrorKind::Unsupported, Operation::Read).at(&path);
            return Err(error.on(location.fs.as_str()).with_detail("only files can be edited"));
        }
        let name = path.name().unwrap_or(b"file").to_vec();
        // Removed again unless everything goes well.
        let dir = tokio::task::spawn_blocking(move || Dir::new(to_open))
            .await
            .map_err(|error| {
                Error::new(ErrorKind::Failure, Operation::CreateDir).with_detail(error.to_string())
            })?
            .map_err(|error| Error::io(Operation::CreateDir, &error))?;
        let copy = RemotePath::new(dir.path().as_os_str().as_bytes()).join(&name);
        let local = self.fs(&FsId::local()).await?;
        let options = WriteOptions {
            exclusive: true,
            create_mode: Some(0o600),
            expected_size: fetched.attributes.size,
            ..WriteOptions::default()
        };
        let mut sink = local.write(&copy, options).await?;
        let mut summer = Summer::new(Algorithm::Sha256);
        let reading = ReadOptions { offset: 0, expected_size: fetched.attributes.size };
        let mut chunks = fs.read(&path, reading).await?;
        while let Some(chunk) = chunks.next().await {
            let chunk: Bytes = chunk?;
            summer.add(&chunk);
            sink.write(chunk).await?;
        }
        sink.finish().await?;
        dir.keep(&self.shared.copies, &name)
            .map_err(|error| Error::io(Operation::Write, &error).at(&copy))?;
        let target = Location::new(location.fs.clone(), path);
        let draft = Draft { target, copy, fetched, sum: summer.finish() };
        self.shared.emit(self.job, What::Fetched(Box::new(draft))).await;
        Ok(Outcome::default())
    }

    pub(super) async fn put_back(&self, draft: &Draft, how: PutBack) -> Result<Outcome> {
        let local = self.fs(&FsId::local()).await?;
        let changed = self.cancellable(sum_of(&*local, &draft.copy).boxed()).await? != draft.sum.bytes;
        if !changed {
            discard(draft).await;
            return self.ended(Fate::Unchanged, Outcome::default()).await;
        }
        if how == PutBack::Keep {
            return self.ended(Fate::Kept, Outcome::default()).await;
        }
        if how == PutBack::IfSame {
            let now = self.cancellable(self.look(&draft.target).boxed()).await?;
            if now.as_ref().is_none_or(|now| !is_same(now, &draft.fetched)) {
                return self.ended(Fate::Overtaken(now), Outcome::default()).await;
            }
        }
        // Editors that replace the file may have given it another mode.
        if let Some(mode) = draft.fetched.attributes.mode {
            let attributes = Attributes { mode: Some(mode), ..Attributes::default() };
            local.set_attributes(&draft.copy, &attributes).await?;
        }
        let on_conflict = if how == PutBack::Beside { OnConflict::Rename } else { OnConflict::Overwrite };
        let request = Request {
            sources: vec![Location::new(FsId::local(), draft.copy.clone())],
            target: draft.target.clone(),
            landing: Landing::Onto,
            policy: Policy { on_conflict, ..Policy::default() },
            remove_source: false,
        };
        let outcome = self.copy(request, copy::Mode::Run).await?;
        if outcome.failed == 0 && outcome.done.files == 1 {
            discard(draft).await;
            return self.ended(Fate::Stored, outcome).await;
        }
        self.ended(Fate::Kept, outcome).await
    }

    async fn ended(&self, fate: Fate, outcome: Outcome) -> Result<Outcome> {
        self.shared.emit(self.job, What::Draft(fate)).await;
        Ok(outcome)
    }

    /// What is there now, if anything.
    async fn look(&self, target: &Location) -> Result<Option<Entry>> {
        match self.fs(&target.fs).await?.stat(&target.path).await {
            Ok(entry) => Ok(Some(entry)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Where a copy is made.
enum Dir {
    ToEdit(tempfile::TempDir),
    ToOpen(Fresh),
}

impl Dir {
    fn new(to_open: bool) -> std::io::Result<Dir> {
        if to_open { Fresh::new().map(Dir::ToOpen) } else { private_dir().map(Dir::ToEdit) }
    }

    fn path(&self) -> &Path {
        match self {
            Dir::ToEdit(dir) => dir.path(),
            Dir::ToOpen(fresh) => fresh.path(),
        }
    }

    fn keep(self, copies: &Copies, name: &[u8]) -> std::io::Result<()> {
        match self {
            Dir::ToEdit(dir) => {
                let _ = dir.keep();
                Ok(())
            }
            Dir::ToOpen(fresh) => copies.keep(fresh, OsStr::from_bytes(name)),
        }
    }
}

/// A directory that only this user can enter, whatever the umask says.
fn private_dir() -> std::io::Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix(PREFIX).permissions(Permissions::from_mode(0o700)).tempdir()
}

fn is_same(now: &Entry, then: &Entry) -> bool {
    now.kind == then.kind
        && now.attributes.size == then.attributes.size
        && now.attributes.mtime == then.attributes.mtime
}

async fn sum_of(local: &dyn FileSystem, path: &RemotePath) -> Result<Box<[u8]>> {
    let mut summer = Summer::new(Algorithm::Sha256);
    let mut chunks = local.read(path, ReadOptions::default()).await?;
    while let Some(chunk) = chunks.next().await {
        summer.add(&chunk?);
    }
    let Checksum { bytes, .. } = summer.finish();
    Ok(bytes)
}

/// Removes the copy and its directory, with what an editor may have left beside it.
async fn discard(draft: &Draft) {
    let Some(dir) = draft.copy.parent() else { return };
    if !dir.name().is_some_and(|name| name.starts_with(PREFIX.as_bytes())) {
        return;
    }
    let dir = PathBuf::from(OsStr::from_bytes(dir.as_bytes()));
    // What cannot be removed is left to whoever cleans up temporary files.
    let _ = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(dir)).await;
}
