//! The document and the page as bytes: made once, packed once, answered with `ETag`.

use std::io::Write;
use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bunsen_engine::element::Catalog;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use ring::digest;

use super::{document, page};
use crate::http::json;

/// What one server hands out; empty until somebody asks, so that a start costs nothing.
#[derive(Debug, Clone, Default)]
pub struct Published(Arc<OnceLock<Files>>);

#[derive(Debug)]
pub struct Files {
    pub document: File,
    pub page: File,
    /// For the page: nothing may be loaded or run, and of styles only the page's own.
    pub policy: HeaderValue,
}

#[derive(Debug)]
pub struct File {
    kind: HeaderValue,
    tag: HeaderValue,
    plain: Bytes,
    packed: Bytes,
}

impl Published {
    pub fn files(&self, catalog: &Catalog) -> &Files {
        self.0.get_or_init(|| {
            let document = document(catalog);
            let style = STANDARD.encode(digest::digest(&digest::SHA256, page::STYLE.as_bytes()));
            let policy = format!(
                "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; \
                 form-action 'none'; frame-ancestors 'none'"
            );
            let html = page::render(&document);
            Files {
                document: File::new(json::CONTENT_TYPE, document.to_string()),
                page: File::new(HeaderValue::from_static("text/html; charset=utf-8"), html),
                policy: HeaderValue::try_from(policy).expect("base64 is ASCII"),
            }
        })
    }
}

impl File {
    fn new(kind: HeaderValue, text: String) -> Self {
        let hash = STANDARD.encode(digest::digest(&digest::SHA256, text.as_bytes()));
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        let packed = packer
            .write_all(text.as_bytes())
            .and_then(|()| packer.finish())
            .expect("memory can be written to");
        Self {
            kind,
            // Weak: it stands for the packed form, too.
            tag: HeaderValue::try_from(format!("W/\"{hash}\"")).expect("base64 is ASCII"),
            plain: text.into(),
            packed: packed.into(),
        }
    }

    pub fn answer(&self, asked: &HeaderMap) -> Response {
        let known = listed(asked, &header::IF_NONE_MATCH)
            .any(|tag| tag == "*" || tag.as_bytes() == self.tag.as_bytes());
        let packed = listed(asked, &header::ACCEPT_ENCODING).any(takes_gzip);
        let mut response = match (known, packed) {
            (true, _) => StatusCode::NOT_MODIFIED.into_response(),
            (false, true) => Body::from(self.packed.clone()).into_response(),
            (false, false) => Body::from(self.plain.clone()).into_response(),
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, self.tag.clone());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if !known {
            headers.insert(header::CONTENT_TYPE, self.kind.clone());
        }
        if packed && !known {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

/// What a header lists, over all its lines.
fn listed<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

fn takes_gzip(coding: &str) -> bool {
    let mut parts = coding.split(';').map(str::trim);
    let named = parts
        .next()
        .is_some_and(|name| name.eq_ignore_ascii_case("gzip") || name == "*");
    let refused = parts.any(|part| {
        part.strip_prefix("q=")
            .is_some_and(|q| q.parse() == Ok(0.0_f32))
    });
    named && !refused
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: header::HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().expect("a header value"));
        headers
    }

    #[test]
    fn a_known_tag_is_not_sent_again() {
        let file = File::new(json::CONTENT_TYPE, "{}".to_owned());
        let tag = file.tag.to_str().expect("text").to_owned();
        for (value, status) in [
            (tag.clone(), 304),
            (format!("\"other\", {tag}"), 304),
            ("*".to_owned(), 304),
            ("\"other\"".to_owned(), 200),
        ] {
            let answer = file.answer(&asked(header::IF_NONE_MATCH, &value));
            assert_eq!(answer.status(), status, "{value}");
            assert_eq!(answer.headers()[header::ETAG], tag.as_str());
        }
    }

    #[test]
    fn packed_for_those_who_take_it() {
        let file = File::new(json::CONTENT_TYPE, "{}".to_owned());
        for (value, packed) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("*", true),
            ("gzip;q=0", false),
            ("identity", false),
        ] {
            let answer = file.answer(&asked(header::ACCEPT_ENCODING, value));
            let coded = answer.headers().contains_key(header::CONTENT_ENCODING);
            assert_eq!(coded, packed, "{value}");
        }
    }
}
