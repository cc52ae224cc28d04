//! Grants: the operator's permission for one organization's instances of one element to reach a
//! private host.

use serde::Deserialize;
use sqlx::{FromRow, PgConnection};

use super::{AllOrgs, OrgStore, Revocation};
use crate::error::Result;
use crate::ids::OrganizationId;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Grant {
    pub element_key: String,
    /// As in a URL: a name in lower case, an IPv4 address, or an IPv6 address in brackets.
    pub host: String,
    pub port: u16,
    /// Certificate authority of that host.
    pub ca_pem: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationGrant {
    pub organization: OrganizationId,
    pub grant: Grant,
}

#[derive(FromRow)]
struct Row {
    org_id: OrganizationId,
    element_key: String,
    host: String,
    port: i32,
    ca_pem: Option<String>,
}

impl OrgStore<'_> {
    /// The grants of one element, or of all.
    pub async fn grants(&self, element_key: Option<&str>) -> Result<Vec<Grant>> {
        let mut reader = self.reader().await?;
        let rows: Vec<Row> = self
            .query_as(
                "select org_id, element_key, host, port, ca_pem from outbound_grants
                 where org_id = $1 and ($2::text is null or element_key = $2)
                 order by element_key, host, port",
            )
            .bind(element_key)
            .fetch_all(&mut *reader)
            .await?;
        reader.finish();
        rows.into_iter()
            .map(|row| Ok(row.checked()?.grant))
            .collect()
    }

    /// Adds a grant; one for the same host and port gets the new certificate authority.
    pub async fn add_grant(
        &self,
        connection: &mut PgConnection,
        grant: &Grant,
    ) -> Result<Revocation> {
        self.query(
            "insert into outbound_grants (org_id, element_key, host, port, ca_pem)
             values ($1, $2, $3, $4, $5)
             on conflict (org_id, element_key, host, port)
                 do update set ca_pem = excluded.ca_pem",
        )
        .bind(grant.element_key.as_str())
        .bind(grant.host.as_str())
        .bind(i32::from(grant.port))
        .bind(grant.ca_pem.as_deref())
        .execute(&mut *connection)
        .await?;
        // Servers remember with an instance how far it may reach.
        self.revoke(connection).await
    }

    /// `None`: there was none.
    pub async fn remove_grant(
        &self,
        connection: &mut PgConnection,
        element_key: &str,
        host: &str,
        port: u16,
    ) -> Result<Option<Revocation>> {
        let removed = self
            .query(
                "delete from outbound_grants
                 where org_id = $1 and element_key = $2 and host = $3 and port = $4",
            )
            .bind(element_key)
            .bind(host)
            .bind(i32::from(port))
            .execute(&mut *connection)
            .await?;
        match removed.rows_affected() {
            0 => Ok(None),
            _ => self.revoke(connection).await.map(Some),
        }
    }
}

impl AllOrgs<'_> {
    /// For the operator's overview.
    pub async fn grants(&self) -> Result<Vec<OrganizationGrant>> {
        let mut reader = self.store.reader().await?;
        let rows: Vec<Row> = self
            .store
            .query_as(
                "select org_id, element_key, host, port, ca_pem from outbound_grants
                 order by org_id, element_key, host, port",
            )
            .fetch_all(&mut *reader)
            .await?;
        rows.into_iter().map(Row::checked).collect()
    }
}

impl Row {
    fn checked(self) -> Result<OrganizationGrant> {
        let port = u16::try_from(self.port).map_err(crate::error::Error::internal)?;
        let Self {
            org_id: organization,
            element_key,
            host,
            ca_pem,
            ..
        } = self;
        Ok(OrganizationGrant {
            organization,
            grant: Grant {
                element_key,
                host,
                port,
                ca_pem,
            },
        })
    }
}
