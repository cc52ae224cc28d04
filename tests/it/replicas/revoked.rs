//! Each way to end a secret, at one server or by a command, while another server is called with it.

use std::time::Instant;

use bunsen_test_macros::database_test;
use serde_json::Value;

use super::hammer::Hammer;
use super::{Pair, call, delete, id, with_token};
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::operators::load::Load;
use crate::vendors::example;

/// Calls before and after each change.
const SOME: usize = 30;

#[database_test]
async fn a_token_ends_everywhere_with_its_instance(database: TestDatabase) {
    let pair = Pair::start(database).await;
    let load = Load::start([&pair.one.url, &pair.two.url], &pair.authorization);
    for (here, there) in [(&pair.one, &pair.two), (&pair.two, &pair.one)] {
        let (id, token) = pair.instance().await;
        let hammers = [here, there].map(|server| Hammer::start(server, "/no-such-things", &token));
        for hammer in &hammers {
            hammer.hits(404, SOME).await;
        }
        delete(here, &pair.authorization, id).await;
        let answered = Instant::now();
        for hammer in hammers {
            hammer.hits(401, SOME).await;
            hammer.stop().await.ended_at(answered, 404, 401);
        }
    }
    // Creates and reads at both went on all the time.
    load.goes_on(20).await;
    load.end().await;
    pair.stop().await;
}

#[database_test]
async fn switching_off_and_on_is_known_everywhere(database: TestDatabase) {
    let pair = Pair::start(database).await;
    let (id, token) = pair.instance().await;
    for (verb, before, after) in [("DELETE", 404, 403), ("PUT", 403, 404)] {
        let hammer = Hammer::start(&pair.two, "/no-such-things", &token);
        hammer.hits(before, SOME).await;
        let path = format!("/instances/{id}/enabled");
        let switched = Answer::of(pair.one.request(verb, &path, &pair.authorization)).await;
        let answered = Instant::now();
        assert_eq!(switched.status, 200, "{switched}");
        hammer.hits(after, SOME).await;
        hammer.stop().await.ended_at(answered, before, after);
    }
    pair.stop().await;
}

/// The shortest way to the property: known there, ended here, asked there at once.
#[database_test]
async fn no_call_that_begins_after_a_delete_succeeds(database: TestDatabase) {
    let pair = Pair::start(database).await;
    for round in 0..30 {
        let (here, there) = match round % 2 {
            0 => (&pair.one, &pair.two),
            _ => (&pair.two, &pair.one),
        };
        let (id, token) = pair.instance().await;
        assert_eq!(call(here, &token).await, 404);
        assert_eq!(call(there, &token).await, 404);
        delete(here, &pair.authorization, id).await;
        let (one, two) = tokio::join!(call(there, &token), call(here, &token));
        assert_eq!((one, two), (401, 401), "round {round}");
    }
    pair.stop().await;
}

/// Another organization with a user: its id, what they send, and the user's address.
async fn tenant(pair: &Pair) -> (String, String, &'static str) {
    const ADDRESS: &str = "hazel@corp.example";
    let made = pair
        .site
        .json(&["org", "create", "Acorn Works", "--secret"])
        .await;
    let organization = made["id"].to_string();
    let create = [
        "user",
        "create",
        "--organization",
        &organization,
        "--first-name",
        "Hazel",
        "--last-name",
        "Elder",
        ADDRESS,
        "--secret",
    ];
    let user = pair.site.json(&create).await;
    let text = |value: &Value| value["secret"].as_str().expect("a secret").to_owned();
    let header = format!("User {}, Organization {}", text(&user), text(&made));
    (organization, header, ADDRESS)
}

#[database_test]
async fn secrets_end_everywhere_by_command(database: TestDatabase) {
    let pair = Pair::start(database).await;
    let (organization, header, address) = tenant(&pair).await;
    let instance = pair.two.create(&header, &example()).await;
    let token = with_token(&header, &instance);
    let user = |verb: &'static str| vec!["user", verb, "--organization", &organization, address];
    let org = |verb: &'static str| vec!["org", verb, &organization];
    // The first organization is not disturbed by any of it.
    let (_, untouched) = pair.instance().await;
    let others = [&pair.one, &pair.two].map(|at| Hammer::start(at, "/no-such-things", &untouched));
    let steps = [
        (user("disable"), 401),
        (user("enable"), 404),
        (org("disable"), 401),
        (org("enable"), 404),
        (user("rotate-secret"), 401),
    ];
    for (command, after) in steps {
        let before = if after == 401 { 404 } else { 401 };
        let hammers = [&pair.one, &pair.two].map(|at| Hammer::start(at, "/no-such-things", &token));
        for hammer in &hammers {
            hammer.hits(before, SOME).await;
        }
        pair.site.json(&command).await;
        let answered = Instant::now();
        for hammer in hammers {
            hammer.hits(after, SOME).await;
            hammer.stop().await.ended_at(answered, before, after);
        }
    }
    for other in others {
        other.stop().await.all(404);
    }
    pair.stop().await;
}

#[database_test]
async fn an_organization_s_old_secret_ends_everywhere(database: TestDatabase) {
    let pair = Pair::start(database).await;
    let hammer = Hammer::start(&pair.two, "/organizations/me", &pair.authorization);
    hammer.hits(200, SOME).await;
    let rotated = pair
        .site
        .json(&["org", "rotate-secret", "1", "--secret"])
        .await;
    let answered = Instant::now();
    hammer.hits(401, SOME).await;
    hammer.stop().await.ended_at(answered, 200, 401);
    let (user, _) = pair.authorization.split_once(',').expect("two secrets");
    let secret = rotated["secret"].as_str().expect("a secret");
    let new = format!("{user}, Organization {secret}");
    assert_eq!(
        Answer::of(pair.two.request("GET", "/organizations/me", &new))
            .await
            .status,
        200
    );
    pair.stop().await;
}

/// Keys of all three kinds are rotated under creates at both servers, and tokens end meanwhile.
#[database_test]
async fn tokens_end_while_keys_are_rotated(database: TestDatabase) {
    let pair = Pair::start(database).await;
    let load = Load::start([&pair.one.url, &pair.two.url], &pair.authorization);
    let mut ended = Vec::new();
    for kind in ["find", "encrypt", "organization"] {
        let rotate = ["keys", "rotate", kind];
        let end_some = async {
            let mut done = Vec::new();
            for _ in 0..10 {
                let created = pair.two.create(&pair.authorization, &example()).await;
                let token = with_token(&pair.authorization, &created);
                assert_eq!(call(&pair.one, &token).await, 404);
                assert_eq!(call(&pair.two, &token).await, 404);
                delete(&pair.one, &pair.authorization, id(&created)).await;
                assert_eq!(call(&pair.two, &token).await, 401, "{kind}");
                done.push(token);
            }
            done
        };
        let (_, done) = tokio::join!(pair.site.json(&rotate), end_some);
        ended.extend(done);
    }
    for token in &ended {
        assert_eq!(call(&pair.one, token).await, 401);
        assert_eq!(call(&pair.two, token).await, 401);
    }
    load.end().await;
    pair.stop().await;
}

/// A command alone: no server is there, and one that was killed has left its lease.
#[database_test]
async fn a_command_needs_no_server(database: TestDatabase) {
    let pair = Pair::start(database).await;
    assert_eq!(call(&pair.two, &pair.instance().await.1).await, 404);
    let Pair { site, one, two, .. } = pair;
    one.stop().await;
    two.kill().await;
    for verb in ["disable", "enable"] {
        site.json(&["org", verb, "1"]).await;
    }
    assert_eq!(
        site.count("select count(*) from caller_caches where expires_at > clock_timestamp()")
            .await,
        0,
        "it was waited for"
    );
}
