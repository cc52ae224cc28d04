//! Requests of one customer's database in the last hour, whoever makes them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The vendor's window in minutes; it rolls.
pub const WINDOW_MINUTES: u64 = 60;

/// A threshold and what is used of it. Counted always; delays and refusals only when switched on.
#[derive(Debug)]
pub struct Usage {
    pub threshold: u64,
    /// Calls beyond the threshold fail.
    pub enforced: bool,
    /// Half a second from half of the threshold on, a second from three quarters on.
    pub delays: bool,
    started: Instant,
    /// Minute since `started`, and the calls in it; oldest first, so that an hour takes 61 entries at most.
    minutes: VecDeque<(u64, u64)>,
}

impl Usage {
    pub fn new() -> Self {
        Self {
            threshold: 10_000,
            enforced: false,
            delays: false,
            started: Instant::now(),
            minutes: VecDeque::new(),
        }
    }

    /// Calls in the last 60 minutes.
    pub fn used(&self, now: Instant) -> u64 {
        let minute = self.minute(now);
        let recent = |entry: &&(u64, u64)| entry.0 + WINDOW_MINUTES > minute;
        self.minutes
            .iter()
            .filter(recent)
            .map(|(_, calls)| calls)
            .sum()
    }

    /// Forgets what was, and starts with a number of calls made just now.
    pub fn set_used(&mut self, calls: u64, now: Instant) {
        self.minutes.clear();
        self.minutes.push_back((self.minute(now), calls));
    }

    pub fn count(&mut self, now: Instant) {
        let minute = self.minute(now);
        self.minutes.retain(|(at, _)| at + WINDOW_MINUTES > minute);
        match self.minutes.back_mut() {
            Some((at, calls)) if *at == minute => *calls = calls.saturating_add(1),
            _ => self.minutes.push_back((minute, 1)),
        }
    }

    /// Whether the next call is one too many.
    pub fn is_exceeded(&self, now: Instant) -> bool {
        self.enforced && self.used(now) >= self.threshold
    }

    /// How long the vendor holds a call back.
    pub fn delay(&self, now: Instant) -> Option<Duration> {
        let used = self.used(now);
        if !self.delays || used < self.threshold.div_ceil(2) {
            return None;
        }
        let much = used >= (self.threshold.saturating_mul(3)).div_ceil(4);
        Some(Duration::from_millis(if much { 1000 } else { 500 }))
    }

    fn minute(&self, now: Instant) -> u64 {
        now.duration_since(self.started).as_secs() / 60
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hour_rolls() {
        let mut usage = Usage::new();
        let start = usage.started;
        let minutes = |number: u64| start + Duration::from_secs(60 * number);
        for number in [0, 0, 30] {
            usage.count(minutes(number));
        }
        assert_eq!(usage.used(minutes(59)), 3);
        assert_eq!(usage.used(minutes(60)), 1);
        usage.count(minutes(60));
        assert_eq!(usage.used(minutes(60)), 2);
        assert_eq!(usage.used(minutes(121)), 0);
    }

    #[test]
    fn delays_grow_and_refusals_begin_only_when_switched_on() {
        let mut usage = Usage::new();
        let now = usage.started;
        usage.threshold = 4;
        let mut seen = Vec::new();
        for used in 0..5 {
            usage.set_used(used, now);
            let off = (usage.delay(now), usage.is_exceeded(now));
            assert_eq!(off, (None, false));
            (usage.delays, usage.enforced) = (true, true);
            let delay = usage.delay(now).map(|delay| delay.as_millis());
            seen.push((delay, usage.is_exceeded(now)));
            (usage.delays, usage.enforced) = (false, false);
        }
        let expected = [
            (None, false),
            (None, false),
            (Some(500), false),
            (Some(1000), false),
            (Some(1000), true),
        ];
        assert_eq!(seen, expected);
    }
}
