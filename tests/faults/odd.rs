//! Pipes, sockets and devices; files larger than any disk; trees deeper than any path: named and
//! skipped, or done, and never hung on.

use std::{
    fs::{self, File},
    os::fd::AsFd,
    os::unix::{fs::symlink, net::UnixListener},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use nix::{
    fcntl::{OFlag, openat},
    sys::{
        signal::Signal,
        stat::{Mode, SFlag, makedev, mkdirat, mknod},
    },
    unistd::mkfifo,
};

use super::{
    World, assert_no_strays,
    program::{into, on},
    support::{Sshd, SshdConfig, program},
};

#[test]
fn what_is_no_file_is_named_and_skipped() {
    let sshd = Sshd::start(SshdConfig::default());
    let world = World::new(sshd.ssh_config());
    let tree = world.path("tree");
    fs::create_dir_all(tree.join("below")).unwrap();
    fs::write(tree.join("below/file"), "file").unwrap();
    let mode = Mode::from_bits_truncate(0o666);
    mkfifo(&tree.join("pipe"), mode).unwrap();
    let _listening = UnixListener::bind(tree.join("socket")).unwrap();
    let odd: &[&str] = match mknod(&tree.join("zero"), SFlag::S_IFCHR, mode, makedev(1, 5)) {
        Ok(()) => &["pipe", "socket", "zero"],
        // Devices are root's to make, and not in every container.
        Err(_) => &["pipe", "socket"],
    };
    symlink("pipe", tree.join("link")).unwrap();
    for (way, from) in [("here", tree.clone().into_os_string()), ("down", on("harness", &tree))] {
        let since = Instant::now();
        let target = world.path(way);
        let ran =
            program::start(world.command(&["cp".into(), "-r".into(), from.clone(), target.clone().into()]));
        let ran = ran.wait().ends(1);
        let ran = odd.iter().fold(ran, |ran, name| ran.says(&[&format!("tree/{name}")]));
        assert_eq!(ran.stderr.lines().count(), odd.len(), "{}", ran.stderr);
        assert_eq!(fs::read(target.join("below/file")).unwrap(), b"file");
        assert_eq!(fs::read_dir(&target).unwrap().count(), 2);
        for name in odd.iter().chain(&["link"]) {
            let mut place = into(&from);
            place.push(name);
            program::start(world.command(&["cat".into(), place.clone()])).wait().ends(1).says(&[name]);
            if *name != "link" {
                program::start(world.command(&["cp".into(), place, world.path("x").into()])).wait().ends(1);
            }
        }
        // A sync names them too, and deletes nothing for their sake.
        let arguments = ["sync".into(), "--delete".into(), from, target.clone().into()];
        program::start(world.command(&arguments)).wait().ends(1).says(&["tree/pipe"]);
        assert_eq!(fs::read(target.join("below/file")).unwrap(), b"file");
        assert!(since.elapsed() < Duration::from_secs(20), "{way}: {:?}", since.elapsed());
    }
}

/// Five terabytes, none of which are there: listed, begun, and given up without a trace.
#[test]
fn a_file_of_five_terabytes_is_begun_and_given_up() {
    let sshd = Sshd::start(SshdConfig::default());
    let world = World::new(sshd.ssh_config());
    let source = world.path("huge");
    const SIZE: u64 = 5 << 40;
    if File::create(&source).unwrap().set_len(SIZE).is_err() {
        return println!("this file system has no files of 5 TB");
    }
    let listed = world.wharf(&["ls", "--json", &format!("harness:{}", source.display())]).ends(0);
    let entry: serde_json::Value = serde_json::from_str(listed.text().lines().next().unwrap()).unwrap();
    assert_eq!(entry["size"].as_u64(), Some(SIZE), "{entry}");
    for up in [true, false] {
        let target = world.path(&format!("target{up}"));
        fs::create_dir(&target).unwrap();
        let (from, to) = match up {
            true => (source.clone().into_os_string(), into(on("harness", &target))),
            false => (on("harness", &source), into(&target)),
        };
        let part = target.join(".huge.wharf-part");
        let mut running = program::start(world.command(&["cp".into(), "--limit=20M".into(), from, to]));
        running.until(|| fs::metadata(&part).is_ok_and(|found| found.len() > 4 << 20));
        running.signal(Signal::SIGINT);
        running.wait().ends(5).says(&["wharf jobs resume"]);
        world.wharf(&["jobs", "discard", "--all"]).ends(0);
        assert_eq!(fs::read_dir(&target).unwrap().count(), 0, "up: {up}");
    }
}

/// Directories in directories, made one in the other: their path may be longer than any call takes.
fn nest(root: &Path, levels: usize) {
    fs::create_dir(root).unwrap();
    let mut dir = std::os::fd::OwnedFd::from(File::open(root).unwrap());
    for _ in 0..levels {
        mkdirat(dir.as_fd(), "d", Mode::S_IRWXU).unwrap();
        dir = openat(dir.as_fd(), "d", OFlag::O_DIRECTORY, Mode::empty()).unwrap();
    }
    let file = openat(dir.as_fd(), "f", OFlag::O_CREAT | OFlag::O_WRONLY, Mode::S_IRWXU).unwrap();
    nix::unistd::write(&file, b"deep").unwrap();
}

fn depth(root: &Path) -> usize {
    let found = Command::new("find")
        .arg(root)
        .args(["-mindepth", "1", "-name", "d", "-printf", "."])
        .output()
        .unwrap();
    found.stdout.len()
}

/// Removes it whatever its depth, which the standard library does not.
struct Deep(std::path::PathBuf);

impl Drop for Deep {
    fn drop(&mut self) {
        let _ = Command::new("rm").arg("-rf").arg(&self.0).status();
    }
}

/// Paths of a system call end at 4096 bytes (PATH_MAX): as deep as they reach it is copied and
/// removed, and what lies deeper is named.
#[test]
fn a_deep_tree_is_copied_as_far_as_paths_reach() {
    let sshd = Sshd::start(SshdConfig::default());
    let world = World::new(sshd.ssh_config());
    let levels = if std::env::var_os("WHARF_LONG_FAULTS").is_some() { 2000 } else { 300 };
    let source = world.path("s");
    let _source = Deep(source.clone());
    nest(&source, levels);
    for (way, from, to) in [
        ("here", source.clone().into_os_string(), world.path("h").into_os_string()),
        ("up", source.clone().into_os_string(), on("harness", &world.path("u"))),
        ("down", on("harness", &source), world.path("d").into_os_string()),
    ] {
        let since = Instant::now();
        let target = world.path(&way[..1]);
        let _target = Deep(target.clone());
        let ran = program::start(world.command(&["cp".into(), "-r".into(), from, to.clone()])).wait();
        println!("{way}: {:?} {}", since.elapsed(), ran.stderr);
        ran.ends(0);
        assert_eq!(depth(&target), levels, "{way}");
        let since = Instant::now();
        program::start(world.command(&["rm".into(), "-r".into(), to])).wait().ends(0);
        println!("{way} removed: {:?}", since.elapsed());
        assert!(!target.exists());
    }
    let deeper = world.path("deeper");
    let _deeper = Deep(deeper.clone());
    nest(&deeper, 2200);
    let target = world.path("e");
    let _target = Deep(target.clone());
    let since = Instant::now();
    let arguments = ["cp".into(), "-r".into(), deeper.clone().into(), target.clone().into()];
    let ran = program::start(world.command(&arguments)).wait().ends(1);
    println!("too deep: {:?} {}", since.elapsed(), &ran.stderr[ran.stderr.len().saturating_sub(300)..]);
    ran.says(&["/d/d/d", "too long"]);
    assert!(depth(&target) > 1900, "{}", depth(&target));
    let arguments = ["rm".into(), "-r".into(), deeper.clone().into()];
    program::start(world.command(&arguments)).wait().ends(1).says(&["too long"]);
    assert_eq!(depth(&deeper), 2200, "what cannot be reached is not half removed");
}

/// Many small files take little memory. The long form has 200,000 of them.
#[test]
fn many_files_take_little_memory() {
    let sshd = Sshd::start(SshdConfig::default());
    let world = World::new(sshd.ssh_config());
    let files = if std::env::var_os("WHARF_LONG_FAULTS").is_some() { 200_000 } else { 4000 };
    let source = world.path("source");
    for at in 0..files {
        if at % 1000 == 0 {
            fs::create_dir_all(source.join(format!("{}", at / 1000))).unwrap();
        }
        fs::write(source.join(format!("{}/{at}", at / 1000)), format!("{at}")).unwrap();
    }
    let target = world.path("target");
    let arguments = ["cp".into(), "-r".into(), source.into(), on("harness", &target)];
    let since = Instant::now();
    let running = program::start(world.command(&arguments));
    let status = format!("/proc/{}/status", running.id());
    let (mut peak, mut record) = (0, 0);
    while let Ok(text) = fs::read_to_string(&status) {
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        // A program that has ended has no memory, but a status until somebody asks how.
        let Some(line) = line else { break };
        peak = line.trim().trim_end_matches(" kB").parse().unwrap_or(peak);
        let size = |path: &std::path::PathBuf| fs::metadata(path).map_or(0, |found| found.len());
        record = world.records().iter().map(size).max().unwrap_or(0).max(record);
        std::thread::sleep(Duration::from_millis(20));
    }
    running.wait().ends(0);
    println!("{files} files: {:?}, {} MiB at most, a record of {record} bytes", since.elapsed(), peak >> 10);
    assert!(peak > 0 && peak >> 10 < 200, "{} MiB", peak >> 10);
    assert!(record < files * 400 + 4096, "{record} bytes");
    assert_no_strays(&target);
}
