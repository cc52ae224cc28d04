//! HTTP Basic: agent e-mail with password, or API key with anything.

use std::sync::Arc;

use super::accounts::{Account, Agent};
use super::errors::{self, Refusal};
use crate::vendor::Call;

/// Why nobody is logged in. v1 words it differently, so the words are chosen elsewhere.
#[derive(Debug)]
pub enum Failure {
    Credentials,
    /// The code of the vendor's 403.
    Refused(&'static str),
}

/// The 403s that concern one agent, with their texts. The texts are unverified.
pub const REFUSALS: &[(&str, &str)] = &[
    (
        "access_denied",
        "You are not authorized to perform this action.",
    ),
    (
        "password_lockout",
        "Your account is locked because of too many failed logins.",
    ),
    ("password_expired", "Your password has expired."),
];

/// The agent whose call this is.
pub fn agent<'a>(account: &'a Account, call: &Call) -> Result<&'a Arc<Agent>, Failure> {
    let (name, password) = call.basic().ok_or(Failure::Credentials)?;
    let mut agents = account.agents.values();
    let found = agents.find(|agent| {
        let access = &agent.access;
        let by_key = !access.api_key.is_empty() && access.api_key == name;
        let by_password = access.password_login
            && agent.contact.email.eq_ignore_ascii_case(&name)
            && access.password == password;
        by_key || by_password
    });
    let agent = found
        .filter(|agent| !agent.access.deactivated)
        .ok_or(Failure::Credentials)?;
    match agent.access.refusal {
        Some(code) => Err(Failure::Refused(code)),
        None => Ok(agent),
    }
}

impl Failure {
    pub fn into_refusal(self) -> Refusal {
        match self {
            Self::Credentials => errors::invalid_credentials(),
            Self::Refused(code) => {
                let texts = REFUSALS.iter().find(|(known, _)| *known == code);
                errors::forbidden(code, texts.map_or("", |(_, text)| text))
            }
        }
    }
}
