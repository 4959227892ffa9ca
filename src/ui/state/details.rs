//! The details of one transfer: where one is among the items that failed. Plain data.

use super::{State, Transfer, rows::Place};
use crate::engine::JobId;

/// The screen.
#[derive(Clone, Copy, Debug)]
pub struct Details {
    pub job: JobId,
    pub place: Place,
}

impl Details {
    pub fn of(job: JobId) -> Details {
        Details { job, place: Place::default() }
    }

    pub fn transfer<'a>(&self, state: &'a State) -> Option<&'a Transfer> {
        state.transfers.jobs.iter().find(|transfer| transfer.job == self.job)
    }

    /// How many rows there are: what failed, then what is worth knowing.
    pub fn count(&self, state: &State) -> usize {
        self.transfer(state).map_or(0, |transfer| transfer.failures.len() + transfer.warnings.len())
    }
}
