//! OpenSSH's server: first contact, logins, changed keys, lost connections, large things.

use std::{
    ffi::OsStr,
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::{
    screen::*,
    support::{ALIAS, PASSWORD, PASSWORD_USER, Sshd, SshdConfig},
};

/// The panes: a local directory left, a place of the server right.
pub struct Panes {
    pub screen: Screen,
    pub home: TempDir,
}

impl Panes {
    pub fn start(server: &Sshd, place: &str) -> Panes {
        Panes::with_config(&server.ssh_config(), place)
    }

    fn with_config(config: &Path, place: &str) -> Panes {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("here")).unwrap();
        fs::write(home.path().join("here/local.txt"), "from this machine\n").unwrap();
        let arguments = [OsStr::new("-F"), config.as_os_str(), OsStr::new("here"), OsStr::new(place)];
        let screen = Screen::start(120, 34, home.path(), &arguments);
        screen.wait_for("local.txt");
        Panes { screen, home }
    }

    pub fn here(&self) -> PathBuf {
        self.home.path().join("here")
    }

    pub fn quit(mut self) {
        self.screen.press("q");
        assert_eq!(self.screen.wait().exit_code(), 0);
        self.screen.assert_given_back();
    }
}

/// A directory for the right pane, with one file.
pub fn shared(server: &Sshd) -> PathBuf {
    let dir = server.dir().join("shared");
    fs::create_dir(&dir).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(dir.join("remote.txt"), "from the server\n").unwrap();
    dir
}

pub fn place(dir: &Path) -> String {
    format!("{ALIAS}:{}", dir.display())
}

/// The names in a directory, sorted, hidden ones as well.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// An ssh_config that differs from the server's own in what these lines say.
fn config_with(server: &Sshd, lines: &str) -> PathBuf {
    let own = fs::read_to_string(server.ssh_config()).unwrap();
    let file = server.dir().join("other_config");
    // Of two values the first one counts.
    fs::write(&file, format!("Host {ALIAS}\n{lines}\n{own}")).unwrap();
    file
}

#[test]
fn a_first_contact_asks_and_remembers() {
    let server = Sshd::start(SshdConfig::default());
    let dir = shared(&server);
    let output =
        Command::new("ssh-keygen").args(["-l", "-f"]).arg(server.dir().join("host_ed25519.pub")).output();
    let output = output.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let fingerprint = text.split_whitespace().nth(1).expect("a fingerprint");
    assert!(fingerprint.starts_with("SHA256:"), "{text}");
    fs::remove_file(server.known_hosts()).unwrap();
    let config = config_with(&server, "  StrictHostKeyChecking ask");

    // Enter takes the safe answer: nothing is remembered, nothing connected.
    let mut panes = Panes::with_config(&config, &place(&dir));
    panes.screen.wait_for("Unknown server");
    panes.screen.wait_for(fingerprint);
    panes.screen.press(ENTER);
    panes.screen.wait_for("Could not trust the host key");
    assert!(!server.known_hosts().exists());

    // Again, and this time it is trusted.
    panes.screen.press(TAB);
    panes.screen.press(CTRL_R);
    panes.screen.wait_for("Unknown server");
    panes.screen.press("y");
    panes.screen.wait_for("remote.txt");
    assert!(fs::read_to_string(server.known_hosts()).unwrap().contains(&server.host_key("ed25519")));
    panes.quit();

    // The next start asks nothing.
    let panes = Panes::with_config(&config, &place(&dir));
    panes.screen.wait_for("remote.txt");
    panes.quit();
}

#[test]
fn a_changed_key_is_refused() {
    let mut server = Sshd::start(SshdConfig::default());
    let dir = shared(&server);
    server.restart_with_new_host_key();
    let known = fs::read_to_string(server.known_hosts()).unwrap();
    let config = config_with(&server, "  StrictHostKeyChecking ask");
    let mut panes = Panes::with_config(&config, &place(&dir));
    panes.screen.wait_for("tries again");
    let facts = ["Host key changed", "Now", "SHA256:", "known_hosts:1"];
    facts.iter().for_each(|text| panes.screen.wait_for(text));

    // The same in a dialog where another place is shown already. There is no yes in it.
    panes.screen.press(CTRL_G);
    panes.screen.wait_for("Go to");
    panes.screen.enter(&place(&dir));
    panes.screen.wait_for("Host key changed");
    facts.iter().for_each(|text| panes.screen.wait_for(text));
    panes.screen.press("y");
    panes.screen.press(ENTER);
    panes.screen.wait_until_gone("Could not trust the host key");
    assert!(!panes.screen.text().contains("remote.txt"));
    assert_eq!(fs::read_to_string(server.known_hosts()).unwrap(), known);
    panes.quit();
}

#[test]
fn a_password_is_asked_for_and_asked_for_again() {
    let server = Sshd::start(SshdConfig { password_auth: true, ..SshdConfig::default() });
    let dir = shared(&server);
    let config = config_with(&server, &format!("  PubkeyAuthentication no\n  User {PASSWORD_USER}"));
    let mut panes = Panes::with_config(&config, &place(&dir));
    let title = format!("Password for {PASSWORD_USER}@127.0.0.1");
    panes.screen.wait_for(&title);
    panes.screen.press("wrong one");
    panes.screen.wait_for("•••••••••");
    panes.screen.press(ENTER);
    panes.screen.wait_for("Permission denied, please try again.");
    panes.screen.enter(PASSWORD);
    panes.screen.wait_for("remote.txt");
    let secret = PASSWORD.as_bytes();
    assert!(!panes.screen.raw().windows(secret.len()).any(|part| part == secret), "it was shown");
    panes.quit();

    // Three wrong ones end it, with what was tried and what can be done.
    let mut panes = Panes::with_config(&config, &place(&dir));
    for attempt in 0..3 {
        panes.screen.wait_for(&title);
        if attempt > 0 {
            panes.screen.wait_for("Permission denied, please try again.");
        }
        panes.screen.press("xyz");
        panes.screen.wait_for("•••");
        panes.screen.press(ENTER);
        panes.screen.wait_until_gone("•••");
    }
    panes.screen.wait_for("Could not log in to");
    panes.quit();
}

#[test]
fn a_big_copy_is_cancelled_and_leaves_nothing() {
    let server = Sshd::start(SshdConfig::default());
    let dir = shared(&server);
    // Much more than is copied before it is cancelled; it takes no room.
    File::create(dir.join("big.bin")).unwrap().set_len(64 << 30).unwrap();
    let mut panes = Panes::start(&server, &place(&dir));
    panes.screen.wait_for("remote.txt");
    panes.screen.press(TAB);
    panes.screen.go_to("big.bin");
    panes.screen.press(F5);
    panes.screen.wait_for("0% ");
    panes.screen.wait_for("1 job");
    // The panes are as quick as ever meanwhile.
    panes.screen.go_to("remote.txt");
    panes.screen.go_to("big.bin");
    panes.screen.press(TAB);
    panes.screen.go_to("local.txt");
    panes.screen.press(F5);
    panes.screen.wait_for("✓ local.txt → ");
    assert_eq!(fs::read(dir.join("local.txt")).unwrap(), b"from this machine\n");
    // The pane lists again beside the copy, on the same connection.
    panes.screen.wait_for("3 entries");
    assert!(panes.screen.text().contains("1 job"), "the big one still runs");
    panes.screen.press("T");
    panes.screen.press(HOME);
    panes.screen.press("x");
    panes.screen.wait_for("cancelled");
    assert_eq!(names(&panes.here()), ["local.txt"]);
    panes.screen.press(TAB);
    panes.screen.wait_until_gone("refreshing");

    // Quitting while something runs asks first, and leaves what can be gone on with.
    panes.screen.press(TAB);
    panes.screen.go_to("big.bin");
    panes.screen.press(F5);
    panes.screen.wait_for("1 job");
    panes.screen.press("q");
    panes.screen.wait_for("Quit while a copy runs?");
    panes.screen.press("n");
    panes.screen.wait_until_gone("Quit while a copy runs?");
    assert!(panes.screen.is_running());
    panes.screen.press(CTRL_C);
    panes.screen.wait_for("Quit while a copy runs?");
    panes.screen.press("y");
    assert_eq!(panes.screen.wait().exit_code(), 0);
    panes.screen.assert_given_back();
    // Where the copy had begun to write, that is kept, and under no final name.
    let left = names(&panes.here());
    assert!(left.iter().all(|name| name == "local.txt" || name == ".big.bin.wharf-part"), "{left:?}");
}

#[test]
fn conflicts_are_asked_about() {
    let server = Sshd::start(SshdConfig::default());
    let dir = shared(&server);
    let mut panes = Panes::start(&server, &place(&dir));
    let target = panes.here().join("remote.txt");
    fs::write(&target, "what was here before\n").unwrap();
    panes.screen.wait_for("remote.txt");
    panes.screen.press(TAB);
    panes.screen.go_to("remote.txt");
    panes.screen.press(F5);
    panes.screen.wait_for("1 file exists already");
    // Enter takes the safe answer.
    panes.screen.press(ENTER);
    panes.screen.wait_until_gone("exists already");
    panes.screen.wait_for("skipped");
    assert_eq!(fs::read(&target).unwrap(), b"what was here before\n");
    panes.screen.press(F5);
    panes.screen.wait_for("1 file exists already");
    panes.screen.press("o");
    panes.screen.wait_for("1 overwrite");
    panes.screen.press(ENTER);
    panes.screen.wait_until_gone("exists already");
    panes.screen.wait_for("1 copied");
    assert_eq!(fs::read(&target).unwrap(), b"from the server\n");
    panes.screen.press(F5);
    panes.screen.wait_for("1 file exists already");
    panes.screen.press("n");
    panes.screen.wait_for("1 keep both");
    panes.screen.press(ENTER);
    panes.screen.wait_for("remote (1).txt");
    assert_eq!(names(&panes.here()), ["local.txt", "remote (1).txt", "remote.txt"]);
    panes.screen.press(F5);
    panes.screen.wait_for("1 file exists already");
    panes.screen.press(ESC);
    panes.screen.wait_for("cancelled");
    panes.quit();
}

#[test]
fn a_lost_server_shows_as_lost_and_comes_back() {
    let mut server = Sshd::start(SshdConfig::default());
    let dir = shared(&server);
    let mut panes = Panes::start(&server, &place(&dir));
    panes.screen.wait_for("remote.txt");
    server.stop();
    panes.screen.wait_for("✗ lost");
    // It is tried again by itself, in vain, while nobody listens.
    panes.screen.wait_for("trying again");
    panes.screen.wait_for("^R now");
    // What was there last is still shown; the other pane works.
    assert!(panes.screen.text().contains("remote.txt"));
    panes.screen.go_to("local.txt");
    panes.screen.press(F7);
    panes.screen.wait_for("New folder");
    panes.screen.enter("meanwhile");
    panes.screen.wait_for("▌ meanwhile/");
    // Nobody listens: that is said, and nothing hangs.
    panes.screen.press(TAB);
    panes.screen.press(CTRL_R);
    panes.screen.wait_for("Could not connect to");
    panes.screen.press(ENTER);
    panes.screen.wait_until_gone("Not connected");
    fs::write(dir.join("newer.txt"), "").unwrap();
    server.restart();
    panes.screen.press(CTRL_R);
    panes.screen.wait_for("newer.txt");
    panes.screen.wait_until_gone("✗ lost");
    panes.quit();
}

#[test]
fn a_server_that_comes_back_is_found_without_a_key() {
    let mut server = Sshd::start(SshdConfig::default());
    let dir = shared(&server);
    fs::write(dir.join("second.txt"), "").unwrap();
    let mut panes = Panes::start(&server, &place(&dir));
    panes.screen.press(TAB);
    panes.screen.go_to("second.txt");
    server.stop();
    panes.screen.wait_for("trying again");
    fs::write(dir.join("newer.txt"), "").unwrap();
    server.restart();
    panes.screen.wait_for("newer.txt");
    panes.screen.wait_until_gone("✗ lost");
    // The cursor is where it was.
    panes.screen.wait_for("▌ second.txt");
    panes.quit();
}

#[test]
fn a_hundred_thousand_entries_answer_at_once() {
    const ENTRIES: usize = 100_000;
    let server = Sshd::start(SshdConfig::default());
    let dir = shared(&server).join("many");
    fs::create_dir(&dir).unwrap();
    for number in 0..ENTRIES {
        File::create(dir.join(format!("entry-{number}"))).unwrap();
    }
    let mut panes = Panes::start(&server, &place(&dir));
    panes.screen.press(TAB);
    panes.screen.wait_for("100,000 entries");
    panes.screen.press(END);
    panes.screen.wait_for("▌ entry-99999");
    panes.screen.press(HOME);
    panes.screen.wait_for("▌ ..");
    panes.screen.press(PAGE_DOWN);
    panes.screen.wait_for("▌ entry-26");
    panes.screen.press("/");
    panes.screen.press("9876");
    panes.screen.wait_for("entry-98765");
    panes.screen.press(ESC);
    panes.screen.wait_for("100,000 entries");
    panes.quit();
}

/// A name whose bytes are no text, renamed, copied and deleted by keys alone.
#[test]
fn a_name_that_is_no_text_is_worked_with() {
    use std::os::unix::ffi::OsStrExt;
    let server = Sshd::start(SshdConfig::default());
    let dir = shared(&server);
    let file = |dir: &Path, name: &[u8]| dir.join(OsStr::from_bytes(name));
    fs::write(file(&dir, b"caf\xe9\x1b[31m.txt"), "precious").unwrap();
    let mut panes = Panes::start(&server, &place(&dir));
    let screen = &mut panes.screen;
    screen.wait_for("caf\\xe9\\x1b[31m.txt");
    screen.press("\t");
    screen.go_to("caf\\xe9\\x1b[31m.txt");
    // Left as it is, it stays as it is.
    screen.press("r");
    screen.wait_for("a line break");
    screen.press("\r");
    screen.wait_until_gone("a line break");
    assert!(file(&dir, b"caf\xe9\x1b[31m.txt").exists());
    screen.press("r");
    screen.wait_for("a line break");
    screen.enter(" \\\\\\xff\u{e9}");
    screen.wait_for("Renamed to");
    let renamed: &[u8] = b"caf\xe9\x1b[31m.txt \\\xff\xc3\xa9";
    assert_eq!(fs::read_to_string(file(&dir, renamed)).unwrap(), "precious");
    screen.go_to("caf\\xe9\\x1b[31m.txt \\\\xff\u{e9}");
    screen.press("c");
    screen.wait_for("copied");
    let here = panes.here();
    assert_eq!(fs::read_to_string(file(&here, renamed)).unwrap(), "precious");
    let screen = &mut panes.screen;
    screen.press("P");
    screen.wait_for("Permissions");
    screen.press("600\r");
    screen.wait_for("changed");
    assert_eq!(fs::metadata(file(&dir, renamed)).unwrap().permissions().mode() & 0o7777, 0o600);
    screen.go_to("caf\\xe9\\x1b[31m.txt \\\\xff\u{e9}");
    screen.press("i");
    screen.wait_for("Properties");
    screen.press("s");
    screen.wait_for("computed by the server (sha256sum)");
    screen.press("\x1b");
    screen.wait_until_gone("Properties");
    screen.press("d");
    screen.wait_for("cannot be undone");
    screen.press("y");
    screen.wait_for("deleted");
    assert_eq!(names(&dir), ["remote.txt"]);
    panes.quit();
}

#[test]
fn a_command_is_run_on_the_server_and_can_be_stopped() {
    let server = Sshd::start(SshdConfig::default());
    let dir = shared(&server);
    let mut panes = Panes::start(&server, &place(&dir));
    let screen = &mut panes.screen;
    screen.wait_for("remote.txt");
    screen.press("\t!");
    screen.wait_for("Run a command");
    screen.enter("ls | tr a-z A-Z; exit 3");
    screen.wait_for("REMOTE.TXT");
    screen.wait_for("exit status 3");
    screen.press("\x1b");
    screen.wait_until_gone("It has ended");
    screen.press("!");
    screen.wait_for("Run a command");
    screen.enter("echo begun; sleep 1000");
    screen.wait_for("It runs");
    screen.press("\x1b");
    screen.wait_until_gone("It runs");
    screen.press("N");
    screen.wait_for("New file");
    screen.enter("new.txt");
    screen.wait_for("Created the file");
    assert_eq!(names(&dir), ["new.txt", "remote.txt"]);
    panes.quit();
}
