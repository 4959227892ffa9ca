//! The sixteen colours as terminals know them that have no more: crossterm writes every colour by
//! its number among 256, which such a terminal ignores, or takes for something else. Must change
//! nothing but that.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Hands on what is written, with `38;5;1` as `31` and the like where only those are known.
pub(super) struct Sixteen<W> {
    inner: W,
    is_on: Arc<AtomicBool>,
    /// A sequence whose end has not come yet.
    open: Vec<u8>,
}

impl<W> Sixteen<W> {
    pub(super) fn new(inner: W, is_on: Arc<AtomicBool>) -> Sixteen<W> {
        Sixteen { inner, is_on, open: Vec::new() }
    }
}

impl<W: Write> Write for Sixteen<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if !self.is_on.load(Ordering::Relaxed) && self.open.is_empty() {
            return self.inner.write(buf);
        }
        let mut text = std::mem::take(&mut self.open);
        text.extend_from_slice(buf);
        let mut out = Vec::with_capacity(text.len());
        let mut rest = text.as_slice();
        while let Some(at) = memchr::memchr(0x1b, rest) {
            let (before, sequence) = rest.split_at(at);
            out.extend_from_slice(before);
            let Some(length) = length(sequence) else {
                self.open = sequence.to_vec();
                rest = &[];
                break;
            };
            let (sequence, after) = sequence.split_at(length);
            match colours(sequence) {
                Some(plain) => out.extend_from_slice(plain.as_bytes()),
                None => out.extend_from_slice(sequence),
            }
            rest = after;
        }
        out.extend_from_slice(rest);
        self.inner.write_all(&out)?;
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Bytes of the control sequence that the text begins with; of any other escape just its first
/// two. `None` where its end has not come (ECMA-48, section 5.4).
fn length(text: &[u8]) -> Option<usize> {
    match text {
        [_, b'[', parameters @ ..] => {
            parameters.iter().position(|byte| (0x40..=0x7e).contains(byte)).map(|at| at + 3)
        }
        [_, _, ..] => Some(2),
        _ => None,
    }
}

/// The sequence with every colour below 16 by its own code; `None` where it is not about colours.
fn colours(sequence: &[u8]) -> Option<String> {
    let inside = sequence.strip_prefix(b"\x1b[")?.strip_suffix(b"m")?;
    let mut parts = std::str::from_utf8(inside).ok()?.split(';');
    let mut out: Vec<String> = Vec::new();
    while let Some(part) = parts.next() {
        let mut ahead = parts.clone();
        let index = match (part, ahead.next(), ahead.next()) {
            ("38" | "48", Some("5"), Some(index)) => index.parse::<u8>().ok().filter(|index| *index < 16),
            _ => None,
        };
        let Some(index) = index else {
            out.push(part.to_owned());
            continue;
        };
        let first = match (part, index) {
            ("38", ..8) => 30,
            ("38", _) => 90 - 8,
            (_, ..8) => 40,
            (_, _) => 100 - 8,
        };
        out.push((first + u32::from(index)).to_string());
        parts = ahead;
    }
    Some(format!("\x1b[{}m", out.join(";")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(on: bool, parts: &[&str]) -> String {
        let mut out = Vec::new();
        let mut writer = Sixteen::new(&mut out, Arc::new(AtomicBool::new(on)));
        for part in parts {
            writer.write_all(part.as_bytes()).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn colours_are_written_as_sixteen_are() {
        for (before, after) in [
            ("\x1b[38;5;4mblue", "\x1b[34mblue"),
            ("\x1b[38;5;12;48;5;9mx", "\x1b[94;101mx"),
            ("\x1b[1;48;5;0;38;5;7m", "\x1b[1;40;37m"),
            ("\x1b[0m\x1b[m\x1b[3;4H\x1b[39;49m", "\x1b[0m\x1b[m\x1b[3;4H\x1b[39;49m"),
            ("\x1b[38;5;200m\x1b[38;2;1;2;3m", "\x1b[38;5;200m\x1b[38;2;1;2;3m"),
            ("\x1b]0;38;5;4m\x1b\\日本", "\x1b]0;38;5;4m\x1b\\日本"),
        ] {
            assert_eq!(written(true, &[before]), after);
            assert_eq!(written(false, &[before]), before);
            // Wherever a write ends.
            for at in (0..before.len()).filter(|at| before.is_char_boundary(*at)) {
                let (one, two) = before.split_at(at);
                assert_eq!(written(true, &[one, two]), after, "{one:?} {two:?}");
            }
        }
    }
}
