//! The first thing a call meets: which company, which operation, whose token, and the headers that are on every answer.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::errors::{self, Refusal};
use super::limits::Usage;
use super::routes::{self, Operation};
use super::visit::{Version, Visit};
use super::world::{self, World};
use super::{Moment, provider, rows};
use crate::answer::Answer;
use crate::form::Form;
use crate::routes::{Found, Route, find};
use crate::vendor::Call;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const DAILY_LIMIT: HeaderName = HeaderName::from_static("x-daily-ratelimit-token-limit");
const DAILY_REMAINING: HeaderName = HeaderName::from_static("x-daily-ratelimit-token-remaining");

const WRITES_LEFT: HeaderName = HeaderName::from_static("x-daily-requests-left");

pub type Outcome = Result<Answer, Refusal>;

pub fn answer(world: &mut World, call: &Call, moment: Moment) -> Answer {
    let label = world::label(&call.host).unwrap_or_default();
    let company = match label {
        "api" => None,
        _ => match world.company_at(label) {
            Some(company) => Some(company.id),
            None => return errors::no_such_company(),
        },
    };
    let mut usage = None;
    let outcome = routed(world, call, company, moment, &mut usage);
    let mut answer = outcome.unwrap_or_else(Refusal::into_answer);
    add_headers(answer.headers_mut(), usage.as_ref());
    answer
}

/// Counts the call and adds the headers to an answer that somebody else made.
pub fn dress(world: &mut World, call: &Call, headers: &mut HeaderMap, moment: Moment) {
    let Ok(credential) = Credential::of(call) else {
        return;
    };
    let Ok((user, company)) = credential.owner(world) else {
        return;
    };
    let cost = match table(call).map(|(_, table, path)| find(table, call.method.as_str(), path)) {
        Some(Found::Operation(Operation::Token(cost, ..), _)) => *cost,
        Some(Found::Operation(Operation::Records(data), _)) => data.cost,
        _ => 0,
    };
    let bearer = matches!(credential, Credential::Bearer(_));
    let usage = world.count(user, company, cost, moment, bearer);
    add_headers(headers, usage.as_ref());
}

/// The order is unverified: path, method, token, edge, limits, company, rights.
fn routed(
    world: &mut World,
    call: &Call,
    host: Option<u64>,
    moment: Moment,
    usage: &mut Option<Usage>,
) -> Outcome {
    let (version, table, path) = table(call).ok_or_else(errors::unknown_path)?;
    let (operation, parameters) = match find(table, call.method.as_str(), path) {
        Found::Operation(operation, parameters) => (operation, parameters),
        Found::WrongMethod(allow) => return Err(Refusal::WrongMethod(allow)),
        Found::Nothing => return Err(errors::unknown_path()),
    };
    let (cost, scopes) = match operation {
        Operation::Open(run) => return run(world, call),
        Operation::Token(cost, scopes, _) => (*cost, *scopes),
        Operation::Records(data) => (data.cost, data.scopes),
    };
    let credential = Credential::of(call)?;
    let (user, company) = credential.owner(world)?;
    let bearer = matches!(credential, Credential::Bearer(_));
    let dead = || {
        if bearer {
            Refusal::InvalidToken
        } else {
            Refusal::Unauthorized
        }
    };
    // A token is one company's, so at another company's host it is unknown (unverified).
    let membership = world
        .membership(user, company)
        .filter(|membership| !membership.deactivated && host.is_none_or(|host| host == company))
        .ok_or_else(dead)?;
    if membership.blocked {
        return Err(Refusal::Blocked);
    }
    let forbidden = membership.forbidden;
    *usage = world.count(user, company, cost, moment, bearer);
    let writes = !bearer && matches!(call.method.as_str(), "POST" | "PUT");
    if let Some(company) = world.companies.get_mut(&company).filter(|_| writes) {
        let left = company.spent.write();
        *usage = usage.map(|usage| Usage {
            writes_left: Some(left),
            ..usage
        });
    }
    if usage.is_some_and(|usage| usage.exceeded) {
        let text = if bearer {
            errors::BEARER_OVER_LIMIT
        } else {
            errors::OVER_LIMIT
        };
        return Err(Refusal::TooMany(text));
    }
    if world
        .companies
        .get(&company)
        .is_some_and(|company| company.closed)
    {
        return Err(errors::company_closed());
    }
    if forbidden {
        return Err(errors::forbidden());
    }
    if !credential.covers(world, scopes, call.method == "GET") {
        return Ok(errors::scope_mismatch());
    }
    let data = match operation {
        Operation::Open(_) => return Err(errors::unknown_path()),
        Operation::Token(_, _, run) => return run(world, user, company),
        Operation::Records(data) => data,
    };
    if data.retired && world.habits.v1_retired {
        return Err(rows::retired());
    }
    world.fill(company);
    let query = Form::query(call.query.as_deref().unwrap_or_default());
    let resource = data.resource;
    (data.run)(&mut Visit {
        world,
        user,
        company,
        call,
        query,
        version,
        resource,
        parameters,
    })
}

/// v1 stands below two prefixes, v2 below one.
fn table(call: &Call) -> Option<(Version, &'static [Route<Operation>], &str)> {
    if let Some(path) = call.path.strip_prefix("/api/v2/") {
        return Some((Version::Two, routes::V2, path));
    }
    let path = call.path.strip_prefix("/api").unwrap_or(&call.path);
    path.strip_prefix("/v1/")
        .map(|path| (Version::One, routes::V1, path))
}

/// With what a caller says who it is.
#[derive(Debug)]
enum Credential {
    ApiToken(String),
    Bearer(String),
}

impl Credential {
    /// The documented header, a bearer token, or the older query parameter. With several this order decides (unverified).
    fn of(call: &Call) -> Result<Self, Refusal> {
        if let Some(token) = call.header("x-api-token") {
            return Ok(Self::ApiToken(token.to_owned()));
        }
        if let Some(value) = call.header("authorization") {
            let parts = value.split_once(' ');
            let parts = parts.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
            let (_, token) = parts.ok_or_else(errors::malformed_authorization)?;
            return Ok(Self::Bearer(token.trim().to_owned()));
        }
        let query = Form::query(call.query.as_deref().unwrap_or_default());
        let token = query.get("api_token").ok_or(Refusal::Unauthorized)?;
        Ok(Self::ApiToken(token.to_owned()))
    }

    /// User and company of a token that is good now.
    fn owner(&self, world: &World) -> Result<(u64, u64), Refusal> {
        match self {
            Self::ApiToken(token) => world.owner(token).ok_or(Refusal::Unauthorized),
            Self::Bearer(token) => {
                let access = world.oauth.access(token, world.clock.now());
                let owner = access.and_then(|access| provider::owner(&access.subject));
                owner.ok_or(Refusal::InvalidToken)
            }
        }
    }

    /// A family of scopes has one for reading and one for everything; others are named whole.
    fn covers(&self, world: &World, scopes: &[&str], reading: bool) -> bool {
        let Self::Bearer(token) = self else {
            return true;
        };
        let fits = |given: &String| {
            scopes.iter().any(|scope| match given.split_once(':') {
                Some((family, right)) if family == *scope => {
                    right == "full" || (reading && right == "read")
                }
                _ => given == scope,
            })
        };
        let access = world.oauth.access(token, world.clock.now());
        access.is_some_and(|access| access.scopes.iter().any(fits))
    }
}

/// The limits are a token's and its company's, so a call without a token has none to tell of. `x-daily-requests-left`
/// belongs to POST and PUT with an API token.
fn add_headers(headers: &mut HeaderMap, usage: Option<&Usage>) {
    let Some(usage) = usage else {
        return;
    };
    headers.insert(LIMIT, HeaderValue::from(usage.burst));
    headers.insert(REMAINING, HeaderValue::from(usage.burst_remaining));
    headers.insert(RESET, HeaderValue::from(usage.reset));
    headers.insert(DAILY_LIMIT, HeaderValue::from(usage.daily));
    headers.insert(DAILY_REMAINING, HeaderValue::from(usage.daily_remaining));
    if let Some(left) = usage.writes_left {
        headers.insert(WRITES_LEFT, HeaderValue::from(left));
    }
}
