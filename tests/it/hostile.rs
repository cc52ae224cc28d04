//! Hostile values in every entry of every element, by every way that takes them.
//!
//! Whatever is sent, the answer is 200 or a refusal that names its cause; no call leaves for a host that is not the
//! element's; nothing that was sent as a value becomes a header or a mark; what is stored comes back as it was.

mod bodies;
mod values;

use std::collections::BTreeSet;
use std::path::Path;

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use crate::answer::{Answer, Findings, message};
use crate::database::TestDatabase;
use crate::provisioning::case_files;
use crate::server::{TestOptions, TestServer};
use crate::vendors::Vendors;
use values::{hostile, in_every_entry};

const INSTANCES: &str = "/elements/api-v2/instances";

/// An element under attack: its definition, and a configuration that works.
struct Target {
    key: String,
    definition: Value,
    working: Value,
    /// Values of the working configuration that no URL may hold.
    secrets: Vec<String>,
    /// Entries that the vendor's own answers fill.
    returned: BTreeSet<String>,
}

fn targets() -> Vec<Target> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("elements");
    let files = case_files().into_iter();
    let target = |(key, file): (String, Value)| {
        let text = std::fs::read_to_string(root.join(&key).join("element.json"));
        let definition: Value = serde_json::from_str(&text.expect("a definition")).expect("JSON");
        let working = file["working"].as_object().expect("configurations");
        let working = working.values().next().expect("a configuration").clone();
        let secrets = file["secretEntries"].as_array().expect("secretEntries");
        let secret = |entry: &Value| Some(working[entry.as_str()?].as_str()?.to_owned());
        let secrets = secrets.iter().filter_map(secret).collect();
        let resources = definition["resources"].as_array().into_iter().flatten();
        let returned = resources
            .flat_map(|resource| resource["parameters"].as_array().into_iter().flatten())
            .filter(|parameter| parameter["source"] == "response")
            .filter_map(|parameter| Some(parameter["name"].as_str()?.to_owned()))
            .collect();
        Target {
            key,
            definition,
            working,
            secrets,
            returned,
        }
    };
    files.map(target).collect()
}

impl Target {
    /// Keys of its own, and those of the platform that have a say in where calls go.
    fn own_keys(&self) -> Vec<&str> {
        let entries = self.definition["configuration"]
            .as_array()
            .expect("entries");
        let keys = entries.iter().filter_map(|entry| entry["key"].as_str());
        let steers = |key: &&str| {
            matches!(*key, "base.url" | "authentication.type")
                || !["event.", "bulk.", "pagination", "filter."]
                    .iter()
                    .any(|start| key.starts_with(start))
        };
        keys.filter(steers).collect()
    }

    fn body(&self, configuration: &Value) -> Value {
        let mut whole = self.working.clone();
        let whole_entries = whole.as_object_mut().expect("an object");
        whole_entries.extend(configuration.as_object().expect("an object").clone());
        json!({"element": {"key": self.key}, "name": "hostile", "tags": ["hostile"], "configuration": whole})
    }

    /// Whether the definition lets its credentials go there. Where it allows any public host, that is the host of
    /// the working configuration, unless the attacked entry names another.
    fn may_call(&self, host: &str, given: &Value) -> bool {
        let fits = |pattern: &str| match (pattern.strip_prefix("*."), pattern.split_once('#')) {
            (Some(domain), _) => host
                .strip_suffix(domain)
                .and_then(|rest| rest.strip_suffix('.'))
                .is_some_and(|label| !label.is_empty() && !label.contains('.')),
            (None, Some((before, after))) => host
                .strip_prefix(before)
                .and_then(|rest| rest.strip_suffix(after))
                .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())),
            (None, None) => host == pattern,
        };
        let literal = host.parse::<std::net::IpAddr>().is_ok() || host.starts_with('[');
        match self.definition["bunsen"]["hosts"].as_array() {
            Some(patterns) => patterns
                .iter()
                .any(|pattern| fits(pattern.as_str().expect("a host"))),
            None => {
                let names = |value: &Value| {
                    value.as_str().is_some_and(|text| {
                        let bare = text.split_once("://").map_or(text, |(_, rest)| rest);
                        let named = bare.split(['/', ':', '?', '#']).next().unwrap_or_default();
                        idna(named) == host
                    })
                };
                let working = self.working.as_object().expect("an object");
                host.contains('.')
                    && !literal
                    && (working.values().any(names)
                        || given.as_object().expect("an object").values().any(names))
            }
        }
    }
}

/// A host as it is written on the wire.
fn idna(host: &str) -> String {
    match url::Host::parse(host.trim()) {
        Ok(host) => host.to_string(),
        Err(_) => String::new(),
    }
}

/// The entry counts as not given, so that others may be missed.
fn says_nothing(value: &Value) -> bool {
    value.is_null() || value == "" || value == "********"
}

struct Attack {
    server: TestServer,
    vendors: Vendors,
    findings: Findings,
}

impl Attack {
    async fn start(database: TestDatabase) -> Self {
        // What is called is counted, so nothing may call by itself.
        let quiet = TestOptions {
            renews: false,
            ..TestOptions::default()
        };
        let server = TestServer::start_with(database, quiet).await;
        let vendors = Vendors::of(&server);
        Self {
            server,
            vendors,
            findings: Findings::default(),
        }
    }

    async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let request = self
            .server
            .request(method, path)
            .header("authorization", self.server.admin.header());
        Answer::of(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    /// What holds of every answer, whatever was sent.
    async fn judge(&mut self, target: &Target, given: &Value, answer: &Answer, what: &str) {
        let journal = self.vendors.control("GET", "/_control/journal", None).await;
        let calls = journal["calls"].as_array().expect("calls").clone();
        let findings = &mut self.findings;
        if answer.status != 200 {
            let in_range = (400..500).contains(&answer.status);
            findings.check(in_range, || format!("{what}: {answer}"));
            if let Some(error) = findings.error(what, answer, answer.status) {
                let told = message(&error);
                let entries = given.as_object().expect("an object");
                let named = told.contains("'configuration'")
                    || told.contains("request body is larger")
                    || entries
                        .iter()
                        .any(|(key, value)| told.contains(key) || says_nothing(value));
                // The vendor's own refusal of a value names what to check.
                findings.check(named || !calls.is_empty(), || {
                    format!("{what}: nothing is named: {told}")
                });
            }
        }
        for secret in target
            .secrets
            .iter()
            .filter(|secret| secret.len() > "password".len())
        {
            findings.check(!answer.text.contains(secret), || {
                format!("{what}: a secret is shown: {answer}")
            });
        }
        for call in &calls {
            let host = call["host"].as_str().expect("a host");
            findings.check(target.may_call(host, given), || {
                format!("{what}: {host} was called")
            });
            let headers = call["headers"].as_object().expect("headers");
            findings.check(!headers.contains_key("x-injected"), || {
                format!("{what}: a header of the caller's")
            });
            findings.check(headers["host"].as_array().map(Vec::len) == Some(1), || {
                format!("{what}: two hosts")
            });
            let place = format!("{host}{}?{}", call["path"], call["query"]);
            for secret in &target.secrets {
                findings.check(!place.contains(secret), || {
                    format!("{what}: a secret in the URL: {place}")
                });
            }
        }
    }

    /// What is stored is what was given, and can be sent back.
    async fn round_trip(&mut self, target: &Target, given: &Value, answer: &Answer, what: &str) {
        let instance = answer.json();
        let path = format!("{INSTANCES}/{}", instance["id"]);
        let read = self.call("GET", &path, None).await;
        self.findings
            .check(read.status == 200 && read.json() == instance, || {
                format!("{what}: a read differs: {read}")
            });
        for (key, value) in given.as_object().expect("an object") {
            let sent = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let shown = instance["configuration"].get(key);
            let kept = says_nothing(value)
                || target.returned.contains(key)
                || shown.is_some_and(|shown| *shown == sent || *shown == "********");
            self.findings
                .check(kept, || format!("{what}: {key} is shown as {shown:?}"));
        }
        let calls = self.vendors.calls().await;
        let back = self.call("PUT", &path, Some(&instance)).await;
        self.findings
            .check(back.status == 200 && back.json() == instance, || {
                format!("{what}: sent back: {back}")
            });
        let asked = self.vendors.calls().await > calls;
        self.findings.check(!asked, || {
            format!("{what}: the vendor was asked about what it knows")
        });
    }
}

#[database_test]
async fn a_create_with_a_hostile_entry(database: TestDatabase) {
    let mut attack = Attack::start(database).await;
    for target in targets() {
        for key in target.own_keys() {
            for (name, value) in hostile() {
                let what = format!("{}, {key}: {name}", target.key);
                attack.vendors.reset().await;
                let given = json!({key: value});
                let answer = attack
                    .call("POST", INSTANCES, Some(&target.body(&given)))
                    .await;
                attack.judge(&target, &given, &answer, &what).await;
                if answer.status == 200 {
                    attack.round_trip(&target, &given, &answer, &what).await;
                }
            }
        }
    }
    attack.findings.none();
}

/// Entries that have no say in the log-in are all attacked at once.
#[database_test]
async fn a_create_with_a_hostile_value_everywhere_else(database: TestDatabase) {
    let mut attack = Attack::start(database).await;
    for target in targets() {
        let path = format!("/elements/api-v2/elements/{}/configuration", target.key);
        let listed = attack.call("GET", &path, None).await.success();
        let own = target.own_keys();
        for (name, value) in hostile() {
            let what = format!("{}: {name}", target.key);
            attack.vendors.reset().await;
            let given = in_every_entry(&listed["configuration"], &own, &value);
            let answer = attack
                .call("POST", INSTANCES, Some(&target.body(&given)))
                .await;
            attack.judge(&target, &given, &answer, &what).await;
            if answer.status == 200 {
                attack.round_trip(&target, &given, &answer, &what).await;
            }
        }
    }
    attack.findings.none();
}

/// By `PUT`, by `PATCH` and by the entry's own path in turn: what is refused leaves everything as it was.
#[database_test]
async fn a_change_to_a_hostile_value(database: TestDatabase) {
    let mut attack = Attack::start(database).await;
    for target in targets() {
        let mut instance = None;
        for (turn, key) in target.own_keys().into_iter().enumerate() {
            let values = hostile().into_iter().enumerate();
            // Every other value, in turns: a create has tried all of them.
            for (number, (name, value)) in values.filter(|(number, _)| number % 2 == turn % 2) {
                let whole = match instance.take() {
                    Some(instance) => instance,
                    None => attack
                        .call("POST", INSTANCES, Some(&target.body(&json!({}))))
                        .await
                        .success(),
                };
                let path = format!("{INSTANCES}/{}", whole["id"]);
                let given = json!({key: value});
                let entry = match number % 3 {
                    2 => entry_id(&attack, &path, key).await,
                    _ => None,
                };
                attack.vendors.reset().await;
                let (method, answer) = match (number % 3, entry) {
                    (_, Some(id)) => {
                        let body = json!({"propertyValue": value});
                        (
                            "entry",
                            attack
                                .call("PATCH", &format!("{path}/configuration/{id}"), Some(&body))
                                .await,
                        )
                    }
                    (0, _) => (
                        "PUT",
                        attack
                            .call("PUT", &path, Some(&json!({"configuration": given})))
                            .await,
                    ),
                    _ => (
                        "PATCH",
                        attack
                            .call("PATCH", &path, Some(&json!({"configuration": given})))
                            .await,
                    ),
                };
                let what = format!("{}, {method} {key}: {name}", target.key);
                attack.judge(&target, &given, &answer, &what).await;
                if answer.status == 200 {
                    if method != "entry" {
                        attack.round_trip(&target, &given, &answer, &what).await;
                    }
                    continue;
                }
                let read = attack.call("GET", &path, None).await.success();
                attack.findings.check(read == whole, || {
                    format!("{what}: something changed: {read}")
                });
                instance = Some(whole);
            }
        }
    }
    attack.findings.none();
}

async fn entry_id(attack: &Attack, path: &str, key: &str) -> Option<Value> {
    let listed = attack
        .call("GET", &format!("{path}/configuration"), None)
        .await
        .success();
    let mut entries = listed.as_array().expect("a list").iter();
    Some(entries.find(|entry| entry["key"] == key)?["id"].clone())
}
