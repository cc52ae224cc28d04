//! Where an organization's applications want to hear of notifications.

use std::fmt;

use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row as _};
use uuid::Uuid;

use super::{subscription_columns, time, visible_subscription};
use crate::error::Result;
use crate::ids::{AccountId, SubscriptionId, UserId};
use crate::store::OrgStore;

/// Subscriptions of one account, and of one organization, at most.
pub const SUBSCRIPTIONS_OF_ACCOUNT: i64 = 20;
pub const SUBSCRIPTIONS_OF_ORGANIZATION: i64 = 200;

pub struct NewSubscription<'a> {
    pub row_id: Uuid,
    pub account: AccountId,
    /// Who makes it.
    pub user: UserId,
    pub all_accounts: bool,
    pub channel: &'a str,
    pub topics: &'a [String],
    pub url: &'a str,
    pub secret_sealed: &'a [u8],
}

#[derive(Debug, Clone)]
pub struct Subscription {
    pub id: SubscriptionId,
    pub channel: String,
    pub topics: Vec<String>,
    pub url: String,
    pub active: bool,
    pub inactive_reason: Option<String>,
    pub created_at: Timestamp,
}

impl OrgStore<'_> {
    /// `None`: there are as many as there may be.
    pub async fn add_subscription(
        &self,
        new: &NewSubscription<'_>,
    ) -> Result<Option<Subscription>> {
        self.transaction(|mut transaction| async move {
            // Of several at once each counts those before it.
            self.query("select 1 from organizations where id = $1 for no key update")
                .execute(&mut *transaction)
                .await?;
            let made = self
                .query_as(concat!(
                    "with counted as (
                         select count(*) as of_all,
                                count(*) filter (where account_id = $3) as of_account
                         from notification_subscriptions where org_id = $1
                     ), s as (
                         insert into notification_subscriptions
                             (org_id, row_id, account_id, all_accounts, channel, topics, url,
                              secret_sealed, user_id)
                         select $1, $2, $3, $4, $5, $6, $7, $8, $11 from counted
                         where of_account < $9 and of_all < $10
                         returning *
                     ) select ",
                    subscription_columns!(),
                    "from s"
                ))
                .bind(new.row_id)
                .bind(new.account)
                .bind(new.all_accounts)
                .bind(new.channel)
                .bind(new.topics)
                .bind(new.url)
                .bind(new.secret_sealed)
                .bind(SUBSCRIPTIONS_OF_ACCOUNT)
                .bind(SUBSCRIPTIONS_OF_ORGANIZATION)
                .bind(new.user)
                .fetch_optional(&mut *transaction)
                .await?;
            Ok((transaction, made))
        })
        .await
    }

    /// Those behind `after`, in the order of their ids.
    pub async fn subscriptions(
        &self,
        account: Option<AccountId>,
        after: SubscriptionId,
        limit: i64,
    ) -> Result<Vec<Subscription>> {
        let mut reader = self.reader().await?;
        let found = self
            .query_as(concat!(
                "select ",
                subscription_columns!(),
                "from notification_subscriptions s where ",
                visible_subscription!(),
                "and s.id > $3 order by s.id limit $4"
            ))
            .bind(account)
            .bind(after)
            .bind(limit)
            .fetch_all(&mut *reader)
            .await?;
        Ok(found)
    }

    pub async fn subscription(
        &self,
        id: SubscriptionId,
        account: Option<AccountId>,
    ) -> Result<Option<Subscription>> {
        let mut reader = self.reader().await?;
        let found = self
            .query_as(concat!(
                "select ",
                subscription_columns!(),
                "from notification_subscriptions s where ",
                visible_subscription!(),
                "and s.id = $3"
            ))
            .bind(account)
            .bind(id)
            .fetch_optional(&mut *reader)
            .await?;
        Ok(found)
    }

    /// With what is still to be delivered to it. `false`: there is none.
    pub async fn delete_subscription(
        &self,
        id: SubscriptionId,
        account: Option<AccountId>,
    ) -> Result<bool> {
        self.transaction(|mut transaction| async move {
            let deleted = self
                .query(concat!(
                    "delete from notification_subscriptions s where ",
                    visible_subscription!(),
                    "and s.id = $3"
                ))
                .bind(account)
                .bind(id)
                .execute(&mut *transaction)
                .await?;
            Ok((transaction, deleted.rows_affected() > 0))
        })
        .await
    }
}

impl FromRow<'_, PgRow> for Subscription {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("subscription_id")?,
            channel: row.try_get("channel")?,
            topics: row.try_get("topics")?,
            url: row.try_get("url")?,
            active: row.try_get("active")?,
            inactive_reason: row.try_get("inactive_reason")?,
            created_at: time(row, "subscribed_at")?,
        })
    }
}

impl fmt::Debug for NewSubscription<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSubscription")
            .field("account", &self.account)
            .field("topics", &self.topics)
            .finish_non_exhaustive()
    }
}
