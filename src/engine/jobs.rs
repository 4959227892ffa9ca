//! The jobs: each command becomes a task that can be cancelled and ends with exactly one of
//! Done, Failed, Cancelled. Owns the progress board; what the jobs do is below. Knows no protocol.

mod compare;
mod copy;
mod edit;
mod look;
mod manage;
mod queue;
mod read;
mod recorded;
mod rename;
mod scan;

use std::{
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures::{FutureExt, future::BoxFuture};
pub use scan::Standing;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use queue::Queue;

use super::{Command, JobId, ProgressBoard, Shared, What, lock, meter::Meter};
use crate::{
    fs::{Error, ErrorKind, FileSystem, FsId, Location, Operation, RemotePath, Result},
    transfer::{
        Outcome,
        context::{Reporter, Transfer},
        counters::Counters,
        gate::Room,
        journal::Journal,
        limit::Throttle,
    },
};

/// How often progress is published while something runs.
const PROGRESS_PERIOD: Duration = Duration::from_millis(100);

/// Everything that runs.
#[derive(Default)]
pub(crate) struct Jobs {
    running: Mutex<BTreeMap<JobId, Running>>,
    /// Whose turn it is, of the transfers.
    queue: Queue,
    changed: Notify,
}

struct Running {
    cancel: CancellationToken,
    /// What a cancelled transfer has done is kept, to go on with.
    keep: Arc<AtomicBool>,
    /// Only transfers have progress to show.
    meter: Option<Meter>,
}

impl Running {
    fn interrupt(&self) {
        self.keep.store(true, Ordering::Relaxed);
        self.cancel.cancel();
    }
}

impl Jobs {
    fn start(&self, job: JobId) -> (CancellationToken, Arc<AtomicBool>) {
        let (cancel, keep) = (CancellationToken::new(), Arc::new(AtomicBool::new(false)));
        let running = Running { cancel: cancel.clone(), keep: keep.clone(), meter: None };
        lock(&self.running).insert(job, running);
        (cancel, keep)
    }

    /// Stops a job so that it can go on another time.
    pub(crate) fn interrupt(&self, job: JobId) {
        if let Some(running) = lock(&self.running).get(&job) {
            running.interrupt();
        }
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

    pub(crate) fn pause(&self, job: JobId, paused: bool) {
        self.throttle(job, |throttle| throttle.pause(paused));
        self.queue.pause(job, paused);
    }

    pub(crate) fn reorder(&self, job: JobId, up: bool) {
        self.queue.reorder(job, up);
    }

    pub(crate) fn run_at_a_time(&self, transfers: usize) {
        self.queue.allow(transfers);
    }

    pub(crate) fn limit(&self, job: JobId, rate: Option<u64>) {
        self.throttle(job, |throttle| throttle.own.set(rate));
    }

    fn throttle(&self, job: JobId, change: impl FnOnce(&Throttle)) {
        if let Some(meter) = lock(&self.running).get(&job).and_then(|running| running.meter.as_ref()) {
            change(meter.throttle());
        }
    }

    pub(crate) fn interrupt_all(&self) {
        lock(&self.running).values().for_each(Running::interrupt);
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

    fn measure(&self, job: JobId, counters: Arc<Counters>, throttle: Throttle) {
        if let Some(running) = lock(&self.running).get_mut(&job) {
            running.meter = Some(Meter::start(counters, throttle));
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
        let order = self.queue.order();
        let mut board: ProgressBoard = lock(&self.running)
            .iter_mut()
            .filter_map(|(job, running)| Some((*job, running.meter.as_mut()?.read(now))))
            .collect();
        board.sort_by_key(|(job, _)| order.iter().position(|waiting| waiting == job).map_or(0, |at| at + 1));
        board
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
    | Command::Plan { job, .. }
    | Command::Compare { job, .. }
    | Command::Stored { job }
    | Command::Resume { job, .. }
    | Command::Retry { job, .. }
    | Command::Discard { job, .. }
    | Command::CreateDir { job, .. }
    | Command::CreateFile { job, .. }
    | Command::SetAttributes { job, .. }
    | Command::Symlink { job, .. }
    | Command::HardLink { job, .. }
    | Command::Canonicalize { job, .. }
    | Command::Checksum { job, .. }
    | Command::Execute { job, .. }
    | Command::Terminal { job, .. }
    | Command::Read { job, .. }
    | Command::Search { job, .. }
    | Command::Find { job, .. }
    | Command::Measure { job, .. }
    | Command::Fetch { job, .. }
    | Command::PutBack { job, .. }
    | Command::Test { job, .. }
    | Command::Hosts { job }
    | Command::Space { job, .. }
    | Command::Rename { job, .. }
    | Command::RenameAll { job, .. }
    | Command::Remove { job, .. }
    | Command::Interrupt { job }
    | Command::Cancel { job }) = command
    else {
        return;
    };
    let (cancel, keep) = shared.jobs.start(job);
    tokio::spawn(async move {
        let work = Job { shared: shared.clone(), job, cancel, keep };
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
    keep: Arc<AtomicBool>,
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
            Command::CreateFile { location, .. } => {
                self.cancellable(self.create_file(&location).boxed()).await
            }
            Command::HardLink { location, to, .. } => {
                self.cancellable(self.hard_link(&location, &to).boxed()).await
            }
            Command::Canonicalize { location, .. } => {
                self.cancellable(self.canonicalize(&location).boxed()).await
            }
            Command::Checksum { location, algorithm, .. } => {
                self.cancellable(self.checksum(&location, algorithm).boxed()).await
            }
            Command::Execute { location, command, .. } => {
                self.cancellable(self.execute(&location, &command).boxed()).await
            }
            Command::Terminal { location, size, term, .. } => {
                self.cancellable(self.terminal(&location, size, &term).boxed()).await
            }
            Command::Symlink { location, target, .. } => {
                self.cancellable(self.symlink(&location, &target).boxed()).await
            }
            Command::Read { location, offset, length, .. } => {
                self.cancellable(self.read(&location, offset, length).boxed()).await
            }
            Command::Search { location, needle, from, backward, .. } => {
                self.cancellable(self.search(&location, &needle, from, backward).boxed()).await
            }
            Command::Find { location, query, .. } => {
                self.cancellable(self.find(&location, &query).boxed()).await
            }
            Command::Measure { items, .. } => self.cancellable(self.measure(&items).boxed()).await,
            Command::Fetch { location, to_open, .. } => {
                self.cancellable(self.fetch(&location, to_open).boxed()).await
            }
            Command::Test { place, .. } => self.cancellable(self.test(&place).boxed()).await,
            Command::Hosts { .. } => self.cancellable(self.hosts().boxed()).await,
            Command::Space { location, .. } => self.cancellable(self.space(&location).boxed()).await,
            Command::Rename { from, to, .. } => self.cancellable(self.rename(&from, &to).boxed()).await,
            // These clean up.
            Command::Copy { request, .. } => self.copy(request, copy::Mode::Run).await,
            Command::Plan { request, .. } => self.copy(request, copy::Mode::Plan).await,
            Command::Compare { left, right, content, .. } => self.compare(&left, &right, content).await,
            Command::Resume { id, .. } => self.resume(&id).await,
            Command::Retry { id, items, .. } => self.retry(&id, &items).await,
            Command::Discard { id, .. } => self.discard(&id).await,
            Command::Stored { .. } => self.stored().await,
            Command::PutBack { draft, how, .. } => self.put_back(&draft, how).await,
            Command::RenameAll { folder, names, .. } => self.rename_all(&folder, &names).await,
            Command::Remove { items, .. } => self.remove(&items).await,
            Command::SetAttributes { items, change, recursive, .. } => {
                self.set_attributes(&items, &change, recursive).await
            }
            // The engine handles these itself: they are no jobs.
            Command::Answer { .. }
            | Command::Cancel { .. }
            | Command::Interrupt { .. }
            | Command::Pause { .. }
            | Command::Limit { .. }
            | Command::Reorder { .. }
            | Command::Show { .. } => Ok(Outcome::default()),
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

    /// Whether what was done until now stays where it is when the job is cancelled.
    fn keeps(&self) -> bool {
        self.keep.load(Ordering::Relaxed)
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

    /// Work on one file system alone.
    fn on(
        &self,
        fs: Arc<dyn FileSystem>,
        counters: &Arc<Counters>,
        reporter: &Arc<dyn Reporter>,
    ) -> Transfer {
        Transfer {
            from: fs.clone(),
            to: fs,
            counters: counters.clone(),
            reporter: reporter.clone(),
            cancel: self.cancel.clone(),
            throttle: Throttle::default(),
            room: Room::default(),
            journal: Journal::default(),
            begun: Arc::default(),
            apart: Arc::default(),
            keep: Arc::default(),
        }
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
