//! Files carried by hand between this machine and OpenSSH's server: with the mouse, as a
//! terminal reports it, and with the keys from tab to tab.

use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::{
    screen::*,
    support::{ALIAS, Sshd, SshdConfig},
};

/// SGR mouse reports (xterm's ctlseqs, "Extended coordinates"): the button, with 32 for motion
/// and 8 for Alt.
const LEFT: u8 = 0;
const MOTION: u8 = 32;
const ALT: u8 = 8;

/// A local directory left, one of the server right.
struct Hand {
    screen: Screen,
    home: TempDir,
    there: PathBuf,
}

fn start(server: &Sshd) -> Hand {
    let there = server.dir().join("shared");
    fs::create_dir_all(there.join("deep")).unwrap();
    fs::set_permissions(&there, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(there.join("remote.txt"), "from the server\n").unwrap();
    let home = tempfile::tempdir().unwrap();
    let here = home.path().join("here");
    fs::create_dir(&here).unwrap();
    for name in ["one.txt", "two.txt"] {
        fs::write(here.join(name), format!("{name}, from this machine\n")).unwrap();
    }
    let place = format!("{ALIAS}:{}", there.display());
    let config = server.ssh_config();
    let arguments = [OsStr::new("-F"), config.as_os_str(), OsStr::new("here"), OsStr::new(&place)];
    let screen = Screen::start(120, 34, home.path(), &arguments);
    screen.wait_for("two.txt");
    screen.wait_for("remote.txt");
    Hand { screen, home, there }
}

impl Hand {
    fn here(&self) -> PathBuf {
        self.home.path().join("here")
    }

    /// Column and row of a name in the left or the right pane, counted from one.
    fn find(&self, right: bool, name: &str) -> (usize, usize) {
        let line = format!("  {name}");
        let from = if right { 60 } else { 0 };
        let seen = std::cell::Cell::new(None);
        self.screen.wait_until(name, |screen| {
            seen.set(screen.rows(from, 60).position(|row| row.contains(&line)));
            seen.get().is_some()
        });
        (usize::from(from) + 6, seen.get().expect("it was there") + 1)
    }

    fn mouse(&mut self, button: u8, (x, y): (usize, usize), end: char) {
        self.screen.press(&format!("\x1b[<{button};{x};{y}{end}"));
    }

    /// Presses at a place and pulls to another one; the button stays down.
    fn pull(&mut self, modifier: u8, from: (usize, usize), to: (usize, usize)) {
        self.mouse(LEFT | modifier, from, 'M');
        self.mouse(LEFT | MOTION | modifier, (from.0 + 5, from.1), 'M');
        self.mouse(LEFT | MOTION | modifier, to, 'M');
    }
}

fn read(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join(name)).unwrap()
}

#[test]
fn the_mouse_carries_files_to_the_server_and_back() {
    let server = Sshd::start(SshdConfig::default());
    let mut hand = start(&server);
    let (one, two) = (hand.find(false, "one.txt"), hand.find(false, "two.txt"));
    let deep = hand.find(true, "deep/");

    // To the pane, below its rows.
    let open = (90, 20);
    hand.pull(0, one, open);
    hand.screen.wait_for(&format!("copy one.txt → {ALIAS}:"));
    hand.mouse(LEFT, open, 'm');
    hand.screen.wait_for("1 copied");
    assert_eq!(read(&hand.there, "one.txt"), "one.txt, from this machine\n");

    // Moved into a folder that can be seen.
    hand.pull(ALT, two, deep);
    hand.screen.wait_for("move two.txt → ");
    hand.mouse(LEFT | ALT, deep, 'm');
    hand.screen.wait_for("1 moved");
    assert_eq!(read(&hand.there.join("deep"), "two.txt"), "two.txt, from this machine\n");
    assert!(!hand.here().join("two.txt").exists());

    // Given up with Esc: nothing arrives, and letting go later changes nothing.
    hand.find(true, "one.txt");
    let remote = hand.find(true, "remote.txt");
    hand.pull(0, remote, (20, 20));
    hand.screen.wait_for("copy remote.txt → ");
    hand.screen.press(ESC);
    hand.screen.wait_for("Nothing was copied.");
    hand.mouse(LEFT, (20, 20), 'm');
    assert!(!hand.here().join("remote.txt").exists());
    hand.screen.press("q");
    assert_eq!(hand.screen.wait().exit_code(), 0);
    hand.screen.assert_given_back();
    assert!(!hand.here().join("remote.txt").exists());
}

#[test]
fn the_keys_carry_files_and_name_what_is_gone() {
    let server = Sshd::start(SshdConfig::default());
    let mut hand = start(&server);
    hand.screen.go_to("one.txt");
    hand.screen.press("  ");
    hand.screen.press("y");
    hand.screen.wait_for("copy 2 items from ~/here");
    // Into a folder of the server, by way of another tab.
    hand.screen.press("t");
    hand.screen.wait_for("[2 ");
    hand.screen.press(TAB);
    hand.screen.go_to("deep/");
    hand.screen.press(ENTER);
    hand.screen.wait_for("This folder is empty");
    hand.screen.wait_for("copy 2 items from ~/here");
    // One of them goes before it is dropped.
    fs::remove_file(hand.here().join("two.txt")).unwrap();
    hand.screen.press("p");
    hand.screen.wait_until_gone("copy 2 items");
    hand.screen.wait_for("1 copied, 1 failed");
    hand.screen.wait_for("two.txt");
    assert_eq!(read(&hand.there.join("deep"), "one.txt"), "one.txt, from this machine\n");
    assert!(!hand.there.join("deep/two.txt").exists());
    // The first tab is where it was, and with it the folder that was left.
    hand.screen.press("1");
    hand.screen.wait_for("remote.txt");
    hand.screen.press("q");
    assert_eq!(hand.screen.wait().exit_code(), 0);
}
