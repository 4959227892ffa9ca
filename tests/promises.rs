//! What a transfer promises where the file systems make trouble: a target that takes names for one
//! that differ in case, one that keeps its own time, one that cannot write to its disk. In memory,
//! through the engine.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use tokio::sync::mpsc;
use wharf::{
    engine::{Command, Engine, Event, JobId, Options, What},
    fs::{
        Attributes, ByteStream, Capabilities, EntryStream, Error, ErrorKind, FileSystem, FsId, FtpOptions,
        Location, Operation, ReadOptions, RemotePath, Result, Sink, SshOptions, Timestamp, WriteOptions,
        Written, entry::Entry, memory::Memory,
    },
    transfer::{Landing, OnConflict, Outcome, Policy, Request},
};

const PATIENCE: Duration = Duration::from_secs(20);

/// Memory by the name of this machine's files, with a target at `/to` that can be made odd.
struct Files {
    memory: Memory,
    /// Names below `/to` that differ in case are one.
    folds: AtomicBool,
    /// What is written below `/to` gets the time of a clock that is so many seconds off, and only
    /// where it is set another.
    clock: Mutex<Option<i64>>,
    capabilities: Mutex<Capabilities>,
    /// What happened to the disk and to the source, in order.
    told: Mutex<Vec<String>>,
    /// How the disk answers.
    volumes: Mutex<Result<()>>,
    file: Mutex<Result<()>>,
    open: AtomicUsize,
    most_open: Arc<AtomicUsize>,
}

/// The seconds that all clocks of a test agree on.
const NOW: i64 = 1_700_000_000;

impl Files {
    /// The path as the target has it.
    async fn at(&self, path: &RemotePath) -> RemotePath {
        let below = path.as_bytes().starts_with(b"/to/");
        if !below || !self.folds.load(Ordering::SeqCst) {
            return path.clone();
        }
        let mut found = RemotePath::root();
        for name in path.components() {
            let exact = found.join(name);
            let names: Vec<Entry> = match self.memory.list(&found).await {
                Ok(entries) => entries.try_concat().await.unwrap_or_default(),
                Err(_) => Vec::new(),
            };
            let is_exact = names.iter().any(|entry| *entry.name == *name);
            let same = names.iter().find(|entry| entry.name.eq_ignore_ascii_case(name));
            found = match same {
                Some(same) if !is_exact => found.join(&same.name),
                _ => exact,
            };
        }
        found
    }

    fn tell(&self, what: &str, path: &RemotePath) {
        self.told.lock().unwrap().push(format!("{what} {path}"));
    }
}

/// Gives a file the target's own time where it is set none.
struct Stamped {
    inner: Box<dyn Sink>,
    /// `None` once it is closed.
    opened: Option<Opened>,
}

/// Counted while it is open.
struct Opened(Arc<Files>);

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Sink for Stamped {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        // Others have their turn: as many as may be are open then.
        tokio::task::yield_now().await;
        self.inner.write(chunk).await
    }

    async fn finish(&mut self) -> Result<Written> {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        let written = self.inner.finish().await;
        self.opened = None;
        written
    }
}

struct Shared(Arc<Files>);

#[async_trait]
impl FileSystem for Shared {
    fn id(&self) -> &FsId {
        self.0.memory.id()
    }
    fn capabilities(&self) -> Capabilities {
        *self.0.capabilities.lock().unwrap()
    }
    async fn list(&self, path: &RemotePath) -> Result<EntryStream> {
        self.0.memory.list(&self.0.at(path).await).await
    }
    async fn stat(&self, path: &RemotePath) -> Result<Entry> {
        self.0.memory.stat(&self.0.at(path).await).await
    }
    async fn lstat(&self, path: &RemotePath) -> Result<Entry> {
        self.0.memory.lstat(&self.0.at(path).await).await
    }
    async fn read(&self, path: &RemotePath, options: ReadOptions) -> Result<ByteStream> {
        self.0.memory.read(&self.0.at(path).await, options).await
    }
    async fn write(&self, path: &RemotePath, mut options: WriteOptions) -> Result<Box<dyn Sink>> {
        let own = self.0.clock.lock().unwrap().map(|off| Timestamp::from_seconds(NOW + off));
        if !self.capabilities().times || options.attributes.mtime.is_none() {
            options.attributes.mtime = own.or(options.attributes.mtime);
        }
        let inner = self.0.memory.write(&self.0.at(path).await, options).await?;
        let open = self.0.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most_open.fetch_max(open, Ordering::SeqCst);
        Ok(Box::new(Stamped { inner, opened: Some(Opened(self.0.clone())) }))
    }
    async fn create_dir(&self, path: &RemotePath, mode: Option<u32>) -> Result<()> {
        self.0.memory.create_dir(&self.0.at(path).await, mode).await
    }
    async fn remove_file(&self, path: &RemotePath) -> Result<()> {
        if path.as_bytes().starts_with(b"/from/") {
            self.0.tell("remove", path);
        }
        self.0.memory.remove_file(&self.0.at(path).await).await
    }
    async fn remove_dir(&self, path: &RemotePath) -> Result<()> {
        self.0.memory.remove_dir(&self.0.at(path).await).await
    }
    async fn rename(&self, from: &RemotePath, to: &RemotePath, replace: bool) -> Result<()> {
        // As to another volume: a move has to copy.
        if from.as_bytes() == b"/from" {
            return Err(Error::new(ErrorKind::Unsupported, Operation::Rename).at(from));
        }
        self.0.memory.rename(&self.0.at(from).await, &self.0.at(to).await, replace).await
    }
    async fn set_attributes(&self, path: &RemotePath, attributes: &Attributes) -> Result<()> {
        self.0.memory.set_attributes(&self.0.at(path).await, attributes).await
    }
    async fn canonicalize(&self, path: &RemotePath) -> Result<RemotePath> {
        self.0.memory.canonicalize(&self.0.at(path).await).await
    }
    async fn sync_volumes(&self, dirs: &[RemotePath]) -> Result<()> {
        for dir in dirs {
            self.0.tell("volume of", dir);
        }
        self.0.volumes.lock().unwrap().clone()
    }
    async fn sync_file(&self, path: &RemotePath) -> Result<()> {
        self.0.tell("sync", path);
        self.0.file.lock().unwrap().clone()
    }
}

struct Bench {
    engine: Engine,
    events: mpsc::Receiver<Event>,
    files: Arc<Files>,
    next: u64,
}

fn path(text: &str) -> RemotePath {
    RemotePath::new(text)
}

fn unsupported() -> Result<()> {
    Err(Error::new(ErrorKind::Unsupported, Operation::Close))
}

impl Bench {
    async fn with(tree: &[&str]) -> Bench {
        let memory = Memory::new("local");
        for name in tree {
            let at = path("/from").resolve(name.as_bytes());
            memory.plant(&at, name.as_bytes()).unwrap();
            let mtime = Some(Timestamp::from_seconds(NOW - 600));
            memory.set_attributes(&at, &Attributes { mtime, ..Attributes::default() }).await.unwrap();
        }
        memory.plant_dir(&path("/to")).unwrap();
        let files = Arc::new(Files {
            capabilities: Mutex::new(Capabilities { copy_within: false, ..memory.capabilities() }),
            memory,
            folds: AtomicBool::new(false),
            clock: Mutex::new(None),
            told: Mutex::default(),
            volumes: Mutex::new(unsupported()),
            file: Mutex::new(unsupported()),
            open: AtomicUsize::new(0),
            most_open: Arc::default(),
        });
        let (engine, events) = Engine::start(Options {
            ssh: SshOptions::default(),
            ftp: FtpOptions::default(),
            local: Arc::new(Shared(files.clone())),
            current_dir: RemotePath::root(),
            home: RemotePath::root(),
            batch: true,
        });
        Bench { engine, events, files, next: 1 }
    }

    /// Copies or moves `/from` to what is to be `/to/from`; what it tells, and how it ends.
    async fn run(&mut self, policy: Policy, remove_source: bool) -> (Vec<Error>, Outcome) {
        let at = |text| Location::new(FsId::local(), path(text));
        let request = Request {
            sources: vec![at("/from")],
            target: at("/to"),
            landing: Landing::Into,
            policy,
            remove_source,
        };
        let job = JobId(self.next);
        self.next += 1;
        self.engine.send(Command::Copy { job, request });
        let mut failed = Vec::new();
        loop {
            let event = tokio::time::timeout(PATIENCE, self.events.recv()).await.unwrap().unwrap();
            match event.what {
                _ if event.job != job => {}
                What::ItemFailed(error) => failed.push(error),
                What::Done(outcome) => return (failed, outcome),
                what @ (What::Failed(_) | What::Cancelled) => panic!("{what:?}"),
                _ => {}
            }
        }
    }

    /// Names and contents of all files below a directory.
    async fn tree(&self, root: &str) -> BTreeSet<(String, String)> {
        let mut found = BTreeSet::new();
        let mut waiting = vec![path(root)];
        while let Some(dir) = waiting.pop() {
            for entry in self.files.memory.list(&dir).await.unwrap().try_concat().await.unwrap() {
                let at = dir.join(&entry.name);
                match self.files.memory.content(&at) {
                    Ok(content) => {
                        found.insert((at.to_string(), String::from_utf8(content).unwrap()));
                    }
                    Err(_) => waiting.push(at),
                }
            }
        }
        found
    }
}

/// Whatever the policy and however often: of two names that the target takes for one, the one that
/// came first stays, the other is named, and a move removes neither.
#[tokio::test]
async fn names_that_differ_in_case_never_silently_become_one() {
    for on_conflict in [OnConflict::Refuse, OnConflict::Overwrite, OnConflict::Newer, OnConflict::Different] {
        let mut bench = Bench::with(&["A", "a", "D/x", "d/y", "d/deep/z", "other"]).await;
        bench.files.folds.store(true, Ordering::SeqCst);
        let source = bench.tree("/from").await;
        let mut after = None;
        for remove_source in [false, false, true] {
            let policy =
                Policy { on_conflict, delete: on_conflict == OnConflict::Different, ..Policy::default() };
            let (failed, outcome) = bench.run(policy, remove_source).await;
            let about = |name: &str| {
                failed
                    .iter()
                    .filter(|error| error.path().is_some_and(|p| p.to_string().ends_with(name)))
                    .count()
            };
            assert_eq!(about("/A") + about("/a"), 1, "{on_conflict:?}: {failed:?}");
            assert_eq!(about("/D") + about("/d"), 1, "{on_conflict:?}: {failed:?}");
            assert!(outcome.failed >= 2);
            let there = bench.tree("/to/from").await;
            assert!(there.iter().any(|(name, _)| name == "/to/from/other"), "the rest is copied");
            // Each that is there is what its own name says it is.
            assert!(there.iter().all(|(name, content)| name.ends_with(content.as_str())), "{there:?}");
            let dirs = there.iter().filter(|(name, _)| name.to_lowercase().contains("/d/")).count();
            assert!(dirs == 1 || dirs == 2, "one of both directories: {there:?}");
            assert_eq!(*after.get_or_insert(there.clone()), there, "{on_conflict:?}");
            assert_eq!(bench.tree("/from").await, source, "nothing of the source goes");
        }
    }
}

/// The source's times are kept, so whose clock is wrong does not matter; where they are not, a clock
/// ahead does not either.
#[tokio::test]
async fn a_clock_that_is_off_copies_nothing_a_second_time() {
    for (off, times) in [(3600, true), (-3600, true), (3600, false), (0, false)] {
        let mut bench = Bench::with(&["a", "sub/b"]).await;
        *bench.files.clock.lock().unwrap() = Some(off);
        bench.files.capabilities.lock().unwrap().times = times;
        let sync = || Policy { on_conflict: OnConflict::Different, delete: true, ..Policy::default() };
        assert_eq!(bench.run(sync(), false).await.1.done.files, 2);
        let (failed, again) = bench.run(sync(), false).await;
        assert_eq!((again.done.files, again.skipped), (0, 2), "{off} {times}: {failed:?}");
    }
}

#[tokio::test]
async fn no_more_files_are_under_way_than_was_asked_for() {
    let names: Vec<String> = (0..40).map(|number| format!("{}/{number}", number % 4)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for (jobs, most) in [(None, 9..=16), (Some(1), 1..=1), (Some(3), 3..=3)] {
        let mut bench = Bench::with(&names).await;
        let (_, outcome) = bench.run(Policy { jobs, ..Policy::default() }, false).await;
        assert_eq!(outcome.done.files, 40);
        let open = bench.files.most_open.load(Ordering::SeqCst);
        assert!(most.contains(&open), "{jobs:?}: {open} at a time");
    }
}

mod a_move {
    use super::*;

    fn told(bench: &Bench) -> Vec<String> {
        bench.files.told.lock().unwrap().clone()
    }

    #[tokio::test]
    async fn asks_for_few_files_one_by_one_before_it_removes_any() {
        let mut bench = Bench::with(&["a", "sub/b"]).await;
        *bench.files.file.lock().unwrap() = Ok(());
        assert_eq!(bench.run(Policy::default(), true).await.1.failed, 0);
        let told = told(&bench);
        let removed = told.iter().position(|line| line.starts_with("remove")).unwrap();
        for file in ["sync /to/from/a", "sync /to/from/sub/b"] {
            assert!(told[..removed].iter().any(|line| line == file), "{told:?}");
        }
        assert!(bench.files.memory.stat(&path("/from")).await.is_err());
    }

    #[tokio::test]
    async fn asks_for_many_at_once() {
        let names: Vec<String> = (0..50).map(|number| format!("{}/{number}", number % 4)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut bench = Bench::with(&names).await;
        *bench.files.volumes.lock().unwrap() = Ok(());
        assert_eq!(bench.run(Policy::default(), true).await.1.failed, 0);
        let told = told(&bench);
        // The directory that was there before: all that was created is on its volume.
        assert_eq!(told[0], "volume of /to", "{told:?}");
        assert!(told[1..].iter().all(|line| line.starts_with("remove")) && told.len() == 51, "{told:?}");
        // A target that cannot do that is asked for each.
        let mut bench = Bench::with(&names).await;
        *bench.files.file.lock().unwrap() = Ok(());
        bench.run(Policy::default(), true).await;
        let told = self::told(&bench);
        let synced: BTreeSet<&String> = told[..52].iter().filter(|line| line.starts_with("sync")).collect();
        assert_eq!(synced.len(), 50, "{told:?}");
    }

    #[tokio::test]
    async fn keeps_the_source_where_the_disk_of_the_target_fails() {
        let broken =
            || Err(Error::new(ErrorKind::Failure, Operation::Close).with_detail("input/output error"));
        let names: Vec<String> = (0..50).map(|number| number.to_string()).collect();
        let many: Vec<&str> = names.iter().map(String::as_str).collect();
        for tree in [&many[..2], &many[..]] {
            let mut bench = Bench::with(tree).await;
            *bench.files.volumes.lock().unwrap() = broken();
            *bench.files.file.lock().unwrap() = broken();
            let source = bench.tree("/from").await;
            let (failed, outcome) = bench.run(Policy::default(), true).await;
            assert!(outcome.failed > 0 && !failed.is_empty());
            assert_eq!(bench.tree("/from").await, source);
        }
    }

    /// A target that cannot say so holds nothing up.
    #[tokio::test]
    async fn is_one_where_the_target_does_not_tell() {
        let mut bench = Bench::with(&["a"]).await;
        let (failed, outcome) = bench.run(Policy::default(), true).await;
        assert_eq!((outcome.failed, failed.len()), (0, 0));
        assert!(bench.files.memory.stat(&path("/from/a")).await.is_err());
    }

    #[tokio::test]
    async fn a_copy_asks_for_nothing() {
        let mut bench = Bench::with(&["a"]).await;
        bench.run(Policy::default(), false).await;
        assert!(told(&bench).is_empty());
    }
}
