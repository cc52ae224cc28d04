//! What a script finds, and what becomes of what it says.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use super::*;

#[tokio::test]
async fn done_takes_the_first_result_as_it_was_then() {
    let scripts = scripts();
    let found = result(
        &scripts,
        "const answer = {a: configuration.key, n: [1, null]};
         done(answer);
         answer.a = 'changed later';
         done({a: 'second'});",
        json!({"configuration": {"key": "value"}}),
    )
    .await;
    assert_eq!(found, json!({"a": "value", "n": [1, null]}));
}

#[tokio::test]
async fn done_without_a_result_changes_nothing() {
    let scripts = scripts();
    for source in [
        "done()",
        "done(null)",
        "if (true) { done(); return; } done({a: 1})",
    ] {
        let output = run(&scripts, source, json!({})).await.expect(source);
        assert_eq!(output.result, None, "{source}");
    }
}

#[tokio::test]
async fn what_goes_wrong_is_told_with_its_line() {
    let scripts = scripts();
    let told = async |source| failure(&scripts, source).await.to_string();
    assert_eq!(
        told("const a = 1;\nnull.x;").await,
        "TypeError: cannot read property 'x' of null (line 2)"
    );
    assert!(told("let a = ;").await.starts_with("SyntaxError: "));
    assert_eq!(told("throw {code: 7}").await, "{\"code\":7}");
    assert_eq!(told("throw 'plain words'").await, "plain words");
    assert_eq!(told("const a = 1;").await, "'done' was never called");
    assert_eq!(
        told("(async () => { throw new Error('inside') })()").await,
        "'done' was never called: Error: inside (line 1)"
    );
    // What a script does after it is done is its own affair.
    assert_eq!(
        result(&scripts, "done({a: 1}); null.x", json!({})).await,
        json!({"a": 1})
    );
}

#[tokio::test]
async fn promises_end_a_script_when_they_say_so() {
    let scripts = scripts();
    let found = result(
        &scripts,
        "async function later() { await null; return 5 }
         later().then(n => Promise.all([n, later()])).then(all => done({all}));",
        json!({}),
    )
    .await;
    assert_eq!(found, json!({"all": [5, 5]}));
}

#[tokio::test]
async fn timers_run_out_in_their_order() {
    let scripts = scripts();
    let found = result(
        &scripts,
        "const order = [];
         const never = setTimeout(() => order.push('never'), 5);
         clearTimeout(never);
         setTimeout(word => { order.push(word); done({order}) }, 60, 'late');
         setTimeout(() => order.push('soon'), 1);",
        json!({}),
    )
    .await;
    assert_eq!(found, json!({"order": ["soon", "late"]}));
}

#[tokio::test]
async fn old_scripts_need_not_be_strict() {
    let scripts = scripts();
    let found = result(
        &scripts,
        "total = 1; var o = {a: 010}; with (o) { total += a } done({total});",
        json!({}),
    )
    .await;
    assert_eq!(found, json!({"total": 9}));
}

#[tokio::test]
async fn variables_cannot_be_assigned_but_what_they_hold_can_be_changed() {
    let scripts = scripts();
    let found = result(
        &scripts,
        "configuration = {other: 1};
         configuration.added = 2;
         let request_path = 'hidden by mine';
         done({configuration, request_path});",
        json!({"configuration": {"key": "k"}, "request_path": "/a"}),
    )
    .await;
    let expected =
        json!({"configuration": {"key": "k", "added": 2}, "request_path": "hidden by mine"});
    assert_eq!(found, expected);
}

#[tokio::test]
async fn the_legacy_form_returns_its_result() {
    let scripts = scripts();
    let legacy = async |source| {
        let script = Script {
            source,
            legacy: true,
        };
        let variables = raw(&json!({"request_path": "/a"}));
        scripts.run(ONE, script, &variables, nobody).await
    };
    let found =
        legacy("var l = getArray(); l.add(request_path); l.add(2); return {l: l, n: l.length};")
            .await;
    assert_eq!(found.unwrap().result, Some(json!({"l": ["/a", 2], "n": 2})));
    assert_eq!(legacy("var nothing = 1;").await.unwrap().result, None);
    let told = legacy("return nothing.at.all")
        .await
        .unwrap_err()
        .to_string();
    assert!(told.starts_with("ReferenceError"), "{told}");
}

#[tokio::test]
async fn the_helpers_are_there() {
    let scripts = scripts();
    let checks = [
        ("CE.md5('abc')", json!("900150983cd24fb0d6963f7d28e17f72")),
        ("CE.b64('Größe €😀')", json!("R3LDtsOfZSDigqzwn5iA")),
        ("CE.decode64(CE.b64('Größe €😀'))", json!("Größe €😀")),
        (
            "CE.hmac('Sha1')('Hex')('key', 'The quick brown fox jumps over the lazy dog')",
            json!("de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9"),
        ),
        (
            "CE.hmacMd5Hex('key', 'The quick brown fox jumps over the lazy dog')",
            json!("80070713463e7749b90c2dc24911e275"),
        ),
        (
            "CE.hmacSha256Base64('key', 'The quick brown fox jumps over the lazy dog')",
            json!("97yD9DBThCSxMpjmqm+xQ+9NWaFJRhdZl0edvC0aPNg="),
        ),
        ("CE.randomString().length", json!(10)),
        ("CE.randomString() === CE.randomString()", json!(false)),
        ("/^\\w+@\\w+\\.com$/.test(CE.randomEmail())", json!(true)),
        (
            "[CE.currencyCode('Germany'), CE.currencySymbol('GBP')]",
            json!(["EUR", "£"]),
        ),
        (
            "[CE.iso2CountryCode('France'), CE.iso3CountryCode('fr')]",
            json!(["FR", "FRA"]),
        ),
        (
            "Buffer.from('user:pass').toString('base64')",
            json!("dXNlcjpwYXNz"),
        ),
        ("new Buffer('00ff', 'hex').length", json!(2)),
        (
            "require('util').format('%s=%d %j', 'a', 2, {b: 3})",
            json!("a=2 {\"b\":3}"),
        ),
    ];
    for (expression, expected) in checks {
        assert_eq!(value(&scripts, expression).await, expected, "{expression}");
    }
    let told = failure(&scripts, "CE.hmac('Rot13')('Hex')('a', 'b')").await;
    assert!(told.to_string().contains("Rot13"), "{told}");
    let told = failure(&scripts, "require('fs')").await.to_string();
    assert!(
        told.contains("no module 'fs'") && told.contains("lodash"),
        "{told}"
    );
}

#[tokio::test]
async fn what_is_printed_is_kept_within_bounds() {
    let scripts = scripts();
    let source = "console.log('a', {b: 1}, null); console.error('x'.repeat(5000));
                  for (let i = 0; i < 1000; i++) console.log(i); done()";
    let output = run(&scripts, source, json!({})).await.expect("runs");
    assert_eq!(output.console[0], "a {\"b\":1} null");
    assert_eq!(output.console[1].len(), 1024);
    assert_eq!(output.console.len(), 100);
    assert!(!format!("{output:?}").contains("xxx"));
}

/// A vendor for scripts: answers, and remembers what it was asked.
struct Vendor(RefCell<Vec<HttpCall>>);

impl Vendor {
    async fn answer(&self, call: HttpCall) -> Result<HttpAnswer, String> {
        let refused = call.url.contains("refused");
        let body = format!("{} {}", call.method, call.body);
        self.0.borrow_mut().push(call);
        if refused {
            return Err("refused.example is not a host of this element".into());
        }
        Ok(HttpAnswer {
            status: 201,
            headers: vec![("content-type".into(), "text/plain".into())],
            body,
        })
    }
}

#[tokio::test]
async fn calls_are_made_by_the_server() {
    let scripts = scripts();
    let vendor = Vendor(RefCell::default());
    let source = "
        const https = require('https');
        const options = {hostname: 'api.vendor.example', path: '/v1?a=b', method: 'post',
                         headers: {'X-Key': configuration.key}};
        const request = https.request(options, answer => {
          let body = '';
          answer.setEncoding('utf8');
          answer.on('data', part => body += part);
          answer.on('end', () => https.get('https://refused.example/', () => done())
            .on('error', error => done({status: answer.statusCode, type: answer.headers['content-type'],
                                        body, error: error.message})));
        });
        request.on('error', error => done({error: error.message}));
        request.write('hel'); request.end('lo');";
    let script = Script {
        source,
        legacy: false,
    };
    let variables = raw(&json!({"configuration": {"key": "k1"}}));
    let output = scripts
        .run(ONE, script, &variables, |call| vendor.answer(call))
        .await;
    let expected = json!({"status": 201, "type": "text/plain", "body": "POST hello",
                          "error": "refused.example is not a host of this element"});
    assert_eq!(output.expect("runs").result, Some(expected));
    let calls = vendor.0.borrow();
    assert_eq!(calls[0].url, "https://api.vendor.example/v1?a=b");
    assert_eq!(calls[0].headers, [("X-Key".to_owned(), "k1".to_owned())]);
    assert_eq!(calls.len(), 2);
}

#[tokio::test]
async fn waiting_for_a_vendor_is_not_computing() {
    let scripts = impatient();
    let slow = async |_: HttpCall| {
        tokio::time::sleep(Duration::from_millis(900)).await;
        Ok(HttpAnswer {
            status: 200,
            headers: Vec::new(),
            body: String::new(),
        })
    };
    let script = Script {
        source: "require('https').get('https://a.example/', answer => done({s: answer.statusCode}))",
        legacy: false,
    };
    let output = scripts.run(ONE, script, &raw(&json!({})), slow).await;
    assert_eq!(output.expect("in time").result, Some(json!({"s": 200})));
}

#[tokio::test]
async fn children_stay_for_a_while_and_then_end() {
    let mut settings = settings();
    settings.idle = Duration::from_millis(200);
    let scripts = Scripts::new(settings);
    assert_eq!(scripts.children(), 0, "none before the first script");
    for _ in 0..5 {
        run(&scripts, "done()", json!({})).await.expect("runs");
    }
    assert_eq!(
        scripts.children(),
        1,
        "one suffices for one after the other"
    );
    run_as(OTHER, &scripts, "done()", json!({}))
        .await
        .expect("runs");
    assert_eq!(scripts.children(), 2, "each organization has its own");
    let begun = Instant::now();
    while scripts.children() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "they stay");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
