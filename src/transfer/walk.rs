//! Lists directories and whole trees. Reads listings only; decides nothing (`plan` does) and copies
//! nothing.

use std::sync::Arc;

use futures::{StreamExt, stream::FuturesUnordered};

use crate::fs::{Entry, Error, ErrorKind, FileSystem, Kind, Operation, RemotePath, Result};

/// Directories being listed at the same time: a tree's width is crossed in few round trips.
pub(super) const LISTINGS: usize = 32;

/// Directories nested deeper than this are taken for a loop that the server pretends.
pub(super) const DEEPEST: usize = 4096;

/// What the paths of directories may take that wait to be listed: 256 MiB. A tree that wants more is
/// made up as it is listed.
const WAITING: usize = 256 << 20;

/// How much waits to be listed, in bytes of paths.
#[derive(Default)]
pub(super) struct Waiting(usize);

impl Waiting {
    /// # Errors
    /// More waits than can be remembered.
    pub fn add(&mut self, path: &RemotePath) -> Result<()> {
        self.0 = self.0.saturating_add(path.as_bytes().len() + size_of::<RemotePath>());
        if self.0 <= WAITING { Ok(()) } else { Err(too_wide(path)) }
    }

    pub fn take(&mut self, path: &RemotePath) {
        self.0 = self.0.saturating_sub(path.as_bytes().len() + size_of::<RemotePath>());
    }
}

fn too_wide(path: &RemotePath) -> Error {
    Error::new(ErrorKind::Protocol, Operation::List)
        .at(path)
        .with_detail("there are more directories than can be remembered; take a part of them at a time")
}

/// Something found below a source, parents before what they hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub path: RemotePath,
    pub entry: Entry,
}

/// What hears of progress and failures while trees are listed.
pub trait Watcher: Sync {
    fn found(&self, entry: &Entry);
    /// A directory that could not be listed, or a name that was refused.
    fn failed(&self, error: Error);
}

/// Lists everything below `root` (itself excluded), following no symlinks. Directories that
/// cannot be listed are reported and left out; a lost session ends the walk.
pub async fn tree(fs: &Arc<dyn FileSystem>, root: &RemotePath, watcher: &dyn Watcher) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    let top = root.components().count();
    crawl(fs, vec![root.clone()], watcher, |path, entries| {
        let mut next = Vec::new();
        for entry in entries {
            watcher.found(&entry);
            let below = path.join(&entry.name);
            if entry.kind == Kind::Dir {
                if path.components().count() - top < DEEPEST {
                    next.push(below.clone());
                } else {
                    watcher.failed(too_deep(&below));
                    continue;
                }
            }
            found.push(Found { path: below, entry });
        }
        next
    })
    .await?;
    Ok(found)
}

/// Lists everything below `roots`, many directories at a time, and keeps nothing: `visit` is told
/// of each directory which root it belongs to, its path, and its entries or that it could not be
/// listed, which `watcher` has then heard of. It returns which of the directories in it are to be
/// listed as well. Follows no symlinks; a lost session ends the walk.
pub async fn each(
    fs: &Arc<dyn FileSystem>,
    roots: Vec<RemotePath>,
    watcher: &dyn Watcher,
    mut visit: impl FnMut(usize, &RemotePath, Option<Vec<Entry>>) -> Vec<RemotePath>,
) -> Result<()> {
    let tops: Vec<usize> = roots.iter().map(|root| root.components().count()).collect();
    let mut waiting: Vec<(usize, RemotePath)> = roots.into_iter().enumerate().rev().collect();
    let mut room = Waiting::default();
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < LISTINGS
            && let Some((root, path)) = waiting.pop()
        {
            room.take(&path);
            running.push(async move { (directory(fs, &path, watcher).await, root, path) });
        }
        let Some((listed, root, path)) = running.next().await else { return Ok(()) };
        let entries = match listed {
            Err(error) if error.kind().ends_session() => return Err(error),
            Err(error) => {
                watcher.failed(error);
                None
            }
            Ok(entries) => Some(entries),
        };
        let top = tops.get(root).copied().unwrap_or_default();
        let deepest = path.components().count().saturating_sub(top) >= DEEPEST;
        let next = visit(root, &path, entries);
        if !deepest {
            next.iter().try_for_each(|path| room.add(path))?;
            waiting.extend(next.into_iter().map(|path| (root, path)));
        } else if !next.is_empty() {
            watcher.failed(too_deep(&path));
        }
    }
}

pub(super) fn too_deep(path: &RemotePath) -> Error {
    Error::new(ErrorKind::Protocol, Operation::List)
        .at(path)
        .with_detail(format!("nested more than {DEEPEST} levels deep"))
}

/// Lists `waiting` and whatever `visit` names in return, many at a time.
async fn crawl(
    fs: &Arc<dyn FileSystem>,
    mut waiting: Vec<RemotePath>,
    watcher: &dyn Watcher,
    mut visit: impl FnMut(&RemotePath, Vec<Entry>) -> Vec<RemotePath>,
) -> Result<()> {
    let mut room = Waiting::default();
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < LISTINGS
            && let Some(path) = waiting.pop()
        {
            room.take(&path);
            running.push(async move { (directory(fs, &path, watcher).await, path) });
        }
        let Some((listed, path)) = running.next().await else { return Ok(()) };
        match listed {
            Ok(entries) => {
                let next = visit(&path, entries);
                next.iter().try_for_each(|path| room.add(path))?;
                waiting.extend(next);
            }
            Err(error) if error.kind().ends_session() => return Err(error),
            Err(error) => watcher.failed(error),
        }
    }
}

/// Whether a failure is about one entry of `dir` and leaves the rest of the listing.
fn is_of_one_entry(error: &Error, dir: &RemotePath) -> bool {
    error.kind() == ErrorKind::InvalidName
        || (!error.kind().ends_session() && error.path().is_some_and(|path| path != dir))
}

/// One directory's entries, all of them. Refused names are reported.
pub async fn directory(
    fs: &Arc<dyn FileSystem>,
    path: &RemotePath,
    watcher: &dyn Watcher,
) -> Result<Vec<Entry>> {
    let mut out = Vec::new();
    let mut batches = fs.list(path).await?;
    while let Some(batch) = batches.next().await {
        match batch {
            Ok(entries) => out.extend(entries),
            Err(error) if is_of_one_entry(&error, path) => watcher.failed(error),
            Err(error) => return Err(error),
        }
    }
    Ok(out)
}
