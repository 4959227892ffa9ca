//! Sources and targets that are not what they were: changed while they were copied, or closed.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use super::{
    World, noise,
    program::{self, as_user, into, on},
    proxy::Proxy,
    support::{PASSWORD_USER, Sshd, SshdConfig},
};

/// A file that cannot be read is not the server's it would have gone to.
#[test]
fn a_source_that_cannot_be_read_is_named_where_it_is() {
    let sshd = Sshd::start(SshdConfig::default());
    let world = World::new(sshd.ssh_config());
    let to = into(on("harness", &world.path("target")));
    fs::create_dir(world.path("target")).unwrap();
    let ran = program::start(world.command(&["cp".into(), "/proc/self/mem".into(), to])).wait().ends(1);
    let line = ran.stderr.lines().find(|line| line.contains("/proc/self/mem"));
    assert!(line.is_some_and(|line| !line.contains("harness")), "{}", ran.stderr);
}

/// A source that was replaced between two runs is copied from the start.
#[test]
fn a_source_that_changed_is_not_mixed_with_what_it_was() {
    let sshd = Sshd::start(SshdConfig::default());
    let world = World::new(sshd.ssh_config());
    let (source, up) = (world.path("big"), world.path("up"));
    fs::create_dir_all(&up).unwrap();
    fs::write(&source, noise(30 << 20, 1)).unwrap();
    let arguments = ["cp".into(), "--limit=10M".into(), source.clone().into(), into(on("harness", &up))];
    let part = up.join(".big.wharf-part");
    let mut running = program::start(world.command(&arguments));
    running.until(|| fs::metadata(&part).is_ok_and(|found| found.len() > 10 << 20));
    running.signal(nix::sys::signal::Signal::SIGKILL);
    running.wait();
    let new = noise(30 << 20, 2);
    fs::write(&source, &new).unwrap();
    world.wharf(&["jobs", "resume", "--all"]).ends(0);
    assert!(fs::read(up.join("big")).unwrap() == new);
    assert_eq!(fs::read_dir(&up).unwrap().count(), 1);
}

/// What failed is tried again by itself, and only that.
#[test]
fn what_failed_can_be_tried_again() {
    let sshd = Sshd::start(SshdConfig { password_auth: true, ..SshdConfig::default() });
    let world = World::new(sshd.ssh_config());
    let source = world.path("source");
    fs::create_dir_all(&source).unwrap();
    for name in ["a", "b", "c"] {
        fs::write(source.join(name), name).unwrap();
    }
    let closed = |mode| fs::set_permissions(source.join("b"), fs::Permissions::from_mode(mode)).unwrap();
    closed(0o000);
    for path in [world.dir.path(), &source] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let target = world.path("target");
    let arguments = ["cp".into(), "-r".into(), source.clone().into_os_string(), target.clone().into()];
    as_user(PASSWORD_USER, arguments).ends(1).says(&["source/b"]);
    assert!(!target.join("b").exists() && target.join("c").exists());
    let changed = fs::metadata(target.join("a")).unwrap().modified().unwrap();
    closed(0o644);
    as_user(PASSWORD_USER, ["jobs", "resume", "--all"]).ends(0);
    assert_eq!(fs::read(target.join("b")).unwrap(), b"b");
    assert_eq!(fs::metadata(target.join("a")).unwrap().modified().unwrap(), changed);
}

/// One of several, by its name; the others stay recorded.
#[test]
fn one_item_that_failed_can_be_tried_again_alone() {
    let sshd = Sshd::start(SshdConfig { password_auth: true, ..SshdConfig::default() });
    let world = World::new(sshd.ssh_config());
    let source = world.path("source");
    fs::create_dir_all(source.join("deep")).unwrap();
    for name in ["a", "deep/b", "c"] {
        fs::write(source.join(name), name).unwrap();
    }
    let closed = |name: &str, mode| {
        fs::set_permissions(source.join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    closed("a", 0o000);
    closed("deep/b", 0o000);
    for path in [world.dir.path(), &source, &source.join("deep")] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let target = world.path("target");
    let arguments = ["cp".into(), "-r".into(), source.clone().into_os_string(), target.clone().into()];
    as_user(PASSWORD_USER, arguments).ends(1).says(&["source/a", "deep/b"]);
    let ran = as_user(PASSWORD_USER, ["jobs", "--json"]).ends(0);
    let job: serde_json::Value = ran
        .lines()
        .iter()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .find(|job| job["target"]["path"] == target.to_str().unwrap())
        .unwrap();
    let id = job["id"].as_str().unwrap().to_owned();
    let shown = as_user(PASSWORD_USER, ["jobs", "show", &id]).ends(0).lines();
    assert_eq!(shown.len(), 2, "{shown:?}");
    assert!(shown[0].contains("Could not open") && shown[0].contains("Permission denied"), "{shown:?}");

    closed("a", 0o644);
    closed("deep/b", 0o644);
    let a = source.join("a").to_str().unwrap().to_owned();
    let none = source.join("c").to_str().unwrap().to_owned();
    as_user(PASSWORD_USER, ["jobs", "retry", &id, &none]).ends(1).says(&["not among what has failed"]);
    as_user(PASSWORD_USER, ["jobs", "retry", &id, &a]).ends(0).says(&["1 copied"]);
    assert_eq!(fs::read(target.join("a")).unwrap(), b"a");
    assert!(!target.join("deep/b").exists(), "that was not asked for");
    let shown = as_user(PASSWORD_USER, ["jobs", "show", &id]).ends(0).lines();
    assert!(shown.len() == 1 && shown[0].contains("deep/b"), "{shown:?}");
    as_user(PASSWORD_USER, ["jobs", "retry", &id]).ends(0).says(&["1 copied"]);
    assert_eq!(fs::read(target.join("deep/b")).unwrap(), b"deep/b");
    // That was all of it.
    as_user(PASSWORD_USER, ["jobs", "show", &id]).ends(1).says(&["no interrupted transfer"]);
}

/// The last item of a move that is tried again makes it a whole one: its sources go.
#[test]
fn a_move_whose_last_item_is_tried_again_is_done() {
    let sshd = Sshd::start(SshdConfig { password_auth: true, ..SshdConfig::default() });
    let world = World::new(sshd.ssh_config());
    let (source, target) = (world.path("source"), world.path("target"));
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    fs::create_dir_all(&source).unwrap();
    for path in [world.dir.path(), &source] {
        mode(path, 0o777);
    }
    for name in ["a", "b", "c"] {
        fs::write(source.join(name), name).unwrap();
    }
    let closed = ["a", "b"].map(|name| source.join(name));
    for file in &closed {
        mode(file, 0o000);
    }
    let from = on(&format!("{PASSWORD_USER}@harness"), &source);
    let arguments = ["mv".into(), from, target.clone().into()];
    program::start(world.command(&arguments)).wait().ends(1).says(&["source/a", "source/b"]);
    let jobs = world.wharf(&["jobs", "--json"]).ends(0).lines();
    let job: serde_json::Value = serde_json::from_str(&jobs[0]).unwrap();
    let id = job["id"].as_str().unwrap();
    for (file, is_last) in closed.iter().zip([false, true]) {
        mode(file, 0o644);
        world.wharf(&["jobs", "retry", id, file.to_str().unwrap()]).ends(0);
        assert_eq!(source.exists(), !is_last, "sources go when all of it is there");
    }
    for name in ["a", "b", "c"] {
        assert_eq!(fs::read_to_string(target.join(name)).unwrap(), name);
    }
    world.wharf(&["jobs", "show", id]).ends(1).says(&["no interrupted transfer"]);
}

/// Another content of the same size and time is not what was begun.
#[test]
fn a_source_of_the_same_size_and_time_is_looked_into() {
    let sshd = Sshd::start(SshdConfig::default());
    let world = World::new(sshd.ssh_config());
    let (source, up) = (world.path("big"), world.path("up"));
    fs::create_dir_all(&up).unwrap();
    fs::write(&source, noise(30 << 20, 1)).unwrap();
    let time = fs::metadata(&source).unwrap().modified().unwrap();
    let arguments = ["cp".into(), "--limit=10M".into(), source.clone().into(), into(on("harness", &up))];
    let part = up.join(".big.wharf-part");
    let mut running = program::start(world.command(&arguments));
    running.until(|| fs::metadata(&part).is_ok_and(|found| found.len() > 12 << 20));
    running.signal(nix::sys::signal::Signal::SIGKILL);
    running.wait();
    let new = noise(30 << 20, 2);
    fs::write(&source, &new).unwrap();
    fs::File::options().write(true).open(&source).unwrap().set_modified(time).unwrap();
    world.wharf(&["jobs", "resume", "--all"]).ends(0).says(&["from the start again"]);
    assert!(fs::read(up.join("big")).unwrap() == new);
}

/// A source that changes under the copy: what arrives is what was there at one moment, or it is
/// said that it changed. A move leaves a source that is not what it was.
#[test]
fn a_source_that_changes_while_it_is_copied_is_told() {
    const SIZE: usize = 64 << 20;
    let sshd = Sshd::start(SshdConfig::default());
    let old = noise(SIZE, 1);
    let tail = noise(1000, 2);
    for (change, command) in [
        ("replaced", "cp"),
        ("gone", "cp"),
        ("grown", "cp"),
        ("grown", "mv"),
        ("shrunk", "cp"),
        ("replaced", "mv"),
    ] {
        for up in [true, false] {
            println!("{change} {command} up: {up}");
            let proxy = Proxy::holding(sshd.address(), |_| 3 << 20);
            let world = World::new(sshd.ssh_config());
            let config = proxy.ssh_config(&sshd.ssh_config(), sshd.port(), world.dir.path());
            let world = World { config, ..world };
            let (source, target) = (world.path("big"), world.path("target"));
            fs::create_dir_all(&target).unwrap();
            fs::write(&source, &old).unwrap();
            // SFTP's times have seconds: what is changed within one looks as it was.
            let before = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
            fs::File::options().write(true).open(&source).unwrap().set_modified(before).unwrap();
            let (from, to) = match up {
                true => (source.clone().into_os_string(), into(on("harness", &target))),
                false => (on("harness", &source), into(&target)),
            };
            let mut running = program::start(world.command(&[command.into(), from, to]));
            running.until(|| proxy.holds());
            match change {
                "replaced" => {
                    fs::write(world.path("new"), noise(SIZE, 3)).unwrap();
                    fs::rename(world.path("new"), &source).unwrap();
                }
                "gone" => fs::remove_file(&source).unwrap(),
                "grown" => {
                    use std::io::Write;
                    fs::File::options().append(true).open(&source).unwrap().write_all(&tail).unwrap();
                }
                _ => fs::File::options().write(true).open(&source).unwrap().set_len(5 << 20).unwrap(),
            }
            proxy.release();
            let ran = running.wait();
            let arrived = fs::read(target.join("big")).unwrap();
            match change {
                // Who has a file open has all of it, whatever becomes of its name.
                "replaced" | "gone" => assert!(arrived == old),
                "grown" => assert!(arrived == [&old[..], &tail].concat()),
                _ => assert!(arrived.len() < SIZE && old.starts_with(&arrived)),
            }
            if matches!(change, "grown" | "shrunk") {
                assert!(ran.stderr.contains("changed while it was copied"), "{}", ran.stderr);
            }
            if command == "mv" {
                assert!(source.exists(), "{change}: a source that changed was removed");
            }
        }
    }
}
