//! Users of an organization's accounts.

use std::fmt;

use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row as _};
use uuid::Uuid;

use super::OrgStore;
use super::directory::index_secret;
use super::retry::on_constraint;
use crate::error::Result;
use crate::ids::{AccountId, Fingerprint, Secret, SecretKind, UserId};

#[derive(Clone)]
pub struct User {
    pub id: UserId,
    pub account_id: AccountId,
    pub row_id: Uuid,
    pub email: String,
    pub first_name: String,
    pub last_name: String,
    pub secret_sealed: Vec<u8>,
    /// Keys of roles: `org-admin`, `admin`, `org`, `default-user`.
    pub roles: Vec<String>,
    pub active: bool,
    pub last_login_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

pub struct NewUser<'a> {
    pub account_id: AccountId,
    pub row_id: Uuid,
    pub email: &'a str,
    pub first_name: &'a str,
    pub last_name: &'a str,
    /// Argon2id in PHC form; `None`: no log-in by password.
    pub password_hash: Option<&'a Secret>,
    pub secret_sealed: &'a [u8],
    pub secret: &'a Fingerprint,
    pub roles: &'a [&'a str],
}

/// Which users, in the order of their ids.
#[derive(Debug, Clone, Copy)]
pub struct UserFilter<'a> {
    /// `None`: all accounts.
    pub account: Option<AccountId>,
    /// One of these, in any case; `None`: any.
    pub emails: Option<&'a [String]>,
    pub first_names: Option<&'a [String]>,
    pub last_names: Option<&'a [String]>,
    pub include_inactive: bool,
    /// Those behind this one.
    pub after: Option<UserId>,
    pub limit: i64,
}

impl Default for UserFilter<'_> {
    fn default() -> Self {
        Self {
            account: None,
            emails: None,
            first_names: None,
            last_names: None,
            include_inactive: false,
            after: None,
            limit: 200,
        }
    }
}

macro_rules! select_users {
    ($rest:literal) => {
        concat!(
            "select id, account_id, row_id, email, first_name, last_name, secret_sealed, roles,
                    active, last_login_at, created_at, updated_at
             from users where org_id = $1 ",
            $rest
        )
    };
}

impl OrgStore<'_> {
    /// Also an inactive one.
    pub async fn user(&self, id: UserId) -> Result<Option<User>> {
        let mut reader = self.reader().await?;
        let found = self
            .query_as(select_users!("and id = $2"))
            .bind(id)
            .fetch_optional(&mut *reader)
            .await?;
        Ok(found)
    }

    /// By the e-mail address, in any case; also an inactive one.
    pub async fn user_by_email(&self, email: &str) -> Result<Option<User>> {
        let mut reader = self.reader().await?;
        let found = self
            .query_as(select_users!("and lower(email) = lower($2)"))
            .bind(email)
            .fetch_optional(&mut *reader)
            .await?;
        Ok(found)
    }

    pub async fn users(&self, filter: &UserFilter<'_>) -> Result<Vec<User>> {
        let mut reader = self.reader().await?;
        // Two statements, so that a small account of a large organization is read by its own
        // index whatever plan is kept for the statement.
        let query = match filter.account {
            Some(account) => self
                .query_as(select_users!(
                    "and account_id = $8 and ($2 or active) and ($3::bigint is null or id > $3)
                     and ($5::text[] is null
                          or lower(email) in (select lower(e) from unnest($5::text[]) e))
                     and ($6::text[] is null or first_name = any($6))
                     and ($7::text[] is null or last_name = any($7))
                     order by id limit $4"
                ))
                .bind(filter.include_inactive)
                .bind(filter.after)
                .bind(filter.limit)
                .bind(filter.emails)
                .bind(filter.first_names)
                .bind(filter.last_names)
                .bind(account),
            None => self
                .query_as(select_users!(
                    "and ($2 or active) and ($3::bigint is null or id > $3)
                     and ($5::text[] is null
                          or lower(email) in (select lower(e) from unnest($5::text[]) e))
                     and ($6::text[] is null or first_name = any($6))
                     and ($7::text[] is null or last_name = any($7))
                     order by id limit $4"
                ))
                .bind(filter.include_inactive)
                .bind(filter.after)
                .bind(filter.limit)
                .bind(filter.emails)
                .bind(filter.first_names)
                .bind(filter.last_names),
        };
        Ok(query.fetch_all(&mut *reader).await?)
    }

    pub async fn insert_user(
        &self,
        connection: &mut PgConnection,
        new: &NewUser<'_>,
    ) -> Result<UserId> {
        let (id,): (UserId,) = self
            .query_as(
                "insert into users (org_id, account_id, row_id, email, first_name, last_name,
                                    password_hash, secret_sealed, roles)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id",
            )
            .bind(new.account_id)
            .bind(new.row_id)
            .bind(new.email)
            .bind(new.first_name)
            .bind(new.last_name)
            .bind(new.password_hash.map(|hash| hash.reveal()))
            .bind(new.secret_sealed)
            .bind(new.roles)
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| {
                let mistake = "A user with this email exists already.";
                on_constraint(error, "users_org_id_email_key", mistake)
            })?;
        index_secret(self, connection, SecretKind::User, id.0, new.secret).await?;
        Ok(id)
    }
}

impl FromRow<'_, PgRow> for User {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let last_login_at: Option<jiff_sqlx::Timestamp> = row.try_get("last_login_at")?;
        Ok(Self {
            id: row.try_get("id")?,
            account_id: row.try_get("account_id")?,
            row_id: row.try_get("row_id")?,
            email: row.try_get("email")?,
            first_name: row.try_get("first_name")?,
            last_name: row.try_get("last_name")?,
            secret_sealed: row.try_get("secret_sealed")?,
            roles: row.try_get("roles")?,
            active: row.try_get("active")?,
            last_login_at: last_login_at.map(jiff_sqlx::Timestamp::to_jiff),
            created_at: row
                .try_get::<jiff_sqlx::Timestamp, _>("created_at")?
                .to_jiff(),
            updated_at: row
                .try_get::<jiff_sqlx::Timestamp, _>("updated_at")?
                .to_jiff(),
        })
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("account_id", &self.account_id)
            .field("roles", &self.roles)
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for NewUser<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUser")
            .field("account_id", &self.account_id)
            .field("roles", &self.roles)
            .finish_non_exhaustive()
    }
}
