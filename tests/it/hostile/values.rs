//! The values.

use serde_json::{Map, Value, json};

/// Names and values.
pub fn hostile() -> Vec<(&'static str, Value)> {
    let text = |name: &'static str, text: &str| (name, json!(text));
    vec![
        (
            "longer than a configuration may be",
            json!("x".repeat(70_000)),
        ),
        ("long", json!("x".repeat(9_000))),
        text("NUL", "a\0b"),
        text("control characters", "a\u{1}\u{1b}[31m\u{7f}b"),
        text("a header", "a\r\nX-Injected: yes"),
        text("a request", "a HTTP/1.1\r\nX-Injected: yes\r\n\r\nGET /"),
        text("a line break at the end", "a\n"),
        text("a mark", "{password}"),
        text("marks", "{username}{base.url}{oauth.user.token}"),
        text("a template", "{config.password|json}"),
        text("a literal's mark", "${configuration.password}"),
        text("braces", "}{{}{"),
        text(
            "letters that look alike",
            "\u{0440}\u{0430}ssword.ex\u{0430}mple",
        ),
        text("wide letters and stops", "\u{ff45}vil\u{3002}example"),
        text("a host with user", "user@thief.vendor.example"),
        text("a URL with user", "https://user:word@thief.vendor.example"),
        text("a URL with port", "https://thief.vendor.example:8443"),
        text("a URL with path", "https://thief.vendor.example/a/b"),
        text("a URL with query", "https://thief.vendor.example?x=.y"),
        text("a URL with fragment", "https://thief.vendor.example#.y"),
        text("a URL in clear", "http://thief.vendor.example"),
        text("slashes", "//thief.vendor.example"),
        text("backslashes", "\\\\thief.vendor.example\\x"),
        text("IPv4", "https://127.0.0.1/"),
        text("IPv4 as one number", "2130706433"),
        text("IPv4 in hexadecimal", "0x7f.1"),
        text("IPv6", "https://[::1]/"),
        text("IPv4 in IPv6", "[::ffff:169.254.169.254]"),
        text("percent", "a%00%2f%2e%2e%0d%0aX-Injected:%20yes"),
        text("dots", "../../../etc/passwd"),
        text("a script", "javascript:alert(1)"),
        text("a file", "file:///etc/passwd"),
        text("right to left", "\u{202e}elpmaxe\u{200b}\u{feff}"),
        text("SQL", "'; drop table instances; --"),
        text(
            "markup",
            "<script>alert(1)</script><img src=x onerror=alert(1)>",
        ),
        text(
            "XML",
            "]]><!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>&e;",
        ),
        text("JSON", "\",\"IntegratorKey\":\"x\",\"a\":\"\\"),
        text("a form", "a&grant_type=none&client_id=x"),
        text("format", "%s%n%x{0}"),
        text("prototype", "__proto__"),
        text("blanks", "   "),
        text("no word", "undefined"),
        text("emoji", "\u{1f9ea}\u{1f468}\u{200d}\u{1f52c}"),
        text("nearly the mask", "*******"),
        text("a broken placeholder", "<INSERT_"),
        ("zero", json!(0)),
        ("a negative number", json!(-1)),
        ("a huge number", json!(1e308)),
        ("true", json!(true)),
        ("false", json!(false)),
        ("a list", json!([])),
        ("a list of lists", json!([["a", null], {}])),
        ("an object", json!({})),
        (
            "a prototype's object",
            json!({"__proto__": {"admin": true}, "constructor": null}),
        ),
        ("null", Value::Null),
        ("nothing", json!("")),
        ("the mask", json!("********")),
    ]
}

/// The value in every listed entry but these.
pub fn in_every_entry(entries: &Value, but: &[&str], value: &Value) -> Value {
    let entries = entries.as_array().expect("entries").iter();
    let keys = entries.filter_map(|entry| entry["key"].as_str());
    let given: Map<String, Value> = keys
        // What only the vendor says is not taken from callers.
        .filter(|key| !but.contains(key) && !key.starts_with("vendor."))
        .map(|key| (key.to_owned(), value.clone()))
        .collect();
    assert!(given.len() > 20, "few entries: {given:?}");
    Value::Object(given)
}
