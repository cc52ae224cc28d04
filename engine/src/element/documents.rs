//! The element as answers show it, made once from the original JSON.

use serde_json::{Map, Value, json};

use crate::configuration::{MASK, is_secret_key};

#[derive(Debug)]
pub(super) struct Documents {
    pub instance: Value,
    pub catalogue: Value,
    pub abridged: Value,
}

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

impl Documents {
    /// `original` is the definition's own object.
    pub fn of(original: &Map<String, Value>) -> Self {
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
        if let Some(kind) = original.get("authentication").and_then(|a| a.get("type")) {
            let kind = kind.clone();
            catalogue.entry("authenticationType").or_insert(kind);
        }
        let mut catalogue = Value::Object(catalogue);
        remove_words(&mut catalogue);
        mask_secret_defaults(&mut catalogue);

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
            instance: Value::Object(instance),
            abridged: Value::Object(pick(ABRIDGED_MEMBERS)),
            catalogue,
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

/// The catalogue is readable without credentials; a default that an operator filled with a
/// secret must not be.
fn mask_secret_defaults(catalogue: &mut Value) {
    let entries = catalogue
        .get_mut("configuration")
        .and_then(Value::as_array_mut);
    for entry in entries.into_iter().flatten() {
        let text = |member: &str| {
            entry
                .get(member)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let secret = text("type") == "PASSWORD" || is_secret_key(text("key"));
        if let Some(default) = entry.get_mut("defaultValue")
            && secret
            && default.as_str().is_some_and(|text| !text.is_empty())
        {
            *default = json!(MASK);
        }
    }
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
    parameters
        .cloned()
        .map(|mut parameter| {
            if let Some(members) = parameter.as_object_mut() {
                members.entry("source").or_insert(json!("request"));
                members.entry("required").or_insert(json!(false));
                if let Some(id) = catalogue.get("id") {
                    members.entry("elementId").or_insert(id.clone());
                }
            }
            parameter
        })
        .collect()
}
