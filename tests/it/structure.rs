//! The invariants of ARCHITECTURE.md, read off the sources. Each rule is a function from sources to
//! complaints, so that the same function is shown to fire on a bad sample (`structure/fires.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

mod fires;
pub mod source;

use source::{Mention, Source, files, sources};

const LONGEST_FILE: usize = 500;

/// What nothing else has to allow: everybody may import these.
const FOR_EVERYBODY: [&str; 2] = ["ids", "error"];

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn assert_none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

// ---------------------------------------------------------------- where a crate may be used

/// Crates that belong to some places only, with the reason.
struct Confined {
    crates: &'static [&'static str],
    places: &'static [&'static str],
    reason: &'static str,
}

const CONFINED: [Confined; 3] = [
    Confined {
        crates: &["axum"],
        places: &["src/http/", "src/main.rs"],
        reason: "use cases must be callable without HTTP",
    },
    Confined {
        crates: &["sqlx", "jiff_sqlx"],
        // The two single files only give their types a form in the database.
        places: &["src/store/", "src/ids.rs", "src/error.rs"],
        reason: "all SQL is in the store",
    },
    Confined {
        crates: &["reqwest", "hyper_rustls"],
        places: &["src/outbound/"],
        reason: "the guard must see every call",
    },
];

fn misplaced_crates(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for rule in &CONFINED {
        let elsewhere = sources.iter().filter(|source| {
            !rule
                .places
                .iter()
                .any(|place| source.path.starts_with(place))
        });
        for source in elsewhere {
            for mention in source.mentions() {
                if rule.crates.contains(&mention.names[0].as_str()) {
                    complaints.push(format!(
                        "{}: `{}` belongs in {}: {}",
                        source.place(mention.line),
                        mention.names.join("::"),
                        rule.places.join(", "),
                        rule.reason,
                    ));
                }
            }
        }
    }
    complaints
}

#[test]
fn crates_stay_in_their_places() {
    assert_none(misplaced_crates(&sources(&root(), &["src"])));
}

// ---------------------------------------------------------------- environment

/// By `std::env` or by clap's `env`, which reads it too.
fn reads_of_the_environment(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources
        .iter()
        .filter(|source| source.path != "src/config.rs" && !source.path.starts_with("src/config/"))
    {
        let mut lines: BTreeSet<usize> = source
            .mentions()
            .iter()
            .filter(|mention| mention.names.starts_with(&["std".into(), "env".into()]))
            .map(|mention| mention.line)
            .collect();
        if !source.is_test_file() {
            let by_clap = source.attributes().into_iter().filter(|attribute| {
                attribute.name == "arg" && attribute.names_inside.iter().any(|name| name == "env")
            });
            lines.extend(by_clap.map(|attribute| attribute.line));
        }
        complaints.extend(lines.into_iter().map(|line| {
            format!(
                "{}: the environment is read in src/config.rs only",
                source.place(line)
            )
        }));
    }
    complaints
}

#[test]
fn the_environment_is_read_once() {
    assert_none(reads_of_the_environment(&sources(
        &root(),
        &["src", "engine/src"],
    )));
}

// ---------------------------------------------------------------- vendors

/// Names as people write them in code: `Maker`, `makerv2`, `the_maker`, `MAKER_URL`, `BigMaker`.
/// Whole words only, since a short key may be part of an ordinary word.
fn names_vendor(text: &str, key: &str) -> bool {
    let key = without_version(key);
    text.split(|sign: char| !sign.is_alphanumeric())
        .any(|word| {
            // Starts of the words in a camel-case name.
            let mut starts: Vec<usize> = word
                .char_indices()
                .zip(word.chars().skip(1).map(Some).chain([None]))
                .filter(|((at, sign), next)| {
                    *at == 0 || (sign.is_uppercase() && next.is_some_and(char::is_lowercase))
                })
                .map(|((at, _), _)| at)
                .collect();
            starts.push(word.len());
            (0..starts.len()).any(|from| {
                (from + 1..starts.len()).any(|to| {
                    without_version(&word[starts[from]..starts[to]].to_lowercase()) == key
                })
            })
        })
}

/// `makerv2` and `maker2` are `maker`.
fn without_version(name: &str) -> &str {
    let bare = name.trim_end_matches(|sign: char| sign.is_ascii_digit());
    let bare = if bare.len() < name.len() {
        bare.strip_suffix('v').unwrap_or(bare)
    } else {
        bare
    };
    if bare.is_empty() { name } else { bare }
}

fn vendors_in_text(path: &str, text: &str, keys: &[String]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for key in keys.iter().filter(|key| names_vendor(line, key)) {
            complaints.push(format!(
                "{path}:{}: vendors are data, \"{key}\" belongs in elements/ or sandbox/",
                number + 1
            ));
        }
    }
    complaints
}

#[test]
fn vendors_are_data() {
    let keys: Vec<String> = fs::read_dir(root().join("elements"))
        .expect("elements/ exists")
        .map(|entry| {
            entry
                .expect("a readable folder")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    let mut complaints = Vec::new();
    for path in files(&root(), &["src", "engine", "tests/it"]) {
        complaints.extend(vendors_in_text(&path, &path, &keys));
        // A file that is no text is a recording or a certificate.
        if let Ok(text) = fs::read_to_string(root().join(&path)) {
            complaints.extend(vendors_in_text(&path, &text, &keys));
        }
    }
    assert_none(complaints);
}

// ---------------------------------------------------------------- manifests

fn forbidden_dependencies(metadata: &Value) -> Vec<String> {
    let rules: [(&str, &[&str]); 2] = [
        (
            "bunsen-engine",
            &["tokio", "axum", "sqlx", "reqwest", "hyper"],
        ),
        ("bunsen", &["bunsen-sandbox"]),
    ];
    let mut complaints = Vec::new();
    for (package, forbidden) in rules {
        let found = metadata["packages"]
            .as_array()
            .and_then(|packages| packages.iter().find(|entry| entry["name"] == package))
            .unwrap_or_else(|| panic!("the workspace has a package {package}"));
        for dependency in found["dependencies"]
            .as_array()
            .expect("a list of dependencies")
        {
            let name = dependency["name"].as_str().unwrap_or_default();
            // `kind` is null for what is linked into the product.
            if dependency["kind"] != "dev" && forbidden.contains(&name) {
                complaints.push(format!("{package} must not depend on {name}"));
            }
        }
    }
    complaints
}

#[test]
fn the_engine_does_no_io_and_the_sandbox_is_not_linked() {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata = serde_json::from_slice(&output.stdout).expect("cargo speaks JSON");
    assert_none(forbidden_dependencies(&metadata));
}

// ---------------------------------------------------------------- directions

/// Who may import whom: module → modules, `None` for everything.
type Directions = BTreeMap<String, Option<BTreeSet<String>>>;

/// The table under "Map" of ARCHITECTURE.md: first and last cell of each row.
fn directions(architecture: &str) -> Directions {
    let mut rows = Directions::new();
    for line in architecture.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
        let (Some(modules), Some(allowed)) = (cells.first(), cells.last()) else {
            continue;
        };
        let allowed = (allowed.trim() != "everything").then(|| {
            in_backticks(allowed)
                .map(String::from)
                .collect::<BTreeSet<_>>()
        });
        for module in in_backticks(modules) {
            if let Some(name) = module.strip_prefix("src/") {
                let name = name.trim_end_matches('/').trim_end_matches(".rs");
                rows.insert(name.into(), allowed.clone());
            }
        }
    }
    rows
}

fn in_backticks(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The module of `src` that a mention leads to, if it leads to one.
fn target<'a>(mention: &'a Mention, modules: &Directions) -> Option<&'a str> {
    let levels_up = mention
        .names
        .iter()
        .take_while(|name| *name == "super")
        .count();
    let name = match mention.names[0].as_str() {
        "crate" => mention.names.get(1)?,
        "super" => {
            let left = mention.module.len().checked_sub(levels_up)?;
            mention.module[..left]
                .first()
                .or(mention.names.get(levels_up))?
        }
        _ => return None,
    };
    modules.contains_key(name).then_some(name.as_str())
}

fn wrong_directions(sources: &[Source], directions: &Directions) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        let own = source
            .module()
            .first()
            .cloned()
            .unwrap_or_else(|| "lib".into());
        if matches!(source.path.as_str(), "src/lib.rs" | "src/main.rs") {
            continue;
        }
        let Some(allowed) = directions.get(&own) else {
            complaints.push(format!(
                "{}: `src/{own}` has no row in ARCHITECTURE.md",
                source.path
            ));
            continue;
        };
        let Some(allowed) = allowed else { continue };
        for mention in source.mentions() {
            if let Some(other) = target(&mention, directions)
                && other != own
                && !FOR_EVERYBODY.contains(&other)
                && !allowed.contains(other)
            {
                complaints.push(format!(
                    "{}: `{own}` may not import `{other}` (ARCHITECTURE.md, Map)",
                    source.place(mention.line)
                ));
            }
        }
    }
    complaints
}

#[test]
fn imports_go_one_way() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let directions = directions(&text);
    assert!(
        directions.len() > 10,
        "the table of ARCHITECTURE.md was not understood"
    );
    let mut complaints = wrong_directions(&sources(&root(), &["src"]), &directions);
    complaints.extend(cycles(&directions));
    for module in directions.keys() {
        let below = root().join("src").join(module);
        if !below.is_dir() && !below.with_extension("rs").is_file() {
            complaints.push(format!("ARCHITECTURE.md: there is no `src/{module}`"));
        }
    }
    assert_none(complaints);
}

/// Modules that can reach themselves through the table.
fn cycles(directions: &Directions) -> Vec<String> {
    directions
        .keys()
        .filter(|start| {
            let mut open = vec![start.as_str()];
            let mut seen = BTreeSet::new();
            while let Some(module) = open.pop() {
                for next in directions.get(module).into_iter().flatten().flatten() {
                    if next == *start {
                        return true;
                    }
                    if seen.insert(next.as_str()) {
                        open.push(next);
                    }
                }
            }
            false
        })
        .map(|module| format!("ARCHITECTURE.md: `{module}` reaches itself"))
        .collect()
}

// ---------------------------------------------------------------- habits

const NAMES_WITHOUT_A_JOB: [&str; 7] = [
    "util", "utils", "common", "core", "helper", "helpers", "misc",
];

fn modules_without_a_job(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        let declared = source.declared_modules();
        let by_file = Path::new(&source.path)
            .with_extension("")
            .iter()
            .map(|name| (1, name.to_string_lossy().into_owned()))
            .collect::<Vec<_>>();
        for (line, name) in declared.into_iter().chain(by_file) {
            if NAMES_WITHOUT_A_JOB.contains(&name.as_str()) {
                complaints.push(format!(
                    "{}: a module named `{name}` has no job; name it after one",
                    source.place(line)
                ));
            }
        }
    }
    complaints
}

fn silenced(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        for attribute in source.attributes() {
            let conditional = attribute.name == "cfg_attr";
            let is = |name: &str| {
                attribute.name == name
                    || (conditional && attribute.names_inside.iter().any(|inside| inside == name))
            };
            if is("ignore") {
                complaints.push(format!(
                    "{}: no ignored tests; assert what happens today, with a note",
                    source.place(attribute.line)
                ));
            }
            if is("allow") {
                complaints.push(format!(
                    "{}: `#[expect(…, reason = \"…\")]` instead of `allow`",
                    source.place(attribute.line)
                ));
            }
        }
    }
    complaints
}

fn too_long(sources: &[Source]) -> Vec<String> {
    sources
        .iter()
        .map(|source| (source, source.text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_FILE)
        .map(|(source, lines)| format!("{}: {lines} lines; split by {LONGEST_FILE}", source.path))
        .collect()
}

#[test]
fn modules_have_a_job_and_nothing_is_silenced_or_too_long() {
    let all = sources(&root(), &["."]);
    assert!(all.len() > 20, "the sources were not found");
    let mut complaints = modules_without_a_job(&all);
    complaints.extend(silenced(&all));
    complaints.extend(too_long(&all));
    assert_none(complaints);
}
