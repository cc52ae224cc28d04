//! What an account says of itself.

use serde_json::json;

use super::limits::Plan;
use super::ok;
use super::v2::{Outcome, Visit};

pub fn account(visit: &mut Visit<'_>) -> Outcome {
    let account = &visit.account;
    let occasional = account
        .agents
        .values()
        .filter(|agent| agent.occasional)
        .count();
    let mut agents = account.agents.values();
    let contact = agents
        .find(|agent| agent.access.admin)
        .unwrap_or(&visit.agent);
    let (first, last) = contact
        .contact
        .name
        .split_once(' ')
        .unwrap_or((&contact.contact.name, ""));
    let tier = match account.plan {
        Plan::Free => "Free",
        Plan::Trial => "Trial",
        Plan::Growth => "Growth",
        Plan::Pro => "Pro",
        Plan::Enterprise | Plan::Unlimited => "Enterprise",
    };
    Ok(ok(&json!({
        "organisation_id": 280_000_000_000_000_000_u64 + account.id,
        "organisation_name": format!("{}.myfreshworks.com", account.label),
        "account_id": account.id,
        "account_name": account.name,
        "account_domain": account.host(),
        "bundle_id": null,
        "hipaa_compliant": false,
        "total_agents": {
            "full_time": account.agents.len() - occasional,
            "occasional": occasional,
            "field_service": 0,
            "collaborators": 0,
        },
        "timezone": contact.contact.time_zone,
        "data_center": "US",
        "tier_type": tier,
        "address": { "country": null, "state": null, "city": null, "street": null, "postalcode": null },
        "contact_person": { "firstname": first, "lastname": last, "email": contact.contact.email },
    })))
}

pub fn helpdesk_settings(_: &mut Visit<'_>) -> Outcome {
    Ok(ok(&json!({
        "primary_language": "en",
        "supported_languages": ["de", "fr"],
        "portal_languages": ["de"],
    })))
}
