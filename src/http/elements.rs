//! `/elements`: the catalogue's read side. Public, but a wrong credential is told; what is private
//! is shown to known callers only.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bunsen_engine::element::{Catalog, Element};
use bytes::Bytes;
use http::header;
use serde_json::Value;

use crate::app::App;
use crate::error::Result;
use crate::http::answering::Parts;
use crate::http::auth::MaybeCaller;
use crate::http::description::{self, Paging};
use crate::http::filter::Field;
use crate::http::instances::with_page_headers;
use crate::http::json::{self, Json};
use crate::http::query::{Query, page_token};

const FILTERED_BY: &[Field] = &[
    Field::Text("key"),
    Field::Boolean("private"),
    Field::Boolean("extended"),
    Field::Boolean("abridged"),
];

/// List the elements
///
/// Every active element with its whole definition, by key. `where=abridged='true'` asks for short
/// entries, without the parts. Callers without credentials do not see private elements.
#[utoipa::path(
    get,
    path = "/elements/api-v2/elements",
    operation_id = "listElements",
    params(("where" = Option<String>, Query, example = "abridged='true'",
        description = "Filter by `key`, `private` and `extended`; `abridged='true'` for short entries.")),
    responses((status = 200, description = "Elements.", body = Vec<description::Element>))
)]
pub async fn list(
    State(app): State<App>,
    Extension(definitions): Extension<Definitions>,
    caller: MaybeCaller,
    query: Query,
) -> Result<Response> {
    let wanted = query.wanted(FILTERED_BY)?;
    let abridged = !wanted.allows_flag("abridged", false);
    let elements: Vec<Bytes> = app
        .catalog()
        .iter()
        .filter(|element| sees(&caller, element))
        .filter(|element| {
            wanted.allows("key", &element.key)
                && wanted.allows_flag("private", flag(element, "private"))
                && wanted.allows_flag("extended", flag(element, "extended"))
        })
        .map(|element| definitions.text(app.catalog(), element, abridged))
        .collect();
    let count = elements.len();
    let between = |index| Bytes::from_static(if index == 0 { b"[" } else { b"," });
    let mut parts = Vec::with_capacity(2 * count + 2);
    for (index, element) in elements.into_iter().enumerate() {
        parts.extend([between(index), element]);
    }
    parts.push(Bytes::from_static(if count == 0 { b"[]" } else { b"]" }));
    Ok(with_page_headers(shared(parts), count, None))
}

/// An answer in JSON made of parts that all such answers share.
fn shared(parts: Vec<Bytes>) -> Response {
    let body = Body::new(Parts::new(parts));
    ([(header::CONTENT_TYPE, json::CONTENT_TYPE)], body).into_response()
}

/// The definitions as text, made when somebody asks. Strangers may ask for them, so no answer
/// holds a copy of its own.
#[derive(Debug, Clone, Default)]
pub struct Definitions(Arc<OnceLock<HashMap<String, Texts>>>);

#[derive(Debug)]
struct Texts {
    whole: Bytes,
    abridged: Bytes,
}

impl Definitions {
    fn text(&self, catalog: &Catalog, element: &Element, abridged: bool) -> Bytes {
        let all = self.0.get_or_init(|| {
            let texts = |element: &Arc<Element>| Texts {
                whole: element.catalogue_json().to_string().into(),
                abridged: element.abridged_json().to_string().into(),
            };
            let all = catalog.iter().map(|one| (one.key.clone(), texts(one)));
            all.collect()
        });
        let texts = all.get(&element.key);
        texts.map_or_else(Bytes::new, |texts| match abridged {
            true => texts.abridged.clone(),
            false => texts.whole.clone(),
        })
    }
}

/// List the keys of the elements
#[utoipa::path(
    get,
    path = "/elements/api-v2/elements/keys",
    operation_id = "listElementKeys",
    params(Paging),
    responses((status = 200, description = "Keys.", body = Vec<String>))
)]
pub async fn keys(State(app): State<App>, caller: MaybeCaller, query: Query) -> Result<Response> {
    let visible = app.catalog().iter().filter(|e| sees(&caller, e));
    let (page, next) = page(&query, visible)?;
    let keys: Vec<&str> = page.into_iter().map(|e| e.key.as_str()).collect();
    let count = keys.len();
    Ok(with_page_headers(Json(keys).into_response(), count, next))
}

/// Read an element
///
/// The whole definition: configuration, parameters, resources, hooks. A secret default is masked.
#[utoipa::path(
    get,
    path = "/elements/api-v2/elements/{keyOrId}",
    operation_id = "getElement",
    responses(
        (status = 200, description = "The element.", body = description::Element),
        (status = 404, description = "No such element; `message` suggests the nearest key."),
    )
)]
pub async fn read(
    State(app): State<App>,
    Extension(definitions): Extension<Definitions>,
    caller: MaybeCaller,
    Path(key_or_id): Path<String>,
) -> Result<Response> {
    let element = app
        .catalog()
        .get(&key_or_id)
        .filter(|element| sees(&caller, element))
        .ok_or_else(|| app.no_such_element(&key_or_id, |element| sees(&caller, element)))?;
    Ok(shared(vec![definitions.text(
        app.catalog(),
        element,
        false,
    )]))
}

/// Whether the element is in this caller's catalogue.
pub fn sees(caller: &MaybeCaller, element: &Element) -> bool {
    element.active && (caller.0.is_some() || !flag(element, "private"))
}

fn flag(element: &Element, member: &str) -> bool {
    element.catalogue_json().get(member) == Some(&Value::Bool(true))
}

/// One page and the token of the next, which holds how many elements came before.
pub fn page<'a>(
    query: &Query,
    elements: impl Iterator<Item = &'a Arc<Element>>,
) -> Result<(Vec<&'a Arc<Element>>, Option<String>)> {
    let size = usize::try_from(query.page_size()?).unwrap_or(usize::MAX);
    let start = match query.next_page()? {
        None => 0,
        Some(start) => usize::try_from(start).unwrap_or(usize::MAX),
    };
    let mut rest = elements.skip(start);
    let page: Vec<_> = rest.by_ref().take(size).collect();
    let next = match (rest.next(), i64::try_from(start + page.len())) {
        (Some(_), Ok(end)) => Some(page_token(end)),
        _ => None,
    };
    Ok((page, next))
}
