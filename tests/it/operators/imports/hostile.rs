//! Documents that nobody means well with, and slips of the keyboard.

use std::process::Stdio;

use bunsen_test_macros::database_test;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use super::document;
use crate::database::TestDatabase;
use crate::operators::Site;
use crate::operators::copies::rows;
use crate::process::{command, run, written};
use crate::vendors::element_key;

#[database_test]
async fn hostile_documents_are_refused_in_words(database: TestDatabase) {
    let site = Site::new(database).await;
    site.serve("one").await.stop().await;
    let deep = format!("{}1{}", "[".repeat(200_000), "]".repeat(200_000));
    let inside = |text: &str| format!("{{\"organizations\": [{text}]}}");
    let instance = |text: &str| {
        inside(&format!(
            "{{\"name\": \"O\", \"accounts\": [{{\"externalId\": \"a\", \"users\": [{{\"email\": \"a@b.example\", \
             \"firstName\": \"A\", \"lastName\": \"B\", \"instances\": [{{\"element\": \"{}\", {text}}}]}}]}}]}}",
            element_key()
        ))
    };
    let long = "x".repeat(3_000_000);
    for (text, words) in [
        (String::new(), "the document is empty"),
        (
            "nonsense".into(),
            "is not JSON: unexpected character at line 1",
        ),
        ("{\"organizations\": [".into(), "it ends too early"),
        ("7".into(), "the document: must be an object, not a number"),
        ("{}".into(), "'organizations' is missing"),
        (
            "{\"organizations\": [7]}".into(),
            "organizations[0]: must be an object, not a number",
        ),
        (
            "{\"organizations\": [], \"version\": 2}".into(),
            "version: is not 1",
        ),
        (
            "{\n  \"organizations\": [\u{201c}x\u{201d}]\n}".into(),
            "line 2, column 21 has the curly quote \u{201c}",
        ),
        (
            "{\"organizations\": [], \"organizations\": []}".into(),
            "has 'organizations' twice",
        ),
        (
            inside("{\"name\": \"a\", \"name\": \"b\"}"),
            "organizations[0]: has 'name' twice",
        ),
        (
            inside("{\"name\": \"a\\u0000b\"}"),
            "organizations[0].name: holds a NUL",
        ),
        (
            inside("{\"name\": \"a\", \"id\": 99999999999999999999999}"),
            "organizations[0].id: must be a whole number",
        ),
        (
            inside("{\"name\": \"a\", \"id\": 1e2}"),
            "organizations[0].id: must be a whole number",
        ),
        (
            inside("{\"name\": \"\\ud800\"}"),
            "half of a surrogate pair",
        ),
        (
            inside(&format!("{{\"name\": \"{long}\"}}")),
            "organizations[0].name: The name must have",
        ),
        (
            inside(&format!("{{\"name\": \"a\", \"{long}\": 1}}")),
            "is not known here",
        ),
        (
            instance(&format!("\"name\": \"{long}\"")),
            "instances[0].name: 'name' is longer",
        ),
        (
            instance(&format!(
                "\"name\": \"n\", \"configuration\": {{\"username\": \"{long}\"}}"
            )),
            "configuration: 'configuration' is larger",
        ),
        (
            instance("\"name\": \"n\", \"configuration\": {\"a\": 1, \"a\": 2}"),
            "configuration: has 'a' twice",
        ),
        (
            instance(&format!(
                "\"name\": \"n\", \"configuration\": {{\"username\": {deep}}}"
            )),
            "configuration",
        ),
        (deep, ""),
    ] {
        let file = site.written("import.json", &json!(null));
        std::fs::write(&file, &text).expect("written");
        let before = rows(&site.database.pool).await;
        let said = site.refused(&["import", &file]).await;
        assert!(
            said.contains(words),
            "{words}: {}",
            said.chars().take(2000).collect::<String>()
        );
        assert!(said.len() < 5000, "{words}: {} bytes are said", said.len());
        assert_eq!(rows(&site.database.pool).await, before);
    }
    let file = site.written("import.json", &json!(null));
    std::fs::write(&file, b"{\"organizations\": [{\"name\": \"\xff\"}]}").expect("written");
    let said = site.refused(&["import", &file]).await;
    assert!(said.contains("is not UTF-8 (byte 30)"), "{said}");
    // Refused by its size alone; the file has no content.
    let sparse = std::fs::File::create(&file).expect("a file");
    sparse.set_len(1024 * 1024 * 1024 + 1).expect("a length");
    let said = site.refused(&["import", &file]).await;
    assert!(said.contains("is larger than"), "{said}");
    std::fs::remove_file(&file).expect("removed");
    let said = site.refused(&["import", &file]).await;
    assert!(said.contains("cannot be read"), "{said}");
}

/// A thousand mistakes are not a thousand lines.
#[database_test]
async fn only_so_many_mistakes_are_told(database: TestDatabase) {
    let site = Site::new(database).await;
    site.serve("one").await.stop().await;
    let wrong: Vec<_> = (0..1000).map(|_| json!({})).collect();
    let text = site.mistakes(&json!({"organizations": wrong})).await;
    assert!(
        text.contains("organizations[199]: 'name' is missing"),
        "{text}"
    );
    assert!(text.contains("and 800 more"), "{text}");
}

#[database_test]
async fn a_file_that_others_can_read_is_warned_about(database: TestDatabase) {
    let site = Site::new(database).await;
    site.serve("one").await.stop().await;
    let file = site.folder.text("open.json");
    std::fs::write(&file, document().to_string()).expect("written");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(&file, open).expect("a mode");
    let output = run(&site.arguments(&["import", &file, "--dry-run"])).await;
    let said = written(&output);
    assert!(
        output.status.success() && said.contains("can be read by others (mode 0644)"),
        "{said}"
    );
    assert!(
        said.contains("Nothing was written")
            && said.contains("organization 700 'Acorn Works': created"),
        "{said}"
    );

    // From standard input there is nothing to warn about.
    let arguments = site.arguments(&["import", "-"]);
    let mut importing = command(&arguments)
        .stdin(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = importing.stdin.take().expect("a pipe");
    let text = format!("\u{feff}{}", document());
    stdin.write_all(text.as_bytes()).await.expect("written");
    drop(stdin);
    let output = importing.wait_with_output().await.expect("it ends");
    let said = written(&output);
    assert!(
        output.status.success() && !said.contains("can be read by others"),
        "{said}"
    );
    assert_eq!(
        site.count("select count(*) from organizations where id = 700")
            .await,
        1
    );
}
