//! Use cases: what an organization is told, above all that an instance needs its owner, and where
//! its applications want to hear of it.
//!
//! The store writes a notification and its deliveries in the transaction of what they tell of
//! (`store::notifications`), [`worker`] makes the deliveries: at least once each, in no promised
//! order.

mod message;
mod schedule;
mod signature;
mod subscriptions;
pub mod tidying;
pub mod worker;

use crate::app::{App, shortened};
use crate::error::{Error, Result};
use crate::ids::{AccountId, NotificationId, OrganizationId, SubscriptionId, UserId};
use crate::outbound::Grant;
use crate::store::{self, Delivery, DeliveryFilter, NOTIFICATIONS_OF_ORGANIZATION, OrgStore};

pub use message::Notification;
pub use subscriptions::{NewSubscription, make as subscribe};
pub use worker::receivers;

/// What an operator grants private receivers to, in place of an element's key, which never begins
/// with a slash.
pub const GRANTED_AS: &str = "/notifications";

/// Topics that only the server itself tells of.
const OURS: &str = "instance.";

/// Characters of a topic and a sender, and bytes of a message, at most.
const NAME_LIMIT: usize = 100;
const MESSAGE_LIMIT: usize = 10_000;

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct Who {
    pub organization: OrganizationId,
    pub account: AccountId,
    pub user: UserId,
    /// Sees what all accounts of the organization see.
    pub admin: bool,
}

impl Who {
    /// Whose notifications and subscriptions there are for this caller; `None`: everybody's.
    pub fn scope(&self) -> Option<AccountId> {
        (!self.admin).then_some(self.account)
    }
}

/// What a caller tells others.
#[derive(Debug, Default)]
pub struct Told {
    pub topic: Option<String>,
    pub severity: Option<String>,
    pub from: Option<String>,
    pub message: Option<String>,
}

/// # Errors
/// 400 naming the member that is wrong; 409 when the organization has as many as it may.
pub async fn tell(app: &App, who: Who, told: Told) -> Result<Notification> {
    let topic = told.topic.as_deref().unwrap_or_default().trim();
    check_topic("'topic'", topic)?;
    if topic.starts_with(OURS) {
        return Err(Error::Invalid(format!(
            "'topic' must not begin with '{OURS}': only the server tells of instances."
        )));
    }
    let severity = told.severity.as_deref().unwrap_or("low");
    if !["low", "medium", "high"].contains(&severity) {
        return Err(Error::Invalid(
            "'severity' must be low, medium or high.".into(),
        ));
    }
    let from = told.from.as_deref().unwrap_or_default();
    if from.chars().count() > NAME_LIMIT || from.contains(char::is_control) {
        return Err(Error::Invalid(format!(
            "'from' must be a text of at most {NAME_LIMIT} characters without control characters."
        )));
    }
    let message = told.message.as_deref().unwrap_or_default();
    if message.len() > MESSAGE_LIMIT || message.contains('\0') {
        return Err(Error::Invalid(format!(
            "'message' must be a text of at most {MESSAGE_LIMIT} bytes without NUL characters."
        )));
    }
    let made = app
        .store()
        .org(who.organization)
        .add_notification(&store::NewNotification {
            account: who.account,
            topic,
            severity,
            sender: from,
            message,
            about: None,
        })
        .await?;
    made.map(Into::into).ok_or_else(|| {
        Error::Conflict(format!(
            "Your organization has {NOTIFICATIONS_OF_ORGANIZATION} notifications, which is as many \
             as it may have to tell more: delete some, or wait until they are 30 days old."
        ))
    })
}

fn check_topic(place: &str, topic: &str) -> Result<()> {
    let fits = (1..=NAME_LIMIT).contains(&topic.chars().count());
    if fits && !topic.contains(char::is_control) {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "{place} must be a text of 1 to {NAME_LIMIT} characters without control characters."
    )))
}

/// # Errors
/// 404 for one that is not there or not the caller's.
pub async fn read(app: &App, who: Who, id: NotificationId) -> Result<Notification> {
    let organization = app.store().org(who.organization);
    let found = organization.notification(id, who.scope()).await?;
    found.map(Into::into).ok_or_else(|| no_notification(id))
}

/// # Errors
/// 404 for one that is not there or not the caller's.
pub async fn acknowledge(app: &App, who: Who, id: NotificationId) -> Result<Notification> {
    let organization = app.store().org(who.organization);
    let changed = organization.acknowledge_notification(id, who.scope());
    let changed = changed.await?;
    changed.map(Into::into).ok_or_else(|| no_notification(id))
}

/// # Errors
/// 404 for one that is not there or not the caller's.
pub async fn forget(app: &App, who: Who, id: NotificationId) -> Result<()> {
    let organization = app.store().org(who.organization);
    match organization.delete_notification(id, who.scope()).await? {
        true => Ok(()),
        false => Err(no_notification(id)),
    }
}

/// What became of telling the caller's subscriptions.
///
/// # Errors
/// 404 for a notification that is not there or not the caller's.
pub async fn deliveries(app: &App, who: Who, id: NotificationId) -> Result<Vec<Delivery>> {
    read(app, who, id).await?;
    let filter = DeliveryFilter {
        account: who.scope(),
        notification: Some(id),
        ..DeliveryFilter::default()
    };
    let organization = app.store().org(who.organization);
    // An organization has no more subscriptions than that.
    let most = store::SUBSCRIPTIONS_OF_ORGANIZATION;
    organization.deliveries(&filter, None, most).await
}

/// # Errors
/// 404 where the notification, the subscription or a delivery between them is not there.
pub async fn delivery(
    app: &App,
    who: Who,
    notification: NotificationId,
    subscription: SubscriptionId,
) -> Result<Delivery> {
    let filter = DeliveryFilter {
        account: who.scope(),
        notification: Some(notification),
        subscription: Some(subscription),
        ..DeliveryFilter::default()
    };
    let organization = app.store().org(who.organization);
    let found = organization.deliveries(&filter, None, 1).await?;
    found.into_iter().next().ok_or_else(|| {
        Error::NotFound(format!(
            "No delivery found of notification {notification} to subscription {subscription}."
        ))
    })
}

/// # Errors
/// 404 for one that is not there or not the caller's.
pub async fn unsubscribe(app: &App, who: Who, id: SubscriptionId) -> Result<()> {
    let organization = app.store().org(who.organization);
    match organization.delete_subscription(id, who.scope()).await? {
        true => Ok(()),
        false => Err(no_subscription(&id.to_string())),
    }
}

pub fn no_subscription(id: &str) -> Error {
    Error::NotFound(format!("No subscription found with ID {}.", shortened(id)))
}

fn no_notification(id: NotificationId) -> Error {
    Error::NotFound(format!("No notification found with ID {id}."))
}

/// The private receivers that an operator allows the organization.
async fn grants(organization: OrgStore<'_>) -> Result<Vec<Grant>> {
    let stored = organization.grants(Some(GRANTED_AS)).await?;
    let grant = |grant: store::Grant| Grant {
        host: grant.host,
        port: grant.port,
        ca_pem: grant.ca_pem,
    };
    Ok(stored.into_iter().map(grant).collect())
}
