//! What a renewal that failed means, and when it is tried again.

use std::time::Duration;

use jiff::Timestamp;

use crate::error::Error;
use crate::retry_after;

/// After the first failure, doubled with each one that follows.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// From one failure to the next try that a call makes, of all servers together: who calls learns soon
/// that the vendor is back, and a vendor that is away is not asked by every call.
const BETWEEN_CALLS: Duration = Duration::from_secs(8);

/// Only the first makes an instance invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The vendor does not take these credentials: only their owner can help.
    Refused,
    /// No more calls for now; how long the vendor wants to be left alone.
    Throttled(Option<Duration>),
    /// The vendor is down, cannot be reached, or says what cannot be understood.
    Passing,
}

pub fn class(error: &Error, now: Timestamp) -> Class {
    let Error::Vendor(failure) = error else {
        return Class::Passing;
    };
    match failure.status {
        401 => Class::Refused,
        // A page in front of the vendor, a proxy's or one for maintenance, says no such words.
        400 | 403 if failure.provider_message.is_some() => Class::Refused,
        429 => {
            let text = failure.retry_after.as_deref();
            Class::Throttled(text.and_then(|text| retry_after::read(text, now)))
        }
        _ => Class::Passing,
    }
}

/// How long to wait after so many failures before this one. `chance` is between 0 and 1: what failed
/// together is not tried together.
pub fn pause(class: Class, attempts: i32, chance: f64) -> Duration {
    let doubled = u32::try_from(attempts).unwrap_or_default().min(16);
    let grown = FIRST_PAUSE.saturating_mul(2_u32.pow(doubled));
    let pause = grown.min(LONGEST_PAUSE).mul_f64(0.5 + chance);
    match class {
        Class::Throttled(Some(wait)) => wait.max(pause),
        _ => pause,
    }
}

/// From when on a call that needs the tokens may try for itself; `None`: not sooner than anybody.
pub fn by_call_at(
    class: Class,
    now: Timestamp,
    not_before: Option<Timestamp>,
) -> Option<Timestamp> {
    match class {
        Class::Passing | Class::Throttled(None) => {
            let at = now.checked_add(BETWEEN_CALLS).ok()?;
            Some(not_before.map_or(at, |before| before.max(at)))
        }
        // How long the vendor wants to be left alone it has said itself.
        Class::Throttled(Some(_)) | Class::Refused => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::VendorFailure;

    fn vendor(status: u16, words: Option<&str>, retry_after: Option<&str>) -> Error {
        Error::Vendor(Box::new(VendorFailure {
            status,
            message: "said".into(),
            provider_message: words.map(str::to_owned),
            retry_after: retry_after.map(str::to_owned),
        }))
    }

    #[test]
    fn only_a_refusal_is_one() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let class = |error: &Error| super::class(error, now);
        let seconds = |seconds| Class::Throttled(Some(Duration::from_secs(seconds)));
        for refused in [
            vendor(401, None, None),
            vendor(400, Some("invalid_grant"), None),
            vendor(403, Some("no"), None),
        ] {
            assert_eq!(class(&refused), Class::Refused);
        }
        for passing in [
            vendor(502, Some("oops"), None),
            vendor(403, None, None),
            vendor(404, Some("gone"), None),
            Error::Invalid("host".into()),
            Error::Unavailable("held up"),
        ] {
            assert_eq!(class(&passing), Class::Passing);
        }
        assert_eq!(class(&vendor(429, None, Some("90"))), seconds(90));
        let date = Some("Sun, 22 Nov 2026 10:02:00 GMT");
        assert_eq!(class(&vendor(429, None, date)), seconds(120));
        let past = Some("Sun, 22 Nov 2026 09:02:00 GMT");
        assert_eq!(class(&vendor(429, None, past)), seconds(0));
        let endless = Some("99999999999");
        assert_eq!(class(&vendor(429, None, endless)), seconds(86_400));
        assert_eq!(
            class(&vendor(429, None, Some("soon"))),
            Class::Throttled(None)
        );
    }

    #[test]
    fn a_call_tries_sooner_unless_the_vendor_wants_to_be_left_alone() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let soon = now + BETWEEN_CALLS;
        let later = now + BETWEEN_CALLS * 2;
        assert_eq!(by_call_at(Class::Passing, now, None), Some(soon));
        assert_eq!(by_call_at(Class::Passing, now, Some(now)), Some(soon));
        assert_eq!(by_call_at(Class::Passing, now, Some(later)), Some(later));
        assert_eq!(by_call_at(Class::Throttled(None), now, None), Some(soon));
        let asked = Class::Throttled(Some(Duration::from_secs(1)));
        assert_eq!(by_call_at(asked, now, None), None);
        assert_eq!(by_call_at(Class::Refused, now, None), None);
    }

    #[test]
    fn pauses_grow_and_end() {
        let pause = |attempts| pause(Class::Passing, attempts, 0.5);
        assert_eq!(pause(0), FIRST_PAUSE);
        assert_eq!(pause(3), FIRST_PAUSE * 8);
        assert_eq!(pause(12), LONGEST_PAUSE);
        assert_eq!(pause(i32::MAX), LONGEST_PAUSE);
        let wait = Duration::from_secs(3600);
        assert_eq!(super::pause(Class::Throttled(Some(wait)), 0, 0.1), wait);
    }
}
