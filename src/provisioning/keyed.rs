//! A request with an `Idempotency-Key`: made once, however often it is sent.
//!
//! What is remembered is the instance, and the answer is made of it again. A request of which
//! nothing came, whatever the reason, is forgotten, so that the same key can be used again. The
//! exception is one that may have made something at the vendor which must not be made twice, or used
//! up a code.

use std::time::Duration;

use bunsen_engine::configuration::Values;
use bunsen_engine::element::{Element, Start};

use super::{Chosen, Who, recover};
use crate::app::App;
use crate::error::{Error, Result};
use crate::ids::{Fingerprint, InstanceId};
use crate::journal;
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

/// `spends`: the request brings what the vendor takes once.
///
/// # Errors
/// 409 when the key was used for another body, is being used at this moment, or when nobody knows
/// what came of it.
pub(super) async fn turn(
    app: &App,
    who: Who,
    key: Option<&RequestKey>,
    element: Option<&Element>,
    spends: bool,
) -> Result<Turn> {
    let Some(key) = key else {
        return Ok(Turn::Ours(None));
    };
    // Which group it will be is not always known yet.
    let groups = element.map_or(&[][..], |element| &element.groups);
    let times = groups.iter().filter_map(|group| {
        let element = element?;
        let starts = [Start::LogIn, Start::Refresh, Start::Token];
        let times = starts.map(|start| Chosen { element, group }.log_in_takes(app, start));
        times.into_iter().max()
    });
    let lease = times.max().unwrap_or_default() + MARGIN;
    let organization = app.store().org(who.organization);
    let claim = || organization.claim_request(who.user, key, lease, KEPT);
    let mut claimed = claim().await?;
    // The vendor has answered a server that has not stored it yet: done here, by whoever comes.
    if let Claimed::Answered(exchange) = claimed {
        journal::recovery::finish_now(app, who.organization, exchange, recover).await?;
        claimed = claim().await?;
    }
    match claimed {
        Claimed::Ours(claim) => Ok(Turn::Ours(Some(claim))),
        Claimed::Done(id) => Ok(Turn::Done(id)),
        Claimed::OtherBody => Err(Error::Conflict(
            "This Idempotency-Key was used for another request body within the last 24 hours; \
             send a new key with a new request."
                .into(),
        )),
        Claimed::InFlight | Claimed::Answered(_) => Err(Error::InFlight {
            message: "A request with this Idempotency-Key is under way; ask again.",
            retry_after: RETRY_AFTER,
        }),
        Claimed::Unknown => Err(unknown(element, spends)),
    }
}

fn unknown(element: Option<&Element>, spends: bool) -> Error {
    let name = element.map_or("the vendor", |element| &element.name);
    if spends {
        return Error::Conflict(format!(
            "The outcome of this request is unknown: {name} was asked, and its answer was lost. \
             What the request brought may be used up: allow access again, and send what comes of \
             it with a new Idempotency-Key."
        ));
    }
    let made = element.and_then(|element| {
        let mut groups = element.groups.iter();
        groups.find_map(|group| element.made_once(group))
    });
    Error::Conflict(format!(
        "The outcome of this request is unknown: {name} was asked, and its answer was lost. Look \
         there for {}. If there is none, or once it is removed, send the request with a new \
         Idempotency-Key.",
        made.unwrap_or("what this request makes"),
    ))
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

/// The vendor session that a log-in with these values begins, if it ends another one.
pub(super) fn session(
    app: &App,
    chosen: Chosen<'_>,
    given: &Values,
    generated: &Values,
) -> Vec<Fingerprint> {
    let mut values = given.clone();
    values.extend(generated.clone());
    let parts = chosen.element.session_of(chosen.group, &values);
    journal::session(app, &chosen.element.key, parts.as_deref())
}
