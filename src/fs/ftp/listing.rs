//! What FTP servers print for LIST, MLSD and MLST, made into entries: a [`Parser`] takes the
//! bytes as they arrive and gives [`Line`]s. Owns the cutting into lines; each dialect has a
//! file of its own below. Must never do I/O or look at a clock: "now" and the server's zone
//! come in as arguments.

mod as400;
mod date;
mod dialect;
mod distinct;
mod dos;
mod eplf;
mod found;
mod mlsd;
mod month;
mod netware;
mod os2;
mod os9;
mod supertcp;
mod tandem;
mod time;
mod token;
mod unix;
mod vms;
mod vxworks;
mod zos;
mod zvm;

use crate::fs::{
    Entry, Timestamp,
    path::{NameError, check_name},
};

/// The longest line that is read, in bytes without its end. RFC 959 has no limit; what is longer
/// is refused and skipped to its end.
pub const MAX_LINE: usize = 16 << 10;

/// How much of a listing is held back whose lines have ended in LF alone so far, in bytes. A name and
/// what it leads to, with all that stands before them, are shorter (NAME_MAX, PATH_MAX).
const UNDECIDED: usize = 8 << 10;

/// Why a line gave no entry although it is not known to be idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No dialect has lines like this one.
    NotUnderstood,
    /// Longer than [`MAX_LINE`].
    TooLong,
    /// A name has a line break in it, which the server prints as it is.
    LineBreak,
    /// The name is no name of a file in this directory.
    Name(NameError),
    /// The size is not below 2^63.
    Size,
}

/// What one line of a listing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A file or directory. The name has passed [`check_name`].
    Entry(Entry),
    /// A total, a heading, an empty line, `.` or `..`.
    Ignored,
    /// To be counted and shown, never to be guessed at.
    Refused {
        /// As the server sent it, without the line's end; of a [`Refusal::TooLong`], the first
        /// [`MAX_LINE`] bytes. Unescaped.
        line: Vec<u8>,
        why: Refusal,
    },
}

/// Reads one listing. Holds back at most a line, the first few KiB where lines end in LF alone
/// and, where the order of day and month is still open, a bounded number of lines.
pub struct Parser {
    reader: Reader,
    ends: Ends,
    /// The line that is not complete yet.
    partial: Vec<u8>,
    /// `partial` has an LF that may be the name's, or the end of a line.
    is_broken: bool,
    /// The rest of the current line is skipped: its beginning was too long already.
    skipping: bool,
    /// The last byte that was skipped is a CR.
    skipped_cr: bool,
}

/// What lines end with. Some servers print a name as it is, be there an LF in it: where lines end
/// with CRLF, one that does not is half an entry, and may show what its maker likes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Unknown,
    CrLf,
    Lf,
}

enum Reader {
    List(dialect::Reader),
    Mlsd,
}

impl Parser {
    /// For the answer to LIST (or STAT), whatever dialect it is in. `now` is the time in UTC;
    /// `offset_seconds` is what the server's clock is ahead of UTC, where that is known: without
    /// it, its times are taken for UTC. LIST prints local time, and dates without a year.
    pub fn list(now: Timestamp, offset_seconds: Option<i32>) -> Self {
        Self::with(Reader::List(dialect::Reader::new(now, offset_seconds)))
    }

    /// For the answer to MLSD: RFC 3659 section 7. Its times are in UTC.
    pub fn mlsd() -> Self {
        Self::with(Reader::Mlsd)
    }

    fn with(reader: Reader) -> Self {
        Parser {
            reader,
            ends: Ends::Unknown,
            partial: Vec::new(),
            is_broken: false,
            skipping: false,
            skipped_cr: false,
        }
    }

    /// Takes the next bytes, cut anywhere; gives the lines that are complete, in order.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.take(&rest[..end], &mut lines);
            self.line_feed(&mut lines);
            rest = &rest[end + 1..];
        }
        self.take(rest, &mut lines);
        lines
    }

    /// Says that nothing more comes: gives what was held back, a last line without an end too.
    pub fn finish(mut self) -> Vec<Line> {
        let mut lines = Vec::new();
        if self.is_broken && self.ends == Ends::Unknown {
            self.settle_for_lf(&mut lines);
        }
        if self.is_broken {
            self.refuse_broken(&mut lines);
        } else if !self.partial.is_empty() {
            self.end_line(&mut lines);
        }
        if let Reader::List(reader) = &mut self.reader {
            reader.finish(&mut lines);
        }
        lines
    }

    fn take(&mut self, part: &[u8], lines: &mut Vec<Line>) {
        if self.skipping {
            self.skipped_cr = part.last().map_or(self.skipped_cr, |last| *last == b'\r');
            return;
        }
        let is_undecided = self.is_broken && self.ends == Ends::Unknown;
        if is_undecided && self.partial.len() + part.len() > UNDECIDED {
            self.settle_for_lf(lines);
        }
        // One byte more than a line: the CR of its end.
        let room = MAX_LINE + 1 - self.partial.len();
        if part.len() <= room {
            self.partial.extend_from_slice(part);
        } else {
            self.partial.extend_from_slice(&part[..room]);
            self.too_long(lines);
            self.skipping = true;
            self.skipped_cr = part.last() == Some(&b'\r');
        }
    }

    fn line_feed(&mut self, lines: &mut Vec<Line>) {
        let has_cr = if self.skipping { self.skipped_cr } else { self.partial.last() == Some(&b'\r') };
        if has_cr && self.ends == Ends::Unknown {
            self.ends = Ends::CrLf;
        }
        let is_end = has_cr || self.ends == Ends::Lf;
        if self.skipping {
            self.skipping = !is_end && self.ends == Ends::CrLf;
        } else if self.is_broken && is_end {
            self.partial.pop();
            self.refuse_broken(lines);
        } else if is_end || self.partial.is_empty() {
            self.end_line(lines);
        } else if self.partial.len() > MAX_LINE {
            self.too_long(lines);
            self.skipping = self.ends == Ends::CrLf;
            self.skipped_cr = false;
        } else {
            self.partial.push(b'\n');
            self.is_broken = true;
        }
    }

    /// What was held back are lines after all.
    fn settle_for_lf(&mut self, lines: &mut Vec<Line>) {
        self.ends = Ends::Lf;
        self.is_broken = false;
        let held = std::mem::take(&mut self.partial);
        let mut rest = &held[..];
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.partial.extend_from_slice(&rest[..end]);
            self.end_line(lines);
            rest = &rest[end + 1..];
        }
        self.partial.extend_from_slice(rest);
    }

    fn refuse_broken(&mut self, lines: &mut Vec<Line>) {
        self.is_broken = false;
        let line = std::mem::take(&mut self.partial);
        self.give(Line::Refused { line, why: Refusal::LineBreak }, lines);
    }

    fn too_long(&mut self, lines: &mut Vec<Line>) {
        self.is_broken = false;
        self.partial.truncate(MAX_LINE);
        let line = std::mem::take(&mut self.partial);
        self.give(Line::Refused { line, why: Refusal::TooLong }, lines);
    }

    fn end_line(&mut self, lines: &mut Vec<Line>) {
        // Exactly one CR is the line's; another is the name's: macOS has files named `Icon\r`.
        if self.partial.last() == Some(&b'\r') {
            self.partial.pop();
        }
        if self.partial.len() > MAX_LINE {
            return self.too_long(lines);
        }
        match &mut self.reader {
            Reader::List(reader) => reader.line(&self.partial, lines),
            Reader::Mlsd => lines.push(mlsd::line(&self.partial)),
        }
        self.partial.clear();
    }

    fn give(&mut self, line: Line, lines: &mut Vec<Line>) {
        match &mut self.reader {
            Reader::List(reader) => reader.pass(line, lines),
            Reader::Mlsd => lines.push(line),
        }
    }
}

/// Reads the one line of facts that MLST answers (RFC 3659 section 7.2), with or without the space it
/// begins with. The path in it gives the entry its name: the last component, `/` for the root.
///
/// # Errors
/// What the line is refused for; [`Refusal::NotUnderstood`] also where it has no facts.
pub fn mlst(line: &[u8]) -> Result<Entry, Refusal> {
    mlsd::mlst(line)
}

/// The entry, or the line as refused or ignored for its name's sake.
fn checked(entry: Entry, line: &[u8]) -> Line {
    match check_name(&entry.name) {
        Ok(()) => Line::Entry(entry),
        Err(NameError::Dots) => Line::Ignored,
        Err(error) => Line::Refused { line: line.to_vec(), why: Refusal::Name(error) },
    }
}
