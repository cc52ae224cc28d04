//! The walk to a vendor's page and back. Its `state` is random, good once, and bound to the link
//! and to the browser that set out, so that nobody ends up with somebody else's account.

use std::net::IpAddr;

use bunsen_engine::element::oauth::CLIENT_ENTRIES;
use bunsen_engine::element::{Element, Group};
use bunsen_engine::oauth;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

use super::complete::{Attempt, Difference, Given, connect};
use super::{Done, Opened, Opening, WALK, find, opened, place, sealed};
use crate::app::{App, shortened};
use crate::error::{Error, Result};
use crate::ids::{OrganizationId, Secret, SecretKind};
use crate::provisioning::{self, BrowserPage};
use crate::tenancy;

/// What is kept while somebody is away, sealed.
#[derive(Serialize, Deserialize)]
struct Walk {
    /// The cookie of the browser that set out.
    browser: String,
    link: String,
    element: String,
    way: String,
    values: Map<String, Value>,
    /// Where the vendor's page was given its challenge.
    verifier: Option<String>,
    /// OAuth 1's token of the page, and its secret.
    #[serde(default)]
    request_token: Option<(String, String)>,
    /// What an answer must say that it comes from, where the vendor says it.
    #[serde(default)]
    issuer: Option<String>,
    #[serde(default)]
    other_account: bool,
}

/// What somebody sets out with.
pub struct Choice<'a> {
    pub element: &'a Element,
    pub group: &'a Group,
    pub values: Map<String, Value>,
    /// Another account than before is meant.
    pub other_account: bool,
}

/// What the vendor's page sends a browser back with.
#[derive(Debug, Default)]
pub struct Returned {
    pub state: Option<Secret>,
    pub code: Option<Secret>,
    /// OAuth 1's two.
    pub token: Option<Secret>,
    pub verifier: Option<Secret>,
    /// Who says that it answers.
    pub issuer: Option<String>,
    pub error: Option<String>,
    pub description: Option<String>,
}

#[derive(Debug)]
pub enum Back {
    /// Connected; to the link's last page.
    Connected(Secret),
    /// The link has done its work already.
    Used(Box<Done>),
    Expired(OrganizationId),
    /// The vendor's page said no, and perhaps why.
    Denied(Box<Opened>, Place, Option<String>),
    /// The vendor, or we, could not go on.
    Failed(Box<Opened>, Place, Error),
    /// It was another account than before, and nobody had said so.
    OtherAccount(Box<Opened>, Given, Difference),
    /// The answer is not that of the page that somebody was sent to.
    Foreign(Box<Opened>, Place),
    /// This step has been made before.
    Over,
    OtherBrowser,
    Unknown,
}

/// Where on its link somebody was.
#[derive(Debug, Clone)]
pub struct Place {
    pub element: String,
    pub way: String,
}

/// Where a vendor sends browsers back to.
pub fn callback_url(app: &App) -> String {
    format!("{}/connect/callback", app.outside().public_url)
}

/// The vendor's page for this person.
pub async fn set_out(
    app: &App,
    opened: &Opened,
    choice: Choice<'_>,
    browser: &Secret,
) -> Result<Url> {
    let (element, group) = (choice.element, choice.group);
    let state = app.vault().new_session_token();
    let verifier = app.vault().new_session_token();
    let mut words = words(app, opened, &choice, &state);
    let who = Some(opened.who());
    let mut request_token = None;
    if group.is_oauth1() {
        let page = BrowserPage::new(words.clone());
        let given = provisioning::request_token(app, who, element, page).await?;
        let token = given.token.reveal().to_owned();
        words.push(("requestToken".to_owned(), token.clone()));
        request_token = Some((token, given.secret.reveal().to_owned()));
    }
    let page = BrowserPage::new(words);
    let (url, takes) =
        provisioning::page_with_challenge(app, who, element, page, &verifier).await?;
    let walk = Walk {
        browser: browser.reveal().to_owned(),
        link: opened.token.reveal().to_owned(),
        element: element.key.clone(),
        way: group.name.clone(),
        issuer: issuer(opened, &choice),
        values: choice.values,
        verifier: takes.then(|| verifier.reveal().to_owned()),
        request_token,
        other_account: choice.other_account,
    };
    let link = &opened.link;
    let sealed = sealed(app, link.organization, link.row_id, WALK, &walk).await?;
    let state = app.vault().fingerprint(SecretKind::ConnectState, &state);
    let store = app.store().org(link.organization);
    if !store.begin_connect_walk(link.id, &state, &sealed).await? {
        return Err(Error::Conflict("This link has been used meanwhile.".into()));
    }
    Ok(url)
}

/// Typed, given along, or stored.
fn known(opened: &Opened, choice: &Choice<'_>, key: &str) -> Option<String> {
    let typed = choice.values.get(key).and_then(Value::as_str);
    let stored = || opened.stored_value(key).map(str::to_owned);
    let typed = typed.map(str::to_owned);
    typed.or_else(|| opened.known(key)).or_else(stored)
}

fn issuer(opened: &Opened, choice: &Choice<'_>) -> Option<String> {
    let entries = choice.element.entries_of(choice.group);
    let values = entries.filter_map(|entry| {
        let value = known(opened, choice, &entry.key)?;
        Some((entry.key.clone(), choice.element.value(&entry.key, value)))
    });
    oauth::issuer(choice.element, choice.group, &values.collect())
}

fn words(app: &App, opened: &Opened, choice: &Choice<'_>, state: &Secret) -> Vec<(String, String)> {
    let (element, group) = (choice.element, choice.group);
    let known = |key: &str| known(opened, choice, key);
    let mut callback = callback_url(app);
    if group.is_oauth1() {
        // Its pages know no state; what they add goes behind a query that is there (RFC 5849, 2.2).
        callback = format!("{callback}?state={}", state.reveal());
    }
    let default = |key: &str| element.entry(key).and_then(|entry| entry.default.clone());
    let [id, secret] = CLIENT_ENTRIES.map(|key| known(key).or_else(|| default(key)));
    // It is not sent to the page; a public client has none. Without an id the stored one counts.
    let secret = id
        .as_ref()
        .map(|_| secret.unwrap_or_else(|| "none".to_owned()));
    let mut words = vec![
        ("apiKey".to_owned(), id.unwrap_or_default()),
        ("apiSecret".to_owned(), secret.unwrap_or_default()),
        ("callbackUrl".to_owned(), callback),
        ("state".to_owned(), state.reveal().to_owned()),
        ("authentication.type".to_owned(), group.name.clone()),
    ];
    if let Some(scope) = opened.known("oauth.scope") {
        words.push(("scope".to_owned(), scope));
    }
    for entry in element.entries_of(group) {
        let taken = matches!(entry.key.as_str(), "oauth.scope" | "oauth.callback.url");
        let hidden = entry.internal || entry.group_control || element.is_secret(&entry.key);
        if let Some(value) = known(&entry.key).filter(|_| !taken && !hidden) {
            words.push((entry.key.clone(), value));
        }
    }
    words
}

/// # Errors
/// 503 and the like; a walk that leads nowhere is no error.
pub async fn come_back(
    app: &App,
    browser: Option<&Secret>,
    returned: Returned,
    address: IpAddr,
) -> Result<Back> {
    let Some(state) = &returned.state else {
        return Ok(Back::Unknown);
    };
    let Some(link) = find(app, SecretKind::ConnectState, state).await? else {
        return Ok(Back::Unknown);
    };
    let (id, organization) = (link.id, link.organization);
    let mark = |secret: &Secret| app.vault().fingerprint(SecretKind::ConnectForm, secret);
    let Some(sealed) = link.walk_sealed.clone() else {
        return Ok(match opened(app, link, Secret::new("")).await? {
            // Where the application lies, and its own word for it, is for who was sent from there.
            Opening::Used(done) if done.is_of(app, browser) => Back::Used(done),
            Opening::Used(done) if done.browser.is_some() => Back::OtherBrowser,
            Opening::Used(_) => Back::Over,
            Opening::Unknown => Back::Unknown,
            Opening::Expired(organization) => Back::Expired(organization),
            Opening::Ready(_) => Back::Over,
        });
    };
    let keys = tenancy::keys(app, organization).await?;
    let clear = keys.open(&place(organization, link.row_id, WALK), &sealed)?;
    let walk: Walk = serde_json::from_slice(&clear).map_err(Error::internal)?;
    // Compared as HMACs, so that the time it takes tells nothing. Whoever has another cookie does
    // not end the walk either.
    if browser.is_none_or(|browser| mark(browser) != mark(&Secret::new(walk.browser.as_str()))) {
        return Ok(Back::OtherBrowser);
    }
    let opened = match opened(app, link, Secret::new(walk.link.as_str())).await? {
        Opening::Ready(opened) => opened,
        Opening::Used(done) => return Ok(Back::Used(done)),
        Opening::Expired(organization) => return Ok(Back::Expired(organization)),
        Opening::Unknown => return Ok(Back::Unknown),
    };
    let store = app.store().org(organization);
    if !store.end_connect_walk(id, &sealed).await? {
        return Ok(Back::Over);
    }
    let place = Place {
        element: walk.element.clone(),
        way: walk.way.clone(),
    };
    if !walk.is_answered_by(&returned) {
        let failure = "The answer was not that of the vendor's page.";
        store.connect_link_failed(id, failure).await?;
        return Ok(Back::Foreign(opened, place));
    }
    let brought = match (&returned.error, walk.brought(app, &returned)) {
        (None, Some(brought)) => brought,
        _ => {
            // The error's code is for programs.
            let said = returned.description.as_deref().map(shortened);
            store
                .connect_link_failed(id, "Access was not allowed on the vendor's page.")
                .await?;
            return Ok(Back::Denied(opened, place, said));
        }
    };
    let attempt = async {
        app.gate().attempt(address, &opened.name()).await?;
        let element = opened.element(app, &place.element)?;
        let group = opened.group_of_way(app, element, &place.way)?;
        let mut values = walk.values.clone();
        values.insert("oauth.callback.url".to_owned(), callback_url(app).into());
        let attempt = Attempt {
            values,
            brought: Some(brought),
            browser: Some(walk.browser.clone()),
            other_account: walk.other_account,
        };
        connect(app, &opened, element, group, &attempt).await?;
        app.gate().succeeded(address, &opened.name()).await;
        Ok(opened.token.clone())
    };
    match attempt.await {
        Ok(token) => Ok(Back::Connected(token)),
        Err(Error::OtherAccount(other)) => {
            let given = walk.given();
            Ok(Back::OtherAccount(opened, given, Difference::from(&*other)))
        }
        Err(error) => Ok(Back::Failed(opened, place, error)),
    }
}

impl Walk {
    /// Whether it is the page that somebody was sent to which has sent them back.
    fn is_answered_by(&self, returned: &Returned) -> bool {
        let same_token = match (&self.request_token, &returned.token) {
            (Some((asked, _)), Some(token)) => asked == token.reveal(),
            // Who says no is not always sent back with the token.
            _ => true,
        };
        same_token && (self.issuer.is_none() || self.issuer == returned.issuer)
    }

    /// What the log-in begins with; `None`: access was not allowed.
    fn brought(&self, app: &App, returned: &Returned) -> Option<Value> {
        if let Some((_, secret)) = &self.request_token {
            return Some(json!({
                "oauth_token": returned.token.as_ref()?.reveal(),
                "oauth_verifier": returned.verifier.as_ref()?.reveal(),
                "secret": secret,
            }));
        }
        Some(json!({
            "code": returned.code.as_ref()?.reveal(),
            "code_verifier": self.verifier,
            "redirect_uri": callback_url(app),
        }))
    }

    /// The form as it was sent, to be shown again.
    fn given(&self) -> Given {
        let texts = self.values.iter().filter_map(|(key, value)| {
            let text = value.as_str()?;
            Some((key.clone(), text.to_owned()))
        });
        Given {
            element: self.element.clone(),
            way: self.way.clone(),
            values: texts.collect(),
            other_account: false,
        }
    }
}
