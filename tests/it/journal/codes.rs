//! Log-ins that use up a code: what the vendor gave for it is stored by whoever is there, and it is never sent twice.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{CALLS, Journalled, patiently};
use crate::answer::{Answer, message};
use crate::database::TestDatabase;
use crate::oauth::simulated::Case;
use crate::process::Server;

impl Journalled {
    /// A code, as a person's browser brings it.
    async fn brought(&self, case: &Case, server: &Server, user: &str) -> Value {
        let page = Answer::of(server.request("GET", &case.page(), user)).await;
        case.decide(&self.site.vendors, &page.success(), "allow")
            .await
    }

    /// Sends the request and kills the server when it has the answer in the journal and nowhere else.
    async fn kill_when_answered(&self, server: Server, request: reqwest::RequestBuilder) {
        let vendors = &self.site.vendors;
        let before = vendors.calls().await;
        vendors
            .fault(json!({"kind": "slow", "milliseconds": 1500}))
            .await;
        let sent = tokio::spawn(request.send());
        vendors.wait_for_calls(before + CALLS).await;
        let lock = self.lock("instances", "exclusive").await;
        self.wait_for_states(&["answered"]).await;
        self.assert_sealed().await;
        server.kill().await;
        assert!(sent.await.expect("the request ends").is_err());
        drop(lock);
        vendors.control("DELETE", "/_control/faults", None).await;
    }

    /// Sends the request and kills the server while the last of its calls is under way.
    async fn kill_before_the_last_answer(&self, server: Server, request: reqwest::RequestBuilder) {
        let vendors = &self.site.vendors;
        let before = vendors.calls().await;
        vendors
            .fault(json!({"kind": "slow", "milliseconds": 1500}))
            .await;
        let sent = tokio::spawn(request.send());
        vendors.wait_for_calls(before + CALLS).await;
        server.kill().await;
        assert!(sent.await.expect("the request ends").is_err());
        vendors.control("DELETE", "/_control/faults", None).await;
        assert_eq!(self.states().await, ["intent"]);
        let reached = "select count(*) from exchanges where answer_sealed is not null";
        assert_eq!(self.site.count(reached).await, 1);
        self.assert_sealed().await;
    }

    /// Another server finishes what was left.
    async fn serve_until(&self, state: &str) -> Server {
        let server = self.serve("one").await;
        self.expire().await;
        self.wait_for_states(&[state]).await;
        self.assert_whole().await;
        self.assert_sealed().await;
        server
    }
}

fn create(server: &Server, user: &str, body: &Value, key: Option<&str>) -> reqwest::RequestBuilder {
    let request = server.request("POST", "/instances", user).json(body);
    match key {
        Some(key) => request.header("idempotency-key", key),
        None => request,
    }
}

#[database_test]
async fn what_a_code_gave_is_stored_by_whoever_is_there(database: TestDatabase) {
    let site = Journalled::new(database).await;
    let vendors = &site.site.vendors;
    let mut server = site.serve("one").await;
    let user = server.authorization();
    for case in Case::all() {
        vendors.reset().await;
        site.site.execute("delete from exchanges").await;
        let before = site.instances().await;
        let body = case.body(&site.brought(&case, &server, &user).await);
        let request = create(&server, &user, &body, None);
        site.kill_when_answered(server, request).await;
        assert_eq!(site.instances().await, before);

        server = site.serve_until("applied").await;
        assert_eq!(site.instances().await, before + 1);
        assert_eq!(case.asked(vendors, "authorization_code").await, (1, 0));
        let path = format!("/elements/{}/instances", case.element);
        let listed = Answer::of(server.request("GET", &path, &user)).await;
        let made = listed.success()[0].clone();
        assert_eq!(made["name"], body["name"]);
        // It has its tokens: one of them renews it.
        site.site
            .execute("update instances set valid = false")
            .await;
        let path = format!("/instances/{}", made["id"]);
        let same = json!({"configuration": body["configuration"]});
        let renewed = server.request("PATCH", &path, &user).json(&same);
        Answer::of(renewed).await.success();
        assert_eq!(case.asked(vendors, "refresh_token").await, (1, 0));

        // The same when access is allowed again.
        site.site.execute("delete from exchanges").await;
        let generation = "select max(generation) from instances";
        let generation_before = site.site.count(generation).await;
        let brought = site.brought(&case, &server, &user).await;
        let change = json!({"name": "allowed again", "providerData": brought});
        let request = server.request("PATCH", &path, &user).json(&change);
        site.kill_when_answered(server, request).await;
        server = site.serve_until("applied").await;
        assert_eq!(case.asked(vendors, "authorization_code").await, (2, 0));
        let read = Answer::of(server.request("GET", &path, &user)).await;
        let read = read.success();
        assert_eq!(
            (&read["name"], &read["valid"]),
            (&json!("allowed again"), &json!(true))
        );
        assert_eq!(site.site.count(generation).await, generation_before + 1);
        let deleted = server.request("DELETE", &path, &user);
        assert_eq!(Answer::of(deleted).await.status, 200);
    }
    server.stop().await;
}

/// The code is used up, what the vendor gave for it is known, and a call is left: whoever is there makes it.
#[database_test]
async fn a_log_in_that_was_cut_short_between_its_calls_goes_on(database: TestDatabase) {
    let site = Journalled::new(database).await;
    let vendors = &site.site.vendors;
    let mut server = site.serve("one").await;
    let user = server.authorization();
    for case in Case::all() {
        vendors.reset().await;
        site.site.execute("delete from exchanges").await;
        let before = site.instances().await;
        let body = case.body(&site.brought(&case, &server, &user).await);
        let key = format!("{}-between", case.element);
        let request = create(&server, &user, &body, Some(&key));
        site.kill_before_the_last_answer(server, request).await;
        assert_eq!(site.instances().await, before);
        // While the vendor is away the rest waits.
        let away = json!({"kind": "status", "status": 503, "count": 1});
        vendors.fault(away).await;
        server = site.serve("one").await;
        let calls = vendors.calls().await;
        site.expire().await;
        vendors.wait_for_calls(calls + 1).await;
        assert_eq!(site.states().await, ["intent"]);
        site.expire().await;
        site.wait_for_states(&["applied"]).await;
        site.assert_whole().await;
        site.assert_sealed().await;
        assert_eq!(site.instances().await, before + 1);
        assert_eq!(case.asked(vendors, "authorization_code").await, (1, 0));
        assert_eq!(vendors.calls().await, calls + CALLS);
        let made = patiently(|| create(&server, &user, &body, Some(&key)))
            .await
            .success();
        assert_eq!(site.instances().await, before + 1);
        assert!(made["configuration"]["base.url"].is_string(), "{made}");

        // The same when access is allowed again, and the key keeps finding it.
        site.site.execute("delete from exchanges").await;
        let path = format!("/instances/{}", made["id"]);
        let brought = site.brought(&case, &server, &user).await;
        let mut whole = made.clone();
        whole["name"] = json!("allowed again");
        whole["providerData"] = brought;
        let request = server.request("PUT", &path, &user).json(&whole);
        site.kill_before_the_last_answer(server, request).await;
        server = site.serve_until("applied").await;
        assert_eq!(case.asked(vendors, "authorization_code").await, (2, 0));
        let read = Answer::of(server.request("GET", &path, &user)).await;
        let read = read.success();
        assert_eq!(
            (&read["name"], &read["token"], &read["valid"]),
            (&json!("allowed again"), &made["token"], &json!(true))
        );
        // What is stored renews.
        site.site
            .execute("update instances set renewal_due_at = now()")
            .await;
        let renewed = "select count(*) from instances where renewed_at is not null";
        crate::vendors::until("it is renewed", async || {
            site.site.count(renewed).await == 1
        })
        .await;
        assert_eq!(case.asked(vendors, "refresh_token").await, (1, 0));

        // What the vendor refuses ends it, and nobody asks again.
        site.site.execute("delete from exchanges").await;
        let before = site.instances().await;
        let body = case.body(&site.brought(&case, &server, &user).await);
        let request = create(&server, &user, &body, None);
        site.kill_before_the_last_answer(server, request).await;
        case.control(vendors, "POST", "revoke", Some(&json!({})))
            .await;
        server = site.serve_until("refused").await;
        assert_eq!(site.instances().await, before);
        let delete = server.request("DELETE", &path, &user);
        assert_eq!(Answer::of(delete).await.status, 200);
    }
    server.stop().await;
}

#[database_test]
async fn a_code_is_never_sent_twice(database: TestDatabase) {
    let site = Journalled::new(database).await;
    let vendors = &site.site.vendors;
    let mut server = site.serve("one").await;
    let user = server.authorization();
    for case in Case::all() {
        vendors.reset().await;
        site.site.execute("delete from exchanges").await;
        let before = site.instances().await;
        let at = case.token_at();
        let slow = json!({"kind": "slow", "milliseconds": 5000, "path": at});
        let body = case.body(&site.brought(&case, &server, &user).await);
        vendors.fault(slow).await;
        let key = format!("{}-killed", case.element);
        let sent = tokio::spawn(create(&server, &user, &body, Some(&key)).send());
        vendors.wait_for_calls(1).await;
        server.kill().await;
        assert!(sent.await.expect("the request ends").is_err());
        assert_eq!(site.states().await, ["intent"]);
        vendors.control("DELETE", "/_control/faults", None).await;

        server = site.serve_until("unknown").await;
        assert_eq!(site.instances().await, before);
        let told = patiently(|| create(&server, &user, &body, Some(&key))).await;
        let error = told.error(409);
        for part in ["unknown", "used up", "allow access again"] {
            assert!(message(&error).contains(part), "{error}");
        }
        assert_eq!(case.asked(vendors, "authorization_code").await, (1, 0));

        // The same while the server lives.
        let body = case.body(&site.brought(&case, &server, &user).await);
        vendors
            .fault(json!({"kind": "lost_answer", "path": at, "count": 1}))
            .await;
        let key = format!("{}-lost", case.element);
        let lost = Answer::of(create(&server, &user, &body, Some(&key))).await;
        let error = lost.error(502);
        assert!(message(&error).contains("allow access again"), "{error}");
        let told = Answer::of(create(&server, &user, &body, Some(&key))).await;
        assert!(message(&told.error(409)).contains("unknown"), "{told}");
        assert_eq!(case.asked(vendors, "authorization_code").await, (2, 0));

        // A new code with a new key is a new request; what the vendor refuses is not in doubt.
        let body = case.body(&json!({"code": "never-given"}));
        let key = format!("{}-new", case.element);
        let refused = create(&server, &user, &body, Some(&key));
        Answer::of(refused).await.error(401);
        let body = case.body(&site.brought(&case, &server, &user).await);
        let made = Answer::of(create(&server, &user, &body, Some(&key))).await;
        made.success();
        assert_eq!(site.instances().await, before + 1);
        site.assert_whole().await;
    }
    server.stop().await;
}

/// The call that is left makes something at the vendor, and the server that is gone may have made it.
#[database_test]
async fn what_must_not_be_made_twice_is_not_gone_on_with(database: TestDatabase) {
    let case = Case::all().remove(0);
    let site = Journalled::new(database).await;
    let own = site.site.folder.path("elements").join(&case.element);
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("elements")
        .join(&case.element)
        .join("element.json");
    let text = std::fs::read_to_string(shipped).expect("a definition");
    let mut definition: Value = serde_json::from_str(&text).expect("JSON");
    let resources = definition["resources"].as_array_mut().expect("resources");
    let checks = resources.iter_mut().filter(|resource| {
        resource["type"] == "provisionAuthValidation" || resource["type"] == "onProvision"
    });
    let mut marked = 0;
    for check in checks {
        check["bunsen"]["once"] = json!("a mark at the vendor");
        marked += 1;
    }
    assert!(marked > 0, "the log-in has a call behind its token");
    std::fs::create_dir_all(&own).expect("a folder");
    std::fs::write(own.join("element.json"), definition.to_string()).expect("a file");

    let vendors = &site.site.vendors;
    let server = site.serve("one").await;
    let user = server.authorization();
    let body = case.body(&site.brought(&case, &server, &user).await);
    let request = create(&server, &user, &body, Some("once"));
    site.kill_before_the_last_answer(server, request).await;
    let calls = vendors.calls().await;
    let server = site.serve_until("refused").await;
    assert_eq!(vendors.calls().await, calls, "the vendor is not asked");
    assert_eq!(site.instances().await, 0);
    let told = patiently(|| create(&server, &user, &body, Some("once"))).await;
    let error = told.error(409);
    assert!(message(&error).contains("unknown"), "{error}");
    server.stop().await;
}

/// The vendor fails behind the call that used up the code, and the server lives: who sends the request again gets what
/// comes of the rest.
#[database_test]
async fn a_repeated_request_goes_on_behind_a_code(database: TestDatabase) {
    let site = Journalled::new(database).await;
    let vendors = &site.site.vendors;
    let server = site.serve("one").await;
    let user = server.authorization();
    for case in Case::all() {
        vendors.reset().await;
        site.site.execute("delete from exchanges").await;
        let before = site.instances().await;
        let away = json!({"kind": "status", "status": 503, "method": "GET", "count": 1});
        let body = case.body(&site.brought(&case, &server, &user).await);
        let key = format!("{}-goes-on", case.element);
        vendors.fault(away.clone()).await;
        let failed = Answer::of(create(&server, &user, &body, Some(&key))).await;
        assert!(failed.status >= 500, "{failed}");
        let error = failed.error(failed.status);
        let told = message(&error);
        assert!(told.contains("same Idempotency-Key"), "{error}");
        assert!(!told.contains("allow access again"), "{error}");
        assert_eq!(
            (site.instances().await, site.states().await.len()),
            (before, 1)
        );
        site.assert_sealed().await;
        let made = patiently(|| create(&server, &user, &body, Some(&key))).await;
        let made = made.success();
        assert_eq!(site.instances().await, before + 1);
        assert_eq!(case.asked(vendors, "authorization_code").await, (1, 0));
        let again = Answer::of(create(&server, &user, &body, Some(&key))).await;
        assert_eq!(again.success()["id"], made["id"]);
        site.assert_whole().await;

        // Without a key nobody comes back for it; and what the vendor refuses is refused.
        let refused = json!({"kind": "status", "status": 401, "method": "GET", "count": 1});
        for (fault, key) in [(away, None), (refused, Some("refused"))] {
            let key = key.map(|key| format!("{}-{key}", case.element));
            let body = case.body(&site.brought(&case, &server, &user).await);
            vendors.fault(fault).await;
            let failed = Answer::of(create(&server, &user, &body, key.as_deref())).await;
            assert!(failed.text.contains("allow access again"), "{failed}");
            let open = "select count(*) from exchanges where state in ('intent', 'answered')";
            assert_eq!(site.site.count(open).await, 0);
        }
        assert_eq!(site.instances().await, before + 1);
    }
    server.stop().await;
}

/// The proxy that a person came back through is of no use any more once the vendor has answered.
#[database_test]
async fn a_log_in_is_stored_although_its_proxy_is_gone(database: TestDatabase) {
    let site = Journalled::new(database).await;
    let vendors = &site.site.vendors;
    let mut server = site.serve("one").await;
    let user = server.authorization();
    for case in Case::all() {
        vendors.reset().await;
        let body = case.body(&site.brought(&case, &server, &user).await);
        let made = Answer::of(create(&server, &user, &body, None)).await;
        let made = made.success();
        let path = format!("/instances/{}", made["id"]);
        let proxy = server.request("POST", "/elements/oauthProxies", &user);
        let proxy = proxy.json(&json!({"name": case.element}));
        Answer::of(proxy).await.success();
        site.site.execute("delete from exchanges").await;
        let brought = site.brought(&case, &server, &user).await;
        let change = json!({"name": "allowed again", "providerData": brought,
                            "configuration": body["configuration"],
                            "oauthProxy": {"isOauthProxy": true, "oauthProxyName": case.element}});
        let request = server.request("PATCH", &path, &user).json(&change);
        site.kill_when_answered(server, request).await;
        site.site.execute("delete from oauth_proxies").await;
        server = site.serve_until("applied").await;
        let read = Answer::of(server.request("GET", &path, &user)).await;
        assert_eq!(read.success()["name"], "allowed again");
        let deleted = server.request("DELETE", &path, &user);
        assert_eq!(Answer::of(deleted).await.status, 200);
    }
    server.stop().await;
}
