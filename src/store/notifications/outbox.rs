//! What is to be told, written in the transaction of what it tells of: it is never lost, and nothing
//! is told that did not happen.

use bunsen_engine::configuration::CLIENT_REFERENCE;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use super::{Notification, hears_of, notification_columns};
use crate::error::Result;
use crate::ids::AccountId;
use crate::store::{Instance, OrgStore};

pub const INSTANCE_NEEDS_OWNER: &str = "instance.needs_owner";
pub const INSTANCE_RECOVERED: &str = "instance.recovered";
pub const INSTANCE_CLIENT_REFUSED: &str = "instance.client_refused";
/// Of those that are kept, which is for 30 days, one organization has at most so many to tell more.
pub const NOTIFICATIONS_OF_ORGANIZATION: i64 = 200_000;
/// Who tells of instances.
const OURSELVES: &str = "system";

#[derive(Debug)]
pub struct NewNotification<'a> {
    pub account: AccountId,
    pub topic: &'a str,
    pub severity: &'a str,
    pub sender: &'a str,
    pub message: &'a str,
    pub about: Option<About<'a>>,
}

/// An instance, as it is now.
#[derive(Debug)]
pub struct About<'a> {
    instance: &'a Instance,
    reason: &'a str,
    since: Option<Timestamp>,
}

impl OrgStore<'_> {
    /// `None`: the organization has as many as it may. What the server tells of instances is
    /// written nevertheless.
    pub async fn add_notification(
        &self,
        new: &NewNotification<'_>,
    ) -> Result<Option<Notification>> {
        self.transaction(|mut transaction| async move {
            let (kept,): (i64,) = self
                .query_as(
                    "select count(*) from (
                         select from notifications where org_id = $1 limit $2) n",
                )
                .bind(NOTIFICATIONS_OF_ORGANIZATION)
                .fetch_one(&mut *transaction)
                .await?;
            let made = match kept < NOTIFICATIONS_OF_ORGANIZATION {
                true => Some(self.notify(&mut transaction, new).await?),
                false => None,
            };
            Ok((transaction, made))
        })
        .await
    }

    /// Only its owner can help the instance, from this moment on.
    pub(in crate::store) async fn notify_needs_owner(
        &self,
        connection: &mut PgConnection,
        instance: &Instance,
        reason: &str,
        since: Option<Timestamp>,
    ) -> Result<()> {
        let message = format!(
            "{} must be connected again by its owner: {reason}",
            called(instance)
        );
        let new = NewNotification {
            account: instance.account_id,
            topic: INSTANCE_NEEDS_OWNER,
            severity: "high",
            sender: OURSELVES,
            message: &message,
            about: Some(About {
                instance,
                reason,
                since,
            }),
        };
        self.notify(connection, &new).await.map(drop)
    }

    /// A vendor does not take the application that renews the instance. Of a stored client this is told
    /// once a day, whichever of its instances meets it.
    pub(in crate::store) async fn notify_client_refused(
        &self,
        connection: &mut PgConnection,
        instance: &Instance,
        reason: &str,
    ) -> Result<()> {
        let stored = instance.configuration.get(CLIENT_REFERENCE);
        let message = match stored {
            Some(reference) => format!(
                "The vendor refuses the OAuth client {reference} of {}: {reason} Its instances stay \
                 valid and are tried again; correct it with PUT /elements/{}/oauth/client.",
                instance.element_key, instance.element_key
            ),
            None => format!(
                "{} cannot be renewed, since the vendor refuses its OAuth client: {reason} It stays \
                 valid and is tried again; correct the client with PATCH /instances/{}.",
                called(instance),
                instance.id
            ),
        };
        if stored.is_some() {
            // Whoever meets it at the same moment waits here, and finds it told.
            self.query("select pg_advisory_xact_lock(hashtextextended($2, $1))")
                .bind(&message)
                .execute(&mut *connection)
                .await?;
            let (told,): (bool,) = self
                .query_as(
                    "select exists (
                         select from notifications
                         where org_id = $1 and topic = $2 and message = $3
                           and created_at > clock_timestamp() - interval '1 day')",
                )
                .bind(INSTANCE_CLIENT_REFUSED)
                .bind(&message)
                .fetch_one(&mut *connection)
                .await?;
            if told {
                return Ok(());
            }
        }
        let new = NewNotification {
            account: instance.account_id,
            topic: INSTANCE_CLIENT_REFUSED,
            severity: "high",
            sender: OURSELVES,
            message: &message,
            about: stored.is_none().then_some(About {
                instance,
                reason,
                since: None,
            }),
        };
        self.notify(connection, &new).await.map(drop)
    }

    /// The instance works again, which it has not since what this row says.
    pub(in crate::store) async fn notify_recovered(
        &self,
        connection: &mut PgConnection,
        instance: &Instance,
        reason: &str,
    ) -> Result<()> {
        let message = format!("{} works again: {reason}", called(instance));
        let new = NewNotification {
            account: instance.account_id,
            topic: INSTANCE_RECOVERED,
            severity: "low",
            sender: OURSELVES,
            message: &message,
            about: Some(About {
                instance,
                reason,
                since: instance.invalid_since,
            }),
        };
        self.notify(connection, &new).await.map(drop)
    }

    async fn notify(
        &self,
        connection: &mut PgConnection,
        new: &NewNotification<'_>,
    ) -> Result<Notification> {
        let about = new.about.as_ref();
        let made: Notification = self
            .query_as(concat!(
                "with n as (
                     insert into notifications
                         (org_id, account_id, topic, severity, sender, message, instance_id,
                          element_key, instance_name, instance_tags, reason, since)
                     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
                     returning *
                 ) select ",
                notification_columns!(),
                "from n"
            ))
            .bind(new.account)
            .bind(new.topic)
            .bind(new.severity)
            .bind(new.sender)
            .bind(new.message)
            .bind(about.map(|about| about.instance.id))
            .bind(about.map(|about| about.instance.element_key.as_str()))
            .bind(about.map(|about| about.instance.name.as_str()))
            .bind(about.map(|about| about.instance.tags.as_slice()))
            .bind(about.map(|about| about.reason))
            .bind(about.and_then(|about| about.since).map(|at| at.to_sqlx()))
            .fetch_one(&mut *connection)
            .await?;
        // Locked, so that one that is deleted or switched off at the same moment is waited for:
        // what is written for it then is left out, or waits with the rest.
        self.query(concat!(
            "insert into notification_deliveries (org_id, notification_id, subscription_id, status)
             select s.org_id, $2, s.id, case when s.active then 'created' else 'queued' end
             from notification_subscriptions s
             where s.org_id = $1 and $3 = any(s.topics) and not s.overfull and ",
            hears_of!("$4"),
            "order by s.id for share of s"
        ))
        .bind(made.id)
        .bind(new.topic)
        .bind(new.account)
        .execute(connection)
        .await?;
        Ok(made)
    }
}

/// As people know it.
fn called(instance: &Instance) -> String {
    let Instance {
        id,
        name,
        element_key,
        ..
    } = instance;
    format!("Instance {id}, '{name}' of {element_key},")
}
