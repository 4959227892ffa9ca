//! The engine's waist: commands in, events out, each job ending exactly once. Runs on files in
//! memory; the protocols have tests of their own.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::sync::mpsc;
use wharf::{
    engine::{Answer, Ask, Command, Engine, Event, JobId, Options, Standing, What},
    fs::{
        Attributes, ByteStream, Capabilities, EntryStream, Error, ErrorKind, FileSystem, FsId, FtpOptions,
        Location, Operation, Pace, ReadOptions, RemotePath, Result, Sink, SshOptions, WriteOptions, Written,
        entry::Entry, memory::Memory,
    },
    transfer::{
        Landing, OnConflict, Outcome, Phase, Policy, Progress, Request, Totals,
        find::{Query, SHOWN, Tally, Wanted},
    },
};

/// Long enough for any machine; only a hang takes this long.
const PATIENCE: Duration = Duration::from_secs(20);

fn at(path: &str) -> Location {
    Location::new(FsId::local(), RemotePath::new(path))
}

/// Memory that goes by the name of this machine's files. Listing `/defect` panics and listing
/// `/endless` never ends; `/from` cannot be renamed; of all files, it copies `/from/within` by itself.
struct Files(Memory);

#[async_trait]
impl FileSystem for Files {
    fn id(&self) -> &FsId {
        self.0.id()
    }
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }
    async fn list(&self, path: &RemotePath) -> Result<EntryStream> {
        match path.as_bytes() {
            b"/defect" => panic!("on purpose"),
            b"/endless" => std::future::pending().await,
            _ => self.0.list(path).await,
        }
    }
    async fn stat(&self, path: &RemotePath) -> Result<Entry> {
        self.0.stat(path).await
    }
    async fn lstat(&self, path: &RemotePath) -> Result<Entry> {
        self.0.lstat(path).await
    }
    async fn read(&self, path: &RemotePath, options: ReadOptions) -> Result<ByteStream> {
        self.0.read(path, options).await
    }
    async fn write(&self, path: &RemotePath, options: WriteOptions) -> Result<Box<dyn Sink>> {
        self.0.write(path, options).await
    }
    async fn create_dir(&self, path: &RemotePath, mode: Option<u32>) -> Result<()> {
        self.0.create_dir(path, mode).await
    }
    async fn remove_file(&self, path: &RemotePath) -> Result<()> {
        self.0.remove_file(path).await
    }
    async fn remove_dir(&self, path: &RemotePath) -> Result<()> {
        self.0.remove_dir(path).await
    }
    async fn rename(&self, from: &RemotePath, to: &RemotePath, replace: bool) -> Result<()> {
        // As to another volume: a move has to copy.
        if from.as_bytes() == b"/from" {
            return Err(Error::new(ErrorKind::Unsupported, Operation::Rename).at(from));
        }
        self.0.rename(from, to, replace).await
    }
    async fn set_attributes(&self, path: &RemotePath, attributes: &Attributes) -> Result<()> {
        self.0.set_attributes(path, attributes).await
    }
    async fn copy_within(
        &self,
        from: &RemotePath,
        to: &RemotePath,
        options: WriteOptions,
        pace: &dyn Pace,
    ) -> Result<Written> {
        if from.as_bytes() != b"/from/within" {
            return Err(Error::new(ErrorKind::Unsupported, Operation::CopyWithin).at(from));
        }
        self.0.copy_within(from, to, options, pace).await
    }
    async fn canonicalize(&self, path: &RemotePath) -> Result<RemotePath> {
        self.0.canonicalize(path).await
    }
}

struct Bench {
    engine: Engine,
    events: mpsc::Receiver<Event>,
    files: Arc<Files>,
}

fn start() -> Bench {
    let memory = Memory::new("local");
    for (path, content) in [("/from/a", &b"aaa"[..]), ("/from/b", b"bbbb"), ("/from/sub/c", b"c")] {
        memory.plant(&RemotePath::new(path), content).unwrap();
    }
    memory.plant_dir(&RemotePath::new("/to")).unwrap();
    let files = Arc::new(Files(memory));
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

fn copy(job: JobId, on_conflict: OnConflict) -> Command {
    transfer(job, on_conflict, false)
}

fn transfer(job: JobId, on_conflict: OnConflict, remove_source: bool) -> Command {
    let policy = Policy { on_conflict, ..Policy::default() };
    let request = Request {
        sources: vec![at("/from")],
        target: at("/to"),
        landing: Landing::Into,
        policy,
        remove_source,
    };
    Command::Copy { job, request }
}

impl Bench {
    /// What `job` reports, its end included; questions are answered with `policy`.
    async fn hear(&mut self, job: JobId, policy: Option<OnConflict>) -> Vec<What> {
        let mut heard = Vec::new();
        loop {
            let event = tokio::time::timeout(PATIENCE, self.events.recv()).await.unwrap().unwrap();
            if event.job != job {
                continue;
            }
            if let What::Ask { question, ask: Ask::Conflicts { .. } } = &event.what {
                let answer = Answer::Conflicts(policy.map(Into::into));
                self.engine.send(Command::Answer { question: *question, answer });
            }
            let ended = matches!(event.what, What::Done(_) | What::Failed(_) | What::Cancelled);
            heard.push(event.what);
            if ended {
                return heard;
            }
        }
    }

    /// Another volume: what is moved has to be copied.
    fn cannot_rename(&self) {
        let error = Error::new(ErrorKind::Unsupported, Operation::Rename);
        self.files.0.fail_next(Operation::Rename, &RemotePath::new("/from"), error);
    }

    fn content(&self, path: &str) -> Option<Vec<u8>> {
        self.files.0.content(&RemotePath::new(path)).ok()
    }
}

fn outcome(heard: &[What]) -> Outcome {
    match heard.last() {
        Some(What::Done(outcome)) => *outcome,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_copy_is_planned_done_and_counted() {
    let mut bench = start();
    bench.engine.send(copy(JobId(1), OnConflict::Ask));
    let heard = bench.hear(JobId(1), None).await;
    assert!(matches!(heard[0], What::Planned(totals) if totals.files == 3 && totals.bytes == 8), "{heard:?}");
    assert_eq!(outcome(&heard).done.files, 3);
    assert_eq!(bench.content("/to/from/sub/c").as_deref(), Some(&b"c"[..]));
}

#[tokio::test]
async fn conflicts_are_one_question_for_all() {
    let mut bench = start();
    bench.files.0.plant(&RemotePath::new("/to/from/a"), b"old").unwrap();
    bench.files.0.plant(&RemotePath::new("/to/from/b"), b"old").unwrap();
    bench.engine.send(copy(JobId(1), OnConflict::Ask));
    let heard = bench.hear(JobId(1), Some(OnConflict::Skip)).await;
    let asked = heard.iter().filter(|what| matches!(what, What::Ask { .. })).count();
    assert_eq!((asked, outcome(&heard).skipped, outcome(&heard).done.files), (1, 2, 1));
    assert_eq!(bench.content("/to/from/a").as_deref(), Some(&b"old"[..]));

    bench.engine.send(copy(JobId(2), OnConflict::Ask));
    let heard = bench.hear(JobId(2), Some(OnConflict::Overwrite)).await;
    assert_eq!(outcome(&heard).done.files, 3);
    assert_eq!(bench.content("/to/from/a").as_deref(), Some(&b"aaa"[..]));

    bench.engine.send(copy(JobId(3), OnConflict::Ask));
    let heard = bench.hear(JobId(3), None).await;
    assert!(matches!(heard.last(), Some(What::Cancelled)), "no answer gives the job up");
}

#[tokio::test]
async fn one_bad_item_does_not_stop_the_rest() {
    let mut bench = start();
    let broken = Error::new(ErrorKind::PermissionDenied, Operation::Read);
    bench.files.0.fail_next(Operation::Read, &RemotePath::new("/from/a"), broken);
    bench.engine.send(copy(JobId(1), OnConflict::Refuse));
    let heard = bench.hear(JobId(1), None).await;
    assert_eq!((outcome(&heard).done.files, outcome(&heard).failed), (2, 1));
    assert!(
        heard
            .iter()
            .any(|what| matches!(what, What::ItemFailed(e) if e.kind() == ErrorKind::PermissionDenied))
    );
    assert_eq!(bench.content("/to/from/a"), None);
    assert_eq!(bench.content("/to/from/.a.wharf-part"), None, "nothing is left behind");
}

#[tokio::test]
async fn nothing_is_set_on_a_folder_that_was_never_made() {
    let mut bench = start();
    let refused = Error::new(ErrorKind::PermissionDenied, Operation::CreateDir);
    bench.files.0.fail_next(Operation::CreateDir, &RemotePath::new("/to/from/sub"), refused);
    bench.engine.send(copy(JobId(1), OnConflict::Refuse));
    let heard = bench.hear(JobId(1), None).await;
    assert_eq!(outcome(&heard).done.files, 2);
    let failed = |what: &&What| matches!(what, What::ItemFailed(e) if e.operation() == Operation::CreateDir);
    assert_eq!(heard.iter().filter(failed).count(), 1, "{heard:?}");
    assert!(!heard.iter().any(|what| matches!(what, What::Warning(_))), "{heard:?}");
}

#[tokio::test]
async fn a_failed_replacement_leaves_the_old_file() {
    let mut bench = start();
    bench.files.0.plant(&RemotePath::new("/to/from/a"), b"old").unwrap();
    let full = Error::new(ErrorKind::NoSpace, Operation::Close);
    bench.files.0.fail_next(Operation::Close, &RemotePath::new("/to/from/.a.wharf-part"), full);
    bench.engine.send(copy(JobId(1), OnConflict::Overwrite));
    let heard = bench.hear(JobId(1), None).await;
    assert_eq!(outcome(&heard).failed, 1);
    assert_eq!(bench.content("/to/from/a").as_deref(), Some(&b"old"[..]));
}

#[tokio::test]
async fn a_defect_ends_its_job_with_a_word() {
    let mut bench = start();
    bench.engine.send(Command::List { job: JobId(1), location: at("/defect") });
    let heard = bench.hear(JobId(1), None).await;
    assert!(matches!(heard.last(), Some(What::Failed(_))));
    // And everything else goes on.
    bench.engine.send(Command::List { job: JobId(2), location: at("/from") });
    outcome(&bench.hear(JobId(2), None).await);
}

#[tokio::test]
async fn a_job_that_waits_can_be_cancelled() {
    let mut bench = start();
    bench.engine.send(Command::List { job: JobId(1), location: at("/endless") });
    bench.engine.send(Command::Cancel { job: JobId(1) });
    assert!(matches!(bench.hear(JobId(1), None).await[..], [What::Cancelled]));
}

#[tokio::test]
async fn removing_takes_everything_below_and_nothing_beside() {
    let mut bench = start();
    bench.engine.send(Command::Remove { job: JobId(1), items: vec![at("/from/sub"), at("/from/a")] });
    let heard = bench.hear(JobId(1), None).await;
    assert_eq!((outcome(&heard).done.files, outcome(&heard).done.dirs, outcome(&heard).failed), (2, 1, 0));
    assert!(bench.content("/from/b").is_some());
    assert!(bench.content("/from/a").is_none());
}

#[tokio::test]
async fn a_move_removes_what_arrived() {
    let mut bench = start();
    bench.cannot_rename();
    bench.engine.send(transfer(JobId(1), OnConflict::Refuse, true));
    let heard = bench.hear(JobId(1), None).await;
    assert_eq!((outcome(&heard).done.files, outcome(&heard).failed), (3, 0));
    assert_eq!(bench.content("/to/from/sub/c").as_deref(), Some(&b"c"[..]));
    assert!(bench.files.0.lstat(&RemotePath::new("/from")).await.is_err());
}

#[tokio::test]
async fn a_move_that_is_not_whole_removes_nothing() {
    let mut bench = start();
    let broken = Error::new(ErrorKind::PermissionDenied, Operation::Read);
    bench.files.0.fail_next(Operation::Read, &RemotePath::new("/from/a"), broken);
    bench.cannot_rename();
    bench.engine.send(transfer(JobId(1), OnConflict::Refuse, true));
    assert_eq!(outcome(&bench.hear(JobId(1), None).await).failed, 1);
    for path in ["/from/a", "/from/b", "/from/sub/c"] {
        assert!(bench.content(path).is_some(), "{path}");
    }
    // A file that is there already, and is skipped, is no reason either.
    bench.files.0.plant(&RemotePath::new("/to/from/a"), b"another").unwrap();
    bench.cannot_rename();
    bench.engine.send(transfer(JobId(2), OnConflict::Skip, true));
    assert!(outcome(&bench.hear(JobId(2), None).await).skipped > 0);
    assert!(bench.content("/from/a").is_some() && bench.content("/from/b").is_some());
}

#[tokio::test]
async fn a_move_on_one_file_system_is_a_rename_where_nothing_is_in_the_way() {
    let mut bench = start();
    let from = bench.files.0.lstat(&RemotePath::new("/from/a")).await.unwrap();
    let policy = Policy { on_conflict: OnConflict::Skip, preserve: false, ..Policy::default() };
    bench.files.0.plant(&RemotePath::new("/to/b"), b"in the way").unwrap();
    let request = Request {
        sources: vec![at("/from/a"), at("/from/b")],
        target: at("/to"),
        landing: Landing::Into,
        policy,
        remove_source: true,
    };
    bench.engine.send(Command::Copy { job: JobId(1), request });
    let heard = bench.hear(JobId(1), None).await;
    assert_eq!((outcome(&heard).done.files, outcome(&heard).skipped), (1, 1));
    let to = bench.files.0.lstat(&RemotePath::new("/to/a")).await.unwrap();
    assert_eq!(to.attributes.mtime, from.attributes.mtime, "renamed, not written anew");
    assert!(bench.content("/from/a").is_none() && bench.content("/from/b").is_some());
}

#[tokio::test]
async fn the_same_copy_twice_at_once_is_one_copy_and_one_refusal_or_skip() {
    let mut bench = start();
    bench.engine.send(copy(JobId(1), OnConflict::Refuse));
    bench.engine.send(copy(JobId(2), OnConflict::Refuse));
    let mut ended = 0;
    while ended < 2 {
        let event = tokio::time::timeout(PATIENCE, bench.events.recv()).await.unwrap().unwrap();
        ended += u32::from(matches!(event.what, What::Done(_)));
        assert!(!matches!(event.what, What::Failed(_)), "{event:?}");
    }
    for (path, content) in [("/to/from/a", &b"aaa"[..]), ("/to/from/b", b"bbbb"), ("/to/from/sub/c", b"c")] {
        assert_eq!(bench.content(path).as_deref(), Some(content), "{path}");
    }
    for part in ["/to/from/.a.wharf-part", "/to/from/.a.2.wharf-part"] {
        assert!(bench.content(part).is_none(), "{part}");
    }
}

/// Progress of the job, once it is as wanted.
async fn progress(bench: &Bench, job: JobId, is: impl Fn(&Progress) -> bool) -> Progress {
    let mut board = bench.engine.progress();
    let waiting = async {
        loop {
            if let Some((_, progress)) = board.borrow_and_update().iter().find(|(id, _)| *id == job)
                && is(progress)
            {
                return progress.clone();
            }
            board.changed().await.unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_copy_keeps_to_its_limit_and_waits_while_it_is_paused() {
    // One whose bytes come here, and one that the file system copies by itself.
    for name in ["/from/big", "/from/within"] {
        let mut bench = start();
        bench.files.0.plant(&RemotePath::new(name), &vec![7; 4 << 20]).unwrap();
        let started = tokio::time::Instant::now();
        let Command::Copy { job, mut request } = copy(JobId(1), OnConflict::Refuse) else { unreachable!() };
        request.policy.limit = Some(1 << 20);
        bench.engine.send(Command::Copy { job, request });
        progress(&bench, job, |progress| progress.done.bytes > 1 << 20).await;
        bench.engine.send(Command::Pause { job, paused: true });
        let held = progress(&bench, job, |progress| progress.phase == Phase::Paused).await.done.bytes;
        tokio::time::sleep(Duration::from_secs(10)).await;
        let still = progress(&bench, job, |progress| progress.phase == Phase::Paused).await.done.bytes;
        assert!(still - held <= 128 << 10, "{name}: {held} {still}: what was on its way, and no more");
        bench.engine.send(Command::Pause { job, paused: false });
        assert_eq!(outcome(&bench.hear(job, None).await).done.files, 4);
        let took = started.elapsed().as_secs_f64();
        assert!((13.0..16.0).contains(&took), "{name}: 4 s by the rate and 10 s of pause: {took}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_common_limit_holds_all_jobs_and_can_be_lifted() {
    let mut bench = start();
    bench.files.0.plant(&RemotePath::new("/from/big"), &vec![7; 64 << 20]).unwrap();
    bench.engine.send(Command::Limit { job: None, rate: Some(1 << 20) });
    let started = tokio::time::Instant::now();
    bench.engine.send(copy(JobId(1), OnConflict::Refuse));
    progress(&bench, JobId(1), |progress| progress.done.bytes > 2 << 20).await;
    assert!(started.elapsed() > Duration::from_secs(1));
    bench.engine.send(Command::Limit { job: None, rate: None });
    bench.hear(JobId(1), None).await;
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_paused_copy_can_be_cancelled() {
    let mut bench = start();
    bench.files.0.plant(&RemotePath::new("/from/big"), &vec![7; 4 << 20]).unwrap();
    let Command::Copy { job, mut request } = copy(JobId(1), OnConflict::Refuse) else { unreachable!() };
    request.policy.limit = Some(1);
    bench.engine.send(Command::Copy { job, request });
    progress(&bench, job, |progress| progress.phase == Phase::Running).await;
    bench.engine.send(Command::Pause { job, paused: true });
    bench.engine.send(Command::Cancel { job });
    assert!(matches!(bench.hear(job, None).await.last(), Some(What::Cancelled)));
    assert_eq!(bench.content("/to/from/.big.wharf-part"), None);
}

#[tokio::test]
async fn transfers_wait_for_their_turn_in_an_order_that_can_be_changed() {
    let mut bench = start();
    bench.files.0.plant(&RemotePath::new("/from/big"), &vec![7; 4 << 20]).unwrap();
    for number in 1..=6 {
        let Command::Copy { job, mut request } = copy(JobId(number), OnConflict::Overwrite) else {
            unreachable!()
        };
        request.policy.limit = Some(1);
        bench.engine.send(Command::Copy { job, request });
        let phase = if number <= 3 { Phase::Running } else { Phase::Queued };
        progress(&bench, job, |progress| progress.phase == phase).await;
    }
    bench.engine.send(Command::Reorder { job: JobId(6), up: true });
    bench.engine.send(Command::Reorder { job: JobId(4), up: false });
    let mut board = bench.engine.progress();
    let in_order = board.wait_for(|board| {
        let jobs: Vec<u64> = board.iter().map(|(job, _)| job.0).collect();
        jobs == [1, 2, 3, 6, 4, 5]
    });
    tokio::time::timeout(PATIENCE, in_order).await.unwrap().unwrap();
    bench.engine.send(Command::Pause { job: JobId(6), paused: true });
    progress(&bench, JobId(6), |progress| progress.phase == Phase::Paused).await;
    bench.engine.send(Command::Cancel { job: JobId(2) });
    bench.hear(JobId(2), None).await;
    progress(&bench, JobId(4), |progress| progress.phase == Phase::Running).await;
    for (job, waits) in [(JobId(5), true), (JobId(6), true), (JobId(1), false)] {
        let phase = progress(&bench, job, |_| true).await.phase;
        assert_eq!(matches!(phase, Phase::Queued | Phase::Paused), waits, "{job:?} {phase:?}");
    }
    bench.engine.send(Command::Cancel { job: JobId(5) });
    assert!(matches!(bench.hear(JobId(5), None).await.last(), Some(What::Cancelled)));
    for number in [1, 3, 4, 6] {
        bench.engine.send(Command::Cancel { job: JobId(number) });
        assert!(matches!(bench.hear(JobId(number), None).await.last(), Some(What::Cancelled)));
    }
}

fn find(job: JobId, root: &str, text: &str) -> Command {
    let query = Query::new(text, Wanted::Anything, false).unwrap();
    Command::Find { job, location: at(root), query }
}

#[tokio::test]
async fn names_are_found_at_every_depth() {
    let mut bench = start();
    bench.engine.send(find(JobId(1), "/", "?"));
    let heard = bench.hear(JobId(1), None).await;
    let mut paths: Vec<String> = heard
        .iter()
        .filter_map(|what| if let What::Matches(found) = what { Some(found) } else { None })
        .flatten()
        .map(|found| found.path.to_string())
        .collect();
    paths.sort();
    assert_eq!(paths, ["/from/a", "/from/b", "/from/sub/c"]);
    let tally = heard.iter().rev().find_map(|what| if let What::Scanned(t) = what { Some(*t) } else { None });
    assert_eq!(tally, Some(Tally { dirs: 4, entries: 6, matches: 3 }));
    assert!(matches!(heard.last(), Some(What::Done(Outcome { failed: 0, .. }))));
}

#[tokio::test]
async fn more_than_can_be_shown_is_counted() {
    let mut bench = start();
    for n in 0..SHOWN + 5 {
        bench.files.0.plant(&RemotePath::new(format!("/many/{n}.x")), b"").unwrap();
    }
    bench.engine.send(find(JobId(1), "/many", ".x"));
    let heard = bench.hear(JobId(1), None).await;
    let shown: usize =
        heard.iter().map(|what| if let What::Matches(found) = what { found.len() } else { 0 }).sum();
    assert_eq!(shown as u64, SHOWN);
    let Some(What::Done(outcome)) = heard.last() else { panic!("{:?}", heard.last()) };
    assert_eq!(outcome.done.files, SHOWN + 5);
}

#[tokio::test]
async fn a_search_that_hangs_is_cancelled_and_one_folder_that_fails_is_named() {
    let mut bench = start();
    bench.files.0.plant_dir(&RemotePath::new("/endless")).unwrap();
    bench.engine.send(find(JobId(1), "/", "a"));
    bench.engine.send(Command::Cancel { job: JobId(1) });
    assert!(matches!(bench.hear(JobId(1), None).await.last(), Some(What::Cancelled)));
    bench.engine.send(find(JobId(2), "/from/a", "a"));
    let heard = bench.hear(JobId(2), None).await;
    assert!(
        matches!(&heard[0], What::ItemFailed(error) if error.kind() == ErrorKind::NotADirectory),
        "{heard:?}"
    );
    assert!(matches!(heard.last(), Some(What::Done(Outcome { failed: 1, .. }))));
}

#[tokio::test]
async fn folders_are_summed_up_each_by_itself() {
    let mut bench = start();
    let items = vec![at("/from"), at("/to"), at("/gone")];
    bench.engine.send(Command::Measure { job: JobId(1), items });
    let heard = bench.hear(JobId(1), None).await;
    let last = |path: &str| {
        heard.iter().rev().find_map(|what| match what {
            What::Measured { location, totals, standing } if *location == at(path) => {
                Some((*totals, *standing))
            }
            _ => None,
        })
    };
    let from = Totals { files: 3, dirs: 1, links: 0, bytes: 8 };
    assert_eq!(last("/from"), Some((from, Standing::Whole)));
    assert_eq!(last("/to"), Some((Totals::default(), Standing::Whole)));
    assert_eq!(last("/gone"), Some((Totals::default(), Standing::AtLeast)));
    assert!(matches!(heard.last(), Some(What::Done(Outcome { failed: 1, .. }))));
}

fn rename_all(job: JobId, names: &[(&str, &str)]) -> Command {
    let names = names.iter().map(|(from, to)| (from.as_bytes().into(), to.as_bytes().into())).collect();
    Command::RenameAll { job, folder: at("/many"), names }
}

async fn content(bench: &Bench, name: &str) -> Vec<u8> {
    let path = RemotePath::new(format!("/many/{name}"));
    let mut chunks = bench.files.read(&path, ReadOptions::default()).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(chunk) = futures::StreamExt::next(&mut chunks).await {
        bytes.extend_from_slice(&chunk.unwrap());
    }
    bytes
}

#[tokio::test]
async fn names_go_round_and_what_fails_is_named_alone() {
    let mut bench = start();
    for name in ["a", "b", "c", "d", "e"] {
        bench.files.0.plant(&RemotePath::new(format!("/many/{name}")), name.as_bytes()).unwrap();
    }
    let names = [("a", "b"), ("b", "c"), ("c", "a"), ("d", "e"), ("e", "f"), ("gone", "x")];
    bench.engine.send(rename_all(JobId(1), &names));
    let heard = bench.hear(JobId(1), None).await;
    let failed: Vec<_> = heard
        .iter()
        .filter_map(|what| if let What::ItemFailed(error) = what { Some(error) } else { None })
        .collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0].kind(), ErrorKind::NotFound);
    let Some(What::Done(outcome)) = heard.last() else { panic!("{heard:?}") };
    assert_eq!((outcome.done.files, outcome.failed), (5, 1));
    for (was, is) in [("a", "b"), ("b", "c"), ("c", "a"), ("d", "e"), ("e", "f")] {
        assert_eq!(content(&bench, is).await, was.as_bytes());
    }
}

#[tokio::test]
async fn what_waits_aside_goes_back_where_its_new_name_cannot_be_had() {
    let mut bench = start();
    for name in ["a", "b"] {
        bench.files.0.plant(&RemotePath::new(format!("/many/{name}")), name.as_bytes()).unwrap();
    }
    // Somebody has taken `b` away: its rename fails, and a new `b` may not be replaced.
    bench.files.remove_file(&RemotePath::new("/many/b")).await.unwrap();
    bench.files.0.plant_dir(&RemotePath::new("/many/b")).unwrap();
    bench.engine.send(rename_all(JobId(1), &[("a", "b"), ("b", "a"), ("x", "x")]));
    let heard = bench.hear(JobId(1), None).await;
    assert!(matches!(heard.last(), Some(What::Done(_))), "{heard:?}");
    let listed = bench.files.list(&RemotePath::new("/many")).await.unwrap();
    let names: Vec<_> = futures::StreamExt::collect::<Vec<_>>(listed)
        .await
        .into_iter()
        .flat_map(|b| b.unwrap())
        .map(|e| String::from_utf8_lossy(&e.name).into_owned())
        .collect();
    assert!(names.iter().all(|name| !name.starts_with(".wharf")), "{names:?}");
}
