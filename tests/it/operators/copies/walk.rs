//! The way from one major version of Postgres to the next, with the versions at hand: the private
//! database is left, and a new one is made of its backup.

use serde_json::Value;

use crate::answer::Answer;
use crate::process::{Folder, Server, run, serve, written};
use crate::vendors::{Vendors, example};

async fn works(server: &Server, authorization: &str, before: &Value) {
    let read = format!("/instances/{}", before["id"]);
    let read = Answer::of(server.request("GET", &read, authorization)).await;
    assert_eq!(read.success(), *before);
    // The stored credentials open: the vendor takes them once more.
    let change = serde_json::json!({"configuration": example()["configuration"]});
    let path = format!("/instances/{}", before["id"]);
    let changed = server.request("PATCH", &path, authorization).json(&change);
    Answer::of(changed).await.success();
    let token = before["token"].as_str().expect("a token");
    let user = authorization.split(',').next().expect("a user");
    let own = server.request(
        "GET",
        "/instances/configuration",
        &format!("{user}, Element {token}"),
    );
    Answer::of(own).await.success();
}

async fn succeed(arguments: &[&str]) -> String {
    let output = run(arguments).await;
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        written(&output)
    );
    written(&output)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_database_moves_to_a_new_cluster() {
    let vendors = Vendors::start().await;
    let folder = Folder::new();
    let (data, other) = (folder.text("data"), folder.text("other"));
    let sandbox = ["--sandbox", vendors.url.as_str()];
    let server = serve(data.as_ref(), &sandbox).await;
    let authorization = server.authorization();
    let before = server.create(&authorization, &example()).await;
    let beside = folder.text("beside.backup");
    succeed(&["backup", &beside, "--data-dir", &data]).await;
    let refused = run(&["restore", &beside, "--data-dir", &data]).await;
    assert!(
        written(&refused).contains("empty database"),
        "{}",
        written(&refused)
    );
    server.stop().await;

    // As the supervisor says when the cluster is of another version.
    let backup = folder.text("move.backup");
    let said = succeed(&["backup", &backup, "--data-dir", &data]).await;
    assert!(
        said.contains("1 instances") && said.contains("keys export"),
        "{said}"
    );
    for name in ["pg", "pg.password"] {
        let aside = format!("{data}/{name}.old");
        std::fs::rename(format!("{data}/{name}"), aside).expect("moved");
    }
    let said = succeed(&["restore", &backup, "--data-dir", &data]).await;
    assert!(said.contains("--sandbox"), "{said}");
    let server = serve(data.as_ref(), &sandbox).await;
    assert_eq!(server.authorization(), authorization);
    works(&server, &authorization, &before).await;
    server.stop().await;

    // Another machine: only the backup and the exported keyring get there.
    let (phrase, export) = (
        folder.text("phrase.txt"),
        folder.text("keyring.export.json"),
    );
    std::fs::write(&phrase, "correct horse battery staple").expect("written");
    succeed(&[
        "keys",
        "export",
        "--data-dir",
        &data,
        "--passphrase-file",
        &phrase,
        &export,
    ])
    .await;
    let without = run(&["restore", &beside, "--data-dir", &other]).await;
    let text = written(&without);
    assert!(
        !without.status.success() && text.contains("bunsen keys import"),
        "{text}"
    );
    succeed(&[
        "keys",
        "import",
        "--data-dir",
        &other,
        "--passphrase-file",
        &phrase,
        &export,
    ])
    .await;
    succeed(&["restore", &beside, "--data-dir", &other]).await;
    let production = crate::process::try_serve(other.as_ref(), &[]).await;
    let refused = production.expect_err("the stamp is a sandbox's");
    assert!(
        written(&refused).contains("sandbox"),
        "{}",
        written(&refused)
    );
    let server = serve(other.as_ref(), &sandbox).await;
    works(&server, &authorization, &before).await;
    server.stop().await;
}
