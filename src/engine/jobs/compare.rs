//! The job that lists two directories side by side. Reads only.

use std::{sync::Arc, time::Duration};

use futures::FutureExt;
use tokio::sync::mpsc;

use super::{super::What, Job};
use crate::{
    fs::{Entry, Error, ErrorKind, Location, Operation, RemotePath, Result},
    transfer::{Outcome, compare::Sides, context::Reporter, walk::Watcher},
};

/// How often what was found is handed on.
const PERIOD: Duration = Duration::from_millis(100);

/// Directories whose contents may wait to be handed on.
const WAITING: usize = 64;

/// Pairs that are handed on at once, whatever the time.
const BATCH: usize = 20_000;

/// Passes failures on.
struct Told(Arc<dyn Reporter>);

impl Watcher for Told {
    fn found(&self, _: &Entry) {}

    fn failed(&self, error: Error) {
        self.0.item_failed(error);
    }
}

impl Job {
    pub(super) async fn compare(&self, left: &Location, right: &Location, content: bool) -> Result<Outcome> {
        let usage = |path: &RemotePath, why: &str| {
            Err(Error::new(ErrorKind::Usage, Operation::Plan).at(path).on(left.fs.as_str()).with_detail(why))
        };
        if left.fs == right.fs && (left.path.is_within(&right.path) || right.path.is_within(&left.path)) {
            return usage(&left.path, "the two are the same, or one is inside the other");
        }
        let sides = Sides {
            left: self.cancellable(self.fs(&left.fs).boxed()).await?,
            left_root: left.path.clone(),
            right: self.cancellable(self.fs(&right.fs).boxed()).await?,
            right_root: right.path.clone(),
            content,
            cancel: self.cancel.clone(),
        };
        let (reporter, telling) = self.reporter();
        let (sender, mut receiver) = mpsc::channel(WAITING);
        let comparing = async move {
            let told = Told(reporter);
            sides.compare(sender, &told).await
        };
        let handing_on = async {
            let mut batch = Vec::new();
            let mut ticks = tokio::time::interval(PERIOD);
            loop {
                let is_last = tokio::select! {
                    pairs = receiver.recv() => match pairs {
                        Some(pairs) => {
                            batch.extend(pairs);
                            if batch.len() < BATCH {
                                continue;
                            }
                            false
                        }
                        None => true,
                    },
                    _ = ticks.tick() => false,
                };
                if !batch.is_empty() {
                    self.shared.emit(self.job, What::Compared(std::mem::take(&mut batch))).await;
                }
                if is_last {
                    return;
                }
            }
        };
        let (compared, ..) = tokio::join!(comparing, handing_on, telling);
        compared.map(|()| Outcome::default())
    }
}
