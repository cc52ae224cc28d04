//! What servers take together of budgets: one row per budget, changed by one statement each time.

use std::time::Duration;

use sqlx::FromRow;

use super::Store;
use crate::error::Result;

/// Whose budget it is, as a hash.
pub type BudgetKey = [u8; 32];

/// What a server asks for.
#[derive(Debug, Clone, Copy)]
pub struct Spending {
    /// Calls of a window, as far as the definition knows.
    pub calls: u64,
    pub window: Duration,
    /// Calls of a window as the vendor has just said.
    pub learned: Option<u64>,
    pub wanted: u64,
    /// Calls of this window that were leased before and not made.
    pub back: u64,
}

/// What it gets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leased {
    pub calls: u64,
    pub window_left: Duration,
    pub learned: Option<u64>,
    /// The vendor wants to be left alone for so long.
    pub held: Option<Duration>,
}

#[derive(FromRow)]
struct Row {
    granted: i64,
    learned: Option<i64>,
    window_left: f64,
    held: Option<f64>,
}

impl Store {
    /// Takes calls to be made now; a window begins with the first of them. By the database's clock.
    pub async fn lease_calls(&self, key: &BudgetKey, spending: Spending) -> Result<Leased> {
        // What stood there is asked for twice, because a statement cannot return it.
        const LEASE: &str = "
            insert into budgets as b (key, window_ends_at, spent, granted, learned)
            values ($1, now() + make_interval(secs => $2), least($4, coalesce($5, $3)),
                    least($4, coalesce($5, $3)), $5)
            on conflict (key) do update set
                window_ends_at = case when b.window_ends_at <= now()
                    then excluded.window_ends_at else b.window_ends_at end,
                learned = coalesce($5, b.learned),
                granted = case when b.held_until > now() then 0 else
                    greatest(0, least($4, coalesce($5, b.learned, $3)
                        - case when b.window_ends_at <= now() then 0
                          else greatest(0, b.spent - $6) end)) end,
                spent = case when b.window_ends_at <= now() then 0
                        else greatest(0, b.spent - $6) end
                    + case when b.held_until > now() then 0 else
                        greatest(0, least($4, coalesce($5, b.learned, $3)
                            - case when b.window_ends_at <= now() then 0
                              else greatest(0, b.spent - $6) end)) end
            returning granted, learned,
                extract(epoch from window_ends_at - now())::float8 as window_left,
                extract(epoch from held_until - now())::float8 as held";
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let row: Row = self
            .transaction(|mut transaction| async move {
                let row = self
                    .query_as(LEASE)
                    .bind(key.as_slice())
                    .bind(spending.window.as_secs_f64())
                    .bind(number(spending.calls))
                    .bind(number(spending.wanted))
                    .bind(spending.learned.map(number))
                    .bind(number(spending.back))
                    .fetch_one(&mut *transaction)
                    .await?;
                Ok((transaction, row))
            })
            .await?;
        let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        Ok(Leased {
            calls: u64::try_from(row.granted).unwrap_or_default(),
            window_left: seconds(row.window_left),
            learned: row.learned.and_then(|learned| u64::try_from(learned).ok()),
            held: row.held.map(seconds).filter(|held| !held.is_zero()),
        })
    }

    /// From now on nobody leases calls of this budget for so long; a longer wait stays.
    pub async fn hold_calls(&self, key: &BudgetKey, wait: Duration) -> Result<()> {
        self.transaction(|mut transaction| async move {
            self.query(
                "insert into budgets as b (key, window_ends_at, spent, granted, held_until)
                 values ($1, now(), 0, 0, now() + make_interval(secs => $2))
                 on conflict (key) do update
                     set held_until = greatest(b.held_until, excluded.held_until)",
            )
            .bind(key.as_slice())
            .bind(wait.as_secs_f64())
            .execute(&mut *transaction)
            .await?;
            Ok((transaction, ()))
        })
        .await
    }

    /// Forgets budgets whose window has ended for so long, and that nothing holds; so many at once.
    /// How many there were.
    pub async fn forget_budgets(&self, idle: Duration, at_once: i64) -> Result<u64> {
        self.transaction(|mut transaction| async move {
            let done = self
                .query(
                    "delete from budgets where key in (
                         select key from budgets
                         where window_ends_at < now() - make_interval(secs => $1)
                           and coalesce(held_until < now(), true)
                         order by window_ends_at limit $2 for update skip locked)",
                )
                .bind(idle.as_secs_f64())
                .bind(at_once)
                .execute(&mut *transaction)
                .await?;
            Ok((transaction, done.rows_affected()))
        })
        .await
    }
}
