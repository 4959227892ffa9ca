//! What makes a copy survive its connection and its program: its record, the tries after a loss,
//! and taking up what was interrupted. Knows no protocol.

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures::FutureExt;

use super::{
    super::What,
    Job,
    copy::{Mode, Run},
    queue::Pair,
};
use crate::{
    engine::{meter::Meter, session::pause_before},
    fs::{Error, ErrorKind, FsId, Location, Operation, Place, RemotePath, Result},
    transfer::{
        Outcome, Phase, Request,
        counters::Counters,
        journal::{self, Journal},
        limit::Throttle,
    },
};

/// How long removing what an ended job has left may take.
const CLEARING: Duration = Duration::from_secs(4);

/// Runs what blocks on the disk.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let failed = |error: tokio::task::JoinError| {
        Error::new(ErrorKind::Failure, Operation::FindJob).with_detail(error.to_string())
    };
    tokio::task::spawn_blocking(work).await.map_err(failed)
}

impl Job {
    pub(super) async fn copy(&self, request: Request, mode: Mode) -> Result<Outcome> {
        let journal = match mode {
            Mode::Run => self.record(&request).await,
            Mode::Plan => Journal::default(),
        };
        self.copy_recorded(request, mode, journal, None).await
    }

    /// Starts a record; without a directory, or where that cannot be written, in memory alone.
    async fn record(&self, request: &Request) -> Journal {
        let Some(dir) = self.shared.jobs_dir.get().cloned() else { return Journal::default() };
        let started = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let mut urls = std::collections::HashMap::new();
        for location in request.sources.iter().chain([&request.target]) {
            urls.entry(location.fs.clone()).or_insert_with(|| self.shared.sessions.url(&location.fs));
        }
        let asked = request.clone();
        let made = blocking(move || {
            let url = |fs: &FsId| urls.get(fs).cloned().unwrap_or_default();
            let journal = journal::create(&dir, &asked, &url, started as i64)?;
            // The same was interrupted before: what it has left is written on, or goes.
            for stored in journal::list(&dir) {
                if !stored.running
                    && is_same(&stored.request, &asked)
                    && let Ok((other, _)) = journal::open(&dir, &stored.id)
                {
                    journal.adopt(&other);
                    other.forget();
                }
            }
            Ok(journal)
        });
        match made.await.and_then(|made| made) {
            Ok(journal) => journal,
            Err(error) => {
                self.shared.emit(self.job, What::Warning(error)).await;
                Journal::default()
            }
        }
    }

    pub(super) async fn copy_recorded(
        &self,
        request: Request,
        mode: Mode,
        journal: Journal,
        only: Option<Arc<HashSet<RemotePath>>>,
    ) -> Result<Outcome> {
        let counters = Arc::new(Counters::default());
        let throttle = Throttle::new(request.policy.limit, self.shared.limit.clone());
        self.shared.jobs.measure(self.job, counters.clone(), throttle.clone());
        let (reporter, telling) = self.reporter();
        let resumed = !journal.is_empty();
        let is_part = only.is_some();
        let run =
            Run { counters: counters.clone(), throttle, reporter, journal: journal.clone(), resumed, only };
        let queue = &self.shared.jobs.queue;
        let is_held = run.throttle.is_paused();
        let mut place = (mode == Mode::Run).then(|| queue.enter(self.job, Pair::of(&request), is_held));
        let turn = match &mut place {
            Some(place) => self.cancellable(place.turn().map(Ok).boxed()).await,
            None => Ok(()),
        };
        let has_waited_only = turn.is_err();
        let outcome = match turn {
            Ok(()) => {
                self.shared.jobs.update(self.job, Meter::begin);
                tokio::join!(self.retrying(&request, mode, run), telling).0
            }
            Err(error) => Err(error),
        };
        drop(place);
        let verified = counters.verified();
        if !verified.is_empty() {
            self.shared.emit(self.job, What::Verified(verified)).await;
        }
        if mode == Mode::Run && !is_part {
            self.settle(&request, &journal, &outcome, has_waited_only).await;
        }
        outcome
    }

    /// Runs until it ends by anything but a lost connection, or by one too often.
    async fn retrying(&self, request: &Request, mode: Mode, mut run: Run) -> Result<Outcome> {
        let mut attempt = 0u32;
        let mut before = run.journal.reached();
        loop {
            let error = match self.copy_all(request, mode, &run).await {
                Err(error) if mode == Mode::Run && may_pass(error.kind(), attempt) => error,
                ended => return ended,
            };
            let reached = run.journal.reached();
            if reached != before {
                (attempt, before) = (0, reached);
            }
            if attempt >= request.policy.retries || self.cancel.is_cancelled() {
                return Err(error);
            }
            attempt += 1;
            run.resumed = !run.journal.is_empty();
            let wait = pause_before(attempt);
            self.shared.emit(self.job, What::Retrying { attempt, wait, error }).await;
            self.shared.jobs.update(self.job, |meter| meter.phase = Phase::Waiting);
            self.cancellable(tokio::time::sleep(wait).map(Ok).boxed()).await?;
        }
    }

    /// Clears up, or says that the job can go on another time.
    async fn settle(
        &self,
        request: &Request,
        journal: &Journal,
        outcome: &Result<Outcome>,
        has_waited_only: bool,
    ) {
        if let Some(error) = journal.trouble() {
            self.shared.emit(self.job, What::Warning(error)).await;
        }
        let may_go_on = match outcome {
            Ok(_) => journal.has_failed(),
            Err(error) if error.kind() == ErrorKind::Cancelled => {
                self.keeps() && (has_waited_only || !journal.is_empty())
            }
            Err(_) => !journal.is_empty(),
        };
        if may_go_on && let Some(id) = journal.id() {
            if let Ok(outcome) = outcome {
                journal.ended(*outcome);
            }
            self.shared.emit(self.job, What::Resumable { id, reached: journal.reached() }).await;
            return;
        }
        if let Some(to) = self.shared.sessions.present(&request.target.fs)
            && outcome.is_err()
        {
            let _ = tokio::time::timeout(CLEARING, journal.clear(&*to)).await;
        }
        journal.forget();
    }

    fn jobs_dir(&self) -> Result<PathBuf> {
        self.shared.jobs_dir.get().cloned().ok_or_else(|| {
            Error::new(ErrorKind::NotFound, Operation::FindJob).with_detail("nothing is kept here")
        })
    }

    pub(super) async fn stored(&self) -> Result<Outcome> {
        let dir = self.jobs_dir()?;
        let stored = blocking(move || journal::list(&dir)).await?;
        self.shared.emit(self.job, What::Stored(stored)).await;
        Ok(Outcome::default())
    }

    /// Goes on with what was interrupted, and tries again what has failed.
    pub(super) async fn resume(&self, id: &str) -> Result<Outcome> {
        let (dir, name) = (self.jobs_dir()?, id.to_owned());
        let (journal, stored) = blocking(move || journal::open(&dir, &name)).await??;
        for place in &stored.places {
            self.cancellable(self.reach(place).boxed()).await?;
        }
        self.copy_recorded(stored.request, Mode::Run, journal, None).await
    }

    /// Tries again what has failed of an interrupted job, `items` of it or all, and nothing else. What
    /// else there is to be done stays recorded.
    pub(super) async fn retry(&self, id: &str, items: &[Location]) -> Result<Outcome> {
        let (dir, name) = (self.jobs_dir()?, id.to_owned());
        let (journal, stored) = blocking(move || journal::open(&dir, &name)).await??;
        let refuse = |why: &str| Error::new(ErrorKind::NotFound, Operation::FindJob).on(id).with_detail(why);
        let failed: Vec<Location> = stored.failures.iter().map(|failure| failure.source.clone()).collect();
        if failed.is_empty() {
            return Err(refuse("nothing of it has failed"));
        }
        if let Some(other) = items.iter().find(|item| !failed.contains(item)) {
            return Err(refuse("this has not failed").at(&other.path));
        }
        let items = if items.is_empty() { &failed[..] } else { items };
        let landing = journal.landing().unwrap_or(stored.request.landing);
        let Some(request) = stored.request.only(items, landing) else {
            return Err(refuse("it can only be tried again as a whole"));
        };
        for place in &stored.places {
            self.cancellable(self.reach(place).boxed()).await?;
        }
        let only = Arc::new(items.iter().map(|item| item.path.clone()).collect());
        let outcome = self.copy_recorded(request, Mode::Run, journal.clone(), Some(only)).await;
        if let Some(planned) = stored.planned {
            journal.planned(planned);
        }
        let is_whole = stored.planned.is_some_and(|planned| journal.reached().files >= planned.files);
        let is_done = outcome.is_ok() && is_whole && !journal.has_failed();
        if is_done && stored.request.remove_source {
            // All of it is there now: what is left of a move is to take the sources away.
            return self.copy_recorded(stored.request, Mode::Run, journal, None).await;
        }
        if is_done {
            journal.forget();
        } else {
            if let (Some(ended), Ok(outcome)) = (stored.ended, &outcome) {
                let failed = ended.failed.saturating_sub(items.len() as u64) + outcome.failed;
                journal.ended(Outcome { done: ended.done + outcome.done, failed, ..ended });
            }
            let (id, reached) = (id.to_owned(), journal.reached());
            self.shared.emit(self.job, What::Resumable { id, reached }).await;
        }
        outcome
    }

    /// Forgets an interrupted job and removes the parts that it has left.
    pub(super) async fn discard(&self, id: &str) -> Result<Outcome> {
        let (dir, name) = (self.jobs_dir()?, id.to_owned());
        let (journal, stored) = blocking(move || journal::open(&dir, &name)).await??;
        if !stored.parts.is_empty() {
            for place in &stored.places {
                let is_target = match place {
                    Place::Local(_) => stored.request.target.fs.is_local(),
                    Place::Remote(target, _) => target.label() == stored.request.target.fs.as_str(),
                };
                if is_target {
                    self.reach(place).await?;
                }
            }
            let to = self.fs(&stored.request.target.fs).await?;
            journal.clear(&*to).await;
            journal.reconcile(&*to).await?;
            if !journal.has_no_parts() {
                return Err(Error::new(ErrorKind::Failure, Operation::RemoveFile)
                    .on(stored.request.target.fs.as_str())
                    .with_detail("not all that it has left could be removed"));
            }
        }
        journal.forget();
        Ok(Outcome::default())
    }

    async fn reach(&self, place: &Place) -> Result<()> {
        self.shared.sessions.open(&self.shared, self.job, place).await.map(|_| ())
    }
}

fn is_same(one: &Request, other: &Request) -> bool {
    one.sources == other.sources
        && one.target == other.target
        && one.remove_source == other.remove_source
        && one.policy.chosen == other.policy.chosen
}

/// Whether what ended a run may pass by itself. Without a network, names do not resolve either.
fn may_pass(kind: ErrorKind, attempt: u32) -> bool {
    kind.is_retryable() || (attempt > 0 && kind == ErrorKind::Unresolved)
}
