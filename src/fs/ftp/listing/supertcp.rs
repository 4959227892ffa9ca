//! The lines of servers for DOS and 16-bit Windows (SuperTCP, Chameleon, NCSA Telnet): name, size or `<DIR>`,
//! date and time. Their names are those of DOS.

use super::{
    Refusal,
    date::{self, Order},
    found::{Context, Found},
    token::{Size, size},
};
use crate::fs::{Entry, Kind, Precision};

pub(super) fn read(context: &Context<'_>) -> Option<Found> {
    let [name, mark, rest @ ..] = context.tokens else { return None };
    // How much room is left, after the last entry.
    if name.is_number() && mark.text == b"Bytes" && matches!(rest, [word] if word.text == b"Available") {
        return Some(Found::Ignored);
    }
    if !is_dos_name(name.text) {
        return None;
    }
    let bytes = match mark.text {
        b"<DIR>" => None,
        text => Some(size(text)?),
    };
    let (when, taken) = date::read_plain(rest, context.zone, &[Order::MonthDayYear, Order::DayMonthYear])
        .or_else(|| date::read_full(rest, context.zone))?;
    let attributes = rest.get(taken..)?;
    let is_end = match attributes {
        [] => true,
        [flags] => flags.text.iter().all(|byte| b"ARHS".contains(byte)),
        _ => false,
    };
    if when.precision == Precision::Day || !is_end {
        return None;
    }
    let mut entry = Entry::new(name.text, if bytes.is_none() { Kind::Dir } else { Kind::File });
    match bytes {
        Some(Size::Bytes(bytes)) => entry.attributes.size = Some(bytes),
        Some(Size::TooLarge) => return Some(Found::Refused(Refusal::Size)),
        Some(Size::Rounded) => return None,
        None => {}
    }
    Some(Found::Entry(entry, Some(when)))
}

/// At most eight characters, a point and three more; `.` and `..` too.
fn is_dos_name(text: &[u8]) -> bool {
    let point = text.iter().position(|byte| *byte == b'.').unwrap_or(text.len());
    let extension = text.get(point + 1..).unwrap_or_default();
    let is_allowed = |byte: &u8| !byte.is_ascii_control() && !b"\"*+,./:;<=>?[\\]|".contains(byte);
    text == b".."
        || point <= 8 && extension.len() <= 3 && text[..point].iter().chain(extension).all(is_allowed)
}
