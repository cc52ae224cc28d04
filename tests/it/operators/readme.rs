//! The commands that the README gives to operators, as they stand there.

use crate::answer::Answer;
use crate::process::{Folder, command, serve, written};
use crate::structure::root;
use crate::vendors::{Vendors, example};

fn block(name: &str) -> Vec<String> {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("README.md");
    let marker = format!("<!-- {name} -->\n```sh\n");
    let (_, rest) = readme.split_once(&marker).expect("the block");
    let (block, _) = rest.split_once("```\n<!-- end -->").expect("its end");
    let lines = block.lines().filter(|line| line.starts_with("bunsen "));
    lines.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_for_operators_run() {
    let vendors = Vendors::start().await;
    let folder = Folder::new();
    let (first, second) = (folder.path("first"), folder.path("second"));
    let sandbox = ["--sandbox", vendors.url.as_str()];
    let server = serve(&first, &sandbox).await;
    let authorization = server.authorization();
    let before = server.create(&authorization, &example()).await;

    let backups = folder.path("backups");
    std::fs::create_dir(&backups).expect("a folder");
    std::fs::write(folder.path("phrase.txt"), "correct horse battery staple").expect("written");
    let docs = std::fs::read_to_string(root().join("docs/import.md")).expect("docs");
    let document = docs
        .split("```json")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    std::fs::write(
        folder.path("organizations.json"),
        document.expect("an example"),
    )
    .expect("written");

    let lines = block("operating");
    assert_eq!(lines.len(), 6, "{lines:?}");
    for line in lines {
        // What follows the export happens on another machine.
        let elsewhere = second.exists() || line.contains("keys import");
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        let words: Vec<String> = words
            .into_iter()
            .map(|word| word.replace("/var/backups/bunsen", &backups.display().to_string()))
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = command(&words)
            .current_dir(folder.path("."))
            .env("BUNSEN_DATA_DIR", if elsewhere { &second } else { &first })
            .output()
            .await
            .expect("the binary runs");
        assert!(output.status.success(), "{line}: {}", written(&output));
        if line.contains(" backup ") {
            let made = std::fs::read_dir(&backups)
                .expect("a folder")
                .flatten()
                .next();
            let made = made.expect("a backup").path();
            std::fs::copy(made, folder.path("today.backup")).expect("copied");
        }
    }
    server.stop().await;
    let server = serve(&second, &sandbox).await;
    let path = format!("/instances/{}", before["id"]);
    let read = Answer::of(server.request("GET", &path, &authorization)).await;
    assert_eq!(read.success(), before);
    let hazel = "User aGF6ZWwtZWxkZXItaXMtYS1zZWNyZXQtdXNlci0wMDE=, Organization 0f1e2d3c4b5a69788796a5b4c3d2e1f0";
    let imported = Answer::of(server.request("GET", "/instances/417", hazel)).await;
    assert_eq!(imported.success()["valid"], true);
    server.stop().await;
}
