//! Vendor sessions are renewed before they end, each by one server and through the journal, so
//! that neither a kill nor a lost answer costs the owner's consent.
//!
//! | What happens | What comes of it |
//! |---|---|
//! | renewed | new tokens, generation and due time in one commit |
//! | refused | where the definition can, the log-in is made again with what is stored; else the instance needs its owner: not valid, with the reason, its token kept |
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

use bunsen_engine::configuration::Values;
use bunsen_engine::element::{Element, Group, Renewal, Reuse, Start};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::app::App;
use crate::clients;
use crate::credentials::{self, CREDENTIALS, Grant, Parts, place, stored_values};
use crate::error::{Error, Result};
use crate::exchange::{Calls, Session};
use crate::hooks::Runner;
use crate::ids::{InstanceId, OrganizationId};
use crate::journal::{self, Begun, Exchange, Held, Opening};
use crate::store::{self, FailedRenewal, Outcome, Purpose, RenewedInstance, Standing};
use crate::tenancy;
use failure::Class;
use worker::Hosts;

pub use on_demand::{helped, on_demand, spent};
pub use recovery::recover;

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
    let Some((row, grants)) = row.filter(|(row, _)| row.valid) else {
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
            let later = FailedRenewal {
                due_at: Timestamp::now().checked_add(OTHER_DEFINITION).ok(),
                ..FailedRenewal::default()
            };
            return self.fail(None, Outcome::Refused, &later).await;
        };
        let ends = end(&renewal, &effective);
        if self.row.renewal_in_doubt && start == Start::Refresh && ends > Timestamp::now() {
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
        let Begun::Ours(exchange) = self.begin(&calls, spends).await? else {
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
                    Ok(()) => self.apply(&exchange, returned).await,
                    Err(error) => self.late(&exchange, &returned.0, error).await,
                };
            }
            Err(error) => error,
        };
        let class = failure::class(&error, Timestamp::now());
        if let Some(returned) = calls.salvage() {
            let came = self.keep(&exchange, returned, &error, class).await?;
            return Ok(Attempt::Over(came));
        }
        let instead = renewal.after_refusal(start);
        if class == Class::Refused
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
            Class::Refused => FailedRenewal {
                needs_owner: Some(&reason),
                ..FailedRenewal::default()
            },
            _ => FailedRenewal {
                due_at: self.next_try(class, not_before),
                by_call_at: failure::by_call_at(class, Timestamp::now(), not_before),
                in_doubt: lost,
                needs_owner: None,
            },
        };
        self.fail(Some(exchange.id()), outcome, &failed).await?;
        let next = [failed.due_at, failed.by_call_at];
        let next = next.into_iter().flatten().min();
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

    async fn begin(&self, calls: &Calls<'_>, spends: bool) -> Result<Begun> {
        let parts = self.element.session_of(self.group, &self.values);
        let session = journal::session(self.app, &self.element.key, parts.as_deref());
        let intent = Intent {
            generation: self.row.generation,
            spends,
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

    async fn apply(&self, exchange: &Exchange, returned: Held) -> Result<Attempt> {
        let (organization, id) = (self.organization, exchange.id());
        let (instance, generation) = (self.row.id, self.row.generation);
        apply(
            self.app,
            organization,
            instance,
            id,
            generation,
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

    /// Not before the access token ends, if that has to be waited for.
    fn next_try(&self, class: Class, ends: Option<Timestamp>) -> Option<Timestamp> {
        let pause = failure::pause(class, self.row.renewal_attempts, rand::random());
        let next = Timestamp::now().checked_add(pause).ok()?;
        Some(ends.map_or(next, |ends| ends.max(next)))
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

/// Writes what the vendor has returned, unless somebody else has logged in since.
async fn apply(
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
async fn fail(
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
        ..FailedRenewal::default()
    };
    let of = (generation, None);
    fail(app, organization, id, of, Outcome::Refused, &failed).await
}

/// When the access token among these values ends; one that does not end by time has ended.
pub fn ends_at(element: &Element, group: &Group, values: &Values) -> Timestamp {
    let renewal = element.renewal(group);
    renewal.map_or(Timestamp::MIN, |renewal| {
        end(&renewal, &element.effective(group, values))
    })
}
