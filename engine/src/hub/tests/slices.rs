//! Records cut out of bytes, held against the same cut out of a tree; and values of callers that stay
//! where the definition puts them.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::super::envelope::{self, Inside};
use super::calls::{any_json, pruned};
use super::*;
use crate::ceql::Fields;
use crate::element::shape::{Root, Step};
use crate::language::percent_encode;

fn root(names: &[&str], inside: &[&str]) -> Root {
    Root {
        steps: names
            .iter()
            .map(|name| Step::Name((*name).to_owned()))
            .collect(),
        inside: inside.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn roots() -> Vec<Root> {
    vec![
        root(&[], &[]),
        root(&["data"], &[]),
        root(&["data", "rows"], &[]),
        root(&["data"], &["data"]),
        Root {
            steps: vec![Step::Name("data".into()), Step::Index(1)],
            inside: Vec::new(),
        },
    ]
}

fn lead<'a>(tree: &'a Json, root: &Root) -> Option<&'a Json> {
    root.steps.iter().try_fold(tree, |json, step| match step {
        Step::Name(name) => json.get(name),
        Step::Index(index) => json.get(index),
    })
}

fn records(list: &[Json], root: &Root) -> Vec<Json> {
    let inner = |record: &Json| {
        let mut names = root.inside.iter();
        let found = names.try_fold(record, |json, name| json.get(name));
        found.unwrap_or(record).clone()
    };
    list.iter().map(inner).collect()
}

fn read_all(texts: &[&str]) -> Vec<Json> {
    let read = |text: &&str| serde_json::from_str(text).unwrap();
    texts.iter().map(read).collect()
}

/// What a reader of trees makes of the same text.
fn agrees(body: &str, tree: &Json) {
    for root in roots() {
        let place = lead(tree, &root);
        let expected = match place {
            Some(Json::Null) => Some(Vec::new()),
            Some(Json::Array(list)) => Some(records(list, &root)),
            _ => None,
        };
        let indexed = root.steps.iter().any(|step| matches!(step, Step::Index(_)));
        for around in [false, true] {
            let found = envelope::list(body, &root, around);
            if indexed {
                // Such roots are looked up by the other way in.
                assert!(found.is_none() || expected.is_some(), "{root:?} {body}");
                continue;
            }
            let texts = found.as_ref().map(|(list, _)| read_all(list));
            assert_eq!(texts, expected, "{root:?} {body}");
            if let Some((_, Some(rest))) = found
                && let [Step::Name(_), ..] = root.steps.as_slice()
            {
                let mut without = tree.clone();
                let steps = root.steps.iter();
                let place = steps.fold(&mut without, |json, step| match step {
                    Step::Name(name) => &mut json[name],
                    Step::Index(index) => &mut json[index],
                });
                *place = Json::Null;
                assert_eq!(rest, without, "{root:?} {body}");
            }
        }
        match (envelope::inside(body, &root), place.unwrap_or(tree)) {
            (Inside::List(list), Json::Array(items)) => {
                assert_eq!(read_all(&list), records(items, &root), "{root:?} {body}");
            }
            (Inside::One(text), one) if !one.is_array() => {
                let text: Json = serde_json::from_str(text).unwrap();
                assert_eq!(&text, one, "{root:?} {body}");
            }
            (found, place) => panic!("{root:?} {body}: {found:?} for {place}"),
        }
    }
}

fn projected(value: &Json, fields: &[&str]) -> Json {
    match value {
        Json::Object(members) => {
            let kept = members.iter().filter_map(|(name, value)| {
                let inner: Vec<&str> = fields
                    .iter()
                    .filter_map(|field| field.strip_prefix(name.as_str())?.strip_prefix('.'))
                    .collect();
                match fields.contains(&name.as_str()) {
                    true => Some((name.clone(), value.clone())),
                    false if inner.is_empty() => None,
                    false => Some((name.clone(), projected(value, &inner))),
                }
            });
            kept.collect::<serde_json::Map<_, _>>().into()
        }
        Json::Array(items) => {
            let item = |item: &Json| match item.is_object() {
                true => projected(item, fields),
                false => item.clone(),
            };
            items.iter().map(item).collect()
        }
        other => other.clone(),
    }
}

fn written(text: &str, nulls: bool, fields: Option<&Fields>) -> Vec<u8> {
    let mut out = Vec::new();
    let shape = &resource("GET", "/people").shape;
    shape.write(text, nulls, fields, &mut out);
    out
}

fn has_a_name_twice(text: &str) -> bool {
    // Written anew, such an object is shorter.
    let tree: Json = serde_json::from_str(text).unwrap();
    let names = |text: &str| text.matches(':').count();
    names(&tree.to_string()) != names(text)
}

#[test]
fn what_fuzzing_has_left_is_read_or_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/json");
    let mut seen = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        for route in ["/people", "/people/recent", "/people/7"] {
            let resource = resource("GET", route);
            let group = &ELEMENT.groups[1];
            with_inputs(|inputs| {
                let reply = reply(200, bytes.clone());
                let _ = read(&ELEMENT, group, resource, inputs, &reply, &OnceCell::new());
            });
        }
        let text = String::from_utf8_lossy(&bytes);
        match serde_json::from_str::<Json>(&text) {
            Ok(tree) if !has_a_name_twice(&text) => agrees(&text, &tree),
            _ => {
                for root in roots() {
                    let _ = (
                        envelope::list(&text, &root, true),
                        envelope::inside(&text, &root),
                    );
                }
            }
        }
        for fields in ["a", "data.rows,x", "data.data"] {
            let out = written(&text, false, Some(&Fields::parse(fields).unwrap()));
            // Nothing is written that a caller could not read, unless it came like that.
            let whole = serde_json::from_slice::<Json>(&out).is_ok();
            let was_whole = serde_json::from_str::<Json>(&text).is_ok();
            assert!(whole || !was_whole, "{path:?} {fields}");
        }
        seen += 1;
    }
    assert!(seen > 20, "{seen}");
}

proptest! {
    #[test]
    fn slices_and_trees_agree(inner in any_json(), beside in any_json(), rows in prop::collection::vec(any_json(), 0..4), form in 0..6, pretty in any::<bool>()) {
        let tree = match form {
            0 => inner,
            1 => json!({"data": inner, "x": beside}),
            2 => json!({"x": beside, "data": {"a": inner, "rows": rows}}),
            3 => json!({"data": rows, "additional": {"data": inner}}),
            4 => json!({"data": rows.iter().map(|row| json!({"data": row, "n": 1})).collect::<Vec<_>>()}),
            _ => json!(rows),
        };
        let body = match pretty {
            true => serde_json::to_string_pretty(&tree).unwrap(),
            false => tree.to_string(),
        };
        agrees(&body, &tree);
    }

    #[test]
    fn half_an_answer_is_no_list(rows in prop::collection::vec(any_json(), 0..4), at in any::<prop::sample::Index>(), with in "[\\[\\]{},:\"n0 ]{0,2}") {
        let body = json!({"data": {"rows": rows}, "n": 1}).to_string();
        let cut = (0..=at.index(body.len())).rev().find(|at| body.is_char_boundary(*at)).unwrap();
        let broken = format!("{}{with}", &body[..cut]);
        let root = root(&["data", "rows"], &[]);
        if serde_json::from_str::<Json>(&broken).is_err() {
            prop_assert_eq!(envelope::list(&broken, &root, false), None, "{}", broken);
        }
    }

    #[test]
    fn fields_and_nulls_are_left_out_as_of_a_tree(value in any_json(), fields in prop::collection::vec("[ab:]|[ab]\\.[ab]|[ab]\\.[ab]\\.b", 1..4)) {
        let names: Vec<&str> = fields.iter().map(String::as_str).filter(|name| !name.contains(':')).collect();
        let Ok(asked) = Fields::parse(&names.join(",")) else {
            return Ok(());
        };
        let text = value.to_string();
        for nulls in [true, false] {
            let mut expected = value.clone();
            if !nulls {
                pruned(&mut expected);
            }
            let out: Json = serde_json::from_slice(&written(&text, nulls, None)).unwrap();
            prop_assert_eq!(&out, &expected);
            let out: Json = serde_json::from_slice(&written(&text, nulls, Some(&asked))).unwrap();
            prop_assert_eq!(out, projected(&expected, &names));
        }
    }

    #[test]
    fn no_path_makes_us_fall(method in "GET|PUT|POST|DELETE|PATCH", path in "(/|%|%2|%2F|%c3%a9|people|hubs|7|\\PC|\\.\\.){0,8}") {
        let _ = route(&method, &path);
    }

    #[test]
    fn an_id_stays_one_segment(id in "(\\PC|[./?#%\\\\:@;&+]|\\.\\.|%2e|recent|\n){1,12}") {
        let path = format!("/hubs/crm/people/{}", percent_encode(&id));
        let found = route("GET", &path).unwrap();
        if found.resource.id.0 != 1100 {
            prop_assert_eq!(id, "recent");
            return Ok(());
        }
        let resource = found.resource;
        let caller = Caller::new(found, Vec::new(), &NO_HEADERS, Bytes::new());
        if caller.check(&ELEMENT, resource).is_err() {
            return Ok(());
        }
        let built = with_inputs(|inputs| build(&ELEMENT, &ELEMENT.groups[1], resource, inputs, &caller));
        let url = built.unwrap().url;
        let segments: Vec<&str> = url.path_segments().unwrap().collect();
        prop_assert_eq!(&segments[..3], ["v1", "v", "people"]);
        prop_assert_eq!(segments.len(), 4, "{}", url);
        let read = percent_encoding::percent_decode_str(segments[3]).decode_utf8().unwrap();
        prop_assert_eq!(read, id);
        prop_assert_eq!((url.query(), url.fragment()), (None, None));
        prop_assert_eq!(url.host_str(), Some("acme.vendor.example"));
    }

    #[test]
    fn a_condition_stays_one_parameter(value in "(\\PC|[&=#'+%\"]|''|and mail=){1,12}") {
        let quoted = format!("where={}", percent_encode(&format!("email='{}'", value.replace('\'', "''"))));
        let caller = caller("GET", "/people", &quoted, "");
        let group = &ELEMENT.groups[1];
        let walk = Walk::new(&ELEMENT, resource("GET", "/people"), &effective(), &caller, &key()).unwrap();
        let request = with_inputs(|inputs| walk.request(group, inputs, &caller).unwrap().unwrap());
        let pairs: Vec<(String, String)> = request.url.query_pairs().into_owned().collect();
        let mails: Vec<&str> = pairs.iter().filter(|(name, _)| name == "mail").map(|(_, value)| value.as_str()).collect();
        prop_assert_eq!(mails, [value.as_str()]);
        let mut names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        prop_assert_eq!(names, ["mail", "page", "since", "size"]);
    }
}
