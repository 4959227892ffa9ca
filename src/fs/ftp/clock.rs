//! Times as commands and replies write them: RFC 3659 section 2.3. Pure.

use chrono::{DateTime, NaiveDate};

use super::reply_reader::RawReply;
use crate::fs::Timestamp;

/// `YYYYMMDDHHMMSS` in UTC; `None` for years that it cannot write.
pub fn written(time: Timestamp) -> Option<String> {
    let text = DateTime::from_timestamp(time.seconds, 0)?.format("%Y%m%d%H%M%S").to_string();
    (text.len() == 14).then_some(text)
}

/// The time of `213 YYYYMMDDHHMMSS[.sss]`.
pub fn modified(raw: &RawReply) -> Option<Timestamp> {
    if raw.code != 213 {
        return None;
    }
    let text = std::str::from_utf8(raw.last()).ok()?.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !whole.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Servers with a fault of the year 2000 count it from 1900: 19100 is 2000.
    let (year, rest) = match (whole.len(), whole.strip_prefix("191")) {
        (14, _) => (whole.get(..4)?.parse().ok()?, whole.get(4..)?),
        (15, Some(_)) => (1900 + whole.get(2..5)?.parse::<i32>().ok()?, whole.get(5..)?),
        _ => return None,
    };
    let part = |at: usize| rest.get(at..at + 2)?.parse::<u32>().ok();
    let date = NaiveDate::from_ymd_opt(year, part(0)?, part(2)?)?;
    // A leap second counts as the one before it.
    let time = date.and_hms_opt(part(4)?, part(6)?, part(8)?.min(59))?;
    let nanos = match fraction {
        "" => 0,
        digits if digits.len() <= 9 => digits.parse::<u32>().ok()? * 10_u32.pow(9 - digits.len() as u32),
        _ => return None,
    };
    Some(Timestamp { seconds: time.and_utc().timestamp(), nanos })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Timestamp> {
        modified(&RawReply { code: 213, lines: vec![text.as_bytes().to_vec()] })
    }

    #[test]
    fn times_read_as_they_are_written() {
        for seconds in [0, 1_234_567_890, 4_102_444_799, -1] {
            let time = Timestamp::from_seconds(seconds);
            assert_eq!(read(&written(time).unwrap()), Some(time));
        }
        assert_eq!(written(Timestamp::from_seconds(i64::MAX)), None);
        assert_eq!(written(Timestamp::from_seconds(400_000_000_000)), None);
    }

    #[test]
    fn odd_times() {
        assert_eq!(read("20010203040506.250").unwrap().nanos, 250_000_000);
        assert_eq!(read("191010203040506"), read("20010203040506"));
        for text in ["", "2001", "20011303040506", "2001020304050x", "20010203040506.x", "20010203040506 f"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
