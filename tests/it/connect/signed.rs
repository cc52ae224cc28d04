//! The vendor's old log-in, RFC 5849: every call is signed, tokens are good for one step.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use ring::hmac;

use super::vendor::{CLIENT_ID, CLIENT_SECRET};

const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

#[derive(Debug, Default)]
pub struct Tokens {
    /// By token: its secret, where to send the browser, and once allowed the verifier.
    requests: BTreeMap<String, (String, String, Option<String>)>,
    /// By token: its secret, and whose it is.
    accesses: BTreeMap<String, (String, u64)>,
    made: u32,
}

impl Tokens {
    /// A person says yes on the page at `url`: where the browser goes.
    pub fn allow(&mut self, url: &str) -> String {
        let token = Self::token_of(url);
        let (_, callback, verifier) = self.requests.get_mut(&token).expect("a request token");
        *verifier = Some(format!("yes-{token}"));
        format!("{callback}&oauth_token={token}&oauth_verifier=yes-{token}")
    }

    /// The person says no.
    pub fn deny(&mut self, url: &str) -> String {
        let token = Self::token_of(url);
        let (_, callback, _) = self.requests.remove(&token).expect("a request token");
        format!("{callback}&denied={token}")
    }

    fn token_of(url: &str) -> String {
        let url = url::Url::parse(url).expect("the page's address");
        assert!(url.path().ends_with("/authorize"), "{url}");
        let token = url.query_pairs().find(|(name, _)| name == "oauth_token");
        token.expect("a token").1.into_owned()
    }

    /// A request token, or the access token for one that was allowed.
    pub fn answer(&mut self, parts: &Parts, person: u64) -> Response {
        let given = given(parts);
        let get = |name: &str| given.get(name).cloned().unwrap_or_default();
        self.made += 1;
        let (token, secret) = (
            format!("token-{}", self.made),
            format!("s3cret-{}", self.made),
        );
        let more = match parts.uri.path() {
            "/request" => {
                let callback = get("oauth_callback");
                if !is_signed(parts, &given, "") || callback.is_empty() {
                    return refused("not signed by a client");
                }
                self.requests
                    .insert(token.clone(), (secret.clone(), callback, None));
                "&oauth_callback_confirmed=true"
            }
            _ => {
                let Some((secret_of_request, _, verifier)) =
                    self.requests.remove(&get("oauth_token"))
                else {
                    return refused("no such token");
                };
                let verified = verifier.is_some_and(|verifier| verifier == get("oauth_verifier"));
                if !verified || !is_signed(parts, &given, &secret_of_request) {
                    return refused("not verified");
                }
                self.accesses
                    .insert(token.clone(), (secret.clone(), person));
                ""
            }
        };
        format!("oauth_token={token}&oauth_token_secret={secret}{more}").into_response()
    }

    /// Whose token the call is signed with.
    pub fn person(&self, parts: &Parts) -> Option<u64> {
        let given = given(parts);
        let (secret, person) = self.accesses.get(given.get("oauth_token")?)?;
        is_signed(parts, &given, secret).then_some(*person)
    }
}

fn refused(why: &'static str) -> Response {
    (StatusCode::UNAUTHORIZED, why).into_response()
}

/// The parameters of the header.
fn given(parts: &Parts) -> BTreeMap<String, String> {
    let header = parts.headers.get("authorization");
    let header = header.map_or("", |value| value.to_str().unwrap_or_default());
    let pairs = header.strip_prefix("OAuth ").unwrap_or_default().split(',');
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .map(|(name, value)| (decoded(name), decoded(value.trim_matches('"'))))
        .collect()
}

fn is_signed(parts: &Parts, given: &BTreeMap<String, String>, token_secret: &str) -> bool {
    let encoded = |text: &str| utf8_percent_encode(text, PLAIN).to_string();
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    let query = url::form_urlencoded::parse(query).into_owned();
    let mut pairs: Vec<(String, String)> = query.collect();
    let signed = given
        .iter()
        .filter(|(name, _)| *name != "oauth_signature" && *name != "realm");
    pairs.extend(signed.map(|(name, value)| (name.clone(), value.clone())));
    let mut pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect();
    pairs.sort();
    let host = parts.headers["host"].to_str().expect("a host");
    let url = format!("https://{host}{}", parts.uri.path());
    let base = [parts.method.as_str(), &url, &pairs.join("&")]
        .map(encoded)
        .join("&");
    let key = format!("{}&{}", encoded(CLIENT_SECRET), encoded(token_secret));
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
    let signature = STANDARD.encode(hmac::sign(&key, base.as_bytes()));
    given
        .get("oauth_consumer_key")
        .is_some_and(|id| id == CLIENT_ID)
        && given.get("oauth_signature") == Some(&signature)
}
