//! Which records an expression finds.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;

fn finds(expression: &str, record: &Json) -> bool {
    parse(expression)
        .expect(expression)
        .matches(&record.to_string())
}

fn ticket() -> Json {
    json!({
        "id": 9_007_199_254_740_993_i64, "number": "77", "subject": "Zoë's \"printer\"", "price": 12.50,
        "open": true, "flag": "True", "empty": "", "nothing": null, "zip": "01234",
        "created": "2017-03-01T10:00:00Z", "updated": "2017-03-01 12:30:00", "day": "2017-03-02", "note": "n/a",
        "tags": ["red", "blue", null], "none": [],
        "customer": {"name": "Acme", "address": {"city": "Oslo"}},
        "items": [{"value": "a@x", "kind": 1}, {"value": "b@x", "kind": 2}],
        "dotted.name": 5, "dotted": {"name": 6},
    })
}

#[test]
fn conditions_find_what_they_say() {
    let record = ticket();
    for (expression, found) in [
        ("id=9007199254740993", true),
        ("id=9007199254740992", false),
        ("id='9007199254740993'", true),
        ("number=77", true),
        ("number='77.0'", false),
        ("number>9", true),
        ("number>'9'", true),
        ("price=12.5", true),
        ("price='12.50'", true),
        ("price>=12.5 and price<12.51", true),
        ("zip='01234'", true),
        ("zip=1234", false),
        ("subject='Zoë''s \"printer\"'", true),
        ("subject='zoë''s \"printer\"'", false),
        ("subject like 'ZOË%'", true),
        ("subject like '%print%'", true),
        ("subject like '%print'", false),
        ("subject like '%z%p%r\"'", true),
        ("subject like 'Zo_%'", false),
        ("number like '7%'", true),
        ("open=true", true),
        ("open='true'", true),
        ("open='false'", false),
        ("open!=false", true),
        ("flag=true", true),
        ("open>false", false),
        ("empty=''", true),
        ("empty is null", false),
        ("nothing=''", false),
        ("nothing is null and absent is null and none is null", true),
        ("nothing!='x' and absent!='x' and absent not in (1,2)", true),
        ("nothing='null'", false),
        ("nothing<1 or absent>1", false),
        ("customer is not null", true),
        ("customer='Acme'", false),
        (
            "customer.name='Acme' and customer.address.city like 'o%'",
            true,
        ),
        ("created='2017-03-01T11:00:00+01:00'", true),
        ("created>=2017-03-01 and created<2017-03-02", true),
        ("created>'2017-03-01T05:59:59-0400'", true),
        ("created>'2017-03-01T06:00:00-0400'", false),
        ("updated>'2017-03-01 12:00:00'", true),
        ("day='2017-03-02T00:00:00Z'", true),
        ("note>'2017-01-01'", false),
        ("note<'2017-01-01'", false),
        ("note>'m'", true),
        ("subject>5", false),
        ("tags='blue'", true),
        ("tags!='blue'", false),
        ("tags not in ('green','black')", true),
        ("tags like 'r%'", true),
        ("items.value='b@x'", true),
        ("items.value='b@x' and items.kind=1", true),
        ("items.kind>2", false),
        ("items.value in ('c@x','a@x')", true),
        ("dotted.name=5", true),
        ("`dotted.name`=6", false),
        ("customer.name.first is null", true),
    ] {
        assert_eq!(finds(expression, &record), found, "{expression}");
    }
}

#[test]
fn records_may_be_written_in_any_way() {
    let expression = parse("name='Å' and n=2").unwrap();
    assert!(expression.matches("{ \"na\\u006de\" :\n\"\\u00c5\" , \"n\":1, \"n\" : 2 }"));
    for odd in ["", "null", "[]", "7", "{", "{\"name\"", "[[[[[[[[[[[[[["] {
        assert!(!expression.matches(odd), "{odd}");
        assert!(parse("name is null").unwrap().matches(odd), "{odd}");
    }
    // No depth of a vendor's answer is ours to fall into.
    let deep = format!("{{\"name\": {}1{}}}", "[".repeat(5000), "]".repeat(5000));
    assert!(!expression.matches(&deep));
}

/// The same rules over a tree of values, without any care for speed.
fn plain(expression: &Expression, record: &Json) -> bool {
    match expression {
        Expression::And(parts) => parts.iter().all(|part| plain(part, record)),
        Expression::Or(parts) => parts.iter().any(|part| plain(part, record)),
        Expression::Is(condition) => {
            let found = &record[&condition.field];
            let same = |value: &Value| match found {
                Json::String(text) => text == value.text(),
                Json::Number(number) => number.to_string() == value.text(),
                _ => false,
            };
            match &condition.test {
                Test::Compare(Comparison::Equal, value) => same(value),
                Test::Compare(Comparison::NotEqual, value) => !same(value),
                Test::Compare(Comparison::Less, value) => found
                    .as_i64()
                    .zip(value.text().parse().ok())
                    .is_some_and(|(a, b)| a < b),
                Test::Compare(Comparison::GreaterOrEqual, value) => found
                    .as_i64()
                    .zip(value.text().parse().ok())
                    .is_some_and(|(a, b)| a >= b),
                Test::In(values) => values.iter().any(same),
                Test::NotIn(values) => !values.iter().any(same),
                Test::IsNull => found.is_null(),
                Test::IsNotNull => !found.is_null(),
                _ => unreachable!("not generated"),
            }
        }
    }
}

fn numbers() -> impl Strategy<Value = Expression> {
    let value = (0..4_i64).prop_map(|number| Value::bare(&number.to_string()));
    let test = prop_oneof![
        (
            prop::sample::select(vec![
                Comparison::Equal,
                Comparison::NotEqual,
                Comparison::Less,
                Comparison::GreaterOrEqual
            ]),
            value.clone()
        )
            .prop_map(|(comparison, value)| Test::Compare(comparison, value)),
        prop::collection::vec(value.clone(), 1..3).prop_map(Test::In),
        prop::collection::vec(value, 1..3).prop_map(Test::NotIn),
        Just(Test::IsNull),
        Just(Test::IsNotNull),
    ];
    let condition =
        ("[abc]", test).prop_map(|(field, test)| Expression::Is(Condition { field, test }));
    condition.prop_recursive(3, 12, 3, |inner| {
        let parts = prop::collection::vec(inner, 2..3);
        prop_oneof![
            parts.clone().prop_map(Expression::And),
            parts.prop_map(Expression::Or)
        ]
    })
}

proptest! {
    #[test]
    fn text_and_tree_agree(
        expression in numbers(),
        record in prop::collection::btree_map("[abc]", prop_oneof![
            (0..4_i64).prop_map(Json::from), Just(Json::Null)
        ], 0..4),
    ) {
        let record = serde_json::to_value(record).unwrap();
        prop_assert_eq!(expression.matches(&record.to_string()), plain(&expression, &record));
    }

    #[test]
    fn what_is_not_equal_is_the_rest(expression in any_expression(), record in "\\PC{0,20}") {
        // Negative tests are complements, whatever the record holds.
        if let Expression::Is(Condition { field, test: Test::Compare(Comparison::Equal, value) }) = &expression {
            let not = is(field, Test::Compare(Comparison::NotEqual, value.clone()));
            let record = json!({ field.as_str(): record }).to_string();
            prop_assert_ne!(expression.matches(&record), not.matches(&record));
        }
    }
}
