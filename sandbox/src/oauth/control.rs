//! Control calls for an authorization server and its vendor's clock, under `/_control/{vendor}/`.

use std::sync::Mutex;

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::application::Applications;
use super::authorize;
use super::policy::PolicyChange;
use super::{Calls, Provider, Realm, Which};
use crate::answer;
use crate::hosts;
use crate::routes::Route;
use crate::seeding::{Kind, Mistake, Operation, Outcome, invalid, parse};
use crate::vendor::lock;

/// The rows for a vendor's table.
pub trait Controlled: Provider {
    const ROUTES: &'static [Route<Operation<Mutex<Self>>>] = &[
        Route {
            path: "clock",
            methods: &[("GET", clock), ("POST", move_clock)],
        },
        Route {
            path: "oauth/applications",
            methods: Applications::<Self>::MANY,
        },
        Route {
            path: "oauth/applications/{client_id}",
            methods: Applications::<Self>::ONE,
        },
        Route {
            path: "oauth/settings",
            methods: &[("GET", settings), ("PATCH", change_settings)],
        },
        Route {
            path: "oauth/decide",
            methods: &[("POST", decide)],
        },
        Route {
            path: "oauth/consents",
            methods: &[("GET", consents), ("POST", consent), ("DELETE", withdraw)],
        },
        Route {
            path: "oauth/grants",
            methods: &[("GET", grants), ("POST", grant)],
        },
        Route {
            path: "oauth/expire",
            methods: &[("POST", expire)],
        },
        Route {
            path: "oauth/revoke",
            methods: &[("POST", revoke)],
        },
        Route {
            path: "oauth/calls",
            methods: &[("GET", calls), ("DELETE", forget_calls)],
        },
    ];
}

impl<W: Provider> Controlled for W {}

/// On whose behalf a control call acts.
#[derive(Debug)]
pub struct Who {
    /// An id or an e-mail address; `sample@sample.com` when none was named.
    pub user: String,
    /// An id or a name, where users have several.
    pub company: Option<String>,
    /// The realm, where a vendor has several.
    pub environment: Option<String>,
}

/// An id as a number or as a text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Name {
    Number(u64),
    Text(String),
}

impl Name {
    fn text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text,
        }
    }
}

/// The user of the examples, unless another one is meant.
fn named(user: Option<Name>) -> String {
    user.map_or_else(|| String::from("sample@sample.com"), Name::text)
}

fn ok(value: &Value) -> Outcome {
    Ok(answer::json(StatusCode::OK, value))
}

fn clock<W: Provider>(world: &Mutex<W>, _: &[&str], _: &[u8]) -> Outcome {
    lock(world).clock().read()
}

fn move_clock<W: Provider>(world: &Mutex<W>, _: &[&str], body: &[u8]) -> Outcome {
    lock(world).clock_mut().advance(body)
}

fn settings<W: Provider>(world: &Mutex<W>, _: &[&str], _: &[u8]) -> Outcome {
    ok(&json!(lock(world).oauth().policy))
}

fn change_settings<W: Provider>(world: &Mutex<W>, _: &[&str], body: &[u8]) -> Outcome {
    let change: PolicyChange = parse(body)?;
    let mut world = lock(world);
    let oauth = world.oauth_mut();
    oauth.policy = change.onto(oauth.policy);
    ok(&json!(oauth.policy))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Decision {
    Allow,
    Deny,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Decide {
    /// As a browser would open it: the vendor's host, or this sandbox with `/_host/`.
    url: String,
    decision: Option<Decision>,
    user: Option<Name>,
    company: Option<Name>,
}

/// Logs in and presses a button; answers where the browser would be sent.
fn decide<W: Provider>(world: &Mutex<W>, _: &[&str], body: &[u8]) -> Outcome {
    let decide: Decide = parse(body)?;
    let url = Url::parse(&decide.url).map_err(|error| Mistake::Invalid(format!("url: {error}")))?;
    let embedded = hosts::embedded(url.path());
    let plain = || {
        (
            url.host_str().unwrap_or_default().to_owned(),
            url.path().to_owned(),
        )
    };
    let (host, path) = embedded.unwrap_or_else(plain);
    let Some(realm) = W::page_at(&host, &path) else {
        return invalid(format!(
            "url: no log-in page of this vendor is at {host}{path}"
        ));
    };
    let who = Who {
        user: named(decide.user),
        company: decide.company.map(Name::text),
        environment: None,
    };
    let mut world = lock(world);
    let (_, subject) = world.subject(Some(realm), &who)?;
    let allow = !matches!(decide.decision, Some(Decision::Deny));
    let query = url.query().unwrap_or_default();
    let location = authorize::decide(&mut *world, realm, query, &subject, allow);
    match location {
        Ok(location) => ok(&json!({ "location": location })),
        Err(message) => invalid(format!("url: the page shows: {message}")),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Grantee {
    client_id: String,
    scope: Option<String>,
    user: Option<Name>,
    company: Option<Name>,
    environment: Option<String>,
}

impl Grantee {
    /// Client, realm, subject and scopes; scopes that are left out are those of the application.
    fn resolve<W: Provider>(
        self,
        world: &W,
    ) -> Result<(String, Realm, String, Vec<String>), Mistake> {
        let Some(application) = world.oauth().applications.get(&self.client_id) else {
            return invalid("client_id: no such application");
        };
        let scopes = match &self.scope {
            Some(scope) => scope
                .split([' ', ','])
                .filter(|scope| !scope.is_empty())
                .map(str::to_owned)
                .collect(),
            None => application.scopes.clone(),
        };
        let who = Who {
            user: named(self.user),
            company: self.company.map(Name::text),
            environment: self.environment,
        };
        let (realm, subject) = world.subject(None, &who)?;
        Ok((self.client_id, realm, subject, scopes))
    }
}

fn consents<W: Provider>(world: &Mutex<W>, _: &[&str], _: &[u8]) -> Outcome {
    ok(&lock(world).oauth().shown_consents())
}

fn consent<W: Provider>(world: &Mutex<W>, _: &[&str], body: &[u8]) -> Outcome {
    let grantee: Grantee = parse(body)?;
    let mut world = lock(world);
    let (client_id, _, subject, scopes) = grantee.resolve(&*world)?;
    world.oauth_mut().consent(&client_id, &subject, &scopes);
    let shown = json!({ "client_id": client_id, "subject": subject, "scopes": scopes });
    Ok(answer::json(StatusCode::CREATED, &shown))
}

/// Ends the tokens as well, as when a user takes an application's access away.
fn withdraw<W: Provider>(world: &Mutex<W>, _: &[&str], body: &[u8]) -> Outcome {
    let grantee: Grantee = parse(body)?;
    let mut world = lock(world);
    let (client_id, _, subject, _) = grantee.resolve(&*world)?;
    if !world.oauth_mut().withdraw(&client_id, &subject) {
        return Err(Mistake::Unknown(
            "this user has not allowed this application anything",
        ));
    }
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

fn grants<W: Provider>(world: &Mutex<W>, _: &[&str], _: &[u8]) -> Outcome {
    ok(&lock(world).oauth().shown_grants())
}

/// The token endpoint's answer for a user who allowed it, and the grant's number.
fn grant<W: Provider>(world: &Mutex<W>, _: &[&str], body: &[u8]) -> Outcome {
    let grantee: Grantee = parse(body)?;
    let mut world = lock(world);
    let (client_id, realm, subject, scopes) = grantee.resolve(&*world)?;
    let now = world.clock().now();
    let oauth = world.oauth_mut();
    oauth.consent(&client_id, &subject, &scopes);
    let issued = oauth.mint(now, realm, &client_id, &subject, scopes);
    let shown = json!({ "grant": issued.grant, "answer": world.token_answer(&issued) });
    Ok(answer::json(StatusCode::CREATED, &shown))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expiry {
    /// `access`, `refresh` or `all`.
    what: Option<Kinds>,
    client_id: Option<String>,
    subject: Option<String>,
    grant: Option<u64>,
    token: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kinds {
    Access,
    Refresh,
    All,
}

fn expire<W: Provider>(world: &Mutex<W>, _: &[&str], body: &[u8]) -> Outcome {
    let expiry: Expiry = parse(body)?;
    let which = Which {
        client_id: expiry.client_id,
        subject: expiry.subject,
        grant: expiry.grant,
        token: expiry.token,
    };
    let what = expiry.what.unwrap_or(Kinds::Access);
    let (access, refresh) = (what != Kinds::Refresh, what != Kinds::Access);
    let mut world = lock(world);
    let now = world.clock().now();
    let count = world.oauth_mut().expire(&which, now, access, refresh);
    ok(&json!({ "count": count }))
}

fn revoke<W: Provider>(world: &Mutex<W>, _: &[&str], body: &[u8]) -> Outcome {
    let which: Which = parse(body)?;
    let count = lock(world).oauth_mut().revoke(&which);
    ok(&json!({ "count": count }))
}

fn calls<W: Provider>(world: &Mutex<W>, _: &[&str], _: &[u8]) -> Outcome {
    ok(&lock(world).oauth().calls.shown())
}

fn forget_calls<W: Provider>(world: &Mutex<W>, _: &[&str], _: &[u8]) -> Outcome {
    lock(world).oauth_mut().calls = Calls::default();
    Ok(answer::empty(StatusCode::NO_CONTENT))
}
