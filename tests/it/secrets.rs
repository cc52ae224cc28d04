//! Marked secrets go through success and every error path of the real binary; then everything that was written
//! anywhere is searched for them: log at the finest level, standard output, database, files, answers.

pub mod search;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use search::{Mark, Written};

use crate::answer::{Answer, unknown_organization_secret, unknown_secret};
use crate::database::TestDatabase;
use crate::process::{Folder, Server, mode, new_keyring, serve, written};
use crate::provisioning::case_files;
use crate::vendors::{Vendors, client};

/// The only files that may hold secrets.
const SECRET_FILES: &[&str] = &[
    "keyring.json",
    "credentials.json",
    "authorization.header",
    "pg.password",
];

fn random_word() -> String {
    format!("{:032x}Mark", rand::random::<u128>())
}

/// `{name}` in every text of a JSON value.
fn filled(value: &Value, marks: &BTreeMap<&str, String>) -> Value {
    let text = marks.iter().fold(value.to_string(), |text, (name, mark)| {
        text.replace(&format!("{{{name}}}"), mark)
    });
    serde_json::from_str(&text).expect("marks need no escapes")
}

/// A server under marked traffic.
struct Traffic {
    server: Server,
    vendors: Vendors,
    words: BTreeMap<&'static str, String>,
    marks: Vec<Mark>,
    /// Bodies of answers that are errors.
    errors: Written,
    authorization: String,
}

impl Traffic {
    async fn start(data: &Path, more: &[&str]) -> Traffic {
        let vendors = Vendors::start().await;
        let arguments = [
            &[
                "--log",
                "trace",
                "--vendor-timeout",
                "1",
                "--sandbox",
                &vendors.url,
            ],
            more,
        ]
        .concat();
        let server = serve(data, &arguments).await;
        let words: BTreeMap<&'static str, String> =
            ["password", "api key", "wrong password", "wrong api key"]
                .into_iter()
                .map(|name| (name, random_word()))
                .collect();
        let mut marks: Vec<Mark> = words
            .iter()
            .map(|(name, word)| Mark::new(name, word))
            .collect();
        let credentials = server.credentials();
        for (name, pointer) in [
            ("organization secret", "/organization/secret"),
            ("user secret", "/user/secret"),
            ("log-in password", "/user/password"),
        ] {
            let secret = credentials
                .pointer(pointer)
                .and_then(Value::as_str)
                .expect("credentials.json is complete");
            marks.push(Mark::new(name, secret));
        }
        let authorization = server.authorization();
        Traffic {
            server,
            vendors,
            words,
            marks,
            errors: Written::default(),
            authorization,
        }
    }

    fn element(&self, file: &Value, configuration: &Value, name: &str) -> Value {
        json!({"element": {"key": file["element"]}, "name": name, "configuration": filled(configuration, &self.words)})
    }

    async fn refused(&mut self, what: &str, request: reqwest::RequestBuilder) {
        let answer = Answer::of(request).await;
        assert!(answer.status >= 400, "{what}: {answer}");
        self.errors.add(
            format!("the answer to {what}"),
            format!("{:?} {}", answer.headers, answer.text),
        );
    }

    fn post(&self, body: &Value) -> reqwest::RequestBuilder {
        self.server
            .request("POST", "/instances", &self.authorization)
            .json(body)
    }

    /// Creates that work, reads, hub calls, a deletion; with every mark of the case files.
    async fn successes(&mut self) {
        for (element, file) in case_files() {
            let Some(marked) = file.get("marked") else {
                continue;
            };
            self.vendors.reset().await;
            for control in filled(&marked["control"], &self.words)
                .as_array()
                .expect("control calls")
            {
                let (method, path) = (
                    control["method"].as_str().expect("a method"),
                    control["path"].as_str().expect("a path"),
                );
                self.vendors
                    .control(method, path, control.get("body"))
                    .await;
            }
            for configuration in marked["works"]
                .as_array()
                .expect("configurations that work")
            {
                let mut body = self.element(&file, configuration, "a name to be found");
                body["providerData"] =
                    json!({"code": null, "secret": self.words["wrong password"]});
                body["no.such.field"] = json!(self.words["wrong password"]);
                body["configuration"]["no.such.entry"] = json!(self.words["wrong api key"]);
                let created = Answer::of(self.post(&body)).await.success();
                let token = created["token"].as_str().expect("a token").to_owned();
                self.marks
                    .push(Mark::new(&format!("token of {element}"), &token));
                let with_token = format!("{}, Element {token}", self.authorization);
                for (method, path) in [
                    ("GET", format!("/instances/{}", created["id"])),
                    ("GET", "/instances".to_owned()),
                    ("GET", "/accounts".to_owned()),
                ] {
                    Answer::of(self.server.request(method, &path, &with_token))
                        .await
                        .success();
                }
                for path in [
                    "/no-such-things",
                    "/hubs/helpdesk/no-such-things?where=x",
                    "/proxy/x",
                ] {
                    self.refused(path, self.server.request("GET", path, &with_token))
                        .await;
                }
            }
            let configuration = &marked["works"][0];
            let gone = Answer::of(self.post(&self.element(&file, configuration, "to be deleted")))
                .await
                .success();
            self.marks.push(Mark::new(
                "token of a deleted instance",
                gone["token"].as_str().expect("a token"),
            ));
            let delete = self.server.request(
                "DELETE",
                &format!("/instances/{}", gone["id"]),
                &self.authorization,
            );
            assert_eq!(Answer::of(delete).await.status, 200);
        }
    }

    /// What vendors refuse, and every way in which they fail.
    async fn vendor_failures(&mut self) {
        for (element, file) in case_files() {
            let Some(marked) = file.get("marked") else {
                continue;
            };
            for (number, configuration) in marked["refused"]
                .as_array()
                .expect("refused configurations")
                .iter()
                .enumerate()
            {
                let body = self.element(&file, configuration, "refused");
                self.refused(
                    &format!("{element}, refused configuration {number}"),
                    self.post(&body),
                )
                .await;
            }
            let faults = [
                json!({"kind": "status", "status": 401}),
                json!({"kind": "status", "status": 403, "body": "{\"message\":\"no\"}"}),
                json!({"kind": "status", "status": 404}),
                json!({"kind": "status", "status": 400, "body": "{\"message\":\"no\"}"}),
                json!({"kind": "status", "status": 500, "body": "{\"message\":\"down\"}"}),
                json!({"kind": "status", "status": 200, "body": "{}"}),
                json!({"kind": "redirect", "location": "https://elsewhere.vendor.example/"}),
                json!({"kind": "html"}),
                json!({"kind": "invalid_json"}),
                json!({"kind": "cut"}),
                json!({"kind": "huge", "bytes": 17_000_000}),
                json!({"kind": "gzip_bomb", "bytes": 17_000_000}),
                json!({"kind": "refuse"}),
                json!({"kind": "lost_answer"}),
                json!({"kind": "rate_limited"}),
                json!({"kind": "slow", "milliseconds": 5000}),
            ];
            for fault in faults {
                self.vendors
                    .control("DELETE", "/_control/faults", None)
                    .await;
                self.vendors.fault(fault.clone()).await;
                for configuration in marked["works"]
                    .as_array()
                    .expect("configurations that work")
                {
                    let body = self.element(&file, configuration, "refused by a fault");
                    self.refused(&format!("{element} under {fault}"), self.post(&body))
                        .await;
                }
            }
            self.vendors
                .control("DELETE", "/_control/faults", None)
                .await;
        }
    }

    /// Bodies and headers that the server cannot even use, each with a secret in it.
    async fn callers_mistakes(&mut self) {
        let word = self.words["password"].clone();
        for (what, body) in [
            (
                "cut JSON",
                format!("{{\"configuration\":{{\"password\":\"{word}\""),
            ),
            (
                "curly quotes",
                format!("{{\u{201c}configuration\u{201d}:{{\"password\":\"{word}\"}}}}"),
            ),
            (
                "a secret in the place of a number",
                format!("{{\"name\":\"n\",\"configuration\":\"{word}\"}}"),
            ),
            (
                "a secret as name of a field",
                format!("{{\"name\":{{\"{word}\":1}}}}"),
            ),
            (
                "a secret as element",
                format!("{{\"name\":\"n\",\"element\":\"{word}\"}}"),
            ),
            (
                "a secret as tags",
                format!("{{\"name\":\"n\",\"tags\":\"{word}\"}}"),
            ),
            ("bare words", word.clone()),
            ("a secret behind the body", format!("{{}} {word}")),
        ] {
            let request = self
                .server
                .request("POST", "/instances", &self.authorization)
                .body(body.clone());
            self.refused(what, request.header("content-type", "application/json"))
                .await;
            let request = self
                .server
                .request("POST", "/instances", &self.authorization)
                .body(body);
            self.refused(what, request.header("content-type", "text/plain"))
                .await;
        }
        let (user, organization) = (unknown_secret(), unknown_organization_secret());
        self.marks.push(Mark::new("unknown user secret", &user));
        self.marks
            .push(Mark::new("unknown organization secret", &organization));
        for header in [
            format!("User {user}, Organization {organization}"),
            format!("{}, Element {user}", self.authorization),
            format!("User <{user}>, Organization {organization}"),
            format!("Bearer {user}"),
            format!("Basic {}", STANDARD.encode(format!("x:{user}"))),
            format!("Something {user}"),
            user.clone(),
        ] {
            for path in ["/organizations/me", "/elements", "/no-such-things"] {
                self.refused("a wrong header", self.server.request("GET", path, &header))
                    .await;
            }
        }
        // Where secrets do not belong, some put them nevertheless.
        for path in [
            format!("/instances?nextPage={word}"),
            format!("/instances?password={word}&pageSize=0"),
            format!("/instances?pageSize={word}"),
            format!("/no-such-things?access_token={word}"),
        ] {
            // The answer may repeat the value of a parameter to its sender; the log may not.
            Answer::of(self.server.request("GET", &path, &self.authorization)).await;
        }
    }
}

#[database_test]
async fn marked_secrets_are_written_nowhere(database: TestDatabase) {
    let folder = Folder::new();
    let keyring = folder.text("shared/keyring.json");
    std::fs::create_dir(folder.path("shared")).expect("a folder");
    new_keyring(&keyring).await;
    let more = ["--database-url", &database.url, "--keyring", &keyring];
    let mut traffic = Traffic::start(&folder.path("data"), &more).await;
    traffic.successes().await;
    traffic.vendor_failures().await;
    traffic.callers_mistakes().await;

    let Traffic {
        server,
        vendors,
        marks,
        errors,
        ..
    } = traffic;
    // The vendor did get them: the journal is not ours, and shows that the marks were used.
    let journal = vendors
        .control("GET", "/_control/journal", None)
        .await
        .to_string();
    let used = |name: &str| {
        marks
            .iter()
            .any(|mark| mark.name == name && mark.is_in(journal.as_bytes()))
    };
    assert!(
        used("password") && used("api key") && used("wrong password"),
        "the marks never reached the vendor"
    );

    let mut everything = Written::default();
    let output = server.stop().await;
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("TRACE"),
        "the finest level was logged"
    );
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).lines().count(),
        1,
        "one line: {}",
        written(&output)
    );
    everything.add("the log", output.stderr);
    everything.add("standard output", output.stdout);
    everything.files(&folder.path("data"));
    everything.database(&database.pool).await;
    everything.0.extend(errors.0);
    // A search that finds nothing proves something only if it can find.
    assert!(
        everything.holds(&Mark::new("name", "a name to be found")),
        "the search does not see the database"
    );
    everything.must_not_hold(&marks);
}

/// The same with the private database: its files hold the rows, the write-ahead log and the statements' log.
#[tokio::test(flavor = "multi_thread")]
async fn marked_secrets_are_in_no_file_of_the_private_database() {
    let folder = Folder::new();
    let data = folder.path("data");
    let mut traffic = Traffic::start(&data, &[]).await;
    traffic.successes().await;
    let Traffic {
        server, mut marks, ..
    } = traffic;
    for file in SECRET_FILES {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
    let password =
        std::fs::read_to_string(data.join("pg.password")).expect("the database's password");
    marks.push(Mark::new("database password", password.trim()));
    marks.extend(keys_of(&data.join("keyring.json")));
    let output = server.stop().await;
    let mut everything = Written::default();
    everything.add("the log", output.stderr);
    everything.add("standard output", output.stdout);
    everything.files(&data);
    assert!(
        everything.holds(&Mark::new("name", "a name to be found")),
        "the search does not see the database's files"
    );
    everything.must_not_hold(&marks);
}

/// Every long text of the keyring that is no id: ids are short or have dashes.
fn keys_of(keyring: &PathBuf) -> Vec<Mark> {
    fn collect(value: &Value, keys: &mut Vec<Mark>) {
        match value {
            Value::String(text) if STANDARD.decode(text).is_ok_and(|bytes| bytes.len() >= 32) => {
                keys.push(Mark::new("a key of the keyring", text));
            }
            Value::Array(list) => list.iter().for_each(|value| collect(value, keys)),
            Value::Object(map) => map.values().for_each(|value| collect(value, keys)),
            _ => {}
        }
    }
    let text = std::fs::read_to_string(keyring).expect("a keyring");
    let mut keys = Vec::new();
    collect(&serde_json::from_str(&text).expect("JSON"), &mut keys);
    assert!(
        keys.len() >= 2,
        "a keyring has at least two keys of 32 bytes in base64"
    );
    keys
}

/// Health and the catalogue show nothing either, whoever asks.
#[database_test]
async fn what_needs_no_authorization_shows_no_secret(database: TestDatabase) {
    let folder = Folder::new();
    let keyring = folder.text("keyring.json");
    new_keyring(&keyring).await;
    let vendors = Vendors::start().await;
    let server = serve(
        &folder.path("data"),
        &[
            "--sandbox",
            &vendors.url,
            "--database-url",
            &database.url,
            "--keyring",
            &keyring,
        ],
    )
    .await;
    let credentials = server.credentials();
    let mut public = Written::default();
    for path in [
        "/health/live",
        "/health/ready",
        "/elements/api-v2/elements",
        "/elements/api-v2/elements/keys",
        "/metrics",
        "/openapi.json",
        "/",
    ] {
        let answer = Answer::of(client().get(format!("{}{path}", server.url))).await;
        public.add(path, format!("{:?} {}", answer.headers, answer.text));
    }
    let marks = ["/organization/secret", "/user/secret", "/user/password"].map(|pointer| {
        Mark::new(
            pointer,
            credentials
                .pointer(pointer)
                .and_then(Value::as_str)
                .expect("a secret"),
        )
    });
    public.must_not_hold(&marks);
    assert!(
        !public.holds(&Mark::new("database", &database.url)),
        "the database's address is shown"
    );
    server.stop().await;
}
