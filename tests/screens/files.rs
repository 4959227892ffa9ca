//! The dialogs about files: properties, permissions, owners, links, new files, commands.

use wharf::{
    engine::{Command, Draft, Fate, JobId, PutBack, What},
    fs::{
        Algorithm, Checksum, Error, ErrorKind, Location, Operation, Output, RemotePath, Timestamp,
        mode::ModeChange, sum::Computed,
    },
    transfer::{Change, Outcome, Owner},
    ui::{
        state::{Overlay, Side},
        update::{Msg, Outside},
    },
};

use crate::{DAY, NOW, Ui, entry, local, remote, site, snapshot, two_panes};

/// Properties of `index.html` on the server, looked at more closely.
fn properties(width: u16, height: u16) -> Ui {
    let mut ui = two_panes(width, height);
    ui.press("Tab");
    while ui.cursor_name(Side::Right) != "index.html" {
        ui.press("Down");
    }
    ui.press("i");
    let Command::Stat { job, location } = ui.last() else { panic!("it is not looked at") };
    assert_eq!(location.path, RemotePath::new("/var/www/site/index.html"));
    let job = *job;
    let mut found = entry("index.html", 4199, 18 * DAY);
    found.attributes.atime = Some(Timestamp::from_seconds(NOW - DAY));
    found.attributes.mode = Some(0o640);
    (found.attributes.uid, found.attributes.gid) = (Some(1001), Some(33));
    found.group = Some("www-data".into());
    ui.event(job, What::Entries(vec![found]));
    ui.event(job, What::Done(Outcome::default()));
    ui
}

#[test]
fn dialogs_about_files() {
    snapshot("properties", properties);
    snapshot("properties_with_checksum", |w, h| {
        let mut ui = properties(w, h);
        ui.press("s");
        let Command::Checksum { job, .. } = ui.last() else { panic!("no checksum") };
        let job = *job;
        let by = Computed::Server("sha256sum");
        let sum = Checksum { algorithm: Algorithm::Sha256, bytes: [0xab; 32].into(), by };
        ui.event(job, What::Checksum(sum));
        ui.event(job, What::Done(Outcome::default()));
        ui
    });
    snapshot("permissions", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("Down P");
        ui.press("Down Right Down f");
        ui
    });
    snapshot("owner", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("Down O");
        ui.type_text("www-data:");
        ui
    });
    snapshot("command", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("Tab !");
        ui.type_text("make -C assets");
        ui
    });
    snapshot("command_output", |w, h| {
        let mut ui = command(w, h);
        let Command::Execute { job, .. } = ui.last() else { panic!("no command") };
        let job = *job;
        let lines: String = (1..=30).map(|n| format!("step {n}\tof 30\n")).collect();
        ui.event(job, What::Output(Output::Stdout(lines.into())));
        ui.event(job, What::Output(Output::Stderr("it\x1b[31m broke\u{202e}\n".into())));
        ui.event(job, What::Output(Output::Exited(2)));
        ui.event(job, What::Done(Outcome::default()));
        ui
    });
    snapshot("link", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("Down Down Alt-s");
        ui
    });
}

fn command(width: u16, height: u16) -> Ui {
    let mut ui = two_panes(width, height);
    ui.press("Tab !");
    ui.type_text("make -C assets");
    ui.press("Enter");
    ui
}

#[test]
fn permissions_are_bits_and_digits() {
    let mut ui = two_panes(80, 24);
    ui.press("Down Down P");
    let mode = |ui: &Ui| match ui.state.overlay() {
        Some(Overlay::Permissions(chosen)) => chosen.mode,
        other => panic!("{other:?}"),
    };
    ui.type_text("640");
    assert_eq!(mode(&ui), 0o640);
    // Owner's execute, others' read, then sticky.
    ui.press("x Down Down r Down Right Right Space");
    assert_eq!(mode(&ui), 0o1744);
    ui.press("Enter");
    let Command::SetAttributes { job, items, change, recursive } = ui.last() else { panic!("nothing set") };
    assert_eq!((items.len(), *recursive), (1, false));
    assert_eq!(change.mode, Some(ModeChange::Exact(0o1744)));
    let job = *job;
    let denied = Error::new(ErrorKind::PermissionDenied, Operation::SetAttributes).at(&RemotePath::new("/x"));
    ui.event(job, What::ItemFailed(denied));
    ui.event(job, What::Done(Outcome { failed: 1, ..Outcome::default() }));
    assert!(ui.says("Could not change the attributes of /x"));
    assert_eq!(ui.listed(), local().0, "what is shown is listed again");
}

#[test]
fn permissions_of_a_selection_go_into_its_folders() {
    let mut ui = two_panes(80, 24);
    ui.press("^a P");
    ui.type_text("750f");
    ui.press("Enter");
    let Command::SetAttributes { items, change, recursive, .. } = ui.last() else { panic!("nothing set") };
    assert!(items.len() > 5 && *recursive);
    assert_eq!(change.mode, Some(ModeChange::Tree(0o750)));
    let sent = ui.sent.len();
    ui.press("P Esc");
    assert_eq!(ui.sent.len(), sent);
}

#[test]
fn owners_are_names_or_numbers() {
    let mut ui = two_panes(80, 24);
    ui.press("Down O ^u");
    ui.type_text(":");
    ui.press("Enter");
    assert!(matches!(ui.state.overlay(), Some(Overlay::Text { error: Some(_), .. })));
    ui.press("^u");
    ui.type_text("ann:33");
    ui.press("Enter");
    let Command::SetAttributes { change, .. } = ui.last() else { panic!("nothing set") };
    let name = |name: &str| Some(Owner::Name(name.to_owned()));
    assert_eq!(*change, Change { owner: name("ann"), group: name("33"), ..Change::default() });
}

#[test]
fn new_files_and_links() {
    let mut ui = two_panes(80, 24);
    ui.press("N");
    ui.type_text("new.txt");
    ui.press("Enter");
    let Command::CreateFile { location, .. } = ui.last() else { panic!("no file") };
    assert_eq!(location.path, RemotePath::new("/home/ann/site/new.txt"));
    while ui.cursor_name(Side::Left) != "index.html" {
        ui.press("Down");
    }
    ui.press("Alt-s Enter");
    assert!(matches!(ui.state.overlay(), Some(Overlay::Text { error: Some(_), .. })), "not onto itself");
    ui.press("^u");
    ui.type_text("start");
    ui.press("Enter");
    let Command::Symlink { location, target, .. } = ui.last() else { panic!("no link") };
    assert_eq!((location.path.name(), &target[..]), (Some(&b"start"[..]), &b"index.html"[..]));
    ui.press("Alt-s ^u");
    ui.type_text("../elsewhere/start");
    ui.press("Enter");
    let Command::Symlink { location, target, .. } = ui.last() else { panic!("no link") };
    assert_eq!(location.path, RemotePath::new("/home/ann/elsewhere/start"));
    assert_eq!(target, b"/home/ann/site/index.html");
    ui.press("Alt-h");
    ui.type_text("2");
    ui.press("Enter");
    let Command::HardLink { location, to, .. } = ui.last() else { panic!("no second name") };
    assert_eq!(location.path.name(), Some(&b"index.html"[..]));
    assert_eq!(to.name(), Some(&b"index.html2"[..]));
}

#[test]
fn a_name_that_is_no_text_can_be_renamed() {
    let mut ui = two_panes(80, 24);
    let mut odd = site();
    odd.truncate(0);
    odd.push(wharf::fs::Entry::new(&b"caf\xe9\n\\"[..], wharf::fs::Kind::File));
    ui.press("^r");
    ui.fill(Side::Left, odd);
    ui.press("Down r");
    let typed = |ui: &Ui| match ui.state.overlay() {
        Some(Overlay::Text { field, .. }) => field.input.value().to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(typed(&ui), "caf\\xe9\\n\\\\");
    let sent = ui.sent.len();
    ui.press("Enter");
    assert_eq!(ui.sent.len(), sent, "left as it is, nothing is renamed");
    ui.press("r");
    ui.type_text("é");
    ui.press("Enter");
    let Command::Rename { from, to, .. } = ui.last() else { panic!("not renamed") };
    assert_eq!(from.path.name(), Some(&b"caf\xe9\n\\"[..]));
    assert_eq!(
        to.name(),
        Some(
            "\u{e9}"
                .bytes()
                .fold(b"caf\xe9\n\\".to_vec(), |mut name, byte| {
                    name.push(byte);
                    name
                })
                .as_slice()
        )
    );
    ui.press("r");
    ui.type_text("\\q");
    ui.press("Enter");
    assert!(matches!(ui.state.overlay(), Some(Overlay::Text { error: Some(_), .. })), "says how");
}

#[test]
fn a_command_that_nobody_watches_is_stopped() {
    let mut ui = command(80, 24);
    let Command::Execute { job, location, command } = ui.last() else { panic!("no command") };
    assert_eq!((&location.path, &command[..]), (&remote().0.path, &b"make -C assets"[..]));
    let job = *job;
    // More than is kept, and a line without an end.
    for _ in 0..40 {
        ui.event(job, What::Output(Output::Stdout(b"a line of some length\n".repeat(100).into())));
    }
    ui.event(job, What::Output(Output::Stdout(vec![b'x'; 1 << 20].into())));
    let Some(Overlay::Output(output)) = ui.state.overlay() else { panic!("no output") };
    assert!(output.lines.len() <= 2_000 && output.dropped > 0);
    ui.press("Esc");
    assert!(matches!(ui.last(), Command::Cancel { job: stopped } if *stopped == job));
    ui.event(job, What::Cancelled);
    assert!(ui.state.overlay().is_none());
}

#[test]
fn a_checksum_that_nobody_waits_for_is_stopped() {
    let mut ui = properties(80, 24);
    ui.press("s");
    let Command::Checksum { job, .. } = ui.last() else { panic!("no checksum") };
    let job = *job;
    ui.press("Esc");
    assert!(matches!(ui.last(), Command::Cancel { job: stopped } if *stopped == job));
    let mut ui = properties(80, 24);
    ui.press("p");
    assert!(matches!(ui.state.overlay(), Some(Overlay::Permissions(chosen)) if chosen.mode == 0o640));
}

/// `index.html` of the server, fetched and edited.
fn edited(width: u16, height: u16) -> (Ui, Box<Draft>) {
    edited_at(width, height, None)
}

/// The same where its name is a link to `target`.
fn edited_at(width: u16, height: u16, target: Option<Location>) -> (Ui, Box<Draft>) {
    let mut ui = two_panes(width, height);
    ui.press("Tab Down Down F4");
    let Command::Fetch { job, location, to_open: false } = ui.last().clone() else {
        panic!("{:?}", ui.last())
    };
    let sum = Checksum { algorithm: Algorithm::Sha256, bytes: [7; 32].into(), by: Computed::Here };
    let copy = RemotePath::new("/tmp/wharf-edit-x1y2z3/index.html");
    let fetched = entry("index.html", 4199, 18 * DAY);
    let draft = Box::new(Draft { target: target.unwrap_or(location), copy: copy.clone(), fetched, sum });
    ui.event(job, What::Fetched(draft.clone()));
    ui.event(job, What::Done(Outcome::default()));
    let outside = Outside::Edit { path: copy, job: Some(job) };
    assert_eq!(ui.outside, std::slice::from_ref(&outside));
    ui.msg(Msg::Returned(outside, Ok(0)));
    (ui, draft)
}

fn put_back(ui: &Ui) -> (JobId, PutBack) {
    match ui.last() {
        Command::PutBack { job, how, .. } => (*job, *how),
        other => panic!("nothing is put back: {other:?}"),
    }
}

fn overtaken(width: u16, height: u16) -> Ui {
    let (mut ui, _) = edited(width, height);
    let (job, how) = put_back(&ui);
    assert_eq!(how, PutBack::IfSame);
    ui.event(job, What::Draft(Fate::Overtaken(Some(entry("index.html", 4300, 60)))));
    ui.event(job, What::Done(Outcome::default()));
    ui
}

#[test]
fn a_file_changed_on_both_sides() {
    snapshot("overtaken", overtaken);
    let mut ui = overtaken(80, 24);
    ui.press("Enter");
    assert_eq!(put_back(&ui).1, PutBack::Beside);
    let mut ui = overtaken(80, 24);
    ui.press("o");
    let (job, how) = put_back(&ui);
    assert_eq!(how, PutBack::Overwrite);
    let denied = Error::new(ErrorKind::PermissionDenied, Operation::Write).at(&RemotePath::new("/x"));
    ui.event(job, What::ItemFailed(denied));
    ui.event(job, What::Draft(Fate::Kept));
    ui.event(job, What::Done(Outcome { failed: 1, ..Outcome::default() }));
    assert!(ui.says("permission denied") && ui.says("your copy is /tmp/wharf-edit-x1y2z3/index.html"));
    let mut ui = overtaken(80, 24);
    let sent = ui.sent.len();
    ui.press("Esc");
    assert_eq!(ui.sent.len(), sent, "nothing is written");
    assert!(ui.says("your copy is /tmp/wharf-edit-x1y2z3/index.html"));
}

#[test]
fn what_was_put_back_is_listed_again() {
    let shared = Location::new(remote().0.fs, RemotePath::new("/srv/shared/index.html"));
    for target in [None, Some(shared)] {
        for fate in [Fate::Stored, Fate::Overtaken(Some(entry("index.html", 4300, 60)))] {
            let (mut ui, _) = edited_at(80, 24, target.clone());
            let (job, _) = put_back(&ui);
            ui.event(job, What::Draft(fate));
            ui.event(job, What::Done(Outcome::default()));
            assert_eq!(ui.listed(), remote().0, "where it was opened, be it by a link");
            ui.fill(Side::Right, vec![entry("index.html", 4300, 60)]);
            let size = ui.state.right.view.current().and_then(|item| item.entry.attributes.size);
            assert_eq!(size, Some(4300));
        }
    }
}

#[test]
fn an_editor_that_fails_has_nothing_put_back() {
    let mut ui = two_panes(80, 24);
    ui.press("Tab Down Down e");
    let Command::Fetch { job, .. } = *ui.last() else { panic!("{:?}", ui.last()) };
    ui.press("Esc");
    assert!(matches!(ui.last(), Command::Cancel { job: stopped } if *stopped == job));
    ui.event(job, What::Cancelled);
    assert!(ui.outside.is_empty() && ui.state.edits.is_empty());

    let (mut ui, draft) = edited(80, 24);
    let (job, _) = put_back(&ui);
    ui.event(job, What::Draft(Fate::Unchanged));
    ui.event(job, What::Done(Outcome::default()));
    assert!(ui.says("nothing was written"));
    ui.press("F4");
    let Command::Fetch { job, .. } = *ui.last() else { panic!("{:?}", ui.last()) };
    ui.event(job, What::Fetched(draft.clone()));
    ui.event(job, What::Done(Outcome::default()));
    ui.msg(Msg::Returned(Outside::Edit { path: draft.copy, job: Some(job) }, Ok(137)));
    assert_eq!(put_back(&ui).1, PutBack::Keep);
}

#[test]
fn names_are_selected_by_pattern() {
    snapshot("select_by_pattern", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("+");
        ui.type_text("**.TXT");
        ui
    });
    let mut ui = two_panes(80, 24);
    ui.press("+");
    ui.type_text("**.TXT");
    ui.press("Enter");
    let selected = |ui: &Ui| ui.state.left.view.listing.selected().count;
    assert_eq!(selected(&ui), 2);
    assert!(ui.says("2 names selected"));
    ui.press("-");
    ui.type_text("日*");
    ui.press("Enter");
    assert_eq!(selected(&ui), 1);
    ui.press("+");
    ui.type_text("[");
    ui.press("Enter");
    assert!(ui.screen().contains("This is no pattern"));
    ui.press("Esc +");
    ui.type_text("nothing");
    ui.press("Enter");
    assert!(ui.says("No name here is like that"));
    assert_eq!(selected(&ui), 1);
    ui.press("- Enter");
    assert_eq!(selected(&ui), 0, "nothing typed is all that is shown");
}

#[test]
fn times_that_look_alike_are_told_once() {
    let mut ui = Ui::new(140, 40);
    ui.show(Side::Left, ".", local(), vec![entry("a", 1, 10), entry("b", 1, 12)]);
    ui.press("^A i");
    let screen = ui.screen();
    assert!(screen.contains("Modified  today 20:59 "), "{screen}");
    assert!(!screen.contains("today 20:59 to"), "{screen}");
}
