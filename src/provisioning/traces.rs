//! What a vendor was asked and answered while an instance was made, for the caller who wanted to see
//! it: without secrets, for an hour, in the caller's own account.

use bunsen_engine::element::Element;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Who;
use crate::app::{App, shortened};
use crate::error::{Error, Result};
use crate::exchange::Trace;
use crate::ids::OrganizationId;
use crate::tenancy;
use crate::vault::Place;

/// Keeps what was written down; gives the name to read it by.
pub async fn keep(app: &App, who: Who, element: &Element, trace: &Trace) -> Result<Uuid> {
    let mut calls = Map::new();
    for call in trace.calls() {
        let mut name = call.call.clone();
        // The same call may be made twice.
        for number in 2..=calls.len() + 1 {
            if !calls.contains_key(&name) {
                break;
            }
            name = format!("{} ({number})", call.call);
        }
        calls.insert(
            name,
            json!({"request": call.request, "response": call.response}),
        );
    }
    let id = Uuid::new_v4();
    let json = serde_json::to_vec(&calls).map_err(Error::internal)?;
    let keys = tenancy::keys(app, who.organization).await?;
    let sealed = keys.seal(&place(who.organization, id), &json);
    let organization = app.store().org(who.organization);
    organization
        .add_login_trace(id, who.account, &element.key, &sealed)
        .await?;
    Ok(id)
}

/// # Errors
/// 404 for what is not there any more, or somebody else's.
pub async fn read(app: &App, who: Who, element: &Element, id: &str) -> Result<Map<String, Value>> {
    let none = || Error::NotFound(format!("No trace found with ID {}", shortened(id)));
    let id: Uuid = id.parse().map_err(|_| none())?;
    let organization = app.store().org(who.organization);
    let found = organization.login_trace(id, &element.key).await?;
    let (_, sealed) = found
        .filter(|(account, _)| who.admin || *account == who.account)
        .ok_or_else(none)?;
    let keys = tenancy::keys(app, who.organization).await?;
    let opened = keys.open(&place(who.organization, id), &sealed)?;
    serde_json::from_slice(&opened).map_err(Error::internal)
}

fn place(organization: OrganizationId, row: Uuid) -> Place<'static> {
    Place {
        organization,
        table: "login_traces",
        row,
        column: "calls_sealed",
    }
}
