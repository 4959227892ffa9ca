//! Writing a file: WRITEs run ahead of their answers, and only the answer to CLOSE makes the
//! file whole. Knows no source and no plan.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::select_all;
use tokio::sync::mpsc;

use super::{
    Session,
    channel::{Pending, unexpected},
    further::{Purpose, Spread},
    lane::{LARGE, LONG_LINK, Lane},
    lanes::{self, Lanes},
    request::{Request, open},
    requests,
    response::Response,
    window::Permit,
};
use crate::{
    fs::{Attributes, Error, ErrorKind, Operation, RemotePath, Result, Sink, WriteOptions, Written},
    reply::{self, Reply},
};

/// Bytes after which a file of unknown size is large enough for several channels.
const WIDE: u64 = 4 << 20;

/// What waits on one channel while others are about to come: sshd takes 2 MiB ahead of its answers
/// on each, and what is queued behind that on the first would go no sooner than over the others.
const LANE_AHEAD: usize = 5 << 19;

/// Asks for what is written to be on the disk: OpenSSH PROTOCOL section 4.6.
pub const FSYNC: &str = "fsync@openssh.com";

/// Creates `path`, or takes up what stands there, and returns what takes its bytes.
pub async fn write(session: Arc<Session>, path: &RemotePath, options: WriteOptions) -> Result<Box<dyn Sink>> {
    session.foretold.forget();
    let small = options.expected_size.is_some_and(|size| size < WIDE);
    let channel = match small {
        true => session.data_channel(),
        false => session.lanes.pick(session.data_channel()),
    };
    if options.expected_size.is_some_and(|size| size >= LARGE) && session.round_trip() >= LONG_LINK {
        Lanes::ask(&session);
    }
    let started = Instant::now();
    let how = match (options.resume, options.exclusive) {
        (Some(_), _) => 0,
        (None, true) => open::CREAT | open::EXCL,
        (None, false) => open::CREAT | open::TRUNC,
    };
    let create = match options.resume {
        Some(_) => Attributes::default(),
        None => Attributes { mode: options.create_mode, ..Attributes::default() },
    };
    let request = Request::Open { path: path.as_bytes(), pflags: open::WRITE | how, attributes: &create };
    let response =
        channel.send(Operation::Open, request).response().await.map_err(|e| session.error(e, path))?;
    session.log(&request, Some(path), &response, started);
    let handle = match response {
        Response::Handle(handle) => handle,
        // Version 3 has no status for "exists"; servers say FAILURE. The caller asks what stands
        // there.
        other => return Err(session.error(unexpected(Operation::Open, &other), path)),
    };
    let own = Lane::new(channel, handle);
    let offset = options.resume.unwrap_or(0);
    if options.resume.is_some() {
        let cut = Attributes { size: Some(offset), ..Attributes::default() };
        let request = Request::FSetStat { handle: &own.handle, attributes: &cut };
        let cut = own.channel.send(Operation::Write, request).ok().await;
        cut.map_err(|e| session.error(e, path))?;
    }
    let session_has_fsync = session.first.version().has(FSYNC);
    // Under a name that was there before, another connection could have another file.
    let left = options.expected_size.filter(|_| options.exclusive || options.resume.is_some());
    let left = left.map_or(0, |size| size.saturating_sub(offset));
    let spread = Spread::new(&session, path, Purpose::Write, left);
    Ok(Box::new(Writer {
        chunk: session.limits().write as usize,
        session,
        path: path.clone(),
        lanes: vec![own],
        arriving: Arriving::NotAsked,
        spread,
        expected: options.expected_size.unwrap_or(0),
        small,
        large: options.expected_size.is_some_and(|size| size >= LARGE),
        offset,
        resumed: offset,
        acknowledged: offset,
        answered: offset,
        gathered: Vec::new(),
        gathered_len: 0,
        in_flight: VecDeque::new(),
        requests: 0,
        started,
        sync: options.sync && session_has_fsync,
        attributes: options.attributes,
    }))
}

/// Whether more lanes are to be expected.
enum Arriving {
    NotAsked,
    /// The file is being opened on further channels.
    Coming(mpsc::UnboundedReceiver<Lane>),
    /// There will be no more.
    All,
}

/// A WRITE on its way.
struct Sent {
    pending: Pending,
    bytes: usize,
    lane: usize,
    is_answered: bool,
    /// What is sent again where a further connection is lost: its offset and data.
    again: Option<(u64, Vec<Bytes>)>,
}

struct Writer {
    session: Arc<Session>,
    path: RemotePath,
    /// The file on each channel that carries it; the first is the one that it was created on.
    lanes: Vec<Lane>,
    /// Further lanes.
    arriving: Arriving,
    /// `None` where further connections are out of the question.
    spread: Option<Spread>,
    /// Bytes of the whole file; 0 where that is not known.
    expected: u64,
    small: bool,
    large: bool,
    /// Offset of the next WRITE.
    offset: u64,
    /// Where writing began.
    resumed: u64,
    /// Everything before it has been answered.
    acknowledged: u64,
    /// Bytes before `resumed` and answered since, in whatever order.
    answered: u64,
    chunk: usize,
    gathered: Vec<Bytes>,
    gathered_len: usize,
    /// In the order of their offsets.
    in_flight: VecDeque<Sent>,
    requests: u64,
    started: Instant,
    /// The server is asked to write it to its disk before it is closed.
    sync: bool,
    attributes: Attributes,
}

impl Writer {
    /// Room for `len` bytes, and the place of the lane that has it. The session's own lanes share a
    /// window, and each further connection has one of its own: a slow one must not starve the others.
    async fn room(&self, len: usize) -> (usize, Permit) {
        let own = self
            .lanes
            .iter()
            .enumerate()
            .filter(|(place, lane)| *place == 0 || lane.member.is_none() && lane.carries());
        let own = own.min_by_key(|(_, lane)| lane.ahead).map_or(0, |(place, _)| place);
        let further = self.lanes.iter().enumerate().filter(|(_, lane)| lane.carries());
        let further = further.filter_map(|(place, lane)| Some((place, &lane.member.as_ref()?.window)));
        let windows: Vec<_> = [(own, &self.session.write_window)].into_iter().chain(further).collect();
        for (place, window) in &windows {
            if let Some(permit) = window.try_take(len) {
                return (*place, permit);
            }
        }
        let taking = windows.iter().map(|(_, window)| Box::pin(window.take(len)));
        let (permit, first, _) = select_all(taking).await;
        (windows.get(first).map_or(0, |(place, _)| *place), permit)
    }

    fn request(&mut self, payload: Vec<Bytes>, len: usize, (place, permit): (usize, Permit)) {
        let Some(lane) = self.lanes.get_mut(place) else { return };
        let again = lane.member.is_some().then(|| (self.offset, payload.clone()));
        let pending = lane.write(self.offset, payload, len, permit);
        self.in_flight.push_back(Sent { pending, bytes: len, lane: place, is_answered: false, again });
        self.offset += len as u64;
        self.requests += 1;
    }

    /// Whether every lane has as much as it can take, and more lanes are about to come.
    fn awaits_lanes(&self) -> bool {
        let more = matches!(self.arriving, Arriving::Coming(_));
        more && self.lanes.iter().filter(|lane| lane.carries()).all(|lane| lane.ahead >= LANE_AHEAD)
    }

    /// Takes more channels into use, where the file is large and the link long.
    fn widen(&mut self) {
        if self.small || !(self.large || self.offset - self.resumed >= WIDE) {
            return;
        }
        if matches!(self.arriving, Arriving::NotAsked) {
            self.arriving = Arriving::All;
            if self.session.round_trip() >= LONG_LINK
                && let Some(own) = self.lanes.first()
            {
                Lanes::ask(&self.session);
                self.arriving = Arriving::Coming(lanes::widen(&self.session, &own.channel, &self.path));
            }
        }
        if let Arriving::Coming(coming) = &mut self.arriving {
            loop {
                match coming.try_recv() {
                    Ok(lane) => self.lanes.push(lane),
                    Err(mpsc::error::TryRecvError::Empty) => break,
                    Err(mpsc::error::TryRecvError::Disconnected) => {
                        self.arriving = Arriving::All;
                        break;
                    }
                }
            }
        }
    }

    /// Waits for what may change what [`Self::awaits_lanes`] says.
    async fn wait_for_lanes(&mut self) {
        let first = self.in_flight.front_mut().filter(|sent| !sent.is_answered);
        if let (Arriving::Coming(coming), Some(sent)) = (&mut self.arriving, first) {
            tokio::select! {
                lane = coming.recv() => match lane {
                    Some(lane) => self.lanes.push(lane),
                    None => self.arriving = Arriving::All,
                },
                () = sent.pending.wait() => {}
            }
        }
    }

    /// Takes the first `len` bytes of what was gathered.
    fn cut(&mut self, len: usize) -> Vec<Bytes> {
        let mut out = Vec::new();
        let mut missing = len;
        let mut rest = std::mem::take(&mut self.gathered).into_iter();
        for mut piece in rest.by_ref() {
            if piece.len() > missing {
                out.push(piece.split_to(missing));
                self.gathered.push(piece);
                break;
            }
            missing -= piece.len();
            out.push(piece);
            if missing == 0 {
                break;
            }
        }
        self.gathered.extend(rest);
        self.gathered_len -= len;
        out
    }

    async fn settle(&mut self) -> Result<()> {
        while let Some(mut sent) = self.in_flight.pop_front() {
            if !sent.is_answered {
                let outcome = sent.pending.ok().await;
                match (outcome, sent.again.take()) {
                    (Err(error), Some(again)) if error.kind() == ErrorKind::ConnectionLost => {
                        let sent_again = self.send_again(again, sent.bytes).ok_or(error);
                        let pending = sent_again.map_err(|error| self.failed(error))?;
                        pending.ok().await.map_err(|error| self.failed(error))?;
                    }
                    (outcome, _) => outcome.map_err(|error| self.failed(error))?,
                }
            }
            self.acknowledged += sent.bytes as u64;
        }
        Ok(())
    }

    /// Looks at the answers that have arrived, without waiting, so that an error shows early.
    fn settle_arrived(&mut self) -> Result<()> {
        let mut failed = None;
        for place in 0..self.in_flight.len() {
            let Some(sent) = self.in_flight.get_mut(place).filter(|sent| !sent.is_answered) else { continue };
            let Some(outcome) = sent.pending.arrived() else { continue };
            if let Some(lane) = self.lanes.get_mut(sent.lane) {
                lane.ahead = lane.ahead.saturating_sub(sent.bytes);
            }
            let (bytes, again) = (sent.bytes, sent.again.take());
            let is_lost = outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::ConnectionLost);
            let sent_again = again.filter(|_| is_lost).and_then(|again| self.send_again(again, bytes));
            let Some(sent) = self.in_flight.get_mut(place) else { continue };
            match (sent_again, outcome) {
                (Some(pending), _) => (sent.pending, sent.lane) = (pending, 0),
                (None, Ok(())) => {
                    sent.is_answered = true;
                    self.answered += bytes as u64;
                }
                (None, Err(error)) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        while self.in_flight.front().is_some_and(|sent| sent.is_answered)
            && let Some(sent) = self.in_flight.pop_front()
        {
            self.acknowledged += sent.bytes as u64;
        }
        failed.map_or(Ok(()), |error| Err(self.failed(error)))
    }

    /// What a further connection was lost with goes over the session's own.
    fn send_again(&mut self, (offset, payload): (u64, Vec<Bytes>), len: usize) -> Option<Pending> {
        let permit = self.session.write_window.take_beyond(len);
        Some(self.lanes.first_mut()?.write(offset, payload, len, permit))
    }

    fn failed(&self, error: Error) -> Error {
        if let Some(reply) = error.reply() {
            self.session.log_as("WRITE".into(), Some(&self.path), reply.clone(), self.started);
        }
        self.session.error(error, &self.path)
    }
}

#[async_trait]
impl Sink for Writer {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.gathered_len += chunk.len();
        self.gathered.push(chunk);
        self.settle_arrived()?;
        self.widen();
        if let Some(spread) = &mut self.spread {
            let left = self.expected.saturating_sub(self.answered);
            spread.step(self.answered, left, &mut self.lanes);
        }
        while self.gathered_len >= self.chunk {
            let since = Instant::now();
            while self.awaits_lanes() {
                self.wait_for_lanes().await;
                self.settle_arrived()?;
                self.widen();
            }
            let room = self.room(self.chunk).await;
            if let Some(spread) = &mut self.spread {
                spread.waited(since);
            }
            let payload = self.cut(self.chunk);
            self.request(payload, self.chunk, room);
        }
        Ok(())
    }

    fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// The last WRITE, FSETSTAT, fsync, FSTAT and CLOSE leave together: one round trip behind the data.
    /// Only where several channels carry the file must all WRITEs have been answered before the
    /// time is set, or a late one would change it again.
    async fn finish(&mut self) -> Result<Written> {
        if self.gathered_len > 0 {
            let len = self.gathered_len;
            let room = self.room(len + 256).await;
            let payload = self.cut(len);
            self.request(payload, len, room);
        }
        self.arriving = Arriving::All;
        self.spread = None;
        if self.lanes.len() > 1 {
            self.settle().await?;
            self.lanes.truncate(1);
        }
        let Some(own) = self.lanes.pop() else { return Ok(Written::default()) };
        let (channel, handle) = (own.channel.clone(), own.handle.clone());
        let wants_attributes = self.attributes != Attributes::default();
        let set = wants_attributes.then(|| {
            let request = Request::FSetStat { handle: &handle, attributes: &self.attributes };
            channel.send(Operation::SetAttributes, request)
        });
        let sync = self.sync.then(|| {
            let request = Request::Extended { name: FSYNC, strings: &[&handle] };
            channel.send(Operation::Close, request)
        });
        let stat = channel.send(Operation::Stat, Request::FStat { handle: &handle });
        let close = own.close();
        self.settle().await?;
        if self.requests > 0 {
            let bytes = self.offset - self.resumed;
            let request = format!("WRITE {bytes} bytes in {}", requests(self.requests));
            self.session.log_as(request, Some(&self.path), Reply::sftp(reply::SFTP_OK, ""), self.started);
        }
        let mut written = Written::default();
        if let Some(set) = set {
            let reply = set.status().await.map_err(|e| self.session.error(e, &self.path))?;
            self.session.log_as("FSETSTAT".into(), Some(&self.path), reply.clone(), self.started);
            if reply.code != reply::SFTP_OK {
                let error = Error::sftp(Operation::SetAttributes, reply);
                written.attributes_refused = Some(self.session.error(error, &self.path));
            }
        }
        if let Some(sync) = sync {
            let reply = sync.status().await.map_err(|e| self.session.error(e, &self.path))?;
            self.session.log_as(FSYNC.into(), Some(&self.path), reply.clone(), self.started);
            // A server that only says that it can is not asked for more than others.
            if !matches!(reply.code, reply::SFTP_OK | reply::SFTP_OP_UNSUPPORTED) {
                return Err(self.session.error(Error::sftp(Operation::Close, reply), &self.path));
            }
        }
        if let Response::Attributes(found) =
            stat.response().await.map_err(|e| self.session.error(e, &self.path))?
        {
            written.size = found.attributes.size;
        }
        let reply = close.status().await.map_err(|e| self.session.error(e, &self.path))?;
        self.session.log_as("CLOSE".into(), Some(&self.path), reply.clone(), self.started);
        if reply.code != reply::SFTP_OK {
            return Err(self.session.error(Error::sftp(Operation::Close, reply), &self.path));
        }
        Ok(written)
    }
}
