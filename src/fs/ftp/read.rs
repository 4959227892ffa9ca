//! Reading a file: REST, RETR, the data, and the reply that says whether all of it came. Goes on
//! over another connection where one is lost. Knows no target and no plan.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use tokio::{io::AsyncReadExt, time::timeout};

use super::{
    control::{Command, PATIENCE, lost},
    data::{self, Started},
    pool::Lease,
    reply_reader::RawReply,
    session::{STALLED, Session, Tries},
    stream::Stream,
};
use crate::fs::{ByteStream, Error, ErrorKind, Operation, ReadOptions, RemotePath, Result};

/// What is asked of the data connection at a time, in bytes.
const CHUNK: usize = 256 << 10;

/// How often in a row a file is gone on with whose connection was lost, without more of it than
/// [`HEADWAY`].
const RESUMES: usize = 3;

/// What counts as having come further, in bytes: 256 KiB.
const HEADWAY: u64 = 256 << 10;

/// Opens `path` and streams it from `options.offset` to its end.
pub async fn read(session: Arc<Session>, path: &RemotePath, options: ReadOptions) -> Result<ByteStream> {
    let mut tries = Tries::default();
    let begun = loop {
        let mut lease = session.lend(Operation::Open, path).await?;
        let fresh = lease.fresh;
        match begin(&session, &mut lease, path, options.offset, options.expected_size.is_none()).await {
            Ok(begun) => break (lease, begun),
            Err(error) if tries.again(&error, fresh) => {}
            Err(error) => {
                drop(lease);
                return Err(session.settle(session.error(error, path)).await);
            }
        }
    };
    let (lease, Begun { data, size }) = match begun {
        (lease, Ok(begun)) => (lease, begun),
        (lease, Err(raw)) => {
            drop(lease);
            if options.offset > 0 && ends_before(&session, path, options.offset).await {
                return Ok(stream::empty().boxed());
            }
            return Err(session.refusal(Operation::Open, &raw, path));
        }
    };
    let expected = options.expected_size.or(size);
    let reader = Reader {
        session,
        path: path.clone(),
        lease: Some(lease),
        data: Some(data),
        delivered: options.offset,
        start: options.offset,
        expected,
        announced: options.expected_size.is_some(),
        resumes: 0,
        resumed_at: options.offset,
        abrupt: false,
        buffer: BytesMut::new(),
    };
    let pieces = stream::try_unfold(reader, |mut reader| async move {
        Ok(reader.next_piece().await?.map(|piece| (piece, reader)))
    });
    Ok(pieces.fuse().boxed())
}

struct Begun {
    data: Stream,
    size: Option<u64>,
}

/// `Ok(Err)` is a refusal by the server, in step.
async fn begin(
    session: &Session,
    lease: &mut Lease,
    path: &RemotePath,
    offset: u64,
    ask_size: bool,
) -> Result<std::result::Result<Begun, RawReply>> {
    let operation = Operation::Open;
    let features = session.features();
    let together = features.bears_pipelining();
    let retrieve = session.command(operation, "RETR", path)?;
    let mut before = Vec::new();
    if ask_size && features.has_size() {
        before.push(session.command(operation, "SIZE", path)?);
    }
    let sizes = before.len();
    if offset > 0 {
        before.push(Command::new(format!("REST {offset}")));
    }
    // REST must stand right before RETR: the port comes first.
    let mut opening = session.data.open(lease, operation).await?;
    let mut size = None;
    let overlap = features.bears_overlap() && session.data.works_ahead();
    let mut commands = Vec::new();
    if together {
        commands = before.clone();
    } else {
        let replies = lease.ask_all(operation, &before, false).await?;
        size = replies[..sizes].first().and_then(size_of);
        if let Some(raw) = replies.get(sizes)
            && !raw.is_intermediate()
        {
            return Ok(Err(raw.clone()));
        }
    }
    commands.push(retrieve);
    if overlap {
        lease.send_port_ahead(operation, &commands).await?;
    } else {
        lease.send(operation, &commands).await?;
    }
    if together {
        let mut refused = None;
        for at in 0..before.len() {
            let raw = lease.final_reply(operation, PATIENCE).await?;
            if at < sizes {
                size = size_of(&raw);
            } else if !raw.is_intermediate() {
                refused = Some(raw);
            }
        }
        if let Some(raw) = refused {
            // RETR is on its way and would begin at the start: this connection is lost to it.
            lease.give_up();
            return Ok(Err(raw));
        }
    }
    Ok(match data::started(lease, &mut opening, operation).await? {
        Started::Stream(data) => Ok(Begun { data, size }),
        Started::Refused(raw) => Err(raw),
    })
}

/// The number of `213 NUMBER`: RFC 3659 section 4.
pub fn size_of(raw: &RawReply) -> Option<u64> {
    if raw.code != 213 {
        return None;
    }
    std::str::from_utf8(raw.last()).ok()?.trim().parse().ok()
}

/// What the server says that the file's size is now.
pub async fn size(session: &Session, path: &RemotePath) -> Option<u64> {
    if !session.features().has_size() {
        return None;
    }
    let command = session.command(Operation::Read, "SIZE", path).ok()?;
    size_of(&session.ask(Operation::Read, path, command).await.ok()?)
}

/// Servers refuse to begin behind the end of a file.
async fn ends_before(session: &Session, path: &RemotePath, offset: u64) -> bool {
    size(session, path).await.is_some_and(|size| size <= offset)
}

struct Reader {
    session: Arc<Session>,
    path: RemotePath,
    lease: Option<Lease>,
    data: Option<Stream>,
    start: u64,
    /// Offset behind the last byte handed out.
    delivered: u64,
    expected: Option<u64>,
    /// The expectation is a listing's, which may be old; otherwise SIZE's of just now.
    announced: bool,
    resumes: usize,
    /// Where it was gone on with last.
    resumed_at: u64,
    /// The data ended without TLS saying so.
    abrupt: bool,
    buffer: BytesMut,
}

impl Reader {
    async fn next_piece(&mut self) -> Result<Option<Bytes>> {
        loop {
            let room = self.room();
            let Some(data) = &mut self.data else {
                if self.lease.is_none() {
                    return Ok(None);
                }
                match self.conclude().await {
                    Ok(()) => return Ok(None),
                    Err(error) => {
                        self.resume(error).await?;
                        continue;
                    }
                }
            };
            self.buffer.reserve(room);
            let error = match timeout(STALLED, data.read_buf(&mut self.buffer)).await {
                Ok(Ok(0)) => {
                    // Some servers hold their last reply back until we have closed as well.
                    self.data = None;
                    continue;
                }
                Ok(Ok(read)) => {
                    self.delivered += read as u64;
                    return Ok(Some(self.buffer.split().freeze()));
                }
                Ok(Err(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                    self.abrupt = true;
                    self.data = None;
                    continue;
                }
                Ok(Err(error)) => lost(Operation::Read, &error),
                Err(_) => {
                    Error::new(ErrorKind::Timeout, Operation::Read).with_detail("no data came for a minute")
                }
            };
            let error = self.last_words(error).await;
            self.resume(error).await?;
        }
    }

    /// How much to be ready for: of a small file its rest, and a byte that shows whether it grew.
    fn room(&self) -> usize {
        let rest = self.expected.map_or(CHUNK as u64, |size| size.saturating_sub(self.delivered) + 1);
        usize::try_from(rest).map_or(CHUNK, |rest| rest.clamp(1 << 10, CHUNK))
    }

    /// The server's word for it, and our own count.
    async fn conclude(&mut self) -> Result<()> {
        let Some(lease) = &mut self.lease else { return Ok(()) };
        let raw = self.session.conclusion(lease, Operation::Read).await?;
        if !raw.is_completion() {
            let error = Error::ftp(Operation::Read, self.session.log().reply(&raw));
            // 426 and 425: the data connection broke, which says nothing against the file.
            return Err(if matches!(raw.code, 425 | 426) {
                error.with_kind(ErrorKind::ConnectionLost)
            } else {
                error
            });
        }
        if let Some(mut lease) = self.lease.take() {
            self.session.prepare_next(&mut lease, Operation::Read).await;
        }
        let whole = match self.expected {
            Some(expected) if expected == self.delivered => return Ok(()),
            Some(expected) if !self.announced => self.delivered > expected,
            _ => !self.abrupt,
        };
        // The listing may be old: what the file is now decides. An offset behind the end of the
        // file gives nothing.
        match size(&self.session, &self.path).await {
            Some(now) if now == self.delivered || (now < self.start && self.delivered == self.start) => {
                Ok(())
            }
            Some(now) if now > self.delivered || self.abrupt => Err(self.cut(now)),
            Some(_) | None if whole => Ok(()),
            now => Err(self.cut(now.or(self.expected).unwrap_or_default())),
        }
    }

    /// More was there than came, though the server called it complete.
    fn cut(&self, size: u64) -> Error {
        Error::new(ErrorKind::ConnectionLost, Operation::Read)
            .with_detail(format!("the data ended after {} of {size} bytes", self.delivered))
    }

    /// What the server says of data that broke.
    async fn last_words(&mut self, error: Error) -> Error {
        self.data = None;
        let Some(lease) = &mut self.lease else { return error };
        match timeout(Duration::from_secs(2), lease.final_reply(Operation::Read, PATIENCE)).await {
            Ok(Ok(raw)) if !raw.is_completion() => error.with_reply(self.session.log().reply(&raw)),
            _ => error,
        }
    }

    /// Goes on at the byte that is due, if the failure was the connection's.
    async fn resume(&mut self, error: Error) -> Result<()> {
        self.lease = None;
        self.data = None;
        let may = matches!(error.kind(), ErrorKind::ConnectionLost | ErrorKind::Timeout);
        if self.delivered - self.resumed_at >= HEADWAY {
            self.resumes = 0;
        }
        self.resumed_at = self.delivered;
        if !may || self.resumes >= RESUMES {
            let kind = if self.resumes >= RESUMES && may { ErrorKind::Mismatch } else { error.kind() };
            return Err(self.session.settle(self.session.error(error.with_kind(kind), &self.path)).await);
        }
        self.resumes += 1;
        self.abrupt = false;
        let mut lease = self.session.lend(Operation::Read, &self.path).await?;
        match begin(&self.session, &mut lease, &self.path, self.delivered, true).await {
            Ok(Ok(begun)) => {
                self.data = Some(begun.data);
                self.lease = Some(lease);
                self.expected = begun.size.or(self.expected);
                self.announced = begun.size.is_none();
                Ok(())
            }
            // The first failure is the one to tell.
            Ok(Err(_)) => Err(self.session.error(error.with_kind(ErrorKind::Mismatch), &self.path)),
            Err(_) => Err(self.session.settle(self.session.error(error, &self.path)).await),
        }
    }
}
