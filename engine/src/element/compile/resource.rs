//! Resources, their parameters, their chains, and what their answers mean.

use http::{HeaderName, Method};

use super::{Checker, is_url};
use crate::element::definition::{
    ConditionWords, ElementDefinition, FaultWords, ParameterDefinition, ResourceDefinition,
};
use crate::element::{
    CHAIN_LIMIT, Condition, Content, FaultRule, HostRule, JsonType, Output, OutputFrom, Parameter,
    Resource, ResourceKind, Source, Target,
};
use crate::ids::ResourceId;
use crate::language::{AnswerPath, Placeholders, Template};

/// Headers that the sender owns.
const RESERVED_HEADERS: &[&str] = &["connection", "content-length", "host", "transfer-encoding"];

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
        let mut compiled = self::resource(resource, &place, of_element, hosts, checker);
        compiled.next = next;
        compiled.path = name
            .split_once(':')
            .map_or(String::new(), |(_, path)| path.to_owned());
        if !definition.hooks.0.is_empty() && compiled.obstacle.is_none() {
            compiled.obstacle = Some("the element has hooks".to_owned());
        }
        resources.push(compiled);
    }
    check_chains(&resources, checker);
    check_provisioning(&resources, of_element, checker);
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

/// A chain ends, and within the limit.
fn check_chains(resources: &[Resource], checker: &mut Checker<'_>) {
    for start in 0..resources.len() {
        let place = format!("resources[{start}].nextResource");
        let mut seen = vec![start];
        let mut at = start;
        while let Some(next) = resources.get(at).and_then(|resource| resource.next) {
            if seen.contains(&next) {
                checker.wrong(place, "the chain comes back to itself");
                break;
            }
            seen.push(next);
            if seen.len() > CHAIN_LIMIT {
                checker.wrong(
                    place,
                    format!("the chain is longer than {CHAIN_LIMIT} calls"),
                );
                break;
            }
            at = next;
        }
    }
}

/// Nobody calls while an instance is made, so nothing can come from a caller's request.
fn check_provisioning(resources: &[Resource], of_element: &[Parameter], checker: &mut Checker<'_>) {
    let mut run: Vec<usize> = Vec::new();
    for (index, resource) in resources.iter().enumerate() {
        let starts = matches!(
            resource.kind,
            ResourceKind::OnProvision | ResourceKind::ProvisionAuthValidation
        );
        let mut at = starts.then_some(index);
        while let Some(index) = at.filter(|index| !run.contains(index)) {
            run.push(index);
            at = resources.get(index).and_then(|resource| resource.next);
        }
    }
    for index in run {
        let Some(resource) = resources.get(index) else {
            continue;
        };
        let place = format!("resources[{index}]");
        let required = |parameter: &&Parameter| {
            matches!(parameter.source, Source::Caller)
                && (parameter.required || matches!(parameter.target, Target::Path(_)))
        };
        for parameter in of_element
            .iter()
            .chain(&resource.parameters)
            .filter(required)
        {
            let message = format!(
                "parameter {:?} comes from a caller, and there is none while an instance is made",
                parameter.name
            );
            checker.wrong(format!("{place}.parameters"), message);
        }
    }
}

fn resource(
    written: &ResourceDefinition,
    place: &str,
    of_element: &[Parameter],
    hosts: &HostRule,
    checker: &mut Checker<'_>,
) -> Resource {
    let method = |text: Option<&str>| {
        text.and_then(|text| Method::from_bytes(text.as_bytes()).ok())
            .unwrap_or(Method::GET)
    };
    let of_place = format!("{place}.parameters");
    let parameters = parameters(&written.parameters.0, &of_place, checker);
    let bound: Vec<&str> = of_element
        .iter()
        .chain(&parameters)
        .filter_map(|parameter| match &parameter.target {
            Target::Path(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    let vendor_path = written.vendor_path.as_deref().unwrap_or_default();
    let vendor_path = vendor_path_of(
        vendor_path,
        &format!("{place}.vendorPath"),
        &bound,
        hosts,
        checker,
    );
    for (index, name) in written.bunsen.groups.iter().enumerate() {
        checker.group(&format!("{place}.bunsen.groups[{index}]"), name);
    }
    check_bodies(&of_place, of_element, &parameters, checker);
    let obstacle = if written.built.as_deref() == Some("java") {
        Some("it is built-in code of the platform".to_owned())
    } else if !written.hooks.0.is_empty() {
        Some("it has hooks".to_owned())
    } else if written
        .parameters
        .0
        .iter()
        .any(|parameter| parameter.vendor_type.as_deref() == Some("multipart"))
    {
        Some("it sends multipart".to_owned())
    } else {
        None
    };
    Resource {
        id: ResourceId(written.id.unwrap_or_default()),
        kind: kind(written.kind.as_deref().unwrap_or_default()),
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
        outputs: outputs(&written.parameters.0, &of_place, checker),
        parameters,
        next: None,
        groups: written.bunsen.groups.clone(),
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
        obstacle,
    }
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

/// Those of the direction to the vendor.
pub(super) fn parameters(
    written: &[ParameterDefinition],
    place: &str,
    checker: &mut Checker<'_>,
) -> Vec<Parameter> {
    let numbered = written.iter().enumerate();
    numbered
        .filter(|(_, parameter)| parameter.source.as_deref() != Some("response"))
        .filter_map(|(index, parameter)| {
            self::parameter(parameter, &format!("{place}[{index}]"), checker)
        })
        .collect()
}

fn parameter(
    written: &ParameterDefinition,
    place: &str,
    checker: &mut Checker<'_>,
) -> Option<Parameter> {
    let name = written.name.clone()?;
    let vendor_name = converted(written, place, checker);
    let fill = checker.fill(place, written.bunsen.fill.as_deref());
    let kind = written.kind.as_deref()?;
    let vendor_type = written.vendor_type.as_deref()?;
    let template = written.bunsen.template.as_deref();
    if template.is_some() && kind != "value" {
        checker.wrong(
            format!("{place}.bunsen.template"),
            "only a parameter of type value has one",
        );
    }
    let source = match kind {
        "configuration" => {
            checker.known_key(&format!("{place}.name"), None, &name);
            Source::Configuration(name.clone())
        }
        "value" => Source::Literal(literal(&name, template, vendor_type, place, checker)?),
        "prevBody" => Source::PreviousBody,
        "prevBodyField" => {
            let path = checker.parsed(&format!("{place}.name"), AnswerPath::parse(&name))?;
            Source::PreviousField(path)
        }
        _ => Source::Caller,
    };
    let wanted = vendor_name.clone().unwrap_or_else(|| name.clone());
    let target = match vendor_type {
        "path" => Target::Path(wanted),
        "query" => Target::Query(wanted),
        "header" => Target::Header(header(&wanted, place, checker)?),
        "form" => Target::Form(wanted),
        "body" => Target::Body,
        "bodyField" => Target::BodyField(wanted.split('.').map(str::to_owned).collect()),
        "bodyToken" => Target::BodyToken(wanted),
        // `configuration` is a target of answers only, and `value` and `no-op` send nothing.
        _ => Target::Nowhere,
    };
    if fill.is_some() && !matches!(target, Target::Path(_)) {
        checker.wrong(
            format!("{place}.bunsen.fill"),
            "only a path parameter fills a mark",
        );
    }
    Some(Parameter {
        name,
        source,
        target,
        required: written.required,
        fill,
        vendor_type: match written.vendor_data_type.as_deref() {
            Some("integer" | "long" | "float" | "double") => JsonType::Number,
            Some("boolean") => JsonType::Boolean,
            _ => JsonType::Text,
        },
    })
}

/// The vendor's name; `converter:NAME` in its place is a converter, not a name.
fn converted(
    written: &ParameterDefinition,
    place: &str,
    checker: &mut Checker<'_>,
) -> Option<String> {
    let vendor_name = written
        .vendor_name
        .clone()
        .filter(|name| !name.is_empty())?;
    let Some(converter) = vendor_name.strip_prefix("converter:") else {
        return Some(vendor_name);
    };
    if !matches!(converter, "toQueryParameters" | "toODataFilter") {
        let message =
            format!("unknown {converter:?}; one of \"toQueryParameters\", \"toODataFilter\"");
        checker.wrong(format!("{place}.vendorName"), message);
    }
    None
}

fn literal(
    name: &str,
    template: Option<&str>,
    vendor_type: &str,
    place: &str,
    checker: &mut Checker<'_>,
) -> Option<Template> {
    let Some(text) = template else {
        let place = format!("{place}.name");
        let literal = checker.parsed(&place, Template::parse_literal(name))?;
        for (key, column) in literal.keys() {
            checker.known_key(&place, Some(column), key);
        }
        return Some(literal);
    };
    let place = format!("{place}.bunsen.template");
    let template = checker.template(&place, text)?;
    if vendor_type == "body" {
        for (column, key) in template.unfiltered() {
            let message =
                format!("column {column}: {key} needs a filter in a body: json, xml or url");
            checker.wrong(&place, message);
        }
    }
    Some(template)
}

fn header(name: &str, place: &str, checker: &mut Checker<'_>) -> Option<HeaderName> {
    let place = format!("{place}.vendorName");
    let Ok(header) = HeaderName::from_bytes(name.as_bytes()) else {
        checker.wrong(place, format!("{name:?} is no name of a header"));
        return None;
    };
    if RESERVED_HEADERS.contains(&header.as_str()) {
        checker.wrong(
            place,
            format!("the header {name} is not for definitions to set"),
        );
    }
    Some(header)
}

/// What answers give to the configuration.
pub(super) fn outputs(
    written: &[ParameterDefinition],
    place: &str,
    checker: &mut Checker<'_>,
) -> Vec<Output> {
    let mut outputs = Vec::new();
    for (index, parameter) in written.iter().enumerate() {
        let place = format!("{place}[{index}]");
        let reads = parameter.source.as_deref() == Some("response")
            && parameter.kind.as_deref() == Some("configuration");
        let Some(key) = parameter.name.clone().filter(|_| reads) else {
            continue;
        };
        checker.known_key(&format!("{place}.name"), None, &key);
        let vendor_name = parameter.vendor_name.as_deref().unwrap_or(&key);
        let named = format!("{place}.vendorName");
        let from = match parameter.vendor_type.as_deref() {
            Some("bodyField") => checker
                .parsed(&named, AnswerPath::parse(vendor_name))
                .map(OutputFrom::Field),
            Some("header") => header(vendor_name, &place, checker).map(OutputFrom::Header),
            Some("body") => Some(OutputFrom::Body),
            _ => {
                let message = "an answer is read from bodyField, header or body";
                checker.wrong(format!("{place}.vendorType"), message);
                None
            }
        };
        if let Some(from) = from {
            outputs.push(Output {
                key,
                from,
                required: parameter.required,
            });
        }
    }
    outputs
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
        rules.push(FaultRule {
            when: condition(&words.when, &format!("{place}.when"), checker),
            status: words.status.or(default).unwrap_or(502),
            message: words.message.clone().unwrap_or_default(),
            entry: words.entry.clone(),
        });
    }
    rules
}

fn condition(words: &ConditionWords, place: &str, checker: &mut Checker<'_>) -> Condition {
    let mut present = Vec::new();
    for (index, path) in words.present.iter().enumerate() {
        present.extend(checker.parsed(
            &format!("{place}.present[{index}]"),
            AnswerPath::parse(path),
        ));
    }
    let mut equals = Vec::new();
    for (path, texts) in &words.equals {
        let parsed = checker.parsed(
            &format!("{place}.equals[{path:?}]"),
            AnswerPath::parse(path),
        );
        equals.extend(parsed.map(|parsed| (parsed, texts.clone())));
    }
    Condition {
        statuses: words.status.clone(),
        content: match words.content.as_deref() {
            Some("json") => Some(Content::Json),
            Some("html") => Some(Content::Html),
            _ => None,
        },
        present,
        equals,
    }
}
