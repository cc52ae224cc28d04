//! API v2: the table of its calls, and the checks that all of them share.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Map, Value};

use super::accounts::{Account, Agent};
use super::errors::{self, Refusal};
use super::input::Query;
use super::{account_info, agents, groups, login, ticket_fields};
use crate::answer::Answer;
use crate::routes::{self, Found, Route};
use crate::vendor::Call;

pub type Outcome = Result<Answer, Refusal>;

/// One call of the API, as data.
#[derive(Debug)]
pub struct Operation {
    admin_only: bool,
    /// The parameters it knows; all others are refused.
    query: &'static [&'static str],
    run: fn(&mut Visit<'_>) -> Outcome,
}

/// An admitted call: everything an operation needs.
#[derive(Debug)]
pub struct Visit<'a> {
    pub account: &'a mut Account,
    pub agent: Arc<Agent>,
    pub call: &'a Call,
    pub query: Query,
    parameters: Vec<&'a str>,
}

const fn open(query: &'static [&'static str], run: fn(&mut Visit<'_>) -> Outcome) -> Operation {
    Operation {
        admin_only: false,
        query,
        run,
    }
}

const fn admin(query: &'static [&'static str], run: fn(&mut Visit<'_>) -> Outcome) -> Operation {
    Operation {
        admin_only: true,
        query,
        run,
    }
}

static ROUTES: &[Route<Operation>] = &[
    Route {
        path: "account",
        methods: &[("GET", open(&[], account_info::account))],
    },
    Route {
        path: "agents",
        methods: &[("GET", admin(agents::FILTERS, agents::list))],
    },
    // The only agents call without admin rights.
    Route {
        path: "agents/me",
        methods: &[("GET", open(&[], agents::me))],
    },
    Route {
        path: "agents/{id}",
        methods: &[("GET", admin(&[], agents::one))],
    },
    Route {
        path: "groups",
        methods: &[
            ("GET", admin(&["page", "per_page"], groups::list)),
            ("POST", admin(&[], groups::create)),
        ],
    },
    Route {
        path: "groups/{id}",
        methods: &[
            ("GET", admin(&[], groups::one)),
            ("PUT", admin(&[], groups::update)),
            ("DELETE", admin(&[], groups::delete)),
        ],
    },
    Route {
        path: "settings/helpdesk",
        methods: &[("GET", open(&[], account_info::helpdesk_settings))],
    },
    Route {
        path: "ticket_fields",
        methods: &[("GET", open(&["type"], ticket_fields::list))],
    },
];

/// The order of the checks is unverified: path, method, media types, log-in, right, parameters.
pub fn answer(account: &mut Account, call: &Call) -> Outcome {
    let path = call
        .path
        .strip_prefix("/api/v2/")
        .ok_or(Refusal::NotFound)?;
    let (operation, parameters) = match routes::find(ROUTES, call.method.as_str(), path) {
        Found::Operation(operation, parameters) => (operation, parameters),
        Found::WrongMethod(allow) => {
            let used = call.method.to_string();
            return Err(Refusal::WrongMethod { used, allow });
        }
        Found::Nothing => return Err(Refusal::NotFound),
    };
    media_types(call)?;
    let agent = login::agent(account, call).map_err(login::Failure::into_refusal)?;
    if operation.admin_only && !agent.access.admin {
        return Err(errors::access_denied());
    }
    let agent = Arc::clone(agent);
    let query = Query::parse(call.query.as_deref().unwrap_or_default(), operation.query)?;
    (operation.run)(&mut Visit {
        account,
        agent,
        call,
        query,
        parameters,
    })
}

fn media_types(call: &Call) -> Result<(), Refusal> {
    let accepts = |value: &str| {
        let mut ranges = value.split(',').map(essence);
        ranges.any(|range| matches!(range.as_str(), "application/json" | "*/*"))
    };
    if !call.header("accept").is_none_or(accepts) {
        return Err(Refusal::Coded {
            status: StatusCode::NOT_ACCEPTABLE,
            code: "invalid_acceptheader",
            message: "The Accept header is invalid: it should be application/json or */*.",
        });
    }
    // Multipart bodies belong to the calls that take files; none of those here do.
    let json = call
        .header("content-type")
        .map(|value| essence(value) == "application/json");
    if json == Some(false) || (json.is_none() && !call.body.is_empty()) {
        return Err(Refusal::Coded {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            code: "invalid_content_type",
            message: "The Content-Type header is not supported: it should be application/json.",
        });
    }
    Ok(())
}

/// A media type without its parameters.
fn essence(value: &str) -> String {
    let bare = value.split(';').next().unwrap_or_default();
    bare.trim().to_ascii_lowercase()
}

impl Visit<'_> {
    /// The id in the path. What is no number cannot be the id of anything.
    pub fn id(&self) -> Result<u64, Refusal> {
        let text = self.parameters.first().ok_or(Refusal::NotFound)?;
        text.parse().map_err(|_| Refusal::NotFound)
    }

    pub fn body(&self) -> Result<Map<String, Value>, Refusal> {
        serde_json::from_slice(&self.call.body).map_err(|_| Refusal::Coded {
            status: StatusCode::BAD_REQUEST,
            code: "invalid_json",
            message: "Request body has invalid json format.",
        })
    }
}
