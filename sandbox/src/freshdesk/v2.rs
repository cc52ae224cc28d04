//! API v2: the table of its calls, and the checks that all of them share.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Map, Value};

use super::accounts::{Account, Agent};
use super::errors::{self, Refusal};
use super::input::Query;
use super::{
    account_info, agents, attachments, companies, contacts, conversations, custom_fields, groups,
    login, others, search, ticket_fields, tickets,
};
use crate::answer::Answer;
use crate::records::order::Ties;
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
    /// Whether it takes multipart bodies.
    files: bool,
    /// Whether it reads or changes records, which are put in before the first of these calls.
    records: bool,
}

/// An admitted call: everything an operation needs.
#[derive(Debug)]
pub struct Visit<'a> {
    pub account: &'a mut Account,
    pub agent: Arc<Agent>,
    pub call: &'a Call,
    pub query: Query,
    pub ties: Ties,
    parameters: Vec<&'a str>,
}

const fn open(query: &'static [&'static str], run: fn(&mut Visit<'_>) -> Outcome) -> Operation {
    Operation {
        admin_only: false,
        query,
        run,
        files: false,
        records: false,
    }
}

const fn admin(query: &'static [&'static str], run: fn(&mut Visit<'_>) -> Outcome) -> Operation {
    let mut operation = open(query, run);
    operation.admin_only = true;
    operation
}

/// A call that deals with records.
const fn records(query: &'static [&'static str], run: fn(&mut Visit<'_>) -> Outcome) -> Operation {
    let mut operation = open(query, run);
    operation.records = true;
    operation
}

/// One that takes files too.
const fn files(run: fn(&mut Visit<'_>) -> Outcome) -> Operation {
    let mut operation = records(&[], run);
    operation.files = true;
    operation
}

const PAGED: &[&str] = &["page", "per_page"];

macro_rules! routes {
    ($($path:literal: $($method:literal $operation:expr),+;)+) => {
        &[$(Route { path: $path, methods: &[$(($method, $operation)),+] }),+]
    };
}

/// `agents/me` is the only agents call without admin rights.
static ROUTES: &[Route<Operation>] = routes! {
    "account": "GET" open(&[], account_info::account);
    "agents": "GET" admin(agents::FILTERS, agents::list);
    "agents/me": "GET" open(&[], agents::me);
    "agents/{id}": "GET" admin(&[], agents::one);
    "attachments/{id}": "DELETE" records(&[], attachments::delete);
    "companies": "GET" records(companies::FILTERS, companies::list), "POST" records(&[], companies::create);
    "companies/autocomplete": "GET" records(&["name"], companies::autocomplete);
    "companies/{id}":
        "GET" records(&[], companies::one), "PUT" records(&[], companies::update), "DELETE" records(&[], companies::delete);
    "company_fields": "GET" admin(&[], custom_fields::companies);
    "contact_fields": "GET" admin(&[], custom_fields::contacts);
    "contacts": "GET" records(contacts::FILTERS, contacts::list), "POST" files(contacts::create);
    "contacts/autocomplete": "GET" records(&["term"], contacts::autocomplete);
    "contacts/merge": "POST" records(&[], contacts::merge);
    "contacts/{id}":
        "GET" records(&[], contacts::one), "PUT" files(contacts::update), "DELETE" records(&[], contacts::delete);
    "contacts/{id}/hard_delete": "DELETE" records(&["force"], contacts::hard_delete);
    "contacts/{id}/make_agent": "PUT" records(&[], contacts::make_agent);
    "contacts/{id}/restore": "PUT" records(&[], contacts::restore);
    "conversations/{id}": "PUT" files(conversations::update), "DELETE" records(&[], conversations::delete);
    "groups": "GET" admin(PAGED, groups::list), "POST" admin(&[], groups::create);
    "groups/{id}":
        "GET" admin(&[], groups::one), "PUT" admin(&[], groups::update), "DELETE" admin(&[], groups::delete);
    "jobs/{id}": "GET" records(&[], others::show_job);
    "products": "GET" records(PAGED, others::products);
    "products/{id}": "GET" records(&[], others::product);
    "search/companies": "GET" records(&["query", "page"], search::companies);
    "search/contacts": "GET" records(&["query", "page"], search::contacts);
    "search/tickets": "GET" records(&["query", "page"], search::tickets);
    "settings/helpdesk": "GET" open(&[], account_info::helpdesk_settings);
    "surveys/satisfaction_ratings": "GET" records(others::RATING_FILTERS, others::ratings);
    "ticket_fields": "GET" records(&["type"], ticket_fields::list);
    "tickets": "GET" records(tickets::FILTERS, tickets::list), "POST" files(tickets::create);
    "tickets/bulk_delete": "POST" records(&[], others::bulk_delete);
    "tickets/bulk_update": "POST" records(&[], others::bulk_update);
    "tickets/outbound_email": "POST" files(tickets::outbound);
    "tickets/{id}":
        "GET" records(&["include"], tickets::one), "PUT" files(tickets::update), "DELETE" records(&[], tickets::delete);
    "tickets/{id}/conversations": "GET" records(PAGED, conversations::list);
    "tickets/{id}/notes": "POST" files(conversations::note);
    "tickets/{id}/reply": "POST" files(conversations::reply);
    "tickets/{id}/restore": "PUT" records(&[], tickets::restore);
    "tickets/{id}/satisfaction_ratings":
        "GET" records(&[], others::ticket_ratings), "POST" records(&[], others::create_rating);
    "tickets/{id}/time_entries": "GET" records(&[], others::ticket_times), "POST" records(&[], others::create_time);
    "time_entries": "GET" records(others::TIME_FILTERS, others::times);
    "time_entries/{id}": "PUT" records(&[], others::update_time), "DELETE" records(&[], others::delete_time);
};

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
    media_types(call, operation.files)?;
    let agent = login::agent(account, call).map_err(login::Failure::into_refusal)?;
    if operation.admin_only && !agent.access.admin {
        return Err(errors::access_denied());
    }
    let agent = Arc::clone(agent);
    let query = Query::parse(call.query.as_deref().unwrap_or_default(), operation.query)?;
    if operation.records {
        account.fill();
    }
    let ties = account.records.ties();
    (operation.run)(&mut Visit {
        account,
        agent,
        call,
        query,
        ties,
        parameters,
    })
}

fn media_types(call: &Call, files: bool) -> Result<(), Refusal> {
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
    // Multipart bodies belong to the calls that take files.
    let json = call.header("content-type").map(essence).map(|essence| {
        essence == "application/json" || (files && essence == "multipart/form-data")
    });
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
        serde_json::from_slice(&self.call.body).map_err(|_| errors::invalid_body())
    }

    /// The first of these parameters as a moment.
    pub fn since(&self, names: &[&str]) -> Result<Option<String>, Refusal> {
        for name in names {
            if let Some(value) = self.query.get(name) {
                return contacts::bound(name, value).map(Some);
            }
        }
        Ok(None)
    }
}
