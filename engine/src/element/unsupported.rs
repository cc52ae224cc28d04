//! What an added definition asks for and this server does not do yet. Nothing of it stops the
//! definition from being loaded: operators bring whole exports and want to know what is left.

use std::fmt;

use super::Element;
use super::compile::chain::too_long;
use super::definition::{DefaultValue, ElementDefinition, HookDefinition, ParameterDefinition};

/// What is asked for, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    /// `resources[3].hooks`; empty: the whole element.
    pub place: String,
    pub message: String,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.as_str() {
            "" => f.write_str(&self.message),
            place => write!(f, "{place}: {}", self.message),
        }
    }
}

/// Resources that run while an instance is made or deleted or its tokens are renewed, or when a caller
/// asks.
const RUN: &[&str] = &[
    "api",
    "apiNoDocumentation",
    "onDelete",
    "onProvision",
    "onRefresh",
    "oauth1OnTokenRequest",
    "oauthOnAuthorizeUrl",
    "oauthOnAuthroizeUrl",
    "oauthOnTokenExchange",
    "oauthOnTokenRefresh",
    "oauthOnTokenRequest",
    "oauthOnTokenRevoke",
    "provisionAuthValidation",
];

pub(super) fn of(definition: &ElementDefinition, element: &Element) -> Vec<Unsupported> {
    let mut found = Vec::new();
    let mut add = |place: String, message: &str| {
        found.push(Unsupported {
            place,
            message: message.to_owned(),
        });
    };
    let kind = definition.authentication.kind.as_deref();
    if let Some(kind @ ("awsv2" | "awsv4")) = kind {
        add(
            "authentication.type".into(),
            &format!("log-in by {kind} is not supported yet"),
        );
    }
    if let Some(kind @ ("oauth1" | "oauth2" | "oauth2password")) = kind
        && element.groups.iter().all(|group| group.oauth.is_none())
    {
        add(
            "authentication.type".into(),
            &format!("log-in by {kind} needs the entry oauth.token.url or a call of its own"),
        );
    }
    if definition.bulk_download_enabled || definition.bulk_upload_enabled {
        add(String::new(), "bulk jobs are not supported yet");
    }
    let entries = &definition.configuration.0;
    let events = |key: &Option<String>| key.as_deref().is_some_and(|k| k.starts_with("event."));
    if entries.iter().any(|entry| events(&entry.key)) {
        add(
            "configuration".into(),
            "the event.* entries are kept; events are not delivered yet",
        );
    }
    let event = |hook: &HookDefinition| hook.kind.as_deref() == Some("event");
    if definition.hooks.0.iter().any(event) {
        add("hooks".into(), "hooks for events are not run yet");
    }
    of_parameters(
        &definition.parameters.0,
        "parameters",
        (true, false),
        &mut add,
    );
    let combined = entries.iter().any(|entry| {
        let set = matches!(&entry.default_value, DefaultValue::Text(text) if !text.is_empty());
        entry.key.as_deref() == Some("pagination") && set
    });
    if combined {
        add(
            "configuration".into(),
            "the entry pagination is kept and not read; pagination.type, pagination.max and pagination.page.startindex are",
        );
    }
    for (index, resource) in definition.resources.0.iter().enumerate() {
        let place = format!("resources[{index}]");
        let kind = resource.kind.as_deref().unwrap_or_default();
        if !RUN.contains(&kind) {
            let message = format!("resources of type {kind} are not run yet");
            add(format!("{place}.type"), &message);
        }
        if resource.built.as_deref() == Some("java") {
            let message = "built-in code of the platform is not part of an export";
            add(format!("{place}.kind"), message);
        }
        let compiled = element.resources.get(index);
        let obstacle = compiled.and_then(|compiled| compiled.obstacle.as_deref());
        if obstacle.is_some_and(|obstacle| obstacle == too_long()) {
            let message = format!("a call of it is answered with 400: {}", too_long());
            add(format!("{place}.nextResource"), &message);
        }
        let called = matches!(kind, "api" | "apiNoDocumentation");
        let list = compiled.is_some_and(|compiled| compiled.shape.is_list());
        of_parameters(
            &resource.parameters.0,
            &format!("{place}.parameters"),
            (called, list),
            &mut add,
        );
    }
    found
}

fn of_parameters(
    parameters: &[ParameterDefinition],
    place: &str,
    (called, list): (bool, bool),
    add: &mut impl FnMut(String, &str),
) {
    for (index, parameter) in parameters.iter().enumerate() {
        let place = format!("{place}[{index}]");
        if let Some(message) = without_effect(parameter, called, list) {
            add(place.clone(), message);
        }
        let known = ["toQueryParameters", "toODataFilter"];
        let converter = parameter.converter.as_deref();
        if converter.is_some_and(|converter| !known.contains(&converter)) {
            add(
                place.clone(),
                "only the converters toQueryParameters and toODataFilter are applied",
            );
        }
        let multipart = |kind: &Option<String>| kind.as_deref() == Some("multipart");
        if multipart(&parameter.kind) && !multipart(&parameter.vendor_type) {
            add(
                place,
                "a part of a form is sent as a part of a form and as nothing else yet",
            );
        }
    }
}

/// Why nothing comes of a parameter, if nothing does.
fn without_effect(
    parameter: &ParameterDefinition,
    called: bool,
    list: bool,
) -> Option<&'static str> {
    let vendor = parameter.vendor_type.as_deref().unwrap_or_default();
    if parameter.source.as_deref() != Some("response") {
        let base = parameter
            .vendor_name
            .as_deref()
            .or(parameter.name.as_deref());
        return (vendor == "configuration" && base == Some("base.url"))
            .then_some("a call does not move an instance to another base.url");
    }
    let from = matches!(vendor, "bodyField" | "header");
    match parameter.kind.as_deref().unwrap_or_default() {
        _ if vendor == "no-op" => None,
        // What cannot be read there stops the definition from being loaded.
        "configuration" => None,
        "header" | "bodyField" if !called => {
            Some("nobody gets the answer of a call that no caller makes")
        }
        "bodyField" if list => Some("nothing is put into the records of a list"),
        "header" | "bodyField" if from => None,
        "body" if vendor == "body" => None,
        _ => Some(
            "of an answer only bodyField and header are handed on, as configuration, header or bodyField",
        ),
    }
}
