//! What a call reads of the database, remembered under the same lease as who calls.
//!
//! What is revoked is forgotten everywhere before that is answered. Everything else ends by its age,
//! so what may be out of date for a moment must be harmless: whoever uses it finds out by what
//! happens, and reads anew.

use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::sync::Cache;

use super::{Began, Callers};
use crate::ids::OrganizationId;

/// Keys that are forgotten together: readings that run now are lost to a few more than must be.
const FLOORS: usize = 1024;

/// By key, of many organizations.
pub struct Remembered<Key, Value> {
    callers: Callers,
    known: Cache<Key, Entry<Value>>,
    /// Goes up with each key that is forgotten.
    counter: AtomicU64,
    /// The counter's value when one of a floor's keys was forgotten last.
    floors: Box<[AtomicU64]>,
}

struct Entry<Value> {
    organization: OrganizationId,
    reading: Reading,
    value: Arc<Value>,
}

impl<Value> Clone for Entry<Value> {
    fn clone(&self) -> Self {
        Self {
            organization: self.organization,
            reading: self.reading,
            value: Arc::clone(&self.value),
        }
    }
}

/// When a reading of the database began: what is forgotten meanwhile it does not bring back.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    began: Began,
    counter: u64,
}

impl<Key, Value> Remembered<Key, Value>
where
    Key: Hash + Eq + Send + Sync + 'static,
    Value: Send + Sync + 'static,
{
    /// At most so many bytes, by `size`, each for so long.
    pub fn new(callers: Callers, bytes: u64, kept_for: Duration, size: fn(&Value) -> u32) -> Self {
        let known = Cache::builder()
            .max_capacity(bytes)
            .weigher(move |_, entry: &Entry<Value>| size(&entry.value))
            .time_to_live(kept_for)
            .build();
        Self {
            callers,
            known,
            counter: AtomicU64::new(0),
            floors: (0..FLOORS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// If it is known and may be believed now.
    pub fn find(&self, key: &Key) -> Option<Arc<Value>> {
        if !self.callers.is_trusted() {
            return None;
        }
        let Entry {
            organization,
            reading,
            value,
        } = self.known.get(key)?;
        let newer = reading.counter >= self.floor(key).load(Ordering::SeqCst);
        let forgotten = &self.callers.0.forgotten;
        (newer && forgotten.believes(organization, reading.began)).then_some(value)
    }

    /// To be taken before the database is read.
    pub fn begin(&self) -> Reading {
        Reading {
            began: self.callers.begin(),
            counter: self.counter.load(Ordering::SeqCst),
        }
    }

    /// Keeps what the database said, unless this server could not answer from it anyway.
    pub fn remember(
        &self,
        reading: Reading,
        organization: OrganizationId,
        key: Key,
        value: &Arc<Value>,
    ) {
        if self.callers.is_trusted() {
            let entry = Entry {
                organization,
                reading,
                value: Arc::clone(value),
            };
            self.known.insert(key, entry);
        }
    }

    /// For what has changed without being revoked; only this server forgets it, and what is being
    /// read of it now.
    pub fn forget(&self, key: &Key) {
        let counter = self.counter.fetch_add(1, Ordering::SeqCst) + 1;
        self.floor(key).fetch_max(counter, Ordering::SeqCst);
        self.known.invalidate(key);
    }

    fn floor(&self, key: &Key) -> &AtomicU64 {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(key);
        // There are so many.
        &self.floors[hash as usize % FLOORS]
    }
}

impl<Key, Value> fmt::Debug for Remembered<Key, Value> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remembered(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callers::clock;

    const ONE: OrganizationId = OrganizationId(1);

    #[test]
    fn a_reading_that_began_before_does_not_bring_back_what_was_forgotten() {
        let callers = Callers::default();
        callers.trust_until(clock::after(clock::now(), Duration::from_secs(60)));
        let minute = Duration::from_secs(60);
        let remembered = Remembered::new(callers, 1000, minute, |_: &&str| 10);
        let reading = remembered.begin();
        remembered.forget(&7);
        remembered.remember(reading, ONE, 7, &Arc::new("old tokens"));
        assert!(remembered.find(&7).is_none());
        remembered.remember(reading, ONE, 8, &Arc::new("another's"));
        assert!(remembered.find(&8).is_some());
        remembered.remember(remembered.begin(), ONE, 7, &Arc::new("new tokens"));
        assert_eq!(remembered.find(&7).as_deref(), Some(&"new tokens"));
    }

    #[test]
    fn it_is_believed_as_long_as_callers_are() {
        let callers = Callers::default();
        let lease = || clock::after(clock::now(), Duration::from_secs(60));
        let minute = Duration::from_secs(60);
        let remembered = Remembered::new(callers.clone(), 1000, minute, |_: &&str| 10);
        let value = Arc::new("read");
        let began = remembered.begin();
        remembered.remember(began, ONE, 7, &value);
        callers.trust_until(lease());
        assert!(remembered.find(&7).is_none(), "there was no lease then");
        remembered.remember(began, ONE, 7, &value);
        assert!(remembered.find(&7).is_some());
        assert!(remembered.find(&8).is_none());
        callers.trust_until(0);
        assert!(remembered.find(&7).is_none(), "there is none now");
        callers.trust_until(lease());
        callers.forget(Some(OrganizationId(2)));
        assert!(remembered.find(&7).is_some(), "another organization's");
        callers.forget(Some(ONE));
        assert!(remembered.find(&7).is_none());
        remembered.remember(began, ONE, 7, &value);
        assert!(remembered.find(&7).is_none(), "it was read before");
        remembered.remember(remembered.begin(), ONE, 7, &value);
        assert!(remembered.find(&7).is_some());
    }
}
