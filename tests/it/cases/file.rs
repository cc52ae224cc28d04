//! Case files as they are written; `schemas/cases.json` describes them to people.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::elements;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    #[serde(skip)]
    pub name: String,
    #[expect(dead_code, reason = "for people")]
    note: Option<String>,
    pub cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    /// Configuration that the example's is changed by.
    #[serde(default)]
    pub configuration: Map<String, Value>,
    pub steps: Vec<Step>,
}

impl Case {
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.steps.iter().filter_map(|step| match step {
            Step::Call(call) => Some(call.as_ref()),
            Step::Control(_) => None,
        })
    }

    /// Whether the vendors are told to behave in another way.
    pub fn controls(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step, Step::Control(_)))
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
pub enum Step {
    Control(Control),
    Call(Box<Call>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// Method and path.
    pub control: String,
    pub body: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Method and path, perhaps with query.
    pub call: String,
    #[serde(default)]
    pub query: Map<String, Value>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub body: Option<Value>,
    /// A body that is sent as it is written.
    pub text: Option<String>,
    #[serde(default)]
    pub answer: Expected,
    /// What later steps call by this name: where it stands in the answer.
    #[serde(default)]
    pub keep: BTreeMap<String, String>,
    pub vendor: Option<Vec<VendorCall>>,
}

impl Call {
    pub fn method(&self) -> &str {
        self.call.split(' ').next().unwrap_or_default()
    }

    pub fn path(&self) -> &str {
        let target = self.call.split_once(' ').map_or("", |(_, target)| target);
        target.split('?').next().unwrap_or_default()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Expected {
    #[serde(default = "fine")]
    pub status: u16,
    #[serde(default)]
    pub headers: Map<String, Value>,
    pub body: Option<Value>,
    pub says: Option<Value>,
    pub provider_says: Option<Value>,
}

fn fine() -> u16 {
    200
}

impl Default for Expected {
    fn default() -> Self {
        Self {
            status: fine(),
            headers: Map::new(),
            body: None,
            says: None,
            provider_says: None,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VendorCall {
    /// Method and URL, perhaps with query.
    pub call: String,
    #[serde(default)]
    pub query: Map<String, Value>,
    #[serde(default)]
    pub headers: Map<String, Value>,
    pub body: Option<Value>,
}

/// Every case file of an element, in the order of their names.
pub fn paths(key: &str) -> Vec<PathBuf> {
    let Ok(files) = std::fs::read_dir(elements().join(key).join("cases/calls")) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    paths.sort();
    paths
}

pub fn case_files(key: &str) -> Vec<CaseFile> {
    let read = |path: PathBuf| {
        let json = super::read(&path);
        let file = CaseFile::deserialize(json);
        let mut file = file.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let stem = path.file_stem().expect("a name").to_string_lossy();
        file.name = format!("{key}/{stem}");
        file
    };
    paths(key).into_iter().map(read).collect()
}
