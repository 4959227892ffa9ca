//! The narrow waist: whoever wants something done sends a [`Command`] and hears [`Event`]s.
//! Owns the sessions and the jobs. Must never draw, print or read a key.

pub mod copies;
mod draft;
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

use bytes::Bytes;
pub use draft::{Draft, Fate, PutBack};
pub use jobs::Standing;
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    fs::{
        Algorithm, Checksum, Entry, Error, FileSystem, FsId, FtpOptions, Location, LogLine, Needle, Output,
        Place, RemotePath, RemoteTerminal, ServerInfo, Space, SshOptions, Stage, Target,
    },
    transfer::{
        Change, Conflict, Decisions, Outcome, Progress, Request, Totals, Verified,
        find::{Match, Query, Tally},
        gate::Gates,
        journal::Stored,
        limit::Limiter,
        rename::NewName,
        step::Step,
        sync::Pair,
    },
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

/// What the engine is told.
#[derive(Clone, Debug)]
pub enum Command {
    /// Reach a place and find its path: `Connected`, then `Done`. A place that is connected
    /// already is not connected again. `Connected` names a path that need not exist.
    Open {
        job: JobId,
        place: Place,
    },
    /// List a directory: `Entries` in batches, `Space` if known, then `Done`.
    List {
        job: JobId,
        location: Location,
    },
    /// Look at one path, symlinks not followed: `Entries` with one entry, then `Done`.
    Stat {
        job: JobId,
        location: Location,
    },
    /// Copy: perhaps `Ask`, `Planned` once all is listed, `ItemFailed` per failure, then `Done`. The
    /// copying starts before that. Progress aside.
    Copy {
        job: JobId,
        request: Request,
    },
    /// What `Copy` would do: `Steps` in batches, `ItemFailed` for what is refused, then `Done`.
    /// Conflicts that would be asked about count as refused.
    Plan {
        job: JobId,
        request: Request,
    },
    /// List two directories to their depths and tell how they differ: `Compared` in batches,
    /// `ItemFailed` for what could not be listed, then `Done`. With `content`, files of the same
    /// size are read on both sides.
    Compare {
        job: JobId,
        left: Location,
        right: Location,
        content: bool,
    },
    /// Create a directory; with `parents`, those above it as well, and one that exists is no error.
    CreateDir {
        job: JobId,
        location: Location,
        parents: bool,
    },
    /// Create an empty file where there is nothing.
    CreateFile {
        job: JobId,
        location: Location,
    },
    /// Set permissions, owners or times: `ItemFailed` per failure, then `Done`. A symlink among
    /// `items` is followed. With `recursive`, what is below directories as well; links there are
    /// not followed.
    SetAttributes {
        job: JobId,
        items: Vec<Location>,
        change: Change,
        recursive: bool,
    },
    /// Create a symlink at `location` that holds `target`.
    Symlink {
        job: JobId,
        location: Location,
        target: Vec<u8>,
    },
    /// Give the file at `location` a second name.
    HardLink {
        job: JobId,
        location: Location,
        to: RemotePath,
    },
    /// Resolve all symlinks: `Resolved`, then `Done`.
    Canonicalize {
        job: JobId,
        location: Location,
    },
    /// Compute a checksum, on the server if it does that: `Checksum`, then `Done`.
    Checksum {
        job: JobId,
        location: Location,
        algorithm: Algorithm,
    },
    /// Run a line for the shell in the directory `location`: `Output` as it comes, the way it
    /// ended as the last, then `Done`.
    Execute {
        job: JobId,
        location: Location,
        command: Vec<u8>,
    },
    /// Open a shell in a directory of a server, on a terminal of `size` columns and rows and of the
    /// kind `term`: `Done`, and then [`Engine::take_terminal`] has it.
    Terminal {
        job: JobId,
        location: Location,
        size: (u16, u16),
        term: String,
    },
    /// Read a file: `Data` in order, then `Done`. With a length, only so many bytes from `offset`
    /// on, and `Entries` with what the file is now comes along.
    Read {
        job: JobId,
        location: Location,
        offset: u64,
        length: Option<u64>,
    },
    /// Look for bytes in a file from `from` on, or backward in what is before it: `Searched` as it
    /// goes, `Found`, then `Done`.
    Search {
        job: JobId,
        location: Location,
        needle: Needle,
        from: u64,
        backward: bool,
    },
    /// Look for names below a directory: `Matches` and `Scanned` as it goes, `ItemFailed` per
    /// directory that cannot be listed, then `Done`. Symlinks are not followed.
    Find {
        job: JobId,
        location: Location,
        query: Query,
    },
    /// Sum up what directories hold: `Measured` for each, more than once, `ItemFailed` per
    /// directory that cannot be listed, then `Done`. Symlinks are not followed.
    Measure {
        job: JobId,
        items: Vec<Location>,
    },
    /// Fetch a file to be edited on this machine, or only to be opened there until the program
    /// ends: `Fetched`, then `Done`.
    Fetch {
        job: JobId,
        location: Location,
        to_open: bool,
    },
    /// Put a draft back: perhaps `ItemFailed`, `Draft` with what became of it, then `Done`.
    /// Progress aside.
    PutBack {
        job: JobId,
        draft: Box<Draft>,
        how: PutBack,
    },
    /// Log in to a place anew, list it, and leave: `Connected`, `Entries`, then `Done`. Sessions
    /// that are there are not used and stay as they are.
    Test {
        job: JobId,
        place: Place,
    },
    /// Ask ssh_config for its hosts: `Hosts`, then `Done`.
    Hosts {
        job: JobId,
    },
    /// Ask for the space where `location` is: `Space`, then `Done`.
    Space {
        job: JobId,
        location: Location,
    },
    /// Rename within one file system; never replaces anything.
    Rename {
        job: JobId,
        from: Location,
        to: RemotePath,
    },
    /// Rename items of one folder, each from a name to another, be it one that another of them
    /// has now: `ItemFailed` per failure, then `Done`. Never replaces anything.
    RenameAll {
        job: JobId,
        folder: Location,
        names: Vec<NewName>,
    },
    /// Remove, directories with all that they hold; links are removed, never followed.
    Remove {
        job: JobId,
        items: Vec<Location>,
    },
    Answer {
        question: QuestionId,
        answer: Answer,
    },
    /// These file systems are on the screen, and no others: what is lost of them is connected
    /// again without being asked.
    Show {
        shown: Vec<FsId>,
    },
    /// Hold a transfer, or let it go on. What is on its way still arrives.
    Pause {
        job: JobId,
        paused: bool,
    },
    /// Move a transfer that waits for its turn past its neighbour in the line.
    Reorder {
        job: JobId,
        up: bool,
    },
    /// Change the rate, in bytes per second, of one transfer or of all together.
    Limit {
        job: Option<JobId>,
        rate: Option<u64>,
    },
    /// What was interrupted, or has items that failed: `Stored`, then `Done`.
    Stored {
        job: JobId,
    },
    /// Go on with an interrupted transfer, and try again what has failed: as `Copy`.
    Resume {
        job: JobId,
        id: String,
    },
    /// Forget an interrupted transfer and remove the parts that it has left: `Done`.
    Discard {
        job: JobId,
        id: String,
    },
    /// Stop this job as `Cancel` does, but leave what there is of a transfer, so that it can go on.
    Interrupt {
        job: JobId,
    },
    /// Stop this job: it ends with `Cancelled` unless it had ended already. A transfer leaves no
    /// part of a file behind, and is forgotten.
    Cancel {
        job: JobId,
    },
}

/// What the engine reports. A job's events end with exactly one of `Done`, `Failed`, `Cancelled`.
#[derive(Clone, Debug)]
pub struct Event {
    pub job: JobId,
    pub what: What,
}

#[derive(Clone, Debug)]
pub enum What {
    /// How far a connection is.
    Stage(Stage),
    Connected {
        location: Location,
        info: ServerInfo,
    },
    Entries(Vec<Entry>),
    /// The next bytes of a file being read.
    Data(Bytes),
    /// A file is here to be edited.
    Fetched(Box<Draft>),
    /// What became of one that was.
    Draft(Fate),
    /// How far a search in a file has come: this offset is not yet looked at.
    Searched(u64),
    /// Where it was found.
    Found(Option<u64>),
    /// What was looked for below a directory; at most [`crate::transfer::find::SHOWN`] in all.
    Matches(Vec<Match>),
    /// How far a search below a directory has come.
    Scanned(Tally),
    /// What a directory holds, as far as it is known.
    Measured {
        location: Location,
        totals: Totals,
        standing: Standing,
    },
    Space(Space),
    /// Where a path leads.
    Resolved(Location),
    Checksum(Checksum),
    /// How many files of a transfer were verified, by the means.
    Verified(Vec<(Verified, u64)>),
    /// What a command printed, or how it ended.
    Output(Output),
    /// The hosts that ssh_config names, patterns left out.
    Hosts(Vec<String>),
    /// What would be done, in an order in which it can be.
    Steps(Vec<Step>),
    /// Names below two directories, and how the sides differ.
    Compared(Vec<Pair>),
    /// Everything is listed and decided; the copying has long begun.
    Planned(Totals),
    Ask {
        question: QuestionId,
        ask: Ask,
    },
    /// One item failed or was refused; the job goes on.
    ItemFailed(Error),
    /// Something worth knowing that is no failure, for example a time that could not be set.
    Warning(Error),
    /// Lines for the log, `dropped` others having been too many to keep. With [`JobId::NONE`].
    Log {
        lines: Vec<LogLine>,
        dropped: u64,
    },
    /// A server's session ended; its panes are lost until it is opened again. With [`JobId::NONE`],
    /// as are the three that may follow.
    Lost(Error),
    /// A lost server that is shown will be tried again after `wait`; `attempt` counts from 1.
    Reconnecting {
        fs: FsId,
        attempt: u32,
        wait: Duration,
    },
    /// A lost server is there again, by itself or because it was needed.
    Reconnected {
        fs: FsId,
        info: ServerInfo,
    },
    /// A lost server is not tried again before the person wants it: it has refused, or it asks
    /// something.
    LeftLost {
        fs: FsId,
        error: Error,
    },
    /// The connection was lost. The transfer is tried again after `wait`; `attempt` counts from 1
    /// since anything has moved.
    Retrying {
        attempt: u32,
        wait: Duration,
        error: Error,
    },
    /// The transfer is about to end, and can go on another time.
    Resumable {
        id: String,
    },
    /// Transfers that can go on.
    Stored(Vec<Stored>),
    Done(Outcome),
    Failed(Error),
    Cancelled,
}

/// What a job needs to know from the person.
#[derive(Clone, Debug)]
pub enum Ask {
    Trust(trust::Question),
    /// Items that would land on something that exists: `shown` of `count`.
    Conflicts {
        shown: Vec<Conflict>,
        count: u64,
    },
}

#[derive(Clone, Debug)]
pub enum Answer {
    Trust(trust::Answer),
    /// `None` gives the job up.
    Conflicts(Option<Decisions>),
}

/// Latest progress of every transfer: those that run in the order of their start, then those that
/// wait for their turn, the next one first.
pub type ProgressBoard = Vec<(JobId, Progress)>;

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
