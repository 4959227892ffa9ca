//! The lines of Microware OS-9: owner, date, time, attributes, sector, size and name.

use super::{
    Refusal,
    date::{self, At, Order, When},
    found::{Context, Found},
    token::{Size, Token, size, trim},
};
use crate::fs::{Entry, Kind, Precision};

pub(super) fn read(context: &Context<'_>) -> Option<Found> {
    let [owner, day, time, attributes, sector, bytes, ..] = context.tokens else { return None };
    let (group, user) = split(owner.text, b'.')?;
    let is_time = time.text.len() == 4 && time.is_number();
    let is_attributes =
        attributes.text.len() == 8 && attributes.text.iter().all(|byte| b"dsewrp-".contains(byte));
    if !is_time || !is_attributes || !sector.text.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let clock = [&time.text[..2], b":", &time.text[2..]].concat();
    let stamp = [*day, Token { text: &clock, start: time.start }];
    let (when, _) = date::read_plain(&stamp, context.zone, &[Order::YearMonthDay])?;
    let when = match when.at {
        At::Known(time) => When::known(time, Precision::Minute),
        At::Open(_) => return None,
    };
    let is_dir = attributes.text[0] == b'd';
    let name = trim(context.line.get(bytes.end()..)?);
    let mut entry = Entry::new(name, if is_dir { Kind::Dir } else { Kind::File });
    match size(bytes.text)? {
        Size::Bytes(bytes) => entry.attributes.size = Some(bytes),
        Size::TooLarge => return Some(Found::Refused(Refusal::Size)),
        Size::Rounded => return None,
    }
    entry.attributes.gid = Some(group);
    entry.attributes.uid = Some(user);
    Some(Found::Entry(entry, Some(when)))
}

fn split(text: &[u8], separator: u8) -> Option<(u32, u32)> {
    let text = std::str::from_utf8(text).ok()?;
    let (group, user) = text.split_once(char::from(separator))?;
    Some((group.parse().ok()?, user.parse().ok()?))
}
