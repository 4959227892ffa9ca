//! The jobs that move or remove files, running and ended, in the order of their start. Plain data.

use crate::{
    engine::JobId,
    fs::{Error, Location},
    transfer::{Outcome, Progress},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    Copy,
    Remove,
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
    pub standing: Standing,
}

impl Transfer {
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
