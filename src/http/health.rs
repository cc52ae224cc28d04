//! Liveness and readiness, for `bunsen health`, container engines and load balancers. Open to all:
//! they say nothing about tenants.

use std::time::Duration;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::{Error, Result};
use crate::http::json::Json;

const DATABASE_PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug, Serialize, ToSchema)]
pub struct Live {
    /// Always `live`.
    status: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ready {
    /// Always `ready`.
    status: &'static str,
    version: &'static str,
    /// `production` or `sandbox`.
    mode: &'static str,
    /// SHA-256 of the element definitions in use; replicas of one service should agree.
    catalogue: String,
}

/// Is the process alive?
#[utoipa::path(
    get,
    path = "/health/live",
    operation_id = "isLive",
    responses((status = 200, description = "It is.", body = Live))
)]
pub async fn live() -> Json<Live> {
    Json(Live { status: "live" })
}

/// May traffic be sent here?
///
/// Ready while the database answers and the server is not stopping.
#[utoipa::path(
    get,
    path = "/health/ready",
    operation_id = "isReady",
    responses(
        (status = 200, description = "Ready.", body = Ready),
        (status = 503, description = "Not ready; `message` says why."),
    )
)]
pub async fn ready(State(app): State<App>) -> Result<Json<Ready>> {
    if app.is_stopping() {
        return Err(Error::Unavailable("The server is stopping."));
    }
    tokio::time::timeout(DATABASE_PATIENCE, app.store().ping())
        .await
        .map_err(|_| Error::Unavailable("The database does not answer."))??;
    Ok(Json(Ready {
        status: "ready",
        version: env!("CARGO_PKG_VERSION"),
        mode: app.mode().as_str(),
        catalogue: app.catalogue_hash().to_owned(),
    }))
}
