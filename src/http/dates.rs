//! Times as the wire has them: UTC, never with fractions.

use jiff::Timestamp;

/// `2017-08-07T18:46:38Z`, as instances carry it.
pub fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2017-08-07`, as accounts and users carry it.
pub fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}
