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

/// What waits to be listed, the latest first, as long as its paths can be remembered.
pub(super) struct Waiting<T> {
    items: Vec<T>,
    /// Of their paths.
    bytes: usize,
    path: fn(&T) -> &RemotePath,
}

impl<T> Waiting<T> {
    pub fn new(path: fn(&T) -> &RemotePath) -> Waiting<T> {
        Waiting { items: Vec::new(), bytes: 0, path }
    }

    /// # Errors
    /// More waits than can be remembered.
    pub fn push(&mut self, item: T) -> Result<()> {
        let path = (self.path)(&item);
        self.bytes = self.bytes.saturating_add(weight(path));
        if self.bytes > WAITING {
            return Err(too_wide(path));
        }
        self.items.push(item);
        Ok(())
    }

    pub fn pop(&mut self) -> Option<T> {
        let item = self.items.pop()?;
        self.bytes = self.bytes.saturating_sub(weight((self.path)(&item)));
        Some(item)
    }
}

fn weight(path: &RemotePath) -> usize {
    path.as_bytes().len() + size_of::<RemotePath>()
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
    each(fs, vec![root.clone()], watcher, |_, path, entries| {
        let mut next = Vec::new();
        for entry in entries.unwrap_or_default() {
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
    let mut waiting = Waiting::new(|(_, path): &(usize, RemotePath)| path);
    roots.into_iter().enumerate().rev().try_for_each(|root| waiting.push(root))?;
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < LISTINGS
            && let Some((root, path)) = waiting.pop()
        {
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
            next.into_iter().try_for_each(|path| waiting.push((root, path)))?;
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
