//! The first thing a call meets: which account, which API version, and the headers that are on every answer.

use std::time::Instant;

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use super::accounts::{Account, Accounts, SUFFIX};
use super::errors::{self, Refusal};
use super::limits::{Plan, Usage};
use super::rows::Credits;
use super::{attachments, v1, v2};
use crate::answer::Answer;
use crate::vendor::{Call, lock};

const TOTAL: HeaderName = HeaderName::from_static("x-ratelimit-total");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const USED: HeaderName = HeaderName::from_static("x-ratelimit-used-currentrequest");
const VERSION: HeaderName = HeaderName::from_static("x-freshdesk-api-version");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub fn answer(accounts: &Accounts, call: &Call) -> Answer {
    if call.host.strip_suffix(SUFFIX) == Some(attachments::LABEL) {
        return attachments::download(accounts, call);
    }
    let Some((account, custom_host)) = accounts.at(&call.host) else {
        return errors::no_such_account();
    };
    let mut account = lock(&account);
    let mut usage = account.limit.count(Instant::now());
    let v1 = v1::is_meant(call);
    let outcome = admitted(&account, call, &usage, v1).and_then(|()| match (v1, custom_host) {
        (true, _) => v1::answer(&account, call),
        // v2 does not work through a customer's own host name; how it says so is unverified.
        (false, true) => Err(Refusal::NotFound),
        (false, false) => v2::answer(&mut account, call),
    });
    let mut answer = outcome.unwrap_or_else(Refusal::into_answer);
    // Embedded records cost extra.
    let credits = answer
        .extensions()
        .get::<Credits>()
        .map_or(1, |credits| credits.0);
    usage.remaining = usage
        .remaining
        .saturating_sub(account.limit.spend(credits - 1));
    add_headers(answer.headers_mut(), &usage, credits, v1);
    answer
}

/// Counts the call and adds the headers to an answer that somebody else made.
pub fn dress(accounts: &Accounts, call: &Call, headers: &mut HeaderMap) {
    if let Some((account, _)) = accounts.at(&call.host) {
        let usage = lock(&account).limit.count(Instant::now());
        add_headers(headers, &usage, 1, v1::is_meant(call));
    }
}

/// What concerns the account as a whole, before anybody is logged in. The order is unverified.
fn admitted(account: &Account, call: &Call, usage: &Usage, v1: bool) -> Result<(), Refusal> {
    // The simulator stands behind plain http; a proxy that reports the caller's scheme is believed.
    if !v1
        && call
            .header("x-forwarded-proto")
            .is_some_and(|scheme| scheme != "https")
    {
        return Err(errors::forbidden(
            "ssl_required",
            "API V2 works only over HTTPS.",
        ));
    }
    if let Some(retry_after_seconds) = usage.refused_for {
        return Err(Refusal::TooMany {
            v1,
            retry_after_seconds,
        });
    }
    if account.suspended {
        return Err(errors::forbidden(
            "account_suspended",
            "Your account has been suspended.",
        ));
    }
    if account.plan == Plan::Free {
        return Err(errors::forbidden(
            "require_feature",
            "The API is not part of your plan.",
        ));
    }
    Ok(())
}

fn add_headers(headers: &mut HeaderMap, usage: &Usage, credits: u64, v1: bool) {
    let number = |value: u64| {
        let text = if usage.decimal {
            format!("{value}.0")
        } else {
            value.to_string()
        };
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("0"))
    };
    headers.insert(TOTAL, number(usage.total));
    headers.insert(REMAINING, number(usage.remaining));
    headers.insert(USED, number(credits));
    let version = if v1 {
        "latest=v2; requested=v1"
    } else {
        "latest=v2; requested=v2"
    };
    headers.insert(VERSION, HeaderValue::from_static(version));
    if let Ok(id) = HeaderValue::try_from(Uuid::new_v4().to_string()) {
        headers.insert(REQUEST_ID, id);
    }
}
