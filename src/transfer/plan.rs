//! From listings and a policy to steps. Pure: no I/O, no clock.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use super::{Conflict, OnConflict, Policy, Totals, walk::Found};
use crate::fs::{
    Attributes, Entry, Error, ErrorKind, FsId, Kind, Location, Operation, RemotePath, path::NAME_MAX,
};

/// Set-user-ID and set-group-ID.
const SET_ID: u32 = 0o6000;

/// One thing to do. The order of a plan's steps is an order in which they can be done;
/// directories come before what they hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    CreateDir(CreateDir),
    Copy(CopyFile),
    Link(CopyLink),
    /// Times and permissions of a directory, once its contents are there.
    SetAttributes {
        path: RemotePath,
        attributes: Attributes,
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
    /// What the target gets.
    pub attributes: Attributes,
    /// Something is there already that the policy allows to replace.
    pub replace: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyLink {
    pub source: RemotePath,
    pub path: RemotePath,
    /// `None` where the listing did not tell: it is read when its turn comes.
    pub target: Option<Vec<u8>>,
    pub replace: bool,
}

/// What to do, and what was decided not to.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub steps: Vec<Step>,
    pub totals: Totals,
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
        barred: HashSet::new(),
        taken: input.existing.keys().cloned().collect(),
    };
    for source in input.sources {
        planner.item(&source.path, &source.entry, source.target.clone());
        for found in &source.below {
            planner.item(&found.path, &found.entry, landing(source, found));
        }
    }
    // A directory's times must be set after those below it have been written.
    planner.finishing.reverse();
    planner.plan.steps.append(&mut planner.finishing);
    planner.plan
}

struct Planner<'a> {
    input: &'a Input<'a>,
    plan: Plan,
    finishing: Vec<Step>,
    /// Target directories that cannot be: nothing below them is planned.
    barred: HashSet<RemotePath>,
    /// Target paths that are in use, by what exists or by earlier steps.
    taken: HashSet<RemotePath>,
}

enum Decision {
    Write { target: RemotePath, replace: bool },
    Skip,
    Wait,
}

impl Planner<'_> {
    fn item(&mut self, path: &RemotePath, entry: &Entry, target: RemotePath) {
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
            Some(there) if there.kind == Kind::Dir => {}
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
                if attributes != Attributes::default() {
                    self.finishing.push(Step::SetAttributes { path: target, attributes });
                }
            }
        }
    }

    fn file(&mut self, path: &RemotePath, entry: &Entry, target: RemotePath) {
        if let Decision::Write { target, replace } = self.decide(path, entry, target) {
            self.taken.insert(target.clone());
            self.plan.totals.files += 1;
            self.plan.totals.bytes += entry.attributes.size.unwrap_or_default();
            self.plan.steps.push(Step::Copy(CopyFile {
                source: path.clone(),
                target,
                size: entry.attributes.size,
                attributes: self.attributes(entry),
                replace,
            }));
        }
    }

    fn link(&mut self, path: &RemotePath, entry: &Entry, target: RemotePath) {
        if let Decision::Write { target, replace } = self.decide(path, entry, target) {
            self.taken.insert(target.clone());
            self.plan.totals.links += 1;
            self.plan.steps.push(Step::Link(CopyLink {
                source: path.clone(),
                path: target,
                target: entry.target.as_ref().map(|t| t.to_vec()),
                replace,
            }));
        }
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

    fn decide(&mut self, path: &RemotePath, entry: &Entry, target: RemotePath) -> Decision {
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
        let policy = self.input.policy.on_conflict;
        if there.kind == Kind::Dir && policy != OnConflict::Rename {
            let error = Error::new(ErrorKind::IsADirectory, Operation::Copy)
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
            OnConflict::Refuse if self.looks_same(entry, there) => self.skip(),
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
        match (nanos(entry), nanos(there)) {
            (Some(source), Some(target)) => source - target >= self.precision(entry, there),
            _ => false,
        }
    }

    fn looks_same(&self, entry: &Entry, there: &Entry) -> bool {
        if entry.kind != there.kind {
            return false;
        }
        if entry.kind == Kind::Symlink {
            return entry.target.is_some() && entry.target == there.target;
        }
        let same_time = match (nanos(entry), nanos(there)) {
            (Some(source), Some(target)) => (source - target).abs() < self.precision(entry, there),
            _ => false,
        };
        same_time && entry.attributes.size.is_some() && entry.attributes.size == there.attributes.size
    }

    /// The finest difference that says anything of these two: a listing may show days only.
    fn precision(&self, entry: &Entry, there: &Entry) -> i128 {
        let listed = entry.mtime_precision.max(there.mtime_precision).span();
        (self.input.time_precision.max(listed).as_nanos() as i128).max(1)
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

fn twice() -> Error {
    Error::new(ErrorKind::Conflict, Operation::Copy).with_detail("two sources would land on the same name")
}

fn nanos(entry: &Entry) -> Option<i128> {
    entry.attributes.mtime.map(|t| i128::from(t.seconds) * 1_000_000_000 + i128::from(t.nanos))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::Timestamp;

    fn entry(name: &str, kind: Kind, size: u64, mtime: i64) -> Entry {
        let mut entry = Entry::new(name.as_bytes(), kind);
        entry.attributes.size = Some(size);
        entry.attributes.mtime = Some(Timestamp::from_seconds(mtime));
        entry.attributes.mode = Some(0o640);
        entry
    }

    fn source(path: &str, kind: Kind, target: &str, below: &[(&str, Kind)]) -> Source {
        Source {
            path: RemotePath::new(path),
            entry: entry(path.rsplit('/').next().unwrap(), kind, 10, 100),
            target: RemotePath::new(target),
            below: below
                .iter()
                .map(|(path, kind)| Found {
                    path: RemotePath::new(path),
                    entry: entry(path.rsplit('/').next().unwrap(), *kind, 10, 100),
                })
                .collect(),
        }
    }

    fn run(sources: &[Source], existing: &[(&str, Entry)], on_conflict: OnConflict) -> Plan {
        let existing = existing.iter().map(|(p, e)| (RemotePath::new(p), e.clone())).collect();
        plan(&Input {
            source_fs: &FsId::new("a"),
            target_fs: &FsId::new("b"),
            sources,
            existing: &existing,
            policy: &Policy { recursive: true, on_conflict, preserve: true },
            time_precision: Duration::from_secs(1),
        })
    }

    fn written(plan: &Plan) -> Vec<String> {
        plan.steps
            .iter()
            .filter_map(|step| match step {
                Step::Copy(copy) => Some(copy.target.to_string()),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn a_tree_becomes_steps_in_order() {
        let tree = source(
            "/s/d",
            Kind::Dir,
            "/t/d",
            &[("/s/d/x", Kind::File), ("/s/d/e", Kind::Dir), ("/s/d/e/y", Kind::File)],
        );
        let plan = run(&[tree], &[], OnConflict::Refuse);
        let kinds: Vec<&str> = plan
            .steps
            .iter()
            .map(|s| match s {
                Step::CreateDir(_) => "dir",
                Step::Copy(_) => "copy",
                Step::Link(_) => "link",
                Step::SetAttributes { .. } => "set",
            })
            .collect();
        assert_eq!(kinds, ["dir", "copy", "dir", "copy", "set", "set"]);
        let Step::SetAttributes { path, .. } = &plan.steps[4] else { panic!() };
        assert_eq!(*path, RemotePath::new("/t/d/e"), "the inner directory is finished first");
        assert_eq!(plan.totals, Totals { files: 2, dirs: 2, links: 0, bytes: 20 });
    }

    #[test]
    fn policies_decide_conflicts() {
        let one = [source("/s/x", Kind::File, "/t/x", &[])];
        let older = [("/t/x", entry("x", Kind::File, 5, 50))];
        let newer = [("/t/x", entry("x", Kind::File, 5, 150))];
        let same = [("/t/x", entry("x", Kind::File, 10, 100))];
        assert_eq!(written(&run(&one, &older, OnConflict::Overwrite)), ["/t/x"]);
        assert_eq!(run(&one, &older, OnConflict::Skip).skipped, 1);
        assert_eq!(written(&run(&one, &older, OnConflict::Rename)), ["/t/x (1)"]);
        assert_eq!(written(&run(&one, &older, OnConflict::Newer)), ["/t/x"]);
        assert_eq!(run(&one, &newer, OnConflict::Newer).skipped, 1);
        assert_eq!(run(&one, &same, OnConflict::Refuse).skipped, 1);
        assert_eq!(run(&one, &older, OnConflict::Refuse).refused[0].kind(), ErrorKind::Conflict);
        assert_eq!(run(&one, &older, OnConflict::Ask).conflicts.len(), 1);
    }

    #[test]
    fn a_free_name_keeps_the_extension_and_counts_on() {
        let one = [source("/s/a.txt", Kind::File, "/t/a.txt", &[])];
        let existing = [
            ("/t/a.txt", entry("a.txt", Kind::File, 1, 1)),
            ("/t/a (1).txt", entry("a (1).txt", Kind::File, 1, 1)),
        ];
        assert_eq!(written(&run(&one, &existing, OnConflict::Rename)), ["/t/a (2).txt"]);
    }

    #[test]
    fn a_free_name_fits_where_the_name_just_did() {
        for name in ["x".repeat(255), format!("{}.txt", "é".repeat(125)), format!("a.{}", "y".repeat(253))] {
            let path = format!("/t/{name}");
            let one = [source(&format!("/s/{name}"), Kind::File, &path, &[])];
            let existing = [(path.as_str(), entry(&name, Kind::File, 1, 1))];
            let free = written(&run(&one, &existing, OnConflict::Rename)).remove(0);
            assert!(free.len() <= "/t/".len() + NAME_MAX && free.contains(" (1)"), "{free}");
        }
    }

    #[test]
    fn a_file_in_a_directorys_way_bars_all_below_it() {
        let tree = source("/s/d", Kind::Dir, "/t/d", &[("/s/d/e", Kind::Dir), ("/s/d/e/y", Kind::File)]);
        let plan = run(&[tree], &[("/t/d", entry("d", Kind::File, 1, 1))], OnConflict::Overwrite);
        assert!(plan.steps.is_empty());
        assert_eq!(plan.refused.len(), 1);
    }

    #[test]
    fn two_sources_cannot_share_a_target() {
        let sources = [source("/s/x", Kind::File, "/t/x", &[]), source("/r/x", Kind::File, "/t/x", &[])];
        let plan = run(&sources, &[], OnConflict::Overwrite);
        assert_eq!(written(&plan), ["/t/x"]);
        assert_eq!(plan.refused.len(), 1);
    }

    #[test]
    fn nothing_is_written_through_a_link_in_the_target() {
        let tree = [source("/s/d", Kind::Dir, "/t/d", &[("/s/d/x", Kind::File)])];
        let mut link = entry("d", Kind::Symlink, 1, 1);
        link.target_kind = Some(Kind::Dir);
        let planned = run(&tree, &[("/t/d", link)], OnConflict::Overwrite);
        assert!(planned.steps.is_empty());
        // The same name twice in one listing, first as a link, then as a directory.
        let twins = source(
            "/s/t",
            Kind::Dir,
            "/t/t",
            &[("/s/t/d", Kind::Symlink), ("/s/t/d", Kind::Dir), ("/s/t/d/x", Kind::File)],
        );
        assert!(written(&run(&[twins], &[], OnConflict::Overwrite)).is_empty());
    }

    #[test]
    fn directories_need_recursion() {
        let tree = [source("/s/d", Kind::Dir, "/t/d", &[])];
        let existing = HashMap::new();
        let plan = plan(&Input {
            source_fs: &FsId::new("a"),
            target_fs: &FsId::new("b"),
            sources: &tree,
            existing: &existing,
            policy: &Policy { recursive: false, on_conflict: OnConflict::Refuse, preserve: true },
            time_precision: Duration::from_secs(1),
        });
        assert_eq!(plan.refused[0].kind(), ErrorKind::IsADirectory);
    }
}
