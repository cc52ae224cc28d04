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
    };
    let mut accepted = Accepted {
        generation: 3,
        group: "basic".to_owned(),
        asked: values(&[("a", "1"), ("b", "2")]),
        returned: Values::new(),
        spent: false,
        exchange: None,
    };
    let every = |_: &str| true;
    let same = [("a", "1"), ("b", "2")];
    assert!(accepted.covers(&plan(&basic, &same), every, 3));
    assert!(accepted.covers(&plan(&basic, &same), every, 4));
    assert!(!accepted.covers(&plan(&token, &same), every, 3));
    for other in [
        &[("a", "1")][..],
        &[("a", "1"), ("b", "3")],
        &[("a", "1"), ("c", "2")],
        &[("a", "1"), ("b", "2"), ("c", "3")],
    ] {
        assert!(
            !accepted.covers(&plan(&basic, other), every, 3),
            "{other:?}"
        );
    }
    // A session that somebody else's log-in may have ended.
    accepted.returned = values(&[("session", "s")]);
    assert!(accepted.covers(&plan(&basic, &same), every, 3));
    assert!(!accepted.covers(&plan(&basic, &same), every, 4));
    // What it cost is gone: what it gave counts, whatever else has changed.
    accepted.spent = true;
    assert!(accepted.covers(&plan(&basic, &same), every, 4));
    let more = [("a", "1"), ("b", "2"), ("note", "n"), ("session", "old")];
    let but_notes = |key: &str| key != "note";
    assert!(accepted.covers(&plan(&basic, &more), but_notes, 4));
    let other = [("a", "1"), ("b", "3")];
    assert!(!accepted.covers(&plan(&basic, &other), every, 4));
}
