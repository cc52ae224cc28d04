//! Calls of a token within two rolling seconds, and tokens of a company's daily budget. Always counted, enforced only
//! when a company says so.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

const WINDOW: Duration = Duration::from_secs(2);
const BUDGET: u64 = 30_000;
/// Calls with POST and PUT in a day.
const WRITES: u64 = 10_000;

/// The vendor's plans, which decide both limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    Lite,
    Growth,
    Premium,
    Ultimate,
    /// Not the vendor's: so many that a benchmark does not reach them.
    Unlimited,
}

impl Plan {
    /// Calls of one API token in two seconds.
    pub fn burst(self) -> u64 {
        match self {
            Self::Lite => 20,
            Self::Growth => 40,
            Self::Premium => 100,
            Self::Ultimate => 120,
            Self::Unlimited => 1_000_000_000,
        }
    }

    /// The budget of a company with so many seats.
    pub fn daily(self, seats: u64) -> u64 {
        let factor = match self {
            Self::Lite => 1,
            Self::Growth => 2,
            Self::Premium => 5,
            Self::Ultimate => 7,
            Self::Unlimited => 1_000_000,
        };
        seats.saturating_mul(BUDGET * factor)
    }
}

/// What one token used of its window.
#[derive(Debug, Default)]
pub struct Burst {
    calls: VecDeque<Instant>,
}

/// What a company used of its day.
#[derive(Debug, Default)]
pub struct Daily {
    day: i64,
    used: u64,
    writes: u64,
}

/// What one call found, for the headers of its answer.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    pub burst: u64,
    pub burst_remaining: u64,
    /// Seconds until the window ends: a small number, not a clock time.
    pub reset: u64,
    pub daily: u64,
    pub daily_remaining: u64,
    /// For POST and PUT with an API token.
    pub writes_left: Option<u64>,
    pub exceeded: bool,
}

impl Burst {
    /// Counts one call, refused ones too (unverified), and says how many there are and when the oldest leaves.
    pub fn count(&mut self, now: Instant) -> (u64, u64) {
        while let Some(oldest) = self.calls.front() {
            if now.saturating_duration_since(*oldest) < WINDOW {
                break;
            }
            self.calls.pop_front();
        }
        self.calls.push_back(now);
        let oldest = self.calls.front().copied().unwrap_or(now);
        let left = (oldest + WINDOW).saturating_duration_since(now);
        (
            self.calls.len() as u64,
            left.as_millis().div_ceil(1000) as u64,
        )
    }
}

impl Daily {
    /// Takes the price of a call from the budget. The day is that of UTC; the vendor's is that of its server.
    pub fn spend(&mut self, day: i64, cost: u64) -> u64 {
        if self.day != day {
            *self = Self {
                day,
                ..Self::default()
            };
        }
        self.used = self.used.saturating_add(cost);
        self.used
    }

    pub fn used(&self) -> u64 {
        self.used
    }

    /// Counts one call that changes something and says how many are left today. The number of them is unverified.
    pub fn write(&mut self) -> u64 {
        self.writes += 1;
        WRITES.saturating_sub(self.writes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_rolls() {
        let start = Instant::now();
        let mut burst = Burst::default();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        assert_eq!(burst.count(at(0)), (1, 2));
        assert_eq!(burst.count(at(1500)), (2, 1));
        assert_eq!(burst.count(at(1999)), (3, 1));
        assert_eq!(burst.count(at(2000)), (3, 2));
        assert_eq!(burst.count(at(9000)), (1, 2));
    }

    #[test]
    fn the_budget_is_of_a_day_and_grows_with_plan_and_seats() {
        let mut daily = Daily::default();
        assert_eq!(daily.spend(1, 2), 2);
        assert_eq!(daily.spend(1, 20), 22);
        assert_eq!(daily.spend(2, 2), 2);
        assert_eq!(Plan::Lite.daily(1), 30_000);
        assert_eq!(Plan::Ultimate.daily(5), 1_050_000);
    }
}
