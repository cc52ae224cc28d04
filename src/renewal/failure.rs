//! What a renewal that failed means, and when it is tried again.

use std::time::Duration;

use bunsen_engine::element::{Grant, Renewal, Reuse, Start};
use bunsen_engine::reply::Blame;
use jiff::Timestamp;

use super::Due;
use crate::error::Error;
use crate::retry_after;

/// After the first failure, doubled with each one that follows.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// From one failure to the next try that a call makes, of all servers together: who calls learns soon
/// that the vendor is back, and a vendor that is away is not asked by every call.
const BETWEEN_CALLS: Duration = Duration::from_secs(8);
/// About so long nobody asks again with a client that the vendor does not take: it is as wrong for all
/// of its instances, and heals when somebody corrects it. A call that needs the tokens asks sooner.
const CLIENT_PAUSE: Duration = Duration::from_secs(30 * 60);
const CLIENT_BETWEEN_CALLS: Duration = Duration::from_secs(5 * 60);
/// About so long until what was refused for good is asked with once more, where that does no harm, and
/// how long that goes on.
const REFUSED_PAUSE: Duration = Duration::from_hours(6);
const REFUSED_LONGEST: Duration = Duration::from_hours(60 * 24);
/// Tries in a row that are refused in words which nobody knows, until the owner is told: some hours.
const UNCLEAR_TRIES: i32 = 20;
/// The same of a password, before the one that is the last.
const PASSWORD_TRIES: i32 = 2;
/// Failures in a row until the next is shown, although it may pass: some minutes.
const LASTING_TRIES: i32 = 5;

/// Only the first makes an instance invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The vendor does not take these credentials: only their owner can help.
    Refused,
    /// The vendor does not take the application that asks, or how it asks: whoever runs it can help,
    /// and no instance is the worse for it.
    Client,
    /// Refused in words that nobody here knows: it may pass, and if it does not, the owner is told.
    Unclear,
    /// No more calls for now; how long the vendor wants to be left alone.
    Throttled(Option<Duration>),
    /// The vendor is down, cannot be reached, or says what cannot be understood.
    Passing,
}

/// `blame` is of the vendor's answer, if there is one.
pub fn class(error: &Error, blame: Option<Blame>, now: Timestamp) -> Class {
    let (Error::Vendor(failure), Some(blame)) = (error, blame) else {
        return Class::Passing;
    };
    match blame {
        Blame::Owner => Class::Refused,
        Blame::Client => Class::Client,
        Blame::Unclear => Class::Unclear,
        Blame::Haste => {
            let text = failure.retry_after.as_deref();
            Class::Throttled(text.and_then(|text| retry_after::read(text, now)))
        }
        Blame::Nobody => Class::Passing,
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
        Class::Client => CLIENT_PAUSE.mul_f64(0.5 + chance),
        _ => pause,
    }
}

/// When what the vendor has refused for good is tried again, for an owner who has mended it there
/// (allowed access, say): seldom, and not for ever.
pub fn after_refusal(now: Timestamp, since: Option<Timestamp>, chance: f64) -> Option<Timestamp> {
    let age = since.map(|since| now.duration_since(since).unsigned_abs());
    let old = age.is_some_and(|age| age > REFUSED_LONGEST);
    let pause = REFUSED_PAUSE.mul_f64(0.5 + chance);
    now.checked_add(pause).ok().filter(|_| !old)
}

/// Whether so many tries are enough to tell the owner of a refusal that nobody understands.
pub fn is_enough(attempts: i32) -> bool {
    attempts >= UNCLEAR_TRIES
}

/// From when on a call that needs the tokens may try for itself; `None`: not sooner than anybody.
pub fn by_call_at(
    class: Class,
    now: Timestamp,
    not_before: Option<Timestamp>,
) -> Option<Timestamp> {
    let pause = match class {
        Class::Passing | Class::Unclear | Class::Throttled(None) => BETWEEN_CALLS,
        Class::Client => CLIENT_BETWEEN_CALLS,
        // How long the vendor wants to be left alone it has said itself.
        Class::Throttled(Some(_)) | Class::Refused => return None,
    };
    let at = now.checked_add(pause).ok()?;
    Some(not_before.map_or(at, |before| before.max(at)))
}

impl Due<'_> {
    /// Of an attempt that began with `start`. `stored_client`: the vendor was asked with one; `ends`:
    /// when the access token does.
    pub(super) fn class(
        &self,
        (error, blame): (&Error, Option<Blame>),
        (renewal, start): (&Renewal<'_>, Start),
        stored_client: bool,
        ends: Timestamp,
    ) -> Class {
        let now = Timestamp::now();
        match class(error, blame, now) {
            // It logs in with nothing but a client of its own.
            Class::Client if !stored_client && self.is_client() => Class::Refused,
            Class::Unclear if is_enough(self.row.renewal_attempts) && ends <= now => Class::Refused,
            Class::Unclear if self.may_lock_out(renewal, start) => Class::Refused,
            class => class,
        }
    }

    /// A password that is sent again and again is locked out in the end, whatever the vendor says to it.
    fn may_lock_out(&self, renewal: &Renewal<'_>, start: Start) -> bool {
        start == Start::LogIn
            && !self.is_harmless(renewal, start)
            && self.row.renewal_attempts >= PASSWORD_TRIES
    }

    /// Whether it is shown, although it may pass: whoever has to be told, what has lasted for some
    /// minutes, and what is waited for.
    pub(super) fn is_trouble(&self, class: Class, not_before: Option<Timestamp>) -> bool {
        let waits = not_before.is_some_and(|end| end > Timestamp::now());
        class == Class::Client || waits || self.row.renewal_attempts >= LASTING_TRIES
    }

    fn is_client(&self) -> bool {
        matches!(self.grant(), Some(Grant::ClientCredentials))
    }

    /// Whether the vendor may be asked the same once more after it has refused it: neither does a
    /// second use of a refresh token end what lives, nor does a wrong password lock its user out.
    pub(super) fn is_harmless(&self, renewal: &Renewal<'_>, start: Start) -> bool {
        match start {
            Start::Refresh => renewal.reuse == Reuse::Safe && !self.row.renewal_in_doubt,
            Start::LogIn => matches!(
                self.grant(),
                Some(Grant::ClientCredentials | Grant::JwtBearer(_))
            ),
            Start::Token => false,
        }
    }

    fn grant(&self) -> Option<&Grant> {
        self.group.oauth.as_ref().map(|oauth| &oauth.grant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::VendorFailure;

    fn said(retry_after: Option<&str>) -> Error {
        Error::Vendor(Box::new(VendorFailure {
            blame: Blame::Nobody,
            status: 401,
            message: "said".into(),
            provider_message: None,
            retry_after: retry_after.map(str::to_owned),
        }))
    }

    #[test]
    fn only_a_refusal_is_one() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let seconds = |seconds| Class::Throttled(Some(Duration::from_secs(seconds)));
        for (blame, expected) in [
            (Some(Blame::Owner), Class::Refused),
            (Some(Blame::Client), Class::Client),
            (Some(Blame::Unclear), Class::Unclear),
            (Some(Blame::Nobody), Class::Passing),
            // The vendor has not answered.
            (None, Class::Passing),
        ] {
            assert_eq!(class(&said(None), blame, now), expected);
        }
        for ours in [Error::Invalid("host".into()), Error::Unavailable("held up")] {
            assert_eq!(class(&ours, None, now), Class::Passing);
        }
        let haste = |text| class(&said(text), Some(Blame::Haste), now);
        assert_eq!(haste(Some("90")), seconds(90));
        assert_eq!(haste(Some("Sun, 22 Nov 2026 10:02:00 GMT")), seconds(120));
        assert_eq!(haste(Some("Sun, 22 Nov 2026 09:02:00 GMT")), seconds(0));
        assert_eq!(haste(Some("99999999999")), seconds(86_400));
        assert_eq!(haste(Some("soon")), Class::Throttled(None));
    }

    #[test]
    fn what_was_refused_is_tried_seldom_and_not_for_ever() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let again = |since| after_refusal(now, since, 0.5);
        assert_eq!(again(None), Some(now + REFUSED_PAUSE));
        assert_eq!(
            again(Some(now - REFUSED_LONGEST)),
            Some(now + REFUSED_PAUSE)
        );
        assert_eq!(again(Some(now - REFUSED_LONGEST - REFUSED_PAUSE)), None);
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
        let client = by_call_at(Class::Client, now, None);
        assert_eq!(client, Some(now + CLIENT_BETWEEN_CALLS));
    }

    #[test]
    fn pauses_grow_and_end() {
        let pause = |attempts| pause(Class::Passing, attempts, 0.5);
        assert_eq!(pause(0), FIRST_PAUSE);
        assert_eq!(pause(3), FIRST_PAUSE * 8);
        assert_eq!(pause(12), LONGEST_PAUSE);
        assert_eq!(pause(i32::MAX), LONGEST_PAUSE);
        assert_eq!(super::pause(Class::Client, 0, 0.5), CLIENT_PAUSE);
        let wait = Duration::from_secs(3600);
        assert_eq!(super::pause(Class::Throttled(Some(wait)), 0, 0.1), wait);
    }
}
