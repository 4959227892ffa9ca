//! Files of a server edited here by a program of the person's choice, and the shell.

use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::{
    screen::*,
    server::{place, shared},
    support::{Sshd, SshdConfig},
};

const F4: &str = "\x1bOS";

/// The panes, with `script` as editor and as shell.
struct Desk {
    screen: Screen,
    home: TempDir,
}

impl Desk {
    fn start(server: &Sshd, dir: &Path, script: &str) -> Desk {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("here")).unwrap();
        fs::write(home.path().join("here/local.txt"), "from this machine\n").unwrap();
        let editor = home.path().join("editor");
        fs::write(&editor, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).unwrap();
        let (config, place) = (server.ssh_config(), place(dir));
        let arguments = [OsStr::new("-F"), config.as_os_str(), OsStr::new("here"), OsStr::new(&place)];
        let chosen = [("EDITOR", editor.as_os_str()), ("SHELL", editor.as_os_str())];
        let mut screen = Screen::start_with(120, 34, home.path(), &arguments, &chosen);
        screen.wait_for("local.txt");
        screen.wait_for("remote.txt");
        screen.press(TAB);
        screen.go_to("remote.txt");
        Desk { screen, home }
    }

    /// The directories of copies that are there.
    fn drafts(&self) -> Vec<PathBuf> {
        let found = fs::read_dir(self.home.path()).unwrap().map(|entry| entry.unwrap().path());
        found.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("wharf-edit-")).collect()
    }

    fn quit(mut self) {
        self.screen.press("q");
        assert_eq!(self.screen.wait().exit_code(), 0);
        self.screen.assert_given_back();
    }
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_file_of_a_server_is_edited_and_put_back() {
    let server = Sshd::start(SshdConfig::default());
    let dir = shared(&server);
    fs::set_permissions(dir.join("remote.txt"), fs::Permissions::from_mode(0o640)).unwrap();
    // It looks at its terminal and at who else may read the copy, and asks for a key.
    let mut desk = Desk::start(
        &server,
        &dir,
        "stty -a | grep -q ' icanon' || exit 9\n\
         stat -c '%a' \"$1\" \"$(dirname \"$1\")\" >\"$HOME/modes\"\n\
         echo \"EDITING $(basename \"$1\")\"; read answer\n\
         cp \"$1\" \"$1.new\" && echo \"$answer\" >>\"$1.new\" && mv \"$1.new\" \"$1\"",
    );
    desk.screen.press(F4);
    desk.screen.wait_for("EDITING remote.txt");
    desk.screen.enter("a line from here");
    desk.screen.wait_for("Put remote.txt back");
    assert_eq!(read(dir.join("remote.txt")), "from the server\na line from here\n");
    assert_eq!(read(desk.home.path().join("modes")), "600\n700\n");
    let mode = fs::metadata(dir.join("remote.txt")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o640);
    assert_eq!(names(&dir), ["remote.txt"]);
    assert!(desk.drafts().is_empty(), "the copy is gone");
    desk.quit();
}

#[test]
fn what_is_not_changed_is_not_written() {
    let server = Sshd::start(SshdConfig::default());
    let dir = shared(&server);
    let before = fs::metadata(dir.join("remote.txt")).unwrap().modified().unwrap();
    let mut desk = Desk::start(&server, &dir, "touch \"$1\"");
    desk.screen.press(F4);
    desk.screen.wait_for("nothing was written");
    assert_eq!(fs::metadata(dir.join("remote.txt")).unwrap().modified().unwrap(), before);
    assert!(desk.drafts().is_empty());
    desk.quit();
}

#[test]
fn what_has_changed_meanwhile_is_not_overwritten_unasked() {
    let server = Sshd::start(SshdConfig::default());
    let dir = shared(&server);
    let theirs = dir.join("remote.txt");
    let script = format!("echo mine >>\"$1\"\necho 'what somebody else wrote' >'{}'", theirs.display());
    let mut desk = Desk::start(&server, &dir, &script);

    // The answer that Enter takes harms nobody.
    desk.screen.press(F4);
    desk.screen.wait_for("remote.txt has changed meanwhile");
    desk.screen.press(ENTER);
    desk.screen.wait_for("Saved yours beside remote.txt");
    assert_eq!(read(&theirs), "what somebody else wrote\n");
    assert_eq!(read(dir.join("remote (1).txt")), "from the server\nmine\n");

    // Esc keeps the copy, and says where.
    let script = format!("echo mine >>\"$1\"\necho 'something else again' >'{}'", theirs.display());
    fs::write(desk.home.path().join("editor"), format!("#!/bin/sh\n{script}\n")).unwrap();
    desk.screen.wait_for("remote (1).txt");
    desk.screen.go_to("remote.txt");
    desk.screen.press(F4);
    desk.screen.wait_for("remote.txt has changed meanwhile");
    desk.screen.press(ESC);
    desk.screen.wait_for("your copy is");
    let [draft] = &desk.drafts()[..] else { panic!("{:?}", desk.drafts()) };
    assert_eq!(read(draft.join("remote.txt")), "what somebody else wrote\nmine\n");

    // And the other one overwrites.
    let script = format!("echo mine >>\"$1\"\necho 'for the third time' >'{}'", theirs.display());
    fs::write(desk.home.path().join("editor"), format!("#!/bin/sh\n{script}\n")).unwrap();
    desk.screen.press(ESC);
    desk.screen.wait_until_gone("your copy is");
    desk.screen.press(F4);
    desk.screen.wait_for("remote.txt has changed meanwhile");
    desk.screen.press("o");
    desk.screen.wait_for("Put remote.txt back");
    assert_eq!(read(&theirs), "something else again\nmine\n");
    desk.quit();
}

#[test]
fn an_editor_that_is_killed_leaves_the_terminal_and_the_copy() {
    let server = Sshd::start(SshdConfig::default());
    let dir = shared(&server);
    let mut desk = Desk::start(&server, &dir, "stty raw -echo\necho mine >>\"$1\"\nkill -9 $$");
    desk.screen.press(F4);
    desk.screen.wait_for("your copy is");
    assert_eq!(read(dir.join("remote.txt")), "from the server\n");
    let [draft] = &desk.drafts()[..] else { panic!("{:?}", desk.drafts()) };
    assert_eq!(read(draft.join("remote.txt")), "from the server\nmine\n");
    // It is drawn to as before.
    desk.screen.press(DOWN);
    desk.screen.go_to("remote.txt");
    desk.quit();
}

#[test]
fn a_file_of_this_machine_is_edited_in_place_and_a_shell_runs_here() {
    let server = Sshd::start(SshdConfig::default());
    let dir = shared(&server);
    let mut desk =
        Desk::start(&server, &dir, "if [ -n \"$1\" ]; then echo mine >>\"$1\"; fi\npwd; read answer");
    desk.screen.press(TAB);
    desk.screen.go_to("local.txt");
    desk.screen.press(F4);
    desk.screen.wait_for(&desk.home.path().display().to_string());
    desk.screen.press(ENTER);
    desk.screen.wait_for("local.txt");
    assert_eq!(read(desk.home.path().join("here/local.txt")), "from this machine\nmine\n");
    desk.screen.press("$");
    desk.screen.wait_until_gone("local.txt");
    desk.screen.wait_for(&desk.home.path().join("here").display().to_string());
    // Ctrl-C there is not ours.
    desk.screen.press(CTRL_C);
    desk.screen.wait_for("local.txt");
    desk.quit();
}
