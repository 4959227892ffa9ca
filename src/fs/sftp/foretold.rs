//! What stands at the path that a session is wanted for: asked along with the login, so that it costs
//! no round trip of its own. Must never outlive its first use, nor be used late.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::response::Response;
use crate::fs::RemotePath;

/// What was asked for longer ago is asked for again.
const FRESH: Duration = Duration::from_secs(1);

/// The answer to one LSTAT, until somebody asks for it or changes something.
#[derive(Default)]
pub struct Foretold(Mutex<Option<Told>>);

struct Told {
    path: RemotePath,
    response: Response,
    asked: Instant,
}

impl Foretold {
    /// `response` came to an LSTAT of `path` that was sent at `asked`.
    pub fn new(path: RemotePath, response: Response, asked: Instant) -> Foretold {
        Foretold(Mutex::new(Some(Told { path, response, asked })))
    }

    /// The answer and when it was asked for, if it is about `path` and still fresh. There is none the
    /// second time, whatever was asked for the first time.
    pub fn take(&self, path: &RemotePath) -> Option<(Response, Instant)> {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        (told.path == *path && told.asked.elapsed() < FRESH).then_some((told.response, told.asked))
    }

    /// Something may be changed now.
    pub fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(asked: Instant) -> Foretold {
        Foretold::new(RemotePath::new("/a"), Response::Extended(bytes::Bytes::new()), asked)
    }

    #[test]
    fn an_answer_is_good_once_for_its_path_and_soon() {
        let (a, b) = (RemotePath::new("/a"), RemotePath::new("/b"));
        let now = Instant::now();
        let foretold = told(now);
        assert!(foretold.take(&a).is_some());
        assert!(foretold.take(&a).is_none(), "it was used");
        let foretold = told(now);
        assert!(foretold.take(&b).is_none());
        assert!(foretold.take(&a).is_none(), "something else was done first");
        let foretold = told(now);
        foretold.forget();
        assert!(foretold.take(&a).is_none());
        let late = now.checked_sub(FRESH).expect("a clock that runs for a second");
        assert!(told(late).take(&a).is_none());
    }
}
