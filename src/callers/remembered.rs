//! What a call reads of the database, remembered under the same lease as who calls.
//!
//! What is revoked is forgotten everywhere before that is answered. Everything else ends by its age,
//! so what may be out of date for a moment must be harmless: whoever uses it finds out by what
//! happens, and reads anew.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

use super::{Began, Callers};
use crate::ids::OrganizationId;

/// By key, of many organizations.
pub struct Remembered<Key, Value> {
    callers: Callers,
    known: Cache<Key, (OrganizationId, Began, Arc<Value>)>,
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
            .weigher(move |_, (_, _, value): &(_, _, Arc<Value>)| size(value))
            .time_to_live(kept_for)
            .build();
        Self { callers, known }
    }

    /// If it is known and may be believed now.
    pub fn find(&self, key: &Key) -> Option<Arc<Value>> {
        if !self.callers.is_trusted() {
            return None;
        }
        let (organization, began, value) = self.known.get(key)?;
        self.callers
            .0
            .forgotten
            .believes(organization, began)
            .then_some(value)
    }

    /// To be taken before the database is read.
    pub fn begin(&self) -> Began {
        self.callers.begin()
    }

    /// Keeps what the database said, unless this server could not answer from it anyway.
    pub fn remember(
        &self,
        began: Began,
        organization: OrganizationId,
        key: Key,
        value: &Arc<Value>,
    ) {
        if self.callers.is_trusted() {
            let entry = (organization, began, Arc::clone(value));
            self.known.insert(key, entry);
        }
    }

    /// For what has changed without being revoked; only this server forgets it.
    pub fn forget(&self, key: &Key) {
        self.known.invalidate(key);
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
