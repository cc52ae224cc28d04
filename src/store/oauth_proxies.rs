//! Proxies: addresses of ours that vendors send browsers back to, and where those may go on to.

use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row as _};

use super::OrgStore;
use super::retry::on_constraint;
use crate::error::Result;

#[derive(Debug, Clone)]
pub struct OauthProxy {
    pub id: i64,
    pub name: String,
    /// Patterns, as they were given.
    pub application_urls: Vec<String>,
    pub created_at: Timestamp,
}

fn taken(error: sqlx::Error) -> crate::error::Error {
    let mistake = "An OAuth proxy of this name exists already.";
    on_constraint(error, "oauth_proxies_org_id_name_key", mistake)
}

impl OrgStore<'_> {
    pub async fn oauth_proxies(&self) -> Result<Vec<OauthProxy>> {
        let mut reader = self.reader().await?;
        let found = self
            .query_as(
                "select id, name, application_urls, created_at from oauth_proxies
                 where org_id = $1 order by id",
            )
            .fetch_all(&mut *reader)
            .await?;
        Ok(found)
    }

    pub async fn oauth_proxy(&self, id: i64) -> Result<Option<OauthProxy>> {
        let mut reader = self.reader().await?;
        let found = self
            .query_as(
                "select id, name, application_urls, created_at from oauth_proxies
                 where org_id = $1 and id = $2",
            )
            .bind(id)
            .fetch_optional(&mut *reader)
            .await?;
        Ok(found)
    }

    pub async fn oauth_proxy_named(&self, name: &str) -> Result<Option<OauthProxy>> {
        let mut reader = self.reader().await?;
        let found = self
            .query_as(
                "select id, name, application_urls, created_at from oauth_proxies
                 where org_id = $1 and name = $2",
            )
            .bind(name)
            .fetch_optional(&mut *reader)
            .await?;
        Ok(found)
    }

    /// The same by id, for a change.
    pub async fn lock_oauth_proxy(
        &self,
        connection: &mut PgConnection,
        id: i64,
    ) -> Result<Option<OauthProxy>> {
        let found = self
            .query_as(
                "select id, name, application_urls, created_at from oauth_proxies
                 where org_id = $1 and id = $2 for update",
            )
            .bind(id)
            .fetch_optional(connection)
            .await?;
        Ok(found)
    }

    pub async fn insert_oauth_proxy(
        &self,
        connection: &mut PgConnection,
        name: &str,
        application_urls: &[String],
    ) -> Result<i64> {
        let (id,) = self
            .query_as(
                "insert into oauth_proxies (org_id, name, application_urls) values ($1, $2, $3)
                 returning id",
            )
            .bind(name)
            .bind(application_urls)
            .fetch_one(connection)
            .await
            .map_err(taken)?;
        Ok(id)
    }

    pub async fn update_oauth_proxy(
        &self,
        connection: &mut PgConnection,
        proxy: &OauthProxy,
    ) -> Result<()> {
        self.query(
            "update oauth_proxies set name = $3, application_urls = $4, updated_at = now()
             where org_id = $1 and id = $2",
        )
        .bind(proxy.id)
        .bind(proxy.name.as_str())
        .bind(proxy.application_urls.as_slice())
        .execute(connection)
        .await
        .map_err(taken)?;
        Ok(())
    }

    /// With its client. `false`: there was none.
    pub async fn delete_oauth_proxy(&self, connection: &mut PgConnection, id: i64) -> Result<bool> {
        let deleted = self
            .query("delete from oauth_proxies where org_id = $1 and id = $2")
            .bind(id)
            .execute(connection)
            .await?;
        Ok(deleted.rows_affected() > 0)
    }
}

impl FromRow<'_, PgRow> for OauthProxy {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let created_at: jiff_sqlx::Timestamp = row.try_get("created_at")?;
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            application_urls: row.try_get("application_urls")?,
            created_at: created_at.to_jiff(),
        })
    }
}
