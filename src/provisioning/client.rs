//! Which stored client a log-in is made with. An instance that is made with one holds its name.

use bunsen_engine::configuration::{CLIENT_REFERENCE, Values};
use bunsen_engine::element::oauth::{CALLBACK_URL, CLIENT_ID};
use bunsen_engine::element::{Element, Group};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Who;
use super::request::Configuration;
use crate::app::App;
use crate::clients::{self, Client, proxies};
use crate::error::{Error, Result};
use crate::exchange;

/// A proxy of `/elements/oauthProxies`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ProxyReference {
    is_oauth_proxy: bool,
    oauth_proxy_name: Option<String>,
}

/// What there is to choose from when an instance changes.
#[derive(Debug, Default)]
pub struct Clients {
    /// The one that the instance was made with.
    referred: Option<Client>,
    /// The one that new log-ins are made with.
    in_force: Option<Client>,
}

/// With what the client has where nothing is given.
pub fn completed(client: Option<&Client>, given: &Values) -> Values {
    match client {
        Some(client) => exchange::with_client(&client.values, given.clone()),
        None => given.clone(),
    }
}

/// The one that completes what is given for a new instance: of the proxy, else the one in force.
pub async fn for_new(
    app: &App,
    who: Who,
    element: &Element,
    proxy: Option<&ProxyReference>,
    given: &mut Values,
) -> Result<Option<Client>> {
    let wanted = clients::is_wanted(element, given);
    if let Some((id, url)) = named(app, who, proxy).await? {
        if element.entry(CALLBACK_URL).is_some() && !given.contains_key(CALLBACK_URL) {
            given.insert(CALLBACK_URL.to_owned(), element.value(CALLBACK_URL, url));
        }
        if wanted
            && let Some(client) = clients::of_proxy(app, who.organization, id, element).await?
        {
            return Ok(Some(client));
        }
    }
    if !wanted {
        return Ok(None);
    }
    clients::in_force(app, who.organization, who.account, element).await
}

/// Id and callback URL of the proxy that is meant, if one is.
async fn named(
    app: &App,
    who: Who,
    proxy: Option<&ProxyReference>,
) -> Result<Option<(i64, String)>> {
    let Some(proxy) = proxy.filter(|proxy| proxy.is_oauth_proxy) else {
        return Ok(None);
    };
    let name = proxy.oauth_proxy_name.as_deref().unwrap_or_default();
    let id = proxies::named(app, who.organization, name).await?.id;
    Ok(Some((id, proxies::callback_url(app, who.organization, id))))
}

impl Clients {
    /// For an instance with these stored values. A proxy's address is where the code was sent to.
    pub async fn of(
        app: &App,
        who: Who,
        element: &Element,
        stored: &Values,
        proxy: Option<&ProxyReference>,
        configuration: &mut Configuration,
    ) -> Result<Self> {
        let stays = stored.contains_key(CLIENT_ID) && !configuration.0.contains_key(CLIENT_ID);
        let own = stays && proxy.is_none();
        if own || element.entry(CLIENT_ID).is_none() {
            return Ok(Self::default());
        }
        // One that is gone is no reason to refuse a change: it may be what mends that.
        let referred = clients::referred_to(app, who.organization, element, stored).await;
        let mut in_force = None;
        if let Some((id, url)) = named(app, who, proxy).await? {
            let callback = configuration.0.entry(CALLBACK_URL);
            callback.or_insert_with(|| url.into());
            in_force = clients::of_proxy(app, who.organization, id, element).await?;
        }
        if in_force.is_none() {
            in_force = clients::in_force(app, who.organization, who.account, element).await?;
        }
        Ok(Self {
            referred: match referred {
                Err(error) if !matches!(error, Error::Invalid(_)) => {
                    return Err(error);
                }
                referred => referred.ok().flatten(),
            },
            in_force,
        })
    }

    /// For an instance with these stored values whose log-in was made with those that were `asked`:
    /// whatever has become of proxies since, and of clients.
    ///
    /// # Errors
    /// Whatever may pass.
    pub async fn that_made(
        app: &App,
        who: Who,
        element: &Element,
        stored: &Values,
        asked: &Values,
    ) -> Result<Self> {
        let known =
            async |values| match clients::referred_to(app, who.organization, element, values).await
            {
                Err(Error::Invalid(_)) => Ok(None),
                found => found,
            };
        let referred = known(stored).await?;
        let mut in_force = known(asked).await?;
        if in_force.is_none() {
            in_force = clients::in_force(app, who.organization, who.account, element).await?;
        }
        Ok(Self { referred, in_force })
    }

    /// The one for a log-in with these values; `anew`: a person, or a password, not a token that was
    /// got with the client there is.
    pub fn choose(&self, element: &Element, values: &Values, anew: bool) -> Option<&Client> {
        if !clients::is_wanted(element, values) {
            return None;
        }
        let named = values.get(CLIENT_REFERENCE);
        let referred = self.referred.as_ref();
        let referred =
            referred.filter(|client| named.is_some_and(|name| name.reveal() == client.reference));
        match anew {
            true => self.in_force.as_ref().or(referred),
            false => referred.or(self.in_force.as_ref()),
        }
    }
}

/// The values of an instance that logs in with this client, or with none.
pub fn refer(client: Option<&Client>, element: &Element, group: &Group, values: &mut Values) {
    match client.filter(|_| clients::counts_for(element, group)) {
        Some(client) => client.add_to(values),
        None => drop(values.remove(CLIENT_REFERENCE)),
    }
}
