//! What a public validator and a public generator of clients make of the documents: `tests/web/documents.mjs`.

use std::path::Path;
use std::process::Stdio;

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::BASE;
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::node;
use crate::server::TestServer;
use crate::vendors::example_of_each;

/// Of each element that many.
const OBJECTS: usize = 4;

/// What is told of the documents in a folder; `None`: it cannot be tried here.
async fn judged(folder: &Path) -> Option<Result<String, String>> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/web");
    if let Err(missing) = node::ready(&tests) {
        node::skipped("the documents in a generator", &missing);
        return None;
    }
    let ran = tokio::process::Command::new("node")
        .arg("documents.mjs")
        .arg(folder)
        .current_dir(&tests)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("node runs");
    let told = String::from_utf8_lossy(&ran.stdout).into_owned();
    Some(match ran.status.success() {
        true => Ok(told),
        false => Err(told + &String::from_utf8_lossy(&ran.stderr)),
    })
}

fn write(folder: &Path, name: &str, document: &Value) {
    let file = folder.join(format!("{name}.json"));
    std::fs::write(file, document.to_string()).expect("a file");
}

#[database_test]
async fn documents_are_what_others_read(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut written = 0;
    for (key, body) in example_of_each() {
        let instance = server.create(&server.admin, &body).await;
        let header = server
            .admin
            .with_token(instance["token"].as_str().expect("a token"));
        let get = async |path: &str| {
            let request = server.request("GET", &format!("{BASE}{path}"));
            let answer = Answer::of(request.header("authorization", &header)).await;
            assert_eq!(answer.status, 200, "{key} {path}: {answer}");
            answer.success()
        };
        let id = &instance["id"];
        let mut wanted = vec![
            ("element".to_owned(), format!("/elements/{key}/docs")),
            ("instance".to_owned(), format!("/instances/{id}/docs")),
        ];
        let objects = get("/objects").await;
        let objects = objects.as_array().expect("a list");
        for name in objects.iter().filter_map(Value::as_str).take(OBJECTS) {
            let path = format!("/objects/{name}/docs?discovery=true");
            wanted.push((format!("object-{name}"), path));
        }
        for (what, path) in wanted {
            write(folder.path(), &format!("{key}-{what}"), &get(&path).await);
            written += 1;
        }
    }
    assert!(written > 20, "{written}");
    if let Some(told) = judged(folder.path()).await {
        assert_eq!(told, Ok(format!("{written} documents\n")));
    }
}

#[tokio::test]
async fn what_is_no_document_is_noticed() {
    let path = |parameter: Value| {
        let answers =
            json!({"200": {"description": "It.", "schema": {"$ref": "#/definitions/it"}}});
        json!({"swagger": "2.0", "info": {"title": "It", "version": "1"},
            "paths": {"/it/{id}": {"get": {"parameters": [parameter], "responses": answers}}},
            "definitions": {"it": {"type": "object", "properties": {"id": {"type": "integer"}}}}})
    };
    let right = json!({"name": "id", "in": "path", "type": "string", "required": true});
    let wrong = json!({"name": "id", "in": "path", "type": "string"});
    for (parameter, is_right) in [(right, true), (wrong, false)] {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "it", &path(parameter));
        if let Some(told) = judged(folder.path()).await {
            assert_eq!(told.is_ok(), is_right, "{told:?}");
        }
    }
}
