//! Sources and targets that are not what they were: changed while they were copied, or closed.

use std::{fs, os::unix::fs::PermissionsExt};

use super::{
    World, noise,
    program::{self, as_user, into, on},
    support::{PASSWORD_USER, Sshd, SshdConfig},
};

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
