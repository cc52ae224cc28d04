//! What is to be told, written in the transaction of what it tells of: it is never lost, and nothing
//! is told that did not happen.

use bunsen_engine::configuration::CLIENT_REFERENCE;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::{FromRow, PgConnection};

use super::{Notification, hears_of, notification_columns};
use crate::error::Result;
use crate::ids::{AccountId, OrganizationId};
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

/// A stored client that a vendor does not take.
#[derive(FromRow)]
struct RefusedClient {
    level: String,
    #[sqlx(rename = "account_id")]
    account: Option<AccountId>,
    #[sqlx(rename = "proxy_id")]
    proxy: Option<i64>,
    /// The organization's first account.
    home: Option<AccountId>,
    told: bool,
}

impl RefusedClient {
    /// The account whose client it is. One of the whole organization's is told where its administrators
    /// are, who hear of all accounts anyway; so is the operator's, which nobody here can correct.
    fn told_to(&self) -> Option<AccountId> {
        self.account.or(self.home)
    }

    fn mended_by(&self, element_key: &str) -> String {
        let place = format!("/elements/{element_key}/oauth/client");
        match (self.level.as_str(), self.account, self.proxy) {
            ("element", ..) => "the operator of this server corrects it.".to_owned(),
            (_, Some(account), _) => format!("correct it with PUT {place}?accountId={account}."),
            (_, _, Some(proxy)) => format!("correct it with PUT /elements/oauthProxies/{proxy}."),
            _ => format!("correct it with PUT {place}."),
        }
    }
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

    /// A vendor does not take the application that renews the instance. Of a stored client this is
    /// told once a day, whichever of its instances meets it, to those who keep it.
    pub(in crate::store) async fn notify_client_refused(
        &self,
        connection: &mut PgConnection,
        instance: &Instance,
        reason: &str,
    ) -> Result<()> {
        let stored = instance.configuration.get(CLIENT_REFERENCE);
        let stored = stored.and_then(|reference| {
            let (of, id) = reference.split_once('.')?;
            Some((
                reference,
                OrganizationId(of.parse().ok()?),
                id.parse().ok()?,
            ))
        });
        let (account, message) = match stored {
            Some((reference, of, id)) => {
                let head = format!(
                    "The vendor refuses the OAuth client {reference} of {}",
                    instance.element_key
                );
                let client = (of, id);
                match self.refused_client(connection, client, &head).await? {
                    Some(client) if !client.told => {
                        tracing::warn!(
                            org.id = %self.organization,
                            client = reference,
                            client.level = client.level,
                            element.key = instance.element_key,
                            "a vendor refuses a stored OAuth client"
                        );
                        let account = client.told_to().unwrap_or(instance.account_id);
                        let how = client.mended_by(&instance.element_key);
                        let message = format!(
                            "{head}: {reason} Its instances stay valid and are tried again; {how}"
                        );
                        (account, message)
                    }
                    // Told, or taken away meanwhile.
                    _ => return Ok(()),
                }
            }
            None if self.is_client_told(&mut *connection, instance).await? => return Ok(()),
            None => {
                let message = format!(
                    "{} cannot be renewed, since the vendor refuses its OAuth client: {reason} It \
                     stays valid and is tried again; correct the client with PATCH /instances/{}.",
                    called(instance),
                    instance.id
                );
                (instance.account_id, message)
            }
        };
        let new = NewNotification {
            account,
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

    /// Of a client that only this instance has: since it was renewed last.
    async fn is_client_told(
        &self,
        connection: &mut PgConnection,
        instance: &Instance,
    ) -> Result<bool> {
        let (told,): (bool,) = self
            .query_as(
                "select exists (
                     select from notifications
                     where org_id = $1 and topic = $2 and instance_id = $3
                       and created_at > coalesce($4, '-infinity'::timestamptz))",
            )
            .bind(INSTANCE_CLIENT_REFUSED)
            .bind(instance.id)
            .bind(instance.renewed_at.map(|at| at.to_sqlx()))
            .fetch_one(connection)
            .await?;
        Ok(told)
    }

    /// Whoever meets the same client at the same moment waits here until the transaction ends. `head`
    /// is how what is told of it begins. `None`: it is gone.
    async fn refused_client(
        &self,
        connection: &mut PgConnection,
        (of, id): (OrganizationId, i64),
        head: &str,
    ) -> Result<Option<RefusedClient>> {
        self.query("select pg_advisory_xact_lock(hashtextextended($2, $1))")
            .bind(head)
            .execute(&mut *connection)
            .await?;
        // What was told before it was set for the last time was another mistake.
        let found = self
            .query_as(
                "select c.level, c.account_id, c.proxy_id,
                        (select id from accounts where org_id = $1 and default_account) as home,
                        exists (
                            select from notifications n
                            where n.org_id = $1 and n.topic = $4 and starts_with(n.message, $5)
                              and n.created_at > greatest(c.updated_at,
                                  clock_timestamp() - interval '1 day')) as told
                 from oauth_clients c
                 where c.org_id = $2 and c.id = $3 and (c.org_id = $1 or c.level = 'element')",
            )
            .bind(of)
            .bind(id)
            .bind(INSTANCE_CLIENT_REFUSED)
            .bind(format!("{head}:"))
            .fetch_optional(connection)
            .await?;
        Ok(found)
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
