//! Renewed because a call needs it: the tokens have ended, or the vendor does not take them.
//!
//! Of all calls that need it at the same time one on each server asks for it, and of the servers
//! one is let by the journal, as with every renewal; the others wait for what comes of it. What has
//! failed lately is tried again by a call every few seconds, however many calls and servers there are:
//! a vendor that is back after an hour is not waited for until the worker comes round.

use bunsen_engine::reply::Blame;
use std::time::{Duration, Instant};

use bunsen_engine::configuration::Values;
use bunsen_engine::element::oauth::ACCESS_TOKEN;
use bunsen_engine::element::{Element, Group};
use bunsen_engine::hub::ping;
use jiff::Timestamp;

use super::{Came, Due, end, written};
use crate::app::App;
use crate::error::{Error, Result, VendorFailure};
use crate::exchange::{self, Verdict};
use crate::ids::{InstanceId, OrganizationId};
use crate::store;

/// How long a call waits for a renewal that somebody else makes.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(50);
/// How often a failure of ours is met with another look.
const AGAIN: usize = 2;
/// From one look to the next whether an access token that should live is still taken.
const CHECKED: Duration = Duration::from_secs(60);
const LONGEST_LOOK: Duration = Duration::from_millis(500);
/// Tokens this young are as good as they get: a vendor that does not take them means something else.
/// Doubled with each renewal in a row after which it did not take them either, up to the longest: a
/// call that is always refused does not use up renewals, and tokens that were ended are soon missed.
const YOUNG: Duration = Duration::from_secs(5);
const LONGEST_YOUTH: Duration = Duration::from_secs(5 * 60);

/// Whether these effective values hold an access token that is known to have ended and can be renewed.
pub fn spent(element: &Element, group: &Group, values: &Values) -> bool {
    element.renewal(group).is_some_and(|renewal| {
        let ends = renewal.expires_at(values);
        let ended = ends.is_some_and(|ends| ends <= Timestamp::now().as_millisecond());
        ended && renewal.start(values).is_some()
    })
}

/// Whether these effective values hold an access token that is known to live.
pub fn lives(element: &Element, group: &Group, values: &Values) -> bool {
    let renewal = element.renewal(group);
    let ends = renewal.and_then(|renewal| renewal.expires_at(values));
    let now = Timestamp::now().as_millisecond();
    values.contains_key(ACCESS_TOKEN) && ends.is_some_and(|ends| ends > now)
}

/// Renews the tokens of an instance that was read with this generation. When this returns it has to
/// be read again: with another generation it may have new tokens, and it may need its owner now.
///
/// # Errors
/// In words for the caller, why there are no new tokens now, and where that is known when there may
/// be.
pub async fn on_demand(
    app: &App,
    organization: OrganizationId,
    id: InstanceId,
    generation: i64,
) -> Result<()> {
    let own = app.clone();
    let spawn = |work| drop(app.work().spawn(work));
    let renewed = app
        .renewals()
        .join((organization, id, generation), spawn, || async move {
            match renew_in_spite(&own, organization, id, generation).await {
                Ok(()) => None,
                Err(Error::Vendor(failure)) => Some(*failure),
                Err(error) => {
                    tracing::error!(org.id = %organization, instance.id = %id, cause = ?error, "a renewal that a call needs could not be made");
                    Some(failure("Its tokens have to be renewed, and this server could not do it; try again.", None))
                }
            }
        })
        .await;
    match renewed {
        Some(None) => Ok(()),
        Some(Some(failure)) => Err(Error::Vendor(Box::new(failure))),
        None => Err(Error::internal("a renewal panicked")),
    }
}

/// A database that fails for a moment fails no call. What was sent before stands in the journal, and is
/// found there.
async fn renew_in_spite(
    app: &App,
    organization: OrganizationId,
    id: InstanceId,
    generation: i64,
) -> Result<()> {
    for _ in 0..AGAIN {
        match renew(app, organization, id, generation).await {
            Err(error @ (Error::Internal(_) | Error::Unavailable(_))) => {
                tracing::warn!(org.id = %organization, instance.id = %id, cause = ?error, "a renewal that a call needs is looked at again");
            }
            other => return other,
        }
        tokio::time::sleep(LOOK).await;
    }
    renew(app, organization, id, generation).await
}

async fn renew(
    app: &App,
    organization: OrganizationId,
    id: InstanceId,
    generation: i64,
) -> Result<()> {
    let give_up = Instant::now() + PATIENCE;
    let mut pause = LOOK;
    loop {
        let row = app.store().org(organization).instance_to_call(id).await?;
        // A doubt counts the generation up, too, and the tokens are those that there were.
        let same = |row: &store::Instance| row.generation == generation || row.renewal_in_doubt;
        let read = row.filter(|(row, _)| same(row));
        let Some((row, grants)) = read else {
            return Ok(());
        };
        if !row.valid {
            // There will be no other token, and the vendor does not take this one.
            let of = (id, row.generation);
            return access_refused(app, organization, of).await;
        }
        let due = Due::new(app, organization, (row, grants), None).await?;
        if due.is_young() {
            return Ok(());
        }
        if due.waits_for_its_end() {
            match due.has_ended_early().await? {
                true => continue,
                false => return Ok(()),
            }
        }
        if let Some(next) = due.waits_since_a_failure() {
            return Err(not_yet(next, None));
        }
        match due.renew().await {
            Ok(Came::Settled) => return Ok(()),
            Ok(Came::Failed(Error::Vendor(failure), Some(next))) => {
                return Err(not_yet(next, Some(*failure)));
            }
            // Its owner is needed now, which the instance says, and that calls end here.
            Ok(Came::Failed(_, None)) => return Ok(()),
            Ok(Came::Failed(error, Some(_))) => return Err(error),
            // Somebody else is at it, or has been.
            Ok(Came::NotBegun) | Err(Error::InFlight { .. }) => {}
            Err(error) => return Err(error),
        }
        if Instant::now() > give_up {
            let text = "A renewal of this instance's tokens is under way, or was cut short with its \
                        server, and that takes some time; try again.";
            return Err(Error::Vendor(Box::new(failure(text, Some(1)))));
        }
        tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.5))).await;
        pause = (pause * 3 / 2).min(LONGEST_LOOK);
    }
}

impl Due<'_> {
    /// Renewed just now, and not ended by its time.
    fn is_young(&self) -> bool {
        let age = |at| Timestamp::now().duration_since(at).unsigned_abs();
        let youth = youth(self.row.renewals_in_vain);
        let young = self.row.renewed_at.is_some_and(|at| age(at) < youth);
        young
            && !spent(
                self.element,
                self.group,
                &self.element.effective(self.group, &self.values),
            )
    }

    /// The refresh token may have been used up, and using it again may end the access token, which
    /// by its time lives: what the vendor refuses with it may have other reasons.
    fn waits_for_its_end(&self) -> bool {
        let effective = self.element.effective(self.group, &self.values);
        let renewal = self.element.renewal(self.group);
        let ends = renewal.map(|renewal| end(&renewal, &effective));
        self.row.renewal_in_doubt && ends.is_some_and(|ends| ends > Timestamp::now())
    }

    /// The vendor does not take the access token any more, although by its time it lives: it is asked,
    /// once in a while, by the definition's own check. From then on there is nothing that a second use
    /// of the refresh token could end.
    async fn has_ended_early(&self) -> Result<bool> {
        let of = (self.row.id, self.row.generation);
        let Some(check) = ping::check(self.element, self.group) else {
            return Ok(false);
        };
        let stored = self.app.store().org(self.organization);
        if !stored.claim_check(of.0, of.1, CHECKED).await? {
            return Ok(false);
        }
        let effective = self.element.effective(self.group, &self.values);
        let (verdict, _) = exchange::check(&self.session(), check, &effective).await?;
        if !matches!(verdict, Verdict::Refused(_)) {
            return Ok(false);
        }
        tracing::info!(
            org.id = %self.organization,
            instance.id = %self.row.id,
            "the access token has ended before its time, and nothing is waited for any more"
        );
        written::ended(self.app, self.organization, of).await?;
        Ok(true)
    }

    /// Somebody has tried it in vain since it was read.
    pub(super) async fn was_tried(&self) -> Result<bool> {
        let stored = self.app.store().org(self.organization);
        let now = stored.instance(self.row.id).await?;
        Ok(now.is_some_and(|now| now.renewal_attempts != self.row.renewal_attempts))
    }

    /// When it is tried again: by the worker, or sooner by a call.
    fn waits_since_a_failure(&self) -> Option<Timestamp> {
        let due = self.row.renewal_due_at?;
        let next = self.row.renewal_by_call_at.map_or(due, |at| at.min(due));
        (self.row.renewal_attempts > 0 && next > Timestamp::now()).then_some(next)
    }
}

/// Of an instance that needs its owner: calls with its access token end here.
async fn access_refused(
    app: &App,
    organization: OrganizationId,
    (id, generation): (InstanceId, i64),
) -> Result<()> {
    let store = app.store().org(organization);
    store.note_access_refused(id, generation).await?;
    app.instances().forget(&(organization, id));
    Ok(())
}

fn youth(in_vain: i32) -> Duration {
    let doubled = u32::try_from(in_vain).unwrap_or_default().min(16);
    let grown = YOUNG.saturating_mul(2_u32.pow(doubled));
    grown.min(LONGEST_YOUTH)
}

/// Notes whether the tokens of this generation, which were renewed because the vendor refused a
/// call, have helped that call. That it cannot be noted is no reason to fail the call.
pub async fn helped(
    app: &App,
    organization: OrganizationId,
    (id, generation): (InstanceId, i64),
    helped: bool,
) {
    let store = app.store().org(organization);
    if let Err(error) = store.note_renewal_helped(id, generation, helped).await {
        tracing::warn!(%error, instance.id = %id, "whether a renewal has helped is not noted");
    }
}

/// What failed just now, or some time ago, and is tried again at `next`.
fn not_yet(next: Timestamp, said: Option<VendorFailure>) -> Error {
    let wait = next.duration_since(Timestamp::now()).as_secs().max(1);
    let mut told = said.unwrap_or_else(|| {
        failure(
            "The vendor could not renew the tokens of this instance a moment ago; it is asked \
             again soon.",
            None,
        )
    });
    // What the token endpoint says is about the renewal: read as the call's own, a 404 would tell that
    // a record is gone, and a 409 that somebody else has changed it.
    if told.status != 429 && told.status < 500 {
        told.status = 503;
        told.message = format!(
            "The tokens of this instance cannot be renewed just now, and the call was not made; it is \
             tried again soon. {}",
            told.message
        );
    }
    told.retry_after.get_or_insert_with(|| wait.to_string());
    Error::Vendor(Box::new(told))
}

fn failure(message: &str, retry_after: Option<u32>) -> VendorFailure {
    VendorFailure {
        blame: Blame::Nobody,
        status: 503,
        message: message.to_owned(),
        provider_message: None,
        retry_after: retry_after.map(|seconds| seconds.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_token_endpoint_says_is_never_the_answer_of_a_call() {
        for (theirs, ours) in [
            (400, 503),
            (401, 503),
            (403, 503),
            (404, 503),
            (405, 503),
            (409, 503),
            (415, 503),
            (429, 429),
            (502, 502),
            (503, 503),
        ] {
            let said = VendorFailure {
                status: theirs,
                ..failure("Said.", None)
            };
            let Error::Vendor(told) = not_yet(Timestamp::now(), Some(said)) else {
                panic!("{theirs} is no failure of the vendor's");
            };
            assert_eq!(told.status, ours, "{theirs}");
            assert!(told.retry_after.is_some());
            let of_renewal = told.message.contains("was not made");
            assert_eq!(of_renewal, theirs < 500 && theirs != 429, "{theirs}");
        }
    }

    #[test]
    fn what_did_not_help_is_not_repeated_soon() {
        assert_eq!(youth(0), YOUNG);
        assert_eq!(youth(3), YOUNG * 8);
        assert_eq!(youth(i32::MAX), LONGEST_YOUTH);
    }
}
