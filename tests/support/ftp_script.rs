//! A scripted FTP server: it says what no honest one would, at the byte. A test overrides the
//! commands that matter to it, or plays the whole conversation; the rest is answered by
//! [`honest`]. Owns its sockets and threads; knows nothing of wharf.
//!
//! ```ignore
//! let server = Script::new()
//!     .file("a", b"content")
//!     .on("SIZE", |control, _| control.reply("213 99999999999"))
//!     .start();
//! ```
//!
//! What a script expects and does not get fails the test when the server is dropped.

pub mod honest;
mod wire;

use std::{
    any::Any,
    collections::{BTreeMap, HashMap},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tokio_rustls::rustls::ServerConfig;

use super::certificates::Identity;
use wire::Open;
pub use wire::Wire;

/// Nobody who keeps to the script takes this long.
const PATIENCE: Duration = Duration::from_secs(20);

type Play = Box<dyn Fn(usize, &mut Control) + Send + Sync>;
type Answer = Box<dyn Fn(&mut Control, &str) + Send + Sync>;

/// What a server is to say.
pub struct Script {
    greeting: Vec<u8>,
    answers: HashMap<String, Answer>,
    play: Option<Play>,
    tls: Option<Arc<ServerConfig>>,
    is_implicit: bool,
    files: BTreeMap<String, Vec<u8>>,
}

impl Default for Script {
    fn default() -> Script {
        Script::new()
    }
}

impl Script {
    /// An honest server without files that lets everybody in.
    pub fn new() -> Script {
        Script {
            greeting: b"220 ready\r\n".to_vec(),
            answers: HashMap::new(),
            play: None,
            tls: None,
            is_implicit: false,
            files: BTreeMap::new(),
        }
    }

    /// What is said first, as it is: lines need their ends.
    pub fn greeting(mut self, raw: impl AsRef<[u8]>) -> Script {
        self.greeting = raw.as_ref().to_vec();
        self
    }

    /// A file in the one directory that there is.
    pub fn file(mut self, name: &str, content: impl AsRef<[u8]>) -> Script {
        self.files.insert(name.to_owned(), content.as_ref().to_vec());
        self
    }

    /// How a command is answered, in place of the honest way. Gets the command's argument.
    pub fn on(
        mut self,
        command: &str,
        answer: impl Fn(&mut Control, &str) + Send + Sync + 'static,
    ) -> Script {
        self.answers.insert(command.to_owned(), Box::new(answer));
        self
    }

    /// Plays whole conversations, from before the greeting. Gets the connection's number, from 0.
    pub fn play(mut self, play: impl Fn(usize, &mut Control) + Send + Sync + 'static) -> Script {
        self.play = Some(Box::new(play));
        self
    }

    /// AUTH TLS works, with this certificate.
    pub fn tls(mut self, identity: &Identity) -> Script {
        self.tls = Some(wire::tls(identity));
        self
    }

    /// TLS from the first byte, with this certificate.
    pub fn implicit_tls(mut self, identity: &Identity) -> Script {
        self.is_implicit = true;
        self.tls(identity)
    }

    /// Listens on a free port of 127.0.0.1.
    pub fn start(mut self) -> Scripted {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let files = Mutex::new(std::mem::take(&mut self.files));
        let shared = Arc::new(Shared {
            script: self,
            files,
            open: Arc::default(),
            heard: Mutex::default(),
            failures: Mutex::default(),
        });
        let acceptor = thread::spawn({
            let shared = shared.clone();
            move || accept(&listener, &shared)
        });
        Scripted { address, shared, acceptor: Some(acceptor) }
    }
}

/// A line that a client has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// From 0, in the order of accepting.
    pub connection: usize,
    pub is_encrypted: bool,
    pub line: String,
}

struct Shared {
    script: Script,
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    open: Arc<Open>,
    heard: Mutex<Vec<Heard>>,
    failures: Mutex<Vec<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running scripted server; it ends with this, and fails the test where the script was not
/// kept to.
pub struct Scripted {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl Scripted {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What was said so far, on all connections.
    pub fn heard(&self) -> Vec<Heard> {
        lock(&self.shared.heard).clone()
    }

    /// The same, lines alone.
    pub fn lines(&self) -> Vec<String> {
        self.heard().into_iter().map(|heard| heard.line).collect()
    }

    /// What a file holds now, if it is there.
    pub fn content(&self, name: &str) -> Option<Vec<u8>> {
        lock(&self.shared.files).get(name).cloned()
    }

    /// What the script expected in vain, so far.
    pub fn failures(&self) -> Vec<String> {
        lock(&self.shared.failures).clone()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.shared.open.end();
        // Wakes the one who accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        if !thread::panicking() {
            let failures = self.failures();
            assert!(failures.is_empty(), "the script was not kept to: {failures:#?}");
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut conversations = Vec::new();
    for (number, stream) in listener.incoming().flatten().enumerate() {
        if shared.open.has_ended() {
            break;
        }
        let shared = shared.clone();
        conversations.push(thread::spawn(move || converse(number, stream, &shared)));
    }
    for conversation in conversations {
        let _ = conversation.join();
    }
}

fn converse(number: usize, stream: TcpStream, shared: &Arc<Shared>) {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut control = Control::new(number, stream, shared.clone());
        if shared.script.is_implicit && !control.try_encrypt() {
            return;
        }
        match &shared.script.play {
            Some(play) => play(number, &mut control),
            None => control.serve(),
        }
    }));
    if let Err(panic) = outcome
        && !shared.open.has_ended()
    {
        lock(&shared.failures).push(format!("connection {number}: {}", words_of(&*panic)));
    }
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

/// Where the next data connection comes from.
enum DataFrom {
    Nowhere,
    /// Passive: the client connects.
    Listener(TcpListener),
    /// Active: the client waits.
    Client(SocketAddr),
}

/// One control connection, from the server's end.
pub struct Control {
    number: usize,
    wire: Wire,
    shared: Arc<Shared>,
    data_from: DataFrom,
    /// PROT P has been said.
    protects_data: bool,
    state: honest::State,
}

impl Control {
    fn new(number: usize, stream: TcpStream, shared: Arc<Shared>) -> Control {
        let wire = Wire::new(stream, &shared.open);
        let (data_from, state) = (DataFrom::Nowhere, honest::State::default());
        Control { number, wire, shared, data_from, protects_data: false, state }
    }

    /// The connection's number, from 0.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Sends bytes as they are. A client that is gone is not this end's failure.
    pub fn say(&mut self, raw: impl AsRef<[u8]>) {
        self.wire.send(raw.as_ref());
    }

    /// Sends a line, or several with line ends between them.
    pub fn reply(&mut self, text: &str) {
        self.say(format!("{text}\r\n"));
    }

    /// The next command, without its line end; `None` when the client has hung up.
    pub fn next(&mut self) -> Option<String> {
        let line = self.wire.line()?;
        let is_encrypted = self.wire.is_encrypted();
        lock(&self.shared.heard).push(Heard { connection: self.number, is_encrypted, line: line.clone() });
        Some(line)
    }

    /// The next command's argument, which must be that command.
    #[track_caller]
    pub fn expect(&mut self, command: &str) -> String {
        let Some(line) = self.next() else { panic!("the client hung up where {command} was expected") };
        let (verb, argument) = split(&line);
        assert_eq!(verb, command, "in {line:?}");
        argument.to_owned()
    }

    /// Expects a command and replies to it.
    #[track_caller]
    pub fn exchange(&mut self, command: &str, reply: &str) {
        self.expect(command);
        self.reply(reply);
    }

    /// Greets, and answers every command until the client hangs up or says QUIT.
    pub fn serve(&mut self) {
        let greeting = self.shared.script.greeting.clone();
        self.say(greeting);
        self.go_on();
    }

    /// Answers every further command until the client hangs up or says QUIT.
    pub fn go_on(&mut self) {
        while let Some(line) = self.next() {
            self.answer(&line);
            if split(&line).0 == "QUIT" {
                return;
            }
        }
    }

    /// Answers one command: by the script, or else honestly.
    pub fn answer(&mut self, line: &str) {
        let (verb, argument) = split(line);
        let shared = self.shared.clone();
        match shared.script.answers.get(&verb) {
            Some(answer) => answer(self, argument),
            None => honest::answer(self, &verb, argument),
        }
    }

    /// Answers one command honestly, whatever the script has for it.
    pub fn answer_honestly(&mut self, command: &str, argument: &str) {
        honest::answer(self, command, argument);
    }

    /// Changes to TLS, with the certificate of the script. What was said before stays said: that
    /// is how something is slipped in.
    #[track_caller]
    pub fn encrypt(&mut self) {
        assert!(self.try_encrypt(), "the client did not shake hands");
    }

    /// The same, where the client may refuse the certificate.
    pub fn try_encrypt(&mut self) -> bool {
        let config = self.shared.script.tls.clone().expect("a certificate, from Script::tls");
        self.wire.encrypt(&config)
    }

    /// Opens a port for a data connection, and says nothing of it.
    pub fn listen(&mut self) -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        self.data_from = DataFrom::Listener(listener);
        port
    }

    /// The data connection that EPSV, PASV, EPRT or PORT has arranged, in TLS where PROT P asked
    /// for that. `None` where none comes about.
    pub fn data(&mut self) -> Option<Wire> {
        let mut wire = self.bare_data()?;
        if self.protects_data {
            let config = self.shared.script.tls.clone().expect("a certificate, from Script::tls");
            if !wire.encrypt(&config) {
                return None;
            }
        }
        Some(wire)
    }

    /// The same, never in TLS.
    pub fn bare_data(&mut self) -> Option<Wire> {
        let stream = match std::mem::replace(&mut self.data_from, DataFrom::Nowhere) {
            DataFrom::Nowhere => return None,
            DataFrom::Client(address) => TcpStream::connect_timeout(&address, PATIENCE).ok()?,
            DataFrom::Listener(listener) => self.accept_data(&listener)?,
        };
        Some(Wire::new(stream, &self.shared.open))
    }

    fn accept_data(&self, listener: &TcpListener) -> Option<TcpStream> {
        listener.set_nonblocking(true).expect("a listener");
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline && !self.shared.open.has_ended() {
            if let Ok((stream, _)) = listener.accept() {
                stream.set_nonblocking(false).expect("a socket");
                return Some(stream);
            }
            thread::sleep(Duration::from_millis(1));
        }
        None
    }

    /// Says and hears nothing until the client hangs up or the test ends.
    pub fn stall(&mut self) {
        while !self.shared.open.has_ended() && self.wire.is_open() {
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Ends the connection without a word: with an end of the stream.
    pub fn hang_up(&mut self) {
        self.wire.hang_up();
    }

    /// Ends the connection as a crash or a firewall does: with a reset.
    pub fn reset(&mut self) {
        self.wire.reset();
    }
}

/// The command in capitals, and its argument.
fn split(line: &str) -> (String, &str) {
    let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
    (verb.to_ascii_uppercase(), argument)
}
