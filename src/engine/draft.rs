//! Files fetched to be edited on this machine, and how they are put back. Plain data.

use crate::fs::{Checksum, Entry, Location, RemotePath};

/// A file's copy on this machine.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What was fetched, links resolved.
    pub target: Location,
    /// The copy: alone in a directory of its own, which only this user can enter.
    pub copy: RemotePath,
    /// What was there when it was fetched.
    pub fetched: Entry,
    /// Of what was fetched.
    pub sum: Checksum,
}

/// What may be done to put a draft back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutBack {
    /// Replace what was fetched, unless it has changed meanwhile.
    IfSame,
    /// Replace whatever is there.
    Overwrite,
    /// Under a free name beside it: `name (1)`.
    Beside,
    /// Nothing: the copy stays here if it was changed.
    Keep,
}

/// What became of a draft.
#[derive(Clone, Debug)]
pub enum Fate {
    /// It was not changed, and is gone.
    Unchanged,
    /// It is on the server, and gone here.
    Stored,
    /// It stays here: what was fetched has changed meanwhile, to this, or is not there any more.
    Overtaken(Option<Entry>),
    /// It stays here.
    Kept,
}
