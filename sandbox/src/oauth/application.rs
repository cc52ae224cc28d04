//! The applications that an authorization server knows, and the bodies of control calls that make and change them.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::{Host, Url};

use super::policy::PolicyChange;
use super::{Provider, PublicKey};
use crate::seeding::{Kind, Mistake, invalid};

#[derive(Debug, Clone, Default, Serialize)]
pub struct Application {
    pub name: String,
    /// Empty for one that has none.
    pub client_secret: String,
    /// Compared letter by letter.
    pub redirect_uris: Vec<String>,
    /// Not a vendor's: every redirect URI on this machine is good, so that the examples work on any port.
    pub loopback: bool,
    /// What the vendor lets it ask for; each vendor reads it in its own way.
    pub scopes: Vec<String>,
    /// As PEM.
    pub public_keys: Vec<String>,
    pub enabled: bool,
    /// Where it differs from the vendor's settings.
    pub policy: PolicyChange,
    #[serde(skip)]
    pub keys: Vec<PublicKey>,
}

impl Application {
    pub fn takes_redirect(&self, uri: &str) -> bool {
        self.redirect_uris.iter().any(|known| known == uri) || (self.loopback && is_loopback(uri))
    }
}

fn is_loopback(uri: &str) -> bool {
    let Ok(url) = Url::parse(uri) else {
        return false;
    };
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let of_web = matches!(url.scheme(), "http" | "https");
    here && of_web && url.fragment().is_none() && url.username().is_empty()
}

/// What is left out keeps its value.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApplicationChange {
    client_id: Option<String>,
    name: Option<String>,
    client_secret: Option<String>,
    redirect_uris: Option<Vec<String>>,
    loopback: Option<bool>,
    scopes: Option<Vec<String>>,
    public_keys: Option<Vec<String>>,
    enabled: Option<bool>,
    policy: Option<PolicyChange>,
}

impl ApplicationChange {
    /// Changes nothing unless all of it can be.
    fn apply(self, application: &mut Application) -> Result<(), Mistake> {
        let mut keys = application.keys.clone();
        if let Some(texts) = &self.public_keys {
            let Some(read) = texts.iter().map(|text| PublicKey::from_pem(text)).collect() else {
                return invalid("public_keys: not all of them are RSA public keys as PEM");
            };
            keys = read;
        }
        for uri in self.redirect_uris.iter().flatten() {
            if Url::parse(uri).map_or(true, |url| url.fragment().is_some()) {
                return invalid(format!(
                    "redirect_uris: \"{uri}\" is no absolute URL without fragment"
                ));
            }
        }
        application.keys = keys;
        let put = |place: &mut String, value: Option<String>| {
            if let Some(value) = value {
                *place = value;
            }
        };
        put(&mut application.name, self.name);
        put(&mut application.client_secret, self.client_secret);
        let put = |place: &mut Vec<String>, value: Option<Vec<String>>| {
            if let Some(value) = value {
                *place = value;
            }
        };
        put(&mut application.redirect_uris, self.redirect_uris);
        put(&mut application.scopes, self.scopes);
        put(&mut application.public_keys, self.public_keys);
        application.loopback = self.loopback.unwrap_or(application.loopback);
        application.enabled = self.enabled.unwrap_or(application.enabled);
        application.policy = self.policy.unwrap_or(application.policy);
        Ok(())
    }
}

/// The applications of a vendor, as control calls reach them.
#[derive(Debug)]
pub struct Applications<W>(PhantomData<W>);

impl<W: Provider> Kind for Applications<W> {
    type World = W;
    type Change = ApplicationChange;
    type Id = String;
    const UNKNOWN: &'static str = "no application with this client id";

    fn all(world: &W) -> Value {
        json!(world.oauth().applications)
    }

    fn find(world: &W, text: &str) -> Option<String> {
        let applications = &world.oauth().applications;
        applications.contains_key(text).then(|| text.to_owned())
    }

    fn shown(world: &W, id: &String) -> Value {
        let mut shown = json!(world.oauth().applications.get(id));
        shown["client_id"] = json!(id);
        shown
    }

    fn create(mut change: ApplicationChange, world: &mut W) -> Result<String, Mistake> {
        let id = change.client_id.take().unwrap_or_default();
        let sign = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if id.is_empty() || !id.bytes().all(sign) {
            return invalid("client_id: missing, or not of letters, digits and the signs -_.");
        }
        if world.oauth().applications.contains_key(&id) {
            return Err(Mistake::Taken(format!(
                "client_id: \"{id}\" exists already"
            )));
        }
        let mut application = Application {
            name: id.clone(),
            enabled: true,
            ..Application::default()
        };
        change.apply(&mut application)?;
        world
            .oauth_mut()
            .applications
            .insert(id.clone(), application);
        world.registered(&id);
        Ok(id)
    }

    fn change(change: ApplicationChange, world: &mut W, id: &String) -> Result<(), Mistake> {
        if change.client_id.is_some() {
            return invalid("client_id: cannot be changed; make a new application");
        }
        match world.oauth_mut().applications.get_mut(id) {
            Some(application) => change.apply(application),
            None => Err(Mistake::Unknown(Self::UNKNOWN)),
        }
    }

    fn remove(world: &mut W, id: &String) {
        world.oauth_mut().unregister(id);
    }
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn only_this_machine_is_loopback() {
        for uri in [
            "http://127.0.0.1:1/cb?a=b",
            "http://localhost/cb",
            "http://[::1]:9/",
        ] {
            assert!(is_loopback(uri), "{uri}");
        }
        for uri in [
            "",
            "cb",
            "ftp://127.0.0.1/",
            "http://127.0.0.1.evil.example/",
            "http://localhost@evil.example/",
            "http://u@localhost/",
            "http://localhost/#f",
        ] {
            assert!(!is_loopback(uri), "{uri}");
        }
    }
}
