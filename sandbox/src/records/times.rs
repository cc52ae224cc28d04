//! Points in time as callers write them and as vendors show them. Held as UTC text that sorts as time does.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

/// UTC in whole seconds: the form in which records hold times.
pub fn shown(seconds: i64) -> String {
    let moment = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Reads a date with or without time, and `Z`, `±hh:mm`, `±hhmm`, `±hh` or nothing for UTC.
pub fn read(text: &str) -> Option<i64> {
    let text = text.trim();
    let date: Date = text.get(..10)?.parse().ok()?;
    let rest = text.get(10..)?;
    let rest = rest.strip_prefix(['T', 't', ' ']).unwrap_or(rest);
    let (clock, zone) = match rest.find(['Z', 'z', '+', '-']) {
        Some(place) => rest.split_at(place),
        None => (rest, ""),
    };
    let time = match clock.trim() {
        "" => Time::midnight(),
        clock => clock.parse().ok()?,
    };
    let moment = offset(zone)?
        .to_timestamp(DateTime::from_parts(date, time))
        .ok()?;
    Some(moment.as_second())
}

/// The held form of what was written.
pub fn held(text: &str) -> Option<String> {
    read(text).map(shown)
}

pub fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<Date>().is_ok()
}

/// `HH:MM`, with or without seconds.
pub fn is_clock(text: &str) -> bool {
    matches!(text.len(), 5 | 8) && text.parse::<Time>().is_ok()
}

fn offset(zone: &str) -> Option<Offset> {
    if matches!(zone, "" | "Z" | "z") {
        return Some(Offset::UTC);
    }
    let digits: String = zone[1..].chars().filter(|letter| *letter != ':').collect();
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let hours: i32 = digits[..2].parse().ok()?;
    let minutes: i32 = digits.get(2..4).map_or(Some(0), |text| text.parse().ok())?;
    let seconds = (hours * 60 + minutes) * 60;
    Offset::from_seconds(if zone.starts_with('-') {
        -seconds
    } else {
        seconds
    })
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_written_form_is_the_same_moment() {
        for text in [
            "2026-03-01T10:30:00Z",
            "2026-03-01 10:30:00",
            "2026-03-01T10:30",
            "2026-03-01T10:30:00.000Z",
            "2026-03-01T16:00:00+05:30",
            "2026-03-01T16:00:00+0530",
            "2026-03-01T08:30:00-02",
        ] {
            assert_eq!(
                held(text).as_deref(),
                Some("2026-03-01T10:30:00Z"),
                "{text}"
            );
        }
        assert_eq!(held("2026-03-01").as_deref(), Some("2026-03-01T00:00:00Z"));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "yesterday",
            "2026-13-01",
            "2026-03-01T25:00",
            "2026-03-01T10:00+5",
            "01.03.2026",
            "2026-03-0é",
        ] {
            assert_eq!(held(text), None, "{text}");
        }
        assert!(is_date("2026-02-28") && !is_date("2026-02-30") && !is_date("2026-02-28T00:00"));
        assert!(
            is_clock("09:30") && is_clock("09:30:15") && !is_clock("9:30") && !is_clock("24:61")
        );
    }
}
