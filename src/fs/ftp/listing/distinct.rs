//! The lines of Distinct's server for Windows: DOS attributes, size, `Dec 29,2002`, time and name.

use super::{
    Refusal, date,
    found::{Context, Found},
    token::{Size, size, trim},
};
use crate::fs::{Entry, Kind};

pub(super) fn read(context: &Context<'_>) -> Option<Found> {
    let [attributes, bytes, rest @ ..] = context.tokens else { return None };
    let (kind, flags) = match attributes.text.split_first()? {
        (b'd', flags) => (Kind::Dir, flags),
        (b'-', flags) => (Kind::File, flags),
        _ => return None,
    };
    if flags.len() != 4 || !flags.iter().all(|byte| b"rwahs-".contains(byte)) {
        return None;
    }
    let size = size(bytes.text)?;
    let (when, taken) = date::read_full(rest, context.zone)?;
    let name = trim(&context.line[rest[taken - 1].end()..]);
    if name.is_empty() {
        return Some(Found::Refused(Refusal::NotUnderstood));
    }
    let mut entry = Entry::new(name, kind);
    match size {
        Size::Bytes(bytes) => entry.attributes.size = Some(bytes),
        Size::TooLarge => return Some(Found::Refused(Refusal::Size)),
        Size::Rounded => return None,
    }
    Some(Found::Entry(entry, Some(when)))
}
