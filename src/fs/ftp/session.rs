//! What the operations of one FTP login share: the pool, what the server is like, names, and how
//! a refusal becomes an error. Knows no operation's steps.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{
    control::{Command, Control, LONG_PATIENCE, Log, PATIENCE},
    data::Data,
    features::{Features, Learnt},
    known::Known,
    login::Login,
    pool::{Lease, Pool},
    reply_reader::RawReply,
};
use crate::{
    fs::{Error, ErrorKind, FsId, Operation, RemotePath, Result},
    reply::Reply,
};

/// How often an operation is tried anew whose connection had silently gone.
const STALE_TRIES: usize = 4;

/// How long nothing may move on a data connection.
pub const STALLED: Duration = PATIENCE;

/// Seconds between two moments that a server's zone can differ by.
const ZONE_STEP: i64 = 15 * 60;

pub struct Session {
    pub login: Arc<Login>,
    pub pool: Arc<Pool>,
    pub data: Data,
    pub learnt: Learnt,
    pub known: Known,
    /// What the clock of LIST is ahead of UTC, once that is known.
    zone: Mutex<Option<i32>>,
}

impl Session {
    pub fn new(login: Arc<Login>, pool: Arc<Pool>, data: Data) -> Session {
        Session {
            login,
            pool,
            data,
            learnt: Learnt::default(),
            known: Known::default(),
            zone: Mutex::new(None),
        }
    }

    pub fn id(&self) -> &FsId {
        &self.login.log.fs
    }

    pub fn log(&self) -> &Log {
        &self.login.log
    }

    pub fn features(&self) -> &Features {
        self.login.features.get_or_init(Features::default)
    }

    /// The path as commands carry it.
    pub fn wire(&self, operation: Operation, path: &RemotePath) -> Result<Vec<u8>> {
        let mut wire = self.log().names.wire(path).map_err(|e| self.error(e.during(operation), path))?;
        if self.features().doubles_telnet_iac() && wire.contains(&255) {
            wire = wire.iter().flat_map(|b| std::iter::repeat_n(*b, if *b == 255 { 2 } else { 1 })).collect();
        }
        Ok(wire)
    }

    /// `verb` with `path` behind it.
    pub fn command(&self, operation: Operation, verb: &str, path: &RemotePath) -> Result<Command> {
        Ok(Command::at(verb, &self.wire(operation, path)?, path))
    }

    pub fn error(&self, error: Error, path: &RemotePath) -> Error {
        error.about(path).on(self.id().as_str())
    }

    /// The error that a refusing reply stands for.
    pub fn refusal(&self, operation: Operation, raw: &RawReply, path: &RemotePath) -> Error {
        let error = if raw.is_completion() || raw.is_intermediate() {
            Error::new(ErrorKind::Protocol, operation).with_reply(self.log().reply(raw))
        } else {
            Error::ftp(operation, self.log().reply(raw))
        };
        self.error(error, path)
    }

    /// A fault of one connection is the item's alone as long as the server gives another.
    pub async fn settle(&self, error: Error) -> Error {
        if !error.kind().ends_session() || self.pool.has_ended() {
            return error;
        }
        if self.pool.is_alive(error.operation()).await {
            error.with_kind(ErrorKind::Failure).passing()
        } else {
            error
        }
    }

    pub async fn lend(&self, operation: Operation, path: &RemotePath) -> Result<Lease> {
        self.pool.lend(operation).await.map_err(|e| self.error(e, path))
    }

    /// Commands in one go, and the reply that ends each. Goes to another connection where the
    /// first turns out to have gone unnoticed: only for what may be done twice.
    pub async fn ask_all(
        &self,
        operation: Operation,
        path: &RemotePath,
        commands: &[Command],
    ) -> Result<Vec<RawReply>> {
        let together = self.features().bears_pipelining();
        let mut tries = Tries::default();
        loop {
            let mut lease = self.lend(operation, path).await?;
            let fresh = lease.fresh;
            match lease.ask_all(operation, commands, together).await {
                Ok(replies) => return Ok(replies),
                Err(error) if tries.again(&error, fresh) => {}
                Err(error) => {
                    drop(lease);
                    return Err(self.settle(self.error(error, path)).await);
                }
            }
        }
    }

    /// One command and the reply that ends it.
    pub async fn ask(&self, operation: Operation, path: &RemotePath, command: Command) -> Result<RawReply> {
        let commands = [command];
        let mut replies = self.ask_all(operation, path, &commands).await?;
        replies.pop().ok_or_else(|| self.error(Error::new(ErrorKind::Protocol, operation), path))
    }

    /// The reply behind a transfer of data.
    pub async fn conclusion(&self, control: &mut Control, operation: Operation) -> Result<RawReply> {
        control.final_reply(operation, LONG_PATIENCE).await
    }

    /// Asks for the port of the next transfer, without waiting, where that may be done.
    pub async fn prepare_next(&self, control: &mut Control, operation: Operation) {
        if self.data.works_ahead() && control.may_ask_ahead() {
            let _ = control.send_port_ahead(operation, &[]).await;
        }
    }

    /// One line for many commands of a kind.
    pub fn log_group(&self, what: String, path: &RemotePath, reply: Reply, since: Instant) {
        self.log().line(what, Some(path.clone()), reply, since.elapsed());
    }

    /// Seconds that LIST's clock is ahead of UTC.
    pub fn zone(&self) -> Option<i32> {
        *self.zone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Learns the zone from one file's time as LIST shows it (taken for UTC) and as MDTM does.
    pub fn learn_zone(&self, listed: i64, exact: i64) -> i32 {
        let apart = listed - exact.div_euclid(60) * 60;
        let zone = (apart + ZONE_STEP / 2).div_euclid(ZONE_STEP) * ZONE_STEP;
        // RFC 3339's zones end here; anything more is a wrong clock or another year.
        let zone = if zone.abs() <= 15 * 3600 { zone as i32 } else { 0 };
        *self.zone.lock().unwrap_or_else(PoisonError::into_inner) = Some(zone);
        zone
    }
}

/// How often something was tried on a connection that had gone.
#[derive(Default)]
pub struct Tries(usize);

impl Tries {
    /// Whether another connection may do better: this one had been idle, and the server had closed
    /// it meanwhile.
    pub fn again(&mut self, error: &Error, fresh: bool) -> bool {
        self.0 += 1;
        error.kind() == ErrorKind::ConnectionLost && !fresh && self.0 < STALE_TRIES
    }
}
