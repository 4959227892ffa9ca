//! The steps that a plan consists of. Plain data.

use crate::fs::{Attributes, Kind, RemotePath, Timestamp};

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
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyFile {
    pub source: RemotePath,
    pub target: RemotePath,
    /// As listed.
    pub size: Option<u64>,
    pub mtime: Option<Timestamp>,
    /// What the target gets.
    pub attributes: Attributes,
    /// Something is there already that the policy allows to replace.
    pub replace: bool,
    /// The checksums are compared before it gets its name.
    pub verify: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyLink {
    pub source: RemotePath,
    pub path: RemotePath,
    /// `None` where the listing did not tell: it is read when its turn comes.
    pub target: Option<Vec<u8>>,
    pub replace: bool,
}
