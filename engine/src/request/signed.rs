//! Signing a call that is otherwise ready: OAuth 1.0a, RFC 5849.

use http::header::{AUTHORIZATION, CONTENT_TYPE};

use super::{BuildError, Call, VendorRequest, header_value};
use crate::configuration::Value;
use crate::element::oauth::{ACCESS_TOKEN, CLIENT_ID, CLIENT_SECRET, REQUEST_PLACE, TOKEN_SECRET};
use crate::element::{Authentication, Group, ResourceKind};
use crate::language::percent_encode;
use crate::oauth::{NONCE, REQUEST_TOKEN_SECRET, signature};

/// Adds the signature where the group wants one.
pub(super) fn sign(
    call: &Call<'_>,
    group: &Group,
    request: &mut VendorRequest,
) -> Result<(), BuildError> {
    let Some(Authentication::OAuth1(method)) = &group.authentication else {
        return Ok(());
    };
    let kind = call.resource.kind;
    if kind == ResourceKind::OauthOnAuthorizeUrl || (call.resource.anonymous && !kind.gets_token())
    {
        return Ok(());
    }
    let configured = |key: &str| call.values.get(key).map(Value::reveal);
    let brought = |name: &str| {
        call.request
            .and_then(|request| request.get(name))
            .map(Value::reveal)
    };
    let needed = |value: Option<&str>, key: &str| {
        value.map(str::to_owned).ok_or_else(|| BuildError::Entry {
            key: key.to_owned(),
            message: format!("is needed for {}", call.resource.step()),
        })
    };
    let client = needed(brought("client_id").or(configured(CLIENT_ID)), CLIENT_ID)?;
    let secret = brought("client_secret").or(configured(CLIENT_SECRET));
    let secret = needed(secret, CLIENT_SECRET)?;
    let Some(nonce) = brought(NONCE) else {
        let message = format!(
            "The step {} is signed and has no nonce.",
            call.resource.step()
        );
        return Err(BuildError::Definition(message));
    };
    let (token, token_secret) = match kind {
        ResourceKind::OauthOnTokenRequest => (None, None),
        ResourceKind::OauthOnTokenExchange => {
            (brought("oauth_token"), brought(REQUEST_TOKEN_SECRET))
        }
        _ => (configured(ACCESS_TOKEN), configured(TOKEN_SECRET)),
    };

    let mut own: Vec<(&str, String)> = vec![
        ("oauth_consumer_key", client),
        ("oauth_nonce", nonce.to_owned()),
        (
            "oauth_signature_method",
            signature::name(*method).to_owned(),
        ),
        ("oauth_timestamp", (call.now / 1000).to_string()),
        ("oauth_version", "1.0".to_owned()),
    ];
    own.extend(token.map(|token| ("oauth_token", token.to_owned())));
    match kind {
        ResourceKind::OauthOnTokenRequest => {
            let back = brought("redirect_uri").unwrap_or("oob");
            own.push(("oauth_callback", back.to_owned()));
        }
        ResourceKind::OauthOnTokenExchange => {
            let verifier = brought("oauth_verifier");
            own.extend(verifier.map(|verifier| ("oauth_verifier", verifier.to_owned())));
        }
        _ => {}
    }
    let form = request
        .headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let body = if form { request.body.as_ref() } else { &[] };
    let base = signature::base_string(&request.method, &request.url, &own, body);
    let signed = signature::sign(*method, &base, &secret, token_secret.unwrap_or_default());
    own.push(("oauth_signature", signed));

    if configured(REQUEST_PLACE).is_some_and(|place| place.eq_ignore_ascii_case("query")) {
        let mut pairs = request.url.query().unwrap_or_default().to_owned();
        for (name, value) in &own {
            if !pairs.is_empty() {
                pairs.push('&');
            }
            pairs.push_str(name);
            pairs.push('=');
            pairs.push_str(&percent_encode(value));
        }
        request.url.set_query(Some(&pairs));
        return Ok(());
    }
    let pairs: Vec<String> = own
        .iter()
        .map(|(name, value)| format!("{name}=\"{}\"", percent_encode(value)))
        .collect();
    let header = format!("OAuth {}", pairs.join(", "));
    let value = header_value(&AUTHORIZATION, &header, true).map_err(BuildError::Definition)?;
    request.headers.insert(AUTHORIZATION, value);
    Ok(())
}
