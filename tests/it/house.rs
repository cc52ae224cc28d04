//! What stands beside the code and nobody compiles: scripts, README, container files.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use saphyr::{LoadableYamlNode, Yaml};

use crate::structure::root;
use crate::structure::source::files;

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Standard output of a program that must succeed.
fn output_of(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {complaint}"
    );
    String::from_utf8(output.stdout).expect("text")
}

// ---------------------------------------------------------------- scripts

const SCRIPTS: [&str; 4] = ["run", "test", ".ci/run", ".ci/quick-start"];

#[test]
fn scripts_are_executable_and_parse() {
    for script in SCRIPTS {
        let mode = fs::metadata(root().join(script))
            .expect(script)
            .permissions()
            .mode();
        assert_eq!(mode & 0o111, 0o111, "{script} is not executable");
        assert!(
            read(script).starts_with("#!/usr/bin/env bash\n"),
            "{script}"
        );
        assert!(read(script).contains("\nset -euo pipefail\n"), "{script}");
    }
    for script in SCRIPTS.iter().chain(&["scripts/prerequisites.sh"]) {
        output_of("bash", &["-n", script]);
    }
}

#[test]
fn the_scripts_explain_themselves() {
    assert!(output_of("./run", &["--help"]).contains("BUNSEN_DATA_DIR"));
}

/// What `prerequisites.sh` finds in the folders and versions of this test alone.
fn prerequisites(commands: &str) -> String {
    let script = format!("root=$PWD\n. scripts/prerequisites.sh\n{commands}");
    output_of("bash", &["-euo", "pipefail", "-c", &script])
}

#[test]
fn versions_are_compared_as_numbers() {
    for (have, want, enough) in [
        ("1.95.0", "1.95", true),
        ("1.100.1", "1.95", true),
        ("2.0", "1.95", true),
        ("1.94.9", "1.95", false),
        ("1.9", "1.95", false),
    ] {
        let answer = prerequisites(&format!(
            "if version_at_least {have} {want}; then echo true; else echo false; fi"
        ));
        assert_eq!(answer.trim(), enough.to_string(), "{have} for {want}");
    }
}

#[test]
fn the_newest_complete_postgres_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let programs = |name: &str, version: &str, files: &[&str]| {
        let bin = folder.path().join(name);
        fs::create_dir_all(&bin).expect("a folder");
        for file in files {
            let text = format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n");
            fs::write(bin.join(file), text).expect("a program");
            fs::set_permissions(bin.join(file), fs::Permissions::from_mode(0o755)).expect("a mode");
        }
        bin.display().to_string()
    };
    let old = programs("old", "14.3", &["postgres", "initdb"]);
    let good = programs("good", "17.2 (Some Linux)", &["postgres", "initdb"]);
    let incomplete = programs("incomplete", "18.0", &["postgres"]);
    let newest = |folders: &[&str]| {
        let list = folders.join("' '");
        prerequisites(&format!(
            "postgres_folders() {{ printf '%s\\n' '{list}'; }}\nnewest_postgres\nhas_postgres && echo enough || echo old"
        ))
    };
    assert_eq!(newest(&[&old, &good, &incomplete]), "17\nenough\n");
    assert_eq!(newest(&[&old, "/nowhere"]), "14\nold\n");
    assert_eq!(newest(&[]), "0\nold\n");
}

// ---------------------------------------------------------------- README

/// The fenced text after `<!-- quick start: NAME -->`, found without the script's help.
fn quick_start(readme: &str, name: &str) -> String {
    let marker = format!("<!-- quick start: {name} -->\n```sh\n");
    let (_, rest) = readme
        .split_once(&marker)
        .unwrap_or_else(|| panic!("README: {name}"));
    let (block, _) = rest
        .split_once("```\n<!-- end -->\n")
        .expect("an end of the block");
    block.to_owned()
}

#[test]
fn the_quick_start_is_what_ci_executes() {
    let readme = read("README.md");
    let names: Vec<&str> = readme
        .lines()
        .filter_map(|line| {
            line.strip_prefix("<!-- quick start: ")?
                .strip_suffix(" -->")
        })
        .collect();
    assert_eq!(names, ["server", "create", "more"]);
    for name in names {
        let executed = output_of(".ci/quick-start", &["--print", name]);
        assert_eq!(executed, quick_start(&readme, name), "block {name}");
    }
    assert_eq!(quick_start(&readme, "server"), "./run\n");
    // Two commands: the second terminal needs one.
    assert_eq!(quick_start(&readme, "create").matches("curl ").count(), 1);
    assert!(read(".ci/run").contains("\nstage 'quick start' .ci/quick-start\n"));
}

#[test]
fn the_data_folder_is_the_same_everywhere() {
    let script = read("run");
    let line = script
        .lines()
        .find_map(|line| line.strip_prefix("BUNSEN_DATA_DIR="))
        .expect("run sets the data folder");
    let expression = line.trim_matches('"');
    let readme = read("README.md");
    assert_eq!(readme.matches(expression).count(), 3, "{expression}");
    assert_eq!(
        readme.matches("BUNSEN_DATA_DIR:-").count(),
        3,
        "another expression in README"
    );

    let shown = |variable: &str| {
        let script = format!("{variable} HOME=/somewhere; printf %s {line}");
        output_of("bash", &["-euo", "pipefail", "-c", &script])
    };
    assert_eq!(shown("BUNSEN_DATA_DIR=/given"), "/given");
    let fallback = shown("unset BUNSEN_DATA_DIR;");
    let places = [
        "/var/lib/bunsen-sandbox",
        "/somewhere/.local/share/bunsen-sandbox",
    ];
    assert!(places.contains(&fallback.as_str()), "{fallback}");
}

#[test]
fn what_the_readme_posts_and_links_to_exists() {
    let readme = read("README.md");
    let posted = readme
        .split("-d @")
        .skip(1)
        .filter_map(|rest| rest.split_whitespace().next());
    let linked = readme
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let mut count = 0;
    for path in posted.chain(linked.filter(|target| !target.contains("://"))) {
        assert!(root().join(path).exists(), "README.md names {path}");
        count += 1;
    }
    assert!(count > 5, "the README's paths were not found");
}

// ---------------------------------------------------------------- containers

#[test]
fn the_compose_file_parses_and_keeps_its_promises() {
    let text = read("docker-compose.yml");
    let documents = Yaml::load_from_str(&text).expect("docker-compose.yml is YAML");
    assert_eq!(documents.len(), 1);
    let compose = &documents[0];
    let service = |name: &str| &compose["services"][name];
    let words = |node: &Yaml<'_>| -> Vec<String> {
        let items = node
            .as_vec()
            .map(|list| list.iter().filter_map(Yaml::as_str).map(String::from));
        items.into_iter().flatten().collect()
    };

    assert_eq!(
        words(&service("server")["healthcheck"]["test"]),
        ["CMD", "bunsen", "health"]
    );
    assert_eq!(
        service("server")["restart"].as_str(),
        Some("unless-stopped")
    );
    assert_eq!(
        service("database")["restart"].as_str(),
        Some("unless-stopped")
    );
    assert!(
        service("database")["image"]
            .as_str()
            .is_some_and(|name| name.starts_with("postgres:17"))
    );
    assert!(
        service("database").as_mapping_get("ports").is_none(),
        "the database is published"
    );
    let waits = |name: &str, other: &str| {
        service(name)["depends_on"][other]["condition"]
            .as_str()
            .map(String::from)
    };
    assert_eq!(
        waits("server", "init").as_deref(),
        Some("service_completed_successfully")
    );
    assert_eq!(
        waits("server", "database").as_deref(),
        Some("service_healthy")
    );
    assert_eq!(
        waits("database", "init").as_deref(),
        Some("service_completed_successfully")
    );

    let script = words(&service("init")["command"]).join("\n");
    assert!(
        script.contains("bunsen keys init --keyring /secrets/keyring.json"),
        "{script}"
    );
    // Compose itself turns `$$` into `$`.
    output_of("sh", &["-n", "-c", &script.replace("$$", "$")]);

    // Named volumes: declared and used, both ways.
    let declared: BTreeSet<String> = compose["volumes"]
        .as_mapping()
        .expect("volumes")
        .keys()
        .filter_map(|name| name.as_str().map(String::from))
        .collect();
    let used: BTreeSet<String> = ["init", "database", "server"]
        .iter()
        .flat_map(|name| words(&service(name)["volumes"]))
        .filter_map(|mount| mount.split(':').next().map(String::from))
        .collect();
    assert_eq!(declared, used);
    for line in text.lines().filter(|line| line.contains("PASSWORD")) {
        assert!(
            line.contains("PASSWORD_FILE:"),
            "a password in the compose file: {line}"
        );
    }
}

/// Sources of the COPY lines that take from this repository.
fn copied(dockerfile: &str) -> Vec<&str> {
    dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("COPY "))
        .filter(|arguments| !arguments.starts_with("--from="))
        .flat_map(|arguments| {
            let mut words: Vec<&str> = arguments.split_whitespace().collect();
            words.pop();
            words
        })
        .collect()
}

#[test]
fn the_image_gets_what_it_copies_and_what_it_builds_from() {
    let dockerfile = read("Dockerfile");
    let copied = copied(&dockerfile);
    let ignored = read(".dockerignore");
    for path in &copied {
        assert!(
            root().join(path).exists(),
            "Dockerfile copies {path}, which does not exist"
        );
        assert!(
            ignored.lines().any(|line| line == format!("!{path}")),
            ".dockerignore hides {path}"
        );
    }
    // Cargo reads every member's manifest, whichever package is built.
    let manifest = read("Cargo.toml");
    let members = manifest
        .lines()
        .find(|line| line.starts_with("members = "))
        .expect("members");
    let needed = members.split('"').skip(1).step_by(2);
    for path in needed.chain(["src", "migrations", "elements", "Cargo.toml", "Cargo.lock"]) {
        let has = copied
            .iter()
            .any(|source| path == *source || path.starts_with(&format!("{source}/")));
        assert!(
            has,
            "the build needs {path}, which the Dockerfile does not copy"
        );
    }
    for line in ["USER 10001:10001", "EXPOSE 8080", "ENTRYPOINT [\"bunsen\"]"] {
        assert!(
            dockerfile.lines().any(|found| found == line),
            "Dockerfile lacks {line}"
        );
    }
    assert!(dockerfile.contains("HEALTHCHECK") && dockerfile.contains("[\"bunsen\", \"health\"]"));
    assert!(dockerfile.contains("ca-certificates"));
    let version = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = \""))
        .expect("rust-version")
        .trim_end_matches('"');
    assert!(
        dockerfile.contains(&format!("FROM rust:{version}-")),
        "the Dockerfile's Rust is not {version}"
    );
}

#[test]
fn settings_that_are_named_exist() {
    let known = read("src/config.rs")
        + &read("src/config/front.rs")
        + &read("src/config/keys.rs")
        + &read("src/config/people.rs")
        + &read("sandbox/tests/it/described.rs")
        + &read("tests/it/node.rs")
        + "\"BUNSEN_BUILD_PROFILE\"";
    for path in [
        "Dockerfile",
        "docker-compose.yml",
        ".env.example",
        "README.md",
        "run",
        ".ci/run",
        "scripts/prerequisites.sh",
    ] {
        let text = read(path);
        for word in text.split(|sign: char| !sign.is_ascii_uppercase() && sign != '_') {
            if word.starts_with("BUNSEN_") {
                assert!(
                    known.contains(&format!("\"{word}\"")),
                    "{path} names {word}, which nothing reads"
                );
            }
        }
    }
}

// ---------------------------------------------------------------- words

/// Where a text speaks of one machine's folders or of the host of a package registry.
fn foreign_words(text: &str) -> Vec<String> {
    // In two halves, since this file is searched as well.
    let hosts = [
        ("crates", ".io"),
        ("npmjs", ".com"),
        ("npmjs", ".org"),
        ("pypi", ".org"),
        ("rubygems", ".org"),
    ];
    let folders = [
        ("/wo", "rk/"),
        ("/ro", "ot/"),
        ("/ho", "me/"),
        ("/tmp/", "wt"),
        ("/Us", "ers/"),
    ];
    let mut found = Vec::new();
    for line in text.lines() {
        if hosts
            .iter()
            .any(|(one, two)| line.contains(&[*one, *two].concat()))
        {
            found.push(line.to_owned());
        }
        for (one, two) in folders {
            let folder = [one, two].concat();
            // Part of a longer path or address is something else: `https://host/home/`; and a record's
            // path of a vendor's has a variable.
            let at_start = line.match_indices(&folder).any(|(at, _)| {
                let is_variable = line[at + folder.len()..].starts_with('{');
                !is_variable
                    && !line[..at]
                        .ends_with(|sign: char| sign.is_alphanumeric() || "._-}~".contains(sign))
            });
            if at_start {
                found.push(line.to_owned());
            }
        }
    }
    found
}

#[test]
fn nothing_speaks_of_one_machine_or_of_a_registry() {
    let mut complaints = Vec::new();
    for path in files(&root(), &["."]) {
        if path == ".git" || path == ".env" || path.ends_with(".lock") {
            continue;
        }
        if let Ok(text) = fs::read_to_string(root().join(&path)) {
            complaints.extend(
                foreign_words(&text)
                    .into_iter()
                    .map(|line| format!("{path}: {line}")),
            );
        }
    }
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn foreign_words_are_found() {
    for (one, two) in [
        ("see /ho", "me/me/x"),
        ("\"/ro", "ot/.cargo\""),
        ("https://crates", ".io/x"),
        ("cd /wo", "rk/a"),
    ] {
        assert_eq!(foreign_words(&[one, two].concat()).len(), 1, "{one}{two}");
    }
    let fine = [
        "https://vendor.example/ho",
        "me/start and ~/wo",
        "rk/x, elements/work/",
    ];
    assert!(foreign_words(&fine.concat()).is_empty());
}
