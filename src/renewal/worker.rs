//! Looks for instances that are due and has each renewed; runs on every server with the role
//! `worker`. Takes no input: what has to be done stands in the database, so the way after a crash
//! is the everyday way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::{Came, renew};
use crate::app::App;
use crate::error::{Error, Result};
use crate::ids::OrganizationId;
use crate::store::DueRenewal;

/// From one look to the next while there is something to do; it grows while there is not.
const BUSY: Duration = Duration::from_secs(1);
const IDLE: Duration = Duration::from_secs(4);
/// After a look that found more than it could take.
const CROWDED: Duration = Duration::from_millis(50);
/// Renewals at once, of those of one organization, and to one host. Who keeps its own token
/// endpoints slow keeps the others waiting for no more than its part.
const AT_ONCE: usize = 48;
const OF_ORGANIZATION: usize = 16;
const AT_ONE_HOST: usize = 8;
/// How long one waits for a place at its host.
const A_MOMENT: Duration = Duration::from_millis(200);
/// How long others leave alone what one server has claimed. Should it take longer they meet the
/// journal's lease.
const CLAIM: Duration = Duration::from_secs(120);
/// Until one that could not be begun is looked at again.
const PUT_BACK: Duration = Duration::from_secs(2);

pub async fn run(app: App, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    let worker = Worker {
        app,
        permits: Arc::new(Semaphore::new(AT_ONCE)),
        under_way: UnderWay::default(),
        hosts: Hosts::default(),
    };
    let mut pause = BUSY;
    loop {
        tokio::select! {
            // Servers that were started together shall not look together.
            () = tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.5))) => {}
            // Somebody who may be waited for has given a place back.
            () = worker.under_way.has_room() => tokio::time::sleep(CROWDED).await,
            () = &mut stop => return,
        }
        // A server that is going down finishes what it has begun and begins nothing.
        if worker.app.is_stopping() {
            continue;
        }
        pause = match worker.look().await {
            Ok(0) => (pause * 2).clamp(BUSY, IDLE),
            Ok(found) if found >= OF_ORGANIZATION => CROWDED,
            Ok(_) => BUSY,
            Err(error) => {
                tracing::warn!(%error, "renewals that are due could not be looked for");
                IDLE
            }
        };
    }
}

#[derive(Clone)]
struct Worker {
    app: App,
    permits: Arc<Semaphore>,
    under_way: UnderWay,
    hosts: Hosts,
}

impl Worker {
    /// Gives how many were found.
    async fn look(&self) -> Result<usize> {
        let free = self.permits.available_permits();
        if free == 0 {
            return Ok(1);
        }
        let limit = i64::try_from(free).map_err(Error::internal)?;
        let all = self.app.store().all_orgs();
        let (each, under_way) = (OF_ORGANIZATION as i64, self.under_way.all());
        let due = all
            .claim_due_renewals(limit, each, &under_way, CLAIM)
            .await?;
        let found = due.len();
        for due in due {
            let permit = Arc::clone(&self.permits).acquire_owned().await;
            let permit = permit.map_err(Error::internal)?;
            let place = self.under_way.enter(due.organization);
            let worker = self.clone();
            // A graceful stop waits for it.
            self.app.work().spawn(async move {
                worker.one(due).await;
                drop(permit);
                drop(place);
            });
        }
        Ok(found)
    }

    async fn one(&self, due: DueRenewal) {
        let (organization, id) = (due.organization, due.id);
        let came = match renew(&self.app, organization, id, &self.hosts).await {
            Ok(Came::Settled | Came::Failed(..)) => return,
            Ok(Came::NotBegun) | Err(Error::InFlight { .. }) => PUT_BACK,
            Err(error) => {
                tracing::error!(org.id = %organization, instance.id = %id, cause = ?error, "a renewal could not be made");
                PUT_BACK * 10
            }
        };
        let after = came.mul_f64(rand::random_range(0.5..1.5));
        let organization = self.app.store().org(organization);
        if let Err(error) = organization
            .put_back_renewal(id, due.claimed_until, after)
            .await
        {
            tracing::warn!(%error, instance.id = %id, "a renewal is looked at again when its claim ends");
        }
    }
}

/// How many renewals of each organization are under way on this server.
#[derive(Debug, Clone, Default)]
struct UnderWay {
    places: Arc<Mutex<HashMap<OrganizationId, usize>>>,
    room: Arc<Notify>,
}

/// A place of an organization, given back when dropped.
#[derive(Debug)]
struct Place {
    of: UnderWay,
    organization: OrganizationId,
}

impl UnderWay {
    fn enter(&self, organization: OrganizationId) -> Place {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        *places.entry(organization).or_default() += 1;
        Place {
            of: self.clone(),
            organization,
        }
    }

    fn all(&self) -> Vec<(OrganizationId, i64)> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let all = places.iter();
        all.map(|(organization, places)| (*organization, *places as i64))
            .collect()
    }

    /// Ends when a place is given back that may have been waited for: of an organization
    /// that had all of its own, or when no more were free than somebody had.
    async fn has_room(&self) {
        self.room.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self
            .of
            .places
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let free = AT_ONCE.saturating_sub(places.values().sum());
        let most = places.values().copied().max().unwrap_or_default();
        let Some(own) = places.get_mut(&self.organization) else {
            return;
        };
        if *own >= OF_ORGANIZATION || free <= most {
            self.of.room.notify_one();
        }
        *own -= 1;
        if *own == 0 {
            places.remove(&self.organization);
        }
    }
}

/// How many renewals are at each vendor host.
#[derive(Debug, Clone, Default)]
pub struct Hosts(Arc<Mutex<HashMap<String, Arc<Semaphore>>>>);

/// A place at a host, given back when dropped.
#[derive(Debug)]
pub struct AtHost {
    hosts: Hosts,
    host: String,
    place: Option<OwnedSemaphorePermit>,
}

impl Hosts {
    /// `None`: enough are there, and none of them is done within a moment. A slow host so never takes
    /// the places of all others, and at a quick one nobody has to come again.
    pub async fn enter(&self, host: String) -> Option<AtHost> {
        let places = {
            let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let new = || Arc::new(Semaphore::new(AT_ONE_HOST));
            Arc::clone(hosts.entry(host.clone()).or_insert_with(new))
        };
        // From here on whoever leaves takes the host out of the map if nobody else is there.
        let mut at_host = AtHost {
            hosts: self.clone(),
            host,
            place: None,
        };
        let place = tokio::time::timeout(A_MOMENT, places.acquire_owned()).await;
        at_host.place = Some(place.ok()?.ok()?);
        Some(at_host)
    }
}

impl Drop for AtHost {
    fn drop(&mut self) {
        drop(self.place.take());
        let mut hosts = self.hosts.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody is there, and nobody waits: those have a part in it, too.
        let unused = hosts.get(&self.host).is_some_and(|places| {
            Arc::strong_count(places) == 1 && places.available_permits() == AT_ONE_HOST
        });
        if unused {
            hosts.remove(&self.host);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_place_that_is_given_back_is_told_where_one_may_be_waited_for() {
        let under_way = UnderWay::default();
        let has_room = async || {
            let told = tokio::time::timeout(Duration::from_millis(1), under_way.has_room());
            told.await.is_ok()
        };
        let (one, other) = (OrganizationId(1), OrganizationId(2));
        let mut held: Vec<_> = (0..OF_ORGANIZATION).map(|_| under_way.enter(one)).collect();
        drop(under_way.enter(other));
        assert!(!has_room().await, "it had room before");
        assert_eq!(under_way.all(), [(one, OF_ORGANIZATION as i64)]);
        held.pop();
        assert!(has_room().await);
        held.clear();
        assert!(!has_room().await && under_way.all().is_empty());
    }

    #[tokio::test]
    async fn a_host_has_so_many_places() {
        let hosts = Hosts::default();
        let enter = async |host: &str| hosts.enter(host.to_owned()).await;
        let mut there = Vec::new();
        for _ in 0..AT_ONE_HOST {
            there.push(enter("a.example").await.expect("a place"));
        }
        assert!(enter("a.example").await.is_none());
        assert!(enter("b.example").await.is_some());
        // Who waits gets the place of the one who leaves.
        let (waiting, ()) = tokio::join!(enter("a.example"), async { drop(there.pop()) });
        assert!(waiting.is_some());
        drop((waiting, there));
        assert!(hosts.0.lock().unwrap().is_empty());
    }
}
