//! The lines of MLSD and MLST: RFC 3659 section 7. Must never know of LIST.

use super::{Line, Refusal, checked, date};
use crate::fs::{Entry, Kind, Precision, path};

/// What the facts of a line say; what is left out is not known.
struct Facts {
    entry: Entry,
    /// `cdir` or `pdir`: the directory itself or the one above.
    is_self_or_parent: bool,
}

pub(super) fn line(line: &[u8]) -> Line {
    if line.iter().all(u8::is_ascii_whitespace) {
        return Line::Ignored;
    }
    let refused = |why| Line::Refused { line: line.to_vec(), why };
    let Some((facts, name)) = split(line) else {
        return refused(Refusal::NotUnderstood);
    };
    match read(facts, name) {
        Ok(facts) if facts.is_self_or_parent => Line::Ignored,
        Ok(facts) => checked(facts.entry, line),
        Err(why) => refused(why),
    }
}

pub(super) fn mlst(line: &[u8]) -> Result<Entry, Refusal> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    // The space at the beginning is the reply's; the facts' own separator comes after the last `;`.
    let trimmed = match line.strip_prefix(b" ") {
        Some(rest) if rest.contains(&b' ') => rest,
        _ => line,
    };
    let (facts, path) = split(trimmed).ok_or(Refusal::NotUnderstood)?;
    let mut entry = read(facts, path)?.entry;
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    let start = path[..end].iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    entry.name = if end == 0 && !path.is_empty() { (*b"/").into() } else { path[start..end].into() };
    if &*entry.name != b"/" {
        path::check_name(&entry.name).map_err(Refusal::Name)?;
    }
    Ok(entry)
}

/// The facts and the name: RFC 3659 section 7.2 ends every fact with `;` and the facts with one space.
/// There are servers that send a tab instead, and drafts that had no `;` after the last fact.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    // The space that MLST's answer begins with, which some servers print here too.
    if let Some(rest) = line.strip_prefix(b" ")
        && begins_with_type(rest)
    {
        return split(rest);
    }
    let mut at = 0;
    loop {
        let rest = &line[at..];
        if matches!(rest.first()?, b' ' | b'\t') {
            return Some((&line[..at], &rest[1..]));
        }
        let end = rest.iter().position(|byte| *byte == b';');
        let space = rest.iter().position(|byte| *byte == b' ');
        // A link's target may contain spaces, no other fact does.
        if let Some(space) = space
            && end.is_none_or(|end| space < end)
            && !contains(&rest[..space], b"link:")
        {
            return rest[..space].contains(&b'=').then(|| (&line[..at + space], &rest[space + 1..]));
        }
        let end = end?;
        if !rest[..end].contains(&b'=') {
            return None;
        }
        at += end + 1;
    }
}

/// Whether one of the facts that a line begins with is its type.
fn begins_with_type(line: &[u8]) -> bool {
    let facts = line.iter().position(|byte| *byte == b' ').map_or(line, |space| &line[..space]);
    let is_type = |fact: &[u8]| fact.get(..5).is_some_and(|key| key.eq_ignore_ascii_case(b"type="));
    facts.ends_with(b";") && facts.split(|byte| *byte == b';').any(is_type)
}

fn contains(text: &[u8], what: &[u8]) -> bool {
    text.windows(what.len()).any(|window| window.eq_ignore_ascii_case(what))
}

fn read(facts: &[u8], name: &[u8]) -> Result<Facts, Refusal> {
    let mut entry = Entry::new(name, Kind::Other);
    let mut is_self_or_parent = false;
    let mut kind = None;
    for fact in facts.split(|byte| *byte == b';') {
        let Some(equals) = fact.iter().position(|byte| *byte == b'=') else { continue };
        let (key, value) = (fact[..equals].to_ascii_lowercase(), &fact[equals + 1..]);
        let text = std::str::from_utf8(value).ok();
        let number = || text.and_then(|text| text.parse::<u32>().ok());
        match key.as_slice() {
            b"type" => {
                let lower = value.to_ascii_lowercase();
                is_self_or_parent = matches!(&lower[..], b"cdir" | b"pdir");
                kind = Some(kind_of(&lower, value, &mut entry));
            }
            b"size" | b"sizd" => entry.attributes.size = size(value)?,
            b"modify" => {
                if let Some(time) = date::time_val(value) {
                    (entry.attributes.mtime, entry.mtime_precision) = (Some(time), Precision::Second);
                }
            }
            b"unix.mode" => {
                let mode = text.and_then(|text| u32::from_str_radix(text, 8).ok());
                entry.attributes.mode = mode.map(|mode| mode & 0o7777);
            }
            b"unix.uid" => entry.attributes.uid = number(),
            b"unix.gid" => entry.attributes.gid = number(),
            // Servers put a number or a name here; a name fact of its own says it better.
            b"unix.owner" => match number() {
                Some(id) => {
                    entry.attributes.uid.get_or_insert(id);
                }
                None => {
                    entry.owner.get_or_insert(String::from_utf8_lossy(value).into());
                }
            },
            b"unix.group" => match number() {
                Some(id) => {
                    entry.attributes.gid.get_or_insert(id);
                }
                None => {
                    entry.group.get_or_insert(String::from_utf8_lossy(value).into());
                }
            },
            b"unix.ownername" => entry.owner = Some(String::from_utf8_lossy(value).into()),
            b"unix.groupname" => entry.group = Some(String::from_utf8_lossy(value).into()),
            _ => {}
        }
    }
    // Without a type, the size is the best sign: RFC 3659 section 7.5.1 makes none of it obligatory.
    entry.kind = kind.unwrap_or(if entry.attributes.size.is_some() { Kind::File } else { Kind::Other });
    Ok(Facts { entry, is_self_or_parent })
}

fn kind_of(lower: &[u8], value: &[u8], entry: &mut Entry) -> Kind {
    match lower {
        b"file" => Kind::File,
        b"dir" | b"cdir" | b"pdir" => Kind::Dir,
        _ => {
            // `OS.unix=slink:target` (RFC 3659 section 7.5.1.5), and what servers made of it.
            let rest = lower.strip_prefix(b"os.unix=").unwrap_or(lower);
            let link = [&b"slink"[..], b"symlink"].iter().find_map(|word| rest.strip_prefix(*word));
            match link {
                Some(b"") => Kind::Symlink,
                Some([b':', target @ ..]) => {
                    if !target.is_empty() {
                        // From the value itself: lower case is for the words only.
                        entry.target = Some(value[value.len() - target.len()..].into());
                    }
                    Kind::Symlink
                }
                _ => Kind::Other,
            }
        }
    }
}

/// Not below 2^63 is refused; what is no number is not known.
fn size(value: &[u8]) -> Result<Option<u64>, Refusal> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Ok(None);
    }
    let size = std::str::from_utf8(value).ok().and_then(|text| text.parse::<u64>().ok());
    match size {
        Some(size) if size <= i64::MAX as u64 => Ok(Some(size)),
        _ => Err(Refusal::Size),
    }
}
