//! All SQL. One file per family of tables.
//!
//! Rows of tenants are reached through `Store::org`, which binds the organization as `$1` of
//! every statement. What stands outside the tenants has types of its own: `Directory`, `AllOrgs`
//! and, for the tables of the database itself, `Store`.
//!
//! Nothing here relies on a session: a transaction pooler may sit between us and Postgres.

mod accounts;
mod administration;
mod budgets;
mod connect;
mod connection;
mod directory;
mod exchanges;
mod grants;
mod idempotency;
mod import;
mod instances;
mod keyed_calls;
mod keys;
mod leases;
mod migrate;
mod notifications;
mod oauth_clients;
mod oauth_proxies;
mod organizations;
mod request_log;
mod restore;
mod retry;
mod revocations;
mod rotation;
mod server;
mod sessions;
mod shelf;
mod snapshot;
mod traces;
mod turns;
mod users;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use sqlx::postgres::{PgArguments, PgPool, PgRow};
use sqlx::query::{Query, QueryAs};
use sqlx::{FromRow, Postgres};

pub use accounts::{Account, AccountFilter, NewAccount};
pub use budgets::{BudgetKey, Leased, Spending};
pub use connect::{ConnectLink, ConnectSettings, Logo, NewConnectLink};
pub use connection::{ConnectError, PoolState, Transaction};
pub use directory::{Directory, Found, FoundInstance, FoundUser, Owner};
pub use exchanges::{NewExchange, OpenExchange, Opened, Outcome, Purpose, Standing};
pub use grants::{Grant, OrganizationGrant};
pub use idempotency::{Claim, Claimed, RequestKey};
pub use import::{
    ImportedAccount, ImportedInstance, ImportedUser, KnownInstance, Numbered, SecretOwner,
};
pub use instances::{
    DueRenewal, ExternalAuthentication, FailedRenewal, Instance, InstanceChange, InstanceFilter,
    InstanceOwner, KeptTokens, NewInstance, RenewalPass, RenewedInstance, given_up,
};
pub use keyed_calls::{CallClaimed, CallKey};
pub use keys::{KeyHolder, KeyUsage, Retired};
pub use migrate::{MigrateError, knows_migration};
pub use notifications::{
    AboutInstance, Delivery, DeliveryFilter, DeliveryLook, DeliveryPosition, DueDelivery,
    FIRST_POSITION, FoundDeliveries, INSTANCE_NEEDS_OWNER, INSTANCE_RECOVERED, Missed,
    NOTIFICATIONS_OF_ORGANIZATION, NewNotification, NewSubscription, Notification,
    SUBSCRIPTIONS_OF_ACCOUNT, SUBSCRIPTIONS_OF_ORGANIZATION, Subscription,
};
pub use oauth_clients::{ClientOwner, NewOauthClient, OauthClient};
pub use oauth_proxies::OauthProxy;
pub use organizations::{NewOrganization, Organization};
pub use request_log::{
    LoggedRequest, NewRequest, RequestBatch, RequestDay, RequestFilter, RequestPosition,
    WriteError, Written,
};
pub use restore::{Restoration, RestoreError};
pub(crate) use retry::is_passing;
pub use revocations::{Heard, Look, Revocation};
pub use rotation::{HELD_COLUMNS, HeldColumn, IndexedSecret, Resealed, SealedValue};
pub use server::Mode;
pub use sessions::LoginUser;
pub use snapshot::{AppliedMigration, KnownKey, LEFT_BEHIND, LastId, Snapshot, TableShape};
pub use users::{NewUser, User, UserFilter};

use crate::ids::OrganizationId;
use instances::Together;
use request_log::LogConnection;
use shelf::Shelf;
use turns::Turns;

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pool: PgPool,
    /// Only over a pool that nobody else uses.
    shelf: Option<Shelf>,
    /// One connection for what keeps the server's memory honest (`revocations`).
    heart: PgPool,
    /// One connection that the request log is written on, opened with its first row.
    log: LogConnection,
    /// So that no organization takes the whole pool.
    turns: Turns,
    together: Together,
    /// Prepared statements kept per connection; with 0 nothing may outlive a transaction.
    statement_cache: usize,
    /// Who asks for a connection and has none yet.
    waiting: Arc<AtomicUsize>,
}

/// The rows of one organization, and no way to another's.
#[derive(Debug, Clone, Copy)]
pub struct OrgStore<'s> {
    store: &'s Store,
    organization: OrganizationId,
}

/// What must look across organizations.
#[derive(Debug, Clone, Copy)]
pub struct AllOrgs<'s> {
    store: &'s Store,
}

impl Store {
    pub fn org(&self, organization: OrganizationId) -> OrgStore<'_> {
        OrgStore {
            store: self,
            organization,
        }
    }

    pub fn directory(&self) -> Directory<'_> {
        Directory { store: self }
    }

    pub fn all_orgs(&self) -> AllOrgs<'_> {
        AllOrgs { store: self }
    }

    fn query(&self, sql: &'static str) -> Query<'static, Postgres, PgArguments> {
        sqlx::query(sql).persistent(self.keeps_statements())
    }

    fn query_as<Row>(&self, sql: &'static str) -> QueryAs<'static, Postgres, Row, PgArguments>
    where
        Row: for<'r> FromRow<'r, PgRow>,
    {
        sqlx::query_as(sql).persistent(self.keeps_statements())
    }

    fn keeps_statements(&self) -> bool {
        self.statement_cache > 0
    }
}

impl<'s> OrgStore<'s> {
    pub fn id(&self) -> OrganizationId {
        self.organization
    }

    /// A statement whose `$1` is the organization.
    fn query(&self, sql: &'static str) -> Query<'static, Postgres, PgArguments> {
        self.store.query(sql).bind(self.organization)
    }

    /// A statement whose `$1` is the organization.
    fn query_as<Row>(&self, sql: &'static str) -> QueryAs<'static, Postgres, Row, PgArguments>
    where
        Row: for<'r> FromRow<'r, PgRow>,
    {
        self.store.query_as(sql).bind(self.organization)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The pool's own form holds the connection options.
        f.debug_struct("Store").finish_non_exhaustive()
    }
}
