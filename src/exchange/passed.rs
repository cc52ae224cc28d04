//! Calls that a caller has written.

use bunsen_engine::configuration::Values;
use bunsen_engine::oauth;
use bunsen_engine::request::{self, Passing};
use jiff::Timestamp;

use super::{Session, unbuilt, unsent};
use crate::error::Result;
use crate::outbound::{self, Payload};

/// The step of a call that a caller has written.
pub const PASSED: &str = "'passthrough'";

/// One call that a caller has written, with the credentials of these values; its answer is handed
/// on unread.
///
/// # Errors
/// 400 names the configuration entry, 502 means that there is no answer.
pub async fn pass(
    session: &Session<'_>,
    values: &Values,
    passing: Passing<'_>,
    payload: Payload,
) -> Result<outbound::Answer> {
    let (now, nonce) = moment();
    let (element, group) = (session.element, session.group);
    let passed = request::pass(element, group, values, passing, (now, &nonce)).map_err(unbuilt)?;
    let passing = outbound::Passing {
        request: &passed.request,
        target: &passed.target,
        payload,
    };
    let sent = session.outbound.pass(passing, &session.destination()).await;
    sent.map_err(|error| unsent(element, PASSED, element.base_entry(), &error))
}

/// When a call is made, and what no other call has.
pub(super) fn moment() -> (i64, oauth::Nonce) {
    let mut nonce = oauth::Nonce::default();
    rand::fill(&mut nonce);
    (Timestamp::now().as_millisecond(), nonce)
}
