//! The lines of VxWorks and of small systems like it: a size before date and time (VxWorks, VShell), or a
//! name before size and date (Nortel's wfFtp).

use super::{
    Refusal, date,
    date::{Order, When},
    found::{Context, Found},
    token::{Size, Token, size, trim},
};
use crate::fs::{Entry, Kind, Precision};

pub(super) fn read(context: &Context<'_>) -> Option<Found> {
    size_first(context).or_else(|| name_first(context))
}

/// `2048 Feb-28-1998 05:23:30 name <DIR>` and `206876 Apr 04, 2000 21:06 name`.
fn size_first(context: &Context<'_>) -> Option<Found> {
    let tokens = context.tokens;
    let bytes = tokens.first().filter(|token| token.is_number())?;
    let second = tokens.get(1)?.text;
    if !second.first()?.is_ascii_alphabetic() {
        return None;
    }
    let (when, taken) = date::read(&tokens[1..], context.zone)?;
    if when.precision == Precision::Day {
        return None;
    }
    let after = context.line.get(tokens[taken].end()..)?;
    if !second.contains(&b'-') {
        // VShell marks directories with a slash.
        let name = after.get(1..)?;
        let (name, kind) = name.strip_suffix(b"/").map_or((name, Kind::File), |name| (name, Kind::Dir));
        return finish(name, kind, bytes, when);
    }
    let name = trim(after);
    let (name, kind) = match name.strip_suffix(b"<DIR>") {
        Some(name) => (trim(name), Kind::Dir),
        None => (name, Kind::File),
    };
    finish(name, kind, bytes, when)
}

/// `name 1014196 06/03/04 Thur. 10:20:03`.
fn name_first(context: &Context<'_>) -> Option<Found> {
    let [name, bytes, day, weekday, time] = context.tokens else { return None };
    let is_weekday = weekday.text.len() >= 3
        && weekday.text.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'.');
    if !is_weekday || !bytes.is_number() {
        return None;
    }
    let (when, 2) = date::read_plain(&[*day, *time], context.zone, &[Order::MonthDayYear])? else {
        return None;
    };
    finish(name.text, Kind::File, bytes, when)
}

fn finish(name: &[u8], kind: Kind, bytes: &Token<'_>, when: When) -> Option<Found> {
    let mut entry = Entry::new(name, kind);
    match size(bytes.text)? {
        Size::Bytes(bytes) => entry.attributes.size = Some(bytes),
        Size::TooLarge => return Some(Found::Refused(Refusal::Size)),
        Size::Rounded => return None,
    }
    Some(Found::Entry(entry, Some(when)))
}
