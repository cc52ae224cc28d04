//! How long somebody wants to be left alone who answers with `Retry-After`.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// Whoever asks for more is asked again all the same.
const LONGEST: Duration = Duration::from_hours(24);

/// Seconds, or a date.
pub fn read(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let zoned = rfc2822::DateTimeParser::new().parse_zoned(text).ok()?;
            let seconds = zoned
                .timestamp()
                .as_second()
                .saturating_sub(now.as_second());
            Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
        }
    };
    Some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        for (text, seconds) in [
            ("90", Some(90)),
            (" 0 ", Some(0)),
            ("99999999999", Some(86_400)),
            ("Sun, 22 Nov 2026 10:02:00 GMT", Some(120)),
            ("Sun, 22 Nov 2026 09:02:00 GMT", Some(0)),
            ("soon", None),
            ("-5", None),
            ("", None),
        ] {
            let wait = seconds.map(Duration::from_secs);
            assert_eq!(read(text, now), wait, "{text}");
        }
    }
}
