//! An instance's credentials as they are stored: which part of the configuration in clear, which
//! sealed; how far they may reach, and when they have to be renewed.

use std::collections::BTreeMap;
use std::time::Duration;

use bunsen_engine::configuration::{Value, Values};
use bunsen_engine::element::{Element, Group};
use jiff::Timestamp;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::app::App;
use crate::error::{Error, Result};
use crate::ids::{OrganizationId, Secret};
pub use crate::outbound::Grant;
use crate::store;
use crate::vault::{OrganizationKeys, Place};

/// Names of sealed columns: part of what their values are bound to.
pub const CREDENTIALS: &str = "credentials_sealed";
pub const TOKEN: &str = "token_sealed";

/// Part of a token's life by which one is renewed earlier than another, so that instances that were
/// made together are not renewed together.
const SPREAD: f64 = 0.1;
/// From one renewal to the next.
const SHORTEST: Duration = Duration::from_secs(60);

pub fn place(organization: OrganizationId, row: Uuid, column: &'static str) -> Place<'static> {
    Place {
        organization,
        table: "instances",
        row,
        column,
    }
}

/// A configuration in the two parts that are stored.
pub struct Parts<'a> {
    /// For the database to see.
    pub clear: BTreeMap<String, String>,
    secret: BTreeMap<&'a str, &'a str>,
}

impl<'a> Parts<'a> {
    pub fn of(values: &'a Values) -> Self {
        let mut parts = Self {
            clear: BTreeMap::new(),
            secret: BTreeMap::new(),
        };
        for (key, value) in values {
            match value {
                Value::Clear(text) => drop(parts.clear.insert(key.clone(), text.clone())),
                Value::Secret(text) => drop(parts.secret.insert(key, text.reveal())),
            }
        }
        parts
    }

    /// What is sealed, as JSON.
    pub fn secret_json(&self) -> Result<Zeroizing<Vec<u8>>> {
        serde_json::to_vec(&self.secret)
            .map(Zeroizing::new)
            .map_err(Error::internal)
    }
}

/// The stored values, opened.
pub fn stored_values(
    organization: OrganizationId,
    keys: &OrganizationKeys,
    row: &store::Instance,
) -> Result<Values> {
    let place = place(organization, row.row_id, CREDENTIALS);
    let opened = keys.open(&place, &row.credentials_sealed)?;
    let secrets: BTreeMap<String, String> =
        serde_json::from_slice(&opened).map_err(Error::internal)?;
    let clear = row.configuration.iter();
    let mut values: Values = clear
        .map(|(key, text)| (key.clone(), Value::Clear(text.clone())))
        .collect();
    values.extend(
        secrets
            .into_iter()
            .map(|(key, text)| (key, Value::Secret(Secret::new(text)))),
    );
    Ok(values)
}

/// The private hosts that this organization's instances of the element may reach.
pub async fn grants(
    app: &App,
    organization: OrganizationId,
    element: &Element,
) -> Result<Vec<Grant>> {
    grants_of(app.store().org(organization), element).await
}

/// The same, without a server.
pub async fn grants_of(organization: store::OrgStore<'_>, element: &Element) -> Result<Vec<Grant>> {
    let stored = organization.grants(Some(&element.key)).await?;
    Ok(stored.into_iter().map(grant).collect())
}

/// One of them, as calls are judged by it.
pub fn grant(grant: store::Grant) -> Grant {
    Grant {
        host: grant.host,
        port: grant.port,
        ca_pem: grant.ca_pem,
    }
}

/// When the tokens among these values have to be renewed: the definition's margin before they end,
/// and up to a tenth of their life earlier, but a minute after they were granted at the earliest.
/// `None`: they do not end by time, or nothing renews them.
pub fn renewal_due_at(element: &Element, group: &Group, values: &Values) -> Option<Timestamp> {
    due_at(element, group, values, rand::random_range(0.0..SPREAD))
}

/// The same for tokens that have just been renewed: in a minute at the earliest, although a definition
/// may not say when they were granted.
pub fn renewed_due_at(element: &Element, group: &Group, values: &Values) -> Option<Timestamp> {
    let due = renewal_due_at(element, group, values)?;
    let earliest = Timestamp::now().checked_add(SHORTEST).ok()?;
    Some(due.max(earliest))
}

fn due_at(element: &Element, group: &Group, values: &Values, early: f64) -> Option<Timestamp> {
    let renewal = element.renewal(group)?;
    let values = element.effective(group, values);
    renewal.start(&values)?;
    // What lies beyond the calendar never comes.
    Timestamp::from_millisecond(renewal.due_at(&values, early)?).ok()
}
