//! Deliveries as those see them who make them: claimed when they are due, and what came of it.

use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row as _};
use uuid::Uuid;

use super::{Notification, hears_of, notification_columns};
use crate::error::Result;
use crate::ids::{OrganizationId, SubscriptionId};
use crate::store::{AllOrgs, OrgStore};

/// What one receiver has not taken yet, at most. Beyond it nothing more is written for it: whoever
/// comes back from that far behind reads the notifications.
const UNDELIVERED: i64 = 100_000;

/// A subscription with something to deliver, in the order in which they are gone through.
pub type DeliveryPosition = (OrganizationId, SubscriptionId);

/// Before the first.
pub const FIRST_POSITION: DeliveryPosition = (OrganizationId(0), SubscriptionId(0));

/// Which deliveries are claimed.
#[derive(Debug)]
pub struct DeliveryLook<'a> {
    pub limit: i64,
    /// Of one subscription at most; one while it fails.
    pub each: i64,
    /// Subscriptions that take no more now.
    pub busy: &'a [SubscriptionId],
    /// How many each organization has under way, and how many it may have.
    pub under_way: &'a [(OrganizationId, i64)],
    pub of_organization: i64,
    /// So many subscriptions behind this one are looked at.
    pub after: DeliveryPosition,
    pub subscriptions: i64,
    /// For so long nobody else finds what is claimed.
    pub claim: Duration,
}

/// What a look found, and where the next one goes on.
#[derive(Debug)]
pub struct FoundDeliveries {
    pub due: Vec<DueDelivery>,
    pub next: DeliveryPosition,
}

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
    /// The subscription may still be told of this.
    pub hears: bool,
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
    /// Deliveries that are due: of each organization the one that waits longest, then of each the
    /// second, and so on, until with those under way it has all that it may, or as many as it leaves
    /// of the limit.
    pub async fn claim_deliveries(&self, look: &DeliveryLook<'_>) -> Result<FoundDeliveries> {
        let store = self.store;
        let (organizations, places): (Vec<i64>, Vec<i64>) = look
            .under_way
            .iter()
            .map(|(organization, places)| (organization.0, *places))
            .unzip();
        let (organizations, places) = (&organizations, &places);
        let rows: Vec<Claimed> = store
            .transaction(|mut transaction| async move {
                // From one subscription to the next by the index: those of a receiver that is far
                // behind are not gone through.
                let claimed = store
                    .query_as(concat!(
                        "with recursive waiting as (
                             (select org_id, subscription_id from notification_deliveries
                              where status in ('created', 'retry')
                                and (org_id, subscription_id) > ($6, $7)
                              order by org_id, subscription_id limit 1)
                             union all
                             select n.org_id, n.subscription_id
                             from waiting w cross join lateral (
                                 select d.org_id, d.subscription_id from notification_deliveries d
                                 where d.status in ('created', 'retry')
                                   and (d.org_id, d.subscription_id)
                                       > (w.org_id, w.subscription_id)
                                 order by d.org_id, d.subscription_id limit 1) n
                         ), looked_at as (
                             select * from waiting limit $5
                         ), busy as (
                             select * from unnest($8::bigint[], $9::bigint[]) as b (org_id, places)
                         ), due as (
                             select d.org_id, d.id, d.due_at
                             from looked_at w
                             join notification_subscriptions s
                                 on s.org_id = w.org_id and s.id = w.subscription_id
                             join accounts a on a.org_id = s.org_id and a.id = s.account_id
                             join organizations o on o.id = s.org_id
                             cross join lateral (
                                 select d.org_id, d.id, d.due_at from notification_deliveries d
                                 where d.org_id = s.org_id and d.subscription_id = s.id
                                   and d.status in ('created', 'retry')
                                   and d.due_at <= statement_timestamp()
                                 order by d.due_at
                                 limit case when s.failures > 0 then 1 else $2 end) d
                             where s.active and a.active and o.active and s.id <> all($3)
                               and not exists (select from busy b
                                               where b.org_id = s.org_id and b.places >= $10)
                               and coalesce(s.rests_until <= clock_timestamp(), true)
                         ), turn as (
                             select d.org_id, d.id, d.due_at,
                                 coalesce(b.places, 0) + row_number() over (
                                     partition by d.org_id order by d.due_at) as place
                             from due d left join busy b on b.org_id = d.org_id
                         ), ranked as (
                             select org_id, id, place,
                                 row_number() over (order by place, due_at) as rank
                             from turn where place <= $10
                         ), chosen as (
                             -- So many are free before it is taken: limit - rank + 1.
                             select org_id, id from ranked where place <= $1 - rank + 1
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
                         select l.org_id as next_org_id, l.subscription_id as next_subscription_id,
                                d.*
                         from (values (1)) as always
                         left join (select org_id, subscription_id from looked_at
                                    order by org_id, subscription_id offset $5 - 1) l on true
                         left join (
                             select d.org_id, d.id, d.delivery_id, d.attempts, s.url, s.row_id,
                                    s.secret_sealed, s.failures, d.subscription_id, ",
                        hears_of!("n.account_id"),
                        "    as hears, ",
                        notification_columns!(),
                        "    from claimed d
                             join notifications n on n.org_id = d.org_id and n.id = d.notification_id
                             join notification_subscriptions s
                                 on s.org_id = d.org_id and s.id = d.subscription_id) d on true"
                    ))
                    .bind(look.limit)
                    .bind(look.each)
                    .bind(look.busy)
                    .bind(look.claim.as_secs_f64())
                    .bind(look.subscriptions)
                    .bind(look.after.0)
                    .bind(look.after.1)
                    .bind(organizations)
                    .bind(places)
                    .bind(look.of_organization)
                    .fetch_all(&mut *transaction)
                    .await?;
                Ok((transaction, claimed))
            })
            .await?;
        Ok(FoundDeliveries {
            next: rows
                .first()
                .and_then(|row| row.next)
                .unwrap_or(FIRST_POSITION),
            due: rows.into_iter().filter_map(|row| row.due).collect(),
        })
    }

    /// Notes of so many subscriptions behind `after` whose receivers are too far behind to be told
    /// more. Gives the last of them; `None`: there is none.
    pub async fn note_overfull(
        &self,
        after: DeliveryPosition,
        limit: i64,
    ) -> Result<Option<DeliveryPosition>> {
        let store = self.store;
        store
            .transaction(|mut transaction| async move {
                let last = store
                    .query_as(
                        "with batch as (
                             select org_id, id from notification_subscriptions
                             where (org_id, id) > ($1, $2) order by org_id, id limit $3
                         ), counted as (
                             select org_id, id, (select count(*) from (
                                 select 1 from notification_deliveries d
                                 where d.org_id = batch.org_id and d.subscription_id = batch.id
                                   and d.status <> 'delivered'
                                 limit $4) undelivered) >= $4 as overfull
                             from batch
                         ), noted as (
                             update notification_subscriptions s set overfull = c.overfull
                             from counted c
                             where s.org_id = c.org_id and s.id = c.id and s.overfull <> c.overfull
                         )
                         select org_id, id from batch order by org_id desc, id desc limit 1",
                    )
                    .bind(after.0)
                    .bind(after.1)
                    .bind(limit)
                    .bind(UNDELIVERED)
                    .fetch_optional(&mut *transaction)
                    .await?;
                Ok((transaction, last))
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
                             where created_at <= statement_timestamp() - make_interval(secs => $1)
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

    /// Its subscription must not be told any more.
    pub async fn withdraw_delivery(&self, id: i64) -> Result<()> {
        self.transaction(|mut transaction| async move {
            self.query("delete from notification_deliveries where org_id = $1 and id = $2")
                .bind(id)
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
            hears: row.try_get("hears")?,
        })
    }
}

/// A row of a look: there is always one, and perhaps a delivery in it.
struct Claimed {
    next: Option<DeliveryPosition>,
    due: Option<DueDelivery>,
}

impl FromRow<'_, PgRow> for Claimed {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let organization: Option<OrganizationId> = row.try_get("next_org_id")?;
        let subscription: Option<SubscriptionId> = row.try_get("next_subscription_id")?;
        let claimed = row.try_get::<Option<i64>, _>("id")?.is_some();
        Ok(Self {
            next: organization.zip(subscription),
            due: claimed.then(|| DueDelivery::from_row(row)).transpose()?,
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
