//! What the program is fast at, measured: copies, plans and listings by the engine, in memory and over
//! a loopback to our own server, lines of listings read, rows sorted and filtered, frames drawn, and
//! keys answered in a storm of events. Prints figures and judges none. `cargo bench`, or `cargo bench -- WORD` for some of them.

use std::{
    hint::black_box,
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, Instant},
};

use crossterm::event::{KeyCode, KeyModifiers};
use ratatui::{Terminal, backend::TestBackend, layout::Size};
use tokio::sync::mpsc;
use wharf::{
    engine::{Command, Engine, Event, JobId, Options, What},
    fs::{
        Entry, FsId, FtpOptions, Kind, Location, Place, RemotePath, ServerInfo, SshOptions, Timestamp,
        entry::{Sort, SortKey},
        ftp::listing::{Line, Parser},
        memory::Memory,
    },
    serve::{self, Server, Share},
    transfer::{Landing, Outcome, Policy, Progress, Request, Totals},
    ui::{
        keymap::Key,
        state::{Clock, Side, State},
        update::{Effect, Msg, open, update},
        view,
    },
};

const ROWS: usize = 100_000;
/// 2026-11-20 21:00 UTC.
const NOW: i64 = 1_795_208_400;

type Work = fn(&str);

fn main() {
    // cargo passes --bench, and whatever the person wrote.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    let benches: [(&str, Work); 11] = [
        ("memory: one file of 256 MiB", |name| copies(name, false, Source::Big)),
        ("memory: 10,000 files of 4 KiB", |name| copies(name, false, Source::Small)),
        ("loopback: one file of 256 MiB", |name| copies(name, true, Source::Big)),
        ("loopback: 10,000 files of 4 KiB", |name| copies(name, true, Source::Small)),
        ("memory: plan of 100,000 files", plan),
        ("loopback: NAME packets, 100,000 entries", names),
        ("LIST, 100,000 lines", list),
        ("MLSD, 100,000 lines", mlsd),
        ("pane, 100,000 rows", pane),
        ("frame, 100,000 rows", frame),
        ("a key in a storm of events", storm),
    ];
    for (name, bench) in benches {
        if wanted(name) {
            bench(name);
        }
    }
}

/// Prints the quickest and the median of some runs; `units` are how many of what are done in one.
fn measure<T>(name: &str, runs: usize, units: f64, unit: &str, mut work: impl FnMut() -> T) {
    let mut times: Vec<f64> = (0..runs.max(1))
        .map(|_| {
            let since = Instant::now();
            black_box(work());
            since.elapsed().as_secs_f64()
        })
        .collect();
    report(name, &mut times, units, unit);
}

fn report(name: &str, times: &mut [f64], units: f64, unit: &str) {
    times.sort_by(f64::total_cmp);
    let (best, median) = (times[0], times[times.len() / 2]);
    println!(
        "{name:<48} {:>9.2} ms, median {:>9.2} ms, {:>11.0} {unit}/s",
        best * 1e3,
        median * 1e3,
        units / best
    );
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Big,
    Small,
    /// As many empty files as a pane has rows, in directories of so many.
    Empty(usize),
}

/// An engine whose local files are in memory, perhaps with a server beside it.
struct Bench {
    engine: Engine,
    events: mpsc::Receiver<Event>,
    next: u64,
    _server: Option<Server>,
    _dir: tempfile::TempDir,
}

impl Bench {
    async fn run(&mut self, command: impl FnOnce(JobId) -> Command) -> Option<FsId> {
        self.next += 1;
        let job = JobId(self.next);
        self.engine.send(command(job));
        let mut connected = None;
        while let Some(event) = self.events.recv().await {
            match event.what {
                What::Connected { location, .. } if event.job == job => connected = Some(location.fs),
                What::Failed(error) if event.job == job => panic!("{error:?}"),
                What::ItemFailed(error) => panic!("{error:?}"),
                What::Done(_) if event.job == job => break,
                _ => {}
            }
        }
        connected
    }
}

/// A file system in memory that holds `source` at `/from`.
fn planted(id: &str, source: Source) -> Memory {
    let memory = Memory::new(id);
    match source {
        Source::Big => memory.plant(&RemotePath::new("/from/big"), &vec![7; 256 << 20]).unwrap(),
        Source::Small => {
            for at in 0..10_000 {
                memory.plant(&RemotePath::new(format!("/from/{}/{at}", at % 100)), &[7; 4096]).unwrap();
            }
        }
        Source::Empty(each) => {
            for at in 0..ROWS {
                let path = format!("/from/{}/file {at}.txt", at / each);
                memory.plant(&RemotePath::new(path), &[]).unwrap();
            }
        }
    }
    memory
}

fn copies(name: &str, loopback: bool, source: Source) {
    let (units, unit) = match source {
        Source::Big => (256.0, "MiB"),
        Source::Small => (10_000.0, "files"),
        Source::Empty(_) => (ROWS as f64, "files"),
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ways: &[&str] = if loopback { &["get", "put"] } else { &["copy"] };
    for way in ways {
        let mut times: Vec<f64> =
            (0..3).map(|_| runtime.block_on(one_copy(loopback, source, *way == "get"))).collect();
        report(&format!("{name}, {way}"), &mut times, units, unit);
    }
}

/// An engine with these files, and with a server that has those, if any; where the latter are.
async fn start(local: Memory, there: Option<Memory>) -> (Bench, FsId) {
    let dir = tempfile::tempdir().unwrap();
    let mut server = None;
    let mut place = None;
    if let Some(there) = there {
        let share = Share { fs: Arc::new(there), user: "ann".into(), password: "tide".into() };
        let started = serve::start(share, (Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        place = Some(format!("sftp://ann:tide@127.0.0.1:{}/", started.addr().port()));
        server = Some(started);
    }
    std::fs::write(dir.path().join("config"), "").unwrap();
    let ssh = SshOptions {
        config_file: Some(dir.path().join("config")),
        known_hosts: Some(dir.path().join("known_hosts")),
        accept_new: true,
        ..SshOptions::default()
    };
    let (engine, events) = Engine::start(Options {
        ssh,
        ftp: FtpOptions::default(),
        local: Arc::new(local),
        current_dir: RemotePath::root(),
        home: RemotePath::root(),
        batch: true,
    });
    let mut bench = Bench { engine, events, next: 0, _server: server, _dir: dir };
    let mut far = FsId::local();
    if let Some(place) = place {
        let place = Place::parse(place.as_bytes()).unwrap();
        far = bench.run(|job| Command::Open { job, place }).await.unwrap();
    }
    (bench, far)
}

fn from_to(from: FsId, to: FsId) -> Request {
    Request {
        sources: vec![Location::new(from, RemotePath::new("/from"))],
        target: Location::new(to, RemotePath::new("/to")),
        landing: Landing::Auto,
        policy: Policy::default(),
        remove_source: false,
    }
}

/// Seconds that one copy takes, from the request to its end.
async fn one_copy(loopback: bool, source: Source, get: bool) -> f64 {
    let (here, there) = match (loopback, get) {
        (false, _) => (planted("local", source), None),
        (true, true) => (Memory::new("local"), Some(planted("there", source))),
        (true, false) => (planted("local", source), Some(Memory::new("there"))),
    };
    let (mut bench, far) = start(here, there).await;
    let request = if get { from_to(far, FsId::local()) } else { from_to(FsId::local(), far) };
    let since = Instant::now();
    bench.run(|job| Command::Copy { job, request }).await;
    since.elapsed().as_secs_f64()
}

/// A dry run of a copy: both trees gone through, and every step told.
fn plan(name: &str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (mut bench, _) = runtime.block_on(start(planted("local", Source::Empty(1_000)), None));
    measure(name, 3, ROWS as f64, "files", || {
        let request = from_to(FsId::local(), FsId::local());
        runtime.block_on(bench.run(|job| Command::Plan { job, request }));
    });
}

/// One directory as our own server lists it.
fn names(name: &str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let there = planted("there", Source::Empty(ROWS));
    let (mut bench, far) = runtime.block_on(start(Memory::new("local"), Some(there)));
    measure(name, 5, ROWS as f64, "entries", || {
        let location = Location::new(far.clone(), RemotePath::new("/from/0"));
        runtime.block_on(bench.run(|job| Command::List { job, location }));
    });
}

fn list(name: &str) {
    let lines: String = (0..ROWS)
        .map(|at| {
            format!(
                "-rw-r--r--   1 ann      staff   {:>10} Nov {:>2} 12:{:02} file {at}.txt\r\n",
                at * 37,
                at % 28 + 1,
                at % 60
            )
        })
        .collect();
    let now = Timestamp::from_seconds(NOW);
    parse(name, &lines, || Parser::list(now, Some(0)));
}

fn mlsd(name: &str) {
    let lines: String = (0..ROWS)
        .map(|at| {
            format!(
                "type=file;size={};modify=202611{:02}121500;UNIX.mode=0644; file {at}.txt\r\n",
                at * 37,
                at % 28 + 1
            )
        })
        .collect();
    parse(name, &lines, Parser::mlsd);
}

fn parse(name: &str, lines: &str, parser: impl Fn() -> Parser) {
    measure(name, 5, ROWS as f64, "lines", || {
        let mut parser = parser();
        // As they come from a socket.
        let mut entries = 0;
        let count = |lines: Vec<Line>| lines.iter().filter(|line| matches!(line, Line::Entry(_))).count();
        for chunk in lines.as_bytes().chunks(32 << 10) {
            entries += count(parser.feed(chunk));
        }
        entries += count(parser.finish());
        assert_eq!(entries, ROWS);
    });
}

fn entries(count: usize) -> Vec<Entry> {
    (0..count)
        .map(|at| {
            // Far from any order.
            let number = at.wrapping_mul(7_919) % count;
            let mut entry = Entry::new(format!("file {number}.txt").into_bytes(), Kind::File);
            entry.attributes.size = Some(number as u64 * 37);
            entry.attributes.mtime = Some(Timestamp::from_seconds(NOW - number as i64));
            entry.attributes.mode = Some(0o644);
            entry
        })
        .collect()
}

/// Two panes: the left one with `count` rows, the right one empty.
fn panes(count: usize) -> State {
    let mut state = State::new(Size::new(140, 40), RemotePath::new("/home/ann"));
    tick(&mut state, 1);
    for (side, rows) in [(Side::Left, count), (Side::Right, 0)] {
        let job = open_pane(&mut state, side);
        for batch in entries(rows).chunks(1000) {
            event(&mut state, job, What::Entries(batch.to_vec()));
        }
        event(&mut state, job, What::Done(Outcome::default()));
    }
    state
}

fn open_pane(state: &mut State, side: Side) -> JobId {
    let mut effects: Vec<Effect> = Vec::new();
    open(state, side, Place::parse(b".").unwrap(), &mut effects);
    let job = state.pane(side).job().expect("a job");
    let location = Location::new(FsId::local(), RemotePath::new("/home/ann"));
    let info = ServerInfo { label: "local".into(), protocol: "local", trust: String::new() };
    event(state, job, What::Connected { location, info });
    state.pane(side).job().unwrap_or(job)
}

fn event(state: &mut State, job: JobId, what: What) {
    black_box(update(state, Msg::Event(Event { job, what })));
}

fn tick(state: &mut State, millis: u64) {
    let now = Timestamp::from_seconds(NOW);
    black_box(update(state, Msg::Tick(Clock { now, running: Duration::from_millis(millis) })));
}

fn pane(name: &str) {
    let mut state = panes(ROWS);
    let listing = &mut state.active_mut().view.listing;
    for (key, word) in [(SortKey::Size, "size"), (SortKey::Modified, "time"), (SortKey::Name, "name")] {
        let mut descending = false;
        measure(&format!("{name}, sorted by {word}"), 5, ROWS as f64, "rows", || {
            descending = !descending;
            listing.set_sort(Sort { key, descending, ..Sort::default() });
        });
    }
    measure(&format!("{name}, filtered"), 5, ROWS as f64, "rows", || {
        listing.set_filter("77");
        listing.set_filter("");
    });
}

fn frame(name: &str) {
    let state = panes(ROWS);
    let mut terminal = Terminal::new(TestBackend::new(140, 40)).unwrap();
    measure(name, 50, 1.0, "frames", || {
        terminal.draw(|frame| view::draw(frame, &state)).unwrap();
    });
}

/// Keys while a listing of 100,000 entries comes in and a transfer of 500 MB a second reports: how
/// long from a key to the frame that answers it, with all that waited in front of it.
fn storm(name: &str) {
    let mut state = panes(ROWS);
    let listing = open_pane(&mut state, Side::Right);
    let mut terminal = Terminal::new(TestBackend::new(140, 40)).unwrap();
    let mut batches = entries(ROWS).chunks(100).map(<[Entry]>::to_vec).collect::<Vec<_>>();
    let mut times = Vec::new();
    for step in 0..500u64 {
        // What comes in between two frames: some batches, one look at the board, a tick.
        let since = Instant::now();
        for batch in batches.split_off(batches.len().saturating_sub(2)) {
            event(&mut state, listing, What::Entries(batch));
        }
        let progress = Progress {
            done: Totals { bytes: step * 8_000_000, files: step, ..Totals::default() },
            rate: 500e6,
            elapsed: Duration::from_millis(step * 16),
            ..Progress::default()
        };
        black_box(update(&mut state, Msg::Progress(vec![(JobId(9_999), progress)])));
        tick(&mut state, 16 * step);
        let key = if step % 50 < 25 { KeyCode::Down } else { KeyCode::Up };
        black_box(update(&mut state, Msg::Key(Key::new(key, KeyModifiers::NONE))));
        terminal.draw(|frame| view::draw(frame, &state)).unwrap();
        times.push(since.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    println!(
        "{name:<48} p50 {:.2} ms, p99 {:.2} ms, longest {:.2} ms; a frame is 16 ms",
        at(0.5),
        at(0.99),
        at(1.0)
    );
}
