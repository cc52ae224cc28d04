//! Entries of the platform that every element has, whether or not its definition lists them.
//!
//! They are added before a definition is checked, so that each of them has an id, is listed with
//! an instance's configuration and can be changed there. What a definition lists itself stands.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::configuration::AUTHENTICATION_TYPE;

/// An entry of the platform.
struct PlatformEntry {
    key: &'static str,
    name: &'static str,
    description: &'static str,
    kind: &'static str,
    default: Option<&'static str>,
    hidden: bool,
}

macro_rules! entries {
    ($($key:literal $kind:ident $name:literal $description:literal $(= $default:literal)? $($hidden:ident)?;)*) => {
        &[$(PlatformEntry {
            key: $key,
            name: $name,
            description: $description,
            kind: stringify!($kind),
            default: entries!(@default $($default)?),
            hidden: entries!(@hidden $($hidden)?),
        }),*]
    };
    (@default) => { None };
    (@default $default:literal) => { Some($default) };
    (@hidden) => { false };
    (@hidden hidden) => { true };
}

/// New ones come last: an entry's place here decides its id.
const ENTRIES: &[PlatformEntry] = entries! {
    "filter.response.nulls" BOOLEAN "Filter null values from the response" "Leave null fields out of responses." = "true" hidden;
    "event.notification.enabled" BOOLEAN "Enable event notifications" "Receive events for this instance." = "false";
    "event.vendor.type" TEXTFIELD_32 "Vendor event type" "How events come in: polling or webhook." hidden;
    "event.notification.type" TEXTFIELD_32 "Event notification type" "How events go out." hidden;
    "event.notification.callback.url" TEXTFIELD_1000 "Event notification callback URL" "Where events are sent.";
    "event.notification.signature.key" PASSWORD "Callback notification signature key" "Key that notifications are signed with.";
    "event.notification.callback.headers" PASSWORD "Callback headers" "Further headers of notifications, as a JSON object." hidden;
    "event.notification.basic.username" TEXTFIELD_128 "Callback user name" "User name for notifications, HTTP Basic." hidden;
    "event.notification.basic.password" PASSWORD "Callback password" "Password for notifications, HTTP Basic." hidden;
    "event.notification.subscription.id" TEXTFIELD_128 "Webhook id" "Id of the webhook at the vendor." hidden;
    "event.notification.instance.finder" TEXTFIELD_1000 "Instance finder" "How a vendor's webhook finds its instance." hidden;
    "event.poller.refresh_interval" TEXTFIELD_32 "Event poller refresh interval (mins)" "Minutes between two polls.";
    "event.poller.configuration" TEXTAREA "Event poller configuration" "What is polled and how, as JSON." hidden;
    "event.poller.urls" TEXTAREA "Event poller URLs" "What is polled, in the older form of one line per resource." hidden;
    "event.metadata" TEXTAREA "Event metadata" "Which objects support events, as JSON." hidden;
    "event.objects" TEXTFIELD_1000 "Objects to monitor for changes" "Comma separated names out of the event metadata.";
    "event.helper.key" TEXTFIELD_128 "Event helper" "Helper for events." hidden;
    "pagination" TEXTAREA "Paging" "Type, size and first page in one, as JSON." hidden;
    "pagination.max" TEXTFIELD_32 "Page size" "Records that one call to the vendor asks for at most." hidden;
    "pagination.offset" BOOLEAN "Paging by record" "Whether the vendor counts records instead of pages." hidden;
    "pagination.type" TEXTFIELD_32 "Paging type" "page, offset or cursor." hidden;
    "pagination.page.startindex" TEXTFIELD_32 "First page" "Number of the vendor's first page." hidden;
    "bulk.query.field_name" TEXTFIELD_128 "Bulk query field" "Field that bulk queries compare with a date." hidden;
    "bulk.query.operator" TEXTFIELD_32 "Bulk query operator" "Operator of that comparison." hidden;
    "bulk.query.date_mask" TEXTFIELD_128 "Bulk query date mask" "Date pattern of that comparison." hidden;
    "bulk.query.download_format" TEXTFIELD_128 "Bulk download format" "Format of bulk downloads." hidden;
    "bulk.attribute.created_time" TEXTFIELD_128 "Bulk created time" "Field that holds the time of creation." hidden;
    "bulk.attribute.modified_time" TEXTFIELD_128 "Bulk modified time" "Field that holds the time of the last change." hidden;
    "bulk.relations" TEXTAREA "Bulk relations" "Child records to fetch with bulk downloads, as JSON." hidden;
    "bulk.add_metadata" BOOLEAN "Bulk metadata" "Add metadata to bulk downloads." hidden;
    "allow.select.fields" BOOLEAN "Allow to select fields" "Whether a call may name the fields that it wants." hidden;
    "default.select.fields.map" TEXTAREA "Fields by default" "Fields that are fetched when a call names none, per object, as JSON." hidden;
    "instance.variables" TEXTAREA "Instance variables" "Values of your own for scripts, as JSON." hidden;
    "authentication.time" TEXTFIELD_32 "Authentication time" "When the instance was authenticated." hidden;
    "expires_in" TEXTFIELD_32 "Expires in" "Seconds that a token lives." hidden;
    "authentication.type" COMBO "Authentication type" "How to log in." hidden;
    "vendor.account.id" TEXTFIELD_1000 "Account at the vendor" "Whose account it is, in the vendor's terms, as its log-in said." hidden;
    "vendor.account.name" TEXTFIELD_1000 "Name of the account at the vendor" "What people call that account." hidden;
};

/// The first id after those that parts of element N get: N × 1000 + 900.
const RANGE: i64 = 1000;
const FIRST: i64 = 901;

/// Whether `key` is one of the platform's own; `base.url` is, and every definition has it.
pub(crate) fn has_key(key: &str) -> bool {
    key == "base.url" || ENTRIES.iter().any(|common| common.key == key)
}

/// The entries that this definition does not list, with ids that only an entry of its own with
/// that very id would move.
pub(super) fn missing_entries(original: &Map<String, Value>) -> Vec<Value> {
    let listed = original.get("configuration").and_then(Value::as_array);
    let listed = || listed.into_iter().flatten();
    let keys: BTreeSet<&str> = listed()
        .filter_map(|entry| entry.get("key")?.as_str())
        .collect();
    let mut taken: BTreeSet<i64> = listed()
        .filter_map(|entry| entry.get("id")?.as_i64())
        .collect();
    let element = original.get("id").and_then(Value::as_i64);
    let first = element.unwrap_or_default().saturating_mul(RANGE);
    let mut missing = Vec::new();
    for (position, common) in (FIRST..).zip(ENTRIES) {
        if keys.contains(common.key) {
            continue;
        }
        let mut id = first.saturating_add(position);
        while !taken.insert(id) {
            id = id.wrapping_add(100);
        }
        missing.extend(entry(common, id, original));
    }
    missing
}

fn entry(common: &PlatformEntry, id: i64, original: &Map<String, Value>) -> Option<Value> {
    let mut entry = Map::from_iter(
        [
            ("id", json!(id)),
            ("name", json!(common.name)),
            ("key", json!(common.key)),
            ("description", json!(common.description)),
            ("type", json!(common.kind)),
            ("required", json!(false)),
            ("hideFromConsole", json!(common.hidden)),
            ("active", json!(true)),
        ]
        .map(|(member, value)| (member.to_owned(), value)),
    );
    let mut default = common.default.map(str::to_owned);
    if common.key == AUTHENTICATION_TYPE {
        let (only, title) = only_group(original)?;
        entry.insert("groupControl".into(), json!(true));
        let option = json!({"value": only, "description": title});
        entry.insert("options".into(), json!([option]));
        default = Some(only);
    }
    if let Some(default) = default {
        entry.insert("defaultValue".into(), json!(default));
    }
    Some(Value::Object(entry))
}

/// Name and title of the one way to log in; several need an entry that the definition lists.
fn only_group(original: &Map<String, Value>) -> Option<(String, String)> {
    let text = |value: Option<&Value>| value?.as_str().map(str::to_owned);
    let words = original.get("bunsen").and_then(|words| words.get("groups"));
    match words.and_then(Value::as_array).map(Vec::as_slice) {
        None | Some([]) => {
            let kind = original
                .get("authentication")
                .and_then(|words| words.get("type"));
            let kind = text(kind).unwrap_or_else(|| "custom".to_owned());
            Some((kind.clone(), kind))
        }
        Some([group]) => {
            let name = text(group.get("name"))?;
            let title = text(group.get("title")).unwrap_or_else(|| name.clone());
            Some((name, title))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::tests::sample;

    fn entries(definition: &Value) -> Vec<(String, i64)> {
        let missing = missing_entries(definition.as_object().expect("an object"));
        let named =
            |entry: &Value| Some((entry["key"].as_str()?.to_owned(), entry["id"].as_i64()?));
        missing.iter().filter_map(named).collect()
    }

    #[test]
    fn what_is_listed_stays_and_moves_no_other_id() {
        let before = entries(&sample());
        assert!(before.contains(&("filter.response.nulls".into(), 501_901)));
        assert!(
            !before
                .iter()
                .any(|(key, _)| key == "base.url" || key == "authentication.type")
        );
        let mut listing = sample();
        let own = listing["configuration"].as_array_mut().expect("entries");
        own.push(json!({"id": 501_902, "key": "filter.response.nulls", "type": "BOOLEAN"}));
        let after = entries(&listing);
        let moved: Vec<_> = after
            .iter()
            .filter(|entry| !before.contains(entry))
            .collect();
        assert_eq!(moved, [&("event.notification.enabled".to_owned(), 502_002)]);
        assert_eq!(after.len() + 1, before.len());
    }

    #[test]
    fn the_one_way_to_log_in_is_named() {
        let mut one = sample();
        one["configuration"]
            .as_array_mut()
            .expect("entries")
            .remove(6);
        one["bunsen"]["groups"] = json!([{"name": "token", "title": "A token"}]);
        let missing = missing_entries(one.as_object().expect("an object"));
        let mut ways = missing
            .iter()
            .filter(|entry| entry["key"] == "authentication.type");
        let way = ways.next().expect("an entry");
        assert_eq!(way["defaultValue"], "token");
        assert_eq!(
            way["options"],
            json!([{"value": "token", "description": "A token"}])
        );
        // Several ways are the definition's to tell apart.
        one["bunsen"]["groups"] = json!([{"name": "a"}, {"name": "b"}]);
        assert!(
            entries(&one)
                .iter()
                .all(|(key, _)| key != "authentication.type")
        );
    }
}
