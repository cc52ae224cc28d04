//! Use cases of an operator: organizations, their accounts and users, made and changed.

mod password_policy;

use uuid::Uuid;

use crate::callers;
use crate::error::{Error, Result};
use crate::ids::{AccountId, OrganizationId, Secret, SecretKind, UserId};
use crate::store::{Account, NewAccount, NewOrganization, NewUser, Organization, Store, User};
use crate::vault::{OrganizationKeys, Place, Vault, password};

pub use password_policy::{Person, check as check_password};

pub const DEFAULT_ACCOUNT: &str = "Company Default Account";
const LONGEST_NAME: usize = 250;
/// Role keys, and whether they belong to the default account alone.
const ROLES: [(&str, bool); 4] = [
    ("org-admin", true),
    ("admin", false),
    ("org", true),
    ("default-user", false),
];

/// The store and the keys to seal with.
#[derive(Debug, Clone, Copy)]
pub struct Office<'a> {
    pub store: &'a Store,
    pub vault: &'a Vault,
}

/// A user to be made.
#[derive(Debug)]
pub struct UserToMake<'a> {
    /// `None`: the default account.
    pub account: Option<AccountId>,
    pub email: &'a str,
    pub first_name: &'a str,
    pub last_name: &'a str,
    pub password: Option<Secret>,
    /// Empty: the ordinary role of the account.
    pub roles: &'a [String],
}

impl Office<'_> {
    /// With its default account.
    pub async fn create_organization(&self, name: &str) -> Result<OrganizationId> {
        named("name", name)?;
        let secret = self.vault.new_organization_secret();
        let row_id = Uuid::new_v4();
        let (secret, vault) = (&secret, self.vault);
        self.store
            .transaction(|mut transaction| async move {
                let id = self.store.next_organization_id(&mut transaction).await?;
                let (key, wrapped) = vault.new_organization_key(id);
                let place = place(id, "organizations", row_id);
                let org = self.store.org(id);
                org.insert_organization(
                    &mut transaction,
                    &NewOrganization {
                        row_id,
                        name,
                        secret_sealed: &key.seal(&place, secret.reveal().as_bytes()),
                        secret: &vault.fingerprint(SecretKind::Organization, secret),
                        key: &wrapped,
                    },
                )
                .await?;
                org.insert_account(
                    &mut transaction,
                    &NewAccount {
                        external_id: DEFAULT_ACCOUNT,
                        name: DEFAULT_ACCOUNT,
                        description: DEFAULT_ACCOUNT,
                        default_account: true,
                    },
                )
                .await?;
                Ok((transaction, id))
            })
            .await
    }

    pub async fn organization(&self, id: OrganizationId) -> Result<Organization> {
        let found = self.store.org(id).organization().await?;
        found.ok_or_else(|| Error::NotFound(format!("There is no organization {id}.")))
    }

    pub async fn organization_secret(&self, organization: &Organization) -> Result<Secret> {
        let place = place(organization.id, "organizations", organization.row_id);
        self.open(&place, &organization.secret_sealed).await
    }

    /// Switches all of it off or on; on every server from the moment this returns.
    pub async fn set_organization_active(&self, id: OrganizationId, active: bool) -> Result<()> {
        self.organization(id).await?;
        let revocation = self.store.org(id).set_organization_active(active).await?;
        callers::settle(self.store, revocation).await;
        Ok(())
    }

    /// The old secret is unknown, on every server, from the moment this returns.
    pub async fn rotate_organization_secret(&self, id: OrganizationId) -> Result<()> {
        let organization = self.organization(id).await?;
        let secret = self.vault.new_organization_secret();
        let place = place(id, "organizations", organization.row_id);
        let sealed = self
            .keys(id)
            .await?
            .seal(&place, secret.reveal().as_bytes());
        let print = self.vault.fingerprint(SecretKind::Organization, &secret);
        let org = self.store.org(id);
        let revocation = org.replace_organization_secret(&sealed, &print).await?;
        callers::settle(self.store, revocation).await;
        Ok(())
    }

    pub async fn create_account(
        &self,
        organization: OrganizationId,
        external_id: &str,
        name: Option<&str>,
    ) -> Result<AccountId> {
        named("external id", external_id)?;
        self.organization(organization).await?;
        let name = name.unwrap_or(external_id);
        named("name", name)?;
        let org = self.store.org(organization);
        self.store
            .transaction(|mut transaction| async move {
                let new = NewAccount {
                    external_id,
                    name,
                    description: name,
                    default_account: false,
                };
                let id = org.insert_account(&mut transaction, &new).await?;
                Ok((transaction, id))
            })
            .await
    }

    pub async fn create_user(
        &self,
        organization: OrganizationId,
        wanted: &UserToMake<'_>,
    ) -> Result<UserId> {
        self.organization(organization).await?;
        named("first name", wanted.first_name)?;
        named("last name", wanted.last_name)?;
        email(wanted.email)?;
        let account = self.account(organization, wanted.account).await?;
        let roles = roles(wanted.roles, &account)?;
        let hash = match &wanted.password {
            Some(password) => Some(hashed(password, wanted.person()).await?),
            None => None,
        };
        let secret = self.vault.new_user_secret();
        let row_id = Uuid::new_v4();
        let place = place(organization, "users", row_id);
        let keys = self.keys(organization).await?;
        let new = NewUser {
            account_id: account.id,
            row_id,
            email: wanted.email,
            first_name: wanted.first_name,
            last_name: wanted.last_name,
            password_hash: hash.as_ref(),
            secret_sealed: &keys.seal(&place, secret.reveal().as_bytes()),
            secret: &self.vault.fingerprint(SecretKind::User, &secret),
            roles: &roles,
        };
        let (org, new) = (self.store.org(organization), &new);
        self.store
            .transaction(|mut transaction| async move {
                let id = org.insert_user(&mut transaction, new).await?;
                Ok((transaction, id))
            })
            .await
    }

    /// By id or e-mail address.
    pub async fn user(&self, organization: OrganizationId, wanted: &str) -> Result<User> {
        self.organization(organization).await?;
        let org = self.store.org(organization);
        let found = match wanted.parse() {
            Ok(id) => org.user(UserId(id)).await?,
            Err(_) => org.user_by_email(wanted).await?,
        };
        found.ok_or_else(|| {
            Error::NotFound(format!(
                "Organization {organization} has no user '{wanted}'."
            ))
        })
    }

    pub async fn user_secret(&self, organization: OrganizationId, user: &User) -> Result<Secret> {
        let place = place(organization, "users", user.row_id);
        self.open(&place, &user.secret_sealed).await
    }

    /// Switches the user off or on; on every server from the moment this returns.
    pub async fn set_user_active(
        &self,
        organization: OrganizationId,
        user: &User,
        active: bool,
    ) -> Result<()> {
        let org = self.store.org(organization);
        let revocation = org.set_user_active(user.id, active).await?;
        callers::settle(self.store, revocation).await;
        Ok(())
    }

    /// The old secret is unknown, on every server, from the moment this returns.
    pub async fn rotate_user_secret(
        &self,
        organization: OrganizationId,
        user: &User,
    ) -> Result<()> {
        let secret = self.vault.new_user_secret();
        let place = place(organization, "users", user.row_id);
        let keys = self.keys(organization).await?;
        let sealed = keys.seal(&place, secret.reveal().as_bytes());
        let print = self.vault.fingerprint(SecretKind::User, &secret);
        let org = self.store.org(organization);
        let revocation = org.replace_user_secret(user.id, &sealed, &print).await?;
        callers::settle(self.store, revocation).await;
        Ok(())
    }

    pub async fn set_password(
        &self,
        organization: OrganizationId,
        user: &User,
        password: &Secret,
    ) -> Result<()> {
        let person = Person {
            email: &user.email,
            first_name: &user.first_name,
            last_name: &user.last_name,
        };
        let hash = hashed(password, person).await?;
        self.store
            .org(organization)
            .set_user_password(user.id, &hash)
            .await
    }

    async fn account(
        &self,
        organization: OrganizationId,
        id: Option<AccountId>,
    ) -> Result<Account> {
        let org = self.store.org(organization);
        let (found, name) = match id {
            Some(id) => (org.account(id).await?, format!("account {id}")),
            None => (org.default_account().await?, "default account".to_owned()),
        };
        found.ok_or_else(|| Error::NotFound(format!("Organization {organization} has no {name}.")))
    }

    async fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Secret> {
        let clear = self.keys(place.organization).await?.open(place, sealed)?;
        let text = std::str::from_utf8(&clear).map_err(Error::internal)?;
        Ok(Secret::new(text))
    }

    /// Read each time: a command is short, and keys may be rotated beside it.
    pub async fn keys(&self, organization: OrganizationId) -> Result<OrganizationKeys> {
        let wrapped = self.store.org(organization).organization_keys().await?;
        Ok(self.vault.open_organization_keys(organization, &wrapped)?)
    }
}

impl UserToMake<'_> {
    fn person(&self) -> Person<'_> {
        Person {
            email: self.email,
            first_name: self.first_name,
            last_name: self.last_name,
        }
    }
}

async fn hashed(password: &Secret, person: Person<'_>) -> Result<Secret> {
    check_password(password, person)?;
    password::hash(password.clone()).await
}

fn place(organization: OrganizationId, table: &'static str, row: Uuid) -> Place<'static> {
    Place {
        organization,
        table,
        row,
        column: "secret_sealed",
    }
}

/// A name that people read.
pub fn named(field: &str, text: &str) -> Result<()> {
    let fits = (1..=LONGEST_NAME).contains(&text.chars().count())
        && text.trim() == text
        && !text.chars().any(char::is_control);
    fits.then_some(()).ok_or_else(|| {
        Error::Invalid(format!(
            "The {field} must have 1 to {LONGEST_NAME} characters, without control characters \
             and without blanks around it."
        ))
    })
}

/// Enough to find mistakes of typing; only a message to it could tell more.
pub fn email(text: &str) -> Result<()> {
    named("e-mail address", text)?;
    let fits = text
        .split_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
        && !text.contains(char::is_whitespace);
    fits.then_some(())
        .ok_or_else(|| Error::Invalid(format!("'{text}' is not an e-mail address.")))
}

fn roles<'r>(wanted: &'r [String], account: &Account) -> Result<Vec<&'r str>> {
    if wanted.is_empty() {
        return Ok(vec![ordinary_role(account.default_account)]);
    }
    let wanted = wanted.iter();
    wanted
        .map(|key| role(key, account.default_account))
        .collect()
}

/// Of users who are given no other.
pub fn ordinary_role(in_default_account: bool) -> &'static str {
    if in_default_account {
        "org"
    } else {
        "default-user"
    }
}

/// A role that a user of such an account can have.
pub fn role(wanted: &str, in_default_account: bool) -> Result<&str> {
    match ROLES.iter().find(|(key, _)| *key == wanted) {
        Some((_, true)) if !in_default_account => Err(Error::Invalid(format!(
            "The role '{wanted}' belongs to users of the default account."
        ))),
        Some(_) => Ok(wanted),
        None => Err(Error::Invalid(format!(
            "There is no role '{wanted}'; there are {}.",
            ROLES.map(|(key, _)| key).join(", ")
        ))),
    }
}
