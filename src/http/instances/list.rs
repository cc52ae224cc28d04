//! Lists of instances, and what every list answers beside its body.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::who;
use super::wire::{Instance, wire};
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::auth::OrgCaller;
use crate::http::json::Json;
use crate::http::query::{Query, page_token};
use crate::ids::{AccountId, InstanceId};
use crate::provisioning::{self, Filter};

const RETURNED_COUNT: HeaderName = HeaderName::from_static("elements-returned-count");
const NEXT_PAGE: HeaderName = HeaderName::from_static("elements-next-page-token");

/// Of the element, what `hydrate=false` leaves.
const ELEMENT_MEMBERS: &[&str] = &["id", "key", "name", "hub", "image", "active", "deleted"];

/// The instances of one account, filtered and paged as the query says.
pub async fn answer(
    app: &App,
    caller: &OrgCaller,
    account: AccountId,
    element: Option<String>,
    query: &Query,
) -> Result<Response> {
    query.refuse_where()?;
    let hydrate = query.boolean("hydrate")?.unwrap_or(true);
    let filter = Filter {
        account,
        element,
        tags: query.all("tags"),
        search_text: query.get("searchText").map(str::to_owned),
        after: query.next_page()?.map(InstanceId),
        limit: query.page_size()?,
        hydrate,
    };
    let page = provisioning::list(app, who(caller), filter).await?;
    if page.instances.is_empty() {
        return Err(Error::NotFound("No element instances found".into()));
    }
    let next = page
        .more
        .then(|| page.instances.last().map(|view| page_token(view.id.0)))
        .flatten();
    let mut instances: Vec<Instance> = page.instances.into_iter().map(wire).collect();
    if !hydrate {
        for instance in &mut instances {
            instance.element = Arc::new(abridged(&instance.element));
        }
    }
    let count = instances.len();
    Ok(with_page_headers(
        Json(instances).into_response(),
        count,
        next,
    ))
}

fn abridged(element: &Value) -> Value {
    let members: Map<String, Value> = ELEMENT_MEMBERS
        .iter()
        .filter_map(|member| Some(((*member).to_owned(), element.get(*member)?.clone())))
        .collect();
    members.into()
}

/// How many records there are, and the token of the next page if there is one.
pub fn with_page_headers(mut response: Response, count: usize, next: Option<String>) -> Response {
    let headers = response.headers_mut();
    headers.insert(RETURNED_COUNT, HeaderValue::from(count));
    if let Some(token) = next.and_then(|token| HeaderValue::try_from(token).ok()) {
        headers.insert(NEXT_PAGE, token);
    }
    response
}
