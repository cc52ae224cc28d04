//! Use cases around an organization: its opened data keys, its secret.

use std::sync::Arc;

use crate::app::App;
use crate::error::{Error, Result};
use crate::ids::{OrganizationId, Secret, UserId};
use crate::keyring::Keyring;
use crate::keys;
use crate::store;
use crate::vault::{OrganizationKeys, Place, VaultError};

/// The organization's data keys, from the vault's cache or the store.
pub async fn keys(app: &App, organization: OrganizationId) -> Result<Arc<OrganizationKeys>> {
    let load = || {
        app.vault().organization_keys(organization, async {
            app.store().org(organization).organization_keys().await
        })
    };
    let keyring = app.vault().keyring();
    match load().await {
        // Perhaps a key of the keyring that this server has not read yet.
        Err(error) if is_unknown_key(&error) && refresh_keyring(app, &keyring).await => {
            load().await
        }
        outcome => outcome,
    }
}

/// Reads the keyring again if its file has changed; `true`: it is another one than `used`, read
/// here or by somebody else meanwhile. One that cannot be used is logged, and the old one stays.
pub async fn refresh_keyring(app: &App, used: &Arc<Keyring>) -> bool {
    keys::refresh(app.store(), app.vault()).await;
    !Arc::ptr_eq(used, &app.vault().keyring())
}

fn is_unknown_key(error: &Error) -> bool {
    let Error::Internal(cause) = error else {
        return false;
    };
    matches!(cause.downcast_ref(), Some(VaultError::UnknownKey(_)))
}

/// The organization with its secret in clear.
pub async fn organization(
    app: &App,
    organization: OrganizationId,
) -> Result<(store::Organization, Secret)> {
    let row = app
        .store()
        .org(organization)
        .organization()
        .await?
        .ok_or_else(|| Error::NotFound("No organization found.".into()))?;
    let place = Place {
        organization,
        table: "organizations",
        row: row.row_id,
        column: "secret_sealed",
    };
    let secret = open_text(&*keys(app, organization).await?, &place, &row.secret_sealed)?;
    Ok((row, secret))
}

/// The user's secret in clear.
pub async fn user_secret(app: &App, organization: OrganizationId, user: UserId) -> Result<Secret> {
    let row = app
        .store()
        .org(organization)
        .user(user)
        .await?
        .ok_or_else(|| Error::NotFound("No user found.".into()))?;
    let place = Place {
        organization,
        table: "users",
        row: row.row_id,
        column: "secret_sealed",
    };
    open_text(&*keys(app, organization).await?, &place, &row.secret_sealed)
}

/// Opens a sealed value that is text.
pub fn open_text(keys: &OrganizationKeys, place: &Place<'_>, sealed: &[u8]) -> Result<Secret> {
    let clear = keys.open(place, sealed)?;
    let text = std::str::from_utf8(&clear).map_err(Error::internal)?;
    Ok(Secret::new(text))
}
