//! Who calls, as extractors: what a handler needs stands in its signature, so a forgotten check
//! does not compile.
//!
//! Every failure is the same 401 with the same words: which of the secrets was wrong is nobody's
//! business.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::app::App;
use crate::error::{Error, Result};
use crate::http::authorization::{self, ElementPart, Presented, Secrets};
use crate::http::called::Note;
use crate::ids::{AccountId, InstanceId, OrganizationId, Secret, UserId};
use crate::login;
use crate::provisioning::Who;
use crate::shares::Call;
use crate::store::{Found, FoundInstance, FoundUser, Owner};
use crate::tenancy;
use crate::vault::SecretKind;

/// Milliseconds until a call is refused that is one too many: whoever asks again at once shall not keep
/// the processors busy with refusals.
const REFUSED_AFTER: Range<u64> = 50..150;

const REFUSED: Error = Error::Unauthenticated(
    "Invalid User or Organization secret, or invalid Element token provided.",
);

/// A user known by the user secret together with the organization secret.
#[derive(Debug, Clone)]
pub struct OrgCaller {
    pub organization: OrganizationId,
    pub account: AccountId,
    pub user: UserId,
    /// Administrator of the whole organization.
    pub admin: bool,
}

impl OrgCaller {
    /// For use cases.
    pub fn who(&self) -> Who {
        Who {
            organization: self.organization,
            account: self.account,
            user: self.user,
            admin: self.admin,
        }
    }

    /// # Errors
    /// 403; `what` completes "Only an administrator of the organization may".
    pub fn administers(&self, what: &str) -> Result<()> {
        match self.admin {
            true => Ok(()),
            false => Err(Error::Forbidden(format!(
                "Only an administrator of the organization may {what}."
            ))),
        }
    }
}

/// An [`OrgCaller`] on the two routes that ignore an Element part, whatever it holds.
#[derive(Debug, Clone)]
pub struct OrgCallerIgnoringElement(pub OrgCaller);

/// No credentials at all, or right ones.
#[derive(Debug, Clone)]
pub struct MaybeCaller(pub Option<OrgCaller>);

/// A user together with an element token: a call on one instance. An organization secret may be
/// there too, and must be right then.
#[derive(Debug, Clone)]
pub struct InstanceCaller {
    /// May use the instance.
    pub caller: OrgCaller,
    pub element_key: String,
    pub instance: InstanceId,
    pub disabled: bool,
}

/// What an [`OrgCaller`] is known by, for what must not be done by secrets that are replaced while
/// it is under way. Says nothing about whether they are right.
#[derive(Debug)]
pub struct Proof(pub Vec<(SecretKind, Secret)>);

impl<S: Sync> FromRequestParts<S> for Proof {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        Ok(Self(match presented(parts)? {
            Presented::Nothing => return Err(REFUSED),
            Presented::Bearer(token) => vec![(SecretKind::Session, token)],
            Presented::Secrets(secrets) => presented_secrets(&secrets)
                .filter(|(kind, _)| *kind != SecretKind::Instance)
                .map(|(kind, secret)| (kind, secret.clone()))
                .collect(),
        }))
    }
}

impl FromRequestParts<App> for OrgCaller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let secrets = match presented(parts)? {
            Presented::Nothing => return Err(REFUSED),
            Presented::Bearer(token) => {
                let caller = Box::pin(session_caller(app, &token)).await?;
                return counted(app, parts, caller).await;
            }
            Presented::Secrets(secrets) => secrets,
        };
        let found = resolve(app, &secrets).await?;
        let caller = found.org_caller()?;
        if matches!(secrets.element, Some(ElementPart::Token(_))) {
            found.instance_of(&caller)?;
        }
        counted(app, parts, caller).await
    }
}

impl FromRequestParts<App> for OrgCallerIgnoringElement {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let mut secrets = match presented(parts)? {
            Presented::Nothing => return Err(REFUSED),
            Presented::Bearer(token) => {
                let caller = Box::pin(session_caller(app, &token)).await?;
                return counted(app, parts, caller).await.map(Self);
            }
            Presented::Secrets(secrets) => secrets,
        };
        secrets.element = None;
        let caller = resolve(app, &secrets).await?.org_caller()?;
        counted(app, parts, caller).await.map(Self)
    }
}

impl FromRequestParts<App> for MaybeCaller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        if matches!(presented(parts)?, Presented::Nothing) {
            return Ok(Self(None));
        }
        let caller = OrgCaller::from_request_parts(parts, app).await?;
        Ok(Self(Some(caller)))
    }
}

impl FromRequestParts<App> for InstanceCaller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        // A session names no instance.
        let Presented::Secrets(secrets) = presented(parts)? else {
            return Err(REFUSED);
        };
        if !matches!(secrets.element, Some(ElementPart::Token(_))) {
            return Err(REFUSED);
        }
        let found = resolve(app, &secrets).await?;
        let caller = match &secrets.organization {
            Some(_) => found.org_caller()?,
            None => found.user_caller()?,
        };
        let instance = found.instance_of(&caller)?;
        let caller = taken_in(app, caller).await?;
        let noted = (instance.id, instance.account, instance.element_key.as_str());
        Note::caller(parts, &caller, Some(noted));
        Ok(Self {
            element_key: instance.element_key.clone(),
            instance: instance.id,
            disabled: instance.disabled,
            caller,
        })
    }
}

fn presented(parts: &Parts) -> Result<Presented> {
    authorization::read(&parts.headers).map_err(|authorization::Malformed| REFUSED)
}

/// Who began this session, as if both secrets had been sent. Asked each time: sessions are for
/// people, who call seldom.
pub async fn session_caller(app: &App, token: &Secret) -> Result<OrgCaller> {
    let _turn = app.callers().turn().await?;
    let found = login::session(app, token).await?.ok_or(REFUSED)?;
    Ok(caller(found.organization, &found.user))
}

fn caller(organization: OrganizationId, user: &FoundUser) -> OrgCaller {
    tracing::Span::current().record("org.id", organization.0);
    OrgCaller {
        organization,
        account: user.account,
        user: user.id,
        admin: user.roles.iter().any(|role| role == "org-admin"),
    }
}

/// The call counts as its organization's from here on, and stands in its request log. What is refused
/// for being too much does not: it costs nobody anything.
async fn counted(app: &App, parts: &Parts, caller: OrgCaller) -> Result<OrgCaller> {
    let caller = taken_in(app, caller).await?;
    Note::caller(parts, &caller, None);
    Ok(caller)
}

async fn taken_in(app: &App, caller: OrgCaller) -> Result<OrgCaller> {
    let call = Call::current();
    if let Err(refused) = call.enter(app.shares(), caller.organization, caller.account) {
        // Spread, so that they do not all come back at once.
        let after = rand::random_range(REFUSED_AFTER);
        tokio::time::sleep(Duration::from_millis(after)).await;
        return Err(refused);
    }
    call.turn().await;
    Ok(caller)
}

/// What the presented secrets belong to.
#[derive(Default)]
struct Resolved(Vec<Arc<Found>>);

/// From memory where that may be believed; the rest in one statement, and in another one if a
/// secret is unknown and there is a newer keyring, under whose pepper it may stand.
async fn resolve(app: &App, secrets: &Secrets) -> Result<Resolved> {
    let mut resolved = Resolved::default();
    let mut unknown = Vec::with_capacity(3);
    for (kind, secret) in presented_secrets(secrets) {
        let fingerprints = app.vault().fingerprints(kind, secret);
        let known = fingerprints
            .iter()
            .find_map(|fingerprint| app.callers().find(&fingerprint.hmac));
        match known {
            Some(found) => resolved.0.push(found),
            None => unknown.push((kind, secret)),
        }
    }
    if !unknown.is_empty() {
        resolved.0.extend(Box::pin(ask(app, &unknown)).await?);
    }
    Ok(resolved)
}

async fn ask(app: &App, unknown: &[(SecretKind, &Secret)]) -> Result<Vec<Arc<Found>>> {
    let _turn = app.callers().turn().await?;
    let keyring = app.vault().keyring();
    let found = look_up(app, unknown).await?;
    if found.len() < unknown.len() && tenancy::refresh_keyring(app, &keyring).await {
        return look_up(app, unknown).await;
    }
    Ok(found)
}

fn presented_secrets(secrets: &Secrets) -> impl Iterator<Item = (SecretKind, &Secret)> {
    let token = match &secrets.element {
        Some(ElementPart::Token(token)) => Some(token),
        _ => None,
    };
    let organization = secrets.organization.as_ref();
    [
        (SecretKind::Organization, organization),
        (SecretKind::User, secrets.user.as_ref()),
        (SecretKind::Instance, token),
    ]
    .into_iter()
    .filter_map(|(kind, secret)| Some((kind, secret?)))
}

async fn look_up(app: &App, secrets: &[(SecretKind, &Secret)]) -> Result<Vec<Arc<Found>>> {
    let fingerprints: Vec<_> = secrets
        .iter()
        .flat_map(|(kind, secret)| app.vault().fingerprints(*kind, secret))
        .collect();
    let hmacs: Vec<&[u8]> = fingerprints.iter().map(|f| f.hmac.as_slice()).collect();
    let began = app.callers().begin();
    let found = app.store().directory().resolve(&hmacs).await?;
    let found: Vec<Arc<Found>> = found.into_iter().map(Arc::new).collect();
    for one in &found {
        app.callers().remember(began, one);
    }
    Ok(found)
}

impl Resolved {
    /// The last owner of one kind, if there is one that may call.
    fn owner<'r, T>(&'r self, of: impl Fn(&'r Owner) -> Option<T>) -> Option<(OrganizationId, T)> {
        let active = self.0.iter().rev().filter(|found| found.may_call());
        let mut owners = active.filter_map(|found| Some((found.organization, of(&found.owner)?)));
        owners.next()
    }

    fn user_caller(&self) -> Result<OrgCaller> {
        let user = self.owner(|owner| match owner {
            Owner::User(user) => Some(user),
            _ => None,
        });
        let (organization, user) = user.ok_or(REFUSED)?;
        Ok(caller(organization, user))
    }

    fn org_caller(&self) -> Result<OrgCaller> {
        let caller = self.user_caller()?;
        let organization = self.owner(|owner| matches!(owner, Owner::Organization).then_some(()));
        match organization {
            Some((organization, ())) if organization == caller.organization => Ok(caller),
            _ => Err(REFUSED),
        }
    }

    /// The instance of the token, if this caller may use it.
    fn instance_of(&self, caller: &OrgCaller) -> Result<&FoundInstance> {
        let instance = self.owner(|owner| match owner {
            Owner::Instance(instance) => Some(instance),
            _ => None,
        });
        let (organization, instance) = instance.ok_or(REFUSED)?;
        let may_use = organization == caller.organization
            && (caller.admin || instance.account == caller.account);
        may_use.then_some(instance).ok_or(REFUSED)
    }
}
