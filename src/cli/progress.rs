//! Copying with a progress bar on standard error, where that is a terminal. Decides nothing.

use std::{io::IsTerminal, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::{sync::watch, task::JoinHandle};

use super::{driver, driver::Driver};
use crate::{
    engine::{Command, JobId, ProgressBoard, What},
    fs::{ErrorKind, Location, Result},
    transfer::{Outcome, Phase, Progress, Request, Verified},
    words,
};

/// How a transfer ended.
pub struct Ended {
    pub outcome: Outcome,
    /// How many files were verified, by the means.
    pub verified: Vec<(Verified, u64)>,
}

impl Ended {
    /// This and another one, as one.
    pub fn and(mut self, other: Ended) -> Ended {
        let Outcome { done, removed, skipped, failed, changed } = other.outcome;
        let outcome = self.outcome;
        self.outcome = Outcome {
            done: outcome.done + done,
            removed: outcome.removed + removed,
            skipped: outcome.skipped + skipped,
            failed: outcome.failed + failed,
            changed: outcome.changed + changed,
        };
        for (by, files) in other.verified {
            match self.verified.iter_mut().find(|(known, _)| *known == by) {
                Some((_, count)) => *count += files,
                None => self.verified.push((by, files)),
            }
        }
        self
    }
}

/// Copies, with a bar where it can be seen; failed items are printed above it. `None` where it
/// was interrupted and can go on another time: that has been said then.
pub async fn copy(driver: &mut Driver, request: Request, quiet: bool) -> Result<Option<Ended>> {
    let job = driver.job();
    run(driver, job, Command::Copy { job, request }, quiet).await
}

/// Goes on with an interrupted transfer, in the same way.
pub async fn resume(driver: &mut Driver, id: String, quiet: bool) -> Result<Option<Ended>> {
    let job = driver.job();
    run(driver, job, Command::Resume { job, id }, quiet).await
}

/// Tries again what failed of one, in the same way.
pub async fn retry(
    driver: &mut Driver,
    id: String,
    items: Vec<Location>,
    quiet: bool,
) -> Result<Option<Ended>> {
    let job = driver.job();
    run(driver, job, Command::Retry { job, id, items }, quiet).await
}

async fn run(driver: &mut Driver, job: JobId, command: Command, quiet: bool) -> Result<Option<Ended>> {
    let bar = Bar::start(driver.progress(), job, quiet);
    let mut resumable = None;
    let mut verified = Vec::new();
    driver.resumes(true);
    let copied = driver
        .run(job, command, |what| match what {
            What::Resumable { id, .. } => resumable = Some(id),
            What::Verified(found) => verified = found,
            What::Retrying { wait, error, .. } if !quiet => {
                bar.above(|| super::say(format_args!("wharf: {}", words::retrying(&error, wait))));
            }
            what => bar.above(|| driver::item(&what)),
        })
        .await;
    driver.resumes(false);
    bar.stop();
    match (copied, resumable) {
        (Err(error), Some(id)) => {
            if error.kind() != ErrorKind::Cancelled {
                super::report(&error);
            }
            super::say(format_args!(
                "wharf: interrupted; `wharf jobs resume {id}` goes on, `wharf jobs discard {id}` forgets it"
            ));
            Ok(None)
        }
        (Ok(outcome), Some(id)) => {
            if !quiet && std::io::stderr().is_terminal() {
                super::say(format_args!(
                    "wharf: `wharf jobs resume {id}` goes on, and tries again what failed"
                ));
            }
            Ok(Some(Ended { outcome, verified }))
        }
        (copied, None) => copied.map(|outcome| Some(Ended { outcome, verified })),
    }
}

/// Says once that a server is silent, and once that it is not any more.
#[derive(Default)]
struct Silence(Option<Duration>);

impl Silence {
    fn hear(&mut self, progress: &Progress) -> Option<String> {
        match (self.0, progress.silent) {
            (None, Some(silent)) => {
                self.0 = Some(silent);
                Some(format!("{}; still waiting", words::silent(silent)))
            }
            (Some(_), Some(silent)) => {
                self.0 = Some(silent);
                None
            }
            (Some(lasted), None) => {
                self.0 = None;
                // Where the connection was given up, another line says so.
                let goes_on = matches!(progress.phase, Phase::Planning | Phase::Running);
                goes_on.then(|| format!("it goes on, after {}", words::clock(lasted)))
            }
            (None, None) => None,
        }
    }
}

/// A bar that follows one job.
struct Bar {
    bar: ProgressBar,
    follower: Option<JoinHandle<()>>,
}

impl Bar {
    /// Starts to follow `job`; where standard error is no terminal, only what is waited for long is
    /// said there.
    fn start(mut board: watch::Receiver<ProgressBoard>, job: JobId, quiet: bool) -> Bar {
        if quiet {
            return Bar { bar: ProgressBar::hidden(), follower: None };
        }
        let is_seen = std::io::stderr().is_terminal();
        let bar = match is_seen {
            true => ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(10)),
            false => ProgressBar::hidden(),
        };
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {percent:>3}%  {msg}") {
            bar.set_style(style.progress_chars("█▌░"));
        }
        let follower = tokio::spawn({
            let bar = bar.clone();
            let mut silence = Silence::default();
            async move {
                while board.changed().await.is_ok() {
                    let latest = board.borrow_and_update().iter().find(|(id, _)| *id == job).cloned();
                    let Some((_, progress)) = latest else { continue };
                    if is_seen {
                        bar.set_length(progress.total.bytes.max(1));
                        bar.set_position(progress.done.bytes);
                        bar.set_message(line(&progress));
                    } else if let Some(text) = silence.hear(&progress) {
                        super::say(format_args!("wharf: {text}"));
                    }
                }
            }
        });
        Bar { bar, follower: Some(follower) }
    }

    /// Prints something without tearing the bar.
    fn above(&self, print: impl FnOnce()) {
        self.bar.suspend(print);
    }

    /// Takes the bar away.
    fn stop(&self) {
        if let Some(follower) = &self.follower {
            follower.abort();
        }
        self.bar.finish_and_clear();
    }
}

fn line(progress: &Progress) -> String {
    if let Some(silent) = progress.silent {
        return format!(
            "{} of {}  {}",
            words::size(progress.done.bytes),
            words::size(progress.total.bytes),
            words::silent(silent)
        );
    }
    match progress.phase {
        Phase::Queued => "waiting for its turn".to_owned(),
        Phase::Planning | Phase::Asking => {
            format!("listing: {} found", words::totals(&progress.total))
        }
        Phase::Waiting => "waiting for the connection".to_owned(),
        Phase::Running | Phase::Paused => {
            let more = if progress.is_counting { "+" } else { "" };
            let left = progress.remaining.map(|left: Duration| format!("  {} left", words::clock(left)));
            format!(
                "{}/{}{more} files  {} of {}{more}  {}{}",
                progress.done.files,
                progress.total.files,
                words::size(progress.done.bytes),
                words::size(progress.total.bytes),
                match progress.checking {
                    1.. if progress.rate == 0.0 => words::CHECKING.to_owned(),
                    _ => words::rate(progress.rate),
                },
                left.unwrap_or_default()
            )
        }
    }
}
