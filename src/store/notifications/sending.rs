//! Deliveries as those see them who make them: claimed when they are due, and what came of it.

use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row as _};
use uuid::Uuid;

use super::{Notification, notification_columns};
use crate::error::Result;
use crate::ids::{OrganizationId, SubscriptionId};
use crate::store::{AllOrgs, OrgStore};

/// Subscriptions with something to deliver that are looked at in one go.
const LOOKED_AT: i64 = 10_000;

/// One that is to be tried now.
pub struct DueDelivery {
    pub organization: OrganizationId,
    pub id: i64,
    /// What the receiver knows it by.
    pub delivery_id: Uuid,
    /// That have failed.
    pub attempts: i32,
    pub notification: Notification,
    pub subscription: SubscriptionId,
    pub url: String,
    pub row_id: Uuid,
    pub secret_sealed: Vec<u8>,
    /// Failures of the subscription since its last success.
    pub failures: i32,
}

/// An attempt that failed.
#[derive(Debug)]
pub struct Missed<'a> {
    /// The next is so long after the first failure at the earliest, and so long from now.
    pub after_first: Duration,
    pub from_now: Duration,
    /// Everything else for this receiver waits so long.
    pub rest: Duration,
    pub outcome: &'a str,
}

impl AllOrgs<'_> {
    /// Deliveries that are due, not to be found by others for `claim`: of each organization the one
    /// that waits longest, then of each the second, and so on; of one subscription
    /// `per_subscription` at most, and one while it fails. Of `busy` subscriptions none.
    pub async fn claim_deliveries(
        &self,
        limit: i64,
        per_subscription: i64,
        busy: &[SubscriptionId],
        claim: Duration,
    ) -> Result<Vec<DueDelivery>> {
        let store = self.store;
        store
            .transaction(|mut transaction| async move {
                // From one subscription to the next by the index: those of a receiver that is far
                // behind are not gone through.
                let claimed = store
                    .query_as(concat!(
                        "with recursive waiting as (
                             (select org_id, subscription_id from notification_deliveries
                              where status in ('created', 'retry')
                              order by org_id, subscription_id limit 1)
                             union all
                             select n.org_id, n.subscription_id
                             from waiting w cross join lateral (
                                 select d.org_id, d.subscription_id from notification_deliveries d
                                 where d.status in ('created', 'retry')
                                   and (d.org_id, d.subscription_id)
                                       > (w.org_id, w.subscription_id)
                                 order by d.org_id, d.subscription_id limit 1) n
                         ), due as (
                             select d.org_id, d.id, d.due_at
                             from (select * from waiting limit $5) w
                             join notification_subscriptions s
                                 on s.org_id = w.org_id and s.id = w.subscription_id
                             join accounts a on a.org_id = s.org_id and a.id = s.account_id
                             join organizations o on o.id = s.org_id
                             cross join lateral (
                                 select d.org_id, d.id, d.due_at from notification_deliveries d
                                 where d.org_id = s.org_id and d.subscription_id = s.id
                                   and d.status in ('created', 'retry')
                                   and d.due_at <= clock_timestamp()
                                 order by d.due_at
                                 limit case when s.failures > 0 then 1 else $2 end) d
                             where s.active and a.active and o.active and s.id <> all($3)
                               and coalesce(s.rests_until <= clock_timestamp(), true)
                         ), turn as (
                             select org_id, id, due_at, row_number() over (
                                 partition by org_id order by due_at) as place
                             from due
                         ), chosen as (
                             select org_id, id from turn order by place, due_at limit $1
                         ), free as (
                             select d.org_id, d.id from notification_deliveries d
                             where (d.org_id, d.id) in (select org_id, id from chosen)
                               and d.status in ('created', 'retry')
                               and d.due_at <= clock_timestamp()
                             for no key update skip locked
                         ), claimed as (
                             update notification_deliveries d
                             set due_at = clock_timestamp() + make_interval(secs => $4)
                             from free f where d.org_id = f.org_id and d.id = f.id
                             returning d.*
                         )
                         select d.org_id, d.id, d.delivery_id, d.attempts, s.url, s.row_id,
                                s.secret_sealed, s.failures, d.subscription_id, ",
                        notification_columns!(),
                        "from claimed d
                         join notifications n on n.org_id = d.org_id and n.id = d.notification_id
                         join notification_subscriptions s
                             on s.org_id = d.org_id and s.id = d.subscription_id"
                    ))
                    .bind(limit)
                    .bind(per_subscription)
                    .bind(busy)
                    .bind(claim.as_secs_f64())
                    .bind(LOOKED_AT)
                    .fetch_all(&mut *transaction)
                    .await?;
                Ok((transaction, claimed))
            })
            .await
    }

    /// Removes so many notifications of this age at most, with their deliveries; gives how many.
    pub async fn forget_notifications(&self, age: Duration, limit: i64) -> Result<u64> {
        let store = self.store;
        store
            .transaction(|mut transaction| async move {
                let done = store
                    .query(
                        "delete from notifications where (org_id, id) in (
                             select org_id, id from notifications
                             where created_at <= clock_timestamp() - make_interval(secs => $1)
                             order by created_at limit $2 for update skip locked)",
                    )
                    .bind(age.as_secs_f64())
                    .bind(limit)
                    .execute(&mut *transaction)
                    .await?;
                Ok((transaction, done.rows_affected()))
            })
            .await
    }
}

impl OrgStore<'_> {
    /// Nobody has tried it; it is found again after a while.
    pub async fn put_back_delivery(&self, id: i64, after: Duration) -> Result<()> {
        self.transaction(|mut transaction| async move {
            self.query(
                "update notification_deliveries
                 set due_at = clock_timestamp() + make_interval(secs => $3)
                 where org_id = $1 and id = $2 and status in ('created', 'retry')",
            )
            .bind(id)
            .bind(after.as_secs_f64())
            .execute(&mut *transaction)
            .await?;
            Ok((transaction, ()))
        })
        .await
    }

    pub async fn delivered(&self, due: &DueDelivery, outcome: &str) -> Result<()> {
        self.transaction(|mut transaction| async move {
            self.query(
                "update notification_deliveries
                 set status = 'delivered', attempts = attempts + 1, outcome = $3,
                     updated_at = clock_timestamp()
                 where org_id = $1 and id = $2 and status <> 'delivered'",
            )
            .bind(due.id)
            .bind(outcome)
            .execute(&mut *transaction)
            .await?;
            // Most have nothing to forget, and need not wait for each other.
            self.query(
                "update notification_subscriptions set failures = 0, rests_until = null
                 where org_id = $1 and id = $2 and failures > 0",
            )
            .bind(due.subscription)
            .execute(&mut *transaction)
            .await?;
            Ok((transaction, ()))
        })
        .await
    }

    /// Nothing when somebody else has tried it meanwhile, as after a claim that ran out.
    pub async fn missed(&self, due: &DueDelivery, missed: &Missed<'_>) -> Result<()> {
        self.transaction(|mut transaction| async move {
            let counted = self
                .query(
                    "update notification_deliveries
                     set status = 'retry', attempts = attempts + 1, outcome = $4,
                         first_failed_at = coalesce(first_failed_at, statement_timestamp()),
                         due_at = greatest(
                             coalesce(first_failed_at, statement_timestamp())
                                 + make_interval(secs => $5),
                             statement_timestamp() + make_interval(secs => $6)),
                         updated_at = statement_timestamp()
                     where org_id = $1 and id = $2 and attempts = $3
                       and status in ('created', 'retry')",
                )
                .bind(due.id)
                .bind(due.attempts)
                .bind(missed.outcome)
                .bind(missed.after_first.as_secs_f64())
                .bind(missed.from_now.as_secs_f64())
                .execute(&mut *transaction)
                .await?;
            if counted.rows_affected() > 0 {
                self.query(
                    "update notification_subscriptions
                     set failures = failures + 1,
                         rests_until = statement_timestamp() + make_interval(secs => $3)
                     where org_id = $1 and id = $2",
                )
                .bind(due.subscription)
                .bind(missed.rest.as_secs_f64())
                .execute(&mut *transaction)
                .await?;
            }
            Ok((transaction, ()))
        })
        .await
    }

    /// It is not tried any more until it is released. With a reason the subscription is switched off,
    /// and all that waits for its receiver stays as well.
    pub async fn give_delivery_up(
        &self,
        due: &DueDelivery,
        outcome: &str,
        off: Option<&str>,
    ) -> Result<()> {
        self.transaction(|mut transaction| async move {
            self.query(
                "update notification_deliveries
                 set status = 'queued', attempts = attempts + 1, outcome = $3,
                     updated_at = clock_timestamp()
                 where org_id = $1 and id = $2 and status <> 'delivered'",
            )
            .bind(due.id)
            .bind(outcome)
            .execute(&mut *transaction)
            .await?;
            if let Some(reason) = off {
                self.query(
                    "update notification_deliveries
                     set status = 'queued', updated_at = clock_timestamp()
                     where org_id = $1 and subscription_id = $2 and status in ('created', 'retry')",
                )
                .bind(due.subscription)
                .execute(&mut *transaction)
                .await?;
                self.query(
                    "update notification_subscriptions
                     set active = false, inactive_reason = $3, failures = 0, rests_until = null,
                         updated_at = now()
                     where org_id = $1 and id = $2",
                )
                .bind(due.subscription)
                .bind(reason)
                .execute(&mut *transaction)
                .await?;
            }
            Ok((transaction, ()))
        })
        .await
    }
}

impl FromRow<'_, PgRow> for DueDelivery {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            organization: row.try_get("org_id")?,
            id: row.try_get("id")?,
            delivery_id: row.try_get("delivery_id")?,
            attempts: row.try_get("attempts")?,
            notification: Notification::from_row(row)?,
            subscription: row.try_get("subscription_id")?,
            url: row.try_get("url")?,
            row_id: row.try_get("row_id")?,
            secret_sealed: row.try_get("secret_sealed")?,
            failures: row.try_get("failures")?,
        })
    }
}

impl std::fmt::Debug for DueDelivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DueDelivery")
            .field("organization", &self.organization)
            .field("id", &self.id)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}
