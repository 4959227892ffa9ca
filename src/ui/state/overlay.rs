//! The dialogs: what each asks and what has been typed or chosen so far. Plain data; what an
//! answer does is `update`'s business, how it looks is `sheet`'s.

use std::fmt;

use tui_input::Input;

use crate::{
    engine::{JobId, QuestionId},
    fs::{Location, LogLine},
    transfer::{Conflict, OnConflict},
    trust::{SecretRequest, UnknownCertificate, UnknownHost},
    ui::state::Side,
    words::ErrorWords,
};

/// A line being typed.
#[derive(Clone, Default)]
pub struct Field {
    pub input: Input,
    /// Shown as dots, and never in a debug print.
    pub masked: bool,
}

impl Field {
    pub fn text(value: &str) -> Field {
        Field { input: Input::new(value.to_owned()), masked: false }
    }

    pub fn secret(echo: bool) -> Field {
        Field { input: Input::default(), masked: !echo }
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = if self.masked { "masked" } else { self.input.value() };
        write!(f, "Field({shown:?})")
    }
}

/// What a typed line is for.
#[derive(Clone, Debug)]
pub enum Typing {
    GoTo(Side),
    NewFolder(Location),
    Rename(Location),
}

/// What a yes does.
#[derive(Clone, Debug)]
pub enum Deed {
    Remove { items: Vec<Location>, name: String },
    Quit,
}

/// A dialog.
#[derive(Clone, Debug)]
pub enum Overlay {
    Text { typing: Typing, field: Field, error: Option<String> },
    Confirm { deed: Deed, lines: Vec<String>, choice: usize, scroll: usize },
    Sort { side: Side, choice: usize },
    Question(Question),
    Help { scroll: usize },
    Explain { line: Box<LogLine>, scroll: usize },
    Details { job: JobId, scroll: usize },
    Error { words: ErrorWords, scroll: usize },
}

/// A question of the engine: it waits for exactly one answer.
#[derive(Clone, Debug)]
pub struct Question {
    pub id: QuestionId,
    pub job: JobId,
    pub ask: Asking,
}

#[derive(Clone, Debug)]
pub enum Asking {
    Host { host: Box<UnknownHost>, choice: usize, scroll: usize },
    Certificate { certificate: Box<UnknownCertificate>, choice: usize, scroll: usize },
    Secret { request: SecretRequest, field: Field },
    Conflicts { shown: Vec<Conflict>, count: u64, choice: usize, scroll: usize },
}

/// The answers to conflicts in the order of their buttons; `None` gives the copy up.
pub const CONFLICT_ANSWERS: [Option<OnConflict>; 5] = [
    Some(OnConflict::Skip),
    Some(OnConflict::Overwrite),
    Some(OnConflict::Newer),
    Some(OnConflict::Rename),
    None,
];
