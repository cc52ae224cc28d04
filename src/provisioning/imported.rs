//! Instances that another server made: judged as a create is, save that credentials may be missing.
//! The vendor is asked only where that is wanted.

use std::collections::BTreeMap;
use std::sync::Arc;

use bunsen_engine::configuration::{MASK, Value as Entry, Values};
use bunsen_engine::element::oauth::has_token;
use bunsen_engine::element::{Catalog, Element, Login, Start};
use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::group_of;
use super::request::{
    checked_external_authentication, checked_name, checked_tags, mistaken, refuse_placeholders,
    refuse_unstorable,
};
use super::view::TOKEN;
use crate::credentials::{CREDENTIALS, Parts, grants_of, place, renewal_due_at};
use crate::error::{Error, Result};
use crate::exchange::{self, Calls, Session};
use crate::hooks::Runner;
use crate::ids::{OrganizationId, Secret};
use crate::outbound::Outbound;
use crate::store::{self, ExternalAuthentication, Mode};
use crate::vault::OrganizationKeys;

/// How the stored reason begins.
const RECONNECT: &str = "needs reconnect";

/// What was written of it, as far as it has a type.
#[derive(Debug, Default)]
pub struct Written {
    pub name: String,
    pub tags: Option<Vec<String>>,
    pub configuration: Map<String, Value>,
    pub external_authentication: Option<String>,
}

/// Fit to be stored.
#[derive(Debug, Clone)]
pub struct Imported {
    pub element: Arc<Element>,
    /// Name of the chosen group of credentials.
    pub group: String,
    pub name: String,
    pub tags: Vec<String>,
    pub external_authentication: ExternalAuthentication,
    values: Values,
    /// Why it cannot be used before somebody gives new credentials.
    pub invalid: Option<String>,
}

/// What of an instance goes into its row.
#[derive(Debug)]
pub struct Sealed {
    pub configuration: BTreeMap<String, String>,
    pub credentials: Vec<u8>,
    pub token: Vec<u8>,
}

/// An active element by key or id.
pub fn element<'c>(catalog: &'c Catalog, key_or_id: &str) -> Result<&'c Arc<Element>, String> {
    let active = |key: &str| catalog.get(key).filter(|element| element.active);
    active(key_or_id).ok_or_else(|| {
        let near = (key_or_id.len() <= 80).then(|| catalog.nearest(key_or_id));
        let near = near.flatten().filter(|near| active(near).is_some());
        let hint = near.map_or_else(String::new, |near| format!("; did you mean '{near}'?"));
        let named = crate::app::shortened(key_or_id);
        format!("there is no element '{named}'{hint}")
    })
}

/// # Errors
/// Every mistake, with the member it is about.
pub fn check(
    element: &Arc<Element>,
    mode: Option<Mode>,
    written: &Written,
) -> Result<Imported, Vec<(&'static str, Error)>> {
    let mut mistakes = Vec::new();
    let configuration = &written.configuration;
    let mut noted = |member: &'static str, outcome: Result<()>| {
        if let Err(error) = outcome {
            mistakes.push((member, error));
        }
    };
    let tags = written.tags.as_deref().unwrap_or_default();
    noted("name", refuse_placeholders(&written.name, &[], &Map::new()));
    noted("tags", refuse_placeholders("", tags, &Map::new()));
    noted("configuration", refuse_placeholders("", &[], configuration));
    noted("configuration", refuse_unstorable(configuration));
    let mut name = String::new();
    noted(
        "name",
        checked_name(&written.name).map(|checked| name = checked),
    );
    let tags = match &written.tags {
        Some(given) => checked_tags(given, |tag| tag == name),
        None => Ok(vec![name.clone()]),
    };
    let external = checked_external_authentication(written.external_authentication.as_deref());
    let values = element.accept(configuration).map_err(mistaken);
    let group = match &values {
        Ok(values) => meant_group(element, values, configuration),
        Err(_) => Ok(String::new()),
    };
    match (tags, external, values, group) {
        (Ok(tags), Ok(external_authentication), Ok(values), Ok(group)) if mistakes.is_empty() => {
            let mut imported = Imported {
                element: element.clone(),
                group,
                name,
                tags,
                external_authentication,
                values,
                invalid: None,
            };
            imported.invalid = imported.lacks(mode, configuration);
            Ok(imported)
        }
        (tags, external, values, group) => {
            mistakes.extend(tags.err().map(|error| ("tags", error)));
            let external = external.err();
            mistakes.extend(external.map(|error| ("externalAuthentication", error)));
            mistakes.extend(values.err().map(|error| ("configuration", error)));
            mistakes.extend(group.err().map(|error| ("configuration", error)));
            Err(mistakes)
        }
    }
}

/// A masked entry says which credentials there were, so it counts for the choice.
fn meant_group(
    element: &Element,
    values: &Values,
    configuration: &Map<String, Value>,
) -> Result<String> {
    let mut seen = values.clone();
    for key in masked(configuration).filter(|key| element.entry(key).is_some()) {
        seen.insert(key.clone(), Entry::Secret(Secret::new(MASK)));
    }
    let group = element.group_for(&seen);
    let group = group.map_err(|mistake| mistaken(vec![mistake]))?;
    Ok(group.name.clone())
}

fn masked(configuration: &Map<String, Value>) -> impl Iterator<Item = &String> {
    let masked = configuration
        .iter()
        .filter(|(_, value)| value.as_str() == Some(MASK));
    masked.map(|(key, _)| key)
}

impl Imported {
    /// Which credentials are not there, or that the vendor takes none of this kind any more.
    fn lacks(&self, mode: Option<Mode>, configuration: &Map<String, Value>) -> Option<String> {
        let group = self.element.group(&self.group)?;
        let mut missing: Vec<&str> = self.element.missing(group, &self.values);
        let returned: Vec<&str> = self.element.returned_keys(group).collect();
        // What the vendor returned at a log-in it returns again.
        let hidden = masked(configuration).map(String::as_str).filter(|key| {
            let counts = self
                .element
                .entries_of(group)
                .any(|entry| entry.key == *key);
            counts && !returned.contains(key) && !self.values.contains_key(*key)
        });
        for key in hidden {
            if !missing.contains(&key) {
                missing.push(key);
            }
        }
        if !missing.is_empty() {
            let missing = missing.join(", ");
            return Some(format!("{RECONNECT}: the import did not hold {missing}"));
        }
        // Only a person's browser gets these.
        if group.needs_person() && !has_token(&self.values) {
            return Some(format!(
                "{RECONNECT}: the import did not hold the vendor's tokens"
            ));
        }
        match self.element.retirement(group) {
            Some(told) if mode != Some(Mode::Sandbox) => Some(format!("{RECONNECT}: {told}")),
            _ => None,
        }
    }

    /// Asks the vendor; what it returns is stored with the rest. A refusal makes the instance
    /// invalid and keeps it, since its token is what an application needs.
    ///
    /// # Errors
    /// The vendor could not be asked.
    pub async fn verify(
        &mut self,
        outbound: &Outbound,
        runner: Runner<'_>,
        org: store::OrgStore<'_>,
    ) -> Result<()> {
        if self.invalid.is_some() {
            return Ok(());
        }
        let group = group_of(&self.element, &self.group)?;
        let grants = grants_of(org, &self.element).await?;
        let session = Session {
            outbound,
            element: &self.element,
            group,
            grants: &grants,
            runner: Some(runner),
        };
        // A token is only tried: nothing that is good for once is spent.
        let login = Login {
            start: match group.needs_person() {
                true => Start::Token,
                false => Start::LogIn,
            },
            ..Login::default()
        };
        let generated = exchange::generated(&self.element, group, &self.values);
        let calls = Calls::logging_in(&session, &login, &self.values, generated);
        match calls.finish().await {
            Ok(returned) => self.values.extend(returned),
            Err(Error::Invalid(told)) => self.invalid = Some(format!("{RECONNECT}: {told}")),
            Err(Error::Vendor(failure)) if (400..429).contains(&failure.status) => {
                self.invalid = Some(format!("{RECONNECT}: {}", failure.message));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// As for an instance that is created.
    pub fn renewal_due_at(&self) -> Option<Timestamp> {
        let group = self.element.group(&self.group)?;
        renewal_due_at(&self.element, group, &self.values)
    }

    pub fn seal(
        &self,
        keys: &OrganizationKeys,
        organization: OrganizationId,
        row: Uuid,
        token: &Secret,
    ) -> Result<Sealed> {
        let parts = Parts::of(&self.values);
        let secret: Zeroizing<Vec<u8>> = parts.secret_json()?;
        Ok(Sealed {
            credentials: keys.seal(&place(organization, row, CREDENTIALS), &secret),
            token: keys.seal(&place(organization, row, TOKEN), token.reveal().as_bytes()),
            configuration: parts.clear,
        })
    }
}
