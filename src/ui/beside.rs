//! Work that goes on beside the loop, each kind on a thread of its own, so that no key waits for
//! it. Must hold nothing of the state: work comes in and a message goes out.

mod highlighter;
mod pictures;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc,
    thread,
};

use tokio::sync::mpsc::UnboundedSender;

use super::update::Msg;
use crate::ui::state::{highlight::Chunk, picture::Wanted};

/// Does one piece of work after the other.
type Job<W> = Box<dyn FnMut(W) -> Msg>;

/// A kind of work.
struct Kind<W> {
    name: &'static str,
    /// Makes what does it, on its thread.
    start: fn() -> Job<W>,
    /// What to say where that panicked.
    failed: fn(&W) -> Msg,
}

/// A thread for one kind of work, which begins with the first of it. Nobody waits for it at the
/// end.
struct Worker<W> {
    kind: Kind<W>,
    work: Option<mpsc::Sender<W>>,
}

impl<W: Send + 'static> Worker<W> {
    fn new(kind: Kind<W>) -> Worker<W> {
        Worker { kind, work: None }
    }

    fn send(&mut self, work: W, told: &UnboundedSender<Msg>) {
        let to_do = self.work.get_or_insert_with(|| {
            let (work, to_do) = mpsc::channel::<W>();
            let (start, failed, told) = (self.kind.start, self.kind.failed, told.clone());
            let run = move || {
                let mut job = start();
                while let Ok(work) = to_do.recv() {
                    let failure = failed(&work);
                    let said = catch_unwind(AssertUnwindSafe(|| job(work))).unwrap_or_else(|_| {
                        job = start();
                        failure
                    });
                    if told.send(said).is_err() {
                        break;
                    }
                }
            };
            // Without a thread nothing is coloured, and nothing is lost by that.
            let _ = thread::Builder::new().name(self.kind.name.to_owned()).spawn(run);
            work
        });
        let _ = to_do.send(work);
    }
}

/// All of it.
pub(super) struct Beside {
    highlighter: Worker<Chunk>,
    pictures: Worker<Wanted>,
}

impl Beside {
    pub(super) fn new() -> Beside {
        Beside { highlighter: Worker::new(highlighter::KIND), pictures: Worker::new(pictures::KIND) }
    }

    pub(super) fn highlight(&mut self, chunk: Chunk, told: &UnboundedSender<Msg>) {
        self.highlighter.send(chunk, told);
    }

    pub(super) fn picture(&mut self, wanted: Wanted, told: &UnboundedSender<Msg>) {
        self.pictures.send(wanted, told);
    }
}
