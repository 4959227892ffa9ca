//! Reading one regular file in order: small ones in one go, others ahead of their reader.
//! Must never read what is not a regular file: a pipe would hang and a device never end.

use std::{
    collections::VecDeque,
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use nix::libc;
use tokio::sync::mpsc;

use super::{SMALL, attributes, blocking::queued, system_path};
use crate::fs::{ByteStream, Error, ErrorKind, Operation, ReadOptions, RemotePath, Result};

/// Small enough to be still in the processor's cache when it is sent: with 512 KiB, a plain
/// connection to a near server is a fifth slower.
const CHUNK: usize = 64 << 10;
/// Chunks read ahead of whoever takes them.
const AHEAD: usize = 16;

enum Opened {
    /// All that there is from the offset on.
    Whole(Bytes),
    Large(File),
}

pub async fn read(path: &RemotePath, options: ReadOptions) -> Result<ByteStream> {
    let at = path.clone();
    let opened = queued(Operation::Open, path, move || open(&at, options.offset)).await?;
    Ok(match opened {
        Opened::Whole(bytes) if bytes.is_empty() => stream::empty().boxed(),
        Opened::Whole(bytes) => stream::iter([Ok(bytes)]).fuse().boxed(),
        Opened::Large(file) => read_ahead(file, options.offset, path.clone()),
    })
}

/// Opens a regular file for reading, and tells its size. `O_NONBLOCK` keeps a pipe without a writer from hanging;
/// it means nothing to regular files.
pub fn open_regular(path: &Path, at: &RemotePath) -> Result<(File, u64)> {
    let refuse = |error: io::Error| Error::io(Operation::Open, &error).at(at);
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC | libc::O_NOCTTY)
        .open(path)
        .map_err(refuse)?;
    let metadata = file.metadata().map_err(refuse)?;
    if metadata.is_dir() {
        return Err(Error::new(ErrorKind::IsADirectory, Operation::Open).at(at));
    }
    if !metadata.is_file() {
        let what = attributes::describe(metadata.file_type());
        return Err(Error::new(ErrorKind::Unsupported, Operation::Open).at(at).with_detail(what));
    }
    Ok((file, metadata.len()))
}

fn open(at: &RemotePath, offset: u64) -> Result<Opened> {
    let (file, size) = open_regular(system_path(at), at)?;
    let expected = size.saturating_sub(offset);
    if expected > SMALL {
        return Ok(Opened::Large(file));
    }
    let failed = |error: io::Error| Error::io(Operation::Read, &error).at(at);
    // One byte more than expected shows the end without another read; a file that grows while
    // it is read is left to the reader that does not gather.
    let mut bytes = vec![0; expected as usize + 1];
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], offset + filled as u64) {
            Ok(0) => {
                bytes.truncate(filled);
                return Ok(Opened::Whole(bytes.into()));
            }
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(Opened::Large(file))
}

/// Reads on a thread of its own. The last item that it sends is an empty chunk, so that a reader
/// that died is not taken for the end of the file.
fn read_ahead(file: File, offset: u64, path: RemotePath) -> ByteStream {
    let (chunks, taken) = mpsc::channel(AHEAD);
    let at = path.clone();
    tokio::task::spawn_blocking(move || {
        advise_sequential(&file, offset);
        if let Err(error) = send_chunks(&file, offset, &chunks) {
            // Nobody listens any more: then nobody minds.
            let _ = chunks.blocking_send(Err(Error::io(Operation::Read, &error).at(&at)));
        }
    });
    stream::unfold(Some((taken, path)), |state| async {
        let (mut taken, path) = state?;
        match taken.recv().await {
            Some(Ok(bytes)) if bytes.is_empty() => None,
            Some(Ok(bytes)) => Some((Ok(bytes), Some((taken, path)))),
            Some(Err(error)) => Some((Err(error), None)),
            None => {
                let error = Error::new(ErrorKind::Failure, Operation::Read);
                Some((Err(error.at(&path).with_detail("the reading broke off")), None))
            }
        }
    })
    .fuse()
    .boxed()
}

fn send_chunks(file: &File, mut offset: u64, chunks: &mpsc::Sender<Result<Bytes>>) -> io::Result<()> {
    let mut buffers = Buffers::default();
    loop {
        let mut buffer = buffers.take();
        let count = match file.read_at(&mut buffer, offset) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                buffers.keep(buffer.freeze());
                continue;
            }
            Err(error) => return Err(error),
        };
        let whole = buffer.freeze();
        let chunk = whole.slice(..count);
        buffers.keep(whole);
        if chunks.blocking_send(Ok(chunk)).is_err() || count == 0 {
            return Ok(());
        }
        offset += count as u64;
    }
}

/// Buffers that come back once whoever took a chunk has let go of it: fresh ones would have to
/// be zeroed and faulted in, which at hundreds of MiB/s is felt.
#[derive(Default)]
struct Buffers(VecDeque<Bytes>);

impl Buffers {
    const KEPT: usize = AHEAD + 4;

    fn take(&mut self) -> BytesMut {
        match self.0.pop_front().map(Bytes::try_into_mut) {
            Some(Ok(buffer)) => return buffer,
            Some(Err(busy)) if self.0.len() + 1 < Self::KEPT => self.0.push_front(busy),
            _ => {}
        }
        BytesMut::zeroed(CHUNK)
    }

    fn keep(&mut self, buffer: Bytes) {
        self.0.push_back(buffer);
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn advise_sequential(file: &File, offset: u64) {
    use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
    if let Ok(offset) = libc::off_t::try_from(offset) {
        // Only advice: where it is refused, reading works all the same.
        let _ = posix_fadvise(file, offset, 0, PosixFadviseAdvice::POSIX_FADV_SEQUENTIAL);
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn advise_sequential(_: &File, _: u64) {}
