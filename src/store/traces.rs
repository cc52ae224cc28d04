//! Calls of log-ins whose callers wanted to see them.

use uuid::Uuid;

use super::OrgStore;
use crate::error::Result;
use crate::ids::AccountId;

/// Of one organization; the oldest go first.
const KEPT: i64 = 100;

impl OrgStore<'_> {
    /// Takes away what is older than an hour, and more than so many.
    pub async fn add_login_trace(
        &self,
        id: Uuid,
        account: AccountId,
        element_key: &str,
        sealed: &[u8],
    ) -> Result<()> {
        self.transaction(|mut transaction| async move {
            self.query(
                "delete from login_traces
                 where org_id = $1
                   and (created_at < now() - interval '1 hour'
                        or id in (select id from login_traces where org_id = $1
                                  order by created_at desc offset $2))",
            )
            .bind(KEPT - 1)
            .execute(&mut *transaction)
            .await?;
            self.query(
                "insert into login_traces (org_id, id, account_id, element_key, calls_sealed)
                 values ($1, $2, $3, $4, $5)",
            )
            .bind(id)
            .bind(account)
            .bind(element_key)
            .bind(sealed)
            .execute(&mut *transaction)
            .await?;
            Ok((transaction, ()))
        })
        .await
    }

    /// Whose it is, and the calls.
    pub async fn login_trace(
        &self,
        id: Uuid,
        element_key: &str,
    ) -> Result<Option<(AccountId, Vec<u8>)>> {
        let mut reader = self.reader().await?;
        let found = self
            .query_as(
                "select account_id, calls_sealed from login_traces
                 where org_id = $1 and id = $2 and element_key = $3
                   and created_at > now() - interval '1 hour'",
            )
            .bind(id)
            .bind(element_key)
            .fetch_optional(&mut *reader)
            .await?;
        Ok(found)
    }
}
