//! Reads of single instances, made together where many come at once: one statement for all that
//! arrived while others were being read. A read that comes alone goes alone, at once.
//!
//! Each read of a statement names its organization and sees all that was committed before it was
//! asked for, as one alone would.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row as _};
use tokio::sync::oneshot;

use super::{Instance, instance_columns};
use crate::error::Result;
use crate::ids::{InstanceId, OrganizationId};
use crate::store::Store;

/// Statements under way at once. More would make each of them smaller.
const AT_ONCE: usize = 2;
/// Reads of one statement, so that nobody waits for a long one.
const TOGETHER: usize = 64;

/// Who waits for an instance, of all organizations.
#[derive(Clone, Default)]
pub(in crate::store) struct Together(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    under_way: usize,
    waiting: Vec<Wanted>,
}

struct Wanted {
    organization: OrganizationId,
    id: InstanceId,
    found: oneshot::Sender<Found>,
}

type Found = Result<Option<Instance>, NoConnection>;

/// Waited for in vain, so nobody waits again.
struct NoConnection;

/// One of [`AT_ONCE`]; dropped, it goes to those that wait by then.
struct Turn {
    store: Store,
}

enum Way {
    Alone(Turn),
    Together(oneshot::Receiver<Found>),
}

impl Store {
    pub(super) async fn one_instance(
        &self,
        organization: OrganizationId,
        id: InstanceId,
    ) -> Result<Option<Instance>> {
        let found = match self.way(organization, id) {
            Way::Together(found) => found.await,
            Way::Alone(_turn) => return self.instance_alone(organization, id).await,
        };
        match found {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(NoConnection)) => Err(sqlx::Error::PoolTimedOut.into()),
            // What was wrong with the statement for all may have nothing to do with this one.
            Err(_dropped) => self.instance_alone(organization, id).await,
        }
    }

    fn way(&self, organization: OrganizationId, id: InstanceId) -> Way {
        let mut inner = self.together.lock();
        if inner.under_way < AT_ONCE {
            inner.under_way += 1;
            return Way::Alone(Turn {
                store: self.clone(),
            });
        }
        let (sender, found) = oneshot::channel();
        inner.waiting.push(Wanted {
            organization,
            id,
            found: sender,
        });
        Way::Together(found)
    }

    async fn instance_alone(
        &self,
        organization: OrganizationId,
        id: InstanceId,
    ) -> Result<Option<Instance>> {
        let mut reader = self.reader().await?;
        let found = self.org(organization).instance_in(&mut reader, id).await?;
        reader.finish();
        Ok(found)
    }

    async fn instances_together(
        &self,
        wanted: &[Wanted],
    ) -> Result<Vec<Option<Instance>>, sqlx::Error> {
        let organizations: Vec<i64> = wanted.iter().map(|one| one.organization.0).collect();
        let ids: Vec<i64> = wanted.iter().map(|one| one.id.0).collect();
        let mut reader = self.reader().await?;
        // `offset 0` keeps a look-up by key for each of them, whatever the planner thinks of arrays.
        let rows: Vec<Placed> = self
            .query_as(concat!(
                instance_columns!(),
                ", w.place
                 from unnest($1::bigint[], $2::bigint[]) with ordinality as w (org_id, id, place)
                 cross join lateral
                     (select * from instances
                      where org_id = w.org_id and id = w.id offset 0) i
                 cross join lateral
                     (select email, first_name, last_name from users
                      where org_id = i.org_id and id = i.user_id offset 0) u"
            ))
            .bind(organizations)
            .bind(ids)
            .fetch_all(&mut *reader)
            .await?;
        reader.finish();
        let mut found: Vec<Option<Instance>> = wanted.iter().map(|_| None).collect();
        for row in rows {
            let place = usize::try_from(row.place - 1).ok();
            if let Some(slot) = place.and_then(|place| found.get_mut(place)) {
                *slot = Some(row.instance);
            }
        }
        Ok(found)
    }
}

impl Together {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut inner = self.store.together.lock();
        let some = inner.waiting.len().min(TOGETHER);
        if some == 0 {
            inner.under_way -= 1;
            return;
        }
        let wanted: Vec<Wanted> = inner.waiting.drain(..some).collect();
        drop(inner);
        let turn = Turn {
            store: self.store.clone(),
        };
        // A task of its own: those who wait must not depend on a caller who may go away. Outside
        // a runtime nobody waits any more.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(turn.read(wanted));
        }
    }
}

impl Turn {
    async fn read(self, mut wanted: Vec<Wanted>) {
        // Who has gone away need not be read.
        wanted.retain(|one| !one.found.is_closed());
        if wanted.is_empty() {
            return;
        }
        match self.store.instances_together(&wanted).await {
            Ok(found) => {
                for (one, found) in wanted.into_iter().zip(found) {
                    let _gone = one.found.send(Ok(found));
                }
            }
            Err(error) => {
                tracing::warn!(%error, reads = wanted.len(), "a read for several callers failed");
                // With any other error they are dropped, and read alone.
                if matches!(error, sqlx::Error::PoolTimedOut) {
                    for one in wanted {
                        let _gone = one.found.send(Err(NoConnection));
                    }
                }
            }
        }
    }
}

/// An instance, and the place of the read that it answers, counted from 1.
struct Placed {
    instance: Instance,
    place: i64,
}

impl FromRow<'_, PgRow> for Placed {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            instance: Instance::from_row(row)?,
            place: row.try_get("place")?,
        })
    }
}
