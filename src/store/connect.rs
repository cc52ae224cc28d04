//! Links by which people connect their own accounts, and what an organization's pages look like.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row as _};
use uuid::Uuid;

use super::OrgStore;
use super::directory::{Directory, FoundUser, index_secret};
use crate::error::{Error, Result};
use crate::ids::{Fingerprint, InstanceId, OrganizationId, SecretKind, UserId};

/// How long it can be asked what became of a link.
const KEPT: Duration = Duration::from_hours(7 * 24);
const DAY: Duration = Duration::from_hours(24);

pub struct NewConnectLink<'a> {
    pub row_id: Uuid,
    pub user: UserId,
    pub token: &'a Fingerprint,
    /// Empty: every one.
    pub elements: &'a [String],
    pub instance: Option<InstanceId>,
    pub contents_sealed: &'a [u8],
    pub lasts: Duration,
}

#[derive(Clone)]
pub struct ConnectLink {
    pub organization: OrganizationId,
    pub id: i64,
    pub row_id: Uuid,
    pub user: FoundUser,
    /// Organization, account and user are all switched on.
    pub active: bool,
    pub elements: Vec<String>,
    pub instance: Option<InstanceId>,
    pub contents_sealed: Option<Vec<u8>>,
    pub walk_sealed: Option<Vec<u8>>,
    pub connected: Option<InstanceId>,
    pub failure: Option<String>,
    pub expires_at: Timestamp,
    pub expired: bool,
}

/// Without the logo's bytes.
#[derive(Debug, Clone, Default)]
pub struct ConnectSettings {
    pub return_origins: Vec<String>,
    pub display_name: Option<String>,
    pub primary_color: Option<String>,
    pub support_url: Option<String>,
    pub logo_type: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Logo {
    pub kind: String,
    pub bytes: Vec<u8>,
}

macro_rules! select_link {
    ($from:literal) => {
        concat!(
            "select l.org_id, l.id, l.row_id, l.elements, l.instance_id, l.contents_sealed,
                    l.walk_sealed, l.connected_id, l.failure, l.expires_at,
                    l.expires_at <= now() as expired,
                    u.id as user_id, u.active as user_active, u.roles,
                    a.id as account_id, a.active as account_active, o.active as org_active
             from ",
            $from,
            " join organizations o on o.id = l.org_id
              join users u on u.org_id = l.org_id and u.id = l.user_id
              join accounts a on a.org_id = u.org_id and a.id = u.account_id "
        )
    };
}

impl Directory<'_> {
    /// The link that is known by one of these, as a token or as the state of a walk.
    pub async fn connect_link(
        &self,
        kind: SecretKind,
        fingerprints: &[&[u8]],
    ) -> Result<Option<ConnectLink>> {
        let mut reader = self.store.reader().await?;
        let found = self
            .store
            .query_as(concat!(
                select_link!(
                    "secret_index s
                     join connect_links l on l.org_id = s.org_id and l.id = s.object_id"
                ),
                "where s.hmac = any($1) and s.kind = $2"
            ))
            .bind(fingerprints)
            .bind(kind.as_str())
            .fetch_optional(&mut *reader)
            .await?;
        Ok(found)
    }
}

impl OrgStore<'_> {
    /// Makes a link, and takes away what is left of those that have run out.
    pub async fn add_connect_link(&self, new: &NewConnectLink<'_>) -> Result<(i64, Timestamp)> {
        self.transaction(|mut transaction| async move {
            self.sweep_connect_links(&mut transaction).await?;
            let (id, expires_at): (i64, jiff_sqlx::Timestamp) = self
                .query_as(
                    "insert into connect_links (org_id, row_id, user_id, elements, instance_id,
                             contents_sealed, expires_at)
                         values ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7))
                         returning id, expires_at",
                )
                .bind(new.row_id)
                .bind(new.user)
                .bind(new.elements)
                .bind(new.instance)
                .bind(new.contents_sealed)
                .bind(new.lasts.as_secs_f64())
                .fetch_one(&mut *transaction)
                .await?;
            index_secret(
                self,
                &mut transaction,
                SecretKind::ConnectLink,
                id,
                new.token,
            )
            .await?;
            Ok((transaction, (id, expires_at.to_jiff())))
        })
        .await
    }

    /// What was sealed goes as soon as a link has run out; that it was one is known for a day, to
    /// say so to whoever opens it; what became of it for a week.
    async fn sweep_connect_links(&self, connection: &mut PgConnection) -> Result<()> {
        self.query(
            "update connect_links set contents_sealed = null, walk_sealed = null
             where org_id = $1 and expires_at <= now()
               and (contents_sealed is not null or walk_sealed is not null)",
        )
        .execute(&mut *connection)
        .await?;
        self.query(
            "delete from secret_index s using connect_links l
             where s.org_id = $1 and s.kind in ('connect_link', 'connect_state')
               and l.org_id = s.org_id and l.id = s.object_id
               and l.expires_at <= now() - make_interval(secs => $2)",
        )
        .bind(DAY.as_secs_f64())
        .execute(&mut *connection)
        .await?;
        self.query(
            "delete from connect_links
             where org_id = $1 and expires_at <= now() - make_interval(secs => $2)",
        )
        .bind(KEPT.as_secs_f64())
        .execute(connection)
        .await?;
        Ok(())
    }

    pub async fn connect_link(&self, id: i64) -> Result<Option<ConnectLink>> {
        let mut reader = self.reader().await?;
        let found = self
            .query_as(concat!(
                select_link!("connect_links l"),
                "where l.org_id = $1 and l.id = $2"
            ))
            .bind(id)
            .fetch_optional(&mut *reader)
            .await?;
        Ok(found)
    }

    /// Somebody sets out for the vendor's page; whoever did before on this link does no longer.
    /// `false`: the link has been used or has run out meanwhile.
    pub async fn begin_connect_walk(
        &self,
        id: i64,
        state: &Fingerprint,
        sealed: &[u8],
    ) -> Result<bool> {
        self.transaction(|mut transaction| async move {
            let begun = self
                .query(
                    "update connect_links set walk_sealed = $3
                         where org_id = $1 and id = $2 and connected_id is null
                           and expires_at > now()",
                )
                .bind(id)
                .bind(sealed)
                .execute(&mut *transaction)
                .await?;
            if begun.rows_affected() == 0 {
                return Ok((transaction, false));
            }
            self.query(
                "delete from secret_index
                     where org_id = $1 and kind = 'connect_state' and object_id = $2",
            )
            .bind(id)
            .execute(&mut *transaction)
            .await?;
            index_secret(self, &mut transaction, SecretKind::ConnectState, id, state).await?;
            Ok((transaction, true))
        })
        .await
    }

    /// The walk is over; of several who say so at once one is told `true`.
    pub async fn end_connect_walk(&self, id: i64, sealed: &[u8]) -> Result<bool> {
        self.transaction(|mut transaction| async move {
            let ended = self
                .query(
                    "update connect_links set walk_sealed = null
                         where org_id = $1 and id = $2 and walk_sealed = $3",
                )
                .bind(id)
                .bind(sealed)
                .execute(&mut *transaction)
                .await?;
            Ok((transaction, ended.rows_affected() > 0))
        })
        .await
    }

    /// The link has done its work, in the transaction that makes or changes the instance: whoever is
    /// killed leaves both or neither, and of two people on one link only the first gets through.
    ///
    /// # Errors
    /// 409 when it has done its work before: the transaction must not be committed.
    pub(super) async fn use_connect_link(
        &self,
        connection: &mut PgConnection,
        id: i64,
        instance: InstanceId,
    ) -> Result<()> {
        let used = self
            .query(
                "update connect_links
                 set connected_id = $3, walk_sealed = null, failure = null
                 where org_id = $1 and id = $2 and connected_id is null",
            )
            .bind(id)
            .bind(instance)
            .execute(connection)
            .await?;
        match used.rows_affected() {
            1 => Ok(()),
            _ => Err(Error::Conflict(
                "This link has been used meanwhile; nothing was done twice.".into(),
            )),
        }
    }

    /// Keeps of a used link's contents only `rest_sealed`.
    pub async fn empty_connect_link(&self, id: i64, rest_sealed: &[u8]) -> Result<()> {
        self.transaction(|mut transaction| async move {
            self.query(
                "update connect_links set contents_sealed = $3
                     where org_id = $1 and id = $2 and connected_id is not null
                         and contents_sealed is not null",
            )
            .bind(id)
            .bind(rest_sealed)
            .execute(&mut *transaction)
            .await?;
            Ok((transaction, ()))
        })
        .await
    }

    pub async fn connect_link_failed(&self, id: i64, failure: &str) -> Result<()> {
        self.transaction(|mut transaction| async move {
            self.query(
                "update connect_links set failure = $3
                     where org_id = $1 and id = $2 and connected_id is null",
            )
            .bind(id)
            .bind(failure)
            .execute(&mut *transaction)
            .await?;
            Ok((transaction, ()))
        })
        .await
    }

    /// What was never set is as with an empty row.
    pub async fn connect_settings(&self) -> Result<ConnectSettings> {
        let mut reader = self.reader().await?;
        let found = self
            .query_as(
                "select return_origins, display_name, primary_color, support_url, logo_type
                 from connect_settings where org_id = $1",
            )
            .fetch_optional(&mut *reader)
            .await?;
        Ok(found.unwrap_or_default())
    }

    pub async fn connect_logo(&self) -> Result<Option<Logo>> {
        let mut reader = self.reader().await?;
        let found: Option<(Option<String>, Option<Vec<u8>>)> = self
            .query_as("select logo_type, logo from connect_settings where org_id = $1")
            .fetch_optional(&mut *reader)
            .await?;
        Ok(match found {
            Some((Some(kind), Some(bytes))) => Some(Logo { kind, bytes }),
            _ => None,
        })
    }

    pub async fn set_return_origins(&self, origins: &[String]) -> Result<()> {
        self.transaction(|mut transaction| async move {
            self.query(
                "insert into connect_settings (org_id, return_origins) values ($1, $2)
                     on conflict (org_id) do update
                     set return_origins = $2, updated_at = now()",
            )
            .bind(origins)
            .execute(&mut *transaction)
            .await?;
            Ok((transaction, ()))
        })
        .await
    }

    /// All that is no return origin.
    pub async fn set_branding(
        &self,
        branding: &ConnectSettings,
        logo: Option<&Logo>,
    ) -> Result<()> {
        self.transaction(|mut transaction| async move {
            self.query(
                "insert into connect_settings (org_id, display_name, primary_color, support_url,
                         logo_type, logo)
                     values ($1, $2, $3, $4, $5, $6)
                     on conflict (org_id) do update
                     set display_name = $2, primary_color = $3, support_url = $4, logo_type = $5,
                         logo = $6, updated_at = now()",
            )
            .bind(branding.display_name.as_deref())
            .bind(branding.primary_color.as_deref())
            .bind(branding.support_url.as_deref())
            .bind(logo.map(|logo| logo.kind.as_str()))
            .bind(logo.map(|logo| logo.bytes.as_slice()))
            .execute(&mut *transaction)
            .await?;
            Ok((transaction, ()))
        })
        .await
    }
}

impl FromRow<'_, PgRow> for ConnectLink {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let user = FoundUser {
            id: row.try_get("user_id")?,
            active: row.try_get("user_active")?,
            roles: row.try_get("roles")?,
            account: row.try_get("account_id")?,
            account_active: row.try_get("account_active")?,
        };
        let organization_active: bool = row.try_get("org_active")?;
        let expires_at: jiff_sqlx::Timestamp = row.try_get("expires_at")?;
        Ok(Self {
            organization: row.try_get("org_id")?,
            id: row.try_get("id")?,
            row_id: row.try_get("row_id")?,
            active: organization_active && user.active && user.account_active,
            user,
            elements: row.try_get("elements")?,
            instance: row.try_get("instance_id")?,
            contents_sealed: row.try_get("contents_sealed")?,
            walk_sealed: row.try_get("walk_sealed")?,
            connected: row.try_get("connected_id")?,
            failure: row.try_get("failure")?,
            expires_at: expires_at.to_jiff(),
            expired: row.try_get("expired")?,
        })
    }
}

impl FromRow<'_, PgRow> for ConnectSettings {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            return_origins: row.try_get("return_origins")?,
            display_name: row.try_get("display_name")?,
            primary_color: row.try_get("primary_color")?,
            support_url: row.try_get("support_url")?,
            logo_type: row.try_get("logo_type")?,
        })
    }
}

impl fmt::Debug for NewConnectLink<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewConnectLink")
            .field("user", &self.user)
            .field("elements", &self.elements)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ConnectLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectLink")
            .field("organization", &self.organization)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
