//! What the running server holds, cheap to clone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bunsen_engine::element::{Catalog, Element};
use tokio_util::task::TaskTracker;

use crate::budgets::{self, Budgets};
use crate::callers::{Callers, Remembered};
use crate::error::{Error, Result, VendorFailure};
use crate::flights::Flights;
use crate::gate::Gate;
use crate::ids::{InstanceId, OrganizationId};
use crate::large::Large;
use crate::looks::Looks;
use crate::opened::Opened;
use crate::outbound::Outbound;
use crate::request_log::RequestLog;
use crate::rooms::Rooms;
use crate::scripts::Scripts;
use crate::shares::Shares;
use crate::store::{Mode, Store};
use crate::vault::Vault;

#[derive(Debug, Clone)]
pub struct App(Arc<Inner>);

/// Behind one count: every layer of every call holds the server once.
#[derive(Debug)]
struct Inner {
    parts: Parts,
    gate: Gate,
    renewals: Renewals,
    instances: Instances,
    budgets: Budgets,
    rooms: Rooms,
    large: Large,
    looks: Looks,
}

/// Instances as calls need them. Tokens may have been renewed by another server for some seconds:
/// then these have ended, or the vendor does not take them.
pub type Instances = Remembered<(OrganizationId, InstanceId), Opened>;

const REMEMBERED_FOR: Duration = Duration::from_secs(5);
const REMEMBERED_BYTES: u64 = 16 * 1024 * 1024;

/// Renewals that calls wait for, by the generation that they were read with; `None`: read again.
pub type Renewals = Flights<(OrganizationId, InstanceId, i64), Option<VendorFailure>>;

/// Everything an [`App`] is made of.
#[derive(Debug)]
pub struct Parts {
    pub store: Store,
    pub vault: Vault,
    pub callers: Callers,
    pub shares: Shares,
    pub catalog: Catalog,
    /// SHA-256 of the definitions, in hex.
    pub catalogue_hash: String,
    pub outbound: Outbound,
    pub scripts: Scripts,
    pub mode: Mode,
    /// Bytes of one request body at most.
    pub body_limit: usize,
    /// Bytes of one form with files, which is handed on as it comes.
    pub form_limit: usize,
    /// Work that goes on although its caller is gone; a graceful stop waits for it.
    pub work: TaskTracker,
    pub stopping: AtomicBool,
    pub outside: Outside,
    pub request_log: RequestLog,
    pub budgets: budgets::Settings,
    pub call_limits: CallLimits,
}

/// What one hub call may take, however many calls of the vendor it is made of.
#[derive(Debug, Clone, Copy)]
pub struct CallLimits {
    /// Of the vendor's pages that a list holds at once.
    pub bytes: usize,
    /// After this no further call of the vendor's begins.
    pub time: Duration,
}

/// How the server is seen from outside.
#[derive(Debug, Clone)]
pub struct Outside {
    /// Scheme, host and port that clients and browsers reach it by, without a slash at the end.
    pub public_url: String,
    /// Metrics have a port of their own.
    pub metrics_apart: bool,
}

impl Default for Outside {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:8080".into(),
            metrics_apart: false,
        }
    }
}

impl App {
    pub fn new(parts: Parts) -> Self {
        let callers = parts.callers.clone();
        let instances = Instances::new(
            callers,
            REMEMBERED_BYTES,
            REMEMBERED_FOR,
            Opened::rough_size,
        );
        let budgets = Budgets::new(parts.budgets);
        Self(Arc::new(Inner {
            parts,
            gate: Gate::default(),
            renewals: Renewals::default(),
            instances,
            budgets,
            rooms: Rooms::default(),
            large: Large::default(),
            looks: Looks::default(),
        }))
    }

    /// Where work on large bodies is done.
    pub fn large(&self) -> &Large {
        &self.0.large
    }

    /// Checks of credentials behind callers' answers.
    pub fn looks(&self) -> &Looks {
        &self.0.looks
    }

    /// What is kept of calls with an `Idempotency-Key`.
    pub fn rooms(&self) -> &Rooms {
        &self.0.rooms
    }

    pub fn budgets(&self) -> &Budgets {
        &self.0.budgets
    }

    pub fn call_limits(&self) -> CallLimits {
        self.0.parts.call_limits
    }

    pub fn instances(&self) -> &Instances {
        &self.0.instances
    }

    pub fn gate(&self) -> &Gate {
        &self.0.gate
    }

    pub fn renewals(&self) -> &Renewals {
        &self.0.renewals
    }

    pub fn store(&self) -> &Store {
        &self.0.parts.store
    }

    pub fn vault(&self) -> &Vault {
        &self.0.parts.vault
    }

    pub fn callers(&self) -> &Callers {
        &self.0.parts.callers
    }

    pub fn shares(&self) -> &Shares {
        &self.0.parts.shares
    }

    pub fn catalog(&self) -> &Catalog {
        &self.0.parts.catalog
    }

    pub fn catalogue_hash(&self) -> &str {
        &self.0.parts.catalogue_hash
    }

    pub fn outbound(&self) -> &Outbound {
        &self.0.parts.outbound
    }

    pub fn scripts(&self) -> &Scripts {
        &self.0.parts.scripts
    }

    pub fn mode(&self) -> Mode {
        self.0.parts.mode
    }

    pub fn is_sandbox(&self) -> bool {
        self.0.parts.mode == Mode::Sandbox
    }

    pub fn body_limit(&self) -> usize {
        self.0.parts.body_limit
    }

    pub fn form_limit(&self) -> usize {
        self.0.parts.form_limit
    }

    pub fn work(&self) -> &TaskTracker {
        &self.0.parts.work
    }

    pub fn outside(&self) -> &Outside {
        &self.0.parts.outside
    }

    pub fn request_log(&self) -> &RequestLog {
        &self.0.parts.request_log
    }

    pub fn is_stopping(&self) -> bool {
        self.0.parts.stopping.load(Ordering::Relaxed)
    }

    /// From now on `/health/ready` answers 503, so that a balancer sends nothing more.
    pub fn stop(&self) {
        self.0.parts.stopping.store(true, Ordering::Relaxed);
    }

    /// An active element by key or id; 404 with the nearest key otherwise.
    pub fn element(&self, key_or_id: &str) -> Result<&Arc<Element>> {
        self.catalog()
            .get(key_or_id)
            .filter(|element| element.active)
            .ok_or_else(|| self.no_such_element(key_or_id, |element| element.active))
    }

    /// 404; what the caller cannot see is not suggested.
    pub fn no_such_element(&self, key_or_id: &str, sees: impl Fn(&Element) -> bool) -> Error {
        let digits = key_or_id.bytes().all(|byte| byte.is_ascii_digit());
        let kind = if digits { "ID" } else { "key" };
        // Nobody misspells a key by more than its length.
        let near = (key_or_id.len() <= LONGEST_ECHO)
            .then(|| self.catalog().nearest(key_or_id))
            .flatten();
        let near = near.filter(|near| {
            let element = self.catalog().get(near);
            !digits && element.is_some_and(|element| sees(element))
        });
        let hint = near.map_or_else(String::new, |near| format!(" Did you mean '{near}'?"));
        let named = shortened(key_or_id);
        Error::NotFound(format!("No element found with {kind} '{named}'.{hint}"))
    }
}

/// Characters of a caller's own text that an error repeats.
const LONGEST_ECHO: usize = 80;

/// What a caller named, for an error.
pub fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_ECHO) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
