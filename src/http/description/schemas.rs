//! Types that are described by data: those of definitions by the schema that definitions are checked
//! with, the rest by `components.json`.

use std::borrow::Cow;

use bunsen_engine::element::DEFINITION_SCHEMA;
use serde_json::{Map, Value, json};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Names for descriptions of handlers to refer to.
macro_rules! described_by_data {
    ($($name:ident),* $(,)?) => {$(
        #[derive(Debug)]
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new().into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )*};
}

described_by_data! {
    ConfigurationEntry,
    Element,
    ElementConfiguration,
    ElementMetadata,
    NewInstance,
    NewInstanceOfElement,
}

/// Of the definition schema: its name there, ours, and what it is.
const PARTS: &[(&str, &str, &str)] = &[
    (
        "entry",
        "ConfigurationEntry",
        "An entry of the configuration that instances are made with.",
    ),
    ("option", "ConfigurationOption", "A choice."),
    (
        "parameter",
        "Parameter",
        "Where a value of a vendor's call comes from and goes to.",
    ),
    ("hook", "Hook", "A script around a call."),
    ("resource", "Resource", "A call that the element can make."),
    (
        "object",
        "ObjectSettings",
        "A kind of record, as the definition has it.",
    ),
    (
        "field",
        "Field",
        "A field of an object or a model, as the definition has it.",
    ),
];

const ELEMENT: &str = "A connector as its definition has it. Short forms lack the parts; a definition of \
     your own keeps what this schema does not know.";

/// The schemas of an element and its parts, as answers show them.
pub fn of_definitions() -> Map<String, Value> {
    let mut whole: Value =
        serde_json::from_str(DEFINITION_SCHEMA).expect("the engine reads this schema, too");
    let parts = whole["$defs"].take();
    let mut schemas = Map::new();
    for (written, name, description) in PARTS {
        let mut schema = parts[written].clone();
        schema["description"] = json!(description);
        schemas.insert((*name).to_owned(), shown(schema));
    }
    // Inside an instance whose element is gone nothing else is left.
    whole["required"] = json!(["key"]);
    whole["description"] = json!(ELEMENT);
    schemas.insert("Element".to_owned(), shown(whole));
    schemas
}

/// What is checked strictly when it is ours, and shown as it came when it is not.
fn shown(mut schema: Value) -> Value {
    let required: Vec<String> =
        serde_json::from_value(schema["required"].take()).unwrap_or_default();
    let Some(members) = schema.as_object_mut() else {
        return schema;
    };
    for ours in ["$schema", "$defs", "title", "required"] {
        members.remove(ours);
    }
    if !required.is_empty() {
        members.insert("required".into(), json!(required));
    }
    if members.contains_key("properties") || members.get("type") == Some(&json!("object")) {
        members.insert("additionalProperties".into(), json!(true));
    }
    let properties = members.get_mut("properties").and_then(Value::as_object_mut);
    if let Some(properties) = properties {
        properties.remove("bunsen");
        properties.remove("$schema");
        for (name, property) in properties {
            *property = shown(property.take());
            if !required.contains(name) {
                or_null(property);
            }
        }
    }
    if let Some(items) = members.get_mut("items") {
        *items = shown(items.take());
    }
    for checked in ["pattern", "minLength", "minimum"] {
        members.remove(checked);
    }
    if let Some(Value::String(reference)) = members.get_mut("$ref") {
        let written = reference.rsplit('/').next().unwrap_or_default();
        let part = PARTS.iter().find(|(name, ..)| *name == written);
        let name = part.map_or(written, |(_, name, _)| name);
        *reference = format!("#/components/schemas/{name}");
    }
    // Other definitions may have other words here.
    if let Some(Value::Array(words)) = members.remove("enum") {
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        let known = members.get("description").and_then(Value::as_str);
        let known = known.map_or(String::new(), |known| format!("{known} "));
        members.insert(
            "description".into(),
            json!(format!("{known}Usually one of {}.", words.join(", "))),
        );
    }
    schema
}

/// Exports of another platform write null for what is absent.
fn or_null(schema: &mut Value) {
    match schema.get_mut("type") {
        Some(Value::String(kind)) => schema["type"] = json!([kind, "null"]),
        Some(Value::Array(kinds)) if !kinds.contains(&json!("null")) => kinds.push(json!("null")),
        _ => {}
    }
}
