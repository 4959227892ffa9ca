//! This machine's files as a [`FileSystem`]: paths are the system's own bytes, and every system
//! call runs on a blocking thread. Must never touch the network or know who copies what.

mod attributes;
mod blocking;
mod command;
mod holes;
mod list;
mod read;
mod sync;
mod within;
mod write;

use std::{
    ffi::OsStr,
    fs, io,
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    },
    path::Path,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use nix::{errno::Errno, libc};

use super::{
    Algorithm, Attributes, ByteStream, Capabilities, Checksum, Entry, EntryStream, Error, ErrorKind,
    FileSystem, FsId, Operation, OutputStream, OwnerNames, Pace, Principal, ReadOptions, RemotePath, Result,
    Sink, Space, WriteOptions, Written,
};
use attributes::Owners;
use blocking::{alone, brief};

/// A file up to this many bytes is read, and one announced to be no longer is written, in one
/// go on one blocking thread: with thousands of small files the thread changes are what costs.
const SMALL: u64 = 1 << 20;

/// The file system of this machine.
pub struct Local {
    id: FsId,
    owners: Arc<Owners>,
}

impl Local {
    pub fn new() -> Self {
        Local { id: FsId::local(), owners: Arc::new(Owners::default()) }
    }

    async fn entry(&self, path: &RemotePath, follow: bool) -> Result<Entry> {
        let owners = self.owners.clone();
        let name: Box<[u8]> = path.name().unwrap_or(b"/").into();
        brief(Operation::Stat, path, move |path| attributes::entry(path, name, follow, &owners)).await
    }
}

impl Default for Local {
    fn default() -> Self {
        Self::new()
    }
}

/// The path as the system takes it.
fn system_path(path: &RemotePath) -> &Path {
    Path::new(OsStr::from_bytes(path.as_bytes()))
}

#[async_trait]
impl FileSystem for Local {
    fn id(&self) -> &FsId {
        &self.id
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            atomic_replace: true,
            symlinks: true,
            hard_links: true,
            copy_within: true,
            checksums: true,
            commands: true,
            owners: true,
            modes: true,
            times: true,
            time_precision: Duration::from_nanos(1),
            parallel_files: 64,
            remote: false,
            written_in_order: false,
        }
    }

    async fn list(&self, path: &RemotePath) -> Result<EntryStream> {
        list::list(path, self.owners.clone()).await
    }

    async fn stat(&self, path: &RemotePath) -> Result<Entry> {
        self.entry(path, true).await
    }

    async fn lstat(&self, path: &RemotePath) -> Result<Entry> {
        self.entry(path, false).await
    }

    async fn read(&self, path: &RemotePath, options: ReadOptions) -> Result<ByteStream> {
        read::read(path, options).await
    }

    async fn write(&self, path: &RemotePath, options: WriteOptions) -> Result<Box<dyn Sink>> {
        write::open(path, options).await
    }

    async fn create_dir(&self, path: &RemotePath, mode: Option<u32>) -> Result<()> {
        brief(Operation::CreateDir, path, move |path| create_dir(path, mode)).await
    }

    async fn remove_file(&self, path: &RemotePath) -> Result<()> {
        brief(Operation::RemoveFile, path, |path| {
            fs::remove_file(path).map_err(|error| {
                // POSIX says EPERM for a directory, Linux EISDIR.
                let is_dir = || fs::symlink_metadata(path).is_ok_and(|m| m.is_dir());
                match error.raw_os_error() {
                    Some(libc::EPERM) if is_dir() => io::Error::from_raw_os_error(libc::EISDIR),
                    _ => error,
                }
            })
        })
        .await
    }

    async fn remove_dir(&self, path: &RemotePath) -> Result<()> {
        brief(Operation::RemoveDir, path, |path| fs::remove_dir(path)).await
    }

    async fn rename(&self, from: &RemotePath, to: &RemotePath, replace: bool) -> Result<()> {
        let target = to.clone();
        if !replace {
            return brief(Operation::Rename, from, move |from| {
                rename_without_replacing(from, system_path(&target))
            })
            .await;
        }
        let source = from.clone();
        alone(Operation::Rename, from, move || {
            let to = system_path(&target);
            fs::rename(system_path(&source), to)
                .map_err(|error| Error::io(Operation::Rename, &error).at(&source))?;
            // So that after a power cut either name leads to the whole of a file. It is done either way.
            if let Some(dir) = to.parent().and_then(|dir| fs::File::open(dir).ok()) {
                let _ = dir.sync_all();
            }
            Ok(())
        })
        .await
    }

    async fn set_attributes(&self, path: &RemotePath, attributes: &Attributes) -> Result<()> {
        let attributes = attributes.clone();
        brief(Operation::SetAttributes, path, move |path| attributes::set_at(path, &attributes)).await
    }

    async fn symlink(&self, path: &RemotePath, target: &[u8]) -> Result<()> {
        let target = target.to_vec();
        brief(Operation::Symlink, path, move |path| {
            std::os::unix::fs::symlink(OsStr::from_bytes(&target), path)
        })
        .await
    }

    async fn read_link(&self, path: &RemotePath) -> Result<Vec<u8>> {
        brief(Operation::ReadLink, path, |path| {
            fs::read_link(path).map(|target| target.into_os_string().into_vec())
        })
        .await
    }

    async fn set_link_attributes(&self, path: &RemotePath, attributes: &Attributes) -> Result<()> {
        let attributes = attributes.clone();
        let set = move |path: &Path| attributes::set_on_link(path, &attributes);
        brief(Operation::SetAttributes, path, set).await
    }

    async fn hard_link(&self, path: &RemotePath, to: &RemotePath) -> Result<()> {
        let to = to.clone();
        brief(Operation::HardLink, path, move |path| fs::hard_link(path, system_path(&to))).await
    }

    async fn copy_within(
        &self,
        from: &RemotePath,
        to: &RemotePath,
        options: WriteOptions,
        pace: &dyn Pace,
    ) -> Result<Written> {
        within::copy(from, to, options, pace).await
    }

    async fn sync_volumes(&self, dirs: &[RemotePath]) -> Result<()> {
        sync::volumes(dirs).await
    }

    async fn sync_file(&self, path: &RemotePath) -> Result<()> {
        sync::file(path).await
    }

    async fn checksum(&self, path: &RemotePath, algorithm: Algorithm) -> Result<Checksum> {
        within::checksum(path, algorithm).await
    }

    async fn execute(&self, dir: &RemotePath, command: &[u8]) -> Result<OutputStream> {
        command::execute(dir, command)
    }

    async fn owner_id(&self, principal: Principal, name: &str) -> Result<u32> {
        let owner = name.to_owned();
        let found = tokio::task::spawn_blocking(move || attributes::id_of(principal, &owner)).await;
        match found {
            Ok(Some(id)) => Ok(id),
            _ => Err(Error::new(ErrorKind::NotFound, Operation::FindOwner).on(name)),
        }
    }

    async fn owner_names(&self, uid: Option<u32>, gid: Option<u32>) -> OwnerNames {
        let owners = self.owners.clone();
        tokio::task::spawn_blocking(move || owners.names(uid, gid)).await.unwrap_or_default()
    }

    async fn canonicalize(&self, path: &RemotePath) -> Result<RemotePath> {
        brief(Operation::Canonicalize, path, |path| {
            fs::canonicalize(path).map(|real| RemotePath::new(real.as_os_str().as_bytes()))
        })
        .await
    }

    async fn space(&self, path: &RemotePath) -> Result<Space> {
        brief(Operation::Space, path, |path| {
            let volume = nix::sys::statvfs::statvfs(path)?;
            // The widths of these types differ between systems.
            #[allow(clippy::unnecessary_cast)]
            let (unit, free, total) =
                (volume.fragment_size() as u64, volume.blocks_available() as u64, volume.blocks() as u64);
            Ok(Space { free: free.saturating_mul(unit), total: total.saturating_mul(unit) })
        })
        .await
    }
}

fn create_dir(path: &Path, mode: Option<u32>) -> io::Result<()> {
    let Some(mode) = mode.map(|m| m & 0o7777) else { return fs::create_dir(path) };
    // The owner's bits make it possible to open the new directory and so to set the exact mode
    // on it, whatever the umask, without following a link that somebody put in its place.
    fs::DirBuilder::new().mode(mode | 0o700).create(path)?;
    let dir = fs::OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_CLOEXEC)
        .open(path)?;
    dir.set_permissions(fs::Permissions::from_mode(mode))
}

fn rename_without_replacing(from: &Path, to: &Path) -> io::Result<()> {
    match rename_noreplace(from, to) {
        Err(Errno::EINVAL | Errno::ENOSYS | Errno::ENOTSUP) => {}
        other => return Ok(other?),
    }
    rename_by_linking(from, to)
}

/// For systems and file systems that cannot rename without replacing.
fn rename_by_linking(from: &Path, to: &Path) -> io::Result<()> {
    // A hard link is refused where its name is taken, in one step. Not every file can be
    // linked, and directories never can: those are left with a look before the rename, which
    // can at worst replace what appeared in between.
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        Err(_) => match fs::symlink_metadata(to) {
            Ok(_) => Err(io::Error::from_raw_os_error(libc::EEXIST)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs::rename(from, to),
            Err(error) => Err(error),
        },
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn rename_noreplace(from: &Path, to: &Path) -> nix::Result<()> {
    use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
    renameat2(AT_FDCWD, from, AT_FDCWD, to, RenameFlags::RENAME_NOREPLACE)
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn rename_noreplace(_: &Path, _: &Path) -> nix::Result<()> {
    Err(Errno::ENOSYS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::{sys::stat::Mode, unistd::mkfifo};

    fn place() -> (tempfile::TempDir, RemotePath) {
        let dir = tempfile::tempdir().unwrap();
        let root = RemotePath::new(dir.path().as_os_str().as_bytes());
        (dir, root)
    }

    /// Opening a pipe waits for its other end, and reading a device need not end.
    #[tokio::test]
    async fn pipes_and_devices_are_refused_at_once() {
        let (dir, root) = place();
        mkfifo(&dir.path().join("pipe"), Mode::from_bits_truncate(0o600)).unwrap();
        let local = Local::new();
        let refused = |error: Error| assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        for path in [root.join(b"pipe"), RemotePath::new("/dev/zero")] {
            refused(local.read(&path, ReadOptions::default()).await.err().unwrap());
        }
        let written = local.write(&root.join(b"pipe"), WriteOptions::default()).await;
        // Nobody reads at the other end: the system itself says so (ENXIO).
        assert!(written.is_err());
        assert_eq!(local.lstat(&root.join(b"pipe")).await.unwrap().kind, crate::fs::Kind::Other);
    }

    /// Where renameat2 is not to be had.
    #[test]
    fn the_fall_back_does_not_replace_either() {
        let (dir, _) = place();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("a"), "a").unwrap();
        fs::write(at("b"), "b").unwrap();
        fs::create_dir(at("dir")).unwrap();
        for (from, to) in [("a", "b"), ("a", "dir"), ("dir", "a")] {
            let error = rename_by_linking(&at(from), &at(to)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{from} {to}");
        }
        rename_by_linking(&at("a"), &at("c")).unwrap();
        rename_by_linking(&at("dir"), &at("moved")).unwrap();
        assert!(!at("a").exists() && at("c").is_file() && !at("dir").exists() && at("moved").is_dir());
    }
}
