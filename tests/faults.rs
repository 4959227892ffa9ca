//! What happens to a transfer when its connection, its program or its source fails: with the real
//! program and real servers. Either the old file or the new one is there, what was interrupted goes
//! on, and in the end nothing is left behind.

#[path = "faults/attacks.rs"]
mod attacks;
#[path = "faults/cuts.rs"]
mod cuts;
#[path = "faults/disks.rs"]
mod disks;
#[path = "faults/far.rs"]
mod far;
#[path = "faults/kills.rs"]
mod kills;
#[path = "faults/moves.rs"]
mod moves;
#[path = "faults/odd.rs"]
mod odd;
#[path = "faults/proxy.rs"]
mod proxy;
#[path = "faults/sources.rs"]
mod sources;
#[path = "faults/stalls.rs"]
mod stalls;
mod support;

use std::{
    ffi::OsString,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::Command,
};

use support::program;

/// A wharf with a memory of its own.
struct World {
    dir: tempfile::TempDir,
    config: PathBuf,
}

impl World {
    fn new(config: PathBuf) -> World {
        let dir = tempfile::Builder::new().prefix("wharf-faults-").tempdir().unwrap();
        World { dir, config }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, arguments: &[OsString]) -> Command {
        let mut command = program::command(&self.config, arguments);
        command.env("XDG_STATE_HOME", self.path("state"));
        command
    }

    #[track_caller]
    fn wharf(&self, arguments: &[&str]) -> program::Ran {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        program::start(self.command(&arguments)).wait()
    }

    /// Names of the records that are kept.
    fn records(&self) -> Vec<PathBuf> {
        let dir = fs::read_dir(self.path("state/wharf/jobs"));
        dir.into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
    }
}

/// Bytes that repeat nowhere: a block in the wrong place shows.
fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// Everything below, with its content; the names of parts of files.
fn tree(root: &Path) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    let mut found = Vec::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_owned();
            if path.is_dir() {
                found.push((name, None));
                waiting.push(path);
            } else {
                found.push((name, Some(fs::read(&path).unwrap())));
            }
        }
    }
    found.sort();
    found
}

#[track_caller]
fn assert_no_strays(root: &Path) {
    for (path, _) in tree(root) {
        assert!(!path.as_os_str().as_bytes().ends_with(b".wharf-part"), "{path:?} is left");
    }
}
