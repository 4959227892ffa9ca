//! Holes: where a file has none of its bytes on the disk, and reads as zeros. Finds them in files that are
//! read, and leaves them in files that are written. Must never leave out a byte that is not zero.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Seek, SeekFrom},
};

use bytes::Bytes;

/// Zeros are left out in blocks of this size, at multiples of it: less saves nothing on most volumes.
const BLOCK: u64 = 64 << 10;

/// A run of zeros that is longer than this is made part of the file before it ends, so that what has
/// arrived shows.
const LONG: u64 = 1 << 20;

static ZEROS: [u8; BLOCK as usize] = [0; BLOCK as usize];

/// What is to be done with the next bytes of a file that is written in order.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    Write(Bytes),
    /// So many zeros are left out.
    Skip(u64),
    /// The file ends here, or goes on later: what was left out before is part of it.
    Extend(u64),
}

/// Tells the runs of zeros from the rest of a file that is written in order, beyond what it holds.
pub struct Holes {
    /// Of the next byte.
    position: u64,
    /// Zeros in front of it of which nothing was said yet.
    pending: u64,
}

impl Holes {
    pub fn new(position: u64) -> Holes {
        Holes { position, pending: 0 }
    }

    /// Everything before it has been said.
    pub fn settled(&self) -> u64 {
        self.position - self.pending
    }

    /// Takes the next bytes of the file.
    pub fn take(&mut self, mut chunk: Bytes, out: &mut VecDeque<Piece>) {
        // What is written is not cut at every block.
        let mut data = 0;
        let mut at = 0;
        while at < chunk.len() {
            let room = (BLOCK - (self.position % BLOCK)) as usize;
            let end = chunk.len().min(at + room);
            let is_zero = chunk.get(at..end) == ZEROS.get(..end - at);
            if is_zero && data > 0 {
                out.push_back(Piece::Write(chunk.split_to(data)));
                (at, data) = (0, 0);
                continue;
            }
            self.position += (end - at) as u64;
            if is_zero {
                self.pending += (end - at) as u64;
                let _ = chunk.split_to(end);
                at = 0;
            } else {
                if self.pending > 0 {
                    self.leave_out((end - at) as u64, out);
                }
                (at, data) = (end, end);
            }
        }
        if data > 0 {
            out.push_back(Piece::Write(chunk));
        }
        if self.pending >= LONG {
            let (start, end) = (self.settled(), self.position / BLOCK * BLOCK);
            write_zeros(start.next_multiple_of(BLOCK) - start, out);
            out.push_back(Piece::Extend(end));
            self.pending = self.position - end;
        }
    }

    /// What is pending ends so many bytes before the position.
    fn leave_out(&mut self, behind: u64, out: &mut VecDeque<Piece>) {
        let end = self.position - behind;
        let start = end - self.pending;
        let (from, to) = (start.next_multiple_of(BLOCK), end / BLOCK * BLOCK);
        if to > from {
            write_zeros(from - start, out);
            out.push_back(Piece::Skip(to - from));
            write_zeros(end - to, out);
        } else {
            write_zeros(self.pending, out);
        }
        self.pending = 0;
    }

    /// Says the rest.
    pub fn end(&mut self, out: &mut VecDeque<Piece>) {
        let start = self.settled();
        let from = start.next_multiple_of(BLOCK);
        if self.position >= from + BLOCK {
            write_zeros(from - start, out);
            out.push_back(Piece::Extend(self.position));
        } else {
            write_zeros(self.pending, out);
        }
        self.pending = 0;
    }
}

fn write_zeros(mut count: u64, out: &mut VecDeque<Piece>) {
    while count > 0 {
        let some = count.min(BLOCK);
        out.push_back(Piece::Write(Bytes::from_static(&ZEROS).slice(..some as usize)));
        count -= some;
    }
}

/// Does what was said, at the file's own position.
pub fn carry_out(
    mut file: &File,
    pieces: &mut VecDeque<Piece>,
    write: impl Fn(&File, &mut VecDeque<Bytes>) -> io::Result<()>,
) -> io::Result<()> {
    let mut chunks = VecDeque::new();
    while let Some(piece) = pieces.pop_front() {
        if let Piece::Write(bytes) = piece {
            chunks.push_back(bytes);
            continue;
        }
        write(file, &mut chunks)?;
        match piece {
            Piece::Write(_) => {}
            Piece::Skip(count) => {
                let count = i64::try_from(count).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
                file.seek(SeekFrom::Current(count))?;
            }
            Piece::Extend(length) => {
                file.set_len(length)?;
                file.seek(SeekFrom::Start(length))?;
            }
        }
    }
    write(file, &mut chunks)
}

/// The first byte at or behind `offset` that is on the disk; `None` where there is none any more.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
pub fn next_data(file: &File, offset: u64) -> io::Result<Option<u64>> {
    use nix::{errno::Errno, unistd::Whence};
    match seek(file, offset, Whence::SeekData) {
        Ok(found) => Ok(Some(found)),
        Err(Errno::ENXIO) => Ok(None),
        // A volume that knows no holes.
        Err(Errno::EINVAL | Errno::ENOTSUP | Errno::ENOSYS) => Ok(Some(offset)),
        Err(error) => Err(error.into()),
    }
}

/// The first byte behind `offset` that is not on the disk: the end of the file, if nothing else.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
pub fn next_hole(file: &File, offset: u64) -> u64 {
    seek(file, offset, nix::unistd::Whence::SeekHole).unwrap_or(u64::MAX)
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn seek(file: &File, offset: u64, whence: nix::unistd::Whence) -> nix::Result<u64> {
    let offset = i64::try_from(offset).map_err(|_| nix::errno::Errno::EINVAL)?;
    nix::unistd::lseek(file, offset, whence).map(|found| found as u64)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
pub fn next_data(_: &File, offset: u64) -> io::Result<Option<u64>> {
    Ok(Some(offset))
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
pub fn next_hole(_: &File, _: u64) -> u64 {
    u64::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file that comes of it, and how many of its bytes were written.
    fn made(start: u64, content: &[u8], chunk: usize) -> (Vec<u8>, u64) {
        let mut holes = Holes::new(start);
        let mut pieces = VecDeque::new();
        for part in content.chunks(chunk) {
            holes.take(Bytes::copy_from_slice(part), &mut pieces);
        }
        holes.end(&mut pieces);
        assert_eq!(holes.settled(), start + content.len() as u64);
        let mut file = vec![1; start as usize];
        let mut written = 0;
        for piece in pieces {
            match piece {
                Piece::Write(bytes) => {
                    written += bytes.len() as u64;
                    file.extend_from_slice(&bytes);
                }
                Piece::Skip(count) => file.resize(file.len() + count as usize, 0),
                Piece::Extend(length) => file.resize(length as usize, 0),
            }
        }
        (file.split_off(start as usize), written)
    }

    #[test]
    fn only_whole_blocks_of_zeros_are_left_out() {
        const K: usize = 1 << 10;
        let mut content = vec![7; 900 * K];
        content[100 * K..500 * K].fill(0);
        content[600 * K..630 * K].fill(0);
        content[800 * K..].fill(0);
        for start in [0, 64 * K as u64, 1, 100_001] {
            for chunk in [1000, 32 * K, 64 * K, 512 * K, 2000 * K] {
                let (file, written) = made(start, &content, chunk);
                assert!(file == content, "{start} {chunk}");
                assert!(written <= 900 * K as u64 - 256 * K as u64, "{start} {chunk}: {written}");
            }
        }
        // From 128 KiB to 448 KiB, and from 832 KiB to the end.
        assert_eq!(made(0, &content, 512 * K).1, (900 - 320 - 68) * K as u64);
        assert_eq!(made(0, &vec![0; 63 * K], 7 * K).1, 63 * K as u64);
        assert_eq!(made(0, &[], 1).1, 0);
    }

    #[test]
    fn a_long_hole_shows_before_it_ends() {
        let (mut holes, mut pieces) = (Holes::new(0), VecDeque::new());
        let zeros = Bytes::from(vec![0; 16 << 20]);
        for _ in 0..5 {
            holes.take(zeros.clone(), &mut pieces);
        }
        assert_eq!((holes.settled(), pieces.pop_front()), (80 << 20, Some(Piece::Extend(16 << 20))));
    }
}
