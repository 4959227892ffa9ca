//! One file's copy, safe and faithful: the real program against real servers. What is promised of a
//! copy beside its bytes: that it was looked at, that nothing is lost on the way, that links, holes
//! and names of one file stay what they are.

mod support;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
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
