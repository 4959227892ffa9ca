//! What `ui` is to do for the state: the only way in which it reaches out.

use crate::{
    config::Change,
    engine::{Command, JobId},
    fs::{Place, RemotePath},
    ui::state::{Bar, highlight::Chunk, picture::Wanted},
};

/// A demo that runs.
#[derive(Clone, Debug)]
pub struct Demo {
    pub server: Place,
    /// A few files of this machine to send there.
    pub local: Place,
}

/// What `ui` is to do.
#[derive(Clone, Debug)]
pub enum Effect {
    Send(Command),
    /// Keep it between runs; what there is then comes back as [`super::Msg::Kept`].
    Keep(Change),
    SetTitle(String),
    /// For the terminal itself.
    Terminal(Sign),
    /// Start the demo's server; where it is comes back as [`super::Msg::Demo`].
    StartDemo,
    /// Have the system's program open a file of this machine, and go on; what went wrong comes
    /// back as [`super::Msg::Opened`].
    Open {
        path: RemotePath,
        /// It is a copy: whoever opens it is not to change it.
        read_only: bool,
    },
    /// Find the colours of a piece of a file; they come back as [`super::Msg::Highlighted`].
    Highlight(Box<Chunk>),
    /// Make a picture for the screen; it comes back as [`super::Msg::Picture`].
    Picture(Box<Wanted>),
    /// Give the terminal to another program until that ends; then comes [`super::Msg::Returned`].
    Outside(Outside),
    Quit,
}

/// A program that gets the terminal. Paths are of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outside {
    /// The person's editor on a file; `job` fetched it, if any did.
    Edit { path: RemotePath, job: Option<JobId> },
    /// The person's shell in a directory.
    Shell { dir: RemotePath },
    /// The shell on a server that `job` has opened; its name, escaped.
    Remote { job: JobId, name: String },
}

/// What the terminal is to do beside showing the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sign {
    /// How far everything that runs is.
    Bar(Bar),
    /// Something ended while nobody looked. Escaped.
    Notify(String),
    /// Bytes for its clipboard.
    Clipboard(Vec<u8>),
    /// Back to the shell, until that continues the program.
    Suspend,
}

/// The effects of one message, in order.
pub type Effects = Vec<Effect>;
