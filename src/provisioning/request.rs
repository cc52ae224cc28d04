//! A create request, checked: every slip is told before anything is called or stored.

use std::sync::Arc;

use bunsen_engine::configuration::Values;
use bunsen_engine::element::Element;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::app::App;
use crate::error::{Error, Result};
use crate::provisioning::text;
use crate::store::ExternalAuthentication;

/// Bytes of a name, of a tag, and tags, at most. The index over tags takes no longer ones.
const NAME_LIMIT: usize = 1000;
const TAG_LIMIT: usize = 255;
const TAGS_LIMIT: usize = 100;
/// Bytes as sent: markup is taken out afterwards, which costs more than it should for long texts.
const RAW_LIMIT: usize = 4096;
/// Bytes of a whole configuration at most; what is listed must stay small.
const CONFIGURATION_LIMIT: usize = 65_536;

/// Body of `POST /instances`. A whole instance as returned earlier is accepted too: what only the
/// server sets is ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CreateInstance {
    element: Option<Map<String, Value>>,
    name: Option<String>,
    configuration: Option<Configuration>,
    tags: Option<Vec<String>>,
    external_authentication: Option<String>,
}

/// Holds passwords, so its `Debug` shows only how many entries there are.
#[derive(Default, Deserialize)]
#[serde(transparent)]
struct Configuration(Map<String, Value>);

impl std::fmt::Debug for Configuration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Configuration({} entries)", self.0.len())
    }
}

/// Ready for the vendor.
#[derive(Debug)]
pub struct Prepared {
    pub element: Arc<Element>,
    /// Name of the chosen group of credentials.
    pub group: String,
    pub name: String,
    pub tags: Vec<String>,
    pub given: Values,
    pub external_authentication: ExternalAuthentication,
}

/// # Errors
/// 404 for an unknown element, else 400 naming every entry that is wrong or missing.
pub fn prepare(
    app: &App,
    element_of_path: Option<&str>,
    request: CreateInstance,
) -> Result<Prepared> {
    let element = resolve(app, element_of_path, request.element.as_ref())?;
    let configuration = request.configuration.unwrap_or_default().0;
    let name = request.name.unwrap_or_default();
    refuse_oversized(&name, request.tags.as_deref().unwrap_or_default())?;
    refuse_placeholders(
        &name,
        request.tags.as_deref().unwrap_or_default(),
        &configuration,
    )?;
    refuse_unstorable(&configuration)?;

    let name = text::plain(&name);
    if name.is_empty() {
        return Err(Error::Invalid(
            "Missing required field: 'name'. Give the instance a name.".into(),
        ));
    }
    if name.len() > NAME_LIMIT {
        return Err(Error::Invalid(format!(
            "'name' is longer than {NAME_LIMIT} bytes."
        )));
    }
    // Without the field an instance is found by its name; an empty list means none.
    let tags = match request.tags {
        Some(given) => text::tags(&given),
        None => vec![name.clone()],
    };
    // The tag that stands for the name may be as long as the name.
    if tags.iter().any(|tag| *tag != name && tag.len() > TAG_LIMIT) {
        return Err(Error::Invalid(format!(
            "An entry of 'tags' is longer than {TAG_LIMIT} bytes."
        )));
    }
    let external_authentication = match request.external_authentication.as_deref() {
        None | Some("none") => ExternalAuthentication::None,
        Some("initial") => ExternalAuthentication::Initial,
        Some(_) => {
            return Err(Error::Invalid(
                "'externalAuthentication' must be \"none\" or \"initial\".".into(),
            ));
        }
    };

    let given = element.accept(&configuration).map_err(|mistakes| {
        let told: Vec<String> = mistakes
            .iter()
            .map(|mistake| format!("configuration '{}': {}", mistake.key, mistake.message))
            .collect();
        Error::Invalid(told.join("; "))
    })?;
    let group = element.group_for(&given).map_err(|mistake| {
        Error::Invalid(format!(
            "configuration '{}': {}",
            mistake.key, mistake.message
        ))
    })?;
    let missing = element.missing(group, &given);
    if !missing.is_empty() {
        return Err(Error::Invalid(format!(
            "The following required configuration entries are missing: {}",
            missing.join(", ")
        )));
    }
    let group = group.name.clone();
    Ok(Prepared {
        element,
        group,
        name,
        tags,
        given,
        external_authentication,
    })
}

/// The path's element, else the body's `id`, else its `key`.
fn resolve(
    app: &App,
    element_of_path: Option<&str>,
    reference: Option<&Map<String, Value>>,
) -> Result<Arc<Element>> {
    if let Some(named) = element_of_path {
        return app.element(named).cloned();
    }
    let given = |name: &str| {
        reference
            .and_then(|reference| reference.get(name))
            .filter(|value| !value.is_null() && value.as_str() != Some(""))
    };
    let named = match (given("id"), given("key")) {
        (Some(Value::Number(id)), _) => id.to_string(),
        (Some(Value::String(id)), _) => id.clone(),
        (Some(_), _) => return Err(Error::Invalid("'element.id' must be a number.".into())),
        (None, Some(Value::String(key))) => key.clone(),
        (None, Some(_)) => return Err(Error::Invalid("'element.key' must be a string.".into())),
        (None, None) => {
            return Err(Error::Invalid(
                "Missing required field: 'element.key'. Name the element, as in \
                 {\"element\":{\"key\":\"…\"}}; GET /elements/keys lists them."
                    .into(),
            ));
        }
    };
    app.element(&named).cloned()
}

/// Looks before sanitising, which would take the brackets for markup and drop them.
fn refuse_placeholders(
    name: &str,
    tags: &[String],
    configuration: &Map<String, Value>,
) -> Result<()> {
    let mut found = Vec::new();
    if let Some(placeholder) = text::placeholder(name) {
        found.push(format!("name: {placeholder}"));
    }
    for placeholder in tags.iter().filter_map(|tag| text::placeholder(tag)) {
        found.push(format!("tags: {placeholder}"));
    }
    for (key, value) in configuration {
        if let Some(placeholder) = value.as_str().and_then(text::placeholder) {
            found.push(format!("configuration '{key}': {placeholder}"));
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "Replace the placeholders with your values: {}",
        found.join(", ")
    )))
}

/// Before anything is done with them.
fn refuse_oversized(name: &str, tags: &[String]) -> Result<()> {
    if name.len() > RAW_LIMIT {
        return Err(Error::Invalid(format!(
            "'name' is longer than {NAME_LIMIT} bytes."
        )));
    }
    if tags.len() > TAGS_LIMIT {
        return Err(Error::Invalid(format!(
            "'tags' has more than {TAGS_LIMIT} entries."
        )));
    }
    if tags.iter().any(|tag| tag.len() > RAW_LIMIT) {
        return Err(Error::Invalid(format!(
            "An entry of 'tags' is longer than {TAG_LIMIT} bytes."
        )));
    }
    Ok(())
}

/// What no database text can hold, and what nobody means to send.
fn refuse_unstorable(configuration: &Map<String, Value>) -> Result<()> {
    let mut total = 0;
    for (key, value) in configuration {
        total += key.len();
        total += match value {
            Value::String(text) if text.contains('\0') => {
                return Err(Error::Invalid(format!(
                    "configuration '{key}' holds a NUL character; remove it."
                )));
            }
            Value::String(text) => text.len(),
            other => other.to_string().len(),
        };
    }
    if total > CONFIGURATION_LIMIT {
        return Err(Error::Invalid(format!(
            "'configuration' is larger than {CONFIGURATION_LIMIT} bytes."
        )));
    }
    Ok(())
}
