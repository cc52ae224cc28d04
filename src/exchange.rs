//! One round trip with a vendor: build, send, read; and chains of them. Knows no database.
//!
//! Every failure leaves here as something the caller can act on: who failed, at which step, what
//! to check.

mod called;
mod calls;
mod checked;
mod client;
mod hooked;
mod passed;
mod traced;
mod undone;

use bunsen_engine::configuration::{RANDOM_BYTES, Values};
use bunsen_engine::element::{Element, Group, Login, Resource, ResourceKind};
use bunsen_engine::oauth;
use bunsen_engine::reply::Blame;
use bunsen_engine::reply::Fault;
use bunsen_engine::request::BuildError;
use serde_json::Value as Json;
use url::Url;

use crate::error::{Error, Result, VendorFailure};
use crate::hooks::Runner;
use crate::outbound::{Destination, Grant, Outbound, SendError, check_url};

pub use called::{Asked, Came, ask, prepared};
pub use calls::{Calls, Progress, longest};
pub use checked::{Verdict, check};
pub use client::{signing, with_client};
pub use hooked::page;
pub use passed::{PASSED, pass};
pub use traced::Trace;

/// Which vendor account is spoken to, and how far its credentials may reach.
#[derive(Debug)]
pub struct Session<'a> {
    pub outbound: &'a Outbound,
    pub element: &'a Element,
    pub group: &'a Group,
    pub grants: &'a [Grant],
    /// Where hooks run; `None`: nobody in particular asks.
    pub runner: Option<Runner<'a>>,
}

impl Session<'_> {
    fn destination(&self) -> Destination<'_> {
        // Strangers read figures, and not which private elements there are.
        let private = self.element.catalogue_json().get("private");
        let private = private.and_then(Json::as_bool).unwrap_or(false);
        Destination {
            element: if private {
                "private"
            } else {
                &self.element.key
            },
            hosts: &self.element.hosts,
            grants: self.grants,
        }
    }
}

/// A request token of OAuth 1 and its secret, under the keys of the token that follows.
///
/// # Errors
/// As [`Calls::step`]; 400 when the log-in has none.
pub async fn request_token(
    session: &Session<'_>,
    login: &Login,
    given: &Values,
    client: Option<&Values>,
) -> Result<Values> {
    let kind = ResourceKind::OauthOnTokenRequest;
    let Some(call) = session.element.call(session.group, kind) else {
        return Err(Error::Invalid(format!(
            "The log-in '{}' of element '{}' has no request token, which only OAuth 1 knows.",
            session.group.name, session.element.key
        )));
    };
    let calls = Calls::new(session, login.clone(), given, vec![call], Values::new());
    let mut calls = calls.with_client(client);
    // Nobody has allowed anything yet: another token can be asked for.
    calls.spends = false;
    calls.finish().await
}

/// Values that an instance of these credentials gets when it has none.
pub fn generated(element: &Element, group: &Group, given: &Values) -> Values {
    let mut random = [0; RANDOM_BYTES];
    rand::fill(&mut random);
    element.generated(group, given, &random)
}

/// A base URL that the vendor named passes the same guard as one that a caller gives, before
/// anything is stored or sent there.
fn check_returned(session: &Session<'_>, resource: &Resource, returned: &Values) -> Result<()> {
    let Some(base) = returned.get("base.url") else {
        return Ok(());
    };
    let refused = |why: &dyn std::fmt::Display| {
        Error::Vendor(Box::new(VendorFailure {
            blame: Blame::Nobody,
            status: 502,
            message: format!(
                "{} named a base URL at step {} that is not called: {why}.",
                session.element.name,
                resource.step()
            ),
            provider_message: None,
            retry_after: None,
        }))
    };
    let url = Url::parse(base.reveal()).map_err(|_| refused(&"it is no URL"))?;
    check_url(&url, &session.destination()).map_err(|refusal| refused(&refusal))
}

pub fn unbuilt(error: BuildError) -> Error {
    match error {
        BuildError::Entry { key, message } => {
            Error::Invalid(format!("configuration '{key}': {message}"))
        }
        BuildError::Unsupported(message) => Error::Invalid(message),
        BuildError::Definition(message) => Error::internal(message),
        BuildError::Answer(message) => Error::Vendor(Box::new(VendorFailure {
            blame: Blame::Nobody,
            status: 502,
            message,
            provider_message: None,
            retry_after: None,
        })),
    }
}

/// The vendor answered, and not as hoped.
pub fn failed(session: &Session<'_>, values: &Values, brought: &Values, fault: Fault) -> Error {
    let mut message = fault.message;
    if fault.authorize
        && let Some(Ok(page)) =
            oauth::authorize_url(session.element, session.group, values, brought)
    {
        message = format!("{message} {}", session.outbound.for_browser(&page));
    }
    Error::Vendor(Box::new(VendorFailure {
        blame: fault.blame,
        status: fault.status,
        message,
        provider_message: fault.provider_message,
        retry_after: fault.retry_after,
    }))
}

/// There is no answer to read. `step` in words, and the `entry` that leads to its host.
pub fn unsent(element: &Element, step: &str, entry: &str, error: &SendError) -> Error {
    tracing::info!(
        element.key = element.key,
        reason = error.code(),
        "no answer from the vendor"
    );
    if let SendError::Refused(refusal) = error {
        return Error::Invalid(format!("configuration '{entry}': {refusal}"));
    }
    Error::Vendor(Box::new(VendorFailure {
        blame: Blame::Nobody,
        status: 502,
        message: format!(
            "{} failed at step {step}: {error}. Check configuration '{entry}'; if it is right, try \
             again later.",
            element.name,
        ),
        provider_message: None,
        retry_after: None,
    }))
}
