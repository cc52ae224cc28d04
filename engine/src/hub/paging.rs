//! How a vendor pages a list: what the definition and the instance's configuration say.

use http::header::LINK;
use serde_json::Value as Json;

use super::{Caller, Mistake};
use crate::configuration::Values;
use crate::element::shape::{Origin, Paging, PagingKind, PathSegment};
use crate::element::{Element, Resource, Source};
use crate::language::AnswerPath;
use crate::reply::{Fault, VendorReply};

/// Records of a vendor's page where no configuration says.
const DEFAULT_MAX: usize = 100;

/// Of the configuration: records of a page.
const LARGEST: &str = "pagination.max";

/// Bytes of a vendor's token of a page: ours carries it, and the caller's query besides.
pub(super) const LONGEST_CURSOR: usize = 8 * 1024;

/// How the vendor is asked for its pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// It gives everything at once.
    Whole,
    /// By number, from this one on.
    Page(u64),
    Offset(u64),
    Cursor,
}

impl Mode {
    pub(super) fn of(element: &Element, resource: &Resource, values: &Values) -> Self {
        let paging = &resource.shape.paging;
        let takes = |wanted: &str| {
            let mut parameters = element.parameters.iter().chain(&resource.parameters);
            parameters.any(|parameter| {
                parameter.name == wanted
                    && matches!(parameter.source, Source::Request(Origin::Query))
            })
        };
        let value = |key: &str| values.get(key).map(|value| value.reveal().trim());
        let counted = takes("page");
        let kind = paging.kind.or_else(|| match value("pagination.type") {
            _ if paging.next.is_some() && takes("nextPage") => Some(PagingKind::Cursor),
            Some("offset") => Some(PagingKind::Offset),
            Some("page") => Some(PagingKind::Page),
            _ if value("pagination.offset") == Some("true") => Some(PagingKind::Offset),
            _ => counted.then_some(PagingKind::Page),
        });
        let first = value("pagination.page.startindex").and_then(|first| first.parse().ok());
        match kind {
            _ if paging.whole => Self::Whole,
            Some(PagingKind::Cursor) if paging.next.is_some() && takes("nextPage") => Self::Cursor,
            Some(PagingKind::Page) if counted => Self::Page(first.unwrap_or(1)),
            Some(PagingKind::Offset) if counted => Self::Offset(first.unwrap_or(0)),
            _ => Self::Whole,
        }
    }
}

/// Records of a page of the vendor's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    /// What a caller gets who does not say.
    pub usual: usize,
    /// The most that are asked for at once.
    pub max: usize,
    /// That many the vendor gives, as its definition says. What the configuration says beyond that may
    /// be more than it does.
    pub sure: usize,
}

/// What somebody has said for the instance is both usual and most.
pub(super) fn page_sizes(
    element: &Element,
    resource: &Resource,
    values: &Values,
    mode: Mode,
) -> Sizes {
    let text = values.get(LARGEST).map(|value| value.reveal());
    let mut entries = element.entries.iter();
    let entry = entries.find(|entry| entry.key == LARGEST);
    let default = entry.and_then(|entry| entry.default.as_deref());
    let stated = resource.shape.paging.max;
    let sure = stated.unwrap_or_else(|| largest_page(resource, default));
    let usual = match (stated, mode) {
        // Where pages are counted it has to be known how many records are on one.
        (Some(_), _) | (None, Mode::Page(_)) => largest_page(resource, text).min(sure),
        (None, _) => largest_page(resource, text),
    };
    let max = stated.filter(|_| text == default).unwrap_or(usual);
    Sizes { usual, max, sure }
}

impl Sizes {
    /// Whether a page of so many records, of `size` that were asked for, may have been cut down.
    pub fn may_be_cut(&self, size: usize) -> bool {
        size > self.sure
    }
}

/// `pagination.max`: a number, or one per object.
fn largest_page(resource: &Resource, text: Option<&str>) -> usize {
    let json: Json = text
        .and_then(|text| serde_json::from_str(text.trim()).ok())
        .unwrap_or_default();
    let of = |json: &Json| match json {
        Json::String(text) => text.trim().parse().ok(),
        number => number.as_u64(),
    };
    let own = json
        .get(object_name(resource))
        .or_else(|| json.get("default"));
    let found = of(own.unwrap_or(&json)).and_then(|max| usize::try_from(max).ok());
    found
        .filter(|max| *max > 0)
        .unwrap_or(DEFAULT_MAX)
        .min(10_000)
}

/// `allow.select.fields` and `default.select.fields.map`: whether callers choose fields, and which
/// they get when they do not.
pub(super) fn default_fields(
    resource: &Resource,
    values: &Values,
    query: &mut Vec<(String, String)>,
    notices: &mut Vec<String>,
) {
    let allowed = values.get("allow.select.fields");
    if allowed.is_some_and(|value| value.reveal().trim().eq_ignore_ascii_case("false")) {
        let before = query.len();
        query.retain(|(name, _)| name != "fields");
        if query.len() < before {
            notices.push("fields was ignored: allow.select.fields is false.".to_owned());
        }
        return;
    }
    if !values.contains_key("default.select.fields.map")
        || query.iter().any(|(name, _)| name == "fields")
    {
        return;
    }
    let map = values.get("default.select.fields.map");
    let map: Option<Json> = map.and_then(|map| serde_json::from_str(map.reveal().trim()).ok());
    let map = map.unwrap_or_default();
    let fields = match map.get(object_name(resource)) {
        Some(Json::String(names)) => names.trim().to_owned(),
        Some(Json::Array(names)) => {
            let names: Vec<&str> = names.iter().filter_map(Json::as_str).collect();
            names.join(",")
        }
        _ => String::new(),
    };
    if !fields.is_empty() {
        query.push(("fields".to_owned(), fields));
    }
}

/// `/users/{id}/comments` is `usersComments`.
fn object_name(resource: &Resource) -> String {
    let mut name = String::new();
    for segment in &resource.shape.path {
        let PathSegment::Literal(word) = segment else {
            continue;
        };
        let mut letters = word.chars();
        match letters.next() {
            Some(first) if !name.is_empty() => name.extend(first.to_uppercase()),
            first => name.extend(first),
        }
        name.push_str(letters.as_str());
    }
    name
}

/// Whether the answer says that there is more; `None`: it says nothing of that.
pub(super) fn goes_on(paging: &Paging, around: &Json, reply: &VendorReply) -> Option<bool> {
    let said = |more: &AnswerPath| {
        let text = more.find_text(around, &Values::new());
        text.is_some_and(|more| more.eq_ignore_ascii_case("true"))
    };
    let more = paging.more.as_ref().map(said);
    more.or_else(|| paging.link.then(|| has_next_link(reply)))
}

fn has_next_link(reply: &VendorReply) -> bool {
    let headers = reply.headers.get_all(LINK).iter();
    headers
        .filter_map(|value| value.to_str().ok())
        .any(|links| {
            links.split(',').any(|link| {
                let mut parameters = link.split(';').skip(1);
                parameters.any(|parameter| {
                    let parameter = parameter.trim().to_ascii_lowercase().replace(' ', "");
                    matches!(parameter.as_str(), "rel=next" | "rel=\"next\"")
                })
            })
        })
}

/// A list that just ended there would be short of records without saying so.
pub(super) fn too_long(length: usize) -> Fault {
    Fault {
        status: 502,
        message: format!(
            "The vendor's token of the next page has {length} bytes, which is more than the \
             {LONGEST_CURSOR} that can be handed on: ask for a list that needs no further page, with \
             a narrower 'where' or a larger 'pageSize'."
        ),
        ..Fault::default()
    }
}

pub(super) fn is_paging(name: &str) -> bool {
    matches!(name, "page" | "pageSize" | "nextPage")
}

pub(super) fn count(caller: &Caller<'_>, name: &str) -> Result<Option<usize>, Mistake> {
    let Some(text) = caller.query(name) else {
        return Ok(None);
    };
    match text.parse() {
        Ok(number) if number > 0 => Ok(Some(number)),
        _ => Err(Mistake(format!(
            "Query parameter '{name}' must be a number from 1 on."
        ))),
    }
}
