//! Hub calls against the simulated vendors, by data alone: `elements/*/cases/calls/*.json` say what
//! a caller sends, what it is answered and what the vendor got (`docs/cases.md`), and `cases/lists.json`
//! what the machine needs to try every list and every record by itself.
//!
//! Every element has a server, a database and simulated vendors of its own, so that elements do not
//! meet in a journal and run side by side.

mod definition;
mod file;
mod lists;
mod pattern;
mod place;
mod records;
mod refusals;
mod run;

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use crate::answer::Findings;
use crate::database;
use definition::{Definition, definitions};
use file::case_files;
use place::Place;

/// Runs `test` for every element with hub calls, each on its own thread.
fn of_every_element(test: impl AsyncFn(&Place, &mut Findings) + Sync) {
    let definitions = definitions();
    assert!(!definitions.is_empty(), "no element has hub calls");
    let test = &test;
    let mut findings = Findings::default();
    std::thread::scope(|threads| {
        let spawn = |definition: Definition| {
            threads.spawn(move || {
                database::run(async |database| {
                    let place = Place::start(definition, database).await;
                    let mut findings = Findings::default();
                    test(&place, &mut findings).await;
                    findings
                })
            })
        };
        let running: Vec<_> = definitions.into_iter().map(spawn).collect();
        for thread in running {
            findings.append(thread.join().expect("the element's thread ends"));
        }
    });
    findings.none();
}

fn elements() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("elements")
}

fn read(path: &std::path::Path) -> Value {
    let text = std::fs::read_to_string(path);
    let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn case_files_are_as_described() {
    let schema = read(&elements().join("../schemas/cases.json"));
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    let mut findings = Findings::default();
    let mut seen = 0;
    for definition in definitions() {
        for path in file::paths(&definition.key) {
            for error in schema.iter_errors(&read(&path)) {
                let place = error.instance_path();
                findings.add(format!("{}{place}: {error}", path.display()));
            }
            seen += 1;
        }
    }
    assert!(seen > 0);
    findings.none();
}

#[test]
fn every_operation_has_a_case() {
    let mut findings = Findings::default();
    for definition in definitions() {
        let files = case_files(&definition.key);
        let steps = files.iter().flat_map(|file| &file.cases);
        let calls: Vec<_> = steps.flat_map(|case| case.calls()).collect();
        for operation in &definition.operations {
            let tried = calls.iter().any(|call| {
                call.answer.status == 200
                    && definition.operation(call.method(), call.path()) == Some(operation)
            });
            findings.check(tried, || {
                format!("{}: no case answers {operation}", definition.key)
            });
        }
        let answered = |method: &str, path: &str| {
            let mut calls = calls.iter().filter(|call| call.answer.status == 200);
            calls.any(|call| definition.is_call(method, path, call.method(), call.path()))
        };
        findings.check(answered("GET", "/ping"), || {
            format!("{}: no case answers GET /ping", definition.key)
        });
        // One of the paths that each of them stands for.
        let resources: BTreeSet<_> = definition.by_name.iter().map(|one| one.id()).collect();
        for resource in resources {
            let mut paths = definition.by_name.iter().filter(|one| one.id() == resource);
            findings.check(paths.any(|one| answered(&one.method, &one.path)), || {
                format!("{}: no case answers resource {resource}", definition.key)
            });
        }
        for call in calls.iter().filter(|call| call.answer.status == 200) {
            // Every element says what its records hold, without an operation of its own.
            let (method, path) = (call.method(), call.path());
            let known = definition.operation(method, path).is_some()
                || definition.is_by_name(method, path)
                || path.starts_with("/objects")
                || path == "/ping";
            findings.check(known, || {
                format!("{}: {} is no operation", definition.key, call.call)
            });
        }
    }
    findings.none();
}

#[test]
fn cases_of_every_element() {
    of_every_element(async |place, findings| {
        for file in case_files(&place.definition.key) {
            for case in &file.cases {
                run::case(place, &file.name, case, findings).await;
            }
        }
    });
}
