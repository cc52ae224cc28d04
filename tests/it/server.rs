//! A whole server in this process, for tests over HTTP: its own database, simulated vendors, two
//! organizations with callers of every kind.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bunsen::app::{App, CallLimits, Outside, Parts};
use bunsen::bootstrap::{self, Bootstrapped, GivenKeyring};
use bunsen::budgets;
use bunsen::callers::Callers;
use bunsen::http::{Front, Trusted};
use bunsen::ids::{AccountId, OrganizationId, Secret, SecretKind};
use bunsen::keyring::Keyring;
use bunsen::outbound::{self, Outbound, VendorRoute};
use bunsen::request_log::{self, RequestLog};
use bunsen::scripts::{self, Scripts};
use bunsen::shares::{Limits, Shares};
use bunsen::store::{Mode, NewAccount, NewOrganization, NewUser, Store};
use bunsen::vault::{OrganizationKeys, Place, Vault};
use bunsen_sandbox::Sandbox;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::database::TestDatabase;

pub struct TestServer {
    pub url: String,
    /// The simulated vendors; `/_control/` is there.
    pub sandbox: String,
    pub client: reqwest::Client,
    pub database: TestDatabase,
    /// Administrator of the first organization, in its default account.
    pub admin: Caller,
    /// Ordinary user of the first organization's second account.
    pub member: Caller,
    /// Another one of the same account.
    pub colleague: Caller,
    /// Deactivated user of the first organization.
    pub inactive: Caller,
    /// Administrator of the second organization.
    pub foreign: Caller,
    /// Password of the first organization's administrator.
    pub admin_password: String,
    serving: Vec<JoinHandle<()>>,
}

/// Address that the first organization's administrator logs in with.
pub const ADMIN_EMAIL: &str = "admin@first.example";

#[derive(Debug, Clone)]
pub struct Caller {
    pub organization_id: i64,
    pub account_id: i64,
    pub user_id: i64,
    pub user_secret: String,
    pub organization_secret: String,
}

impl Caller {
    pub fn header(&self) -> String {
        format!(
            "User {}, Organization {}",
            self.user_secret, self.organization_secret
        )
    }

    pub fn with_token(&self, token: &str) -> String {
        format!("{}, Element {token}", self.header())
    }
}

pub struct TestOptions {
    pub vendor_timeout: Duration,
    pub vendor_body_limit: usize,
    pub body_limit: usize,
    pub form_limit: usize,
    /// `PATTERN=URL` as operators write it; everything else goes to the simulated vendors.
    pub vendor_routes: Vec<String>,
    /// Folder of further definitions.
    pub elements: Option<PathBuf>,
    /// Vendor sessions are renewed, unasked.
    pub renews: bool,
    /// Origin of vendors that a test simulates itself, in place of the sandbox's.
    pub vendors: Option<String>,
    /// What one organization may use at once.
    pub shares: Limits,
    /// Proxies whose headers are believed.
    pub trusted: Trusted,
    pub request_log: request_log::Settings,
    pub budgets: budgets::Settings,
    pub call_limits: CallLimits,
}

impl Default for TestOptions {
    fn default() -> Self {
        Self {
            vendor_timeout: Duration::from_secs(20),
            vendor_body_limit: 1024 * 1024,
            body_limit: 1024 * 1024,
            form_limit: 64 * 1024 * 1024,
            vendor_routes: Vec::new(),
            elements: None,
            renews: true,
            vendors: None,
            shares: Limits {
                calls: 256,
                bytes: 64 * 1024 * 1024,
            },
            trusted: Trusted::default(),
            request_log: request_log::Settings::default(),
            budgets: budgets::Settings::default(),
            call_limits: CallLimits {
                bytes: 16 * 1024 * 1024,
                time: Duration::from_secs(120),
            },
        }
    }
}

impl TestServer {
    pub async fn start(database: TestDatabase) -> Self {
        Self::start_with(database, TestOptions::default()).await
    }

    pub async fn start_with(database: TestDatabase, options: TestOptions) -> Self {
        outbound::install_crypto_provider();
        let (sandbox, simulating) = simulate_vendors().await;
        let sandbox = options.vendors.clone().unwrap_or(sandbox);
        let store = Store::with_pool(database.pool.clone(), 100);
        let (keyring, first) = bootstrap::bootstrap(
            &store,
            GivenKeyring::Present(Keyring::generate()),
            Mode::Sandbox,
            ADMIN_EMAIL,
            async |_, _| Ok(()),
        )
        .await
        .expect("an empty database can be bootstrapped");
        let vault = Vault::new(keyring);
        let Bootstrapped::Made(first) = first else {
            panic!("the database was not empty");
        };

        let seed = Seed {
            store: &store,
            vault: &vault,
        };
        let organization_id: OrganizationId = sqlx::query_scalar("select id from organizations")
            .fetch_one(&database.pool)
            .await
            .expect("the bootstrap made one organization");
        let keys = seed.keys(organization_id).await;
        let first_secret = first.organization_secret.reveal().to_owned();
        let (account_id, user_id): (i64, i64) = sqlx::query_as("select account_id, id from users")
            .fetch_one(&database.pool)
            .await
            .expect("the bootstrap made one user");
        let admin = Caller {
            organization_id: organization_id.0,
            account_id,
            user_id,
            user_secret: first.user_secret.reveal().to_owned(),
            organization_secret: first_secret.clone(),
        };
        let customer = seed.account(organization_id, "customer", false).await;
        let user = async |name: &str| {
            let user = seed.user(organization_id, &keys, customer, name, &["default-user"]);
            user.await.in_organization(organization_id, &first_secret)
        };
        let (member, colleague, inactive) = (
            user("member").await,
            user("colleague").await,
            user("inactive").await,
        );
        sqlx::query("update users set active = false where id = $1")
            .bind(inactive.user_id)
            .execute(&database.pool)
            .await
            .expect("a user can be switched off");
        let foreign = seed.organization("Second").await;

        let (catalog, catalogue_hash) =
            bunsen::elements::load(options.elements.as_deref()).expect("the elements are right");
        let vendors = outbound::Settings {
            routes: options
                .vendor_routes
                .iter()
                .map(|route| VendorRoute::parse(route).expect("a route"))
                .collect(),
            sandbox: Some(sandbox.parse().expect("a URL")),
            total_timeout: options.vendor_timeout,
            connect_timeout: Duration::from_secs(5),
            body_limit: options.vendor_body_limit,
            ..outbound::Settings::default()
        };
        let receivers = bunsen::notifications::receivers(vendors.clone()).expect("a client");
        let app = App::new(Parts {
            store,
            vault,
            callers: Callers::default(),
            shares: Shares::new(options.shares),
            catalog,
            catalogue_hash,
            outbound: Outbound::new(vendors).expect("the client can be built"),
            scripts: Scripts::new(scripts::Settings::new(env!("CARGO_BIN_EXE_bunsen").into())),
            mode: Mode::Sandbox,
            body_limit: options.body_limit,
            form_limit: options.form_limit,
            work: TaskTracker::new(),
            stopping: AtomicBool::new(false),
            outside: Outside::default(),
            request_log: RequestLog::new(options.request_log),
            budgets: options.budgets,
            call_limits: options.call_limits,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let service = bunsen::http::service(app.clone());
        let background = tokio::spawn(bunsen::background::run(app.clone(), std::future::pending()));
        let working = tokio::spawn(async move {
            if options.renews {
                bunsen::background::work(app, receivers, std::future::pending()).await;
            }
        });
        let serving = tokio::spawn(bunsen::http::serve(
            listener,
            service,
            Front {
                trusted: Arc::new(options.trusted),
                ..Front::default()
            },
            std::future::pending(),
        ));
        Self {
            url,
            sandbox,
            client: reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .timeout(Duration::from_secs(30))
                .no_proxy()
                .build()
                .expect("a client for plain http"),
            database,
            admin,
            member,
            colleague,
            inactive,
            foreign,
            admin_password: first.user_password.reveal().to_owned(),
            serving: vec![serving, simulating, background, working],
        }
    }

    /// `path` from the server's root.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// A new instance, by `POST /instances`; panics with the answer when it is not 200.
    pub async fn create(&self, caller: &Caller, body: &Value) -> Value {
        let answer = self
            .request("POST", "/elements/api-v2/instances")
            .header("authorization", caller.header())
            .json(body)
            .send()
            .await
            .expect("the server answers");
        let status = answer.status();
        let text = answer.text().await.expect("a body");
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).expect("JSON")
    }

    pub async fn set_disabled(&self, instance_id: i64, disabled: bool) {
        let done = sqlx::query("update instances set disabled = $2 where id = $1")
            .bind(instance_id)
            .bind(disabled)
            .execute(&self.database.pool)
            .await
            .expect("the instance can be changed");
        assert_eq!(done.rows_affected(), 1, "instance {instance_id}");
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        for task in &self.serving {
            task.abort();
        }
    }
}

/// Every create body under `examples/instances`, by file name.
pub fn examples() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/instances");
    let mut found: Vec<(String, Value)> = std::fs::read_dir(folder)
        .expect("there are examples")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            let text = std::fs::read_to_string(&path).expect("a readable file");
            (name, serde_json::from_str(&text).expect("JSON"))
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

async fn simulate_vendors() -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let sandbox = Arc::new(Sandbox::new(&bunsen_sandbox::Settings::default()));
    let simulating = tokio::spawn(async move {
        let served = bunsen_sandbox::serve(listener, sandbox, std::future::pending()).await;
        served.expect("the sandbox serves");
    });
    (url, simulating)
}

/// Makes what has no API yet.
struct Seed<'a> {
    store: &'a Store,
    vault: &'a Vault,
}

struct SeededUser {
    account: AccountId,
    user_id: i64,
    secret: Secret,
}

impl SeededUser {
    fn in_organization(self, organization: OrganizationId, secret: &str) -> Caller {
        Caller {
            organization_id: organization.0,
            account_id: self.account.0,
            user_id: self.user_id,
            user_secret: self.secret.reveal().to_owned(),
            organization_secret: secret.to_owned(),
        }
    }
}

impl Seed<'_> {
    async fn keys(&self, organization: OrganizationId) -> OrganizationKeys {
        let wrapped = self
            .store
            .org(organization)
            .organization_keys()
            .await
            .expect("keys can be read");
        self.vault
            .open_organization_keys(organization, &wrapped)
            .expect("our own keys open")
    }

    async fn organization(&self, name: &str) -> Caller {
        let mut transaction = self.store.begin().await.expect("a transaction");
        let id = self
            .store
            .next_organization_id(&mut transaction)
            .await
            .expect("an id");
        let (key, wrapped) = self.vault.new_organization_key(id);
        let row_id = Uuid::new_v4();
        let secret = self.vault.new_organization_secret();
        let place = Place {
            organization: id,
            table: "organizations",
            row: row_id,
            column: "secret_sealed",
        };
        self.store
            .org(id)
            .insert_organization(
                &mut transaction,
                &NewOrganization {
                    row_id,
                    name,
                    secret_sealed: &key.seal(&place, secret.reveal().as_bytes()),
                    secret: &self.vault.fingerprint(SecretKind::Organization, &secret),
                    key: &wrapped,
                },
            )
            .await
            .expect("an organization");
        transaction.commit().await.expect("a commit");
        let account = self.account(id, "default", true).await;
        let keys = self.keys(id).await;
        let roles = ["org-admin", "admin"];
        let user = self.user(id, &keys, account, "foreign", &roles).await;
        user.in_organization(id, secret.reveal())
    }

    async fn account(
        &self,
        organization: OrganizationId,
        name: &str,
        default_account: bool,
    ) -> AccountId {
        let mut transaction = self.store.begin().await.expect("a transaction");
        let id = self
            .store
            .org(organization)
            .insert_account(
                &mut transaction,
                &NewAccount {
                    external_id: name,
                    name,
                    description: name,
                    default_account,
                },
            )
            .await
            .expect("an account");
        transaction.commit().await.expect("a commit");
        id
    }

    async fn user(
        &self,
        organization: OrganizationId,
        keys: &OrganizationKeys,
        account: AccountId,
        name: &str,
        roles: &[&str],
    ) -> SeededUser {
        let row_id = Uuid::new_v4();
        let secret = self.vault.new_user_secret();
        let place = Place {
            organization,
            table: "users",
            row: row_id,
            column: "secret_sealed",
        };
        let mut transaction = self.store.begin().await.expect("a transaction");
        let id = self
            .store
            .org(organization)
            .insert_user(
                &mut transaction,
                &NewUser {
                    account_id: account,
                    row_id,
                    email: &format!("{name}@{}.example", organization.0),
                    first_name: name,
                    last_name: "Tester",
                    password_hash: None,
                    secret_sealed: &keys.seal(&place, secret.reveal().as_bytes()),
                    secret: &self.vault.fingerprint(SecretKind::User, &secret),
                    roles,
                },
            )
            .await
            .expect("a user");
        transaction.commit().await.expect("a commit");
        SeededUser {
            account,
            user_id: id.0,
            secret,
        }
    }
}
