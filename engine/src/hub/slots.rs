//! Records whose members callers know under other names than the vendor: numbered ones in place of a
//! list (`email1`, `email2` of `emails`), and parts of one text (`first_name` of `name`).

use serde_json::{Map, Value as Json};

use super::envelope;
use crate::ceql::member;
use crate::element::shape::{Record, Root, Slot};
use crate::element::{Element, Resource};
use crate::reply::VendorReply;
use crate::request::BuildError;

/// The calls of a hub call, in order. Where a change brings only some of the members that one of the
/// vendor's is made of, the record is read first, so that the others stay as they are.
pub fn links<'a>(element: &'a Element, resource: &'a Resource, body: &[u8]) -> Vec<&'a Resource> {
    let mut links = element.chain(resource);
    let shape = &resource.shape;
    let Some(record) = &shape.record else {
        return links;
    };
    let known = record
        .known
        .and_then(|index| element.resources.get(index))
        .filter(|_| std::str::from_utf8(body).is_ok_and(|body| record.is_partial(body)));
    links.splice(..0, known);
    links
}

impl Record {
    /// Whether the body says only a part of what a member of the vendor's is.
    fn is_partial(&self, body: &str) -> bool {
        let has = |name: &str| {
            let mut same = self.members.iter().filter(|member| member.of == name);
            member(body, name).is_some() || same.any(|same| member(body, &same.name).is_some())
        };
        let slots = self.slots.iter().any(|slot| {
            !has(&slot.list) && (1..=slot.count).any(|number| has(&slot.named(number)))
        });
        let joined = self.joined.iter().any(|joined| {
            let given = joined.of.iter().filter(|part| has(part)).count();
            !has(&joined.name) && given > 0 && given < joined.of.len()
        });
        slots || joined
    }

    /// The body in the vendor's members. `previous`: the answer that holds the record as it is, if it
    /// was read. `None`: the body has none of the members.
    ///
    /// # Errors
    /// The record was read, and is not in the answer: what is sent would end its other members.
    pub(super) fn sent(
        &self,
        element: &Element,
        body: &[u8],
        previous: Option<&VendorReply>,
    ) -> Result<Option<Vec<u8>>, BuildError> {
        let partial = std::str::from_utf8(body).is_ok_and(|body| self.is_partial(body));
        let Ok(mut body) = serde_json::from_slice::<Map<String, Json>>(body) else {
            return Ok(None);
        };
        let known = self.known.and_then(|known| element.resources.get(known));
        let before = match known.zip(previous).filter(|_| partial) {
            Some((known, previous)) => {
                as_it_is(&known.shape.answer_root, previous).ok_or_else(|| {
                    BuildError::Answer(format!(
                        "{} answered step {} without the record, so nothing was changed.",
                        element.name,
                        known.step()
                    ))
                })?
            }
            None => Map::new(),
        };
        let mut changed = self.put_back(&mut body);
        for slot in &self.slots {
            changed |= slot.collect(&mut body, &before);
        }
        for joined in &self.joined {
            let given: Vec<Option<Json>> = joined.of.iter().map(|part| body.remove(part)).collect();
            if given.iter().all(Option::is_none) {
                continue;
            }
            changed = true;
            if body.get(&joined.name).is_some_and(|whole| !whole.is_null()) {
                continue;
            }
            let parts = given.iter().zip(&joined.of).map(|(given, part)| {
                let part = given.as_ref().or_else(|| before.get(part));
                part.and_then(Json::as_str).unwrap_or_default().trim()
            });
            let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
            if !parts.is_empty() {
                body.insert(joined.name.clone(), Json::from(parts.join(" ")));
            }
        }
        Ok(changed.then(|| Json::Object(body).to_string().into_bytes()))
    }
}

/// The record of an answer; only what is one.
fn as_it_is(root: &Root, answer: &VendorReply) -> Option<Map<String, Json>> {
    let text = std::str::from_utf8(&answer.body).ok()?;
    let record = envelope::strictly_inside(text, root)?;
    serde_json::from_str(record).ok()
}

/// Gives the first of these what one of them has to have.
pub(super) fn mark_first(list: &mut [Json], first: &Map<String, Json>) {
    let marked = |item: &Json| {
        let mut first = first.iter();
        first.all(|(name, value)| item.get(name) == Some(value))
    };
    if !list.iter().any(marked)
        && let Some(Json::Object(item)) = list.first_mut()
    {
        item.extend(first.clone());
    }
}

impl Slot {
    pub(crate) fn named(&self, number: usize) -> String {
        format!("{}{number}", self.name)
    }

    /// Puts what the numbered members hold into the list, each in its place. `false`: there is none.
    fn collect(&self, body: &mut Map<String, Json>, before: &Map<String, Json>) -> bool {
        let numbers = 1..=self.count;
        let given: Vec<(usize, Json)> = numbers
            .filter_map(|number| Some((number - 1, body.remove(&self.named(number))?)))
            .collect();
        if given.is_empty() {
            return false;
        }
        let list = body.remove(&self.list);
        let list = list.or_else(|| before.get(&self.list).cloned());
        let mut list = match list {
            Some(Json::Array(list)) => list,
            _ => Vec::new(),
        };
        for (index, value) in given {
            let item = self.item(list.get(index), value);
            match list.get_mut(index) {
                Some(place) => *place = item,
                None => list.push(item),
            }
        }
        list.retain(|item| !item.is_null());
        mark_first(&mut list, &self.first);
        body.insert(self.list.clone(), Json::Array(list));
        true
    }

    /// An item of the list after `given` has been put over it; null: it is taken away.
    fn item(&self, before: Option<&Json>, given: Json) -> Json {
        let mut item = before
            .and_then(Json::as_object)
            .cloned()
            .unwrap_or_default();
        let main = self.members.first().map(String::as_str).unwrap_or_default();
        match given {
            Json::Object(given) => {
                item.retain(|name, _| !self.members.contains(name));
                item.extend(given);
            }
            Json::Null => return Json::Null,
            value => {
                item.insert(main.to_owned(), value);
            }
        }
        match item.get(main) {
            None | Some(Json::Null) => Json::Null,
            Some(Json::String(text)) if text.trim().is_empty() => Json::Null,
            Some(_) => Json::Object(item),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::element::shape::{Joined, Step};

    fn record() -> Record {
        Record {
            slots: vec![Slot {
                name: "mail".to_owned(),
                list: "mails".to_owned(),
                count: 2,
                members: vec!["value".to_owned(), "label".to_owned()],
                first: json!({"main": true}).as_object().cloned().unwrap(),
            }],
            joined: vec![Joined {
                name: "name".to_owned(),
                of: vec!["first".to_owned(), "last".to_owned()],
            }],
            ..Record::default()
        }
    }

    fn collected(before: Json, body: Json) -> Json {
        let mut body = body.as_object().cloned().unwrap();
        let before = before.as_object().cloned().unwrap();
        record().slots[0].collect(&mut body, &before);
        body.remove("mails").unwrap_or_default()
    }

    #[test]
    fn numbered_members_go_over_the_list() {
        let a = json!({"value": "a", "label": "work", "main": true, "own": 1});
        let b = json!({"value": "b", "label": "home"});
        let before = json!({"mails": [a, b, {"value": "c"}]});
        for (before, body, mails) in [
            (json!({}), json!({"name": "x"}), json!(null)),
            // The first is the main one; a gap is closed.
            (
                json!({}),
                json!({"mail2": "b"}),
                json!([{"value": "b", "main": true}]),
            ),
            // What the caller knows nothing of stays.
            (
                before.clone(),
                json!({"mail2": {"value": "B"}}),
                json!([a, {"value": "B"}, {"value": "c"}]),
            ),
            (
                before.clone(),
                json!({"mail1": "A"}),
                json!([{"value": "A", "label": "work", "main": true, "own": 1}, b, {"value": "c"}]),
            ),
            // Taken away.
            (
                before.clone(),
                json!({"mail1": null}),
                json!([{"value": "b", "label": "home", "main": true}, {"value": "c"}]),
            ),
            (
                before.clone(),
                json!({"mail1": {"value": " "}, "mail2": {}}),
                json!([{"value": "c", "main": true}]),
            ),
            // The caller's own list counts, not the one there was.
            (
                before.clone(),
                json!({"mails": [b], "mail2": "d"}),
                json!([{"value": "b", "label": "home", "main": true}, {"value": "d"}]),
            ),
        ] {
            assert_eq!(collected(before, body.clone()), mails, "{body}");
        }
    }

    #[test]
    fn what_is_shown_is_shown_once() {
        let record = record();
        let shown = |text: &str| -> Json { serde_json::from_str(&record.shown(text)).unwrap() };
        let text = r#" {"id": 1, "mails": [{"value": "a", "label": null, "main": true}, "b", {"value": "c"}]} "#;
        let once = record.shown(text).into_owned();
        let expected = json!({"id": 1, "mails": [{"value": "a", "label": null, "main": true}, "b", {"value": "c"}],
                              "mail1": {"value": "a"}, "mail2": {"value": "b"}});
        assert_eq!(shown(text), expected);
        assert_eq!(record.shown(&once), once);
        for other in [
            "{}",
            "null",
            "[]",
            "7",
            r#"{"mails": []}"#,
            r#"{"mails": null}"#,
            r#"{"mails": "x"}"#,
        ] {
            assert_eq!(record.shown(other), other);
        }
    }

    #[test]
    fn a_part_needs_the_rest() {
        let record = record();
        for (body, partial) in [
            (r#"{"mail1": "a"}"#, true),
            (r#"{"mail1": null}"#, true),
            (r#"{"mail1": "a", "mails": []}"#, false),
            (r#"{"mail3": "a"}"#, false),
            (r#"{"first": "a"}"#, true),
            (r#"{"first": "a", "last": "b"}"#, false),
            (r#"{"first": "a", "name": "b"}"#, false),
            ("[]", false),
            ("{", false),
        ] {
            assert_eq!(record.is_partial(body), partial, "{body}");
        }
    }

    #[test]
    fn an_answer_without_the_record_is_none() {
        let root = Root {
            steps: vec![Step::Name("data".to_owned())],
            ..Root::default()
        };
        let answer = |body: &str| VendorReply {
            status: http::StatusCode::OK,
            headers: http::HeaderMap::new(),
            body: body.to_owned().into(),
        };
        let record = as_it_is(&root, &answer(r#"{"data": {"mails": ["a"]}}"#));
        assert_eq!(record.map(Json::Object), Some(json!({"mails": ["a"]})));
        for other in [
            r#"{"data": null}"#,
            r#"{"data": [{"mails": ["a"]}]}"#,
            r#"{"success": true}"#,
            "",
            "<p>",
        ] {
            assert!(as_it_is(&root, &answer(other)).is_none(), "{other}");
        }
    }
}
