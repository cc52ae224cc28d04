//! From a vendor's refusal to the application that is told, and back.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{Told, call, subscribe};
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::oauth::simulated::Case;
use crate::passthrough::renewal::SPENT;
use crate::process::Server;
use crate::vendors::until;

const BOTH: [&str; 2] = ["instance.needs_owner", "instance.recovered"];
const DUE: &str = "update instances set renewal_due_at = now(), renewal_claimed_until = null";

/// A hub call of a resource that no element has, so it says at best that there is none.
async fn hub_call(server: &Server, instance: &Value) -> u16 {
    let authorization = server.authorization();
    let user = authorization.split(',').next().expect("a user");
    let token = instance["token"].as_str().expect("a token");
    let both = format!("{user}, Element {token}");
    Answer::of(server.request("GET", "/hubs/crm/no-such-things", &both))
        .await
        .status
}

#[database_test]
async fn an_application_is_told_and_can_heal_what_it_is_told_of(database: TestDatabase) {
    let told = Told::new(database).await;
    let server = told.serve("one").await;
    let (subscription, secret) = subscribe(&server, "/hook", &BOTH).await;
    let case = Case::all().remove(0);
    let given = case.granted(&told.site.vendors).await;
    let refresh = json!({"oauth.user.refresh_token": given["refresh_token"]});
    let mut body = case.body_with(&json!(null), refresh);
    body["externalAuthentication"] = json!("initial");
    let made = server.create(&server.authorization(), &body).await;
    assert_eq!(hub_call(&server, &made).await, 404, "known, and remembered");

    let vendors = &told.site.vendors;
    case.control(vendors, "POST", "revoke", Some(&json!({})))
        .await;
    told.site.execute(DUE).await;
    let received = told.receiver.wait_for("/hook", 1).await;
    let body = received[0].verified(&secret);
    let path = format!("/instances/{}", made["id"]);
    let read = call(&server, "GET", &path, None).await.success();
    let instance = &body["instance"];
    assert_eq!(body["topic"], BOTH[0]);
    assert_eq!(
        (&body["severity"], &body["from"]),
        (&json!("high"), &json!("system"))
    );
    assert_eq!(instance["id"], made["id"]);
    assert_eq!(instance["elementKey"], case.element);
    assert_eq!(instance["name"], made["name"]);
    assert_eq!(instance["reason"], read["invalidReason"]);
    assert_eq!(instance["since"], read["invalidSince"]);
    assert_eq!(body["delivery"]["attempt"], 1);
    assert_eq!(body["delivery"]["subscriptionId"], subscription);
    let message = body["message"].as_str().expect("a message");
    assert!(
        message.contains("connected again by its owner") && message.contains(&case.element),
        "{message}"
    );
    for hidden in [
        made["token"].as_str(),
        given["refresh_token"].as_str(),
        Some(secret.as_str()),
    ] {
        assert!(!received[0].text().contains(hidden.expect("a secret")));
    }
    // Calls go on while the access token lives; when it ends, within the minute for which servers remember
    // who calls.
    told.site.execute(SPENT).await;
    until("hub calls are told", async || {
        hub_call(&server, &made).await == 401
    })
    .await;

    // What it is told to do makes a link for this instance.
    let reconnect = &instance["reconnect"];
    let place = reconnect["path"].as_str().expect("a path");
    let place = place.strip_prefix("/elements/api-v2").expect("our base");
    let method = reconnect["method"].as_str().expect("a method");
    let link = call(&server, method, place, Some(&reconnect["body"])).await;
    assert!(link.success()["url"].is_string());

    let page = call(&server, "GET", &case.page(), None).await.success();
    let brought = case.decide(vendors, &page, "allow").await;
    let again = json!({"providerData": brought});
    call(&server, "PATCH", &path, Some(&again)).await.success();
    let received = told.receiver.wait_for("/hook", 2).await;
    let recovered = received[1].verified(&secret);
    assert_eq!(recovered["topic"], BOTH[1]);
    assert_eq!(recovered["instance"]["since"], read["invalidSince"]);
    assert!(recovered["instance"].get("reconnect").is_none());
    assert_eq!(hub_call(&server, &made).await, 404);

    // A change that heals nothing is not told.
    let renamed = json!({"name": "another name"});
    call(&server, "PATCH", &path, Some(&renamed))
        .await
        .success();
    for (topic, id) in [(BOTH[0], &body["id"]), (BOTH[1], &recovered["id"])] {
        let listed = call(
            &server,
            "GET",
            &format!("/notifications?topics[]={topic}"),
            None,
        )
        .await;
        assert_eq!(listed.header("elements-total-count"), Some("1"));
        let listed = listed.success();
        assert_eq!((&listed[0]["id"], listed[0].get("delivery")), (id, None));
        assert_eq!(listed[0]["instance"]["id"], made["id"]);
    }
    // Gone with its secrets, it is still known what it was.
    call(&server, "DELETE", &path, None).await;
    let kept = call(
        &server,
        "GET",
        &format!("/notifications/{}", body["id"]),
        None,
    )
    .await;
    assert_eq!(kept.success()["instance"], *instance);
    server.stop().await;
}
