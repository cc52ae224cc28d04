//! A walk over every route with every kind of caller.
//!
//! The list of routes is written by hand: a route that the server registers and that is missing here fails, and so
//! does one that is here and not registered. Who adds a route says here who may call it.

mod described;
mod headers;
mod hub_calls;
mod oauth;
mod others;
mod paths;
mod routes;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use headers::refused_headers;
use paths::{filled, told, with_told, without_names};
use routes::ROUTES;

use crate::answer::{Answer, Findings, unknown_secret};
use crate::catalogue::exports;
use crate::database::TestDatabase;
use crate::server::{Caller, TestOptions, TestServer};
use crate::vendors::{Vendors, element_key, example_named};

const BASE: &str = "/elements/api-v2";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Access {
    /// Outside the API, for everybody; a wrong header is not even read.
    Open,
    /// Without a header the public part; a wrong header is refused.
    Optional,
    /// User and organization, or a session.
    Platform,
    /// Address and password in the body; a header is not even read.
    Password,
    /// A cookie, and nothing else.
    Cookie,
    /// HTML and pictures for everybody.
    Page,
    /// Below a connect link, which the walk does not have: a page that says so.
    Link,
    /// User and element token; the organization may be there too.
    Token,
    /// The same, and the answer is the vendor's.
    Vendor,
}
use Access::{Cookie, Link, Open, Optional, Page, Password, Platform, Token, Vendor};

#[test]
fn every_route_is_in_the_list() {
    let listed: BTreeSet<(String, String, Access)> = ROUTES
        .iter()
        .map(|(method, path, access)| ((*method).to_owned(), (*path).to_owned(), *access))
        .collect();
    assert_eq!(
        listed.len(),
        ROUTES.len(),
        "a route stands twice in the list"
    );
    let registered: BTreeSet<(String, String, Access)> = bunsen::http::routes()
        .into_iter()
        .map(|route| {
            let access = match route.access {
                bunsen::http::Access::Open => Open,
                bunsen::http::Access::Optional => Optional,
                bunsen::http::Access::Platform => Platform,
                bunsen::http::Access::Password => Password,
                bunsen::http::Access::Cookie => Cookie,
                bunsen::http::Access::Page => Page,
                bunsen::http::Access::Link => Link,
                bunsen::http::Access::Token => Token,
                bunsen::http::Access::Vendor => Vendor,
            };
            (route.method.to_string(), without_names(&route.path), access)
        })
        .collect();
    let unlisted: Vec<_> = registered.difference(&listed).collect();
    let unregistered: Vec<_> = listed.difference(&registered).collect();
    assert!(
        unlisted.is_empty() && unregistered.is_empty(),
        "registered, not in the list of this test: {unlisted:?}\nin the list, not registered: {unregistered:?}"
    );
}

/// The walk's body is JSON without address and password; one of the two wants a form.
fn without_password(path: &str) -> u16 {
    if path == "/authentication" { 400 } else { 415 }
}

fn names_an_instance(path: &str) -> bool {
    path.contains("/instances/{}")
}

/// Accounts are the organization administrator's business, and how its pages look.
fn is_for_administrators(method: &str, path: &str) -> bool {
    let pages = path == "/organizations/branding" || path == "/connect/settings";
    let proxies = path.starts_with("/elements/oauthProxies");
    path.starts_with("/accounts")
        || path.ends_with("/oauth/client")
        || ((pages || proxies) && method != "GET")
}

/// These two ignore an `Element` part whatever it is; the others only when it is valid.
fn ignores_tokens(path: &str) -> bool {
    path == "/instances"
}

/// A server with one instance each of the admin, the ordinary user and the other organization.
struct Walk {
    server: TestServer,
    element: String,
    /// Id of an entry of its configuration.
    entry: String,
    /// Key of an element with a log-in in a browser.
    in_browser: String,
    hub: String,
    of_admin: Value,
    of_member: Value,
    of_foreign: Value,
    /// Ids of connect links, by the user who made them.
    links: BTreeMap<i64, String>,
    /// Ids of a notification and of a subscription of the admin's.
    told: (String, String),
    /// And of traces.
    traces: BTreeMap<i64, String>,
}

impl Walk {
    async fn start(database: TestDatabase) -> Walk {
        let options = TestOptions {
            elements: Some(exports()),
            ..TestOptions::default()
        };
        let server = TestServer::start_with(database, options).await;
        let of_admin = server
            .create(&server.admin, &example_named("of the admin"))
            .await;
        let of_member = server
            .create(&server.member, &example_named("of the member"))
            .await;
        let of_foreign = server
            .create(&server.foreign, &example_named("of the foreigner"))
            .await;
        let hub = of_admin["element"]["hub"]
            .as_str()
            .expect("a hub")
            .to_owned();
        let entry = entry_id(&server, "filter.response.nulls").await;
        let in_browser = oauth::element(&server).await;
        let (mut links, mut traces) = (BTreeMap::new(), BTreeMap::new());
        for caller in [
            &server.admin,
            &server.member,
            &server.colleague,
            &server.foreign,
        ] {
            let request = server.request("POST", &format!("{BASE}/connect/links"));
            let request = request.header("authorization", caller.header());
            let made = Answer::of(request.json(&json!({}))).await.success();
            links.insert(caller.user_id, made["id"].to_string());
            traces.insert(caller.user_id, oauth::trace(&server, caller).await);
        }
        let told = told(&server, &server.admin).await;
        Walk {
            server,
            told,
            in_browser,
            element: element_key(),
            entry,
            hub,
            of_admin,
            of_member,
            of_foreign,
            links,
            traces,
        }
    }

    async fn call(&self, method: &str, path: &str, authorization: Option<&str>) -> Answer {
        let query = if path.ends_with("/oauth/url") {
            oauth::QUERY.to_owned()
        } else if path.ends_with("/notifications") && method == "GET" {
            "?topics[]=walk".to_owned()
        } else if path.ends_with("/subscriptions/deliveries") && method == "PUT" {
            "?where=status%3D'queued'".to_owned()
        } else if path.ends_with("/applicationUrl") {
            format!("?applicationUrl={}", oauth::PATTERN)
        } else {
            String::new()
        };
        let mut request = self.server.request(method, &format!("{path}{query}"));
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        if path.ends_with("/oauth/url") && method == "POST" {
            request = request.json(&oauth::body());
        } else if path.ends_with("/oauth/client") && method == "PUT" {
            request = request.json(&oauth::client());
        } else if path.contains("/oauthProxies") && !path.ends_with("/applicationUrl") {
            let name = json!({"name": crate::answer::unknown_secret()});
            request = match method {
                "POST" | "PUT" => request.json(&name),
                _ => request,
            };
        } else if path.ends_with("/passwords") {
            request = request.json(&json!({"password": "Another-1-for-the-walk"}));
        } else if path.ends_with("/branding") && method == "PUT" {
            request = request.json(&json!({"name": "Walkers"}));
        } else if path.ends_with("/connect/settings") && method == "PUT" {
            request = request.json(&json!({"returnOrigins": ["https://app.example"]}));
        } else if path.ends_with("/notifications") && method == "POST" {
            request = request.json(&json!({"topic": "walk", "message": "A visit."}));
        } else if path.ends_with("/notifications/subscriptions") && method == "POST" {
            let config = json!({"url": "https://hooks.acorn.example/walk"});
            let body = json!({"channel": "webhook", "topics": ["none"], "config": config});
            request = request.json(&body);
        } else if path.contains("/configuration/") && method == "PATCH" {
            request = request.json(&json!({"propertyValue": "false"}));
        } else if ["POST", "PUT", "PATCH"].contains(&method) && !path.ends_with("/enabled") {
            request = request.json(&example_named("made by the walk"));
        }
        Answer::of(request).await
    }

    /// The route with this instance, else with what is the admin's own.
    async fn visit(
        &self,
        method: &str,
        path: &str,
        access: Access,
        instance: &str,
        authorization: Option<&str>,
    ) -> Answer {
        self.visit_of(
            &self.server.admin,
            method,
            path,
            access,
            instance,
            authorization,
        )
        .await
    }

    /// The route with this instance, else with that caller's own account and user.
    async fn visit_of(
        &self,
        owner: &Caller,
        method: &str,
        path: &str,
        access: Access,
        instance: &str,
        authorization: Option<&str>,
    ) -> Answer {
        let path = match access {
            Page | Link => path.replace("{}", "picture.png"),
            _ if path.starts_with("/notifications") && path.contains("{}") => {
                with_told(path, &told(&self.server, owner).await)
            }
            _ => match oauth::prepare(self, owner, path).await {
                Some(path) => path,
                None => filled(self, path, instance, owner),
            },
        };
        let outside = matches!(access, Open | Cookie | Page | Link) || path.contains("/j_spring");
        let base = if outside { "" } else { BASE };
        self.call(method, &format!("{base}{path}"), authorization)
            .await
    }

    async fn api(&self, method: &str, path: &str, authorization: Option<&str>) -> Answer {
        self.call(method, &format!("{BASE}{path}"), authorization)
            .await
    }

    async fn stored(&self) -> i64 {
        sqlx::query_scalar("select count(*) from instances")
            .fetch_one(&self.server.database.pool)
            .await
            .expect("a count")
    }

    fn token<'a>(&self, instance: &'a Value) -> &'a str {
        instance["token"].as_str().expect("a token")
    }
}

/// The id of one entry of the example's element, as the catalogue tells it.
async fn entry_id(server: &TestServer, key: &str) -> String {
    let path = format!("{BASE}/elements/{}", element_key());
    let element = Answer::of(server.request("GET", &path)).await.success();
    let entries = element["configuration"].as_array().expect("entries");
    let entry = entries.iter().find(|entry| entry["key"] == key);
    entry.expect("the entry")["id"].to_string()
}

fn id(instance: &Value) -> String {
    instance["id"].as_i64().expect("an id").to_string()
}

fn pair(user: &str, organization: &str) -> String {
    format!("User {user}, Organization {organization}")
}

#[database_test]
async fn who_proves_nothing_is_refused_everywhere_and_changes_nothing(database: TestDatabase) {
    let walk = Walk::start(database).await;
    let mut findings = Findings::default();
    let instance = id(&walk.of_admin);
    let before = walk.stored().await;
    let vendors = Vendors::of(&walk.server);
    vendors.reset().await;
    for (what, header) in refused_headers(&walk.server) {
        for (method, path, access) in ROUTES {
            let answer = walk
                .visit(method, path, *access, &instance, Some(&header))
                .await;
            let what = format!("{what}: {method} {path}");
            match access {
                Open | Page => findings.status(&what, &answer, 200),
                Link => findings.status(&what, &answer, 404),
                Password => drop(findings.error(&what, &answer, without_password(path))),
                Cookie | Optional | Platform | Token | Vendor => {
                    findings.error(&what, &answer, 401);
                }
            }
        }
    }
    for (method, path, access) in ROUTES {
        let answer = walk.visit(method, path, *access, &instance, None).await;
        let what = format!("no header: {method} {path}");
        match access {
            Optional if oauth::is_of_version_1(path) => drop(findings.error(&what, &answer, 400)),
            Open | Optional | Page => findings.status(&what, &answer, 200),
            Link => findings.status(&what, &answer, 404),
            Password => drop(findings.error(&what, &answer, without_password(path))),
            Cookie | Platform | Token | Vendor => drop(findings.error(&what, &answer, 401)),
        }
        if matches!(access, Platform | Token | Vendor) {
            for half in [
                format!("User {}", walk.server.admin.user_secret),
                format!("Organization {}", walk.server.admin.organization_secret),
                format!("Element {}", walk.token(&walk.of_admin)),
            ] {
                let keyword = half.split(' ').next().unwrap_or_default();
                let answer = walk
                    .visit(method, path, *access, &instance, Some(&half))
                    .await;
                findings.error(&format!("only {keyword}: {method} {path}"), &answer, 401);
            }
        }
    }
    findings.check(walk.stored().await == before, || {
        "a refused caller created or deleted".to_owned()
    });
    findings.check(vendors.calls().await == 0, || {
        "a refused caller reached the vendor".to_owned()
    });
    findings.none();
}

#[database_test]
async fn who_may_call_is_answered(database: TestDatabase) {
    let walk = Walk::start(database).await;
    let mut findings = Findings::default();
    let server = &walk.server;
    for (who, caller) in [
        ("admin", &server.admin),
        ("member", &server.member),
        ("colleague", &server.colleague),
        ("foreign admin", &server.foreign),
    ] {
        for (method, path, access) in ROUTES {
            let fresh = server.create(caller, &example_named("for one visit")).await;
            let header = match access {
                Token | Vendor => caller.with_token(walk.token(&fresh)),
                _ => caller.header(),
            };
            let answer = walk
                .visit_of(caller, method, path, *access, &id(&fresh), Some(&header))
                .await;
            let what = format!("{who}: {method} {path}");
            match access {
                Password => drop(findings.error(&what, &answer, without_password(path))),
                Cookie => drop(findings.error(&what, &answer, 401)),
                Link => findings.status(&what, &answer, 404),
                // There is no such call at the vendor, who says so in its own way.
                Vendor => {
                    findings.status(&what, &answer, 404);
                    let ours = answer.text.contains("requestId");
                    findings.check(!ours, || {
                        format!("{what}: not the vendor's answer: {answer}")
                    });
                }
                Optional if oauth::is_of_version_1(path) => {
                    findings.error(&what, &answer, 400);
                }
                _ if is_for_administrators(method, path) && !who.contains("admin") => {
                    findings.error(&what, &answer, 403);
                }
                _ => findings.status(&what, &answer, 200),
            }
        }
    }
    findings.none();
}

/// An `Element` part is not needed on platform routes, but it must not be a wrong one.
#[database_test]
async fn the_element_part_on_platform_routes(database: TestDatabase) {
    let walk = Walk::start(database).await;
    let mut findings = Findings::default();
    let server = &walk.server;
    let disabled = server
        .create(&server.admin, &example_named("disabled"))
        .await;
    server
        .set_disabled(disabled["id"].as_i64().expect("an id"), true)
        .await;
    let deleted = server
        .create(&server.admin, &example_named("deleted"))
        .await;
    let gone = walk
        .api(
            "DELETE",
            &format!("/instances/{}", id(&deleted)),
            Some(&server.admin.header()),
        )
        .await;
    findings.status("delete", &gone, 200);

    let tokens = [
        ("a valid token", walk.token(&walk.of_admin).to_owned(), 200),
        (
            "a disabled instance's token",
            walk.token(&disabled).to_owned(),
            200,
        ),
        ("undefined", "undefined".to_owned(), 200),
        ("null", "null".to_owned(), 200),
        ("an unknown token", unknown_secret(), 401),
        (
            "a deleted instance's token",
            walk.token(&deleted).to_owned(),
            401,
        ),
        (
            "another organization's token",
            walk.token(&walk.of_foreign).to_owned(),
            401,
        ),
    ];
    for (what, token, status) in &tokens {
        let header = server.admin.with_token(token);
        for (method, path, access) in ROUTES.iter().filter(|(_, _, access)| *access == Platform) {
            let fresh = server
                .create(&server.admin, &example_named("for one visit"))
                .await;
            let answer = walk
                .visit(method, path, *access, &id(&fresh), Some(&header))
                .await;
            let what = format!("{what}: {method} {path}");
            // The element's own resource of that name.
            if path.starts_with("/accounts")
                && answer.header("elements-element-instance-id").is_some()
            {
                findings.check(*status == 200, || format!("{what}: {answer}"));
                continue;
            }
            match status {
                401 if !ignores_tokens(path) => drop(findings.error(&what, &answer, 401)),
                _ => findings.status(&what, &answer, 200),
            }
        }
    }
    findings.none();
}
