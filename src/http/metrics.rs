//! `/metrics`, for a Prometheus. Open to all like `/health`: it holds no ids, hosts or names, but
//! the keys of the public elements in use; `--metrics-listen` takes it off the public port.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, header};

use crate::app::App;
use crate::error::{Error, Result};
use crate::http::hub::no_such_path;
use crate::meters;

/// On the public port.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "getMetrics",
    summary = "What the server counts, for a Prometheus",
    description = "Open to all: it holds no ids, hosts or names, but the keys of the public elements in use. With \
                   `--metrics-listen` it is on a port of its own, and 404 here.",
    responses(
        (status = 200, description = "In the text format of Prometheus.", body = String, content_type = "text/plain"),
    ),
)]
pub async fn read(State(app): State<App>, method: Method) -> Result<Response> {
    if app.outside().metrics_apart {
        return Err(no_such_path(&method));
    }
    Ok(text(&app))
}

/// On the port of its own.
pub async fn read_apart(State(app): State<App>) -> Response {
    text(&app)
}

fn text(app: &App) -> Response {
    let pool = app.store().pool_state();
    let text = meters::render(&meters::Now {
        version: env!("CARGO_PKG_VERSION"),
        mode: app.mode().as_str(),
        catalogue: app.catalogue_hash(),
        ready: !app.is_stopping(),
        database: (pool.open, pool.idle, pool.allowed),
        database_waiting: pool.waiting,
        tasks: app.work().len(),
        log_waiting: app.request_log().len(),
    });
    const TEXT: HeaderValue = HeaderValue::from_static(meters::CONTENT_TYPE);
    ([(header::CONTENT_TYPE, TEXT)], text).into_response()
}

/// On the port of its own everything else.
pub async fn nothing_else(method: Method) -> Error {
    no_such_path(&method)
}
