//! One file's copy, safe and faithful: the real program against real servers. What is promised of a
//! copy beside its bytes: that it was looked at, that nothing is lost on the way, that links, holes
//! and names of one file stay what they are.

mod support;

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use serde_json::Value;
use support::{
    ALIAS, Sshd, SshdConfig,
    ftp::{FtpConfig, FtpServer, Software},
    program::{Ran, wharf},
};

/// An SFTP server and a directory that it and this machine share.
struct World {
    sshd: Sshd,
    dir: tempfile::TempDir,
}

impl World {
    fn new() -> World {
        World::with(SshdConfig::default())
    }

    fn with(config: SshdConfig) -> World {
        World { sshd: Sshd::start(config), dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn local(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn remote(&self, name: &str) -> String {
        format!("{ALIAS}:{}", self.local(name))
    }

    fn put(&self, name: &str, content: &[u8]) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), content).unwrap();
    }

    fn get(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    #[track_caller]
    fn wharf(&self, arguments: &[&str]) -> Ran {
        wharf(&self.sshd.ssh_config(), arguments)
    }
}

/// Bytes that repeat nowhere near.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut out = Vec::with_capacity(len + 8);
    while out.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(&state.to_le_bytes());
    }
    out.truncate(len);
    out
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn ftp_place(server: &FtpServer, name: &str) -> String {
    let password = server.password().replace(' ', "%20");
    format!("ftp://{}:{password}@127.0.0.1:{}{}/{name}", server.user(), server.port(), server.home())
}

mod verify {
    use super::*;

    #[test]
    fn says_which_way_it_was_done() {
        let world = World::new();
        world.put("from/small", b"small");
        world.put("from/large", &noise(3_000_001));
        world
            .wharf(&["cp", "-r", "--verify", &world.local("from"), &world.remote("up")])
            .ends(0)
            .says(&["verified 2 files by sha256sum on the server"]);
        let ran = world
            .wharf(&["cp", "-r", "--verify", "--json", &world.remote("up"), &world.local("down")])
            .ends(0)
            .says(&["verified 2 files by reading back (sha256)"]);
        let told: Value = serde_json::from_str(&ran.text()).unwrap();
        assert_eq!(
            (&told["files"], &told["bytes"], &told["failed"]),
            (&2.into(), &3_000_006.into(), &0.into())
        );
        assert_eq!(told["verified"][0]["algorithm"], "sha256");
        assert_eq!(
            (&told["verified"][0]["files"], &told["verified"][0]["computed"]),
            (&2.into(), &"here".into())
        );
        // Within one server, and within this machine.
        world
            .wharf(&["cp", "--verify", &world.remote("up/large"), &world.remote("again")])
            .ends(0)
            .says(&["verified 1 file by sha256sum on the server"]);
        world.wharf(&["cp", "--verify", &world.local("up/large"), &world.local("once more")]).ends(0);
        for name in ["up/large", "down/large", "again", "once more"] {
            assert!(world.get(name) == noise(3_000_001), "{name}");
        }
        world
            .wharf(&["cp", "-q", "--verify", &world.local("from/small"), &world.remote("quiet")])
            .ends(0)
            .silently();
    }

    #[test]
    fn ftp_reads_back_where_the_server_has_nothing() {
        let world = World::new();
        let server = FtpServer::start(Software::Vsftpd, FtpConfig::default());
        world.put("file", &noise(400_000));
        world
            .wharf(&["cp", "--verify", &world.local("file"), &ftp_place(&server, "copy")])
            .ends(0)
            .says(&["verified 1 file by reading back (sha256)"]);
        world
            .wharf(&["sync", "--verify", &ftp_place(&server, ""), &world.local("down")])
            .ends(0)
            .says(&["verified"]);
        assert!(world.get("down/copy") == noise(400_000));
    }

    /// A disk that returns other bytes than it was given, as far as the server's own tool can tell.
    #[test]
    fn what_arrived_otherwise_replaces_nothing() {
        let tools = tempfile::tempdir().unwrap();
        fs::set_permissions(tools.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let tool = tools.path().join("sha256sum");
        fs::write(&tool, format!("#!/bin/sh\necho {} -\n", "ab".repeat(32))).unwrap();
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("SetEnv PATH={}:/usr/bin:/bin", tools.path().display());
        let world = World::with(SshdConfig { extra: vec![path], ..SshdConfig::default() });
        world.put("from/file", b"new");
        world.put("to/file", b"old");
        let ran = world.wharf(&[
            "cp",
            "--verify",
            "--on-conflict=overwrite",
            &world.local("from/file"),
            &world.remote("to/file"),
        ]);
        ran.ends(1).says(&[
            "Could not verify",
            "to/file",
            &"ab".repeat(32),
            "sha256sum",
            "nothing was replaced",
        ]);
        assert_eq!(world.get("to/file"), b"old");
        assert_eq!(names(&world.path("to")), ["file"], "and nothing is left behind");
        // A move keeps its source.
        world.wharf(&["mv", "--verify", &world.local("from/file"), &world.remote("to/new")]).ends(1);
        assert_eq!(world.get("from/file"), b"new");
        assert_eq!(names(&world.path("to")), ["file"]);
    }
}

mod follow {
    use super::*;

    fn tree(world: &World) {
        world.put("else/deep/file", b"behind");
        world.put("from/file", b"plain");
        symlink("../else", world.path("from/dir")).unwrap();
        symlink("../else/deep/file", world.path("from/link")).unwrap();
        symlink("missing", world.path("from/nowhere")).unwrap();
        symlink("..", world.path("else/deep/up")).unwrap();
    }

    fn check(world: &World, down: &str) {
        let of = |name: &str| world.path(&format!("{down}/{name}"));
        assert_eq!(fs::read(of("dir/deep/file")).unwrap(), b"behind");
        assert_eq!(fs::read(of("link")).unwrap(), b"behind");
        assert!(of("link").symlink_metadata().unwrap().is_file());
        assert!(of("dir").symlink_metadata().unwrap().is_dir());
        assert_eq!(names(&of("")), ["dir", "file", "link"]);
        assert_eq!(names(&of("dir/deep")), ["file"]);
    }

    #[test]
    fn links_become_what_they_lead_to() {
        let world = World::new();
        tree(&world);
        for (from, to) in [(world.remote("from"), "over sftp"), (world.local("from"), "here")] {
            world.wharf(&["cp", "-rL", &from, &world.local(to)]).ends(1).says(&[
                "from/nowhere",
                "leads nowhere",
                "from/dir/deep/up",
                "leads back",
            ]);
            check(&world, to);
        }
        world.wharf(&["cp", "-L", &world.remote("from/link"), &world.local("one")]).ends(0);
        assert_eq!(world.get("one"), b"behind");
        // Without it, links are links.
        world.wharf(&["cp", "-r", &world.remote("from"), &world.local("links")]).ends(0);
        assert!(world.path("links/nowhere").symlink_metadata().unwrap().is_symlink());
    }

    #[test]
    fn ftp_follows_as_well() {
        let world = World::new();
        for software in [Software::Vsftpd, Software::Proftpd] {
            let server = FtpServer::start(software, FtpConfig::default());
            for dir in ["else", "else/deep", "from"] {
                fs::create_dir(server.root().join(dir)).unwrap();
                server.give(&server.root().join(dir));
            }
            server.put("else/deep/file", b"behind");
            server.put("from/file", b"plain");
            let at = |name: &str| server.root().join(name);
            symlink("../else", at("from/dir")).unwrap();
            symlink("../else/deep/file", at("from/link")).unwrap();
            symlink("missing", at("from/nowhere")).unwrap();
            symlink("..", at("else/deep/up")).unwrap();
            let down = format!("{software:?}");
            world
                .wharf(&["cp", "-rL", &ftp_place(&server, "from"), &world.local(&down)])
                .ends(1)
                .says(&["from/nowhere", "leads nowhere"]);
            check(&world, &down);
        }
    }
}

mod names_of_one_file {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn they_stay_that() {
        let world = World::new();
        world.put("from/a", &noise(300_000));
        fs::create_dir(world.path("from/sub")).unwrap();
        fs::hard_link(world.path("from/a"), world.path("from/sub/b")).unwrap();
        fs::hard_link(world.path("from/a"), world.path("from/c")).unwrap();
        for (to, place) in [("here", world.local("here")), ("there", world.remote("there"))] {
            world.wharf(&["cp", "-r", &world.local("from"), &place]).ends(0);
            let inode = |name: &str| fs::metadata(world.path(&format!("{to}/{name}"))).unwrap().ino();
            assert!(inode("a") == inode("sub/b") && inode("a") == inode("c"), "{to}");
            assert!(world.get(&format!("{to}/sub/b")) == noise(300_000));
            // What stands there is replaced, and by one file again.
            let file = fs::File::options().write(true).open(world.path("from/a")).unwrap();
            file.set_modified(UNIX_EPOCH + Duration::from_secs(1_234_567_890 + to.len() as u64)).unwrap();
            let before = inode("a");
            world.wharf(&["sync", &world.local("from"), &place]).ends(0).says(&["3 copied"]);
            assert!(inode("a") == inode("sub/b") && inode("a") == inode("c") && inode("a") != before, "{to}");
            assert_eq!(names(&world.path(to)), ["a", "c", "sub"]);
        }
        // A server that has no such thing gets copies.
        let server = FtpServer::start(Software::Vsftpd, FtpConfig::default());
        world.wharf(&["cp", "-r", &world.local("from"), &ftp_place(&server, "up")]).ends(0);
        assert!(fs::read(server.root().join("up/sub/b")).unwrap() == noise(300_000));
    }
}

mod holes {
    use std::os::unix::fs::FileExt;

    use super::*;

    const GIB: u64 = 1 << 30;

    fn sparse(path: &Path, length: u64, data: &[(u64, &[u8])]) {
        let file = fs::File::create(path).unwrap();
        file.set_len(length).unwrap();
        for (at, bytes) in data {
            file.write_all_at(bytes, *at).unwrap();
        }
    }

    fn on_disk(path: &Path) -> u64 {
        fs::metadata(path).unwrap().blocks() * 512
    }

    /// Terabytes of nothing take neither hours nor room.
    #[test]
    fn they_are_copied_as_holes_on_this_machine() {
        let world = World::new();
        let (start, end) = (noise(100_000), noise(10_000));
        let length = 5 << 40;
        sparse(&world.path("big"), length, &[(0, &start), (length / 2 + 5, &end), (length - 10_000, &end)]);
        world.wharf(&["cp", &world.local("big"), &world.local("copy")]).ends(0);
        let copy = fs::File::open(world.path("copy")).unwrap();
        assert_eq!(copy.metadata().unwrap().len(), length);
        assert!(on_disk(&world.path("copy")) < 1 << 20, "{}", on_disk(&world.path("copy")));
        for (at, content) in [(0, &start), (length / 2 + 5, &end), (length - 10_000, &end)] {
            let mut read = vec![0; content.len()];
            copy.read_exact_at(&mut read, at).unwrap();
            assert!(read == **content, "{at}");
        }
        // One that ends in a hole, and one that is nothing else.
        for data in [&[(0, &start[..])][..], &[]] {
            sparse(&world.path("tail"), GIB, data);
            world
                .wharf(&["cp", "--on-conflict=overwrite", &world.local("tail"), &world.local("copy of tail")])
                .ends(0);
            assert_eq!(fs::metadata(world.path("copy of tail")).unwrap().len(), GIB);
            assert!(on_disk(&world.path("copy of tail")) < 1 << 20);
        }
    }

    #[test]
    fn zeros_from_a_server_become_holes() {
        let world = World::new();
        let data = noise(70_000);
        let length = (48 << 20) + 3;
        sparse(&world.path("file"), length, &[(0, &data), (20_000_001, &data)]);
        world.wharf(&["cp", "--verify", &world.remote("file"), &world.local("copy")]).ends(0);
        assert!(world.get("file") == world.get("copy"));
        assert!(on_disk(&world.path("copy")) < 1 << 20, "{}", on_disk(&world.path("copy")));
        world.put("small", &[&noise(1000)[..], &vec![0; 500_000]].concat());
        world.wharf(&["cp", &world.remote("small"), &world.local("small copy")]).ends(0);
        assert!(
            world.get("small") == world.get("small copy") && on_disk(&world.path("small copy")) < 100_000
        );
    }
}

mod on_the_disk {
    use super::*;

    /// New files can be copied again; what one replaces cannot be had back.
    #[test]
    fn what_replaces_something_is_synced_first() {
        let world = World::new();
        world.put("new", b"new");
        let up = ["cp", "-v", "--on-conflict=overwrite", &world.local("new"), &world.remote("file")];
        let ran = world.wharf(&up).ends(0);
        assert!(!ran.stderr.contains("fsync"), "{}", ran.stderr);
        let ran = world.wharf(&up).ends(0).says(&["fsync@openssh.com"]);
        let (sync, close) = (ran.stderr.find("fsync"), ran.stderr.find("CLOSE"));
        assert!(sync < close, "{}", ran.stderr);
        assert_eq!(world.get("file"), b"new");
    }

    fn plant(world: &World, name: &str, files: usize) {
        for number in 0..files {
            world.put(&format!("{name}/{}/{number}", number % 3), format!("{number}").as_bytes());
        }
    }

    /// Once the source of a move is gone, what it was copied to is all there is.
    #[test]
    fn what_is_moved_is_synced_before_its_source_goes() {
        let commands = World::new();
        let none = World::with(SshdConfig {
            extra: vec!["ForceCommand internal-sftp".to_owned()],
            ..SshdConfig::default()
        });
        for (world, says, times) in [(&commands, "sync -f", 1), (&none, "fsync@openssh.com", 40)] {
            plant(world, "many", 40);
            let ran = world.wharf(&["mv", "-v", &world.local("many"), &world.remote("moved")]).ends(0);
            assert!(ran.stderr.matches(says).count() >= times, "{says}: {}", ran.stderr);
            assert!(!world.path("many").exists() && world.get("moved/1/1") == b"1");
            // Few are asked for one by one: a whole volume may have much else to write.
            plant(world, "few", 3);
            let ran = world.wharf(&["mv", "-v", &world.local("few"), &world.remote("moved too")]).ends(0);
            assert!(ran.stderr.matches("fsync@openssh.com").count() >= 3, "{}", ran.stderr);
            assert!(!ran.stderr.contains("sync -f") && !world.path("few").exists());
            // And back.
            world.wharf(&["mv", &world.remote("moved"), &world.local("here again")]).ends(0);
            assert!(!world.path("moved").exists() && world.get("here again/1/1") == b"1");
            // What is copied has a source to be copied from again.
            let ran = world.wharf(&["cp", "-rv", &world.local("here again"), &world.remote("copy")]).ends(0);
            assert!(!ran.stderr.contains("sync"), "{}", ran.stderr);
        }
    }
}

mod resume {
    use super::*;

    #[test]
    fn what_is_there_is_completed_where_it_stands() {
        let world = World::new();
        let whole = noise(3_000_001);
        world.put("from/file", &whole);
        world.put("from/other", &whole);
        for (number, to) in [world.local("here"), world.remote("there")].into_iter().enumerate() {
            let dir = ["here", "there"][number];
            world.put(&format!("{dir}/file"), &whole[..1_000_003]);
            // As long as a part, and not one.
            world.put(&format!("{dir}/other"), &noise(1_000_010)[9..]);
            let inode = fs::metadata(world.path(&format!("{dir}/file"))).unwrap().ino();
            let from = [world.remote("from"), world.local("from")][number].clone();
            let up = [
                "cp",
                "-v",
                "--verify",
                "--on-conflict=resume",
                &format!("{from}/file"),
                &format!("{from}/other"),
                &to,
            ];
            world.wharf(&up).ends(1).says(&["Could not copy", "/other", "not the beginning of the source"]);
            assert!(world.get(&format!("{dir}/file")) == whole);
            assert_eq!(
                fs::metadata(world.path(&format!("{dir}/file"))).unwrap().ino(),
                inode,
                "it stays what it is"
            );
            assert!(world.get(&format!("{dir}/other")) == noise(1_000_010)[9..]);
            assert_eq!(names(&world.path(dir)), ["file", "other"]);
            // Whole by now: nothing is left to do.
            world
                .wharf(&["cp", "-v", "--on-conflict=resume", &format!("{from}/file"), &to])
                .ends(0)
                .says(&["1 skipped"]);
        }
        // Longer than the source is no part of it.
        world.put("long", &[&whole[..], b"x"].concat());
        world
            .wharf(&["cp", "--on-conflict=resume", &world.remote("from/file"), &world.local("long")])
            .ends(1)
            .says(&["no part of it"]);
        assert_eq!(world.get("long").len(), whole.len() + 1);
    }

    #[test]
    fn over_ftp_too() {
        let world = World::new();
        let whole = noise(2_000_000);
        world.put("file", &whole);
        let server = FtpServer::start(Software::Vsftpd, FtpConfig::default());
        server.put("file", &whole[..700_000]);
        world
            .wharf(&["cp", "--on-conflict=resume", &world.local("file"), &ftp_place(&server, "file")])
            .ends(0);
        assert!(fs::read(server.root().join("file")).unwrap() == whole);
        world.put("down", &whole[..5]);
        world
            .wharf(&["cp", "--on-conflict=resume", &ftp_place(&server, "file"), &world.local("down")])
            .ends(0);
        assert!(world.get("down") == whole);
    }
}

mod changed {
    use std::{io::Write, time::Duration};

    use super::*;
    use support::program::{command, start};

    /// Begins a copy that takes a while, and does something to its source meanwhile.
    fn meanwhile(world: &World, from: &str, verb: &str, to: &str, change: impl Fn(&Path)) -> Ran {
        fs::create_dir_all(world.path(to)).unwrap();
        let arguments = [verb, "--limit", "2MiB", from, &world.local(&format!("{to}/"))];
        let mut running = start(command(&world.sshd.ssh_config(), arguments));
        let part = world.path(&format!("{to}/.file.wharf-part"));
        running.until(|| fs::metadata(&part).is_ok_and(|part| part.len() > 100_000));
        change(&world.path("file"));
        running.wait()
    }

    fn touched(path: &Path) {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(std::time::SystemTime::now() - Duration::from_secs(1000)).unwrap();
    }

    fn grown(path: &Path) {
        fs::File::options().append(true).open(path).unwrap().write_all(b"more").unwrap();
    }

    #[test]
    fn it_is_said_by_name_and_a_move_keeps_the_source() {
        let world = World::new();
        type Way = fn(&Path);
        let ways: [(&str, Way); 2] = [("touched", touched), ("grown", grown)];
        for (how, change) in ways {
            world.put("file", &noise(6 << 20));
            for verb in ["cp", "mv"] {
                let to = format!("{how} {verb}");
                meanwhile(&world, &world.remote("file"), verb, &to, change)
                    .ends(1)
                    .says(&["/file", "it changed while it was copied"]);
                assert!(world.path("file").exists(), "{how} {verb}");
                assert!(world.get(&format!("{to}/file")).len() >= 6 << 20);
            }
        }
        world.put("file", &noise(6 << 20));
        let ran =
            meanwhile(&world, &world.remote("file"), "cp", "gone", |path| fs::remove_file(path).unwrap());
        ran.ends(1).says(&["it is not there any more"]);
    }

    #[test]
    fn over_ftp_too() {
        let world = World::new();
        let server = FtpServer::start(Software::Vsftpd, FtpConfig::default());
        let file = server.put("file", &noise(6 << 20));
        meanwhile(&world, &ftp_place(&server, "file"), "cp", "down", |_| touched(&file))
            .ends(1)
            .says(&["/file", "it changed while it was copied"]);
    }
}

mod full_disk {
    use std::process::Command;

    use super::*;

    /// A volume of two mebibytes, unmounted with this.
    struct Disk(PathBuf);

    impl Disk {
        fn mount(dir: PathBuf) -> Disk {
            fs::create_dir(&dir).unwrap();
            let mounted = Command::new("mount")
                .args(["-t", "tmpfs", "-o", "size=2m,mode=777", "wharf-test"])
                .arg(&dir)
                .status();
            assert!(
                mounted.is_ok_and(|status| status.success()),
                "mounting a tmpfs needs root with CAP_SYS_ADMIN"
            );
            Disk(dir)
        }
    }

    impl Drop for Disk {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg("-l").arg(&self.0).status();
        }
    }

    #[test]
    fn of_this_machine_and_of_an_ftp_server() {
        let world = World::new();
        world.put("big", &noise(5 << 20));
        world.put("small", &noise(70_000));
        let here = Disk::mount(world.path("here"));
        world.wharf(&["cp", &world.local("big"), &world.local("here")]).ends(1).says(&[
            "big",
            "No space left on device",
            "Free some space",
        ]);
        // Nothing of it is left in the way of others.
        world.wharf(&["cp", &world.local("small"), &world.local("here")]).ends(0);
        assert_eq!(names(&here.0), ["small"]);
        for software in [Software::Vsftpd, Software::Proftpd] {
            let server = FtpServer::start(software, FtpConfig::default());
            let disk = Disk::mount(server.root().join("disk"));
            server.give(&disk.0);
            fs::write(disk.0.join("big"), "old").unwrap();
            server.give(&disk.0.join("big"));
            let place = ftp_place(&server, "disk");
            world
                .wharf(&["cp", "--on-conflict=overwrite", &world.local("big"), &place])
                .ends(1)
                .says(&["/big", "FTP reply"]);
            assert_eq!(fs::read(disk.0.join("big")).unwrap(), b"old");
            world.wharf(&["cp", &world.local("small"), &place]).ends(0);
            assert_eq!(names(&disk.0), ["big", "small"], "{software:?}");
        }
    }
}
