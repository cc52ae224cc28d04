//! Instances whose credentials are checked because the vendor has refused a call.

use std::time::Duration;

use crate::error::Result;
use crate::ids::InstanceId;
use crate::store::OrgStore;

impl OrgStore<'_> {
    /// Whether whoever asks shall make the check: of all servers one, and then nobody for a while.
    pub async fn claim_check(
        &self,
        id: InstanceId,
        generation: i64,
        pause: Duration,
    ) -> Result<bool> {
        self.transaction(|mut transaction| async move {
            let claimed = self
                .query(
                    "update instances set checked_at = clock_timestamp()
                     where org_id = $1 and id = $2 and generation = $3
                       and coalesce(checked_at <= clock_timestamp() - make_interval(secs => $4),
                                    true)",
                )
                .bind(id)
                .bind(generation)
                .bind(pause.as_secs_f64())
                .execute(&mut *transaction)
                .await?;
            Ok((transaction, claimed.rows_affected() > 0))
        })
        .await
    }

    /// The vendor takes the credentials of this generation again, which is told. Nothing when there
    /// are others by now.
    pub async fn note_working(&self, id: InstanceId, generation: i64) -> Result<()> {
        self.transaction(|mut transaction| async move {
            let before = self.lock_instance(&mut transaction, id).await?;
            let before = before.filter(|row| row.generation == generation && !row.valid);
            if let Some(before) = before {
                self.query(
                    "update instances
                     set valid = true, invalid_reason = null, invalid_since = null,
                         renewal_attempts = 0, renewal_by_call_at = null
                     where org_id = $1 and id = $2",
                )
                .bind(id)
                .execute(&mut *transaction)
                .await?;
                let why = "the vendor takes its credentials again.";
                self.notify_recovered(&mut transaction, &before, why)
                    .await?;
            }
            Ok((transaction, ()))
        })
        .await
    }
}
