//! How files are written until they are whole: under which temporary names, and who has which. Does no
//! I/O.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, PoisonError},
};

use rand::Rng;

use super::{journal::Begun, step::CopyFile};
use crate::fs::{Error, FileSystem, FsId, Operation, RemotePath, WriteOptions, path::NAME_MAX};

/// Names that are tried where the temporary one is taken.
pub(super) const NAMES: u32 = 8;

/// The name under which `target` is written until it is whole: `.NAME.wharf-part` beside it,
/// shortened where that would be too long.
pub fn temporary(target: &RemotePath) -> RemotePath {
    let name = target.name().unwrap_or_default();
    let parent = target.parent().unwrap_or_else(RemotePath::root);
    let mut part = Vec::with_capacity(name.len() + 12);
    part.push(b'.');
    part.extend_from_slice(name);
    part.extend_from_slice(b".wharf-part");
    if part.len() > NAME_MAX {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        part = format!(".{:016x}.wharf-part", hasher.finish()).into_bytes();
    }
    parent.join(&part)
}

/// Permission bits of a file that is not whole yet.
const UNFINISHED_MODE: u32 = 0o600;

/// How a file is created that is to be whole before it has its name.
pub(super) fn unfinished(from: &dyn FileSystem, file: &CopyFile) -> WriteOptions {
    WriteOptions {
        exclusive: true,
        create_mode: Some(UNFINISHED_MODE),
        attributes: file.attributes.clone(),
        expected_size: file.size,
        // What is new can be copied again; what it replaces cannot be had back.
        sync: file.replace,
        source: source_of(from),
        ..WriteOptions::default()
    }
}

/// Where the bytes come from, if that is a server.
pub(super) fn source_of(from: &dyn FileSystem) -> Option<FsId> {
    from.capabilities().remote.then(|| from.id().clone())
}

/// Temporary names that copies of this program are writing to.
static CLAIMED: Mutex<BTreeSet<(FsId, RemotePath)>> = Mutex::new(BTreeSet::new());

/// A temporary name that is this copy's alone: another one to the same target has another, so
/// that neither clears away or renames what the other is writing. Given back when dropped.
pub struct Part {
    claim: (FsId, RemotePath),
    pub(super) left: Left,
    /// Where it was gone on with, at the furthest.
    pub(super) reached: u64,
}

/// What stands under a temporary name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    Nothing,
    /// Something of no use.
    Useless,
    /// An earlier try has written so much of it for certain, and perhaps more.
    Begun(u64),
}

impl Part {
    /// Claims a name beside `target`, [`temporary`]'s unless that is in use.
    pub fn claim(fs: &FsId, target: &RemotePath) -> Part {
        let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
        let mut claim = (fs.clone(), temporary(target));
        let mut number = 2u64;
        while !claimed.insert(claim.clone()) {
            let name = [target.name().unwrap_or_default(), format!(".{number}").as_bytes()].concat();
            claim.1 = temporary(&target.parent().unwrap_or_else(RemotePath::root).join(&name));
            number += 1;
        }
        Part { claim, left: Left::Nothing, reached: 0 }
    }

    /// The name that an earlier run of the same job has used for this file, to be written on; or
    /// one of its own where there was none.
    pub fn of(fs: &FsId, file: &CopyFile, begun: &Begun) -> Part {
        let item = begun.open.get(&file.source).filter(|item| item.target == file.target);
        let Some((item, path)) = item.and_then(|item| Some((item, item.part.clone()?))) else {
            return Part::claim(fs, &file.target);
        };
        let claim = (fs.clone(), path);
        if !CLAIMED.lock().unwrap_or_else(PoisonError::into_inner).insert(claim.clone()) {
            return Part::claim(fs, &file.target);
        }
        // Of a source that has changed, nothing is of use.
        let is_same = item.size == file.size && item.mtime == file.mtime;
        let left = if is_same { Left::Begun(item.offset) } else { Left::Useless };
        Part { claim, left, reached: 0 }
    }

    /// Takes another name, which nobody else has: something stands under this one that is not
    /// this copy's to remove.
    pub(super) fn renew(&mut self, target: &RemotePath) {
        let mark = format!(".{:08x}", rand::rng().random::<u32>());
        let name = [target.name().unwrap_or_default(), mark.as_bytes()].concat();
        let path = temporary(&target.parent().unwrap_or_else(RemotePath::root).join(&name));
        let fresh = (self.claim.0.clone(), path);
        let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.remove(&self.claim);
        claimed.insert(fresh.clone());
        self.claim = fresh;
    }

    pub fn path(&self) -> &RemotePath {
        &self.claim.1
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        CLAIMED.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.claim);
    }
}

/// Nobody asked for the temporary name, and a long one is not even recognised by it.
pub(super) fn about_target(error: Error, part: &RemotePath, target: &RemotePath) -> Error {
    if error.path() != Some(part) {
        return error;
    }
    let error = error.about(target);
    match error.operation() {
        Operation::Open | Operation::Rename => error.during(Operation::Write),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_copies_to_one_target_have_a_temporary_name_each() {
        let (fs, target) = (FsId::new("claims"), RemotePath::new("/a/b.txt"));
        let first = Part::claim(&fs, &target);
        let second = Part::claim(&fs, &target);
        assert_eq!(*first.path(), temporary(&target));
        assert_ne!(first.path(), second.path());
        assert_eq!(second.path().parent(), target.parent());
        drop(first);
        assert_eq!(*Part::claim(&fs, &target).path(), temporary(&target), "given back");
    }

    #[test]
    fn temporary_names_fit_and_differ() {
        assert_eq!(temporary(&RemotePath::new("/a/b.txt")), RemotePath::new("/a/.b.txt.wharf-part"));
        let long = |c: char| RemotePath::new(format!("/{}", c.to_string().repeat(250)));
        assert!(temporary(&long('x')).name().is_some_and(|n| n.len() <= NAME_MAX));
        assert_ne!(temporary(&long('x')), temporary(&long('y')));
    }
}
