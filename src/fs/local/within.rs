//! What this machine does with a file's bytes without handing them over: copying within itself,
//! and checksums. Must never touch what is not a regular file.

use std::{
    fs::File,
    io,
    os::unix::fs::{FileExt, MetadataExt},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{mpsc, oneshot};

use super::{blocking::alone, holes, read::open_regular, system_path, write};
use crate::fs::{
    Algorithm, Checksum, Error, ErrorKind, Operation, Pace, RemotePath, Result, WriteOptions, Written, sum,
};

/// Bytes that the system is asked to copy at a time: between two of these a copy can be
/// cancelled, and how far it is shows.
const PIECE: u64 = 16 << 20;

/// Bytes at a time where the system does not copy by itself.
const BLOCK: usize = 512 << 10;

/// A piece that the thread would copy next, and who lets it.
type Ask = (u64, oneshot::Sender<u64>);

/// How often a copy's progress is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Tells the thread that does the work to stop, when nobody waits for it any more.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub async fn copy(
    from: &RemotePath,
    to: &RemotePath,
    options: WriteOptions,
    pace: &dyn Pace,
) -> Result<Written> {
    let stop = Stop(Arc::default());
    let done = Arc::new(AtomicU64::new(0));
    // A small file needs to ask no more.
    let first = pace.piece(options.expected_size.unwrap_or(PIECE).clamp(1, PIECE));
    pace.pass(first).await;
    let (asks, mut asked) = mpsc::unbounded_channel::<Ask>();
    let work = {
        let (from, to, stop, done) = (from.clone(), to.clone(), stop.0.clone(), done.clone());
        let mut leave = Leave { left: first, asks };
        move || copy_all(&from, &to, &options, &stop, &done, &mut leave)
    };
    let joining = alone(Operation::CopyWithin, from, work);
    let letting = async {
        while let Some((most, let_go)) = asked.recv().await {
            let piece = pace.piece(most);
            pace.pass(piece).await;
            let _ = let_go.send(piece);
        }
        std::future::pending::<()>().await
    };
    tokio::pin!(joining, letting);
    let mut told = 0;
    let mut tell = || {
        let now = done.load(Ordering::Relaxed);
        pace.moved(now - told);
        told = now;
    };
    loop {
        tokio::select! {
            biased;
            written = &mut joining => {
                tell();
                return written;
            }
            () = &mut letting => {}
            () = tokio::time::sleep(LOOK) => tell(),
        }
    }
}

/// What the thread may copy before it has to ask again.
struct Leave {
    left: u64,
    asks: mpsc::UnboundedSender<Ask>,
}

impl Leave {
    /// How much of `most` may be copied now; `None` where nobody waits for it any more.
    fn of(&mut self, most: u64) -> Option<u64> {
        if self.left == 0 {
            let (let_go, leave) = oneshot::channel();
            self.asks.send((most, let_go)).ok()?;
            self.left = leave.blocking_recv().ok()?.max(1);
        }
        Some(self.left.min(most))
    }
}

fn copy_all(
    from: &RemotePath,
    to: &RemotePath,
    options: &WriteOptions,
    stop: &AtomicBool,
    done: &AtomicU64,
    leave: &mut Leave,
) -> Result<Written> {
    let (source, size) = open_regular(system_path(from), from)?;
    let stopped = || Error::new(ErrorKind::Cancelled, Operation::CopyWithin).at(from);
    let failed_on = |path: &RemotePath, error: io::Error| Error::io(Operation::CopyWithin, &error).at(path);
    // Blocks of 512 bytes, whatever the volume's are: stat(2).
    let has_holes = source.metadata().is_ok_and(|metadata| metadata.blocks().saturating_mul(512) < size);
    let mut data_ends = if has_holes { 0 } else { u64::MAX };
    let target = write::create(system_path(to), to, options)?;
    let failed = |error: io::Error| failed_on(to, error);
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(stopped());
        }
        let offset = done.load(Ordering::Relaxed);
        if offset >= data_ends {
            match holes::next_data(&source, offset).map_err(|error| failed_on(from, error))? {
                Some(start) => {
                    done.store(start, Ordering::Relaxed);
                    data_ends = holes::next_hole(&source, start);
                }
                None => {
                    let end = source.metadata().map_err(|error| failed_on(from, error))?.len().max(offset);
                    target.set_len(end).map_err(failed)?;
                    done.store(end, Ordering::Relaxed);
                    // What comes behind that has only just been written.
                    data_ends = u64::MAX;
                }
            }
            continue;
        }
        let most = PIECE.min(data_ends - offset);
        // What is behind the end that the file had is mostly nothing.
        let most = if offset < size { leave.of(most).ok_or_else(stopped)? } else { most };
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let count = match piece(&source, &target, offset, most) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // Between two kinds of volume, or on one that has no such call.
            Err(error) if wants_bytes(&error) => block(&source, &target, offset, most).map_err(failed)?,
            Err(error) => return Err(failed(error)),
        };
        if count == 0 {
            return write::conclude(target, to, options);
        }
        leave.left = leave.left.saturating_sub(count as u64);
        done.fetch_add(count as u64, Ordering::Relaxed);
    }
}

fn wants_bytes(error: &io::Error) -> bool {
    use nix::libc::{EBADF, EINVAL, ENOSYS, ENOTSUP, EPERM, EXDEV};
    matches!(error.raw_os_error(), Some(EXDEV | EINVAL | ENOSYS | ENOTSUP | EPERM | EBADF))
}

/// Lets the system copy; where the volume can, source and target share the blocks.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn piece(source: &File, target: &File, offset: u64, most: usize) -> io::Result<usize> {
    let (mut read_at, mut write_at) = match i64::try_from(offset) {
        Ok(offset) => (offset, offset),
        Err(_) => return Err(io::ErrorKind::FileTooLarge.into()),
    };
    match nix::fcntl::copy_file_range(source, Some(&mut read_at), target, Some(&mut write_at), most)? {
        // Files that the system makes up as they are read, as under /proc, have no size: the
        // call finds nothing to copy in them.
        0 => block(source, target, offset, most),
        count => Ok(count),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn piece(source: &File, target: &File, offset: u64, most: usize) -> io::Result<usize> {
    block(source, target, offset, most)
}

fn block(source: &File, target: &File, offset: u64, most: usize) -> io::Result<usize> {
    let mut buffer = vec![0; BLOCK.min(most)];
    let count = source.read_at(&mut buffer, offset)?;
    target.write_all_at(&buffer[..count], offset)?;
    Ok(count)
}

pub async fn checksum(path: &RemotePath, algorithm: Algorithm) -> Result<Checksum> {
    let stop = Stop(Arc::default());
    let (at, stopped) = (path.clone(), stop.0.clone());
    let work = move || {
        let (file, _) = open_regular(system_path(&at), &at)?;
        let mut summer = sum::Summer::new(algorithm);
        let mut buffer = vec![0; BLOCK];
        let mut offset = 0;
        loop {
            if stopped.load(Ordering::Relaxed) {
                return Err(Error::new(ErrorKind::Cancelled, Operation::Checksum).at(&at));
            }
            match file.read_at(&mut buffer, offset) {
                Ok(0) => return Ok(summer.finish()),
                Ok(count) => {
                    summer.add(&buffer[..count]);
                    offset += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io(Operation::Checksum, &error).at(&at)),
            }
        }
    };
    let summed = alone(Operation::Checksum, path, work).await;
    drop(stop);
    summed.map_err(|error| error.during(Operation::Checksum))
}
