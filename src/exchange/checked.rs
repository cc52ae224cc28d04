//! Whether a vendor takes credentials, by the call that a definition has for that.

use bunsen_engine::configuration::Values;
use bunsen_engine::element::Resource;
use bunsen_engine::reply::{self, Blame, VendorReply};
use bunsen_engine::request::{self, Inputs};

use super::{Asked, Came, Session, ask, failed, prepared, unbuilt};
use crate::error::Result;

/// What the vendor says of the credentials.
#[derive(Debug)]
pub enum Verdict {
    Taken,
    /// Why, in words for people.
    Refused(String),
    /// It is away, throttles, or says something else.
    Unknown,
}

/// Asks once; with what was answered, if anything was. `values` are effective ones.
///
/// # Errors
/// When the call cannot be made of these values.
pub async fn check(
    session: &Session<'_>,
    call: &Resource,
    values: &Values,
) -> Result<(Verdict, Option<VendorReply>)> {
    let (element, group) = (session.element, session.group);
    let (now, parameters) = prepared(session, call, values)?;
    let inputs = Inputs {
        configuration: values,
        previous: None,
        request: Some(&parameters),
        now,
    };
    let request = request::build(element, group, call, &inputs).map_err(unbuilt)?;
    let Ok(Came { reply, .. }) = ask(session, request, Asked::Whole, None).await else {
        return Ok((Verdict::Unknown, None));
    };
    let verdict = match reply::read(element, group, call, &inputs, &reply) {
        Ok(_) => Verdict::Taken,
        Err(fault)
            if fault.status == 401
                && fault.blame != Blame::Nobody
                && reply::speaks_as_expected(element, call, &reply) =>
        {
            Verdict::Refused(failed(session, values, &Values::new(), fault).to_string())
        }
        Err(_) => Verdict::Unknown,
    };
    Ok((verdict, Some(reply)))
}
