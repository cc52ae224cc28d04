//! Kinds of records, the calls that list a vendor's own fields, and what documentation says of
//! resources.

use serde_json::{Map, Value, json};

use super::Checker;
use super::shape::path_segments;
use crate::element::definition::{
    ElementDefinition, FieldDefinition, FieldsWords, ParameterDefinition, ResourceDefinition,
    TestWords,
};
use crate::element::objects::{
    Choices, Described, Field, FieldsRule, Object, Taken, Test, camel, name_of,
};
use crate::element::shape::{Origin, PathSegment};
use crate::element::{Resource, ResourceKind, Source, Target};

/// What fields are to callers.
const KINDS: &[&str] = &["string", "number", "boolean", "date", "object", "array"];

pub(super) fn objects(
    definition: &ElementDefinition,
    resources: &[Resource],
    checker: &mut Checker<'_>,
) -> Vec<Object> {
    let mut objects: Vec<Object> = Vec::new();
    for (index, written) in definition.objects.0.iter().enumerate() {
        let place = format!("objects[{index}]");
        let Some(name) = written.name.clone() else {
            continue;
        };
        if objects
            .iter()
            .any(|object| camel(&object.name) == camel(&name))
        {
            checker.wrong(
                format!("{place}.name"),
                format!("{name:?} is declared twice"),
            );
        }
        let mut discovery = Vec::new();
        for (index, call) in written.bunsen.discovery.iter().enumerate() {
            let place = format!("{place}.bunsen.discovery[{index}]");
            let found = resources
                .iter()
                .position(|resource| *call == format!("{}:{}", resource.method, resource.path));
            match found.and_then(|found| Some((found, resources.get(found)?))) {
                Some((found, resource)) if resource.fields.is_some() => discovery.push(found),
                Some(_) => checker.wrong(place, format!("{call} has no bunsen.fields")),
                None => checker.wrong(place, format!("no resource {call}")),
            }
        }
        objects.push(Object {
            vendor_name: written.vendor_name.clone().unwrap_or_else(|| name.clone()),
            name,
            fields: fields_of(&written.fields.0, &place, checker),
            discovery,
            declared: true,
        });
    }
    undeclared(resources, &mut objects);
    by_vendors_names(resources, &mut objects);
    objects
}

/// Those that callers reach by the vendor's names, with the fields of ours: where a vendor's record has
/// others, the definition declares an object of that name.
fn by_vendors_names(resources: &[Resource], objects: &mut Vec<Object>) {
    let names = resources.iter().flat_map(|resource| &resource.shape.only);
    for name in names.filter_map(|only| only.name()) {
        if objects
            .iter()
            .any(|object| camel(&object.name) == camel(name))
        {
            continue;
        }
        let ours = objects.iter().find(|one| one.vendor_name == name);
        objects.extend(ours.cloned().map(|ours| Object {
            name: name.to_owned(),
            declared: true,
            ..ours
        }));
    }
}

/// Those that only paths of lists show, with what is known of the path's end or their models say.
fn undeclared(resources: &[Resource], objects: &mut Vec<Object>) {
    for resource in resources {
        if resource.kind != ResourceKind::Api || !resource.shape.is_list() {
            continue;
        }
        let name = name_of(&resource.shape.path);
        let known = |object: &Object| camel(&object.name) == camel(&name);
        if name.is_empty() || objects.iter().any(known) {
            continue;
        }
        // `/accounts/{id}/notes` lists what `/notes` does.
        let end = resource
            .shape
            .path
            .iter()
            .rev()
            .find_map(|segment| match segment {
                PathSegment::Literal(literal) => Some(camel(literal)),
                PathSegment::Variable(_) => None,
            });
        let same = objects
            .iter()
            .find(|object| object.declared && Some(camel(&object.name)) == end);
        let object = match same {
            Some(same) => Object {
                name,
                declared: false,
                ..same.clone()
            },
            None => Object {
                vendor_name: name.clone(),
                name,
                fields: of_model(&resource.described),
                discovery: Vec::new(),
                declared: false,
            },
        };
        objects.push(object);
    }
}

fn fields_of(written: &[FieldDefinition], place: &str, checker: &mut Checker<'_>) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    for (index, field) in written.iter().enumerate() {
        let Some(field) = self::field(field) else {
            continue;
        };
        let place = format!("{place}.fields[{index}]");
        if fields.iter().any(|other| other.name == field.name) {
            let message = format!("{:?} is declared twice", field.name);
            checker.wrong(format!("{place}.name"), message);
        }
        if checker.shipped && !KINDS.contains(&field.kind.as_str()) {
            let message = format!("unknown {:?}; one of {}", field.kind, KINDS.join(", "));
            checker.wrong(format!("{place}.type"), message);
        }
        fields.push(field);
    }
    fields
}

fn field(written: &FieldDefinition) -> Option<Field> {
    Some(Field {
        name: written.name.clone()?,
        kind: written.kind.clone().unwrap_or_else(|| "string".to_owned()),
        format: written.format.clone(),
        display_name: written.display_name.clone(),
        description: written.description.clone(),
        mask: written.mask.clone(),
        primary_key: written.primary_key,
        hidden: written.hidden,
        read_only: written.read_only,
        required: written.required,
        request: written.request.unwrap_or(true),
        response: written.response.unwrap_or(true),
        createable: written.bunsen.createable.unwrap_or(true),
        updateable: written.bunsen.updateable.unwrap_or(true),
    })
}

/// The fields that the model of a list's records has.
fn of_model(described: &Described) -> Vec<Field> {
    let model = |name: &str| described.models.get(name);
    let mut found = described.answer.as_deref().and_then(model);
    let items = found.and_then(|found| found.pointer("/items/$ref"));
    if let Some(items) = items.and_then(Value::as_str) {
        found = model(items.trim_start_matches(DEFINITIONS));
    }
    let properties = found.and_then(|found| found.get("properties"));
    let fields = properties.and_then(Value::as_object).into_iter().flatten();
    fields
        .map(|(name, property)| {
            let text = |member: &str| property.get(member).and_then(Value::as_str);
            let kind = match (text("type"), text("format")) {
                (Some("string"), Some("date" | "date-time")) => "date",
                (Some("integer"), _) => "number",
                (Some(kind), _) => kind,
                (None, _) => "object",
            };
            Field {
                name: name.clone(),
                kind: kind.to_owned(),
                format: text("format").map(str::to_owned),
                description: text("description").map(str::to_owned),
                read_only: property.get("readOnly") == Some(&Value::Bool(true)),
                request: true,
                response: true,
                ..Field::default()
            }
        })
        .collect()
}

/// A call that lists fields needs nothing of a caller but the name of the object.
pub(super) fn fields(
    written: &ResourceDefinition,
    resource: &Resource,
    place: &str,
    checker: &mut Checker<'_>,
) -> Option<FieldsRule> {
    let words = written.bunsen.fields.as_ref()?;
    let place = format!("{place}.bunsen.fields");
    let path = path_segments(written.path.as_deref().unwrap_or_default());
    let variables = path
        .iter()
        .filter(|s| matches!(s, PathSegment::Variable(_)));
    if variables.count() > 1
        || !resource.kind.answers_callers()
        || written.method.as_deref() != Some("GET")
    {
        let message =
            "belongs to a GET of type api or apiNoDocumentation with one variable at most";
        checker.wrong(&place, message);
    }
    rule(words, &place, checker)
}

fn rule(words: &FieldsWords, place: &str, checker: &mut Checker<'_>) -> Option<FieldsRule> {
    let mut path = |member: &str, text: &Option<String>| {
        checker.answer_path(&format!("{place}.{member}"), text.as_deref()?)
    };
    let name = path("name", &words.name);
    let label = path("label", &words.label);
    let kind = path("type", &words.kind);
    let choices = words.choices.as_ref().and_then(|choices| {
        Some(Choices {
            at: path("choices.at", &choices.at)?,
            value: path("choices.value", &choices.value),
            text: path("choices.text", &choices.text),
            keys_are_values: choices.keys.as_deref() == Some("value"),
        })
    });
    let mut tested = |member: &str, words: &Option<TestWords>| {
        words.as_ref().map_or_else(Test::default, |words| {
            test(words, &format!("{place}.{member}"), checker)
        })
    };
    Some(FieldsRule {
        name: name?,
        names: words.names.clone(),
        initial_lower: words.initial.as_deref() == Some("lower"),
        label,
        kind,
        kinds: words.types.clone(),
        required: tested("required", &words.required),
        read_only: tested("readOnly", &words.read_only),
        hidden: tested("hidden", &words.hidden),
        skip: tested("skip", &words.skip),
        custom: tested("custom", &words.custom),
        custom_below: words.custom_below.clone(),
        choices,
    })
}

fn test(words: &TestWords, place: &str, checker: &mut Checker<'_>) -> Test {
    let mut test = Test::default();
    for (texts, paths) in [
        (&words.equals, &mut test.equals),
        (&words.differs, &mut test.differs),
    ] {
        for (path, texts) in texts {
            let parsed = checker.answer_path(place, path);
            paths.extend(parsed.map(|parsed| (parsed, texts.clone())));
        }
    }
    for (texts, paths) in [
        (&words.present, &mut test.present),
        (&words.absent, &mut test.absent),
    ] {
        paths.extend(
            texts
                .iter()
                .filter_map(|path| checker.answer_path(place, path)),
        );
    }
    test
}

/// Nobody calls, so nothing can come from a caller.
pub(super) fn ping(
    written: &ResourceDefinition,
    resource: &Resource,
    place: &str,
    checker: &mut Checker<'_>,
) -> bool {
    let of_caller = resource.parameters.iter().any(|parameter| {
        matches!(parameter.source, Source::Caller | Source::Request(_))
            && (parameter.required || matches!(parameter.target, Target::Path(_)))
    });
    if written.bunsen.ping && of_caller {
        let message = "nobody brings anything to the call that sees whether credentials work";
        checker.wrong(format!("{place}.bunsen.ping"), message);
    }
    written.bunsen.ping
}

/// `of_element` are parameters that every call has.
pub(super) fn described(
    written: &ResourceDefinition,
    of_element: &[ParameterDefinition],
) -> Described {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let model = &written.model;
    let mut models = Map::new();
    for definitions in [&model.swagger, &model.request_swagger] {
        for (name, definition) in definitions {
            let known: Vec<&str> = definitions.keys().map(String::as_str).collect();
            models
                .entry(name.clone())
                .or_insert_with(|| definition_of(definition, &known));
        }
    }
    let named = |name: &Option<String>| given(name).filter(|name| models.contains_key(name));
    let (request, answer) = (named(&model.request_name), named(&model.name));
    Described {
        operation: given(&written.operation_id),
        content_type: given(&written.response.content_type),
        takes: of_element
            .iter()
            .chain(&written.parameters.0)
            .filter_map(taken)
            .collect(),
        request,
        answer,
        models,
    }
}

fn taken(written: &ParameterDefinition) -> Option<Taken> {
    if written.source.as_deref() == Some("response") {
        return None;
    }
    let kind = written.kind.as_deref()?;
    let origin = match kind {
        "header" => Origin::Header,
        "path" => Origin::Path,
        "query" => Origin::Query,
        "form" | "multipart" => Origin::Form,
        "body" => Origin::Body,
        "bodyField" => Origin::BodyField,
        _ => return None,
    };
    Some(Taken {
        name: written.name.clone()?,
        origin,
        data_type: written.data_type.clone(),
        description: written.description.clone(),
        required: written.required,
        multipart: kind == "multipart",
    })
}

pub(crate) const DEFINITIONS: &str = "#/definitions/";

const TYPES: &[&str] = &["string", "number", "integer", "boolean", "array", "object"];

/// A definition of the platform's models as Swagger 2.0 has it: there a type may be the name of
/// another definition, and references name it alone.
fn definition_of(written: &Value, known: &[&str]) -> Value {
    let Some(members) = written.as_object() else {
        return json!({"type": "object"});
    };
    let text = |member: &str| members.get(member).and_then(Value::as_str);
    let named = text("$ref").or_else(|| text("type").filter(|kind| !TYPES.contains(kind)));
    if let Some(name) = named {
        let name = name.trim_start_matches(DEFINITIONS);
        return match name {
            _ if known.contains(&name) => json!({"$ref": format!("{DEFINITIONS}{name}")}),
            "date" | "dateTime" => json!({"type": "string", "format": "date-time"}),
            "long" | "int" => json!({"type": "integer", "format": "int64"}),
            "float" | "double" => json!({"type": "number", "format": name}),
            _ => json!({"type": "object"}),
        };
    }
    let mut definition = Map::new();
    for member in [
        "type",
        "format",
        "description",
        "title",
        "readOnly",
        "enum",
        "example",
    ] {
        if let Some(value) = members.get(member).filter(|value| !value.is_null()) {
            definition.insert(member.to_owned(), value.clone());
        }
    }
    for (member, value) in members
        .iter()
        .filter(|(member, _)| member.starts_with("x-"))
    {
        definition.insert(member.clone(), value.clone());
    }
    if text("type") == Some("array") || members.contains_key("items") {
        let items = members
            .get("items")
            .map(|items| definition_of(items, known));
        definition.insert("type".to_owned(), json!("array"));
        definition.insert("items".to_owned(), items.unwrap_or_else(|| json!({})));
    }
    if let Some(properties) = members.get("properties").and_then(Value::as_object) {
        let properties: Map<String, Value> = properties
            .iter()
            .map(|(name, property)| (name.clone(), definition_of(property, known)))
            .collect();
        let required = members.get("required").and_then(Value::as_array);
        let required = required.into_iter().flatten().filter_map(Value::as_str);
        let required: Vec<&str> = required
            .filter(|name| properties.contains_key(*name))
            .collect();
        if !required.is_empty() {
            definition.insert("required".to_owned(), json!(required));
        }
        definition.insert("type".to_owned(), json!("object"));
        definition.insert("properties".to_owned(), Value::Object(properties));
    }
    Value::Object(definition)
}
