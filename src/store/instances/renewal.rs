//! Instances whose vendor session is renewed: found when they are due, and what came of it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::Instance;
use crate::error::Result;
use crate::ids::{InstanceId, OrganizationId};
use crate::store::{AllOrgs, OrgStore, Revocation};

/// For each that can be claimed so many of those that wait longest are looked at, and as many of those
/// that became due last, to take turns among their organizations.
const LOOKED_AT: i64 = 16;

/// An instance that is due, claimed until then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueRenewal {
    pub organization: OrganizationId,
    pub id: InstanceId,
    /// Tells this claim from a later one.
    pub claimed_until: Timestamp,
}

/// What a renewal has brought.
pub struct RenewedInstance<'a> {
    pub configuration: &'a BTreeMap<String, String>,
    pub credentials_sealed: &'a [u8],
    pub due_at: Option<Timestamp>,
}

/// New tokens of a log-in that came to nothing else.
pub struct KeptTokens<'a> {
    pub configuration: &'a BTreeMap<String, String>,
    pub credentials_sealed: &'a [u8],
}

/// A renewal that came to nothing.
#[derive(Debug, Default)]
pub struct FailedRenewal<'a> {
    /// When it is tried again.
    pub due_at: Option<Timestamp>,
    /// When a call that needs it may try for itself, if that is earlier; `None`: not.
    pub by_call_at: Option<Timestamp>,
    /// Why only the owner can help.
    pub needs_owner: Option<&'a str>,
    /// The vendor does not take the access token either: no call is made with it any more.
    pub access_refused: bool,
    /// Why there are no new tokens, for people to see, which makes nothing invalid.
    pub trouble: Option<&'a str>,
    /// The vendor does not take the application that asks: whoever runs it is told.
    pub client_refused: bool,
    /// The vendor may have used up the stored refresh token. Counts the generation up, so that
    /// nobody who has read the instance before sends that token without knowing.
    pub in_doubt: bool,
}

impl AllOrgs<'_> {
    /// Instances that are due, claimed for a while: of each organization the one that waits
    /// longest, then of each the second, and so on, until with those that are `under_way` it has
    /// `each`, or as many as it leaves of the `limit`: one that has some leaves some for who comes
    /// later. Whoever has become due last is among those that are looked at, so that nobody waits
    /// behind another's thousands.
    pub async fn claim_due_renewals(
        &self,
        limit: i64,
        each: i64,
        under_way: &[(OrganizationId, i64)],
        claim: Duration,
    ) -> Result<Vec<DueRenewal>> {
        let store = self.store;
        let (busy, places): (Vec<i64>, Vec<i64>) = under_way
            .iter()
            .map(|(organization, places)| (organization.0, *places))
            .unzip();
        let (busy, places) = (&busy, &places);
        store
            .transaction(|mut transaction| async move {
                let claimed: Vec<(OrganizationId, InstanceId, jiff_sqlx::Timestamp)> = store
                    .query_as(
                        "with busy as (
                             select * from unnest($4::bigint[], $5::bigint[]) as b (org_id, places)
                         ), full_ones as (
                             select array(select org_id from busy where places >= $6) as orgs
                         ), due as (
                             (select org_id, id, renewal_due_at from instances
                              where renewal_due_at <= statement_timestamp()
                                  and coalesce(renewal_claimed_until <= clock_timestamp(), true)
                                  and org_id <> all((select orgs from full_ones)::bigint[])
                              order by renewal_due_at limit $3)
                             union
                             (select org_id, id, renewal_due_at from instances
                              where renewal_due_at <= statement_timestamp()
                                  and coalesce(renewal_claimed_until <= clock_timestamp(), true)
                                  and org_id <> all((select orgs from full_ones)::bigint[])
                              order by renewal_due_at desc limit $3)
                         ), turn as (
                             select d.org_id, d.id, d.renewal_due_at,
                                 coalesce(b.places, 0) + row_number() over (
                                     partition by d.org_id order by d.renewal_due_at) as place
                             from due d left join busy b on b.org_id = d.org_id
                         ), ranked as (
                             select org_id, id, place,
                                 row_number() over (order by place, renewal_due_at) as rank
                             from turn where place <= $6
                         ), chosen as (
                             -- So many are free before it is taken: limit - rank + 1.
                             select org_id, id from ranked where place <= $1 - rank + 1
                         ), free as (
                             select i.org_id, i.id from instances i
                             where (i.org_id, i.id) in (select org_id, id from chosen)
                                 and coalesce(i.renewal_claimed_until <= clock_timestamp(), true)
                             for no key update skip locked
                         )
                         update instances i
                         set renewal_claimed_until =
                             clock_timestamp() + make_interval(secs => $2)
                         from free where i.org_id = free.org_id and i.id = free.id
                         returning i.org_id, i.id, i.renewal_claimed_until",
                    )
                    .bind(limit)
                    .bind(claim.as_secs_f64())
                    .bind(limit.saturating_mul(LOOKED_AT))
                    .bind(busy)
                    .bind(places)
                    .bind(each)
                    .fetch_all(&mut *transaction)
                    .await?;
                Ok((transaction, claimed))
            })
            .await
            .map(|claimed| {
                let claimed = claimed.into_iter();
                let due = claimed.map(|(organization, id, claimed_until)| DueRenewal {
                    organization,
                    id,
                    claimed_until: claimed_until.to_jiff(),
                });
                due.collect()
            })
    }
}

impl OrgStore<'_> {
    /// Whoever looks for due instances finds this one again after a while, and not before. Nothing when
    /// the claim is no longer this one: a server that was held up does not delay what has come since.
    pub async fn put_back_renewal(
        &self,
        id: InstanceId,
        claimed_until: Timestamp,
        after: Duration,
    ) -> Result<()> {
        self.transaction(|mut transaction| async move {
            self.query(
                "update instances
                 set renewal_claimed_until = clock_timestamp() + make_interval(secs => $3)
                 where org_id = $1 and id = $2 and renewal_claimed_until = $4",
            )
            .bind(id)
            .bind(after.as_secs_f64())
            .bind(claimed_until.to_sqlx())
            .execute(&mut *transaction)
            .await?;
            Ok((transaction, ()))
        })
        .await
    }

    /// `before` is from [`OrgStore::lock_instance`]. If it was not valid it is again, and that is
    /// told.
    pub async fn write_renewed(
        &self,
        connection: &mut PgConnection,
        before: &Instance,
        renewed: &RenewedInstance<'_>,
    ) -> Result<()> {
        self.query(
            "update instances
             set configuration = $3, credentials_sealed = $4, renewal_due_at = $5,
                 renewed_at = clock_timestamp(), generation = generation + 1,
                 lease_holder = null, lease_until = null,
                 valid = true, invalid_reason = null, invalid_since = null,
                 renewal_attempts = 0, renewal_claimed_until = null,
                 renewal_by_call_at = null
             where org_id = $1 and id = $2",
        )
        .bind(before.id)
        .bind(Json(renewed.configuration))
        .bind(renewed.credentials_sealed)
        .bind(renewed.due_at.map(|at| at.to_sqlx()))
        .execute(&mut *connection)
        .await?;
        if !before.valid {
            self.notify_recovered(
                connection,
                before,
                "its session could be renewed after all.",
            )
            .await?;
        }
        Ok(())
    }

    /// Under [`OrgStore::lock_instance`]; when it is due says [`OrgStore::write_failed_renewal`].
    pub async fn write_kept(
        &self,
        connection: &mut PgConnection,
        id: InstanceId,
        kept: &KeptTokens<'_>,
    ) -> Result<()> {
        self.query(
            "update instances
             set configuration = $3, credentials_sealed = $4, generation = generation + 1,
                 renewal_by_call_at = null
             where org_id = $1 and id = $2",
        )
        .bind(id)
        .bind(Json(kept.configuration))
        .bind(kept.credentials_sealed)
        .execute(connection)
        .await?;
        Ok(())
    }

    /// Under [`OrgStore::lock_instance`]; who renews tokens beside it is not disturbed.
    pub async fn write_configuration(
        &self,
        connection: &mut PgConnection,
        id: InstanceId,
        kept: &KeptTokens<'_>,
    ) -> Result<()> {
        self.query(
            "update instances set configuration = $3, credentials_sealed = $4
             where org_id = $1 and id = $2",
        )
        .bind(id)
        .bind(Json(kept.configuration))
        .bind(kept.credentials_sealed)
        .execute(connection)
        .await?;
        Ok(())
    }

    /// The same where the access token has ended before its time: it is renewed at once, by whoever is
    /// first.
    pub async fn write_ended(
        &self,
        connection: &mut PgConnection,
        id: InstanceId,
        kept: &KeptTokens<'_>,
    ) -> Result<()> {
        self.query(
            "update instances
             set configuration = $3, credentials_sealed = $4, renewal_by_call_at = null,
                 renewal_due_at = least(renewal_due_at, clock_timestamp())
             where org_id = $1 and id = $2",
        )
        .bind(id)
        .bind(Json(kept.configuration))
        .bind(kept.credentials_sealed)
        .execute(connection)
        .await?;
        Ok(())
    }

    /// `before` is from [`OrgStore::lock_instance`]. If it needs its owner from now on, that is told,
    /// and servers that remember it as valid must forget it.
    pub async fn write_failed_renewal(
        &self,
        connection: &mut PgConnection,
        before: &Instance,
        failed: &FailedRenewal<'_>,
    ) -> Result<Option<Revocation>> {
        let (since,): (Option<jiff_sqlx::Timestamp>,) = self
            .query_as(
                "update instances
                 set renewal_due_at = $3, renewal_attempts = renewal_attempts + 1,
                     renewal_claimed_until = null,
                     renewal_by_call_at = case when $7 then clock_timestamp()
                                               when not valid then renewal_by_call_at
                                               when $4::text is null then $6 end,
                     valid = valid and $4::text is null,
                     invalid_reason = case when valid then coalesce($4, $8, invalid_reason)
                                           else coalesce($4, invalid_reason) end,
                     invalid_since = case when $4::text is null then invalid_since
                                          else coalesce(invalid_since, clock_timestamp()) end,
                     generation = generation + case when $5 then 1 else 0 end,
                     renewal_doubt_generation = case when $5 then generation + 1
                                                     else renewal_doubt_generation end
                 where org_id = $1 and id = $2
                 returning invalid_since",
            )
            .bind(before.id)
            .bind(failed.due_at.map(|at| at.to_sqlx()))
            .bind(failed.needs_owner)
            .bind(failed.in_doubt)
            .bind(failed.by_call_at.map(|at| at.to_sqlx()))
            .bind(failed.access_refused)
            .bind(failed.trouble)
            .fetch_one(&mut *connection)
            .await?;
        if let (Some(trouble), true, true) = (failed.trouble, failed.client_refused, before.valid) {
            self.notify_client_refused(connection, before, trouble)
                .await?;
        }
        let (Some(reason), true) = (failed.needs_owner, before.valid) else {
            return Ok(None);
        };
        let since = since.map(jiff_sqlx::Timestamp::to_jiff);
        self.notify_needs_owner(connection, before, reason, since)
            .await?;
        self.revoke(connection).await.map(Some)
    }
}

impl OrgStore<'_> {
    /// Whether the tokens of this generation have helped the call that they were renewed for. Of
    /// many calls that they have not helped one counts, and none beside one that they have. Nothing
    /// when there are others by now.
    pub async fn note_renewal_helped(
        &self,
        id: InstanceId,
        generation: i64,
        helped: bool,
    ) -> Result<()> {
        self.transaction(|mut transaction| async move {
            self.query(
                "update instances
                 set renewals_in_vain = case when $4 then 0
                                             else least(renewals_in_vain + 1, 100) end,
                     renewal_judged_generation = $3
                 where org_id = $1 and id = $2 and generation = $3
                   and ($4 or renewal_judged_generation is distinct from $3)",
            )
            .bind(id)
            .bind(generation)
            .bind(helped)
            .execute(&mut *transaction)
            .await?;
            Ok((transaction, ()))
        })
        .await
    }
}

impl OrgStore<'_> {
    /// No call is made with the access token of this generation any more. Nothing for an instance
    /// that does not need its owner.
    pub async fn note_access_refused(&self, id: InstanceId, generation: i64) -> Result<()> {
        self.transaction(|mut transaction| async move {
            self.query(
                "update instances set renewal_by_call_at = clock_timestamp()
                 where org_id = $1 and id = $2 and generation = $3 and not valid
                   and renewal_by_call_at is null",
            )
            .bind(id)
            .bind(generation)
            .execute(&mut *transaction)
            .await?;
            Ok((transaction, ()))
        })
        .await
    }
}

impl std::fmt::Debug for KeptTokens<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptTokens").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for RenewedInstance<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RenewedInstance")
            .field("due_at", &self.due_at)
            .finish_non_exhaustive()
    }
}
