//! A database for each test, on one private Postgres per run.
//!
//! `cargo test` runs tests in threads of one process, other runners start a process per test, so
//! the Postgres must belong to neither. It belongs to the *keeper*: this test binary, started once
//! more by whoever needs Postgres first. Everybody who uses Postgres holds a shared lock, which the
//! kernel releases in whatever way they end; when the keeper gets the lock for itself and nobody
//! comes back within a moment, it stops Postgres and ends.
//!
//! Files stay in the target's folder between runs, so later runs begin with a warm start and a
//! migrated template. Whatever a killed run leaves is removed by the next.

use std::fs::{self, DirBuilder, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use bunsen::ids::Secret;
use bunsen::private_postgres::data_dir::Lock;
use bunsen::private_postgres::{Options, PrivatePostgres};
use bunsen::store::Store;
pub use bunsen_test_macros::database_test;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool};
use url::Url;

/// What a test gets. The database is dropped when the test ends.
pub struct TestDatabase {
    pub pool: PgPool,
    /// For a server under test; holds the password.
    pub url: String,
}

/// Tests run side by side, each with a pool and perhaps a server with another.
const MAX_CONNECTIONS: u32 = 300;
const CONNECTIONS_PER_TEST: u32 = 10;
/// Longer than the pause between two processes of a runner that uses one per test.
const KEEPER_WAITS: Duration = Duration::from_secs(1);
/// On a busy machine the first start, which makes the cluster, takes some seconds.
const START_LIMIT: Duration = Duration::from_secs(120);
const KEEPER_VARIABLE: &str = "BUNSEN_TEST_KEEPER";

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// The body of every `#[database_test]`.
pub fn run<T>(test: impl AsyncFnOnce(TestDatabase) -> T) -> T {
    static SERVER: OnceLock<Server> = OnceLock::new();
    let server = SERVER.get_or_init(Server::join);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let (mut admin, name) = runtime.block_on(server.create());
    let database = TestDatabase {
        pool: runtime.block_on(async { server.pool(&name) }),
        url: server.url(&name).into(),
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(test(database))));
    let drop_database = format!("drop database {name} with (force)");
    if let Err(error) = runtime.block_on(admin.execute(AssertSqlSafe(drop_database))) {
        // The next run will do it; what the test itself says is more important.
        eprintln!("the test's database stays behind: {error}");
    }
    outcome.unwrap_or_else(|panic| resume_unwind(panic))
}

/// How this process uses the run's Postgres.
struct Server {
    url: Url,
    template: String,
    /// Keeps the keeper alive.
    _user: File,
}

impl Server {
    /// Joins the Postgres of this run, or starts it.
    fn join() -> Self {
        let folder = folder();
        let user = open(&folder.join("users.lock"));
        user.lock_shared()
            .expect("a lock that says that Postgres is in use");
        // One process at a time from here: starts, cleans and migrates, or finds all that done.
        let starting = open(&folder.join("start.lock"));
        starting.lock().expect("a lock for the start");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let (url, started) = join_or_start(&folder, &runtime);
        let mut server = Self {
            url,
            template: format!("template_{:016x}", migrations_hash()),
            _user: user,
        };
        runtime.block_on(server.prepare(started));
        server.url.set_path("");
        server
    }

    /// Removes what a killed run left, when this is a new server, and makes the template.
    async fn prepare(&mut self, started: bool) {
        let mut admin = self.admin().await;
        let databases: Vec<String> = sqlx::query_scalar("select datname::text from pg_database")
            .fetch_all(&mut admin)
            .await
            .expect("the list of databases");
        let exists = databases.contains(&self.template);
        for name in databases {
            let of_a_test = started && name.starts_with("test_");
            // A template of other migrations, or one whose migration was cut short.
            let outdated = !exists && name.starts_with("template_");
            if of_a_test || outdated {
                execute(&mut admin, format!("drop database {name} with (force)")).await;
            }
        }
        if !exists {
            let unfinished = format!("{}_unfinished", self.template);
            execute(&mut admin, format!("create database {unfinished}")).await;
            migrate_template(self.url(&unfinished)).await;
            let rename = format!("alter database {unfinished} rename to {}", self.template);
            execute(&mut admin, rename).await;
        }
    }

    /// A fresh database, and the connection that will drop it.
    async fn create(&self) -> (PgConnection, String) {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        let mut admin = self.admin().await;
        // Copying files is the quick way when nothing is synced.
        let create = format!(
            "create database {name} template {} strategy file_copy",
            self.template
        );
        execute(&mut admin, create).await;
        (admin, name)
    }

    async fn admin(&self) -> PgConnection {
        PgConnection::connect_with(&self.options("postgres"))
            .await
            .expect("the private Postgres answers")
    }

    /// Must be called within a runtime.
    fn pool(&self, database: &str) -> PgPool {
        PgPoolOptions::new()
            .max_connections(CONNECTIONS_PER_TEST)
            .connect_lazy_with(self.options(database))
    }

    fn options(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::from_str(self.url(database).as_str()).expect("a URL that we made")
    }

    fn url(&self, database: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(database);
        url
    }
}

/// The only place where tests learn how a database gets its tables.
async fn migrate_template(url: Url) {
    let store = Store::connect(&Secret::new(url), 16, 2)
        .await
        .expect("the template answers");
    store.migrate().await.expect("the migrations run");
    store.close().await;
}

/// Differs when any migration differs. Only names a database, so any hash will do.
fn migrations_hash() -> u64 {
    let mut hash = DefaultHasher::new();
    for migration in MIGRATIONS.iter() {
        (migration.version, &migration.checksum).hash(&mut hash);
    }
    hash.finish()
}

async fn execute(connection: &mut PgConnection, statement: String) {
    let shown = statement.clone();
    connection
        .execute(AssertSqlSafe(statement))
        .await
        .unwrap_or_else(|error| panic!("{shown}: {error}"));
}

/// The caller holds the start lock. The flag says whether Postgres was started just now.
fn join_or_start(folder: &Path, runtime: &tokio::runtime::Runtime) -> (Url, bool) {
    let data = folder.join("data");
    let deadline = Instant::now() + START_LIMIT;
    let mut started = false;
    loop {
        // Who holds the data folder's lock is a keeper. A Postgres without one is about to end.
        if let Ok(lock) = Lock::take(&data) {
            drop(lock);
            start_keeper(folder);
            started = true;
        }
        if let Ok(postgres) = runtime.block_on(PrivatePostgres::attach(&data)) {
            let url = Url::parse(postgres.url().reveal()).expect("the supervisor's URL is one");
            return (url, started);
        }
        assert!(
            Instant::now() < deadline,
            "the run's Postgres, in {}, is not ready",
            data.display()
        );
        sleep(Duration::from_millis(10));
    }
}

/// Starts the keeper and waits until its Postgres is ready.
#[expect(
    clippy::zombie_processes,
    reason = "the keeper outlives the process that starts it"
)]
fn start_keeper(folder: &Path) {
    let log = folder.join("keeper.log");
    let output = File::create(&log).expect("the keeper's log");
    let mut keeper = Command::new(std::env::current_exe().expect("this test binary"))
        .args(["--exact", "database::keeper", "--nocapture"])
        .env(KEEPER_VARIABLE, folder)
        // Not ours: a runner waits for everybody who holds its pipes.
        .stdin(Stdio::null())
        .stdout(output.try_clone().expect("a second handle"))
        .stderr(output)
        // A runner that ends our group at a time-out must not end everybody's Postgres.
        .process_group(0)
        .spawn()
        .expect("the keeper starts");
    let deadline = Instant::now() + START_LIMIT;
    let ready = keeper.id().to_string();
    while !fs::read_to_string(folder.join("keeper.ready")).is_ok_and(|pid| pid == ready) {
        let ended = keeper.try_wait().expect("our own child");
        if ended.is_some() || Instant::now() > deadline {
            let said = fs::read_to_string(&log).unwrap_or_default();
            panic!("the run's Postgres does not start ({ended:?}):\n{said}");
        }
        sleep(Duration::from_millis(5));
    }
}

/// Not a test: the process that supervises the run's Postgres. Does nothing when run as a test.
#[test]
fn keeper() {
    let Some(folder) = std::env::var_os(KEEPER_VARIABLE).map(PathBuf::from) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(keep(&folder));
}

async fn keep(folder: &Path) {
    let options = Options {
        data_dir: folder.join("data"),
        postgres_bin: None,
        guard: env!("CARGO_BIN_EXE_bunsen").into(),
        fast_and_unsafe: true,
        max_connections: MAX_CONNECTIONS,
    };
    let postgres = match PrivatePostgres::start(options.clone()).await {
        Ok(postgres) => postgres,
        // Without syncing, a crash of the machine ruins a cluster, and the system's Postgres may
        // have become another version. Nothing in it is worth keeping.
        Err(error) if options.data_dir.join("pg").exists() && !error.is_in_use() => {
            eprintln!("making the cluster anew, because: {error}");
            fs::remove_dir_all(options.data_dir.join("pg")).expect("the old cluster can go");
            PrivatePostgres::start(options)
                .await
                .unwrap_or_else(|error| panic!("{error}"))
        }
        Err(error) => panic!("{error}"),
    };
    fs::write(folder.join("keeper.ready"), std::process::id().to_string()).expect("a file");
    let users = open(&folder.join("users.lock"));
    let mut last_used = Instant::now();
    loop {
        tokio::select! {
            () = postgres.exited() => return,
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
        if users.try_lock().is_err() {
            last_used = Instant::now();
        } else if last_used.elapsed() < KEEPER_WAITS {
            users.unlock().expect("our own lock");
        } else {
            // Newcomers wait for the lock, and find the data folder free when they get it.
            postgres
                .stop()
                .await
                .unwrap_or_else(|error| panic!("{error}"));
            return;
        }
    }
}

/// In the target's folder. The Postgres user must be able to reach it, so root, whose checkout may
/// be under a closed home, falls back to a folder that is as constant.
fn folder() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let user = rustix::process::geteuid();
    let name = format!("postgres-{}", user.as_raw());
    let open_to_all = |folder: &Path| {
        fs::metadata(folder).is_ok_and(|found| found.permissions().mode() & 0o001 != 0)
    };
    let folder = if user.is_root() && !target.ancestors().all(open_to_all) {
        let mut hash = DefaultHasher::new();
        target.hash(&mut hash);
        PathBuf::from(format!(
            "/var/tmp/bunsen-test-{:016x}-{name}",
            hash.finish()
        ))
    } else {
        target.join(name)
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o711)
        .create(folder.join("data"))
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    folder
}

fn open(lock: &Path) -> File {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(lock)
        .unwrap_or_else(|error| panic!("{}: {error}", lock.display()))
}

#[database_test]
async fn a_test_has_migrated_tables_and_may_write(database: TestDatabase) {
    let rows: i64 = sqlx::query_scalar("select count(*) from organizations")
        .fetch_one(&database.pool)
        .await
        .expect("a table of the schema");
    assert_eq!(rows, 0);
    // A server under test gets there by the URL.
    let mut connection = PgConnection::connect(&database.url)
        .await
        .expect("an answer");
    sqlx::query("create table mine (n int)")
        .execute(&mut connection)
        .await
        .expect("a new table");
    sqlx::query("select n from mine")
        .fetch_all(&database.pool)
        .await
        .expect("the same database");
}

#[test]
fn tests_do_not_share_a_database_and_a_panic_drops_it_too() {
    let name = async |database: &TestDatabase| -> String {
        let name = sqlx::query_scalar("select current_database()::text");
        name.fetch_one(&database.pool).await.expect("its name")
    };
    let mut names = Vec::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        run(async |database| {
            names.push(name(&database).await);
            sqlx::query("create table leftover (n int)")
                .execute(&database.pool)
                .await
                .expect("new");
            // Still open when the test ends.
            let _open = database.pool.begin().await.expect("a transaction");
            std::panic::resume_unwind(Box::new("as a failed assertion does"));
        })
    }));
    assert!(panicked.is_err(), "the panic must reach the test runner");
    run(async |database| {
        names.push(name(&database).await);
        assert_ne!(names[0], names[1]);
        let left: i64 = sqlx::query_scalar("select count(*) from pg_database where datname = $1")
            .bind(&names[0])
            .fetch_one(&database.pool)
            .await
            .expect("a count");
        assert_eq!(left, 0, "the database of the test that panicked is dropped");
    });
}
