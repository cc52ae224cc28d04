//! Use cases: links by which people connect their own accounts. An application asks for a link, a
//! person opens it, the vendor is asked with what the person gave, and the application learns what
//! came of it. It never sees what the person typed.
//!
//! A link is known by a random token, stored as HMAC. It works once, for a short while, and only as
//! long as the user and the organization that asked for it may call.

mod branding;
mod complete;
mod fields;
mod link;
mod origin;
mod walk;
mod ways;
mod words;

use std::sync::Arc;

use bunsen_engine::element::Element;
use bunsen_engine::element::oauth::CLIENT_ENTRIES;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::app::App;
use crate::error::{Error, Result};
use crate::ids::{InstanceId, OrganizationId, Secret, SecretKind};
use crate::provisioning::{self, Stored, Who};
use crate::store::{ConnectLink, FoundUser};
use crate::tenancy;
use crate::vault::Place;

pub use branding::{Brand, Branding, LogoFile, brand, branding, clear_branding, set_branding};
pub use complete::{Difference, Given, Scope, Submitted, submit};
pub use fields::{Field, FieldKind, Fixed, form};
pub use link::{LinkRequest, State, make, outcome};
pub use origin::{return_origins, set_return_origins};
pub use walk::{Back, Place as WalkPlace, Returned, come_back};
pub use ways::{Way, called, ways};
pub use words::{Told, told};

/// Columns of a link's sealed values.
const CONTENTS: &str = "contents_sealed";
const WALK: &str = "walk_sealed";

/// What the application gave along with the link.
#[derive(Default, Serialize, Deserialize)]
pub struct Contents {
    /// Never leaves the server where it is secret; shown and not to be changed where it is not.
    #[serde(default)]
    configuration: Map<String, Value>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    tags: Option<Vec<String>>,
    #[serde(default)]
    return_url: Option<String>,
    #[serde(default)]
    state: Option<String>,
    /// The cookie of the browser whose walk has connected, once the link is used.
    #[serde(default)]
    browser: Option<String>,
}

/// A link that somebody has opened, and that still works.
pub struct Opened {
    pub link: ConnectLink,
    pub token: Secret,
    contents: Contents,
    /// The instance that is to be connected again, secrets and all.
    stored: Option<Stored>,
    /// And its element.
    again: Option<Arc<Element>>,
    /// Keys of the elements for which a client is stored.
    with_client: Vec<String>,
}

/// What became of opening a link.
pub enum Opening {
    Ready(Box<Opened>),
    /// It has done its work; where to go on, if the application said.
    Used(Box<Done>),
    Expired(OrganizationId),
    /// There is none, or whoever asked for it may no longer call.
    Unknown,
}

#[derive(Debug)]
pub struct Done {
    pub organization: OrganizationId,
    pub return_url: Option<String>,
    /// The cookie of the browser whose walk has connected it.
    browser: Option<Secret>,
}

impl Done {
    /// Whether this browser has connected it. Compared as HMACs: how long that takes tells nothing.
    pub fn is_of(&self, app: &App, browser: Option<&Secret>) -> bool {
        let mark = |secret: &Secret| app.vault().fingerprint(SecretKind::ConnectForm, secret);
        let pair = self.browser.as_ref().zip(browser);
        pair.is_some_and(|(own, given)| mark(own) == mark(given))
    }
}

impl Done {
    /// For everybody but the browser that has connected it.
    pub fn has_ended_for(&self, app: &App, browser: Option<&Secret>) -> bool {
        self.browser.is_some() && !self.is_of(app, browser)
    }
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opened({:?})", self.link)
    }
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ready(_) => "Ready",
            Self::Used(_) => "Used",
            Self::Expired(_) => "Expired",
            Self::Unknown => "Unknown",
        })
    }
}

/// # Errors
/// 503 and the like; a link that does not work is no error.
pub async fn open(app: &App, token: &Secret) -> Result<Opening> {
    let Some(link) = find(app, SecretKind::ConnectLink, token).await? else {
        return Ok(Opening::Unknown);
    };
    opened(app, link, token.clone()).await
}

async fn opened(app: &App, link: ConnectLink, token: Secret) -> Result<Opening> {
    if !link.active {
        return Ok(Opening::Unknown);
    }
    let contents = contents(app, &link).await?;
    if let Some(instance) = link.connected {
        let contents = contents.unwrap_or_default();
        // A server that was killed right then has not noted who it was: nobody is led anywhere.
        let known = contents.browser.is_some();
        if link.expired && !known {
            return Ok(Opening::Expired(link.organization));
        }
        let back = contents.back("connected", Some(instance));
        return Ok(Opening::Used(Box::new(Done {
            organization: link.organization,
            return_url: back.filter(|_| known),
            browser: contents.browser.map(Secret::new),
        })));
    }
    let Some(contents) = contents.filter(|_| !link.expired) else {
        return Ok(Opening::Expired(link.organization));
    };
    let (mut stored, mut again) = (None, None);
    if let Some(instance) = link.instance {
        let found = match provisioning::stored(app, who(&link), instance).await {
            Err(Error::NotFound(_)) => return Ok(Opening::Unknown),
            outcome => outcome?,
        };
        again = Some(app.element(&found.element)?.clone());
        stored = Some(found);
    }
    let organization = app.store().org(link.organization);
    let account = link.user.account;
    let with_client = organization.elements_with_oauth_client(account).await?;
    Ok(Opening::Ready(Box::new(Opened {
        with_client,
        link,
        token,
        contents,
        stored,
        again,
    })))
}

/// Asks the database only in a turn of strangers, so that they do not take all of its connections.
async fn find(app: &App, kind: SecretKind, secret: &Secret) -> Result<Option<ConnectLink>> {
    let _turn = app.callers().turn().await?;
    let look = async || {
        let fingerprints = app.vault().fingerprints(kind, secret);
        let hmacs: Vec<&[u8]> = fingerprints.iter().map(|f| f.hmac.as_slice()).collect();
        app.store().directory().connect_link(kind, &hmacs).await
    };
    let keyring = app.vault().keyring();
    match look().await? {
        None if tenancy::refresh_keyring(app, &keyring).await => look().await,
        found => Ok(found),
    }
}

impl Opened {
    pub fn organization(&self) -> OrganizationId {
        self.link.organization
    }

    pub fn who(&self) -> Who {
        who(&self.link)
    }

    pub fn is_reconnect(&self) -> bool {
        self.link.instance.is_some()
    }

    /// What may be connected here and how, by name.
    pub fn elements<'a>(&'a self, app: &'a App) -> Vec<&'a Element> {
        if let Some(element) = &self.again {
            return vec![element];
        }
        let wanted = |element: &&Element| {
            element.active
                && (self.link.elements.is_empty() || self.link.elements.contains(&element.key))
                && !ways(app, self, element).is_empty()
        };
        let all = app.catalog().iter().map(|element| &**element);
        let mut found: Vec<&Element> = all.filter(wanted).collect();
        found.sort_by_key(|element| element.name.to_lowercase());
        found
    }

    /// The client's id and secret are filled in where neither is given.
    fn has_stored_client(&self, element: &Element) -> bool {
        let given = |key: &&str| self.known(key).is_some() || self.stored_value(key).is_some();
        self.with_client.contains(&element.key) && !CLIENT_ENTRIES.iter().any(given)
    }

    /// What is known of an entry without asking the person: given along, or stored.
    fn known(&self, key: &str) -> Option<String> {
        let given = self
            .contents
            .configuration
            .get(key)
            .map(|value| match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            });
        given.filter(|text| !text.is_empty())
    }
}

impl Contents {
    /// Where the browser goes in the end.
    fn back(&self, status: &str, instance: Option<InstanceId>) -> Option<String> {
        let mut url = url::Url::parse(self.return_url.as_deref()?).ok()?;
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("status", status);
            if let Some(instance) = instance {
                query.append_pair("instanceId", &instance.to_string());
            }
            if let Some(state) = &self.state {
                query.append_pair("state", state);
            }
        }
        Some(url.into())
    }
}

fn who(link: &ConnectLink) -> Who {
    let user: &FoundUser = &link.user;
    Who {
        organization: link.organization,
        account: user.account,
        user: user.id,
        admin: user.roles.iter().any(|role| role == "org-admin"),
    }
}

fn place(organization: OrganizationId, row: Uuid, column: &'static str) -> Place<'static> {
    Place {
        organization,
        table: "connect_links",
        row,
        column,
    }
}

async fn contents(app: &App, link: &ConnectLink) -> Result<Option<Contents>> {
    let Some(sealed) = &link.contents_sealed else {
        return Ok(None);
    };
    let keys = tenancy::keys(app, link.organization).await?;
    let opened = keys.open(&place(link.organization, link.row_id, CONTENTS), sealed)?;
    serde_json::from_slice(&opened).map_err(Error::internal)
}

async fn sealed(
    app: &App,
    organization: OrganizationId,
    row: Uuid,
    column: &'static str,
    value: &impl Serialize,
) -> Result<Vec<u8>> {
    let json = serde_json::to_vec(value).map(zeroize::Zeroizing::new);
    let json = json.map_err(Error::internal)?;
    let keys = tenancy::keys(app, organization).await?;
    Ok(keys.seal(&place(organization, row, column), &json))
}

/// Proves that a form was sent by the browser that it was shown to: known only to who has the
/// cookie, and made for one link.
pub fn form_token(app: &App, cookie: &Secret, link: &Secret) -> String {
    use std::fmt::Write as _;
    let fingerprint = app
        .vault()
        .fingerprint(SecretKind::ConnectForm, &both(cookie, link));
    fingerprint
        .hmac
        .iter()
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

/// # Errors
/// 403.
pub fn check_form_token(app: &App, cookie: &Secret, link: &Secret, given: &str) -> Result<()> {
    let expected = app
        .vault()
        .fingerprints(SecretKind::ConnectForm, &both(cookie, link));
    // Compared as HMACs of what was given: how long that takes tells nothing about them.
    let mark = |text: &str| {
        app.vault()
            .fingerprint(SecretKind::ConnectForm, &Secret::new(text))
    };
    let hex = |hmac: &[u8]| {
        hmac.iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let given = mark(given);
    match expected.iter().any(|one| mark(&hex(&one.hmac)) == given) {
        true => Ok(()),
        false => Err(Error::Forbidden(
            "This form was not sent by the page that it belongs to. Open the link again.".into(),
        )),
    }
}

fn both(cookie: &Secret, link: &Secret) -> Secret {
    Secret::new(format!("{}\n{}", cookie.reveal(), link.reveal()))
}
