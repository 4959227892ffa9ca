//! Going to a path by typing it: what is completed, what is asked for, and where Enter leads.

use super::*;
use wharf::{
    config::{Change, Kept},
    ui::update::kept_at_start,
};

/// The dialog over the left pane, with the names of its folder.
fn typing(width: u16, height: u16) -> Ui {
    let mut ui = two_panes(width, height);
    ui.press("^g");
    ui
}

/// Answers the listing that was asked for.
fn answer(ui: &mut Ui, path: &str, entries: Vec<Entry>) {
    let Command::List { job, location } = ui.last() else { panic!("nothing is listed: {:?}", ui.last()) };
    assert_eq!(location.path, RemotePath::new(path));
    let job = *job;
    ui.event(job, What::Entries(entries));
    ui.event(job, What::Done(Outcome::default()));
}

fn text(ui: &Ui) -> String {
    match ui.state.overlay() {
        Some(Overlay::GoTo(goto)) => goto.text().to_owned(),
        other => panic!("{other:?}"),
    }
}

fn looked_at(ui: &Ui) -> (JobId, String) {
    match ui.last() {
        Command::Stat { job, location } => (*job, location.path.to_string()),
        other => panic!("nothing is looked at: {other:?}"),
    }
}

#[test]
fn the_dialog() {
    snapshot("goto", typing);
    snapshot("goto_completing", |w, h| {
        let mut ui = typing(w, h);
        ui.type_text("a");
        ui.press("Tab");
        answer(&mut ui, "/home/ann/site/assets", vec![entry("logo.svg", 1, 1), entry("fonts/", 1, 1)]);
        ui.press("Tab");
        ui
    });
    snapshot("goto_waiting", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("Tab ^g");
        ui.type_text("/srv/big/");
        ui.at(7);
        ui
    });
    snapshot("goto_wrong", |w, h| {
        let mut ui = typing(w, h);
        ui.type_text("nowhere");
        ui.press("Enter");
        let (job, path) = looked_at(&ui);
        let error = Error::new(ErrorKind::NotFound, Operation::Stat).at(&RemotePath::new(path));
        ui.event(job, What::Failed(error));
        ui
    });
}

#[test]
fn tab_completes_as_far_as_it_is_clear_and_walks_from_there() {
    let mut ui = typing(80, 24);
    ui.type_text("no");
    ui.press("Tab");
    assert_eq!(text(&ui), "notes.md");
    ui.press("^u");
    ui.type_text("/var/l");
    answer(
        &mut ui,
        "/var",
        vec![entry("log/", 1, 1), entry("lib/", 1, 1), entry("local/", 1, 1), entry("tmp/", 1, 1)],
    );
    ui.press("Tab");
    assert_eq!(text(&ui), "/var/lib/");
    ui.press("Tab");
    assert_eq!(text(&ui), "/var/local/");
    ui.press("BackTab");
    assert_eq!(text(&ui), "/var/lib/");
    // What was listed is not asked for again.
    ui.press("^u");
    let sent = ui.sent.len();
    ui.type_text("/var/t");
    ui.press("Tab");
    assert!(ui.sent[sent..].iter().all(|command| !matches!(command,
        Command::List { location, .. } if location.path == RemotePath::new("/var"))));
    assert_eq!(text(&ui), "/var/tmp/");
}

#[test]
fn letters_in_their_order_are_enough() {
    let mut ui = typing(80, 24);
    ui.type_text("dmp");
    ui.press("Tab");
    assert_eq!(text(&ui), "dump.sql");
}

#[test]
fn enter_goes_to_a_folder_and_to_the_folder_of_a_file() {
    let mut ui = typing(80, 24);
    ui.type_text("assets/");
    ui.press("Enter");
    let (job, path) = looked_at(&ui);
    assert_eq!(path, "/home/ann/site/assets");
    ui.event(job, What::Entries(vec![entry("assets/", 1, 1)]));
    assert_eq!(ui.listed().path, RemotePath::new("/home/ann/site/assets"));
    ui.fill(Side::Left, vec![]);
    ui.press("^g");
    ui.type_text("../dump.sql");
    ui.press("Enter");
    let (job, path) = looked_at(&ui);
    assert_eq!(path, "/home/ann/site/dump.sql");
    ui.event(job, What::Entries(vec![entry("dump.sql", 1, 1)]));
    ui.fill(Side::Left, site());
    assert_eq!(ui.cursor_name(Side::Left), "dump.sql");
    // What was gone to can be had again.
    ui.press("^g Up");
    assert_eq!(text(&ui), "/home/ann/site/dump.sql");
    ui.press("Up");
    assert_eq!(text(&ui), "/home/ann/site/assets");
    // It is kept for the next run, where anything is.
    assert!(ui.kept.is_empty());
    ui.press("Down Down");
    assert_eq!(text(&ui), "");
}

#[test]
fn a_wrong_path_says_why_and_stays() {
    let mut ui = typing(80, 24);
    ui.type_text("nowhere");
    ui.press("Enter");
    let (job, path) = looked_at(&ui);
    ui.event(job, What::Failed(Error::new(ErrorKind::NotFound, Operation::Stat).at(&RemotePath::new(path))));
    assert_eq!(text(&ui), "nowhere");
    assert!(ui.screen().contains("no such file or folder"), "{}", ui.screen());
    ui.type_text("x");
    assert!(!ui.screen().contains("no such file or folder"));
    ui.press("Esc");
    if ui.state.overlay().is_some() {
        ui.press("Esc");
    }
    assert!(ui.state.overlay().is_none());
}

#[test]
fn a_look_that_takes_long_can_be_stopped() {
    let mut ui = typing(80, 24);
    ui.type_text("x");
    ui.press("Enter");
    assert!(ui.state.is_animated());
    let (job, _) = looked_at(&ui);
    ui.press("Esc");
    assert!(matches!(ui.last(), Command::Cancel { job: stopped } if *stopped == job));
    assert_eq!(text(&ui), "x");
    ui.event(job, What::Entries(vec![entry("x/", 1, 1)]));
    assert_eq!(text(&ui), "x", "late news leads nowhere");
}

#[test]
fn a_login_s_home_is_asked_for_once() {
    let mut ui = two_panes(80, 24);
    ui.press("Tab ^g");
    ui.type_text("~/www/");
    let Command::Open { job, .. } = ui.last() else { panic!("{:?}", ui.last()) };
    let job = *job;
    let (location, info) = remote();
    let home = Location::new(location.fs, RemotePath::new("/home/ann"));
    ui.event(job, What::Connected { location: home, info });
    answer(&mut ui, "/home/ann/www", vec![entry("a b/", 1, 1)]);
    ui.press("Tab Enter");
    assert_eq!(text(&ui), "~/www/a b/");
    assert_eq!(looked_at(&ui).1, "/home/ann/www/a b");
}

#[test]
fn a_server_is_not_connected_for_a_completion() {
    let mut ui = typing(80, 24);
    let sent = ui.sent.len();
    ui.type_text("sftp://elsewhere/etc/pass");
    ui.press("Tab");
    assert!(ui.sent[sent..].iter().all(|command| !matches!(command, Command::Open { .. })));
    ui.press("Enter");
    assert!(matches!(ui.last(), Command::Open { .. }));
    assert!(ui.state.overlay().is_none());
}

#[test]
fn a_url_of_a_server_that_is_there_is_completed() {
    let mut ui = typing(80, 24);
    ui.type_text("sftp://web-01/var/");
    answer(&mut ui, "/var", vec![entry("a b/", 1, 1)]);
    ui.press("Tab");
    assert_eq!(text(&ui), "sftp://web-01/var/a%20b/");
}

#[test]
fn a_candidate_is_taken_with_the_mouse() {
    let mut ui = typing(80, 24);
    let row = ui.find(|hit| hit == Hit::Chosen(0));
    ui.click(row);
    assert_eq!(text(&ui), "assets/");
}

#[test]
fn tab_waits_for_the_names_it_is_to_complete() {
    let mut ui = typing(80, 24);
    ui.type_text("/var/lo");
    ui.press("Tab");
    assert_eq!(text(&ui), "/var/lo");
    answer(&mut ui, "/var", vec![entry("log/", 1, 1), entry("tmp/", 1, 1)]);
    assert_eq!(text(&ui), "/var/log/");
    // What is typed meanwhile is meant otherwise.
    let mut ui = typing(80, 24);
    ui.type_text("/var/l");
    ui.press("Tab");
    ui.type_text("i");
    answer(&mut ui, "/var", vec![entry("log/", 1, 1), entry("lib/", 1, 1)]);
    assert_eq!(text(&ui), "/var/li");
}

#[test]
fn what_was_gone_to_is_kept_and_comes_back() {
    let mut ui = Ui::new(80, 24);
    ui.state.places.can_keep = true;
    let gone = vec!["/var/log".to_owned(), "web-01:/srv".to_owned()];
    kept_at_start(&mut ui.state, Kept { gone, ..Kept::default() });
    ui.show(Side::Left, ".", local(), site());
    ui.press("^g Up Up");
    assert_eq!(text(&ui), "web-01:/srv");
    ui.press("Esc ^g");
    ui.type_text("/home/ann/site/assets/");
    ui.press("Enter");
    let (job, _) = looked_at(&ui);
    ui.event(job, What::Entries(vec![entry("assets/", 1, 1)]));
    let kept =
        |change: &Change| matches!(change, Change::GoneTo { text } if text == "/home/ann/site/assets/");
    assert!(ui.kept.iter().any(kept), "{:?}", ui.kept);
    // A later word from the store does not take it away again.
    ui.msg(Msg::Kept(Box::default()));
    ui.fill(Side::Left, vec![]);
    ui.press("^g Up Up");
    assert_eq!(text(&ui), "/var/log");
}

#[test]
fn the_mark_of_the_field_stands_apart_from_its_label() {
    let mut ui = two_panes(80, 24);
    ui.press("^G");
    assert!(ui.screen().contains("› Path"), "{}", ui.screen());
}
