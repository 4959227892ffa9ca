//! The control connections of one session: lent out one at a time, given back when they are in
//! step and thrown away when they are not. Grows on demand, shrinks where the server counts.
//! Knows no commands but NOOP and QUIT.
//!
//! A writer whose source is on a server, this one perhaps, is *bound*: it keeps its connection
//! while it waits for another to read from. Bound writers never hold all connections that there
//! really are, so that a reader's turn always comes.

use std::{
    collections::VecDeque,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use scopeguard::ScopeGuard;
use tokio::sync::{oneshot, watch};

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

/// How long nothing may become free where all that is lent may be waiting for what is not.
const CRAMPED: Duration = Duration::from_secs(10);

/// How often, and after what pause, a server that has just lost a connection of ours is asked
/// again: it may not have noticed yet.
const LATE_NOTICE: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(1200)];

pub struct Pool {
    login: Arc<Login>,
    most: usize,
    state: Mutex<State>,
    /// Why the session ended for good.
    ended: watch::Sender<Option<Error>>,
}

#[derive(Default)]
struct State {
    idle: Vec<Control>,
    /// Connections that exist, idle or lent.
    live: usize,
    /// How many of them are lent to bound writers.
    bound: usize,
    opening: usize,
    waiting: VecDeque<Waiting>,
    /// Fewer than `most`, since when.
    shrunk: Option<(usize, Instant)>,
    /// When a connection was last thrown away.
    thrown: Option<Instant>,
    ended: bool,
}

/// What a connection is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// It comes back whatever becomes of others.
    Free,
    /// A bound writer.
    Bound,
    /// A bound writer that lost its connection; whatever it reads from is open.
    BoundAgain,
}

struct Waiting {
    wanted: Use,
    sender: oneshot::Sender<Result<Lent>>,
}

/// What one who waits is given.
#[expect(clippy::large_enum_variant, reason = "it is handed on once, and the small one is rare")]
pub enum Lent {
    Lease(Lease),
    /// There is one connection and no more to be had, so that none can be kept for reading: for
    /// bound writers alone.
    Alone,
}

/// A control connection, lent. Goes back when dropped, if it is in step.
pub struct Lease(ScopeGuard<Held, fn(Held)>);

struct Held {
    control: Control,
    pool: Arc<Pool>,
    bound: bool,
}

impl Lease {
    fn new(control: Control, pool: &Arc<Pool>, bound: bool) -> Lease {
        let held = Held { control, pool: pool.clone(), bound };
        Lease(scopeguard::guard(held, |held| held.pool.give_back(held.control, held.bound)))
    }

    /// Takes the connection out: it does not go back by itself any more.
    fn into_control(self) -> Control {
        ScopeGuard::into_inner(self.0).control
    }
}

impl Deref for Lease {
    type Target = Control;

    fn deref(&self) -> &Control {
        &self.0.control
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Control {
        &mut self.0.control
    }
}

impl State {
    /// The first in the queue whose turn it may be.
    fn next(&self) -> Option<usize> {
        let room = self.bound + 1 < self.live;
        self.waiting.iter().position(|waiting| waiting.wanted == Use::Free || room)
    }

    /// Whether everything that is lent may be waiting for a connection: bound writers for what
    /// they read from, and the sources of those that lost theirs.
    fn is_cramped(&self) -> bool {
        let halted = self.waiting.iter().filter(|w| w.wanted == Use::BoundAgain).count();
        self.opening == 0 && self.idle.is_empty() && self.bound + halted >= self.live
    }

    /// Connections that would let everybody who waits go on, with one left by bound writers.
    fn wanted(&self) -> usize {
        let lent = self.live - self.idle.len();
        let bound_wait = self.waiting.iter().filter(|waiting| waiting.wanted != Use::Free).count();
        let all_bound = lent == self.bound && self.waiting.len() == bound_wait;
        lent + self.waiting.len() + usize::from(all_bound && self.bound + bound_wait > 0)
    }
}

impl Pool {
    /// A pool of `most` connections at most, of which `first` is one.
    pub fn new(login: Arc<Login>, most: usize, first: Control) -> Arc<Pool> {
        let pool = Arc::new(Pool {
            login,
            most: most.max(1),
            state: Mutex::new(State { idle: vec![first], live: 1, ..State::default() }),
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
        match self.lend_for(Use::Free, operation).await? {
            Lent::Lease(lease) => Ok(lease),
            Lent::Alone => Err(all_in_use(operation)),
        }
    }

    pub async fn lend_for(self: &Arc<Self>, wanted: Use, operation: Operation) -> Result<Lent> {
        let (sender, mut receiver) = oneshot::channel();
        {
            let mut state = self.lock();
            if state.ended {
                return Err(self.end_of_session().during(operation));
            }
            let waiting = Waiting { wanted, sender };
            match wanted {
                Use::Free | Use::Bound => state.waiting.push_back(waiting),
                // It holds up a reader besides.
                Use::BoundAgain => state.waiting.push_front(waiting),
            }
            self.serve(&mut state);
        }
        let since = Instant::now();
        let mut was_cramped = false;
        loop {
            match tokio::time::timeout(CRAMPED, &mut receiver).await {
                Ok(Ok(lent)) => return lent.map_err(|error| error.during(operation)),
                Ok(Err(_)) => return Err(self.end_of_session().during(operation)),
                Err(_) if since.elapsed() >= STARVED => return Err(all_in_use(operation)),
                Err(_) => {}
            }
            let mut state = self.lock();
            let is_cramped = wanted != Use::Bound && state.is_cramped();
            if is_cramped && was_cramped {
                return Err(all_in_use(operation));
            }
            was_cramped = is_cramped;
            // The server may have changed its mind.
            state.shrunk = state.shrunk.filter(|_| !is_cramped);
            self.serve(&mut state);
        }
    }

    /// Gives what is idle to those whose turn it is, and opens what is missing.
    fn serve(self: &Arc<Self>, state: &mut State) {
        state.waiting.retain(|waiting| !waiting.sender.is_closed());
        while let Some(at) = state.next()
            && let Some(control) = state.idle.pop()
        {
            if control.seems_gone() {
                state.live -= 1;
                continue;
            }
            let Some(waiting) = state.waiting.remove(at) else { continue };
            let bound = waiting.wanted != Use::Free;
            match waiting.sender.send(Ok(Lent::Lease(Lease::new(control, self, bound)))) {
                Ok(()) => state.bound += usize::from(bound),
                // Nobody waits there any more; the lock is held, so it must not go back by itself.
                Err(Ok(Lent::Lease(lease))) => state.idle.push(lease.into_control()),
                Err(_) => {}
            }
        }
        let limit = self.limit(state);
        if limit == 1 && state.live == 1 && state.opening == 0 {
            for waiting in std::mem::take(&mut state.waiting) {
                match waiting.wanted {
                    Use::Free => state.waiting.push_back(waiting),
                    Use::Bound | Use::BoundAgain => drop(waiting.sender.send(Ok(Lent::Alone))),
                }
            }
        }
        while state.live + state.opening < state.wanted().min(limit) {
            state.opening += 1;
            tokio::spawn(open_one(self.clone()));
        }
    }

    fn give_back(self: &Arc<Self>, control: Control, was_bound: bool) {
        let mut state = self.lock();
        state.bound -= usize::from(was_bound);
        if state.ended || !control.is_in_step() {
            state.live -= 1;
            state.thrown = Some(Instant::now());
        } else {
            state.idle.push(control);
        }
        if !state.ended {
            self.serve(&mut state);
        }
    }

    /// A connection more could not be had.
    fn refused(self: &Arc<Self>, error: Error) {
        let mut state = self.lock();
        if state.live + state.opening > 0 {
            // Those that there are do the work.
            state.shrunk = Some((state.live.max(1), Instant::now()));
            tracing::info!(%error, connections = state.live, "no further connection");
            self.serve(&mut state);
            return;
        }
        for waiting in std::mem::take(&mut state.waiting) {
            let _ = waiting.sender.send(Err(error.clone()));
        }
        drop(state);
        self.end(error);
    }

    /// Whether somebody else got a connection while this error came up: then it is not the server
    /// that is lost.
    pub async fn is_alive(self: &Arc<Self>, operation: Operation) -> bool {
        // Where all are in use, they are in use by others.
        let Ok(mut lease) = self.lend(operation).await else { return !self.has_ended() };
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
        match ended {
            // Why nobody gets in any more says more than that the session is over.
            Some(error) if error.kind() == ErrorKind::CertificateRefused => error,
            ended => ended.unwrap_or_else(lost).with_kind(ErrorKind::ConnectionLost),
        }
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

fn all_in_use(operation: Operation) -> Error {
    Error::new(ErrorKind::Failure, operation)
        .with_detail("the server allows no further connection, and all others are in use")
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
            state.idle.push(control);
            pool.serve(&mut state);
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
                    stale.push(Lease::new(control, &pool, false));
                } else {
                    state.idle.push(control);
                }
            }
            // A server that refused more may have room again.
            pool.serve(&mut state);
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
