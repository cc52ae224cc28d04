//! Organizations and their data keys.

use std::fmt;

use jiff::Timestamp;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::directory::index_secret;
use super::keys::not_retired;
use super::{OrgStore, Store};
use crate::error::Result;
use crate::ids::{Fingerprint, OrganizationId, SecretKind, WrappedKey};

#[derive(Clone, FromRow)]
pub struct Organization {
    pub id: OrganizationId,
    pub row_id: Uuid,
    pub name: String,
    pub active: bool,
    pub secret_sealed: Vec<u8>,
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    pub created_at: Timestamp,
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    pub updated_at: Timestamp,
}

/// An organization to be made, with what finds and opens its secret.
pub struct NewOrganization<'a> {
    pub row_id: Uuid,
    pub name: &'a str,
    pub secret_sealed: &'a [u8],
    pub secret: &'a Fingerprint,
    pub key: &'a WrappedKey,
}

impl Store {
    /// The id of an organization to be made: its first key and its sealed secret are bound to it.
    pub async fn next_organization_id(
        &self,
        connection: &mut PgConnection,
    ) -> Result<OrganizationId> {
        let (id,) = self
            .query_as("select nextval(pg_get_serial_sequence('organizations', 'id'))")
            .fetch_one(connection)
            .await?;
        Ok(id)
    }
}

impl OrgStore<'_> {
    pub async fn organization(&self) -> Result<Option<Organization>> {
        let mut reader = self.reader().await?;
        let found = self
            .query_as(
                "select id, row_id, name, active, secret_sealed, created_at, updated_at
                 from organizations where id = $1",
            )
            .fetch_optional(&mut *reader)
            .await?;
        Ok(found)
    }

    pub async fn insert_organization(
        &self,
        connection: &mut PgConnection,
        new: &NewOrganization<'_>,
    ) -> Result<()> {
        self.query(
            "insert into organizations (id, row_id, name, secret_sealed) values ($1, $2, $3, $4)",
        )
        .bind(new.row_id)
        .bind(new.name)
        .bind(new.secret_sealed)
        .execute(&mut *connection)
        .await?;
        self.insert_organization_key(connection, new.key).await?;
        index_secret(
            self,
            connection,
            SecretKind::Organization,
            self.organization.0,
            new.secret,
        )
        .await
    }

    /// The data keys, lowest number first.
    pub async fn organization_keys(&self) -> Result<Vec<WrappedKey>> {
        let mut reader = self.reader().await?;
        let rows: Vec<(i32, String, Vec<u8>, bool)> = self
            .query_as(
                "select number, kek_id, wrapped, staged from organization_keys
                 where org_id = $1 order by number",
            )
            .fetch_all(&mut *reader)
            .await?;
        let keys = rows
            .into_iter()
            .map(|(number, kek_id, wrapped, staged)| WrappedKey {
                number,
                kek_id,
                wrapped,
                staged,
            })
            .collect();
        Ok(keys)
    }

    pub async fn insert_organization_key(
        &self,
        connection: &mut PgConnection,
        key: &WrappedKey,
    ) -> Result<()> {
        let inserted = self
            .query(
                "insert into organization_keys (org_id, number, kek_id, wrapped, staged)
                 select $1, $2, $3, $4, $5
                 where not exists (select 1 from key_checks
                                   where key_id = $3 and retired_at is not null)",
            )
            .bind(key.number)
            .bind(key.kek_id.as_str())
            .bind(key.wrapped.as_slice())
            .bind(key.staged)
            .execute(connection)
            .await?;
        not_retired(inserted.rows_affected())
    }
}

impl fmt::Debug for Organization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Organization")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for NewOrganization<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewOrganization")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
