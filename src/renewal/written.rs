//! What has come of a renewal, as it is written.

use bunsen_engine::configuration::Values;
use jiff::Timestamp;
use uuid::Uuid;

use super::Due;
use super::failure::{self, Class};
use crate::app::App;
use crate::credentials::{self, CREDENTIALS, Parts, place, stored_values};
use crate::error::Result;
use crate::ids::{InstanceId, OrganizationId};
use crate::store::{FailedRenewal, Outcome, RenewedInstance, Standing};
use crate::tenancy;

impl Due<'_> {
    /// Only its owner can help. Calls go on with the access token while it lives, unless one of them
    /// is why this was tried.
    pub(super) fn refused<'r>(&self, reason: &'r str, harmless: bool) -> FailedRenewal<'r> {
        let since = self.row.invalid_since;
        let again = failure::after_refusal(Timestamp::now(), since, rand::random());
        FailedRenewal {
            needs_owner: Some(reason),
            due_at: again.filter(|_| harmless),
            access_refused: self.hosts.is_none(),
            ..FailedRenewal::default()
        }
    }

    /// Not before the access token ends, if that has to be waited for.
    pub(super) fn next_try(&self, class: Class, ends: Option<Timestamp>) -> Option<Timestamp> {
        let pause = failure::pause(class, self.row.renewal_attempts, rand::random());
        let next = Timestamp::now().checked_add(pause).ok()?;
        Some(ends.map_or(next, |ends| ends.max(next)))
    }
}

/// Writes what the vendor has returned, unless somebody else has logged in since.
pub(super) async fn apply(
    app: &App,
    organization: OrganizationId,
    id: InstanceId,
    exchange: Uuid,
    generation: i64,
    returned: &Values,
) -> Result<()> {
    let keys = &tenancy::keys(app, organization).await?;
    let stored = app.store().org(organization);
    let written = stored
        .transaction(|mut transaction| async move {
            let row = stored.lock_instance(&mut transaction, id).await?;
            if stored.lock_exchange(&mut transaction, exchange).await? != Standing::Answered {
                return Ok((transaction, false));
            }
            let row = row.filter(|row| row.generation == generation);
            if let Some(row) = &row {
                let mut values = stored_values(organization, keys, row)?;
                values.extend(returned.clone());
                let element = app.catalog().get(&row.element_key);
                let due_at = element.and_then(|element| {
                    let group = element.group(&row.credential_group)?;
                    credentials::renewed_due_at(element, group, &values)
                });
                let parts = Parts::of(&values);
                let place = place(organization, row.row_id, CREDENTIALS);
                let renewed = RenewedInstance {
                    configuration: &parts.clear,
                    credentials_sealed: &keys.seal(&place, &parts.secret_json()?),
                    due_at,
                };
                stored
                    .write_renewed(&mut transaction, row, &renewed)
                    .await?;
            }
            let outcome = match row {
                Some(_) => Outcome::Applied,
                None => Outcome::Refused,
            };
            stored
                .settle_exchange(&mut transaction, exchange, outcome, None)
                .await?;
            Ok((transaction, row.is_some()))
        })
        .await?;
    app.instances().forget(&(organization, id));
    tracing::info!(org.id = %organization, instance.id = %id, written, "vendor session renewed");
    Ok(())
}

/// Writes what a failure means, and ends its exchange with it; nothing when the exchange is over or
/// somebody else has logged in since.
pub(super) async fn fail(
    app: &App,
    organization: OrganizationId,
    id: InstanceId,
    (generation, exchange): (i64, Option<Uuid>),
    outcome: Outcome,
    failed: &FailedRenewal<'_>,
) -> Result<()> {
    let stored = app.store().org(organization);
    let revocation = stored
        .transaction(|mut transaction| async move {
            let row = stored.lock_instance(&mut transaction, id).await?;
            if let Some(exchange) = exchange {
                let standing = stored.lock_exchange(&mut transaction, exchange).await?;
                if standing != Standing::Intent {
                    return Ok((transaction, None));
                }
                stored
                    .settle_exchange(&mut transaction, exchange, outcome, None)
                    .await?;
            }
            let revocation = match row.filter(|row| row.generation == generation) {
                Some(row) => {
                    stored
                        .write_failed_renewal(&mut transaction, &row, failed)
                        .await?
                }
                None => None,
            };
            Ok((transaction, revocation))
        })
        .await?;
    app.callers().settle(app.store(), revocation).await;
    Ok(())
}

/// The vendor does not take the credentials of this generation, which nothing here can renew: only
/// their owner can help. `reason` is for people.
///
/// # Errors
/// When the database is away.
pub async fn refused(
    app: &App,
    organization: OrganizationId,
    (id, generation): (InstanceId, i64),
    reason: &str,
) -> Result<()> {
    let failed = FailedRenewal {
        needs_owner: Some(reason),
        access_refused: true,
        ..FailedRenewal::default()
    };
    let of = (generation, None);
    fail(app, organization, id, of, Outcome::Refused, &failed).await
}
