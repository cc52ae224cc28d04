//! Finishes what a server that is gone has left open; runs on every server.
//!
//! Open exchanges whose lease has run out are taken under a new lease, a few at a time; what one
//! server has, the others leave alone. How an exchange is finished its use case knows.

use std::time::Duration;

use uuid::Uuid;
use zeroize::Zeroizing;

use crate::app::App;
use crate::error::{Error, Result};
use crate::ids::{InstanceId, OrganizationId};
use crate::store::{Claim, OpenExchange, Outcome, Purpose};

const LOOK: Duration = Duration::from_secs(2);
/// To finish a batch; only statements are needed.
const LEASE: Duration = Duration::from_secs(30);
const BATCH: i64 = 20;
/// What is over is kept for so long, without contents.
const KEPT: Duration = Duration::from_hours(24);
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
}

impl Left {
    /// Ends it as one of which nothing came.
    pub async fn close(
        &self,
        app: &App,
        outcome: Outcome,
        claim: Option<&Claim>,
        again: bool,
    ) -> Result<()> {
        tracing::warn!(
            org.id = %self.organization,
            exchange.id = %self.id,
            purpose = self.purpose.as_str(),
            outcome = ?outcome,
            "an exchange that was left open came to nothing"
        );
        app.store()
            .org(self.organization)
            .close_exchange(self.id, outcome, claim, again)
            .await
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
            tracing::warn!(%error, "exchanges that are over could not be swept");
        }
        looks = looks.wrapping_add(1);
    }
}

async fn sweep(app: &App) -> Result<()> {
    let all = app.store().all_orgs();
    while all.sweep_exchanges(KEPT, SWEPT).await? == SWEPT as u64 {}
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
    loop {
        let rows = app
            .store()
            .all_orgs()
            .take_exchanges(purposes, holder, LEASE, BATCH)
            .await?;
        let full = rows.len() as i64 == BATCH;
        for row in rows {
            let (organization, id, age) = (row.organization, row.id, row.age);
            let Err(error) = finish_one(app, row, finish).await else {
                continue;
            };
            tracing::error!(org.id = %organization, exchange.id = %id, cause = ?error, "an open exchange could not be finished");
            // What cannot be finished within a day never will be, and must not keep credentials.
            if age > KEPT.as_secs() as i64 {
                app.store()
                    .org(organization)
                    .close_exchange(id, Outcome::Unknown, None, true)
                    .await?;
            }
        }
        if !full {
            return Ok(());
        }
    }
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
    if row.answered && answer.is_none() {
        return Err(Error::internal("an answered exchange without its answer"));
    }
    let left = Left {
        organization: row.organization,
        id: row.id,
        purpose: row.purpose,
        instance: row.instance,
        intent,
        answer,
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
