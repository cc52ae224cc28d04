//! Connecting by a form.

use std::collections::BTreeMap;
use std::time::Duration;

use bunsen_test_macros::database_test;
use serde_json::json;

use super::{Place, RETURN, client, with_password};
use crate::connect::vendor::PASSWORD;
use crate::database::TestDatabase;

#[database_test]
async fn a_form_connects_once(database: TestDatabase) {
    let place = Place::start(database).await;
    let body = json!({"element": "tideline", "returnUrl": RETURN, "state": "a&b", "name": "Ann's",
        "tags": ["t"], "configuration": client()});
    let (id, path) = place.link(&body).await;
    assert_eq!(place.outcome(id).await["status"], "pending");
    let (form, cookie) = place.form(&path, "basic").await;
    let done = place
        .post(&path, Some(&cookie), &with_password(&form, PASSWORD))
        .await;
    assert_eq!(done.answer.status, 303, "{}", done.answer);
    let next = done.answer.header("location").expect("a place").to_owned();
    assert_eq!(next, format!("{path}/done"));
    let outcome = place.outcome(id).await;
    assert_eq!(outcome["status"], "connected");
    let instance = &outcome["instanceId"];
    let read = place
        .call("GET", &format!("/instances/{instance}"), None)
        .await
        .success();
    assert_eq!(
        (&read["name"], &read["tags"]),
        (&json!("Ann's"), &json!(["t"]))
    );
    assert_eq!(read["configuration"]["site"], "acme");

    // For everybody but the browser that has connected it has ended.
    for page in [
        place.get(&next, None).await,
        place.get(&path, None).await,
        place.post(&path, None, &form).await,
    ] {
        page.says(410, "This link has ended");
        assert!(!page.answer.text.contains("app.example"));
    }

    // Whatever it opens or sends now leads back, and makes nothing more.
    let back = format!(
        "https://app.example/back?tab=1&amp;status=connected&amp;instanceId={instance}&amp;state=a%26b"
    );
    let back = back.replace("&amp;", "&#38;");
    for page in [
        place.get(&next, Some(&cookie)).await,
        place.get(&path, Some(&cookie)).await,
        place
            .post(&path, Some(&cookie), &with_password(&form, PASSWORD))
            .await,
    ] {
        page.says(200, "Your account is connected");
        assert!(
            page.answer
                .text
                .contains(&format!("content=\"0; url={back}\"")),
            "{}",
            page.answer.text
        );
    }
    assert_eq!(place.stored().await, 1);
    assert_eq!(place.vendor.world().calls, 1);
}

#[database_test]
async fn without_a_return_address_the_page_says_that_it_is_over(database: TestDatabase) {
    let place = Place::start(database).await;
    let (_, path) = place.link(&json!({"element": "tideline"})).await;
    let (form, cookie) = place.form(&path, "basic").await;
    let done = place
        .post(&path, Some(&cookie), &with_password(&form, PASSWORD))
        .await;
    assert_eq!(done.answer.status, 303);
    place
        .get(&path, Some(&cookie))
        .await
        .says(200, "You can close this page.");
    // For everybody else it has ended.
    assert_eq!(place.get(&path, None).await.answer.status, 410);
}

#[database_test]
async fn what_goes_wrong_is_told_in_plain_words(database: TestDatabase) {
    let place = Place::start(database).await;
    let (id, path) = place
        .link(&json!({"element": "tideline", "returnUrl": RETURN}))
        .await;
    let (form, cookie) = place.form(&path, "basic").await;
    let send = async |form: &BTreeMap<String, String>| place.post(&path, Some(&cookie), form).await;

    let empty = send(&form).await;
    empty.says(400, "Something is missing");
    assert_eq!(
        empty.answer.text.matches("Fill this in.").count(),
        4,
        "{}",
        empty.answer.text
    );
    assert!(empty.answer.text.contains("aria-invalid=\"true\""));
    assert!(empty.answer.text.contains("value=\"acme\""));

    let wrong = send(&with_password(&form, "wr0ng-one")).await;
    wrong.says(401, "Tideline &#60;Beta&#62; did not accept these details");
    assert!(!wrong.answer.text.contains("wr0ng-one"));
    assert!(wrong.answer.text.contains("value=\"ann\""));
    let outcome = place.outcome(id).await;
    assert_eq!(outcome["status"], "failed");
    assert!(
        outcome["message"]
            .as_str()
            .expect("a message")
            .contains("did not accept")
    );

    let mut elsewhere = with_password(&form, PASSWORD);
    elsewhere.insert("c.site".to_owned(), "wrong".to_owned());
    let site = send(&elsewhere).await;
    site.says(400, "does not know this address");
    assert!(
        site.answer.text.contains("Check this: Tideline"),
        "{}",
        site.answer.text
    );
    elsewhere.insert("c.site".to_owned(), "https://evil.example".to_owned());
    send(&elsewhere)
        .await
        .says(400, "Look at the marked fields");

    place.vendor.world().broken = Some(429);
    send(&with_password(&form, PASSWORD))
        .await
        .says(429, "Wait 2 minutes");
    place.vendor.world().broken = Some(503);
    send(&with_password(&form, PASSWORD))
        .await
        .says(502, "cannot be reached");
    place.vendor.world().broken = Some(403);
    send(&with_password(&form, PASSWORD))
        .await
        .says(403, "API access");
    place.vendor.world().broken = None;
    assert_eq!(place.stored().await, 0);
    let done = send(&with_password(&form, PASSWORD)).await;
    assert_eq!(done.answer.status, 303);
    assert_eq!(place.outcome(id).await["status"], "connected");
}

#[database_test]
async fn a_form_of_elsewhere_does_nothing(database: TestDatabase) {
    let place = Place::start(database).await;
    let (_, path) = place.link(&json!({"element": "tideline"})).await;
    let (_, other) = place.link(&json!({"element": "tideline"})).await;
    let (form, cookie) = place.form(&path, "basic").await;
    let (of_other, _) = place.form(&other, "basic").await;
    let good = with_password(&form, PASSWORD);

    place
        .post(&path, None, &good)
        .await
        .says(403, "Cookies are needed");
    place
        .post(&path, Some("bunsen-connect=x"), &good)
        .await
        .says(403, "Cookies are needed");
    let another = format!("bunsen-connect={}", "A".repeat(43));
    place
        .post(&path, Some(&another), &good)
        .await
        .says(403, "This form was not sent by the page");
    place
        .post(&other, Some(&cookie), &good)
        .await
        .says(403, "This form was not sent by the page");
    let mut mixed = good.clone();
    mixed.insert("form".to_owned(), of_other["form"].clone());
    place
        .post(&path, Some(&cookie), &mixed)
        .await
        .says(403, "This form was not sent by the page");
    mixed.remove("form");
    place
        .post(&path, Some(&cookie), &mixed)
        .await
        .says(403, "This form was not sent by the page");
    let foreign = place
        .server
        .request("POST", &path)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "cross-site")
        .header("cookie", &cookie)
        .body("form=x");
    super::Page::of(crate::answer::Answer::of(foreign).await).says(403, "sent by another site");
    let json = place
        .server
        .request("POST", &path)
        .header("cookie", &cookie)
        .json(&json!({}));
    super::Page::of(crate::answer::Answer::of(json).await).says(415, "form");
    let mut large = good.clone();
    large.insert("c.site".to_owned(), "x".repeat(70_000));
    place
        .post(&path, Some(&cookie), &large)
        .await
        .says(413, "too much");
    // What the link does not offer.
    for (name, value) in [
        ("element", "nothing"),
        ("login", "nothing"),
        ("login", "oauth2"),
    ] {
        let mut form = good.clone();
        form.insert(name.to_owned(), value.to_owned());
        let page = place.post(&path, Some(&cookie), &form).await;
        assert_eq!(page.answer.status, 404, "{}", page.answer);
    }
    assert_eq!(place.vendor.world().calls, 0);
    assert_eq!(place.stored().await, 0);
}

#[database_test]
async fn what_the_application_set_stays(database: TestDatabase) {
    let place = Place::start(database).await;
    let body = json!({"element": "tideline",
        "configuration": {"site": "acme", "authentication.type": "basic", "password": PASSWORD}});
    let (id, path) = place.link(&body).await;
    let page = place.get(&path, None).await;
    page.says(200, "<dd>acme</dd>");
    assert!(!page.answer.text.contains("c.site") && !page.answer.text.contains("c.password"));
    assert!(
        !page.answer.text.contains("login=pin"),
        "{}",
        page.answer.text
    );
    let mut form = page.hidden();
    form.insert("c.username".to_owned(), "ann".to_owned());
    form.insert("c.region".to_owned(), "eu".to_owned());
    form.insert("c.site".to_owned(), "evil".to_owned());
    form.insert(
        "c.base.url".to_owned(),
        "https://evil.tideline.example".to_owned(),
    );
    let done = place.post(&path, page.cookie.as_deref(), &form).await;
    assert_eq!(done.answer.status, 303, "{}", done.answer);
    let instance = place.outcome(id).await["instanceId"].clone();
    let read = place
        .call("GET", &format!("/instances/{instance}"), None)
        .await
        .success();
    assert_eq!(read["configuration"]["site"], "acme");
    assert_eq!(
        read["configuration"]["base.url"],
        "https://{site}.tideline.example/v3"
    );
}

#[database_test]
async fn two_clicks_make_one_instance(database: TestDatabase) {
    let place = Place::start(database).await;
    let (_, path) = place.link(&json!({"element": "tideline"})).await;
    let (form, cookie) = place.form(&path, "basic").await;
    let form = with_password(&form, PASSWORD);
    place.vendor.world().slow = Duration::from_millis(300);
    let clicks = (0..4).map(|_| place.post(&path, Some(&cookie), &form));
    let pages = futures_util::future::join_all(clicks).await;
    let mut statuses: Vec<u16> = pages.iter().map(|page| page.answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses[0], 303, "{statuses:?}");
    assert!(
        statuses
            .iter()
            .all(|status| [200, 303, 409].contains(status)),
        "{statuses:?}"
    );
    assert_eq!(place.stored().await, 1);
}

#[database_test]
async fn a_link_is_tried_so_often(database: TestDatabase) {
    let place = Place::start(database).await;
    let (_, path) = place.link(&json!({"element": "tideline"})).await;
    let (form, cookie) = place.form(&path, "basic").await;
    for _ in 0..10 {
        let page = place
            .post(&path, Some(&cookie), &with_password(&form, "wrong"))
            .await;
        assert_eq!(page.answer.status, 401);
    }
    let calls = place.vendor.world().calls;
    let page = place
        .post(&path, Some(&cookie), &with_password(&form, PASSWORD))
        .await;
    page.says(429, "Too many attempts");
    assert_eq!(place.vendor.world().calls, calls);
}

#[database_test]
async fn an_instance_is_connected_again_and_stays_itself(database: TestDatabase) {
    let place = Place::start(database).await;
    let body = json!({"element": {"key": "tideline"}, "name": "n",
        "configuration": {"site": "acme", "username": "ann", "password": PASSWORD}});
    let before = place.server.create(&place.server.admin, &body).await;
    let body = json!({"instanceId": before["id"], "returnUrl": RETURN});
    let (id, path) = place.link(&body).await;
    let (mut form, cookie) = place.form(&path, "basic").await;
    let shown = place.get(&path, Some(&cookie)).await;
    shown.says(200, "Reconnect your");
    assert!(
        shown.answer.text.contains("value=\"acme\"") && shown.answer.text.contains("value=\"ann\"")
    );
    assert!(!shown.answer.text.contains("Choose something else"));
    // Another element is not offered here.
    let page = place.get(&format!("{path}?element=larkpost"), None).await;
    assert_eq!(page.answer.status, 404);

    // The vendor is asked although nothing else has changed.
    place
        .vendor
        .world()
        .passwords
        .insert("ann".to_owned(), "n3w-password".to_owned());
    let old = place
        .post(&path, Some(&cookie), &with_password(&form, PASSWORD))
        .await;
    old.says(401, "did not accept");
    // Another account only after a question.
    place
        .vendor
        .world()
        .passwords
        .insert("bob".to_owned(), "b0b".to_owned());
    form.insert("c.username".to_owned(), "bob".to_owned());
    form.insert("c.password".to_owned(), "b0b-password".to_owned());
    let calls = place.vendor.world().calls;
    let asked = place.post(&path, Some(&cookie), &form).await;
    asked.says(409, "Is this another account?");
    assert!(!asked.answer.text.contains("b0b-password"));
    assert_eq!(place.vendor.world().calls, calls);
    let good = with_password(&form, "n3w-password");
    let done = place.post(&path, Some(&cookie), &good).await;
    assert_eq!(done.answer.status, 303, "{}", done.answer);
    let outcome = place.outcome(id).await;
    assert_eq!(
        (&outcome["status"], &outcome["instanceId"]),
        (&json!("connected"), &before["id"])
    );
    let after = place
        .call("GET", &format!("/instances/{}", before["id"]), None)
        .await
        .success();
    for same in ["id", "token", "name", "tags"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    // With the question answered another account may be connected.
    place
        .vendor
        .world()
        .passwords
        .insert("bob".to_owned(), "b0b-password".to_owned());
    let (_, path) = place.link(&body).await;
    let (mut form, cookie) = place.form(&path, "basic").await;
    form.insert("c.username".to_owned(), "bob".to_owned());
    form.insert("c.password".to_owned(), "b0b-password".to_owned());
    form.insert("other".to_owned(), "yes".to_owned());
    let done = place.post(&path, Some(&cookie), &form).await;
    assert_eq!(done.answer.status, 303, "{}", done.answer);
    let after = place
        .call("GET", &format!("/instances/{}", before["id"]), None)
        .await
        .success();
    assert_eq!(after["configuration"]["username"], "bob");
    assert_eq!(place.stored().await, 1);
}

#[database_test]
async fn the_choice_is_what_the_link_names(database: TestDatabase) {
    let place = Place::start(database).await;
    let (_, path) = place
        .link(&json!({"returnUrl": RETURN, "state": "s"}))
        .await;
    let all = place.get(&path, None).await;
    all.says(200, "What would you like to connect?");
    assert!(all.answer.text.contains("element=tideline"));
    assert!(all.answer.text.matches("class=\"offer\"").count() > 2);
    assert!(all.answer.text.contains("status=cancelled"));
    let (_, path) = place.link(&json!({"element": "tideline"})).await;
    let one = place.get(&path, None).await;
    one.says(200, "Connect your Tideline");
    // The ended way comes last, with its note; the one with a page needs the application's client.
    let text = &one.answer.text;
    assert!(text.find("login=basic") < text.find("login=pin"), "{text}");
    assert!(!text.contains("login=oauth2"));
    let old = place.get(&format!("{path}?login=pin"), None).await;
    old.says(200, "has ended this way to sign in (2020-01)");
    let unknown = format!("/connect/{}", "A".repeat(43));
    for path in [
        unknown.as_str(),
        "/connect/x",
        "/connect/x/done",
        "/connect/x/logo",
        "/connect/x/brand.css",
    ] {
        place
            .get(path, None)
            .await
            .says(404, "This link does not work");
    }
    let style = place.get("/connect/style.css", None).await;
    assert_eq!(
        style.answer.header("content-type"),
        Some("text/css; charset=utf-8")
    );
}
