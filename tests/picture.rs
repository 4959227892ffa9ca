//! The picture of the README is what the program draws: a lively moment, built through messages
//! and written as SVG. `WHARF_PICTURE=write cargo test --test picture` renews the file.

#[path = "picture/svg.rs"]
mod svg;

use std::{fs, path::Path, time::Duration};

use crossterm::event::{KeyCode, KeyModifiers};
use ratatui::{Terminal, backend::TestBackend, layout::Size};
use wharf::{
    engine::{Command, Event, JobId, What},
    fs::{Entry, FsId, Kind, Location, LogLine, Place, RemotePath, ServerInfo, Space, Timestamp},
    reply::Reply,
    transfer::{Outcome, Phase, Progress, Totals},
    ui::{
        keymap::Key,
        state::{Clock, Side, State},
        theme::{Background, Depth, Theme},
        update::{Effect, Msg, open, update},
        view,
    },
    words::Zone,
};

const FILE: &str = "assets/panes.svg";
const VARIABLE: &str = "WHARF_PICTURE";
const SIZE: Size = Size { width: 112, height: 25 };
/// 2026-11-20 21:00 UTC.
const NOW: i64 = 1_795_208_400;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

#[test]
fn the_picture_is_what_is_drawn() {
    let state = moment();
    let mut terminal = Terminal::new(TestBackend::new(SIZE.width, SIZE.height)).unwrap();
    terminal.draw(|frame| view::draw(frame, &state)).unwrap();
    let drawn = svg::picture(terminal.backend().buffer(), "wharf: two panes and a copy that runs");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    if std::env::var_os(VARIABLE).is_some_and(|value| value == "write") {
        fs::write(&file, &drawn).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == drawn,
        "{FILE} is not what the program draws any more: \
         renew it with {VARIABLE}=write cargo test --test picture, and look at it"
    );
}

/// Two panes, three files selected, one copy done and one on its way.
fn moment() -> State {
    let mut state = State::new(SIZE, RemotePath::new("/home/ann"));
    state.zone = Zone::Utc;
    state.theme = Theme { depth: Depth::True, background: Background::Dark, ..Theme::default() };
    let clock = Clock { now: Timestamp::from_seconds(NOW), running: Duration::from_secs(75) };
    tell(&mut state, Msg::Tick(clock));
    let local = Location::new(FsId::local(), RemotePath::new("/home/ann/site"));
    let info = ServerInfo { label: "local".into(), protocol: "local", trust: String::new() };
    show(&mut state, Side::Left, ".", local, info, here());
    let remote = Location::new(remote_fs(), RemotePath::new("/var/www/site"));
    let info = ServerInfo { label: "web-01".into(), protocol: "sftp", trust: "ed25519".into() };
    show(&mut state, Side::Right, "web-01:/var/www/site", remote, info, there());

    press(&mut state, &[KeyCode::Down, KeyCode::Down]);
    let first = copy(&mut state);
    let done = Totals { files: 34, dirs: 3, links: 0, bytes: 412_000 };
    tell(&mut state, event(first, What::Done(Outcome { done, ..Outcome::default() })));
    // Where the copy landed is listed again.
    fill(&mut state, Side::Right, there());

    press(&mut state, &[KeyCode::Up]);
    let second = copy(&mut state);
    let total = Totals { files: 180, dirs: 12, links: 0, bytes: 134_217_728 };
    tell(&mut state, event(second, What::Planned(total)));
    let progress = Progress {
        phase: Phase::Running,
        done: Totals { files: 128, dirs: 12, links: 0, bytes: 95_800_000 },
        total,
        current: "photos/harbour.jpg".into(),
        rate: 32_505_856.0,
        elapsed: Duration::from_secs(3),
        remaining: Some(Duration::from_secs(2)),
        ..Progress::default()
    };
    tell(&mut state, Msg::Progress(vec![(second, progress)]));
    let reply = LogLine {
        fs: remote_fs(),
        request: "CLOSE".into(),
        path: Some(RemotePath::new("/var/www/site/assets/.quay.jpeg.wharf-part")),
        reply: Reply::sftp(0, ""),
        elapsed: Duration::from_millis(21),
    };
    tell(&mut state, event(JobId::NONE, What::Log { lines: vec![reply], dropped: 0 }));
    let keys = [KeyCode::Down, KeyCode::Down, KeyCode::Down, KeyCode::Char(' '), KeyCode::Char(' ')];
    press(&mut state, &keys);
    state
}

fn remote_fs() -> FsId {
    FsId::new("sftp://ann@web-01:22")
}

fn here() -> Vec<Entry> {
    vec![
        entry("assets/", 0, 2 * DAY + 4 * HOUR),
        entry("templates/", 0, 9 * DAY),
        entry("changes.md", 12_288, HOUR),
        entry("deploy.sh", 1_730, 40 * DAY),
        entry("favicon.svg", 942, 300 * DAY),
        entry("harbour-at-night.jpeg", 3_701_200, 7 * DAY),
        entry("index.html", 4_301, 300),
        entry("notes.txt", 640, 26 * HOUR),
        entry("style.css", 18_022, 5 * HOUR),
        entry("sitemap.xml", 7_140, 30 * DAY),
    ]
}

fn there() -> Vec<Entry> {
    vec![
        entry("assets/", 0, 18 * DAY),
        entry("templates/", 0, 9 * DAY),
        entry("index.html", 4_199, 18 * DAY),
        entry("robots.txt", 28, 620 * DAY),
        entry("style.css", 17_410, 18 * DAY),
        entry("sitemap.xml", 7_140, 30 * DAY),
    ]
}

fn entry(name: &str, size: u64, age: i64) -> Entry {
    let (name, kind) = match name.strip_suffix('/') {
        Some(dir) => (dir, Kind::Dir),
        None => (name, Kind::File),
    };
    let mut entry = Entry::new(name.as_bytes(), kind);
    entry.attributes.size = Some(size);
    entry.attributes.mtime = Some(Timestamp::from_seconds(NOW - age));
    let mode = if kind == Kind::Dir || name.ends_with(".sh") { 0o755 } else { 0o644 };
    entry.attributes.mode = Some(mode);
    entry
}

fn tell(state: &mut State, msg: Msg) -> Vec<Effect> {
    update(state, msg)
}

fn event(job: JobId, what: What) -> Msg {
    Msg::Event(Event { job, what })
}

fn press(state: &mut State, keys: &[KeyCode]) {
    for key in keys {
        tell(state, Msg::Key(Key::new(*key, KeyModifiers::NONE)));
    }
}

/// Copies what is under the cursor.
fn copy(state: &mut State) -> JobId {
    let effects = tell(state, Msg::Key(Key::new(KeyCode::F(5), KeyModifiers::NONE)));
    let job = effects.iter().find_map(|effect| match effect {
        Effect::Send(Command::Copy { job, .. }) => Some(*job),
        _ => None,
    });
    job.expect("a copy starts")
}

fn show(
    state: &mut State,
    side: Side,
    place: &str,
    location: Location,
    info: ServerInfo,
    entries: Vec<Entry>,
) {
    open(state, side, Place::parse(place.as_bytes()).unwrap(), &mut Vec::new());
    let job = state.pane(side).job().expect("it connects");
    tell(state, event(job, What::Connected { location, info }));
    fill(state, side, entries);
}

fn fill(state: &mut State, side: Side, entries: Vec<Entry>) {
    let free = if side == Side::Left { 43_050_000_000 } else { 1_320_000_000_000 };
    let job = state.pane(side).job().expect("it lists");
    tell(state, event(job, What::Entries(entries)));
    tell(state, event(job, What::Space(Space { free, total: 2 * free })));
    tell(state, event(job, What::Done(Outcome::default())));
}
