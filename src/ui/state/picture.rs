//! A picture that is looked at: its file on the way, and what of it fits the screen. Plain data of
//! bounded size; how a file becomes a picture is not known here.

use std::time::Duration;

use bytes::Bytes;
use ratatui::style::Color;

use crate::{
    engine::JobId,
    ui::theme::{Background, Depth},
};

/// The largest file that is shown as a picture, in bytes.
pub const MOST: u64 = 32 << 20;

/// What a picture is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// Columns and rows there are.
    pub cells: (u16, u16),
    pub depth: Depth,
    /// What shows where the picture is transparent.
    pub background: Background,
}

/// What is asked of whoever makes pictures of files.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Which look at which file this is for.
    pub ticket: JobId,
    /// The file; `None` where it was sent before.
    pub file: Option<Bytes>,
    pub fit: Fit,
}

/// What became of it.
#[derive(Clone, Debug)]
pub struct Pictured {
    pub ticket: JobId,
    pub fit: Fit,
    /// Or why there is no picture, as a sentence, escaped.
    pub result: Result<Fitted, String>,
}

/// One character of a picture with its colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    pub symbol: char,
    pub fg: Option<Color>,
    pub bg: Option<Color>,
}

/// A picture as rows of characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fitted {
    /// Pixels across and down in the file.
    pub of: (u32, u32),
    pub rows: Vec<Vec<Cell>>,
}

/// How far a picture is.
#[derive(Clone, Debug)]
pub enum Stage {
    /// Nothing was asked for yet.
    New,
    /// Its file is being read.
    Reading {
        job: JobId,
        received: Vec<u8>,
    },
    /// It is being made from its file.
    Making,
    Shown(Fitted),
    /// Why there is none, as a sentence.
    Failed(String),
}

/// A file that is a picture.
#[derive(Clone, Debug)]
pub struct Picture {
    /// What kind of file, such as `PNG`.
    pub format: &'static str,
    pub ticket: Option<JobId>,
    pub stage: Stage,
    /// What was asked for last.
    pub fit: Option<Fit>,
    /// Since when there is something to wait for, on the clock of [`super::Clock::running`].
    pub since: Duration,
}

impl Picture {
    /// Told by the beginning of a file.
    pub fn of(bytes: &[u8]) -> Option<Picture> {
        let format = match bytes {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => "PNG",
            [0xff, 0xd8, 0xff, ..] => "JPEG",
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => "GIF",
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "WebP",
            _ => return None,
        };
        Some(Picture { format, ticket: None, stage: Stage::New, fit: None, since: Duration::ZERO })
    }

    pub fn is_waiting(&self) -> bool {
        matches!(self.stage, Stage::Reading { .. } | Stage::Making)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_told_by_their_first_bytes() {
        let format = |bytes: &[u8]| Picture::of(bytes).map(|picture| picture.format);
        assert_eq!(format(b"\x89PNG\r\n\x1a\n\0\0"), Some("PNG"));
        assert_eq!(format(b"\xff\xd8\xff\xe0"), Some("JPEG"));
        assert_eq!(format(b"GIF89a"), Some("GIF"));
        assert_eq!(format(b"RIFF\x01\x02\x03\x04WEBPVP8 "), Some("WebP"));
        for other in [&b""[..], b"GIF90a", b"RIFF\x01\x02\x03\x04WAVE", b"\x89PNG"] {
            assert_eq!(format(other), None);
        }
    }
}
