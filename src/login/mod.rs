//! Use cases of log-in: a session for an address and a password, whose it is, the secrets behind
//! it, another password.
//!
//! An address logs in one user of the whole server: the directory of secrets holds it as HMAC,
//! where it is unique. A user whose address is not there yet (made before, or by an import) gets
//! the row at the first right password; of several with one address the oldest.

pub mod policy;

use std::net::IpAddr;
use std::time::Duration;

use crate::app::App;
use crate::error::{Error, Result};
use crate::ids::{Fingerprint, OrganizationId, Secret, SecretKind, UserId};
use crate::store::{self, LoginUser};
use crate::tenancy;
use crate::vault::password;

/// How long a session lasts.
pub const LASTS: Duration = Duration::from_secs(24 * 60 * 60);
const REFUSED: Error = Error::Unauthenticated("Invalid user name or password.");
/// Longer is no address (RFC 5321).
const LONGEST_ADDRESS: usize = 320;

/// A session that has just begun.
#[derive(Debug)]
pub struct LoggedIn {
    pub token: Secret,
    pub profile: Profile,
}

/// The user behind a session, as clients read it.
#[derive(Debug)]
pub struct Profile {
    pub user: store::User,
    pub organization: store::Organization,
    pub account: store::Account,
}

/// One attempt. Unknown users, wrong passwords and users who may not are told the same, after the
/// same work.
pub async fn log_in(
    app: &App,
    address: IpAddr,
    username: &str,
    password: Secret,
) -> Result<LoggedIn> {
    let account = folded(username);
    app.gate().attempt(address, &account).await?;
    let fingerprints = app
        .vault()
        .fingerprints(SecretKind::Login, &Secret::new(account.as_str()));
    // No text in the database can hold a NUL.
    let possible = !account.contains('\0') && account.len() <= LONGEST_ADDRESS;
    let found = match possible {
        true => find(app, &account, &fingerprints).await?,
        false => None,
    };
    let hash = found
        .as_ref()
        .and_then(|(user, _)| user.password_hash.clone());
    let turn = app.gate().turn().await?;
    let fits = password::fits(password, hash).await?;
    drop(turn);
    let (login, indexed) = found
        .filter(|(login, _)| fits && login.is_active())
        .ok_or(REFUSED)?;
    app.gate().succeeded(address, &account).await;
    let address = (!indexed).then_some(fingerprints);
    start(app, login.organization, login.user.id, address, None).await
}

/// The user of this address, and whether the directory knows it by the current pepper.
async fn find(
    app: &App,
    account: &str,
    fingerprints: &[Fingerprint],
) -> Result<Option<(LoginUser, bool)>> {
    let hmacs: Vec<&[u8]> = fingerprints.iter().map(|f| f.hmac.as_slice()).collect();
    let directory = app.store().directory();
    // Both are always asked, so that an unknown address takes no longer than a known one.
    let known = directory.login(&hmacs).await?;
    let oldest = app.store().all_orgs().oldest_login(account).await?;
    // A row may have outlived the address or the password it was made for.
    let right =
        |login: &LoginUser| login.password_hash.is_some() && folded(&login.email) == account;
    Ok(match known.filter(right) {
        Some(login) => Some((login, hmacs.len() == 1)),
        None => oldest.filter(right).map(|login| (login, false)),
    })
}

/// Begins a session; with `password` after setting it and ending all others.
async fn start(
    app: &App,
    organization: OrganizationId,
    user: UserId,
    address: Option<Vec<Fingerprint>>,
    password: Option<Secret>,
) -> Result<LoggedIn> {
    let token = app.vault().new_session_token();
    let fingerprint = app.vault().fingerprint(SecretKind::Session, &token);
    let (address, password, fingerprint) = (&address, &password, &fingerprint);
    let org = app.store().org(organization);
    org.transaction(|mut transaction| async move {
        if let Some(address) = address {
            org.set_login(&mut transaction, user, address).await?;
        }
        if let Some(password) = password {
            org.set_password(&mut transaction, user, password).await?;
            org.end_sessions(&mut transaction, user).await?;
        }
        org.start_session(&mut transaction, user, fingerprint, LASTS)
            .await?;
        Ok((transaction, ()))
    })
    .await?;
    let profile = profile(app, organization, user).await?;
    Ok(LoggedIn { token, profile })
}

/// Whose session this is; `None` when it is unknown, has ended, or its user may not any more.
pub async fn session(app: &App, token: &Secret) -> Result<Option<LoginUser>> {
    let fingerprints = app.vault().fingerprints(SecretKind::Session, token);
    let hmacs: Vec<&[u8]> = fingerprints.iter().map(|f| f.hmac.as_slice()).collect();
    let found = app.store().directory().session(&hmacs).await?;
    Ok(found.filter(LoginUser::is_active))
}

/// User and organization secret.
pub async fn secrets(
    app: &App,
    organization: OrganizationId,
    user: UserId,
) -> Result<(Secret, Secret)> {
    let (_, of_organization) = tenancy::organization(app, organization).await?;
    let of_user = tenancy::user_secret(app, organization, user).await?;
    Ok((of_user, of_organization))
}

/// Sets another password and begins a new session; all others of the user end.
pub async fn change_password(
    app: &App,
    organization: OrganizationId,
    user: UserId,
    password: Secret,
) -> Result<LoggedIn> {
    let profile = profile(app, organization, user).await?;
    let owner = policy::Owner {
        first_name: &profile.user.first_name,
        last_name: &profile.user.last_name,
        email: &profile.user.email,
    };
    policy::check(password.reveal(), &owner).map_err(Error::Invalid)?;
    let account = folded(&profile.user.email);
    let fingerprints = app
        .vault()
        .fingerprints(SecretKind::Login, &Secret::new(account.as_str()));
    let other = match find(app, &account, &fingerprints).await? {
        Some((login, _)) => (login.organization, login.user.id) != (organization, user),
        None => false,
    };
    if other {
        return Err(Error::Conflict(
            "Another user of this server logs in with this e-mail address; change the address first."
                .into(),
        ));
    }
    let turn = app.gate().turn().await?;
    let hash = password::hash(password).await?;
    drop(turn);
    start(app, organization, user, Some(fingerprints), Some(hash)).await
}

async fn profile(app: &App, organization: OrganizationId, user: UserId) -> Result<Profile> {
    let gone = || Error::NotFound("No user found.".into());
    let org = app.store().org(organization);
    let user = org.user(user).await?.ok_or_else(gone)?;
    Ok(Profile {
        account: org.account(user.account_id).await?.ok_or_else(gone)?,
        organization: org.organization().await?.ok_or_else(gone)?,
        user,
    })
}

/// The form in which an address is compared.
fn folded(address: &str) -> String {
    address.trim().to_lowercase()
}
