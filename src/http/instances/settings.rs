//! `/instances/{id}/configuration` and, by the token, `/instances/configuration`.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::list::with_page_headers;
use super::wire::{EVENTS, warned};
use super::{CHANGED_MEANWHILE, NO_INSTANCE, VENDOR_FAILS, VENDOR_FORBIDS, VENDOR_THROTTLES};
use super::{instance_id, who};
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::auth::{InstanceCaller, OrgCaller};
use crate::http::json::{Json, JsonBody};
use crate::ids::{EntryId, InstanceId};
use crate::provisioning::{self, Setting};

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InstanceConfigurationEntry)]
struct Entry {
    /// The same on every instance of the element.
    #[schema(value_type = i64)]
    id: EntryId,
    key: String,
    name: String,
    description: String,
    /// A text, `********` for a secret, or null.
    #[schema(value_type = Option<String>, required)]
    property_value: Value,
    /// How a form shows it, as in the element's definition.
    #[serde(rename = "type")]
    kind: String,
    required: bool,
    active: bool,
    hide_from_console: bool,
}

/// Body of a `PATCH`: the entry as it was read, with another value, or the value alone.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewConfigurationValue)]
pub struct NewValue {
    /// A text, number, boolean, object or list; all but a text is kept as its JSON. Null empties the
    /// entry, which a required one refuses.
    #[schema(value_type = Value, required, example = "false")]
    #[serde(default, deserialize_with = "present")]
    property_value: Option<Value>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// List an instance's configuration
///
/// The entries that count with its credentials, in the order in which forms show them.
#[utoipa::path(
    get,
    path = "/elements/api-v2/instances/{id}/configuration",
    operation_id = "listInstanceConfiguration",
    responses(
        (status = 200, description = "Entries.", body = Vec<Entry>),
        (status = 404, description = NO_INSTANCE),
    )
)]
pub async fn list(
    State(app): State<App>,
    caller: OrgCaller,
    Path(id): Path<String>,
) -> Result<Response> {
    answer_list(&app, &caller, instance_id(&id)?).await
}

/// List the configuration of the token's instance
#[utoipa::path(
    get,
    path = "/elements/api-v2/instances/configuration",
    operation_id = "listInstanceConfigurationByToken",
    responses((status = 200, description = "Entries.", body = Vec<Entry>))
)]
pub async fn list_by_token(State(app): State<App>, token: InstanceCaller) -> Result<Response> {
    answer_list(&app, &token.caller, token.instance).await
}

/// Read one entry of an instance's configuration
#[utoipa::path(
    get,
    path = "/elements/api-v2/instances/{id}/configuration/{configId}",
    operation_id = "getInstanceConfiguration",
    responses(
        (status = 200, description = "The entry.", body = Entry),
        (status = 404, description = "No such instance, or no such entry."),
    )
)]
pub async fn read(
    State(app): State<App>,
    caller: OrgCaller,
    Path((id, entry)): Path<(String, String)>,
) -> Result<Response> {
    answer_one(&app, &caller, instance_id(&id)?, &entry).await
}

/// Read one entry of the configuration of the token's instance
#[utoipa::path(
    get,
    path = "/elements/api-v2/instances/configuration/{configId}",
    operation_id = "getInstanceConfigurationByToken",
    responses(
        (status = 200, description = "The entry.", body = Entry),
        (status = 404, description = "No such entry."),
    )
)]
pub async fn read_by_token(
    State(app): State<App>,
    token: InstanceCaller,
    Path(entry): Path<String>,
) -> Result<Response> {
    answer_one(&app, &token.caller, token.instance, &entry).await
}

/// Change one entry of an instance's configuration
///
/// By the rules of every change: when credentials or the log-in change, the vendor is asked first.
#[utoipa::path(
    patch,
    path = "/elements/api-v2/instances/{id}/configuration/{configId}",
    operation_id = "updateInstanceConfiguration",
    request_body = NewValue,
    responses(
        (status = 200, description = "The entry as it is now.", body = Entry),
        (status = 403, description = VENDOR_FORBIDS),
        (status = 404, description = "No such instance, or no such entry."),
        (status = 409, description = CHANGED_MEANWHILE),
        (status = 429, description = VENDOR_THROTTLES),
        (status = 502, description = VENDOR_FAILS),
    )
)]
pub async fn update(
    State(app): State<App>,
    caller: OrgCaller,
    Path((id, entry)): Path<(String, String)>,
    JsonBody(value): JsonBody<NewValue>,
) -> Result<Response> {
    change(&app, &caller, instance_id(&id)?, &entry, value).await
}

/// Change one entry of the configuration of the token's instance
#[utoipa::path(
    patch,
    path = "/elements/api-v2/instances/configuration/{configId}",
    operation_id = "updateInstanceConfigurationByToken",
    request_body = NewValue,
    responses(
        (status = 200, description = "The entry as it is now.", body = Entry),
        (status = 403, description = VENDOR_FORBIDS),
        (status = 404, description = "No such entry."),
        (status = 409, description = CHANGED_MEANWHILE),
        (status = 429, description = VENDOR_THROTTLES),
        (status = 502, description = VENDOR_FAILS),
    )
)]
pub async fn update_by_token(
    State(app): State<App>,
    token: InstanceCaller,
    Path(entry): Path<String>,
    JsonBody(value): JsonBody<NewValue>,
) -> Result<Response> {
    change(&app, &token.caller, token.instance, &entry, value).await
}

async fn answer_list(app: &App, caller: &OrgCaller, id: InstanceId) -> Result<Response> {
    let settings = provisioning::settings(app, who(caller), id).await?;
    let entries: Vec<Entry> = settings.into_iter().map(wire).collect();
    let count = entries.len();
    Ok(with_page_headers(
        Json(entries).into_response(),
        count,
        None,
    ))
}

async fn answer_one(
    app: &App,
    caller: &OrgCaller,
    id: InstanceId,
    entry: &str,
) -> Result<Response> {
    // An instance that is not there is told first.
    let setting = provisioning::setting(app, who(caller), id, entry_id(entry)).await?;
    Ok(Json(wire(setting)).into_response())
}

async fn change(
    app: &App,
    caller: &OrgCaller,
    id: InstanceId,
    entry: &str,
    new: NewValue,
) -> Result<Response> {
    let value = new.property_value.ok_or_else(|| {
        Error::Invalid(
            "Missing required field: 'propertyValue'. Give the entry's new value.".into(),
        )
    })?;
    let changed =
        provisioning::update_setting(app, who(caller), id, entry_id(entry), value).await?;
    let asked_for = (changed.key == EVENTS).then(|| changed.value.clone());
    Ok(warned(
        asked_for.as_ref(),
        Json(wire(changed)).into_response(),
    ))
}

/// No entry has the id 0, which stands for everything that is no id.
fn entry_id(text: &str) -> EntryId {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    EntryId(text.parse().ok().filter(|_| digits).unwrap_or(0))
}

fn wire(setting: Setting) -> Entry {
    Entry {
        id: setting.id,
        key: setting.key,
        name: setting.name,
        description: setting.description,
        property_value: setting.value,
        kind: setting.kind,
        required: setting.required,
        active: setting.active,
        hide_from_console: setting.hide_from_console,
    }
}
