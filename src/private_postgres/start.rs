//! The way to a Postgres that is ready: make sure of folder, user, programs and cluster, see off an
//! earlier Postgres, run a new one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::child::Child;
use super::data_dir::{FolderError, Lock};
use super::place::Place;
use super::postmaster::{Life, Postmaster, State};
use super::{LOOK, Options, PrivatePostgresError, read_postmaster};
use super::{create, data_dir, place, programs, socket, user};

/// A fast shutdown writes a checkpoint, which takes long on a slow disk.
pub(super) const OLD_ONE_ENDS: Duration = Duration::from_secs(120);
/// The kernel frees the lock of a killed server a moment before it tells Postgres.
const OLD_ONE_HEARS: Duration = Duration::from_millis(500);

/// Everything before Postgres itself: lock, leftovers, user, programs, cluster. Blocks; the flag
/// says whether the cluster is new.
pub(super) fn prepare(options: Options) -> Result<(Place, Lock, bool), PrivatePostgresError> {
    let data_dir = data_dir::prepare(&options.data_dir)?;
    let lock = Lock::take(&data_dir)?;
    create::remove_leftovers(&data_dir)?;
    let cluster = place::cluster(&data_dir);
    let made_by = version(&cluster)?;
    let configured = options.postgres_bin.as_deref();
    let programs = match made_by {
        Some(made_by) => programs::matching(configured, &cluster, made_by)?,
        None => programs::newest(configured)?,
    };
    let user = user::choose(made_by.map(|_| cluster.as_path()))?;
    if let Some(user) = &user {
        let programs = fs::canonicalize(&programs.folder)
            .map_err(PrivatePostgresError::io("cannot find", &programs.folder))?;
        for folder in [&data_dir, &programs] {
            let closed = data_dir::first_closed(folder, user.uid, user.gid).map_err(
                PrivatePostgresError::io("cannot look at the folders above", folder),
            )?;
            if let Some(folder) = closed {
                let user = user.name.clone();
                return Err(FolderError::NotSearchable { folder, user }.into());
            }
        }
    }
    let place = Place {
        data_dir,
        programs,
        user,
        guard: options.guard,
        fast_and_unsafe: options.fast_and_unsafe,
    };
    if made_by.is_none() {
        create::create(&place)?;
    } else {
        // Before Postgres is started for nothing.
        place::read_password(&place.data_dir)?;
    }
    place.rotate_log()?;
    Ok((place, lock, made_by.is_none()))
}

/// The version of Postgres that made the cluster; `None` where there is none.
fn version(cluster: &Path) -> Result<Option<u32>, PrivatePostgresError> {
    match fs::read_to_string(cluster.join("PG_VERSION")) {
        Ok(text) => match text.trim().parse() {
            Ok(major) => Ok(Some(major)),
            Err(_) => Err(PrivatePostgresError::NotACluster(cluster.to_owned())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::read_dir(cluster) {
            // An empty folder is replaced by the rename that ends a creation.
            Ok(mut entries) => match entries.next() {
                None => Ok(None),
                Some(_) => Err(PrivatePostgresError::NotACluster(cluster.to_owned())),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(_) => Err(PrivatePostgresError::NotACluster(cluster.to_owned())),
        },
        Err(error) => Err(PrivatePostgresError::io("cannot read", cluster)(error)),
    }
}

/// A postmaster that lives in the folder although nobody holds the lock. One that is ready and
/// stays so is returned; one that is ending is waited for. `None`: there is none any more.
pub(super) async fn wait_for_old(
    cluster: &Path,
) -> Result<Option<Postmaster>, PrivatePostgresError> {
    let begun = Instant::now();
    loop {
        let Some(found) = read_postmaster(cluster)? else {
            return Ok(None);
        };
        match found.life(cluster) {
            Life::Gone => return Ok(None),
            Life::Replaced => {
                // Postgres would refuse to start because of a process that only has the same
                // number. It still looks for itself whether anything uses the cluster's memory.
                let path = cluster.join("postmaster.pid");
                fs::remove_file(&path).map_err(PrivatePostgresError::io("cannot remove", &path))?;
                return Ok(None);
            }
            Life::Lives if found.state == State::Ready && begun.elapsed() > OLD_ONE_HEARS => {
                return Ok(Some(found));
            }
            Life::Lives if begun.elapsed() > OLD_ONE_ENDS => {
                return Err(PrivatePostgresError::StillThere {
                    cluster: cluster.to_owned(),
                    pid: found.pid,
                    doing: found.state.doing(),
                    seconds: OLD_ONE_ENDS.as_secs(),
                });
            }
            Life::Lives => sleep(LOOK).await,
        }
    }
}

/// Starts Postgres and waits until it is ready. `None`: processes of a killed Postgres still use
/// the cluster's memory, so try again.
pub(super) async fn child(
    place: &Place,
    max_connections: u32,
    deadline: Instant,
) -> Result<Option<(Child, PathBuf)>, PrivatePostgresError> {
    let socket_folder = socket::prepare(&place.data_dir, place.user.as_ref())?;
    let log_before = place.log_length();
    let command = place.server(&socket_folder, max_connections)?;
    let child =
        Child::spawn(command).map_err(PrivatePostgresError::io("cannot run", &place.guard))?;
    let begun = Instant::now();
    let mut told = Duration::from_secs(10);
    loop {
        let ended = child.has_ended();
        match read_postmaster(&place.cluster())? {
            Some(found) if found.pid == child.pid() && found.state == State::Ready => {
                return Ok(Some((child, socket_folder)));
            }
            _ => {}
        }
        if ended {
            let output = place.log_tail(log_before);
            if another_still_ends(&output) && Instant::now() < deadline {
                return Ok(None);
            }
            let status = child.ended().await;
            return Err(PrivatePostgresError::Start {
                status: status.map_or_else(|| "no status".into(), |status| status.to_string()),
                log: place.log(),
                output,
            });
        }
        if begun.elapsed() > told {
            told *= 2;
            tracing::warn!(
                pid = child.pid(),
                "the private Postgres is still starting; after a crash it repeats its log first"
            );
        }
        sleep(LOOK).await;
    }
}

/// What Postgres says when a postmaster, or processes of a killed one, still use the cluster.
fn another_still_ends(log: &str) -> bool {
    log.contains("pre-existing shared memory block")
        || (log.contains("lock file") && log.contains("already exists"))
}
