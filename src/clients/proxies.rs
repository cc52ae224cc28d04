//! Proxies: one address of ours is registered at a vendor, and several applications share it. The
//! `state` of a log-in page is the address of the application that asked; the vendor sends the
//! browser to us with it, and from here it goes on, if the organization has allowed that address.

use url::Url;

use super::pattern::{Pattern, application_url};
use super::{ClientToKeep, Kept, Of, forget, kept, put};
use crate::app::{App, shortened};
use crate::error::{Error, Result};
use crate::ids::OrganizationId;
use crate::store::{ClientOwner, OauthProxy};
use crate::tenancy;

const LONGEST_NAME: usize = 250;
const PATTERNS: usize = 100;
/// Bytes of an address that every browser opens.
const LONGEST_URL: usize = 8192;

/// What is to be stored; `None`: as it is.
#[derive(Debug, Default)]
pub struct Wanted {
    pub name: Option<String>,
    pub application_urls: Option<Vec<String>>,
    pub client: Option<ClientToKeep>,
}

/// A proxy and its client, without the secret.
#[derive(Debug)]
pub struct Proxy {
    pub proxy: OauthProxy,
    pub client: Option<Kept>,
    /// To be registered at the vendor.
    pub callback_url: String,
}

/// Where the vendor sends browsers back to.
pub fn callback_url(app: &App, organization: OrganizationId, id: i64) -> String {
    let here = &app.outside().public_url;
    format!("{here}/oauth/proxies/{organization}/{id}/callback")
}

pub fn no_such_proxy(id: impl std::fmt::Display) -> Error {
    Error::NotFound(format!("No OAuth proxy found with ID {id}"))
}

async fn shown(app: &App, organization: OrganizationId, proxy: OauthProxy) -> Result<Proxy> {
    let keys = tenancy::keys(app, organization).await?;
    let client = kept(Of {
        store: app.store(),
        keys: &keys,
        organization,
        owner: ClientOwner::Proxy(proxy.id),
        element: None,
    });
    Ok(Proxy {
        client: client.await?,
        callback_url: callback_url(app, organization, proxy.id),
        proxy,
    })
}

pub async fn list(app: &App, organization: OrganizationId) -> Result<Vec<Proxy>> {
    let mut all = Vec::new();
    for proxy in app.store().org(organization).oauth_proxies().await? {
        all.push(shown(app, organization, proxy).await?);
    }
    Ok(all)
}

/// # Errors
/// 404.
pub async fn read(app: &App, organization: OrganizationId, id: i64) -> Result<Proxy> {
    let found = app.store().org(organization).oauth_proxy(id).await?;
    shown(app, organization, found.ok_or_else(|| no_such_proxy(id))?).await
}

/// # Errors
/// 400 naming what is wrong; 409 for a name that is taken.
pub async fn make(app: &App, organization: OrganizationId, wanted: &Wanted) -> Result<Proxy> {
    let name = wanted.name.as_deref().unwrap_or_default();
    check_name(name)?;
    let urls = wanted.application_urls.clone().unwrap_or_default();
    check_patterns(&urls)?;
    let (org, urls) = (app.store().org(organization), &urls);
    let id = org
        .transaction(|mut transaction| async move {
            let id = org.insert_oauth_proxy(&mut transaction, name, urls).await?;
            Ok((transaction, id))
        })
        .await?;
    let stored = keep(app, organization, id, wanted).await;
    if stored.is_err() {
        remove(app, organization, id, true).await?;
    }
    stored?;
    tracing::info!(org.id = %organization, proxy.id = id, "an OAuth proxy is made");
    read(app, organization, id).await
}

/// # Errors
/// As [`make`], and 404.
pub async fn change(
    app: &App,
    organization: OrganizationId,
    id: i64,
    wanted: &Wanted,
) -> Result<Proxy> {
    if let Some(name) = &wanted.name {
        check_name(name)?;
    }
    if let Some(urls) = &wanted.application_urls {
        check_patterns(urls)?;
    }
    update(app, organization, id, |proxy| {
        if let Some(name) = &wanted.name {
            proxy.name.clone_from(name);
        }
        if let Some(urls) = &wanted.application_urls {
            proxy.application_urls.clone_from(urls);
        }
        Ok(())
    })
    .await?;
    keep(app, organization, id, wanted).await?;
    read(app, organization, id).await
}

/// # Errors
/// 400 for a pattern that is none, or that lets too much in; 404.
pub async fn allow(app: &App, organization: OrganizationId, id: i64, pattern: &str) -> Result<()> {
    check_patterns(std::slice::from_ref(&pattern.to_owned()))?;
    update(app, organization, id, |proxy| {
        if proxy.application_urls.iter().any(|known| known == pattern) {
            return Ok(());
        }
        proxy.application_urls.push(pattern.to_owned());
        check_patterns(&proxy.application_urls)
    })
    .await
}

/// # Errors
/// 404 for an unknown proxy, and for a pattern that it does not have.
pub async fn disallow(
    app: &App,
    organization: OrganizationId,
    id: i64,
    pattern: &str,
) -> Result<()> {
    update(app, organization, id, |proxy| {
        let before = proxy.application_urls.len();
        proxy.application_urls.retain(|known| known != pattern);
        match proxy.application_urls.len() < before {
            true => Ok(()),
            false => Err(Error::NotFound(format!(
                "The proxy has no application URL '{}'.",
                shortened(pattern)
            ))),
        }
    })
    .await
}

/// # Errors
/// 404; 409 while instances use its client, unless `force`.
pub async fn remove(app: &App, organization: OrganizationId, id: i64, force: bool) -> Result<()> {
    let keys = tenancy::keys(app, organization).await?;
    let of = Of {
        store: app.store(),
        keys: &keys,
        organization,
        owner: ClientOwner::Proxy(id),
        element: None,
    };
    forget(of, force).await?;
    let org = app.store().org(organization);
    let removed = org.transaction(|mut transaction| async move {
        let removed = org.delete_oauth_proxy(&mut transaction, id).await?;
        Ok((transaction, removed))
    });
    match removed.await? {
        true => Ok(()),
        false => Err(no_such_proxy(id)),
    }
}

async fn update(
    app: &App,
    organization: OrganizationId,
    id: i64,
    change: impl Fn(&mut OauthProxy) -> Result<()>,
) -> Result<()> {
    let org = app.store().org(organization);
    let change = &change;
    org.transaction(|mut transaction| async move {
        let found = org.lock_oauth_proxy(&mut transaction, id).await?;
        let mut proxy = found.ok_or_else(|| no_such_proxy(id))?;
        change(&mut proxy)?;
        org.update_oauth_proxy(&mut transaction, &proxy).await?;
        Ok((transaction, ()))
    })
    .await
}

async fn keep(app: &App, organization: OrganizationId, id: i64, wanted: &Wanted) -> Result<()> {
    let Some(client) = &wanted.client else {
        return Ok(());
    };
    let keys = tenancy::keys(app, organization).await?;
    let of = Of {
        store: app.store(),
        keys: &keys,
        organization,
        owner: ClientOwner::Proxy(id),
        element: None,
    };
    put(of, client).await.map(drop)
}

fn check_name(name: &str) -> Result<()> {
    let wrong = |why: &str| Err(Error::Invalid(format!("'name' {why}")));
    if name.trim().is_empty() {
        return wrong("is missing: give the proxy a name.");
    }
    if name.len() > LONGEST_NAME || name.contains(char::is_control) {
        return wrong(&format!(
            "must be at most {LONGEST_NAME} bytes without control characters."
        ));
    }
    Ok(())
}

fn check_patterns(patterns: &[String]) -> Result<()> {
    if patterns.len() > PATTERNS {
        return Err(Error::Invalid(format!(
            "A proxy has at most {PATTERNS} application URLs."
        )));
    }
    for pattern in patterns {
        Pattern::parse(pattern).map_err(|why| {
            Error::Invalid(format!("'applicationUrl': '{}' {why}", shortened(pattern)))
        })?;
    }
    Ok(())
}

/// A proxy that a page or a create names.
///
/// # Errors
/// 400 when there is none of this name.
pub async fn named(app: &App, organization: OrganizationId, name: &str) -> Result<OauthProxy> {
    let found = app
        .store()
        .org(organization)
        .oauth_proxy_named(name)
        .await?;
    found.ok_or_else(|| {
        Error::Invalid(format!(
            "'oauthProxyName': your organization has no OAuth proxy '{}'.",
            shortened(name)
        ))
    })
}

/// The address of an application that this proxy may send browsers on to.
///
/// # Errors
/// 400 saying why not.
pub fn allowed(proxy: &OauthProxy, state: &str) -> Result<Url> {
    let url = application_url(state).map_err(|why| {
        Error::Invalid(format!(
            "'state' is the address of your application behind an OAuth proxy, and {why}"
        ))
    })?;
    let mut patterns = proxy.application_urls.iter();
    // One that an older server took and this one refuses lets nothing in.
    match patterns.any(|pattern| Pattern::parse(pattern).is_ok_and(|pattern| pattern.fits(&url))) {
        true => Ok(url),
        false => Err(Error::Invalid(format!(
            "'state': the OAuth proxy '{}' does not allow {}; an administrator allows it with POST \
             /elements/oauthProxies/{}/applicationUrl.",
            shortened(&proxy.name),
            shortened(url.as_str()),
            proxy.id
        ))),
    }
}

/// The same for strangers, who are told nothing of the proxy.
fn allowed_for_strangers(proxy: &OauthProxy, state: &str) -> Result<Url> {
    allowed(proxy, state).map_err(|_| {
        Error::Invalid("'state' is no address that this OAuth proxy sends browsers on to.".into())
    })
}

/// Where a browser goes on to that a vendor has sent back with these words.
///
/// # Errors
/// 400 when the address is not allowed; 404 without such a proxy.
pub async fn send_on(
    app: &App,
    organization: OrganizationId,
    id: i64,
    words: &[(String, String)],
) -> Result<Url> {
    let _turn = app.callers().turn().await?;
    let org = app.store().org(organization);
    let active = org.organization().await?.is_some_and(|found| found.active);
    let proxy = org.oauth_proxy(id).await?.filter(|_| active);
    let proxy = proxy.ok_or_else(|| no_such_proxy(id))?;
    let mut states = words.iter().filter(|(name, _)| name == "state");
    let (Some((_, state)), None) = (states.next(), states.next()) else {
        return Err(Error::Invalid(
            "The vendor has to send back one 'state', the application's address.".into(),
        ));
    };
    let mut url = allowed_for_strangers(&proxy, state)?;
    url.query_pairs_mut().extend_pairs(words);
    if url.as_str().len() > LONGEST_URL {
        return Err(Error::Invalid(format!(
            "The address would be longer than {LONGEST_URL} bytes."
        )));
    }
    Ok(url)
}
