//! What one organization may use of this server at once: calls in flight, and bytes of request
//! bodies. Asked as soon as the caller is known, before any other work; over it the answer is 429.
//!
//! Counted per server, in memory: of several servers each gives an organization as much.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::ids::OrganizationId;

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub calls: usize,
    pub bytes: usize,
}

/// What is in use now. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shares(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limits: Limits,
    /// Organizations with calls in flight, and no others.
    used: Mutex<HashMap<OrganizationId, Used>>,
}

#[derive(Debug, Default)]
struct Used {
    calls: usize,
    bytes: usize,
}

tokio::task_local! {
    static CALL: Call;
}

/// The share that one call holds, until it is answered and what it began has ended.
#[derive(Debug, Clone, Default)]
pub struct Call(Arc<Mutex<Option<Place>>>);

#[derive(Debug)]
struct Place {
    shares: Shares,
    organization: OrganizationId,
    bytes: usize,
}

impl Shares {
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Inner {
            limits,
            used: Mutex::default(),
        }))
    }

    fn used(&self) -> MutexGuard<'_, HashMap<OrganizationId, Used>> {
        self.0.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Call {
    /// The call that is being answered.
    pub fn current() -> Self {
        CALL.try_with(Self::clone).unwrap_or_default()
    }

    /// Runs a part of the call: what it does is counted here.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        CALL.scope(self, work).await
    }

    /// Counts the call as the organization's; once however often it is asked.
    ///
    /// # Errors
    /// 429 when the organization has no call left.
    pub fn enter(&self, shares: &Shares, organization: OrganizationId) -> Result<()> {
        let mut place = self.place();
        if place.is_some() {
            return Ok(());
        }
        let most = shares.0.limits.calls;
        let mut all = shares.used();
        let used = all.entry(organization).or_default();
        if used.calls >= most {
            return Err(Error::OverShare(format!(
                "This organization has {most} calls in flight on this server, which is its limit \
                 (--organization-calls); try again when some are answered."
            )));
        }
        used.calls += 1;
        drop(all);
        *place = Some(Place {
            shares: shares.clone(),
            organization,
            bytes: 0,
        });
        Ok(())
    }

    /// Counts bytes of a body that is about to be read; a caller that is not known has no share.
    ///
    /// # Errors
    /// 429 when the organization has fewer left.
    pub fn reserve(&self, bytes: usize) -> Result<()> {
        let mut place = self.place();
        let Some(place) = place.as_mut() else {
            return Ok(());
        };
        let most = place.shares.0.limits.bytes;
        let mut all = place.shares.used();
        let used = all.entry(place.organization).or_default();
        if used.bytes.saturating_add(bytes) > most {
            return Err(Error::OverShare(format!(
                "The calls of this organization that are in flight on this server carry {} bytes; \
                 with this one it would be more than its limit of {most} (--organization-bytes); \
                 try again when some are answered.",
                used.bytes
            )));
        }
        used.bytes += bytes;
        drop(all);
        place.bytes += bytes;
        Ok(())
    }

    fn place(&self) -> MutexGuard<'_, Option<Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.shares.used();
        if let Entry::Occupied(mut used) = all.entry(self.organization) {
            used.get_mut().calls -= 1;
            used.get_mut().bytes -= self.bytes;
            if used.get().calls == 0 {
                used.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: OrganizationId = OrganizationId(1);
    const OTHER: OrganizationId = OrganizationId(2);

    fn shares() -> Shares {
        Shares::new(Limits {
            calls: 2,
            bytes: 100,
        })
    }

    fn refusal(outcome: Result<()>) -> String {
        outcome.expect_err("over the share").to_string()
    }

    #[test]
    fn calls_are_counted_until_their_last_part_ends() {
        let shares = shares();
        let (first, second, third) = (Call::default(), Call::default(), Call::default());
        first.enter(&shares, ONE).expect("the first");
        first.enter(&shares, ONE).expect("the same one");
        second.enter(&shares, ONE).expect("the second");
        assert!(refusal(third.enter(&shares, ONE)).contains("--organization-calls"));
        third.enter(&shares, OTHER).expect("another organization's");
        let goes_on = second.clone();
        drop(second);
        refusal(Call::default().enter(&shares, ONE));
        drop(goes_on);
        Call::default().enter(&shares, ONE).expect("room again");
        drop((first, third));
        assert!(shares.used().is_empty());
    }

    #[test]
    fn bytes_are_counted_with_their_call() {
        let shares = shares();
        let (first, second) = (Call::default(), Call::default());
        Call::default().reserve(usize::MAX).expect("nobody's");
        first.enter(&shares, ONE).expect("a call");
        second.enter(&shares, ONE).expect("a call");
        first.reserve(60).expect("fits");
        let told = refusal(second.reserve(41));
        assert!(told.contains("--organization-bytes"), "{told}");
        refusal(second.reserve(usize::MAX));
        second.reserve(40).expect("just fits");
        drop(first);
        second.reserve(60).expect("room again");
        drop(second);
        assert!(shares.used().is_empty());
    }

    #[tokio::test]
    async fn parts_of_a_call_know_it() {
        let shares = shares();
        let call = Call::default();
        call.clone()
            .scope(async { Call::current().enter(&shares, ONE).expect("a call") })
            .await;
        assert_eq!(shares.used()[&ONE].calls, 1);
        drop(call);
        assert!(shares.used().is_empty());
        Call::current().enter(&shares, ONE).expect("outside of one");
        assert!(shares.used().is_empty());
    }
}
