//! The element as answers show it, made once from the original JSON.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Element;
use crate::configuration::{MASK, is_secret_key};

#[derive(Debug)]
pub(super) struct Documents {
    /// Shared by every answer that shows it.
    pub instance: Arc<Value>,
    pub catalogue: Value,
    pub abridged: Value,
    pub export: Value,
}

/// Owner of what belongs to nobody's account: clients take every other for an extension.
const SYSTEM_ACCOUNT: i64 = 1;

/// Members of the element inside an instance (besides `parameters` and `resources`).
const INSTANCE_MEMBERS: &[&str] = &[
    "id",
    "name",
    "hookName",
    "key",
    "description",
    "image",
    "active",
    "deleted",
    "typeOauth",
    "trialAccount",
    "existingAccountDescription",
    "configDescription",
    "signupURL",
    "elementProvisionType",
    "defaultTransformations",
    "objectMetadata",
    "transformationsEnabled",
    "bulkDownloadEnabled",
    "bulkUploadEnabled",
    "cloneable",
    "extendable",
    "beta",
    "authentication",
    "extended",
    "hub",
    "protocolType",
    "private",
];

const ABRIDGED_MEMBERS: &[&str] = &[
    "id",
    "name",
    "key",
    "hookName",
    "description",
    "image",
    "logo",
    "hub",
    "active",
    "deleted",
    "private",
    "extended",
    "beta",
    "cloneable",
    "extendable",
    "typeOauth",
    "trialAccount",
    "transformationsEnabled",
    "bulkDownloadEnabled",
    "bulkUploadEnabled",
    "protocolType",
    "authentication",
    "authenticationType",
    "createdDate",
    "updatedDate",
];

impl Element {
    /// `element` inside an instance; parameters only `configuration` → `path` ones.
    pub fn instance_json(&self) -> &Arc<Value> {
        &self.documents.instance
    }

    /// The whole definition without the key `bunsen`, completed as the platform shows it.
    pub fn catalogue_json(&self) -> &Value {
        &self.documents.catalogue
    }

    /// The definition as written, without the key `bunsen` and without secret defaults.
    pub fn export_json(&self) -> &Value {
        &self.documents.export
    }

    /// The short entry of lists.
    pub fn abridged_json(&self) -> &Value {
        &self.documents.abridged
    }
}

impl Documents {
    /// `original` is the definition's own object, `common` the platform's entries that it does not
    /// list.
    pub fn of(original: &Map<String, Value>, common: Vec<Value>) -> Self {
        let mut catalogue = original.clone();
        for (member, value) in [
            ("active", json!(true)),
            ("deleted", json!(false)),
            ("typeOauth", json!(false)),
            ("trialAccount", json!(false)),
            ("hub", json!("general")),
            ("configuration", json!([])),
            ("parameters", json!([])),
            ("hooks", json!([])),
            ("resources", json!([])),
        ] {
            catalogue.entry(member).or_insert(value);
        }
        if let Some(entries) = catalogue
            .get_mut("configuration")
            .and_then(Value::as_array_mut)
        {
            entries.extend(common);
        }
        if let Some(kind) = original.get("authentication").and_then(|a| a.get("type")) {
            let kind = kind.clone();
            catalogue.entry("authenticationType").or_insert(kind);
        }
        let mut catalogue = Value::Object(catalogue);
        remove_words(&mut catalogue);
        for default in secret_defaults(&mut catalogue) {
            default.insert("defaultValue".into(), json!(MASK));
        }
        complete_parts(&mut catalogue);

        let pick = |members: &[&str]| -> Map<String, Value> {
            members
                .iter()
                .filter_map(|member| Some(((*member).to_owned(), catalogue.get(*member)?.clone())))
                .collect()
        };
        let mut instance = pick(INSTANCE_MEMBERS);
        instance.insert("parameters".into(), instance_parameters(&catalogue));
        instance.insert("resources".into(), json!([]));
        Self {
            instance: Arc::new(Value::Object(instance)),
            abridged: Value::Object(pick(ABRIDGED_MEMBERS)),
            catalogue,
            export: export(original),
        }
    }
}

/// The definition as written, which is what loads again. A secret default stays out: its mask
/// would come back as the secret.
fn export(original: &Map<String, Value>) -> Value {
    let mut export = Value::Object(original.clone());
    remove_words(&mut export);
    for entry in secret_defaults(&mut export) {
        entry.remove("defaultValue");
    }
    export
}

/// What the platform adds to the parts of a definition: whose they are, and what absence means.
fn complete_parts(catalogue: &mut Value) {
    let element = catalogue.get("id").cloned().unwrap_or_default();
    let hub = catalogue.get("hub").and_then(Value::as_str);
    let hub = hub.unwrap_or("general").to_lowercase();
    if let Some(members) = catalogue.as_object_mut() {
        members.insert("hub".into(), json!(hub));
    }
    let lists = [
        ("parameters", parameter_defaults()),
        ("hooks", hook_defaults()),
    ];
    for (list, defaults) in &lists {
        complete(catalogue, list, ("elementId", &element), defaults);
    }
    complete_objects(catalogue, element.as_i64().unwrap_or_default());
    let resources = catalogue.get_mut("resources").and_then(Value::as_array_mut);
    for resource in resources.into_iter().flatten() {
        let id = resource.get("id").cloned().unwrap_or_default();
        if let Some(members) = resource.as_object_mut() {
            if let Some(path) = members.get_mut("path")
                && let Some(bare) = path.as_str().filter(|path| !path.starts_with("/hubs/"))
            {
                *path = json!(format!("/hubs/{hub}{bare}"));
            }
            for (member, value) in [
                ("ownerAccountId", json!(SYSTEM_ACCOUNT)),
                ("kind", json!("eb")),
                ("parameters", json!([])),
                ("hooks", json!([])),
            ] {
                members.entry(member).or_insert(value);
            }
        }
        for (list, defaults) in &lists {
            complete(resource, list, ("resourceId", &id), defaults);
        }
    }
}

/// Objects and fields have places and names of their own, so their numbers are made of the places.
fn complete_objects(catalogue: &mut Value, element: i64) {
    let objects = catalogue.get_mut("objects").and_then(Value::as_array_mut);
    for (object, number) in objects.into_iter().flatten().zip(1_i64..) {
        let Some(members) = object.as_object_mut() else {
            continue;
        };
        for (member, value) in [
            ("id", json!(element.wrapping_mul(100).wrapping_add(number))),
            ("elementId", json!(element)),
            ("ownerAccountId", json!(SYSTEM_ACCOUNT)),
        ] {
            members.entry(member).or_insert(value);
        }
        let id = members
            .get("id")
            .and_then(Value::as_i64)
            .unwrap_or_default();
        let fields = members.get_mut("fields").and_then(Value::as_array_mut);
        let fields = fields
            .into_iter()
            .flatten()
            .filter_map(Value::as_object_mut);
        for (field, number) in fields.zip(1_i64..) {
            let own = json!(id.wrapping_mul(1000).wrapping_add(number));
            field.entry("id").or_insert(own);
            field.entry("objectId").or_insert(json!(id));
        }
    }
}

fn parameter_defaults() -> [(&'static str, Value); 2] {
    [("source", json!("request")), ("required", json!(false))]
}

fn hook_defaults() -> [(&'static str, Value); 2] {
    [
        ("mimeType", json!("application/javascript")),
        ("isLegacy", json!(false)),
    ]
}

fn complete(
    parent: &mut Value,
    list: &str,
    owner: (&str, &Value),
    defaults: &[(&'static str, Value)],
) {
    let parts = parent.get_mut(list).and_then(Value::as_array_mut);
    for part in parts.into_iter().flatten().filter_map(Value::as_object_mut) {
        part.entry(owner.0).or_insert(owner.1.clone());
        for (member, value) in defaults {
            part.entry(*member).or_insert(value.clone());
        }
    }
}

fn remove_words(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.remove("bunsen");
            members.values_mut().for_each(remove_words);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_words),
        _ => {}
    }
}

/// Entries with a default that an operator filled with a secret. The catalogue is readable without
/// credentials, so nobody may see it there.
fn secret_defaults(definition: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let entries = definition
        .get_mut("configuration")
        .and_then(Value::as_array_mut);
    let entries = entries.into_iter().flatten();
    entries.filter_map(Value::as_object_mut).filter(|entry| {
        let text = |member: &str| {
            entry
                .get(member)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let secret = text("type") == "PASSWORD" || is_secret_key(text("key"));
        secret && !text("defaultValue").is_empty()
    })
}

fn instance_parameters(catalogue: &Value) -> Value {
    let listed = catalogue.get("parameters").and_then(Value::as_array);
    let parameters = listed.into_iter().flatten().filter(|parameter| {
        parameter
            .get("type")
            .is_some_and(|kind| kind == "configuration")
            && parameter
                .get("vendorType")
                .is_some_and(|kind| kind == "path")
    });
    parameters.cloned().collect()
}
