//! Our `lodash` and `moment` beside the real packages: the same thousands of expressions in our engine
//! and in node, see `tests/web/libraries/`.
//!
//! Without node the tests say that they were skipped; with `BUNSEN_WEB_TESTS=required` they fail then.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde::Deserialize;

use super::*;
use crate::node;

/// Expressions in one run of a script.
const BATCH: usize = 500;

/// Where ours is not as the real one, and why.
const DIFFERENT: [(&str, &str); 2] = [
    (
        "_.sortedLastIndex(5, null)",
        "the real one makes NaN of a list that is none; ours says where in an empty one",
    ),
    (
        "_.mergeWith({a: new Date(0), r: /x/g, m: new Map([[\"k\", {v: 1}]])}, {a: null, b: undefined, c: NaN}, ((...r) => r))",
        "shows the real one's own kind of map, which a customizer gets as its last argument",
    ),
];

/// Names that ours has not.
const ABSENT: [(&str, &str); 5] = [
    (
        "require('moment').tz.dataVersion",
        "the rules are the server's, not packed into the script",
    ),
    (
        "require('moment').tz._zones",
        "packed rules, read by nobody else",
    ),
    ("require('moment').tz._links", "the same"),
    ("require('moment').tz._names", "the same"),
    ("require('moment').tz._countries", "the same"),
];

#[derive(Deserialize)]
struct Real {
    suites: Vec<Suite>,
    names: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Suite {
    name: String,
    /// What stands before the expressions.
    begin: String,
    /// An expression, and what it is.
    cases: Vec<(String, String)>,
}

fn ask() -> Result<Real, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/web");
    node::ready(&folder)?;
    let ran = Command::new("node")
        .arg("libraries/real.mjs")
        .current_dir(&folder)
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .output();
    let ran = ran.map_err(|error| error.to_string())?;
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    Ok(serde_json::from_slice(&ran.stdout).expect("JSON"))
}

/// `None`: skipped, and it was said why.
fn real() -> Option<&'static Real> {
    static REAL: OnceLock<Result<Real, String>> = OnceLock::new();
    match REAL.get_or_init(ask) {
        Ok(real) => Some(real),
        Err(missing) => {
            node::skipped("the comparison with the real libraries", missing);
            None
        }
    }
}

/// What ours says to these expressions.
async fn ours(scripts: &Scripts, begin: &str, expressions: &[(String, String)]) -> Vec<String> {
    let list: Vec<String> = expressions
        .iter()
        .map(|(expression, _)| format!("() => ({expression})"))
        .collect();
    let source = format!(
        "{begin}; const list = [{}];
         done({{found: list.map(one => {{ try {{ return show(one()) }} catch (e) {{ return 'throws ' + e.name }} }})}})",
        list.join(",\n")
    );
    let mut said = result(scripts, &source, json!({})).await;
    serde_json::from_value(said["found"].take()).expect("a list of texts")
}

async fn compare(name: &str, least: usize) {
    let Some(real) = real() else { return };
    let suite = real.suites.iter().find(|suite| suite.name == name);
    let suite = suite.expect("a suite");
    assert!(suite.cases.len() > least, "{} cases", suite.cases.len());
    let scripts = scripts();
    let mut wrong = Vec::new();
    for batch in suite.cases.chunks(BATCH) {
        let found = ours(&scripts, &suite.begin, batch).await;
        assert_eq!(found.len(), batch.len());
        for ((expression, expected), found) in batch.iter().zip(found) {
            let known = DIFFERENT.iter().any(|(one, _)| one == expression);
            if known == (found == *expected) {
                wrong.push(format!("{expression}\n  is {found}\n  not {expected}"));
            }
        }
    }
    let shown = wrong.len().min(40);
    assert!(
        wrong.is_empty(),
        "{} of {} differ (or no longer do):\n{}",
        wrong.len(),
        suite.cases.len(),
        wrong[..shown].join("\n")
    );
}

#[tokio::test]
async fn lodash_says_what_the_real_one_says() {
    compare("lodash", 7000).await;
}

#[tokio::test]
async fn its_curried_form_says_what_the_real_one_says() {
    compare("lodash/fp", 200).await;
}

#[tokio::test]
async fn moment_says_what_the_real_one_says() {
    compare("moment", 14_000).await;
}

#[tokio::test]
async fn every_name_of_the_real_ones_is_there() {
    let Some(real) = real() else { return };
    let scripts = scripts();
    let mut absent = Vec::new();
    for (object, names) in &real.names {
        assert!(!names.is_empty(), "{object}");
        let source = format!(
            "const has = {object}; done({{found: {}.filter(name => !(name in has))}})",
            json!(names)
        );
        let mut said = result(&scripts, &source, json!({})).await;
        let found: Vec<String> = serde_json::from_value(said["found"].take()).expect("names");
        absent.extend(found.iter().map(|name| format!("{object}.{name}")));
    }
    let expected: Vec<&str> = ABSENT.iter().map(|(name, _)| *name).collect();
    assert_eq!(absent, expected);
}
