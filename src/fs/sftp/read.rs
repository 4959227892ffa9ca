//! Reading a file: many READs in flight, answered in order. Knows no target and no plan.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use bytes::Bytes;
use futures::{StreamExt, stream};

use super::{
    Session,
    channel::{Channel, Pending, unexpected},
    further::{Purpose, Spread},
    lane::{LONG_LINK, Lane},
    request::{Request, open},
    requests,
    response::Response,
    window::Permit,
};
use crate::{
    fs::{Attributes, ByteStream, Error, ErrorKind, Operation, ReadOptions, RemotePath, Result},
    reply::{self, Reply},
};

/// Opens `path` and streams it from `options.offset` to its end.
pub async fn read(session: Arc<Session>, path: &RemotePath, options: ReadOptions) -> Result<ByteStream> {
    let channel = session.data_channel();
    let chunk = session.limits().read;
    let small = options.expected_size.is_some_and(|size| size.saturating_sub(options.offset) < chunk as u64);
    let is_far = session.round_trip() >= LONG_LINK;
    let guess = if is_far && !small { channel.first_handle() } else { None };
    let opening = Opening::send(&channel, path);
    let mut reader = Reader {
        session,
        channel,
        path: path.clone(),
        handle: None,
        next: options.offset,
        delivered: options.offset,
        expected: options.expected_size,
        chunk,
        in_flight: VecDeque::new(),
        requests: 0,
        started: Instant::now(),
        ready: VecDeque::new(),
        at_end: false,
        own_ahead: 0,
        further: Vec::new(),
        spread: None,
    };
    if let Some(guess) = &guess {
        // A round trip less for whoever waits for one large file.
        reader.fill(guess).await;
    }
    let handle = opening.opened(&reader.session, path).await?;
    if guess.is_some_and(|guess| guess != handle) {
        reader.forget_asked();
        (reader.next, reader.requests) = (options.offset, 0);
    }
    if let Some(size) = options.expected_size {
        let purpose = Purpose::Read(reader.channel.clone(), handle.clone());
        let left = size.saturating_sub(options.offset);
        reader.spread = Spread::new(&reader.session, path, purpose, left);
    }
    reader.handle = Some(handle);
    if small {
        reader.request_once().await;
    }
    let pieces = stream::try_unfold(reader, |mut reader| async move {
        Ok(reader.next_piece().await?.map(|piece| (piece, reader)))
    });
    Ok(pieces.fuse().boxed())
}

/// OPEN sends attributes even where nothing is created.
static NO_ATTRIBUTES: Attributes =
    Attributes { size: None, mtime: None, atime: None, mode: None, uid: None, gid: None };

fn open_request(path: &RemotePath) -> Request<'_> {
    Request::Open { path: path.as_bytes(), pflags: open::READ, attributes: &NO_ATTRIBUTES }
}

/// An OPEN on its way.
struct Opening {
    pending: Pending,
    started: Instant,
}

impl Opening {
    fn send(channel: &Channel, path: &RemotePath) -> Opening {
        let started = Instant::now();
        Opening { pending: channel.send(Operation::Open, open_request(path)), started }
    }

    async fn opened(self, session: &Session, path: &RemotePath) -> Result<Bytes> {
        let response = self.pending.response().await.map_err(|e| session.error(e, path))?;
        session.log(&open_request(path), Some(path), &response, self.started);
        match response {
            Response::Handle(handle) => Ok(handle),
            other => Err(session.error(unexpected(Operation::Open, &other), path)),
        }
    }
}

struct Reader {
    session: Arc<Session>,
    channel: Channel,
    path: RemotePath,
    /// Closed when dropped, unless CLOSE has been sent.
    handle: Option<Bytes>,
    /// Offset of the next READ.
    next: u64,
    /// Offset behind the last byte handed out.
    delivered: u64,
    expected: Option<u64>,
    chunk: u32,
    in_flight: VecDeque<Asked>,
    requests: u64,
    started: Instant,
    ready: VecDeque<Bytes>,
    at_end: bool,
    /// Bytes asked for on the session's own channel.
    own_ahead: usize,
    /// The file on further connections. None is ever taken out, as their places are known.
    further: Vec<Lane>,
    /// `None` where further connections are out of the question.
    spread: Option<Spread>,
}

struct Asked {
    offset: u64,
    len: u32,
    pending: Pending,
    permit: Permit,
    /// The place in `further` of the lane that it was asked on.
    lane: Option<usize>,
}

impl Reader {
    /// The whole rest of a small file: READ and CLOSE leave together, so that it costs one
    /// round trip behind OPEN.
    async fn request_once(&mut self) {
        let expected = self.expected.unwrap_or_default().saturating_sub(self.next);
        let permit = self.session.read_window.take(expected as usize + 512).await;
        if let Some(handle) = self.handle.clone() {
            self.ask(&handle, self.chunk, permit);
        }
        self.close();
    }

    fn ask(&mut self, handle: &[u8], len: u32, permit: Permit) {
        let offset = self.next;
        let others = self.further.iter_mut().enumerate().filter(|(_, lane)| lane.carries());
        let least = others.min_by_key(|(_, lane)| lane.ahead).filter(|(_, lane)| lane.ahead < self.own_ahead);
        let (pending, lane) = match least {
            Some((place, lane)) => {
                lane.ahead += len as usize;
                let request = Request::Read { handle: &lane.handle, offset, len };
                (lane.channel.send(Operation::Read, request), Some(place))
            }
            None => {
                self.own_ahead += len as usize;
                let request = Request::Read { handle, offset, len };
                (self.channel.send(Operation::Read, request), None)
            }
        };
        self.in_flight.push_back(Asked { offset, len, pending, permit, lane });
        self.next += u64::from(len);
        self.requests += 1;
    }

    /// What was asked for is not wanted any more.
    fn forget_asked(&mut self) {
        self.in_flight.clear();
        self.own_ahead = 0;
        self.further.iter_mut().for_each(|lane| lane.ahead = 0);
    }

    /// The answer to the first of what was asked for. What a further connection does not answer
    /// with data is asked again on the session's own.
    async fn answer(&mut self, asked: Asked) -> Result<(Response, Permit)> {
        let (since, len) = (Instant::now(), asked.len as usize);
        let mut answer = asked.pending.response().await;
        match asked.lane.and_then(|place| self.further.get_mut(place)) {
            None => self.own_ahead = self.own_ahead.saturating_sub(len),
            Some(lane) => {
                lane.ahead = lane.ahead.saturating_sub(len);
                let at_end = self.expected.is_some_and(|size| asked.offset >= size);
                let is_end = matches!(answer, Ok(Response::Status { code: reply::SFTP_EOF, .. }));
                if !(matches!(answer, Ok(Response::Data(_))) || is_end && at_end) {
                    lane.retired = true;
                    self.reopen().await?;
                    let handle = self.handle.as_deref().unwrap_or_default();
                    let request = Request::Read { handle, offset: asked.offset, len: asked.len };
                    answer = self.channel.send(Operation::Read, request).response().await;
                }
            }
        }
        if let Some(spread) = &mut self.spread {
            spread.waited(since);
        }
        Ok((answer.map_err(|e| self.session.error(e, &self.path))?, asked.permit))
    }

    fn close(&mut self) {
        if let Some(handle) = self.handle.take() {
            // Nothing depends on the answer to closing a file that was read.
            drop(self.channel.send(Operation::Close, Request::Close { handle: &handle }));
        }
    }

    /// Keeps as many READs in flight as the session's window has room for, but never past the
    /// expected size by more than one request: that one sees whether the file has grown.
    async fn fill(&mut self, handle: &[u8]) {
        while !self.at_end && self.in_flight.len() < 512 {
            let wanted = self.expected.is_none_or(|size| self.next <= size) || self.in_flight.is_empty();
            if !wanted {
                return;
            }
            let bytes = self.chunk as usize;
            let permit = match self.session.read_window.try_take(bytes) {
                Some(permit) => permit,
                None if self.in_flight.is_empty() => self.session.read_window.take(bytes).await,
                None => return,
            };
            self.ask(handle, self.chunk, permit);
            // The size is unknown: grow with what arrives, not ahead of it.
            if self.expected.is_none() && self.in_flight.len() as u64 > self.requests / 2 + 2 {
                return;
            }
        }
    }

    async fn next_piece(&mut self) -> Result<Option<Bytes>> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                self.delivered += piece.len() as u64;
                return Ok(Some(piece));
            }
            if self.at_end {
                self.finish(Reply::sftp(reply::SFTP_OK, ""));
                return Ok(None);
            }
            if let (Some(spread), Some(size)) = (&mut self.spread, self.expected) {
                spread.step(self.delivered, size.saturating_sub(self.delivered), &mut self.further);
            }
            if let Some(handle) = self.handle.clone() {
                self.fill(&handle).await;
            }
            let Some(asked) = self.in_flight.pop_front() else {
                self.reopen().await?;
                continue;
            };
            let (offset, len) = (asked.offset, asked.len as usize);
            let (response, permit) = self.answer(asked).await?;
            permit.answered();
            match response {
                Response::Data(parts) => {
                    let got: usize = parts.iter().map(Bytes::len).sum();
                    if got > len {
                        return Err(self.breach("the server sent more data than was asked for"));
                    }
                    self.ready.extend(parts);
                    let end = offset + got as u64;
                    if got < len {
                        self.after_short(end, got).await?;
                    }
                }
                Response::Status { code: reply::SFTP_EOF, .. } => self.at_end = true,
                other => {
                    let error = self.session.error(unexpected(Operation::Read, &other), &self.path);
                    if let Some(reply) = error.reply() {
                        self.finish(reply.clone());
                    }
                    return Err(error);
                }
            }
        }
    }

    /// A short answer is the end where the listing said it would be; otherwise the rest has to
    /// be asked for again.
    async fn after_short(&mut self, end: u64, got: usize) -> Result<()> {
        if self.expected == Some(end) {
            self.at_end = true;
            return Ok(());
        }
        if got == 0 {
            return Err(self.breach("the server sent an empty answer to READ"));
        }
        // What was asked for behind the gap would arrive out of order.
        self.forget_asked();
        self.next = end;
        if self.handle.is_none() {
            self.reopen().await?;
        }
        // A file that is not as the listing said is read to its real end, carefully.
        self.expected = None;
        Ok(())
    }

    /// A small file was closed along with its only READ, but there is more of it.
    async fn reopen(&mut self) -> Result<()> {
        if self.handle.is_none() {
            let opening = Opening::send(&self.channel, &self.path);
            self.handle = Some(opening.opened(&self.session, &self.path).await?);
        }
        Ok(())
    }

    fn breach(&self, what: &'static str) -> Error {
        let error = Error::new(ErrorKind::Protocol, Operation::Read).with_detail(what);
        self.session.error(error, &self.path)
    }

    /// One line in the log for all the READs of a file.
    fn finish(&mut self, reply: Reply) {
        if self.requests > 0 {
            let request = format!("READ {} bytes in {}", self.delivered, requests(self.requests));
            self.session.log_as(request, Some(&self.path), reply, self.started);
            self.requests = 0;
        }
        self.close();
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.close();
    }
}
