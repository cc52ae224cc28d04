//! Settings of `serve` for what is called at vendors: how often, and how much at once.

use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;

#[derive(Debug, Clone, Args)]
pub struct Calls {
    /// Calls of vendors that one organization may make in a minute, all servers together. Default: as
    /// many as the vendors take.
    #[arg(
        long,
        env = "BUNSEN_ORGANIZATION_CALLS_PER_MINUTE",
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    organization_calls_per_minute: Option<u32>,

    /// Whether what definitions say of the calls that vendors let an account make is kept to.
    #[arg(
        long,
        env = "BUNSEN_VENDOR_BUDGETS",
        default_value_t = true,
        action = clap::ArgAction::Set,
        value_name = "BOOLEAN"
    )]
    pub vendor_budgets: bool,

    /// Bytes of a vendor's pages that one list holds; a page that would need more is shorter, and has a
    /// token that leads on.
    #[arg(
        long,
        env = "BUNSEN_HUB_CALL_BYTES",
        default_value_t = 16 * 1024 * 1024,
        value_name = "BYTES",
        value_parser = RangedU64ValueParser::<usize>::new().range(64 * 1024..)
    )]
    pub hub_call_bytes: usize,

    /// Seconds after which one hub call makes no further call of the vendor's.
    #[arg(long, env = "BUNSEN_HUB_CALL_TIMEOUT", default_value_t = 120, value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    hub_call_timeout: u64,
}

impl Calls {
    pub fn organization_calls_per_minute(&self) -> Option<u64> {
        self.organization_calls_per_minute.map(u64::from)
    }

    pub fn hub_call_timeout(&self) -> Duration {
        Duration::from_secs(self.hub_call_timeout)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        calls: Calls,
    }

    #[test]
    fn a_list_holds_at_least_a_small_page() {
        let read = |bytes| Line::try_parse_from(["serve", "--hub-call-bytes", bytes]);
        for refused in ["0", "65535", "much"] {
            assert!(read(refused).is_err(), "{refused}");
        }
        let taken = read("65536").ok().map(|line| line.calls.hub_call_bytes);
        assert_eq!(taken, Some(64 * 1024));
    }
}
