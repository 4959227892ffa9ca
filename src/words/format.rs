//! Numbers, times and codes as people read them. Pure formatting; the caller says what time it is.

use std::time::Duration;

use chrono::{DateTime, Datelike, Local, Offset, TimeZone, Utc};

use super::{escape, escape_bytes};
use crate::{
    fs::{Entry, Error, ErrorKind, FsId, Kind, LogLine, Stage, Timestamp, sum::Computed},
    reply::{self, FtpClass, Protocol, Reply},
};

const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// `28 B`, `4.2 KiB`, `128 MiB`: at most four digits, then the unit.
pub fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut unit = 0;
    // 1023.95 KiB would be printed as 1024 KiB: the next unit says it better.
    while unit + 1 < UNITS.len() && value >= if unit == 0 { 1024.0 } else { 1023.5 } {
        value /= 1024.0;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or("EiB");
    if unit == 0 || value >= 99.95 { format!("{value:.0} {name}") } else { format!("{value:.1} {name}") }
}

/// Bytes per second: `38.2 MiB/s`.
pub fn rate(bytes_per_second: f64) -> String {
    let whole = if bytes_per_second.is_finite() && bytes_per_second > 0.0 { bytes_per_second } else { 0.0 };
    format!("{}/s", size(whole as u64))
}

/// `500k`, `2MiB`, `1.5 GB`, with or without `/s`; a plain number is bytes per second.
pub fn read_rate(text: &str) -> Option<u64> {
    let text = text.strip_suffix("/s").unwrap_or(text);
    text.parse::<bytesize::ByteSize>().ok().map(|size| size.0).filter(|rate| *rate > 0)
}

/// `0:42`, `12:05`, `3:00:07`, `2d 04:10`.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match (days, hours) {
        (0, 0) => format!("{}:{:02}", minutes, seconds % 60),
        (0, _) => format!("{}:{:02}:{:02}", hours, minutes % 60, seconds % 60),
        _ => format!("{}d {:02}:{:02}", days, hours % 24, minutes % 60),
    }
}

/// How long a request took: `12 ms`, `1.4 s`.
pub fn clock(time: Duration) -> String {
    match time.as_millis() {
        ms @ 0..1000 => format!("{ms} ms"),
        ms if ms < 10_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        ms => format!("{} s", ms / 1000),
    }
}

/// Which clock on the wall times are shown by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zone {
    /// That of this machine.
    #[default]
    Local,
    Utc,
}

/// `today 20:55`, `Nov 18 09:12` within half a year, else `2024-03-09`; in local time.
pub fn timestamp(time: Timestamp, now: Timestamp) -> String {
    timestamp_in(time, now, Zone::Local)
}

/// The same by the given clock.
pub fn timestamp_in(time: Timestamp, now: Timestamp, zone: Zone) -> String {
    match zone {
        Zone::Local => timestamp_at(time, now, &Local),
        Zone::Utc => timestamp_at(time, now, &Utc),
    }
}

/// In eight columns at most: `20:55` today, `Nov 18` within half a year, else `2024-03`.
pub fn timestamp_short(time: Timestamp, now: Timestamp, zone: Zone) -> String {
    let long = timestamp_in(time, now, zone);
    match long.split_once(' ') {
        Some(("today", clock)) => clock.to_owned(),
        Some(("beyond", _)) => "?".to_owned(),
        Some(("year", year)) => year.to_owned(),
        Some(_) => long.chars().take(6).collect(),
        None => long.chars().take(7).collect(),
    }
}

fn timestamp_at<Z: TimeZone>(time: Timestamp, now: Timestamp, zone: &Z) -> String {
    const HALF_A_YEAR: i64 = 182 * 86400;
    let at = |time: Timestamp| {
        let utc = DateTime::from_timestamp(time.seconds, 0)?.naive_utc();
        // Not every instant has a local time that chrono can represent.
        utc.checked_add_offset(zone.offset_from_utc_datetime(&utc).fix())
    };
    let Some(then) = at(time) else { return "beyond time".to_owned() };
    let age = now.seconds.saturating_sub(time.seconds);
    match at(now) {
        Some(today) if today.date() == then.date() => then.format("today %H:%M").to_string(),
        Some(_) if (0..HALF_A_YEAR).contains(&age) => then.format("%b %d %H:%M").to_string(),
        _ if (0..10_000).contains(&then.year()) => then.format("%Y-%m-%d").to_string(),
        _ => format!("year {}", then.year()),
    }
}

/// `prw-r--r--`: what an entry is and its permission bits as `ls -l` writes them.
pub fn mode_of(entry: &Entry, bits: u32) -> String {
    let mut out = mode(bits, entry.kind);
    if let Some(letter) = entry.special.filter(|_| entry.kind == Kind::Other) {
        out.replace_range(..1, letter.encode_utf8(&mut [0; 4]));
    }
    out
}

/// `drwxr-xr-x`: kind and permission bits as `ls -l` writes them.
pub fn mode(bits: u32, kind: Kind) -> String {
    let mut out = String::with_capacity(10);
    out.push(match kind {
        Kind::File => '-',
        Kind::Dir => 'd',
        Kind::Symlink => 'l',
        Kind::Other => '?',
    });
    for (shift, special, set, only) in [(6, 0o4000, 's', 'S'), (3, 0o2000, 's', 'S'), (0, 0o1000, 't', 'T')] {
        let part = bits >> shift;
        out.push(if part & 4 != 0 { 'r' } else { '-' });
        out.push(if part & 2 != 0 { 'w' } else { '-' });
        out.push(match (bits & special != 0, part & 1 != 0) {
            (true, true) => set,
            (true, false) => only,
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    out
}

/// The permission bits of several files, `rw-r-?r--`: `?` where they differ, as `mixed` says.
pub fn mixed_mode(bits: u32, mixed: u32) -> String {
    let known = mode(bits & !mixed, Kind::File);
    // Where a special bit differs, it is the execution bit's letter that stands for both.
    let special = (mixed & 0o4000) >> 5 | (mixed & 0o2000) >> 7 | (mixed & 0o1000) >> 9;
    let asked = mixed | special;
    let letters = known.chars().skip(1).enumerate();
    letters.map(|(at, letter)| if asked & (0o400 >> at) != 0 { '?' } else { letter }).collect()
}

/// What an entry is, as a noun.
pub fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "file",
        Kind::Dir => "folder",
        Kind::Symlink => "link",
        Kind::Other => "special file",
    }
}

/// How far a connection is.
pub fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::ReadingConfig => "reading the configuration",
        Stage::Resolving => "looking up the host's address",
        Stage::Connecting => "connecting",
        Stage::CheckingHostKey => "checking the host key",
        Stage::CheckingCertificate => "checking the certificate",
        Stage::LoggingIn => "logging in",
        Stage::OpeningSession => "opening the session",
    }
}

/// `The connection to sftp://web-01 was lost: reset by peer; trying again in 4 s.`
pub fn retrying(error: &Error, wait: Duration) -> String {
    let of = error.place().map(|place| format!(" to {}", escape(place))).unwrap_or_default();
    format!("The connection{of} was lost{}; {}.", why_lost(error, ": ", ""), again_in(wait))
}

/// `trying again in 4 s, connection lost (reset by peer)`: what is cut off a narrow row is the
/// reason.
pub fn retrying_short(error: &Error, wait: Duration) -> String {
    format!("{}, connection lost{}", again_in(wait), why_lost(error, " (", ")"))
}

/// Nothing, where no more is known than that it was lost.
fn why_lost(error: &Error, before: &str, behind: &str) -> String {
    if error.detail().is_none() && error.reply().is_none() && error.kind() == ErrorKind::ConnectionLost {
        return String::new();
    }
    format!("{before}{}{behind}", super::error(error).said)
}

fn again_in(wait: Duration) -> String {
    // A part of a second says nothing here.
    format!("trying again in {} s", wait.as_secs_f64().round().max(1.0))
}

/// `no answer for 12 s`
pub fn silent(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("no answer for {seconds} s"),
        _ => format!("no answer for {}", duration(time)),
    }
}

/// `1,234`: a count that can be read at a glance.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1st`, `2nd`, `13th`.
pub fn ordinal(number: u64) -> String {
    let end = match (number % 10, number % 100) {
        (1, last) if last != 11 => "st",
        (2, last) if last != 12 => "nd",
        (3, last) if last != 13 => "rd",
        _ => "th",
    };
    format!("{}{end}", count(number))
}

/// As the beginning of a sentence.
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// `1 file`, `3 files`; `plural` is written out since not every word takes an `s`.
pub fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// `3 SSH_FX_PERMISSION_DENIED permission denied (Permission denied)`: the code, its name and
/// meaning, and the server's own words.
pub fn reply(reply: &Reply) -> String {
    let mut out = match reply.meaning() {
        Some(meaning) => format!("{} {} {}", reply.code, meaning.name, meaning.meaning),
        None => match reply.protocol {
            Protocol::Sftp => format!("{} (a code that no SFTP specification has)", reply.code),
            Protocol::Ftp => match reply::ftp_class(reply.code) {
                Some(class) => format!("{} (no code of FTP's specifications: {})", reply.code, class.outcome),
                None => format!("{} (a code that no FTP specification has)", reply.code),
            },
            Protocol::Command => format!("exit status {}", reply.code),
        },
    };
    let text = reply.text.trim();
    if !text.is_empty() {
        out.push_str(&format!(" ({})", escape(text)));
    }
    out
}

/// Who computed a checksum.
pub fn computed(by: &Computed) -> String {
    match by {
        Computed::Server(means) => format!("computed by the server ({means})"),
        Computed::Here => "read and computed here".to_owned(),
    }
}

/// `Refused for good (5yz), about the file system`: what the digits of an FTP reply say.
pub fn ftp_class(class: &FtpClass) -> String {
    let mut outcome = class.outcome.to_owned();
    outcome[..1].make_ascii_uppercase();
    let about = if class.subject.is_empty() { "" } else { ", about " };
    format!("{outcome} ({}){about}{}", class.first, class.subject)
}

/// `OPEN /x → 3 SSH_FX_PERMISSION_DENIED permission denied (Permission denied)`.
pub fn log_line(line: &LogLine) -> String {
    format!("{} → {}", asked(line), reply(&line.reply))
}

/// `OPEN /x`: the first half of a line of the log.
pub fn asked(line: &LogLine) -> String {
    let request = escape(&line.request);
    match &line.path {
        Some(path) => format!("{request} {}", escape_bytes(path.as_bytes())),
        None => request.into_owned(),
    }
}

/// `3 SSH_FX_PERMISSION_DENIED (Permission denied)`: the other half where room is short. The
/// server's own words, where it has any, say more than what its code means in general.
pub fn reply_in_short(short: &Reply) -> String {
    match (short.meaning(), short.text.trim()) {
        (Some(meaning), text) if !text.is_empty() => {
            format!("{} {} ({})", short.code, meaning.name, escape(text))
        }
        (None, text) if !text.is_empty() => format!("{} ({})", short.code, escape(text)),
        _ => reply(short),
    }
}

/// `connection lost sftp://web-01 → reset by peer`, a line among those of the replies.
pub fn lost(error: &Error) -> String {
    format!("connection lost{}{}", place_of(error), why_lost(error, " → ", ""))
}

/// The same of a server that is not connected again by itself.
pub fn left_lost(error: &Error) -> String {
    format!("not connected again{} → {}", place_of(error), super::error(error).said)
}

/// The same of one that is there again.
pub fn back(fs: &FsId) -> String {
    format!("connected again {}", escape(fs.as_str()))
}

fn place_of(error: &Error) -> String {
    error.place().map(|place| format!(" {}", escape(place))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::RemotePath;

    #[test]
    fn sizes() {
        for (bytes, text) in [
            (0, "0 B"),
            (28, "28 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (4301, "4.2 KiB"),
            (12_288, "12.0 KiB"),
            (102_400, "100 KiB"),
            (1_048_575, "1.0 MiB"),
            (134_217_728, "128 MiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
        assert!((0..64).all(|shift| size((1u64 << shift) - 1).len() <= 8));
    }

    #[test]
    fn rates_and_durations() {
        assert_eq!(rate(40_055_603.2), "38.2 MiB/s");
        assert_eq!(rate(f64::NAN), "0 B/s");
        assert_eq!(rate(-1.0), "0 B/s");
        for (seconds, text) in
            [(0, "0:00"), (42, "0:42"), (725, "12:05"), (10_807, "3:00:07"), (187_800, "2d 04:10")]
        {
            assert_eq!(duration(Duration::from_secs(seconds)), text);
        }
        assert_eq!(clock(Duration::from_millis(12)), "12 ms");
        assert_eq!(clock(Duration::from_millis(1430)), "1.4 s");
    }

    #[test]
    fn times() {
        let at = |text: &str| {
            Timestamp::from_seconds(DateTime::parse_from_rfc3339(text).map(|t| t.timestamp()).unwrap_or(0))
        };
        let now = at("2026-11-20T21:00:00Z");
        for (time, text, short) in [
            ("2026-11-20T20:55:00Z", "today 20:55", "20:55"),
            ("2026-11-18T09:12:00Z", "Nov 18 09:12", "Nov 18"),
            ("2024-03-09T01:00:00Z", "2024-03-09", "2024-03"),
            ("2027-03-09T01:00:00Z", "2027-03-09", "2027-03"),
        ] {
            assert_eq!(timestamp_in(at(time), now, Zone::Utc), text);
            assert_eq!(timestamp_short(at(time), now, Zone::Utc), short);
        }
        for seconds in [i64::MIN, i64::MAX, -62_200_000_000, 253_500_000_000] {
            assert!(!timestamp(Timestamp::from_seconds(seconds), now).is_empty());
        }
    }

    #[test]
    fn modes() {
        assert_eq!(mode(0o755, Kind::Dir), "drwxr-xr-x");
        assert_eq!(mode(0o644, Kind::File), "-rw-r--r--");
        assert_eq!(mode(0o4755, Kind::File), "-rwsr-xr-x");
        assert_eq!(mode(0o1777, Kind::Dir), "drwxrwxrwt");
        assert_eq!(mode(0o7000, Kind::Symlink), "l--S--S--T");
        let mut pipe = Entry::new(&b"pipe"[..], Kind::Other);
        assert_eq!(mode_of(&pipe, 0o644), "?rw-r--r--");
        pipe.special = Some('p');
        assert_eq!(mode_of(&pipe, 0o644), "prw-r--r--");
    }

    #[test]
    fn counts() {
        assert_eq!(count(7), "7");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(plural(1, "entry", "entries"), "1 entry");
    }

    #[test]
    fn ftp_replies_that_nobody_specified_are_told_by_their_digits() {
        assert_eq!(
            reply(&Reply::ftp(599, "Nope")),
            "599 (no code of FTP's specifications: refused for good) (Nope)"
        );
        assert_eq!(reply(&Reply::ftp(7, "")), "7 (a code that no FTP specification has)");
        let class = |code| reply::ftp_class(code).map(|class| ftp_class(&class));
        assert_eq!(class(459).as_deref(), Some("Refused for now (4yz), about the file system"));
        assert_eq!(class(248).as_deref(), Some("Done (2yz)"));
        assert_eq!(class(999), None);
    }

    #[test]
    fn log_lines_name_the_code_and_escape_the_server() {
        let mut line = LogLine {
            fs: FsId::new("sftp://web-01"),
            request: "OPEN".into(),
            path: Some(RemotePath::new("/x")),
            reply: Reply::sftp(3, "Permission denied"),
            elapsed: Duration::ZERO,
        };
        assert_eq!(
            log_line(&line),
            "OPEN /x → 3 SSH_FX_PERMISSION_DENIED permission denied (Permission denied)"
        );
        assert_eq!(reply_in_short(&line.reply), "3 SSH_FX_PERMISSION_DENIED (Permission denied)");
        assert_eq!(reply_in_short(&Reply::sftp(3, "")), "3 SSH_FX_PERMISSION_DENIED permission denied");
        line.reply = Reply::sftp(4711, "\x1b[31mboo");
        assert_eq!(log_line(&line), "OPEN /x → 4711 (a code that no SFTP specification has) (\\x1b[31mboo)");
    }
}
