//! The screens as people see them, and what keys do to them: state and messages in, text out.

#[path = "screens/compare.rs"]
mod compare;
#[path = "screens/connect.rs"]
mod connect;
#[path = "screens/drag.rs"]
mod drag;
#[path = "screens/files.rs"]
mod files;
#[path = "screens/find.rs"]
mod find;
#[path = "screens/goto.rs"]
mod goto;
#[path = "screens/hold.rs"]
mod hold;
#[path = "screens/jobs.rs"]
mod jobs;
#[path = "screens/keys.rs"]
mod keys;
#[path = "screens/log.rs"]
mod log;
#[path = "screens/look.rs"]
mod look;
#[path = "screens/looks.rs"]
mod looks;
#[path = "screens/places.rs"]
mod places;
#[path = "screens/rename.rs"]
mod rename;
#[path = "screens/review.rs"]
mod review;
#[path = "screens/seen.rs"]
mod seen;
#[path = "screens/signs.rs"]
mod signs;
#[path = "screens/tabs.rs"]
mod tabs;
#[path = "screens/viewer.rs"]
mod viewer;
#[path = "screens/views.rs"]
mod views;
#[path = "screens/waits.rs"]
mod waits;
#[path = "screens/workspaces.rs"]
mod workspaces;

use std::time::Duration;

use crossterm::event::{KeyCode, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::{Terminal, backend::TestBackend, layout::Size};
use wharf::{
    engine::{Answer, Ask, Command, Event, JobId, QuestionId, What},
    fs::{
        Entry, Error, ErrorKind, FsId, Kind, Location, LogLine, Operation, Place, RemotePath, ServerInfo,
        Space, Stage, Timestamp, entry::SortKey,
    },
    reply::Reply,
    transfer::{Conflict, OnConflict, Outcome, Phase as TransferPhase, Progress, Totals},
    trust,
    ui::{
        action::Action,
        keymap::Key,
        layout::{self, Hit},
        state::{Clock, Overlay, Phase, Side, State, highlight::Chunk, picture::Wanted},
        update::{Effect, Msg, Outside, open, update},
        view,
    },
    words::Zone,
};

/// 2026-11-20 21:00 UTC.
const NOW: i64 = 1_795_208_400;
const DAY: i64 = 86_400;
const SIZES: [(u16, u16); 3] = [(40, 10), (80, 24), (140, 40)];

/// A state with the effects that came of it.
struct Ui {
    state: State,
    sent: Vec<Command>,
    kept: Vec<wharf::config::Change>,
    signs: Vec<wharf::ui::update::Sign>,
    outside: Vec<Outside>,
    demos: usize,
    opened: Vec<(RemotePath, bool)>,
    chunks: Vec<Chunk>,
    pictures: Vec<Wanted>,
    quit: bool,
}

impl Ui {
    fn new(width: u16, height: u16) -> Ui {
        let mut state = State::new(Size::new(width, height), RemotePath::new("/home/ann"));
        state.zone = Zone::Utc;
        let mut ui = Ui {
            state,
            sent: Vec::new(),
            kept: Vec::new(),
            signs: Vec::new(),
            outside: Vec::new(),
            demos: 0,
            opened: Vec::new(),
            chunks: Vec::new(),
            pictures: Vec::new(),
            quit: false,
        };
        ui.at(1);
        ui
    }

    fn at(&mut self, seconds: u64) {
        let now = Timestamp::from_seconds(NOW);
        self.msg(Msg::Tick(Clock { now, running: Duration::from_secs(seconds) }));
    }

    fn msg(&mut self, msg: Msg) {
        let effects = update(&mut self.state, msg);
        self.take(effects);
    }

    fn take(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(command) => self.sent.push(command),
                Effect::Keep(change) => self.kept.push(change),
                Effect::Quit => self.quit = true,
                Effect::Outside(outside) => self.outside.push(outside),
                Effect::SetTitle(_) => {}
                Effect::StartDemo => self.demos += 1,
                Effect::Open { path, read_only } => self.opened.push((path, read_only)),
                Effect::Highlight(chunk) => self.chunks.push(*chunk),
                Effect::Picture(wanted) => self.pictures.push(*wanted),
                Effect::Terminal(sign) => self.signs.push(sign),
            }
        }
    }

    fn event(&mut self, job: JobId, what: What) {
        self.msg(Msg::Event(Event { job, what }));
    }

    /// Presses keys written as `F5`, `^G`, `Alt-Left`, `Enter`, `x`.
    fn press(&mut self, keys: &str) {
        for key in keys.split_whitespace() {
            self.msg(Msg::Key(parse(key)));
        }
    }

    fn type_text(&mut self, text: &str) {
        for c in text.chars() {
            self.msg(Msg::Key(Key::new(KeyCode::Char(c), KeyModifiers::NONE)));
        }
    }

    fn open(&mut self, side: Side, place: &str) -> JobId {
        let place = Place::parse(place.as_bytes()).unwrap();
        let mut effects = Vec::new();
        open(&mut self.state, side, place, &mut effects);
        self.take(effects);
        self.job(side)
    }

    fn job(&self, side: Side) -> JobId {
        self.state.pane(side).job().expect("the pane waits for something")
    }

    /// Opens a place and fills it.
    fn show(
        &mut self,
        side: Side,
        place: &str,
        (location, info): (Location, ServerInfo),
        entries: Vec<Entry>,
    ) {
        let job = self.open(side, place);
        self.event(job, What::Connected { location, info });
        self.fill(side, entries);
    }

    fn fill(&mut self, side: Side, entries: Vec<Entry>) {
        let job = self.job(side);
        self.event(job, What::Entries(entries));
        self.event(job, What::Space(Space { free: 43_050_000_000, total: 100_000_000_000 }));
        self.event(job, What::Done(Outcome::default()));
    }

    fn last(&self) -> &Command {
        self.sent.last().expect("a command was sent")
    }

    fn listed(&self) -> Location {
        match self.last() {
            Command::List { location, .. } => location.clone(),
            other => panic!("no listing: {other:?}"),
        }
    }

    fn says(&self, text: &str) -> bool {
        self.state.notice.as_ref().is_some_and(|notice| notice.text.contains(text))
    }

    fn cursor_name(&self, side: Side) -> String {
        let item = self.state.pane(side).view.current();
        item.map_or("..".to_owned(), |item| String::from_utf8_lossy(&item.entry.name).into_owned())
    }

    fn screen(&self) -> String {
        let size = self.state.size;
        let mut terminal = Terminal::new(TestBackend::new(size.width, size.height)).unwrap();
        terminal.draw(|frame| view::draw(frame, &self.state)).unwrap();
        // The backend cannot print a screen without columns.
        if size.width == 0 { String::new() } else { terminal.backend().to_string() }
    }

    fn find(&self, wanted: impl Fn(Hit) -> bool) -> (u16, u16) {
        let areas = layout::layout(self.state.size, &self.state);
        let size = self.state.size;
        (0..size.height)
            .flat_map(|y| (0..size.width).map(move |x| (x, y)))
            .find(|(x, y)| wanted(layout::hit(&areas, &self.state, *x, *y)))
            .expect("it is on the screen")
    }

    fn mouse(&mut self, kind: MouseEventKind, (column, row): (u16, u16)) {
        self.msg(Msg::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
    }

    fn click(&mut self, at: (u16, u16)) {
        self.mouse(MouseEventKind::Down(MouseButton::Left), at);
    }
}

fn parse(text: &str) -> Key {
    let modifiers = [
        ("Alt-", KeyModifiers::ALT),
        ("Ctrl-", KeyModifiers::CONTROL),
        ("Shift-", KeyModifiers::SHIFT),
        ("^", KeyModifiers::CONTROL),
    ];
    let (mods, name) = modifiers
        .iter()
        .find_map(|(prefix, mods)| Some((*mods, text.strip_prefix(prefix).filter(|name| !name.is_empty())?)))
        .unwrap_or((KeyModifiers::NONE, text));
    let code = match name {
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Tab" => KeyCode::Tab,
        // As terminals report it.
        "BackTab" => KeyCode::BackTab,
        "Space" => KeyCode::Char(' '),
        "Ins" => KeyCode::Insert,
        "Up" => KeyCode::Up,
        "Down" => KeyCode::Down,
        "Left" => KeyCode::Left,
        "Right" => KeyCode::Right,
        "Home" => KeyCode::Home,
        "End" => KeyCode::End,
        "PgDn" => KeyCode::PageDown,
        "PgUp" => KeyCode::PageUp,
        "Backspace" => KeyCode::Backspace,
        "Del" => KeyCode::Delete,
        name if name.len() > 1 && name.starts_with('F') => KeyCode::F(name[1..].parse().unwrap()),
        name => KeyCode::Char(name.chars().next().unwrap()),
    };
    Key::new(code, mods)
}

fn entry(name: &str, size: u64, age: i64) -> Entry {
    let (name, kind) = match name.strip_suffix('/') {
        Some(dir) => (dir, Kind::Dir),
        None => (name, Kind::File),
    };
    let mut entry = Entry::new(name.as_bytes(), kind);
    entry.attributes.size = Some(size);
    entry.attributes.mtime = Some(Timestamp::from_seconds(NOW - age));
    entry.attributes.mode = Some(if kind == Kind::Dir { 0o755 } else { 0o644 });
    entry.owner = Some("ann".into());
    entry
}

fn site() -> Vec<Entry> {
    let mut link = entry("current", 9, 3 * DAY);
    link.kind = Kind::Symlink;
    link.target_kind = Some(Kind::Dir);
    vec![
        entry("assets/", 4096, 2 * DAY + 40_000),
        entry("index.html", 4301, 60 * 5),
        entry("notes.md", 12_288, 60 * 60),
        entry("photo-of-the-harbour-at-night-2024.jpeg", 3_700_000, 400 * DAY),
        entry(".env", 120, 20 * DAY),
        entry("日本語のファイル名.txt", 28, 900 * DAY),
        entry("e\u{301}te\u{301}.txt", 1023, 200 * DAY),
        entry("evil\u{202e}gpj.\x1b[2Jexe", 66, DAY),
        link,
        entry("dump.sql", 134_217_728, 90 * DAY),
    ]
}

fn local() -> (Location, ServerInfo) {
    let location = Location::new(FsId::local(), RemotePath::new("/home/ann/site"));
    (location, ServerInfo { label: "local".into(), protocol: "local", trust: String::new() })
}

fn remote() -> (Location, ServerInfo) {
    let location = Location::new(FsId::new("sftp://ann@web-01:22"), RemotePath::new("/var/www/site"));
    (location, ServerInfo { label: "web-01".into(), protocol: "sftp", trust: "ed25519".into() })
}

fn two_panes(width: u16, height: u16) -> Ui {
    let mut ui = Ui::new(width, height);
    ui.show(Side::Left, ".", local(), site());
    let www = vec![
        entry("assets/", 4096, 18 * DAY),
        entry("index.html", 4199, 18 * DAY),
        entry("robots.txt", 28, 620 * DAY),
    ];
    ui.show(Side::Right, "web-01:/var/www/site", remote(), www);
    ui
}

/// A view at every size, and how it looks in both themes.
fn snapshot(name: &str, build: impl Fn(u16, u16) -> Ui) {
    let mut looks = looks::Looks::default();
    for (width, height) in SIZES {
        let mut ui = build(width, height);
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), ui.screen());
        looks.add(&mut ui);
    }
    insta::with_settings!({ snapshot_path => "snapshots/looks", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, looks.to_string());
    });
}

fn log_lines() -> Vec<LogLine> {
    let (location, _) = remote();
    let line = |request: &str, path: &str, code, text: &str, ms| LogLine {
        fs: location.fs.clone(),
        request: request.into(),
        path: Some(RemotePath::new(path)),
        reply: Reply::sftp(code, text),
        elapsed: Duration::from_millis(ms),
    };
    vec![
        line("OPENDIR", "/var/www/site", 0, "", 21),
        line("READDIR x 3", "/var/www/site", 1, "End of file", 64),
        line("OPEN", "/var/www/site/index.html", 3, "Permission denied", 19),
        line("MKDIR", "/var/www/x\u{1b}[31m", 4, "Failure\u{7}", 1430),
    ]
}

fn lost() -> Error {
    Error::new(ErrorKind::ConnectionLost, Operation::Read)
        .on("sftp://ann@web-01:22")
        .with_detail("Connection reset by peer")
}

#[test]
fn panes() {
    snapshot("panes", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("Down Down Down Space");
        ui
    });
    snapshot("panes_hidden_by_size", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press(". s s");
        ui
    });
}

#[test]
fn every_state_of_a_pane() {
    snapshot("empty", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("Down Enter");
        ui.fill(Side::Left, vec![]);
        ui
    });
    snapshot("filter", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("/");
        ui.type_text("te");
        ui
    });
    snapshot("loading", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("Down Enter Tab Backspace");
        let job = ui.job(Side::Right);
        let entries =
            (0..300u32).map(|i| entry(&format!("file-{i}.log"), u64::from(i) * 1000, i64::from(i) * 7000));
        ui.event(job, What::Entries(entries.collect()));
        ui.press("Tab");
        ui.at(13);
        ui
    });
    snapshot("connecting", |w, h| {
        let mut ui = two_panes(w, h);
        let job = ui.open(Side::Left, "sftp://ann@nas.example.org:2222/backup");
        ui.event(job, What::Stage(Stage::CheckingHostKey));
        ui.at(8);
        ui
    });
    snapshot("failed", |w, h| {
        let mut ui = Ui::new(w, h);
        let job = ui.open(Side::Left, "nosuch:/x");
        let error = Error::new(ErrorKind::Unresolved, Operation::Resolve).on("nosuch");
        ui.event(job, What::Failed(error.with_detail("Name or service not known")));
        ui.show(Side::Right, ".", local(), site());
        ui
    });
    snapshot("lost", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("Tab");
        ui.event(JobId::NONE, What::Lost(lost()));
        ui
    });
    snapshot("reconnecting", |w, h| {
        let mut ui = two_panes(w, h);
        ui.event(JobId::NONE, What::Lost(lost()));
        ui.event(JobId::NONE, trying_again(4));
        ui
    });
    snapshot("denied", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("Tab Down Enter");
        let error = Error::sftp(Operation::List, Reply::sftp(3, "Permission denied"))
            .at(&RemotePath::new("/var/www/site/assets"))
            .on("sftp://ann@web-01:22");
        let job = ui.job(Side::Right);
        ui.event(job, What::Failed(error));
        ui
    });
}

fn unknown_host() -> trust::Question {
    let randomart = "\
+--[ED25519 256]--+
|    .o+.         |
|   . =o.         |
|    + +o         |
|   . B +o        |
|    = X.S        |
|   . B @ .       |
|    = * B        |
|   o E.+ .       |
|    .o=+o        |
+----[SHA256]-----+";
    trust::Question::UnknownHost(trust::UnknownHost {
        host: "[nas.example.org]:2222".into(),
        address: "192.0.2.7:2222".into(),
        key_type: "ssh-ed25519".into(),
        fingerprint: "SHA256:uNiVztksCsDhcc0u9e8BrrJXVGMIMvbN0ZKXJ3L+4XI".into(),
        randomart: randomart.into(),
        file: "/home/ann/.ssh/known_hosts".into(),
    })
}

fn untrusted_certificate() -> trust::Question {
    trust::Question::UnknownCertificate(Box::new(trust::UnknownCertificate {
        host: "files.example.org:21".into(),
        address: "192.0.2.7:21".into(),
        fingerprint: trust::certificates::Fingerprint::of(b"a certificate"),
        subject: "CN=files.example.org, O=Example\x1b[2J".into(),
        issuer: "CN=files.example.org, O=Example".into(),
        names: vec!["files.example.org".into(), "192.0.2.7".into()],
        not_before: "2026-01-01".into(),
        not_after: "2027-01-01".into(),
        reason: "it is self-signed: nobody vouches for it".into(),
        file: "/home/ann/.local/state/wharf/certificates".into(),
    }))
}

fn asked(width: u16, height: u16, question: trust::Question) -> Ui {
    let mut ui = two_panes(width, height);
    let job = ui.open(Side::Left, "sftp://ann@nas.example.org:2222/backup");
    ui.event(job, What::Ask { question: QuestionId(7), ask: Ask::Trust(question) });
    ui
}

fn secret(kind: trust::SecretKind, prompt: &str, echo: bool) -> trust::Question {
    let subject = "ann@web-01".into();
    trust::Question::Secret(trust::SecretRequest { subject, kind, prompt: prompt.into(), echo })
}

fn copying(width: u16, height: u16) -> (Ui, JobId) {
    let mut ui = two_panes(width, height);
    ui.press("Down F5");
    let Command::Copy { job, .. } = *ui.last() else { panic!("no copy") };
    (ui, job)
}

fn conflict_ask() -> Ask {
    let (here, there) = (local().0, remote().0);
    let pair = |name: &str, size, age, other_age| Conflict {
        source: here.join(name.as_bytes()),
        target: there.join(name.as_bytes()),
        source_entry: entry(name, size, age),
        target_entry: entry(name, size - 100, other_age),
    };
    let shown = vec![
        pair("index.html", 4301, 300, 18 * DAY),
        pair("a-rather-long-name-of-a-stylesheet.css", 99_000, 30 * DAY, DAY),
    ];
    Ask::Conflicts { shown, count: 12 }
}

/// More than a small screen holds.
const INSTRUCTIONS: &str = "Two-step verification\n\
    Open the application on your telephone, choose web-01, and type the six digits that it shows there. \
    They change every thirty seconds.\n\
    Whoever has lost the telephone asks the service desk, which is in building 4, for a list of codes.\n\
    Verification code: ";

#[test]
fn the_prompt_stays_in_sight_below_long_instructions_and_they_can_be_read() {
    let mut ui = asked(40, 10, secret(trust::SecretKind::Interactive, INSTRUCTIONS, false));
    assert!(ui.screen().contains("Verification code:"), "{}", ui.screen());
    assert!(!ui.screen().contains("Two-step verification"), "{}", ui.screen());
    ui.press("PgUp PgUp PgUp PgUp PgUp");
    assert!(ui.screen().contains("Two-step verification"), "{}", ui.screen());
    ui.press("PgDn PgDn PgDn PgDn PgDn");
    assert!(ui.screen().contains("Verification code:"), "{}", ui.screen());
    ui.type_text("1");
    assert!(ui.screen().contains('•'), "{}", ui.screen());
}

#[test]
fn dialogs() {
    snapshot("unknown_host", |w, h| asked(w, h, unknown_host()));
    snapshot("certificate", |w, h| asked(w, h, untrusted_certificate()));
    snapshot("password", |w, h| {
        let mut ui = asked(w, h, secret(trust::SecretKind::Password, "", false));
        ui.type_text("geheim");
        ui
    });
    snapshot("interactive", |w, h| {
        let prompt = "Welcome\x1b[2J to web-01.\nOne-time code: ";
        let mut ui = asked(w, h, secret(trust::SecretKind::Interactive, prompt, true));
        ui.type_text("123");
        ui
    });
    snapshot("interactive_with_instructions", |w, h| {
        let mut ui = asked(w, h, secret(trust::SecretKind::Interactive, INSTRUCTIONS, false));
        ui.type_text("123");
        ui
    });
    snapshot("conflicts", |w, h| {
        let (mut ui, job) = copying(w, h);
        ui.event(job, What::Ask { question: QuestionId(9), ask: conflict_ask() });
        ui
    });
    snapshot("delete", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("Down Space Space Space F8");
        ui
    });
    snapshot("goto_typed", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("Tab ^G");
        ui.type_text("gopher://x");
        ui.press("Enter");
        ui
    });
    snapshot("rename", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("End r");
        ui
    });
    snapshot("sort", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("s");
        ui
    });
    snapshot("help", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("F1");
        ui
    });
    snapshot("changed_key", |w, h| {
        let mut ui = two_panes(w, h);
        let job = ui.open(Side::Left, "nas:");
        let detail = "known: SHA256:uNiVztksCsDhcc0u9e8BrrJXVGMIMvbN0ZKXJ3L+4XI\n\
                      offered: SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM\n\
                      /home/ann/.ssh/known_hosts:12";
        let error =
            Error::new(ErrorKind::HostKeyRefused, Operation::CheckHostKey).on("nas").with_detail(detail);
        ui.event(job, What::Failed(error));
        ui
    });
    snapshot("quit", |w, h| {
        let (mut ui, _) = copying(w, h);
        ui.press("q");
        ui
    });
}

/// One copy that ended with a failure, one that runs, one removal that has not begun.
fn busy(w: u16, h: u16) -> Ui {
    let (mut ui, first) = copying(w, h);
    let failed = Error::sftp(Operation::Write, Reply::sftp(3, "Permission denied"))
        .at(&RemotePath::new("/var/www/site/assets/a.css"));
    ui.event(first, What::ItemFailed(failed));
    let done = Totals { files: 992, ..Totals::default() };
    ui.event(first, What::Done(Outcome { done, failed: 1, ..Outcome::default() }));
    ui.press("Down F5");
    let Command::Copy { job: second, .. } = *ui.last() else { panic!("no copy") };
    let total = Totals { files: 180, dirs: 4, links: 0, bytes: 134_217_728 };
    ui.event(second, What::Planned(total));
    let progress = Progress {
        phase: TransferPhase::Running,
        done: Totals { files: 128, dirs: 4, links: 0, bytes: 95_800_000 },
        total,
        current: "x".into(),
        rate: 32_505_856.0,
        elapsed: Duration::from_secs(3),
        remaining: Some(Duration::from_secs(42)),
        ..Progress::default()
    };
    ui.msg(Msg::Progress(vec![(second, progress)]));
    ui.press("Down F8 Right Enter");
    ui
}

#[test]
fn panels() {
    snapshot("transfers", busy);
    snapshot("transfers_entered", |w, h| {
        let mut ui = busy(w, h);
        ui.press("T Home");
        ui
    });
    snapshot("details", |w, h| {
        let mut ui = busy(w, h);
        ui.press("T Home Enter");
        ui
    });
    snapshot("log", |w, h| {
        let mut ui = two_panes(w, h);
        ui.event(JobId::NONE, What::Log { lines: log_lines(), dropped: 17 });
        ui.press("L Up");
        ui
    });
    snapshot("explain", |w, h| {
        let mut ui = two_panes(w, h);
        ui.event(JobId::NONE, What::Log { lines: log_lines(), dropped: 0 });
        ui.press("L Up Enter");
        ui
    });
    for (name, code) in [("explain_ftp", 452), ("explain_ftp_unknown", 459)] {
        snapshot(name, |w, h| {
            let mut ui = two_panes(w, h);
            let mut lines = log_lines();
            lines[2].request = "STOR".into();
            lines[2].reply = Reply::ftp(code, "Cannot store it");
            ui.event(JobId::NONE, What::Log { lines, dropped: 0 });
            ui.press("L Up Enter");
            ui
        });
    }
    snapshot("status_reply", |w, h| {
        let mut ui = two_panes(w, h);
        ui.event(JobId::NONE, What::Log { lines: log_lines(), dropped: 0 });
        ui
    });
}

#[test]
fn going_up_finds_the_folder_again() {
    let mut ui = two_panes(80, 24);
    ui.press("Backspace");
    assert_eq!(ui.listed().path, RemotePath::new("/home/ann"));
    ui.fill(Side::Left, vec![entry("aaa/", 0, 0), entry("site/", 0, 0), entry("zzz/", 0, 0)]);
    assert_eq!(ui.cursor_name(Side::Left), "site");
    ui.press("Alt-Left");
    assert_eq!(ui.listed().path, RemotePath::new("/home/ann/site"));
    ui.fill(Side::Left, site());
    ui.press("Alt-Right");
    assert_eq!(ui.listed().path, RemotePath::new("/home/ann"));
}

#[test]
fn late_entries_of_an_older_job_are_ignored() {
    let mut ui = two_panes(80, 24);
    ui.press("Down Enter");
    let old = ui.job(Side::Left);
    ui.press("Backspace");
    assert!(ui.sent.iter().any(|command| matches!(command, Command::Cancel { job } if *job == old)));
    ui.event(old, What::Entries(vec![entry("late", 1, 1)]));
    ui.event(old, What::Failed(Error::new(ErrorKind::Timeout, Operation::List)));
    ui.fill(Side::Left, vec![entry("x", 1, 1)]);
    assert!(ui.state.left.view.listing.position(b"late").is_none());
    assert!(matches!(ui.state.left.phase, Phase::Ready));
}

#[test]
fn refresh_keeps_cursor_and_selection() {
    let mut ui = two_panes(80, 24);
    ui.press("Down Down Down Space Up Up");
    let name = ui.cursor_name(Side::Left);
    let selected = ui.state.left.view.listing.selected();
    ui.press("^r");
    let job = ui.job(Side::Left);
    for batch in site().chunks(3) {
        ui.event(job, What::Entries(batch.to_vec()));
        assert_eq!(ui.cursor_name(Side::Left), name);
    }
    ui.event(job, What::Entries(vec![entry("a-new-one", 1, 1), entry("b/", 1, 1)]));
    ui.event(job, What::Done(Outcome::default()));
    assert_eq!(ui.cursor_name(Side::Left), name);
    assert_eq!(ui.state.left.view.listing.selected(), selected);
    assert!(ui.state.left.view.listing.position(b"a-new-one").is_some());
}

#[test]
fn a_refused_folder_leaves_the_pane_where_it_was() {
    let mut ui = two_panes(80, 24);
    ui.press("Down Enter");
    let job = ui.job(Side::Left);
    ui.event(job, What::Failed(Error::new(ErrorKind::PermissionDenied, Operation::List)));
    assert_eq!(ui.state.left.view.location, Some(local().0));
    assert_eq!(ui.cursor_name(Side::Left), "assets");
    assert!(ui.state.left.back.is_empty());
    assert!(ui.says("Could not list"));
}

#[test]
fn escape_stops_a_wait_and_returns() {
    let mut ui = two_panes(80, 24);
    let job = ui.open(Side::Left, "nas:");
    ui.press("Esc");
    assert!(matches!(ui.last(), Command::Cancel { job: cancelled } if *cancelled == job));
    assert_eq!(ui.state.left.view.location, Some(local().0));
}

#[test]
fn escape_takes_a_notice_away_and_does_its_work_at_once() {
    type Done = fn(&State) -> bool;
    let filter: Done = |state| state.left.view.listing.filter().is_empty();
    let selection: Done = |state| state.left.view.listing.selected().count == 0;
    let wait: Done = |state| !state.right.is_waiting();
    let panel: Done = |state| !state.in_panel;
    for (keys, is_done) in
        [("/ t e Enter", filter), ("Down Space", selection), ("Tab ^r Tab", wait), ("T", panel)]
    {
        let mut ui = two_panes(80, 24);
        ui.press(keys);
        ui.state.hint("Something was said.");
        assert!(!is_done(&ui.state), "{keys}");
        ui.press("Esc");
        assert!(is_done(&ui.state) && !ui.says("Something"), "{keys}");
    }
}

#[test]
fn questions_queue_and_escape_says_no() {
    let mut ui = asked(80, 24, unknown_host());
    let job = ui.job(Side::Left);
    let ask = Ask::Trust(secret(trust::SecretKind::Password, "", false));
    ui.event(job, What::Ask { question: QuestionId(8), ask });
    assert_eq!(ui.state.overlays.len(), 1);
    ui.msg(Msg::Resize(60, 12));
    ui.press("Esc");
    let no = Answer::Trust(trust::Answer::No);
    let text = format!("{:?}", Command::Answer { question: QuestionId(7), answer: no });
    assert_eq!(format!("{:?}", ui.last()), text);
    ui.type_text("pw");
    ui.press("Enter");
    let Command::Answer { question: QuestionId(8), answer: Answer::Trust(trust::Answer::Secret(_)) } =
        ui.last()
    else {
        panic!("{:?}", ui.last())
    };
}

#[test]
fn a_first_contact_has_no_easy_yes() {
    for (keys, yes) in [("Enter", false), ("n", false), ("Esc", false), ("y", true), ("Right Enter", true)] {
        let mut ui = asked(80, 24, unknown_host());
        ui.press(keys);
        let Command::Answer { answer: Answer::Trust(answer), .. } = ui.last() else {
            panic!("{:?}", ui.last())
        };
        assert_eq!(matches!(answer, trust::Answer::Yes), yes, "{keys}");
    }
}

#[test]
fn questions_of_jobs_that_are_gone_do_not_stay() {
    let mut ui = two_panes(80, 24);
    ui.event(JobId(999), What::Ask { question: QuestionId(1), ask: conflict_ask() });
    assert!(matches!(
        ui.last(),
        Command::Answer { question: QuestionId(1), answer: Answer::Conflicts(None) }
    ));
    let (mut ui, job) = copying(80, 24);
    ui.event(job, What::Ask { question: QuestionId(2), ask: conflict_ask() });
    assert!(ui.state.overlay().is_some());
    ui.event(job, What::Cancelled);
    assert!(ui.state.overlay().is_none());
}

#[test]
fn copying_asks_the_engine_and_refreshes_the_target() {
    let mut ui = two_panes(80, 24);
    ui.press("F5");
    assert!(ui.says("Nothing to copy"));
    ui.press("Down Space Space F5");
    let Command::Copy { job, request } = ui.last() else { panic!("no copy") };
    let (job, request) = (*job, request.clone());
    assert_eq!(request.sources.len(), 2);
    assert_eq!(request.target, remote().0);
    let done = Totals { files: 2, ..Totals::default() };
    ui.event(job, What::Done(Outcome { done, ..Outcome::default() }));
    assert_eq!(ui.listed(), remote().0);
    assert!(ui.says("2 copied"));
}

#[test]
fn nothing_is_copied_into_itself() {
    let mut ui = Ui::new(80, 24);
    let (location, info) = local();
    ui.show(Side::Left, ".", local(), site());
    ui.show(Side::Right, "./assets", (location.join(b"assets"), info), vec![]);
    let sent = ui.sent.len();
    ui.press("Down F5");
    assert_eq!(ui.sent.len(), sent);
    assert!(ui.says("into itself"));
    ui.press("=");
    ui.fill(Side::Right, site());
    let sent = ui.sent.len();
    ui.press("F5");
    assert_eq!(ui.sent.len(), sent);
    assert!(ui.says("same folder"));
}

#[test]
fn deleting_asks_and_keeps_by_default() {
    let mut ui = two_panes(80, 24);
    let removals = |ui: &Ui| ui.sent.iter().filter(|sent| matches!(sent, Command::Remove { .. })).count();
    ui.press("Down F8 Enter");
    assert_eq!(removals(&ui), 0);
    ui.press("d d");
    assert_eq!(removals(&ui), 0);
    // What the folder holds is counted while the question stands.
    let Command::Measure { job, items } = ui.last().clone() else { panic!("{:?}", ui.last()) };
    let totals = Totals { files: 1204, bytes: 39_500_000, ..Totals::default() };
    let [folder] = items.as_slice() else { panic!("{items:?}") };
    let measured = |standing| What::Measured { location: folder.clone(), totals, standing };
    ui.event(job, measured(wharf::engine::Standing::Counting));
    assert!(ui.screen().contains("1,204 files, 37.7 MiB so far"), "{}", ui.screen());
    assert!(ui.state.is_animated());
    ui.event(job, measured(wharf::engine::Standing::Whole));
    ui.event(job, What::Done(Outcome { done: totals, ..Outcome::default() }));
    assert!(ui.screen().contains("1 folder with 1,204 files, 37.7 MiB"), "{}", ui.screen());
    assert!(!ui.state.is_animated());
    // An answer before its end stops the count.
    ui.press("n F8");
    let Command::Measure { job: counts, .. } = *ui.last() else { panic!("{:?}", ui.last()) };
    ui.press("y");
    assert!(ui.sent.iter().any(|sent| matches!(sent, Command::Cancel { job } if *job == counts)));
    let Command::Remove { job, items } = ui.last() else { panic!("no removal") };
    assert_eq!(items.len(), 1);
    let job = *job;
    ui.event(job, What::Done(Outcome::default()));
    assert_eq!(ui.listed(), local().0);
}

#[test]
fn folders_and_names() {
    let mut ui = two_panes(80, 24);
    ui.press("F7");
    ui.type_text("a/b");
    ui.press("Enter");
    assert!(matches!(ui.state.overlay(), Some(Overlay::Text { error: Some(_), .. })));
    ui.press("Backspace Backspace Enter");
    let Command::CreateDir { job, location, .. } = ui.last() else { panic!("no folder") };
    assert_eq!(location.path, RemotePath::new("/home/ann/site/a"));
    let job = *job;
    ui.event(job, What::Done(Outcome::default()));
    let mut entries = site();
    entries.push(entry("a/", 0, 0));
    ui.fill(Side::Left, entries);
    assert_eq!(ui.cursor_name(Side::Left), "a");
    ui.press("r");
    ui.type_text("2");
    ui.press("Enter");
    assert!(matches!(ui.last(), Command::Rename { to, .. } if *to == RemotePath::new("/home/ann/site/a2")));
}

#[test]
fn go_to_understands_places_and_paths() {
    for (keys, text, expected) in [
        ("", "../x", "local/home/ann/x"),
        ("", "~/y", "local/home/ann/y"),
        ("", "nas:z", "sftp://nas"),
        ("Tab", "sub", "sftp://ann@web-01:22/var/www/site/sub"),
        ("Tab", "/etc", "sftp://ann@web-01:22/etc"),
        ("Tab", "~", "sftp://web-01"),
        ("Tab", "local:/tmp", "local/tmp"),
    ] {
        let mut ui = two_panes(80, 24);
        ui.press(keys);
        ui.press("^g");
        ui.msg(Msg::Paste(format!("{text}\n")));
        ui.press("Enter");
        let reached = match ui.last() {
            Command::List { location, .. } | Command::Stat { location, .. } => {
                format!("{}{}", location.fs, location.path)
            }
            Command::Open { place: Place::Remote(target, _), .. } => target.label(),
            other => format!("{other:?}"),
        };
        assert_eq!(reached, expected, "{text}");
    }
}

#[test]
fn a_lost_pane_is_connected_again() {
    let mut ui = two_panes(80, 24);
    ui.press("Tab Down");
    ui.event(JobId::NONE, What::Lost(lost()));
    assert!(matches!(ui.state.right.phase, Phase::Lost(_)));
    ui.press("^r");
    let job = ui.job(Side::Right);
    assert!(matches!(ui.last(), Command::Open { .. }));
    let (location, info) = remote();
    ui.event(job, What::Connected { location: location.clone(), info });
    assert_eq!(ui.listed(), location);
    ui.fill(Side::Right, vec![entry("assets/", 1, 1), entry("new", 1, 1)]);
    assert_eq!(ui.cursor_name(Side::Right), "assets");
    // Going elsewhere on a lost server connects first as well; a failure leaves it lost.
    ui.event(JobId::NONE, What::Lost(lost()));
    ui.press("Enter");
    let job = ui.job(Side::Right);
    assert!(matches!(ui.last(), Command::Open { .. }));
    ui.event(job, What::Failed(Error::new(ErrorKind::ConnectionFailed, Operation::Connect)));
    assert!(matches!(ui.state.right.phase, Phase::Lost(_)));
}

fn trying_again(seconds: u64) -> What {
    What::Reconnecting { fs: remote().0.fs, attempt: 3, wait: Duration::from_secs(seconds) }
}

#[test]
fn a_server_that_comes_back_by_itself_is_shown_where_it_was() {
    let mut ui = two_panes(140, 24);
    ui.press("Tab Down Down Space");
    let (location, info) = remote();
    let shown =
        |command: &Command| matches!(command, Command::Show { shown } if *shown == [location.fs.clone()]);
    assert!(ui.sent.iter().any(shown), "the engine knows what is on the screen");
    let (cursor, selected) = (ui.cursor_name(Side::Right), ui.state.right.view.listing.selected().count);
    ui.event(JobId::NONE, What::Lost(lost()));
    ui.event(JobId::NONE, trying_again(4));
    assert!(ui.screen().contains("✗ lost, trying again in 4 s"), "{}", ui.screen());
    ui.at(3);
    assert!(ui.screen().contains("✗ lost, trying again in 2 s"), "{}", ui.screen());
    assert!(ui.state.is_animated());
    ui.at(30);
    assert!(ui.screen().contains("✗ lost, trying again ─"), "{}", ui.screen());

    ui.event(JobId::NONE, What::Reconnected { fs: location.fs.clone(), info });
    assert_eq!(ui.listed(), location);
    assert!(ui.state.notice.is_none(), "what was said of the loss is over");
    let names = ["assets/", "index.html", "robots.txt"];
    ui.fill(Side::Right, names.iter().map(|name| entry(name, 1, 1)).collect());
    assert!(matches!(ui.state.right.phase, Phase::Ready));
    assert_eq!(ui.cursor_name(Side::Right), cursor);
    assert_eq!(ui.state.right.view.listing.selected().count, selected);
}

#[test]
fn a_server_that_has_to_ask_waits_for_the_person() {
    let mut ui = two_panes(140, 24);
    ui.event(JobId::NONE, What::Lost(lost()));
    ui.event(JobId::NONE, trying_again(4));
    let refused = Error::new(ErrorKind::LoginFailed, Operation::Login);
    ui.event(JobId::NONE, What::LeftLost { fs: remote().0.fs, error: refused });
    assert!(!ui.screen().contains("trying again"));
    assert!(ui.screen().contains("✗ lost") && ui.screen().contains("connects again"), "{}", ui.screen());
    assert!(!ui.state.is_animated());
}

#[test]
fn an_idle_session_that_its_server_ends_is_lost_quietly_and_found_when_needed() {
    let mut ui = two_panes(80, 24);
    ui.event(JobId::NONE, What::Lost(lost().in_good_order()));
    assert!(ui.state.notice.is_none() && matches!(ui.state.right.phase, Phase::Lost(_)));
    // A copy to it is sent; the engine connects.
    ui.press("Down F5");
    assert!(matches!(ui.last(), Command::Copy { .. }));
}

#[test]
fn a_countdown_survives_an_attempt_of_the_person() {
    let mut ui = two_panes(140, 24);
    ui.press("Tab");
    ui.event(JobId::NONE, What::Lost(lost()));
    ui.press("^r");
    let job = ui.job(Side::Right);
    ui.event(JobId::NONE, trying_again(8));
    ui.event(job, What::Failed(Error::new(ErrorKind::ConnectionFailed, Operation::Connect)));
    ui.press("Enter");
    assert!(ui.screen().contains("trying again in 8 s"), "{}", ui.screen());
}

#[test]
fn quitting_asks_while_jobs_run() {
    let mut ui = two_panes(80, 24);
    ui.press("q");
    assert!(ui.quit);
    let (mut ui, _) = copying(80, 24);
    ui.press("F10 Enter");
    assert!(!ui.quit);
    ui.press("^c y");
    assert!(ui.quit);
}

#[test]
fn jobs_are_cancelled_from_the_panel() {
    let (mut ui, job) = copying(80, 24);
    ui.press("T x");
    assert!(matches!(ui.last(), Command::Cancel { job: cancelled } if *cancelled == job));
    ui.event(job, What::Cancelled);
    ui.press("c");
    assert!(ui.state.transfers.jobs.is_empty());
}

#[test]
fn the_mouse_reaches_everything() {
    let mut ui = two_panes(100, 30);
    let at = ui.find(|hit| hit == Hit::Row(Side::Right, 1));
    ui.click(at);
    assert_eq!((ui.state.active, ui.cursor_name(Side::Right).as_str()), (Side::Right, "assets"));
    ui.click(at);
    assert!(matches!(ui.last(), Command::List { .. }));
    ui.fill(Side::Right, (0..200).map(|i| entry(&format!("{i}"), i, 1)).collect());
    ui.mouse(MouseEventKind::ScrollDown, at);
    assert_eq!(ui.state.right.view.top, 3);
    let size = ui.find(|hit| hit == Hit::Header(Side::Left, SortKey::Size));
    ui.click(size);
    assert_eq!(ui.state.left.view.listing.get(2).map(|i| &*i.entry.name), Some(&b"dump.sql"[..]));
    let help = ui.find(|hit| hit == Hit::Hint(Action::Help));
    ui.click(help);
    assert!(matches!(ui.state.overlay(), Some(Overlay::Help { .. })));
    ui.press("Esc Down F8");
    let button = ui.find(|hit| hit == Hit::Button(1));
    ui.click(button);
    assert!(matches!(ui.last(), Command::Remove { .. }));
}

#[test]
fn help_lists_every_action() {
    let mut ui = Ui::new(120, 200);
    ui.press("F1");
    let screen = ui.screen();
    for info in Action::all() {
        assert!(screen.contains(info.help), "{}", info.help);
    }
}

#[test]
fn server_text_never_reaches_the_screen_raw() {
    let mut ui = two_panes(140, 40);
    ui.event(JobId::NONE, What::Log { lines: log_lines(), dropped: 0 });
    ui.press("L");
    let screen = ui.screen();
    assert!(!screen.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'));
    assert!(screen.contains("\\u{202e}gpj") && screen.contains("\\x1b[31m"));
}

#[test]
fn a_hundred_thousand_entries_stay_quick() {
    let mut ui = two_panes(140, 40);
    ui.press("Down Enter");
    let job = ui.job(Side::Left);
    let entries: Vec<Entry> =
        (0..100_000u64).map(|i| entry(&format!("file-{}.dat", i * 7919 % 100_000), i, 1)).collect();
    let started = std::time::Instant::now();
    for batch in entries.chunks(128) {
        ui.event(job, What::Entries(batch.to_vec()));
    }
    ui.event(job, What::Done(Outcome::default()));
    let loaded = started.elapsed();
    let started = std::time::Instant::now();
    for _ in 0..100 {
        ui.press("PgDn");
        ui.screen();
    }
    let scrolled = started.elapsed() / 100;
    // Generous, as debug builds run on busy machines: what is quadratic would take minutes.
    assert!(loaded < Duration::from_secs(20), "{loaded:?}");
    assert!(scrolled < Duration::from_millis(100), "{scrolled:?}");
}

/// Small and repeatable; its quality does not matter.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len() as u64) as usize]
    }
}

#[test]
fn nothing_at_any_size_panics() {
    let keys: Vec<&str> = "Up Down PgUp PgDn Home End Enter Backspace Tab Space F1 F5 F7 F8 Esc T L / s . * = ^a ^u ^r \
                           ^g r n d y x c o ~ i P O N ! 7 f y p p t t w 1 2 3 Alt-s Alt-h Alt-Left Alt-Right Ctrl-Left Ctrl-Right Shift-Up Left Right Del g G q"
        .split_whitespace()
        .collect();
    let sizes = [(0, 0), (1, 1), (2, 5), (7, 3), (40, 10), (63, 16), (200, 60), (300, 2), (3, 90)];
    let kinds = [
        MouseEventKind::Down(MouseButton::Left),
        MouseEventKind::ScrollDown,
        MouseEventKind::ScrollUp,
        MouseEventKind::Moved,
        MouseEventKind::Down(MouseButton::Right),
        MouseEventKind::Drag(MouseButton::Left),
        MouseEventKind::Up(MouseButton::Left),
    ];
    for seed in 0..24 {
        let mut dice = Dice(seed);
        let mut ui = two_panes(80, 24);
        for _ in 0..250 {
            let job = JobId(1 + dice.roll(ui.state.next_job));
            match dice.roll(14) {
                0..7 => {
                    let key: &str = dice.pick::<&str>(&keys);
                    ui.press(key);
                }
                7 => {
                    let (w, h) = *dice.pick(&sizes);
                    ui.msg(Msg::Resize(w, h));
                }
                8 => {
                    let at = (dice.roll(90) as u16, dice.roll(30) as u16);
                    ui.mouse(*dice.pick(&kinds), at);
                }
                9 if dice.roll(3) == 0 => {
                    let output = vec![b'x'; dice.roll(3000) as usize];
                    ui.event(job, What::Output(wharf::fs::Output::Stdout(output.into())));
                }
                9 => ui.event(job, What::Entries(site())),
                10 => ui.event(job, What::Done(Outcome::default())),
                11 => match dice.roll(5) {
                    0 => ui.event(job, What::Cancelled),
                    1 => ui.event(job, What::Failed(lost())),
                    2 => ui.event(JobId::NONE, What::Lost(lost())),
                    3 => ui.event(job, What::Connected { location: remote().0, info: remote().1 }),
                    _ => ui.event(JobId::NONE, What::Log { lines: log_lines(), dropped: 1 }),
                },
                12 => {
                    let ask = match dice.roll(3) {
                        0 => conflict_ask(),
                        1 => Ask::Trust(unknown_host()),
                        _ => Ask::Trust(secret(trust::SecretKind::Interactive, "a\nb", true)),
                    };
                    ui.event(job, What::Ask { question: QuestionId(dice.roll(9)), ask });
                }
                _ => ui.msg(Msg::Paste("日本\u{202e}x\n\n".into())),
            }
            if dice.roll(3) == 0 {
                ui.screen();
            }
        }
    }
}
