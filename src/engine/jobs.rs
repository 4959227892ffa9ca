//! The jobs: each command becomes a task that can be cancelled and ends with exactly one of
//! Done, Failed, Cancelled. Owns the progress board. Knows no protocol.

use std::{
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, Weak, atomic::Ordering},
    time::{Duration, Instant},
};

use futures::{FutureExt, StreamExt, future::BoxFuture};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{Answer, Ask, Command, JobId, ProgressBoard, Shared, What, lock, meter::Meter};
use crate::{
    fs::{
        Attributes, Error, ErrorKind, FileSystem, FsId, Kind, Location, Operation, Place, ReadOptions,
        RemotePath, Result,
    },
    transfer::{
        Conflict, Landing, OnConflict, Outcome, Phase, Request, Totals, remove,
        run::{Counters, Reporter, Transfer},
    },
};

/// How often progress is published while something runs.
const PROGRESS_PERIOD: Duration = Duration::from_millis(100);

/// Conflicts that are shown with a question; the rest is counted.
const SHOWN_CONFLICTS: usize = 200;

/// Everything that runs.
#[derive(Default)]
pub(crate) struct Jobs {
    running: Mutex<BTreeMap<JobId, Running>>,
    changed: Notify,
}

struct Running {
    cancel: CancellationToken,
    /// Only transfers have progress to show.
    meter: Option<Meter>,
}

impl Jobs {
    fn start(&self, job: JobId) -> CancellationToken {
        let cancel = CancellationToken::new();
        lock(&self.running).insert(job, Running { cancel: cancel.clone(), meter: None });
        cancel
    }

    fn end(&self, job: JobId) {
        lock(&self.running).remove(&job);
        self.changed.notify_waiters();
        self.changed.notify_one();
    }

    pub(crate) fn cancel(&self, job: JobId) {
        if let Some(running) = lock(&self.running).get(&job) {
            running.cancel.cancel();
        }
    }

    pub(crate) fn cancel_all(&self) {
        for running in lock(&self.running).values() {
            running.cancel.cancel();
        }
    }

    /// Waits until nothing runs.
    pub(crate) async fn all_ended(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if lock(&self.running).is_empty() {
                return;
            }
            changed.await;
        }
    }

    fn measure(&self, job: JobId, counters: Arc<Counters>) {
        if let Some(running) = lock(&self.running).get_mut(&job) {
            running.meter = Some(Meter::start(counters));
        }
        self.changed.notify_one();
    }

    fn update(&self, job: JobId, change: impl FnOnce(&mut Meter)) {
        if let Some(meter) = lock(&self.running).get_mut(&job).and_then(|r| r.meter.as_mut()) {
            change(meter);
        }
    }

    fn board(&self) -> ProgressBoard {
        let now = Instant::now();
        lock(&self.running)
            .iter_mut()
            .filter_map(|(job, running)| Some((*job, running.meter.as_mut()?.read(now))))
            .collect()
    }
}

/// Publishes progress while something runs; sleeps while nothing does.
pub(crate) async fn publish_progress(shared: Weak<Shared>, board: watch::Sender<ProgressBoard>) {
    loop {
        let Some(strong) = shared.upgrade() else { return };
        let latest = strong.jobs.board();
        if latest.is_empty() {
            if !board.borrow().is_empty() {
                board.send_replace(latest);
            }
            let changed = strong.jobs.changed.notified();
            let _ = tokio::time::timeout(Duration::from_secs(60), changed).await;
            continue;
        }
        board.send_replace(latest);
        drop(strong);
        tokio::time::sleep(PROGRESS_PERIOD).await;
    }
}

/// Starts the task of a command.
pub(crate) fn spawn(shared: Arc<Shared>, command: Command) {
    let (Command::Open { job, .. }
    | Command::List { job, .. }
    | Command::Stat { job, .. }
    | Command::Copy { job, .. }
    | Command::CreateDir { job, .. }
    | Command::SetMode { job, .. }
    | Command::Symlink { job, .. }
    | Command::Read { job, .. }
    | Command::Space { job, .. }
    | Command::Rename { job, .. }
    | Command::Remove { job, .. }
    | Command::Cancel { job }) = command
    else {
        return;
    };
    let cancel = shared.jobs.start(job);
    tokio::spawn(async move {
        let work = Job { shared: shared.clone(), job, cancel };
        // A defect must end its job with a word, not leave somebody waiting for ever.
        let outcome = AssertUnwindSafe(work.run(command)).catch_unwind().await.unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::Failure, Operation::Plan).with_detail("wharf has a defect here"))
        });
        shared.jobs.end(job);
        let what = match outcome {
            Ok(outcome) => What::Done(outcome),
            Err(error) if error.kind() == ErrorKind::Cancelled => What::Cancelled,
            Err(error) => What::Failed(error),
        };
        // What the job said to servers comes before its end: whoever waits for that may leave then.
        shared.flush_log().await;
        shared.emit(job, what).await;
    });
}

struct Job {
    shared: Arc<Shared>,
    job: JobId,
    cancel: CancellationToken,
}

/// Passes failures on in order, without making the work wait.
struct Failures(mpsc::UnboundedSender<What>);

impl Reporter for Failures {
    fn item_failed(&self, error: Error) {
        let _ = self.0.send(What::ItemFailed(error));
    }

    fn warning(&self, error: Error) {
        let _ = self.0.send(What::Warning(error));
    }
}

impl Job {
    async fn run(&self, command: Command) -> Result<Outcome> {
        match command {
            // These leave nothing half done: dropping them is enough.
            Command::Open { place, .. } => self.cancellable(self.open(&place).boxed()).await,
            Command::List { location, .. } => self.cancellable(self.list(&location).boxed()).await,
            Command::Stat { location, .. } => self.cancellable(self.stat(&location).boxed()).await,
            Command::CreateDir { location, parents, .. } => {
                self.cancellable(self.create_dir(&location, parents).boxed()).await
            }
            Command::SetMode { location, mode, .. } => {
                self.cancellable(self.set_mode(&location, mode).boxed()).await
            }
            Command::Symlink { location, target, .. } => {
                self.cancellable(self.symlink(&location, &target).boxed()).await
            }
            Command::Read { location, .. } => self.cancellable(self.read(&location).boxed()).await,
            Command::Space { location, .. } => self.cancellable(self.space(&location).boxed()).await,
            Command::Rename { from, to, .. } => self.cancellable(self.rename(&from, &to).boxed()).await,
            // These clean up.
            Command::Copy { request, .. } => self.copy(request).await,
            Command::Remove { items, .. } => self.remove(&items).await,
            // The engine handles these itself: they are no jobs.
            Command::Answer { .. } | Command::Cancel { .. } | Command::Show { .. } => Ok(Outcome::default()),
        }
    }

    async fn cancellable<T>(&self, work: BoxFuture<'_, Result<T>>) -> Result<T> {
        self.cancel
            .run_until_cancelled(work)
            .await
            .unwrap_or_else(|| Err(Error::new(ErrorKind::Cancelled, Operation::Plan)))
    }

    async fn fs(&self, id: &FsId) -> Result<Arc<dyn FileSystem>> {
        self.shared.sessions.get(&self.shared, self.job, id).await
    }

    async fn open(&self, place: &Place) -> Result<Outcome> {
        let (location, info) = self.shared.sessions.open(&self.shared, self.job, place).await?;
        self.shared.emit(self.job, What::Connected { location, info }).await;
        Ok(Outcome::default())
    }

    async fn list(&self, location: &Location) -> Result<Outcome> {
        let fs = self.fs(&location.fs).await?;
        let mut outcome = Outcome::default();
        let listing = async {
            let mut batches = fs.list(&location.path).await?;
            while let Some(batch) = batches.next().await {
                match batch {
                    Ok(entries) => self.shared.emit(self.job, What::Entries(entries)).await,
                    Err(error) if error.kind() == ErrorKind::InvalidName => {
                        outcome.failed += 1;
                        self.shared.emit(self.job, What::ItemFailed(error)).await;
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        };
        let space = async {
            // A server that does not tell its space is no reason for a word.
            if let Ok(space) = fs.space(&location.path).await {
                self.shared.emit(self.job, What::Space(space)).await;
            }
        };
        let (listed, ()) = tokio::join!(listing, space);
        listed.map(|()| outcome)
    }

    async fn stat(&self, location: &Location) -> Result<Outcome> {
        let fs = self.fs(&location.fs).await?;
        let mut entry = fs.lstat(&location.path).await?;
        if entry.kind == Kind::Symlink {
            entry.target = fs.read_link(&location.path).await.ok().map(Into::into);
            entry.target_kind = fs.stat(&location.path).await.ok().map(|found| found.kind);
        }
        self.shared.emit(self.job, What::Entries(vec![entry])).await;
        Ok(Outcome::default())
    }

    async fn create_dir(&self, location: &Location, parents: bool) -> Result<Outcome> {
        let fs = self.fs(&location.fs).await?;
        let mut created = 0;
        if parents {
            // From the first directory that is missing downwards.
            let mut missing = vec![location.path.clone()];
            while let Some(parent) = missing.last().and_then(RemotePath::parent) {
                match fs.stat(&parent).await {
                    Ok(entry) if entry.kind == Kind::Dir => break,
                    Ok(_) => {
                        let error = Error::new(ErrorKind::NotADirectory, Operation::CreateDir);
                        return Err(error.at(&parent).on(location.fs.as_str()));
                    }
                    Err(error) if error.kind() == ErrorKind::NotFound => missing.push(parent),
                    Err(error) => return Err(error),
                }
            }
            for path in missing.iter().rev() {
                match fs.create_dir(path, None).await {
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                        if fs.stat(path).await?.kind != Kind::Dir {
                            return Err(error);
                        }
                    }
                    other => {
                        other?;
                        created += 1;
                    }
                }
            }
        } else {
            fs.create_dir(&location.path, None).await?;
            created = 1;
        }
        Ok(Outcome { done: Totals { dirs: created, ..Totals::default() }, ..Outcome::default() })
    }

    async fn set_mode(&self, location: &Location, mode: u32) -> Result<Outcome> {
        let attributes = Attributes { mode: Some(mode), ..Attributes::default() };
        self.fs(&location.fs).await?.set_attributes(&location.path, &attributes).await?;
        Ok(Outcome::default())
    }

    async fn symlink(&self, location: &Location, target: &[u8]) -> Result<Outcome> {
        self.fs(&location.fs).await?.symlink(&location.path, target).await?;
        Ok(Outcome { done: Totals { links: 1, ..Totals::default() }, ..Outcome::default() })
    }

    async fn read(&self, location: &Location) -> Result<Outcome> {
        let fs = self.fs(&location.fs).await?;
        let size = fs.stat(&location.path).await?.attributes.size;
        let options = ReadOptions { offset: 0, expected_size: size };
        let mut chunks = fs.read(&location.path, options).await?;
        let mut done = Totals { files: 1, ..Totals::default() };
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            done.bytes += chunk.len() as u64;
            self.shared.emit(self.job, What::Data(chunk)).await;
        }
        Ok(Outcome { done, ..Outcome::default() })
    }

    async fn space(&self, location: &Location) -> Result<Outcome> {
        let space = self.fs(&location.fs).await?.space(&location.path).await?;
        self.shared.emit(self.job, What::Space(space)).await;
        Ok(Outcome::default())
    }

    async fn rename(&self, from: &Location, to: &RemotePath) -> Result<Outcome> {
        self.fs(&from.fs).await?.rename(&from.path, to, false).await?;
        Ok(Outcome { done: Totals { files: 1, ..Totals::default() }, ..Outcome::default() })
    }

    /// A reporter, and what tells the reported on until the last clone of it is gone.
    fn reporter(&self) -> (Arc<dyn Reporter>, impl Future<Output = ()> + '_) {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let telling = async move {
            while let Some(what) = receiver.recv().await {
                self.shared.emit(self.job, what).await;
            }
        };
        (Arc::new(Failures(sender)), telling)
    }

    async fn copy(&self, request: Request) -> Result<Outcome> {
        let counters = Arc::new(Counters::default());
        self.shared.jobs.measure(self.job, counters.clone());
        let (reporter, telling) = self.reporter();
        tokio::join!(self.copy_all(request, counters, reporter), telling).0
    }

    async fn copy_all(
        &self,
        request: Request,
        counters: Arc<Counters>,
        reporter: Arc<dyn Reporter>,
    ) -> Result<Outcome> {
        let to = self.cancellable(self.fs(&request.target.fs).boxed()).await?;
        let mut policy = request.policy.clone();
        let mut planned = Totals::default();
        let mut outcome = Outcome::default();
        for (id, sources) in by_file_system(&request.sources) {
            let from = self.cancellable(self.fs(&id).boxed()).await?;
            let sources = if request.remove_source && request.landing == Landing::Into && from.id() == to.id()
            {
                self.cancellable(self.rename_into(&*to, sources, &request.target.path, &mut outcome).boxed())
                    .await?
            } else {
                sources
            };
            if sources.is_empty() {
                continue;
            }
            let transfer = Transfer {
                from,
                to: to.clone(),
                counters: counters.clone(),
                reporter: reporter.clone(),
                cancel: self.cancel.clone(),
            };
            self.shared.jobs.update(self.job, |meter| meter.phase = Phase::Planning);
            let prepared = self
                .cancellable(
                    transfer
                        .prepare(&sources, &request.target.path, request.landing, policy.recursive)
                        .boxed(),
                )
                .await?;
            let mut plan = transfer.plan(&prepared, &policy);
            if !plan.conflicts.is_empty() {
                self.shared.jobs.update(self.job, |meter| meter.phase = Phase::Asking);
                policy.on_conflict = self.cancellable(self.ask_conflicts(plan.conflicts).boxed()).await?;
                plan = transfer.plan(&prepared, &policy);
            }
            let removal = request.remove_source.then(|| remove::Removal::of_copied(&prepared));
            drop(prepared);
            for error in std::mem::take(&mut plan.refused) {
                outcome.failed += 1;
                reporter.item_failed(error);
            }
            planned = sum(planned, plan.totals);
            outcome.skipped += plan.skipped;
            self.shared.jobs.update(self.job, |meter| {
                meter.phase = Phase::Running;
                meter.total = Some(planned);
                meter.skipped = outcome.skipped;
            });
            self.shared.emit(self.job, What::Planned(planned)).await;
            transfer.run(plan).await?;
            if let Some(removal) = removal {
                let whole = outcome.failed + outcome.skipped + counters.failures() == 0
                    && counters.changed.load(Ordering::Relaxed) == 0;
                if whole {
                    // What is removed is not counted as copied a second time.
                    let removing = Transfer { counters: Arc::default(), ..transfer.clone() };
                    remove::exactly(&removing, removal).await?;
                    outcome.failed += removing.counters.failures();
                } else {
                    let stays = Error::new(ErrorKind::Conflict, Operation::RemoveFile).on(id.as_str());
                    reporter.warning(stays.with_detail("not all of it was copied, so the sources stay"));
                }
            }
        }
        outcome.failed += counters.failures();
        outcome.done = sum(outcome.done, counters.done());
        Ok(outcome)
    }

    /// Moves within one file system by renaming; what that cannot do is handed back, to be
    /// copied: what would replace something, or goes to another volume.
    async fn rename_into(
        &self,
        fs: &dyn FileSystem,
        sources: Vec<RemotePath>,
        target: &RemotePath,
        outcome: &mut Outcome,
    ) -> Result<Vec<RemotePath>> {
        let mut rest = Vec::new();
        for source in sources {
            let Some(name) = source.name() else {
                rest.push(source);
                continue;
            };
            match fs.rename(&source, &target.join(name), false).await {
                Ok(()) => outcome.done.files += 1,
                Err(error) if error.kind().ends_session() => return Err(error),
                Err(_) => rest.push(source),
            }
        }
        Ok(rest)
    }

    async fn ask_conflicts(&self, mut conflicts: Vec<Conflict>) -> Result<OnConflict> {
        let count = conflicts.len() as u64;
        conflicts.truncate(SHOWN_CONFLICTS);
        match self.shared.ask(self.job, Ask::Conflicts { shown: conflicts, count }).await {
            // To ask again would ask for ever.
            Some(Answer::Conflicts(Some(policy))) if policy != OnConflict::Ask => Ok(policy),
            _ => Err(Error::new(ErrorKind::Cancelled, Operation::Plan)),
        }
    }

    async fn remove(&self, items: &[Location]) -> Result<Outcome> {
        let (reporter, telling) = self.reporter();
        tokio::join!(self.remove_all(items, reporter), telling).0
    }

    async fn remove_all(&self, items: &[Location], reporter: Arc<dyn Reporter>) -> Result<Outcome> {
        let counters = Arc::new(Counters::default());
        for (id, paths) in by_file_system(items) {
            let fs = self.cancellable(self.fs(&id).boxed()).await?;
            let transfer = Transfer {
                from: fs.clone(),
                to: fs,
                counters: counters.clone(),
                reporter: reporter.clone(),
                cancel: self.cancel.clone(),
            };
            remove::trees(&transfer, &paths).await?;
        }
        Ok(Outcome { done: counters.done(), skipped: 0, failed: counters.failures() })
    }
}

/// Locations grouped by their file system, in the order in which each first appears.
fn by_file_system(locations: &[Location]) -> Vec<(FsId, Vec<RemotePath>)> {
    let mut groups: Vec<(FsId, Vec<RemotePath>)> = Vec::new();
    for location in locations {
        match groups.iter_mut().find(|(id, _)| *id == location.fs) {
            Some((_, paths)) => paths.push(location.path.clone()),
            None => groups.push((location.fs.clone(), vec![location.path.clone()])),
        }
    }
    groups
}

fn sum(a: Totals, b: Totals) -> Totals {
    Totals {
        files: a.files + b.files,
        dirs: a.dirs + b.dirs,
        links: a.links + b.links,
        bytes: a.bytes + b.bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_keep_their_order() {
        let at = |fs: &str, path: &str| Location::new(FsId::new(fs), RemotePath::new(path));
        let groups = by_file_system(&[at("b", "/1"), at("a", "/2"), at("b", "/3")]);
        assert_eq!(groups[0].1.len(), 2);
        assert_eq!(groups[1].0, FsId::new("a"));
    }
}
