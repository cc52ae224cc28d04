//! Vendor calls by an operator's proxy.

use std::sync::{Arc, Mutex};

use base64::Engine;
use bunsen_test_macros::database_test;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::certificates::Authority;
use crate::answer::{Answer, message};
use crate::database::TestDatabase;
use crate::process::{Folder, Server, new_keyring, serve_in, written};
use crate::vendors::{Vendors, example};

/// What the proxy does when it is asked for a tunnel.
#[derive(Debug, Clone, Copy)]
enum Mood {
    Lets,
    Says(&'static str),
    HangsUp,
}

/// Behind it is the simulator, which appears to callers as the vendor that they asked for.
struct Proxy {
    url: String,
    mood: Arc<Mutex<Mood>>,
    asked: Arc<Mutex<Vec<String>>>,
    authority: Arc<Authority>,
}

impl Proxy {
    async fn start(vendors: &Vendors) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let proxy = Self {
            url: listener.local_addr().expect("an address").to_string(),
            mood: Arc::new(Mutex::new(Mood::Lets)),
            asked: Arc::default(),
            authority: Arc::new(Authority::new()),
        };
        let simulator = vendors.url.trim_start_matches("http://").to_owned();
        let (mood, asked) = (proxy.mood.clone(), proxy.asked.clone());
        let authority = proxy.authority.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (asked, authority, simulator) =
                    (asked.clone(), authority.clone(), simulator.clone());
                let mood = *mood.lock().expect("a lock");
                tokio::spawn(async move {
                    let head = head(&mut stream).await;
                    asked.lock().expect("a lock").push(head.clone());
                    match mood {
                        Mood::Lets => tunnel(stream, &head, &authority, &simulator).await,
                        Mood::Says(line) => {
                            let answer = format!("{line}\r\ncontent-length: 0\r\n\r\n");
                            let _ = stream.write_all(answer.as_bytes()).await;
                        }
                        Mood::HangsUp => {}
                    }
                });
            }
        });
        proxy
    }

    fn is(&self, mood: Mood) {
        *self.mood.lock().expect("a lock") = mood;
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().expect("a lock"))
    }
}

async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else {
            break;
        };
        head.push(byte);
    }
    String::from_utf8(head).expect("text")
}

async fn tunnel(mut stream: TcpStream, head: &str, authority: &Authority, simulator: &str) {
    let target = head.split(' ').nth(1).expect("a target");
    let (host, _) = target.split_once(':').expect("host and port");
    let ok = b"HTTP/1.1 200 Connection established\r\n\r\n";
    stream.write_all(ok).await.expect("written");
    let (chain, key) = authority.issue(host, |_| ());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(chain.as_bytes()).expect("PEM")],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("PEM"),
        )
        .expect("a certificate with its key");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let mut stream = acceptor.accept(stream).await.expect("TLS for the vendor");
    assert_eq!(stream.get_ref().1.server_name(), Some(host));
    let mut vendor = TcpStream::connect(simulator).await.expect("connected");
    let _ = tokio::io::copy_bidirectional(&mut stream, &mut vendor).await;
}

struct Site {
    folder: Folder,
    proxy: Proxy,
    vendors: Vendors,
    database: TestDatabase,
}

impl Site {
    async fn new(database: TestDatabase) -> Self {
        let folder = Folder::new();
        new_keyring(&folder.text("keyring.json")).await;
        let vendors = Vendors::start().await;
        let proxy = Proxy::start(&vendors).await;
        std::fs::write(folder.path("ca.pem"), proxy.authority.pem()).expect("written");
        Self {
            folder,
            proxy,
            vendors,
            database,
        }
    }

    /// A server for real vendors, which trusts the test's authority.
    async fn serve(&self, more: &[&str]) -> Server {
        let keyring = self.folder.text("keyring.json");
        let arguments = ["--database-url", &self.database.url, "--keyring", &keyring];
        let authority = self.folder.text("ca.pem");
        let arguments = [&arguments, more].concat();
        serve_in(
            &self.folder.path("data"),
            &arguments,
            &[("SSL_CERT_FILE", &authority)],
        )
        .await
    }
}

async fn create(server: &Server, body: &Value) -> Answer {
    Answer::of(
        server
            .request("POST", "/instances", &server.authorization())
            .json(body),
    )
    .await
}

#[database_test]
async fn vendor_calls_go_by_the_proxy(database: TestDatabase) {
    let site = Site::new(database).await;
    let file = site.folder.text("proxy.url");
    let url = format!("http://name:pass%40word@{}\n", site.proxy.url);
    std::fs::write(&file, url).expect("written");
    let server = site.serve(&["--egress-proxy-file", &file]).await;
    create(&server, &example()).await.success();
    let asked = site.proxy.asked();
    assert!(!asked.is_empty());
    let login = base64::engine::general_purpose::STANDARD.encode("name:pass@word");
    for head in asked {
        assert!(head.starts_with("CONNECT "), "{head}");
        assert!(head.contains(":443 HTTP/1.1\r\n"), "{head}");
        assert!(head.contains(&format!("Basic {login}\r\n")), "{head}");
        // By name: proxies allow by name.
        let target = head.split(' ').nth(1).expect("a target");
        assert!(target.contains(char::is_alphabetic), "{target}");
    }

    let output = server.stop().await;
    let text = written(&output);
    for hidden in ["pass@word", "pass%40word", &login] {
        assert!(!text.contains(hidden), "{text}");
    }
}

#[database_test]
async fn what_the_proxy_will_not_do_is_told_in_words(database: TestDatabase) {
    let site = Site::new(database).await;
    let url = format!("http://name:marked@{}", site.proxy.url);
    let server = site.serve(&["--egress-proxy", &url]).await;
    for (mood, words) in [
        (Mood::Says("HTTP/1.1 407 Who"), "other credentials"),
        (Mood::Says("HTTP/1.1 403 No"), "must allow this host"),
        (Mood::Says("HTTP/1.1 502 Oh"), "must allow this host"),
        (Mood::Says("SSH-2.0-x"), "egress proxy"),
        (Mood::HangsUp, "no usable answer"),
    ] {
        site.proxy.is(mood);
        let error = create(&server, &example()).await.error(502);
        assert!(message(&error).contains(words), "{mood:?}: {error}");
        assert!(!error.to_string().contains("marked"), "{error}");
    }
    site.proxy.is(Mood::Lets);
    create(&server, &example()).await.success();
    let output = server.stop().await;
    assert!(!written(&output).contains("marked"), "{}", written(&output));
    assert!(site.vendors.calls().await > 0);
}

#[database_test]
async fn a_proxy_that_is_not_there_and_one_that_cannot_be(database: TestDatabase) {
    let site = Site::new(database).await;
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let nobody = free.local_addr().expect("an address");
    drop(free);
    let server = site
        .serve(&["--egress-proxy", &format!("http://{nobody}")])
        .await;
    let error = create(&server, &example()).await.error(502);
    assert!(message(&error).contains("cannot be reached"), "{error}");
    server.stop().await;

    // Routes know better than the proxy where a call goes.
    let route = format!("*={}", site.vendors.url);
    let proxy = format!("http://{nobody}");
    let server = site
        .serve(&["--egress-proxy", &proxy, "--vendor-route", &route])
        .await;
    create(&server, &example()).await.success();
    server.stop().await;
    assert_eq!(site.proxy.asked(), [""; 0]);
}
