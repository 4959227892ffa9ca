//! A file's bytes as rows of a screen, found from any place in it by looking at what is near.
//! Pure. A row depends on nothing but where it begins, so that going up meets the same rows as
//! going down.

use std::borrow::Cow;

use memchr::{memchr, memrchr};
use unicode_segmentation::UnicodeSegmentation;

use super::{
    state::viewer::{BLOCK, Blocks, Encoding, Missing},
    text,
};
use crate::words;

/// A line is broken behind this many bytes at the earliest, at the end of a block: what would
/// have to be looked through to find its beginning stays bounded.
const LONG: u64 = BLOCK / 2;

const TAB: usize = 8;

/// How rows are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub columns: usize,
    pub hex: bool,
    pub wrap: bool,
    /// Columns left out at the beginning, without wrapping.
    pub left: usize,
    pub encoding: Encoding,
}

/// What stands in one place of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glyph {
    /// Of its first byte.
    pub offset: u64,
    /// Escaped.
    pub text: String,
    /// It stands for something that could not be shown as it is.
    pub stands_for: bool,
}

/// A row: the bytes from `start` to `end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub start: u64,
    /// Where the next row begins.
    pub end: u64,
    pub glyphs: Vec<Glyph>,
}

/// Bytes in a row of hexadecimal digits.
pub fn bytes_per_row(columns: usize) -> u64 {
    // The offset, and for each byte two digits, a blank and its character.
    [32, 16, 8].into_iter().find(|count| 12 + 4 * count <= columns).unwrap_or(4) as u64
}

/// The row that begins at `start`; `None` at the end of the file.
pub fn row(blocks: &Blocks, shape: Shape, start: u64) -> Result<Option<Row>, Missing> {
    if blocks.from(start)?.is_empty() {
        return Ok(None);
    }
    if shape.hex {
        let bytes = blocks.copy(start, bytes_per_row(shape.columns) as usize)?;
        let end = start + bytes.len() as u64;
        return Ok(Some(Row { start, end, glyphs: hex(start, &bytes, shape.columns) }));
    }
    let (text_end, line_end) = line_end(blocks, start)?;
    // More bytes than this in so few columns are drawn on top of each other.
    let most = (shape.left + shape.columns) * 8 + 256;
    let length = usize::try_from(text_end - start).unwrap_or(usize::MAX).min(most);
    let bytes = blocks.copy(start, length)?;
    let cut = (length as u64) < text_end - start;
    let (mut glyphs, taken) = glyphs(start, &bytes, shape);
    if shape.wrap && (taken < bytes.len() || cut) {
        let mut end = start + taken.max(1) as u64;
        if bytes.get(taken) == Some(&b' ') {
            // The blank that a line is broken at is seen on neither side.
            end += 1;
        } else if let Some(kept) = whole_words(&glyphs) {
            end = glyphs.get(kept).map_or(end, |glyph| glyph.offset);
            glyphs.truncate(kept);
        }
        return Ok(Some(Row { start, end, glyphs }));
    }
    if !shape.wrap {
        let mut used = 0;
        glyphs.retain(|glyph| {
            used += text::width(&glyph.text);
            used > shape.left
        });
    }
    Ok(Some(Row { start, end: line_end, glyphs }))
}

/// How many glyphs of a full row are up to its last blank, if words stand before that: a row of
/// indentation alone would tell nothing.
fn whole_words(glyphs: &[Glyph]) -> Option<usize> {
    let is_blank = |glyph: &Glyph| glyph.text.trim_start_matches(' ').is_empty();
    let last = glyphs.iter().rposition(is_blank)?;
    let has_words = glyphs.iter().take(last).any(|glyph| !is_blank(glyph));
    (has_words && last + 1 < glyphs.len()).then_some(last + 1)
}

/// The rows from `start` on, at most `count`; fewer where the file ends.
pub fn page(blocks: &Blocks, shape: Shape, start: u64, count: usize) -> (Vec<Row>, Option<Missing>) {
    let mut rows: Vec<Row> = Vec::new();
    let mut at = start;
    while rows.len() < count {
        match row(blocks, shape, at) {
            Ok(Some(row)) => {
                at = row.end;
                rows.push(row);
            }
            Ok(None) => break,
            Err(missing) => return (rows, Some(missing)),
        }
    }
    (rows, None)
}

/// Where the row that holds `offset` begins.
pub fn start_of(blocks: &Blocks, shape: Shape, offset: u64) -> Result<u64, Missing> {
    if shape.hex {
        return Ok(offset - offset % bytes_per_row(shape.columns));
    }
    let mut start = line_start(blocks, offset)?;
    while shape.wrap
        && let Some(row) = row(blocks, shape, start)?
        && row.end <= offset
    {
        start = row.end;
    }
    Ok(start)
}

/// Where the row before the one that begins at `start` does; `None` at the beginning.
pub fn before(blocks: &Blocks, shape: Shape, start: u64) -> Result<Option<u64>, Missing> {
    start.checked_sub(1).map(|last| start_of(blocks, shape, last)).transpose()
}

/// Where the row begins that stands `count` rows before the one that begins at `start`, or the first
/// row of the line before that is nearer; and how many rows that is. `None` at the beginning.
///
/// A line is gone through once for all of its rows: one that is long has hundreds.
pub fn above(
    blocks: &Blocks,
    shape: Shape,
    start: u64,
    count: usize,
) -> Result<Option<(u64, usize)>, Missing> {
    if shape.hex || !shape.wrap {
        return Ok(before(blocks, shape, start)?.map(|start| (start, 1)));
    }
    let Some(last) = start.checked_sub(1) else { return Ok(None) };
    let mut starts = vec![line_start(blocks, last)?];
    while let Some(at) = starts.last()
        && let Some(row) = row(blocks, shape, *at)?
        && row.end <= last
    {
        starts.push(row.end);
    }
    let rows = count.min(starts.len());
    Ok(starts.get(starts.len() - rows).map(|start| (*start, rows)))
}

/// Where a line that begins at `start` is broken if it does not end before.
fn limit_of(start: u64) -> u64 {
    (start + LONG).next_multiple_of(BLOCK)
}

/// Where the text ends of the line that `start` is in, and where the next line begins.
fn line_end(blocks: &Blocks, start: u64) -> Result<(u64, u64), Missing> {
    let mut at = start;
    // Within its block no line is broken; beyond it that depends on where the line began.
    let mut limit = (start + 1).next_multiple_of(BLOCK);
    loop {
        if at == limit {
            let line = limit_of(line_start(blocks, start)?);
            if at == line {
                return Ok((limit, limit));
            }
            limit = line;
        }
        let part = blocks.from(at)?;
        if part.is_empty() {
            return Ok((at, at));
        }
        let part = part.get(..usize::try_from(limit - at).unwrap_or(usize::MAX)).unwrap_or(part);
        if let Some(found) = memchr(b'\n', part) {
            let end = at + found as u64;
            let is_crlf = end > start && blocks.before(end)?.last() == Some(&b'\r');
            return Ok((end - u64::from(is_crlf), end + 1));
        }
        at += part.len() as u64;
    }
}

/// Where the line that holds `offset` begins, be it because a longer one was broken there.
fn line_start(blocks: &Blocks, offset: u64) -> Result<u64, Missing> {
    let mut at = offset;
    let earliest = offset.saturating_sub(LONG + BLOCK);
    let mut start = loop {
        if at == 0 {
            break 0;
        }
        if at <= earliest {
            // So long a line is broken at the end of every block.
            return Ok(offset - offset % BLOCK);
        }
        let part = blocks.before(at)?;
        if let Some(found) = memrchr(b'\n', part) {
            break at - (part.len() - found) as u64 + 1;
        }
        at -= part.len() as u64;
    };
    while limit_of(start) <= offset {
        start = limit_of(start);
    }
    Ok(start)
}

/// A row being filled.
struct Filling {
    start: u64,
    columns: usize,
    used: usize,
    /// Bytes that are in it.
    taken: usize,
    glyphs: Vec<Glyph>,
}

impl Filling {
    /// False once the row is full.
    fn put(&mut self, text: String, length: usize, stands_for: bool) -> bool {
        let width = text::width(&text);
        if self.used + width > self.columns && self.used > 0 {
            return false;
        }
        self.glyphs.push(Glyph { offset: self.start + self.taken as u64, text, stands_for });
        self.used += width;
        self.taken += length;
        true
    }

    fn put_cluster(&mut self, cluster: &str, length: usize) -> bool {
        let (text, stands_for) = match cluster {
            "\t" => (" ".repeat(TAB - self.used % TAB), false),
            _ => match words::escape(cluster) {
                Cow::Borrowed(same) => (same.to_owned(), false),
                Cow::Owned(escaped) => (escaped, true),
            },
        };
        self.put(text, length, stands_for)
    }
}

/// The glyphs of a text as far as the columns go, and how many bytes they are.
fn glyphs(start: u64, bytes: &[u8], shape: Shape) -> (Vec<Glyph>, usize) {
    let columns = shape.columns.max(1) + if shape.wrap { 0 } else { shape.left };
    let mut row = Filling { start, columns, used: 0, taken: 0, glyphs: Vec::new() };
    if shape.encoding == Encoding::Latin1 {
        for byte in bytes {
            if !row.put_cluster(char::from(*byte).encode_utf8(&mut [0; 4]), 1) {
                break;
            }
        }
        return (row.glyphs, row.taken);
    }
    'all: for chunk in bytes.utf8_chunks() {
        for cluster in chunk.valid().graphemes(true) {
            if !row.put_cluster(cluster, cluster.len()) {
                break 'all;
            }
        }
        for byte in chunk.invalid() {
            if !row.put(format!("\\x{byte:02x}"), 1, true) {
                break 'all;
            }
        }
    }
    (row.glyphs, row.taken)
}

fn hex(start: u64, bytes: &[u8], columns: usize) -> Vec<Glyph> {
    let per_row = bytes_per_row(columns) as usize;
    let glyph = |offset: u64, text: String, stands_for: bool| Glyph { offset, text, stands_for };
    let mut out = vec![glyph(u64::MAX, format!("{start:08x}  "), true)];
    for at in 0..per_row {
        let offset = start + at as u64;
        match bytes.get(at) {
            Some(byte) => out.push(glyph(offset, format!("{byte:02x}"), false)),
            None => out.push(glyph(u64::MAX, "  ".to_owned(), false)),
        }
        out.push(glyph(u64::MAX, " ".to_owned(), false));
    }
    out.push(glyph(u64::MAX, " ".to_owned(), false));
    for (offset, byte) in (start..).zip(bytes) {
        let plain = matches!(byte, 0x20..=0x7e);
        let text = if plain { char::from(*byte).to_string() } else { "·".to_owned() };
        out.push(glyph(offset, text, !plain));
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: Shape = Shape { columns: 10, hex: false, wrap: true, left: 0, encoding: Encoding::Utf8 };

    fn blocks(bytes: &[u8]) -> Blocks {
        let mut blocks = Blocks::default();
        blocks.size = Some(bytes.len() as u64);
        for (index, block) in (0..).zip(bytes.chunks(BLOCK as usize)) {
            blocks.insert(index, block.to_vec().into(), 0);
        }
        blocks
    }

    fn shown(bytes: &[u8], shape: Shape) -> Vec<String> {
        let (rows, missing) = page(&blocks(bytes), shape, 0, usize::MAX);
        assert_eq!(missing, None);
        rows.iter().map(|row| row.glyphs.iter().map(|glyph| &*glyph.text).collect()).collect()
    }

    #[test]
    fn lines_wrap_and_what_could_deceive_is_shown() {
        assert_eq!(shown(b"one\r\ntwo\n\nlast", TEXT), ["one", "two", "", "last"]);
        assert_eq!(shown(b"abcdefghijklm\n", TEXT), ["abcdefghij", "klm"]);
        assert_eq!(shown("日本語日本語\n".as_bytes(), TEXT), ["日本語日本", "語"]);
        assert_eq!(shown(b"the quick brown fox\n", TEXT), ["the quick ", "brown fox"]);
        assert_eq!(shown(b"one quicker, better\n", TEXT), ["one ", "quicker, ", "better"]);
        assert_eq!(shown(b"    indented words\n", TEXT), ["    indent", "ed words"]);
        assert_eq!(shown(b"a\tb", TEXT), ["a       b"]);
        assert_eq!(shown("x\u{1b}[2J\u{202e}y".as_bytes(), TEXT), ["x\\x1b[2J", "\\u{202e}y"]);
        assert_eq!(shown(b"a\xffb\n", TEXT), ["a\\xffb"]);
        assert_eq!(shown(b"gr\xfcn\n", Shape { encoding: Encoding::Latin1, ..TEXT }), ["grün"]);
        let cut = Shape { wrap: false, left: 3, columns: 4, ..TEXT };
        assert_eq!(shown(b"abcdefghijklm\nab\nxyzuvw", cut), ["defg", "", "uvw"]);
    }

    #[test]
    fn bytes_are_shown_as_digits_and_characters() {
        let hex = Shape { hex: true, columns: 46, ..TEXT };
        assert_eq!(
            shown(b"wharf\0\xff\nx", hex),
            ["00000000  77 68 61 72 66 00 ff 0a  wharf···", "00000008  78                       x"]
        );
    }

    #[test]
    fn a_line_without_an_end_is_broken_the_same_from_both_sides() {
        let bytes = vec![b'x'; 5 * BLOCK as usize];
        let blocks = blocks(&bytes);
        for offset in [0, 1, BLOCK - 1, BLOCK, 3 * BLOCK + 17] {
            assert_eq!(line_start(&blocks, offset), Ok(offset - offset % BLOCK));
        }
        assert_eq!(line_end(&blocks, 2 * BLOCK), Ok((3 * BLOCK, 3 * BLOCK)));
    }

    #[test]
    fn what_is_missing_is_named() {
        let mut blocks = Blocks::default();
        blocks.size = Some(3 * BLOCK);
        assert_eq!(row(&blocks, TEXT, 0), Err(Missing(0)));
        blocks.insert(0, vec![b'x'; BLOCK as usize].into(), 0);
        assert_eq!(start_of(&blocks, TEXT, 2 * BLOCK), Err(Missing(2 * BLOCK - 1)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        /// Whatever is in the file: going up finds the rows that going down has shown.
        #[test]
        fn up_and_down_meet_the_same_rows(
            lines in prop::collection::vec((0usize..3, 0usize..40_000, any::<bool>()), 1..8),
            columns in 1usize..120,
            wrap in any::<bool>(),
        ) {
            let mut bytes = Vec::new();
            for (what, length, ends) in lines {
                let unit: &[u8] = [&b"a"[..], "日e\u{301} b".as_bytes(), b"\xff\t\x1b"][what];
                unit.iter().cycle().take(length).for_each(|b| bytes.push(*b));
                if ends {
                    bytes.push(b'\n');
                }
            }
            let blocks = blocks(&bytes);
            let shape = Shape { columns: columns + 40, wrap, ..TEXT };
            let (rows, _) = page(&blocks, shape, 0, usize::MAX);
            let starts: Vec<u64> = rows.iter().map(|row| row.start).collect();
            prop_assert_eq!(rows.last().map_or(0, |row| row.end), bytes.len() as u64);
            for (at, row) in rows.iter().enumerate().step_by(1 + rows.len() / 8) {
                prop_assert_eq!(start_of(&blocks, shape, row.end - 1), Ok(row.start));
                let above = at.checked_sub(1).and_then(|at| starts.get(at)).copied();
                prop_assert_eq!(before(&blocks, shape, row.start), Ok(above));
                let Some((further, rows)) = super::above(&blocks, shape, row.start, 20).unwrap() else {
                    prop_assert_eq!(at, 0);
                    continue;
                };
                prop_assert!((1..=20).contains(&rows));
                prop_assert_eq!(Some(&further), starts.get(at - rows));
            }
        }
    }
}
