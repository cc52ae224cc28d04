//! Renewed because a call needs it: the tokens have ended, or the vendor does not take them.
//!
//! Of all calls that need it at the same time one on each server asks for it, and of the servers
//! one is let by the journal, as with every renewal; the others wait for what comes of it. What has
//! failed lately is not tried again before its time, however many calls there are.

use std::time::{Duration, Instant};

use bunsen_engine::configuration::Values;
use bunsen_engine::element::{Element, Group};
use jiff::Timestamp;

use super::{Came, Due, end};
use crate::app::App;
use crate::error::{Error, Result, VendorFailure};
use crate::ids::{InstanceId, OrganizationId};

/// How long a call waits for a renewal that somebody else makes.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(50);
const LONGEST_LOOK: Duration = Duration::from_millis(500);
/// Tokens this young are as good as they get: a vendor that does not take them means something else.
const YOUNG: Duration = Duration::from_secs(5);

/// Whether these stored values hold an access token that is known to have ended and can be renewed.
pub fn spent(element: &Element, group: &Group, values: &Values) -> bool {
    element.renewal(group).is_some_and(|renewal| {
        let values = element.effective(group, values);
        let ends = renewal.expires_at(&values);
        let ended = ends.is_some_and(|ends| ends <= Timestamp::now().as_millisecond());
        ended && renewal.start(&values).is_some()
    })
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
            match renew(&own, organization, id, generation).await {
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
        let read = row.filter(|(row, _)| row.valid && row.generation == generation);
        let Some((row, grants)) = read else {
            return Ok(());
        };
        let due = Due::new(app, organization, (row, grants), None).await?;
        if due.is_young() || due.waits_for_its_end() {
            return Ok(());
        }
        if let Some(next) = due.waits_since_a_failure() {
            return Err(not_yet(next, None));
        }
        match due.renew().await {
            Ok(Came::Settled) => return Ok(()),
            Ok(Came::Failed(Error::Vendor(failure), Some(next))) => {
                return Err(not_yet(next, Some(*failure)));
            }
            // Its owner is needed now, which the instance says.
            Ok(Came::Failed(_, None)) => return Ok(()),
            Ok(Came::Failed(error, Some(_))) => return Err(error),
            // Somebody else is at it, or has been.
            Ok(Came::NotBegun) | Err(Error::InFlight { .. }) => {}
            Err(error) => return Err(error),
        }
        if Instant::now() > give_up {
            let text = "Another server renews the tokens of this instance, and that takes long; \
                        try again.";
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
        let young = self.row.renewed_at.is_some_and(|at| age(at) < YOUNG);
        young && !spent(self.element, self.group, &self.values)
    }

    /// The refresh token may have been used up, and using it again may end the access token, which
    /// by its time lives: what the vendor refuses with it may have other reasons.
    fn waits_for_its_end(&self) -> bool {
        let effective = self.element.effective(self.group, &self.values);
        let renewal = self.element.renewal(self.group);
        let ends = renewal.map(|renewal| end(&renewal, &effective));
        self.row.renewal_in_doubt && ends.is_some_and(|ends| ends > Timestamp::now())
    }

    /// When it is tried again.
    fn waits_since_a_failure(&self) -> Option<Timestamp> {
        let next = self.row.renewal_due_at?;
        (self.row.renewal_attempts > 0 && next > Timestamp::now()).then_some(next)
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
    told.retry_after.get_or_insert_with(|| wait.to_string());
    Error::Vendor(Box::new(told))
}

fn failure(message: &str, retry_after: Option<u32>) -> VendorFailure {
    VendorFailure {
        status: 503,
        message: message.to_owned(),
        provider_message: None,
        retry_after: retry_after.map(|seconds| seconds.to_string()),
    }
}
