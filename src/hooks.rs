//! Hooks around one call of the vendor's, whoever makes it: the element's and the resource's before
//! it, the resource's and the element's after it. What they are told and what they change is the
//! engine's business, where they run is `scripts`', and how the calls are made that they want to be
//! made is whoever's who has them run; here it is put in order.

use bunsen_engine::reply::Blame;
use std::time::{Duration, Instant};

use bunsen_engine::configuration::Values;
use bunsen_engine::element::{Element, Group, Hook, HookKind, Resource};
use bunsen_engine::hub::Caller;
use bunsen_engine::hub::hook::{HookError, Hooked, Next, Said, skipped};
use bunsen_engine::reply::VendorReply;
use bunsen_engine::request::{Inputs, VendorRequest};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value as Json;
use serde_json::value::to_raw_value;
use url::Url;

use crate::error::{Error, Result, VendorFailure};
use crate::ids::OrganizationId;
use crate::scripts::{HttpAnswer, HttpCall, Script, ScriptError, Scripts};

/// How long hooks are tried that wait for a place, and from one try to the next.
const PATIENCE: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_millis(500);

/// Where hooks run, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct Runner<'a> {
    pub scripts: &'a Scripts,
    pub organization: OrganizationId,
}

/// The hooks of one call, between the first and the last of them.
#[derive(Debug)]
pub struct Hooks<'a> {
    runner: Runner<'a>,
    element: &'a Element,
    resource: &'a Resource,
    hooked: Hooked<'a>,
    /// The request's variables, for the hooks after it.
    planned: Json,
    /// They wait for a place, where others would be told to come again.
    patient: bool,
}

/// The time that the hooks around this call take at most, waiting for their turn included.
pub fn longest(scripts: &Scripts, element: &Element, resource: &Resource) -> Duration {
    if !element.has_hooks(resource) {
        return Duration::ZERO;
    }
    let hooks = element.hooks_before(resource).count() + element.hooks_after(resource).count();
    let hooks = u32::try_from(hooks).unwrap_or(u32::MAX);
    scripts.longest_run().saturating_mul(hooks)
}

impl<'a> Hooks<'a> {
    /// `None`: nothing runs around this call, and nothing is prepared.
    pub fn of(
        runner: Runner<'a>,
        (element, group): (&'a Element, &Group),
        resource: &'a Resource,
        inputs: &Inputs<'_>,
        caller: &Caller<'_>,
    ) -> Option<Self> {
        element.has_hooks(resource).then(|| Self {
            runner,
            element,
            resource,
            hooked: Hooked::new(element, group, resource, inputs, caller),
            planned: Json::Null,
            patient: false,
        })
    }

    /// What the call has used up nobody gives again: that others keep this server's scripts busy is
    /// no reason to fail.
    pub fn patiently(self) -> Self {
        Self {
            patient: true,
            ..self
        }
    }

    /// Runs those before the call. An answer means that the vendor is not asked. `call` makes the
    /// calls that they want to be made, and says in words why one cannot be made.
    ///
    /// # Errors
    /// 400 with what a hook wants to be told, 500 when one fails.
    pub async fn before<C, F>(
        &mut self,
        request: &mut VendorRequest,
        call: C,
    ) -> Result<Option<VendorReply>>
    where
        C: Fn(VendorRequest) -> F,
        F: Future<Output = Result<VendorReply, String>>,
    {
        let element: &'a Element = self.element;
        let mut instead = None;
        for hook in element.hooks_before(self.resource) {
            let variables = self.hooked.before(request);
            let result = self.run(hook, &variables, &call).await?;
            let next = self.hooked.apply_before(result.as_ref(), request);
            if next.map_err(|error| self.told(hook, error))? == Next::Skip {
                let mut reply = skipped();
                let applied = self.hooked.apply_after(result.as_ref(), &mut reply);
                applied.map_err(|error| self.told(hook, error))?;
                instead = Some(reply);
                break;
            }
        }
        self.plan(request);
        Ok(instead)
    }

    /// What hooks after the call are told of its request.
    pub fn plan(&mut self, request: &VendorRequest) {
        if self.follow() {
            self.planned = self.hooked.before(request);
        }
    }

    /// The answer brings tokens, and no text of it is told.
    pub fn hide(&mut self, answer: &VendorReply) {
        self.hooked.hide(answer);
    }

    /// Whether any runs after the call.
    pub fn follow(&self) -> bool {
        self.element.hooks_after(self.resource).next().is_some()
    }

    /// Runs those after the answer.
    ///
    /// # Errors
    /// As [`Hooks::before`].
    pub async fn after<C, F>(&mut self, reply: &mut VendorReply, call: C) -> Result<()>
    where
        C: Fn(VendorRequest) -> F,
        F: Future<Output = Result<VendorReply, String>>,
    {
        let element: &'a Element = self.element;
        for hook in element.hooks_after(self.resource) {
            let variables = self.hooked.after(self.planned.clone(), reply);
            let result = self.run(hook, &variables, &call).await?;
            let applied = self.hooked.apply_after(result.as_ref(), reply);
            applied.map_err(|error| self.told(hook, error))?;
        }
        Ok(())
    }

    /// What they have changed of the instance's configuration since this was asked last.
    pub fn take_changed(&mut self) -> Values {
        self.hooked.take_changed()
    }

    /// What they have said of the answer since this was asked last.
    pub fn take_said(&mut self) -> Said {
        self.hooked.take_said()
    }

    /// Secrets that they have replaced.
    pub fn replaced(&self) -> &Values {
        self.hooked.others()
    }

    async fn run<C, F>(&self, hook: &Hook, variables: &Json, call: &C) -> Result<Option<Json>>
    where
        C: Fn(VendorRequest) -> F,
        F: Future<Output = Result<VendorReply, String>>,
    {
        let script = Script {
            source: &hook.source,
            legacy: hook.legacy,
        };
        let variables = to_raw_value(variables).map_err(Error::internal)?;
        let Runner {
            scripts,
            organization,
        } = self.runner;
        let until = Instant::now() + PATIENCE;
        let ran = loop {
            let run = scripts.run(organization, script, &variables, |wanted| async {
                let reply = call(request_of(wanted)?).await?;
                Ok(answer_of(&reply))
            });
            match run.await {
                Err(ScriptError::Busy | ScriptError::OverShare(_) | ScriptError::LongQueue(_))
                    if self.patient && Instant::now() < until =>
                {
                    tokio::time::sleep(AGAIN).await;
                }
                ran => break ran,
            }
        };
        match ran {
            Ok(output) => Ok(output.result),
            Err(ScriptError::Busy) => Err(Error::Unavailable(
                "This server is busy with other scripts; try again.",
            )),
            Err(ScriptError::OverShare(running)) => Err(Error::OverShare(format!(
                "This organization has {running} scripts running on this server, which is all that \
                 one gets; try again when some are done."
            ))),
            Err(ScriptError::LongQueue(waiting)) => Err(Error::OverShare(format!(
                "This organization has {waiting} scripts waiting for their turn on this server, \
                 which is its limit; try again when some are done."
            ))),
            Err(error @ ScriptError::Unable(_)) => Err(Error::internal(error)),
            Err(error) => Err(self.wrong(hook, error.to_string())),
        }
    }

    fn told(&self, hook: &Hook, error: HookError) -> Error {
        match error {
            HookError::Told(message) => Error::Invalid(self.hooked.told(message)),
            HookError::Wrong(message) => self.wrong(hook, message),
        }
    }

    fn wrong(&self, hook: &Hook, message: String) -> Error {
        // Whoever holds the instance's token sees this, and need not know what the instance holds.
        let message = self.hooked.told(message);
        let kind = match hook.kind {
            HookKind::PreRequest => "preRequest",
            HookKind::PostRequest => "postRequest",
            HookKind::Event => "event",
        };
        let (resource, element) = (self.resource, &self.element.key);
        Error::Vendor(Box::new(VendorFailure {
            blame: Blame::Nobody,
            status: 500,
            message: format!(
                "A {kind} hook of element '{element}' failed for {} {}: {message}",
                resource.method, resource.path
            ),
            provider_message: None,
            retry_after: None,
        }))
    }
}

fn request_of(call: HttpCall) -> Result<VendorRequest, String> {
    let url = Url::parse(&call.url).map_err(|error| format!("{}: {error}", call.url))?;
    let method = Method::from_bytes(call.method.as_bytes())
        .map_err(|_| format!("{} is no method", call.method.escape_debug()))?;
    let mut headers = HeaderMap::new();
    for (name, value) in call.headers {
        let bad = |_| format!("the header {} cannot be sent", name.escape_debug());
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad(()))?;
        let mut value = HeaderValue::from_str(&value).map_err(|_| bad(()))?;
        // Nobody knows what a script has put there.
        value.set_sensitive(true);
        headers.append(parsed, value);
    }
    Ok(VendorRequest {
        method,
        url,
        headers,
        body: Bytes::from(call.body),
    })
}

fn answer_of(reply: &VendorReply) -> HttpAnswer {
    let headers = reply.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    HttpAnswer {
        status: reply.status.as_u16(),
        headers: headers.collect(),
        body: String::from_utf8_lossy(&reply.body).into_owned(),
    }
}
