//! The lines of z/VM (CMS): name, type, record format and length, records, blocks, date, time, owner.

use super::{
    date::{self, Order},
    found::{Context, Found},
    token::Token,
};
use crate::fs::{Entry, Kind};

pub(super) fn read(context: &Context<'_>) -> Option<Found> {
    let [name, kind, format, length, records, blocks, rest @ ..] = context.tokens else { return None };
    let is_dir = kind.text == b"DIR" || format.text == b"DIR";
    let is_format = matches!(format.text, b"F" | b"V" | b"-") || is_dir;
    if !is_format || ![length, records, blocks].iter().all(|token| token.is_number() || token.text == b"-") {
        return None;
    }
    let (when, taken) = date::read_plain(rest, context.zone, &[Order::MonthDayYear])?;
    let owner = rest.get(taken).filter(|_| rest.len() <= taken + 1);
    if rest.len() > taken + 1 {
        return None;
    }
    // Commands want `NAME.TYPE`.
    let full = if is_dir { name.text.to_vec() } else { [name.text, b".", kind.text].concat() };
    let mut entry = Entry::new(full, if is_dir { Kind::Dir } else { Kind::File });
    // Records of one length make the size; the longest of several does not.
    let number = |token: &Token<'_>| std::str::from_utf8(token.text).ok()?.parse::<u64>().ok();
    if format.text == b"F" {
        entry.attributes.size = number(length)
            .zip(number(records))
            .and_then(|(length, records)| length.checked_mul(records))
            .filter(|size| *size <= i64::MAX as u64);
    }
    entry.owner = owner.map(|owner| String::from_utf8_lossy(owner.text).into());
    Some(Found::Entry(entry, Some(when)))
}
