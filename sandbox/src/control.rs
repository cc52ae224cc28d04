//! The sandbox's own calls under `/_control/`: seeding, faults, journal.
//!
//! Reachable only under the sandbox's own names, never under a vendor's host.

use http::header::ALLOW;
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use crate::Sandbox;
use crate::answer::{self, Answer};
use crate::routes::{self, Found, Route};
use crate::vendor::Call;

type Operation = fn(&Sandbox, &Call, &[&str]) -> Answer;

static ROUTES: &[Route<Operation>] = &[
    Route {
        path: "health",
        methods: &[("GET", health)],
    },
    Route {
        path: "state",
        methods: &[("GET", state)],
    },
    Route {
        path: "reset",
        methods: &[("POST", reset)],
    },
    Route {
        path: "journal",
        methods: &[("GET", journal), ("DELETE", clear_journal)],
    },
    Route {
        path: "journal/count",
        methods: &[("GET", journal_count)],
    },
    Route {
        path: "faults",
        methods: &[
            ("GET", faults),
            ("POST", add_fault),
            ("DELETE", clear_faults),
        ],
    },
    Route {
        path: "faults/{id}",
        methods: &[("GET", fault), ("DELETE", remove_fault)],
    },
];

/// Answers a control call; `path` is what follows `/_control/`.
pub fn answer(sandbox: &Sandbox, call: &Call, path: &str) -> Answer {
    match routes::find(ROUTES, call.method.as_str(), path) {
        Found::Operation(operation, parameters) => operation(sandbox, call, &parameters),
        Found::WrongMethod(allow) => method_not_allowed(&allow),
        Found::Nothing => {
            let (key, rest) = path.split_once('/').unwrap_or((path, ""));
            let vendors = sandbox.hosts().vendors();
            match vendors.iter().find(|vendor| vendor.key() == key) {
                Some(vendor) => vendor.control(&call.method, rest, &call.body),
                None => not_found(&format!(
                    "no control call /_control/{path}; sandbox/README.md lists them"
                )),
            }
        }
    }
}

/// A refusal in the control calls' own form.
pub fn refused(status: StatusCode, message: &str) -> Answer {
    answer::json(status, &json!({ "message": message }))
}

pub fn not_found(message: &str) -> Answer {
    refused(StatusCode::NOT_FOUND, message)
}

pub fn method_not_allowed(allow: &str) -> Answer {
    let mut answer = refused(
        StatusCode::METHOD_NOT_ALLOWED,
        &format!("this control call takes only {allow}"),
    );
    if let Ok(value) = HeaderValue::from_str(allow) {
        answer.headers_mut().insert(ALLOW, value);
    }
    answer
}

/// 200 with the value, or 400 with the message.
pub fn judged(result: Result<Value, String>) -> Answer {
    match result {
        Ok(value) => answer::json(StatusCode::OK, &value),
        Err(message) => refused(StatusCode::BAD_REQUEST, &message),
    }
}

fn health(sandbox: &Sandbox, _: &Call, _: &[&str]) -> Answer {
    let vendors: Vec<&str> = sandbox
        .hosts()
        .vendors()
        .iter()
        .map(|vendor| vendor.key())
        .collect();
    let body = json!({
        "status": "ok",
        "vendors": vendors,
        "hosts": sandbox.hosts().known(),
        "journal": sandbox.journal().is_on(),
    });
    answer::json(StatusCode::OK, &body)
}

fn state(sandbox: &Sandbox, _: &Call, _: &[&str]) -> Answer {
    let vendors = sandbox.hosts().vendors().iter();
    let state: Map<String, Value> = vendors
        .map(|vendor| (vendor.key().to_owned(), vendor.state()))
        .collect();
    answer::json(StatusCode::OK, &state)
}

fn reset(sandbox: &Sandbox, _: &Call, _: &[&str]) -> Answer {
    for vendor in sandbox.hosts().vendors() {
        vendor.reset();
    }
    sandbox.faults().clear();
    sandbox.journal().clear();
    answer::empty(StatusCode::NO_CONTENT)
}

fn journal(sandbox: &Sandbox, call: &Call, _: &[&str]) -> Answer {
    judged(
        sandbox
            .journal()
            .read(call.query.as_deref().unwrap_or_default()),
    )
}

fn journal_count(sandbox: &Sandbox, call: &Call, _: &[&str]) -> Answer {
    judged(
        sandbox
            .journal()
            .count(call.query.as_deref().unwrap_or_default()),
    )
}

fn clear_journal(sandbox: &Sandbox, _: &Call, _: &[&str]) -> Answer {
    sandbox.journal().clear();
    answer::empty(StatusCode::NO_CONTENT)
}

fn faults(sandbox: &Sandbox, _: &Call, _: &[&str]) -> Answer {
    answer::json(StatusCode::OK, &sandbox.faults().list())
}

fn add_fault(sandbox: &Sandbox, call: &Call, _: &[&str]) -> Answer {
    match sandbox.faults().add(&call.body) {
        Ok(rule) => answer::json(StatusCode::CREATED, &rule),
        Err(message) => refused(StatusCode::BAD_REQUEST, &message),
    }
}

fn clear_faults(sandbox: &Sandbox, _: &Call, _: &[&str]) -> Answer {
    sandbox.faults().clear();
    answer::empty(StatusCode::NO_CONTENT)
}

fn fault(sandbox: &Sandbox, _: &Call, parameters: &[&str]) -> Answer {
    match sandbox.faults().one(parameters[0]) {
        Some(rule) => answer::json(StatusCode::OK, &rule),
        None => not_found("no fault with this id"),
    }
}

fn remove_fault(sandbox: &Sandbox, _: &Call, parameters: &[&str]) -> Answer {
    if sandbox.faults().remove(parameters[0]) {
        return answer::empty(StatusCode::NO_CONTENT);
    }
    not_found("no fault with this id")
}
