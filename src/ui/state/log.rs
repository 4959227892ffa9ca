//! What has happened on all servers, and the cursor in it: their replies, and the loss and the
//! return of their connections. Bounded; plain data.

use std::{collections::VecDeque, time::Duration};

use crate::fs::{Error, FsId, LogLine};

/// How many lines are kept.
pub const KEPT: usize = 2000;

/// A line of the log.
#[derive(Clone, Debug)]
pub enum Line {
    Reply(LogLine),
    /// A connection was lost at that time, on the clock of [`super::Clock::running`].
    Lost {
        error: Error,
        at: Duration,
    },
    /// A lost server is not connected again by itself.
    Left {
        error: Error,
    },
    /// It is there again, so long after it was lost.
    Back {
        fs: FsId,
        after: Option<Duration>,
    },
}

/// The log.
#[derive(Clone, Debug, Default)]
pub struct Log {
    pub lines: VecDeque<Line>,
    /// How many were too many to keep, here or on the way.
    pub dropped: u64,
    /// The line of the cursor; `None` follows the end.
    pub cursor: Option<usize>,
}

impl Log {
    pub fn add(&mut self, lines: impl IntoIterator<Item = Line>, dropped: u64) {
        self.dropped = self.dropped.saturating_add(dropped);
        self.lines.extend(lines);
        while self.lines.len() > KEPT {
            self.lines.pop_front();
            self.dropped = self.dropped.saturating_add(1);
            self.cursor = self.cursor.map(|at| at.saturating_sub(1));
        }
    }

    /// The last loss of a server, as long as it is not there again: why, and when.
    pub fn loss(&self, fs: &FsId) -> Option<(&Error, Duration)> {
        let last = self.lines.iter().rev().find_map(|line| match line {
            Line::Lost { error, at } if error.place() == Some(fs.as_str()) => Some(Some((error, *at))),
            Line::Back { fs: back, .. } if back == fs => Some(None),
            _ => None,
        });
        last.flatten()
    }

    /// Whether there is anything to explain about the line of the cursor.
    pub fn explains(&self) -> bool {
        self.current().is_some_and(|line| !matches!(line, Line::Back { .. }))
    }

    pub fn row(&self) -> usize {
        self.cursor.unwrap_or(usize::MAX).min(self.lines.len().saturating_sub(1))
    }

    pub fn current(&self) -> Option<&Line> {
        self.lines.get(self.row())
    }

    /// The cursor at the last line follows what comes.
    pub fn move_to(&mut self, row: usize) {
        self.cursor = (row + 1 < self.lines.len()).then_some(row);
    }
}
