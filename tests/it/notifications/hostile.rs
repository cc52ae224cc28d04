//! Addresses that must not be called, and everything else that is wrong with a subscription.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{Told, call};
use crate::answer::{Answer, Findings, message};
use crate::database::TestDatabase;
use crate::server::{Caller, TestServer};

const PATH: &str = "/elements/api-v2/notifications/subscriptions";

async fn post(server: &TestServer, caller: &Caller, path: &str, body: &Value) -> Answer {
    let request = server.request("POST", path);
    let request = request.header("authorization", caller.header());
    Answer::of(request.json(body)).await
}

#[database_test]
async fn hostile_addresses_are_refused(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let text = include_str!("../../corpus/hostile-urls.json");
    let cases: Vec<[String; 3]> = serde_json::from_str(text).expect("cases");
    let mut findings = Findings::default();
    let mut refused = 0;
    for [_, why, url] in cases.iter().filter(|[rule, ..]| rule == "public") {
        let url = url.replace("PORT", "8443");
        let config = json!({"url": url});
        let body = json!({"channel": "webhook", "topics": ["a"], "config": config});
        let answer = post(&server, &server.member, PATH, &body).await;
        if let Some(told) = findings.error(&format!("{why}: {url}"), &answer, 400) {
            let told = message(&told);
            findings.check(told.starts_with("'config.url'"), || {
                format!("{url}: {told}")
            });
            refused += 1;
        }
    }
    findings.none();
    assert!(refused > 60, "{refused}");
}

/// An operator's word for one organization's receivers, and for nothing else.
#[database_test]
async fn private_receivers_need_a_grant(database: TestDatabase) {
    let told = Told::new(database).await;
    let server = told.serve("one").await;
    let config = json!({"url": "https://hooks.corp:8443/told"});
    let body = json!({"channel": "webhook", "topics": ["a"], "config": config});
    let path = "/notifications/subscriptions";
    let refused = call(&server, "POST", path, Some(&body)).await.error(400);
    assert!(message(&refused).contains("local use"), "{refused}");
    let organization = call(&server, "GET", "/organizations/me", None).await;
    let organization = organization.success()["id"].to_string();
    let to = ["--organization", &organization, "hooks.corp:8443"];
    let element = crate::vendors::element_key();
    let of_element = ["grant", "add", "--element", &element];
    told.site.succeed(&[&of_element[..], &to].concat()).await;
    call(&server, "POST", path, Some(&body)).await.error(400);
    let of_receivers = ["grant", "add", "--element", "/notifications"];
    told.site.succeed(&[&of_receivers[..], &to].concat()).await;
    call(&server, "POST", path, Some(&body)).await.success();
    let unknown = ["grant", "add", "--element", "/nothing"];
    let unknown = told.site.refused(&[&unknown[..], &to].concat()).await;
    assert!(unknown.contains("no element '/nothing'"), "{unknown}");
    server.stop().await;
}

#[database_test]
async fn what_is_wrong_is_named(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let url = "https://hooks.acorn.example/";
    let right = json!({"channel": "webhook", "topics": ["a"], "config": {"url": url}});
    let with = |member: &str, value: Value| {
        let mut body = right.clone();
        body[member] = value;
        body
    };
    let many: Vec<String> = (0..51).map(|number| format!("t{number}")).collect();
    let cases = [
        (json!({}), "'channel' is missing"),
        (with("channel", json!("email")), "does not send by 'email'"),
        (with("channel", json!("sms")), "does not send by 'sms'"),
        (with("channel", json!("push")), "use 'webhook'"),
        (with("channel", json!("pigeon")), "there is no 'pigeon'"),
        (with("topics", json!([])), "'topics' must be a list of 1"),
        (with("topics", json!(many)), "of 1 to 50"),
        (with("topics", json!(["a", " "])), "'topics[1]'"),
        (with("topics", json!(["a\u{0}"])), "'topics[0]'"),
        (with("topics", json!("a")), "'topics' must be"),
        (with("config", json!({})), "'config.url' is missing"),
        (with("config", json!(null)), "'config.url' is missing"),
        (
            with("config", json!({"url": "acorn.example"})),
            "'config.url'",
        ),
        (
            with(
                "config",
                json!({"url": format!("{url}{}", "a".repeat(2000))}),
            ),
            "longer than 2000 bytes",
        ),
        (
            with("config", json!({"url": url, "secret": "********"})),
            "'config.secret' must have 16 to 256",
        ),
        (
            with("config", json!({"url": url, "secret": "a".repeat(257)})),
            "leave it out",
        ),
    ];
    for (body, part) in &cases {
        let told = post(&server, &server.admin, PATH, body).await.error(400);
        assert!(message(&told).contains(part), "{body}: {told}");
    }
    let notifications = "/elements/api-v2/notifications";
    let with = |member: &str, value: Value| {
        let mut body = json!({"topic": "a"});
        body[member] = value;
        body
    };
    for (body, part) in [
        (json!({"message": "of nothing"}), "'topic' must be"),
        (
            with("topic", json!("instance.needs_owner")),
            "only the server",
        ),
        (with("severity", json!("huge")), "low, medium or high"),
        (with("from", json!("a".repeat(101))), "'from'"),
        (with("message", json!("a".repeat(10_001))), "'message'"),
        (
            with("message", json!({"a": 1})),
            "'message' must be a string",
        ),
    ] {
        let answer = post(&server, &server.admin, notifications, &body).await;
        let told = answer.error(400);
        assert!(message(&told).contains(part), "{body}: {told}");
    }
    let stored: i64 = sqlx::query_scalar(
        "select (select count(*) from notification_subscriptions) + count(*) from notifications",
    )
    .fetch_one(&server.database.pool)
    .await
    .expect("a count");
    assert_eq!(stored, 0);
}

#[database_test]
async fn there_are_only_so_many_of_them(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let body = json!({"channel": "webhook", "topics": ["a"],
                      "config": {"url": "https://hooks.acorn.example/"}});
    for _ in 0..20 {
        post(&server, &server.member, PATH, &body).await.success();
    }
    let told = post(&server, &server.colleague, PATH, &body)
        .await
        .error(409);
    assert!(message(&told).contains("20 of an account"), "{told}");
    post(&server, &server.admin, PATH, &body).await.success();
    let fill = "insert into notification_subscriptions
                    (org_id, row_id, account_id, all_accounts, channel, topics, url, secret_sealed)
                select $1, gen_random_uuid(), $2, false, 'webhook', '{a}', 'https://a.example/', ''
                from generate_series(1, 179)";
    sqlx::query(fill)
        .bind(server.member.organization_id)
        .bind(server.member.account_id)
        .execute(&server.database.pool)
        .await
        .expect("many");
    let told = post(&server, &server.admin, PATH, &body).await.error(409);
    assert!(message(&told).contains("200 of an organization"), "{told}");
    post(&server, &server.foreign, PATH, &body).await.success();
}
