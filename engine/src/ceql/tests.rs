use proptest::prelude::*;

use super::*;

fn equals(field: &str, value: &str) -> Condition {
    Condition {
        field: field.into(),
        test: Test::Equals(value.into()),
    }
}

fn is_in(field: &str, values: &[&str]) -> Condition {
    Condition {
        field: field.into(),
        test: Test::In(values.iter().map(|value| (*value).into()).collect()),
    }
}

#[test]
fn what_clients_send() {
    for (text, expected) in [
        (
            "private='true' AND abridged='true' AND key in ('a','b')",
            vec![
                equals("private", "true"),
                equals("abridged", "true"),
                is_in("key", &["a", "b"]),
            ],
        ),
        ("key = 'x'", vec![equals("key", "x")]),
        (
            "defaultAccount=true",
            vec![equals("defaultAccount", "true")],
        ),
        ("a='1'and b=2", vec![equals("a", "1"), equals("b", "2")]),
        ("id IN(1, 2 ,3)", vec![is_in("id", &["1", "2", "3"])]),
        (
            "email='z''q@x.example'",
            vec![equals("email", "z'q@x.example")],
        ),
        ("email=z@x.example", vec![equals("email", "z@x.example")]),
        ("id=\"77\"", vec![equals("id", "77")]),
        ("a=‘it’", vec![equals("a", "it")]),
        ("a='Bob’s'", vec![equals("a", "Bob’s")]),
        ("a=“x”", vec![equals("a", "x")]),
        ("a=''", vec![equals("a", "")]),
        ("a=''''", vec![equals("a", "'")]),
        ("WHERE a = 1", vec![equals("a", "1")]),
        ("where='x'", vec![equals("where", "x")]),
        ("where in ('x')", vec![is_in("where", &["x"])]),
        ("`odd name`='x'", vec![equals("odd name", "x")]),
        ("metaData.time='x'", vec![equals("metaData.time", "x")]),
        ("order='x'", vec![equals("order", "x")]),
        ("  a  =  1  ", vec![equals("a", "1")]),
    ] {
        assert_eq!(parse(text), Ok(expected), "{text}");
    }
}

#[test]
fn mistakes_have_their_column() {
    for (text, column, part) in [
        ("", 1, "name of a field"),
        ("   ", 4, "name of a field"),
        ("a", 2, "expected = or IN"),
        ("a=", 3, "expected a value"),
        ("='x'", 1, "name of a field"),
        ("a='x", 3, "no end"),
        ("a='x' b='y'", 7, "expected AND"),
        ("a=‘it's’", 7, "expected AND"),
        ("a='x' OR b='y'", 7, "OR is not"),
        ("a='x' AND", 10, "name of a field"),
        ("a!='x'", 2, "!= is not"),
        ("a >= 1", 3, ">= is not"),
        ("a like 'x%'", 3, "LIKE is not"),
        ("a is null", 3, "IS is not"),
        ("a not in (1)", 3, "NOT is not"),
        ("(a=1)", 1, "parentheses"),
        ("a in 1", 6, "expected ("),
        ("a in ()", 7, "expected a value"),
        ("a in (1", 8, "expected , or )"),
        ("a in (1;2)", 8, "expected , or )"),
        ("a.='x'", 3, "name of a field"),
        ("``='x'", 1, "backticks"),
        ("`a='x'", 1, "backticks"),
        ("select * contacts", 8, "expected = or IN"),
        ("ä='x'", 1, "name of a field"),
    ] {
        let error = parse(text).expect_err(text);
        assert_eq!(error.column, column, "{text}: {error}");
        assert!(error.message.contains(part), "{text}: {error}");
    }
}

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

fn written(condition: &Condition) -> String {
    let Condition { field, test } = condition;
    match test {
        Test::Equals(value) => format!("{field}={}", quoted(value)),
        Test::In(values) => {
            let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
            format!("{field} In ( {} )", values.join(" ,"))
        }
    }
}

fn any_condition() -> impl Strategy<Value = Condition> {
    let test = prop_oneof![
        "\\PC{0,12}".prop_map(Test::Equals),
        prop::collection::vec("\\PC{0,8}", 1..4).prop_map(Test::In),
    ];
    ("[a-zA-Z_$][a-z0-9_$-]{0,6}(\\.[a-z]{1,4})?", test)
        .prop_map(|(field, test)| Condition { field, test })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        conditions in prop::collection::vec(any_condition(), 1..5),
        and in "[ \t]{0,2}[aA][nN][dD][ \t\n]{1,2}",
    ) {
        let text: Vec<String> = conditions.iter().map(written).collect();
        prop_assert_eq!(parse(&text.join(&and)).expect("reads"), conditions);
    }

    #[test]
    fn any_text_is_read_or_refused_inside_it(text in "\\PC{0,60}") {
        if let Err(error) = parse(&text) {
            prop_assert!((1..=text.chars().count() + 1).contains(&error.column));
        }
    }

    #[test]
    fn near_misses_are_read_or_refused(text in "(a|=|'|''|\"|`|in|\\(|,|\\)|and|or|where| |1|‘|”|\\.){0,16}") {
        if let Ok(conditions) = parse(&text) {
            prop_assert!(!conditions.is_empty());
        }
    }
}
