//! The page: everything on it, nothing from elsewhere, small.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bunsen_test_macros::database_test;
use ring::digest;

use super::document;
use crate::answer::{Answer, Findings};
use crate::database::TestDatabase;
use crate::server::TestServer;

const LARGEST: usize = 300_000;

/// The texts between `start` and the next `end`.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    let parts = text.split(start).skip(1);
    parts
        .filter_map(|part| Some(part.split_once(end)?.0))
        .collect()
}

#[database_test]
async fn the_page(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let answer = Answer::of(server.request("GET", "/docs/")).await;
    assert_eq!(answer.status, 200);
    let html = &answer.text;
    let mut findings = Findings::default();
    findings.check(html.len() < LARGEST, || format!("{} bytes", html.len()));
    findings.check(
        answer.header("content-type") == Some("text/html; charset=utf-8"),
        || "the type".to_owned(),
    );

    // What the policy allows is the style that is there, and nothing else.
    let styles = between(html, "<style>", "</style>");
    assert_eq!(styles.len(), 1);
    let hash = STANDARD.encode(digest::digest(&digest::SHA256, styles[0].as_bytes()));
    let policy = answer.header("content-security-policy").expect("a policy");
    let expected = format!("default-src 'none'; style-src 'sha256-{hash}'; ");
    findings.check(policy.starts_with(&expected), || policy.to_owned());
    findings.check(!policy.contains("unsafe"), || policy.to_owned());
    for foreign in [
        "<script", "<link", "<img", "<iframe", " style=", " on", "src=", "@import", "url(",
    ] {
        let start = html.find("<body>").expect("a body");
        let tags = between(&html[start..], "<", ">").join("\n");
        let place = if foreign == " on" {
            between(&tags, " on", "=").join(" ")
        } else {
            String::new()
        };
        let found = match foreign {
            " on" => place
                .split(' ')
                .any(|word| word.starts_with("click") || word.starts_with("load")),
            "@import" | "url(" => styles[0].contains(foreign),
            foreign => html.contains(foreign),
        };
        findings.check(!found, || format!("{foreign} on the page"));
    }

    let ids: Vec<&str> = between(html, " id=\"", "\"");
    let known: BTreeSet<&str> = ids.iter().copied().collect();
    findings.check(ids.len() == known.len(), || "an id stands twice".to_owned());
    let targets = between(html, "href=\"", "\"");
    for target in &targets {
        match target.strip_prefix('#') {
            Some(id) => findings.check(known.contains(id), || format!("#{id} leads nowhere")),
            None => findings.check(*target == "/openapi.json", || format!("a link to {target}")),
        }
    }
    let document = document();
    for item in document["paths"].as_object().expect("paths").values() {
        for operation in item.as_object().expect("operations").values() {
            let id = operation["operationId"].as_str().expect("an id");
            findings.check(known.contains(id), || format!("{id} is not on the page"));
        }
    }
    for name in document["components"]["schemas"]
        .as_object()
        .expect("types")
        .keys()
    {
        findings.check(known.contains(format!("type-{name}").as_str()), || {
            format!("{name} is not on the page")
        });
    }
    for section in [
        "authorization",
        "errors",
        "lists-and-paging",
        "sending-a-request-again",
    ] {
        findings.check(known.contains(section), || format!("no section {section}"));
    }
    for tag in [
        "article", "section", "table", "details", "ul", "li", "pre", "p", "div",
    ] {
        let (open, close) = (format!("<{tag}"), format!("</{tag}>"));
        let opened = html
            .match_indices(&open)
            .filter(|(at, _)| html[at + open.len()..].starts_with([' ', '>']));
        let (opened, closed) = (opened.count(), html.matches(&close).count());
        findings.check(opened == closed, || {
            format!("{opened} times {open}, {closed} times {close}")
        });
    }
    findings.none();
}

#[database_test]
async fn the_page_is_sent_once_and_old_links_lead_there(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let first = Answer::of(server.request("GET", "/docs")).await;
    let tag = first.header("etag").expect("a tag");
    let again = server.request("GET", "/docs").header("if-none-match", tag);
    assert_eq!(Answer::of(again).await.status, 304);
    let old = Answer::of(server.request("GET", "/elements/api-docs")).await;
    assert!(old.text.contains("href=\"/docs\""), "{old}");
}
