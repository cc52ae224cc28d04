//! `bunsen serve`: from flags to a running server, and the graceful way down.

use std::io::Write;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::task::TaskTracker;

use crate::app::{App, Parts};
use crate::cli::state::Opened;
use crate::config::{Role, Serve};
use crate::error::{Error, Result};
use crate::outbound::{Outbound, Settings, VendorRoute};
use crate::store::Mode;
use crate::vault::Vault;
use crate::{elements, http};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Runs until SIGTERM or SIGINT, or until the private Postgres ends.
pub async fn run(arguments: &Serve) -> Result<()> {
    if !arguments.roles.contains(&Role::Api) {
        return Err(Error::Invalid(
            "--roles without api has nothing to do yet: there are no background jobs".into(),
        ));
    }
    // Everything that can be wrong without touching anything is found out first.
    let (catalog, catalogue_hash) = elements::load(arguments.elements.as_deref())
        .map_err(|mistakes| Error::Invalid(listed(&mistakes)))?;
    let outbound = outbound(arguments)?;
    let listener = TcpListener::bind(arguments.listen).await.map_err(|error| {
        Error::Invalid(format!("--listen {}: {error}", arguments.listen))
    })?;
    let address = listener.local_addr().map_err(Error::internal)?;
    let mode = if arguments.sandbox.is_some() { Mode::Sandbox } else { Mode::Production };

    let opened = Opened::to_serve(&arguments.state).await?;
    let keyring = opened.bootstrap(mode, &format!("http://{address}")).await?;
    let app = App::new(Parts {
        store: opened.store().clone(),
        vault: Vault::new(keyring),
        catalog,
        catalogue_hash,
        outbound,
        mode,
        body_limit: arguments.body_limit,
        work: TaskTracker::new(),
        stopping: AtomicBool::new(false),
    });
    warn_about_exposure(&address);

    writeln!(std::io::stdout(), "bunsen listening on http://{address}").map_err(Error::internal)?;
    let outcome = until_stopped(&app, listener, &opened, arguments.shutdown_grace()).await;
    app.store().close().await;
    opened.stop().await?;
    outcome
}

/// Serves; then no new connections, running calls get their time, spawned work is waited for.
async fn until_stopped(
    app: &App,
    listener: TcpListener,
    opened: &Opened,
    grace: Duration,
) -> Result<()> {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(http::serve(listener, http::service(app.clone()), async move {
        let _ = stopped.await;
    }));

    let outcome = tokio::select! {
        reason = stop_signal() => {
            tracing::info!(signal = reason, "stopping");
            Ok(())
        }
        () = opened.postgres_exited() => {
            Err(Error::Unavailable("The private Postgres ended; see pg.log in the data folder."))
        }
    };
    app.stop();
    drop(stop);
    app.work().close();
    let finish = async {
        let _ = server.await;
        app.work().wait().await;
    };
    if tokio::time::timeout(grace, finish).await.is_err() {
        tracing::warn!(grace_s = grace.as_secs(), "stopping although calls are still running");
    }
    outcome
}

async fn stop_signal() -> &'static str {
    let mut terminate = signal(SignalKind::terminate()).expect("the runtime has signals enabled");
    let mut interrupt = signal(SignalKind::interrupt()).expect("the runtime has signals enabled");
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}

fn outbound(arguments: &Serve) -> Result<Outbound> {
    let routes = arguments
        .vendor_routes
        .iter()
        .filter(|text| !text.is_empty())
        .map(|text| VendorRoute::parse(text))
        .collect::<Result<Vec<_>, String>>()
        .map_err(Error::Invalid)?;
    Outbound::new(Settings {
        routes,
        sandbox: arguments.sandbox.clone(),
        total_timeout: arguments.vendor_timeout(),
        connect_timeout: CONNECT_TIMEOUT,
        body_limit: arguments.vendor_body_limit,
    })
    .map_err(|error| Error::Invalid(error.to_string()))
}

fn warn_about_exposure(address: &std::net::SocketAddr) {
    if !address.ip().is_loopback() {
        tracing::warn!(
            %address,
            "plain http away from loopback: put a proxy that speaks TLS in front, secrets pass here"
        );
    }
}

fn listed(mistakes: &[bunsen_engine::element::Mistake]) -> String {
    let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    format!("the element definitions have mistakes:\n{}", lines.join("\n"))
}
