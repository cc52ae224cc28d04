//! Calls with a key at several servers, servers that are killed at every step of one, and keys that are
//! rotated while answers are kept.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tempfile::TempDir;

use crate::answer::{Answer, message};
use crate::database::TestDatabase;
use crate::hub::vendor::Vendor;
use crate::hub::{body, definition};
use crate::process::{Folder, Server, new_keyring, run, serve, written};
use crate::vendors::until;

struct Place {
    database: TestDatabase,
    vendor: Vendor,
    folder: Folder,
    keyring: String,
    definitions: TempDir,
}

impl Place {
    async fn new(database: TestDatabase) -> Self {
        let definitions = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(definitions.path().join("depot")).expect("a folder");
        let file = definitions.path().join("depot/element.json");
        std::fs::write(file, definition().to_string()).expect("a file");
        let vendor = Vendor::start().await;
        vendor.will("GET /base/me", 200, &json!({"id": 1}));
        let folder = Folder::new();
        let keyring = folder.text("keyring.json");
        new_keyring(&keyring).await;
        Self {
            database,
            vendor,
            folder,
            keyring,
            definitions,
        }
    }

    async fn serve(&self, name: &str) -> Server {
        let arguments = [
            "--sandbox",
            &self.vendor.url,
            "--elements",
            self.definitions.path().to_str().expect("text"),
            "--database-url",
            &self.database.url,
            "--keyring",
            &self.keyring,
        ];
        serve(&self.folder.path(name), &arguments).await
    }

    /// An instance; what names it.
    async fn header(&self, server: &Server) -> String {
        let user = server.authorization();
        let create = server.request("POST", "/instances", &user);
        let instance = Answer::of(create.json(&body("ours"))).await.success();
        self.vendor.seen();
        let token = instance["token"].as_str().expect("a token");
        format!("{user}, Element {token}")
    }

    async fn states(&self) -> Vec<String> {
        sqlx::query_scalar("select state from keyed_calls order by created_at")
            .fetch_all(&self.database.pool)
            .await
            .expect("states")
    }

    /// As if nobody had been heard of for long.
    async fn expire(&self) {
        sqlx::query("update keyed_calls set lease_until = now() - interval '1 minute'")
            .execute(&self.database.pool)
            .await
            .expect("an update");
    }

    async fn connection(&self) -> PgConnection {
        connection(&self.database.url).await
    }

    async fn lock(&self, table: &str) -> PgConnection {
        lock(&self.database.url, table).await
    }

    async fn wait_until_held(&self, statement: &str) {
        until(&format!("{statement:?} stands before a lock"), async || {
            let held: bool = sqlx::query_scalar(
                "select exists (select 1 from pg_stat_activity
                                where datname = current_database() and wait_event_type = 'Lock'
                                    and query like $1)",
            )
            .bind(statement)
            .fetch_one(&self.database.pool)
            .await
            .expect("an answer");
            held
        })
        .await;
    }

    async fn wait_until_gone(&self) {
        until("the server's connections are closed", async || {
            let open: i64 = sqlx::query_scalar(
                "select count(*) from pg_stat_activity
                 where datname = current_database() and application_name = 'bunsen'",
            )
            .fetch_one(&self.database.pool)
            .await
            .expect("a count");
            open == 0
        })
        .await;
    }
}

async fn connection(url: &str) -> PgConnection {
    let connected = PgConnection::connect(url).await;
    connected.expect("the database answers")
}

async fn lock(url: &str, table: &str) -> PgConnection {
    let mut connection = connection(url).await;
    let statement = format!("begin; lock table {table} in access exclusive mode");
    execute(&mut connection, &statement).await;
    connection
}

async fn execute(connection: &mut PgConnection, statement: &str) {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(connection)
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
}

/// A write that must not be made twice, and one that may.
#[derive(Debug, Clone, Copy)]
struct Write {
    method: &'static str,
    path: &'static str,
    vendor: &'static str,
    twice: bool,
}

const MADE: Write = Write {
    method: "POST",
    path: "/labels-of/7",
    vendor: "POST /base/labels-of/7",
    twice: false,
};
const CHANGED: Write = Write {
    method: "PATCH",
    path: "/boxes/7",
    vendor: "PUT /base/boxes/7",
    twice: true,
};

fn keyed(server: &Server, header: &str, write: Write) -> reqwest::RequestBuilder {
    server
        .request(write.method, write.path, header)
        .header("idempotency-key", "key")
        .json(&json!({"name": "x"}))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    BeforeClaim,
    /// That it is under way is durable; the vendor has not been asked.
    BeforeSending,
    DuringCall,
    /// The vendor has answered, and nobody knows but the server.
    BeforeKept,
    /// Everything is stored, and the caller has not heard of it.
    BeforeReply,
}

use Step::{BeforeClaim, BeforeKept, BeforeReply, BeforeSending, DuringCall};

async fn killed(database: TestDatabase, step: Step, write: Write) {
    let place = Place::new(database).await;
    let server = place.serve("one").await;
    let header = place.header(&server).await;
    server.stop().await;
    // One that remembers nothing yet.
    let server = place.serve("one").await;
    let vendor = &place.vendor;
    let answer = json!({"box": {"id": 7}, "id": 7});
    vendor.will(write.vendor, 200, &answer);
    let gate = vendor.holds(write.vendor);
    let mut lock_held = match step {
        BeforeClaim => Some(place.lock("keyed_calls").await),
        BeforeSending => {
            let mut row = place.connection().await;
            execute(&mut row, "begin; select from instances for update").await;
            Some(row)
        }
        _ => None,
    };
    let sent = tokio::spawn(keyed(&server, &header, write).send());
    match step {
        BeforeClaim => place.wait_until_held("%keyed_calls%").await,
        BeforeSending => {
            // The claim waits for the instance's row, and whoever wants the whole table waits for the
            // claim: by the time that it is there, the table is another's.
            place.wait_until_held("insert into keyed_calls%").await;
            let url = place.database.url.clone();
            let whole = tokio::spawn(async move { lock(&url, "keyed_calls").await });
            place.wait_until_held("%lock table keyed_calls%").await;
            drop(lock_held.take());
            lock_held = Some(whole.await.expect("the lock"));
            // A server that remembers nothing counts what there is, before it says that it sends.
            let counting = "select count(*)%from keyed_calls%";
            place.wait_until_held(counting).await;
        }
        _ => until("the vendor is asked", async || vendor.count() == 1).await,
    }
    match step {
        BeforeKept => {
            lock_held = Some(place.lock("keyed_calls").await);
            gate.add_permits(1);
            place
                .wait_until_held("update keyed_calls set state = 'done'%")
                .await;
        }
        BeforeReply => {
            sent.abort();
            gate.add_permits(1);
            until("it is kept", async || place.states().await == ["done"]).await;
        }
        _ => {}
    }
    if step != BeforeReply {
        assert!(!sent.is_finished(), "{step:?}: the server is held");
    }
    server.kill().await;
    let told = sent.await.is_ok_and(|outcome| outcome.is_ok());
    assert!(!told, "{step:?}: nobody was told anything");
    drop(lock_held);
    place.wait_until_gone().await;
    let states = place.states().await;
    let asked = vendor.seen().len();
    let expected: (&[&str], usize) = match step {
        BeforeClaim => (&[], 0),
        BeforeSending => (&["claimed"], 0),
        DuringCall => (&["sending"], 1),
        // One statement: when the database had all of it, it is stored.
        BeforeKept if states == ["done"] => (&["done"], 1),
        BeforeKept => (&["sending"], 1),
        BeforeReply => (&["done"], 1),
    };
    assert_eq!(states, expected.0, "{step:?}");
    assert_eq!(asked, expected.1, "{step:?}");

    let server = place.serve("one").await;
    gate.add_permits(10);
    let again = async || Answer::of(keyed(&server, &header, write)).await;
    if matches!(expected.0, ["claimed" | "sending"]) {
        // Nobody can know yet whether the one who claimed it is gone.
        let early = again().await;
        early.error(409);
        assert!(early.header("retry-after").is_some(), "{step:?}");
        place.expire().await;
    }
    if expected.0 == ["sending"] && !write.twice {
        for _ in 0..2 {
            let unknown = again().await;
            let error = unknown.error(409);
            assert!(message(&error).contains("is unknown"), "{step:?}: {error}");
            assert_eq!(unknown.header("retry-after"), None);
        }
        assert_eq!(vendor.count(), 0, "{step:?}: not asked again");
    } else {
        let first = again().await.success();
        assert_eq!(first["id"], 7);
        assert_eq!(again().await.success(), first);
        let more = usize::from(expected.0 != ["done"]);
        assert_eq!(vendor.count(), more, "{step:?}");
    }
    server.stop().await;
}

macro_rules! killed {
    ($($name:ident: $step:expr, $write:expr;)*) => {$(
        #[database_test]
        async fn $name(database: TestDatabase) {
            killed(database, $step, $write).await;
        }
    )*};
}

killed! {
    killed_before_the_claim: BeforeClaim, MADE;
    killed_before_the_vendor_is_asked: BeforeSending, MADE;
    killed_while_the_vendor_is_asked: DuringCall, MADE;
    killed_before_the_answer_is_kept: BeforeKept, MADE;
    killed_before_the_reply: BeforeReply, MADE;
    a_repeatable_call_killed_while_the_vendor_is_asked: DuringCall, CHANGED;
    a_repeatable_call_killed_before_the_answer_is_kept: BeforeKept, CHANGED;
}

#[database_test]
async fn many_at_once_at_two_servers_make_one(database: TestDatabase) {
    let place = Place::new(database).await;
    let servers = [place.serve("one").await, place.serve("two").await];
    let header = place.header(&servers[0]).await;
    for round in 0..3_u64 {
        place.vendor.forget();
        place.vendor.will(MADE.vendor, 201, &json!({"id": round}));
        let key = format!("key-{round}");
        let sent: Vec<_> = (0..64)
            .map(|number| {
                let server = &servers[number % 2];
                let request = server.request(MADE.method, MADE.path, &header);
                let request = request.header("idempotency-key", &key);
                tokio::spawn(Answer::of(request.json(&json!({"name": "x"}))))
            })
            .collect();
        let mut made = 0;
        for answer in sent {
            let answer = answer.await.expect("an answer");
            if answer.status == 409 {
                assert!(answer.header("retry-after").is_some(), "{answer}");
                continue;
            }
            assert_eq!(answer.success(), json!({"id": round}));
            made += 1;
        }
        assert!(made > 0, "nobody got an answer");
        assert_eq!(place.vendor.seen().len(), 1, "round {round}");
    }
    for server in servers {
        server.stop().await;
    }
}

/// A server that does not die, and whose call takes longer than its lease.
#[database_test]
async fn a_long_call_stays_under_way(database: TestDatabase) {
    let place = Place::new(database).await;
    let servers = [place.serve("one").await, place.serve("two").await];
    let header = place.header(&servers[0]).await;
    place.vendor.will(MADE.vendor, 201, &json!({"id": 7}));
    let gate = place.vendor.holds(MADE.vendor);
    let sent = tokio::spawn(Answer::of(keyed(&servers[0], &header, MADE)));
    until("the vendor is asked", async || place.vendor.count() == 1).await;
    let moved = async || -> Value {
        sqlx::query_scalar("select to_jsonb(lease_until) from keyed_calls")
            .fetch_one(&place.database.pool)
            .await
            .expect("a lease")
    };
    let first = moved().await;
    until("its lease is moved on", async || moved().await != first).await;
    let early = Answer::of(keyed(&servers[1], &header, MADE)).await;
    early.error(409);
    assert!(early.header("retry-after").is_some());
    // Held up for so long that another server thinks it gone: what came of it counts all the same.
    place.expire().await;
    let unknown = Answer::of(keyed(&servers[1], &header, MADE)).await;
    assert!(message(&unknown.error(409)).contains("is unknown"));
    gate.add_permits(1);
    sent.await.expect("an answer").success();
    let again = Answer::of(keyed(&servers[1], &header, MADE)).await;
    assert_eq!(again.success(), json!({"id": 7}));
    assert_eq!(place.vendor.seen().len(), 1);
    for server in servers {
        server.stop().await;
    }
}

#[database_test]
async fn an_answer_outlives_the_rotation_of_every_key(database: TestDatabase) {
    let place = Place::new(database).await;
    let server = place.serve("one").await;
    let header = place.header(&server).await;
    place.vendor.will(MADE.vendor, 201, &json!({"id": 7}));
    let first = Answer::of(keyed(&server, &header, MADE)).await.success();
    server.stop().await;
    let number = async || -> i64 {
        sqlx::query_scalar(
            "select ('x' || encode(substring(answer_sealed from 2 for 4), 'hex'))::bit(32)::int::bigint
             from keyed_calls",
        )
        .fetch_one(&place.database.pool)
        .await
        .expect("a number")
    };
    assert_eq!(number().await, 1);
    let rotate = async |kind: &str| {
        let state = [
            "--database-url",
            &place.database.url,
            "--keyring",
            &place.keyring,
        ];
        let output = run(&[&["keys", "rotate", kind][..], &state].concat()).await;
        assert!(output.status.success(), "{kind}: {}", written(&output));
    };
    for kind in ["organization", "encrypt", "find"] {
        rotate(kind).await;
    }
    assert_eq!(number().await, 2, "sealed anew");
    place.vendor.seen();
    let server = place.serve("one").await;
    let again = Answer::of(keyed(&server, &header, MADE)).await.success();
    assert_eq!(again, first);
    assert_eq!(place.vendor.count(), 0, "found under the old pepper");
    // The old pepper is needed as long as that is so.
    let state = [
        "--database-url",
        &place.database.url,
        "--keyring",
        &place.keyring,
    ];
    let status = run(&[&["keys", "status", "--json"][..], &state].concat()).await;
    let status: Value = serde_json::from_slice(&status.stdout).expect("JSON");
    let found = status.to_string().contains("\"idempotencyKeys\":1");
    assert!(found, "{status}");
    server.stop().await;
}
