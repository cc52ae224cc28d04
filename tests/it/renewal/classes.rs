//! Whom a refused renewal is told to, and what goes on meanwhile.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{DUE, OPEN, RENEWED, Renewing};
use crate::answer::{Answer, message};
use crate::database::TestDatabase;
use crate::oauth::simulated::Case;
use crate::process::Server;
use crate::vendors::until;

const TRIED: &str = "select count(*) from instances where renewal_attempts > 0 and valid and renewal_due_at > now()";
const INVALID: &str = "select count(*) from instances where not valid";
const NEEDS_OWNER: &str = "select count(*) from notifications where topic = 'instance.needs_owner'";
const RECOVERED: &str = "select count(*) from notifications where topic = 'instance.recovered'";
const CLIENT_REFUSED: &str =
    "select count(*) from notifications where topic = 'instance.client_refused'";
const FORGET: [&str; 3] = [
    "delete from instance_directory",
    "delete from secret_index where kind = 'instance'",
    "delete from instances",
];

async fn called(case: &Case, server: &Server, made: &Value) -> Answer {
    let token = made["token"].as_str().expect("a token");
    let header = format!("{}, Element {token}", server.authorization());
    Answer::of(server.request("GET", &case.passed(), &header)).await
}

fn said(status: u16, body: &Value) -> Value {
    json!({"kind": "status", "status": status, "body": body.to_string()})
}

/// What passes by itself, in whatever status it comes, makes nothing invalid and fails no call.
#[database_test]
async fn what_passes_is_no_refusal(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let server = world.site.serve("one").await;
    for case in Case::all() {
        for fault in [
            said(400, &json!({"error": "temporarily_unavailable"})),
            said(400, &json!({"error": "server_error"})),
            said(400, &json!({"error": "slow_down"})),
            said(403, &json!("Rate limited")),
            json!({"kind": "status", "status": 401, "content_type": "text/html",
                   "body": "<html>login to proxy</html>"}),
        ] {
            for statement in FORGET {
                world.site.execute(statement).await;
            }
            let made = world.create(&case, &server).await;
            world.fault(&case, fault.clone()).await;
            world.site.execute(DUE).await;
            let tried = format!("{} {fault}: it is tried", case.element);
            world.wait_for(&tried, TRIED, 1).await;
            let read = world.read(&server, &made).await;
            assert_eq!(read["valid"], true, "{fault}");
            assert!(read.get("renewalProblem").is_none() && read["nextRenewal"].is_string());
            let answer = called(&case, &server, &made).await;
            assert_eq!(answer.status, 200, "{fault}: {answer}");
            world.no_faults().await;
            world.site.execute(DUE).await;
            world
                .wait_for(&format!("{fault}: it heals"), RENEWED, 1)
                .await;
            assert_eq!(world.site.count(OPEN).await, 0);
        }
    }
    assert_eq!(world.site.count(NEEDS_OWNER).await, 0);
    server.stop().await;
}

/// The owner is told at once, and calls go on until the vendor refuses the access token, too. Where it
/// does no harm it is tried again, for an owner who has mended it at the vendor.
#[database_test]
async fn calls_go_on_while_the_access_token_lives(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let server = world.site.serve("one").await;
    for (number, case) in (1..).zip(Case::all()) {
        for statement in FORGET {
            world.site.execute(statement).await;
        }
        let made = world.create(&case, &server).await;
        assert_eq!(called(&case, &server, &made).await.status, 200);
        let refused = said(400, &json!({"error": "invalid_grant"}));
        world.fault(&case, refused).await;
        world.site.execute(DUE).await;
        world.wait_for("it needs its owner", INVALID, 1).await;
        assert_eq!(world.site.count(NEEDS_OWNER).await, number);
        let read = world.read(&server, &made).await;
        assert!(read["invalidReason"].is_string(), "{read}");
        let safe = case.reuse() == "safe";
        assert_eq!(read["nextRenewal"].is_string(), safe, "{read}");
        world.site.all_forget().await;
        for _ in 0..3 {
            let answer = called(&case, &server, &made).await;
            assert_eq!(answer.status, 200, "{}: {answer}", case.element);
        }

        // Now the vendor does not take it either, and is not asked for more.
        let expire = json!({"what": "access"});
        let vendors = &world.site.vendors;
        case.control(vendors, "POST", "expire", Some(&expire)).await;
        for _ in 0..2 {
            let error = called(&case, &server, &made).await.error(401);
            let told = message(&error);
            assert!(told.contains("needs to be reconnected"), "{error}");
            assert!(told.contains("/connect/links"), "{error}");
        }
        let ended =
            "select count(*) from instances where not valid and renewal_by_call_at is not null";
        assert_eq!(world.site.count(ended).await, 1);

        world.no_faults().await;
        if safe {
            world.site.execute(DUE).await;
        } else {
            // Sent as it is shown, it is tried.
            let path = format!("/instances/{}", made["id"]);
            let body = json!({"configuration": read["configuration"]});
            let user = server.authorization();
            let again = server.request("PUT", &path, &user).json(&body);
            Answer::of(again).await.success();
        }
        world.wait_for("it works again", INVALID, 0).await;
        assert_eq!(world.site.count(RECOVERED).await, number);
        world.site.all_forget().await;
        let answer = called(&case, &server, &made).await;
        assert_eq!(answer.status, 200, "{}: {answer}", case.element);
    }
    server.stop().await;
}

/// A client whose secret is wrong makes no instance invalid, and they heal when it is corrected.
#[database_test]
async fn a_refused_client_is_the_administrators(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let server = world.site.serve("one").await;
    let user = server.authorization();
    let case = Case::all().into_iter().find(|case| case.reuse() == "safe");
    let case = case.expect("one such vendor is simulated");
    let given = case.granted(&world.site.vendors).await;
    let refresh = json!({"oauth.user.refresh_token": given["refresh_token"]});
    let whole = case.body_with(&json!(null), refresh);
    let place = format!("/elements/{}/oauth/client", case.element);
    let put = async |secret: &Value| {
        let client =
            json!({"apiKey": whole["configuration"]["oauth.api.key"], "apiSecret": secret});
        let answer = server.request("PUT", &place, &user).json(&client);
        Answer::of(answer).await.success()
    };
    let right = &whole["configuration"]["oauth.api.secret"];
    put(right).await;
    let mut instances = Vec::new();
    for _ in 0..3 {
        let given = case.granted(&world.site.vendors).await;
        let refresh = json!({"oauth.user.refresh_token": given["refresh_token"]});
        let mut body = case.body_with(&json!(null), refresh);
        body["externalAuthentication"] = json!("initial");
        let configuration = body["configuration"].as_object_mut().expect("entries");
        configuration.remove("oauth.api.key");
        configuration.remove("oauth.api.secret");
        instances.push(server.create(&user, &body).await);
    }
    put(&json!("another-secret")).await;
    world.site.execute(DUE).await;
    world.wait_for("all are tried", TRIED, 3).await;
    let long =
        "select count(*) from instances where renewal_due_at > now() + interval '10 minutes'";
    assert_eq!(world.site.count(long).await, 3);
    for made in &instances {
        let read = world.read(&server, made).await;
        assert_eq!(read["valid"], true, "{read}");
        assert!(read["renewalProblem"].is_string(), "{read}");
        assert!(read.get("invalidReason").is_none(), "{read}");
        let answer = called(&case, &server, made).await;
        assert_eq!(answer.status, 200, "{answer}");
    }
    // One mistake is told once.
    assert_eq!(world.site.count(CLIENT_REFUSED).await, 1);
    assert_eq!(world.site.count(NEEDS_OWNER).await, 0);

    world
        .site
        .execute("update instances set renewed_at = null")
        .await;
    put(right).await;
    world.wait_for("all are renewed", RENEWED, 3).await;
    for made in &instances {
        let healed = async || {
            let read = world.read(&server, made).await;
            read.get("renewalProblem").is_none()
        };
        until("nothing is wrong any more", healed).await;
    }
    server.stop().await;
}
