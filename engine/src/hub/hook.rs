//! Hooks around one vendor call, without running them: what a script is told, and what its result
//! makes of the request or of the answer.
//!
//! Bodies that are JSON are given as values, others as text. Header names are written as people
//! write them (`Content-Type`), and read without regard to case.

mod said;
#[cfg(test)]
mod tests;
mod variables;

pub use said::Said;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Map, Value as Json};
use url::Url;

use super::Caller;
use crate::configuration::{Value, Values};
use crate::element::{Element, Group, Resource};
use crate::ids::Secret;
use crate::language::scalar_text;
use crate::reply::{VendorReply, without_secrets};
use crate::request::{self, Inputs, VendorRequest};
use variables::{
    body, collect_texts, fields, fixed, headers, is_form, member, parameters, query_pairs, title,
};

/// Characters of a hook's text that are told.
const LONGEST_TEXT: usize = 4000;
/// Bytes of an instance's configuration that hooks make of it at most: keys and values. Where its
/// owner has given more, hooks make it no larger.
pub const LONGEST_CONFIGURATION: usize = 64 * 1024;

/// One call whose hooks are run one after the other.
#[derive(Debug)]
pub struct Hooked<'a> {
    element: &'a Element,
    /// The instance's base URL, without a slash at its end.
    base: Option<Url>,
    /// The answer is a file.
    raw: bool,
    /// What does not change from one hook to the next.
    fixed: Map<String, Json>,
    configuration: Values,
    /// What hooks have changed of it.
    changed: Values,
    said: Said,
    /// Secrets that are none of the configuration, or none any more.
    others: Values,
}

/// What becomes of a call that a hook has seen.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// It goes on.
    On,
    /// The vendor is not asked; the answer is the hook's.
    Skip,
}

/// A result that cannot be used, or an error that the hook wants its caller to have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    /// `response_error`, for the caller.
    #[error("{0}")]
    Told(String),
    /// The script's fault.
    #[error("{0}")]
    Wrong(String),
}

fn wrong(message: impl Into<String>) -> HookError {
    HookError::Wrong(message.into())
}

impl<'a> Hooked<'a> {
    pub fn new(
        element: &'a Element,
        group: &Group,
        resource: &Resource,
        inputs: &Inputs<'_>,
        caller: &Caller<'_>,
    ) -> Self {
        Self {
            element,
            base: request::base(element, group, resource, inputs),
            raw: resource.shape.raw,
            fixed: fixed(element, resource, inputs, caller),
            configuration: inputs.configuration.clone(),
            changed: Values::new(),
            said: Said::default(),
            others: inputs
                .request
                .into_iter()
                .flatten()
                .map(|(name, value)| (format!("request:{name}"), value.clone()))
                .collect(),
        }
    }

    /// What hooks have changed of the instance's configuration, to be stored.
    pub fn take_changed(&mut self) -> Values {
        std::mem::take(&mut self.changed)
    }

    /// Every text of an answer that brings tokens is one of those that nobody is told.
    pub fn hide(&mut self, reply: &VendorReply) {
        let mut texts = Vec::new();
        collect_texts(&body(&reply.body), &mut texts);
        for text in texts {
            let name = format!("answer {}", self.others.len());
            self.others.insert(name, Value::Secret(Secret::new(text)));
        }
    }

    /// What hooks have replaced, and else is known to be secret.
    pub fn others(&self) -> &Values {
        &self.others
    }

    /// What hooks have said of the answer since this was asked last.
    pub fn take_said(&mut self) -> Said {
        std::mem::take(&mut self.said)
    }

    /// What may be told of a hook's text: without secrets of the configuration, as it is by now and
    /// as it was, and not too long. What a script has made of a secret is not known.
    pub fn told(&self, text: String) -> String {
        let mut secrets = self.others.clone();
        secrets.extend(self.configuration.clone());
        let text = without_secrets(text, &secrets);
        let mut text = text.unwrap_or_else(|| "its text is too long to be told".to_owned());
        if let Some((end, _)) = text.char_indices().nth(LONGEST_TEXT) {
            text.truncate(end);
        }
        text
    }

    /// The variables of a hook that runs before the call.
    pub fn before(&self, request: &VendorRequest) -> Json {
        let mut variables = self.fixed.clone();
        let url = &request.url;
        let mut bare = url.clone();
        bare.set_query(None);
        let path = self.below_base(&bare).unwrap_or_else(|| bare.to_string());
        let body = body(&request.body);
        variables.extend([
            member("request_vendor_method", request.method.as_str()),
            member("request_vendor_url", bare.as_str()),
            member("request_vendor_path", path),
            member("request_vendor_parameters", parameters(url)),
            member("request_vendor_headers", headers(&request.headers)),
            member("request_vendor_body_map", fields(&body, &request.headers)),
            member("request_vendor_body", body),
            member("configuration", self.configuration()),
        ]);
        Json::Object(variables)
    }

    /// The variables of a hook that runs after the answer: those of the request as it was sent,
    /// and the answer's.
    pub fn after(&self, planned: Json, reply: &VendorReply) -> Json {
        let mut variables = planned;
        if let Json::Object(variables) = &mut variables {
            let status = reply.status.as_u16();
            variables.extend([
                member("configuration", self.configuration()),
                member("response_body", self.answer(&reply.body)),
                member("response_headers", headers(&reply.headers)),
                member("response_status_code", status),
                member("response_iserror", status >= 400),
            ]);
        }
        variables
    }

    /// Applies what a hook before the call has said. With [`Next::Skip`] the answer is [`skipped`].
    ///
    /// # Errors
    /// [`HookError`].
    pub fn apply_before(
        &mut self,
        result: Option<&Json>,
        request: &mut VendorRequest,
    ) -> Result<Next, HookError> {
        let Some(result) = members(result)? else {
            return Ok(Next::On);
        };
        self.common(result)?;
        if let Some(method) = result.get("request_vendor_method") {
            let text = method.as_str().unwrap_or_default().to_ascii_uppercase();
            let known = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"];
            request.method = Method::from_bytes(text.as_bytes())
                .ok()
                .filter(|_| known.contains(&text.as_str()))
                .ok_or_else(|| wrong("request_vendor_method is no method"))?;
        }
        self.address(result, request)?;
        if let Some(changes) = result.get("request_vendor_headers") {
            change_headers(&mut request.headers, changes, "request_vendor_headers")?;
        }
        let given = ["request_vendor_body", "request_vendor_body_map"];
        let planned = body(&request.body);
        // Scripts hand back both and have changed one.
        let planned_fields = fields(&planned, &request.headers);
        let differing = given.iter().find_map(|name| {
            let given = result.get(*name)?;
            (*given != planned && *given != planned_fields).then_some(given)
        });
        if let Some(given) = differing {
            request.body = written(given, &request.headers);
            request.headers.remove(CONTENT_LENGTH);
        }
        match result.get("continue") {
            Some(Json::Bool(false)) => Ok(Next::Skip),
            _ => Ok(Next::On),
        }
    }

    /// Applies what a hook after the answer has said; also what one before a call that is not made
    /// has said of the answer.
    ///
    /// # Errors
    /// [`HookError`].
    pub fn apply_after(
        &mut self,
        result: Option<&Json>,
        reply: &mut VendorReply,
    ) -> Result<(), HookError> {
        let Some(result) = members(result)? else {
            return Ok(());
        };
        self.common(result)?;
        if let Some(status) = result.get("response_status_code") {
            let number = scalar_text(status).and_then(|text| text.parse().ok());
            reply.status = number
                .filter(|number| (200..600).contains(number))
                .and_then(|number: u16| StatusCode::from_u16(number).ok())
                .ok_or_else(|| wrong("response_status_code is no status of an answer"))?;
            self.said.status = Some(reply.status).filter(StatusCode::is_success);
        }
        if let Some(changes) = result.get("response_headers") {
            let before = reply.headers.clone();
            change_headers(&mut reply.headers, changes, "response_headers")?;
            self.said.learn(changes, &before, &reply.headers);
        }
        if let Some(given) = result.get("response_body")
            && *given != self.answer(&reply.body)
        {
            for name in [CONTENT_LENGTH, TRANSFER_ENCODING] {
                reply.headers.remove(name);
            }
            if let (true, Json::String(text)) = (self.raw, given) {
                // As it was given: a file that is no text comes back in Base64, too.
                let was_text = std::str::from_utf8(&reply.body).is_ok();
                let bytes = STANDARD.decode(text).ok().filter(|_| !was_text);
                reply.body = bytes.map_or_else(|| Bytes::from(text.clone()), Bytes::from);
                return Ok(());
            }
            reply.body = answered(given);
            let json = HeaderValue::from_static("application/json");
            reply.headers.insert(CONTENT_TYPE, json);
        }
        Ok(())
    }

    /// What every hook may say.
    fn common(&mut self, result: &Map<String, Json>) -> Result<(), HookError> {
        if let Some(Json::Object(changes)) = result.get("configuration") {
            let (before, changed) = (self.configuration.clone(), self.changed.clone());
            for (key, value) in changes {
                self.change(key, value)?;
            }
            let wanted = size(&self.configuration);
            if wanted > LONGEST_CONFIGURATION.max(size(&before)) {
                (self.configuration, self.changed) = (before, changed);
                return Err(wrong(format!(
                    "it wants the instance's configuration to be {wanted} bytes long, of \
                     {LONGEST_CONFIGURATION} that hooks make of it at most"
                )));
            }
        }
        match result.get("response_error") {
            None | Some(Json::Null | Json::Bool(false)) => Ok(()),
            Some(told) => Err(HookError::Told(
                told.as_str()
                    .or_else(|| told.get("message")?.as_str())
                    .map_or_else(|| told.to_string(), str::to_owned),
            )),
        }
    }

    fn change(&mut self, key: &str, value: &Json) -> Result<(), HookError> {
        let Some(text) = scalar_text(value) else {
            return Ok(());
        };
        let known = self.configuration.get(key);
        if known.map(Value::reveal) == Some(&text) {
            return Ok(());
        }
        // What the definition does not describe may be a token.
        let value = match self.element.entry(key) {
            Some(_) => self.element.value(key, text),
            None => Value::Secret(Secret::new(text)),
        };
        if key.contains('\0') || value.reveal().contains('\0') {
            return Err(wrong("configuration: a NUL character cannot be stored"));
        }
        self.changed.insert(key.to_owned(), value.clone());
        if let Some(before) = self.configuration.insert(key.to_owned(), value) {
            let name = format!("before {}:{key}", self.others.len());
            self.others.insert(name, before);
        }
        Ok(())
    }

    /// A file that is no text is given in Base64.
    fn answer(&self, bytes: &Bytes) -> Json {
        match self.raw && std::str::from_utf8(bytes).is_err() {
            true => Json::from(STANDARD.encode(bytes)),
            false => body(bytes),
        }
    }

    fn configuration(&self) -> Json {
        let pairs = self.configuration.iter();
        let pairs = pairs.map(|(key, value)| (key.clone(), Json::from(value.reveal())));
        Json::Object(pairs.collect())
    }

    /// `/people/77`; `None`: the call goes elsewhere.
    fn below_base(&self, url: &Url) -> Option<String> {
        let base = self.base.as_ref()?.as_str().trim_end_matches('/');
        let rest = url.as_str().strip_prefix(base)?;
        (rest.is_empty() || rest.starts_with('/')).then(|| rest.to_owned())
    }

    fn address(
        &self,
        result: &Map<String, Json>,
        request: &mut VendorRequest,
    ) -> Result<(), HookError> {
        let mut bare = request.url.clone();
        bare.set_query(None);
        let planned = self.below_base(&bare).unwrap_or_else(|| bare.to_string());
        let given = |name: &str, planned: &str| {
            let text = result.get(name)?.as_str()?;
            (text != planned).then_some((name.to_owned(), text.to_owned()))
        };
        let moved = given("request_vendor_url", bare.as_str())
            .or_else(|| given("request_vendor_path", &planned));
        let mut pairs = match result.get("request_vendor_parameters") {
            Some(Json::Object(given)) => query_pairs(given),
            Some(Json::Null) => Vec::new(),
            None => request.url.query_pairs().into_owned().collect(),
            Some(_) => return Err(wrong("request_vendor_parameters is no object")),
        };
        let same_pairs = request
            .url
            .query_pairs()
            .into_owned()
            .eq(pairs.iter().cloned());
        if moved.is_none() && same_pairs {
            // As it was encoded.
            return Ok(());
        }
        let mut url = match moved {
            None => bare,
            Some((name, text)) => {
                let url = self
                    .resolved(&text)
                    .ok_or_else(|| wrong(format!("{name} is no URL")))?;
                // What stands in the new address comes first, and counts.
                let own: Vec<(String, String)> = url.query_pairs().into_owned().collect();
                pairs.retain(|(name, _)| own.iter().all(|(known, _)| known != name));
                pairs.splice(0..0, own);
                url
            }
        };
        url.set_fragment(None);
        match pairs.is_empty() {
            true => url.set_query(None),
            false => drop(url.query_pairs_mut().clear().extend_pairs(pairs)),
        }
        request.url = url;
        Ok(())
    }

    fn resolved(&self, text: &str) -> Option<Url> {
        if text.contains("://") {
            return Url::parse(text).ok();
        }
        let base = self.base.as_ref()?.as_str().trim_end_matches('/');
        let slash = if text.is_empty() || text.starts_with(['/', '?']) {
            ""
        } else {
            "/"
        };
        let url = Url::parse(&format!("{base}{slash}{text}")).ok()?;
        // Neither `@` nor a port behind the base's name makes another host of it.
        let same = url.origin() == self.base.as_ref()?.origin() && url.username().is_empty();
        same.then_some(url)
    }
}

/// Bytes of keys and values.
pub fn size(values: &Values) -> usize {
    let sizes = values.iter();
    sizes
        .map(|(key, value)| key.len() + value.reveal().len())
        .sum()
}

/// An answer that no vendor has given.
pub fn skipped() -> VendorReply {
    VendorReply {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: Bytes::new(),
    }
}

fn members(result: Option<&Json>) -> Result<Option<&Map<String, Json>>, HookError> {
    match result {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Object(members)) => Ok(Some(members)),
        Some(_) => Err(wrong("the result is no object")),
    }
}

/// Others are merged into what there is; null takes one away. A script may have added a name in
/// another case than ours: the one that says something new counts.
fn change_headers(known: &mut HeaderMap, changes: &Json, whose: &str) -> Result<(), HookError> {
    let Json::Object(changes) = changes else {
        return Err(wrong(format!("{whose} is no object")));
    };
    let before = known.clone();
    for (name, value) in changes {
        let bad = || wrong(format!("{whose}: '{}' cannot be sent", name.escape_debug()));
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        let text = match value {
            Json::Null => None,
            value => Some(scalar_text(value).ok_or_else(bad)?),
        };
        let planned = headers(&before);
        let unchanged = text.as_deref() == planned.get(title(&name)).and_then(Json::as_str);
        match text {
            _ if unchanged => {}
            None => drop(known.remove(&name)),
            Some(text) => {
                let mut value = HeaderValue::from_str(&text).map_err(|_| bad())?;
                // Nobody knows what a script has put there.
                value.set_sensitive(true);
                known.insert(name, value);
            }
        }
    }
    Ok(())
}

/// A body that a script wants to be sent.
fn written(given: &Json, headers: &HeaderMap) -> Bytes {
    match given {
        Json::Null => Bytes::new(),
        Json::String(text) => Bytes::from(text.clone()),
        Json::Object(fields) if is_form(headers) => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            Bytes::from(form.extend_pairs(query_pairs(fields)).finish())
        }
        value => Bytes::from(value.to_string()),
    }
}

/// A body that a script wants our caller to have: JSON, whatever it is.
fn answered(given: &Json) -> Bytes {
    match given {
        Json::Null => Bytes::new(),
        Json::String(text) if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => {
            Bytes::from(text.clone())
        }
        value => Bytes::from(value.to_string()),
    }
}
