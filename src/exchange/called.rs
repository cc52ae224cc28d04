//! One call of a resource that a definition describes, for somebody who makes a hub call.

use bunsen_engine::configuration::Values;
use bunsen_engine::element::Resource;
use bunsen_engine::oauth;
use bunsen_engine::reply::VendorReply;
use bunsen_engine::request::VendorRequest;
use bytes::Bytes;
use url::Position;

use super::passed::moment;
use super::{Session, unbuilt};
use crate::error::Result;
use crate::outbound::{self, Passing, Payload, SendError};

/// Bytes that are read of a refusal in place of a file.
const LONGEST_REFUSAL: usize = 64 * 1024;

/// How the answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Whole,
    /// A success is handed on unread.
    File,
}

/// What came.
#[derive(Debug)]
pub struct Came {
    /// Without its body, if that is still to come.
    pub reply: VendorReply,
    pub file: Option<outbound::Answer>,
}

/// The moment of a call, and the parameters of its own that one which is signed has.
///
/// # Errors
/// 400 names the configuration entry.
pub fn prepared(
    session: &Session<'_>,
    resource: &Resource,
    values: &Values,
) -> Result<(i64, Values)> {
    let (now, nonce) = moment();
    if !session.group.is_oauth1() {
        return Ok((now, Values::new()));
    }
    let (element, group) = (session.element, session.group);
    let brought = Values::new();
    let parameters =
        oauth::request_parameters(element, group, resource, values, &brought, (now, &nonce));
    Ok((now, parameters.map_err(unbuilt)?))
}

/// Makes the call, once. With `payload` its body is that, in place of the request's own.
pub async fn ask(
    session: &Session<'_>,
    request: VendorRequest,
    asked: Asked,
    payload: Option<Payload>,
) -> std::result::Result<Came, SendError> {
    let destination = session.destination();
    if asked == Asked::Whole && payload.is_none() {
        let reply = session.outbound.send(request, &destination).await?;
        return Ok(Came { reply, file: None });
    }
    let passing = Passing {
        payload: payload.unwrap_or_else(|| Payload::Bytes(request.body.clone())),
        target: &request.url[Position::BeforePath..Position::AfterQuery],
        request: &request,
    };
    let mut answer = session.outbound.pass(passing, &destination).await?;
    let mut reply = VendorReply {
        status: answer.status,
        headers: answer.headers.clone(),
        body: Bytes::new(),
    };
    if asked == Asked::Whole {
        let limit = session.outbound.body_limit();
        reply.body = answer.body.whole(limit).await?;
        return Ok(Came { reply, file: None });
    }
    if answer.status.is_success() {
        let file = Some(answer);
        return Ok(Came { reply, file });
    }
    reply.body = answer.body.peek(LONGEST_REFUSAL).await?.unwrap_or_default();
    Ok(Came { reply, file: None })
}
