//! What a person's browser brings back from a vendor, and what a log-in begins with because of it.

use bunsen_engine::reply::Blame;
use std::fmt;

use bunsen_engine::configuration::{Value, Values};
use bunsen_engine::element::oauth::{ACCESS_TOKEN, REFRESH_INTERVAL, REFRESH_TOKEN, TOKEN_SECRET};
use bunsen_engine::element::{Element, Group, Login, ResourceKind, Start};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::app::shortened;
use crate::error::{Error, Result, VendorFailure};
use crate::ids::Secret;
use crate::journal::Held;
use crate::provisioning::request::mistaken;

/// Bytes of one member at most.
const MEMBER_LIMIT: usize = 16 * 1024;

/// `providerData` as sent. Holds codes and tokens, so its `Debug` shows nothing of them.
#[derive(Default, Deserialize)]
#[serde(transparent)]
pub struct ProviderData(Map<String, Json>);

impl fmt::Debug for ProviderData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProviderData({} members)", self.0.len())
    }
}

impl ProviderData {
    pub fn wants_trace(&self) -> bool {
        match self.0.get("debug") {
            Some(Json::Bool(wanted)) => *wanted,
            Some(Json::String(text)) => text.eq_ignore_ascii_case("true"),
            _ => false,
        }
    }
}

/// What of it counts: by the platform's names, all of it secret. Written
/// only to be sealed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Brought(Held);

/// Members in another spelling, and the names of the tokens.
const SYNONYMS: &[(&str, &str)] = &[
    ("codeVerifier", "code_verifier"),
    ("redirectUri", "redirect_uri"),
    ("token", "access_token"),
];

/// Members that are for the log-in, never entries.
const OWN_WORDS: &[&str] = &[
    "access_token",
    "code",
    "code_verifier",
    "debug",
    "error",
    "error_description",
    "expires_in",
    "oauth_token",
    "oauth_verifier",
    "redirect_uri",
    "refresh_token",
    "secret",
    "state",
];

/// # Errors
/// 401 with the vendor's own text when the vendor refused; 400 for a member that is no text.
pub fn read(given: Option<ProviderData>) -> Result<Brought> {
    let mut brought = Values::new();
    for (name, value) in given.unwrap_or_default().0 {
        let text = match value {
            Json::Null | Json::Bool(_) => continue,
            Json::String(text) => text,
            Json::Number(number) => number.to_string(),
            // Nothing that a vendor's redirect can bring.
            Json::Array(_) | Json::Object(_) => continue,
        };
        if text.is_empty() {
            continue;
        }
        let told = shortened(&name);
        if text.contains('\0') {
            let message = format!("providerData '{told}' holds a NUL character; remove it.");
            return Err(Error::Invalid(message));
        }
        if text.len() > MEMBER_LIMIT {
            let message = format!("providerData '{told}' is longer than {MEMBER_LIMIT} bytes.");
            return Err(Error::Invalid(message));
        }
        let known = SYNONYMS.iter().find(|(other, _)| *other == name);
        let name = known.map_or(name.clone(), |(_, meant)| (*meant).to_owned());
        brought.insert(name, Value::Secret(Secret::new(text)));
    }
    if let Some(error) = brought.get("error") {
        let more = brought.get("error_description");
        return Err(refused(error.reveal(), more.map(Value::reveal)));
    }
    Ok(Brought(Held(brought)))
}

/// What the vendor's page said instead of allowing access, and what it meant by it.
fn refused(error: &str, description: Option<&str>) -> Error {
    let plain = |text: &str| {
        let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        shortened(plain.collect::<String>().trim())
    };
    let said = plain(error);
    let meant = description.map_or(String::new(), |text| format!(" ({})", plain(text)));
    Error::Vendor(Box::new(VendorFailure {
        blame: Blame::Nobody,
        status: 401,
        message: format!("The vendor did not allow access: {said}{meant}"),
        provider_message: Some(said),
        retry_after: None,
    }))
}

impl Brought {
    fn has(&self, name: &str) -> bool {
        self.0.0.contains_key(name)
    }

    /// Something to be exchanged for a token.
    pub fn is_from_browser(&self) -> bool {
        self.has("code") || self.has("oauth_verifier")
    }

    /// What the vendor's page said besides and the definition has an entry for (`realmId`, say) is
    /// given like any other, unless the caller gives that too.
    ///
    /// # Errors
    /// 400 for a value that the entry does not take.
    pub fn add_entries(&self, element: &Element, given: &mut Values) -> Result<()> {
        let mut said = Map::new();
        for (name, value) in &self.0.0 {
            let key = entry_named(element, name);
            if OWN_WORDS.contains(&name.as_str()) || given.contains_key(&key) {
                continue;
            }
            if element.entry(&key).is_some() {
                said.insert(key, Json::from(value.reveal()));
            }
        }
        given.extend(element.accept(&said).map_err(mistaken)?);
        Ok(())
    }

    /// Tokens that the caller got in another way are entries like any other.
    pub fn add_tokens(&self, element: &Element, given: &mut Values) {
        if self.is_from_browser() {
            return;
        }
        for (name, key) in [
            ("access_token", ACCESS_TOKEN),
            ("refresh_token", REFRESH_TOKEN),
            ("expires_in", REFRESH_INTERVAL),
        ] {
            if let Some(value) = self.0.0.get(name)
                && element.entry(key).is_some()
            {
                given.insert(key.to_owned(), element.value(key, value.reveal()));
            }
        }
    }

    /// What the log-in of `group` begins with. `values` are those that it is to have, stored and
    /// given; `external`: the caller says that the tokens among them are good.
    ///
    /// # Errors
    /// 400 when a person has to allow access first, saying how.
    pub fn login(
        &self,
        element: &Element,
        group: &Group,
        values: &Values,
        external: bool,
    ) -> Result<Login> {
        let mut login = Login::default();
        if group.oauth.is_none() {
            return Ok(login);
        }
        let given = |key: &str| {
            values
                .get(key)
                .is_some_and(|value| !value.reveal().is_empty())
        };
        let renews = element
            .call(group, ResourceKind::OauthOnTokenRefresh)
            .is_some();
        if self.is_from_browser() && group.needs_person() {
            if element
                .call(group, ResourceKind::OauthOnTokenExchange)
                .is_none()
            {
                return Err(Error::Invalid(format!(
                    "The log-in '{}' of element '{}' says nowhere what to do with a code.",
                    group.name, element.key
                )));
            }
            login.brought.clone_from(&self.0.0);
            // That of a page asked for with the stored client is what its challenge was made of.
            if let (false, Some(secret)) = (group.is_oauth1(), self.0.0.get("secret"))
                && needs_verifier(element, group)
            {
                let verifier = login.brought.entry("code_verifier".to_owned());
                verifier.or_insert_with(|| secret.clone());
            }
        } else if !(external || group.needs_person()) {
            // A password, a key, a client: whatever the configuration holds.
        } else if given(REFRESH_TOKEN) && renews {
            login.start = Start::Refresh;
        } else if given(ACCESS_TOKEN) && (!group.is_oauth1() || given(TOKEN_SECRET)) {
            login.start = Start::Token;
        } else if group.needs_person() {
            return Err(Error::Invalid(needs_person(element, group)));
        }
        Ok(login)
    }
}

/// A page of this log-in is asked for with a challenge.
pub fn needs_verifier(element: &Element, group: &Group) -> bool {
    let demanded = group.oauth.as_ref().is_some_and(|oauth| oauth.pkce);
    demanded || element.takes_verifier(group)
}

/// `siteAddress` means the entry `site.address`, unless there is one of that very name.
pub fn entry_named(element: &Element, name: &str) -> String {
    if element.entry(name).is_some() {
        return name.to_owned();
    }
    let mut key = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            key.push('.');
        }
        key.push(character.to_ascii_lowercase());
    }
    key
}

fn needs_person(element: &Element, group: &Group) -> String {
    let (key, name) = (&element.key, &group.name);
    let member = if group.is_oauth1() {
        "providerData.oauth_token, .oauth_verifier and .secret"
    } else {
        "providerData.code"
    };
    format!(
        "The log-in '{name}' of element '{key}' needs {member}, which a person's browser brings: \
         GET /elements/{key}/oauth/url?authentication.type={name} answers the address to open. \
         With tokens from elsewhere send \"externalAuthentication\": \"initial\" and {REFRESH_TOKEN} \
         or {ACCESS_TOKEN} in 'configuration'."
    )
}

#[cfg(test)]
mod tests;
