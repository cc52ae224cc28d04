//! Names and tags: markup goes, the text stays.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use crate::answer::{Answer, Findings};
use crate::database::TestDatabase;
use crate::server::TestServer;
use crate::vendors::example;

/// What is sent, and what is left of it.
const SANITISED: &[(&str, &str)] = &[
    ("plain", "plain"),
    (
        "<a href=\"#\" onClick=\"alert('x')\">acme-sync</a>",
        "acme-sync",
    ),
    ("<b>@acme</b>", "@acme"),
    ("<script>alert(1)</script>desk", "desk"),
    (
        "<SCRIPT type='text/javascript'>alert(1)</SCRIPT >desk",
        "desk",
    ),
    ("<style>b { color: red }</style>desk", "desk"),
    ("<!-- <b>hidden</b> -->desk", "desk"),
    ("<img src=x onerror=alert(1)>desk", "desk"),
    ("des<b>k</b>", "desk"),
    ("<b title=\"a > b\">desk</b>", "desk"),
    ("Smith &amp; Sons", "Smith & Sons"),
    ("Smith & Sons", "Smith & Sons"),
    ("R&D", "R&D"),
    ("5 < 6 and 7 > 3", "5 < 6 and 7 > 3"),
    ("  around  ", "around"),
    ("quotes \" and ' stay", "quotes \" and ' stay"),
    ("back\\slash", "back\\slash"),
    ("emoji 🦀 and עברית", "emoji 🦀 and עברית"),
];

fn with(name: &Value, tags: Option<Value>) -> Value {
    let mut body = example();
    body["name"] = name.clone();
    match tags {
        Some(tags) => body["tags"] = tags,
        None => drop(
            body.as_object_mut()
                .and_then(|fields| fields.remove("tags")),
        ),
    }
    body
}

#[database_test]
async fn markup_in_names_and_tags_goes(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut findings = Findings::default();
    for (sent, left) in SANITISED {
        let request = server
            .request("POST", "/elements/api-v2/instances")
            .header("authorization", server.admin.header())
            .json(&with(&json!(sent), Some(json!([sent]))));
        let answer = Answer::of(request).await;
        findings.status(sent, &answer, 200);
        if answer.status != 200 {
            continue;
        }
        let created = answer.json();
        findings.check(created["name"] == *left, || {
            format!("name {sent:?} must become {left:?}: {}", created["name"])
        });
        findings.check(created["tags"] == json!([left]), || {
            format!("tag {sent:?} must become {left:?}: {}", created["tags"])
        });
    }
    findings.none();
}

/// Whatever is sent, nothing that is left is markup.
#[database_test]
async fn nested_markup_does_not_survive(database: TestDatabase) {
    let server = TestServer::start(database).await;
    for sent in [
        "<scr<script>x</script>ipt>alert(1)</script>n",
        "<<b>script>alert(1)<</b>/script>n",
        "&lt;script&gt;alert(1)&lt;/script&gt;n",
        "<b",
        "n<b onclick=",
        "n<!-- open",
        "n<script>open",
        "<a title=\"</a>\">n</a>",
    ] {
        let request = server
            .request("POST", "/elements/api-v2/instances")
            .header("authorization", server.admin.header())
            .json(&with(&json!(sent), None));
        let answer = Answer::of(request).await;
        // Where nothing is left, there is no name.
        assert!([200, 400].contains(&answer.status), "{sent}: {answer}");
        if answer.status == 200 && !sent.contains("&lt;") {
            let name = answer.json()["name"]
                .as_str()
                .expect("a name")
                .to_ascii_lowercase();
            assert!(!name.contains("<script"), "{sent} became {name}");
        }
    }
}

/// Clients put back what they read, so what was cleaned once must not change again.
#[database_test]
async fn a_cleaned_name_stays_as_it_is(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut findings = Findings::default();
    let odd = [
        "a &lt;b&gt; c",
        "a &amp;lt;b&amp;gt; c",
        "&amp;amp;amp; x",
        "x <<b>b>",
        "x &l<b>t;b&gt;",
        "1 &#60;i&#62; 2",
        "1 &#x3c;i&#x3e; 2",
        "&amp;#60;i> x",
    ];
    for sent in SANITISED.iter().map(|(sent, _)| *sent).chain(odd) {
        let once = server
            .create(&server.admin, &with(&json!(sent), Some(json!([sent]))))
            .await;
        let twice = server
            .create(
                &server.admin,
                &with(&once["name"], Some(once["tags"].clone())),
            )
            .await;
        findings.check(once["name"] == twice["name"], || {
            format!("{sent:?}: {} became {}", once["name"], twice["name"])
        });
        findings.check(once["tags"] == twice["tags"], || {
            format!("{sent:?}: {} became {}", once["tags"], twice["tags"])
        });
    }
    findings.none();
}

#[database_test]
async fn without_tags_the_name_is_the_tag(database: TestDatabase) {
    let server = TestServer::start(database).await;
    for (tags, shown) in [
        (None, json!(["@acme"])),
        (Some(Value::Null), json!(["@acme"])),
        (Some(json!([])), json!([])),
    ] {
        let what = format!("{tags:?}");
        let created = server
            .create(&server.admin, &with(&json!("<b>@acme</b>"), tags))
            .await;
        assert_eq!(created["tags"], shown, "{what}");
        let request = server
            .request(
                "GET",
                &format!("/elements/api-v2/instances/{}", created["id"]),
            )
            .header("authorization", server.admin.header());
        assert_eq!(
            Answer::of(request).await.success()["tags"],
            shown,
            "{what}, read again"
        );
    }
}

#[database_test]
async fn tags_are_trimmed_once_each_and_in_order(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let tags = json!(["  b ", "a", "<i>b</i>", "", "  ", "<br>", "A", "a", "c, d"]);
    let created = server
        .create(&server.admin, &with(&json!("tagged"), Some(tags)))
        .await;
    assert_eq!(created["tags"], json!(["b", "a", "A", "c, d"]));
}

#[database_test]
async fn long_names_are_kept_or_refused_but_never_a_server_fault(database: TestDatabase) {
    let server = TestServer::start(database).await;
    for length in [255, 1_000, 100_000] {
        let name = "n".repeat(length);
        let request = server
            .request("POST", "/elements/api-v2/instances")
            .header("authorization", server.admin.header())
            .json(&with(&json!(name), None));
        let answer = Answer::of(request).await;
        match answer.status {
            200 => assert_eq!(answer.json()["name"], json!(name), "{length}"),
            400 => assert!(
                length > 255 && answer.error(400)["message"].to_string().contains("name"),
                "{length}"
            ),
            _ => panic!("{length}: {answer}"),
        }
    }
}
