//! The review of conflicts: what would land on what, and what was decided about each. Plain data;
//! must answer nothing itself.

use std::{cmp::Ordering, collections::HashMap};

use super::rows::{Place, Sieve};
use crate::{
    fs::{Location, RemotePath},
    transfer::{Conflict, Decisions, OnConflict, sync::natural},
};

/// The review, as it stands.
#[derive(Clone, Debug)]
pub struct Review {
    pub shown: Vec<Conflict>,
    /// So many there are, shown or not.
    pub count: u64,
    /// What was decided about each that is shown by itself.
    own: Vec<Option<OnConflict>>,
    /// What was decided about all the others.
    pub rest: Option<OnConflict>,
    /// The directory that all of them are in.
    base: RemotePath,
    pub sieve: Sieve,
    /// Those that the sieve lets through.
    pub found: Vec<usize>,
    pub place: Place,
}

/// How many conflicts come to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub overwrite: u64,
    pub skip: u64,
    pub both: u64,
    /// Overwritten only where the source is newer.
    pub newer: u64,
    /// Overwritten only where it is different.
    pub different: u64,
    /// Written on where it is the beginning of what is copied.
    pub complete: u64,
    pub undecided: u64,
}

/// Which of the two is the newer and the larger one: the source, seen from the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Against {
    pub time: Option<Ordering>,
    pub size: Option<Ordering>,
}

impl Against {
    pub fn of(conflict: &Conflict) -> Against {
        let (source, target) = (&conflict.source_entry, &conflict.target_entry);
        let (here, there) = (&source.attributes, &target.attributes);
        let span = source.mtime_precision.max(target.mtime_precision).span().as_secs().max(1);
        Against {
            time: here.mtime.zip(there.mtime).map(|(here, there)| {
                let apart = here.seconds.abs_diff(there.seconds);
                if apart < span { Ordering::Equal } else { here.cmp(&there) }
            }),
            size: here.size.zip(there.size).map(|(here, there)| here.cmp(&there)),
        }
    }
}

/// Folder by folder.
fn by_path(a: &RemotePath, b: &RemotePath) -> Ordering {
    fn split(path: &RemotePath) -> (&[u8], &[u8]) {
        let name = path.name().unwrap_or_default();
        path.as_bytes().split_at(path.as_bytes().len() - name.len())
    }
    let ((dir, name), (other_dir, other_name)) = (split(a), split(b));
    natural(dir, other_dir).then_with(|| natural(name, other_name))
}

impl Review {
    pub fn new(mut shown: Vec<Conflict>, count: u64) -> Review {
        // Servers list in any order.
        shown.sort_by(|a, b| by_path(&a.target.path, &b.target.path));
        let mut base = shown.first().and_then(|first| first.target.path.parent());
        for conflict in &shown {
            while let Some(dir) = &base
                && !conflict.target.path.is_within(dir)
            {
                base = dir.parent();
            }
        }
        let mut review = Review {
            own: vec![None; shown.len()],
            shown,
            count,
            rest: None,
            base: base.unwrap_or_else(RemotePath::root),
            sieve: Sieve::default(),
            found: Vec::new(),
            place: Place::default(),
        };
        review.search();
        review
    }

    /// The directory that all of them are in, which their names leave out.
    pub fn folder(&self) -> Option<Location> {
        self.shown.first().map(|first| Location::new(first.target.fs.clone(), self.base.clone()))
    }

    /// The name of a conflict below the directory that all are in.
    pub fn name(&self, at: usize) -> &[u8] {
        let path = self.shown.get(at).map(|conflict| &conflict.target.path);
        path.and_then(|path| path.strip_prefix(&self.base)).unwrap_or_default()
    }

    /// Finds anew what the sieve lets through.
    pub fn search(&mut self) {
        let passes = self.sieve.test();
        self.found = (0..self.shown.len()).filter(|at| passes(self.name(*at))).collect();
    }

    /// The conflict under the cursor.
    pub fn current(&self) -> Option<usize> {
        self.found.get(self.place.cursor).copied()
    }

    pub fn own(&self, at: usize) -> Option<OnConflict> {
        self.own.get(at).copied().flatten()
    }

    /// What becomes of a conflict as things stand.
    pub fn answer(&self, at: usize) -> Option<OnConflict> {
        self.own(at).or(self.rest)
    }

    /// Decides about one.
    pub fn decide(&mut self, at: usize, how: Option<OnConflict>) {
        if let Some(own) = self.own.get_mut(at) {
            *own = how;
        }
    }

    /// Decides about all that were not decided by themselves; with a sieve, about all that it lets
    /// through.
    pub fn decide_all(&mut self, how: OnConflict) {
        if self.sieve.text().is_empty() {
            self.rest = Some(how);
        } else {
            for at in self.found.clone() {
                self.decide(at, Some(how));
            }
        }
    }

    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        let unseen = self.count.saturating_sub(self.shown.len() as u64);
        let answers = (0..self.shown.len()).map(|at| (self.answer(at), 1)).chain([(self.rest, unseen)]);
        for (answer, count) in answers {
            *match answer {
                Some(OnConflict::Overwrite) => &mut tally.overwrite,
                Some(OnConflict::Skip | OnConflict::Refuse) => &mut tally.skip,
                Some(OnConflict::Rename) => &mut tally.both,
                Some(OnConflict::Newer) => &mut tally.newer,
                Some(OnConflict::Different) => &mut tally.different,
                Some(OnConflict::Resume) => &mut tally.complete,
                Some(OnConflict::Ask) | None => &mut tally.undecided,
            } += count;
        }
        tally
    }

    /// What the engine is told. What is undecided stays as it is.
    pub fn decisions(&self) -> Decisions {
        let rest = self.rest.unwrap_or(OnConflict::Skip);
        let own = self.shown.iter().zip(&self.own);
        let items: HashMap<_, _> = own
            .filter_map(|(conflict, own)| Some((conflict.target.path.clone(), (*own)?)))
            .filter(|(_, how)| *how != rest)
            .collect();
        Decisions { rest, items }
    }
}
