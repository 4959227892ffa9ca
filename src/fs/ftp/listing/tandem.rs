//! The lines of HP NonStop (Tandem Guardian): file, code, end of file, date, time, owner and security.

use super::{
    Refusal,
    date::{self, Order},
    found::{Context, Found},
    token::{Size, size},
};
use crate::fs::{Entry, Kind};

pub(super) fn read(context: &Context<'_>) -> Option<Found> {
    let tokens = context.tokens;
    let [name, rest @ ..] = tokens else { return None };
    let security = tokens.last()?.text;
    let is_security = security.len() == 6 && security.starts_with(b"\"") && security.ends_with(b"\"");
    // An open file has an `O` before its code.
    let rest = match rest {
        [open, rest @ ..] if open.text == b"O" => rest,
        _ => rest,
    };
    let [code, end, rest @ ..] = rest else { return None };
    if !is_security || !code.text.first()?.is_ascii_digit() {
        return None;
    }
    let size = size(end.text)?;
    let (when, taken) = date::read_plain(rest, context.zone, &[Order::DayMonthYear])?;
    let owner: Vec<u8> =
        rest.get(taken..rest.len() - 1)?.iter().flat_map(|token| token.text.iter().copied()).collect();
    let mut entry = Entry::new(name.text, Kind::File);
    match size {
        Size::Bytes(bytes) => entry.attributes.size = Some(bytes),
        Size::TooLarge => return Some(Found::Refused(Refusal::Size)),
        Size::Rounded => return None,
    }
    // `group,user`, both numbers.
    if let Ok(owner) = String::from_utf8(owner)
        && let Some((group, user)) = owner.split_once(',')
    {
        entry.attributes.gid = group.parse().ok();
        entry.attributes.uid = user.parse().ok();
    }
    Some(Found::Entry(entry, Some(when)))
}
