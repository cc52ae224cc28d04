//! The body of a call: literal text with tokens, JSON put together from fields, or a form.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use serde_json::{Map, Value as Json};

use super::{BuildError, Call, Resolved};
use crate::element::shape::Origin;
use crate::element::{JsonType, Parameter, Source, Target};
use crate::language::Filter;

/// `client`: the id of one that the form names.
pub(super) fn build(
    call: &Call<'_>,
    client: Option<&str>,
    headers: &mut HeaderMap,
) -> Result<Bytes, BuildError> {
    let escape = escape_of(Call::content_type(headers));
    let escaped = |text: &str| match &escape {
        Some(filter) => filter.apply(text),
        None => Ok(text.to_owned()),
    };
    let mut whole: Option<String> = None;
    let mut tokens: Vec<(&str, String)> = Vec::new();
    let mut fields: Option<Json> = None;
    let mut form: Vec<(&str, String)> = Vec::new();
    let mut sent: Option<Bytes> = None;
    for parameter in call.parameters() {
        let in_text = matches!(parameter.target, Target::Body);
        if let (true, Source::Request(Origin::Body), Some(caller)) =
            (in_text, &parameter.source, call.caller)
        {
            let body = caller.sent_by(call.element, call.resource, call.previous)?;
            sent = Some(body).filter(|body| !body.is_empty());
            continue;
        }
        let found = match parameter.target {
            Target::Body | Target::BodyField(_) | Target::BodyToken(_) | Target::Form(_) => call
                .resolve(parameter, |text| {
                    if in_text {
                        escaped(text)
                    } else {
                        Ok(text.to_owned())
                    }
                })?,
            _ => None,
        };
        let Some(resolved) = found else {
            continue;
        };
        match &parameter.target {
            Target::Body => whole = Some(resolved.text()),
            Target::BodyToken(name) => {
                let text = escaped(&resolved.text())
                    .map_err(|message| resolved.refused(parameter, message))?;
                tokens.push((name, text));
            }
            Target::Form(name) => {
                form.retain(|(other, _)| other != name);
                form.push((name, resolved.text()));
            }
            Target::BodyField(names) => {
                let value = typed(parameter, &resolved)?;
                let root = fields.get_or_insert_with(|| Json::Object(Map::new()));
                set(root, names, value).ok_or_else(|| {
                    resolved.refused(parameter, "does not fit into the body beside the others")
                })?;
            }
            _ => {}
        }
    }
    if let Some(id) = client.filter(|_| !form.is_empty()) {
        form.retain(|(name, _)| *name != "client_id");
        form.push(("client_id", id.to_owned()));
    }
    if let Some(body) = sent {
        if fields.is_none() && tokens.is_empty() {
            headers
                .entry(CONTENT_TYPE)
                .or_insert(HeaderValue::from_static("application/json"));
            return Ok(body);
        }
        whole = Some(String::from_utf8_lossy(&body).into_owned());
    }
    let (text, kind) = if let Some(mut text) = whole {
        if let Some(fields) = fields {
            text = with_fields(&text, fields).ok_or_else(|| {
                BuildError::Definition(format!(
                    "The step {} sets fields in a body that is no JSON object.",
                    call.resource.step()
                ))
            })?;
        }
        (with_tokens(&text, &tokens), "application/json")
    } else if let Some(fields) = fields {
        (fields.to_string(), "application/json")
    } else if form.is_empty() {
        return Ok(Bytes::new());
    } else {
        let mut encoder = url::form_urlencoded::Serializer::new(String::new());
        encoder.extend_pairs(form);
        (encoder.finish(), "application/x-www-form-urlencoded")
    };
    headers
        .entry(CONTENT_TYPE)
        .or_insert(HeaderValue::from_static(kind));
    Ok(Bytes::from(text))
}

/// How a value must be written inside a literal body of this type.
fn escape_of(content_type: &str) -> Option<Filter> {
    let kind = content_type.to_ascii_lowercase();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.ends_with("json") {
        Some(Filter::Json)
    } else if kind.ends_with("xml") {
        Some(Filter::Xml)
    } else if kind == "application/x-www-form-urlencoded" {
        Some(Filter::Url)
    } else {
        None
    }
}

/// Replaces every `{name}` in one pass, so that a value's own braces are never looked at.
fn with_tokens(text: &str, tokens: &[(&str, String)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let token = after.split_once('}').and_then(|(name, behind)| {
            let (_, value) = tokens.iter().find(|(token, _)| *token == name)?;
            Some((value, behind))
        });
        match token {
            Some((value, behind)) => {
                filled.push_str(value);
                rest = behind;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

fn with_fields(text: &str, fields: Json) -> Option<String> {
    let mut body: Json = serde_json::from_str(text).ok()?;
    merge(body.as_object_mut()?, fields);
    Some(body.to_string())
}

fn merge(body: &mut Map<String, Json>, fields: Json) {
    let Json::Object(fields) = fields else {
        return;
    };
    for (name, value) in fields {
        match (body.get_mut(&name), value) {
            (Some(Json::Object(inner)), Json::Object(more)) => merge(inner, Json::Object(more)),
            (_, value) => {
                body.insert(name, value);
            }
        }
    }
}

/// `None` when something that is no object is in the way.
pub(crate) fn set(root: &mut Json, names: &[String], value: Json) -> Option<()> {
    let (last, outer) = names.split_last()?;
    let mut at = root;
    for name in outer {
        let (name, first_of_array) = match name.strip_suffix("[0]") {
            Some(name) => (name, true),
            None => (name.as_str(), false),
        };
        at = at
            .as_object_mut()?
            .entry(name.to_owned())
            .or_insert_with(|| match first_of_array {
                true => Json::Array(vec![Json::Object(Map::new())]),
                false => Json::Object(Map::new()),
            });
        if first_of_array {
            at = at.as_array_mut()?.first_mut()?;
        }
    }
    at.as_object_mut()?.insert(last.clone(), value);
    Some(())
}

/// The value in the type that the vendor wants.
fn typed(parameter: &Parameter, resolved: &Resolved<'_>) -> Result<Json, BuildError> {
    let Json::String(text) = &resolved.value else {
        return Ok(resolved.value.clone());
    };
    let parsed = match parameter.vendor_type {
        JsonType::Text => return Ok(resolved.value.clone()),
        JsonType::Number => serde_json::from_str(text).ok().filter(Json::is_number),
        JsonType::Boolean => serde_json::from_str(text).ok().filter(Json::is_boolean),
    };
    parsed.ok_or_else(|| {
        let wanted = match parameter.vendor_type {
            JsonType::Boolean => "must be true or false",
            _ => "must be a number",
        };
        resolved.refused(parameter, wanted)
    })
}
