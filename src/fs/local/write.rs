//! Writing one file: small ones gathered and written in one go, others by a thread of their own
//! behind a bounded queue. Must never write through a symlink, nor to what is not a regular file.

use std::{
    collections::VecDeque,
    fs::{File, OpenOptions, Permissions},
    io::{self, IoSlice, Seek, SeekFrom, Write},
    os::{
        fd::OwnedFd,
        unix::fs::{OpenOptionsExt, PermissionsExt},
    },
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::{Buf, Bytes};
use nix::libc;
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinHandle,
};

use super::{
    SMALL, attributes,
    blocking::{alone, joined, queued},
    holes::{self, Holes},
    system_path,
};
use crate::fs::{Error, ErrorKind, Operation, RemotePath, Result, Sink, WriteOptions, Written};

/// Bytes that may wait for the disk, for each file.
const QUEUED: usize = 8 << 20;
/// A chunk longer than this is queued in parts, so that it does not need all of the room.
const PART: usize = 1 << 20;
/// Chunks handed to the system at once.
const GATHERED: usize = 32;

pub async fn open(path: &RemotePath, options: WriteOptions) -> Result<Box<dyn Sink>> {
    let path = path.clone();
    if options.resume.is_none() && options.expected_size.is_some_and(|size| size <= SMALL) {
        return Ok(Box::new(Gather { path, options, chunks: VecDeque::new(), len: 0, streamed: None }));
    }
    Ok(Box::new(Stream::open(path, options).await?))
}

/// Opens without `O_TRUNC`: a file is emptied only once it has been seen to be a regular one.
/// `O_NONBLOCK` keeps a pipe without a reader from hanging.
pub fn create(path: &Path, at: &RemotePath, options: &WriteOptions) -> Result<File> {
    let refuse = |error: io::Error| Error::io(Operation::Open, &error).at(at);
    let anew = options.resume.is_none();
    let mut file = OpenOptions::new()
        .write(true)
        .create(anew)
        .create_new(anew && options.exclusive)
        .mode(options.create_mode.unwrap_or(0o666) & 0o7777)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC | libc::O_NOCTTY)
        .open(path)
        .map_err(refuse)?;
    if anew && options.exclusive {
        // The umask may have taken bits away. Where a final mode follows, it does not matter.
        if let (Some(mode), None) = (options.create_mode, options.attributes.mode) {
            file.set_permissions(Permissions::from_mode(mode & 0o7777)).map_err(refuse)?;
        }
        return Ok(file);
    }
    let metadata = file.metadata().map_err(refuse)?;
    if !metadata.is_file() {
        let what = attributes::describe(metadata.file_type());
        return Err(Error::new(ErrorKind::Unsupported, Operation::Open).at(at).with_detail(what));
    }
    let keep = options.resume.unwrap_or(0);
    if metadata.len() < keep {
        return Err(Error::new(ErrorKind::Mismatch, Operation::Open)
            .at(at)
            .with_detail(format!("it has {} bytes, too few to go on from {keep}", metadata.len())));
    }
    if metadata.len() > keep {
        file.set_len(keep).map_err(refuse)?;
    }
    file.seek(SeekFrom::Start(keep)).map_err(refuse)?;
    Ok(file)
}

fn write_all(mut file: &File, chunks: &mut VecDeque<Bytes>) -> io::Result<()> {
    while !chunks.is_empty() {
        let slices: Vec<IoSlice<'_>> = chunks.iter().take(GATHERED).map(|c| IoSlice::new(c)).collect();
        let mut written = match file.write_vectored(&slices) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        while let Some(front) = chunks.front_mut() {
            let step = written.min(front.len());
            front.advance(step);
            written -= step;
            if !front.is_empty() {
                break;
            }
            chunks.pop_front();
        }
    }
    Ok(())
}

/// Sets the attributes, closes, and hears what became of it.
pub fn conclude(file: File, at: &RemotePath, options: &WriteOptions) -> Result<Written> {
    let attributes_refused = attributes::set_on(&file, &options.attributes)
        .err()
        .map(|error| Error::io(Operation::SetAttributes, &error).at(at));
    if options.sync {
        file.sync_all().map_err(|error| Error::io(Operation::Close, &error).at(at))?;
    }
    let size = file.metadata().ok().map(|m| m.len());
    // Network file systems report some failures only here.
    nix::unistd::close(OwnedFd::from(file)).map_err(|e| Error::io(Operation::Close, &e.into()).at(at))?;
    Ok(Written { size, attributes_refused })
}

/// A file that is announced as small: nothing is opened before all of it is there.
struct Gather {
    path: RemotePath,
    options: WriteOptions,
    chunks: VecDeque<Bytes>,
    len: u64,
    /// In the place of `chunks`, once there was more than announced.
    streamed: Option<Stream>,
}

#[async_trait]
impl Sink for Gather {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        if let Some(stream) = &mut self.streamed {
            return stream.write(chunk).await;
        }
        self.len += chunk.len() as u64;
        if !chunk.is_empty() {
            self.chunks.push_back(chunk);
        }
        if self.len > SMALL {
            let mut stream = Stream::open(self.path.clone(), self.options.clone()).await?;
            for chunk in self.chunks.drain(..) {
                stream.write(chunk).await?;
            }
            self.streamed = Some(stream);
        }
        Ok(())
    }

    async fn finish(&mut self) -> Result<Written> {
        if let Some(stream) = &mut self.streamed {
            return stream.finish().await;
        }
        let (path, options) = (self.path.clone(), self.options.clone());
        let mut chunks = std::mem::take(&mut self.chunks);
        let work = move || {
            let file = create(system_path(&path), &path, &options)?;
            let (mut holes, mut pieces) = (Holes::new(0), VecDeque::new());
            chunks.drain(..).for_each(|chunk| holes.take(chunk, &mut pieces));
            holes.end(&mut pieces);
            holes::carry_out(&file, &mut pieces, write_all)
                .map_err(|e| Error::io(Operation::Write, &e).at(&path))?;
            conclude(file, &path, &options)
        };
        match self.options.sync {
            true => alone(Operation::Write, &self.path, work).await,
            false => queued(Operation::Write, &self.path, work).await,
        }
    }
}

enum Order {
    Write(Bytes),
    Finish,
}

/// A file that is written by a thread of its own.
struct Stream {
    path: RemotePath,
    orders: mpsc::UnboundedSender<Order>,
    /// Counts the bytes that may still be queued; closed when the writer ends.
    room: Arc<Semaphore>,
    /// Gone once its result has been told.
    writer: Option<JoinHandle<Result<Written>>>,
    /// What the system has taken, from the start of the file.
    taken: Arc<AtomicU64>,
}

impl Stream {
    async fn open(path: RemotePath, options: WriteOptions) -> Result<Stream> {
        let at = path.clone();
        let file = queued(Operation::Open, &path, move || {
            create(system_path(&at), &at, &options).map(|file| (file, options))
        })
        .await;
        let (file, options) = file?;
        let (orders, mut received) = mpsc::unbounded_channel();
        let room = Arc::new(Semaphore::new(QUEUED));
        let (at, given_back) = (path.clone(), CloseOnDrop(room.clone()));
        let taken = Arc::new(AtomicU64::new(options.resume.unwrap_or(0)));
        let told = taken.clone();
        let writer = tokio::task::spawn_blocking(move || {
            write_ordered(file, &at, &options, &mut received, &given_back.0, &told)
        });
        Ok(Stream { path, orders, room, writer: Some(writer), taken })
    }

    async fn result(&mut self) -> Result<Written> {
        match self.writer.take() {
            Some(writer) => joined(Operation::Write, &self.path, writer).await,
            None => Err(Error::new(ErrorKind::Failure, Operation::Write)
                .at(&self.path)
                .with_detail("the writing has failed before")),
        }
    }
}

/// However the writer ends, nobody waits for room that will not come.
struct CloseOnDrop(Arc<Semaphore>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn write_ordered(
    file: File,
    at: &RemotePath,
    options: &WriteOptions,
    orders: &mut mpsc::UnboundedReceiver<Order>,
    room: &Semaphore,
    taken: &AtomicU64,
) -> Result<Written> {
    let (mut chunks, mut pieces) = (VecDeque::new(), VecDeque::new());
    let mut holes = Holes::new(options.resume.unwrap_or(0));
    loop {
        let mut finish = false;
        let mut next = orders.blocking_recv();
        while let Some(order) = next {
            match order {
                Order::Write(bytes) => chunks.push_back(bytes),
                Order::Finish => finish = true,
            }
            next = if chunks.len() < GATHERED && !finish { orders.try_recv().ok() } else { None };
        }
        if chunks.is_empty() && !finish {
            // The sink was dropped: what was written stays, and nobody hears of it.
            return Ok(Written::default());
        }
        let len = chunks.iter().map(Bytes::len).sum();
        chunks.drain(..).for_each(|chunk| holes.take(chunk, &mut pieces));
        if finish {
            holes.end(&mut pieces);
        }
        holes::carry_out(&file, &mut pieces, write_all)
            .map_err(|e| Error::io(Operation::Write, &e).at(at))?;
        // A hole that nothing follows yet is not part of the file.
        taken.store(holes.settled(), Ordering::Relaxed);
        room.add_permits(len);
        if finish {
            return conclude(file, at, options);
        }
    }
}

#[async_trait]
impl Sink for Stream {
    async fn write(&mut self, mut chunk: Bytes) -> Result<()> {
        while !chunk.is_empty() {
            let part = chunk.split_to(chunk.len().min(PART));
            let Ok(permit) = self.room.acquire_many(part.len() as u32).await else {
                return Err(self
                    .result()
                    .await
                    .err()
                    .unwrap_or_else(|| Error::new(ErrorKind::Failure, Operation::Write).at(&self.path)));
            };
            permit.forget();
            // A writer that is gone has closed the semaphore, or does so any moment: the next
            // call hears of it, or `finish`.
            let _ = self.orders.send(Order::Write(part));
        }
        Ok(())
    }

    fn acknowledged(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    async fn finish(&mut self) -> Result<Written> {
        let _ = self.orders.send(Order::Finish);
        self.result().await
    }
}
