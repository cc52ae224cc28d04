//! Vendor sessions are renewed before they end, each by one server and through the journal, so
//! that neither a kill nor a lost answer costs the owner's consent.
//!
//! | What happens | What comes of it |
//! |---|---|
//! | renewed | new tokens, generation and due time in one commit |
//! | refused (`invalid_grant`, or by a rule of the definition that knows the answer's words) | where the definition can, the log-in is made again with what is stored; else the instance needs its owner, who is told: not valid, with the reason, its token kept. Calls go on until the access token ends or the vendor refuses it. Tried again some times a day where that does no harm |
//! | the vendor does not take the application's client (`invalid_client`, …), or what it signs | valid, with the problem shown; administrators are told; tried again after half an hour, and at once when a stored client is corrected |
//! | refused in words that nobody knows | as below; after many tries in hours, when the access token has ended, as refused |
//! | throttled, vendor down, no way there, an answer that cannot be read | valid; tried again, later each time, not before the vendor's `Retry-After` |
//! | renewed, and a call behind the token's fails | the new tokens are kept, and the rest is tried with the next renewal, which is soon |
//! | the answer is lost, and with it perhaps a token that was good once | nothing is sent while the access token lives, which a second use of the old one could end; then the old one is tried |
//!
//! What a definition says of an old refresh token (`reuse`) decides the last one: `safe`, nothing is
//! lost and it is tried again soon; `grace`, the same, since soon is what counts; `fatal` waits.
//! When a server was killed in the middle nobody knows for how long, and all three wait.
//!
//! A change of an instance may begin with the stored refresh token, too, and come to nothing
//! ([`salvage`]): what the vendor gave is kept, and a lost answer leaves the same doubt.
//!
//! The doubt about a token is written together with a new generation: whoever has read the
//! instance before cannot send that token without knowing.

pub mod backfill;
mod failure;
mod on_demand;
mod recovery;
pub mod salvage;
pub mod worker;
mod written;

use bunsen_engine::configuration::Values;
use bunsen_engine::element::{Element, Group, Renewal, Reuse, Start};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::app::App;
use crate::clients;
use crate::credentials::{self, Grant, stored_values};
use crate::error::{Error, Result};
use crate::exchange::{Calls, Session};
use crate::hooks::Runner;
use crate::ids::{InstanceId, OrganizationId};
use crate::journal::{self, Begun, Exchange, Held, Opening};
use crate::store::{self, FailedRenewal, Outcome, Purpose};
use crate::tenancy;
use failure::Class;
use worker::Hosts;
use written::{apply, fail};

pub use on_demand::{helped, lives, on_demand, spent};
pub use recovery::recover;
pub use written::refused;

/// Until an instance whose definition here knows no renewal is looked at again.
const OTHER_DEFINITION: SignedDuration = SignedDuration::from_hours(1);

/// Said before the vendor's refusal of a token that may have been used already.
const LOST: &str = "The answer to an earlier renewal was lost, and the token that it brought with \
                    it.";

/// What became of one that was due.
#[derive(Debug)]
pub enum Came {
    /// Written, or there is nothing to do.
    Settled,
    /// Why there are no new tokens, which is written too. When it is tried again.
    Failed(Error, Option<Timestamp>),
    /// Its time has not come: too many are at the same host, or somebody else has changed it.
    NotBegun,
}

/// A renewal as the journal keeps it.
#[derive(Serialize, Deserialize)]
struct Intent {
    generation: i64,
    /// What it begins with may be used up by asking.
    spends: bool,
    /// What that is. Earlier versions do not say it.
    #[serde(default = "refresh")]
    start: Start,
}

fn refresh() -> Start {
    Start::Refresh
}

/// One instance as it was read.
struct Due<'a> {
    app: &'a App,
    organization: OrganizationId,
    row: store::Instance,
    grants: Vec<Grant>,
    values: Values,
    element: &'a Element,
    group: &'a Group,
    /// `None`: somebody waits for it, and it takes no worker's place.
    hosts: Option<&'a Hosts>,
}

/// Renews one whose time has come.
///
/// # Errors
/// 409 when others are at the same session; otherwise only what is wrong with this server or its
/// database. What the vendor says is no error here.
async fn renew(
    app: &App,
    organization: OrganizationId,
    id: InstanceId,
    hosts: &Hosts,
) -> Result<Came> {
    let now = Timestamp::now();
    let row = app.store().org(organization).instance_to_call(id).await?;
    // One that needs its owner has a due time where trying it again does no harm.
    let alive = |row: &store::Instance| row.valid || row.renewal_due_at.is_some();
    let Some((row, grants)) = row.filter(|(row, _)| alive(row)) else {
        return Ok(Came::Settled);
    };
    if row.renewal_due_at.is_none_or(|due| due > now) {
        return Ok(Came::NotBegun);
    }
    let due = Due::new(app, organization, (row, grants), Some(hosts)).await?;
    due.renew().await
}

impl<'a> Due<'a> {
    async fn new(
        app: &'a App,
        organization: OrganizationId,
        (row, grants): (store::Instance, Vec<store::Grant>),
        hosts: Option<&'a Hosts>,
    ) -> Result<Self> {
        let keys = tenancy::keys(app, organization).await?;
        let values = stored_values(organization, &keys, &row)?;
        let element = app.catalog().get(&row.element_key);
        let known =
            element.and_then(|element| Some((element, element.group(&row.credential_group)?)));
        let Some((element, group)) = known else {
            return Err(Error::internal(
                "its element, or the group of its credentials, is not in the catalogue",
            ));
        };
        Ok(Self {
            app,
            organization,
            row,
            grants: grants.into_iter().map(credentials::grant).collect(),
            values,
            element,
            group,
            hosts,
        })
    }
}

impl Due<'_> {
    async fn renew(&self) -> Result<Came> {
        let renewal = self.element.renewal(self.group);
        let effective = self.element.effective(self.group, &self.values);
        let start = renewal
            .as_ref()
            .and_then(|renewal| renewal.start(&effective));
        let (Some(renewal), Some(mut start)) = (renewal, start) else {
            // This server has another definition than the one that planned it, as while servers are
            // replaced one by one.
            let later = Timestamp::now().checked_add(OTHER_DEFINITION).ok();
            let later = FailedRenewal {
                due_at: later.filter(|_| self.row.valid),
                ..FailedRenewal::default()
            };
            return self.fail(None, Outcome::Refused, &later).await;
        };
        let ends = end(&renewal, &effective);
        // One that was refused is asked with once more where its client was corrected.
        let may_end =
            self.row.renewal_in_doubt || !(self.row.valid || self.is_harmless(&renewal, start));
        if may_end && start == Start::Refresh && ends > Timestamp::now() {
            let wait = FailedRenewal {
                due_at: Some(ends),
                ..FailedRenewal::default()
            };
            return self.fail(None, Outcome::Refused, &wait).await;
        }
        loop {
            match self.attempt(&renewal, start, ends).await? {
                Attempt::Over(came) => return Ok(came),
                Attempt::Instead(next) => start = next,
            }
        }
    }

    async fn attempt(
        &self,
        renewal: &Renewal<'_>,
        start: Start,
        ends: Timestamp,
    ) -> Result<Attempt> {
        let session = self.session();
        let client = clients::referred_to(self.app, self.organization, self.element, &self.values);
        let client = match client.await {
            Ok(client) => client,
            Err(error @ Error::Invalid(_)) => {
                let failed = FailedRenewal {
                    needs_owner: Some(&error.to_string()),
                    ..FailedRenewal::default()
                };
                let came = self.fail(None, Outcome::Refused, &failed).await?;
                return Ok(Attempt::Over(came));
            }
            Err(error) => return Err(error),
        };
        let client = client.as_ref().map(|client| &client.values);
        let mut calls = Calls::renewing(&session, start, &self.values).with_client(client);
        let host = calls.next_host().unwrap_or_default();
        let _place = match self.hosts {
            Some(hosts) => match hosts.enter(host).await {
                Some(place) => Some(place),
                None => return Ok(Attempt::Over(Came::NotBegun)),
            },
            None => None,
        };
        let spends = start == Start::Refresh && renewal.reuse != Reuse::Safe;
        let Begun::Ours(exchange) = self.begin(&calls, (start, spends)).await? else {
            return Ok(Attempt::Over(Came::NotBegun));
        };
        if self.hosts.is_none() {
            let tried = self.was_tried().await;
            if !matches!(tried, Ok(false)) {
                // Nothing was sent. Left open, it would be taken for a token that may be used up.
                exchange.close(Outcome::Refused, true).await;
                return tried.map(|_| Attempt::Over(Came::NotBegun));
            }
        }
        let error = match exchange.call(&mut calls).await {
            Ok(()) => {
                let returned = Held(calls.returned());
                return match exchange.answer(&returned).await {
                    Ok(()) => self.apply(&exchange, start, returned).await,
                    Err(error) => self.late(&exchange, &returned.0, error).await,
                };
            }
            Err(error) => error,
        };
        let said = (&error, calls.blame());
        let class = self.class(said, (renewal, start), client.is_some(), ends);
        if let Some(returned) = calls.salvage() {
            let came = self.keep(&exchange, returned, &error, class).await?;
            return Ok(Attempt::Over(came));
        }
        let instead = renewal.after_refusal(start);
        if matches!(class, Class::Refused | Class::Unclear)
            && let Some(instead) = instead
        {
            let organization = self.app.store().org(self.organization);
            organization
                .close_exchange(exchange.id(), Outcome::Refused, None, true)
                .await?;
            return Ok(Attempt::Instead(instead));
        }
        tracing::info!(
            org.id = %self.organization,
            instance.id = %self.row.id,
            element.key = self.element.key,
            ?class,
            attempts = self.row.renewal_attempts,
            "the vendor session is not renewed"
        );
        let lost = calls.must_not_be_repeated();
        let not_before = (lost && renewal.reuse == Reuse::Fatal).then_some(ends);
        let outcome = journal::outcome(&calls);
        let reason = self.reason(&error, start);
        let failed = match class {
            Class::Refused => self.refused(&reason, self.is_harmless(renewal, start)),
            _ => FailedRenewal {
                due_at: self.next_try(class, not_before),
                by_call_at: failure::by_call_at(class, Timestamp::now(), not_before),
                in_doubt: lost,
                trouble: self.is_trouble(class, not_before).then_some(&*reason),
                client_refused: class == Class::Client,
                ..FailedRenewal::default()
            },
        };
        self.fail(Some(exchange.id()), outcome, &failed).await?;
        let next = [failed.due_at, failed.by_call_at].into_iter().flatten();
        let next = next.min().filter(|_| class != Class::Refused);
        Ok(Attempt::Over(Came::Failed(error, next)))
    }

    fn session(&self) -> Session<'_> {
        Session {
            outbound: self.app.outbound(),
            element: self.element,
            group: self.group,
            grants: &self.grants,
            runner: Some(Runner {
                scripts: self.app.scripts(),
                organization: self.organization,
            }),
        }
    }

    async fn begin(&self, calls: &Calls<'_>, (start, spends): (Start, bool)) -> Result<Begun> {
        let parts = self.element.session_of(self.group, &self.values);
        let session = journal::session(self.app, &self.element.key, parts.as_deref());
        let intent = Intent {
            generation: self.row.generation,
            spends,
            start,
        };
        let intent = serde_json::to_vec(&intent).map_err(Error::internal)?;
        let opening = Opening {
            organization: self.organization,
            user: self.row.owner.id,
            purpose: Purpose::Renew,
            instance: Some(self.row.id),
            generation: Some(self.row.generation),
            session: &session,
            time: calls.longest(),
            intent: &intent,
            claim: None,
        };
        journal::begin(self.app, &opening).await
    }

    async fn apply(&self, exchange: &Exchange, start: Start, returned: Held) -> Result<Attempt> {
        let (organization, id) = (self.organization, exchange.id());
        let (instance, generation) = (self.row.id, self.row.generation);
        apply(
            self.app,
            organization,
            instance,
            id,
            (generation, start),
            &returned.0,
        )
        .await?;
        Ok(Attempt::Over(Came::Settled))
    }

    fn reason(&self, error: &Error, start: Start) -> String {
        match self.row.renewal_in_doubt && start == Start::Refresh {
            true => format!("{LOST} {error}"),
            false => error.to_string(),
        }
    }

    async fn fail(
        &self,
        exchange: Option<Uuid>,
        outcome: Outcome,
        failed: &FailedRenewal<'_>,
    ) -> Result<Came> {
        let (organization, id) = (self.organization, self.row.id);
        let of = (self.row.generation, exchange);
        fail(self.app, organization, id, of, outcome, failed).await?;
        if failed.needs_owner.is_some() {
            tracing::warn!(
                org.id = %organization,
                instance.id = %id,
                element.key = self.element.key,
                "the vendor refuses the instance's credentials: its owner is needed"
            );
        }
        Ok(Came::Settled)
    }
}

enum Attempt {
    Over(Came),
    /// The vendor has refused what this began with; that is left.
    Instead(Start),
}

/// When the access token ends; one that does not end by time has ended.
fn end(renewal: &Renewal<'_>, effective: &Values) -> Timestamp {
    let ends = renewal.expires_at(effective);
    let ends = ends.and_then(|ends| Timestamp::from_millisecond(ends).ok());
    ends.unwrap_or(Timestamp::MIN)
}

/// When the access token among these values ends; one that does not end by time has ended.
pub fn ends_at(element: &Element, group: &Group, values: &Values) -> Timestamp {
    let renewal = element.renewal(group);
    renewal.map_or(Timestamp::MIN, |renewal| {
        end(&renewal, &element.effective(group, values))
    })
}
