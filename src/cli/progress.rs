//! The progress bar on standard error, where that is a terminal. Draws and nothing else.

use std::{io::IsTerminal, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    engine::{JobId, ProgressBoard},
    transfer::{Phase, Progress},
    words,
};

/// A bar that follows one job.
pub struct Bar {
    bar: ProgressBar,
    follower: Option<JoinHandle<()>>,
}

impl Bar {
    /// Starts to follow `job`; draws nothing where standard error is no terminal.
    pub fn start(mut board: watch::Receiver<ProgressBoard>, job: JobId, quiet: bool) -> Bar {
        if quiet || !std::io::stderr().is_terminal() {
            return Bar { bar: ProgressBar::hidden(), follower: None };
        }
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(10));
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {percent:>3}%  {msg}") {
            bar.set_style(style.progress_chars("█▌░"));
        }
        let follower = tokio::spawn({
            let bar = bar.clone();
            async move {
                while board.changed().await.is_ok() {
                    let latest = board.borrow_and_update().iter().find(|(id, _)| *id == job).cloned();
                    if let Some((_, progress)) = latest {
                        bar.set_length(progress.total.bytes.max(1));
                        bar.set_position(progress.done.bytes);
                        bar.set_message(line(&progress));
                    }
                }
            }
        });
        Bar { bar, follower: Some(follower) }
    }

    /// Prints something without tearing the bar.
    pub fn above(&self, print: impl FnOnce()) {
        self.bar.suspend(print);
    }

    /// Takes the bar away.
    pub fn stop(&self) {
        if let Some(follower) = &self.follower {
            follower.abort();
        }
        self.bar.finish_and_clear();
    }
}

fn line(progress: &Progress) -> String {
    match progress.phase {
        Phase::Queued | Phase::Planning | Phase::Asking => {
            format!("listing: {} found", words::totals(&progress.total))
        }
        Phase::Running => {
            let left = progress.remaining.map(|left: Duration| format!("  {} left", words::clock(left)));
            format!(
                "{}/{} files  {} of {}  {}{}",
                progress.done.files,
                progress.total.files,
                words::size(progress.done.bytes),
                words::size(progress.total.bytes),
                words::rate(progress.rate),
                left.unwrap_or_default()
            )
        }
    }
}
