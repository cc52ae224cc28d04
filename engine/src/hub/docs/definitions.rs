//! What calls take and answer: definitions of objects, made of their fields, and of our own answers.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Wanted;
use super::operations::Call;
use crate::element::Element;
use crate::element::objects::{Object, camel};
use crate::hub::fields::{self, Shown};

const PREFIX: &str = "#/definitions/";

pub const ERROR: &str = "ErrorAnswer";
pub const PING: &str = "PingAnswer";
pub const OBJECTS: &str = "ObjectName";
pub const FIELDS: &str = "FieldList";

/// Behind an object's name: what is sent to make one, and to change one.
pub const CREATE: &str = "CreateRequest";
pub const UPDATE: &str = "UpdateRequest";

pub fn reference(name: &str) -> Value {
    json!({"$ref": format!("{PREFIX}{name}")})
}

/// Every definition that the calls may refer to.
pub fn all(element: &Element, calls: &[Call<'_>], wanted: &Wanted<'_>) -> Map<String, Value> {
    let mut definitions = own();
    for call in calls {
        if let Some(object) = call.object {
            of_object(element, object, wanted, &mut definitions);
        }
        if let Some(resource) = call.resource() {
            for (name, model) in &resource.described.models {
                let model = match wanted.basic {
                    true => bare(model),
                    false => model.clone(),
                };
                definitions.entry(name.clone()).or_insert(model);
            }
        }
    }
    definitions
}

/// The definition without its members; an array stays one.
fn bare(model: &Value) -> Value {
    match model["type"].as_str() {
        Some("array") => json!({"type": "array", "items": {}}),
        _ => json!({"type": "object"}),
    }
}

fn of_object(
    element: &Element,
    object: &Object,
    wanted: &Wanted<'_>,
    definitions: &mut Map<String, Value>,
) {
    let name = camel(&object.name);
    if definitions.contains_key(&name) {
        return;
    }
    let declared;
    let fields = match wanted.fields.get(&object.name) {
        Some(live) => live,
        None => {
            declared = fields::of(element, object);
            &declared
        }
    };
    let schema = |which: &dyn Fn(&Shown) -> bool, required: bool| match wanted.basic {
        true => json!({"type": "object"}),
        false => of_fields(fields, which, required),
    };
    let answered = |field: &Shown| field.method.iter().any(|way| way.response);
    definitions.insert(name.clone(), schema(&answered, false));
    definitions.insert(
        format!("{name}{CREATE}"),
        schema(&|field| field.createable, true),
    );
    definitions.insert(
        format!("{name}{UPDATE}"),
        schema(&|field| field.updateable, false),
    );
}

fn of_fields(fields: &[Shown], which: &dyn Fn(&Shown) -> bool, required: bool) -> Value {
    let mut schema = json!({"type": "object", "properties": {}});
    for field in fields.iter().filter(|field| which(field)) {
        let required = required && field.vendor_required;
        put(&mut schema, &field.vendor_path, leaf(field), required);
    }
    schema
}

fn leaf(field: &Shown) -> Value {
    let format = field.format.as_deref();
    let mut leaf = match field.kind.as_str() {
        "number" if matches!(format, Some("int32" | "int64")) => {
            json!({"type": "integer", "format": format})
        }
        "number" => json!({"type": "number"}),
        "integer" => json!({"type": "integer", "format": "int64"}),
        "boolean" => json!({"type": "boolean"}),
        "date" => json!({"type": "string", "format": format.unwrap_or("date-time")}),
        "array" => json!({"type": "array", "items": {}}),
        "object" => json!({"type": "object"}),
        _ => json!({"type": "string"}),
    };
    let mut say = |member: &str, text: &Option<String>| {
        if let (Some(text), Some(leaf)) = (text, leaf.as_object_mut()) {
            leaf.insert(member.to_owned(), json!(text));
        }
    };
    say("title", &field.vendor_display_name);
    say("description", &field.description);
    leaf
}

/// Puts a property at the end of a dotted path, with the objects on the way there. What is required
/// makes them required, too.
pub fn put(schema: &mut Value, path: &str, leaf: Value, required: bool) {
    let (name, rest) = match path.split_once('.') {
        Some((name, rest)) => (name, Some(rest)),
        None => (path, None),
    };
    let Some(members) = schema.as_object_mut() else {
        return;
    };
    if required {
        let names = members.entry("required").or_insert_with(|| json!([]));
        if let Some(names) = names
            .as_array_mut()
            .filter(|names| !names.contains(&json!(name)))
        {
            names.push(json!(name));
        }
    }
    let properties = members.entry("properties").or_insert_with(|| json!({}));
    let Some(properties) = properties.as_object_mut() else {
        return;
    };
    match rest {
        Some(rest) => {
            let below = properties.entry(name).or_insert_with(|| json!({}));
            if let Some(below) = below.as_object_mut() {
                // Whatever else it was said to be, it has fields.
                below.insert("type".to_owned(), json!("object"));
                below.remove("items");
            }
            put(below, rest, leaf, required);
        }
        None => {
            properties.entry(name).or_insert(leaf);
        }
    }
}

/// Those that are referred to, also by each other.
pub fn referred_to(paths: &Value, all: &Map<String, Value>) -> Map<String, Value> {
    let mut found = Map::new();
    let mut waiting = Vec::new();
    references(paths, &mut waiting);
    while let Some(name) = waiting.pop() {
        if found.contains_key(&name) {
            continue;
        }
        if let Some(definition) = all.get(&name) {
            references(definition, &mut waiting);
            found.insert(name, definition.clone());
        }
    }
    found
}

fn references(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            names.extend(referred(members).map(str::to_owned));
            members.values().for_each(|value| references(value, names));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, names)),
        _ => {}
    }
}

fn referred(members: &Map<String, Value>) -> Option<&str> {
    members.get("$ref")?.as_str()?.strip_prefix(PREFIX)
}

/// Definitions within definitions that are put in place.
const DEPTH: usize = 8;

/// JSON values that are put in place of references, in one document altogether. Definitions that refer
/// to each other many times would grow without end.
const VALUES: usize = 100_000;

/// Replaces references; one that leads back to itself stays, and so does what would make the document
/// too large.
pub struct Resolver<'a> {
    all: &'a Map<String, Value>,
    on_the_way: Vec<String>,
    sizes: BTreeMap<&'a str, usize>,
    left: usize,
}

impl<'a> Resolver<'a> {
    pub fn new(all: &'a Map<String, Value>) -> Self {
        let sizes = all
            .iter()
            .map(|(name, definition)| (name.as_str(), size(definition)));
        Self {
            all,
            on_the_way: Vec::new(),
            sizes: sizes.collect(),
            left: VALUES,
        }
    }

    /// In the definition of this name itself.
    pub fn within(&mut self, value: &mut Value, name: &str) {
        self.on_the_way.push(name.to_owned());
        self.resolve(value);
        self.on_the_way.pop();
    }

    pub fn resolve(&mut self, value: &mut Value) {
        match value {
            Value::Object(members) => {
                let name = referred(members).map(str::to_owned);
                if let Some(name) = name {
                    self.put_in_place(value, name);
                    return;
                }
                for value in members.values_mut() {
                    self.resolve(value);
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.resolve(item);
                }
            }
            _ => {}
        }
    }

    fn put_in_place(&mut self, reference: &mut Value, name: String) {
        let Some(definition) = self.all.get(&name) else {
            return;
        };
        if self.on_the_way.contains(&name) || self.on_the_way.len() >= DEPTH {
            return;
        }
        let size = self.sizes.get(name.as_str()).copied().unwrap_or_default();
        let Some(left) = self.left.checked_sub(size) else {
            return;
        };
        self.left = left;
        *reference = definition.clone();
        self.within(reference, &name);
    }
}

/// Values in it, itself among them.
fn size(value: &Value) -> usize {
    1 + match value {
        Value::Object(members) => members.values().map(size).sum(),
        Value::Array(items) => items.iter().map(size).sum(),
        _ => 0,
    }
}

/// What this server itself answers.
fn own() -> Map<String, Value> {
    let text = || json!({"type": "string"});
    let flag = || json!({"type": "boolean"});
    let definitions = json!({
        ERROR: {
            "type": "object",
            "properties": {"requestId": text(), "message": text(), "providerMessage": text()},
        },
        PING: {
            "type": "object",
            "properties": {
                "dateTime": {"type": "string", "format": "date-time"},
                "endpoint": text(),
                "valid": flag(),
            },
        },
        OBJECTS: {"type": "string"},
        FIELDS: {
            "type": "object",
            "properties": {"fields": {"type": "array", "items": {
                "type": "object",
                "properties": {
                    "path": text(),
                    "type": text(),
                    "vendorPath": text(),
                    "vendorDisplayName": text(),
                    "vendorNativeType": text(),
                    "vendorRequired": flag(),
                    "vendorReadOnly": flag(),
                    "hidden": flag(),
                    "createable": flag(),
                    "updateable": flag(),
                    "custom": flag(),
                    "mask": text(),
                    "picklistValues": {"type": "array", "items": {
                        "type": "object",
                        "properties": {"displayText": text(), "value": {}},
                    }},
                    "method": {"type": "array", "items": {
                        "type": "object",
                        "properties": {"name": text(), "request": flag(), "response": flag()},
                    }},
                },
            }}},
        },
    });
    match definitions {
        Value::Object(definitions) => definitions,
        _ => Map::new(),
    }
}
