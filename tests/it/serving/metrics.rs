//! `/metrics`: what is counted, and that callers cannot make more of it.

use std::collections::BTreeSet;

use bunsen_test_macros::database_test;
use reqwest::Method;
use serde_json::json;

use super::{Site, figure, figures};
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::vendors::{client, element_key, example, until};

/// Names of all series with their labels, without values.
fn series(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(series, _)| series.to_owned())
        .collect()
}

#[database_test]
async fn what_happens_is_counted(database: TestDatabase) {
    let site = Site::new(database).await;
    let server = site.serve("one", &[]).await;
    let authorization = server.authorization();
    let created = server.create(&authorization, &example()).await;
    let id = created["id"].to_string();
    for _ in 0..3 {
        let read = server.request("GET", &format!("/instances/{id}"), &authorization);
        Answer::of(read).await.success();
    }
    Answer::of(server.request("GET", "/instances", "User x, Organization y"))
        .await
        .error(401);
    for number in 0..11 {
        let body = json!({"username": "nobody@x.example", "password": "wrong"});
        let log_in = server.request("POST", "/authentication", "").json(&body);
        let expected = if number < 10 { 401 } else { 429 };
        Answer::of(log_in).await.error(expected);
    }
    let text = figures(&server.url).await;

    let requests = |method: &str, route: &str, status: &str| {
        let series = format!(
            "bunsen_http_requests_total{{method=\"{method}\",route=\"/elements/api-v2{route}\",status=\"{status}\"}}"
        );
        figure(&text, &series)
    };
    assert_eq!(requests("POST", "/instances", "2xx"), 1.0);
    assert_eq!(requests("GET", "/instances/{id}", "2xx"), 3.0);
    assert_eq!(requests("GET", "/instances", "4xx"), 1.0);
    assert_eq!(requests("POST", "/authentication", "4xx"), 11.0);
    let buckets = "bunsen_http_request_duration_seconds_bucket{method=\"GET\",route=\"/elements/api-v2/instances/{id}\",le=";
    assert_eq!(figure(&text, &format!("{buckets}\"+Inf\"}}")), 3.0);
    let calls = format!(
        "bunsen_vendor_calls_total{{element=\"{}\",outcome=\"2xx\"}}",
        element_key()
    );
    assert!(figure(&text, &calls) >= 1.0);
    assert_eq!(
        figure(&text, "bunsen_log_in_refusals_total{limit=\"account\"}"),
        1.0
    );
    assert!(figure(&text, "bunsen_http_requests_in_flight") >= 1.0);
    assert!(figure(&text, "bunsen_tasks_in_flight") >= 1.0);
    assert!(figure(&text, "bunsen_connections_open") >= 1.0);
    assert!(figure(&text, "bunsen_database_connections_open") >= 1.0);
    assert_eq!(figure(&text, "bunsen_database_connections_allowed"), 16.0);
    // What the server does by itself may wait for a moment.
    until("nobody waits for the database", async || {
        figure(&figures(&server.url).await, "bunsen_database_waiting") == 0.0
    })
    .await;
    assert_eq!(figure(&text, "bunsen_ready"), 1.0);
    assert!(text.contains("bunsen_build_info{version=\""), "{text}");
    assert!(text.contains("bunsen_catalogue_info{sha256=\""), "{text}");
    #[cfg(target_os = "linux")]
    {
        assert!(figure(&text, "process_resident_memory_bytes") > 1e6);
        assert!(figure(&text, "process_cpu_seconds_total") > 0.0);
        assert!(figure(&text, "process_open_fds") > 3.0);
        assert!(figure(&text, "process_start_time_seconds") > 1.6e9);
    }
    // Whoever may read this must not learn whose data is here.
    let token = created["token"].as_str().expect("a token");
    for private in [token, "nobody@", "127.0.0.1", site.vendors.url.as_str()] {
        assert!(!text.contains(private), "{private} in\n{text}");
    }
    server.stop().await;
}

#[database_test]
async fn callers_make_no_series(database: TestDatabase) {
    let site = Site::new(database).await;
    let server = site.serve("one", &[]).await;
    let client = client();
    let send = async |method: &str, path: &str| {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let request = client.request(method, format!("{}{path}", server.url));
        let _ = request.header("host", "chosen.example").send().await;
    };
    let round = async |name: &str| {
        for path in [
            format!("/{name}"),
            format!("/elements/api-v2/{name}"),
            format!("/elements/api-v2/hubs/{name}/{name}"),
            format!("/elements/api-v2/instances/{name}"),
            format!("/elements/api-v2/elements/{name}"),
            format!("/elements/{name}"),
            format!("/elements/api-v2/{name}%22%7D%0Ax%FF"),
        ] {
            for method in ["GET", "DELETE", name] {
                send(method, &path).await;
            }
        }
        series(&figures(&server.url).await)
    };
    // The scrape itself counts from the second on.
    figures(&server.url).await;
    let before = round("FIRST").await;
    for name in ["SECOND", "THIRD", "FOURTH"] {
        let after = round(name).await;
        let new: Vec<_> = after.difference(&before).collect();
        assert!(new.is_empty(), "{new:?}");
    }
    assert!(
        before
            .iter()
            .any(|series| series.contains("method=\"other\""))
    );
    assert!(before.iter().any(|series| series.contains("route=\"-\"")));
    assert!(!before.iter().any(|series| series.contains("FIRST")));
    server.stop().await;
}

#[database_test]
async fn figures_can_have_a_port_of_their_own(database: TestDatabase) {
    let site = Site::new(database).await;
    let server = site
        .serve("one", &["--metrics-listen", "127.0.0.1:0"])
        .await;
    let answer = client().get(format!("{}/metrics", server.url));
    Answer::of(answer).await.error(404);
    let log = server.log();
    let line = log
        .lines()
        .find(|line| line.contains("metrics are answered apart"))
        .expect("the log names the address");
    let (_, address) = line.split_once("address=").expect("an address");
    let apart = format!("http://{}", address.trim());
    assert_eq!(figure(&figures(&apart).await, "bunsen_ready"), 1.0);
    // Nothing else is there, whoever asks.
    let authorization = server.authorization();
    for path in [
        "/elements/api-v2/instances",
        "/elements/api-v2/contacts",
        "/health/ready",
        "/",
    ] {
        let request = client().get(format!("{apart}{path}"));
        Answer::of(request.header("authorization", &authorization))
            .await
            .error(404);
    }
    server.stop().await;
}
