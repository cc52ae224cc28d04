//! Paths of routes with their names taken out, and filled with ids that exist.

use super::{BASE, Walk};
use crate::server::{Caller, TestServer};

/// `/elements/api-v2/instances/{id}` as `/instances/{}`.
pub fn without_names(path: &str) -> String {
    let path = path.strip_prefix(BASE).unwrap_or(path);
    let segments = path.split('/').map(|segment| {
        if segment.starts_with('{') {
            "{}"
        } else {
            segment
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

const WITH_PARTS: &str = "larkpost";

/// What a `{}` stands for is said by the word before it.
pub fn filled(walk: &Walk, path: &str, instance: &str, caller: &Caller) -> String {
    let (account, user) = (caller.account_id.to_string(), caller.user_id.to_string());
    // The definition with parts of every kind, whose ids are known.
    let parts = path.matches('/').count() > 2 && !path.contains("/instances");
    let element = if path.contains("/oauth/") {
        walk.in_browser.as_str()
    } else if parts {
        WITH_PARTS
    } else {
        walk.element.as_str()
    };
    let mut filled = Vec::new();
    for segment in path.split('/') {
        let value = match (segment, filled.last().copied()) {
            ("{}", Some("elements")) => element,
            ("{}", Some("configuration")) => walk.entry.as_str(),
            ("{}", Some("hooks")) if filled.contains(&"resources") => "7301",
            ("{}", Some("hooks")) => "7101",
            ("{}", Some("resources")) => "7201",
            ("{}", Some("objects")) => "7401",
            ("{}", Some("models")) => "7601",
            ("{}", Some("fields")) if filled.contains(&"models") => "7701",
            ("{}", Some("fields")) => "7501",
            ("{}", Some("authentication-types")) => "oauth2",
            ("{}", Some("hubs")) => "crm",
            ("{}", Some("proxy")) => "nothing-has-this",
            ("{}", Some("instances")) => instance,
            ("{}", Some("links")) => walk.links[&caller.user_id].as_str(),
            ("{}", Some("usage")) => walk.calls[&caller.user_id].as_str(),
            ("{}", Some("accounts")) => account.as_str(),
            ("{}", Some("users")) => user.as_str(),
            ("{}", Some("notifications")) => walk.told.0.as_str(),
            ("{}", Some("subscriptions")) => walk.told.1.as_str(),
            ("{}", Some("docs")) => "GET-ping",
            ("{}", before) => panic!("this test does not know what follows {before:?}"),
            _ => segment,
        };
        filled.push(value);
    }
    filled.join("/")
}

/// A notification of this caller and its delivery to a subscription of the same, made for one visit.
pub async fn told(server: &TestServer, caller: &Caller) -> (String, String) {
    // There may only be so many of them.
    sqlx::query("delete from notification_subscriptions where topics = '{walk}'")
        .execute(&server.database.pool)
        .await
        .expect("the last visit's");
    let (notification, subscription): (i64, i64) = sqlx::query_as(
        "with s as (
             insert into notification_subscriptions
                 (org_id, row_id, account_id, all_accounts, channel, topics, url, secret_sealed,
                  active)
             values ($1, gen_random_uuid(), $2, false, 'webhook', '{walk}',
                     'https://hooks.acorn.example/', '', false)
             returning id
         ), n as (
             insert into notifications (org_id, account_id, topic, severity, sender, message)
             values ($1, $2, 'walk', 'low', 'the walk', 'A visit.') returning id
         )
         insert into notification_deliveries (org_id, notification_id, subscription_id, status)
         select $1, n.id, s.id, 'queued' from n, s
         returning notification_id, subscription_id",
    )
    .bind(caller.organization_id)
    .bind(caller.account_id)
    .fetch_one(&server.database.pool)
    .await
    .expect("a delivery");
    (notification.to_string(), subscription.to_string())
}

/// With the ids of what [`told`] has just made.
pub fn with_told(path: &str, (notification, subscription): &(String, String)) -> String {
    path.replace(
        "/notifications/subscriptions/{}",
        &format!("/notifications/subscriptions/{subscription}"),
    )
    .replace(
        "/notifications/{}",
        &format!("/notifications/{notification}"),
    )
    .replace(
        "/subscriptions/{}",
        &format!("/subscriptions/{subscription}"),
    )
}
