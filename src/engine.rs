//! The narrow waist: whoever wants something done sends a [`Command`] and hears [`Event`]s.
//! Owns the sessions and the jobs. Must never draw, print or read a key.

pub mod jobs;
pub mod session;

use tokio::sync::{mpsc, watch};

use crate::{
    fs::{Entry, Error, Location, LogLine, Place, RemotePath, ServerInfo, Space, Stage},
    transfer::{Conflict, OnConflict, Outcome, Progress, Request, Totals},
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
    /// Copy: `Planned`, perhaps `Ask`, `ItemFailed` per failure, then `Done`. Progress aside.
    Copy {
        job: JobId,
        request: Request,
    },
    CreateDir {
        job: JobId,
        location: Location,
    },
    /// Rename within one file system; never replaces anything.
    Rename {
        job: JobId,
        from: Location,
        to: RemotePath,
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
    /// Stop this job: it ends with `Cancelled` unless it had ended already.
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
    Space(Space),
    /// Everything is listed; the copying starts.
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
    /// A server's session ended; its panes are lost until it is opened again. With [`JobId::NONE`].
    Lost(Error),
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
    Conflicts(Option<OnConflict>),
}

/// Latest progress of every transfer that runs, in the order of their start.
pub type ProgressBoard = Vec<(JobId, Progress)>;

/// The handle on the engine.
#[derive(Clone, Debug)]
pub struct Engine {
    commands: mpsc::UnboundedSender<Command>,
    progress: watch::Receiver<ProgressBoard>,
}

impl Engine {
    /// A handle over channels that somebody else serves.
    pub fn new(commands: mpsc::UnboundedSender<Command>, progress: watch::Receiver<ProgressBoard>) -> Self {
        Engine { commands, progress }
    }

    /// Tells the engine what to do; what comes of it arrives as events.
    pub fn send(&self, command: Command) {
        // Without anybody to serve it there is nobody to tell either.
        let _ = self.commands.send(command);
    }

    /// The latest progress of everything that runs.
    pub fn progress(&self) -> watch::Receiver<ProgressBoard> {
        self.progress.clone()
    }
}
