//! The lines of NetWare and Hellsoft: a kind, trustee rights in brackets, owner, size, date and name.

use super::{
    Refusal, date,
    found::{Context, Found},
    token::{Size, size, tokens, trim},
};
use crate::fs::{Entry, Kind};

pub(super) fn read(context: &Context<'_>) -> Option<Found> {
    let line = context.line;
    let kind = match line.first()? {
        b'd' => Kind::Dir,
        b'-' | b' ' => Kind::File,
        _ => return None,
    };
    let rights = trim(&line[1..]);
    let close = rights.iter().position(|byte| *byte == b']')?;
    let is_rights = rights.first() == Some(&b'[')
        && close <= 12
        && rights[1..close].iter().all(|byte| b"RWCEAFMS- ".contains(byte));
    if !is_rights {
        return None;
    }
    let rest = &rights[close + 1..];
    let words = tokens(rest);
    for at in 1..words.len() {
        let date = &words[at..];
        let when = date::read_full(date, context.zone).or_else(|| date::read(date, context.zone));
        let Some((when, taken)) = when else { continue };
        let Some(size) = size(words[at - 1].text) else { continue };
        // Hellsoft aligns names with several spaces; no name of NetWare begins with one.
        let mut entry = Entry::new(trim(&rest[words[at + taken - 1].end()..]), kind);
        match size {
            Size::Bytes(bytes) => entry.attributes.size = Some(bytes),
            Size::TooLarge => return Some(Found::Refused(Refusal::Size)),
            Size::Rounded => {}
        }
        // A link count may stand before the owner, as `ls` has it.
        let names = match &words[..at - 1] {
            [links, owners @ ..] if links.is_number() && !owners.is_empty() => owners,
            owners => owners,
        };
        let mut names = names.iter();
        let name =
            |word: Option<&super::token::Token<'_>>| word.map(|w| String::from_utf8_lossy(w.text).into());
        entry.owner = name(names.next());
        entry.group = name(names.next());
        return Some(Found::Entry(entry, Some(when)));
    }
    None
}
