//! Lists: headers, pages, tokens, and what the platform's small lists show.

use std::collections::BTreeSet;

use bunsen_test_macros::database_test;
use serde_json::Value;

use crate::answer::{Answer, Findings};
use crate::database::TestDatabase;
use crate::server::{Caller, TestServer};
use crate::vendors::{element_key, example_named};

pub async fn get(server: &TestServer, caller: &Caller, path: &str) -> Answer {
    let request = server
        .request("GET", &format!("/elements/api-v2{path}"))
        .header("authorization", caller.header());
    Answer::of(request).await
}

pub fn entries(answer: &Answer) -> Vec<Value> {
    answer
        .success()
        .as_array()
        .expect("a list is an array")
        .clone()
}

/// A token as it has to stand in a query.
fn escaped(token: &str) -> String {
    url::form_urlencoded::byte_serialize(token.as_bytes()).collect()
}

/// Everything, page by page.
async fn walk(server: &TestServer, caller: &Caller, path: &str, page_size: usize) -> Vec<Value> {
    let mut all = Vec::new();
    let mut seen = BTreeSet::new();
    // What the first call of a token walk looks like.
    let mut next = String::new();
    loop {
        let question = if path.contains('?') { '&' } else { '?' };
        let answer = get(
            server,
            caller,
            &format!(
                "{path}{question}pageSize={page_size}&nextPage={}",
                escaped(&next)
            ),
        )
        .await;
        let page = entries(&answer);
        assert!(
            page.len() <= page_size,
            "{path}: more than pageSize: {answer}"
        );
        assert_eq!(
            answer.header("elements-returned-count"),
            Some(page.len().to_string().as_str()),
            "{path}"
        );
        all.extend(page);
        let Some(token) = answer.header("elements-next-page-token") else {
            return all;
        };
        assert!(
            seen.insert(token.to_owned()),
            "{path}: the same token again after {} entries",
            all.len()
        );
        next = token.to_owned();
    }
}

/// The lists that are walked by tokens.
fn paged_lists() -> Vec<String> {
    vec![
        "/instances".to_owned(),
        format!("/elements/{}/instances", element_key()),
        "/instances?searchText=paged".to_owned(),
        "/instances?hydrate=false".to_owned(),
        "/users".to_owned(),
        "/elements/keys".to_owned(),
    ]
}

#[database_test]
async fn a_walk_by_tokens_gives_everything_once(database: TestDatabase) {
    let server = TestServer::start(database).await;
    for number in 0..5 {
        server
            .create(&server.member, &example_named(&format!("paged {number}")))
            .await;
        server
            .create(
                &server.admin,
                &example_named(&format!("paged, of another account {number}")),
            )
            .await;
    }
    for path in paged_lists() {
        let whole_answer = get(&server, &server.member, &path).await;
        let whole = entries(&whole_answer);
        assert_eq!(
            whole_answer.header("elements-next-page-token"),
            None,
            "{path}: everything is on this page"
        );
        assert_eq!(
            whole_answer.header("elements-returned-count"),
            Some(whole.len().to_string().as_str()),
            "{path}"
        );
        if path.contains("instances") {
            assert_eq!(whole.len(), 5, "{path}");
        }
        for page_size in [1, 2, 3, whole.len(), whole.len() + 1] {
            assert_eq!(
                walk(&server, &server.member, &path, page_size).await,
                whole,
                "{path} in pages of {page_size}"
            );
        }
    }
}

#[database_test]
async fn instances_come_in_the_order_of_their_ids(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut created = Vec::new();
    for name in ["c", "a", "b"] {
        created.push(
            server.create(&server.admin, &example_named(name)).await["id"]
                .as_i64()
                .expect("an id"),
        );
    }
    created.sort_unstable();
    let listed: Vec<i64> = entries(&get(&server, &server.admin, "/instances").await)
        .iter()
        .map(|entry| entry["id"].as_i64().expect("an id"))
        .collect();
    assert_eq!(listed, created);
}

#[database_test]
async fn bad_pages_are_400(database: TestDatabase) {
    let server = TestServer::start(database).await;
    server.create(&server.admin, &example_named("one")).await;
    let mut findings = Findings::default();
    for path in [
        "/instances".to_owned(),
        format!("/elements/{}/instances", element_key()),
        "/users".to_owned(),
        "/accounts".to_owned(),
        "/elements/keys".to_owned(),
    ] {
        for query in [
            "pageSize=0",
            "pageSize=-1",
            "pageSize=abc",
            "pageSize=1.5",
            "pageSize=1e3",
            "pageSize=0x10",
            "pageSize=99999999999999999999999",
        ] {
            let what = format!("{path}?{query}");
            let answer = get(&server, &server.admin, &what).await;
            findings.error(&what, &answer, 400);
            findings.check(answer.text.contains("pageSize"), || {
                format!("{what}: the message names pageSize: {answer}")
            });
        }
        if path == "/accounts" {
            continue;
        }
        for token in [
            "nonsense",
            "%00",
            "0",
            "-1",
            "AAAAAAAAAAAAAAAAAAAAAAAA",
            "9223372036854775807",
            "%F0%9F%A6%80",
            "eyJpZCI6MX0=",
        ] {
            let what = format!("{path}?nextPage={token}");
            let answer = get(&server, &server.admin, &what).await;
            findings.error(&what, &answer, 400);
        }
    }
    findings.none();
}

#[database_test]
async fn an_absent_token_has_many_spellings(database: TestDatabase) {
    let server = TestServer::start(database).await;
    server.create(&server.admin, &example_named("one")).await;
    server.create(&server.admin, &example_named("two")).await;
    let first = entries(&get(&server, &server.admin, "/instances?pageSize=1").await);
    for query in [
        "nextPage=",
        "nextPage=null",
        "nextPage=undefined",
        "nextPage",
        "page=1",
        "unknown=parameter",
        "page=1&nextPage=",
    ] {
        let page = entries(
            &get(
                &server,
                &server.admin,
                &format!("/instances?pageSize=1&{query}"),
            )
            .await,
        );
        assert_eq!(page, first, "{query}");
    }
    for query in ["pageSize=", "searchText=", "hydrate=", "tags%5B%5D="] {
        assert_eq!(
            entries(&get(&server, &server.admin, &format!("/instances?{query}")).await).len(),
            2,
            "{query}"
        );
    }
}

#[database_test]
async fn a_large_page_size_is_no_mistake(database: TestDatabase) {
    let server = TestServer::start(database).await;
    server.create(&server.admin, &example_named("one")).await;
    for path in ["/instances", "/users", "/accounts", "/elements/keys"] {
        assert!(
            !entries(&get(&server, &server.admin, &format!("{path}?pageSize=500")).await)
                .is_empty(),
            "{path}"
        );
    }
}

/// A token carries a place in a list, never the right to read it.
#[database_test]
async fn a_token_of_somebody_else_shows_nothing_of_his(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut of_foreign = BTreeSet::new();
    for number in 0..3 {
        server
            .create(&server.member, &example_named(&format!("mine {number}")))
            .await;
        let foreign = server
            .create(
                &server.foreign,
                &example_named(&format!("not yours {number}")),
            )
            .await;
        of_foreign.insert(foreign["id"].as_i64());
    }
    let page = get(&server, &server.foreign, "/instances?pageSize=1").await;
    let token = escaped(
        page.header("elements-next-page-token")
            .expect("a next page"),
    );
    let answer = get(
        &server,
        &server.member,
        &format!("/instances?pageSize=10&nextPage={token}"),
    )
    .await;
    assert!([200, 400, 404].contains(&answer.status), "{answer}");
    if answer.status == 200 {
        for entry in entries(&answer) {
            assert!(
                !of_foreign.contains(&entry["id"].as_i64()),
                "another organization's instance: {entry}"
            );
        }
    }
    // A token of another list has no meaning here.
    let answer = get(
        &server,
        &server.foreign,
        &format!("/users?nextPage={token}"),
    )
    .await;
    assert!([200, 400].contains(&answer.status), "{answer}");
}

/// A list does not change under a token when entries in front of it go away.
#[database_test]
async fn a_walk_survives_deletions(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut ids = Vec::new();
    for number in 0..4 {
        ids.push(
            server
                .create(&server.admin, &example_named(&format!("n{number}")))
                .await["id"]
                .clone(),
        );
    }
    let first = get(&server, &server.admin, "/instances?pageSize=2").await;
    let token = escaped(
        first
            .header("elements-next-page-token")
            .expect("a next page"),
    );
    let request = server
        .request("DELETE", &format!("/elements/api-v2/instances/{}", ids[0]))
        .header("authorization", server.admin.header());
    assert_eq!(Answer::of(request).await.status, 200);
    let second = entries(
        &get(
            &server,
            &server.admin,
            &format!("/instances?pageSize=2&nextPage={token}"),
        )
        .await,
    );
    let got: Vec<_> = second.iter().map(|entry| entry["id"].clone()).collect();
    assert_eq!(got, ids[2..], "neither skipped nor repeated");
}
