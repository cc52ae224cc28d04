//! What every route answers is what the document says, whoever calls and whatever is wrong with the call. And what it
//! says of mistakes is what happens.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{Access, BASE, Cookie, Link, Open, Page, ROUTES, Token, Vendor, Walk, id};
use crate::answer::{Answer, Findings};
use crate::database::TestDatabase;
use crate::description::contract::Contract;
use crate::server::ADMIN_EMAIL;
use crate::vendors::example_named;

/// Answers that no shipped element or no server of this walk gives: `oauth/` and `serving/` see them.
const ELSEWHERE: &[(&str, u16)] = &[
    ("/connect/callback", 200),
    ("/connect/callback", 401),
    ("/connect/callback", 415),
    ("/connect/{}", 200),
    ("/connect/{}", 401),
    ("/connect/{}", 413),
    ("/connect/{}", 415),
    ("/connect/{}/done", 200),
    ("/connect/{}/logo", 200),
    ("/connect/{}/brand.css", 200),
    ("/elements/api-v2/connect/links", 404),
    ("/elements/api-v2/elements/{}/oauth/token", 200),
    ("/metrics", 404),
    ("/oauth/proxies/{}/{}/callback", 400),
];

const WRONG_QUERY: &str = "?pageSize=0&nextPage=x&hydrate=x&where=((&expand=x&includeInactive=x&extendedOnly=x&accountOnly=x&offset=x&code=%00&a=%00";
const NOTHING: &str = "?searchText=nothing-has-this";
const NOBODY: &str = "?where=email%3D'nobody'";
/// Failures that this walk causes wherever they are described.
const CAUSED: [u16; 6] = [400, 401, 404, 406, 413, 415];

fn place(path: &str, access: Access) -> String {
    let outside = matches!(access, Open | Cookie | Page | Link) || path.contains("/j_spring");
    let base = if outside { "" } else { BASE };
    format!("{base}{path}")
}

struct Tour<'a> {
    walk: &'a Walk,
    contract: Contract,
    findings: Findings,
}

impl Tour<'_> {
    /// With everything as it should be.
    async fn right(&mut self, method: &str, path: &str, access: Access) -> (String, String) {
        let server = &self.walk.server;
        let fresh = server
            .create(&server.admin, &example_named("for one visit"))
            .await;
        let header = match access {
            Token => server.admin.with_token(self.walk.token(&fresh)),
            _ => server.admin.header(),
        };
        let answer = self
            .walk
            .visit(method, path, access, &id(&fresh), Some(&header))
            .await;
        self.contract.check(
            "right",
            method,
            &place(path, access),
            &answer,
            &mut self.findings,
        );
        // A delete has taken it away, and the next calls must get as far as possible.
        let fresh = server
            .create(&server.admin, &example_named("for more visits"))
            .await;
        let header = match access {
            Token => server.admin.with_token(self.walk.token(&fresh)),
            _ => server.admin.header(),
        };
        (header, id(&fresh))
    }

    async fn wrong(
        &mut self,
        method: &str,
        path: &str,
        access: Access,
        header: &str,
        instance: &str,
    ) {
        let server = &self.walk.server;
        let filled = match access {
            Page | Link => path.replace("{}", "picture.png"),
            _ => match super::oauth::prepare(self.walk, &server.admin, path).await {
                Some(path) => path,
                None => super::filled(self.walk, path, instance, &server.admin),
            },
        };
        let filled = place(&filled, access);
        let request = |path: &str| server.request(method, path).header("authorization", header);
        let mut answers = vec![
            (
                "no credentials",
                Answer::of(server.request(method, &filled)).await,
            ),
            (
                "nonsense",
                Answer::of(server.request(method, &filled).header("authorization", "x")).await,
            ),
            (
                "the member",
                Answer::of(
                    server
                        .request(method, &filled)
                        .header("authorization", server.member.header()),
                )
                .await,
            ),
            (
                "the foreigner",
                Answer::of(
                    server
                        .request(method, &filled)
                        .header("authorization", server.foreign.header()),
                )
                .await,
            ),
            (
                "another type",
                Answer::of(request(&filled).header("accept", "text/plain")).await,
            ),
            (
                "a query",
                Answer::of(request(&format!("{filled}{WRONG_QUERY}"))).await,
            ),
        ];
        for query in [NOBODY, NOTHING] {
            let answer = Answer::of(request(&format!("{filled}{query}"))).await;
            answers.push(("a query that nothing matches", answer));
        }
        for unknown in ["999999999", "nothing", "%FF"] {
            let unknown = place(&path.replace("{}", unknown), access);
            let answer = self.walk.call(method, &unknown, Some(header)).await;
            answers.push(("an unknown name", answer));
        }
        // The last name alone is unknown.
        if let Some(end) = filled
            .strip_suffix('/')
            .or(path.ends_with("{}").then_some(&filled))
        {
            let parent = end.rsplit_once('/').expect("a path").0;
            let unknown = format!("{parent}/999999999");
            let answer = self.walk.call(method, &unknown, Some(header)).await;
            answers.push(("an unknown part", answer));
        }
        if self.contract.operation(method, &place(path, access))["requestBody"].is_object() {
            for (what, kind, body) in [
                ("no JSON", "application/json", "{\"".to_owned()),
                ("a list", "application/json", "[]".to_owned()),
                ("nothing in it", "application/json", "{}".to_owned()),
                (
                    "wrong types",
                    "application/json",
                    json!({"name": 1, "username": [], "password": 1}).to_string(),
                ),
                ("XML", "text/xml", "<a/>".to_owned()),
                (
                    "a form without fields",
                    "application/x-www-form-urlencoded",
                    "a=b".to_owned(),
                ),
                (
                    "far too much",
                    "application/json",
                    " ".repeat(2 * 1024 * 1024),
                ),
                (
                    "far too large a form",
                    "application/x-www-form-urlencoded",
                    "a".repeat(64 * 1024),
                ),
            ] {
                let request = request(&filled).header("content-type", kind).body(body);
                answers.push((what, Answer::of(request).await));
            }
        }
        for (what, answer) in answers {
            self.contract.check(
                what,
                method,
                &place(path, access),
                &answer,
                &mut self.findings,
            );
        }
    }

    /// Log-ins, which have rights of their own.
    async fn log_in(&mut self) {
        let server = &self.walk.server;
        let given = json!({"username": ADMIN_EMAIL, "password": server.admin_password});
        let path = "/elements/api-v2/authentication";
        let session = Answer::of(server.request("POST", path).json(&given)).await;
        self.contract
            .check("a log-in", "POST", path, &session, &mut self.findings);
        self.findings.status("a log-in", &session, 200);
        let wrong = json!({"username": ADMIN_EMAIL, "password": "wrong"});
        let refused = Answer::of(server.request("POST", path).json(&wrong)).await;
        self.contract
            .check("a wrong log-in", "POST", path, &refused, &mut self.findings);

        let path = "/elements/j_spring_security_check";
        let form = |password: &str| {
            let fields = [("j_username", ADMIN_EMAIL), ("j_password", password)];
            let body = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(fields)
                .finish();
            let kind = "application/x-www-form-urlencoded";
            server
                .request("POST", path)
                .header("content-type", kind)
                .body(body)
        };
        let page = Answer::of(form(&server.admin_password)).await;
        self.contract
            .check("the form", "POST", path, &page, &mut self.findings);
        let refused = Answer::of(form("wrong")).await;
        self.contract
            .check("a wrong form", "POST", path, &refused, &mut self.findings);
        let cookie = page.header("set-cookie").expect("a cookie");
        let cookie = cookie.split(';').next().unwrap_or_default();
        let path = "/elements/api-v1/ui/getSecrets";
        let secrets = Answer::of(server.request("GET", path).header("cookie", cookie)).await;
        self.contract
            .check("the cookie", "GET", path, &secrets, &mut self.findings);
    }
}

#[database_test]
async fn every_answer_is_what_the_document_says(database: TestDatabase) {
    let walk = Walk::start(database).await;
    let contract = Contract::of(&walk.server).await;
    let mut tour = Tour {
        walk: &walk,
        contract,
        findings: Findings::default(),
    };
    tour.log_in().await;
    // What a vendor answers is not described.
    let ours = ROUTES.iter().filter(|(_, _, access)| *access != Vendor);
    for (method, path, access) in ours {
        let (header, instance) = tour.right(method, path, *access).await;
        tour.wrong(method, path, *access, &header, &instance).await;
    }
    let listed = [
        "/elements?where=abridged%3D'true'",
        "/elements/keys?pageSize=1",
        "/elements/metadata?expand=true&pageSize=1",
        "/instances?hydrate=false&pageSize=1",
        "/accounts?pageSize=1",
        "/users?pageSize=1",
        "/hubs?hydrate=true",
        "/elements/larkpost/metadata?expand=true",
        "/elements/larkpost/export?extendedOnly=true",
    ];
    for path in listed {
        let answer = walk
            .api("GET", path, Some(&walk.server.admin.header()))
            .await;
        let route = path
            .split('?')
            .next()
            .unwrap_or_default()
            .replace("larkpost", "{}");
        tour.findings.status(path, &answer, 200);
        tour.contract.check(
            path,
            "GET",
            &format!("{BASE}{route}"),
            &answer,
            &mut tour.findings,
        );
    }
    let mut unknown = example_named("of no element");
    unknown["element"] = json!({"key": "no-such-element"});
    let post = walk
        .server
        .request("POST", &place("/instances", Access::Platform));
    let post = post.header("authorization", walk.server.admin.header());
    let answer = Answer::of(post.json(&unknown)).await;
    tour.contract.check(
        "no element",
        "POST",
        &place("/instances", Access::Platform),
        &answer,
        &mut tour.findings,
    );
    let by_token = walk.server.admin.with_token(walk.token(&walk.of_admin));
    for (path, query, header) in [
        (
            "/usage",
            "?instanceId=999999999",
            walk.server.admin.header(),
        ),
        (
            "/usage",
            "?accountIds[]=999999999",
            walk.server.member.header(),
        ),
        ("/instances/docs", "?operationId=no-such-call", by_token),
    ] {
        let route = place(path, Access::Platform);
        let path = format!("{path}{query}");
        let answer = walk.api("GET", &path, Some(&header)).await;
        let findings = &mut tour.findings;
        tour.contract.check(query, "GET", &route, &answer, findings);
    }
    let Tour {
        contract,
        mut findings,
        ..
    } = tour;
    let ours = |path: &str| !path.contains("/proxy");
    for (method, path, operation) in contract.operations().filter(|(_, path, _)| ours(path)) {
        let described: Vec<u16> = operation["responses"]
            .as_object()
            .into_iter()
            .flat_map(serde_json::Map::keys)
            .filter_map(|status| status.parse().ok())
            .collect();
        for status in described
            .iter()
            .filter(|status| **status == 200 || CAUSED.contains(status))
            .filter(|status| !ELSEWHERE.contains(&(path, **status)))
        {
            findings.check(contract.has_seen(method, path, *status), || {
                format!("{method} {path}: {status} is described and never answered")
            });
        }
    }
    findings.none();
}

/// Parameters that a list is described with are read: each refuses a value that makes no sense.
#[database_test]
async fn described_parameters_are_read(database: TestDatabase) {
    let walk = Walk::start(database).await;
    let contract = Contract::of(&walk.server).await;
    let mut findings = Findings::default();
    let mut count = 0;
    for (method, path, access) in ROUTES.iter().filter(|(method, ..)| *method == "GET") {
        let operation = contract.operation(method, &place(path, *access));
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().expect("a name");
            let kinds = &parameter["schema"]["type"];
            let is_text = kinds == "string" || kinds[0] == "string";
            let is_list = kinds == "array" || kinds[0] == "array";
            let refuses = !(is_text || is_list) || ["where", "nextPage"].contains(&name);
            if parameter["in"] != "query" || !refuses {
                continue;
            }
            let header = match access {
                Token => walk.server.admin.with_token(walk.token(&walk.of_admin)),
                _ => walk.server.admin.header(),
            };
            let filled = super::filled(&walk, path, &id(&walk.of_admin), &walk.server.admin);
            let answer = walk
                .api(method, &format!("{filled}?{name}=((x"), Some(&header))
                .await;
            findings.status(&format!("{method} {path}: {name}"), &answer, 400);
            let told: Value = answer.json();
            findings.check(
                told["message"]
                    .as_str()
                    .is_some_and(|text| text.contains(name)),
                || format!("{method} {path}: {name}: {told}"),
            );
            count += 1;
        }
    }
    findings.none();
    assert!(count > 20, "only {count} parameters");
}
