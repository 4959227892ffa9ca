//! Finds out what the sources of a request are, where each lands, and what stands there. Decides
//! nothing about a single file (`plan` does) and changes nothing.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use futures::{FutureExt, StreamExt, TryStreamExt, future, stream};

use super::{
    Landing, Policy,
    context::Transfer,
    plan::Source,
    prepared::Prepared,
    remove::{Listed, is_unchanged},
    walk::{self, Watcher},
};
use crate::fs::{Entry, Error, ErrorKind, FileSystem, Kind, Operation, RemotePath, Result};

/// Targets that are looked at, at the same time.
const LOOKS: usize = 1024;

/// With so many sources or fewer, directories among them are listed while the target is looked at.
const EAGER: usize = 8;

/// A file system that takes so many files at a time takes a question too many as well.
const PLENTY: usize = 32;

/// What a request names, and what stands where that lands.
pub struct Tops {
    pub(super) level: Prepared,
    /// The sources go into the target.
    pub into: bool,
    /// What source directories hold, where that is known already.
    pub(super) listed: HashMap<RemotePath, Early>,
    /// Where sources land within themselves, if both places are one: what is found there was not there
    /// before this.
    pub(super) own: HashSet<RemotePath>,
}

/// What a directory holds, and what of it was refused: that is said when its turn comes.
pub(super) struct Early {
    pub entries: Vec<Entry>,
    pub refused: Vec<Error>,
}

impl Transfer {
    /// Finds out what the sources are and where each lands.
    ///
    /// # Errors
    /// What ends a session, and a target that nothing can go to.
    pub async fn prepare(
        &self,
        sources: &[RemotePath],
        target: &RemotePath,
        landing: Landing,
        policy: &Policy,
    ) -> Result<Tops> {
        let stats: Vec<_> = sources.iter().map(|path| self.look_at_source(path).boxed()).collect();
        // The target is often a directory: where a question more costs no time, what stands in it is
        // asked for along with what it is.
        let guesses = match landing {
            Landing::Onto => &[],
            _ if sources.len() > EAGER || self.to.capabilities().parallel_files < PLENTY => &[],
            _ => sources,
        };
        let guesses = guesses.iter().filter_map(|path| Some(self.look(target.join(path.name()?)).boxed()));
        let guesses = future::join_all(guesses.collect::<Vec<_>>());
        // What is to be copied with all that is in it is most likely a directory: it is listed while
        // that is found out, where a question in vain costs no time; otherwise while the target is
        // looked at.
        let eager = policy.recursive && sources.len() <= EAGER;
        let at_once = eager && self.from.capabilities().parallel_files >= PLENTY;
        let likely = sources.iter().filter(|_| at_once);
        let likely: Vec<_> = likely.map(|path| self.list_early(path.clone()).boxed()).collect();
        let (found, directory, guessed, listed) =
            tokio::join!(future::join_all(stats), self.to.stat(target), guesses, future::join_all(likely));
        let mut listed: HashMap<_, _> = listed.into_iter().flatten().collect();
        let guessed: HashMap<_, _> = guessed.into_iter().flatten().collect();
        let into = match (landing, directory) {
            (Landing::Onto, Ok(_)) => false,
            (Landing::Onto, Err(error)) if error.kind() == ErrorKind::NotFound => false,
            (Landing::Onto, Err(error)) => return Err(error.during(Operation::Plan)),
            (_, Ok(entry)) if entry.kind == Kind::Dir => true,
            (Landing::Into, Ok(_)) => {
                return Err(Error::new(ErrorKind::NotADirectory, Operation::Plan)
                    .at(target)
                    .on(self.to.id().as_str()));
            }
            (Landing::Into, Err(error)) => return Err(error.during(Operation::Plan)),
            (Landing::Auto, Ok(_)) if sources.len() > 1 => {
                return Err(Error::new(ErrorKind::NotADirectory, Operation::Plan)
                    .at(target)
                    .on(self.to.id().as_str())
                    .with_detail("several sources need a directory to go to"));
            }
            (Landing::Auto, Ok(_)) => false,
            (Landing::Auto, Err(error)) if error.kind() == ErrorKind::NotFound && sources.len() == 1 => false,
            (Landing::Auto, Err(error)) => return Err(error.during(Operation::Plan)),
        };
        let mut tops = Tops { level: Prepared::default(), into, listed: HashMap::new(), own: HashSet::new() };
        let mut landed_at = HashSet::new();
        for (path, entry) in sources.iter().zip(found) {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) if error.kind().ends_session() => return Err(error),
                Err(error) => {
                    self.failed(error);
                    continue;
                }
            };
            let landed = match path.name() {
                Some(name) if into => target.join(name),
                _ => target.clone(),
            };
            match self.check_overlap(path, &landed, entry.kind).await {
                Ok(true) => drop(tops.own.insert(landed.clone())),
                Ok(false) => {}
                Err(error) if error.kind().ends_session() => return Err(error),
                Err(error) => {
                    self.failed(error);
                    continue;
                }
            }
            self.found(&entry);
            landed_at.insert(landed.clone());
            tops.level.sources.push(Source { path: path.clone(), entry, target: landed });
        }
        let unknown = landed_at.iter().filter(|path| !guessed.contains_key(*path)).cloned();
        let looks: Vec<_> = unknown.map(|path| self.look(path).boxed()).collect();
        let looks = stream::iter(looks).buffered(LOOKS).try_collect::<Vec<_>>();
        let is_tree = |source: &&Source| policy.recursive && source.entry.kind == Kind::Dir;
        let trees: HashSet<_> =
            tops.level.sources.iter().filter(is_tree).map(|source| &source.path).collect();
        listed.retain(|path, _| trees.contains(path));
        let missing = trees.into_iter().filter(|_| eager && !at_once);
        let missing: Vec<_> = missing.map(|path| self.list_early(path.clone()).boxed()).collect();
        let (looked, late) = tokio::join!(looks, future::join_all(missing));
        let known = guessed.into_iter().filter(|(path, _)| landed_at.contains(path));
        let existing = known.chain(looked?).filter_map(|(path, entry)| Some((path, entry?)));
        tops.level.existing = existing.collect();
        tops.listed = listed.into_iter().chain(late.into_iter().flatten()).collect();
        self.compare(&mut tops.level, policy).await?;
        Ok(tops)
    }

    /// What a directory holds. Where that cannot be told, it is asked for again when its turn
    /// comes, and said then.
    async fn list_early(&self, path: RemotePath) -> Option<(RemotePath, Early)> {
        #[derive(Default)]
        struct Refused(Mutex<Vec<Error>>);
        impl Watcher for Refused {
            fn found(&self, _: &Entry) {}
            fn failed(&self, error: Error) {
                self.0.lock().unwrap_or_else(PoisonError::into_inner).push(error);
            }
        }
        let refused = Refused::default();
        let entries = walk::directory(&self.from, &path, &refused).await.ok()?;
        let refused = refused.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        Some((path, Early { entries, refused }))
    }

    async fn look_at_source(&self, path: &RemotePath) -> Result<Entry> {
        let entry = self.from.lstat(path).await?;
        if entry.kind == Kind::File {
            self.to.expect_write(entry.attributes.size.unwrap_or_default());
        }
        Ok(entry)
    }

    /// What stands at a target path, if anything.
    async fn look(&self, path: RemotePath) -> Result<(RemotePath, Option<Entry>)> {
        let found = standing(&*self.to, &path).await?;
        Ok((path, found))
    }

    /// A directory must not be copied into itself, whatever links lead there. True where two file systems
    /// may be one, and the target appears at the source as soon as it is created.
    async fn check_overlap(&self, source: &RemotePath, target: &RemotePath, kind: Kind) -> Result<bool> {
        if kind != Kind::Dir {
            return Ok(false);
        }
        if self.from.id() != self.to.id() {
            return self.may_overlap(source, target).await;
        }
        let parent = target.parent().unwrap_or_else(RemotePath::root);
        let (real_source, real_parent) =
            tokio::join!(self.from.canonicalize(source), self.to.canonicalize(&parent));
        let real_source = real_source.unwrap_or_else(|_| source.clone());
        let real_target = real_parent.unwrap_or(parent).join(target.name().unwrap_or(b"x"));
        if real_target.is_within(&real_source) {
            return Err(itself(source).on(self.from.id().as_str()));
        }
        Ok(false)
    }

    /// The same for two file systems, which may both be this machine: there is no asking whether they are.
    async fn may_overlap(&self, source: &RemotePath, target: &RemotePath) -> Result<bool> {
        // The same path on two machines is what a copy is for.
        if target == source || !target.is_within(source) {
            return Ok(false);
        }
        let (here, there) = tokio::join!(standing(&*self.from, target), standing(&*self.to, target));
        match (here?, there?) {
            (None, None) => Ok(true),
            (Some(here), Some(there))
                if here.kind == there.kind && is_unchanged(&Listed::from(&here), &there) =>
            {
                Err(itself(source).on(self.from.id().as_str()))
            }
            _ => Ok(false),
        }
    }
}

/// What stands at a path, if anything.
async fn standing(fs: &dyn FileSystem, path: &RemotePath) -> Result<Option<Entry>> {
    match fs.lstat(path).await {
        Ok(entry) => Ok(Some(entry)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn itself(source: &RemotePath) -> Error {
    Error::new(ErrorKind::Usage, Operation::Plan)
        .at(source)
        .with_detail("a directory cannot be copied into itself")
}
