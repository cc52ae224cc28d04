//! Words about callers' own calls.

use serde_json::json;

use super::super::shape::{PagingKind, PathSegment, Root, Step};
use super::{one_mistake, sample, shipped};

/// The check call as a list with these words.
fn wrong(words: serde_json::Value, expected: &str) {
    one_mistake("/resources/2/bunsen", words, expected);
}

#[test]
fn roots_paths_and_pages_are_read() {
    let shape = |change: serde_json::Value| {
        let mut json = sample();
        let resource = json["resources"][2].as_object_mut().unwrap();
        resource.insert("type".into(), json!("api"));
        resource.extend(change.as_object().unwrap().clone());
        let catalog = shipped(&json).unwrap();
        let element = catalog.get("parceldesk").unwrap();
        format!("{:?}", element.resources[2].shape)
    };
    let name = |name: &str| Step::Name(name.to_owned());
    for (text, request, steps, inside) in [
        ("|elements", vec![], vec![name("elements")], vec![]),
        (
            "person|result.person",
            vec!["person"],
            vec![name("result"), name("person")],
            vec![],
        ),
        ("result", vec![], vec![name("result")], vec![]),
        (".workers[*]", vec![], vec![name("workers")], vec![]),
        (
            "|items[*].item.x",
            vec![],
            vec![name("items")],
            vec!["item", "x"],
        ),
        (
            "|events[0].data",
            vec![],
            vec![name("events"), Step::Index(0), name("data")],
            vec![],
        ),
        ("", vec![], vec![], vec![]),
    ] {
        let root = Root {
            steps,
            inside: inside.into_iter().map(str::to_owned).collect(),
        };
        let shown = shape(json!({ "rootKey": text }));
        assert!(
            shown.contains(&format!("answer_root: {root:?}")),
            "{text}: {shown}"
        );
        assert!(
            shown.contains(&format!("request_root: {request:?}")),
            "{text}: {shown}"
        );
    }
    let path = vec![
        PathSegment::Literal("a".into()),
        PathSegment::Variable("b".into()),
        PathSegment::Literal("c".into()),
    ];
    for text in ["/a/{b}/c", "/hubs/crm/a/{b}/c", "/hubs/other/a/{b}/c/"] {
        assert!(
            shape(json!({ "path": text })).contains(&format!("path: {path:?}")),
            "{text}"
        );
    }
    let shown = shape(json!({"bunsen": {"paging": {"type": "cursor", "link": true}}}));
    assert!(
        shown.contains(&format!("kind: Some({:?})", PagingKind::Cursor)),
        "{shown}"
    );
    assert!(shown.contains("list: true") && shape(json!({})).contains("list: false"));
}

#[test]
fn mistakes_in_words_are_told() {
    let push = |rule: serde_json::Value| json!({"filter": {"push": [rule], "local": ["id"]}});
    let place = "resources[2].bunsen.filter.push[0]";
    for (words, expected) in [
        (push(json!({"field": "a", "operators": ["="]})), format!("{place}: needs query or resource, one of them")),
        (push(json!({"field": "a", "operators": [">"], "query": "a", "as": "dateTime"})), format!("{place}: a moment is rounded to the second, so the rule must be loose")),
        (push(json!({"field": "a", "operators": ["="], "query": "a", "loose": true})), format!("{place}: \"a\" is to be applied again by us, so it must be among local")),
        (push(json!({"field": "id", "operators": ["="], "query": "a", "loose": true, "parameter": true})), format!("{place}: what is no field of the records cannot be applied again")),
        (push(json!({"field": "id", "operators": ["="], "resource": "GET:/none/{id}"})), format!("{place}.resource: no resource GET:/none/{{id}} with one variable")),
        (push(json!({"field": "id", "operators": ["="], "resource": "GET:/who"})), format!("{place}.resource: no resource GET:/who with one variable")),
        (push(json!({"field": "id", "operators": ["=="], "query": "a"})), format!("{place}.operators[0]: unknown \"==\"; one of \"=\", \"!=\", \"<\", \"<=\", \">\", \">=\", \"LIKE\", \"IN\", \"NOT IN\"")),
        (json!({"paging": {"more": "a["}}), "resources[2].bunsen.paging.more: column 3: an index, a quoted name or ?(@.name=='text') must stand here".to_owned()),
        (json!({"paging": {"kind": "page"}}), "resources[2].bunsen.paging.kind: unknown field".to_owned()),
        (json!({"order": {"fields": ["a"]}}), "resources[2].bunsen.order: \"query\" is missing".to_owned()),
    ] {
        wrong(words, &expected);
    }
    for root in ["|a[x]", "|a[*].b[*]", "|a[0"] {
        let expected = format!(
            "resources[2].rootKey: {:?} is no root key; write names, [index] and one [*]",
            &root[1..]
        );
        one_mistake("/resources/2/rootKey", json!(root), &expected);
    }
}
