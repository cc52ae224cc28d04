//! Who finds what.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::{USAGE, found, id_of, logged, search};
use crate::answer::{Answer, message};
use crate::database::TestDatabase;
use crate::passthrough::{PROXY, Place, body, by_token};
use crate::server::Caller;

/// One call by the token of an instance; gives its id once it is in the log.
async fn called(
    place: &Place,
    caller: &Caller,
    instance: &Value,
    method: &str,
    path: &str,
) -> String {
    let request = place.server.request(method, &format!("{PROXY}{path}"));
    let answer = Answer::of(request.header("authorization", by_token(caller, instance))).await;
    let id = id_of(&answer).to_owned();
    logged(&place.server, caller, &id).await;
    id
}

#[database_test]
async fn everybody_finds_what_is_theirs(database: TestDatabase) {
    let place = Place::start(database).await;
    let server = &place.server;
    let (admin, member, foreign) = (&server.admin, &server.member, &server.foreign);
    let of_member = server.create(member, &body("the member's")).await;
    let of_foreign = server.create(foreign, &body("the foreigner's")).await;
    let by_admin = called(&place, admin, &place.instance, "GET", "/a").await;
    let by_member = called(&place, member, &of_member, "GET", "/b").await;
    // An administrator at the member's instance: the account that owns it sees that, too.
    let request = server.request("GET", &format!("{PROXY}/c"));
    let answer = Answer::of(request.header("authorization", by_token(admin, &of_member))).await;
    let at_members = id_of(&answer).to_owned();
    logged(server, member, &at_members).await;
    let by_foreign = called(&place, foreign, &of_foreign, "GET", "/d").await;

    let calls = "resource=/proxy/{vendorPath}";
    let found =
        async |caller: &Caller, query: &str| found(server, caller, query, "request_id").await;
    assert_eq!(
        found(admin, calls).await,
        [&*at_members, &*by_member, &*by_admin]
    );
    assert_eq!(found(member, calls).await, [&*at_members, &*by_member]);
    assert_eq!(
        found(&server.colleague, calls).await,
        [&*at_members, &*by_member]
    );
    assert_eq!(found(foreign, calls).await, [&*by_foreign]);

    let id = |instance: &Value| instance["id"].as_i64().expect("an id");
    let of = |instance: &Value| format!("instanceId={}", id(instance));
    assert_eq!(
        found(admin, &of(&of_member)).await,
        [&*at_members, &*by_member]
    );
    assert_eq!(
        found(member, &of(&of_member)).await,
        [&*at_members, &*by_member]
    );
    for (caller, instance) in [
        (admin, of(&of_foreign)),
        (foreign, of(&of_member)),
        (member, of(&place.instance)),
        (admin, "instanceId=999999999".to_owned()),
    ] {
        search(server, caller, &instance).await.error(404);
    }
    for (caller, call, status) in [
        (admin, &by_member, 200),
        (member, &by_admin, 404),
        (foreign, &by_admin, 404),
        (admin, &by_foreign, 404),
    ] {
        let request = server.request("GET", &format!("{USAGE}/{call}"));
        let answer = Answer::of(request.header("authorization", caller.header())).await;
        assert_eq!(answer.status, status, "{answer}");
    }
    // Accounts: an administrator chooses, others have their own.
    let accounts = format!("{calls}&accountIds[]={}", member.account_id);
    assert_eq!(found(admin, &accounts).await, [&*at_members, &*by_member]);
    assert_eq!(found(member, &accounts).await, [&*at_members, &*by_member]);
    let others = format!("accountIds[]={}", admin.account_id);
    search(server, member, &others).await.error(403);
    let foreigners = format!("{calls}&accountIds[]={}", foreign.account_id);
    assert_eq!(found(admin, &foreigners).await, Vec::<Value>::new());

    // What is deleted has its calls still, for those who saw them before.
    let request = server.request(
        "DELETE",
        &format!("/elements/api-v2/instances/{}", id(&of_member)),
    );
    let answer = Answer::of(request.header("authorization", member.header())).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(
        found(member, &of(&of_member)).await,
        [&*at_members, &*by_member]
    );
    search(server, foreign, &of(&of_member)).await.error(404);
}

#[database_test]
async fn calls_are_found_by_what_is_known_of_them(database: TestDatabase) {
    let place = Place::start(database).await;
    let server = &place.server;
    let admin = &server.admin;
    let instance = &place.instance;
    let read = called(&place, admin, instance, "GET", "/things").await;
    let missing = called(&place, admin, instance, "GET", "/status?code=404").await;
    let written = called(&place, admin, instance, "POST", "/things").await;
    let broken = called(&place, admin, instance, "PUT", "/status?code=500").await;
    let platform = server.request("GET", "/elements/api-v2/accounts");
    let platform = Answer::of(platform.header("authorization", admin.header())).await;
    let platform = id_of(&platform).to_owned();
    logged(server, admin, &platform).await;
    let all = [&*broken, &*written, &*missing, &*read];
    let calls = "&resource=/proxy/{vendorPath}";
    let day = "2020-01-01";
    let tomorrow = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(25);
    let tag = "tags[]=blue";
    for (query, expected) in [
        (String::new(), all.to_vec()),
        ("status=SUCCESS".into(), vec![&*written, &*read]),
        ("status=failed".into(), vec![&*broken, &*missing]),
        ("status=404".into(), vec![&*missing]),
        ("status=5xx".into(), vec![&*broken]),
        ("status=404&status=5XX".into(), vec![&*broken, &*missing]),
        (
            "status=4xx&status=200".into(),
            vec![&*written, &*missing, &*read],
        ),
        ("method=put&method=POST".into(), vec![&*broken, &*written]),
        (format!("requestId={written}"), vec![&*written]),
        ("keys[]=passage&keys[]=none".into(), all.to_vec()),
        ("keys[]=none".into(), vec![]),
        ("hub=crm".into(), all.to_vec()),
        ("hub=helpdesk".into(), vec![]),
        (tag.into(), vec![]),
        ("searchText=PASSAGE".into(), all.to_vec()),
        ("searchText=put+/elements".into(), vec![&*broken]),
        (format!("searchText={missing}"), vec![&*missing]),
        (format!("from={day}"), all.to_vec()),
        (format!("from={day}&to={day}"), vec![]),
        (format!("to={tomorrow}"), all.to_vec()),
        ("pageSize=2".into(), vec![&*broken, &*written]),
        ("pageSize=2&pageOffset=1".into(), vec![&*written, &*missing]),
    ] {
        let found = found(server, admin, &format!("{query}{calls}"), "request_id").await;
        assert_eq!(found, expected, "{query}");
    }
    let by_path = found(
        server,
        admin,
        "resource=/elements/api-v2/accounts",
        "request_id",
    )
    .await;
    assert_eq!(by_path, [&*platform]);
    sqlx::query("update instances set tags = '{blue,old}' where id = $1")
        .bind(instance["id"].as_i64().expect("an id"))
        .execute(&server.database.pool)
        .await
        .expect("tags");
    let tagged = found(server, admin, &format!("{tag}{calls}"), "request_id").await;
    assert_eq!(tagged, all);

    let later = search(server, admin, &format!("from={tomorrow}")).await;
    assert!(message(&later.error(404)).contains("future"));
    for (query, word) in [
        ("status=6xx", "status"),
        ("status=ok", "status"),
        ("from=yesterday", "from"),
        ("to=2026-11-22T10:00:00", "to"),
        ("from=2021-01-02&to=2021-01-01T00:00:00Z", "from"),
        ("from=-004800-01-01", "from"),
        ("to=-004800-01-01T00:00:00Z", "to"),
        ("from=-009999-01-02T00:00:00Z", "from"),
        ("nextPage=YTEy", "nextPage"),
        // A place 6,000 years before our era.
        (
            "nextPage=dS0yNTE2NTQwODAwMDAwMDAwMDAuMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw",
            "nextPage",
        ),
        ("instanceId=abc", "instanceId"),
        ("pageSize=0", "pageSize"),
        ("pageOffset=-1", "pageOffset"),
        ("accountIds[]=x", "accountIds"),
        ("where=a%3D1", "where"),
    ] {
        let error = search(server, admin, query).await.error(400);
        assert!(message(&error).contains(word), "{query}: {error}");
    }
    search(server, admin, "requestId=12").await.error(404);
}

#[database_test]
async fn pages_hold_each_call_once(database: TestDatabase) {
    let place = Place::start(database).await;
    let server = &place.server;
    let admin = &server.admin;
    let mut made = Vec::new();
    for _ in 0..7 {
        made.push(called(&place, admin, &place.instance, "GET", "/things").await);
    }
    // Rows of one moment are told apart by their ids.
    sqlx::query("update request_log set at = date_trunc('second', at) where resource is not null")
        .execute(&server.database.pool)
        .await
        .expect("one moment");
    let calls = "resource=/proxy/{vendorPath}&pageSize=2";
    let mut seen: Vec<String> = Vec::new();
    let mut next = String::new();
    for page in 1.. {
        let query = format!("{calls}&nextPage={next}");
        let answer = search(server, admin, &query).await;
        let records = answer.success();
        let records = records.as_array().expect("an array");
        assert_eq!(
            answer.header("elements-returned-count"),
            Some(records.len().to_string().as_str())
        );
        seen.extend(
            records
                .iter()
                .map(|record| record["request_id"].as_str().expect("text").to_owned()),
        );
        match answer.header("elements-next-page-token") {
            Some(token) => next = token.to_owned(),
            None => {
                assert_eq!(page, 4);
                break;
            }
        }
    }
    let mut sorted = seen.clone();
    sorted.sort();
    made.sort();
    assert_eq!(sorted, made);
    let all = found(server, admin, "resource=/proxy/{vendorPath}", "request_id").await;
    assert_eq!(json!(seen), json!(all));
}

/// Searches that take long are told so, and leave the database to others.
#[database_test]
async fn searches_are_few_at_once(database: TestDatabase) {
    let place = Place::start(database).await;
    let server = &place.server;
    let admin = &server.admin;
    called(&place, admin, &place.instance, "GET", "/things").await;
    let mut lock = server.database.pool.begin().await.expect("a transaction");
    sqlx::query("lock table request_log in access exclusive mode")
        .execute(&mut *lock)
        .await
        .expect("locked");
    let three = [(); 3].map(|()| Box::pin(search(server, admin, "pageSize=1")));
    // The two that wait for the lock are not answered before the third, which gets no turn.
    let (first, _, rest) = futures_util::future::select_all(three).await;
    let told = first.error(429);
    assert!(message(&told).contains("searches"), "{told}");
    let request = server.request("GET", "/elements/api-v2/accounts");
    let other = Answer::of(request.header("authorization", admin.header())).await;
    assert_eq!(other.status, 200, "{other}");
    lock.rollback().await.expect("unlocked");
    for search in futures_util::future::join_all(rest).await {
        assert_eq!(search.status, 200, "{search}");
    }
}

/// Whoever hangs up does not make room for more of what the database is still busy with.
#[database_test]
async fn a_search_that_nobody_waits_for_keeps_its_place(database: TestDatabase) {
    let place = Place::start(database).await;
    let server = &place.server;
    let admin = &server.admin;
    called(&place, admin, &place.instance, "GET", "/things").await;
    let mut lock = server.database.pool.begin().await.expect("a transaction");
    sqlx::query("lock table request_log in access exclusive mode")
        .execute(&mut *lock)
        .await
        .expect("locked");
    let both = async { tokio::join!(search(server, admin, ""), search(server, admin, "")) };
    let busy = crate::vendors::until("both wait for the lock", async || {
        let waiting: i64 = sqlx::query_scalar(
            "select count(*) from pg_locks
             where not granted and mode = 'AccessShareLock'
               and database = (select oid from pg_database where datname = current_database())",
        )
        .fetch_one(&mut *lock)
        .await
        .expect("an answer");
        waiting >= 2
    });
    tokio::select! {
        answers = both => panic!("answered: {answers:?}"),
        () = busy => {}
    }
    let told = search(server, admin, "").await.error(429);
    assert!(message(&told).contains("searches"), "{told}");
    lock.rollback().await.expect("unlocked");
    search(server, admin, "").await.success();
}
