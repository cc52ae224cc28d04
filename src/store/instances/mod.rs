//! Instances: read, listed, counted; [`write`] makes, changes and deletes them.

mod checks;
mod renewal;
mod together;
mod unplanned;
mod write;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection, Row as _};
use uuid::Uuid;

use super::OrgStore;
use super::grants::Grant;
use crate::error::{Error, Result};
use crate::ids::{AccountId, InstanceId, UserId};

pub use renewal::{DueRenewal, FailedRenewal, KeptTokens, RenewedInstance};
pub(super) use together::Together;
pub use unplanned::RenewalPass;
pub use write::{InstanceChange, NewInstance, given_up};

#[derive(Clone)]
pub struct Instance {
    pub id: InstanceId,
    pub account_id: AccountId,
    pub owner: InstanceOwner,
    pub row_id: Uuid,
    pub element_key: String,
    pub name: String,
    pub tags: Vec<String>,
    /// Group of credentials, as the definition names it.
    pub credential_group: String,
    /// Clear values that the caller gave or the vendor returned.
    pub configuration: BTreeMap<String, String>,
    pub credentials_sealed: Vec<u8>,
    pub token_sealed: Vec<u8>,
    pub disabled: bool,
    pub valid: bool,
    /// Of one that is valid: why the vendor does not take the application that renews it.
    pub invalid_reason: Option<String>,
    pub invalid_since: Option<Timestamp>,
    pub external_authentication: ExternalAuthentication,
    /// Counts the changes of the vendor session.
    pub generation: i64,
    pub renewed_at: Option<Timestamp>,
    /// `None`: nothing ends by time, or nothing can renew it.
    pub renewal_due_at: Option<Timestamp>,
    /// Tries since the last success.
    pub renewal_attempts: i32,
    /// The vendor may have used up the stored refresh token.
    pub renewal_in_doubt: bool,
    /// When a call may try for itself before it is due; `None`: not. Of an instance that needs its
    /// owner: since when the vendor has not taken its access token either.
    pub renewal_by_call_at: Option<Timestamp>,
    /// In a row, for a call that the vendor refused all the same.
    pub renewals_in_vain: i32,
    /// When the vendor was last asked whether it takes credentials that nothing here can renew.
    pub checked_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The user who made an instance, as its answers show them.
#[derive(Clone, PartialEq, Eq)]
pub struct InstanceOwner {
    pub id: UserId,
    pub email: String,
    pub first_name: String,
    pub last_name: String,
}

/// Whether the caller brought the vendor session along.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExternalAuthentication {
    #[default]
    None,
    Initial,
}

/// Which instances, in the order of their ids.
#[derive(Debug, Clone, Copy)]
pub struct InstanceFilter<'a> {
    /// `None`: all accounts.
    pub account: Option<AccountId>,
    pub element_key: Option<&'a str>,
    /// All of them must be there.
    pub tags: &'a [String],
    /// Part of the name or of the element's key, in any case.
    pub search_text: Option<&'a str>,
    /// Those behind this one. Not asked when counting.
    pub after: Option<InstanceId>,
    /// Not asked when counting.
    pub limit: i64,
}

impl Default for InstanceFilter<'_> {
    fn default() -> Self {
        Self {
            account: None,
            element_key: None,
            tags: &[],
            search_text: None,
            after: None,
            limit: 200,
        }
    }
}

/// What an [`Instance`] is read from: a row of instances as `i` and its user as `u`.
macro_rules! instance_columns {
    () => {
        "select i.id, i.account_id, i.user_id, i.row_id, i.element_key, i.name, i.tags,
                i.credential_group, i.configuration, i.credentials_sealed, i.token_sealed,
                i.disabled, i.valid, i.invalid_reason, i.invalid_since,
                i.external_authentication, i.generation, i.renewed_at, i.renewal_due_at,
                i.renewal_attempts, i.renewal_by_call_at, i.renewals_in_vain, i.checked_at,
                coalesce(i.renewal_doubt_generation = i.generation, false) as renewal_in_doubt,
                i.created_at, i.updated_at, u.email, u.first_name, u.last_name"
    };
}
use instance_columns;

/// `offset 0`: the user is found by its id, also in an organization of many users, for which the
/// planner would go through all of them where most organizations have one.
macro_rules! from_instances {
    () => {
        " from instances i
         cross join lateral
             (select email, first_name, last_name from users
              where org_id = i.org_id and id = i.user_id offset 0) u
         where i.org_id = $1 "
    };
}

macro_rules! select_instances {
    ($rest:expr) => {
        concat!(instance_columns!(), from_instances!(), $rest)
    };
}

/// The filter's conditions on $2 to $4. Without tags nothing is asked of them: every array holds
/// the empty one.
macro_rules! matching {
    () => {
        "and ($2::text is null or i.element_key = $2)
         and i.tags @> $3
         and ($4::text is null or i.name_folded like $4 or lower(i.element_key) like $4) "
    };
}

impl OrgStore<'_> {
    pub async fn instance(&self, id: InstanceId) -> Result<Option<Instance>> {
        self.store.one_instance(self.organization, id).await
    }

    /// An instance and the private hosts that it may reach, in one statement: what a call needs.
    pub async fn instance_to_call(&self, id: InstanceId) -> Result<Option<(Instance, Vec<Grant>)>> {
        let mut reader = self.reader().await?;
        let found: Option<ToCall> = self
            .query_as(concat!(
                instance_columns!(),
                ", (select json_agg(g) from outbound_grants g
                    where g.org_id = i.org_id and g.element_key = i.element_key) as grants",
                from_instances!(),
                "and i.id = $2"
            ))
            .bind(id)
            .fetch_optional(&mut *reader)
            .await?;
        reader.finish();
        Ok(found.map(|ToCall(instance, grants)| (instance, grants)))
    }

    /// The same inside a transaction, as for the answer to a create.
    pub async fn instance_in(
        &self,
        connection: &mut PgConnection,
        id: InstanceId,
    ) -> Result<Option<Instance>> {
        let found = self
            .query_as(select_instances!("and i.id = $2"))
            .bind(id)
            .fetch_optional(connection)
            .await?;
        Ok(found)
    }

    /// The same, and nobody else changes it until the transaction ends.
    pub async fn lock_instance(
        &self,
        connection: &mut PgConnection,
        id: InstanceId,
    ) -> Result<Option<Instance>> {
        let found = self
            .query_as(select_instances!("and i.id = $2 for no key update of i"))
            .bind(id)
            .fetch_optional(connection)
            .await?;
        Ok(found)
    }

    pub async fn instances(&self, filter: &InstanceFilter<'_>) -> Result<Vec<Instance>> {
        let mut reader = self.reader().await?;
        // Two statements, so that a small account of a large organization is read by its own
        // index whatever plan is kept for the statement.
        let query = match filter.account {
            Some(account) => self
                .query_as(select_instances!(concat!(
                    matching!(),
                    "and i.id > $5 and i.account_id = $7 order by i.id limit $6"
                )))
                .bind(filter.element_key)
                .bind(filter.tags)
                .bind(filter.pattern())
                .bind(filter.start())
                .bind(filter.limit)
                .bind(account),
            None => self
                .query_as(select_instances!(concat!(
                    matching!(),
                    "and i.id > $5 order by i.id limit $6"
                )))
                .bind(filter.element_key)
                .bind(filter.tags)
                .bind(filter.pattern())
                .bind(filter.start())
                .bind(filter.limit),
        };
        let found = query.fetch_all(&mut *reader).await?;
        reader.finish();
        Ok(found)
    }

    /// How many match, per element's key.
    pub async fn count_instances(
        &self,
        filter: &InstanceFilter<'_>,
    ) -> Result<BTreeMap<String, i64>> {
        let mut reader = self.reader().await?;
        let counts: Vec<(String, i64)> = self
            .query_as(concat!(
                "select i.element_key, count(*) from instances i where i.org_id = $1 ",
                matching!(),
                "and ($5::bigint is null or i.account_id = $5) group by i.element_key"
            ))
            .bind(filter.element_key)
            .bind(filter.tags)
            .bind(filter.pattern())
            .bind(filter.account)
            .fetch_all(&mut *reader)
            .await?;
        Ok(counts.into_iter().collect())
    }
}

impl InstanceFilter<'_> {
    /// Ids are positive.
    fn start(&self) -> InstanceId {
        self.after.unwrap_or(InstanceId(0))
    }

    fn pattern(&self) -> Option<String> {
        let text = self.search_text?.to_lowercase();
        let mut pattern = String::with_capacity(text.len() + 2);
        pattern.push('%');
        for letter in text.chars() {
            if matches!(letter, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(letter);
        }
        pattern.push('%');
        Some(pattern)
    }
}

impl ExternalAuthentication {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Initial => "initial",
        }
    }

    fn parse(text: &str) -> Result<Self> {
        match text {
            "none" => Ok(Self::None),
            "initial" => Ok(Self::Initial),
            other => Err(Error::internal(format!(
                "unknown external authentication '{other}'"
            ))),
        }
    }
}

impl FromRow<'_, PgRow> for Instance {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let time = |column| -> sqlx::Result<Timestamp> {
            Ok(row.try_get::<jiff_sqlx::Timestamp, _>(column)?.to_jiff())
        };
        let maybe_time = |column| -> sqlx::Result<Option<Timestamp>> {
            let time: Option<jiff_sqlx::Timestamp> = row.try_get(column)?;
            Ok(time.map(jiff_sqlx::Timestamp::to_jiff))
        };
        let Json(configuration) = row.try_get("configuration")?;
        let external = row.try_get("external_authentication")?;
        Ok(Self {
            id: row.try_get("id")?,
            account_id: row.try_get("account_id")?,
            owner: InstanceOwner {
                id: row.try_get("user_id")?,
                email: row.try_get("email")?,
                first_name: row.try_get("first_name")?,
                last_name: row.try_get("last_name")?,
            },
            row_id: row.try_get("row_id")?,
            element_key: row.try_get("element_key")?,
            name: row.try_get("name")?,
            tags: row.try_get("tags")?,
            credential_group: row.try_get("credential_group")?,
            configuration,
            credentials_sealed: row.try_get("credentials_sealed")?,
            token_sealed: row.try_get("token_sealed")?,
            disabled: row.try_get("disabled")?,
            valid: row.try_get("valid")?,
            invalid_reason: row.try_get("invalid_reason")?,
            invalid_since: maybe_time("invalid_since")?,
            external_authentication: ExternalAuthentication::parse(external)
                .map_err(|error| sqlx::Error::Decode(error.into()))?,
            generation: row.try_get("generation")?,
            renewed_at: maybe_time("renewed_at")?,
            renewal_by_call_at: maybe_time("renewal_by_call_at")?,
            renewals_in_vain: row.try_get("renewals_in_vain")?,
            checked_at: maybe_time("checked_at")?,
            renewal_due_at: maybe_time("renewal_due_at")?,
            renewal_attempts: row.try_get("renewal_attempts")?,
            renewal_in_doubt: row.try_get("renewal_in_doubt")?,
            created_at: time("created_at")?,
            updated_at: time("updated_at")?,
        })
    }
}

/// An instance with its grants.
struct ToCall(Instance, Vec<Grant>);

impl FromRow<'_, PgRow> for ToCall {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let grants: Option<Json<Vec<Grant>>> = row.try_get("grants")?;
        let grants = grants.map(|Json(grants)| grants).unwrap_or_default();
        Ok(Self(Instance::from_row(row)?, grants))
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance")
            .field("id", &self.id)
            .field("account_id", &self.account_id)
            .field("element_key", &self.element_key)
            .field("disabled", &self.disabled)
            .field("valid", &self.valid)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for InstanceOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstanceOwner")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
