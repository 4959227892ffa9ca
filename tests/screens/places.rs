//! Folders of bookmarks, the first start, imports, the tour and the demo; shells on servers and
//! files opened by the system's program.

use wharf::{
    config::{Bookmark, Change, Importable, Imported, Kept, Made, Program},
    engine::Draft,
    fs::{Algorithm, Checksum, sum},
    ui::{
        state::{Choice, Slot, connect::Start},
        update::{Demo, choose, greet, kept_at_start},
    },
};

use super::*;

fn bookmark(name: &str, folder: &str, place: &str) -> Bookmark {
    Bookmark { name: name.into(), folder: folder.into(), place: place.into(), ..Bookmark::default() }
}

fn many() -> Kept {
    let bookmarks = vec![
        bookmark("nas", "", "sftp://nas.lan/srv"),
        bookmark("shop", "clients/north", "sftp://ann@web-01:2222/var/www/shop"),
        bookmark("blog", "clients/north", "sftp://ann@web-02"),
        bookmark("mirror", "clients/south", "ftp://ftp.example.org/pub"),
        bookmark("evil\u{202e}", "evil\u{1b}[31m", "sftp://h"),
        bookmark("db", "work/web/databases", "sftp://db.example.org"),
    ];
    Kept { bookmarks, ..Kept::default() }
}

fn started(w: u16, h: u16, kept: Kept) -> Ui {
    let mut ui = Ui::new(w, h);
    ui.state.places.can_keep = true;
    ui.state.places.can_demo = true;
    kept_at_start(&mut ui.state, kept);
    ui.show(Side::Left, ".", local(), site());
    let mut effects = Vec::new();
    choose(&mut ui.state, Side::Right, &mut effects);
    ui.take(effects);
    let Command::Hosts { job } = *ui.last() else { panic!("the hosts were not asked for") };
    ui.event(job, What::Hosts(Vec::new()));
    ui.event(job, What::Done(Outcome::default()));
    ui.press("Tab");
    ui
}

fn found() -> Kept {
    let importable = vec![
        Importable { program: Program::FileZilla, sites: 14 },
        Importable { program: Program::WinScp, sites: 1 },
    ];
    Kept { importable: Some(importable), ..Kept::default() }
}

fn choice(ui: &Ui) -> Option<Choice> {
    ui.state.active().chooser.as_ref()?.choice().cloned()
}

fn folder(ui: &Ui) -> Option<String> {
    Some(ui.state.active().chooser.as_ref()?.folder()?.path.clone())
}

#[test]
fn folders_of_bookmarks() {
    snapshot("folders", |w, h| started(w, h, many()));
    snapshot("folders_closed", |w, h| {
        let mut ui = started(w, h, many());
        ui.press("Down Down Enter Down Down");
        ui
    });
    snapshot("folders_search", |w, h| {
        let mut ui = started(w, h, many());
        ui.press("Down Down Enter");
        ui.type_text("north");
        ui
    });
    snapshot("folders_form", |w, h| {
        let mut ui = started(w, h, many());
        ui.press("F4 Tab");
        ui.type_text("cl");
        ui
    });
}

#[test]
fn a_folder_opens_and_closes() {
    let mut ui = started(80, 24, many());
    assert_eq!(choice(&ui), Some(Choice::Bookmark(0)));
    ui.press("Down Down");
    assert_eq!(folder(&ui).as_deref(), Some("clients"));
    let sent = ui.sent.len();
    ui.press("Enter");
    assert!(ui.state.places.closed.contains("clients"));
    assert_eq!(folder(&ui).as_deref(), Some("clients"), "the cursor stays");
    ui.press("Down");
    assert_eq!(folder(&ui).as_deref(), Some("work/web/databases"), "a folder that cannot be is none");
    // The arrows go in and out.
    ui.press("Up Right");
    assert!(ui.state.places.closed.is_empty());
    ui.press("Right Right Down");
    assert_eq!(choice(&ui), Some(Choice::Bookmark(2)));
    ui.press("Left");
    assert_eq!(folder(&ui).as_deref(), Some("clients/north"));
    ui.press("Left");
    assert!(ui.state.places.closed.contains("clients/north"));
    ui.press("Left");
    assert_eq!(folder(&ui).as_deref(), Some("clients"));
    assert_eq!(ui.sent.len(), sent, "nothing was connected");
    ui.press("F4");
    assert!(ui.state.overlay().is_none() && ui.says("edit one of them"));
    ui.press("F8");
    assert!(ui.state.overlay().is_none());

    // A double click does as well; a click on a bookmark in it chooses that.
    let mut ui = started(80, 24, many());
    let line = ui.state.right.chooser.as_ref().unwrap().lines.iter();
    let at =
        line.clone().position(|line| matches!(line, wharf::ui::state::connect::Line::Folder(_))).unwrap();
    let at = ui.find(|hit| hit == Hit::Line(Side::Right, at));
    ui.click(at);
    ui.click(at);
    assert!(ui.state.places.closed.contains("clients"));
    // What is typed still moves in its line.
    ui.type_text("ab");
    ui.press("Left");
    ui.type_text("x");
    assert_eq!(ui.state.right.chooser.as_ref().unwrap().typed(), "axb");
}

#[test]
fn a_bookmark_moves_to_a_folder_that_is_there() {
    let mut ui = started(80, 24, many());
    ui.press("F4 Tab");
    ui.type_text("Clients/s");
    ui.press("Right Enter");
    let Some(Change::Save { old: Some(old), bookmark, .. }) = ui.kept.last() else { panic!("not saved") };
    assert_eq!((old.as_str(), bookmark.folder.as_str()), ("nas", "clients/south"));
    // In the middle of the text, the key moves.
    let mut ui = started(80, 24, many());
    ui.press("F4 Tab");
    ui.type_text("cli");
    ui.press("Left Right");
    let Some(Overlay::Form(form)) = ui.state.overlay() else { panic!("no form") };
    assert_eq!(form.text(Slot::Folder), "cli");
}

#[test]
fn the_first_start() {
    snapshot("first_start", |w, h| {
        let mut ui = started(w, h, Kept::default());
        ui.msg(Msg::Kept(Box::new(found())));
        ui
    });
    snapshot("first_start_import", |w, h| {
        let mut ui = started(w, h, Kept::default());
        ui.msg(Msg::Kept(Box::new(found())));
        ui.press("F5");
        ui
    });
    snapshot("first_start_imported", |w, h| {
        let mut ui = started(w, h, Kept::default());
        let imported = Imported {
            program: Program::FileZilla,
            file: "~/.config/filezilla/sitemanager.xml".into(),
            added: many().bookmarks,
            present: 2,
            passwords: 5,
            notes: vec!["1 site: its key is in PuTTY's format.".into()],
        };
        let kept = Kept { made: Some(Made::Imported(imported)), importable: Some(Vec::new()), ..many() };
        ui.msg(Msg::Kept(Box::new(kept)));
        ui
    });
    let mut ui = started(80, 24, Kept::default());
    ui.msg(Msg::Kept(Box::new(found())));
    assert_eq!(choice(&ui), Some(Choice::Start(Start::NewBookmark)));
    ui.press("Enter Esc Down Enter");
    assert!(matches!(ui.state.overlay(), Some(Overlay::Confirm { .. })), "it asks");
    ui.press("Enter");
    assert!(ui.kept.iter().all(|change| !matches!(change, Change::Import { .. })), "Enter leaves them");
    ui.press("F5 y");
    let programs: Vec<Program> = ui
        .kept
        .iter()
        .filter_map(|change| match change {
            Change::Import { program } => Some(*program),
            _ => None,
        })
        .collect();
    assert_eq!(programs, [Program::FileZilla, Program::WinScp]);
    // Typing finds nothing of it, and a place typed is gone to.
    ui.type_text("nas:");
    assert_eq!(choice(&ui), Some(Choice::Typed));
}

#[test]
fn the_tour() {
    let tour = |w, h| {
        let mut ui = started(w, h, Kept { is_first_start: true, ..Kept::default() });
        let mut effects = Vec::new();
        greet(&mut ui.state, &mut effects);
        ui.take(effects);
        ui
    };
    snapshot("tour", tour);
    for (w, h) in SIZES {
        let ui = tour(w, h);
        let screen = ui.screen();
        // All of it is there, be it long or short, and how to get on last.
        for said in ["other", "choose", "F5 copies", "F1 lists all keys", "Any key ends this."] {
            assert!(screen.contains(said), "{said} at {w}x{h}:\n{screen}");
        }
        // What one of its notes points at is there.
        let hints = layout::hints::hints(layout::layout(ui.state.size, &ui.state).hints, &ui.state);
        assert!(hints.iter().any(|hint| hint.action == Action::AddBookmark), "{hints:?}");
    }
    for key in ["x", "Esc", "Enter", "F10", "^C", "Down"] {
        let mut ui = tour(80, 24);
        assert!(matches!(ui.kept.last(), Some(Change::Toured)));
        ui.press(key);
        assert!(ui.state.overlay().is_none() && !ui.quit, "{key} ends it and does nothing else");
    }
    let mut ui = tour(80, 24);
    ui.click((3, 3));
    assert!(ui.state.overlay().is_none());
    // From anywhere by its key, and at any size.
    ui.press("Shift-F1");
    assert!(matches!(ui.state.overlay(), Some(Overlay::Tour)));
    for (w, h) in [(80, 22), (79, 24), (20, 8), (10, 3), (3, 2), (0, 0), (300, 90)] {
        ui.msg(Msg::Resize(w, h));
        ui.screen();
    }
}

#[test]
fn the_demo_is_a_key_away() {
    let mut ui = started(80, 24, Kept::default());
    ui.press("F9");
    assert_eq!(ui.demos, 1);
    let server = Place::parse(b"sftp://demo@127.0.0.1:4321").unwrap();
    let local = Place::Local(b"/tmp/demo/company".to_vec());
    ui.msg(Msg::Demo(Ok(Demo { server, local })));
    let opened: Vec<String> = ui
        .sent
        .iter()
        .filter_map(|command| match command {
            Command::Open { place, .. } => Some(place.to_url()),
            _ => None,
        })
        .collect();
    assert_eq!(opened[opened.len() - 2..], ["/tmp/demo/company", "sftp://demo@127.0.0.1:4321"]);
    // It is no place to come back to.
    let job = ui.job(Side::Right);
    let (location, info) = remote();
    let location = Location::new(FsId::new("sftp://demo@127.0.0.1:4321"), location.path);
    ui.event(job, What::Connected { location, info });
    assert!(ui.kept.iter().all(|change| !matches!(change, Change::Visit { .. })), "{:?}", ui.kept);

    let mut ui = started(80, 24, Kept::default());
    ui.msg(Msg::Demo(Err("no \u{1b}room".into())));
    assert!(ui.says("could not start: no "), "{:?}", ui.state.notice);
    ui.state.places.can_demo = false;
    ui.press("F9");
    assert_eq!(ui.demos, 0);
}

#[test]
fn a_shell_opens_where_the_pane_is() {
    let mut ui = two_panes(80, 24);
    ui.press("Tab $");
    let Command::Terminal { job, location, size, .. } = ui.last().clone() else { panic!("{:?}", ui.last()) };
    assert_eq!((location, size), (remote().0, (80, 24)));
    assert!(ui.says("Opening a shell on"));
    ui.press("$");
    assert!(ui.says("already"));
    ui.event(job, What::Done(Outcome::default()));
    assert!(matches!(ui.outside.last(), Some(Outside::Remote { job: of, .. }) if *of == job));
    // Back again, the server's folders are listed anew.
    let from = ui.outside.last().cloned().unwrap();
    ui.msg(Msg::Returned(from.clone(), Ok(130)));
    assert_eq!(ui.listed(), remote().0);
    ui.msg(Msg::Returned(from, Err("the connection was lost".into())));
    assert!(ui.says("has ended: the connection was lost"));

    // A server that has none says so, and Esc does not wait for one.
    ui.press("$");
    let Command::Terminal { job, .. } = *ui.last() else { panic!("{:?}", ui.last()) };
    let refused = Error::new(ErrorKind::Unsupported, Operation::OpenShell)
        .with_detail("the server runs no commands: This service allows sftp connections only.");
    ui.event(job, What::Failed(refused));
    assert!(ui.says("sftp connections only"), "{:?}", ui.state.notice);
    ui.press("$ Esc");
    let Command::Cancel { job } = *ui.last() else { panic!("{:?}", ui.last()) };
    ui.event(job, What::Cancelled);
    assert!(ui.state.opening_shell.is_none());
    assert_eq!(ui.outside.len(), 1);
}

#[test]
fn a_file_is_opened_by_the_systems_program() {
    let entries = |name: &str, mode: u32| {
        let mut entry = Entry::new(name.as_bytes(), Kind::File);
        entry.attributes.mode = Some(mode);
        vec![entry]
    };
    let open = |side: Side, name: &str, mode: u32| {
        let mut ui = Ui::new(80, 24);
        ui.show(Side::Left, ".", local(), if side == Side::Left { entries(name, mode) } else { site() });
        ui.show(
            Side::Right,
            "web-01:",
            remote(),
            if side == Side::Right { entries(name, mode) } else { site() },
        );
        ui.press(if side == Side::Right { "Tab End o" } else { "End o" });
        ui
    };
    let ui = open(Side::Left, "report.pdf", 0o644);
    assert_eq!(ui.opened, [(local().0.path.join(b"report.pdf"), false)]);
    for (name, mode) in [("report.pdf", 0o755), ("evil.desktop", 0o644), ("a.COMMAND", 0o600)] {
        let ui = open(Side::Left, name, mode);
        assert!(ui.opened.is_empty() && ui.says("runs none"), "{name}");
    }
    // Of a server's file a copy, which cannot be run whatever its mode is there.
    let mut ui = open(Side::Right, "report.pdf", 0o755);
    let Command::Fetch { job, location, to_open: true } = ui.last().clone() else {
        panic!("{:?}", ui.last())
    };
    let copy = RemotePath::new("/tmp/wharf-edit-x/report.pdf");
    let draft = Draft {
        target: location,
        copy: copy.clone(),
        fetched: entries("report.pdf", 0o755).remove(0),
        sum: Checksum { algorithm: Algorithm::Sha256, bytes: Box::default(), by: sum::Computed::Here },
    };
    ui.event(job, What::Fetched(Box::new(draft)));
    assert!(ui.opened.is_empty(), "not before all of it is here");
    ui.event(job, What::Done(Outcome::default()));
    assert_eq!(ui.opened, [(copy, true)]);
    assert!(ui.says("a copy of report.pdf to read"));
    assert!(ui.state.edits.is_empty());
    let ui = open(Side::Right, "evil.desktop", 0o644);
    assert!(!ui.sent.iter().any(|command| matches!(command, Command::Fetch { .. })));

    let mut ui = two_panes(80, 24);
    ui.msg(Msg::Opened("a\u{1b}.pdf".into(), "there is no xdg-open here".into()));
    assert!(ui.says("there is no xdg-open here") && ui.says("$WHARF_OPENER"), "{:?}", ui.state.notice);
    assert!(!ui.screen().contains('\u{1b}'));
}

/// No pane shows the server any more, and yet it is that server one comes back to.
#[test]
fn a_server_that_is_come_back_to_keeps_its_name() {
    let mut ui = two_panes(80, 24);
    ui.press("Ctrl-Right");
    ui.fill(Side::Right, site());
    assert!(!ui.screen().contains("web-01"), "{}", ui.screen());
    ui.press("Tab Alt-Left");
    let (location, info) = remote();
    assert_eq!(ui.listed(), location);
    let view = &ui.state.right.view;
    assert_eq!((view.info.label.as_str(), view.info.protocol), (info.label.as_str(), info.protocol));
    assert!(ui.screen().contains("sftp web-01  /var/www/site"), "{}", ui.screen());
}
