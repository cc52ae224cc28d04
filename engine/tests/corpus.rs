//! Replays what a fuzzer, or a person, has found worth keeping, one text a file: `corpus/ceql` holds
//! expressions, `corpus/template` and `corpus/path` what definitions are written with. What `read-`
//! begins with is read and written back the same, what `refused-` begins with is refused inside of
//! it; nothing panics, on any record. `corpus/json` and `corpus/token` are replayed in `src/hub/tests`.

use std::fmt::Display;
use std::fs;
use std::path::Path;

use bunsen_engine::ceql::{Fields, Order, Select, parse};
use bunsen_engine::configuration::{Value, Values};
use bunsen_engine::language::{AnswerPath, Placeholders, SyntaxError, Template};
use serde_json::json;

const RECORDS: [&str; 5] = [
    "{\"a\":[1,{\"a\":null}],\"b\":\"2017-01-01\",\"email\":\"z'q@x.example\"}",
    "{\"a.b\":{\"c\":1e400},\"d\":\"\\ud83d\\ude00\"}",
    "[[[[[[[[[[{}]]]]]]]]]]",
    "{\"a\":",
    "",
];

/// Name and text of each file.
fn corpus(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/corpus")
        .join(folder);
    let files = fs::read_dir(folder).expect("the corpus");
    let read = files.map(|file| {
        let path = file.expect("a file").path();
        let name = path.file_name().and_then(|name| name.to_str());
        let text = fs::read_to_string(&path).expect("text");
        (name.expect("a name").to_owned(), text)
    });
    read.collect()
}

/// What reads it does so as the file's name says, and reads again what is written of it.
fn check<T: Display>(name: &str, text: &str, parse: fn(&str) -> Result<T, SyntaxError>) {
    match parse(text) {
        Ok(read) => {
            let written = read.to_string();
            let again = parse(&written).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(again.to_string(), written, "{name}");
            assert!(name.starts_with("read-"), "{name} is read");
        }
        Err(error) => {
            let inside = (1..=text.chars().count() + 1).contains(&error.column);
            assert!(inside, "{name}: {error}");
            assert!(name.starts_with("refused-"), "{name}: {error}");
        }
    }
}

#[test]
fn every_template_and_path_is_read_or_refused() {
    let (templates, paths) = (corpus("template"), corpus("path"));
    for (name, text) in &templates {
        check(name, text, Template::parse);
    }
    for (name, text) in &paths {
        check(name, text, AnswerPath::parse);
    }
    let hostile = [
        "",
        "\"}, {\"a\":\"",
        "<&>'\"]]>",
        "\r\nHost: x",
        "{config.a}",
        "\u{0}\u{FFFF}",
        "acme/../x",
    ];
    for (name, text) in templates.iter().chain(&paths) {
        let written = Placeholders::parse_text(text).to_string();
        assert_eq!(&written, text, "{name}");
        let _ = (Placeholders::parse_url(text), Template::parse_literal(text));
        if let Ok(path) = AnswerPath::parse(text) {
            for answer in [
                json!(null),
                json!([[1]]),
                json!({"a": {"b": []}, "data": "x"}),
            ] {
                let _ = path.find_text(&answer, &Values::new());
            }
        }
        let Ok(template) = Template::parse(text) else {
            continue;
        };
        for value in hostile {
            let keys = template.keys().map(|(key, _)| key.to_owned());
            let values = keys.map(|key| (key, Value::Clear(value.to_owned())));
            // What a filter does not take is refused; what it takes is judged where each filter is tested.
            let _ = template.render(&values.collect(), |text| Ok(text.to_owned()));
        }
    }
    assert!(templates.len() > 20 && paths.len() > 20);
}

#[test]
fn every_expression_is_read_or_refused() {
    let files = corpus("ceql");
    for (name, text) in &files {
        let read = parse(text);
        match &read {
            Ok(expression) => {
                assert_eq!(
                    parse(&expression.to_string()).as_ref(),
                    Ok(expression),
                    "{name}"
                );
                for record in RECORDS {
                    // Any answer will do.
                    let _ = expression.matches(record);
                }
            }
            Err(error) => assert!(
                (1..=text.chars().count() + 1).contains(&error.column),
                "{name}: {error}"
            ),
        }
        assert_eq!(read.is_ok(), name.starts_with("read-"), "{name}: {read:?}");
        // The same texts must not trip what reads the other parts of a list call.
        let _ = (Order::parse(text), Fields::parse(text));
        // Behind a bulk query they mean the same.
        let select = Select::parse(&format!("select * from contacts where {text}"));
        if let (Ok(select), Ok(expression)) = (&select, &read) {
            assert_eq!(select.condition.as_ref(), Some(expression), "{name}");
        }
    }
    assert!(files.len() > 55, "{}", files.len());
}
