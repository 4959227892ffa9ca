//! The details of one transfer: where one is among the items that failed. Plain data.

use super::{Standing, State, Transfer, rows::Place};
use crate::{engine::JobId, ui::action::Action};

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

    /// Whether there is something that an action would do.
    pub fn allows(&self, state: &State, action: Action) -> bool {
        let Some(transfer) = self.transfer(state) else { return action == Action::Cancel };
        match action {
            Action::Accept => self.count(state) > 0 || matches!(transfer.standing, Standing::Failed(_)),
            Action::RetryItem => self.place.cursor < transfer.failures.len(),
            Action::RetryJob => transfer.allows(action),
            _ => true,
        }
    }

    /// How many rows there are: what failed, then what is worth knowing.
    pub fn count(&self, state: &State) -> usize {
        self.transfer(state).map_or(0, |transfer| transfer.failures.len() + transfer.warnings.len())
    }
}
