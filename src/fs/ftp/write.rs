//! Writing a file: STOR, the data, and going over to another connection where one is lost. Knows no
//! source but whether it takes connections too, and no plan.

mod conclusion;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::{io::AsyncWriteExt, time::timeout};

use super::{
    attributes,
    control::{Command, PATIENCE, lost},
    data::{OPENING, Opening},
    failure::{self, Wanted},
    pool::{Lease, Lent, Use},
    read,
    reply_reader::RawReply,
    session::{STALLED, Session},
    stream::Stream,
};
use crate::fs::{Error, ErrorKind, Operation, RemotePath, Result, Sink, WriteOptions, Written};

/// Files from this size on ask whether there is room for them: 64 MiB.
const WORTH_ASKING: u64 = 64 << 20;

/// How long a server may take to say why it closed a data connection.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What is kept of a file to send it again, should its connection be lost: 1 MiB.
const KEPT: usize = 1 << 20;

/// What is held back of a file, in bytes, while the only connection there is may be needed to
/// read it: 8 MiB.
const HELD_BACK: usize = 8 << 20;

/// How often a file is begun anew.
const RESTARTS: usize = 3;

/// Begins to write `path`.
///
/// FTP has no way to create a file only where there is none: with `exclusive`, it is looked
/// first, and somebody else may be faster. Nor can permissions be given to a file before it is
/// there: `create_mode` is set when the data has been written.
pub async fn write(session: Arc<Session>, path: &RemotePath, options: WriteOptions) -> Result<Box<dyn Sink>> {
    if let Some(offset) = options.resume {
        room_to_resume(&session, path, offset).await?;
    } else if options.exclusive {
        let exists = attributes::exists(&session, path).await;
        if exists.map_err(|e| session.error(e.during(Operation::Open), path))? {
            return Err(session.error(Error::new(ErrorKind::AlreadyExists, Operation::Open), path));
        }
    }
    let mut writer = Writer {
        session,
        path: path.clone(),
        lease: None,
        opening: None,
        data: None,
        first: None,
        sent: 0,
        kept: Some(Vec::new()),
        kept_len: 0,
        holds_back: false,
        restarts: 0,
        options,
    };
    let mut begun = writer.begin().await;
    if begun.is_ok() {
        begun = writer.confirm().await;
    }
    if let Err(error) = begun {
        writer.recover(error).await?;
    }
    Ok(Box::new(writer))
}

/// REST behind the end of a file would leave a hole in it, and create one that is missing.
async fn room_to_resume(session: &Arc<Session>, path: &RemotePath, offset: u64) -> Result<()> {
    let refuse = |kind| session.error(Error::new(kind, Operation::Open), path);
    if !session.features().has_size() {
        return Err(refuse(ErrorKind::Unsupported));
    }
    let command = session.command(Operation::Open, "SIZE", path)?;
    let raw = session.ask(Operation::Open, path, command).await?;
    match read::size_of(&raw) {
        Some(size) if size >= offset => Ok(()),
        Some(size) => Err(refuse(ErrorKind::Mismatch)
            .with_detail(format!("the file ends at {size}, before the byte to go on from"))),
        None => {
            let error = session.refusal(Operation::Open, &raw, path);
            Err(failure::named(session, error, path, Wanted::File).await)
        }
    }
}

struct Writer {
    session: Arc<Session>,
    path: RemotePath,
    lease: Option<Lease>,
    opening: Option<Opening>,
    data: Option<Stream>,
    /// The first reply to STOR, if it has been read.
    first: Option<RawReply>,
    sent: u64,
    /// All that was written, as long as that is little.
    kept: Option<Vec<Bytes>>,
    kept_len: usize,
    /// Nothing is sent yet: all of it waits in `kept`.
    holds_back: bool,
    restarts: usize,
    options: WriteOptions,
}

impl Writer {
    /// Takes a connection and begins on it, unless the only one is needed for the source.
    async fn begin(&mut self) -> Result<()> {
        let operation = Operation::Open;
        // What there is of a connection goes back first.
        (self.lease, self.opening, self.data, self.first) = (None, None, None, None);
        self.sent = 0;
        let wanted = match (&self.options.source, self.restarts) {
            (None, _) => Use::Free,
            (Some(_), 0) => Use::Bound,
            (Some(_), _) => Use::BoundAgain,
        };
        match self.session.pool.lend_for(wanted, operation).await? {
            Lent::Lease(lease) => self.store(lease).await,
            Lent::Alone if self.kept.is_some() => {
                self.holds_back = true;
                self.check_room(self.options.expected_size.unwrap_or_default())
            }
            Lent::Alone => Err(Error::new(ErrorKind::ConnectionLost, operation)),
        }
    }

    /// Whether a file of so many bytes can be held back, or need not be.
    fn check_room(&self, size: u64) -> Result<()> {
        let is_own = self.options.source.as_ref() == Some(self.session.id());
        if !is_own || size <= HELD_BACK as u64 {
            return Ok(());
        }
        Err(self.session.error(
            Error::new(ErrorKind::Unsupported, Operation::Open).with_detail(format!(
                "the server allows one connection only, so that files of more than {} MiB cannot be \
                 copied within it; copy them to this machine first",
                HELD_BACK >> 20
            )),
            &self.path,
        ))
    }

    /// Sends what was held back.
    async fn release_held(&mut self) -> Result<()> {
        self.holds_back = false;
        let lease = self.session.pool.lend(Operation::Open).await?;
        self.store(lease).await?;
        for chunk in self.kept.clone().unwrap_or_default() {
            self.push(&chunk).await?;
        }
        Ok(())
    }

    /// Sends STOR and starts to open the data connection, without waiting for either.
    async fn store(&mut self, mut lease: Lease) -> Result<()> {
        let operation = Operation::Open;
        let mut verb = "STOR";
        let resume = self.options.resume.filter(|offset| *offset > 0);
        if let Some(offset) = resume
            && self.session.learnt.no_store_restart.load(Ordering::Relaxed)
        {
            // The only place that such a server goes on from is the end.
            let size = lease.ask(operation, self.session.command(operation, "SIZE", &self.path)?).await?;
            if read::size_of(&size) != Some(offset) {
                return Err(self.session.error(Error::new(ErrorKind::Unsupported, operation), &self.path));
            }
            verb = "APPE";
        }
        let store = self.session.command(operation, verb, &self.path)?;
        if let Some(size) = self.options.expected_size.filter(|size| *size >= WORTH_ASKING) {
            let raw = lease.ask(operation, Command::new(format!("ALLO {size}"))).await?;
            if matches!(raw.code, 452 | 552) {
                return Err(self.session.refusal(operation, &raw, &self.path));
            }
        }
        self.opening = Some(self.session.data.open(&mut lease, operation).await?);
        if let Some(offset) = resume.filter(|_| verb == "STOR") {
            let raw = lease.ask(operation, Command::new(format!("REST {offset}"))).await?;
            if !raw.is_intermediate() {
                self.opening = None;
                return Err(self.cannot_restart(self.session.refusal(operation, &raw, &self.path)));
            }
        }
        lease.send(operation, &[store]).await?;
        self.lease = Some(lease);
        // Whatever becomes of it, the name may be taken from now on.
        self.session.known.added(&self.path);
        Ok(())
    }

    fn cannot_restart(&self, error: Error) -> Error {
        let learnt = self.session.learnt.no_store_restart.swap(true, Ordering::Relaxed);
        tracing::debug!(%error, learnt, "STOR does not begin behind the start");
        error.with_kind(ErrorKind::Unsupported)
    }

    /// Waits for the data connection, or for the server to refuse.
    async fn open(&mut self) -> Result<()> {
        match self.opened().await? {
            Ok(stream) => {
                self.data = Some(stream);
                self.opening = None;
                Ok(())
            }
            Err(raw) => {
                self.opening = None;
                self.release().await;
                Err(self.refused(&raw).await)
            }
        }
    }

    /// Waits for the word that an unfinished file is gone on with: not all servers do that.
    async fn confirm(&mut self) -> Result<()> {
        if self.base() == 0 || self.holds_back {
            return Ok(());
        }
        self.open().await?;
        let Some(lease) = self.lease.as_mut().filter(|_| self.first.is_none()) else { return Ok(()) };
        let raw = lease.reply(Operation::Open, PATIENCE).await?;
        if raw.is_preliminary() {
            self.first = Some(raw);
            return Ok(());
        }
        self.data = None;
        self.release().await;
        Err(self.refused(&raw).await)
    }

    /// The data connection, or the reply that refuses it.
    async fn opened(&mut self) -> Result<std::result::Result<Stream, RawReply>> {
        let operation = Operation::Open;
        let (Some(opening), Some(lease)) = (&mut self.opening, &mut self.lease) else {
            return Err(Error::new(ErrorKind::ConnectionLost, operation));
        };
        let mut reply = std::pin::pin!(lease.reply(operation, OPENING + PATIENCE));
        tokio::select! {
            biased;
            opened = opening.opened(operation) => match opened {
                Ok(stream) => return Ok(Ok(stream)),
                // A server that refuses closes its port as well, and says why a moment later.
                Err(error) => match timeout(LAST_WORDS, &mut reply).await {
                    Ok(Ok(raw)) if !raw.is_preliminary() => return Ok(Err(raw)),
                    _ => return Err(error),
                },
            },
            raw = &mut reply => {
                let raw = raw?;
                if !raw.is_preliminary() {
                    return Ok(Err(raw));
                }
                self.first = Some(raw);
            }
        }
        opening.opened(operation).await.map(Ok)
    }

    /// Where this write began.
    fn base(&self) -> u64 {
        self.options.resume.unwrap_or_default()
    }

    async fn push(&mut self, chunk: &[u8]) -> Result<()> {
        if self.holds_back {
            return Ok(());
        }
        if self.data.is_none() {
            self.open().await?;
        }
        let Some(data) = &mut self.data else {
            return Err(Error::new(ErrorKind::ConnectionLost, Operation::Write));
        };
        // What stalls is a part, so that a large chunk on a slow line is no stall.
        for part in chunk.chunks(256 << 10) {
            let error = match timeout(STALLED, data.write_all(part)).await {
                Ok(Ok(())) => {
                    self.sent += part.len() as u64;
                    continue;
                }
                Ok(Err(error)) => lost(Operation::Write, &error),
                Err(_) => Error::new(ErrorKind::Timeout, Operation::Write)
                    .with_detail("the server took no data for a minute"),
            };
            return Err(self.broken(error).await);
        }
        Ok(())
    }

    /// Goes over to another connection, with what was written so far, if the failure was the
    /// connection's and all of that is still here.
    async fn recover(&mut self, mut error: Error) -> Result<()> {
        loop {
            let again = error.kind() == ErrorKind::ConnectionLost && self.restarts < RESTARTS;
            let Some(kept) = self.kept.clone().filter(|_| again) else {
                self.session.known.doubt(&self.path);
                (self.lease, self.opening, self.data) = (None, None, None);
                return Err(self.session.settle(self.session.error(error, &self.path)).await);
            };
            self.restarts += 1;
            let restarted = async {
                self.begin().await?;
                self.confirm().await?;
                for chunk in &kept {
                    self.push(chunk).await?;
                }
                Ok(())
            };
            match restarted.await {
                Ok(()) => return Ok(()),
                Err(next) => error = next,
            }
        }
    }

    /// Before a first reply has come, what is refused is the file; behind it, its data.
    async fn refused(&self, raw: &RawReply) -> Error {
        self.session.known.doubt(&self.path);
        if self.first.is_none() && raw.code != 425 {
            let error = self.session.refusal(Operation::Open, raw, &self.path);
            // A server may take REST and refuse what it is for: ProFTPD unless told otherwise.
            if self.base() > 0 && matches!(raw.code, 451 | 501..=504 | 554) {
                return self.cannot_restart(error);
            }
            return failure::named(&self.session, error, &self.path, Wanted::FileOrNothing).await;
        }
        let error = self.session.refusal(Operation::Write, raw, &self.path);
        // The data connection broke or did not come about: nothing is said against the file.
        if matches!(raw.code, 425 | 426) { error.with_kind(ErrorKind::ConnectionLost) } else { error }
    }

    async fn release(&mut self) {
        if let Some(mut lease) = self.lease.take() {
            self.session.prepare_next(&mut lease, Operation::Write).await;
        }
    }
}

#[async_trait]
impl Sink for Writer {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        if chunk.is_empty() {
            return Ok(());
        }
        self.kept_len += chunk.len();
        let pushed = async {
            match &mut self.kept {
                Some(kept) if self.holds_back || self.kept_len <= KEPT => kept.push(chunk.clone()),
                _ => self.kept = None,
            }
            if self.holds_back && self.kept_len > HELD_BACK {
                self.check_room(self.kept_len as u64)?;
                return self.release_held().await;
            }
            self.push(&chunk).await
        };
        match pushed.await {
            Ok(()) => Ok(()),
            Err(error) => self.recover(error).await,
        }
    }

    /// No reply comes before the last one: no more is certain than what was there.
    fn acknowledged(&self) -> u64 {
        self.base()
    }

    async fn finish(&mut self) -> Result<Written> {
        loop {
            match self.conclude().await {
                Ok(written) => return Ok(written),
                Err(error) => self.recover(error).await?,
            }
        }
    }
}
