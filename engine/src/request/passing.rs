//! Calls that a caller writes: the caller's method, path, query, headers and body on the instance's
//! base URL, with what the definition puts on every call of the element.

use std::fmt;

use http::{HeaderMap, Method};
use percent_encoding::percent_decode;
use url::{Position, Url};

use super::{BuildError, Call, Inputs, VendorRequest, address, header_value};
use crate::configuration::Values;
use crate::element::{Authentication, Element, Group, Source, Target};
use crate::language::percent_encode;
use crate::oauth::{self, Nonce};

/// What a caller has written.
pub struct Passing<'a> {
    pub method: Method,
    /// Sent as it is: empty, or with a slash at its beginning.
    pub path: &'a str,
    /// Sent as it is, before what the definition adds.
    pub query: Option<&'a str>,
    /// Only those meant for the vendor.
    pub headers: HeaderMap,
}

/// A call ready to be sent.
pub struct Passed {
    /// Without the caller's body.
    pub request: VendorRequest,
    /// Path and query as they are to be sent; those of the URL may be written otherwise.
    pub target: String,
}

/// The caller's call with the credentials of `group`.
pub fn pass(
    element: &Element,
    group: &Group,
    stored: &Values,
    passing: Passing<'_>,
    (now, nonce): (i64, &Nonce),
) -> Result<Passed, BuildError> {
    let resource = &element.passing;
    let signed = matches!(group.authentication, Some(Authentication::OAuth1(_)));
    let parameters = match signed {
        true => {
            let brought = Values::new();
            oauth::request_parameters(element, group, resource, stored, &brought, (now, nonce))?
        }
        false => Values::new(),
    };
    let inputs = Inputs {
        configuration: stored,
        previous: None,
        request: Some(&parameters),
        now,
    };
    let call = Call::new(element, group, resource, &inputs);
    let base = address::base(&call)?;
    let mut target = match passing.path {
        "" => base.path().to_owned(),
        path => format!("{}{path}", base.path().trim_end_matches('/')),
    };
    let mut query = passing.query.map(str::to_owned);

    let mut headers = passing.headers;
    let mut own = HeaderMap::new();
    for parameter in &element.parameters {
        // The others are for calls that a resource describes.
        if !matches!(
            parameter.source,
            Source::Configuration(_) | Source::Literal(_)
        ) {
            continue;
        }
        let text = |text: &str| Ok(text.to_owned());
        match &parameter.target {
            Target::Header(name) => {
                let Some(resolved) = call.resolve(parameter, text)? else {
                    continue;
                };
                let value = header_value(name, &resolved.text(), resolved.secret)
                    .map_err(|message| resolved.refused(parameter, message))?;
                // What speaks for the account is the instance's; the rest is the caller's to say.
                if resolved.key.is_some() || !headers.contains_key(name) {
                    own.insert(name.clone(), value);
                }
            }
            Target::Query(name) => {
                let Some(resolved) = call.resolve(parameter, text)? else {
                    continue;
                };
                let query = query.get_or_insert_default();
                if !query.is_empty() {
                    query.push('&');
                }
                query.push_str(&percent_encode(name));
                query.push('=');
                query.push_str(&percent_encode(&resolved.text()));
            }
            _ => {}
        }
    }
    if let Some(authentication) = &group.authentication {
        call.authenticate(authentication, &mut own)?;
    }
    for (name, value) in &own {
        headers.insert(name.clone(), value.clone());
    }
    if let Some(query) = query {
        target.push('?');
        target.push_str(&query);
    }
    let mut request = VendorRequest {
        method: passing.method,
        url: base,
        headers,
        body: bytes::Bytes::new(),
    };
    if signed {
        // What is signed is what is sent, in the one way that a URL is written.
        let whole = format!("{}{target}", &request.url[..Position::BeforePath]);
        request.url = Url::parse(&whole).map_err(|_| {
            BuildError::Definition("The path and query do not make a URL.".to_owned())
        })?;
        super::signed::sign(&call, group, &mut request)?;
        request.url[Position::BeforePath..Position::AfterQuery].clone_into(&mut target);
    }
    Ok(Passed { request, target })
}

impl fmt::Debug for Passing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passing")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passed")
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

/// Rounds of decoding that some server or proxy on the way may make of a path.
const DECODINGS: usize = 4;

/// Whether a raw path cannot leave the path that it is put behind, in whatever way the servers on
/// its way read it: escaped once or several times, with `\` for `/`, with empty segments counted or
/// not, with parameters behind a `;`.
pub fn stays_below(path: &str) -> bool {
    let mut read = path.as_bytes().to_vec();
    let separators = read.iter().filter(|byte| **byte == b'/').count();
    for _ in 0..DECODINGS {
        if climbs(&read, separators) {
            return false;
        }
        let decoded: Vec<u8> = percent_decode(&read).collect();
        if decoded == read {
            return true;
        }
        read = decoded;
    }
    // Nobody escapes so often without wanting to hide something.
    false
}

/// `separators`: so many the path was sent with. Where more come to light, or `\` is among them,
/// servers count differently, and nothing may climb.
fn climbs(path: &[u8], separators: usize) -> bool {
    let mut depth = 0_usize;
    let hidden =
        path.iter().filter(|byte| **byte == b'/').count() > separators || path.contains(&b'\\');
    for segment in path.split(|byte| matches!(byte, b'/' | b'\\')) {
        let name = segment.split(|byte| *byte == b';').next();
        let odd = |byte: &u8| byte.is_ascii_whitespace() || byte.is_ascii_control();
        let name: Vec<u8> = name.unwrap_or_default().to_vec();
        let name: Vec<u8> = name.into_iter().filter(|byte| !odd(byte)).collect();
        match name.as_slice() {
            b"" | b"." => {}
            b".." if hidden => return true,
            b".." => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return true,
            },
            _ => depth += 1,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::element::tests::sample;
    use crate::request::tests::{element, values};

    fn passed(
        change: impl Fn(&mut Json),
        pairs: &[(&str, &str)],
        path: &str,
        query: Option<&str>,
    ) -> Result<Passed, BuildError> {
        let mut json = sample();
        change(&mut json);
        let element = element(&json);
        let stored = values(&element, pairs);
        let group = element.group_for(&stored).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "theirs".parse().unwrap());
        headers.insert("x-plain", "theirs".parse().unwrap());
        let passing = Passing {
            method: Method::POST,
            path,
            query,
            headers,
        };
        pass(&element, group, &stored, passing, (0, &Nonce::default()))
    }

    const TOKEN: &[(&str, &str)] = &[
        ("authentication.type", "token"),
        ("site", "acme"),
        ("token", "t"),
    ];

    #[test]
    fn the_base_url_and_the_credentials_are_the_instances() {
        let same = |_: &mut Json| {};
        let made = passed(same, TOKEN, "/a//b%2F", Some("x={y}")).unwrap();
        assert_eq!(made.request.headers["authorization"], "Basic dDpY");
        assert!(made.request.headers["authorization"].is_sensitive());
        assert!(made.target.ends_with("/a//b%2F?x={y}"), "{}", made.target);
        let base = passed(same, TOKEN, "", None).unwrap();
        assert_eq!(base.target, base.request.url.path());
        assert_eq!(base.request.url.host_str(), made.request.url.host_str());

        let absent = passed(same, &TOKEN[..2], "", None).unwrap_err();
        assert!(matches!(absent, BuildError::Entry { key, .. } if key == "token"));
    }

    #[test]
    fn what_the_definition_only_proposes_is_the_callers_to_say() {
        let more = |json: &mut Json| {
            let parameters = json["parameters"].as_array_mut().unwrap();
            parameters.extend([
                json!({"id": 50, "name": "ours", "vendorName": "x-plain", "type": "value", "vendorType": "header"}),
                json!({"id": 51, "name": "ours", "vendorName": "x-other", "type": "value", "vendorType": "header"}),
                json!({"id": 52, "name": "token", "vendorName": "key", "type": "configuration", "vendorType": "query"}),
json!({"id": 53, "name": "q", "vendorName": "q", "type": "query", "vendorType": "query"}),
            ]);
        };
        let pairs = [TOKEN, &[("token", "a&b")]].concat();
        let made = passed(more, &pairs, "/p", Some("")).unwrap();
        assert_eq!(made.request.headers["x-plain"], "theirs");
        assert_eq!(made.request.headers["x-other"], "ours");
        assert!(made.target.ends_with("/p?key=a%26b"), "{}", made.target);
    }

    #[test]
    fn a_path_stays_below_or_is_refused() {
        for path in [
            "",
            "/",
            "/users/me",
            "//a///b/",
            "/a%2Fb/%C3%A9",
            "/a/../b",
            "/a/b/../../c",
            "/a/./b",
            "/...",
            "/a..b/..c",
            "/100%25",
            "/a%zz",
            "/%7Bid%7D/'x'",
        ] {
            assert!(stays_below(path), "{path}");
        }
        for path in [
            "/..",
            "/../x",
            "/a/../../b",
            "/a//../../b",
            "/./..",
            "/%2e%2e/x",
            "/%2E./x",
            "/..%2fx",
            "/%252e%252e/x",
            "/%25252e%25252e%25252fx",
            "/..\\x",
            "/..%5cx",
            "/..;a=b/x",
            "/..%3b/x",
            "/..%00/x",
            "/.%09./x",
            "/a%2f..%2f../..",
            "/a%2fb/../..",
            // A separator that only some servers see adds no depth.
            "/x%2fy/%2e%2e/%2e%2e/admin",
            "/x\\y/../../admin",
            "/%25252525252525252e",
        ] {
            assert!(!stays_below(path), "{path}");
        }
    }
}
