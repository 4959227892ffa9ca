//! Listing a directory: MLSD where it shows what is there, else LIST, with times made exact and
//! links looked up behind it. Knows no dialect: `listing` reads the lines.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use bytes::BytesMut;
use futures::{StreamExt, stream};
use tokio::{io::AsyncReadExt, time::timeout};

use super::{
    control::{Command, PATIENCE},
    data,
    listing::{Line, Parser, Refusal},
    pool::Lease,
    reply_reader::RawReply,
    session::{STALLED, Session, Tries},
    stream::Stream,
};
use crate::fs::{
    Entry, EntryStream, Error, ErrorKind, Kind, Operation, Precision, RemotePath, Result, Timestamp,
};

/// Entries held back for exact times and links; a larger directory is handed on as it comes.
const HELD: usize = 1000;

/// The same while the zone of the server is not known, by which all times may have to move.
const HELD_FOR_ZONE: usize = 50_000;

/// Entries handed on at a time.
const BATCH: usize = 1000;

/// Links whose target is asked for in one directory.
const LINKS: usize = 200;

/// Entries after which a listing is taken for one that never ends.
const MOST: u64 = 5_000_000;

/// Lines told one by one that were not understood.
const REFUSED: u64 = 100;

/// How `path` is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Mlsd,
    /// With `-a`, which shows names that begin with a dot.
    ListAll,
    List,
}

pub async fn list(session: &Arc<Session>, path: &RemotePath) -> Result<EntryStream> {
    let operation = Operation::List;
    let mut how = how(session);
    let mut tries = Tries::default();
    loop {
        let mut lease = session.lend(operation, path).await?;
        let fresh = lease.fresh;
        match begin(session, &mut lease, path, how).await {
            Ok(Begun::Stream(data)) => return Ok(stream_of(session.clone(), lease, data, path.clone(), how)),
            Ok(Begun::Refused(raw)) if how == How::Mlsd && raw.is_unknown_command() => {
                session.learnt.no_mlst.store(true, std::sync::atomic::Ordering::Relaxed);
                how = self::how(session);
            }
            Ok(Begun::Refused(raw)) if how == How::ListAll && raw.is_unknown_command() => {
                session.learnt.no_list_all.store(true, std::sync::atomic::Ordering::Relaxed);
                how = self::how(session);
            }
            // Some servers say so of a directory without files.
            Ok(Begun::Refused(raw)) if how != How::Mlsd && says_empty(&raw) => {
                session.known.listed(path, Vec::new(), Instant::now());
                return Ok(stream::empty().boxed());
            }
            Ok(Begun::Refused(raw)) => return Err(session.refusal(operation, &raw, path)),
            Err(error) if tries.again(&error, fresh) => {}
            Err(error) => {
                drop(lease);
                return Err(session.settle(session.error(error, path)).await);
            }
        }
    }
}

fn how(session: &Session) -> How {
    use std::sync::atomic::Ordering::Relaxed;
    if session.features().has_honest_mlst() && !session.learnt.no_mlst.load(Relaxed) {
        How::Mlsd
    } else if session.features().is_unix && !session.learnt.no_list_all.load(Relaxed) {
        How::ListAll
    } else {
        How::List
    }
}

fn says_empty(raw: &RawReply) -> bool {
    let text = String::from_utf8_lossy(raw.last()).to_lowercase();
    matches!(raw.code, 450 | 550) && (text.contains("no files") || text.contains("empty"))
}

enum Begun {
    Stream(Stream),
    Refused(RawReply),
}

/// LIST goes without a path: many servers take blanks, options and patterns in it for what they
/// are not, and say nothing of a directory that is missing. CWD does.
async fn begin(session: &Session, lease: &mut Lease, path: &RemotePath, how: How) -> Result<Begun> {
    let operation = Operation::List;
    let command = match how {
        How::Mlsd => session.command(operation, "MLSD", path)?,
        How::ListAll | How::List => {
            let change = session.command(operation, "CWD", path)?;
            if session.data.works_ahead() && lease.may_ask_ahead() && session.features().bears_pipelining() {
                lease.send_port_ahead(operation, &[change]).await?;
            } else {
                lease.send(operation, &[change]).await?;
            }
            let raw = lease.final_reply(operation, PATIENCE).await?;
            if !raw.is_completion() {
                return Ok(Begun::Refused(raw));
            }
            Command::new(if how == How::ListAll { "LIST -a" } else { "LIST" })
        }
    };
    let mut opening = session.data.open(lease, operation).await?;
    lease.send(operation, &[command]).await?;
    match data::started(lease, &mut opening, operation).await? {
        data::Started::Stream(stream) => Ok(Begun::Stream(stream)),
        data::Started::Refused(raw) => Ok(Begun::Refused(raw)),
    }
}

fn stream_of(session: Arc<Session>, lease: Lease, data: Stream, path: RemotePath, how: How) -> EntryStream {
    let parser = match how {
        How::Mlsd => Parser::mlsd(),
        How::ListAll | How::List => Parser::list(now(), session.zone()),
    };
    let lister = Lister {
        hold: true,
        zone_known: how == How::Mlsd || session.zone().is_some(),
        session,
        lease: Some(lease),
        data: Some(data),
        path,
        how,
        parser: Some(parser),
        held: Vec::new(),
        all: Some(Vec::new()),
        ready: VecDeque::new(),
        refused: VecDeque::new(),
        refusals: 0,
        entries: 0,
        bytes: 0,
        started: Instant::now(),
    };
    let batches = stream::unfold(Some(lister), |lister| async move {
        let mut lister = lister?;
        match lister.next_batch().await {
            Ok(Some(batch)) => Some((Ok(batch), Some(lister))),
            Ok(None) => None,
            Err(error) if error.kind() == ErrorKind::InvalidName => Some((Err(error), Some(lister))),
            Err(error) => Some((Err(error), None)),
        }
    });
    batches.fuse().boxed()
}

struct Lister {
    session: Arc<Session>,
    lease: Option<Lease>,
    data: Option<Stream>,
    path: RemotePath,
    how: How,
    parser: Option<Parser>,
    /// Entries wait here for the end, as long as there are few.
    hold: bool,
    zone_known: bool,
    held: Vec<Entry>,
    /// For [`super::known::Known`]; `None` once there are too many.
    all: Option<Vec<Entry>>,
    ready: VecDeque<Vec<Entry>>,
    refused: VecDeque<Error>,
    refusals: u64,
    entries: u64,
    bytes: u64,
    started: Instant,
}

impl Lister {
    async fn next_batch(&mut self) -> Result<Option<Vec<Entry>>> {
        loop {
            if let Some(error) = self.refused.pop_front() {
                return Err(error);
            }
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Some(batch));
            }
            if self.data.is_some() {
                self.receive().await?;
            } else if self.lease.is_some() {
                self.conclude().await?;
            } else {
                return Ok(None);
            }
        }
    }

    /// Takes what the data connection has, up to its end.
    async fn receive(&mut self) -> Result<()> {
        let Some(data) = &mut self.data else { return Ok(()) };
        let mut buffer = BytesMut::with_capacity(64 << 10);
        let read = match timeout(STALLED, data.read_buf(&mut buffer)).await {
            Ok(Ok(read)) => read,
            // Listings have no size to tell a cut one by; many servers leave TLS without a word.
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => 0,
            Ok(Err(error)) => return Err(self.failed(super::control::lost(Operation::List, &error)).await),
            Err(_) => {
                let error =
                    Error::new(ErrorKind::Timeout, Operation::List).with_detail("the listing stalled");
                return Err(self.failed(error).await);
            }
        };
        self.bytes += read as u64;
        let lines = if read == 0 {
            // Some servers hold their last reply back until we have closed as well.
            self.data = None;
            self.parser.take().map(Parser::finish).unwrap_or_default()
        } else {
            self.parser.as_mut().map(|parser| parser.feed(&buffer)).unwrap_or_default()
        };
        for line in lines {
            self.take(line);
        }
        if self.entries > MOST {
            let error =
                Error::new(ErrorKind::Protocol, Operation::List).with_detail("the listing does not end");
            return Err(self.failed(error).await);
        }
        if self.held.len() > if self.zone_known { HELD } else { HELD_FOR_ZONE } {
            self.hold = false;
        }
        if !self.hold && !self.held.is_empty() {
            self.hand_on();
        }
        Ok(())
    }

    fn take(&mut self, line: Line) {
        let entry = match line {
            Line::Ignored => return,
            Line::Refused { line, why } => return self.refuse(&line, why),
            Line::Entry(mut entry) => {
                let log = self.session.log();
                let named = log.names.ours(&entry.name).filter(|n| crate::fs::path::check_name(n).is_ok());
                let Some(name) = named else {
                    let line = entry.name.to_vec();
                    return self.refuse(&line, Refusal::NotUnderstood);
                };
                entry.name = name.into();
                // MLST knows links without saying where they lead.
                entry.target = entry
                    .target
                    .filter(|target| !target.is_empty())
                    .and_then(|target| log.names.ours(&target))
                    .map(Into::into);
                entry
            }
        };
        self.entries += 1;
        self.held.push(entry);
    }

    fn refuse(&mut self, line: &[u8], why: Refusal) {
        self.refusals += 1;
        if self.refusals > REFUSED {
            return;
        }
        let shown = self.session.log().names.text(&line[..line.len().min(300)]);
        let why = match why {
            Refusal::NotUnderstood => "the line is of no known form".to_owned(),
            Refusal::TooLong => "the line is too long".to_owned(),
            Refusal::LineBreak => "the name has a line break in it".to_owned(),
            Refusal::Size => "no file has this size".to_owned(),
            Refusal::Name(error) => error.to_string(),
        };
        let error = Error::new(ErrorKind::InvalidName, Operation::List)
            .with_detail(format!("the server listed {shown:?}: {why}"));
        self.refused.push_back(self.session.error(error, &self.path));
    }

    /// The data has ended: hears whether all of it came, and completes what it said.
    async fn conclude(&mut self) -> Result<()> {
        let Some(mut lease) = self.lease.take() else { return Ok(()) };
        let raw = match self.session.conclusion(&mut lease, Operation::List).await {
            Ok(raw) => raw,
            Err(error) => return Err(self.settled(error).await),
        };
        let is_empty = self.entries == 0 && self.refusals == 0;
        let is_fine = raw.is_completion() || (is_empty && says_empty(&raw));
        if !is_fine {
            return Err(self.session.refusal(Operation::List, &raw, &self.path));
        }
        if self.how == How::ListAll && self.bytes == 0 {
            // A server that knows `-a` shows at least `.`; this one may take it for a name.
            self.again_without_all(lease).await?;
            return Ok(());
        }
        self.complete(&mut lease).await?;
        self.session.prepare_next(&mut lease, Operation::List).await;
        drop(lease);
        self.hand_on();
        if let Some(all) = self.all.take() {
            self.session.known.listed(&self.path, all, self.started);
        }
        if self.refusals > REFUSED {
            let more = self.refusals - REFUSED;
            let error = Error::new(ErrorKind::InvalidName, Operation::List)
                .with_detail(format!("{more} more lines of the listing were not understood"));
            self.refused.push_back(self.session.error(error, &self.path));
        }
        Ok(())
    }

    async fn again_without_all(&mut self, mut lease: Lease) -> Result<()> {
        match begin(&self.session, &mut lease, &self.path, How::List).await {
            Ok(Begun::Stream(data)) => {
                self.how = How::List;
                self.data = Some(data);
                self.lease = Some(lease);
                self.parser = Some(Parser::list(now(), self.session.zone()));
                Ok(())
            }
            Ok(Begun::Refused(raw)) if says_empty(&raw) => Ok(()),
            Ok(Begun::Refused(raw)) => Err(self.session.refusal(Operation::List, &raw, &self.path)),
            Err(error) => Err(self.settled(error).await),
        }
    }

    /// Exact times, the server's zone, and what links lead to.
    async fn complete(&mut self, lease: &mut Lease) -> Result<()> {
        if self.how == How::List && self.entries > 0 && self.bytes > 0 && self.session.features().is_unix {
            self.session.learnt.no_list_all.store(true, std::sync::atomic::Ordering::Relaxed);
        }
        self.time(lease).await?;
        self.follow(lease).await
    }

    /// LIST shows minutes at best, in a zone of its own; MDTM shows seconds, in UTC.
    async fn time(&mut self, lease: &mut Lease) -> Result<()> {
        if !self.session.features().has_mdtm() || self.how == How::Mlsd {
            return Ok(());
        }
        let coarse = |entry: &Entry| entry.kind == Kind::File && entry.mtime_precision > Precision::Second;
        let wanted: Vec<usize> = if self.hold && self.session.features().bears_pipelining() {
            (0..self.held.len()).filter(|at| coarse(&self.held[*at])).collect()
        } else if !self.zone_known {
            let dated = |entry: &&Entry| coarse(entry) && entry.mtime_precision == Precision::Minute;
            self.held.iter().position(|entry| dated(&entry)).into_iter().collect()
        } else {
            Vec::new()
        };
        let started = Instant::now();
        let mut asked = Vec::new();
        let mut commands = Vec::new();
        for at in wanted {
            let path = self.path.join(&self.held[at].name);
            if let Ok(command) = self.session.command(Operation::Stat, "MDTM", &path) {
                asked.push(at);
                commands.push(command);
            }
        }
        if commands.is_empty() {
            return Ok(());
        }
        let replies = self.ask_group(lease, &commands, "MDTM", started).await?;
        let times: Vec<(usize, Option<Timestamp>)> =
            asked.into_iter().zip(replies.iter().map(super::clock::modified)).collect();
        if !self.zone_known {
            let known = times.iter().find_map(|(at, exact)| {
                let entry = &self.held[*at];
                let listed = entry.attributes.mtime.filter(|_| entry.mtime_precision == Precision::Minute)?;
                Some((listed.seconds, (*exact)?.seconds))
            });
            if let Some((listed, exact)) = known {
                let zone = self.session.learn_zone(listed, exact);
                self.zone_known = true;
                for time in self.held.iter_mut().filter_map(|entry| entry.attributes.mtime.as_mut()) {
                    time.seconds -= i64::from(zone);
                }
            }
        }
        for (at, exact) in times {
            if let (Some(exact), Some(entry)) = (exact, self.held.get_mut(at)) {
                entry.attributes.mtime = Some(exact);
                entry.mtime_precision = Precision::Second;
            }
        }
        Ok(())
    }

    /// A directory lets itself be entered.
    async fn follow(&mut self, lease: &mut Lease) -> Result<()> {
        let unknown = |entry: &Entry| entry.kind == Kind::Symlink && entry.target_kind.is_none();
        let links: Vec<usize> =
            (0..self.held.len()).filter(|at| unknown(&self.held[*at])).take(LINKS).collect();
        let started = Instant::now();
        let mut asked = Vec::new();
        let mut commands = Vec::new();
        for at in links {
            let path = self.path.join(&self.held[at].name);
            if let Ok(command) = self.session.command(Operation::Stat, "CWD", &path) {
                asked.push(at);
                commands.push(command);
            }
        }
        if commands.is_empty() {
            return Ok(());
        }
        let replies = self.ask_group(lease, &commands, "CWD", started).await?;
        for (at, raw) in asked.into_iter().zip(&replies) {
            if let Some(entry) = self.held.get_mut(at)
                && raw.is_completion()
            {
                entry.target_kind = Some(Kind::Dir);
            }
        }
        Ok(())
    }

    async fn ask_group(
        &self,
        lease: &mut Lease,
        commands: &[Command],
        verb: &str,
        started: Instant,
    ) -> Result<Vec<RawReply>> {
        let together = self.session.features().bears_pipelining();
        lease.set_quiet(commands.len() > 1);
        let outcome = lease.ask_all(Operation::List, commands, together).await;
        lease.set_quiet(false);
        let replies = match outcome {
            Ok(replies) => replies,
            Err(error) => return Err(self.settled(error).await),
        };
        // That some of them are refused is no failure: the first that is not stands for all.
        let telling = replies.iter().find(|raw| raw.is_completion()).or(replies.last());
        if let (Some(telling), true) = (telling, replies.len() > 1) {
            let reply = self.session.log().reply(telling);
            self.session.log_group(format!("{verb} {} times", replies.len()), &self.path, reply, started);
        }
        Ok(replies)
    }

    fn hand_on(&mut self) {
        let mut held = std::mem::take(&mut self.held);
        match &mut self.all {
            Some(all) if all.len() + held.len() <= 20_000 => all.extend(held.iter().cloned()),
            _ => self.all = None,
        }
        while held.len() > BATCH {
            let rest = held.split_off(BATCH);
            self.ready.push_back(std::mem::replace(&mut held, rest));
        }
        if !held.is_empty() {
            self.ready.push_back(held);
        }
    }

    /// What the server says is worth more than that its data ended.
    async fn failed(&mut self, error: Error) -> Error {
        self.data = None;
        let Some(mut lease) = self.lease.take() else { return self.settled(error).await };
        let said = timeout(Duration::from_secs(2), lease.final_reply(Operation::List, PATIENCE)).await;
        drop(lease);
        match said {
            Ok(Ok(raw)) if !raw.is_completion() => self.session.refusal(Operation::List, &raw, &self.path),
            _ => self.settled(error).await,
        }
    }

    async fn settled(&self, error: Error) -> Error {
        self.session.settle(self.session.error(error, &self.path)).await
    }
}

pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_seconds(since.as_secs() as i64)
}
