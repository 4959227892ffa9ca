//! The lines of z/VM (CMS): name, type, perhaps the letter of the disk, record format and length, records,
//! blocks, date, time, owner.

use super::{
    date::{self, Order},
    found::{Context, Found},
    token::Token,
};
use crate::fs::{Entry, Kind};

pub(super) fn read(context: &Context<'_>) -> Option<Found> {
    let [name, words @ ..] = context.tokens else { return None };
    let at = words.iter().take(3).position(|word| matches!(word.text, b"F" | b"V" | b"DIR"))?;
    let (before, format, rest) = (&words[..at], words[at].text, &words[at + 1..]);
    let is_dir = format == b"DIR";
    let kind = match before {
        [] | [_] if is_dir => None,
        [_, disk] if is_dir && is_disk(disk) => None,
        [kind] => Some(kind),
        [kind, disk] if is_disk(disk) => Some(kind),
        _ => return None,
    };
    let is_count = |word: &&Token<'_>| if is_dir { word.text == b"-" } else { word.is_number() };
    let counts = rest.iter().take(4).take_while(is_count).count();
    if counts != 3 && !(is_dir && counts == 4) {
        return None;
    }
    let (when, taken) = date::read_plain(&rest[counts..], context.zone, &[Order::MonthDayYear])?;
    let owner = match &rest[counts + taken..] {
        [] => None,
        [owner] => Some(owner).filter(|owner| owner.text != b"-"),
        _ => return None,
    };
    // Commands want `NAME.TYPE`.
    let full = kind.map_or_else(|| name.text.to_vec(), |kind| [name.text, b".", kind.text].concat());
    let mut entry = Entry::new(full, if is_dir { Kind::Dir } else { Kind::File });
    // Records of one length make the size; the longest of several does not.
    let number = |token: &Token<'_>| std::str::from_utf8(token.text).ok()?.parse::<u64>().ok();
    if format == b"F" {
        entry.attributes.size = number(&rest[0])
            .zip(number(&rest[1]))
            .and_then(|(length, records)| length.checked_mul(records))
            .filter(|size| *size <= i64::MAX as u64);
    }
    entry.owner = owner.map(|owner| String::from_utf8_lossy(owner.text).into());
    Some(Found::Entry(entry, Some(when)))
}

/// `A1`: the letter of a disk and how its file may be read.
fn is_disk(word: &Token<'_>) -> bool {
    matches!(word.text, [letter, digit] if letter.is_ascii_uppercase() && digit.is_ascii_digit())
}
