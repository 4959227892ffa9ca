//! Prepares and runs a request: lists, plans, then carries out the steps, many files at a time.
//! Knows no protocol and no screen; reports to a [`Reporter`].

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::{FutureExt, StreamExt, TryStreamExt, future, stream};
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    Landing, OnConflict, Policy, Totals, Verified, compare, copy,
    journal::{Begun, Journal},
    limit::Throttle,
    link,
    part::Part,
    plan::{self, CopyFile, CreateDir, Plan, Source, Step},
    remove,
    walk::{self, Watcher},
};
use crate::fs::{Attributes, Entry, Error, ErrorKind, FileSystem, Kind, Operation, RemotePath, Result};

/// A file of this size or less weighs one; larger ones count for more, so that a few big files
/// do not fill the memory that many small ones may use.
const SMALL_FILE: u64 = 256 << 10;

/// How long a cancelled copy may take to leave nothing behind.
const CANCEL_GRACE: Duration = Duration::from_secs(3);

/// Hears what happens; must not block.
pub trait Reporter: Send + Sync {
    fn item_failed(&self, error: Error);
    fn warning(&self, error: Error);
}

/// What is done so far, for whoever looks from outside.
#[derive(Default)]
pub struct Counters {
    pub files: AtomicU64,
    pub dirs: AtomicU64,
    pub links: AtomicU64,
    /// Bytes that targets have taken, also of files that fail later.
    pub bytes: AtomicU64,
    pub failed: AtomicU64,
    /// What was removed because the source does not have it.
    pub removed: AtomicU64,
    /// Files that were not what the listing said when they were read.
    pub changed: AtomicU64,
    /// Files whose checksums were compared, by how. Kept when a run starts anew.
    verified: Mutex<BTreeMap<Verified, u64>>,
    pub found: Found,
    current: Mutex<String>,
}

/// What the walk has seen.
#[derive(Default)]
pub struct Found {
    pub files: AtomicU64,
    pub dirs: AtomicU64,
    pub links: AtomicU64,
    pub bytes: AtomicU64,
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

pub(super) fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

impl Counters {
    pub fn done(&self) -> Totals {
        Totals {
            files: get(&self.files),
            dirs: get(&self.dirs),
            links: get(&self.links),
            bytes: get(&self.bytes),
        }
    }

    pub fn seen(&self) -> Totals {
        let found = &self.found;
        Totals {
            files: get(&found.files),
            dirs: get(&found.dirs),
            links: get(&found.links),
            bytes: get(&found.bytes),
        }
    }

    /// Sets everything back, for another run of the same job.
    pub fn restart(&self) {
        let found = &self.found;
        for counter in [
            &self.files,
            &self.dirs,
            &self.links,
            &self.bytes,
            &self.failed,
            &self.removed,
            &self.changed,
            &found.files,
            &found.dirs,
            &found.links,
            &found.bytes,
        ] {
            counter.store(0, Ordering::Relaxed);
        }
    }

    /// Counts what an earlier run has done.
    pub fn count(&self, done: Totals) {
        add(&self.files, done.files);
        add(&self.dirs, done.dirs);
        add(&self.links, done.links);
        add(&self.bytes, done.bytes);
    }

    pub fn failures(&self) -> u64 {
        get(&self.failed)
    }

    /// How many files were verified, by the means.
    pub fn verified(&self) -> Vec<(Verified, u64)> {
        let verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        verified.iter().map(|(by, files)| (by.clone(), *files)).collect()
    }

    fn verify(&self, by: Verified) {
        *self.verified.lock().unwrap_or_else(PoisonError::into_inner).entry(by).or_default() += 1;
    }

    /// The name of the file that was started last.
    pub fn current(&self) -> String {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn start(&self, path: &RemotePath) {
        let name = String::from_utf8_lossy(path.name().unwrap_or_default()).into_owned();
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = name;
    }
}

/// One transfer between two file systems.
#[derive(Clone)]
pub struct Transfer {
    pub from: Arc<dyn FileSystem>,
    pub to: Arc<dyn FileSystem>,
    pub counters: Arc<Counters>,
    pub reporter: Arc<dyn Reporter>,
    pub cancel: CancellationToken,
    pub throttle: Throttle,
    pub journal: Journal,
    /// What earlier runs of the same job have begun.
    pub begun: Arc<Begun>,
    /// A cancelled copy leaves what there is of it, for a later run.
    pub keep: Arc<AtomicBool>,
}

/// Listed and placed, ready to be planned under any policy.
pub struct Prepared {
    sources: Vec<Source>,
    existing: HashMap<RemotePath, Entry>,
    /// By target path: whether the content was found to be the same.
    compared: HashMap<RemotePath, bool>,
    /// Something could not be listed.
    incomplete: bool,
    /// The sources go into the target.
    pub into: bool,
}

impl Prepared {
    /// Everything that was found with the target path where it lands, written as the target
    /// writes it.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&RemotePath, &Entry, RemotePath)> {
        let mut names = plan::Names::new(self.existing.keys(), true);
        self.sources.iter().flat_map(plan::landings).map(move |(path, entry, target)| {
            let target = names.standing(target);
            (path, entry, target)
        })
    }

    pub(super) fn existing(&self, target: &RemotePath) -> Option<&Entry> {
        self.existing.get(target)
    }

    /// Notes where links lead, by their paths on either side.
    pub(super) fn set_links(
        &mut self,
        mut here: HashMap<RemotePath, Vec<u8>>,
        there: HashMap<RemotePath, Vec<u8>>,
    ) {
        for source in &mut self.sources {
            let below = source.below.iter_mut().map(|found| (&found.path, &mut found.entry));
            for (path, entry) in std::iter::once((&source.path, &mut source.entry)).chain(below) {
                if let Some(target) = here.remove(path) {
                    entry.target = Some(target.into());
                }
            }
        }
        for (path, target) in there {
            if let Some(entry) = self.existing.get_mut(&path) {
                entry.target = Some(target.into());
            }
        }
    }

    /// Everything that was found at the sources, as it was listed.
    pub fn found(&self) -> impl Iterator<Item = (&RemotePath, &Entry)> {
        self.sources.iter().flat_map(|source| {
            let below = source.below.iter().map(|found| (&found.path, &found.entry));
            std::iter::once((&source.path, &source.entry)).chain(below)
        })
    }
}

impl Watcher for Transfer {
    fn found(&self, entry: &Entry) {
        let found = &self.counters.found;
        match entry.kind {
            Kind::Dir => add(&found.dirs, 1),
            Kind::File => add(&found.files, 1),
            Kind::Symlink | Kind::Other => add(&found.links, 1),
        }
        if entry.kind == Kind::File {
            add(&found.bytes, entry.attributes.size.unwrap_or_default());
        }
    }

    fn failed(&self, error: Error) {
        add(&self.counters.failed, 1);
        self.reporter.item_failed(error);
    }
}

impl Transfer {
    /// Finds out what the sources are and where each lands, and lists both sides.
    pub async fn prepare(
        &self,
        sources: &[RemotePath],
        target: &RemotePath,
        landing: Landing,
        policy: &Policy,
    ) -> Result<Prepared> {
        let stats: Vec<_> = sources.iter().map(|path| self.from.lstat(path)).collect();
        let (found, directory) = tokio::join!(future::join_all(stats), self.to.stat(target));
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
        let mut walks = Vec::new();
        let mut looks = Vec::new();
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
            if let Err(error) = self.check_overlap(path, &landed, entry.kind).await {
                self.failed(error);
                continue;
            }
            self.found(&entry);
            looks.push(self.look(landed.clone()).boxed());
            walks.push(self.walk(path.clone(), entry, landed, policy.recursive).boxed());
        }
        let looks = stream::iter(looks).buffered(1024).try_collect::<Vec<_>>();
        let (sources, tops) = tokio::try_join!(future::try_join_all(walks), looks)?;
        let across_forms = policy.on_conflict == OnConflict::Different;
        let mut wanted = plan::target_dirs(&sources);
        if across_forms {
            wanted = wanted.iter().map(plan::form).collect();
        }
        let is_wanted = |path: &RemotePath| match across_forms {
            true => wanted.contains(&plan::form(path)),
            false => wanted.contains(path),
        };
        let existing = walk::existing(&self.to, &tops, &is_wanted, policy.delete, self).await?;
        let incomplete = self.counters.failures() > 0;
        let mut prepared = Prepared { sources, existing, compared: HashMap::new(), incomplete, into };
        if across_forms {
            compare::links(self, &mut prepared).await?;
        }
        if policy.compare_content {
            prepared.compared = compare::contents(self, &prepared).await?;
        }
        Ok(prepared)
    }

    async fn walk(
        &self,
        path: RemotePath,
        entry: Entry,
        target: RemotePath,
        recursive: bool,
    ) -> Result<Source> {
        let below = if entry.kind == Kind::Dir && recursive {
            walk::tree(&self.from, &path, self).await?
        } else {
            Vec::new()
        };
        Ok(Source { path, entry, target, below })
    }

    /// What stands at a target path, if anything.
    async fn look(&self, path: RemotePath) -> Result<(RemotePath, Option<Entry>)> {
        match self.to.lstat(&path).await {
            Ok(entry) => Ok((path, Some(entry))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok((path, None)),
            Err(error) => Err(error),
        }
    }

    /// A directory must not be copied into itself, whatever links lead there.
    async fn check_overlap(&self, source: &RemotePath, target: &RemotePath, kind: Kind) -> Result<()> {
        if self.from.id() != self.to.id() || kind != Kind::Dir {
            return Ok(());
        }
        let parent = target.parent().unwrap_or_else(RemotePath::root);
        let (real_source, real_parent) =
            tokio::join!(self.from.canonicalize(source), self.to.canonicalize(&parent));
        let real_source = real_source.unwrap_or_else(|_| source.clone());
        let real_target = real_parent.unwrap_or(parent).join(target.name().unwrap_or(b"x"));
        if real_target.is_within(&real_source) {
            return Err(Error::new(ErrorKind::Usage, Operation::Plan)
                .at(source)
                .on(self.from.id().as_str())
                .with_detail("a directory cannot be copied into itself"));
        }
        Ok(())
    }

    /// The plan under `policy`.
    pub fn plan(&self, prepared: &Prepared, policy: &Policy) -> Plan {
        let (from, to) = (self.from.capabilities(), self.to.capabilities());
        plan::plan(&plan::Input {
            source_fs: self.from.id(),
            target_fs: self.to.id(),
            sources: &prepared.sources,
            existing: &prepared.existing,
            policy,
            time_precision: from.time_precision.max(to.time_precision),
            times_kept: to.times,
            compared: &prepared.compared,
            incomplete: prepared.incomplete,
            begun: &self.begun,
        })
    }

    /// Carries out the steps. Failed items are reported and do not stop the rest; a lost
    /// session does.
    pub async fn run(&self, plan: Plan) -> Result<()> {
        let mut dirs = Vec::new();
        let mut files = Vec::new();
        let mut links = Vec::new();
        let mut finishing = Vec::new();
        let mut removals = Vec::new();
        for step in plan.steps {
            match step {
                Step::CreateDir(dir) => dirs.push(dir),
                Step::Copy(file) => files.push(file),
                Step::Link(link) => links.push(link),
                Step::SetAttributes { path, attributes } => finishing.push((path, attributes)),
                Step::Remove { path, kind } => removals.push((path, kind)),
            }
        }
        self.journal.dirs(dirs.iter().map(|dir| &dir.path));
        self.create_dirs(dirs).await?;
        self.copy_files(files).await?;
        // Links come after all files, so that nothing is ever written through one of them.
        self.each(links, |this, link| async move {
            link::symlink(&*this.from, &*this.to, &link, &this.journal).await?;
            add(&this.counters.links, 1);
            Ok(())
        })
        .await?;
        self.remove(removals).await?;
        self.finish_dirs(finishing).await
    }

    /// Removes what only the target has, if all else went well: what failed may be what the
    /// removed was renamed to.
    async fn remove(&self, removals: Vec<(RemotePath, Kind)>) -> Result<()> {
        if !removals.is_empty() && self.counters.failures() > 0 {
            self.reporter.warning(
                Error::new(ErrorKind::Conflict, Operation::RemoveFile)
                    .on(self.to.id().as_str())
                    .with_detail("not all of it was copied, so nothing is deleted"),
            );
            return Ok(());
        }
        // What is removed does not count as copied.
        let there = Transfer { from: self.to.clone(), counters: Arc::default(), ..self.clone() };
        let removed = remove::exactly(&there, remove::Removal::of(removals)).await;
        let done = there.counters.done();
        add(&self.counters.removed, done.files + done.dirs + done.links);
        add(&self.counters.failed, there.counters.failures());
        removed
    }

    /// Creates directories level by level, each level at once.
    async fn create_dirs(&self, dirs: Vec<CreateDir>) -> Result<()> {
        let mut levels: BTreeMap<usize, Vec<CreateDir>> = BTreeMap::new();
        for dir in dirs {
            levels.entry(dir.path.components().count()).or_default().push(dir);
        }
        for level in levels.into_values() {
            self.each(level, |this, dir| async move {
                match this.to.create_dir(&dir.path, dir.mode).await {
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                        // Somebody else was faster; a link would lead elsewhere.
                        if this.to.lstat(&dir.path).await?.kind != Kind::Dir {
                            return Err(error);
                        }
                    }
                    other => other?,
                }
                add(&this.counters.dirs, 1);
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    async fn finish_dirs(&self, finishing: Vec<(RemotePath, Attributes)>) -> Result<()> {
        let mut levels: BTreeMap<usize, Vec<(RemotePath, Attributes)>> = BTreeMap::new();
        for (path, attributes) in finishing {
            levels.entry(path.components().count()).or_default().push((path, attributes));
        }
        for level in levels.into_values().rev() {
            self.each(level, |this, (path, attributes)| async move {
                match this.to.set_attributes(&path, &attributes).await {
                    Err(error) if !error.kind().ends_session() => this.reporter.warning(error),
                    other => other?,
                }
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    /// Runs `work` on every item, many at a time. Failures are reported; what ends a session, or
    /// a cancellation, ends the whole.
    pub(super) async fn each<T, F>(&self, items: Vec<T>, work: impl Fn(Transfer, T) -> F + Send) -> Result<()>
    where
        T: Send,
        F: Future<Output = Result<()>> + Send,
    {
        let limit = self.parallel();
        let mut running =
            stream::iter(items).map(|item| work(self.clone(), item).boxed()).buffer_unordered(limit.max(1));
        loop {
            match self.cancel.run_until_cancelled(running.next()).await.ok_or_else(cancelled)? {
                None => return Ok(()),
                Some(Ok(())) => {}
                Some(Err(error)) if error.kind().ends_session() => return Err(error),
                Some(Err(error)) => self.failed(error),
            }
        }
    }

    pub(super) fn parallel(&self) -> usize {
        let (from, to) = (self.from.capabilities(), self.to.capabilities());
        match (from.remote, to.remote) {
            (true, false) => from.parallel_files,
            (false, true) => to.parallel_files,
            // Each file takes both sides' share of one server.
            (true, true) if self.from.id() == self.to.id() => (from.parallel_files / 2).max(1),
            _ => from.parallel_files.min(to.parallel_files),
        }
    }

    async fn copy_files(&self, files: Vec<CopyFile>) -> Result<()> {
        let capacity = self.parallel().max(1);
        let room = Arc::new(Semaphore::new(capacity));
        let mut tasks: JoinSet<Result<()>> = JoinSet::new();
        let mut ended = Ok(());
        for file in files {
            let weight = (file.size.unwrap_or_default() / SMALL_FILE + 1).min((capacity as u64).div_ceil(4));
            let acquire = room.clone().acquire_many_owned(weight as u32);
            let start = async {
                self.throttle.pass(0).await;
                acquire.await
            };
            let Some(permit) = self.cancel.run_until_cancelled(start).await else { break };
            while let Some(joined) = tasks.try_join_next() {
                ended = ended.and(settle(joined));
            }
            if ended.is_err() {
                break;
            }
            let this = self.clone();
            tasks.spawn(async move {
                let _permit = permit;
                this.copy_file(&file).await
            });
        }
        while let Some(joined) = tasks.join_next().await {
            ended = ended.and(settle(joined));
        }
        if self.cancel.is_cancelled() { Err(cancelled()) } else { ended }
    }

    /// Copies one file; only what ends the session is an `Err`.
    async fn copy_file(&self, file: &CopyFile) -> Result<()> {
        self.counters.start(&file.source);
        let mut part = Part::of(self.to.id(), file, &self.begun);
        let flow =
            copy::Flow { moved: &self.counters.bytes, throttle: &self.throttle, journal: &self.journal };
        let mut copying = Box::pin(copy::file(&*self.from, &*self.to, file, &mut part, flow));
        let copied = tokio::select! {
            biased;
            () = self.cancel.cancelled() => {
                // A small file is about to be whole, and one that is just being created must not
                // appear after it has been cleared away.
                let small = file.size.is_some_and(|size| size <= SMALL_FILE);
                let ended = small && tokio::time::timeout(CANCEL_GRACE, &mut copying).await.is_ok();
                drop(copying);
                if !ended && !self.keep.load(Ordering::Relaxed) {
                    let _ = tokio::time::timeout(CANCEL_GRACE, self.to.remove_file(part.path())).await;
                }
                return Err(cancelled());
            }
            copied = &mut copying => copied,
        };
        match copied {
            Ok(copied) => {
                for warning in copied.warnings {
                    if warning.kind() == ErrorKind::Mismatch {
                        add(&self.counters.changed, 1);
                    }
                    self.reporter.warning(warning);
                }
                if let Some(by) = copied.verified {
                    self.counters.verify(by);
                }
                add(&self.counters.files, 1);
                Ok(())
            }
            Err(error) if error.kind().ends_session() => Err(error),
            Err(error) => {
                self.journal.failed(self.from.id(), &file.source);
                self.failed(error.on(self.to.id().as_str()));
                Ok(())
            }
        }
    }
}

fn settle(joined: std::result::Result<Result<()>, tokio::task::JoinError>) -> Result<()> {
    joined.unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Failure, Operation::Copy).with_detail(error.to_string()))
    })
}

pub(super) fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, Operation::Copy)
}
