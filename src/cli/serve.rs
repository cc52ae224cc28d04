//! `bunsen serve`: from flags to a running server, and the graceful way down.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::{App, CallLimits, Parts};
use crate::callers::{self, Callers};
use crate::cli::elements::{listed, unsupported};
use crate::cli::first_files;
use crate::cli::front::{Front, Listening};
use crate::cli::signals::Signals;
use crate::cli::state::{Opened, told};
use crate::config::{self, Egress, Role, Serve, own_program};
use crate::error::{Error, Result};
use crate::http::Tls;
use crate::outbound::{EgressProxy, Outbound, Settings, VendorRoute};
use crate::request_log::{self, RequestLog};
use crate::scripts::{self, Scripts};
use crate::shares::{Limits, Shares};
use crate::store::Mode;
use crate::vault::Vault;
use crate::{background, budgets, elements, http, keys, meters, notifications};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// For answers to reach their readers once all of them are made.
const LAST_BYTES: Duration = Duration::from_secs(5);

/// Runs until SIGTERM or SIGINT, or until the private Postgres ends by itself.
pub async fn run(arguments: &Serve) -> Result<()> {
    if !arguments.roles.contains(&Role::Api) {
        return Err(Error::Invalid(
            "--roles without api is not there yet: every server answers; add api".into(),
        ));
    }
    let mode = match arguments.sandbox {
        Some(_) => Mode::Sandbox,
        None => Mode::Production,
    };
    forbid_core_dumps(mode);
    // What can be wrong without touching anything is found out first; the signals are caught
    // before anything is started that they would have to stop.
    let mut signals = Signals::catch(arguments.front.tls().is_some()).map_err(Error::internal)?;
    let (catalog, catalogue_hash) = elements::load(arguments.elements.as_deref())
        .map_err(|mistakes| Error::Invalid(listed(&mistakes)))?;
    for (element, what) in unsupported(&catalog) {
        tracing::warn!(element.key = element, %what, "an added definition asks for what is not supported yet");
    }
    let vendors = vendors(arguments)?;
    let receivers = notifications::receivers(vendors.clone()).map_err(told)?;
    let outbound = Outbound::new(vendors).map_err(told)?;
    let (calls, bytes) = arguments.organization_limits().map_err(told)?;
    let limits = Limits { calls, bytes };
    let front = Front::open(arguments)?;
    raise_descriptor_limit();

    let opened = tokio::select! {
        opened = Opened::to_serve(&arguments.state) => opened?,
        name = signals.stop(|| ()) => {
            tracing::info!(signal = name, "stopped before the start was done");
            return Ok(());
        }
    };
    let started = async {
        opened.store.migrate().await.map_err(told)?;
        first_files::bootstrap(&opened, &arguments.state, mode, &front.outside.public_url).await
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
                scripts: Scripts::new(scripts::Settings::new(own_program().map_err(told)?)),
                mode,
                body_limit: arguments.body_limit,
                form_limit: arguments.form_limit,
                work: TaskTracker::new(),
                stopping: AtomicBool::new(false),
                outside: front.outside.clone(),
                request_log: request_log(
                    &arguments.request_log,
                    arguments.state.database_connections,
                ),
                budgets: budgets::Settings {
                    organization: arguments.calls.organization_calls_per_minute(),
                    of_vendors: arguments.calls.vendor_budgets,
                },
                call_limits: CallLimits {
                    bytes: arguments.calls.hub_call_bytes,
                    time: arguments.calls.hub_call_timeout(),
                },
            });
            serve_watched(&app, receivers, front, &opened, &mut signals, arguments).await
        }
        Err(error) => Err(error),
    };
    opened.close().await.and(outcome)
}

/// Serves while the database is told which keys this server holds, and that it may answer callers
/// from memory.
async fn serve_watched(
    app: &App,
    receivers: Outbound,
    front: Front,
    opened: &Opened,
    signals: &mut Signals,
    arguments: &Serve,
) -> Result<()> {
    let keys = keys::Watch::begin(app.store().clone(), app.vault().clone()).await?;
    let callers = callers::Watch::begin(app.store().clone(), app.callers().clone()).await?;
    let stop = CancellationToken::new();
    let mut watching = vec![
        tokio::spawn(keys.run(stop.clone().cancelled_owned())),
        tokio::spawn(callers.run(stop.clone().cancelled_owned())),
        tokio::spawn(background::run(app.clone(), stop.clone().cancelled_owned())),
    ];
    if arguments.roles.contains(&Role::Worker) {
        let stop = stop.clone().cancelled_owned();
        watching.push(tokio::spawn(background::work(app.clone(), receivers, stop)));
    }
    let outcome = match front.announce() {
        Ok(listening) => until_stopped(app, listening, opened, signals, arguments).await,
        Err(error) => Err(error),
    };
    stop.cancel();
    for watch in watching {
        let _ = watch.await;
    }
    outcome
}

/// Serves; then no new connections, running calls get their time, spawned work is waited for.
async fn until_stopped(
    app: &App,
    listening: Listening,
    opened: &Opened,
    signals: &mut Signals,
    arguments: &Serve,
) -> Result<()> {
    let tls = listening.front.tls.clone();
    let reload = || reload(tls.as_ref());
    let upkeep = tokio::spawn(meters::upkeep());
    // Answers until the very end, since the way down is worth watching.
    let metrics = listening.metrics.map(|(listener, front)| {
        let service = http::metrics_service(app.clone());
        tokio::spawn(http::serve(
            listener,
            service,
            front,
            std::future::pending(),
        ))
    });
    let (stop, stopped) = oneshot::channel::<()>();
    let service = http::service(app.clone());
    let serving = http::serve(listening.listener, service, listening.front, async move {
        // The sender is dropped, which is the signal.
        let _ = stopped.await;
    });
    let serving = tokio::spawn(serving);

    let outcome = tokio::select! {
        name = signals.stop(reload) => {
            tracing::info!(signal = name, "stopping; running calls are finished first");
            Ok(())
        }
        () = opened.postgres_exited() => Err(Error::Unavailable(
            "The private Postgres ended by itself; its log is in the data folder.",
        )),
    };
    app.stop();
    let grace = arguments.shutdown_grace();
    let winding_down = async {
        if outcome.is_ok() {
            // Balancers learn from /health/ready, and send new calls until they have.
            tokio::time::sleep(arguments.front.drain_wait()).await;
        }
        drop(stop);
        app.work().close();
        let finished = async {
            app.work().wait().await;
            // Every call has its answer; who does not read it, or never finished asking, is not
            // waited for any longer.
            let _ = tokio::time::timeout(LAST_BYTES, serving).await;
        };
        if tokio::time::timeout(grace, finished).await.is_err() {
            tracing::warn!(
                seconds = grace.as_secs(),
                "stopping although calls are still running"
            );
        }
    };
    tokio::select! {
        () = winding_down => {}
        name = signals.stop(reload) => {
            tracing::warn!(signal = name, "asked again: stopping at once");
        }
    }
    upkeep.abort();
    if let Some(metrics) = metrics {
        metrics.abort();
    }
    outcome
}

/// New connections get what the files hold now.
fn reload(tls: Option<&Tls>) {
    match tls.map(Tls::reload) {
        Some(Ok(())) => tracing::info!("read the TLS certificate and key again"),
        Some(Err(error)) => tracing::error!(error, "the TLS certificate in use stays"),
        None => {}
    }
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
///
/// In production nobody of the same user can attach to it or read its memory either.
fn forbid_core_dumps(mode: Mode) {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "cannot switch core dumps off");
    }
    #[cfg(target_os = "linux")]
    if mode == Mode::Production {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
            tracing::warn!(%error, "cannot close this process's memory to others");
        }
    }
}

fn vendors(arguments: &Serve) -> Result<Settings> {
    let routes = arguments
        .vendor_routes
        .iter()
        .filter(|text| !text.is_empty())
        .map(|text| VendorRoute::parse(text))
        .collect::<Result<Vec<_>, String>>()
        .map_err(Error::Invalid)?;
    Ok(Settings {
        egress: egress_proxy(&arguments.front.egress)?,
        routes,
        sandbox: arguments.sandbox.clone(),
        total_timeout: arguments.vendor_timeout(),
        connect_timeout: CONNECT_TIMEOUT,
        body_limit: arguments.vendor_body_limit,
    })
}

fn request_log(arguments: &config::RequestLog, connections: u32) -> RequestLog {
    RequestLog::new(request_log::Settings {
        days: arguments.days,
        day_bytes: arguments.day_bytes,
        reads: arguments.reads,
        queue: arguments.queue(),
        searches: usize::try_from(connections / 4).unwrap_or(1),
    })
}

pub(super) fn egress_proxy(egress: &Egress) -> Result<Option<EgressProxy>> {
    let proxy = egress.proxy().map_err(told)?;
    let proxy = proxy.map(|url| EgressProxy::parse(&url)).transpose();
    proxy.map_err(Error::Invalid)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, dumpable_behavior};

    use super::*;

    #[test]
    fn in_production_nobody_reads_this_memory() {
        forbid_core_dumps(Mode::Production);
        let behavior = dumpable_behavior().expect("Linux says");
        assert_eq!(behavior, DumpableBehavior::NotDumpable);
        assert_eq!(getrlimit(Resource::Core).maximum, Some(0));
        // What `/metrics` reads is still there for the process itself.
        assert!(std::fs::read_dir("/proc/self/fd").is_ok());
        assert!(std::fs::read_to_string("/proc/self/stat").is_ok());
    }
}
