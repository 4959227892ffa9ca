//! The program is killed, or told to end, while it copies.

use std::{fs, path::Path};

use nix::sys::signal::Signal;

use super::{
    World, assert_no_strays, noise,
    program::{self, into, on},
    support::{Sshd, SshdConfig},
    tree,
};

fn plant(source: &Path, files: u64) {
    for at in 0..files {
        let dir = source.join(format!("{}/{}", at % 13, at % 7));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(format!("{at}")), noise((at as usize * 31) % 3000, at)).unwrap();
    }
}

/// Files below, while they come and go.
fn count(root: &Path) -> usize {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => count(&entry.path()),
            _ => 1,
        })
        .sum()
}

/// How often a copy is killed, and of how many files: the long form takes minutes.
fn kills(files: u64) -> (u64, u64) {
    match std::env::var_os("WHARF_LONG_FAULTS").is_some() {
        true => (20, 20_000),
        false => (8, files),
    }
}

/// Kills a copy again and again, each time after some more files, and lets it go on.
fn killed(world: &World, source: &Path, from: std::ffi::OsString, to: std::ffi::OsString, target: &Path) {
    let files = count(source);
    let mut command = world.command(&["cp".into(), "-r".into(), from, to]);
    let (kills, _) = kills(0);
    for kill in 1..=kills {
        let mut running = program::start(command);
        // Somewhere in its share of the files, the same place every time.
        let place = u64::from(noise(8, kill)[0]) * 4;
        let until = files as u64 * (kill * 1024 + place) / ((kills + 2) * 1024);
        running.until(|| count(target) as u64 >= until);
        running.signal(Signal::SIGKILL);
        assert_eq!(running.wait().code, None);
        let listed = world.wharf(&["jobs"]).ends(0);
        assert!(listed.text().contains("interrupted"), "{}", listed.text());
        command = world.command(&["jobs".into(), "resume".into(), "--all".into()]);
    }
    program::start(command).wait().ends(0);
    assert!(tree(source) == tree(target), "the trees differ, or something is left");
    assert!(world.records().is_empty());
}

#[test]
fn a_killed_copy_goes_on_locally() {
    let world = World::new("none".into());
    let (source, target) = (world.path("source"), world.path("target"));
    plant(&source, kills(2000).1);
    killed(&world, &source, source.clone().into(), target.clone().into(), &target);
    let time = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    for dir in ["", "3", "3/2"] {
        assert_eq!(time(&source.join(dir)), time(&target.join(dir)), "the time of {dir:?}");
    }
}

#[test]
fn a_killed_copy_goes_on_both_ways_over_sftp() {
    let sshd = Sshd::start(SshdConfig::default());
    let world = World::new(sshd.ssh_config());
    let source = world.path("source");
    plant(&source, kills(600).1);
    let up = world.path("up");
    killed(&world, &source, source.clone().into(), on("harness", &up), &up);
    let down = world.path("down");
    killed(&world, &source, on("harness", &source), down.clone().into(), &down);
}

/// What is new is not forced to the disk file by file: with the power, the end of one that has its name
/// already may be lost. A job that goes on mends that; what somebody has changed since stays.
#[test]
fn what_was_lost_with_the_power_is_copied_again() {
    let sshd = Sshd::start(SshdConfig::default());
    for remote in [false, true] {
        let world = World::new(sshd.ssh_config());
        let (source, target) = (world.path("source"), world.path("target"));
        fs::create_dir_all(&source).unwrap();
        for (name, len) in [("torn", 70_000), ("changed", 70_000), ("whole", 70_000), ("big", 30 << 20)] {
            fs::write(source.join(name), noise(len, 1)).unwrap();
        }
        let to = if remote { on("harness", &target) } else { target.clone().into() };
        let arguments = ["cp".into(), "-r".into(), "--limit=10M".into(), source.clone().into(), to];
        let mut running = program::start(world.command(&arguments));
        let size = |name: &str| fs::metadata(target.join(name)).map_or(0, |found| found.len());
        running.until(|| size(".big.wharf-part") > 12 << 20);
        running.signal(Signal::SIGKILL);
        running.wait();
        let time = fs::metadata(source.join("torn")).unwrap().modified().unwrap();
        let torn = fs::File::options().write(true).open(target.join("torn")).unwrap();
        torn.set_len(4096).unwrap();
        torn.set_modified(time).unwrap();
        let later = time + std::time::Duration::from_secs(5);
        fs::write(target.join("changed"), "by somebody").unwrap();
        fs::File::options().write(true).open(target.join("changed")).unwrap().set_modified(later).unwrap();
        world.wharf(&["jobs", "resume", "--all"]).ends(1).says(&["changed"]);
        assert_eq!(fs::read(target.join("changed")).unwrap(), b"by somebody");
        for name in ["torn", "whole", "big"] {
            assert!(fs::read(target.join(name)).unwrap() == fs::read(source.join(name)).unwrap(), "{name}");
        }
        assert_no_strays(&target);
    }
}

/// What stood there before stays until the new file is whole, however often it is killed.
#[test]
fn the_old_file_stays_until_the_new_one_is_whole() {
    let sshd = Sshd::start(SshdConfig::default());
    let world = World::new(sshd.ssh_config());
    let (source, up) = (world.path("big"), world.path("up"));
    fs::create_dir_all(&up).unwrap();
    let bytes = noise(40 << 20, 1);
    fs::write(&source, &bytes).unwrap();
    fs::write(up.join("big"), "old").unwrap();
    let part = up.join(".big.wharf-part");
    let size = || fs::metadata(&part).map_or(0, |found| found.len());
    let arguments = ["cp".into(), "--limit=20M".into(), "--on-conflict=overwrite".into(), source.into()];
    let arguments = [&arguments[..], &[into(on("harness", &up))]].concat();
    let mut command = world.command(&arguments);
    for megabytes in [12u64, 24, 36] {
        let mut running = program::start(command);
        running.until(|| size() > megabytes << 20);
        running.signal(Signal::SIGKILL);
        running.wait();
        assert_eq!(fs::read(up.join("big")).unwrap(), b"old");
        command = world.command(&["-v".into(), "jobs".into(), "resume".into(), "--all".into()]);
    }
    let since = size();
    let ran = program::start(command).wait().ends(0);
    assert!(fs::read(up.join("big")).unwrap() == bytes);
    assert_no_strays(&up);
    // It went on where it had been: most of it was not sent again.
    let sent = ran.stderr.lines().find(|line| line.contains("WRITE")).unwrap_or_default();
    let number = sent.split("WRITE ").nth(1).and_then(|rest| rest.split(' ').next());
    let number: u64 = number.and_then(|digits| digits.parse().ok()).unwrap_or(u64::MAX);
    assert!(since > 30 << 20 && number < 20 << 20, "{since}: {sent}");
}

/// Told to end, it keeps what it has, says how to go on, and ends with 5.
#[test]
fn an_interrupt_keeps_what_there_is() {
    let sshd = Sshd::start(SshdConfig::default());
    let world = World::new(sshd.ssh_config());
    let (source, up) = (world.path("big"), world.path("up"));
    fs::create_dir_all(&up).unwrap();
    fs::write(&source, noise(30 << 20, 1)).unwrap();
    let arguments = ["cp".into(), "--limit=8M".into(), source.clone().into(), into(on("harness", &up))];
    let part = up.join(".big.wharf-part");
    let begun = || fs::metadata(&part).is_ok_and(|found| found.len() > 10 << 20);
    let mut running = program::start(world.command(&arguments));
    running.until(begun);
    running.signal(Signal::SIGTERM);
    running.wait().ends(5).says(&["interrupted", "wharf jobs resume"]);
    assert!(part.exists());
    let listed = world.wharf(&["jobs", "--json"]).ends(0);
    let job: serde_json::Value = serde_json::from_str(&listed.text()).unwrap();
    assert_eq!((job["kind"].as_str(), job["running"].as_bool()), (Some("copy"), Some(false)));
    assert!(job["bytes_done"].as_u64().unwrap() > 1 << 20, "{job}");
    // Forgotten, nothing of it is left.
    world.wharf(&["jobs", "discard", job["id"].as_str().unwrap()]).ends(0);
    assert!(world.records().is_empty());
    assert_eq!(fs::read_dir(&up).unwrap().count(), 0);
    world.wharf(&["jobs", "discard", "nothing"]).ends(1).says(&["no interrupted transfer"]);
}

/// What runs is not interrupted, and a second wharf leaves its parts alone.
#[test]
fn two_at_one_target_do_not_meet() {
    let world = World::new("none".into());
    let (one, two, to) = (world.path("1/big"), world.path("2/big"), world.path("to"));
    for path in [&one, &two] {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
    }
    fs::create_dir_all(&to).unwrap();
    // Both go through this program's hands: from a server to this machine.
    let sshd = Sshd::start(SshdConfig::default());
    let world = World { config: sshd.ssh_config(), ..world };
    fs::write(&one, noise(12 << 20, 1)).unwrap();
    fs::write(&two, noise(12 << 20, 2)).unwrap();
    fs::write(to.join("big"), "old").unwrap();
    let run = |source: &Path| {
        let target = into(&to);
        let arguments = ["cp".into(), "--limit=8M".into(), "--on-conflict=overwrite".into()];
        program::start(world.command(&[&arguments[..], &[on("harness", source), target]].concat()))
    };
    let mut first = run(&one);
    first.until(|| fs::read_dir(&to).unwrap().count() == 2);
    let listed = world.wharf(&["jobs"]).ends(0);
    assert!(listed.text().contains("running"), "{}", listed.text());
    world.wharf(&["jobs", "discard", "--all"]).ends(0);
    let mut second = run(&two);
    second.until(|| fs::read_dir(&to).unwrap().count() == 3);
    first.wait().ends(0);
    second.wait().ends(0);
    let content = fs::read(to.join("big")).unwrap();
    assert!(content == noise(12 << 20, 1) || content == noise(12 << 20, 2));
    assert_eq!(fs::read_dir(&to).unwrap().count(), 1);
}
