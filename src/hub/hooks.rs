//! Hooks around one call of the vendor's: the element's and the resource's before it, the
//! resource's and the element's after it. What they are told and what they change is the engine's
//! business, where they run is `scripts`'; here it is put in order.

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

use crate::error::{Error, Result, VendorFailure};
use crate::exchange::{self, Asked};
use crate::ready::Ready;
use crate::scripts::{HttpAnswer, HttpCall, Script, ScriptError};

/// The hooks of one call, between the first and the last of them.
pub struct Hooks<'h, 'a> {
    ready: &'h Ready<'a>,
    resource: &'a Resource,
    hooked: Hooked<'a>,
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
    ) -> Option<Self> {
        let (element, group) = (ready.element, ready.group);
        element.has_hooks(resource).then(|| Self {
            ready,
            resource,
            hooked: Hooked::new(element, group, resource, inputs, caller),
            planned: Json::Null,
        })
    }

    /// Runs those before the call. An answer means that the vendor is not asked.
    ///
    /// # Errors
    /// 400 with what a hook wants to be told, 500 when one fails.
    pub async fn before(&mut self, request: &mut VendorRequest) -> Result<Option<VendorReply>> {
        let element: &'a Element = self.ready.element;
        let mut instead = None;
        for hook in element.hooks_before(self.resource) {
            let result = self.run(hook, &self.hooked.before(request)).await?;
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
    pub async fn after(&mut self, reply: &mut VendorReply) -> Result<()> {
        let element: &'a Element = self.ready.element;
        for hook in element.hooks_after(self.resource) {
            let variables = self.hooked.after(self.planned.clone(), reply);
            let result = self.run(hook, &variables).await?;
            let applied = self.hooked.apply_after(result.as_ref(), reply);
            applied.map_err(|error| self.told(hook, error))?;
        }
        Ok(())
    }

    /// What they have changed of the instance's configuration since this was asked last.
    pub fn take_changed(&mut self) -> Values {
        self.hooked.take_changed()
    }

    async fn run(&self, hook: &Hook, variables: &Json) -> Result<Option<Json>> {
        let script = Script {
            source: &hook.source,
            legacy: hook.legacy,
        };
        let variables = to_raw_value(variables).map_err(Error::internal)?;
        let (scripts, organization) = (self.ready.scripts(), self.ready.organization());
        let run = scripts.run(organization, script, &variables, |call| self.call(call));
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
    async fn call(&self, call: HttpCall) -> Result<HttpAnswer, String> {
        let request = request_of(call)?;
        let asked = exchange::ask(&self.ready.session(), request, Asked::Whole, None).await;
        let reply = asked.map_err(|error| error.to_string())?.reply;
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
