//! Two directories compared and made as the plan says, through the engine: on files in memory,
//! whatever is in them and whatever the person has decided.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use proptest::prelude::*;
use tokio::sync::mpsc;
use wharf::{
    engine::{Command, Engine, Event, JobId, Options, What},
    fs::{
        Attributes, FileSystem, FsId, FtpOptions, Kind, Location, RemotePath, SshOptions, Timestamp,
        memory::Memory,
    },
    transfer::{
        OnConflict, Outcome, Policy,
        sync::{Comparison, Mode, Relation, Way},
    },
};

const PATIENCE: Duration = Duration::from_secs(30);

struct Bench {
    engine: Engine,
    events: mpsc::Receiver<Event>,
    files: Arc<Memory>,
    next: u64,
}

fn path(text: &str) -> RemotePath {
    RemotePath::new(text)
}

fn at(text: &str) -> Location {
    Location::new(FsId::local(), path(text))
}

impl Bench {
    fn new() -> Bench {
        let files = Arc::new(Memory::new("local"));
        files.plant_dir(&path("/l")).unwrap();
        files.plant_dir(&path("/r")).unwrap();
        let (engine, events) = Engine::start(Options {
            ssh: SshOptions::default(),
            ftp: FtpOptions::default(),
            local: files.clone(),
            current_dir: RemotePath::root(),
            home: RemotePath::root(),
            batch: true,
        });
        Bench { engine, events, files, next: 1 }
    }

    async fn plant(&self, place: &str, content: &[u8], mtime: i64) {
        self.files.plant(&path(place), content).unwrap();
        let mtime = Some(Timestamp::from_seconds(mtime));
        self.files
            .set_attributes(&path(place), &Attributes { mtime, ..Attributes::default() })
            .await
            .unwrap();
    }

    async fn run(&mut self, command: impl FnOnce(JobId) -> Command) -> (Vec<What>, Outcome) {
        let job = JobId(self.next);
        self.next += 1;
        self.engine.send(command(job));
        let mut heard = Vec::new();
        loop {
            let event = tokio::time::timeout(PATIENCE, self.events.recv()).await.unwrap().unwrap();
            if event.job != job {
                continue;
            }
            match event.what {
                What::Done(outcome) => return (heard, outcome),
                what @ (What::Failed(_) | What::Cancelled) => panic!("{what:?} after {heard:?}"),
                what => heard.push(what),
            }
        }
    }

    async fn compare(&mut self, content: bool) -> Comparison {
        let (heard, _) =
            self.run(|job| Command::Compare { job, left: at("/l"), right: at("/r"), content }).await;
        let mut comparison = Comparison::default();
        for what in heard {
            match what {
                What::Compared(pairs) => comparison.add(pairs),
                other => panic!("{other:?}"),
            }
        }
        comparison
    }

    async fn plant_sides(&self, left: &Tree, right: &Tree) {
        for (side, tree) in [("/l", left), ("/r", right)] {
            for (name, (length, time)) in tree {
                let content = vec![b'0' + length; usize::from(*length)];
                self.plant(&format!("{side}/{name}"), &content, i64::from(*time) * 1000).await;
            }
        }
    }

    async fn apply(&mut self, comparison: &Comparison) {
        for request in comparison.requests(&at("/l"), &at("/r")) {
            let (heard, outcome) = self.run(|job| Command::Copy { job, request }).await;
            assert_eq!(outcome.failed, 0, "{heard:?}");
        }
    }

    /// What stands at a path: a file's bytes, or nothing for a directory.
    async fn found(&self, place: &str) -> Option<Option<Vec<u8>>> {
        let entry = self.files.lstat(&path(place)).await.ok()?;
        Some((entry.kind == Kind::File).then(|| self.files.content(&path(place)).unwrap()))
    }
}

/// Paths of files with their content's length and their time.
type Tree = BTreeMap<String, (u8, u8)>;

fn tree() -> impl Strategy<Value = Tree> {
    let file = prop::sample::select(vec!["a", "b", "d/a", "d/b", "d/e/a", "d/e/b", "f/a", "f/g/a"]);
    prop::collection::btree_map(file.prop_map(str::to_owned), (1u8..4, 1u8..4), 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_sides_become_what_the_plan_promised(
        left in tree(),
        right in tree(),
        mode in 0usize..3,
        delete in any::<bool>(),
        own in prop::collection::vec((0usize..16, 0usize..4), 0..5),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut bench = Bench::new();
            bench.plant_sides(&left, &right).await;
            let mut comparison = bench.compare(false).await;
            comparison.set_mode([Mode::Right, Mode::Left, Mode::Both][mode]);
            comparison.set_deletes(delete);
            for (at, way) in own {
                if at < comparison.pairs().len() {
                    let ways = [None, Some(Way::Nothing), Some(Way::Right), Some(Way::Remove)];
                    comparison.set(at, ways[way]);
                }
            }
            let mut promised = BTreeMap::new();
            for (at, pair) in comparison.pairs().iter().enumerate() {
                let name = String::from_utf8_lossy(&pair.path).into_owned();
                let (here, there) =
                    (bench.found(&format!("/l/{name}")).await, bench.found(&format!("/r/{name}")).await);
                assert_eq!((here.is_some(), there.is_some()), (pair.left.is_some(), pair.right.is_some()));
                promised.insert(name, match comparison.way(at) {
                    Way::Nothing => (here, there),
                    Way::Right => (here.clone(), here),
                    Way::Left => (there.clone(), there),
                    Way::Remove => (None, None),
                });
            }
            let everything: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            assert!(everything.iter().all(|name| promised.contains_key(*name)), "all of it was found");
            bench.apply(&comparison).await;
            for (name, promised) in promised {
                let found =
                    (bench.found(&format!("/l/{name}")).await, bench.found(&format!("/r/{name}")).await);
                assert_eq!(found, promised, "{name}");
            }
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// With nobody to decide: afterwards both sides have every name, they differ only in what was
    /// named, and nothing is gone but what a newer one has replaced.
    #[test]
    fn both_ways_lose_nothing(left in tree(), right in tree(), newer in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut bench = Bench::new();
            bench.plant_sides(&left, &right).await;
            let on_conflict = if newer { OnConflict::Newer } else { OnConflict::Refuse };
            let found = bench.compare(false).await.pairs().to_vec();
            let comparison = Comparison::both_ways(found, on_conflict);
            let alone: BTreeSet<String> = comparison
                .left_alone()
                .map(|(pair, _)| String::from_utf8_lossy(&pair.path).into_owned())
                .collect();
            let policy = Policy { on_conflict, ..Policy::default() };
            for request in comparison.requests_under(&at("/l"), &at("/r"), &policy) {
                let (heard, outcome) = bench.run(|job| Command::Copy { job, request }).await;
                assert_eq!((outcome.failed, outcome.removed), (0, 0), "{heard:?}");
            }
            for name in left.keys().chain(right.keys()).collect::<BTreeSet<_>>() {
                let here = bench.found(&format!("/l/{name}")).await.unwrap().unwrap();
                let there = bench.found(&format!("/r/{name}")).await.unwrap().unwrap();
                let was = |tree: &Tree| tree.get(name).map(|(length, _)| vec![b'0' + length; usize::from(*length)]);
                let is_old = |content: &Option<Vec<u8>>| content.as_ref().is_none_or(|old| *old == here || *old == there);
                match alone.contains(name) {
                    true => assert_eq!((was(&left), was(&right)), (Some(here), Some(there)), "{name}"),
                    false => {
                        assert_eq!(here, there, "{name}");
                        let time = |tree: &Tree| tree.get(name).map_or(0, |(_, time)| *time);
                        let (a, b) = (time(&left), time(&right));
                        let newest = if a >= b { was(&left) } else { was(&right) };
                        assert_eq!(newest.as_ref(), Some(&here), "{name}");
                        let replaced = newer && left.contains_key(name) && right.contains_key(name);
                        assert!(replaced || (is_old(&was(&left)) && is_old(&was(&right))), "{name}");
                    }
                }
            }
        });
    }
}

#[tokio::test]
async fn after_both_ways_nothing_differs() {
    let mut bench = Bench::new();
    bench.plant("/l/new", b"1", 1000).await;
    bench.plant("/l/deep/er/x", b"22", 9000).await;
    bench.plant("/r/deep/er/x", b"old", 2000).await;
    bench.plant("/l/back", b"old", 2000).await;
    bench.plant("/r/back", b"new!", 9000).await;
    bench.plant("/r/only/there", b"5", 1000).await;
    let mut comparison = bench.compare(false).await;
    comparison.set_mode(Mode::Both);
    bench.apply(&comparison).await;
    let after = bench.compare(false).await;
    let differing: Vec<_> = after.pairs().iter().filter(|pair| pair.relation != Relation::Same).collect();
    assert!(differing.is_empty(), "{differing:?}");
    assert_eq!(bench.found("/l/back").await, Some(Some(b"new!".to_vec())));
    assert_eq!(bench.found("/r/deep/er/x").await, Some(Some(b"22".to_vec())));
}

#[tokio::test]
async fn bytes_tell_what_size_and_time_do_not() {
    let mut bench = Bench::new();
    bench.plant("/l/x", b"abc", 1000).await;
    bench.plant("/r/x", b"abd", 1000).await;
    bench.plant("/l/y", b"same", 1000).await;
    bench.plant("/r/y", b"same", 5000).await;
    let relations = |comparison: &Comparison| -> Vec<Relation> {
        comparison.pairs().iter().map(|pair| pair.relation).collect()
    };
    assert_eq!(relations(&bench.compare(false).await), [Relation::Same, Relation::NewerRight]);
    assert_eq!(relations(&bench.compare(true).await), [Relation::Different, Relation::Same]);
}

#[tokio::test]
async fn a_folder_inside_the_other_is_not_compared() {
    let mut bench = Bench::new();
    bench.files.plant_dir(&path("/l/in")).unwrap();
    let job = JobId(7);
    bench.engine.send(Command::Compare { job, left: at("/l"), right: at("/l/in"), content: false });
    let event = tokio::time::timeout(PATIENCE, bench.events.recv()).await.unwrap().unwrap();
    assert!(matches!(event.what, What::Failed(_)), "{event:?}");
}

#[tokio::test]
async fn what_changed_into_something_else_meanwhile_is_reported_and_kept() {
    let mut bench = Bench::new();
    bench.plant("/l/d/x", b"1", 1000).await;
    bench.plant("/r/d/x", b"22", 500).await;
    bench.plant("/r/gone", b"3", 500).await;
    let mut comparison = bench.compare(false).await;
    comparison.set_deletes(true);
    // Something new that nobody has seen, in either place.
    bench.plant("/l/late", b"late", 1).await;
    bench.plant("/r/later", b"later", 1).await;
    // What was to go has come to the left side as well.
    bench.plant("/l/gone", b"3", 500).await;
    bench.apply(&comparison).await;
    assert_eq!(bench.found("/r/late").await, None);
    assert_eq!(bench.found("/r/later").await, Some(Some(b"later".to_vec())));
    assert_eq!(bench.found("/r/gone").await, Some(Some(b"3".to_vec())));
    assert_eq!(bench.found("/r/d/x").await, Some(Some(b"1".to_vec())));
}

/// What a person has chosen and decided is what a transfer that was interrupted goes on with.
#[test]
fn a_record_keeps_what_was_chosen_and_decided() {
    use wharf::transfer::{
        Chosen, Decisions, Landing, Request,
        journal::{create, open},
    };
    let dir = tempfile::tempdir().unwrap();
    let chosen = Chosen {
        copy: [path("/r/a"), path("/r/line\nbreak"), RemotePath::new(b"/r/\xff")].into(),
        remove: [path("/r/old")].into(),
    };
    let request = Request {
        sources: vec![at("/l")],
        target: at("/r"),
        landing: Landing::Onto,
        policy: Policy { chosen: Some(Arc::new(chosen)), jobs: Some(3), ..Policy::default() },
        remove_source: false,
    };
    let url = |_: &FsId| "local".to_owned();
    let journal = create(dir.path(), &request, &url, 0).unwrap();
    let items = [(path("/r/a"), OnConflict::Rename), (RemotePath::new(b"/r/\xff"), OnConflict::Skip)];
    let decisions = Decisions { rest: OnConflict::Newer, items: items.into() };
    journal.decide(decisions.clone());
    let id = journal.id().unwrap();
    drop(journal);
    let (journal, stored) = open(dir.path(), &id).unwrap();
    assert_eq!(stored.request.policy.chosen, request.policy.chosen);
    assert_eq!(stored.request.policy.jobs, Some(3));
    let mut policy = stored.request.policy;
    journal.apply(&mut policy);
    assert_eq!((policy.on_conflict, &*policy.decided), (decisions.rest, &decisions.items));

    // Where a part of what was chosen is lost, what is left of it is not done in its place.
    drop(journal);
    let file = dir.path().join(&id).with_extension("jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    let cut: String =
        text.lines().filter(|line| !line.contains("unwanted")).map(|line| format!("{line}\n")).collect();
    assert_ne!(cut, text);
    std::fs::write(&file, cut).unwrap();
    assert!(open(dir.path(), &id).is_err());
}

/// The list of all records locks each for a moment: somebody else was told that it is at work.
#[test]
fn a_record_that_somebody_looks_at_can_be_gone_on_with() {
    use wharf::transfer::{
        Landing, Request,
        journal::{create, open},
    };
    let dir = tempfile::tempdir().unwrap();
    let request = Request {
        sources: vec![at("/l")],
        target: at("/r"),
        landing: Landing::Onto,
        policy: Policy::default(),
        remove_source: false,
    };
    let journal = create(dir.path(), &request, &|_: &FsId| "local".to_owned(), 0).unwrap();
    let id = journal.id().unwrap();
    drop(journal);
    let looking = std::fs::File::open(dir.path().join(&id).with_extension("jsonl")).unwrap();
    looking.lock_shared().unwrap();
    std::thread::scope(|scope| {
        let opening = scope.spawn(|| open(dir.path(), &id).map(drop));
        // It is to meet the lock, and waits longer than this for it.
        std::thread::sleep(std::time::Duration::from_millis(100));
        looking.unlock().unwrap();
        opening.join().unwrap().unwrap();
    });
    let working = open(dir.path(), &id).unwrap();
    assert!(open(dir.path(), &id).is_err(), "somebody is at work on it");
    drop(working);
}
