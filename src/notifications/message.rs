//! A notification as it is read and as it is delivered.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::store::{self, AboutInstance, DueDelivery, INSTANCE_NEEDS_OWNER};

const CONNECT_LINKS: &str = "/elements/api-v2/connect/links";

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    id: i64,
    #[schema(example = "instance.needs_owner")]
    topic: String,
    /// `low`, `medium` or `high`.
    severity: String,
    /// `system` where it is the server that tells.
    from: String,
    /// For people to read.
    message: String,
    #[schema(format = DateTime)]
    created_date: String,
    active: bool,
    /// Somebody has said that it was read.
    acknowledged: bool,
    /// What it is about, as it was at that moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<NotifiedInstance>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NotifiedInstance {
    id: i64,
    name: String,
    element_key: String,
    account_id: i64,
    tags: Vec<String>,
    /// Why it needs its owner, or why it works again.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Since when it has not worked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    since: Option<String>,
    /// While it needs its owner: the call that makes a link by which the owner connects it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    reconnect: Option<Reconnect>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Reconnect {
    #[schema(example = "POST")]
    method: &'static str,
    #[schema(example = "/elements/api-v2/connect/links")]
    path: &'static str,
    body: ReconnectBody,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ReconnectBody {
    instance_id: i64,
}

/// What a receiver gets.
#[derive(Serialize)]
struct Delivered {
    #[serde(flatten)]
    notification: Notification,
    delivery: Attempt,
}

/// In the body, so that the signature covers it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Attempt {
    id: Uuid,
    subscription_id: i64,
    attempt: i32,
    sent_date: String,
}

/// The body of one attempt.
pub fn body(due: &DueDelivery, now: Timestamp) -> Result<Vec<u8>> {
    let delivered = Delivered {
        notification: due.notification.clone().into(),
        delivery: Attempt {
            id: due.delivery_id,
            subscription_id: due.subscription.0,
            attempt: due.attempts.saturating_add(1),
            sent_date: second(now),
        },
    };
    serde_json::to_vec(&delivered).map_err(Error::internal)
}

impl From<store::Notification> for Notification {
    fn from(row: store::Notification) -> Self {
        let needs_owner = row.topic == INSTANCE_NEEDS_OWNER;
        let instance = |about: AboutInstance| NotifiedInstance {
            id: about.id.0,
            name: about.name,
            element_key: about.element_key,
            account_id: about.account.0,
            tags: about.tags,
            reason: about.reason,
            since: about.since.map(second),
            reconnect: needs_owner.then_some(Reconnect {
                method: "POST",
                path: CONNECT_LINKS,
                body: ReconnectBody {
                    instance_id: about.id.0,
                },
            }),
        };
        Self {
            id: row.id.0,
            topic: row.topic,
            severity: row.severity,
            from: row.sender,
            message: row.message,
            created_date: second(row.created_at),
            active: true,
            acknowledged: row.acknowledged,
            instance: row.about.map(instance),
        }
    }
}

fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
