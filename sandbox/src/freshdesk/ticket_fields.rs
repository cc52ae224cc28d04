//! The ticket form: which fields exist and what may stand in them.

use serde_json::{Map, Value, json};

use super::accounts::Account;
use super::custom_fields;
use super::errors::{self, Mistake};
use super::ok;
use super::resources::{PRODUCTS, TYPES as TICKET_TYPES};
use super::v2::{Outcome, Visit};
use crate::records::text;

const TYPES: &[&str] = &[
    "default_requester",
    "default_subject",
    "default_ticket_type",
    "default_source",
    "default_status",
    "default_priority",
    "default_group",
    "default_agent",
    "default_product",
    "default_company",
    "default_description",
    "custom_text",
    "custom_paragraph",
    "custom_checkbox",
    "custom_number",
    "custom_decimal",
    "custom_dropdown",
    "custom_date",
    "nested_field",
];

/// Name, label, type, and whether a ticket cannot do without it. In the order of the form.
const DEFAULTS: &[(&str, &str, &str, bool)] = &[
    ("requester", "Search a requester", "default_requester", true),
    ("subject", "Subject", "default_subject", true),
    ("ticket_type", "Type", "default_ticket_type", false),
    ("source", "Source", "default_source", false),
    ("status", "Status", "default_status", true),
    ("priority", "Priority", "default_priority", true),
    ("group", "Group", "default_group", false),
    ("agent", "Agent", "default_agent", false),
    ("product", "Product", "default_product", false),
    ("company", "Company", "default_company", false),
    ("description", "Description", "default_description", true),
];

/// Not paged; `type` selects.
pub fn list(visit: &mut Visit<'_>) -> Outcome {
    let wanted = visit.query.get("type");
    if wanted.is_some_and(|wanted| !TYPES.contains(&wanted)) {
        return Err(errors::invalid(Mistake::not_one_of("type", TYPES)));
    }
    let mut fields = all(visit.account);
    fields.retain(|field| wanted.is_none_or(|wanted| field["type"] == wanted));
    Ok(ok(&fields))
}

pub fn all(account: &Account) -> Vec<Value> {
    let mut fields = Vec::new();
    for (place, (name, label, kind, needed)) in DEFAULTS.iter().enumerate() {
        let position = place + 1;
        let mut field = json!({
            "id": position,
            "name": name,
            "label": label,
            "description": format!("Ticket {name}"),
            "position": position,
            "type": kind,
            "default": true,
            "required_for_closure": false,
            "required_for_agents": needed,
            "required_for_customers": needed,
            "customers_can_edit": needed,
            "label_for_customers": label,
            "displayed_to_customers": needed,
            "created_at": account.created_at,
            "updated_at": account.created_at,
        });
        if let Some(choices) = choices(account, kind) {
            field["choices"] = choices;
        }
        fields.push(field);
    }
    fields.extend(custom_fields::of_tickets(account, DEFAULTS.len()));
    fields
}

/// The form changes with the type: strings, label → id, or id → labels for agents and for customers.
fn choices(account: &Account, kind: &str) -> Option<Value> {
    match kind {
        "default_ticket_type" => Some(json!(TICKET_TYPES)),
        "default_source" => Some(json!({
            "Email": 1, "Portal": 2, "Phone": 3, "Forum": 4, "Twitter": 5, "Facebook": 6, "Chat": 7,
            "MobiHelp": 8, "Feedback Widget": 9, "Outbound Email": 10,
        })),
        "default_status" => Some(json!({
            "2": ["Open", "Being Processed"],
            "3": ["Pending", "Awaiting your Reply"],
            "4": ["Resolved", "This ticket has been Resolved"],
            "5": ["Closed", "This ticket has been Closed"],
            "6": ["Waiting on Customer", "Awaiting your Reply"],
            "7": ["Waiting on Third Party", "Being Processed"],
        })),
        "default_priority" => Some(json!({ "Low": 1, "Medium": 2, "High": 3, "Urgent": 4 })),
        "default_group" => {
            let groups = account.groups.values();
            let named = groups.map(|group| (group.name.clone(), json!(group.id)));
            Some(Value::Object(named.collect::<Map<_, _>>()))
        }
        "default_agent" => {
            let agents = account.agents.values();
            let named = agents.map(|agent| (agent.contact.name.clone(), json!(agent.id)));
            Some(Value::Object(named.collect::<Map<_, _>>()))
        }
        "default_product" => {
            let products = account.records.rows(PRODUCTS);
            let named = products.filter_map(|product| {
                Some((text(product, "name")?.to_owned(), product["id"].clone()))
            });
            Some(Value::Object(named.collect::<Map<_, _>>()))
        }
        _ => None,
    }
}
