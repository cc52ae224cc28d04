//! The API described: the OpenAPI document and a page made of it, both out of what the handlers say
//! of themselves. Made at the first call, kept, and never read from anywhere else.

mod complete;
mod document;
mod examples;
mod page;
mod parameters;
mod published;
mod schemas;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};

use crate::app::App;

pub use document::document;
pub use parameters::{
    Expanded, IdempotencyKey, Inactive, InstanceFilter, OwnOnly, Paging, UsageFilter,
};
pub use published::Published;
pub use schemas::{
    ConfigurationEntry, Element, ElementConfiguration, ElementMetadata, NewInstance,
    NewInstanceOfElement,
};

/// This API as an OpenAPI document
///
/// For generators of clients and for tools. `bunsen openapi` prints the same.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "getOpenApi",
    responses(
        (status = 200, description = "The document.", body = std::collections::BTreeMap<String, serde_json::Value>,
            headers(("ETag" = String, description = "For `If-None-Match`."))),
        (status = 304, description = "The document is the one you have."),
    )
)]
pub async fn openapi(
    State(app): State<App>,
    Extension(published): Extension<Published>,
    headers: HeaderMap,
) -> Response {
    published.files(app.catalog()).document.answer(&headers)
}

/// This API as a page
///
/// Everything on one page, without scripts and without anything from elsewhere.
#[utoipa::path(
    get,
    path = "/docs",
    operation_id = "showDocumentation",
    responses(
        (status = 200, description = "The page.", body = String, content_type = "text/html",
            headers(("ETag" = String, description = "For `If-None-Match`."))),
        (status = 304, description = "The page is the one you have."),
    )
)]
pub async fn docs(
    State(app): State<App>,
    Extension(published): Extension<Published>,
    headers: HeaderMap,
) -> Response {
    let files = published.files(app.catalog());
    let mut response = files.page.answer(&headers);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, files.policy.clone());
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    response
}
