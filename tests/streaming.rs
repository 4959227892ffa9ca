//! Copying while a tree is still being listed: what may start early, what must wait for the whole,
//! and what a listing has answered already. Runs on files in memory.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::{mpsc, watch};
use wharf::{
    engine::{Answer, Ask, Command, Engine, Event, JobId, Options, What},
    fs::{
        Attributes, ByteStream, Capabilities, EntryStream, Error, ErrorKind, FileSystem, FsId, FtpOptions,
        Location, Operation, ReadOptions, RemotePath, Result, Sink, SshOptions, WriteOptions, entry::Entry,
        memory::Memory,
    },
    transfer::{Landing, OnConflict, Outcome, Phase, Policy, Request},
};

/// Long enough for any machine; only a hang takes this long.
const PATIENCE: Duration = Duration::from_secs(20);

fn at(path: &str) -> Location {
    Location::new(FsId::local(), RemotePath::new(path))
}

/// Memory that counts what it is asked. Listing `/from/slow` waits until it is let go on.
struct Files {
    memory: Memory,
    lists: AtomicUsize,
    others: AtomicUsize,
    go_on: watch::Sender<bool>,
}

impl Files {
    fn asked(&self) {
        self.others.fetch_add(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl FileSystem for Files {
    fn id(&self) -> &FsId {
        self.memory.id()
    }
    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }
    async fn list(&self, path: &RemotePath) -> Result<EntryStream> {
        self.lists.fetch_add(1, Ordering::SeqCst);
        if path.as_bytes() == b"/from/slow" {
            let _ = self.go_on.subscribe().wait_for(|go_on| *go_on).await;
        }
        self.memory.list(path).await
    }
    async fn stat(&self, path: &RemotePath) -> Result<Entry> {
        self.asked();
        self.memory.stat(path).await
    }
    async fn lstat(&self, path: &RemotePath) -> Result<Entry> {
        self.asked();
        self.memory.lstat(path).await
    }
    async fn read(&self, path: &RemotePath, options: ReadOptions) -> Result<ByteStream> {
        self.asked();
        self.memory.read(path, options).await
    }
    async fn write(&self, path: &RemotePath, options: WriteOptions) -> Result<Box<dyn Sink>> {
        self.asked();
        self.memory.write(path, options).await
    }
    async fn create_dir(&self, path: &RemotePath, mode: Option<u32>) -> Result<()> {
        self.asked();
        self.memory.create_dir(path, mode).await
    }
    async fn remove_file(&self, path: &RemotePath) -> Result<()> {
        self.asked();
        self.memory.remove_file(path).await
    }
    async fn remove_dir(&self, path: &RemotePath) -> Result<()> {
        self.asked();
        self.memory.remove_dir(path).await
    }
    async fn rename(&self, from: &RemotePath, to: &RemotePath, replace: bool) -> Result<()> {
        self.asked();
        self.memory.rename(from, to, replace).await
    }
    async fn set_attributes(&self, path: &RemotePath, attributes: &Attributes) -> Result<()> {
        self.asked();
        self.memory.set_attributes(path, attributes).await
    }
    async fn canonicalize(&self, path: &RemotePath) -> Result<RemotePath> {
        self.memory.canonicalize(path).await
    }
}

struct Bench {
    engine: Engine,
    events: mpsc::Receiver<Event>,
    files: Arc<Files>,
}

fn start() -> Bench {
    let memory = Memory::new("local");
    for path in ["/from/a", "/from/early/b", "/from/early/deep/c", "/from/slow/d"] {
        memory.plant(&RemotePath::new(path), path.as_bytes()).unwrap();
    }
    memory.plant_dir(&RemotePath::new("/to")).unwrap();
    let files = Arc::new(Files {
        memory,
        lists: AtomicUsize::new(0),
        others: AtomicUsize::new(0),
        go_on: watch::Sender::new(false),
    });
    let (engine, events) = Engine::start(Options {
        ssh: SshOptions::default(),
        ftp: FtpOptions::default(),
        local: files.clone(),
        current_dir: RemotePath::root(),
        home: RemotePath::root(),
        batch: true,
    });
    Bench { engine, events, files }
}

fn request(on_conflict: OnConflict) -> Request {
    Request {
        sources: vec![at("/from")],
        target: at("/to"),
        landing: Landing::Onto,
        policy: Policy { on_conflict, ..Policy::default() },
        remove_source: false,
    }
}

impl Bench {
    async fn next(&mut self) -> What {
        tokio::time::timeout(PATIENCE, self.events.recv()).await.unwrap().unwrap().what
    }

    /// What is told until the job ends, and how it ended.
    async fn outcome(&mut self) -> (Vec<What>, Outcome) {
        let mut heard = Vec::new();
        loop {
            match self.next().await {
                What::Done(outcome) => return (heard, outcome),
                What::Failed(error) => panic!("{error}"),
                What::Cancelled => panic!("cancelled"),
                what => heard.push(what),
            }
        }
    }

    async fn wait_for(&self, path: &str) {
        let looking = async {
            while self.files.memory.content(&RemotePath::new(path)).is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("no {path}"));
    }

    fn has(&self, path: &str) -> bool {
        self.files.memory.content(&RemotePath::new(path)).is_ok()
    }

    fn let_go_on(&self) {
        self.files.go_on.send_replace(true);
    }
}

#[tokio::test]
async fn what_is_listed_is_copied_while_the_rest_is_being_listed() {
    let mut bench = start();
    bench.engine.send(Command::Copy { job: JobId(1), request: request(OnConflict::Refuse) });
    for path in ["/to/a", "/to/early/b", "/to/early/deep/c"] {
        bench.wait_for(path).await;
    }
    assert!(!bench.has("/to/slow/d"));
    let mut board = bench.engine.progress();
    let is_counting = board.wait_for(|board| {
        board.iter().any(|(_, progress)| progress.phase == Phase::Running && progress.is_counting)
    });
    tokio::time::timeout(PATIENCE, is_counting).await.unwrap().unwrap();
    bench.let_go_on();
    let (heard, outcome) = bench.outcome().await;
    assert_eq!((outcome.done.files, outcome.done.dirs, outcome.failed), (4, 3, 0));
    let planned: Vec<_> = heard.iter().filter(|what| matches!(what, What::Planned(_))).collect();
    assert!(matches!(planned[..], [What::Planned(totals)] if totals.files == 4), "{heard:?}");
}

#[tokio::test]
async fn conflicts_are_asked_about_once_while_the_rest_is_copied() {
    let mut bench = start();
    for path in ["/to/a", "/to/slow/d"] {
        bench.files.memory.plant(&RemotePath::new(path), b"old").unwrap();
    }
    bench.engine.send(Command::Copy { job: JobId(1), request: request(OnConflict::Ask) });
    bench.wait_for("/to/early/deep/c").await;
    bench.let_go_on();
    let question = loop {
        if let What::Ask { question, ask: Ask::Conflicts { count, .. } } = bench.next().await {
            assert_eq!(count, 2, "both directories at once");
            break question;
        }
    };
    let answer = Answer::Conflicts(Some(OnConflict::Rename.into()));
    bench.engine.send(Command::Answer { question, answer });
    let (heard, outcome) = bench.outcome().await;
    assert!(!heard.iter().any(|what| matches!(what, What::Ask { .. })), "{heard:?}");
    assert_eq!(outcome.done.files, 4);
    assert!(bench.has("/to/a (1)") && bench.has("/to/slow/d (1)"));
}

#[tokio::test]
async fn an_answer_that_gives_the_job_up_ends_it() {
    let mut bench = start();
    bench.let_go_on();
    bench.files.memory.plant(&RemotePath::new("/to/a"), b"old").unwrap();
    bench.engine.send(Command::Copy { job: JobId(1), request: request(OnConflict::Ask) });
    loop {
        match bench.next().await {
            What::Ask { question, .. } => {
                bench.engine.send(Command::Answer { question, answer: Answer::Conflicts(None) });
            }
            What::Cancelled => break,
            What::Done(_) | What::Failed(_) => panic!("it was given up"),
            _ => {}
        }
    }
    assert_eq!(bench.files.memory.content(&RemotePath::new("/to/a")).unwrap(), b"old");
}

#[tokio::test]
async fn a_sync_with_nothing_to_do_asks_for_listings_alone() {
    let mut bench = start();
    bench.let_go_on();
    let sync = || {
        let policy = Policy { on_conflict: OnConflict::Different, delete: true, ..Policy::default() };
        Command::Copy { job: JobId(1), request: Request { policy, ..request(OnConflict::Different) } }
    };
    bench.engine.send(sync());
    assert_eq!(bench.outcome().await.1.done.files, 4);
    let (lists, others) =
        (bench.files.lists.swap(0, Ordering::SeqCst), bench.files.others.swap(0, Ordering::SeqCst));
    assert!(lists > 0 && others > 0);
    bench.engine.send(sync());
    let (_, outcome) = bench.outcome().await;
    assert_eq!((outcome.done.files, outcome.skipped), (0, 4));
    assert_eq!(bench.files.lists.load(Ordering::SeqCst), 8, "four directories on both sides");
    assert_eq!(bench.files.others.load(Ordering::SeqCst), 3, "both roots, and no file");
}

#[tokio::test]
async fn nothing_is_removed_where_the_source_could_not_be_listed() {
    let mut bench = start();
    bench.let_go_on();
    bench.files.memory.plant(&RemotePath::new("/to/slow/only-there"), b"x").unwrap();
    bench.files.memory.plant(&RemotePath::new("/to/also-only-there"), b"x").unwrap();
    let error = Error::new(ErrorKind::PermissionDenied, Operation::List);
    bench.files.memory.fail_next(Operation::List, &RemotePath::new("/from/slow"), error);
    let policy = Policy { on_conflict: OnConflict::Different, delete: true, ..Policy::default() };
    let request = Request { policy, ..request(OnConflict::Different) };
    bench.engine.send(Command::Copy { job: JobId(1), request });
    let (_, outcome) = bench.outcome().await;
    assert_eq!((outcome.done.files, outcome.failed, outcome.removed), (3, 1, 0));
    assert!(bench.has("/to/slow/only-there") && bench.has("/to/also-only-there"));
}

#[tokio::test]
async fn what_belongs_in_a_directory_that_cannot_be_is_not_tried() {
    let mut bench = start();
    bench.let_go_on();
    let error = Error::new(ErrorKind::PermissionDenied, Operation::CreateDir);
    bench.files.memory.fail_next(Operation::CreateDir, &RemotePath::new("/to/early"), error);
    bench.engine.send(Command::Copy { job: JobId(1), request: request(OnConflict::Refuse) });
    let (heard, outcome) = bench.outcome().await;
    // The directory, what it holds, and the directory in it with what that holds.
    assert_eq!((outcome.done.files, outcome.failed), (2, 4), "{heard:?}");
    assert!(bench.has("/to/a") && bench.has("/to/slow/d") && !bench.has("/to/early/b"));
}
