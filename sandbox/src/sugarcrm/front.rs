//! The first thing a call meets: which site, which version, whose session, and the calls that need no more than these.

use http::StatusCode;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::errors::{self, Refusal};
use super::records::{self, Made, Visit};
use super::sessions::{Seconds, Session};
use super::sites::{Held, Site};
use super::token::{self, Outcome};
use super::version::Version;
use crate::answer::{self, Answer};
use crate::oauth::Calls;
use crate::routes::{self, Found, Route};
use crate::vendor::Call;

/// One call of the API: a log-in, or for a live session.
#[derive(Debug)]
enum Operation {
    Token(fn(&mut Site, &mut Calls, Seconds, &Call) -> Outcome),
    Session(fn(&mut Site, Seconds, &Session) -> Value),
    Records(fn(&mut Site, &Visit<'_>) -> Outcome),
}

static ROUTES: &[Route<Operation>] = &[
    Route {
        path: "oauth2/token",
        methods: &[("POST", Operation::Token(token::answer))],
    },
    Route {
        path: "oauth2/logout",
        methods: &[("POST", Operation::Session(logout))],
    },
    Route {
        path: "ping",
        methods: &[("GET", Operation::Session(|_, _, _| json!("pong")))],
    },
    Route {
        path: "ping/whattimeisit",
        methods: &[("GET", Operation::Session(|_, now, _| json!(written(now))))],
    },
    Route {
        path: "me",
        methods: &[("GET", Operation::Session(me))],
    },
    Route {
        path: "{module}",
        methods: &[
            ("GET", Operation::Records(records::list)),
            ("POST", Operation::Records(records::create)),
        ],
    },
    Route {
        path: "{module}/count",
        methods: &[("GET", Operation::Records(records::count))],
    },
    Route {
        path: "{module}/{record}",
        methods: &[
            ("GET", Operation::Records(records::read)),
            ("PUT", Operation::Records(records::change)),
            ("DELETE", Operation::Records(records::delete)),
        ],
    },
    Route {
        path: "{module}/{record}/link/{link}",
        methods: &[
            ("GET", Operation::Records(records::linked)),
            ("POST", Operation::Records(records::create_linked)),
        ],
    },
    Route {
        path: "{module}/{record}/link/{link}/{related}",
        methods: &[
            ("GET", Operation::Records(records::read_linked)),
            ("POST", Operation::Records(records::link)),
            ("DELETE", Operation::Records(records::unlink)),
        ],
    },
];

pub fn answer(held: &mut Held, call: &Call) -> Answer {
    let now = held.now();
    let calls = &mut held.calls;
    let Some(site) = held.by_host.get_mut(&call.host) else {
        return errors::no_such_page();
    };
    let rest = call
        .path
        .strip_prefix(site.install_path.as_str())
        .and_then(|path| path.strip_prefix("/rest/"));
    let Some(rest) = rest else {
        return errors::no_such_page();
    };
    in_the_api(site, calls, now, call, rest).unwrap_or_else(Refusal::into_answer)
}

/// The order of the checks is unverified: maintenance, version, path and method, session.
fn in_the_api(
    site: &mut Site,
    calls: &mut Calls,
    now: Seconds,
    call: &Call,
    rest: &str,
) -> Outcome {
    if site.maintenance {
        return Err(Refusal::MAINTENANCE);
    }
    let (version, path) = rest.split_once('/').unwrap_or((rest, ""));
    let version = Version::parse(version).ok_or(Refusal::NOT_FOUND)?;
    if version < Version::OLDEST || version > site.version {
        return Err(Refusal::WRONG_VERSION);
    }
    let (operation, parameters) = match routes::find(ROUTES, call.method.as_str(), path) {
        Found::Operation(operation, parameters) => (operation, parameters),
        Found::WrongMethod(_) => return Err(Refusal::NO_METHOD),
        Found::Nothing => return Err(Refusal::NOT_FOUND),
    };
    match operation {
        Operation::Token(run) => run(site, calls, now, call),
        Operation::Session(run) => {
            let session = session(site, now, call)?;
            Ok(answer::json(StatusCode::OK, &run(site, now, &session)))
        }
        Operation::Records(run) => {
            let session = session(site, now, call)?;
            let visit = Visit {
                call,
                made: Made {
                    by: &session.user_id,
                    at: written(now),
                },
                parameters: &parameters,
            };
            run(site, &visit)
        }
    }
}

fn session(site: &Site, now: Seconds, call: &Call) -> Result<Session, Refusal> {
    let token = access_token(site, call).ok_or(Refusal::NO_TOKEN)?;
    let session = site.sessions.by_access_token(token, now);
    session.cloned().ok_or(Refusal::DEAD_TOKEN)
}

/// The header of all versions goes first (unverified). Whether a site's or a path's version decides about the newer one
/// is unverified as well.
fn access_token<'a>(site: &Site, call: &'a Call) -> Option<&'a str> {
    if let Some(token) = call.header("oauth-token") {
        return Some(token);
    }
    let (scheme, token) = call.header("authorization")?.split_once(' ')?;
    let bearer = scheme.eq_ignore_ascii_case("bearer") && site.version >= Version::BEARER;
    bearer.then_some(token.trim())
}

fn logout(site: &mut Site, _: Seconds, session: &Session) -> Value {
    let token = session.access_token.as_str();
    site.sessions.end(|other| other.access_token == token);
    json!({ "success": true })
}

/// The list of members is unverified.
fn me(site: &mut Site, _: Seconds, session: &Session) -> Value {
    let user = site.user(&session.user_id);
    json!({
        "current_user": {
            "type": "user",
            "id": session.user_id,
            "user_name": user.map(|user| user.user_name.as_str()),
            "full_name": user.map(|user| user.full_name.as_str()),
            "preferences": { "timezone": "America/New_York", "datepref": "m/d/Y", "timepref": "h:ia" },
            "my_teams": [{ "id": "1", "name": "Global" }],
        }
    })
}

/// ISO 8601 in the user's offset, which is not UTC: a comparison as text must fail.
fn written(now: Seconds) -> String {
    let seconds = i64::try_from(now).unwrap_or(i64::MAX);
    let time = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    let zone = TimeZone::fixed(jiff::tz::offset(-4));
    time.to_zoned(zone)
        .strftime("%Y-%m-%dT%H:%M:%S%:z")
        .to_string()
}
