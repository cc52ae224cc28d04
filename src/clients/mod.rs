//! Applications that are registered at vendors (OAuth clients), kept for those who use them, so that
//! no user ever sees their secrets.
//!
//! **Which one**: what the caller gives; else that of the account, of the organization, of the
//! element (which the operator keeps for everybody). Whoever gives an id or a secret gets nothing of
//! a stored client: the two belong together.
//!
//! **Reference, not copy**: an instance that is made with a stored client holds its name
//! ([`CLIENT_REFERENCE`]) and neither id nor secret. Another secret for the same id therefore reaches
//! every instance. Another id is another application at the vendor, for which the tokens that there
//! are mean nothing: such a client takes the place of the old one for new log-ins, and the old one
//! stays, superseded, for the instances that were made with it.
//!
//! **Sealing** is by an organization's data key, like everything else. What the operator keeps for
//! everybody is sealed by the first organization's: it rotates and is backed up with the rest, and
//! needs no second kind of key.
//!
//! **Where the secret goes**: only to hosts that the definition lists. Of an element that may call
//! any host the secret goes only where the client's own entries lead (see `exchange`), or whoever
//! chooses the host would learn it.

mod keep;
mod pattern;
pub mod proxies;

use std::collections::BTreeMap;

use bunsen_engine::configuration::{CLIENT_REFERENCE, Value, Values};
use bunsen_engine::element::oauth::{CALLBACK_URL, CLIENT_ENTRIES, CLIENT_ID, SCOPE};
use bunsen_engine::element::{Element, Group};

use crate::app::App;
use crate::error::{Error, Result};
use crate::ids::{AccountId, OrganizationId};
use crate::store::{ClientOwner, OauthClient};
use crate::tenancy;
use crate::vault::{OrganizationKeys, Place};

pub use keep::{ClientToKeep, Kept, Of, forget, kept, list, put};
pub use pattern::web_url;

/// One that is to be used.
#[derive(Debug, Clone)]
pub struct Client {
    /// What an instance that is made with it holds.
    pub reference: String,
    /// Id, secret, callback URL, scope and further entries.
    pub values: Values,
}

impl Client {
    /// What an instance keeps of it: its name, and what is no secret and not the client's own
    /// business, which later calls are made from.
    pub fn add_to(&self, given: &mut Values) {
        for (key, value) in &self.values {
            let own = CLIENT_ENTRIES.contains(&key.as_str())
                || [CALLBACK_URL, SCOPE].contains(&key.as_str());
            if !own && !value.is_secret() && !given.contains_key(key) {
                given.insert(key.clone(), value.clone());
            }
        }
        self.name_in(given);
    }

    pub fn name_in(&self, values: &mut Values) {
        let reference = Value::Clear(self.reference.clone());
        values.insert(CLIENT_REFERENCE.to_owned(), reference);
    }
}

/// Whether these values are to be completed by a stored client.
pub fn is_wanted(element: &Element, given: &Values) -> bool {
    element.entry(CLIENT_ID).is_some() && !CLIENT_ENTRIES.iter().any(|key| given.contains_key(*key))
}

/// Whether a client has a part in this group's log-in.
pub fn counts_for(element: &Element, group: &Group) -> bool {
    element
        .entries_of(group)
        .any(|entry| entry.key == CLIENT_ID)
}

/// The one that an account's new instances of the element are made with.
pub async fn in_force(
    app: &App,
    organization: OrganizationId,
    account: AccountId,
    element: &Element,
) -> Result<Option<Client>> {
    let store = app.store().org(organization);
    match store.oauth_client_in_force(&element.key, account).await? {
        Some(row) => opened(app, element, &row).await.map(Some),
        None => Ok(None),
    }
}

/// The one of a proxy, if it has one.
pub async fn of_proxy(
    app: &App,
    organization: OrganizationId,
    proxy: i64,
    element: &Element,
) -> Result<Option<Client>> {
    let store = app.store().org(organization);
    match store
        .oauth_client_of(ClientOwner::Proxy(proxy), None)
        .await?
    {
        Some(row) => opened(app, element, &row).await.map(Some),
        None => Ok(None),
    }
}

/// The one that these values of an instance refer to; `None`: they refer to none.
///
/// # Errors
/// 400 when it is gone.
pub async fn referred_to(
    app: &App,
    organization: OrganizationId,
    element: &Element,
    values: &Values,
) -> Result<Option<Client>> {
    let Some(reference) = values.get(CLIENT_REFERENCE) else {
        return Ok(None);
    };
    let parts = reference.reveal().split_once('.');
    let parts =
        parts.and_then(|(of, id)| Some((OrganizationId(of.parse().ok()?), id.parse().ok()?)));
    let row = match parts {
        Some((of, id)) => {
            app.store()
                .org(organization)
                .oauth_client_referred_to(of, id)
                .await?
        }
        None => None,
    };
    match row {
        Some(row) => opened(app, element, &row).await.map(Some),
        None => Err(Error::Invalid(
            "The stored OAuth client that this instance was made with has been removed: connect it \
             again."
                .into(),
        )),
    }
}

fn reference(row: &OauthClient) -> String {
    format!("{}.{}", row.organization, row.id)
}

async fn opened(app: &App, element: &Element, row: &OauthClient) -> Result<Client> {
    let keys = tenancy::keys(app, row.organization).await?;
    Ok(Client {
        reference: reference(row),
        values: values(&keys, element, row)?,
    })
}

/// Those of its entries that the element has.
fn values(keys: &OrganizationKeys, element: &Element, row: &OauthClient) -> Result<Values> {
    let entries = contents(keys, row)?.into_iter();
    Ok(entries
        .filter(|(key, _)| element.entry(key).is_some())
        .map(|(key, text)| {
            let value = element.value(&key, text);
            (key, value)
        })
        .collect())
}

fn contents(keys: &OrganizationKeys, row: &OauthClient) -> Result<BTreeMap<String, String>> {
    let opened = keys.open(&place(row.organization, row.row_id), &row.sealed)?;
    serde_json::from_slice(&opened).map_err(Error::internal)
}

fn place(organization: OrganizationId, row: uuid::Uuid) -> Place<'static> {
    Place {
        organization,
        table: "oauth_clients",
        row,
        column: "client_sealed",
    }
}
