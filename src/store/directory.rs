//! The two directories outside the tenants: who owns a secret, and where an instance lives.
//! Their rows are written in the owner's transaction.

use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row as _};

use super::keys::not_retired;
use super::{OrgStore, Store};
use crate::error::Result;
use crate::ids::{AccountId, Fingerprint, InstanceId, OrganizationId, SecretKind, UserId};

/// The only way from a secret or an instance id to an organization.
#[derive(Debug, Clone, Copy)]
pub struct Directory<'s> {
    pub(super) store: &'s Store,
}

/// The owner of a secret, with all that decides whether the secret is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Which of the fingerprints asked for this answers.
    pub hmac: Vec<u8>,
    pub organization: OrganizationId,
    pub organization_active: bool,
    pub owner: Owner,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    Organization,
    User(FoundUser),
    Instance(FoundInstance),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundUser {
    pub id: UserId,
    pub active: bool,
    pub roles: Vec<String>,
    pub account: AccountId,
    pub account_active: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundInstance {
    pub id: InstanceId,
    pub account: AccountId,
    pub account_active: bool,
    pub element_key: String,
    pub disabled: bool,
    pub valid: bool,
}

impl Found {
    /// Whoever was switched off, or belongs to what was, is nobody.
    pub fn may_call(&self) -> bool {
        self.organization_active
            && match &self.owner {
                Owner::Organization => true,
                Owner::User(user) => user.active && user.account_active,
                Owner::Instance(instance) => instance.account_active,
            }
    }
}

impl Directory<'_> {
    /// Whose secrets these are, in one statement. Unknown ones are left out.
    pub async fn resolve(&self, fingerprints: &[&[u8]]) -> Result<Vec<Found>> {
        let mut reader = self.store.reader().await?;
        // `any($1)` alone is planned anew at every call, since its length is guessed; through
        // `unnest` one plan is kept, and the statement takes an eighth of the time.
        let rows: Vec<Resolved> = self
            .store
            .query_as(
                "select s.hmac, s.kind, s.object_id, o.id as org_id, o.active as org_active,
                        a.id as account_id, a.active as account_active,
                        u.active as user_active, u.roles,
                        i.element_key, i.disabled, i.valid
                 from secret_index s
                 join organizations o on o.id = s.org_id
                 left join users u
                     on s.kind = 'user' and u.org_id = s.org_id and u.id = s.object_id
                 left join instances i
                     on s.kind = 'instance' and i.org_id = s.org_id and i.id = s.object_id
                 left join accounts a
                     on a.org_id = s.org_id and a.id = coalesce(u.account_id, i.account_id)
                 where s.hmac = any(array(select unnest($1)))",
            )
            .bind(fingerprints)
            .fetch_all(&mut *reader)
            .await?;
        Ok(rows
            .into_iter()
            .filter_map(|Resolved(found)| found)
            .collect())
    }

    /// Where the instance lives; whether the caller may see it is asked there.
    pub async fn owner_of_instance(&self, id: InstanceId) -> Result<Option<OrganizationId>> {
        let mut reader = self.store.reader().await?;
        let found: Option<(OrganizationId,)> = self
            .store
            .query_as("select org_id from instance_directory where id = $1")
            .bind(id)
            .fetch_optional(&mut *reader)
            .await?;
        Ok(found.map(|(organization,)| organization))
    }
}

/// `None`: an index row without its owner, which is as good as no row.
struct Resolved(Option<Found>);

impl FromRow<'_, PgRow> for Resolved {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let object: i64 = row.try_get("object_id")?;
        let account: Option<AccountId> = row.try_get("account_id")?;
        let account_active: Option<bool> = row.try_get("account_active")?;
        let account = account.zip(account_active);
        let owner = match row.try_get("kind")? {
            "organization" => Some(Owner::Organization),
            "user" => match account {
                Some((account, account_active)) => Some(Owner::User(FoundUser {
                    id: UserId(object),
                    active: row.try_get("user_active")?,
                    roles: row.try_get("roles")?,
                    account,
                    account_active,
                })),
                None => None,
            },
            "instance" => match account {
                Some((account, account_active)) => Some(Owner::Instance(FoundInstance {
                    id: InstanceId(object),
                    account,
                    account_active,
                    element_key: row.try_get("element_key")?,
                    disabled: row.try_get("disabled")?,
                    valid: row.try_get("valid")?,
                })),
                None => None,
            },
            _ => None,
        };
        let Some(owner) = owner else {
            return Ok(Self(None));
        };
        Ok(Self(Some(Found {
            hmac: row.try_get("hmac")?,
            organization: row.try_get("org_id")?,
            organization_active: row.try_get("org_active")?,
            owner,
        })))
    }
}

/// Makes a secret findable, in the transaction that makes its owner.
pub(super) async fn index_secret(
    org: &OrgStore<'_>,
    connection: &mut PgConnection,
    kind: SecretKind,
    object: i64,
    secret: &Fingerprint,
) -> Result<()> {
    // A server that has not heard that a pepper was retired must not write a row that nobody
    // can find: the retirement locks this table before it marks the pepper.
    let inserted = org
        .query(
            "insert into secret_index (org_id, hmac, kind, object_id, pepper_id)
             select $1, $2, $3, $4, $5
             where not exists (select 1 from key_checks
                               where key_id = $5 and retired_at is not null)",
        )
        .bind(secret.hmac.as_slice())
        .bind(kind.as_str())
        .bind(object)
        .bind(secret.pepper_id.as_str())
        .execute(connection)
        .await?;
    not_retired(inserted.rows_affected())
}
