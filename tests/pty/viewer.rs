//! Files of a server looked at.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
};

use crate::{
    screen::*,
    server::{Panes, place, shared},
    support::{Sshd, SshdConfig},
};

const F3: &str = "\x1bOR";

#[test]
fn a_huge_file_of_a_server_is_looked_at_and_searched() {
    const SIZE: u64 = 10 << 30;
    let server = Sshd::start(SshdConfig::default());
    let dir = shared(&server);
    let huge = File::create(dir.join("huge.log")).unwrap();
    huge.set_len(SIZE).unwrap();
    huge.write_all_at(b"the beginning\n", 0).unwrap();
    huge.write_all_at(&b"line\n".repeat(60_000), 14).unwrap();
    huge.write_all_at(b"a needle in it\n", 3 << 20).unwrap();
    huge.write_all_at(b"\nthe very end\n", SIZE - 14).unwrap();
    let mut panes = Panes::start(&server, &place(&dir));
    let screen = &mut panes.screen;
    screen.wait_for("huge.log");
    screen.press(TAB);
    screen.go_to("huge.log");
    screen.press(F3);
    screen.wait_for("the beginning");
    screen.wait_for("10.0 GiB");

    screen.press("/");
    screen.wait_for("Case counts");
    screen.enter("NEEDLE".to_lowercase().as_str());
    screen.wait_for("a needle in it");

    // What is not there takes a while in ten gigabytes; Esc does not.
    screen.press("/");
    screen.wait_for("Case counts");
    screen.enter("nowhere");
    screen.wait_for("searching nowhere");
    screen.press(ESC);
    screen.wait_for("The search was stopped");

    screen.press("G");
    screen.wait_for("the very end");
    screen.press("x");
    screen.wait_for("bytes");
    screen.press("G");
    screen.wait_for("27ffffff0");
    screen.press("g");
    screen.wait_for("74 68 65 20 62");
    screen.press("q");
    screen.wait_until_gone("74 68 65 20 62");
    screen.wait_for("remote.txt");
    panes.quit();
}

#[test]
fn what_may_not_be_read_says_so() {
    let server = Sshd::start(SshdConfig::default());
    let dir = shared(&server);
    let mut panes = Panes::start(&server, &place(&dir));
    let screen = &mut panes.screen;
    screen.wait_for("remote.txt");
    fs::remove_file(dir.join("remote.txt")).unwrap();
    screen.press(TAB);
    screen.go_to("remote.txt");
    screen.press(F3);
    screen.wait_for("Could not");
    screen.press(ESC);
    screen.wait_until_gone("Could not");
    panes.quit();
}
