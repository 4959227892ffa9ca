//! Points in time as people type them. Must know nothing of the screen.

use chrono::{DateTime, Local, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};

use super::Zone;
use crate::fs::Timestamp;

/// `2026-11-21 14:05:00`, as [`parse_time`] reads it back; empty for what no calendar has.
pub fn exact_time(time: Timestamp, zone: Zone) -> String {
    let Some(utc) = DateTime::<Utc>::from_timestamp(time.seconds, 0) else { return String::new() };
    let form = "%Y-%m-%d %H:%M:%S";
    match zone {
        Zone::Utc => utc.format(form).to_string(),
        Zone::Local => utc.with_timezone(&Local).format(form).to_string(),
    }
}

/// A day, perhaps with a time of day, or `now`.
///
/// # Errors
/// How it is written, in a sentence.
pub fn parse_time(text: &str, now: Timestamp, zone: Zone) -> Result<Timestamp, &'static str> {
    const HOW: &str = "Write 2026-11-21, 2026-11-21 14:05, 2026-11-21 14:05:30 or now.";
    let text = text.trim();
    if text.eq_ignore_ascii_case("now") {
        return Ok(Timestamp::from_seconds(now.seconds));
    }
    let (day, clock) = text.split_once([' ', 'T']).unwrap_or((text, "00:00"));
    let day = NaiveDate::parse_from_str(day, "%Y-%m-%d").map_err(|_| HOW)?;
    let clock = clock.trim();
    let clock = NaiveTime::parse_from_str(clock, "%H:%M:%S")
        .or_else(|_| NaiveTime::parse_from_str(clock, "%H:%M"))
        .map_err(|_| HOW)?;
    let at = NaiveDateTime::new(day, clock);
    let seconds = match zone {
        Zone::Utc => Some(at.and_utc().timestamp()),
        // An hour that there is twice means the first; one that there is not means none.
        Zone::Local => Local.from_local_datetime(&at).earliest().map(|at| at.timestamp()),
    };
    seconds.map(Timestamp::from_seconds).ok_or("There is no such hour on that day: the clocks change.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let now = Timestamp::from_seconds(1_795_208_400);
        for zone in [Zone::Utc, Zone::Local] {
            assert_eq!(parse_time(&exact_time(now, zone), now, zone), Ok(now));
        }
        assert_eq!(exact_time(now, Zone::Utc), "2026-11-20 21:00:00");
        let read = |text| parse_time(text, now, Zone::Utc).map(|time| time.seconds - now.seconds);
        assert_eq!(read("2026-11-20 21:01"), Ok(60));
        assert_eq!(read(" 2026-11-20T21:00:05 "), Ok(5));
        assert_eq!(read("2026-11-21"), Ok(3 * 3600));
        assert_eq!(read("now"), Ok(0));
        for bad in ["", "tomorrow", "2026-13-01", "2026-11-20 25:00", "21:00"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
