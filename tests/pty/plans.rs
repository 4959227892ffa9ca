//! Plans in the hands of the person, against OpenSSH's server: conflicts answered one by one, two
//! folders compared and made the same, a killed transfer taken up at the next start.

use std::{
    ffi::OsStr,
    fs::{self, File, FileTimes},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::{
    screen::*,
    support::{ALIAS, Sshd, SshdConfig},
};

/// A local directory left, one of the server right.
struct World {
    server: Sshd,
    home: TempDir,
    there: PathBuf,
}

impl World {
    fn new() -> World {
        let server = Sshd::start(SshdConfig::default());
        let there = server.dir().join("shared");
        fs::create_dir(&there).unwrap();
        fs::set_permissions(&there, fs::Permissions::from_mode(0o755)).unwrap();
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("here")).unwrap();
        World { server, home, there }
    }

    fn here(&self) -> PathBuf {
        self.home.path().join("here")
    }

    fn start(&self) -> Screen {
        let place = format!("{ALIAS}:{}", self.there.display());
        let config = self.server.ssh_config();
        let arguments = [OsStr::new("-F"), config.as_os_str(), OsStr::new("here"), OsStr::new(&place)];
        Screen::start(120, 34, self.home.path(), &arguments)
    }
}

fn write(dir: &Path, name: &str, content: &str, age: u64) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    let then = SystemTime::now() - Duration::from_secs(age);
    File::open(&path).unwrap().set_times(FileTimes::new().set_modified(then)).unwrap();
}

fn read(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn conflicts_are_answered_one_by_one() {
    let world = World::new();
    for name in ["a", "b", "c", "d", "e"] {
        write(&world.here(), &format!("tree/{name}.txt"), &format!("new {name}"), 100);
        write(&world.there, &format!("tree/{name}.txt"), &format!("old {name}"), 10_000);
    }
    // Newer there than here.
    write(&world.there, "tree/e.txt", "newest e", 1);
    write(&world.here(), "tree/fresh.txt", "fresh", 100);
    let mut screen = world.start();
    screen.wait_until("both trees", |screen| screen.contents().matches("tree/").count() == 2);
    screen.go_to("tree/");
    screen.press(F5);
    screen.wait_for("5 files exist already");
    screen.wait_for("5 undecided");
    // a is overwritten, b stays, c comes beside it, the rest only if newer.
    for (name, key) in [("a.txt", "o"), ("b.txt", "s"), ("c.txt", "n")] {
        // The rows stand in the order in which the server listed them.
        screen.press("/");
        screen.enter(name);
        screen.wait_for("1 row");
        screen.press(key);
        screen.press(ESC);
        screen.wait_until_gone("1 row");
    }
    screen.press("W");
    screen.wait_for("1 overwrite · 1 skip · 1 keep both · 2 if newer");
    screen.press(ENTER);
    screen.wait_for("4 copied");
    let tree = world.there.join("tree");
    assert_eq!(read(&tree, "a.txt"), "new a");
    assert_eq!(read(&tree, "b.txt"), "old b");
    assert_eq!((read(&tree, "c.txt"), read(&tree, "c (1).txt")), ("old c".into(), "new c".into()));
    assert_eq!(read(&tree, "d.txt"), "new d");
    assert_eq!(read(&tree, "e.txt"), "newest e");
    assert_eq!(read(&tree, "fresh.txt"), "fresh");
    screen.press("q");
    assert_eq!(screen.wait().exit_code(), 0);
}

#[test]
fn two_folders_are_made_the_same_both_ways() {
    let world = World::new();
    write(&world.here(), "new.txt", "new", 100);
    write(&world.here(), "site/newer.css", "newer here", 100);
    write(&world.there, "site/newer.css", "old", 9000);
    write(&world.here(), "site/older.css", "old", 9000);
    write(&world.there, "site/older.css", "newer there", 100);
    write(&world.there, "far/deep/there.txt", "there", 100);
    write(&world.there, "kept.txt", "kept there alone", 100);
    for dir in [world.here(), world.there.clone()] {
        write(&dir, "same.txt", "same", 5000);
    }
    let same = fs::metadata(world.here().join("same.txt")).unwrap().modified().unwrap();
    let twin = File::open(world.there.join("same.txt")).unwrap();
    twin.set_times(FileTimes::new().set_modified(same)).unwrap();
    let mut screen = world.start();
    screen.wait_for("new.txt");
    screen.wait_for("kept.txt");
    screen.press("S");
    screen.wait_for("older.css");
    screen.wait_for("there.txt");
    screen.wait_until_gone("comparing");
    screen.press("mm");
    screen.wait_for("both ways");
    // This one stays where it is.
    screen.press("/");
    screen.enter("kept");
    screen.wait_for("1 row");
    screen.press("=");
    screen.press(ESC);
    screen.wait_for("older.css");
    screen.press(ENTER);
    screen.wait_until("both jobs to end", |screen| screen.contents().matches("✓ sync").count() >= 2);
    assert_eq!(read(&world.there, "new.txt"), "new");
    assert_eq!(read(&world.there, "site/newer.css"), "newer here");
    assert_eq!(read(&world.here(), "site/older.css"), "newer there");
    assert_eq!(read(&world.here(), "far/deep/there.txt"), "there");
    assert!(!world.here().join("kept.txt").exists());
    // Once more: only what was left alone is left.
    screen.press("S");
    screen.wait_for("only right, is left alone");
    screen.wait_until_gone("comparing");
    assert!(!screen.text().contains("older.css"), "{}", screen.text());
    screen.press(ESC);
    screen.wait_for("Name ▲");
    screen.press("q");
    assert_eq!(screen.wait().exit_code(), 0);
}

/// Copies `big.bin`, slow enough, until there is something of it.
fn catch_in_the_middle(screen: &mut Screen) {
    screen.press("TS");
    screen.wait_for("Speed of all");
    screen.enter("4MiB");
    screen.press("T");
    screen.go_to("big.bin");
    screen.press(F5);
    screen.wait_for("MiB/s");
    screen.wait_until("something of it to arrive", |screen| {
        let text = screen.contents();
        (5..90).any(|percent| text.contains(&format!(" {percent}% ")))
    });
}

#[test]
fn a_killed_copy_is_offered_at_the_next_start() {
    let world = World::new();
    let content: Vec<u8> = (0..48u32 << 20).map(|at| (at % 251) as u8).collect();
    fs::write(world.here().join("big.bin"), &content).unwrap();
    let mut screen = world.start();
    screen.wait_for("This folder is empty");
    screen.wait_for("big.bin");
    catch_in_the_middle(&mut screen);
    screen.send(Signal::SIGKILL);
    screen.wait();
    drop(screen);
    assert!(!world.there.join("big.bin").exists());

    let mut screen = world.start();
    screen.wait_for("A transfer was interrupted");
    screen.wait_for("big.bin →");
    screen.press("T");
    screen.press(ENTER);
    screen.wait_for("1 copied");
    assert!(fs::read(world.there.join("big.bin")).unwrap() == content, "every byte is there");
    screen.press("q");
    assert_eq!(screen.wait().exit_code(), 0);
    // It is over: the next start has nothing to say.
    let mut screen = world.start();
    screen.wait_for("harness");
    screen.wait_for("big.bin");
    assert!(!screen.text().contains("interrupted"), "{}", screen.text());
    screen.press("q");
    assert_eq!(screen.wait().exit_code(), 0);
}

/// A copy that runs when the program is told to end can go on, and its wharf says so at its end.
#[test]
fn a_copy_that_a_signal_ends_is_offered_at_the_next_start() {
    let world = World::new();
    fs::write(world.here().join("big.bin"), vec![7; 48 << 20]).unwrap();
    let mut screen = world.start();
    screen.wait_for("This folder is empty");
    catch_in_the_middle(&mut screen);
    screen.send(Signal::SIGTERM);
    screen.wait();
    screen.assert_given_back();
    drop(screen);
    let mut screen = world.start();
    screen.wait_for("A transfer was interrupted");
    screen.press("T");
    screen.press(ENTER);
    screen.wait_for("1 copied");
    screen.press("q");
    assert_eq!(screen.wait().exit_code(), 0);
}

/// A copy whose connection is cut in the middle says so, and goes on by itself where it was.
#[test]
fn a_copy_that_is_cut_goes_on_by_itself() {
    let world = World::new();
    let content: Vec<u8> = (0..24u32 << 20).map(|at| (at % 251) as u8).collect();
    fs::write(world.here().join("big.bin"), &content).unwrap();
    let mut screen = world.start();
    screen.wait_for("This folder is empty");
    catch_in_the_middle(&mut screen);
    world.server.cut_sessions();
    screen.wait_for("trying again in");
    // Faster from here on: the rest is what is watched.
    screen.press("TS");
    screen.wait_for("Speed of all");
    screen.press("\u{15}");
    screen.press(ENTER);
    screen.wait_for("1 copied");
    assert!(fs::read(world.there.join("big.bin")).unwrap() == content, "every byte is there");
    assert_eq!(fs::read_dir(&world.there).unwrap().count(), 1, "and no part of it");
    screen.press("q");
    assert_eq!(screen.wait().exit_code(), 0);
}
