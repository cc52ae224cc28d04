//! What a list may hold and hand on: bytes of the vendor's pages, its tokens, and the caller's query.

use super::*;

/// A page of the list `/people`, or `/events` with this token for the next: seven records of so many bytes.
fn page(bytes: usize, next: &str) -> VendorReply {
    let rows: Vec<Json> = (0..7)
        .map(|id| json!({"id": id, "n": id, "name": "x".repeat(bytes)}))
        .collect();
    let body = json!({"paging": {"next": next}, "data": {"rows": rows}, "total": 1000});
    reply(200, body.to_string())
}

fn begun(path: &str, query: &str) -> (Caller<'static>, Walk<'static>) {
    let caller = caller("GET", path, query, "");
    let list = resource("GET", path);
    let walk = Walk::new(&ELEMENT, list, &effective(), &caller, &key()).unwrap();
    (caller, walk)
}

fn accept(walk: &mut Walk<'_>, reply: &VendorReply) -> Result<(), crate::reply::Fault> {
    with_inputs(|inputs| walk.accept(&ELEMENT.groups[1], inputs, reply))
}

fn goes_on(walk: &Walk<'_>, caller: &Caller<'_>) -> bool {
    with_inputs(|inputs| walk.request(&ELEMENT.groups[1], inputs, caller)).is_some()
}

#[test]
fn a_page_ends_with_its_bytes_and_goes_on_behind_them() {
    let (caller, walk) = begun("/people", "pageSize=70");
    let mut walk = walk.holding_at_most(30_000);
    let answer = page(2000, "");
    let mut calls = 0;
    while goes_on(&walk, &caller) {
        accept(&mut walk, &answer).unwrap();
        calls += 1;
    }
    assert_eq!(calls, 3, "{} bytes of {}", walk.held(), answer.body.len());
    assert_eq!(walk.held(), 3 * answer.body.len());
    let page = walk.finish(&key()).unwrap();
    assert_eq!(page.records.len(), 21);
    assert!(page.notices[0].contains("not full"), "{:?}", page.notices);
    // The token leads to the fourth page.
    let (caller, walk) = begun("/people", &format!("nextPage={}", page.next.unwrap()));
    let request = with_inputs(|inputs| walk.request(&ELEMENT.groups[1], inputs, &caller));
    let url = request.unwrap().unwrap().url;
    assert!(url.query().unwrap().contains("page=4"), "{url}");
}

#[test]
fn few_records_of_a_page_do_not_keep_the_whole() {
    // One of seven fits.
    let (_, mut walk) = begun("/people", "where=n%3D3&pageSize=70");
    let answer = page(2000, "");
    let inside = answer.body.as_ptr_range();
    for _ in 0..5 {
        accept(&mut walk, &answer).unwrap();
    }
    assert!(walk.held() < 5 * 2200, "{}", walk.held());
    let page = walk.finish(&key()).unwrap();
    assert_eq!(page.records.len(), 5);
    for record in page.records {
        assert!(!inside.contains(&record.as_ptr()), "a slice of the page");
        assert!(record.starts_with(b"{") && record.ends_with(b"}"));
        assert_eq!(serde_json::from_slice::<Json>(&record).unwrap()["id"], 3);
    }
}

#[test]
fn a_token_of_the_vendor_is_handed_on_or_told_to_be_too_long() {
    let (_, mut walk) = begun("/events", "pageSize=14");
    let long = "c".repeat(8 * 1024);
    accept(&mut walk, &page(1, &long)).unwrap();
    accept(&mut walk, &page(1, &long.replace('c', "d"))).unwrap();
    let token = walk.finish(&key()).unwrap().next.unwrap();
    begun("/events", &format!("nextPage={token}"));
    let (_, mut walk) = begun("/events", "pageSize=14");
    let fault = accept(&mut walk, &page(1, &"c".repeat(8 * 1024 + 1))).unwrap_err();
    assert_eq!(fault.status, 502);
    assert!(fault.message.contains("8193 bytes"), "{}", fault.message);
}

#[test]
fn a_query_that_no_token_can_carry_is_told_when_there_is_more() {
    let query = |length: usize| format!("pageSize=7&other={}", "x".repeat(length));
    let (_, mut walk) = begun("/people", &query(20_000));
    accept(&mut walk, &page(1, "")).unwrap();
    let token = walk.finish(&key()).unwrap().next.unwrap();
    begun("/people", &format!("nextPage={token}"));
    let (_, mut walk) = begun("/people", &query(30_000));
    accept(&mut walk, &page(1, "")).unwrap();
    let mistake = walk.finish(&key()).unwrap_err();
    assert!(mistake.0.contains("too long"), "{mistake}");
}

#[test]
fn records_below_another_have_a_size_of_their_own() {
    let mut notes = list(1900, "/people/{id}/notes", ["page", "size"], json!({}));
    let id = parameter(1910, "id", "path", "id", "path");
    notes["parameters"].as_array_mut().unwrap().push(id);
    let mut json = definition();
    json["resources"].as_array_mut().unwrap().push(notes);
    let element = element(&json);
    let group = &element.groups[1];
    let stored = values(&element, &[("site", "acme"), ("token", "secret-token")]);
    let values = element.effective(group, &stored);
    for (path, size) in [("/people/7/notes", "3"), ("/people", "7")] {
        let route = element.route(group, &Method::GET, path).unwrap();
        let list = route.resource;
        let caller = Caller::new(route, Vec::new(), &NO_HEADERS, Bytes::new());
        let walk = Walk::new(&element, list, &values, &caller, &key()).unwrap();
        let request = with_inputs(|inputs| walk.request(group, inputs, &caller));
        let url = request.unwrap().unwrap().url;
        let mut pairs = url.query_pairs();
        let asked = pairs.find(|(name, _)| name == "size").unwrap().1;
        assert_eq!(asked, size, "{path}");
    }
}
