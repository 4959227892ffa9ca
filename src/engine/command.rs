//! What the engine can be told, and what it is answered. Plain data; must do nothing.

use super::{Draft, JobId, PutBack, QuestionId};
use crate::{
    fs::{Algorithm, FsId, Location, Needle, Place, RemotePath},
    transfer::{Change, Decisions, Request, find::Query, rename::NewName},
    trust,
};

/// What the engine is told.
#[derive(Clone, Debug)]
pub enum Command {
    /// Reach a place and find its path: `Connected`, then `Done`. A place that is connected
    /// already is not connected again. `Connected` names a path that need not exist.
    Open {
        job: JobId,
        place: Place,
    },
    /// List a directory: `Entries` in batches, `Space` if known, then `Done`.
    List {
        job: JobId,
        location: Location,
    },
    /// Look at one path, symlinks not followed: `Entries` with one entry, then `Done`.
    Stat {
        job: JobId,
        location: Location,
    },
    /// Copy: perhaps `Ask`, `Planned` once all is listed, `ItemFailed` per failure, then `Done`. The
    /// copying starts before that. Progress aside.
    Copy {
        job: JobId,
        request: Request,
    },
    /// What `Copy` would do: `Steps` in batches, `ItemFailed` for what is refused, then `Done`.
    /// Conflicts that would be asked about count as refused.
    Plan {
        job: JobId,
        request: Request,
    },
    /// List two directories to their depths and tell how they differ: `Compared` in batches,
    /// `ItemFailed` for what could not be listed, then `Done`. With `content`, files of the same
    /// size are read on both sides.
    Compare {
        job: JobId,
        left: Location,
        right: Location,
        content: bool,
    },
    /// Create a directory; with `parents`, those above it as well, and one that exists is no error.
    CreateDir {
        job: JobId,
        location: Location,
        parents: bool,
    },
    /// Create an empty file where there is nothing.
    CreateFile {
        job: JobId,
        location: Location,
    },
    /// Set permissions, owners or times: `ItemFailed` per failure, then `Done`. A symlink among
    /// `items` is followed. With `recursive`, what is below directories as well; links there are
    /// not followed.
    SetAttributes {
        job: JobId,
        items: Vec<Location>,
        change: Change,
        recursive: bool,
    },
    /// Create a symlink at `location` that holds `target`.
    Symlink {
        job: JobId,
        location: Location,
        target: Vec<u8>,
    },
    /// Give the file at `location` a second name.
    HardLink {
        job: JobId,
        location: Location,
        to: RemotePath,
    },
    /// Resolve all symlinks: `Resolved`, then `Done`.
    Canonicalize {
        job: JobId,
        location: Location,
    },
    /// Compute a checksum, on the server if it does that: `Checksum`, then `Done`.
    Checksum {
        job: JobId,
        location: Location,
        algorithm: Algorithm,
    },
    /// Run a line for the shell in the directory `location`: `Output` as it comes, the way it
    /// ended as the last, then `Done`.
    Execute {
        job: JobId,
        location: Location,
        command: Vec<u8>,
    },
    /// Open a shell in a directory of a server, on a terminal of `size` columns and rows and of the
    /// kind `term`: `Done`, and then [`Engine::take_terminal`] has it.
    Terminal {
        job: JobId,
        location: Location,
        size: (u16, u16),
        term: String,
    },
    /// Read a file: `Data` in order, then `Done`. With a length, only so many bytes from `offset`
    /// on, and `Entries` with what the file is now comes along.
    Read {
        job: JobId,
        location: Location,
        offset: u64,
        length: Option<u64>,
    },
    /// Look for bytes in a file from `from` on, or backward in what is before it: `Searched` as it
    /// goes, `Found`, then `Done`.
    Search {
        job: JobId,
        location: Location,
        needle: Needle,
        from: u64,
        backward: bool,
    },
    /// Look for names below a directory: `Matches` and `Scanned` as it goes, `ItemFailed` per
    /// directory that cannot be listed, then `Done`. Symlinks are not followed.
    Find {
        job: JobId,
        location: Location,
        query: Query,
    },
    /// Sum up what directories hold: `Measured` for each, more than once, `ItemFailed` per
    /// directory that cannot be listed, then `Done`. Symlinks are not followed.
    Measure {
        job: JobId,
        items: Vec<Location>,
    },
    /// Fetch a file to be edited on this machine, or only to be opened there until the program
    /// ends: `Fetched`, then `Done`.
    Fetch {
        job: JobId,
        location: Location,
        to_open: bool,
    },
    /// Put a draft back: perhaps `ItemFailed`, `Draft` with what became of it, then `Done`.
    /// Progress aside.
    PutBack {
        job: JobId,
        draft: Box<Draft>,
        how: PutBack,
    },
    /// Log in to a place anew, list it, and leave: `Connected`, `Entries`, then `Done`. Sessions
    /// that are there are not used and stay as they are.
    Test {
        job: JobId,
        place: Place,
    },
    /// Ask ssh_config for its hosts: `Hosts`, then `Done`.
    Hosts {
        job: JobId,
    },
    /// Ask for the space where `location` is: `Space`, then `Done`.
    Space {
        job: JobId,
        location: Location,
    },
    /// Rename within one file system; never replaces anything.
    Rename {
        job: JobId,
        from: Location,
        to: RemotePath,
    },
    /// Rename items of one folder, each from a name to another, be it one that another of them
    /// has now: `ItemFailed` per failure, then `Done`. Never replaces anything.
    RenameAll {
        job: JobId,
        folder: Location,
        names: Vec<NewName>,
    },
    /// Remove, directories with all that they hold; links are removed, never followed.
    Remove {
        job: JobId,
        items: Vec<Location>,
    },
    Answer {
        question: QuestionId,
        answer: Answer,
    },
    /// These file systems are on the screen, and no others: what is lost of them is connected
    /// again without being asked.
    Show {
        shown: Vec<FsId>,
    },
    /// Hold a transfer, or let it go on. What is on its way still arrives.
    Pause {
        job: JobId,
        paused: bool,
    },
    /// Move a transfer that waits for its turn past its neighbour in the line.
    Reorder {
        job: JobId,
        up: bool,
    },
    /// Change the rate, in bytes per second, of one transfer or of all together.
    Limit {
        job: Option<JobId>,
        rate: Option<u64>,
    },
    /// What was interrupted, or has items that failed: `Stored`, then `Done`.
    Stored {
        job: JobId,
    },
    /// Go on with an interrupted transfer, and try again what has failed: as `Copy`.
    Resume {
        job: JobId,
        id: String,
    },
    /// Try again what has failed of an interrupted transfer, `items` of it or all, and nothing else: as
    /// `Copy`. `Resumable` where there is more to be done; the sources of a move stay until all of it
    /// is there.
    Retry {
        job: JobId,
        id: String,
        items: Vec<Location>,
    },
    /// Forget an interrupted transfer and remove the parts that it has left: `Done`.
    Discard {
        job: JobId,
        id: String,
    },
    /// Stop this job as `Cancel` does, but leave what there is of a transfer, so that it can go on.
    Interrupt {
        job: JobId,
    },
    /// Stop this job: it ends with `Cancelled` unless it had ended already. A transfer leaves no
    /// part of a file behind, and is forgotten.
    Cancel {
        job: JobId,
    },
}

#[derive(Clone, Debug)]
pub enum Answer {
    Trust(trust::Answer),
    /// `None` gives the job up.
    Conflicts(Option<Decisions>),
}
