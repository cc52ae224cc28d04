//! Runs a Postgres of our own in the data folder when the operator gives no database, and keeps
//! its life tied to ours. It knows nothing of what is stored there; statements are the store's.
//!
//! One data folder holds:
//!
//! | File | What |
//! |---|---|
//! | `lock` | held by the server, or by a command that runs Postgres itself |
//! | `pg/` | the cluster, 0700, of the Postgres user; `pg.new/` while it is made |
//! | `pg.password` | its password, 0600 |
//! | `pg.socket/` | the socket; `pg.socket-folder` names another where this one is too deep |
//! | `pg.log` | what Postgres says; `pg.log.1` what it said before |

mod child;
mod create;
pub mod data_dir;
mod error;
pub mod guard;
mod place;
mod postmaster;
mod programs;
mod socket;
mod start;
mod user;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::time::sleep;

pub use self::error::PrivatePostgresError;

use self::child::Child;
use self::data_dir::Lock;
use self::postmaster::{Life, Postmaster, State};
use crate::ids::Secret;

/// Name of the database and of the user in the private Postgres.
const DATABASE: &str = "bunsen";
const USER: &str = "bunsen";

/// How often files and processes are looked at. A warm start takes about 20 of these.
const LOOK: Duration = Duration::from_millis(3);
/// How long a command waits for a server that is making or starting its Postgres.
const OTHERS_START: Duration = Duration::from_secs(30);
const FAST_SHUTDOWN: Duration = Duration::from_secs(30);
const IMMEDIATE_SHUTDOWN: Duration = Duration::from_secs(10);

#[derive(Debug, Clone)]
pub struct Options {
    pub data_dir: PathBuf,
    /// Folder of the Postgres programs; `None`: search.
    pub postgres_bin: Option<PathBuf>,
    /// The bunsen binary, which is also the guard. In a test it is not `current_exe()`.
    pub guard: PathBuf,
    /// For tests: nothing is synced to disk, a crash of the machine loses everything.
    pub fast_and_unsafe: bool,
    pub max_connections: u32,
}

/// A running private Postgres. Dropped without [`PrivatePostgres::stop`], it tells Postgres to end
/// and does not wait for that.
#[derive(Debug)]
pub struct PrivatePostgres {
    url: Secret,
    created: bool,
    data_dir: PathBuf,
    socket_folder: PathBuf,
    pid: i32,
    /// `None`: somebody else's child, which we use and never signal.
    child: Option<Child>,
    /// After the child: the folder is free when Postgres has been told to end.
    _lock: Option<Lock>,
}

impl PrivatePostgres {
    /// Takes the data folder's lock, finds the programs, makes the cluster when there is none,
    /// starts Postgres and waits until it is ready. A Postgres that already lives in this folder,
    /// although nobody holds the lock, is waited for when it is ending and used otherwise.
    ///
    /// There is no limit on how long Postgres may take to be ready: after a crash it repeats its
    /// log, and ending it then would only make it begin again.
    pub async fn start(options: Options) -> Result<Self, PrivatePostgresError> {
        let max_connections = options.max_connections;
        let (place, lock, created) = tokio::task::spawn_blocking(|| start::prepare(options))
            .await
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
        let mut lock = Some(lock);
        let deadline = Instant::now() + start::OLD_ONE_ENDS;
        loop {
            if let Some(old) = start::wait_for_old(&place.cluster()).await? {
                tracing::info!(
                    pid = old.pid,
                    "using the Postgres that runs in the data folder"
                );
                return Self::around(&place.data_dir, &old, lock.take());
            }
            match start::child(&place, max_connections, deadline).await? {
                Some((child, socket_folder)) => {
                    tracing::info!(pid = child.pid(), created, "the private Postgres is ready");
                    return Ok(Self {
                        url: url(
                            &place::read_password(&place.data_dir)?,
                            &socket_folder,
                            socket::PORT,
                        ),
                        created,
                        data_dir: place.data_dir,
                        socket_folder,
                        pid: child.pid(),
                        child: Some(child),
                        _lock: lock.take(),
                    });
                }
                None => sleep(LOOK * 30).await,
            }
        }
    }

    /// The Postgres of a server that runs, for a command beside it.
    pub async fn attach(data_dir: &Path) -> Result<Self, PrivatePostgresError> {
        let data_dir = fs::canonicalize(data_dir)
            .map_err(PrivatePostgresError::io("cannot find", data_dir))?;
        let cluster = place::cluster(&data_dir);
        match read_postmaster(&cluster)? {
            Some(found) if found.state == State::Ready && found.life(&cluster) == Life::Lives => {
                Self::around(&data_dir, &found, None)
            }
            _ => Err(PrivatePostgresError::NotRunning(data_dir)),
        }
    }

    /// For commands: the running server's Postgres, else one of our own under the lock. Waits for a
    /// server that is just starting.
    pub async fn start_or_attach(options: Options) -> Result<Self, PrivatePostgresError> {
        let deadline = Instant::now() + OTHERS_START;
        loop {
            let in_use = match Self::start(options.clone()).await {
                Err(error) if error.is_in_use() => error,
                other => return other,
            };
            match Self::attach(&options.data_dir).await {
                Err(PrivatePostgresError::NotRunning(_)) if Instant::now() < deadline => {
                    sleep(LOOK * 10).await;
                }
                Err(PrivatePostgresError::NotRunning(_)) => return Err(in_use),
                other => return other,
            }
        }
    }

    /// `postgres://bunsen:PASSWORD@localhost/bunsen?host=SOCKETFOLDER&port=5432`; the host in front
    /// is only there because a URL with a user needs one.
    pub fn url(&self) -> Secret {
        self.url.clone()
    }

    /// Whether this start made the cluster. After a crash between here and the first transaction
    /// the next start says no to an empty database, so emptiness itself is the store's to judge.
    pub fn created(&self) -> bool {
        self.created
    }

    /// Process id of the postmaster.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Resolves when the postmaster ends without [`PrivatePostgres::stop`]. A Postgres that loses
    /// one of its own processes recovers by itself, and this does not resolve.
    pub async fn exited(&self) {
        match &self.child {
            Some(child) => {
                let status = child.ended().await;
                let status = status.map_or_else(String::new, |status| status.to_string());
                tracing::error!(pid = self.pid, status, "the private Postgres has ended");
            }
            None => {
                let cluster = place::cluster(&self.data_dir);
                while matches!(read_postmaster(&cluster), Ok(Some(found))
                    if found.pid == self.pid && found.life(&cluster) == Life::Lives)
                {
                    sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    /// Ends our child and frees the data folder; somebody else's Postgres goes on running.
    pub async fn stop(self) -> Result<(), PrivatePostgresError> {
        let Some(child) = &self.child else {
            return Ok(());
        };
        child.signal(Signal::INT);
        if tokio::time::timeout(FAST_SHUTDOWN, child.ended())
            .await
            .is_err()
        {
            tracing::warn!(
                pid = self.pid,
                "the private Postgres takes too long to end; the next start will repair it"
            );
            child.signal(Signal::QUIT);
            if tokio::time::timeout(IMMEDIATE_SHUTDOWN, child.ended())
                .await
                .is_err()
            {
                return Err(PrivatePostgresError::DoesNotStop { pid: self.pid });
            }
        }
        socket::remove(&self.data_dir, &self.socket_folder);
        Ok(())
    }

    /// Somebody else's postmaster, which is ready.
    fn around(
        data_dir: &Path,
        found: &Postmaster,
        lock: Option<Lock>,
    ) -> Result<Self, PrivatePostgresError> {
        let (Some(folder), Some(port)) = (&found.socket_folder, found.port) else {
            return Err(PrivatePostgresError::NotRunning(data_dir.to_owned()));
        };
        Ok(Self {
            url: url(&place::read_password(data_dir)?, folder, port),
            created: false,
            data_dir: data_dir.to_owned(),
            socket_folder: folder.clone(),
            pid: found.pid,
            child: None,
            _lock: lock,
        })
    }
}

fn read_postmaster(cluster: &Path) -> Result<Option<Postmaster>, PrivatePostgresError> {
    postmaster::read(cluster).map_err(PrivatePostgresError::io(
        "cannot read postmaster.pid in",
        cluster,
    ))
}

fn url(password: &Secret, socket_folder: &Path, port: u16) -> Secret {
    // Escapes as forms do, where a blank becomes a plus; other readers of such URLs take a plus as
    // itself. A plus of the folder's own is escaped already.
    let folder = socket_folder.to_string_lossy();
    let folder: String = url::form_urlencoded::byte_serialize(folder.as_bytes()).collect();
    Secret::new(format!(
        "postgres://{USER}:{}@localhost/{DATABASE}?host={}&port={port}",
        password.reveal(),
        folder.replace('+', "%20"),
    ))
}
