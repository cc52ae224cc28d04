use proptest::prelude::*;

use super::*;

fn fits(pattern: &str, text: &str) -> bool {
    let parsed = Pattern::parse(pattern).unwrap_or_else(|why| panic!("{pattern}: {why}"));
    application_url(text).is_ok_and(|url| parsed.fits(&url))
}

#[test]
fn what_each_kind_lets_in() {
    for (pattern, text) in [
        (
            "https://app.example.com/back",
            "https://app.example.com/back",
        ),
        ("https://app.example.com", "https://APP.example.com:443/"),
        ("app.example.com/back", "https://app.example.com/back"),
        (
            "https://app.example.com/back?a=b",
            "https://app.example.com/back?a=b",
        ),
        ("http://127.0.0.1:3000/back", "http://127.0.0.1:3000/back"),
        ("http://localhost:3000/**", "http://localhost:3000/a/b?c=d"),
        (
            "https://app.example.com/**",
            "https://app.example.com/a/b?c=d",
        ),
        (
            "https://**.example.com/back",
            "https://a.b.example.com/back",
        ),
        (
            "https://app-**.example.com/**",
            "https://app-7.example.com/",
        ),
        ("test**.com", "https://test1.com/"),
        (
            "https://app.example.com:8443/**",
            "https://app.example.com:8443/x",
        ),
        (
            "https://.*\\.example\\.com/back",
            "https://a.b.example.com/back",
        ),
        (
            "^https://app[0-9]+\\.example\\.com/.*$",
            "https://app12.example.com/x?y=z",
        ),
        (
            "https?://(app|web)\\.example\\.com/cb",
            "https://web.example.com/cb",
        ),
        (
            "https://app.example.com/cb(1|2)",
            "https://app.example.com/cb2",
        ),
    ] {
        assert!(fits(pattern, text), "{pattern} does not let {text} in");
    }
}

/// Each would send a browser with somebody's code to a host of the attacker's.
#[test]
fn what_no_kind_lets_in() {
    let patterns = [
        "https://app.example.com/back",
        "https://app.example.com/**",
        "https://**.example.com/**",
        "https://app-**.example.com/**",
        "app.example.com/**",
        "https://.*\\.example\\.com/.*",
        "https://app.example.com/.*",
        "^https://(app|web).example.com/.*$",
        "https?://[a-z]+.example.com/.*",
        "http://localhost:3000/**",
    ];
    let hostile = [
        "https://evil.com/",
        "https://evil.com/https://app.example.com/back",
        "https://evil.com/app.example.com/back",
        "https://evil.com/x.example.com/",
        "https://evil.com/?https://app.example.com/back",
        "https://evil.com/?x=.example.com/",
        "https://evil.com?.example.com/",
        "https://evil.com#.example.com/",
        "https://evil.com/#https://app.example.com/back",
        "https://evil.com:443/.example.com/",
        "https://app.example.com@evil.com/",
        "https://app.example.com:443@evil.com/",
        "https://@evil.com/.example.com/",
        "https://:@evil.com/",
        "https://evil.com\\@app.example.com/",
        "https://evil.com\\.example.com/",
        "https:\\\\evil.com/app.example.com",
        "https:evil.com/.example.com/",
        "https:/evil.com/.example.com/",
        "https:///evil.com/.example.com/",
        "//evil.com/.example.com/",
        "https://app.example.com.evil.com/",
        "https://app.example.com.evil.com/back",
        "https://app-x.example.com.evil.com/",
        "https://app-evil.com/.example.com/",
        "https://appXexample.com/back",
        "https://app-example.com/back",
        "https://appzexample.com/back",
        "https://evilexample.com/back",
        "https://example.com.evil.com/",
        "https://app.example.com:8443/back",
        "https://app.example.com:evil/",
        "https://app.example.com%2eevil.com/",
        "https://app.example.com%2f@evil.com/",
        "https://app.example.com%00.evil.com/",
        "https://evil.com%2f.example.com/",
        "https://evil.com%23.example.com/",
        "https://evil.com\u{ff0f}.example.com/",
        "https://evil.com\u{2044}.example.com/",
        "https://evil\u{3002}com/.example.com/",
        "https://app.example.com\u{ff0e}evil.com/",
        "http://app.example.com/back",
        "http://evil.com/",
        "http://localhost.evil.com:3000/x",
        "http://localhost:3001/",
        "http://localhost:30000/",
        "javascript:alert(1)//https://app.example.com/back",
        "javascript://app.example.com/%0aalert(1)",
        "data:text/html,https://app.example.com/back",
        "ftp://app.example.com/back",
        "https://app.example.com/back\nhttps://evil.com/",
        "https://app.example.com/\r\nLocation: https://evil.com/",
        "https://app.example.com/ back",
        "\thttps://app.example.com/back",
        "https://ap\tp.example.com/back",
        "https://app.example.com/back#code",
        "https://[::ffff:127.0.0.1]/",
        "https://0x7f000001/",
        "app.example.com/back",
        "",
    ];
    for pattern in patterns {
        for text in hostile {
            assert!(!fits(pattern, text), "{pattern} lets {text:?} in");
        }
    }
    for (pattern, text) in [
        ("https://app.example.com", "https://app.example.com/back"),
        (
            "https://app.example.com/back",
            "https://app.example.com/back/",
        ),
        (
            "https://app.example.com/back",
            "https://app.example.com/back?x=y",
        ),
        (
            "https://app.example.com/a/**",
            "https://app.example.com/a/../b",
        ),
        (
            "https://app.example.com/a/**",
            "https://app.example.com/a/%2e%2e/b",
        ),
        ("test**.com", "https://test.evil.com/"),
        ("https://a.example.com/x|https://.*/", "https://evil.com/"),
    ] {
        assert!(!fits(pattern, text), "{pattern} lets {text} in");
    }
}

#[test]
fn patterns_that_let_any_host_in_are_refused() {
    for pattern in [
        "",
        "**",
        "https://**",
        "https://**/back",
        "**.com",
        "https://**.com/**",
        "https://**.dev/",
        "https://app.example.com**",
        "https://app.example.com**/back",
        "https://app.**",
        "https://app.example.com.*",
        "https://app.example.com.*/.*",
        "http**://a.example/",
        "https://**@app.example.com/",
        "https://app.example.com:**/",
        "https://*.example.com/**",
        ".*",
        "https://.*",
        "https://.*/back",
        ".+",
        "https://.*\\.com/.*",
        "https://[^/]+/back",
        "https://(.*)/",
        "https://(app.example.com|.*)/",
        "https://a|.*/",
        "https://.*example.com|.*/x",
        "https://(a.example.com/x|b.example.com/y)",
        "(https://a.example.com/)",
        "https://\\S*/",
        "javascript:.*",
        "https://user@app.example.com/",
        "https://app.example.com/#x",
        "https://app.example.com/\u{e4}",
        "https://app example.com/",
        "ftp://app.example.com/",
        "http://app.example.com/",
        "https://(?i:.*)/",
        "https://app\\.example\\.com/(a{9999}){9999}",
        "https://app.example.com)|(.*/x",
        "https://**.com./**",
        "https://**.co.uk./",
        "https://**.com.:8443/",
        "https://.**.example.com/",
        "https://[a-f]+\\.com|app\\.example\\.com/.*",
        "https://(app\\.example\\.com:1|[a-f]+\\.com)/.*",
        "https://app\\.example\\.com:1|[a-f]+\\.com/.*",
        "https://(?i:[a-f]+)\\.com/.*",
        "https://[](]?[a-f]+\\.com|app\\.example\\.com/.*",
        "https://[[](]?[a-f]+\\.com|app\\.example\\.com/.*",
        "https://[^](]?[a-f]+\\.com|app\\.example\\.com/.*",
        "https://app.example.com/x)|(?:.*",
    ] {
        assert!(Pattern::parse(pattern).is_err(), "{pattern}");
    }
    assert!(Pattern::parse(&format!("https://a.example/{}", "x".repeat(LONGEST))).is_err());
}

proptest! {
    /// Whatever is behind the first slash, and whatever stands before it: the host decides.
    #[test]
    fn another_host_is_never_let_in(before in "[a-z0-9.@:%-]{0,12}", behind in "[ -~]{0,40}") {
        let text = format!("https://{before}evil.com/{behind}");
        for pattern in [
            "https://**.example.com/**", "https://app.example.com/**", "https://.*\\.example\\.com/.*",
            "https?://[a-z.]*.example.com/.*",
        ] {
            prop_assert!(!fits(pattern, &text), "{} lets {} in", pattern, text);
        }
    }

    #[test]
    fn any_text_is_a_pattern_or_refused(text in "[ -~]{0,60}") {
        if let Ok(pattern) = Pattern::parse(&text) {
            let url = Url::parse("https://q7x2v9k4m1.com/any").expect("a URL");
            prop_assert!(!pattern.fits(&url));
        }
    }
}

/// Below these names anybody has a host of his own who asks for one.
#[test]
fn what_anybody_may_have_is_not_let_in() {
    for pattern in [
        "https://**.de/**",
        "**.co.uk",
        "https://**.github.io/back",
        "https://**.intranet/**",
        "http://**.herokuapp.com:8080/",
        "https://**.com:8443/**",
        "https://.*\\.com:(8443|9443)/.*",
        "https://.*\\.com:[0-9]+/.*",
        "https://.*\\.de/.*",
        "^https://[a-z]+\\.co\\.uk/.*$",
        "https?://[a-z0-9-]+.com.au/cb",
        "https://(?:.*)\\.de/.*",
        "https://[a-z]?[a-z]+\\.de/.*",
        "https://**.de?x=**",
        "https://(.*\\.)?[^.]+\\.kawasaki\\.jp/.*",
        // Classes without a letter of the names that are tried.
        "https://[a-ps-wyz0-9]+\\.com/.*",
        "https://[a-p]{3}\\.co\\.uk/.*",
        "https://(?:[a-f]+)\\.de/.*",
        "https://[a-f]+(\\.example)?\\.com/.*",
        "https://evil\\d\\.com/.*",
        "https://a.?\\.com/.*",
    ] {
        let why = Pattern::parse(pattern).expect_err(pattern);
        assert!(why.contains("any host"), "{pattern}: {why}");
    }
    for (pattern, text) in [
        ("https://**.example.de/**", "https://a.example.de/"),
        ("https://app.co.uk/**", "https://app.co.uk/x"),
        ("https://**.ours.github.io/", "https://a.ours.github.io/"),
        ("https://(app|web)\\.co\\.uk/.*", "https://web.co.uk/x"),
    ] {
        assert!(fits(pattern, text), "{pattern} does not let {text} in");
    }
}
