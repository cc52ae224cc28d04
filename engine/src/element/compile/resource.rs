//! Resources, their chains, and what their answers mean.

use std::collections::BTreeMap;

use http::Method;

use super::{Checker, chain, is_url, objects, parameter, people, shape};
use crate::element::definition::{
    ConditionWords, ElementDefinition, FaultWords, ParameterDefinition, ResourceDefinition,
};
use crate::element::hook;
use crate::element::oauth::{ACCESS_TOKEN, REQUEST_PARAMETERS};
use crate::element::objects::Described;
use crate::element::shape::Shape;
use crate::element::{
    BUILT_IN, Condition, Content, FaultRule, HostRule, Parameter, Resource, ResourceKind, Source,
    Target,
};
use crate::ids::ResourceId;
use crate::language::{AnswerPath, Placeholders};
use crate::reply::Blame;

pub(super) fn resources(
    definition: &ElementDefinition,
    of_element: &[Parameter],
    hosts: &HostRule,
    checker: &mut Checker<'_>,
) -> Vec<Resource> {
    let written = &definition.resources.0;
    let names: Vec<String> = written
        .iter()
        .map(|resource| signature(resource, definition.hub.as_deref()))
        .collect();
    let records = &definition.bunsen.records;
    let mut resources = Vec::new();
    for (index, (resource, name)) in written.iter().zip(&names).enumerate() {
        let place = format!("resources[{index}]");
        if let Some(first) = names
            .iter()
            .position(|other| other == name)
            .filter(|&first| first < index)
        {
            checker.wrong(&place, format!("{name} is resources[{first}] already"));
        }
        let next = resource
            .next_resource
            .as_deref()
            .filter(|next| !next.is_empty());
        let next = next.and_then(|next| {
            let wanted = without_hub(next, definition.hub.as_deref());
            let found = names.iter().position(|name| *name == wanted);
            if found.is_none() {
                checker.wrong(
                    format!("{place}.nextResource"),
                    format!("no resource {next}"),
                );
            }
            found
        });
        let statement = definition.protocol_type.as_deref() == Some("jdbc");
        let mut compiled = self::resource(
            resource,
            &place,
            (of_element, &definition.parameters.0),
            hosts,
            statement,
            checker,
        );
        compiled.next = next;
        compiled.shape = shape::shape(resource, &place, &names, records, checker);
        compiled.ping = objects::ping(resource, &compiled, &place, checker);
        compiled.fields = objects::fields(resource, &compiled, &place, checker);
        compiled.described = objects::described(resource, &definition.parameters.0);
        if let Some(obstacle) = foreign_obstacle(definition, resource) {
            compiled.obstacle = Some(obstacle);
        }
        compiled.path = name
            .split_once(':')
            .map_or(String::new(), |(_, path)| path.to_owned());
        compiled.hooks = hook::hooks(&resource.hooks.0);
        resources.push(compiled);
    }
    chain::check(&mut resources, checker);
    chain::check_provisioning(&resources, of_element, checker);
    resources
}

/// `METHOD:/path` without the hub.
fn signature(resource: &ResourceDefinition, hub: Option<&str>) -> String {
    let method = resource.method.as_deref().unwrap_or_default();
    let path = resource.path.as_deref().unwrap_or_default();
    without_hub(&format!("{method}:{path}"), hub)
}

fn without_hub(name: &str, hub: Option<&str>) -> String {
    let prefix = format!(":/hubs/{}/", hub.unwrap_or("general").to_lowercase());
    name.replacen(&prefix, ":/", 1)
}

fn resource(
    written: &ResourceDefinition,
    place: &str,
    (of_element, above): (&[Parameter], &[ParameterDefinition]),
    hosts: &HostRule,
    statement: bool,
    checker: &mut Checker<'_>,
) -> Resource {
    let method = |text: Option<&str>| {
        text.and_then(|text| Method::from_bytes(text.as_bytes()).ok())
            .unwrap_or(Method::GET)
    };
    let of_place = format!("{place}.parameters");
    let kind = kind(written.kind.as_deref().unwrap_or_default());
    let called = kind.answers_callers();
    let parameters = parameter::parameters(&written.parameters.0, &of_place, called, checker);
    let bound: Vec<&str> = of_element
        .iter()
        .chain(&parameters)
        .filter_map(|parameter| match &parameter.target {
            Target::Path(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    let vendor_path = written.vendor_path.as_deref().unwrap_or_default();
    let vendor_path = if statement {
        Placeholders::parse_text(vendor_path)
    } else {
        let place = format!("{place}.vendorPath");
        vendor_path_of(vendor_path, &place, &bound, hosts, checker)
    };
    for (index, name) in written.bunsen.groups.iter().enumerate() {
        checker.group(&format!("{place}.bunsen.groups[{index}]"), name);
    }
    check_bodies(&of_place, of_element, &parameters, checker);
    if written.bunsen.once.is_some() && written.bunsen.repeatable {
        let message = "excludes 'once'".to_owned();
        checker.wrong(format!("{place}.bunsen.repeatable"), message);
    }
    let obstacle = if written.built.as_deref() == Some("java") {
        Some(BUILT_IN.to_owned())
    } else if !called
        && parameters
            .iter()
            .any(|parameter| matches!(parameter.target, Target::Part(_)))
    {
        Some("it sends multipart".to_owned())
    } else {
        None
    };
    let mut outputs = parameter::outputs(&written.parameters.0, &of_place, checker);
    let mut handed = parameter::handed(&written.parameters.0, &of_place, checker);
    if called {
        outputs.splice(..0, parameter::outputs(above, "parameters", checker));
        handed.splice(..0, parameter::handed(above, "parameters", checker));
    }
    let kept = |parameter: &Parameter| matches!(parameter.target, Target::Configuration(_));
    let gives = called
        && (!outputs.is_empty()
            || !handed.is_empty()
            || of_element.iter().chain(&parameters).any(kept));
    outputs.extend(people::account(written, place, checker));
    // What gets the token cannot carry it; a foreign definition has no word to say so.
    let logs_in = kind == ResourceKind::OnProvision
        && !checker.shipped
        && outputs.iter().any(|output| output.key == ACCESS_TOKEN);
    let anonymous = written.bunsen.anonymous || kind.gets_token() || logs_in;
    if kind.gets_token() && checker.shipped {
        check_request_parameters(&parameters, &of_place, checker);
    }
    Resource {
        id: ResourceId(written.id.unwrap_or_default()),
        kind,
        method: method(written.method.as_deref()),
        path: String::new(),
        description: written.description.clone(),
        vendor_method: method(
            written
                .vendor_method
                .as_deref()
                .or(written.method.as_deref()),
        ),
        vendor_path,
        outputs,
        handed,
        gives,
        parameters,
        next: None,
        groups: written.bunsen.groups.clone(),
        anonymous,
        once: written.bunsen.once.clone(),
        repeatable: written.bunsen.repeatable,
        words: written
            .bunsen
            .message
            .as_deref()
            .and_then(|text| checker.answer_path(&format!("{place}.bunsen.message"), text)),
        expect: written
            .bunsen
            .expect
            .as_ref()
            .map(|words| condition(words, &format!("{place}.bunsen.expect"), checker)),
        faults: faults(
            &written.bunsen.fault.0,
            &format!("{place}.bunsen.fault"),
            checker,
        ),
        shape: Shape::default(),
        hooks: Vec::new(),
        ping: false,
        fields: None,
        described: Described::default(),
        obstacle,
    }
}

/// A call that goes to the base URL with what every call carries, and is otherwise its caller's.
pub(super) fn passing() -> Resource {
    Resource {
        id: ResourceId(0),
        kind: ResourceKind::Api,
        method: Method::GET,
        path: String::new(),
        description: Some("passthrough".to_owned()),
        vendor_method: Method::GET,
        vendor_path: Placeholders::default(),
        parameters: Vec::new(),
        outputs: Vec::new(),
        handed: Vec::new(),
        gives: false,
        next: None,
        groups: Vec::new(),
        anonymous: false,
        once: None,
        repeatable: false,
        words: None,
        expect: None,
        faults: Vec::new(),
        shape: Shape::default(),
        hooks: Vec::new(),
        ping: false,
        fields: None,
        described: Described::default(),
        obstacle: None,
    }
}

/// The names under which OAuth's own calls are given what is good for one time.
fn check_request_parameters(parameters: &[Parameter], place: &str, checker: &mut Checker<'_>) {
    let known = |name: &str| REQUEST_PARAMETERS.iter().any(|(known, _)| *known == name);
    for parameter in parameters {
        if matches!(parameter.source, Source::Caller) && !known(&parameter.name) {
            let names: Vec<&str> = REQUEST_PARAMETERS.iter().map(|(name, _)| *name).collect();
            let message = format!(
                "nobody brings {:?} to a call that gets a token; one of {}",
                parameter.name,
                names.join(", ")
            );
            checker.wrong(place, message);
        }
    }
}

/// What only an added definition can hold, since the schema refuses it in a shipped one.
fn foreign_obstacle(
    definition: &ElementDefinition,
    resource: &ResourceDefinition,
) -> Option<String> {
    if let Some(protocol) = definition.protocol_type.as_deref()
        && !matches!(protocol, "http" | "soap")
    {
        return Some(format!("the protocol {protocol} is not supported"));
    }
    let methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];
    for method in [&resource.method, &resource.vendor_method] {
        if let Some(method) = method.as_deref().filter(|method| !methods.contains(method)) {
            return Some(format!("the method {method} is not supported"));
        }
    }
    let text = resource.kind.as_deref().unwrap_or_default();
    let unknown = kind(text) == ResourceKind::Api && text != "api";
    unknown.then(|| format!("resources of type {text} are not supported"))
}

fn kind(text: &str) -> ResourceKind {
    match text {
        "apiNoDocumentation" => ResourceKind::ApiNoDocumentation,
        "onProvision" => ResourceKind::OnProvision,
        "onDelete" => ResourceKind::OnDelete,
        "onRefresh" => ResourceKind::OnRefresh,
        "provisionAuthValidation" => ResourceKind::ProvisionAuthValidation,
        "onProvisionWebhook" => ResourceKind::OnProvisionWebhook,
        "onDeleteWebhook" => ResourceKind::OnDeleteWebhook,
        // The first spelling is the platform's own.
        "oauthOnAuthroizeUrl" | "oauthOnAuthorizeUrl" => ResourceKind::OauthOnAuthorizeUrl,
        "oauthOnTokenExchange" => ResourceKind::OauthOnTokenExchange,
        "oauthOnTokenRefresh" => ResourceKind::OauthOnTokenRefresh,
        "oauthOnTokenRevoke" => ResourceKind::OauthOnTokenRevoke,
        "oauthOnTokenRequest" | "oauth1OnTokenRequest" => ResourceKind::OauthOnTokenRequest,
        "formulaAsResource" => ResourceKind::FormulaAsResource,
        // Anything else has been reported by the schema.
        _ => ResourceKind::Api,
    }
}

fn vendor_path_of(
    text: &str,
    place: &str,
    bound: &[&str],
    hosts: &HostRule,
    checker: &mut Checker<'_>,
) -> Placeholders {
    let Some(path) = checker.parsed(place, Placeholders::parse_url(text)) else {
        return Placeholders::default();
    };
    for (key, column) in path.keys().filter(|(key, _)| !bound.contains(key)) {
        checker.known_key(place, Some(column), key);
    }
    if text.contains('#') {
        checker.wrong(place, "a fragment is never sent");
    }
    if text.starts_with("http://") {
        checker.wrong(place, "vendors are called over https only");
    } else if is_url(text) {
        let host = text
            .trim_start_matches("https://")
            .split(['/', '?'])
            .next()
            .unwrap_or_default();
        if !host.contains('{') && !hosts.allows(&host.to_ascii_lowercase()) {
            checker.wrong(place, format!("{host} is not among bunsen.hosts"));
        }
    } else if !(text.is_empty() || text.starts_with(['/', '{', '?'])) {
        checker.wrong(place, "must start with / or https:// or {key}");
    }
    path
}

/// One call has one kind of body.
fn check_bodies(
    place: &str,
    of_element: &[Parameter],
    own: &[Parameter],
    checker: &mut Checker<'_>,
) {
    let mut kinds: Vec<&str> = Vec::new();
    for parameter in of_element.iter().chain(own) {
        let kind = match parameter.target {
            Target::Body => "body",
            Target::BodyField(_) => "bodyField",
            Target::Form(_) => "form",
            Target::Part(_) => "multipart",
            _ => continue,
        };
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    if kinds.len() > 1
        && !matches!(
            kinds.as_slice(),
            ["body", "bodyField"] | ["bodyField", "body"]
        )
    {
        checker.wrong(
            place,
            format!("one call cannot send {}", kinds.join(" and ")),
        );
    }
}

pub(super) fn faults(
    written: &[FaultWords],
    place: &str,
    checker: &mut Checker<'_>,
) -> Vec<FaultRule> {
    let mut rules = Vec::new();
    for (index, words) in written.iter().enumerate() {
        let place = format!("{place}[{index}]");
        if let Some(entry) = &words.entry {
            checker.known_key(&format!("{place}.entry"), None, entry);
        }
        let default = words.entry.is_some().then_some(400);
        if words.status.or(default).is_none() {
            checker.wrong(&place, "needs a status or an entry");
        }
        let blame = words.blame.as_deref().map(Blame::read);
        if blame == Some(None) {
            checker.wrong(
                &place,
                "its blame is none of owner, client, haste and nobody",
            );
        }
        rules.push(FaultRule {
            when: condition(&words.when, &format!("{place}.when"), checker),
            status: words.status.or(default).unwrap_or(502),
            message: words.message.clone().unwrap_or_default(),
            entry: words.entry.clone(),
            authorize: words.authorize,
            blame: blame.flatten(),
        });
    }
    rules
}

fn condition(words: &ConditionWords, place: &str, checker: &mut Checker<'_>) -> Condition {
    let mut listed = |name: &str, texts: &[String]| -> Vec<AnswerPath> {
        let numbered = texts.iter().enumerate();
        numbered
            .filter_map(|(index, text)| {
                checker.answer_path(&format!("{place}.{name}[{index}]"), text)
            })
            .collect()
    };
    let present = listed("present", &words.present);
    let absent = listed("absent", &words.absent);
    let mut compared = |name: &str, texts: &BTreeMap<String, Vec<String>>| {
        let mut compared = Vec::new();
        for (path, texts) in texts {
            let parsed = checker.answer_path(&format!("{place}.{name}[{path:?}]"), path);
            compared.extend(parsed.map(|parsed| (parsed, texts.clone())));
        }
        compared
    };
    let equals = compared("equals", &words.equals);
    let differs = compared("differs", &words.differs);
    let contains = compared("contains", &words.contains);
    for (index, key) in words.given.iter().enumerate() {
        checker.known_key(&format!("{place}.given[{index}]"), None, key);
    }
    let mut configured = |name: &str, texts: &BTreeMap<String, Vec<String>>| {
        let texts = texts.iter().map(|(key, texts)| {
            checker.known_key(&format!("{place}.{name}"), None, key);
            (key.clone(), texts.clone())
        });
        texts.collect()
    };
    let given_equals = configured("givenEquals", &words.given_equals);
    let given_differs = configured("givenDiffers", &words.given_differs);
    Condition {
        statuses: words.status.clone(),
        content: match words.content.as_deref() {
            Some("json") => Some(Content::Json),
            Some("html") => Some(Content::Html),
            Some("xml") => Some(Content::Xml),
            _ => None,
        },
        present,
        absent,
        equals,
        differs,
        contains,
        given: words.given.clone(),
        given_equals,
        given_differs,
    }
}
