//! Attempts to make it lose or corrupt data: by links planted where it writes, by records that were
//! tampered with, by places that are one place under two names.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use nix::sys::signal::Signal;

use super::{
    World, assert_no_strays, noise,
    program::{self, into, on},
    proxy::Proxy,
    support::{Sshd, SshdConfig},
    tree,
};

/// A copy that was killed in the middle of a file of 30 MB; the part that it has left.
fn killed_copy(world: &World, source: &Path, target: &Path, to: std::ffi::OsString) -> PathBuf {
    fs::create_dir_all(target).unwrap();
    fs::write(source, noise(30 << 20, 1)).unwrap();
    let part = target.join(".big.wharf-part");
    let arguments = ["cp".into(), "--limit=10M".into(), source.into(), to];
    let mut running = program::start(world.command(&arguments));
    running.until(|| fs::metadata(&part).is_ok_and(|found| found.len() > 11 << 20));
    running.signal(Signal::SIGKILL);
    running.wait();
    part
}

/// Somebody who may write there plants a link where the part would be, or is.
#[test]
fn a_link_in_the_place_of_a_part_is_not_written_through() {
    let sshd = Sshd::start(SshdConfig::default());
    let world = World::new(sshd.ssh_config());
    let victim = world.path("victim");
    // Before anything is written.
    for up in [true, false] {
        fs::write(&victim, "precious").unwrap();
        let (source, target) = (world.path("file"), world.path(&format!("planted{up}")));
        fs::create_dir(&target).unwrap();
        fs::write(&source, noise(2 << 20, 1)).unwrap();
        symlink(&victim, target.join(".file.wharf-part")).unwrap();
        let to = if up { into(on("harness", &target)) } else { into(&target) };
        program::start(world.command(&["cp".into(), source.clone().into(), to])).wait().ends(0);
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
        assert!(fs::read(target.join("file")).unwrap() == fs::read(&source).unwrap());
        assert!(fs::symlink_metadata(target.join("file")).unwrap().is_file());
    }
    // In the place of a part that is to be written on. The link is longer than what is known to
    // have arrived, and leads to something that begins as the source does.
    let (source, target) = (world.path("big"), world.path("up"));
    let part = killed_copy(&world, &source, &target, into(on("harness", &target)));
    let mut precious = fs::read(&source).unwrap()[..100].to_vec();
    precious.extend_from_slice(b"precious");
    fs::write(&victim, &precious).unwrap();
    fs::remove_file(&part).unwrap();
    let long = format!("{}/{}victim", world.dir.path().display(), "./".repeat(60));
    symlink(long, &part).unwrap();
    let record = world.records().pop().unwrap();
    let text = fs::read_to_string(&record).unwrap() + "\n{\"at\":{\"n\":0,\"offset\":100}}\n";
    fs::write(&record, text).unwrap();
    world.wharf(&["jobs", "resume", "--all"]).ends(0).says(&["from the start again"]);
    assert!(fs::read(&victim).unwrap() == precious, "it was written through the link");
    assert!(fs::read(target.join("big")).unwrap() == fs::read(&source).unwrap());
    assert!(fs::symlink_metadata(target.join("big")).unwrap().is_file());
}

/// A record that is cut off, garbled, of a later version or full of lies never makes a wrong file.
#[test]
fn a_garbled_record_makes_no_wrong_file() {
    let world = World::new("none".into());
    let (source, target) = (world.path("source"), world.path("target"));
    fs::create_dir(&source).unwrap();
    for at in 0..60u64 {
        fs::write(source.join(format!("{at}")), noise(50_000 + at as usize, at)).unwrap();
    }
    let arguments =
        ["cp".into(), "-r".into(), "--limit=1M".into(), source.clone().into(), target.clone().into()];
    let mut running = program::start(world.command(&arguments));
    running.until(|| fs::read_dir(&target).is_ok_and(|found| found.count() > 25));
    running.signal(Signal::SIGKILL);
    running.wait();
    let record = world.records().pop().unwrap();
    let (whole, left) = (fs::read(&record).unwrap(), world.path("left"));
    fs::rename(&target, &left).unwrap();
    let mut variants: Vec<Vec<u8>> = (0..8).map(|part| whole[..whole.len() * part / 8].to_vec()).collect();
    for seed in 1..=8 {
        let mut garbled = whole.clone();
        for spot in noise(16, seed).chunks(2) {
            let at = usize::from(u16::from_le_bytes([spot[0], spot[1]])) * garbled.len() / 65_536;
            garbled[at] ^= 0x15;
        }
        variants.push(garbled);
    }
    // What follows is forged with care: each line has the checksum of what it says now.
    let text = String::from_utf8(whole).unwrap();
    let text: String = text
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| line[..line.len() - 9].to_owned() + "\n")
        .collect();
    let sealed = |text: String| -> Vec<u8> {
        let line = |line: &str| format!("{line} {:08x}\n", crc32fast::hash(line.as_bytes()));
        text.lines().map(line).collect::<String>().into_bytes()
    };
    variants.push(sealed(text.replacen("\"version\":1", "\"version\":99", 1)));
    variants.push(sealed(text.replacen("\"version\":1", "\"version\":-1", 1)));
    // Everything is called done, or further than it is.
    let lies = |line: &dyn Fn(u64) -> String| (0..60).map(line).collect::<String>();
    variants.push(sealed(text.clone() + &lies(&|n| format!("{{\"done\":{{\"n\":{n}}}}}\n"))));
    variants.push(sealed(text.clone() + &lies(&|n| format!("{{\"at\":{{\"n\":{n},\"offset\":50000}}}}\n"))));
    variants.push(sealed(text.replace(".wharf-part", ".wharf-part/../../../victim")));
    fs::write(world.path("victim"), "precious").unwrap();
    for (number, variant) in variants.iter().enumerate() {
        let _ = fs::remove_dir_all(&target);
        let copied = std::process::Command::new("cp").arg("-a").arg(&left).arg(&target).status().unwrap();
        assert!(copied.success());
        for old in world.records() {
            fs::remove_file(old).unwrap();
        }
        fs::write(&record, variant).unwrap();
        world.wharf(&["jobs"]).ends(0);
        let resumed = world.wharf(&["jobs", "resume", "--all"]);
        for (path, content) in tree(&target) {
            let is_part = path.to_string_lossy().ends_with(".wharf-part");
            let same = || fs::read(source.join(&path)).ok() == content;
            assert!(is_part || same(), "variant {number}: {path:?} is not what the source has");
        }
        // A part whose record is not to be read any more stays: nothing says whose it is.
        let mut copied = tree(&target);
        copied.retain(|(path, _)| !path.to_string_lossy().ends_with(".wharf-part"));
        if resumed.code == Some(0) && copied.len() == 60 {
            assert!(tree(&source) == copied, "variant {number}");
        }
        // Whatever became of it, the same once more makes it whole.
        let arguments = ["cp".into(), "-r".into(), "--on-conflict=overwrite".into()];
        let arguments =
            [&arguments[..], &[into(&source), target.parent().unwrap().join("again").into()]].concat();
        let _ = fs::remove_dir_all(world.path("again"));
        program::start(world.command(&arguments)).wait().ends(0);
        assert_eq!(fs::read(world.path("victim")).unwrap(), b"precious", "variant {number}");
    }
}

/// What is no directory cannot hold records: the copy is made all the same, and it is said.
#[test]
fn a_state_directory_that_is_none_is_told() {
    let world = World::new("none".into());
    fs::write(world.path("state"), "no directory").unwrap();
    fs::write(world.path("file"), "file").unwrap();
    let (from, to) = (world.path("file"), world.path("copy"));
    let ran = world.wharf(&["cp", from.to_str().unwrap(), to.to_str().unwrap()]).ends(0);
    assert_eq!(fs::read(&to).unwrap(), b"file");
    ran.says(&["state/wharf/jobs"]);
    world.wharf(&["jobs"]).ends(0);
}

/// The target's directory goes while it is written to.
#[test]
fn a_target_that_is_removed_in_the_middle_is_told() {
    let sshd = Sshd::start(SshdConfig::default());
    let proxy = Proxy::holding(sshd.address(), |_| 3 << 20);
    let world = World::new(sshd.ssh_config());
    let config = proxy.ssh_config(&sshd.ssh_config(), sshd.port(), world.dir.path());
    let world = World { config, ..world };
    let (source, target) = (world.path("source"), world.path("target"));
    fs::create_dir(&source).unwrap();
    fs::write(source.join("big"), noise(24 << 20, 1)).unwrap();
    fs::create_dir(&target).unwrap();
    let arguments = ["cp".into(), "-r".into(), source.clone().into(), into(on("harness", &target))];
    let mut running = program::start(world.command(&arguments));
    running.until(|| proxy.holds());
    fs::remove_dir_all(&target).unwrap();
    proxy.release();
    running.wait().ends(1).says(&["target/source/big"]);
    assert!(!target.exists() && source.join("big").exists());
}

/// One name from two sources, or one source twice, is one file at the target: which, is not left to
/// chance.
#[test]
fn two_sources_of_one_name_are_not_mixed() {
    let world = World::new("none".into());
    let target = world.path("target");
    for dir in ["a", "b", "target"] {
        fs::create_dir(world.path(dir)).unwrap();
    }
    fs::write(world.path("a/x"), noise(3 << 20, 1)).unwrap();
    fs::write(world.path("b/x"), noise(3 << 20, 2)).unwrap();
    // Where nothing stands, and over what stands there.
    for second in ["b/x", "b/x", "a/x", "a/../b/x"] {
        let (first, second) = (world.path("a/x"), world.path(second));
        let arguments =
            ["cp".into(), "--on-conflict=overwrite".into(), first.into(), second.into(), into(&target)];
        let ran = program::start(world.command(&arguments)).wait();
        assert!(fs::read(target.join("x")).unwrap() == noise(3 << 20, 1), "{}", ran.stderr);
        ran.ends(1).says(&["two sources would land on the same name"]);
        assert_no_strays(&target);
    }
    // A move of both loses neither.
    let arguments = ["mv".into(), world.path("a/x").into(), world.path("b/x").into(), into(&target)];
    program::start(world.command(&arguments)).wait().ends(1);
    let left = [target.join("x"), world.path("a/x"), world.path("b/x")];
    let left: Vec<_> = left.iter().filter_map(|path| fs::read(path).ok()).collect();
    for seed in [1, 2] {
        assert!(left.contains(&noise(3 << 20, seed)), "{seed} is lost");
    }
}

/// A move to where the source is already: through a link above, through the server that this machine
/// is, and both.
#[test]
fn a_move_onto_itself_loses_nothing() {
    let sshd = Sshd::start(SshdConfig::default());
    let world = World::new(sshd.ssh_config());
    let (dir, link) = (world.path("dir"), world.path("link"));
    fs::create_dir_all(dir.join("tree")).unwrap();
    symlink(&dir, &link).unwrap();
    let (file, inner) = (dir.join("file"), dir.join("tree/inner"));
    fs::write(&file, "precious").unwrap();
    fs::write(&inner, "precious").unwrap();
    for conflict in ["refuse", "overwrite", "skip", "newer"] {
        let option = format!("--on-conflict={conflict}");
        for (from, to) in [
            (file.clone().into_os_string(), into(&dir)),
            (file.clone().into_os_string(), into(&link)),
            (link.join("file").into_os_string(), into(&dir)),
            (on("harness", &file), into(&dir)),
            (file.clone().into_os_string(), into(on("harness", &dir))),
            (on("harness", &dir.join("tree")), into(&dir)),
            (dir.join("tree").into_os_string(), into(on("harness", &dir))),
            (dir.join("tree").into_os_string(), into(&link)),
        ] {
            let what = format!("{conflict} {from:?} {to:?}");
            let arguments = match conflict {
                "refuse" => vec!["mv".into(), from, to],
                _ => vec!["mv".into(), option.clone().into(), from, to],
            };
            let ran = program::start(world.command(&arguments)).wait();
            for path in [&file, &inner] {
                assert_eq!(
                    fs::read(path).ok().as_deref(),
                    Some(&b"precious"[..]),
                    "{what}: {path:?} {ran:?}"
                );
            }
            assert_no_strays(&dir);
        }
    }
}
