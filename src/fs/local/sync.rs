//! What was written goes to the disk: one file, or all of a volume at once. Writes nothing itself.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
};

use nix::libc;

use super::{blocking::alone, system_path};
use crate::fs::{Error, Operation, RemotePath, Result};

/// A link in the place of what was written is not what was written.
fn open(path: &RemotePath) -> io::Result<File> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC | libc::O_NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags).open(system_path(path))
}

/// The file, and the directory that has its name.
pub async fn file(path: &RemotePath) -> Result<()> {
    let at = path.clone();
    let work = move || {
        let sync = || -> io::Result<()> {
            open(&at)?.sync_all()?;
            match at.parent() {
                Some(parent) => File::open(system_path(&parent))?.sync_all(),
                None => Ok(()),
            }
        };
        sync().map_err(|error| Error::io(Operation::Close, &error).at(&at))
    };
    alone(Operation::Close, path, work).await
}

/// Every volume that one of the directories is on, once: syncfs(2), which tells of what could not be
/// written since Linux 5.8.
#[cfg(target_os = "linux")]
pub async fn volumes(dirs: &[RemotePath]) -> Result<()> {
    use std::{
        collections::BTreeSet,
        os::{fd::AsFd, unix::fs::MetadataExt},
    };
    let Some(first) = dirs.first().cloned() else { return Ok(()) };
    let dirs = dirs.to_vec();
    let work = move || {
        let mut done = BTreeSet::new();
        let mut sync = |dir: &RemotePath| -> io::Result<()> {
            let file = File::open(system_path(dir))?;
            if done.insert(file.metadata()?.dev()) {
                nix::unistd::syncfs(file.as_fd())?;
            }
            Ok(())
        };
        for dir in dirs {
            sync(&dir).map_err(|error| Error::io(Operation::Close, &error).at(&dir))?;
        }
        Ok(())
    };
    alone(Operation::Close, &first, work).await
}

/// Other systems have no call that waits until it is done.
#[cfg(not(target_os = "linux"))]
pub async fn volumes(_: &[RemotePath]) -> Result<()> {
    Err(Error::new(crate::fs::ErrorKind::Unsupported, Operation::Close))
}
