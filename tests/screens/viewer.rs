//! A file being looked at: what is fetched for it, what the keys do, what it looks like.

use bytes::Bytes;
use wharf::{
    engine::{Command, JobId, What},
    fs::{Error, ErrorKind, Operation},
    transfer::Outcome,
    ui::state::{Side, viewer::BLOCK},
};

use crate::{DAY, Ui, entry, snapshot, two_panes};

/// Answers everything that is asked of the file, as an engine would, until nothing is asked.
fn serve(ui: &mut Ui, file: &[u8]) {
    while let Some(Command::Read { job, offset, length, .. }) = unanswered(ui) {
        let mut found = entry("dump.sql", file.len() as u64, DAY);
        found.attributes.size = Some(file.len() as u64);
        ui.event(job, What::Entries(vec![found]));
        let from = usize::try_from(offset).unwrap().min(file.len());
        let until = (from + usize::try_from(length.unwrap()).unwrap()).min(file.len());
        for chunk in file[from..until].chunks(30_000) {
            ui.event(job, What::Data(Bytes::copy_from_slice(chunk)));
        }
        ui.event(job, What::Done(Outcome::default()));
    }
}

/// The read that the viewer waits for.
fn unanswered(ui: &Ui) -> Option<Command> {
    let job = ui.state.viewer.as_ref()?.fetch.as_ref()?.job;
    ui.sent.iter().find(|command| matches!(command, Command::Read { job: j, .. } if *j == job)).cloned()
}

fn viewing(width: u16, height: u16, file: &[u8]) -> Ui {
    let mut ui = two_panes(width, height);
    ui.press("Tab Down Down F3");
    serve(&mut ui, file);
    ui
}

fn top(ui: &Ui) -> u64 {
    ui.state.viewer.as_ref().expect("a file is looked at").top
}

fn search_job(ui: &Ui) -> JobId {
    match ui.last() {
        Command::Search { job, .. } => *job,
        other => panic!("no search: {other:?}"),
    }
}

fn text() -> Vec<u8> {
    let mut text = "# Robots\n\nUser-agent: *\n\tDisallow: /private\r\n".as_bytes().to_vec();
    text.extend("Größe: 日本語 👍 e\u{301}\n".bytes());
    text.extend("\u{1b}[2J is no escape, \u{202e}txt.exe is no text, \u{200b} is seen.\n".bytes());
    text.extend(b"a byte: \xff\n");
    text.extend("long ".repeat(60).bytes());
    text.push(b'\n');
    (1..=60).for_each(|n| text.extend(format!("line {n}\n").bytes()));
    text
}

#[test]
fn files_as_text_and_as_bytes() {
    snapshot("view_text", |w, h| viewing(w, h, &text()));
    snapshot("view_end", |w, h| {
        let mut ui = viewing(w, h, &text());
        ui.press("G");
        ui
    });
    snapshot("view_cut", |w, h| {
        let mut ui = viewing(w, h, &text());
        ui.press("w l");
        ui
    });
    snapshot("view_found", |w, h| {
        let mut ui = viewing(w, h, &text());
        ui.press("/");
        ui.type_text("Line 4");
        ui.press("Backspace Backspace Backspace Backspace Backspace Backspace");
        ui.type_text("line 4");
        ui.press("Enter n");
        ui
    });
    let binary: Vec<u8> = (0..=255u8).cycle().take(3000).collect();
    snapshot("view_bytes", |w, h| {
        let mut ui = viewing(w, h, &binary);
        ui.press("Down Down");
        ui
    });
    snapshot("view_latin1", |w, h| viewing(w, h, b"Gr\xfc\xdfe aus K\xf6ln\n"));
    snapshot("view_empty", |w, h| viewing(w, h, b""));
}

#[test]
fn a_wait_a_search_and_a_failure() {
    snapshot("view_reading", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("Tab Down Down F3");
        ui.at(9);
        ui
    });
    snapshot("view_failed", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("Tab Down Down F3");
        let Some(Command::Read { job, location, .. }) = unanswered(&ui) else { panic!("nothing is read") };
        let error = Error::new(ErrorKind::PermissionDenied, Operation::Open).at(&location.path);
        ui.event(job, What::Failed(error));
        ui
    });
    snapshot("view_search", |w, h| {
        let mut ui = viewing(w, h, &text());
        ui.press("/");
        ui.type_text("needle");
        ui
    });
    snapshot("view_searching", |w, h| {
        let file = vec![b'x'; 40 * BLOCK as usize];
        let mut ui = viewing(w, h, &file);
        ui.press("/");
        ui.type_text("needle");
        ui.press("Enter");
        let job = search_job(&ui);
        ui.event(job, What::Searched(16 * BLOCK));
        ui
    });
    snapshot("view_go_to", |w, h| {
        let mut ui = viewing(w, h, &text());
        ui.press("^G");
        ui.type_text("50%");
        ui
    });
}

#[test]
fn a_huge_file_opens_at_once_and_little_of_it_is_fetched() {
    let mut ui = two_panes(80, 24);
    ui.press("Tab Down Down v");
    let size = 10u64 << 30;
    let answer = |ui: &mut Ui| {
        while let Some(Command::Read { job, offset, length, .. }) = unanswered(ui) {
            let length = length.expect("a part").min(size - offset);
            assert!(length <= 4 * BLOCK);
            let mut found = entry("robots.txt", 0, DAY);
            found.attributes.size = Some(size);
            ui.event(job, What::Entries(vec![found]));
            let line = b"all work and no play makes a dull line of some length. Sixty-four\n";
            let bytes: Vec<u8> = (offset..offset + length).map(|at| line[(at % 64) as usize]).collect();
            ui.event(job, What::Data(bytes.into()));
            ui.event(job, What::Done(Outcome::default()));
        }
    };
    answer(&mut ui);
    assert!(ui.screen().contains("all work"));
    ui.press("G");
    answer(&mut ui);
    assert!(top(&ui) > size - 3000);
    ui.press("^G");
    ui.type_text("50%");
    ui.press("Enter");
    answer(&mut ui);
    assert!(top(&ui).abs_diff(size / 2) <= BLOCK, "{}", top(&ui));
    (0..40).for_each(|_| {
        ui.press("PgUp");
        answer(&mut ui);
    });
    ui.press("g");
    answer(&mut ui);
    assert_eq!(top(&ui), 0);
    let reads = ui.sent.iter().filter(|command| matches!(command, Command::Read { .. })).count();
    assert!(reads < 20, "{reads} reads");
    assert!(ui.state.viewer.as_ref().unwrap().blocks.held() <= 16 << 20);
}

#[test]
fn keys_that_come_faster_than_bytes_are_kept() {
    let file = b"0123456789abcdef\n".repeat(100_000);
    let mut ui = two_panes(80, 24);
    ui.press("Tab Down Down F3 Down Down Down PgDn");
    serve(&mut ui, &file);
    let page = 24 - 3 - 2 - 1;
    assert_eq!(top(&ui), 17 * (3 + page));
    ui.press("Up");
    assert_eq!(top(&ui), 17 * (2 + page));
}

#[test]
fn the_end_stays_at_the_lower_edge() {
    let mut ui = viewing(80, 24, b"one\ntwo\nthree\n");
    ui.press("Down PgDn G");
    assert_eq!(top(&ui), 0);
    let file = b"line\n".repeat(100);
    let mut ui = viewing(80, 24, &file);
    ui.press("G");
    let end = top(&ui);
    assert_eq!(end, 5 * (100 - 19));
    ui.press("PgDn Down");
    assert_eq!(top(&ui), end);
}

#[test]
fn a_search_goes_on_in_the_engine_and_can_be_stopped() {
    let mut file = vec![b'.'; 60 * BLOCK as usize];
    let there = 50 * BLOCK as usize + 7;
    file[there..there + 6].copy_from_slice(b"needle");
    let mut ui = viewing(80, 24, &file);
    ui.press("/");
    ui.type_text("needle");
    ui.press("Enter");
    let Command::Search { job, from, backward: false, .. } = *ui.last() else { panic!("{:?}", ui.last()) };
    assert!(from > 0 && from <= 5 * BLOCK, "what is there was looked through: {from}");
    ui.event(job, What::Searched(30 * BLOCK));
    ui.press("Esc");
    assert!(matches!(ui.last(), Command::Cancel { job: stopped } if *stopped == job));
    assert!(ui.state.viewer.is_some(), "the first Esc stops the search");

    ui.press("n");
    let job = search_job(&ui);
    ui.event(job, What::Found(Some(there as u64)));
    ui.event(job, What::Done(Outcome::default()));
    serve(&mut ui, &file);
    assert!(ui.screen().contains("needle"));
    ui.press("N");
    let Command::Search { job, from, backward: true, .. } = *ui.last() else { panic!("{:?}", ui.last()) };
    assert_eq!(from, there as u64);
    ui.event(job, What::Found(None));
    ui.event(job, What::Done(Outcome::default()));
    assert!(ui.says("needle is not found before here"));
    ui.press("Esc");
    assert!(ui.state.viewer.is_none());
}

#[test]
fn leaving_stops_the_reading() {
    let mut ui = two_panes(80, 24);
    ui.press("Tab Down Down F3");
    let Some(Command::Read { job, .. }) = unanswered(&ui) else { panic!("nothing is read") };
    ui.press("Esc");
    assert!(matches!(ui.last(), Command::Cancel { job: stopped } if *stopped == job));
    assert!(ui.state.viewer.is_none());
    // Late news are nobody's.
    ui.event(job, What::Data(Bytes::from_static(b"late")));
    assert!(ui.screen().contains("robots.txt"));
}

#[test]
fn folders_are_not_looked_at() {
    let mut ui = two_panes(80, 24);
    ui.press("F3");
    assert!(ui.says("Put the cursor on"));
    ui.press("Down F3");
    assert!(ui.says("assets is a folder"));
    assert_eq!(ui.cursor_name(Side::Left), "assets");
}

#[test]
fn a_file_that_grows_is_shown_with_its_new_end() {
    let mut file = b"first\n".to_vec();
    let mut ui = viewing(80, 24, &file);
    file.extend(b"second\n");
    ui.press("^R");
    serve(&mut ui, &file);
    assert!(ui.screen().contains("second"));
}
