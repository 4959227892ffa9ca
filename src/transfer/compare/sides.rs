//! Lists two directories to their depths, side by side, and tells how they differ as it goes. Reads
//! only; what is to be done about it is `sync`'s to say.

use std::{collections::HashMap, sync::Arc};

use futures::{FutureExt, StreamExt, stream, stream::FuturesUnordered};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use unicode_normalization::UnicodeNormalization;

use super::digest;
use crate::{
    fs::{Entry, Error, ErrorKind, FileSystem, Kind, Operation, RemotePath, Result},
    transfer::{
        sync::{Half, Keeping, Pair, Relation, relate},
        walk::{self, Watcher},
    },
};

/// Directories that are listed at the same time, on each side.
const LISTINGS: usize = 16;

/// Links that are asked for at the same time, in one directory.
const LINKS: usize = 16;

/// Directories nested deeper than this are taken for a loop that a server pretends.
const DEEPEST: usize = 1024;

/// The two directories.
pub struct Sides {
    pub left: Arc<dyn FileSystem>,
    pub left_root: RemotePath,
    pub right: Arc<dyn FileSystem>,
    pub right_root: RemotePath,
    /// Files of the same size are told apart by their bytes instead of by their times.
    pub content: bool,
    pub cancel: CancellationToken,
}

/// A directory that is to be looked into, below the roots.
struct Dir {
    path: Vec<u8>,
    /// As the right side writes it.
    right_path: Vec<u8>,
    left: bool,
    right: bool,
    depth: usize,
}

impl Sides {
    /// Tells `found` of everything below the roots, in no order. Directories that cannot be listed
    /// on a side that has them are reported and left out, with all below them.
    ///
    /// # Errors
    /// What ends a session, and a root that cannot be listed.
    pub async fn compare(&self, found: mpsc::Sender<Vec<Pair>>, watcher: &dyn Watcher) -> Result<()> {
        let reads = Semaphore::new(self.parallel());
        let top = Dir { path: Vec::new(), right_path: Vec::new(), left: true, right: true, depth: 0 };
        let mut waiting = vec![top];
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < LISTINGS
                && let Some(dir) = waiting.pop()
            {
                running.push(self.directory(dir, &reads, watcher).boxed());
            }
            let next = self.cancel.run_until_cancelled(running.next()).await;
            match next.ok_or_else(|| Error::new(ErrorKind::Cancelled, Operation::Plan))? {
                None => return Ok(()),
                Some((dir, Ok((pairs, dirs)))) => {
                    if dir.depth < DEEPEST {
                        waiting.extend(dirs);
                    } else if !dirs.is_empty() {
                        let deep = Error::new(ErrorKind::Protocol, Operation::List)
                            .at(&self.left_root.resolve(&dir.path));
                        watcher.failed(deep.with_detail(format!("nested more than {DEEPEST} levels deep")));
                    }
                    if found.send(pairs).await.is_err() {
                        return Ok(());
                    }
                }
                Some((dir, Err(error))) => {
                    if dir.depth == 0 || error.kind().ends_session() {
                        return Err(error);
                    }
                    watcher.failed(error);
                }
            }
        }
    }

    fn parallel(&self) -> usize {
        let (left, right) = (self.left.capabilities(), self.right.capabilities());
        left.parallel_files.min(right.parallel_files).clamp(1, 16)
    }

    fn keeping(&self) -> Keeping {
        let (left, right) = (self.left.capabilities(), self.right.capabilities());
        Keeping {
            precision: left.time_precision.max(right.time_precision),
            left_times: left.times,
            right_times: right.times,
        }
    }

    async fn directory(
        &self,
        dir: Dir,
        reads: &Semaphore,
        watcher: &dyn Watcher,
    ) -> (Dir, Result<(Vec<Pair>, Vec<Dir>)>) {
        let looked = self.look_into(&dir, reads, watcher).await;
        (dir, looked)
    }

    async fn look_into(
        &self,
        dir: &Dir,
        reads: &Semaphore,
        watcher: &dyn Watcher,
    ) -> Result<(Vec<Pair>, Vec<Dir>)> {
        let (left_dir, right_dir) =
            (self.left_root.resolve(&dir.path), self.right_root.resolve(&dir.right_path));
        let list = |fs: &Arc<dyn FileSystem>, path: RemotePath, wanted: bool| {
            let fs = fs.clone();
            async move {
                if !wanted {
                    return Ok(Vec::new());
                }
                walk::directory(&fs, &path, watcher).await
            }
        };
        // A side that cannot be listed is not taken for an empty one.
        let (left, right) = tokio::try_join!(
            list(&self.left, left_dir.clone(), dir.left),
            list(&self.right, right_dir.clone(), dir.right)
        )?;
        let mut out = Vec::new();
        let mut dirs = Vec::new();
        let mut both = Vec::new();
        for (left, right) in matched(left, right) {
            let Some(name) = left.as_ref().or(right.as_ref()).map(|entry| entry.name.clone()) else {
                continue;
            };
            let right_name = right.as_ref().map_or(&name, |entry| &entry.name);
            let path = below(&dir.path, &name);
            let right_path = below(&dir.right_path, right_name);
            let is_dir = |entry: &Option<Entry>| entry.as_ref().is_some_and(|e| e.kind == Kind::Dir);
            let only_dirs = [&left, &right].into_iter().flatten().all(|entry| entry.kind == Kind::Dir);
            if only_dirs {
                dirs.push(Dir {
                    path: path.clone(),
                    right_path: right_path.clone(),
                    left: is_dir(&left),
                    right: is_dir(&right),
                    depth: dir.depth + 1,
                });
            }
            let pair = Pair {
                left: left.as_ref().map(Half::from),
                right: right.as_ref().map(Half::from),
                relation: if left.is_some() { Relation::OnlyLeft } else { Relation::OnlyRight },
                right_path: (right_path != path).then(|| right_path.into()),
                path: path.into(),
            };
            match (left, right) {
                (Some(left), Some(right)) => both.push((pair, left, right)),
                _ => out.push(pair),
            }
        }
        let mut related = stream::iter(both)
            .map(|(pair, left, right)| self.relate(pair, left, right, reads))
            .buffer_unordered(LINKS);
        while let Some((pair, error)) = related.next().await {
            match error {
                Some(error) if error.kind().ends_session() => return Err(error),
                Some(error) => watcher.failed(error),
                None => {}
            }
            out.push(pair);
        }
        Ok((out, dirs))
    }

    /// How the two differ, with a closer look where one is needed.
    async fn relate(
        &self,
        mut pair: Pair,
        mut left: Entry,
        mut right: Entry,
        reads: &Semaphore,
    ) -> (Pair, Option<Error>) {
        let right_path = self.right_root.resolve(pair.right_path.as_deref().unwrap_or(&pair.path));
        let left_path = self.left_root.resolve(&pair.path);
        let mut failed = None;
        let mut content = None;
        match (left.kind, right.kind) {
            (Kind::Symlink, Kind::Symlink) => {
                let (here, there) = tokio::join!(
                    leads_to(&*self.left, &left_path, &left),
                    leads_to(&*self.right, &right_path, &right)
                );
                match (here, there) {
                    (Ok(here), Ok(there)) => (left.target, right.target) = (Some(here), Some(there)),
                    (Err(error), _) | (_, Err(error)) => failed = Some(error),
                }
            }
            (Kind::File, Kind::File) if self.content && left.attributes.size == right.attributes.size => {
                let _turn = reads.acquire().await;
                let size = left.attributes.size;
                let sums = tokio::try_join!(
                    digest(&*self.left, &left_path, size),
                    digest(&*self.right, &right_path, size)
                );
                match sums {
                    Ok((left, right)) => content = Some(left == right),
                    // What cannot be read is not the same.
                    Err(error) => (content, failed) = (Some(false), Some(error)),
                }
            }
            _ => {}
        }
        pair.relation = relate(&left, &right, self.keeping(), content);
        (pair, failed)
    }
}

async fn leads_to(fs: &dyn FileSystem, path: &RemotePath, entry: &Entry) -> Result<Box<[u8]>> {
    match &entry.target {
        Some(target) => Ok(target.clone()),
        None => fs.read_link(path).await.map(Into::into),
    }
}

fn below(dir: &[u8], name: &[u8]) -> Vec<u8> {
    if dir.is_empty() { name.to_vec() } else { [dir, name].join(&b'/') }
}

/// The entries of both sides by their names: the same bytes, else the same characters however
/// Unicode composes them. Of a name that is listed twice the first one counts.
fn matched(left: Vec<Entry>, right: Vec<Entry>) -> Vec<(Option<Entry>, Option<Entry>)> {
    let composed = |name: &[u8]| {
        let text = std::str::from_utf8(name).ok().filter(|text| !text.is_ascii())?;
        Some(text.nfc().collect::<String>())
    };
    let mut seen = std::collections::HashSet::new();
    let left: Vec<Entry> = left.into_iter().filter(|entry| seen.insert(entry.name.clone())).collect();
    let mut by_name: HashMap<Box<[u8]>, Entry> = HashMap::new();
    for entry in right {
        by_name.entry(entry.name.clone()).or_insert(entry);
    }
    let mut out = Vec::new();
    let mut alone = Vec::new();
    for entry in left {
        match by_name.remove(&entry.name) {
            Some(other) => out.push((Some(entry), Some(other))),
            None => alone.push(entry),
        }
    }
    let mut by_form: HashMap<String, Box<[u8]>> = HashMap::new();
    let mut names: Vec<&Box<[u8]>> = by_name.keys().collect();
    names.sort();
    for name in names {
        if let Some(form) = composed(name) {
            by_form.entry(form).or_insert_with(|| name.clone());
        }
    }
    for entry in alone {
        let other = composed(&entry.name).and_then(|form| by_form.remove(&form));
        let other = other.and_then(|name| by_name.remove(&name));
        out.push((Some(entry), other));
    }
    out.extend(by_name.into_values().map(|entry| (None, Some(entry))));
    out
}
