//! The lines of `ls -l` and of all that imitates it. Must never know of other dialects.

use super::{
    Refusal,
    date::{self, When},
    found::{Context, Found},
    token::{Size, Token, is_number, is_space, size, trim},
};
use crate::fs::{Entry, Kind, Precision, entry::special_of};

/// The mode column, read.
struct Mode {
    kind: Kind,
    bits: Option<u32>,
    /// What stands in the same token after it: a link count that left no room for a space.
    links: bool,
    is_device: bool,
    /// As in [`Entry`].
    special: Option<char>,
    /// Nobody else begins a line like this.
    is_certain: bool,
}

pub(super) fn read(context: &Context<'_>) -> Option<Found> {
    let tokens = context.tokens;
    if let Some(found) = numbers_only(context) {
        return Some(found);
    }
    // `ls -i` and `ls -s` put the inode and the blocks before the mode.
    let first = tokens.iter().take(2).take_while(|token| size(token.text).is_some()).count();
    let mode = mode(tokens.get(first)?.text)?;
    let rest = &tokens[first + 1..];
    match columns(context, rest) {
        Some(columns) => Some(entry(context, &mode, rest, &columns)),
        None if mode.is_certain => dateless(context, &mode, rest),
        None => None,
    }
}

/// Where the size and the name are, and the date between them.
struct Columns {
    /// How many tokens come before the size.
    before: usize,
    size: Option<Size>,
    /// The group that left no room before the size: its length in the size's token.
    glued: usize,
    when: When,
    /// Where the name begins in the line.
    name: usize,
}

/// Finds the first date with a size before it: neither owners nor names are that regular.
fn columns(context: &Context<'_>, rest: &[Token<'_>]) -> Option<Columns> {
    let mut glued = None;
    for at in 1..rest.len() {
        let Some((when, taken)) = date::read(&rest[at..], context.zone) else { continue };
        let end = rest[at + taken - 1].end();
        // Exactly one separator: what follows is the name's, be it spaces.
        let name = end + 1 + padding(context.line, &rest[at..at + taken], when.precision);
        if name >= context.line.len() {
            continue;
        }
        let text = rest[at - 1].text;
        if at >= 2 && is_number(text) && rest[at - 2].text.ends_with(b",") && is_major(rest[at - 2].text) {
            return Some(Columns { before: at - 2, size: None, glued: 0, when, name });
        }
        if is_device_number(text) {
            return Some(Columns { before: at - 1, size: None, glued: 0, when, name });
        }
        if let Some(size) = size(text) {
            return Some(Columns { before: at - 1, size: Some(size), glued: 0, when, name });
        }
        if glued.is_none() {
            let letters = text.iter().rposition(|byte| !byte.is_ascii_digit())? + 1;
            if text[letters - 1].is_ascii_alphabetic()
                && let Some(size) = size(&text[letters..])
            {
                glued = Some(Columns { before: at - 1, size: Some(size), glued: letters, when, name });
            }
        }
    }
    glued
}

/// How many spaces fill up the column of a date that is alone in it; they are not the name's.
fn padding(line: &[u8], date: &[Token<'_>], precision: Precision) -> usize {
    let Some(last) = date.last().filter(|_| precision == Precision::Day) else { return 0 };
    let rest = &line[last.end()..];
    let Some(spaces) = rest.iter().position(|byte| *byte != b' ') else { return 0 };
    let most = match date {
        // `ls --time-style=iso` makes it as wide as `11-20 21:02`.
        [alone] if alone.text.contains(&b'-') => 1,
        [_] => spaces,
        // As wide as a time, the year has its space before it: `Nov 20  2024`. Where it stands at the left
        // of the column, the space comes after it.
        [.., before, year] if year.start == before.end() + 1 && year.text.len() == 4 => 1,
        _ => 0,
    };
    most.min(spaces.saturating_sub(1))
}

/// `8,` of `8, 1`, or `0x8,`.
fn is_major(text: &[u8]) -> bool {
    let number = &text[..text.len() - 1];
    is_number(number) || number.strip_prefix(b"0x").is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
}

/// `8,1`: groups of a size have three digits.
fn is_device_number(text: &[u8]) -> bool {
    let mut parts = text.split(|byte| *byte == b',');
    matches!((parts.next(), parts.next(), parts.next()), (Some(major), Some(minor), None)
        if is_number(major) && is_number(minor) && (minor.len() != 3 || major.len() > 3))
        || text
            .strip_prefix(b"0x")
            .is_some_and(|hex| !hex.is_empty() && hex.iter().all(u8::is_ascii_hexdigit))
}

fn entry(context: &Context<'_>, mode: &Mode, rest: &[Token<'_>], columns: &Columns) -> Found {
    let mut entry = named(mode, &context.line[columns.name..]);
    let before = &rest[..columns.before];
    let size_token = rest.get(columns.before);
    match columns.size {
        Some(Size::TooLarge) => return Found::Refused(Refusal::Size),
        // NetPresenz counts what a folder holds; a device's two numbers may look like one.
        Some(Size::Bytes(bytes)) if !mode.is_device && !is_folder_count(before) => {
            entry.attributes.size = Some(bytes);
        }
        _ => {}
    }
    let total = entry.attributes.size;
    let mode_end = context.tokens[context.tokens.len() - rest.len() - 1].end();
    if is_folder_count(before) || is_forks(before, total, mode_end) {
        return Found::Entry(entry, Some(columns.when));
    }
    // Connect:Enterprise puts a letter for the transfer's type before the owner.
    let before = match before {
        [letter, rest @ ..] if !mode.is_certain && letter.text.len() == 1 && !letter.is_number() => rest,
        _ => before,
    };
    let glued = size_token.map(|token| &token.text[..columns.glued]).filter(|group| !group.is_empty());
    owners(&mut entry, context.line, before, mode.links, glued);
    Found::Entry(entry, Some(columns.when))
}

/// `folder` in the place of the owner: NetPresenz. Peter's server may have a number before it.
fn is_folder_count(before: &[Token<'_>]) -> bool {
    matches!(before, [word] if word.text == b"folder")
        || matches!(before, [number, word] if number.is_number() && word.text == b"folder")
}

/// How wide the column of the link count is at most, with the space before it.
const LINKS_WIDTH: usize = 7;

/// The sizes of the resource and the data fork before their sum: NetPresenz, WebStar, Peter's server.
fn is_forks(before: &[Token<'_>], total: Option<u64>, mode_end: usize) -> bool {
    let [resource, data] = before else { return false };
    let bytes = |token: &Token<'_>| match size(token.text) {
        Some(Size::Bytes(bytes)) => Some(bytes),
        _ => None,
    };
    // Small numbers are a link count and an owner whose sum is the size by chance.
    let is_wide = resource.end() - mode_end > LINKS_WIDTH;
    matches!((bytes(resource), bytes(data), total), (Some(resource), Some(data), Some(total))
        if total > 0 && resource.checked_add(data) == Some(total) && (resource == 0 || total > 10_000 || is_wide))
}

/// The entry of that name; the arrow and the target cut off from a link's.
fn named(mode: &Mode, name: &[u8]) -> Entry {
    let mut name = name;
    let mut target = None;
    if mode.kind == Kind::Symlink
        && let Some(arrow) = name.windows(4).position(|four| four == b" -> ")
    {
        target = Some(&name[arrow + 4..]);
        name = &name[..arrow];
    }
    // `ls -F` marks directories; no name contains a slash.
    if mode.kind == Kind::Dir && name.len() > 1 {
        name = name.strip_suffix(b"/").unwrap_or(name);
    }
    let mut entry = Entry::new(name, mode.kind);
    entry.special = mode.special;
    entry.attributes.mode = mode.bits;
    entry.target = target.filter(|target| !target.is_empty()).map(Box::from);
    entry
}

/// Owner and group from what stands between the mode and the size. Both may be missing, and both may
/// contain spaces; then the gaps of the columns tell them apart.
fn owners(entry: &mut Entry, line: &[u8], before: &[Token<'_>], links_done: bool, glued: Option<&[u8]>) {
    let has_links = !links_done && before.first().is_some_and(Token::is_number);
    let before = &before[usize::from(has_links)..];
    let mut names: Vec<Vec<u8>> = Vec::new();
    if let (Some(first), Some(last)) = (before.first(), before.last()) {
        let text = &line[first.start..last.end()];
        names = pieces(text);
        if names.len() == 1 && before.len() > 1 {
            names = vec![first.text.to_vec(), trim(&text[first.text.len()..]).to_vec()];
        } else if names.len() > 2 {
            let rest = names.split_off(1).join(&b' ');
            names.push(rest);
        }
    }
    if let Some(glued) = glued {
        names.push(glued.to_vec());
    }
    let mut names = names.into_iter();
    let number = |name: &[u8]| std::str::from_utf8(name).ok().and_then(|text| text.parse::<u32>().ok());
    if let Some(owner) = names.next() {
        match number(&owner) {
            Some(id) => entry.attributes.uid = Some(id),
            None => entry.owner = Some(String::from_utf8_lossy(&owner).into()),
        }
    }
    if let Some(group) = names.next() {
        match number(&group) {
            Some(id) => entry.attributes.gid = Some(id),
            None => entry.group = Some(String::from_utf8_lossy(&group).into()),
        }
    }
}

/// What stands between gaps of two spaces and more.
fn pieces(text: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    let mut piece: Vec<u8> = Vec::new();
    let mut gap = 0;
    for byte in text {
        if is_space(*byte) {
            gap += if *byte == b'\t' { 2 } else { 1 };
            continue;
        }
        if gap >= 2 {
            pieces.push(std::mem::take(&mut piece));
        } else if gap == 1 {
            piece.push(b' ');
        }
        gap = 0;
        piece.push(*byte);
    }
    pieces.push(piece);
    pieces
}

/// `-rw-r--r-- 1 0 0 100 services`: small devices have no clock. Only with a name of one word, since
/// anything else might be a date that nobody understood.
fn dateless(context: &Context<'_>, mode: &Mode, rest: &[Token<'_>]) -> Option<Found> {
    let [links, owner, group, bytes, name, after @ ..] = rest else { return None };
    let is_link = mode.kind == Kind::Symlink && after.first().is_some_and(|arrow| arrow.text == b"->");
    if !links.is_number() || !(after.is_empty() || is_link) || group.text.ends_with(b",") {
        return None;
    }
    let Size::Bytes(bytes) = size(bytes.text)? else { return None };
    let mut entry = named(mode, &context.line[name.start..]);
    entry.attributes.size = (!mode.is_device).then_some(bytes);
    owners(&mut entry, context.line, &[*links, *owner, *group], false, None);
    Some(Found::Entry(entry, None))
}

/// `0100644 500 101 12345 1123456789 name`: the mode, the owners' numbers, the size and the time as
/// `stat` has them.
fn numbers_only(context: &Context<'_>) -> Option<Found> {
    let [mode, uid, gid, bytes, time, ..] = context.tokens else { return None };
    let is_octal = mode.text.len() >= 6
        && mode.text.len() <= 7
        && mode.text.iter().all(|byte| (b'0'..=b'7').contains(byte))
        && mode.text[0] != b'7';
    if !is_octal || ![uid, gid, bytes, time].iter().all(|token| token.is_number()) {
        return None;
    }
    let number = |token: &Token<'_>| std::str::from_utf8(token.text).ok()?.parse::<u64>().ok();
    let mode = u32::from_str_radix(std::str::from_utf8(mode.text).ok()?, 8).ok()?;
    // The file types of stat(2).
    let kind = match mode & 0o170_000 {
        0o040_000 => Kind::Dir,
        0o100_000 => Kind::File,
        0o120_000 => Kind::Symlink,
        _ => Kind::Other,
    };
    let name = context.line.get(time.end() + 1..).map(trim)?;
    let mut entry = Entry::new(name, kind);
    entry.special = special_of(mode);
    entry.attributes.mode = Some(mode & 0o7777);
    entry.attributes.uid = number(uid).and_then(|id| u32::try_from(id).ok());
    entry.attributes.gid = number(gid).and_then(|id| u32::try_from(id).ok());
    match size(bytes.text)? {
        Size::Bytes(bytes) => entry.attributes.size = Some(bytes),
        _ => return Some(Found::Refused(Refusal::Size)),
    }
    let seconds = number(time).and_then(|seconds| i64::try_from(seconds).ok())?;
    Some(Found::Entry(entry, date::of_seconds(seconds)))
}

/// `drwxr-sr-x+`, and what servers made of it.
fn mode(text: &[u8]) -> Option<Mode> {
    let (kind, is_device) = match text.first()? {
        b'-' | b'f' | b'F' | b'm' | b'C' | b'n' | b'w' | b'h' | b'M' => (Kind::File, false),
        b'd' => (Kind::Dir, false),
        // z/OS has external links.
        b'l' | b'L' | b'e' => (Kind::Symlink, false),
        b'b' | b'c' => (Kind::Other, true),
        // Pipes, sockets, Solaris' doors, event ports and whiteouts.
        b'p' | b's' | b'D' | b'P' | b'W' | b'?' | b'|' | b'=' => (Kind::Other, false),
        _ => return None,
    };
    let special = Some(char::from(text[0])).filter(|letter| "pscb".contains(*letter));
    let rest = &text[1..];
    if let Some((bits, marks)) = permissions(rest) {
        let mut marks = marks;
        while let [b'+' | b'.' | b'@' | b'*' | b'-' | b'?', after @ ..] = marks {
            marks = after;
        }
        if !marks.is_empty() && !is_number(marks) {
            return None;
        }
        return Some(Mode {
            kind,
            bits: Some(bits),
            links: !marks.is_empty(),
            is_device,
            special,
            is_certain: true,
        });
    }
    // There are servers that say nothing of others.
    if let Some((owner, group)) = rest.split_at_checked(3)
        && group.len() == 3
        && permission_triple(owner, b"sS").is_some()
        && permission_triple(group, b"sS").is_some()
    {
        return Some(Mode { kind, bits: None, links: false, is_device, special, is_certain: true });
    }
    let usual = rest.len() >= 5 && rest.len() <= 14;
    // Attributes of other systems after or instead of permissions: `-AR--M----TCP`, `drwx---A----`.
    let is_flags = usual
        && matches!(text[0], b'-' | b'd')
        && rest.iter().all(|byte| byte.is_ascii_uppercase() || b"-rwxst".contains(byte))
        && rest.iter().any(u8::is_ascii_uppercase)
        && (rest.starts_with(b"-")
            || rest[0].is_ascii_uppercase()
            || permission_triple(&rest[..3], b"sS").is_some());
    is_flags.then_some(Mode { kind, bits: None, links: false, is_device, special, is_certain: false })
}

/// The nine permission bits with set-id and sticky, and what follows them.
fn permissions(text: &[u8]) -> Option<(u32, &[u8])> {
    if text.len() < 9 {
        return None;
    }
    let (owner, user_id) = permission_triple(&text[..3], b"sS")?;
    // `l` and `L` are mandatory locking, which set-group-id without execution means on System V.
    let (group, group_id) = permission_triple(&text[3..6], b"sSlL")?;
    let (other, sticky) = permission_triple(&text[6..9], b"tT")?;
    let special = u32::from(user_id) << 11 | u32::from(group_id) << 10 | u32::from(sticky) << 9;
    Some((special | owner << 6 | group << 3 | other, &text[9..]))
}

/// The bits of `rwx`, and whether the last letter is one of `special`.
fn permission_triple(text: &[u8], special: &[u8]) -> Option<(u32, bool)> {
    let flag = |byte: u8, letter: u8| match byte {
        b'-' => Some(0),
        _ if byte == letter => Some(1),
        _ => None,
    };
    let [read, write, execute] = text else { return None };
    let bits = flag(*read, b'r')? << 2 | flag(*write, b'w')? << 1;
    match execute {
        b'-' => Some((bits, false)),
        b'x' => Some((bits | 1, false)),
        byte if special.contains(byte) => Some((bits | u32::from(matches!(byte, b's' | b't')), true)),
        _ => None,
    }
}
