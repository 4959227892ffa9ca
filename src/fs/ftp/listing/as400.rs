//! The lines of IBM i (AS/400): owner, size, date, time, `*TYPE` and name.

use super::{
    Refusal,
    date::{self, Order},
    found::{Context, Found},
    token::{Size, Token, size, trim},
};
use crate::fs::{Entry, Kind};

pub(super) fn read(context: &Context<'_>) -> Option<Found> {
    let tokens = context.tokens;
    let owner = tokens.first()?;
    // A member of a file has neither size nor date.
    if is_type(tokens.get(1)?) {
        return entry(context, &tokens[1]).map(|entry| found(entry, owner, None));
    }
    let size = size(tokens[1].text)?;
    // The job's date format decides, and jobs have any.
    let (when, taken) = date::read_plain(&tokens[2..], context.zone, &Order::ALL)?;
    let kind = tokens.get(2 + taken).filter(|token| is_type(token))?;
    let mut entry = entry(context, kind)?;
    match size {
        Size::Bytes(bytes) => entry.attributes.size = Some(bytes),
        Size::TooLarge => return Some(Found::Refused(Refusal::Size)),
        Size::Rounded => return None,
    }
    Some(found(entry, owner, Some(when)))
}

fn is_type(token: &Token<'_>) -> bool {
    token.text.len() >= 3
        && token.text[0] == b'*'
        && token.text[1..].iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn entry(context: &Context<'_>, kind: &Token<'_>) -> Option<Entry> {
    let name = trim(context.line.get(kind.end()..)?);
    let is_dir = matches!(kind.text, b"*DIR" | b"*DDIR" | b"*LIB" | b"*FLR") || name.ends_with(b"/");
    let kind = match kind.text {
        _ if is_dir => Kind::Dir,
        b"*SYMLNK" | b"*LNK" => Kind::Symlink,
        _ => Kind::File,
    };
    let name = name.strip_suffix(b"/").unwrap_or(name);
    (!name.is_empty()).then(|| Entry::new(name, kind))
}

fn found(mut entry: Entry, owner: &Token<'_>, when: Option<date::When>) -> Found {
    entry.owner = Some(String::from_utf8_lossy(owner.text).into());
    Found::Entry(entry, when)
}
