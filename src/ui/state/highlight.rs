//! What the colours of a file that is looked at are made from: pieces of it on their way to the
//! parser, and what comes back. Plain data of bounded size.

use bytes::Bytes;

use crate::{engine::JobId, ui::theme::Role};

/// So far a file is coloured: what is behind that is plain.
pub const MOST: u64 = 2 << 20;

/// Bytes on the way to the parser at a time.
pub const CHUNK: usize = 16 << 10;

/// A piece of a file that begins where the one before it ended.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Which look at which file this is for.
    pub ticket: JobId,
    /// The file's path, which may tell the syntax.
    pub path: Vec<u8>,
    pub start: u64,
    /// Whole lines, but for one that is longer than a chunk.
    pub bytes: Bytes,
}

/// What became of a [`Chunk`].
#[derive(Clone, Debug)]
pub struct Highlighted {
    pub ticket: JobId,
    /// What the syntax is called; `None` where none is known for the file.
    pub syntax: Option<String>,
    /// Where the chunk ended.
    pub end: u64,
    pub spans: Vec<Span>,
    /// What follows can be coloured as well.
    pub goes_on: bool,
}

/// Bytes of one colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: u32,
    pub end: u32,
    pub role: Role,
}

/// The colours of a file, from its beginning as far as they are known: what a byte is depends on
/// all that is before it.
#[derive(Clone, Debug, Default)]
pub struct Highlight {
    /// `None` until something was asked for.
    pub ticket: Option<JobId>,
    pub syntax: Option<String>,
    /// Everything before this has its colours.
    pub reached: u64,
    /// In order, none in another.
    spans: Vec<Span>,
    pub waiting: bool,
    /// Nothing more can be coloured.
    pub over: bool,
}

impl Highlight {
    /// Takes in what came back, if it is what was asked for.
    pub fn take(&mut self, highlighted: Highlighted) {
        if self.ticket != Some(highlighted.ticket) || !self.waiting {
            return;
        }
        self.waiting = false;
        self.reached = highlighted.end;
        self.over = !highlighted.goes_on || self.reached >= MOST;
        self.syntax = highlighted.syntax;
        self.spans.extend(highlighted.spans);
    }

    /// The colour of the byte at `offset`, where it has one.
    pub fn role(&self, offset: u64) -> Option<Role> {
        let offset = u32::try_from(offset).ok()?;
        let at = self.spans.partition_point(|span| span.end <= offset);
        self.spans.get(at).filter(|span| span.start <= offset).map(|span| span.role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_asked_for_is_taken() {
        let span = |start, end| Span { start, end, role: Role::Keyword };
        let back = |ticket, goes_on| Highlighted {
            ticket: JobId(ticket),
            syntax: Some("Rust".into()),
            end: 9,
            spans: vec![span(0, 2), span(4, 6)],
            goes_on,
        };
        let mut highlight = Highlight { ticket: Some(JobId(7)), waiting: true, ..Highlight::default() };
        highlight.take(back(6, true));
        assert!(highlight.waiting && highlight.role(0).is_none());
        highlight.take(back(7, false));
        assert!(highlight.over && highlight.reached == 9);
        let roles: Vec<bool> = (0..8).map(|at| highlight.role(at).is_some()).collect();
        assert_eq!(roles, [true, true, false, false, true, true, false, false]);
        assert_eq!(highlight.role(u64::MAX), None);
    }
}
