//! Carries out what is planned, many files at a time, while more is still being planned. Knows no
//! protocol and no screen; reports to a [`Reporter`](super::context::Reporter).

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::StreamExt;
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
};

use super::{
    context::{Transfer, cancelled},
    copy,
    counters::add,
    descend::Ending,
    feed::{Batch, Batches},
    gate::SMALL_FILE,
    link,
    part::Part,
    remove,
    step::{CopyFile, CopyLink, CreateDir, HardLink, Later, Step},
    walk::Watcher,
};
use crate::fs::{Attributes, Error, ErrorKind, Kind, Operation, RemotePath, Result};

/// How long a cancelled copy may take to leave nothing behind.
const CANCEL_GRACE: Duration = Duration::from_secs(3);

/// Whether a directory is there that this run creates: `None` until that is known.
#[derive(Clone)]
struct Made(watch::Receiver<Option<bool>>);

impl Made {
    /// Waits until it is known.
    async fn appears(mut self) -> bool {
        match self.0.wait_for(Option::is_some).await {
            Ok(made) => *made == Some(true),
            // Whoever was to create it was stopped.
            Err(_) => false,
        }
    }

    /// Whether it is known not to be there.
    fn failed(&self) -> bool {
        *self.0.borrow() == Some(false)
    }
}

/// What is under way.
struct Running {
    tasks: JoinSet<Result<()>>,
    /// Directories that are being created, or have been, by this run.
    dirs: HashMap<RemotePath, Made>,
    dir_room: Arc<Semaphore>,
    links: Vec<CopyLink>,
    /// The first name of each file that has several: its source and where that is copied to.
    firsts: HashMap<(u64, u64), (RemotePath, RemotePath)>,
    /// The other names, which come once all first ones are there.
    names: Vec<HardLink>,
    ended: Result<()>,
}

impl Running {
    fn settle(&mut self, joined: std::result::Result<Result<()>, tokio::task::JoinError>) {
        let joined = joined.unwrap_or_else(|error| {
            Err(Error::new(ErrorKind::Failure, Operation::Copy).with_detail(error.to_string()))
        });
        if self.ended.is_ok() {
            self.ended = joined;
        }
    }

    /// Whether all goes well with what has ended meanwhile.
    fn goes_on(&mut self) -> bool {
        while let Some(joined) = self.tasks.try_join_next() {
            self.settle(joined);
        }
        self.ended.is_ok()
    }
}

impl Transfer {
    /// Carries out what comes, to the last of it. Failed items are reported and do not stop the
    /// rest; a lost session does. What is handed back comes once all files are there.
    pub async fn run(&self, mut batches: Batches) -> Result<Later> {
        let mut running = Running {
            tasks: JoinSet::new(),
            dirs: HashMap::new(),
            dir_room: Arc::new(Semaphore::new(self.parallel().max(1))),
            links: Vec::new(),
            firsts: HashMap::new(),
            names: Vec::new(),
            ended: Ok(()),
        };
        loop {
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => break,
                Some(joined) = running.tasks.join_next() => {
                    running.settle(joined);
                    if running.ended.is_err() {
                        break;
                    }
                }
                batch = batches.next() => {
                    let Some(batch) = batch else { break };
                    if !self.start(batch, &mut running).await {
                        break;
                    }
                }
            }
        }
        // Whoever plans need not go on where nobody goes on with it.
        drop(batches);
        while let Some(joined) = running.tasks.join_next().await {
            running.settle(joined);
        }
        match running.ended {
            _ if self.cancel.is_cancelled() => Err(cancelled()),
            Err(error) => Err(error),
            Ok(()) => {
                let names = std::mem::take(&mut running.names);
                self.each(names, |this, name| async move { this.link_file(&name).await }).await?;
                let not_made = |(path, made): (RemotePath, Made)| made.failed().then_some(path);
                let missing = running.dirs.into_iter().filter_map(not_made).collect();
                Ok(Later { links: running.links, missing })
            }
        }
    }

    /// Starts everything of a batch; false where that was cut short.
    async fn start(&self, batch: Batch, running: &mut Running) -> bool {
        let within = batch.into.as_ref().and_then(|into| running.dirs.get(into)).cloned();
        let dirs = batch.steps.iter().filter_map(|step| match step {
            Step::CreateDir(dir) => Some(&dir.path),
            _ => None,
        });
        self.journal.dirs(dirs);
        for step in &batch.steps {
            let goes_on = match step {
                Step::CreateDir(dir) => self.start_dir(dir.clone(), within.clone(), running).await,
                Step::Link(link) => {
                    running.links.push(link.clone());
                    true
                }
                // Directories first: what is in them can then follow soon.
                _ => true,
            };
            if !goes_on {
                return false;
            }
        }
        for step in batch.steps {
            let Step::Copy(file) = step else { continue };
            if let Some(file) = self.first_name(file, running)
                && !self.start_file(file, within.clone(), running).await
            {
                return false;
            }
        }
        true
    }

    /// The file, unless it is another name of one that is copied already: that is noted.
    fn first_name(&self, file: CopyFile, running: &mut Running) -> Option<CopyFile> {
        let Some(identity) = file.identity.filter(|_| self.to.capabilities().hard_links) else {
            return Some(file);
        };
        if let Some((first_source, first)) = running.firsts.get(&identity).cloned() {
            running.names.push(HardLink { file, first, first_source });
            return None;
        }
        running.firsts.insert(identity, (file.source.clone(), file.target.clone()));
        Some(file)
    }

    async fn start_dir(&self, dir: CreateDir, within: Option<Made>, running: &mut Running) -> bool {
        let room = running.dir_room.clone().acquire_owned();
        let Some(Ok(room)) = self.cancel.run_until_cancelled(room).await else { return false };
        let (made, is_made) = watch::channel(None);
        running.dirs.insert(dir.path.clone(), Made(is_made));
        let this = self.clone();
        running.tasks.spawn(async move {
            let _room = room;
            let work = this.create_dir(&dir, within);
            let created = this.cancel.run_until_cancelled(work).await.unwrap_or_else(|| Err(cancelled()));
            made.send_replace(Some(created.is_ok()));
            match created {
                Err(error) if error.kind().ends_session() || error.kind() == ErrorKind::Cancelled => {
                    return Err(error);
                }
                Err(error) => this.failed(error),
                Ok(()) => add(&this.counters.dirs, 1),
            }
            Ok(())
        });
        running.goes_on()
    }

    async fn start_file(&self, file: CopyFile, within: Option<Made>, running: &mut Running) -> bool {
        let leave = async {
            self.throttle.pass(0).await;
            self.room.take(file.size.unwrap_or_default()).await
        };
        let Some(leave) = self.cancel.run_until_cancelled(leave).await else { return false };
        if !running.goes_on() {
            return false;
        }
        let this = self.clone();
        running.tasks.spawn(async move {
            let _leave = leave;
            if let Some(within) = within {
                let there = this.cancel.run_until_cancelled(within.appears()).await;
                if !there.ok_or_else(cancelled)? {
                    let error = nowhere(&file.target, &this);
                    this.journal.failed(this.from.id(), &file.source, &error);
                    this.failed(error);
                    return Ok(());
                }
            }
            this.copy_file(&file).await
        });
        true
    }

    async fn create_dir(&self, dir: &CreateDir, within: Option<Made>) -> Result<()> {
        if let Some(within) = within
            && !within.appears().await
        {
            return Err(nowhere(&dir.path, self));
        }
        match self.to.create_dir(&dir.path, dir.mode).await {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                // Somebody else was faster; a link would lead elsewhere.
                match self.to.lstat(&dir.path).await?.kind {
                    Kind::Dir if dir.twin && !self.is_listed(&dir.path).await? => {
                        let error = Error::new(ErrorKind::Conflict, Operation::CreateDir).at(&dir.path);
                        Err(error.on(self.to.id().as_str()).with_detail(
                            "the target takes it for another folder of the source, of a name in other case",
                        ))
                    }
                    Kind::Dir => Ok(()),
                    _ => Err(error),
                }
            }
            created => created,
        }
    }

    /// Whether the target has something of just that name, and not of one that it takes for the same.
    async fn is_listed(&self, path: &RemotePath) -> Result<bool> {
        let parent = path.parent().unwrap_or_else(RemotePath::root);
        let mut batches = self.to.list(&parent).await?;
        while let Some(batch) = batches.next().await {
            match batch {
                Ok(entries) if entries.iter().any(|entry| Some(&*entry.name) == path.name()) => {
                    return Ok(true);
                }
                Err(error) if error.kind().ends_session() => return Err(error),
                _ => {}
            }
        }
        Ok(false)
    }

    /// What comes after all files: links, so that nothing is ever written through one of them;
    /// then what is to be removed, and what directories are to get in the end.
    /// `refused` items were not even tried.
    pub async fn conclude(&self, later: Later, mut ending: Ending, refused: u64) -> Result<()> {
        ending.finishing.retain(|(path, _)| !later.missing.contains(path));
        self.each(later.links, |this, link| async move {
            link::symlink(&*this.from, &*this.to, &link, &this.journal, &this.apart).await?;
            add(&this.counters.links, 1);
            Ok(())
        })
        .await?;
        self.keep_unless_whole(&mut ending, refused);
        self.remove(ending.removals).await?;
        self.finish_dirs(ending.finishing).await
    }

    /// What failed or was refused may be what the removed was renamed to: then nothing is removed,
    /// and that is said. A plan that is only shown keeps to the same.
    pub fn keep_unless_whole(&self, ending: &mut Ending, refused: u64) {
        if ending.removals.is_empty() || self.counters.failures() + refused == 0 {
            return;
        }
        ending.removals.clear();
        self.reporter.warning(
            Error::new(ErrorKind::Conflict, Operation::RemoveFile)
                .on(self.to.id().as_str())
                .with_detail("not all of it was copied, so nothing is deleted"),
        );
    }

    /// Removes what only the target has.
    async fn remove(&self, removals: Vec<(RemotePath, Kind)>) -> Result<()> {
        // What is removed does not count as copied.
        let there =
            Transfer { from: self.to.clone(), counters: Arc::new(self.counters.beside()), ..self.clone() };
        let removed = remove::exactly(&there, remove::Removal::of(removals)).await;
        let done = there.counters.done();
        add(&self.counters.removed, done.files + done.dirs + done.links);
        add(&self.counters.failed, there.counters.failures());
        removed
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

    /// Gives a file that was copied another name, or copies it again where that cannot be; only
    /// what ends the session is an `Err`.
    async fn link_file(&self, link: &HardLink) -> Result<()> {
        if self.journal.is_done(self.from.id(), &link.first_source) {
            self.counters.start(&link.file.source);
            match link::hard_link(&*self.from, &*self.to, link, &self.journal, &self.apart).await {
                Ok(()) => {
                    self.counters.made();
                    add(&self.counters.bytes, link.file.size.unwrap_or_default());
                    return Ok(());
                }
                Err(error) if error.kind().ends_session() => return Err(error),
                Err(error) => {
                    let error = error.about(&link.file.target).during(Operation::HardLink);
                    self.reporter.warning(error.with_detail("it was copied again instead"));
                }
            }
        }
        self.copy_file(&link.file).await
    }

    /// Copies one file; only what ends the session is an `Err`.
    async fn copy_file(&self, file: &CopyFile) -> Result<()> {
        self.counters.start(&file.source);
        let mut part = Part::of(self.to.id(), file, &self.begun);
        let own = AtomicU64::new(0);
        let flow = copy::Flow {
            moved: &self.counters.bytes,
            own: &own,
            carried: &self.counters.carried,
            checking: &self.counters.checking,
            throttle: &self.throttle,
            journal: &self.journal,
            apart: &self.apart,
        };
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
                    self.reporter.warning(warning);
                }
                if let Some(changed) = copied.changed {
                    add(&self.counters.changed, 1);
                    self.reporter.warning(changed);
                }
                if let Some(by) = copied.verified {
                    self.counters.verify(by);
                }
                self.counters.made();
                Ok(())
            }
            Err(error) if error.kind().ends_session() => Err(error),
            Err(error) => {
                self.journal.failed(self.from.id(), &file.source, &error);
                self.failed(error.on(self.to.id().as_str()));
                Ok(())
            }
        }
    }
}

/// For what would go into a directory that could not be created.
fn nowhere(target: &RemotePath, transfer: &Transfer) -> Error {
    Error::new(ErrorKind::NotFound, Operation::Write)
        .at(target)
        .on(transfer.to.id().as_str())
        .with_detail("the directory that it belongs in could not be created")
}
