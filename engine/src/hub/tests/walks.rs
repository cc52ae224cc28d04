//! Pages of ours out of pages of a vendor's.

use std::collections::BTreeMap;

use http::HeaderValue;
use http::header::LINK;
use proptest::prelude::*;

use super::*;

/// Answers as a vendor does that has these records.
fn vendor(records: &[Json], url: &url::Url) -> VendorReply {
    let query: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
    let number = |name: &str| query.get(name).map(|text| text.parse::<usize>().unwrap());
    let path = url.path().trim_start_matches("/v1/v");
    if let Some(id) = path.strip_prefix("/people/") {
        let id: Json = serde_json::from_str(id).unwrap();
        let found = records.iter().find(|record| record["id"] == id);
        return match found {
            Some(record) => reply(200, json!({ "data": record }).to_string()),
            None => reply(404, ""),
        };
    }
    let (from, size) = match path {
        "/people" | "/linked" => {
            let size = number("size").unwrap();
            ((number("page").unwrap() - 1) * size, size)
        }
        "/orders" => (number("start").unwrap(), number("limit").unwrap()),
        "/events" => {
            let from = query
                .get("cursor")
                .map_or(0, |cursor| cursor[1..].parse().unwrap());
            (from, number("limit").unwrap())
        }
        "/kinds" => (0, usize::MAX),
        other => panic!("{other}"),
    };
    assert!(size <= 7 || path == "/kinds", "{url}");
    let page: Vec<&Json> = records.iter().skip(from).take(size).collect();
    let end = from.saturating_add(size);
    let more = end < records.len();
    let next = more.then(|| format!("c{end}"));
    let body = json!({"paging": {"more": more, "next": next}, "data": {"rows": page}, "total": records.len()});
    let mut reply = reply(200, body.to_string());
    if more {
        let link = HeaderValue::from_static(
            "<https://acme.vendor.example/v1/v?page=1>; rel=\"first\", < https://x>; rel=\"next\"",
        );
        reply.headers.insert(LINK, link);
    }
    reply
}

struct Walked {
    records: Vec<i64>,
    page: Page,
    calls: Vec<String>,
}

fn walk(records: &[Json], path: &str, query: &str) -> Result<Walked, Mistake> {
    let caller = caller("GET", path, query, "");
    let group = &ELEMENT.groups[1];
    let mut walk = Walk::new(
        &ELEMENT,
        resource("GET", path),
        &effective(),
        &caller,
        &key(),
    )?;
    let mut calls = Vec::new();
    with_inputs(|inputs| {
        while let Some(request) = walk.request(group, inputs, &caller) {
            let url = request.unwrap().url;
            calls.push(
                url[url::Position::BeforePath..]
                    .trim_start_matches("/v1/v")
                    .to_owned(),
            );
            walk.accept(group, inputs, &vendor(records, &url)).unwrap();
        }
    });
    let page = walk.finish(&key())?;
    let read = page.records.iter().map(|record| {
        let record: Json = serde_json::from_slice(record).unwrap();
        record["id"].as_i64().unwrap()
    });
    Ok(Walked {
        records: read.collect(),
        page,
        calls,
    })
}

fn people(count: usize) -> Vec<Json> {
    let person =
        |id: usize| json!({"id": id, "n": id % 5, "name": format!("P{id}"), "changed": null});
    (0..count).map(person).collect()
}

const LISTS: [&str; 5] = ["/people", "/linked", "/orders", "/events", "/kinds"];

#[test]
fn the_vendor_is_asked_in_its_own_way() {
    let records = people(40);
    for (path, query, calls, next) in [
        (
            "/people",
            "pageSize=3&page=2",
            vec!["/people?since=2000-01-01T00%3A00%3A00Z&size=3&page=2"],
            true,
        ),
        (
            "/people",
            "",
            vec!["/people?since=2000-01-01T00%3A00%3A00Z&size=7&page=1"],
            true,
        ),
        (
            "/people",
            "pageSize=20&page=2&where=changed%3E'2017-01-01'",
            vec![
                "/people?size=7&page=1&since=2017-01-01T00%3A00%3A00Z",
                "/people?size=7&page=2&since=2017-01-01T00%3A00%3A00Z",
                "/people?size=7&page=3&since=2017-01-01T00%3A00%3A00Z",
                "/people?size=7&page=4&since=2017-01-01T00%3A00%3A00Z",
                "/people?size=7&page=5&since=2017-01-01T00%3A00%3A00Z",
                "/people?size=7&page=6&since=2017-01-01T00%3A00%3A00Z",
            ],
            false,
        ),
        (
            "/orders",
            "pageSize=10&page=2",
            vec![
                "/orders?since=2000-01-01T00%3A00%3A00Z&limit=5&start=10",
                "/orders?since=2000-01-01T00%3A00%3A00Z&limit=5&start=15",
            ],
            true,
        ),
        (
            "/events",
            "pageSize=9",
            vec![
                "/events?since=2000-01-01T00%3A00%3A00Z&limit=5",
                "/events?since=2000-01-01T00%3A00%3A00Z&limit=5&cursor=c5",
            ],
            true,
        ),
        (
            "/kinds",
            "pageSize=39",
            vec!["/kinds?since=2000-01-01T00%3A00%3A00Z"],
            true,
        ),
        (
            "/people",
            "where=id=12&pageSize=3",
            vec!["/people/12"],
            false,
        ),
        ("/people", "where=id=99", vec!["/people/99"], false),
        ("/people", "where=id=12 and n=3", vec!["/people/12"], false),
    ] {
        let walked = walk(&records, path, query).unwrap();
        let mut found = walked.calls;
        // The order of parameters is the definition's.
        let sorted = |call: &mut String| {
            let (path, query) = call.split_once('?').unwrap_or((call, ""));
            let mut pairs: Vec<&str> = query.split('&').collect();
            pairs.sort_unstable();
            *call = format!("{path}?{}", pairs.join("&"));
        };
        found.iter_mut().for_each(sorted);
        let mut calls: Vec<String> = calls.into_iter().map(str::to_owned).collect();
        calls.iter_mut().for_each(sorted);
        assert_eq!(found, calls, "{path} {query}");
        assert_eq!(walked.page.next.is_some(), next, "{path} {query}");
    }
    assert_eq!(
        walk(&records, "/people", "where=id=12").unwrap().records,
        [12]
    );
    assert!(
        walk(&records, "/people", "where=id=99")
            .unwrap()
            .records
            .is_empty()
    );
    assert!(
        walk(&records, "/people", "where=id=12 and n=3")
            .unwrap()
            .records
            .is_empty()
    );
    assert_eq!(walk(&records, "/people", "").unwrap().page.total, Some(40));
    assert_eq!(
        walk(&records, "/people", "where=n=1").unwrap().page.total,
        None
    );
}

#[test]
fn what_was_not_done_is_said() {
    let records = people(400);
    let notices = |path: &str, query: &str| walk(&records, path, query).unwrap().page.notices;
    assert_eq!(
        notices("/people", "pageSize=71"),
        ["pageSize was cut down to 70."]
    );
    assert_eq!(
        notices("/orders", "orderBy=n"),
        ["orderBy was ignored: this list has no order by n asc."]
    );
    assert!(notices("/people", "orderBy=n").is_empty());
    // Fifty pages of seven hold none.
    let walked = walk(&records, "/orders", "where=id>=360").unwrap();
    assert!(walked.records.is_empty() && walked.page.notices[0].contains("50 pages"));
    let token = walked.page.next.unwrap();
    assert_eq!(
        walk(&records, "/orders", &format!("nextPage={token}"))
            .unwrap()
            .records[0],
        360
    );
    let Mistake(said) = walk(&records, "/orders", "where=id>=100&page=99")
        .map(drop)
        .unwrap_err();
    assert!(said.contains("Page number is too high"), "{said}");
    let sorted = walk(
        &people(9),
        "/kinds",
        "orderBy=n desc,id desc&pageSize=3&page=2",
    )
    .unwrap();
    assert_eq!(sorted.records, [7, 2, 6]);
    assert_eq!(sorted.page.total, Some(9));
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

proptest! {
    #[test]
    fn pages_are_the_list(
        count in 0..60_usize,
        size in 1..25_usize,
        path in prop::sample::select(LISTS.to_vec()),
        filter in prop::sample::select(vec![("", 5), ("n<2", 2), ("n=4 or n=9", 1), ("n>7", 0)]),
    ) {
        let records = people(count);
        let (text, kept) = filter;
        let wanted = |id: &i64| match text {
            "n=4 or n=9" => id % 5 == 4,
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
