mod evaluate;
mod listing;

use proptest::prelude::*;

use super::*;

fn is(field: &str, test: Test) -> Expression {
    Expression::Is(Condition {
        field: field.into(),
        test,
    })
}

fn equals(field: &str, value: Value) -> Expression {
    is(field, Test::Compare(Comparison::Equal, value))
}

fn text(text: &str) -> Value {
    Value::quoted(text)
}

fn bare(text: &str) -> Value {
    Value::bare(text)
}

#[test]
fn what_clients_send() {
    use Comparison::*;
    let compare = |field: &str, comparison, value| is(field, Test::Compare(comparison, value));
    for (expression, expected) in [
        ("key = 'x'", equals("key", text("x"))),
        (
            "defaultAccount=true",
            equals("defaultAccount", bare("true")),
        ),
        ("active=TRUE", equals("active", bare("true"))),
        (
            "email='z''q@x.example'",
            equals("email", text("z'q@x.example")),
        ),
        ("email=z@x.example", equals("email", bare("z@x.example"))),
        ("id=\"77\"", equals("id", text("77"))),
        ("a=‘it’", equals("a", text("it"))),
        ("a='Bob’s'", equals("a", text("Bob’s"))),
        ("a=“x”", equals("a", text("x"))),
        ("a=''", equals("a", text(""))),
        ("a=''''", equals("a", text("'"))),
        ("WHERE a = 1", equals("a", bare("1"))),
        ("where (a = 1)", equals("a", bare("1"))),
        ("where='x'", equals("where", text("x"))),
        ("where in ('x')", is("where", Test::In(vec![text("x")]))),
        ("where is null", is("where", Test::IsNull)),
        ("where like = 1", equals("like", bare("1"))),
        ("`odd name`='x'", equals("odd name", text("x"))),
        ("metaData.time='x'", equals("metaData.time", text("x"))),
        ("order='x'", equals("order", text("x"))),
        ("  a  =  1  ", equals("a", bare("1"))),
        ("((a=1))", equals("a", bare("1"))),
        (
            "id IN(1, 2 ,3)",
            is("id", Test::In(vec![bare("1"), bare("2"), bare("3")])),
        ),
        ("a NOT in ('x')", is("a", Test::NotIn(vec![text("x")]))),
        ("a is Not nuLL", is("a", Test::IsNotNull)),
        ("a = null", is("a", Test::IsNull)),
        ("a != NULL", is("a", Test::IsNotNull)),
        ("a='null'", equals("a", text("null"))),
        ("name LIKE 'Ac%'", is("name", Test::Like("Ac%".into()))),
        ("a<='b'", compare("a", LessOrEqual, text("b"))),
        ("a>-1.5e3", compare("a", Greater, bare("-1.5e3"))),
        (
            "update_time>'2017-03-01 10:00:00'",
            compare("update_time", Greater, text("2017-03-01 10:00:00")),
        ),
        (
            "mdate>=2017-02-28T16:11:29-06:00",
            compare("mdate", GreaterOrEqual, bare("2017-02-28T16:11:29-06:00")),
        ),
        (
            "private='true' AND abridged='true' AND key in ('a','b')",
            Expression::And(vec![
                equals("private", text("true")),
                equals("abridged", text("true")),
                is("key", Test::In(vec![text("a"), text("b")])),
            ]),
        ),
        (
            "a='1'and b=2",
            Expression::And(vec![equals("a", text("1")), equals("b", bare("2"))]),
        ),
        (
            "lastActivityDate > '2012-05-25T11:13:29-0500' and  (lastName = 'Aho' or lastName = 'Berg')",
            Expression::And(vec![
                compare(
                    "lastActivityDate",
                    Greater,
                    text("2012-05-25T11:13:29-0500"),
                ),
                Expression::Or(vec![
                    equals("lastName", text("Aho")),
                    equals("lastName", text("Berg")),
                ]),
            ]),
        ),
        (
            "a=1 or b=2 and c!=3",
            Expression::Or(vec![
                equals("a", bare("1")),
                Expression::And(vec![
                    equals("b", bare("2")),
                    compare("c", NotEqual, bare("3")),
                ]),
            ]),
        ),
    ] {
        assert_eq!(parse(expression), Ok(expected), "{expression}");
    }
}

#[test]
fn bare_words_are_what_they_look_like() {
    for (word, kind) in [
        ("1", ValueKind::Number),
        ("-0.5", ValueKind::Number),
        ("1e9", ValueKind::Number),
        ("007", ValueKind::Text),
        ("+1", ValueKind::Text),
        ("1.", ValueKind::Text),
        ("True", ValueKind::Boolean),
        ("null", ValueKind::Null),
        ("2016-01-01", ValueKind::Date),
        ("2016-13-01", ValueKind::Text),
        ("2012-05-25T11:13:29-0500", ValueKind::Date),
        ("2012-05-25T11:13:29.5Z", ValueKind::Date),
        ("sent", ValueKind::Text),
    ] {
        assert_eq!(Value::bare(word).kind(), kind, "{word}");
        assert_eq!(Value::quoted(word).kind(), ValueKind::Text);
    }
}

#[test]
fn mistakes_have_their_column_and_name_field_operator_and_fix() {
    for (text, column, part) in [
        ("", 1, "name of a field"),
        ("   ", 4, "name of a field"),
        ("a", 2, "expected an operator after 'a': =, !="),
        (
            "a=",
            3,
            "expected a value after = for the field 'a', such as 'x'",
        ),
        ("a like", 7, "expected a value after LIKE for the field 'a'"),
        ("='x'", 1, "name of a field"),
        (
            "a='x",
            3,
            "value of 'a' has no end; a quote inside it is written twice",
        ),
        ("a='x' b='y'", 7, "expected AND, OR or the end"),
        ("a=‘it's’", 7, "expected AND"),
        ("a='x' AND", 10, "name of a field"),
        ("a == 1", 3, "write 'a' = …"),
        ("a <> 1", 3, "write 'a' != …"),
        ("a => 1", 3, "write 'a' >= …"),
        ("a is 1", 6, "expected NULL after IS"),
        ("a not like 'x'", 3, "a NOT IN (1, 2)"),
        ("a between 1 and 2", 3, "write a >= … AND a <= …"),
        ("not (a=1)", 5, "turn the conditions inside around"),
        ("lower(a)='x'", 6, "'lower' looks like a function"),
        ("a > null", 4, "write a IS NULL or IS NOT NULL"),
        ("a in (1, null)", 9, "write a IS NULL"),
        ("a like null", 3, "write a IS NULL"),
        ("(a=1", 1, "never closed with )"),
        ("(a=1 b", 6, "expected AND, OR or )"),
        ("a=1)", 4, "a ) without a ("),
        ("()", 2, "name of a field"),
        ("a in 1", 6, "expected ( after IN, as in a IN (1, 2)"),
        ("a not in 1", 10, "expected ( after NOT IN"),
        ("a in ()", 7, "expected a value after IN"),
        ("a in (1", 8, "expected , or )"),
        ("a in (1;2)", 8, "expected , or )"),
        ("a.='x'", 3, "name of a field"),
        ("``='x'", 1, "backticks"),
        ("`a='x'", 1, "backticks"),
        (
            "select * contacts",
            8,
            "expected an operator after 'select'",
        ),
        ("ä='x'", 1, "goes in backticks"),
    ] {
        let error = parse(text).expect_err(text);
        assert_eq!(error.column, column, "{text}: {error}");
        assert!(error.message.contains(part), "{text}: {error}");
    }
}

#[test]
fn nothing_grows_beyond_its_limit() {
    let deep = |depth: usize| format!("{}a=1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&deep(DEPTH_LIMIT)).is_ok());
    let error = parse(&deep(DEPTH_LIMIT + 1)).expect_err("too deep");
    assert_eq!(error.column, DEPTH_LIMIT + 1);
    let listed = |count: usize| format!("a in ({})", vec!["1"; count].join(","));
    assert!(parse(&listed(TERM_LIMIT)).is_ok());
    let error = parse(&listed(TERM_LIMIT + 1)).expect_err("too many");
    assert!(error.message.contains("more than 500 values"), "{error}");
    let long = |length: usize| format!("a='{}'", "x".repeat(length - 4));
    assert!(parse(&long(LENGTH_LIMIT)).is_ok());
    let error = parse(&long(LENGTH_LIMIT + 1)).expect_err("too long");
    assert!(error.message.contains("longer than 8192 bytes"), "{error}");
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        "\\PC{0,8}".prop_map(Value::quoted),
        "[a-zA-Z0-9.:+_/@-]{1,6}".prop_map(|word| match word.eq_ignore_ascii_case("null") {
            true => Value::bare("1"),
            // A bare word of no kind is written in quotes, and then is a text all the same.
            false => Value::bare(&word),
        }),
        Just(Value::bare("2017-02-28T16:11:29-06:00")),
    ]
}

fn any_test() -> impl Strategy<Value = Test> {
    let comparison = prop::sample::select(vec![
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ]);
    prop_oneof![
        4 => (comparison, any_value()).prop_map(|(comparison, value)| Test::Compare(comparison, value)),
        1 => "\\PC{0,8}".prop_map(Test::Like),
        1 => prop::collection::vec(any_value(), 1..4).prop_map(Test::In),
        1 => prop::collection::vec(any_value(), 1..4).prop_map(Test::NotIn),
        1 => prop_oneof![Just(Test::IsNull), Just(Test::IsNotNull)],
    ]
}

fn any_field() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-zA-Z_$][a-z0-9_$-]{0,6}(\\.[a-z]{1,4})?",
        1 => "[^`\\p{C}]{1,6}",
        1 => prop::sample::select(vec!["where", "Where", "in", "like", "not", "is", "and", "or", "null"])
            .prop_map(str::to_owned),
    ]
}

pub(super) fn any_expression() -> impl Strategy<Value = Expression> {
    let condition = (any_field(), any_test())
        .prop_map(|(field, test)| Expression::Is(Condition { field, test }));
    condition.prop_recursive(4, 24, 4, |inner| {
        let parts = prop::collection::vec(inner, 2..4);
        prop_oneof![
            parts.clone().prop_map(Expression::And),
            parts.prop_map(Expression::Or),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(expression in any_expression()) {
        let text = expression.to_string();
        prop_assert_eq!(parse(&text), Ok(expression), "{}", text);
    }

    #[test]
    fn any_text_is_read_or_refused_inside_it(text in "\\PC{0,60}") {
        match parse(&text) {
            Ok(expression) => prop_assert_eq!(parse(&expression.to_string()), Ok(expression)),
            Err(error) => prop_assert!((1..=text.chars().count() + 1).contains(&error.column)),
        }
    }

    #[test]
    fn near_misses_are_read_or_refused(
        text in "(a|=|!=|<|'|''|\"|`|in|\\(|,|\\)|and|or|where|like|is|not|null| |1|2016-01-01|‘|”|\\.){0,16}",
        record in "(\\{|\\}|\\[|\\]|\"a\"|:|,|null|1|\"2016-01-01\"| |\\\\){0,12}",
    ) {
        if let Ok(expression) = parse(&text) {
            // What is no JSON is no reason to fall over.
            let _ = expression.matches(&record);
            prop_assert_eq!(parse(&expression.to_string()), Ok(expression));
        }
    }
}
