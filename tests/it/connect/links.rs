//! Asking for links, and what becomes of them.

use bunsen_test_macros::database_test;
use serde_json::json;

use super::{Place, RETURN, client, with_password};
use crate::answer::message;
use crate::connect::vendor::PASSWORD;
use crate::database::TestDatabase;

#[database_test]
async fn what_is_wrong_with_a_link_is_told(database: TestDatabase) {
    let place = Place::start(database).await;
    for (body, status, told) in [
        (json!({"element": "nothing"}), 404, "nothing"),
        (json!({"element": 1.5}), 404, "1.5"),
        (json!({"element": []}), 400, "'element'"),
        (json!({"elements": ["tideline", "x"]}), 404, "'x'"),
        (json!({"elements": "tideline"}), 400, "elements"),
        (json!({"expiresIn": 0}), 400, "'expiresIn'"),
        (json!({"expiresIn": 3601}), 400, "'expiresIn'"),
        (json!({"expiresIn": "600"}), 400, "expiresIn"),
        (
            json!({"returnUrl": "https://evil.example/"}),
            400,
            "'returnUrl'",
        ),
        (
            json!({"returnUrl": "https://app.example.evil.example/"}),
            400,
            "'returnUrl'",
        ),
        (
            json!({"returnUrl": "https://app.example@evil.example/"}),
            400,
            "'returnUrl'",
        ),
        (
            json!({"returnUrl": "http://app.example/"}),
            400,
            "'returnUrl'",
        ),
        (
            json!({"returnUrl": "javascript:alert(1)"}),
            400,
            "'returnUrl'",
        ),
        (json!({"state": "a\nb"}), 400, "'state'"),
        (json!({"state": "s".repeat(1025)}), 400, "'state'"),
        (json!({"name": "<INSERT_NAME>"}), 400, "<INSERT_NAME>"),
        (json!({"name": ""}), 400, "'name'"),
        (json!({"tags": ["t".repeat(300)]}), 400, "'tags'"),
        (json!({"instanceId": 999_999}), 404, "999999"),
        (json!({"returnurl": "x"}), 400, "returnurl"),
        (json!({"configuration": {"site": {}}}), 400, "'site'"),
        (
            json!({"element": "tideline", "configuration": {"authentication.type": "x"}}),
            400,
            "authentication.type",
        ),
        (
            json!({"element": "tideline", "configuration": {"site": "https://evil.example"}}),
            400,
            "'site'",
        ),
        (
            json!({"element": "tideline", "configuration": {"stie": "acme"}}),
            400,
            "'stie'",
        ),
        (
            json!({"element": "tideline", "configuration": {"base.url": "https://evil.example"}}),
            400,
            "base.url",
        ),
    ] {
        let answer = place.call("POST", "/connect/links", Some(&body)).await;
        let error = answer.error(status);
        assert!(message(&error).contains(told), "{body}: {error}");
    }
    let made: i64 = sqlx::query_scalar("select count(*) from connect_links")
        .fetch_one(&place.server.database.pool)
        .await
        .expect("a count");
    assert_eq!(made, 0);
}

#[database_test]
async fn a_link_ends(database: TestDatabase) {
    let place = Place::start(database).await;
    let body = json!({"element": "tideline", "returnUrl": RETURN, "configuration": client()});
    let (id, path) = place.link(&body).await;
    let (form, cookie) = place.form(&path, "basic").await;
    let form = with_password(&form, PASSWORD);
    let pool = &place.server.database.pool;
    let ended = "update connect_links set expires_at = now() - interval '1 second'";
    sqlx::query(ended).execute(pool).await.expect("an update");
    place
        .get(&path, None)
        .await
        .says(410, "This link has ended");
    place
        .post(&path, Some(&cookie), &form)
        .await
        .says(410, "This link has ended");
    assert_eq!(place.outcome(id).await["status"], "expired");
    assert_eq!(place.stored().await, 0);
    // What was sealed goes with the next link.
    place.link(&body).await;
    let left: i64 =
        sqlx::query_scalar("select count(*) from connect_links where contents_sealed is not null")
            .fetch_one(pool)
            .await
            .expect("a count");
    assert_eq!(left, 1);
    let later = "update connect_links set expires_at = now() - interval '8 days'";
    sqlx::query(later).execute(pool).await.expect("an update");
    place.link(&body).await;
    place
        .get(&path, None)
        .await
        .says(404, "This link does not work");
    place
        .call("GET", &format!("/connect/links/{id}"), None)
        .await
        .error(404);
    let found: i64 =
        sqlx::query_scalar("select count(*) from secret_index where kind like 'connect%'")
            .fetch_one(pool)
            .await
            .expect("a count");
    assert_eq!(found, 1);
}

#[database_test]
async fn a_link_dies_with_whoever_asked_for_it(database: TestDatabase) {
    let place = Place::start(database).await;
    let body = json!({"element": "tideline"});
    let pool = &place.server.database.pool;
    for (off, on) in [
        (
            "update users set active = false",
            "update users set active = true",
        ),
        (
            "update accounts set active = false",
            "update accounts set active = true",
        ),
        (
            "update organizations set active = false",
            "update organizations set active = true",
        ),
    ] {
        let (_, path) = place.link_as(&place.server.member, &body).await;
        let (form, cookie) = place.form(&path, "basic").await;
        sqlx::query(off).execute(pool).await.expect("an update");
        place
            .get(&path, None)
            .await
            .says(404, "This link does not work");
        let sent = place
            .post(&path, Some(&cookie), &with_password(&form, PASSWORD))
            .await;
        sent.says(404, "This link does not work");
        sqlx::query(on).execute(pool).await.expect("an update");
    }
    assert_eq!(place.stored().await, 0);
}

#[database_test]
async fn links_of_others_are_not_shown(database: TestDatabase) {
    let place = Place::start(database).await;
    let server = &place.server;
    let (of_admin, _) = place.link(&json!({})).await;
    let (of_member, _) = place.link_as(&server.member, &json!({})).await;
    let (of_foreign, _) = place.link_as(&server.foreign, &json!({})).await;
    for (who, id, status) in [
        (&server.admin, of_admin, 200),
        (&server.admin, of_member, 200),
        (&server.member, of_member, 200),
        (&server.colleague, of_member, 200),
        (&server.member, of_admin, 404),
        (&server.admin, of_foreign, 404),
        (&server.foreign, of_admin, 404),
    ] {
        let answer = place
            .call_as(who, "GET", &format!("/connect/links/{id}"), None)
            .await;
        assert_eq!(answer.status, status, "{answer}");
    }
    for odd in ["x", "-1", "99999999999999999999999"] {
        place
            .call("GET", &format!("/connect/links/{odd}"), None)
            .await
            .error(404);
    }
    // Nobody's instance is connected again for another.
    let body = json!({"element": {"key": "tideline"}, "name": "n",
        "configuration": {"site": "acme", "username": "ann", "password": PASSWORD}});
    let instance = server.create(&server.foreign, &body).await;
    let again = json!({"instanceId": instance["id"]});
    place
        .call("POST", "/connect/links", Some(&again))
        .await
        .error(404);
    let again = place
        .call_as(&server.foreign, "POST", "/connect/links", Some(&again))
        .await;
    again.success();
}

#[database_test]
async fn nothing_of_a_link_is_readable_in_the_database(database: TestDatabase) {
    let place = Place::start(database).await;
    let body = json!({"element": "tideline", "state": "st4te", "configuration": client()});
    let (_, path) = place.link(&body).await;
    let (form, cookie) = place.form(&path, "oauth2").await;
    assert_eq!(
        place.post(&path, Some(&cookie), &form).await.answer.status,
        200
    );
    let rows: Vec<String> = sqlx::query_scalar(
        "select l::text || encode(contents_sealed, 'escape') || encode(walk_sealed, 'escape')
         from connect_links l",
    )
    .fetch_all(&place.server.database.pool)
    .await
    .expect("rows");
    assert_eq!(rows.len(), 1);
    let token = path.rsplit('/').next().expect("a token");
    let secret = cookie.split('=').nth(1).expect("a cookie");
    for hidden in [
        token,
        secret,
        "st4te",
        super::CLIENT_SECRET,
        super::CLIENT_ID,
    ] {
        assert!(!rows[0].contains(hidden), "{hidden}");
    }
    assert!(token.len() >= 43, "{token}");
}
