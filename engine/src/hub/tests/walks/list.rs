//! Pages put together are the list, whoever filters it and whatever the vendor refuses.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn pages_are_the_list(
        count in 0..60_usize,
        size in 1..25_usize,
        path in prop::sample::select(LISTS.to_vec()),
        filter in prop::sample::select(vec![("", 5), ("n<2", 2), ("n=4 or n=9", 1), ("n>7", 0), ("id=3", 0), ("name='P7'", 0), ("name='P9'", 0)]),
        refusals in prop::collection::vec(prop::bool::ANY, 0..20),
    ) {
        let records = people(count);
        let (text, kept) = filter;
        let wanted = |id: &i64| match text {
            "n=4 or n=9" => id % 5 == 4,
            "id=3" => *id == 3,
            "name='P7'" => *id == 7,
            "name='P9'" => *id == 9,
            _ => (id % 5) < kept,
        };
        let expected: Vec<i64> = (0..count as i64).filter(wanted).collect();
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("where", text).finish();
        // By token.
        let mut found = Vec::new();
        let mut token = String::new();
        loop {
            let walked = walk(&records, path, &format!("{query}&pageSize={size}&nextPage={token}")).unwrap();
            prop_assert!(walked.records.len() <= size);
            found.extend(walked.records);
            match walked.page.next {
                Some(next) => token = next,
                None => break,
            }
        }
        prop_assert_eq!(&found, &expected);
        // By token, from a vendor that refuses some of the calls.
        let mut refusals = refusals.into_iter();
        let mut refuses = || refusals.next().unwrap_or(false);
        let (mut some, mut token) = (Vec::new(), String::new());
        loop {
            let query = format!("{query}&pageSize={size}&nextPage={token}");
            let walked = walk_refused(&records, path, &query, &mut refuses).unwrap();
            some.extend(walked.records);
            match walked.page.next {
                Some(next) => token = next,
                None => break,
            }
        }
        prop_assert_eq!(&some, &expected);
        // By number; the first of them twice as long is the first two.
        for page in 1..4 {
            let walked = walk(&records, path, &format!("{query}&pageSize={size}&page={page}")).unwrap();
            let from = (page - 1) * size;
            let part: Vec<i64> = expected.iter().skip(from).take(size).copied().collect();
            prop_assert_eq!(&walked.records, &part);
        }
        let twice = walk(&records, path, &format!("{query}&pageSize={}", 2 * size)).unwrap();
        prop_assert_eq!(twice.records, &expected[..expected.len().min(2 * size)]);
    }
}

proptest! {
    /// Whatever the configuration says that the vendor gives.
    #[test]
    fn pages_are_the_list_where_the_configuration_says_too_much(
        count in 0..60_usize,
        size in 1..25_usize,
        max in 1..40_usize,
        path in prop::sample::select(LISTS.to_vec()),
    ) {
        let records = people(count);
        let walked = |query: String| walk_sized(&records, path, &query, &max.to_string()).unwrap();
        let page = |number: usize, size: usize| {
            walked(format!("pageSize={size}&page={number}")).records
        };
        // However many of the vendor's pages that takes, up to ten.
        let size = size.min(max.min(7) * 5);
        prop_assert_eq!([page(1, size), page(2, size)].concat(), page(1, 2 * size));
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let next = walked(format!("pageSize={size}&nextPage={token}"));
            found.extend(next.records);
            match next.page.next {
                Some(next) => token = next,
                None => break,
            }
        }
        prop_assert_eq!(found, (0..count as i64).collect::<Vec<_>>());
    }
}

#[test]
fn queries_and_tokens_are_judged() {
    let records = people(9);
    for (query, part) in [
        ("pageSize=0", "'pageSize' must be a number from 1 on"),
        ("pageSize=-1", "'pageSize'"),
        ("pageSize=ten", "'pageSize'"),
        ("page=0", "'page'"),
        ("nextPage=abc", "'nextPage' is not a token"),
        ("orderBy=n up", "'orderBy': column 3"),
        ("fields=a b", "'fields': column 3"),
    ] {
        let Mistake(said) = walk(&records, "/people", query).map(drop).unwrap_err();
        assert!(said.contains(part), "{query}: {said}");
    }
    for query in [
        "nextPage=",
        "nextPage=null",
        "nextPage=undefined",
        "where=&pageSize=7",
        "where=%20",
    ] {
        assert_eq!(
            walk(&records, "/people", query).unwrap().records.len(),
            7,
            "{query}"
        );
    }
    let token = walk(&records, "/people", "pageSize=2")
        .unwrap()
        .page
        .next
        .unwrap();
    let next = |path: &str, token: &str| walk(&records, path, &format!("nextPage={token}&page=9"));
    assert_eq!(next("/people", &token).unwrap().records, [2, 3]);
    assert!(
        next("/linked", &token)
            .map(drop)
            .unwrap_err()
            .0
            .contains("another list")
    );
    for index in [0, 30, 60, token.len() - 1] {
        let mut bytes = token.clone().into_bytes();
        bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
        assert!(
            next("/people", std::str::from_utf8(&bytes).unwrap()).is_err(),
            "{index}"
        );
    }
    // A token of one instance is none of another.
    let other = TokenKey::new(&[7; 32], "instance 2");
    let caller = caller("GET", "/people", &format!("nextPage={token}"), "");
    let walk = Walk::new(
        &ELEMENT,
        resource("GET", "/people"),
        &effective(),
        &caller,
        &other,
    );
    assert!(walk.is_err());
    assert_eq!(format!("{other:?}"), "TokenKey(..)");
    // A newer secret signs, and what an older one has signed goes on.
    let newer = TokenKey::new(&[8; 32], "instance 1");
    let walk = |key: &TokenKey| {
        let list = resource("GET", "/people");
        Walk::new(&ELEMENT, list, &effective(), &caller, key)
    };
    assert!(walk(&newer).is_err());
    assert!(walk(&newer.or(&[7; 32])).is_ok());
}
