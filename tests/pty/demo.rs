//! `wharf demo`: what somebody does in the first five minutes, and every way out.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::screen::*;

/// The demo in a terminal, with a home of its own for its files.
struct Demo {
    screen: Screen,
    home: TempDir,
}

impl Demo {
    fn start(columns: u16, rows: u16) -> Demo {
        let home = tempfile::tempdir().unwrap();
        let screen = Screen::start(columns, rows, home.path(), &[OsStr::new("demo")]);
        Demo { screen, home }
    }

    /// With both panes filled.
    fn ready() -> Demo {
        let demo = Demo::start(120, 34);
        demo.screen.wait_for("letter.txt");
        demo.screen.wait_for("README.txt");
        demo
    }

    /// The directory of everything that the demo shows, while there is one.
    fn dir(&self) -> Option<PathBuf> {
        let found = fs::read_dir(self.home.path()).unwrap().map(|entry| entry.unwrap().path());
        found.into_iter().find(|path| path.file_name().unwrap().to_string_lossy().starts_with("wharf-demo-"))
    }

    fn local(&self) -> PathBuf {
        self.dir().expect("the demo runs").join("company")
    }

    fn remote(&self) -> PathBuf {
        self.dir().expect("the demo runs").join("harbour")
    }

    /// Holds it to having left nothing behind: no files, no changed terminal.
    fn assert_gone(&self) {
        self.screen.assert_given_back();
        assert_eq!(self.dir(), None, "its files are gone");
    }
}

fn same(one: &Path, other: &Path) {
    assert!(fs::read(one).unwrap() == fs::read(other).unwrap(), "{} differs", one.display());
}

#[test]
fn the_first_five_minutes() {
    let mut demo = Demo::ready();
    let (local, remote) = (demo.local(), demo.remote());
    let screen = &mut demo.screen;
    // The server's name, how far it is trusted, what there is to press.
    for text in ["sftp demo@127.0.0.1", "✓ ed25519", "F1 Help", "F5 Copy"] {
        screen.wait_for(text);
    }

    // A file and a folder, from the server to this machine.
    screen.press(TAB);
    screen.go_to("README.txt");
    screen.press(F5);
    screen.wait_for("✓ README.txt → ");
    same(&local.join("README.txt"), &remote.join("README.txt"));
    screen.go_to("charts/");
    screen.press(F5);
    screen.wait_for("✓ charts/ → ");
    same(&local.join("charts/approach.chart"), &remote.join("charts/approach.chart"));
    screen.go_to("harbour/");
    screen.press(F5);
    screen.wait_for("✓ harbour/ → ");
    same(&local.join("harbour/quays/north/berth 12.txt"), &remote.join("harbour/quays/north/berth 12.txt"));
    same(&local.join("harbour/.pilot-notes"), &remote.join("harbour/.pilot-notes"));

    // The other way.
    screen.press(TAB);
    screen.go_to("letter.txt");
    screen.press(F5);
    screen.wait_for("✓ letter.txt → ");
    same(&local.join("letter.txt"), &remote.join("letter.txt"));

    // A new folder on the server, renamed, and deleted after asking.
    screen.press(TAB);
    screen.press(F7);
    screen.wait_for("New folder");
    screen.enter("dry dock");
    screen.wait_for("▌ dry dock/");
    assert!(remote.join("dry dock").is_dir());
    screen.press("r");
    screen.wait_for("Rename");
    screen.press(CTRL_U);
    screen.enter("wet dock");
    screen.wait_for("▌ wet dock/");
    assert!(remote.join("wet dock").is_dir() && !remote.join("dry dock").exists());
    screen.press(F8);
    screen.wait_for("Delete wet dock/?");
    // The safe answer is the one that Enter takes.
    screen.press(ENTER);
    screen.wait_until_gone("This cannot be undone");
    assert!(remote.join("wet dock").is_dir());
    screen.press(F8);
    screen.wait_for("Delete wet dock/?");
    screen.press("y");
    screen.wait_for("✓ delete wet dock/");
    screen.wait_until_gone("▌ wet dock/");
    assert!(!remote.join("wet dock").exists());

    screen.press("q");
    assert_eq!(screen.wait().exit_code(), 0);
    demo.assert_gone();
}

#[test]
fn every_way_out_gives_the_terminal_back() {
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT] {
        let mut demo = Demo::ready();
        assert!(!demo.screen.is_cooked(), "it has the terminal");
        demo.screen.send(signal);
        demo.screen.wait();
        demo.assert_gone();
    }
    for key in [CTRL_C, F10, "q"] {
        let mut demo = Demo::ready();
        demo.screen.press(key);
        assert_eq!(demo.screen.wait().exit_code(), 0, "{key:?}");
        demo.assert_gone();
    }
}

#[test]
fn ctrl_c_leaves_what_is_at_hand_first() {
    let mut demo = Demo::ready();
    demo.screen.press(F1);
    demo.screen.wait_for("to the other pane");
    demo.screen.press(CTRL_C);
    demo.screen.wait_until_gone("to the other pane");
    assert!(demo.screen.is_running());
    demo.screen.press("/");
    demo.screen.press("letter");
    demo.screen.wait_for("/letter");
    demo.screen.press(CTRL_C);
    demo.screen.wait_until_gone("/letter");
    assert!(demo.screen.is_running());
}

#[test]
fn any_size_is_survived() {
    let mut demo = Demo::ready();
    for (columns, rows) in [(80, 24), (40, 10), (10, 3), (3, 2), (300, 90), (63, 16), (64, 15)] {
        let before = demo.screen.raw().len();
        demo.screen.resize(columns, rows);
        demo.screen.wait_for_raw(before, b"\x1b[");
        demo.screen.press(DOWN);
    }
    demo.screen.resize(120, 34);
    for text in ["letter.txt", "README.txt", "F1 Help"] {
        demo.screen.wait_for(text);
    }
    // The last line is drawn to its end, and keys are heard.
    demo.screen.press(F1);
    demo.screen.wait_for("to the other pane");
    assert!(demo.screen.is_running());
}
