//! What a client has open: files being read, files being written, listings. Brings the offsets
//! of SFTP's READ and WRITE and the ordered streams of a file system together. Must never know
//! how requests travel.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use bytes::{Buf, Bytes};
use chrono::Utc;
use futures::{StreamExt, stream::Fuse};
use russh_sftp::{
    protocol::{File, StatusCode},
    server::StatusReply,
};

use super::wire;
use crate::fs::{
    Attributes, ByteStream, Entry, EntryStream, ErrorKind, FileSystem, ReadOptions, RemotePath, Sink,
};

/// Open files and listings of all connections together. Behind a file there may be a thread.
pub const MAX_OPEN: usize = 256;
/// Bytes of one file that may wait for those in front of them.
const WRITE_AHEAD: usize = 8 << 20;
/// A READ that starts this far behind the last one's end is reached by reading on.
const SKIPPED: u64 = 1 << 20;
/// Names in one reply.
const NAMES: usize = 150;

pub enum Open {
    Reading(Reading),
    Writing(Writing),
    Listing(Listing),
}

pub struct Reading {
    fs: Arc<dyn FileSystem>,
    pub path: RemotePath,
    /// Asked again after its end, by clients that read on until they are told of it.
    stream: Fuse<ByteStream>,
    /// Where the next byte of `rest`, or of the stream, stands in the file.
    position: u64,
    rest: Bytes,
}

impl Reading {
    pub async fn open(fs: Arc<dyn FileSystem>, path: RemotePath) -> Result<Self, StatusReply> {
        let stream = fs.read(&path, ReadOptions::default()).await.map_err(|e| wire::reply(&e))?;
        Ok(Reading { fs, path, stream: stream.fuse(), position: 0, rest: Bytes::new() })
    }

    /// Up to `len` bytes from `offset`; fewer only at the end of the file.
    pub async fn read(&mut self, offset: u64, len: u32) -> Result<Vec<u8>, StatusReply> {
        let len = len.min(wire::MAX_DATA) as usize;
        if offset.checked_sub(self.position).is_none_or(|ahead| ahead > SKIPPED) {
            let options = ReadOptions { offset, expected_size: None };
            self.stream = self.fs.read(&self.path, options).await.map_err(|e| wire::reply(&e))?.fuse();
            self.position = offset;
            self.rest = Bytes::new();
        }
        let mut data = Vec::with_capacity(len);
        while data.len() < len && self.fill().await? {
            let skip = (offset + data.len() as u64 - self.position).min(self.rest.len() as u64) as usize;
            self.rest.advance(skip);
            let part = self.rest.split_to(self.rest.len().min(len - data.len()));
            self.position += (skip + part.len()) as u64;
            data.extend_from_slice(&part);
        }
        if data.is_empty() && len > 0 { Err(StatusCode::Eof.into()) } else { Ok(data) }
    }

    /// Whether there is a next byte.
    async fn fill(&mut self) -> Result<bool, StatusReply> {
        while self.rest.is_empty() {
            match self.stream.next().await {
                Some(Ok(chunk)) => self.rest = chunk,
                Some(Err(error)) => return Err(wire::reply(&error)),
                None => return Ok(false),
            }
        }
        Ok(true)
    }
}

pub struct Writing {
    fs: Arc<dyn FileSystem>,
    pub path: RemotePath,
    sink: Box<dyn Sink>,
    pub position: u64,
    /// Data for behind `position`, by offset.
    ahead: BTreeMap<u64, Bytes>,
    ahead_len: usize,
    /// To be set once the file is whole.
    attributes: Attributes,
}

impl Writing {
    pub fn new(fs: Arc<dyn FileSystem>, path: RemotePath, sink: Box<dyn Sink>) -> Self {
        let (ahead, attributes) = (BTreeMap::new(), Attributes::default());
        Writing { fs, path, sink, position: 0, ahead, ahead_len: 0, attributes }
    }

    pub async fn write(&mut self, offset: u64, data: Bytes) -> Result<(), StatusReply> {
        if data.is_empty() {
            return Ok(());
        }
        if offset < self.position || self.ahead.contains_key(&offset) {
            return Err(wire::failure(
                "files are written from beginning to end: this part is written already",
            ));
        }
        if offset > self.position {
            if self.ahead_len + data.len() > WRITE_AHEAD {
                return Err(wire::failure(
                    "files are written from beginning to end: this part is too far ahead",
                ));
            }
            self.ahead_len += data.len();
            self.ahead.insert(offset, data);
            return Ok(());
        }
        self.append(data).await?;
        while let Some(next) = self.ahead.first_entry().filter(|next| *next.key() <= self.position) {
            if *next.key() < self.position {
                return Err(wire::failure("two writes overlap"));
            }
            let data = next.remove();
            self.ahead_len -= data.len();
            self.append(data).await?;
        }
        Ok(())
    }

    async fn append(&mut self, data: Bytes) -> Result<(), StatusReply> {
        let len = data.len() as u64;
        self.sink.write(data).await.map_err(|e| wire::reply(&e))?;
        self.position += len;
        Ok(())
    }

    /// Remembers what to set; later requests win.
    pub fn set(&mut self, new: Attributes) {
        let old = &mut self.attributes;
        *old = Attributes {
            size: None,
            mtime: new.mtime.or(old.mtime),
            atime: new.atime.or(old.atime),
            mode: new.mode.or(old.mode),
            uid: new.uid.or(old.uid),
            gid: new.gid.or(old.gid),
        };
    }

    pub async fn close(mut self) -> Result<(), StatusReply> {
        let whole = self.ahead.is_empty();
        self.sink.finish().await.map_err(|e| wire::reply(&e))?;
        if !whole {
            return Err(wire::failure("a part of the file was never written"));
        }
        if self.attributes != Attributes::default() {
            self.fs.set_attributes(&self.path, &self.attributes).await.map_err(|e| wire::reply(&e))?;
        }
        Ok(())
    }
}

pub struct Listing {
    pub path: RemotePath,
    stream: Fuse<EntryStream>,
    rest: VecDeque<Entry>,
}

impl Listing {
    pub fn new(path: RemotePath, stream: EntryStream) -> Self {
        Listing { path, stream: stream.fuse(), rest: VecDeque::new() }
    }

    /// The next names, never none.
    pub async fn next(&mut self) -> Result<Vec<File>, StatusReply> {
        let now = Utc::now();
        let mut names = Vec::new();
        loop {
            while let Some(entry) = self.rest.pop_front() {
                match wire::name(&entry, now) {
                    Some(name) => names.push(name),
                    None => {
                        let name = String::from_utf8_lossy(&entry.name);
                        tracing::warn!(dir = %self.path, %name, "left out: the name is not UTF-8");
                    }
                }
                if names.len() == NAMES {
                    return Ok(names);
                }
            }
            if !names.is_empty() {
                return Ok(names);
            }
            match self.stream.next().await {
                Some(Ok(batch)) => self.rest = batch.into(),
                Some(Err(error)) if error.kind() == ErrorKind::InvalidName => {
                    tracing::warn!(dir = %self.path, %error, "left out");
                }
                Some(Err(error)) => return Err(wire::reply(&error)),
                None => return Err(StatusCode::Eof.into()),
            }
        }
    }
}
