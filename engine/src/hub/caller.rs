//! What somebody who makes a hub call has sent, and the vendor call that is made of it.

use bytes::{BufMut, Bytes, BytesMut};
use http::HeaderMap;
use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::unsent::without;
use super::{Mistake, Route};
use crate::ceql::member;
use crate::configuration::Values;
use crate::element::shape::Origin;
use crate::element::{Element, Group, JsonType, Parameter, Resource, Source, Target};
use crate::oauth::NONCE;
use crate::reply::VendorReply;
use crate::request::{self, BuildError, Inputs, VendorRequest};

/// A caller's request after routing.
#[derive(Debug, Clone)]
pub struct Caller<'a> {
    pub path: Vec<(&'a str, String)>,
    /// Decoded, in the order sent.
    pub query: Vec<(String, String)>,
    pub headers: &'a HeaderMap,
    pub body: Bytes,
    /// The record in the body, without what the vendor does not take.
    record: Bytes,
    /// The body as the vendor gets it: without our envelope, inside of the vendor's.
    pub(crate) sent: Bytes,
    /// Vendor's query parameters that conditions and order have become.
    pub(crate) pushed: Vec<(String, String)>,
}

impl<'a> Caller<'a> {
    pub fn new(
        route: Route<'a>,
        query: Vec<(String, String)>,
        headers: &'a HeaderMap,
        body: Bytes,
    ) -> Self {
        let shape = &route.resource.shape;
        let record = without(&unwrapped(route.resource, &body), &route.unsent);
        let sent = put_in_root(&shape.request_root, record.clone());
        Self {
            path: route.values,
            query,
            headers,
            body,
            record,
            sent,
            pushed: Vec::new(),
        }
    }

    /// Nobody's: of a call that an instance's life needs. Scripts find what it is made for, a code
    /// say, where they find a caller's query.
    pub fn nobody(parameters: &Values, headers: &'a HeaderMap) -> Self {
        let given = parameters.iter().filter(|(name, _)| *name != NONCE);
        let given = given.map(|(name, value)| (name.clone(), value.reveal().to_owned()));
        Self {
            path: Vec::new(),
            query: given.collect(),
            headers,
            body: Bytes::new(),
            record: Bytes::new(),
            sent: Bytes::new(),
            pushed: Vec::new(),
        }
    }

    /// The first value that is not empty.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let mut pairs = self.query.iter();
        pairs
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// The body as the vendor gets it from this link, in the vendor's members. `previous`: the answer
    /// of the link before.
    pub(crate) fn sent_by(
        &self,
        element: &Element,
        resource: &Resource,
        previous: Option<&VendorReply>,
    ) -> Result<Bytes, BuildError> {
        let shape = &resource.shape;
        let changed = match &shape.record {
            Some(record) => record.sent(element, &self.record, previous)?,
            None => None,
        };
        Ok(match changed {
            Some(body) => put_in_root(&shape.request_root, Bytes::from(body)),
            None => self.sent.clone(),
        })
    }

    /// `None` also for what is empty.
    pub(crate) fn value(&self, origin: Origin, name: &str) -> Option<Json> {
        let text = match origin {
            Origin::Header => self.headers.get(name)?.to_str().ok()?.to_owned(),
            Origin::Path => {
                let (_, value) = self.path.iter().find(|(key, _)| *key == name)?;
                value.clone()
            }
            Origin::Query => self.query(name)?.to_owned(),
            Origin::Form => {
                let mut pairs = url::form_urlencoded::parse(&self.body);
                pairs.find(|(key, _)| key == name)?.1.into_owned()
            }
            Origin::Body => std::str::from_utf8(&self.body).ok()?.to_owned(),
            Origin::BodyField => return self.body_field(name),
        };
        (!text.is_empty()).then(|| Json::from(text))
    }

    fn body_field(&self, name: &str) -> Option<Json> {
        let mut json = std::str::from_utf8(&self.body).ok()?;
        for name in name.split('.') {
            json = member(json, name)?;
        }
        serde_json::from_str(json)
            .ok()
            .filter(|value: &Json| !value.is_null())
    }

    /// Refuses what cannot be sent before anything is: every parameter that is missing, and what
    /// does not fit its place.
    pub fn check(&self, element: &Element, resource: &Resource) -> Result<(), Mistake> {
        if let Some(refusal) = resource.refusal(&element.key) {
            return Err(Mistake(refusal));
        }
        let parameters = element.parameters.iter().chain(&resource.parameters);
        let mut missing = Vec::new();
        for parameter in parameters {
            let Source::Request(origin) = parameter.source else {
                continue;
            };
            if is_part(parameter) {
                continue;
            }
            if origin == Origin::Body && matches!(parameter.target, Target::Body) {
                self.check_body(parameter.required)?;
                continue;
            }
            match self.value(origin, &parameter.name) {
                Some(value) => check_value(parameter, origin, &value)?,
                None if parameter.required => missing.push(place(origin, &parameter.name)),
                None => {}
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(Mistake(format!(
            "{} /{} needs what is missing: {}.",
            resource.method,
            resource.path.trim_start_matches('/'),
            missing.join(", ")
        )))
    }

    fn check_body(&self, required: bool) -> Result<(), Mistake> {
        if self.body.trim_ascii().is_empty() && !required {
            return Ok(());
        }
        let json: Option<&RawValue> = serde_json::from_slice(&self.body).ok();
        let empty = |json: &RawValue| json.get().chars().all(|c| "{} \n\r\t".contains(c));
        match json {
            Some(json) if !(required && empty(json)) => Ok(()),
            _ => Err(Mistake(
                "Request body is missing or is not valid JSON.".to_owned(),
            )),
        }
    }
}

/// The vendor call of one link of a chain for this caller, who has been checked. The configuration of
/// these `inputs` is [`Element::effective`] already: a hub call is made of many parts, and defaults
/// are laid under what is stored once.
pub fn build(
    element: &Element,
    group: &Group,
    resource: &Resource,
    inputs: &Inputs<'_>,
    caller: &Caller<'_>,
) -> Result<VendorRequest, BuildError> {
    request::build_for(element, group, resource, inputs, Some(caller))
}

/// It comes with the parts of a form, which are looked at as they come.
pub(crate) fn is_part(parameter: &Parameter) -> bool {
    matches!(parameter.target, Target::Part(_))
        && matches!(
            parameter.source,
            Source::Request(Origin::Form | Origin::Body | Origin::BodyField)
        )
}

fn place(origin: Origin, name: &str) -> String {
    match origin {
        Origin::Header => format!("header '{name}'"),
        Origin::Path => format!("path variable '{name}'"),
        Origin::Query => format!("query parameter '{name}'"),
        Origin::Form => format!("form field '{name}'"),
        Origin::Body => "a body".to_owned(),
        Origin::BodyField => format!("body field '{name}'"),
    }
}

fn check_value(parameter: &Parameter, origin: Origin, value: &Json) -> Result<(), Mistake> {
    let text = value.as_str();
    let wrong = |what: &str| {
        let place = place(origin, &parameter.name);
        Err(Mistake(format!("The {place} {what}.")))
    };
    match (&parameter.target, parameter.vendor_type) {
        (Target::Path(_), _) if matches!(text, Some("." | "..")) => {
            wrong("must name something, not . or ..")
        }
        (Target::Path(_), _) if text.is_some_and(|text| text.len() > 1024) => {
            wrong("is longer than 1024 bytes")
        }
        (Target::Header(_), _) if text.is_some_and(|text| text.contains(char::is_control)) => {
            wrong("must not contain line breaks or other control characters")
        }
        (Target::BodyField(_), JsonType::Number) => {
            let number = text.map(serde_json::from_str::<Json>);
            match number {
                Some(Ok(Json::Number(_))) | None => Ok(()),
                _ => wrong("must be a number"),
            }
        }
        (Target::BodyField(_), JsonType::Boolean) => match text {
            Some("true" | "false") | None => Ok(()),
            _ => wrong("must be true or false"),
        },
        _ => Ok(()),
    }
}

/// `{"customer": {…}}` as `{…}`; a body without our envelope stays as it is.
fn unwrapped(resource: &Resource, body: &Bytes) -> Bytes {
    let inner = resource.shape.wrap.as_deref().and_then(|wrap| {
        let inner = member(std::str::from_utf8(body).ok()?, wrap)?;
        inner
            .starts_with('{')
            .then(|| body.slice_ref(inner.as_bytes()))
    });
    inner.unwrap_or_else(|| body.clone())
}

fn put_in_root(root: &[String], body: Bytes) -> Bytes {
    if root.is_empty() || body.is_empty() {
        return body;
    }
    let mut wrapped = BytesMut::with_capacity(body.len() + 32);
    for name in root {
        wrapped.put_u8(b'{');
        wrapped.put_slice(Json::from(name.as_str()).to_string().as_bytes());
        wrapped.put_u8(b':');
    }
    wrapped.put_slice(&body);
    for _ in root {
        wrapped.put_u8(b'}');
    }
    wrapped.freeze()
}
