use serde_json::{Value as Json, json};

use crate::ceql::parse;
use crate::element::shape::{Form, Lifted, Member, Only, Record};

fn member(name: &str, of: &str, form: Form) -> Member {
    Member {
        name: name.to_owned(),
        of: of.to_owned(),
        form,
        members: vec!["value".to_owned()],
        first: serde_json::Map::new(),
        inside: Vec::new(),
        only: None,
    }
}

fn record() -> Record {
    let owner = Member {
        members: vec!["value".to_owned(), "id".to_owned()],
        ..member("user", "owner", Form::Link)
    };
    let address = Member {
        members: ["value", "city", "zip"].map(str::to_owned).to_vec(),
        ..member("address", "address", Form::Parts)
    };
    let mail = Member {
        first: json!({"main": true}).as_object().cloned().unwrap(),
        ..member("mail", "mails", Form::Items)
    };
    let guests = Member {
        inside: vec![member("main_flag", "main", Form::Boolean)],
        ..member("guests", "guests", Form::Same)
    };
    let guest = Member {
        members: vec!["guest".to_owned()],
        only: Some(Only::Sent),
        ..member("guest", "guests", Form::Items)
    };
    let gone = Member {
        only: Some(Only::Shown),
        ..member("active", "gone", Form::Reversed)
    };
    Record {
        members: vec![
            owner,
            member("org", "org", Form::Link),
            address,
            mail,
            guests,
            guest,
            gone,
            member("open", "closed", Form::Reversed),
            member("label", "labels", Form::First),
            member("tags", "labels", Form::Joined),
            member("seen", "seen", Form::Text),
            member("price", "price", Form::Number),
            member("done", "done", Form::Boolean),
            member("at", "at", Form::Time),
            member("clock", "clock", Form::Minute),
        ],
        lifted: Some(Lifted {
            of: "own".to_owned(),
            letters: "0123456789abcdef".to_owned(),
            length: 4,
        }),
        ..Record::default()
    }
}

#[test]
fn what_callers_know_is_shown_and_nothing_else_is_touched() {
    let record = record();
    for (theirs, ours) in [
        (
            json!({"owner": 5}),
            json!({"owner": 5, "user": {"value": 5, "id": 5}}),
        ),
        (json!({"owner": null}), json!({"owner": null, "user": null})),
        (json!({"org": 7}), json!({"org": {"value": 7}})),
        (json!({"org": null}), json!({"org": null})),
        (
            json!({"address": {"value": "A 1", "city": "B", "zip": null}}),
            json!({"address": "A 1", "address_city": "B", "address_zip": null}),
        ),
        (
            json!({"address": {"city": "B"}}),
            json!({"address": null, "address_city": "B"}),
        ),
        (
            json!({"mails": [{"value": "a"}]}),
            json!({"mails": [{"value": "a"}], "mail": [{"value": "a"}]}),
        ),
        (
            json!({"guests": [{"main": true}, 1, {}]}),
            json!({"guests": [{"main": true, "main_flag": true}, 1, {}]}),
        ),
        (
            json!({"gone": false}),
            json!({"gone": false, "active": true}),
        ),
        (
            json!({"labels": [3, 4]}),
            json!({"labels": [3, 4], "label": 3, "tags": "3,4"}),
        ),
        (
            json!({"labels": []}),
            json!({"labels": [], "label": null, "tags": null}),
        ),
        (json!({"seen": 3}), json!({"seen": "3"})),
        (
            json!({"at": "2017-03-01T10:00:00Z"}),
            json!({"at": "2017-03-01 10:00:00"}),
        ),
        (
            json!({"at": "2017-03-01T10:00:00.250Z"}),
            json!({"at": "2017-03-01 10:00:00"}),
        ),
        (
            json!({"at": "2017-03-01T10:00:00+02:00"}),
            json!({"at": "2017-03-01 08:00:00"}),
        ),
        (json!({"at": "some Time"}), json!({"at": "some Time"})),
        (json!({"clock": "10:30:00"}), json!({"clock": "10:30"})),
        (json!({"clock": "10:30"}), json!({"clock": "10:30"})),
        (
            json!({"own": {"00ff": "x", "00f1": {"value": 1, "currency": "EUR"}, "00f2": [1, 2], "other": null}}),
            json!({"own": {"00ff": "x", "00f1": {"value": 1, "currency": "EUR"}, "00f2": [1, 2], "other": null},
                   "00ff": "x", "00f1": 1, "00f1_currency": "EUR", "00f2": "1,2", "other": null}),
        ),
        // The vendor's own member of that name stays.
        (
            json!({"owner": 5, "user": "x"}),
            json!({"owner": 5, "user": "x"}),
        ),
    ] {
        let text = theirs.to_string();
        let once = record.shown(&text).into_owned();
        assert_eq!(serde_json::from_str::<Json>(&once).unwrap(), ours, "{text}");
        assert_eq!(record.shown(&once), once, "once");
    }
    for other in ["{}", "[]", "7", "null", "", "{", r#"{"a": 1, "a": 2}"#] {
        assert_eq!(record.shown(other), other);
    }
    let quoted = record.shown(r#"{"a\"\n": 1, "seen": 3}"#).into_owned();
    assert_eq!(quoted, r#"{"a\"\n":1,"seen":"3"}"#);
}

#[test]
fn what_callers_send_goes_where_the_vendor_wants_it() {
    let record = record();
    for (ours, theirs) in [
        (json!({"user": 5}), json!({"owner": 5})),
        (json!({"user": {"id": 5}}), json!({"owner": 5})),
        (json!({"user": "5"}), json!({"owner": 5})),
        (json!({"user": null}), json!({"owner": null})),
        // As it was read, with one of the two changed, and with both.
        (
            json!({"user": {"value": 5, "id": 5}, "owner": 5}),
            json!({"owner": 5}),
        ),
        (json!({"user": 6, "owner": 5}), json!({"owner": 6})),
        (
            json!({"label": 3, "labels": [3, 4]}),
            json!({"labels": [3, 4]}),
        ),
        (
            json!({"label": 5, "labels": [3, 4]}),
            json!({"labels": [5]}),
        ),
        (json!({"org": {"value": 7, "name": "x"}}), json!({"org": 7})),
        (
            json!({"address": "A 1"}),
            json!({"address": {"value": "A 1"}}),
        ),
        (
            json!({"address": "A 1", "address_city": "B"}),
            json!({"address": {"value": "A 1", "city": "B"}}),
        ),
        (
            json!({"address_city": "B"}),
            json!({"address": {"city": "B"}}),
        ),
        (
            json!({"address": {"value": "A 1"}}),
            json!({"address": {"value": "A 1"}}),
        ),
        (
            json!({"mail": "a"}),
            json!({"mails": [{"value": "a", "main": true}]}),
        ),
        (
            json!({"mail": ["a", {"value": "b", "main": true}, ""]}),
            json!({"mails": [{"value": "a"}, {"value": "b", "main": true}]}),
        ),
        (json!({"mail": null}), json!({"mails": []})),
        (
            json!({"guests": [{"main_flag": 1}]}),
            json!({"guests": [{"main": true}]}),
        ),
        (json!({"guest": 4}), json!({"guests": [{"guest": 4}]})),
        (
            json!({"guest": 4, "guests": [{"guest": 9}]}),
            json!({"guests": [{"guest": 9}]}),
        ),
        (json!({"active": true, "x": 1}), json!({"x": 1})),
        (json!({"open": "1"}), json!({"closed": false})),
        (json!({"label": "3"}), json!({"labels": [3]})),
        (json!({"tags": "3, 4"}), json!({"labels": [3, 4]})),
        (json!({"tags": 3}), json!({"labels": [3]})),
        (json!({"seen": "3"}), json!({"seen": 3})),
        (json!({"price": "1500.5"}), json!({"price": 1500.5})),
        (json!({"price": "much"}), json!({"price": "much"})),
        (json!({"done": 1}), json!({"done": true})),
        (json!({"done": "0"}), json!({"done": false})),
        (json!({"done": 2}), json!({"done": 2})),
        (
            json!({"at": "2017-03-01 10:00:00"}),
            json!({"at": "2017-03-01T10:00:00Z"}),
        ),
        (
            json!({"at": "2017-03-01T10:00:00+02:00"}),
            json!({"at": "2017-03-01T10:00:00+02:00"}),
        ),
        (
            json!({"at": "0000-00-00 00:00:00"}),
            json!({"at": "0000-00-00 00:00:00"}),
        ),
        (
            json!({"00ff": "x", "00f1": 1, "00f1_currency": "EUR", "beef": [1], "word": 1}),
            json!({"own": {"00ff": "x", "00f1": {"value": 1, "currency": "EUR"}, "beef": [1]}, "word": 1}),
        ),
        // What was read goes back as it is.
        (
            json!({"own": {"00f1": {"value": 1, "currency": "EUR"}, "00f2": [1, 2]}, "00f1": 1,
                   "00f1_currency": "EUR", "00f2": "1,2"}),
            json!({"own": {"00f1": {"value": 1, "currency": "EUR"}, "00f2": [1, 2]}}),
        ),
        // What was changed has the form that it had.
        (
            json!({"own": {"00f1": 27, "00f2": [1, 2], "00f3": [1], "00f4": [1]}, "00f1": "28",
                   "00f2": "2, 3", "00f3": 4, "00f4": ""}),
            json!({"own": {"00f1": 28, "00f2": [2, 3], "00f3": [4], "00f4": []}}),
        ),
        (
            json!({"own": {"00ff": "x"}, "00ff": "y"}),
            json!({"own": {"00ff": "y"}}),
        ),
    ] {
        let mut body = ours.as_object().cloned().unwrap();
        let changed = record.put_back(&mut body);
        assert_eq!(Json::Object(body), theirs, "{ours}");
        assert_eq!(changed, ours != theirs, "{ours}");
    }
}

#[test]
fn what_callers_ask_for_has_the_vendors_names() {
    let record = record();
    for (asked, vendors, looked_for) in [
        ("user = 5", "owner = 5", "user.value = 5"),
        ("user.id = 5", "owner = 5", "user.id = 5"),
        (
            "org in (1, 2) or x = 1",
            "org in (1, 2) or x = 1",
            "org.value in (1, 2) or x = 1",
        ),
        ("active = true", "gone = false", "active = true"),
        (
            "active != 1 and a = 1",
            "gone != false and a = 1",
            "active != true and a = 1",
        ),
        ("done = 0", "done = false", "done = false"),
        ("mail.value = 'a'", "mails.value = 'a'", "mail.value = 'a'"),
        ("address = 'a'", "address = 'a'", "address = 'a'"),
        (
            "address.value = 'a'",
            "address.value = 'a'",
            "address = 'a'",
        ),
        (
            "address_city = 'a'",
            "address.city = 'a'",
            "address_city = 'a'",
        ),
        (
            "address.city = 'a'",
            "address.city = 'a'",
            "address_city = 'a'",
        ),
        (
            "guests.main_flag = true",
            "guests.main = true",
            "guests.main_flag = true",
        ),
        ("guest = 4", "guest = 4", "guest = 4"),
        ("`00ff` = 'a'", "own.`00ff` = 'a'", "`00ff` = 'a'"),
        (
            "`00f1_currency` = 'EUR'",
            "own.`00f1`.currency = 'EUR'",
            "`00f1_currency` = 'EUR'",
        ),
        ("users = 1", "users = 1", "users = 1"),
    ] {
        let expression = parse(asked).unwrap();
        // Backticks hold one name, so dots of names that begin with digits are compared as text.
        let plain = |text: String| text.replace('`', "").to_lowercase();
        assert_eq!(
            plain(record.vendors(&expression).to_string()),
            plain(vendors.to_owned())
        );
        assert_eq!(
            plain(record.ours(&expression).to_string()),
            plain(looked_for.to_owned())
        );
    }
    assert_eq!(record.vendors_name("user"), "owner");
    assert_eq!(record.shown_name("user"), "user.value");
    assert!(!record.keeps_order("active") && record.keeps_order("user"));
}
