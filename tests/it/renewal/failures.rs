//! What keeps an instance valid, what does not, and what heals it.

use bunsen_test_macros::database_test;
use serde_json::json;

use super::{DUE, OPEN, RENEWED, Renewing, fatal};
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::oauth::simulated::Case;
use crate::vendors::session_example;

const TRIED: &str = "select count(*) from instances where renewal_attempts > 0 and valid and renewal_due_at > now()";
const INVALID: &str = "select count(*) from instances where not valid";

#[database_test]
async fn a_vendor_that_is_away_costs_nothing(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let server = world.site.serve("one").await;
    for case in Case::all() {
        let kinds = [
            json!({"kind": "status", "status": 429}),
            json!({"kind": "status", "status": 503}),
            json!({"kind": "refuse"}),
            json!({"kind": "invalid_json"}),
            json!({"kind": "html"}),
        ];
        // Where an old token is good only once, what may have been an answer is waited out.
        let kinds = match case.reuse().as_str() {
            "fatal" => &kinds[..1],
            _ => &kinds[..],
        };
        for fault in kinds {
            world.site.execute("delete from instance_directory").await;
            world
                .site
                .execute("delete from secret_index where kind = 'instance'")
                .await;
            world.site.execute("delete from instances").await;
            let made = world.create(&case, &server).await;
            world.fault(&case, fault.clone()).await;
            world.site.execute(DUE).await;
            world
                .wait_for(&format!("{fault}: it is tried"), TRIED, 1)
                .await;
            let attempts = "select renewal_attempts::bigint from instances";
            let before = world.site.count(attempts).await;
            world.site.execute(DUE).await;
            world
                .wait_for("it is tried again", attempts, before + 1)
                .await;
            let read = world.read(&server, &made).await;
            assert_eq!(read["valid"], true, "{fault}");
            assert!(read.get("invalidReason").is_none() && read["nextRenewal"].is_string());
            world.no_faults().await;
            world.site.execute(DUE).await;
            world
                .wait_for(&format!("{fault}: it heals"), RENEWED, 1)
                .await;
            assert_eq!(world.site.count(attempts).await, 0);
            assert_eq!(world.site.count(OPEN).await, 0);
        }
    }
    server.stop().await;
}

/// The token ends while the vendor is away, and nobody has to do anything.
#[database_test]
async fn a_strict_vendor_that_was_away_heals(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let case = fatal().remove(0);
    world.strict(&case, 6).await;
    let server = world.site.serve("one").await;
    let made = world.create(&case, &server).await;
    world.fault(&case, json!({"kind": "refuse"})).await;
    // By itself not within a minute, however short a token lives.
    world.site.execute(DUE).await;
    let twice = "select count(*) from instances where renewal_attempts > 1 and valid";
    world
        .wait_for("it is tried again and again", twice, 1)
        .await;
    let ended = "select count(*) from instances where created_at < now() - interval '5 seconds'";
    world.wait_for("the token has ended", ended, 1).await;
    world.no_faults().await;
    world.site.execute(DUE).await;
    world.wait_for("it heals", RENEWED, 1).await;
    assert_eq!(world.spends(&case).await, (2, 0));
    assert_eq!(world.read(&server, &made).await["valid"], true);
    server.stop().await;
}

#[database_test]
async fn a_refused_session_needs_its_owner_who_heals_it(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let server = world.site.serve("one").await;
    let user = server.authorization();
    let vendors = &world.site.vendors;
    for case in Case::all() {
        let made = world.create(&case, &server).await;
        case.control(vendors, "POST", "revoke", Some(&json!({})))
            .await;
        world.site.execute(DUE).await;
        world.wait_for("it needs its owner", INVALID, 1).await;
        let read = world.read(&server, &made).await;
        assert_eq!(
            (&read["valid"], &read["token"]),
            (&json!(false), &made["token"])
        );
        let reason = read["invalidReason"].as_str().expect("a reason");
        assert!(
            reason.contains("refused") && !reason.contains("lost"),
            "{reason}"
        );
        assert!(read["invalidSince"].is_string());
        let safe = case.reuse() == "safe";
        assert_eq!(read["nextRenewal"].is_string(), safe, "{read}");
        // Where a second use of the token could do harm nobody asks again.
        let asked = world.spends(&case).await;
        if safe {
            world.site.execute(DUE).await;
            let again = async || world.spends(&case).await.0 > asked.0;
            crate::vendors::until("it is tried again", again).await;
        } else {
            world.site.all_forget().await;
            assert_eq!(world.spends(&case).await, asked);
        }

        let page = Answer::of(server.request("GET", &case.page(), &user)).await;
        let brought = case.decide(vendors, &page.success(), "allow").await;
        let path = format!("/instances/{}", made["id"]);
        let again = json!({"providerData": brought});
        let healed = server.request("PATCH", &path, &user).json(&again);
        let healed = Answer::of(healed).await.success();
        assert_eq!(
            (&healed["valid"], &healed["token"]),
            (&json!(true), &made["token"])
        );
        assert!(healed.get("invalidReason").is_none() && healed["nextRenewal"].is_string());
        world
            .site
            .execute("update instances set renewed_at = null")
            .await;
        world.site.execute(DUE).await;
        until_renewed(&world, &server, &made).await;
        vendors.reset().await;
        let deleted = server.request("DELETE", &path, &user);
        assert_eq!(Answer::of(deleted).await.status, 200);
    }
    server.stop().await;
}

async fn until_renewed(
    world: &Renewing,
    server: &crate::process::Server,
    made: &serde_json::Value,
) {
    crate::vendors::until("it is renewed", async || {
        world.read(server, made).await["lastRenewal"].is_string()
    })
    .await;
}

/// The vendor has given the next token to nobody.
#[database_test]
async fn a_lost_answer_is_waited_out_and_then_told(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let case = fatal().remove(0);
    world.strict(&case, 8).await;
    let server = world.site.serve("one").await;
    let made = world.create(&case, &server).await;
    world
        .fault(&case, json!({"kind": "lost_answer", "count": 1}))
        .await;
    world.site.execute(DUE).await;
    let in_doubt =
        "select count(*) from instances where renewal_doubt_generation = generation and valid";
    world.wait_for("it is in doubt", in_doubt, 1).await;
    assert_eq!(world.spends(&case).await, (2, 0));
    world.wait_for("it needs its owner", INVALID, 1).await;
    let lived =
        "select count(*) from instances where invalid_since >= created_at + interval '7 seconds'";
    assert_eq!(
        world.site.count(lived).await,
        1,
        "not before the token's end"
    );
    assert_eq!(world.spends(&case).await, (3, 1));
    let read = world.read(&server, &made).await;
    let reason = read["invalidReason"].as_str().expect("a reason");
    assert!(
        reason.contains("answer to an earlier renewal was lost"),
        "{reason}"
    );
    server.stop().await;
}

/// Where a key or a password is stored nobody has to be asked.
#[database_test]
async fn a_log_in_is_made_again_where_it_can_be(database: TestDatabase) {
    let world = Renewing::new(database).await;
    let server = world.site.serve("one").await;
    let user = server.authorization();
    for case in Case::all().into_iter().filter(Case::has_key) {
        let body = case.body_with_key(&world.site.vendors, true).await;
        let made = server.create(&user, &body).await;
        world.site.execute(DUE).await;
        until_renewed(&world, &server, &made).await;
    }
    // The second log-in of one session ends the first one's, refresh token included.
    let (body, _) = session_example();
    let first = server.create(&user, &body).await;
    server.create(&user, &body).await;
    world.site.execute(DUE).await;
    until_renewed(&world, &server, &first).await;
    assert_eq!(world.site.count(INVALID).await, 0);
    server.stop().await;
}
