//! Tokens of pages: what was sealed is opened, and nothing else ever is.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::super::token::{At, Place};
use super::*;
use crate::ids::ResourceId;

fn any_place() -> impl Strategy<Value = Place> {
    let at = prop_oneof![
        any::<u64>().prop_map(At::Number),
        any::<String>().prop_map(At::Cursor)
    ];
    let query = prop::collection::vec((any::<String>(), any::<String>()), 0..4);
    let counts = (any::<usize>(), any::<usize>(), 1..=usize::MAX);
    (any::<i64>(), at, counts, query).prop_map(|(resource, at, (skip, size, want), query)| Place {
        resource: ResourceId(resource),
        at,
        skip,
        size,
        want,
        query,
    })
}

#[test]
fn what_fuzzing_has_left_is_no_token() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/token");
    let mut seen = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        let Mistake(said) = key().open(&text).unwrap_err();
        assert!(
            said.contains("'nextPage' is not a token"),
            "{path:?}: {said}"
        );
        assert!(
            text.len() < 8 || !said.contains(&text),
            "{path:?} is repeated"
        );
        seen += 1;
    }
    assert!(seen > 15, "{seen}");
}

proptest! {
    #[test]
    fn what_was_sealed_is_opened(place in any_place()) {
        let token = key().seal(&place).unwrap();
        // It travels in headers and queries as it is.
        prop_assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        prop_assert_eq!(key().open(&token), Ok(place));
    }

    #[test]
    fn another_text_is_not(place in any_place(), at in any::<prop::sample::Index>(), with in "[A-Za-z0-9_=. \u{e9}-]{0,3}", gone in 0..3_usize) {
        let token = key().seal(&place).unwrap();
        let from = at.index(token.len());
        let to = (from + gone).min(token.len());
        let changed = format!("{}{with}{}", &token[..from], &token[to..]);
        if changed != token {
            prop_assert!(key().open(&changed).is_err(), "{}", changed);
        }
    }

    #[test]
    fn no_text_of_somebody_elses_is(text in "\\PC{0,80}|[A-Za-z0-9_-]{0,400}") {
        prop_assert!(key().open(&text).is_err());
    }

    #[test]
    fn one_instances_token_is_anothers_text(place in any_place(), one in "[a-z/]{0,4}", other in "[a-z/]{0,4}") {
        let token = TokenKey::new(&[7; 32], one.as_str()).seal(&place).unwrap();
        let opened = TokenKey::new(&[7; 32], other.as_str()).open(&token);
        prop_assert_eq!(opened.is_ok(), one == other);
        prop_assert!(TokenKey::new(&[8; 32], one.as_str()).open(&token).is_err());
    }

    /// A token of an older version may name a place that makes no sense any more.
    #[test]
    fn a_walk_from_anywhere_ends(place in any_place(), size in 1..9_usize) {
        for path in ["/events", "/orders", "/people", "/kinds"] {
            let resource = resource("GET", path);
            let place = Place { resource: resource.id, query: Vec::new(), ..place.clone() };
            let token = key().seal(&place).unwrap();
            let query = format!("pageSize={size}&nextPage={token}");
            let caller = caller("GET", path, &query, "");
            let group = &ELEMENT.groups[1];
            let mut walk = Walk::new(&ELEMENT, resource, &effective(), &caller, &key()).unwrap();
            let mut calls = 0;
            with_inputs(|inputs| {
                while let Some(request) = walk.request(group, inputs, &caller) {
                    if request.is_err() {
                        break;
                    }
                    calls += 1;
                    assert!(calls <= 50, "{path}");
                    let body = r#"{"paging":{"more":true,"next":"on"},"data":{"rows":[{"id":1}]}}"#;
                    walk.accept(group, inputs, &reply(200, body)).unwrap();
                }
            });
            if let Ok(page) = walk.finish(&key()) {
                prop_assert!(page.records.len() <= size);
            }
        }
    }
}
