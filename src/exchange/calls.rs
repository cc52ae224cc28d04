//! Calls that belong together, made one after the other, with the definition's hooks around each.
//!
//! Where an answer stands for something that is used up, a code say, and hooks follow it, the answer
//! is a step of its own: whoever makes the calls stores it before the next step runs the hooks, and
//! whatever becomes of them, it can be read again.

use std::time::Duration;

use bunsen_engine::configuration::Values;
use bunsen_engine::element::{Element, Login, Resource, Start};
use bunsen_engine::oauth;
use bunsen_engine::reply::{Blame, VendorReply};
use bunsen_engine::request::{self, Inputs, VendorRequest};
use futures_util::FutureExt as _;
use http::{HeaderMap, StatusCode};

use super::hooked::Unread;
use super::passed::moment;
use super::{Session, Trace, unbuilt, unsent, with_client};
use crate::error::{Error, Result, VendorFailure};
use crate::hooks;
use crate::outbound::Outbound;
use crate::scripts::Scripts;

/// Said when a log-in failed that cannot be made again as it is.
const SPENT: &str = "What this log-in began with may be used up: allow access again, and send what \
                     comes of it.";

/// The same where a repeated request goes on from there.
const KEPT: &str = "What it gave before is kept: send the same request with the same \
                    Idempotency-Key again, and the rest is made up for.";

/// Configuration, the request's own parameters and the moment that a call is built from.
pub(super) struct Prepared {
    pub configuration: Values,
    pub parameters: Values,
    pub now: i64,
}

/// Calls that belong together, made one by one: each may use what those before it returned.
#[derive(Debug)]
pub struct Calls<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) login: Login,
    pub(super) given: &'a Values,
    /// The stored client that `given` refers to.
    pub(super) client: Option<&'a Values>,
    pub(super) trace: Option<&'a Trace>,
    pub(super) left: std::vec::IntoIter<&'a Resource>,
    pub(super) returned: Values,
    pub(super) previous: Option<VendorReply>,
    /// An answer whose hooks have not run.
    pub(super) unread: Option<Unread<'a>>,
    /// Calls that were answered as hoped.
    pub(super) done: usize,
    pub(super) unsure: bool,
    pub(super) made: bool,
    /// Its token calls use up what they begin with.
    pub(super) spends: bool,
    pub(super) spent: bool,
    /// What a token call has used up, and what it gave for it is not known.
    pub(super) lost: bool,
    /// The call under way makes, or uses up, something each time that it is made.
    pub(super) once: bool,
    /// What the calls have brought waits for the same request to be sent again.
    pub(super) kept: bool,
    /// Of the last answer, who can help. `None`: there is none, or nothing is wrong with it.
    pub(super) blame: Option<Blame>,
}

/// How far calls have come when the rest is left to somebody else. Holds what they returned.
pub struct Progress {
    pub login: Login,
    /// Calls that need not be made any more.
    pub done: usize,
    pub returned: Values,
    /// Body of the last answer, if it is text: a call may be made of the answer before it.
    pub previous: Option<String>,
    /// The vendor's answer to the next call, whose hooks have not run.
    pub unread: Option<VendorReply>,
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
        (given, client): (&'a Values, Option<&'a Values>),
        progress: Progress,
    ) -> Result<Self> {
        let resources = session
            .element
            .login_calls(session.group, progress.login.start);
        let Some(rest) = resources.get(progress.done..) else {
            return Err(Error::internal("the log-in has fewer calls than were made"));
        };
        Self::after(session, (given, client), rest.to_vec(), progress)
    }

    /// The rest of a renewal that somebody else has begun, of an instance with these values.
    ///
    /// # Errors
    /// As [`Calls::going_on`].
    pub fn renewing_on(
        session: &'a Session<'a>,
        (stored, client): (&'a Values, Option<&'a Values>),
        progress: Progress,
    ) -> Result<Self> {
        let start = progress.login.start;
        let resources = session.element.renewal_calls(session.group, start);
        let Some(rest) = resources.get(progress.done..) else {
            return Err(Error::internal(
                "the renewal has fewer calls than were made",
            ));
        };
        Self::after(session, (stored, client), rest.to_vec(), progress)
    }

    fn after(
        session: &'a Session<'a>,
        (given, client): (&'a Values, Option<&'a Values>),
        rest: Vec<&'a Resource>,
        progress: Progress,
    ) -> Result<Self> {
        let calls = Self::new(session, progress.login, given, rest, progress.returned);
        let previous = progress.previous.map(|body| VendorReply {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: body.into(),
        });
        let mut calls = Self {
            previous,
            done: progress.done,
            made: true,
            spent: calls.spends,
            client,
            ..calls
        };
        if let Some(answer) = progress.unread
            && let Some(resource) = calls.left.next()
        {
            calls.take_up(resource, answer)?;
        }
        Ok(calls)
    }

    pub(super) fn new(
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
            unread: None,
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

    /// Who can help after an answer that was not as hoped.
    pub fn blame(&self) -> Option<Blame> {
        self.blame
    }

    /// Steps that are left; a call may become two of them.
    pub fn left(&self) -> usize {
        self.left.len() + usize::from(self.unread.is_some())
    }

    /// What the calls that are left take at most, with their hooks.
    pub fn longest(&self) -> Duration {
        let of_unread = self.unread.as_ref();
        of_unread.map_or(Duration::ZERO, |unread| self.hooks_of(unread.resource))
            + self
                .left
                .as_slice()
                .iter()
                .map(|call| self.of(call))
                .sum::<Duration>()
    }

    /// What the next step takes at most.
    pub fn next_takes(&self) -> Duration {
        match (&self.unread, self.left.as_slice().first()) {
            (Some(unread), _) => self.hooks_of(unread.resource),
            (None, Some(next)) => self.of(next),
            (None, None) => Duration::ZERO,
        }
    }

    fn of(&self, call: &Resource) -> Duration {
        self.session.outbound.total_timeout() + self.hooks_of(call)
    }

    fn hooks_of(&self, call: &Resource) -> Duration {
        let runner = self.session.runner.as_ref();
        runner.map_or(Duration::ZERO, |runner| {
            hooks::longest(runner.scripts, self.session.element, call)
        })
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
        // With its type, which is many layers deep, out of sight.
        let made = self.make_next().boxed().await;
        let spent = self.spent;
        made.map_err(|error| {
            let besides = if self.can_go_on_after(&error) {
                KEPT
            } else {
                SPENT
            };
            match error {
                Error::Vendor(failure) if spent => Error::Vendor(Box::new(VendorFailure {
                    blame: Blame::Nobody,
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
    pub(super) fn prepare(
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

    pub(super) fn inputs<'i>(&'i self, prepared: &'i Prepared) -> Inputs<'i> {
        Inputs {
            configuration: &prepared.configuration,
            previous: self.previous.as_ref(),
            request: Some(&prepared.parameters),
            now: prepared.now,
        }
    }

    pub(super) fn build(&self, resource: &Resource, prepared: &Prepared) -> Result<VendorRequest> {
        let Session { element, group, .. } = self.session;
        let inputs = self.inputs(prepared);
        request::build(element, group, resource, &inputs).map_err(unbuilt)
    }

    async fn make_next(&mut self) -> Result<()> {
        self.blame = None;
        if let Some(unread) = self.unread.take() {
            return Box::pin(self.look_at(unread)).await;
        }
        let Some(resource) = self.left.next() else {
            return Ok(());
        };
        let moment = moment();
        let mut prepared = self.prepare(resource, self.client, &moment)?;
        let mut request = self.build(resource, &prepared)?;
        if let Some(client) = self.client {
            self.check_signs_for_its_own(client)?;
            self.check_stays_home(resource, client, &request, &moment)?;
        }
        let mut hooks = self.hooks(resource, &prepared)?;
        let mut instead = None;
        if let Some(hooks) = &mut hooks {
            let before = self.before(resource, &mut prepared, hooks, &mut request);
            instead = Box::pin(before).await?;
        }
        if let Some(answer) = instead {
            return self.skipped(resource, answer, prepared, hooks).await;
        }
        let answer = self.send(resource, request, &prepared).await?;
        self.answered(resource, answer, prepared, hooks).await
    }

    async fn send(
        &mut self,
        resource: &Resource,
        request: VendorRequest,
        prepared: &Prepared,
    ) -> Result<VendorReply> {
        let session = self.session;
        let spends = self.spends && resource.kind.gets_token();
        let traced = self.trace.map(|trace| trace.sent(&request, prepared));
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
            trace.answered(call, &answer, prepared);
        }
        Ok(answer)
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

/// What these calls take at most, with the hooks around them.
pub fn longest(
    outbound: &Outbound,
    scripts: &Scripts,
    element: &Element,
    calls: &[&Resource],
) -> Duration {
    let each = |call: &&Resource| outbound.total_timeout() + hooks::longest(scripts, element, call);
    calls.iter().map(each).sum()
}
