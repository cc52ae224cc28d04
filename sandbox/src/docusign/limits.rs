//! Calls per account: by the full hour and in bursts of 30 seconds. Always counted, enforced only when an account says so.

const HOUR: i64 = 3600;
const BURST: i64 = 30;

/// Not the vendor's: so many that a benchmark does not reach them. The vendor allows 3000 an hour, and 500 in a burst
/// (200 in the developer sandbox).
pub const UNLIMITED: u64 = 1_000_000_000;

#[derive(Debug)]
pub struct Limit {
    pub hourly: u64,
    pub burst: u64,
    pub enforced: bool,
    /// 400 in the field for years, 429 by today's documentation.
    pub status: u16,
    hour: Window,
    short: Window,
}

#[derive(Debug, Default)]
struct Window {
    opened: i64,
    used: u64,
}

/// Which of the two allowances is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exceeded {
    Hour,
    Burst,
}

/// What one call found, for the headers of its answer.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    pub hourly: u64,
    pub hourly_remaining: u64,
    /// Unix seconds of the next full hour.
    pub reset: i64,
    pub burst: u64,
    pub burst_remaining: u64,
    pub exceeded: Option<Exceeded>,
}

impl Default for Limit {
    fn default() -> Self {
        Self {
            hourly: UNLIMITED,
            burst: UNLIMITED,
            enforced: false,
            status: 400,
            hour: Window::default(),
            short: Window::default(),
        }
    }
}

impl Limit {
    /// Starts fresh windows with the next call.
    pub fn restart(&mut self) {
        (self.hour, self.short) = (Window::default(), Window::default());
    }

    pub fn used(&self) -> u64 {
        self.hour.used
    }

    /// Counts one call. Refused ones count as well (unverified).
    pub fn count(&mut self, now: i64) -> Usage {
        let full_hour = now - now.rem_euclid(HOUR);
        if self.hour.opened != full_hour {
            self.hour = Window {
                opened: full_hour,
                used: 0,
            };
        }
        if now - self.short.opened >= BURST {
            self.short = Window {
                opened: now,
                used: 0,
            };
        }
        self.hour.used += 1;
        self.short.used += 1;
        let exceeded = if self.hour.used > self.hourly {
            Some(Exceeded::Hour)
        } else if self.short.used > self.burst {
            Some(Exceeded::Burst)
        } else {
            None
        };
        Usage {
            hourly: self.hourly,
            hourly_remaining: self.hourly.saturating_sub(self.hour.used),
            reset: full_hour + HOUR,
            burst: self.burst,
            burst_remaining: self.burst.saturating_sub(self.short.used),
            exceeded: exceeded.filter(|_| self.enforced),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hour_ends_with_the_clock_and_the_burst_after_its_seconds() {
        let mut limit = Limit {
            hourly: 3,
            burst: 2,
            enforced: true,
            ..Limit::default()
        };
        let start = 1_425_963_590;
        let first = limit.count(start);
        assert_eq!((first.hourly_remaining, first.burst_remaining), (2, 1));
        assert_eq!((first.reset, first.exceeded), (1_425_963_600, None));
        assert_eq!(limit.count(start + 1).exceeded, None);
        assert_eq!(limit.count(start + 2).exceeded, Some(Exceeded::Burst));
        assert_eq!(limit.count(start + 3).exceeded, Some(Exceeded::Hour));
        let next = limit.count(start + 30);
        assert_eq!((next.hourly_remaining, next.burst_remaining), (2, 1));
        assert_eq!((next.reset, next.exceeded), (1_425_967_200, None));
    }

    #[test]
    fn it_only_counts_until_it_is_enforced() {
        let mut limit = Limit {
            hourly: 0,
            burst: 0,
            ..Limit::default()
        };
        let usage = limit.count(1);
        assert_eq!((usage.hourly_remaining, usage.exceeded), (0, None));
    }
}
