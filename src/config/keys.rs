//! The arguments of `bunsen keys`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::{ConfigError, KeyringSource, State, organization_id, read_secret};
use crate::ids::{OrganizationId, Secret};

#[derive(Debug, Clone, Subcommand)]
pub enum Keys {
    /// Write a new keyring; refuses to overwrite one.
    Init {
        /// File to write, mode 0600. Default: keyring.json in the data folder.
        #[arg(long, env = "BUNSEN_KEYRING_FILE", value_name = "FILE")]
        keyring: Option<PathBuf>,
        #[arg(long, env = "BUNSEN_DATA_DIR")]
        data_dir: Option<PathBuf>,
    },
    /// Say what each key still holds, and which servers use which.
    Status {
        #[command(flatten)]
        state: Box<State>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Let a new key take over, beside running servers.
    #[command(after_help = ROTATE_HELP)]
    Rotate {
        #[command(flatten)]
        state: Box<State>,
        kind: KeyKind,
        /// Only this organization's data key.
        #[arg(long, value_name = "ID", value_parser = organization_id)]
        organization: Option<OrganizationId>,
        #[command(flatten)]
        pace: Pace,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take a key out of use for good; refused while anything needs it.
    #[command(
        after_help = "Examples:\n  bunsen keys retire find-0a1b2c3d4e5f\n  bunsen keys retire --organizations"
    )]
    Retire {
        #[command(flatten)]
        state: Box<State>,
        /// Id of a key of the keyring, as `bunsen keys status` shows it.
        #[arg(value_name = "KEY", required_unless_present = "organizations")]
        key: Option<String>,
        /// Instead: every replaced data key of every organization, an hour after it was replaced.
        #[arg(long, conflicts_with = "key")]
        organizations: bool,
        #[command(flatten)]
        pace: Pace,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write the keyring under a passphrase, to be kept apart from the server.
    #[command(
        after_help = "Example: BUNSEN_PASSPHRASE_FILE=phrase.txt bunsen keys export /media/safe/keyring.export.json"
    )]
    Export {
        #[command(flatten)]
        keyring: KeyringSource,
        #[arg(long, env = "BUNSEN_DATA_DIR")]
        data_dir: Option<PathBuf>,
        #[command(flatten)]
        passphrase: Passphrase,
        /// File to write, mode 0600; an existing one is not overwritten.
        #[arg(value_name = "FILE")]
        to: PathBuf,
    },
    /// Write the keyring anew from an export; refuses to overwrite one.
    #[command(
        after_help = "Example: bunsen keys import --passphrase-file phrase.txt --keyring keyring.json /media/safe/keyring.export.json"
    )]
    Import {
        /// File to write, mode 0600. Default: keyring.json in the data folder.
        #[arg(long, env = "BUNSEN_KEYRING_FILE", value_name = "FILE")]
        keyring: Option<PathBuf>,
        #[arg(long, env = "BUNSEN_DATA_DIR")]
        data_dir: Option<PathBuf>,
        #[command(flatten)]
        passphrase: Passphrase,
        /// The exported keyring.
        #[arg(value_name = "FILE")]
        from: PathBuf,
    },
}

const ROTATE_HELP: &str = "Running servers read the changed keyring by themselves. Where each has \
a copy of its own, the command ends and says when it is time to copy the file; run it again \
afterwards. A run that was cut short is taken up by the next one. The old key stays until \
`bunsen keys retire`.\n\nExamples:\n  bunsen keys rotate encrypt\n  bunsen keys rotate \
organization --organization 7";

/// Which kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeyKind {
    /// The key of the keyring that seals the organizations' data keys.
    Encrypt,
    /// The pepper of the keyring that finds secrets and tokens.
    Find,
    /// The organizations' data keys.
    Organization,
}

/// How gently rows are written anew.
#[derive(Debug, Clone, Args)]
pub struct Pace {
    /// Rows of one transaction.
    #[arg(long, env = "BUNSEN_KEYS_BATCH", default_value_t = 200, value_name = "N",
          value_parser = clap::value_parser!(i64).range(1..=10_000))]
    pub batch: i64,

    /// Milliseconds between two transactions.
    #[arg(long, env = "BUNSEN_KEYS_PAUSE", default_value_t = 0, value_name = "MILLISECONDS",
          value_parser = clap::value_parser!(u64).range(..=10_000))]
    pause: u64,

    /// Seconds that running servers get to take a key over.
    #[arg(
        long,
        env = "BUNSEN_KEYS_WAIT",
        default_value_t = 60,
        value_name = "SECONDS"
    )]
    wait: u64,
}

/// Protects an exported keyring. Never asked for at a prompt.
#[derive(Clone, Args)]
pub struct Passphrase {
    /// The passphrase itself; at least 12 characters.
    #[arg(
        id = "passphrase",
        long = "passphrase",
        env = "BUNSEN_PASSPHRASE",
        hide = true,
        hide_env_values = true
    )]
    text: Option<String>,

    /// File that holds the passphrase, at least 12 characters.
    #[arg(
        id = "passphrase_file",
        long = "passphrase-file",
        env = "BUNSEN_PASSPHRASE_FILE",
        value_name = "FILE"
    )]
    file: Option<PathBuf>,
}

impl Pace {
    pub fn pause(&self) -> Duration {
        Duration::from_millis(self.pause)
    }

    pub fn wait(&self) -> Duration {
        Duration::from_secs(self.wait)
    }
}

impl Passphrase {
    pub fn read(&self) -> Result<Secret, ConfigError> {
        match (&self.text, &self.file) {
            (Some(_), Some(_)) => Err(ConfigError(
                "BUNSEN_PASSPHRASE and BUNSEN_PASSPHRASE_FILE (or --passphrase-file) are both \
                 set; keep one"
                    .into(),
            )),
            (Some(text), None) => Ok(Secret::new(text.as_str())),
            (None, Some(file)) => read_secret("BUNSEN_PASSPHRASE_FILE", file),
            (None, None) => Err(ConfigError(
                "give the passphrase by --passphrase-file FILE, BUNSEN_PASSPHRASE_FILE or \
                 BUNSEN_PASSPHRASE"
                    .into(),
            )),
        }
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passphrase")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}
