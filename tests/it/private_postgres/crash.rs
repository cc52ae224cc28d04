//! What SIGKILL leaves. The promise: no write that was acknowledged is lost, the next start needs
//! no help, and no Postgres outlives the process that supervises it.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use bunsen::private_postgres::{Options, PrivatePostgres};
use sqlx::Connection;
use tokio::task::JoinSet;

use super::{connect, kill, open_folder, options, start, stop, until};

const SUPERVISE_VARIABLE: &str = "BUNSEN_TEST_SUPERVISE";
const WRITERS: i64 = 6;
/// Acknowledged writes before the kill.
const WRITES: u64 = 600;

/// Not a test: a process that supervises a Postgres until it is killed. Nothing as a test.
#[test]
fn supervisor() {
    let Some(data) = std::env::var_os(SUPERVISE_VARIABLE).map(PathBuf::from) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let postgres = start(durable(&data)).await;
        postgres.exited().await;
    });
}

/// As a server would start it.
fn durable(data: &Path) -> Options {
    Options {
        fast_and_unsafe: false,
        ..options(data)
    }
}

/// The supervisor in a process of its own, once its Postgres is ready.
async fn supervised(data: &Path) -> (Child, PrivatePostgres) {
    let child = Command::new(std::env::current_exe().expect("this test binary"))
        .args([
            "--exact",
            "private_postgres::crash::supervisor",
            "--nocapture",
        ])
        .env(SUPERVISE_VARIABLE, data)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("the supervisor starts");
    until("the supervised Postgres is ready", || {
        fs::read_to_string(data.join("pg/postmaster.pid")).is_ok_and(|text| {
            text.lines()
                .nth(7)
                .is_some_and(|line| line.trim() == "ready")
        })
    })
    .await;
    (
        child,
        PrivatePostgres::attach(data)
            .await
            .expect("a ready Postgres"),
    )
}

/// Writers that insert until they are cut off, each row in a transaction; the highest number that
/// was acknowledged to each.
struct Writers(JoinSet<(i64, i64)>);

impl Writers {
    /// Returns after enough rows were acknowledged.
    async fn start(postgres: &PrivatePostgres) -> Self {
        let mut connection = connect(postgres).await;
        sqlx::query(
            "create table written (writer bigint, number bigint, primary key (writer, number))",
        )
        .execute(&mut connection)
        .await
        .expect("a table");
        let (acknowledge, mut acknowledged) = tokio::sync::mpsc::unbounded_channel();
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            // Before the first row: the kill may come as soon as the others have written enough.
            let mut connection = connect(postgres).await;
            let acknowledge = acknowledge.clone();
            writers.spawn(async move {
                let mut last = -1;
                while sqlx::query("insert into written values ($1, $2)")
                    .bind(writer)
                    .bind(last + 1)
                    .execute(&mut connection)
                    .await
                    .is_ok()
                {
                    last += 1;
                    // Nobody listens after the first few hundred.
                    let _ = acknowledge.send(());
                }
                (writer, last)
            });
        }
        for _ in 0..WRITES {
            acknowledged.recv().await.expect("writers write");
        }
        Self(writers)
    }

    /// Every acknowledged row is there; of the others at most the one in flight per writer.
    async fn check(self, postgres: &PrivatePostgres) {
        let mut connection = connect(postgres).await;
        let mut all = 0;
        for (writer, last) in self.0.join_all().await {
            let (rows, highest): (i64, Option<i64>) =
                sqlx::query_as("select count(*), max(number) from written where writer = $1")
                    .bind(writer)
                    .fetch_one(&mut connection)
                    .await
                    .expect("a count");
            let highest = highest.unwrap_or(-1);
            assert!(
                highest >= last,
                "writer {writer}: {last} acknowledged, {highest} found"
            );
            assert!(
                highest <= last + 1,
                "writer {writer}: {last} acknowledged, {highest} found"
            );
            assert_eq!(
                rows,
                highest + 1,
                "writer {writer}: none missing in between"
            );
            all += last + 1;
        }
        eprintln!("{all} acknowledged, 0 lost");
        // Reading back through the index and the checksums finds torn pages.
        sqlx::query("insert into written select 100, n from generate_series(1, 1000) n")
            .execute(&mut connection)
            .await
            .expect("it can be written to");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_killed_under_writers() {
    let folder = open_folder();
    let data = folder.path().join("data");
    let postgres = start(durable(&data)).await;
    let writers = Writers::start(&postgres).await;
    kill(postgres.pid());
    // Resolves by itself, and the next start comes while processes of the old one still end.
    tokio::time::timeout(super::SOON, postgres.exited())
        .await
        .expect("the end is noticed");
    drop(postgres);
    let begun = Instant::now();
    let postgres = start(durable(&data)).await;
    eprintln!("start after a kill of Postgres: {:?}", begun.elapsed());
    assert!(!postgres.created());
    writers.check(&postgres).await;
    stop(postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_supervising_process_is_killed_under_writers() {
    let folder = open_folder();
    let data = folder.path().join("data");
    let (mut supervisor, beside) = supervised(&data).await;
    let writers = Writers::start(&beside).await;
    kill(supervisor.id().cast_signed());
    supervisor.wait().expect("our own child");
    // At once, while the old one may not even know yet that it has to end.
    let begun = Instant::now();
    let postgres = start(durable(&data)).await;
    eprintln!(
        "start after a kill of the supervisor: {:?}",
        begun.elapsed()
    );
    if cfg!(target_os = "linux") {
        assert_ne!(postgres.pid(), beside.pid(), "the old one has ended");
    }
    writers.check(&postgres).await;
    stop(postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_killed_under_writers() {
    let folder = open_folder();
    let data = folder.path().join("data");
    let (mut supervisor, beside) = supervised(&data).await;
    let writers = Writers::start(&beside).await;
    kill(supervisor.id().cast_signed());
    kill(beside.pid());
    supervisor.wait().expect("our own child");
    let begun = Instant::now();
    let postgres = start(durable(&data)).await;
    eprintln!("start after a kill of both: {:?}", begun.elapsed());
    writers.check(&postgres).await;
    stop(postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_of_a_killed_postgres_that_still_works_is_waited_for() {
    let folder = open_folder();
    let data = folder.path().join("data");
    let postgres = start(options(&data)).await;
    let mut connection = connect(&postgres).await;
    let busy: i32 = sqlx::query_scalar("select pg_backend_pid()")
        .fetch_one(&mut connection)
        .await
        .expect("its process");
    // Never looks whether its postmaster lives.
    let loops = tokio::spawn(async move {
        let forever = sqlx::raw_sql("do $$ begin loop end loop; end $$");
        forever
            .execute(&mut connection)
            .await
            .expect_err("it is killed");
    });
    let mut beside = connect(&postgres).await;
    loop {
        let works: bool = sqlx::query_scalar(
            "select state = 'active' and query like 'do %' from pg_stat_activity where pid = $1",
        )
        .bind(busy)
        .fetch_one(&mut beside)
        .await
        .expect("its state");
        if works {
            break;
        }
    }
    kill(postgres.pid());
    postgres.exited().await;
    drop(postgres);
    let waiting = tokio::spawn(PrivatePostgres::start(options(&data)));
    // Two Postgres on the same files would destroy them.
    until("Postgres sees that the files are in use", || {
        fs::read_to_string(data.join("pg.log")).is_ok_and(|log| log.contains("is still in use"))
    })
    .await;
    assert!(!waiting.is_finished());
    kill(busy);
    loops.await.expect("the connection is cut");
    let postgres = waiting.await.expect("no panic");
    stop(postgres.unwrap_or_else(|error| panic!("{error}"))).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn postgres_ends_when_its_supervisor_is_killed() {
    let folder = open_folder();
    let data = folder.path().join("data");
    let (mut supervisor, _beside) = supervised(&data).await;
    kill(supervisor.id().cast_signed());
    supervisor.wait().expect("our own child");
    // A clean end removes the file; nobody else does here.
    until("Postgres has shut down", || {
        !data.join("pg/postmaster.pid").exists()
    })
    .await;
    let log = fs::read_to_string(data.join("pg.log")).expect("the log");
    assert!(log.contains("received fast shutdown request"), "{log}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_process_number_that_another_process_has_now_is_no_obstacle() {
    let folder = open_folder();
    let data = folder.path().join("data");
    let postgres = start(options(&data)).await;
    kill(postgres.pid());
    postgres.exited().await;
    drop(postgres);
    // As after a restart of the machine: the number belongs to a process of the Postgres user.
    let path = data.join("pg/postmaster.pid");
    let text = fs::read_to_string(&path).expect("left by the kill");
    let (_, rest) = text.split_once('\n').expect("more lines");
    let owner =
        std::os::unix::fs::MetadataExt::uid(&fs::metadata(data.join("pg")).expect("exists"));
    let mut other = Command::new("sleep");
    other.arg("60").current_dir("/");
    if super::is_root() {
        other.uid(owner);
    }
    let mut other = other.spawn().expect("a process");
    fs::write(&path, format!("{}\n{rest}", other.id())).expect("written");
    let postgres = start(options(&data)).await;
    connect(&postgres).await.ping().await.expect("it answers");
    stop(postgres).await;
    assert!(
        other.try_wait().expect("our own child").is_none(),
        "it was not signalled"
    );
    other.kill().expect("our own child");
    other.wait().expect("our own child");
}
