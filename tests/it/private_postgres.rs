//! The private Postgres: files and modes, one server per folder, what a kill leaves, what is refused.
//!
//! These tests start servers of their own, in folders of their own, apart from the run's Postgres.

mod crash;
mod parts;
mod refusals;

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bunsen::private_postgres::{Options, PrivatePostgres, PrivatePostgresError};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

const GUARD: &str = env!("CARGO_BIN_EXE_bunsen");
/// A bound for what takes moments, on a machine that does five other things.
const SOON: Duration = Duration::from_secs(60);

/// A folder that the Postgres user may pass through too.
fn open_folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).expect("our own folder");
    folder
}

fn options(data_dir: &Path) -> Options {
    Options {
        data_dir: data_dir.to_owned(),
        postgres_bin: None,
        guard: GUARD.into(),
        fast_and_unsafe: true,
        max_connections: 20,
    }
}

async fn start(options: Options) -> PrivatePostgres {
    PrivatePostgres::start(options)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

async fn stop(postgres: PrivatePostgres) {
    postgres
        .stop()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
}

async fn connect(postgres: &PrivatePostgres) -> PgConnection {
    PgConnection::connect(postgres.url().reveal())
        .await
        .expect("the private Postgres answers")
}

/// Asks until it holds; never sleeps for a guessed time.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + SOON;
    while !holds() {
        assert!(
            Instant::now() < deadline,
            "after {SOON:?} still not: {what}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .mode()
        & 0o777
}

async fn setting(connection: &mut PgConnection, name: &str) -> String {
    sqlx::query_scalar("select current_setting($1)")
        .bind(name)
        .fetch_one(connection)
        .await
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[tokio::test]
async fn data_survives_a_stop_and_files_have_their_modes() {
    let folder = open_folder();
    // A blank, a plus and a comma, because the path becomes part of a URL and of a list.
    let data = folder.path().join("below/a +,data");
    let begun = Instant::now();
    let postgres = start(Options {
        fast_and_unsafe: false,
        ..options(&data)
    })
    .await;
    eprintln!("first start: {:?}", begun.elapsed());
    assert!(postgres.created());

    let mut connection = connect(&postgres).await;
    for (name, value) in [
        ("listen_addresses", ""),
        ("data_checksums", "on"),
        ("server_encoding", "UTF8"),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("password_encryption", "scram-sha-256"),
        ("TimeZone", "UTC"),
    ] {
        assert_eq!(setting(&mut connection, name).await, value, "{name}");
    }
    let (collation, method): (String, String) = sqlx::query_as(
        "select datcollate::text, (select string_agg(distinct auth_method, ' ') from pg_hba_file_rules)
         from pg_database where datname = 'bunsen'",
    )
    .fetch_one(&mut connection)
    .await
    .expect("a row");
    assert_eq!(
        (collation.as_str(), method.as_str()),
        ("C", "scram-sha-256")
    );
    sqlx::query("create table kept as select 7 as n")
        .execute(&mut connection)
        .await
        .expect("new");
    drop(connection);

    assert_eq!(mode(&data), 0o711);
    assert_eq!(mode(&data.join("pg")), 0o700);
    assert_eq!(mode(&data.join("pg.socket")), 0o700);
    for file in ["lock", "pg.password", "pg.log"] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
    for gone in ["pg.new", "pg.password.initdb", "pg.password.new"] {
        assert!(!data.join(gone).exists(), "{gone}");
    }
    let owner = |name: &str| fs::metadata(data.join(name)).expect("exists").uid();
    assert_ne!(owner("pg"), 0, "Postgres never runs as root");
    assert_eq!(owner("pg.socket"), owner("pg"));
    assert_eq!(owner("pg.password"), rustix::process::geteuid().as_raw());

    let begun = Instant::now();
    stop(postgres).await;
    eprintln!("stop: {:?}", begun.elapsed());
    assert!(!data.join("pg/postmaster.pid").exists(), "a clean stop");

    for _ in 0..5 {
        let begun = Instant::now();
        let postgres = start(Options {
            fast_and_unsafe: false,
            ..options(&data)
        })
        .await;
        eprintln!("warm start: {:?}", begun.elapsed());
        assert!(!postgres.created());
        let kept: i32 = sqlx::query_scalar("select n from kept")
            .fetch_one(&mut connect(&postgres).await)
            .await
            .expect("the row");
        assert_eq!(kept, 7);
        stop(postgres).await;
    }
}

#[tokio::test]
async fn the_password_is_in_no_command_line_no_environment_and_no_log() {
    let folder = open_folder();
    let data = folder.path().join("data");
    // Written down while programs run, searched once the password is known.
    let running = Arc::new(AtomicBool::new(true));
    let watched = Arc::clone(&running);
    let watcher = std::thread::spawn(move || {
        let mut seen = BTreeSet::new();
        while watched.load(Ordering::Relaxed) {
            seen.extend(visible_text_of_processes());
        }
        seen
    });
    let postgres = start(options(&data)).await;
    let mut connection = connect(&postgres).await;
    let refused = sqlx::query("select nonsense")
        .execute(&mut connection)
        .await;
    refused.expect_err("goes to the log");
    running.store(false, Ordering::Relaxed);
    let seen = watcher.join().expect("it watches");
    let password = fs::read_to_string(data.join("pg.password")).expect("the password");
    assert_eq!(password.len(), 64);
    assert!(postgres.url().reveal().contains(&password));
    assert!(
        !format!("{postgres:?}").contains(&password),
        "Debug hides it"
    );
    if Path::new("/proc/self/cmdline").exists() {
        // The guard itself is there too shortly to be seen for certain.
        for program in ["--pwfile", "unix_socket_directories"] {
            assert!(
                seen.iter().any(|text| text.contains(program)),
                "{program} was not seen"
            );
        }
    }
    assert!(
        !seen.iter().any(|text| text.contains(&password)),
        "a process shows the password"
    );
    let log = fs::read_to_string(data.join("pg.log")).expect("the log");
    assert!(log.contains("nonsense"), "errors are logged");
    assert!(!log.contains(&password));
    stop(postgres).await;
}

/// Command lines and environments of all processes, as far as we may read them.
fn visible_text_of_processes() -> Vec<String> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok())
        .flat_map(|entry| ["cmdline", "environ"].map(|file| fs::read(entry.path().join(file))))
        .flatten()
        .map(|text| String::from_utf8_lossy(&text).into_owned())
        .collect()
}

#[tokio::test]
async fn a_folder_too_deep_for_a_socket_gets_a_short_one_elsewhere() {
    let folder = open_folder();
    let data = folder.path().join("deep/".repeat(25));
    let postgres = start(options(&data)).await;
    connect(&postgres).await;
    let canonical = fs::canonicalize(&data).expect("exists");
    let socket = PathBuf::from(
        fs::read_to_string(canonical.join("pg.socket-folder")).expect("remembers the short one"),
    );
    assert!(socket.as_os_str().len() < 40, "{}", socket.display());
    assert_eq!(mode(&socket), 0o700);
    // Others find it as well.
    let beside = PrivatePostgres::attach(&data)
        .await
        .expect("a running server");
    assert_eq!(beside.url().reveal(), postgres.url().reveal());
    connect(&beside).await;

    // Killed, it comes back in the same folder; stopped, it takes the folder away.
    kill(postgres.pid());
    postgres.exited().await;
    drop(postgres);
    let postgres = start(options(&data)).await;
    assert!(
        socket.join(".s.PGSQL.5432").exists(),
        "the same folder again"
    );
    connect(&postgres).await;
    stop(postgres).await;
    assert!(!socket.exists());
}

#[tokio::test]
async fn a_command_uses_the_running_server_or_starts_one_and_never_ends_somebody_elses() {
    let folder = open_folder();
    let data = folder.path().join("data");
    let error = PrivatePostgres::attach(folder.path())
        .await
        .expect_err("nothing runs there");
    assert!(
        error.to_string().contains("start the server first"),
        "{error}"
    );

    // Both at once on a new folder: one makes the cluster, the other waits for it.
    let (first, second) = tokio::join!(
        PrivatePostgres::start_or_attach(options(&data)),
        PrivatePostgres::start_or_attach(options(&data)),
    );
    let (first, second) = (first.expect("starts"), second.expect("attaches"));
    assert_eq!(first.pid(), second.pid());
    assert!(first.created() != second.created());
    let (ours, theirs) = if first.created() {
        (first, second)
    } else {
        (second, first)
    };
    stop(theirs).await;
    connect(&ours).await;
    stop(ours).await;
    let error = PrivatePostgres::attach(&data)
        .await
        .expect_err("it has ended");
    assert!(
        matches!(error, PrivatePostgresError::NotRunning(_)),
        "{error}"
    );
}

#[tokio::test]
async fn an_open_transaction_does_not_delay_a_stop() {
    let folder = open_folder();
    let postgres = start(options(&folder.path().join("data"))).await;
    let mut connection = connect(&postgres).await;
    let mut transaction = connection.begin().await.expect("a transaction");
    sqlx::query("create table half (n int)")
        .execute(&mut *transaction)
        .await
        .expect("new");
    let begun = Instant::now();
    stop(postgres).await;
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "not the 30 s of a shutdown that waits"
    );
}

#[tokio::test]
async fn a_handle_that_is_only_dropped_ends_postgres_too() {
    let folder = open_folder();
    let data = folder.path().join("data");
    drop(start(options(&data)).await);
    until("Postgres has ended", || {
        !data.join("pg/postmaster.pid").exists()
    })
    .await;
}

#[tokio::test]
async fn what_an_interrupted_creation_left_is_removed() {
    let folder = open_folder();
    let data = folder.path().join("data");
    fs::create_dir_all(data.join("pg.new/base")).expect("new");
    fs::create_dir_all(data.join("pg")).expect("an empty folder is no cluster");
    fs::write(data.join("pg.new/PG_VERSION"), "15\n").expect("written");
    fs::write(data.join("pg.password.initdb"), "old").expect("written");
    fs::write(data.join("pg.password"), "of the cluster that never was").expect("written");
    let postgres = start(options(&data)).await;
    assert!(postgres.created());
    connect(&postgres).await;
    assert!(!data.join("pg.new").exists() && !data.join("pg.password.initdb").exists());
    assert_eq!(mode(&data.join("pg.password")), 0o600);
    stop(postgres).await;
}

#[tokio::test]
async fn the_owner_of_a_cluster_decides_as_whom_it_runs() {
    if !is_root() {
        eprintln!("skipped: only root can change users");
        return;
    }
    let folder = open_folder();
    let data = folder.path().join("data");
    stop(start(options(&data)).await).await;
    // As when the cluster was made before the system had a user postgres.
    let changed = Command::new("chown")
        .args(["-R", "65534:65534"])
        .arg(data.join("pg"))
        .status()
        .expect("chown");
    assert!(changed.success());
    let postgres = start(options(&data)).await;
    connect(&postgres).await;
    let process = fs::metadata(format!("/proc/{}", postgres.pid())).expect("the postmaster");
    assert_eq!(process.uid(), 65534);
    stop(postgres).await;
}

#[tokio::test]
async fn a_large_log_is_set_aside_at_the_start() {
    let folder = open_folder();
    let data = folder.path().join("data");
    stop(start(options(&data)).await).await;
    let log = fs::File::options()
        .append(true)
        .open(data.join("pg.log"))
        .expect("the log");
    log.set_len(10 * 1024 * 1024 + 1).expect("a large log");
    fs::write(data.join("pg.log.1"), "from long ago").expect("written");
    stop(start(options(&data)).await).await;
    let length = |name: &str| fs::metadata(data.join(name)).expect("exists").len();
    assert!(length("pg.log") < 100_000, "a new log");
    assert_eq!(length("pg.log.1"), 10 * 1024 * 1024 + 1);
    assert_eq!(mode(&data.join("pg.log.1")), 0o600);
}

/// SIGKILL, for processes that these tests have started.
fn kill(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("our own process");
}
