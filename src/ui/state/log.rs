//! The last replies of all servers, and the cursor in them. Bounded; plain data.

use std::collections::VecDeque;

use crate::fs::LogLine;

/// How many lines are kept.
pub const KEPT: usize = 2000;

/// The log.
#[derive(Clone, Debug, Default)]
pub struct Log {
    pub lines: VecDeque<LogLine>,
    /// How many were too many to keep, here or on the way.
    pub dropped: u64,
    /// The line of the cursor; `None` follows the end.
    pub cursor: Option<usize>,
}

impl Log {
    pub fn add(&mut self, lines: Vec<LogLine>, dropped: u64) {
        self.dropped = self.dropped.saturating_add(dropped);
        self.lines.extend(lines);
        while self.lines.len() > KEPT {
            self.lines.pop_front();
            self.dropped = self.dropped.saturating_add(1);
            self.cursor = self.cursor.map(|at| at.saturating_sub(1));
        }
    }

    pub fn row(&self) -> usize {
        self.cursor.unwrap_or(usize::MAX).min(self.lines.len().saturating_sub(1))
    }

    pub fn current(&self) -> Option<&LogLine> {
        self.lines.get(self.row())
    }

    /// The cursor at the last line follows what comes.
    pub fn move_to(&mut self, row: usize) {
        self.cursor = (row + 1 < self.lines.len()).then_some(row);
    }
}
