//! What was lately seen of directories: spares asking again whether a name is taken, and listing
//! a directory anew for each look at one of its files. Bounded, and forgets soon. Does no I/O.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::fs::{Entry, RemotePath};

/// How long a listing says which names are taken. Somebody else may take one meanwhile: FTP has no
/// way to create a file only where there is none, so that asking just before leaves a gap too.
const LISTED: Duration = Duration::from_secs(10);

/// The same for a directory that was created here: nobody else has a reason to be in it yet.
const CREATED: Duration = Duration::from_secs(60);

/// How long what a listing said of a file itself is believed.
const EXACT: Duration = Duration::from_secs(3);

/// Directories and names that are kept.
const MOST_DIRECTORIES: usize = 1024;
const MOST_NAMES: usize = 100_000;

#[derive(Default)]
pub struct Known {
    directories: Mutex<Directories>,
}

#[derive(Default)]
struct Directories {
    by_path: HashMap<RemotePath, Directory>,
    names: usize,
}

struct Directory {
    /// `None` where only the name is known.
    entries: HashMap<Box<[u8]>, Option<Entry>>,
    at: Instant,
    good_for: Duration,
}

/// Whether a name is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    Unknown,
    Free,
    /// By this, if that is still known.
    Taken(Option<Entry>),
}

impl Directories {
    fn forget(&mut self, path: &RemotePath) {
        if let Some(gone) = self.by_path.remove(path) {
            self.names -= gone.entries.len();
        }
    }

    fn put(&mut self, path: &RemotePath, directory: Directory) {
        self.forget(path);
        if directory.entries.len() > MOST_NAMES / 4 {
            return;
        }
        while self.by_path.len() >= MOST_DIRECTORIES || self.names + directory.entries.len() > MOST_NAMES {
            let Some(oldest) = self.by_path.iter().min_by_key(|(_, d)| d.at).map(|(path, _)| path.clone())
            else {
                break;
            };
            self.forget(&oldest);
        }
        self.names += directory.entries.len();
        self.by_path.insert(path.clone(), directory);
    }

    fn parent_of(&mut self, path: &RemotePath) -> Option<(&mut Directory, Box<[u8]>, &mut usize)> {
        let name: Box<[u8]> = path.name()?.into();
        let directory = self.by_path.get_mut(&path.parent()?)?;
        Some((directory, name, &mut self.names))
    }
}

impl Known {
    fn lock(&self) -> MutexGuard<'_, Directories> {
        self.directories.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that `path` holds, as it was when the listing was asked for at `at`.
    pub fn listed(&self, path: &RemotePath, entries: Vec<Entry>, at: Instant) {
        let entries = entries.into_iter().map(|entry| (entry.name.clone(), Some(entry))).collect();
        self.lock().put(path, Directory { entries, at, good_for: LISTED });
    }

    pub fn created_directory(&self, path: &RemotePath) {
        self.added(path);
        let entries = HashMap::new();
        self.lock().put(path, Directory { entries, at: Instant::now(), good_for: CREATED });
    }

    /// A name came, or what is there has changed.
    pub fn added(&self, path: &RemotePath) {
        if let Some((directory, name, names)) = self.lock().parent_of(path)
            && directory.entries.insert(name, None).is_none()
        {
            *names += 1;
        }
    }

    /// What was known of the file or directory itself may no longer hold.
    pub fn changed(&self, path: &RemotePath) {
        if let Some((directory, name, _)) = self.lock().parent_of(path)
            && let Some(entry) = directory.entries.get_mut(&name)
        {
            *entry = None;
        }
    }

    /// Whether `path` was listed or created as a directory.
    pub fn is_directory(&self, path: &RemotePath) -> bool {
        self.lock().by_path.contains_key(path)
    }

    /// A name went, with all below it.
    pub fn removed(&self, path: &RemotePath) {
        let mut directories = self.lock();
        if let Some((directory, name, names)) = directories.parent_of(path)
            && directory.entries.remove(&name).is_some()
        {
            *names -= 1;
        }
        let below: Vec<RemotePath> =
            directories.by_path.keys().filter(|p| p.is_within(path)).cloned().collect();
        below.iter().for_each(|path| directories.forget(path));
    }

    pub fn renamed(&self, from: &RemotePath, to: &RemotePath) {
        self.removed(from);
        self.removed(to);
        self.added(to);
    }

    /// Nothing is known any more of the directory that holds `path`.
    pub fn doubt(&self, path: &RemotePath) {
        if let Some(parent) = path.parent() {
            self.lock().forget(&parent);
        }
    }

    pub fn look(&self, path: &RemotePath) -> Look {
        let mut directories = self.lock();
        let Some((directory, name, _)) = directories.parent_of(path) else { return Look::Unknown };
        let age = directory.at.elapsed();
        if age > directory.good_for {
            return Look::Unknown;
        }
        match directory.entries.get(&name) {
            None => Look::Free,
            Some(entry) => Look::Taken(entry.clone().filter(|_| age <= EXACT)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::Kind;

    fn path(text: &str) -> RemotePath {
        RemotePath::new(text)
    }

    #[test]
    fn knows_what_was_listed_and_what_was_done_since() {
        let known = Known::default();
        assert_eq!(known.look(&path("/d/a")), Look::Unknown);
        let entry = Entry::new(&b"a"[..], Kind::File);
        known.listed(&path("/d"), vec![entry.clone()], Instant::now());
        assert_eq!(known.look(&path("/d/a")), Look::Taken(Some(entry)));
        assert_eq!(known.look(&path("/d/b")), Look::Free);
        known.renamed(&path("/d/a"), &path("/d/b"));
        assert_eq!(known.look(&path("/d/a")), Look::Free);
        assert_eq!(known.look(&path("/d/b")), Look::Taken(None));
        known.created_directory(&path("/d/new"));
        assert_eq!(known.look(&path("/d/new/x")), Look::Free);
        known.removed(&path("/d/new"));
        assert_eq!(known.look(&path("/d/new/x")), Look::Unknown);
        known.doubt(&path("/d/b"));
        assert_eq!(known.look(&path("/d/b")), Look::Unknown);
        assert_eq!(known.lock().names, 0);
    }

    #[test]
    fn stays_small() {
        let known = Known::default();
        for i in 0..2 * MOST_DIRECTORIES {
            known.created_directory(&path(&format!("/{i}")));
        }
        for i in 0..40 {
            let entries = (0..10_000).map(|n| Entry::new(n.to_string().into_bytes(), Kind::File)).collect();
            known.listed(&path(&format!("/big{i}")), entries, Instant::now());
        }
        let directories = known.lock();
        assert!(directories.by_path.len() <= MOST_DIRECTORIES && directories.names <= MOST_NAMES);
        assert_eq!(directories.names, directories.by_path.values().map(|d| d.entries.len()).sum::<usize>());
    }

    #[test]
    fn old_listings_are_not_believed() {
        let known = Known::default();
        let Some(long_ago) = Instant::now().checked_sub(Duration::from_secs(5)) else { return };
        known.listed(&path("/d"), vec![Entry::new(&b"a"[..], Kind::File)], long_ago);
        assert_eq!(known.look(&path("/d/a")), Look::Taken(None), "the name, but no more than that");
        let Some(long_ago) = Instant::now().checked_sub(Duration::from_secs(60)) else { return };
        known.listed(&path("/d"), vec![Entry::new(&b"a"[..], Kind::File)], long_ago);
        assert_eq!(known.look(&path("/d/a")), Look::Unknown);
    }
}
