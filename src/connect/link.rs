//! What an application asks for, and what it is told afterwards.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{CONTENTS, Contents, origin, sealed};
use crate::app::App;
use crate::error::{Error, Result};
use crate::ids::{InstanceId, Secret, SecretKind};
use crate::provisioning::{self, Who};
use crate::store::NewConnectLink;

const LASTS: u64 = 600;
const LONGEST: u64 = 3600;
/// Elements that one link names at most, and bytes of its parts.
const ELEMENTS_LIMIT: usize = 200;
const STATE_LIMIT: usize = 1024;
const CONFIGURATION_LIMIT: usize = 65_536;

/// Body of `POST /connect/links`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LinkRequest {
    pub element: Option<Value>,
    pub elements: Option<Vec<String>>,
    pub instance_id: Option<InstanceId>,
    pub name: Option<String>,
    pub tags: Option<Vec<String>>,
    pub configuration: Option<Map<String, Value>>,
    pub return_url: Option<String>,
    pub state: Option<String>,
    pub expires_in: Option<u64>,
}

/// Holds an application's secrets.
impl std::fmt::Debug for LinkRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkRequest")
            .field("elements", &self.elements)
            .field("instance_id", &self.instance_id)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub struct Made {
    pub id: i64,
    /// Path and token, from the root of the server.
    pub path: Secret,
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nobody has come to an end with it yet.
    Pending,
    Connected,
    /// The last attempt failed; there may be another one while the link lasts.
    Failed,
    Expired,
}

#[derive(Debug)]
pub struct Outcome {
    pub id: i64,
    pub state: State,
    pub instance: Option<InstanceId>,
    /// Why the last attempt failed.
    pub message: Option<String>,
    pub expires_at: Timestamp,
}

/// # Errors
/// 400 naming the member that is wrong; 404 for an element or instance that is not there.
pub async fn make(app: &App, who: Who, request: LinkRequest) -> Result<Made> {
    let lasts = request.expires_in.unwrap_or(LASTS);
    if !(1..=LONGEST).contains(&lasts) {
        return Err(Error::Invalid(format!(
            "'expiresIn' must be a number of seconds from 1 to {LONGEST}."
        )));
    }
    let mut elements = named_elements(app, &request)?;
    if let Some(id) = request.instance_id {
        let key = provisioning::stored(app, who, id).await?.element;
        if !elements.is_empty() && elements != [key.clone()] {
            return Err(Error::Invalid(format!(
                "'element' names another element than the instance's, '{key}'; leave it out."
            )));
        }
        elements = vec![key];
    }
    let configuration = request.configuration.unwrap_or_default();
    check_configuration(app, &elements, &configuration)?;
    provisioning::check_labels(request.name.as_deref(), request.tags.as_deref())?;
    if let Some(state) = &request.state
        && (state.len() > STATE_LIMIT || state.contains(char::is_control))
    {
        return Err(Error::Invalid(format!(
            "'state' must be a text of at most {STATE_LIMIT} bytes without control characters."
        )));
    }
    if let Some(url) = &request.return_url {
        let settings = app.store().org(who.organization).connect_settings().await?;
        origin::check_return_url(url, &settings.return_origins)?;
    }

    let contents = Contents {
        configuration,
        name: request.name,
        tags: request.tags,
        return_url: request.return_url,
        state: request.state,
        browser: None,
    };
    let row_id = Uuid::new_v4();
    let token = app.vault().new_session_token();
    let contents_sealed = sealed(app, who.organization, row_id, CONTENTS, &contents).await?;
    let organization = app.store().org(who.organization);
    let (id, expires_at) = organization
        .add_connect_link(&NewConnectLink {
            row_id,
            user: who.user,
            token: &app.vault().fingerprint(SecretKind::ConnectLink, &token),
            elements: &elements,
            instance: request.instance_id,
            contents_sealed: &contents_sealed,
            lasts: Duration::from_secs(lasts),
        })
        .await?;
    tracing::info!(org.id = %who.organization, link.id = id, "connect link made");
    Ok(Made {
        id,
        path: Secret::new(format!("/connect/{}", token.reveal())),
        expires_at,
    })
}

/// # Errors
/// 404 for a link that is not there, or of an account that the caller may not see.
pub async fn outcome(app: &App, who: Who, id: i64) -> Result<Outcome> {
    let organization = app.store().org(who.organization);
    let found = organization.connect_link(id).await?;
    let link = found
        .filter(|link| who.admin || link.user.account == who.account)
        .ok_or_else(|| Error::NotFound(format!("No connect link found with ID {id}")))?;
    let state = match (link.connected, &link.failure) {
        (Some(_), _) => State::Connected,
        (None, Some(_)) => State::Failed,
        (None, None) if link.expired => State::Expired,
        (None, None) => State::Pending,
    };
    Ok(Outcome {
        id: link.id,
        state,
        instance: link.connected,
        message: link.failure.filter(|_| state == State::Failed),
        expires_at: link.expires_at,
    })
}

/// Keys of those named by `element` and `elements`, each by key or id.
fn named_elements(app: &App, request: &LinkRequest) -> Result<Vec<String>> {
    let mut named: Vec<String> = request.elements.clone().unwrap_or_default();
    let single = match &request.element {
        None | Some(Value::Null) => None,
        Some(Value::Object(members)) => members.get("key").or_else(|| members.get("id")),
        Some(other) => Some(other),
    };
    match (&request.element, single) {
        (_, Some(Value::String(key))) => named.push(key.clone()),
        (_, Some(Value::Number(id))) => named.push(id.to_string()),
        (None | Some(Value::Null), None) => {}
        _ => {
            return Err(Error::Invalid(
                "'element' must be a key, as in \"element\":\"…\"; GET /elements/keys lists them."
                    .into(),
            ));
        }
    }
    if named.len() > ELEMENTS_LIMIT {
        return Err(Error::Invalid(format!(
            "'elements' has more than {ELEMENTS_LIMIT} entries; leave it out for all of them."
        )));
    }
    let mut keys = Vec::new();
    for name in &named {
        let key = &app.element(name)?.key;
        if !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    Ok(keys)
}

fn check_configuration(app: &App, elements: &[String], given: &Map<String, Value>) -> Result<()> {
    let mut size = 0;
    for (key, value) in given {
        size += key.len() + value.as_str().map_or(16, str::len);
        if value.is_array() || value.is_object() {
            return Err(Error::Invalid(format!(
                "configuration '{}' must be a text, a number or a boolean.",
                crate::app::shortened(key)
            )));
        }
    }
    if size > CONFIGURATION_LIMIT {
        return Err(Error::Invalid(format!(
            "'configuration' is larger than {CONFIGURATION_LIMIT} bytes."
        )));
    }
    let elements = elements.iter().map(|key| app.element(key));
    let elements = elements.collect::<Result<Vec<_>>>()?;
    // The person could not mend a key that is spelled wrong; without an element any may count.
    let unknown = given
        .keys()
        .find(|key| !elements.is_empty() && !elements.iter().any(|element| element.knows(key)));
    if let Some(key) = unknown {
        return Err(Error::Invalid(format!(
            "configuration '{}' is an entry of none of the link's elements; \
             GET /elements/{{key}}/configuration lists theirs.",
            crate::app::shortened(key)
        )));
    }
    for element in elements {
        let values = element.accept(given).map_err(provisioning::mistaken)?;
        element
            .group_for(&values)
            .map_err(|mistake| provisioning::mistaken(vec![mistake]))?;
    }
    Ok(())
}
