//! OpenAPI 2.0 documents of elements and of instances, for generators of clients.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bunsen_engine::element::{Element, Group};
use bunsen_engine::hub::docs::{self, Part, Wanted};
use bunsen_engine::hub::fields::Shown;
use serde_json::{Value, json};
use url::Url;
use utoipa::IntoParams;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

use super::Access::{self, Optional, Platform, Token};
use crate::app::{App, shortened};
use crate::budgets;
use crate::error::{Error, Result};
use crate::http::auth::{InstanceCaller, MaybeCaller, OrgCaller};
use crate::http::hub::notice;
use crate::http::instances::instance_id;
use crate::http::json::Json;
use crate::http::query::Query;
use crate::hub::{self, Called};
use crate::ids::InstanceId;
use crate::provisioning;

const NO_ELEMENT: &str = "No such element, or no such call of it.";
const NO_INSTANCE: &str = "No such instance, or none that you may see; or no such call of it.";

/// Adds every route of this family to the one list.
pub fn register(add: &mut impl FnMut(Access, UtoipaMethodRouter<App>)) {
    add(Optional, routes!(of_element));
    add(Platform, routes!(of_instance));
    add(Platform, routes!(operation));
    add(Platform, routes!(definitions));
    add(Token, routes!(of_instance_by_token));
    add(Token, routes!(operation_by_token));
    add(Token, routes!(definitions_by_token));
}

/// What documents are asked for with.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `Asked` reads")]
struct Wishes {
    /// `true` asks the vendor for the fields that it has, custom ones with them.
    #[param(default = false)]
    discovery: Option<bool>,
    /// `true` leaves out the fields of records.
    #[param(default = false)]
    basic: Option<bool>,
    /// `true` puts what is referred to in place of the reference.
    #[param(rename = "resolveReferences", default = false)]
    resolve_references: Option<bool>,
    /// Where the server is reached, for `host` and `schemes`.
    #[param(rename = "baseUrl", example = "https://api.bunsen.example")]
    base_url: Option<String>,
}

/// One call of a whole document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `Asked` reads")]
struct OneOperation {
    /// Only the call of this id, or of `METHOD-path` with `-` for slashes.
    #[param(rename = "operationId", example = "GET-contacts")]
    operation_id: Option<String>,
}

#[derive(Debug)]
pub struct Asked {
    pub discovery: bool,
    basic: bool,
    resolve: bool,
    origin: String,
    operation: Option<String>,
}

impl Asked {
    /// # Errors
    /// 400 for what is neither true nor false, and for a `baseUrl` that is none.
    pub fn read(app: &App, query: &Query) -> Result<Self> {
        let flag = |name: &str| query.boolean(name).map(|value| value.unwrap_or(false));
        let origin = match query.get("baseUrl") {
            Some(text) => origin(text)?,
            None => app.outside().public_url.clone(),
        };
        Ok(Self {
            discovery: flag("discovery")?,
            basic: flag("basic")?,
            resolve: flag("resolveReferences")?,
            origin,
            operation: query.get("operationId").map(str::to_owned),
        })
    }
}

fn origin(text: &str) -> Result<String> {
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.host().is_some()
            && url.username().is_empty()
    });
    let url = url.ok_or_else(|| {
        Error::Invalid(
            "Query parameter 'baseUrl' must be a URL: https://api.bunsen.example.".into(),
        )
    })?;
    Ok(url.origin().ascii_serialization())
}

/// The document, or part of it; `None`: there is no such call.
pub fn document(
    element: &Element,
    group: Option<&Group>,
    asked: &Asked,
    fields: &BTreeMap<String, Vec<Shown>>,
    part: Part<'_>,
) -> Option<Value> {
    let wanted = Wanted {
        group,
        origin: &asked.origin,
        basic: asked.basic,
        resolve: asked.resolve,
        fields,
        part,
    };
    docs::document(element, &wanted)
}

fn no_such_operation(element: &Element, name: &str) -> Error {
    Error::NotFound(format!(
        "Element '{}' has no operation '{}'.",
        element.key,
        shortened(name).escape_debug()
    ))
}

/// Describe an element's calls
///
/// As an OpenAPI 2.0 document; paths are bare, below `basePath`.
#[utoipa::path(
    get,
    path = "/elements/api-v2/elements/{keyOrId}/docs",
    operation_id = "getElementDocument",
    params(OneOperation, Wishes),
    responses(
        (status = 200, description = "The document.", body = BTreeMap<String, serde_json::Value>),
        (status = 404, description = NO_ELEMENT),
    )
)]
async fn of_element(
    State(app): State<App>,
    _: MaybeCaller,
    Path(key_or_id): Path<String>,
    query: Query,
) -> Result<Response> {
    let asked = Asked::read(&app, &query)?;
    let element: &Element = app.element(&key_or_id)?;
    let operation = asked.operation.as_deref();
    let part = operation.map_or(Part::All, Part::Operation);
    let found = document(element, None, &asked, &BTreeMap::new(), part);
    let found = found.ok_or_else(|| no_such_operation(element, operation.unwrap_or_default()))?;
    Ok(Json(found).into_response())
}

/// Describe an instance's calls
///
/// As an OpenAPI 2.0 document; paths are bare, below `basePath`.
#[utoipa::path(
    get,
    path = "/elements/api-v2/instances/{id}/docs",
    operation_id = "getInstanceDocument",
    params(OneOperation, Wishes),
    responses(
        (status = 200, description = "The document.", body = BTreeMap<String, serde_json::Value>),
        (status = 404, description = NO_INSTANCE),
    )
)]
async fn of_instance(
    State(app): State<App>,
    caller: OrgCaller,
    Path(id): Path<String>,
    query: Query,
) -> Result<Response> {
    whole(&app, &caller, instance_id(&id)?, None, &query).await
}

/// Describe the calls of the token's instance
#[utoipa::path(
    get,
    path = "/elements/api-v2/instances/docs",
    operation_id = "getInstanceDocumentByToken",
    params(OneOperation, Wishes),
    responses(
        (status = 200, description = "The document.", body = BTreeMap<String, serde_json::Value>),
        (status = 404, description = "No such call."),
    )
)]
async fn of_instance_by_token(
    State(app): State<App>,
    token: InstanceCaller,
    query: Query,
) -> Result<Response> {
    whole(&app, &token.caller, token.instance, None, &query).await
}

/// Describe one call of an instance
#[utoipa::path(
    get,
    path = "/elements/api-v2/instances/{id}/docs/{operationId}",
    operation_id = "getInstanceOperation",
    params(Wishes),
    responses(
        (status = 200, description = "A document with this one call.", body = BTreeMap<String, serde_json::Value>),
        (status = 404, description = NO_INSTANCE),
    )
)]
async fn operation(
    State(app): State<App>,
    caller: OrgCaller,
    Path((id, operation)): Path<(String, String)>,
    query: Query,
) -> Result<Response> {
    whole(&app, &caller, instance_id(&id)?, Some(operation), &query).await
}

/// Describe one call of the token's instance
#[utoipa::path(
    get,
    path = "/elements/api-v2/instances/docs/{operationId}",
    operation_id = "getInstanceOperationByToken",
    params(Wishes),
    responses(
        (status = 200, description = "A document with this one call.", body = BTreeMap<String, serde_json::Value>),
        (status = 404, description = "No such call."),
    )
)]
async fn operation_by_token(
    State(app): State<App>,
    token: InstanceCaller,
    Path(operation): Path<String>,
    query: Query,
) -> Result<Response> {
    whole(&app, &token.caller, token.instance, Some(operation), &query).await
}

/// Read what one call of an instance takes and answers
#[utoipa::path(
    get,
    path = "/elements/api-v2/instances/{id}/docs/{operationId}/definitions",
    operation_id = "getInstanceOperationDefinitions",
    params(Wishes),
    responses(
        (status = 200, description = "The definitions, by name.", body = BTreeMap<String, serde_json::Value>),
        (status = 404, description = NO_INSTANCE),
    )
)]
async fn definitions(
    State(app): State<App>,
    caller: OrgCaller,
    Path((id, operation)): Path<(String, String)>,
    query: Query,
) -> Result<Response> {
    answer_definitions(&app, &caller, instance_id(&id)?, operation, &query).await
}

/// Read what one call of the token's instance takes and answers
#[utoipa::path(
    get,
    path = "/elements/api-v2/instances/docs/{operationId}/definitions",
    operation_id = "getInstanceOperationDefinitionsByToken",
    params(Wishes),
    responses(
        (status = 200, description = "The definitions, by name.", body = BTreeMap<String, serde_json::Value>),
        (status = 404, description = "No such call."),
    )
)]
async fn definitions_by_token(
    State(app): State<App>,
    token: InstanceCaller,
    Path(operation): Path<String>,
    query: Query,
) -> Result<Response> {
    answer_definitions(&app, &token.caller, token.instance, operation, &query).await
}

async fn whole(
    app: &App,
    caller: &OrgCaller,
    id: InstanceId,
    operation: Option<String>,
    query: &Query,
) -> Result<Response> {
    Ok(made(app, caller, id, operation, query).await?.told(|it| it))
}

async fn answer_definitions(
    app: &App,
    caller: &OrgCaller,
    id: InstanceId,
    operation: String,
    query: &Query,
) -> Result<Response> {
    let made = made(app, caller, id, Some(operation), query).await?;
    Ok(made.told(|mut document| {
        let definitions = document.get_mut("definitions").map(Value::take);
        definitions.unwrap_or_else(|| json!({}))
    }))
}

/// A document, and what it cost to make.
struct Made {
    document: Value,
    called: Called,
    notices: Vec<String>,
}

impl Made {
    fn told(self, part: impl FnOnce(Value) -> Value) -> Response {
        let mut response = Json(part(self.document)).into_response();
        notice(response.headers_mut(), &self.notices);
        response.extensions_mut().insert(self.called);
        response
    }
}

async fn made(
    app: &App,
    caller: &OrgCaller,
    id: InstanceId,
    operation: Option<String>,
    query: &Query,
) -> Result<Made> {
    let asked = Asked::read(app, query)?;
    let (key, group) = provisioning::kind(app, caller.who(), id).await?;
    let element: &Element = app.element(&key)?;
    let operation = operation.as_deref().or(asked.operation.as_deref());
    let part = operation.map_or(Part::All, Part::Operation);
    let group = element.group(&group);
    let none = || no_such_operation(element, operation.unwrap_or_default());
    let mut live = BTreeMap::new();
    let (mut called, mut notices) = (Called::default(), Vec::new());
    if asked.discovery && !asked.basic {
        let mut left_out = Vec::new();
        for object in docs::objects(element, group, part).ok_or_else(none)? {
            if called.is_used_up() {
                if !object.discovery.is_empty() {
                    left_out.push(object.name.as_str());
                }
                continue;
            }
            let (organization, what) = (caller.organization, (element, object));
            // Many calls at once, and nobody's records: those who want theirs go first.
            let found = hub::fields(app, organization, id, what, &mut called);
            let found = budgets::background(found).await?;
            live.insert(object.name.clone(), found.fields);
            notices.extend(found.notices);
        }
        if !left_out.is_empty() {
            notices.push(format!(
                "The vendor was asked as often as one call may; as the definition has them are the \
                 fields of {}.",
                left_out.join(", ")
            ));
        }
    }
    Ok(Made {
        document: document(element, group, &asked, &live, part).ok_or_else(none)?,
        called,
        notices,
    })
}
