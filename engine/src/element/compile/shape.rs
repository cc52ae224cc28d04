//! What a caller's own call of a resource looks like: root keys, paging, filters, order.

use std::collections::BTreeMap;

use super::Checker;
use super::record::record;
use crate::element::definition::{FilterWords, PushWords, RecordWords, ResourceDefinition};
use crate::element::shape::{
    FilterRules, Meaning, Named, OrderRule, Paging, PagingKind, PathSegment, PushForm, PushRule,
    PushTarget, Root, Shape, Step, segments,
};
use crate::language::AnswerPath;

/// `names` are all resources of the element as `METHOD:/path`, `records` what they may be like.
pub(super) fn shape(
    written: &ResourceDefinition,
    place: &str,
    names: &[String],
    records: &BTreeMap<String, RecordWords>,
    checker: &mut Checker<'_>,
) -> Shape {
    let (request, answer) = match written.root_key.as_deref().unwrap_or_default() {
        roots if roots.contains('|') => roots.split_once('|').unwrap_or_default(),
        answer => ("", answer),
    };
    let words = &written.bunsen;
    if words.wrap.as_deref() == Some("") {
        checker.wrong(format!("{place}.bunsen.wrap"), "needs a name");
    }
    Shape {
        path: path_segments(written.path.as_deref().unwrap_or_default()),
        only: only(written, place, checker),
        form: form(written, place, names, checker),
        request_root: names_of(request),
        answer_root: root(answer, &format!("{place}.rootKey"), checker),
        wrap: words.wrap.clone(),
        // Known when the objects are.
        unsent: Vec::new(),
        record: words.record.as_ref().map(|words| {
            let place = format!("{place}.bunsen.record");
            record(words, &place, names, records, checker)
        }),
        weight: words.weight,
        paging: paging(written, place, checker),
        filter: words
            .filter
            .as_ref()
            .map(|filter| rules(filter, place, names, checker)),
        order: words.order.as_ref().and_then(|order| {
            Some(OrderRule {
                query: order.query.clone()?,
                direction: order.direction.clone(),
                fields: order.fields.clone(),
            })
        }),
        raw: kinds(written).next().is_some()
            && kinds(written).all(|kind| !kind.contains("json") && !is_xml(kind)),
        xml: kinds(written).any(is_xml),
        list: is_list(written),
    }
}

/// Media types of the vendor's answer, without their parameters.
fn kinds(written: &ResourceDefinition) -> impl Iterator<Item = &str> {
    let given = written.response.content_type.as_deref();
    let kinds = given.into_iter().flat_map(|given| given.split(','));
    let kinds = kinds.map(|kind| kind.split(';').next().unwrap_or_default().trim());
    kinds.filter(|kind| !kind.is_empty())
}

/// Neither the packed XML of office files nor drawings are read.
fn is_xml(kind: &str) -> bool {
    matches!(kind, "application/xml" | "text/xml" | "xml")
        || (kind.ends_with("+xml") && !kind.starts_with("image/"))
}

/// The vendor's names that a path with variables stands for.
fn only(written: &ResourceDefinition, place: &str, checker: &mut Checker<'_>) -> Vec<Named> {
    let own = path_segments(written.path.as_deref().unwrap_or_default());
    let place = format!("{place}.bunsen.only");
    let names = matches!(own.first(), Some(PathSegment::Variable(_)));
    if names && written.bunsen.only.is_empty() && checker.shipped {
        checker.wrong(&place, "says which names of the vendor's may stand there");
    }
    let numbered = written.bunsen.only.iter().enumerate();
    let only = numbered.map(|(index, path)| {
        let segments = segments(path);
        let fits = own.len() == segments.len()
            && own.iter().zip(&segments).all(|(own, one)| match own {
                PathSegment::Literal(_) => own == one,
                PathSegment::Variable(_) => true,
            });
        if !fits {
            let message = format!("{path} is none of the paths that the resource has");
            checker.wrong(format!("{place}[{index}]"), message);
        }
        Named {
            path: path.clone(),
            segments,
        }
    });
    only.collect()
}

fn form(
    written: &ResourceDefinition,
    place: &str,
    names: &[String],
    checker: &mut Checker<'_>,
) -> Option<usize> {
    let wanted = written.bunsen.form.as_ref()?;
    let found = names.iter().position(|name| name == wanted);
    if found.is_none() {
        checker.wrong(
            format!("{place}.bunsen.form"),
            format!("no resource {wanted}"),
        );
    }
    found
}

/// The platform has no word for it, but lists have what single records have not.
fn is_list(written: &ResourceDefinition) -> bool {
    let given = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
    let words = &written.bunsen;
    let pages = |name: &str| matches!(name, "page" | "pageSize" | "nextPage" | "where" | "orderBy");
    let mut parameters = written.parameters.0.iter();
    written.method.as_deref() == Some("GET")
        && (given(&written.next_page_key)
            || given(&written.pagination_type)
            || words.filter.is_some()
            || words.order.is_some()
            || words.paging.kind.is_some()
            || written
                .root_key
                .as_deref()
                .is_some_and(|root| root.contains("[*]"))
            || parameters.any(|parameter| {
                parameter.kind.as_deref() == Some("query")
                    && parameter.name.as_deref().is_some_and(pages)
            }))
}

/// Segments of a path of ours; the hub is left out, whichever it is.
pub(super) fn path_segments(path: &str) -> Vec<PathSegment> {
    let path = path.strip_prefix("/hubs/").map_or(path, |rest| {
        rest.split_once('/').map_or("", |(_, path)| path)
    });
    segments(path)
}

fn names_of(text: &str) -> Vec<String> {
    let names = text.split('.').filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// `result.people`, `events[0].data`, `.workers[*]`, `items[*].item`.
fn root(text: &str, place: &str, checker: &mut Checker<'_>) -> Root {
    let mut root = Root::default();
    let (before, inside) = text.split_once("[*]").unwrap_or((text, ""));
    root.inside = names_of(inside);
    let mut steps = Vec::new();
    for part in before.split('.').filter(|part| !part.is_empty()) {
        let (name, indexes) = part.split_once('[').unwrap_or((part, ""));
        if !name.is_empty() {
            steps.push(Some(Step::Name(name.to_owned())));
        }
        for index in indexes.split('[').filter(|index| !index.is_empty()) {
            let number = index.strip_suffix(']').and_then(|index| index.parse().ok());
            steps.push(number.map(Step::Index));
        }
    }
    if inside.contains('[') || steps.contains(&None) {
        let message = format!("{text:?} is no root key; write names, [index] and one [*]");
        checker.wrong(place, message);
    }
    root.steps = steps.into_iter().flatten().collect();
    root
}

fn paging(written: &ResourceDefinition, place: &str, checker: &mut Checker<'_>) -> Paging {
    let words = &written.bunsen.paging;
    let mut path = |text: Option<&str>, member: &str| -> Option<AnswerPath> {
        let text = text.filter(|text| !text.is_empty())?;
        checker.answer_path(&format!("{place}.{member}"), text)
    };
    Paging {
        next: path(written.next_page_key.as_deref(), "nextPageKey"),
        more: path(words.more.as_deref(), "bunsen.paging.more"),
        total: path(words.total.as_deref(), "bunsen.paging.total"),
        kind: match words.kind.as_deref() {
            Some("page") => Some(PagingKind::Page),
            Some("offset") => Some(PagingKind::Offset),
            Some("cursor") => Some(PagingKind::Cursor),
            _ => None,
        },
        whole: written.pagination_type.as_deref() == Some("VENDOR_NOT_SUPPORTED"),
        link: words.link,
        max: words.max,
    }
}

fn rules(
    words: &FilterWords,
    place: &str,
    names: &[String],
    checker: &mut Checker<'_>,
) -> FilterRules {
    let numbered = words.push.0.iter().enumerate();
    let push = numbered.filter_map(|(index, words)| {
        rule(
            words,
            &format!("{place}.bunsen.filter.push[{index}]"),
            names,
            checker,
        )
    });
    let push = push.collect();
    let means = words.means.0.iter().filter_map(|meaning| {
        Some(Meaning {
            field: meaning.field.clone()?,
            of: meaning.of.clone()?,
            begins: meaning.begins,
        })
    });
    let rules = FilterRules {
        push,
        local: words.local.clone(),
        means: means.collect(),
    };
    for (index, meaning) in rules.means.iter().enumerate() {
        if !rules.is_local(&meaning.of) {
            let place = format!("{place}.bunsen.filter.means[{index}].of");
            checker.wrong(place, format!("{:?} must be among local", meaning.of));
        }
    }
    for (index, rule) in rules.push.iter().enumerate() {
        let again = rule.loose || !matches!(rule.to, PushTarget::Query(_));
        if again && !rules.is_local(&rule.field) {
            let place = format!("{place}.bunsen.filter.push[{index}]");
            let message = format!(
                "{:?} is to be applied again by us, so it must be among local",
                rule.field
            );
            checker.wrong(place, message);
        }
    }
    rules
}

fn rule(
    words: &PushWords,
    place: &str,
    names: &[String],
    checker: &mut Checker<'_>,
) -> Option<PushRule> {
    let field = words.field.clone()?;
    let to = match (&words.query, &words.resource) {
        (Some(query), None) => PushTarget::Query(query.clone()),
        (None, Some(resource)) => {
            if words.operators != ["="] || words.parameter {
                checker.wrong(place, "one record is found by = alone");
            }
            let mut found = |member: &str, resource: &String| {
                let found = names.iter().position(|name| name == resource);
                let found = found.filter(|_| resource.matches('{').count() == 1);
                if found.is_none() {
                    let message = format!("no resource {resource} with one variable");
                    checker.wrong(format!("{place}.{member}"), message);
                }
                found
            };
            let record = found("resource", resource)?;
            match &words.by {
                Some(by) => PushTarget::Hint {
                    by: found("by", by)?,
                    record,
                },
                None => PushTarget::Resource(record),
            }
        }
        _ => {
            checker.wrong(place, "needs query or resource, one of them");
            return None;
        }
    };
    let form = match words.form.as_deref() {
        Some("dateTime") => PushForm::Moment,
        _ => PushForm::Text,
    };
    if form == PushForm::Moment && !words.loose && !words.parameter {
        let message = "a moment is rounded to the second, so the rule must be loose";
        checker.wrong(place, message);
    }
    if words.loose && words.parameter {
        checker.wrong(
            place,
            "what is no field of the records cannot be applied again",
        );
    }
    Some(PushRule {
        field,
        operators: words.operators.clone(),
        to,
        form,
        loose: words.loose,
        parameter: words.parameter,
    })
}
