//! Who may try to log in now: so many failures per address and per account, so many passwords
//! checked at once. Counted per server: a window that a restart forgets protects enough.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use moka::future::Cache;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::{Error, Result};
use crate::meters;

/// A window begins with the first attempt and is forgotten after this.
const WINDOW: Duration = Duration::from_secs(15 * 60);
const PER_ACCOUNT: u32 = 10;
/// Whole offices share an address.
const PER_ADDRESS: u32 = 100;
/// Questions of strangers that a vendor has to be asked about.
const PER_STRANGER: u32 = 30;
/// Windows kept at most; some 20 MB.
const KEPT: u64 = 100_000;
/// Passwords checked at once: each takes 20 MB and a core.
const AT_ONCE: usize = 2;
/// Of these, and of those that wait for their turn, so many for one account: a right password does
/// not count as a failure, and must not keep everybody else out.
const AT_ONCE_PER_ACCOUNT: usize = 3;
/// How long a password waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Address(IpAddr),
    Account(String),
    /// Somebody unknown who makes this server ask a vendor.
    Stranger(IpAddr),
}

#[derive(Debug)]
struct Window {
    began: Instant,
    attempts: AtomicU32,
}

#[derive(Debug)]
pub struct Gate {
    windows: Cache<Key, Arc<Window>>,
    turns: Semaphore,
    /// Accounts with log-ins under way, and no others.
    under_way: Mutex<HashMap<String, usize>>,
}

/// One log-in under way.
#[derive(Debug)]
pub struct UnderWay<'g> {
    gate: &'g Gate,
    account: String,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut all = self.gate.under_way();
        if let Entry::Occupied(mut count) = all.entry(std::mem::take(&mut self.account)) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            windows: Cache::builder()
                .max_capacity(KEPT)
                .time_to_live(WINDOW)
                .build(),
            turns: Semaphore::new(AT_ONCE),
            under_way: Mutex::default(),
        }
    }
}

impl Gate {
    fn under_way(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an attempt; 429 when there were too many, or too many are under way.
    pub async fn attempt(&self, address: IpAddr, account: &str) -> Result<UnderWay<'_>> {
        let under_way = self.begin(account)?;
        self.count(address, account).await?;
        Ok(under_way)
    }

    fn begin(&self, account: &str) -> Result<UnderWay<'_>> {
        let mut all = self.under_way();
        let count = all.entry(account.to_owned()).or_default();
        if *count >= AT_ONCE_PER_ACCOUNT {
            meters::log_in_refused("account-at-once");
            return Err(Error::OverShare(format!(
                "{AT_ONCE_PER_ACCOUNT} log-ins of this user are under way; try again when they \
                 are answered."
            )));
        }
        *count += 1;
        Ok(UnderWay {
            gate: self,
            account: account.to_owned(),
        })
    }

    /// Counts a question that a vendor is asked for somebody unknown; 429 when there were too many.
    pub async fn strange(&self, address: IpAddr) -> Result<()> {
        let key = Key::Stranger(network(address));
        self.count_all([("stranger", key, PER_STRANGER)]).await
    }

    async fn count(&self, address: IpAddr, account: &str) -> Result<()> {
        let address = Key::Address(network(address));
        let account = Key::Account(account.to_owned());
        self.count_all([
            ("address", address, PER_ADDRESS),
            ("account", account, PER_ACCOUNT),
        ])
        .await
    }

    async fn count_all<const N: usize>(&self, keys: [(&'static str, Key, u32); N]) -> Result<()> {
        for (which, key, limit) in keys {
            let begin = async {
                Arc::new(Window {
                    began: Instant::now(),
                    attempts: AtomicU32::new(0),
                })
            };
            let window = self.windows.get_with(key, begin).await;
            let attempts = window.attempts.fetch_add(1, Ordering::Relaxed);
            if attempts >= limit {
                // Refused attempts do not count, so the number cannot wrap.
                window.attempts.fetch_sub(1, Ordering::Relaxed);
                meters::log_in_refused(which);
                let left = WINDOW.saturating_sub(window.began.elapsed());
                return Err(Error::TooManyAttempts {
                    retry_after: left.as_secs() + 1,
                });
            }
        }
        Ok(())
    }

    /// The attempt was right: it counts against nobody.
    pub async fn succeeded(&self, address: IpAddr, account: &str) {
        let key = Key::Account(account.to_owned());
        self.windows.invalidate(&key).await;
        if let Some(window) = self.windows.get(&Key::Address(network(address))).await {
            window.attempts.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// The turn to check or hash one password.
    pub async fn turn(&self) -> Result<SemaphorePermit<'_>> {
        const BUSY: Error = Error::Unavailable("Too many log-ins at this moment; try again.");
        tokio::time::timeout(PATIENCE, self.turns.acquire())
            .await
            .map_err(|_| {
                meters::log_in_refused("at-once");
                BUSY
            })?
            .map_err(Error::internal)
    }
}

/// One customer has a whole /64 of IPv6 addresses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    async fn refused(gate: &Gate, address: IpAddr, account: &str) -> bool {
        match gate.attempt(address, account).await {
            Ok(_) => false,
            Err(Error::TooManyAttempts { retry_after }) => {
                assert!((1..=WINDOW.as_secs() + 1).contains(&retry_after));
                true
            }
            Err(error) => panic!("{error}"),
        }
    }

    #[tokio::test]
    async fn an_account_is_closed_after_failures_and_opened_by_a_success() {
        let gate = Gate::default();
        for _ in 0..PER_ACCOUNT {
            assert!(!refused(&gate, HERE, "a").await);
        }
        assert!(refused(&gate, HERE, "a").await);
        assert!(!refused(&gate, HERE, "b").await);
        gate.succeeded(HERE, "a").await;
        assert!(!refused(&gate, HERE, "a").await);
    }

    #[tokio::test]
    async fn one_account_does_not_take_every_turn() {
        let gate = Gate::default();
        let mut held = Vec::new();
        for _ in 0..AT_ONCE_PER_ACCOUNT {
            held.push(gate.attempt(HERE, "a").await.expect("a log-in"));
        }
        let refused = gate.attempt(HERE, "a").await.expect_err("one too many");
        assert!(matches!(refused, Error::OverShare(_)), "{refused}");
        drop(gate.attempt(HERE, "b").await.expect("another's"));
        held.pop();
        drop(gate.attempt(HERE, "a").await.expect("room again"));
        drop(held);
        assert!(gate.under_way().is_empty());
    }

    #[tokio::test]
    async fn a_stranger_asks_vendors_so_often_and_may_still_log_in() {
        let gate = Gate::default();
        for _ in 0..PER_STRANGER {
            gate.strange(HERE).await.expect("a question");
        }
        let error = gate.strange(HERE).await.expect_err("one too many");
        assert!(matches!(error, Error::TooManyAttempts { .. }), "{error}");
        assert!(!refused(&gate, HERE, "a").await);
    }

    #[tokio::test]
    async fn an_address_is_closed_whatever_the_account() {
        let gate = Gate::default();
        let near: IpAddr = "2001:db8::1".parse().expect("an address");
        let same: IpAddr = "2001:db8::ffff".parse().expect("an address");
        let far: IpAddr = "2001:db8:0:1::1".parse().expect("an address");
        for number in 0..PER_ADDRESS {
            assert!(!refused(&gate, near, &number.to_string()).await);
        }
        assert!(refused(&gate, same, "x").await);
        assert!(!refused(&gate, far, "x").await);
        gate.succeeded(near, "x").await;
        assert!(!refused(&gate, same, "x").await);
        assert!(refused(&gate, same, "x").await);
    }
}
