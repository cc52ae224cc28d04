//! What has come of a renewal, as it is written.

use bunsen_engine::configuration::Values;
use bunsen_engine::element::Start;
use bunsen_engine::element::oauth::{ACCESS_TOKEN, REFRESH_INTERVAL, REFRESH_TIME, REFRESH_TOKEN};
use bunsen_engine::element::people::other_account;
use jiff::Timestamp;
use uuid::Uuid;

use super::Due;
use super::failure::{self, Class};
use crate::app::App;
use crate::credentials::{self, CREDENTIALS, Parts, place, stored_values};
use crate::error::Result;
use crate::ids::{InstanceId, OrganizationId};
use crate::store::{FailedRenewal, KeptTokens, Outcome, RenewedInstance, Standing};
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

/// Writes what the vendor has returned, unless somebody else has logged in since. What leads to another
/// account at the vendor is not written: calls would go on with somebody else's data.
pub(super) async fn apply(
    app: &App,
    organization: OrganizationId,
    id: InstanceId,
    exchange: Uuid,
    (generation, start): (i64, Start),
    returned: &Values,
) -> Result<()> {
    let keys = &tenancy::keys(app, organization).await?;
    let stored = app.store().org(organization);
    let (written, revocation) = stored
        .transaction(|mut transaction| async move {
            let row = stored.lock_instance(&mut transaction, id).await?;
            if stored.lock_exchange(&mut transaction, exchange).await? != Standing::Answered {
                return Ok((transaction, (false, None)));
            }
            let row = row.filter(|row| row.generation == generation);
            if let Some(row) = &row {
                let mut values = stored_values(organization, keys, row)?;
                match other_account(&values, returned) {
                    // There is a new one for each log-in, so what it gave is given up.
                    Some(other) if start == Start::LogIn => {
                        let reason = format!(
                            "Its log-in leads to another account at the vendor by now: {} instead \
                             of {}.",
                            other.now, other.before
                        );
                        let failed = FailedRenewal {
                            needs_owner: Some(&reason),
                            ..FailedRenewal::default()
                        };
                        let revocation = stored
                            .write_failed_renewal(&mut transaction, row, &failed)
                            .await?;
                        let outcome = Outcome::Refused;
                        stored
                            .settle_exchange(&mut transaction, exchange, outcome, None)
                            .await?;
                        return Ok((transaction, (false, revocation)));
                    }
                    // The session is the same one; what else is said of it stays.
                    Some(_) => {
                        let tokens = returned.iter().filter(|(key, _)| is_of_token(key));
                        values.extend(tokens.map(|(key, value)| (key.clone(), value.clone())));
                    }
                    None => values.extend(returned.clone()),
                }
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
            Ok((transaction, (row.is_some(), None)))
        })
        .await?;
    app.callers().settle(app.store(), revocation).await;
    app.instances().forget(&(organization, id));
    tracing::info!(org.id = %organization, instance.id = %id, written, "vendor session renewed");
    Ok(())
}

fn is_of_token(key: &str) -> bool {
    [ACCESS_TOKEN, REFRESH_TOKEN, REFRESH_INTERVAL, REFRESH_TIME].contains(&key)
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

/// The access token of this generation has ended before its time: from now on it is known to have,
/// and is renewed at once.
pub(super) async fn ended(
    app: &App,
    organization: OrganizationId,
    (id, generation): (InstanceId, i64),
) -> Result<()> {
    let keys = &tenancy::keys(app, organization).await?;
    let stored = app.store().org(organization);
    stored
        .transaction(|mut transaction| async move {
            let row = stored.lock_instance(&mut transaction, id).await?;
            if let Some(row) = row.filter(|row| row.generation == generation) {
                let mut values = stored_values(organization, keys, &row)?;
                let element = app.catalog().get(&row.element_key);
                let known = element
                    .and_then(|element| Some((element, element.group(&row.credential_group)?)));
                let ended = known.and_then(|(element, group)| {
                    let renewal = element.renewal(group)?;
                    let life = renewal.life(&element.effective(group, &values))?;
                    let granted = Timestamp::now().as_millisecond().checked_sub(life)?;
                    Some(element.value(REFRESH_TIME, granted.to_string()))
                });
                values.extend(ended.map(|granted| (REFRESH_TIME.to_owned(), granted)));
                let parts = Parts::of(&values);
                let place = place(organization, row.row_id, CREDENTIALS);
                let kept = KeptTokens {
                    configuration: &parts.clear,
                    credentials_sealed: &keys.seal(&place, &parts.secret_json()?),
                };
                stored.write_ended(&mut transaction, id, &kept).await?;
            }
            Ok((transaction, ()))
        })
        .await?;
    app.instances().forget(&(organization, id));
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
