//! One round trip with a vendor: build, send, read; and chains of them. Knows no database.
//!
//! Every failure leaves here as something the caller can act on: who failed, at which step, what
//! to check.

use bunsen_engine::configuration::{RANDOM_BYTES, Values};
use bunsen_engine::element::{Element, Group, Resource};
use bunsen_engine::reply::{self, Fault, VendorReply};
use bunsen_engine::request::{self, BuildError, Inputs};
use jiff::Timestamp;
use url::Url;

use crate::error::{Error, Result, VendorFailure};
use crate::outbound::{Destination, Grant, Outbound, SendError, check_url};

/// Which vendor account is spoken to, and how far its credentials may reach.
#[derive(Debug)]
pub struct Session<'a> {
    pub outbound: &'a Outbound,
    pub element: &'a Element,
    pub group: &'a Group,
    pub grants: &'a [Grant],
}

impl Session<'_> {
    fn destination(&self) -> Destination<'_> {
        Destination {
            hosts: &self.element.hosts,
            grants: self.grants,
        }
    }
}

/// Makes the calls that turn credentials into an instance. `given` is what the caller sent; the
/// answer is what the vendor returned, to be stored beside it.
///
/// # Errors
/// See `design` in the module docs: 400 names the configuration entry, 401 and 403 are the
/// vendor's refusals, 429 and 502 mean that it could not be asked.
pub async fn provision(session: &Session<'_>, given: &Values) -> Result<Values> {
    // What the instance is to keep counts as returned, whoever thought of it.
    let mut random = [0; RANDOM_BYTES];
    rand::fill(&mut random);
    let mut returned = session.element.generated(session.group, given, &random);
    let mut previous: Option<VendorReply> = None;
    for resource in session.element.provisioning(session.group) {
        let mut stored = given.clone();
        stored.extend(returned.clone());
        let configuration = session.element.effective(session.group, &stored);
        let inputs = Inputs {
            configuration: &configuration,
            previous: previous.as_ref(),
            now: Timestamp::now().as_millisecond(),
        };
        let answer = run(session, resource, &inputs).await?;
        let read = reply::read(session.element, session.group, resource, &inputs, &answer)
            .map_err(failed)?;
        check_returned(session, resource, &read.configuration)?;
        returned.extend(read.configuration);
        previous = Some(answer);
    }
    Ok(returned)
}

/// A base URL that the vendor named passes the same guard as one that a caller gives, before
/// anything is stored or sent there.
fn check_returned(session: &Session<'_>, resource: &Resource, returned: &Values) -> Result<()> {
    let Some(base) = returned.get("base.url") else {
        return Ok(());
    };
    let refused = |why: &dyn std::fmt::Display| {
        Error::Vendor(Box::new(VendorFailure {
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

async fn run(
    session: &Session<'_>,
    resource: &Resource,
    inputs: &Inputs<'_>,
) -> Result<VendorReply> {
    let request =
        request::build(session.element, session.group, resource, inputs).map_err(unbuilt)?;
    session
        .outbound
        .send(request, &session.destination())
        .await
        .map_err(|error| unsent(session.element, resource, &error))
}

fn unbuilt(error: BuildError) -> Error {
    match error {
        BuildError::Entry { key, message } => {
            Error::Invalid(format!("configuration '{key}': {message}"))
        }
        BuildError::Definition(message) => Error::internal(message),
    }
}

/// The vendor answered, and not as hoped.
fn failed(fault: Fault) -> Error {
    Error::Vendor(Box::new(VendorFailure {
        status: fault.status,
        message: fault.message,
        provider_message: fault.provider_message,
        retry_after: fault.retry_after,
    }))
}

/// There is no answer to read.
fn unsent(element: &Element, resource: &Resource, error: &SendError) -> Error {
    tracing::info!(
        element.key = element.key,
        reason = error.code(),
        "no answer from the vendor"
    );
    if let SendError::Refused(refusal) = error {
        let entry = element.host_entry(resource);
        return Error::Invalid(format!("configuration '{entry}': {refusal}"));
    }
    Error::Vendor(Box::new(VendorFailure {
        status: 502,
        message: format!(
            "{} failed at step {}: {error}. Check configuration '{}'; if it is right, try again \
             later.",
            element.name,
            resource.step(),
            element.host_entry(resource),
        ),
        provider_message: None,
        retry_after: None,
    }))
}
