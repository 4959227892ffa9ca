//! The listing parser against tables of lines: what each must become, in `tests/listing/*.txt`, and
//! against bytes of any kind. Needs no server.
//!
//! A table has blocks: lines of a listing, then for each of them `= ` and what it is: `ignored`,
//! `refused WHY`, or `kind|name|size|time|mode|owner|group|target` with what is not known left empty.
//! A time ends in `~min` or `~day` where it is no more exact. `! zone SECONDS` and `! mlsd` hold to the
//! end of the block; `\xNN` and `\t` stand for bytes.

use std::{fs, path::Path};

use proptest::prelude::*;
use wharf::fs::{
    Entry, Kind, Precision, Timestamp,
    ftp::listing::{self, Line, MAX_LINE, Parser, Refusal},
    path::NameError,
};

/// 2026-11-21 12:00 UTC.
const NOW: Timestamp = Timestamp::from_seconds(1_795_262_400);

fn lines_of(parser: Parser, pieces: &[&[u8]]) -> Vec<Line> {
    let mut parser = parser;
    let mut lines = Vec::new();
    for piece in pieces {
        lines.extend(parser.feed(piece));
    }
    lines.extend(parser.finish());
    lines
}

fn list(text: &[u8]) -> Vec<Line> {
    lines_of(Parser::list(NOW, Some(0)), &[text])
}

fn mlsd(text: &[u8]) -> Vec<Line> {
    lines_of(Parser::mlsd(), &[text])
}

#[derive(Default)]
struct Block {
    place: String,
    zone: Option<i32>,
    mlsd: bool,
    input: Vec<u8>,
    expected: Vec<String>,
}

impl Block {
    fn check(&self, failures: &mut Vec<String>) {
        let parser = if self.mlsd { Parser::mlsd() } else { Parser::list(NOW, self.zone.or(Some(0))) };
        let found: Vec<String> = lines_of(parser, &[&self.input]).iter().map(shown).collect();
        let expected: Vec<&str> = self.expected.iter().map(|line| line.trim_end_matches('|')).collect();
        if found != expected {
            failures.push(format!(
                "{}: {}\n  expected {expected:#?}\n  found    {found:#?}",
                self.place,
                String::from_utf8_lossy(&self.input).trim_end()
            ));
        }
    }
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some(byte) = rest.first() {
        match rest {
            [b'\\', b'x', high, low, ..] => {
                let hex = [*high, *low];
                out.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
                rest = &rest[4..];
            }
            [b'\\', b't', ..] => {
                out.push(b'\t');
                rest = &rest[2..];
            }
            _ => {
                out.push(*byte);
                rest = &rest[1..];
            }
        }
    }
    out
}

fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.replace('\t', "\\t"),
        Err(_) => bytes
            .iter()
            .map(
                |byte| if byte.is_ascii() { char::from(*byte).to_string() } else { format!("\\x{byte:02X}") },
            )
            .collect(),
    }
}

fn shown(line: &Line) -> String {
    match line {
        Line::Ignored => "ignored".to_owned(),
        Line::Refused { why, .. } => match why {
            Refusal::NotUnderstood => "refused unknown".to_owned(),
            Refusal::TooLong => "refused long".to_owned(),
            Refusal::LineBreak => "refused line break".to_owned(),
            Refusal::Size => "refused size".to_owned(),
            Refusal::Name(error) => format!("refused name {error:?}").to_lowercase(),
        },
        Line::Entry(entry) => shown_entry(entry).trim_end_matches('|').to_owned(),
    }
}

fn shown_entry(entry: &Entry) -> String {
    let attributes = &entry.attributes;
    let kind = match entry.kind {
        Kind::File => "file",
        Kind::Dir => "dir",
        Kind::Symlink => "link",
        Kind::Other => "other",
    };
    let time = attributes.mtime.map_or_else(String::new, |time| {
        let at = chrono::DateTime::from_timestamp(time.seconds, time.nanos).unwrap().naive_utc();
        match entry.mtime_precision {
            Precision::Second => at.format("%Y-%m-%d %H:%M:%S%.f").to_string(),
            Precision::Minute => at.format("%Y-%m-%d %H:%M~min").to_string(),
            Precision::Day if at.format("%H:%M").to_string() == "00:00" => {
                at.format("%Y-%m-%d~day").to_string()
            }
            Precision::Day => at.format("%Y-%m-%d %H:%M~day").to_string(),
        }
    });
    let or_id = |name: &Option<std::sync::Arc<str>>, id: Option<u32>| match (name, id) {
        (Some(name), _) => name.to_string(),
        (None, id) => id.map_or_else(String::new, |id| id.to_string()),
    };
    [
        kind.to_owned(),
        text(&entry.name),
        attributes.size.map_or_else(String::new, |size| size.to_string()),
        time,
        attributes.mode.map_or_else(String::new, |mode| format!("{mode:04o}")),
        or_id(&entry.owner, attributes.uid),
        or_id(&entry.group, attributes.gid),
        entry.target.as_deref().map_or_else(String::new, text),
    ]
    .join("|")
}

fn blocks(path: &Path) -> Vec<Block> {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let mut blocks = Vec::new();
    let mut block = Block::default();
    for (number, line) in fs::read_to_string(path).unwrap().lines().enumerate() {
        if line.starts_with("# ") || line == "#" {
            continue;
        }
        if let Some(expected) = line.strip_prefix("= ") {
            block.expected.push(expected.to_owned());
            continue;
        }
        if !block.expected.is_empty() {
            blocks.push(std::mem::take(&mut block));
        }
        if block.place.is_empty() {
            block.place = format!("{name}:{}", number + 1);
        }
        if let Some(zone) = line.strip_prefix("! zone ") {
            block.zone = Some(zone.parse().unwrap());
        } else if line == "! mlsd" {
            block.mlsd = true;
        } else {
            block.input.extend(unescaped(line));
            block.input.extend_from_slice(b"\r\n");
        }
    }
    blocks.push(block);
    blocks
}

fn all_blocks() -> Vec<Block> {
    let tables = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/listing");
    let mut paths: Vec<_> = fs::read_dir(tables).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    paths.iter().flat_map(|path| blocks(path)).collect()
}

#[test]
fn every_line_of_the_tables_is_what_it_must_be() {
    let blocks = all_blocks();
    let mut failures = Vec::new();
    for block in &blocks {
        block.check(&mut failures);
    }
    assert!(failures.is_empty(), "{} of {} blocks\n{}", failures.len(), blocks.len(), failures.join("\n"));
    let lines: usize = blocks.iter().map(|block| block.expected.len()).sum();
    assert!(lines >= 400, "{lines} lines: has a table been left out?");
}

#[test]
fn line_ends_are_crlf_or_lf_and_one_cr_only() {
    let name = |line: &Line| match line {
        Line::Entry(entry) => entry.name.to_vec(),
        other => panic!("{other:?}"),
    };
    let line = "-rw-r--r-- 1 a b 5 Nov 20 21:02 ";
    for (end, expected) in
        [("x\r\n", "x"), ("x\n", "x"), ("x", "x"), ("Icon\r\r\n", "Icon\r"), ("a\rb\n", "a\rb")]
    {
        let lines = list(format!("{line}{end}").as_bytes());
        assert_eq!(lines.len(), 1, "{end:?}");
        assert_eq!(name(&lines[0]), expected.as_bytes(), "{end:?}");
    }
    assert_eq!(list(b"\r\n\n").len(), 2);
    assert!(list(b"").is_empty());
}

#[test]
fn names_that_are_no_names_are_refused() {
    let refused = |text: &[u8]| match &list(text)[..] {
        [Line::Refused { why, line }] => (*why, line.clone()),
        other => panic!("{other:?}"),
    };
    let bad = b"-rw-r--r-- 1 a b 5 Nov 20 21:02 a\0b".to_vec();
    assert_eq!(refused(&bad), (Refusal::Name(NameError::Nul), bad.clone()));
    let bad = b"-rw-r--r-- 1 a b 5 Nov 20 21:02 ../../etc/passwd".to_vec();
    assert_eq!(refused(&bad).0, Refusal::Name(NameError::Slash));
}

#[test]
fn a_line_that_is_too_long_is_refused_and_skipped_to_its_end() {
    let start = b"-rw-r--r-- 1 a b 5 Nov 20 21:02 ".to_vec();
    let longest = [&start[..], &vec![b'n'; MAX_LINE - start.len()]].concat();
    let mut fits = longest.clone();
    fits.extend_from_slice(b"\r\nx\r\n");
    assert!(matches!(&list(&fits)[..], [Line::Entry(_), Line::Refused { why: Refusal::NotUnderstood, .. }]));
    for end in [&b"n\n"[..], b"n\r\n", b"nn", b"nnnnnnnnnnnn\n"] {
        let next_end = if end.ends_with(b"\r\n") { &b"\r\n"[..] } else { b"\n" };
        let text = [&longest, end, b"drwxr-xr-x 1 a b 5 Nov 20 21:02 y", next_end].concat();
        for size in [1, 7, 4096, text.len()] {
            let pieces: Vec<&[u8]> = text.chunks(size).collect();
            let lines = lines_of(Parser::list(NOW, None), &pieces);
            let [Line::Refused { line, why: Refusal::TooLong }, rest @ ..] = &lines[..] else {
                panic!("{end:?} {size}: {} lines", lines.len())
            };
            assert_eq!(line, &longest);
            let has_end = end.ends_with(b"\n");
            assert_eq!(rest.len(), usize::from(has_end), "{end:?} {size}");
            assert!(!has_end || matches!(&rest[0], Line::Entry(entry) if &*entry.name == b"y"));
        }
    }
}

#[test]
fn entries_come_as_soon_as_their_line_is_complete() {
    let mut parser = Parser::list(NOW, None);
    assert!(parser.feed(b"-rw-r--r-- 1 a b 5 Nov 20 21:02 o").is_empty());
    assert!(parser.feed(b"ne\r").is_empty());
    assert_eq!(parser.feed(b"\n-rw-r--r-- 1 a b 5 Nov 20 21:02 two").len(), 1);
    assert_eq!(parser.finish().len(), 1);
}

/// The names in a listing, and how many lines were refused for a line break.
fn names_and_broken(text: &[u8]) -> (Vec<String>, usize) {
    let whole = list(text);
    for size in [1, 7, 64] {
        let pieces: Vec<&[u8]> = text.chunks(size).collect();
        assert_eq!(lines_of(Parser::list(NOW, Some(0)), &pieces), whole, "in pieces of {size}");
    }
    let is_broken = |line: &&Line| matches!(line, Line::Refused { why: Refusal::LineBreak, .. });
    let broken = whole.iter().filter(is_broken).count();
    let name = |line: &Line| match line {
        Line::Entry(entry) => Some(String::from_utf8_lossy(&entry.name).into_owned()),
        _ => None,
    };
    (whole.iter().filter_map(name).collect(), broken)
}

#[test]
fn a_name_with_a_line_break_is_refused_whole() {
    let entry = |name: &str| format!("-rw-r--r-- 1 a b 5 Nov 20 21:02 {name}");
    // The second half looks like an entry of its own.
    let evil = format!("x\n{}", entry("precious"));
    for name in ["a\nb", "a\n", "\na", "a\n\n\nb", ".\nb", "a\nb\nc", &evil] {
        let lines = [entry("one"), entry(name), entry("two")];
        for order in [[0, 1, 2], [1, 0, 2], [0, 2, 1]] {
            let text: String = order.iter().map(|at| format!("{}\r\n", lines[*at])).collect();
            let found = names_and_broken(text.as_bytes());
            assert_eq!(found, (vec!["one".to_owned(), "two".to_owned()], 1), "{text:?}");
        }
        let alone = format!("{}\r\n", entry(name));
        assert_eq!(names_and_broken(alone.as_bytes()), (Vec::new(), 1), "{alone:?}");
    }
    let facts = b"type=file;size=1; a\nb\r\ntype=file;size=1; c\r\n";
    let [Line::Refused { why: Refusal::LineBreak, line }, Line::Entry(_)] = &mlsd(facts)[..] else {
        panic!("{:?}", mlsd(facts))
    };
    assert_eq!(line, b"type=file;size=1; a\nb");
    // Cut off within such a name.
    let cut = format!("{}\r\n{}", entry("one"), entry("a\nb"));
    assert_eq!(names_and_broken(cut.as_bytes()), (vec!["one".to_owned()], 1));
}

#[test]
fn a_line_break_that_never_ends_is_too_long() {
    let text = [&b"total 1\r\n"[..], &b"-rw-r--r-- 1 a b 5 Nov 20 21:02 x\n".repeat(2000)].concat();
    let whole = list(&text);
    assert!(
        matches!(&whole[..], [Line::Ignored, Line::Refused { why: Refusal::TooLong, .. }]),
        "{} lines",
        whole.len()
    );
}

#[test]
fn servers_that_end_lines_with_lf_alone_are_read() {
    for many in [1, 2, 3, 200, 2000] {
        let names: Vec<String> = (0..many).map(|nth| format!("file{nth}")).collect();
        let line = |name: &String| format!("-rw-r--r-- 1 a b 5 Nov 20 21:02 {name}\n");
        let text: String = std::iter::once("total 8\n".to_owned()).chain(names.iter().map(line)).collect();
        assert_eq!(names_and_broken(text.as_bytes()), (names.clone(), 0));
        // An empty line is no half of anything, and the last line needs no end.
        let text = format!("\n{}", text.trim_end());
        assert_eq!(names_and_broken(text.as_bytes()), (names, 0));
    }
    let mut parser = Parser::list(NOW, None);
    let line = b"-rw-r--r-- 1 a b 5 Nov 20 21:02 x\n";
    let (mut given, mut fed) = (0, 0);
    while fed < 2000 {
        given += parser.feed(line).len();
        fed += 1;
        assert!((fed - given) * line.len() <= 9 << 10, "{} lines held back", fed - given);
    }
    assert_eq!(given + parser.finish().len(), fed);
}

#[test]
fn an_open_order_of_day_and_month_holds_back_a_bounded_number_of_lines() {
    let mut parser = Parser::list(NOW, None);
    let line = b"01-02-24  09:30AM       <DIR>          d\r\n";
    let mut given = 0;
    for fed in 1..=2000 {
        given += parser.feed(line).len();
        assert!(fed - given <= 256, "{} lines held back", fed - given);
    }
    assert_eq!(given + parser.finish().len(), 2000);
}

#[test]
fn refused_lines_do_not_pile_up_behind_an_open_order() {
    let mut parser = Parser::list(NOW, None);
    assert!(parser.feed(b"01-02-24  09:30AM       <DIR>          d\r\n").is_empty());
    let mut given = 0;
    for fed in 1..=2000 {
        given += parser.feed(b"half a name\nand the rest\r\n").len();
        assert!(fed - given.min(fed) <= 256, "{} lines held back", fed - given);
    }
    assert_eq!(given + parser.finish().len(), 2001);
}

#[test]
fn a_year_that_is_not_printed_is_the_one_of_the_servers_clock() {
    let seconds = |text: &str| {
        let at = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
        at.and_utc().timestamp()
    };
    // Our time, what the server's clock is ahead of UTC, what it prints, and when that is.
    for (now, offset, printed, expected) in [
        // New Year: a file of the old year, and a server that is ahead of us.
        ("2027-01-01 00:10", 0, "Dec 31 23:50", "2026-12-31 23:50"),
        ("2026-12-31 23:30", 0, "Jan  1 00:10", "2027-01-01 00:10"),
        ("2026-12-31 23:30", 32_400, "Jan  1 08:30", "2026-12-31 23:30"),
        ("2027-01-01 00:10", -18_000, "Dec 31 19:10", "2027-01-01 00:10"),
        ("2027-01-01 12:00", 0, "Dec 31 24:00", "2027-01-01 00:00"),
        // A day ahead is a clock that is wrong, two days are a year ago.
        ("2027-01-01 00:10", 0, "Jan  2 00:10", "2027-01-02 00:10"),
        ("2027-01-01 00:10", 0, "Jan  2 00:11", "2026-01-02 00:11"),
        // Leap days.
        ("2028-02-29 12:00", 0, "Feb 29 08:15", "2028-02-29 08:15"),
        ("2028-02-28 12:00", 0, "Feb 29 08:15", "2028-02-29 08:15"),
        ("2028-02-27 12:00", 0, "Feb 29 08:15", "2024-02-29 08:15"),
        ("2103-03-05 12:00", 0, "Feb 29 08:15", "2096-02-29 08:15"),
    ] {
        let line = format!("-rw-r--r-- 1 a b 5 {printed} x\r\n");
        let now_there = Timestamp::from_seconds(seconds(now));
        let lines = lines_of(Parser::list(now_there, Some(offset)), &[line.as_bytes()]);
        let [Line::Entry(entry)] = &lines[..] else { panic!("{line}: {lines:?}") };
        let expected = Timestamp::from_seconds(seconds(expected));
        assert_eq!(entry.attributes.mtime, Some(expected), "{printed} at {now} and {offset}");
    }
}

#[test]
fn mlst_names_the_last_component() {
    let entry = listing::mlst(b" Type=file;Size=12;Modify=20241120210233; /pub/a b;c.txt\r\n").unwrap();
    assert_eq!((&*entry.name, entry.kind, entry.attributes.size), (&b"a b;c.txt"[..], Kind::File, Some(12)));
    let root = listing::mlst(b" type=cdir; /").unwrap();
    assert_eq!((&*root.name, root.kind), (&b"/"[..], Kind::Dir));
    assert_eq!(&*listing::mlst(b"type=dir; /pub/sub/").unwrap().name, b"sub");
    assert_eq!(&*listing::mlst(b"type=file; plain").unwrap().name, b"plain");
    assert_eq!(listing::mlst(b"250 End").unwrap_err(), Refusal::NotUnderstood);
    assert_eq!(listing::mlst(b"").unwrap_err(), Refusal::NotUnderstood);
    assert_eq!(listing::mlst(b" type=dir; /pub/..").unwrap_err(), Refusal::Name(NameError::Dots));
    assert_eq!(listing::mlst(b" type=file;size=9223372036854775808; x").unwrap_err(), Refusal::Size);
}

/// Bytes that are near to listings, so that chance gets somewhere.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<Vec<u8>> = all_blocks()
        .iter()
        .flat_map(|block| block.input.split(|byte| *byte == b' ').map(<[u8]>::to_vec).collect::<Vec<_>>())
        .collect();
    let piece = prop_oneof![
        4 => proptest::sample::select(words),
        1 => proptest::collection::vec(any::<u8>(), 0..8),
        1 => Just(b"\n".to_vec()),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.join(&b' '))
}

proptest! {
    #[test]
    fn no_bytes_are_too_much(bytes in proptest::collection::vec(any::<u8>(), 0..4000)) {
        for lines in [list(&bytes), mlsd(&bytes)] {
            prop_assert!(lines.len() <= bytes.iter().filter(|byte| **byte == b'\n').count() + 2);
        }
        let _ = listing::mlst(&bytes);
    }

    #[test]
    fn what_is_nearly_a_listing_is_no_trouble(bytes in nearly(), now in any::<i64>(), zone in any::<Option<i32>>()) {
        for line in lines_of(Parser::list(Timestamp::from_seconds(now), zone), &[&bytes]) {
            if let Line::Entry(entry) = line {
                prop_assert!(wharf::fs::path::check_name(&entry.name).is_ok());
                prop_assert!(entry.attributes.size.is_none_or(|size| size <= i64::MAX as u64));
                prop_assert!(entry.attributes.mode.is_none_or(|mode| mode <= 0o7777));
                let day = |time: Timestamp| chrono::DateTime::from_timestamp(time.seconds, time.nanos);
                prop_assert!(entry.attributes.mtime.is_none_or(|time| day(time).is_some()));
            }
        }
    }

    #[test]
    fn pieces_make_no_difference(bytes in nearly(), cuts in proptest::collection::vec(0usize..200, 0..40)) {
        let mut pieces: Vec<&[u8]> = Vec::new();
        let mut rest = &bytes[..];
        for cut in cuts {
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        prop_assert_eq!(lines_of(Parser::list(NOW, Some(3600)), &pieces), lines_of(Parser::list(NOW, Some(3600)), &[&bytes]));
        prop_assert_eq!(lines_of(Parser::mlsd(), &pieces), lines_of(Parser::mlsd(), &[&bytes]));
    }

    #[test]
    fn what_ls_prints_is_read_back(
        name in "[^\0\n/]{1,40}",
        size in 0u64..=i64::MAX as u64,
        mode in 0u32..0o1000,
        seconds in 0i64..1_795_262_400,
        is_dir in any::<bool>(),
        links in 1u16..,
        owner in "[a-z][a-z0-9_-]{0,12}",
        group in "[a-z][a-z0-9_-]{0,12}",
    ) {
        prop_assume!(name != "." && name != ".." && !name.ends_with('\r'));
        let kind = if is_dir { Kind::Dir } else { Kind::File };
        let at = chrono::DateTime::from_timestamp(seconds, 0).unwrap();
        // As `ls`: the time within half a year, else the year.
        let recent = NOW.seconds - seconds < 182 * 86_400;
        let date = at.format(if recent { "%b %e %H:%M" } else { "%b %e  %Y" });
        let mode_text = wharf::words::mode(mode, kind);
        let line = format!("{mode_text} {links:3} {owner:<8} {group:<8} {size:>8} {date} {name}\r\n");
        let [Line::Entry(entry)] = &list(line.as_bytes())[..] else { panic!("{line}") };
        prop_assert_eq!(&*entry.name, name.as_bytes());
        prop_assert_eq!(entry.kind, kind);
        prop_assert_eq!(entry.attributes.size, Some(size));
        prop_assert_eq!(entry.attributes.mode, Some(mode));
        prop_assert_eq!(entry.owner.as_deref(), Some(owner.as_str()));
        prop_assert_eq!(entry.group.as_deref(), Some(group.as_str()));
        let unit = if recent { 60 } else { 86_400 };
        prop_assert_eq!(entry.attributes.mtime, Some(Timestamp::from_seconds(seconds / unit * unit)));
        prop_assert_eq!(entry.mtime_precision, if recent { Precision::Minute } else { Precision::Day });
    }
}
