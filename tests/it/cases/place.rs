//! One element's server, simulated vendors and instances.

use std::sync::atomic::{AtomicU64, Ordering};

use bunsen::budgets::Settings;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::definition::Definition;
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::server::{TestOptions, TestServer};
use crate::vendors::{Vendors, example_of_each};

pub const BASE: &str = "/elements/api-v2";

pub struct Place {
    pub definition: Definition,
    pub vendors: Vendors,
    server: TestServer,
    example: Value,
    /// By what their configuration was changed.
    instances: Mutex<Vec<(Map<String, Value>, Instance)>>,
    made: AtomicU64,
}

#[derive(Debug, Clone)]
pub struct Instance {
    pub id: String,
    header: String,
}

/// What a caller sends.
#[derive(Debug, Default)]
pub struct Sent<'a> {
    pub query: Vec<(String, String)>,
    pub headers: Vec<(&'a str, String)>,
    pub body: Option<String>,
}

impl Place {
    pub async fn start(definition: Definition, database: TestDatabase) -> Self {
        // Cases have vendors refuse, and go on.
        let options = TestOptions {
            budgets: Settings {
                of_vendors: false,
                ..Settings::default()
            },
            ..TestOptions::default()
        };
        let server = TestServer::start_with(database, options).await;
        let mut examples = example_of_each().into_iter();
        let example = examples.find(|(key, _)| *key == definition.key);
        let (_, example) = example.expect("examples/instances has a file of the element");
        Self {
            vendors: Vendors::of(&server),
            definition,
            server,
            example,
            instances: Mutex::default(),
            made: AtomicU64::default(),
        }
    }

    /// The example's instance with these changes, made when it is first needed.
    pub async fn instance(&self, changes: &Map<String, Value>) -> Instance {
        let mut instances = self.instances.lock().await;
        if let Some((_, instance)) = instances.iter().find(|(known, _)| known == changes) {
            return instance.clone();
        }
        let instance = self.another(changes).await;
        instances.push((changes.clone(), instance.clone()));
        instance
    }

    /// One that nobody else uses.
    pub async fn another(&self, changes: &Map<String, Value>) -> Instance {
        let mut body = self.example.clone();
        body["name"] = format!("cases {}", self.word()).into();
        let configuration = body["configuration"].as_object_mut();
        let configuration = configuration.expect("the example has a configuration");
        configuration.extend(changes.clone());
        self.made_of(&body).await
    }

    /// One more instance.
    pub async fn made_of(&self, body: &Value) -> Instance {
        let admin = &self.server.admin;
        let made = self.server.create(admin, body).await;
        Instance {
            id: made["id"].to_string(),
            header: admin.with_token(made["token"].as_str().expect("a token")),
        }
    }

    /// A word that no other record of this place has.
    pub fn word(&self) -> String {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        format!("w{number:04}x")
    }

    /// A hub call; `path` is below the API's base and may hold a query.
    pub async fn send(
        &self,
        instance: &Instance,
        method: &str,
        path: &str,
        sent: Sent<'_>,
    ) -> Answer {
        let mut request = self
            .server
            .request(method, &format!("{BASE}{path}"))
            .header("authorization", &instance.header)
            .query(&sent.query);
        if let Some(body) = sent.body {
            let typed = sent
                .headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
            if !typed {
                request = request.header("content-type", "application/json");
            }
            request = request.body(body);
        }
        for (name, value) in sent.headers {
            request = request.header(name, value);
        }
        Answer::of(request).await
    }

    pub async fn get(&self, instance: &Instance, path: &str, query: &[(&str, &str)]) -> Answer {
        let pairs = query.iter();
        let sent = Sent {
            query: pairs
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Sent::default()
        };
        self.send(instance, "GET", path, sent).await
    }

    pub async fn send_json(
        &self,
        instance: &Instance,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Answer {
        let sent = Sent {
            body: Some(body.to_string()),
            ..Sent::default()
        };
        self.send(instance, method, path, sent).await
    }
}
