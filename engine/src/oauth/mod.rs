//! What OAuth needs beyond parameters: the request of a log-in, the page where a person allows
//! access, signed assertions and signed calls.

mod assertion;
pub(crate) mod signature;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use url::Url;

use crate::configuration::{Value, Values};
use crate::element::oauth::{REQUEST_PARAMETERS, SCOPE};
use crate::element::{Element, Grant, Group, Resource, ResourceKind};
use crate::ids::Secret;
use crate::request::{self, BuildError, Inputs, VendorRequest};

/// Random bytes of one call, for signatures.
pub type Nonce = [u8; 16];

/// Of the request's parameters, those that only signatures use.
pub(crate) const NONCE: &str = "oauth_nonce";
pub(crate) const REQUEST_TOKEN_SECRET: &str = "secret";

/// The parameters of the request that a log-in's call is made for, in the platform's names: what was
/// `brought`, the client and its callback, a signed assertion where the grant wants one.
/// `configuration` holds stored values; defaults are laid under them here.
pub fn request_parameters(
    element: &Element,
    group: &Group,
    resource: &Resource,
    configuration: &Values,
    brought: &Values,
    moment: (i64, &Nonce),
) -> Result<Values, BuildError> {
    let values = element.effective(group, configuration);
    let mut parameters = Values::new();
    for (name, key) in REQUEST_PARAMETERS {
        let value = key.and_then(|key| values.get(key));
        parameters.extend(value.map(|value| ((*name).to_owned(), value.clone())));
    }
    // A scope of the caller's own; the definition's is for the definition to place.
    let own = element
        .entry(SCOPE)
        .and_then(|entry| entry.default.as_deref());
    let scope = configuration
        .get(SCOPE)
        .filter(|scope| Some(scope.reveal()) != own);
    parameters.extend(scope.map(|scope| ("scope".to_owned(), scope.clone())));
    let brought = brought.iter();
    parameters.extend(brought.map(|(name, value)| (name.clone(), value.clone())));
    let Some(oauth) = &group.oauth else {
        return Ok(parameters);
    };
    if group.is_oauth1() {
        let (_, nonce) = moment;
        let nonce = URL_SAFE_NO_PAD.encode(nonce).replace(['-', '_'], "0");
        parameters.insert(NONCE.to_owned(), Value::Clear(nonce));
    }
    if let Grant::JwtBearer(assertion) = &oauth.grant
        && resource.kind == ResourceKind::OauthOnTokenExchange
    {
        let signed = assertion::sign(assertion, &values, moment)?;
        parameters.insert("assertion".to_owned(), Value::Secret(signed));
    }
    Ok(parameters)
}

/// The request that leads to the vendor's page, and what it is made of.
#[derive(Debug)]
pub struct Page<'a> {
    pub resource: &'a Resource,
    pub parameters: Values,
    /// Nobody sends it: its URL is opened by a browser.
    pub request: Result<VendorRequest, BuildError>,
}

/// The vendor's page where a person allows access. `brought`: `state` (the element's key without
/// it), `scope`, `code_challenge`, `oauth_token`, and `client_id` and `redirect_uri` where the
/// configuration has none. `None`: this group has no such page.
pub fn page<'a>(
    element: &'a Element,
    group: &Group,
    configuration: &Values,
    brought: &Values,
) -> Option<Result<Page<'a>, BuildError>> {
    let resource = element.call(group, ResourceKind::OauthOnAuthorizeUrl)?;
    let mut asked = brought.clone();
    let state = || Value::Clear(element.key.clone());
    asked.entry("state".to_owned()).or_insert_with(state);
    let moment = (0, &Nonce::default());
    let parameters = request_parameters(element, group, resource, configuration, &asked, moment);
    Some(parameters.map(|parameters| {
        let inputs = Inputs {
            configuration,
            previous: None,
            request: Some(&parameters),
            now: 0,
        };
        let request = request::build(element, group, resource, &inputs);
        Page {
            resource,
            parameters,
            request,
        }
    }))
}

/// The address of [`page`], where no hook has a say in it.
pub fn authorize_url(
    element: &Element,
    group: &Group,
    configuration: &Values,
    brought: &Values,
) -> Option<Result<Url, BuildError>> {
    let page = page(element, group, configuration, brought)?;
    if let Ok(page) = &page
        && element.has_hooks(page.resource)
    {
        return None;
    }
    Some(page.and_then(|page| Ok(page.request?.url)))
}

/// What the answer of the vendor's page must say that it comes from (`iss`, RFC 9207). `None`: this
/// vendor's does not say it.
pub fn issuer(element: &Element, group: &Group, configuration: &Values) -> Option<String> {
    let issuer = group.oauth.as_ref()?.issuer.as_ref()?;
    let values = element.effective(group, configuration);
    let rendered = issuer.render(&values, |text| Ok(text.to_owned()));
    // An entry of it that has no value leaves nothing that an answer could match.
    let text = rendered.ok().flatten().map(|rendered| rendered.text);
    Some(text.unwrap_or_default())
}

/// A code verifier, RFC 7636, of random bytes.
pub fn code_verifier(random: &[u8; 32]) -> Secret {
    Secret::new(URL_SAFE_NO_PAD.encode(random))
}

/// What the vendor's page is given in place of the verifier, S256.
pub fn code_challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

#[cfg(test)]
mod tests;
