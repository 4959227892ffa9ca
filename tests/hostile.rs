//! Servers that break the protocol or lie: a scripted SFTP server says what no honest one would,
//! and nothing may be written where it should not, hang, or panic.

#[path = "hostile/statuses.rs"]
mod statuses;

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::StreamExt;
use russh::{
    Channel, ChannelId,
    keys::{
        PrivateKey,
        ssh_key::private::{Ed25519Keypair, KeypairData},
    },
    server::{self, Auth, ChannelOpenHandle, Msg, Session},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use wharf::{
    engine::{Command, Engine, Event, JobId, Options, What},
    fs::{
        self, Context, Error, ErrorKind, FileSystem, FsId, FtpOptions, Location, LogLine, Observer,
        Operation, Place, PlacePath, ReadOptions, RemotePath, SshOptions, Stage, Target, WriteOptions,
        local::Local,
    },
    transfer::{Landing, OnConflict, Policy, Request},
    trust::Never,
    words,
};

/// Long enough for any machine; only a hang takes this long.
const PATIENCE: Duration = Duration::from_secs(30);

const DIR: u32 = 0o040_755;
const FILE: u32 = 0o100_644;
const LINK: u32 = 0o120_777;

/// A request as it came: its type, id and the rest.
struct Asked<'a> {
    kind: u8,
    id: u32,
    body: &'a [u8],
}

impl Asked<'_> {
    /// The first string: a path or a handle.
    fn subject(&self) -> Vec<u8> {
        let length = u32::from_be_bytes(self.body[..4].try_into().unwrap()) as usize;
        self.body[4..4 + length].to_vec()
    }

    fn packet(&self, kind: u8, rest: &[u8]) -> Vec<u8> {
        let mut out = ((rest.len() + 5) as u32).to_be_bytes().to_vec();
        out.push(kind);
        out.extend(self.id.to_be_bytes());
        out.extend(rest);
        out
    }

    fn status(&self, code: u32, text: &str) -> Vec<u8> {
        let mut rest = code.to_be_bytes().to_vec();
        rest.extend(string(text.as_bytes()));
        rest.extend(string(b""));
        self.packet(101, &rest)
    }

    fn attributes(&self, mode: u32, size: u64) -> Vec<u8> {
        self.packet(105, &attributes(mode, size))
    }

    fn handle(&self, handle: &[u8]) -> Vec<u8> {
        self.packet(102, &string(handle))
    }

    fn data(&self, data: &[u8]) -> Vec<u8> {
        self.packet(103, &string(data))
    }

    fn names(&self, names: &[(&[u8], u32, u64)]) -> Vec<u8> {
        let mut rest = (names.len() as u32).to_be_bytes().to_vec();
        for (name, mode, size) in names {
            rest.extend(string(name));
            rest.extend(string(b""));
            rest.extend(attributes(*mode, *size));
        }
        self.packet(104, &rest)
    }
}

fn string(bytes: &[u8]) -> Vec<u8> {
    let mut out = (bytes.len() as u32).to_be_bytes().to_vec();
    out.extend(bytes);
    out
}

fn attributes(mode: u32, size: u64) -> Vec<u8> {
    let mut out = 5u32.to_be_bytes().to_vec();
    out.extend(size.to_be_bytes());
    out.extend(mode.to_be_bytes());
    out
}

/// What the server says to a request; `None` leaves it to [`honest`].
type Script = Arc<dyn Fn(&Asked<'_>) -> Option<Vec<u8>> + Send + Sync>;

/// A server with one empty directory `/`.
fn honest(asked: &Asked<'_>) -> Vec<u8> {
    match asked.kind {
        7 | 17 => match &asked.subject()[..] {
            b"/" | b"/d" => asked.attributes(DIR, 0),
            _ => asked.attributes(FILE, 3),
        },
        11 | 3 => asked.handle(b"h"),
        12 | 5 => asked.status(1, "eof"),
        16 => asked.names(&[(b"/", DIR, 0)]),
        _ => asked.status(0, "ok"),
    }
}

/// Answers READDIR on the first try with `names`, then with the end.
fn listing(names: &'static [(&'static [u8], u32, u64)]) -> Script {
    let told = Mutex::new(false);
    Arc::new(move |asked| {
        (asked.kind == 12 && !std::mem::replace(&mut *told.lock().unwrap(), true)).then(|| asked.names(names))
    })
}

/// A file `/f` of `size` whose READs are answered by `answer`.
fn reading(size: u64, answer: impl Fn(&Asked<'_>) -> Vec<u8> + Send + Sync + 'static) -> Script {
    Arc::new(move |asked| match asked.kind {
        5 => Some(answer(asked)),
        7 | 17 if asked.subject() == b"/f" => Some(asked.attributes(FILE, size)),
        _ => None,
    })
}

struct Server {
    script: Script,
    greeting: Vec<u8>,
    channels: HashMap<ChannelId, Channel<Msg>>,
}

impl server::Handler for Server {
    type Error = russh::Error;

    async fn auth_password(&mut self, _: &str, _: &str) -> Result<Auth, Self::Error> {
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        // One channel only, so that everything happens in one place.
        if self.channels.is_empty() {
            self.channels.insert(channel.id(), channel);
            reply.accept().await;
        }
        Ok(())
    }

    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        _: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(id)?;
        if let Some(channel) = self.channels.remove(&id) {
            // Still counted as open.
            tokio::spawn(talk(channel.into_stream(), self.script.clone(), self.greeting.clone()));
        }
        Ok(())
    }
}

async fn talk(
    mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin,
    script: Script,
    greeting: Vec<u8>,
) -> std::io::Result<()> {
    loop {
        let length = stream.read_u32().await? as usize;
        let mut packet = vec![0; length];
        stream.read_exact(&mut packet).await?;
        let said = match packet[0] {
            1 => greeting.clone(),
            kind => {
                let id = u32::from_be_bytes(packet[1..5].try_into().unwrap());
                let asked = Asked { kind, id, body: &packet[5..] };
                script(&asked).unwrap_or_else(|| honest(&asked))
            }
        };
        stream.write_all(&said).await?;
        stream.flush().await?;
    }
}

/// What is left to clean up.
struct Running {
    target: Target,
    ssh: SshOptions,
    _dir: tempfile::TempDir,
    accepting: tokio::task::JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(script: Script) -> Running {
    serve_greeting(script, b"\0\0\0\x05\x02\0\0\0\x03").await
}

async fn serve_greeting(script: Script, greeting: &'static [u8]) -> Running {
    let seed: [u8; 32] = rand::random();
    let key = PrivateKey::new(KeypairData::from(Ed25519Keypair::from_seed(&seed)), "").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let dir = tempfile::tempdir().unwrap();
    let known_hosts = dir.path().join("known_hosts");
    let line = format!("[127.0.0.1]:{port} {}", key.public_key().to_openssh().unwrap());
    std::fs::write(&known_hosts, line).unwrap();
    let config = Arc::new(server::Config {
        keys: vec![key],
        // The first try is a client asking which methods there are.
        auth_rejection_time_initial: Some(Duration::ZERO),
        ..server::Config::default()
    });
    let accepting = tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            socket.set_nodelay(true).unwrap();
            let handler =
                Server { script: script.clone(), greeting: greeting.to_vec(), channels: HashMap::new() };
            let config = config.clone();
            tokio::spawn(async move {
                if let Ok(session) = server::run_stream(config, socket, handler).await {
                    let _ = session.await;
                }
            });
        }
    });
    Running {
        target: Target {
            scheme: &fs::SFTP,
            host: "127.0.0.1".into(),
            user: Some("ann".into()),
            port: Some(port),
            password: Some("pw".into()),
        },
        ssh: SshOptions {
            config_file: Some("none".into()),
            known_hosts: Some(known_hosts),
            ..SshOptions::default()
        },
        _dir: dir,
        accepting,
    }
}

struct Silent;

impl Observer for Silent {
    fn reply(&self, _: LogLine) {}
    fn stage(&self, _: Stage) {}
}

impl Running {
    async fn connect(&self) -> Result<Arc<dyn FileSystem>, Error> {
        let context = Context {
            ssh: self.ssh.clone(),
            ftp: FtpOptions::default(),
            prompt: Arc::new(Never),
            observer: Arc::new(Silent),
            wanted: None,
        };
        patient(fs::connect(&self.target, &context)).await.map(|connected| connected.fs)
    }

    /// Copies `path` from the server into a fresh directory; what came of it.
    async fn copy(&self, path: &str) -> (tempfile::TempDir, Vec<What>) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("in")).unwrap();
        let (engine, mut events) = Engine::start(Options {
            ssh: self.ssh.clone(),
            ftp: Default::default(),
            local: Arc::new(Local::new()),
            current_dir: RemotePath::root(),
            home: RemotePath::root(),
            batch: true,
        });
        let place = Place::Remote(self.target.clone(), PlacePath::Login);
        engine.send(Command::Open { job: JobId(1), place });
        hear(&mut events, JobId(1)).await;
        let inner = dir.path().join("in");
        let request = Request {
            sources: vec![Location::new(FsId::new(self.target.label()), RemotePath::new(path))],
            target: Location::new(FsId::local(), RemotePath::new(inner.as_os_str().as_encoded_bytes())),
            landing: Landing::Into,
            policy: Policy { on_conflict: OnConflict::Overwrite, ..Policy::default() },
            remove_source: false,
        };
        engine.send(Command::Copy { job: JobId(2), request });
        let heard = hear(&mut events, JobId(2)).await;
        patient(engine.shut_down()).await;
        (dir, heard)
    }
}

async fn patient<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it hangs")
}

async fn hear(events: &mut tokio::sync::mpsc::Receiver<Event>, job: JobId) -> Vec<What> {
    let mut heard = Vec::new();
    loop {
        let event = patient(events.recv()).await.unwrap();
        if event.job == job {
            let ended = matches!(event.what, What::Done(_) | What::Failed(_) | What::Cancelled);
            heard.push(event.what);
            if ended {
                return heard;
            }
        }
    }
}

/// Every path below `dir`, sorted.
fn tree(dir: &std::path::Path) -> Vec<String> {
    let mut out = Vec::new();
    let mut waiting = vec![dir.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(next).unwrap().flatten() {
            out.push(entry.path().strip_prefix(dir).unwrap().display().to_string());
            if entry.file_type().unwrap().is_dir() {
                waiting.push(entry.path());
            }
        }
    }
    out.sort();
    out
}

async fn read(fs: &Arc<dyn FileSystem>, size: Option<u64>) -> Result<Vec<u8>, Error> {
    let options = ReadOptions { offset: 0, expected_size: size };
    let mut stream = patient(fs.read(&RemotePath::new("/f"), options)).await?;
    let mut out = Vec::new();
    while let Some(chunk) = patient(stream.next()).await {
        out.extend(chunk?);
    }
    Ok(out)
}

#[tokio::test]
async fn names_that_are_no_names_are_refused_and_counted() {
    let names: &[(&[u8], u32, u64)] = &[
        (b".", DIR, 0),
        (b"..", DIR, 0),
        (b"../up", FILE, 3),
        (b"a/b", FILE, 3),
        (b"/etc/passwd", FILE, 3),
        (b"", FILE, 3),
        (b"x\0y", FILE, 3),
        (b"good", FILE, 3),
    ];
    let server = serve(listing(names)).await;
    let fs = server.connect().await.unwrap();
    let mut batches = patient(fs.list(&RemotePath::root())).await.unwrap();
    let (mut good, mut refused) = (Vec::new(), 0);
    while let Some(batch) = patient(batches.next()).await {
        match batch {
            Ok(entries) => good.extend(entries.into_iter().map(|entry| entry.name.into_vec())),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::InvalidName);
                refused += 1;
            }
        }
    }
    assert_eq!((good, refused), (vec![b"good".to_vec()], 5));
}

#[tokio::test]
async fn nothing_is_written_outside_the_target() {
    let names: &[(&[u8], u32, u64)] =
        &[(b"../up", FILE, 3), (b"/tmp/abs", FILE, 3), (b"a/../../b", DIR, 0), (b"good", FILE, 3)];
    let inner = listing(names);
    let server = serve(Arc::new(move |asked| match asked.kind {
        5 => Some(asked.data(b"abc")),
        _ => inner(asked),
    }))
    .await;
    let (dir, heard) = server.copy("/d").await;
    assert_eq!(tree(dir.path()), ["in", "in/d", "in/d/good"]);
    assert!(matches!(heard.last(), Some(What::Done(outcome)) if outcome.failed == 3), "{heard:?}");
}

#[tokio::test]
async fn nothing_is_written_through_a_planted_link() {
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().to_str().unwrap().to_owned();
    let told = Mutex::new(0);
    let server = serve(Arc::new(move |asked| match asked.kind {
        // The link and a directory of the same name, which holds a file.
        12 => {
            let mut told = told.lock().unwrap();
            *told += 1;
            match *told {
                1 => Some(asked.names(&[(b"trap", LINK, 9), (b"trap", DIR, 0)])),
                3 => Some(asked.names(&[(b"stolen", FILE, 3)])),
                _ => None,
            }
        }
        19 => Some(asked.names(&[(target.as_bytes(), 0, 0)])),
        5 => Some(asked.data(b"abc")),
        _ => None,
    }))
    .await;
    let (_dir, _) = server.copy("/d").await;
    assert!(tree(outside.path()).is_empty(), "{:?}", tree(outside.path()));
}

#[tokio::test]
async fn more_data_than_asked_for_is_a_breach() {
    let server = serve(reading(10, |asked| asked.data(&vec![0; 300 << 10]))).await;
    let fs = server.connect().await.unwrap();
    assert_eq!(read(&fs, Some(10)).await.unwrap_err().kind(), ErrorKind::Protocol);
    let (dir, heard) = server.copy("/f").await;
    assert_eq!(tree(dir.path()), ["in"], "nothing half-written stays");
    assert!(!matches!(heard.last(), Some(What::Done(outcome)) if outcome.failed == 0), "{heard:?}");
}

#[tokio::test]
async fn empty_answers_do_not_go_on_for_ever() {
    let server = serve(reading(1 << 20, |asked| asked.data(b""))).await;
    let fs = server.connect().await.unwrap();
    for size in [None, Some(1 << 20), Some(10)] {
        assert_eq!(read(&fs, size).await.unwrap_err().kind(), ErrorKind::Protocol);
    }
}

#[tokio::test]
async fn sizes_that_lie_are_read_to_the_real_end_and_told() {
    // Listed with five terabytes, there are three bytes.
    let server = serve(reading(5 << 40, |asked| {
        let offset = asked.body[asked.body.len() - 12..asked.body.len() - 4].to_vec();
        if offset == [0; 8] { asked.data(b"abc") } else { asked.status(1, "eof") }
    }))
    .await;
    let (dir, heard) = server.copy("/f").await;
    assert_eq!(std::fs::read(dir.path().join("in/f")).unwrap(), b"abc");
    let told =
        heard.iter().any(|what| matches!(what, What::Warning(error) if error.kind() == ErrorKind::Mismatch));
    assert!(told, "{heard:?}");
}

#[tokio::test]
async fn an_answer_to_nothing_ends_the_session_with_a_word() {
    let server = serve(Arc::new(|asked| {
        (asked.kind == 11).then(|| Asked { kind: 11, id: asked.id + 1000, body: asked.body }.status(0, ""))
    }))
    .await;
    let fs = server.connect().await.unwrap();
    let error = patient(fs.list(&RemotePath::root())).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(fs.is_lost());
    // And whoever asks later is told, at once.
    assert!(patient(fs.stat(&RemotePath::root())).await.is_err());
}

#[tokio::test]
async fn packets_of_absurd_length_end_the_session() {
    for packet in [&b"\xff\xff\xff\xff\x65"[..], b"\0\0\0\0\x65", b"\0\0\0\x02\x65\0"] {
        let server = serve(Arc::new(move |asked| (asked.kind == 11).then(|| packet.to_vec()))).await;
        let fs = server.connect().await.unwrap();
        let error = patient(fs.list(&RemotePath::root())).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{packet:?}");
    }
}

#[tokio::test]
async fn answers_of_the_wrong_type_are_refused() {
    let server = serve(Arc::new(|asked| match asked.kind {
        11 => Some(asked.attributes(DIR, 0)),
        17 => Some(asked.status(0, "fine")),
        _ => None,
    }))
    .await;
    let fs = server.connect().await.unwrap();
    let list = patient(fs.list(&RemotePath::root())).await.err().unwrap();
    let stat = patient(fs.stat(&RemotePath::root())).await.unwrap_err();
    assert_eq!((list.kind(), stat.kind()), (ErrorKind::Protocol, ErrorKind::Protocol));
}

#[tokio::test]
async fn a_tree_without_a_bottom_ends() {
    let told = Mutex::new(HashSet::new());
    let server = serve(Arc::new(move |asked| match asked.kind {
        7 | 17 => Some(asked.attributes(DIR, 0)),
        // Each directory's path is its handle, and each holds one more.
        11 => Some(asked.handle(&asked.subject())),
        12 if told.lock().unwrap().insert(asked.subject()) => Some(asked.names(&[(b"d", DIR, 0)])),
        _ => None,
    }))
    .await;
    let (_dir, heard) = server.copy("/d").await;
    let told = |what: &What| matches!(what, What::ItemFailed(error) if error.kind() == ErrorKind::Protocol);
    assert!(heard.iter().any(told), "{:?}", heard.last());
}

#[tokio::test]
async fn words_of_the_server_are_escaped() {
    let server = serve(Arc::new(|asked| {
        (asked.kind == 11).then(|| asked.status(4, "\x1b]0;owned\x07\u{202e}gnp\r\nok"))
    }))
    .await;
    let fs = server.connect().await.unwrap();
    let error = patient(fs.list(&RemotePath::root())).await.err().unwrap();
    let text = words::error(&error).to_string();
    assert!(!text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{text:?}");
}

#[tokio::test]
async fn handles_are_bytes() {
    let server = serve(Arc::new(|asked| match asked.kind {
        11 => Some(asked.handle(b"\xff\xfe\0\x80")),
        12 if asked.subject() != b"\xff\xfe\0\x80" => Some(asked.status(4, "what handle?")),
        _ => None,
    }))
    .await;
    let fs = server.connect().await.unwrap();
    let mut batches = patient(fs.list(&RemotePath::root())).await.unwrap();
    assert!(patient(batches.next()).await.is_none());
}

/// What is behind a WRITE that failed has not arrived, whatever is said of it: a copy that goes on there
/// would leave a hole.
#[tokio::test]
async fn nothing_counts_behind_a_write_that_failed() {
    let failed = Arc::new(AtomicU64::new(u64::MAX));
    let noted = failed.clone();
    let server = serve(Arc::new(move |asked| {
        let behind = 4 + asked.subject().len();
        let offset = u64::from_be_bytes(asked.body.get(behind..behind + 8)?.try_into().unwrap());
        let fails = asked.kind == 6 && offset >= 300_000 && noted.load(Ordering::SeqCst) == u64::MAX;
        fails.then(|| {
            noted.store(offset, Ordering::SeqCst);
            asked.status(4, "the disk is tired")
        })
    }))
    .await;
    let fs = server.connect().await.unwrap();
    let options = WriteOptions { expected_size: Some(64 << 20), ..WriteOptions::default() };
    let mut sink = patient(fs.write(&RemotePath::new("/file"), options)).await.unwrap();
    let mut outcome = Ok(());
    // More than may be on its way, so that answers are heard in between.
    for _ in 0..1024 {
        outcome = patient(sink.write(vec![7; 64 << 10].into())).await;
        if outcome.is_err() {
            break;
        }
    }
    assert!(outcome.unwrap_err().to_string().contains("the disk is tired"));
    let reached = sink.acknowledged();
    assert!(reached <= failed.load(Ordering::SeqCst), "{reached} of {failed:?}");
}

#[tokio::test]
async fn a_shell_that_prints_is_quoted() {
    let server = serve_greeting(Arc::new(|_| None), b"Welcome to web-01, have a nice day\n").await;
    let error = server.connect().await.err().unwrap();
    assert_eq!(error.operation(), Operation::OpenChannel);
    assert!(error.detail().unwrap().contains("Welcome to web-01"), "{error}");
}

/// A directory whose listing never ends, with names or without.
#[tokio::test]
async fn a_listing_without_an_end_is_left() {
    let server = serve(Arc::new(|asked| (asked.kind == 12).then(|| asked.names(&[])))).await;
    let fs = server.connect().await.unwrap();
    let mut batches = patient(fs.list(&RemotePath::root())).await.unwrap();
    let error = patient(batches.next()).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    // Names that are none are told, but not all of them.
    let told = Mutex::new(0);
    let server = serve(Arc::new(move |asked| {
        let mut told = told.lock().unwrap();
        *told += u32::from(asked.kind == 12);
        (asked.kind == 12 && *told < 100).then(|| asked.names(&[(&b"a/b"[..], FILE, 1); 50]))
    }))
    .await;
    let fs = server.connect().await.unwrap();
    let batches = patient(fs.list(&RemotePath::root())).await.unwrap();
    let refused: Vec<_> = patient(batches.collect::<Vec<_>>()).await;
    assert!(refused.iter().all(|batch| batch.is_err()) && refused.len() < 200, "{}", refused.len());
}

/// Each directory holds hundreds of others, and so do they: what waits to be listed has an end.
#[tokio::test]
async fn a_tree_that_grows_as_it_is_listed_is_left() {
    let (opened, told) = (AtomicU64::new(0), Mutex::new(HashSet::new()));
    let names: Vec<Vec<u8>> = (0..400).map(|at| format!("{at:0>250}").into_bytes()).collect();
    let server = serve(Arc::new(move |asked| match asked.kind {
        7 | 17 => Some(asked.attributes(DIR, 0)),
        11 => Some(asked.handle(&opened.fetch_add(1, Ordering::Relaxed).to_be_bytes())),
        12 if told.lock().unwrap().insert(asked.subject()) => {
            let listed: Vec<(&[u8], u32, u64)> = names.iter().map(|name| (&name[..], DIR, 0)).collect();
            Some(asked.names(&listed))
        }
        _ => None,
    }))
    .await;
    let fs = server.connect().await.unwrap();
    struct Deaf;
    impl wharf::transfer::walk::Watcher for Deaf {
        fn found(&self, _: &wharf::fs::Entry) {}
        fn failed(&self, _: Error) {}
    }
    let roots = vec![RemotePath::new("/d")];
    let walked = wharf::transfer::walk::each(&fs, roots, &Deaf, |_, path, entries| {
        let dirs = entries.unwrap_or_default();
        dirs.iter().map(|entry| path.join(&entry.name)).collect()
    });
    let error = patient(walked).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
}
