//! SugarCRM: records of modules, their pages and their links.

use http::Method;
use serde_json::{Value, json};

use crate::client::{Reply, Running, start};
use crate::sugarcrm::{SITE, V10, log_in, password_grant, refused};

async fn call(
    sandbox: &Running,
    token: &str,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Reply {
    let call = sandbox.call(method, SITE, &format!("{V10}/{path}"));
    let call = call.header("OAuth-Token", token);
    match body {
        Some(body) => call.json(&body).answer().await,
        None => call.answer().await,
    }
}

#[tokio::test]
async fn pages_tell_where_the_next_begins() {
    let sandbox = start().await;
    let (token, _) = log_in(&sandbox, &password_grant("pages")).await;
    let get = async |path: &str| call(&sandbox, &token, Method::GET, path, None).await;
    let first = get("Accounts").await.json();
    assert_eq!(first["next_offset"], 20);
    assert_eq!(first["records"].as_array().map(Vec::len), Some(20));
    let last = get("Accounts?max_num=1000&offset=40").await.json();
    assert_eq!(last["next_offset"], -1);
    assert_eq!(last["records"].as_array().map(Vec::len), Some(5));
    let latest = get("Accounts?order_by=name:DESC&max_num=1").await.json();
    assert_eq!(latest["records"][0]["name"], "Account 45");
    let count = get("Accounts/count").await.json();
    assert_eq!(count, json!({ "record_count": 45 }));
    refused(
        &get("Accounts?filter[0][name]=x").await,
        422,
        "invalid_parameter",
    );
    refused(&get("Accounts?max_num=x").await, 422, "invalid_parameter");
    refused(&get("Nothings").await, 404, "not_found");
    let stranger = call(&sandbox, "none", Method::GET, "Accounts", None).await;
    refused(&stranger, 401, "invalid_grant");
}

#[tokio::test]
async fn a_link_ends_before_its_record() {
    let sandbox = start().await;
    let (token, _) = log_in(&sandbox, &password_grant("links")).await;
    let say = async |method: Method, path: &str, body: Option<Value>| {
        call(&sandbox, &token, method, path, body).await
    };
    let made = say(
        Method::POST,
        "Accounts",
        Some(json!({"name": "A", "id": "own"})),
    )
    .await;
    assert_eq!(made.status, 200);
    let account = made.json()["id"].as_str().expect("an id").to_owned();
    assert_ne!(account, "own", "the site gives ids");
    let notes = format!("Accounts/{account}/link/notes");
    let both = say(Method::POST, &notes, Some(json!({"name": "N"})))
        .await
        .json();
    assert_eq!(both["record"]["id"], account.as_str());
    let note = both["related_record"]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let one = format!("{notes}/{note}");
    assert_eq!(say(Method::GET, &one, None).await.json()["name"], "N");
    assert_eq!(say(Method::DELETE, &one, None).await.status, 200);
    refused(&say(Method::GET, &one, None).await, 404, "not_found");
    assert_eq!(say(Method::POST, &one, None).await.status, 200);
    let listed = say(Method::GET, &notes, None).await.json();
    assert_eq!(listed["records"][0]["id"], note.as_str());
    let path = format!("Accounts/{account}");
    let changed = say(
        Method::PUT,
        &path,
        Some(json!({"name": "B", "deleted": true})),
    )
    .await;
    let changed = changed.json();
    assert_eq!(
        (&changed["name"], &changed["deleted"]),
        (&json!("B"), &json!(false))
    );
    assert_eq!(
        say(Method::DELETE, &path, None).await.json(),
        json!({ "id": account })
    );
    refused(&say(Method::GET, &path, None).await, 404, "not_found");
    assert_eq!(
        say(Method::GET, &format!("Notes/{note}"), None)
            .await
            .status,
        200
    );
    let unnamed = say(Method::POST, "Accounts", Some(json!({}))).await;
    refused(&unnamed, 422, "missing_parameter");
}
