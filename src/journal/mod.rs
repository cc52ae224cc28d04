//! The exchange journal: what the vendor must not be asked twice, or what it answers only once, is
//! written down before it is asked and stored as soon as it has answered, so that neither a kill
//! nor a lost connection leaves half of it.
//!
//! Course of one exchange, each step durable before the next:
//!
//! 1. *intent*: everything needed to store what will come of it, sealed; with it the vendor session
//!    and the instance's lease are taken;
//! 2. the calls, with no connection held; immediately before each the database is asked whether
//!    what is left of the lease suffices. Between two of them stands, sealed, what those before
//!    have returned, if they must not be repeated: then recovery makes those that are left. So
//!    does an answer that hooks have still to see, and recovery has them see it;
//! 3. *answered*: what the vendor returned, sealed;
//! 4. *applied*, in the transaction that stores it for good; or *refused* (the vendor said no, or
//!    somebody else was faster) or *unknown* (whether the vendor has acted cannot be told).
//!
//! From step 3 on anybody may apply the answer, whoever has the lease, while the instance's
//! generation is what the intent expects: the one who asked, a repeated request with the same
//! `Idempotency-Key`, or [`recovery`] of any server. What nobody has answered when the lease ends
//! is settled by recovery. Once settled a row holds nothing sealed and is swept after a day.
//!
//! Who uses it decides by data: a log-in that ends another session at the vendor or uses up what it
//! begins with (an authorization code, a refresh token that is good once), a request with an
//! `Idempotency-Key`, a deletion that the vendor is told of. A check of credentials without any of
//! them stays outside, since an answer lost there costs nothing.
//!
//! **Renewing and revoking** go through the same functions. `begin` with `Purpose::Renew` or
//! `Revoke`, the instance and the `generation` that was read: it takes the lease of the instance's
//! row, or says that somebody else has renewed meanwhile (`Begun::Outrun`), or that they are at it
//! (409). Then [`Exchange::ask`] makes the calls and stores the answer ([`Exchange::call`] and
//! [`Exchange::keep`] where a failure is to be written together with the exchange's end); the
//! transaction that writes the new tokens locks the instance's row, calls
//! `OrgStore::lock_exchange` and writes if it is `Answered` and the generation unchanged, counts
//! the generation up and calls `OrgStore::settle_exchange`, which gives the lease back. Recovery
//! hands open exchanges to the function that `background` gives it, which chooses by purpose, and
//! only those of the purposes that `background` lists: a server that is one version back leaves
//! alone what it does not know.
//!
//! What stays uncovered: a process that is paused between the look at its lease and the first byte
//! it sends may send after its lease has ended. Sessions are told apart within one organization:
//! two organizations that use the same user at a vendor are not kept from each other.

pub mod recovery;
mod values;

use std::time::{Duration, Instant};

use uuid::Uuid;
use zeroize::Zeroizing;

use crate::app::App;
use crate::error::{Error, Result};
use crate::exchange::{Calls, Progress};
use crate::ids::{Fingerprint, InstanceId, OrganizationId, UserId};
use crate::store::{self, Claim, Opened, Outcome, Purpose};
use crate::tenancy;
use crate::vault::Place;

pub use values::Held;
use values::Reached;

/// On top of what the calls may take: for statements, and for pauses that are not worth an error.
const MARGIN: Duration = Duration::from_secs(30);
/// Left of the lease when the last byte of the last answer arrives, to store it.
const STORING: Duration = Duration::from_secs(5);
/// After an answer is stored, for the one who asked to apply it undisturbed.
const APPLYING: Duration = Duration::from_secs(10);
/// How long a caller is kept waiting for another's log-in.
const PATIENCE: Duration = Duration::from_secs(10);
/// From one look to the next: more and more, since many may wait for one.
const LOOK: Duration = Duration::from_millis(100);
const LONGEST_LOOK: Duration = Duration::from_secs(1);
/// Seconds until it is worth asking again.
const RETRY_AFTER: u32 = 5;
/// An answer that cannot be stored is offered to the database so often.
const TRIES: u32 = 6;

/// What is to be exchanged, and all that has to be known to store what comes of it.
pub struct Opening<'a> {
    pub organization: OrganizationId,
    pub user: UserId,
    pub purpose: Purpose,
    pub instance: Option<InstanceId>,
    /// The instance must have this generation, and its lease is taken.
    pub generation: Option<i64>,
    /// From [`session`]; empty: no other session is touched.
    pub session: &'a [Fingerprint],
    /// What the calls will take at most, with their hooks.
    pub time: Duration,
    /// Sealed and given back to whoever finishes the exchange.
    pub intent: &'a [u8],
    pub claim: Option<&'a Claim>,
}

#[derive(Debug)]
pub enum Begun {
    Ours(Exchange),
    /// The instance is gone, or not of that generation any more: read it again.
    Outrun,
}

/// An open exchange of ours.
#[derive(Debug)]
pub struct Exchange {
    app: App,
    organization: OrganizationId,
    id: Uuid,
    holder: Uuid,
    claim: Option<Claim>,
}

/// Makes the intent durable. Waits, a while, for others that are at the same vendor session or
/// instance; a renewal does not wait.
///
/// # Errors
/// 409 with `Retry-After` when they take too long; 409 when the claim has been lost.
pub async fn begin(app: &App, opening: &Opening<'_>) -> Result<Begun> {
    let organization = opening.organization;
    let id = Uuid::new_v4();
    let holder = Uuid::new_v4();
    let keys = tenancy::keys(app, organization).await?;
    let new = store::NewExchange {
        id,
        holder,
        purpose: opening.purpose,
        user: opening.user,
        instance: opening.instance,
        generation: opening.generation,
        session: opening.session,
        intent_sealed: &keys.seal(&place(organization, id, INTENT), opening.intent),
        lease: opening.time + MARGIN,
        claim: opening.claim,
    };
    // Nobody waits for a renewal, which is made by a worker that has others to make.
    let patience = match opening.purpose {
        Purpose::Renew => Duration::ZERO,
        _ => PATIENCE,
    };
    let end = Instant::now() + patience;
    let mut pause = LOOK;
    loop {
        match app.store().org(organization).open_exchange(&new).await? {
            Opened::Ours => {
                return Ok(Begun::Ours(Exchange {
                    app: app.clone(),
                    organization,
                    id,
                    holder,
                    claim: opening.claim.cloned(),
                }));
            }
            Opened::Outrun => return Ok(Begun::Outrun),
            Opened::Busy if Instant::now() < end => {
                tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.5))).await;
                pause = (pause * 3 / 2).min(LONGEST_LOOK);
            }
            Opened::Busy => {
                return Err(Error::InFlight {
                    message: "Another log-in of the same user at the vendor is under way, and one \
                              would end the other; ask again.",
                    retry_after: RETRY_AFTER,
                });
            }
        }
    }
}

impl Exchange {
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Makes the calls and stores what they return. When a call fails the exchange is closed, or left
    /// to whoever comes back for it.
    pub async fn ask(&self, mut calls: Calls<'_>) -> Result<Held> {
        if let Err(error) = self.call(&mut calls).await {
            match calls.can_go_on_after(&error) {
                true => self.leave().await,
                false => self.failed(&calls).await,
            }
            return Err(error);
        }
        self.keep(calls).await
    }

    /// Anybody may go on from what is noted. If this fails they have to wait for the lease's end.
    async fn leave(&self) {
        let organization = self.app.store().org(self.organization);
        if let Err(error) = organization.leave_exchange(self.id, self.holder).await {
            tracing::warn!(%error, exchange.id = %self.id, "an exchange stays leased until its lease ends");
        }
    }

    /// Closes it after a call that failed.
    pub async fn failed(&self, calls: &Calls<'_>) {
        let again = !calls.must_not_be_repeated();
        self.close(outcome(calls), again).await;
    }

    /// Makes the calls. When that fails the exchange is left for the caller to settle, together
    /// with what the failure means for the instance.
    pub async fn call(&self, calls: &mut Calls<'_>) -> Result<()> {
        while calls.left() > 0 {
            self.may_send(calls.next_takes()).await?;
            calls.step().await?;
            if calls.left() > 0
                && let Some(progress) = calls.progress()
            {
                self.reached(progress).await?;
            }
        }
        Ok(())
    }

    /// Stores how far the calls have come: whoever finishes the exchange goes on from there.
    async fn reached(&self, progress: Progress) -> Result<()> {
        let reached = Reached::of(progress).into_json()?;
        self.stored(|| self.store_answer(&reached, false)).await
    }

    /// Stores what the calls have returned.
    pub async fn keep(&self, calls: Calls<'_>) -> Result<Held> {
        let returned = Held(calls.returned());
        self.answer(&returned).await?;
        Ok(returned)
    }

    /// # Errors
    /// 409 when the exchange was given up meanwhile.
    pub async fn answer(&self, returned: &Held) -> Result<()> {
        let answer = returned.to_json()?;
        self.stored(|| self.store_answer(&answer, true)).await
    }

    /// To be asked immediately before each call, which takes `long` at most.
    ///
    /// # Errors
    /// 503 when the lease would not last, or is another's by now.
    pub async fn may_send(&self, long: Duration) -> Result<()> {
        let organization = self.app.store().org(self.organization);
        let left = organization.time_to_send(self.id, self.holder).await?;
        if left.is_some_and(|left| left >= long + STORING) {
            return Ok(());
        }
        tracing::warn!(exchange.id = %self.id, ?left, "held up too long to call the vendor");
        Err(Error::Unavailable(
            "This server was held up before it could call the vendor; send the request again.",
        ))
    }

    /// Stores what the vendor has said, or that nothing was asked. It is known nowhere else, so a
    /// database that is away for a moment is asked again.
    async fn stored<Stored>(&self, store: impl Fn() -> Stored) -> Result<()>
    where
        Stored: Future<Output = Result<bool>>,
    {
        let mut tried = 0;
        loop {
            tried += 1;
            match store().await {
                Ok(true) => return Ok(()),
                Ok(false) => return Err(store::given_up()),
                Err(error) if tried == TRIES => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, exchange.id = %self.id, "what came of an exchange is not stored yet");
                    tokio::time::sleep(LOOK * 2_u32.pow(tried)).await;
                }
            }
        }
    }

    /// `whole`: no call is left.
    async fn store_answer(&self, answer: &[u8], whole: bool) -> Result<bool> {
        // Not those that the intent was sealed with: the calls may have taken long.
        let keys = tenancy::keys(&self.app, self.organization).await?;
        let sealed = keys.seal(&place(self.organization, self.id, ANSWER), answer);
        let organization = self.app.store().org(self.organization);
        match whole {
            true => {
                organization
                    .answer_exchange(self.id, &sealed, APPLYING)
                    .await
            }
            false => {
                organization
                    .exchange_reached(self.id, self.holder, &sealed)
                    .await
            }
        }
    }

    /// Ends an exchange of which nothing came, unless somebody else has it by now. If even that fails, recovery does it when the
    /// lease has run out. `again`: the request may be made again.
    pub async fn close(&self, outcome: Outcome, again: bool) {
        let organization = self.app.store().org(self.organization);
        let claim = self.claim.as_ref();
        let closed = self.stored(|| async {
            let closing =
                organization.close_own_exchange(self.id, self.holder, outcome, claim, again);
            closing.await.map(|_| true)
        });
        if let Err(error) = closed.await {
            tracing::warn!(%error, exchange.id = %self.id, "an exchange stays open until its lease ends");
        }
    }
}

/// Ends an answered exchange whose answer cannot be stored, unless that may still succeed: then
/// recovery tries again. `again`: the request may be made again. Gives `outcome` on.
pub async fn settled<T>(
    app: &App,
    organization: OrganizationId,
    id: Uuid,
    claim: Option<&Claim>,
    again: bool,
    outcome: Result<T>,
) -> Result<T> {
    if let Err(error) = &outcome
        && is_final(error)
    {
        app.store()
            .org(organization)
            .close_exchange(id, Outcome::Refused, claim, again)
            .await?;
    }
    outcome
}

/// What became of an exchange of which a call failed.
pub fn outcome(calls: &Calls<'_>) -> Outcome {
    match calls.unsure() {
        true => Outcome::Unknown,
        false => Outcome::Refused,
    }
}

/// Trying again would end the same way.
pub fn is_final(error: &Error) -> bool {
    !matches!(error, Error::Internal(_) | Error::Unavailable(_))
}

/// The vendor session that a log-in begins, under each pepper.
pub fn session(app: &App, element: &str, parts: Option<&[(&str, String)]>) -> Vec<Fingerprint> {
    parts.map_or_else(Vec::new, |parts| {
        app.vault().session_fingerprints(element, parts)
    })
}

/// Names of sealed columns: part of what their values are bound to.
const INTENT: &str = "intent_sealed";
const ANSWER: &str = "answer_sealed";

fn place(organization: OrganizationId, row: Uuid, column: &'static str) -> Place<'static> {
    Place {
        organization,
        table: "exchanges",
        row,
        column,
    }
}

/// Contents of an open exchange, opened: the intent, and what the vendor has answered by now.
async fn open(
    app: &App,
    row: &store::OpenExchange,
) -> Result<(Zeroizing<Vec<u8>>, Option<Zeroizing<Vec<u8>>>)> {
    let keys = tenancy::keys(app, row.organization).await?;
    let open = |sealed: Option<&Vec<u8>>, column| {
        let place = place(row.organization, row.id, column);
        sealed.map(|sealed| keys.open(&place, sealed)).transpose()
    };
    let intent = open(row.intent_sealed.as_ref(), INTENT)?
        .ok_or_else(|| Error::internal("an open exchange without its intent"))?;
    Ok((intent, open(row.answer_sealed.as_ref(), ANSWER)?))
}

impl std::fmt::Debug for Opening<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opening")
            .field("purpose", &self.purpose)
            .field("instance", &self.instance)
            .finish_non_exhaustive()
    }
}
