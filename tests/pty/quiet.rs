//! Looking for names, sizes, paths and new names against OpenSSH's server; and a program that
//! nobody touches, which does nothing.

use std::{
    ffi::OsStr,
    fs,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    screen::*,
    support::{ALIAS, Sshd, SshdConfig},
};

const CTRL_F: &str = "\x06";

/// A local directory left, one of the server right, where the keys go.
fn start(server: &Sshd) -> (Screen, TempDir, PathBuf) {
    let there = server.dir().join("shared");
    fs::create_dir_all(there.join("deep/deeper")).unwrap();
    fs::write(there.join("deep/deeper/Needle.txt"), vec![b'x'; 300 << 10]).unwrap();
    fs::write(there.join("one.txt"), "1").unwrap();
    fs::write(there.join("two.txt"), "22").unwrap();
    let home = tempfile::tempdir().unwrap();
    let here = home.path().join("here");
    fs::create_dir(&here).unwrap();
    fs::write(here.join("local.txt"), "here\n").unwrap();
    let place = format!("{ALIAS}:{}", there.display());
    let config = server.ssh_config();
    let arguments = [OsStr::new("-F"), config.as_os_str(), OsStr::new("here"), OsStr::new(&place)];
    let mut screen = Screen::start(120, 34, home.path(), &arguments);
    screen.wait_for("local.txt");
    screen.wait_for("two.txt");
    screen.press(TAB);
    (screen, home, there)
}

#[test]
fn what_lies_deep_on_a_server_is_found_measured_and_gone_to() {
    let server = Sshd::start(SshdConfig::default());
    let (mut screen, _home, there) = start(&server);
    screen.press(CTRL_F);
    screen.wait_for("Find below");
    screen.enter("needle");
    screen.wait_for("1 found in 3 folders");
    screen.wait_for("deep/deeper/Needle.txt");
    screen.press(ENTER);
    screen.wait_until_gone("Find below");
    screen.wait_for("▌ Needle.txt");
    // Back up by typing, with Tab for the rest of the names.
    screen.press(CTRL_G);
    screen.wait_for("Go to");
    screen.press(&format!("{}/de", there.display()));
    screen.press(TAB);
    screen.wait_for("/shared/deep/  ");
    screen.press(ENTER);
    screen.wait_until_gone("Tab Complete");
    screen.go_to("deeper/");
    screen.press("u");
    screen.wait_for("300 KiB");
    screen.press("q");
    assert_eq!(screen.wait().exit_code(), 0);
}

#[test]
fn names_change_places_on_a_server() {
    let server = Sshd::start(SshdConfig::default());
    let (mut screen, _home, there) = start(&server);
    // By a counter, whose names the others have: 1.txt and 2.txt go round.
    fs::rename(there.join("one.txt"), there.join("2.txt")).unwrap();
    fs::rename(there.join("two.txt"), there.join("1.txt")).unwrap();
    screen.press(CTRL_R);
    screen.wait_for("2.txt");
    screen.wait_until_gone("two.txt");
    screen.press("s");
    screen.wait_for("Sort by");
    screen.press("s");
    screen.wait_for("Size ▼");
    screen.press("s");
    screen.wait_for("Sort by");
    screen.press("s");
    screen.wait_for("Size ▲");
    // By size 2.txt is the first, so the two change places.
    screen.go_to("2.txt");
    screen.press("  ");
    screen.wait_for("2 of 3 selected");
    screen.press("r");
    screen.wait_for("Rename 2 items");
    screen.press(CTRL_U);
    screen.press("[C][E]");
    screen.wait_for("2 names change");
    screen.press(ENTER);
    screen.wait_for("2 renamed");
    assert_eq!(fs::read_to_string(there.join("1.txt")).unwrap(), "1");
    assert_eq!(fs::read_to_string(there.join("2.txt")).unwrap(), "22");
    assert_eq!(fs::read_dir(&there).unwrap().count(), 3, "nothing else is left");
    screen.press("q");
    assert_eq!(screen.wait().exit_code(), 0);
}

/// Ticks of the processor that a process has used, its own and the kernel's for it.
fn ticks(pid: nix::unistd::Pid) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // proc(5): fields 14 and 15; the second one may hold blanks and ends with a bracket.
    let behind = stat.rsplit_once(')').unwrap().1;
    let fields: Vec<&str> = behind.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
fn whoever_is_not_touched_draws_nothing_and_uses_nothing() {
    const WINDOW: Duration = Duration::from_secs(3);
    let server = Sshd::start(SshdConfig::default());
    let (mut screen, _home, _there) = start(&server);
    // What was begun comes to its end first.
    let deadline = Instant::now() + PATIENCE;
    let mut length = screen.raw().len();
    loop {
        thread::sleep(Duration::from_millis(500));
        let now = screen.raw().len();
        if std::mem::replace(&mut length, now) == now {
            break;
        }
        assert!(Instant::now() < deadline, "it never stops drawing");
    }
    let before = ticks(screen.pid());
    // The time that passes is what is measured.
    thread::sleep(WINDOW);
    let used = ticks(screen.pid()) - before;
    assert_eq!(screen.raw().len(), length, "it drew: {:?}", String::from_utf8_lossy(&screen.raw()[length..]));
    assert!(used <= 2, "{used} ticks of the processor in {WINDOW:?}");
    screen.press("q");
    assert_eq!(screen.wait().exit_code(), 0);
}
