//! Which host gets what.

use bunsen_sandbox::Settings;
use http::Method;
use serde_json::json;

use crate::client::{ME, SAMPLE, start, start_with};

#[tokio::test]
async fn the_host_header_chooses_the_vendor_whatever_its_form() {
    let sandbox = start().await;
    for host in [
        "sample.freshdesk.com",
        "SAMPLE.Freshdesk.com:443",
        "sample.freshdesk.com.",
    ] {
        let call = sandbox
            .call(Method::GET, host, ME)
            .basic("sandbox-freshdesk-key", "X");
        assert_eq!(call.answer().await.status, 200, "{host}");
    }
    let absolute = b"GET http://sample.freshdesk.com/api/v2/agents/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert!(sandbox.raw(absolute).await.starts_with(b"HTTP/1.1 401 "));
}

#[tokio::test]
async fn an_unknown_host_is_told_which_ones_are_known() {
    let sandbox = start().await;
    for path in [
        "/",
        ME,
        "/_control/health",
        "/_control/state",
        "/_host/sample.freshdesk.com/",
    ] {
        let reply = sandbox
            .call(Method::GET, "api.vendor.example", path)
            .answer()
            .await;
        assert_eq!(reply.status, 421, "{path}");
        let body = reply.json();
        assert_eq!(body["hosts"][0], "*.freshdesk.com");
        assert!(
            body["message"]
                .as_str()
                .is_some_and(|text| text.contains("api.vendor.example"))
        );
    }
    let none = sandbox
        .raw(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        .await;
    assert!(none.starts_with(b"HTTP/1.1 400 "));
}

#[tokio::test]
async fn a_vendor_host_never_reaches_the_control_calls() {
    let sandbox = start().await;
    for path in [
        "/_control/reset",
        "/_control/faults",
        "/_host/sample.freshdesk.com/_control/reset",
    ] {
        let reply = sandbox.admin(Method::POST, path).answer().await;
        assert_eq!(
            (reply.status.as_u16(), reply.body.len()),
            (404, 0),
            "{path}"
        );
    }
    let own = sandbox.address.to_string();
    let hidden = sandbox.call(
        Method::POST,
        &own,
        "/_host/sample.freshdesk.com/_control/reset",
    );
    assert_eq!(hidden.answer().await.body.len(), 0);
}

#[tokio::test]
async fn browsers_name_the_vendor_host_in_the_path() {
    let sandbox = start().await;
    let own = sandbox.address.to_string();
    let call = sandbox.call(Method::GET, &own, &format!("/_host/{SAMPLE}{ME}?x=1"));
    let reply = call.basic("sandbox-freshdesk-key", "X").answer().await;
    assert_eq!(reply.json()["errors"][0]["field"], "x");
    let journal = sandbox
        .control(Method::GET, "journal", json!(null))
        .await
        .json();
    let call = &journal["calls"][0];
    assert_eq!(
        (&call["host"], &call["path"], &call["query"]),
        (&json!(SAMPLE), &json!(ME), &json!("x=1"))
    );
    let unknown = sandbox
        .call(Method::GET, &own, "/_host/api.vendor.example/x")
        .answer()
        .await;
    assert_eq!(
        (unknown.status.as_u16(), &unknown.json()["hosts"][0]),
        (404, &json!("*.freshdesk.com"))
    );
    let root = sandbox.call(Method::GET, &own, "/").answer().await;
    assert_eq!(root.status, 404);
    assert!(
        root.json()["message"]
            .as_str()
            .is_some_and(|text| text.contains("/_control/"))
    );
}

#[tokio::test]
async fn own_names_with_a_dot_must_be_given() {
    let settings = Settings {
        own_hosts: vec![String::from("sandbox.example")],
        ..Settings::default()
    };
    let sandbox = start_with(settings).await;
    for (host, status) in [
        ("sandbox.example:8090", 200),
        ("localhost", 200),
        ("sandbox", 200),
        ("other.example", 421),
    ] {
        let reply = sandbox
            .call(Method::GET, host, "/_control/health")
            .answer()
            .await;
        assert_eq!(reply.status, status, "{host}");
    }
}
