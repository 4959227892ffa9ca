//! A file being looked at: the blocks of it that are there, and where one is in it. Plain data of
//! bounded size; what is fetched when is `update`'s business, how bytes become rows `rows`'.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;

use super::{highlight::Highlight, picture::Picture};
use crate::{
    engine::JobId,
    fs::{Error, Location, Needle, Timestamp},
};

/// Bytes in a block.
pub const BLOCK: u64 = 64 << 10;

/// Blocks that are kept: 16 MiB.
const MOST: usize = 256;

/// The parts of a file that have been fetched.
#[derive(Clone, Debug, Default)]
pub struct Blocks {
    blocks: BTreeMap<u64, Bytes>,
    /// Where the file ends, once that is known.
    pub size: Option<u64>,
}

/// Bytes that are not there yet: those from this offset on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing(pub u64);

impl Blocks {
    /// What there is from `offset` to the end of its block; empty at the end of the file.
    pub fn from(&self, offset: u64) -> Result<&[u8], Missing> {
        if self.size.is_some_and(|size| offset >= size) {
            return Ok(&[]);
        }
        let within = usize::try_from(offset % BLOCK).unwrap_or(0);
        let block = self.blocks.get(&(offset / BLOCK)).and_then(|block| block.get(within..));
        match block {
            Some(bytes) if !bytes.is_empty() => {
                // A file that has become shorter ends where it ends now.
                let left = self.size.map_or(u64::MAX, |size| size - offset);
                let left = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                Ok(bytes.get(..left).unwrap_or_default())
            }
            _ => Err(Missing(offset)),
        }
    }

    /// What there is before `offset`, back to the beginning of its block.
    pub fn before(&self, offset: u64) -> Result<&[u8], Missing> {
        let Some(last) = offset.checked_sub(1) else { return Ok(&[]) };
        let end = usize::try_from(last % BLOCK).unwrap_or(0) + 1;
        self.blocks.get(&(last / BLOCK)).and_then(|block| block.get(..end)).ok_or(Missing(last))
    }

    /// At most `most` bytes from `offset` on.
    pub fn copy(&self, offset: u64, most: usize) -> Result<Vec<u8>, Missing> {
        let mut out = Vec::new();
        while out.len() < most {
            let part = self.from(offset + out.len() as u64)?;
            if part.is_empty() {
                break;
            }
            out.extend_from_slice(part.get(..most - out.len()).unwrap_or(part));
        }
        Ok(out)
    }

    /// Whether the block that holds `offset` is there, or holds nothing.
    pub fn has(&self, offset: u64) -> bool {
        self.from(offset).is_ok()
    }

    /// Takes a block; those furthest away from `near` make room.
    pub fn insert(&mut self, index: u64, bytes: Bytes, near: u64) {
        self.blocks.insert(index, bytes);
        let near = near / BLOCK;
        while self.blocks.len() > MOST {
            let ends = [self.blocks.keys().next().copied(), self.blocks.keys().next_back().copied()];
            let Some(furthest) = ends.into_iter().flatten().max_by_key(|index| index.abs_diff(near)) else {
                return;
            };
            self.blocks.remove(&furthest);
        }
    }

    /// Forgets the block that the file ended in: there is more of it now.
    pub fn forget_end(&mut self) {
        self.blocks.retain(|_, block| block.len() as u64 == BLOCK);
    }

    pub fn clear(&mut self) {
        self.blocks.clear();
    }

    /// Bytes that are held.
    pub fn held(&self) -> usize {
        self.blocks.values().map(Bytes::len).sum()
    }
}

/// How bytes are read as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    /// Each byte is the character of its number.
    Latin1,
    /// No text at all.
    Binary,
}

impl Encoding {
    /// Told by a file's beginning, of which the last character may be cut off.
    pub fn of(bytes: &[u8]) -> Encoding {
        if bytes.contains(&0) {
            return Encoding::Binary;
        }
        match std::str::from_utf8(bytes) {
            Ok(_) => Encoding::Utf8,
            Err(error) if error.error_len().is_none() => Encoding::Utf8,
            Err(_) => {
                // More controls than any text has.
                let (mut characters, mut invalid) = (0, 0);
                for chunk in bytes.utf8_chunks() {
                    characters += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
                    invalid += chunk.invalid().len();
                }
                let odd = bytes.iter().filter(|b| matches!(b, 1..=8 | 14..=26 | 28..=31 | 127)).count();
                if odd * 50 > bytes.len() {
                    Encoding::Binary
                } else if characters > invalid {
                    // Latin-1 rarely looks like UTF-8 by chance; a broken byte happens.
                    Encoding::Utf8
                } else {
                    Encoding::Latin1
                }
            }
        }
    }
}

/// Bytes under way.
#[derive(Clone, Debug)]
pub struct Fetch {
    pub job: JobId,
    /// The first byte that was asked for, which begins a block.
    pub from: u64,
    pub length: u64,
    pub received: Vec<u8>,
    /// On the clock of [`super::Clock::running`].
    pub since: Duration,
}

/// A move, or what is left of it until the bytes it needs are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// So many rows down, or up.
    By(isize),
    /// To the row that holds the offset.
    To(u64),
    End,
}

/// What was looked for.
#[derive(Clone, Debug)]
pub struct Search {
    /// As typed, escaped.
    pub shown: String,
    pub needle: Needle,
    /// Where it was found last.
    pub found: Option<u64>,
    pub running: Option<Running>,
}

/// A search under way.
#[derive(Clone, Copy, Debug)]
pub struct Running {
    pub job: JobId,
    pub backward: bool,
    /// How far it has come.
    pub at: u64,
}

/// A file being looked at.
#[derive(Clone, Debug)]
pub struct Viewer {
    pub location: Location,
    /// The file's name, escaped.
    pub name: String,
    pub blocks: Blocks,
    /// What the file was when a part of it was read last.
    pub mtime: Option<Timestamp>,
    /// `None` until the file's beginning is there.
    pub encoding: Option<Encoding>,
    /// Chosen by the person; else by the encoding.
    pub hex: Option<bool>,
    pub wrap: bool,
    /// Where the first row on the screen begins.
    pub top: u64,
    /// Columns scrolled to the right, without wrapping.
    pub left: usize,
    pub to_do: Option<Move>,
    pub fetch: Option<Fetch>,
    pub search: Option<Search>,
    pub highlight: Highlight,
    /// `None` where the file is none.
    pub picture: Option<Picture>,
    pub error: Option<Error>,
}

impl Viewer {
    pub fn new(location: Location, name: String) -> Viewer {
        Viewer {
            location,
            name,
            blocks: Blocks::default(),
            mtime: None,
            encoding: None,
            hex: None,
            wrap: true,
            top: 0,
            left: 0,
            to_do: None,
            fetch: None,
            search: None,
            highlight: Highlight::default(),
            picture: None,
            error: None,
        }
    }

    pub fn is_hex(&self) -> bool {
        self.hex.unwrap_or(self.encoding == Some(Encoding::Binary))
    }

    /// Whether it is shown as a picture.
    pub fn is_picture(&self) -> bool {
        self.picture.is_some() && self.hex.is_none()
    }

    pub fn is_waiting(&self) -> bool {
        self.fetch.is_some()
            || self.picture.as_ref().is_some_and(Picture::is_waiting)
            || self.search.as_ref().is_some_and(|search| search.running.is_some())
    }

    /// The bytes that were found last.
    pub fn marked(&self) -> Option<std::ops::Range<u64>> {
        let search = self.search.as_ref()?;
        let found = search.found?;
        Some(found..found + search.needle.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_bounded_and_the_nearest_stay() {
        let mut blocks = Blocks { size: Some(10 << 30), ..Blocks::default() };
        for index in 0..2 * MOST as u64 {
            blocks.insert(index, Bytes::from(vec![0; BLOCK as usize]), index * BLOCK);
        }
        assert_eq!(blocks.held(), 16 << 20);
        assert!(!blocks.has(0) && blocks.has((2 * MOST as u64 - 1) * BLOCK));
        assert_eq!(blocks.from(5), Err(Missing(5)));
    }

    #[test]
    fn bytes_are_copied_across_blocks_up_to_the_end() {
        let mut blocks = Blocks { size: Some(BLOCK + 3), ..Blocks::default() };
        blocks.insert(0, Bytes::from(vec![b'a'; BLOCK as usize]), 0);
        assert_eq!(blocks.copy(BLOCK - 2, 9), Err(Missing(BLOCK)));
        blocks.insert(1, Bytes::from_static(b"xyz"), 0);
        assert_eq!(blocks.copy(BLOCK - 2, 9).as_deref(), Ok(&b"aaxyz"[..]));
        assert_eq!(blocks.copy(BLOCK - 2, 4).as_deref(), Ok(&b"aaxy"[..]));
        assert_eq!(blocks.from(BLOCK + 3), Ok(&[][..]));
        assert_eq!(blocks.before(BLOCK + 2), Ok(&b"xy"[..]));
        assert_eq!(blocks.before(0), Ok(&[][..]));
    }

    #[test]
    fn encodings_are_told_by_the_beginning() {
        for (bytes, encoding) in [
            (&b""[..], Encoding::Utf8),
            ("grün".as_bytes(), Encoding::Utf8),
            (b"gr\xc3", Encoding::Utf8),
            (b"gr\xfcn und blau", Encoding::Latin1),
            ("grün, blau, größer \u{fffd}".as_bytes(), Encoding::Utf8),
            (b"gr\xc3\xbcn, gr\xc3\xb6\xc3\x9fer, \xff", Encoding::Utf8),
            (b"\x7fELF\0\x01", Encoding::Binary),
            (b"\xff\xfea\0", Encoding::Binary),
            (b"\x89PNG\r\n\x1a\n\x05\x06", Encoding::Binary),
        ] {
            assert_eq!(Encoding::of(bytes), encoding, "{bytes:?}");
        }
    }
}
