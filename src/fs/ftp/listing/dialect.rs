//! The lines of LIST, in whatever dialect the server prints them. Must never do I/O.

use super::{Line, Refusal};
use crate::fs::Timestamp;

/// Reads the lines of one listing, and learns from each how to read the next.
pub(super) struct Reader {}

impl Reader {
    pub fn new(_now: Timestamp, _offset_seconds: Option<i32>) -> Self {
        Reader {}
    }

    pub fn line(&mut self, line: &[u8], lines: &mut Vec<Line>) {
        lines.push(Line::Refused { line: line.to_vec(), why: Refusal::NotUnderstood });
    }

    /// A line that needs no reading, in its place among the others.
    pub fn pass(&mut self, line: Line, lines: &mut Vec<Line>) {
        lines.push(line);
    }

    pub fn finish(&mut self, _lines: &mut Vec<Line>) {}
}
