//! A vendor's XML as JSON, so that everything else reads one kind of answer.
//!
//! An element becomes a member named without its prefix; several of one name become an array. An
//! element that holds nothing but text becomes that text. Attributes, comments and instructions
//! are left out, and text between elements too. Hostile documents cost no more than their length:
//! nesting and the number of elements are limited, and a DOCTYPE, the only way to declare
//! entities, is refused.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, Event};
use serde_json::{Map, Value as Json};

/// Elements inside each other at most. Deeper answers are nobody's, and dropping them recurses.
const DEPTH: usize = 64;

/// Elements at most: each costs many times its length in memory.
const ELEMENTS: usize = 200_000;

/// An element that is still open.
#[derive(Default)]
struct Open {
    name: String,
    members: Map<String, Json>,
    text: String,
}

impl Open {
    fn add(&mut self, name: String, value: Json) {
        match self.members.get_mut(&name) {
            None => drop(self.members.insert(name, value)),
            Some(Json::Array(several)) => several.push(value),
            Some(one) => {
                let first = one.take();
                *one = Json::Array(vec![first, value]);
            }
        }
    }

    fn close(self) -> Json {
        if self.members.is_empty() {
            Json::String(self.text)
        } else {
            Json::Object(self.members)
        }
    }
}

/// `None` for what is not one well-formed document within the limits.
pub(crate) fn to_json(text: &str) -> Option<Json> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut document = Open::default();
    let mut open: Vec<Open> = Vec::new();
    let mut elements = 0;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                elements += 1;
                let second_root = open.is_empty() && !document.members.is_empty();
                if elements > ELEMENTS || open.len() >= DEPTH || second_root {
                    return None;
                }
                open.push(Open {
                    name: start.local_name().as_ref().to_owned(),
                    ..Open::default()
                });
            }
            Event::End(_) => {
                let mut closed = open.pop()?;
                let name = std::mem::take(&mut closed.name);
                open.last_mut()
                    .unwrap_or(&mut document)
                    .add(name, closed.close());
            }
            Event::Text(content) => add_text(&mut open, &content.xml10_content())?,
            Event::CData(content) => add_text(&mut open, &content.xml10_content())?,
            Event::GeneralRef(reference) => add_text(&mut open, &resolved(&reference)?)?,
            Event::DocType(_) => return None,
            Event::Eof => break,
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    (open.is_empty() && !document.members.is_empty()).then_some(Json::Object(document.members))
}

/// Outside of the root only blanks may stand.
fn add_text(open: &mut [Open], text: &str) -> Option<()> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return None,
    }
    Some(())
}

/// `&amp;`, `&#38;` and the like; without a DOCTYPE there are no others.
fn resolved(reference: &BytesRef<'_>) -> Option<String> {
    match reference.resolve_char_ref().ok()? {
        Some(character) => Some(character.to_string()),
        None => resolve_predefined_entity(reference).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::language::Filter;

    #[test]
    fn elements_become_members_without_prefix_and_attributes() {
        let read = to_json(
            "\u{20}<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<s:Envelope xmlns:s=\"urn:s\"><s:Body>\n\
             <r xmlns=\"urn:r\"><Code>0</Code><Kind/><E><id>1</id></E><E><id xsi:type=\"xsd:int\">2</id></E>\
             <!-- x --><T>a &amp;&#x41;&lt;<![CDATA[<b>]]></T></r></s:Body></s:Envelope>\n",
        );
        assert_eq!(
            read,
            Some(json!({"Envelope": {"Body": {"r": {
                "Code": "0", "Kind": "", "E": [{"id": "1"}, {"id": "2"}], "T": "a &A<<b>"
            }}}}))
        );
    }

    #[test]
    fn what_is_no_plain_document_is_nothing() {
        for bad in [
            "",
            "x",
            "<a>",
            "</a>",
            "<a></b>",
            "<a/><b/>",
            "<a/>x",
            "<a>&nope;</a>",
            "<a>&#0;</a>",
            "<!DOCTYPE a><a/>",
            "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
            "<a",
        ] {
            assert_eq!(to_json(bad), None, "{bad}");
        }
    }

    #[test]
    fn depth_and_number_are_limited() {
        let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        assert!(to_json(&nested(DEPTH)).is_some());
        assert_eq!(to_json(&nested(DEPTH + 1)), None);
        assert_eq!(to_json(&nested(1_000_000)), None);
        let wide = |number: usize| format!("<r>{}</r>", "<a/>".repeat(number - 1));
        assert!(to_json(&wide(ELEMENTS)).is_some());
        assert_eq!(to_json(&wide(ELEMENTS + 1)), None);
    }

    proptest! {
        #[test]
        fn what_the_filter_writes_is_read_back(text in r"[\PC\t\n]*") {
            let escaped = Filter::Xml.apply(&text).unwrap();
            prop_assert_eq!(to_json(&format!("<a>{escaped}</a>")), Some(json!({"a": text})));
        }

        #[test]
        fn any_text_is_read_without_panic(text in r"(\PC|[<>/&;!\[\]=]|<a>|</a>|<!DOCTYPE |<!\[CDATA\[){0,40}") {
            let _ = to_json(&text);
        }
    }
}
