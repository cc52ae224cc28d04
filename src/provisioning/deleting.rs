//! Deleting an instance, and telling the vendor where the definition wants that: `onDelete` calls,
//! and those that end its tokens.
//!
//! Once the intent to delete is in the journal the instance goes, whatever the vendor says and
//! whoever has to finish it.

use bunsen_engine::configuration::Values;
use bunsen_engine::element::Element;

use super::view::stored_values;
use super::{Chosen, Who, grants, no_such_instance, to_its_end, visible};
use crate::app::App;
use crate::clients;
use crate::error::{Error, Result};
use crate::exchange::Calls;
use crate::ids::InstanceId;
use crate::journal::{self, Begun, Exchange, Opening};
use crate::store::{self, Purpose};
use crate::tenancy;

/// Removes the instance and its token; on every server the token answers 401 from the moment this
/// returns. The vendor is told first, for as long as one call may take; what it answers changes
/// nothing.
pub async fn delete(app: &App, who: Who, id: InstanceId, element: Option<String>) -> Result<()> {
    let row = visible(app, who, id, element.as_deref()).await?;
    to_its_end(app, {
        let app = app.clone();
        async move {
            let told = match app.catalog().get(&row.element_key) {
                Some(element) => bid_farewell(&app, who, element, &row).await?,
                None => None,
            };
            let organization = app.store().org(who.organization);
            let exchange = told.map(|exchange| exchange.id());
            let removed = organization.remove_instance(id, exchange).await?;
            let revocation = removed.ok_or_else(|| no_such_instance(id))?;
            app.callers().settle(app.store(), revocation).await;
            tracing::info!(org.id = %who.organization, instance.id = %id, "instance deleted");
            Ok(())
        }
    })
    .await
}

/// Makes the definition's calls for a deleted instance, if it has any; gives their exchange.
async fn bid_farewell(
    app: &App,
    who: Who,
    element: &Element,
    row: &store::Instance,
) -> Result<Option<Exchange>> {
    let Some(group) = element.group(&row.credential_group) else {
        return Ok(None);
    };
    let chosen = Chosen { element, group };
    let keys = tenancy::keys(app, who.organization).await?;
    let values = match stored_values(who.organization, &keys, row) {
        Ok(values) => values,
        Err(error) => {
            tracing::error!(org.id = %who.organization, instance.id = %row.id, %error,
                "what a deleted instance has stored cannot be opened; the vendor is not told");
            return Ok(None);
        }
    };
    if element.deleting(group, &values).is_empty() {
        return Ok(None);
    }
    let opening = Opening {
        organization: who.organization,
        user: who.user,
        purpose: Purpose::Delete,
        instance: Some(row.id),
        // The instance goes, however it stands by then.
        generation: None,
        session: &[],
        // All of them have the time of one.
        time: app.outbound().total_timeout(),
        intent: b"{}",
        claim: None,
    };
    let Begun::Ours(exchange) = journal::begin(app, &opening).await? else {
        return Err(no_such_instance(row.id));
    };
    let limit = app.outbound().total_timeout();
    let told = tokio::time::timeout(limit, tell(app, who, chosen, &values, &exchange)).await;
    let reason = match told {
        Ok(Ok(())) => return Ok(Some(exchange)),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("it took longer than {} s", limit.as_secs_f64()),
    };
    tracing::warn!(
        org.id = %who.organization,
        instance.id = %row.id,
        element.key = element.key,
        reason,
        "the vendor was not told of everything about a deleted instance; it is deleted here all the same"
    );
    Ok(Some(exchange))
}

async fn tell(
    app: &App,
    who: Who,
    chosen: Chosen<'_>,
    values: &Values,
    exchange: &Exchange,
) -> Result<()> {
    let client = clients::referred_to(app, who.organization, chosen.element, values).await;
    let client = match client {
        // What needs none is still made.
        Err(Error::Invalid(_)) => None,
        client => client?,
    };
    let client = client.as_ref().map(|client| &client.values);
    let grants = grants(app, who.organization, chosen.element).await?;
    let session = chosen.session(app, who.organization, &grants);
    let mut calls = Calls::deleting(&session, values).with_client(client);
    let mut failed: Option<Error> = None;
    let begun = std::time::Instant::now();
    while calls.left() > 0 {
        let left = app
            .outbound()
            .total_timeout()
            .saturating_sub(begun.elapsed());
        exchange.may_send(left).await?;
        // One that fails keeps no other from being made.
        if let Err(error) = calls.step().await {
            failed.get_or_insert(error);
        }
    }
    failed.map_or(Ok(()), Err)
}
