//! The command line and the environment, read once. Nothing else reads the environment.
//!
//! Every flag has a variable `BUNSEN_…`; a secret can also come from the file that
//! `BUNSEN_…_FILE` names. Unset and unreadable are different answers.

mod calls;
mod clients;
mod copies;
mod front;
mod import;
mod keys;
mod people;
mod processes;
mod request_log;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use url::Url;

pub use calls::Calls;
pub use clients::{ClientPlace, OauthClients, client_entries, client_secret};
pub use copies::{Backup, Restore};
pub use front::{Egress, Front};
pub use import::Import;
pub use keys::{KeyKind, Keys, Pace, Passphrase};
pub use people::{
    Accounts, Brand, Common, OneOrganization, OneUser, Organizations, Password, ReturnOrigins,
    Users,
};
pub use processes::{PostgresGuard, ScriptWorker};
pub use request_log::RequestLog;

use crate::ids::{OrganizationId, Secret};

/// Bunsen: a self-hosted server that speaks the API v2 of Cloud Elements.
#[derive(Debug, Parser)]
#[command(name = "bunsen", version, about, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,

    /// What to log, as `level` or `target=level,…`; the target of the line per request is `access`.
    #[arg(long, env = "BUNSEN_LOG", default_value = "info", global = true)]
    pub log: String,

    /// One line of JSON per log event instead of text.
    #[arg(long, env = "BUNSEN_LOG_JSON", global = true)]
    pub log_json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server.
    Serve(Box<Serve>),
    /// Bring the database to this version's schema.
    Migrate(Migrate),
    /// Ask a running server whether it is ready; exits 0 if so.
    Health(Health),
    /// The keys that seal credentials.
    #[command(subcommand)]
    Keys(Keys),
    /// Organizations.
    #[command(subcommand, name = "org")]
    Organizations(Organizations),
    /// Accounts of an organization.
    #[command(subcommand, name = "account")]
    Accounts(Accounts),
    /// Users of an organization.
    #[command(subcommand, name = "user")]
    Users(Users),
    /// Bring in organizations, users and instances of another server.
    Import(Box<Import>),
    /// Write everything the database holds to a file.
    Backup(Box<Backup>),
    /// Bring a backup into an empty database.
    Restore(Box<Restore>),
    /// Permissions to reach systems with private addresses.
    #[command(subcommand)]
    Grant(Grant),
    /// OAuth clients, kept so that users never see their secrets.
    #[command(subcommand, name = "oauth-client")]
    OauthClients(OauthClients),
    /// Element definitions.
    #[command(subcommand)]
    Elements(Elements),
    /// Print the API as an OpenAPI document; needs no database.
    #[command(
        name = "openapi",
        after_help = "Example: bunsen openapi > openapi.json"
    )]
    OpenApi(OpenApi),
    /// Runs a private Postgres as the right user; started by `serve`, never by hand.
    #[command(name = "postgres-guard", hide = true)]
    PostgresGuard(PostgresGuard),
    /// Runs scripts of definitions, apart from the server; started by it, never by hand.
    #[command(name = "script-worker", hide = true)]
    ScriptWorker(ScriptWorker),
}

/// Which database, and where files are kept. Shared by every command that needs state.
#[derive(Debug, Clone, Args)]
pub struct State {
    /// Folder for keys, credentials and the private Postgres.
    /// Default: /var/lib/bunsen as root, else bunsen in the XDG data folder.
    #[arg(long, env = "BUNSEN_DATA_DIR")]
    pub data_dir: Option<PathBuf>,

    /// Postgres 15 or later; without it a private Postgres is run in the data folder.
    #[arg(
        long,
        env = "BUNSEN_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    database_url: Option<Secret>,

    /// File that holds the database URL.
    #[arg(long, env = "BUNSEN_DATABASE_URL_FILE", value_name = "FILE")]
    database_url_file: Option<PathBuf>,

    /// Prepared statements kept per connection; 0 behind a PgBouncer older than 1.21.
    #[arg(
        long,
        env = "BUNSEN_STATEMENT_CACHE",
        default_value_t = 256,
        value_name = "N"
    )]
    pub statement_cache: usize,

    /// Connections to the database at most.
    #[arg(
        long,
        env = "BUNSEN_DATABASE_CONNECTIONS",
        default_value_t = 16,
        value_name = "N"
    )]
    pub database_connections: u32,

    /// Folder of the Postgres programs, for the private Postgres.
    #[arg(long, env = "BUNSEN_POSTGRES_BIN", value_name = "DIR")]
    pub postgres_bin: Option<PathBuf>,

    #[command(flatten)]
    pub keyring: KeyringSource,
}

/// Where the keyring is: the variable `BUNSEN_KEYRING`, else this file, else `keyring.json` in the
/// data folder. Never an argument, which everybody on the machine could read.
#[derive(Debug, Clone, Args)]
pub struct KeyringSource {
    /// The keyring itself, as JSON.
    /// File that holds the keyring.
    #[arg(
        id = "keyring_file",
        long = "keyring",
        env = "BUNSEN_KEYRING_FILE",
        value_name = "FILE"
    )]
    pub file: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub struct Serve {
    #[command(flatten)]
    pub state: State,

    /// Address to listen on.
    #[arg(
        long,
        env = "BUNSEN_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDR"
    )]
    pub listen: SocketAddr,

    /// Folder of further element definitions; a key that exists already is replaced.
    #[arg(long, env = "BUNSEN_ELEMENTS", value_name = "DIR")]
    pub elements: Option<PathBuf>,

    /// Send every vendor call to this simulator instead, and mark the database as sandbox.
    #[arg(long, env = "BUNSEN_SANDBOX", value_name = "URL")]
    pub sandbox: Option<Url>,

    /// Send calls for hosts that match PATTERN (`*.vendor.example`) to URL. Repeatable;
    /// in the environment separated by blanks.
    #[arg(
        long = "vendor-route",
        env = "BUNSEN_VENDOR_ROUTES",
        value_name = "PATTERN=URL",
        value_delimiter = ' '
    )]
    pub vendor_routes: Vec<String>,

    /// Seconds one vendor call may take in all.
    #[arg(long, env = "BUNSEN_VENDOR_TIMEOUT", default_value_t = 60, value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(1..=600))]
    vendor_timeout: u64,

    /// Bytes of one vendor answer at most, unpacked.
    #[arg(long, env = "BUNSEN_VENDOR_BODY_LIMIT", default_value_t = 2 * 1024 * 1024, value_name = "BYTES")]
    pub vendor_body_limit: usize,

    /// Bytes of one request body at most.
    #[arg(long, env = "BUNSEN_BODY_LIMIT", default_value_t = 1024 * 1024, value_name = "BYTES")]
    pub body_limit: usize,

    /// Bytes of one form with files at most: it is handed on to the vendor as it comes, and not held.
    #[arg(long, env = "BUNSEN_FORM_LIMIT", default_value_t = 64 * 1024 * 1024, value_name = "BYTES")]
    pub form_limit: usize,

    /// Calls of one organization in flight at most, on this server.
    #[arg(long, env = "BUNSEN_ORGANIZATION_CALLS", default_value_t = 256, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..))]
    organization_calls: u32,

    /// Bytes of request bodies of one organization in flight at most, on this server.
    #[arg(
        long,
        env = "BUNSEN_ORGANIZATION_BYTES",
        default_value_t = 64 * 1024 * 1024,
        value_name = "BYTES"
    )]
    organization_bytes: usize,

    /// Seconds that running calls get to finish after SIGTERM.
    #[arg(
        long,
        env = "BUNSEN_SHUTDOWN_GRACE",
        default_value_t = 75,
        value_name = "SECONDS"
    )]
    shutdown_grace: u64,

    #[command(flatten)]
    pub front: Front,

    #[command(flatten)]
    pub request_log: RequestLog,

    #[command(flatten)]
    pub calls: Calls,

    /// Which parts run in this process.
    #[arg(long, env = "BUNSEN_ROLES", value_delimiter = ',', default_values = ["api", "worker"])]
    pub roles: Vec<Role>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    Api,
    Worker,
}

#[derive(Debug, Clone, Args)]
pub struct Migrate {
    #[command(flatten)]
    pub state: State,
}

#[derive(Debug, Clone, Args)]
pub struct Health {
    /// Base URL of the server.
    #[arg(
        long,
        env = "BUNSEN_HEALTH_URL",
        default_value = "http://127.0.0.1:8080",
        value_name = "URL"
    )]
    pub url: Url,
}

#[derive(Debug, Clone, Subcommand)]
pub enum Grant {
    /// Let an organization's instances of one element reach a private host and port.
    #[command(
        after_help = "Example: bunsen grant add --organization 1 --element crmdesk crm.corp.example:8443 --ca corp-ca.pem"
    )]
    Add {
        #[command(flatten)]
        state: State,
        #[arg(long, value_name = "ID", value_parser = organization_id)]
        organization: OrganizationId,
        /// Its key; `/notifications` for those that are told of things.
        #[arg(long, value_name = "KEY")]
        element: String,
        /// The host and port to allow.
        #[arg(value_name = "HOST:PORT")]
        target: String,
        /// Folder of further element definitions, as given to `serve`.
        #[arg(long, env = "BUNSEN_ELEMENTS", value_name = "DIR")]
        elements: Option<PathBuf>,
        /// Certificate authority of that host, PEM.
        #[arg(long, value_name = "FILE")]
        ca: Option<PathBuf>,
    },
    /// Show the grants.
    List {
        #[command(flatten)]
        state: State,
        #[arg(long, value_name = "ID", value_parser = organization_id)]
        organization: Option<OrganizationId>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take a grant back.
    Remove {
        #[command(flatten)]
        state: State,
        #[arg(long, value_name = "ID", value_parser = organization_id)]
        organization: OrganizationId,
        #[arg(long, value_name = "KEY")]
        element: String,
        #[arg(value_name = "HOST:PORT")]
        target: String,
    },
}

#[derive(Debug, Clone, Subcommand)]
pub enum Elements {
    /// Check definitions: every mistake with its place, and what is not supported yet.
    Check {
        /// Folder of element folders. Default: the definitions in this binary.
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
        /// Give ids to everything that lacks one, in the files.
        #[arg(long, requires = "folder")]
        assign_ids: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print a definition in the platform's own model, without secret defaults.
    Export(ElementsExport),
}

#[derive(Debug, Clone, Args)]
pub struct ElementsExport {
    #[arg(value_name = "KEY")]
    pub key: String,
    /// Folder of further element definitions, as given to `serve`.
    #[arg(long, env = "BUNSEN_ELEMENTS", value_name = "DIR")]
    pub elements: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub struct OpenApi {
    /// Folder of further element definitions, as given to `serve`: they bring examples.
    #[arg(long, env = "BUNSEN_ELEMENTS", value_name = "DIR")]
    pub elements: Option<PathBuf>,
}

fn organization_id(text: &str) -> Result<OrganizationId, String> {
    text.parse()
        .map(OrganizationId)
        .map_err(|_| format!("'{text}' is not an organization id (a whole number)"))
}

/// A setting that cannot be used; names the variable or flag.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

impl Serve {
    /// # Errors
    /// Where a single allowed body would be more than an organization's share.
    pub fn organization_limits(&self) -> Result<(usize, usize), ConfigError> {
        if self.organization_bytes < self.body_limit {
            return Err(ConfigError(format!(
                "--organization-bytes ({}) is less than one body may have (--body-limit, {}): \
                 raise the first or lower the second",
                self.organization_bytes, self.body_limit
            )));
        }
        let calls = usize::try_from(self.organization_calls).unwrap_or(usize::MAX);
        Ok((calls, self.organization_bytes))
    }

    pub fn vendor_timeout(&self) -> Duration {
        Duration::from_secs(self.vendor_timeout)
    }

    pub fn shutdown_grace(&self) -> Duration {
        Duration::from_secs(self.shutdown_grace)
    }
}

impl State {
    /// The database given by the operator; `None` means the private one.
    pub fn database_url(&self) -> Result<Option<Secret>, ConfigError> {
        match (&self.database_url, &self.database_url_file) {
            (Some(_), Some(_)) => Err(ConfigError(
                "BUNSEN_DATABASE_URL and BUNSEN_DATABASE_URL_FILE are both set; keep one".into(),
            )),
            (Some(url), None) => Ok(Some(url.clone())),
            (None, Some(file)) => Ok(Some(read_secret("BUNSEN_DATABASE_URL_FILE", file)?)),
            (None, None) => Ok(None),
        }
    }

    pub fn data_dir(&self) -> Result<PathBuf, ConfigError> {
        data_dir(self.data_dir.as_deref())
    }

    /// Path of the keyring file, whether or not it exists.
    pub fn keyring_file(&self) -> Result<PathBuf, ConfigError> {
        match &self.keyring.file {
            Some(file) => Ok(file.clone()),
            None => Ok(self.data_dir()?.join("keyring.json")),
        }
    }
}

impl Grant {
    pub fn state(&self) -> &State {
        match self {
            Self::Add { state, .. } | Self::List { state, .. } | Self::Remove { state, .. } => {
                state
            }
        }
    }

    /// The operator's own definitions; only a new grant asks for them.
    pub fn elements(&self) -> Option<&Path> {
        match self {
            Self::Add { elements, .. } => elements.as_deref(),
            Self::List { .. } | Self::Remove { .. } => None,
        }
    }
}

impl KeyringSource {
    /// The keyring's JSON from the environment, if it was given that way.
    pub fn json(&self) -> Result<Option<Secret>, ConfigError> {
        let json = match std::env::var("BUNSEN_KEYRING") {
            Ok(json) => Some(Secret::new(json)),
            Err(std::env::VarError::NotPresent) => None,
            Err(std::env::VarError::NotUnicode(_)) => {
                return Err(ConfigError("BUNSEN_KEYRING is not text".into()));
            }
        };
        if json.is_some() && self.file.is_some() {
            return Err(ConfigError(
                "BUNSEN_KEYRING and BUNSEN_KEYRING_FILE (or --keyring) are both set; keep one"
                    .into(),
            ));
        }
        Ok(json)
    }
}

/// `given`, else /var/lib/bunsen as root, else the XDG data folder.
pub fn data_dir(given: Option<&Path>) -> Result<PathBuf, ConfigError> {
    if let Some(folder) = given {
        return std::path::absolute(folder)
            .map_err(|error| ConfigError(format!("BUNSEN_DATA_DIR: {error}")));
    }
    if rustix::process::geteuid().is_root() {
        return Ok("/var/lib/bunsen".into());
    }
    let absolute = |variable| {
        std::env::var_os(variable)
            .map(PathBuf::from)
            .filter(|folder| folder.is_absolute())
    };
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .map(|folder| folder.join("bunsen"))
        .ok_or_else(|| ConfigError("BUNSEN_DATA_DIR is not set and there is no HOME to use".into()))
}

/// This binary, to be started once more as the guard of the private Postgres or to run scripts.
pub fn own_program() -> Result<PathBuf, ConfigError> {
    std::env::current_exe()
        .map_err(|error| ConfigError(format!("cannot find out which program this is: {error}")))
}

/// The folders in which programs are looked up by name; relative ones are left out, because they
/// would mean something else in every working directory.
pub fn program_folders() -> Vec<PathBuf> {
    std::env::var_os("PATH")
        .map(|path| {
            std::env::split_paths(&path)
                .filter(|folder| folder.is_absolute())
                .collect()
        })
        .unwrap_or_default()
}

fn read_secret(variable: &str, file: &Path) -> Result<Secret, ConfigError> {
    std::fs::read_to_string(file)
        .map(|text| Secret::new(text.trim_end_matches(['\r', '\n'])))
        .map_err(|error| ConfigError(format!("{variable}: {}: {error}", file.display())))
}
