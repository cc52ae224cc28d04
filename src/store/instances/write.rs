//! Instances written: made, changed, switched off and on, deleted.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{ExternalAuthentication, Instance, instance_columns};
use crate::error::{Error, Result};
use crate::ids::{AccountId, Fingerprint, InstanceId, SecretKind, UserId};
use crate::store::exchanges::{Outcome, Standing};
use crate::store::idempotency::Claim;
use crate::store::keys::replaced_keyring;
use crate::store::retry::is_passing;
use crate::store::{OrgStore, Revocation};

pub struct NewInstance<'a> {
    pub account_id: AccountId,
    pub user_id: UserId,
    pub row_id: Uuid,
    pub element_key: &'a str,
    pub name: &'a str,
    pub tags: &'a [String],
    pub credential_group: &'a str,
    pub configuration: &'a BTreeMap<String, String>,
    pub credentials_sealed: &'a [u8],
    pub token_sealed: &'a [u8],
    pub token: &'a Fingerprint,
    pub external_authentication: ExternalAuthentication,
    pub renewal_due_at: Option<Timestamp>,
}

/// All that a caller can change, as it shall be afterwards.
pub struct InstanceChange<'a> {
    pub name: &'a str,
    pub tags: &'a [String],
    pub credential_group: &'a str,
    pub configuration: &'a BTreeMap<String, String>,
    pub credentials_sealed: &'a [u8],
    pub external_authentication: ExternalAuthentication,
    /// The vendor has just accepted the credentials: they are valid, and the vendor session is
    /// another one.
    pub logged_in: bool,
    pub renewal_due_at: Option<Timestamp>,
}

impl OrgStore<'_> {
    /// [`OrgStore::insert_instance`] by itself. A request with a key is marked done and an exchange
    /// of the journal applied in the same transaction. If somebody else has applied it, what came
    /// of that is given.
    pub async fn add_instance(
        &self,
        new: &NewInstance<'_>,
        claim: Option<&Claim>,
        exchange: Option<Uuid>,
    ) -> Result<Instance> {
        // One statement is a transaction of its own: nothing has to be begun and committed.
        if claim.is_none() && exchange.is_none() && self.store.keeps_statements() {
            let mut connection = self.reader().await?;
            match self.insert_instance(&mut connection, new).await {
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(error),
                Ok(made) => {
                    connection.finish();
                    return Ok(made);
                }
            }
        }
        self.transaction(|mut transaction| async move {
            if let Some(exchange) = exchange {
                match self.lock_exchange(&mut transaction, exchange).await? {
                    Standing::Answered => {}
                    Standing::Applied(Some(id)) => {
                        let row = self.instance_in(&mut transaction, id).await?;
                        let row =
                            row.ok_or_else(|| Error::NotFound("The instance is gone.".into()))?;
                        return Ok((transaction, row));
                    }
                    _ => return Err(given_up()),
                }
            }
            let row = self.insert_instance(&mut transaction, new).await?;
            if let Some(claim) = claim {
                self.finish_request(&mut transaction, claim, row.id).await?;
            }
            if let Some(exchange) = exchange {
                self.settle_exchange(&mut transaction, exchange, Outcome::Applied, Some(row.id))
                    .await?;
            }
            Ok((transaction, row))
        })
        .await
    }

    /// [`OrgStore::delete_instance`] in a transaction of its own, in which an exchange of the
    /// journal is applied.
    pub async fn remove_instance(
        &self,
        id: InstanceId,
        exchange: Option<Uuid>,
    ) -> Result<Option<Revocation>> {
        self.transaction(|mut transaction| async move {
            let deleted = self.delete_instance(&mut transaction, id).await?;
            if let Some(exchange) = exchange {
                self.settle_exchange(&mut transaction, exchange, Outcome::Applied, None)
                    .await?;
            }
            Ok((transaction, deleted))
        })
        .await
    }

    /// Makes the instance, findable by its id and by its token, in one statement; gives the row as
    /// stored. As with every row of the index nothing is made with a pepper that was retired.
    pub async fn insert_instance(
        &self,
        connection: &mut PgConnection,
        new: &NewInstance<'_>,
    ) -> Result<Instance> {
        let made = self
            .query_as(concat!(
                "with made as (
                     insert into instances (org_id, account_id, user_id, row_id, element_key, name,
                                            name_folded, tags, credential_group, configuration,
                                            credentials_sealed, token_sealed,
                                            external_authentication, renewal_due_at)
                     select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $17
                     where not exists (select 1 from key_checks
                                       where key_id = $15 and retired_at is not null)
                     returning *
                 ), directory as (
                     insert into instance_directory (org_id, id) select org_id, id from made
                 ), secret as (
                     insert into secret_index (org_id, hmac, kind, object_id, pepper_id)
                     select org_id, $14, $16, id, $15 from made
                 ) ",
                instance_columns!(),
                " from made i join users u on u.org_id = i.org_id and u.id = i.user_id"
            ))
            .bind(new.account_id)
            .bind(new.user_id)
            .bind(new.row_id)
            .bind(new.element_key)
            .bind(new.name)
            .bind(new.name.to_lowercase())
            .bind(new.tags)
            .bind(new.credential_group)
            .bind(Json(new.configuration))
            .bind(new.credentials_sealed)
            .bind(new.token_sealed)
            .bind(new.external_authentication.as_str())
            .bind(new.token.hmac.as_slice())
            .bind(new.token.pepper_id.as_str())
            .bind(SecretKind::Instance.as_str())
            .bind(new.renewal_due_at.map(|at| at.to_sqlx()))
            .fetch_optional(connection)
            .await?;
        made.ok_or_else(replaced_keyring)
    }

    /// Writes what was read under [`OrgStore::lock_instance`] in the same transaction and then
    /// changed. If it was not valid and is again, that is told. What calls are made with is revoked
    /// when it is another now. `None`: there is none.
    pub async fn change_instance(
        &self,
        connection: &mut PgConnection,
        before: &Instance,
        change: &InstanceChange<'_>,
    ) -> Result<Option<(Instance, Option<Revocation>)>> {
        let done = self
            .query(
                "update instances
             set name = $3, name_folded = $4, tags = $5, credential_group = $6,
                 configuration = $7, credentials_sealed = $8, external_authentication = $9,
                 valid = valid or $10,
                 invalid_reason = case when $10 then null else invalid_reason end,
                 invalid_since = case when $10 then null else invalid_since end,
                 generation = generation + case when $10 then 1 else 0 end,
                 renewal_due_at = $11,
                 renewal_attempts = case when $10 then 0 else renewal_attempts end,
                 renewals_in_vain = case when $10 then 0 else renewals_in_vain end,
                 renewal_by_call_at = case when $10 then null else renewal_by_call_at end,
                 checked_at = case when $10 then null else checked_at end,
                 updated_at = now()
             where org_id = $1 and id = $2",
            )
            .bind(before.id)
            .bind(change.name)
            .bind(change.name.to_lowercase())
            .bind(change.tags)
            .bind(change.credential_group)
            .bind(Json(change.configuration))
            .bind(change.credentials_sealed)
            .bind(change.external_authentication.as_str())
            .bind(change.logged_in)
            .bind(change.renewal_due_at.map(|at| at.to_sqlx()))
            .execute(&mut *connection)
            .await?;
        if done.rows_affected() == 0 {
            return Ok(None);
        }
        if change.logged_in && !before.valid {
            self.notify_recovered(connection, before, "it has been connected again.")
                .await?;
        }
        let revocation = match change.is_called_as(before) {
            true => None,
            false => Some(self.revoke(connection).await?),
        };
        let now = self.instance_in(connection, before.id).await?;
        Ok(now.map(|now| (now, revocation)))
    }

    /// Switches the instance off or on; again is fine. `None`: there is none.
    pub async fn set_instance_disabled(
        &self,
        id: InstanceId,
        disabled: bool,
    ) -> Result<Option<Revocation>> {
        self.transaction(|mut transaction| async move {
            let done = self
                .query(
                    "update instances
                         set updated_at = case when disabled = $3 then updated_at else now() end,
                             disabled = $3
                         where org_id = $1 and id = $2",
                )
                .bind(id)
                .bind(disabled)
                .execute(&mut *transaction)
                .await?;
            let revocation = match done.rows_affected() {
                0 => None,
                _ => Some(self.revoke(&mut transaction).await?),
            };
            Ok((transaction, revocation))
        })
        .await
    }

    /// Deletes the instance with its token, its directory entry and what the journal keeps of
    /// its finished exchanges, whose sealed parts hold credentials. Open ones stay: who works on
    /// them needs to know. `None`: there was none.
    pub async fn delete_instance(
        &self,
        connection: &mut PgConnection,
        id: InstanceId,
    ) -> Result<Option<Revocation>> {
        let deleted = self
            .query("delete from instances where org_id = $1 and id = $2")
            .bind(id)
            .execute(&mut *connection)
            .await?;
        if deleted.rows_affected() == 0 {
            return Ok(None);
        }
        for statement in [
            "delete from secret_index where org_id = $1 and kind = 'instance' and object_id = $2",
            "delete from instance_directory where org_id = $1 and id = $2",
            "delete from exchanges where org_id = $1 and instance_id = $2
                 and state not in ('intent', 'answered')",
        ] {
            self.query(statement)
                .bind(id)
                .execute(&mut *connection)
                .await?;
        }
        self.revoke(connection).await.map(Some)
    }
}

impl InstanceChange<'_> {
    /// Whether calls are made as before.
    fn is_called_as(&self, before: &Instance) -> bool {
        self.credential_group == before.credential_group
            && *self.configuration == before.configuration
            && self.credentials_sealed == before.credentials_sealed
    }
}

/// What is told when the vendor's answer came later than anybody waited for.
pub fn given_up() -> Error {
    Error::Conflict(
        "This request took so long that it was given up meanwhile; nothing was stored. Send it \
         again."
            .into(),
    )
}

impl fmt::Debug for NewInstance<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewInstance")
            .field("account_id", &self.account_id)
            .field("element_key", &self.element_key)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for InstanceChange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstanceChange")
            .field("logged_in", &self.logged_in)
            .finish_non_exhaustive()
    }
}
