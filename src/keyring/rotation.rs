//! How a keyring changes while its keys are rotated. Each step gives a new keyring; writing it is
//! the caller's.

use super::{KeyUse, Keyring, Keys, NamedKey};

impl Keyring {
    /// Ids of all keys of one use, oldest first.
    pub fn ids(&self, use_: KeyUse) -> Vec<&str> {
        let keys = &self.of(use_).keys;
        keys.iter().map(|key| key.id.as_str()).collect()
    }

    pub fn current_id(&self, use_: KeyUse) -> &str {
        &self.of(use_).current
    }

    /// The key that stands behind the current one and is about to take its place.
    pub fn staged_id(&self, use_: KeyUse) -> Option<&str> {
        let keys = self.of(use_);
        let mut behind = keys.keys.iter().skip_while(|key| key.id != keys.current);
        behind.nth(1).map(|key| key.id.as_str())
    }

    /// What use a key has that is here.
    pub fn use_of(&self, id: &str) -> Option<KeyUse> {
        [KeyUse::Encrypt, KeyUse::Find]
            .into_iter()
            .find(|use_| self.of(*use_).get(id).is_some())
    }

    /// With a new random key behind the others; the current one stays.
    #[must_use]
    pub fn with_staged(&self, use_: KeyUse) -> Self {
        let mut changed = self.clone();
        changed.of_mut(use_).keys.push(NamedKey::random(use_));
        changed
    }

    /// With the staged key as the current one; `None`: nothing is staged.
    pub fn promoted(&self, use_: KeyUse) -> Option<Self> {
        let id = self.staged_id(use_)?.to_owned();
        let mut changed = self.clone();
        changed.of_mut(use_).current = id;
        Some(changed)
    }

    /// Without this key; `None`: it is not here, or it is the current one.
    pub fn without(&self, id: &str) -> Option<Self> {
        let use_ = self
            .use_of(id)
            .filter(|use_| self.current_id(*use_) != id)?;
        let mut changed = self.clone();
        changed.of_mut(use_).keys.retain(|key| key.id != id);
        Some(changed)
    }

    fn of(&self, use_: KeyUse) -> &Keys {
        match use_ {
            KeyUse::Encrypt => &self.encrypt,
            KeyUse::Find => &self.find,
        }
    }

    fn of_mut(&mut self, use_: KeyUse) -> &mut Keys {
        match use_ {
            KeyUse::Encrypt => &mut self.encrypt,
            KeyUse::Find => &mut self.find,
        }
    }
}
