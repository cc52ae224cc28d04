//! The tokens of a deleted instance end at the vendor, if it can be told.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::simulated::Case;
use super::{Place, application, body};
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::server::TestServer;
use crate::vendors::{Vendors, example_of_each};

/// The standard call, with a client that is stored and one that is not.
#[database_test]
async fn the_standard_call_ends_the_grant(database: TestDatabase) {
    let place = Place::start(database).await;
    place.vendor.code("c-0");
    let kept = place
        .create(&body("tidepost", application(), json!({"code": "c-0"})))
        .await
        .success();
    let client =
        json!({"apiKey": "app", "apiSecret": "app-secret", "callbackUrl": super::CALLBACK});
    place
        .call("PUT", "/elements/tidepost/oauth/client", Some(&client))
        .await
        .success();
    for configuration in [
        application(),
        json!({"site.address": "acme.tidepost.example"}),
    ] {
        place.vendor.code("c-1");
        let request = body("tidepost", configuration, json!({"code": "c-1"}));
        let made = place.create(&request).await.success();
        let tokens = place.vendor.world().access_tokens.len();
        place.vendor.calls();
        let gone = place
            .call("DELETE", &format!("/instances/{}", made["id"]), None)
            .await;
        assert_eq!(gone.status, 200, "{gone}");
        let calls = place.vendor.calls();
        assert_eq!(calls.len(), 1, "{calls:?}");
        assert_eq!(calls[0].1, "/revoke");
        assert_eq!(place.vendor.world().access_tokens.len(), tokens - 1);
    }
    // Another instance's grant lives on.
    let path = format!("/instances/{}", kept["id"]);
    let moved = json!({"configuration": {"site.address": "b.tidepost.example"}});
    place.call("PATCH", &path, Some(&moved)).await.success();
    // A vendor that says no keeps nothing.
    place.vendor.world().access_tokens.clear();
    place.vendor.world().refresh_tokens.clear();
    let gone = place.call("DELETE", &path, None).await;
    assert_eq!(gone.status, 200, "{gone}");
    assert_eq!(place.stored().await, 0);
}

/// Of the simulated vendors, those whose definition says how.
#[database_test]
async fn tokens_of_simulated_vendors_are_dead(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let vendors = Vendors::of(&server);
    let mut revoked = 0;
    for case in Case::all() {
        let definition = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("elements")
            .join(&case.element)
            .join("element.json");
        let text = std::fs::read_to_string(definition).expect("a definition");
        let definition: Value = serde_json::from_str(&text).expect("JSON");
        let group = case.group();
        let mut resources = definition["resources"]
            .as_array()
            .expect("resources")
            .iter();
        let ends = resources.any(|resource| {
            let groups = &resource["bunsen"]["groups"];
            let of = groups
                .as_array()
                .is_none_or(|groups| groups.contains(&json!(group)));
            resource["type"] == "oauthOnTokenRevoke" && of
        });
        let alive = async |what: &str| {
            let grants = case.control(&vendors, "GET", "grants", None).await;
            let text = grants.to_string();
            let ended = text.matches("\"revoked\":true").count();
            (
                text.matches("\"access_tokens\"").count(),
                ended,
                what.to_owned(),
            )
        };
        let first = case.body_with_code(&server).await;
        let first = server.create(&server.admin, &first).await;
        let second = case.body_with_code(&server).await;
        let second = server.create(&server.admin, &second).await;
        let before = alive("before").await;
        for (instance, dead) in [(&first, 1), (&second, 2)] {
            let path = format!("/elements/api-v2/instances/{}", instance["id"]);
            let request = server.request("DELETE", &path);
            let request = request.header("authorization", server.admin.header());
            assert_eq!(Answer::of(request).await.status, 200);
            let after = alive("after").await;
            let expected = before.1 + if ends { dead } else { 0 };
            assert_eq!(after.1, expected, "{}: {after:?}", case.element);
        }
        revoked += usize::from(ends);
    }
    assert!(revoked > 0, "no simulated vendor ends tokens");
}

/// The same for log-ins without a browser. A call that ends a token can be made once: the vendor
/// refuses it when the token is dead.
#[database_test]
async fn sessions_of_simulated_vendors_are_dead(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let vendors = Vendors::of(&server);
    let mut ended = 0;
    for (element, body) in example_of_each() {
        let made = server.create(&server.admin, &body).await;
        vendors.control("DELETE", "/_control/journal", None).await;
        let path = format!("/elements/api-v2/instances/{}", made["id"]);
        let request = server.request("DELETE", &path);
        let request = request.header("authorization", server.admin.header());
        assert_eq!(Answer::of(request).await.status, 200, "{element}");
        let journal = vendors.control("GET", "/_control/journal", None).await;
        let Some(call) = journal["calls"].as_array().and_then(|calls| calls.last()) else {
            continue;
        };
        let text = |member: &str| call[member].as_str().unwrap_or_default().to_owned();
        let url = format!("{}{}", vendors.url, text("path"));
        let again = server.client.post(url).body(text("body"));
        let headers = call["headers"].as_object().expect("headers").iter();
        let headers = headers.filter(|(name, _)| *name != "content-length");
        let again = headers.fold(again, |request, (name, values)| {
            request.header(name, values[0].as_str().expect("a text"))
        });
        let again = again.send().await.expect("an answer").status();
        assert!(again.is_client_error(), "{element}: {again}");
        ended += 1;
    }
    assert!(ended > 1, "no simulated vendor ends sessions");
}
