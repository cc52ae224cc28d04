//! Log-in over HTTP: by JSON, by form, and what a session may do.

mod pages;
mod passwords;
mod sessions;
mod throttle;

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::server::{ADMIN_EMAIL, Caller, TestServer};

const API: &str = "/elements/api-v2";

async fn log_in(server: &TestServer, username: &str, password: &str) -> Answer {
    let body = json!({"username": username, "password": password});
    let request = server.request("POST", &format!("{API}/authentication"));
    Answer::of(request.json(&body)).await
}

async fn admin_session(server: &TestServer) -> String {
    let answer = log_in(server, ADMIN_EMAIL, &server.admin_password).await;
    token(&answer.success())
}

fn token(authenticated: &Value) -> String {
    authenticated["token"].as_str().expect("a token").to_owned()
}

async fn call(server: &TestServer, method: &str, path: &str, authorization: &str) -> Answer {
    let request = server
        .request(method, &format!("{API}{path}"))
        .header("authorization", authorization);
    Answer::of(request).await
}

async fn with_session(server: &TestServer, path: &str, token: &str) -> Answer {
    call(server, "GET", path, &format!("Bearer {token}")).await
}

async fn set_password(server: &TestServer, authorization: &str, password: &str) -> Answer {
    let request = server
        .request("POST", &format!("{API}/authentication/passwords"))
        .header("authorization", authorization)
        .json(&json!({"password": password}));
    Answer::of(request).await
}

async fn email_of(server: &TestServer, caller: &Caller) -> String {
    sqlx::query_scalar("select email from users where id = $1")
        .bind(caller.user_id)
        .fetch_one(&server.database.pool)
        .await
        .expect("a user")
}

async fn execute(server: &TestServer, statement: &'static str) {
    sqlx::query(statement)
        .execute(&server.database.pool)
        .await
        .expect("the statement is right");
}

async fn count(server: &TestServer, statement: &'static str) -> i64 {
    sqlx::query_scalar(statement)
        .fetch_one(&server.database.pool)
        .await
        .expect("a count")
}
