//! Dates and times as listings print them: which tokens are one, what it says, and what is open
//! about it. Must never look at a clock: "now" is a value of [`Zone`].

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime};

use super::{
    month,
    time::{Clock, clock, clock_of, leap_second, nanos_of, numeric_zone},
    token::{Token, number},
};
use crate::fs::{Precision, Timestamp};

/// In which order a date of numbers has its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    MonthDayYear,
    DayMonthYear,
    YearMonthDay,
}

impl Order {
    /// The more usual one first: what decides where a whole listing left it open.
    pub const ALL: [Order; 3] = [Order::MonthDayYear, Order::DayMonthYear, Order::YearMonthDay];

    pub const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// The server's clock, and what time it is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Zone {
    now: NaiveDateTime,
    offset: i32,
}

impl Zone {
    pub fn new(now: Timestamp, offset: i32) -> Self {
        // An offset beyond a day is no time zone.
        let offset = offset.clamp(-86_399, 86_399);
        let there = now.seconds.saturating_add(i64::from(offset));
        let now = chrono::DateTime::from_timestamp(there, 0).unwrap_or_default().naive_utc();
        Zone { now, offset }
    }

    fn timestamp(&self, local: NaiveDateTime, offset: Option<i32>) -> Timestamp {
        let utc = local.and_utc();
        let seconds = utc.timestamp() - i64::from(offset.unwrap_or(self.offset));
        Timestamp { seconds, nanos: utc.timestamp_subsec_nanos() }
    }

    /// Whether it is more than a day ahead, which few files are.
    pub fn is_ahead(&self, time: Timestamp) -> bool {
        time.seconds > self.timestamp(self.now, None).seconds + 86_400
    }

    fn is_future(&self, local: NaiveDateTime) -> bool {
        self.now.checked_add_days(Days::new(1)).is_some_and(|tomorrow| local > tomorrow)
    }

    /// The most recent such day that is not more than a day ahead: `ls` leaves the year out of what is
    /// recent, and a server's clock may be ahead of ours. Eight years back there is a leap day for sure.
    fn latest(&self, month: u32, day: u32, time: Clock) -> Option<NaiveDateTime> {
        let last = self.now.year().saturating_add(1);
        (0..=9)
            .filter_map(|back| time.on(NaiveDate::from_ymd_opt(last - back, month, day)?))
            .find(|local| !self.is_future(*local))
    }
}

/// When a file was changed, as far as its line says.
#[derive(Clone, Copy, Debug)]
pub(super) struct When {
    pub at: At,
    pub precision: Precision,
    /// The only order that a date of three numbers can have, where that is so.
    pub order: Option<Order>,
}

impl When {
    pub const fn known(time: Timestamp, precision: Precision) -> Self {
        When { at: At::Known(time), precision, order: None }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum At {
    Known(Timestamp),
    /// What it would be in each [`Order`]; more than one is possible.
    Open([Option<Timestamp>; 3]),
}

const WEEKDAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];

/// Seconds since 1970 in UTC; none where no calendar has them.
pub(super) fn of_seconds(seconds: i64) -> Option<When> {
    chrono::DateTime::from_timestamp(seconds, 0)?;
    Some(When::known(Timestamp::from_seconds(seconds), Precision::Second))
}

/// Reads the date that begins with the first token; says how many tokens it took.
pub(super) fn read(tokens: &[Token<'_>], zone: &Zone) -> Option<(When, usize)> {
    // `ls --full-time` of older systems: `Wed Nov 20 21:02:33 2024`.
    if tokens.first().is_some_and(|token| WEEKDAYS.contains(&token.text)) {
        return named(&tokens[1..], zone).map(|(when, taken)| (when, taken + 1));
    }
    named(tokens, zone)
        .or_else(|| of_three(tokens, zone, None))
        .or_else(|| of_two(tokens, zone))
        .or_else(|| east_asian(tokens, zone))
}

/// As [`read`], for a dialect that always prints a date of three numbers or with a month's name, and
/// whose two-digit years may stand first.
pub(super) fn read_plain(tokens: &[Token<'_>], zone: &Zone, orders: &[Order]) -> Option<(When, usize)> {
    of_three(tokens, zone, Some(orders))
}

/// `Nov 20 21:02`, `Nov 20  2024`, `Nov 20 21:02:33 2024`, `Nov 20, 2024 21:02`, and day first:
/// `20 Nov 21:02`, `20. Nov. 2024`.
fn named(tokens: &[Token<'_>], zone: &Zone) -> Option<(When, usize)> {
    let [first, second, third, ..] = tokens else { return None };
    let (month, day, comma) = match (month::named(first.text), month::named(second.text)) {
        (Some(month), _) => {
            let (day, comma) = day(second.text)?;
            (month, day, comma)
        }
        (None, Some(month)) => (month, day(first.text)?.0, false),
        (None, None) => return None,
    };
    if let Some(clock) = clock(third.text) {
        // BSD's `ls -T` says both; it alone prints the seconds before the year.
        if clock.has_seconds
            && let Some(year) = tokens.get(3).and_then(|token| four_digits(token.text))
        {
            let local = clock.on(NaiveDate::from_ymd_opt(year, month, day)?)?;
            return Some((known(zone, local, clock.precision()), 4));
        }
        let local = zone.latest(month, day, clock)?;
        return Some((known(zone, local, clock.precision()), 3));
    }
    let year_text = third.text.strip_suffix(b",").unwrap_or(third.text);
    let year = match four_digits(year_text) {
        Some(year) => year,
        None if comma => short_year(number(year_text, 2)?)?,
        None => return None,
    };
    let date = NaiveDate::from_ymd_opt(year, month, day)?;
    // Only after `Oct 08,` does the time follow the year; else it is the name's beginning.
    if comma && let Some((clock, taken)) = tokens.get(3).and_then(|_| clock_of(&tokens[3..])) {
        return Some((known(zone, clock.on(date)?, clock.precision()), 3 + taken));
    }
    Some((known(zone, Clock::MIDNIGHT.on(date)?, Precision::Day), 3))
}

/// `Nov 16 1994 17:16`, `Nov 16 94 17:16` and `Nov 16,1994 17:16`: for a dialect that prints the year and
/// the time, where `ls` prints one of them.
pub(super) fn read_full(tokens: &[Token<'_>], zone: &Zone) -> Option<(When, usize)> {
    let [first, second, ..] = tokens else { return None };
    let month = month::named(first.text)?;
    let comma = second.text.iter().position(|byte| *byte == b',').filter(|at| at + 1 < second.text.len());
    let (day_text, year_text, next) = match comma {
        Some(at) => (&second.text[..at], &second.text[at + 1..], 2),
        None => (second.text, tokens.get(2)?.text, 3),
    };
    let year = year(number(year_text, 4)?, year_text.len())?;
    let time = clock(tokens.get(next)?.text)?;
    let date = NaiveDate::from_ymd_opt(year, month, day(day_text)?.0)?;
    Some((known(zone, time.on(date)?, time.precision()), next + 1))
}

/// `2024-11-20 21:02:33.5 +0100`, `11-20-24  09:02PM`, `20.11.2024`, `20-NOV-2024 21:02`, `Nov-20-2024`.
fn of_three(tokens: &[Token<'_>], zone: &Zone, orders: Option<&[Order]>) -> Option<(When, usize)> {
    let first = tokens.first()?.text;
    // `2024-11-20T21:02:33Z` is one token.
    let (date_text, time_text) = match first.iter().position(|byte| *byte == b'T') {
        Some(at) if first[..at].iter().all(|byte| byte.is_ascii_digit() || *byte == b'-') => {
            (&first[..at], Some(&first[at + 1..]))
        }
        _ => (first, None),
    };
    let (parts, separator) = three(date_text)?;
    let mut taken = 1;
    let mut offset = None;
    let clock = match time_text {
        Some(text) => {
            let (text, utc) = text.strip_suffix(b"Z").map_or((text, None), |text| (text, Some(0)));
            offset = utc;
            Some(clock(text)?)
        }
        None => clock_of(&tokens[1..]).map(|(clock, more)| {
            taken += more;
            clock
        }),
    };
    if clock.is_some_and(|clock| clock.has_seconds)
        && let Some(zone) = tokens.get(taken).and_then(|token| numeric_zone(token.text))
    {
        offset = Some(zone);
        taken += 1;
    }
    let precision = clock.map_or(Precision::Day, Clock::precision);
    let readings = readings(parts, separator, orders, clock.is_some_and(|clock| clock.is_half));
    let locals = readings.map(|date| clock.unwrap_or(Clock::MIDNIGHT).on(date?));
    let mut when = decide(locals, precision, offset, zone)?;
    // A name and a year of four digits in front say nothing about the dates that lack them.
    if !parts.iter().all(|part| matches!(part, Part::Number { .. }))
        || when.order == Some(Order::YearMonthDay)
    {
        when.order = None;
    }
    Some((when, taken))
}

/// `11-20 21:02`, `11 20 21:02` and `11-20 2024`: without a year, or with it as a token of its own.
fn of_two(tokens: &[Token<'_>], zone: &Zone) -> Option<(When, usize)> {
    let [first, second, ..] = tokens else { return None };
    if let Some(one) = number(first.text, 2) {
        // Two tokens are a date only with a time after them: anything may be two numbers.
        let time = clock(tokens.get(2)?.text)?;
        return of_pair(one, number(second.text, 2)?, zone, time).map(|when| (when, 3));
    }
    let separator = first.text.iter().position(|byte| matches!(byte, b'-' | b'/' | b'.'))?;
    let one = number(&first.text[..separator], 2)?;
    let other = number(&first.text[separator + 1..], 2)?;
    if let Some(clock) = clock(second.text) {
        return of_pair(one, other, zone, clock).map(|when| (when, 2));
    }
    let year = four_digits(second.text)?;
    let date = |(month, day)| Clock::MIDNIGHT.on(NaiveDate::from_ymd_opt(year, month, day)?);
    let locals = [date((one, other)), date((other, one)), None];
    decide(locals, Precision::Day, None, zone).map(|when| (when, 2))
}

/// A month and a day in either order, of the latest year that they can be of.
fn of_pair(one: u32, other: u32, zone: &Zone, clock: Clock) -> Option<When> {
    let locals = [zone.latest(one, other, clock), zone.latest(other, one, clock), None];
    decide(locals, clock.precision(), None, zone)
}

/// `11月 20日 21:02`, `2024年 11月 20日`, `11月 20日 2024年`: numbers with a unit whose bytes depend on
/// the server's encoding, so that only their place counts.
fn east_asian(tokens: &[Token<'_>], zone: &Zone) -> Option<(When, usize)> {
    for taken in (1..=tokens.len().min(3)).rev() {
        let parts: Option<Vec<_>> = tokens[..taken].iter().map(|token| units(token.text)).collect();
        let Some(parts) = parts.map(|parts| parts.concat()) else { continue };
        let (year, month, day) = match parts[..] {
            [(year, _), (month, true), (day, _)] if year >= 1000 => (Some(year), month, day),
            [(month, true), (day, _), (year, _)] if year >= 1000 => (Some(year), month, day),
            [(month, true), (day, _)] => (None, month, day),
            _ => continue,
        };
        if let Some(year) = year {
            // `2003 3月 20日 21:02` is a size before a date without a year.
            let is_size = !parts[0].1 && parts[0].0 == year;
            if is_size && tokens.get(taken).is_some_and(|token| clock(token.text).is_some()) {
                return None;
            }
            let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
            return Some((known(zone, Clock::MIDNIGHT.on(date)?, Precision::Day), taken));
        }
        let Some(clock) = tokens.get(taken).and_then(|token| clock(token.text)) else { continue };
        return Some((known(zone, zone.latest(month, day, clock)?, clock.precision()), taken + 1));
    }
    None
}

/// The numbers of a token like `11月20日`, each with whether something that is no ASCII follows it.
fn units(text: &[u8]) -> Option<Vec<(u32, bool)>> {
    let mut numbers = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let value = number(&rest[..digits], 4)?;
        rest = &rest[digits..];
        // Some encodings have units whose second byte is ASCII, but never a digit.
        let unit = match rest.first() {
            Some(byte) if !byte.is_ascii() => rest.iter().take_while(|byte| !byte.is_ascii_digit()).count(),
            Some(_) => return None,
            None => 0,
        };
        if unit > 4 || numbers.len() == 3 {
            return None;
        }
        numbers.push((value, unit > 0));
        rest = &rest[unit..];
    }
    (!numbers.is_empty()).then_some(numbers)
}

fn known(zone: &Zone, local: NaiveDateTime, precision: Precision) -> When {
    When::known(zone.timestamp(local, None), precision)
}

/// What is possible of the three.
fn decide(
    locals: [Option<NaiveDateTime>; 3],
    precision: Precision,
    offset: Option<i32>,
    zone: &Zone,
) -> Option<When> {
    let first = *locals.iter().flatten().next()?;
    if locals.iter().flatten().any(|other| *other != first) {
        let readings = locals.map(|local| local.map(|local| zone.timestamp(local, offset)));
        return Some(When { at: At::Open(readings), precision, order: None });
    }
    let mut possible = Order::ALL.into_iter().filter(|order| locals[*order as usize].is_some());
    let order = possible.next().filter(|_| possible.next().is_none());
    Some(When { at: At::Known(zone.timestamp(first, offset)), precision, order })
}

#[derive(Clone, Copy)]
enum Part {
    Number { value: u32, digits: usize },
    Month(u32),
}

/// The three parts of a date and what stands between them, twice the same.
fn three(text: &[u8]) -> Option<([Part; 3], u8)> {
    let separator = *text.iter().find(|byte| matches!(byte, b'-' | b'/' | b'.'))?;
    let mut parts = text.split(|byte| *byte == separator).map(|part| {
        if part.first().is_some_and(u8::is_ascii_digit) {
            Some(Part::Number { value: number(part, 4)?, digits: part.len() })
        } else {
            month::named(part).map(Part::Month)
        }
    });
    let three = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some((three, separator))
}

/// The date in each order that can be meant.
fn readings(
    parts: [Part; 3],
    separator: u8,
    orders: Option<&[Order]>,
    is_half: bool,
) -> [Option<NaiveDate>; 3] {
    let date = |year, month, day| NaiveDate::from_ymd_opt(year, month, day);
    match parts {
        [Part::Number { value: day, .. }, Part::Month(month), Part::Number { value, digits }]
        | [Part::Month(month), Part::Number { value: day, .. }, Part::Number { value, digits }] => {
            [year(value, digits).and_then(|year| date(year, month, day)), None, None]
        }
        [
            Part::Number { value: first, digits: first_digits },
            Part::Number { value: second, .. },
            Part::Number { value: third, digits: third_digits },
        ] => {
            if first_digits == 4 {
                return [None, None, date(first as i32, second, third)];
            }
            let usual: &[Order] = match separator {
                // Who writes dots writes the day first; who says AM, the month.
                b'.' => &[Order::DayMonthYear],
                _ if first > 31 => &[Order::YearMonthDay],
                _ if is_half => &[Order::MonthDayYear, Order::DayMonthYear],
                _ => &[Order::MonthDayYear, Order::DayMonthYear],
            };
            let orders = match orders {
                Some(orders) if separator != b'.' => orders,
                _ => usual,
            };
            Order::ALL.map(|order| {
                let last = year(third, third_digits);
                match order {
                    _ if !orders.contains(&order) => None,
                    Order::MonthDayYear => date(last?, first, second),
                    Order::DayMonthYear => date(last?, second, first),
                    Order::YearMonthDay if third_digits <= 2 => date(year(first, 2)?, second, third),
                    Order::YearMonthDay => None,
                }
            })
        }
        _ => [None; 3],
    }
}

/// Two digits are of 1970 to 2069, three count from 1900 (`103` is 2003), four are themselves.
fn year(value: u32, digits: usize) -> Option<i32> {
    match digits {
        4 => i32::try_from(value).ok(),
        3 if (100..200).contains(&value) => Some(1900 + value as i32),
        1 | 2 => short_year(value),
        _ => None,
    }
}

fn short_year(value: u32) -> Option<i32> {
    match value {
        0..70 => Some(2000 + value as i32),
        70..100 => Some(1900 + value as i32),
        _ => None,
    }
}

fn four_digits(text: &[u8]) -> Option<i32> {
    let value = number(text, 4)?;
    (text.len() == 4 && value >= 1900).then_some(value as i32)
}

/// `20`, `20.` or `20,`: a day of a month, and whether a comma ended it.
fn day(text: &[u8]) -> Option<(u32, bool)> {
    let comma = text.ends_with(b",");
    let digits = text.strip_suffix(b",").or_else(|| text.strip_suffix(b".")).unwrap_or(text);
    number(digits, 2).filter(|day| (1..=31).contains(day)).map(|day| (day, comma))
}

/// `YYYYMMDDHHMMSS[.fraction]` in UTC: RFC 3659 section 2.3, which MDTM and `modify` use.
pub(in crate::fs::ftp) fn time_val(text: &[u8]) -> Option<Timestamp> {
    let mut pieces = text.splitn(2, |byte| *byte == b'.');
    let digits = pieces.next().filter(|digits| digits.len() == 14)?;
    let nanos = pieces.next().map_or(Some(0), nanos_of)?;
    let part = |from: usize, to: usize| number(&digits[from..to], 4);
    let date = NaiveDate::from_ymd_opt(part(0, 4)? as i32, part(4, 6)?, part(6, 8)?)?;
    let time = NaiveTime::from_hms_opt(part(8, 10)?, part(10, 12)?, leap_second(part(12, 14)?)?)?;
    Some(Timestamp { seconds: date.and_time(time).and_utc().timestamp(), nanos })
}
