//! Clients as administrators keep them: set, shown without their secrets, taken away.

use std::collections::BTreeMap;
use std::fmt;

use bunsen_engine::configuration::MASK;
use bunsen_engine::element::Element;
use bunsen_engine::element::oauth::{CALLBACK_URL, CLIENT_ID, CLIENT_SECRET, SCOPE};
use jiff::Timestamp;
use serde_json::{Map, Value as Json};
use url::Url;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{contents, place, reference};
use crate::app::shortened;
use crate::error::{Error, Result};
use crate::ids::{InstanceId, OrganizationId, Secret};
use crate::store::{ClientOwner, NewOauthClient, OauthClient, Store};
use crate::vault::OrganizationKeys;

/// Bytes of one entry at most; a private key in PEM form has some thousand.
const LONGEST: usize = 16 * 1024;
/// Instances that are made due in one transaction.
const AT_ONCE: i64 = 500;
/// Of the platform's own keys, those that a client may not decide.
const NOT_ITS_OWN: &[&str] = &[
    CLIENT_ID,
    CLIENT_SECRET,
    CALLBACK_URL,
    SCOPE,
    "authentication.type",
];

/// What an administrator gives.
pub struct ClientToKeep {
    pub api_key: String,
    /// `None`: the stored one stays, where it belongs to the same id.
    pub api_secret: Option<Secret>,
    pub callback_url: Option<String>,
    pub scope: Option<String>,
    /// Further entries of the element's configuration. The mask: as stored.
    pub configuration: Map<String, Json>,
}

/// Without its secrets.
#[derive(Debug, Clone)]
pub struct Kept {
    pub organization: OrganizationId,
    pub id: i64,
    pub owner: ClientOwner,
    pub element_key: Option<String>,
    /// Stands in the address of every log-in page.
    pub api_key: String,
    pub has_secret: bool,
    pub callback_url: Option<String>,
    pub scope: Option<String>,
    /// Secrets masked.
    pub configuration: Map<String, Json>,
    pub superseded: bool,
    /// How many use it.
    pub instances: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Whose, and of which element; a proxy's has none.
#[derive(Debug, Clone, Copy)]
pub struct Of<'a> {
    pub store: &'a Store,
    /// Of the organization under which it stands.
    pub keys: &'a OrganizationKeys,
    pub organization: OrganizationId,
    pub owner: ClientOwner,
    pub element: Option<&'a Element>,
}

impl fmt::Debug for ClientToKeep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientToKeep").finish_non_exhaustive()
    }
}

impl Of<'_> {
    fn key(&self) -> Option<&str> {
        self.element.map(|element| element.key.as_str())
    }
}

/// Sets it. Another id is another client: instances that were made with the old one keep that. With
/// another secret those that could not be renewed are due at once.
///
/// # Errors
/// 400 naming what is wrong; 409 when somebody else sets it at the same moment.
pub async fn put(of: Of<'_>, given: &ClientToKeep) -> Result<Kept> {
    check(of.element, given)?;
    let org = of.store.org(of.organization);
    let row_id = Uuid::new_v4();
    let (id, changed) = org
        .transaction(|mut transaction| async move {
            let standing = org
                .lock_oauth_client(&mut transaction, of.owner, of.key())
                .await?;
            let before = standing.as_ref().map(|row| contents(of.keys, row));
            let before = before.transpose()?.unwrap_or_default();
            let same = before.get(CLIENT_ID) == Some(&given.api_key);
            let old = if same { before } else { BTreeMap::new() };
            let after = after(given, old.clone())?;
            let changed = asks_with(&after) != asks_with(&old);
            let json = serde_json::to_vec(&after).map(Zeroizing::new);
            let json = json.map_err(Error::internal)?;
            if let Some(row) = standing.as_ref().filter(|_| same) {
                let sealed = of.keys.seal(&place(of.organization, row.row_id), &json);
                org.update_oauth_client(&mut transaction, row.id, &sealed)
                    .await?;
                return Ok((transaction, (row.id, changed)));
            }
            if let Some(row) = standing {
                org.supersede_oauth_client(&mut transaction, row.id).await?;
            }
            org.sweep_oauth_clients(&mut transaction).await?;
            let new = NewOauthClient {
                row_id,
                owner: of.owner,
                element_key: of.key(),
                sealed: &of.keys.seal(&place(of.organization, row_id), &json),
            };
            let id = org.insert_oauth_client(&mut transaction, new).await?;
            Ok((transaction, (id, changed)))
        })
        .await?;
    tracing::info!(
        org.id = %of.organization,
        client.id = id,
        level = of.owner.level(),
        element.key = of.key(),
        "an OAuth client is kept"
    );
    let row = of.store.org(of.organization);
    let row = row.oauth_client_of(of.owner, of.key()).await?;
    let row = row.ok_or_else(|| Error::internal("a client that was just set is not there"))?;
    if changed {
        renew_again(of.store, &row).await?;
    }
    shown(of.store, of.keys, of.element, &row).await
}

/// What a renewal is asked with: all but where browsers come back to.
fn asks_with(entries: &BTreeMap<String, String>) -> Vec<(&String, &String)> {
    let entries = entries.iter();
    entries.filter(|(key, _)| *key != CALLBACK_URL).collect()
}

/// What was refused may have been refused because of it.
async fn renew_again(store: &Store, row: &OauthClient) -> Result<()> {
    let of = match row.owner {
        ClientOwner::Everybody => None,
        _ => Some(row.organization),
    };
    let all = store.all_orgs();
    let mut after = Some((of.unwrap_or(OrganizationId(0)), InstanceId(0)));
    while let Some(last) = after {
        after = all
            .renew_with_oauth_client(&reference(row), of, last, AT_ONCE)
            .await?;
    }
    Ok(())
}

/// What is to be stored over what is.
fn after(
    given: &ClientToKeep,
    before: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>> {
    let mut after = BTreeMap::from([(CLIENT_ID.to_owned(), given.api_key.clone())]);
    let keeps_secrets = given
        .api_secret
        .as_ref()
        .is_none_or(|secret| secret.reveal() == MASK);
    let secret = given.api_secret.as_ref().map(Secret::reveal);
    let secret = secret.filter(|text| *text != MASK);
    let kept = || before.get(CLIENT_SECRET).cloned();
    if let Some(secret) = secret.map(str::to_owned).or_else(kept) {
        after.insert(CLIENT_SECRET.to_owned(), secret);
    }
    for (key, value) in [(CALLBACK_URL, &given.callback_url), (SCOPE, &given.scope)] {
        if let Some(value) = value.as_ref().filter(|text| !text.is_empty()) {
            after.insert(key.to_owned(), value.clone());
        }
    }
    for (key, value) in &given.configuration {
        let text = match value {
            Json::Null => continue,
            Json::String(text) if text == MASK => match before.get(key) {
                Some(stored) => stored.clone(),
                None => {
                    return Err(Error::Invalid(format!(
                        "configuration '{}': there is no stored value to keep; give one",
                        shortened(key)
                    )));
                }
            },
            Json::String(text) if text.is_empty() => continue,
            Json::String(text) => text.clone(),
            other => other.to_string(),
        };
        after.insert(key.clone(), text);
    }
    // Whoever does not know a secret must not say anew where it is sent.
    let masked = |key: &&String| {
        given
            .configuration
            .get(*key)
            .is_some_and(|value| value == MASK)
    };
    let masks = given.configuration.keys().any(|key| masked(&key));
    let says = |entries: &BTreeMap<String, String>| {
        let mut said = entries.clone();
        said.retain(|key, _| {
            ![CLIENT_ID, CLIENT_SECRET, CALLBACK_URL, SCOPE].contains(&key.as_str())
        });
        said.retain(|key, _| !masked(&key));
        said
    };
    let holds_secret = before.contains_key(CLIENT_SECRET) && keeps_secrets;
    if (holds_secret || masks) && !before.is_empty() && says(&after) != says(&before) {
        return Err(Error::Invalid(
            "With another 'configuration' the client's secrets ('apiSecret' and masked entries) have to be given \
             again, all of them, since it may say where they are sent."
                .into(),
        ));
    }
    Ok(after)
}

fn check(element: Option<&Element>, given: &ClientToKeep) -> Result<()> {
    let wrong = |name: &str, why: &str| Err(Error::Invalid(format!("'{name}' {why}")));
    if given.api_key.is_empty() || given.api_key == MASK {
        return wrong("apiKey", "is missing: the client's id at the vendor.");
    }
    let secret = given.api_secret.as_ref().map(Secret::reveal);
    for (name, text) in [
        ("apiKey", Some(given.api_key.as_str())),
        ("apiSecret", secret),
        ("callbackUrl", given.callback_url.as_deref()),
        ("scope", given.scope.as_deref()),
    ] {
        let text = text.unwrap_or_default();
        if text.len() > LONGEST {
            return wrong(name, &format!("is longer than {LONGEST} bytes."));
        }
        if text.contains(char::is_control) {
            return wrong(name, "must not contain control characters.");
        }
    }
    if let Some(url) = given.callback_url.as_deref().filter(|url| !url.is_empty())
        && Url::parse(url).is_err()
    {
        return wrong(
            "callbackUrl",
            "must be a whole URL, as https://app.example.com/back.",
        );
    }
    let size: usize = given
        .configuration
        .values()
        .map(|value| value.to_string().len())
        .sum();
    if size > 4 * LONGEST {
        return wrong(
            "configuration",
            &format!("is larger than {} bytes.", 4 * LONGEST),
        );
    }
    for (key, value) in &given.configuration {
        if key.contains('\0') || value.as_str().is_some_and(|text| text.contains('\0')) {
            return wrong("configuration", "holds a NUL character; remove it.");
        }
    }
    let Some(element) = element else {
        return Ok(());
    };
    if element.entry(CLIENT_ID).is_none() {
        return Err(Error::Invalid(format!(
            "Element '{}' has no log-in with an OAuth client.",
            element.key
        )));
    }
    for key in given.configuration.keys() {
        let own = NOT_ITS_OWN.contains(&key.as_str()) || key.starts_with("oauth.user.");
        if own || element.entry(key).is_none() {
            return Err(Error::Invalid(format!(
                "configuration '{}': is no entry of the element that a client may set; \
                 GET /elements/{}/configuration lists the entries.",
                shortened(key),
                element.key
            )));
        }
    }
    let judged = element.accept(&given.configuration);
    judged.map(drop).map_err(|mistakes| {
        let told = mistakes
            .iter()
            .map(|mistake| format!("configuration '{}': {}", mistake.key, mistake.message));
        Error::Invalid(told.collect::<Vec<_>>().join("; "))
    })
}

/// The one of this owner.
pub async fn kept(of: Of<'_>) -> Result<Option<Kept>> {
    let org = of.store.org(of.organization);
    match org.oauth_client_of(of.owner, of.key()).await? {
        Some(row) => shown(of.store, of.keys, of.element, &row).await.map(Some),
        None => Ok(None),
    }
}

/// With those that were superseded.
pub async fn list(
    store: &Store,
    keys: &OrganizationKeys,
    rows: &[OauthClient],
    element: impl Fn(&str) -> Option<std::sync::Arc<Element>>,
) -> Result<Vec<Kept>> {
    let mut all = Vec::new();
    for row in rows {
        let element = row.element_key.as_deref().and_then(&element);
        all.push(shown(store, keys, element.as_deref(), row).await?);
    }
    Ok(all)
}

/// Takes it away, with what was superseded by it. `false`: there is none.
///
/// # Errors
/// 409 while instances use it, unless `force`: those can renew nothing any more.
pub async fn forget(of: Of<'_>, force: bool) -> Result<bool> {
    let org = of.store.org(of.organization);
    let rows = org.oauth_clients(of.key()).await?;
    let rows: Vec<OauthClient> = rows
        .into_iter()
        .filter(|row| row.owner == of.owner)
        .collect();
    let mut used = 0;
    for row in &rows {
        used += instances(of.store, row).await?;
    }
    if used > 0 && !force {
        return Err(Error::Conflict(format!(
            "{used} instances were made with this client and could no longer renew their sessions. \
             Connect them again with another one, or take it away all the same by force=true \
             (--force)."
        )));
    }
    let rows = &rows;
    org.transaction(|mut transaction| async move {
        for row in rows {
            org.delete_oauth_client(&mut transaction, row.id).await?;
        }
        Ok((transaction, ()))
    })
    .await?;
    Ok(!rows.is_empty())
}

async fn instances(store: &Store, row: &OauthClient) -> Result<i64> {
    let reference = reference(row);
    match row.owner {
        ClientOwner::Everybody => {
            store
                .all_orgs()
                .instances_with_oauth_client(&reference)
                .await
        }
        _ => {
            store
                .org(row.organization)
                .instances_with_oauth_client(&reference)
                .await
        }
    }
}

async fn shown(
    store: &Store,
    keys: &OrganizationKeys,
    element: Option<&Element>,
    row: &OauthClient,
) -> Result<Kept> {
    let mut entries = contents(keys, row)?;
    let secret = entries.remove(CLIENT_SECRET);
    let api_key = entries.remove(CLIENT_ID).unwrap_or_default();
    let callback_url = entries.remove(CALLBACK_URL);
    let scope = entries.remove(SCOPE);
    // Without a definition nobody knows what is secret.
    let masked = |key: &str| element.is_none_or(|element| element.is_secret(key));
    let configuration = entries
        .into_iter()
        .map(|(key, text)| {
            let text = if masked(&key) { MASK.to_owned() } else { text };
            (key, text.into())
        })
        .collect();
    Ok(Kept {
        organization: row.organization,
        id: row.id,
        owner: row.owner,
        element_key: row.element_key.clone(),
        api_key,
        has_secret: secret.is_some_and(|text| !text.is_empty()),
        callback_url,
        scope,
        configuration,
        superseded: row.superseded,
        instances: instances(store, row).await?,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}
