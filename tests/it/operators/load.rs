//! Callers that never rest, at every server at once; every answer that is not the right one is kept.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use reqwest::RequestBuilder;
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::answer::Answer;
use crate::vendors::{client, example, until};

pub struct Load {
    stop: Arc<AtomicBool>,
    calls: Arc<AtomicU64>,
    failures: Arc<Mutex<Vec<String>>>,
    callers: Vec<JoinHandle<()>>,
}

impl Load {
    /// Each caller creates at one base URL and reads at the other, by id, by token and in the list.
    pub fn start(urls: [&str; 2], authorization: &str) -> Self {
        let [one, two] = urls;
        let mut load = Self {
            stop: Arc::default(),
            calls: Arc::default(),
            failures: Arc::default(),
            callers: Vec::new(),
        };
        for (at, other) in [(one, two), (two, one), (one, one)] {
            let caller = Caller {
                client: client(),
                at: at.to_owned(),
                other: other.to_owned(),
                authorization: authorization.to_owned(),
                calls: load.calls.clone(),
                failures: load.failures.clone(),
            };
            let stop = load.stop.clone();
            load.callers.push(tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    caller.round().await;
                }
            }));
        }
        load
    }

    /// Until as many calls more have been answered.
    pub async fn goes_on(&self, calls: u64) {
        let until_then = self.calls.load(Ordering::Relaxed) + calls;
        until("the callers get on", async || {
            self.calls.load(Ordering::Relaxed) >= until_then
        })
        .await;
    }

    /// No call may have failed.
    pub async fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for caller in self.callers {
            caller.await.expect("a caller ends");
        }
        let failures = self.failures.lock().expect("a lock");
        let calls = self.calls.load(Ordering::Relaxed);
        assert!(
            failures.is_empty(),
            "{} of {calls} calls failed:\n{}",
            failures.len(),
            failures.join("\n")
        );
    }
}

struct Caller {
    client: reqwest::Client,
    at: String,
    other: String,
    authorization: String,
    calls: Arc<AtomicU64>,
    failures: Arc<Mutex<Vec<String>>>,
}

impl Caller {
    async fn round(&self) {
        let create = self
            .request("POST", &self.at, "/instances", "")
            .json(&example());
        let Some(created) = self.expect("create", create, 200).await else {
            return;
        };
        let id = format!("/instances/{}", created["id"]);
        let token = created["token"].as_str().expect("a token");
        for server in [&self.other, &self.at] {
            let read = self.request("GET", server, &id, "");
            let read = self.expect("read", read, 200).await;
            if read.is_some_and(|read| read["token"] != token) {
                self.fail("read: another token".into());
            }
            // No such resource, said to somebody who is known: a wrong token is 401.
            let hub = self.request("GET", server, "/no-such-things", token);
            self.expect("call by token", hub, 404).await;
            let list = self.request("GET", server, "/instances?pageSize=50", "");
            self.expect("list", list, 200).await;
            let me = self.request("GET", server, "/organizations/me", "");
            self.expect("organization", me, 200).await;
        }
    }

    fn request(&self, method: &str, server: &str, path: &str, token: &str) -> RequestBuilder {
        let mut authorization = self.authorization.clone();
        if !token.is_empty() {
            authorization = format!("{authorization}, Element {token}");
        }
        self.client
            .request(
                method.parse().expect("a method"),
                format!("{server}/elements/api-v2{path}"),
            )
            .header("authorization", authorization)
    }

    async fn expect(&self, what: &str, request: RequestBuilder, status: u16) -> Option<Value> {
        let answer = Answer::of(request).await;
        self.calls.fetch_add(1, Ordering::Relaxed);
        if answer.status == status {
            return Some(answer.json());
        }
        self.fail(format!("{what}: {} {}", answer.status, answer.text));
        None
    }

    fn fail(&self, text: String) {
        self.failures.lock().expect("a lock").push(text);
    }
}
