//! The lines of EPLF, D. J. Bernstein's Easily Parsed LIST Format: `+facts,\tname`.

use super::{
    Refusal, date,
    found::{Context, Found},
    token::{Size, size},
};
use crate::fs::{Entry, Kind};

pub(super) fn read(context: &Context<'_>) -> Option<Found> {
    let rest = context.line.strip_prefix(b"+")?;
    let tab = rest.iter().position(|byte| *byte == b'\t')?;
    let mut entry = Entry::new(&rest[tab + 1..], Kind::Other);
    let mut when = None;
    for fact in rest[..tab].split(|byte| *byte == b',') {
        let Some((letter, value)) = fact.split_first() else { continue };
        let text = std::str::from_utf8(value).ok();
        match letter {
            b'/' => entry.kind = Kind::Dir,
            b'r' if entry.kind != Kind::Dir => entry.kind = Kind::File,
            b's' => match size(value)? {
                Size::Bytes(bytes) => entry.attributes.size = Some(bytes),
                Size::TooLarge => return Some(Found::Refused(Refusal::Size)),
                Size::Rounded => return None,
            },
            b'm' => {
                when = date::of_seconds(text?.parse().ok()?);
            }
            b'u' if value.first() == Some(&b'p') => {
                let mode = text.and_then(|text| u32::from_str_radix(&text[1..], 8).ok());
                entry.attributes.mode = mode.map(|mode| mode & 0o7777);
            }
            _ => {}
        }
    }
    Some(Found::Entry(entry, when))
}
