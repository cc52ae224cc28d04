//! What the request log is told of a call: the envelope begins the note, whoever learns who calls adds
//! that, whoever calls a vendor says so in its answer, and the row is written when the last of the
//! answer is gone, or the call with it.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::extract::MatchedPath;
use http::request::Parts;
use http::{Method, StatusCode, Uri};

use crate::app::App;
use crate::http::auth::OrgCaller;
use crate::http::client::Client;
use crate::http::path::BASE;
use crate::http::request_id::RequestId;
use crate::hub::Called;
use crate::ids::{AccountId, InstanceId};
use crate::meters;
use crate::request_log::RequestLog;
use crate::store::NewRequest;

/// The status of a call whose caller was gone before there was an answer.
const GONE: u16 = 499;

/// The note of one call. In the extensions of its request, and of its answer.
#[derive(Clone)]
pub struct Note(Arc<Noted>);

struct Noted {
    app: App,
    id: RequestId,
    started: Instant,
    method: Method,
    matched: Option<MatchedPath>,
    /// Hashed and never kept.
    arguments: Uri,
    client: Option<Client>,
    caller: OnceLock<Caller>,
    answered: OnceLock<Answered>,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    complete: AtomicBool,
}

struct Caller {
    who: OrgCaller,
    /// With the account that it belongs to, and its element.
    instance: Option<(InstanceId, AccountId, String)>,
}

struct Answered {
    status: StatusCode,
    took: Duration,
    called: Option<Called>,
}

impl fmt::Debug for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Note").field(&self.0.id).finish()
    }
}

impl Note {
    /// `None`: there is no log.
    pub fn begin<B>(app: &App, request: &http::Request<B>, id: RequestId) -> Option<Self> {
        app.request_log().is_on().then(|| {
            Self(Arc::new(Noted {
                app: app.clone(),
                id,
                started: Instant::now(),
                method: request.method().clone(),
                matched: request.extensions().get::<MatchedPath>().cloned(),
                arguments: request.uri().clone(),
                client: request.extensions().get::<Client>().copied(),
                caller: OnceLock::new(),
                answered: OnceLock::new(),
                bytes_in: AtomicU64::new(0),
                bytes_out: AtomicU64::new(0),
                complete: AtomicBool::new(false),
            }))
        })
    }

    /// Who calls is known; without this there is no row, since nobody could read it.
    pub fn caller(parts: &Parts, who: &OrgCaller, instance: Option<(InstanceId, AccountId, &str)>) {
        if let Some(Self(noted)) = parts.extensions.get::<Self>() {
            noted.caller.get_or_init(|| Caller {
                who: who.clone(),
                instance: instance.map(|(id, account, key)| (id, account, key.to_owned())),
            });
        }
    }

    /// The answer is made. A row that must not be dropped has room when this comes back.
    pub async fn answered(&self, status: StatusCode, called: Option<Called>) {
        let noted = &self.0;
        let took = noted.started.elapsed();
        let _ = noted.answered.set(Answered {
            status,
            took,
            called,
        });
        let method = meters::known(&noted.method);
        if noted.caller.get().is_some() && !RequestLog::may_drop(method, status.as_u16()) {
            noted.app.request_log().room().await;
        }
    }

    /// A piece of the request has come.
    pub fn received(&self, bytes: usize) {
        self.0.bytes_in.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// A piece of the answer has gone to the connection.
    pub fn sent(&self, bytes: usize) {
        self.0.bytes_out.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The answer has come to its end.
    pub fn complete(&self) {
        self.0.complete.store(true, Ordering::Relaxed);
    }
}

impl Noted {
    /// What stands for the path: a pattern, or the definition's own words.
    fn route(&self, resource: Option<&str>) -> String {
        match (&self.matched, resource) {
            (Some(matched), _) => matched.as_str().replace("{*", "{"),
            (None, Some(resource)) => format!("{BASE}{resource}"),
            (None, None) => format!("{BASE}/{{resource}}"),
        }
    }

    /// `None`: the route says all.
    fn arguments_hash(&self, caller: &OrgCaller) -> Option<[u8; 16]> {
        let path = self.arguments.path();
        let query = self.arguments.query();
        let all_said = self
            .matched
            .as_ref()
            .is_some_and(|matched| matched.as_str() == path);
        if all_said && query.is_none() {
            return None;
        }
        let all = self.arguments.path_and_query()?.as_str().as_bytes();
        let organization = caller.organization;
        Some(self.app.vault().arguments_hash(organization, all))
    }
}

/// Of a resource as [`Called`] names it, behind its method.
fn path_of(resource: &str) -> Option<&str> {
    resource.split_once(' ').map(|(_, path)| path)
}

impl Drop for Noted {
    fn drop(&mut self) {
        let Some(Caller { who, instance }) = self.caller.take() else {
            return;
        };
        let (status, took, called) = match self.answered.take() {
            Some(answered) => (answered.status.as_u16(), answered.took, answered.called),
            None => (GONE, self.started.elapsed(), None),
        };
        let resource = called.as_ref().and_then(|called| path_of(&called.resource));
        let vendor = called
            .as_ref()
            .map_or(Duration::ZERO, |called| called.vendor_time);
        self.app.request_log().add(&NewRequest {
            organization: who.organization,
            at: self.id.at(),
            id: self.id.bytes(),
            account: instance
                .as_ref()
                .map_or(who.account, |(_, account, _)| *account),
            user: who.user,
            instance: instance.as_ref().map(|(id, _, _)| *id),
            element_key: instance.as_ref().map(|(_, _, key)| key.as_str()),
            method: meters::known(&self.method),
            route: &self.route(resource),
            resource,
            status,
            vendor_status: called.as_ref().and_then(|called| called.vendor_status),
            attempts: called.as_ref().map_or(0, |called| {
                u16::try_from(called.attempts).unwrap_or(u16::MAX)
            }),
            own: took.saturating_sub(vendor),
            vendor,
            bytes_in: self.bytes_in.load(Ordering::Relaxed),
            bytes_out: self.bytes_out.load(Ordering::Relaxed),
            complete: self.complete.load(Ordering::Relaxed) || self.method == Method::HEAD,
            arguments_hash: self.arguments_hash(&who),
            client: self.client.map(|client| client.address),
        });
    }
}
