//! Times of day as listings print them, and what is said beside them: AM and PM, zones, fractions.

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};

use super::token::{Token, number};
use crate::fs::Precision;

/// A time of day; `next_day` for 24:00.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub time: NaiveTime,
    pub next_day: bool,
    pub has_seconds: bool,
    /// AM or PM was said.
    pub is_half: bool,
}

impl Clock {
    pub const MIDNIGHT: Clock =
        Clock { time: NaiveTime::MIN, next_day: false, has_seconds: false, is_half: false };

    pub const fn precision(self) -> Precision {
        if self.has_seconds { Precision::Second } else { Precision::Minute }
    }

    /// That time on that day.
    pub fn on(self, date: NaiveDate) -> Option<NaiveDateTime> {
        let date = if self.next_day { date.checked_add_days(Days::new(1))? } else { date };
        Some(date.and_time(self.time))
    }
}

/// A time in one token, or one with `AM` or `PM` after it.
pub(super) fn clock_of(tokens: &[Token<'_>]) -> Option<(Clock, usize)> {
    let text = tokens.first()?.text;
    let plain = clock(text)?;
    let half = tokens.get(1).map(|token| token.text.to_ascii_lowercase());
    if !plain.is_half
        && let Some(half @ (b"am" | b"pm" | b"a.m." | b"p.m.")) = half.as_deref()
    {
        let mut joined = text.to_vec();
        joined.push(half[0]);
        if let Some(clock) = clock(&joined) {
            return Some((clock, 2));
        }
    }
    Some((plain, 1))
}

/// `21:02`, `9:02PM`, `9:02p`, `21:02:33.25`.
pub(super) fn clock(text: &[u8]) -> Option<Clock> {
    if !text.first()?.is_ascii_digit() {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let (digits, half) = [(&b"am"[..], 0), (b"pm", 12), (b"a", 0), (b"p", 12)]
        .iter()
        .find_map(|(suffix, half)| Some((lower.strip_suffix(*suffix)?, Some(*half))))
        .unwrap_or((&lower, None));
    let mut parts = digits.split(|byte| *byte == b':');
    let hour = number(parts.next()?, 2)?;
    let minute_text = parts.next()?;
    let minute = number(minute_text, 2)?;
    let (second, nanos, has_seconds) = match parts.next() {
        // There are small devices that print `00:0`.
        None => (0, 0, false),
        Some(_) if minute_text.len() < 2 => return None,
        Some(text) => {
            let mut pieces = text.splitn(2, |byte| matches!(byte, b'.' | b','));
            let second = pieces.next().filter(|text| text.len() == 2).and_then(|text| number(text, 2))?;
            (second, pieces.next().map_or(Some(0), nanos_of)?, true)
        }
    };
    if parts.next().is_some() {
        return None;
    }
    let (hour, next_day) = match half {
        Some(half) if (1..=12).contains(&hour) => (hour % 12 + half, false),
        // A server that says PM of 13 o'clock means 13 o'clock.
        Some(_) if (13..24).contains(&hour) => (hour, false),
        Some(0) if hour == 0 => (0, false),
        Some(_) => return None,
        None if hour == 24 && minute == 0 && second == 0 => (0, true),
        None => (hour, false),
    };
    let time = NaiveTime::from_hms_nano_opt(hour, minute, leap_second(second)?, nanos)?;
    Some(Clock { time, next_day, has_seconds, is_half: half.is_some() })
}

/// Unix time has no room for a leap second: it is the one before.
pub(super) fn leap_second(second: u32) -> Option<u32> {
    (second <= 60).then_some(second.min(59))
}

/// `+0100`, `-05:30`: seconds ahead of UTC.
pub(super) fn numeric_zone(text: &[u8]) -> Option<i32> {
    let (sign, digits) = match text.split_first()? {
        (b'+', rest) => (1, rest),
        (b'-', rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match digits.len() {
        4 => (&digits[..2], &digits[2..]),
        5 if digits[2] == b':' => (&digits[..2], &digits[3..]),
        _ => return None,
    };
    let seconds = number(hours, 2).filter(|h| *h < 24)? * 3600 + number(minutes, 2).filter(|m| *m < 60)? * 60;
    Some(sign * seconds as i32)
}

/// A fraction of a second in nanoseconds; what is finer is left out.
pub(super) fn nanos_of(digits: &[u8]) -> Option<u32> {
    let mut nanos = 0;
    for at in 0..9 {
        nanos = nanos * 10 + digits.get(at).map_or(0, |digit| u32::from(digit.wrapping_sub(b'0')));
        if digits.get(at).is_some_and(|digit| !digit.is_ascii_digit()) {
            return None;
        }
    }
    digits.iter().all(u8::is_ascii_digit).then_some(nanos)
}
