//! Where applications want to hear of notifications.

use bunsen_engine::element::HostRule;
use serde::Deserialize;
use url::Url;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Who, check_topic, grants};
use crate::app::{App, shortened};
use crate::error::{Error, Result};
use crate::ids::{OrganizationId, Secret};
use crate::outbound::{self, Destination, Grant};
use crate::store::{self, SUBSCRIPTIONS_OF_ACCOUNT, SUBSCRIPTIONS_OF_ORGANIZATION};
use crate::tenancy;
use crate::vault::Place;

const WEBHOOK: &str = "webhook";
/// What the platform knows beside it.
const OTHERS: &[&str] = &["email", "sms", "push"];
const TOPICS_LIMIT: usize = 50;
const URL_LIMIT: usize = 2000;
const SECRET_LIMITS: std::ops::RangeInclusive<usize> = 16..=256;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewSubscription {
    /// `webhook`; there is no other yet.
    #[schema(example = "webhook")]
    channel: Option<String>,
    /// What to hear of: `instance.needs_owner`, `instance.recovered`, `instance.client_refused`, and
    /// topics of your own.
    #[schema(min_items = 1, max_items = 50, example = json!(["instance.needs_owner", "instance.recovered"]))]
    topics: Option<Vec<String>>,
    config: Option<Config>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = NewSubscriptionConfig)]
struct Config {
    /// Where notifications are sent: https, a public host.
    #[schema(
        max_length = 2000,
        example = "https://app.example.com/hooks/notifications"
    )]
    url: Option<String>,
    /// What deliveries are signed with; absent: one is made, and shown in this answer only.
    #[schema(
        min_length = 16,
        max_length = 256,
        example = "a secret of your own, or none"
    )]
    secret: Option<String>,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config").finish_non_exhaustive()
    }
}

/// The subscription, and its secret for this once.
///
/// # Errors
/// 400 naming the member that is wrong; 409 when there are as many as there may be.
pub async fn make(
    app: &App,
    who: Who,
    new: NewSubscription,
) -> Result<(store::Subscription, Secret)> {
    check_channel(new.channel.as_deref())?;
    let topics = topics(new.topics.unwrap_or_default())?;
    let organization = app.store().org(who.organization);
    let config = new.config;
    let (url, secret) = config.map_or((None, None), |config| (config.url, config.secret));
    let url = url.as_deref().unwrap_or_default().trim();
    if url.is_empty() {
        return Err(Error::Invalid(
            "'config.url' is missing: where notifications are to be sent, as in \
             https://app.example.com/hooks."
                .into(),
        ));
    }
    check_url(url, &grants(organization).await?)?;
    let secret = match secret {
        Some(given) => checked_secret(Secret::new(given))?,
        None => app.vault().new_session_token(),
    };
    let row = Uuid::new_v4();
    let keys = tenancy::keys(app, who.organization).await?;
    let made = organization
        .add_subscription(&store::NewSubscription {
            row_id: row,
            account: who.account,
            user: who.user,
            all_accounts: who.admin,
            channel: WEBHOOK,
            topics: &topics,
            url,
            secret_sealed: &keys.seal(&place(who.organization, row), secret.reveal().as_bytes()),
        })
        .await?;
    let made = made.ok_or_else(|| {
        Error::Conflict(format!(
            "There are as many subscriptions as there may be: {SUBSCRIPTIONS_OF_ACCOUNT} of an \
             account, {SUBSCRIPTIONS_OF_ORGANIZATION} of an organization. Delete one first."
        ))
    })?;
    tracing::info!(org.id = %who.organization, subscription.id = %made.id, "subscription made");
    Ok((made, secret))
}

pub fn place(organization: OrganizationId, row: Uuid) -> Place<'static> {
    Place {
        organization,
        table: "notification_subscriptions",
        row,
        column: "secret_sealed",
    }
}

/// The way to a receiver, with these grants.
pub fn destination(grants: &[Grant]) -> Destination<'_> {
    Destination {
        element: "notifications",
        hosts: &HostRule::Public,
        grants,
    }
}

fn check_channel(given: Option<&str>) -> Result<()> {
    match given.map(str::trim) {
        Some(WEBHOOK) => Ok(()),
        None | Some("") => Err(Error::Invalid(format!(
            "'channel' is missing; '{WEBHOOK}' is the one that this server has."
        ))),
        Some(known) if OTHERS.contains(&known) => Err(Error::Invalid(format!(
            "'channel': this server does not send by '{known}'; use '{WEBHOOK}'."
        ))),
        Some(other) => Err(Error::Invalid(format!(
            "'channel': there is no '{}'; use '{WEBHOOK}'.",
            shortened(other).escape_debug()
        ))),
    }
}

fn topics(given: Vec<String>) -> Result<Vec<String>> {
    if given.is_empty() || given.len() > TOPICS_LIMIT {
        return Err(Error::Invalid(format!(
            "'topics' must be a list of 1 to {TOPICS_LIMIT} topics, as in [\"instance.needs_owner\"]."
        )));
    }
    let mut topics: Vec<String> = Vec::with_capacity(given.len());
    for (index, topic) in given.iter().enumerate() {
        let topic = topic.trim();
        check_topic(&format!("'topics[{index}]'"), topic)?;
        if !topics.iter().any(|known| known == topic) {
            topics.push(topic.to_owned());
        }
    }
    Ok(topics)
}

fn check_url(given: &str, grants: &[Grant]) -> Result<()> {
    let wrong = |why: String| Error::Invalid(format!("'config.url': {why}."));
    if given.contains(char::is_control) {
        return Err(wrong("holds a control character".into()));
    }
    if given.len() > URL_LIMIT {
        return Err(wrong(format!("longer than {URL_LIMIT} bytes")));
    }
    let url = Url::parse(given).map_err(|error| wrong(error.to_string()))?;
    outbound::check_url(&url, &destination(grants)).map_err(|refusal| wrong(refusal.to_string()))
}

fn checked_secret(given: Secret) -> Result<Secret> {
    if SECRET_LIMITS.contains(&given.reveal().len()) {
        return Ok(given);
    }
    let (least, most) = (SECRET_LIMITS.start(), SECRET_LIMITS.end());
    Err(Error::Invalid(format!(
        "'config.secret' must have {least} to {most} bytes; leave it out to have one made."
    )))
}
