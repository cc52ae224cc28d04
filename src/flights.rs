//! What several callers need at the same time is done once, and all of them get its outcome.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// What is under way now, on this server. Cheap to clone.
pub struct Flights<Key, Outcome>(Arc<Mutex<HashMap<Key, watch::Receiver<Option<Outcome>>>>>);

impl<Key, Outcome> Flights<Key, Outcome>
where
    Key: Eq + Hash + Clone + Send + 'static,
    Outcome: Clone + Send + Sync + 'static,
{
    /// The outcome of the work under this key: of what is under way, or of `work`, which is then
    /// handed to `spawn` and goes on whoever stops waiting. `None`: it has panicked.
    pub async fn join<Work>(
        &self,
        key: Key,
        spawn: impl FnOnce(futures_util::future::BoxFuture<'static, ()>),
        work: impl FnOnce() -> Work,
    ) -> Option<Outcome>
    where
        Work: Future<Output = Outcome> + Send + 'static,
    {
        let mut outcome = {
            let mut flights = self.flights();
            match flights.get(&key) {
                Some(outcome) => outcome.clone(),
                None => {
                    let (told, outcome) = watch::channel(None);
                    flights.insert(key.clone(), outcome.clone());
                    let (landing, work) = (Landing(self.clone(), key), work());
                    spawn(Box::pin(async move {
                        let outcome = work.await;
                        // First nobody joins any more, then those who have are told.
                        drop(landing);
                        let _ = told.send(Some(outcome));
                    }));
                    outcome
                }
            }
        };
        let told = outcome.wait_for(Option::is_some).await;
        told.ok().and_then(|told| told.clone())
    }
}

impl<Key, Outcome> Flights<Key, Outcome> {
    fn flights(&self) -> MutexGuard<'_, HashMap<Key, watch::Receiver<Option<Outcome>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes room, also after a panic.
struct Landing<Key: Eq + Hash, Outcome>(Flights<Key, Outcome>, Key);

impl<Key: Eq + Hash, Outcome> Drop for Landing<Key, Outcome> {
    fn drop(&mut self) {
        self.0.flights().remove(&self.1);
    }
}

impl<Key, Outcome> Clone for Flights<Key, Outcome> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<Key, Outcome> Default for Flights<Key, Outcome> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<Key, Outcome> fmt::Debug for Flights<Key, Outcome> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Flights")
            .field(&self.flights().len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn spawn(work: futures_util::future::BoxFuture<'static, ()>) {
        tokio::spawn(work);
    }

    #[tokio::test]
    async fn many_wait_for_one() {
        let flights = Flights::<u8, usize>::default();
        let done = Arc::new(AtomicUsize::new(0));
        let joined = (0..64).map(|_| {
            let done = done.clone();
            flights.join(1, spawn, || async move {
                tokio::task::yield_now().await;
                done.fetch_add(1, Ordering::SeqCst) + 1
            })
        });
        let outcomes = futures_util::future::join_all(joined).await;
        assert_eq!(outcomes, vec![Some(1); 64]);
        // What is over is done anew.
        let again = flights.join(1, spawn, || async { 7 }).await;
        assert_eq!(again, Some(7));
        assert!(flights.flights().is_empty());
    }

    #[tokio::test]
    async fn who_leaves_stops_nothing_and_a_panic_blocks_nobody() {
        let flights = Flights::<u8, usize>::default();
        let (go, wait) = tokio::sync::oneshot::channel::<()>();
        let mut first = Box::pin(flights.join(1, spawn, || async move {
            let _ = wait.await;
            1
        }));
        assert!(futures_util::poll!(first.as_mut()).is_pending());
        drop(first);
        let second = flights.join(1, spawn, || async { 2 });
        let _ = go.send(());
        assert_eq!(second.await, Some(1));
        let broken: Option<usize> = flights.join(1, spawn, || async { panic!("broken") }).await;
        assert_eq!(broken, None);
        assert_eq!(flights.join(1, spawn, || async { 3 }).await, Some(3));
    }
}
