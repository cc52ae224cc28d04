//! All elements of a server: loads definitions, reports every mistake of every file, looks up.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::assign::ids;
use super::compile::{Checker, compile};
use super::definition::ElementDefinition;
use super::unsupported::{self, Unsupported};
use super::{Element, schema, text};

/// One `element.json`, wherever it was read from.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// As mistakes show it: `elements/larkpost/element.json`.
    pub path: String,
    pub bytes: Vec<u8>,
}

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub file: String,
    /// `resources[3].parameters[1].converter`, or a line and column; empty: the whole file.
    pub place: String,
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.as_str() {
            "" => write!(f, "{}: {}", self.file, self.message),
            place => write!(f, "{}: {place}: {}", self.file, self.message),
        }
    }
}

/// Every element, by key.
#[derive(Debug, Default)]
pub struct Catalog {
    by_key: BTreeMap<String, Arc<Element>>,
}

/// A file that is a JSON object, before it is compiled.
struct Written {
    path: String,
    shipped: bool,
    original: Map<String, Value>,
    definition: ElementDefinition,
    /// Of added definitions: words of the platform that the schema does not know.
    foreign_words: Vec<Unsupported>,
}

impl Catalog {
    /// `added` definitions replace shipped ones of the same key.
    pub fn load(shipped: Vec<SourceFile>, added: Vec<SourceFile>) -> Result<Self, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let mut written = Vec::new();
        for (files, is_shipped) in [(added, false), (shipped, true)] {
            for file in files {
                written.extend(read(file, is_shipped, &mut mistakes));
            }
        }
        let written = without_replaced(written, &mut mistakes);
        check_ids(&written, &mut mistakes);

        let mut by_key = BTreeMap::new();
        for file in &written {
            let mut checker = Checker::new(&file.path, file.shipped);
            let element = compile(&file.definition, &file.original, &mut checker);
            mistakes.append(&mut checker.mistakes);
            if let Some(mut element) = element {
                if !file.shipped {
                    element.unsupported = unsupported::of(&file.definition, &element);
                    element.unsupported.extend(file.foreign_words.clone());
                }
                by_key.insert(element.key.clone(), Arc::new(element));
            }
        }
        if mistakes.is_empty() {
            Ok(Self { by_key })
        } else {
            mistakes.sort_by(|a, b| a.file.cmp(&b.file));
            mistakes.dedup();
            Err(mistakes)
        }
    }

    /// Digits only are an id, anything else is a key.
    pub fn get(&self, key_or_id: &str) -> Option<&Arc<Element>> {
        if !key_or_id.is_empty() && key_or_id.bytes().all(|byte| byte.is_ascii_digit()) {
            let id: i64 = key_or_id.parse().ok()?;
            return self.iter().find(|element| element.id.0 == id);
        }
        self.by_key.get(key_or_id)
    }

    /// The key that was probably meant.
    pub fn nearest(&self, key: &str) -> Option<&str> {
        let asked = key.to_lowercase();
        self.by_key
            .keys()
            .map(|known| (edit_distance(&asked, &known.to_lowercase()), known.as_str()))
            .filter(|(distance, known)| *distance <= (known.chars().count() / 3).max(1))
            .min()
            .map(|(_, known)| known)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Element>> {
        self.by_key.values()
    }
}

fn read(file: SourceFile, shipped: bool, mistakes: &mut Vec<Mistake>) -> Option<Written> {
    let mut wrong = |place: String, message: String| {
        mistakes.push(Mistake {
            file: file.path.clone(),
            place,
            message,
        });
    };
    let Ok(text) = std::str::from_utf8(&file.bytes) else {
        wrong(String::new(), "is not UTF-8 text".to_owned());
        return None;
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let original: Value = match serde_json::from_str(text) {
        Ok(original) => original,
        Err(error) => {
            let place = format!("line {}, column {}", error.line(), error.column());
            let whole = error.to_string();
            let message = whole.split(" at line ").next().unwrap_or(&whole);
            wrong(place, message.to_owned());
            return None;
        }
    };
    for place in text::repeated_members(text) {
        wrong(place, "stands twice in this object".to_owned());
    }
    let checked = if shipped {
        original.clone()
    } else {
        without_nulls(original.clone())
    };
    let mut foreign_words = Vec::new();
    for misfit in schema::check(&checked, shipped) {
        if misfit.foreign_word && !shipped {
            foreign_words.push(Unsupported {
                place: misfit.place,
                message: misfit.message,
            });
        } else {
            wrong(misfit.place, misfit.message);
        }
    }
    let Value::Object(original) = original else {
        return None;
    };
    Some(Written {
        path: file.path,
        shipped,
        original,
        definition: ElementDefinition::read(&checked),
        foreign_words,
    })
}

/// Exports write null for what is absent.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, member)| !member.is_null())
            .map(|(name, member)| (name, without_nulls(member)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

/// Added files come first in `written`, so a shipped one of the same key gives way; two files of
/// one origin with one key are a mistake.
fn without_replaced(written: Vec<Written>, mistakes: &mut Vec<Mistake>) -> Vec<Written> {
    let mut kept: Vec<Written> = Vec::new();
    for file in written {
        let same = kept.iter().find(|other| {
            file.definition.key.is_some() && other.definition.key == file.definition.key
        });
        match same {
            None => kept.push(file),
            Some(other) if other.shipped == file.shipped => mistakes.push(Mistake {
                file: file.path,
                place: "key".into(),
                message: format!("is the key of {} already", other.path),
            }),
            Some(_) => {}
        }
    }
    kept
}

/// Everything has an id and none occurs twice. Elements count apart from their parts; the parts
/// share one range, except that in added definitions (exports of a platform that numbers each
/// kind by itself) only the same kind can clash.
fn check_ids(written: &[Written], mistakes: &mut Vec<Mistake>) {
    struct Use<'a> {
        kind: &'static str,
        file: &'a Written,
        place: String,
    }
    let mut uses: BTreeMap<i64, Vec<Use<'_>>> = BTreeMap::new();
    for file in written {
        for (kind, place, id) in ids(&file.definition) {
            let dot = if place.is_empty() { "" } else { "." };
            let place = format!("{place}{dot}id");
            let message = match id {
                Some(id) => {
                    let earlier = uses.entry(id).or_default();
                    let clash = earlier.iter().find(|other| {
                        let both_parts = kind != "element" && other.kind != "element";
                        kind == other.kind || (both_parts && file.shipped && other.file.shipped)
                    });
                    let message = clash.map(|other| {
                        format!(
                            "{id} is used already, in {}: {}",
                            other.file.path, other.place
                        )
                    });
                    earlier.push(Use {
                        kind,
                        file,
                        place: place.clone(),
                    });
                    message
                }
                None => {
                    Some("is missing; bunsen elements check DIR --assign-ids gives one".to_owned())
                }
            };
            mistakes.extend(message.map(|message| Mistake {
                file: file.path.clone(),
                place,
                message,
            }));
        }
    }
}

/// Insertions, deletions and replacements between two words.
pub(crate) fn edit_distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    // Long nonsense cannot be near any key.
    for (line, character) in one.chars().take(64).enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        for (cell, expected) in row.iter_mut().skip(1).zip(&other) {
            let replaced = diagonal + usize::from(character != *expected);
            diagonal = *cell;
            left = replaced.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}
