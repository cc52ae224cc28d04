//! The entries of an instance's configuration, one by one. They carry the ids of the definition's
//! own entries, so that an id means the same on every instance and for as long as there is one.

use bunsen_engine::element::Entry;
use serde_json::Value;

use crate::app::App;
use crate::error::{Error, Result};
use crate::ids::{EntryId, InstanceId};
use crate::provisioning::request::Change;
use crate::provisioning::view::{InstanceView, view};
use crate::provisioning::{Who, group_of, update, visible};
use crate::tenancy;

/// An entry with its value as answers show it.
#[derive(Debug, Clone)]
pub struct Setting {
    pub id: EntryId,
    pub key: String,
    pub name: String,
    pub description: String,
    /// A text, masked when it is a secret, or null.
    pub value: Value,
    pub kind: String,
    pub required: bool,
    pub active: bool,
    pub hide_from_console: bool,
}

/// Those that count with the instance's credentials, in the order in which forms show them.
pub async fn settings(app: &App, who: Who, id: InstanceId) -> Result<Vec<Setting>> {
    let row = visible(app, who, id, None).await?;
    let Some(element) = app.catalog().get(&row.element_key) else {
        return Ok(Vec::new());
    };
    let group = group_of(element, &row.credential_group)?;
    let mut entries: Vec<&Entry> = element.entries_of(group).collect();
    entries.sort_by_key(|entry| entry.display_order);
    let keys = tenancy::keys(app, who.organization).await?;
    let view = view(app, who.organization, &keys, row)?;
    Ok(entries
        .into_iter()
        .map(|entry| Setting {
            id: entry.id,
            key: entry.key.clone(),
            name: entry.name.clone(),
            description: entry.description.clone().unwrap_or_default(),
            value: value_of(&entry.key, &view),
            kind: entry.kind.clone(),
            required: entry.required,
            active: entry.active,
            hide_from_console: entry.hide_from_console,
        })
        .collect())
}

fn value_of(key: &str, view: &InstanceView) -> Value {
    let shown = view.configuration.as_ref();
    shown
        .and_then(|configuration| configuration.get(key))
        .cloned()
        .unwrap_or_default()
}

/// # Errors
/// 404 when the instance or its entry is not there.
pub async fn setting(app: &App, who: Who, id: InstanceId, entry: EntryId) -> Result<Setting> {
    settings(app, who, id)
        .await?
        .into_iter()
        .find(|setting| setting.id == entry)
        .ok_or_else(|| no_such_setting(entry))
}

/// Gives one entry another value, by the rules of every change: null and an empty text empty it,
/// which a required one refuses.
pub async fn update_setting(
    app: &App,
    who: Who,
    id: InstanceId,
    entry: EntryId,
    value: Value,
) -> Result<Setting> {
    let before = setting(app, who, id, entry).await?;
    let change = Change::of_entry(&before.key, value)?;
    let changed = update::apply(app, who, id, None, change, None).await?;
    Ok(Setting {
        value: value_of(&before.key, &changed),
        ..before
    })
}

pub fn no_such_setting(id: impl std::fmt::Display) -> Error {
    Error::NotFound(format!("No configuration found with ID {id}"))
}
