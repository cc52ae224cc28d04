//! Instances whose renewal nobody has planned, and how far a pass over them has come.

use std::time::Duration;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;

use crate::error::Result;
use crate::ids::{InstanceId, OrganizationId};
use crate::store::{AllOrgs, OrgStore};

/// A pass with one catalogue of definitions.
#[derive(Debug, Clone, Copy)]
pub struct RenewalPass {
    /// It goes on behind this one.
    pub after: (OrganizationId, InstanceId),
    pub finished: bool,
}

impl AllOrgs<'_> {
    /// One that nobody has begun, or that was finished longer ago than `again`, stands before the
    /// first instance.
    pub async fn renewal_pass(&self, catalogue_hash: &str, again: Duration) -> Result<RenewalPass> {
        let mut reader = self.store.reader().await?;
        let found: Option<(OrganizationId, InstanceId, bool)> = self
            .store
            .query_as(
                "select case when finished_at is null then org_id else 0 end,
                        case when finished_at is null then instance_id else 0 end,
                        coalesce(finished_at > clock_timestamp() - make_interval(secs => $2), false)
                 from renewal_passes where catalogue_hash = $1",
            )
            .bind(catalogue_hash)
            .bind(again.as_secs_f64())
            .fetch_optional(&mut *reader)
            .await?;
        let (organization, instance, finished) =
            found.unwrap_or((OrganizationId(0), InstanceId(0), false));
        Ok(RenewalPass {
            after: (organization, instance),
            finished,
        })
    }

    /// Notes the last one that was looked at; `None`: there was none left. Passes with other
    /// catalogues are forgotten then, but not those of servers that run beside: they would begin
    /// again and again.
    pub async fn renewal_pass_came_to(
        &self,
        catalogue_hash: &str,
        last: Option<(OrganizationId, InstanceId)>,
    ) -> Result<()> {
        let store = self.store;
        let (organization, instance) = last.unzip();
        store
            .transaction(|mut transaction| async move {
                store
                    .query(
                        "insert into renewal_passes as p
                             (catalogue_hash, org_id, instance_id, finished_at)
                         values ($1, coalesce($2, 0), coalesce($3, 0),
                                 case when $2::bigint is null then clock_timestamp() end)
                         on conflict (catalogue_hash) do update
                             set org_id = excluded.org_id, instance_id = excluded.instance_id,
                                 finished_at = excluded.finished_at,
                                 updated_at = clock_timestamp()",
                    )
                    .bind(catalogue_hash)
                    .bind(organization)
                    .bind(instance)
                    .execute(&mut *transaction)
                    .await?;
                if last.is_none() {
                    store
                        .query(
                            "delete from renewal_passes
                             where catalogue_hash <> $1
                               and updated_at < clock_timestamp() - interval '1 day'",
                        )
                        .bind(catalogue_hash)
                        .execute(&mut *transaction)
                        .await?;
                }
                Ok((transaction, ()))
            })
            .await
    }

    /// Valid ones without a due time behind `after`, of these elements and groups of credentials.
    pub async fn unplanned_instances(
        &self,
        renewing: &[(String, String)],
        after: (OrganizationId, InstanceId),
        limit: i64,
    ) -> Result<Vec<(OrganizationId, InstanceId)>> {
        let (elements, groups): (Vec<&str>, Vec<&str>) = renewing
            .iter()
            .map(|(element, group)| (element.as_str(), group.as_str()))
            .unzip();
        let mut reader = self.store.reader().await?;
        let found = self
            .store
            .query_as(
                "select i.org_id, i.id from instances i
                 where (i.org_id, i.id) > ($1, $2) and i.renewal_due_at is null and i.valid
                   and (i.element_key, i.credential_group) in
                       (select * from unnest($3::text[], $4::text[]))
                 order by i.org_id, i.id limit $5",
            )
            .bind(after.0)
            .bind(after.1)
            .bind(elements)
            .bind(groups)
            .bind(limit)
            .fetch_all(&mut *reader)
            .await?;
        Ok(found)
    }
}

impl OrgStore<'_> {
    /// Nothing when somebody has planned it, has logged in, or it needs its owner by now.
    pub async fn plan_renewal(
        &self,
        id: InstanceId,
        generation: i64,
        due_at: Timestamp,
    ) -> Result<()> {
        self.transaction(|mut transaction| async move {
            self.query(
                "update instances set renewal_due_at = $4
                 where org_id = $1 and id = $2 and generation = $3 and valid
                   and renewal_due_at is null",
            )
            .bind(id)
            .bind(generation)
            .bind(due_at.to_sqlx())
            .execute(&mut *transaction)
            .await?;
            Ok((transaction, ()))
        })
        .await
    }
}
