//! API v1, for accounts old enough to have it: the calls that concern logging in, agents and ticket fields.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use super::accounts::{Account, Agent};
use super::errors::{self, Refusal};
use super::login::{self, Failure};
use super::v2::Outcome;
use super::{ok, ticket_fields};
use crate::routes::{self, Found, Route};
use crate::vendor::Call;
use url::form_urlencoded;

const PAGE_SIZE: usize = 30;

#[derive(Debug)]
struct Operation {
    admin_only: bool,
    run: fn(&Account, &Call, &[&str]) -> Outcome,
}

static ROUTES: &[Route<Operation>] = &[
    Route {
        path: "agents",
        methods: &[(
            "GET",
            Operation {
                admin_only: true,
                run: agents,
            },
        )],
    },
    Route {
        path: "agents/{id}",
        methods: &[(
            "GET",
            Operation {
                admin_only: true,
                run: agent,
            },
        )],
    },
    Route {
        path: "ticket_fields",
        methods: &[(
            "GET",
            Operation {
                admin_only: false,
                run: fields,
            },
        )],
    },
];

/// v1 is told by its format: `.json` or `.xml` at the path's end, or `format=`.
pub fn is_meant(call: &Call) -> bool {
    if call.path.starts_with("/api/") {
        return false;
    }
    let by_query = || {
        let query = call.query.as_deref().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "format")
    };
    call.path.ends_with(".json") || call.path.ends_with(".xml") || by_query()
}

pub fn answer(account: &Account, call: &Call) -> Outcome {
    if !account.v1 {
        // Newer accounts refuse v1; in which words is unverified.
        return Err(errors::forbidden(
            "access_denied",
            "API V1 is not available for this account. Use API V2.",
        ));
    }
    let agent = login::agent(account, call).map_err(|failure| match failure {
        Failure::Credentials => require_login(account),
        refused @ Failure::Refused(_) => refused.into_refusal(),
    })?;
    let path = call.path.trim_start_matches('/');
    let path = path.strip_suffix(".json").ok_or(Refusal::NotFound)?;
    let (operation, parameters) = match routes::find(ROUTES, call.method.as_str(), path) {
        Found::Operation(operation, parameters) => (operation, parameters),
        Found::WrongMethod(allow) => {
            let used = call.method.to_string();
            return Err(Refusal::WrongMethod { used, allow });
        }
        Found::Nothing => return Err(Refusal::NotFound),
    };
    if operation.admin_only && !agent.access.admin {
        // Unverified.
        return Err(Refusal::Bare(
            StatusCode::FORBIDDEN,
            json!({ "access_denied": true }),
        ));
    }
    (operation.run)(account, call, &parameters)
}

/// Old accounts say it with 200, newer ones with 403.
fn require_login(account: &Account) -> Refusal {
    let status = StatusCode::from_u16(account.v1_login_status).unwrap_or(StatusCode::FORBIDDEN);
    Refusal::Bare(status, json!({ "require_login": true }))
}

/// 30 rows a page, an empty array after the last one.
fn agents(account: &Account, call: &Call, _: &[&str]) -> Outcome {
    let query = call.query.as_deref().unwrap_or_default();
    let mut page = 1;
    let mut email = None;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "page" => page = value.parse::<usize>().unwrap_or(1).max(1),
            "query" => email = value.strip_prefix("email is ").map(str::to_owned),
            _ => {}
        }
    }
    let fits = |agent: &&Agent| {
        let address = &agent.contact.email;
        email
            .as_deref()
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(address))
    };
    let rows = account
        .agents
        .values()
        .map(Arc::as_ref)
        .filter(fits)
        .map(wrapped);
    let rows: Vec<Value> = rows
        .skip((page - 1).saturating_mul(PAGE_SIZE))
        .take(PAGE_SIZE)
        .collect();
    Ok(ok(&rows))
}

fn agent(account: &Account, _: &Call, parameters: &[&str]) -> Outcome {
    let id = parameters.first().and_then(|id| id.parse::<u64>().ok());
    let agent = id.and_then(|id| account.agents.get(&id));
    Ok(ok(&wrapped(agent.ok_or(Refusal::NotFound)?)))
}

fn wrapped(agent: &Agent) -> Value {
    json!({ "agent": {
        "id": agent.id,
        "available": agent.available,
        "occasional": agent.occasional,
        "signature": agent.signature,
        "ticket_permission": agent.ticket_scope,
        "user_id": agent.id,
        "created_at": agent.created_at,
        "updated_at": agent.updated_at,
        "user": {
            "id": agent.id,
            "active": agent.contact.active,
            "email": agent.contact.email,
            "job_title": agent.contact.job_title,
            "language": agent.contact.language,
            "mobile": agent.contact.mobile,
            "name": agent.contact.name,
            "phone": agent.contact.phone,
            "time_zone": agent.contact.time_zone,
            "created_at": agent.contact.created_at,
            "updated_at": agent.contact.updated_at,
        },
    }})
}

fn fields(account: &Account, _: &Call, _: &[&str]) -> Outcome {
    let fields = ticket_fields::all(account).into_iter();
    let rows: Vec<Value> = fields
        .map(|field| json!({ "ticket_field": field }))
        .collect();
    Ok(ok(&rows))
}
