//! Backups of other versions.

use bunsen::keyring::Keyring;
use bunsen_test_macros::database_test;
use sqlx::migrate::Migrator;

use super::{Empty, rows, with_instances};
use crate::database::TestDatabase;
use crate::operators::Site;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// The database as an older version left it: the first migrations and one organization.
async fn made_by_an_older_version(site: &Site, newest: i64) {
    for statement in ["drop schema public cascade", "create schema public"] {
        site.execute(statement).await;
    }
    let old = MIGRATIONS
        .iter()
        .filter(|migration| migration.version <= newest);
    let mut migrator = Migrator::with_migrations(old.cloned().collect());
    migrator.set_locking(false);
    migrator.run(&site.database.pool).await.expect("migrated");
    site.execute("insert into server_stamp (mode) values ('production')")
        .await;
    site.execute(
        "insert into organizations (id, row_id, name, secret_sealed)
         values (41, gen_random_uuid(), 'Old one', '\\x01')",
    )
    .await;
    let keyring = Keyring::read(site.keyring.as_ref()).expect("a keyring");
    for check in keyring.checks() {
        sqlx::query("insert into key_checks (key_id, use, check_value) values ($1, $2, $3)")
            .bind(check.key_id)
            .bind(check.use_.as_str())
            .bind(check.check_value)
            .execute(&site.database.pool)
            .await
            .expect("a key");
    }
}

#[database_test]
async fn an_older_backup_is_brought_to_this_version(database: TestDatabase) {
    let site = Site::new(database).await;
    made_by_an_older_version(&site, 3).await;
    let file = site.folder.text("old.backup");
    site.json(&["backup", &file]).await;
    assert_eq!(
        site.count("select count(*) from _sqlx_migrations").await,
        2,
        "a backup changes nothing"
    );
    let empty = Empty::new(&site.database).await;
    empty.restored(&site, &file).await;
    assert_eq!(
        empty.count("select count(*) from _sqlx_migrations").await,
        MIGRATIONS.iter().count() as i64
    );
    assert_eq!(empty.count("select id from organizations").await, 41);
    let retired = "select count(*) from key_checks where retired_at is null";
    assert_eq!(empty.count(retired).await, 2);
    empty.drop().await;
}

#[database_test]
async fn a_newer_backup_is_refused(database: TestDatabase) {
    let site = Site::new(database).await;
    with_instances(&site, 1).await.0.stop().await;
    let file = site.folder.text("new.backup");
    let empty = Empty::new(&site.database).await;
    for (change, words) in [
        (
            "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
             values (9999, 'later', true, '\\x00', 0)",
            "newer Bunsen",
        ),
        ("delete from _sqlx_migrations where version = 9999", ""),
        (
            "update _sqlx_migrations set checksum = '\\x00' where version = 1",
            "another one than here",
        ),
    ] {
        site.execute(change).await;
        if words.is_empty() {
            continue;
        }
        site.json(&["backup", &file]).await;
        let text = empty.refused(&site, &file).await;
        assert!(text.contains(words), "{text}");
    }
    empty.drop().await;
}

/// Something that is not ours in the same schema stays out and disturbs nobody.
#[database_test]
async fn a_table_of_somebody_else_is_left_out(database: TestDatabase) {
    let site = Site::new(database).await;
    with_instances(&site, 1).await.0.stop().await;
    site.execute("create table \"odd \"\"name\" (id int generated always as identity, double int generated always as (1) stored)")
        .await;
    site.execute("insert into \"odd \"\"name\" default values")
        .await;
    let file = site.folder.text("all.backup");
    site.json(&["backup", &file]).await;
    let empty = Empty::new(&site.database).await;
    let restored = empty.restored(&site, &file).await;
    assert_eq!(restored["leftOut"][0], "odd \"name");
    site.execute("drop table \"odd \"\"name\"").await;
    assert_eq!(rows(&empty.pool).await, rows(&site.database.pool).await);
    empty.drop().await;
}
