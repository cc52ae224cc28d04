//! One line per request, with what an operator needs and nothing that is secret.

use bunsen_test_macros::database_test;
use serde_json::Value;

use super::Site;
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::process::written;
use crate::vendors::{client, example};

fn access_lines(log: &str) -> Vec<Value> {
    log.lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("no JSON: {line}"))
        })
        .filter(|line| line["target"] == "access")
        .collect()
}

#[database_test]
async fn each_request_is_one_line(database: TestDatabase) {
    let site = Site::new(database).await;
    let arguments = ["--log-json", "--trusted-proxy", "127.0.0.1"];
    let server = site.serve("one", &arguments).await;
    let authorization = server.authorization();
    let created = server.create(&authorization, &example()).await;
    let read = server
        .request(
            "GET",
            &format!("/instances/{}?marked=query", created["id"]),
            &authorization,
        )
        .header("x-forwarded-for", "203.0.113.9");
    let read = Answer::of(read).await;
    let me = Answer::of(server.request("GET", "/organizations/me", &authorization)).await;
    let organization = me.success()["id"].clone();
    Answer::of(server.request("GET", "/marked-path", "User marked, Organization marked"))
        .await
        .error(401);
    // Probes come every few seconds for ever.
    for path in ["/health/live", "/health/ready", "/metrics"] {
        client()
            .get(format!("{}{path}", server.url))
            .send()
            .await
            .expect("an answer");
    }
    let secrets = server.credentials();
    let output = server.stop().await;
    let log = String::from_utf8(output.stderr.clone()).expect("text");
    let lines = access_lines(&log);
    assert_eq!(lines.len(), 4, "{log}");

    let line = &lines[1];
    assert_eq!(line["method"], "GET");
    assert_eq!(line["route"], "/elements/api-v2/instances/{id}");
    assert_eq!(line["status"], 200);
    assert!(
        line["duration_ms"]
            .as_f64()
            .is_some_and(|taken| taken > 0.0)
    );
    assert_eq!(line["client"], "203.0.113.9");
    assert_eq!(
        line["span"]["id"].as_str(),
        read.header("elements-request-id")
    );
    assert_eq!(line["span"]["org.id"], organization);
    assert_eq!(
        (&lines[3]["status"], &lines[3]["route"]),
        (&401.into(), &"-".into())
    );
    assert!(lines[3]["span"]["org.id"].is_null());

    let token = created["token"].as_str().expect("a token");
    let secret = |pointer: &str| {
        secrets
            .pointer(pointer)
            .and_then(Value::as_str)
            .expect("one")
    };
    for hidden in [
        token,
        secret("/user/secret"),
        secret("/organization/secret"),
        secret("/user/password"),
        "marked",
    ] {
        assert!(!written(&output).contains(hidden), "{hidden} was written");
    }
}

#[database_test]
async fn the_lines_have_a_filter_of_their_own(database: TestDatabase) {
    let site = Site::new(database).await;
    let server = site.serve("one", &["--log", "info,access=warn"]).await;
    let me = server.request("GET", "/organizations/me", &server.authorization());
    Answer::of(me).await.success();
    let output = server.stop().await;
    assert!(
        !written(&output).contains("answered"),
        "{}",
        written(&output)
    );
    assert!(
        written(&output).contains("stopping"),
        "{}",
        written(&output)
    );
}

#[database_test]
async fn a_path_that_is_no_text_is_told_so(database: TestDatabase) {
    let site = Site::new(database).await;
    let server = site.serve("one", &[]).await;
    for path in ["/instances/%FF", "/elements/%C3", "/%FF", "/users/a%FFb"] {
        let request = server.request("GET", path, &server.authorization());
        let error = Answer::of(request).await.error(400);
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains("UTF-8"), "{path}: {message}");
    }
    server.stop().await;
}
