//! The commands. Each takes what `config` read and does one thing.

mod brand;
mod copies;
mod elements;
mod first_files;
mod front;
pub mod grant;
mod health;
mod import;
mod keys;
pub mod migrate;
mod oauth_clients;
mod people;
mod serve;
mod signals;
mod state;

use std::io::Write;
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use crate::cli::state::Opened;
use crate::config::{Cli, Command};
use crate::error::{Error, Result};
use crate::notifications;

/// Runs one command; an error is one line on stderr and exit code 1.
pub fn run(arguments: Cli) -> ExitCode {
    match prepared(arguments) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "bunsen: {}", state::told(error));
            ExitCode::FAILURE
        }
    }
}

fn prepared(arguments: Cli) -> Result<ExitCode> {
    start_logging(&arguments.log, arguments.log_json)?;
    crate::outbound::install_crypto_provider();
    match arguments.command {
        Command::Health(arguments) => health::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Elements(command) => elements::run(command).map_err(state::told),
        Command::OpenApi(arguments) => openapi(&arguments).map(|()| ExitCode::SUCCESS),
        Command::PostgresGuard(_) | Command::ScriptWorker(_) => {
            Err(Error::Invalid("started too late".into()))
        }
        asynchronous => tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            // What arrives is looked for often: one caller's answer does not wait behind everything that
            // others have asked for.
            .event_interval(8)
            .build()
            .map_err(Error::internal)?
            .block_on(dispatch(asynchronous))
            .map(|()| ExitCode::SUCCESS),
    }
}

async fn dispatch(command: Command) -> Result<()> {
    let mut out = std::io::stdout();
    match command {
        Command::Serve(arguments) => serve::run(&arguments).await,
        Command::Migrate(arguments) => {
            let opened = Opened::for_command(&arguments.state).await?;
            let outcome = migrate::run(&opened.store, &mut out).await;
            opened.close().await.and(outcome)
        }
        Command::Grant(command) => {
            let (catalog, _) = crate::elements::load(command.elements())
                .map_err(|mistakes| Error::Invalid(elements::listed(&mistakes)))?;
            let opened = Opened::for_command(command.state()).await?;
            let known = |key: &str| key == notifications::GRANTED_AS || catalog.get(key).is_some();
            let outcome = match opened.store.migrate().await {
                Ok(()) => grant::run(&opened.store, &command, known, &mut out).await,
                Err(error) => Err(state::told(error)),
            };
            opened.close().await.and(outcome)
        }
        Command::OauthClients(command) => oauth_clients::run(&command, &mut out).await,
        Command::Keys(command) => keys::run(&command, &mut out).await,
        Command::Organizations(command) => people::organizations(&command, &mut out).await,
        Command::Accounts(command) => people::accounts(&command, &mut out).await,
        Command::Users(command) => people::users(&command, &mut out).await,
        Command::Import(command) => import::run(&command, &mut out).await,
        Command::Backup(command) => copies::backup(&command, &mut out).await,
        Command::Restore(command) => copies::restore(&command, &mut out).await,
        Command::Health(_)
        | Command::Elements(_)
        | Command::OpenApi(_)
        | Command::PostgresGuard(_)
        | Command::ScriptWorker(_) => Ok(()),
    }
}

/// `bunsen openapi`: what the server answers at `/openapi.json`, for people to read, too.
fn openapi(arguments: &crate::config::OpenApi) -> Result<()> {
    let (catalog, _) = crate::elements::load(arguments.elements.as_deref())
        .map_err(|mistakes| Error::Invalid(elements::listed(&mistakes)))?;
    let document = crate::http::openapi(&catalog);
    writeln!(std::io::stdout(), "{document:#}").map_err(Error::internal)
}

/// Logs go to stderr: stdout is for what a program reads.
fn start_logging(filter: &str, json: bool) -> Result<()> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| Error::Invalid(format!("--log '{filter}': {error}")))?;
    let logging = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if json {
        // Flat, so that a line's fields are where a collector looks; the request's id is in its span.
        logging
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .init();
    } else {
        logging
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .init();
    }
    Ok(())
}
