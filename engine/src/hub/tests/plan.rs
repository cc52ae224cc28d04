//! What is pushed to the vendor, and that nothing is lost by it.

use proptest::prelude::*;

use super::*;
use crate::ceql::{Comparison, Condition, Expression, Test, Value, parse};

fn plan(path: &str, text: &str) -> Result<Plan, Mistake> {
    let query = [("where".to_owned(), text.to_owned())];
    Plan::new(&ELEMENT, resource("GET", path), &Wish::read(&query)?)
}

fn pushed(text: &str) -> (String, String) {
    let plan = plan("/people", text).unwrap_or_else(|mistake| panic!("{text}: {mistake}"));
    let pairs = plan
        .pushed
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    let mut said: Vec<String> = pairs.collect();
    said.extend(plan.instead.map(|(_, value)| format!("/{value}")));
    let rest = plan.rest.map_or(String::new(), |rest| rest.to_string());
    (said.join("&"), rest)
}

#[test]
fn the_vendor_is_asked_for_what_it_can_do() {
    for (text, asked, rest) in [
        ("email='a@x'", "mail=a@x", ""),
        ("email in ('a@x','b@x')", "mail=a@x,b@x", ""),
        ("name='A'", "", "name = 'A'"),
        (
            "email='a@x' and name like 'A%'",
            "mail=a@x",
            "name LIKE 'A%'",
        ),
        (
            "changed>'2017-03-01 10:00:00'",
            "since=2017-03-01T10:00:00Z",
            "changed > '2017-03-01 10:00:00'",
        ),
        (
            "changed>=2017-03-01T10:00:00.5+01:00",
            "since=2017-03-01T09:00:00Z",
            "changed >= 2017-03-01T10:00:00.5+01:00",
        ),
        (
            "changed<'2017-03-01T10:00:00.5Z'",
            "until=2017-03-01T10:00:01Z",
            "changed < '2017-03-01T10:00:00.5Z'",
        ),
        (
            "changed>'1969-12-31T23:59:59.5Z'",
            "since=1969-12-31T23:59:59Z",
            "changed > '1969-12-31T23:59:59.5Z'",
        ),
        // What has no form there, or no free place, is ours.
        ("changed>'soon'", "", "changed > 'soon'"),
        (
            "changed>2017-01-01 and changed>2018-01-01",
            "since=2017-01-01T00:00:00Z",
            "changed > 2017-01-01 AND changed > 2018-01-01",
        ),
        ("state='open' and n>1", "state=open", "n > 1"),
        ("n=1 or name='x'", "", "n = 1 OR name = 'x'"),
        ("id=7", "/7", "id = 7"),
        ("id=7 and name='A'", "/7", "id = 7 AND name = 'A'"),
        ("id='..'", "", "id = '..'"),
        // The list knows states, the single record does not.
        ("id=7 and state='open'", "state=open", "id = 7"),
        ("custom.any='x'", "", "custom.any = 'x'"),
    ] {
        assert_eq!(pushed(text), (asked.to_owned(), rest.to_owned()), "{text}");
    }
}

#[test]
fn what_nobody_can_do_names_field_and_operator() {
    for (text, part) in [
        (
            "email like 'a%'",
            "by 'email' with LIKE; 'email' goes with =, IN, once and joined by AND alone",
        ),
        ("email='a' or email='b'", "'email' with ="),
        ("email=''", "'email' with ="),
        ("email='a' and email='b'", "'email' with ="),
        ("state!='open'", "'state' with !="),
        ("state='open' or n=1", "'state' with ="),
        (
            "colour='red'",
            "'colour' with =; fields are changed, custom.*, email, id, n, name, state",
        ),
        ("n=", "column 3: expected a value"),
    ] {
        let Mistake(said) = plan("/people", text).unwrap_err();
        assert!(
            said.starts_with("Error parsing query parameter 'where'"),
            "{said}"
        );
        assert!(said.contains(part), "{text}: {said}");
    }
    let Mistake(said) = plan("/people/recent", "n=1").unwrap_err();
    assert_eq!(
        said,
        "GET /people/recent cannot be filtered, not by 'n' with =; leave out 'where'."
    );
}

#[test]
fn converters_say_the_whole() {
    let said = |path: &str, text: &str| {
        let plan = plan(path, text)?;
        assert_eq!(plan.rest, None);
        let pairs = plan
            .pushed
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"));
        Ok::<_, Mistake>(pairs.collect::<Vec<_>>().join("&"))
    };
    for (text, filter) in [
        ("a=1 and b!='x''y'", "a eq 1 and b ne 'x''y'"),
        ("a>1 and (b<=2 or c='z')", "a gt 1 and (b le 2 or c eq 'z')"),
        (
            "a.b in (1,2) and c is not null",
            "(a/b eq 1 or a/b eq 2) and c ne null",
        ),
        ("a not in ('x')", "a ne 'x'"),
        (
            "a like 'x%' or a like '%y' or a like '%z%' or a like 'w'",
            "startswith(a, 'x') or endswith(a, 'y') or contains(a, 'z') or a eq 'w'",
        ),
        ("a>=2017-01-01T00:00:00Z", "a ge 2017-01-01T00:00:00Z"),
    ] {
        assert_eq!(
            said("/odata", text),
            Ok(format!("$filter={filter}")),
            "{text}"
        );
    }
    assert!(
        said("/odata", "a like 'x%y'")
            .unwrap_err()
            .0
            .contains("'a'")
    );
    assert!(
        said("/odata", "`a or b`=1")
            .unwrap_err()
            .0
            .contains("letters, digits")
    );
    assert_eq!(said("/pairs", "a='x' and b=2").unwrap(), "a=x&b=2");
    for text in ["a>1", "a=1 or b=2", "a=1 and a=2"] {
        assert!(said("/pairs", text).is_err(), "{text}");
    }
}

#[test]
fn order_goes_to_the_vendor_where_it_can() {
    let order = |path: &str, text: &str| {
        let query = [("orderBy".to_owned(), text.to_owned())];
        let wish = Wish::read(&query).unwrap();
        Plan::new(&ELEMENT, resource("GET", path), &wish).unwrap()
    };
    let pairs = |plan: Plan| {
        plan.pushed
            .into_iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect::<Vec<_>>()
            .join("&")
    };
    assert_eq!(pairs(order("/people", "n desc")), "sort=n&way=desc");
    assert_eq!(
        pairs(order("/linked", "n desc, name")),
        "sort=n DESC, name ASC"
    );
    for (path, text) in [
        ("/people", "n, name"),
        ("/people", "colour"),
        ("/orders", "n"),
    ] {
        assert!(order(path, text).order.is_some(), "{path} {text}");
    }
}

fn any_condition() -> impl Strategy<Value = Expression> {
    let field = prop::sample::select(vec!["email", "changed", "id", "n", "name"]);
    let value = prop::sample::select(vec![
        "1",
        "2",
        "a",
        "b",
        "2017-03-01",
        "2017-03-01T00:00:00.5Z",
        "2017-03-02",
    ]);
    let comparison = prop::sample::select(vec![
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ]);
    let test = prop_oneof![
        (comparison, value.clone())
            .prop_map(|(comparison, text)| Test::Compare(comparison, Value::bare(text))),
        prop::collection::vec(value, 1..3)
            .prop_map(|texts| Test::In(texts.into_iter().map(Value::bare).collect())),
        Just(Test::IsNull),
    ];
    (field, test).prop_map(|(field, test)| {
        let field = field.to_owned();
        Expression::Is(Condition { field, test })
    })
}

fn any_expression() -> impl Strategy<Value = Expression> {
    any_condition().prop_recursive(2, 8, 4, |inner| {
        let parts = prop::collection::vec(inner, 2..5);
        prop_oneof![
            3 => parts.clone().prop_map(Expression::And),
            1 => parts.prop_map(Expression::Or)
        ]
    })
}

fn any_record() -> impl Strategy<Value = String> {
    let value = prop::sample::select(vec![
        json!(null),
        json!(1),
        json!(2),
        json!("a"),
        json!("b"),
        json!("1"),
        json!("2017-03-01T00:00:00Z"),
        json!("2017-03-01T00:00:00.2Z"),
        json!("2017-03-01T12:00:00Z"),
    ]);
    prop::collection::btree_map(
        prop::sample::select(vec!["email", "changed", "id", "n", "name"]),
        value,
        0..6,
    )
    .prop_map(|record| json!(record).to_string())
}

/// What the vendor makes of its parameters.
fn vendor_finds(plan: &Plan, record: &str) -> bool {
    plan.pushed.iter().all(|(name, value)| {
        let asked = match name.as_str() {
            "mail" => match value.split_once(',') {
                None => format!("email = '{value}'"),
                Some(_) => format!("email in ('{}')", value.replace(',', "','")),
            },
            "since" => format!("changed >= '{value}'"),
            "until" => format!("changed < '{value}'"),
            other => panic!("{other}"),
        };
        parse(&asked).unwrap().matches(record)
    }) && plan
        .instead
        .as_ref()
        .is_none_or(|(_, id)| parse(&format!("id='{id}'")).unwrap().matches(record))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn pushed_and_rest_together_are_the_whole(
        expression in any_expression(),
        records in prop::collection::vec(any_record(), 1..12),
    ) {
        let wish = Wish { condition: Some(expression.clone()), ..Wish::default() };
        let Ok(plan) = Plan::new(&ELEMENT, resource("GET", "/people"), &wish) else {
            return Ok(());
        };
        for record in &records {
            let theirs = vendor_finds(&plan, record);
            let ours = plan.rest.as_ref().is_none_or(|rest| rest.matches(record));
            prop_assert_eq!(theirs && ours, expression.matches(record), "{} on {}: {:?}", expression, record, plan);
        }
    }
}
