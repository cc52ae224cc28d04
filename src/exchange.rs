//! One round trip with a vendor: build, send, read; and chains of them. Knows no database.
//!
//! Every failure leaves here as something the caller can act on: who failed, at which step, what
//! to check.

mod called;
mod client;
mod passed;
mod traced;
mod undone;

use bunsen_engine::configuration::{RANDOM_BYTES, Values};
use bunsen_engine::element::{Element, Group, Login, Resource, ResourceKind, Start};
use bunsen_engine::oauth;
use bunsen_engine::reply::{self, Blame, Fault, VendorReply};
use bunsen_engine::request::{self, BuildError, Inputs, VendorRequest};
use http::{HeaderMap, StatusCode};
use serde_json::Value as Json;
use url::Url;

use crate::error::{Error, Result, VendorFailure};
use crate::outbound::{Destination, Grant, Outbound, SendError, check_url};

pub use called::{Asked, Came, ask, prepared};
pub use client::{signing, with_client};
use passed::moment;
pub use passed::{PASSED, pass};
pub use traced::Trace;

/// Said when a log-in failed that cannot be made again as it is.
const SPENT: &str = "What this log-in began with may be used up: allow access again, and send what \
                     comes of it.";

/// The same where a repeated request goes on from there.
const KEPT: &str = "What it gave before is kept: send the same request with the same \
                    Idempotency-Key again, and the rest is made up for.";

/// Which vendor account is spoken to, and how far its credentials may reach.
#[derive(Debug)]
pub struct Session<'a> {
    pub outbound: &'a Outbound,
    pub element: &'a Element,
    pub group: &'a Group,
    pub grants: &'a [Grant],
}

impl Session<'_> {
    fn destination(&self) -> Destination<'_> {
        // Strangers read figures, and not which private elements there are.
        let private = self.element.catalogue_json().get("private");
        let private = private.and_then(Json::as_bool).unwrap_or(false);
        Destination {
            element: if private {
                "private"
            } else {
                &self.element.key
            },
            hosts: &self.element.hosts,
            grants: self.grants,
        }
    }
}

/// Configuration, the request's own parameters and the moment that a call is built from.
struct Prepared {
    configuration: Values,
    parameters: Values,
    now: i64,
}

/// Calls that belong together, made one by one: each may use what those before it returned.
#[derive(Debug)]
pub struct Calls<'a> {
    session: &'a Session<'a>,
    login: Login,
    given: &'a Values,
    /// The stored client that `given` refers to.
    client: Option<&'a Values>,
    trace: Option<&'a Trace>,
    left: std::vec::IntoIter<&'a Resource>,
    returned: Values,
    previous: Option<VendorReply>,
    /// Calls that were answered as hoped.
    done: usize,
    unsure: bool,
    made: bool,
    /// Its token calls use up what they begin with.
    spends: bool,
    spent: bool,
    /// What a token call has used up, and what it gave for it is not known.
    lost: bool,
    /// The call under way makes, or uses up, something each time that it is made.
    once: bool,
    /// What the calls have brought waits for the same request to be sent again.
    kept: bool,
    /// Of the last answer, who can help. `None`: there is none, or nothing is wrong with it.
    blame: Option<Blame>,
}

/// How far calls have come when the rest is left to somebody else. Holds what they returned.
pub struct Progress {
    pub login: Login,
    /// Calls that need not be made any more.
    pub done: usize,
    pub returned: Values,
    /// Body of the last answer, if it is text: a call may be made of the answer before it.
    pub previous: Option<String>,
}

impl<'a> Calls<'a> {
    /// Those that turn credentials into an instance. `given` is what the caller sent, `generated`
    /// what the definition wants to be made up; all that the instance is to keep beside `given`
    /// counts as returned, whoever thought of it.
    pub fn logging_in(
        session: &'a Session<'a>,
        login: &Login,
        given: &'a Values,
        generated: Values,
    ) -> Self {
        let resources = session.element.login_calls(session.group, login.start);
        Self::new(session, login.clone(), given, resources, generated)
    }

    /// Those that renew the tokens of an instance with these values. What they return goes over it.
    /// After a refusal [`Renewal::after_refusal`] says whether to begin anew.
    ///
    /// [`Renewal::after_refusal`]: bunsen_engine::element::Renewal::after_refusal
    pub fn renewing(session: &'a Session<'a>, start: Start, stored: &'a Values) -> Self {
        let resources = session.element.renewal_calls(session.group, start);
        let login = Login {
            start,
            ..Login::default()
        };
        Self::new(session, login, stored, resources, Values::new())
    }

    /// Those that tell the vendor that an instance with these values is deleted, and end its tokens.
    pub fn deleting(session: &'a Session<'a>, given: &'a Values) -> Self {
        let resources = session.element.deleting(session.group, given);
        let login = Login {
            start: Start::Token,
            ..Login::default()
        };
        Self::new(session, login, given, resources, Values::new())
    }

    /// The rest of a log-in that somebody else has begun; what it returned before counts.
    ///
    /// # Errors
    /// 500 when the definition has fewer calls by now.
    pub fn going_on(
        session: &'a Session<'a>,
        given: &'a Values,
        progress: Progress,
    ) -> Result<Self> {
        let resources = session
            .element
            .login_calls(session.group, progress.login.start);
        let Some(rest) = resources.get(progress.done..) else {
            return Err(Error::internal("the log-in has fewer calls than were made"));
        };
        let calls = Self::new(
            session,
            progress.login,
            given,
            rest.to_vec(),
            progress.returned,
        );
        let previous = progress.previous.map(|body| VendorReply {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: body.into(),
        });
        Ok(Self {
            previous,
            done: progress.done,
            made: true,
            spent: calls.spends,
            ..calls
        })
    }

    fn new(
        session: &'a Session<'a>,
        login: Login,
        given: &'a Values,
        resources: Vec<&'a Resource>,
        returned: Values,
    ) -> Self {
        let spends = login.spends_once(session.element, session.group);
        Self {
            session,
            login,
            given,
            client: None,
            trace: None,
            left: resources.into_iter(),
            returned,
            previous: None,
            done: 0,
            unsure: false,
            made: false,
            spends,
            spent: false,
            lost: false,
            once: false,
            kept: false,
            blame: None,
        }
    }

    /// The calls are made with a stored client's values: its id and secret, and what else it has
    /// where nothing is given.
    pub fn with_client(self, client: Option<&'a Values>) -> Self {
        Self { client, ..self }
    }

    /// What is sent and what comes back is written down, without what is secret.
    pub fn traced(self, trace: Option<&'a Trace>) -> Self {
        Self { trace, ..self }
    }

    pub fn left(&self) -> usize {
        self.left.len()
    }

    /// Who can help after an answer that was not as hoped.
    pub fn blame(&self) -> Option<Blame> {
        self.blame
    }

    /// What the vendor returned, to be stored beside what was given.
    pub fn returned(self) -> Values {
        self.returned
    }

    /// Makes the next call, once.
    ///
    /// # Errors
    /// 400 names the configuration entry, 401 and 403 are the vendor's refusals, 429 and 502 mean
    /// that it could not be asked.
    pub async fn step(&mut self) -> Result<()> {
        self.once = self.next_is_once();
        let made = self.make_next().await;
        let spent = self.spent;
        made.map_err(|error| {
            let besides = if self.can_go_on_after(&error) {
                KEPT
            } else {
                SPENT
            };
            match error {
                Error::Vendor(failure) if spent => Error::Vendor(Box::new(VendorFailure {
                    message: format!("{} {besides}", failure.message),
                    ..*failure
                })),
                error => error,
            }
        })
    }

    /// The host that the next call goes to; `None`: there is none, or it cannot be made.
    pub fn next_host(&self) -> Option<String> {
        let resource = *self.left.as_slice().first()?;
        let prepared = self.prepare(resource, self.client, &moment()).ok()?;
        let request = self.build(resource, &prepared).ok()?;
        request.url.host_str().map(str::to_owned)
    }

    /// What a call is built from, with these values of a client.
    fn prepare(
        &self,
        resource: &Resource,
        client: Option<&Values>,
        (now, nonce): &(i64, oauth::Nonce),
    ) -> Result<Prepared> {
        let session = self.session;
        let mut stored = self.given.clone();
        stored.extend(self.returned.clone());
        if let Some(client) = client {
            stored = with_client(client, stored);
        }
        let configuration = session.element.effective(session.group, &stored);
        let parameters = oauth::request_parameters(
            session.element,
            session.group,
            resource,
            &configuration,
            &self.login.brought,
            (*now, nonce),
        )
        .map_err(unbuilt)?;
        Ok(Prepared {
            configuration,
            parameters,
            now: *now,
        })
    }

    fn inputs<'i>(&'i self, prepared: &'i Prepared) -> Inputs<'i> {
        Inputs {
            configuration: &prepared.configuration,
            previous: self.previous.as_ref(),
            request: Some(&prepared.parameters),
            now: prepared.now,
        }
    }

    fn build(&self, resource: &Resource, prepared: &Prepared) -> Result<VendorRequest> {
        let Session { element, group, .. } = self.session;
        let inputs = self.inputs(prepared);
        request::build(element, group, resource, &inputs).map_err(unbuilt)
    }

    async fn make_next(&mut self) -> Result<()> {
        let Some(resource) = self.left.next() else {
            return Ok(());
        };
        let session = self.session;
        self.blame = None;
        let moment = moment();
        let prepared = self.prepare(resource, self.client, &moment)?;
        let request = self.build(resource, &prepared)?;
        if let Some(client) = self.client {
            self.check_signs_for_its_own(client)?;
            self.check_stays_home(resource, client, &request, &moment)?;
        }
        let spends = self.spends && resource.kind.gets_token();
        let traced = self.trace.map(|trace| trace.sent(&request, &prepared));
        let sent = session.outbound.send(request, &session.destination()).await;
        let answer = sent.map_err(|error| {
            self.unsure = error.vendor_may_have_seen_it();
            self.made |= self.unsure && resource.once.is_some();
            self.spent |= self.unsure && spends;
            self.lost |= self.unsure && spends;
            let entry = session.element.host_entry(resource);
            unsent(session.element, &resource.step(), entry, &error)
        })?;
        if let (Some(trace), Some(call)) = (self.trace, traced) {
            trace.answered(call, &answer, &prepared);
        }
        let inputs = self.inputs(&prepared);
        let read = reply::read(session.element, session.group, resource, &inputs, &answer);
        self.blame = read.as_ref().err().map(|fault| fault.blame);
        // Only a refusal leaves things, and a code, as they were.
        if !read.as_ref().is_err_and(|fault| refuses(&answer, fault)) {
            self.spent |= spends;
            self.lost |= spends && read.is_err();
            self.made |= resource.once.is_some();
            self.unsure |= read.is_err() && resource.once.is_some();
        }
        let configuration = &prepared.configuration;
        let read =
            read.map_err(|fault| failed(session, configuration, &self.login.brought, fault))?;
        check_returned(session, resource, &read.configuration)?;
        self.returned.extend(read.configuration);
        self.previous = Some(answer);
        self.done += 1;
        Ok(())
    }

    /// Makes the rest of the calls.
    pub async fn finish(mut self) -> Result<Values> {
        while self.left() > 0 {
            self.step().await?;
        }
        Ok(self.returned)
    }
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Progress")
            .field("login", &self.login)
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}

/// A request token of OAuth 1 and its secret, under the keys of the token that follows.
///
/// # Errors
/// As [`Calls::step`]; 400 when the log-in has none.
pub async fn request_token(
    session: &Session<'_>,
    login: &Login,
    given: &Values,
    client: Option<&Values>,
) -> Result<Values> {
    let kind = ResourceKind::OauthOnTokenRequest;
    let Some(call) = session.element.call(session.group, kind) else {
        return Err(Error::Invalid(format!(
            "The log-in '{}' of element '{}' has no request token, which only OAuth 1 knows.",
            session.group.name, session.element.key
        )));
    };
    let calls = Calls::new(session, login.clone(), given, vec![call], Values::new());
    let mut calls = calls.with_client(client);
    // Nobody has allowed anything yet: another token can be asked for.
    calls.spends = false;
    calls.finish().await
}

/// Whether the vendor has said that it did nothing: by its status, or by what the definition reads
/// as a refusal of the credentials or of so many calls. Whatever else cannot be read, a gateway's
/// page say, may have come after the vendor had acted.
fn refuses(answer: &VendorReply, fault: &Fault) -> bool {
    let timed_out = answer.status == StatusCode::REQUEST_TIMEOUT;
    (answer.status.is_client_error() && !timed_out) || matches!(fault.status, 401 | 403 | 429)
}

/// Values that an instance of these credentials gets when it has none.
pub fn generated(element: &Element, group: &Group, given: &Values) -> Values {
    let mut random = [0; RANDOM_BYTES];
    rand::fill(&mut random);
    element.generated(group, given, &random)
}

/// A base URL that the vendor named passes the same guard as one that a caller gives, before
/// anything is stored or sent there.
fn check_returned(session: &Session<'_>, resource: &Resource, returned: &Values) -> Result<()> {
    let Some(base) = returned.get("base.url") else {
        return Ok(());
    };
    let refused = |why: &dyn std::fmt::Display| {
        Error::Vendor(Box::new(VendorFailure {
            status: 502,
            message: format!(
                "{} named a base URL at step {} that is not called: {why}.",
                session.element.name,
                resource.step()
            ),
            provider_message: None,
            retry_after: None,
        }))
    };
    let url = Url::parse(base.reveal()).map_err(|_| refused(&"it is no URL"))?;
    check_url(&url, &session.destination()).map_err(|refusal| refused(&refusal))
}

pub fn unbuilt(error: BuildError) -> Error {
    match error {
        BuildError::Entry { key, message } => {
            Error::Invalid(format!("configuration '{key}': {message}"))
        }
        BuildError::Definition(message) => Error::internal(message),
        BuildError::Answer(message) => Error::Vendor(Box::new(VendorFailure {
            status: 502,
            message,
            provider_message: None,
            retry_after: None,
        })),
    }
}

/// The vendor answered, and not as hoped.
pub fn failed(session: &Session<'_>, values: &Values, brought: &Values, fault: Fault) -> Error {
    let mut message = fault.message;
    if fault.authorize
        && let Some(Ok(page)) =
            oauth::authorize_url(session.element, session.group, values, brought)
    {
        message = format!("{message} {}", session.outbound.for_browser(&page));
    }
    Error::Vendor(Box::new(VendorFailure {
        status: fault.status,
        message,
        provider_message: fault.provider_message,
        retry_after: fault.retry_after,
    }))
}

/// There is no answer to read. `step` in words, and the `entry` that leads to its host.
pub fn unsent(element: &Element, step: &str, entry: &str, error: &SendError) -> Error {
    tracing::info!(
        element.key = element.key,
        reason = error.code(),
        "no answer from the vendor"
    );
    if let SendError::Refused(refusal) = error {
        return Error::Invalid(format!("configuration '{entry}': {refusal}"));
    }
    Error::Vendor(Box::new(VendorFailure {
        status: 502,
        message: format!(
            "{} failed at step {step}: {error}. Check configuration '{entry}'; if it is right, try \
             again later.",
            element.name,
        ),
        provider_message: None,
        retry_after: None,
    }))
}
