//! Two file systems and everything that the work between them shares. Starts nothing by itself.

use std::sync::{Arc, atomic::AtomicBool};

use futures::{FutureExt, StreamExt, stream};
use tokio_util::sync::CancellationToken;

use super::{
    apart::Apart,
    counters::{Counters, add},
    gate::Room,
    journal::{Begun, Journal},
    limit::Throttle,
    walk::Watcher,
};
use crate::fs::{Entry, Error, ErrorKind, FileSystem, Operation, Result};

/// Hears what happens; must not block.
pub trait Reporter: Send + Sync {
    fn item_failed(&self, error: Error);
    fn warning(&self, error: Error);
}

/// One transfer between two file systems.
#[derive(Clone)]
pub struct Transfer {
    pub from: Arc<dyn FileSystem>,
    pub to: Arc<dyn FileSystem>,
    pub counters: Arc<Counters>,
    pub reporter: Arc<dyn Reporter>,
    pub cancel: CancellationToken,
    pub throttle: Throttle,
    /// Its share of what both file systems bear at the same time.
    pub room: Room,
    pub journal: Journal,
    /// What earlier runs of the same job have begun.
    pub begun: Arc<Begun>,
    /// A cancelled copy leaves what there is of it, for a later run.
    pub keep: Arc<AtomicBool>,
    /// Of a move: which directories are two.
    pub apart: Arc<Apart>,
}

impl Watcher for Transfer {
    fn found(&self, entry: &Entry) {
        self.counters.see(entry);
    }

    fn failed(&self, error: Error) {
        add(&self.counters.failed, 1);
        self.reporter.item_failed(error);
    }
}

impl Transfer {
    /// Runs `work` on every item, many at a time. Failures are reported; what ends a session, or
    /// a cancellation, ends the whole.
    pub(super) async fn each<I, T, F>(&self, items: I, work: impl Fn(Transfer, T) -> F + Send) -> Result<()>
    where
        I: IntoIterator<Item = T, IntoIter: Send> + Send,
        T: Send,
        F: Future<Output = Result<()>> + Send,
    {
        let limit = self.parallel();
        let mut running =
            stream::iter(items).map(|item| work(self.clone(), item).boxed()).buffer_unordered(limit.max(1));
        loop {
            match self.cancel.run_until_cancelled(running.next()).await.ok_or_else(cancelled)? {
                None => return Ok(()),
                Some(Ok(())) => add(&self.counters.signs, 1),
                Some(Err(error)) if error.kind().ends_session() => return Err(error),
                Some(Err(error)) => self.failed(error),
            }
        }
    }

    pub(super) fn parallel(&self) -> usize {
        let (from, to) = (self.from.capabilities(), self.to.capabilities());
        let borne = match (from.remote, to.remote) {
            (true, false) => from.parallel_files,
            (false, true) => to.parallel_files,
            // Each file takes both sides' share of one server.
            (true, true) if self.from.id() == self.to.id() => (from.parallel_files / 2).max(1),
            _ => from.parallel_files.min(to.parallel_files),
        };
        borne.min(self.room.most())
    }
}

pub(super) fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, Operation::Copy)
}
