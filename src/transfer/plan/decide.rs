//! What becomes of one item whose target may exist: written, skipped, refused or asked about; and
//! names that are free. Pure, as all of the plan is.

use super::{Planner, twice};
use crate::{
    fs::{
        Attributes, Entry, Error, ErrorKind, Kind, Location, Operation, Precision, RemotePath, path::NAME_MAX,
    },
    transfer::{Conflict, OnConflict},
};

/// What becomes of one item.
pub(super) enum Decision {
    Write {
        target: RemotePath,
        replace: bool,
    },
    /// So much of it is there.
    Resume {
        target: RemotePath,
        there: u64,
    },
    /// It is there already, as it should be; perhaps its attributes are not.
    Same,
    Skip,
    Wait,
}

impl Planner<'_> {
    pub(super) fn decide(&mut self, path: &RemotePath, entry: &Entry, target: RemotePath) -> Decision {
        if self.input.source_fs == self.input.target_fs && *path == target {
            let error = Error::new(ErrorKind::Conflict, Operation::Copy)
                .with_detail("source and target are the same file");
            self.refuse(path, error);
            return Decision::Skip;
        }
        let Some(there) = self.input.existing.get(&target) else {
            if self.taken.contains(&target) {
                self.refuse(path, twice());
                return Decision::Skip;
            }
            return Decision::Write { target, replace: false };
        };
        let rest = self.input.policy.on_conflict;
        let policy = self.input.policy.decided.get(&target).copied().unwrap_or(rest);
        if there.kind == Kind::Dir && policy != OnConflict::Rename {
            let error = Error::new(ErrorKind::AlreadyExists, Operation::Copy)
                .with_detail("a directory stands where this file would go");
            self.refuse(path, error);
            return Decision::Skip;
        }
        match policy {
            OnConflict::Overwrite => Decision::Write { target, replace: true },
            OnConflict::Skip => self.skip(),
            OnConflict::Rename => Decision::Write { target: self.free_name(&target), replace: false },
            OnConflict::Newer if self.is_newer(entry, there) => Decision::Write { target, replace: true },
            OnConflict::Newer => self.skip(),
            OnConflict::Different if self.is_same(entry, &target, there) => Decision::Same,
            OnConflict::Different => Decision::Write { target, replace: true },
            OnConflict::Resume | OnConflict::Refuse if self.looks_same(entry, there) => self.skip(),
            OnConflict::Resume => match (entry.attributes.size, there.attributes.size) {
                (Some(_), Some(0)) if entry.kind == there.kind => Decision::Write { target, replace: true },
                (Some(whole), Some(part))
                    if part <= whole && entry.kind == Kind::File && there.kind == Kind::File =>
                {
                    Decision::Resume { target, there: part }
                }
                _ => {
                    let error = Error::new(ErrorKind::Conflict, Operation::Copy)
                        .with_detail(format!("{target} exists and is no part of it"));
                    self.refuse(path, error);
                    Decision::Skip
                }
            },
            OnConflict::Refuse => {
                let error = Error::new(ErrorKind::Conflict, Operation::Copy)
                    .with_detail(format!("{target} exists and differs; --on-conflict says what to do"));
                self.refuse(path, error);
                Decision::Skip
            }
            OnConflict::Ask => {
                self.plan.conflicts.push(Conflict {
                    source: Location::new(self.input.source_fs.clone(), path.clone()),
                    target: Location::new(self.input.target_fs.clone(), target),
                    source_entry: entry.clone(),
                    target_entry: there.clone(),
                });
                Decision::Wait
            }
        }
    }

    fn skip(&mut self) -> Decision {
        self.plan.skipped += 1;
        Decision::Skip
    }

    /// Newer by more than the precision; unknown times are not newer.
    fn is_newer(&self, entry: &Entry, there: &Entry) -> bool {
        match (nanos(&entry.attributes), nanos(&there.attributes)) {
            (Some(source), Some(target)) => {
                source - target >= self.precision(entry.mtime_precision.max(there.mtime_precision))
            }
            _ => false,
        }
    }

    /// Whether a sync has nothing to write: the same content where that was compared, else the
    /// same size and time.
    fn is_same(&self, entry: &Entry, target: &RemotePath, there: &Entry) -> bool {
        match self.input.compared.get(target) {
            Some(same) => *same && entry.kind == there.kind,
            None => self.looks_same(entry, there),
        }
    }

    fn looks_same(&self, entry: &Entry, there: &Entry) -> bool {
        if entry.kind != there.kind {
            return false;
        }
        if entry.kind == Kind::Symlink {
            return entry.target.is_some() && entry.target == there.target;
        }
        let precision = self.precision(entry.mtime_precision.max(there.mtime_precision));
        let same_time = match (nanos(&entry.attributes), nanos(&there.attributes)) {
            (Some(source), Some(target)) if self.input.times_kept => (source - target).abs() < precision,
            (Some(source), Some(target)) => source - target < precision,
            _ => false,
        };
        same_time && entry.attributes.size.is_some() && entry.attributes.size == there.attributes.size
    }

    /// The finest difference that says anything where a listing may show minutes or days only.
    pub(super) fn precision(&self, listed: Precision) -> i128 {
        (self.input.time_precision.max(listed.span()).as_nanos() as i128).max(1)
    }

    /// `name (1).ext`, or the next number that is free.
    fn free_name(&self, target: &RemotePath) -> RemotePath {
        let (Some(parent), Some(name)) = (target.parent(), target.name()) else { return target.clone() };
        let dot = match name.iter().rposition(|b| *b == b'.') {
            // What is longer than this is no extension.
            Some(dot) if dot > 0 && name.len() - dot <= 64 => dot,
            _ => name.len(),
        };
        let mut number = 1u64;
        loop {
            let mark = format!(" ({number})");
            let mut stem = &name[..dot];
            // A stem is cut between characters, not within one.
            while stem.len() > 1 && stem.len() + mark.len() + name.len() - dot > NAME_MAX {
                stem = &stem[..stem.len() - 1];
                while stem.len() > 1
                    && std::str::from_utf8(name).is_ok()
                    && std::str::from_utf8(stem).is_err()
                {
                    stem = &stem[..stem.len() - 1];
                }
            }
            let mut candidate = stem.to_vec();
            candidate.extend(mark.bytes());
            candidate.extend(&name[dot..]);
            let path = parent.join(&candidate);
            if !self.taken.contains(&path) {
                return path;
            }
            number += 1;
        }
    }
}

/// Whether two known times are further apart than `precision`, in nanoseconds.
pub(super) fn times_differ(a: &Attributes, b: &Attributes, precision: i128) -> bool {
    nanos(a).zip(nanos(b)).is_some_and(|(a, b)| (a - b).abs() >= precision)
}

fn nanos(attributes: &Attributes) -> Option<i128> {
    attributes.mtime.map(|t| i128::from(t.seconds) * 1_000_000_000 + i128::from(t.nanos))
}
