//! An instance as calls need it: its row, its secrets opened, and what follows from both.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bunsen_engine::configuration::Values;

use crate::outbound::Grant;
use crate::store;
use crate::vault::OrganizationKeys;

/// What is remembered of an instance between two calls, in the clear: opening it anew would cost each
/// call more than a template does, and what opens it lies in the same memory.
pub struct Opened {
    /// Without its values, which are below.
    pub row: store::Instance,
    pub keys: Arc<OrganizationKeys>,
    /// As they are stored.
    pub values: Values,
    /// With everything laid under them that templates see.
    pub effective: Arc<Values>,
    /// The private hosts that it may reach.
    pub grants: Vec<Grant>,
    /// When this server last had its credentials checked.
    pub checked: Mutex<Option<Instant>>,
}

impl Opened {
    /// `true` once in a while: then its credentials are to be checked. Spares the database the
    /// question, which counts for all servers.
    pub fn is_checked_now(&self, pause: Duration) -> bool {
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        let now = checked.is_none_or(|at| at.elapsed() >= pause);
        if now {
            *checked = Some(Instant::now());
        }
        now
    }

    /// Bytes in memory, roughly, with what a cache keeps beside them.
    pub fn rough_size(&self) -> u32 {
        let values = self.values.iter().chain(self.effective.iter());
        let values: usize = values
            .map(|(key, value)| 80 + key.len() + value.reveal().len())
            .sum();
        let certificates = self.grants.iter();
        let certificates: usize = certificates
            .map(|grant| 200 + grant.ca_pem.as_ref().map_or(0, String::len))
            .sum();
        let size = 1000 + values + certificates;
        u32::try_from(size).unwrap_or(u32::MAX)
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("instance", &self.row.id)
            .finish_non_exhaustive()
    }
}
