//! The requests of SFTP version 3 (draft-ietf-secsh-filexfer-02 and OpenSSH's PROTOCOL) carried
//! out on a [`FileSystem`]. Must never know the login or the connection.
//!
//! russh-sftp hands over one request after the other and answers in that order, so nothing here
//! runs beside anything else on the same channel.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use russh_sftp::{
    extensions::{LimitsExtension, Statvfs},
    protocol::{
        Attrs, Data, ExtendedReply, File, FileAttributes, Handle, Name, OpenFlags, Packet, Status,
        StatusCode, Version,
    },
    server::{Handler, StatusReply},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    handles::{self, Listing, Open, Reading, Writing},
    wire::{self, failure, ok, reply},
};
use crate::fs::{ErrorKind, FileSystem, RemotePath, WriteOptions};

const POSIX_RENAME: &str = "posix-rename@openssh.com";
const STATVFS: &str = "statvfs@openssh.com";
const LIMITS: &str = "limits@openssh.com";
const FSYNC: &str = "fsync@openssh.com";

/// The unit in which space is told, in bytes: no more than a number to divide by.
const BLOCK: u64 = 4096;

type Answer<T> = Result<T, StatusReply>;

/// One SFTP channel.
pub struct SftpHandler {
    fs: Arc<dyn FileSystem>,
    room: Arc<Semaphore>,
    open: HashMap<String, (Open, OwnedSemaphorePermit)>,
    /// Never used twice, so that a handle that was closed is never taken for another.
    next: u64,
}

impl SftpHandler {
    pub fn new(fs: Arc<dyn FileSystem>, room: Arc<Semaphore>) -> Self {
        SftpHandler { fs, room, open: HashMap::new(), next: 0 }
    }

    fn permit(&self) -> Answer<OwnedSemaphorePermit> {
        self.room.clone().try_acquire_owned().map_err(|_| failure("too many files are open"))
    }

    fn keep(&mut self, id: u32, open: Open, permit: OwnedSemaphorePermit) -> Handle {
        let handle = self.next.to_string();
        self.next += 1;
        self.open.insert(handle.clone(), (open, permit));
        Handle { id, handle }
    }

    fn opened(&mut self, handle: &str) -> Answer<&mut Open> {
        self.open.get_mut(handle).map(|(open, _)| open).ok_or_else(|| failure("no such handle"))
    }
}

/// Relative paths start at the root: there is no other home here.
fn path(text: &str) -> RemotePath {
    RemotePath::new(text)
}

fn one_name(id: u32, name: &[u8]) -> Answer<Name> {
    let name = std::str::from_utf8(name).map_err(|_| failure("the name is not UTF-8"))?;
    let file = File { filename: name.into(), longname: name.into(), attrs: FileAttributes::empty() };
    Ok(Name { id, files: vec![file] })
}

async fn open_to_write(
    fs: Arc<dyn FileSystem>,
    path: RemotePath,
    flags: OpenFlags,
    attrs: &FileAttributes,
) -> Answer<Writing> {
    let exclusive = flags.contains(OpenFlags::CREATE | OpenFlags::EXCLUDE);
    if !exclusive {
        match fs.stat(&path).await {
            Ok(there) => {
                let keeps = !flags.contains(OpenFlags::TRUNCATE) && there.attributes.size != Some(0);
                if keeps {
                    let words = "files are written from beginning to end: open with TRUNC";
                    return Err(StatusCode::OpUnsupported.with_message(words));
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound && flags.contains(OpenFlags::CREATE) => {}
            Err(error) => return Err(reply(&error)),
        }
    }
    let options = WriteOptions {
        exclusive,
        create_mode: attrs.permissions.map(|mode| mode & 0o7777),
        ..WriteOptions::default()
    };
    let sink = fs.write(&path, options).await.map_err(|e| reply(&e))?;
    Ok(Writing::new(fs, path, sink))
}

async fn set(fs: &dyn FileSystem, path: &RemotePath, attrs: &FileAttributes) -> Answer<()> {
    if attrs.size.is_some() {
        return Err(StatusCode::OpUnsupported.with_message("the size of a file cannot be set"));
    }
    fs.set_attributes(path, &wire::wanted(attrs)).await.map_err(|e| reply(&e))
}

async fn statvfs(fs: &dyn FileSystem, path: &RemotePath) -> Answer<Statvfs> {
    let space = fs.space(path).await.map_err(|e| reply(&e))?;
    Ok(Statvfs {
        block_size: BLOCK,
        fragment_size: BLOCK,
        blocks: space.total / BLOCK,
        blocks_free: space.free / BLOCK,
        blocks_avail: space.free / BLOCK,
        inodes: 0,
        inodes_free: 0,
        inodes_avail: 0,
        fs_id: 0,
        flags: 0,
        name_max: 255,
    })
}

fn extended_reply(id: u32, body: &impl serde::Serialize) -> Answer<Packet> {
    let data = russh_sftp::ser::to_bytes(body).map_err(|error| failure(&error.to_string()))?;
    Ok(Packet::ExtendedReply(ExtendedReply { id, data: data.to_vec() }))
}

impl Handler for SftpHandler {
    type Error = StatusReply;

    fn unimplemented(&self) -> StatusReply {
        StatusCode::OpUnsupported.into()
    }

    async fn init(&mut self, _: u32, _: HashMap<String, String>) -> Answer<Version> {
        let mut version = Version::new();
        for (name, revision) in [(POSIX_RENAME, "1"), (STATVFS, "2"), (LIMITS, "1"), (FSYNC, "1")] {
            version.extensions.insert(name.into(), revision.into());
        }
        Ok(version)
    }

    async fn open(
        &mut self,
        id: u32,
        name: String,
        flags: OpenFlags,
        attrs: FileAttributes,
    ) -> Answer<Handle> {
        let permit = self.permit()?;
        let open = if flags.contains(OpenFlags::WRITE) {
            Open::Writing(open_to_write(self.fs.clone(), path(&name), flags, &attrs).await?)
        } else {
            Open::Reading(Reading::open(self.fs.clone(), path(&name)).await?)
        };
        Ok(self.keep(id, open, permit))
    }

    async fn close(&mut self, id: u32, handle: String) -> Answer<Status> {
        let (open, _permit) = self.open.remove(&handle).ok_or_else(|| failure("no such handle"))?;
        if let Open::Writing(file) = open {
            file.close().await?;
        }
        Ok(ok(id))
    }

    async fn read(&mut self, id: u32, handle: String, offset: u64, len: u32) -> Answer<Data> {
        match self.opened(&handle)? {
            Open::Reading(file) => Ok(Data { id, data: file.read(offset, len).await? }),
            _ => Err(failure("the handle is not open for reading")),
        }
    }

    async fn write(&mut self, id: u32, handle: String, offset: u64, data: Vec<u8>) -> Answer<Status> {
        match self.opened(&handle)? {
            Open::Writing(file) => file.write(offset, Bytes::from(data)).await.map(|()| ok(id)),
            _ => Err(failure("the handle is not open for writing")),
        }
    }

    async fn lstat(&mut self, id: u32, name: String) -> Answer<Attrs> {
        let entry = self.fs.lstat(&path(&name)).await.map_err(|e| reply(&e))?;
        Ok(Attrs { id, attrs: wire::attributes(&entry) })
    }

    async fn stat(&mut self, id: u32, name: String) -> Answer<Attrs> {
        let entry = self.fs.stat(&path(&name)).await.map_err(|e| reply(&e))?;
        Ok(Attrs { id, attrs: wire::attributes(&entry) })
    }

    async fn fstat(&mut self, id: u32, handle: String) -> Answer<Attrs> {
        let fs = self.fs.clone();
        let (path, written) = match self.opened(&handle)? {
            Open::Reading(file) => (&file.path, None),
            Open::Writing(file) => (&file.path, Some(file.position)),
            Open::Listing(dir) => (&dir.path, None),
        };
        let mut entry = fs.stat(path).await.map_err(|e| reply(&e))?;
        // Some of it may still be on its way to the disk.
        entry.attributes.size = written.or(entry.attributes.size);
        Ok(Attrs { id, attrs: wire::attributes(&entry) })
    }

    async fn setstat(&mut self, id: u32, name: String, attrs: FileAttributes) -> Answer<Status> {
        set(&*self.fs, &path(&name), &attrs).await.map(|()| ok(id))
    }

    async fn fsetstat(&mut self, id: u32, handle: String, attrs: FileAttributes) -> Answer<Status> {
        let at = match self.opened(&handle)? {
            Open::Writing(file) => {
                if attrs.size.is_some_and(|size| size != file.position) {
                    let words = "the size of a file cannot be set";
                    return Err(StatusCode::OpUnsupported.with_message(words));
                }
                // Data still on its way would change the time again: it is set at the end.
                file.set(wire::wanted(&attrs));
                return Ok(ok(id));
            }
            Open::Reading(file) => file.path.clone(),
            Open::Listing(dir) => dir.path.clone(),
        };
        set(&*self.fs, &at, &attrs).await.map(|()| ok(id))
    }

    async fn opendir(&mut self, id: u32, name: String) -> Answer<Handle> {
        let permit = self.permit()?;
        let path = path(&name);
        let stream = self.fs.list(&path).await.map_err(|e| reply(&e))?;
        Ok(self.keep(id, Open::Listing(Listing::new(path, stream)), permit))
    }

    async fn readdir(&mut self, id: u32, handle: String) -> Answer<Name> {
        match self.opened(&handle)? {
            Open::Listing(dir) => Ok(Name { id, files: dir.next().await? }),
            _ => Err(failure("the handle is not that of a directory")),
        }
    }

    async fn remove(&mut self, id: u32, name: String) -> Answer<Status> {
        self.fs.remove_file(&path(&name)).await.map_err(|e| reply(&e))?;
        Ok(ok(id))
    }

    async fn mkdir(&mut self, id: u32, name: String, attrs: FileAttributes) -> Answer<Status> {
        let mode = attrs.permissions.map(|mode| mode & 0o7777);
        self.fs.create_dir(&path(&name), mode).await.map_err(|e| reply(&e))?;
        Ok(ok(id))
    }

    async fn rmdir(&mut self, id: u32, name: String) -> Answer<Status> {
        self.fs.remove_dir(&path(&name)).await.map_err(|e| reply(&e))?;
        Ok(ok(id))
    }

    /// A path that leads nowhere is only tidied up: clients ask for those they are to create.
    async fn realpath(&mut self, id: u32, name: String) -> Answer<Name> {
        let asked = path(&name);
        match self.fs.canonicalize(&asked).await {
            Ok(real) => one_name(id, real.as_bytes()),
            Err(error) if error.kind() == ErrorKind::NotFound => one_name(id, asked.as_bytes()),
            Err(error) => Err(reply(&error)),
        }
    }

    /// Version 3 never replaces: that is what `posix-rename@openssh.com` is for.
    async fn rename(&mut self, id: u32, old: String, new: String) -> Answer<Status> {
        self.fs.rename(&path(&old), &path(&new), false).await.map_err(|e| reply(&e))?;
        Ok(ok(id))
    }

    async fn readlink(&mut self, id: u32, name: String) -> Answer<Name> {
        let target = self.fs.read_link(&path(&name)).await.map_err(|e| reply(&e))?;
        one_name(id, &target)
    }

    /// OpenSSH sends the target first, against the draft, and everybody follows it (PROTOCOL,
    /// section 4.1).
    async fn symlink(&mut self, id: u32, target: String, link: String) -> Answer<Status> {
        self.fs.symlink(&path(&link), target.as_bytes()).await.map_err(|e| reply(&e))?;
        Ok(ok(id))
    }

    async fn extended(&mut self, id: u32, request: String, data: Vec<u8>) -> Answer<Packet> {
        let mut data = Bytes::from(data);
        match request.as_str() {
            POSIX_RENAME => {
                let (old, new) = (wire::take_string(&mut data)?, wire::take_string(&mut data)?);
                self.fs.rename(&path(&old), &path(&new), true).await.map_err(|e| reply(&e))?;
                Ok(ok(id).into())
            }
            STATVFS => extended_reply(id, &statvfs(&*self.fs, &path(&wire::take_string(&mut data)?)).await?),
            LIMITS => extended_reply(
                id,
                &LimitsExtension {
                    max_packet_len: wire::MAX_PACKET,
                    max_read_len: wire::MAX_DATA.into(),
                    max_write_len: wire::MAX_DATA.into(),
                    max_open_handles: handles::MAX_OPEN as u64,
                },
            ),
            // The file systems behind this write through to the system, and no further.
            FSYNC => {
                self.opened(&wire::take_string(&mut data)?)?;
                Ok(ok(id).into())
            }
            _ => Err(self.unimplemented()),
        }
    }
}
