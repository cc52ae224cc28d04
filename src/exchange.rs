//! One round trip with a vendor: build, send, read; and chains of them. Knows no database.
//!
//! Every failure leaves here as something the caller can act on: who failed, at which step, what
//! to check.

use bunsen_engine::configuration::{RANDOM_BYTES, Values};
use bunsen_engine::element::{Element, Group, Login, Resource, ResourceKind, Start};
use bunsen_engine::oauth;
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
pub async fn provision(session: &Session<'_>, login: &Login, given: &Values) -> Result<Values> {
    // What the instance is to keep counts as returned, whoever thought of it.
    let mut random = [0; RANDOM_BYTES];
    rand::fill(&mut random);
    let made = session.element.generated(session.group, given, &random);
    let calls = session.element.login_calls(session.group, login.start);
    make(session, &calls, &login.brought, given, made).await
}

/// Makes the calls that renew the tokens of an instance. `stored` is what it has; the answer goes
/// over it. After a refusal, [`Renewal::after_refusal`] says whether to begin anew.
///
/// # Errors
/// As [`provision`].
///
/// [`Renewal::after_refusal`]: bunsen_engine::element::Renewal::after_refusal
#[expect(dead_code, reason = "for the worker that renews tokens")]
pub async fn renew(session: &Session<'_>, start: Start, stored: &Values) -> Result<Values> {
    let calls = session.element.renewal_calls(session.group, start);
    make(session, &calls, &Values::new(), stored, Values::new()).await
}

/// A request token of OAuth 1 and its secret, under the keys of the token that follows.
///
/// # Errors
/// As [`provision`]; 400 when the log-in has none.
pub async fn request_token(
    session: &Session<'_>,
    brought: &Values,
    given: &Values,
) -> Result<Values> {
    let kind = ResourceKind::OauthOnTokenRequest;
    let Some(call) = session.element.call(session.group, kind) else {
        return Err(Error::Invalid(format!(
            "The log-in '{}' of element '{}' has no request token, which only OAuth 1 knows.",
            session.group.name, session.element.key
        )));
    };
    make(session, &[call], brought, given, Values::new()).await
}

/// Makes one call after the other. What they return comes on top of `returned`.
async fn make(
    session: &Session<'_>,
    calls: &[&Resource],
    brought: &Values,
    given: &Values,
    mut returned: Values,
) -> Result<Values> {
    let mut previous: Option<VendorReply> = None;
    for resource in calls {
        let mut stored = given.clone();
        stored.extend(returned.clone());
        let configuration = session.element.effective(session.group, &stored);
        let now = Timestamp::now().as_millisecond();
        let mut nonce = oauth::Nonce::default();
        rand::fill(&mut nonce);
        let request = oauth::request_parameters(
            session.element,
            session.group,
            resource,
            &configuration,
            brought,
            (now, &nonce),
        )
        .map_err(unbuilt)?;
        let inputs = Inputs {
            configuration: &configuration,
            previous: previous.as_ref(),
            request: Some(&request),
            now,
        };
        let answer = run(session, resource, &inputs).await?;
        let read = reply::read(session.element, session.group, resource, &inputs, &answer)
            .map_err(|fault| failed(session, &configuration, brought, fault))?;
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

pub fn unbuilt(error: BuildError) -> Error {
    match error {
        BuildError::Entry { key, message } => {
            Error::Invalid(format!("configuration '{key}': {message}"))
        }
        BuildError::Definition(message) => Error::internal(message),
    }
}

/// The vendor answered, and not as hoped.
fn failed(session: &Session<'_>, values: &Values, brought: &Values, fault: Fault) -> Error {
    let mut message = fault.message;
    if fault.authorize
        && let Some(Ok(page)) =
            oauth::authorize_url(session.element, session.group, values, brought)
    {
        message = format!("{message} {}", session.outbound.for_browser(&page));
    }
    Error::Vendor(Box::new(VendorFailure {
        status: fault.status,
        message,
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
            "{} failed while {}: {error}.",
            element.name,
            resource.step()
        ),
        provider_message: None,
        retry_after: None,
    }))
}
