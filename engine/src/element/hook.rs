//! Hooks: scripts that a definition has run around its calls, inline or in files of their own.
//!
//! A hook names its file as `"bunsen": {"file": "prices.js"}`; it lies in `hooks/` beside the
//! definition, and everybody else sees its text as the hook's body.

use std::collections::BTreeMap;

use serde_json::Value;

use super::catalog::{Mistake, SourceFile};
use super::definition::HookDefinition;
use super::{CHAIN_LIMIT, Element, Resource};
use crate::ids::ResourceId;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    pub kind: HookKind,
    pub source: String,
    /// A function's body that returns its result; others call `done`.
    pub legacy: bool,
}

/// When it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookKind {
    PreRequest,
    PostRequest,
    Event,
}

pub(super) fn hooks(written: &[HookDefinition]) -> Vec<Hook> {
    let hook = |written: &HookDefinition| {
        Some(Hook {
            kind: match written.kind.as_deref()? {
                "preRequest" => HookKind::PreRequest,
                "postRequest" => HookKind::PostRequest,
                "event" => HookKind::Event,
                // The schema has told.
                _ => return None,
            },
            source: written.body.clone()?,
            legacy: written.is_legacy,
        })
    };
    written.iter().filter_map(hook).collect()
}

impl Element {
    /// Those that see a call before the vendor does, in their order: the element's, then the
    /// resource's.
    pub fn hooks_before<'a>(&'a self, resource: &'a Resource) -> impl Iterator<Item = &'a Hook> {
        let both = self.hooks.iter().chain(&resource.hooks);
        both.filter(|hook| hook.kind == HookKind::PreRequest)
    }

    /// Those that see an answer before our caller does: the resource's, then the element's.
    pub fn hooks_after<'a>(&'a self, resource: &'a Resource) -> impl Iterator<Item = &'a Hook> {
        let both = resource.hooks.iter().chain(&self.hooks);
        both.filter(|hook| hook.kind == HookKind::PostRequest)
    }

    /// Whether any runs around one of the calls that a hub call of this resource is made of.
    pub fn has_hooks_on_the_way(&self, resource: &Resource) -> bool {
        let record = resource.shape.record.as_ref();
        let read_first = record.and_then(|record| self.resources.get(record.known?));
        let next = |link: &&Resource| self.resources.get(link.next?);
        let chain = std::iter::successors(Some(resource), next).take(CHAIN_LIMIT);
        chain.chain(read_first).any(|link| self.has_hooks(link))
    }

    /// Whether any runs around this call. What stands for calls that no definition has written has
    /// none.
    pub fn has_hooks(&self, resource: &Resource) -> bool {
        if resource.id == ResourceId(0) {
            return false;
        }
        let mut before = self.hooks_before(resource);
        before.next().is_some() || self.hooks_after(resource).next().is_some()
    }
}

/// Scripts by the path of the definition's folder and the name of the file.
#[derive(Debug, Default)]
pub(super) struct HookFiles(BTreeMap<(String, String), (SourceFile, bool)>);

const FOLDER: &str = "hooks";

impl HookFiles {
    /// Takes the scripts out of `files`.
    pub fn taken_from(files: Vec<SourceFile>) -> (Self, Vec<SourceFile>) {
        let mut scripts = Self::default();
        let mut others = Vec::new();
        for file in files {
            match place(&file.path) {
                Some(place) => drop(scripts.0.insert(place, (file, false))),
                None => others.push(file),
            }
        }
        (scripts, others)
    }

    /// Gives every hook of the definition that names a file the text of that file as its body.
    /// Returns what is wrong, with its place.
    pub fn put_into(&mut self, path: &str, definition: &mut Value) -> Vec<(String, String)> {
        let mut mistakes = Vec::new();
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (place, hooks) in lists(definition) {
            for (index, hook) in hooks.as_array_mut().into_iter().flatten().enumerate() {
                let named = hook.get("bunsen").and_then(|words| words.get("file"));
                let Some(name) = named.and_then(Value::as_str).map(str::to_owned) else {
                    continue;
                };
                let at = format!("{place}[{index}].bunsen.file");
                let mut wrong = |message: String| mistakes.push((at.clone(), message));
                let found = self.0.get_mut(&(folder.to_owned(), name.clone()));
                let text = found.map(|(file, used)| {
                    *used = true;
                    String::from_utf8(file.bytes.clone())
                });
                let body = match text {
                    Some(Ok(text)) => text,
                    Some(Err(_)) => {
                        wrong(format!("{FOLDER}/{name} is not UTF-8 text"));
                        String::new()
                    }
                    None => {
                        wrong(format!("there is no {FOLDER}/{name} beside the definition"));
                        String::new()
                    }
                };
                if let Some(members) = hook.as_object_mut()
                    && members.insert("body".to_owned(), body.into()).is_some()
                {
                    wrong("a hook has a body or names a file, not both".to_owned());
                }
            }
        }
        mistakes
    }

    /// A file that no hook names is one that somebody believes in.
    pub fn unused(self) -> impl Iterator<Item = Mistake> {
        let unused = self.0.into_values().filter(|(_, used)| !used);
        unused.map(|(file, _)| Mistake {
            file: file.path,
            place: String::new(),
            message: "no hook names this file".to_owned(),
        })
    }
}

/// Every list of hooks, with its place.
fn lists(definition: &mut Value) -> Vec<(String, &mut Value)> {
    let mut lists = Vec::new();
    for (name, value) in definition.as_object_mut().into_iter().flatten() {
        match name.as_str() {
            "hooks" => lists.push((name.clone(), value)),
            "resources" => {
                for (index, resource) in value.as_array_mut().into_iter().flatten().enumerate() {
                    let hooks = resource.get_mut("hooks");
                    lists.extend(hooks.map(|hooks| (format!("resources[{index}].hooks"), hooks)));
                }
            }
            _ => {}
        }
    }
    lists
}

/// `…/larkpost/hooks/prices.js` as the definition's folder and the name.
fn place(path: &str) -> Option<(String, String)> {
    let (folder, name) = path.rsplit_once('/')?;
    let (element, last) = folder.rsplit_once('/')?;
    let is_script = last == FOLDER && name.ends_with(".js");
    is_script.then(|| (element.to_owned(), name.to_owned()))
}
