//! The arguments of `bunsen org`, `bunsen account` and `bunsen user`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::{ConfigError, State, organization_id, read_secret};
use crate::ids::{OrganizationId, Secret};

/// An organization, by id.
#[derive(Debug, Clone, Args)]
pub struct OneOrganization {
    #[command(flatten)]
    pub common: Common,
    #[arg(value_name = "ID", value_parser = organization_id)]
    pub id: OrganizationId,
    /// Print its secret too.
    #[arg(long)]
    pub secret: bool,
}

#[derive(Debug, Clone, Args)]
pub struct Common {
    #[command(flatten)]
    pub state: State,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Subcommand)]
pub enum Organizations {
    /// Make an organization with its default account.
    #[command(after_help = "Example: bunsen org create 'Acorn Works' --secret --json")]
    Create {
        #[command(flatten)]
        common: Box<Common>,
        name: String,
        /// Print its secret too.
        #[arg(long)]
        secret: bool,
    },
    /// Show all organizations.
    List {
        #[command(flatten)]
        common: Box<Common>,
    },
    /// Show one organization.
    Show(Box<OneOrganization>),
    /// Refuse all its secrets and tokens.
    Disable(Box<OneOrganization>),
    /// Accept them again.
    Enable(Box<OneOrganization>),
    /// Give it a new secret; the old one is refused at once, and every session of its users ends.
    #[command(
        after_help = "Who had the old secret and a user's may have set that user's password, which the new secret does\nnot change: also run `bunsen user rotate-secret` and `bunsen user set-password` for such a user."
    )]
    RotateSecret(Box<OneOrganization>),
    /// Say what its connect pages look like; what is not named stays.
    #[command(
        after_help = "Example: bunsen org brand 1 --name 'Acorn' --color '#1a5fb4' --logo acorn.png --support-url https://acorn.example/help"
    )]
    Brand(Box<Brand>),
    /// Say where its connect pages may lead back to: exact origins, in place of those there are.
    #[command(
        after_help = "Example: bunsen org return-origins 1 https://app.acorn.example http://127.0.0.1:3000"
    )]
    ReturnOrigins(Box<ReturnOrigins>),
}

#[derive(Debug, Clone, Args)]
pub struct Brand {
    #[command(flatten)]
    pub common: Common,
    #[arg(value_name = "ID", value_parser = organization_id)]
    pub id: OrganizationId,
    /// In place of the organization's name.
    #[arg(long)]
    pub name: Option<String>,
    /// Of buttons, as #1a5fb4; too light a colour is refused.
    #[arg(long, value_name = "#RRGGBB")]
    pub color: Option<String>,
    /// PNG, JPEG or WebP, 100 KB at most.
    #[arg(long, value_name = "FILE")]
    pub logo: Option<PathBuf>,
    /// https or mailto: where people find help.
    #[arg(long, value_name = "URL")]
    pub support_url: Option<String>,
    /// Take away what there is before.
    #[arg(long)]
    pub clear: bool,
}

#[derive(Debug, Clone, Args)]
pub struct ReturnOrigins {
    #[command(flatten)]
    pub common: Common,
    #[arg(value_name = "ID", value_parser = organization_id)]
    pub id: OrganizationId,
    /// https://HOST or https://HOST:PORT, or http on this machine; without any, those there are are shown.
    #[arg(value_name = "ORIGIN")]
    pub origins: Vec<String>,
    /// Allow none any more.
    #[arg(long, conflicts_with = "origins")]
    pub none: bool,
}

#[derive(Debug, Clone, Subcommand)]
pub enum Accounts {
    /// Make an account.
    #[command(after_help = "Example: bunsen account create --organization 1 acorn-77 --name Acorn")]
    Create {
        #[command(flatten)]
        common: Box<Common>,
        #[arg(long, value_name = "ID", value_parser = organization_id)]
        organization: OrganizationId,
        /// The name by which your application knows it; unique in the organization.
        external_id: String,
        /// Default: the external id.
        #[arg(long)]
        name: Option<String>,
    },
    /// Show an organization's accounts.
    List {
        #[command(flatten)]
        common: Box<Common>,
        #[arg(long, value_name = "ID", value_parser = organization_id)]
        organization: OrganizationId,
    },
}

/// A user, by id or e-mail address.
#[derive(Debug, Clone, Args)]
pub struct OneUser {
    #[command(flatten)]
    pub common: Common,
    #[arg(long, value_name = "ID", value_parser = organization_id)]
    pub organization: OrganizationId,
    #[arg(value_name = "ID_OR_EMAIL")]
    pub user: String,
    /// Print the user's secret too.
    #[arg(long)]
    pub secret: bool,
}

#[derive(Debug, Clone, Subcommand)]
pub enum Users {
    /// Make a user.
    #[command(
        after_help = "Example: bunsen user create --organization 1 --first-name Hazel --last-name Elder --role admin hazel@corp.example"
    )]
    Create {
        #[command(flatten)]
        common: Box<Common>,
        #[arg(long, value_name = "ID", value_parser = organization_id)]
        organization: OrganizationId,
        /// Default: the organization's default account.
        #[arg(long, value_name = "ID")]
        account: Option<i64>,
        #[arg(long)]
        first_name: String,
        #[arg(long)]
        last_name: String,
        email: String,
        /// org-admin, admin, org or default-user. Repeatable. Default: org in the default
        /// account, default-user in others.
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<String>,
        #[command(flatten)]
        password: Password,
        /// Print the user's secret too.
        #[arg(long)]
        secret: bool,
    },
    /// Show an organization's users.
    List {
        #[command(flatten)]
        common: Box<Common>,
        #[arg(long, value_name = "ID", value_parser = organization_id)]
        organization: OrganizationId,
    },
    /// Show one user.
    Show(Box<OneUser>),
    /// Refuse the user's secret.
    Disable(Box<OneUser>),
    /// Accept it again.
    Enable(Box<OneUser>),
    /// Give the user a new secret; the old one is refused at once, and every session of the user
    /// ends. The password stays: if the old secret was known to others, also set-password.
    #[command(
        after_help = "Who had the old secret, with the organization's, may have set the user's password and can log in with it:\nalso run `bunsen user set-password`, which ends sessions begun with the old one."
    )]
    RotateSecret(Box<OneUser>),
    /// Set the password to log in with.
    SetPassword {
        #[command(flatten)]
        user: Box<OneUser>,
        #[command(flatten)]
        password: Password,
    },
}

/// A user's password, from a file: the command line and its history are no place for it.
#[derive(Debug, Clone, Args)]
pub struct Password {
    /// File that holds the password. Without one no log-in by password is possible.
    #[arg(long, env = "BUNSEN_PASSWORD_FILE", value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl Password {
    pub fn read(&self) -> Result<Option<Secret>, ConfigError> {
        let read = |file: &Path| read_secret("BUNSEN_PASSWORD_FILE", file);
        self.password_file.as_deref().map(read).transpose()
    }
}

impl Organizations {
    pub fn common(&self) -> &Common {
        match self {
            Self::Create { common, .. } | Self::List { common } => common,
            Self::Show(one) | Self::Disable(one) | Self::Enable(one) | Self::RotateSecret(one) => {
                &one.common
            }
            Self::Brand(one) => &one.common,
            Self::ReturnOrigins(one) => &one.common,
        }
    }
}

impl Accounts {
    pub fn common(&self) -> &Common {
        match self {
            Self::Create { common, .. } | Self::List { common, .. } => common,
        }
    }
}

impl Users {
    pub fn common(&self) -> &Common {
        match self {
            Self::Create { common, .. } | Self::List { common, .. } => common,
            Self::Show(one) | Self::Disable(one) | Self::Enable(one) | Self::RotateSecret(one) => {
                &one.common
            }
            Self::SetPassword { user, .. } => &user.common,
        }
    }
}
