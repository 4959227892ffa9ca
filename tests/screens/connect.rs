//! The connect screen, the form of a bookmark, and the first connection that fails.

use secrecy::ExposeSecret;
use wharf::{
    config::{Bookmark, Change, Kept, Made, Recent},
    fs::{PlacePath, Target},
    trust::{ChangedIdentity, SecretKind, SecretRequest, known_hosts::KnownKey},
    ui::{
        state::{Choice, Slot},
        update::{choose, kept_at_start},
    },
};

use super::*;

fn bookmark(name: &str, folder: &str, place: &str) -> Bookmark {
    Bookmark { name: name.into(), folder: folder.into(), place: place.into(), ..Bookmark::default() }
}

fn kept() -> Kept {
    let mut shop = bookmark("shop", "work/web", "sftp://ann@web-01:2222/var/www/shop");
    shop.local = Some("~/site".into());
    shop.note = Some("ask Kim before 9\u{1b}[31m".into());
    Kept {
        bookmarks: vec![
            shop,
            bookmark("photos", "", "nas:/backup/photos"),
            bookmark("Größe 日本語", "work/web", "sftp://db.example.org"),
        ],
        recent: vec![
            Recent { url: "sftp://pi@camera.example.org/srv/recordings/2026/11".into(), at: NOW - 300 },
            Recent { url: "sftp://ann@web-01:2222/var/www/shop".into(), at: NOW - DAY },
            Recent { url: "sftp://ann@old.example.org/".into(), at: NOW - 400 * DAY },
        ],
        ..Kept::default()
    }
}

/// Started without a place: this directory left, the connect screen right and with the keys.
fn started(w: u16, h: u16, kept: Kept) -> Ui {
    let mut ui = Ui::new(w, h);
    ui.state.places.can_keep = true;
    kept_at_start(&mut ui.state, kept);
    ui.show(Side::Left, ".", local(), site());
    let mut effects = Vec::new();
    choose(&mut ui.state, Side::Right, &mut effects);
    ui.take(effects);
    let Command::Hosts { job } = *ui.last() else { panic!("the hosts were not asked for") };
    ui.event(job, What::Hosts(vec!["web-01".into(), "nas".into(), "evil\u{202e}host".into()]));
    ui.event(job, What::Done(Outcome::default()));
    ui.press("Tab");
    ui
}

fn choosing(w: u16, h: u16) -> Ui {
    started(w, h, kept())
}

fn choice(ui: &Ui) -> Option<Choice> {
    ui.state.active().chooser.as_ref()?.choice().cloned()
}

fn opened(ui: &Ui) -> String {
    match ui.last() {
        Command::Open { place, .. } => place.to_url(),
        other => panic!("nothing was opened: {other:?}"),
    }
}

fn form(ui: &Ui) -> &wharf::ui::state::Form {
    match ui.state.overlay() {
        Some(Overlay::Form(form)) => form,
        other => panic!("no form: {other:?}"),
    }
}

fn made(made: Made) -> Msg {
    Msg::Kept(Box::new(Kept { made: Some(made), ..kept() }))
}

#[test]
fn the_connect_screen() {
    snapshot("connect", choosing);
    snapshot("connect_search", |w, h| {
        let mut ui = choosing(w, h);
        ui.type_text("exam");
        ui
    });
    snapshot("connect_url", |w, h| {
        let mut ui = choosing(w, h);
        ui.type_text("sftp://ann:secret@new.example.org:2222/srv");
        ui
    });
    snapshot("connect_note", |w, h| {
        let mut ui = choosing(w, h);
        ui.press("Down Down");
        ui
    });
    snapshot("connect_first", |w, h| {
        let mut ui = Ui::new(w, h);
        ui.state.places.can_keep = true;
        ui.show(Side::Left, ".", local(), site());
        ui.press("^B");
        let Command::Hosts { job } = *ui.last() else { panic!("no hosts") };
        ui.event(job, What::Hosts(Vec::new()));
        ui.event(job, What::Done(Outcome::default()));
        ui
    });
    snapshot("connect_broken", |w, h| {
        let error = Error::new(ErrorKind::Usage, Operation::ReadBookmarks)
            .on("~/.config/wharf/bookmarks.toml:12")
            .with_detail("invalid basic string, expected `\"`");
        started(w, h, Kept { bookmarks: Vec::new(), error: Some(error), ..kept() })
    });
    snapshot("connect_remove", |w, h| {
        let mut ui = choosing(w, h);
        ui.press("Down Down F8");
        ui
    });
}

#[test]
fn the_form_of_a_bookmark() {
    snapshot("bookmark_form", |w, h| {
        let mut ui = choosing(w, h);
        ui.press("Down Down F4");
        ui
    });
    snapshot("bookmark_form_new", |w, h| {
        let mut ui = choosing(w, h);
        ui.press("F7 Tab Tab Tab Tab Tab Tab");
        ui.type_text("hunter2");
        ui
    });
    snapshot("bookmark_form_refused", |w, h| {
        let mut ui = choosing(w, h);
        ui.press("F7");
        ui.type_text("a:b");
        ui.press("Enter");
        ui
    });
    snapshot("bookmark_form_testing", |w, h| {
        let mut ui = choosing(w, h);
        ui.press("Down Down F4 ^T");
        let Command::Test { job, .. } = *ui.last() else { panic!("no test") };
        ui.event(job, What::Stage(Stage::LoggingIn));
        ui.at(4);
        ui
    });
}

fn changed() -> ChangedIdentity {
    let key_type = "ssh-ed25519".to_owned();
    ChangedIdentity {
        fingerprint: "SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM".into(),
        key_type: key_type.clone(),
        remembered: vec![KnownKey {
            file: "/home/ann/.ssh/known_hosts".into(),
            line: 12,
            key_type,
            fingerprint: "SHA256:uNiVztksCsDhcc0u9e8BrrJXVGMIMvbN0ZKXJ3L+4XI".into(),
        }],
    }
}

#[test]
fn a_failed_first_connection_says_what_to_do() {
    let failed = |w: u16, h: u16, error: Error| {
        let mut ui = choosing(w, h);
        ui.type_text("cam");
        ui.press("Enter");
        let job = ui.job(Side::Right);
        ui.event(job, What::Failed(error));
        ui
    };
    snapshot("connect_failed", |w, h| {
        let error = Error::new(ErrorKind::ConnectionFailed, Operation::Connect)
            .on("sftp://pi@camera.example.org")
            .with_detail("192.0.2.9:22: Connection refused");
        failed(w, h, error)
    });
    snapshot("connect_changed_key", |w, h| {
        let error = Error::new(ErrorKind::HostKeyRefused, Operation::CheckHostKey)
            .on("sftp://pi@camera.example.org")
            .with_detail("the host key has CHANGED")
            .with_changed_identity(changed());
        failed(w, h, error)
    });
    snapshot("connect_changed_key_whole", |w, h| {
        let error = Error::new(ErrorKind::HostKeyRefused, Operation::CheckHostKey)
            .on("sftp://pi@camera.example.org")
            .with_detail("the host key has CHANGED")
            .with_changed_identity(changed());
        let mut ui = failed(w, h, error);
        ui.press("Enter");
        ui
    });
    snapshot("connect_connecting", |w, h| {
        let mut ui = choosing(w, h);
        ui.type_text("cam");
        ui.press("Enter");
        let job = ui.job(Side::Right);
        ui.event(job, What::Stage(Stage::CheckingHostKey));
        ui.at(8);
        ui
    });
    let mut ui = failed(40, 10, Error::new(ErrorKind::Timeout, Operation::Connect));
    ui.press("Enter");
    assert!(matches!(ui.state.overlay(), Some(Overlay::Error { .. })), "all of it can be read");
    let mut ui = failed(80, 24, Error::new(ErrorKind::Timeout, Operation::Connect));
    ui.press("^B");
    assert!(choice(&ui).is_some(), "another place can be chosen");
}

#[test]
fn typing_finds_and_enter_connects() {
    let mut ui = choosing(80, 24);
    ui.type_text("camrec");
    assert_eq!(choice(&ui), Some(Choice::Recent(0)));
    ui.press("Enter");
    assert_eq!(opened(&ui), "sftp://pi@camera.example.org/srv/recordings/2026/11");
    assert!(ui.state.right.chooser.is_none());

    let mut ui = choosing(80, 24);
    ui.type_text("sftp://ann@new.example.org:2222/srv");
    ui.press("Enter");
    assert_eq!(opened(&ui), "sftp://ann@new.example.org:2222/srv");

    let mut ui = choosing(80, 24);
    ui.type_text("nas:docs");
    ui.press("Enter");
    assert_eq!(opened(&ui), "sftp://nas/~/docs");

    let mut ui = choosing(80, 24);
    ui.type_text("unheard-of");
    ui.press("Enter");
    assert_eq!(opened(&ui), "sftp://unheard-of");

    // A bookmark's name with a path is the bookmark's place.
    let mut ui = choosing(80, 24);
    ui.type_text("shop:/log");
    ui.press("Enter");
    assert_eq!(opened(&ui), "sftp://ann@web-01:2222/log");

    let mut ui = choosing(80, 24);
    ui.type_text("~/docs");
    ui.press("Enter");
    assert_eq!(opened(&ui), "/home/ann/docs");

    let mut ui = choosing(80, 24);
    ui.type_text("gopher://x");
    ui.press("Enter");
    assert!(ui.says("harf does not speak gopher"), "{:?}", ui.state.notice);
    assert!(ui.state.right.chooser.is_some(), "what was typed is still there");
}

#[test]
fn a_bookmark_brings_its_local_place_along() {
    let mut ui = choosing(80, 24);
    ui.type_text("shop");
    ui.press("Enter");
    let opened: Vec<String> = ui
        .sent
        .iter()
        .filter_map(|command| match command {
            Command::Open { place, .. } => Some(place.to_url()),
            _ => None,
        })
        .collect();
    let last: Vec<&str> = opened.iter().rev().take(2).map(String::as_str).collect();
    assert_eq!(last, ["sftp://ann@web-01:2222/var/www/shop", "~/site"]);

    // Not where the other pane shows a server.
    let mut ui = two_panes(80, 24);
    kept_at_start(&mut ui.state, kept());
    ui.press("^G");
    ui.type_text("shop:");
    ui.press("Enter");
    let opens = ui.sent.iter().filter(|command| matches!(command, Command::Open { .. })).count();
    assert_eq!(opens, 3, "the two at the start, and the shop");
}

#[test]
fn esc_leaves_one_step_at_a_time() {
    let mut ui = choosing(80, 24);
    ui.type_text("cam");
    ui.press("Esc");
    assert_eq!(ui.state.right.chooser.as_ref().map(|chooser| chooser.typed().to_owned()), Some("".into()));
    ui.press("Esc");
    assert!(ui.state.right.chooser.is_none());
    assert_eq!(opened(&ui), ".", "a pane without a place shows this directory");

    let mut ui = two_panes(80, 24);
    ui.press("^B");
    assert_eq!(ui.state.left.view.location, Some(local().0));
    ui.press("^B");
    assert!(ui.state.left.chooser.is_none());
    assert_eq!(ui.state.left.view.location, Some(local().0), "it shows what it showed");
}

#[test]
fn nothing_is_copied_to_a_place_that_is_not_seen() {
    let mut ui = two_panes(80, 24);
    ui.press("Tab ^B Tab Down F5");
    assert!(!ui.sent.iter().any(|command| matches!(command, Command::Copy { .. })));
}

#[test]
fn letters_do_nothing_to_files_while_one_types() {
    let mut ui = choosing(80, 24);
    ui.type_text("dqrmcTL?/.");
    assert!(ui.state.overlay().is_none() && !ui.quit && ui.state.panel.is_none());
    assert_eq!(
        ui.state.right.chooser.as_ref().map(|chooser| chooser.typed().to_owned()),
        Some("dqrmcTL?/.".into())
    );
}

#[test]
fn what_is_reached_is_remembered() {
    let mut ui = choosing(80, 24);
    ui.type_text("nas:");
    ui.press("Enter");
    let job = ui.job(Side::Right);
    let (location, info) = remote();
    ui.event(job, What::Connected { location, info });
    let visits = |ui: &Ui| {
        ui.kept
            .iter()
            .filter_map(|kept| match kept {
                Change::Visit { url, at } => Some((url.clone(), *at)),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(visits(&ui), [], "it may be that nothing there can be listed");
    ui.fill(Side::Right, site());
    assert_eq!(visits(&ui), [("sftp://nas/var/www/site".to_owned(), NOW)]);
    ui.press("Ctrl-R");
    ui.fill(Side::Right, site());
    assert_eq!(visits(&ui).len(), 1, "once");

    let mut demo = two_panes(80, 24);
    demo.press("^B");
    assert!(demo.kept.is_empty(), "nothing is kept where nothing may be");
}

/// What somebody has given a name is called by it; else a port tells two servers apart.
#[test]
fn a_server_is_called_as_its_bookmark_is() {
    let mut ui = choosing(80, 24);
    let mut reach = |url: &str| {
        if ui.state.right.chooser.is_none() {
            ui.press("^B");
        }
        ui.type_text(url);
        ui.press("Enter");
        let job = ui.job(Side::Right);
        let (_, info) = remote();
        let location = Location::new(FsId::new(url), RemotePath::root());
        ui.event(job, What::Connected { location, info });
        ui.fill(Side::Right, Vec::new());
        ui.state.right.view.info.label.clone()
    };
    assert_eq!(reach("sftp://db.example.org"), "Größe 日本語");
    assert_eq!(reach("sftp://web-01:22"), "web-01");
    assert_eq!(reach("sftp://web-01:2222"), "web-01:2222");
    assert_eq!(reach("sftp://web-01:22"), "web-01", "as before");
}

#[test]
fn a_place_is_bookmarked() {
    let mut ui = two_panes(80, 24);
    ui.state.places.can_keep = true;
    ui.press("Tab ^D");
    assert_eq!(form(&ui).text(Slot::Name), "web-01");
    assert_eq!(form(&ui).text(Slot::Local), "~/site");
    ui.press("^U");
    ui.type_text("the site");
    ui.press("Enter");
    let Some(Change::Save { old: None, bookmark, password: None }) = ui.kept.last() else {
        panic!("not saved: {:?}", ui.kept)
    };
    assert_eq!((bookmark.name.as_str(), bookmark.place.as_str()), ("the site", "sftp://web-01"));
    assert_eq!(bookmark.remote.as_deref(), Some("/var/www/site"));
    // It stays until it is saved, and once more where it is not.
    assert!(form(&ui).saving);
    let failed = Error::new(ErrorKind::NoSpace, Operation::SaveBookmarks);
    ui.msg(Msg::Kept(Box::new(Kept { failed: Some(failed), ..kept() })));
    assert!(form(&ui).error.as_ref().is_some_and(|error| error.contains("No space")));
    ui.press("Enter");
    ui.msg(made(Made::Saved("the site".into())));
    assert!(ui.state.overlay().is_none());
    assert!(ui.says("is saved"));
    assert_eq!(ui.state.places.bookmarks.len(), 3);
}

#[test]
fn a_password_goes_to_the_keyring_alone() {
    let mut ui = choosing(80, 24);
    ui.press("Down Down F4 Tab Tab Tab Tab Tab Tab");
    ui.type_text("hunter2");
    assert!(!ui.screen().contains("hunter2"));
    ui.press("Enter");
    let Some(Change::Save { old, bookmark, password }) = ui.kept.last() else { panic!("not saved") };
    assert_eq!(old.as_deref(), Some("shop"));
    assert_eq!(password.as_ref().map(|secret| secret.expose_secret()), Some("hunter2"));
    assert!(!format!("{bookmark:?}").contains("hunter2"));
    assert!(!format!("{:?}", ui.kept).contains("hunter2"));
    // What the keyring could not do is said.
    let warnings = vec!["Its password was not stored: there is no keyring here.".to_owned()];
    ui.msg(Msg::Kept(Box::new(Kept { made: Some(Made::Saved("shop".into())), warnings, ..kept() })));
    assert!(ui.says("there is no keyring here"));
}

#[test]
fn removing_asks_and_hosts_stay() {
    let mut ui = choosing(80, 24);
    ui.press("Down Down F8 Enter");
    assert!(!ui.kept.iter().any(|change| matches!(change, Change::Remove { .. })), "Enter keeps it");
    ui.press("F8 y");
    assert!(matches!(ui.kept.last(), Some(Change::Remove { name }) if name == "shop"));
    let mut ui = choosing(80, 24);
    ui.type_text("nas");
    ui.press("F8");
    assert!(ui.state.overlay().is_none() && ui.says("ssh_config"));
    let mut ui = choosing(80, 24);
    ui.type_text("old.ex");
    ui.press("F8");
    assert!(matches!(ui.kept.last(), Some(Change::Forget { url }) if url == "sftp://ann@old.example.org/"));
}

#[test]
fn a_test_asks_over_the_form_and_says_how_it_went() {
    let mut ui = choosing(80, 24);
    ui.press("Down Down F4 Tab Tab Tab Tab Tab Tab");
    ui.type_text("hunter2");
    ui.press("^T");
    let Command::Test { job, place: Place::Remote(Target { password, .. }, path) } = ui.last().clone() else {
        panic!("no test: {:?}", ui.last())
    };
    assert_eq!(password.map(|secret| secret.expose_secret().to_owned()).as_deref(), Some("hunter2"));
    assert_eq!(path, PlacePath::parse(b"/var/www/shop"));
    let ask = Ask::Trust(trust::Question::Secret(SecretRequest {
        subject: "ann@web-01".into(),
        kind: SecretKind::Password,
        prompt: String::new(),
        echo: false,
    }));
    ui.event(job, What::Ask { question: QuestionId(7), ask });
    assert!(ui.screen().contains("Password for ann@web-01"), "{}", ui.screen());
    ui.type_text("x");
    ui.press("Enter");
    assert!(matches!(ui.last(), Command::Answer { question: QuestionId(7), .. }));
    let (location, info) = remote();
    ui.event(job, What::Connected { location, info });
    ui.event(job, What::Entries(site()));
    ui.event(job, What::Done(Outcome::default()));
    assert!(form(&ui).tested.as_ref().is_some_and(|text| text.contains("10 entries in /var/www/site")));
    // A test that fails says why; one that is given up says nothing and is stopped.
    ui.press("^T");
    let Command::Test { job, .. } = *ui.last() else { panic!("no test") };
    ui.event(job, What::Failed(Error::new(ErrorKind::LoginFailed, Operation::Login)));
    assert!(form(&ui).error.as_ref().is_some_and(|error| error.contains("Could not log in")));
    ui.press("^T Esc");
    assert!(matches!(ui.last(), Command::Cancel { .. }));
    assert!(ui.state.trial.is_none());
    form(&ui);
}

#[test]
fn the_mouse_chooses() {
    let mut ui = choosing(80, 24);
    let rows = ui.state.right.chooser.as_ref().map_or(0, |chooser| chooser.lines.len());
    assert!(rows > 6);
    let host = ui
        .state
        .right
        .chooser
        .as_ref()
        .and_then(|chooser| {
            chooser
                .lines
                .iter()
                .position(|line| *line == wharf::ui::state::connect::Line::Choice(Choice::Host(1)))
        })
        .unwrap();
    let at = ui.find(|hit| hit == Hit::Line(Side::Right, host));
    ui.click(at);
    assert_eq!(choice(&ui), Some(Choice::Host(1)));
    ui.click(at);
    assert_eq!(opened(&ui), "sftp://nas");

    let mut ui = choosing(80, 24);
    ui.press("F7");
    let at = ui.find(|hit| hit == Hit::Field(3));
    ui.click(at);
    ui.type_text("nas");
    assert_eq!(form(&ui).text(Slot::Part(wharf::fs::Part::Host)), "nas");
    let cancel = ui.find(|hit| hit == Hit::Button(2));
    ui.click(cancel);
    assert!(ui.state.overlay().is_none());
}

#[test]
fn the_form_is_usable_at_every_size() {
    for (w, h) in [(40, 10), (20, 8), (10, 3), (3, 2), (0, 0), (300, 90)] {
        let mut ui = choosing(w, h);
        ui.screen();
        ui.press("F7");
        for _ in 0..14 {
            ui.press("Tab");
            ui.screen();
        }
        ui.press("Enter");
        ui.screen();
    }
}

#[test]
fn a_paste_is_typed_into_the_search_line() {
    let mut ui = choosing(80, 24);
    ui.msg(Msg::Paste("sftp://ann@web/x\n".into()));
    assert_eq!(choice(&ui), Some(Choice::Typed));
    ui.press("Enter");
    assert_eq!(opened(&ui), "sftp://ann@web/x");
}

/// Of what is wrong with ssh_config the reason matters, however long the path to it is.
#[test]
fn why_ssh_config_cannot_be_read_is_told_whole() {
    let mut ui = Ui::new(80, 24);
    ui.show(Side::Left, ".", local(), site());
    ui.press("^B");
    let Command::Hosts { job } = *ui.last() else { panic!("no hosts") };
    let why = "/data/somewhere/deep/home/of/ann/.ssh/config2 line 3: no argument after keyword \"Port\"";
    let error = Error::new(ErrorKind::Failure, Operation::ReadConfig).with_detail(why);
    ui.event(job, What::Failed(error));
    ui.state.notice = None;
    let screen = ui.screen();
    let rows: Vec<&str> = screen.lines().filter_map(|row| row.split("││").next()).collect();
    let text = rows.join(" ").replace(['│', '"'], " ");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("line 3: no argument after keyword Port"), "{screen}");
}

#[test]
fn empty_fields_say_what_the_protocol_makes_of_them() {
    let mut ui = choosing(80, 24);
    ui.press("F7 Tab Tab");
    assert!(ui.screen().contains("as ssh_config says"), "{}", ui.screen());
    ui.press("Right");
    let screen = ui.screen();
    assert!(screen.contains("anonymous") && screen.contains("a name or an address"), "{screen}");
    assert!(!screen.contains("ssh_config says"), "{screen}");
}

/// As a host key is: both are compared in the same way.
#[test]
fn a_certificate_is_shown_with_its_picture_and_air_around_its_fingerprint() {
    for (w, h) in [(80, 24), (140, 40)] {
        let screen = crate::asked(w, h, crate::untrusted_certificate()).screen();
        assert!(screen.contains("[X.509]") && screen.contains("[SHA256]"), "{screen}");
        let rows: Vec<&str> = screen.lines().collect();
        let first = rows.iter().position(|row| row.contains("81:AC:D7")).unwrap();
        let is_blank = |row: &str| row.split('│').any(|part| part.len() > 70 && part.trim().is_empty());
        assert!(is_blank(rows[first - 1]) && is_blank(rows[first + 2]), "{screen}");
    }
}

#[test]
fn a_bookmark_of_this_machine_needs_its_path() {
    let mut ui = choosing(80, 24);
    ui.press("F7");
    ui.type_text("here");
    ui.press("Tab Tab Left Enter");
    let screen = ui.screen();
    assert!(screen.contains("Say which path on this machine."), "{screen}");
}
