//! Kinds of records: which fields they have, how a vendor lists its own, and what documentation
//! says of the calls that take and answer them.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::shape::{Origin, PathSegment};
use super::{Element, Resource, ResourceKind};
use crate::configuration::Values;
use crate::language::AnswerPath;

/// A kind of record.
#[derive(Debug, Clone)]
pub struct Object {
    pub name: String,
    pub vendor_name: String,
    pub fields: Vec<Field>,
    /// Calls that list the vendor's own fields: indexes in [`Element::resources`]. The variable of
    /// their path, if they have one, stands for `vendor_name`.
    pub discovery: Vec<usize>,
    /// Otherwise only paths of lists show it.
    pub declared: bool,
}

/// A field as a definition has it.
#[derive(Debug, Clone, Default)]
pub struct Field {
    /// Dotted; where records hold it.
    pub name: String,
    /// `string`, `number`, `boolean`, `date`, `object`, `array`.
    pub kind: String,
    pub format: Option<String>,
    pub display_name: Option<String>,
    pub description: Option<String>,
    pub mask: Option<String>,
    pub primary_key: bool,
    pub hidden: bool,
    pub read_only: bool,
    pub required: bool,
    /// Whether callers send it, and whether answers hold it.
    pub request: bool,
    pub response: bool,
    /// Whether the vendor takes it when a record is made, and when one is changed.
    pub createable: bool,
    pub updateable: bool,
}

/// How an item of a vendor's list of fields is read.
#[derive(Debug, Clone)]
pub struct FieldsRule {
    pub name: AnswerPath,
    /// The vendor's names of fields that its records call otherwise.
    pub names: BTreeMap<String, String>,
    /// Records begin the name with a small letter.
    pub initial_lower: bool,
    pub label: Option<AnswerPath>,
    pub kind: Option<AnswerPath>,
    /// Of the vendor's types; any other is a text.
    pub kinds: BTreeMap<String, String>,
    pub required: Test,
    pub read_only: Test,
    pub hidden: Test,
    /// Items that are no field.
    pub skip: Test,
    pub custom: Test,
    /// Where records hold custom fields.
    pub custom_below: Option<String>,
    pub choices: Option<Choices>,
}

/// Where an item has what may be chosen.
#[derive(Debug, Clone)]
pub struct Choices {
    pub at: AnswerPath,
    /// Of choices that are objects; without it the object's only text.
    pub value: Option<AnswerPath>,
    pub text: Option<AnswerPath>,
    /// In an object of choices the names are the values; else they are the texts.
    pub keys_are_values: bool,
}

/// What an item looks like; every part that is given must hold, and one must be given.
#[derive(Debug, Clone, Default)]
pub struct Test {
    pub equals: Vec<(AnswerPath, Vec<String>)>,
    pub differs: Vec<(AnswerPath, Vec<String>)>,
    pub present: Vec<AnswerPath>,
    pub absent: Vec<AnswerPath>,
}

impl Test {
    pub fn holds(&self, item: &Json) -> bool {
        let nothing = Values::new();
        let one_of = |path: &AnswerPath, texts: &[String]| {
            let found = path.find_text(item, &nothing)?;
            Some(texts.iter().any(|text| found.eq_ignore_ascii_case(text)))
        };
        let given = self.equals.len() + self.differs.len() + self.present.len() + self.absent.len();
        given > 0
            && self
                .equals
                .iter()
                .all(|(path, texts)| one_of(path, texts) == Some(true))
            && self
                .differs
                .iter()
                .all(|(path, texts)| one_of(path, texts) == Some(false))
            && self
                .present
                .iter()
                .all(|path| path.find(item, &nothing).is_some())
            && self
                .absent
                .iter()
                .all(|path| path.find(item, &nothing).is_none())
    }
}

/// What documentation says of a resource.
#[derive(Debug, Clone, Default)]
pub struct Described {
    pub operation: Option<String>,
    pub content_type: Option<String>,
    pub takes: Vec<Taken>,
    /// Names of definitions in `models`.
    pub request: Option<String>,
    pub answer: Option<String>,
    /// Definitions of Swagger 2.0.
    pub models: Map<String, Json>,
}

/// A value that callers give.
#[derive(Debug, Clone)]
pub struct Taken {
    pub name: String,
    pub origin: Origin,
    pub data_type: Option<String>,
    pub description: Option<String>,
    pub required: bool,
    /// One file among form fields.
    pub multipart: bool,
}

impl Element {
    /// By its name; also by the name as paths write it, `activities-calls` for `activitiesCalls`.
    pub fn object(&self, name: &str) -> Option<&Object> {
        let exact = self.objects.iter().find(|object| object.name == name);
        exact.or_else(|| {
            let wanted = camel(name);
            let mut objects = self.objects.iter();
            objects.find(|object| camel(&object.name) == wanted)
        })
    }

    /// All objects as discovery lists them in detail: ours, and those that callers reach by the
    /// vendor's names.
    pub fn listed_objects(&self) -> Vec<Json> {
        let mut listed = Vec::new();
        for object in &self.objects {
            let Object {
                name, vendor_name, ..
            } = object;
            if self.documented_calls_of(object).next().is_some() {
                listed
                    .push(json!({"name": name, "vendorName": vendor_name, "type": "ceCanonical"}));
            }
            // One that is declared under the very name is told of itself.
            let is_itself = self
                .object(vendor_name)
                .is_none_or(|known| std::ptr::eq(known, object));
            if object.declared && is_itself && self.lists_by_vendors_name(vendor_name) {
                let entry =
                    json!({"name": vendor_name, "vendorName": vendor_name, "type": "vendor"});
                listed.push(entry);
            }
        }
        listed
    }

    /// Whether records are listed under this name of the vendor's, whatever documents say of it.
    fn lists_by_vendors_name(&self, name: &str) -> bool {
        let is = |segments: &[PathSegment]| match segments {
            [PathSegment::Literal(literal)] => literal == name,
            [PathSegment::Variable(_)] => true,
            _ => false,
        };
        self.resources.iter().any(|resource| {
            let only = &resource.shape.only;
            resource.kind.answers_callers()
                && resource.shape.is_list()
                && match only.is_empty() {
                    true => is(&resource.shape.path),
                    false => only.iter().any(|only| is(&only.segments)),
                }
        })
    }

    /// Names under which a list can be called.
    pub fn object_names(&self) -> Vec<&str> {
        let listed = |object: &&Object| {
            self.resources.iter().any(|resource| {
                resource.kind == ResourceKind::Api
                    && resource.shape.is_list()
                    && matches!(resource.shape.path.as_slice(), [PathSegment::Literal(_)])
                    && camel(&name_of(&resource.shape.path)) == camel(&object.name)
            })
        };
        let names = self.objects.iter().filter(listed);
        names.map(|object| object.name.as_str()).collect()
    }

    /// What a call of the resource takes and answers: the object named after the whole path, else
    /// after its end.
    pub fn object_of(&self, resource: &Resource) -> Option<&Object> {
        let whole = name_of(&resource.shape.path);
        let found = self.object(&whole);
        // Objects that nobody declares have no fields, and those of the end may.
        let declared = found.filter(|object| !object.fields.is_empty());
        let end = || {
            let mut literals = literals(&resource.shape.path).rev();
            literals.next().and_then(|name| self.object(name))
        };
        declared.or_else(end).or(found)
    }

    /// Calls of an object that callers are told of; of one that has none, those that find it by the
    /// vendor's name.
    pub fn calls_of<'a>(&'a self, object: &'a Object) -> impl Iterator<Item = &'a Resource> {
        let undocumented = self.documented_calls_of(object).next().is_none();
        let by_name = self.resources.iter().filter(move |resource| {
            let mut only = resource.shape.only.iter();
            undocumented && only.any(|only| only.name() == Some(object.name.as_str()))
        });
        self.documented_calls_of(object).chain(by_name)
    }

    /// Of an object that is only listed below records of others, those lists.
    fn documented_calls_of<'a>(&'a self, object: &'a Object) -> impl Iterator<Item = &'a Resource> {
        let called = || {
            let mut resources = self.resources.iter();
            std::iter::from_fn(move || resources.find(|one| one.kind == ResourceKind::Api))
        };
        let is_about = move |resource: &&Resource| {
            let about = self.object_of(resource);
            about.is_some_and(|other| std::ptr::eq(other, object))
        };
        let alone = !called().any(|resource| is_about(&resource));
        called().filter(move |resource| {
            let end = || literals(&resource.shape.path).next_back();
            is_about(resource) || (alone && end() == Some(object.name.as_str()))
        })
    }
}

fn literals(path: &[PathSegment]) -> impl DoubleEndedIterator<Item = &str> {
    path.iter().filter_map(|segment| match segment {
        PathSegment::Literal(literal) => Some(literal.as_str()),
        PathSegment::Variable(_) => None,
    })
}

/// `/accounts/{id}/notes` is `accountsNotes`.
pub(crate) fn name_of(path: &[PathSegment]) -> String {
    let literals: Vec<&str> = literals(path).collect();
    match literals.as_slice() {
        [one] => (*one).to_owned(),
        _ => camel(&literals.join("-")),
    }
}

/// `activities-calls` is `activitiesCalls`.
pub(crate) fn camel(name: &str) -> String {
    let mut parts = name.split('-');
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        camel.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        camel.push_str(letters.as_str());
    }
    camel
}
