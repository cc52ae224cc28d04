//! Rows with ids of their own, many at a time, and what an import asks before it writes them.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::types::Json;
use uuid::Uuid;

use super::keys::not_retired;
use super::retry::has_code;
use super::{ExternalAuthentication, OrgStore, Store, Transaction};
use crate::error::{Error, Result};
use crate::ids::{Fingerprint, Secret, SecretKind};

/// How long writers may be kept waiting while ids are moved on, and how often that is tried.
const LOCK_TIMEOUT: &str = "set local lock_timeout = '2s'";
const TRIES: u32 = 30;

/// A table whose ids an import may bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Numbered {
    Organizations,
    Accounts,
    Users,
    Instances,
}

/// Who has a secret, token or log-in address.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct SecretOwner {
    pub hmac: Vec<u8>,
    pub kind: String,
    pub org_id: i64,
    pub object_id: i64,
}

#[derive(Debug, Clone, sqlx::FromRow)]
pub struct KnownAccount {
    pub id: i64,
    pub external_id: String,
    pub default_account: bool,
}

#[derive(Debug, Clone, sqlx::FromRow)]
pub struct KnownUser {
    pub id: i64,
    pub account_id: i64,
    pub email: String,
}

#[derive(Debug, Clone, sqlx::FromRow)]
pub struct KnownInstance {
    pub id: i64,
    pub org_id: i64,
    pub user_id: i64,
    pub element_key: String,
    pub name: String,
}

#[derive(Debug)]
pub struct ImportedAccount<'a> {
    pub id: i64,
    pub external_id: &'a str,
    pub name: &'a str,
    pub description: &'a str,
    pub default_account: bool,
}

#[derive(Debug)]
pub struct ImportedUser<'a> {
    pub id: i64,
    pub account_id: i64,
    pub row_id: Uuid,
    pub email: &'a str,
    pub first_name: &'a str,
    pub last_name: &'a str,
    pub password_hash: Option<Secret>,
    pub secret_sealed: Vec<u8>,
    pub roles: &'a [String],
    pub active: bool,
}

#[derive(Debug)]
pub struct ImportedInstance {
    pub id: i64,
    pub account_id: i64,
    pub user_id: i64,
    pub row_id: Uuid,
    pub element_key: String,
    pub name: String,
    pub tags: Vec<String>,
    pub credential_group: String,
    pub configuration: BTreeMap<String, String>,
    pub credentials_sealed: Vec<u8>,
    pub token_sealed: Vec<u8>,
    pub disabled: bool,
    /// `None`: valid.
    pub invalid_reason: Option<String>,
    pub external_authentication: ExternalAuthentication,
    /// ISO 8601; `None`: now.
    pub created: Option<String>,
    pub renewal_due_at: Option<Timestamp>,
}

impl Numbered {
    const fn statements(self) -> (&'static str, &'static str, &'static str, &'static str) {
        macro_rules! of {
            ($table:literal, $organization:literal) => {
                (
                    concat!("lock table ", $table, " in share mode"),
                    concat!(
                        "select setval(pg_get_serial_sequence('",
                        $table,
                        "', 'id'), $1) where coalesce(pg_sequence_last_value(pg_get_serial_sequence('",
                        $table,
                        "', 'id')::regclass), 0) < $1"
                    ),
                    concat!(
                        "select nextval(pg_get_serial_sequence('",
                        $table,
                        "', 'id')) from generate_series(1, $1)"
                    ),
                    concat!("select id, ", $organization, " from ", $table, " where id = any($1)"),
                )
            };
        }
        match self {
            Self::Organizations => of!("organizations", "id"),
            Self::Accounts => of!("accounts", "org_id"),
            Self::Users => of!("users", "org_id"),
            Self::Instances => of!("instances", "org_id"),
        }
    }
}

impl Store {
    /// From now on the database gives no id up to `highest`, and every row that it gave such an id
    /// to can be seen: the lock waits for those who are about to insert one, and keeps the next
    /// from drawing an id before the sequence stands where it shall. It never moves back.
    pub async fn move_ids_past(&self, table: Numbered, highest: i64) -> Result<()> {
        let (lock, set, _, _) = table.statements();
        let mut tried = 1;
        loop {
            let moved = async {
                let mut transaction = self.pool().begin().await?;
                self.query(LOCK_TIMEOUT).execute(&mut *transaction).await?;
                self.query(lock).execute(&mut *transaction).await?;
                self.query(set)
                    .bind(highest)
                    .execute(&mut *transaction)
                    .await?;
                transaction.commit().await
            };
            match moved.await {
                // Somebody's transaction takes long: let the writers behind us go first.
                Err(error) if tried < TRIES && has_code(&error, &["55P03", "40P01", "40001"]) => {
                    tried += 1;
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
                outcome => return Ok(outcome?),
            }
        }
    }

    pub async fn next_ids(
        &self,
        transaction: &mut Transaction,
        table: Numbered,
        count: usize,
    ) -> Result<Vec<i64>> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let (_, _, next, _) = table.statements();
        let rows: Vec<(i64,)> = self
            .query_as(next)
            .bind(i64::try_from(count).map_err(Error::internal)?)
            .fetch_all(&mut **transaction)
            .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// Of these ids, those that are taken, and by which organization.
    pub async fn taken_ids(&self, table: Numbered, ids: &[i64]) -> Result<Vec<(i64, i64)>> {
        let (_, _, _, taken) = table.statements();
        let mut reader = self.reader().await?;
        Ok(self
            .query_as(taken)
            .bind(ids)
            .fetch_all(&mut *reader)
            .await?)
    }

    pub async fn secret_owners(
        &self,
        transaction: &mut Transaction,
        hmacs: &[&[u8]],
    ) -> Result<Vec<SecretOwner>> {
        let owners = self.query_as(
            "select hmac, kind, org_id, object_id from secret_index
             where hmac = any(array(select unnest($1)))",
        );
        Ok(owners.bind(hmacs).fetch_all(&mut **transaction).await?)
    }

    /// Users with a password and one of these addresses, in lower case.
    pub async fn logins(
        &self,
        transaction: &mut Transaction,
        emails: &[&str],
    ) -> Result<Vec<(i64, i64, String)>> {
        let logins = self.query_as(
            "select org_id, id, lower(email) from users
             where password_hash is not null
               and lower(email) = any(array(select lower(e) from unnest($1::text[]) e))",
        );
        Ok(logins.bind(emails).fetch_all(&mut **transaction).await?)
    }

    /// By id or by name.
    pub async fn known_organizations(
        &self,
        transaction: &mut Transaction,
        id: Option<i64>,
        name: &str,
    ) -> Result<Vec<(i64, String)>> {
        // Two statements: one for both would read the whole table either way.
        let known = match id {
            Some(id) => self
                .query_as("select id, name from organizations where id = $1")
                .bind(id),
            None => self
                .query_as("select id, name from organizations where name = $1 order by id limit 3")
                .bind(name.to_owned()),
        };
        Ok(known.fetch_all(&mut **transaction).await?)
    }

    pub async fn known_instances(
        &self,
        transaction: &mut Transaction,
        ids: &[i64],
    ) -> Result<Vec<KnownInstance>> {
        let known = self.query_as(
            "select i.id, i.org_id, i.user_id, i.element_key, i.name
             from instance_directory d
             join instances i on i.org_id = d.org_id and i.id = d.id
             where d.id = any(array(select unnest($1)))",
        );
        Ok(known.bind(ids).fetch_all(&mut **transaction).await?)
    }
}

impl OrgStore<'_> {
    pub async fn known_accounts(
        &self,
        transaction: &mut Transaction,
        ids: &[i64],
        external_ids: &[&str],
    ) -> Result<Vec<KnownAccount>> {
        let known = self.query_as(
            "select id, external_id, default_account from accounts
             where org_id = $1 and (id = any($2) or external_id = any($3) or default_account)",
        );
        let known = known.bind(ids).bind(external_ids);
        Ok(known.fetch_all(&mut **transaction).await?)
    }

    pub async fn known_users(
        &self,
        transaction: &mut Transaction,
        ids: &[i64],
        emails: &[&str],
    ) -> Result<Vec<KnownUser>> {
        let known = self.query_as(
            "select id, account_id, email from users
             where org_id = $1
               and (id = any($2)
                    or lower(email) = any(array(select lower(e) from unnest($3::text[]) e)))",
        );
        let known = known.bind(ids).bind(emails);
        Ok(known.fetch_all(&mut **transaction).await?)
    }

    /// A user's instances with one of these names.
    pub async fn known_instances_of(
        &self,
        transaction: &mut Transaction,
        user: i64,
        names: &[&str],
    ) -> Result<Vec<KnownInstance>> {
        let known = self.query_as(
            "select id, org_id, user_id, element_key, name from instances
             where org_id = $1 and user_id = $2 and name = any($3)",
        );
        let known = known.bind(user).bind(names);
        Ok(known.fetch_all(&mut **transaction).await?)
    }

    pub async fn import_accounts(
        &self,
        transaction: &mut Transaction,
        accounts: &[ImportedAccount<'_>],
    ) -> Result<()> {
        let column = |text: fn(&ImportedAccount<'_>) -> String| -> Vec<String> {
            accounts.iter().map(text).collect()
        };
        self.query(
            "insert into accounts (org_id, id, external_id, name, description, default_account)
             select $1, * from unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::bool[])",
        )
        .bind(accounts.iter().map(|one| one.id).collect::<Vec<_>>())
        .bind(column(|one| one.external_id.to_owned()))
        .bind(column(|one| one.name.to_owned()))
        .bind(column(|one| one.description.to_owned()))
        .bind(accounts.iter().map(|one| one.default_account).collect::<Vec<_>>())
        .execute(&mut **transaction)
        .await
        .map_err(taken)?;
        Ok(())
    }

    pub async fn import_users(
        &self,
        transaction: &mut Transaction,
        users: &[ImportedUser<'_>],
    ) -> Result<()> {
        let column = |text: fn(&ImportedUser<'_>) -> String| -> Vec<String> {
            users.iter().map(text).collect()
        };
        let hashes: Vec<Option<&str>> = users
            .iter()
            .map(|one| one.password_hash.as_ref().map(Secret::reveal))
            .collect();
        self.query(
            "insert into users (org_id, id, account_id, row_id, email, first_name, last_name,
                                password_hash, secret_sealed, roles, active)
             select $1, n.id, account_id, row_id, email, first_name, last_name, hash, sealed,
                    array(select role from jsonb_array_elements_text(roles) with ordinality as r (role, place)
                          order by place),
                    active
             from unnest($2::bigint[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::text[],
                         $8::text[], $9::bytea[], $10::jsonb[], $11::bool[])
                  as n (id, account_id, row_id, email, first_name, last_name, hash, sealed, roles,
                        active)",
        )
        .bind(users.iter().map(|one| one.id).collect::<Vec<_>>())
        .bind(users.iter().map(|one| one.account_id).collect::<Vec<_>>())
        .bind(users.iter().map(|one| one.row_id).collect::<Vec<_>>())
        .bind(column(|one| one.email.to_owned()))
        .bind(column(|one| one.first_name.to_owned()))
        .bind(column(|one| one.last_name.to_owned()))
        .bind(hashes)
        .bind(users.iter().map(|one| one.secret_sealed.as_slice()).collect::<Vec<_>>())
        .bind(users.iter().map(|one| Json(one.roles)).collect::<Vec<_>>())
        .bind(users.iter().map(|one| one.active).collect::<Vec<_>>())
        .execute(&mut **transaction)
        .await
        .map_err(taken)?;
        Ok(())
    }

    /// With their entries in the directory; their tokens are indexed apart.
    pub async fn import_instances(
        &self,
        transaction: &mut Transaction,
        instances: &[ImportedInstance],
    ) -> Result<()> {
        let column = |text: fn(&ImportedInstance) -> &str| -> Vec<&str> {
            instances.iter().map(text).collect()
        };
        let number = |number: fn(&ImportedInstance) -> i64| -> Vec<i64> {
            instances.iter().map(number).collect()
        };
        let bytes = |bytes: fn(&ImportedInstance) -> &[u8]| -> Vec<&[u8]> {
            instances.iter().map(bytes).collect()
        };
        let folded: Vec<String> = instances
            .iter()
            .map(|one| one.name.to_lowercase())
            .collect();
        self.query(
            "insert into instances (org_id, id, account_id, user_id, row_id, element_key, name,
                                    name_folded, tags, credential_group, configuration,
                                    credentials_sealed, token_sealed, disabled, valid,
                                    invalid_reason, invalid_since, external_authentication,
                                    created_at, renewal_due_at)
             select $1, n.id, account_id, user_id, row_id, element_key, name, folded,
                    array(select tag from jsonb_array_elements_text(tags) with ordinality as t (tag, place)
                          order by place),
                    credential_group, configuration, credentials, token, disabled,
                    reason is null, reason, case when reason is null then null else now() end,
                    external, coalesce(created::timestamptz, now()), due
             from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::uuid[], $6::text[],
                         $7::text[], $8::text[], $9::jsonb[], $10::text[], $11::jsonb[],
                         $12::bytea[], $13::bytea[], $14::bool[], $15::text[], $16::text[],
                         $17::text[], $18::timestamptz[])
                  as n (id, account_id, user_id, row_id, element_key, name, folded, tags,
                        credential_group, configuration, credentials, token, disabled, reason,
                        external, created, due)",
        )
        .bind(number(|one| one.id))
        .bind(number(|one| one.account_id))
        .bind(number(|one| one.user_id))
        .bind(instances.iter().map(|one| one.row_id).collect::<Vec<_>>())
        .bind(column(|one| &one.element_key))
        .bind(column(|one| &one.name))
        .bind(folded)
        .bind(instances.iter().map(|one| Json(&one.tags)).collect::<Vec<_>>())
        .bind(column(|one| &one.credential_group))
        .bind(instances.iter().map(|one| Json(&one.configuration)).collect::<Vec<_>>())
        .bind(bytes(|one| &one.credentials_sealed))
        .bind(bytes(|one| &one.token_sealed))
        .bind(instances.iter().map(|one| one.disabled).collect::<Vec<_>>())
        .bind(instances.iter().map(|one| one.invalid_reason.as_deref()).collect::<Vec<_>>())
        .bind(column(|one| one.external_authentication.as_str()))
        .bind(instances.iter().map(|one| one.created.as_deref()).collect::<Vec<_>>())
        .bind(
            instances
                .iter()
                .map(|one| one.renewal_due_at.map(|at| at.to_sqlx()))
                .collect::<Vec<_>>(),
        )
        .execute(&mut **transaction)
        .await
        .map_err(taken)?;
        self.query("insert into instance_directory (org_id, id) select $1, unnest($2::bigint[])")
            .bind(number(|one| one.id))
            .execute(&mut **transaction)
            .await
            .map_err(taken)?;
        Ok(())
    }

    /// Makes secrets findable, each with the object it belongs to.
    pub async fn index_secrets(
        &self,
        transaction: &mut Transaction,
        kind: SecretKind,
        secrets: &[(i64, Fingerprint)],
    ) -> Result<()> {
        let objects: Vec<i64> = secrets.iter().map(|(object, _)| *object).collect();
        let hmacs: Vec<&[u8]> = secrets
            .iter()
            .map(|(_, print)| print.hmac.as_slice())
            .collect();
        let peppers: Vec<&str> = secrets
            .iter()
            .map(|(_, print)| print.pepper_id.as_str())
            .collect();
        let inserted = self
            .query(
                "insert into secret_index (org_id, hmac, kind, object_id, pepper_id)
                 select $1, n.hmac, $2, n.object, n.pepper
                 from unnest($3::bigint[], $4::bytea[], $5::text[]) as n (object, hmac, pepper)
                 where not exists (select 1 from key_checks
                                   where key_id = n.pepper and retired_at is not null)",
            )
            .bind(kind.as_str())
            .bind(objects)
            .bind(hmacs)
            .bind(peppers)
            .execute(&mut **transaction)
            .await
            .map_err(taken)?;
        match inserted.rows_affected() == secrets.len() as u64 {
            true => Ok(()),
            false => not_retired(0),
        }
    }
}

/// Somebody else was faster than the check before.
fn taken(error: sqlx::Error) -> Error {
    let constraint = match error.as_database_error() {
        Some(refused) if refused.is_unique_violation() => {
            refused.constraint().unwrap_or("a constraint").to_owned()
        }
        _ => return error.into(),
    };
    Error::Conflict(format!(
        "an id, secret, token or address of the document was taken meanwhile ({constraint}); run \
         the import again, and it will say which"
    ))
}
