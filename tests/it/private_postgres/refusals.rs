//! Starts that are refused, each with the name of what is wrong and the fix.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use bunsen::private_postgres::{Options, PrivatePostgres};

use super::{connect, is_root, open_folder, options, start, stop};

async fn refusal(options: Options) -> String {
    PrivatePostgres::start(options)
        .await
        .expect_err("this start is refused")
        .to_string()
}

#[tokio::test]
async fn a_second_server_on_the_same_folder() {
    let folder = open_folder();
    let data = folder.path().join("data");
    let postgres = start(options(&data)).await;
    // Another way to say the same folder.
    let link = folder.path().join("link");
    symlink(&data, &link).expect("a link");
    for data in [&data, &link] {
        let refused = refusal(options(data)).await;
        let holder = format!("process {}", std::process::id());
        assert!(
            refused.contains("in use by another bunsen") && refused.contains(&holder),
            "{refused}"
        );
    }
    connect(&postgres).await;
    stop(postgres).await;
    stop(start(options(&data)).await).await;
}

#[tokio::test]
async fn a_folder_above_that_the_postgres_user_may_not_pass() {
    if !is_root() {
        eprintln!("skipped: only root runs Postgres as another user");
        return;
    }
    let folder = open_folder();
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).expect("new");
    fs::set_permissions(&closed, Permissions::from_mode(0o700)).expect("our own");
    let data = closed.join("open/data");
    let refused = refusal(options(&data)).await;
    let fix = format!("`chmod o+x {}`", closed.display());
    assert!(refused.contains(&fix), "{refused}");
    assert!(
        !data.join("pg").exists() && !data.join("pg.new").exists(),
        "nothing was made"
    );
    // What the text says does help.
    fs::set_permissions(&closed, Permissions::from_mode(0o701)).expect("our own");
    stop(start(options(&data)).await).await;
}

#[tokio::test]
async fn a_cluster_of_another_version() {
    let folder = open_folder();
    let data = folder.path().join("data");
    fs::create_dir_all(data.join("pg")).expect("new");
    fs::write(data.join("pg/PG_VERSION"), "9\n").expect("written");
    let refused = refusal(options(&data)).await;
    for part in [
        "made by Postgres 9",
        "postgresql-9",
        "--postgres-bin",
        "bunsen backup",
        "bunsen restore",
    ] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    assert_eq!(
        fs::read_dir(data.join("pg")).expect("still there").count(),
        1,
        "nothing is touched"
    );
}

#[tokio::test]
async fn a_folder_without_programs() {
    let folder = open_folder();
    let postgres_bin = Some(folder.path().to_owned());
    let refused = refusal(Options {
        postgres_bin,
        ..options(&folder.path().join("data"))
    })
    .await;
    for part in [
        "Postgres 15 or later",
        "apt-get install postgresql",
        "--postgres-bin",
        "--database-url",
    ] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
}

#[tokio::test]
async fn a_cluster_folder_that_holds_something_else() {
    let folder = open_folder();
    let data = folder.path().join("data");
    fs::create_dir_all(data.join("pg")).expect("new");
    fs::write(data.join("pg/holiday.jpg"), "").expect("written");
    let refused = refusal(options(&data)).await;
    assert!(
        refused.contains("not a Postgres database: move it away"),
        "{refused}"
    );
    assert!(data.join("pg/holiday.jpg").exists());
}

#[tokio::test]
async fn a_cluster_without_its_password() {
    let folder = open_folder();
    let data = folder.path().join("data");
    stop(start(options(&data)).await).await;
    let away = data.join("pg.password.away");
    fs::rename(data.join("pg.password"), &away).expect("renamed");
    let refused = refusal(options(&data)).await;
    assert!(refused.contains("pg.password is missing"), "{refused}");
    assert!(
        !data.join("pg.password").exists(),
        "a new one would not open the database"
    );
    fs::rename(&away, data.join("pg.password")).expect("renamed");
    stop(start(options(&data)).await).await;
}

#[tokio::test]
async fn a_postgres_that_does_not_start_is_quoted() {
    let folder = open_folder();
    let data = folder.path().join("data");
    stop(start(options(&data)).await).await;
    let settings = data.join("pg/postgresql.auto.conf");
    fs::write(&settings, "shared_buffers = 'a lot'\n").expect("written");
    let refused = refusal(options(&data)).await;
    assert!(
        refused.contains("pg.log") && refused.contains("a lot"),
        "{refused}"
    );
    assert!(
        !refused.contains("shut down"),
        "only what this start has logged: {refused}"
    );
    // The folder is free again.
    fs::write(&settings, "").expect("written");
    stop(start(options(&data)).await).await;
}

#[tokio::test]
async fn a_guard_that_is_not_there() {
    let folder = open_folder();
    let guard = folder.path().join("no-such-program");
    let refused = refusal(Options {
        guard,
        ..options(&folder.path().join("data"))
    })
    .await;
    assert!(refused.contains("no-such-program"), "{refused}");
}
