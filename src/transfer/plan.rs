//! From listings and a policy to steps. Pure: no I/O, no clock.

mod decide;
mod form;

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use decide::Decision;
pub(super) use form::Names;
pub use form::form;

use super::{
    Conflict, OnConflict, Policy, Totals,
    journal::{Begun, Item},
    step::{CopyFile, CopyLink, CreateDir, Step},
    walk::Found,
};
use crate::fs::{Attributes, Entry, Error, ErrorKind, FsId, Kind, Operation, RemotePath};

/// Set-user-ID and set-group-ID.
const SET_ID: u32 = 0o6000;

/// What to do, and what was decided not to.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub steps: Vec<Step>,
    pub totals: Totals,
    /// What an earlier run of the same job has done already; not among `totals`.
    pub done: Totals,
    /// What is to be removed; bytes are not counted.
    pub removals: Totals,
    pub skipped: u64,
    /// Items that are refused, each with its reason.
    pub refused: Vec<Error>,
    /// Under [`OnConflict::Ask`]: what has to be decided first. The steps are then incomplete.
    pub conflicts: Vec<Conflict>,
}

/// One source with all below it, and where it lands.
#[derive(Clone, Debug)]
pub struct Source {
    pub path: RemotePath,
    pub entry: Entry,
    pub target: RemotePath,
    pub below: Vec<Found>,
}

/// Everything a plan is made from.
pub struct Input<'a> {
    pub source_fs: &'a FsId,
    pub target_fs: &'a FsId,
    pub sources: &'a [Source],
    /// What stands at target paths, for those that exist.
    pub existing: &'a HashMap<RemotePath, Entry>,
    pub policy: &'a Policy,
    /// The coarser of both sides' time precisions: times closer than this are equal.
    pub time_precision: Duration,
    /// The target can be given the source's times. Where it cannot, a file that is not older than
    /// the source counts as being of the same time.
    pub times_kept: bool,
    /// Target paths whose content has been compared, and whether it is the same.
    pub compared: &'a HashMap<RemotePath, bool>,
    /// Something of the sources could not be listed: nothing is removed then, for it may be
    /// missing only in the listing.
    pub incomplete: bool,
    /// What an earlier run of the same job has begun.
    pub begun: &'a Begun,
}

/// The target paths of all directories in `sources`.
pub fn target_dirs(sources: &[Source]) -> HashSet<RemotePath> {
    let mut out = HashSet::new();
    for source in sources {
        if source.entry.kind == Kind::Dir {
            out.insert(source.target.clone());
        }
        for found in source.below.iter().filter(|f| f.entry.kind == Kind::Dir) {
            out.insert(landing(source, found));
        }
    }
    out
}

/// Everything of a source with its target path.
pub(super) fn landings(source: &Source) -> impl Iterator<Item = (&RemotePath, &Entry, RemotePath)> {
    let below = source.below.iter().map(|found| (&found.path, &found.entry, landing(source, found)));
    std::iter::once((&source.path, &source.entry, source.target.clone())).chain(below)
}

fn landing(source: &Source, found: &Found) -> RemotePath {
    match found.path.strip_prefix(&source.path) {
        Some(relative) if !relative.is_empty() => source.target.resolve(relative),
        _ => source.target.clone(),
    }
}

/// Makes the plan.
pub fn plan(input: &Input<'_>) -> Plan {
    let mut planner = Planner {
        input,
        plan: Plan::default(),
        finishing: Vec::new(),
        standing: Vec::new(),
        touched: HashSet::new(),
        barred: HashSet::new(),
        taken: input.existing.keys().cloned().collect(),
        replaced: HashSet::new(),
        names: Names::new(input.existing.keys(), input.policy.on_conflict == OnConflict::Different),
        wanted: HashSet::new(),
    };
    for source in input.sources {
        for (path, entry, target) in landings(source) {
            planner.item(path, entry, target);
        }
    }
    planner.remove_the_rest();
    planner.finish_standing();
    // A directory's times must be set after those below it have been written.
    planner.finishing.reverse();
    planner.plan.steps.append(&mut planner.finishing);
    planner.plan
}

struct Planner<'a> {
    input: &'a Input<'a>,
    plan: Plan,
    finishing: Vec<Step>,
    /// Directories that both sides have, with what they are to get and whether they lack it.
    standing: Vec<(RemotePath, Attributes, bool)>,
    /// Directories in which something is written or removed.
    touched: HashSet<RemotePath>,
    /// Target directories that cannot be: nothing below them is planned.
    barred: HashSet<RemotePath>,
    /// Target paths that are in use, by what exists or by earlier steps.
    taken: HashSet<RemotePath>,
    /// Files that exist and that an earlier step replaces.
    replaced: HashSet<RemotePath>,
    /// How the target writes the names that the source has.
    names: Names,
    /// Target paths that the source has something for, whatever becomes of it.
    wanted: HashSet<RemotePath>,
}

impl Planner<'_> {
    fn item(&mut self, path: &RemotePath, entry: &Entry, target: RemotePath) {
        let target = self.names.standing(target);
        if self.input.policy.delete {
            self.wanted.insert(target.clone());
        }
        if target.parent().is_some_and(|parent| self.barred.contains(&parent)) {
            if entry.kind == Kind::Dir {
                self.barred.insert(target);
            }
            return;
        }
        match entry.kind {
            Kind::Dir => self.directory(path, entry, target),
            Kind::File => self.file(path, entry, target),
            Kind::Symlink => self.link(path, entry, target),
            Kind::Other => self.refuse(
                path,
                Error::new(ErrorKind::Unsupported, Operation::Copy)
                    .with_detail("it is a device, a socket or a pipe"),
            ),
        }
    }

    /// Removes what stands in the target and has nothing at the source, the deepest first.
    fn remove_the_rest(&mut self) {
        if !self.input.policy.delete || self.input.incomplete {
            return;
        }
        let mut rest: Vec<(&RemotePath, Kind)> = self
            .input
            .existing
            .iter()
            .filter(|(path, _)| !self.wanted.contains(*path))
            // What stands in the way of something that was refused stays, with all below it.
            .filter(|(path, _)| !self.barred.iter().any(|barred| path.is_within(barred)))
            .map(|(path, entry)| (path, entry.kind))
            .collect();
        rest.sort_by(|(a, _), (b, _)| {
            b.components().count().cmp(&a.components().count()).then_with(|| a.cmp(b))
        });
        for (path, kind) in rest {
            match kind {
                Kind::Dir => self.plan.removals.dirs += 1,
                Kind::File => self.plan.removals.files += 1,
                Kind::Symlink | Kind::Other => self.plan.removals.links += 1,
            }
            self.touched.extend(path.parent());
            self.plan.steps.push(Step::Remove { path: path.clone(), kind });
        }
    }

    /// Gives directories that both sides have the source's times and permissions, where they
    /// lack them or are about to lose them.
    fn finish_standing(&mut self) {
        for (path, attributes, lacking) in std::mem::take(&mut self.standing) {
            if lacking || self.touched.contains(&path) {
                self.finishing.push(Step::SetAttributes { path, attributes });
            }
        }
    }

    fn touch(&mut self, target: &RemotePath) {
        if self.input.policy.on_conflict == OnConflict::Different {
            self.touched.extend(target.parent());
        }
    }

    fn refuse(&mut self, path: &RemotePath, error: Error) {
        self.plan.refused.push(error.at(path).on(self.input.source_fs.as_str()));
    }

    fn directory(&mut self, path: &RemotePath, entry: &Entry, target: RemotePath) {
        if !self.input.policy.recursive {
            self.barred.insert(target);
            let error =
                Error::new(ErrorKind::IsADirectory, Operation::Copy).with_detail("-r copies directories");
            return self.refuse(path, error);
        }
        // Never through a link, even to a directory: an earlier copy may have brought it from the
        // very server that now lists a directory of that name.
        match self.input.existing.get(&target) {
            Some(there) if there.kind == Kind::Dir => {
                let attributes = self.attributes(entry);
                if self.input.policy.on_conflict == OnConflict::Different
                    && attributes != Attributes::default()
                {
                    let lacking = self.lacks(there, &attributes);
                    self.standing.push((target, attributes, lacking));
                } else if self.input.begun.dirs.contains(&target) {
                    self.plan.done.dirs += 1;
                    if attributes != Attributes::default() {
                        self.finishing.push(Step::SetAttributes { path: target, attributes });
                    }
                }
            }
            Some(there) => {
                let what = if there.kind == Kind::Symlink { "a symlink" } else { "a file" };
                self.barred.insert(target);
                let error = Error::new(ErrorKind::NotADirectory, Operation::CreateDir)
                    .with_detail(format!("{what} stands where this directory would go"));
                self.refuse(path, error)
            }
            None if self.taken.contains(&target) => {
                self.barred.insert(target);
                self.refuse(path, twice())
            }
            None => {
                let attributes = self.attributes(entry);
                let step = CreateDir { path: target.clone(), mode: attributes.mode.map(|m| m | 0o700) };
                self.plan.steps.push(Step::CreateDir(step));
                self.plan.totals.dirs += 1;
                self.taken.insert(target.clone());
                self.touch(&target);
                if attributes != Attributes::default() {
                    self.finishing.push(Step::SetAttributes { path: target, attributes });
                }
            }
        }
    }

    fn file(&mut self, path: &RemotePath, entry: &Entry, target: RemotePath) {
        let decision = match self.begun(path, entry) {
            Some(decision) => decision,
            None => self.decide(path, entry, target.clone()),
        };
        match decision {
            Decision::Write { target, replace } => {
                self.taken.insert(target.clone());
                self.touch(&target);
                self.plan.totals.files += 1;
                self.plan.totals.bytes += entry.attributes.size.unwrap_or_default();
                self.plan.steps.push(Step::Copy(CopyFile {
                    source: path.clone(),
                    target,
                    size: entry.attributes.size,
                    mtime: entry.attributes.mtime,
                    attributes: self.attributes(entry),
                    replace,
                    verify: self.input.policy.verify,
                }));
            }
            Decision::Same => {
                self.plan.skipped += 1;
                let attributes = self.attributes(entry);
                if let Some(there) = self.input.existing.get(&target)
                    && self.lacks(there, &attributes)
                {
                    self.finishing.push(Step::SetAttributes { path: target, attributes });
                }
            }
            Decision::Skip | Decision::Wait => {}
        }
    }

    fn link(&mut self, path: &RemotePath, entry: &Entry, target: RemotePath) {
        let decision = match self.begun(path, entry) {
            Some(decision) => decision,
            None => self.decide(path, entry, target),
        };
        match decision {
            Decision::Write { target, replace } => {
                self.taken.insert(target.clone());
                self.touch(&target);
                self.plan.totals.links += 1;
                self.plan.steps.push(Step::Link(CopyLink {
                    source: path.clone(),
                    path: target,
                    target: entry.target.as_ref().map(|t| t.to_vec()),
                    replace,
                }));
            }
            Decision::Same => self.plan.skipped += 1,
            Decision::Skip | Decision::Wait => {}
        }
    }

    /// What becomes of a source that an earlier run of the same job has begun; `None` where it has
    /// not, or where that does not count any more.
    fn begun(&mut self, path: &RemotePath, entry: &Entry) -> Option<Decision> {
        let item = self.input.begun.items.get(path)?;
        let target = item.target.clone();
        let is_link = entry.kind == Kind::Symlink;
        let there = self.input.existing.get(&target);
        if is_link || item.is_of(entry) {
            if there.is_some_and(|there| there.kind == entry.kind && is_whole(item, there, is_link)) {
                self.taken.insert(target.clone());
                if self.input.policy.delete {
                    self.wanted.insert(target);
                }
                if is_link {
                    self.plan.done.links += 1;
                } else {
                    self.plan.done.files += 1;
                    self.plan.done.bytes += entry.attributes.size.unwrap_or_default();
                }
                return Some(Decision::Skip);
            }
            if item.done {
                return None;
            }
        }
        // What was decided once holds: what stands there may be replaced, or nothing did. Something
        // that appeared since is a conflict like any other.
        (there.is_none() || (item.replace && there.is_some_and(|there| there.kind != Kind::Dir)))
            .then_some(Decision::Write { target, replace: item.replace })
    }

    /// Whether what stands there has another time or other permissions than it is to have. What
    /// the target cannot keep, or does not tell, is not missed.
    fn lacks(&self, there: &Entry, attributes: &Attributes) -> bool {
        let mode =
            attributes.mode.zip(there.attributes.mode).is_some_and(|(want, has)| want != has & !SET_ID);
        let precision = self.precision(there.mtime_precision);
        let time = self.input.times_kept && decide::times_differ(attributes, &there.attributes, precision);
        mode || time
    }

    /// Owners are left alone: their numbers mean something else on another machine. So are the
    /// set-id bits, which would lend the rights of whoever copies to what a server has sent.
    fn attributes(&self, entry: &Entry) -> Attributes {
        if !self.input.policy.preserve {
            return Attributes::default();
        }
        Attributes {
            mtime: entry.attributes.mtime,
            atime: entry.attributes.atime,
            mode: entry.attributes.mode.map(|mode| mode & !SET_ID),
            ..Attributes::default()
        }
    }
}

/// Whether what stands at an item's target is the whole of it. A part that was given its name is
/// not there any more: then it is, unless something stood there before. One that is called done and
/// has another size was lost with the power, or changed by somebody.
fn is_whole(item: &Item, there: &Entry, is_link: bool) -> bool {
    let renamed = !item.replace && item.part.is_none();
    let same_size = is_link || (item.size.is_some() && item.size == there.attributes.size);
    let unknown = item.size.is_none() || there.attributes.size.is_none();
    (item.done && unknown) || ((item.done || renamed) && same_size)
}

fn twice() -> Error {
    Error::new(ErrorKind::Conflict, Operation::Copy).with_detail("two sources would land on the same name")
}

#[cfg(test)]
mod tests;
