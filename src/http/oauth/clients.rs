//! `/elements/{keyOrId}/oauth/client`: the client that an organization or one of its accounts keeps for
//! those who log in, by its administrators. What is kept for everybody on this server is the
//! operator's, by the command line.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bunsen_engine::configuration::MASK;
use bunsen_engine::element::Element;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::clients::{self, ClientToKeep, Kept, Of};
use crate::error::{Error, Result};
use crate::http::auth::OrgCaller;
use crate::http::dates;
use crate::http::json::{Json, JsonBody};
use crate::http::query::Query;
use crate::ids::{AccountId, OrganizationId, Secret};
use crate::store::ClientOwner;
use crate::tenancy;
use crate::vault::OrganizationKeys;

/// A client that is to be kept.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OauthClientToKeep {
    /// The client's id at the vendor. Another one than before is another client: instances that were
    /// made with the old one keep that.
    #[serde(default)]
    #[schema(required, example = "your-client-id")]
    api_key: String,
    /// Its secret; absent or masked: as it is stored.
    #[serde(default, deserialize_with = "secret")]
    #[schema(value_type = Option<String>, format = Password, example = "your-client-secret")]
    api_secret: Option<Secret>,
    /// Where the vendor sends browsers back to.
    #[serde(default)]
    #[schema(example = "https://app.example.com/callback")]
    callback_url: Option<String>,
    /// In place of the definition's.
    #[serde(default)]
    scope: Option<String>,
    /// Further entries of the element's configuration, where the caller gives none.
    #[serde(default)]
    configuration: Map<String, Value>,
}

pub fn secret<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<Secret>, D::Error> {
    Option::<String>::deserialize(deserializer).map(|text| text.map(Secret::new))
}

/// A client that is kept, without its secrets.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OauthClient {
    element_key: String,
    /// `organization` or `account`.
    level: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    account_id: Option<AccountId>,
    api_key: String,
    /// Masked; absent: there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    api_secret: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    /// Secrets masked.
    configuration: Map<String, Value>,
    /// Instances that were made with it.
    instances: i64,
    #[schema(format = DateTime)]
    created_date: String,
    #[schema(format = DateTime)]
    updated_date: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what `owner` reads")]
struct Whose {
    /// The account that it is for; absent: the whole organization.
    account_id: Option<i64>,
}

const NO_ADMINISTRATOR: &str = "You are not an administrator of the organization.";
const NO_CLIENT: &str = "No such element or account, or no client is kept.";

/// Keep an OAuth client
///
/// For the element's instances of the organization, or of one of its accounts: they need neither the
/// client's id nor its secret from then on, and nobody reads them there. For administrators of the
/// organization.
#[utoipa::path(
    put,
    path = "/elements/api-v2/elements/{keyOrId}/oauth/client",
    operation_id = "keepOauthClient",
    params(Whose),
    request_body = OauthClientToKeep,
    responses(
        (status = 200, description = "As it is kept.", body = OauthClient),
        (status = 400, description = "Something is missing or wrong; `message` names it."),
        (status = 403, description = NO_ADMINISTRATOR),
        (status = 404, description = NO_CLIENT),
        (status = 409, description = "Somebody else keeps one at the same moment."),
    )
)]
pub async fn keep(
    State(app): State<App>,
    caller: OrgCaller,
    Path(key_or_id): Path<String>,
    query: Query,
    JsonBody(given): JsonBody<OauthClientToKeep>,
) -> Result<Response> {
    let (element, owner) = place(&app, &caller, &key_or_id, &query).await?;
    let keys = tenancy::keys(&app, caller.organization).await?;
    let given = ClientToKeep {
        api_key: given.api_key,
        api_secret: given.api_secret,
        callback_url: given.callback_url,
        scope: given.scope,
        configuration: given.configuration,
    };
    let of = of(&app, &keys, caller.organization, owner, element);
    Ok(Json(wire(clients::put(of, &given).await?)).into_response())
}

/// Read a kept OAuth client
///
/// Without its secrets. For administrators of the organization.
#[utoipa::path(
    get,
    path = "/elements/api-v2/elements/{keyOrId}/oauth/client",
    operation_id = "getOauthClient",
    params(Whose),
    responses(
        (status = 200, description = "The client.", body = OauthClient),
        (status = 403, description = NO_ADMINISTRATOR),
        (status = 404, description = NO_CLIENT),
    )
)]
pub async fn read(
    State(app): State<App>,
    caller: OrgCaller,
    Path(key_or_id): Path<String>,
    query: Query,
) -> Result<Response> {
    let (element, owner) = place(&app, &caller, &key_or_id, &query).await?;
    let keys = tenancy::keys(&app, caller.organization).await?;
    let of = of(&app, &keys, caller.organization, owner, element);
    let kept = clients::kept(of).await?;
    Ok(Json(wire(kept.ok_or_else(|| none(element))?)).into_response())
}

/// Take away a kept OAuth client
///
/// Refused while instances use it, unless `force` is true: those can renew their sessions no more. For
/// administrators of the organization.
#[utoipa::path(
    delete,
    path = "/elements/api-v2/elements/{keyOrId}/oauth/client",
    operation_id = "forgetOauthClient",
    params(
        Whose,
        ("force" = Option<bool>, Query, description = "Also while instances use it."),
    ),
    responses(
        (status = 200, description = "It is gone; no body."),
        (status = 403, description = NO_ADMINISTRATOR),
        (status = 404, description = NO_CLIENT),
        (status = 409, description = "Instances use it; `message` says how many."),
    )
)]
pub async fn forget(
    State(app): State<App>,
    caller: OrgCaller,
    Path(key_or_id): Path<String>,
    query: Query,
) -> Result<()> {
    let (element, owner) = place(&app, &caller, &key_or_id, &query).await?;
    let force = query.boolean("force")?.unwrap_or(false);
    let keys = tenancy::keys(&app, caller.organization).await?;
    let of = of(&app, &keys, caller.organization, owner, element);
    match clients::forget(of, force).await? {
        true => Ok(()),
        false => Err(none(element)),
    }
}

async fn place<'a>(
    app: &'a App,
    caller: &OrgCaller,
    key_or_id: &str,
    query: &Query,
) -> Result<(&'a Element, ClientOwner)> {
    caller.administers("see and change its OAuth clients")?;
    let element = app.element(key_or_id)?;
    let Some(account) = query.number::<i64>("accountId")? else {
        return Ok((element, ClientOwner::Organization));
    };
    let account = AccountId(account);
    match app
        .store()
        .org(caller.organization)
        .account(account)
        .await?
    {
        Some(_) => Ok((element, ClientOwner::Account(account))),
        None => Err(Error::NotFound(format!(
            "No account found with ID {account}."
        ))),
    }
}

fn of<'a>(
    app: &'a App,
    keys: &'a OrganizationKeys,
    organization: OrganizationId,
    owner: ClientOwner,
    element: &'a Element,
) -> Of<'a> {
    Of {
        store: app.store(),
        keys,
        organization,
        owner,
        element: Some(element),
    }
}

fn none(element: &Element) -> Error {
    let key = &element.key;
    Error::NotFound(format!("No OAuth client is kept here for element '{key}'."))
}

fn wire(kept: Kept) -> OauthClient {
    OauthClient {
        element_key: kept.element_key.unwrap_or_default(),
        level: kept.owner.level(),
        account_id: match kept.owner {
            ClientOwner::Account(account) => Some(account),
            _ => None,
        },
        api_key: kept.api_key,
        api_secret: kept.has_secret.then_some(MASK),
        callback_url: kept.callback_url,
        scope: kept.scope,
        configuration: kept.configuration,
        instances: kept.instances,
        created_date: dates::second(kept.created_at),
        updated_date: dates::second(kept.updated_at),
    }
}
