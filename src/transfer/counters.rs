//! What a transfer has done and seen so far, counted by whoever does it and read from outside.
//! Must never decide anything.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{Totals, Verified};
use crate::fs::{Entry, Kind, RemotePath};

/// What is done so far, for whoever looks from outside.
#[derive(Default)]
pub struct Counters {
    pub files: AtomicU64,
    pub dirs: AtomicU64,
    pub links: AtomicU64,
    /// Bytes that targets have taken, also of files that fail later.
    pub bytes: AtomicU64,
    /// Bytes that this job has moved, also those that were for nothing: what a rate is taken of. What
    /// an earlier run has left is none of them. Never set back.
    pub carried: AtomicU64,
    /// Files that this job has done itself. Never set back.
    made: AtomicU64,
    pub failed: AtomicU64,
    /// What was removed because the source does not have it.
    pub removed: AtomicU64,
    /// Files that were not what the listing said when they were read.
    pub changed: AtomicU64,
    /// Items that are as they should be already.
    pub skipped: AtomicU64,
    /// Files of which what was written is being compared with what was read.
    pub checking: AtomicU64,
    /// Small things that came about and that nothing else counts; shared with what is done beside.
    pub(super) signs: Arc<AtomicU64>,
    pub found: Seen,
    /// What the plan holds so far.
    pub planned: Seen,
    /// Files whose checksums were compared, by the means. Kept when a run starts anew.
    verified: Mutex<BTreeMap<Verified, u64>>,
    current: Mutex<String>,
}

/// Items of each kind, and their bytes.
#[derive(Default)]
pub struct Seen {
    pub files: AtomicU64,
    pub dirs: AtomicU64,
    pub links: AtomicU64,
    pub bytes: AtomicU64,
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

pub(super) fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

impl Seen {
    fn totals(&self) -> Totals {
        Totals {
            files: get(&self.files),
            dirs: get(&self.dirs),
            links: get(&self.links),
            bytes: get(&self.bytes),
        }
    }
}

impl Counters {
    pub fn done(&self) -> Totals {
        Totals {
            files: get(&self.files),
            dirs: get(&self.dirs),
            links: get(&self.links),
            bytes: get(&self.bytes),
        }
    }

    /// What was listed at the sources.
    pub fn seen(&self) -> Totals {
        self.found.totals()
    }

    /// What is to be done, or was done by an earlier run, as far as it is planned.
    pub fn planned(&self) -> Totals {
        self.planned.totals()
    }

    /// Sets everything back, for another run of the same job.
    pub fn restart(&self) {
        let (found, planned) = (&self.found, &self.planned);
        for counter in [
            &self.skipped,
            &planned.files,
            &planned.dirs,
            &planned.links,
            &planned.bytes,
            &self.files,
            &self.dirs,
            &self.links,
            &self.bytes,
            &self.failed,
            &self.removed,
            &self.changed,
            &found.files,
            &found.dirs,
            &found.links,
            &found.bytes,
        ] {
            counter.store(0, Ordering::Relaxed);
        }
    }

    /// Counts for something that is done beside this and is not to be counted with it.
    pub fn beside(&self) -> Counters {
        Counters { signs: self.signs.clone(), ..Counters::default() }
    }

    /// Another number than before where anything has come about since.
    pub fn signs(&self) -> u64 {
        let sum = |totals: Totals| [totals.files, totals.dirs, totals.links, totals.bytes];
        let own = [&self.failed, &self.removed, &self.changed, &self.skipped, &self.signs].map(get);
        let all = own.into_iter().chain(sum(self.done())).chain(sum(self.seen()));
        all.fold(0, u64::wrapping_add)
    }

    /// Counts what an earlier run has done.
    pub fn count(&self, done: Totals) {
        add(&self.files, done.files);
        add(&self.dirs, done.dirs);
        add(&self.links, done.links);
        add(&self.bytes, done.bytes);
    }

    /// Counts a file that this run has done.
    pub(super) fn made(&self) {
        add(&self.files, 1);
        add(&self.made, 1);
    }

    /// Files that this job has done itself, in all of its runs.
    pub fn own_files(&self) -> u64 {
        get(&self.made)
    }

    /// Counts what is planned.
    pub(super) fn plan(&self, planned: Totals) {
        add(&self.planned.files, planned.files);
        add(&self.planned.dirs, planned.dirs);
        add(&self.planned.links, planned.links);
        add(&self.planned.bytes, planned.bytes);
    }

    /// Counts what a listing has shown.
    pub(super) fn see(&self, entry: &Entry) {
        let found = &self.found;
        match entry.kind {
            Kind::Dir => add(&found.dirs, 1),
            Kind::File => add(&found.files, 1),
            Kind::Symlink | Kind::Other => add(&found.links, 1),
        }
        if entry.kind == Kind::File {
            add(&found.bytes, entry.attributes.size.unwrap_or_default());
        }
    }

    pub fn failures(&self) -> u64 {
        get(&self.failed)
    }

    /// How many files were verified, by the means.
    pub fn verified(&self) -> Vec<(Verified, u64)> {
        let verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        verified.iter().map(|(by, files)| (by.clone(), *files)).collect()
    }

    pub(super) fn verify(&self, by: Verified) {
        *self.verified.lock().unwrap_or_else(PoisonError::into_inner).entry(by).or_default() += 1;
    }

    /// The name of the file that was started last.
    pub fn current(&self) -> String {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn start(&self, path: &RemotePath) {
        let name = String::from_utf8_lossy(path.name().unwrap_or_default()).into_owned();
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = name;
    }
}
