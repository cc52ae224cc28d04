//! Scripts that mean harm. After each of them the same organization runs an ordinary one.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use super::*;

const COMPUTING: &str = "computed for longer";

async fn still_works(scripts: &Scripts, after: &str) {
    let found = result(scripts, "done({fine: 1 + 1})", json!({})).await;
    assert_eq!(found, json!({"fine": 2}), "after {after}");
}

/// Ends within the limit, with a failure that says this.
async fn is_stopped(scripts: &Scripts, source: &str, why: &[&str]) {
    let begun = Instant::now();
    let error = failure(scripts, source).await.to_string();
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{source} took too long"
    );
    assert!(
        why.iter().any(|why| error.contains(why)),
        "{source}: {error}"
    );
    still_works(scripts, source).await;
}

#[tokio::test]
async fn loops_end() {
    let scripts = impatient();
    for source in [
        "while (true) {}",
        "done({a: 1}); for (;;) {}",
        "try { while (true) {} } finally { while (true) {} }",
        "for (;;) { try { (function f() { for (;;); })() } catch (e) {} }",
        "function again() { Promise.resolve().then(again) } again()",
        "setTimeout(() => { for (;;) {} }, 1)",
        "(function* () { for (;;) yield 1 })().forEach?.(() => {}); [...(function* () { for (;;) yield 1 })()]",
        "/(a+)+$/.test('a'.repeat(40) + 'b')",
        "/(.*)*x/.exec('y'.repeat(100000))",
        // The engine's own loops do not ask whether to go on.
        "new Array(4e9).join('')",
        "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)",
        "Array.prototype.indexOf.call({length: 2 ** 52}, 1)",
        "new Array(4e9).fill(0)",
        "[].concat.apply([], {length: 2 ** 31})",
        "done({toJSON() { for (;;) {} }})",
        "done({get a() { for (;;) {} }})",
    ] {
        let begun = Instant::now();
        let error = failure(&scripts, source).await.to_string();
        assert!(
            begun.elapsed() < Duration::from_secs(15),
            "{source} took too long"
        );
        // Some of them run out of memory first, and that is as well.
        let known = [
            COMPUTING,
            "out of memory",
            "InternalError",
            "RangeError",
            "ended the process",
            "TypeError",
        ];
        assert!(
            known.iter().any(|why| error.contains(why)),
            "{source}: {error}"
        );
        still_works(&scripts, source).await;
    }
}

#[tokio::test]
async fn memory_is_limited() {
    let scripts = scripts();
    let why = [
        "out of memory",
        "ended the process",
        "InternalError",
        "RangeError",
        COMPUTING,
    ];
    for source in [
        "let s = 'x'; for (;;) s += s;",
        "const a = []; for (;;) a.push(new Array(10000).fill({}));",
        "new ArrayBuffer(2 ** 31)",
        "const all = []; for (;;) all.push(new Uint8Array(1 << 20));",
        "'x'.repeat(2 ** 30 - 1)",
        "const m = new Map(); for (let i = 0;; i++) m.set(i, 'v' + i);",
        "let s = 'ab'; try { for (;;) s += s } catch (e) {} for (;;) s += s",
        "2n ** (2n ** 40n)",
        "JSON.parse('['.repeat(1e6) + ']'.repeat(1e6))",
    ] {
        is_stopped(&scripts, source, &why).await;
    }
}

#[tokio::test]
async fn recursion_is_limited() {
    let scripts = scripts();
    let why = [
        "stack",
        "InternalError",
        "out of memory",
        "ended the process",
        "too many captures",
    ];
    for source in [
        "(function f() { f() })()",
        "const o = {}; o.toString = () => '' + o; '' + o",
        "const p = new Proxy({}, {get(t, k, r) { return r[k] }}); p.x",
        "let a = []; for (let i = 0; i < 1e6; i++) a = [a]; JSON.stringify(a)",
        "eval('('.repeat(1e6) + '1' + ')'.repeat(1e6))",
        "new RegExp('('.repeat(1e5) + ')'.repeat(1e5)).test('')",
    ] {
        is_stopped(&scripts, source, &why).await;
    }
    // Deep is not wrong by itself, and must not tear the server's own reader down.
    let deep = "let a = 1; for (let i = 0; i < 1000; i++) a = [a]; done({a})";
    let error = failure(&scripts, deep).await.to_string();
    assert!(error.contains("cannot be read"), "{error}");
    still_works(&scripts, deep).await;
}

#[tokio::test]
async fn results_are_limited() {
    let scripts = scripts();
    is_stopped(
        &scripts,
        "done({a: 'x'.repeat(9 * 1024 * 1024)})",
        &["larger than"],
    )
    .await;
    is_stopped(&scripts, "const a = {}; a.a = a; done(a)", &["circular"]).await;
    is_stopped(&scripts, "done({a: 1n})", &["BigInt", "bigint"]).await;
    is_stopped(&scripts, "done({a: '\\ud800'})", &["cannot be read"]).await;
    let found = result(&scripts, "done({b: '\\u0000'})", json!({})).await;
    assert_eq!(found["b"], "\u{0}");
    let calls = "for (let i = 0; i < 60; i++) setTimeout(() => {}, 1)";
    is_stopped(&scripts, calls, &["50 calls"]).await;
    let large = "require('https').request('https://a.example/').end('x'.repeat(9 * 1024 * 1024))";
    is_stopped(&scripts, large, &["may have"]).await;
    let long = json!({"a": "x".repeat(9 * 1024 * 1024)});
    let error = run(&scripts, "done()", long).await.expect_err("too much");
    assert!(error.to_string().contains("variables"), "{error}");
}

#[tokio::test]
async fn nothing_of_the_machine_is_there() {
    let scripts = scripts();
    let names = "process global window require.cache module exports __dirname fetch XMLHttpRequest \
                 WebAssembly Worker std os scriptArgs Deno Bun loadFile load host library variables print gc";
    for name in names.split_whitespace() {
        let found = value(&scripts, &format!("typeof {name}")).await;
        assert_eq!(found, "undefined", "{name}");
    }
    for module in [
        "fs",
        "child_process",
        "os",
        "net",
        "vm",
        "process",
        "../http",
        "__proto__",
        "toString",
        "prelude",
        "ce",
    ] {
        let error = failure(&scripts, &format!("require('{module}')")).await;
        assert!(error.to_string().contains("no module"), "{module}: {error}");
    }
    for source in [
        "import('fs').then(() => done(), e => { throw e })",
        "import fs from 'fs'; done()",
    ] {
        failure(&scripts, source).await;
    }
    // The function behind every function, and the ones above ours on the stack.
    let reach = "const f = (() => {}).constructor('return this')();
                 done({same: f === globalThis, process: typeof f.process,
                       caller: (function () { try { return typeof arguments.callee.caller.arguments } catch (e) { return 'no' } })()})";
    let found = result(&scripts, reach, json!({})).await;
    assert_eq!(found["same"], true);
    assert_eq!(found["process"], "undefined");
    still_works(&scripts, reach).await;
}

#[tokio::test]
async fn shared_objects_are_only_a_runs_own() {
    let scripts = scripts();
    let tricks = "
        Object.prototype.polluted = 1;
        Object.prototype.toJSON = () => ({stolen: true});
        JSON.stringify = () => '{\"forged\":1}'; JSON.parse = () => ({});
        Array.prototype.push = () => { throw 1 };
        Function.prototype.call = () => 'no';
        globalThis.kept = 'state';
        ({}).__proto__.constructor.kept = 'state';
        done({a: 1});";
    let output = run(&scripts, tricks, json!({}))
        .await
        .expect("its own harm");
    assert_eq!(output.result, Some(json!({"stolen": true})));
    let source = "done({kept: typeof kept, constructor: typeof Object.kept,
                        polluted: {}.polluted === undefined, json: JSON.stringify([1])})";
    let found = result(&scripts, source, json!({})).await;
    let clean =
        json!({"kept": "undefined", "constructor": "undefined", "polluted": true, "json": "[1]"});
    assert_eq!(found, clean);
    assert_eq!(scripts.children(), 1, "and it was the same process");
    for change in [
        "_.set({}, '__proto__.polluted', 1)",
        "_.set({}, 'constructor.prototype.polluted', 1)",
        "_.setWith({}, '__proto__.polluted', 1, Object)",
        "_.update({}, ['constructor', 'prototype', 'polluted'], () => 1)",
        "_.zipObjectDeep(['__proto__.polluted'], [1])",
        "_.fromPairs([['__proto__', {polluted: 1}]])",
    ] {
        let source = format!(
            "const _ = require('lodash'); {change}; done({{p: {{}}.polluted === undefined}})"
        );
        let found = result(&scripts, &source, json!({})).await;
        assert_eq!(found, json!({"p": true}), "{change}");
    }
    let merged = "const _ = require('lodash'); _.merge({}, JSON.parse('{\"__proto__\": {\"polluted\": 1}}'));
                  _.defaultsDeep({}, JSON.parse('{\"__proto__\": {\"polluted\": 1}}'));
                  done({p: {}.polluted === undefined})";
    assert_eq!(
        result(&scripts, merged, json!({})).await,
        json!({"p": true})
    );
}

#[tokio::test]
async fn nothing_can_be_imported_that_reaches_the_server() {
    let scripts = scripts();
    // What is there already is the text of our own files: functions that are given what they may ask
    // for, and hold nothing themselves.
    for (name, names) in [
        ("prelude", json!(["default"])),
        ("lodash/base", json!(["default"])),
        ("fs", json!("refused")),
        ("moment/core", json!("refused")),
        ("./prelude.js", json!("refused")),
        ("/etc/passwd", json!("refused")),
    ] {
        let source = format!(
            "require('lodash').get({{}}, 'a');
             import('{name}').then(m => done({{names: Object.keys(m)}}), () => done({{names: 'refused'}}))"
        );
        let found = result(&scripts, &source, json!({})).await;
        assert_eq!(found, json!({"names": names}), "{name}");
    }
}

#[tokio::test]
async fn another_organization_leaves_nothing_behind() {
    let mut settings = settings();
    settings.children = 1;
    settings.per_organization = 1;
    let scripts = Scripts::new(settings);
    run(
        &scripts,
        "globalThis.secret = configuration.key; done()",
        json!({"configuration": {"key": "theirs"}}),
    )
    .await
    .expect("runs");
    let found = run_as(
        OTHER,
        &scripts,
        "done({s: typeof secret, c: typeof configuration})",
        json!({}),
    )
    .await;
    assert_eq!(
        found.expect("runs").result,
        Some(json!({"s": "undefined", "c": "undefined"}))
    );
    assert!(scripts.children() <= 1, "the other one's has ended");
}

/// What Linux says of the one child that runs for this test.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_child_has_nothing() {
    let scripts = impatient();
    let begun = Instant::now();
    let looping = run(&scripts, "while (true) {}", json!({}));
    let look = async {
        loop {
            if let Some(found) = worker_of_this_thread() {
                return found;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "no child is seen"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let (outcome, (status, limits, descriptors, environment)) = tokio::join!(looping, look);
    assert!(outcome.is_err());
    assert_eq!(status["NoNewPrivs"], "1");
    if rustix::process::geteuid().is_root() {
        let user = status["Uid"].split_whitespace().next().unwrap_or_default();
        assert_ne!(user, "0", "it stays root");
        assert!(
            status["CapEff"].chars().all(|digit| digit == '0'),
            "{status:?}"
        );
    }
    if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
        assert_eq!(
            status["Seccomp"], "2",
            "its calls of the system are filtered"
        );
    }
    assert_eq!(descriptors.unwrap_or(3), 3, "in, out, and nowhere");
    assert!(environment.unwrap_or_default().is_empty());
    let addresses = limits
        .lines()
        .find(|line| line.starts_with("Max address space"));
    let addresses = addresses.and_then(|line| line.split_whitespace().nth(3));
    let addresses: u64 = addresses.expect("a limit").parse().expect("not unlimited");
    assert!(addresses < 4 << 30, "{addresses}");
    for (name, most) in [
        ("Max open files", "0"),
        ("Max processes", "0"),
        ("Max file size", "0"),
        ("Max core file size", "0"),
    ] {
        let line = limits
            .lines()
            .find(|line| line.starts_with(name))
            .expect(name);
        let words: Vec<&str> = line[name.len()..].split_whitespace().collect();
        assert_eq!(words[..2], [most, most], "{line}");
    }
}

#[cfg(target_os = "linux")]
type Seen = (
    BTreeMap<String, String>,
    String,
    Option<usize>,
    Option<Vec<u8>>,
);

/// A confined child of this very test; others run beside it in this process.
#[cfg(target_os = "linux")]
fn worker_of_this_thread() -> Option<Seen> {
    let own = std::process::id().to_string();
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let folder = entry.path();
        let Ok(status) = fs::read_to_string(folder.join("status")) else {
            continue;
        };
        let status: BTreeMap<String, String> = status
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        let command = fs::read(folder.join("cmdline")).unwrap_or_default();
        let is_worker = command
            .split(|byte| *byte == 0)
            .any(|word| word == b"script-worker");
        let limits = fs::read_to_string(folder.join("limits")).unwrap_or_default();
        let confined = limits.lines().any(|line| {
            line.starts_with("Max open files") && line.split_whitespace().nth(3) == Some("0")
        });
        let filters = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));
        let confined =
            confined && (!filters || status.get("Seccomp").is_some_and(|mode| mode == "2"));
        if status.get("PPid") == Some(&own) && is_worker && confined {
            let descriptors = fs::read_dir(folder.join("fd")).ok().map(Iterator::count);
            let environment = fs::read(folder.join("environ")).ok();
            return Some((status, limits, descriptors, environment));
        }
    }
    None
}

#[tokio::test]
async fn a_caller_who_leaves_takes_the_child_along() {
    let scripts = scripts();
    let left = tokio::time::timeout(
        Duration::from_millis(100),
        run(&scripts, "while (true) {}", json!({})),
    );
    assert!(left.await.is_err());
    assert_eq!(scripts.children(), 0);
    still_works(&scripts, "a caller has left").await;
}
