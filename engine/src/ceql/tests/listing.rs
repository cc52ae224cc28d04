//! `orderBy` and `fields`.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::super::{Direction, Fields, Order, Select, parse};

fn sorted(order: &str, records: &[Json]) -> Vec<Json> {
    let mut texts: Vec<String> = records.iter().map(Json::to_string).collect();
    Order::parse(order).unwrap().sort(&mut texts, |text| text);
    texts
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect()
}

#[test]
fn orders_are_read_and_refused() {
    use Direction::*;
    for (text, expected) in [
        ("name", vec![("name", Ascending)]),
        (
            "name ASC,`odd name` desc , a.b",
            vec![
                ("name", Ascending),
                ("odd name", Descending),
                ("a.b", Ascending),
            ],
        ),
        ("desc desc", vec![("desc", Descending)]),
    ] {
        let expected = expected
            .into_iter()
            .map(|(name, direction)| (name.to_owned(), direction));
        let order = Order::parse(text).unwrap();
        assert_eq!(order, Order(expected.collect()), "{text}");
        assert_eq!(Order::parse(&order.to_string()), Ok(order));
    }
    for (text, column) in [
        ("", 1),
        ("a,", 3),
        ("a upward", 3),
        ("a desc asc", 8),
        ("1", 1),
    ] {
        assert_eq!(Order::parse(text).expect_err(text).column, column, "{text}");
    }
}

#[test]
fn records_are_put_in_order() {
    let records = [
        json!({"n": 10, "t": "b"}),
        json!({"n": 9.5, "t": "a"}),
        json!({"n": null, "t": "2017-03-01T10:00:00Z"}),
        json!({"n": "x", "t": "2017-03-01T11:30:00+02:00"}),
        json!({"n": 10, "t": "a"}),
    ];
    let [ten_b, nine, null, x, ten_a] = records.clone();
    assert_eq!(
        sorted("n", &records),
        [&nine, &ten_b, &ten_a, &x, &null].map(Clone::clone)
    );
    assert_eq!(
        sorted("n desc, t", &records),
        [&ten_a, &ten_b, &nine, &x, &null].map(Clone::clone)
    );
    assert_eq!(
        sorted("t", &records),
        [&x, &null, &nine, &ten_a, &ten_b].map(Clone::clone)
    );
}

fn picked(fields: &str, record: &Json) -> Json {
    let mut out = Vec::new();
    Fields::parse(fields)
        .unwrap()
        .write(&record.to_string(), &mut out);
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn fields_are_picked() {
    let record = json!({
        "id": 1, "name": "A", "a.b": 2, "org": {"id": 3, "name": "B", "to": {"x": 1}},
        "mails": [{"value": "m", "kind": "w"}, "odd", {"value": "n"}], "nested": [[{"value": 1}]]
    });
    for (fields, expected) in [
        ("id", json!({"id": 1})),
        ("name , id, missing", json!({"id": 1, "name": "A"})),
        ("org.id,org.to.x", json!({"org": {"id": 3, "to": {"x": 1}}})),
        (
            "org,org.id",
            json!({"org": {"id": 3, "name": "B", "to": {"x": 1}}}),
        ),
        (
            "mails.value",
            json!({"mails": [{"value": "m"}, "odd", {"value": "n"}]}),
        ),
        ("a.b", json!({"a.b": 2})),
        ("id.x", json!({"id": 1})),
        ("nothing", json!({})),
    ] {
        assert_eq!(picked(fields, &record), expected, "{fields}");
    }
    assert_eq!(picked("id", &json!("text")), json!("text"));
    for (text, column) in [("", 1), ("a b", 3), ("a,,b", 3), ("*", 1)] {
        assert_eq!(
            Fields::parse(text).expect_err(text).column,
            column,
            "{text}"
        );
    }
}

#[test]
fn bulk_queries_are_read_and_refused() {
    let select = |fields: Option<&[&str]>, object: &str, condition: Option<&str>, limit| Select {
        fields: fields.map(|names| Fields(names.iter().map(|name| (*name).to_owned()).collect())),
        object: object.to_owned(),
        condition: condition.map(|text| parse(text).unwrap()),
        limit,
    };
    for (text, expected) in [
        (
            "select * from contacts",
            select(None, "contacts", None, None),
        ),
        (
            "SELECT id,`a b` From activity-types Where a='x' or from = 1 LIMIT 5",
            select(
                Some(&["id", "a b"]),
                "activity-types",
                Some("a='x' or from=1"),
                Some(5),
            ),
        ),
        (
            "select*from contacts limit 7 where a=1",
            select(None, "contacts", Some("a=1"), Some(7)),
        ),
    ] {
        let read = Select::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(read, expected, "{text}");
        assert_eq!(Select::parse(&read.to_string()), Ok(read));
    }
    for (text, column) in [
        ("", 1),
        ("select * contacts", 10),
        ("select from contacts", 13),
        ("select * from", 14),
        ("select * from contacts limit x", 30),
        ("select * from contacts limit 1 limit 2", 32),
        ("select * from contacts where", 29),
        ("select * from contacts where a=1 b", 34),
        ("* from contacts", 1),
    ] {
        let error = Select::parse(text).expect_err(text);
        assert_eq!(error.column, column, "{text}: {error}");
    }
}

fn any_record() -> impl Strategy<Value = Json> {
    let scalar = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        (-3..3_i64).prop_map(Json::from),
        (-2.0..2.0_f64).prop_map(Json::from),
        prop::sample::select(vec![
            "",
            "a",
            "B",
            "10",
            "2017-03-01",
            "2017-03-01T10:00:00Z"
        ])
        .prop_map(Json::from),
    ];
    prop::collection::btree_map("[ab]", scalar, 0..3).prop_map(|members| json!(members))
}

proptest! {
    #[test]
    fn any_records_can_be_put_in_order(records in prop::collection::vec(any_record(), 0..40), order in "[ab]( asc| desc)?, [ab]") {
        let once = sorted(&order, &records);
        prop_assert_eq!(once.len(), records.len());
        prop_assert_eq!(sorted(&order, &once), once);
    }

    #[test]
    fn no_text_is_written_half(text in "\\PC{0,30}", fields in "[a-c](\\.[a-c])?(,[a-c])?") {
        let mut out = b"[".to_vec();
        Fields::parse(&fields).unwrap().write(&text, &mut out);
        prop_assert!(out.starts_with(b"["));
    }
}
