//! The forms of contacts and companies, and the custom fields in all three forms, made of the tables of fields.

use serde_json::{Value, json};

use super::accounts::Account;
use super::ok;
use super::resources::{COMPANY_CUSTOM, CONTACT_CUSTOM, TICKET_CUSTOM};
use super::v2::{Outcome, Visit};
use crate::records::fields::{Field, Kind};

/// Custom fields of the three forms are numbered apart.
const FIRST_IDS: [u64; 3] = [101, 201, 301];

const CONTACT_FIELDS: &[(&str, &str, &str)] = &[
    ("name", "Full name", "default_name"),
    ("job_title", "Title", "default_job_title"),
    ("email", "Email", "default_email"),
    ("phone", "Work phone", "default_phone"),
    ("mobile", "Mobile phone", "default_mobile"),
    ("twitter_id", "Twitter", "default_twitter_id"),
    ("company_name", "Company", "default_company_name"),
    ("address", "Address", "default_address"),
    ("time_zone", "Time zone", "default_time_zone"),
    ("language", "Language", "default_language"),
    ("tag_names", "Tags", "default_tag_names"),
    ("description", "About", "default_description"),
    (
        "client_manager",
        "Can see all tickets from this company",
        "default_client_manager",
    ),
];
const COMPANY_FIELDS: &[(&str, &str, &str)] = &[
    ("name", "Company name", "default_name"),
    ("description", "Description", "default_description"),
    ("note", "Notes", "default_note"),
    ("domains", "Domains for this company", "default_domains"),
    ("health_score", "Health score", "default_health_score"),
    ("account_tier", "Account tier", "default_account_tier"),
    ("renewal_date", "Renewal date", "default_renewal_date"),
    ("industry", "Industry", "default_industry"),
];

pub fn contacts(visit: &mut Visit<'_>) -> Outcome {
    Ok(ok(&form(
        visit.account,
        CONTACT_FIELDS,
        CONTACT_CUSTOM,
        FIRST_IDS[1],
    )))
}

pub fn companies(visit: &mut Visit<'_>) -> Outcome {
    Ok(ok(&form(
        visit.account,
        COMPANY_FIELDS,
        COMPANY_CUSTOM,
        FIRST_IDS[2],
    )))
}

/// The custom fields of the ticket form, behind so many others.
pub fn of_tickets(account: &Account, before: usize) -> Vec<Value> {
    let mut fields = Vec::new();
    for (place, field) in TICKET_CUSTOM.iter().enumerate() {
        let mut shown = custom(
            account,
            field,
            FIRST_IDS[0] + place as u64,
            before + place + 1,
        );
        shown["description"] = Value::Null;
        shown["required_for_closure"] = json!(false);
        if let Kind::OneOf(choices) = field.kind {
            shown["choices"] = json!(choices);
        }
        fields.push(shown);
    }
    fields
}

fn form(
    account: &Account,
    defaults: &[(&str, &str, &str)],
    customs: &[Field],
    first_id: u64,
) -> Vec<Value> {
    let mut fields = Vec::new();
    for (place, (name, label, kind)) in defaults.iter().enumerate() {
        let needed = *name == "name";
        fields.push(json!({
            "id": place + 1,
            "name": name,
            "label": label,
            "position": place + 1,
            "type": kind,
            "default": true,
            "editable_in_signup": needed,
            "required_for_agents": needed,
            "required_for_customers": needed,
            "customers_can_edit": needed,
            "label_for_customers": label,
            "displayed_for_customers": true,
            "created_at": account.created_at,
            "updated_at": account.created_at,
        }));
    }
    for (place, field) in customs.iter().enumerate() {
        let mut shown = custom(
            account,
            field,
            first_id + place as u64,
            defaults.len() + place + 1,
        );
        if let Kind::OneOf(choices) = field.kind {
            let choices = choices.iter().enumerate();
            shown["choices"] = choices
                .map(|(place, choice)| json!({ "id": place + 1, "label": choice, "value": choice }))
                .collect();
        }
        fields.push(shown);
    }
    fields
}

fn custom(account: &Account, field: &Field, id: u64, position: usize) -> Value {
    let label = field.name.trim_start_matches("cf_").replace('_', " ");
    let kind = match field.kind {
        Kind::Text(most) if most > 255 => "custom_paragraph",
        Kind::Boolean => "custom_checkbox",
        Kind::Integer => "custom_number",
        Kind::Number => "custom_decimal",
        Kind::OneOf(_) => "custom_dropdown",
        Kind::Date => "custom_date",
        _ => "custom_text",
    };
    json!({
        "id": id,
        "name": field.name,
        "label": label,
        "position": position,
        "type": kind,
        "default": false,
        "required_for_agents": false,
        "required_for_customers": false,
        "customers_can_edit": false,
        "label_for_customers": label,
        "displayed_to_customers": false,
        "created_at": account.created_at,
        "updated_at": account.created_at,
    })
}
