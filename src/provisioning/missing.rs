//! What a log-in needs and nobody has given.

use bunsen_engine::configuration::Values;
use bunsen_engine::element::oauth::CLIENT_SECRET;
use bunsen_engine::element::{Element, Group, Login, Start};

use crate::error::{Error, Result};

fn refuse_missing(element: &Element, group: &Group, given: &Values) -> Result<()> {
    let missing = element.missing(group, given);
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "The following required configuration entries are missing: {}",
        missing.join(", ")
    )))
}

/// The same for a log-in that begins with a token: it needs neither user name nor password.
pub fn refuse_missing_for(
    element: &Element,
    group: &Group,
    given: &Values,
    login: &Login,
) -> Result<()> {
    let first = login.start == Start::LogIn;
    // A public client has none, and says with a code who it is by what the page's challenge was made of.
    let proved = !first || login.brought.contains_key("code_verifier");
    let public = group.may_be_public() && proved;
    let needed = |key: &&str| match *key {
        "username" | "password" => first,
        CLIENT_SECRET => !public,
        _ => true,
    };
    match element.missing(group, given).iter().any(needed) {
        true => refuse_missing(element, group, given),
        false => Ok(()),
    }
}
