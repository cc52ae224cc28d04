//! One round trip with a vendor: build, send, read; and chains of them. Knows no database.
//!
//! Every failure leaves here as something the caller can act on: who failed, at which step, what
//! to check.

use bunsen_engine::configuration::Values;
use bunsen_engine::element::{Element, Group, Resource};
use bunsen_engine::reply::{self, Fault, VendorReply};
use bunsen_engine::request::{self, BuildError, Inputs};

use crate::error::{Error, Result, VendorFailure};
use crate::outbound::{Destination, Grant, Outbound, SendError, Step};

/// Which vendor account is spoken to, and how far its credentials may reach.
#[derive(Debug)]
pub struct Session<'a> {
    pub outbound: &'a Outbound,
    pub element: &'a Element,
    pub group: &'a Group,
    pub grants: &'a [Grant],
}

/// Makes the calls that turn credentials into an instance. `given` is what the caller sent; the
/// answer is what the vendor returned to be stored beside it.
pub async fn provision(session: &Session<'_>, given: &Values) -> Result<Values> {
    let mut returned = Values::new();
    for chain in session.element.provisioning(session.group) {
        let mut previous: Option<VendorReply> = None;
        for resource in chain {
            let mut stored = given.clone();
            stored.extend(returned.clone());
            let configuration = session.element.effective(session.group, &stored);
            let inputs = Inputs {
                configuration: &configuration,
                previous: previous.as_ref(),
            };
            let answer = run(session, resource, &inputs).await?;
            let read = reply::read(session.element, session.group, resource, &answer)
                .map_err(|fault| failed(fault))?;
            returned.extend(read.configuration);
            previous = Some(answer);
        }
    }
    Ok(returned)
}

async fn run(session: &Session<'_>, resource: &Resource, inputs: &Inputs<'_>) -> Result<VendorReply> {
    let request = request::build(session.element, session.group, resource, inputs)
        .map_err(|error| unbuilt(session.element, error))?;
    let destination = Destination {
        hosts: &session.element.hosts,
        grants: session.grants,
    };
    session
        .outbound
        .send(request, &destination)
        .await
        .map_err(|error| unsent(session.element, &error))
}
