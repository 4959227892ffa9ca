//! The steps that a plan consists of. Plain data.

use std::collections::HashSet;

use crate::fs::{Attributes, Kind, Precision, RemotePath, Timestamp};

/// One thing to do. The order of a plan's steps is an order in which they can be done;
/// directories come before what they hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    CreateDir(CreateDir),
    Copy(CopyFile),
    Link(CopyLink),
    /// Times and permissions of a directory, once its contents are there, or of a file whose
    /// content is the same already.
    SetAttributes {
        path: RemotePath,
        attributes: Attributes,
    },
    /// What the source does not have. Each item of a directory is a step of its own and comes
    /// before the directory.
    Remove {
        path: RemotePath,
        kind: Kind,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateDir {
    pub path: RemotePath,
    /// Permission bits to be created with: the owner may always write while copying.
    pub mode: Option<u32>,
    /// Another directory of the source would stand beside it whose name some targets take for the
    /// same.
    pub twin: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyFile {
    pub source: RemotePath,
    pub target: RemotePath,
    /// As listed.
    pub size: Option<u64>,
    pub mtime: Option<Timestamp>,
    /// How exact that time is.
    pub mtime_precision: Precision,
    /// What the target gets.
    pub attributes: Attributes,
    /// Something is there already that the policy allows to replace.
    pub replace: bool,
    /// The checksums are compared before it gets its name.
    pub verify: bool,
    /// So much of it stands at the target already: the rest is written behind that.
    pub resume: Option<u64>,
    /// Device and inode, where it may be another name of a file that is copied as well.
    pub identity: Option<(u64, u64)>,
    /// The source goes once it has arrived.
    pub moves: bool,
}

/// Another name of a file that is copied as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HardLink {
    /// How to copy it where it cannot be linked.
    pub file: CopyFile,
    /// Where the file is copied to, and the source, which must have arrived.
    pub first: RemotePath,
    pub first_source: RemotePath,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyLink {
    pub source: RemotePath,
    pub path: RemotePath,
    /// `None` where the listing did not tell: it is read when its turn comes.
    pub target: Option<Vec<u8>>,
    pub replace: bool,
    /// The source goes once it has arrived.
    pub moves: bool,
}

/// What a run leaves for when all files are there.
#[derive(Clone, Debug, Default)]
pub struct Later {
    pub links: Vec<CopyLink>,
    /// Directories that could not be made: nothing can be set on them.
    pub missing: HashSet<RemotePath>,
}
