//! The exchange journal's rows: opened before a vendor is called, answered when it has answered,
//! and settled in the transaction that stores what came of it. What is sealed in them is gone from
//! the moment they are settled.
//!
//! Times are the database's, at the moment of each statement.

mod calls;
mod open;

use std::fmt;
use std::time::Duration;

use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::{AllOrgs, Claim, OrgStore};
use crate::error::Result;
use crate::ids::{Fingerprint, InstanceId, OrganizationId, UserId};

/// The columns of an [`OpenExchange`].
macro_rules! open_columns {
    () => {
        "org_id, id, instance_id, purpose, holder, state = 'answered' as answered,
         intent_sealed, answer_sealed,
         extract(epoch from clock_timestamp() - created_at)::bigint as age"
    };
}
/// What the vendor is called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The log-in of an instance that is not there yet.
    Create,
    /// Another log-in of an instance.
    Provision,
    Renew,
    Revoke,
    Delete,
    /// A hub call.
    Write,
}

/// What became of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Applied,
    /// The vendor said no, was not asked, or what it gave has been overtaken.
    Refused,
    /// Whether the vendor has acted is not known.
    Unknown,
}

pub struct NewExchange<'a> {
    pub id: Uuid,
    pub holder: Uuid,
    pub purpose: Purpose,
    pub user: UserId,
    pub instance: Option<InstanceId>,
    /// The instance must have this generation, and its lease is taken.
    pub generation: Option<i64>,
    /// The vendor session under each pepper, the current one first. Empty: none.
    pub session: &'a [Fingerprint],
    pub intent_sealed: &'a [u8],
    pub lease: Duration,
    pub claim: Option<&'a Claim>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    Ours,
    /// Another exchange has the vendor session, or the instance's lease.
    Busy,
    /// The instance is gone, or not of that generation any more.
    Outrun,
}

/// An open exchange as it is stored.
#[derive(FromRow)]
pub struct OpenExchange {
    #[sqlx(rename = "org_id")]
    pub organization: OrganizationId,
    pub id: Uuid,
    #[sqlx(rename = "instance_id")]
    pub instance: Option<InstanceId>,
    #[sqlx(try_from = "String")]
    pub purpose: Purpose,
    pub holder: Uuid,
    /// The vendor has answered.
    pub answered: bool,
    pub intent_sealed: Option<Vec<u8>>,
    /// While it is not answered: how far the calls have come.
    pub answer_sealed: Option<Vec<u8>>,
    /// Seconds since it was opened.
    pub age: i64,
}

/// How a row stands while it is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Intent,
    Answered,
    /// Somebody else was first; with the instance that came of it.
    Applied(Option<InstanceId>),
    /// Refused, unknown or swept.
    Over,
}

impl OrgStore<'_> {
    /// Nobody else settles it until the transaction ends.
    pub async fn lock_exchange(&self, connection: &mut PgConnection, id: Uuid) -> Result<Standing> {
        let row: Option<(String, Option<InstanceId>)> = self
            .query_as(
                "select state, instance_id from exchanges
                 where org_id = $1 and id = $2 for update",
            )
            .bind(id)
            .fetch_optional(connection)
            .await?;
        Ok(match row {
            Some((state, instance)) => match state.as_str() {
                "intent" => Standing::Intent,
                "answered" => Standing::Answered,
                "applied" => Standing::Applied(instance),
                _ => Standing::Over,
            },
            None => Standing::Over,
        })
    }

    /// Ends it and empties it, and gives the instance's lease back if it has that. `instance`:
    /// the one that came of it. `false`: it is over already.
    pub async fn settle_exchange(
        &self,
        connection: &mut PgConnection,
        id: Uuid,
        outcome: Outcome,
        instance: Option<InstanceId>,
    ) -> Result<bool> {
        // One statement: what is renewed often shall not ask twice.
        let (settled,): (i64,) = self
            .query_as(
                "with settled as (
                     update exchanges
                     set state = $3, instance_id = coalesce($4, instance_id),
                         applied_at = case when $3 = 'applied' then clock_timestamp() end,
                         intent_sealed = null, answer_sealed = null,
                         session_hmac = null, session_pepper_id = null
                     where org_id = $1 and id = $2 and state in ('intent', 'answered')
                     returning instance_id, generation
                 ), freed as (
                     update instances set lease_holder = null, lease_until = null
                     where org_id = $1 and lease_holder = $2
                         and id = (select instance_id from settled where generation is not null)
                 )
                 select count(*) from settled",
            )
            .bind(id)
            .bind(outcome.as_str())
            .bind(instance)
            .fetch_one(connection)
            .await?;
        Ok(settled == 1)
    }

    /// Ends an exchange of which nothing came; its claim is free again, or, if the request must
    /// not be made `again`, remembered as one of unknown outcome.
    pub async fn close_exchange(
        &self,
        id: Uuid,
        outcome: Outcome,
        claim: Option<&Claim>,
        again: bool,
    ) -> Result<()> {
        self.transaction(|mut transaction| async move {
            self.close_exchange_in(&mut transaction, id, outcome, claim, again)
                .await?;
            Ok((transaction, ()))
        })
        .await
    }

    /// The same while `holder` has it and no answer is there. What somebody else goes on with, or
    /// has answered, is theirs to end.
    pub async fn close_own_exchange(
        &self,
        id: Uuid,
        holder: Uuid,
        outcome: Outcome,
        claim: Option<&Claim>,
        again: bool,
    ) -> Result<()> {
        self.transaction(|mut transaction| async move {
            let own: Option<(Uuid,)> = self
                .query_as(
                    "select id from exchanges
                     where org_id = $1 and id = $2 and holder = $3 and state = 'intent'
                     for update",
                )
                .bind(id)
                .bind(holder)
                .fetch_optional(&mut *transaction)
                .await?;
            if own.is_some() {
                self.close_exchange_in(&mut transaction, id, outcome, claim, again)
                    .await?;
            }
            Ok((transaction, ()))
        })
        .await
    }

    /// The same as one of unknown outcome, while there is no answer. `false`: there is one by now,
    /// or it is over.
    pub async fn give_up_exchange(
        &self,
        id: Uuid,
        claim: Option<&Claim>,
        again: bool,
    ) -> Result<bool> {
        self.transaction(|mut transaction| async move {
            let unanswered = self.lock_exchange(&mut transaction, id).await? == Standing::Intent;
            if unanswered {
                self.close_exchange_in(&mut transaction, id, Outcome::Unknown, claim, again)
                    .await?;
            }
            Ok((transaction, unanswered))
        })
        .await
    }

    /// [`OrgStore::close_exchange`] in a transaction that writes what the failure means.
    pub async fn close_exchange_in(
        &self,
        connection: &mut PgConnection,
        id: Uuid,
        outcome: Outcome,
        claim: Option<&Claim>,
        again: bool,
    ) -> Result<()> {
        let closed = self
            .settle_exchange(&mut *connection, id, outcome, None)
            .await?;
        match claim.filter(|_| closed) {
            Some(claim) if again => self.release_request_in(connection, claim).await,
            Some(claim) => self.doubt_request(connection, claim).await,
            None => Ok(()),
        }
    }

    /// `None`: it is over.
    pub async fn exchange(&self, id: Uuid) -> Result<Option<OpenExchange>> {
        let mut reader = self.reader().await?;
        let found = self
            .query_as(concat!(
                "select ",
                open_columns!(),
                " from exchanges where org_id = $1 and id = $2
                      and state in ('intent', 'answered')"
            ))
            .bind(id)
            .fetch_optional(&mut *reader)
            .await?;
        reader.finish();
        Ok(found)
    }
}

impl AllOrgs<'_> {
    /// Open exchanges whose lease has run out, now leased by `holder`. Whoever has no answer yet may
    /// only be late: their lease ended at least `grace` ago.
    pub async fn take_exchanges(
        &self,
        purposes: &[Purpose],
        except: &[OrganizationId],
        holder: Uuid,
        lease: Duration,
        grace: Duration,
        limit: i64,
    ) -> Result<Vec<OpenExchange>> {
        let store = self.store;
        let names: Vec<&str> = purposes.iter().map(|purpose| purpose.as_str()).collect();
        let names = &names;
        let except: Vec<i64> = except.iter().map(|organization| organization.0).collect();
        let except = &except;
        store
            .transaction(|mut transaction| async move {
                let taken = store
                    .query_as(concat!(
                        "update exchanges
                         set holder = $1, lease_until = clock_timestamp() + make_interval(secs => $2)
                         where (org_id, id) in (
                             select org_id, id from exchanges
                             where state in ('intent', 'answered')
                                 and lease_until <= statement_timestamp() and purpose = any($3)
                                 and (state = 'answered' or lease_until
                                     <= statement_timestamp() - make_interval(secs => $5))
                                 and org_id <> all($6)
                             order by lease_until limit $4 for update skip locked)
                         returning ",
                        open_columns!()
                    ))
                    .bind(holder)
                    .bind(lease.as_secs_f64())
                    .bind(names)
                    .bind(limit)
                    .bind(grace.as_secs_f64())
                    .bind(except)
                    .fetch_all(&mut *transaction)
                    .await?;
                Ok((transaction, taken))
            })
            .await
    }

    /// Removes those that are over and older than `age`; gives how many.
    pub async fn sweep_exchanges(&self, age: Duration, limit: i64) -> Result<u64> {
        let store = self.store;
        store
            .transaction(|mut transaction| async move {
                let done = store
                    .query(
                        "delete from exchanges where (org_id, id) in (
                             select org_id, id from exchanges
                             where state not in ('intent', 'answered')
                                 and created_at <= statement_timestamp() - make_interval(secs => $1)
                             order by created_at limit $2 for update skip locked)",
                    )
                    .bind(age.as_secs_f64())
                    .bind(limit)
                    .execute(&mut *transaction)
                    .await?;
                Ok((transaction, done.rows_affected()))
            })
            .await
    }
}

impl Purpose {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Provision => "provision",
            Self::Renew => "renew",
            Self::Revoke => "revoke",
            Self::Delete => "delete",
            Self::Write => "write",
        }
    }
}

impl TryFrom<String> for Purpose {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        [
            Self::Create,
            Self::Provision,
            Self::Renew,
            Self::Revoke,
            Self::Delete,
            Self::Write,
        ]
        .into_iter()
        .find(|purpose| purpose.as_str() == text)
        .ok_or_else(|| format!("unknown purpose '{text}'"))
    }
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Debug for NewExchange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewExchange")
            .field("id", &self.id)
            .field("purpose", &self.purpose)
            .field("instance", &self.instance)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for OpenExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenExchange")
            .field("organization", &self.organization)
            .field("id", &self.id)
            .field("purpose", &self.purpose)
            .field("answered", &self.answered)
            .finish_non_exhaustive()
    }
}
