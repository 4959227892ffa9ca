//! A socket of the scripted server, in the clear or in TLS: lines, bytes, and three ways to end.
//! Knows no command.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    os::fd::AsRawFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use nix::libc;
use tokio_rustls::rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

use super::PATIENCE;
use crate::support::certificates::Identity;

/// What a server with this certificate needs.
pub fn tls(identity: &Identity) -> Arc<ServerConfig> {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.key_der.clone()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_no_client_auth()
        .with_single_cert(vec![identity.cert_der.clone().into()], key)
        .expect("a certificate");
    Arc::new(config)
}

/// Every open socket of a server, so that its end reaches whoever waits on one.
#[derive(Default)]
pub struct Open {
    sockets: Mutex<Sockets>,
}

#[derive(Default)]
struct Sockets {
    next: u64,
    by_number: HashMap<u64, TcpStream>,
    has_ended: bool,
}

impl Open {
    fn sockets(&self) -> MutexGuard<'_, Sockets> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends all of them, and those to come.
    pub fn end(&self) {
        let mut sockets = self.sockets();
        sockets.has_ended = true;
        for socket in sockets.by_number.values() {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    pub fn has_ended(&self) -> bool {
        self.sockets().has_ended
    }
}

/// A socket's place among the open ones, which it leaves with this: a copy that stayed would
/// keep the connection open.
struct Kept {
    open: Arc<Open>,
    number: u64,
}

impl Kept {
    fn new(open: &Arc<Open>, stream: &TcpStream) -> Kept {
        let mut sockets = open.sockets();
        if sockets.has_ended {
            let _ = stream.shutdown(Shutdown::Both);
        }
        let number = sockets.next;
        sockets.next += 1;
        sockets.by_number.insert(number, stream.try_clone().expect("a socket"));
        Kept { open: open.clone(), number }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.open.sockets().by_number.remove(&self.number);
    }
}

/// One connection.
pub struct Wire {
    stream: Stream,
    kept: Option<Kept>,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
    Ended,
}

impl Wire {
    pub fn new(stream: TcpStream, open: &Arc<Open>) -> Wire {
        let _ = stream.set_read_timeout(Some(PATIENCE));
        let _ = stream.set_write_timeout(Some(PATIENCE));
        let kept = Some(Kept::new(open, &stream));
        Wire { stream: Stream::Plain(stream), kept }
    }

    pub fn is_encrypted(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }

    /// Sends bytes as they are. Whether they arrive is for the other end to say.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.try_send(bytes);
    }

    /// The same, for whoever must know that the other end is gone.
    pub fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.write_all(bytes),
            Stream::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
            Stream::Ended => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// What comes up to the end of the stream, and whether that end was in order: in TLS, with a
    /// close_notify.
    pub fn receive(&mut self) -> (Vec<u8>, bool) {
        let mut bytes = Vec::new();
        let outcome = match &mut self.stream {
            Stream::Plain(stream) => stream.read_to_end(&mut bytes),
            Stream::Tls(stream) => stream.read_to_end(&mut bytes),
            Stream::Ended => Err(io::ErrorKind::NotConnected.into()),
        };
        (bytes, outcome.is_ok())
    }

    /// Up to `count` bytes, fewer at the end of the stream.
    pub fn receive_some(&mut self, count: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        let _ = match &mut self.stream {
            Stream::Plain(stream) => stream.take(count).read_to_end(&mut bytes),
            Stream::Tls(stream) => stream.take(count).read_to_end(&mut bytes),
            Stream::Ended => Ok(0),
        };
        bytes
    }

    /// The next line without its end; `None` when there is none. Reads no byte behind it, as TLS
    /// may begin there.
    pub fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        loop {
            let byte = *self.receive_some(1).first()?;
            if byte == b'\n' {
                let line = line.strip_suffix(b"\r").unwrap_or(&line);
                return Some(String::from_utf8_lossy(line).into_owned());
            }
            line.push(byte);
        }
    }

    /// Shakes hands as a server; says whether the client did.
    pub fn encrypt(&mut self, config: &Arc<ServerConfig>) -> bool {
        let Stream::Plain(mut stream) = std::mem::replace(&mut self.stream, Stream::Ended) else {
            panic!("it is encrypted already, or over")
        };
        let mut connection = ServerConnection::new(config.clone()).expect("a TLS connection");
        while connection.is_handshaking() {
            if connection.complete_io(&mut stream).is_err() {
                return false;
            }
        }
        self.stream = Stream::Tls(Box::new(StreamOwned::new(connection, stream)));
        true
    }

    /// Ends the stream as it should be.
    pub fn end(&mut self) {
        if let Stream::Tls(stream) = &mut self.stream {
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
        self.hang_up();
    }

    /// Ends the stream without TLS's own end: to whoever reads, it is cut off.
    pub fn hang_up(&mut self) {
        if let Some(socket) = self.socket() {
            let _ = socket.shutdown(Shutdown::Write);
        }
    }

    /// Ends both ways at once, with a reset.
    pub fn reset(&mut self) {
        if let Some(socket) = self.socket() {
            let linger = libc::linger { l_onoff: 1, l_linger: 0 };
            let size = size_of::<libc::linger>() as libc::socklen_t;
            let value = (&raw const linger).cast();
            // SAFETY: the socket is open, and the value is a linger of that size.
            unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, value, size) };
        }
        self.kept = None;
        self.stream = Stream::Ended;
    }

    /// Whether the other end has not hung up. What it says is left unread.
    pub fn is_open(&self) -> bool {
        let Some(socket) = self.socket() else { return false };
        if socket.set_nonblocking(true).is_err() {
            return false;
        }
        let outcome = socket.peek(&mut [0]);
        let _ = socket.set_nonblocking(false);
        match outcome {
            Ok(count) => count > 0,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
    }

    fn socket(&self) -> Option<&TcpStream> {
        match &self.stream {
            Stream::Plain(stream) => Some(stream),
            Stream::Tls(stream) => Some(&stream.sock),
            Stream::Ended => None,
        }
    }
}
