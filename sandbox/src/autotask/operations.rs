//! The operations of the interface: those that logging in needs do their work, the others say that they are not simulated.

use std::time::Instant;

use super::envelope::{self, Fault, Response, Version, element};
use super::query;
use super::state::{DOMAIN, Held};
use super::usage::WINDOW_MINUTES;
use crate::answer::Answer;
use crate::xml::Element;

/// An operation. Its name is the request's element, the end of the `SOAPAction` and the start of the answer's elements:
/// `getEntityInfo` is the one whose element is written otherwise, and only that spelling is on the wire.
#[derive(Debug)]
pub struct Operation {
    pub name: &'static str,
    form: Form,
    pub run: fn(&Visit<'_>) -> Answer,
}

/// What an operation's answer holds, and so where a refusal can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    ZoneInfo,
    Response,
    Other,
}

/// An admitted call.
#[derive(Debug)]
pub struct Visit<'a> {
    pub held: &'a Held,
    pub version: Version,
    /// The caller's customer; none in a zone look-up.
    pub ci: Option<u32>,
    pub request: &'a Element,
}

const fn response(name: &'static str, run: fn(&Visit<'_>) -> Answer) -> Operation {
    let form = Form::Response;
    Operation { name, form, run }
}

const fn other(name: &'static str) -> Operation {
    let form = Form::Other;
    Operation {
        name,
        form,
        run: not_simulated,
    }
}

static OPERATIONS: &[Operation] = &[
    Operation {
        name: "getZoneInfo",
        form: Form::ZoneInfo,
        run: zone_info,
    },
    response("getThresholdAndUsageInfo", usage),
    response("query", query),
    response("create", not_simulated),
    response("update", not_simulated),
    response("delete", not_simulated),
    other("GetEntityInfo"),
    other("GetFieldInfo"),
    other("getUDFInfo"),
    other("GetAttachment"),
    other("CreateAttachment"),
    other("DeleteAttachment"),
    other("GetInvoiceMarkup"),
    other("GetWsdlVersion"),
];

pub fn find(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.name == name)
}

impl Operation {
    pub fn needs_login(&self) -> bool {
        self.form != Form::ZoneInfo
    }

    pub fn answers_with_response(&self) -> bool {
        self.form == Form::Response
    }
}

/// An error in the form that the operation's answer has for it. Those without any get a fault (unverified).
pub fn refused(operation: &Operation, version: Version, text: &str) -> Answer {
    match operation.form {
        Form::ZoneInfo => no_zone(version),
        Form::Response => {
            envelope::result(version, operation.name, &Response::error(text).written())
        }
        Form::Other => Fault {
            code: "Server",
            text: text.to_owned(),
        }
        .into_answer(),
    }
}

fn not_simulated(visit: &Visit<'_>) -> Answer {
    Fault {
        code: "Server",
        text: format!("the sandbox does not simulate {}", visit.request.name),
    }
    .into_answer()
}

/// Where a user lives. The address is the one of the version that was asked.
fn zone_info(visit: &Visit<'_>) -> Answer {
    let wanted = visit.request.child(visit.version.namespace(), "UserName");
    let customer = wanted.and_then(|name| visit.held.customer_of(name.text.trim()));
    let Some(customer) = customer else {
        return no_zone(visit.version);
    };
    let zone = customer.zone;
    let url = format!("https://webservices{zone}{DOMAIN}{}", visit.version.path());
    let web = format!("https://ww{zone}{DOMAIN}/");
    written_zone(visit.version, &url, 0, customer.ci, &web)
}

/// 200 with a negative number; which one, and what the other members hold, is unverified.
fn no_zone(version: Version) -> Answer {
    written_zone(version, "", -1, 0, "")
}

fn written_zone(version: Version, url: &str, error: i32, ci: u32, web: &str) -> Answer {
    let content = [
        element("URL", url),
        element("ErrorCode", &error.to_string()),
        element("DataBaseType", ""),
        element("CI", &ci.to_string()),
        element("WebUrl", web),
    ];
    envelope::result(version, "getZoneInfo", &content.concat())
}

/// The numbers are hidden in a text.
fn usage(visit: &Visit<'_>) -> Answer {
    let customer = visit.ci.and_then(|ci| visit.held.customers.get(&ci));
    let (threshold, used) = customer.map_or((0, 0), |customer| {
        (
            customer.usage.threshold,
            customer.usage.used(Instant::now()),
        )
    });
    let message = format!(
        "ThresholdOfExternalRequest: {threshold}; TimeframeOfLimitation: {WINDOW_MINUTES}; numberOfExternalRequest: {used};"
    );
    let response = Response {
        return_infos: envelope::return_info(0, Some(&message)),
        ..Response::default()
    };
    envelope::result(
        visit.version,
        "getThresholdAndUsageInfo",
        &response.written(),
    )
}

fn query(visit: &Visit<'_>) -> Answer {
    let text = visit.request.child(visit.version.namespace(), "sXML");
    let customer = visit.ci.and_then(|ci| visit.held.customers.get(&ci));
    let response = match (text, customer) {
        (Some(text), Some(customer)) => query::answer(&text.text, customer),
        _ => Response::error("Invalid query syntax. sXML is missing."),
    };
    envelope::result(visit.version, "query", &response.written())
}
