//! Budgets of vendors' accounts and of organizations, and what one hub call may take: over HTTP, with
//! a vendor that answers what it is told to.

mod limits;
mod replicas;
mod shipped;
mod turns;
mod weights;

use std::path::Path;

use serde_json::{Value, json};

/// An element of the tests' own with these budgets.
fn definition(budget: Value) -> Value {
    let entry = |id: u32, key: &str, kind: &str| json!({"id": id, "key": key, "name": key, "type": kind, "required": true});
    let mut base = entry(9_400_003, "base.url", "TEXTFIELD_1000");
    base["defaultValue"] = json!("https://{site}.quarry.example/base");
    let mut definition = json!({
        "id": 9400, "name": "Quarry", "key": "quarry", "hub": "crm",
        "authentication": {"type": "custom"},
        "configuration": [entry(9_400_001, "site", "TEXTFIELD_128"), entry(9_400_002, "word", "PASSWORD"), base],
        "parameters": [],
        "resources": [
            {"id": 9_400_010, "method": "GET", "path": "/me", "vendorPath": "/me", "type": "provisionAuthValidation"},
            {"id": 9_400_011, "method": "GET", "path": "/stones/{id}", "vendorPath": "/stones/{id}", "type": "api",
             "parameters": [{"id": 9_400_012, "name": "id", "type": "path", "vendorName": "id", "vendorType": "path"}]},
            {"id": 9_400_013, "method": "GET", "path": "/stones", "vendorPath": "/stones", "type": "api", "rootKey": "|rows",
             "parameters": [
                {"id": 9_400_014, "name": "page", "type": "query", "vendorName": "page", "vendorType": "query"},
                {"id": 9_400_015, "name": "pageSize", "type": "query", "vendorName": "size", "vendorType": "query"}]},
        ],
        "bunsen": {
            "hosts": ["*.quarry.example"],
            "groups": [{"name": "custom", "title": "A word",
                        "authenticate": {"headers": {"X-Word": "{config.word}"}}}],
        },
    });
    if !budget.is_null() {
        definition["bunsen"]["budget"] = budget;
    }
    definition
}

fn write(folder: &Path, budget: Value) {
    std::fs::create_dir(folder.join("quarry")).expect("a folder");
    let file = folder.join("quarry/element.json");
    std::fs::write(file, definition(budget).to_string()).expect("a file");
}

fn body(name: &str) -> Value {
    json!({"element": {"key": "quarry"}, "name": name,
           "configuration": {"site": "acme", "word": "5ecret-word"}})
}
