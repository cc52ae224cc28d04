//! `Idempotency-Key`: which keyed requests are under way and which are done. Key and body are
//! known by their HMAC only.
//!
//! A claim is a row with a lease. Whoever holds it marks it done in the transaction that makes
//! what was asked for; if somebody else has taken it over by then, that transaction fails. While
//! an exchange of the journal is open for it nobody takes it over: its outcome is still to come.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use super::OrgStore;
use crate::error::{Error, Result};
use crate::ids::{InstanceId, RequestFingerprint, UserId};

/// Rows of the past that one claim removes along the way, so that they never pile up.
const SWEEP: i64 = 20;

/// A request with a key, as it is looked for.
#[derive(Debug, Clone)]
pub struct RequestKey {
    /// Method and path, without what the body says.
    pub route: String,
    /// Under each pepper; the first is the one that new rows store.
    pub fingerprints: Vec<RequestFingerprint>,
    /// The link of the connect page that the request comes from: it works once.
    pub link: Option<i64>,
}

/// The right to work on a keyed request until its lease ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claim {
    user: UserId,
    route: String,
    key: [u8; 32],
    holder: Uuid,
    #[serde(default)]
    link: Option<i64>,
}

impl Claim {
    /// Made for a connect page, where a person begins anew instead of sending the same again.
    pub fn is_of_link(&self) -> bool {
        self.link.is_some()
    }
}

#[derive(Debug, Clone)]
pub enum Claimed {
    Ours(Claim),
    /// The key was used for something else.
    OtherBody,
    /// Somebody works on it.
    InFlight,
    /// The vendor has answered, as this exchange of the journal knows, or some calls are left that
    /// nobody is at; whoever comes first stores what it gave, or goes on.
    Answered(Uuid),
    Done(InstanceId),
    /// The vendor was asked for something that must not be asked twice, and what it did is not
    /// known.
    Unknown,
}

impl OrgStore<'_> {
    /// Claims the request for `lease`; what comes of it is remembered for `kept`. A claim whose
    /// lease has ended is as good as none: its holder is gone.
    pub async fn claim_request(
        &self,
        user: UserId,
        request: &RequestKey,
        lease: Duration,
        kept: Duration,
    ) -> Result<Claimed> {
        let holder = Uuid::new_v4();
        self.transaction(|mut transaction| async move {
            let claimed = self
                .claim(&mut transaction, user, request, holder, lease, kept)
                .await?;
            Ok((transaction, claimed))
        })
        .await
    }

    async fn claim(
        &self,
        connection: &mut PgConnection,
        user: UserId,
        request: &RequestKey,
        holder: Uuid,
        lease: Duration,
        kept: Duration,
    ) -> Result<Claimed> {
        let Some(current) = request.fingerprints.first() else {
            return Err(Error::internal("a keyed request without fingerprints"));
        };
        if request.fingerprints.len() > 1 {
            // Two servers with different current peppers insert different rows for one key, which
            // no unique index keeps apart. What they have in common is the user.
            self.query("select id from users where org_id = $1 and id = $2 for no key update")
                .bind(user)
                .execute(&mut *connection)
                .await?;
        }
        let keys: Vec<&[u8]> = request.fingerprints.iter().map(|f| &f.key[..]).collect();
        self.query(
            "delete from idempotency_keys
             where org_id = $1 and user_id = $2 and route = $3 and key_hmac = any($4)
                 and (expires_at <= now() or (state = 'running' and lease_until <= now()))
                 and not exists (
                     select 1 from exchanges e
                     where e.org_id = $1 and e.id = exchange_id
                         and e.state in ('intent', 'answered'))",
        )
        .bind(user)
        .bind(&request.route)
        .bind(&keys)
        .execute(&mut *connection)
        .await?;
        self.query(
            "delete from idempotency_keys
             where (org_id, user_id, route, key_hmac) in (
                 select org_id, user_id, route, key_hmac from idempotency_keys
                 where org_id = $1 and expires_at <= now()
                 limit $2 for update skip locked)",
        )
        .bind(SWEEP)
        .execute(&mut *connection)
        .await?;
        // Of two who come at once the second waits here for the first one's commit, inserts
        // nothing and then finds the row.
        let mut inserted = false;
        if self.known(connection, user, request).await?.is_none() {
            let done = self
                .query(
                    "insert into idempotency_keys (org_id, user_id, route, key_hmac, body_hmac,
                         pepper_id, state, holder, lease_until, expires_at)
                     values ($1, $2, $3, $4, $5, $6, 'running', $7,
                         now() + make_interval(secs => $8), now() + make_interval(secs => $9))
                     on conflict do nothing",
                )
                .bind(user)
                .bind(&request.route)
                .bind(&current.key[..])
                .bind(&current.body[..])
                .bind(&current.pepper_id)
                .bind(holder)
                .bind(lease.as_secs_f64())
                .bind(kept.as_secs_f64())
                .execute(&mut *connection)
                .await?;
            inserted = done.rows_affected() == 1;
        }
        if inserted {
            return Ok(Claimed::Ours(Claim {
                user,
                route: request.route.clone(),
                key: current.key,
                holder,
                link: request.link,
            }));
        }
        let Some(known) = self.known(connection, user, request).await? else {
            return Ok(Claimed::InFlight);
        };
        let same_body = request
            .fingerprints
            .iter()
            .any(|f| f.pepper_id == known.pepper_id && f.body[..] == known.body_hmac[..]);
        if !same_body {
            return Ok(Claimed::OtherBody);
        }
        Ok(
            match (known.state.as_str(), known.instance_id, known.exchange) {
                ("done", Some(instance), _) => Claimed::Done(instance),
                ("done", None, _) => Claimed::Unknown,
                (_, _, Some(exchange)) if known.to_be_finished => Claimed::Answered(exchange),
                _ => Claimed::InFlight,
            },
        )
    }

    async fn known(
        &self,
        connection: &mut PgConnection,
        user: UserId,
        request: &RequestKey,
    ) -> Result<Option<Known>> {
        let keys: Vec<&[u8]> = request.fingerprints.iter().map(|f| &f.key[..]).collect();
        let known = self
            .query_as(
                "select k.body_hmac, k.pepper_id, k.state, k.instance_id, k.exchange_id as exchange,
                        coalesce(e.state = 'answered' or (e.state = 'intent'
                            and e.answer_sealed is not null
                            and e.lease_until <= clock_timestamp()), false) as to_be_finished
                 from idempotency_keys k
                 left join exchanges e on e.org_id = k.org_id and e.id = k.exchange_id
                 where k.org_id = $1 and k.user_id = $2 and k.route = $3 and k.key_hmac = any($4)",
            )
            .bind(user)
            .bind(&request.route)
            .bind(&keys)
            .fetch_optional(connection)
            .await?;
        Ok(known)
    }

    /// Marks the request done, and its link used, in the transaction that made the instance.
    ///
    /// # Errors
    /// 409 when the claim has been lost or the link been used meanwhile: the transaction must not be
    /// committed.
    pub async fn finish_request(
        &self,
        connection: &mut PgConnection,
        claim: &Claim,
        instance: InstanceId,
    ) -> Result<()> {
        let done = self
            .query(
                "update idempotency_keys set state = 'done', status = 200, instance_id = $6
                 where org_id = $1 and user_id = $2 and route = $3 and key_hmac = $4
                     and holder = $5 and state = 'running'",
            )
            .bind(claim.user)
            .bind(&claim.route)
            .bind(&claim.key[..])
            .bind(claim.holder)
            .bind(instance)
            .execute(&mut *connection)
            .await?;
        match (done.rows_affected(), claim.link) {
            (1, None) => Ok(()),
            (1, Some(link)) => self.use_connect_link(connection, link, instance).await,
            _ => Err(lost()),
        }
    }

    /// Says which exchange the outcome hangs on, in the transaction that opens it.
    ///
    /// # Errors
    /// 409 when the claim has been lost meanwhile: the transaction must not be committed.
    pub(super) async fn link_request(
        &self,
        connection: &mut PgConnection,
        claim: &Claim,
        exchange: Uuid,
    ) -> Result<()> {
        let done = self
            .query(
                "update idempotency_keys set exchange_id = $6
                 where org_id = $1 and user_id = $2 and route = $3 and key_hmac = $4
                     and holder = $5 and state = 'running'",
            )
            .bind(claim.user)
            .bind(&claim.route)
            .bind(&claim.key[..])
            .bind(claim.holder)
            .bind(exchange)
            .execute(connection)
            .await?;
        match done.rows_affected() {
            1 => Ok(()),
            _ => Err(lost()),
        }
    }

    /// Remembers that nobody knows what came of the request, or that what came of it at the vendor
    /// is stored nowhere, in the transaction that settles its exchange: until it expires it is not
    /// made again.
    pub async fn doubt_request(&self, connection: &mut PgConnection, claim: &Claim) -> Result<()> {
        self.query(
            "update idempotency_keys set state = 'done', status = 409
             where org_id = $1 and user_id = $2 and route = $3 and key_hmac = $4
                 and holder = $5 and state = 'running'",
        )
        .bind(claim.user)
        .bind(&claim.route)
        .bind(&claim.key[..])
        .bind(claim.holder)
        .execute(connection)
        .await?;
        Ok(())
    }

    /// Forgets a claim of which nothing came, so that the request can be made again. It stays
    /// while its exchange is open.
    pub async fn release_request(&self, claim: &Claim) -> Result<()> {
        self.transaction(|mut transaction| async move {
            self.release_request_in(&mut transaction, claim).await?;
            Ok((transaction, ()))
        })
        .await
    }

    pub(super) async fn release_request_in(
        &self,
        connection: &mut PgConnection,
        claim: &Claim,
    ) -> Result<()> {
        self.query(
            "delete from idempotency_keys
             where org_id = $1 and user_id = $2 and route = $3 and key_hmac = $4
                 and holder = $5 and state = 'running'
                 and not exists (
                     select 1 from exchanges e
                     where e.org_id = $1 and e.id = exchange_id
                         and e.state in ('intent', 'answered'))",
        )
        .bind(claim.user)
        .bind(&claim.route)
        .bind(&claim.key[..])
        .bind(claim.holder)
        .execute(connection)
        .await?;
        Ok(())
    }
}

fn lost() -> Error {
    Error::Conflict(
        "This request took so long that another one with the same Idempotency-Key has taken its \
         place."
            .into(),
    )
}

#[derive(sqlx::FromRow)]
struct Known {
    body_hmac: Vec<u8>,
    pepper_id: String,
    state: String,
    instance_id: Option<InstanceId>,
    exchange: Option<Uuid>,
    /// Anybody may do so.
    to_be_finished: bool,
}
