//! The pages that people may see in place of the one they asked for, as the description tells them.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, RefOr, Response, ResponseBuilder};

/// Of every address below a link.
pub struct LinkPages;

/// Where a vendor is asked, besides.
pub struct VendorPages;

const LINK: &[(&str, &str)] = &[
    ("400", "The address cannot be read; a page."),
    (
        "404",
        "No such link, or it does not offer what was asked for; a page.",
    ),
    ("410", "The link has ended; a page."),
    (
        "429",
        "Too many attempts, or the organization uses all that is its share; a page.",
    ),
    ("503", "The trouble is on this side; a page."),
];

const VENDOR: &[(&str, &str)] = &[
    ("400", "Something needs to be corrected; a page."),
    (
        "401",
        "The vendor did not accept what it was given; a page.",
    ),
    (
        "403",
        "The vendor does not allow it, or this was not sent or brought back by the browser that the \
         page was shown to; a page.",
    ),
    (
        "409",
        "It is another account than before, or somebody was faster; a page that asks or tells.",
    ),
    ("415", "This cannot be read, here or by the vendor; a page."),
    ("502", "The vendor cannot be reached; a page."),
];

impl IntoResponses for LinkPages {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        pages(LINK)
    }
}

impl IntoResponses for VendorPages {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut all = pages(LINK);
        all.extend(pages(VENDOR));
        all
    }
}

fn pages(statuses: &[(&str, &str)]) -> BTreeMap<String, RefOr<Response>> {
    let page = |description: &str| {
        let text = ObjectBuilder::new().schema_type(Type::String).build();
        let content = ContentBuilder::new().schema(Some(text)).build();
        let page = ResponseBuilder::new().description(description);
        RefOr::T(page.content("text/html", content).build())
    };
    let pages = statuses.iter();
    pages
        .map(|(status, description)| ((*status).to_owned(), page(description)))
        .collect()
}
