//! When a delivery that failed is tried again.

use std::time::Duration;

/// After so many failures nothing more is tried: the last is some three days after the first.
const MOST: i32 = 10;
/// Not again before that, however long ago the first failure was.
const SHORTEST: Duration = Duration::from_secs(4);
/// A receiver that fails is left alone by everything else for so long at most, unless it asks for
/// more.
const LONGEST_REST: Duration = Duration::from_secs(300);
/// What failed together is not tried together.
const SPREAD: f64 = 0.1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// From the delivery's first failure.
    pub after_first: Duration,
    pub from_now: Duration,
    /// For all that is to be delivered to the same receiver.
    pub rest: Duration,
}

/// After so many failures of the delivery, and so many of the receiver in a row, before this one.
/// `chance` is between 0 and 1. `None`: it is not tried any more.
pub fn next(
    attempts: i32,
    failures: i32,
    retry_after: Option<Duration>,
    chance: f64,
) -> Option<Next> {
    let failed = attempts.saturating_add(1);
    if failed >= MOST {
        return None;
    }
    let spread = 1.0 + SPREAD * chance;
    let asked = retry_after.unwrap_or_default();
    let rest = grown(failures.saturating_add(1)).min(LONGEST_REST);
    Some(Next {
        after_first: grown(failed).mul_f64(spread),
        from_now: SHORTEST.max(asked).mul_f64(spread),
        rest: rest.max(asked),
    })
}

/// 4, 16, 64 seconds, and so on, up to three days.
fn grown(failures: i32) -> Duration {
    let power = u32::try_from(failures).unwrap_or_default().min(9);
    Duration::from_secs(4_u64.pow(power))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_three_days_and_end() {
        let after = |attempts| next(attempts, 0, None, 0.0).map(|next| next.after_first.as_secs());
        let all: Vec<u64> = (0..).map_while(after).collect();
        assert_eq!(all, [4, 16, 64, 256, 1024, 4096, 16384, 65536, 262_144]);
        let late = next(8, 0, None, 1.0).expect("one more");
        assert_eq!(late.after_first.as_secs(), 288_358);
        assert!(next(9, 0, None, 0.0).is_none() && next(i32::MAX, 0, None, 0.0).is_none());
    }

    #[test]
    fn a_receiver_rests_with_its_failures_and_as_long_as_it_wants() {
        let rest = |failures, asked| {
            let next = next(0, failures, asked, 0.0).expect("again");
            (next.rest.as_secs(), next.from_now.as_secs())
        };
        assert_eq!(rest(0, None), (4, 4));
        assert_eq!(rest(2, None), (64, 4));
        assert_eq!(rest(i32::MAX, None), (300, 4));
        let hour = Some(Duration::from_secs(3600));
        assert_eq!(rest(0, hour), (3600, 3600));
    }
}
