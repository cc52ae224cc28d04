//! Finishes what a server that is gone has left open; runs on every server.
//!
//! Open exchanges whose lease has run out are taken under a new lease, a few at a time; what one
//! server has, the others leave alone. How an exchange is finished its use case knows.

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;
use zeroize::Zeroizing;

use super::Exchange;
use super::values::Reached;
use crate::app::App;
use crate::error::{Error, Result};
use crate::exchange::{Calls, Progress};
use crate::ids::{InstanceId, OrganizationId};
use crate::store::{Claim, OpenExchange, Outcome, Purpose};

const LOOK: Duration = Duration::from_secs(2);
/// To finish a batch; only statements are needed.
const LEASE: Duration = Duration::from_secs(30);
const BATCH: i64 = 20;
/// After the lease of one without an answer, for a holder that is late but alive.
const GRACE: Duration = Duration::from_secs(10);
/// What is over is kept for so long, without contents.
const KEPT: Duration = Duration::from_hours(24);
/// Calls that are left are tried for so long after the exchange was opened: meanwhile its instance is
/// not renewed.
const FRESH: Duration = Duration::from_mins(10);
/// Looks from one sweep to the next: some minutes.
const LOOKS_PER_SWEEP: u32 = 150;
const SWEPT: i64 = 1000;

/// An open exchange and what has to be known to finish it.
pub struct Left {
    pub organization: OrganizationId,
    pub id: Uuid,
    pub purpose: Purpose,
    pub instance: Option<InstanceId>,
    pub intent: Zeroizing<Vec<u8>>,
    /// `None`: whether the vendor has acted is not known.
    pub answer: Option<Zeroizing<Vec<u8>>>,
    /// How far the calls had come, if those before must not be repeated.
    pub progress: Option<Progress>,
    /// Who has its lease.
    holder: Uuid,
    age: Duration,
}

impl Left {
    /// The calls that are left may still be made: what there is to go on from is good for a while.
    pub fn is_fresh(&self) -> bool {
        self.age <= FRESH
    }

    /// Takes it over to make the calls that are left. `None`: somebody else has it by now.
    pub async fn take_over(
        &self,
        app: &App,
        calls: &Calls<'_>,
        claim: Option<&Claim>,
    ) -> Result<Option<Exchange>> {
        let holder = Uuid::new_v4();
        let organization = app.store().org(self.organization);
        let lease = calls.longest() + super::MARGIN;
        let taken = organization
            .take_over_exchange(self.id, (self.holder, holder), lease)
            .await?;
        Ok(taken.then(|| Exchange {
            app: app.clone(),
            organization: self.organization,
            id: self.id,
            holder,
            claim: claim.cloned(),
        }))
    }

    /// Ends one without an answer. Has that come since this was read, it stays open: who stored the
    /// answer applies it, and if they are gone a later look finds it when their lease has ended.
    pub async fn give_up(&self, app: &App, claim: Option<&Claim>, again: bool) -> Result<()> {
        let organization = app.store().org(self.organization);
        let given_up = organization.give_up_exchange(self.id, claim, again).await?;
        if given_up {
            tracing::warn!(
                org.id = %self.organization,
                exchange.id = %self.id,
                purpose = self.purpose.as_str(),
                "an exchange that was left open came to nothing"
            );
        }
        Ok(())
    }
}

/// Until `stop`: looks for open exchanges of these purposes and has each finished by `finish`.
/// Those of a newer version's purposes are left for its servers.
pub async fn run<Finish, Finished>(
    app: App,
    purposes: &[Purpose],
    finish: Finish,
    stop: impl Future<Output = ()>,
) where
    Finish: Fn(App, Left) -> Finished,
    Finished: Future<Output = Result<()>>,
{
    let mut stop = std::pin::pin!(stop);
    let holder = Uuid::new_v4();
    let mut looks = 0_u32;
    loop {
        tokio::select! {
            // Servers that were started together shall not look together.
            () = tokio::time::sleep(LOOK.mul_f64(rand::random_range(0.5..1.5))) => {}
            () = &mut stop => return,
        }
        if let Err(error) = look(&app, purposes, holder, &finish).await {
            tracing::warn!(%error, "open exchanges could not be looked for");
        }
        if looks.is_multiple_of(LOOKS_PER_SWEEP)
            && let Err(error) = sweep(&app).await
        {
            tracing::warn!(%error, "what is over could not be swept");
        }
        looks = looks.wrapping_add(1);
    }
}

async fn sweep(app: &App) -> Result<()> {
    let all = app.store().all_orgs();
    while all.sweep_exchanges(KEPT, SWEPT).await? == SWEPT as u64 {}
    while all.sweep_calls(SWEPT).await? == SWEPT as u64 {}
    Ok(())
}

async fn look<Finish, Finished>(
    app: &App,
    purposes: &[Purpose],
    holder: Uuid,
    finish: &Finish,
) -> Result<()>
where
    Finish: Fn(App, Left) -> Finished,
    Finished: Future<Output = Result<()>>,
{
    // Those that get no connection now: one tenant's queue must not hold up everybody's.
    let mut busy: Vec<OrganizationId> = Vec::new();
    loop {
        let rows = app
            .store()
            .all_orgs()
            .take_exchanges(purposes, &busy, holder, LEASE, GRACE, BATCH)
            .await?;
        let full = rows.len() as i64 == BATCH;
        let mut tenants: BTreeMap<OrganizationId, Vec<OpenExchange>> = BTreeMap::new();
        for row in rows {
            tenants.entry(row.organization).or_default().push(row);
        }
        let tenants = tenants.into_iter().map(async |(organization, rows)| {
            let done = finish_tenants(app, rows, finish).await;
            done.map(|all| (!all).then_some(organization))
        });
        for outcome in futures_util::future::join_all(tenants).await {
            busy.extend(outcome?);
        }
        if !full {
            return Ok(());
        }
    }
}

/// Finishes exchanges of one organization, one after the other. `false`: it has no room for it
/// now, and the rest waits until the lease on them has ended.
async fn finish_tenants<Finish, Finished>(
    app: &App,
    rows: Vec<OpenExchange>,
    finish: &Finish,
) -> Result<bool>
where
    Finish: Fn(App, Left) -> Finished,
    Finished: Future<Output = Result<()>>,
{
    for row in rows {
        let (organization, id, age) = (row.organization, row.id, row.age);
        match finish_one(app, row, finish).await {
            Ok(()) => {}
            Err(error @ Error::Unavailable(_)) => {
                tracing::warn!(org.id = %organization, exchange.id = %id, %error, "an open exchange is left for later");
                return Ok(false);
            }
            Err(error) => {
                tracing::error!(org.id = %organization, exchange.id = %id, cause = ?error, "an open exchange could not be finished");
                // What cannot be finished within a day never will be, and must not keep
                // credentials.
                if age > KEPT.as_secs() as i64 {
                    app.store()
                        .org(organization)
                        .close_exchange(id, Outcome::Unknown, None, true)
                        .await?;
                }
            }
        }
    }
    Ok(true)
}

/// Finishes one if it is still open, whoever has its lease.
pub async fn finish_now<Finish, Finished>(
    app: &App,
    organization: OrganizationId,
    id: Uuid,
    finish: Finish,
) -> Result<()>
where
    Finish: Fn(App, Left) -> Finished,
    Finished: Future<Output = Result<()>>,
{
    match app.store().org(organization).exchange(id).await? {
        Some(row) => finish_one(app, row, &finish).await,
        None => Ok(()),
    }
}

async fn finish_one<Finish, Finished>(app: &App, row: OpenExchange, finish: &Finish) -> Result<()>
where
    Finish: Fn(App, Left) -> Finished,
    Finished: Future<Output = Result<()>>,
{
    let (intent, answer) = super::open(app, &row).await?;
    let (answer, progress) = match (row.answered, answer) {
        (true, Some(answer)) => (Some(answer), None),
        (true, None) => {
            return Err(Error::internal("an answered exchange without its answer"));
        }
        (false, Some(reached)) => (None, Some(Reached::from_json(&reached)?.progress())),
        (false, None) => (None, None),
    };
    let left = Left {
        organization: row.organization,
        id: row.id,
        purpose: row.purpose,
        instance: row.instance,
        intent,
        answer,
        progress,
        holder: row.holder,
        age: Duration::from_secs(u64::try_from(row.age).unwrap_or_default()),
    };
    finish(app.clone(), left).await
}

impl std::fmt::Debug for Left {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Left")
            .field("organization", &self.organization)
            .field("id", &self.id)
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}
