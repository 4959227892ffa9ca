//! The connect screen with a real server: found by typing, connected, bookmarked, and connected
//! again by the bookmark.

use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::{
    screen::*,
    support::{ALIAS, PASSWORD, PASSWORD_USER, Sshd, SshdConfig},
};

const CTRL_B: &str = "\x02";
const CTRL_D: &str = "\x04";
const CTRL_T: &str = "\x14";

struct Home {
    dir: TempDir,
    config: PathBuf,
}

impl Home {
    fn new(config: PathBuf) -> Home {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("local.txt"), "from this machine\n").unwrap();
        // Not the first start: that is shown around.
        fs::create_dir_all(dir.path().join(".local/state/wharf")).unwrap();
        fs::write(dir.path().join(".local/state/wharf/toured"), "").unwrap();
        Home { dir, config }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn start(&self, places: &[&str]) -> Screen {
        let mut arguments = vec![OsStr::new("-F"), self.config.as_os_str()];
        arguments.extend(places.iter().map(OsStr::new));
        Screen::start(120, 34, self.path(), &arguments)
    }

    fn bookmarks(&self) -> String {
        fs::read_to_string(self.path().join(".config/wharf/bookmarks.toml")).unwrap_or_default()
    }
}

fn shared(server: &Sshd) -> PathBuf {
    let dir = server.dir().join("shared");
    fs::create_dir(&dir).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(dir.join("remote.txt"), "from the server\n").unwrap();
    dir
}

fn quit(mut screen: Screen) {
    screen.press(F10);
    assert_eq!(screen.wait().exit_code(), 0, "{}", screen.text());
    screen.assert_given_back();
}

#[test]
fn found_connected_bookmarked_and_found_again() {
    let server = Sshd::start(SshdConfig::default());
    let dir = shared(&server);
    let home = Home::new(server.ssh_config());

    // Started without places: this directory left, what can be connected to right.
    let mut screen = home.start(&[]);
    for text in ["local.txt", "Hosts of ssh_config", ALIAS] {
        screen.wait_for(text);
    }
    screen.press(TAB);
    screen.wait_for("▸connect");
    // Found by a few of its letters.
    let letters: String = ALIAS.chars().step_by(2).collect();
    screen.press(&letters);
    screen.wait_for(&format!("› {letters}"));
    screen.wait_for("host of ssh_config");
    screen.press(ENTER);
    screen.wait_for(&format!("sftp {ALIAS}"));
    screen.press(CTRL_G);
    screen.wait_for("Go to");
    screen.enter(dir.to_str().unwrap());
    screen.wait_for("remote.txt");

    screen.press(CTRL_D);
    screen.wait_for("New bookmark");
    screen.press(CTRL_U);
    screen.enter("the shop");
    screen.wait_for("The bookmark the shop is saved");
    quit(screen);
    let kept = home.bookmarks();
    assert!(kept.contains("name = \"the shop\"") && kept.contains(&format!("sftp://{ALIAS}")), "{kept}");

    // The next start has it, and it leads there.
    let mut screen = home.start(&[]);
    screen.wait_for("the shop");
    screen.wait_for("Recent");
    screen.press(TAB);
    screen.wait_for("▸connect");
    // A test first: it connects, lists, and says so.
    screen.press("shop");
    screen.press(CTRL_T);
    screen.wait_for("the shop works: 1 entry in");
    screen.press(ENTER);
    screen.wait_for("remote.txt");
    // Ctrl-B and Esc come and go without losing the place.
    screen.press(CTRL_B);
    screen.wait_for("▸connect");
    screen.press(ESC);
    screen.wait_for("remote.txt");
    quit(screen);

    // So does its name on the command line, with the bookmark's own place on this machine.
    let screen = home.start(&["the shop"]);
    screen.wait_for("remote.txt");
    screen.wait_for("local.txt");
    quit(screen);
}

#[test]
fn a_failed_first_connection_is_shown_with_what_to_do() {
    let server = Sshd::start(SshdConfig::default());
    let home = Home::new(server.ssh_config());
    drop(server);
    let home = {
        // The configuration went away with the server.
        let config = home.path().join("ssh_config");
        fs::write(&config, "Host nobody\n  HostName 127.0.0.1\n  Port 1\n").unwrap();
        Home { config, ..home }
    };
    let mut screen = home.start(&[]);
    screen.wait_for("nobody");
    screen.press(TAB);
    screen.wait_for("▸connect");
    screen.press("nobo");
    screen.press(ENTER);
    for text in ["Could not connect to", "Check host and port", "tries again", "goes elsewhere"] {
        screen.wait_for(text);
    }
    screen.press(CTRL_B);
    screen.wait_for("▸connect");
    quit(screen);
}

#[test]
fn a_password_is_asked_for_and_its_test_needs_no_session() {
    let server = Sshd::start(SshdConfig { password_auth: true, ..SshdConfig::default() });
    let home = Home::new(server.ssh_config());
    let config = home.path().join("ssh_config");
    fs::write(
        &config,
        format!(
            "Host *\n  UserKnownHostsFile \"{}\"\n  GlobalKnownHostsFile /dev/null\n  IdentityAgent none\n  \
             PubkeyAuthentication no\n",
            server.known_hosts().display()
        ),
    )
    .unwrap();
    let home = Home { config, ..home };
    let mut screen = home.start(&[]);
    screen.wait_for("No bookmarks yet");
    screen.press(TAB);
    screen.wait_for("▸connect");
    screen.press(&format!("sftp://{PASSWORD_USER}@127.0.0.1:{}", server.port()));
    screen.wait_for("Go to sftp://");
    screen.press(CTRL_D);
    screen.wait_for("New bookmark");
    screen.press(CTRL_U);
    screen.press("box");
    screen.press(CTRL_T);
    screen.wait_for(&format!("Password for {PASSWORD_USER}@127.0.0.1"));
    screen.enter(PASSWORD);
    screen.wait_for("box works");
    assert!(!screen.text().contains(PASSWORD));
    screen.press(ENTER);
    screen.wait_for("The bookmark box is saved");
    // What proved right is not asked for again while the program runs.
    screen.press("\x15box");
    screen.press(ENTER);
    // The name that somebody has given it says more than its address.
    screen.wait_for("sftp box");
    screen.wait_for("names are hidden");
    quit(screen);
    let mut everything = home.bookmarks();
    everything += &fs::read_to_string(home.path().join(".local/state/wharf/recent.json")).unwrap();
    assert!(everything.contains("box") && everything.contains("\"url\""), "{everything}");
    assert!(!everything.contains(PASSWORD));
}

#[test]
fn a_broken_bookmarks_file_is_named_and_the_rest_works() {
    let server = Sshd::start(SshdConfig::default());
    let home = Home::new(server.ssh_config());
    let dir = home.path().join(".config/wharf");
    fs::create_dir_all(&dir).unwrap();
    let broken = "[[bookmark]]\nname = \"shop\n";
    fs::write(dir.join("bookmarks.toml"), broken).unwrap();
    let mut screen = home.start(&[]);
    for text in
        ["Could not read the bookmarks in ~/.config/wharf/bookmarks.toml:2", "changed nothing in it", ALIAS]
    {
        screen.wait_for(text);
    }
    screen.press(TAB);
    screen.wait_for("▸connect");
    screen.press(ALIAS);
    screen.press(ENTER);
    screen.wait_for(&format!("sftp {ALIAS}"));
    screen.press(CTRL_D);
    screen.wait_for("New bookmark");
    screen.press(ENTER);
    screen.wait_for("✗");
    assert_eq!(home.bookmarks(), broken);
    // What was typed is still there once the file is right again.
    fs::write(dir.join("bookmarks.toml"), "").unwrap();
    screen.press(ENTER);
    screen.wait_for("is saved");
    assert!(home.bookmarks().contains(ALIAS));
    quit(screen);
}
