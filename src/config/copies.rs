//! The arguments of `bunsen backup` and `bunsen restore`.

use std::path::PathBuf;

use clap::Args;

use super::State;

#[derive(Debug, Clone, Args)]
#[command(after_help = BACKUP_HELP)]
pub struct Backup {
    #[command(flatten)]
    pub state: State,
    /// File to write, mode 0600; in a folder it is named after the moment.
    #[arg(value_name = "FILE_OR_FOLDER")]
    pub to: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Args)]
#[command(after_help = RESTORE_HELP)]
pub struct Restore {
    #[command(flatten)]
    pub state: State,
    /// The backup.
    #[arg(value_name = "FILE")]
    pub from: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

const BACKUP_HELP: &str = "Works beside running servers and writes what the database held at one \
moment. The keyring is not in it: keep `bunsen keys export` of the same time elsewhere.\n\n\
Examples:\n  bunsen backup /var/backups/bunsen\n  bunsen backup --database-url \
postgres://bunsen@database.example/bunsen today.backup";

const RESTORE_HELP: &str = "The database must be empty, and the keyring must hold every key that \
the backup needs. A backup of an older version is brought to this version's schema.\n\n\
Example, on a new machine:\n  bunsen keys import --passphrase-file phrase.txt \
keyring.export.json\n  bunsen restore today.backup\n  bunsen serve";
