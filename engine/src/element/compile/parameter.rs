//! Parameters: what goes into a call, and what is stored from its answer.

use http::HeaderName;

use super::Checker;
use crate::element::definition::ParameterDefinition;
use crate::element::shape::{Converter, Origin};
use crate::element::{
    Handed, HandedTo, JsonType, Output, OutputFrom, Parameter, Piece, Source, Target,
};
use crate::language::Template;

/// Headers that the sender owns.
const RESERVED_HEADERS: &[&str] = &["connection", "content-length", "host", "transfer-encoding"];

/// Those of the direction to the vendor. `called`: callers may make the call themselves.
pub(super) fn parameters(
    written: &[ParameterDefinition],
    place: &str,
    called: bool,
    checker: &mut Checker<'_>,
) -> Vec<Parameter> {
    let numbered = written.iter().enumerate();
    numbered
        .filter(|(_, parameter)| parameter.source.as_deref() != Some("response"))
        .filter_map(|(index, parameter)| {
            self::parameter(parameter, &format!("{place}[{index}]"), called, checker)
        })
        .collect()
}

fn parameter(
    written: &ParameterDefinition,
    place: &str,
    called: bool,
    checker: &mut Checker<'_>,
) -> Option<Parameter> {
    let name = written.name.clone()?;
    let (vendor_name, converter) = converted(written, place, checker);
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
            Source::PreviousField(checker.answer_path(&format!("{place}.name"), &name)?)
        }
        _ if !called => Source::Caller,
        "header" => Source::Request(Origin::Header),
        "path" => Source::Request(Origin::Path),
        "form" | "multipart" => Source::Request(Origin::Form),
        "body" => Source::Request(Origin::Body),
        "bodyField" => Source::Request(Origin::BodyField),
        _ => Source::Request(Origin::Query),
    };
    let wanted = vendor_name.clone().unwrap_or_else(|| name.clone());
    let target = match vendor_type {
        _ if let Some(converter) = converter => Target::Conditions(converter),
        "path" => Target::Path(wanted),
        "query" => Target::Query(wanted),
        "header" => Target::Header(header(&wanted, &format!("{place}.vendorName"), checker)?),
        "form" => Target::Form(wanted),
        "multipart" => Target::Part(wanted),
        "body" => Target::Body,
        "bodyField" => Target::BodyField(wanted.split('.').map(str::to_owned).collect()),
        "bodyToken" => Target::BodyToken(wanted),
        // Where the vendor is, its own answers alone say.
        "configuration" if wanted != "base.url" => {
            if checker.shipped {
                checker.known_key(&format!("{place}.vendorName"), None, &wanted);
            }
            Target::Configuration(wanted)
        }
        // `value` and `no-op` send nothing.
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
        vendor_type: json_type(written.vendor_data_type.as_deref()),
    })
}

/// The vendor's name, and the converter: `converter:NAME` in place of a name is one too.
fn converted(
    written: &ParameterDefinition,
    place: &str,
    checker: &mut Checker<'_>,
) -> (Option<String>, Option<Converter>) {
    let vendor_name = written.vendor_name.as_deref();
    let vendor_name = vendor_name.filter(|name| !name.is_empty());
    let in_name = vendor_name.and_then(|name| name.strip_prefix("converter:"));
    let name = vendor_name.filter(|_| in_name.is_none());
    let sent = written.vendor_type.as_deref() != Some("no-op");
    let converter = match in_name.or(written.converter.as_deref()) {
        Some("toQueryParameters") => Some(Converter::QueryParameters),
        Some("toODataFilter") => Some(Converter::OData(
            name.filter(|name| sent && *name != "where")
                .unwrap_or("$filter")
                .to_owned(),
        )),
        unknown => {
            if in_name.is_some() {
                let message = format!(
                    "unknown {:?}; one of \"toQueryParameters\", \"toODataFilter\"",
                    unknown.unwrap_or_default()
                );
                checker.wrong(format!("{place}.vendorName"), message);
            }
            None
        }
    };
    (name.map(str::to_owned), converter)
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

/// The name of a header that definitions may set.
pub(super) fn header(name: &str, place: &str, checker: &mut Checker<'_>) -> Option<HeaderName> {
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
        let generate = parameter.bunsen.generate.as_deref();
        let from = match parameter.vendor_type.as_deref() {
            Some("bodyField") => checker
                .answer_path(&named, vendor_name)
                .map(OutputFrom::Field),
            Some("header") => header(vendor_name, &named, checker).map(OutputFrom::Header),
            Some("body") => Some(OutputFrom::Body),
            Some("value") if generate == Some("epochMillis") => Some(OutputFrom::Now),
            Some("value") if !parameter.bunsen.compose.is_empty() => {
                Some(OutputFrom::Composed(pieces(parameter, &place, checker)))
            }
            // An export leaves out what is made; without it the word places nothing anywhere.
            Some("value") if generate.is_none() && !checker.shipped => None,
            _ => {
                let message = "an answer is read from bodyField, header or body, or value with generate or compose";
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

/// What answers give to callers, beside records.
pub(super) fn handed(
    written: &[ParameterDefinition],
    place: &str,
    checker: &mut Checker<'_>,
) -> Vec<Handed> {
    let mut all = Vec::new();
    for (index, parameter) in written.iter().enumerate() {
        let place = format!("{place}[{index}]");
        let (Some("response"), Some(name)) = (parameter.source.as_deref(), &parameter.name) else {
            continue;
        };
        let to = match parameter.kind.as_deref() {
            Some("header") => header(name, &format!("{place}.name"), checker).map(HandedTo::Header),
            Some("bodyField") => Some(HandedTo::Field(
                name.split('.').map(str::to_owned).collect(),
            )),
            _ => None,
        };
        let vendor_name = parameter.vendor_name.as_deref().unwrap_or(name);
        let named = format!("{place}.vendorName");
        let from = match parameter.vendor_type.as_deref() {
            Some("bodyField") => checker
                .answer_path(&named, vendor_name)
                .map(OutputFrom::Field),
            Some("header") => header(vendor_name, &named, checker).map(OutputFrom::Header),
            // `elements check` tells of the others.
            _ => None,
        };
        if let (Some(to), Some(from)) = (to, from) {
            let kind = json_type(parameter.data_type.as_deref());
            all.push(Handed { to, from, kind });
        }
    }
    all
}

fn json_type(name: Option<&str>) -> JsonType {
    match name {
        Some("integer" | "long" | "float" | "double") => JsonType::Number,
        Some("boolean") => JsonType::Boolean,
        _ => JsonType::Text,
    }
}

fn pieces(written: &ParameterDefinition, place: &str, checker: &mut Checker<'_>) -> Vec<Piece> {
    let numbered = written.bunsen.compose.iter().enumerate();
    let pieces = numbered.filter_map(|(index, words)| match (&words.text, &words.answer) {
        (Some(text), _) => Some(Piece::Text(text.clone())),
        (None, answer) => {
            let place = format!("{place}.bunsen.compose[{index}].answer");
            let path = checker.answer_path(&place, answer.as_deref()?)?;
            Some(Piece::Answer(path))
        }
    });
    pieces.collect()
}
