//! What an operator changes of organizations and users.

use super::directory::index_secret;
use super::{AllOrgs, OrgStore, Organization, Revocation};
use crate::error::Result;
use crate::ids::{Fingerprint, Secret, SecretKind, UserId};

impl AllOrgs<'_> {
    pub async fn organizations(&self) -> Result<Vec<Organization>> {
        let mut reader = self.store.reader().await?;
        let found = self
            .store
            .query_as(
                "select id, row_id, name, active, secret_sealed, created_at, updated_at
                 from organizations order by id",
            )
            .fetch_all(&mut *reader)
            .await?;
        Ok(found)
    }
}

impl OrgStore<'_> {
    /// The secrets of one that is switched off belong to nobody.
    pub async fn set_organization_active(&self, active: bool) -> Result<Revocation> {
        self.transaction(|mut transaction| async move {
            self.query("update organizations set active = $2, updated_at = now() where id = $1")
                .bind(active)
                .execute(&mut *transaction)
                .await?;
            let revocation = self.revoke(&mut transaction).await?;
            Ok((transaction, revocation))
        })
        .await
    }

    pub async fn set_user_active(&self, id: UserId, active: bool) -> Result<Revocation> {
        self.transaction(|mut transaction| async move {
            self.query(
                "update users set active = $3, updated_at = now() where org_id = $1 and id = $2",
            )
            .bind(id)
            .bind(active)
            .execute(&mut *transaction)
            .await?;
            if !active {
                self.end_sessions(&mut transaction, id).await?;
            }
            let revocation = self.revoke(&mut transaction).await?;
            Ok((transaction, revocation))
        })
        .await
    }

    /// `hash`: Argon2id in PHC form.
    pub async fn set_user_password(&self, id: UserId, hash: &Secret) -> Result<()> {
        self.transaction(|mut transaction| async move {
            self.query(
                "update users set password_hash = $3, updated_at = now()
                     where org_id = $1 and id = $2",
            )
            .bind(id)
            .bind(hash.reveal())
            .execute(&mut *transaction)
            .await?;
            self.end_sessions(&mut transaction, id).await?;
            Ok((transaction, ()))
        })
        .await
    }

    pub async fn replace_organization_secret(
        &self,
        sealed: &[u8],
        secret: &Fingerprint,
    ) -> Result<Revocation> {
        let kind = SecretKind::Organization;
        self.replace_secret(
            "update organizations set secret_sealed = $3, updated_at = now()
             where id = $1 and id = $2",
            kind,
            self.organization.0,
            sealed,
            secret,
        )
        .await
    }

    pub async fn replace_user_secret(
        &self,
        id: UserId,
        sealed: &[u8],
        secret: &Fingerprint,
    ) -> Result<Revocation> {
        self.replace_secret(
            "update users set secret_sealed = $3, updated_at = now()
             where org_id = $1 and id = $2",
            SecretKind::User,
            id.0,
            sealed,
            secret,
        )
        .await
    }

    /// The row and its entry in the index at once, so that never both secrets or none are good.
    async fn replace_secret(
        &self,
        update: &'static str,
        kind: SecretKind,
        object: i64,
        sealed: &[u8],
        secret: &Fingerprint,
    ) -> Result<Revocation> {
        self.transaction(|mut transaction| async move {
            self.query(update)
                .bind(object)
                .bind(sealed)
                .execute(&mut *transaction)
                .await?;
            self.query(
                "delete from secret_index
                     where org_id = $1 and kind = $2 and object_id = $3",
            )
            .bind(kind.as_str())
            .bind(object)
            .execute(&mut *transaction)
            .await?;
            index_secret(self, &mut transaction, kind, object, secret).await?;
            let revocation = self.revoke(&mut transaction).await?;
            Ok((transaction, revocation))
        })
        .await
    }
}
