//! DocuSign: which host serves what, and all of it against the official descriptions.

use http::Method;
use serde_json::json;

use crate::client::start;
use crate::described::Described;
use crate::docusign::{
    DEMO, KEY, LOGIN, USER, grant, legacy, new_token, revoke, with_header, with_token,
};

#[tokio::test]
async fn the_service_describes_itself_to_anybody() {
    let sandbox = start().await;
    let path = "/restapi/service_information";
    let body = sandbox.call(Method::GET, DEMO, path).answer().await.json();
    assert_eq!(body["linkedSites"], json!(["https://demo.docusign.net"]));
    assert_eq!(
        body["serviceVersions"],
        json!([
            { "version": "v2", "versionUrl": "https://demo.docusign.net/restapi/v2" },
            { "version": "v2.1", "versionUrl": "https://demo.docusign.net/restapi/v2.1" },
        ])
    );
    let body = sandbox
        .call(Method::GET, "eu.docusign.net", path)
        .answer()
        .await
        .json();
    let linked = body["linkedSites"].as_array().expect("a list");
    assert!(linked.contains(&json!("https://na2.docusign.net")));
    assert!(!linked.contains(&json!("https://demo.docusign.net")));
}

#[tokio::test]
async fn only_sites_that_exist_are_hosts() {
    let sandbox = start().await;
    let status = |host: &'static str| sandbox.call(Method::GET, host, LOGIN).answer();
    for host in ["www.docusign.net", "na4.docusign.net", "ca.docusign.net"] {
        assert_eq!(status(host).await.status, 401, "{host}");
    }
    for host in [
        "na9.docusign.net",
        "docusign.net",
        "api.docusign.net",
        "a.services.docusign.net",
        "account-s.docusign.com",
        "demo.docusign.com",
    ] {
        assert_eq!(status(host).await.status, 421, "{host}");
    }
    let account = json!({ "site": "na9", "name": "New" });
    let made = sandbox
        .control(Method::POST, "docusign/accounts", account)
        .await;
    assert_eq!(made.status, 201);
    assert_eq!(status("na9.docusign.net").await.status, 401);
}

#[tokio::test]
async fn userinfo_tells_the_site_of_each_account() {
    let sandbox = start().await;
    let (demo, production) = ("account-d.docusign.com", "account.docusign.com");
    let new = json!({ "user": USER, "kind": "oauth" });
    let made = sandbox.control(Method::POST, "docusign/tokens", new).await;
    assert_eq!(made.status, 201, "{made:?}");
    let token = made.json()["token"].as_str().expect("a token").to_owned();
    let path = "/oauth/userinfo";
    let body = with_token(&sandbox, demo, path, &token).await.json();
    assert_eq!(body["sub"], USER);
    assert_eq!(
        (&body["given_name"], &body["family_name"]),
        (&json!("Sample"), &json!("User"))
    );
    assert_eq!(
        body["accounts"][0],
        json!({
            "account_id": "5a6d0a1e-0000-4000-a000-000000998083",
            "is_default": true,
            "account_name": "Sample",
            "base_uri": "https://demo.docusign.net",
        })
    );
    let created = body["created"].as_str().expect("a time");
    assert!(created.len() == 27 && !created.ends_with('Z'), "{created}");
    // The same token opens the API by the account's GUID.
    let account = "/restapi/v2.1/accounts/5a6d0a1e-0000-4000-a000-000000998083";
    assert_eq!(
        with_token(&sandbox, DEMO, account, &token).await.status,
        200
    );

    let legacy = new_token(&sandbox, DEMO).await;
    for (host, token) in [
        (production, token.as_str()),
        (demo, &legacy),
        (demo, "nonsense"),
    ] {
        let reply = with_token(&sandbox, host, path, token).await;
        assert_eq!(reply.status, 401, "{host}");
        assert_eq!(reply.json()["error"], "internal_server_error");
        assert!(reply.json()["reference_id"].is_string());
    }
    let nobody = sandbox.call(Method::GET, demo, path).answer().await;
    assert_eq!(nobody.status, 401);
    for (method, path) in [
        (Method::POST, path),
        (Method::GET, "/oauth/nothing"),
        (Method::GET, LOGIN),
    ] {
        let reply = sandbox.call(method, demo, path).answer().await;
        assert_eq!(
            (reply.status.as_u16(), reply.body.len()),
            (404, 0),
            "{path}"
        );
    }
}

#[tokio::test]
async fn calls_and_answers_are_as_described() {
    let Some(mut described) = Described::of("docusign") else {
        return;
    };
    let sandbox = start().await;
    let v2 = described.file("docusign-esignature.rest.swagger-v2.json");
    let v21 = described.file("docusign-esignature.rest.swagger-v2.1.json");
    let call = "GET /v2/login_information";
    let all = format!("{LOGIN}?include_account_id_guid=true&login_settings=all&api_password=true");
    let sent = [
        "query include_account_id_guid",
        "query login_settings",
        "query api_password",
    ];
    described.check(
        &v2,
        call,
        &sent,
        &legacy(&sandbox, DEMO, &all).answer().await,
    );
    described.check(&v2, call, &[], &with_header(&sandbox, DEMO, "{}").await);
    let call = "POST /v2/oauth2/token";
    let sent = ["grant_type", "client_id", "username", "password", "scope"]
        .map(|name| format!("form {name}"));
    let sent: Vec<&str> = sent.iter().map(String::as_str).collect();
    described.check(
        &v2,
        call,
        &sent,
        &grant(&sandbox, DEMO, "password", KEY).await,
    );
    described.check(&v2, call, &sent, &grant(&sandbox, DEMO, "wrong", KEY).await);
    let token = new_token(&sandbox, DEMO).await;
    for (document, version) in [(&v2, "v2"), (&v21, "v2.1")] {
        let call = format!("GET /{version}/accounts/{{accountId}}");
        for id in ["998083", "1"] {
            let path = format!("/restapi/{version}/accounts/{id}");
            let reply = with_token(&sandbox, DEMO, &path, &token).await;
            described.check(document, &call, &[], &reply);
        }
        let path = format!("/restapi/{version}/accounts/998083");
        let reply = sandbox.call(Method::GET, DEMO, &path).answer().await;
        described.check(document, &call, &[], &reply);
        let path = "/restapi/service_information";
        let reply = sandbox.call(Method::GET, DEMO, path).answer().await;
        described.check(document, "GET /service_information", &[], &reply);
    }
    let call = "POST /v2/oauth2/revoke";
    described.check(
        &v2,
        call,
        &["form token"],
        &revoke(&sandbox, DEMO, &token).await,
    );
    described.check(
        &v2,
        call,
        &["form token"],
        &revoke(&sandbox, DEMO, &token).await,
    );
    let limited = json!({ "limit_total": 0, "limit_enforced": true });
    for status in [400, 429] {
        let mut change = limited.clone();
        change["limit_status"] = json!(status);
        sandbox
            .control(Method::PATCH, "docusign/accounts/998083", change)
            .await;
        let reply = legacy(&sandbox, DEMO, "/restapi/v2.1/accounts/998083")
            .answer()
            .await;
        assert_eq!(reply.status, status);
        described.check(&v21, "GET /v2.1/accounts/{accountId}", &[], &reply);
    }
    described.finish();
}
