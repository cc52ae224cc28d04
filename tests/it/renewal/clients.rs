//! A stored client that a vendor does not take: told to those who keep it, once, and tried again when it
//! is corrected.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{DUE, RENEWED, Renewing, fatal};
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::oauth::simulated::Case;
use crate::process::Server;

const TOLD: &str = "select count(*) from notifications where topic = 'instance.client_refused'";
const TOLD_TO: &str = "select account_id from notifications where topic = 'instance.client_refused'
    order by id desc limit 1";
const HOME: &str = "select id from accounts where default_account";
const NOT_TAKEN: &str = "select count(*) from instances where valid and invalid_reason is not null and renewal_due_at > now()";
const UNTOLD: &str = "update instances set invalid_reason = null, renewal_attempts = 0";
const INVALID: &str = "select count(*) from instances where not valid";

/// With a refresh token of its own and the stored client.
async fn create(world: &Renewing, case: &Case, server: &Server, user: &str) -> Value {
    let given = case.granted(&world.site.vendors).await;
    let refresh = json!({"oauth.user.refresh_token": given["refresh_token"]});
    let mut body = case.body_with(&json!(null), refresh);
    body["externalAuthentication"] = json!("initial");
    let configuration = body["configuration"].as_object_mut().expect("entries");
    configuration.remove("oauth.api.key");
    configuration.remove("oauth.api.secret");
    server.create(user, &body).await
}

/// The client's id and its right secret.
fn client(case: &Case) -> [String; 2] {
    let body = case.body(&json!(null));
    ["oauth.api.key", "oauth.api.secret"].map(|key| {
        let text = body["configuration"][key].as_str();
        text.expect("a text").to_owned()
    })
}

async fn put(server: &Server, case: &Case, account: &str, secret: &str) {
    let [id, _] = client(case);
    let place = format!("/elements/{}/oauth/client{account}", case.element);
    let body = json!({"apiKey": id, "apiSecret": secret});
    let put = server.request("PUT", &place, &server.authorization());
    Answer::of(put.json(&body)).await.success();
}

/// Of an account that is not the first one: its id, and how a user of it calls.
async fn somebody_else(world: &Renewing, server: &Server) -> (i64, String) {
    let site = &world.site;
    let account = ["account", "create", "--organization", "1", "acorn"];
    let account = site.json(&account).await["id"].as_i64().expect("an id");
    let text = account.to_string();
    let user = [
        "user",
        "create",
        "--organization",
        "1",
        "--account",
        &text,
        "--first-name",
        "Hazel",
        "--last-name",
        "Elder",
        "hazel@corp.example",
        "--secret",
    ];
    let user = site.json(&user).await;
    let first = server.authorization();
    let (_, organization) = first.split_once(", ").expect("two secrets");
    let secret = user["secret"].as_str().expect("a secret");
    (account, format!("User {secret}, {organization}"))
}

#[database_test]
async fn it_is_told_where_it_is_kept(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let server = world.site.serve("one").await;
    let case = Case::all().into_iter().find(|case| case.reuse() == "safe");
    let case = case.expect("one such vendor is simulated");
    let [id, right] = client(&case);
    let (account, hazel) = somebody_else(&world, &server).await;
    let home = world.site.count(HOME).await;
    assert_ne!(account, home);

    // The organization's, although nobody but another account's instances meets it.
    put(&server, &case, "", &right).await;
    for _ in 0..4 {
        create(&world, &case, &server, &hazel).await;
    }
    put(&server, &case, "", "another-secret").await;
    world.site.execute(DUE).await;
    world.wait_for("all are tried", NOT_TAKEN, 4).await;
    assert_eq!(world.site.count(TOLD).await, 1);
    assert_eq!(world.site.count(TOLD_TO).await, home);
    // The next ones that meet it tell nothing new, whatever the vendor says to them.
    world.site.execute(UNTOLD).await;
    let unauthorized =
        json!({"kind": "status", "status": 400, "body": "{\"error\":\"unauthorized_client\"}"});
    world.fault(&case, unauthorized).await;
    world.site.execute(DUE).await;
    world.wait_for("all are tried again", NOT_TAKEN, 4).await;
    assert_eq!(world.site.count(TOLD).await, 1);
    // Set anew and wrong again, it is another mistake.
    world.no_faults().await;
    world.site.execute(UNTOLD).await;
    put(&server, &case, "", "a-third-secret").await;
    world.site.execute(DUE).await;
    world
        .wait_for("all are tried once more", NOT_TAKEN, 4)
        .await;
    assert_eq!(world.site.count(TOLD).await, 2);
    put(&server, &case, "", &right).await;
    world.wait_for("all are renewed", RENEWED, 4).await;

    // The account's.
    let of_account = format!("?accountId={account}");
    put(&server, &case, &of_account, &right).await;
    create(&world, &case, &server, &hazel).await;
    put(&server, &case, &of_account, "another-secret").await;
    world.site.execute(DUE).await;
    world.wait_for("it is tried", NOT_TAKEN, 1).await;
    assert_eq!(world.site.count(TOLD).await, 3);
    assert_eq!(world.site.count(TOLD_TO).await, account);
    let hinted = "select count(*) from notifications where message like '%client?accountId=%'";
    assert_eq!(world.site.count(hinted).await, 1);
    put(&server, &case, &of_account, &right).await;
    world.wait_for("it is mended", NOT_TAKEN, 0).await;

    // The operator's, of whose mistake the log tells, too.
    for place in ["", of_account.as_str()] {
        let place = format!("/elements/{}/oauth/client{place}", case.element);
        let sign = if place.contains('?') { '&' } else { '?' };
        let place = format!("{place}{sign}force=true");
        let removed = server.request("DELETE", &place, &server.authorization());
        assert!(Answer::of(removed).await.status < 300);
    }
    world.site.execute("delete from instance_directory").await;
    let forget = "delete from secret_index where kind = 'instance'";
    world.site.execute(forget).await;
    world.site.execute("delete from instances").await;
    let file = world.site.folder.path("secret.txt");
    let set = async |secret: &str| {
        std::fs::write(&file, secret).expect("a file");
        let file = file.to_str().expect("a UTF-8 path");
        let set = [
            "oauth-client",
            "set",
            "--element",
            &case.element,
            "--client-id",
            &id,
        ];
        world
            .site
            .json(&[&set[..], &["--secret-file", file]].concat())
            .await;
    };
    set(&right).await;
    create(&world, &case, &server, &hazel).await;
    set("another-secret").await;
    world.site.execute(DUE).await;
    world.wait_for("it is tried", NOT_TAKEN, 1).await;
    assert_eq!(world.site.count(TOLD).await, 4);
    assert_eq!(world.site.count(TOLD_TO).await, home);
    let log = server.stop().await;
    let log = crate::process::written(&log);
    assert!(
        log.contains("a vendor refuses a stored OAuth client"),
        "{log}"
    );
}

/// What is put off for another reason is not asked sooner because of a client, and what a second use
/// of a token could end is waited for.
#[database_test]
async fn only_what_a_client_may_have_kept_is_tried_again(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let server = world.site.serve("one").await;
    let user = server.authorization();
    let case = fatal().remove(0);
    world.strict(&case, 3600).await;
    let [_, right] = client(&case);
    put(&server, &case, "", &right).await;
    let made = create(&world, &case, &server, &user).await;

    let throttled = json!({"kind": "status", "status": 429, "headers": {"Retry-After": "3000"}});
    world.fault(&case, throttled).await;
    world.site.execute(DUE).await;
    let waits = "select count(*) from instances where valid and renewal_attempts > 0
                 and renewal_due_at > now() + interval '10 seconds'";
    world
        .site
        .execute("update instances set renewal_attempts = 4")
        .await;
    world.wait_for("it is put off", waits, 1).await;
    world.no_faults().await;
    put(&server, &case, "", "another-secret").await;
    assert_eq!(world.site.count(waits).await, 1);

    // The vendor calls a wrong secret a matter of the owner.
    let refused = json!({"kind": "status", "status": 400, "body": "{\"error\":\"invalid_grant\"}"});
    world.fault(&case, refused).await;
    world.site.execute(DUE).await;
    world.wait_for("it needs its owner", INVALID, 1).await;
    world.no_faults().await;
    let spends = world.spends(&case).await;
    // Where browsers come back to has no part in it.
    let [id, _] = client(&case);
    let place = format!("/elements/{}/oauth/client", case.element);
    let same = json!({"apiKey": id, "callbackUrl": "https://app.example.com/other"});
    let same = server.request("PUT", &place, &user).json(&same);
    Answer::of(same).await.success();
    let idle = "select count(*) from instances where renewal_due_at is null";
    assert_eq!(world.site.count(idle).await, 1);
    put(&server, &case, "", &right).await;
    // Its access token lives, and a second use could end it.
    let later = "select count(*) from instances where not valid and renewal_due_at > now() + interval '30 minutes'";
    world
        .wait_for("it waits for the token's end", later, 1)
        .await;
    assert_eq!(world.spends(&case).await, spends);
    let path = format!("/instances/{}", made["id"]);
    let read = Answer::of(server.request("GET", &path, &user)).await;
    assert_eq!(read.success()["valid"], false);
    server.stop().await;
}
