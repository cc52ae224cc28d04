//! Accounts of an organization.

use jiff::Timestamp;
use sqlx::{FromRow, PgConnection};

use super::OrgStore;
use super::retry::on_constraint;
use crate::error::Result;
use crate::ids::AccountId;

#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Account {
    pub id: AccountId,
    pub external_id: String,
    pub name: String,
    pub description: String,
    pub default_account: bool,
    pub active: bool,
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    pub created_at: Timestamp,
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    pub updated_at: Timestamp,
}

#[derive(Debug, Clone, Copy)]
pub struct NewAccount<'a> {
    pub external_id: &'a str,
    pub name: &'a str,
    pub description: &'a str,
    pub default_account: bool,
}

/// Which accounts, in the order of their ids.
#[derive(Debug, Clone, Copy)]
pub struct AccountFilter<'a> {
    /// One of these; `None`: either.
    pub default_account: Option<&'a [bool]>,
    /// One of these; `None`: any.
    pub names: Option<&'a [String]>,
    pub external_ids: Option<&'a [String]>,
    pub include_inactive: bool,
    pub offset: i64,
    pub limit: i64,
}

impl Default for AccountFilter<'_> {
    fn default() -> Self {
        Self {
            default_account: None,
            names: None,
            external_ids: None,
            include_inactive: false,
            offset: 0,
            limit: 200,
        }
    }
}

macro_rules! select_accounts {
    ($rest:literal) => {
        concat!(
            "select id, external_id, name, description, default_account, active,
                    created_at, updated_at
             from accounts where org_id = $1 ",
            $rest
        )
    };
}

impl OrgStore<'_> {
    pub async fn default_account(&self) -> Result<Option<Account>> {
        let mut reader = self.reader().await?;
        let found = self
            .query_as(select_accounts!("and default_account"))
            .fetch_optional(&mut *reader)
            .await?;
        Ok(found)
    }

    /// Also an inactive one.
    pub async fn account(&self, id: AccountId) -> Result<Option<Account>> {
        let mut reader = self.reader().await?;
        let found = self
            .query_as(select_accounts!("and id = $2"))
            .bind(id)
            .fetch_optional(&mut *reader)
            .await?;
        Ok(found)
    }

    pub async fn accounts(&self, filter: &AccountFilter<'_>) -> Result<Vec<Account>> {
        let mut reader = self.reader().await?;
        let found = self
            .query_as(select_accounts!(
                "and ($2 or active)
                 and ($3::boolean[] is null or default_account = any($3))
                 and ($4::text[] is null or name = any($4))
                 and ($5::text[] is null or external_id = any($5))
                 order by id offset $6 limit $7"
            ))
            .bind(filter.include_inactive)
            .bind(filter.default_account)
            .bind(filter.names)
            .bind(filter.external_ids)
            .bind(filter.offset)
            .bind(filter.limit)
            .fetch_all(&mut *reader)
            .await?;
        Ok(found)
    }

    pub async fn insert_account(
        &self,
        connection: &mut PgConnection,
        new: &NewAccount<'_>,
    ) -> Result<AccountId> {
        let (id,) = self
            .query_as(
                "insert into accounts (org_id, external_id, name, description, default_account)
                 values ($1, $2, $3, $4, $5) returning id",
            )
            .bind(new.external_id)
            .bind(new.name)
            .bind(new.description)
            .bind(new.default_account)
            .fetch_one(connection)
            .await
            .map_err(|error| {
                let mistake = "An account with this externalId exists already.";
                on_constraint(error, "accounts_org_id_external_id_key", mistake)
            })?;
        Ok(id)
    }
}
