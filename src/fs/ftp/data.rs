//! Data connections: passive ones go to the control connection's peer and nowhere else, active
//! ones are taken from it alone. Knows ports and addresses; moves no data.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};

use super::{
    control::{Ahead, Command, Control, PATIENCE},
    port::{extended_port, passive_port},
    reply_reader::RawReply,
    stream::Stream,
    tls,
};
use crate::fs::{Error, ErrorKind, Operation, Result};

/// How long a data connection may take to come about, TLS included.
pub const OPENING: Duration = Duration::from_secs(30);

/// How long a reply is waited for once the data connection has failed.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Who opens the data connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DataMode {
    /// Passive, and active where the server refuses that.
    #[default]
    Automatic,
    Passive,
    Active,
}

/// How active connections are offered.
#[derive(Clone, Debug, Default)]
pub struct Active {
    /// First and last port to listen on; any if `None`.
    pub ports: Option<(u16, u16)>,
    /// What the server is told, where it sees us at another address than we do.
    pub external: Option<IpAddr>,
}

/// How data connections come about on one server, and what was learnt of it.
#[derive(Debug, Default)]
pub struct Data {
    mode: DataMode,
    active: Active,
    /// The server has opened ports: one that it does not open is no word against all.
    is_passive: AtomicBool,
    no_epsv: AtomicBool,
    no_passive: AtomicBool,
    no_eprt: AtomicBool,
}

/// A data connection that is being opened.
pub struct Opening {
    task: JoinHandle<io::Result<Stream>>,
}

impl Opening {
    /// Waits for the connection. May be dropped and called again.
    pub async fn opened(&mut self, operation: Operation) -> Result<Stream> {
        match timeout(OPENING, &mut self.task).await {
            Ok(Ok(Ok(stream))) => Ok(stream),
            Ok(Ok(Err(error))) => Err(Error::io(operation, &error)
                .with_kind(ErrorKind::ConnectionLost)
                .with_detail(format!("no data connection: {error}"))),
            Ok(Err(error)) => Err(Error::new(ErrorKind::Failure, operation).with_detail(error.to_string())),
            Err(_) => {
                Err(Error::new(ErrorKind::Timeout, operation).with_detail("no data connection came about"))
            }
        }
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Data {
    pub fn new(mode: DataMode, active: Active) -> Data {
        Data { mode, active, ..Data::default() }
    }

    fn is_active(&self) -> bool {
        match self.mode {
            DataMode::Active => true,
            DataMode::Passive => false,
            DataMode::Automatic => self.no_passive.load(Ordering::Relaxed),
        }
    }

    /// Whether a port may be asked for before it is needed.
    pub fn works_ahead(&self) -> bool {
        !self.is_active() && !self.no_epsv.load(Ordering::Relaxed)
    }

    /// Starts to open the data connection for the command that is sent next.
    pub async fn open(&self, control: &mut Control, operation: Operation) -> Result<Opening> {
        if !self.is_active() {
            match self.passive(control, operation).await {
                Err(error) if error.kind() == ErrorKind::Unsupported && self.mode == DataMode::Automatic => {
                    self.no_passive.store(true, Ordering::Relaxed);
                }
                other => return other,
            }
        }
        self.listen(control, operation).await
    }

    async fn passive(&self, control: &mut Control, operation: Operation) -> Result<Opening> {
        control.settle_ahead(operation).await?;
        let port = match control.take_ahead() {
            Ahead::Port(port) => port,
            _ => self.port(control, operation).await?,
        };
        self.is_passive.store(true, Ordering::Relaxed);
        let address = SocketAddr::new(control.peer().ip(), port);
        let tls = control.data_tls.clone();
        Ok(Opening { task: tokio::spawn(async move { secure(connect(address).await?, tls).await }) })
    }

    async fn port(&self, control: &mut Control, operation: Operation) -> Result<u16> {
        if !self.no_epsv.load(Ordering::Relaxed) {
            let raw = control.ask(operation, Command::new("EPSV")).await?;
            if let Some(port) = extended_port(&raw) {
                return Ok(port);
            }
            self.check_for_good(control, operation, &raw)?;
            // RFC 2428 section 3: 522 names the protocols that it would take instead.
            if !raw.is_unknown_command() && raw.code != 522 && raw.code != 550 {
                return Err(refused(control, operation, &raw));
            }
            self.no_epsv.store(true, Ordering::Relaxed);
        }
        let raw = control.ask(operation, Command::new("PASV")).await?;
        if let Some(port) = passive_port(&raw) {
            return Ok(port);
        }
        self.check_for_good(control, operation, &raw)?;
        let error = refused(control, operation, &raw);
        // Whatever the words, a server that was asked for a port and has none for good is not passive.
        Err(if raw.code >= 500 { error.with_kind(ErrorKind::Unsupported) } else { error })
    }

    /// A server that has opened ports and opens this one not is out of them: vsftpd says 500 then,
    /// and ends. That passes, and must not look like a server that is never passive.
    fn check_for_good(&self, control: &mut Control, operation: Operation, raw: &RawReply) -> Result<()> {
        if !self.is_passive.load(Ordering::Relaxed) || raw.code < 500 {
            return Ok(());
        }
        control.give_up();
        Err(refused(control, operation, raw).with_kind(ErrorKind::ConnectionLost))
    }

    /// Listens, tells the server where, and takes its connection.
    async fn listen(&self, control: &mut Control, operation: Operation) -> Result<Opening> {
        control.settle_ahead(operation).await?;
        let local = control.local().map_err(|e| super::control::lost(operation, &e))?.ip().to_canonical();
        let listener = bind(local, self.active.ports).await.map_err(|e| {
            Error::io(operation, &e).with_detail(format!("no port to listen on for the server: {e}"))
        })?;
        let port = listener.local_addr().map_err(|e| Error::io(operation, &e))?.port();
        let told = self.active.external.unwrap_or(local);
        let mut raw = None;
        if !self.no_eprt.load(Ordering::Relaxed) {
            let family = if told.is_ipv4() { 1 } else { 2 };
            let reply =
                control.ask(operation, Command::new(format!("EPRT |{family}|{told}|{port}|"))).await?;
            if reply.is_unknown_command() || reply.code == 522 {
                self.no_eprt.store(true, Ordering::Relaxed);
            }
            raw = Some(reply);
        }
        if !raw.as_ref().is_some_and(RawReply::is_completion)
            && let IpAddr::V4(v4) = told
        {
            let [a, b, c, d] = v4.octets();
            let (high, low) = (port >> 8, port & 0xff);
            let reply =
                control.ask(operation, Command::new(format!("PORT {a},{b},{c},{d},{high},{low}"))).await?;
            raw = Some(reply);
        }
        match raw {
            Some(raw) if raw.is_completion() => {}
            Some(raw) => return Err(refused(control, operation, &raw)),
            None => return Err(Error::new(ErrorKind::Unsupported, operation)),
        }
        let peer = control.peer().ip().to_canonical();
        let tls = control.data_tls.clone();
        Ok(Opening {
            task: tokio::spawn(async move {
                loop {
                    let (tcp, from) = listener.accept().await?;
                    // Whoever else finds the port is not the server.
                    if from.ip().to_canonical() == peer {
                        drop(listener);
                        tcp.set_nodelay(true)?;
                        return secure(tcp, tls).await;
                    }
                }
            }),
        })
    }
}

async fn bind(address: IpAddr, ports: Option<(u16, u16)>) -> io::Result<TcpListener> {
    let Some((first, last)) = ports else { return TcpListener::bind((address, 0)).await };
    let mut outcome = Err(io::Error::from(io::ErrorKind::AddrInUse));
    // Beginning anywhere, so that connections at the same time seldom try the same port.
    let count = u32::from(last.saturating_sub(first)) + 1;
    let start = rand::random_range(0..count);
    for step in 0..count {
        let port = first + ((start + step) % count) as u16;
        outcome = TcpListener::bind((address, port)).await;
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let tcp = TcpStream::connect(address).await?;
    tcp.set_nodelay(true)?;
    Ok(tcp)
}

async fn secure(tcp: TcpStream, tls: Option<tls::Session>) -> io::Result<Stream> {
    match tls {
        Some(session) => session.handshake(tcp).await,
        None => Ok(Stream::Plain(tcp)),
    }
}

fn refused(control: &Control, operation: Operation, raw: &RawReply) -> Error {
    if raw.is_completion() {
        return Error::new(ErrorKind::Protocol, operation)
            .with_reply(control.log().reply(raw))
            .with_detail("the server named no port");
    }
    Error::ftp(operation, control.log().reply(raw))
}

/// What became of a command that moves data.
pub enum Started {
    Stream(Stream),
    /// Its last reply, though nothing has moved.
    Refused(RawReply),
}

/// Waits until the command is under way: the data connection stands and a preliminary reply has
/// come, or the server has refused.
pub async fn started(control: &mut Control, opening: &mut Opening, operation: Operation) -> Result<Started> {
    let mut stream = None;
    let mut failed = None;
    let raw = {
        let mut reply = std::pin::pin!(control.reply(operation, PATIENCE));
        loop {
            let settled = stream.is_some() || failed.is_some();
            tokio::select! {
                biased;
                raw = &mut reply => break raw?,
                opened = opening.opened(operation), if !settled => match opened {
                    Ok(opened) => stream = Some(opened),
                    Err(error) => failed = Some(error),
                },
                // A server that refuses closes its port as well, and says why a moment later.
                () = tokio::time::sleep(LAST_WORDS), if failed.is_some() => return Err(failed.take().unwrap_or_else(|| Error::new(ErrorKind::ConnectionLost, operation))),
            }
        }
    };
    if !raw.is_preliminary() {
        return Ok(Started::Refused(raw));
    }
    match (stream, failed) {
        (Some(stream), _) => Ok(Started::Stream(stream)),
        (None, Some(error)) => Err(error),
        (None, None) => opening.opened(operation).await.map(Started::Stream),
    }
}
