//! Between the system's metadata and [`Entry`]: reading attributes, setting them, and the names
//! of owners. Must never open a file's data.

use std::{
    collections::HashMap,
    fs::{self, File, Metadata},
    io,
    os::unix::{
        ffi::OsStringExt,
        fs::{FileTypeExt, MetadataExt, PermissionsExt},
    },
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use nix::{
    fcntl::AT_FDCWD,
    sys::{
        stat::{UtimensatFlags, futimens, utimensat},
        time::TimeSpec,
    },
    unistd::{Gid, Group, Uid, User},
};

use crate::fs::{Attributes, Entry, Kind, OwnerNames, Principal, Timestamp, entry::special_of};

/// Names of users and groups, asked of the system once each: behind a lookup there may be a
/// directory server far away.
#[derive(Default)]
pub struct Owners {
    users: Mutex<HashMap<u32, Option<Arc<str>>>>,
    groups: Mutex<HashMap<u32, Option<Arc<str>>>>,
}

impl Owners {
    fn user(&self, uid: u32) -> Option<Arc<str>> {
        remembered(&self.users, uid, |uid| {
            User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|u| u.name.into())
        })
    }

    fn group(&self, gid: u32) -> Option<Arc<str>> {
        remembered(&self.groups, gid, |gid| {
            Group::from_gid(Gid::from_raw(gid)).ok().flatten().map(|g| g.name.into())
        })
    }

    pub fn names(&self, uid: Option<u32>, gid: Option<u32>) -> OwnerNames {
        OwnerNames { owner: uid.and_then(|uid| self.user(uid)), group: gid.and_then(|gid| self.group(gid)) }
    }
}

/// The number of a user or group.
pub fn id_of(principal: Principal, name: &str) -> Option<u32> {
    match principal {
        Principal::User => User::from_name(name).ok().flatten().map(|user| user.uid.as_raw()),
        Principal::Group => Group::from_name(name).ok().flatten().map(|group| group.gid.as_raw()),
    }
}

fn remembered(
    names: &Mutex<HashMap<u32, Option<Arc<str>>>>,
    id: u32,
    look_up: impl FnOnce(u32) -> Option<Arc<str>>,
) -> Option<Arc<str>> {
    if let Some(name) = names.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
        return name.clone();
    }
    let name = look_up(id);
    names.lock().unwrap_or_else(PoisonError::into_inner).insert(id, name.clone());
    name
}

pub fn kind(file_type: fs::FileType) -> Kind {
    if file_type.is_file() {
        Kind::File
    } else if file_type.is_dir() {
        Kind::Dir
    } else if file_type.is_symlink() {
        Kind::Symlink
    } else {
        Kind::Other
    }
}

/// What a file that is neither regular nor a directory is, for messages.
pub fn describe(file_type: fs::FileType) -> &'static str {
    if file_type.is_fifo() {
        "a named pipe, not a regular file"
    } else if file_type.is_socket() {
        "a socket, not a regular file"
    } else {
        "a device, not a regular file"
    }
}

/// The entry for what stands at `path`.
pub fn entry(path: &Path, name: Box<[u8]>, follow: bool, owners: &Owners) -> io::Result<Entry> {
    let metadata = if follow { fs::metadata(path)? } else { fs::symlink_metadata(path)? };
    Ok(from_metadata(path, name, &metadata, owners))
}

pub fn from_metadata(path: &Path, name: Box<[u8]>, metadata: &Metadata, owners: &Owners) -> Entry {
    let mut entry = Entry::new(name, kind(metadata.file_type()));
    entry.attributes = Attributes {
        size: Some(metadata.len()),
        mtime: Some(timestamp(metadata.mtime(), metadata.mtime_nsec())),
        atime: Some(timestamp(metadata.atime(), metadata.atime_nsec())),
        mode: Some(metadata.mode() & 0o7777),
        uid: Some(metadata.uid()),
        gid: Some(metadata.gid()),
    };
    entry.special = special_of(metadata.mode());
    entry.owner = owners.user(metadata.uid());
    entry.group = owners.group(metadata.gid());
    if entry.kind == Kind::File && metadata.nlink() > 1 {
        entry.identity = Some((metadata.dev(), metadata.ino()));
    }
    if entry.kind == Kind::Symlink {
        entry.target = fs::read_link(path).ok().map(|t| t.into_os_string().into_vec().into());
        entry.target_kind = fs::metadata(path).ok().map(|m| kind(m.file_type()));
    }
    entry
}

fn timestamp(seconds: i64, nanos: i64) -> Timestamp {
    Timestamp { seconds, nanos: u32::try_from(nanos).unwrap_or(0) }
}

/// The pair that utimensat(2) takes; `None` where neither time is to be set.
fn times(attributes: &Attributes) -> Option<(TimeSpec, TimeSpec)> {
    if attributes.mtime.is_none() && attributes.atime.is_none() {
        return None;
    }
    let spec = |time: Option<Timestamp>| match time {
        Some(time) => TimeSpec::new(time.seconds, time.nanos.into()),
        None => TimeSpec::UTIME_OMIT,
    };
    Some((spec(attributes.atime), spec(attributes.mtime)))
}

/// Sets what is `Some` on the file that `path` leads to; the first failure ends it. The owner
/// goes first, as a change of owner clears set-id bits.
pub fn set_at(path: &Path, attributes: &Attributes) -> io::Result<()> {
    if attributes.uid.is_some() || attributes.gid.is_some() {
        std::os::unix::fs::chown(path, attributes.uid, attributes.gid)?;
    }
    if let Some(mode) = attributes.mode {
        fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o7777))?;
    }
    if let Some((atime, mtime)) = times(attributes) {
        utimensat(AT_FDCWD, path, &atime, &mtime, UtimensatFlags::FollowSymlink)?;
    }
    Ok(())
}

/// Sets what is `Some` on what is at `path` itself. A symlink's permissions mean nothing, and most
/// systems do not let them be set.
pub fn set_on_link(path: &Path, attributes: &Attributes) -> io::Result<()> {
    if !fs::symlink_metadata(path)?.is_symlink() {
        return set_at(path, attributes);
    }
    if attributes.uid.is_some() || attributes.gid.is_some() {
        std::os::unix::fs::lchown(path, attributes.uid, attributes.gid)?;
    }
    if attributes.mode.is_some() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    if let Some((atime, mtime)) = times(attributes) {
        utimensat(AT_FDCWD, path, &atime, &mtime, UtimensatFlags::NoFollowSymlink)?;
    }
    Ok(())
}

/// Sets what is `Some` on an open file. Each is tried; the first failure is told.
pub fn set_on(file: &File, attributes: &Attributes) -> io::Result<()> {
    let owner = match (attributes.uid, attributes.gid) {
        (None, None) => Ok(()),
        (uid, gid) => std::os::unix::fs::fchown(file, uid, gid),
    };
    let mode = match attributes.mode {
        None => Ok(()),
        Some(mode) => file.set_permissions(fs::Permissions::from_mode(mode & 0o7777)),
    };
    let times = match times(attributes) {
        None => Ok(()),
        Some((atime, mtime)) => futimens(file, &atime, &mtime).map_err(io::Error::from),
    };
    owner.and(mode).and(times)
}
