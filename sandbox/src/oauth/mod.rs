//! An authorization server as vendors run one: applications, consent, codes, and tokens with their rotation.
//!
//! What all vendors have in common is here; a vendor's folder says which hosts, forms and words it has (`Provider`).
//! The rest is settings, so that tests can try every behaviour a vendor might have.

mod application;
mod assertion;
mod authorize;
mod calls;
pub mod control;
mod endings;
mod grants;
mod page;
mod policy;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;
use serde_json::{Value, json};

use uuid::Uuid;

use crate::clock::Clock;
use crate::seeding::Mistake;

pub use application::Application;
pub use assertion::{Assertion, PublicKey};
pub use authorize::{Asked, Refused, Request, answer};
pub use calls::{Calls, Spent};
pub use control::Who;
pub use endings::Which;
pub use grants::{Client, Issued, Problem};
pub use page::Look;
pub use policy::{Policy, Rotation};

/// Worlds of a vendor that share no user, account or token; empty where a vendor has but one.
pub type Realm = &'static str;

/// What an authorization server asks its vendor.
pub trait Provider: Sized + Send + 'static {
    const LOOK: Look;

    fn oauth(&self) -> &Authority;
    fn oauth_mut(&mut self) -> &mut Authority;
    fn clock(&self) -> &Clock;
    fn clock_mut(&mut self) -> &mut Clock;

    /// The realm whose log-in page stands at this place, if there is one.
    fn page_at(host: &str, path: &str) -> Option<Realm>;

    /// Checks an authorize request, beyond client and redirect URI. A problem goes back to the application.
    fn check(&self, realm: Realm, request: &Request) -> Result<Asked, Refused>;

    /// Whether the application may be used in this realm.
    fn admits(&self, _realm: Realm, _client_id: &str) -> bool {
        true
    }

    /// The subject for whom somebody logs in on the page; the error is shown there.
    fn log_in(
        &mut self,
        realm: Realm,
        client_id: &str,
        email: &str,
        password: &str,
        place: Option<&str>,
    ) -> Result<String, &'static str>;

    /// What can be chosen on the page beside the user: value and name.
    fn places(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Realm and subject that a control call means.
    fn subject(&self, realm: Option<Realm>, who: &Who) -> Result<(Realm, String), Mistake>;

    /// What goes back to the application when the user declines.
    fn denial(&self) -> Vec<(&'static str, &'static str)>;

    /// The answer of the token endpoint.
    fn token_answer(&self, issued: &Issued) -> Value;

    /// An application was made by a control call.
    fn registered(&mut self, _client_id: &str) {}
}

/// How a vendor's codes and tokens look; the argument is the subject.
#[derive(Debug, Clone, Copy)]
pub struct Texts {
    pub code: fn(&str) -> String,
    pub access: fn(&str) -> String,
    pub refresh: fn(&str) -> String,
}

/// Bytes for a token's text.
pub fn random(count: usize) -> Vec<u8> {
    let uuids = (0..count.div_ceil(16)).map(|_| Uuid::new_v4().into_bytes());
    let mut bytes = uuids.collect::<Vec<_>>().concat();
    bytes.truncate(count);
    bytes
}

/// The state of one authorization server.
#[derive(Debug)]
pub struct Authority {
    /// By client id.
    pub applications: BTreeMap<String, Application>,
    pub policy: Policy,
    pub calls: Calls,
    texts: Texts,
    codes: HashMap<String, Code>,
    grants: BTreeMap<u64, Grant>,
    access: HashMap<String, Access>,
    refresh: HashMap<String, Refresh>,
    /// What a subject has allowed an application.
    consents: BTreeMap<(String, String), BTreeSet<String>>,
    last_grant: u64,
}

/// What an application may do for a subject: the family of all tokens that come from one consent.
#[derive(Debug, Clone, Serialize)]
pub struct Grant {
    pub id: u64,
    pub client_id: String,
    pub subject: String,
    pub realm: Realm,
    pub scopes: Vec<String>,
    pub created: i64,
    pub revoked: bool,
    /// Whether the application got it without a secret; only then it may refresh without one.
    pub public: bool,
    /// The refresh token that is good now, or was last.
    pub refresh_token: Option<String>,
}

#[derive(Debug)]
struct Code {
    grant: Grant,
    redirect_uri: String,
    /// The S256 challenge that the verifier must meet.
    challenge: Option<String>,
    expires_at: i64,
    used: bool,
}

#[derive(Debug, Serialize)]
pub struct Access {
    pub client_id: String,
    pub subject: String,
    pub realm: Realm,
    pub scopes: Vec<String>,
    /// Nothing for those of assertions and of control calls.
    pub grant: Option<u64>,
    pub expires_at: i64,
    pub revoked: bool,
}

#[derive(Debug, Serialize)]
struct Refresh {
    grant: u64,
    expires_at: i64,
    /// When another one took its place.
    replaced_at: Option<i64>,
}

impl Authority {
    pub fn new(policy: Policy, texts: Texts) -> Self {
        Self {
            applications: BTreeMap::new(),
            policy,
            calls: Calls::default(),
            texts,
            codes: HashMap::new(),
            grants: BTreeMap::new(),
            access: HashMap::new(),
            refresh: HashMap::new(),
            consents: BTreeMap::new(),
            last_grant: 0,
        }
    }

    /// The policy for an application: the vendor's, with what the application has of its own.
    pub fn policy_for(&self, client_id: &str) -> Policy {
        let own = self.applications.get(client_id);
        own.map_or(self.policy, |own| own.policy.onto(self.policy))
    }

    /// An application that is switched on.
    pub fn application(&self, client_id: &str) -> Option<&Application> {
        let found = self.applications.get(client_id);
        found.filter(|application| application.enabled)
    }

    pub fn consent(&mut self, client_id: &str, subject: &str, scopes: &[String]) {
        let key = (client_id.to_owned(), subject.to_owned());
        let given = self.consents.entry(key).or_default();
        given.extend(scopes.iter().cloned());
    }

    pub fn has_consent<'s>(
        &self,
        client_id: &str,
        subject: &str,
        mut scopes: impl Iterator<Item = &'s str>,
    ) -> bool {
        let key = (client_id.to_owned(), subject.to_owned());
        let given = self.consents.get(&key);
        given.is_some_and(|given| scopes.all(|scope| given.contains(scope)))
    }

    /// An access token that is good now.
    pub fn access(&self, token: &str, now: i64) -> Option<&Access> {
        let access = self.access.get(token)?;
        let grant = access.grant.and_then(|id| self.grants.get(&id));
        let ended = grant.is_some_and(|grant| grant.revoked);
        (!access.revoked && !ended && now < access.expires_at).then_some(access)
    }

    pub fn shown_consents(&self) -> Value {
        let consents = self.consents.iter();
        consents
            .map(|((client_id, subject), scopes)| {
                json!({ "client_id": client_id, "subject": subject, "scopes": scopes })
            })
            .collect()
    }

    /// The grants with their tokens, dead ones too.
    pub fn shown_grants(&self) -> Value {
        let grants = self.grants.values();
        grants
            .map(|grant| {
                let mut shown = json!(grant);
                let access = self.access.iter();
                let access = access.filter(|(_, access)| access.grant == Some(grant.id));
                shown["access_tokens"] = access.map(|(text, access)| {
                    json!({ "token": text, "expires_at": access.expires_at, "revoked": access.revoked })
                }).collect();
                let refresh = self.refresh.iter();
                let refresh = refresh.filter(|(_, refresh)| refresh.grant == grant.id);
                shown["refresh_tokens"] = refresh.map(|(text, refresh)| {
                    json!({ "token": text, "expires_at": refresh.expires_at, "replaced_at": refresh.replaced_at })
                }).collect();
                shown
            })
            .collect()
    }

    /// Access tokens by their text.
    pub fn shown_access(&self) -> Value {
        json!(self.access)
    }

    pub fn shown(&self) -> Value {
        json!({
            "applications": self.applications,
            "settings": self.policy,
            "consents": self.shown_consents(),
            "grants": self.shown_grants(),
            "calls": self.calls.shown(),
        })
    }
}
