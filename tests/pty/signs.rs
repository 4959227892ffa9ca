//! The terminal beside the screen: Ctrl-Z and back, storms of sizes, and quiet while nothing
//! happens.

use std::{ffi::OsStr, thread, time::Duration};

use nix::sys::signal::Signal;

use crate::screen::*;

const CTRL_Z: &str = "\x1a";

fn panes(home: &tempfile::TempDir) -> Screen {
    std::fs::write(home.path().join("letter.txt"), "x").unwrap();
    let screen = Screen::start(100, 30, home.path(), &[OsStr::new("."), OsStr::new(".")]);
    screen.wait_for("letter.txt");
    screen
}

/// Where no shell waits there is nothing to stop for: the terminal is given up and taken again.
#[test]
fn ctrl_z_gives_the_terminal_up_and_takes_it_again() {
    let home = tempfile::tempdir().unwrap();
    let mut screen = panes(&home);
    let from = screen.raw().len();
    screen.press(CTRL_Z);
    screen.wait_for_raw(from, b"\x1b[?1049l");
    screen.wait_for_raw(from, b"\x1b[?1049h");
    screen.wait_for("letter.txt");
    assert!(!screen.is_cooked());
    screen.press("q");
    assert_eq!(screen.wait().exit_code(), 0);
    screen.assert_given_back();
}

#[test]
fn being_continued_draws_everything_anew() {
    let home = tempfile::tempdir().unwrap();
    let mut screen = panes(&home);
    screen.send(Signal::SIGSTOP);
    let from = screen.raw().len();
    screen.send(Signal::SIGCONT);
    screen.wait_for_raw(from, b"letter.txt");
    assert!(!screen.is_cooked());
    screen.press("q");
    screen.wait();
    screen.assert_given_back();
}

/// What was drawn for the size before may still be on its way when the emulator is made small.
#[test]
fn the_emulator_bears_what_was_drawn_for_a_larger_screen() {
    let drawn: String = (1..30).map(|row| format!("\x1b[{row};1H{}", "a字".repeat(40))).collect();
    for (columns, rows) in [(1, 1), (2, 1), (1, 2), (141, 1), (81, 1), (3, 3), (90, 24)] {
        let mut parser = vt100::Parser::new(30, 120, 0);
        parser.process(b"\x1b[?1049h");
        parser.process(drawn.as_bytes());
        set_size(&mut parser, columns, rows);
        parser.process(drawn.as_bytes());
    }
}

#[test]
fn a_storm_of_sizes_ends_with_the_last_one() {
    let home = tempfile::tempdir().unwrap();
    let mut screen = panes(&home);
    for round in 0..60u16 {
        screen.resize(1 + round * 7 % 200, 1 + round * 3 % 60);
    }
    screen.resize(90, 24);
    screen.wait_until("the last size", |screen| {
        rows(screen).nth(1).is_some_and(|line| line.ends_with('╮') && line.chars().count() == 90)
    });
    screen.press("q");
    assert_eq!(screen.wait().exit_code(), 0);
    screen.assert_given_back();
}

#[test]
fn idle_draws_nothing() {
    let home = tempfile::tempdir().unwrap();
    let screen = panes(&home);
    // What came of the start is over once the terminal has been quiet for a while.
    let mut before = 0;
    let mut quiet = 0;
    for _ in 0..100 {
        thread::sleep(Duration::from_millis(100));
        let now = screen.raw().len();
        quiet = if now == before { quiet + 1 } else { 0 };
        before = now;
        if quiet == 10 {
            return;
        }
    }
    panic!("it went on drawing");
}
