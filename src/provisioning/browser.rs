//! The addresses of a vendor's page where a person allows access, and what OAuth 1 needs before.
//! Nothing is stored: whoever asks keeps what comes back, and sends it with the create.

use std::collections::BTreeMap;

use bunsen_engine::configuration::{AUTHENTICATION_TYPE, Value, Values};
use bunsen_engine::element::oauth::{ACCESS_TOKEN, CLIENT_ID, CLIENT_SECRET, TOKEN_SECRET};
use bunsen_engine::element::{Element, Group, Login, ResourceKind};
use bunsen_engine::oauth::code_challenge;
use futures_util::FutureExt as _;
use serde_json::{Map, Value as Json};
use url::Url;

use crate::app::App;
use crate::clients::{self, Client, proxies};
use crate::credentials::grants;
use crate::error::{Error, Result};
use crate::exchange::{self, Session};
use crate::hooks::Runner;
use crate::ids::Secret;
use crate::outbound::Grant;
use crate::provisioning::Who;
use crate::provisioning::authorization::{entry_named, needs_verifier};
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

/// Of these, the client's own, which go together and stay here where they are stored.
const CLIENT_WORDS: &[&str] = &["apiKey", "apiSecret"];

/// Say how the page is asked for, and nothing of what is asked.
const PROXY_WORDS: &[&str] = &[
    "isOauthProxy",
    "isOAuthProxy",
    "oauthProxyName",
    "callbackProxy",
];

const NOBODYS_PROXY: Error = Error::Unauthenticated(
    "An OAuth proxy belongs to an organization: send the User and Organization secrets.",
);

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

    /// The members of a body that are texts, or can be written as one.
    ///
    /// # Errors
    /// 400 for a NUL character.
    pub fn of_body(body: Map<String, Json>) -> Result<Self> {
        let mut words = Vec::new();
        for (name, value) in body {
            words.push(match value {
                Json::Null => continue,
                Json::String(text) if text.contains('\0') => {
                    let name = name.escape_debug();
                    return Err(Error::Invalid(format!(
                        "'{name}' holds a NUL character; remove it."
                    )));
                }
                Json::String(text) => (name, text),
                other => (name, other.to_string()),
            });
        }
        Ok(Self::new(words))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Fills in what is kept for who asks: a proxy's address and client, the client in force.
    ///
    /// # Errors
    /// 400 with everything that is missing, and for a proxy that does not exist or does not allow
    /// the application; 401 for a proxy that nobody in particular asks for.
    async fn complete(
        mut self,
        app: &App,
        who: Option<Who>,
        element: &Element,
    ) -> Result<(Self, Option<Client>)> {
        let own = self.get("apiKey").is_some() || self.get("apiSecret").is_some();
        let mut client = None;
        if self.is_by_proxy() {
            let who = who.ok_or(NOBODYS_PROXY)?;
            let name = self.get("oauthProxyName").unwrap_or_default();
            let proxy = proxies::named(app, who.organization, name).await?;
            proxies::allowed(&proxy, self.get("state").unwrap_or_default())?;
            let url = proxies::callback_url(app, who.organization, proxy.id);
            if self.get("callbackUrl").is_some_and(|given| given != url) {
                return Err(Error::Invalid(format!(
                    "'callbackUrl' must be the proxy's own, {url}; leave it out."
                )));
            }
            self.0.insert("callbackUrl".to_owned(), url);
            if !own {
                client = clients::of_proxy(app, who.organization, proxy.id, element).await?;
            }
        }
        if let (Some(who), None, false) = (who, &client, own)
            && element.entry(CLIENT_ID).is_some()
        {
            client = clients::in_force(app, who.organization, who.account, element).await?;
        }
        for word in PROXY_WORDS {
            self.0.remove(*word);
        }
        if let Some(client) = &client {
            for (word, _, key) in NAMES {
                let value = key.and_then(|key| client.values.get(key));
                if let (Some(value), false) = (value, CLIENT_WORDS.contains(word)) {
                    let word = self.0.entry((*word).to_owned());
                    word.or_insert_with(|| value.reveal().to_owned());
                }
            }
        }
        let public = self.group(element).is_ok_and(Group::may_be_public);
        let needed = NAMES.iter().take(REQUIRED).map(|(name, ..)| *name);
        let missing: Vec<&str> = needed
            .filter(|name| self.get(name).is_none())
            .filter(|name| client.is_none() || !CLIENT_WORDS.contains(name))
            .filter(|name| !(public && *name == "apiSecret"))
            .collect();
        if missing.is_empty() {
            return Ok((self, client));
        }
        Err(Error::Invalid(format!(
            "The following required parameters are missing: {}",
            missing.join(", ")
        )))
    }

    fn is_by_proxy(&self) -> bool {
        let names = ["isOauthProxy", "isOAuthProxy"].iter();
        let mut given = names.filter_map(|name| self.get(name));
        given.any(|text| text.eq_ignore_ascii_case("true"))
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
                configuration.insert(entry_named(element, name), Json::from(text.as_str()));
            }
        }
        let configuration = element.accept(&configuration).map_err(mistaken)?;
        Ok((configuration, brought))
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

/// The address to open, for whoever asks. In sandbox mode it leads to the simulated vendor.
///
/// # Errors
/// 400 naming everything that is missing or wrong; 401 for a proxy that nobody in particular asks
/// for.
pub async fn page_in_browser(
    app: &App,
    who: Option<Who>,
    element: &Element,
    page: BrowserPage,
) -> Result<Url> {
    let by_proxy = page.is_by_proxy();
    let (page, client) = page.complete(app, who, element).await?;
    let group = page.group(element)?;
    if by_proxy && group.is_oauth1() {
        return Err(Error::Invalid(
            "An OAuth proxy needs a 'state' that the vendor sends back, which OAuth 1 does not know; \
             give your own callbackUrl."
                .into(),
        ));
    }
    let (mut configuration, brought) = page.parts(element)?;
    let stored_secret = client.as_ref().map(|client| &client.values);
    let stored_secret = stored_secret.is_some_and(|values| values.contains_key(CLIENT_SECRET));
    let has_secret = stored_secret || brought.contains_key("client_secret");
    if let Some(client) = &client {
        configuration = exchange::with_client(&client.values, configuration);
        // Nothing of a page needs it.
        configuration.remove(CLIENT_SECRET);
    }
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
    // Nothing else would say with the code who comes, and a page is asked for only once.
    if !has_secret
        && group.may_be_public()
        && needs_verifier(element, group)
        && !brought.contains_key("code_challenge")
    {
        return Err(Error::Invalid(format!(
            "Missing required parameter: 'codeChallenge'. A client without a secret proves itself by \
             it: the S256 challenge of a code verifier, which goes with the create as \
             providerData.code_verifier. Or give 'apiSecret'; where the client is stored, GET \
             /elements/{}/oauth/url/default makes both.",
            element.key
        )));
    }
    let session = session_of(app, who, (element, group), &[]);
    let page = exchange::page(&session, &configuration, &brought);
    let mut url = page
        .boxed()
        .await?
        .ok_or_else(|| Error::internal("a group lost its page"))?;
    // A definition whose exchange takes the verifier speaks of a vendor that also takes what it is
    // checked with, demanded or not.
    let challenge = brought
        .get("code_challenge")
        .filter(|_| element.takes_verifier(group));
    if let Some(challenge) = challenge
        && !url.query_pairs().any(|(name, _)| name == "code_challenge")
    {
        url.query_pairs_mut()
            .append_pair("code_challenge", challenge.reveal())
            .append_pair("code_challenge_method", "S256");
    }
    if url.as_str().len() > URL_LIMIT {
        let message = format!("The address would be longer than {URL_LIMIT} bytes.");
        return Err(Error::Invalid(message));
    }
    Ok(app.outbound().for_browser(&url))
}

/// The same with the challenge that a code verifier meets, where the exchange of the code takes one;
/// `true`: it does, and wants the verifier.
///
/// # Errors
/// As [`page_in_browser`].
pub async fn page_with_challenge(
    app: &App,
    who: Option<Who>,
    element: &Element,
    page: BrowserPage,
    verifier: &Secret,
) -> Result<(Url, bool)> {
    let challenge = code_challenge(verifier.reveal());
    let mut page = page;
    page.0.insert("codeChallenge".to_owned(), challenge);
    let takes = element.takes_verifier(page.group(element)?);
    let url = page_in_browser(app, who, element, page).await?;
    let has_challenge = url.query_pairs().any(|(name, _)| name == "code_challenge");
    Ok((url, takes || has_challenge))
}

/// The page for the stored client, and the secret that the create has to bring back as
/// `providerData.secret`: of OAuth 1 the request token's, otherwise what the page's challenge was
/// made of.
///
/// # Errors
/// 400 when there is no stored client, and as [`page_in_browser`].
pub async fn default_page(
    app: &App,
    who: Who,
    element: &Element,
    mut page: BrowserPage,
) -> Result<(Url, Secret)> {
    for word in CLIENT_WORDS {
        page.0.remove(*word);
    }
    if !page.is_by_proxy()
        && clients::in_force(app, who.organization, who.account, element)
            .await?
            .is_none()
    {
        return Err(Error::Invalid(format!(
            "No OAuth client is stored for element '{key}'. An administrator stores one with PUT \
             /elements/{key}/oauth/client; with one of your own ask for /elements/{key}/oauth/url.",
            key = element.key
        )));
    }
    if !page.group(element)?.is_oauth1() {
        let verifier = app.vault().new_session_token();
        let (url, _) = page_with_challenge(app, Some(who), element, page, &verifier).await?;
        return Ok((url, verifier));
    }
    let asked = BrowserPage(page.0.clone());
    let given = request_token(app, Some(who), element, asked).await?;
    let token = given.token.reveal().to_owned();
    page.0.insert("requestToken".to_owned(), token);
    let url = page_in_browser(app, Some(who), element, page).await?;
    Ok((url, given.secret))
}

fn session_of<'a>(
    app: &'a App,
    who: Option<Who>,
    (element, group): (&'a Element, &'a Group),
    grants: &'a [Grant],
) -> Session<'a> {
    Session {
        outbound: app.outbound(),
        element,
        group,
        grants,
        runner: who.map(|who| Runner {
            scripts: app.scripts(),
            organization: who.organization,
        }),
    }
}

/// Asks the vendor for OAuth 1's request token.
///
/// # Errors
/// 400 for an element whose log-ins are none of OAuth 1, and for what is missing or wrong; the
/// vendor's refusal.
pub async fn request_token(
    app: &App,
    who: Option<Who>,
    element: &Element,
    page: BrowserPage,
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
    // Where nobody in particular asks, nobody's grants to private addresses count.
    let grants = match who {
        Some(who) => grants(app, who.organization, element).await?,
        None => Vec::new(),
    };
    let (page, client) = page.complete(app, who, element).await?;
    let client = client.as_ref().map(|client| &client.values);
    let (configuration, brought) = page.parts(element)?;
    let login = Login {
        brought,
        ..Login::default()
    };
    let session = session_of(app, who, (element, group), &grants);
    let given = exchange::request_token(&session, &login, &configuration, client).await?;
    let text = |key: &str| {
        let value = given.get(key).map(|value| Secret::new(value.reveal()));
        value.ok_or_else(|| Error::internal("a request token without its parts"))
    };
    Ok(RequestToken {
        token: text(ACCESS_TOKEN)?,
        secret: text(TOKEN_SECRET)?,
    })
}
