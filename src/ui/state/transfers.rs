//! The jobs that move, remove or change files, running and ended, in the order of their start. Plain data.

use std::{collections::VecDeque, time::Duration};

use crate::{
    engine::JobId,
    fs::{Error, Location},
    transfer::{Outcome, Phase, Progress, Request, Totals, Verified},
    ui::action::Action,
    words,
};

/// Failures of one job that are kept; the rest is counted.
const MOST_FAILURES: usize = 10_000;

/// Rates that are kept, one a second: the last minute.
const RATES: usize = 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    Copy,
    Move,
    /// What was chosen of a comparison.
    Sync,
    Remove,
    Rename,
    /// Permissions or owners.
    Change,
}

/// How a job stands.
#[derive(Clone, Debug)]
pub enum Standing {
    Running,
    /// It was told to stop and has not yet said that it did.
    Stopping,
    Done(Outcome),
    Failed(Error),
    Cancelled,
    /// By the end of an earlier program.
    Interrupted(Interrupted),
}

/// What is known of a transfer that an earlier program did not finish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted {
    /// Seconds since 1970.
    pub started: i64,
    pub failed: u64,
}

/// How a transfer stood before one item of it was tried again.
#[derive(Clone, Debug)]
pub struct Before {
    pub standing: Standing,
    pub progress: Progress,
    /// Its record.
    pub id: String,
    /// Why the item had failed.
    pub failure: Error,
}

/// One job.
#[derive(Clone, Debug)]
pub struct Transfer {
    pub job: JobId,
    pub work: Work,
    /// What it moves, escaped: a name, or how many items.
    pub name: String,
    /// Where it goes, escaped; empty for a removal.
    pub target: String,
    /// The folders whose listings it changes.
    pub touches: Vec<Location>,
    pub progress: Progress,
    pub failures: Vec<Error>,
    /// Failures that were too many to keep.
    pub more_failures: u64,
    pub warnings: Vec<Error>,
    /// How many files were verified, by the means.
    pub verified: Vec<(Verified, u64)>,
    pub standing: Standing,
    /// What was asked for, to ask for a part of it again.
    pub request: Option<Box<Request>>,
    /// Names the record by which it can go on.
    pub resumable: Option<String>,
    /// How many have their turn before it, while it waits for its own.
    pub line: Option<usize>,
    /// Bytes per second that it may take at most.
    pub limit: Option<u64>,
    /// Bytes per second, the newest last.
    pub rates: VecDeque<f64>,
    /// When the newest was taken, on the clock of the state.
    pub rated: Duration,
    /// How it stood before one item of it was tried again.
    pub kept: Option<Box<Before>>,
    /// Why the connection was lost that is about to be tried again, in words.
    pub lost: Option<String>,
}

impl Work {
    /// What the job is at while it runs.
    pub fn doing(self) -> &'static str {
        match self {
            Work::Copy => "copying",
            Work::Move => "moving",
            Work::Sync => "syncing",
            Work::Remove => "deleting",
            Work::Rename => "renaming",
            Work::Change => "changing",
        }
    }

    /// What the job does, as it stands behind a number.
    pub fn verb(self) -> &'static str {
        match self {
            Work::Copy => "copied",
            Work::Move => "moved",
            Work::Sync => "copied",
            Work::Remove => "deleted",
            Work::Rename => "renamed",
            Work::Change => "changed",
        }
    }
}

impl Transfer {
    /// One that has just begun.
    pub fn new(job: JobId, work: Work, name: String, target: String, touches: Vec<Location>) -> Transfer {
        Transfer {
            job,
            work,
            name,
            target,
            touches,
            progress: Progress::default(),
            failures: Vec::new(),
            more_failures: 0,
            warnings: Vec::new(),
            verified: Vec::new(),
            standing: Standing::Running,
            request: None,
            resumable: None,
            line: None,
            limit: None,
            rates: VecDeque::new(),
            rated: Duration::ZERO,
            lost: None,
            kept: None,
        }
    }

    /// Where one item of it was tried again, the rest stands as it did before.
    pub fn stand_as_before(&mut self) {
        let Some(before) = self.kept.take() else { return };
        let Before { standing, progress, id, failure } = *before;
        if !matches!(self.standing, Standing::Done(_)) {
            // It has not been tried to its end: what was wrong with it still is.
            self.failures.push(failure);
        }
        let failed = self.failures.len() as u64 + self.more_failures;
        if self.resumable.is_none() {
            let Standing::Done(one) = &mut self.standing else {
                // It came to nothing: the record is there as it was.
                self.resumable = Some(id);
                self.progress = Progress { failed, ..progress };
                self.standing = standing;
                return;
            };
            // That was the last of it.
            one.done = progress.done + one.done;
            self.progress = Progress { done: one.done, failed, ..progress };
            return;
        }
        self.progress = Progress { failed, ..progress };
        self.standing = match (standing, &self.standing) {
            (Standing::Interrupted(known), _) => Standing::Interrupted(Interrupted { failed, ..known }),
            (Standing::Done(before), Standing::Done(one)) => {
                let failed = before.failed.saturating_sub(1) + one.failed;
                self.progress.done = before.done + one.done;
                Standing::Done(Outcome { done: self.progress.done, failed, ..before })
            }
            (standing, _) => standing,
        };
    }

    /// Keeps a failure, if there are not too many.
    pub fn fail(&mut self, error: Error) {
        if self.failures.len() < MOST_FAILURES {
            self.failures.push(error);
        } else {
            self.more_failures += 1;
        }
        let failed = self.failures.len() as u64 + self.more_failures;
        self.progress.failed = self.progress.failed.max(failed);
    }

    /// Takes in how far it is at `now`.
    pub fn advance(&mut self, progress: Progress, now: Duration) {
        if progress.phase == Phase::Running && now.saturating_sub(self.rated) >= Duration::from_secs(1) {
            self.rated = now;
            self.rates.push_back(progress.rate);
            if self.rates.len() > RATES {
                self.rates.pop_front();
            }
        }
        let (done, total) = (self.progress.done, self.progress.total);
        self.progress = progress;
        // One that begins anew after a loss has counted nothing yet: how far it was is still so.
        if self.progress.total == Totals::default() && self.progress.done == Totals::default() {
            (self.progress.done, self.progress.total) = (done, total);
        }
    }

    /// Bytes per second from the beginning of this run on.
    pub fn mean(&self) -> Option<f64> {
        let elapsed = self.progress.elapsed.as_secs_f64();
        (elapsed >= 1.0).then(|| self.progress.moved as f64 / elapsed)
    }

    pub fn moves_bytes(&self) -> bool {
        matches!(self.work, Work::Copy | Work::Move | Work::Sync)
    }

    /// The job in a line: `assets/ → web-01:/var/www`.
    pub fn title(&self) -> String {
        match self.work {
            Work::Copy => format!("{} → {}", self.name, self.target),
            Work::Move => format!("move {} → {}", self.name, self.target),
            Work::Sync => format!("sync {} → {}", self.name, self.target),
            Work::Remove => format!("delete {}", self.name),
            Work::Rename => format!("rename {}", self.name),
            Work::Change => format!("change {}", self.name),
        }
    }

    /// How it stands, in words; with what it did where it ended.
    pub fn standing_words(&self) -> String {
        match &self.standing {
            Standing::Running => match self.progress.phase {
                Phase::Queued if !self.moves_bytes() => self.work.doing().to_owned(),
                Phase::Queued => match self.line {
                    Some(before) => format!("queued, {}", words::ordinal(before as u64 + 1)),
                    None => "waiting for its turn".to_owned(),
                },
                Phase::Planning => match self.progress.silent {
                    Some(silent) => format!("looking at what there is, {}", words::silent(silent)),
                    None => "looking at what there is".to_owned(),
                },
                Phase::Asking => "waiting for your answer".to_owned(),
                Phase::Paused => "paused".to_owned(),
                Phase::Waiting => {
                    self.lost.clone().unwrap_or_else(|| "connection lost, trying again soon".to_owned())
                }
                Phase::Running => self.work.doing().to_owned(),
            },
            Standing::Stopping => "stopping".to_owned(),
            Standing::Done(outcome) => words::outcome(outcome, self.work.verb()),
            Standing::Failed(error) => words::error(error).to_string(),
            Standing::Cancelled => "cancelled".to_owned(),
            Standing::Interrupted(_) => {
                let (done, total) = (&self.progress.done, &self.progress.total);
                let mut text = match total.files {
                    0 => words::plural(done.files, "file", "files"),
                    files => {
                        format!("{} of {}", words::count(done.files), words::plural(files, "file", "files"))
                    }
                };
                if done.bytes > 0 {
                    text.push_str(&format!(", {}", words::size(done.bytes)));
                }
                text
            }
        }
    }

    /// How it stands, in a few words.
    pub fn standing_short(&self) -> String {
        match &self.standing {
            Standing::Failed(_) => "failed".to_owned(),
            Standing::Interrupted(_) => "interrupted".to_owned(),
            _ => self.standing_words(),
        }
    }

    /// Whether something can be done with it as it stands.
    pub fn allows(&self, action: Action) -> bool {
        let is_interrupted = matches!(self.standing, Standing::Interrupted(_));
        match action {
            // One that was interrupted and has no failures to show goes on.
            Action::Details => !is_interrupted || !self.failures.is_empty(),
            Action::PauseJob => {
                matches!(self.standing, Standing::Running)
                    && matches!(self.progress.phase, Phase::Running | Phase::Paused)
            }
            Action::CancelJob => match self.standing {
                Standing::Running => true,
                Standing::Stopping => false,
                _ => self.resumable.is_some(),
            },
            Action::RetryJob => !self.is_running() && self.resumable.is_some(),
            Action::Earlier | Action::Later => self.line.is_some(),
            Action::LimitJob => self.is_running() && self.moves_bytes(),
            Action::ClearFinished => !self.is_running() && !is_interrupted,
            _ => true,
        }
    }

    /// What an action comes to for it, where that is not what the action is called.
    pub fn name_of(&self, action: Action) -> Option<&'static str> {
        match action {
            Action::PauseJob if self.progress.phase == Phase::Paused => Some("Go on"),
            Action::CancelJob if !self.is_running() => Some("Forget"),
            _ => None,
        }
    }

    pub fn is_stopping(&self) -> bool {
        matches!(self.standing, Standing::Stopping)
    }

    pub fn is_running(&self) -> bool {
        matches!(self.standing, Standing::Running | Standing::Stopping)
    }
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Transfers {
    pub jobs: Vec<Transfer>,
    pub cursor: usize,
    /// The job that asks what was interrupted.
    pub asked: Option<JobId>,
    /// Bytes per second that all may take together.
    pub limit: Option<u64>,
}

impl Transfers {
    pub fn get_mut(&mut self, job: JobId) -> Option<&mut Transfer> {
        self.jobs.iter_mut().find(|transfer| transfer.job == job)
    }

    pub fn running(&self) -> impl Iterator<Item = &Transfer> {
        self.jobs.iter().filter(|transfer| transfer.is_running())
    }

    pub fn current(&self) -> Option<&Transfer> {
        self.jobs.get(self.cursor)
    }

    pub fn move_to(&mut self, row: usize) {
        self.cursor = row.min(self.jobs.len().saturating_sub(1));
    }

    /// Takes in who waits for a turn, the next one first: the rows stand in that order too.
    pub fn queue(&mut self, waiting: &[JobId]) {
        let cursor = self.current().map(|transfer| transfer.job);
        let place = |job: JobId| waiting.iter().position(|other| *other == job);
        for transfer in &mut self.jobs {
            transfer.line = place(transfer.job);
        }
        let rows: Vec<usize> = (0..self.jobs.len()).filter(|at| self.jobs[*at].line.is_some()).collect();
        for (at, first) in rows.iter().enumerate() {
            let next = rows.iter().skip(at).copied().min_by_key(|row| self.jobs[*row].line);
            if let Some(next) = next {
                self.jobs.swap(*first, next);
            }
        }
        if let Some(at) = self.jobs.iter().position(|transfer| Some(transfer.job) == cursor) {
            self.cursor = at;
        }
    }

    /// How far all that runs is: by bytes where every job moves some, else by items.
    pub fn share(&self) -> Option<f64> {
        // What waits for an answer has not yet said how much there is of it.
        if self.running().any(|t| t.progress.phase == Phase::Asking) {
            return None;
        }
        let by_bytes = self.running().all(|t| t.moves_bytes() && t.progress.total.bytes > 0);
        let amount = |totals: &Totals| match by_bytes {
            true => totals.bytes,
            false => totals.files.saturating_add(totals.dirs).saturating_add(totals.links),
        };
        let sum = |of: fn(&Transfer) -> &Totals| self.running().map(|t| amount(of(t)) as f64).sum::<f64>();
        let (done, total) = (sum(|t| &t.progress.done), sum(|t| &t.progress.total));
        (total > 0.0).then(|| (done / total).clamp(0.0, 1.0))
    }

    pub fn clear_finished(&mut self) {
        self.jobs.retain(|transfer| !transfer.allows(Action::ClearFinished));
        self.move_to(self.cursor);
    }
}
