//! Notifications and deliveries: read, released, removed. [`outbox`] writes what is to be delivered,
//! [`sending`] is what those who deliver it need, [`subscriptions`] who wants to hear it.

mod outbox;
mod sending;
mod subscriptions;

use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row as _};

use super::OrgStore;
use crate::error::Result;
use crate::ids::{AccountId, InstanceId, NotificationId, SubscriptionId};

pub use outbox::{
    INSTANCE_NEEDS_OWNER, INSTANCE_RECOVERED, NOTIFICATIONS_OF_ORGANIZATION, NewNotification,
};
pub use sending::{
    DeliveryLook, DeliveryPosition, DueDelivery, FIRST_POSITION, FoundDeliveries, Missed,
};
pub use subscriptions::{
    NewSubscription, SUBSCRIPTIONS_OF_ACCOUNT, SUBSCRIPTIONS_OF_ORGANIZATION, Subscription,
};

/// Notifications of a list that are counted; nobody needs to know how many more there are.
const COUNTED: i64 = 20_000;
/// Deliveries that are released in one transaction.
const RELEASED_AT_ONCE: i64 = 1000;

#[derive(Debug, Clone)]
pub struct Notification {
    pub id: NotificationId,
    pub topic: String,
    pub severity: String,
    pub sender: String,
    pub message: String,
    pub acknowledged: bool,
    pub about: Option<AboutInstance>,
    pub created_at: Timestamp,
}

/// The instance that a notification is about, as it was at that moment.
#[derive(Debug, Clone)]
pub struct AboutInstance {
    pub id: InstanceId,
    pub account: AccountId,
    pub element_key: String,
    pub name: String,
    pub tags: Vec<String>,
    /// Why it needs its owner; of one that has recovered: why it did.
    pub reason: Option<String>,
    /// Since when.
    pub since: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub struct Delivery {
    pub id: i64,
    pub notification: Notification,
    pub subscription: Subscription,
    pub status: String,
    pub attempts: i32,
    pub outcome: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Option<Timestamp>,
}

/// Which deliveries. Of what is `None` all.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeliveryFilter<'a> {
    /// Subscriptions of this account alone.
    pub account: Option<AccountId>,
    pub notification: Option<NotificationId>,
    pub subscription: Option<SubscriptionId>,
    pub channels: Option<&'a [String]>,
    pub statuses: Option<&'a [String]>,
    pub urls: Option<&'a [String]>,
}

macro_rules! notification_columns {
    () => {
        "n.id as notification_id, n.account_id, n.topic, n.severity, n.sender, n.message,
         n.acknowledged, n.instance_id, n.element_key, n.instance_name, n.instance_tags, n.reason,
         n.since, n.created_at as notified_at "
    };
}
use notification_columns;

macro_rules! subscription_columns {
    () => {
        "s.id as subscription_id, s.channel, s.topics, s.url, s.active, s.inactive_reason,
         s.created_at as subscribed_at "
    };
}
use subscription_columns;

/// Whether the subscription `s` hears of what belongs to this account: its own does; what an
/// administrator has asked to hear of the others ends with the role.
macro_rules! hears_of {
    ($account:literal) => {
        concat!(
            "(s.account_id = ",
            $account,
            " or (s.all_accounts and exists (
                 select 1 from users u
                 where u.org_id = s.org_id and u.active and 'org-admin' = any(u.roles)
                   and case when s.user_id is null then u.account_id = s.account_id
                            else u.id = s.user_id end))) "
        )
    };
}
use hears_of;

/// Who is no administrator sees what its account has made: $2, or null.
macro_rules! visible_subscription {
    () => {
        "s.org_id = $1 and ($2::bigint is null or (s.account_id = $2 and not s.all_accounts)) "
    };
}
use visible_subscription;

/// A [`DeliveryFilter`] on $2 to $7.
macro_rules! matching_deliveries {
    () => {
        concat!(
            visible_subscription!(),
            "and ($3::bigint is null or d.notification_id = $3)
             and ($4::bigint is null or d.subscription_id = $4)
             and ($5::text[] is null or s.channel = any($5))
             and ($6::text[] is null or d.status = any($6))
             and ($7::text[] is null or s.url = any($7)) "
        )
    };
}

impl OrgStore<'_> {
    /// Those of these topics before `before`, newest first, and how many there are in all, counted up
    /// to 20,000.
    pub async fn notifications(
        &self,
        topics: &[String],
        account: Option<AccountId>,
        before: Option<NotificationId>,
        limit: i64,
    ) -> Result<(Vec<Notification>, i64)> {
        let mut reader = self.reader().await?;
        let found = self
            .query_as(concat!(
                "select ",
                notification_columns!(),
                "from notifications n
                 where n.org_id = $1 and n.topic = any($2)
                   and ($3::bigint is null or n.account_id = $3)
                   and n.id < coalesce($4::bigint, 9223372036854775807)
                 order by n.id desc limit $5"
            ))
            .bind(topics)
            .bind(account)
            .bind(before)
            .bind(limit)
            .fetch_all(&mut *reader)
            .await?;
        let (total,): (i64,) = self
            .query_as(
                "select count(*) from (
                     select from notifications n
                     where n.org_id = $1 and n.topic = any($2)
                       and ($3::bigint is null or n.account_id = $3)
                     limit $4) n",
            )
            .bind(topics)
            .bind(account)
            .bind(COUNTED)
            .fetch_one(&mut *reader)
            .await?;
        Ok((found, total))
    }

    pub async fn notification(
        &self,
        id: NotificationId,
        account: Option<AccountId>,
    ) -> Result<Option<Notification>> {
        let mut reader = self.reader().await?;
        let found = self
            .query_as(concat!(
                "select ",
                notification_columns!(),
                "from notifications n where n.org_id = $1 and n.id = $2
                   and ($3::bigint is null or n.account_id = $3)"
            ))
            .bind(id)
            .bind(account)
            .fetch_optional(&mut *reader)
            .await?;
        Ok(found)
    }

    /// With its deliveries, those included that nobody has made yet. `false`: there is none.
    pub async fn delete_notification(
        &self,
        id: NotificationId,
        account: Option<AccountId>,
    ) -> Result<bool> {
        self.transaction(|mut transaction| async move {
            let deleted = self
                .query(
                    "delete from notifications where org_id = $1 and id = $2
                       and ($3::bigint is null or account_id = $3)",
                )
                .bind(id)
                .bind(account)
                .execute(&mut *transaction)
                .await?;
            Ok((transaction, deleted.rows_affected() > 0))
        })
        .await
    }

    /// Again is fine. `None`: there is none.
    pub async fn acknowledge_notification(
        &self,
        id: NotificationId,
        account: Option<AccountId>,
    ) -> Result<Option<Notification>> {
        self.transaction(|mut transaction| async move {
            let changed = self
                .query_as(concat!(
                    "with n as (
                         update notifications set acknowledged = true
                         where org_id = $1 and id = $2
                           and ($3::bigint is null or account_id = $3)
                         returning *
                     ) select ",
                    notification_columns!(),
                    "from n"
                ))
                .bind(id)
                .bind(account)
                .fetch_optional(&mut *transaction)
                .await?;
            Ok((transaction, changed))
        })
        .await
    }

    /// Those before `before`, newest first.
    pub async fn deliveries(
        &self,
        filter: &DeliveryFilter<'_>,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<Delivery>> {
        let mut reader = self.reader().await?;
        let found = self
            .query_as(concat!(
                "select d.id, d.status, d.attempts, d.outcome, d.created_at, d.updated_at, ",
                notification_columns!(),
                ", ",
                subscription_columns!(),
                "from notification_deliveries d
                 join notification_subscriptions s
                     on s.org_id = d.org_id and s.id = d.subscription_id
                 join notifications n on n.org_id = d.org_id and n.id = d.notification_id
                 where ",
                matching_deliveries!(),
                "and d.id < coalesce($8::bigint, 9223372036854775807)
                 order by d.id desc limit $9"
            ))
            .bind(filter.account)
            .bind(filter.notification)
            .bind(filter.subscription)
            .bind(filter.channels)
            .bind(filter.statuses)
            .bind(filter.urls)
            .bind(before)
            .bind(limit)
            .fetch_all(&mut *reader)
            .await?;
        Ok(found)
    }

    /// Sends what matches again, however often it was tried, and switches the subscriptions on. Gives
    /// how many deliveries. A few at a time, so that nobody waits long for what is locked; what is
    /// written meanwhile is left out.
    pub async fn release_deliveries(&self, filter: &DeliveryFilter<'_>) -> Result<u64> {
        let mut released = 0;
        let mut before = None;
        loop {
            let (some, last) = self.release_some(filter, before).await?;
            released += some;
            match last {
                Some(last) => before = Some(last),
                None => return Ok(released),
            }
        }
    }

    /// The newest of those before `before`; gives how many, and the oldest of them.
    async fn release_some(
        &self,
        filter: &DeliveryFilter<'_>,
        before: Option<i64>,
    ) -> Result<(u64, Option<i64>)> {
        self.transaction(|mut transaction| async move {
            let (released, last): (i64, Option<i64>) = self
                .query_as(concat!(
                    "with matching as (
                         select d.org_id, d.id, d.subscription_id
                         from notification_deliveries d
                         join notification_subscriptions s
                             on s.org_id = d.org_id and s.id = d.subscription_id
                         where ",
                    matching_deliveries!(),
                    "      and d.id < coalesce($8::bigint, 9223372036854775807)
                         order by d.id desc limit $9
                         for no key update of d
                     ), awake as (
                         select s.org_id, s.id from notification_subscriptions s
                         where (s.org_id, s.id) in (select org_id, subscription_id from matching)
                         order by s.id for no key update
                     ), awoken as (
                         update notification_subscriptions s
                         set active = true, inactive_reason = null, failures = 0,
                             rests_until = null, updated_at = now()
                         from awake a where s.org_id = a.org_id and s.id = a.id
                     ), released as (
                         update notification_deliveries d
                         set status = 'retry', attempts = 0, first_failed_at = null,
                             due_at = clock_timestamp(), updated_at = now()
                         from matching m where d.org_id = m.org_id and d.id = m.id
                         returning d.id
                     )
                     select count(*), min(id) from released"
                ))
                .bind(filter.account)
                .bind(filter.notification)
                .bind(filter.subscription)
                .bind(filter.channels)
                .bind(filter.statuses)
                .bind(filter.urls)
                .bind(before)
                .bind(RELEASED_AT_ONCE)
                .fetch_one(&mut *transaction)
                .await?;
            let last = last.filter(|_| released == RELEASED_AT_ONCE);
            Ok((transaction, (released.unsigned_abs(), last)))
        })
        .await
    }
}

fn time(row: &PgRow, column: &str) -> sqlx::Result<Timestamp> {
    Ok(row.try_get::<jiff_sqlx::Timestamp, _>(column)?.to_jiff())
}

fn maybe_time(row: &PgRow, column: &str) -> sqlx::Result<Option<Timestamp>> {
    let time: Option<jiff_sqlx::Timestamp> = row.try_get(column)?;
    Ok(time.map(jiff_sqlx::Timestamp::to_jiff))
}

impl FromRow<'_, PgRow> for Notification {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let instance: Option<InstanceId> = row.try_get("instance_id")?;
        let about = match instance {
            Some(id) => Some(AboutInstance {
                id,
                account: row.try_get("account_id")?,
                element_key: row.try_get("element_key")?,
                name: row.try_get("instance_name")?,
                tags: row.try_get("instance_tags")?,
                reason: row.try_get("reason")?,
                since: maybe_time(row, "since")?,
            }),
            None => None,
        };
        Ok(Self {
            id: row.try_get("notification_id")?,
            topic: row.try_get("topic")?,
            severity: row.try_get("severity")?,
            sender: row.try_get("sender")?,
            message: row.try_get("message")?,
            acknowledged: row.try_get("acknowledged")?,
            about,
            created_at: time(row, "notified_at")?,
        })
    }
}

impl FromRow<'_, PgRow> for Delivery {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            notification: Notification::from_row(row)?,
            subscription: Subscription::from_row(row)?,
            status: row.try_get("status")?,
            attempts: row.try_get("attempts")?,
            outcome: row.try_get("outcome")?,
            created_at: time(row, "created_at")?,
            updated_at: maybe_time(row, "updated_at")?,
        })
    }
}
