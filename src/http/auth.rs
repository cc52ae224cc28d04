//! Who calls, as extractors: what a handler needs stands in its signature, so a forgotten check
//! does not compile.
//!
//! Every failure is the same 401 with the same words: which of the secrets was wrong is nobody's
//! business.

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::app::App;
use crate::error::{Error, Result};
use crate::http::authorization::{self, ElementPart, Presented, Secrets};
use crate::ids::{AccountId, InstanceId, OrganizationId, Secret, UserId};
use crate::login;
use crate::store::{Found, FoundInstance, FoundUser, Owner};
use crate::tenancy;
use crate::vault::SecretKind;

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

/// An [`OrgCaller`] on the two routes that ignore an Element part, whatever it holds.
#[derive(Debug, Clone)]
pub struct OrgCallerIgnoringElement(pub OrgCaller);

/// No credentials at all, or right ones.
#[derive(Debug, Clone)]
pub struct MaybeCaller {
    pub known: bool,
}

/// A user together with an element token: a call on one instance. An organization secret may be
/// there too, and must be right then.
#[derive(Debug, Clone)]
pub struct InstanceCaller {
    /// May use the instance.
    pub caller: OrgCaller,
    pub element_key: String,
    pub instance: InstanceId,
    pub disabled: bool,
    /// Its credentials are there, and the vendor has not refused them.
    pub valid: bool,
}

impl FromRequestParts<App> for OrgCaller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let secrets = match presented(parts)? {
            Presented::Nothing => return Err(REFUSED),
            Presented::Bearer(token) => return session_caller(app, &token).await,
            Presented::Secrets(secrets) => secrets,
        };
        let found = resolve(app, &secrets).await?;
        let caller = found.org_caller()?;
        if matches!(secrets.element, Some(ElementPart::Token(_))) {
            found.instance_of(&caller)?;
        }
        Ok(caller)
    }
}

impl FromRequestParts<App> for OrgCallerIgnoringElement {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let mut secrets = match presented(parts)? {
            Presented::Nothing => return Err(REFUSED),
            Presented::Bearer(token) => return session_caller(app, &token).await.map(Self),
            Presented::Secrets(secrets) => secrets,
        };
        secrets.element = None;
        resolve(app, &secrets).await?.org_caller().map(Self)
    }
}

impl FromRequestParts<App> for MaybeCaller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let known = !matches!(presented(parts)?, Presented::Nothing);
        if known {
            OrgCaller::from_request_parts(parts, app).await?;
        }
        Ok(Self { known })
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
        Ok(Self {
            element_key: instance.element_key.clone(),
            instance: instance.id,
            disabled: instance.disabled,
            valid: instance.valid,
            caller,
        })
    }
}

fn presented(parts: &Parts) -> Result<Presented> {
    authorization::read(&parts.headers).map_err(|authorization::Malformed| REFUSED)
}

/// Who began this session, as if both secrets had been sent.
pub async fn session_caller(app: &App, token: &Secret) -> Result<OrgCaller> {
    let found = login::session(app, token).await?.ok_or(REFUSED)?;
    Ok(caller(found.organization, &found.user))
}

fn caller(organization: OrganizationId, user: &FoundUser) -> OrgCaller {
    OrgCaller {
        organization,
        account: user.account,
        user: user.id,
        admin: user.roles.iter().any(|role| role == "org-admin"),
    }
}

/// What the presented secrets belong to.
#[derive(Default)]
struct Resolved {
    organization: Option<OrganizationId>,
    user: Option<(OrganizationId, FoundUser)>,
    instance: Option<(OrganizationId, FoundInstance)>,
}

/// One statement for all secrets of the request; another one if a secret is unknown and there is
/// a newer keyring, under whose pepper it may stand.
async fn resolve(app: &App, secrets: &Secrets) -> Result<Resolved> {
    let presented = usize::from(secrets.organization.is_some())
        + usize::from(secrets.user.is_some())
        + usize::from(matches!(secrets.element, Some(ElementPart::Token(_))));
    let keyring = app.vault().keyring();
    let mut all = look_up(app, secrets).await?;
    if all.len() < presented && tenancy::refresh_keyring(app, &keyring).await {
        all = look_up(app, secrets).await?;
    }
    let mut resolved = Resolved::default();
    for found in all {
        // Whoever belongs to an organization that was switched off is nobody.
        if !found.organization_active {
            continue;
        }
        let organization = found.organization;
        match found.owner {
            Owner::Organization => resolved.organization = Some(organization),
            Owner::User(user) if user.active && user.account_active => {
                resolved.user = Some((organization, user));
            }
            Owner::Instance(instance) if instance.account_active => {
                resolved.instance = Some((organization, instance));
            }
            Owner::User(_) | Owner::Instance(_) => {}
        }
    }
    Ok(resolved)
}

async fn look_up(app: &App, secrets: &Secrets) -> Result<Vec<Found>> {
    let vault = app.vault();
    let mut fingerprints = Vec::new();
    if let Some(secret) = &secrets.organization {
        fingerprints.extend(vault.fingerprints(SecretKind::Organization, secret));
    }
    if let Some(secret) = &secrets.user {
        fingerprints.extend(vault.fingerprints(SecretKind::User, secret));
    }
    if let Some(ElementPart::Token(secret)) = &secrets.element {
        fingerprints.extend(vault.fingerprints(SecretKind::Instance, secret));
    }
    let hmacs: Vec<&[u8]> = fingerprints.iter().map(|f| f.hmac.as_slice()).collect();
    app.store().directory().resolve(&hmacs).await
}

impl Resolved {
    fn user_caller(&self) -> Result<OrgCaller> {
        let (organization, user) = self.user.as_ref().ok_or(REFUSED)?;
        Ok(caller(*organization, user))
    }

    fn org_caller(&self) -> Result<OrgCaller> {
        let caller = self.user_caller()?;
        if self.organization != Some(caller.organization) {
            return Err(REFUSED);
        }
        Ok(caller)
    }

    /// The instance of the token, if this caller may use it.
    fn instance_of(&self, caller: &OrgCaller) -> Result<&FoundInstance> {
        let (organization, instance) = self.instance.as_ref().ok_or(REFUSED)?;
        let may_use = *organization == caller.organization
            && (caller.admin || instance.account == caller.account);
        may_use.then_some(instance).ok_or(REFUSED)
    }
}
