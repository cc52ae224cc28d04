//! What one organization may use of this server at once: calls in flight, and bytes of request
//! bodies. Asked as soon as the caller is known, before any other work; over it the answer is 429.
//! From then on the call gets on in its organization's turns.
//!
//! Counted per server, in memory: of several servers each gives an organization as much.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, ready};

use crate::error::{Error, Result};
use crate::ids::{AccountId, OrganizationId};
use crate::turns::{Taker, Turns};

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
    strangers: AtomicUsize,
    turns: Turns,
}

#[derive(Debug, Default)]
struct Used {
    calls: usize,
    bytes: usize,
    /// Accounts with calls in flight, and no others.
    accounts: HashMap<AccountId, (usize, usize)>,
}

/// Of bodies whose senders are not known, all together: they log in.
const STRANGERS: usize = 8 * 1024 * 1024;

tokio::task_local! {
    static CALL: Call;
}

/// The share that one call holds, until its answer is gone and what it began has ended.
#[derive(Debug, Clone, Default)]
pub struct Call(Arc<Share>);

#[derive(Debug, Default)]
struct Share {
    place: Mutex<Option<Place>>,
    /// How its work is polled: [`ANYHOW`], [`WATCHED`], [`IN_TURNS`].
    polled: AtomicU8,
}

const ANYHOW: u8 = 0;
/// In turns as soon as it is known whose it is.
const WATCHED: u8 = 1;
const IN_TURNS: u8 = 2;

#[derive(Debug)]
struct Place {
    shares: Shares,
    /// `None`: nobody knows whose the call is.
    of: Option<(OrganizationId, AccountId)>,
    bytes: usize,
}

impl Shares {
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Inner {
            limits,
            used: Mutex::default(),
            strangers: AtomicUsize::new(0),
            turns: Turns::default(),
        }))
    }

    fn reserve_for_strangers(&self, bytes: usize) -> Result<()> {
        let fits = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= STRANGERS);
        let strangers = &self.0.strangers;
        strangers
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits)
            .map_err(|_| Error::Unavailable("Too many log-ins at this moment; try again."))?;
        Ok(())
    }

    fn reserve(
        &self,
        organization: OrganizationId,
        account: AccountId,
        bytes: usize,
    ) -> Result<()> {
        let most = self.0.limits.bytes;
        let mut all = self.used();
        let used = all.entry(organization).or_default();
        let over = |whose: &str, used: usize, most: usize| {
            Error::OverShare(format!(
                "The calls of this {whose} that are in flight on this server carry {used} bytes; \
                 with this one it would be more than its limit of {most} (--organization-bytes); \
                 try again when some are answered."
            ))
        };
        if used.bytes.saturating_add(bytes) > most {
            return Err(over("organization", used.bytes, most));
        }
        let (_, own) = used.accounts.entry(account).or_default();
        // One body may be as long as is allowed, however small the share.
        if *own > 0 && own.saturating_add(bytes) > half(most) {
            return Err(over("account", *own, half(most)));
        }
        *own += bytes;
        used.bytes += bytes;
        Ok(())
    }

    fn used(&self) -> MutexGuard<'_, HashMap<OrganizationId, Used>> {
        self.0.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one account gets of its organization's share.
fn half(share: usize) -> usize {
    share.div_ceil(2)
}

impl Call {
    /// The call that is being answered.
    pub fn current() -> Self {
        CALL.try_with(Self::clone).unwrap_or_default()
    }

    /// Runs a part of the call: what it does is counted here, and done in its organization's turns
    /// once that is known.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        let call = self.clone();
        let watched = (ANYHOW, WATCHED);
        let (relaxed, polled) = (Ordering::Relaxed, &self.0.polled);
        polled
            .compare_exchange(watched.0, watched.1, relaxed, relaxed)
            .ok();
        let mut work = pin!(CALL.scope(call, work));
        let mut taker = None;
        poll_fn(|context| {
            loop {
                if taker.is_none() {
                    taker = self.taker();
                }
                if let Some(taker) = &mut taker {
                    let _turn = ready!(taker.poll_turn(context));
                    self.0.polled.store(IN_TURNS, Ordering::Relaxed);
                    return work.as_mut().poll(context);
                }
                if let Poll::Ready(output) = work.as_mut().poll(context) {
                    return Poll::Ready(output);
                }
                if self.taker().is_none() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    /// Waits for the organization's first turn.
    pub async fn turn(&self) {
        poll_fn(|_| match self.0.polled.load(Ordering::Relaxed) {
            // Whoever polls sees that it is known, and polls again when the turn is there.
            WATCHED => Poll::Pending,
            _ => Poll::Ready(()),
        })
        .await;
    }

    fn taker(&self) -> Option<Taker> {
        let place = self.place();
        let place = place.as_ref()?;
        let (organization, _) = place.of?;
        Some(place.shares.0.turns.taker(organization))
    }

    /// Counts the call as the account's and its organization's; once however often it is asked.
    /// One account gets half of what its organization may use, so that none locks out the others.
    ///
    /// # Errors
    /// 429 when either has no call left.
    pub fn enter(
        &self,
        shares: &Shares,
        organization: OrganizationId,
        account: AccountId,
    ) -> Result<()> {
        let mut place = self.place();
        if place.as_ref().is_some_and(|place| place.of.is_some()) {
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
        let (own, _) = used.accounts.entry(account).or_default();
        if *own >= half(most) {
            return Err(Error::OverShare(format!(
                "This account has {own} calls in flight on this server, which is half of its \
                 organization's limit and all that one account gets (--organization-calls); try \
                 again when some are answered."
            )));
        }
        *own += 1;
        used.calls += 1;
        drop(all);
        *place = Some(Place {
            shares: shares.clone(),
            of: Some((organization, account)),
            bytes: 0,
        });
        Ok(())
    }

    /// Counts bytes of a body that have arrived, or are announced. Those of callers that are not
    /// known are counted together.
    ///
    /// # Errors
    /// 429 when the account or the organization has fewer left; 503 for strangers.
    pub fn reserve(&self, shares: &Shares, bytes: usize) -> Result<()> {
        let mut place = self.place();
        let place = place.get_or_insert_with(|| Place {
            shares: shares.clone(),
            of: None,
            bytes: 0,
        });
        match place.of {
            None => shares.reserve_for_strangers(bytes)?,
            Some((organization, account)) => shares.reserve(organization, account, bytes)?,
        }
        place.bytes += bytes;
        Ok(())
    }

    fn place(&self) -> MutexGuard<'_, Option<Place>> {
        self.0.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((organization, account)) = self.of else {
            let strangers = &self.shares.0.strangers;
            strangers.fetch_sub(self.bytes, Ordering::Relaxed);
            return;
        };
        let mut all = self.shares.used();
        if let Entry::Occupied(mut organization) = all.entry(organization) {
            let used = organization.get_mut();
            used.calls -= 1;
            used.bytes -= self.bytes;
            if let Entry::Occupied(mut account) = used.accounts.entry(account) {
                let (calls, bytes) = account.get_mut();
                *calls -= 1;
                *bytes -= self.bytes;
                if *calls == 0 {
                    account.remove();
                }
            }
            if used.calls == 0 {
                organization.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: OrganizationId = OrganizationId(1);
    const OTHER: OrganizationId = OrganizationId(2);
    const A: AccountId = AccountId(1);
    const B: AccountId = AccountId(2);

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
        first.enter(&shares, ONE, A).expect("the first");
        first.enter(&shares, ONE, A).expect("the same one");
        let told = refusal(third.enter(&shares, ONE, A));
        assert!(told.contains("half"), "one account: {told}");
        second.enter(&shares, ONE, B).expect("another account's");
        assert!(refusal(third.enter(&shares, ONE, B)).contains("--organization-calls"));
        third
            .enter(&shares, OTHER, A)
            .expect("another organization's");
        let goes_on = second.clone();
        drop(second);
        refusal(Call::default().enter(&shares, ONE, B));
        drop(goes_on);
        Call::default().enter(&shares, ONE, B).expect("room again");
        drop((first, third));
        assert!(shares.used().is_empty());
    }

    #[test]
    fn bytes_are_counted_with_their_call() {
        let shares = shares();
        let (first, second) = (Call::default(), Call::default());
        first.enter(&shares, ONE, A).expect("a call");
        second.enter(&shares, ONE, B).expect("a call");
        first.reserve(&shares, 30).expect("fits");
        let told = refusal(first.reserve(&shares, 21));
        assert!(told.contains("account"), "{told}");
        second.reserve(&shares, 60).expect("one body may be longer");
        let told = refusal(first.reserve(&shares, 11));
        assert!(told.contains("--organization-bytes"), "{told}");
        refusal(second.reserve(&shares, usize::MAX));
        first.reserve(&shares, 10).expect("just fits");
        drop(second);
        first.reserve(&shares, 10).expect("room again");
        drop(first);
        assert!(shares.used().is_empty());
    }

    #[test]
    fn strangers_share_what_there_is_for_them() {
        let shares = shares();
        let (first, second) = (Call::default(), Call::default());
        first.reserve(&shares, STRANGERS - 10).expect("fits");
        second.reserve(&shares, 10).expect("just fits");
        refusal(second.reserve(&shares, 1));
        drop(first);
        second.reserve(&shares, 1).expect("room again");
        // Who is known by now does not hold a stranger's place.
        second.enter(&shares, ONE, A).expect("a call");
        assert_eq!(shares.0.strangers.load(Ordering::Relaxed), 0);
        assert_eq!(shares.used()[&ONE].calls, 1);
    }

    #[tokio::test]
    async fn parts_of_a_call_know_it() {
        let shares = shares();
        let call = Call::default();
        call.clone()
            .scope(async { Call::current().enter(&shares, ONE, A).expect("a call") })
            .await;
        assert_eq!(shares.used()[&ONE].calls, 1);
        drop(call);
        assert!(shares.used().is_empty());
        let outside = Call::current().enter(&shares, ONE, A);
        outside.expect("outside of one");
        assert!(shares.used().is_empty());
    }
}
