//! Between a row and what answers show of it.

use std::sync::Arc;

use bunsen_engine::configuration::{CLIENT_REFERENCE, MASK, Value, Values};
use jiff::Timestamp;

use crate::app::App;
use crate::error::Result;
use crate::ids::{ElementId, InstanceId, OrganizationId, Secret};
use crate::store;
use crate::tenancy;
use crate::vault::OrganizationKeys;

pub(super) use crate::credentials::{CREDENTIALS, Parts, TOKEN, place, stored_values};

/// An instance as answers show it: secrets masked, defaults filled in.
#[derive(Debug)]
pub struct InstanceView {
    pub id: InstanceId,
    pub name: String,
    pub created_at: Timestamp,
    pub token: Secret,
    pub element: Arc<serde_json::Value>,
    pub element_id: ElementId,
    pub tags: Vec<String>,
    pub valid: bool,
    /// Why not, and since when.
    pub invalid_reason: Option<String>,
    pub invalid_since: Option<Timestamp>,
    /// Of one that is valid: why the vendor does not take the application that renews it.
    pub renewal_problem: Option<String>,
    /// When the vendor session was renewed last, and when it is the next time.
    pub last_renewal: Option<Timestamp>,
    pub next_renewal: Option<Timestamp>,
    pub disabled: bool,
    /// `None` where nobody asked for it.
    pub configuration: Option<serde_json::Map<String, serde_json::Value>>,
    pub external_authentication: store::ExternalAuthentication,
    pub owner: store::InstanceOwner,
    /// `None` where nobody asked for them.
    pub objects: Option<Vec<serde_json::Value>>,
}

impl InstanceView {
    /// With the objects that the definition declares; there is no other source of them yet.
    pub(super) fn with_objects(mut self, app: &App) -> Self {
        let element = app.catalog().get(&self.element_id.to_string());
        self.objects = Some(
            element
                .map(|element| element.listed_objects())
                .unwrap_or_default(),
        );
        self
    }

    /// Bytes that callers decide on.
    pub(super) fn rough_size(&self) -> usize {
        let configuration = self.configuration.iter().flatten();
        let values =
            configuration.map(|(key, value)| key.len() + value.as_str().map_or(4, str::len));
        let tags = self.tags.iter().map(String::len);
        self.name.len() + values.sum::<usize>() + tags.sum::<usize>()
    }
}

/// # Errors
/// Internal, when a sealed value does not open.
pub(super) fn view(
    app: &App,
    organization: OrganizationId,
    keys: &OrganizationKeys,
    row: store::Instance,
) -> Result<InstanceView> {
    let values = stored_values(organization, keys, &row)?;
    // A group that was taken out of the catalogue keeps its instances readable, as an element does.
    let known = app.catalog().get(&row.element_key);
    let known = known.and_then(|element| Some((element, element.group(&row.credential_group)?)));
    let configuration = match known {
        Some((element, group)) => element.shown(group, &values),
        None => masked(&values),
    };
    let mut view = abridged(app, organization, keys, row)?;
    view.configuration = Some(configuration);
    Ok(view)
}

/// The same without the configuration, which stays sealed.
pub(super) fn abridged(
    app: &App,
    organization: OrganizationId,
    keys: &OrganizationKeys,
    row: store::Instance,
) -> Result<InstanceView> {
    let token = tenancy::open_text(
        keys,
        &place(organization, row.row_id, TOKEN),
        &row.token_sealed,
    )?;
    // An element that was taken out of the catalogue keeps its instances readable.
    let (element, element_id) = match app.catalog().get(&row.element_key) {
        Some(element) => (Arc::clone(element.instance_json()), element.id),
        None => (
            Arc::new(serde_json::json!({"key": row.element_key, "active": false, "deleted": true})),
            ElementId(0),
        ),
    };
    Ok(InstanceView {
        id: row.id,
        name: row.name,
        created_at: row.created_at,
        token,
        element,
        element_id,
        tags: row.tags,
        valid: row.valid,
        invalid_reason: row.invalid_reason.clone().filter(|_| !row.valid),
        renewal_problem: row.invalid_reason.filter(|_| row.valid),
        invalid_since: row.invalid_since,
        last_renewal: row.renewed_at,
        // What is due already is renewed next, and not in the past.
        next_renewal: row.renewal_due_at.map(|due| due.max(Timestamp::now())),
        disabled: row.disabled,
        configuration: None,
        external_authentication: row.external_authentication,
        owner: row.owner,
        objects: None,
    })
}

/// Without a definition nothing but what was sealed is known to be secret.
fn masked(values: &Values) -> serde_json::Map<String, serde_json::Value> {
    values
        .iter()
        .filter(|(key, _)| *key != CLIENT_REFERENCE)
        .map(|(key, value)| {
            let shown = match value {
                Value::Clear(text) => text.clone(),
                Value::Secret(_) => MASK.to_owned(),
            };
            (key.clone(), shown.into())
        })
        .collect()
}
