//! The dialogs: what each asks and what has been typed or chosen so far. Plain data; what an
//! answer does is `update`'s business, how it looks is `sheet`'s.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    ops::Range,
};

use ratatui::layout::Size;
use tui_input::Input;

use crate::{
    config::Program,
    engine::{Draft, JobId, PutBack, QuestionId},
    fs::{Checksum, Entry, Location, LogLine},
    transfer::Totals,
    trust::{SecretRequest, UnknownCertificate, UnknownHost},
    ui::{
        action::Action,
        state::{Details, Find, Form, GoTo, Palette, Rename, Review, Side},
    },
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
    NewFolder(Location),
    Rename(Location),
    NewFile(Location),
    /// A link to the first, in the folder that holds it.
    Symlink(Location),
    HardLink(Location),
    /// The owner of these, which are called so together.
    Owner {
        items: Vec<Location>,
        name: String,
    },
    /// The time of the last change of these, which are called so together.
    Time {
        items: Vec<Location>,
        name: String,
    },
    /// A command to be run there.
    Command(Location),
    /// Which names to select in that pane, or to unselect.
    Pattern {
        side: Side,
        select: bool,
    },
    /// What to call the tabs as they are.
    Workspace,
    /// What to look for in the file being looked at.
    Search,
    /// Where to go in it.
    Offset,
    /// How fast a transfer may be, or all together.
    Limit(Option<JobId>),
}

/// What a yes does.
#[derive(Clone, Debug)]
pub enum Deed {
    Remove {
        items: Vec<Location>,
        name: String,
        /// What the folders among them hold.
        inside: Option<Box<Inside>>,
    },
    /// To what was pasted.
    GoTo {
        side: Side,
        text: String,
    },
    RemoveBookmark {
        name: String,
    },
    /// What the comparison shows.
    Sync,
    /// Of what was interrupted.
    Discard {
        id: String,
        job: JobId,
    },
    /// Other programs' sites become bookmarks.
    Import {
        programs: Vec<Program>,
    },
    /// What runs, as it stands behind `Quit while`.
    Quit {
        running: String,
    },
}

/// What folders hold that are about to be deleted, as far as it is counted.
#[derive(Clone, Debug)]
pub struct Inside {
    pub job: JobId,
    /// How many folders they are.
    pub folders: u64,
    /// So far, of each of them.
    pub found: HashMap<Location, Totals>,
    pub counts: bool,
    /// Folders that could not be read.
    pub failed: u64,
    /// The line of the question in front of which it is told.
    pub line: usize,
}

impl Inside {
    /// So far, of all of them.
    pub fn totals(&self) -> (u64, u64) {
        let add = |sum: (u64, u64), of: &Totals| {
            (sum.0.saturating_add(of.files + of.links), sum.1.saturating_add(of.bytes))
        };
        self.found.values().fold((0, 0), add)
    }
}

/// A dialog.
#[derive(Clone, Debug)]
pub enum Overlay {
    Text {
        typing: Typing,
        field: Field,
        error: Option<String>,
    },
    Confirm {
        deed: Deed,
        lines: Vec<String>,
        choice: usize,
        scroll: usize,
    },
    Sort {
        side: Side,
        choice: usize,
    },
    Menu(Menu),
    Question(Question),
    Form(Box<Form>),
    Help {
        scroll: usize,
    },
    /// What means nothing in the files of settings, unescaped.
    Problems {
        lines: Vec<String>,
        scroll: usize,
    },
    /// Workspaces to choose from, and the last session.
    Workspaces {
        choice: usize,
    },
    /// What came of something, in sentences, unescaped.
    Told {
        title: String,
        lines: Vec<String>,
        scroll: usize,
    },
    /// What the parts of the screen are for; any key ends it.
    Tour,
    Palette(Box<Palette>),
    Find(Box<Find>),
    GoTo(Box<GoTo>),
    Rename(Box<Rename>),
    Explain {
        line: Box<LogLine>,
        scroll: usize,
    },
    Details(Details),
    Error {
        words: ErrorWords,
        scroll: usize,
    },
    Properties(Box<Properties>),
    Permissions(Box<Permissions>),
    Summary(Box<Summary>),
    Output(Box<CommandOutput>),
    Overtaken(Box<Overtaken>),
}

impl Overlay {
    /// Whether something in it moves with time alone.
    pub fn is_waiting(&self) -> bool {
        match self {
            Overlay::Confirm { deed: Deed::Remove { inside: Some(inside), .. }, .. } => inside.counts,
            Overlay::Find(find) => find.job().is_some(),
            Overlay::GoTo(goto) => goto.wait.is_some(),
            Overlay::Properties(properties) => matches!(properties.sum, Sum::Computing(_)),
            Overlay::Output(output) => output.job.is_some(),
            _ => false,
        }
    }
}

/// A file that was edited here has changed on the server meanwhile.
#[derive(Clone, Debug)]
pub struct Overtaken {
    pub name: String,
    /// The folder that it was opened in.
    pub folder: Option<Location>,
    pub draft: Box<Draft>,
    /// What is there now, if anything.
    pub now: Option<Entry>,
    pub choice: usize,
}

/// What can be done then, in the order of the buttons.
pub const OVERTAKEN_ANSWERS: [PutBack; 3] = [PutBack::Beside, PutBack::Overwrite, PutBack::Keep];

impl Menu {
    /// The actions that are seen on a screen of that size, by their places: those around the chosen one
    /// where there is no room for all.
    pub fn seen(&self, size: Size) -> Range<usize> {
        let room = usize::from(size.height.saturating_sub(if size.height >= 15 { 5 } else { 3 })).max(1);
        let first = (self.choice + 1).saturating_sub(room);
        first..self.actions.len().min(first + room)
    }
}

/// What can be done with a row.
#[derive(Clone, Debug)]
pub struct Menu {
    /// What it would be done with, escaped.
    pub name: String,
    pub actions: Vec<Action>,
    pub choice: usize,
    /// Where it was asked for: column and row of the screen.
    pub at: (u16, u16),
}

/// All that is known of one file.
#[derive(Clone, Debug)]
pub struct Properties {
    pub location: Location,
    /// As listed, and more exactly once the look at it is answered.
    pub entry: Entry,
    pub look: JobId,
    pub sum: Sum,
    pub choice: usize,
    pub scroll: usize,
}

/// What several files have in common.
#[derive(Clone, Debug)]
pub struct Summary {
    pub items: Vec<Location>,
    /// What they are called together, escaped.
    pub name: String,
    /// Label and value, escaped.
    pub facts: Vec<(&'static str, String)>,
    pub modes: Vec<Option<u32>>,
    pub folders: bool,
    pub choice: usize,
    pub scroll: usize,
}

/// A checksum that may be asked for.
#[derive(Clone, Debug)]
pub enum Sum {
    Unasked,
    Computing(JobId),
    Known(Checksum),
    /// Why not, in words.
    Failed(String),
}

/// Permissions being chosen.
#[derive(Clone, Debug)]
pub struct Permissions {
    pub items: Vec<Location>,
    /// What they are called together, escaped.
    pub name: String,
    pub mode: u32,
    /// The bits that differ among them, or that are not known: they stay as they are.
    pub mixed: u32,
    /// The same when it was asked.
    pub mixed_before: u32,
    /// The bits when it was asked.
    pub mode_before: u32,
    /// There are folders among them.
    pub folders: bool,
    pub recursive: bool,
    /// Owner, group, others, the special bits, and with folders the choice of going into them.
    pub row: usize,
    pub column: usize,
    /// The octal digits typed so far.
    pub digits: String,
}

/// The permission bit in a row (owner, group, others, special) and a column; 0 where there is none.
pub fn bit(row: usize, column: usize) -> u32 {
    let shift = match (row, column) {
        (0..=2, 0..=2) => 8 - 3 * row - column,
        (3, 0..=2) => 11 - column,
        _ => return 0,
    };
    1 << shift
}

/// What a command has printed so far.
#[derive(Clone, Debug)]
pub struct CommandOutput {
    /// While it runs.
    pub job: Option<JobId>,
    /// Escaped.
    pub command: String,
    /// Escaped, broken to the width; whether each is of standard error.
    pub lines: VecDeque<(String, bool)>,
    /// The end of what was printed, which has no line break yet.
    pub rest: Vec<u8>,
    pub rest_is_error: bool,
    /// Lines that were too many to keep.
    pub dropped: u64,
    /// How it ended, in words.
    pub ended: Option<String>,
    pub scroll: usize,
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
    Host {
        host: Box<UnknownHost>,
        choice: usize,
        scroll: usize,
    },
    Certificate {
        certificate: Box<UnknownCertificate>,
        choice: usize,
        scroll: usize,
    },
    /// Scrolled to the end at first: the prompt is the last line.
    Secret {
        request: SecretRequest,
        field: Field,
        scroll: usize,
    },
    Conflicts(Box<Review>),
}
