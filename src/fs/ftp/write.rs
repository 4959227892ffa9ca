//! Writing a file: STOR, the data, the end of the data, and the server's word that it has all of
//! it; then time, permissions and size. Knows no source and no plan.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::{
    attributes::{self, Setting},
    control::{Command, LONG_PATIENCE, PATIENCE, lost},
    data::{OPENING, Opening},
    failure::{self, Wanted},
    pool::Lease,
    reply_reader::RawReply,
    session::{STALLED, Session},
    stream::Stream,
};
use crate::fs::{Attributes, Error, ErrorKind, Operation, RemotePath, Result, Sink, WriteOptions, Written};

/// Files from this size on ask whether there is room for them: 64 MiB.
const WORTH_ASKING: u64 = 64 << 20;

/// How long a server may take to say why it closed a data connection.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A connection that had gone unnoticed is replaced this often before any data has left.
const TRIES: usize = 3;

/// Begins to write `path`.
///
/// FTP has no way to create a file only where there is none: with `exclusive`, it is looked
/// first, and somebody else may be faster. Nor can permissions be given to a file before it is
/// there: `create_mode` is set when the data has been written.
pub async fn write(session: Arc<Session>, path: &RemotePath, options: WriteOptions) -> Result<Box<dyn Sink>> {
    if options.exclusive
        && attributes::exists(&session, path).await.map_err(|e| during_open(&session, e, path))?
    {
        let error = Error::new(ErrorKind::AlreadyExists, Operation::Open);
        return Err(session.error(error, path));
    }
    let mut tries = 1;
    loop {
        let lend = session.pool.lend_for_writing(Operation::Open).await;
        let mut lease = lend.map_err(|e| session.error(e, path))?;
        let fresh = lease.fresh;
        match begin(&session, &mut lease, path, &options).await {
            Ok(opening) => {
                // Whatever becomes of it, the name may be taken from now on.
                session.known.added(path);
                return Ok(Box::new(Writer {
                    session,
                    path: path.clone(),
                    lease: Some(lease),
                    opening: Some(opening),
                    data: None,
                    first: None,
                    sent: 0,
                    options,
                }));
            }
            Err(error) if error.kind() == ErrorKind::ConnectionLost && !fresh && tries < TRIES => tries += 1,
            Err(error) => {
                drop(lease);
                return Err(session.settle(session.error(error, path)).await);
            }
        }
    }
}

fn during_open(session: &Session, error: Error, path: &RemotePath) -> Error {
    session.error(error.during(Operation::Open), path)
}

async fn begin(
    session: &Session,
    lease: &mut Lease,
    path: &RemotePath,
    options: &WriteOptions,
) -> Result<Opening> {
    let operation = Operation::Open;
    let store = session.command(operation, "STOR", path)?;
    if let Some(size) = options.expected_size.filter(|size| *size >= WORTH_ASKING) {
        let raw = lease.ask(operation, Command::new(format!("ALLO {size}"))).await?;
        if matches!(raw.code, 452 | 552) {
            return Err(session.refusal(operation, &raw, path));
        }
    }
    let opening = session.data.open(lease, operation).await?;
    lease.send(operation, &[store]).await?;
    Ok(opening)
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
    options: WriteOptions,
}

impl Writer {
    /// Waits for the data connection, or for the server to refuse.
    async fn open(&mut self) -> Result<()> {
        let (Some(opening), Some(lease)) = (&mut self.opening, &mut self.lease) else { return Ok(()) };
        let outcome = if self.first.is_some() {
            Ok(opening.opened(Operation::Open).await)
        } else {
            let lease: &mut Lease = lease;
            let mut reply = std::pin::pin!(lease.reply(Operation::Open, OPENING + PATIENCE));
            tokio::select! {
                biased;
                opened = opening.opened(Operation::Open) => match opened {
                    Ok(stream) => Ok(Ok(stream)),
                    // A server that refuses closes its port as well, and says why a moment later.
                    Err(error) => match timeout(LAST_WORDS, &mut reply).await {
                        Ok(Ok(raw)) if !raw.is_preliminary() => Err(Ok(raw)),
                        _ => Ok(Err(error)),
                    },
                },
                raw = &mut reply => Err(raw),
            }
        };
        match outcome {
            Ok(Ok(stream)) => {
                self.data = Some(stream);
                self.opening = None;
                Ok(())
            }
            Ok(Err(error)) => Err(self.failed(error).await),
            Err(Ok(raw)) if raw.is_preliminary() => {
                self.first = Some(raw);
                let Some(opening) = &mut self.opening else { return Ok(()) };
                match opening.opened(Operation::Open).await {
                    Ok(stream) => {
                        self.data = Some(stream);
                        self.opening = None;
                        Ok(())
                    }
                    Err(error) => Err(self.failed(error).await),
                }
            }
            Err(Ok(raw)) => {
                self.opening = None;
                self.release().await;
                Err(self.refused(&raw).await)
            }
            Err(Err(error)) => Err(self.failed(error).await),
        }
    }

    /// Before a first reply has come, what is refused is the file; behind it, its data.
    async fn refused(&self, raw: &RawReply) -> Error {
        self.session.known.doubt(&self.path);
        if self.first.is_some() {
            return self.session.refusal(Operation::Write, raw, &self.path);
        }
        let error = self.session.refusal(Operation::Open, raw, &self.path);
        failure::named(&self.session, error, &self.path, Wanted::FileOrNothing).await
    }

    async fn release(&mut self) {
        if let Some(mut lease) = self.lease.take() {
            self.session.prepare_next(&mut lease, Operation::Write).await;
        }
    }

    /// The connection is of no further use; the session may be.
    async fn failed(&mut self, error: Error) -> Error {
        self.session.known.doubt(&self.path);
        self.data = None;
        self.opening = None;
        self.lease = None;
        let error = self.session.error(error, &self.path);
        // One that broke while the server goes on answering is the item's failure alone.
        self.session.settle(error).await
    }

    /// Data did not go: what the server says of it counts for more.
    async fn broken(&mut self, error: Error) -> Error {
        self.data = None;
        if let Some(lease) = &mut self.lease {
            let said = async {
                loop {
                    let raw = lease.reply(Operation::Write, PATIENCE).await?;
                    if !raw.is_preliminary() {
                        return Ok::<_, Error>(raw);
                    }
                    self.first = Some(raw);
                }
            };
            if let Ok(Ok(raw)) = timeout(LAST_WORDS, said).await
                && !raw.is_completion()
            {
                self.lease = None;
                return self.refused(&raw).await;
            }
        }
        self.failed(error).await
    }

    /// Hears 150 and 226, while what the other side still sends on the data connection is read:
    /// closing a socket with something unread would take back what has not arrived yet.
    async fn conclusion(&mut self, mut data: Stream) -> Result<RawReply> {
        let Some(lease) = &mut self.lease else {
            return Err(Error::new(ErrorKind::ConnectionLost, Operation::Close));
        };
        let drained = async {
            let mut rest = [0; 1024];
            while matches!(data.read(&mut rest).await, Ok(read) if read > 0) {}
            std::future::pending::<()>().await;
        };
        let first = &mut self.first;
        let said = async {
            loop {
                let raw = lease.reply(Operation::Close, LONG_PATIENCE).await?;
                if !raw.is_preliminary() {
                    return Ok(raw);
                }
                *first = Some(raw);
            }
        };
        tokio::select! {
            raw = said => raw,
            () = drained => Err(Error::new(ErrorKind::ConnectionLost, Operation::Close)),
        }
    }

    /// What is to be set once the data is there.
    fn wanted(&self) -> Attributes {
        let mode = self.options.attributes.mode.or(self.options.create_mode);
        Attributes { mode, ..self.options.attributes.clone() }
    }
}

#[async_trait]
impl Sink for Writer {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        if chunk.is_empty() {
            return Ok(());
        }
        if self.data.is_none() {
            self.open().await?;
        }
        let Some(data) = &mut self.data else {
            return Err(self
                .session
                .error(Error::new(ErrorKind::ConnectionLost, Operation::Write), &self.path));
        };
        // What stalls is a part, so that a large chunk on a slow line is no stall.
        for part in chunk.chunks(64 << 10) {
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

    async fn finish(mut self: Box<Self>) -> Result<Written> {
        if self.data.is_none() {
            self.open().await?;
        }
        let Some(mut data) = self.data.take() else {
            return Err(self
                .session
                .error(Error::new(ErrorKind::ConnectionLost, Operation::Close), &self.path));
        };
        // Under TLS this says that all was said, which tells an end from a cut.
        match timeout(STALLED, data.shutdown()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(self.broken(lost(Operation::Close, &error)).await),
            Err(_) => {
                let error = Error::new(ErrorKind::Timeout, Operation::Close);
                return Err(self.broken(error).await);
            }
        }
        let setting = Setting::of(&self.session, &self.path, &self.wanted(), true)?;
        // A new file can be set right behind its data without waiting for the word that it is
        // whole: if it is not, nobody uses it. What existed before is left alone until then.
        let overlap = self.options.exclusive && self.session.features().bears_overlap();
        if overlap && let Some(lease) = &mut self.lease {
            let sent = if self.session.data.works_ahead() {
                lease.send_port_ahead(Operation::SetAttributes, setting.commands()).await
            } else {
                lease.send(Operation::SetAttributes, setting.commands()).await
            };
            if let Err(error) = sent {
                return Err(self.failed(error).await);
            }
        }
        let raw = match self.conclusion(data).await {
            Ok(raw) => raw,
            Err(error) => return Err(self.failed(error).await),
        };
        if !raw.is_completion() {
            if overlap {
                self.lease = None;
            }
            self.release().await;
            return Err(self.refused(&raw).await);
        }
        let Some(mut lease) = self.lease.take() else {
            return Err(self
                .session
                .error(Error::new(ErrorKind::ConnectionLost, Operation::Close), &self.path));
        };
        let outcome = match setting.conclude(&self.session, &mut lease, overlap).await {
            Ok(outcome) => outcome,
            // The data is whole; what became of its time and mode is not known.
            Err(error) => {
                drop(lease);
                let error = self.session.settle(self.session.error(error, &self.path)).await;
                if error.kind().ends_session() {
                    return Err(error);
                }
                return Ok(Written { size: None, attributes_refused: Some(error) });
            }
        };
        self.session.prepare_next(&mut lease, Operation::Close).await;
        self.session.known.added(&self.path);
        if let Some(size) = outcome.size
            && size != self.sent
        {
            return Err(self.session.error(
                Error::new(ErrorKind::Mismatch, Operation::Close)
                    .with_detail(format!("{} bytes were sent, but the server has {size}", self.sent)),
                &self.path,
            ));
        }
        // A server without SIZE has said that it took everything; there is nothing to compare.
        Ok(Written { size: outcome.size, attributes_refused: outcome.refused })
    }
}
