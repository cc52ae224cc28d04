//! What an organization's connect pages look like, and where they may lead back to.

use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::connect;
use crate::error::{Error, Result};
use crate::http::auth::OrgCaller;
use crate::http::json::{Json, JsonBody};

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectSettings {
    /// Origins (scheme, host and port) that a `returnUrl` may lead to: https, or http on loopback.
    return_origins: Vec<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Branding {
    /// Shown in place of the organization's name.
    name: Option<String>,
    /// Of buttons, as `#rrggbb`; too light a colour is refused.
    primary_color: Option<String>,
    /// https or mailto: where people find help.
    support_url: Option<String>,
    logo: Option<Logo>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Logo {
    /// Of the answer alone: what it is its first bytes say.
    content_type: String,
    /// PNG, JPEG or WebP, 100 KB at most, in base64.
    data: String,
}

/// Read where connect pages may lead back to
#[utoipa::path(
    get,
    path = "/elements/api-v2/connect/settings",
    operation_id = "getConnectSettings",
    responses((status = 200, description = "The settings.", body = ConnectSettings))
)]
pub async fn read_settings(
    State(app): State<App>,
    caller: OrgCaller,
) -> Result<Json<ConnectSettings>> {
    let return_origins = connect::return_origins(app.store(), caller.organization).await?;
    Ok(Json(ConnectSettings { return_origins }))
}

/// Say where connect pages may lead back to
#[utoipa::path(
    put,
    path = "/elements/api-v2/connect/settings",
    operation_id = "updateConnectSettings",
    request_body = ConnectSettings,
    responses(
        (status = 200, description = "The settings.", body = ConnectSettings),
        (status = 403, description = "You are no administrator of the organization."),
    )
)]
pub async fn change_settings(
    State(app): State<App>,
    caller: OrgCaller,
    JsonBody(given): JsonBody<ConnectSettings>,
) -> Result<Json<ConnectSettings>> {
    refuse_others(&caller)?;
    let (store, organization) = (app.store(), caller.organization);
    let origins = connect::set_return_origins(store, organization, &given.return_origins);
    Ok(Json(ConnectSettings {
        return_origins: origins.await?,
    }))
}

/// Read the branding of your connect pages
#[utoipa::path(
    get,
    path = "/elements/api-v2/organizations/branding",
    operation_id = "getBranding",
    responses((status = 200, description = "What is set, else null.", body = Branding))
)]
pub async fn read(State(app): State<App>, caller: OrgCaller) -> Result<Json<Branding>> {
    let (settings, logo) = connect::branding(app.store(), caller.organization).await?;
    Ok(Json(Branding {
        name: settings.display_name,
        primary_color: settings.primary_color,
        support_url: settings.support_url,
        logo: logo.map(|logo| Logo {
            content_type: logo.kind,
            data: STANDARD.encode(logo.bytes),
        }),
    }))
}

/// Set the branding of your connect pages
///
/// As a whole: what is left out is taken away.
#[utoipa::path(
    put,
    path = "/elements/api-v2/organizations/branding",
    operation_id = "updateBranding",
    request_body = Branding,
    responses(
        (status = 200, description = "The branding.", body = Branding),
        (status = 403, description = "You are no administrator of the organization."),
    )
)]
pub async fn change(
    State(app): State<App>,
    caller: OrgCaller,
    JsonBody(given): JsonBody<connect::Branding>,
) -> Result<Json<Branding>> {
    refuse_others(&caller)?;
    connect::set_branding(app.store(), caller.organization, &given).await?;
    read(State(app), caller).await
}

/// Take away the branding of your connect pages
#[utoipa::path(
    delete,
    path = "/elements/api-v2/organizations/branding",
    operation_id = "deleteBranding",
    responses(
        (status = 200, description = "It is gone."),
        (status = 403, description = "You are no administrator of the organization."),
    )
)]
pub async fn remove(State(app): State<App>, caller: OrgCaller) -> Result<StatusCode> {
    refuse_others(&caller)?;
    connect::clear_branding(app.store(), caller.organization).await?;
    Ok(StatusCode::OK)
}

fn refuse_others(caller: &OrgCaller) -> Result<()> {
    match caller.admin {
        true => Ok(()),
        false => Err(Error::Forbidden(
            "Only an administrator of the organization may change this.".into(),
        )),
    }
}
