//! `bunsen serve`: from flags to a running server, and the graceful way down.

use std::future::pending;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::{App, Parts};
use crate::callers::{self, Callers};
use crate::cli::elements::{listed, unsupported};
use crate::cli::first_files;
use crate::cli::state::{Opened, told};
use crate::config::{Role, Serve};
use crate::error::{Error, Result};
use crate::outbound::{Outbound, Settings, VendorRoute};
use crate::shares::{Limits, Shares};
use crate::store::Mode;
use crate::vault::Vault;
use crate::{elements, http, keys};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// For answers to reach their readers once all of them are made.
const LAST_BYTES: Duration = Duration::from_secs(5);
/// Connections that may wait to be accepted.
const BACKLOG: u32 = 4096;

/// Runs until SIGTERM or SIGINT, or until the private Postgres ends by itself.
pub async fn run(arguments: &Serve) -> Result<()> {
    if !arguments.roles.contains(&Role::Api) {
        return Err(Error::Invalid(
            "--roles without api has nothing to do yet: there are no background jobs".into(),
        ));
    }
    // What can be wrong without touching anything is found out first; the signals are caught
    // before anything is started that they would have to stop.
    let mut signals = Signals::catch()?;
    let (catalog, catalogue_hash) = elements::load(arguments.elements.as_deref())
        .map_err(|mistakes| Error::Invalid(listed(&mistakes)))?;
    for (element, what) in unsupported(&catalog) {
        tracing::warn!(element.key = element, %what, "an added definition asks for what is not supported yet");
    }
    let outbound = outbound(arguments)?;
    let (calls, bytes) = arguments.organization_limits().map_err(told)?;
    let limits = Limits { calls, bytes };
    let socket = bind(arguments.listen).map_err(|error| {
        Error::Invalid(format!(
            "--listen {}: {error}; choose another address or port",
            arguments.listen
        ))
    })?;
    raise_descriptor_limit();
    forbid_core_dumps();
    let address = socket.local_addr().map_err(Error::internal)?;
    warn_about_exposure(address);
    let mode = match arguments.sandbox {
        Some(_) => Mode::Sandbox,
        None => Mode::Production,
    };

    let opened = tokio::select! {
        opened = Opened::to_serve(&arguments.state) => opened?,
        name = signals.next() => {
            tracing::info!(signal = name, "stopped before the start was done");
            return Ok(());
        }
    };
    let started = async {
        opened.store.migrate().await.map_err(told)?;
        first_files::bootstrap(&opened, &arguments.state, mode, &base_url(address)).await
    };
    let outcome = match started.await {
        Ok(keyring) => {
            let vault = Vault::new(keyring);
            // A keyring of the environment stays as it is until the next start.
            if arguments.state.keyring.json().map_err(told)?.is_none() {
                vault.follow(arguments.state.keyring_file().map_err(told)?);
            }
            let app = App::new(Parts {
                store: opened.store.clone(),
                vault,
                callers: Callers::new(arguments.state.database_connections / 2),
                shares: Shares::new(limits),
                catalog,
                catalogue_hash,
                outbound,
                mode,
                body_limit: arguments.body_limit,
                work: TaskTracker::new(),
                stopping: AtomicBool::new(false),
            });
            serve_watched(&app, socket, address, &opened, &mut signals, arguments).await
        }
        Err(error) => Err(error),
    };
    opened.close().await.and(outcome)
}

/// Serves while the database is told which keys this server holds, and that it may answer callers
/// from memory.
async fn serve_watched(
    app: &App,
    socket: TcpSocket,
    address: SocketAddr,
    opened: &Opened,
    signals: &mut Signals,
    arguments: &Serve,
) -> Result<()> {
    let keys = keys::Watch::begin(app.store().clone(), app.vault().clone()).await?;
    let callers = callers::Watch::begin(app.store().clone(), app.callers().clone()).await?;
    let stop = CancellationToken::new();
    let watching = [
        tokio::spawn(keys.run(stop.clone().cancelled_owned())),
        tokio::spawn(callers.run(stop.clone().cancelled_owned())),
    ];
    let outcome = match announced(socket, address) {
        Ok(listener) => {
            let grace = arguments.shutdown_grace();
            until_stopped(app, listener, opened, signals, grace).await
        }
        Err(error) => Err(error),
    };
    stop.cancel();
    for watch in watching {
        let _ = watch.await;
    }
    outcome
}

/// Connections are taken from here on, and whoever reads stdout knows it.
fn announced(socket: TcpSocket, address: SocketAddr) -> Result<TcpListener> {
    let listener = socket.listen(BACKLOG).map_err(told)?;
    let mut out = std::io::stdout();
    writeln!(out, "bunsen listening on http://{address}")
        .and_then(|()| out.flush())
        .map_err(told)?;
    Ok(listener)
}

/// Serves; then no new connections, running calls get their time, spawned work is waited for.
async fn until_stopped(
    app: &App,
    listener: TcpListener,
    opened: &Opened,
    signals: &mut Signals,
    grace: Duration,
) -> Result<()> {
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = http::serve(listener, http::service(app.clone()), async move {
        // The sender is dropped, which is the signal.
        let _ = stopped.await;
    });
    let serving = tokio::spawn(serving);

    let outcome = tokio::select! {
        name = signals.next() => {
            tracing::info!(signal = name, "stopping; running calls are finished first");
            Ok(())
        }
        () = opened.postgres_exited() => Err(Error::Unavailable(
            "The private Postgres ended by itself; its log is in the data folder.",
        )),
    };
    app.stop();
    drop(stop);
    app.work().close();
    let finished = async {
        app.work().wait().await;
        // Every call has its answer; who does not read it, or never finished asking, is not
        // waited for any longer.
        let _ = tokio::time::timeout(LAST_BYTES, serving).await;
    };
    tokio::select! {
        () = finished => {}
        () = tokio::time::sleep(grace) => {
            tracing::warn!(seconds = grace.as_secs(), "stopping although calls are still running");
        }
        name = signals.next() => {
            tracing::warn!(signal = name, "asked again: stopping at once");
        }
    }
    outcome
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn catch() -> Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(Error::internal)?,
            interrupt: signal(SignalKind::interrupt()).map_err(Error::internal)?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            Some(()) = self.terminate.recv() => "SIGTERM",
            Some(()) = self.interrupt.recv() => "SIGINT",
            else => pending().await,
        }
    }
}

fn bind(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// The usual soft limit of 1024 open files is far below the hard one, and every call takes two.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
}

/// The memory of this process and its children holds keys and passwords.
fn forbid_core_dumps() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "cannot switch core dumps off");
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
    .map_err(told)
}

/// How a program on this machine reaches the server.
fn base_url(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{address}")
}

fn warn_about_exposure(address: SocketAddr) {
    if !address.ip().is_loopback() {
        tracing::warn!(
            %address,
            "plain http away from loopback: put a proxy that speaks TLS in front, secrets pass here"
        );
    }
}
