//! How an instance comes by its tokens, and how it keeps them: what a group of credentials says about
//! OAuth, which calls make a log-in, and which renew one.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    Authentication, CHAIN_LIMIT, Element, Group, Output, Refresh, Resource, ResourceKind, Reuse,
    Source,
};
use crate::configuration::Values;
use crate::language::Template;

pub const CLIENT_ID: &str = "oauth.api.key";
pub const CLIENT_SECRET: &str = "oauth.api.secret";
pub const CALLBACK_URL: &str = "oauth.callback.url";
pub const SCOPE: &str = "oauth.scope";
pub(crate) const AUTHORIZATION_URL: &str = "oauth.authorization.url";
pub(crate) const TOKEN_URL: &str = "oauth.token.url";
pub(crate) const REFRESH_URL: &str = "oauth.token.refresh_url";
pub(crate) const REVOKE_URL: &str = "oauth.token.revoke_url";
pub(crate) const REQUEST_URL: &str = "oauth.request.url";
pub(crate) const BASIC_HEADER: &str = "oauth.basic.header";
pub(crate) const REQUEST_PLACE: &str = "oauth.request.authorization.type";

/// What an application is known by at a vendor.
pub const CLIENT_ENTRIES: [&str; 2] = [CLIENT_ID, CLIENT_SECRET];

/// The access token and what renews it.
pub const ACCESS_TOKEN: &str = "oauth.user.token";
pub const TOKEN_SECRET: &str = "oauth.user.token.secret";
pub const REFRESH_TOKEN: &str = "oauth.user.refresh_token";
pub const REFRESH_INTERVAL: &str = "oauth.user.refresh_interval";
pub const REFRESH_TIME: &str = "oauth.user.refresh_time";

/// From a grant to its renewal at least, in milliseconds, however short a life a vendor or a caller
/// says that the token has: otherwise one entry of a configuration could make us ask all the time.
const FLOOR: i64 = 60_000;

/// Names of a request's parameters that OAuth's own calls may ask for, and the entry that holds the
/// value when nobody brings one.
pub(crate) const REQUEST_PARAMETERS: &[(&str, Option<&str>)] = &[
    ("assertion", None),
    ("client_id", Some(CLIENT_ID)),
    ("client_secret", Some(CLIENT_SECRET)),
    ("code", None),
    ("code_challenge", None),
    ("code_verifier", None),
    ("oauth_token", None),
    ("oauth_verifier", None),
    ("redirect_uri", Some(CALLBACK_URL)),
    ("refresh_token", Some(REFRESH_TOKEN)),
    ("scope", None),
    ("state", None),
];

/// What a group of credentials says about OAuth.
#[derive(Debug, Clone)]
pub struct OAuth {
    pub grant: Grant,
    /// The vendor wants a code challenge, S256.
    pub pkce: bool,
    /// How token calls tell which client they come from.
    pub client: ClientAuthentication,
    /// Whom the vendor's page says that its answer comes from, RFC 9207.
    pub issuer: Option<Template>,
    /// Further query parameters of the page where access is allowed.
    pub authorize: Vec<(String, Template)>,
}

#[derive(Debug, Clone)]
pub enum Grant {
    /// A person allows access in a browser.
    Code,
    ClientCredentials,
    Password,
    JwtBearer(Box<Assertion>),
    /// Version 1.0a, RFC 5849: a person, too.
    OAuth1,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// HTTP Basic, added to every token call; id and secret as they are, which is what most vendors
    /// read.
    Basic,
    /// The same where there is a secret, else its id alone, in the form.
    BasicOrNone,
    /// As [`ClientAuthentication::Basic`] with both form-encoded first, as RFC 6749 section 2.3.1 has it.
    BasicEncoded,
    /// Members of the form, or whatever else the call's parameters say.
    Form,
    /// A public client: its id alone.
    None,
}

/// What is signed in place of a password, RFC 7523.
#[derive(Debug, Clone)]
pub struct Assertion {
    pub issuer: Template,
    pub subject: Option<Template>,
    pub audience: Template,
    pub scope: Option<Template>,
    /// Seconds.
    pub lifetime: u32,
    /// The vendor takes each one once, and knows it by its id.
    pub unique: bool,
    /// Entry that holds the RSA private key, PEM.
    pub key: String,
}

/// How OAuth 1 requests are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signature {
    HmacSha1,
    HmacSha256,
    Plaintext,
}

/// What a log-in begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Start {
    /// A password, a key, or what a person's browser brought.
    #[default]
    LogIn,
    /// The refresh token that there is.
    Refresh,
    /// The access token that there is: it is only tried.
    Token,
}

/// One log-in: what it begins with, and what is good for this time only, by the platform's names of
/// request parameters (`code`, `oauth_verifier`, `code_verifier`, …).
#[derive(Clone, Default)]
pub struct Login {
    pub start: Start,
    pub brought: Values,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.brought.keys().collect();
        f.debug_struct("Login")
            .field("start", &self.start)
            .field("brought", &names)
            .finish()
    }
}

impl Login {
    /// What it begins with is used up at the vendor by trying: whoever loses the answer cannot ask
    /// again.
    pub fn spends_once(&self, element: &Element, group: &Group) -> bool {
        match self.start {
            Start::LogIn => group.needs_person(),
            Start::Refresh => element
                .refresh_of(group)
                .is_none_or(|refresh| refresh.reuse != Reuse::Safe),
            Start::Token => false,
        }
    }

    /// May be made again when it is not known what became of it.
    pub fn is_repeatable(&self, element: &Element, group: &Group) -> bool {
        let mut calls = element.login_calls(group, self.start).into_iter();
        !self.spends_once(element, group) && calls.all(|call| call.once.is_none())
    }
}

/// How a group's tokens are renewed.
#[derive(Debug)]
pub struct Renewal<'a> {
    /// Calls that take the refresh token; empty: there are none.
    pub refresh: Vec<&'a Resource>,
    /// Calls that log in again with what is stored; empty: only a person can.
    pub log_in: Vec<&'a Resource>,
    /// Seconds before expiry.
    pub margin: u32,
    /// What an old refresh token does at the vendor.
    pub reuse: Reuse,
}

impl Renewal<'_> {
    /// What to begin with; `None`: the owner has to allow access again.
    pub fn start(&self, values: &Values) -> Option<Start> {
        if !self.refresh.is_empty() && has(values, REFRESH_TOKEN) {
            Some(Start::Refresh)
        } else if !self.log_in.is_empty() {
            Some(Start::LogIn)
        } else {
            None
        }
    }

    /// What to do when the vendor has refused [`Renewal::start`].
    pub fn after_refusal(&self, refused: Start) -> Option<Start> {
        (refused == Start::Refresh && !self.log_in.is_empty()).then_some(Start::LogIn)
    }

    /// When the access token ends, in milliseconds since 1970. `values` are effective ones. `None`:
    /// it does not end by time.
    pub fn expires_at(&self, values: &Values) -> Option<i64> {
        let text = |key: &str| Some(values.get(key)?.reveal().trim());
        let seconds = seconds(text(REFRESH_INTERVAL)?).filter(|seconds| *seconds > 0)?;
        let granted: i64 = text(REFRESH_TIME)?.parse().ok()?;
        granted.checked_add(seconds.checked_mul(1000)?)
    }

    /// How long the access token is good for, in milliseconds.
    pub fn life(&self, values: &Values) -> Option<i64> {
        let expires = self.expires_at(values)?;
        let granted = values.get(REFRESH_TIME)?.reveal().trim().parse().ok()?;
        Some(expires.saturating_sub(granted))
    }

    /// When to renew it: the margin before it ends, and earlier by this part of its life; but neither
    /// before half of its life is over nor within a minute.
    pub fn due_at(&self, values: &Values, early: f64) -> Option<i64> {
        let expires = self.expires_at(values)?;
        let life = self.life(values)?;
        let margin = i64::from(self.margin).saturating_mul(1000);
        let early = margin.saturating_add((life as f64 * early) as i64);
        let granted = expires.checked_sub(life)?;
        let earliest = granted.checked_add(FLOOR.max(life / 2))?;
        Some(expires.saturating_sub(early).max(earliest))
    }
}

/// A life as vendors write it, some of them with a fraction. `None`: it is no number.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let number: f64 = text.trim().parse().ok()?;
    // What is too long for an integer ends at its limit.
    number.is_finite().then_some(number as i64)
}

/// Whether there is an access token or one that gets another.
pub fn has_token(values: &Values) -> bool {
    has(values, ACCESS_TOKEN) || has(values, REFRESH_TOKEN)
}

pub(crate) fn has(values: &Values, key: &str) -> bool {
    values
        .get(key)
        .is_some_and(|value| !value.reveal().is_empty())
}

impl Group {
    /// A person has to allow access in a browser.
    pub fn needs_person(&self) -> bool {
        let grant = self.oauth.as_ref().map(|oauth| &oauth.grant);
        matches!(grant, Some(Grant::Code | Grant::OAuth1))
    }

    /// The entry's value is among what each call carries to say whose it is.
    fn is_token(&self, key: &str) -> bool {
        let names = |template: &Template| template.keys().any(|(named, _)| named == key);
        key == ACCESS_TOKEN
            || match &self.authentication {
                Some(Authentication::Basic { username, password }) => {
                    names(username) || names(password)
                }
                Some(Authentication::Headers(headers)) => {
                    headers.iter().any(|(_, template)| names(template))
                }
                Some(Authentication::OAuth1(_)) | None => false,
            }
    }

    /// Its client may have no secret: then a code verifier proves who comes with a code.
    pub fn may_be_public(&self) -> bool {
        self.oauth.as_ref().is_some_and(|oauth| match oauth.client {
            ClientAuthentication::BasicOrNone => true,
            ClientAuthentication::None => matches!(oauth.grant, Grant::Code),
            ClientAuthentication::Basic
            | ClientAuthentication::BasicEncoded
            | ClientAuthentication::Form => false,
        })
    }

    /// Whoever gives its credentials is the application, which keeps them for all of its users.
    pub fn is_of_application(&self) -> bool {
        let grant = self.oauth.as_ref().map(|oauth| &oauth.grant);
        matches!(grant, Some(Grant::JwtBearer(_) | Grant::ClientCredentials))
    }

    pub fn is_oauth1(&self) -> bool {
        let grant = self.oauth.as_ref().map(|oauth| &oauth.grant);
        matches!(grant, Some(Grant::OAuth1))
    }
}

impl ResourceKind {
    /// Calls of OAuth's own: they get a token, so they carry none.
    pub fn gets_token(self) -> bool {
        matches!(
            self,
            Self::OauthOnAuthorizeUrl
                | Self::OauthOnTokenExchange
                | Self::OauthOnTokenRefresh
                | Self::OauthOnTokenRevoke
                | Self::OauthOnTokenRequest
        )
    }
}

impl Resource {
    pub(crate) fn is_of(&self, group: &Group) -> bool {
        self.groups.is_empty() || self.groups.contains(&group.name)
    }

    pub(crate) fn gives(&self, key: &str) -> bool {
        self.outputs.iter().any(|output: &Output| output.key == key)
    }

    /// What it answers says whose the calls are that follow it.
    fn gives_token(&self, group: &Group) -> bool {
        let mut outputs = self.outputs.iter();
        outputs.any(|output: &Output| group.is_token(&output.key))
    }
}

impl Element {
    /// When this group's tokens are renewed, where the definition says it.
    pub fn refresh_of<'a>(&'a self, group: &'a Group) -> Option<&'a Refresh> {
        group.refresh.as_ref().or(self.refresh.as_ref())
    }

    /// Every chain of calls of one kind for this group, in order.
    pub fn chains(&self, group: &Group, kind: ResourceKind) -> Vec<Vec<&Resource>> {
        let continued = |index: usize| {
            self.resources
                .iter()
                .any(|resource| resource.next == Some(index))
        };
        let numbered = self.resources.iter().enumerate();
        numbered
            .filter(|(index, resource)| {
                resource.kind == kind && !continued(*index) && resource.is_of(group)
            })
            .map(|(_, first)| {
                let chain = std::iter::successors(Some(first), |link| {
                    link.next.and_then(|next| self.resources.get(next))
                });
                chain.take(CHAIN_LIMIT).collect()
            })
            .collect()
    }

    /// The first call of one kind for this group.
    pub fn call(&self, group: &Group, kind: ResourceKind) -> Option<&Resource> {
        self.chains(group, kind).into_iter().flatten().next()
    }

    /// The calls that make an instance, in order: those that get a token, then the `onProvision`
    /// resources with their chains, then `provisionAuthValidation`.
    pub fn login_calls(&self, group: &Group, start: Start) -> Vec<&Resource> {
        let first: &[ResourceKind] = match start {
            Start::LogIn => &[ResourceKind::OauthOnTokenExchange],
            Start::Refresh => &[ResourceKind::OauthOnTokenRefresh, ResourceKind::OnRefresh],
            Start::Token => &[],
        };
        let mut calls: Vec<&Resource> = first
            .iter()
            .flat_map(|kind| self.chains(group, *kind))
            .flatten()
            .collect();
        let own = self.chains(group, ResourceKind::OnProvision);
        // A log-in by password is no part of what begins with a token.
        let wanted = |chain: &Vec<&Resource>| start == Start::LogIn || !gives_token(group, chain);
        calls.extend(own.into_iter().filter(wanted).flatten());
        let checks = self.chains(group, ResourceKind::ProvisionAuthValidation);
        calls.extend(checks.into_iter().flatten());
        calls
    }

    /// The calls for a deleted instance with these values, in order: the `onDelete` resources with
    /// their chains, then those that end its tokens, where it has any.
    pub fn deleting(&self, group: &Group, values: &Values) -> Vec<&Resource> {
        let mut chains = self.chains(group, ResourceKind::OnDelete);
        if has_token(values) {
            chains.extend(self.chains(group, ResourceKind::OauthOnTokenRevoke));
        }
        chains.concat()
    }

    /// The exchange of a code takes what its page's challenge was made of. Such a vendor checks it
    /// although it may not demand it.
    pub fn takes_verifier(&self, group: &Group) -> bool {
        let exchange = self.call(group, ResourceKind::OauthOnTokenExchange);
        exchange.is_some_and(|call| {
            call.id.0 != 0
                && call.parameters.iter().any(|parameter| {
                    parameter.name == "code_verifier" && matches!(parameter.source, Source::Caller)
                })
        })
    }

    /// How this group's tokens are renewed; `None`: there is nothing to renew.
    pub fn renewal<'a>(&'a self, group: &'a Group) -> Option<Renewal<'a>> {
        let kinds = |kinds: &[ResourceKind]| -> Vec<Vec<&Resource>> {
            let chains = kinds.iter().map(|kind| self.chains(group, *kind));
            chains.flatten().collect()
        };
        let mut refresh = kinds(&[ResourceKind::OauthOnTokenRefresh]).concat();
        if !refresh.is_empty() {
            refresh.extend(kinds(&[ResourceKind::OnRefresh]).concat());
        }
        let mut log_in = Vec::new();
        if !group.needs_person() {
            let chains = kinds(&[
                ResourceKind::OauthOnTokenExchange,
                ResourceKind::OnProvision,
            ]);
            log_in = chains
                .into_iter()
                .filter(|chain| gives_token(group, chain))
                .flatten()
                .collect();
        }
        if refresh.is_empty() && log_in.is_empty() {
            return None;
        }
        let words = self.refresh_of(group);
        Some(Renewal {
            refresh,
            log_in,
            margin: words.map_or(60, |words| words.margin),
            reuse: words.map_or(Reuse::Fatal, |words| words.reuse),
        })
    }

    /// The calls of one renewal.
    pub fn renewal_calls<'a>(&'a self, group: &'a Group, start: Start) -> Vec<&'a Resource> {
        let Some(renewal) = self.renewal(group) else {
            return Vec::new();
        };
        match start {
            Start::Refresh => renewal.refresh,
            Start::LogIn => renewal.log_in,
            Start::Token => Vec::new(),
        }
    }
}

fn gives_token(group: &Group, chain: &[&Resource]) -> bool {
    chain.iter().any(|resource| resource.gives_token(group))
}
