//! The operations that a definition offers to callers, read from its JSON as anybody would.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use super::{elements, read};

pub struct Definition {
    pub key: String,
    pub operations: Vec<Operation>,
    /// Those that find records by the vendor's names, with each path that they stand for.
    pub by_name: Vec<Operation>,
    /// Names of fields that the vendor writes alone, of all objects.
    pub read_only: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    pub method: String,
    /// Without hub.
    pub path: String,
    pub json: Value,
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.method, self.path)
    }
}

/// Of every shipped element: each says at least what is with its credentials.
pub fn definitions() -> Vec<Definition> {
    let folders = std::fs::read_dir(elements()).expect("there are elements");
    let mut found: Vec<Definition> = folders
        .filter_map(|folder| {
            let path = folder.expect("a folder").path().join("element.json");
            let json = path.exists().then(|| read(&path))?;
            let operations = json["resources"].as_array()?.iter();
            let operations: Vec<Operation> = operations.filter_map(operation).collect();
            let key = json["key"].as_str().expect("a key").to_owned();
            let by_name = by_name(&json);
            Some(Definition {
                key,
                operations,
                by_name,
                read_only: read_only(&json),
            })
        })
        .collect();
    found.sort_by(|one, other| one.key.cmp(&other.key));
    found
}

fn by_name(json: &Value) -> Vec<Operation> {
    let resources = json["resources"].as_array().into_iter().flatten();
    let named = resources.flat_map(|resource| {
        let only = resource["bunsen"]["only"].as_array().into_iter().flatten();
        only.map(move |path| Operation {
            method: resource["method"].as_str().expect("a method").to_owned(),
            path: path.as_str().expect("a path").to_owned(),
            json: resource.clone(),
        })
    });
    named.collect()
}

fn read_only(json: &Value) -> BTreeSet<String> {
    let objects = json["objects"].as_array().into_iter().flatten();
    let fields = objects.flat_map(|object| object["fields"].as_array().into_iter().flatten());
    fields
        .filter(|field| field["readOnly"] == true)
        .filter_map(|field| field["name"].as_str().map(str::to_owned))
        .collect()
}

fn operation(json: &Value) -> Option<Operation> {
    let path = without_hub(json["path"].as_str().expect("a path"));
    // The answer to a ping is not the resource's, and what no document names is for calls of our own.
    let for_callers = json["type"] == "api" && path != "/ping";
    for_callers.then(|| Operation {
        method: json["method"].as_str().expect("a method").to_owned(),
        path,
        json: json.clone(),
    })
}

fn without_hub(path: &str) -> String {
    let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let segments = match segments.as_slice() {
        ["hubs", _, rest @ ..] => rest,
        all => all,
    };
    format!("/{}", segments.join("/"))
}

impl Definition {
    /// The operation that a call means; PUT and PATCH stand in for each other.
    pub fn operation(&self, method: &str, path: &str) -> Option<&Operation> {
        let path = without_hub(path);
        let of = |method: &str| {
            let fitting = self
                .operations
                .iter()
                .filter(|operation| operation.method == method && operation.fits(&path).is_some());
            fitting.min_by_key(|operation| operation.fits(&path))
        };
        let other = match method {
            "PUT" => "PATCH",
            "PATCH" => "PUT",
            same => same,
        };
        of(method).or_else(|| of(other))
    }

    /// Whether callers may call it although no document says so.
    pub fn is_by_name(&self, method: &str, path: &str) -> bool {
        let path = without_hub(path);
        let methods = match method {
            "PUT" | "PATCH" => ["PUT", "PATCH"],
            same => [same, same],
        };
        let mut named = self.by_name.iter();
        named.any(|one| methods.contains(&one.method.as_str()) && one.fits(&path).is_some())
    }

    /// Whether a call is one of this method and path, which may have variables.
    pub fn is_call(&self, method: &str, path: &str, called: &str, at: &str) -> bool {
        let one = Operation {
            method: method.to_owned(),
            path: path.to_owned(),
            json: Value::Null,
        };
        let same = called == method || (called, method) == ("PUT", "PATCH");
        same && one.fits(&without_hub(at)).is_some()
    }

    pub fn lists(&self) -> impl Iterator<Item = &Operation> {
        self.operations
            .iter()
            .filter(|operation| operation.is_list())
    }
}

impl Operation {
    /// Of the resource that it belongs to.
    pub fn id(&self) -> u64 {
        self.json["id"].as_u64().expect("a number")
    }

    /// Variables that stand for segments of `path`; `None`: it is another one.
    fn fits(&self, path: &str) -> Option<usize> {
        let (ours, theirs) = (self.path.split('/'), path.split('/'));
        if ours.clone().count() != theirs.clone().count() {
            return None;
        }
        let mut variables = 0;
        for (ours, theirs) in ours.zip(theirs) {
            match is_variable(ours) {
                true => variables += 1,
                false if ours == theirs => {}
                false => return None,
            }
        }
        Some(variables)
    }

    /// A list has no variable at the end of its path.
    pub fn is_list(&self) -> bool {
        self.method == "GET" && !self.is_of_one()
    }

    /// Whether the path ends in the id of a record.
    pub fn is_of_one(&self) -> bool {
        self.path.rsplit('/').next().is_some_and(is_variable)
    }

    /// A body that has to be there.
    pub fn needs_body(&self) -> bool {
        let mut parameters = self.parameters();
        parameters
            .any(|parameter| parameter["vendorType"] == "body" && parameter["required"] == true)
    }

    pub fn parameters(&self) -> impl Iterator<Item = &Value> {
        self.json["parameters"].as_array().into_iter().flatten()
    }

    /// What our side puts around every record.
    pub fn wrap(&self) -> Option<&str> {
        self.json["bunsen"]["wrap"].as_str()
    }

    /// Fields that records may be filtered by, equal to a value of theirs.
    pub fn fields(&self) -> Vec<&str> {
        let filter = &self.json["bunsen"]["filter"];
        let pushed = filter["push"].as_array().into_iter().flatten();
        let pushed = pushed.filter(|rule| {
            let operators = rule["operators"].as_array().into_iter().flatten();
            rule["parameter"] != true && operators.clone().any(|operator| operator == "=")
        });
        let pushed = pushed.filter_map(|rule| rule["field"].as_str());
        let local = filter["local"].as_array().into_iter().flatten();
        let mut fields: Vec<&str> = pushed.chain(local.filter_map(Value::as_str)).collect();
        fields.sort_unstable();
        fields.dedup();
        fields
    }

    /// Fields of which the vendor can be asked something.
    pub fn pushed(&self) -> Vec<&str> {
        let pushed = self.json["bunsen"]["filter"]["push"].as_array();
        let pushed = pushed.into_iter().flatten();
        pushed.filter_map(|rule| rule["field"].as_str()).collect()
    }

    /// Whether conditions on the field that the vendor cannot be asked for are applied by the server.
    pub fn filters_by_us(&self, field: &str) -> bool {
        let local = self.json["bunsen"]["filter"]["local"].as_array();
        let mut local = local.into_iter().flatten().filter_map(Value::as_str);
        local.any(|known| match known.strip_suffix('*') {
            Some(above) => field.starts_with(above),
            None => known == field,
        })
    }

    pub fn ordered_by(&self) -> Vec<&str> {
        let fields = self.json["bunsen"]["order"]["fields"].as_array();
        fields
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }
}

pub fn is_variable(segment: &str) -> bool {
    segment.starts_with('{') && segment.ends_with('}')
}
