//! `bunsen org`, `bunsen account` and `bunsen user`. A secret is printed only where it is asked for.

use std::io::Write;

use serde_json::{Value, json};

use crate::administration::{Office, UserToMake};
use crate::bootstrap;
use crate::cli::brand;
use crate::cli::state::{Opened, told};
use crate::config::{Accounts, Common, Organizations, State, Users};
use crate::error::{Error, Result};
use crate::ids::{AccountId, OrganizationId, Secret};
use crate::keyring::Keyring;
use crate::store::{Account, AccountFilter, Organization, User, UserFilter};
use crate::vault::Vault;

/// Rows read at a time for a list.
const PAGE: i64 = 500;

pub async fn organizations(command: &Organizations, out: &mut impl Write) -> Result<()> {
    let (opened, vault) = open(&command.common().state).await?;
    let office = Office {
        store: &opened.store,
        vault: &vault,
    };
    let answer = organization_answer(office, command).await;
    finish(opened, command.common(), answer, out).await
}

pub async fn accounts(command: &Accounts, out: &mut impl Write) -> Result<()> {
    let (opened, vault) = open(&command.common().state).await?;
    let office = Office {
        store: &opened.store,
        vault: &vault,
    };
    let answer = account_answer(office, command).await;
    finish(opened, command.common(), answer, out).await
}

pub async fn users(command: &Users, out: &mut impl Write) -> Result<()> {
    let (opened, vault) = open(&command.common().state).await?;
    let office = Office {
        store: &opened.store,
        vault: &vault,
    };
    let answer = user_answer(office, command).await;
    finish(opened, command.common(), answer, out).await
}

async fn organization_answer(office: Office<'_>, command: &Organizations) -> Result<Value> {
    let (id, with_secret) = match command {
        Organizations::List { .. } => {
            let all = office.store.all_orgs().organizations().await?;
            return Ok(all
                .iter()
                .map(|one| shown_organization(one, None))
                .collect());
        }
        Organizations::Create { name, secret, .. } => {
            (office.create_organization(name).await?, *secret)
        }
        Organizations::Show(one) => (one.id, one.secret),
        Organizations::Disable(one) | Organizations::Enable(one) => {
            let active = matches!(command, Organizations::Enable(_));
            office.set_organization_active(one.id, active).await?;
            (one.id, one.secret)
        }
        Organizations::Brand(brand) => return brand::brand(office, brand).await,
        Organizations::ReturnOrigins(origins) => return brand::origins(office, origins).await,
        Organizations::RotateSecret(one) => {
            office.rotate_organization_secret(one.id).await?;
            (one.id, one.secret)
        }
    };
    let organization = office.organization(id).await?;
    let secret = match with_secret {
        true => Some(office.organization_secret(&organization).await?),
        false => None,
    };
    Ok(shown_organization(&organization, secret.as_ref()))
}

async fn account_answer(office: Office<'_>, command: &Accounts) -> Result<Value> {
    let organization = match command {
        Accounts::Create {
            organization,
            external_id,
            name,
            ..
        } => {
            let made = office.create_account(*organization, external_id, name.as_deref());
            let id = made.await?;
            let account = office.store.org(*organization).account(id).await?;
            let account = account.ok_or_else(|| Error::internal("a new account is not there"))?;
            return Ok(shown_account(&account));
        }
        Accounts::List { organization, .. } => *organization,
    };
    office.organization(organization).await?;
    let mut all: Vec<Value> = Vec::new();
    loop {
        let filter = AccountFilter {
            include_inactive: true,
            offset: all.len() as i64,
            limit: PAGE,
            ..AccountFilter::default()
        };
        let page = office.store.org(organization).accounts(&filter).await?;
        all.extend(page.iter().map(shown_account));
        if (page.len() as i64) < PAGE {
            return Ok(all.into());
        }
    }
}

async fn user_answer(office: Office<'_>, command: &Users) -> Result<Value> {
    let (organization, user, with_secret) = match command {
        Users::List { organization, .. } => return list_users(office, *organization).await,
        Users::Create {
            organization,
            account,
            first_name,
            last_name,
            email,
            roles,
            password,
            secret,
            ..
        } => {
            let wanted = UserToMake {
                account: account.map(AccountId),
                email,
                first_name,
                last_name,
                password: password.read().map_err(told)?,
                roles,
            };
            let id = office.create_user(*organization, &wanted).await?;
            (*organization, id.to_string(), *secret)
        }
        Users::Show(one) => (one.organization, one.user.clone(), one.secret),
        Users::Disable(one) | Users::Enable(one) => {
            let user = office.user(one.organization, &one.user).await?;
            let active = matches!(command, Users::Enable(_));
            let switched = office.set_user_active(one.organization, &user, active);
            switched.await?;
            (one.organization, user.id.to_string(), one.secret)
        }
        Users::RotateSecret(one) => {
            let user = office.user(one.organization, &one.user).await?;
            office.rotate_user_secret(one.organization, &user).await?;
            (one.organization, user.id.to_string(), one.secret)
        }
        Users::SetPassword {
            user: one,
            password,
        } => {
            let password = password.read().map_err(told)?.ok_or_else(|| {
                Error::Invalid("give the password by --password-file FILE".into())
            })?;
            let user = office.user(one.organization, &one.user).await?;
            let set = office.set_password(one.organization, &user, &password);
            set.await?;
            (one.organization, user.id.to_string(), one.secret)
        }
    };
    let user = office.user(organization, &user).await?;
    let secret = match with_secret {
        true => Some(office.user_secret(organization, &user).await?),
        false => None,
    };
    Ok(shown_user(organization, &user, secret.as_ref()))
}

async fn list_users(office: Office<'_>, organization: OrganizationId) -> Result<Value> {
    office.organization(organization).await?;
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let filter = UserFilter {
            include_inactive: true,
            after,
            limit: PAGE,
            ..UserFilter::default()
        };
        let page = office.store.org(organization).users(&filter).await?;
        after = page.last().map(|user| user.id);
        all.extend(page.iter().map(|user| shown_user(organization, user, None)));
        if (page.len() as i64) < PAGE {
            return Ok(all.into());
        }
    }
}

fn shown_organization(organization: &Organization, secret: Option<&Secret>) -> Value {
    let shown = json!({
        "id": organization.id,
        "name": organization.name,
        "active": organization.active,
        "createdDate": organization.created_at.to_string(),
    });
    with_secret(shown, secret)
}

fn shown_account(account: &Account) -> Value {
    json!({
        "id": account.id,
        "name": account.name,
        "externalId": account.external_id,
        "defaultAccount": account.default_account,
        "active": account.active,
    })
}

fn shown_user(organization: OrganizationId, user: &User, secret: Option<&Secret>) -> Value {
    let shown = json!({
        "id": user.id,
        "organization": organization,
        "account": user.account_id,
        "email": user.email,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "roles": user.roles,
        "active": user.active,
    });
    with_secret(shown, secret)
}

fn with_secret(mut shown: Value, secret: Option<&Secret>) -> Value {
    if let (Some(secret), Some(fields)) = (secret, shown.as_object_mut()) {
        fields.insert("secret".into(), secret.reveal().into());
    }
    shown
}

/// The database, and the keyring that belongs to it.
pub async fn open(state: &State) -> Result<(Opened, Vault)> {
    let opened = Opened::for_command(state).await?;
    match keyring(&opened, state).await {
        Ok(keyring) => Ok((opened, Vault::new(keyring))),
        Err(error) => opened.close().await.and(Err(error)),
    }
}

async fn keyring(opened: &Opened, state: &State) -> Result<Keyring> {
    opened.store.migrate().await.map_err(told)?;
    let keyring = match state.keyring.json().map_err(told)? {
        Some(json) => Keyring::parse(&json).map_err(told)?,
        None => Keyring::read(&state.keyring_file().map_err(told)?).map_err(told)?,
    };
    bootstrap::verify_keyring(&opened.store, &keyring)
        .await
        .map_err(told)?;
    Ok(keyring)
}

pub async fn finish(
    opened: Opened,
    common: &Common,
    answer: Result<Value>,
    out: &mut impl Write,
) -> Result<()> {
    opened.close().await?;
    let answer = answer?;
    if common.json {
        let text = serde_json::to_string_pretty(&answer).map_err(Error::internal)?;
        return writeln!(out, "{text}").map_err(Error::internal);
    }
    let rows = match &answer {
        Value::Array(rows) => rows.as_slice(),
        one => std::slice::from_ref(one),
    };
    for row in rows {
        let fields = row.as_object().into_iter().flatten();
        let cells: Vec<String> = fields
            .map(|(name, value)| match value {
                Value::String(text) => format!("{name}: {text}"),
                other => format!("{name}: {other}"),
            })
            .collect();
        writeln!(out, "{}", cells.join(", ")).map_err(Error::internal)?;
    }
    Ok(())
}
