//! Looking for names below a folder: the dialog, and what keys and the mouse do in it.

use super::*;
use wharf::transfer::find::{Match, Tally};

fn found(path: &str, size: u64, age: i64) -> Match {
    let (path, slash) = match path.strip_suffix('/') {
        Some(path) => (path, "/"),
        None => (path, ""),
    };
    let at = RemotePath::new("/var/www/site").resolve(path.as_bytes());
    let name = String::from_utf8_lossy(at.name().unwrap()).into_owned();
    Match { path: at, entry: entry(&format!("{name}{slash}"), size, age) }
}

fn matches() -> Vec<Match> {
    vec![
        found("notes/2026/meeting-10.txt", 5120, DAY),
        found("notes/", 4096, 3 * DAY),
        found("notes/2026/meeting-9.txt", 812, 40 * DAY),
        found("日本語/e\u{301}te\u{301}/notes.txt", 28, 500 * DAY),
        found("evil\u{202e}/notes\x1b[2J.txt", 66, DAY),
        found(
            "a/very/deep/place/that/no/screen/has/room/for/at/all/notes-of-the-harbour-at-night.txt",
            1,
            DAY,
        ),
    ]
}

/// A search that was begun in the right pane, on the server.
fn searching(width: u16, height: u16) -> (Ui, JobId) {
    let mut ui = two_panes(width, height);
    ui.press("Tab ^f");
    ui.type_text("NOTE");
    ui.press("Enter");
    let Command::Find { job, location, query } = ui.last() else { panic!("nothing is looked for") };
    assert_eq!(location.path, RemotePath::new("/var/www/site"));
    assert!(query.matches(&entry("notes.txt", 1, 1)) && !query.matches(&entry("index.html", 1, 1)));
    let job = *job;
    ui.event(job, What::Matches(matches()));
    ui.event(job, What::Scanned(Tally { dirs: 31, entries: 4210, matches: 6 }));
    (ui, job)
}

fn refused() -> Error {
    let path = RemotePath::new("/var/www/site/private/keys");
    Error::new(ErrorKind::PermissionDenied, Operation::List).at(&path).with_reply(Reply::sftp(3, "no"))
}

/// The same at its end.
fn done(width: u16, height: u16) -> Ui {
    let (mut ui, job) = searching(width, height);
    ui.at(3);
    ui.event(job, What::ItemFailed(refused()));
    ui.event(job, What::Done(Outcome { failed: 1, ..Outcome::default() }));
    ui
}

fn names(ui: &Ui) -> Vec<String> {
    let Some(Overlay::Find(find)) = ui.state.overlay() else { panic!("no search is open") };
    let search = find.search.as_ref().unwrap();
    search.matches.iter().map(|found| String::from_utf8_lossy(found.path.as_bytes()).into_owned()).collect()
}

#[test]
fn the_dialog() {
    snapshot("find", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("^f");
        ui
    });
    snapshot("find_running", |w, h| searching(w, h).0);
    snapshot("find_done", |w, h| {
        let mut ui = done(w, h);
        ui.press("Down Ins Down");
        ui
    });
    snapshot("find_nothing", |w, h| {
        let (mut ui, _) = searching(w, h);
        ui.press("Esc ^u");
        ui.type_text("[");
        ui.press("Tab Tab Space Enter");
        ui
    });
}

#[test]
fn results_are_in_order_once_all_are_there_and_the_cursor_stays_on_its_own() {
    let (mut ui, job) = searching(80, 24);
    assert!(names(&ui)[0].ends_with("meeting-10.txt"));
    ui.press("Down Down");
    ui.event(job, What::Done(Outcome::default()));
    let names = names(&ui);
    let at = |end: &str| names.iter().position(|name| name.ends_with(end)).unwrap();
    assert!(at("meeting-9.txt") < at("meeting-10.txt"), "{names:?}");
    let Some(Overlay::Find(find)) = ui.state.overlay() else { panic!() };
    assert_eq!(find.cursor, at("meeting-9.txt"));
    assert!(!ui.state.is_animated());
}

#[test]
fn enter_goes_to_the_place_with_the_cursor_on_it_and_the_list_can_be_had_again() {
    let mut ui = done(80, 24);
    while !matches!(ui.state.overlay(), Some(Overlay::Find(find))
        if find.current().is_some_and(|found| found.path.as_bytes().ends_with(b"meeting-9.txt")))
    {
        ui.press("Down");
    }
    ui.press("Enter");
    assert_eq!(ui.listed().path, RemotePath::new("/var/www/site/notes/2026"));
    ui.fill(Side::Right, vec![entry("meeting-10.txt", 1, 1), entry("meeting-9.txt", 1, 1), entry("a", 1, 1)]);
    assert_eq!(ui.cursor_name(Side::Right), "meeting-9.txt");
    let sent = ui.sent.len();
    ui.press("^f");
    assert_eq!(names(&ui).len(), 6);
    assert_eq!(ui.sent.len(), sent, "nothing is looked for again");
    // A change of what is asked for is looked for anew.
    ui.type_text("s");
    ui.press("Enter");
    assert!(matches!(ui.last(), Command::Find { .. }));
}

#[test]
fn esc_stops_the_search_first_and_closes_then() {
    let (mut ui, job) = searching(80, 24);
    assert!(ui.state.is_animated());
    ui.press("Esc");
    assert!(matches!(ui.last(), Command::Cancel { job: stopped } if *stopped == job));
    assert_eq!(names(&ui).len(), 6, "what was found stays");
    ui.event(job, What::Matches(matches()));
    assert_eq!(names(&ui).len(), 6, "late news is no news");
    ui.press("Esc");
    assert!(ui.state.overlay().is_none());
}

#[test]
fn what_is_found_can_be_viewed_copied_and_deleted() {
    let mut ui = done(120, 30);
    ui.press("Down F3");
    assert!(ui.state.viewer.is_some() && ui.state.overlay().is_none());
    ui.press("Esc");
    assert!(ui.state.viewer.is_none());
    let names = names(&ui);
    ui.press("Ins Ins F5");
    let Command::Copy { request, .. } = ui.last() else { panic!("nothing is copied") };
    let sources: Vec<String> =
        request.sources.iter().map(|l| String::from_utf8_lossy(l.path.as_bytes()).into_owned()).collect();
    assert_eq!(sources, names[1..3]);
    assert_eq!(request.target, local().0);
    ui.press("F8 y");
    let Command::Remove { items, .. } = ui.last() else { panic!("nothing is deleted") };
    assert_eq!(items.len(), 1);
    assert_eq!(super::find::names(&ui).len(), 5);
}

#[test]
fn the_mouse_chooses_fields_and_results() {
    let mut ui = done(80, 24);
    let case = ui.find(|hit| hit == Hit::Field(2));
    ui.click(case);
    let Some(Overlay::Find(find)) = ui.state.overlay() else { panic!() };
    assert!(find.heeds_case && !find.is_answered());
    ui.click(case);
    let row = ui.find(|hit| hit == Hit::Chosen(1));
    ui.click(row);
    ui.click(row);
    assert!(ui.state.overlay().is_none());
    assert!(matches!(ui.last(), Command::List { .. }));
}

/// Every event lays the dialog out: with all lines of ten thousand, the keys wait for seconds.
#[test]
fn only_the_lines_that_are_seen_are_made() {
    let (mut ui, job) = searching(80, 24);
    ui.event(job, What::Matches((0..10_000).map(|n| found(&format!("d/note{n}"), n, 1)).collect()));
    ui.press("Ctrl-End");
    let sheet = wharf::ui::sheet::sheet(&ui.state).unwrap();
    assert_eq!(sheet.lines.len(), usize::from(sheet.body.height));
    assert!(ui.screen().contains("d/note9999"));
}

#[test]
fn a_hidden_file_is_shown_where_it_was_found() {
    let (mut ui, job) = searching(80, 24);
    ui.press("^u");
    ui.type_text(".note");
    ui.press("Enter");
    let Command::Find { job: second, .. } = ui.last() else { panic!() };
    assert_ne!(*second, job);
    let second = *second;
    ui.event(second, What::Matches(vec![found("d/.note", 1, 1)]));
    ui.press("Enter");
    assert!(matches!(ui.sent[ui.sent.len() - 2], Command::Cancel { .. }), "what goes on unseen is stopped");
    ui.fill(Side::Right, vec![entry("b", 1, 1), entry(".note", 1, 1)]);
    assert_eq!(ui.cursor_name(Side::Right), ".note");
}
