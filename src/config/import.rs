//! The arguments of `bunsen import`.

use std::path::PathBuf;

use clap::Args;
use url::Url;

use super::{Egress, State, organization_id};
use crate::ids::OrganizationId;

#[derive(Debug, Clone, Args)]
#[command(after_help = HELP)]
pub struct Import {
    #[command(flatten)]
    pub state: State,

    /// The document, JSON; - for standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// For a list of instances as the old platform's API answers it: the organization, which is
    /// there already.
    #[arg(long, value_name = "ID", value_parser = organization_id)]
    pub organization: Option<OrganizationId>,

    /// For such a list: the user they all belong to. Default: each names its user.
    #[arg(long, value_name = "ID_OR_EMAIL", requires = "organization")]
    pub user: Option<String>,

    /// Ask the vendor about every new instance whose credentials are complete.
    #[arg(long)]
    pub verify: bool,

    /// Say what would be done, and do nothing.
    #[arg(long)]
    pub dry_run: bool,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,

    /// Folder of further element definitions, as given to `serve`.
    #[arg(long, env = "BUNSEN_ELEMENTS", value_name = "DIR")]
    pub elements: Option<PathBuf>,

    /// With --verify: the simulator to ask instead of vendors.
    #[arg(long, env = "BUNSEN_SANDBOX", value_name = "URL")]
    pub sandbox: Option<Url>,

    /// With --verify: as given to `serve`.
    #[arg(
        long = "vendor-route",
        env = "BUNSEN_VENDOR_ROUTES",
        value_name = "PATTERN=URL",
        value_delimiter = ' '
    )]
    pub vendor_routes: Vec<String>,

    #[command(flatten)]
    pub egress: Egress,
}

const HELP: &str = "Ids, secrets and tokens of the document are kept, so an application that moves \
needs no change. Every mistake is told before anything is written; then each organization comes in \
as a whole. What is there already is left as it is, so the same document can be imported again. \
Works beside running servers. The format: docs/import.md.\n\nExamples:\n  bunsen import \
organizations.json --dry-run\n  bunsen import organizations.json\n  bunsen import --organization 7 \
--user hazel@corp.example instances.json";
