//! The JSON Schema of definitions: strict for what is shipped, lenient for what an operator adds.
//!
//! Lenient means: members that the schema does not know are kept and ignored, and null counts as
//! absent, as exports write it. The words of `bunsen` stay strict, since they are ours alone.

use std::sync::LazyLock;

use jsonschema::Validator;
use jsonschema::error::{TypeKind, ValidationError, ValidationErrorKind};
use serde_json::Value;

/// The schema itself, in JSON.
pub const SCHEMA: &str = include_str!("../../schema/element.schema.json");

/// Definitions whose objects stay strict in both forms start with this.
const OUR_WORDS: &str = "bunsen";

type Compiled = LazyLock<Result<Validator, String>>;

static STRICT: Compiled = LazyLock::new(|| compile(&written()?));

static LENIENT: Compiled = LazyLock::new(|| {
    let mut schema = written()?;
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("additionalProperties");
    }
    let definitions = schema.get_mut("$defs").and_then(Value::as_object_mut);
    for (name, definition) in definitions.into_iter().flatten() {
        if !name.starts_with(OUR_WORDS)
            && let Some(definition) = definition.as_object_mut()
        {
            definition.remove("additionalProperties");
        }
    }
    compile(&schema)
});

fn written() -> Result<Value, String> {
    serde_json::from_str(SCHEMA).map_err(|error| error.to_string())
}

fn compile(schema: &Value) -> Result<Validator, String> {
    jsonschema::draft202012::options()
        .build(schema)
        .map_err(|error| error.to_string())
}

/// What does not fit the schema, and where.
#[derive(Debug)]
pub(super) struct Misfit {
    pub place: String,
    pub message: String,
    /// A word of the platform's own that we do not know; the words of `bunsen` are never such.
    pub foreign_word: bool,
}

/// Everything that does not fit.
pub(super) fn check(definition: &Value, shipped: bool) -> Vec<Misfit> {
    let schema: &Compiled = if shipped { &STRICT } else { &LENIENT };
    match &**schema {
        Ok(validator) => validator
            .iter_errors(definition)
            .flat_map(|error| {
                let listed = matches!(error.kind(), ValidationErrorKind::Enum { .. });
                in_words(&error)
                    .into_iter()
                    .map(move |(place, message)| Misfit {
                        foreign_word: listed && !place.split('.').any(|step| step == OUR_WORDS),
                        place,
                        message,
                    })
            })
            .collect(),
        // Only a broken schema comes here; a definition that was not checked is not taken.
        Err(message) => vec![Misfit {
            place: String::new(),
            message: format!("the schema is broken: {message}"),
            foreign_word: false,
        }],
    }
}

/// `/resources/3/parameters/1` as `resources[3].parameters[1]`.
fn place(pointer: &str) -> String {
    let mut place = String::new();
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        if !step.is_empty() && step.chars().all(|c| c.is_ascii_digit()) {
            place.push('[');
            place.push_str(&step);
            place.push(']');
        } else {
            push_member(&mut place, &step);
        }
    }
    place
}

fn push_member(place: &mut String, member: &str) {
    if !place.is_empty() {
        place.push('.');
    }
    place.push_str(member);
}

fn in_words(error: &ValidationError<'_>) -> Vec<(String, String)> {
    let place = place(error.instance_path().as_str());
    let message = match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            return unexpected
                .iter()
                .map(|member| {
                    let mut place = place.clone();
                    push_member(&mut place, member);
                    (place, "unknown field".to_owned())
                })
                .collect();
        }
        ValidationErrorKind::Enum { options } => {
            let options: Vec<String> = options
                .as_array()
                .into_iter()
                .flatten()
                .map(Value::to_string)
                .collect();
            format!(
                "unknown {}; one of {}",
                error.instance(),
                options.join(", ")
            )
        }
        ValidationErrorKind::Required { property } => format!("{property} is missing"),
        ValidationErrorKind::Type { kind } => {
            let wanted = match kind {
                TypeKind::Single(wanted) => wanted.to_string(),
                TypeKind::Multiple(wanted) => {
                    let names: Vec<String> =
                        wanted.iter().map(|wanted| wanted.to_string()).collect();
                    names.join(" or ")
                }
            };
            format!("must be {wanted}, not {}", kind_of(error.instance()))
        }
        ValidationErrorKind::Pattern { pattern } => {
            format!("{} does not match {pattern}", error.instance())
        }
        _ => error.to_string(),
    };
    vec![(place, message)]
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
