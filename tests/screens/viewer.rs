//! A file being looked at: what is fetched for it, what the keys do, what it looks like.

use bytes::Bytes;
use wharf::{
    engine::{Command, JobId, What},
    fs::{Error, ErrorKind, Operation},
    transfer::Outcome,
    ui::{
        state::{
            Side,
            highlight::{Highlighted, Span},
            picture::{self, Cell, Fitted, Pictured},
            viewer::BLOCK,
        },
        theme::{Background, Depth, Role, Theme},
        update::Msg,
    },
};

use crate::{DAY, Ui, entry, snapshot, two_panes};
use ratatui::style::Color;

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
    let viewer = ui.state.viewer.as_ref()?;
    let picture = viewer.picture.as_ref().and_then(|picture| match picture.stage {
        picture::Stage::Reading { job, .. } => Some(job),
        _ => None,
    });
    let job = viewer.fetch.as_ref().map(|fetch| fetch.job).or(picture)?;
    ui.sent.iter().find(|command| matches!(command, Command::Read { job: j, .. } if *j == job)).cloned()
}

pub(crate) fn viewing(width: u16, height: u16, file: &[u8]) -> Ui {
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
        assert_eq!(ui.screen().matches("reading").count(), 1, "{}", ui.screen());
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

/// Answers for the parser, which here knows a few words and a comment.
pub(crate) fn colour(ui: &mut Ui) {
    while !ui.chunks.is_empty() {
        for chunk in std::mem::take(&mut ui.chunks) {
            let mut spans = Vec::new();
            let mut at = u32::try_from(chunk.start).unwrap();
            for line in String::from_utf8_lossy(&chunk.bytes).split_inclusive('\n') {
                let end = at + line.len() as u32;
                if line.starts_with('#') {
                    spans.push(Span { start: at, end, role: Role::Comment });
                } else if let Some((name, _)) = line.split_once(" = ") {
                    let middle = at + name.len() as u32;
                    spans.push(Span { start: at, end: middle, role: Role::Tag });
                    spans.push(Span { start: middle + 3, end, role: Role::String });
                }
                at = end;
            }
            let syntax = Some("TOML".to_owned());
            let end = chunk.start + chunk.bytes.len() as u64;
            let back = Highlighted { ticket: chunk.ticket, syntax, end, spans, goes_on: true };
            ui.msg(Msg::Highlighted(Box::new(back)));
        }
    }
}

pub(crate) fn settings() -> Vec<u8> {
    let mut text = b"# What is kept\nname = \"wharf\"\nicons = \"nerd\"\n\n".to_vec();
    (1..=400).for_each(|n| text.extend(format!("# note {n}\nkey_{n} = \"value {n}\"\n").bytes()));
    text
}

/// The colour of the character at a place of the screen.
fn colour_at(ui: &Ui, text: &str) -> Color {
    let size = ui.state.size;
    let mut terminal =
        ratatui::Terminal::new(ratatui::backend::TestBackend::new(size.width, size.height)).unwrap();
    terminal.draw(|frame| wharf::ui::view::draw(frame, &ui.state)).unwrap();
    let buffer = terminal.backend().buffer();
    for y in 0..size.height {
        for x in 0..size.width {
            let mut at = (x..size.width).map(|x| buffer.cell((x, y)).unwrap().symbol());
            if text.chars().all(|c| at.next() == Some(c.encode_utf8(&mut [0; 4]))) {
                return buffer.cell((x, y)).unwrap().fg;
            }
        }
    }
    panic!("{text} is not on the screen:\n{}", ui.screen())
}

fn of(ui: &Ui, role: Role) -> Color {
    ui.state.theme.style(role).fg.unwrap()
}

#[test]
fn a_file_is_coloured_as_far_as_it_is_seen_and_a_little_more() {
    let mut ui = viewing(80, 24, &settings());
    assert_eq!(ui.chunks.len(), 1, "one piece at a time");
    assert_eq!(colour_at(&ui, "# What"), of(&ui, Role::Text), "plain until the parser has answered");
    colour(&mut ui);
    assert_eq!(colour_at(&ui, "# What"), of(&ui, Role::Comment));
    assert_eq!(colour_at(&ui, "icons"), of(&ui, Role::Tag));
    assert_eq!(colour_at(&ui, "\"nerd\""), of(&ui, Role::String));
    assert!(ui.screen().contains("TOML  UTF-8"));
    let reached = ui.state.viewer.as_ref().unwrap().highlight.reached;
    assert!(reached <= 16 << 10, "{reached}");
    ui.press("c");
    assert!(ui.says("Shown plainly"));
    assert_eq!(colour_at(&ui, "icons"), of(&ui, Role::Text));
    assert!(!ui.screen().contains("TOML"));
    ui.press("c");
    assert_eq!(colour_at(&ui, "icons"), of(&ui, Role::Tag));
    ui.press("x");
    assert!(ui.screen().contains("00000000"), "bytes have no syntax");
}

#[test]
fn nothing_is_asked_of_the_parser_where_no_colours_are_wanted() {
    let mut ui = two_panes(80, 24);
    ui.state.theme = Theme { depth: Depth::None, ..Theme::default() };
    ui.press("Tab Down Down F3");
    serve(&mut ui, &settings());
    assert!(ui.chunks.is_empty());
    ui.press("c c");
    assert!(ui.chunks.is_empty() && ui.says("no colours"));
}

/// What comes late is nobody's: another file is looked at meanwhile, or the same one has changed.
#[test]
fn colours_of_another_look_are_dropped() {
    let mut ui = viewing(80, 24, &settings());
    let late = ui.chunks.pop().unwrap();
    ui.press("Esc F3");
    serve(&mut ui, &settings());
    let answer = |ticket| Highlighted {
        ticket,
        syntax: Some("Wrong".into()),
        end: 14,
        spans: vec![Span { start: 0, end: 14, role: Role::Bad }],
        goes_on: true,
    };
    ui.msg(Msg::Highlighted(Box::new(answer(late.ticket))));
    assert_eq!(colour_at(&ui, "# What"), of(&ui, Role::Text));
    let now = ui.chunks.pop().unwrap();
    assert_ne!(now.ticket, late.ticket);
    ui.press("^R");
    serve(&mut ui, &settings());
    ui.msg(Msg::Highlighted(Box::new(answer(now.ticket))));
    assert_eq!(colour_at(&ui, "# What"), of(&ui, Role::Text));
}

/// What a byte of the middle is depends on all before it, which is not there: it stays plain.
#[test]
fn the_middle_of_a_huge_file_is_plain() {
    let mut file = settings();
    while file.len() < 6 << 20 {
        file.extend_from_slice(&settings());
    }
    let mut ui = viewing(80, 24, &file);
    colour(&mut ui);
    ui.press("^G");
    ui.type_text("75%");
    ui.press("Enter");
    serve(&mut ui, &file);
    assert!(ui.chunks.is_empty());
    assert_eq!(colour_at(&ui, "key_"), of(&ui, Role::Text));
    ui.press("g");
    serve(&mut ui, &file);
    assert_eq!(colour_at(&ui, "icons"), of(&ui, Role::Tag), "what was found is kept");
}

/// The beginning of a PNG; what follows is for whoever makes pictures.
fn png(size: usize) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    file.resize(size, 0);
    file
}

/// Answers for whoever makes pictures: a frame around a grey ground, as large as there is room.
pub(crate) fn paint(ui: &mut Ui) {
    for wanted in std::mem::take(&mut ui.pictures) {
        let (columns, rows) = (wanted.fit.cells.0.min(24), wanted.fit.cells.1.min(6));
        let cell = |x: u16, y: u16| {
            let edge = x == 0 || y == 0 || x + 1 == columns || y + 1 == rows;
            let [fg, bg] = if edge { [2, 4] } else { [7, 8] };
            Cell { symbol: '▀', fg: Some(Color::Indexed(fg)), bg: Some(Color::Indexed(bg)) }
        };
        let all = (0..rows).map(|y| (0..columns).map(|x| cell(x, y)).collect()).collect();
        let result = Ok(Fitted { of: (1920, 960), rows: all });
        ui.msg(Msg::Picture(Box::new(Pictured { ticket: wanted.ticket, fit: wanted.fit, result })));
    }
}

#[test]
fn a_picture_is_shown_in_the_middle_and_as_bytes() {
    let mut ui = viewing(80, 24, &png(90_000));
    assert_eq!(ui.pictures.len(), 1);
    assert_eq!(ui.pictures[0].file.as_ref().map(|file| file.len()), Some(90_000), "it was there already");
    paint(&mut ui);
    let screen = ui.screen();
    assert!(screen.contains("PNG  87.9 KiB") && screen.contains("1920 x 960"), "{screen}");
    ui.press("x");
    assert!(ui.screen().contains("89 50 4e 47"));
    ui.press("x");
    assert!(ui.screen().contains('▀'));
    // Another size, another picture of the same file.
    ui.msg(Msg::Resize(60, 20));
    let again = ui.pictures.last().unwrap();
    assert!(again.file.is_none() && again.fit.cells == (58, 15), "{:?}", again.fit);
    assert!(ui.screen().contains('▀'), "the old one stays until then");
    paint(&mut ui);
    ui.state.theme.background = Background::Light;
    ui.at(2);
    assert_eq!(ui.pictures.last().unwrap().fit.background, Background::Light);
    ui.press("Esc");
    assert!(ui.state.viewer.is_none());
}

#[test]
fn a_large_picture_is_read_with_progress_and_can_be_stopped() {
    let file = png(3 << 20);
    let mut ui = two_panes(80, 24);
    ui.press("Tab Down Down F3");
    let Some(Command::Read { job, .. }) = unanswered(&ui) else { panic!("nothing is read") };
    let mut found = entry("robots.txt", 0, DAY);
    found.attributes.size = Some(file.len() as u64);
    ui.event(job, What::Entries(vec![found]));
    ui.event(job, What::Data(Bytes::copy_from_slice(&file[..4 * BLOCK as usize])));
    ui.event(job, What::Done(Outcome::default()));
    let Some(Command::Read { job, offset: 0, .. }) = unanswered(&ui) else { panic!("{:?}", ui.last()) };
    ui.event(job, What::Data(Bytes::copy_from_slice(&file[..1 << 20])));
    assert!(ui.screen().contains("reading… 1.0 MiB of 3.0 MiB"), "{}", ui.screen());
    ui.event(job, What::Data(Bytes::copy_from_slice(&file[1 << 20..])));
    ui.event(job, What::Done(Outcome::default()));
    assert_eq!(ui.pictures[0].file.as_ref().unwrap().len(), file.len());
    let (ticket, fit) = (ui.pictures[0].ticket, ui.pictures[0].fit);
    let why = "This picture cannot be shown: it is broken.".to_owned();
    ui.msg(Msg::Picture(Box::new(Pictured { ticket, fit, result: Err(why) })));
    assert!(ui.screen().contains("it is broken"));

    ui.press("^R");
    let Some(Command::Read { job, .. }) = unanswered(&ui) else { panic!("nothing is read") };
    ui.event(job, What::Data(Bytes::copy_from_slice(&file[..4 * BLOCK as usize])));
    ui.event(job, What::Done(Outcome::default()));
    let Some(Command::Read { job, .. }) = unanswered(&ui) else { panic!("nothing is read") };
    ui.press("Esc");
    assert!(matches!(ui.last(), Command::Cancel { job: stopped } if *stopped == job));
    assert!(ui.state.viewer.is_none());
}

#[test]
fn a_picture_that_is_too_large_is_not_read() {
    let mut ui = two_panes(80, 24);
    ui.press("Tab Down Down F3");
    let Some(Command::Read { job, .. }) = unanswered(&ui) else { panic!("nothing is read") };
    let mut found = entry("robots.txt", 0, DAY);
    found.attributes.size = Some(33 << 20);
    ui.event(job, What::Entries(vec![found]));
    ui.event(job, What::Data(png(4 * BLOCK as usize).into()));
    ui.event(job, What::Done(Outcome::default()));
    assert!(unanswered(&ui).is_none() && ui.pictures.is_empty());
    assert!(ui.screen().contains("Pictures of more than 32.0 MiB are not shown"), "{}", ui.screen());
    ui.press("x");
    serve(&mut ui, &png(33 << 20));
    assert!(ui.screen().contains("89 50 4e 47"));
}

#[test]
fn commands_are_found_by_name_where_a_file_is_looked_at() {
    let mut ui = viewing(80, 24, &settings());
    colour(&mut ui);
    ui.press(":");
    ui.type_text("colours");
    ui.press("Enter");
    assert!(ui.says("Shown plainly") && !ui.state.colours);
    assert!(ui.state.viewer.is_some());
}
