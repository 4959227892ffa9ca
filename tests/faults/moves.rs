//! Moves: whatever happens, what was there before is there afterwards, at one place or the other.

use std::{
    ffi::OsString,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    time::{Duration, SystemTime},
};

use nix::sys::signal::Signal;

use super::{
    World, assert_no_strays, noise,
    program::{self, into, on},
    support::{
        Sshd, SshdConfig,
        ftp::{ALL, FtpConfig, FtpServer},
    },
    tree,
};

fn content(at: u64) -> Vec<u8> {
    noise((at as usize * 131) % 20_000, at)
}

fn plant(source: &Path, files: u64) {
    for at in 0..files {
        let dir = source.join(format!("{}/{}", at % 5, at % 3));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(format!("{at}")), content(at)).unwrap();
    }
}

/// Files that neither place has whole.
fn lost(source: &Path, target: &Path, files: u64) -> Vec<u64> {
    let is_whole = |root: &Path, at: u64| {
        fs::read(root.join(format!("{}/{}/{at}", at % 5, at % 3))).is_ok_and(|found| found == content(at))
    };
    (0..files).filter(|at| !is_whole(source, *at) && !is_whole(target, *at)).collect()
}

/// Kills a move again and again: at first while it copies, then while it removes.
fn killed(world: &World, source: &Path, target: &Path, from: OsString, to: OsString) {
    let files = if std::env::var_os("WHARF_LONG_FAULTS").is_some() { 5000 } else { 400 };
    plant(source, files);
    let whole = tree(source);
    let count = |root: &Path| walk(root);
    let mut command = world.command(&["mv".into(), from, to]);
    let mut kills = 0;
    for share in [1, 3, 6, 8] {
        let mut running = program::start(command);
        running.until(|| count(target) >= files * share / 10);
        running.signal(Signal::SIGKILL);
        assert_eq!(running.wait().code, None);
        assert_eq!(lost(source, target, files), Vec::<u64>::new(), "after {share} tenths");
        command = world.command(&["jobs".into(), "resume".into(), "--all".into()]);
        kills += 1;
    }
    for share in [9, 5, 2] {
        let mut running = program::start(command);
        // Removing is quick: what is left may be gone before anybody has looked.
        running.until(|| count(source) <= files * share / 10);
        running.signal(Signal::SIGKILL);
        let ran = running.wait();
        assert_eq!(lost(source, target, files), Vec::<u64>::new(), "with {share} tenths left");
        command = world.command(&["jobs".into(), "resume".into(), "--all".into()]);
        if ran.code.is_some() {
            break;
        }
        kills += 1;
    }
    program::start(command).wait().ends(0);
    assert!(kills > 4, "{kills}");
    assert!(
        !source.exists(),
        "something is left: {:?}",
        tree(source).iter().map(|t| &t.0).collect::<Vec<_>>()
    );
    assert!(tree(target) == whole, "it did not arrive as it was");
    assert_no_strays(target);
    assert!(world.records().is_empty());
}

/// Files below, while they come and go.
fn walk(root: &Path) -> u64 {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&entry.path()),
            _ => 1,
        })
        .sum()
}

#[test]
fn a_killed_move_loses_nothing_either_way() {
    let sshd = Sshd::start(SshdConfig::default());
    let world = World::new(sshd.ssh_config());
    let (source, target) = (world.path("a"), world.path("b"));
    killed(&world, &source, &target, source.clone().into(), on("harness", &target));
    let (source, target) = (world.path("c"), world.path("d"));
    killed(&world, &source, &target, on("harness", &source), target.clone().into());
}

/// Sizes and times that say nothing: whole seconds, as after an archive was unpacked.
fn plant_precious(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "precious").unwrap();
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000)).unwrap();
}

/// The server is this machine, and a link or a root of its own makes the same file look like
/// another one there.
#[test]
fn a_move_onto_itself_by_another_path_loses_nothing() {
    let sshd = Sshd::start(SshdConfig::default());
    let world = World::new(sshd.ssh_config());
    let (dir, link) = (world.path("dir"), world.path("link"));
    let (file, inner) = (dir.join("file"), dir.join("tree/inner"));
    fs::create_dir_all(&dir).unwrap();
    symlink(&dir, &link).unwrap();
    for conflict in ["overwrite", "newer", "resume", "different", "rename"] {
        for (from, to) in [
            (file.clone().into_os_string(), into(on("harness", &link))),
            (on("harness", &link.join("file")), into(&dir)),
            (on("harness", &file), into(&link)),
            (dir.join("tree").into_os_string(), into(on("harness", &link))),
            (on("harness", &link.join("tree")), into(&dir)),
        ] {
            let _ = fs::remove_dir_all(&dir);
            plant_precious(&file);
            plant_precious(&inner);
            symlink("/dev/null", dir.join("tree/symlink")).unwrap();
            let what = format!("{conflict} {from:?} {to:?}");
            let option = format!("--on-conflict={conflict}");
            let ran = program::start(world.command(&["mv".into(), option.into(), from, to])).wait();
            let mut found: Vec<Vec<u8>> = tree(&dir).into_iter().filter_map(|(_, content)| content).collect();
            found.sort();
            assert_eq!(found, [&b""[..], b"precious", b"precious"], "{what}: {ran:?}");
            assert_no_strays(&dir);
        }
    }
}

/// To the server, its user's directory is the root.
#[test]
fn a_move_into_the_directory_that_a_server_shares_loses_nothing() {
    for software in ALL {
        let server = FtpServer::start(software, FtpConfig { chroot: true, ..FtpConfig::default() });
        let world = World::new("none".into());
        let file = server.root().join("file");
        let url = url(&server, "");
        for conflict in ["overwrite", "newer", "different"] {
            for (from, to) in [
                (file.clone().into_os_string(), OsString::from(&url)),
                (format!("{url}file").into(), into(server.root())),
            ] {
                plant_precious(&file);
                server.give(&file);
                let what = format!("{software:?} {conflict} {from:?} {to:?}");
                let option = format!("--on-conflict={conflict}");
                let ran = program::start(world.command(&["mv".into(), option.into(), from, to])).wait();
                assert_eq!(fs::read(&file).ok().as_deref(), Some(&b"precious"[..]), "{what}: {ran:?}");
                assert_no_strays(&server.root());
            }
        }
    }
}

fn url(server: &FtpServer, path: &str) -> String {
    let password = server.password().replace(' ', "%20");
    format!("ftp://{}:{password}@127.0.0.1:{}/{path}", server.user(), server.port())
}

/// Where a directory takes no new names, a file is written over where it stands: never the source.
#[test]
fn a_file_is_not_written_over_while_it_is_read() {
    for software in ALL {
        let server = FtpServer::start(software, FtpConfig { chroot: true, ..FtpConfig::default() });
        let world = World::new("none".into());
        let dir = server.root().join("closed");
        let file = dir.join("file");
        for command in ["cp", "mv"] {
            plant_precious(&file);
            server.give(&dir);
            server.give(&file);
            fs::set_permissions(&dir, fs::Permissions::from_mode(0o555)).unwrap();
            let arguments = [
                command.into(),
                "--on-conflict=overwrite".into(),
                file.clone().into_os_string(),
                url(&server, "closed/").into(),
            ];
            let ran = program::start(world.command(&arguments)).wait();
            assert_eq!(fs::read(&file).ok().as_deref(), Some(&b"precious"[..]), "{software:?} {ran:?}");
            ran.ends(1).says(&["closed/file"]);
        }
    }
}

/// What is created at the target appears at the source as soon as it is there.
#[test]
fn a_directory_is_not_copied_into_itself_by_way_of_a_server() {
    let sshd = Sshd::start(SshdConfig::default());
    let world = World::new(sshd.ssh_config());
    let dir = world.path("dir");
    let deep = dir.join("b/c/d/e");
    for again in [false, true] {
        for (number, up) in [(0, true), (1, false)] {
            let target = deep.join(format!("{number}"));
            fs::create_dir_all(&target).unwrap();
            fs::write(dir.join("file"), "content").unwrap();
            let (from, to) = match up {
                true => (dir.clone().into_os_string(), into(on("harness", &target))),
                false => (on("harness", &dir), into(&target)),
            };
            let ran = program::start(world.command(&["cp".into(), "-r".into(), from, to])).wait();
            // At first it may have been listed before it was there.
            match ran.code {
                Some(0) if !again => {}
                _ => drop(ran.ends(1).says(&["cannot be copied into itself"])),
            }
            let landed = target.join("dir");
            assert!(again || fs::read(landed.join("file")).unwrap() == b"content");
            assert!(!landed.join(format!("b/c/d/e/{number}/dir")).exists(), "{up}");
        }
    }
}
