//! TLS of our own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bunsen_test_macros::database_test;
use http::Version;
use rcgen::date_time_ymd;
use rustix::process::Signal;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::certificates::{Authority, HOST, address, named_url, trusting, write};
use super::{Site, figure};
use crate::database::TestDatabase;
use crate::process::{Server, run, written};
use crate::vendors::{example, until};

async fn serve_tls(site: &Site, authority: &Authority) -> Server {
    let (certificate, key) = (site.folder.path("tls.crt"), site.folder.path("tls.key"));
    write(&certificate, &key, &authority.issue(HOST, |_| ()));
    let (certificate, key) = (site.folder.text("tls.crt"), site.folder.text("tls.key"));
    site.serve("one", &["--tls-cert", &certificate, "--tls-key", &key])
        .await
}

async fn ready(client: reqwest::Client, server: &Server) -> reqwest::Result<Version> {
    let url = format!("{}/health/ready", named_url(server));
    let answer = client.get(url).send().await?.error_for_status()?;
    Ok(answer.version())
}

#[database_test]
async fn both_versions_of_http_are_spoken(database: TestDatabase) {
    let site = Site::new(database).await;
    let authority = Authority::new();
    let server = serve_tls(&site, &authority).await;
    assert!(server.url.starts_with("https://"), "{}", server.url);
    let base_url = &server.credentials()["baseUrl"];
    assert_eq!(*base_url, json!(server.url));

    let two = authority.client(&server).build().expect("a client");
    let one = authority
        .client(&server)
        .http1_only()
        .build()
        .expect("a client");
    for (client, version) in [(&two, Version::HTTP_2), (&one, Version::HTTP_11)] {
        let instances = format!("{}/elements/api-v2/instances", named_url(&server));
        let request = client.post(&instances).json(&example());
        let created = request
            .header("authorization", server.authorization())
            .send()
            .await
            .expect("an answer");
        assert_eq!(
            (created.status().as_u16(), created.version()),
            (200, version)
        );
        // Too large is said also to those who send on, in both versions.
        let large = client.post(&instances).body(vec![b' '; 3 << 20]);
        let refused = large
            .header("authorization", server.authorization())
            .header("content-type", "application/json")
            .send()
            .await
            .expect("an answer");
        assert_eq!(refused.status(), 413);
        let form = client
            .post(format!(
                "{}/elements/j_spring_security_check",
                named_url(&server)
            ))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form(&server));
        let answer = form.send().await.expect("an answer");
        let cookie = answer.headers()["set-cookie"].to_str().expect("a cookie");
        assert!(cookie.ends_with("; Secure"), "{cookie}");
    }
    let metrics = two
        .get(format!("{}/metrics", named_url(&server)))
        .send()
        .await;
    let metrics = metrics.expect("an answer").text().await.expect("text");
    assert!(figure(&metrics, "bunsen_tls_certificate_end_seconds") > 1.7e9);

    // Who speaks no TLS, or does not trust us, disturbs nobody.
    let mut plain = TcpStream::connect(address(&server))
        .await
        .expect("connected");
    plain
        .write_all(b"GET / HTTP/1.1\r\n\r\n")
        .await
        .expect("written");
    let mut nothing = Vec::new();
    let _ = plain.read_to_end(&mut nothing).await;
    assert!(!nothing.starts_with(b"HTTP"), "{nothing:?}");
    let stranger = Authority::new().client(&server).build().expect("a client");
    ready(stranger, &server)
        .await
        .expect_err("a stranger's authority");
    ready(two, &server).await.expect("ready");
    assert!(!server.log().contains("plain http"));
    server.stop().await;
}

fn form(server: &Server) -> String {
    let user = &server.credentials()["user"];
    let text = |name: &str| user[name].as_str().expect("a text").to_owned();
    url::form_urlencoded::Serializer::new(String::new())
        .append_pair("j_username", &text("email"))
        .append_pair("j_password", &text("password"))
        .finish()
}

#[database_test]
async fn keys_of_every_kind_are_read(database: TestDatabase) {
    let site = Site::new(database).await;
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/tls");
    for kind in ["rsa", "ec"] {
        let (certificate, key) = (
            format!("{fixtures}/{kind}.crt"),
            site.folder.text(&format!("{kind}.key")),
        );
        fs::copy(format!("{fixtures}/{kind}.key"), &key).expect("copied");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("a mode");
        let server = site
            .serve(kind, &["--tls-cert", &certificate, "--tls-key", &key])
            .await;
        let pem = fs::read_to_string(&certificate).expect("PEM");
        let client = trusting(&pem, &server).build().expect("a client");
        ready(client, &server).await.expect("ready");
        assert!(server.log().contains("chmod"), "{}", server.log());
        // The container's own question, which trusts nobody's certificate.
        let asked = run(&["health", "--url", &server.url]).await;
        assert!(asked.status.success(), "{}", written(&asked));
        server.stop().await;
    }
    let text = |name: &str| format!("{fixtures}/{name}");
    for (certificate, key, flag, what) in [
        ("rsa.crt", "ec.key", "--tls-key", "does not belong"),
        ("ec.crt", "encrypted.key", "--tls-key", "not encrypted"),
        ("ec.crt", "ec.crt", "--tls-key", "no private key"),
        ("ec.key", "ec.key", "--tls-cert", "no certificate"),
        ("none.crt", "ec.key", "--tls-cert", "none.crt"),
        ("ec.crt", "none.key", "--tls-key", "none.key"),
    ] {
        let said = site
            .refused(&["--tls-cert", &text(certificate), "--tls-key", &text(key)])
            .await;
        assert!(said.contains(flag) && said.contains(what), "{said}");
    }
    let half = site.refused(&["--tls-cert", &text("ec.crt")]).await;
    assert!(half.contains("--tls-key"), "{half}");
}

#[database_test]
async fn an_expired_certificate_is_served_with_a_warning(database: TestDatabase) {
    let site = Site::new(database).await;
    let authority = Authority::new();
    let (certificate, key) = (site.folder.text("old.crt"), site.folder.text("old.key"));
    let expired = authority.issue(HOST, |parameters| {
        parameters.not_before = date_time_ymd(2020, 1, 1);
        parameters.not_after = date_time_ymd(2021, 1, 1);
    });
    write(certificate.as_ref(), key.as_ref(), &expired);
    let server = site
        .serve("one", &["--tls-cert", &certificate, "--tls-key", &key])
        .await;
    assert!(server.log().contains("has expired"), "{}", server.log());
    server.stop().await;
}

/// Callers with connections that stay and callers with new ones, in both versions of HTTP, while
/// the certificate changes.
#[database_test]
async fn new_certificates_come_in_under_load(database: TestDatabase) {
    let site = Site::new(database).await;
    let (old, new) = (Authority::new(), Authority::new());
    let server = serve_tls(&site, &old).await;
    let both = format!("{}{}", old.pem(), new.pem());
    let roots = reqwest::Certificate::from_pem_bundle(both.as_bytes()).expect("PEM");
    let stop = Arc::new(AtomicBool::new(false));
    let calls = Arc::new(AtomicU64::new(0));
    let callers: Vec<_> = [(false, true), (true, true), (false, false), (true, false)]
        .into_iter()
        .map(|(http1, keeps)| {
            let mut client = old.client(&server).tls_certs_only(roots.clone());
            if http1 {
                client = client.http1_only();
            }
            if !keeps {
                client = client.pool_max_idle_per_host(0);
            }
            let client = client.build().expect("a client");
            let (stop, calls) = (stop.clone(), calls.clone());
            let url = format!("{}/elements/api-v2/organizations/me", named_url(&server));
            let authorization = server.authorization();
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let request = client.get(&url).header("authorization", &authorization);
                    let answer = request.send().await.expect("an answer");
                    assert_eq!(answer.status(), 200);
                    answer.bytes().await.expect("a whole answer");
                    calls.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let goes_on = async || {
        let then = calls.load(Ordering::Relaxed) + 40;
        until("the callers get on", async || {
            calls.load(Ordering::Relaxed) >= then
        })
        .await;
    };
    goes_on().await;
    let only_new = || new.client(&server).build().expect("a client");
    ready(only_new(), &server)
        .await
        .expect_err("the old certificate");

    let (certificate, key) = (site.folder.path("tls.crt"), site.folder.path("tls.key"));
    // Half a change, then nonsense: each is told and changes nothing.
    fs::write(&certificate, new.issue(HOST, |_| ()).0).expect("written");
    for count in 1..=2 {
        server.signal(Signal::HUP);
        until("the mistake is told", async || {
            server.log().matches("certificate in use stays").count() == count
        })
        .await;
        fs::write(&certificate, "nonsense").expect("written");
    }
    ready(old.client(&server).build().expect("a client"), &server)
        .await
        .expect("the old certificate");
    write(&certificate, &key, &new.issue(HOST, |_| ()));
    server.signal(Signal::HUP);
    until("the new certificate is read", async || {
        ready(only_new(), &server).await.is_ok()
    })
    .await;
    goes_on().await;
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.expect("no call failed");
    }
    server.stop().await;
}

/// HTTP/2 says that it goes (GOAWAY): a call of before is answered, the next one finds nobody.
#[database_test]
async fn a_stop_finishes_calls_over_tls(database: TestDatabase) {
    let site = Site::new(database).await;
    let authority = Authority::new();
    let server = serve_tls(&site, &authority).await;
    let url = format!("{}/elements/api-v2/instances", named_url(&server));
    let slow = json!({"kind": "slow", "milliseconds": 1500});
    site.vendors.fault(slow).await;
    let mut calls = Vec::new();
    for http1 in [false, true] {
        let mut client = authority.client(&server);
        if http1 {
            client = client.http1_only();
        }
        let client = client.build().expect("a client");
        ready(client.clone(), &server).await.expect("ready");
        let request = client.post(&url).json(&example());
        let request = request.header("authorization", server.authorization());
        calls.push(tokio::spawn(request.send()));
    }
    site.vendors.wait_for_calls(2).await;
    let output = server.stop().await;
    for call in calls {
        let answer = call.await.expect("no panic").expect("an answer");
        assert_eq!(answer.status(), 200);
        answer.bytes().await.expect("a whole answer");
    }
    assert!(!written(&output).contains("still running"));
}
