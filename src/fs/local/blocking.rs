//! How system calls leave the async threads: brief ones by a queue that few threads share,
//! those that wait for the disk on a thread of their own. Must never know what they are for.

use std::{
    collections::VecDeque,
    io, mem,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};

use super::system_path;
use crate::fs::{Error, ErrorKind, Operation, RemotePath, Result};

/// Work that has not ended after this long does not keep others waiting: one more thread takes
/// from the queue. A network file system needs several at a time, and one that hangs needs a
/// way around it.
const SLOW: Duration = Duration::from_millis(2);

type Work = Box<dyn FnOnce() + Send>;

struct Queue {
    waiting: VecDeque<Work>,
    /// Threads that take from it, or are about to.
    takers: usize,
}

static QUEUE: Mutex<Queue> = Mutex::new(Queue { waiting: VecDeque::new(), takers: 0 });

fn queue() -> MutexGuard<'static, Queue> {
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a system call or a few that the system's caches answer. Thousands of small files need
/// tens of thousands of them, and waking a thread for each costs more than most of them.
pub async fn brief<T, F>(operation: Operation, path: &RemotePath, work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce(&Path) -> io::Result<T> + Send + 'static,
{
    let at = path.clone();
    queued(operation, path, move || {
        work(system_path(&at)).map_err(|error| Error::io(operation, &error).at(&at))
    })
    .await
}

/// The same for work that tells its own errors.
pub async fn queued<T: Send + 'static>(
    operation: Operation,
    path: &RemotePath,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let (done, mut outcome) = oneshot::channel();
    let work = Box::new(move || {
        // Nobody may be waiting any more.
        let _ = done.send(work());
    });
    let idle = {
        let mut queue = queue();
        queue.waiting.push_back(work);
        queue.takers == 0
    };
    if idle {
        Taker::start();
    }
    let mut patience = SLOW;
    loop {
        match timeout(patience, &mut outcome).await {
            Ok(Ok(outcome)) => return outcome,
            Ok(Err(_)) => return Err(lost(operation, path, "it broke off by a fault of wharf's own")),
            Err(_) => {
                if !queue().waiting.is_empty() {
                    Taker::start();
                }
                patience *= 2;
            }
        }
    }
}

/// Runs what waits for the disk, or takes long, on a thread of its own.
pub async fn alone<T: Send + 'static>(
    operation: Operation,
    path: &RemotePath,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    joined(operation, path, tokio::task::spawn_blocking(work)).await
}

/// Waits for a blocking task; one that died is a failure of the operation, not of the caller.
pub async fn joined<T>(
    operation: Operation,
    path: &RemotePath,
    task: tokio::task::JoinHandle<Result<T>>,
) -> Result<T> {
    task.await.unwrap_or_else(|error| Err(lost(operation, path, &error.to_string())))
}

fn lost(operation: Operation, path: &RemotePath, how: &str) -> Error {
    Error::new(ErrorKind::Failure, operation).at(path).with_detail(how)
}

/// One of the threads that take from the queue; however it ends, it is counted no more.
struct Taker;

impl Taker {
    fn start() {
        queue().takers += 1;
        let taker = Taker;
        tokio::task::spawn_blocking(move || taker.take());
    }

    fn take(self) {
        loop {
            let mut queue = queue();
            let Some(work) = queue.waiting.pop_front() else {
                // While the queue is held: nobody may add to it and still see a taker.
                queue.takers -= 1;
                mem::forget(self);
                return;
            };
            drop(queue);
            work();
        }
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        queue().takers -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn path() -> RemotePath {
        RemotePath::new("/x")
    }

    #[tokio::test]
    async fn work_that_hangs_keeps_nobody_waiting() {
        let (go, gate) = mpsc::channel::<()>();
        let hung =
            tokio::spawn(
                async move { queued(Operation::Stat, &path(), move || Ok(gate.recv().is_ok())).await },
            );
        for count in 0..100 {
            assert_eq!(queued(Operation::Stat, &path(), move || Ok(count)).await.unwrap(), count);
        }
        go.send(()).unwrap();
        assert!(hung.await.unwrap().unwrap());
    }

    #[tokio::test]
    async fn work_that_dies_is_an_error_and_the_next_is_done() {
        let died =
            queued(Operation::Stat, &path(), || -> Result<()> { panic!("as the test wants it") }).await;
        assert_eq!(died.unwrap_err().kind(), ErrorKind::Failure);
        assert_eq!(queued(Operation::Stat, &path(), || Ok(7)).await.unwrap(), 7);
    }

    #[test]
    fn a_runtime_that_ends_leaves_the_queue_to_the_next() {
        for round in 0..50 {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                // Asked for, and not waited for.
                tokio::spawn(async { queued(Operation::Stat, &path(), || Ok(())).await });
                tokio::task::yield_now().await;
            });
            runtime.shutdown_background();
            let next = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let answer = next.block_on(queued(Operation::Stat, &path(), move || Ok(round)));
            assert_eq!(answer.unwrap(), round);
        }
    }
}
