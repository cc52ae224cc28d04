//! Fills the database with organizations and instances as the server would make them: sealed by its
//! keys for their own rows, found by their tokens. Instances go in by `copy`, since a million
//! creates would take an hour.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;

use bunsen::ids::{InstanceId, OrganizationId, Secret, SecretKind};
use bunsen::keyring::Keyring;
use bunsen::store::{NewAccount, NewOrganization, NewUser, Store};
use bunsen::vault::{OrganizationKeys, Place, Vault};
use http::HeaderValue;
use uuid::Uuid;

use crate::Error;
use crate::crowd::{ORGANIZATIONS, organization_of, token};
use crate::pgbench::{Database, Programs};

const TABLE: &str = include_str!("../sql/seed_table.sql");
const INSERT: &str = include_str!("../sql/seed.sql");
const COPY: &str = "copy bench.seed from stdin";
/// Instances of one statement.
const BATCH: usize = 50_000;

pub struct Seeder {
    vault: Vault,
    organizations: Vec<Tenant>,
    /// Credentials of the instance that all others are made after, as they are sealed.
    credentials: Vec<u8>,
}

struct Tenant {
    id: OrganizationId,
    keys: OrganizationKeys,
}

impl Seeder {
    /// Makes the organizations, but for the first, which is there with the model instance. Gives
    /// what their users send, too.
    pub async fn start(
        data_dir: &Path,
        database: &Database,
        own: HeaderValue,
        model: (OrganizationId, InstanceId),
    ) -> Result<(Self, Vec<HeaderValue>), Error> {
        let vault = Vault::new(Keyring::read(&data_dir.join("keyring.json"))?);
        let store = Store::connect(&Secret::new(database.url()), 16, 2).await?;
        let (own_id, model) = model;
        let mut seeder = Self {
            vault,
            organizations: Vec::with_capacity(ORGANIZATIONS),
            credentials: Vec::new(),
        };
        seeder.open(&store, own_id).await?;
        let row = store.org(own_id).instance(model).await.map_err(said)?;
        let row = row.ok_or("the model instance is gone")?;
        let place = place(own_id, "instances", row.row_id, "credentials_sealed");
        let keys = seeder.keys(0)?;
        seeder.credentials = keys.open(&place, &row.credentials_sealed)?.to_vec();

        let mut users = vec![own];
        while users.len() < ORGANIZATIONS {
            let (id, user) = seeder.organization(&store).await.map_err(said)?;
            seeder.open(&store, id).await?;
            users.push(user);
        }
        store.close().await;
        Ok((seeder, users))
    }

    async fn open(&mut self, store: &Store, id: OrganizationId) -> Result<(), Error> {
        let wrapped = store.org(id).organization_keys().await.map_err(said)?;
        let keys = self.vault.open_organization_keys(id, &wrapped)?;
        self.organizations.push(Tenant { id, keys });
        Ok(())
    }

    pub fn second_organization(&self) -> Result<OrganizationId, Error> {
        let second = self.organizations.get(1);
        Ok(second.ok_or("an organization is missing")?.id)
    }

    fn keys(&self, number: usize) -> Result<&OrganizationKeys, Error> {
        let tenant = self.organizations.get(number);
        Ok(&tenant.ok_or("an organization is missing")?.keys)
    }

    /// One with an account and a user.
    async fn organization(
        &self,
        store: &Store,
    ) -> bunsen::error::Result<(OrganizationId, HeaderValue)> {
        let mut transaction = store.begin().await?;
        let id = store.next_organization_id(&mut transaction).await?;
        let (key, wrapped) = self.vault.new_organization_key(id);
        let org = store.org(id);
        let row_id = Uuid::new_v4();
        let secret = self.vault.new_organization_secret();
        let place = |table, row| place(id, table, row, "secret_sealed");
        let new = NewOrganization {
            row_id,
            name: &format!("Organization {id}"),
            secret_sealed: &key.seal(&place("organizations", row_id), secret.reveal().as_bytes()),
            secret: &self.vault.fingerprint(SecretKind::Organization, &secret),
            key: &wrapped,
        };
        org.insert_organization(&mut transaction, &new).await?;
        let account = NewAccount {
            external_id: "default",
            name: "default",
            description: "",
            default_account: true,
        };
        let account_id = org.insert_account(&mut transaction, &account).await?;
        let row_id = Uuid::new_v4();
        let user_secret = self.vault.new_user_secret();
        let new = NewUser {
            account_id,
            row_id,
            email: &format!("user-{id}@bench.example"),
            first_name: "Bench",
            last_name: "User",
            password_hash: None,
            secret_sealed: &key.seal(&place("users", row_id), user_secret.reveal().as_bytes()),
            secret: &self.vault.fingerprint(SecretKind::User, &user_secret),
            roles: &["admin"],
        };
        org.insert_user(&mut transaction, &new).await?;
        transaction
            .commit()
            .await
            .map_err(bunsen::error::Error::from)?;
        let header = format!(
            "User {}, Organization {}",
            user_secret.reveal(),
            secret.reveal()
        );
        let header = HeaderValue::try_from(header).map_err(bunsen::error::Error::internal)?;
        Ok((id, header))
    }

    /// Instances with these ids.
    pub async fn instances(
        &self,
        postgres: &Programs,
        database: &Database,
        ids: Range<i64>,
    ) -> Result<(), Error> {
        let mut rest = ids;
        while !rest.is_empty() {
            postgres.ask(database, TABLE).await?;
            let mut lines = String::with_capacity(BATCH * 800);
            for id in rest.by_ref().take(BATCH) {
                self.line(&mut lines, id)?;
            }
            postgres.feed(database, COPY, lines).await?;
            postgres.ask(database, INSERT).await?;
        }
        Ok(())
    }

    /// A row of `bench.seed`, as `copy` reads it.
    fn line(&self, lines: &mut String, id: i64) -> Result<(), Error> {
        let tenant = self.organizations.get(organization_of(id));
        let Tenant {
            id: organization,
            keys,
        } = tenant.ok_or("an organization is missing")?;
        let row = Uuid::new_v4();
        let token = Secret::new(token(id));
        let place = |column| place(*organization, "instances", row, column);
        let fingerprint = self.vault.fingerprint(SecretKind::Instance, &token);
        write!(
            lines,
            "{id}\t{organization}\t{row}\t{}",
            fingerprint.pepper_id
        )?;
        for bytes in [
            keys.seal(&place("credentials_sealed"), &self.credentials)
                .as_slice(),
            &keys.seal(&place("token_sealed"), token.reveal().as_bytes()),
            &fingerprint.hmac,
        ] {
            lines.push_str("\t\\\\x");
            for byte in bytes {
                write!(lines, "{byte:02x}")?;
            }
        }
        lines.push('\n');
        Ok(())
    }
}

fn place<'a>(
    organization: OrganizationId,
    table: &'a str,
    row: Uuid,
    column: &'a str,
) -> Place<'a> {
    Place {
        organization,
        table,
        row,
        column,
    }
}

/// With the cause, which the server keeps from its callers.
fn said(error: bunsen::error::Error) -> Error {
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default()).into()
}
