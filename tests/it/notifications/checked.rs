//! Credentials that nothing here can renew: what the vendor refuses is checked once, and told.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{Told, call, subscribe};
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::process::Server;
use crate::vendors::{element_key, example, until};

const BOTH: [&str; 2] = ["instance.needs_owner", "instance.recovered"];
/// As if the last check had been a while ago.
const RESTED: &str = "update instances set checked_at = checked_at - interval '2 hours', invalid_since = invalid_since - interval '2 hours'";
const CHECKED: &str = "select count(*) from instances where checked_at is not null";
const INVALID: &str = "select count(*) from instances where not valid";

/// An instance by a key or a password, and two servers that know it.
struct World {
    told: Told,
    one: Server,
    two: Server,
    secret: String,
    made: Value,
    header: String,
    /// Of the vendor's call that checks the credentials.
    check: String,
}

impl World {
    async fn new(database: TestDatabase) -> Self {
        let told = Told::new(database).await;
        let one = told.serve("one").await;
        let two = told.serve("two").await;
        let (_, secret) = subscribe(&one, "/hook", &BOTH).await;
        let made = one.create(&one.authorization(), &example()).await;
        let token = made["token"].as_str().expect("a token");
        let header = format!("{}, Element {token}", one.authorization());
        let world = Self {
            check: check(),
            told,
            one,
            two,
            secret,
            made,
            header,
        };
        assert_eq!(world.checks().await, 1, "by the create");
        world
    }

    async fn checks(&self) -> u64 {
        self.told.site.vendors.calls_to(&self.check).await
    }

    /// The vendor refuses calls of these paths, in these words.
    async fn refuses(&self, path: &str, body: &str) {
        let vendors = &self.told.site.vendors;
        vendors.control("DELETE", "/_control/faults", None).await;
        let fault = json!({"kind": "status", "status": 401, "body": body, "path": path});
        vendors.fault(fault).await;
    }

    async fn get(&self, server: &Server, path: &str) -> Answer {
        Answer::of(server.request("GET", path, &self.header)).await
    }

    /// Calls of both servers at once; all are refused.
    async fn all_are_refused(&self, path: &str) {
        let servers = [&self.one, &self.two].into_iter().cycle().take(8);
        let calls = servers.map(|server| self.get(server, path));
        for answer in futures_util::future::join_all(calls).await {
            assert_eq!(answer.status, 401, "{answer}");
        }
    }

    async fn read(&self) -> Value {
        let path = format!("/instances/{}", self.made["id"]);
        call(&self.one, "GET", &path, None).await.success()
    }

    async fn stop(self) {
        self.one.stop().await;
        self.two.stop().await;
    }
}

fn definition() -> Value {
    let elements = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("elements");
    let file = elements.join(element_key()).join("element.json");
    let text = std::fs::read_to_string(file).expect("a definition");
    serde_json::from_str(&text).expect("JSON")
}

fn check() -> String {
    let definition = definition();
    let resources = definition["resources"].as_array().expect("resources");
    let check = resources
        .iter()
        .find(|resource| resource["type"] == "provisionAuthValidation");
    let path = &check.expect("a check of the credentials")["vendorPath"];
    path.as_str().expect("a path").to_owned()
}

/// A hub call that lists something without being told what.
fn list() -> String {
    let definition = definition();
    let resources = definition["resources"].as_array().expect("resources");
    let list = resources.iter().find(|resource| {
        let path = resource["path"].as_str().unwrap_or_default();
        resource["type"] == "api" && resource["method"] == "GET" && !path.contains('{')
    });
    let path = &list.expect("a list")["path"];
    path.as_str().expect("a path").to_owned()
}

#[database_test]
async fn what_no_renewal_heals_is_told_and_told_again_when_it_works(database: TestDatabase) {
    let world = World::new(database).await;
    let told = &world.told;
    // Of one call it says nothing about the others.
    world.refuses("/no-right", "{\"no\":\"right\"}").await;
    world.all_are_refused("/proxy/no-right").await;
    told.wait_for("it is checked", CHECKED, 1).await;
    until("the vendor is asked", async || world.checks().await == 2).await;
    world.all_are_refused("/proxy/no-right").await;
    assert_eq!(world.read().await["valid"], true);
    assert!(world.get(&world.two, &list()).await.status < 300);

    // The key is another at the vendor.
    world.refuses("/*", "{\"code\":\"no-such-key\"}").await;
    told.site.execute(RESTED).await;
    world.all_are_refused(&list()).await;
    let received = told.receiver.wait_for("/hook", 1).await;
    let body = received[0].verified(&world.secret);
    assert_eq!(body["topic"], BOTH[0]);
    assert_eq!(
        world.checks().await,
        3,
        "one for all callers of both servers"
    );
    let read = world.read().await;
    assert_eq!(read["valid"], false);
    assert_eq!(body["instance"]["reason"], read["invalidReason"]);
    assert_eq!(body["instance"]["since"], read["invalidSince"]);
    // Nobody asks the vendor any more, and every caller is told what to do.
    let calls = told.site.vendors.calls().await;
    let path = format!("/proxy{}", world.check);
    world.all_are_refused(&path).await;
    let answer = world.get(&world.two, &list()).await;
    assert!(crate::answer::message(&answer.error(401)).contains("reconnected"));
    assert_eq!(told.site.vendors.calls().await, calls);

    // Refused again after a while: nothing new. Then it is taken: nobody has to do anything.
    told.site.execute(RESTED).await;
    world.all_are_refused(&list()).await;
    until("it is tried again", async || world.checks().await == 4).await;
    let vendors = &told.site.vendors;
    vendors.control("DELETE", "/_control/faults", None).await;
    told.site.execute(RESTED).await;
    // Refused at once, unless one of the calls before is still being looked into.
    world.get(&world.one, &list()).await;
    let received = told.receiver.wait_for("/hook", 2).await;
    let recovered = received[1].verified(&world.secret);
    assert_eq!(recovered["topic"], BOTH[1]);
    assert_eq!(recovered["instance"]["id"], world.made["id"]);
    assert_eq!(world.checks().await, 5);
    for server in [&world.one, &world.two] {
        assert!(world.get(server, &list()).await.status < 300);
    }
    assert_eq!(world.read().await["valid"], true);
    world.stop().await;
}

#[database_test]
async fn its_owner_heals_it_and_a_page_in_front_of_the_vendor_does_not_end_it(
    database: TestDatabase,
) {
    let world = World::new(database).await;
    let told = &world.told;
    world
        .refuses("/*", "<html>Log in to the proxy</html>")
        .await;
    world
        .all_are_refused(&format!("/proxy{}", world.check))
        .await;
    told.wait_for("it is checked", CHECKED, 1).await;
    until("the vendor is asked", async || world.checks().await >= 10).await;
    assert_eq!(told.site.count(INVALID).await, 0);

    world.refuses("/*", "{\"code\":\"no-such-key\"}").await;
    told.site.execute(RESTED).await;
    world.all_are_refused("/proxy/anything").await;
    told.receiver.wait_for("/hook", 1).await;
    // What it was made with is sent again while the vendor goes on refusing it, and then is not.
    let path = format!("/instances/{}", world.made["id"]);
    let again = json!({"configuration": example()["configuration"]});
    call(&world.one, "PATCH", &path, Some(&again))
        .await
        .error(401);
    let vendors = &told.site.vendors;
    vendors.control("DELETE", "/_control/faults", None).await;
    call(&world.one, "PATCH", &path, Some(&again))
        .await
        .success();
    let received = told.receiver.wait_for("/hook", 2).await;
    assert_eq!(received[1].verified(&world.secret)["topic"], BOTH[1]);
    assert!(world.get(&world.one, &list()).await.status < 300);

    // What was given anew may be refused at once, and is told without waiting.
    world.refuses("/*", "{\"code\":\"no-such-key\"}").await;
    world.all_are_refused(&list()).await;
    told.receiver.wait_for("/hook", 3).await;
    world.stop().await;
}

/// However many call an instance at once, the vendor is asked once.
#[database_test]
async fn sixty_four_refused_calls_make_one_look(database: TestDatabase) {
    let world = World::new(database).await;
    world.refuses("/*", "{\"code\":\"no-such-key\"}").await;
    world.all_are_refused(&list()).await;
    world.told.receiver.wait_for("/hook", 1).await;
    let before = world.checks().await;
    let refused = async || {
        let servers = [&world.one, &world.two].into_iter().cycle().take(64);
        let path = list();
        let calls = servers.map(|server| world.get(server, &path));
        for answer in futures_util::future::join_all(calls).await {
            assert_eq!(answer.status, 401, "{answer}");
        }
    };
    world.told.site.execute(RESTED).await;
    refused().await;
    until("it is tried again", async || world.checks().await > before).await;
    refused().await;
    assert_eq!(world.checks().await, before + 1);
    // What has not been mended for long is tried ever more seldom.
    world
        .told
        .site
        .execute("update instances set invalid_since = now() - interval '10 days', checked_at = now() - interval '9 hours'")
        .await;
    refused().await;
    assert_eq!(world.checks().await, before + 1);
    world
        .told
        .site
        .execute("update instances set checked_at = now() - interval '11 hours'")
        .await;
    refused().await;
    until("it is tried after half a day", async || {
        world.checks().await == before + 2
    })
    .await;
    world.stop().await;
}

/// Nobody is asked by all instances of an organization at once, and in the end about each.
#[database_test]
async fn few_are_looked_at_at_once(database: TestDatabase) {
    const INSTANCES: usize = 12;
    const AT_ONCE: u64 = 4;
    const BROKEN: &str = "update instances set valid = false, invalid_reason = 'refused', renewal_by_call_at = now(),
        invalid_since = now() - interval '2 hours', checked_at = null";
    let told = Told::new(database).await;
    let server = told.serve("one").await;
    let user = server.authorization();
    let mut headers = Vec::new();
    for _ in 0..INSTANCES {
        let made = server.create(&user, &example()).await;
        let token = made["token"].as_str().expect("a token");
        headers.push(format!("{user}, Element {token}"));
    }
    let path = list();
    let all_call = async || {
        let calls = headers.iter();
        let calls = calls.map(|header| Answer::of(server.request("GET", &path, header)));
        futures_util::future::join_all(calls).await
    };
    let checks = async || told.site.vendors.calls_to(&check()).await;
    let before = checks().await;
    let slow = json!({"kind": "slow", "milliseconds": 6000, "path": check()});
    told.site.vendors.fault(slow).await;
    told.site.execute(BROKEN).await;
    for _ in 0..3 {
        assert!(all_call().await.iter().all(|answer| answer.status == 401));
        until("so many are asked about", async || {
            checks().await >= before + AT_ONCE
        })
        .await;
    }
    assert_eq!(told.site.count(CHECKED).await, AT_ONCE as i64);
    assert_eq!(checks().await, before + AT_ONCE);
    let vendors = &told.site.vendors;
    vendors.control("DELETE", "/_control/faults", None).await;
    until("all of them work again", async || {
        all_call().await;
        told.site.count(INVALID).await == 0
    })
    .await;
    assert_eq!(checks().await, before + INSTANCES as u64);
    server.stop().await;
}
