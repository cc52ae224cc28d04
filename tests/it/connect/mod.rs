//! The connect page, over HTTP and without a browser: every refusal, and that nothing secret is shown.

mod accounts;
mod branding;
mod definitions;
mod fields;
mod forms;
mod issuers;
mod killed;
mod links;
mod shipped;
mod signed;
mod vendor;
mod version_1;
mod walks;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::answer::{Answer, Findings};
use crate::database::TestDatabase;
use crate::description::contract::Contract;
use crate::server::{Caller, TestOptions, TestServer};
use definitions::{definition, version_1, with_issuer};
use vendor::{CLIENT_ID, CLIENT_SECRET, PASSWORD, Vendor};

const BASE: &str = "/elements/api-v2";
const RETURN: &str = "https://app.example/back?tab=1";
/// Of [`crate::server::TestServer`].
const PUBLIC_URL: &str = "http://127.0.0.1:8080";

struct Place {
    server: TestServer,
    vendor: Vendor,
    /// What pages say they may answer.
    contract: Contract,
    _definitions: TempDir,
}

/// What a page is looked at for.
pub struct Page {
    pub answer: Answer,
    /// `name=value`, to be sent back.
    pub cookie: Option<String>,
}

impl Place {
    async fn start(database: TestDatabase) -> Place {
        let folder = tempfile::tempdir().expect("a folder");
        for definition in [definition(), with_issuer(), version_1()] {
            let key = definition["key"].as_str().expect("a key");
            std::fs::create_dir(folder.path().join(key)).expect("a folder");
            let file = folder.path().join(key).join("element.json");
            std::fs::write(file, definition.to_string()).expect("a file");
        }
        let vendor = Vendor::start().await;
        let options = TestOptions {
            elements: Some(folder.path().to_owned()),
            vendors: Some(vendor.url.clone()),
            ..TestOptions::default()
        };
        let server = TestServer::start_with(database, options).await;
        let contract = Contract::of(&server).await;
        let place = Place {
            server,
            vendor,
            contract,
            _definitions: folder,
        };
        let origins = json!({"returnOrigins": ["https://app.example"]});
        place
            .call("PUT", "/connect/settings", Some(&origins))
            .await
            .success();
        place
    }

    async fn call_as(
        &self,
        who: &Caller,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        let request = self.server.request(method, &format!("{BASE}{path}"));
        let request = request.header("authorization", who.header());
        Answer::of(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.call_as(&self.server.admin, method, path, body).await
    }

    /// Id and path of a new link.
    async fn link(&self, body: &Value) -> (i64, String) {
        self.link_as(&self.server.admin, body).await
    }

    async fn link_as(&self, who: &Caller, body: &Value) -> (i64, String) {
        let made = self
            .call_as(who, "POST", "/connect/links", Some(body))
            .await
            .success();
        let url = made["url"].as_str().expect("a URL");
        let path = url.strip_prefix(PUBLIC_URL).expect("our own address");
        (made["id"].as_i64().expect("an id"), path.to_owned())
    }

    async fn outcome(&self, id: i64) -> Value {
        self.call("GET", &format!("/connect/links/{id}"), None)
            .await
            .success()
    }

    async fn get(&self, path: &str, cookie: Option<&str>) -> Page {
        let mut request = self
            .server
            .request("GET", path)
            .header("accept", "text/html");
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        self.described("GET", path, Answer::of(request).await)
    }

    async fn post(
        &self,
        path: &str,
        cookie: Option<&str>,
        form: &BTreeMap<String, String>,
    ) -> Page {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let mut request = self
            .server
            .request("POST", path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        self.described("POST", path, Answer::of(request).await)
    }

    /// The page, which is what the description says of it.
    fn described(&self, method: &str, path: &str, answer: Answer) -> Page {
        let path = path.split('?').next().unwrap_or_default();
        let steps: Vec<&str> = path.split('/').skip(2).collect();
        let route = match steps.as_slice() {
            ["callback"] | ["style.css"] => path.to_owned(),
            [_] => "/connect/{}".to_owned(),
            [_, part] => format!("/connect/{{}}/{part}"),
            _ => panic!("{path} is no page"),
        };
        // A picture is of whatever type it was given in.
        if !answer
            .header("content-type")
            .unwrap_or_default()
            .starts_with("image/")
        {
            let mut findings = Findings::default();
            self.contract
                .check("page", method, &route, &answer, &mut findings);
            findings.none();
        }
        Page::of(answer)
    }

    /// Opens the link's form, for this way to sign in: its hidden fields, and the cookie.
    async fn form(&self, path: &str, way: &str) -> (BTreeMap<String, String>, String) {
        self.form_of("tideline", path, way).await
    }

    async fn form_of(
        &self,
        element: &str,
        path: &str,
        way: &str,
    ) -> (BTreeMap<String, String>, String) {
        let page = self
            .get(&format!("{path}?element={element}&login={way}"), None)
            .await;
        assert_eq!(page.answer.status, 200, "{}", page.answer);
        let cookie = page.cookie.clone().expect("a cookie");
        let mut form = page.hidden();
        assert_eq!(form["login"], way);
        form.insert("c.site".to_owned(), "acme".to_owned());
        form.insert("c.region".to_owned(), "eu".to_owned());
        (form, cookie)
    }

    /// Sends the form: the vendor's page that it leads to, and the cookie.
    async fn set_out(&self, element: &str, path: &str, way: &str) -> (String, String) {
        let (form, cookie) = self.form_of(element, path, way).await;
        (self.leave(path, &cookie, &form).await, cookie)
    }

    async fn leave(&self, path: &str, cookie: &str, form: &BTreeMap<String, String>) -> String {
        let page = self.post(path, Some(cookie), form).await;
        page.says(200, "You sign in at ");
        url_of_refresh(&page.answer.text)
    }

    async fn instance(&self, id: &Value) -> Value {
        self.call("GET", &format!("/instances/{id}"), None)
            .await
            .success()
    }

    async fn stored(&self) -> i64 {
        sqlx::query_scalar("select count(*) from instances")
            .fetch_one(&self.server.database.pool)
            .await
            .expect("a count")
    }
}

impl Page {
    pub fn of(answer: Answer) -> Page {
        let cookie = answer.header("set-cookie").map(|value| {
            assert!(value.contains("; HttpOnly; SameSite=Lax"), "{value}");
            value.split(';').next().expect("a pair").to_owned()
        });
        Page { answer, cookie }
    }

    /// The hidden fields of the form.
    pub fn hidden(&self) -> BTreeMap<String, String> {
        let inputs = self
            .answer
            .text
            .split("<input type=\"hidden\" name=\"")
            .skip(1);
        inputs
            .map(|input| {
                let (name, rest) = input.split_once("\" value=\"").expect("a value");
                let (value, _) = rest.split_once('"').expect("its end");
                (name.to_owned(), value.to_owned())
            })
            .collect()
    }

    #[track_caller]
    pub fn says(&self, status: u16, text: &str) {
        assert_eq!(self.answer.status, status, "{}", self.answer.text);
        self.checked();
        assert!(
            self.answer.text.contains(text),
            "{text}: {}",
            self.answer.text
        );
    }

    /// What holds of every page.
    #[track_caller]
    pub fn checked(&self) {
        let answer = &self.answer;
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=utf-8"),
            "{answer}"
        );
        assert_eq!(
            answer.header("content-security-policy"),
            Some(
                "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                 frame-ancestors 'none'; base-uri 'none'"
            )
        );
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        for secret in [CLIENT_SECRET, PASSWORD, "who are <b>you"] {
            assert!(!answer.text.contains(secret), "{secret}: {answer}");
        }
        for inline in ["<script", " style=", " on", "<Beta>"] {
            let found = answer.text.find(inline).filter(|at| {
                inline != " on"
                    || answer.text[at + 3..].split('=').next().is_some_and(|name| {
                        name.len() < 12 && name.bytes().all(|byte| byte.is_ascii_lowercase())
                    })
            });
            assert!(found.is_none(), "{inline}: {answer}");
        }
    }
}

/// Where a page leads that leaves for the vendor's.
pub fn url_of_refresh(page: &str) -> String {
    let (_, rest) = page.split_once("content=\"0; url=").expect("a refresh");
    let (url, _) = rest.split_once('"').expect("its end");
    url.replace("&#38;", "&")
}

fn with_password(form: &BTreeMap<String, String>, password: &str) -> BTreeMap<String, String> {
    let mut form = form.clone();
    form.insert("c.username".to_owned(), "ann".to_owned());
    form.insert("c.password".to_owned(), password.to_owned());
    form
}

fn client() -> Value {
    json!({"oauth.api.key": CLIENT_ID, "oauth.api.secret": CLIENT_SECRET})
}
