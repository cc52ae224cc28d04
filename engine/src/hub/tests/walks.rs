//! Pages of ours out of pages of a vendor's.

mod list;

use std::collections::BTreeMap;

use http::HeaderValue;
use http::header::LINK;

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
    if path == "/named" {
        // By beginnings, regardless of case, and not of today.
        let text = query["text"].to_lowercase();
        let name = |record: &Json| record["name"].as_str().unwrap().to_owned();
        let known = records.iter().map(|record| match record["id"].as_i64() {
            Some(1) => json!({"id": 1, "name": "P7"}),
            _ => json!({"id": record["id"], "name": name(record)}),
        });
        let fits = |item: &Json| name(item).to_lowercase().starts_with(&text);
        let named: Vec<Json> = known.filter(fits).take(3).collect();
        return match text.contains('%') {
            true => reply(400, ""),
            false => reply(200, json!({ "named": named }).to_string()),
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
    let most = match path {
        "/linked" => 11,
        "/kinds" => usize::MAX,
        _ => 7,
    };
    // Where pages are not counted it cuts down what is too much, and says nothing.
    let size = match path {
        "/orders" | "/events" => size.min(most),
        _ => size,
    };
    assert!(size <= most, "{url}");
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
    walk_refused(records, path, query, &mut || false)
}

/// Of an instance whose configuration says how many records a page has.
fn walk_sized(records: &[Json], path: &str, query: &str, max: &str) -> Result<Walked, Mistake> {
    let given = [
        ("site", "acme"),
        ("token", "secret-token"),
        ("pagination.max", max),
    ];
    let values = ELEMENT.effective(&ELEMENT.groups[1], &values(&ELEMENT, &given));
    walk_of(records, path, query, &values, &mut || false)
}

/// The vendor refuses calls, which end the page where it may end, and are made again elsewhere.
fn walk_refused(
    records: &[Json],
    path: &str,
    query: &str,
    refuses: &mut dyn FnMut() -> bool,
) -> Result<Walked, Mistake> {
    walk_of(records, path, query, &effective(), refuses)
}

fn walk_of(
    records: &[Json],
    path: &str,
    query: &str,
    values: &Values,
    refuses: &mut dyn FnMut() -> bool,
) -> Result<Walked, Mistake> {
    let caller = caller("GET", path, query, "");
    let group = &ELEMENT.groups[1];
    let mut walk = Walk::new(&ELEMENT, resource("GET", path), values, &caller, &key())?;
    let mut calls = Vec::new();
    with_inputs(|inputs| {
        while let Some(request) = walk.request(group, inputs, &caller) {
            let url = request.unwrap().url;
            calls.push(
                url[url::Position::BeforePath..]
                    .trim_start_matches("/v1/v")
                    .to_owned(),
            );
            if refuses() {
                let fault = walk.accept(group, inputs, &reply(429, "")).unwrap_err();
                assert_eq!(fault.status, 429);
                if walk.may_stop() {
                    walk.stop("wait");
                }
            } else {
                walk.accept(group, inputs, &vendor(records, &url)).unwrap();
            }
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
fn one_record_is_found_by_a_hint_or_in_the_list() {
    let records = people(30);
    for (query, found, calls) in [
        (
            "where=name='P12'",
            vec![12],
            vec!["/named?text=P12", "/people/12"],
        ),
        (
            "where=name='P12' and n=2",
            vec![12],
            vec!["/named?text=P12", "/people/12"],
        ),
        (
            "where=name='P12'&page=1",
            vec![12],
            vec!["/named?text=P12", "/people/12"],
        ),
        // It is there, and is not what was asked for.
        (
            "where=name='P12' and n=1",
            vec![],
            vec![
                "/named?text=P12",
                "/people/12",
                "/linked",
                "/linked",
                "/linked",
            ],
        ),
        // The hint knows it by another spelling, not at all, or of another record; or is not to be asked.
        (
            "where=name='p12'",
            vec![],
            vec!["/named?text=p12", "/linked", "/linked", "/linked"],
        ),
        (
            "where=name='P99'",
            vec![],
            vec!["/named?text=P99", "/linked", "/linked", "/linked"],
        ),
        (
            "where=name='P7'",
            vec![7],
            vec![
                "/named?text=P7",
                "/people/1",
                "/linked",
                "/linked",
                "/linked",
            ],
        ),
        (
            "where=name='P%25'",
            vec![],
            vec!["/named?text=P%25", "/linked", "/linked", "/linked"],
        ),
        (
            "where=name='P12'&page=2",
            vec![],
            vec!["/linked", "/linked", "/linked"],
        ),
        (
            "where=name='P12' or name='P13'",
            vec![12, 13],
            vec!["/linked", "/linked", "/linked"],
        ),
    ] {
        let walked = walk(&records, "/linked", query).unwrap();
        let made = walked.calls.iter().map(|call| match call.split_once('?') {
            Some(("/linked", _)) => "/linked".to_owned(),
            _ => call.split('&').next().unwrap_or_default().to_owned(),
        });
        let calls = calls.into_iter().map(str::to_owned);
        assert_eq!(
            made.collect::<Vec<_>>(),
            calls.collect::<Vec<_>>(),
            "{query}"
        );
        assert_eq!(walked.records, found, "{query}");
    }
    // A number, or a moment, is equal to others.
    for text in ["12", "'2024-01-01'"] {
        let walked = walk(&records, "/linked", &format!("where=name={text}")).unwrap();
        assert!(walked.calls[0].starts_with("/linked"), "{text}");
    }
}

#[test]
fn what_was_read_before_a_refusal_is_a_page() {
    let records = people(40);
    let refused = |query: &str, second: usize| {
        let mut calls = 0;
        walk_refused(&records, "/people", query, &mut || {
            calls += 1;
            calls == second
        })
        .unwrap()
    };
    let short = refused("pageSize=20", 3);
    assert_eq!(short.records, (0..14).collect::<Vec<i64>>());
    assert_eq!(
        short.page.notices,
        ["The page is not full: wait; go on with the token."]
    );
    let query = format!("nextPage={}", short.page.next.unwrap());
    let rest = refused(&query, 9);
    assert_eq!(rest.records, (14..34).collect::<Vec<i64>>());
    // Nothing found yet, but looked through.
    let empty = refused("where=id>=30&pageSize=3", 3);
    assert!(empty.records.is_empty() && empty.calls.len() == 3);
    let query = format!("nextPage={}", empty.page.next.unwrap());
    let rest = refused(&query, 9);
    assert_eq!(rest.records, [30, 31, 32]);
    assert!(rest.calls[0].contains("page=3"), "{:?}", rest.calls);
    // Nothing is there to be kept, and page 2 would not begin where a short page 1 has ended.
    assert_eq!(refused("pageSize=20", 1).records.len(), 20);
    assert_eq!(refused("pageSize=20&page=1", 3).records.len(), 20);
}

#[test]
fn the_vendor_gives_as_much_as_it_may_where_that_saves_calls() {
    let records = people(40);
    let calls = |query: &str, max: Option<&str>| {
        let mut given = vec![("site", "acme"), ("token", "secret-token")];
        given.extend(max.map(|max| ("pagination.max", max)));
        let stored = values(&ELEMENT, &given);
        let values = ELEMENT.effective(&ELEMENT.groups[1], &stored);
        let caller = caller("GET", "/linked", query, "");
        let list = resource("GET", "/linked");
        let walk = Walk::new(&ELEMENT, list, &values, &caller, &key()).unwrap();
        with_inputs(|inputs| {
            let request = walk.request(&ELEMENT.groups[1], inputs, &caller);
            let url = request.unwrap().unwrap().url;
            let mut pairs = url.query_pairs();
            pairs
                .find(|(name, _)| name == "size")
                .unwrap()
                .1
                .into_owned()
        })
    };
    assert_eq!(walk(&records, "/linked", "").unwrap().records.len(), 7);
    for (query, max, size) in [
        ("", None, "7"),
        ("pageSize=2", None, "2"),
        ("pageSize=10", None, "10"),
        ("pageSize=16", None, "8"),
        ("where=n=1", None, "11"),
        ("where=changed>'2017-01-01'", None, "7"),
        ("where=changed>'2017-01-01' and n=1", None, "11"),
        ("where=n=1&pageSize=1", None, "11"),
        ("where=n=1&pageSize=1", Some("3"), "3"),
        ("pageSize=10", Some("5"), "5"),
        ("pageSize=20", Some("500"), "10"),
    ] {
        assert_eq!(calls(query, max), size, "{query} {max:?}");
    }
}
