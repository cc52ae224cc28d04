//! What must be forgotten: revocations, and the servers that may still answer from memory.
//!
//! A revocation is known by its transaction and a server by the snapshot that it last acted upon,
//! so whether one has heard of the other is what Postgres itself would say: does the snapshot see
//! the transaction. Looks and leases go over a connection of their own (`Store::heart`), because
//! they must not stand in a queue behind the calls that they are for.

use std::str::FromStr;
use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::{AllOrgs, OrgStore, Store};
use crate::error::{Error, Result};
use crate::ids::OrganizationId;

/// A committed change that servers which remember callers must hear of before it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "it must be waited for before anybody is told that it is done"]
pub struct Revocation {
    /// `None`: of all of them.
    pub organization: Option<OrganizationId>,
    transaction: u64,
}

impl Revocation {
    pub fn is_seen_by(&self, snapshot: &Heard) -> bool {
        snapshot.sees(self.transaction)
    }
}

/// Which transactions a look at the database saw, in the text form of `pg_snapshot`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    text: String,
    /// All before it had ended.
    from: u64,
    /// From here on none had begun to write.
    to: u64,
    /// Those between that were still running.
    running: Vec<u64>,
}

impl Heard {
    fn sees(&self, transaction: u64) -> bool {
        transaction < self.from
            || (transaction < self.to && self.running.binary_search(&transaction).is_err())
    }
}

impl FromStr for Heard {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parse = || {
            let mut parts = text.split(':');
            let from = parts.next()?.parse().ok()?;
            let to = parts.next()?.parse().ok()?;
            let mut running = parts
                .next()?
                .split(',')
                .filter(|id| !id.is_empty())
                .map(|id| id.parse().ok())
                .collect::<Option<Vec<u64>>>()?;
            running.sort_unstable();
            Some(Self {
                text: text.to_owned(),
                from,
                to,
                running,
            })
        };
        parse().ok_or_else(|| Error::internal(format!("'{text}' is no snapshot")))
    }
}

/// What a look found.
#[derive(Debug)]
pub struct Look {
    pub snapshot: Heard,
    /// What was revoked since the look before: whose, `None` for everybody's.
    pub revoked: Vec<Option<OrganizationId>>,
}

impl Store {
    /// What was revoked since `last`; without it, all that is still written down.
    pub async fn look_for_revocations(&self, last: Option<&Heard>) -> Result<Look> {
        let mut reader = self.heart().await?;
        // The organization 0 does not exist.
        let (snapshot, revoked): (String, Vec<i64>) = self
            .query_as(
                "select pg_current_snapshot()::text,
                        array(select distinct coalesce(org_id, 0) from revocations
                              where by_transaction >= pg_snapshot_xmin($1::pg_snapshot)
                              and not pg_visible_in_snapshot(by_transaction, $1::pg_snapshot))",
            )
            .bind(last.map_or("1:1:", |last| last.text.as_str()))
            .fetch_one(&mut *reader)
            .await?;
        Ok(Look {
            snapshot: snapshot.parse()?,
            revoked: revoked
                .into_iter()
                .map(|id| (id != 0).then_some(OrganizationId(id)))
                .collect(),
        })
    }

    /// Says that the server has acted upon all that `seen` sees and may answer from memory for
    /// `lease`, which counts from when the database takes it down.
    pub async fn announce_caller_cache(
        &self,
        server: Uuid,
        seen: &Heard,
        lease: Duration,
    ) -> Result<()> {
        let mut transaction = self.begin_heart().await?;
        self.query(
            "insert into caller_caches (server, seen, expires_at)
             values ($1, $2::pg_snapshot, clock_timestamp() + make_interval(secs => $3))
             on conflict (server) do update
                 set seen = excluded.seen, expires_at = excluded.expires_at",
        )
        .bind(server)
        .bind(seen.text.as_str())
        .bind(lease.as_secs_f64())
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    /// Nobody has to wait for this server any more.
    pub async fn withdraw_caller_cache(&self, server: Uuid) -> Result<()> {
        let mut transaction = self.begin_heart().await?;
        self.query("delete from caller_caches where server = $1")
            .bind(server)
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// What the servers that may answer from memory have acted upon, all but `own`.
    pub async fn caller_caches(&self, own: Option<Uuid>) -> Result<Vec<Heard>> {
        let mut reader = self.heart().await?;
        let rows: Vec<(String,)> = self
            .query_as(
                "select seen::text from caller_caches
                 where server is distinct from $1 and expires_at > clock_timestamp()",
            )
            .bind(own)
            .fetch_all(&mut *reader)
            .await?;
        rows.iter().map(|(seen,)| seen.parse()).collect()
    }

    /// Removes revocations that every server has acted upon, and servers long gone; also what a
    /// backup brought from another cluster, by its transactions, which are still to come in this.
    pub async fn sweep_revocations(&self) -> Result<()> {
        let mut transaction = self.begin_heart().await?;
        for statement in [
            "delete from revocations r
             where made_at < clock_timestamp() - interval '1 minute'
             and not exists (select 1 from caller_caches c
                             where c.expires_at > clock_timestamp()
                             and not pg_visible_in_snapshot(r.by_transaction, c.seen))",
            "delete from revocations where by_transaction >= pg_snapshot_xmax(pg_current_snapshot())",
            "delete from caller_caches where expires_at < clock_timestamp() - interval '1 day'",
        ] {
            self.query(statement).execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }
}

impl AllOrgs<'_> {
    /// After a change to the index itself: whatever is remembered of anybody must be asked again.
    pub async fn revoke_everything(&self) -> Result<Revocation> {
        let store = self.store;
        store
            .transaction(|mut transaction| async move {
                let (made,): (String,) = store
                    .query_as(
                        "insert into revocations (org_id) values (null)
                         returning by_transaction::text",
                    )
                    .fetch_one(&mut *transaction)
                    .await?;
                Ok((transaction, revocation(None, &made)?))
            })
            .await
    }
}

impl OrgStore<'_> {
    /// Part of every transaction that changes whom a secret of the organization finds, or what
    /// its owner may do.
    pub async fn revoke(&self, connection: &mut PgConnection) -> Result<Revocation> {
        let (made,): (String,) = self
            .query_as("insert into revocations (org_id) values ($1) returning by_transaction::text")
            .fetch_one(connection)
            .await?;
        revocation(Some(self.organization), &made)
    }
}

fn revocation(organization: Option<OrganizationId>, transaction: &str) -> Result<Revocation> {
    Ok(Revocation {
        organization,
        transaction: transaction.parse().map_err(Error::internal)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_sees_what_had_ended() {
        let snapshot: Heard = "10:20:10,14,15".parse().expect("a snapshot");
        for (transaction, seen) in [
            (3, true),
            (9, true),
            (10, false),
            (11, true),
            (14, false),
            (15, false),
            (16, true),
            (19, true),
            (20, false),
            (21, false),
        ] {
            assert_eq!(snapshot.sees(transaction), seen, "{transaction}");
        }
        let quiet: Heard = "7:7:".parse().expect("a snapshot");
        assert!(quiet.sees(6) && !quiet.sees(7));
        for wrong in ["", "7", "7:8", "x:8:", "7:8:x", "7:8:9,"] {
            assert_eq!(wrong.parse::<Heard>().is_ok(), wrong == "7:8:9,", "{wrong}");
        }
    }
}
