//! What of a vendor's answer a caller gets.

use std::borrow::Cow;
use std::cell::OnceCell;

use bytes::Bytes;
use serde_json::Value as Json;

use super::envelope::{self, Inside};
use super::nulls::without_nulls;
use crate::ceql::Fields;
use crate::element::shape::{Root, Shape, Step};
use crate::element::{self, Condition, Element, Group, Resource};
use crate::language::AnswerPath;
use crate::reply::{Fault, Seen, VendorReply, judge};
use crate::request::Inputs;

/// A success. `around` is what stands beside a list, where a definition's paths look at it.
#[derive(Debug)]
pub struct Answer<'a> {
    pub content: Content<'a>,
    pub around: Option<Json>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content<'a> {
    /// The answer has no body, or null in it.
    Nothing,
    /// One JSON value.
    One(&'a str),
    /// Records.
    List(Vec<&'a str>),
    /// What is no JSON, and is not meant to be.
    Bytes(&'a [u8]),
}

/// Reads `reply` to the hub call that [`super::build`] made from the same `inputs`. What came as XML is
/// put into `json`, which the content is then cut out of.
///
/// # Errors
/// What the definition's rules or the status say is wrong, in our caller's terms.
pub fn read<'a>(
    element: &Element,
    group: &Group,
    resource: &Resource,
    inputs: &Inputs<'_>,
    reply: &'a VendorReply,
    json: &'a OnceCell<Bytes>,
) -> Result<Answer<'a>, Fault> {
    let values = inputs.configuration;
    let shape = &resource.shape;
    let seen = |json: Option<Json>| Seen {
        reply,
        content: json.is_some().then_some(element::Content::Json),
        json,
        element,
        values,
        now: inputs.now,
    };
    if shape.raw && reply.status.is_success() {
        // Whatever it is, it is what was meant; only rules about the status can say otherwise.
        let seen = Seen {
            content: Some(element::Content::Json),
            ..seen(None)
        };
        judge(&seen, element, group, resource, None)?;
        return Ok(Answer {
            content: Content::Bytes(&reply.body),
            around: None,
        });
    }
    let body = reply.body.strip_prefix(b"\xef\xbb\xbf");
    let body = std::str::from_utf8(body.unwrap_or(&reply.body)).unwrap_or_default();
    if reply.status.is_success() && shape.is_list() {
        let look = Look::of(element, resource, reply.status.as_u16());
        if look != Look::Inside
            && let Some((list, around)) =
                envelope::list(body, &shape.answer_root, look == Look::Around)
        {
            let seen = seen(Some(around.unwrap_or(Json::Null)));
            judge(&seen, element, group, resource, None)?;
            return Ok(Answer {
                content: Content::List(list),
                around: seen.json,
            });
        }
    }
    let seen = Seen::new(reply, element, resource, values, inputs.now);
    judge(&seen, element, group, resource, None)?;
    let content = match (&seen.content, &seen.json) {
        (Some(element::Content::Xml), Some(tree)) => {
            let text = json.get_or_init(|| Bytes::from(tree.to_string()));
            let text = std::str::from_utf8(text).unwrap_or_default();
            // XML has no word for a list that is empty.
            match envelope::strictly_inside(text, &shape.answer_root) {
                None if shape.is_list() => Content::List(Vec::new()),
                Some(found) if shape.is_list() && is_blank(found) => Content::List(Vec::new()),
                _ => content(envelope::inside(text, &shape.answer_root)),
            }
        }
        _ => content(envelope::inside(body, &shape.answer_root)),
    };
    Ok(Answer {
        content,
        around: seen.json,
    })
}

fn content(inside: Inside<'_>) -> Content<'_> {
    match inside {
        Inside::One("" | "null") => Content::Nothing,
        Inside::One(one) => Content::One(one),
        Inside::List(list) => Content::List(list),
    }
}

/// An element without elements, as JSON.
fn is_blank(json: &str) -> bool {
    let text: Option<String> = serde_json::from_str(json).ok();
    text.is_some_and(|text| text.trim().is_empty())
}

/// How far a definition's rules look into an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Nowhere,
    Around,
    /// At the records themselves, so that the whole has to become a tree.
    Inside,
}

impl Look {
    fn of(element: &Element, resource: &Resource, status: u16) -> Self {
        let shape = &resource.shape;
        let faults = resource.faults.iter().chain(&element.faults);
        let conditions = faults.map(|rule| &rule.when).chain(&resource.expect);
        let conditions =
            conditions.filter(|rule| rule.statuses.is_empty() || rule.statuses.contains(&status));
        let paging = &shape.paging;
        let of_paging = [&paging.next, &paging.more, &paging.total];
        let paths = conditions
            .flat_map(paths_of)
            .chain(of_paging.into_iter().flatten());
        let mut look = Self::Nowhere;
        for path in paths {
            if path.meets(&names(&shape.answer_root)) {
                return Self::Inside;
            }
            look = Self::Around;
        }
        look
    }
}

fn names(root: &Root) -> Vec<&str> {
    let names = root.steps.iter().map_while(|step| match step {
        Step::Name(name) => Some(name.as_str()),
        Step::Index(_) => None,
    });
    names.collect()
}

fn paths_of(condition: &Condition) -> impl Iterator<Item = &AnswerPath> {
    let compared = [&condition.equals, &condition.differs, &condition.contains];
    let compared = compared.into_iter().flatten().map(|(path, _)| path);
    condition
        .present
        .iter()
        .chain(&condition.absent)
        .chain(compared)
}

impl Shape {
    /// One record as callers get it, added to `out`.
    pub fn write(&self, record: &str, nulls: bool, fields: Option<&Fields>, out: &mut Vec<u8>) {
        match &self.record {
            Some(words) => self.write_shown(&words.shown(record), nulls, fields, out),
            None => self.write_shown(record, nulls, fields, out),
        }
    }

    /// A record that is in our members already.
    fn write_shown(&self, record: &str, nulls: bool, fields: Option<&Fields>, out: &mut Vec<u8>) {
        let record = match nulls {
            true => Cow::Borrowed(record),
            false => without_nulls(record),
        };
        if let Some(wrap) = &self.wrap {
            out.push(b'{');
            out.extend_from_slice(Json::from(wrap.as_str()).to_string().as_bytes());
            out.push(b':');
        }
        match fields {
            Some(fields) => fields.write(&record, out),
            None => out.extend_from_slice(record.as_bytes()),
        }
        if self.wrap.is_some() {
            out.push(b'}');
        }
    }

    /// A list as callers get it: an array without anything around it.
    pub fn write_list<'r>(
        &self,
        records: impl Iterator<Item = &'r str>,
        nulls: bool,
        fields: Option<&Fields>,
    ) -> Vec<u8> {
        array(records, |record, out| {
            self.write(record, nulls, fields, out)
        })
    }

    /// The same of the records of a [`super::Page`], which are in our members already.
    pub fn write_page<'r>(
        &self,
        records: impl Iterator<Item = &'r str>,
        nulls: bool,
        fields: Option<&Fields>,
    ) -> Vec<u8> {
        array(records, |record, out| {
            self.write_shown(record, nulls, fields, out);
        })
    }
}

fn array<'r>(
    records: impl Iterator<Item = &'r str>,
    write: impl Fn(&str, &mut Vec<u8>),
) -> Vec<u8> {
    let mut out = vec![b'['];
    for (number, record) in records.enumerate() {
        if number > 0 {
            out.push(b',');
        }
        write(record, &mut out);
    }
    out.push(b']');
    out
}
