//! Backups made beside servers, and brought back into other databases.

mod damage;
mod older;
mod walk;

use bunsen::store::LEFT_BEHIND;
use bunsen_test_macros::database_test;
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};
use url::Url;

use super::Site;
use super::load::Load;
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::process::{Server, mode, run, serve, written};
use crate::vendors::{example, example_named};

/// An empty database beside the test's own; gone when [`Empty::drop`] is called.
struct Empty {
    url: String,
    name: String,
    pool: PgPool,
    admin: PgConnection,
}

impl Empty {
    async fn new(beside: &TestDatabase) -> Self {
        let mut url: Url = beside.url.parse().expect("a URL");
        let name = format!("{}_empty", url.path().trim_start_matches('/'));
        url.set_path("postgres");
        let mut admin = PgConnection::connect(url.as_str())
            .await
            .expect("connected");
        let create = format!("create database {name} template template0 strategy file_copy");
        sqlx::raw_sql(AssertSqlSafe(create))
            .execute(&mut admin)
            .await
            .expect("created");
        url.set_path(&name);
        let pool = PgPoolOptions::new()
            .max_connections(2)
            .connect_lazy(url.as_str())
            .expect("a URL");
        Self {
            url: url.into(),
            name,
            pool,
            admin,
        }
    }

    async fn drop(mut self) {
        self.pool.close().await;
        let drop = format!("drop database {} with (force)", self.name);
        sqlx::raw_sql(AssertSqlSafe(drop))
            .execute(&mut self.admin)
            .await
            .expect("dropped");
    }

    async fn count(&self, query: &'static str) -> i64 {
        let count = sqlx::query_scalar(query).fetch_one(&self.pool).await;
        count.expect("a count")
    }

    /// Tables of any kind: none after a restore that did not come to its end.
    async fn tables(&self) -> i64 {
        self.count("select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public'")
            .await
    }

    async fn restore(&self, site: &Site, file: &str) -> std::process::Output {
        let arguments = [
            "restore",
            file,
            "--database-url",
            &self.url,
            "--keyring",
            &site.keyring,
            "--json",
        ];
        run(&arguments).await
    }

    async fn restored(&self, site: &Site, file: &str) -> Value {
        let output = self.restore(site, file).await;
        assert!(output.status.success(), "{}", written(&output));
        serde_json::from_slice(&output.stdout).expect("JSON on stdout")
    }

    /// Why it is refused; nothing is there afterwards.
    async fn refused(&self, site: &Site, file: &str) -> String {
        let output = self.restore(site, file).await;
        let text = written(&output);
        assert!(!output.status.success(), "{text}");
        assert!(!text.contains("panicked"), "{text}");
        assert_eq!(self.tables().await, 0, "something was written: {text}");
        text
    }

    async fn serve(&self, site: &Site, name: &str) -> Server {
        let arguments = [
            "--sandbox",
            &site.vendors.url,
            "--database-url",
            &self.url,
            "--keyring",
            &site.keyring,
        ];
        serve(&site.folder.path(name), &arguments).await
    }
}

async fn with_instances(site: &Site, count: usize) -> (Server, String, Vec<Value>) {
    let server = site.serve("one").await;
    let authorization = server.authorization();
    let mut made = Vec::new();
    for number in 0..count {
        // Names that every text form has to escape.
        let name = format!("tab\tback\\slash \u{2028} \\N {number}");
        made.push(server.create(&authorization, &example_named(&name)).await);
    }
    (server, authorization, made)
}

/// Rows of every table, as text, to compare databases; times of servers left out.
pub(super) async fn rows(pool: &PgPool) -> Vec<(String, String)> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition order by 1",
    )
    .fetch_all(pool)
    .await
    .expect("tables");
    let mut all = Vec::new();
    for table in tables {
        if LEFT_BEHIND.contains(&table.as_str()) || table == "key_epoch" {
            continue;
        }
        let rows = format!(
            "select coalesce(string_agg(t::text, E'\\n' order by t::text), '') from {table} t"
        );
        let rows: String = sqlx::query_scalar(AssertSqlSafe(rows))
            .fetch_one(pool)
            .await
            .expect("rows");
        all.push((table, rows));
    }
    all
}

#[database_test]
async fn a_restored_database_is_the_one_that_was_backed_up(database: TestDatabase) {
    let site = Site::new(database).await;
    let (server, authorization, made) = with_instances(&site, 3).await;
    let keyed = server.request("POST", "/instances", &authorization);
    let keyed = keyed.header("idempotency-key", "one").json(&example());
    Answer::of(keyed).await.success();
    let grant = [
        "grant",
        "add",
        "--organization",
        "1",
        "--element",
        &crate::vendors::element_key(),
        "crm.internal:8443",
    ];
    let granted = run(&site.arguments(&grant)).await;
    assert!(granted.status.success(), "{}", written(&granted));
    site.execute(
        "insert into idempotency_keys (org_id, user_id, route, key_hmac, body_hmac, pepper_id, state,
                                       holder, lease_until, expires_at)
         select org_id, user_id, 'other', key_hmac, body_hmac, pepper_id, 'running', holder,
                now() + interval '1 day', expires_at
         from idempotency_keys",
    )
    .await;
    // Its outcome is unknown, and stays so.
    site.execute(
        "insert into keyed_calls (org_id, id, user_id, instance_id, route, key_hmac, body_hmac,
                                  pepper_id, state, lease_until, expires_at)
         select org_id, gen_random_uuid(), user_id, id, 'POST /contacts', '\\x01', '\\x02', 'of then',
                'sending', now(), now() + interval '1 day'
         from instances",
    )
    .await;
    site.json(&["keys", "rotate", "organization"]).await;

    let file = site.folder.text("all.backup");
    let backup = site.json(&["backup", &file]).await;
    assert_eq!(mode(file.as_ref()), 0o600);
    assert_eq!(backup["mode"], "sandbox");
    assert!(!site.folder.path("all.backup.new").exists());
    server.stop().await;
    site.execute("delete from idempotency_keys where state = 'running'")
        .await;

    let empty = Empty::new(&site.database).await;
    let restored = empty.restored(&site, &file).await;
    assert_eq!(restored["leftOut"], json!([]));
    let instances = json!({"table": "instances", "rows": 4});
    let tables = restored["tables"].as_array().expect("tables");
    assert!(tables.contains(&instances), "{restored}");
    assert_eq!(rows(&empty.pool).await, rows(&site.database.pool).await);
    for nobodys in [
        "select count(*) from key_holders",
        "select count(*) from leases",
        "select count(*) from idempotency_keys where state = 'running'",
    ] {
        assert_eq!(empty.count(nobodys).await, 0, "{nobodys}");
    }
    assert!(empty.count("select epoch from key_epoch").await > 1_600_000_000);

    let server = empty.serve(&site, "two").await;
    for instance in &made {
        let path = format!("/instances/{}", instance["id"]);
        let read = Answer::of(server.request("GET", &path, &authorization)).await;
        assert_eq!(read.success(), *instance);
        // The token finds its instance, which asks for more than a hub has today.
        let token = instance["token"].as_str().expect("a token");
        let user = authorization.split(',').next().expect("a user");
        let by_token = server.request(
            "GET",
            "/instances/configuration",
            &format!("{user}, Element {token}"),
        );
        Answer::of(by_token).await.success();
    }
    let next = server.create(&authorization, &example()).await;
    assert!(next["id"].as_i64() > made[2]["id"].as_i64());
    server.stop().await;

    let again = empty.restore(&site, &file).await;
    let text = written(&again);
    assert!(!again.status.success(), "{text}");
    assert!(
        text.contains("empty database") && text.contains("organizations (1 row)"),
        "{text}"
    );
    empty.drop().await;
}

/// A backup holds what was true at one moment, whatever happens meanwhile.
#[database_test]
async fn a_backup_beside_writers_is_consistent(database: TestDatabase) {
    let site = Site::new(database).await;
    let one = site.serve("one").await;
    let two = site.serve("two").await;
    let authorization = one.authorization();
    let load = Load::start([&one.url, &two.url], &authorization);
    load.goes_on(20).await;
    let folder = site.folder.path("backups");
    std::fs::create_dir(&folder).expect("a folder");
    let mut files = Vec::new();
    for _ in 0..3 {
        let made = site.json(&["backup", folder.to_str().expect("text")]).await;
        files.push(made["file"].as_str().expect("a path").to_owned());
        load.goes_on(10).await;
    }
    load.end().await;
    one.stop().await;
    two.stop().await;
    for file in files {
        let empty = Empty::new(&site.database).await;
        empty.restored(&site, &file).await;
        assert!(empty.count("select count(*) from instances").await > 0);
        for lonely in [
            "select count(*) from instances i where not exists (select 1 from secret_index s where s.kind = 'instance' and s.object_id = i.id and s.org_id = i.org_id)",
            "select count(*) from instances i where not exists (select 1 from instance_directory d where d.id = i.id and d.org_id = i.org_id)",
            "select count(*) from secret_index s where s.kind = 'instance' and not exists (select 1 from instances i where i.id = s.object_id)",
            "select count(*) from instance_directory d where not exists (select 1 from instances i where i.id = d.id)",
        ] {
            assert_eq!(empty.count(lonely).await, 0, "{lonely}");
        }
        empty.drop().await;
    }
}

/// A partitioned table stays behind: the bounds of its partitions are not in a backup.
#[database_test]
async fn every_table_is_carried_or_left_behind_on_purpose(database: TestDatabase) {
    let site = Site::new(database).await;
    site.serve("one").await.stop().await;
    let made = site
        .json(&["backup", &site.folder.text("all.backup")])
        .await;
    let carried: Vec<&str> = made["tables"]
        .as_array()
        .expect("tables")
        .iter()
        .map(|counted| counted["table"].as_str().expect("a name"))
        .collect();
    let tables: Vec<String> = sqlx::query_scalar(
        "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = 'public' and c.relkind in ('r', 'p', 'v', 'm', 'f')
           and not c.relispartition
         order by 1",
    )
    .fetch_all(&site.database.pool)
    .await
    .expect("tables");
    assert!(carried.len() > 8, "{carried:?}");
    for table in &tables {
        let left = LEFT_BEHIND.contains(&table.as_str());
        assert_ne!(carried.contains(&table.as_str()), left, "{table}");
    }
    let partitioned: Vec<String> = sqlx::query_scalar(
        "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = 'public' and c.relkind = 'p'",
    )
    .fetch_all(&site.database.pool)
    .await
    .expect("tables");
    assert!(!partitioned.is_empty());
    for table in &partitioned {
        assert!(LEFT_BEHIND.contains(&table.as_str()), "{table}");
    }
}
