//! Disks that are full to the last byte: the target's and the one that records are kept on.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use super::{
    World, assert_no_strays, noise,
    program::{into, on},
    support::{Sshd, SshdConfig, program},
};

/// A file system of its own, unmounted with this.
struct Disk(PathBuf);

impl Disk {
    fn new(dir: PathBuf, size: &str) -> Disk {
        fs::create_dir(&dir).unwrap();
        let options = format!("size={size}");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "wharf-test"]).arg(&dir).output();
        let mount = mount.expect("mount(8)");
        assert!(
            mount.status.success(),
            "a full disk needs a tmpfs, and mounting one needs root with CAP_SYS_ADMIN: {}",
            String::from_utf8_lossy(&mount.stderr)
        );
        Disk(dir)
    }

    fn free(&self) -> u64 {
        let space = nix::sys::statvfs::statvfs(&self.0).unwrap();
        space.blocks_available() as u64 * space.fragment_size() as u64
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// What fits exactly is copied; one byte more, which only the last write or the close can show, is
/// refused, and the old file stays.
#[test]
fn a_disk_may_be_too_small_by_one_byte() {
    let sshd = Sshd::start(SshdConfig::default());
    let world = World::new(sshd.ssh_config());
    let disk = Disk::new(world.path("disk"), "12m");
    fs::write(disk.0.join("old"), "old").unwrap();
    let free = disk.free() as usize;
    assert!(free > 8 << 20);
    for (number, len, fits) in [(0, free, true), (1, free + 1, false), (2, free + (5 << 20), false)] {
        for way in ["up", "down", "here"] {
            let source = world.path(&format!("{number}{way}"));
            fs::create_dir(&source).unwrap();
            let bytes = noise(len, 1);
            fs::write(source.join("old"), &bytes).unwrap();
            let (from, to) = match way {
                "up" => (source.join("old").into(), into(on("harness", &disk.0))),
                "down" => (on("harness", &source.join("old")), into(&disk.0)),
                _ => (source.join("old").into(), into(&disk.0)),
            };
            // Under another name: what is replaced stands beside its part until the end.
            let name = disk.0.join("new");
            let place = match way {
                "up" => on("harness", &name),
                _ => name.clone().into(),
            };
            let ran = program::start(world.command(&["cp".into(), from.clone(), place])).wait();
            if fits {
                ran.ends(0);
                assert!(fs::read(&name).unwrap() == bytes, "{way}");
                fs::remove_file(&name).unwrap();
                continue;
            }
            let full =
                ["disk or a quota is full", "No space left"].iter().any(|words| ran.stderr.contains(words));
            assert!(full, "{}", ran.stderr);
            ran.ends(1).says(&["disk/new"]);
            let options = ["cp".into(), "--on-conflict=overwrite".into()];
            program::start(world.command(&[&options[..], &[from, to]].concat())).wait().ends(1);
            assert_eq!(fs::read(disk.0.join("old")).unwrap(), b"old", "{way}");
            assert_eq!(fs::read_dir(&disk.0).unwrap().count(), 1, "{way}: something is left");
            // The server has the part open until it sees that nobody is there any more.
            let since = Instant::now();
            while disk.free() as usize != free {
                assert!(since.elapsed() < Duration::from_secs(10), "{way}: the room did not come back");
                thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

/// A record that cannot be written makes no copy fail, and that it could not is said.
#[test]
fn a_full_disk_under_the_records_is_told_and_the_copy_done() {
    let world = World::new("none".into());
    let disk = Disk::new(world.path("state"), "64k");
    let fill = |path: &Path| {
        let mut filler = fs::File::create(path).unwrap();
        while std::io::Write::write_all(&mut filler, &[1; 4096]).is_ok() {}
    };
    let (source, target) = (world.path("source"), world.path("target"));
    fs::create_dir(&source).unwrap();
    for at in 0..300 {
        fs::write(source.join(format!("{at}")), noise(at * 7, at as u64)).unwrap();
    }
    let copy = |target: &Path| {
        world.wharf(&["cp", "-r", source.to_str().unwrap(), target.to_str().unwrap()]).ends(0)
    };
    fs::create_dir_all(world.path("state/wharf/jobs")).unwrap();
    // It is full from the start, and it becomes full on the way.
    fill(&disk.0.join("filler"));
    copy(&target).says(&["state/wharf/jobs"]);
    assert!(super::tree(&source) == super::tree(&target));
    fs::write(disk.0.join("filler"), vec![1; 40 << 10]).unwrap();
    let second = world.path("second");
    copy(&second).says(&["state/wharf/jobs"]);
    assert!(super::tree(&source) == super::tree(&second));
    assert_no_strays(&second);
}
