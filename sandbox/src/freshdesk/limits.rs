//! Calls per account and minute: always counted, enforced only when an account says so.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// The vendor's plans with their calls per minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// No API at all.
    Free,
    Trial,
    Growth,
    Pro,
    Enterprise,
    /// Not the vendor's: so many that a benchmark does not reach them.
    Unlimited,
}

impl Plan {
    pub fn calls(self) -> u64 {
        match self {
            Self::Free => 0,
            Self::Trial => 50,
            Self::Growth => 200,
            Self::Pro => 400,
            Self::Enterprise => 700,
            Self::Unlimited => 1_000_000_000,
        }
    }
}

/// One account's allowance and what is used of it. Older accounts count by the hour, so the window can be set.
#[derive(Debug)]
pub struct Limit {
    pub total: u64,
    pub window: Duration,
    pub enforced: bool,
    /// Some answers say `100.0` instead of `100`.
    pub decimal: bool,
    opened: Option<Instant>,
    used: u64,
}

/// What one call found, for the headers of its answer.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    pub total: u64,
    pub remaining: u64,
    pub decimal: bool,
    /// Seconds until the window ends, when this call is one too many.
    pub refused_for: Option<u64>,
}

impl Limit {
    pub fn of(plan: Plan) -> Self {
        Self {
            total: plan.calls(),
            window: Duration::from_secs(60),
            enforced: false,
            decimal: false,
            opened: None,
            used: 0,
        }
    }

    /// Starts a fresh window with the next call.
    pub fn restart(&mut self) {
        self.opened = None;
    }

    pub fn used(&self) -> u64 {
        self.used
    }

    /// Takes what a call costs beyond one, and says how much that was.
    pub fn spend(&mut self, credits: u64) -> u64 {
        self.used += credits;
        credits
    }

    /// Counts one call. Refused ones count as well, as invalid ones do.
    pub fn count(&mut self, now: Instant) -> Usage {
        let opened = match self.opened {
            Some(opened) if now.duration_since(opened) < self.window => opened,
            _ => {
                self.used = 0;
                *self.opened.insert(now)
            }
        };
        self.used += 1;
        let left = (opened + self.window).saturating_duration_since(now);
        let over = self.enforced && self.used > self.total;
        Usage {
            total: self.total,
            remaining: self.total.saturating_sub(self.used),
            decimal: self.decimal,
            refused_for: over.then_some(left.as_secs().max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_down_and_starts_again_with_the_next_window() {
        let start = Instant::now();
        let mut limit = Limit::of(Plan::Trial);
        assert_eq!(limit.count(start).remaining, 49);
        assert_eq!(limit.count(start + Duration::from_secs(59)).remaining, 48);
        assert_eq!(limit.count(start + Duration::from_secs(60)).remaining, 49);
    }

    #[test]
    fn it_refuses_only_when_enforced_and_says_for_how_long() {
        let start = Instant::now();
        let mut limit = Limit::of(Plan::Trial);
        for _ in 0..60 {
            assert_eq!(limit.count(start).refused_for, None);
        }
        limit.enforced = true;
        let later = start + Duration::from_secs(26);
        let usage = limit.count(later);
        assert_eq!((usage.remaining, usage.refused_for), (0, Some(34)));
    }
}
