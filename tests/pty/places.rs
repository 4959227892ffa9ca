//! The first start, the demo from the connect screen, imports, and shells on a server: in a
//! terminal, with real servers.

use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::{
    screen::*,
    server::{place, shared},
    support::{Sshd, SshdConfig},
};

const F9: &str = "\x1b[20~";

fn home() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("local.txt"), "from this machine\n").unwrap();
    home
}

/// Started without a place and without anybody's ssh_config.
fn start(home: &Path) -> Screen {
    Screen::start(100, 30, home, &[OsStr::new("-F"), OsStr::new("none")])
}

fn quit(mut screen: Screen) {
    screen.press(F10);
    assert_eq!(screen.wait().exit_code(), 0, "{}", screen.text());
    screen.assert_given_back();
}

#[test]
fn the_first_start_shows_around_once_and_the_demo_is_a_key_away() {
    let home = home();
    let mut screen = start(home.path());
    screen.wait_for("Any key ends this");
    screen.press(ENTER);
    screen.wait_until_gone("Any key ends this");
    for text in ["No bookmarks yet", "New bookmark", "Look around in a demo", "local.txt"] {
        screen.wait_for(text);
    }
    // The keys that are named do what they say, where one is.
    screen.wait_for("▸connect");
    screen.press(F9);
    // Connected without a question: the demo's key is its own.
    screen.wait_for("README.txt");
    screen.wait_for("letter.txt");
    screen.go_to("README.txt");
    screen.press(F5);
    screen.wait_for("✓ README.txt → ");
    quit(screen);
    let left = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with("wharf-demo-")).collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(!home.path().join(".ssh").exists(), "no key of the demo is remembered");
    let recent = fs::read_to_string(home.path().join(".local/state/wharf/recent.json")).unwrap_or_default();
    assert!(!recent.contains("demo"), "{recent}");

    // Never again by itself.
    let screen = start(home.path());
    screen.wait_for("No bookmarks yet");
    screen.wait_for("local.txt");
    assert!(!screen.text().contains("Any key ends this"));
    quit(screen);
}

#[test]
fn the_tour_is_never_in_the_way_of_a_place() {
    let home = home();
    let screen = Screen::start(100, 30, home.path(), &[OsStr::new(".")]);
    screen.wait_for("local.txt");
    assert!(!screen.text().contains("Any key ends this"));
    quit(screen);
}

#[test]
fn sites_of_filezilla_are_imported_from_the_connect_screen() {
    let home = home();
    let dir = home.path().join(".config/filezilla");
    fs::create_dir_all(&dir).unwrap();
    let sites = r#"<?xml version="1.0"?><FileZilla3><Servers><Folder expanded="1">Clients
        <Server><Host>web-01</Host><Protocol>1</Protocol><User>ann</User>
        <Pass encoding="base64">aHVudGVyMg==</Pass><Logontype>1</Logontype><Name>shop</Name></Server>
        </Folder></Servers></FileZilla3>"#;
    fs::write(dir.join("sitemanager.xml"), sites).unwrap();
    let mut screen = start(home.path());
    screen.wait_for("Any key ends this");
    screen.press(ENTER);
    screen.wait_for("Import 1 site of FileZilla");
    screen.wait_for("▸connect");
    screen.press(F5);
    screen.wait_for("Import these sites?");
    screen.press("y");
    screen.wait_for("1 password stays where it is");
    screen.press(ENTER);
    screen.wait_for("▾ Clients/");
    screen.wait_for("shop");
    quit(screen);
    let kept = fs::read_to_string(home.path().join(".config/wharf/bookmarks.toml")).unwrap();
    assert!(kept.contains("name = \"shop\"") && !kept.contains("aHVudGVyMg"), "{kept}");
}

/// The panes on a server's directory, the cursor there.
fn on_server(server: &Sshd, dir: &Path, home: &Path, environment: &[(&str, &OsStr)]) -> Screen {
    let (config, place) = (server.ssh_config(), place(dir));
    let arguments = [OsStr::new("-F"), config.as_os_str(), OsStr::new("."), OsStr::new(&place)];
    let mut screen = Screen::start_with(100, 30, home, &arguments, environment);
    screen.wait_for("local.txt");
    screen.wait_for("remote.txt");
    screen.press(TAB);
    screen.go_to("remote.txt");
    screen
}

#[test]
fn a_shell_on_the_server_and_back() {
    let server = Sshd::start(SshdConfig::default());
    let dir = shared(&server);
    let odd = dir.join("it's $HOME; here");
    fs::create_dir(&odd).unwrap();
    fs::write(odd.join("remote.txt"), "deep\n").unwrap();
    let home = home();
    let mut screen = on_server(&server, &odd, home.path(), &[]);
    screen.press("$");
    screen.wait_for("A shell on");
    // In the pane's folder, on a terminal of this size; what is typed is not for wharf.
    screen.press("echo \"<$(pwd)>\" && tty | cut -c1-8 && stty size && touch made-there\r");
    screen.wait_for(&format!("<{}>", odd.display()));
    screen.wait_for("/dev/pts");
    screen.wait_for("30 100");
    screen.resize(90, 28);
    screen.press("stty size | sed 's/ / by /'\r");
    screen.wait_for("28 by 90");
    // Ctrl-C is the other program's.
    let reads = "stty -isig -icanon; echo PR$((1))SS; dd bs=1 count=1 2>/dev/null | od -An -tu1";
    screen.press(&format!("{reads} | sed 's/^ */code /'; stty sane\r"));
    screen.wait_for("PR1SS");
    screen.press(CTRL_C);
    screen.wait_for("code 3");
    screen.press("printf '\\033[?1000h\\033[?25l'; exit\r");
    screen.wait_for("made-there");
    screen.wait_for("F1 Help");
    screen.press(TAB);
    screen.go_to("local.txt");
    quit(screen);
    drop(home);
}

#[test]
fn a_server_that_runs_no_shell_says_so() {
    let server =
        Sshd::start(SshdConfig { extra: vec!["ForceCommand internal-sftp".into()], ..SshdConfig::default() });
    let dir = shared(&server);
    let home = home();
    let mut screen = on_server(&server, &dir, home.path(), &[]);
    screen.press("$");
    screen.wait_for("Could not open a shell in");
    screen.wait_for("sftp connections only");
    // The panes are there, and the connection is.
    screen.press(ESC);
    screen.press(CTRL_R);
    screen.wait_for("remote.txt");
    quit(screen);
}

#[test]
fn a_shell_whose_server_goes_away_ends() {
    let server = Sshd::start(SshdConfig::default());
    let dir = shared(&server);
    let home = home();
    let mut screen = on_server(&server, &dir, home.path(), &[]);
    screen.press("$");
    screen.wait_for("A shell on");
    screen.press("echo ready $((40 + 2))\r");
    screen.wait_for("ready 42");
    server.cut_sessions();
    screen.wait_for("F1 Help");
    screen.wait_for("remote.txt");
    quit(screen);
}

/// A program that writes down what it was asked to open.
fn opener(home: &Path) -> PathBuf {
    let opener = home.join("opener");
    let script = "#!/bin/sh\nstat -c '%a %F' \"$1\" >>\"$HOME/asked\"\ncat \"$1\" >>\"$HOME/asked\"\n\
                  if [ -t 0 ] || [ -t 1 ]; then echo terminal >>\"$HOME/asked\"; fi\n\
                  echo end >>\"$HOME/asked\"\n";
    fs::write(&opener, script).unwrap();
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).unwrap();
    opener
}

fn wait_for_end(asked: &Path) {
    let deadline = Instant::now() + PATIENCE;
    while !fs::read_to_string(asked).is_ok_and(|text| text.ends_with("end\n")) {
        assert!(Instant::now() < deadline, "nothing was opened");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn files_are_opened_by_the_systems_program() {
    let server = Sshd::start(SshdConfig::default());
    let dir = shared(&server);
    fs::set_permissions(dir.join("remote.txt"), fs::Permissions::from_mode(0o755)).unwrap();
    let home = home();
    let opener = opener(home.path());
    let environment = [("WHARF_OPENER", opener.as_os_str())];
    let mut screen = on_server(&server, &dir, home.path(), &environment);
    screen.press("o");
    screen.wait_for("Opening a copy of remote.txt to read");
    let asked = home.path().join("asked");
    wait_for_end(&asked);
    assert_eq!(fs::read_to_string(&asked).unwrap(), "400 regular file\nfrom the server\nend\n");
    fs::remove_file(&asked).unwrap();
    screen.press(TAB);
    screen.go_to("local.txt");
    screen.press("o");
    screen.wait_for("Opening local.txt");
    wait_for_end(&asked);
    assert!(fs::read_to_string(&asked).unwrap().ends_with("from this machine\nend\n"));
    fs::write(&opener, "#!/bin/sh\nexit 4\n").unwrap();
    screen.press("o");
    screen.wait_for("Could not open local.txt");
    quit(screen);
}

fn copies(home: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(home).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.display().to_string().contains("wharf-open-")).collect()
}

#[test]
fn copies_that_were_opened_go_with_the_program_and_changed_ones_stay() {
    let server = Sshd::start(SshdConfig::default());
    let dir = shared(&server);
    fs::write(dir.join("second.txt"), "from the server\n").unwrap();
    let home = home();
    let opener = opener(home.path());
    let environment = [("WHARF_OPENER", opener.as_os_str())];
    let asked = home.path().join("asked");
    let open = |screen: &mut Screen, name: &str| {
        screen.go_to(name);
        screen.press("o");
        screen.wait_for(&format!("Opening a copy of {name} to read"));
        wait_for_end(&asked);
        fs::remove_file(&asked).unwrap();
    };
    // A killed program leaves its copy, and the next one removes it.
    let mut screen = on_server(&server, &dir, home.path(), &environment);
    open(&mut screen, "remote.txt");
    screen.send(Signal::SIGKILL);
    screen.wait();
    drop(screen);
    assert_eq!(copies(home.path()).len(), 1);

    let mut screen = on_server(&server, &dir, home.path(), &environment);
    open(&mut screen, "remote.txt");
    let before = copies(home.path());
    open(&mut screen, "second.txt");
    let copy = copies(home.path()).into_iter().find(|path| !before.contains(path)).unwrap();
    let copy = copy.join("second.txt");
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&copy, "changed all the same\n").unwrap();
    screen.press(F10);
    assert_eq!(screen.wait().exit_code(), 0);
    screen.wait_for_raw(0, b"was changed after it was opened");
    assert_eq!(copies(home.path()), [copy.parent().unwrap()]);
    assert_eq!(fs::read_to_string(&copy).unwrap(), "changed all the same\n");
}

/// What a person leaves behind by F10 is left behind as well by whoever ends the program for them.
#[test]
fn a_program_that_is_ended_by_a_signal_keeps_its_session() {
    for signal in [Signal::SIGTERM, Signal::SIGHUP] {
        let server = Sshd::start(SshdConfig::default());
        let dir = shared(&server);
        let home = home();
        let mut screen = on_server(&server, &dir, home.path(), &[]);
        screen.press("t");
        screen.wait_for("[2 ");
        screen.send(signal);
        screen.wait();
        screen.assert_given_back();
        let session = home.path().join(".local/state/wharf/session.toml");
        let session = fs::read_to_string(&session).unwrap_or_else(|error| panic!("{signal}: {error}"));
        assert_eq!(
            session.matches("[[workspace.tab]]").count().max(session.matches("left").count()),
            2,
            "{session}"
        );
        assert!(session.contains("harness"), "{session}");
    }
}

#[test]
fn what_was_gone_to_is_known_in_the_next_run() {
    let home = home();
    fs::create_dir(home.path().join("letters")).unwrap();
    let mut screen = start(home.path());
    screen.wait_for("Any key ends this");
    screen.press(ENTER);
    screen.wait_for("local.txt");
    screen.press(TAB);
    screen.wait_for("▸local");
    screen.press(CTRL_G);
    screen.wait_for("Go to");
    screen.enter(&format!("{}/letters", home.path().display()));
    screen.wait_for("This folder is empty");
    quit(screen);
    let kept = fs::read_to_string(home.path().join(".local/state/wharf/gone.json")).unwrap();
    assert!(kept.contains("/letters\""), "{kept}");
    let mut screen = start(home.path());
    screen.wait_for("local.txt");
    screen.press(CTRL_G);
    screen.wait_for("Go to");
    screen.press(UP);
    screen.press(ENTER);
    screen.wait_for("This folder is empty");
    quit(screen);
}

/// Names are links where the terminal is known to bear them, and nowhere else.
#[test]
fn names_are_links_in_terminals_that_bear_them() {
    let home = home();
    let list = |environment: &[(&str, &OsStr)]| {
        let mut screen =
            Screen::start_with(80, 24, home.path(), &[OsStr::new("ls"), OsStr::new(".")], environment);
        screen.wait_for("local.txt");
        assert_eq!(screen.wait().exit_code(), 0);
        String::from_utf8(screen.raw()).unwrap()
    };
    let kitty = ("TERM", OsStr::new("xterm-kitty"));
    let raw = list(&[kitty]);
    assert!(
        raw.contains("\x1b]8;;file://") && raw.contains("/local.txt\x1b\\local.txt\x1b]8;;\x1b\\"),
        "{raw:?}"
    );
    for off in [("TERM", "dumb"), ("FORCE_HYPERLINK", "0"), ("NO_COLOR", "1")] {
        let raw = list(&[kitty, (off.0, OsStr::new(off.1))]);
        assert_eq!(raw, "local.txt\r\n", "{off:?}");
    }
    let piped = std::process::Command::new(env!("CARGO_BIN_EXE_wharf"))
        .args(["ls", "."])
        .current_dir(home.path())
        .env("HOME", home.path())
        .env("FORCE_HYPERLINK", "1")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(piped.stdout).unwrap(), "local.txt\n");
}
