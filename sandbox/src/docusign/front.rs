//! The first thing a call meets: which server, which operation, who calls, and the headers that are on every answer.

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use super::errors::{self, Refusal};
use super::limits::{Exceeded, Usage};
use super::sites::{self, Environment};
use super::world::{Account, World};
use super::{account_server, accounts, login, login_information, oauth2};
use crate::answer::Answer;
use crate::routes::{self, Found, Route};
use crate::vendor::Call;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const BURST_LIMIT: HeaderName = HeaderName::from_static("x-burstlimit-limit");
const BURST_REMAINING: HeaderName = HeaderName::from_static("x-burstlimit-remaining");
const TRACE: HeaderName = HeaderName::from_static("x-docusign-tracetoken");
const NODE: HeaderName = HeaderName::from_static("x-docusign-node");

pub type Outcome = Result<Answer, Refusal>;

/// One call of the API, as data.
#[derive(Debug)]
enum Operation {
    /// Needs no log-in, or is one.
    Open(fn(&mut World, &Visit<'_>) -> Outcome),
    LoggedIn(Owned),
}

/// Whose the answer is.
#[derive(Debug)]
enum Owned {
    /// The user's who calls.
    Personal(fn(&World, &Visit<'_>, &str) -> Outcome),
    /// The account's in the path.
    OfAccount(fn(&Account) -> Outcome),
}

/// A routed call.
#[derive(Debug)]
pub struct Visit<'a> {
    pub call: &'a Call,
    pub site: &'a str,
    pub environment: Environment,
    pub now: i64,
}

static ROUTES: &[Route<Operation>] = &[
    Route {
        path: "service_information",
        methods: &[("GET", Operation::Open(accounts::service_information))],
    },
    Route {
        path: "v2/login_information",
        methods: &[(
            "GET",
            Operation::LoggedIn(Owned::Personal(login_information::read)),
        )],
    },
    Route {
        path: "v2/oauth2/token",
        methods: &[("POST", Operation::Open(oauth2::token))],
    },
    Route {
        path: "v2/oauth2/revoke",
        methods: &[("POST", Operation::Open(oauth2::revoke))],
    },
    Route {
        path: "v2/accounts/{accountId}",
        methods: &[("GET", Operation::LoggedIn(Owned::OfAccount(accounts::read)))],
    },
    Route {
        path: "v2.1/accounts/{accountId}",
        methods: &[("GET", Operation::LoggedIn(Owned::OfAccount(accounts::read)))],
    },
];

pub fn answer(world: &mut World, call: &Call, now: i64) -> Answer {
    if let Some(environment) = sites::account_server(&call.host) {
        return account_server::answer(world, call, environment, now);
    }
    let mut usage = None;
    let outcome = routed(world, call, now, &mut usage);
    let mut answer = outcome.unwrap_or_else(Refusal::into_answer);
    add_headers(answer.headers_mut(), usage.as_ref());
    answer
}

/// Counts the call and adds the headers to an answer that somebody else made.
pub fn dress(world: &mut World, call: &Call, headers: &mut HeaderMap, now: i64) {
    if sites::account_server(&call.host).is_none() {
        let usage = named_account(world, call).map(|account| account.limit.count(now));
        add_headers(headers, usage.as_ref());
    }
}

/// No `Retry-After` is documented: the reset time says when to come back.
pub fn rate_limited(world: &mut World, call: &Call, seconds: u64, now: i64) -> Answer {
    let account = named_account(world, call).map(|account| &*account);
    let mut answer = errors::too_many(account, Exceeded::Hour).into_answer();
    dress(world, call, answer.headers_mut(), now);
    let reset = now.saturating_add_unsigned(seconds);
    answer.headers_mut().insert(RESET, HeaderValue::from(reset));
    answer.headers_mut().insert(REMAINING, HeaderValue::from(0));
    answer
}

/// The account that a path names, whoever calls.
fn named_account<'w>(world: &'w mut World, call: &Call) -> Option<&'w mut Account> {
    let mut segments = call
        .path
        .split('/')
        .skip_while(|segment| *segment != "accounts");
    let number = world.account(segments.nth(1)?)?.number;
    world.accounts.get_mut(&number)
}

fn routed(
    world: &mut World,
    call: &Call,
    now: i64,
    usage: &mut Option<Usage>,
) -> Result<Answer, Refusal> {
    let site = sites::label(&call.host).ok_or(Refusal::NotFound)?;
    let path = call.path.strip_prefix("/restapi/");
    // Path and method are looked at before the log-in, and a wrong method is answered like a wrong path.
    let Some(Found::Operation(operation, parameters)) =
        path.map(|path| routes::find(ROUTES, call.method.as_str(), path))
    else {
        return Err(Refusal::NotFound);
    };
    let environment = Environment::of(site);
    let visit = Visit {
        call,
        site,
        environment,
        now,
    };
    let owned = match operation {
        Operation::Open(run) => return run(world, &visit),
        Operation::LoggedIn(owned) => owned,
    };
    let caller = login::caller(world, call, environment, now)?;
    let user = world.users.get(&caller).ok_or_else(errors::invalid_token)?;
    let wanted = parameters.first();
    let account = match wanted {
        Some(wanted) => world
            .account(wanted)
            .filter(|account| account.site == site && user.accounts.contains(&account.number))
            .map(|account| account.number),
        None => None,
    };
    // Calls without an account, or with one that is out of reach, count for the caller's default account (unverified).
    if let Some(number) = account.or(user.default_account) {
        admit(world, number, now, usage)?;
    }
    match owned {
        Owned::Personal(run) => run(world, &visit, &caller),
        Owned::OfAccount(run) => {
            let account = account.and_then(|number| world.accounts.get(&number));
            let account = account.ok_or_else(errors::no_membership)?;
            accounts::permitted(account)?;
            run(account)
        }
    }
}

/// Counts the call for an account and refuses what is too much for it.
fn admit(
    world: &mut World,
    number: u64,
    now: i64,
    usage: &mut Option<Usage>,
) -> Result<(), Refusal> {
    let Some(account) = world.accounts.get_mut(&number) else {
        return Ok(());
    };
    let found = usage.insert(account.limit.count(now));
    match found.exceeded {
        Some(exceeded) => Err(errors::too_many(Some(account), exceeded)),
        None => Ok(()),
    }
}

/// The limits are an account's, so an answer for nobody's account does not have them.
fn add_headers(headers: &mut HeaderMap, usage: Option<&Usage>) {
    if let Some(usage) = usage {
        headers.insert(LIMIT, HeaderValue::from(usage.hourly));
        headers.insert(REMAINING, HeaderValue::from(usage.hourly_remaining));
        headers.insert(RESET, HeaderValue::from(usage.reset));
        headers.insert(BURST_LIMIT, HeaderValue::from(usage.burst));
        headers.insert(BURST_REMAINING, HeaderValue::from(usage.burst_remaining));
    }
    if let Ok(trace) = HeaderValue::try_from(Uuid::new_v4().to_string()) {
        headers.insert(TRACE, trace);
    }
    headers.insert(NODE, HeaderValue::from_static("SANDBOX1"));
}
