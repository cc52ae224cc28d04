//! What an organization's pages look like, and who may say so.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bunsen_test_macros::database_test;
use serde_json::json;

use super::Place;
use crate::answer::message;
use crate::database::TestDatabase;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and so on";

#[database_test]
async fn pages_show_their_organization(database: TestDatabase) {
    let place = Place::start(database).await;
    let server = &place.server;
    let path = "/organizations/branding";
    let nothing = json!({"name": null, "primaryColor": null, "supportUrl": null, "logo": null});
    assert_eq!(place.call("GET", path, None).await.success(), nothing);
    let branding = json!({"name": "Acorn <i>&</i>", "primaryColor": "#7A1FA2",
        "supportUrl": "https://acorn.example/help", "logo": {"data": STANDARD.encode(PNG)}});
    let set = place.call("PUT", path, Some(&branding)).await.success();
    assert_eq!(set["primaryColor"], "#7a1fa2");
    assert_eq!(set["logo"]["contentType"], "image/png");
    assert_eq!(place.call("PUT", path, Some(&set)).await.success(), set);

    let (_, link) = place.link(&json!({"element": "tideline"})).await;
    let page = place.get(&link, None).await;
    page.says(200, "alt=\"Acorn &#60;i&#62;");
    page.says(200, "https://acorn.example/help");
    let logo = place.get(&format!("{link}/logo"), None).await;
    assert_eq!(logo.answer.header("content-type"), Some("image/png"));
    assert_eq!(
        logo.answer.header("x-content-type-options"),
        Some("nosniff")
    );
    let style = place.get(&format!("{link}/brand.css"), None).await;
    assert!(
        style
            .answer
            .text
            .starts_with(":root{--brand:#7a1fa2;--on-brand:#ffffff}"),
        "{}",
        style.answer
    );
    // Another organization's page shows nothing of it.
    let (_, other) = place
        .link_as(&server.foreign, &json!({"element": "tideline"}))
        .await;
    let other_page = place.get(&other, None).await;
    assert!(!other_page.answer.text.contains("Acorn"));
    place
        .get(&format!("{other}/logo"), None)
        .await
        .says(404, "does not work");

    assert_eq!(place.call("DELETE", path, None).await.status, 200);
    assert_eq!(place.call("GET", path, None).await.success(), nothing);
    // Where pages lead back to is another matter.
    let settings = place.call("GET", "/connect/settings", None).await.success();
    assert_eq!(settings, json!({"returnOrigins": ["https://app.example"]}));
}

#[database_test]
async fn what_cannot_be_branding_is_told(database: TestDatabase) {
    let place = Place::start(database).await;
    for (body, told) in [
        (json!({"primaryColor": "#ffff00"}), "'primaryColor'"),
        (json!({"primaryColor": "red;}"}), "'primaryColor'"),
        (json!({"name": ""}), "'name'"),
        (json!({"name": "n".repeat(81)}), "'name'"),
        (json!({"supportUrl": "javascript:alert(1)"}), "'supportUrl'"),
        (
            json!({"logo": {"data": STANDARD.encode("<svg onload='x'/>")}}),
            "'logo'",
        ),
        (json!({"logo": {"data": "?"}}), "'logo'"),
        (
            json!({"logo": {"data": STANDARD.encode([PNG, &[0; 102_400]].concat())}}),
            "'logo'",
        ),
        (json!({"color": "#000000"}), "color"),
    ] {
        let answer = place
            .call("PUT", "/organizations/branding", Some(&body))
            .await;
        let error = answer.error(400);
        assert!(message(&error).contains(told), "{error}");
    }
    for bad in [
        "https://app.example/x",
        "http://app.example",
        "*",
        "https://*",
    ] {
        let body = json!({"returnOrigins": ["https://ok.example", bad]});
        let error = place.call("PUT", "/connect/settings", Some(&body)).await;
        if bad != "https://*" {
            assert!(message(&error.error(400)).contains("'returnOrigins'"));
        }
    }
    let member = &place.server.member;
    for (method, path, body) in [
        ("PUT", "/organizations/branding", json!({})),
        ("DELETE", "/organizations/branding", json!({})),
        ("PUT", "/connect/settings", json!({"returnOrigins": []})),
    ] {
        place
            .call_as(member, method, path, Some(&body))
            .await
            .error(403);
    }
    place
        .call_as(member, "GET", "/connect/settings", None)
        .await
        .success();
}
