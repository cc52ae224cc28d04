//! Opening an exchange: what else must not be under way at the same time.

use sqlx::PgConnection;

use super::{NewExchange, Opened, Purpose};
use crate::error::Result;
use crate::ids::{Fingerprint, InstanceId};
use crate::store::OrgStore;
use crate::store::retry::is_passing;

impl OrgStore<'_> {
    /// Makes the intent durable: once this has said [`Opened::Ours`] the vendor may be called.
    ///
    /// # Errors
    /// 409 when the claim has been lost.
    pub async fn open_exchange(&self, new: &NewExchange<'_>) -> Result<Opened> {
        // Who waits for a session asks again and again; that shall keep nobody else waiting.
        if !new.session.is_empty() && self.is_session_busy(new.session).await? {
            return Ok(Opened::Busy);
        }
        if let (Some(instance), Some(generation)) = (new.instance, new.generation)
            && new.session.is_empty()
            && new.claim.is_none()
            && self.store.keeps_statements()
        {
            // As most renewals are. One statement is a transaction of its own.
            let mut connection = self.reader().await?;
            let opened = self.open_renewal(&mut connection, new, instance, generation);
            match opened.await {
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(error),
                Ok(opened) => {
                    connection.finish();
                    return Ok(opened);
                }
            }
        }
        self.transaction(|mut transaction| async move {
            let opened = self.open_exchange_in(&mut transaction, new).await?;
            Ok((transaction, opened))
        })
        .await
    }

    /// The lease and the intent of an instance whose log-in touches no other session.
    async fn open_renewal(
        &self,
        connection: &mut PgConnection,
        new: &NewExchange<'_>,
        instance: InstanceId,
        generation: i64,
    ) -> Result<Opened> {
        // Who comes second waits for the row, and then finds the lease taken.
        let done = self
            .query(
                "with leased as (
                     update instances
                     set lease_holder = $2,
                         lease_until = clock_timestamp() + make_interval(secs => $8)
                     where org_id = $1 and id = $3 and generation = $4
                         and (lease_until is null or lease_until <= clock_timestamp())
                         and not ($9 and exists (
                             select 1 from exchanges
                             where org_id = $1 and instance_id = $3
                                 and state in ('intent', 'answered')))
                     returning org_id
                 )
                 insert into exchanges (org_id, id, instance_id, user_id, purpose, state,
                     generation, intent_sealed, holder, lease_until)
                 select org_id, $2, $3, $5, $6, 'intent', $4, $7, $10,
                     clock_timestamp() + make_interval(secs => $8)
                 from leased",
            )
            .bind(new.id)
            .bind(instance)
            .bind(generation)
            .bind(new.user)
            .bind(new.purpose.as_str())
            .bind(new.intent_sealed)
            .bind(new.lease.as_secs_f64())
            .bind(begins_with_stored(new.purpose))
            .bind(new.holder)
            .execute(&mut *connection)
            .await?;
        match done.rows_affected() {
            0 => self.why_not_leased(connection, instance, generation).await,
            _ => Ok(Opened::Ours),
        }
    }

    async fn is_session_busy(&self, session: &[Fingerprint]) -> Result<bool> {
        let mut reader = self.reader().await?;
        let busy = self.is_session_busy_in(&mut reader, session).await?;
        reader.finish();
        Ok(busy)
    }

    async fn is_session_busy_in(
        &self,
        connection: &mut PgConnection,
        session: &[Fingerprint],
    ) -> Result<bool> {
        let hmacs: Vec<&[u8]> = session.iter().map(|print| &print.hmac[..]).collect();
        let (busy,) = self
            .query_as(
                "select exists (
                     select 1 from exchanges
                     where org_id = $1 and session_hmac = any($2) and state = 'intent'
                         and lease_until > clock_timestamp())",
            )
            .bind(hmacs)
            .fetch_one(connection)
            .await?;
        Ok(busy)
    }

    /// The same inside a transaction, which must not be committed after another answer than
    /// [`Opened::Ours`] if it has changed anything else.
    pub async fn open_exchange_in(
        &self,
        connection: &mut PgConnection,
        new: &NewExchange<'_>,
    ) -> Result<Opened> {
        if !new.session.is_empty() {
            // Two servers with different peppers store different rows for one session, so no
            // unique index keeps them apart. What they have in common is the organization.
            self.query("select id from organizations where id = $1 for no key update")
                .execute(&mut *connection)
                .await?;
            if self
                .is_session_busy_in(&mut *connection, new.session)
                .await?
            {
                return Ok(Opened::Busy);
            }
        }
        if let (Some(instance), Some(generation)) = (new.instance, new.generation) {
            // What another has left open, also when its lease is over, may have used up the token
            // that this one begins with.
            if begins_with_stored(new.purpose) && self.is_open(&mut *connection, instance).await? {
                return self.why_not_leased(connection, instance, generation).await;
            }
            let taken = self
                .query(
                    "update instances
                     set lease_holder = $4,
                         lease_until = clock_timestamp() + make_interval(secs => $5)
                     where org_id = $1 and id = $2 and generation = $3
                         and (lease_until is null or lease_until <= clock_timestamp())",
                )
                .bind(instance)
                .bind(generation)
                .bind(new.id)
                .bind(new.lease.as_secs_f64())
                .execute(&mut *connection)
                .await?;
            if taken.rows_affected() == 0 {
                return self.why_not_leased(connection, instance, generation).await;
            }
        }
        if let Some(claim) = new.claim {
            self.link_request(&mut *connection, claim, new.id).await?;
        }
        let session = new.session.first();
        self.query(
            "insert into exchanges (org_id, id, instance_id, user_id, purpose, state, generation,
                 session_hmac, session_pepper_id, intent_sealed, holder, lease_until)
             values ($1, $2, $3, $4, $5, 'intent', $6, $7, $8, $9, $10,
                 clock_timestamp() + make_interval(secs => $11))",
        )
        .bind(new.id)
        .bind(new.instance)
        .bind(new.user)
        .bind(new.purpose.as_str())
        .bind(new.generation)
        .bind(session.map(|print| &print.hmac[..]))
        .bind(session.map(|print| print.pepper_id.as_str()))
        .bind(new.intent_sealed)
        .bind(new.holder)
        .bind(new.lease.as_secs_f64())
        .execute(connection)
        .await?;
        Ok(Opened::Ours)
    }

    /// Whether somebody is at this instance, or was and has left it so.
    pub async fn is_open(
        &self,
        connection: &mut PgConnection,
        instance: InstanceId,
    ) -> Result<bool> {
        let (open,) = self
            .query_as(
                "select exists (
                     select 1 from exchanges
                     where org_id = $1 and instance_id = $2 and state in ('intent', 'answered'))",
            )
            .bind(instance)
            .fetch_one(connection)
            .await?;
        Ok(open)
    }

    async fn why_not_leased(
        &self,
        connection: &mut PgConnection,
        instance: InstanceId,
        generation: i64,
    ) -> Result<Opened> {
        let now: Option<(i64,)> = self
            .query_as("select generation from instances where org_id = $1 and id = $2")
            .bind(instance)
            .fetch_optional(connection)
            .await?;
        Ok(match now {
            Some((now,)) if now == generation => Opened::Busy,
            _ => Opened::Outrun,
        })
    }
}

/// Whether it may begin with the token that is stored.
fn begins_with_stored(purpose: Purpose) -> bool {
    matches!(purpose, Purpose::Renew | Purpose::Provision)
}
