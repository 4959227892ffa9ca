//! The lines of OpenVMS: `NAME.TYPE;VERSION`, blocks, date, owner and protection, on one line or two.
//! A size in blocks is no size in bytes and is left out.

use super::{
    Line, checked,
    date::{self, Order},
    found::{Context, Found},
    token::{Token, is_number, tokens},
};
use crate::fs::{Entry, Kind};

/// Remembers the name that a line broke after.
#[derive(Default)]
pub(super) struct Reader {
    /// A name whose facts may follow on the next line.
    name: Option<Vec<u8>>,
}

impl Reader {
    /// The name that nothing followed: the server said no more of it.
    pub fn finish(&mut self) -> Option<Line> {
        let name = self.name.take()?;
        Some(checked(named(&name), &name))
    }

    /// Reads a line. What it puts into `earlier` comes before it.
    pub fn read(&mut self, context: &Context<'_>, earlier: &mut Option<Line>) -> Option<Found> {
        if self.name.is_some() {
            let is_continued = context.tokens.first().is_some_and(|token| !is_name(token.text));
            if is_continued
                && let Some((facts, when)) = facts(context, context.tokens)
                && let Some(name) = self.name.take()
            {
                let mut entry = named(&name);
                facts.fill(&mut entry);
                return Some(Found::Entry(entry, when));
            }
            if is_continued
                && is_privilege_error(context.line)
                && let Some(name) = self.name.take()
            {
                return Some(Found::Entry(named(&name), None));
            }
            *earlier = self.finish();
        }
        let first = context.tokens.first()?;
        if !is_name(first.text) {
            // A protection alone is the rest of a line that was too long; its entry has been given.
            let is_rest = context.tokens.len() == 1
                && first.text.starts_with(b"(")
                && first.text.iter().filter(|byte| **byte == b',').count() == 3
                && protection(first.text).is_some();
            return (is_rest || is_heading(context)).then_some(Found::Ignored);
        }
        let rest = &context.tokens[1..];
        if first.text.contains(&b'*') {
            // `*.*;0 <%RMS-E-FNF, file not found>` is how an empty directory looks.
            return says(context.line, b"file not found").then_some(Found::Ignored);
        }
        if rest.is_empty() {
            self.name = Some(first.text.to_vec());
            return Some(Found::Ignored);
        }
        let mut entry = named(first.text);
        if is_privilege_error(&context.line[first.end()..]) {
            return Some(Found::Entry(entry, None));
        }
        let (facts, when) = facts(context, rest)?;
        facts.fill(&mut entry);
        Some(Found::Entry(entry, when))
    }
}

/// `NAME.TYPE;VERSION`, with or without the directory before it.
fn is_name(text: &[u8]) -> bool {
    let text = without_directory(text);
    text.iter().rposition(|byte| *byte == b';').is_some_and(|at| at > 0 && is_number(&text[at + 1..]))
}

/// `[USER.FILES]NAME.TYPE;1` of CMU's server without what stands in brackets.
fn without_directory(text: &[u8]) -> &[u8] {
    match text.iter().position(|byte| *byte == b']') {
        Some(close) if text.starts_with(b"[") => &text[close + 1..],
        _ => text,
    }
}

/// A directory is listed as a file `NAME.DIR;1` and entered as `NAME`; a file keeps its version, since
/// several may stand side by side.
fn named(text: &[u8]) -> Entry {
    let text = without_directory(text);
    let version = text.iter().rposition(|byte| *byte == b';').unwrap_or(text.len());
    let name = &text[..version];
    let is_dir = name.len() > 4 && name[name.len() - 4..].eq_ignore_ascii_case(b".DIR");
    if is_dir { Entry::new(&name[..name.len() - 4], Kind::Dir) } else { Entry::new(text, Kind::File) }
}

#[derive(Default)]
struct Facts {
    owner: Option<String>,
    group: Option<String>,
    mode: Option<u32>,
}

impl Facts {
    fn fill(self, entry: &mut Entry) {
        entry.owner = self.owner.map(Into::into);
        entry.group = self.group.map(Into::into);
        entry.attributes.mode = self.mode;
    }
}

/// Blocks, date, owner and protection, in whatever order; a date must be among them.
fn facts(context: &Context<'_>, words: &[Token<'_>]) -> Option<(Facts, Option<date::When>)> {
    let mut facts = Facts::default();
    let mut when = None;
    let mut blocks = false;
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if when.is_none()
            && let Some((date, taken)) = date::read_plain(&words[at..], context.zone, &[Order::DayMonthYear])
        {
            when = Some(date);
            at += taken;
            continue;
        }
        if is_blocks(word.text) && !blocks {
            blocks = true;
        } else if word.text.starts_with(b"[") {
            // An owner that is too long loses its bracket to the protection.
            let rest = &context.line[word.start + 1..];
            let end = rest.iter().position(|byte| matches!(byte, b']' | b'(')).unwrap_or(rest.len());
            let inside = String::from_utf8_lossy(&rest[..end]);
            let (group, owner) = inside.split_once(',').map_or((None, &*inside), |(g, o)| (Some(g), o));
            facts.owner = Some(owner.trim().to_owned());
            facts.group = group.map(|group| group.trim().to_owned());
            let stop = word.start + 1 + end;
            while words.get(at + 1).is_some_and(|next| next.start < stop) {
                at += 1;
            }
        } else if word.text.starts_with(b"(") {
            facts.mode = Some(protection(word.text)?);
        } else if when.is_some() && facts.owner.is_none() && !word.text.contains(&b':') {
            facts.owner = Some(String::from_utf8_lossy(word.text).into_owned());
        } else {
            return None;
        }
        at += 1;
    }
    when.map(|when| (facts, Some(when)))
}

/// `9`, `9/12`, `2KB`, and stars where the number has no room.
fn is_blocks(text: &[u8]) -> bool {
    if !text.is_empty() && text.iter().all(|byte| *byte == b'*') {
        return true;
    }
    let mut parts = text.split(|byte| *byte == b'/');
    let first = parts.next().unwrap_or_default();
    let number = [&b"KB"[..], b"MB", b"GB", b"B"].iter().find_map(|unit| first.strip_suffix(*unit));
    is_number(number.unwrap_or(first)) && parts.next().is_none_or(is_number) && parts.next().is_none()
}

/// `(system,owner,group,world)`, each of R, W, E and D: the last three as permission bits.
fn protection(text: &[u8]) -> Option<u32> {
    let inside = text.strip_prefix(b"(")?.strip_suffix(b")")?;
    let mut mode = 0;
    for (at, class) in inside.split(|byte| *byte == b',').enumerate() {
        let mut bits = 0;
        for letter in class {
            bits |= match letter.to_ascii_uppercase() {
                b'R' => 4,
                b'W' => 2,
                b'E' => 1,
                b'D' => 0,
                _ => return None,
            };
        }
        if at > 3 {
            return None;
        }
        // The system's share has no counterpart.
        mode = if at == 0 { 0 } else { mode << 3 | bits };
    }
    Some(mode)
}

/// What stands for the facts of a file that the login may not look at.
fn is_privilege_error(text: &[u8]) -> bool {
    let words = tokens(text);
    let first = words.first().map_or(&b""[..], |word| word.text);
    let first = first.strip_prefix(b"<").unwrap_or(first);
    first.starts_with(b"%RMS-")
        || first.starts_with(b"%SYSTEM-")
        || says(text, b"insufficient privilege")
        || says(text, b"no privilege")
}

fn says(text: &[u8], what: &[u8]) -> bool {
    text.windows(what.len()).any(|window| window.eq_ignore_ascii_case(what))
}

/// `Directory DISK:[USER]` or no more than `DISK:[USER]`, `Total of 6 files, 54 blocks.`, `Grand total of 1 directory`.
fn is_heading(context: &Context<'_>) -> bool {
    let first = context.tokens.first().map_or(&b""[..], |token| token.text);
    let is_place = first.ends_with(b"]") && first.windows(2).any(|two| two == b":[");
    if is_place && context.tokens.len() == 1 {
        return true;
    }
    if ![&b"directory"[..], b"total", b"grand"].iter().any(|word| first.eq_ignore_ascii_case(word)) {
        return false;
    }
    let text = String::from_utf8_lossy(context.line).to_ascii_lowercase();
    let text = text.trim();
    let is_directory = text.starts_with("directory ") && (text.contains('[') || text.contains(':'));
    let counts = text.contains(" file") || text.contains(" block") || text.contains(" director");
    is_directory
        || counts && (text.starts_with("total of ") || text.starts_with("grand total of "))
        || text.starts_with("total ") && text.ends_with(" files")
}
