//! Renewals that a server which is gone has left open.

use jiff::Timestamp;
use uuid::Uuid;

use super::salvage::{end_of, renewal_cut_short};
use super::{Due, Intent, apply, fail};
use crate::app::App;
use crate::clients;
use crate::error::{Error, Result};
use crate::exchange::Calls;
use crate::ids::{InstanceId, OrganizationId};
use crate::journal::Held;
use crate::journal::recovery::Left;
use crate::store::{FailedRenewal, Outcome};

/// Shown while it is waited for the access token's end.
const CUT_SHORT: &str = "A renewal was cut short, and whether the vendor has made it is not known. It \
                         is made again when the access token has ended.";

/// Finishes a renewal that a server which is gone has left open: an answer is written; without one
/// the instance waits until its access token has ended.
///
/// # Errors
/// Whatever may pass: it is tried again.
pub async fn recover(app: App, left: Left) -> Result<()> {
    let intent: Intent = serde_json::from_slice(&left.intent).map_err(Error::internal)?;
    let (organization, generation) = (left.organization, intent.generation);
    let id = left
        .instance
        .ok_or_else(|| Error::internal("a renewal of no instance"))?;
    if let Some(answer) = &left.answer {
        let returned = Held::from_json(answer)?.0;
        let of = (generation, intent.start);
        return apply(&app, organization, id, left.id, of, &returned).await;
    }
    let of = (organization, id, generation, left.id);
    match &left.progress {
        Some(progress) if progress.unread.is_some() => {
            // In a task of its own: a slow script holds up nobody else's.
            let work = app.work().clone();
            work.spawn(async move {
                if let Err(error) = unread(&app, left, of, &intent).await {
                    tracing::warn!(org.id = %organization, instance.id = %id, %error, "hooks have not seen yet what a renewal has brought");
                }
            });
            Ok(())
        }
        Some(progress) => renewal_cut_short(&app, of, &progress.returned).await,
        None => doubted(&app, of, intent.spends).await,
    }
}

/// Nobody knows whether the vendor has renewed it: it waits until its access token has ended.
async fn doubted(
    app: &App,
    (organization, id, generation, exchange): (OrganizationId, InstanceId, i64, Uuid),
    spends: bool,
) -> Result<()> {
    let due_at = match app.store().org(organization).instance(id).await? {
        Some(row) => Some(end_of(app, organization, &row).await?.max(Timestamp::now())),
        None => None,
    };
    let failed = FailedRenewal {
        due_at,
        in_doubt: spends,
        trouble: spends.then_some(CUT_SHORT),
        ..FailedRenewal::default()
    };
    tracing::warn!(
        org.id = %organization,
        instance.id = %id,
        "a renewal was cut short; whether the vendor has made it is not known"
    );
    let of = (generation, Some(exchange));
    fail(app, organization, id, of, Outcome::Unknown, &failed).await
}

/// Has the hooks see what a vendor has answered whose server is gone since. The calls behind it are made
/// with the next renewal.
async fn unread(
    app: &App,
    mut left: Left,
    of: (OrganizationId, InstanceId, i64, Uuid),
    intent: &Intent,
) -> Result<()> {
    let spends = intent.spends;
    let (organization, instance, generation, exchange) = of;
    let Some(progress) = left.progress.take() else {
        return doubted(app, of, spends).await;
    };
    let stored = app.store().org(organization);
    let found = stored.instance_to_call(instance).await?;
    let Some(found) = found.filter(|(row, _)| row.generation == generation) else {
        return renewal_cut_short(app, of, &progress.returned).await;
    };
    let due = Due::new(app, organization, found, None).await?;
    let client = clients::referred_to(app, organization, due.element, &due.values).await;
    let client = match client {
        // Removed meanwhile. What needs none is still read.
        Err(Error::Invalid(_)) => None,
        client => client?,
    };
    let client = client.as_ref().map(|client| &client.values);
    let session = due.session();
    let mut calls = Calls::renewing_on(&session, (&due.values, client), progress)?;
    let Some(ours) = left.take_over(app, &calls, None).await? else {
        return Ok(());
    };
    ours.may_send(calls.next_takes()).await?;
    match calls.step().await {
        Ok(()) if calls.left() == 0 => {
            let returned = ours.keep(calls).await?.0;
            let of = (generation, intent.start);
            apply(app, organization, instance, exchange, of, &returned).await
        }
        outcome => {
            if let Err(error) = outcome {
                tracing::warn!(org.id = %organization, instance.id = %instance, %error, "a hook fails behind a renewal");
            }
            match calls.salvage() {
                Some(returned) => renewal_cut_short(app, of, returned).await,
                None => doubted(app, of, spends).await,
            }
        }
    }
}
