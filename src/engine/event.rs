//! What the engine reports and asks. Plain data; must do nothing.

use std::time::Duration;

use bytes::Bytes;

use super::{Draft, Fate, JobId, QuestionId, Standing};
use crate::{
    fs::{Checksum, Entry, Error, FsId, Location, LogLine, Output, ServerInfo, Space, Stage},
    transfer::{
        Conflict, Outcome, Progress, Totals, Verified,
        find::{Match, Tally},
        journal::Stored,
        step::Step,
        sync::Pair,
    },
    trust,
};

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
    /// The transfer is about to end, and can go on another time from what it has reached.
    Resumable {
        id: String,
        reached: Totals,
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

/// Latest progress of every transfer: those that run in the order of their start, then those that
/// wait for their turn, the next one first.
pub type ProgressBoard = Vec<(JobId, Progress)>;
