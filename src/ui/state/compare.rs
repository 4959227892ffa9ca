//! The screen that compares both panes' folders and edits the plan for them. Plain data; what a
//! plan comes to is `transfer::sync`'s to say.

use std::time::Duration;

use super::rows::{Place, Sieve};
use crate::{
    engine::JobId,
    fs::{Error, Location},
    transfer::sync::{Comparison, Relation, Sorts, Sums},
};

/// Failures that are kept; the rest is counted.
const MOST_FAILURES: usize = 200;

/// Which sorts of rows are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub only_left: bool,
    pub changed: bool,
    pub only_right: bool,
    pub same: bool,
}

impl Default for Seen {
    fn default() -> Self {
        Seen { only_left: true, changed: true, only_right: true, same: false }
    }
}

/// The screen.
#[derive(Clone, Debug)]
pub struct Compare {
    /// While it lists.
    pub job: Option<JobId>,
    /// When it began, on the clock of the state.
    pub since: Duration,
    pub left: Location,
    pub right: Location,
    /// What the places are called, escaped.
    pub left_label: String,
    pub right_label: String,
    pub plan: Comparison,
    /// Files are compared by their bytes.
    pub content: bool,
    pub seen: Seen,
    pub sieve: Sieve,
    /// The pairs that are shown.
    pub rows: Vec<usize>,
    pub place: Place,
    pub sorts: Sorts,
    pub sums: Sums,
    pub failures: Vec<Error>,
    /// What could not be listed or read, kept or not.
    pub failed: u64,
    /// Why it ended before all was listed, in words.
    pub ended: Option<String>,
}

impl Compare {
    pub fn new(left: (Location, String), right: (Location, String)) -> Compare {
        Compare {
            job: None,
            since: Duration::ZERO,
            left: left.0,
            right: right.0,
            left_label: left.1,
            right_label: right.1,
            plan: Comparison::default(),
            content: false,
            seen: Seen::default(),
            sieve: Sieve::default(),
            rows: Vec::new(),
            place: Place::default(),
            sorts: Sorts::default(),
            sums: Sums::default(),
            failures: Vec::new(),
            failed: 0,
            ended: None,
        }
    }

    pub fn fail(&mut self, error: Error) {
        self.failed += 1;
        if self.failures.len() < MOST_FAILURES {
            self.failures.push(error);
        }
    }

    /// The pair under the cursor.
    pub fn current(&self) -> Option<usize> {
        self.rows.get(self.place.cursor).copied()
    }

    /// Finds anew what is shown, and adds up; the cursor stays on its pair.
    pub fn refresh(&mut self, current: Option<Box<[u8]>>) {
        self.sorts = self.plan.sorts();
        self.sums = self.plan.sums();
        let passes = self.sieve.test();
        let seen = self.seen;
        let shown = |relation: Relation| match relation {
            Relation::OnlyLeft => seen.only_left,
            Relation::OnlyRight => seen.only_right,
            Relation::Same => seen.same,
            _ => seen.changed,
        };
        let pairs = self.plan.pairs();
        let mut rows = Vec::new();
        // By depth: something is shown directly in the folder that is yet to come.
        let mut holds: Vec<bool> = Vec::new();
        for (at, pair) in pairs.iter().enumerate().rev() {
            let depth = pair.depth();
            holds.resize(holds.len().max(depth + 2), false);
            let has_rows = std::mem::take(&mut holds[depth + 1]);
            let is_common = pair.is_dir() && pair.relation == Relation::Same;
            let itself = shown(pair.relation) && passes(&pair.path);
            if has_rows || (itself && !is_common) {
                rows.push(at);
                holds[depth] |= !pair.is_dir();
            }
        }
        rows.reverse();
        self.rows = rows;
        if let Some(path) = current {
            let found = self.rows.iter().position(|at| pairs.get(*at).is_some_and(|pair| pair.path == path));
            self.place.cursor = found.unwrap_or(self.place.cursor);
        }
        self.place.cursor = self.place.cursor.min(self.rows.len().saturating_sub(1));
    }

    /// The path of the pair under the cursor.
    pub fn current_path(&self) -> Option<Box<[u8]>> {
        self.current().and_then(|at| self.plan.pairs().get(at)).map(|pair| pair.path.clone())
    }
}
