//! A small FTP client that waits for each step: enough to see that a server does what it was
//! started for. Shares nothing with wharf's own client.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, StreamOwned, SupportedProtocolVersion,
    crypto::ring, pki_types::ServerName, version,
};

use crate::support::certificates::Identity;

/// No server of a test takes this long to say something.
const PATIENCE: Duration = Duration::from_secs(20);

/// Versions of TLS for [`trusting`].
pub const TLS_1_2: &[&SupportedProtocolVersion] = &[&version::TLS12];
pub const TLS_1_3: &[&SupportedProtocolVersion] = &[&version::TLS13];

/// A configuration that trusts this authority alone.
pub fn trusting(identity: &Identity, versions: &[&'static SupportedProtocolVersion]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(identity.ca_der.clone().into()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Wire {
    fn connect(address: SocketAddr) -> io::Result<TcpStream> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    }

    /// Shakes hands at once, so that what is wrong shows here.
    fn tls(mut stream: TcpStream, config: &Arc<ClientConfig>) -> io::Result<Wire> {
        let name = ServerName::try_from("localhost").unwrap();
        let mut connection = ClientConnection::new(config.clone(), name).map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut stream)?;
        }
        Ok(Wire::Tls(Box::new(StreamOwned::new(connection, stream))))
    }

    fn end(&mut self) -> io::Result<()> {
        match self {
            Wire::Plain(stream) => stream.shutdown(std::net::Shutdown::Write),
            Wire::Tls(stream) => {
                stream.conn.send_close_notify();
                stream.flush()?;
                stream.sock.shutdown(std::net::Shutdown::Write)
            }
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(stream) => stream.read(buffer),
            Wire::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(stream) => stream.write(bytes),
            Wire::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Wire::Plain(stream) => stream.flush(),
            Wire::Tls(stream) => stream.flush(),
        }
    }
}

#[derive(Debug)]
pub struct Reply {
    pub code: u16,
    /// Every line, codes and all.
    pub text: String,
}

impl Reply {
    #[track_caller]
    pub fn is(self, code: u16) -> Reply {
        assert_eq!(self.code, code, "{}", self.text);
        self
    }
}

/// A control connection.
pub struct Client {
    control: BufReader<Wire>,
    tls: Option<Arc<ClientConfig>>,
    protects_data: bool,
}

impl Client {
    /// Connects in the clear; the greeting is the first reply to be read.
    pub fn connect(address: SocketAddr) -> Client {
        let stream = Wire::connect(address).unwrap();
        Client { control: BufReader::new(Wire::Plain(stream)), tls: None, protects_data: false }
    }

    /// Connects with TLS from the first byte.
    pub fn connect_tls(address: SocketAddr, config: &Arc<ClientConfig>) -> io::Result<Client> {
        let control = BufReader::new(Wire::tls(Wire::connect(address)?, config)?);
        Ok(Client { control, tls: Some(config.clone()), protects_data: false })
    }

    /// Changes to TLS, which the server has agreed to.
    pub fn upgrade(self, config: &Arc<ClientConfig>) -> io::Result<Client> {
        assert!(self.control.buffer().is_empty(), "something was said before TLS");
        let Wire::Plain(stream) = self.control.into_inner() else { panic!("already") };
        let control = BufReader::new(Wire::tls(stream, config)?);
        Ok(Client { control, tls: Some(config.clone()), protects_data: false })
    }

    /// `None` at the end of the connection.
    pub fn try_reply(&mut self) -> io::Result<Option<Reply>> {
        let mut text = String::new();
        loop {
            let start = text.len();
            if self.control.read_line(&mut text)? == 0 {
                return Ok(None);
            }
            let line = &text[start..];
            if line.len() > 3 && line.as_bytes()[3] == b' ' && line[..3] == text[..3] {
                return Ok(Some(Reply { code: text[..3].parse().unwrap(), text }));
            }
        }
    }

    pub fn reply(&mut self) -> Reply {
        self.try_reply().unwrap().expect("a reply")
    }

    pub fn send(&mut self, line: &str) {
        let wire = self.control.get_mut();
        wire.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        wire.flush().unwrap();
    }

    pub fn ask(&mut self, line: &str) -> Reply {
        self.send(line);
        self.reply()
    }

    pub fn log_in(&mut self, user: &str, password: &str) {
        self.ask(&format!("USER {user}")).is(331);
        self.ask(&format!("PASS {password}")).is(230);
        self.ask("TYPE I").is(200);
    }

    /// PBSZ and PROT P: RFC 4217 section 9.
    pub fn protect_data(&mut self) {
        self.ask("PBSZ 0").is(200);
        self.ask("PROT P").is(200);
        self.protects_data = true;
    }

    /// Gets what a command sends, and its last reply.
    pub fn get(&mut self, line: &str) -> (Vec<u8>, Reply) {
        let stream = self.passive();
        self.ask(line).is(150);
        let mut data = self.data(stream).unwrap();
        let mut content = Vec::new();
        data.read_to_end(&mut content).unwrap();
        // Where it is left out, some servers report a failure.
        let _ = data.end();
        drop(data);
        (content, self.reply())
    }

    pub fn put(&mut self, line: &str, content: &[u8]) -> Reply {
        let stream = self.passive();
        self.ask(line).is(150);
        let mut data = self.data(stream).unwrap();
        data.write_all(content).unwrap();
        data.end().unwrap();
        // Gone only when the server has taken it all.
        let _ = data.read(&mut [0]);
        drop(data);
        self.reply()
    }

    /// Opens a data connection by EPSV: RFC 2428 section 3.
    pub fn passive(&mut self) -> TcpStream {
        let text = self.ask("EPSV").is(229).text;
        let port = text.split('|').nth(3).and_then(|port| port.parse().ok()).expect("a port");
        Wire::connect((Ipv4Addr::LOCALHOST, port).into()).unwrap()
    }

    fn data(&self, stream: TcpStream) -> io::Result<Wire> {
        match &self.tls {
            Some(config) if self.protects_data => Wire::tls(stream, config),
            _ => Ok(Wire::Plain(stream)),
        }
    }

    /// Lists as [`Client::get`] does, where that may fail.
    pub fn try_list(&mut self) -> io::Result<()> {
        let stream = self.passive();
        self.send("LIST");
        let first = self.reply();
        if first.code >= 400 {
            return Err(io::Error::other(first.text));
        }
        let mut data = self.data(stream)?;
        data.read_to_end(&mut Vec::new())?;
        let _ = data.end();
        drop(data);
        let last = self.reply();
        if last.code == 226 { Ok(()) } else { Err(io::Error::other(last.text)) }
    }

    /// Data connections to come know no session to resume.
    pub fn forget_sessions(&mut self, identity: &Identity, versions: &[&'static SupportedProtocolVersion]) {
        self.tls = Some(trusting(identity, versions));
    }

    /// Whether nothing is said for so long. What is said meanwhile is lost.
    pub fn is_silent_for(&mut self, time: Duration) -> bool {
        let Wire::Plain(stream) = self.control.get_ref() else { panic!("not for TLS") };
        stream.set_read_timeout(Some(time)).unwrap();
        let outcome = self.control.fill_buf().map(<[u8]>::len);
        matches!(outcome, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    pub fn tls_version(&self) -> Option<ProtocolVersion> {
        match self.control.get_ref() {
            Wire::Plain(_) => None,
            Wire::Tls(stream) => stream.conn.protocol_version(),
        }
    }
}
