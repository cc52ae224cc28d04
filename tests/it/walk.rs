//! A walk over every route with every kind of caller.
//!
//! The list of routes is written by hand: a route that the server registers and that is missing here fails, and so
//! does one that is here and not registered. Who adds a route says here who may call it.

use std::collections::BTreeSet;

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use crate::answer::{Answer, Findings, message, unknown_organization_secret, unknown_secret};
use crate::database::TestDatabase;
use crate::server::{Caller, TestServer};
use crate::vendors::{Vendors, element_key, example_named};

const BASE: &str = "/elements/api-v2";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Access {
    /// Outside the API, for everybody; a wrong header is not even read.
    Open,
    /// Without a header the public part; a wrong header is refused.
    Optional,
    /// User and organization.
    Platform,
}
use Access::{Open, Optional, Platform};

/// Every route: method, path without the API's base, and who may call it.
const ROUTES: &[(&str, &str, Access)] = &[
    ("GET", "/health/live", Open),
    ("GET", "/health/ready", Open),
    ("GET", "/elements", Optional),
    ("GET", "/elements/keys", Optional),
    ("GET", "/elements/{}", Optional),
    ("GET", "/organizations/me", Platform),
    ("GET", "/accounts", Platform),
    ("GET", "/users", Platform),
    ("GET", "/instances", Platform),
    ("POST", "/instances", Platform),
    ("GET", "/instances/{}", Platform),
    ("DELETE", "/instances/{}", Platform),
    ("GET", "/elements/{}/instances", Platform),
    ("POST", "/elements/{}/instances", Platform),
    ("GET", "/elements/{}/instances/{}", Platform),
    ("DELETE", "/elements/{}/instances/{}", Platform),
];

#[test]
fn every_route_is_in_the_list() {
    let listed: BTreeSet<(String, String, Access)> = ROUTES
        .iter()
        .map(|(method, path, access)| ((*method).to_owned(), (*path).to_owned(), *access))
        .collect();
    assert_eq!(listed.len(), ROUTES.len(), "a route stands twice in the list");
    let registered: BTreeSet<(String, String, Access)> = bunsen::http::routes()
        .into_iter()
        .map(|route| {
            let access = match route.access {
                bunsen::http::Access::Open => Open,
                bunsen::http::Access::Optional => Optional,
                bunsen::http::Access::Platform => Platform,
            };
            (route.method.to_string(), without_names(&route.path.to_string()), access)
        })
        .collect();
    let unlisted: Vec<_> = registered.difference(&listed).collect();
    let unregistered: Vec<_> = listed.difference(&registered).collect();
    assert!(
        unlisted.is_empty() && unregistered.is_empty(),
        "registered, not in the list of this test: {unlisted:?}\nin the list, not registered: {unregistered:?}"
    );
}

/// `/elements/api-v2/instances/{id}` as `/instances/{}`.
fn without_names(path: &str) -> String {
    let path = path.strip_prefix(BASE).unwrap_or(path);
    let segments = path.split('/').map(|segment| if segment.starts_with('{') { "{}" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

/// What a `{}` stands for is said by the word before it.
fn filled(path: &str, element: &str, instance: &str) -> String {
    let mut filled = Vec::new();
    for segment in path.split('/') {
        let value = match (segment, filled.last().copied()) {
            ("{}", Some("elements")) => element,
            ("{}", Some("instances")) => instance,
            ("{}", before) => panic!("this test does not know what follows {before:?}"),
            _ => segment,
        };
        filled.push(value);
    }
    filled.join("/")
}

fn names_an_instance(path: &str) -> bool {
    path.ends_with("/instances/{}")
}

/// A server with one instance each of the admin, the ordinary user and the other organization.
struct Walk {
    server: TestServer,
    element: String,
    hub: String,
    of_admin: Value,
    of_member: Value,
    of_foreign: Value,
}

impl Walk {
    async fn start(database: TestDatabase) -> Walk {
        let server = TestServer::start(database).await;
        let of_admin = server.create(&server.admin, &example_named("of the admin")).await;
        let of_member = server.create(&server.member, &example_named("of the member")).await;
        let of_foreign = server.create(&server.foreign, &example_named("of the foreigner")).await;
        let hub = of_admin["element"]["hub"].as_str().expect("a hub").to_owned();
        Walk {
            server,
            element: element_key(),
            hub,
            of_admin,
            of_member,
            of_foreign,
        }
    }

    async fn call(&self, method: &str, path: &str, authorization: Option<&str>) -> Answer {
        let mut request = self.server.request(method, path);
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        if method == "POST" {
            request = request.json(&example_named("made by the walk"));
        }
        Answer::of(request).await
    }

    /// The route with this instance, as that caller.
    async fn visit(&self, method: &str, path: &str, access: Access, instance: &str, authorization: Option<&str>) -> Answer {
        let path = filled(path, &self.element, instance);
        let base = if access == Open { "" } else { BASE };
        self.call(method, &format!("{base}{path}"), authorization).await
    }

    async fn api(&self, method: &str, path: &str, authorization: Option<&str>) -> Answer {
        self.call(method, &format!("{BASE}{path}"), authorization).await
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

fn id(instance: &Value) -> String {
    instance["id"].as_i64().expect("an id").to_string()
}

fn pair(user: &str, organization: &str) -> String {
    format!("User {user}, Organization {organization}")
}

/// Headers that prove nobody, each with what is wrong about it.
fn refused_headers(server: &TestServer) -> Vec<(&'static str, String)> {
    let (user, organization) = (&server.admin.user_secret, &server.admin.organization_secret);
    let (foreign_user, foreign_organization) = (&server.foreign.user_secret, &server.foreign.organization_secret);
    vec![
        ("no pair at all", "nonsense".to_owned()),
        ("another scheme", "Basic dXNlcjpwYXNzd29yZA==".to_owned()),
        ("an unknown session", format!("Bearer {}", unknown_secret())),
        ("an unknown keyword", format!("User {user}, Company {organization}")),
        ("a keyword twice", format!("User {user}, User {user}, Organization {organization}")),
        ("a pair without secret", format!("User, Organization {organization}")),
        ("brackets left in place", pair(&format!("<{user}>"), organization)),
        ("an unknown user", pair(&unknown_secret(), organization)),
        ("an unknown organization", pair(user, &unknown_organization_secret())),
        ("both unknown", pair(&unknown_secret(), &unknown_organization_secret())),
        ("the user in another organization", pair(user, foreign_organization)),
        ("another organization's user", pair(foreign_user, organization)),
        ("the secrets exchanged", pair(organization, user)),
        ("the user secret twice", pair(user, user)),
        ("a secret cut short", pair(&user[..user.len() - 1], organization)),
        ("a secret with something behind it", pair(&format!("{user}="), organization)),
        ("the organization in capitals", pair(user, &organization.to_uppercase())),
        ("a deactivated user", server.inactive.header()),
    ]
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
            let answer = walk.visit(method, path, *access, &instance, Some(&header)).await;
            let what = format!("{what}: {method} {path}");
            match access {
                Open => findings.status(&what, &answer, 200),
                Optional | Platform => drop(findings.error(&what, &answer, 401)),
            }
        }
    }
    for (method, path, access) in ROUTES {
        let answer = walk.visit(method, path, *access, &instance, None).await;
        let what = format!("no header: {method} {path}");
        match access {
            Open | Optional => findings.status(&what, &answer, 200),
            Platform => drop(findings.error(&what, &answer, 401)),
        }
        if *access == Platform {
            for half in [
                format!("User {}", walk.server.admin.user_secret),
                format!("Organization {}", walk.server.admin.organization_secret),
                format!("Element {}", walk.token(&walk.of_admin)),
            ] {
                let keyword = half.split(' ').next().unwrap_or_default();
                let answer = walk.visit(method, path, *access, &instance, Some(&half)).await;
                findings.error(&format!("only {keyword}: {method} {path}"), &answer, 401);
            }
        }
    }
    findings.check(walk.stored().await == before, || "a refused caller created or deleted".to_owned());
    findings.check(vendors.calls().await == 0, || "a refused caller reached the vendor".to_owned());
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
            let answer = walk.visit(method, path, *access, &id(&fresh), Some(&caller.header())).await;
            findings.status(&format!("{who}: {method} {path}"), &answer, 200);
        }
    }
    findings.none();
}

/// Whose instance a caller may not even know of.
#[database_test]
async fn instances_of_others_do_not_exist(database: TestDatabase) {
    let walk = Walk::start(database).await;
    let mut findings = Findings::default();
    let server = &walk.server;
    let before = walk.stored().await;
    let unknown = ["0", "999999999", "9223372036854775807", "9223372036854775808", "99999999999999999999999", "abc", "-1"];
    let mut attempts: Vec<(&str, &Caller, String)> = vec![
        ("admin, another organization's", &server.admin, id(&walk.of_foreign)),
        ("foreigner, the admin's", &server.foreign, id(&walk.of_admin)),
        ("foreigner, the member's", &server.foreign, id(&walk.of_member)),
        ("member, another account's", &server.member, id(&walk.of_admin)),
        ("colleague, another account's", &server.colleague, id(&walk.of_admin)),
        ("member, another organization's", &server.member, id(&walk.of_foreign)),
    ];
    attempts.extend(unknown.map(|id| ("admin, nobody's", &server.admin, id.to_owned())));
    for (what, caller, instance) in &attempts {
        for (method, path, access) in ROUTES.iter().filter(|(_, path, _)| names_an_instance(path)) {
            let answer = walk.visit(method, path, *access, instance, Some(&caller.header())).await;
            findings.error(&format!("{what} {instance}: {method} {path}"), &answer, 404);
        }
    }
    findings.check(walk.stored().await == before, || "somebody else's instance was deleted".to_owned());
    for (owner, instance) in [
        (&server.admin, &walk.of_admin),
        (&server.member, &walk.of_member),
        (&server.foreign, &walk.of_foreign),
    ] {
        let answer = walk.api("GET", &format!("/instances/{}", id(instance)), Some(&owner.header())).await;
        findings.status("its owner still reads it", &answer, 200);
    }
    findings.none();
}

/// An `Element` part is not needed on platform routes, but it must not be a wrong one.
#[database_test]
async fn the_element_part_on_platform_routes(database: TestDatabase) {
    let walk = Walk::start(database).await;
    let mut findings = Findings::default();
    let server = &walk.server;
    let disabled = server.create(&server.admin, &example_named("disabled")).await;
    server.set_disabled(disabled["id"].as_i64().expect("an id"), true).await;
    let deleted = server.create(&server.admin, &example_named("deleted")).await;
    let gone = walk.api("DELETE", &format!("/instances/{}", id(&deleted)), Some(&server.admin.header())).await;
    findings.status("delete", &gone, 200);

    let tokens = [
        ("a valid token", walk.token(&walk.of_admin).to_owned(), 200),
        ("a disabled instance's token", walk.token(&disabled).to_owned(), 200),
        ("undefined", "undefined".to_owned(), 200),
        ("null", "null".to_owned(), 200),
        ("an unknown token", unknown_secret(), 401),
        ("a deleted instance's token", walk.token(&deleted).to_owned(), 401),
        ("another organization's token", walk.token(&walk.of_foreign).to_owned(), 401),
    ];
    for (what, token, status) in &tokens {
        let header = server.admin.with_token(token);
        for (method, path, access) in ROUTES.iter().filter(|(_, _, access)| *access == Platform) {
            let fresh = server.create(&server.admin, &example_named("for one visit")).await;
            let answer = walk.visit(method, path, *access, &id(&fresh), Some(&header)).await;
            let what = format!("{what}: {method} {path}");
            match status {
                200 => findings.status(&what, &answer, 200),
                _ => drop(findings.error(&what, &answer, *status)),
            }
        }
    }
    findings.none();
}

/// The forms in which one hub call may arrive.
fn hub_paths(hub: &str) -> Vec<String> {
    vec![
        format!("/hubs/{hub}/incidents"),
        "/hubs/any-word/incidents".to_owned(),
        "/incidents".to_owned(),
        "//incidents".to_owned(),
        "/incidents/".to_owned(),
        "//incidents//".to_owned(),
        format!("/hubs/{hub}//incidents"),
        format!("//hubs//{hub}//incidents/"),
        "/incidents/12/comments".to_owned(),
        format!("/hubs/{hub}/elements/12"),
    ]
}

#[database_test]
async fn hub_calls_answer_by_the_outcome_table(database: TestDatabase) {
    let walk = Walk::start(database).await;
    let mut findings = Findings::default();
    let server = &walk.server;
    let disabled = server.create(&server.member, &example_named("disabled")).await;
    server.set_disabled(disabled["id"].as_i64().expect("an id"), true).await;
    let deleted = server.create(&server.member, &example_named("deleted")).await;
    let gone = walk.api("DELETE", &format!("/instances/{}", id(&deleted)), Some(&server.member.header())).await;
    findings.status("delete", &gone, 200);

    let (admin, member, foreign) = (&server.admin, &server.member, &server.foreign);
    let [of_admin, of_member, of_foreign] =
        [&walk.of_admin, &walk.of_member, &walk.of_foreign].map(|instance| walk.token(instance));
    let without_organization = format!("User {}, Element {of_member}", member.user_secret);
    let outcomes: Vec<(&str, Option<String>, u16)> = vec![
        ("no header", None, 401),
        ("nonsense", Some("nonsense".into()), 401),
        ("no Element part", Some(member.header()), 401),
        ("Element undefined", Some(member.with_token("undefined")), 401),
        ("Element null", Some(member.with_token("null")), 401),
        ("only the token", Some(format!("Element {of_member}")), 401),
        ("token and organization", Some(format!("Element {of_member}, Organization {}", member.organization_secret)), 401),
        ("unknown token", Some(member.with_token(&unknown_secret())), 401),
        ("token of a deleted instance", Some(member.with_token(walk.token(&deleted))), 401),
        ("token of another organization", Some(member.with_token(of_foreign)), 401),
        ("the same as its admin", Some(admin.with_token(of_foreign)), 401),
        ("another organization's user", Some(format!("User {}, Element {of_member}", foreign.user_secret)), 401),
        ("token of another account", Some(member.with_token(of_admin)), 401),
        ("unknown user", Some(format!("User {}, Element {of_member}", unknown_secret())), 401),
        ("deactivated user", Some(format!("User {}, Element {of_member}", server.inactive.user_secret)), 401),
        (
            "wrong organization beside right user and token",
            Some(format!("User {}, Organization {}, Element {of_member}", member.user_secret, unknown_organization_secret())),
            401,
        ),
        (
            "another organization beside right user and token",
            Some(format!("User {}, Organization {}, Element {of_member}", member.user_secret, foreign.organization_secret)),
            401,
        ),
        ("disabled instance", Some(member.with_token(walk.token(&disabled))), 403),
        ("all three parts", Some(member.with_token(of_member)), 404),
        ("no organization", Some(without_organization), 404),
        ("colleague in the same account", Some(server.colleague.with_token(of_member)), 404),
        ("organization's admin, another account's token", Some(admin.with_token(of_member)), 404),
    ];
    let before = walk.stored().await;
    let vendors = Vendors::of(server);
    vendors.reset().await;
    for path in hub_paths(&walk.hub) {
        for (what, header, status) in &outcomes {
            for method in ["GET", "POST", "PATCH", "DELETE"] {
                let answer = walk.api(method, &path, header.as_deref()).await;
                findings.error(&format!("{what}: {method} {path}"), &answer, *status);
            }
        }
    }
    findings.check(walk.stored().await == before, || "a hub call created or deleted an instance".to_owned());
    findings.check(vendors.calls().await == 0, || "a hub call reached the vendor".to_owned());
    findings.none();
}

/// Clients read the instance's id from every hub call, and the message says what is not there.
#[database_test]
async fn a_hub_call_without_resource_says_so(database: TestDatabase) {
    let walk = Walk::start(database).await;
    let header = walk.server.member.with_token(walk.token(&walk.of_member));
    for path in hub_paths(&walk.hub) {
        let answer = walk.api("GET", &path, Some(&header)).await;
        let error = answer.error(404);
        let message = message(&error);
        assert!(message.contains("does not support") && message.contains(&walk.element), "{path}: {message}");
        assert!(message.contains("GET"), "{path}: {message}");
        assert_eq!(answer.header("elements-element-instance-id"), Some(id(&walk.of_member).as_str()), "{path}");
    }
}

/// Object lists answer for disabled instances; until they exist they are simply not there.
#[database_test]
async fn a_disabled_instance_still_describes_itself(database: TestDatabase) {
    let walk = Walk::start(database).await;
    walk.server.set_disabled(walk.of_member["id"].as_i64().expect("an id"), true).await;
    let header = walk.server.member.with_token(walk.token(&walk.of_member));
    let mut findings = Findings::default();
    for path in ["/objects".to_owned(), format!("/hubs/{}/objects", walk.hub), "/ping".to_owned(), "/objects/incidents/metadata".to_owned()] {
        let answer = walk.api("GET", &path, Some(&header)).await;
        findings.error(&path, &answer, 404);
    }
    let answer = walk.api("POST", "/objects", Some(&header)).await;
    findings.error("a write", &answer, 403);
    let answer = walk.api("GET", &format!("/instances/{}", id(&walk.of_member)), Some(&walk.server.member.header())).await;
    let shown = answer.success();
    findings.check(shown["disabled"] == json!(true), || format!("disabled must be shown: {shown}"));
    findings.none();
}

/// `/hubs`, `/hubs/keys`, `/hubs/{h}` and `/hubs/{h}/elements` belong to the platform, not to an instance.
#[database_test]
async fn the_hub_catalogue_is_never_a_hub_call(database: TestDatabase) {
    let walk = Walk::start(database).await;
    let header = walk.server.member.with_token(walk.token(&walk.of_member));
    let hub = &walk.hub;
    for path in ["/hubs", "/hubs/", "/hubs/keys", &format!("/hubs/{hub}"), &format!("/hubs/{hub}/"), &format!("/hubs/{hub}/elements"), &format!("/hubs/{hub}/elements/")] {
        let answer = walk.api("GET", path, Some(&header)).await;
        answer.error(404);
        assert_eq!(answer.header("elements-element-instance-id"), None, "{path}");
        assert!(!answer.text.contains("does not support"), "{path}: {answer}");
    }
}

/// `accounts` and `users` are also names of vendors' resources; without such a resource they are the platform's.
#[database_test]
async fn accounts_and_users_with_a_token_stay_platform_lists(database: TestDatabase) {
    let walk = Walk::start(database).await;
    let header = walk.server.member.with_token(walk.token(&walk.of_member));
    for path in ["/accounts", "/users", "/accounts?pageSize=1", "/users/"] {
        let answer = walk.api("GET", path, Some(&header)).await;
        assert!(answer.success().is_array(), "{path}: {answer}");
        assert_eq!(answer.header("elements-element-instance-id"), None, "{path}");
    }
    for path in ["/accounts", "/users"] {
        walk.api("GET", path, None).await.error(401);
        let answer = walk.api("GET", &format!("/hubs/{}{path}", walk.hub), Some(&header)).await;
        answer.error(404);
        assert!(answer.text.contains("does not support"), "{path} under a hub is a hub call: {answer}");
    }
}
