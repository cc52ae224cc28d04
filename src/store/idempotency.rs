//! `Idempotency-Key`: which keyed requests are under way and which are done. Key and body are
//! known by their HMAC only.
//!
//! A claim is a row with a lease. Whoever holds it marks it done in the transaction that makes
//! what was asked for; if somebody else has taken it over by then, that transaction fails.

use std::time::Duration;

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
}

/// The right to work on a keyed request until its lease ends.
#[derive(Debug, Clone)]
pub struct Claim {
    user: UserId,
    route: String,
    key: [u8; 32],
    holder: Uuid,
}

#[derive(Debug, Clone)]
pub enum Claimed {
    Ours(Claim),
    /// The key was used for something else.
    OtherBody,
    /// Somebody works on it.
    InFlight,
    Done(InstanceId),
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
        let keys: Vec<&[u8]> = request.fingerprints.iter().map(|f| &f.key[..]).collect();
        self.query(
            "delete from idempotency_keys
             where org_id = $1 and user_id = $2 and route = $3 and key_hmac = any($4)
                 and (expires_at <= now() or (state = 'running' and lease_until <= now()))",
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
            }));
        }
        let Some(known) = self.known(connection, user, request).await? else {
            return Ok(Claimed::InFlight);
        };
        let same_body = request
            .fingerprints
            .iter()
            .any(|f| f.pepper_id == known.pepper_id && f.body[..] == known.body_hmac[..]);
        Ok(match (same_body, known.instance_id) {
            (false, _) => Claimed::OtherBody,
            (true, Some(instance)) if known.state == "done" => Claimed::Done(instance),
            (true, _) => Claimed::InFlight,
        })
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
                "select body_hmac, pepper_id, state, instance_id from idempotency_keys
                 where org_id = $1 and user_id = $2 and route = $3 and key_hmac = any($4)",
            )
            .bind(user)
            .bind(&request.route)
            .bind(&keys)
            .fetch_optional(connection)
            .await?;
        Ok(known)
    }

    /// Marks the request done, in the transaction that made the instance.
    ///
    /// # Errors
    /// 409 when the claim has been lost meanwhile: the transaction must not be committed.
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
            .execute(connection)
            .await?;
        if done.rows_affected() == 1 {
            return Ok(());
        }
        Err(Error::Conflict(
            "This request took so long that another one with the same Idempotency-Key has taken \
             its place."
                .into(),
        ))
    }

    /// Forgets a claim of which nothing came, so that the request can be made again.
    pub async fn release_request(&self, claim: &Claim) -> Result<()> {
        self.transaction(|mut transaction| async move {
            self.query(
                "delete from idempotency_keys
                     where org_id = $1 and user_id = $2 and route = $3 and key_hmac = $4
                         and holder = $5 and state = 'running'",
            )
            .bind(claim.user)
            .bind(&claim.route)
            .bind(&claim.key[..])
            .bind(claim.holder)
            .execute(&mut *transaction)
            .await?;
            Ok((transaction, ()))
        })
        .await
    }
}

#[derive(sqlx::FromRow)]
struct Known {
    body_hmac: Vec<u8>,
    pepper_id: String,
    state: String,
    instance_id: Option<InstanceId>,
}
