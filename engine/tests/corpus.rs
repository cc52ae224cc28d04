//! Replays what a fuzzer, or a person, has found worth keeping: `corpus/ceql` holds one expression a
//! file. What `read-` begins with is read and written back the same, what `refused-` begins with is
//! refused inside of it; nothing panics, on any record.

use std::fs;
use std::path::Path;

use bunsen_engine::ceql::{Fields, Order, parse};

const RECORDS: [&str; 5] = [
    "{\"a\":[1,{\"a\":null}],\"b\":\"2017-01-01\",\"email\":\"z'q@x.example\"}",
    "{\"a.b\":{\"c\":1e400},\"d\":\"\\ud83d\\ude00\"}",
    "[[[[[[[[[[{}]]]]]]]]]]",
    "{\"a\":",
    "",
];

#[test]
fn every_expression_is_read_or_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/ceql");
    let mut seen = 0;
    for file in fs::read_dir(folder).expect("the corpus") {
        let path = file.expect("a file").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name");
        let text = fs::read_to_string(&path).expect("text");
        let read = parse(&text);
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
        let _ = (Order::parse(&text), Fields::parse(&text));
        seen += 1;
    }
    assert!(seen > 40, "{seen}");
}
