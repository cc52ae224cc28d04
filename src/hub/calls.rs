//! The vendor's calls that one hub call is made of, each with the credentials that are good at its
//! time.
//!
//! A call is made again in two cases, once each. The vendor does not take the tokens, and has new
//! ones been got: then the call is repeated if the status says that nothing was done, or if doing it
//! twice is doing it once. The connection broke, or there was none: then what only reads is repeated.
//! Everything else is the caller's to decide, who is told how long the vendor wants to be left alone.

use bunsen_engine::reply::Blame;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bunsen_engine::configuration::Values;
use bunsen_engine::element::{Element, Kind, Resource};
use bunsen_engine::hub::hook::Said;
use bunsen_engine::hub::{self, Caller};
use bunsen_engine::reply::{Fault, VendorReply};
use bunsen_engine::request::Inputs;
use http::{Method, StatusCode, header};

use super::hooks::Making;
use super::keyed::{self, Mark};
use super::link::{Link, completed};
use super::{Called, Content};
use crate::app::CallLimits;
use crate::error::{Error, Result, VendorFailure};
use crate::exchange::{self, Came};
use crate::headers;
use crate::hooks::Hooks;
use crate::outbound::{Payload, SendError};
use crate::ready::{MOST_CALLS, Ready};

/// Calls that follow one another.
#[derive(Debug)]
pub struct Calls<'a, 'c> {
    ready: Ready<'a>,
    /// Of the instance, with everything that counts laid under them.
    values: Arc<Values>,
    previous: Option<VendorReply>,
    renewed: bool,
    /// By which the vendor was asked last, whatever the definition says and a hook makes of it.
    sent: Method,
    /// It is known whether that has helped.
    judged: bool,
    /// Of a call with an `Idempotency-Key`.
    pub mark: Option<Mark>,
    /// What was said of the last answer beside its content.
    pub said: Said,
    /// What was not done as the definition says.
    pub notices: Vec<String>,
    called: &'c mut Called,
}

/// What is left to do after an attempt.
enum Attempt {
    Done(Option<Content>),
    /// The connection broke.
    Broken(SendError),
    /// What the vendor says, and with which status.
    Refused(Fault, StatusCode),
}

impl<'a, 'c> Calls<'a, 'c> {
    pub async fn new(ready: Ready<'a>, called: &'c mut Called) -> Result<Self> {
        let values = ready.effective().await?;
        let until = Instant::now() + ready.call_limits().time;
        called.until.get_or_insert(until);
        Ok(Self {
            ready,
            values,
            previous: None,
            renewed: false,
            sent: Method::GET,
            judged: false,
            mark: None,
            said: Said::default(),
            notices: Vec::new(),
            called,
        })
    }

    pub fn limits(&self) -> CallLimits {
        self.ready.call_limits()
    }

    pub fn ready(&self) -> &Ready<'a> {
        &self.ready
    }

    /// Whether the hub call has made as many calls of the vendor, or has taken as long, as one may.
    pub fn are_used_up(&self) -> bool {
        self.called.is_used_up()
    }

    pub fn element(&self) -> &'a Element {
        self.ready.element
    }

    /// What the calls from here on are of.
    pub fn names(&mut self, resource: &Resource) {
        self.called.resource = super::named(resource);
    }

    /// Whether the last call has changed something at the vendor.
    pub fn has_written(&self) -> bool {
        !self.sent.is_safe()
    }

    pub fn values(&self) -> &Values {
        &self.values
    }

    /// Makes the call. `None`: there is none to be made any more.
    ///
    /// # Errors
    /// What the vendor says, in our caller's terms, or that there is no answer.
    pub async fn make(
        &mut self,
        link: &mut Link<'_, 'a>,
        caller: &Caller<'_>,
    ) -> Result<Option<Content>> {
        let mut broken = false;
        loop {
            let resource = link.resource();
            if self.are_used_up() {
                return Err(used_up(
                    &resource.step(),
                    self.called.attempts,
                    self.limits(),
                ));
            }
            match self.attempt(link, caller).await? {
                Attempt::Done(content) => {
                    self.judge(true).await;
                    return Ok(content);
                }
                Attempt::Broken(error) => {
                    let harmless = self.sent.is_safe() && resource.once.is_none();
                    if broken || !harmless || !may_pass(&error) {
                        let element = self.ready.element;
                        let entry = element.host_entry(resource);
                        let error = exchange::unsent(element, &resource.step(), entry, &error);
                        return Err(match link.form() {
                            Some(form) => form.judge(error),
                            None => error,
                        });
                    }
                    broken = true;
                }
                Attempt::Refused(fault, status) => {
                    let again = link.form().is_none_or(|form| form.is_left());
                    let sure = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
                    // An answer that is read as a refusal may come after the vendor had acted.
                    let again = again && (sure || self.sent.is_idempotent());
                    if !self.renew(&fault, again).await? {
                        let session = self.ready.session();
                        let nothing = Values::new();
                        return Err(exchange::failed(&session, &self.values, &nothing, fault));
                    }
                }
            }
        }
    }

    /// Why there is nothing to do about a call but to wait: the vendor, a budget or the time of the hub
    /// call is used up.
    ///
    /// # Errors
    /// Any other `error`.
    pub fn waits(&self, error: Error) -> Result<String> {
        let wait = match &error {
            Error::OverBudget { .. } => None,
            Error::Vendor(failure) if failure.status == 429 => failure.retry_after.as_deref(),
            Error::Vendor(failure) if failure.status == 502 && self.are_used_up() => None,
            _ => return Err(error),
        };
        let text = error.to_string();
        let text = text.trim_end_matches('.');
        Ok(match wait {
            Some(wait) => format!("{text} (Retry-After: {wait})"),
            None => text.to_owned(),
        })
    }

    async fn attempt(&mut self, link: &mut Link<'_, 'a>, caller: &Caller<'_>) -> Result<Attempt> {
        let resource = link.resource();
        let element = self.ready.element;
        let session = self.ready.session();
        let (now, parameters) = exchange::prepared(&session, resource, &self.values)?;
        let inputs = Inputs {
            configuration: &self.values,
            previous: self.previous.as_ref(),
            request: Some(&parameters),
            now,
        };
        let ready = &self.ready;
        let leave = ready.large(caller.body.len()).await;
        let Some(request) = leave.work(|| link.request(ready, &inputs, caller)) else {
            return Ok(Attempt::Done(None));
        };
        let mut request = request.map_err(exchange::unbuilt)?;
        let (runner, group) = (self.ready.runner(), self.ready.group);
        let mut hooks = Hooks::of(runner, (element, group), resource, &inputs, caller);
        let mut changed = Values::new();
        let instead = match &mut hooks {
            Some(hooks) => {
                let instead = {
                    let called = Mutex::new(&mut *self.called);
                    let making = Making {
                        ready: &self.ready,
                        mark: self.mark.as_ref(),
                        called: &called,
                    };
                    let before = hooks.before(&mut request, |wanted| making.call(wanted));
                    Box::pin(before).await
                };
                changed = hooks.take_changed();
                // A session that a hook has begun is kept whatever comes of the call.
                self.keep(&changed).await?;
                instead?
            }
            None => None,
        };
        let asked = instead.is_none();
        self.sent.clone_from(&request.method);
        let came = match instead {
            Some(reply) => Ok(Came { reply, file: None }),
            None => {
                let turn = self.ready.turn_of(Kind::Of(resource)).await?;
                let mut streamed = None;
                if let Some(form) = link.form() {
                    let parts = hub::parts(element, resource, &inputs, caller);
                    let parts = parts.map_err(exchange::unbuilt)?;
                    let (kind, payload) = Box::pin(form.payload(parts)).await?;
                    request.headers.insert(header::CONTENT_TYPE, kind);
                    match payload {
                        Payload::Bytes(bytes) => request.body = bytes,
                        payload @ Payload::Stream(_) => streamed = Some(payload),
                    }
                }
                if let Some(mark) = &self.mark {
                    Box::pin(keyed::sending(mark, resource, &self.sent)).await?;
                }
                let turn = turn.used();
                let began = Instant::now();
                let came = exchange::ask(&session, request, link.asked(), streamed).await;
                self.called.attempts += 1;
                self.called.vendor_time += began.elapsed();
                let status = came.as_ref().map(|came| came.reply.status);
                self.called.vendor_status = status.as_ref().ok().map(StatusCode::as_u16);
                if let Ok(came) = &came {
                    turn.answered(came.reply.status, &came.reply.headers);
                }
                came
            }
        };
        let Came { mut reply, file } = match came {
            Ok(came) => came,
            Err(error) => {
                if !error.vendor_may_have_seen_it() {
                    keyed::unseen(self.mark.as_ref());
                }
                learn(&mut self.values, changed);
                return Ok(Attempt::Broken(error));
            }
        };
        // What the vendor did with the call is its own status to say, whatever hooks make of it.
        let status = reply.status;
        // Whoever is told that a write failed makes it again.
        let written = asked && !self.sent.is_safe() && status.is_success();
        if asked {
            keyed::answered(self.mark.as_ref(), status);
        }
        let mut unchanged = true;
        let mut said = Said::default();
        let failed = |error| if written { done(&error) } else { error };
        if let Some(mut hooks) = hooks {
            let came = (reply.status, reply.body.clone());
            let after = {
                let called = Mutex::new(&mut *self.called);
                let making = Making {
                    ready: &self.ready,
                    mark: self.mark.as_ref(),
                    called: &called,
                };
                let after = hooks.after(&mut reply, |wanted| making.call(wanted));
                Box::pin(after).await
            };
            unchanged = came == (reply.status, reply.body.clone());
            said = hooks.take_said();
            let later = hooks.take_changed();
            self.keep(&later).await.map_err(failed)?;
            after.map_err(failed)?;
            changed.extend(later);
        }
        let ready = &self.ready;
        let leave = ready.large(reply.body.len()).await;
        let (read, mut given) = leave.work(|| {
            let (content, whole) = match link.read(ready, &inputs, &reply) {
                Ok(read) => read,
                Err(fault) => return (Err(fault), None),
            };
            let (element, group) = (ready.element, ready.group);
            let give = || hub::given(element, group, resource, &inputs, caller, &reply, whole);
            let given = resource.gives.then(|| Box::new(give()));
            (Ok(content), given)
        });
        if let Some(given) = &mut given {
            let stored = std::mem::take(&mut given.configuration);
            self.keep(&stored).await.map_err(failed)?;
            changed.extend(stored);
        }
        learn(&mut self.values, changed);
        match read {
            Err(fault) => {
                if asked && unchanged {
                    keyed::refused(self.mark.as_ref(), status, &fault);
                }
                Ok(Attempt::Refused(fault, status))
            }
            Ok(mut content) => {
                if let Some(given) = given {
                    content = completed(content, &given);
                    said.headers.extend(given.headers);
                    self.notices.extend(given.notices);
                }
                self.said = said;
                let is_file = link.is_file();
                let headers = || headers::for_caller(reply.headers.clone(), StatusCode::OK);
                let content = match file.filter(|_| reply.body.is_empty()) {
                    Some(mut file) => {
                        file.headers = headers();
                        Content::File(file)
                    }
                    None if is_file => Content::Held {
                        headers: headers(),
                        body: reply.body.clone(),
                    },
                    None => content,
                };
                self.previous = Some(reply);
                Ok(Attempt::Done(Some(content)))
            }
        }
    }

    /// Stores what hooks have changed.
    async fn keep(&self, changed: &Values) -> Result<()> {
        match changed.is_empty() {
            true => Ok(()),
            false => Box::pin(self.ready.keep(changed)).await,
        }
    }

    /// What became of the first call with tokens that were renewed for it.
    async fn judge(&mut self, helped: bool) {
        if self.renewed && !self.judged {
            self.judged = true;
            self.ready.helped(helped).await;
        }
    }

    /// After a refusal of the tokens; `true`: the call, which may be made `again`, is to be.
    async fn renew(&mut self, fault: &Fault, again: bool) -> Result<bool> {
        if fault.status == 401 {
            self.judge(false).await;
            self.ready.doubt();
        }
        if fault.status != 401 || self.renewed || !self.ready.renews() {
            return Ok(false);
        }
        if !again {
            self.ready.renew_behind();
            return Ok(false);
        }
        let Some(fresh) = self.ready.renewed().await? else {
            return Ok(false);
        };
        // Somebody has logged in another way: there the resource may be another, or none.
        if fresh.group.name != self.ready.group.name {
            return Ok(false);
        }
        self.values = fresh.effective().await?;
        self.ready = fresh;
        self.renewed = true;
        Ok(true)
    }
}

fn used_up(step: &str, attempts: u32, limits: CallLimits) -> Error {
    Error::Vendor(Box::new(VendorFailure {
        blame: Blame::Nobody,
        status: 502,
        message: format!(
            "The step {step} was not made: the call has made {attempts} calls of the vendor, of \
             {MOST_CALLS} that it may, or has taken longer than {} seconds (--hub-call-timeout).",
            limits.time.as_secs()
        ),
        provider_message: None,
        retry_after: None,
    }))
}

/// What hooks have changed counts for the calls that follow.
fn learn(values: &mut Arc<Values>, changed: Values) {
    if !changed.is_empty() {
        Arc::make_mut(values).extend(changed);
    }
}

/// Behind a write that the vendor has accepted.
fn done(error: &Error) -> Error {
    Error::Vendor(Box::new(VendorFailure {
        blame: Blame::Nobody,
        status: 500,
        message: format!(
            "{} what a hook makes of the answer failed: {error}",
            keyed::DONE
        ),
        provider_message: None,
        retry_after: None,
    }))
}

/// Whether the next try may come through: neither the guard nor the vendor has said no, and nobody
/// has waited to the end of their patience.
fn may_pass(error: &SendError) -> bool {
    match error {
        SendError::NotSent { .. } | SendError::Cut { .. } => true,
        SendError::Refused(_)
        | SendError::TimedOut { .. }
        | SendError::TooLarge { .. }
        | SendError::Malformed { .. } => false,
    }
}
