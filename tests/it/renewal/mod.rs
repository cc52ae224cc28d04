//! Vendor sessions are renewed in time, once, and nothing that happens on the way costs the owner's consent.

mod behind;
mod changes;
mod classes;
mod clients;
mod ended;
mod failures;
mod no_token;
mod once;
mod planning;
mod rotation;

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::oauth::simulated::Case;
use crate::operators::Site;
use crate::process::Server;
use crate::vendors::until;

pub const DUE: &str = "update instances set renewal_due_at = now(), renewal_claimed_until = null";
const EXPIRED: &str = "update exchanges set lease_until = now()";
pub const RENEWED: &str = "select count(*) from instances where renewed_at is not null";
pub const OPEN: &str = "select count(*) from exchanges where state in ('intent', 'answered')";

/// Authorization servers whose old refresh tokens end the session.
pub fn fatal() -> Vec<Case> {
    let cases = Case::all()
        .into_iter()
        .filter(|case| case.reuse() == "fatal");
    let cases: Vec<Case> = cases.collect();
    assert!(!cases.is_empty(), "one such vendor is simulated");
    cases
}

pub struct Renewing {
    pub site: Site,
}

impl Renewing {
    pub async fn new(database: TestDatabase) -> Self {
        Self {
            site: Site::new(database).await,
        }
    }

    pub async fn strict(&self, case: &Case, access_seconds: u32) {
        let settings = json!({"rotation": "rotate_and_revoke_family_on_reuse", "access_seconds": access_seconds});
        let vendors = &self.site.vendors;
        case.control(vendors, "PATCH", "settings", Some(&settings))
            .await;
    }

    /// An instance with a session of its own; its refresh token has been used once.
    pub async fn create(&self, case: &Case, server: &Server) -> Value {
        let given = case.granted(&self.site.vendors).await;
        let refresh = json!({"oauth.user.refresh_token": given["refresh_token"]});
        let mut body = case.body_with(&json!(null), refresh);
        body["externalAuthentication"] = json!("initial");
        server.create(&server.authorization(), &body).await
    }

    pub async fn calls(&self, case: &Case) -> Value {
        case.control(&self.site.vendors, "GET", "calls", None).await
    }

    /// Refresh tokens presented, and those of them that had been replaced before.
    pub async fn spends(&self, case: &Case) -> (u64, u64) {
        let calls = self.calls(case).await;
        let count = |name: &str| calls[name].as_u64().expect("a count");
        (count("refresh_spends"), count("double_spends"))
    }

    pub async fn fault(&self, case: &Case, mut fault: Value) {
        fault["path"] = json!(case.token_at());
        self.site.vendors.fault(fault).await;
    }

    pub async fn no_faults(&self) {
        self.site
            .vendors
            .control("DELETE", "/_control/faults", None)
            .await;
    }

    pub async fn wait_for(&self, what: &str, query: &'static str, expected: i64) {
        until(what, async || self.site.count(query).await == expected).await;
    }

    pub async fn read(&self, server: &Server, instance: &Value) -> Value {
        let path = format!("/instances/{}", instance["id"]);
        let user = server.authorization();
        Answer::of(server.request("GET", &path, &user))
            .await
            .success()
    }
}
