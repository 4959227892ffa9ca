//! The lines of OS/2: size, attributes, `DIR`, date, time and name.

use super::{
    Refusal,
    date::{self, Order},
    found::{Context, Found},
    token::{Size, size},
};
use crate::fs::{Entry, Kind, Precision};

pub(super) fn read(context: &Context<'_>) -> Option<Found> {
    let tokens = context.tokens;
    let bytes = size(tokens.first()?.text)?;
    let mut at = 1;
    let mut is_dir = false;
    while let Some(token) = tokens.get(at) {
        if token.text == b"DIR" {
            is_dir = true;
        } else if token.text.is_empty() || !token.text.iter().all(|byte| b"ARHS.-".contains(byte)) {
            break;
        }
        at += 1;
    }
    // Years after 1999 have three digits: they count from 1900.
    let (when, taken) =
        date::read_plain(tokens.get(at..)?, context.zone, &[Order::MonthDayYear, Order::DayMonthYear])?;
    if when.precision == Precision::Day {
        return None;
    }
    let date_text = tokens[at].text;
    if at == 1 && !(date_text.iter().filter(|byte| **byte == b'-').count() == 2 && date_text.len() <= 9) {
        return None;
    }
    let after = &context.line[tokens[at + taken - 1].end()..];
    // Two spaces stand before the name.
    let name = after.strip_prefix(b"  ").or_else(|| after.strip_prefix(b" "))?;
    let mut entry = Entry::new(name, if is_dir { Kind::Dir } else { Kind::File });
    match bytes {
        Size::Bytes(_) if is_dir => {}
        Size::Bytes(bytes) => entry.attributes.size = Some(bytes),
        Size::TooLarge => return Some(Found::Refused(Refusal::Size)),
        Size::Rounded => return None,
    }
    Some(Found::Entry(entry, Some(when)))
}
