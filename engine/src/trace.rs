//! A vendor call in words, for whoever looks for the mistake in a log-in: where it goes and what it is
//! made of. Of its values only those are told that say what went wrong; every other text is masked,
//! whether it is known to be a secret or not, since a vendor's answer holds secrets nobody knows yet.

use std::fmt::Write as _;

use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use serde_json::Value as Json;
use url::form_urlencoded;

use crate::configuration::{MASK, Values};
use crate::reply::VendorReply;
use crate::request::VendorRequest;

/// Members of an answer that are told, in whatever depth.
const TOLD: &[&str] = &[
    "error",
    "errorCode",
    "error_code",
    "error_description",
    "error_message",
    "message",
    "scope",
    "token_type",
];
/// Fields of a form that are told.
const FIELDS: &[&str] = &["grant_type", "redirect_uri", "scope", "token_type_hint"];
const HEADERS: &[http::HeaderName] = &[ACCEPT, CONTENT_TYPE, RETRY_AFTER];
/// Bytes of one told text, and of a whole body that is looked into.
const LONGEST: usize = 500;
const BODY: usize = 64 * 1024;
/// Shorter ones would mask half of every text.
const SHORTEST_SECRET: usize = 4;

/// `METHOD:/path`.
pub fn name(request: &VendorRequest, values: &Values) -> String {
    let path = without_secrets(request.url.path(), values);
    format!("{}:{path}", request.method)
}

/// What is sent.
pub fn request(request: &VendorRequest, values: &Values) -> String {
    let url = &request.url;
    let mut text = format!(
        "{} {}://{}{}",
        request.method,
        url.scheme(),
        url.host_str().unwrap_or_default(),
        without_secrets(url.path(), values)
    );
    let mut sign = '?';
    for (name, _) in url.query_pairs() {
        let _ = write!(text, "{sign}{name}={MASK}");
        sign = '&';
    }
    text.push('\n');
    headers(&mut text, &request.headers);
    body(&mut text, &request.headers, &request.body, values);
    text
}

/// What comes back.
pub fn answer(reply: &VendorReply, values: &Values) -> String {
    let mut text = format!("{}\n", reply.status);
    headers(&mut text, &reply.headers);
    body(&mut text, &reply.headers, &reply.body, values);
    text
}

fn headers(text: &mut String, headers: &HeaderMap) {
    for (name, value) in headers {
        let value = match HEADERS.contains(name) {
            true => value.to_str().unwrap_or(MASK),
            false => MASK,
        };
        let _ = writeln!(text, "{name}: {value}");
    }
}

fn body(text: &mut String, headers: &HeaderMap, body: &[u8], values: &Values) {
    if body.is_empty() {
        return;
    }
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default();
    text.push('\n');
    if kind.starts_with("application/x-www-form-urlencoded") {
        let pairs = form_urlencoded::parse(body).map(|(name, value)| {
            let value = match FIELDS.contains(&&*name) {
                true => without_secrets(&value, values),
                false => MASK.to_owned(),
            };
            format!("{name}={value}")
        });
        text.push_str(&pairs.collect::<Vec<_>>().join("&"));
    } else if let (true, Ok(mut json)) = (body.len() <= BODY, serde_json::from_slice(body)) {
        mask(&mut json, false, values);
        let _ = write!(text, "{json:#}");
    } else {
        let _ = write!(text, "({} bytes)", body.len());
    }
}

fn mask(json: &mut Json, told: bool, values: &Values) {
    match json {
        Json::String(text) if told => {
            // Cut afterwards: half a secret is not found.
            *text = without_secrets(text, values);
            if let Some((end, _)) = text.char_indices().nth(LONGEST) {
                text.truncate(end);
            }
        }
        Json::String(text) if !text.is_empty() => MASK.clone_into(text),
        // A number may be a secret, too: an id that a log-in needs, a code.
        Json::Number(number) if !told && number.as_u64().is_none_or(|number| number > 999_999) => {
            *json = Json::from(MASK);
        }
        Json::Array(list) => list.iter_mut().for_each(|item| mask(item, told, values)),
        Json::Object(members) => {
            for (name, value) in members {
                mask(value, TOLD.contains(&name.as_str()), values);
            }
        }
        _ => {}
    }
}

/// Without the secrets among the values, as they are and as a URL writes them.
fn without_secrets(text: &str, values: &Values) -> String {
    let mut text = text.to_owned();
    let secrets = values.values().filter(|value| value.is_secret());
    for secret in secrets.map(|value| value.reveal()) {
        if secret.len() < SHORTEST_SECRET {
            continue;
        }
        let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        text = text.replace(secret, MASK).replace(&encoded, MASK);
    }
    text
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderValue, Method, StatusCode};
    use serde_json::json;

    use super::*;
    use crate::configuration::Value;
    use crate::ids::Secret;

    fn values() -> Values {
        let secret = |text: &str| Value::Secret(Secret::new(text));
        Values::from([
            ("oauth.api.secret".to_owned(), secret("s3cr/et")),
            ("pin".to_owned(), secret("abc")),
            ("site".to_owned(), Value::Clear("acme".to_owned())),
        ])
    }

    #[test]
    fn a_call_is_told_without_what_it_holds() {
        let mut headers = HeaderMap::new();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form);
        headers.insert("authorization", HeaderValue::from_static("Basic aGlkZGVu"));
        let call = VendorRequest {
            method: Method::POST,
            url: "https://acme.vendor.example/of/s3cr%2Fet/token?key=hidden"
                .parse()
                .unwrap(),
            headers,
            body: Bytes::from_static(b"grant_type=authorization_code&code=hidden"),
        };
        let told = request(&call, &values());
        assert_eq!(name(&call, &values()), format!("POST:/of/{MASK}/token"));
        assert!(
            told.starts_with(&format!(
                "POST https://acme.vendor.example/of/{MASK}/token?key={MASK}\n"
            )),
            "{told}"
        );
        assert!(
            told.ends_with(&format!("\ngrant_type=authorization_code&code={MASK}")),
            "{told}"
        );
        assert!(told.contains(&format!("authorization: {MASK}")), "{told}");
        assert!(
            !told.contains("hidden") && !told.contains("aGlkZGVu"),
            "{told}"
        );
    }

    #[test]
    fn an_answer_tells_what_went_wrong_and_nothing_else() {
        let reply = |body: Bytes| VendorReply {
            status: StatusCode::BAD_REQUEST,
            headers: HeaderMap::new(),
            body,
        };
        let body = json!({
            "access_token": "hidden", "nested": [{"id_token": "hidden", "n": 7, "pin": 12_345_678}], "expires_in": 3600,
            "error": "invalid_grant", "error_description": "s3cr/et is not good", "odd": {"message": {"token": "hidden"}},
        });
        let told = answer(&reply(body.to_string().into()), &values());
        for part in [
            "400 Bad Request",
            "invalid_grant",
            "******** is not good",
            "3600",
            "access_token",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
        for part in ["hidden", "s3cr/et", "12345678"] {
            assert!(!told.contains(part), "{part}: {told}");
        }
        let told = answer(
            &reply(Bytes::from_static(b"<token>hidden</token>")),
            &values(),
        );
        assert!(told.ends_with("(21 bytes)"), "{told}");
    }
}
