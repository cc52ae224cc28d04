//! Partitions of the request log: one per day of UTC, named after it.
//!
//! A new one is made as a table and then attached, which lets others write and read meanwhile.

use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};
use sqlx::AssertSqlSafe;

use super::super::Store;
use super::super::retry::has_code;
use crate::error::Result;
use crate::ids::OrganizationId;

/// Of a day that are looked at to know whose it is.
const PAGES: i32 = 500;
const PREFIX: &str = "request_log_";
/// Tries to make a partition that another server makes at the same moment.
const TRIES: u32 = 5;

/// A partition that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestDay(pub Date);

impl RequestDay {
    pub fn of(at: Timestamp) -> Self {
        Self(at.to_zoned(TimeZone::UTC).date())
    }

    /// The next one; the last day that there is stays the last.
    pub fn tomorrow(self) -> Self {
        Self(self.0.tomorrow().unwrap_or(self.0))
    }

    /// So many days before it.
    pub fn before(self, days: u32) -> Self {
        let span = jiff::Span::new().try_days(i64::from(days));
        let earlier = span.and_then(|span| self.0.checked_sub(span));
        Self(earlier.unwrap_or(Date::MIN))
    }

    fn table(self) -> String {
        format!("{PREFIX}{}", self.0.strftime("%Y%m%d"))
    }

    fn read(table: &str) -> Option<Self> {
        let text = table.strip_prefix(PREFIX)?;
        Date::strptime("%Y%m%d", text).ok().map(Self)
    }
}

impl Store {
    /// Which days have a partition, the oldest first, and today as the database has it.
    pub async fn request_days(&self) -> Result<(Vec<RequestDay>, RequestDay)> {
        let mut reader = self.reader().await?;
        let (tables, today): (Vec<String>, jiff_sqlx::Timestamp) = self
            .query_as(
                "select coalesce(array_agg(c.relname::text), '{}'), clock_timestamp()
                 from pg_inherits i join pg_class c on c.oid = i.inhrelid
                 where i.inhparent = 'request_log'::regclass",
            )
            .fetch_one(&mut *reader)
            .await?;
        let mut days: Vec<RequestDay> = tables
            .iter()
            .filter_map(|table| RequestDay::read(table))
            .collect();
        days.sort_unstable();
        Ok((days, RequestDay::of(today.to_jiff())))
    }

    /// Bytes of a day's partition with its indexes; 0 without one.
    pub async fn request_day_bytes(&self, day: RequestDay) -> Result<u64> {
        let mut reader = self.reader().await?;
        let (bytes,): (i64,) = self
            .query_as("select coalesce(pg_total_relation_size(to_regclass($1)), 0)")
            .bind(day.table())
            .fetch_one(&mut *reader)
            .await?;
        Ok(u64::try_from(bytes).unwrap_or_default())
    }

    /// Which part of a day's bytes each organization has, roughly: as some of its pages say.
    pub async fn request_day_parts(&self, day: RequestDay) -> Result<Vec<(OrganizationId, f64)>> {
        let table = day.table();
        let mut reader = self.reader().await?;
        // The table's name is ours: a date in digits.
        let statement = format!(
            "with sampled as (
                 select org_id, sum(pg_column_size(r))::float8 as bytes
                 from {table} r tablesample system (
                     (least(100, 100.0 * $1 * current_setting('block_size')::int
                         / greatest(pg_relation_size('{table}'), 1)))::real)
                 group by org_id)
             select org_id, bytes / sum(bytes) over () from sampled"
        );
        let parts = sqlx::query_as(AssertSqlSafe(statement))
            .persistent(false)
            .bind(PAGES)
            .fetch_all(&mut *reader)
            .await?;
        Ok(parts)
    }

    /// Makes the day's partition, unless it is there. Several servers may do so at once.
    pub async fn add_request_day(&self, day: RequestDay) -> Result<()> {
        let mut tried = 1;
        loop {
            if self.request_days().await?.0.contains(&day) {
                return Ok(());
            }
            match self.attach(day).await {
                Ok(()) => return Ok(()),
                // The other's table, type or bounds are there already, or two wait for each other.
                Err(error)
                    if tried < TRIES
                        && has_code(&error, &["42P07", "42710", "23505", "42P17", "40P01"]) =>
                {
                    tried += 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn attach(&self, day: RequestDay) -> Result<(), sqlx::Error> {
        let table = day.table();
        let (from, to) = (day.0, day.tomorrow().0);
        let mut transaction = self.pool().begin().await?;
        // Every part is ours: a date in digits.
        let statements = format!(
            "set local lock_timeout = '5s';
             create table {table}
                 (like request_log including defaults including constraints including indexes);
             alter table request_log attach partition {table}
                 for values from ('{from} 00:00:00+00') to ('{to} 00:00:00+00')"
        );
        sqlx::raw_sql(AssertSqlSafe(statements))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await
    }

    /// Takes the day away with all its rows. Gives up when somebody reads or writes for long: whoever
    /// waits for the whole table keeps everybody else waiting behind.
    pub async fn drop_request_day(&self, day: RequestDay) -> Result<()> {
        let mut transaction = self.pool().begin().await?;
        let statements = format!(
            "set local lock_timeout = '2s'; drop table if exists {}",
            day.table()
        );
        sqlx::raw_sql(AssertSqlSafe(statements))
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_from_its_name() {
        let day = RequestDay(jiff::civil::date(2026, 2, 28));
        assert_eq!(day.table(), "request_log_20260228");
        assert_eq!(RequestDay::read(&day.table()), Some(day));
        assert_eq!(day.tomorrow().table(), "request_log_20260301");
        for other in ["request_log", "request_log_2026", "request_log_old", "days"] {
            assert_eq!(RequestDay::read(other), None, "{other}");
        }
    }
}
