//! Applications that are registered at vendors, kept for those who use them.

use std::fmt;

use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row as _};
use uuid::Uuid;

use super::retry::on_constraint;
use super::{AllOrgs, OrgStore};
use crate::error::Result;
use crate::ids::{AccountId, InstanceId, OrganizationId};

/// Whose a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientOwner {
    /// Every organization's of this server. The row stands under the organization whose data key
    /// seals it.
    Everybody,
    Organization,
    Account(AccountId),
    Proxy(i64),
}

impl ClientOwner {
    pub fn level(self) -> &'static str {
        match self {
            Self::Everybody => "element",
            Self::Organization => "organization",
            Self::Account(_) => "account",
            Self::Proxy(_) => "proxy",
        }
    }

    fn account(self) -> Option<AccountId> {
        match self {
            Self::Account(account) => Some(account),
            _ => None,
        }
    }

    fn proxy(self) -> Option<i64> {
        match self {
            Self::Proxy(proxy) => Some(proxy),
            _ => None,
        }
    }
}

#[derive(Clone)]
pub struct OauthClient {
    /// Whose data key seals it.
    pub organization: OrganizationId,
    pub id: i64,
    pub row_id: Uuid,
    pub owner: ClientOwner,
    /// `None`: a proxy's.
    pub element_key: Option<String>,
    pub sealed: Vec<u8>,
    pub superseded: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Copy)]
pub struct NewOauthClient<'a> {
    pub row_id: Uuid,
    pub owner: ClientOwner,
    pub element_key: Option<&'a str>,
    pub sealed: &'a [u8],
}

macro_rules! select_clients {
    ($rest:literal) => {
        concat!(
            "select org_id, id, row_id, level, account_id, proxy_id, element_key, client_sealed,
                    superseded_at is not null as superseded, created_at, updated_at
             from oauth_clients ",
            $rest
        )
    };
}

impl OrgStore<'_> {
    /// The one that an account's instances of an element are made with: the nearest.
    pub async fn oauth_client_in_force(
        &self,
        element_key: &str,
        account: AccountId,
    ) -> Result<Option<OauthClient>> {
        let mut reader = self.reader().await?;
        let found = self
            .query_as(select_clients!(
                "where element_key = $2 and superseded_at is null
                   and (level = 'element'
                        or (org_id = $1 and level = 'organization')
                        or (org_id = $1 and level = 'account' and account_id = $3))
                 order by case level when 'account' then 1 when 'organization' then 2 else 3 end,
                          org_id
                 limit 1"
            ))
            .bind(element_key)
            .bind(account)
            .fetch_optional(&mut *reader)
            .await?;
        reader.finish();
        Ok(found)
    }

    /// Keys of the elements for which there is one.
    pub async fn elements_with_oauth_client(&self, account: AccountId) -> Result<Vec<String>> {
        let mut reader = self.reader().await?;
        let rows: Vec<(String,)> = self
            .query_as(
                "select distinct element_key from oauth_clients
                 where superseded_at is null
                   and (level = 'element'
                        or (org_id = $1 and level = 'organization')
                        or (org_id = $1 and level = 'account' and account_id = $2))",
            )
            .bind(account)
            .fetch_all(&mut *reader)
            .await?;
        Ok(rows.into_iter().map(|(key,)| key).collect())
    }

    /// The one that an instance of this organization refers to.
    pub async fn oauth_client_referred_to(
        &self,
        of: OrganizationId,
        id: i64,
    ) -> Result<Option<OauthClient>> {
        let mut reader = self.reader().await?;
        let found = self
            .query_as(select_clients!(
                "where org_id = $2 and id = $3 and (org_id = $1 or level = 'element')"
            ))
            .bind(of)
            .bind(id)
            .fetch_optional(&mut *reader)
            .await?;
        reader.finish();
        Ok(found)
    }

    /// Those of this organization; `element_key`: of one element.
    pub async fn oauth_clients(&self, element_key: Option<&str>) -> Result<Vec<OauthClient>> {
        let mut reader = self.reader().await?;
        let found = self
            .query_as(select_clients!(
                "where org_id = $1 and ($2::text is null or element_key = $2) order by id"
            ))
            .bind(element_key)
            .fetch_all(&mut *reader)
            .await?;
        Ok(found)
    }

    /// The one in force of this very owner, locked.
    pub async fn lock_oauth_client(
        &self,
        connection: &mut PgConnection,
        owner: ClientOwner,
        element_key: Option<&str>,
    ) -> Result<Option<OauthClient>> {
        let found = self
            .query_as(select_clients!(
                "where org_id = $1 and level = $2 and element_key is not distinct from $3
                   and account_id is not distinct from $4 and proxy_id is not distinct from $5
                   and superseded_at is null
                 for update"
            ))
            .bind(owner.level())
            .bind(element_key)
            .bind(owner.account())
            .bind(owner.proxy())
            .fetch_optional(connection)
            .await?;
        Ok(found)
    }

    /// The same without the lock.
    pub async fn oauth_client_of(
        &self,
        owner: ClientOwner,
        element_key: Option<&str>,
    ) -> Result<Option<OauthClient>> {
        let mut reader = self.reader().await?;
        let found = self
            .query_as(select_clients!(
                "where org_id = $1 and level = $2 and element_key is not distinct from $3
                   and account_id is not distinct from $4 and proxy_id is not distinct from $5
                   and superseded_at is null"
            ))
            .bind(owner.level())
            .bind(element_key)
            .bind(owner.account())
            .bind(owner.proxy())
            .fetch_optional(&mut *reader)
            .await?;
        reader.finish();
        Ok(found)
    }

    pub async fn insert_oauth_client(
        &self,
        connection: &mut PgConnection,
        new: NewOauthClient<'_>,
    ) -> Result<i64> {
        let (id,) = self
            .query_as(
                "insert into oauth_clients (org_id, row_id, level, account_id, proxy_id,
                                            element_key, client_sealed)
                 values ($1, $2, $3, $4, $5, $6, $7) returning id",
            )
            .bind(new.row_id)
            .bind(new.owner.level())
            .bind(new.owner.account())
            .bind(new.owner.proxy())
            .bind(new.element_key)
            .bind(new.sealed)
            .fetch_one(connection)
            .await
            .map_err(|error| {
                let mistake = "Somebody else has set this client at the same moment; try again.";
                on_constraint(error, "oauth_clients_current", mistake)
            })?;
        Ok(id)
    }

    pub async fn update_oauth_client(
        &self,
        connection: &mut PgConnection,
        id: i64,
        sealed: &[u8],
    ) -> Result<()> {
        self.query(
            "update oauth_clients set client_sealed = $3, updated_at = now()
             where org_id = $1 and id = $2",
        )
        .bind(id)
        .bind(sealed)
        .execute(connection)
        .await?;
        Ok(())
    }

    /// Another takes its place.
    pub async fn supersede_oauth_client(
        &self,
        connection: &mut PgConnection,
        id: i64,
    ) -> Result<()> {
        self.query("update oauth_clients set superseded_at = now() where org_id = $1 and id = $2")
            .bind(id)
            .execute(connection)
            .await?;
        Ok(())
    }

    /// Takes away what was superseded and is used by nobody; not at once, since an instance may be
    /// about to be made with it.
    pub async fn sweep_oauth_clients(&self, connection: &mut PgConnection) -> Result<()> {
        self.query(
            "delete from oauth_clients c
             where c.org_id = $1 and c.superseded_at < now() - interval '1 day'
               and not exists (
                   select 1 from instances i
                   where i.configuration->>'bunsen.oauth.client' = c.org_id || '.' || c.id
                     and (i.org_id = c.org_id or c.level = 'element'))",
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    pub async fn delete_oauth_client(&self, connection: &mut PgConnection, id: i64) -> Result<()> {
        self.query("delete from oauth_clients where org_id = $1 and id = $2")
            .bind(id)
            .execute(connection)
            .await?;
        Ok(())
    }

    /// How many of this organization's instances refer to it.
    pub async fn instances_with_oauth_client(&self, reference: &str) -> Result<i64> {
        let mut reader = self.reader().await?;
        let (count,) = self
            .query_as(
                "select count(*) from instances
                 where org_id = $1 and configuration->>'bunsen.oauth.client' = $2",
            )
            .bind(reference)
            .fetch_one(&mut *reader)
            .await?;
        Ok(count)
    }
}

impl AllOrgs<'_> {
    /// How many instances of all organizations refer to it.
    pub async fn instances_with_oauth_client(&self, reference: &str) -> Result<i64> {
        let mut reader = self.store.reader().await?;
        let (count,) = self
            .store
            .query_as(
                "select count(*) from instances
                 where configuration->>'bunsen.oauth.client' = $1",
            )
            .bind(reference)
            .fetch_one(&mut *reader)
            .await?;
        Ok(count)
    }

    /// Makes those that refer to it and could not be renewed because of it due, so many behind `after`
    /// at once; those that need their owner, too, which a vendor may say of a wrong client, unless
    /// nobody knows whether their token is used up. A vendor that is away, or wants to be left alone,
    /// is not asked sooner for it. Gives the last one; `None`: that was all.
    pub async fn renew_with_oauth_client(
        &self,
        reference: &str,
        of: Option<OrganizationId>,
        after: (OrganizationId, InstanceId),
        limit: i64,
    ) -> Result<Option<(OrganizationId, InstanceId)>> {
        let store = self.store;
        store
            .transaction(|mut transaction| async move {
                let due: Vec<(OrganizationId, InstanceId)> = store
                    .query_as(
                        "with chosen as (
                             select org_id, id from instances
                             where (org_id, id) > ($2, $3) and org_id = coalesce($4, org_id)
                               and configuration->>'bunsen.oauth.client' = $1
                               and renewal_attempts > 0
                               and invalid_reason is not null
                               and (valid or renewal_doubt_generation is distinct from generation)
                             order by org_id, id limit $5
                         ), locked as (
                             select i.org_id, i.id from instances i
                             where (i.org_id, i.id) in (select org_id, id from chosen)
                             order by i.org_id, i.id for no key update
                         ), due as (
                             update instances i
                             set renewal_due_at = clock_timestamp(), renewal_claimed_until = null,
                                 renewal_by_call_at = case when valid then null
                                                           else renewal_by_call_at end
                             from locked
                             where i.org_id = locked.org_id and i.id = locked.id
                         )
                         select org_id, id from chosen order by org_id desc, id desc limit 1",
                    )
                    .bind(reference)
                    .bind(after.0)
                    .bind(after.1)
                    .bind(of)
                    .bind(limit)
                    .fetch_all(&mut *transaction)
                    .await?;
                Ok((transaction, due.into_iter().next()))
            })
            .await
    }

    /// For the operator's overview.
    pub async fn oauth_clients(&self) -> Result<Vec<OauthClient>> {
        let mut reader = self.store.reader().await?;
        let found = self
            .store
            .query_as(select_clients!("order by element_key, org_id, id"))
            .fetch_all(&mut *reader)
            .await?;
        Ok(found)
    }
}

impl FromRow<'_, PgRow> for OauthClient {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let level: String = row.try_get("level")?;
        let account: Option<AccountId> = row.try_get("account_id")?;
        let proxy: Option<i64> = row.try_get("proxy_id")?;
        let owner = match (level.as_str(), account, proxy) {
            ("element", ..) => ClientOwner::Everybody,
            ("account", Some(account), _) => ClientOwner::Account(account),
            ("proxy", _, Some(proxy)) => ClientOwner::Proxy(proxy),
            _ => ClientOwner::Organization,
        };
        let moment = |name| {
            row.try_get(name)
                .map(|moment: jiff_sqlx::Timestamp| moment.to_jiff())
        };
        Ok(Self {
            organization: row.try_get("org_id")?,
            id: row.try_get("id")?,
            row_id: row.try_get("row_id")?,
            owner,
            element_key: row.try_get("element_key")?,
            sealed: row.try_get("client_sealed")?,
            superseded: row.try_get("superseded")?,
            created_at: moment("created_at")?,
            updated_at: moment("updated_at")?,
        })
    }
}

impl fmt::Debug for OauthClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OauthClient")
            .field("organization", &self.organization)
            .field("id", &self.id)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for NewOauthClient<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewOauthClient")
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}
