//! The lines of `dir` on DOS and Windows, which IIS and others print: date, time, size or `<DIR>`, name.

use super::{
    Refusal, date,
    date::Order,
    found::{Context, Found},
    token::{Size, size, trim},
};
use crate::fs::{Entry, Kind, Precision};

/// How wide the column of `<DIR>` is, spaces and all.
const MARK_WIDTH: usize = 15;

pub(super) fn read(context: &Context<'_>) -> Option<Found> {
    let (tokens, line) = (context.tokens, context.line);
    if !tokens.first()?.text.first()?.is_ascii_digit() {
        return None;
    }
    let orders = &[Order::MonthDayYear, Order::DayMonthYear];
    let (when, taken) = date::read_plain(tokens, context.zone, orders)?;
    if when.precision == Precision::Day {
        return None;
    }
    let mark = tokens.get(taken)?;
    let after = line.get(mark.end()..)?;
    if !after.first().is_some_and(|byte| *byte == b' ' || *byte == b'\t') {
        return None;
    }
    let upper = mark.text.to_ascii_uppercase();
    let link = match upper.as_slice() {
        b"<DIR>" => {
            return Some(Found::Entry(Entry::new(marked_name(mark.text, after), Kind::Dir), Some(when)));
        }
        b"<JUNCTION>" | b"<SYMLINKD>" | b"<JUNC>" => Some(Some(Kind::Dir)),
        b"<SYMLINK>" => Some(None),
        _ => None,
    };
    if let Some(target_kind) = link {
        let name = marked_name(mark.text, after);
        let (name, target) = match name.iter().rposition(|byte| *byte == b'[') {
            Some(open) if open > 1 && name.ends_with(b"]") && name[open - 1] == b' ' => {
                (&name[..open - 1], Some(&name[open + 1..name.len() - 1]))
            }
            // No name of Windows has a `>` in it.
            _ => match name.windows(4).position(|four| matches!(four, b" -> " | b" => ")) {
                Some(arrow) if arrow > 0 => (&name[..arrow], Some(&name[arrow + 4..])),
                _ => (name, None),
            },
        };
        let mut entry = Entry::new(name, Kind::Symlink);
        entry.target = target.filter(|target| !target.is_empty()).map(Box::from);
        entry.target_kind = target_kind;
        return Some(Found::Entry(entry, Some(when)));
    }
    let mut entry = Entry::new(&after[1..], Kind::File);
    match size(mark.text)? {
        Size::Bytes(bytes) => entry.attributes.size = Some(bytes),
        Size::TooLarge => return Some(Found::Refused(Refusal::Size)),
        Size::Rounded => {}
    }
    Some(Found::Entry(entry, Some(when)))
}

/// The name after a mark: the rest of its column is padding, what goes beyond is the name's.
fn marked_name<'a>(mark: &[u8], after: &'a [u8]) -> &'a [u8] {
    let padding = MARK_WIDTH.saturating_sub(mark.len());
    match after.get(..padding) {
        Some(spaces) if padding > 0 && spaces.iter().all(|byte| *byte == b' ') => &after[padding..],
        _ => trim_start(after),
    }
}

fn trim_start(text: &[u8]) -> &[u8] {
    let trimmed = trim(text);
    let start = text.len() - text.iter().position(|byte| Some(byte) == trimmed.first()).unwrap_or(text.len());
    &text[text.len() - start..]
}
