//! `bunsen oauth-client`: clients that are kept for those who log in. Secrets come from files and are
//! never printed.

use std::io::Write;
use std::sync::Arc;

use bunsen_engine::element::Element;
use serde_json::{Map, Value, json};

use crate::administration::Office;
use crate::cli::elements::listed;
use crate::cli::people::{finish, open};
use crate::cli::state::told;
use crate::clients::{self, ClientToKeep, Kept, Of};
use crate::config::{ClientPlace, OauthClients, client_entries, client_secret};
use crate::error::{Error, Result};
use crate::ids::{AccountId, OrganizationId};
use crate::store::ClientOwner;

pub async fn run(command: &OauthClients, out: &mut impl Write) -> Result<()> {
    let (catalog, _) = crate::elements::load(command.elements())
        .map_err(|mistakes| Error::Invalid(listed(&mistakes)))?;
    let element = |key: &str| catalog.get(key).cloned();
    let (opened, vault) = open(&command.common().state).await?;
    let office = Office {
        store: &opened.store,
        vault: &vault,
    };
    let answer = answer(office, command, &element).await;
    finish(opened, command.common(), answer, out).await
}

async fn answer(
    office: Office<'_>,
    command: &OauthClients,
    element: &impl Fn(&str) -> Option<Arc<Element>>,
) -> Result<Value> {
    match command {
        OauthClients::Set {
            place,
            client_id,
            secret_file,
            callback_url,
            scope,
            entries,
            entry_files,
        } => {
            let (organization, owner) = whose(office, place).await?;
            let definition = known(element, &place.element)?;
            let keys = office.keys(organization).await?;
            let pairs = client_entries(entries, entry_files).map_err(told)?;
            let configuration = pairs.into_iter().map(|(key, text)| (key, text.into()));
            let given = ClientToKeep {
                api_key: client_id.clone(),
                api_secret: client_secret(secret_file.as_deref()).map_err(told)?,
                callback_url: callback_url.clone(),
                scope: scope.clone(),
                configuration: configuration.collect::<Map<_, _>>(),
            };
            let of = Of {
                store: office.store,
                keys: &keys,
                organization,
                owner,
                element: Some(&definition),
            };
            Ok(shown(&clients::put(of, &given).await?))
        }
        OauthClients::List { organization, .. } => {
            let rows = match organization {
                Some(organization) => {
                    office.organization(*organization).await?;
                    office.store.org(*organization).oauth_clients(None).await?
                }
                None => office.store.all_orgs().oauth_clients().await?,
            };
            let mut all = Vec::new();
            for row in rows {
                let keys = office.keys(row.organization).await?;
                let rows = std::slice::from_ref(&row);
                let kept = clients::list(office.store, &keys, rows, element).await?;
                all.extend(kept.iter().map(shown));
            }
            Ok(all.into())
        }
        OauthClients::Remove { place, force } => {
            let (organization, owner) = whose(office, place).await?;
            let definition = known(element, &place.element)?;
            let keys = office.keys(organization).await?;
            let of = Of {
                store: office.store,
                keys: &keys,
                organization,
                owner,
                element: Some(&definition),
            };
            match clients::forget(of, *force).await? {
                true => Ok(json!({"element": place.element, "removed": true})),
                false => Err(Error::NotFound(
                    "There is no such client; `bunsen oauth-client list` shows those there are."
                        .into(),
                )),
            }
        }
    }
}

fn known(element: &impl Fn(&str) -> Option<Arc<Element>>, key: &str) -> Result<Arc<Element>> {
    element(key).ok_or_else(|| {
        Error::Invalid(format!(
            "--element: there is no element '{key}'; `bunsen elements check` lists those of this \
             server"
        ))
    })
}

/// What is every one's stands under the organization that it stands under already, else the first.
async fn whose(office: Office<'_>, place: &ClientPlace) -> Result<(OrganizationId, ClientOwner)> {
    let Some(organization) = place.organization else {
        let all = office.store.all_orgs().oauth_clients().await?;
        let standing = all.into_iter().find(|row| {
            row.owner == ClientOwner::Everybody && row.element_key.as_ref() == Some(&place.element)
        });
        if let Some(row) = standing {
            return Ok((row.organization, ClientOwner::Everybody));
        }
        let first = office.store.all_orgs().organization_ids().await?;
        let first = first.first().ok_or_else(|| {
            Error::Invalid(
                "There is no organization yet; the first `bunsen serve` makes one.".into(),
            )
        })?;
        return Ok((*first, ClientOwner::Everybody));
    };
    office.organization(organization).await?;
    let Some(account) = place.account.map(AccountId) else {
        return Ok((organization, ClientOwner::Organization));
    };
    match office.store.org(organization).account(account).await? {
        Some(_) => Ok((organization, ClientOwner::Account(account))),
        None => Err(Error::NotFound(format!(
            "--account: organization {organization} has no account {account}."
        ))),
    }
}

fn shown(kept: &Kept) -> Value {
    let mut shown = json!({
        "id": kept.id,
        "element": kept.element_key,
        "level": kept.owner.level(),
        "clientId": kept.api_key,
        "secret": if kept.has_secret { "kept" } else { "none" },
        "callbackUrl": kept.callback_url,
        "scope": kept.scope,
        "entries": kept.configuration.keys().cloned().collect::<Vec<_>>().join(" "),
        "instances": kept.instances,
        "superseded": kept.superseded,
        "updated": kept.updated_at.to_string(),
    });
    match kept.owner {
        ClientOwner::Everybody => {}
        ClientOwner::Account(account) => {
            shown["organization"] = json!(kept.organization);
            shown["account"] = json!(account);
        }
        ClientOwner::Organization => shown["organization"] = json!(kept.organization),
        ClientOwner::Proxy(proxy) => {
            shown["organization"] = json!(kept.organization);
            shown["proxy"] = json!(proxy);
        }
    }
    shown
}
