//! Finishing what a server that is gone has left open in the journal.
//!
//! | Left open | Finished as |
//! |---|---|
//! | create, answered | the instance appears; its `Idempotency-Key` finds it |
//! | change, answered | written, if nobody has logged in for the instance since |
//! | create or change, not answered | nothing; the key is free again, unless a call must not be made twice: the definition says so, or it took a code |
//! | deletion | the instance goes, answered or not: its deletion was accepted, and the vendor may have been told |

use super::{creating, update};
use crate::app::App;
use crate::error::{Error, Result};
use crate::journal::recovery::Left;
use crate::journal::{self, Held};
use crate::store::{Outcome, Purpose};

/// # Errors
/// Whatever may pass: it is tried again.
pub async fn recover(app: App, left: Left) -> Result<()> {
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
    match journal::settled(&app, left.organization, left.id, None, true, finished).await {
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
    let Some(answer) = &left.answer else {
        let claim = intent.claim.as_ref();
        return left
            .close(app, Outcome::Unknown, claim, intent.repeatable)
            .await;
    };
    let returned = Held::from_json(answer)?.0;
    creating::store(app, left.organization, &intent, returned, Some(left.id)).await?;
    Ok(())
}

async fn change(app: &App, left: &Left) -> Result<()> {
    let intent: update::Intent = serde_json::from_slice(&left.intent).map_err(Error::internal)?;
    let Some(answer) = &left.answer else {
        let claim = intent.claim.as_ref();
        return left
            .close(app, Outcome::Unknown, claim, intent.repeatable)
            .await;
    };
    let returned = Held::from_json(answer)?.0;
    let instance = left
        .instance
        .ok_or_else(|| Error::internal("a change of no instance"))?;
    update::finish(app, left.organization, instance, left.id, intent, returned).await
}

async fn delete(app: &App, left: &Left) -> Result<()> {
    let instance = left
        .instance
        .ok_or_else(|| Error::internal("a deletion of no instance"))?;
    let organization = app.store().org(left.organization);
    let removed = organization
        .remove_instance(instance, Some(left.id))
        .await?;
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
