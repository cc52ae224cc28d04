//! What hooks have to do with the calls of a log-in, a renewal or a deletion: they change what is sent,
//! make of an answer what the definition reads, and what they say of the configuration counts as
//! returned by their call.
//!
//! An answer that stands for something which is used up exists nowhere else. Until its hooks have run
//! it counts as it is, and if they fail it goes on to; what only they can read of it is lost with them.

use bunsen_engine::reply::Blame;
use std::sync::atomic::{AtomicU32, Ordering};

use bunsen_engine::configuration::Values;
use bunsen_engine::element::{HostRule, Resource};
use bunsen_engine::hub::Caller;
use bunsen_engine::oauth::{self, Page};
use bunsen_engine::reply::{self, Fault, Reply, VendorReply};
use bunsen_engine::request::{self, Inputs, VendorRequest};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use super::calls::{Calls, Prepared};
use super::passed::moment;
use super::{Session, check_returned, failed, unbuilt};
use crate::error::{Error, Result, VendorFailure};
use crate::hooks::Hooks;
use crate::outbound::check_url;

const STRANGERS: Error = Error::Unauthenticated(
    "Scripts of this element have a part in this, which run for an organization: send the User and \
     Organization secrets.",
);

/// What a vendor has answered, before hooks have seen it.
pub(super) struct Unread<'a> {
    pub resource: &'a Resource,
    pub answer: VendorReply,
    prepared: Prepared,
    hooks: Option<Hooks<'a>>,
    /// What had been returned before it, and was lost.
    before: Values,
    lost_before: bool,
    /// By what it says itself the vendor has done nothing.
    refused: bool,
    /// It can be read as it is.
    legible: bool,
}

impl std::fmt::Debug for Unread<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unread").finish_non_exhaustive()
    }
}

/// Where a call that a stored client's secret has a part in may go.
enum Bound {
    /// Wherever the element may.
    Nowhere,
    /// To this host and port; `None`: to none.
    To(Option<(String, u16)>),
}

impl Bound {
    fn covers(&self, url: &Url) -> bool {
        match self {
            Self::Nowhere => true,
            Self::To(home) => home.is_some() && *home == request::host_and_port(url),
        }
    }
}

impl<'a> Calls<'a> {
    pub(super) fn hooks(
        &self,
        resource: &'a Resource,
        prepared: &Prepared,
    ) -> Result<Option<Hooks<'a>>> {
        let Session { element, group, .. } = *self.session;
        if !element.has_hooks(resource) {
            return Ok(None);
        }
        let runner = self.session.runner.ok_or(STRANGERS)?;
        let headers = HeaderMap::new();
        let caller = Caller::nobody(&prepared.parameters, &headers);
        let inputs = self.inputs(prepared);
        let hooks = Hooks::of(runner, (element, group), resource, &inputs, &caller);
        Ok(hooks.map(Hooks::patiently))
    }

    /// Runs the hooks before a call. An answer means that the vendor is not asked.
    pub(super) async fn before(
        &mut self,
        resource: &Resource,
        prepared: &mut Prepared,
        hooks: &mut Hooks<'a>,
        request: &mut VendorRequest,
    ) -> Result<Option<VendorReply>> {
        let bound = self.bound(resource, prepared.now);
        self.stays(&bound, resource, &request.url)?;
        let aside = AtomicU32::new(0);
        let ran = hooks.before(request, |wanted| self.aside(wanted, &bound, &aside));
        let ran = ran.await;
        self.learn(resource, prepared, hooks)?;
        self.after_aside(resource, &aside, ran.is_err());
        let instead = ran?;
        self.stays(&bound, resource, &request.url)?;
        Ok(instead)
    }

    /// A hook has answered in the vendor's place.
    pub(super) async fn skipped(
        &mut self,
        resource: &'a Resource,
        answer: VendorReply,
        prepared: Prepared,
        hooks: Option<Hooks<'a>>,
    ) -> Result<()> {
        let unread = Unread {
            refused: true,
            ..self.unread(resource, answer, prepared, hooks)
        };
        Box::pin(self.look_at(unread)).await
    }

    /// Takes what the vendor says. Where it must not be lost and hooks follow, they run in a step of
    /// their own.
    pub(super) async fn answered(
        &mut self,
        resource: &'a Resource,
        answer: VendorReply,
        prepared: Prepared,
        hooks: Option<Hooks<'a>>,
    ) -> Result<()> {
        let hooks = hooks.filter(Hooks::follow);
        let mut unread = self.unread(resource, answer, prepared, hooks);
        let read = self.read(resource, &unread.prepared, &unread.answer);
        unread.judge(&read);
        let counts = (self.spends && resource.kind.gets_token()) || resource.once.is_some();
        if counts && !unread.refused && unread.hooks.is_some() {
            self.waits(unread, read.ok());
            return Ok(());
        }
        Box::pin(self.look_at(unread)).await
    }

    /// An answer that was stored before its hooks had run.
    pub(super) fn take_up(&mut self, resource: &'a Resource, answer: VendorReply) -> Result<()> {
        let prepared = self.prepare(resource, self.client, &moment())?;
        let mut hooks = self.hooks(resource, &prepared)?;
        if let (Some(hooks), Ok(request)) = (&mut hooks, self.build(resource, &prepared)) {
            hooks.plan(&request);
        }
        let mut unread = self.unread(resource, answer, prepared, hooks);
        let read = self.read(resource, &unread.prepared, &unread.answer);
        unread.judge(&read);
        self.waits(unread, read.ok());
        Ok(())
    }

    fn unread(
        &self,
        resource: &'a Resource,
        answer: VendorReply,
        prepared: Prepared,
        hooks: Option<Hooks<'a>>,
    ) -> Unread<'a> {
        Unread {
            resource,
            answer,
            prepared,
            hooks,
            before: self.returned.clone(),
            lost_before: self.lost,
            refused: false,
            legible: false,
        }
    }

    fn waits(&mut self, unread: Unread<'a>, read: Option<Reply>) {
        let spends = self.spends && unread.resource.kind.gets_token();
        self.uses_up(unread.resource);
        self.lost |= spends && !unread.legible;
        self.returned.extend(read.unwrap_or_default().configuration);
        self.unread = Some(unread);
    }

    /// Runs the hooks after an answer, and reads what they have made of it.
    pub(super) async fn look_at(&mut self, unread: Unread<'a>) -> Result<()> {
        let Unread {
            resource,
            mut answer,
            mut prepared,
            hooks,
            before,
            lost_before,
            refused,
            legible,
        } = unread;
        let mut hooked = false;
        let mut said = Values::new();
        if let Some(mut hooks) = hooks {
            hooked = true;
            if resource.kind.gets_token() {
                hooks.hide(&answer);
            }
            let bound = self.bound(resource, prepared.now);
            let aside = AtomicU32::new(0);
            let ran = hooks.after(&mut answer, |wanted| self.aside(wanted, &bound, &aside));
            let ran = ran.await;
            said = self.learn(resource, &mut prepared, &mut hooks)?;
            self.after_aside(resource, &aside, ran.is_err());
            ran?;
        }
        let session = self.session;
        let read = self.read(resource, &prepared, &answer);
        let spends = self.spends && resource.kind.gets_token();
        self.blame = read.as_ref().err().map(|fault| fault.blame);
        // Only a refusal leaves things, and a code, as they were.
        let refused = match hooked {
            true => refused,
            false => refused || read.as_ref().is_err_and(|fault| refuses(&answer, fault)),
        };
        if !refused || read.is_ok() {
            self.uses_up(resource);
            self.lost |= spends && read.is_err() && !legible;
            self.unsure |= read.is_err() && resource.once.is_some();
        }
        let read = read.map_err(|fault| {
            failed(session, &prepared.configuration, &self.login.brought, fault)
        })?;
        check_returned(session, resource, &read.configuration)?;
        self.lost = lost_before;
        self.returned = before;
        self.returned.extend(said);
        self.returned.extend(read.configuration);
        self.previous = Some(answer);
        self.done += 1;
        Ok(())
    }

    fn uses_up(&mut self, resource: &Resource) {
        self.spent |= self.spends && resource.kind.gets_token();
        self.made |= resource.once.is_some();
    }

    /// A script that changes something at the vendor may have used up what the call begins with.
    fn after_aside(&mut self, resource: &Resource, aside: &AtomicU32, failed: bool) {
        if aside.load(Ordering::Relaxed) == 0 {
            return;
        }
        self.uses_up(resource);
        if failed {
            self.lost |= self.spends && resource.kind.gets_token() && self.unread.is_none();
            self.unsure |= resource.once.is_some();
        }
    }

    /// What hooks say of the configuration counts as returned, for this call already.
    fn learn(
        &mut self,
        resource: &Resource,
        prepared: &mut Prepared,
        hooks: &mut Hooks<'a>,
    ) -> Result<Values> {
        let changed = hooks.take_changed();
        check_returned(self.session, resource, &changed)?;
        prepared.configuration.extend(changed.clone());
        // A vendor may repeat what is secret, also when it is so no more.
        prepared.parameters.extend(hooks.replaced().clone());
        self.returned.extend(changed.clone());
        Ok(changed)
    }

    fn read(
        &self,
        resource: &Resource,
        prepared: &Prepared,
        answer: &VendorReply,
    ) -> Result<Reply, Fault> {
        let Session { element, group, .. } = self.session;
        reply::read(element, group, resource, &self.inputs(prepared), answer)
    }

    /// A call that a script wants to be made: to the element's hosts and no others.
    async fn aside(
        &self,
        wanted: VendorRequest,
        bound: &Bound,
        aside: &AtomicU32,
    ) -> Result<VendorReply, String> {
        if !bound.covers(&wanted.url) {
            return Err("the stored OAuth client is not for this host".to_owned());
        }
        if !wanted.method.is_safe() {
            aside.fetch_add(1, Ordering::Relaxed);
        }
        let session = self.session;
        let sent = session.outbound.send(wanted, &session.destination()).await;
        sent.map_err(|error| error.to_string())
    }

    /// Hooks see a stored client's secret, which is not for a host that the instance names.
    fn bound(&self, resource: &Resource, now: i64) -> Bound {
        let Session { element, group, .. } = self.session;
        match self.client {
            Some(client) if !matches!(element.hosts, HostRule::Suffixes(_)) => {
                let of_client = Inputs {
                    configuration: client,
                    previous: None,
                    request: None,
                    now,
                };
                Bound::To(request::called(element, group, resource, &of_client))
            }
            _ => Bound::Nowhere,
        }
    }

    fn stays(&self, bound: &Bound, resource: &Resource, url: &Url) -> Result<()> {
        match bound.covers(url) {
            true => Ok(()),
            false => Err(self.not_for_this_host(resource)),
        }
    }
}

impl Unread<'_> {
    fn judge(&mut self, read: &Result<Reply, Fault>) {
        let refused = read.as_ref();
        self.refused = refused.is_err_and(|fault| refuses(&self.answer, fault));
        self.legible = read.is_ok();
    }
}

/// The address of the vendor's page where a person allows access, as hooks make it where the definition
/// has some for it. `None`: this log-in has no such page.
///
/// # Errors
/// 400 names the configuration entry; 401 where hooks run and nobody in particular asks; 500 for an
/// address that no browser is sent to.
pub async fn page(
    session: &Session<'_>,
    configuration: &Values,
    brought: &Values,
) -> Result<Option<Url>> {
    let Session { element, group, .. } = *session;
    let Some(page) = oauth::page(element, group, configuration, brought) else {
        return Ok(None);
    };
    let Page {
        resource,
        parameters,
        request,
    } = page.map_err(unbuilt)?;
    if !element.has_hooks(resource) {
        return Ok(Some(request.map_err(unbuilt)?.url));
    }
    let runner = session.runner.ok_or(STRANGERS)?;
    // Where the hooks make all of the address, the definition says too little of it.
    let (mut request, unbuilt_as) = match request {
        Ok(request) => (request, None),
        Err(error) => (nowhere()?, Some(error)),
    };
    let effective = element.effective(group, configuration);
    let inputs = Inputs {
        configuration: &effective,
        previous: None,
        request: Some(&parameters),
        now: moment().0,
    };
    let headers = HeaderMap::new();
    let caller = Caller::nobody(&parameters, &headers);
    let hooks = Hooks::of(runner, (element, group), resource, &inputs, &caller);
    let Some(mut hooks) = hooks else {
        return Ok(Some(request.url));
    };
    let call = async |wanted: VendorRequest| {
        let sent = session.outbound.send(wanted, &session.destination()).await;
        sent.map_err(|error| error.to_string())
    };
    let instead = hooks.before(&mut request, call).await?;
    // No vendor is asked for a page that is for people.
    let mut answer = instead.unwrap_or_else(bunsen_engine::hub::hook::skipped);
    if answer.body.is_empty() && unbuilt_as.is_none() {
        answer.body = Bytes::from(String::from(request.url));
    }
    hooks.after(&mut answer, call).await?;
    let wrong = |why: &dyn std::fmt::Display| {
        Error::Vendor(Box::new(VendorFailure {
            blame: Blame::Nobody,
            status: 500,
            message: format!(
                "The hooks of element '{}' for {} name no page that a browser is sent to: {why}.",
                element.key, resource.path
            ),
            provider_message: None,
            retry_after: None,
        }))
    };
    if !answer.status.is_success() {
        return Err(wrong(&format!(
            "they answer with status {}",
            answer.status.as_u16()
        )));
    }
    let text = serde_json::from_slice::<String>(&answer.body).ok();
    let text = text.unwrap_or_else(|| String::from_utf8_lossy(&answer.body).into_owned());
    if let (true, Some(error)) = (text.trim().is_empty(), unbuilt_as) {
        return Err(unbuilt(error));
    }
    let mut url = Url::parse(text.trim()).map_err(|_| wrong(&"response_body is no URL"))?;
    check_url(&url, &session.destination()).map_err(|refusal| wrong(&refusal))?;
    if let Some(state) = parameters.get("state").filter(|_| !group.is_oauth1()) {
        with_state(&mut url, state.reveal());
    }
    Ok(Some(url))
}

/// By its state an application knows again whose browser comes back.
fn with_state(url: &mut Url, state: &str) {
    let is_state = |name: &str| name == "state";
    let has = |url: &Url| {
        let mut pairs = url.query_pairs();
        pairs.any(|(name, value)| is_state(&name) && value == state)
    };
    if has(url) {
        return;
    }
    let others: Vec<(String, String)> = url
        .query_pairs()
        .into_owned()
        .filter(|(name, _)| !is_state(name))
        .collect();
    let mut pairs = url.query_pairs_mut();
    pairs
        .clear()
        .extend_pairs(others)
        .append_pair("state", state);
}

fn nowhere() -> Result<VendorRequest> {
    Ok(VendorRequest {
        method: Method::GET,
        url: Url::parse("https://vendor.invalid/").map_err(Error::internal)?,
        headers: HeaderMap::new(),
        body: Bytes::new(),
    })
}

/// Whether the vendor has said that it did nothing: by its status, or by what the definition reads
/// as a refusal of the credentials or of so many calls. Whatever else cannot be read, a gateway's
/// page say, may have come after the vendor had acted.
fn refuses(answer: &VendorReply, fault: &Fault) -> bool {
    let timed_out = answer.status == StatusCode::REQUEST_TIMEOUT;
    (answer.status.is_client_error() && !timed_out) || matches!(fault.status, 401 | 403 | 429)
}
