//! Sessions by JSON and by form, what they open, and what ends them.

use bunsen::http::Trusted;
use bunsen_test_macros::database_test;
use serde_json::json;

use super::{API, admin_session, call, count, email_of, execute, log_in, token, with_session};
use crate::answer::{Answer, Findings, message, unknown_secret};
use crate::database::TestDatabase;
use crate::server::{ADMIN_EMAIL, TestOptions, TestServer};
use crate::vendors::until;

#[database_test]
async fn a_log_in_leads_to_the_secrets(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let authenticated = log_in(&server, "Admin@FIRST.example ", &server.admin_password).await;
    let authenticated = authenticated.success();
    for (member, expected) in [
        ("id", json!(server.admin.user_id)),
        ("username", json!(ADMIN_EMAIL)),
        ("firstName", json!("Company")),
        ("organizationId", json!(server.admin.organization_id)),
        ("organizationName", json!("Company")),
        ("accountId", json!(server.admin.account_id)),
        ("accountName", json!("Company Default Account")),
        ("organizationAdmin", json!(true)),
        ("accountAdmin", json!(true)),
        ("sysAdmin", json!(false)),
        ("twoFactor", json!(false)),
    ] {
        assert_eq!(authenticated[member], expected, "{member}");
    }
    assert_eq!(authenticated["roles"][0]["key"], "org-admin");
    assert!(authenticated["lastLoginDate"].is_string());
    let token = token(&authenticated);
    let secrets = with_session(&server, "/authentication/secrets", &token).await;
    let expected = json!({
        "userSecret": server.admin.user_secret,
        "organizationSecret": server.admin.organization_secret,
    });
    assert_eq!(secrets.success(), expected);
    let both = call(
        &server,
        "GET",
        "/authentication/secrets",
        &server.admin.header(),
    )
    .await;
    assert_eq!(both.success(), expected);
}

#[database_test]
async fn the_form_leads_to_the_same_secrets(database: TestDatabase) {
    let options = TestOptions {
        trusted: Trusted::parse(&["127.0.0.1".into()]).expect("an address"),
        ..TestOptions::default()
    };
    let server = TestServer::start_with(database, options).await;
    let form = |forwarded: &'static str| {
        let fields = [
            ("j_username", ADMIN_EMAIL),
            ("j_password", &server.admin_password),
        ];
        let body: String = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        server
            .request("POST", "/elements/j_spring_security_check")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-forwarded-proto", forwarded)
            .body(body)
    };
    for (proto, secure) in [("http", false), ("https", true), ("https, http", true)] {
        let answer = Answer::of(form(proto)).await;
        assert_eq!(answer.status, 200, "{answer}");
        let cookie = answer.header("set-cookie").expect("a cookie").to_owned();
        let parts: Vec<&str> = cookie.split("; ").collect();
        assert!(parts[0].starts_with("JSESSIONID="), "{cookie}");
        for attribute in ["Path=/elements", "HttpOnly", "SameSite=Lax"] {
            assert!(parts.contains(&attribute), "{cookie}");
        }
        assert_eq!(parts.contains(&"Secure"), secure, "{cookie}");
        let secrets = server
            .request("GET", "/elements/api-v1/ui/getSecrets")
            .header("cookie", format!("other=1; {}", parts[0]));
        let secrets = Answer::of(secrets).await.success();
        let (user, company) = (&server.admin.user_secret, &server.admin.organization_secret);
        assert_eq!(secrets, json!({"user": user, "company": company}));
    }
    for cookie in ["", "JSESSIONID=", "JSESSIONID=nothing", "other=1"] {
        let request = server
            .request("GET", "/elements/api-v1/ui/getSecrets")
            .header("cookie", cookie);
        Answer::of(request).await.error(401);
    }
    let wrong = |body: &'static str| {
        server
            .request("POST", "/elements/j_spring_security_check")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
    };
    for (body, status) in [
        ("j_username=admin%40first.example&j_password=wrong", 401),
        ("j_username=admin%40first.example", 400),
        ("", 400),
    ] {
        let answer = Answer::of(wrong(body)).await;
        answer.error(status);
        assert!(answer.header("set-cookie").is_none(), "{answer}");
    }
}

#[database_test]
async fn a_session_is_user_and_organization(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let session = admin_session(&server).await;
    let mut findings = Findings::default();
    for path in [
        "/organizations/me",
        "/accounts",
        "/users",
        "/elements",
        "/hubs",
        "/elements/metadata",
    ] {
        let answer = with_session(&server, path, &session).await;
        findings.status(path, &answer, 200);
    }
    let nothing = with_session(&server, "/instances", &session)
        .await
        .error(404);
    assert!(message(&nothing).starts_with("No "), "{nothing}");
    // A session names no instance, so it makes no hub call.
    with_session(&server, "/hubs/helpdesk/no-such-things", &session)
        .await
        .error(401);
    for header in [
        format!("Bearer {}", unknown_secret()),
        format!("Bearer {}", &session[1..]),
        format!("Bearer {}", server.admin.user_secret),
        format!(
            "Bearer {session}, Organization {}",
            server.admin.organization_secret
        ),
        format!(
            "User {session}, Organization {}",
            server.admin.organization_secret
        ),
        "Bearer".to_owned(),
    ] {
        for path in ["/organizations/me", "/elements"] {
            let answer = call(&server, "GET", path, &header).await;
            findings.error(&format!("{path} {header}"), &answer, 401);
        }
    }
    findings.none();
}

#[database_test]
async fn a_session_ends(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let me = "/organizations/me";
    let session = admin_session(&server).await;
    with_session(&server, me, &session).await.success();
    for (off, on) in [
        (
            "update users set active = false",
            "update users set active = true",
        ),
        (
            "update accounts set active = false",
            "update accounts set active = true",
        ),
        (
            "update organizations set active = false",
            "update organizations set active = true",
        ),
    ] {
        execute(&server, off).await;
        with_session(&server, me, &session).await.error(401);
        let again = log_in(&server, ADMIN_EMAIL, &server.admin_password).await;
        assert_eq!(message(&again.error(401)), "Invalid user name or password.");
        execute(&server, on).await;
        with_session(&server, me, &session).await.success();
    }
    let hours =
        "select round(extract(epoch from expires_at - created_at) / 3600)::bigint from sessions";
    assert_eq!(count(&server, hours).await, 24);
    execute(
        &server,
        "update sessions set expires_at = now() - interval '1 second'",
    )
    .await;
    with_session(&server, me, &session).await.error(401);
    // The next log-in removes what has run out, with its way to be found.
    admin_session(&server).await;
    assert_eq!(count(&server, "select count(*) from sessions").await, 1);
    let index = "select count(*) from secret_index where kind = 'session'";
    assert_eq!(count(&server, index).await, 1);
}

/// What was found right is looked at again when the session begins.
#[database_test]
async fn a_log_in_does_not_outrun_a_reset(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let me = "/organizations/me";
    for change in [
        "update users set password_hash = 'another' where email = 'admin@first.example'",
        "update users set active = false where email = 'admin@first.example'",
    ] {
        let restore =
            "update users set active = true, password_hash = (select password_hash from kept)";
        execute(&server, "create table if not exists kept as select password_hash from users where email = 'admin@first.example'").await;
        let mut transaction = server.database.pool.begin().await.expect("begun");
        sqlx::query(change)
            .execute(&mut *transaction)
            .await
            .expect("changed");
        let body = json!({"username": ADMIN_EMAIL, "password": server.admin_password});
        let request = server.request("POST", &format!("{API}/authentication"));
        let sent = tokio::spawn(Answer::of(request.json(&body)));
        wait_for_a_lock(&server).await;
        transaction.commit().await.expect("committed");
        sent.await.expect("an answer").error(401);
        assert_eq!(count(&server, "select count(*) from sessions").await, 0);
        execute(&server, restore).await;
    }
    // The same of secrets that are replaced while they set a password.
    let mut transaction = server.database.pool.begin().await.expect("begun");
    sqlx::query("delete from secret_index where kind = 'user'")
        .execute(&mut *transaction)
        .await
        .expect("deleted");
    let request = server
        .request("POST", &format!("{API}/authentication/passwords"))
        .header("authorization", server.admin.header())
        .json(&json!({"password": "Thief-1-password"}));
    let sent = tokio::spawn(Answer::of(request));
    wait_for_a_lock(&server).await;
    transaction.commit().await.expect("committed");
    sent.await.expect("an answer").error(401);
    let session = admin_session(&server).await;
    with_session(&server, me, &session).await.success();
}

async fn wait_for_a_lock(server: &TestServer) {
    let waiting = "select count(*) from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'";
    until("a statement waits for a lock", async || {
        count(server, waiting).await > 0
    })
    .await;
}

#[database_test]
async fn a_session_is_stored_as_its_hash(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let session = admin_session(&server).await;
    for table in [
        "select sessions::text from sessions",
        "select secret_index::text from secret_index",
    ] {
        let rows: Vec<String> = sqlx::query_scalar(table)
            .fetch_all(&server.database.pool)
            .await
            .expect("rows");
        for row in &rows {
            assert!(
                !row.contains(&session) && !row.contains(ADMIN_EMAIL),
                "{row}"
            );
        }
        assert!(!rows.is_empty());
    }
}

/// The older of two users with one address keeps it; each is found in the own organization.
#[database_test]
async fn an_address_logs_in_one_user_of_the_server(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let (first, second) = ("First-1-password", "Second-2-password");
    super::set_password(&server, &server.member.header(), first)
        .await
        .success();
    execute(
        &server,
        "update users set email = 'MEMBER@shared.example' where first_name in ('member', 'foreign')",
    )
    .await;
    let address = email_of(&server, &server.foreign).await.to_lowercase();
    let taken = super::set_password(&server, &server.foreign.header(), second).await;
    assert!(message(&taken.error(409)).contains("e-mail address"));
    let authenticated = log_in(&server, &address, first).await.success();
    assert_eq!(authenticated["id"], server.member.user_id);
    log_in(&server, &address, second).await.error(401);
    // Once the address is free, it is the other one's.
    execute(
        &server,
        "update users set email = 'm@first.example' where first_name = 'member'",
    )
    .await;
    super::set_password(&server, &server.foreign.header(), second)
        .await
        .success();
    let authenticated = log_in(&server, &address, second).await.success();
    assert_eq!(authenticated["id"], server.foreign.user_id);
    log_in(&server, &address, first).await.error(401);
    let authenticated = log_in(&server, "m@first.example", first).await.success();
    assert_eq!(authenticated["id"], server.member.user_id);
}

#[database_test]
async fn what_is_no_log_in_is_told(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut findings = Findings::default();
    let password = server.admin_password.as_str();
    let long = "a".repeat(5000);
    for (what, body, status) in [
        ("no password", json!({"username": ADMIN_EMAIL}), 400),
        (
            "a number",
            json!({"username": ADMIN_EMAIL, "password": 912_673}),
            400,
        ),
        (
            "nobody",
            json!({"username": "x@first.example", "password": password}),
            401,
        ),
        (
            "wrong",
            json!({"username": ADMIN_EMAIL, "password": "wrong"}),
            401,
        ),
        ("empty", json!({"username": "", "password": ""}), 401),
        (
            "a NUL",
            json!({"username": "a\u{0}", "password": password}),
            401,
        ),
        ("long", json!({"username": long, "password": long}), 401),
        (
            "a number's id",
            json!({"username": "1", "password": password}),
            401,
        ),
        (
            "no password kept",
            json!({"username": email_of(&server, &server.member).await, "password": ""}),
            401,
        ),
    ] {
        let request = server.request("POST", &format!("{API}/authentication"));
        let answer = Answer::of(request.json(&body)).await;
        findings.error(what, &answer, status);
        findings.check(
            !answer.text.contains(password) && !answer.text.contains("912673"),
            || format!("{what}: the password comes back: {answer}"),
        );
    }
    // Nobody is known yet, so nobody's share pays for it.
    let larger = json!({"username": "a".repeat(17 * 1024), "password": password});
    let request = server.request("POST", &format!("{API}/authentication"));
    let answer = Answer::of(request.json(&larger)).await;
    findings.error("large", &answer, 413);
    findings.none();
}
