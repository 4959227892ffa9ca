//! The lines of z/OS (MVS): data sets, members of partitioned data sets, and load modules. A size in
//! tracks or records is no size in bytes and is left out.

use super::{
    date::{self, Order, When},
    found::{Context, Found},
    token::{Token, is_number, trim},
};
use crate::fs::{Attributes, Entry, Kind};

/// What the last heading announced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Table {
    #[default]
    None,
    DataSets,
    /// Of source or of load modules: some have no more than a name.
    Members,
}

#[derive(Default)]
pub(super) struct Reader {
    table: Table,
}

impl Reader {
    pub fn read(&mut self, context: &Context<'_>) -> Option<Found> {
        if let Some(table) = heading(context.tokens) {
            self.table = table;
            return Some(Found::Ignored);
        }
        data_set(context)
            .or_else(|| member(context))
            .or_else(|| load_module(context))
            .or_else(|| self.bare(context))
    }

    /// What only the heading makes intelligible.
    fn bare(&self, context: &Context<'_>) -> Option<Found> {
        match (self.table, context.tokens) {
            (Table::Members, [name]) if is_member(name.text) => {
                Some(Found::Entry(Entry::new(name.text, Kind::File), None))
            }
            (Table::DataSets, [organisation, name]) if is_data_set(name.text) => match organisation.text {
                b"VSAM" => Some(Found::Entry(Entry::new(name.text, Kind::File), None)),
                // The base of a generation group is neither file nor directory.
                b"GDG" => Some(Found::Entry(Entry::new(name.text, Kind::Other), None)),
                _ => None,
            },
            _ => None,
        }
    }
}

fn heading(tokens: &[Token<'_>]) -> Option<Table> {
    let [first, second, third, ..] = tokens else { return None };
    match (first.text, second.text, third.text) {
        (b"Volume", b"Unit", _) => Some(Table::DataSets),
        (b"Name", b"VV.MM", _) | (b"Name", b"Size", b"TTR") => Some(Table::Members),
        _ => None,
    }
}

/// `VOL001 3390 2024/11/20 1 15 FB 80 27920 PO USER.SOURCE` and the forms with less.
fn data_set(context: &Context<'_>) -> Option<Found> {
    let tokens = context.tokens;
    let name = tokens.last()?;
    let entry = |kind| Entry::new(unquoted(name.text), kind);
    let words: Vec<&[u8]> = tokens.iter().map(|token| token.text).collect();
    if !is_data_set(name.text) {
        return None;
    }
    match words[..] {
        [b"Migrated" | b"MIGRATED", _] | [b"ARCIVE", b"Not", b"Direct", b"Access", b"Device", _] => {
            return Some(Found::Entry(entry(Kind::File), None));
        }
        [b"Error", b"determining", b"attributes", _] => {
            return Some(Found::Entry(entry(Kind::Other), None));
        }
        [b"Pseudo", b"Directory", _] => return Some(Found::Entry(entry(Kind::Dir), None)),
        [volume, b"Tape" | b"TAPE", _] | [volume, _, b"VSAM", _] if is_volume(volume) => {
            return Some(Found::Entry(entry(Kind::File), None));
        }
        _ => {}
    }
    let [volume, unit, referred, middle @ .., _] = tokens else { return None };
    let organisation = middle.last()?.text;
    let is_unit = unit.text.len() <= 8 && unit.text.iter().all(u8::is_ascii_alphanumeric);
    let kind = match organisation {
        b"PO" | b"PO-E" | b"POU" | b"PDSE" => Kind::Dir,
        b"PS" | b"PS-E" | b"PS-L" | b"PSU" | b"PS-B" | b"DA" | b"DAU" | b"VS" | b"VSAM" | b"NONE" | b"IS"
        | b"?" | b"**" | b"PATH" => Kind::File,
        _ => return None,
    };
    if !is_volume(volume.text) || !is_unit || middle.len() < 4 || middle.len() > 6 {
        return None;
    }
    let mut entry = entry(kind);
    if referred.text != b"**NONE**" {
        // Old releases had the month first.
        let orders = &[Order::YearMonthDay, Order::MonthDayYear];
        let (when, 1) = date::read_plain(&tokens[2..3], context.zone, orders)? else {
            return None;
        };
        // The day of the last use, which is not that of the last change.
        if let date::At::Known(day) = when.at {
            entry.attributes = Attributes { atime: Some(day), ..Attributes::default() };
        }
    }
    Some(Found::Entry(entry, None))
}

/// `NAME 01.03 2002/09/12 2024/11/20 21:02 11 11 0 USER01`.
fn member(context: &Context<'_>) -> Option<Found> {
    let [name, version, _created, rest @ ..] = context.tokens else { return None };
    let is_version = version.text.len() == 5
        && version.text[2] == b'.'
        && is_number(&version.text[..2])
        && is_number(&version.text[3..]);
    if !is_version || !is_member_like(name.text) {
        return None;
    }
    let (when, taken) = date::read_plain(rest, context.zone, &[Order::YearMonthDay])?;
    let counts = rest.get(taken..)?;
    let id = match counts {
        [size, init, changed] | [size, init, changed, _]
            if [size, init, changed].iter().all(|token| token.is_number()) =>
        {
            counts.get(3)
        }
        _ => return None,
    };
    let mut entry = Entry::new(name.text, Kind::File);
    entry.owner = id.map(|id| String::from_utf8_lossy(id.text).into());
    Some(Found::Entry(entry, Some(when) as Option<When>))
}

/// `NAME 03DBD8 031506 ALIAS 01 FO RN RU 31 24`: sizes and places are hexadecimal.
fn load_module(context: &Context<'_>) -> Option<Found> {
    let [name, size, place, rest @ ..] = context.tokens else { return None };
    let is_hex = |token: &Token<'_>| token.text.len() == 6 && token.text.iter().all(u8::is_ascii_hexdigit);
    let mode = |token: &Token<'_>| matches!(token.text, b"24" | b"31" | b"64" | b"ANY" | b"SPLIT" | b"MIN");
    let [.., addressing, residence] = rest else { return None };
    if !is_hex(size) || !is_hex(place) || !mode(addressing) || !mode(residence) || !is_member_like(name.text)
    {
        return None;
    }
    Some(Found::Entry(Entry::new(name.text, Kind::File), None))
}

fn is_volume(text: &[u8]) -> bool {
    (1..=6).contains(&text.len())
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"@#$-*".contains(byte))
}

/// At most 44 characters and no separator of anything else.
fn is_data_set(text: &[u8]) -> bool {
    let text = unquoted(text);
    (1..=44).contains(&text.len())
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"@#$-._{".contains(byte))
}

fn unquoted(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"'").and_then(|text| text.strip_suffix(b"'")).unwrap_or(text)
}

/// At most eight characters, the first no digit: z/OS MVS JCL Reference, "member name".
fn is_member(text: &[u8]) -> bool {
    text.len() <= 8 && is_member_like(text) && !text[0].is_ascii_digit()
}

fn is_member_like(text: &[u8]) -> bool {
    let text = trim(text);
    !text.is_empty() && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"@#$-{".contains(byte))
}
