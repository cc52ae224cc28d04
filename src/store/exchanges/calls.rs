//! An exchange between its intent and its outcome: who may still send, what has been answered, who goes
//! on with it.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Result;
use crate::ids::InstanceId;
use crate::store::OrgStore;
use crate::store::retry::is_passing;

impl OrgStore<'_> {
    /// How long the holder may still send; `None`: the exchange is another's by now, or over.
    pub async fn time_to_send(&self, id: Uuid, holder: Uuid) -> Result<Option<Duration>> {
        let mut reader = self.reader().await?;
        let left: Option<(f64,)> = self
            .query_as(
                "select extract(epoch from lease_until - clock_timestamp())::float8
                 from exchanges
                 where org_id = $1 and id = $2 and holder = $3 and state = 'intent'",
            )
            .bind(id)
            .bind(holder)
            .fetch_optional(&mut *reader)
            .await?;
        reader.finish();
        Ok(left.map(|(left,)| Duration::from_secs_f64(left.max(0.0))))
    }

    /// Makes the answer durable. From now on anybody may apply it; who opened the exchange has
    /// `lease` to do so undisturbed. `false`: it was given up meanwhile.
    pub async fn answer_exchange(
        &self,
        id: Uuid,
        answer_sealed: &[u8],
        lease: Duration,
    ) -> Result<bool> {
        // One statement is a transaction of its own: nothing has to be begun and committed.
        if self.store.keeps_statements() {
            let mut connection = self.reader().await?;
            let answered = self.answer_in(&mut connection, id, answer_sealed, lease);
            match answered.await {
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(error),
                Ok(answered) => {
                    connection.finish();
                    return Ok(answered);
                }
            }
        }
        self.transaction(|mut transaction| async move {
            let answered = self
                .answer_in(&mut transaction, id, answer_sealed, lease)
                .await?;
            Ok((transaction, answered))
        })
        .await
    }

    async fn answer_in(
        &self,
        connection: &mut PgConnection,
        id: Uuid,
        answer_sealed: &[u8],
        lease: Duration,
    ) -> Result<bool> {
        let done = self
            .query(
                "update exchanges
                 set state = 'answered', answer_sealed = $3, answered_at = clock_timestamp(),
                     lease_until = clock_timestamp() + make_interval(secs => $4)
                 where org_id = $1 and id = $2 and state = 'intent'",
            )
            .bind(id)
            .bind(answer_sealed)
            .bind(lease.as_secs_f64())
            .execute(connection)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Makes durable how far the calls have come. `false`: it is another's by now, or over.
    pub async fn exchange_reached(
        &self,
        id: Uuid,
        holder: Uuid,
        reached_sealed: &[u8],
    ) -> Result<bool> {
        self.transaction(|mut transaction| async move {
            let done = self
                .query(
                    "update exchanges set answer_sealed = $4
                     where org_id = $1 and id = $2 and holder = $3 and state = 'intent'",
                )
                .bind(id)
                .bind(holder)
                .bind(reached_sealed)
                .execute(&mut *transaction)
                .await?;
            Ok((transaction, done.rows_affected() == 1))
        })
        .await
    }

    /// Ends the holder's lease: the calls that are left are for whoever comes.
    pub async fn leave_exchange(&self, id: Uuid, holder: Uuid) -> Result<()> {
        self.transaction(|mut transaction| async move {
            self.query(
                "update exchanges set lease_until = clock_timestamp()
                 where org_id = $1 and id = $2 and holder = $3 and state = 'intent'",
            )
            .bind(id)
            .bind(holder)
            .execute(&mut *transaction)
            .await?;
            Ok((transaction, ()))
        })
        .await
    }

    /// Gives one that is not answered from one holder to another, with a new lease on it and on its
    /// instance. `false`: it is somebody else's by now, or answered, or over.
    pub async fn take_over_exchange(
        &self,
        id: Uuid,
        (from, to): (Uuid, Uuid),
        lease: Duration,
    ) -> Result<bool> {
        self.transaction(|mut transaction| async move {
            let taken: Option<(Option<InstanceId>,)> = self
                .query_as(
                    "update exchanges
                     set holder = $4, lease_until = clock_timestamp() + make_interval(secs => $5)
                     where org_id = $1 and id = $2 and holder = $3 and state = 'intent'
                     returning instance_id",
                )
                .bind(id)
                .bind(from)
                .bind(to)
                .bind(lease.as_secs_f64())
                .fetch_optional(&mut *transaction)
                .await?;
            if let Some((Some(instance),)) = taken {
                self.query(
                    "update instances
                     set lease_until = clock_timestamp() + make_interval(secs => $4)
                     where org_id = $1 and id = $2 and lease_holder = $3",
                )
                .bind(instance)
                .bind(id)
                .bind(lease.as_secs_f64())
                .execute(&mut *transaction)
                .await?;
            }
            Ok((transaction, taken.is_some()))
        })
        .await
    }
}
