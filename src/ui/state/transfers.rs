//! The jobs that move, remove or change files, running and ended, in the order of their start. Plain data.

use crate::{
    engine::JobId,
    fs::{Error, Location},
    transfer::{Outcome, Phase, Progress, Verified},
    words,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    Copy,
    Move,
    Remove,
    Rename,
    /// Permissions or owners.
    Change,
}

/// How a job stands.
#[derive(Clone, Debug)]
pub enum Standing {
    Running,
    /// It was told to stop and has not yet said that it did.
    Stopping,
    Done(Outcome),
    Failed(Error),
    Cancelled,
}

/// One job.
#[derive(Clone, Debug)]
pub struct Transfer {
    pub job: JobId,
    pub work: Work,
    /// What it moves, escaped: a name, or how many items.
    pub name: String,
    /// Where it goes, escaped; empty for a removal.
    pub target: String,
    /// The folders whose listings it changes.
    pub touches: Vec<Location>,
    pub progress: Progress,
    pub failures: Vec<Error>,
    pub warnings: Vec<Error>,
    /// How many files were verified, by the means.
    pub verified: Vec<(Verified, u64)>,
    pub standing: Standing,
}

impl Work {
    /// What the job does, as it stands behind a number.
    pub fn verb(self) -> &'static str {
        match self {
            Work::Copy => "copied",
            Work::Move => "moved",
            Work::Remove => "deleted",
            Work::Rename => "renamed",
            Work::Change => "changed",
        }
    }
}

impl Transfer {
    /// The job in a line: `assets/ → web-01:/var/www`.
    pub fn title(&self) -> String {
        match self.work {
            Work::Copy => format!("{} → {}", self.name, self.target),
            Work::Move => format!("move {} → {}", self.name, self.target),
            Work::Remove => format!("delete {}", self.name),
            Work::Rename => format!("rename {}", self.name),
            Work::Change => format!("change {}", self.name),
        }
    }

    /// How it stands, in words; with what it did where it ended.
    pub fn standing_words(&self) -> String {
        match &self.standing {
            Standing::Running => match self.progress.phase {
                Phase::Queued => "waiting for its turn".to_owned(),
                Phase::Planning => "looking at what there is".to_owned(),
                Phase::Asking => "waiting for your answer".to_owned(),
                Phase::Paused => "paused".to_owned(),
                Phase::Waiting => "connection lost, trying again soon".to_owned(),
                Phase::Running => match self.work {
                    Work::Copy => "copying".to_owned(),
                    Work::Move => "moving".to_owned(),
                    Work::Remove => "deleting".to_owned(),
                    Work::Rename => "renaming".to_owned(),
                    Work::Change => "changing".to_owned(),
                },
            },
            Standing::Stopping => "stopping".to_owned(),
            Standing::Done(outcome) => words::outcome(outcome, self.work.verb()),
            Standing::Failed(error) => words::error(error).to_string(),
            Standing::Cancelled => "cancelled".to_owned(),
        }
    }

    pub fn is_running(&self) -> bool {
        matches!(self.standing, Standing::Running | Standing::Stopping)
    }
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Transfers {
    pub jobs: Vec<Transfer>,
    pub cursor: usize,
}

impl Transfers {
    pub fn get_mut(&mut self, job: JobId) -> Option<&mut Transfer> {
        self.jobs.iter_mut().find(|transfer| transfer.job == job)
    }

    pub fn running(&self) -> impl Iterator<Item = &Transfer> {
        self.jobs.iter().filter(|transfer| transfer.is_running())
    }

    pub fn current(&self) -> Option<&Transfer> {
        self.jobs.get(self.cursor)
    }

    pub fn move_to(&mut self, row: usize) {
        self.cursor = row.min(self.jobs.len().saturating_sub(1));
    }

    pub fn clear_finished(&mut self) {
        self.jobs.retain(Transfer::is_running);
        self.move_to(self.cursor);
    }
}
