//! The narrow waist: whoever wants something done sends a [`Command`] and hears [`Event`]s.
//! Owns the sessions and the jobs. Must never draw, print or read a key.

mod command;
pub mod copies;
mod draft;
mod event;
pub mod jobs;
mod meter;
pub mod session;
mod stored;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

pub use command::{Answer, Command};
pub use draft::{Draft, Fate, PutBack};
pub use event::{Ask, Event, ProgressBoard, What};
pub use jobs::Standing;
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    fs::{Error, FileSystem, FtpOptions, LogLine, RemotePath, RemoteTerminal, SshOptions, Target},
    transfer::{gate::Gates, limit::Limiter},
    trust,
};

/// Names one piece of work. Whoever sends the command chooses the number, never twice the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub u64);

impl JobId {
    /// For events that belong to no job.
    pub const NONE: JobId = JobId(0);
}

/// Names one question that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QuestionId(pub u64);

/// Events that may wait for whoever listens; then jobs wait too.
const EVENTS: usize = 1024;

/// Log lines kept between two looks at them; beyond that the oldest are counted, not kept.
const LOG_LINES: usize = 4096;

/// How often log lines are handed on.
const LOG_PERIOD: Duration = Duration::from_millis(50);

/// What an engine needs to know from outside.
pub struct Options {
    pub ssh: SshOptions,
    pub ftp: FtpOptions,
    /// This machine's files.
    pub local: Arc<dyn FileSystem>,
    /// What relative local places are relative to.
    pub current_dir: RemotePath,
    /// What `~` stands for in local places.
    pub home: RemotePath,
    /// Nobody can be asked: every question about trust is answered with no.
    pub batch: bool,
}

/// Keeps what happens beyond the program's end. Called from the tasks that move data: it must not
/// wait for anything but a local file.
pub trait Record: Send + Sync {
    /// An operation and its answer.
    fn line(&self, line: &LogLine);
    /// A job or an item that failed.
    fn failure(&self, error: &Error);
}

/// A handle to the engine; clones share it.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
    progress: watch::Receiver<ProgressBoard>,
}

/// What all jobs share.
pub(crate) struct Shared {
    pub(crate) events: mpsc::Sender<Event>,
    pub(crate) sessions: session::Sessions,
    pub(crate) jobs: jobs::Jobs,
    pub(crate) batch: bool,
    /// Where the records of transfers are.
    pub(crate) jobs_dir: OnceLock<PathBuf>,
    /// What all transfers stay below together.
    pub(crate) limit: Arc<Limiter>,
    /// How many files all transfers together have under way on each file system.
    pub(crate) gates: Gates,
    /// Shells that were opened and wait for whoever shows them.
    pub(crate) terminals: Mutex<HashMap<JobId, RemoteTerminal>>,
    /// Copies of files that were opened here.
    pub(crate) copies: copies::Copies,
    questions: Mutex<HashMap<QuestionId, oneshot::Sender<Answer>>>,
    next_question: AtomicU64,
    record: OnceLock<Arc<dyn Record>>,
    log: Mutex<Log>,
    log_filled: tokio::sync::Notify,
    /// Held from taking lines to handing them on, so that they keep their order.
    log_order: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Log {
    lines: Vec<LogLine>,
    dropped: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    /// Starts an engine on the current runtime. The receiver must be read: jobs wait while it
    /// is full.
    pub fn start(options: Options) -> (Engine, mpsc::Receiver<Event>) {
        let (events, receiver) = mpsc::channel(EVENTS);
        let (board, progress) = watch::channel(ProgressBoard::new());
        let shared = Arc::new(Shared {
            events,
            batch: options.batch,
            jobs_dir: OnceLock::new(),
            limit: Arc::default(),
            gates: Gates::default(),
            terminals: Mutex::default(),
            copies: copies::Copies::default(),
            sessions: session::Sessions::new(options),
            jobs: jobs::Jobs::default(),
            questions: Mutex::default(),
            next_question: AtomicU64::new(1),
            record: OnceLock::new(),
            log: Mutex::default(),
            log_filled: tokio::sync::Notify::new(),
            log_order: tokio::sync::Mutex::default(),
        });
        tokio::spawn(forward_log(Arc::downgrade(&shared)));
        tokio::spawn(jobs::publish_progress(Arc::downgrade(&shared), board));
        (Engine { shared, progress }, receiver)
    }

    /// Tells the engine to do something; returns at once.
    pub fn send(&self, command: Command) {
        match command {
            Command::Answer { question, answer } => {
                // An answer that comes too late has nobody waiting for it.
                if let Some(waiting) = lock(&self.shared.questions).remove(&question) {
                    let _ = waiting.send(answer);
                }
            }
            Command::Cancel { job } => self.shared.jobs.cancel(job),
            Command::Interrupt { job } => self.shared.jobs.interrupt(job),
            Command::Show { shown } => self.shared.sessions.show(shown),
            Command::Pause { job, paused } => self.shared.jobs.pause(job, paused),
            Command::Reorder { job, up } => self.shared.jobs.reorder(job, up),
            Command::Limit { job: Some(job), rate } => self.shared.jobs.limit(job, rate),
            Command::Limit { job: None, rate } => self.shared.limit.set(rate),
            command => jobs::spawn(self.shared.clone(), command),
        }
    }

    /// Has all that happens from now on told to `record`; the first one stays.
    pub fn record(&self, record: Arc<dyn Record>) {
        let _ = self.shared.record.set(record);
    }

    /// From now on logins look for their password there before they ask the person.
    pub fn use_secrets(&self, secrets: Arc<dyn trust::SecretStore>) {
        self.shared.sessions.use_secrets(secrets);
    }

    /// From now on so many transfers between the same two places run at a time, at least one; the
    /// others wait for their turn.
    pub fn run_at_a_time(&self, transfers: usize) {
        self.shared.jobs.run_at_a_time(transfers);
    }

    /// From now on transfers are recorded in that directory, which need not exist, so that they
    /// can go on after an interruption; the first one stays.
    pub fn keep_jobs(&self, dir: PathBuf) {
        let _ = self.shared.jobs_dir.set(dir);
    }

    /// From now on that login is reached with these options of its own.
    pub fn reach(&self, target: &Target, options: SshOptions) {
        self.shared.sessions.reach(target, options);
    }

    /// The shell that a job has opened; once.
    pub fn take_terminal(&self, job: JobId) -> Option<RemoteTerminal> {
        lock(&self.shared.terminals).remove(&job)
    }

    /// Removes the copies of files that were opened here; returns those that stay because they were
    /// changed. Blocks on the disk.
    pub fn clear_copies(&self) -> Vec<PathBuf> {
        self.shared.copies.clear()
    }

    /// The latest progress of every running transfer.
    pub fn progress(&self) -> watch::Receiver<ProgressBoard> {
        self.progress.clone()
    }

    /// Interrupts all jobs, lets them clean up for a moment, and ends all sessions.
    pub async fn shut_down(&self) {
        self.shared.jobs.interrupt_all();
        let _ = tokio::time::timeout(Duration::from_secs(5), self.shared.jobs.all_ended()).await;
        let _ = tokio::time::timeout(Duration::from_secs(1), self.shared.sessions.close()).await;
    }
}

impl Shared {
    pub(crate) async fn emit(&self, job: JobId, what: What) {
        if let Some(record) = self.record.get() {
            match &what {
                What::Failed(error) | What::ItemFailed(error) | What::Warning(error) | What::Lost(error) => {
                    record.failure(error);
                }
                _ => {}
            }
        }
        // Nobody listens any more: the program is ending.
        let _ = self.events.send(Event { job, what }).await;
    }

    /// Puts a question to the person and waits for the answer. `None` where none will come.
    pub(crate) async fn ask(&self, job: JobId, ask: Ask) -> Option<Answer> {
        let question = QuestionId(self.next_question.fetch_add(1, Ordering::Relaxed));
        let (sender, receiver) = oneshot::channel();
        lock(&self.questions).insert(question, sender);
        self.emit(job, What::Ask { question, ask }).await;
        receiver.await.ok()
    }

    /// Reports something about a session behind all that its log says until now.
    pub(crate) async fn emit_in_order(&self, what: What) {
        self.flush_log().await;
        self.emit(JobId::NONE, what).await;
    }

    pub(crate) fn log(&self, line: LogLine) {
        if let Some(record) = self.record.get() {
            record.line(&line);
        }
        let mut log = lock(&self.log);
        if log.lines.len() < LOG_LINES {
            log.lines.push(line);
        } else {
            log.dropped += 1;
        }
        drop(log);
        self.log_filled.notify_one();
    }

    /// Hands on the lines that are there.
    pub(crate) async fn flush_log(&self) {
        let _order = self.log_order.lock().await;
        let log = std::mem::take(&mut *lock(&self.log));
        if !log.lines.is_empty() {
            self.emit(JobId::NONE, What::Log { lines: log.lines, dropped: log.dropped }).await;
        }
    }
}

async fn forward_log(shared: std::sync::Weak<Shared>) {
    loop {
        let Some(strong) = shared.upgrade() else { return };
        if tokio::time::timeout(Duration::from_secs(1), strong.log_filled.notified()).await.is_err() {
            continue;
        }
        strong.flush_log().await;
        drop(strong);
        tokio::time::sleep(LOG_PERIOD).await;
    }
}
