//! What a job has finished, in little room: there may be millions of files. Must do no I/O.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
};

use super::Item;
use crate::{
    fs::{RemotePath, Timestamp},
    transfer::Totals,
};

/// Stands for a size that is not known.
const NO_SIZE: u64 = u64::MAX;

/// Stands, as nanoseconds, for a time that is not known.
const NO_TIME: u32 = u32::MAX;

/// Finished items. Directories are kept once, names in one piece, and the name at the target only
/// where it is another.
#[derive(Clone, Debug, Default)]
pub struct Finished {
    hashing: RandomState,
    /// Records by the hash of their source. Where two had the same, only the later one would be
    /// known: the other is looked at again, which loses nothing.
    index: HashMap<u64, u32>,
    dirs: Vec<RemotePath>,
    dir_numbers: HashMap<RemotePath, u32>,
    names: Vec<u8>,
    records: Vec<Record>,
    totals: Totals,
}

#[derive(Clone, Copy, Debug)]
struct Record {
    /// Where its name begins; that at the target follows.
    name: u64,
    size: u64,
    seconds: i64,
    nanos: u32,
    dir: u32,
    target_dir: u32,
    /// The place in the request's list of file systems.
    on: u16,
    name_len: u16,
    /// None: it is the same.
    target_name_len: u16,
    replace: bool,
    /// Another one stands for the same source, or none.
    is_void: bool,
}

impl Finished {
    /// Takes in a finished item; hands it back where it is of a kind that does not fit.
    pub fn insert(&mut self, on: u32, source: &RemotePath, item: Item) -> Result<(), Item> {
        let Some(record) = self.record(on, source, &item) else { return Err(item) };
        self.remove(on, source);
        let Ok(number) = u32::try_from(self.records.len()) else { return Err(item) };
        self.totals.files += 1;
        self.totals.bytes = self.totals.bytes.saturating_add(item.size.unwrap_or_default());
        self.records.push(record);
        self.index.insert(self.hash(on, source), number);
        Ok(())
    }

    fn record(&mut self, on: u32, source: &RemotePath, item: &Item) -> Option<Record> {
        let (dir, name) = (source.parent()?, source.name()?);
        let (target_dir, target_name) = (item.target.parent()?, item.target.name()?);
        let target_name = if target_name == name { b"" } else { target_name };
        let record = Record {
            name: self.names.len() as u64,
            size: item.size.unwrap_or(NO_SIZE),
            seconds: item.mtime.map_or(0, |time| time.seconds),
            nanos: item.mtime.map_or(NO_TIME, |time| time.nanos),
            on: u16::try_from(on).ok()?,
            name_len: u16::try_from(name.len()).ok()?,
            target_name_len: u16::try_from(target_name.len()).ok()?,
            dir: self.dir(dir)?,
            target_dir: self.dir(target_dir)?,
            replace: item.replace,
            is_void: false,
        };
        self.names.extend_from_slice(name);
        self.names.extend_from_slice(target_name);
        Some(record)
    }

    fn dir(&mut self, path: RemotePath) -> Option<u32> {
        if let Some(number) = self.dir_numbers.get(&path) {
            return Some(*number);
        }
        let number = u32::try_from(self.dirs.len()).ok()?;
        self.dirs.push(path.clone());
        self.dir_numbers.insert(path, number);
        Some(number)
    }

    fn hash(&self, on: u32, source: &RemotePath) -> u64 {
        self.hashing.hash_one((on, source.as_bytes()))
    }

    fn find(&self, on: u32, source: &RemotePath) -> Option<usize> {
        let number = *self.index.get(&self.hash(on, source))? as usize;
        let record = self.records.get(number)?;
        (u32::from(record.on) == on && self.source(record)? == *source).then_some(number)
    }

    fn bytes(&self, from: usize, len: u16) -> Option<&[u8]> {
        self.names.get(from..from + usize::from(len))
    }

    fn source(&self, record: &Record) -> Option<RemotePath> {
        let name = self.bytes(record.name as usize, record.name_len)?;
        Some(self.dirs.get(record.dir as usize)?.join(name))
    }

    fn target(&self, record: &Record) -> Option<RemotePath> {
        let start = record.name as usize;
        let name = match record.target_name_len {
            0 => self.bytes(start, record.name_len)?,
            len => self.bytes(start + usize::from(record.name_len), len)?,
        };
        Some(self.dirs.get(record.target_dir as usize)?.join(name))
    }

    /// What was finished of a source.
    pub fn get(&self, on: u32, source: &RemotePath) -> Option<Item> {
        self.item(self.records.get(self.find(on, source)?)?)
    }

    fn item(&self, record: &Record) -> Option<Item> {
        let Record { size, seconds, nanos, replace, .. } = *record;
        Some(Item {
            target: self.target(record)?,
            part: None,
            size: Some(size).filter(|size| *size != NO_SIZE),
            mtime: (nanos != NO_TIME).then_some(Timestamp { seconds, nanos }),
            replace,
            offset: 0,
            done: true,
            number: 0,
        })
    }

    /// Forgets a source; false where it was not known.
    pub fn remove(&mut self, on: u32, source: &RemotePath) -> bool {
        let Some(number) = self.find(on, source) else { return false };
        self.index.remove(&self.hash(on, source));
        if let Some(record) = self.records.get_mut(number) {
            record.is_void = true;
            self.totals.files -= 1;
            let size = if record.size == NO_SIZE { 0 } else { record.size };
            self.totals.bytes = self.totals.bytes.saturating_sub(size);
        }
        true
    }

    /// Takes in all of another one.
    pub fn absorb(&mut self, other: Finished) {
        for record in other.live() {
            if let (Some(source), Some(item)) = (other.source(record), other.item(record)) {
                // What fitted there fits here.
                let _ = self.insert(record.on.into(), &source, item);
            }
        }
    }

    fn live(&self) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(|record| !record.is_void)
    }

    /// Where the files of one file system have gone, links left out.
    pub fn targets(&self, on: u32) -> impl Iterator<Item = RemotePath> {
        let files = self.live().filter(move |record| u32::from(record.on) == on && record.size != NO_SIZE);
        files.filter_map(|record| self.target(record))
    }

    /// The directories that they have gone to.
    pub fn target_dirs(&self, on: u32) -> impl Iterator<Item = &RemotePath> {
        let mut is_used = vec![false; self.dirs.len()];
        for record in self.live().filter(|record| u32::from(record.on) == on) {
            if let Some(is_used) = is_used.get_mut(record.target_dir as usize) {
                *is_used = true;
            }
        }
        self.dirs.iter().zip(is_used).filter_map(|(dir, is_used)| is_used.then_some(dir))
    }

    /// How many there are, and their bytes.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    pub fn is_empty(&self) -> bool {
        self.totals.files == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RemotePath {
        RemotePath::new(text)
    }

    fn item(target: &str, size: Option<u64>) -> Item {
        Item {
            target: path(target),
            part: None,
            size,
            mtime: size.map(|_| Timestamp { seconds: -7, nanos: 5 }),
            replace: size == Some(3),
            offset: 0,
            done: true,
            number: 0,
        }
    }

    #[test]
    fn what_goes_in_comes_out() {
        let mut finished = Finished::default();
        let items = [
            ("/from/a", item("/to/a", Some(3))),
            ("/from/b", item("/to/b (1)", Some(0))),
            ("/c", item("/elsewhere/deep/c", None)),
        ];
        for (source, item) in &items {
            assert!(finished.insert(1, &path(source), item.clone()).is_ok());
        }
        for (source, item) in &items {
            assert_eq!(finished.get(1, &path(source)).as_ref(), Some(item));
            assert_eq!(finished.get(0, &path(source)), None, "of another file system");
        }
        assert_eq!(finished.get(1, &path("/from/c")), None);
        assert_eq!((finished.totals().files, finished.totals().bytes), (3, 3));
        assert_eq!(finished.targets(1).collect::<Vec<_>>(), [path("/to/a"), path("/to/b (1)")]);
        assert_eq!(finished.target_dirs(1).collect::<Vec<_>>(), [&path("/to"), &path("/elsewhere/deep")]);
    }

    #[test]
    fn the_latest_of_a_source_counts() {
        let mut first = Finished::default();
        first.insert(0, &path("/a"), item("/old", Some(5))).unwrap();
        first.insert(0, &path("/a"), item("/new", Some(7))).unwrap();
        assert_eq!(first.get(0, &path("/a")).map(|item| item.target), Some(path("/new")));
        assert_eq!((first.totals().files, first.totals().bytes), (1, 7));
        let mut second = Finished::default();
        second.insert(0, &path("/a"), item("/newest", Some(9))).unwrap();
        second.insert(0, &path("/b"), item("/b", Some(1))).unwrap();
        assert!(second.remove(0, &path("/b")) && !second.remove(0, &path("/b")));
        first.absorb(second);
        assert_eq!(first.get(0, &path("/a")).map(|item| item.target), Some(path("/newest")));
        assert_eq!((first.totals().files, first.totals().bytes), (1, 9));
    }

    #[test]
    fn what_does_not_fit_is_handed_back() {
        let mut finished = Finished::default();
        let long = path(&format!("/{}", "x".repeat(70_000)));
        assert!(finished.insert(0, &long, item("/to", Some(1))).is_err());
        assert!(finished.insert(0, &path("/a"), item("/", Some(1))).is_err());
        assert!(finished.is_empty());
    }
}
