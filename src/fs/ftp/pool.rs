//! The control connections of one session: lent out one at a time, given back when they are in
//! step and thrown away when they are not. Grows on demand, shrinks where the server counts.
//! Knows no commands but NOOP and QUIT.

use std::{
    collections::VecDeque,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use super::{
    control::{Command, Control},
    login::Login,
};
use crate::fs::{Error, ErrorKind, Operation, Result};

/// An idle connection that is older than this may have been forgotten by a server or a firewall.
const STALE: Duration = Duration::from_secs(30);

/// Idle connections beyond the first are closed after this.
const SPARE: Duration = Duration::from_secs(120);

/// How often idle connections are looked after.
const ROUND: Duration = Duration::from_secs(15);

/// How long a server that refused more connections is not asked again.
const SHRUNK: Duration = Duration::from_secs(60);

/// How long nothing may become free. Whoever holds all connections must be waiting for one.
const STARVED: Duration = Duration::from_secs(240);

/// How often, and after what pause, a server that has just lost a connection of ours is asked
/// again: it may not have noticed yet.
const LATE_NOTICE: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(1200)];

pub struct Pool {
    login: Arc<Login>,
    most: usize,
    state: Mutex<State>,
    /// All but one of the connections may be lent for writing: a copy within the server holds
    /// one for writing while it waits for one to read from.
    writers: Arc<Semaphore>,
    /// Why the session ended for good.
    ended: watch::Sender<Option<Error>>,
}

#[derive(Default)]
struct State {
    idle: Vec<Control>,
    /// Connections that exist, idle or lent.
    live: usize,
    opening: usize,
    waiting: VecDeque<oneshot::Sender<Result<Control>>>,
    /// Fewer than `most`, since when.
    shrunk: Option<(usize, Instant)>,
    /// When a connection was last thrown away.
    thrown: Option<Instant>,
    ended: bool,
}

/// A control connection, lent. Goes back when dropped, if it is in step.
pub struct Lease {
    control: Option<Control>,
    pool: Arc<Pool>,
    _writer: Option<OwnedSemaphorePermit>,
}

impl Deref for Lease {
    type Target = Control;

    fn deref(&self) -> &Control {
        match &self.control {
            Some(control) => control,
            None => unreachable!("a lease holds its connection until it is dropped"),
        }
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Control {
        match &mut self.control {
            Some(control) => control,
            None => unreachable!("a lease holds its connection until it is dropped"),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(control) = self.control.take() {
            self.pool.give_back(control);
        }
    }
}

impl Pool {
    /// A pool of `most` connections at most, of which `first` is one.
    pub fn new(login: Arc<Login>, most: usize, first: Control) -> Arc<Pool> {
        let most = most.max(1);
        let pool = Arc::new(Pool {
            login,
            most,
            state: Mutex::new(State { idle: vec![first], live: 1, ..State::default() }),
            writers: Arc::new(Semaphore::new((most - 1).max(1))),
            ended: watch::Sender::new(None),
        });
        tokio::spawn(look_after(Arc::downgrade(&pool)));
        pool
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many connections there may be now.
    pub fn size(&self) -> usize {
        self.limit(&self.lock())
    }

    fn limit(&self, state: &State) -> usize {
        match state.shrunk {
            Some((limit, since)) if since.elapsed() < SHRUNK => limit.clamp(1, self.most),
            _ => self.most,
        }
    }

    pub async fn lend(self: &Arc<Self>, operation: Operation) -> Result<Lease> {
        self.lend_with(operation, None).await
    }

    /// For a file to be written, behind which another may have to be read.
    pub async fn lend_for_writing(self: &Arc<Self>, operation: Operation) -> Result<Lease> {
        let permit = self.writers.clone().acquire_owned().await.ok();
        self.lend_with(operation, permit).await
    }

    async fn lend_with(
        self: &Arc<Self>,
        operation: Operation,
        writer: Option<OwnedSemaphorePermit>,
    ) -> Result<Lease> {
        let receiver = {
            let mut state = self.lock();
            if state.ended {
                return Err(self.end_of_session().during(operation));
            }
            while let Some(control) = state.idle.pop() {
                if control.seems_gone() {
                    state.live -= 1;
                    continue;
                }
                return Ok(Lease { control: Some(control), pool: self.clone(), _writer: writer });
            }
            let (sender, receiver) = oneshot::channel();
            state.waiting.push_back(sender);
            self.grow(&mut state);
            receiver
        };
        match tokio::time::timeout(STARVED, receiver).await {
            Ok(Ok(Ok(control))) => Ok(Lease { control: Some(control), pool: self.clone(), _writer: writer }),
            Ok(Ok(Err(error))) => Err(error.during(operation)),
            Ok(Err(_)) => Err(self.end_of_session().during(operation)),
            Err(_) => Err(Error::new(ErrorKind::Failure, operation)
                .with_detail("the server allows no further connection, and all others are in use")),
        }
    }

    /// Opens as many connections as somebody waits for.
    fn grow(self: &Arc<Self>, state: &mut State) {
        state.waiting.retain(|waiting| !waiting.is_closed());
        while state.opening < state.waiting.len() && state.live + state.opening < self.limit(state) {
            state.opening += 1;
            tokio::spawn(open_one(self.clone()));
        }
    }

    fn give_back(self: &Arc<Self>, control: Control) {
        let mut state = self.lock();
        if state.ended || !control.is_in_step() {
            state.live -= 1;
            state.thrown = Some(Instant::now());
            self.grow(&mut state);
            return;
        }
        self.hand_on(&mut state, control);
    }

    fn hand_on(&self, state: &mut State, mut control: Control) {
        while let Some(waiting) = state.waiting.pop_front() {
            match waiting.send(Ok(control)) {
                Ok(()) => return,
                Err(Ok(back)) => control = back,
                Err(Err(_)) => return,
            }
        }
        state.idle.push(control);
    }

    /// A connection more could not be had.
    fn refused(self: &Arc<Self>, error: Error) {
        let mut state = self.lock();
        if state.live + state.opening > 0 {
            // Those that there are do the work.
            state.shrunk = Some((state.live.max(1), Instant::now()));
            if state.opening > 0 || state.live > 0 {
                tracing::info!(%error, connections = state.live, "no further connection");
                return;
            }
        }
        for waiting in std::mem::take(&mut state.waiting) {
            let _ = waiting.send(Err(error.clone()));
        }
        drop(state);
        self.end(error);
    }

    /// Whether somebody else got a connection while this error came up: then it is not the server
    /// that is lost.
    pub async fn is_alive(self: &Arc<Self>, operation: Operation) -> bool {
        let Ok(mut lease) = self.lend(operation).await else { return false };
        lease.ask(operation, Command::new("NOOP")).await.is_ok()
    }

    fn end(&self, error: Error) {
        let idle = {
            let mut state = self.lock();
            state.ended = true;
            state.waiting.clear();
            let idle = std::mem::take(&mut state.idle);
            state.live -= idle.len();
            idle
        };
        drop(idle);
        self.ended.send_if_modified(|ended| {
            ended.is_none() && {
                *ended = Some(error);
                true
            }
        });
    }

    fn end_of_session(&self) -> Error {
        let lost = || Error::new(ErrorKind::ConnectionLost, Operation::Connect);
        let ended = self.ended.borrow().clone();
        ended.unwrap_or_else(lost).with_kind(ErrorKind::ConnectionLost)
    }

    pub fn has_ended(&self) -> bool {
        self.lock().ended
    }

    pub async fn when_ended(&self) -> Error {
        let mut ended = self.ended.subscribe();
        let _ = ended.wait_for(Option::is_some).await;
        self.end_of_session()
    }

    /// Says goodbye to the server on every idle connection.
    pub async fn close(&self) {
        let idle = {
            let mut state = self.lock();
            let idle = std::mem::take(&mut state.idle);
            state.live -= idle.len();
            idle
        };
        self.end(
            Error::new(ErrorKind::ConnectionLost, Operation::Connect).with_detail("the session was closed"),
        );
        futures::future::join_all(idle.into_iter().map(Control::quit)).await;
    }
}

async fn open_one(pool: Arc<Pool>) {
    let mut outcome = pool.login.another().await;
    for pause in LATE_NOTICE {
        // A connection that was just thrown away may still count on the server's side.
        let just_thrown = pool.lock().thrown.is_some_and(|at| at.elapsed() < Duration::from_secs(5));
        if outcome.is_ok() || !just_thrown {
            break;
        }
        tokio::time::sleep(pause).await;
        outcome = pool.login.another().await;
    }
    pool.lock().opening -= 1;
    match outcome {
        Ok(control) => {
            let mut state = pool.lock();
            if state.ended {
                return;
            }
            state.live += 1;
            pool.hand_on(&mut state, control);
            pool.grow(&mut state);
        }
        Err(error) => pool.refused(error),
    }
}

/// Keeps idle connections alive, closes spare ones.
async fn look_after(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(ROUND).await;
        let Some(pool) = pool.upgrade() else { return };
        let (stale, spare) = {
            let mut state = pool.lock();
            if state.ended {
                return;
            }
            let mut stale = Vec::new();
            let mut spare = Vec::new();
            let idle = std::mem::take(&mut state.idle);
            for control in idle {
                if control.seems_gone() {
                    state.live -= 1;
                } else if control.used.elapsed() > SPARE && state.live > 1 {
                    state.live -= 1;
                    spare.push(control);
                } else if control.checked.elapsed() > STALE {
                    stale.push(Lease { control: Some(control), pool: pool.clone(), _writer: None });
                } else {
                    state.idle.push(control);
                }
            }
            (stale, spare)
        };
        for control in spare {
            control.quit().await;
        }
        for mut lease in stale {
            // One that does not answer is not given back.
            let _ = lease.keep_alive().await;
        }
    }
}
