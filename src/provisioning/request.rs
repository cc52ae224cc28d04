//! What a caller sends to make or change an instance, checked: every slip is told before anything
//! is called or stored.

use std::sync::Arc;

use bunsen_engine::configuration::{ConfigurationMistake, Values};
use bunsen_engine::element::oauth::REFRESH_TOKEN;
use bunsen_engine::element::{Element, Login};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::app::App;
use crate::clients::{self, Client};
use crate::error::{Error, Result};
use crate::exchange::Trace;
use crate::provisioning::Who;
use crate::provisioning::authorization::{self, Brought, ProviderData};
use crate::provisioning::client::{self, ProxyReference};
use crate::provisioning::missing::refuse_missing_for;
use crate::provisioning::text;
use crate::store::ExternalAuthentication;

/// Bytes of a name, of a tag, and tags, at most. No longer tag fits its index.
const NAME_LIMIT: usize = 1000;
const TAG_LIMIT: usize = 255;
const TAGS_LIMIT: usize = 100;
/// Bytes as sent: markup is taken out afterwards, slowly.
const RAW_LIMIT: usize = 4096;
/// Bytes of a whole configuration.
const CONFIGURATION_LIMIT: usize = 65_536;

/// Body of `POST`, `PUT` and `PATCH /instances`. A whole instance as returned is accepted, too: what
/// only the server sets is ignored.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstanceRequest {
    /// The element; `id` wins over `key`.
    #[schema(value_type = Option<ElementReference>)]
    element: Option<Map<String, Value>>,
    /// Need not be unique; markup is taken out.
    #[schema(max_length = 1000, example = "Support desk of customer 17")]
    name: Option<String>,
    /// By key, as `GET /elements/{keyOrId}/configuration` lists them. A value may be a text, number,
    /// boolean, object or list, and is kept as text. Keys that the element does not know are dropped.
    #[schema(value_type = Option<Map<String, Value>>)]
    configuration: Option<Configuration>,
    /// To find instances by. Absent on create: the name.
    #[schema(max_items = 100, example = json!(["customer-17"]))]
    tags: Option<Vec<String>>,
    /// `none`, or `initial`: the tokens in `configuration` are good, and the log-in begins with them.
    #[schema(example = "none")]
    external_authentication: Option<String>,
    /// What a browser or another server brought from the vendor.
    #[schema(value_type = Option<ProviderMembers>)]
    provider_data: Option<ProviderData>,
    pub(super) retrieve_objects_after_instantiation: Option<bool>,
    /// The code came by an OAuth proxy: its client and its callback URL, where none is given.
    oauth_proxy: Option<ProxyReference>,
    /// No word of callers: see [`InstanceRequest::asking_again`].
    #[serde(skip)]
    ask_again: bool,
    /// No word of callers: see [`InstanceRequest::keeping_account`].
    #[serde(skip)]
    keep_account: bool,
    /// No word of callers either: see [`InstanceRequest::trace`].
    #[serde(skip)]
    trace: Option<Trace>,
}

impl InstanceRequest {
    /// Where the calls of the log-in are written down, when `providerData.debug` asks for it.
    pub fn trace(&mut self) -> Option<Trace> {
        let wanted = self
            .provider_data
            .as_ref()
            .is_some_and(ProviderData::wants_trace);
        self.trace = wanted.then(Trace::default);
        self.trace.clone()
    }

    /// Id or key that the body names.
    pub fn element_name(&self) -> Option<String> {
        named_element(self.element.as_ref()).ok().flatten()
    }

    /// The vendor is asked although the credentials are those that it accepted before.
    pub fn asking_again(self) -> Self {
        Self {
            ask_again: true,
            ..self
        }
    }

    /// The instance stays with the vendor account that it has, as far as the vendor says whose it
    /// is. Callers of the API may move it, since it is theirs; a person in a browser may not know
    /// that they are logged in as somebody else there.
    pub fn keeping_account(self) -> Self {
        Self {
            keep_account: true,
            ..self
        }
    }
}

/// What the vendor's page sent back, or tokens; further members are passed to the definition's
/// calls by their names, and kept where the definition has an entry for them (`realmId`, or
/// `realm.id`).
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `authorization` reads")]
struct ProviderMembers {
    /// The authorization code.
    code: Option<String>,
    /// The address that the code was sent to; absent: `oauth.callback.url`.
    redirect_uri: Option<String>,
    /// Where `codeChallenge` was sent: what it was made of.
    code_verifier: Option<String>,
    /// OAuth 1, with `oauth_verifier` and the `secret` that `/oauth/token` answered.
    oauth_token: Option<String>,
    oauth_verifier: Option<String>,
    secret: Option<String>,
    /// Tokens from elsewhere.
    access_token: Option<String>,
    refresh_token: Option<String>,
    /// Seconds.
    expires_in: Option<i64>,
    /// What the vendor's page said instead: answered with 401.
    error: Option<String>,
    /// On create: write down what the vendor is asked and answers; the answer's header
    /// `Elements-Trace-Id` names it for `GET /elements/{keyOrId}/trace/{traceId}`.
    debug: Option<bool>,
}

/// Which element; one of the two is enough.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `named_element` reads")]
struct ElementReference {
    id: Option<i64>,
    key: Option<String>,
}

/// Holds passwords, so its `Debug` shows only how many entries there are, and it is written only
/// to be sealed.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Configuration(pub Map<String, Value>);

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
    pub login: Login,
    /// The stored client that the log-in is made with.
    pub client: Option<Client>,
    /// Where its calls are written down, if the caller wants to see them.
    pub trace: Option<Trace>,
}

/// # Errors
/// 404 for an unknown element, else 400 naming every entry that is wrong or missing.
pub async fn prepare(
    app: &App,
    who: Who,
    element_of_path: Option<&str>,
    request: InstanceRequest,
) -> Result<Prepared> {
    let element = resolve(app, element_of_path, request.element.as_ref())?;
    let configuration = request.configuration.unwrap_or_default().0;
    let name = request.name.unwrap_or_default();
    refuse_placeholders(
        &name,
        request.tags.as_deref().unwrap_or_default(),
        &configuration,
    )?;
    refuse_unstorable(&configuration)?;

    let name = checked_name(&name)?;
    // Without the field an instance is found by its name; an empty list means none.
    let tags = match request.tags {
        Some(given) => checked_tags(&given, |tag| tag == name)?,
        None => vec![name.clone()],
    };
    let external_authentication =
        checked_external_authentication(request.external_authentication.as_deref())?;

    let brought = authorization::read(request.provider_data)?;
    let mut given = element.accept(&configuration).map_err(mistaken)?;
    brought.add_tokens(&element, &mut given);
    brought.add_entries(&element, &mut given)?;
    let proxy = request.oauth_proxy.as_ref();
    let client = client::for_new(app, who, &element, proxy, &mut given).await?;
    let completed = client::completed(client.as_ref(), &given);
    let group = element
        .group_meant(&completed, brought.is_from_browser())
        .map_err(|mistake| mistaken(vec![mistake]))?;
    let external = external_authentication == ExternalAuthentication::Initial;
    let login = brought.login(&element, group, &completed, external)?;
    refuse_missing_for(&element, group, &completed, &login)?;
    let client = client.filter(|_| clients::counts_for(&element, group));
    if let Some(client) = &client {
        client.add_to(&mut given);
    }
    let group = group.name.clone();
    Ok(Prepared {
        element,
        group,
        name,
        tags,
        given,
        external_authentication,
        login,
        client,
        trace: request.trace,
    })
}

/// What a `PUT` or `PATCH` asks for, as far as it can be judged without the instance. `None` and
/// absent entries: unchanged.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Change {
    /// `id` or `key` of the element that the caller takes the instance to be of.
    pub element: Option<String>,
    pub name: Option<String>,
    /// As sent: which ones may be long depends on those that are there.
    pub tags: Option<Vec<String>>,
    pub configuration: Configuration,
    pub external_authentication: Option<ExternalAuthentication>,
    #[serde(default)]
    pub brought: Brought,
    #[serde(default)]
    pub ask_again: bool,
    #[serde(default)]
    pub keep_account: bool,
    #[serde(default)]
    pub oauth_proxy: Option<ProxyReference>,
}

/// # Errors
/// 400 naming what is wrong.
pub fn change(request: InstanceRequest) -> Result<Change> {
    if matches!(
        request,
        InstanceRequest {
            element: None,
            name: None,
            configuration: None,
            tags: None,
            external_authentication: None,
            provider_data: None,
            ..
        }
    ) {
        return Err(Error::Invalid(
            "The request body names nothing that can be changed; send 'name', 'tags' or \
             'configuration'."
                .into(),
        ));
    }
    let configuration = request.configuration.unwrap_or_default();
    refuse_placeholders(
        request.name.as_deref().unwrap_or_default(),
        request.tags.as_deref().unwrap_or_default(),
        &configuration.0,
    )?;
    refuse_unstorable(&configuration.0)?;
    let external = request.external_authentication.as_deref();
    Ok(Change {
        element: named_element(request.element.as_ref())?,
        name: request.name.as_deref().map(checked_name).transpose()?,
        tags: request.tags,
        configuration,
        external_authentication: external
            .map(|text| checked_external_authentication(Some(text)))
            .transpose()?,
        brought: authorization::read(request.provider_data)?,
        ask_again: request.ask_again,
        keep_account: request.keep_account,
        oauth_proxy: request.oauth_proxy,
    })
}

impl Change {
    /// Brings what the vendor takes once, as far as can be told without the instance.
    pub fn brings_once(&self) -> bool {
        let refresh = self.configuration.0.contains_key(REFRESH_TOKEN);
        self.brought.is_from_browser() || refresh
    }

    /// One entry of the configuration and nothing else. Null empties it, as an empty text does.
    pub fn of_entry(key: &str, value: Value) -> Result<Self> {
        let value = match value {
            Value::Null => Value::from(""),
            value => value,
        };
        let configuration = Configuration(Map::from_iter([(key.to_owned(), value)]));
        refuse_placeholders("", &[], &configuration.0)?;
        refuse_unstorable(&configuration.0)?;
        Ok(Self {
            configuration,
            ..Self::default()
        })
    }
}

pub fn checked_name(given: &str) -> Result<String> {
    let too_long = || Error::Invalid(format!("'name' is longer than {NAME_LIMIT} bytes."));
    if given.len() > RAW_LIMIT {
        return Err(too_long());
    }
    let name = text::plain(given);
    if name.is_empty() {
        return Err(Error::Invalid(
            "Missing required field: 'name'. Give the instance a name.".into(),
        ));
    }
    if name.len() > NAME_LIMIT {
        return Err(too_long());
    }
    Ok(name)
}

/// Name and tags of an instance that is to be made later.
pub fn check_labels(name: Option<&str>, tags: Option<&[String]>) -> Result<()> {
    let tags = tags.unwrap_or_default();
    refuse_placeholders(name.unwrap_or_default(), tags, &Map::new())?;
    name.map(checked_name).transpose()?;
    checked_tags(tags, |_| false).map(drop)
}

/// `may_be_long`: a tag that stands for a name may be as long as a name.
pub fn checked_tags(given: &[String], may_be_long: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    if given.len() > TAGS_LIMIT {
        return Err(Error::Invalid(format!(
            "'tags' has more than {TAGS_LIMIT} entries."
        )));
    }
    let too_long = || {
        Error::Invalid(format!(
            "An entry of 'tags' is longer than {TAG_LIMIT} bytes."
        ))
    };
    if given.iter().any(|tag| tag.len() > RAW_LIMIT) {
        return Err(too_long());
    }
    let tags = text::tags(given);
    let is_too_long = |tag: &String| tag.len() > TAG_LIMIT && !may_be_long(tag);
    if tags.iter().any(is_too_long) {
        return Err(too_long());
    }
    Ok(tags)
}

pub fn checked_external_authentication(given: Option<&str>) -> Result<ExternalAuthentication> {
    match given {
        None | Some("none") => Ok(ExternalAuthentication::None),
        Some("initial") => Ok(ExternalAuthentication::Initial),
        Some(_) => Err(Error::Invalid(
            "'externalAuthentication' must be \"none\" or \"initial\".".into(),
        )),
    }
}

/// The caller's mistakes in the configuration, all of them in one sentence.
pub fn mistaken(mistakes: Vec<ConfigurationMistake>) -> Error {
    let told: Vec<String> = mistakes
        .iter()
        .map(|mistake| format!("configuration '{}': {}", mistake.key, mistake.message))
        .collect();
    Error::Invalid(told.join("; "))
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
    match named_element(reference)? {
        Some(named) => app.element(&named).cloned(),
        None => Err(Error::Invalid(
            "Missing required field: 'element.key'. Name the element, as in \
             {\"element\":{\"key\":\"…\"}}; GET /elements/keys lists them."
                .into(),
        )),
    }
}

/// The `id` of an `element` member, else its `key`.
fn named_element(reference: Option<&Map<String, Value>>) -> Result<Option<String>> {
    let given = |name: &str| {
        reference
            .and_then(|reference| reference.get(name))
            .filter(|value| !value.is_null() && value.as_str() != Some(""))
    };
    match (given("id"), given("key")) {
        (Some(Value::Number(id)), _) => Ok(Some(id.to_string())),
        (Some(Value::String(id)), _) => Ok(Some(id.clone())),
        (Some(_), _) => Err(Error::Invalid("'element.id' must be a number.".into())),
        (None, Some(Value::String(key))) => Ok(Some(key.clone())),
        (None, Some(_)) => Err(Error::Invalid("'element.key' must be a string.".into())),
        (None, None) => Ok(None),
    }
}

/// Looks before sanitising, which would take the brackets for markup and drop them.
pub fn refuse_placeholders(
    name: &str,
    tags: &[String],
    configuration: &Map<String, Value>,
) -> Result<()> {
    let mut found = Vec::new();
    let mut look = |place: &str, text: &str| {
        let placeholders = text::placeholders(text).into_iter();
        found.extend(placeholders.map(|placeholder| format!("{place}: {placeholder}")));
    };
    look("name", name);
    for tag in tags {
        look("tags", tag);
    }
    for (key, value) in configuration {
        let place = format!("configuration '{}'", crate::app::shortened(key));
        match value {
            Value::String(text) => look(&place, text),
            Value::Array(_) | Value::Object(_) => look(&place, &value.to_string()),
            _ => {}
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

/// What no database text can hold, and what nobody means to send.
pub fn refuse_unstorable(configuration: &Map<String, Value>) -> Result<()> {
    let mut total = 0;
    let mut longest = (0, "");
    for (key, value) in configuration {
        let length = match value {
            Value::String(text) if text.contains('\0') => {
                return Err(Error::Invalid(format!(
                    "configuration '{key}' holds a NUL character; remove it."
                )));
            }
            Value::String(text) => text.len(),
            other => other.to_string().len(),
        };
        total += key.len() + length;
        longest = longest.max((length, key));
    }
    if total > CONFIGURATION_LIMIT {
        return Err(Error::Invalid(format!(
            "'configuration' is larger than {CONFIGURATION_LIMIT} bytes; its longest entry is '{}'.",
            crate::app::shortened(longest.1)
        )));
    }
    Ok(())
}
