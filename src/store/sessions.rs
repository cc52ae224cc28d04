//! Log-in by address and password, and the sessions it starts.

use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row as _};

use super::directory::{Directory, FoundUser, index_secret};
use super::{AllOrgs, OrgStore};
use crate::error::Result;
use crate::ids::{Fingerprint, OrganizationId, Secret, SecretKind, UserId};

/// A user, with all that decides whether a log-in or a session is good.
#[derive(Debug, Clone)]
pub struct LoginUser {
    pub organization: OrganizationId,
    pub organization_active: bool,
    pub user: FoundUser,
    pub email: String,
    /// Argon2id in PHC form.
    pub password_hash: Option<Secret>,
}

impl LoginUser {
    pub fn is_active(&self) -> bool {
        self.organization_active && self.user.active && self.user.account_active
    }
}

macro_rules! select_login_user {
    ($from:literal) => {
        concat!(
            "select o.id as org_id, o.active as org_active, u.id, u.active, u.roles, u.email,
                    u.password_hash, a.id as account_id, a.active as account_active
             from ",
            $from
        )
    };
}

impl Directory<'_> {
    /// Whom this address logs in.
    pub async fn login(&self, fingerprints: &[&[u8]]) -> Result<Option<LoginUser>> {
        let mut reader = self.store.reader().await?;
        let found = self
            .store
            .query_as(select_login_user!(
                "secret_index s
                 join organizations o on o.id = s.org_id
                 join users u on u.org_id = s.org_id and u.id = s.object_id
                 join accounts a on a.org_id = u.org_id and a.id = u.account_id
                 where s.hmac = any($1) and s.kind = 'login'"
            ))
            .bind(fingerprints)
            .fetch_optional(&mut *reader)
            .await?;
        Ok(found)
    }

    /// Whose session this is, while it lasts.
    pub async fn session(&self, fingerprints: &[&[u8]]) -> Result<Option<LoginUser>> {
        let mut reader = self.store.reader().await?;
        let found = self
            .store
            .query_as(select_login_user!(
                "secret_index s
                 join sessions e on e.org_id = s.org_id and e.id = s.object_id
                 join organizations o on o.id = s.org_id
                 join users u on u.org_id = e.org_id and u.id = e.user_id
                 join accounts a on a.org_id = u.org_id and a.id = u.account_id
                 where s.hmac = any($1) and s.kind = 'session' and e.expires_at > now()"
            ))
            .bind(fingerprints)
            .fetch_optional(&mut *reader)
            .await?;
        Ok(found)
    }
}

impl AllOrgs<'_> {
    /// The oldest user with this address and a password, whether or not the directory has it.
    pub async fn oldest_login(&self, email: &str) -> Result<Option<LoginUser>> {
        let mut reader = self.store.reader().await?;
        let found = self
            .store
            .query_as(select_login_user!(
                "users u
                 join organizations o on o.id = u.org_id
                 join accounts a on a.org_id = u.org_id and a.id = u.account_id
                 where lower(u.email) = lower($1) and u.password_hash is not null
                 order by u.created_at, u.org_id, u.id limit 1"
            ))
            .bind(email)
            .fetch_optional(&mut *reader)
            .await?;
        Ok(found)
    }
}

impl OrgStore<'_> {
    /// Makes the address log in this user, in place of whatever it logged in before.
    /// `fingerprints` are all that it may be known by, the first is what is stored.
    pub async fn set_login(
        &self,
        connection: &mut PgConnection,
        user: UserId,
        fingerprints: &[Fingerprint],
    ) -> Result<()> {
        let hmacs: Vec<&[u8]> = fingerprints.iter().map(|f| f.hmac.as_slice()).collect();
        // Also another organization's row: the caller has found that it leads nowhere.
        self.store
            .query("delete from secret_index where hmac = any($1) and kind = 'login'")
            .bind(&hmacs)
            .execute(&mut *connection)
            .await?;
        if let Some(current) = fingerprints.first() {
            // Whoever was a moment faster wrote the same.
            self.query(
                "insert into secret_index (org_id, hmac, kind, object_id, pepper_id)
                 values ($1, $2, $3, $4, $5) on conflict (hmac) do nothing",
            )
            .bind(current.hmac.as_slice())
            .bind(SecretKind::Login.as_str())
            .bind(user)
            .bind(current.pepper_id.as_str())
            .execute(connection)
            .await?;
        }
        Ok(())
    }

    /// A new session; sessions of the organization that have run out are removed on the way.
    pub async fn start_session(
        &self,
        connection: &mut PgConnection,
        user: UserId,
        token: &Fingerprint,
        lasts: Duration,
    ) -> Result<()> {
        let ended: Vec<(i64,)> = self
            .query_as("delete from sessions where org_id = $1 and expires_at < now() returning id")
            .fetch_all(&mut *connection)
            .await?;
        self.unindex_sessions(connection, ended).await?;
        let (id,): (i64,) = self
            .query_as(
                "insert into sessions (org_id, user_id, expires_at)
                 values ($1, $2, now() + make_interval(secs => $3)) returning id",
            )
            .bind(user)
            .bind(lasts.as_secs_f64())
            .fetch_one(&mut *connection)
            .await?;
        index_secret(self, &mut *connection, SecretKind::Session, id, token).await?;
        self.query("update users set last_login_at = now() where org_id = $1 and id = $2")
            .bind(user)
            .execute(connection)
            .await?;
        Ok(())
    }

    /// Ends all sessions of the user: whoever disables a user, changes a password or replaces a
    /// secret calls this in the same transaction.
    pub async fn end_sessions(&self, connection: &mut PgConnection, user: UserId) -> Result<()> {
        let ended: Vec<(i64,)> = self
            .query_as("delete from sessions where org_id = $1 and user_id = $2 returning id")
            .bind(user)
            .fetch_all(&mut *connection)
            .await?;
        self.unindex_sessions(connection, ended).await
    }

    /// Ends the sessions of all users of the organization.
    pub(super) async fn end_all_sessions(&self, connection: &mut PgConnection) -> Result<()> {
        let ended: Vec<(i64,)> = self
            .query_as("delete from sessions where org_id = $1 returning id")
            .fetch_all(&mut *connection)
            .await?;
        self.unindex_sessions(connection, ended).await
    }

    /// Whether the user may begin a session now: is not switched off, and has the password that
    /// was checked, if one was. It stays so until the transaction ends.
    pub async fn may_start_session(
        &self,
        connection: &mut PgConnection,
        user: UserId,
        checked: Option<&Secret>,
    ) -> Result<bool> {
        let found: Option<(UserId,)> = self
            .query_as(
                "select u.id from users u
                 join accounts a on a.org_id = u.org_id and a.id = u.account_id
                 join organizations o on o.id = u.org_id
                 where u.org_id = $1 and u.id = $2 and u.active and a.active and o.active
                     and ($3::text is null or u.password_hash = $3)
                 for no key update of u",
            )
            .bind(user)
            .bind(checked.map(Secret::reveal))
            .fetch_optional(connection)
            .await?;
        Ok(found.is_some())
    }

    /// Whether each of these secrets, known by its fingerprints, still finds somebody of the
    /// organization. Those that do go on to until the transaction ends.
    pub async fn are_good(
        &self,
        connection: &mut PgConnection,
        secrets: &[Vec<Fingerprint>],
    ) -> Result<bool> {
        let hmacs: Vec<&[u8]> = secrets
            .iter()
            .flatten()
            .map(|fingerprint| fingerprint.hmac.as_slice())
            .collect();
        let found: Vec<(String,)> = self
            .query_as(
                "select kind from secret_index where org_id = $1 and hmac = any($2)
                 order by kind for share",
            )
            .bind(hmacs)
            .fetch_all(connection)
            .await?;
        Ok(found.len() == secrets.len())
    }

    async fn unindex_sessions(
        &self,
        connection: &mut PgConnection,
        ended: Vec<(i64,)>,
    ) -> Result<()> {
        if ended.is_empty() {
            return Ok(());
        }
        let ended: Vec<i64> = ended.into_iter().map(|(id,)| id).collect();
        self.query(
            "delete from secret_index
             where org_id = $1 and kind = 'session' and object_id = any($2)",
        )
        .bind(ended)
        .execute(connection)
        .await?;
        Ok(())
    }

    pub async fn set_password(
        &self,
        connection: &mut PgConnection,
        user: UserId,
        hash: &Secret,
    ) -> Result<()> {
        self.query(
            "update users set password_hash = $3, updated_at = now()
             where org_id = $1 and id = $2",
        )
        .bind(user)
        .bind(hash.reveal())
        .execute(connection)
        .await?;
        Ok(())
    }
}

impl FromRow<'_, PgRow> for LoginUser {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let password_hash: Option<String> = row.try_get("password_hash")?;
        Ok(Self {
            organization: row.try_get("org_id")?,
            organization_active: row.try_get("org_active")?,
            user: FoundUser {
                id: row.try_get("id")?,
                active: row.try_get("active")?,
                roles: row.try_get("roles")?,
                account: row.try_get("account_id")?,
                account_active: row.try_get("account_active")?,
            },
            email: row.try_get("email")?,
            password_hash: password_hash.map(Secret::new),
        })
    }
}
