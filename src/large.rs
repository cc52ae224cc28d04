//! What keeps a processor for more than a moment: a few at once, of each organization in turn, and away
//! from the threads that serve everybody. So who reads large pages waits for itself.

use std::thread::available_parallelism;
use std::time::Duration;

use crate::ids::OrganizationId;
use crate::places::{Full, Place, Places};

/// Bytes of JSON that are looked through in some tenths of a millisecond.
const LARGE: usize = 128 * 1024;

/// Who has waited so long for others goes on without a place: nothing fails for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where too many of one organization wait already.
const LATER: Duration = Duration::from_millis(50);

/// Places for work on large bodies: as many as there are processors, half of them for one organization.
#[derive(Debug)]
pub struct Large(Places);

impl Default for Large {
    fn default() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self(Places::new(processors, processors / 2))
    }
}

/// Leave to work on a body.
#[derive(Debug)]
pub struct Leave {
    large: bool,
    _place: Option<Place>,
}

impl Large {
    /// When work on so many bytes may be done.
    pub async fn enter(&self, organization: OrganizationId, bytes: usize) -> Leave {
        let large = bytes >= LARGE;
        let place = match large {
            true => Box::pin(self.place(organization)).await,
            false => None,
        };
        Leave {
            large,
            _place: place,
        }
    }
}

impl Large {
    /// Whoever has all that it may have waits on; only where others hold all for too long it is not
    /// waited for.
    async fn place(&self, organization: OrganizationId) -> Option<Place> {
        loop {
            match self.0.enter(organization, PATIENCE).await {
                Ok(place) => return Some(place),
                Err(Full::All) => return None,
                Err(Full::Own(_)) => {}
                Err(Full::Queue(_)) => tokio::time::sleep(LATER).await,
            }
        }
    }
}

impl Leave {
    pub fn work<T>(self, work: impl FnOnce() -> T) -> T {
        match self.large {
            true => tokio::task::block_in_place(work),
            false => work(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn one_organization_works_on_half_of_the_processors() {
        let large = Arc::new(Large(Places::new(2, 1)));
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut tasks = Vec::new();
        for _ in 0..8 {
            let (large, now, most) = (large.clone(), now.clone(), most.clone());
            tasks.push(tokio::spawn(async move {
                let work = || {
                    let at_once = now.fetch_add(1, Ordering::SeqCst) + 1;
                    most.fetch_max(at_once, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(5));
                    now.fetch_sub(1, Ordering::SeqCst);
                };
                large.enter(OrganizationId(1), LARGE).await.work(work);
            }));
        }
        for task in tasks {
            task.await.expect("no panic");
        }
        assert_eq!(most.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn what_is_small_needs_no_place() {
        let large = Large(Places::new(1, 1));
        let _held = large.0.enter(OrganizationId(1), PATIENCE).await;
        let leave = large.enter(OrganizationId(2), LARGE - 1).await;
        assert_eq!(leave.work(|| 7), 7);
    }
}
