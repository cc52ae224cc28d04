//! What a call gives beside its records: to the instance's configuration, to headers, and to fields
//! of the record that come from elsewhere in the answer.

use http::{HeaderMap, HeaderValue};
use serde_json::{Map, Value as Json};

use super::Caller;
use crate::configuration::Values;
use crate::element::shape::Step;
use crate::element::{Element, Group, Handed, HandedTo, JsonType, OutputFrom, Resource};
use crate::reply::{Seen, VendorReply, base_refused};
use crate::request::{Inputs, kept, set};

/// Made for resources whose calls give something (`Resource::gives`), and for them alone.
#[derive(Debug, Default)]
pub struct Given {
    /// What the configuration has not yet.
    pub configuration: Values,
    pub headers: HeaderMap,
    fields: Vec<(Vec<String>, Json)>,
    /// What was not done as the definition says.
    pub notices: Vec<String>,
}

/// What the success gives that `reply` is to a call made from the same `inputs`. `whole` is its body,
/// where somebody has read that already.
pub fn given(
    element: &Element,
    group: &Group,
    resource: &Resource,
    inputs: &Inputs<'_>,
    caller: &Caller<'_>,
    reply: &VendorReply,
    whole: Option<Json>,
) -> Given {
    let values = inputs.configuration;
    let seen = match whole {
        Some(whole) => Seen::known(whole, reply, element, values, inputs.now),
        None => Seen::new(reply, element, resource, values, inputs.now),
    };
    let mut given = Given::default();
    let brought = kept(element, group, resource, inputs, Some(caller)).unwrap_or_default();
    // Whose account it is says the log-in.
    let of_answer = resource.outputs.iter().filter(|output| {
        !matches!(
            output.from,
            OutputFrom::AccountId(_) | OutputFrom::AccountName(_)
        )
    });
    let answered = of_answer.filter_map(|output| {
        let text = seen.output(output);
        if text.is_none() && output.required {
            given.notices.push(format!(
                "{} answered without a value for {}; what there was of it stays.",
                element.name, output.key
            ));
        }
        Some((output.key.clone(), text?))
    });
    let answered: Vec<(String, String)> = answered.collect();
    for (key, text) in brought.into_iter().chain(answered) {
        if let Some(refused) = base_refused((element, group, resource), inputs, &key, &text) {
            given.notices.push(refused);
            continue;
        }
        let known = values.get(&key).map(|known| known.reveal());
        if known != Some(text.as_str()) {
            let value = element.kept_value(&key, text);
            given.configuration.insert(key, value);
        }
    }
    for handed in &resource.handed {
        given.hand_on(handed, &seen, resource);
    }
    given
}

impl Given {
    fn hand_on(&mut self, handed: &Handed, seen: &Seen<'_>, resource: &Resource) {
        match &handed.to {
            HandedTo::Header(name) => {
                let text = seen.text(&handed.from).filter(|text| !text.is_empty());
                let value = text.map(HeaderValue::try_from);
                if let Some(Ok(value)) = value {
                    self.headers.insert(name.clone(), value);
                }
            }
            HandedTo::Field(names) => {
                let found = match &handed.from {
                    OutputFrom::Field(path) => {
                        let whole = seen.json.as_ref();
                        let nothing = Values::new();
                        let found = whole.and_then(|whole| path.find(whole, &nothing));
                        // Else it is meant as the record has it.
                        let record = || path.find(inside(whole?, resource)?, &nothing);
                        found.or_else(record).cloned()
                    }
                    from => seen.text(from).map(Json::from),
                };
                if let Some(value) = found {
                    self.fields.push((names.clone(), typed(value, handed.kind)));
                }
            }
        }
    }

    /// The record with the fields that come from elsewhere; anything but an object stays as it is.
    pub fn complete(&self, record: Vec<u8>) -> Vec<u8> {
        if self.fields.is_empty() {
            return record;
        }
        let mut json = match record.is_empty() {
            true => Json::Object(Map::new()),
            false => serde_json::from_slice(&record).unwrap_or_default(),
        };
        if !json.is_object() {
            return record;
        }
        for (names, value) in &self.fields {
            // Where something else is in the way, that stays.
            let _ = set(&mut json, names, value.clone());
        }
        json.to_string().into_bytes()
    }

    pub fn has_fields(&self) -> bool {
        !self.fields.is_empty()
    }
}

fn inside<'j>(whole: &'j Json, resource: &Resource) -> Option<&'j Json> {
    let steps = &resource.shape.answer_root.steps;
    steps.iter().try_fold(whole, |json, step| match step {
        Step::Name(name) => json.get(name),
        Step::Index(index) => json.get(index),
    })
}

/// A text that says a number is one where the definition wants it to be.
fn typed(value: Json, kind: JsonType) -> Json {
    let parsed = || serde_json::from_str::<Json>(value.as_str()?).ok();
    let fits = |json: &Json| match kind {
        JsonType::Text => false,
        JsonType::Number => json.is_number(),
        JsonType::Boolean => json.is_boolean(),
    };
    parsed().filter(fits).unwrap_or(value)
}
