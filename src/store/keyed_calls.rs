//! Hub calls with an `Idempotency-Key`: which are under way, and what those that are over were
//! answered. Key and call are known by their HMAC only.
//!
//! A call is a row with a lease that whoever works on it moves on. Before the vendor is asked for
//! something that changes something, the row says so; from then on nobody takes it over who would
//! ask for it a second time, unless all that was sent may be sent again.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{AllOrgs, OrgStore};
use crate::error::{Error, Result};
use crate::ids::{InstanceId, RequestFingerprint, UserId};

/// A call with a key, as it is looked for.
#[derive(Debug, Clone)]
pub struct CallKey {
    pub user: UserId,
    pub instance: InstanceId,
    /// Method and path of the resource as defined.
    pub route: String,
    /// Under each pepper; the first is the one that new rows store.
    pub fingerprints: Vec<RequestFingerprint>,
}

#[derive(Debug, Clone)]
pub enum CallClaimed {
    /// To be worked on under this id.
    Ours(Uuid),
    /// The key was used for something else.
    OtherCall,
    /// Somebody works on it.
    InFlight,
    Done {
        id: Uuid,
        answer_sealed: Vec<u8>,
    },
    /// The vendor was asked for something that must not be asked twice, and what it did is not known.
    Unknown {
        since: Timestamp,
    },
}

impl OrgStore<'_> {
    /// Claims the call for `lease`; what comes of it is remembered for `kept`.
    pub async fn claim_call(
        &self,
        key: &CallKey,
        lease: Duration,
        kept: Duration,
    ) -> Result<CallClaimed> {
        // Most of those who come with a key that is known change nothing, and lock nothing.
        let mut reader = self.reader().await?;
        let known = self.known_call(&mut reader, key).await?;
        drop(reader);
        if let Some(known) = known {
            let claimed = known.claimed(key);
            if !matches!(claimed, CallClaimed::Ours(_)) {
                return Ok(claimed);
            }
        }
        let id = Uuid::new_v4();
        self.transaction(|mut transaction| async move {
            let claimed = self
                .claim_call_in(&mut transaction, key, id, lease, kept)
                .await?;
            Ok((transaction, claimed))
        })
        .await
    }

    async fn claim_call_in(
        &self,
        connection: &mut PgConnection,
        key: &CallKey,
        id: Uuid,
        lease: Duration,
        kept: Duration,
    ) -> Result<CallClaimed> {
        let Some(current) = key.fingerprints.first() else {
            return Err(Error::internal("a keyed call without fingerprints"));
        };
        if key.fingerprints.len() > 1 {
            // As for requests: no unique index keeps apart what two peppers make of one key.
            self.query("select id from users where org_id = $1 and id = $2 for no key update")
                .bind(key.user)
                .execute(&mut *connection)
                .await?;
        }
        if let Some(known) = self.known_call(connection, key).await? {
            let claimed = known.claimed(key);
            if !matches!(claimed, CallClaimed::Ours(_)) {
                return Ok(claimed);
            }
            // Unless somebody has gone on with it since.
            self.query(
                "delete from keyed_calls
                 where org_id = $1 and id = $2
                     and (expires_at <= clock_timestamp()
                         or (lease_until <= clock_timestamp()
                             and (state = 'claimed' or (state = 'sending' and repeatable))))",
            )
            .bind(known.id)
            .execute(&mut *connection)
            .await?;
        }
        // Of two who come at once the second waits here for the first one's commit.
        let done = self
            .query(
                "insert into keyed_calls (org_id, id, user_id, instance_id, route, key_hmac,
                     body_hmac, pepper_id, state, lease_until, expires_at)
                 select $1, $2, $3, $4, $5, $6, $7, $8, 'claimed',
                     clock_timestamp() + make_interval(secs => $9),
                     clock_timestamp() + make_interval(secs => $10)
                 from instances where org_id = $1 and id = $4
                 on conflict do nothing",
            )
            .bind(id)
            .bind(key.user)
            .bind(key.instance)
            .bind(&key.route)
            .bind(&current.key[..])
            .bind(&current.body[..])
            .bind(&current.pepper_id)
            .bind(lease.as_secs_f64())
            .bind(kept.as_secs_f64())
            .execute(&mut *connection)
            .await?;
        if done.rows_affected() == 1 {
            return Ok(CallClaimed::Ours(id));
        }
        match self.known_call(connection, key).await? {
            Some(known) => Ok(match known.claimed(key) {
                // It has just been made.
                CallClaimed::Ours(_) => CallClaimed::InFlight,
                claimed => claimed,
            }),
            None => Ok(CallClaimed::InFlight),
        }
    }

    async fn known_call(
        &self,
        connection: &mut PgConnection,
        key: &CallKey,
    ) -> Result<Option<Known>> {
        let keys: Vec<&[u8]> = key.fingerprints.iter().map(|f| &f.key[..]).collect();
        let known = self
            .query_as(
                "select id, body_hmac, pepper_id, state, repeatable, answer_sealed, created_at,
                        lease_until <= clock_timestamp() as left_alone,
                        expires_at <= clock_timestamp() as expired
                 from keyed_calls
                 where org_id = $1 and user_id = $2 and instance_id = $3 and route = $4
                     and key_hmac = any($5)",
            )
            .bind(key.user)
            .bind(key.instance)
            .bind(&key.route)
            .bind(&keys)
            .fetch_optional(connection)
            .await?;
        Ok(known)
    }

    /// Says that the vendor is about to be asked for something that changes something.
    /// `false`: the call is another's by now, or gone, and must not be made.
    pub async fn call_is_sending(
        &self,
        id: Uuid,
        repeatable: bool,
        lease: Duration,
    ) -> Result<bool> {
        self.transaction(|mut transaction| async move {
            let done = self
                .query(
                    "update keyed_calls set state = 'sending', repeatable = repeatable and $3,
                         lease_until = clock_timestamp() + make_interval(secs => $4)
                     where org_id = $1 and id = $2 and state in ('claimed', 'sending')",
                )
                .bind(id)
                .bind(repeatable)
                .bind(lease.as_secs_f64())
                .execute(&mut *transaction)
                .await?;
            Ok((transaction, done.rows_affected() == 1))
        })
        .await
    }

    /// Says that somebody still works on it; with no `lease`, that nobody does any more.
    pub async fn prolong_call(&self, id: Uuid, lease: Duration) -> Result<()> {
        self.transaction(|mut transaction| async move {
            self.query(
                "update keyed_calls
                 set lease_until = clock_timestamp() + make_interval(secs => $3)
                 where org_id = $1 and id = $2 and state in ('claimed', 'sending')",
            )
            .bind(id)
            .bind(lease.as_secs_f64())
            .execute(&mut *transaction)
            .await?;
            Ok((transaction, ()))
        })
        .await
    }

    /// Remembers what the call was answered.
    pub async fn finish_call(&self, id: Uuid, answer_sealed: &[u8]) -> Result<()> {
        self.transaction(|mut transaction| async move {
            self.query(
                "update keyed_calls set state = 'done', answer_sealed = $3
                 where org_id = $1 and id = $2 and state in ('claimed', 'sending')",
            )
            .bind(id)
            .bind(answer_sealed)
            .execute(&mut *transaction)
            .await?;
            Ok((transaction, ()))
        })
        .await
    }

    /// How many calls are remembered of the organization, and how many bytes of their answers.
    pub async fn kept_calls(&self) -> Result<(u64, u64)> {
        let mut reader = self.reader().await?;
        let (calls, bytes): (i64, i64) = self
            .query_as(
                "select count(*), coalesce(sum(octet_length(answer_sealed)), 0)::bigint
                 from keyed_calls where org_id = $1 and expires_at > clock_timestamp()",
            )
            .fetch_one(&mut *reader)
            .await?;
        reader.finish();
        Ok((calls.unsigned_abs(), bytes.unsigned_abs()))
    }

    /// Forgets a call of which nothing came.
    pub async fn release_call(&self, id: Uuid) -> Result<()> {
        self.transaction(|mut transaction| async move {
            self.query(
                "delete from keyed_calls
                 where org_id = $1 and id = $2 and state in ('claimed', 'sending')",
            )
            .bind(id)
            .execute(&mut *transaction)
            .await?;
            Ok((transaction, ()))
        })
        .await
    }
}

impl AllOrgs<'_> {
    /// Removes those whose time is over; gives how many.
    pub async fn sweep_calls(&self, limit: i64) -> Result<u64> {
        let store = self.store;
        store
            .transaction(|mut transaction| async move {
                let done = store
                    .query(
                        "delete from keyed_calls where (org_id, id) in (
                             select org_id, id from keyed_calls
                             where expires_at <= statement_timestamp()
                             order by expires_at limit $1 for update skip locked)",
                    )
                    .bind(limit)
                    .execute(&mut *transaction)
                    .await?;
                Ok((transaction, done.rows_affected()))
            })
            .await
    }
}

#[derive(sqlx::FromRow)]
struct Known {
    id: Uuid,
    body_hmac: Vec<u8>,
    pepper_id: String,
    state: String,
    repeatable: bool,
    answer_sealed: Option<Vec<u8>>,
    created_at: jiff_sqlx::Timestamp,
    /// By whoever worked on it.
    left_alone: bool,
    expired: bool,
}

impl Known {
    /// `Ours`: the row is as good as none.
    fn claimed(&self, key: &CallKey) -> CallClaimed {
        let sending = self.state == "sending";
        let free = self.state == "claimed" && self.left_alone;
        if self.expired || free {
            return CallClaimed::Ours(self.id);
        }
        let same = |f: &RequestFingerprint| {
            f.pepper_id == self.pepper_id && f.body[..] == self.body_hmac[..]
        };
        if !key.fingerprints.iter().any(same) {
            return CallClaimed::OtherCall;
        }
        match &self.answer_sealed {
            Some(sealed) => CallClaimed::Done {
                id: self.id,
                answer_sealed: sealed.clone(),
            },
            None if !self.left_alone => CallClaimed::InFlight,
            None if sending && self.repeatable => CallClaimed::Ours(self.id),
            None => CallClaimed::Unknown {
                since: self.created_at.to_jiff(),
            },
        }
    }
}
