//! OAuth 1.0a, from the request token to signed calls.

use super::*;

#[test]
fn oauth_1_signs_what_it_sends() {
    let element = added(&export("oauth1"));
    let group = element.founding_group();
    let configuration = values(&element, CLIENT);
    let kind = ResourceKind::OauthOnTokenRequest;
    let call = built(&element, kind, &configuration, &Values::new());
    let header = |call: &VendorRequest| call.headers[AUTHORIZATION].to_str().unwrap().to_owned();
    let sent = header(&call);
    for part in [
        "OAuth oauth_consumer_key=\"the%20key\"",
        "oauth_callback=\"https%3A%2F%2Fapp.example%2Fback%3Fx%3D1\"",
        "oauth_timestamp=\"137131200\"",
        "oauth_signature_method=\"HMAC-SHA1\"",
        "oauth_signature=\"",
    ] {
        assert!(sent.contains(part), "{part}: {sent}");
    }
    assert!(!sent.contains("oauth_token=") && !sent.contains("secret"));
    assert!(call.headers[AUTHORIZATION].is_sensitive());

    let answer = (200, "text/plain", "oauth_token=rt&oauth_token_secret=rs");
    let given = read(&element, kind, &Values::new(), answer).unwrap();
    assert_eq!(given[ACCESS_TOKEN].reveal(), "rt");
    assert_eq!(given[TOKEN_SECRET].reveal(), "rs");
    let token = brought(&[("oauth_token", "rt")]);
    let page = authorize_url(&element, group, &configuration, &token)
        .unwrap()
        .unwrap();
    assert!(
        page.as_str().ends_with("?prompt=login&oauth_token=rt"),
        "{page}"
    );

    let verified = brought(&[
        ("oauth_token", "rt"),
        ("oauth_verifier", "v"),
        ("secret", "rs"),
    ]);
    let kind = ResourceKind::OauthOnTokenExchange;
    let call = built(&element, kind, &configuration, &verified);
    let with_secret = header(&call);
    assert!(
        with_secret.contains("oauth_token=\"rt\"") && with_secret.contains("oauth_verifier=\"v\"")
    );
    let verified = brought(&[
        ("oauth_token", "rt"),
        ("oauth_verifier", "v"),
        ("secret", "other"),
    ]);
    assert_ne!(
        header(&built(&element, kind, &configuration, &verified)),
        with_secret
    );

    let mut stored = configuration.clone();
    stored.extend(values(
        &element,
        &[(ACCESS_TOKEN, "at"), (TOKEN_SECRET, "as")],
    ));
    let check = ResourceKind::ProvisionAuthValidation;
    assert!(
        header(&built(&element, check, &stored, &Values::new())).contains("oauth_token=\"at\"")
    );
    stored.extend(values(
        &element,
        &[("oauth.request.authorization.type", "query")],
    ));
    let call = built(&element, check, &stored, &Values::new());
    assert!(!call.headers.contains_key(AUTHORIZATION));
    assert!(
        call.url
            .query()
            .unwrap()
            .contains("oauth_token=at&oauth_signature=")
    );
    assert!(element.renewal(group).is_none());
}
