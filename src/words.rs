//! Every sentence a person reads, and how sizes, times, names and errors are worded. Shared by
//! the terminal UI and the headless commands. Must never do I/O, and must never let text from
//! outside through unescaped: all of it passes [`escape`] or [`escape_bytes`].

mod errors;
mod escape;
mod format;
mod outcome;
mod questions;
mod time;

pub use errors::{ErrorWords, error, operation, stored_in};
pub use escape::{escape, escape_bytes, spell, unspell};
pub use format::{
    Zone, asked, back, capital, clock, computed, count, duration, ftp_class, kind, left_lost, log_line, lost,
    mixed_mode, mode, mode_of, ordinal, plural, rate, read_rate, reply, reply_in_short, retrying,
    retrying_short, silent, size, stage, timestamp, timestamp_in, timestamp_short,
};
pub use outcome::{CHECKING, items_of, outcome, outcome_to, reached, size_of, totals, verified};
pub use questions::{QuestionWords, question};
pub use time::{exact_time, parse_time};
