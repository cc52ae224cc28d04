//! Gives ids to the parts of definitions that have none, by editing the text: an id that is there
//! is never changed, and neither is anything else.

use std::collections::BTreeSet;

use super::SourceFile;
use super::definition::ElementDefinition;
use super::text::id_gaps;

/// The first id of a definition that has none; the platform's own are below.
const FIRST_ELEMENT: i64 = 10_000;

/// The parts of element N get ids from N × 1000 + 1, so that definitions that are written at the
/// same time do not clash.
const RANGE: i64 = 1000;

/// Those of `files` that lacked ids, with ids. `others` are files whose ids are taken too; what
/// is no JSON object stays as it is.
pub fn assign_ids(files: &[SourceFile], others: &[SourceFile]) -> Vec<SourceFile> {
    let mut elements = BTreeSet::new();
    let mut parts = BTreeSet::new();
    for file in files.iter().chain(others) {
        for (kind, _, id) in read(file).iter().flat_map(ids) {
            let taken = if kind == "element" {
                &mut elements
            } else {
                &mut parts
            };
            taken.extend(id);
        }
    }
    let mut changed = Vec::new();
    for file in files {
        let (Some(definition), Ok(text)) = (read(file), std::str::from_utf8(&file.bytes)) else {
            continue;
        };
        let gaps = id_gaps(text);
        if gaps.is_empty() {
            continue;
        }
        let element = definition
            .id
            .unwrap_or_else(|| free(FIRST_ELEMENT, &mut elements));
        let first = element
            .checked_mul(RANGE)
            .and_then(|start| start.checked_add(1));
        let first = first.filter(|first| *first > 0).unwrap_or(1);
        let mut edited = String::with_capacity(text.len());
        let mut rest = text;
        for gap in gaps {
            let id = if gap.place.is_empty() {
                element
            } else {
                free(first, &mut parts)
            };
            let (before, after) = rest.split_at(gap.offset + rest.len() - text.len());
            edited.push_str(before);
            edited.push_str(&member(id, after));
            rest = after;
        }
        edited.push_str(rest);
        changed.push(SourceFile {
            path: file.path.clone(),
            bytes: edited.into_bytes(),
        });
    }
    changed
}

fn read(file: &SourceFile) -> Option<ElementDefinition> {
    let json: serde_json::Value = serde_json::from_slice(&file.bytes).ok()?;
    json.is_object().then(|| ElementDefinition::read(&json))
}

/// The first id from `start` on that nobody has; it is taken from then on.
fn free(start: i64, taken: &mut BTreeSet<i64>) -> i64 {
    let mut id = start;
    while !taken.insert(id) {
        id = id.wrapping_add(1);
    }
    id
}

/// The member as the text around it is laid out: `after` is what follows the opening brace.
fn member(id: i64, after: &str) -> String {
    let blank = after.len() - after.trim_start().len();
    let blank = after.get(..blank).unwrap_or_default();
    let comma = if after.trim_start().starts_with('}') {
        ""
    } else {
        ","
    };
    let space = if comma.is_empty() || !blank.is_empty() {
        ""
    } else {
        " "
    };
    format!("{blank}\"id\": {id}{comma}{space}")
}

/// Ids that a file holds, each with its kind and place.
pub(super) fn ids(definition: &ElementDefinition) -> Vec<(&'static str, String, Option<i64>)> {
    let mut found = vec![("element", String::new(), definition.id)];
    for (index, entry) in definition.configuration.0.iter().enumerate() {
        found.push(("entry", format!("configuration[{index}]"), entry.id));
    }
    for (index, parameter) in definition.parameters.0.iter().enumerate() {
        found.push(("parameter", format!("parameters[{index}]"), parameter.id));
    }
    for (index, hook) in definition.hooks.0.iter().enumerate() {
        found.push(("hook", format!("hooks[{index}]"), hook.id));
    }
    for (index, resource) in definition.resources.0.iter().enumerate() {
        let place = format!("resources[{index}]");
        for (index, parameter) in resource.parameters.0.iter().enumerate() {
            found.push((
                "parameter",
                format!("{place}.parameters[{index}]"),
                parameter.id,
            ));
        }
        for (index, hook) in resource.hooks.0.iter().enumerate() {
            found.push(("hook", format!("{place}.hooks[{index}]"), hook.id));
        }
        found.push(("resource", place, resource.id));
    }
    found
}
