//! From listings and a policy to steps, one directory at a time. Pure: no I/O, no clock.

mod decide;
mod form;

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use decide::Decision;
pub use form::form;
pub(super) use form::{Names, fold};

use super::{
    Chosen, Conflict, OnConflict, Policy, Totals,
    journal::{Begun, Item},
    step::{CopyFile, CopyLink, CreateDir, Step},
};
use crate::fs::{Attributes, Entry, Error, ErrorKind, FsId, Kind, Operation, RemotePath, Timestamp};

/// Set-user-ID and set-group-ID.
const SET_ID: u32 = 0o6000;

/// What to do in one directory, and what was decided not to.
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
    /// The sources of the conflicts, to be planned again.
    pub undecided: Vec<Source>,
    /// The names that are in use once the steps are done, where something is undecided.
    pub taken: HashSet<RemotePath>,
    /// The directories among the sources, whose contents come next.
    pub below: Vec<Below>,
    /// Something is written or removed here by a sync.
    pub touched: bool,
}

/// A directory whose contents are to be planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Below {
    /// `None` where the source has no such directory: all of it is removed.
    pub path: Option<RemotePath>,
    pub target: RemotePath,
    /// It stands in the target already.
    pub stands: bool,
    pub finish: Option<Finish>,
}

/// What a directory gets once its contents are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finish {
    pub attributes: Attributes,
    /// Not only if something in it is written or removed.
    pub always: bool,
}

/// One source, and where it lands.
#[derive(Clone, Debug)]
pub struct Source {
    pub path: RemotePath,
    pub entry: Entry,
    pub target: RemotePath,
}

/// Everything a plan is made from.
pub struct Input<'a> {
    pub source_fs: &'a FsId,
    pub target_fs: &'a FsId,
    /// What one directory holds, or what a request names.
    pub sources: &'a [Source],
    /// What stands in the directory where that lands.
    pub existing: &'a HashMap<RemotePath, Entry>,
    pub policy: &'a Policy,
    /// The coarser of both sides' time precisions: times closer than this are equal.
    pub time_precision: Duration,
    /// The target can be given the source's times. Where it cannot, a file that is not older than
    /// the source counts as being of the same time.
    pub times_kept: bool,
    /// Target paths whose content has been compared, and whether it is the same.
    pub compared: &'a HashMap<RemotePath, bool>,
    /// Names there that earlier steps use.
    pub taken: &'a HashSet<RemotePath>,
    /// What an earlier run of the same job has begun.
    pub begun: &'a Begun,
}

/// Makes the plan of one directory.
pub fn plan(input: &Input<'_>) -> Plan {
    let mut planner = Planner {
        input,
        plan: Plan::default(),
        claimed: HashSet::new(),
        taken: input.existing.keys().chain(input.taken).cloned().collect(),
        names: Names::new(input.existing.keys(), input.policy.across_forms()),
        twins: twins(input.sources),
    };
    for source in input.sources {
        planner.item(source);
    }
    planner.remove_the_rest();
    if !planner.plan.undecided.is_empty() {
        planner.plan.taken = planner.taken;
    }
    planner.plan
}

struct Planner<'a> {
    input: &'a Input<'a>,
    plan: Plan,
    /// Target paths that the source has something for, whatever becomes of it.
    claimed: HashSet<RemotePath>,
    /// Target paths that are in use, by what exists or by earlier steps.
    taken: HashSet<RemotePath>,
    /// How the target writes the names that the source has.
    names: Names,
    /// Source directories whose names some targets take for one.
    twins: HashSet<RemotePath>,
}

fn twins(sources: &[Source]) -> HashSet<RemotePath> {
    let mut firsts: HashMap<String, &RemotePath> = HashMap::new();
    let mut twins = HashSet::new();
    for source in sources.iter().filter(|source| source.entry.kind == Kind::Dir) {
        if let Some(first) = firsts.insert(fold(&source.target), &source.path) {
            twins.extend([first.clone(), source.path.clone()]);
        }
    }
    twins
}

impl Planner<'_> {
    fn item(&mut self, source: &Source) {
        let Source { path, entry, .. } = source;
        let target = self.names.standing(source.target.clone());
        let is_first = self.claimed.insert(target.clone());
        if let Some(chosen) = &self.input.policy.chosen
            && !chosen.copy.contains(&target)
        {
            return self.pass(path, entry, target, chosen);
        }
        if !is_first {
            return self.refuse(path, twice());
        }
        match entry.kind {
            Kind::Dir => self.directory(path, entry, target),
            Kind::File => self.file(source, target),
            Kind::Symlink => self.link(source, target),
            Kind::Other => self.refuse(
                path,
                Error::new(ErrorKind::Unsupported, Operation::Copy)
                    .with_detail("it is a device, a socket or a pipe"),
            ),
        }
    }

    /// What was not chosen stays as it is; something in it may have been.
    fn pass(&mut self, path: &RemotePath, entry: &Entry, target: RemotePath, chosen: &Chosen) {
        if entry.kind != Kind::Dir {
            return;
        }
        // What is chosen goes into a directory, and not through anything else.
        if self.input.existing.get(&target).is_some_and(|there| there.kind == Kind::Dir) {
            self.descend(path, target, true, None);
        } else if chosen.copy.iter().any(|wanted| wanted.is_within(&target)) {
            let error = Error::new(ErrorKind::NotADirectory, Operation::Copy)
                .with_detail("the folder that it would go to is not there any more");
            self.refuse(path, error);
        }
    }

    /// Removes what stands in the target and has nothing at the source.
    fn remove_the_rest(&mut self) {
        if !self.input.policy.delete {
            return;
        }
        for (path, entry) in self.input.existing {
            if self.claimed.contains(path) {
                continue;
            }
            if let Some(chosen) = &self.input.policy.chosen
                && !chosen.remove.contains(path)
            {
                if entry.kind == Kind::Dir {
                    let target = path.clone();
                    self.plan.below.push(Below { path: None, target, stands: true, finish: None });
                }
                continue;
            }
            match entry.kind {
                Kind::Dir => {
                    self.plan.removals.dirs += 1;
                    let target = path.clone();
                    self.plan.below.push(Below { path: None, target, stands: true, finish: None });
                }
                Kind::File => self.plan.removals.files += 1,
                Kind::Symlink | Kind::Other => self.plan.removals.links += 1,
            }
            self.plan.touched = true;
            self.plan.steps.push(Step::Remove { path: path.clone(), kind: entry.kind });
        }
    }

    fn touch(&mut self) {
        self.plan.touched |= self.input.policy.on_conflict == OnConflict::Different;
    }

    fn refuse(&mut self, path: &RemotePath, error: Error) {
        self.plan.refused.push(error.at(path).on(self.input.source_fs.as_str()));
    }

    fn directory(&mut self, path: &RemotePath, entry: &Entry, target: RemotePath) {
        if !self.input.policy.recursive {
            let error =
                Error::new(ErrorKind::IsADirectory, Operation::Copy).with_detail("-r copies directories");
            return self.refuse(path, error);
        }
        // Never through a link, even to a directory: an earlier copy may have brought it from the
        // very server that now lists a directory of that name.
        match self.input.existing.get(&target) {
            Some(there) if there.kind == Kind::Dir => {
                let attributes = self.attributes(entry);
                let has_any = attributes != Attributes::default();
                let is_ours = self.input.begun.dirs.contains(&target);
                let finish = if self.input.policy.on_conflict == OnConflict::Different && has_any {
                    let always = self.lacks(there, &attributes);
                    Some(Finish { attributes, always })
                } else {
                    self.plan.done.dirs += u64::from(is_ours);
                    (is_ours && has_any).then_some(Finish { attributes, always: true })
                };
                self.descend(path, target, true, finish);
            }
            Some(there) => {
                let what = if there.kind == Kind::Symlink { "a symlink" } else { "a file" };
                let error = Error::new(ErrorKind::AlreadyExists, Operation::CreateDir)
                    .with_detail(format!("{what} stands where this directory would go"));
                self.refuse(path, error)
            }
            None if self.taken.contains(&target) => self.refuse(path, twice()),
            None => {
                let attributes = self.attributes(entry);
                let twin = self.twins.contains(path);
                let step = CreateDir { path: target.clone(), mode: attributes.mode.map(|m| m | 0o700), twin };
                self.plan.steps.push(Step::CreateDir(step));
                self.plan.totals.dirs += 1;
                self.taken.insert(target.clone());
                self.touch();
                let wanted = attributes != Attributes::default();
                self.descend(path, target, false, wanted.then_some(Finish { attributes, always: true }));
            }
        }
    }

    fn descend(&mut self, path: &RemotePath, target: RemotePath, stands: bool, finish: Option<Finish>) {
        self.plan.below.push(Below { path: Some(path.clone()), target, stands, finish });
    }

    fn file(&mut self, source: &Source, target: RemotePath) {
        let Source { path, entry, .. } = source;
        let decision = match self.begun(path, entry) {
            Some(decision) => decision,
            None => self.decide(path, entry, target.clone()),
        };
        let (decision, resume) = match decision {
            Decision::Resume { target, there } => (Decision::Write { target, replace: true }, Some(there)),
            other => (other, None),
        };
        match decision {
            Decision::Write { target, replace } => {
                self.taken.insert(target.clone());
                self.touch();
                self.plan.totals.files += 1;
                self.plan.totals.bytes += entry.attributes.size.unwrap_or_default();
                self.plan.steps.push(Step::Copy(CopyFile {
                    source: path.clone(),
                    target,
                    size: entry.attributes.size,
                    mtime: entry.attributes.mtime,
                    mtime_precision: entry.mtime_precision,
                    attributes: self.attributes(entry),
                    replace,
                    verify: self.input.policy.verify,
                    resume,
                    identity: entry.identity.filter(|_| self.input.policy.preserve),
                    moves: false,
                }));
            }
            Decision::Same => {
                self.plan.skipped += 1;
                let attributes = self.attributes(entry);
                if let Some(there) = self.input.existing.get(&target)
                    && self.lacks(there, &attributes)
                {
                    self.plan.steps.push(Step::SetAttributes { path: target, attributes });
                }
            }
            Decision::Resume { .. } | Decision::Skip => {}
            Decision::Wait => self.plan.undecided.push(source.clone()),
        }
    }

    fn link(&mut self, source: &Source, target: RemotePath) {
        let Source { path, entry, .. } = source;
        let decision = match self.begun(path, entry) {
            Some(decision) => decision,
            None => self.decide(path, entry, target),
        };
        match decision {
            Decision::Write { target, replace } => {
                self.taken.insert(target.clone());
                self.touch();
                self.plan.totals.links += 1;
                self.plan.steps.push(Step::Link(CopyLink {
                    source: path.clone(),
                    path: target,
                    target: entry.target.as_ref().map(|t| t.to_vec()),
                    replace,
                    moves: false,
                }));
            }
            Decision::Same => self.plan.skipped += 1,
            Decision::Resume { .. } | Decision::Skip => {}
            Decision::Wait => self.plan.undecided.push(source.clone()),
        }
    }

    /// What becomes of a source that an earlier run of the same job has begun; `None` where it has
    /// not, or where that does not count any more.
    fn begun(&mut self, path: &RemotePath, entry: &Entry) -> Option<Decision> {
        let item = self.input.begun.get(path)?;
        let target = item.target.clone();
        let is_link = entry.kind == Kind::Symlink;
        let there = self.input.existing.get(&target);
        if is_link || item.is_of(entry) {
            if there.is_some_and(|there| there.kind == entry.kind && is_whole(&item, there, is_link)) {
                self.taken.insert(target.clone());
                self.claimed.insert(target);
                if is_link {
                    self.plan.done.links += 1;
                } else {
                    self.plan.done.files += 1;
                    self.plan.done.bytes += entry.attributes.size.unwrap_or_default();
                }
                return Some(Decision::Skip);
            }
            if there.is_some_and(|there| is_torn(&item, there)) {
                return Some(Decision::Write { target, replace: true });
            }
            if item.done {
                return None;
            }
        }
        // It has grown since.
        if self.input.policy.on_conflict == OnConflict::Resume && there.is_some() {
            return None;
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
/// has another size was lost with the power ([`is_torn`]), or changed by somebody.
fn is_whole(item: &Item, there: &Entry, is_link: bool) -> bool {
    let same_size = is_link || (item.size.is_some() && item.size == there.attributes.size);
    let unknown = item.size.is_none() || there.attributes.size.is_none();
    (item.done && unknown) || (has_its_name(item) && same_size)
}

/// What was written has been renamed, as far as can be told.
fn has_its_name(item: &Item) -> bool {
    item.done || (!item.replace && item.part.is_none())
}

/// Whether what stands at a finished item's target is what a loss of power leaves of it: the time that it
/// was given, and not all of its bytes. Whoever changes a file changes its time as well.
fn is_torn(item: &Item, there: &Entry) -> bool {
    let seconds = |time: Option<Timestamp>| time.map(|time| time.seconds);
    let same_time = item.mtime.is_some() && seconds(item.mtime) == seconds(there.attributes.mtime);
    let is_short = matches!((there.attributes.size, item.size), (Some(there), Some(whole)) if there < whole);
    has_its_name(item) && there.kind == Kind::File && same_time && is_short
}

fn twice() -> Error {
    Error::new(ErrorKind::Conflict, Operation::Copy).with_detail("two sources would land on the same name")
}

#[cfg(test)]
mod tests;
