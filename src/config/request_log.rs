//! Settings of `serve` for the request log.

use clap::Args;

#[derive(Debug, Clone, Args)]
pub struct RequestLog {
    /// Days that the request log keeps calls for; 0: there is none.
    #[arg(
        long = "request-log-days",
        env = "BUNSEN_REQUEST_LOG_DAYS",
        default_value_t = 30,
        value_name = "DAYS",
        value_parser = clap::value_parser!(u32).range(..=3650)
    )]
    pub days: u32,

    /// Bytes of one day's calls at most. Successful reads are left out from three quarters on,
    /// everything at the limit.
    #[arg(
        long = "request-log-day-bytes",
        env = "BUNSEN_REQUEST_LOG_DAY_BYTES",
        default_value_t = 4 * 1024 * 1024 * 1024,
        value_name = "BYTES"
    )]
    pub day_bytes: u64,

    /// Of a hundred successful reads, how many are logged, chosen at random.
    #[arg(
        long = "request-log-reads",
        env = "BUNSEN_REQUEST_LOG_READS",
        default_value_t = 100,
        value_name = "PERCENT",
        value_parser = clap::value_parser!(u8).range(..=100)
    )]
    pub reads: u8,

    /// Calls that may wait for the database; with more, successful reads are left out, others wait.
    #[arg(
        long = "request-log-queue",
        env = "BUNSEN_REQUEST_LOG_QUEUE",
        default_value_t = 16_384,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=10_000_000)
    )]
    queue: u32,
}

impl RequestLog {
    /// Calls that may wait.
    pub fn queue(&self) -> usize {
        usize::try_from(self.queue).unwrap_or(usize::MAX)
    }
}
