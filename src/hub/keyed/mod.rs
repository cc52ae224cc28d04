//! A hub call with an `Idempotency-Key`: made once, however often it is sent within a day.
//!
//! Durable, one after the other: that the call is under way; immediately before the vendor is asked
//! for something that changes something, that it is; and what the caller is answered, sealed. The
//! same call is then answered with that, as long as its caller may still make it. What the vendor
//! refuses, or was never sent, is forgotten, and the key is free again. Where nobody can know whether
//! the vendor has acted (a server that is gone, a broken connection, the vendor's own failure), the
//! call is made again only if doing so twice is doing it once; otherwise its outcome is unknown, and
//! that is the answer.
//!
//! Calls without the header do nothing of this.

mod kept;
mod mark;

use std::collections::BTreeMap;
use std::time::Duration;

use bunsen_engine::element::shape::Origin;
use bunsen_engine::element::{ACCOUNT_ID, Element, Resource, Source};
use bunsen_engine::hub::links;
use http::Method;
use jiff::Timestamp;
use tracing::Instrument as _;
use uuid::Uuid;

use super::{Answer, Body, Call, Called, Found};
use crate::app::App;
use crate::error::{Error, Result};
use crate::ids::{InstanceId, OrganizationId, UserId};
use crate::ready::Ready;
use crate::shares;
use crate::store::{CallClaimed, CallKey};
use crate::tenancy;
use crate::vault::Place;
use kept::Kept;
use mark::LEASE;

pub use mark::{DONE, Mark, answered, hook_answered, hook_sending, refused, sending, unseen};

/// How long a key is remembered.
const KEPT: Duration = Duration::from_hours(24);
/// Seconds until it is worth asking again.
const RETRY_AFTER: u32 = 2;

/// Whose call it is, and its key.
pub struct Keyed<'a> {
    pub organization: OrganizationId,
    pub user: UserId,
    pub instance: InstanceId,
    /// As it came, raw.
    pub path: &'a str,
    pub key: &'a str,
}

impl std::fmt::Debug for Keyed<'_> {
    /// Neither the key nor what stands for the variables of a path.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyed")
            .field("organization", &self.organization)
            .field("user", &self.user)
            .field("instance", &self.instance)
            .finish_non_exhaustive()
    }
}

/// Makes the call, or gives the answer that it has had. Goes on when its caller is gone.
///
/// # Errors
/// As [`super::call`]; 400 for a form with files; 409 when the key was used for another call, when
/// that is under way, and when nobody knows what came of it.
pub async fn call(
    app: &App,
    of: &Keyed<'_>,
    found: Found<'_>,
    mut call: Call,
    called: &mut Called,
) -> Result<Answer> {
    let (organization, instance) = (of.organization, of.instance);
    let (element, resource) = (found.ready.element, found.route.resource);
    called.resource = super::named(resource);
    let account = account(&found.ready);
    let said = said(element, resource, &account, of.path, &call)?;
    let key = CallKey {
        user: of.user,
        instance,
        route: called.resource.clone(),
        fingerprints: app.vault().request_fingerprints(of.key, &said),
    };
    let store = app.store().org(organization);
    let id = match store.claim_call(&key, LEASE, KEPT).await? {
        CallClaimed::Ours(id) => id,
        CallClaimed::Done { id, answer_sealed } => {
            let now = Ready::read_now(app, organization, instance).await?;
            // Another server may have connected it anew a moment ago.
            if self::account(&now) != account {
                return Err(other_call());
            }
            let keys = tenancy::keys(app, organization).await?;
            let kept = keys.open(&place(organization, id), &answer_sealed)?;
            let kept: Kept = serde_json::from_slice(&kept).map_err(Error::internal)?;
            return kept.told();
        }
        CallClaimed::OtherCall => {
            return Err(other_call());
        }
        CallClaimed::InFlight => {
            return Err(Error::InFlight {
                message: "A call with this Idempotency-Key is under way; ask again.",
                retry_after: RETRY_AFTER,
            });
        }
        CallClaimed::Unknown { since } => {
            return Err(unknown(&element.name, resource, since));
        }
    };
    if let Err(full) = app.rooms().one_more(app.store(), organization).await {
        store.release_call(id).await?;
        return Err(full);
    }
    let mark = Mark::new(app.clone(), organization, id);
    call.mark = Some(mark.clone());
    let path = of.path.to_owned();
    let work = watched(app.clone(), (organization, instance), path, mark, call);
    let work = shares::Call::current().scope(work);
    let task = app.work().spawn(work.in_current_span());
    let (outcome, made) = task.await.map_err(Error::internal)?;
    *called = made;
    outcome
}

async fn watched(
    app: App,
    (organization, instance): (OrganizationId, InstanceId),
    path: String,
    mark: Mark,
    call: Call,
) -> (Result<Answer>, Called) {
    let mut called = Called::default();
    let work = async {
        let found = super::find(&app, organization, instance, &call.method, &path).await;
        let outcome = match found {
            Ok(found) => super::call(&app, found, call, &mut called).await,
            Err(error) => Err(error),
        };
        mark.settle(outcome).await
    };
    let outcome = tokio::select! {
        outcome = work => outcome,
        never = mark.beat() => match never {},
    };
    (outcome, called)
}

/// Whose account at the vendor is called: what its log-in has said, and the values that name it.
fn account(ready: &Ready<'_>) -> BTreeMap<String, String> {
    let (element, stored) = (ready.element, ready.stored());
    let entries = || element.entries.iter().filter(|entry| entry.active);
    let mut keys: Vec<&str> = entries()
        .filter(|entry| entry.account)
        .map(|entry| entry.key.as_str())
        .collect();
    let budgets = element.budgets.iter().flat_map(|budget| &budget.account);
    keys.extend(budgets.map(String::as_str));
    keys.push(ACCOUNT_ID);
    keys.retain(|key| stored.contains_key(*key));
    if keys.is_empty() {
        // What nobody can do without is what calls, hooks and renewals leave as it is.
        let asked_for = entries().filter(|entry| entry.required && !element.is_secret(&entry.key));
        keys.extend(asked_for.map(|entry| entry.key.as_str()));
    }
    let values = keys.into_iter().filter_map(|key| {
        let value = stored.get(key)?.reveal();
        Some((key.to_owned(), value.to_owned()))
    });
    values.collect()
}

fn other_call() -> Error {
    Error::Conflict(
        "This Idempotency-Key was used for another call of this resource, or with another account at \
         the vendor, within the last 24 hours; send a new key with a new call."
            .into(),
    )
}

/// All that makes one call another than the next with the same key.
fn said(
    element: &Element,
    resource: &Resource,
    account: &BTreeMap<String, String>,
    path: &str,
    call: &Call,
) -> Result<Vec<u8>> {
    let Body::Whole(body) = &call.body else {
        return Err(Error::Invalid(
            "An Idempotency-Key is not taken with files, which are passed on unread: whether the \
             same are sent again could not be told. Send the form without that header."
                .into(),
        ));
    };
    let links = links(element, resource, body);
    let of_links = links.into_iter().flat_map(|link| &link.parameters);
    let headers = element
        .parameters
        .iter()
        .chain(of_links)
        .filter(|parameter| matches!(parameter.source, Source::Request(Origin::Header)))
        .map(|parameter| {
            let values = call.headers.get_all(parameter.name.as_str()).iter();
            let values = values.map(|value| String::from_utf8_lossy(value.as_bytes()));
            (&parameter.name, values.collect::<Vec<_>>())
        });
    let headers: Vec<_> = headers.collect();
    let said = serde_json::to_vec(&(path, &call.query, headers, account));
    let mut said = said.map_err(Error::internal)?;
    // JSON on one line: nothing of the body can be taken for a part of it.
    said.push(b'\n');
    said.extend_from_slice(body);
    Ok(said)
}

fn unknown(vendor: &str, resource: &Resource, since: Timestamp) -> Error {
    let Resource { method, path, .. } = resource;
    let look = match (&resource.once, method) {
        (Some(once), _) => format!("for {once}"),
        (None, &Method::POST) => "for what it makes".to_owned(),
        (None, &Method::DELETE) => "whether what it removes is gone".to_owned(),
        (None, _) => "whether what it changes is changed".to_owned(),
    };
    let since = since.strftime("%Y-%m-%dT%H:%M:%SZ");
    Error::Conflict(format!(
        "The outcome of this call is unknown: {vendor} was asked for it ({method} {path}) on {since}, \
         and its answer was lost or said nothing certain. Look there {look}. If that has not happened, \
         send the call with a new Idempotency-Key."
    ))
}

fn place(organization: OrganizationId, row: Uuid) -> Place<'static> {
    Place {
        organization,
        table: "keyed_calls",
        row,
        column: "answer_sealed",
    }
}
