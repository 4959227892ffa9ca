//! The jobs that move bytes or take things away: copying, moving, removing. They clean up behind
//! themselves. Knows no protocol.

use std::{
    collections::HashSet,
    sync::{Arc, atomic::Ordering},
};

use futures::FutureExt;

use super::{
    super::{Answer, Ask, What},
    Job, by_file_system,
};
use crate::{
    fs::{Error, ErrorKind, FileSystem, Kind, Location, Operation, RemotePath, Result, following::Following},
    transfer::{
        Conflict, Decisions, Landing, OnConflict, Outcome, Phase, Policy, Request,
        context::{Reporter, Transfer},
        counters::Counters,
        descend::Found,
        feed::{self, Batches, Feed},
        journal::Journal,
        limit::Throttle,
        prepare::Tops,
        remove::{self, Removal},
        step::Later,
    },
};

/// Conflicts that are shown with a question; the rest is counted, and answered together.
const SHOWN_CONFLICTS: usize = 100_000;

/// Steps of a plan that are handed on at a time.
const STEPS: usize = 1000;

/// Whether a plan is carried out or only made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Run,
    Plan,
}

/// What one run of a copy works with.
#[derive(Clone)]
pub(super) struct Run {
    pub(super) counters: Arc<Counters>,
    pub(super) throttle: Throttle,
    pub(super) reporter: Arc<dyn Reporter>,
    pub(super) journal: Journal,
    /// Something was begun before this run.
    pub(super) resumed: bool,
    /// Of what was begun, only these are gone on with.
    pub(super) only: Option<Arc<HashSet<RemotePath>>>,
}

impl Job {
    /// One run of a copy, from listing to the last step.
    pub(super) async fn copy_all(&self, request: &Request, mode: Mode, run: &Run) -> Result<Outcome> {
        let Run { counters, throttle, reporter, journal, resumed, only } = run;
        counters.restart();
        self.shared.jobs.update(self.job, |meter| meter.phase = Phase::Planning);
        let to = self.cancellable(self.fs(&request.target.fs).boxed()).await?;
        if *resumed {
            self.cancellable(journal.reconcile(&*to).boxed()).await?;
        }
        let mut policy = request.policy.clone();
        journal.apply(&mut policy);
        let mut outcome = Outcome::default();
        for (id, sources) in by_file_system(&request.sources) {
            let from = self.cancellable(self.fs(&id).boxed()).await?;
            let from: Arc<dyn FileSystem> = if policy.follow { Arc::new(Following::new(from)) } else { from };
            let sources = match resumed {
                true => self.cancellable(not_moved(&*from, sources, journal).boxed()).await?,
                false => sources,
            };
            let is_rename = mode == Mode::Run && request.remove_source && from.id() == to.id();
            let sources = if is_rename && !*resumed {
                let mover = Mover { fs: &*to, request, reporter: &**reporter, journal };
                self.cancellable(mover.rename(sources, &mut outcome).boxed()).await?
            } else {
                sources
            };
            if sources.is_empty() {
                continue;
            }
            let mut begun = journal.begun(&id);
            if let Some(only) = only {
                begun.open.retain(|source, _| only.contains(source));
            }
            let transfer = Transfer {
                from: from.clone(),
                to: to.clone(),
                counters: counters.clone(),
                reporter: reporter.clone(),
                cancel: self.cancel.child_token(),
                throttle: throttle.clone(),
                room: self.shared.gates.between(&*from, &*to, policy.jobs),
                journal: journal.clone(),
                begun: Arc::new(begun),
                apart: Arc::default(),
                keep: if journal.id().is_some() { self.keep.clone() } else { Arc::default() },
            };
            self.shared.jobs.update(self.job, |meter| {
                meter.phase = Phase::Planning;
                meter.is_counted = false;
                // What is read to be compared is counted nowhere.
                let all_is_counted = !policy.verify && !policy.compare_content;
                meter.wait_for(&[&from, &to], all_is_counted);
            });
            let landing = journal.landing().unwrap_or(request.landing);
            let tops = self
                .cancellable(transfer.prepare(&sources, &request.target.path, landing, &policy).boxed())
                .await?;
            if mode == Mode::Run && landing == Landing::Auto {
                journal.land(if tops.into { Landing::Into } else { Landing::Onto });
            }
            let sources = request.remove_source.then(Removal::default);
            let mut found = Found::of(sources);
            let (feed, batches) = feed::channel();
            let planning = async {
                let planned = self.plan_all(&transfer, tops, &mut policy, mode, &feed, &mut found).await;
                if planned.as_ref().is_err_and(|error| error.kind() == ErrorKind::Cancelled) {
                    transfer.cancel.cancel();
                }
                drop(feed);
                planned
            };
            let (planned, later) = match mode {
                Mode::Run => tokio::join!(planning, transfer.run(batches)),
                Mode::Plan => tokio::join!(planning, self.show(batches)),
            };
            let later = later?;
            planned?;
            outcome.failed += found.refused;
            outcome.skipped += found.skipped;
            if mode == Mode::Plan {
                transfer.keep_unless_whole(&mut found.ending, outcome.failed);
                for steps in found.ending.into_steps().chunks(STEPS) {
                    self.shared.emit(self.job, What::Steps(steps.to_vec())).await;
                }
                continue;
            }
            transfer.conclude(later, found.ending, outcome.failed).await?;
            if let Some(removal) = found.sources {
                let is_whole = || {
                    outcome.failed + outcome.skipped + counters.failures() == 0
                        && counters.changed.load(Ordering::Relaxed) == 0
                };
                if is_whole() {
                    transfer.settle().await?;
                }
                if is_whole() {
                    journal.remove();
                    // What is removed is not counted as copied a second time.
                    let removing = Transfer { counters: Arc::new(counters.beside()), ..transfer.clone() };
                    remove::exactly(&removing, removal).await?;
                    outcome.failed += removing.counters.failures();
                } else {
                    let stays = Error::new(ErrorKind::Conflict, Operation::RemoveFile).on(id.as_str());
                    reporter.warning(stays.with_detail("not all of it was copied, so the sources stay"));
                }
            }
        }
        outcome.failed += counters.failures();
        outcome.done = outcome.done + counters.done();
        outcome.changed = counters.changed.load(Ordering::Relaxed);
        outcome.removed = counters.removed.load(Ordering::Relaxed);
        Ok(outcome)
    }

    /// Makes the whole plan, and feeds what is ready of it meanwhile.
    async fn plan_all(
        &self,
        transfer: &Transfer,
        tops: Tops,
        policy: &mut Policy,
        mode: Mode,
        feed: &Feed,
        found: &mut Found,
    ) -> Result<()> {
        self.cancellable(transfer.descend(tops, policy, feed, found).boxed()).await?;
        let conflicts = std::mem::take(&mut found.conflicts);
        if mode == Mode::Plan {
            for error in conflicts.into_iter().map(undecided) {
                found.refused += 1;
                transfer.reporter.item_failed(error);
            }
            return Ok(());
        }
        if !conflicts.is_empty() {
            self.shared.jobs.update(self.job, |meter| meter.phase = Phase::Asking);
            let decisions = self.cancellable(self.ask_conflicts(conflicts).boxed()).await?;
            transfer.journal.decide(decisions);
            transfer.journal.apply(policy);
            self.cancellable(transfer.decide(policy, feed, found).boxed()).await?;
        }
        self.cancellable(transfer.clear_unwanted(found).boxed()).await?;
        self.shared.jobs.update(self.job, |meter| {
            meter.phase = Phase::Running;
            meter.is_counted = true;
        });
        transfer.journal.planned(transfer.counters.planned());
        self.shared.emit(self.job, What::Planned(transfer.counters.planned())).await;
        Ok(())
    }

    /// Tells of the steps as they come, instead of doing them.
    async fn show(&self, mut batches: Batches) -> Result<Later> {
        while let Some(batch) = batches.next().await {
            for steps in batch.steps.chunks(STEPS) {
                self.shared.emit(self.job, What::Steps(steps.to_vec())).await;
            }
        }
        Ok(Later::default())
    }

    pub(super) async fn ask_conflicts(&self, mut conflicts: Vec<Conflict>) -> Result<Decisions> {
        let count = conflicts.len() as u64;
        conflicts.truncate(SHOWN_CONFLICTS);
        self.shared.jobs.queue.ask(self.job, true);
        let answer = self.shared.ask(self.job, Ask::Conflicts { shown: conflicts, count }).await;
        self.shared.jobs.queue.ask(self.job, false);
        match answer {
            // To ask again would ask for ever.
            Some(Answer::Conflicts(Some(decisions)))
                if decisions.rest != OnConflict::Ask
                    && decisions.items.values().all(|how| *how != OnConflict::Ask) =>
            {
                Ok(decisions)
            }
            _ => Err(Error::new(ErrorKind::Cancelled, Operation::Plan)),
        }
    }

    pub(super) async fn remove(&self, items: &[Location]) -> Result<Outcome> {
        let (reporter, telling) = self.reporter();
        let counters = Arc::new(Counters::default());
        self.shared.jobs.measure(self.job, counters.clone(), Throttle::default());
        // No queue, and no plan before the first of it: it deletes while it lists.
        self.shared.jobs.update(self.job, |meter| meter.phase = Phase::Running);
        tokio::join!(self.remove_all(items, &counters, reporter), telling).0
    }

    pub(super) async fn remove_all(
        &self,
        items: &[Location],
        counters: &Arc<Counters>,
        reporter: Arc<dyn Reporter>,
    ) -> Result<Outcome> {
        for (id, paths) in by_file_system(items) {
            let fs = self.cancellable(self.fs(&id).boxed()).await?;
            let transfer = self.on(fs, counters, &reporter);
            remove::trees(&transfer, &paths).await?;
        }
        Ok(Outcome { done: counters.done(), failed: counters.failures(), ..Outcome::default() })
    }
}

/// The sources without those that an earlier run has moved, and so are not there any more.
async fn not_moved(
    from: &dyn FileSystem,
    sources: Vec<RemotePath>,
    journal: &Journal,
) -> Result<Vec<RemotePath>> {
    let mut rest = Vec::new();
    for source in sources {
        if journal.is_removing() || journal.is_moved(from.id(), &source) {
            match from.lstat(&source).await {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) if error.kind().ends_session() => return Err(error),
                _ => {}
            }
        }
        rest.push(source);
    }
    Ok(rest)
}

fn undecided(conflict: Conflict) -> Error {
    Error::new(ErrorKind::Conflict, Operation::Copy)
        .at(&conflict.source.path)
        .on(conflict.source.fs.as_str())
        .with_detail(format!("{} exists; what is to be done would be asked", conflict.target.path))
}

/// Moves within one file system by renaming.
struct Mover<'a> {
    fs: &'a dyn FileSystem,
    request: &'a Request,
    reporter: &'a dyn Reporter,
    journal: &'a Journal,
}

impl Mover<'_> {
    /// Renames what can be renamed; hands back what has to be copied: what the policy lets
    /// replace something, or goes to another volume. A rename that failed for a reason that
    /// holds for copying too is a failed item.
    async fn rename(&self, sources: Vec<RemotePath>, outcome: &mut Outcome) -> Result<Vec<RemotePath>> {
        let target = &self.request.target.path;
        let into = match (self.request.landing, self.fs.stat(target).await) {
            (Landing::Into, _) => true,
            (Landing::Onto, _) => false,
            (_, Ok(entry)) => entry.kind == Kind::Dir,
            (_, Err(error)) if error.kind().ends_session() => return Err(error),
            (_, Err(_)) => false,
        };
        if !into && sources.len() > 1 {
            // Several need a directory: planning says so.
            return Ok(sources);
        }
        if self.request.landing == Landing::Auto {
            self.journal.land(if into { Landing::Into } else { Landing::Onto });
        }
        let mut rest = Vec::new();
        for source in sources {
            let landed = match source.name() {
                Some(name) if into => target.join(name),
                Some(_) => target.clone(),
                None => {
                    rest.push(source);
                    continue;
                }
            };
            let only = self.request.sources.len() == 1;
            let renamed = if landed.is_within(&source) {
                Err(self.onto_itself(&source))
            } else {
                self.journal.renamed(self.fs.id(), &source);
                self.fs.rename(&source, &landed, false).await
            };
            match renamed {
                Ok(()) => outcome.done.files += 1,
                Err(error) if error.kind().ends_session() => return Err(error),
                Err(error) if only && error.kind() == ErrorKind::Usage => return Err(error),
                // Copied over itself and then removed, it would be gone.
                Err(error)
                    if error.kind() == ErrorKind::AlreadyExists && self.is_same(&source, &landed).await =>
                {
                    outcome.failed += 1;
                    self.reporter.item_failed(self.onto_itself(&source));
                }
                Err(error) if self.may_be_copied(&error) => rest.push(source),
                Err(error) => {
                    outcome.failed += 1;
                    self.reporter.item_failed(match error.kind() {
                        // It is the target that is in the way.
                        ErrorKind::AlreadyExists => error.about(&landed),
                        _ => error,
                    });
                }
            }
        }
        Ok(rest)
    }

    fn onto_itself(&self, source: &RemotePath) -> Error {
        Error::new(ErrorKind::Usage, Operation::Rename)
            .at(source)
            .on(self.fs.id().as_str())
            .with_detail("source and target are the same, or one inside the other")
    }

    /// Whether two paths are one file, by way of links among the directories above.
    async fn is_same(&self, source: &RemotePath, landed: &RemotePath) -> bool {
        if source.name() != landed.name() {
            return false;
        }
        let parent = |path: &RemotePath| path.parent().unwrap_or_else(RemotePath::root);
        let (a, b) = (parent(source), parent(landed));
        match tokio::join!(self.fs.canonicalize(&a), self.fs.canonicalize(&b)) {
            (Ok(a), Ok(b)) => a == b,
            _ => false,
        }
    }

    fn may_be_copied(&self, error: &Error) -> bool {
        match error.kind() {
            ErrorKind::AlreadyExists => self.request.policy.on_conflict != OnConflict::Refuse,
            // Another volume of the same machine: OpenSSH has no more than "failure" for it.
            ErrorKind::Unsupported | ErrorKind::Failure => true,
            _ => false,
        }
    }
}
