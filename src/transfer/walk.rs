//! Lists what a request names: the source trees, and the part of the target that they would
//! land on. Reads listings only; decides nothing (`plan` does) and copies nothing.

use std::{collections::HashMap, sync::Arc};

use futures::{StreamExt, stream::FuturesUnordered};

use crate::fs::{Entry, Error, ErrorKind, FileSystem, Kind, Operation, RemotePath, Result};

/// Directories being listed at the same time: a tree's width is crossed in few round trips.
const LISTINGS: usize = 32;

/// Directories nested deeper than this are taken for a loop that the server pretends.
const DEEPEST: usize = 4096;

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
    let mut waiting = vec![(root.clone(), 0)];
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < LISTINGS
            && let Some((path, depth)) = waiting.pop()
        {
            running.push(async move { (directory(fs, &path, watcher).await, path, depth) });
        }
        let Some((listed, path, depth)) = running.next().await else { return Ok(found) };
        let entries = match listed {
            Ok(entries) => entries,
            Err(error) if error.kind().ends_session() => return Err(error),
            Err(error) => {
                watcher.failed(error);
                continue;
            }
        };
        for entry in entries {
            watcher.found(&entry);
            let below = path.join(&entry.name);
            if entry.kind == Kind::Dir {
                if depth >= DEEPEST {
                    watcher.failed(
                        Error::new(ErrorKind::Protocol, Operation::List)
                            .at(&below)
                            .with_detail(format!("nested more than {DEEPEST} levels deep")),
                    );
                    continue;
                }
                waiting.push((below.clone(), depth + 1));
            }
            found.push(Found { path: below, entry });
        }
    }
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
            Err(error) if error.kind() == ErrorKind::InvalidName => watcher.failed(error),
            Err(error) => return Err(error),
        }
    }
    Ok(out)
}

/// What the target holds where `wanted` would land: for every wanted path that exists, its
/// entry. Lists only directories that both sides have, never deeper.
pub async fn existing(
    fs: &Arc<dyn FileSystem>,
    tops: &[(RemotePath, Option<Entry>)],
    wanted_dirs: &std::collections::HashSet<RemotePath>,
    watcher: &dyn Watcher,
) -> Result<HashMap<RemotePath, Entry>> {
    let mut out = HashMap::new();
    let mut waiting = Vec::new();
    for (path, entry) in tops {
        if let Some(entry) = entry {
            if entry.kind == Kind::Dir && wanted_dirs.contains(path) {
                waiting.push(path.clone());
            }
            out.insert(path.clone(), entry.clone());
        }
    }
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < LISTINGS
            && let Some(path) = waiting.pop()
        {
            running.push(async move { (directory(fs, &path, watcher).await, path) });
        }
        let Some((listed, path)) = running.next().await else { return Ok(out) };
        let entries = match listed {
            Ok(entries) => entries,
            Err(error) if error.kind().ends_session() => return Err(error),
            // What cannot be seen cannot be spared either: each write finds out for itself, as
            // nothing is replaced that was not seen.
            Err(error) => {
                watcher.failed(error);
                continue;
            }
        };
        for entry in entries {
            let below = path.join(&entry.name);
            if entry.kind == Kind::Dir && wanted_dirs.contains(&below) {
                waiting.push(below.clone());
            }
            out.insert(below, entry);
        }
    }
}
