//! The grammar of the `Authorization` header, over real HTTP.

use bunsen_test_macros::database_test;
use reqwest::header::HeaderValue;

use crate::answer::{Answer, Findings, message, unknown_secret};
use crate::database::TestDatabase;
use crate::server::TestServer;
use crate::vendors::example;

async fn with(server: &TestServer, path: &str, header: &str) -> Answer {
    let request = server
        .request("GET", &format!("/elements/api-v2{path}"))
        .header("authorization", header);
    Answer::of(request).await
}

#[database_test]
async fn platform_headers_in_every_accepted_form(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let (u, o) = (&server.admin.user_secret, &server.admin.organization_secret);
    let mut findings = Findings::default();
    for header in [
        format!("User {u}, Organization {o}"),
        format!("Organization {o}, User {u}"),
        format!("user {u}, organization {o}"),
        format!("USER {u}, ORGANIZATION {o}"),
        format!("uSeR {u}, oRGANIZATION {o}"),
        format!("User {u},Organization {o}"),
        format!("User   {u}  ,  Organization   {o}"),
        format!("User\t{u}\t,\tOrganization \t {o}"),
        format!("User {u}, Organization {o},"),
        format!("User {u}, Organization {o} , "),
        format!("User \"{u}\", Organization \"{o}\""),
        format!("User '{u}', Organization '{o}'"),
        format!("User {u}, Organization \"{o}\""),
        format!("\"User {u}, Organization {o}\""),
        format!("'User {u}, Organization {o}'"),
        format!("User {u}, Organization {o}, Element undefined"),
        format!("User {u}, Organization {o}, Element null"),
        format!("Element undefined, User {u}, Organization {o}"),
        format!("User {u}, Organization {o}, Token undefined"),
    ] {
        let answer = with(&server, "/organizations/me", &header).await;
        findings.status(&without_secrets(&header, &[u, o]), &answer, 200);
    }
    findings.none();
}

#[database_test]
async fn platform_headers_that_are_refused(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let (u, o) = (&server.admin.user_secret, &server.admin.organization_secret);
    let mut findings = Findings::default();
    for header in [
        String::new(),
        ",".to_owned(),
        format!("User {u}"),
        format!("Organization {o}"),
        format!("User {u} Organization {o}"),
        format!("User {u}; Organization {o}"),
        format!("User={u}, Organization={o}"),
        format!("User: {u}, Organization: {o}"),
        format!("User{u}, Organization{o}"),
        format!("User , Organization {o}"),
        format!("User, Organization {o}"),
        format!("User \"\", Organization {o}"),
        format!("User {u}, Organization"),
        format!("User {u}, User {u}, Organization {o}"),
        format!("User {u}, Organization {o}, Organization {o}"),
        format!("User {u}, Organization {o}, user {u}"),
        format!("User {u}, Organization {o}, Account 12"),
        format!("User {u}, Organization {o}, nonsense"),
        format!("User {u}, Organization {o}, Element"),
        format!("User {u}, Organization {o}, Element undefined, Token undefined"),
        format!("User <{u}>, Organization <{o}>"),
        format!("User ({u}), Organization {o}"),
        format!("User \"{u}, Organization {o}"),
        format!("User {u}x, Organization {o}"),
        format!("User x{u}, Organization {o}"),
        format!("User {u}, Organization {}", o.to_uppercase()),
        format!("User {}, Organization {o}", u.replace('=', "%3D")),
        format!("User {}, Organization {o}", u.trim_end_matches('=')),
        format!("User {o}, Organization {u}"),
        format!("Bearer {u}"),
        format!("Bearer {u}, Organization {o}"),
        format!("Basic {u}"),
        format!("User {u} {u}, Organization {o}"),
    ] {
        let answer = with(&server, "/organizations/me", &header).await;
        let what = without_secrets(&header, &[u, o]);
        if let Some(error) = findings.error(&what, &answer, 401) {
            let text = message(&error);
            findings.check(
                !text.contains(u.as_str()) && !text.contains(o.as_str()),
                || format!("{what}: the message shows a secret"),
            );
        }
    }
    findings.none();
}

/// A test's report shows the form, not the secrets.
fn without_secrets(header: &str, secrets: &[&String]) -> String {
    secrets.iter().fold(header.to_owned(), |text, secret| {
        text.replace(secret.as_str(), "…")
    })
}

#[database_test]
async fn odd_bytes_in_the_header_are_401(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let good = server.admin.header().into_bytes();
    for bytes in [
        b"\xff\xfe".to_vec(),
        [good.clone(), b"\xe9".to_vec()].concat(),
        [b"\xef\xbb\xbf".to_vec(), good].concat(),
    ] {
        let value = HeaderValue::from_bytes(&bytes).expect("a header value");
        let request = server
            .request("GET", "/elements/api-v2/organizations/me")
            .header("authorization", value);
        Answer::of(request).await.error(401);
    }
}

/// Two headers could be read as either; neither is believed, above all not the second alone.
#[database_test]
async fn two_headers_do_not_add_up(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let user = format!("User {}", server.admin.user_secret);
    let organization = format!("Organization {}", server.admin.organization_secret);
    let request = server
        .request("GET", "/elements/api-v2/organizations/me")
        .header("authorization", "nonsense")
        .header("authorization", format!("{user}, {organization}"));
    Answer::of(request).await.error(401);
}

#[database_test]
async fn hub_headers_in_every_accepted_form(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let instance = server.create(&server.admin, &example()).await;
    let (u, o) = (&server.admin.user_secret, &server.admin.organization_secret);
    let t = &instance["token"].as_str().expect("a token").to_owned();
    let mut findings = Findings::default();
    for header in [
        format!("User {u}, Element {t}"),
        format!("User {u}, Organization {o}, Element {t}"),
        format!("Element {t}, User {u}"),
        format!("Element {t}, User {u}, Organization {o}"),
        format!("Organization {o}, Element {t}, User {u}"),
        format!("User {u}, Token {t}"),
        format!("Token {t}, User {u}, Organization {o}"),
        format!("element {t},user {u}"),
        format!("token \"{t}\", user '{u}',"),
    ] {
        // Known, so the question is only whether there is such a resource.
        let answer = with(&server, "/no-such-things", &header).await;
        findings.error(&without_secrets(&header, &[u, o, t]), &answer, 404);
    }
    for header in [
        format!("Element {t}"),
        format!("Token {t}"),
        format!("Organization {o}, Element {t}"),
        format!("User {u}, Organization {o}"),
        format!("User {u}, Element {t}, Token {t}"),
        format!("User {u}, Element {t}, Element {t}"),
        format!("User {u}, Element <{t}>"),
        format!("User {u}, Element {}", unknown_secret()),
        format!("User {u}, Element {u}"),
        format!("User {t}, Element {t}"),
        format!("User {t}, Element {u}"),
        format!("User {u}, Element undefined"),
        format!("User {u}, Element null"),
        format!("User {u}, Organization {u}, Element {t}"),
    ] {
        let answer = with(&server, "/no-such-things", &header).await;
        findings.error(&without_secrets(&header, &[u, o, t]), &answer, 401);
    }
    findings.none();
}
