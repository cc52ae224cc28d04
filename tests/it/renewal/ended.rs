//! Renewals after which an instance would not be what it was: another account, or nobody's.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{DUE, OPEN, RENEWED, Renewing, fatal};
use crate::answer::{Answer, message};
use crate::database::TestDatabase;
use crate::process::Server;
use crate::vendors::{session_example, until};

const LOG_IN: &str = "*oauth2/token";
const NOW_AND_THEN: &str = "update instances set checked_at = null";

/// The folder for `--elements`: a log-in by password that is made again for each renewal, and says whose
/// account it has led to.
fn definitions(world: &Renewing) -> String {
    let (_, mut definition) = session_example();
    let resources = definition["resources"].as_array_mut().expect("resources");
    resources.retain(|resource| resource["type"] != "oauthOnTokenRefresh");
    let log_in = resources
        .iter_mut()
        .find(|resource| resource["type"] == "onProvision");
    let log_in = log_in.expect("a log-in");
    let parameters = log_in["parameters"].as_array_mut().expect("parameters");
    parameters.retain(|parameter| {
        parameter["source"] != "response" || !parameter.to_string().contains("refresh_token")
    });
    log_in["bunsen"]["account"] = json!({"id": ["company"], "name": ["name"]});
    let root = world.site.folder.path("elements");
    let own = root.join(definition["key"].as_str().expect("a key"));
    std::fs::create_dir_all(&own).expect("a folder");
    std::fs::write(own.join("element.json"), definition.to_string()).expect("a file");
    root.to_str().expect("a UTF-8 path").to_owned()
}

async fn leads_to(world: &Renewing, id: &str) {
    world.no_faults().await;
    let body = json!({"access_token": format!("access-{id}"), "expires_in": 3600,
        "company": id, "name": format!("Company {id}")});
    let fault = json!({"kind": "status", "status": 200, "path": LOG_IN, "body": body.to_string()});
    world.site.vendors.fault(fault).await;
}

#[database_test]
async fn a_log_in_that_leads_elsewhere_is_not_written(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let elements = definitions(&world);
    let server = world
        .site
        .serve_with("one", &["--elements", &elements])
        .await;
    let user = server.authorization();
    leads_to(&world, "22").await;
    let (body, _) = session_example();
    let made = server.create(&user, &body).await;
    assert_eq!(made["configuration"]["vendor.account.id"], "22", "{made}");
    world.site.execute(DUE).await;
    world.wait_for("it is renewed", RENEWED, 1).await;

    leads_to(&world, "23").await;
    world.site.execute(DUE).await;
    let invalid = "select count(*) from instances where not valid";
    world.wait_for("it needs its owner", invalid, 1).await;
    let read = world.read(&server, &made).await;
    let reason = read["invalidReason"].as_str().expect("a reason");
    assert!(
        reason.contains("Company 23 instead of Company 22"),
        "{reason}"
    );
    assert_eq!(read["configuration"]["vendor.account.id"], "22");
    let told = "select count(*) from notifications where topic = 'instance.needs_owner'";
    assert_eq!(world.site.count(told).await, 1);
    assert_eq!(world.site.count(OPEN).await, 0);
    server.stop().await;
}

async fn called(world: &Renewing, server: &Server, path: &str, made: &Value) -> Answer {
    world.site.all_forget().await;
    let token = made["token"].as_str().expect("a token");
    let header = format!("{}, Element {token}", server.authorization());
    Answer::of(server.request("GET", path, &header)).await
}

/// The answer may be lost, so the token is not sent again while the access token lives. But the vendor
/// does not take that either: there is nothing to protect.
#[database_test]
async fn a_token_that_ends_early_is_not_waited_for(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let case = fatal().remove(0);
    world.strict(&case, 8 * 3600).await;
    let server = world.site.serve("one").await;
    let made = world.create(&case, &server).await;
    let vendors = &world.site.vendors;
    let path = case.passed();
    assert_eq!(called(&world, &server, &path, &made).await.status, 200);
    world
        .fault(&case, json!({"kind": "status", "status": 503}))
        .await;
    // In doubt, while the access token is good: nothing is sent, it is shown, and calls go on.
    world.site.execute(DUE).await;
    let in_doubt =
        "select count(*) from instances where valid and renewal_doubt_generation = generation
                    and renewal_due_at > now() + interval '1 hour'";
    world.wait_for("it is in doubt", in_doubt, 1).await;
    let read = world.read(&server, &made).await;
    assert!(read["renewalProblem"].is_string(), "{read}");
    world.no_faults().await;
    assert_eq!(called(&world, &server, &path, &made).await.status, 200);
    let (spends, _) = world.spends(&case).await;

    let expire = json!({"what": "access"});
    case.control(vendors, "POST", "expire", Some(&expire)).await;
    let answer = called(&world, &server, &path, &made).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(world.spends(&case).await, (spends + 1, 0));
    let read = world.read(&server, &made).await;
    assert!(read.get("renewalProblem").is_none(), "{read}");

    // While the token endpoint is away callers are told so, in a status of our own.
    world.site.execute(NOW_AND_THEN).await;
    world
        .site
        .execute("update instances set renewed_at = null")
        .await;
    case.control(vendors, "POST", "expire", Some(&expire)).await;
    world
        .fault(
            &case,
            json!({"kind": "status", "status": 404, "body": "{}"}),
        )
        .await;
    let error = called(&world, &server, &path, &made).await.error(503);
    assert!(!message(&error).contains('{'), "{error}");
    world.no_faults().await;
    until("it heals by itself", async || {
        called(&world, &server, &path, &made).await.status == 200
    })
    .await;
    server.stop().await;
}

/// What has lasted for some minutes is shown, and nobody is told of it.
#[database_test]
async fn a_vendor_that_stays_away_is_shown(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let server = world.site.serve("one").await;
    let case = crate::oauth::simulated::Case::all()
        .into_iter()
        .find(|case| case.reuse() == "safe");
    let case = case.expect("one such vendor is simulated");
    let made = world.create(&case, &server).await;
    world
        .fault(&case, json!({"kind": "status", "status": 503}))
        .await;
    for attempts in [1, 5] {
        world
            .site
            .execute("update instances set renewal_attempts = least(renewal_attempts * 5, 5)")
            .await;
        world.site.execute(DUE).await;
        until("it is tried", async || {
            let tried = "select max(renewal_attempts)::bigint from instances";
            world.site.count(tried).await > attempts - 1
        })
        .await;
        let waits = "select count(*) from instances where renewal_due_at > now()";
        world.wait_for("it is put off", waits, 1).await;
        let read = world.read(&server, &made).await;
        assert_eq!(read["valid"], true);
        assert_eq!(read["renewalProblem"].is_string(), attempts > 1, "{read}");
    }
    let told = "select count(*) from notifications";
    assert_eq!(world.site.count(told).await, 0);
    world.no_faults().await;
    world.site.execute(DUE).await;
    world.wait_for("it is renewed", RENEWED, 1).await;
    let read = world.read(&server, &made).await;
    assert!(read.get("renewalProblem").is_none(), "{read}");
    server.stop().await;
}
