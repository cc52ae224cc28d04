//! The first thing a call meets: which zone and version, which operation, who calls, and what is in the way.
//!
//! The order of the checks is unverified beyond this: a zone look-up needs no log-in, a wrong password is refused at
//! HTTP level, and only broken XML gets a fault.

use std::time::Instant;

use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, StatusCode};

use super::customers::Refusal;
use super::envelope::{self, Fault, Version};
use super::operations::{self, Operation, Visit};
use super::state::{Held, Place, Service, Zone};
use crate::answer::{self, Answer, Delay};
use crate::vendor::Call;

/// Who calls, once the password was right.
#[derive(Debug)]
struct Caller {
    ci: u32,
    api_only: bool,
    refusal: Option<Refusal>,
}

pub fn answer(held: &mut Held, call: &Call) -> Answer {
    admitted(held, call).unwrap_or_else(|refusal| *refusal)
}

/// The error is an answer as well, boxed because it is large.
fn admitted(held: &mut Held, call: &Call) -> Result<Answer, Box<Answer>> {
    let (place, zone) = Place::of(&call.host)
        .and_then(|place| Some((place, held.zones.get(&place.zone)?)))
        .ok_or_else(not_found)?;
    if zone.releasing {
        let text = "The service is unavailable.";
        return Err(page(
            StatusCode::SERVICE_UNAVAILABLE,
            "Service Unavailable",
            text,
        ));
    }
    if place.pages {
        // What people see instead of an interface; both pages are unverified.
        let title = "Autotask: log in";
        let login = call.path == "/" && call.method == Method::GET;
        return Err(if login {
            page(StatusCode::OK, title, "User name, password")
        } else {
            not_found()
        });
    }
    let version = Version::at(&call.path).ok_or_else(not_found)?;
    let service = service(zone, version);
    if service == Service::Gone {
        return Err(not_found());
    }
    let operation = wanted(call, version)?;
    let caller = if operation.needs_login() {
        Some(caller(held, call, place.zone)?)
    } else {
        None
    };
    let message = envelope::read(&call.body, version, operation.name).map_err(fault)?;
    let refuse = |text: &str| Box::new(operations::refused(operation, version, text));
    // The texts from here on are unverified.
    if service == Service::Refused {
        let text = format!(
            "Version {} of the web services is no longer supported.",
            version.number()
        );
        return Err(refuse(&text));
    }
    let mut delay = None;
    if let Some(caller) = &caller {
        if caller.refusal == Some(Refusal::NoPermission) {
            return Err(refuse(
                "The logged in Resource does not have the adequate permissions to use web services.",
            ));
        }
        if version == Version::V1_6 {
            tracking(held, caller, message.integration_code.as_deref()).map_err(refuse)?;
        }
        let now = Instant::now();
        if let Some(customer) = held.customers.get_mut(&caller.ci) {
            if customer.usage.is_exceeded(now) {
                return Err(refuse(
                    "The threshold of external requests for this database has been exceeded.",
                ));
            }
            delay = customer.usage.delay(now);
        }
    }
    let mut answer = (operation.run)(&Visit {
        held,
        version,
        ci: caller.as_ref().map(|caller| caller.ci),
        request: &message.request,
    });
    // Counted after the work: a first call for the usage is told 0, as recorded.
    if let Some(customer) = caller.and_then(|caller| held.customers.get_mut(&caller.ci)) {
        customer.usage.count(Instant::now());
    }
    if let Some(delay) = delay {
        answer.extensions_mut().insert(Delay(delay));
    }
    Ok(answer)
}

/// Counts a call that somebody else answered, if its password is right.
pub fn count(held: &mut Held, call: &Call) {
    let Some((name, password)) = call.basic() else {
        return;
    };
    if let Some(customer) = held.customer_of_mut(&name)
        && customer
            .user(&name)
            .is_some_and(|user| user.password == password)
    {
        customer.usage.count(Instant::now());
    }
}

/// The vendor's refusal of too many calls at once. The form is unverified; in the places where an answer can hold an
/// error it is one, elsewhere a status.
pub fn too_many(call: &Call, retry_after_seconds: u64) -> Answer {
    let text = "The thread threshold for this tracking identifier and object end point has been exceeded. (Itgenatr005)";
    let operation =
        Version::at(&call.path).and_then(|version| Some((version, wanted(call, version).ok()?)));
    if let Some((version, operation)) = operation.filter(|(_, found)| found.answers_with_response())
    {
        return operations::refused(operation, version, text);
    }
    let mut answer = answer::html(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests", text);
    answer
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(retry_after_seconds));
    answer
}

fn service(zone: &Zone, version: Version) -> Service {
    match version {
        Version::V1_5 => zone.v1_5,
        Version::V1_6 => zone.v1_6,
    }
}

/// The operation that the header `SOAPAction` names.
fn wanted(call: &Call, version: Version) -> Result<&'static Operation, Box<Answer>> {
    if call.method != Method::POST {
        let mut refused = page(
            StatusCode::METHOD_NOT_ALLOWED,
            "Method Not Allowed",
            "Use POST.",
        );
        refused
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("POST"));
        return Err(refused);
    }
    // SOAP 1.2 has another media type, and no binding here.
    let media_type = call.header(CONTENT_TYPE.as_str()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("text/xml") {
        let text = "Server cannot service request because the media type is unsupported.";
        return Err(page(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Unsupported Media Type",
            text,
        ));
    }
    let action = call.header("soapaction").unwrap_or_default().trim();
    let bare = action
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let name = bare.unwrap_or(action).strip_prefix(version.namespace());
    name.and_then(operations::find).ok_or_else(|| {
        fault(Fault {
            code: "Client",
            text: format!(
                "Server did not recognize the value of HTTP Header SOAPAction: {action}."
            ),
        })
    })
}

/// A user of another zone is as unknown here as one that does not exist.
fn caller(held: &mut Held, call: &Call, zone: u16) -> Result<Caller, Box<Answer>> {
    let (name, password) = call.basic().ok_or_else(unauthorized)?;
    let customer = held
        .customer_of_mut(&name)
        .filter(|customer| customer.zone == zone)
        .ok_or_else(unauthorized)?;
    let (ci, lock_after) = (customer.ci, customer.lock_after);
    let user = customer.user_mut(&name).ok_or_else(unauthorized)?;
    if user.password != password {
        user.failures = user.failures.saturating_add(1);
        if lock_after > 0 && user.failures >= lock_after {
            user.refusal = Some(Refusal::Locked);
        }
        return Err(unauthorized());
    }
    if matches!(
        user.refusal,
        Some(Refusal::Locked | Refusal::PasswordExpired)
    ) {
        return Err(unauthorized());
    }
    user.failures = 0;
    Ok(Caller {
        ci,
        api_only: user.api_only,
        refusal: user.refusal,
    })
}

/// What 1.6 asks for beyond 1.5: a user for programs only, and a tracking identifier. The texts are unverified.
fn tracking(held: &Held, caller: &Caller, code: Option<&str>) -> Result<(), &'static str> {
    if !caller.api_only {
        return Err(
            "Only a resource with the security level API User (API only) may use this version.",
        );
    }
    let code =
        code.ok_or("IntegrationCode is required. Provide it in the AutotaskIntegrations header.")?;
    match held.codes.get(code) {
        None => Err("IntegrationCode is invalid."),
        Some(code) if code.locked => Err("IntegrationCode is not active."),
        Some(_) => Ok(()),
    }
}

fn page(status: StatusCode, title: &str, text: &str) -> Box<Answer> {
    Box::new(answer::html(status, title, text))
}

fn fault(fault: Fault) -> Box<Answer> {
    Box::new(fault.into_answer())
}

fn not_found() -> Box<Answer> {
    let text = "The resource you are looking for has been removed or had its name changed.";
    page(
        StatusCode::NOT_FOUND,
        "404 - File or directory not found.",
        text,
    )
}

/// The one answer for wrong passwords, unknown users, wrong zones and locked users. Its page is unverified.
fn unauthorized() -> Box<Answer> {
    let mut refused = page(
        StatusCode::UNAUTHORIZED,
        "Unauthorized",
        "Invalid Username or password",
    );
    let realm = HeaderValue::from_static("Basic realm=\"Autotask Web Services\"");
    refused.headers_mut().insert(WWW_AUTHENTICATE, realm);
    refused
}
