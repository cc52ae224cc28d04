use bunsen_engine::configuration::Value;
use bunsen_engine::element::{Group, Login};

use super::*;

fn values(pairs: &[(&str, &str)]) -> Values {
    let pairs = pairs.iter();
    pairs
        .map(|(key, text)| ((*key).to_owned(), Value::Clear((*text).to_owned())))
        .collect()
}

#[test]
fn what_was_accepted_covers_just_that() {
    let group = |name: &str| Group {
        name: name.to_owned(),
        title: String::new(),
        authentication: None,
        soap_header: None,
        today: false,
        retired: None,
        oauth: None,
        refresh: None,
    };
    let (basic, token) = (group("basic"), group("token"));
    let plan = |group, pairs: &[(&str, &str)]| Plan {
        group,
        values: values(pairs),
        changed: true,
        log_in: Some(Login::default()),
        client: None,
    };
    let mut accepted = Accepted {
        generation: 3,
        group: "basic".to_owned(),
        asked: values(&[("a", "1"), ("b", "2")]),
        returned: Values::new(),
        spent: false,
        refreshes: false,
        exchange: None,
        repeatable: true,
    };
    let covers = |accepted: &Accepted, plan: &Plan<'_>, generation| {
        accepted.covers(plan, generation, |key| key != "harmless")
    };
    let same = [("a", "1"), ("b", "2")];
    assert!(covers(&accepted, &plan(&basic, &same), 3));
    assert!(covers(&accepted, &plan(&basic, &same), 4));
    assert!(!covers(&accepted, &plan(&token, &same), 3));
    let meanwhile = [("a", "1"), ("b", "2"), ("harmless", "3")];
    assert!(covers(&accepted, &plan(&basic, &meanwhile), 3));
    for other in [
        &[("a", "1")][..],
        &[("a", "1"), ("b", "3")],
        &[("a", "1"), ("c", "2")],
        &[("a", "1"), ("b", "2"), ("c", "3")],
    ] {
        assert!(!covers(&accepted, &plan(&basic, other), 3), "{other:?}");
    }
    // A session that somebody else's log-in may have ended.
    accepted.returned = values(&[("session", "s")]);
    assert!(covers(&accepted, &plan(&basic, &same), 3));
    assert!(!covers(&accepted, &plan(&basic, &same), 4));
    // What it cost is gone: what it gave counts, whatever else has changed.
    accepted.spent = true;
    assert!(covers(&accepted, &plan(&basic, &same), 4));
    let more = [
        ("a", "1"),
        ("b", "2"),
        ("harmless", "n"),
        ("session", "old"),
    ];
    assert!(covers(&accepted, &plan(&basic, &more), 4));
    let other = [("a", "1"), ("b", "3")];
    assert!(!covers(&accepted, &plan(&basic, &other), 4));
}
