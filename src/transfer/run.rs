//! Carries out the steps of a plan, many files at a time. Knows no protocol and no screen;
//! reports to a [`Reporter`](super::context::Reporter).

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    context::{Transfer, cancelled},
    copy,
    counters::add,
    link,
    part::Part,
    plan::Plan,
    remove,
    step::{CopyFile, CreateDir, Step},
    walk::Watcher,
};
use crate::fs::{Attributes, Error, ErrorKind, Kind, Operation, RemotePath, Result};

/// A file of this size or less weighs one; larger ones count for more, so that a few big files
/// do not fill the memory that many small ones may use.
const SMALL_FILE: u64 = 256 << 10;

/// How long a cancelled copy may take to leave nothing behind.
const CANCEL_GRACE: Duration = Duration::from_secs(3);
impl Transfer {
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
