//! Goes through the trees on both sides at the same time, plans each directory as soon as it is
//! listed, and hands on what is planned. Changes nothing by itself.

use std::{
    collections::{HashSet, VecDeque},
    sync::atomic::Ordering,
};

use futures::{FutureExt, StreamExt, stream::FuturesUnordered};
use tokio::sync::OwnedSemaphorePermit;

use super::{
    Conflict, OnConflict, Policy, Totals, compare,
    context::{Transfer, cancelled},
    feed::{Batch, Feed, Gone},
    plan::{self, Below, Finish, Plan, Source},
    prepare::{Early, Tops, itself},
    prepared::Prepared,
    remove::Removal,
    step::{CopyFile, Step},
    walk::{self, DEEPEST, LISTINGS, Waiting, Watcher},
};
use crate::fs::{Attributes, Error, ErrorKind, Kind, Operation, RemotePath, Result, Timestamp};

/// What is known once everything is listed.
#[derive(Default)]
pub struct Found {
    /// What the steps amount to, and what an earlier run has done of it.
    pub totals: Totals,
    pub skipped: u64,
    pub refused: u64,
    /// What has to be decided before the rest of the plan is made.
    pub conflicts: Vec<Conflict>,
    undecided: Vec<Prepared>,
    /// Sources whose parts from an earlier run are written on.
    kept: HashSet<RemotePath>,
    pub ending: Ending,
    /// Sources that are to be removed once they have arrived; `None` where they stay.
    pub sources: Option<Removal>,
}

/// What comes after all else.
#[derive(Default)]
pub struct Ending {
    pub(super) removals: Vec<(RemotePath, Kind)>,
    pub(super) finishing: Vec<(RemotePath, Attributes)>,
}

impl Ending {
    /// The same as steps: what a directory holds is removed before it, and a directory has its
    /// times once all below it is done.
    pub fn into_steps(self) -> Vec<Step> {
        let depth = |path: &RemotePath| path.components().count();
        let (mut removals, mut finishing) = (self.removals, self.finishing);
        removals.sort_by(|(a, _), (b, _)| depth(b).cmp(&depth(a)).then_with(|| a.cmp(b)));
        finishing.sort_by(|(a, _), (b, _)| depth(b).cmp(&depth(a)).then_with(|| a.cmp(b)));
        let removals = removals.into_iter().map(|(path, kind)| Step::Remove { path, kind });
        let finishing =
            finishing.into_iter().map(|(path, attributes)| Step::SetAttributes { path, attributes });
        removals.chain(finishing).collect()
    }
}

/// A directory to be listed.
struct Visit {
    below: Below,
    depth: usize,
}

/// A directory that is listed. `None` where the source's could not be.
type Listed = Result<Option<Prepared>>;

impl Transfer {
    /// Plans what `tops` names, with all below it.
    ///
    /// # Errors
    /// What ends the session. What cannot be listed is a failed item.
    pub async fn descend(&self, tops: Tops, policy: &Policy, feed: &Feed, found: &mut Found) -> Result<()> {
        let Tops { level, mut listed, own, .. } = tops;
        let mut ready = VecDeque::new();
        let mut waiting = Waiting::new(|visit: &Visit| &visit.below.target);
        if let Some(removal) = &mut found.sources {
            removal.add_found(&level.sources);
        }
        let below = self.level(level, policy, None, found, &mut ready);
        below.into_iter().try_for_each(|below| waiting.push(Visit { below, depth: 1 }))?;
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() + ready.len() < LISTINGS
                && let Some(visit) = waiting.pop()
            {
                let early = visit.below.path.as_ref().and_then(|path| listed.remove(path));
                running.push(self.visit(visit, early, policy, &own).boxed());
            }
            // Listings go on while what is planned waits for room: a server drops one that nobody
            // reads.
            let (visit, listed) = tokio::select! {
                Some(room) = has_room(feed, ready.front()) => {
                    let (Ok(room), Some(batch)) = (room, ready.pop_front()) else { return Err(cancelled()) };
                    feed.send(batch, room);
                    continue;
                }
                Some(visited) = running.next() => visited,
                else => return Ok(()),
            };
            let finish = visit.below.finish.clone();
            let Some(level) = listed? else {
                // What it holds is not known: it keeps its time where nothing shows that it must not.
                found.finish(&visit.below.target, finish.filter(|finish| finish.always));
                continue;
            };
            let depth = visit.depth + 1;
            if let Some(removal) = &mut found.sources {
                removal.add_found(&level.sources);
            }
            let below = self.level(level, policy, Some(&visit.below), found, &mut ready);
            for below in below {
                if depth > DEEPEST {
                    let path = below.path.as_ref().unwrap_or(&below.target);
                    self.failed(walk::too_deep(path));
                } else {
                    waiting.push(Visit { below, depth })?;
                }
            }
        }
    }

    /// Plans what had to be decided first.
    pub async fn decide(&self, policy: &Policy, feed: &Feed, found: &mut Found) -> Result<()> {
        // What is not at the source was found when the directory was.
        let policy = Policy { delete: false, ..policy.clone() };
        for level in std::mem::take(&mut found.undecided) {
            let mut ready = VecDeque::new();
            self.level(level, &policy, None, found, &mut ready);
            for batch in ready {
                let Ok(room) = feed.room(&batch).await else { return Err(cancelled()) };
                feed.send(batch, room);
            }
        }
        Ok(())
    }

    /// Lists a directory on both sides.
    async fn visit(
        &self,
        visit: Visit,
        early: Option<Early>,
        policy: &Policy,
        own: &HashSet<RemotePath>,
    ) -> (Visit, Listed) {
        let Below { path, target, stands, .. } = &visit.below;
        let here = async {
            match (path, early) {
                (None, _) => Ok(Vec::new()),
                (Some(_), Some(Early { entries, refused })) => {
                    refused.into_iter().for_each(|error| self.failed(error));
                    Ok(entries)
                }
                (Some(path), None) => walk::directory(&self.from, path, self).await,
            }
        };
        let there = async {
            match stands {
                true => walk::directory(&self.to, target, self).await,
                false => Ok(Vec::new()),
            }
        };
        let (here, there) = tokio::join!(here, there);
        let listed = match (here, there) {
            (Err(error), _) | (_, Err(error)) if error.kind().ends_session() => Err(error),
            (Err(error), _) => {
                self.failed(error);
                Ok(None)
            }
            (Ok(here), there) => {
                let there = there.unwrap_or_else(|error| {
                    self.failed(error);
                    Vec::new()
                });
                let base = path.as_ref().unwrap_or(target);
                let sources = here.into_iter().filter_map(|entry| {
                    let path = base.join(&entry.name);
                    if own.contains(&path) {
                        self.failed(itself(&path).on(self.from.id().as_str()));
                        return None;
                    }
                    self.found(&entry);
                    Some(Source { path, target: target.join(&entry.name), entry })
                });
                let sources = sources.collect();
                let existing = there.into_iter().map(|entry| (target.join(&entry.name), entry)).collect();
                let mut level = Prepared { sources, existing, ..Prepared::default() };
                self.compare(&mut level, policy).await.map(|()| Some(level))
            }
        };
        (visit, listed)
    }

    /// Learns what a sync must know beyond the listings.
    pub(super) async fn compare(&self, level: &mut Prepared, policy: &Policy) -> Result<()> {
        if policy.on_conflict == OnConflict::Different {
            compare::links(self, level).await?;
        }
        if policy.compare_content {
            level.compared = compare::contents(self, level).await?;
        }
        Ok(())
    }

    /// Plans one directory: the one that `of` names, or what the request names. What comes next
    /// is handed back.
    fn level(
        &self,
        level: Prepared,
        policy: &Policy,
        of: Option<&Below>,
        found: &mut Found,
        ready: &mut VecDeque<Batch>,
    ) -> Vec<Below> {
        let mut plan = self.plan(&level, policy);
        if found.sources.is_some() {
            self.refuse_the_same(&level, &mut plan);
            for step in &mut plan.steps {
                match step {
                    Step::Copy(file) => file.moves = true,
                    Step::Link(link) => link.moves = true,
                    _ => {}
                }
            }
        }
        let counters = &self.counters;
        counters.count(plan.done);
        counters.plan(plan.totals + plan.done);
        counters.skipped.fetch_add(plan.skipped, Ordering::Relaxed);
        found.totals = found.totals + plan.totals + plan.done;
        found.skipped += plan.skipped;
        found.refused += plan.refused.len() as u64;
        for error in plan.refused {
            self.reporter.item_failed(error);
        }
        if !plan.undecided.is_empty() {
            found.conflicts.extend(plan.conflicts);
            found.undecided.push(Prepared { sources: plan.undecided, taken: plan.taken, ..level });
        }
        if let Some(Below { target, finish: Some(finish), .. }) = of {
            found.finish(target, Some(finish.clone()).filter(|finish| finish.always || plan.touched));
        }
        let mut steps = Vec::with_capacity(plan.steps.len());
        for step in plan.steps {
            match step {
                Step::Remove { path, kind } => found.ending.removals.push((path, kind)),
                Step::SetAttributes { path, attributes } => found.ending.finishing.push((path, attributes)),
                step => {
                    if let Step::Copy(file) = &step
                        && let Some(item) = self.begun.open.get(&file.source)
                        && item.part.is_some()
                        && item.target == file.target
                    {
                        found.kept.insert(file.source.clone());
                    }
                    steps.push(step);
                }
            }
        }
        if !steps.is_empty() {
            ready.push_back(Batch::new(of.map(|below| below.target.clone()), steps));
        }
        plan.below
    }

    /// A server may be this very machine, or two logins lead to one: then what is moved over itself
    /// would be copied, and the only file there is removed as its source. What has the same path, size
    /// and time on both sides is taken for one file.
    fn refuse_the_same(&self, level: &Prepared, plan: &mut Plan) {
        let seconds = |time: Option<Timestamp>| time.map(|time| time.seconds);
        let is_same = |file: &CopyFile| {
            let there = level.existing(&file.target).map(|there| &there.attributes);
            let same =
                |there: &Attributes| there.size == file.size && seconds(there.mtime) == seconds(file.mtime);
            file.source == file.target && there.is_some_and(same)
        };
        let (refused, totals) = (&mut plan.refused, &mut plan.totals);
        plan.steps.retain(|step| match step {
            Step::Copy(file) if is_same(file) => {
                totals.files -= 1;
                totals.bytes -= file.size.unwrap_or_default();
                let error = Error::new(ErrorKind::Conflict, Operation::RemoveFile).at(&file.source);
                refused.push(error.on(self.from.id().as_str()).with_detail(
                    "source and target have the same path, size and time and may be one file, so it stays",
                ));
                false
            }
            _ => true,
        });
    }

    /// Removes the parts from earlier runs of what is not to be copied any more, or to another name.
    ///
    /// # Errors
    /// Only what ends the session.
    pub async fn clear_unwanted(&self, found: &Found) -> Result<()> {
        for (source, item) in &self.begun.open {
            if let Some(part) = item.part.as_ref().filter(|_| !found.kept.contains(source)) {
                self.journal.clear_part(self.from.id(), source, part, &*self.to).await?;
            }
        }
        Ok(())
    }

    fn plan(&self, level: &Prepared, policy: &Policy) -> Plan {
        let (from, to) = (self.from.capabilities(), self.to.capabilities());
        plan::plan(&plan::Input {
            source_fs: self.from.id(),
            target_fs: self.to.id(),
            sources: &level.sources,
            existing: &level.existing,
            policy,
            time_precision: from.time_precision.max(to.time_precision),
            times_kept: to.times,
            compared: &level.compared,
            taken: &level.taken,
            begun: &self.begun,
        })
    }
}

/// Waits until the first that is ready may go on its way; `None` where nothing is.
async fn has_room(
    feed: &Feed,
    batch: Option<&Batch>,
) -> Option<std::result::Result<OwnedSemaphorePermit, Gone>> {
    Some(feed.room(batch?).await)
}

impl Found {
    /// Nothing yet; with `sources`, they are gathered to be removed later.
    pub fn of(sources: Option<Removal>) -> Found {
        Found { sources, ..Found::default() }
    }

    fn finish(&mut self, target: &RemotePath, finish: Option<Finish>) {
        if let Some(Finish { attributes, .. }) = finish {
            self.ending.finishing.push((target.clone(), attributes));
        }
    }
}
