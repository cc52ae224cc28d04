//! Fields of an object as callers see them: what the definition says, and what a vendor's own list
//! adds.

use http::Method;
use serde::Serialize;
use serde_json::{Number, Value as Json};

use crate::configuration::Values;
use crate::element::objects::{Choices, Field, FieldsRule, Object};
use crate::element::shape::Record;
use crate::element::{Element, Resource};
use crate::language::{AnswerPath, scalar_text};

/// A field, with the members that metadata has.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(rename = "type")]
    pub kind: String,
    pub vendor_path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor_display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor_native_type: Option<String>,
    pub vendor_required: bool,
    pub vendor_read_only: bool,
    pub hidden: bool,
    pub createable: bool,
    pub updateable: bool,
    pub custom: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picklist_values: Option<Vec<Choice>>,
    pub method: Vec<Way>,
    #[serde(skip)]
    pub format: Option<String>,
    #[serde(skip)]
    pub description: Option<String>,
}

/// What may be chosen.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    pub display_text: String,
    pub value: Json,
}

/// Whether calls of this method take the field, and whether they answer it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Way {
    pub name: String,
    pub request: bool,
    pub response: bool,
}

/// What the calls of an object allow.
struct Calls<'a> {
    methods: Vec<&'a str>,
    /// Our envelope around records.
    wrap: Option<&'a str>,
    /// What of records we call otherwise than the vendor.
    record: Option<&'a Record>,
}

impl<'a> Calls<'a> {
    fn of(element: &'a Element, object: &'a Object) -> Self {
        let calls: Vec<&Resource> = element.calls_of(object).collect();
        let mut methods: Vec<&str> = calls.iter().map(|call| call.method.as_str()).collect();
        methods.sort_unstable();
        methods.dedup();
        Self {
            methods,
            wrap: calls.iter().find_map(|call| call.shape.wrap.as_deref()),
            record: calls.iter().find_map(|call| call.shape.record.as_ref()),
        }
    }

    fn creates(&self) -> bool {
        self.methods.contains(&"POST")
    }

    fn updates(&self) -> bool {
        self.methods
            .iter()
            .any(|method| matches!(*method, "PUT" | "PATCH"))
    }

    fn path(&self, name: &str) -> String {
        match self.wrap {
            Some(wrap) => format!("{wrap}.{name}"),
            None => name.to_owned(),
        }
    }

    /// What the vendor calls a field of ours.
    fn vendor_path(&self, name: &str) -> String {
        match self.record {
            Some(record) => self.path(&record.vendors_name(name)),
            None => self.path(name),
        }
    }

    fn ways(&self, field: &Shown, response: bool) -> Vec<Way> {
        let methods = self.methods.iter().filter(|method| **method != "DELETE");
        methods
            .map(|method| Way {
                name: (*method).to_owned(),
                request: match *method {
                    "POST" => field.createable,
                    "GET" => false,
                    _ => field.updateable,
                },
                response,
            })
            .collect()
    }
}

/// The fields that the definition has, in its order.
pub fn of(element: &Element, object: &Object) -> Vec<Shown> {
    let calls = Calls::of(element, object);
    let shown = object.fields.iter().map(|field| declared(field, &calls));
    shown.collect()
}

fn declared(field: &Field, calls: &Calls<'_>) -> Shown {
    let mut shown = Shown {
        path: Some(calls.path(&field.name)),
        kind: field.kind.clone(),
        vendor_path: calls.vendor_path(&field.name),
        vendor_display_name: field.display_name.clone(),
        vendor_required: field.required,
        vendor_read_only: field.read_only,
        hidden: field.hidden,
        createable: field.is_taken_by(&Method::POST) && calls.creates(),
        updateable: field.is_taken_by(&Method::PATCH) && calls.updates(),
        mask: field.mask.clone(),
        format: field.format.clone(),
        description: field.description.clone(),
        ..Shown::default()
    };
    shown.method = calls.ways(&shown, field.response);
    shown
}

/// Adds what a vendor's list says: to fields that are there their label, type and choices, and
/// those that are not there. `items` are the records of a call whose resource has `rule`.
pub fn add<'r>(
    fields: &mut Vec<Shown>,
    element: &Element,
    object: &Object,
    rule: &FieldsRule,
    items: impl Iterator<Item = &'r [u8]>,
) {
    let calls = Calls::of(element, object);
    for item in items {
        let Ok(item) = serde_json::from_slice::<Json>(item) else {
            continue;
        };
        let Some(found) = listed(&item, rule, &calls) else {
            continue;
        };
        // One of the vendor's may be several of ours.
        let same = fields
            .iter_mut()
            .filter(|field| field.vendor_path == found.vendor_path);
        let mut known_by_us = false;
        for known in same {
            known_by_us = true;
            // The definition knows what records hold, the vendor what people see.
            let label = found.vendor_display_name.clone();
            known.vendor_display_name = label.or(known.vendor_display_name.take());
            known
                .vendor_native_type
                .clone_from(&found.vendor_native_type);
            known.vendor_required |= found.vendor_required;
            known.hidden |= found.hidden;
            known.custom |= found.custom;
            let choices = found.picklist_values.clone();
            let choices = match known.kind.as_str() {
                "number" => choices.map(numbers),
                _ => choices,
            };
            known.picklist_values = choices.or(known.picklist_values.take());
        }
        if !known_by_us {
            fields.push(found);
        }
    }
}

/// Of a field that a vendor lists, in bytes.
const LONGEST_NAME: usize = 500;
const DEEPEST_NAME: usize = 16;

fn listed(item: &Json, rule: &FieldsRule, calls: &Calls<'_>) -> Option<Shown> {
    let nothing = Values::new();
    let text = |path: &Option<AnswerPath>| path.as_ref()?.find_text(item, &nothing);
    if rule.skip.holds(item) {
        return None;
    }
    let vendor_name = rule.name.find_text(item, &nothing)?;
    // Each dot is a level of the document that shows it.
    if vendor_name.len() > LONGEST_NAME || vendor_name.matches('.').count() > DEEPEST_NAME {
        return None;
    }
    let mut name = match rule.names.get(&vendor_name) {
        Some(name) => name.clone(),
        None if rule.initial_lower => initial_lower(&vendor_name),
        None => vendor_name,
    };
    let custom = rule.custom.holds(item);
    let lifted = calls.record.and_then(|record| record.lifted.as_ref());
    let is_lifted = lifted.is_some_and(|lifted| {
        rule.custom_below.as_ref() == Some(&lifted.of) && lifted.holds(&name)
    });
    if let Some(below) = rule
        .custom_below
        .as_deref()
        .filter(|_| custom && !is_lifted)
    {
        name = format!("{below}.{name}");
    }
    let native = text(&rule.kind);
    let kind = native.as_ref().and_then(|native| rule.kinds.get(native));
    let read_only = rule.read_only.holds(item);
    let mut shown = Shown {
        path: Some(calls.path(&name)),
        kind: kind.cloned().unwrap_or_else(|| "string".to_owned()),
        vendor_path: calls.vendor_path(&name),
        vendor_display_name: text(&rule.label),
        vendor_native_type: native,
        vendor_required: rule.required.holds(item),
        vendor_read_only: read_only,
        hidden: rule.hidden.holds(item),
        createable: !read_only && calls.creates(),
        updateable: !read_only && calls.updates(),
        custom,
        picklist_values: rule
            .choices
            .as_ref()
            .and_then(|choices| choose(item, choices)),
        ..Shown::default()
    };
    shown.method = calls.ways(&shown, true);
    Some(shown)
}

/// Of a field that records have as a number, which a vendor may list as the names of its texts.
fn numbers(choices: Vec<Choice>) -> Vec<Choice> {
    let number = |value: &Json| value.as_str()?.parse::<Number>().ok();
    let choices = choices.into_iter().map(|choice| Choice {
        value: number(&choice.value).map_or(choice.value, Json::Number),
        ..choice
    });
    choices.collect()
}

/// A name in capitals, `ID`, is small as a whole.
fn initial_lower(name: &str) -> String {
    if name.chars().all(|letter| !letter.is_lowercase()) {
        return name.to_lowercase();
    }
    let mut letters = name.chars();
    let first = letters.next().into_iter().flat_map(char::to_lowercase);
    first.chain(letters).collect()
}

fn choose(item: &Json, rule: &Choices) -> Option<Vec<Choice>> {
    let nothing = Values::new();
    let found = rule.at.find(item, &nothing)?;
    let choices: Vec<Choice> = match found {
        Json::Array(listed) => listed
            .iter()
            .filter_map(|one| match one {
                Json::Object(_) => {
                    let value = rule
                        .value
                        .as_ref()
                        .and_then(|path| path.find(one, &nothing));
                    let text = rule
                        .text
                        .as_ref()
                        .and_then(|path| path.find_text(one, &nothing));
                    let value = value.cloned().or_else(|| text.clone().map(Json::from))?;
                    let display_text = text.or_else(|| scalar_text(&value))?;
                    Some(Choice {
                        display_text,
                        value,
                    })
                }
                scalar => Some(Choice {
                    display_text: scalar_text(scalar)?,
                    value: scalar.clone(),
                }),
            })
            .collect(),
        Json::Object(named) => named
            .iter()
            .map(|(name, below)| named_choice(name, below, rule.keys_are_values))
            .collect(),
        _ => return None,
    };
    (!choices.is_empty()).then_some(choices)
}

fn named_choice(name: &str, below: &Json, key_is_value: bool) -> Choice {
    let value_and_text = match below {
        // Several texts for one value, the first for those who work there.
        Json::Array(texts) => Some((Json::from(name), texts.first().and_then(scalar_text))),
        below if key_is_value => Some((Json::from(name), scalar_text(below))),
        _ => None,
    };
    match value_and_text {
        Some((value, text)) => Choice {
            display_text: text.unwrap_or_else(|| name.to_owned()),
            value,
        },
        // What has further choices below it is chosen by its name.
        None => Choice {
            display_text: name.to_owned(),
            value: match below {
                Json::Object(_) | Json::Null => Json::from(name),
                scalar => scalar.clone(),
            },
        },
    }
}
