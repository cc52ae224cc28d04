//! Time that goes on while the process is stopped (SIGSTOP) and while the machine sleeps.
//!
//! The standard `Instant` stands still during sleep on Linux, so a laptop that wakes would believe
//! its lease. Not covered: a virtual machine that its host freezes together with all of its clocks.
//! When it goes on it may answer from memory for what was left of its lease, 1.6 seconds at most.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// On Linux the one clock that counts sleep; elsewhere the monotonic one does.
#[cfg(target_os = "linux")]
const CLOCK: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const CLOCK: ClockId = ClockId::Monotonic;

/// Nanoseconds since the machine started.
pub(super) fn now() -> u64 {
    let now = clock_gettime(CLOCK);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let rest = u64::try_from(now.tv_nsec).unwrap_or(0);
    seconds * 1_000_000_000 + rest
}

pub(super) fn after(begun: u64, span: Duration) -> u64 {
    begun + u64::try_from(span.as_nanos()).unwrap_or(u64::MAX / 2)
}
