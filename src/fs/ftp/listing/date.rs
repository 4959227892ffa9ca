//! Dates and times as listings print them. Must never look at a clock.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use crate::fs::Timestamp;

/// `YYYYMMDDHHMMSS[.fraction]` in UTC: RFC 3659 section 2.3, which MDTM and `modify` use.
pub fn time_val(text: &str) -> Option<Timestamp> {
    let (digits, fraction) = text.split_once('.').unwrap_or((text, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if digits.len() != 14 || !all_digits(digits) || !all_digits(fraction) {
        return None;
    }
    let part = |from: usize, to: usize| digits[from..to].parse::<u32>().ok();
    let date = NaiveDate::from_ymd_opt(digits[..4].parse().ok()?, part(4, 6)?, part(6, 8)?)?;
    // RFC 3659 allows for a leap second, which Unix time has no room for.
    let time = NaiveTime::from_hms_opt(part(8, 10)?, part(10, 12)?, part(12, 14)?.min(59))?;
    let mut nanos = 0;
    for at in 0..9 {
        nanos = nanos * 10 + fraction.as_bytes().get(at).map_or(0, |digit| u32::from(digit - b'0'));
    }
    let seconds = NaiveDateTime::new(date, time).and_utc().timestamp();
    Some(Timestamp { seconds, nanos })
}
