//! Who sees and is told what, and the pages of lists.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::server::{Caller, TestOptions, TestServer};

const BASE: &str = "/elements/api-v2/notifications";

async fn call(
    server: &TestServer,
    caller: &Caller,
    (method, path): (&str, &str),
    body: Option<&Value>,
) -> Answer {
    let request = server.request(method, &format!("{BASE}{path}"));
    let request = request.header("authorization", caller.header());
    Answer::of(match body {
        Some(body) => request.json(body),
        None => request,
    })
    .await
}

async fn subscribe(server: &TestServer, caller: &Caller) -> i64 {
    let body = json!({"channel": "webhook", "topics": ["news", "news"],
        "config": {"url": "https://hooks.acorn.example/", "secret": "a secret of our own"}});
    let made = call(server, caller, ("POST", "/subscriptions"), Some(&body)).await;
    let made = made.success();
    assert_eq!(made["topics"], json!(["news"]));
    assert_eq!(made["config"]["secret"], "a secret of our own");
    made["id"].as_i64().expect("an id")
}

async fn tell(server: &TestServer, caller: &Caller) -> i64 {
    let body = json!({"topic": "news", "severity": "medium", "from": "me", "message": "Hear!"});
    let told = call(server, caller, ("POST", ""), Some(&body)).await;
    let told = told.success();
    assert_eq!(
        (&told["severity"], &told["from"], &told["acknowledged"]),
        (&json!("medium"), &json!("me"), &json!(false))
    );
    told["id"].as_i64().expect("an id")
}

fn ids(list: &Value, member: &str) -> Vec<i64> {
    let list = list.as_array().expect("a list").iter();
    list.map(|one| one[member].as_i64().expect("an id"))
        .collect()
}

/// Nothing is delivered, so that it stays as it was written.
async fn quiet(database: TestDatabase) -> TestServer {
    let options = TestOptions {
        renews: false,
        ..TestOptions::default()
    };
    TestServer::start_with(database, options).await
}

#[database_test]
async fn others_see_nothing_and_are_told_nothing(database: TestDatabase) {
    let server = quiet(database).await;
    let callers = [&server.admin, &server.member, &server.foreign];
    let mut subscriptions = Vec::new();
    let mut notifications = Vec::new();
    for caller in callers {
        subscriptions.push(subscribe(&server, caller).await);
    }
    for caller in callers {
        notifications.push(tell(&server, caller).await);
    }
    // An administrator hears of all accounts, everybody else of their own.
    let expected = [
        (0, vec![0], vec![0, 1]),
        (1, vec![1], vec![1]),
        (2, vec![2], vec![2]),
    ];
    for (who, told, sees) in expected {
        let caller = callers[who];
        let listed = call(&server, caller, ("GET", "?topics[]=news"), None).await;
        let count = sees.len().to_string();
        assert_eq!(listed.header("elements-total-count"), Some(count.as_str()));
        let mut seen = ids(&listed.success(), "id");
        seen.reverse();
        let sees: Vec<i64> = sees.iter().map(|index| notifications[*index]).collect();
        assert_eq!(seen, sees, "{who}");
        let listed = call(&server, caller, ("GET", "/subscriptions"), None).await;
        let listed = listed.success();
        let secrets: Vec<&Value> = listed
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| &one["config"]["secret"])
            .collect();
        assert!(secrets.iter().all(|secret| **secret == "********"));
        let mine = ids(&listed, "id");
        assert!(mine.contains(&subscriptions[who]));
        assert_eq!(mine.len(), if who == 0 { 2 } else { 1 }, "{who}");
        let deliveries = call(&server, caller, ("GET", "/subscriptions/deliveries"), None).await;
        let deliveries = deliveries.success();
        let of_mine: Vec<i64> = deliveries
            .as_array()
            .expect("a list")
            .iter()
            .filter(|one| one["subscriptionId"] == subscriptions[who])
            .map(|one| one["notificationId"].as_i64().expect("an id"))
            .collect();
        let mut told: Vec<i64> = told.iter().map(|index| notifications[*index]).collect();
        if who == 0 {
            told.push(notifications[1]);
        }
        told.reverse();
        assert_eq!(of_mine, told, "{who}");
    }
    // By id nobody gets further; a colleague of the same account does.
    for (who, whose) in [(1, 0), (1, 2), (2, 0), (2, 1), (0, 2)] {
        let (notification, subscription) = (notifications[whose], subscriptions[whose]);
        for (method, path) in [
            ("GET", format!("/{notification}")),
            ("PUT", format!("/{notification}/acknowledge")),
            ("GET", format!("/{notification}/subscriptions/deliveries")),
            (
                "GET",
                format!("/{notification}/subscriptions/{subscription}/deliveries"),
            ),
            ("DELETE", format!("/{notification}")),
            ("GET", format!("/subscriptions/{subscription}")),
            ("DELETE", format!("/subscriptions/{subscription}")),
        ] {
            let answer = call(&server, callers[who], (method, &path), None).await;
            answer.error(404);
        }
        let all = "/subscriptions/deliveries?where=status%3D'created'";
        let released = call(&server, callers[who], ("PUT", all), None).await;
        assert!(released.success()["released"].as_u64() <= Some(3));
    }
    let colleague = &server.colleague;
    let path = format!("/{}", notifications[1]);
    call(&server, colleague, ("GET", &path), None)
        .await
        .success();
    let deliveries: Vec<(i64, i64)> = sqlx::query_as(
        "select notification_id, subscription_id from notification_deliveries order by 1, 2",
    )
    .fetch_all(&server.database.pool)
    .await
    .expect("deliveries");
    let [n, s] = [&notifications, &subscriptions];
    assert_eq!(
        deliveries,
        [(n[0], s[0]), (n[1], s[0]), (n[1], s[1]), (n[2], s[2])]
    );
}

#[database_test]
async fn a_notification_is_read_acknowledged_and_deleted(database: TestDatabase) {
    let server = quiet(database).await;
    let admin = &server.admin;
    let subscription = subscribe(&server, admin).await;
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(tell(&server, admin).await);
    }
    all.reverse();
    let told = call(&server, admin, ("GET", ""), None).await.error(400);
    assert!(
        told["message"]
            .as_str()
            .is_some_and(|text| text.contains("topics[]"))
    );
    let none = call(&server, admin, ("GET", "?topics[]=unknown"), None).await;
    assert_eq!(none.success(), json!([]));
    let mut pages = Vec::new();
    let mut token = String::new();
    loop {
        let path = format!("?topics[]=news&topics[]=more&pageSize=2&nextPage={token}");
        let page = call(&server, admin, ("GET", &path), None).await;
        pages.extend(ids(&page.success(), "id"));
        match page.header("elements-next-page-token") {
            Some(next) => next.clone_into(&mut token),
            None => break,
        }
    }
    assert_eq!(pages, all);
    let page = "/subscriptions/deliveries?pageSize=3";
    let page = call(&server, admin, ("GET", page), None).await;
    assert_eq!(ids(&page.success(), "notificationId"), all[..3]);
    let next = page.header("elements-next-page-token").expect("a token");
    let page = format!("/subscriptions/deliveries?pageSize=3&nextPage={next}");
    let page = call(&server, admin, ("GET", &page), None).await;
    assert_eq!(ids(&page.success(), "notificationId"), all[3..]);

    let path = format!("/{}/acknowledge", all[0]);
    for _ in 0..2 {
        let answer = call(&server, admin, ("PUT", &path), None).await;
        assert_eq!(answer.success()["acknowledged"], true);
    }
    let one = format!("/{}", all[0]);
    let deleted = call(&server, admin, ("DELETE", &one), None).await;
    assert_eq!(deleted.status, 200);
    call(&server, admin, ("GET", &one), None).await.error(404);
    call(&server, admin, ("DELETE", &one), None)
        .await
        .error(404);
    let gone = format!("/subscriptions/{subscription}");
    let deleted = call(&server, admin, ("DELETE", &gone), None).await;
    assert_eq!(deleted.status, 200);
    let left: i64 = sqlx::query_scalar("select count(*) from notification_deliveries")
        .fetch_one(&server.database.pool)
        .await
        .expect("a count");
    assert_eq!(left, 0);
    let rows: Vec<(Vec<u8>,)> =
        sqlx::query_as("select secret_sealed from notification_subscriptions")
            .fetch_all(&server.database.pool)
            .await
            .expect("rows");
    assert!(rows.is_empty());
    for path in [
        "/subscriptions/deliveries?where=age%3D1",
        "/subscriptions/deliveries?hydrate=perhaps",
    ] {
        call(&server, admin, ("GET", path), None).await.error(400);
    }
    let release = "/subscriptions/deliveries";
    call(&server, admin, ("PUT", release), None)
        .await
        .error(400);
}

#[database_test]
async fn secrets_are_sealed(database: TestDatabase) {
    let server = quiet(database).await;
    subscribe(&server, &server.admin).await;
    let dumped: String =
        sqlx::query_scalar("select string_agg(s::text, '') from notification_subscriptions s")
            .fetch_one(&server.database.pool)
            .await
            .expect("rows");
    let sealed: Vec<u8> =
        sqlx::query_scalar("select secret_sealed from notification_subscriptions")
            .fetch_one(&server.database.pool)
            .await
            .expect("a row");
    assert!(!dumped.contains("a secret of our own"));
    let plain = b"a secret of our own";
    assert!(sealed.len() > plain.len());
    assert!(!sealed.windows(plain.len()).any(|part| part == plain));
}

/// What callers tell has its bound, and so has what is counted; another organization is not concerned.
#[database_test]
async fn an_organization_keeps_so_many_notifications(database: TestDatabase) {
    let server = quiet(database).await;
    tell(&server, &server.admin).await;
    sqlx::query(
        "insert into notifications (org_id, account_id, topic, severity, sender, message)
         select org_id, account_id, 'full', 'low', '', ''
         from notifications, generate_series(1, 200000)",
    )
    .execute(&server.database.pool)
    .await
    .expect("many");
    let body = json!({"topic": "news", "message": "one more"});
    let refused = call(&server, &server.admin, ("POST", ""), Some(&body)).await;
    let refused = refused.error(409);
    assert!(refused.to_string().contains("200000"), "{refused}");
    let listed = call(&server, &server.admin, ("GET", "?topics[]=full"), None).await;
    assert_eq!(listed.header("elements-total-count"), Some("20000"));
    tell(&server, &server.foreign).await;
}
