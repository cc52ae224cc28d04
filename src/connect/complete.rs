//! What a person has sent: checked, then the vendor is asked and the instance made or changed.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use bunsen_engine::configuration::AUTHENTICATION_TYPE;
use bunsen_engine::element::oauth::SCOPE;
use bunsen_engine::element::people::ACCOUNT_NAME;
use bunsen_engine::element::{Element, Group, OtherAccount, ResourceKind, Source, Target};
use serde_json::{Map, Value, json};
use url::Url;

use super::{CONTENTS, Contents, Opened, form, sealed, told, walk, ways};
use crate::app::App;
use crate::error::{Error, Result};
use crate::ids::Secret;
use crate::provisioning::{self, InstanceRequest};
use crate::store::RequestKey;

/// How long a click waits for the one before it.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(250);

/// A form as sent. Holds passwords.
pub struct Given {
    pub element: String,
    pub way: String,
    pub values: BTreeMap<String, String>,
    /// The person knows that it is another account than before, and wants it.
    pub other_account: bool,
}

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Given")
            .field("element", &self.element)
            .field("way", &self.way)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub enum Submitted {
    Connected,
    /// To the vendor's page.
    Leave(Url),
    /// Fields to correct, and how.
    Mistaken(Vec<(String, String)>),
    /// It is another account than the one that was connected so far.
    OtherAccount(Vec<Difference>),
}

/// What tells another account from the one that was connected so far.
#[derive(Debug, Clone)]
pub struct Difference {
    pub label: String,
    pub before: String,
    pub now: String,
}

impl From<&OtherAccount> for Difference {
    fn from(other: &OtherAccount) -> Self {
        Self {
            label: "Account".to_owned(),
            before: other.before.clone(),
            now: other.now.clone(),
        }
    }
}

/// # Errors
/// Whatever creating or changing an instance says; 404 for what this link does not offer; 429.
pub async fn submit(
    app: &App,
    opened: &Opened,
    given: &Given,
    browser: &Secret,
    address: IpAddr,
) -> Result<Submitted> {
    let element = opened.element(app, &given.element)?;
    let group = opened.group_of_way(app, element, &given.way)?;
    let form = form(opened, element, group, &given.values);
    let mut values = Map::new();
    let mut mistakes = Vec::new();
    let mut others = Vec::new();
    for field in &form.fields {
        let typed = given.values.get(&field.key).map_or("", String::as_str);
        if let Some(why) = field.refusal(typed) {
            mistakes.push((field.key.clone(), why.to_owned()));
        }
        if typed.is_empty() {
            continue;
        }
        if let Some(before) = opened.shown_value(element, &field.key)
            && element.names_account(&field.key)
            && !element.same_value(&field.key, before, typed)
        {
            others.push(Difference {
                label: field.label.clone(),
                before: before.to_owned(),
                now: typed.to_owned(),
            });
        }
        values.insert(field.key.clone(), Value::from(typed));
    }
    if !mistakes.is_empty() {
        return Ok(Submitted::Mistaken(mistakes));
    }
    if !others.is_empty() && !given.other_account {
        return Ok(Submitted::OtherAccount(others));
    }
    app.gate().attempt(address, &opened.name()).await?;
    if group.needs_person() {
        let choice = walk::Choice {
            element,
            group,
            values,
            other_account: given.other_account,
        };
        let url = walk::set_out(app, opened, choice, browser).await;
        if let Err(error) = &url {
            failed(app, opened, element, group, error).await?;
        }
        return Ok(Submitted::Leave(url?));
    }
    let attempt = Attempt {
        values,
        brought: None,
        browser: Some(browser.reveal().to_owned()),
        other_account: given.other_account,
    };
    match patiently(app, opened, element, group, &attempt).await {
        Ok(()) => {}
        Err(Error::OtherAccount(other)) => {
            return Ok(Submitted::OtherAccount(vec![Difference::from(&*other)]));
        }
        Err(error) => return Err(error),
    }
    app.gate().succeeded(address, &opened.name()).await;
    Ok(Submitted::Connected)
}

/// A second click comes while the first one is being worked on, whose answer the browser no longer
/// wants to see: the second waits for it.
async fn patiently(
    app: &App,
    opened: &Opened,
    element: &Element,
    group: &Group,
    attempt: &Attempt,
) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    loop {
        let outcome = connect(app, opened, element, group, attempt).await;
        if !matches!(outcome, Err(Error::InFlight { .. })) || Instant::now() >= end {
            return outcome;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// What a person has given, on this page or at the vendor's.
pub(super) struct Attempt {
    pub values: Map<String, Value>,
    /// What the vendor's page sent back.
    pub brought: Option<Value>,
    /// The cookie of the person's browser.
    pub browser: Option<String>,
    pub other_account: bool,
}

/// Makes the instance, or connects the one there is again, and notes it down at the link. Once for
/// each link, however often it is tried at the same time or after a crash.
pub(super) async fn connect(
    app: &App,
    opened: &Opened,
    element: &Element,
    group: &Group,
    attempt: &Attempt,
) -> Result<()> {
    let mut configuration = opened.contents.configuration.clone();
    configuration.extend(attempt.values.clone());
    if element.groups.len() > 1 {
        configuration.insert(AUTHENTICATION_TYPE.to_owned(), group.name.as_str().into());
    }
    let mut body = json!({"configuration": configuration});
    if let Some(tags) = &opened.contents.tags {
        body["tags"] = json!(tags);
    }
    match (&opened.contents.name, opened.is_reconnect()) {
        (Some(name), _) => body["name"] = json!(name),
        (None, true) => {}
        (None, false) => body["name"] = json!(element.name),
    }
    let brought = attempt.brought.as_ref();
    if let Some(brought) = brought {
        body["providerData"] = brought.clone();
    }
    let mut request: InstanceRequest = serde_json::from_value(body).map_err(Error::internal)?;
    if !attempt.other_account {
        request = request.keeping_account();
    }
    // A password may be tried again after a crash and makes the same instance; a code cannot, and
    // another one is another attempt.
    let once = ["code", "oauth_verifier"].map(|name| brought.and_then(|all| all[name].as_str()));
    let once = once.into_iter().flatten().next().unwrap_or_default();
    let name = format!("{} {} {once}", opened.name(), opened.link.row_id);
    let key = RequestKey {
        route: "connect link".to_owned(),
        fingerprints: app.vault().request_fingerprints(&name, b""),
        link: Some(opened.link.id),
    };
    let browser = attempt.browser.clone();
    let outcome = make(app, opened, element, (request, key), browser).await;
    if let Err(error) = &outcome
        && !matches!(error, Error::InFlight { .. })
    {
        failed(app, opened, element, group, error).await?;
    }
    outcome
}

/// The application is told what the person is told.
async fn failed(
    app: &App,
    opened: &Opened,
    element: &Element,
    group: &Group,
    error: &Error,
) -> Result<()> {
    let failure = told(element, group.needs_person(), error).sentence(error);
    let store = app.store().org(opened.organization());
    store.connect_link_failed(opened.link.id, &failure).await
}

async fn make(
    app: &App,
    opened: &Opened,
    element: &Element,
    (request, key): (InstanceRequest, RequestKey),
    browser: Option<String>,
) -> Result<()> {
    let (who, again, key_of_element) = (opened.who(), opened.link.instance, element.key.clone());
    let (link, row, organization) = (opened.link.id, opened.link.row_id, opened.organization());
    let rest = Contents {
        return_url: opened.contents.return_url.clone(),
        state: opened.contents.state.clone(),
        browser,
        ..Contents::default()
    };
    provisioning::to_its_end(app, {
        let app = app.clone();
        async move {
            let view = match again {
                Some(id) => {
                    let request = request.asking_again();
                    provisioning::update(&app, who, id, Some(key_of_element), request, Some(key))
                        .await?
                }
                None => {
                    let element = Some(key_of_element);
                    provisioning::create(&app, who, element, request, Some(key)).await?
                }
            };
            // Everything is done: what is left of the contents goes with the link at the latest.
            let store = app.store().org(organization);
            let emptied = match sealed(&app, organization, row, CONTENTS, &rest).await {
                Ok(rest) => store.empty_connect_link(link, &rest).await,
                Err(error) => Err(error),
            };
            if let Err(error) = emptied {
                tracing::warn!(%error, link.id = link, "a used link keeps its contents until it ends");
            }
            tracing::info!(org.id = %organization, link.id = link, instance.id = %view.id, "connected");
            Ok(())
        }
    })
    .await
}

/// What a vendor's page asks for.
#[derive(Debug, Clone)]
pub struct Scope {
    pub name: String,
    /// For people.
    pub words: Option<String>,
}

impl Opened {
    /// For counting attempts.
    pub(super) fn name(&self) -> String {
        format!("connect link {} {}", self.link.organization, self.link.id)
    }

    /// # Errors
    /// 404 for one that this link does not offer.
    pub fn element<'a>(&'a self, app: &'a App, key: &str) -> Result<&'a Element> {
        self.elements(app)
            .into_iter()
            .find(|element| element.key == key)
            .ok_or_else(|| Error::NotFound("This link does not offer that.".into()))
    }

    /// # Errors
    /// 404 for a way that this link does not offer.
    pub fn group_of_way<'a>(
        &self,
        app: &App,
        element: &'a Element,
        way: &str,
    ) -> Result<&'a Group> {
        let offered = ways(app, self, element)
            .into_iter()
            .any(|one| one.name == way);
        let group = element.group(way).filter(|_| offered);
        group.ok_or_else(|| Error::NotFound("This link does not offer that way.".into()))
    }

    /// What the instance that is connected again has stored.
    pub(super) fn stored_value(&self, key: &str) -> Option<&str> {
        let value = self.stored.as_ref()?.values.get(key)?;
        Some(value.reveal()).filter(|text| !text.is_empty())
    }

    /// The same, of what may be shown.
    pub(super) fn shown_value(&self, element: &Element, key: &str) -> Option<&str> {
        self.stored_value(key).filter(|_| !element.is_secret(key))
    }

    /// Where the browser goes when the person does not want to.
    pub fn cancel_url(&self) -> Option<String> {
        self.contents.back("cancelled", None)
    }

    /// Whose account it is so far, as the vendor said.
    pub fn account_name(&self) -> Option<&str> {
        self.stored_value(ACCOUNT_NAME)
    }

    /// What is asked for on the vendor's page, where the application or the definition says it; in the
    /// definition's words for people, where it has some.
    pub fn scopes(&self, element: &Element, group: &Group) -> Vec<Scope> {
        let page = element.call(group, ResourceKind::OauthOnAuthorizeUrl);
        let parameters = page.map_or(&[][..], |page| &page.parameters);
        let asked = parameters.iter().filter_map(|parameter| {
            match (&parameter.target, &parameter.source) {
                (Target::Query(name), _) if name != "scope" => None,
                (Target::Query(_), Source::Literal(text)) => Some(text.to_string()),
                (Target::Query(_), Source::Configuration(key)) => {
                    element.entry(key)?.default.clone()
                }
                _ => None,
            }
        });
        let words = element.entry(SCOPE).map(|entry| entry.choices(group));
        let words = words.unwrap_or_default();
        let scope = |name: &str| Scope {
            name: name.to_owned(),
            words: words
                .iter()
                .find(|choice| choice.value == name)
                .map(|choice| choice.label.clone()),
        };
        let text = self.known(SCOPE).or(asked.last());
        let text = text.filter(|_| group.needs_person()).unwrap_or_default();
        let parts = text.split([' ', ',']).filter(|part| !part.is_empty());
        parts.map(scope).collect()
    }

    /// The group of credentials that the instance has now.
    pub(super) fn group(&self) -> Option<&str> {
        Some(self.stored.as_ref()?.group.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_does_not_print_what_it_holds() {
        let given = Given {
            element: "e".into(),
            way: "w".into(),
            values: BTreeMap::from([("password".to_owned(), "s3cret".to_owned())]),
            other_account: false,
        };
        assert!(!format!("{given:?}").contains("s3cret"));
    }
}
