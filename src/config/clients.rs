//! The arguments of `bunsen oauth-client`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::{Common, ConfigError, organization_id, read_secret};
use crate::ids::{OrganizationId, Secret};

#[derive(Debug, Clone, Subcommand)]
pub enum OauthClients {
    /// Keep a client for those who log in: id, secret, and what goes with them.
    #[command(
        after_help = "Example: bunsen oauth-client set --element crmdesk --organization 1 --client-id 4711 --secret-file secret.txt --callback-url https://app.example.com/back\n\nAnother secret for the same id reaches every instance. Another id is another client at the vendor: instances that were\nmade with the old one keep that until they are connected again. What is not named is taken away, save the secret\nof the same id."
    )]
    Set {
        #[command(flatten)]
        place: Box<ClientPlace>,
        /// The client's id at the vendor.
        #[arg(long, value_name = "ID")]
        client_id: String,
        /// File that holds its secret; - for standard input. Without one a stored secret stays.
        #[arg(long, env = "BUNSEN_OAUTH_CLIENT_SECRET_FILE", value_name = "FILE")]
        secret_file: Option<PathBuf>,
        /// Where the vendor sends browsers back to.
        #[arg(long, value_name = "URL")]
        callback_url: Option<String>,
        /// In place of the definition's.
        #[arg(long)]
        scope: Option<String>,
        /// Further entries of the element's configuration. Repeatable.
        #[arg(long = "set", value_name = "KEY=VALUE")]
        entries: Vec<String>,
        /// The same with the value in a file, for secrets. Repeatable.
        #[arg(long = "set-file", value_name = "KEY=FILE")]
        entry_files: Vec<String>,
    },
    /// Show the clients that are kept, without their secrets.
    List {
        #[command(flatten)]
        common: Box<Common>,
        /// Those of one organization.
        #[arg(long, value_name = "ID", value_parser = organization_id)]
        organization: Option<OrganizationId>,
        /// Folder of further element definitions, as given to `serve`.
        #[arg(long, env = "BUNSEN_ELEMENTS", value_name = "DIR")]
        elements: Option<PathBuf>,
    },
    /// Take a client away.
    #[command(
        after_help = "Example: bunsen oauth-client remove --element crmdesk --organization 1"
    )]
    Remove {
        #[command(flatten)]
        place: Box<ClientPlace>,
        /// Also while instances use it: those can renew their sessions no more.
        #[arg(long)]
        force: bool,
    },
}

/// Whose client: without an organization every one's on this server.
#[derive(Debug, Clone, Args)]
pub struct ClientPlace {
    #[command(flatten)]
    pub common: Common,
    #[arg(long, value_name = "KEY")]
    pub element: String,
    /// For one organization; without it for every one on this server.
    #[arg(long, value_name = "ID", value_parser = organization_id)]
    pub organization: Option<OrganizationId>,
    /// For one account of it.
    #[arg(long, value_name = "ID", requires = "organization")]
    pub account: Option<i64>,
    /// Folder of further element definitions, as given to `serve`.
    #[arg(long, env = "BUNSEN_ELEMENTS", value_name = "DIR")]
    pub elements: Option<PathBuf>,
}

impl OauthClients {
    pub fn common(&self) -> &Common {
        match self {
            Self::Set { place, .. } | Self::Remove { place, .. } => &place.common,
            Self::List { common, .. } => common,
        }
    }

    /// The operator's own definitions.
    pub fn elements(&self) -> Option<&Path> {
        match self {
            Self::Set { place, .. } | Self::Remove { place, .. } => place.elements.as_deref(),
            Self::List { elements, .. } => elements.as_deref(),
        }
    }
}

/// The secret in a file, or on standard input.
pub fn client_secret(file: Option<&Path>) -> Result<Option<Secret>, ConfigError> {
    let read = |file: &Path| {
        let file = match file.as_os_str().to_str() {
            Some("-") => Path::new("/dev/stdin"),
            _ => file,
        };
        read_secret("--secret-file (BUNSEN_OAUTH_CLIENT_SECRET_FILE)", file)
    };
    file.map(read).transpose()
}

/// Keys and values of `--set` and `--set-file`.
pub fn client_entries(
    entries: &[String],
    files: &[String],
) -> Result<Vec<(String, String)>, ConfigError> {
    let mut pairs = Vec::new();
    for (flag, texts) in [("--set", entries), ("--set-file", files)] {
        for text in texts {
            let Some((key, value)) = text.split_once('=') else {
                return Err(ConfigError(format!(
                    "{flag} must be KEY=…, as in site.url=…"
                )));
            };
            let value = match flag {
                "--set" => value.to_owned(),
                _ => read_secret(flag, Path::new(value))?.reveal().to_owned(),
            };
            pairs.push((key.to_owned(), value));
        }
    }
    Ok(pairs)
}
