//! What is noted of a call that is under way: durably that the vendor is asked to change something,
//! in memory what it has done so far, and at the end what is to be remembered of it.

use bunsen_engine::reply::Blame;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bunsen_engine::element::Resource;
use bunsen_engine::reply::Fault;
use http::{Method, StatusCode};
use uuid::Uuid;

use super::kept::Kept;
use super::place;
use crate::app::App;
use crate::error::{Error, Result, VendorFailure};
use crate::hub::Answer;
use crate::ids::OrganizationId;
use crate::tenancy;

/// A server that says nothing for so long is gone.
pub const LEASE: Duration = Duration::from_secs(15);
const BEAT: Duration = Duration::from_secs(4);
/// So begins what is said of a write that was accepted, and whose answer nobody can tell.
pub const DONE: &str = "It is done at the vendor, so do not send it again;";
/// An answer that cannot be stored is offered to the database so often.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);

/// The row of a call that is under way, and what the vendor has done for it so far.
#[derive(Debug, Clone)]
pub struct Mark(Arc<Marked>);

#[derive(Debug)]
struct Marked {
    app: App,
    organization: OrganizationId,
    id: Uuid,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// By calls before the last.
    written: bool,
    /// The same.
    doubt: bool,
    last: Last,
    /// Calls of hooks' own that change something, and whose outcome is not known.
    of_hooks: u32,
}

/// What the last call of the vendor has changed there.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Last {
    #[default]
    Nothing,
    /// Nobody knows.
    Doubt,
    Done,
}

impl Seen {
    fn begin(&mut self) {
        self.written |= self.last == Last::Done;
        self.doubt |= self.last == Last::Doubt;
        self.last = Last::Nothing;
    }

    fn refused(&mut self, status: StatusCode, fault: &Fault) {
        self.last = match (self.last, did_nothing(status, fault)) {
            (Last::Nothing, _) | (_, true) => Last::Nothing,
            (_, false) => Last::Doubt,
        };
    }

    /// The vendor's own status, before anybody has made anything of it.
    fn answered(&mut self, status: StatusCode) {
        if self.last == Last::Nothing {
            return;
        }
        if status.is_success() {
            self.last = Last::Done;
        } else if refuses(status) {
            self.last = Last::Nothing;
        }
    }

    /// As [`Seen::answered`], of a hook's own call; `None`: it was never sent.
    fn hook_answered(&mut self, status: Option<StatusCode>) {
        let success = status.is_some_and(|status| status.is_success());
        self.written |= success;
        if success || status.is_none_or(refuses) {
            self.of_hooks = self.of_hooks.saturating_sub(1);
        }
    }
}

fn refuses(status: StatusCode) -> bool {
    status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT
}

/// Whether the vendor has said that it did nothing: by its status, or by what the definition reads as
/// the caller's mistake. A failure of its own, and what cannot be read, may have come after it had
/// acted.
fn did_nothing(status: StatusCode, fault: &Fault) -> bool {
    let said_so = refuses(status) || (400..500).contains(&fault.status);
    said_so && status != StatusCode::REQUEST_TIMEOUT
}

/// To be asked immediately before each call of the vendor, by this method.
///
/// # Errors
/// 409 when the call is another's by now; when the database is away.
pub async fn sending(mark: &Mark, resource: &Resource, method: &Method) -> Result<()> {
    mark.seen().begin();
    if method.is_safe() && resource.once.is_none() {
        return Ok(());
    }
    let repeatable = resource.repeatable || (method.is_idempotent() && resource.once.is_none());
    changing(mark, repeatable).await?;
    mark.seen().last = Last::Doubt;
    Ok(())
}

/// The same for a call that changes something, and that a hook makes by itself. Nobody can say that
/// it may be made twice.
///
/// # Errors
/// As [`sending`].
pub async fn hook_sending(mark: &Mark) -> Result<()> {
    changing(mark, false).await?;
    mark.seen().of_hooks += 1;
    Ok(())
}

async fn changing(mark: &Mark, repeatable: bool) -> Result<()> {
    let marked = &mark.0;
    let organization = marked.app.store().org(marked.organization);
    let ours = organization.call_is_sending(marked.id, repeatable, LEASE);
    if !ours.await? {
        return Err(Error::Conflict(
            "This call was held up so long that another one with the same Idempotency-Key has taken \
             its place, or its instance was deleted meanwhile."
                .into(),
        ));
    }
    Ok(())
}

/// The vendor has seen nothing of the call.
pub fn unseen(mark: Option<&Mark>) {
    if let Some(mark) = mark {
        mark.seen().last = Last::Nothing;
    }
}

/// The vendor has answered with this status: it has accepted what was to be changed, refuses it, or
/// nothing is certain.
pub fn answered(mark: Option<&Mark>, status: StatusCode) {
    if let Some(mark) = mark {
        mark.seen().answered(status);
    }
}

/// The same for what was announced by [`hook_sending`]; `None`: it has seen nothing of it.
pub fn hook_answered(mark: &Mark, status: Option<StatusCode>) {
    mark.seen().hook_answered(status);
}

/// Its answer, which no hook has changed, is read as a refusal, or cannot be read.
pub fn refused(mark: Option<&Mark>, status: StatusCode, fault: &Fault) {
    if let Some(mark) = mark {
        mark.seen().refused(status, fault);
    }
}

impl Mark {
    pub fn new(app: App, organization: OrganizationId, id: Uuid) -> Self {
        Self(Arc::new(Marked {
            app,
            organization,
            id,
            seen: Mutex::default(),
        }))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says now and then that the call is under way.
    pub async fn beat(&self) -> Infallible {
        loop {
            tokio::time::sleep(BEAT).await;
            self.prolong(LEASE).await;
        }
    }

    async fn prolong(&self, lease: Duration) {
        let Marked {
            app,
            organization,
            id,
            ..
        } = &*self.0;
        let organization = app.store().org(*organization);
        if let Err(error) = organization.prolong_call(*id, lease).await {
            tracing::warn!(%error, "a call with an Idempotency-Key keeps the lease that it has");
        }
    }

    /// Remembers what there is to be remembered. Gives what the caller is told.
    pub async fn settle(&self, outcome: Result<Answer>) -> Result<Answer> {
        let (written, doubt) = {
            let mut seen = self.seen();
            seen.begin();
            (seen.written, seen.doubt || seen.of_hooks > 0)
        };
        match outcome {
            Ok(answer) => {
                self.keep(&Kept::of(&answer)).await;
                Ok(answer)
            }
            Err(error) if doubt => {
                // Nobody needs to wait for what will not come.
                self.prolong(Duration::ZERO).await;
                Err(error)
            }
            Err(error) if written => {
                let failure = partly(error);
                self.keep(&Kept::of_failure(&failure)).await;
                Err(Error::Vendor(Box::new(failure)))
            }
            Err(error) => {
                self.release().await;
                Err(error)
            }
        }
    }

    /// It exists nowhere else, so a database that is away for a moment is asked again. When even
    /// that fails the caller gets the answer, and whoever sends the call again hears that its outcome
    /// is unknown.
    async fn keep(&self, kept: &Kept) {
        tried(
            "the answer to a call with an Idempotency-Key is not kept yet",
            || self.store(kept),
        )
        .await;
    }

    /// Else whoever sends a refused call again would hear that its outcome is unknown.
    async fn release(&self) {
        let organization = self.0.app.store().org(self.0.organization);
        tried("an Idempotency-Key is not free yet", || {
            organization.release_call(self.0.id)
        })
        .await;
    }

    async fn store(&self, kept: &Kept) -> Result<()> {
        let Marked {
            app,
            organization,
            id,
            ..
        } = &*self.0;
        let mut clear = kept.written()?;
        let rooms = app.rooms();
        if !rooms.takes(app.store(), *organization, clear.len()).await {
            clear = kept.short().written()?;
        }
        let keys = tenancy::keys(app, *organization).await?;
        let sealed = keys.seal(&place(*organization, *id), &clear);
        let organization = app.store().org(*organization);
        organization.finish_call(*id, &sealed).await
    }
}

/// Does what must not be lost for a moment in which the database is away.
async fn tried<F: Future<Output = Result<()>>>(not_yet: &str, work: impl Fn() -> F) {
    let mut tried = 0;
    while let Err(error) = work().await {
        tried += 1;
        tracing::warn!(%error, tried, "{not_yet}");
        if tried == TRIES {
            return;
        }
        tokio::time::sleep(PAUSE * 2_u32.pow(tried)).await;
    }
}

/// What failed behind a write: nobody is to send all of it again, whatever the vendor says of the rest.
fn partly(error: Error) -> VendorFailure {
    let told = |error: &dyn std::fmt::Display| {
        format!(
            "Part of it is done at the vendor, so do not send it again; the rest failed: {error}"
        )
    };
    let (message, provider_message) = match error {
        Error::Vendor(failure) if failure.message.starts_with(DONE) => {
            (failure.message, failure.provider_message)
        }
        Error::Vendor(failure) => (told(&failure.message), failure.provider_message),
        error => (told(&error), None),
    };
    VendorFailure {
        blame: Blame::Nobody,
        status: 500,
        message,
        provider_message,
        retry_after: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(status: u16) -> Fault {
        Fault {
            status,
            message: String::new(),
            ..Fault::default()
        }
    }

    #[test]
    fn what_the_vendor_surely_did_not_do() {
        for (status, ours, nothing) in [
            (400, 400, true),
            (404, 404, true),
            (422, 400, true),
            (429, 429, true),
            (401, 401, true),
            // The definition reads a refusal in what claims to be a success, or a failure.
            (200, 409, true),
            (500, 400, true),
            // A gateway's page, the vendor's own failure.
            (200, 502, false),
            (500, 502, false),
            (503, 502, false),
            (408, 502, false),
            (408, 400, false),
        ] {
            let status = StatusCode::from_u16(status).expect("a status");
            assert_eq!(
                did_nothing(status, &fault(ours)),
                nothing,
                "{status} {ours}"
            );
        }
    }

    #[test]
    fn the_vendors_own_status_counts() {
        for (status, last) in [
            (201, Last::Done),
            (422, Last::Nothing),
            (408, Last::Doubt),
            (500, Last::Doubt),
        ] {
            let status = StatusCode::from_u16(status).expect("a status");
            let mut seen = Seen {
                last: Last::Doubt,
                ..Seen::default()
            };
            seen.answered(status);
            assert_eq!(seen.last, last, "{status}");
            let mut seen = Seen {
                of_hooks: 1,
                ..Seen::default()
            };
            seen.answered(status);
            assert_eq!(seen.last, Last::Nothing, "what reads changes nothing");
            seen.hook_answered(Some(status));
            assert_eq!(seen.written, last == Last::Done, "{status}");
            assert_eq!(seen.of_hooks > 0, last == Last::Doubt, "{status}");
        }
    }

    #[test]
    fn what_is_known_of_several_calls() {
        let server_error = StatusCode::INTERNAL_SERVER_ERROR;
        let not_found = StatusCode::NOT_FOUND;
        let mut seen = Seen {
            last: Last::Done,
            ..Seen::default()
        };
        seen.begin();
        // One that only reads leaves it at that, whatever comes of it.
        seen.refused(server_error, &fault(502));
        assert_eq!(
            (seen.written, seen.doubt, seen.last),
            (true, false, Last::Nothing)
        );
        seen.last = Last::Doubt;
        seen.refused(not_found, &fault(404));
        seen.begin();
        assert!(seen.written && !seen.doubt);
        seen.last = Last::Doubt;
        seen.refused(server_error, &fault(502));
        seen.begin();
        assert!(seen.written && seen.doubt);
        // A success that nobody can read is none that is known.
        let mut seen = Seen {
            last: Last::Done,
            ..Seen::default()
        };
        seen.refused(StatusCode::OK, &fault(502));
        assert_eq!(seen.last, Last::Doubt);
    }
}
