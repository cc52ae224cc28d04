//! Hooks around one call of the vendor's: the element's and the resource's before it, the
//! resource's and the element's after it. What they are told and what they change is the engine's
//! business, where they run is `scripts`'; here it is put in order.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use bunsen_engine::configuration::Values;
use bunsen_engine::element::{Element, Hook, HookKind, Resource};
use bunsen_engine::hub::Caller;
use bunsen_engine::hub::hook::{HookError, Hooked, Next, skipped};
use bunsen_engine::reply::VendorReply;
use bunsen_engine::request::{Inputs, VendorRequest};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value as Json;
use serde_json::value::to_raw_value;
use url::Url;

use super::keyed::{self, Mark};
use crate::error::{Error, Result, VendorFailure};
use crate::exchange::{self, Asked};
use crate::ready::{Called, MOST_CALLS, Ready};
use crate::scripts::{HttpAnswer, HttpCall, Script, ScriptError};

/// The hooks of one call, between the first and the last of them.
pub struct Hooks<'h, 'a> {
    ready: &'h Ready<'a>,
    resource: &'a Resource,
    hooked: Hooked<'a>,
    /// Of a call with an `Idempotency-Key`.
    mark: Option<&'h Mark>,
    /// The request's variables, for the hooks after it.
    planned: Json,
}

impl<'h, 'a> Hooks<'h, 'a> {
    /// `None`: nothing runs around this call, and nothing is prepared.
    pub fn of(
        ready: &'h Ready<'a>,
        resource: &'a Resource,
        inputs: &Inputs<'_>,
        caller: &Caller<'_>,
        mark: Option<&'h Mark>,
    ) -> Option<Self> {
        let (element, group) = (ready.element, ready.group);
        element.has_hooks(resource).then(|| Self {
            ready,
            resource,
            hooked: Hooked::new(element, group, resource, inputs, caller),
            mark,
            planned: Json::Null,
        })
    }

    /// Runs those before the call. An answer means that the vendor is not asked. What they call by
    /// themselves counts as `called`.
    ///
    /// # Errors
    /// 400 with what a hook wants to be told, 500 when one fails.
    pub async fn before(
        &mut self,
        request: &mut VendorRequest,
        called: &mut Called,
    ) -> Result<Option<VendorReply>> {
        let element: &'a Element = self.ready.element;
        let mut instead = None;
        for hook in element.hooks_before(self.resource) {
            let variables = self.hooked.before(request);
            let result = self.run(hook, &variables, called).await?;
            let next = self.hooked.apply_before(result.as_ref(), request);
            if next.map_err(|error| self.told(hook, error))? == Next::Skip {
                let mut reply = skipped();
                let applied = self.hooked.apply_after(result.as_ref(), &mut reply);
                applied.map_err(|error| self.told(hook, error))?;
                instead = Some(reply);
                break;
            }
        }
        if element.hooks_after(self.resource).next().is_some() {
            self.planned = self.hooked.before(request);
        }
        Ok(instead)
    }

    /// Runs those after the answer.
    ///
    /// # Errors
    /// As [`Hooks::before`].
    pub async fn after(&mut self, reply: &mut VendorReply, called: &mut Called) -> Result<()> {
        let element: &'a Element = self.ready.element;
        for hook in element.hooks_after(self.resource) {
            let variables = self.hooked.after(self.planned.clone(), reply);
            let result = self.run(hook, &variables, called).await?;
            let applied = self.hooked.apply_after(result.as_ref(), reply);
            applied.map_err(|error| self.told(hook, error))?;
        }
        Ok(())
    }

    /// What they have changed of the instance's configuration since this was asked last.
    pub fn take_changed(&mut self) -> Values {
        self.hooked.take_changed()
    }

    async fn run(
        &self,
        hook: &Hook,
        variables: &Json,
        called: &mut Called,
    ) -> Result<Option<Json>> {
        // A script may make several calls at once.
        let called = Mutex::new(called);
        let script = Script {
            source: &hook.source,
            legacy: hook.legacy,
        };
        let variables = to_raw_value(variables).map_err(Error::internal)?;
        let (scripts, organization) = (self.ready.scripts(), self.ready.organization());
        let run = scripts.run(organization, script, &variables, |call| {
            self.call(call, &called)
        });
        match run.await {
            Ok(output) => Ok(output.result),
            Err(ScriptError::Busy) => Err(Error::Unavailable(
                "This server is busy with other scripts; try again.",
            )),
            Err(ScriptError::OverShare(running)) => Err(Error::OverShare(format!(
                "This organization has {running} scripts running on this server, which is all that \
                 one gets; try again when some are done."
            ))),
            Err(error @ ScriptError::Unable(_)) => Err(Error::internal(error)),
            Err(error) => Err(self.wrong(hook, error.to_string())),
        }
    }

    /// A call that a script wants to be made: to the element's hosts and no others.
    /// It counts as any other of the vendor's calls.
    async fn call(
        &self,
        call: HttpCall,
        called: &Mutex<&mut Called>,
    ) -> Result<HttpAnswer, String> {
        let request = request_of(call)?;
        let turn = self.ready.turn().await.map_err(|error| error.to_string())?;
        let counted = || called.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut called = counted();
            if called.is_used_up() {
                return Err(format!(
                    "this hub call has made {} calls of the vendor, of {MOST_CALLS} that it may, or \
                     has taken too long (--hub-call-timeout)",
                    called.attempts
                ));
            }
            called.attempts += 1;
        }
        let mark = self.mark.filter(|_| !request.method.is_safe());
        if let Some(mark) = mark {
            let sending = keyed::hook_sending(mark).await;
            sending.map_err(|error| error.to_string())?;
        }
        let began = Instant::now();
        let asked = exchange::ask(&self.ready.session(), request, Asked::Whole, None).await;
        let status = asked.as_ref().ok().map(|came| came.reply.status);
        {
            let mut called = counted();
            called.vendor_time += began.elapsed();
            called.vendor_status = status.map(|status| status.as_u16());
        }
        if let Some(mark) = mark {
            match &asked {
                Err(error) if error.vendor_may_have_seen_it() => {}
                _ => keyed::hook_answered(mark, status),
            }
        }
        let reply = asked.map_err(|error| error.to_string())?.reply;
        turn.answered(reply.status, &reply.headers);
        let headers = reply.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        });
        Ok(HttpAnswer {
            status: reply.status.as_u16(),
            headers: headers.collect(),
            body: String::from_utf8_lossy(&reply.body).into_owned(),
        })
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
        let (resource, element) = (self.resource, &self.ready.element.key);
        Error::Vendor(Box::new(VendorFailure {
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
