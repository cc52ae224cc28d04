//! Store functions on Postgres, always with a second organization in the data.

mod bootstrap;
mod budgets;
mod changes;
mod connections;
mod directory;
mod exchanges;
mod grants;
mod hearing;
mod instances;
mod keyed_calls;
mod leases;
mod migrate;
mod notifications;
mod organizations;
mod renewals;
mod requests;
mod transactions;

use std::collections::BTreeMap;

use bunsen::error::Result;
use bunsen::ids::{AccountId, InstanceId, OrganizationId, Secret, SecretKind, UserId};
use bunsen::keyring::Keyring;
use bunsen::store::{
    ExternalAuthentication, NewAccount, NewInstance, NewOrganization, NewUser, OrgStore, Store,
};
use bunsen::vault::{Place, Vault};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::database::TestDatabase;

/// A store, a vault, and two organizations that have everything twice.
struct World {
    store: Store,
    vault: Vault,
    one: Tenant,
    other: Tenant,
}

/// One organization as a test sees it.
struct Tenant {
    id: OrganizationId,
    secret: Secret,
    account: AccountId,
    user: UserId,
    user_secret: Secret,
}

impl World {
    async fn new(database: &TestDatabase) -> Self {
        // As a server has it: connections of its own, statements kept.
        let store = Store::connect(&Secret::new(database.url.as_str()), 64, 5)
            .await
            .expect("the test's database answers");
        Self::on(store).await
    }

    async fn on(store: Store) -> Self {
        let vault = Vault::new(Keyring::generate());
        let one = Tenant::new(&store, &vault, "Acorn").await;
        let other = Tenant::new(&store, &vault, "Birch").await;
        Self {
            store,
            vault,
            one,
            other,
        }
    }

    fn org(&self) -> OrgStore<'_> {
        self.store.org(self.one.id)
    }

    fn other_org(&self) -> OrgStore<'_> {
        self.store.org(self.other.id)
    }

    async fn instance(&self, tenant: &Tenant, new: Made<'_>) -> InstanceId {
        let token = self.vault.new_element_token();
        self.instance_with_token(tenant, new, &token).await
    }

    async fn instance_with_token(
        &self,
        tenant: &Tenant,
        made: Made<'_>,
        token: &Secret,
    ) -> InstanceId {
        let fingerprint = self.vault.fingerprint(SecretKind::Instance, token);
        let tags: Vec<String> = made.tags.iter().map(|tag| (*tag).to_owned()).collect();
        let configuration = BTreeMap::from([("subdomain".to_owned(), "acme".to_owned())]);
        commit(&self.store, async |connection| {
            let new = NewInstance {
                account_id: made.account.unwrap_or(tenant.account),
                user_id: tenant.user,
                row_id: Uuid::new_v4(),
                element_key: made.element,
                name: made.name,
                tags: &tags,
                credential_group: "basic",
                configuration: &configuration,
                credentials_sealed: b"sealed credentials",
                token_sealed: b"sealed token",
                token: &fingerprint,
                external_authentication: ExternalAuthentication::Initial,
                renewal_due_at: None,
            };
            self.store
                .org(tenant.id)
                .insert_instance(connection, &new)
                .await
        })
        .await
        .expect("an instance")
        .id
    }
}

/// What differs between the instances of a test.
#[derive(Clone, Copy)]
struct Made<'a> {
    element: &'a str,
    name: &'a str,
    tags: &'a [&'a str],
    account: Option<AccountId>,
}

impl Default for Made<'_> {
    fn default() -> Self {
        Self {
            element: "crmdesk",
            name: "an instance",
            tags: &[],
            account: None,
        }
    }
}

impl Tenant {
    async fn new(store: &Store, vault: &Vault, name: &str) -> Self {
        let secret = vault.new_organization_secret();
        let user_secret = vault.new_user_secret();
        let (id, account, user) = commit(store, async |connection| {
            let id = store.next_organization_id(connection).await?;
            let (key, wrapped) = vault.new_organization_key(id);
            let row_id = Uuid::new_v4();
            let place = Place {
                organization: id,
                table: "organizations",
                row: row_id,
                column: "secret_sealed",
            };
            let organization = NewOrganization {
                row_id,
                name,
                secret_sealed: &key.seal(&place, secret.reveal().as_bytes()),
                secret: &vault.fingerprint(SecretKind::Organization, &secret),
                key: &wrapped,
            };
            let org = store.org(id);
            org.insert_organization(connection, &organization).await?;
            let account = NewAccount {
                external_id: "default",
                name: "Company Default Account",
                description: "",
                default_account: true,
            };
            let account = org.insert_account(connection, &account).await?;
            let user = NewUser {
                account_id: account,
                row_id: Uuid::new_v4(),
                // The same in both organizations, which must not matter.
                email: "Admin@corp.example",
                first_name: "Ada",
                last_name: name,
                password_hash: None,
                secret_sealed: b"sealed",
                secret: &vault.fingerprint(SecretKind::User, &user_secret),
                roles: &["org-admin", "admin"],
            };
            let user = org.insert_user(connection, &user).await?;
            Ok((id, account, user))
        })
        .await
        .expect("an organization");
        Self {
            id,
            secret,
            account,
            user,
            user_secret,
        }
    }

    /// A further account.
    async fn account(&self, store: &Store, name: &str) -> AccountId {
        commit(store, async |connection| {
            let account = NewAccount {
                external_id: name,
                name,
                description: name,
                default_account: false,
            };
            store
                .org(self.id)
                .insert_account(connection, &account)
                .await
        })
        .await
        .expect("an account")
    }
}

/// Runs one statement behind the store's back.
async fn execute(database: &TestDatabase, sql: &'static str) {
    sqlx::raw_sql(sql)
        .execute(&database.pool)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn count(database: &TestDatabase, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql)
        .fetch_one(&database.pool)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// One transaction, tried once. `Store::transaction` has tests of its own.
async fn commit<T>(
    store: &Store,
    work: impl AsyncFnOnce(&mut PgConnection) -> Result<T>,
) -> Result<T> {
    let mut transaction = store.begin().await?;
    let value = work(&mut transaction).await?;
    transaction.commit().await?;
    Ok(value)
}
