//! A create with an `Idempotency-Key`: made once, however often it is sent.
//!
//! What is remembered is the instance, and the answer is made of it again. A create of which no
//! instance came, whatever the reason, is forgotten, so that the same key can be used again.

use std::time::Duration;

use bunsen_engine::element::{Element, Group};

use crate::app::App;
use crate::error::{Error, Result};
use crate::ids::InstanceId;
use crate::provisioning::Who;
use crate::store::{Claim, Claimed, RequestKey};

/// How long a key is remembered.
const KEPT: Duration = Duration::from_hours(24);
/// On top of what the calls to the vendor may take.
const MARGIN: Duration = Duration::from_secs(60);
/// Seconds until it is worth asking again.
const RETRY_AFTER: u32 = 2;

/// Whose turn it is.
pub(super) enum Turn {
    /// Ours; with a key, the claim on it.
    Ours(Option<Claim>),
    Done(InstanceId),
}

/// # Errors
/// 409 when the key was used for another body, or is being used at this moment.
pub(super) async fn turn(
    app: &App,
    who: Who,
    key: Option<&RequestKey>,
    element: &Element,
    group: &Group,
) -> Result<Turn> {
    let Some(key) = key else {
        return Ok(Turn::Ours(None));
    };
    let calls = u32::try_from(element.provisioning(group).len()).unwrap_or(u32::MAX);
    let lease = app.outbound().total_timeout().saturating_mul(calls) + MARGIN;
    let organization = app.store().org(who.organization);
    let claimed = organization
        .claim_request(who.user, key, lease, KEPT)
        .await?;
    match claimed {
        Claimed::Ours(claim) => Ok(Turn::Ours(Some(claim))),
        Claimed::Done(id) => Ok(Turn::Done(id)),
        Claimed::OtherBody => Err(Error::Conflict(
            "This Idempotency-Key was used for another request body within the last 24 hours; \
             send a new key with a new request."
                .into(),
        )),
        Claimed::InFlight => Err(Error::InFlight {
            message: "A request with this Idempotency-Key is under way; ask again.",
            retry_after: RETRY_AFTER,
        }),
    }
}

/// Forgets the claim when nothing came of it. If even that fails its lease ends it.
pub(super) async fn settle<T>(
    app: &App,
    who: Who,
    claim: Option<&Claim>,
    outcome: Result<T>,
) -> Result<T> {
    if let (Some(claim), Err(_)) = (claim, &outcome) {
        let organization = app.store().org(who.organization);
        if let Err(error) = organization.release_request(claim).await {
            tracing::warn!(%error, "an Idempotency-Key stays claimed until its lease ends");
        }
    }
    outcome
}
