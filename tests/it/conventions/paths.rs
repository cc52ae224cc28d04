//! How paths are read: slashes, percent-encoding, keys and ids, reserved words, sizes.

use bunsen_test_macros::database_test;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::answer::{Answer, Findings};
use crate::database::TestDatabase;
use crate::server::TestServer;
use crate::vendors::{Vendors, element_key, example};

async fn get(server: &TestServer, path: &str) -> Answer {
    let request = server
        .request("GET", &format!("/elements/api-v2{path}"))
        .header("authorization", server.admin.header());
    Answer::of(request).await
}

/// A request exactly as written, for what a careful client would never send.
async fn raw(server: &TestServer, request: &[u8]) -> String {
    let address = server.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    // The server may answer and close before it has read everything.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        answer.extend_from_slice(&buffer[..length]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn raw_status(answer: &str) -> Option<u16> {
    answer.split(' ').nth(1)?.parse().ok()
}

/// The first character as `%xx`.
fn encoded(text: &str) -> String {
    format!("%{:02x}{}", text.as_bytes()[0], &text[1..])
}

#[database_test]
async fn slashes_do_not_matter(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let instance = server.create(&server.admin, &example()).await;
    let key = element_key();
    let mut findings = Findings::default();
    for path in [
        "/elements/keys".to_owned(),
        format!("/elements/{key}"),
        format!("/instances/{}", instance["id"]),
        "/organizations/me".to_owned(),
    ] {
        let plain = get(&server, &path).await.success();
        for form in [
            format!("{path}/"),
            format!("/{path}"),
            path.replace('/', "//"),
            format!("{path}//"),
            format!("//{path}///"),
        ] {
            let answer = get(&server, &form).await;
            findings.check(answer.status == 200 && answer.json() == plain, || {
                format!("{form} must be {path}: {answer}")
            });
        }
    }
    for path in [
        "//elements//api-v2//elements//keys",
        "/elements/api-v2/elements/keys/",
        "/elements//api-v2/elements/keys?pageSize=1",
        "/elements/api-v2/elements/keys/?pageSize=1",
    ] {
        let request = server
            .request("GET", path)
            .header("authorization", server.admin.header());
        let answer = Answer::of(request).await;
        findings.status(path, &answer, 200);
    }
    findings.none();
}

#[database_test]
async fn percent_encoding_is_undone_once_and_after_splitting(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let key = element_key();
    let mut findings = Findings::default();
    let plain = get(&server, &format!("/elements/{key}")).await.success();
    for path in [
        format!("/elements/{}", encoded(&key)),
        format!("/{}/{key}", encoded("elements")),
    ] {
        let answer = get(&server, &path).await;
        findings.check(answer.status == 200 && answer.json() == plain, || {
            format!("{path}: {answer}")
        });
    }
    // Undone twice it would be the key.
    let twice = encoded(&key).replace('%', "%25");
    let answer = get(&server, &format!("/elements/{twice}")).await;
    findings.error("encoded twice", &answer, 404);
    // An encoded slash is part of its segment, so neither of these is the platform's `/elements/keys`.
    let answer = get(&server, "/elements%2Fkeys").await;
    findings.error("an encoded slash between words", &answer, 401);
    let answer = get(&server, &format!("/elements/{key}%2Finstances")).await;
    findings.error("an encoded slash in a key", &answer, 404);
    findings.none();
}

#[database_test]
async fn unreadable_paths_are_the_callers_fault(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut findings = Findings::default();
    for path in [
        "/elements/%FF%FE",
        "/elements/%C0%AF",
        "/elements/%00",
        "/elements/%0d%0aX:%20y",
        "/elements/%",
        "/elements/%zz",
        "/elements/%4",
        "/elements/..%2f..%2fkeys",
    ] {
        let request = format!(
            "GET /elements/api-v2{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\nConnection: close\r\n\r\n",
            server.admin.header()
        );
        let answer = raw(&server, request.as_bytes()).await;
        let status = raw_status(&answer);
        findings.check(matches!(status, Some(400 | 404)), || {
            format!("{path}: 400 or 404 expected: {answer}")
        });
        findings.check(answer.contains("\"requestId\""), || {
            format!("{path}: no error body: {answer}")
        });
        findings.check(!answer.contains("\r\nX: y"), || {
            format!("{path}: a header was smuggled in: {answer}")
        });
    }
    findings.none();
}

#[database_test]
async fn an_element_is_found_by_key_and_by_id(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let key = element_key();
    let by_key = get(&server, &format!("/elements/{key}")).await.success();
    let id = by_key["id"].as_i64().expect("an element's id");
    let by_id = get(&server, &format!("/elements/{id}")).await.success();
    assert_eq!(by_key, by_id);
    assert_eq!(by_key["key"], Value::from(key.as_str()));
    let listed = get(&server, "/elements").await.success();
    let listed = listed.as_array().expect("an array");
    assert!(
        listed
            .iter()
            .any(|element| element["key"] == by_key["key"] && element["id"] == by_key["id"]),
        "{listed:?}"
    );
    let keys = get(&server, "/elements/keys").await.success();
    assert!(
        keys.as_array().expect("an array").contains(&by_key["key"]),
        "{keys}"
    );

    let mut findings = Findings::default();
    for unknown in [
        "999999999999",
        "99999999999999999999999999",
        "0",
        &format!("{key}-nonsense"),
        &key.to_uppercase(),
        "12x",
        "-130",
    ] {
        let answer = get(&server, &format!("/elements/{unknown}")).await;
        findings.error(unknown, &answer, 404);
    }
    findings.none();
}

/// The catalogue is the same with and without authorization while nothing is private.
#[database_test]
async fn the_catalogue_is_public(database: TestDatabase) {
    let server = TestServer::start(database).await;
    for path in [
        "/elements",
        "/elements/keys",
        &format!("/elements/{}", element_key()),
    ] {
        let known = get(&server, path).await.success();
        let stranger = Answer::of(server.request("GET", &format!("/elements/api-v2{path}")))
            .await
            .success();
        assert_eq!(known, stranger, "{path}");
    }
}

/// Reserved first segments are the platform's, there or not; a vendor never sees them.
#[database_test]
async fn reserved_words_are_never_hub_calls(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let instance = server.create(&server.admin, &example()).await;
    let header = server
        .admin
        .with_token(instance["token"].as_str().expect("a token"));
    let vendors = Vendors::of(&server);
    vendors.reset().await;
    let mut findings = Findings::default();
    let words = "instances elements hubs organizations customers authentication docs formulas events usage metrics \
                 audit-logs bulkloader jobs applications models catalog-properties common-resources transformations vdrs \
                 eb-utils notifications signup-partners integrations change-management element-products oauth-proxies lbdocs";
    for word in words.split_whitespace() {
        let mut paths = vec![format!("/{word}/nonsense"), format!("//{word}//nonsense/")];
        if word != "hubs" {
            // Below a hub's name begins the hub call.
            paths.push(format!("/{word}/nonsense/12"));
        }
        for path in paths {
            for method in ["GET", "POST"] {
                let request = server
                    .request(method, &format!("/elements/api-v2{path}"))
                    .header("authorization", &header);
                let answer = Answer::of(request).await;
                let what = format!("{method} {path}");
                // A path that is there may refuse the verb, nothing else.
                let status = if answer.status == 405 && method == "POST" {
                    405
                } else {
                    404
                };
                findings.error(&what, &answer, status);
                findings.check(
                    answer.header("elements-element-instance-id").is_none()
                        && !answer.text.contains("does not support"),
                    || format!("{what} was taken for a hub call: {answer}"),
                );
            }
        }
    }
    findings.check(vendors.calls().await == 0, || {
        "the vendor was called".to_owned()
    });
    findings.none();
}

/// Path words are case-sensitive: this is a bare hub path.
#[database_test]
async fn path_words_are_case_sensitive(database: TestDatabase) {
    let server = TestServer::start(database).await;
    get(&server, "/Instances").await.error(401);
    get(&server, "/ELEMENTS/keys").await.error(401);
}

#[database_test]
async fn enormous_requests_are_refused_and_harm_nobody(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut findings = Findings::default();
    let header = server.admin.header();
    let long = |bytes: usize| "x".repeat(bytes);
    let requests = [
        (
            "a long path",
            format!(
                "GET /elements/api-v2/{} HTTP/1.1\r\nHost: localhost\r\n",
                long(100_000)
            ),
        ),
        (
            "a path of many segments",
            format!(
                "GET /elements/api-v2/{} HTTP/1.1\r\nHost: localhost\r\n",
                "a/".repeat(20_000)
            ),
        ),
        (
            "a path of slashes",
            format!(
                "GET /elements/api-v2/{} HTTP/1.1\r\nHost: localhost\r\n",
                "/".repeat(40_000)
            ),
        ),
        (
            "a long query",
            format!(
                "GET /elements/api-v2/instances?searchText={} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {header}\r\n",
                long(30_000)
            ),
        ),
        (
            "a long authorization",
            format!(
                "GET /elements/api-v2/instances HTTP/1.1\r\nHost: localhost\r\nAuthorization: User {}\r\n",
                long(200_000)
            ),
        ),
        (
            "many pairs",
            format!(
                "GET /elements/api-v2/instances HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n",
                "User a, ".repeat(5_000)
            ),
        ),
        (
            "many commas",
            format!(
                "GET /elements/api-v2/instances HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n",
                ",".repeat(50_000)
            ),
        ),
        (
            "many headers",
            format!(
                "GET /elements/api-v2/instances HTTP/1.1\r\nHost: localhost\r\n{}",
                "X-Filler: y\r\n".repeat(2_000)
            ),
        ),
        (
            "a header of a megabyte",
            format!(
                "GET /elements/api-v2/instances HTTP/1.1\r\nHost: localhost\r\nX-Filler: {}\r\n",
                long(1_000_000)
            ),
        ),
    ];
    for (what, request) in requests {
        let answer = raw(
            &server,
            format!("{request}Connection: close\r\n\r\n").as_bytes(),
        )
        .await;
        // A server may also close without a word while the request is still being written.
        let status = raw_status(&answer);
        findings.check(
            status.is_none_or(|status| (400..500).contains(&status)),
            || format!("{what}: {}", answer.chars().take(300).collect::<String>()),
        );
        findings.status(
            &format!("after {what}"),
            &get(&server, "/organizations/me").await,
            200,
        );
    }
    findings.none();
}
