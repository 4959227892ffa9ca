//! What a transfer is: the request, the policy, the progress. Plain data; what a request names is
//! looked at in `prepare`, gone through directory by directory in `descend`, each decided about in
//! `plan` and carried out in `run`, one file at a time in `copy`; removing is in `remove`, changing
//! attributes in `change`, looking for names in `find`, new names for many in `rename`.

pub mod apart;
pub mod change;
pub mod compare;
pub mod context;
pub mod copy;
pub mod counters;
pub mod descend;
pub mod feed;
pub mod find;
pub mod gate;
pub mod journal;
pub mod limit;
mod link;
pub mod part;
pub mod plan;
pub mod prepare;
pub mod prepared;
pub mod remove;
pub mod rename;
mod resume;
mod run;
mod settle;
pub mod step;
pub mod sync;
pub mod verify;
pub mod walk;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::fs::{Algorithm, Entry, Location, RemotePath, Timestamp, mode::ModeChange, sum::Computed};

/// What to copy, and where to.
#[derive(Clone, Debug)]
pub struct Request {
    pub sources: Vec<Location>,
    pub target: Location,
    pub landing: Landing,
    pub policy: Policy,
    /// Move: what was copied is removed at the source, but only if all of it arrived.
    pub remove_source: bool,
}

impl Request {
    /// The same for some of its files alone, which stay where they are, `landing` having been settled;
    /// `None` for what is none of its files, and where it is not settled where they land.
    pub fn only(&self, items: &[Location], landing: Landing) -> Option<Request> {
        let mut chosen = Chosen::default();
        let mut sources: Vec<Location> = Vec::new();
        for item in items {
            let holds = |source: &&Location| source.fs == item.fs && item.path.is_within(&source.path);
            let source = self.sources.iter().find(holds)?;
            let root = match landing {
                Landing::Into => self.target.path.join(source.path.name()?),
                Landing::Onto => self.target.path.clone(),
                Landing::Auto => return None,
            };
            // The directories on the way to it, where they are missing too.
            let mut above = Some(root.resolve(item.path.strip_prefix(&source.path)?));
            while let Some(path) = above.take().filter(|path| path.is_within(&self.target.path)) {
                above = path.parent();
                chosen.copy.insert(path);
            }
            if !sources.contains(source) {
                sources.push(source.clone());
            }
        }
        let policy = Policy { chosen: Some(Arc::new(chosen)), delete: false, ..self.policy.clone() };
        Some(Request { sources, target: self.target.clone(), landing, policy, remove_source: false })
    }
}

/// How `target` is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Landing {
    /// A directory that holds the copies under their own names; it must exist.
    Into,
    /// As `cp` does: into an existing directory, else under exactly this name.
    Auto,
    /// Under exactly this name; a directory that stands there takes up what the source holds.
    Onto,
}

/// How to copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// Directories are copied with all that they hold; otherwise they are refused.
    pub recursive: bool,
    pub on_conflict: OnConflict,
    /// Times and permissions are carried over, and names of one file stay names of one file.
    pub preserve: bool,
    /// What symlinks of the source lead to is copied in their place.
    pub follow: bool,
    /// What stands in the target directories and not in the source's is removed once all else
    /// has succeeded.
    pub delete: bool,
    /// Under [`OnConflict::Different`], files of the same size are told apart by their content.
    pub compare_content: bool,
    /// Bytes per second; `None` is without a limit of its own.
    pub limit: Option<u64>,
    /// So many files at most are under way at a time; `None` leaves it to what the servers bear.
    pub jobs: Option<u16>,
    /// How often in a row a lost connection is tried again without anything having moved.
    pub retries: u32,
    /// Each file's checksum at the target is compared with the source's before it gets its name.
    pub verify: bool,
    /// What was decided about single conflicts, by their target paths. `on_conflict` holds for
    /// the rest.
    #[serde(skip)]
    pub decided: Arc<HashMap<RemotePath, OnConflict>>,
    /// Where a person has chosen what is to be done, nothing else is.
    #[serde(skip)]
    pub chosen: Option<Arc<Chosen>>,
}

impl Policy {
    /// Whether names that differ only in how Unicode composes them are the same.
    pub fn across_forms(&self) -> bool {
        self.on_conflict == OnConflict::Different || self.chosen.is_some()
    }
}

/// What of a request is to be done, by the target paths. Directories that are to be created count
/// as copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    pub copy: HashSet<RemotePath>,
    /// Removed, unless the source has it by now.
    pub remove: HashSet<RemotePath>,
}

/// What was decided about conflicts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decisions {
    pub rest: OnConflict,
    /// Single ones, by their target paths.
    pub items: HashMap<RemotePath, OnConflict>,
}

impl From<OnConflict> for Decisions {
    fn from(rest: OnConflict) -> Self {
        Decisions { rest, items: HashMap::new() }
    }
}

impl Default for Policy {
    /// Trees with their times and permissions; nothing that differs is touched.
    fn default() -> Self {
        Policy {
            recursive: true,
            on_conflict: OnConflict::Refuse,
            preserve: true,
            follow: false,
            delete: false,
            compare_content: false,
            limit: None,
            jobs: None,
            retries: 5,
            verify: false,
            decided: Arc::default(),
            chosen: None,
        }
    }
}

/// What to do where the target already has the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnConflict {
    /// One question for the whole request, before anything is copied.
    Ask,
    Overwrite,
    /// Leave the target as it is.
    Skip,
    /// Copy under a free name beside it: `name (1).ext`.
    Rename,
    /// Overwrite where the source is newer, skip the rest.
    Newer,
    /// Overwrite what has another size or time, skip the rest: a sync.
    Different,
    /// Complete what is shorter than the source and the beginning of it, as far as its last 64 KiB
    /// show: the rest is written behind what is there, which stays as it is. Skip what has the same
    /// size and time, refuse the rest.
    Resume,
    /// Skip what has the same size and time, refuse the rest: the default without a terminal UI.
    Refuse,
}

/// A file that would land on something that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    pub source: Location,
    pub target: Location,
    pub source_entry: Entry,
    pub target_entry: Entry,
}

/// Attributes to be set; `None` leaves one as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub mode: Option<ModeChange>,
    pub owner: Option<Owner>,
    pub group: Option<Owner>,
    pub mtime: Option<Timestamp>,
    pub atime: Option<Timestamp>,
}

/// A user or group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    Id(u32),
    /// As the server knows it.
    Name(String),
}

/// How a copy was found to be the same as its source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Verified {
    pub algorithm: Algorithm,
    /// Who computed the target's checksum.
    pub by: Computed,
}

/// What a plan amounts to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    pub files: u64,
    pub dirs: u64,
    pub links: u64,
    /// Bytes, as far as sizes are known.
    pub bytes: u64,
}

impl std::ops::Add for Totals {
    type Output = Totals;

    fn add(self, other: Totals) -> Totals {
        Totals {
            files: self.files + other.files,
            dirs: self.dirs + other.dirs,
            links: self.links + other.links,
            bytes: self.bytes + other.bytes,
        }
    }
}

/// How far a job is. A snapshot; the latest one counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    pub phase: Phase,
    pub done: Totals,
    /// What is planned; so far, while it is still being counted.
    pub total: Totals,
    pub is_counting: bool,
    /// Files of which what was written is being compared with what was read.
    pub checking: u64,
    pub failed: u64,
    pub skipped: u64,
    /// The file that was started last, lossy text, unescaped.
    pub current: String,
    /// Bytes per second over the last seconds.
    pub rate: f64,
    /// Bytes that this run has moved itself, within `elapsed`; what was there before is not among
    /// them.
    pub moved: u64,
    pub elapsed: Duration,
    /// `None` until there is something to judge it by.
    pub remaining: Option<Duration>,
    /// Nothing has come from a server for so long, though something should have.
    pub silent: Option<Duration>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    #[default]
    Queued,
    /// Listing the sources; nothing is copied yet.
    Planning,
    /// Waiting for an answer about conflicts.
    Asking,
    /// Copying, perhaps while more is still being listed.
    Running,
    Paused,
    /// The connection was lost; it will be tried again.
    Waiting,
}

/// How a transfer, or a removal, ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcome {
    pub done: Totals,
    /// What was removed because the source does not have it.
    pub removed: u64,
    pub skipped: u64,
    pub failed: u64,
    /// Files that were not any more what the listing said once they had been copied; the copy may
    /// be of a file that never was.
    pub changed: u64,
}
