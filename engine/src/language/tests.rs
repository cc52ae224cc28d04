use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::configuration::{Value, Values};
use crate::ids::Secret;

fn values(pairs: &[(&str, &str)]) -> Values {
    pairs
        .iter()
        .map(|(key, text)| ((*key).to_owned(), Value::Clear((*text).to_owned())))
        .collect()
}

fn rendered(template: &str, given: &Values) -> String {
    Template::parse(template)
        .unwrap()
        .render(given, |text| Ok(text.to_owned()))
        .unwrap()
        .unwrap()
        .text
}

fn column_of<T: std::fmt::Debug>(parsed: Result<T, SyntaxError>) -> usize {
    parsed.unwrap_err().column
}

#[test]
fn templates_hold_json_as_it_is_and_escape_what_goes_in() {
    let given = values(&[("user", "a\"b\\"), ("other.key", "<&>'")]);
    assert_eq!(
        rendered(r#"{"Name":"{config.user|json}","X":{ "y":1}}"#, &given),
        r#"{"Name":"a\"b\\","X":{ "y":1}}"#
    );
    assert_eq!(
        rendered("<n>{config.other.key|xml}</n>", &given),
        "<n>&lt;&amp;&gt;&apos;</n>"
    );
    assert_eq!(rendered("{config.user|url|json}", &given), "a%22b%5C");
    assert_eq!(rendered("{{config.user}", &given), "{config.user}");
}

#[test]
fn a_template_without_its_value_is_none_and_secrets_mark_it() {
    let template = Template::parse("bearer {config.token}").unwrap();
    let plain = |text: &str| Ok(text.to_owned());
    assert_eq!(template.render(&Values::new(), plain).unwrap(), None);
    let mut given = Values::new();
    given.insert("token".into(), Value::Secret(Secret::new("t0ken")));
    let done = template.render(&given, plain).unwrap().unwrap();
    assert!(done.secret);
    assert_eq!(done.text, "bearer t0ken");
    assert!(!format!("{done:?} {given:?}").contains("t0ken"));
}

#[test]
fn template_mistakes_have_their_column() {
    assert_eq!(column_of(Template::parse("é{config.a|nope}")), 12);
    assert_eq!(column_of(Template::parse("ab{confg.a}")), 3);
    assert_eq!(column_of(Template::parse("{config.a")), 1);
    assert_eq!(column_of(Template::parse("{config.}")), 9);
    assert_eq!(column_of(Template::parse("x {config.a|label}")), 13);
    assert_eq!(column_of(Template::parse("{config.a|label:com}")), 17);
    assert_eq!(column_of(Template::parse("{config.a|json:x}")), 11);
    assert_eq!(column_of(Template::parse_literal("a ${configuration.x")), 3);
    assert_eq!(column_of(Placeholders::parse_url("https://{a")), 9);
    assert_eq!(column_of(Placeholders::parse_url("https://a}")), 10);
    assert_eq!(column_of(Placeholders::parse_url("{}")), 2);
    assert_eq!(column_of(AnswerPath::parse("a[x]")), 3);
    assert_eq!(column_of(AnswerPath::parse("a..b")), 3);
    assert_eq!(column_of(AnswerPath::parse("a.b || ")), 8);
    assert_eq!(column_of(AnswerPath::parse("a[?(@.b!='c')]")), 8);
    assert_eq!(column_of(AnswerPath::parse("")), 1);
}

#[test]
fn literals_know_only_the_platforms_mark() {
    let template = Template::parse_literal("${configuration.a}-{b}-${x}").unwrap();
    let done = template
        .render(&values(&[("a", "1")]), |text| Ok(text.to_owned()))
        .unwrap()
        .unwrap();
    assert_eq!(done.text, "1-{b}-${x}");
}

#[test]
fn texts_with_other_braces_are_no_placeholders() {
    let keys = |text: &str| -> Vec<String> {
        Placeholders::parse_text(text)
            .keys()
            .map(|(key, _)| key.to_owned())
            .collect()
    };
    assert_eq!(
        keys("envelopes|/x?where=from='${gmtDate:yyyy'T'}'&y=${epoch}"),
        Vec::<String>::new()
    );
    assert_eq!(
        keys(r#"{"default":100,"a":{ "b":{}}}"#),
        Vec::<String>::new()
    );
    assert_eq!(keys("{{site.url}/{a}"), ["site.url", "a"]);
}

#[test]
fn a_map_gives_one_text_for_another() {
    let written = "map:demo=account-d,*=account";
    let filter = Filter::parse(written).unwrap();
    assert_eq!(filter.to_string(), written);
    assert_eq!(filter.apply(" DEMO ").as_deref(), Ok("account-d"));
    assert_eq!(filter.apply("anything/else").as_deref(), Ok("account"));
    let closed = Filter::parse("map:a=1,b=2").unwrap();
    assert_eq!(closed.apply("c"), Err("must be one of a, b".to_owned()));
    for bad in [
        "map:",
        "map:a",
        "map:a=",
        "map:=b",
        "map:a=b,",
        "map:a=b/c",
        "map:a=*",
    ] {
        assert_eq!(column_of(Filter::parse(bad)), 5, "{bad}");
    }
}

#[test]
fn a_label_is_all_that_a_caller_can_choose() {
    let filter = Filter::parse("label:.vendor.example").unwrap();
    for fine in [
        "acme",
        "ACME",
        " acme ",
        "acme.vendor.example",
        "https://acme.vendor.example",
        "HTTPS://Acme.Vendor.Example/",
        "http://acme.vendor.example/",
        "https://acme",
        "acme/",
    ] {
        assert_eq!(filter.apply(fine).as_deref(), Ok("acme"), "{fine}");
    }
    assert_eq!(filter.apply("a_b-1").as_deref(), Ok("a_b-1"));
    assert_eq!(filter.apply("123").as_deref(), Ok("123"));
    for bad in [
        "",
        " ",
        ".",
        "-a",
        "_a",
        "a.b",
        "a.b.vendor.example",
        "vendor.example",
        ".vendor.example",
        "acme.other.example",
        "acme.vendor.example.other.example",
        "https://acme.vendor.example/x",
        "https://acme.vendor.example//",
        "https://acme.vendor.example?x",
        "acme#",
        "acme@evil",
        "user:pw@acme.vendor.example",
        "https://acme.vendor.example:443",
        "acme:80",
        "ac me",
        "acme\r\nHost: x",
        "acme\0",
        "acme%2e",
        "acme\\evil",
        "ftp://acme.vendor.example",
        "//acme.vendor.example",
        "acme.vendor.example.",
        "xn--a",
        "äcme",
        "acme\u{2024}evil",
    ] {
        assert!(
            filter.apply(bad).is_err(),
            "{bad:?} gave {:?}",
            filter.apply(bad)
        );
    }
    assert!(filter.apply(&"a".repeat(64)).is_err());
}

#[test]
fn a_host_is_taken_from_a_url_or_stands_alone() {
    let host = |text: &str| Filter::Host.apply(text);
    assert_eq!(
        host("crm.vendor.example").as_deref(),
        Ok("crm.vendor.example")
    );
    assert_eq!(
        host("https://CRM.vendor.example/path?x").as_deref(),
        Ok("crm.vendor.example")
    );
    assert_eq!(
        host("crm.vendor.example:8443").as_deref(),
        Ok("crm.vendor.example:8443")
    );
    for bad in [
        "",
        "a b",
        "user@host.example",
        "https://u:p@host.example",
        "ftp://host.example",
        "a\\b",
        "ho\nst",
    ] {
        assert!(host(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_site_keeps_port_and_path() {
    let site = |text: &str| Filter::Site.apply(text);
    for (given, expected) in [
        ("crm.vendor.example", "crm.vendor.example"),
        ("https://CRM.vendor.example/", "crm.vendor.example"),
        ("http://crm.vendor.example//", "crm.vendor.example"),
        (
            "crm.vendor.example:8443/Sugar/v_1/",
            "crm.vendor.example:8443/Sugar/v_1",
        ),
    ] {
        assert_eq!(site(given).as_deref(), Ok(expected), "{given}");
    }
    for bad in [
        "",
        "/",
        "crm.vendor.example/..",
        "crm.vendor.example/a/./b",
        "crm.vendor.example/a//b",
        "crm.vendor.example/a?b",
        "crm.vendor.example?b",
        "crm.vendor.example#b",
        "crm.vendor.example/%2e%2e",
        "crm.vendor.example/a b",
        "user@crm.vendor.example/a",
        "https://u:p@crm.vendor.example",
        "ftp://crm.vendor.example/a@b",
        "crm.vendor.example\\a",
    ] {
        assert!(site(bad).is_err(), "{bad:?} gave {:?}", site(bad));
    }
}

#[test]
fn a_filter_of_a_path_may_ask_the_configuration() {
    let answer = json!([{"id": "7", "url": "seven"}, {"id": 8, "url": "eight"}]);
    let path = AnswerPath::parse("[?(@.id == config.account.id)].url").unwrap();
    let find = |pairs: &[(&str, &str)]| path.find_text(&answer, &values(pairs));
    assert_eq!(find(&[("account.id", " 8 ")]).as_deref(), Some("eight"));
    assert_eq!(find(&[("account.id", "9")]), None);
    assert_eq!(find(&[]), None);
    assert_eq!(path.keys().collect::<Vec<_>>(), [("account.id", 12)]);
    assert_eq!(column_of(AnswerPath::parse("[?(@.id==config.)]")), 17);
    let written = path.to_string();
    assert_eq!(written, "[?(@.id==config.account.id)].url");
    assert_eq!(AnswerPath::parse(&written).unwrap().to_string(), written);
}

#[test]
fn escaped_json_is_ascii() {
    assert_eq!(
        Filter::Json.apply("p\u{e4}ss\u{1f600}\u{7f}\"").as_deref(),
        Ok(r#"p\u00e4ss\ud83d\ude00\u007f\""#)
    );
}

#[test]
fn paths_find_names_indexes_filters_and_alternatives() {
    let answer = json!({
        "sites": [{"url": "one", "main": "false"}, {"url": "two", "main": true}],
        "odd key": {"it's": 5}, "empty": "", "none": null, "flag": false,
    });
    let find = |path: &str| {
        AnswerPath::parse(path)
            .unwrap()
            .find_text(&answer, &Values::new())
    };
    assert_eq!(find("sites[0].url").as_deref(), Some("one"));
    assert_eq!(
        find("sites[?(@.main=='true')].url || sites[0].url").as_deref(),
        Some("two")
    );
    assert_eq!(find("sites[?(@.main == true)].url").as_deref(), Some("two"));
    assert_eq!(
        find("sites[?(@.main=='x')].url||$.sites[0].url").as_deref(),
        Some("one")
    );
    assert_eq!(find(r"['odd key']['it\'s']").as_deref(), Some("5"));
    assert_eq!(find("empty || none || flag").as_deref(), Some("false"));
    assert_eq!(find("sites[9].url"), None);
    assert_eq!(find("sites"), None);
    assert!(
        AnswerPath::parse("$")
            .unwrap()
            .find(&answer, &Values::new())
            .is_some()
    );
    assert_eq!(
        AnswerPath::parse("$[0]")
            .unwrap()
            .find_text(&json!(["x"]), &Values::new())
            .as_deref(),
        Some("x")
    );
}

proptest! {
    #[test]
    fn parsing_never_panics(text in r"(\PC|[{}$|.:\[\]()'@=?\\]|config\.|label:){0,40}") {
        let _ = Filter::parse(&text);
        let _ = Template::parse_literal(&text);
        let written = Placeholders::parse_text(&text).to_string();
        prop_assert_eq!(&written, &text);
        if let Ok(parsed) = Placeholders::parse_url(&text) {
            prop_assert_eq!(parsed.to_string(), text.clone());
        }
        if let Ok(parsed) = Template::parse(&text) {
            let again = Template::parse(&parsed.to_string()).unwrap();
            prop_assert_eq!(again.to_string(), parsed.to_string());
        }
        if let Ok(parsed) = AnswerPath::parse(&text) {
            let again = AnswerPath::parse(&parsed.to_string()).unwrap();
            prop_assert_eq!(again.to_string(), parsed.to_string());
        }
    }

    #[test]
    fn mistakes_point_into_the_text(text in r"([{}|.\[\]'a-c]|config\.){0,20}") {
        let columns = text.chars().count() + 1;
        for error in [
            Template::parse(&text).err(),
            Placeholders::parse_url(&text).err(),
            AnswerPath::parse(&text).err(),
        ].into_iter().flatten() {
            prop_assert!((1..=columns).contains(&error.column), "{error}");
        }
    }

    #[test]
    fn paths_round_trip(path in r"[a-c]{1,3}(\.[a-c_-]{1,3}|\[[0-9]{1,4}\]|\['[a-z. é]{0,4}'\]|\[\?\(@\.[a-c]=='[ a-z]{0,3}'\)\]){0,5}") {
        let parsed = AnswerPath::parse(&path).unwrap();
        prop_assert_eq!(AnswerPath::parse(&parsed.to_string()).unwrap(), parsed);
    }

    #[test]
    fn escaped_json_reads_back(text in any::<String>()) {
        let escaped = Filter::Json.apply(&text).unwrap();
        let back: String = serde_json::from_str(&format!("\"{escaped}\"")).unwrap();
        prop_assert_eq!(back, text);
    }

    #[test]
    fn a_value_stays_in_its_place(text in prop_oneof![any::<String>(), "[{}<>&'\"\\\\|%#?=. ]{0,12}"]) {
        let given = values(&[("v", &text)]);
        let json: serde_json::Value = serde_json::from_str(&rendered(r#"{"a":"{config.v|json}","b":1}"#, &given)).unwrap();
        prop_assert_eq!(json, json!({"a": text, "b": 1}));
        let xml = rendered("<a b='{config.v|xml}'>{config.v|xml}</a>", &given);
        prop_assert_eq!(xml.matches(['<', '>']).count(), 4);
        prop_assert_eq!(xml.matches('\'').count(), 2);
        let url = rendered("https://vendor.example/{config.v|url}?a={config.v|url}", &given);
        let url = url::Url::parse(&url).unwrap();
        prop_assert_eq!(url.query_pairs().into_owned().collect::<Vec<_>>(), vec![("a".to_owned(), text.clone())]);
        prop_assert_eq!(url.fragment(), None);
        if !matches!(text.as_str(), "." | "..") {
            prop_assert_eq!(url.path_segments().unwrap().count(), 1);
        }
        // Values are text, never templates themselves.
        prop_assert_eq!(rendered("{config.v}", &given), text);
    }

    #[test]
    fn an_encoded_value_is_one_value(text in any::<String>()) {
        let encoded = percent_encode(&text);
        prop_assert!(encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)));
        let url = url::Url::parse(&format!("https://vendor.example/?a={encoded}")).unwrap();
        let pairs: Vec<_> = url.query_pairs().into_owned().collect();
        prop_assert_eq!(pairs, vec![("a".to_owned(), text)]);
    }

    #[test]
    fn a_label_stays_one_label(text in r"(\PC|[./:@?#\\%]|vendor\.example|https://|acme){0,12}") {
        if let Ok(label) = Filter::parse("label:.vendor.example").unwrap().apply(&text) {
            let url = url::Url::parse(&format!("https://{label}.vendor.example/x")).unwrap();
            let expected = format!("{label}.vendor.example");
            prop_assert_eq!(url.host_str(), Some(expected.as_str()));
            prop_assert!(!label.contains('.'));
            prop_assert_eq!(url.path(), "/x");
            prop_assert!(url.username().is_empty() && url.port().is_none());
        }
    }
}
