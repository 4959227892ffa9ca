//! What a server does with a file without its bytes coming here: copying it, linking it,
//! summing it up, each by an extension. Where a server has none of that, the answer is
//! Unsupported. Knows no commands: those are in `exec`.

use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use bytes::Bytes;

use super::{
    Session,
    channel::{Channel, Pending, unexpected},
    request::{Request, open},
    requests,
    response::{self, Response},
    write::FSYNC,
};
use crate::{
    fs::{
        Algorithm, Attributes, Checksum, Error, ErrorKind, Operation, Pace, RemotePath, Result, WriteOptions,
        Written, sum::Computed,
    },
    reply::{self, Reply},
};

pub const HARDLINK: &str = "hardlink@openssh.com";
pub const COPY_DATA: &str = "copy-data";
/// Either name announces `check-file-name`.
pub const CHECK_FILE: [&str; 2] = ["check-file", "check-file-name"];

/// Bytes that one request copies: a server answers when it has copied them all, and between two
/// answers nothing shows and nothing can be stopped.
const PIECE: u64 = 64 << 20;

/// Requests in flight, so that the server need not wait for the next.
const IN_FLIGHT: usize = 3;

/// A second name for a file: OpenSSH PROTOCOL section 4.5.
pub async fn hard_link(session: &Session, path: &RemotePath, to: &RemotePath) -> Result<()> {
    if !session.first.version().has(HARDLINK) {
        return Err(session.error(Error::new(ErrorKind::Unsupported, Operation::HardLink), path));
    }
    let strings = [path.as_bytes(), to.as_bytes()];
    session.command(Operation::HardLink, Request::Extended { name: HARDLINK, strings: &strings }, path).await
}

/// The checksum, if the server announces that it computes such; `None` where it does not, or
/// not by this algorithm.
pub async fn check_file(
    session: &Session,
    path: &RemotePath,
    algorithm: Algorithm,
) -> Result<Option<Checksum>> {
    // In which order the bytes of a CRC come, the draft does not say.
    if algorithm == Algorithm::Crc32 || !CHECK_FILE.iter().any(|name| session.first.version().has(name)) {
        return Ok(None);
    }
    let request = Request::CheckFile { path: path.as_bytes(), algorithm: algorithm.name().as_bytes() };
    let body = match session.ask(Operation::Checksum, request, path).await? {
        Response::Extended(body) => body,
        Response::Status { code: reply::SFTP_NO_SUCH_FILE | reply::SFTP_PERMISSION_DENIED, .. } => {
            // Reading finds the same and says it better.
            return Ok(None);
        }
        _ => return Ok(None),
    };
    let malformed = |what: &str| {
        let error = Error::new(ErrorKind::Protocol, Operation::Checksum).with_detail(what.to_owned());
        session.error(error, path)
    };
    let (name, bytes) = response::decode_check(body).map_err(|e| malformed(&e.to_string()))?;
    if name != algorithm.name().as_bytes() || bytes.len() != algorithm.length() {
        return Err(malformed("the server answered with a checksum of another kind"));
    }
    Ok(Some(Checksum { algorithm, bytes: bytes[..].into(), by: Computed::Server("check-file") }))
}

/// Copies a file by `copy-data`, in pieces. The last piece goes to the real end of the source,
/// whatever its size was said to be.
pub async fn copy(
    session: &Arc<Session>,
    from: &RemotePath,
    to: &RemotePath,
    options: WriteOptions,
    pace: &dyn Pace,
) -> Result<Written> {
    let unsupported = || session.error(Error::new(ErrorKind::Unsupported, Operation::CopyWithin), from);
    if !session.first.version().has(COPY_DATA) || session.no_copies.load(Ordering::Relaxed) {
        return Err(unsupported());
    }
    let mut copying = Copying::open(session.clone(), from, to, &options).await?;
    copying.pieces(&options, pace).await?;
    copying.finish(&options, pace).await
}

/// Both files, open on the server. Closed when dropped.
struct Copying {
    session: Arc<Session>,
    channel: Channel,
    from: RemotePath,
    to: RemotePath,
    source: Option<Bytes>,
    target: Option<Bytes>,
    started: Instant,
    requests: u64,
    /// Bytes that the pace has been told of.
    told: u64,
}

impl Copying {
    async fn open(
        session: Arc<Session>,
        from: &RemotePath,
        to: &RemotePath,
        options: &WriteOptions,
    ) -> Result<Copying> {
        let started = Instant::now();
        let channel = session.data_channel();
        let nothing = Attributes::default();
        let reading = Request::Open { path: from.as_bytes(), pflags: open::READ, attributes: &nothing };
        let how = if options.exclusive { open::EXCL } else { open::TRUNC };
        let create = Attributes { mode: options.create_mode, ..Attributes::default() };
        let writing = Request::Open {
            path: to.as_bytes(),
            pflags: open::WRITE | open::CREAT | how,
            attributes: &create,
        };
        let source = channel.send(Operation::Open, reading);
        // What exists is emptied only once it is sure that there is something to put there.
        let early = options.exclusive.then(|| channel.send(Operation::Open, writing));
        let opened = |response: Response, request: &Request<'_>, path: &RemotePath| {
            session.log(request, Some(path), &response, started);
            match response {
                Response::Handle(handle) => Ok(handle),
                other => Err(session.error(unexpected(Operation::Open, &other), path)),
            }
        };
        let source = opened(source.response().await.map_err(|e| session.error(e, from))?, &reading, from);
        let mut copying = Copying {
            session: session.clone(),
            channel: channel.clone(),
            from: from.clone(),
            to: to.clone(),
            source: None,
            target: None,
            started,
            requests: 0,
            told: 0,
        };
        let source = match (source, early.is_some()) {
            (Err(error), false) => return Err(error),
            (source, _) => source,
        };
        let target = early.unwrap_or_else(|| channel.send(Operation::Open, writing));
        let target = opened(target.response().await.map_err(|e| session.error(e, to))?, &writing, to);
        copying.target = target.as_ref().ok().cloned();
        copying.source = Some(source?);
        target?;
        Ok(copying)
    }

    /// Sends the requests that copy, some ahead of their answers.
    async fn pieces(&mut self, options: &WriteOptions, pace: &dyn Pace) -> Result<()> {
        let (Some(source), Some(target)) = (self.source.clone(), self.target.clone()) else {
            return Ok(());
        };
        let size = options.expected_size.unwrap_or_default();
        let mut in_flight: VecDeque<(u64, Pending)> = VecDeque::new();
        let mut offset = 0;
        let mut ended = false;
        loop {
            while !ended && in_flight.len() < IN_FLIGHT {
                let left = size - offset;
                let piece = pace.piece(PIECE).clamp(1, PIECE);
                // Without a length, the last one goes to the end.
                let len = if left <= piece { 0 } else { piece };
                ended = len == 0;
                pace.pass(left.min(piece)).await;
                let request = Request::CopyData { from: &source, offset, len, to: &target };
                in_flight.push_back((len, self.channel.send(Operation::CopyWithin, request)));
                self.requests += 1;
                offset += len;
            }
            let Some((len, pending)) = in_flight.pop_front() else { return Ok(()) };
            let reply = pending.status().await.map_err(|e| self.session.error(e, &self.from))?;
            match reply.code {
                reply::SFTP_OK => {
                    self.told += len;
                    pace.moved(len);
                }
                // The source has become shorter.
                reply::SFTP_EOF => ended = true,
                _ => return Err(self.refused(reply)),
            }
        }
    }

    fn refused(&self, reply: Reply) -> Error {
        self.session.log_as(COPY_DATA.into(), Some(&self.from), reply.clone(), self.started);
        // A server that lists an extension may still have it switched off.
        let never = matches!(reply.code, reply::SFTP_OP_UNSUPPORTED | reply::SFTP_PERMISSION_DENIED);
        let error = self.session.error(Error::sftp(Operation::CopyWithin, reply), &self.from);
        if never {
            self.session.no_copies.store(true, Ordering::Relaxed);
            return error.with_kind(ErrorKind::Unsupported);
        }
        error
    }

    /// FSETSTAT, FSTAT and CLOSE leave together, as behind a written file.
    async fn finish(mut self, options: &WriteOptions, pace: &dyn Pace) -> Result<Written> {
        let (Some(source), Some(target)) = (self.source.take(), self.target.take()) else {
            return Ok(Written::default());
        };
        let wants_attributes = options.attributes != Attributes::default();
        let set = wants_attributes.then(|| {
            let request = Request::FSetStat { handle: &target, attributes: &options.attributes };
            self.channel.send(Operation::SetAttributes, request)
        });
        let sync = (options.sync && self.session.first.version().has(FSYNC)).then(|| {
            let request = Request::Extended { name: FSYNC, strings: &[&target] };
            self.channel.send(Operation::Close, request)
        });
        let stat = self.channel.send(Operation::Stat, Request::FStat { handle: &target });
        let close = self.channel.send(Operation::Close, Request::Close { handle: &target });
        drop(self.channel.send(Operation::Close, Request::Close { handle: &source }));
        let mut written = Written::default();
        let at_target = |error: Error| self.session.error(error, &self.to);
        if let Some(set) = set {
            let reply = set.status().await.map_err(at_target)?;
            self.session.log_as("FSETSTAT".into(), Some(&self.to), reply.clone(), self.started);
            if reply.code != reply::SFTP_OK {
                written.attributes_refused = Some(at_target(Error::sftp(Operation::SetAttributes, reply)));
            }
        }
        if let Some(sync) = sync {
            let reply = sync.status().await.map_err(at_target)?;
            self.session.log_as(FSYNC.into(), Some(&self.to), reply.clone(), self.started);
            if !matches!(reply.code, reply::SFTP_OK | reply::SFTP_OP_UNSUPPORTED) {
                return Err(at_target(Error::sftp(Operation::Close, reply)));
            }
        }
        if let Response::Attributes(found) = stat.response().await.map_err(at_target)? {
            written.size = found.attributes.size;
        }
        let reply = close.status().await.map_err(at_target)?;
        if reply.code != reply::SFTP_OK {
            self.session.log_as("CLOSE".into(), Some(&self.to), reply.clone(), self.started);
            return Err(at_target(Error::sftp(Operation::Close, reply)));
        }
        let size = written.size.or(options.expected_size).unwrap_or(self.told);
        pace.moved(size.saturating_sub(self.told));
        let request = format!("{COPY_DATA} {size} bytes in {}", requests(self.requests));
        self.session.log_as(request, Some(&self.to), reply, self.started);
        Ok(written)
    }
}

impl Drop for Copying {
    fn drop(&mut self) {
        for handle in self.source.take().into_iter().chain(self.target.take()) {
            drop(self.channel.send(Operation::Close, Request::Close { handle: &handle }));
        }
    }
}
