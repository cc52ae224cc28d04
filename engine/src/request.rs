//! Building one vendor call from a resource and what the instance knows.
//!
//! Every value that came from outside is encoded for the place it goes to, or refused there: it can
//! fill one label of a host, one segment of a path, one value of a query, header, form or body, and
//! never make two of one.

mod address;
mod body;
mod credentials;
mod envelope;
mod kept;
mod parts;
mod passing;
mod sent;
mod signed;
#[cfg(test)]
pub(crate) mod tests;

pub use address::host_and_port;
pub(crate) use body::set;
pub use envelope::{envelope_header, with_header};
pub(crate) use kept::kept;
pub(crate) use parts::own_parts;
pub use passing::{Passed, Passing, pass, stays_below};
pub use sent::VendorRequest;
use sent::header_value;

use std::borrow::Cow;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde_json::Value as Json;
use url::Url;

use crate::configuration::Values;
use crate::element::oauth::REQUEST_PARAMETERS;
use crate::element::shape::Origin;
use crate::element::{Element, Group, Parameter, Resource, Source, Target};
use crate::hub::Caller;
use crate::language::{ValueError, scalar_text};
use crate::reply::VendorReply;
use crate::xml;

/// What a call is made from.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// Stored values; defaults are laid under them here.
    pub configuration: &'a Values,
    /// Answer of the call before this one in a chain.
    pub previous: Option<&'a VendorReply>,
    /// The request that the call is made for: its parameters by name. A log-in's are made by
    /// [`crate::oauth::request_parameters`].
    pub request: Option<&'a Values>,
    /// The moment of the call, in milliseconds since 1970.
    pub now: i64,
}

/// Why a call cannot be made. Nothing of the values is repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The caller has to correct this configuration entry.
    #[error("{key}: {message}")]
    Entry { key: String, message: String },
    /// The definition cannot be run.
    #[error("{0}")]
    Definition(String),
    /// The definition says so, and that it is so is known: callers are told.
    #[error("{0}")]
    Unsupported(String),
    /// The vendor's answer to the call before is not what this one needs.
    #[error("{0}")]
    Answer(String),
}

impl From<ValueError> for BuildError {
    fn from(error: ValueError) -> Self {
        Self::Entry {
            key: error.key,
            message: error.message,
        }
    }
}

/// A parameter's value, and the entry to blame for it.
struct Resolved<'a> {
    value: Json,
    key: Option<&'a str>,
    secret: bool,
}

impl Resolved<'_> {
    fn text(&self) -> String {
        scalar_text(&self.value).unwrap_or_else(|| self.value.to_string())
    }

    fn refused(&self, parameter: &Parameter, message: impl Into<String>) -> BuildError {
        let message = message.into();
        match self.key {
            Some(key) => BuildError::Entry {
                key: key.to_owned(),
                message,
            },
            None => BuildError::Definition(format!("parameter {:?} {message}", parameter.name)),
        }
    }
}

/// Everything that the parts of one call share.
struct Call<'a> {
    element: &'a Element,
    resource: &'a Resource,
    values: Cow<'a, Values>,
    previous: Option<&'a VendorReply>,
    request: Option<&'a Values>,
    /// Whoever makes a hub call.
    caller: Option<&'a Caller<'a>>,
    now: i64,
}

/// The call of `resource` with the credentials of `group`.
pub fn build(
    element: &Element,
    group: &Group,
    resource: &Resource,
    inputs: &Inputs<'_>,
) -> Result<VendorRequest, BuildError> {
    build_for(element, group, resource, inputs, None)
}

/// The same for somebody who makes a hub call.
pub(crate) fn build_for<'a>(
    element: &'a Element,
    group: &Group,
    resource: &'a Resource,
    inputs: &Inputs<'a>,
    caller: Option<&'a Caller<'a>>,
) -> Result<VendorRequest, BuildError> {
    if let Some(refusal) = resource.refusal(&element.key) {
        return Err(BuildError::Unsupported(refusal));
    }
    let call = match caller {
        None => Call::new(element, group, resource, inputs),
        Some(caller) => Call::of_caller(element, resource, inputs, caller),
    };
    let mut headers = call.headers()?;
    let client = call.public_client(group);
    let body = body::build(&call, client, &mut headers)?;
    if resource.kind.gets_token() {
        call.name_client(group, &mut headers)?;
    }
    if let Some(authentication) = &group.authentication
        && !resource.anonymous
    {
        call.authenticate(authentication, &mut headers)?;
    }
    // The platform says both of every call, also of one without a body.
    for name in [ACCEPT, CONTENT_TYPE] {
        let json = HeaderValue::from_static("application/json");
        headers.entry(name).or_insert(json);
    }
    let mut request = VendorRequest {
        method: resource.vendor_method.clone(),
        url: address::build(&call)?,
        headers,
        body,
    };
    signed::sign(&call, group, &mut request)?;
    Ok(request)
}

/// The instance's base URL, without a slash at its end.
pub(crate) fn base(
    element: &Element,
    group: &Group,
    resource: &Resource,
    inputs: &Inputs<'_>,
) -> Option<Url> {
    address::base(&Call::new(element, group, resource, inputs)).ok()
}

/// Host and port of the instance's own base URL, where there is one yet.
pub(crate) fn own_host(
    element: &Element,
    group: &Group,
    resource: &Resource,
    inputs: &Inputs<'_>,
) -> Option<(String, u16)> {
    address::own_host(&Call::new(element, group, resource, inputs))
}

/// The host that [`build`] makes this call to.
pub(crate) fn called_host(
    element: &Element,
    group: &Group,
    resource: &Resource,
    inputs: &Inputs<'_>,
) -> Option<String> {
    called(element, group, resource, inputs).map(|(host, _)| host)
}

/// Host and port that [`build`] makes this call to, where the inputs suffice for its address.
pub fn called(
    element: &Element,
    group: &Group,
    resource: &Resource,
    inputs: &Inputs<'_>,
) -> Option<(String, u16)> {
    let url = address::build(&Call::new(element, group, resource, inputs)).ok()?;
    address::host_and_port(&url)
}

impl<'a> Call<'a> {
    fn new(
        element: &'a Element,
        group: &Group,
        resource: &'a Resource,
        inputs: &Inputs<'a>,
    ) -> Self {
        Self {
            element,
            resource,
            values: Cow::Owned(element.effective(group, inputs.configuration)),
            previous: inputs.previous,
            request: inputs.request,
            caller: None,
            now: inputs.now,
        }
    }

    /// Whoever answers hub calls has laid the defaults under the values already.
    fn of_caller(
        element: &'a Element,
        resource: &'a Resource,
        inputs: &Inputs<'a>,
        caller: &'a Caller<'a>,
    ) -> Self {
        Self {
            element,
            resource,
            values: Cow::Borrowed(inputs.configuration),
            previous: inputs.previous,
            request: inputs.request,
            caller: Some(caller),
            now: inputs.now,
        }
    }

    /// Element-level first, so that a resource can overrule.
    fn parameters(&self) -> impl Iterator<Item = &'a Parameter> + use<'a> {
        self.element
            .parameters
            .iter()
            .chain(&self.resource.parameters)
    }

    /// `None`: there is no value and none is required. `escape` serves references in literals.
    fn resolve(
        &self,
        parameter: &'a Parameter,
        escape: impl Fn(&str) -> Result<String, String>,
    ) -> Result<Option<Resolved<'a>>, BuildError> {
        let resolved = match &parameter.source {
            Source::Configuration(key) => self.values.get(key).map(|value| Resolved {
                value: Json::from(self.filled_text(key, value.reveal())),
                key: Some(key),
                secret: value.is_secret(),
            }),
            Source::Literal(template) => {
                let key = template.keys().next().map(|(key, _)| key);
                template
                    .render(&self.values, escape)?
                    .map(|rendered| Resolved {
                        value: Json::from(rendered.text),
                        key,
                        secret: rendered.secret,
                    })
            }
            Source::PreviousBody => self.previous_body()?.map(|text| Resolved {
                value: Json::from(text),
                key: None,
                secret: true,
            }),
            Source::PreviousField(path) => {
                let body = self.previous_body()?.unwrap_or_default();
                let answer = match body.trim_start().starts_with('<') {
                    true => xml::to_json(body),
                    false => serde_json::from_str(body).ok(),
                };
                let answer: Json = answer.unwrap_or_default();
                path.find(&answer, &self.values).map(|found| Resolved {
                    value: found.clone(),
                    key: None,
                    secret: true,
                })
            }
            Source::Request(origin) if self.caller.is_some() => self
                .caller
                .and_then(|caller| caller.value(*origin, &parameter.name))
                .map(|value| Resolved {
                    value,
                    key: None,
                    secret: *origin == Origin::Header,
                }),
            Source::Caller | Source::Request(_) => {
                let brought = self
                    .request
                    .and_then(|request| request.get(&parameter.name));
                brought.map(|value| Resolved {
                    value: Json::from(value.reveal()),
                    key: request_entry(&parameter.name),
                    secret: value.is_secret(),
                })
            }
        };
        let resolved = resolved.filter(|resolved| resolved.value.as_str() != Some(""));
        if resolved.is_none() && parameter.required {
            return Err(match &parameter.source {
                Source::Configuration(key) => BuildError::Entry {
                    key: key.clone(),
                    message: format!("is needed for {}", self.resource.step()),
                },
                Source::Caller if request_entry(&parameter.name).is_some() => BuildError::Entry {
                    key: request_entry(&parameter.name)
                        .unwrap_or_default()
                        .to_owned(),
                    message: format!("is needed for {}", self.resource.step()),
                },
                _ => BuildError::Definition(format!(
                    "The step {} of element '{}' lacks its parameter {:?}.",
                    self.resource.step(),
                    self.element.key,
                    parameter.name
                )),
            });
        }
        Ok(resolved)
    }

    fn previous_body(&self) -> Result<Option<&'a str>, BuildError> {
        let Some(previous) = self.previous else {
            return Ok(None);
        };
        std::str::from_utf8(&previous.body).map(Some).map_err(|_| {
            BuildError::Definition(format!(
                "The step {} needs the answer before it as text, and that is none.",
                self.resource.step()
            ))
        })
    }

    /// A definition's own default with its `{key}` marks filled; anything else as it is.
    fn filled_text(&self, key: &str, text: &str) -> String {
        address::filled_default(self, key, text, 0).unwrap_or_else(|| text.to_owned())
    }

    fn headers(&self) -> Result<HeaderMap, BuildError> {
        let mut headers = HeaderMap::new();
        for parameter in self.parameters() {
            let Target::Header(name) = &parameter.target else {
                continue;
            };
            let Some(resolved) = self.resolve(parameter, |text| Ok(text.to_owned()))? else {
                continue;
            };
            let value = header_value(name, &resolved.text(), resolved.secret)
                .map_err(|message| resolved.refused(parameter, message))?;
            headers.insert(name.clone(), value);
        }
        Ok(headers)
    }

    fn content_type(headers: &HeaderMap) -> &str {
        headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("application/json")
    }
}

/// The entry that a parameter of a log-in's request comes from.
fn request_entry(name: &str) -> Option<&'static str> {
    let known = REQUEST_PARAMETERS.iter().find(|(known, _)| *known == name);
    known.and_then(|(_, key)| *key)
}
