//! What describes an account and a site.

use http::StatusCode;
use serde_json::json;

use super::errors::{self, Refusal};
use super::front::{Outcome, Visit};
use super::ok;
use super::sites::{Environment, KNOWN, SUFFIX};
use super::world::{Account, World};

/// Every scalar is a text, here too. v2 and v2.1 answer alike.
pub fn read(account: &Account) -> Outcome {
    Ok(ok(&json!({
        "accountIdGuid": account.guid,
        "accountName": account.name,
        "allowTransactionRooms": "false",
        "billingPeriodDaysRemaining": "30",
        "billingPeriodEnvelopesAllowed": "unlimited",
        "billingPeriodEnvelopesSent": "0",
        "billingProfile": "web",
        "canUpgrade": "false",
        "connectPermission": "full",
        "createdDate": account.created,
        "currencyCode": "USD",
        "currentPlanId": "5a6d0a1e-0000-4000-b000-000000000001",
        "distributorCode": "SANDBOX",
        "envelopeSendingBlocked": "false",
        "externalAccountId": account.number.to_string(),
        "forgottenPasswordQuestionsCount": "1",
        "paymentMethod": "credit_card",
        "planClassification": "business",
        "planName": account.plan,
        "planStartDate": account.created,
        "seatsAllowed": "5",
        "seatsInUse": "1",
        "status21CFRPart11": "false",
        "suspensionStatus": "",
    })))
}

/// Whether the account lets anybody in.
pub fn permitted(account: &Account) -> Result<(), Refusal> {
    let Some(code) = account.refusal else {
        return Ok(());
    };
    let status = StatusCode::from_u16(account.refusal_status).unwrap_or(StatusCode::BAD_REQUEST);
    Err(errors::not_permitted(status, code))
}

/// Needs no log-in. The sites of one environment know of each other.
pub fn service_information(_: &mut World, visit: &Visit<'_>) -> Outcome {
    let url = |site: &str| format!("https://{site}{SUFFIX}");
    let sites = KNOWN.iter();
    let linked: Vec<String> = sites
        .filter(|site| Environment::of(site) == visit.environment)
        .map(|site| url(site))
        .collect();
    let base = format!("{}/restapi", url(visit.site));
    let version =
        |version: &str| json!({ "version": version, "versionUrl": format!("{base}/{version}") });
    Ok(ok(&json!({
        "buildBranch": "sandbox",
        "buildVersion": env!("CARGO_PKG_VERSION"),
        "linkedSites": linked,
        "serviceVersions": [version("v2"), version("v2.1")],
    })))
}
