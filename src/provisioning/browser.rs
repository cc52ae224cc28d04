//! The addresses of a vendor's page where a person allows access, and what OAuth 1 needs before.
//! Nothing is stored: whoever asks keeps what comes back, and sends it with the create.

use std::collections::BTreeMap;

use bunsen_engine::configuration::{AUTHENTICATION_TYPE, Value, Values};
use bunsen_engine::element::oauth::{ACCESS_TOKEN, TOKEN_SECRET};
use bunsen_engine::element::{Element, Group, Login, ResourceKind};
use bunsen_engine::oauth;
use serde_json::{Map, Value as Json};
use url::Url;

use crate::app::App;
use crate::credentials::grants;
use crate::error::{Error, Result};
use crate::exchange::{self, Session};
use crate::ids::{OrganizationId, Secret};
use crate::outbound::Grant;
use crate::provisioning::request::mistaken;

/// Bytes of an address that every browser opens.
const URL_LIMIT: usize = 8192;

/// The words of a request, and what they are to the vendor and in a configuration.
const NAMES: &[(&str, &str, Option<&str>)] = &[
    ("apiKey", "client_id", Some("oauth.api.key")),
    ("apiSecret", "client_secret", Some("oauth.api.secret")),
    ("callbackUrl", "redirect_uri", Some("oauth.callback.url")),
    ("scope", "scope", Some("oauth.scope")),
    ("state", "state", None),
    ("requestToken", "oauth_token", None),
    ("codeChallenge", "code_challenge", None),
];

/// The first of the names have no default.
const REQUIRED: usize = 3;

/// What is asked for, as the query or the body says it. Holds a client's secret, so it does not
/// print.
pub struct BrowserPage(BTreeMap<String, String>);

impl std::fmt::Debug for BrowserPage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BrowserPage({} words)", self.0.len())
    }
}

/// OAuth 1's token of the page, and the secret that goes with it.
#[derive(Debug)]
pub struct RequestToken {
    pub token: Secret,
    pub secret: Secret,
}

impl BrowserPage {
    /// Empty words count as absent.
    pub fn new(words: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(
            words
                .into_iter()
                .filter(|(_, text)| !text.is_empty())
                .collect(),
        )
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn refuse_incomplete(&self) -> Result<()> {
        let missing: Vec<&str> = NAMES
            .iter()
            .take(REQUIRED)
            .map(|(name, ..)| *name)
            .filter(|name| self.get(name).is_none())
            .collect();
        if !missing.is_empty() {
            return Err(Error::Invalid(format!(
                "The following required parameters are missing: {}",
                missing.join(", ")
            )));
        }
        for name in ["isOauthProxy", "isOAuthProxy"] {
            if self
                .get(name)
                .is_some_and(|text| text.eq_ignore_ascii_case("true"))
            {
                return Err(Error::Invalid(format!(
                    "'{name}': OAuth proxies are not supported yet; leave it out and give your own \
                     callbackUrl."
                )));
            }
        }
        Ok(())
    }

    /// What goes to the vendor, and the configuration that says where.
    fn parts(&self, element: &Element) -> Result<(Values, Values)> {
        let mut brought = Values::new();
        let mut configuration = Map::new();
        for (name, text) in &self.0 {
            if let Some((_, sent, key)) = NAMES.iter().find(|(known, ..)| known == name) {
                brought.insert((*sent).to_owned(), Value::Secret(Secret::new(text)));
                configuration.extend(key.map(|key| (key.to_owned(), Json::from(text.as_str()))));
            } else {
                configuration.insert(self.key(element, name), Json::from(text.as_str()));
            }
        }
        let configuration = element.accept(&configuration).map_err(mistaken)?;
        Ok((configuration, brought))
    }

    /// `siteAddress` means the entry `site.address`, unless there is one of that very name.
    fn key(&self, element: &Element, name: &str) -> String {
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

    /// The log-in that is named, else the first that needs a person.
    fn group<'a>(&self, element: &'a Element) -> Result<&'a Group> {
        let has_page = |group: &&Group| {
            element
                .call(group, ResourceKind::OauthOnAuthorizeUrl)
                .is_some()
        };
        let group = match self.get(AUTHENTICATION_TYPE) {
            Some(name) => element.group(name).filter(has_page),
            None => {
                let mut groups = element.groups.iter();
                groups.find(|group| group.needs_person() && has_page(group))
            }
        };
        group.ok_or_else(|| {
            let pages: Vec<&str> = element
                .groups
                .iter()
                .filter(has_page)
                .map(|group| group.name.as_str())
                .collect();
            let (key, named) = (&element.key, self.get(AUTHENTICATION_TYPE).is_some());
            Error::Invalid(match (pages.as_slice(), named) {
                ([], _) => format!("Element '{key}' has no log-in with a browser."),
                (pages, _) => format!(
                    "'{AUTHENTICATION_TYPE}' must name a log-in with a browser: {}.",
                    pages.join(", ")
                ),
            })
        })
    }
}

/// The address to open. In sandbox mode it leads to the simulated vendor.
///
/// # Errors
/// 400 naming everything that is missing or wrong.
pub fn page_in_browser(app: &App, element: &Element, page: &BrowserPage) -> Result<Url> {
    page.refuse_incomplete()?;
    let group = page.group(element)?;
    let (configuration, brought) = page.parts(element)?;
    let oauth = group.oauth.as_ref();
    if group.is_oauth1() && !brought.contains_key("oauth_token") {
        return Err(Error::Invalid(format!(
            "Missing required parameter: 'requestToken', the token that GET \
             /elements/{}/oauth/token answers.",
            element.key
        )));
    }
    if oauth.is_some_and(|oauth| oauth.pkce) && !brought.contains_key("code_challenge") {
        return Err(Error::Invalid(
            "Missing required parameter: 'codeChallenge', the S256 challenge of a code verifier; \
             send the verifier as providerData.code_verifier with the create."
                .into(),
        ));
    }
    let url = oauth::authorize_url(element, group, &configuration, &brought)
        .ok_or_else(|| Error::internal("a group lost its page"))?
        .map_err(exchange::unbuilt)?;
    if url.as_str().len() > URL_LIMIT {
        let message = format!("The address would be longer than {URL_LIMIT} bytes.");
        return Err(Error::Invalid(message));
    }
    Ok(app.outbound().for_browser(&url))
}

/// Asks the vendor for OAuth 1's request token.
///
/// # Errors
/// 400 for an element whose log-ins are none of OAuth 1, and for what is missing or wrong; the
/// vendor's refusal.
pub async fn request_token(
    app: &App,
    element: &Element,
    page: &BrowserPage,
) -> Result<RequestToken> {
    // Nobody in particular asks, so nobody's grants to private addresses count.
    ask_for_token(app, element, page, &[]).await
}

/// The same for an organization, whose grants count.
///
/// # Errors
/// As [`request_token`].
pub async fn request_token_for(
    app: &App,
    organization: OrganizationId,
    element: &Element,
    page: &BrowserPage,
) -> Result<RequestToken> {
    let grants = grants(app, organization, element).await?;
    ask_for_token(app, element, page, &grants).await
}

async fn ask_for_token(
    app: &App,
    element: &Element,
    page: &BrowserPage,
    grants: &[Grant],
) -> Result<RequestToken> {
    let named = page.get(AUTHENTICATION_TYPE);
    let mut groups = element.groups.iter();
    let is_meant =
        |group: &&Group| group.is_oauth1() && named.is_none_or(|name| name == group.name);
    let Some(group) = groups.find(is_meant) else {
        return Err(Error::Invalid(format!(
            "Element '{}' has no log-in by OAuth 1, which alone has request tokens; ask for \
             /oauth/url.",
            element.key
        )));
    };
    page.refuse_incomplete()?;
    let (configuration, brought) = page.parts(element)?;
    let login = Login {
        brought,
        ..Login::default()
    };
    let session = Session {
        outbound: app.outbound(),
        element,
        group,
        grants,
    };
    let given = exchange::request_token(&session, &login, &configuration).await?;
    let text = |key: &str| {
        let value = given.get(key).map(|value| Secret::new(value.reveal()));
        value.ok_or_else(|| Error::internal("a request token without its parts"))
    };
    Ok(RequestToken {
        token: text(ACCESS_TOKEN)?,
        secret: text(TOKEN_SECRET)?,
    })
}
