//! `/organizations`: the caller's own.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::Result;
use crate::http::auth::OrgCaller;
use crate::http::dates;
use crate::http::json::Json;
use crate::ids::OrganizationId;
use crate::tenancy;

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    #[schema(value_type = i64)]
    id: OrganizationId,
    name: String,
    /// Clients read the organization secret from here.
    secret: String,
    #[schema(format = DateTime)]
    created_date: String,
    active: bool,
    /// Always `paid`.
    status: &'static str,
    /// `test` in sandbox mode, else `production`.
    environment: &'static str,
    vdr_version: &'static str,
    two_factor_auth_enabled: bool,
}

/// Read your organization
///
/// With its secret, which clients read from here.
#[utoipa::path(
    get,
    path = "/elements/api-v2/organizations/me",
    operation_id = "getOrganization",
    responses((status = 200, description = "The organization.", body = Organization))
)]
pub async fn me(State(app): State<App>, caller: OrgCaller) -> Result<Json<Organization>> {
    let (organization, secret) = tenancy::organization(&app, caller.organization).await?;
    Ok(Json(Organization {
        id: organization.id,
        name: organization.name,
        secret: secret.reveal().to_owned(),
        created_date: dates::second(organization.created_at),
        active: organization.active,
        status: "paid",
        environment: if app.is_sandbox() {
            "test"
        } else {
            "production"
        },
        vdr_version: "v1",
        two_factor_auth_enabled: false,
    }))
}
