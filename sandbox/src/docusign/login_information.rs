//! `login_information`: the accounts of a user, each with the base URL of its own site.

use serde_json::{Value, json};
use url::form_urlencoded;

use super::errors;
use super::front::{Outcome, Visit};
use super::ok;
use super::sites::SUFFIX;
use super::world::{Account, User, World};

/// Every scalar is a text, and every account of the environment is listed, whatever site was asked.
pub fn read(world: &World, visit: &Visit<'_>, caller: &str) -> Outcome {
    let user = world.users.get(caller).ok_or_else(errors::invalid_token)?;
    let query = visit.call.query.as_deref().unwrap_or_default();
    let asked = |name: &str, wanted: &str| {
        form_urlencoded::parse(query.as_bytes()).any(|(key, value)| key == name && value == wanted)
    };
    let with_guid = asked("include_account_id_guid", "true");
    let with_settings = asked("login_settings", "all");
    let accounts = user.accounts.iter();
    let entries: Vec<Value> = accounts
        .filter_map(|number| world.accounts.get(number))
        .map(|account| {
            let mut entry = entry(user, account);
            if with_guid {
                entry["accountIdGuid"] = json!(account.guid);
            }
            if with_settings {
                // Which settings there are is unverified.
                let setting = json!([{ "name": "canSendEnvelope", "value": "true" }]);
                entry["loginAccountSettings"] = json!([]);
                entry["loginUserSettings"] = setting;
            }
            entry
        })
        .collect();
    let mut body = json!({ "loginAccounts": entries });
    if asked("api_password", "true") {
        body["apiPassword"] = json!(user.api_password);
    }
    Ok(ok(&body))
}

fn entry(user: &User, account: &Account) -> Value {
    let (number, site) = (account.number, &account.site);
    let default = user.default_account == Some(number);
    json!({
        "accountId": number.to_string(),
        "baseUrl": format!("https://{site}{SUFFIX}/restapi/v2/accounts/{number}"),
        "email": user.email,
        "isDefault": default.to_string(),
        "name": account.name,
        "siteDescription": "",
        "userId": user.id,
        "userName": user.name,
    })
}
