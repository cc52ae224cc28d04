//! Finishing what a server that is gone has left open in the journal.
//!
//! | Left open | Finished as |
//! |---|---|
//! | create, answered | the instance appears; its `Idempotency-Key` finds it |
//! | change, answered | written, if nobody has logged in for the instance since |
//! | create or change, some of its calls made that must not be repeated | the rest of them is made, then as answered |
//! | one of those answered, and its hooks have not run | they run, then the rest |
//! | create or change, not answered | nothing; the key is free again, unless a call must not be made twice: the definition says so, or it took a code |
//! | deletion | the instance goes, answered or not: its deletion was accepted, and the vendor may have been told |

use super::{creating, resume, update};
use crate::app::App;
use crate::error::{Error, Result};
use crate::journal::recovery::Left;
use crate::journal::{self, Held};
use crate::store::{Claim, Purpose};

/// # Errors
/// Whatever may pass: it is tried again.
pub async fn recover(app: App, left: Left) -> Result<()> {
    if left.progress.is_some() && left.is_fresh() {
        // In a task of its own: a slow vendor holds up nobody else's.
        let (work, organization, id) = (app.work().clone(), left.organization, left.id);
        work.spawn(async move {
            if let Err(error) = resume::go_on(&app, left).await {
                tracing::warn!(org.id = %organization, exchange.id = %id, %error, "the rest of a log-in that was cut short is not made yet");
            }
        });
        return Ok(());
    }
    let finished = match left.purpose {
        Purpose::Create => create(&app, &left).await,
        Purpose::Provision => change(&app, &left).await,
        Purpose::Delete => delete(&app, &left).await,
        other => Err(Error::internal(format!(
            "an exchange of purpose '{}' is not finished here",
            other.as_str()
        ))),
    };
    // Somebody else was faster, say: with the same key, with another log-in, with a deletion.
    match finished {
        Err(error) if journal::is_final(&error) => {
            tracing::warn!(
                org.id = %left.organization,
                exchange.id = %left.id,
                %error,
                "what the vendor answered a server that is gone is not stored"
            );
            Ok(())
        }
        outcome => outcome,
    }
}

async fn create(app: &App, left: &Left) -> Result<()> {
    let intent: creating::Intent = serde_json::from_slice(&left.intent).map_err(Error::internal)?;
    let claim = intent.claim.as_ref();
    let Some(answer) = &left.answer else {
        return left.give_up(app, claim, intent.repeatable).await;
    };
    let returned = Held::from_json(answer)?.0;
    let stored = creating::store(app, left.organization, &intent, returned, Some(left.id)).await;
    settled(app, left, claim, intent.repeatable, stored.map(|_| ())).await
}

async fn change(app: &App, left: &Left) -> Result<()> {
    let intent: update::Intent = serde_json::from_slice(&left.intent).map_err(Error::internal)?;
    let (claim, again) = (intent.claim.clone(), intent.repeatable);
    let Some(answer) = &left.answer else {
        return match intent.refreshes {
            true => resume::give_up_change(app, left, &intent).await,
            false => left.give_up(app, claim.as_ref(), again).await,
        };
    };
    let returned = Held::from_json(answer)?.0;
    let instance = left
        .instance
        .ok_or_else(|| Error::internal("a change of no instance"))?;
    let written = update::finish(app, left.organization, instance, left.id, intent, returned).await;
    settled(app, left, claim.as_ref(), again, written).await
}

pub(super) async fn settled(
    app: &App,
    left: &Left,
    claim: Option<&Claim>,
    again: bool,
    outcome: Result<()>,
) -> Result<()> {
    journal::settled(app, left.organization, left.id, claim, again, outcome).await
}

async fn delete(app: &App, left: &Left) -> Result<()> {
    let instance = left
        .instance
        .ok_or_else(|| Error::internal("a deletion of no instance"))?;
    let organization = app.store().org(left.organization);
    let removed = organization.remove_instance(instance, Some(left.id)).await;
    let removed = journal::settled(app, left.organization, left.id, None, true, removed).await?;
    let deleted = removed.is_some();
    if let Some(revocation) = removed {
        app.callers().settle(app.store(), revocation).await;
    }
    tracing::info!(
        org.id = %left.organization,
        instance.id = %instance,
        deleted,
        "a deletion that was left open is finished"
    );
    Ok(())
}
