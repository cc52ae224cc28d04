//! What holds for every endpoint: request ids, error bodies, cross-origin headers, health.

mod bodies;
mod headers;
mod lists;
mod paths;
mod tenancy;

use std::collections::BTreeSet;

use bunsen_test_macros::database_test;
use reqwest::header::HeaderValue;

use crate::answer::{Answer, Findings, is_request_id};
use crate::database::TestDatabase;
use crate::server::TestServer;
use crate::vendors::example;

const EXPOSED: &str = "Elements-Returned-Count, Elements-Total-Count, Elements-Request-Id, Elements-Next-Page-Token, \
                       Elements-Trace-Id, Elements-Error, Content-Disposition";

/// One answer of every sort: what, method, path, with the admin's header, status.
const SORTS: &[(&str, &str, &str, bool, u16)] = &[
    (
        "success",
        "GET",
        "/elements/api-v2/organizations/me",
        true,
        200,
    ),
    ("public", "GET", "/elements/api-v2/elements", false, 200),
    (
        "unauthenticated",
        "GET",
        "/elements/api-v2/instances",
        false,
        401,
    ),
    (
        "unauthenticated hub call",
        "GET",
        "/elements/api-v2/no-such-things",
        false,
        401,
    ),
    ("empty list", "GET", "/elements/api-v2/instances", true, 404),
    (
        "unknown object",
        "GET",
        "/elements/api-v2/instances/999999999",
        true,
        404,
    ),
    (
        "reserved and not there",
        "GET",
        "/elements/api-v2/formulas",
        true,
        404,
    ),
    (
        "wrong verb",
        "POST",
        "/elements/api-v2/organizations/me",
        true,
        405,
    ),
    (
        "bad parameter",
        "GET",
        "/elements/api-v2/instances?pageSize=0",
        true,
        400,
    ),
    ("no body", "POST", "/elements/api-v2/instances", true, 400),
];

fn sort(
    server: &TestServer,
    method: &str,
    path: &str,
    authorized: bool,
) -> reqwest::RequestBuilder {
    let request = server.request(method, path);
    if authorized {
        request.header("authorization", server.admin.header())
    } else {
        request
    }
}

#[database_test]
async fn every_answer_has_a_request_id_of_its_own(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut findings = Findings::default();
    let mut seen = BTreeSet::new();
    for _ in 0..5 {
        for (what, method, path, authorized, status) in SORTS {
            let answer = Answer::of(sort(&server, method, path, *authorized)).await;
            let request_id = answer
                .header("elements-request-id")
                .unwrap_or_default()
                .to_owned();
            findings.check(is_request_id(&request_id), || {
                format!("{what}: no request id: {answer}")
            });
            findings.check(seen.insert(request_id), || {
                format!("{what}: a request id for the second time: {answer}")
            });
            findings.check(
                answer.headers.get_all("elements-request-id").iter().count() == 1,
                || format!("{what}: several request ids: {answer}"),
            );
            match status {
                200 => findings.status(what, &answer, 200),
                status => drop(findings.error(what, &answer, *status)),
            }
        }
    }
    findings.none();
}

/// A request id is ours: a caller cannot choose one that is in use already.
#[database_test]
async fn callers_do_not_choose_the_request_id(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let chosen = "0123456789abcdef01234567";
    let request = server
        .request("GET", "/elements/api-v2/elements")
        .header("elements-request-id", chosen);
    let answer = Answer::of(request).await;
    assert!(
        answer
            .header("elements-request-id")
            .is_some_and(|id| is_request_id(id) && id != chosen),
        "{answer}"
    );
}

#[database_test]
async fn successful_answers_are_json_in_utf8(database: TestDatabase) {
    let server = TestServer::start(database).await;
    for (_, method, path, authorized, status) in SORTS.iter().filter(|(.., status)| *status == 200)
    {
        let answer = Answer::of(sort(&server, method, path, *authorized)).await;
        assert_eq!(answer.status, *status, "{answer}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/json;charset=UTF-8"),
            "{path}"
        );
    }
}

#[database_test]
async fn cross_origin_headers_are_on_every_answer(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut findings = Findings::default();
    let origins = [
        "https://console.vendor.example",
        "http://localhost:3000",
        "null",
        "not a url",
        "*",
        "file://",
    ];
    for origin in origins {
        for (what, method, path, authorized, status) in SORTS {
            let answer =
                Answer::of(sort(&server, method, path, *authorized).header("origin", origin)).await;
            let what = format!("{what}, origin {origin}");
            findings.status(&what, &answer, *status);
            findings.check(
                answer.header("access-control-expose-headers") == Some(EXPOSED),
                || format!("{what}: Access-Control-Expose-Headers is wrong: {answer}"),
            );
            let allowed = answer.header("access-control-allow-origin");
            findings.check(allowed == Some(origin) || allowed == Some("*"), || {
                format!("{what}: Access-Control-Allow-Origin is wrong: {answer}")
            });
            let vary = answer
                .header("vary")
                .unwrap_or_default()
                .to_ascii_lowercase();
            findings.check(allowed == Some("*") || vary.contains("origin"), || {
                format!("{what}: an echoed origin without Vary: Origin: {answer}")
            });
        }
    }
    findings.none();
}

#[database_test]
async fn an_origin_of_odd_bytes_is_answered(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let odd = HeaderValue::from_bytes(b"https://caf\xe9.vendor.example").expect("a header value");
    let answer = server
        .request("GET", "/elements/api-v2/elements")
        .header("origin", odd)
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200);
    let exposed = answer.headers().get("access-control-expose-headers");
    assert_eq!(exposed.map(HeaderValue::as_bytes), Some(EXPOSED.as_bytes()));
}

#[database_test]
async fn preflight_needs_no_authorization(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut findings = Findings::default();
    let paths = [
        "/elements",
        "/instances",
        "/instances/12",
        "/no-such-things",
        "/hubs/helpdesk/no-such-things",
        "/formulas",
        "/users/",
        "//accounts",
    ];
    let wanted_headers = [
        "authorization",
        "content-type",
        "accept",
        "elements-version",
        "elements-async-request",
        "elements-async-callback-url",
        "elements-schedule-request",
        "elements-formula-instance-id",
        "element-instances",
        "elements-user-password",
        "elements-user-newpassword",
        "elements-as-team-member",
    ];
    for path in paths {
        for asked in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let request = server
                .request("OPTIONS", &format!("/elements/api-v2{path}"))
                .header("origin", "https://console.vendor.example")
                .header("access-control-request-method", asked)
                .header(
                    "access-control-request-headers",
                    "authorization,content-type",
                );
            let answer = Answer::of(request).await;
            let what = format!("OPTIONS {path} for {asked}");
            findings.status(&what, &answer, 200);
            let list = |name: &str| -> BTreeSet<String> {
                let value = answer.header(name).unwrap_or_default().to_ascii_lowercase();
                value
                    .split(',')
                    .map(|word| word.trim().to_owned())
                    .collect()
            };
            let methods = list("access-control-allow-methods");
            for method in ["get", "post", "put", "patch", "delete", "options"] {
                findings.check(methods.contains(method), || {
                    format!("{what}: {method} is not allowed: {answer}")
                });
            }
            let headers = list("access-control-allow-headers");
            for header in wanted_headers {
                findings.check(headers.contains(header), || {
                    format!("{what}: {header} is not allowed: {answer}")
                });
            }
            findings.check(
                answer.header("access-control-allow-origin").is_some(),
                || format!("{what}: no allowed origin"),
            );
        }
    }
    findings.none();
}

#[database_test]
async fn health_needs_nothing(database: TestDatabase) {
    let server = TestServer::start(database).await;
    for path in ["/health/live", "/health/ready"] {
        let answer = Answer::of(server.request("GET", path)).await;
        assert_eq!(answer.status, 200, "{path}: {answer}");
        let answer = Answer::of(server.request("HEAD", path)).await;
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (200, ""),
            "HEAD {path}"
        );
        Answer::of(server.request("POST", path)).await.error(405);
    }
    let ready = Answer::of(server.request("GET", "/health/ready"))
        .await
        .json();
    let text = ready.to_string().to_ascii_lowercase();
    assert!(
        text.contains("catalog"),
        "the catalogue's hash is in /health/ready: {ready}"
    );
}

/// Addresses outside the API are answered like everything else.
#[database_test]
async fn unrouted_addresses_have_error_bodies(database: TestDatabase) {
    let server = TestServer::start(database).await;
    for path in [
        "/",
        "/nonsense",
        "/elements",
        "/elements/",
        "/elements/api-v3/instances",
        "/elements/api-v2",
        "/elements/api-v2/",
        "/health",
        "/instances",
    ] {
        let request = server
            .request("GET", path)
            .header("authorization", server.admin.header());
        let answer = Answer::of(request).await;
        assert!([401, 404].contains(&answer.status), "{path}: {answer}");
        answer.error(answer.status);
    }
}

/// HEAD is GET without the body.
#[database_test]
async fn head_is_get_without_body(database: TestDatabase) {
    let server = TestServer::start(database).await;
    server.create(&server.admin, &example()).await;
    for path in [
        "/elements",
        "/elements/keys",
        "/organizations/me",
        "/instances",
        "/accounts",
        "/users",
    ] {
        let path = format!("/elements/api-v2{path}");
        let get = Answer::of(sort(&server, "GET", &path, true)).await;
        let head = Answer::of(sort(&server, "HEAD", &path, true)).await;
        assert_eq!(
            (head.status, head.text.as_str()),
            (get.status, ""),
            "{path}"
        );
        for name in ["content-type", "elements-returned-count"] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
    }
    let refused = Answer::of(sort(&server, "HEAD", "/elements/api-v2/instances", false)).await;
    assert_eq!((refused.status, refused.text.as_str()), (401, ""));
}
