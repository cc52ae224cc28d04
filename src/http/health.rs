//! Liveness and readiness, for `bunsen health`, container engines and load balancers. Open to all:
//! they say nothing about tenants.

use std::time::Duration;

use axum::extract::State;
use serde::Serialize;

use crate::app::App;
use crate::error::{Error, Result};
use crate::http::json::Json;

const DATABASE_PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug, Serialize)]
pub struct Live {
    status: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ready {
    status: &'static str,
    version: &'static str,
    mode: &'static str,
    /// SHA-256 of the element definitions in use; replicas of one service should agree.
    catalogue: String,
}

pub async fn live() -> Json<Live> {
    Json(Live { status: "live" })
}

/// Ready while the database answers and the server is not stopping.
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
