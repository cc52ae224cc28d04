//! The user of a token, with the company that the token belongs to.

use serde_json::json;

use super::errors::Refusal;
use super::front::Outcome;
use super::ok;
use super::world::World;

pub fn me(world: &World, user: u64, company: u64) -> Outcome {
    let user = world.users.get(&user).ok_or(Refusal::Unauthorized)?;
    let company = world.companies.get(&company).ok_or(Refusal::Unauthorized)?;
    let mut memberships = user.memberships.iter();
    let admin = memberships.any(|membership| membership.company == company.id && membership.admin);
    let last_login = user.last_login.as_ref().unwrap_or(&user.created);
    let access = json!({ "app": "global", "admin": admin, "permission_set_id": "5a6d0a1e-0000-4000-8000-000000000001" });
    Ok(ok(&json!({
        "success": true,
        "data": {
            "id": user.id,
            "name": user.name,
            "default_currency": "EUR",
            "locale": "en_US",
            "lang": 1,
            "email": user.email,
            "phone": null,
            "activated": true,
            "last_login": last_login,
            "created": user.created,
            "modified": user.modified,
            "has_created_company": admin,
            "access": [access],
            "active_flag": true,
            "timezone_name": "Europe/Tallinn",
            "timezone_offset": "+02:00",
            "role_id": 1,
            "icon_url": null,
            "is_you": true,
            "is_deleted": false,
            "is_admin": u8::from(admin),
            "company_id": company.id,
            "company_name": company.name,
            "company_domain": company.domain,
            "company_country": company.country,
            "company_industry": company.industry,
            "language": { "language_code": "en", "country_code": "US" },
        },
    })))
}
