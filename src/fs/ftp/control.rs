//! One control connection: commands out, replies in, in step. Logs each reply. A time-out, a
//! cancelled exchange, a 421 or a fault of TLS leaves it of no further use. Knows no pool.

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::{
    names::Names,
    reply_reader::{RawReply, ReplyReader},
    stream::Stream,
    tls,
};
use crate::{
    fs::{Error, ErrorKind, FsId, LogLine, Observer, Operation, RemotePath, Result},
    reply::Reply,
};

/// How long a reply may take that needs no data to move.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How long the reply behind a transfer may take: a server may still be writing or checking.
pub const LONG_PATIENCE: Duration = Duration::from_secs(180);

/// Replies of class 1yz that one command may have.
const MOST_PRELIMINARY: usize = 64;

/// Replies that may be awaited at the same time: enough to fill a round trip, few enough that
/// neither side's buffers fill up and stall both.
pub const MOST_AHEAD: usize = 64;

/// One line to the server.
#[derive(Clone, Debug)]
pub struct Command {
    line: Vec<u8>,
    /// What the log shows of it.
    shown: String,
    path: Option<RemotePath>,
    port: bool,
}

impl Command {
    pub fn new(text: impl Into<String>) -> Command {
        let shown = text.into();
        Command { line: shown.clone().into_bytes(), shown, path: None, port: false }
    }

    /// `verb` with a path behind it, as [`Names::wire`] gives it.
    pub fn at(verb: &str, wire: &[u8], path: &RemotePath) -> Command {
        let line = [verb.as_bytes(), b" ", wire].concat();
        Command { line, shown: verb.to_owned(), path: Some(path.clone()), port: false }
    }

    /// What follows `verb` is shown nowhere.
    pub fn secret(verb: &str, secret: &str) -> Command {
        Command {
            line: format!("{verb} {secret}").into_bytes(),
            shown: format!("{verb} ***"),
            path: None,
            port: false,
        }
    }

    /// EPSV, whose answer is kept until a data connection is needed.
    fn port_ahead() -> Command {
        Command { port: true, ..Command::new("EPSV") }
    }
}

/// Who hears of replies, and in whose name.
#[derive(Clone)]
pub struct Log {
    pub fs: FsId,
    pub observer: Arc<dyn Observer>,
    pub names: Names,
}

impl Log {
    pub fn reply(&self, raw: &RawReply) -> Reply {
        let lines: Vec<String> = raw.lines.iter().map(|line| self.names.text(line)).collect();
        Reply::ftp(u32::from(raw.code), lines.join("\n").trim().to_owned())
    }

    pub fn line(&self, request: String, path: Option<RemotePath>, reply: Reply, elapsed: Duration) {
        self.observer.reply(LogLine { fs: self.fs.clone(), request, path, reply, elapsed });
    }
}

/// A command whose last reply has not come.
struct Awaited {
    shown: String,
    path: Option<RemotePath>,
    port: bool,
    sent: Instant,
    preliminary: usize,
}

/// A passive port that was asked for before anybody needed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ahead {
    No,
    Asked,
    Port(u16),
}

pub struct Control {
    stream: Stream,
    reader: ReplyReader,
    awaited: VecDeque<Awaited>,
    ahead: Ahead,
    /// Set while anything is under way that must not be left half done.
    broken: bool,
    log: Log,
    peer: SocketAddr,
    /// When the bytes that were read last have come; `None` where they may have been here for long.
    arrived: Option<Instant>,
    /// Data connections go under TLS too, and resume this connection's session.
    pub data_tls: Option<tls::Session>,
    /// Replies of a group are not logged one by one.
    quiet: bool,
    /// When it was last of use.
    pub used: Instant,
    /// When it last answered.
    pub checked: Instant,
    /// How long the quickest of its answers took: about a round trip.
    pub quickest: Duration,
    /// Nothing was asked of it since it logged in.
    pub fresh: bool,
}

impl Control {
    pub fn new(stream: Stream, log: Log) -> io::Result<Control> {
        let peer = stream.peer()?;
        Ok(Control {
            stream,
            reader: ReplyReader::default(),
            awaited: VecDeque::new(),
            ahead: Ahead::No,
            broken: false,
            log,
            peer,
            arrived: None,
            data_tls: None,
            quiet: false,
            used: Instant::now(),
            checked: Instant::now(),
            quickest: Duration::MAX,
            fresh: true,
        })
    }

    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    pub fn local(&self) -> io::Result<SocketAddr> {
        self.stream.tcp().local_addr()
    }

    pub fn log(&self) -> &Log {
        &self.log
    }

    pub fn is_tls(&self) -> bool {
        self.stream.is_tls()
    }

    /// `TLS 1.2`; `None` in the clear.
    pub fn tls_version(&self) -> Option<&'static str> {
        self.stream.tls_version()
    }

    /// Keeps the replies that come out of the log, while many of a kind are asked for.
    pub fn set_quiet(&mut self, quiet: bool) {
        self.quiet = quiet;
    }

    /// The port that was asked for ahead of its use. Taken: it serves once.
    pub fn take_ahead(&mut self) -> Ahead {
        std::mem::replace(&mut self.ahead, Ahead::No)
    }

    /// Whether no port is known or asked for yet, and nothing else is awaited.
    pub fn may_ask_ahead(&self) -> bool {
        !self.broken && self.ahead == Ahead::No && self.awaited.is_empty()
    }

    /// Whether every command has had its reply but one for a port, so that the next may use it.
    pub fn is_in_step(&self) -> bool {
        !self.broken && self.awaited.iter().all(|awaited| awaited.port)
    }

    /// Whether the server has closed it, or said something unasked: a 421, mostly.
    pub fn seems_gone(&self) -> bool {
        self.broken || (self.awaited.is_empty() && (self.reader.holds_something() || self.stream.has_news()))
    }

    /// Says that what was sent must not be gone on with: the connection is of no further use.
    pub fn give_up(&mut self) {
        self.broken = true;
    }

    /// Gives the stream up for TLS. Fails where the server has said anything behind its last
    /// reply: whoever sits in between could have put it there (RFC 4217 has no word against it;
    /// what was read in the clear must not count as said under TLS).
    pub fn into_plain(self) -> Result<(tokio::net::TcpStream, Log)> {
        if self.reader.holds_something() || !self.awaited.is_empty() {
            return Err(Error::new(ErrorKind::Protocol, Operation::Connect)
                .with_detail("the server sent something in the clear behind its reply to AUTH TLS"));
        }
        match self.stream {
            Stream::Plain(tcp) => Ok((tcp, self.log)),
            Stream::Tls(_) => Err(Error::new(ErrorKind::Protocol, Operation::Connect)),
        }
    }

    /// Sends all of `commands` in one write.
    pub async fn send(&mut self, operation: Operation, commands: &[Command]) -> Result<()> {
        if self.broken {
            return Err(Error::new(ErrorKind::ConnectionLost, operation));
        }
        let mut bytes = Vec::new();
        for command in commands {
            if command.line.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
                return Err(Error::new(ErrorKind::InvalidName, operation)
                    .with_detail("FTP cannot carry a line break in a command"));
            }
            bytes.extend_from_slice(&command.line);
            bytes.extend_from_slice(b"\r\n");
        }
        self.broken = true;
        self.fresh = false;
        let stream = &mut self.stream;
        let sending = async {
            stream.write_all(&bytes).await?;
            stream.flush().await
        };
        match timeout(PATIENCE, sending).await {
            Ok(Ok(())) => self.broken = false,
            // What the server said before it went may still be there to be read: 421, why.
            Ok(Err(error)) => {
                let why = self.last_words(operation).await;
                return Err(why.unwrap_or_else(|| lost(operation, &error)));
            }
            Err(_) => return Err(Error::new(ErrorKind::Timeout, operation)),
        }
        let sent = Instant::now();
        for command in commands {
            let Command { shown, path, port, .. } = command;
            self.awaited.push_back(Awaited {
                shown: shown.clone(),
                path: path.clone(),
                port: *port,
                sent,
                preliminary: 0,
            });
            if *port {
                self.ahead = Ahead::Asked;
            }
        }
        Ok(())
    }

    /// Asks for a passive port now, for a data connection that may be needed later.
    pub async fn send_port_ahead(&mut self, operation: Operation, commands: &[Command]) -> Result<()> {
        let mut all = commands.to_vec();
        all.push(Command::port_ahead());
        self.send(operation, &all).await
    }

    /// The next reply, a preliminary one included; answers to ports asked ahead are kept aside.
    pub async fn reply(&mut self, operation: Operation, patience: Duration) -> Result<RawReply> {
        loop {
            let raw = self.read(operation, patience).await?;
            let Some(front) = self.awaited.front_mut() else {
                self.broken = true;
                self.log.line("(nothing)".to_owned(), None, self.log.reply(&raw), Duration::ZERO);
                let kind = if raw.code == 421 { ErrorKind::ConnectionLost } else { ErrorKind::Protocol };
                return Err(Error::new(kind, operation).with_reply(self.log.reply(&raw)));
            };
            // A port is asked for ahead, and its answer read when it is needed.
            let elapsed = match front.port {
                true => took(front, self.arrived, self.checked),
                false => front.sent.elapsed(),
            };
            if !elapsed.is_zero() {
                self.quickest = self.quickest.min(elapsed);
            }
            if !self.quiet {
                let (shown, path) = (front.shown.clone(), front.path.clone());
                self.log.line(shown, path, self.log.reply(&raw), elapsed);
            }
            if raw.code == 421 {
                self.broken = true;
                return Err(Error::new(ErrorKind::ConnectionLost, operation).with_reply(self.log.reply(&raw)));
            }
            if raw.is_preliminary() {
                front.preliminary += 1;
                if front.preliminary > MOST_PRELIMINARY {
                    self.broken = true;
                    return Err(Error::new(ErrorKind::Protocol, operation)
                        .with_detail("the server goes on with preliminary replies"));
                }
                return Ok(raw);
            }
            let done = self.awaited.pop_front();
            self.used = Instant::now();
            self.checked = self.used;
            if done.is_some_and(|awaited| awaited.port) {
                self.ahead = super::port::extended_port(&raw).map_or(Ahead::No, Ahead::Port);
                continue;
            }
            return Ok(raw);
        }
    }

    /// Reads the answer to a port that was asked for ahead, and nothing else.
    pub async fn settle_ahead(&mut self, operation: Operation) -> Result<()> {
        while self.ahead == Ahead::Asked {
            let raw = self.read(operation, PATIENCE).await?;
            let Some(front) = self.awaited.pop_front().filter(|front| front.port) else {
                self.broken = true;
                return Err(Error::new(ErrorKind::Protocol, operation));
            };
            let elapsed = took(&front, self.arrived, self.checked);
            self.log.line(front.shown, front.path, self.log.reply(&raw), elapsed);
            if raw.code == 421 {
                self.broken = true;
                return Err(Error::new(ErrorKind::ConnectionLost, operation).with_reply(self.log.reply(&raw)));
            }
            self.ahead = super::port::extended_port(&raw).map_or(Ahead::No, Ahead::Port);
        }
        Ok(())
    }

    /// The reply that ends a command; preliminary ones before it are passed over.
    pub async fn final_reply(&mut self, operation: Operation, patience: Duration) -> Result<RawReply> {
        loop {
            let raw = self.reply(operation, patience).await?;
            if !raw.is_preliminary() {
                return Ok(raw);
            }
        }
    }

    /// One command and the reply that ends it.
    pub async fn ask(&mut self, operation: Operation, command: Command) -> Result<RawReply> {
        self.send(operation, &[command]).await?;
        self.final_reply(operation, PATIENCE).await
    }

    /// Several commands and the reply to each: in one write where the server bears that.
    pub async fn ask_all(
        &mut self,
        operation: Operation,
        commands: &[Command],
        together: bool,
    ) -> Result<Vec<RawReply>> {
        let mut replies = Vec::with_capacity(commands.len());
        for group in commands.chunks(if together { MOST_AHEAD } else { 1 }) {
            self.send(operation, group).await?;
            for _ in group {
                replies.push(self.final_reply(operation, PATIENCE).await?);
            }
        }
        Ok(replies)
    }

    /// The greeting, which answers nothing.
    pub async fn greeting(&mut self) -> Result<RawReply> {
        self.awaited.push_back(Awaited {
            shown: "(greeting)".to_owned(),
            path: None,
            port: false,
            sent: Instant::now(),
            preliminary: 0,
        });
        self.final_reply(Operation::Connect, PATIENCE).await
    }

    /// NOOP, which is no use of it.
    pub async fn keep_alive(&mut self) -> Result<()> {
        let (used, fresh) = (self.used, self.fresh);
        self.ask(Operation::Connect, Command::new("NOOP")).await?;
        (self.used, self.fresh) = (used, fresh);
        Ok(())
    }

    /// QUIT, without waiting for long.
    pub async fn quit(mut self) {
        let _ = timeout(Duration::from_millis(500), self.ask(Operation::Connect, Command::new("QUIT"))).await;
        let _ = timeout(Duration::from_millis(200), self.stream.shutdown()).await;
    }

    async fn read(&mut self, operation: Operation, patience: Duration) -> Result<RawReply> {
        match self.reader.take() {
            Ok(Some(reply)) => return Ok(reply),
            Ok(None) => {}
            Err(error) => return Err(self.malformed(operation, error)),
        }
        let deadline = tokio::time::Instant::now() + patience;
        let mut buffer = vec![0; 4096];
        loop {
            let mut reading = std::pin::pin!(self.stream.read(&mut buffer));
            let read = match futures::poll!(reading.as_mut()) {
                Poll::Ready(read) => {
                    self.arrived = None;
                    Ok(read)
                }
                Poll::Pending => {
                    let read = tokio::time::timeout_at(deadline, reading).await;
                    self.arrived = Some(Instant::now());
                    read
                }
            };
            let read = match read {
                Ok(Ok(0)) => {
                    self.broken = true;
                    return Err(Error::new(ErrorKind::ConnectionLost, operation)
                        .with_detail("the server closed the control connection"));
                }
                Ok(Ok(read)) => read,
                Ok(Err(error)) => {
                    self.broken = true;
                    return Err(lost(operation, &error));
                }
                Err(_) => {
                    self.broken = true;
                    return Err(Error::new(ErrorKind::Timeout, operation)
                        .with_detail(format!("no reply within {} seconds", patience.as_secs())));
                }
            };
            self.reader.feed(&buffer[..read]);
            match self.reader.take() {
                Ok(Some(reply)) => return Ok(reply),
                Ok(None) => {}
                Err(error) => return Err(self.malformed(operation, error)),
            }
        }
    }

    fn malformed(&mut self, operation: Operation, error: super::reply_reader::Malformed) -> Error {
        self.broken = true;
        Error::new(ErrorKind::Protocol, operation).with_detail(error.to_string())
    }

    /// What the server had said when it turned out that it no longer listens.
    async fn last_words(&mut self, operation: Operation) -> Option<Error> {
        let raw = self.read(operation, Duration::from_millis(200)).await.ok()?;
        let reply = self.log.reply(&raw);
        self.log.line("(nothing)".to_owned(), None, reply.clone(), Duration::ZERO);
        Some(Error::new(ErrorKind::ConnectionLost, operation).with_reply(reply))
    }
}

/// How long an answer took that has come then; zero where that is not known. Until the last reply
/// `before` it, a server was busy with something else.
fn took(awaited: &Awaited, arrived: Option<Instant>, before: Instant) -> Duration {
    let begun = awaited.sent.max(before);
    arrived.map_or(Duration::ZERO, |at| at.saturating_duration_since(begun))
}

/// Whatever becomes of a socket that was there, the connection is lost.
pub fn lost(operation: Operation, error: &io::Error) -> Error {
    Error::io(operation, error).with_kind(ErrorKind::ConnectionLost)
}
