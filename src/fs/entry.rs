//! What a directory holds: entries, their kinds and attributes, and the orders to show them in.
//! Must never do I/O.

use std::{cmp::Ordering, sync::Arc, time::Duration};

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    File,
    Dir,
    Symlink,
    /// A device, socket, pipe, or something the server could not name.
    Other,
}

/// A point in time: seconds since 1970-01-01 UTC and nanoseconds within the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    pub seconds: i64,
    pub nanos: u32,
}

impl Timestamp {
    pub const fn from_seconds(seconds: i64) -> Self {
        Timestamp { seconds, nanos: 0 }
    }
}

/// How exact a modification time is. Finest first, so that the coarser of two is their `max`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    /// A second or better, which is all that most protocols have.
    #[default]
    Second,
    /// The seconds are not known and given as 0.
    Minute,
    /// The time of day is not known and given as midnight in the server's zone.
    Day,
}

impl Precision {
    /// How far the real time may lie behind the one that is given.
    pub const fn span(self) -> Duration {
        Duration::from_secs(match self {
            Precision::Second => 0,
            Precision::Minute => 60,
            Precision::Day => 86_400,
        })
    }
}

/// What is known of a file beside its name. `None` is "the server did not say", never zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Bytes.
    pub size: Option<u64>,
    pub mtime: Option<Timestamp>,
    pub atime: Option<Timestamp>,
    /// Permission bits including set-id and sticky (`0o7777`), without the file type.
    pub mode: Option<u32>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
}

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name's bytes: one path component, checked by whoever listed it.
    pub name: Box<[u8]>,
    pub kind: Kind,
    pub attributes: Attributes,
    /// How exact `attributes.mtime` is.
    pub mtime_precision: Precision,
    /// Owner's and group's names as the server printed them, if it did.
    pub owner: Option<Arc<str>>,
    pub group: Option<Arc<str>>,
    /// Where a symlink points, when that was asked for.
    pub target: Option<Box<[u8]>>,
    /// What a symlink leads to, when that is known.
    pub target_kind: Option<Kind>,
    /// What something of [`Kind::Other`] is, by the letter of `ls -l`: `p`, `s`, `b` or `c`, when
    /// that is known.
    pub special: Option<char>,
    /// Device and inode of a file that has other names as well, when that is known.
    pub identity: Option<(u64, u64)>,
}

impl Entry {
    pub fn new(name: impl Into<Box<[u8]>>, kind: Kind) -> Self {
        Entry {
            name: name.into(),
            kind,
            attributes: Attributes::default(),
            mtime_precision: Precision::default(),
            owner: None,
            group: None,
            target: None,
            target_kind: None,
            special: None,
            identity: None,
        }
    }

    /// A directory, or a symlink that is known to lead to one.
    pub fn is_dir_like(&self) -> bool {
        self.kind == Kind::Dir || self.target_kind == Some(Kind::Dir)
    }

    pub fn is_hidden(&self) -> bool {
        self.name.starts_with(b".")
    }

    /// The extension with its dot, lower case; empty for directories, for names without one
    /// and for dot-files.
    pub fn extension(&self) -> Vec<u8> {
        if self.is_dir_like() {
            return Vec::new();
        }
        match self.name.iter().rposition(|b| *b == b'.') {
            Some(dot) if dot > 0 => self.name[dot..].to_ascii_lowercase(),
            _ => Vec::new(),
        }
    }
}

/// The letter of `ls -l` for what is neither file, directory nor link, by the file types of `stat`.
pub fn special_of(mode: u32) -> Option<char> {
    match mode & 0o170_000 {
        0o010_000 => Some('p'),
        0o020_000 => Some('c'),
        0o060_000 => Some('b'),
        0o140_000 => Some('s'),
        _ => None,
    }
}

/// What a listing is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SortKey {
    /// Natural order: `file2` before `file10`, without regard to case.
    Name,
    Size,
    Modified,
    Extension,
}

/// An order for a listing. Directories come first whatever the direction, unless told not to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    pub key: SortKey,
    pub descending: bool,
    pub dirs_first: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Sort { key: SortKey::Name, descending: false, dirs_first: true }
    }
}

/// A byte string that sorts by plain comparison the way [`SortKey::Name`] wants: computed once
/// per name, so that 100,000 names sort without parsing digits in every comparison.
pub fn natural_key(name: &[u8]) -> Box<[u8]> {
    let folded;
    let text: &[u8] = match std::str::from_utf8(name) {
        Ok(text) => {
            folded = text.to_lowercase();
            folded.as_bytes()
        }
        Err(_) => name,
    };
    let mut key = Vec::with_capacity(text.len() + 4);
    let mut rest = text;
    while let Some(&byte) = rest.first() {
        if byte.is_ascii_digit() {
            let run = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            let digits = &rest[..run];
            let zeros = digits.iter().take_while(|b| **b == b'0').count().min(run - 1);
            // A longer number is a larger one: its length leads. '0' keeps numbers where
            // digits stand among other characters.
            key.push(b'0');
            key.push((run - zeros).min(255) as u8);
            key.extend_from_slice(&digits[zeros..]);
            rest = &rest[run..];
        } else {
            key.push(byte);
            rest = &rest[1..];
        }
    }
    key.into()
}

/// Compares two entries by `sort`; `left_key` and `right_key` are their [`natural_key`]s.
/// A total order: ties end at the raw name.
pub fn compare(sort: Sort, left: &Entry, left_key: &[u8], right: &Entry, right_key: &[u8]) -> Ordering {
    if sort.dirs_first && left.is_dir_like() != right.is_dir_like() {
        return right.is_dir_like().cmp(&left.is_dir_like());
    }
    let by_name = || left_key.cmp(right_key).then_with(|| left.name.cmp(&right.name));
    let directed = |order: Ordering| if sort.descending { order.reverse() } else { order };
    match sort.key {
        SortKey::Name => directed(by_name()),
        SortKey::Size => directed(left.attributes.size.cmp(&right.attributes.size)).then_with(by_name),
        SortKey::Modified => directed(left.attributes.mtime.cmp(&right.attributes.mtime)).then_with(by_name),
        SortKey::Extension => directed(left.extension().cmp(&right.extension())).then_with(by_name),
    }
}

/// What the owner and the group of a file are called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnerNames {
    pub owner: Option<Arc<str>>,
    pub group: Option<Arc<str>>,
}

/// Free and total space of the volume that holds a path, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    pub free: u64,
    pub total: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(names: &[&str], sort: Sort) -> Vec<String> {
        let mut entries: Vec<Entry> = names
            .iter()
            .map(|n| match n.strip_suffix('/') {
                Some(dir) => Entry::new(dir.as_bytes(), Kind::Dir),
                None => Entry::new(n.as_bytes(), Kind::File),
            })
            .collect();
        entries.sort_by(|a, b| compare(sort, a, &natural_key(&a.name), b, &natural_key(&b.name)));
        entries.iter().map(|e| String::from_utf8_lossy(&e.name).into_owned()).collect()
    }

    #[test]
    fn names_sort_naturally() {
        assert_eq!(
            sorted(&["file10", "File2", "file1", "zoo/", "file", "a"], Sort::default()),
            ["zoo", "a", "file", "file1", "File2", "file10"]
        );
    }

    #[test]
    fn extension_ignores_dot_files() {
        assert!(Entry::new(&b".bashrc"[..], Kind::File).extension().is_empty());
        assert_eq!(Entry::new(&b"a.TAR.GZ"[..], Kind::File).extension(), b".gz");
    }

    #[test]
    fn directories_stay_first_when_descending() {
        let sort = Sort { descending: true, ..Sort::default() };
        assert_eq!(sorted(&["a", "b/", "c"], sort), ["b", "c", "a"]);
    }
}
