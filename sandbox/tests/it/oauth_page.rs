//! The log-in page as a browser sees it, under a vendor's host and below `/_host/`.

use http::Method;
use serde_json::{Value, json};
use url::Url;

use crate::client::{Reply, Running, start};
use crate::docusign::USER;
use crate::oauth::{DOCUSIGN, PIPEDRIVE, SIDES, Side, form, member, tokens};

const FORM: &str = "application/x-www-form-urlencoded";

/// Path and query of the page, as sent to the vendor's host and as sent to the sandbox itself.
fn places(side: &Side, sandbox: &Running, more: &[(&str, &str)]) -> [(String, String); 2] {
    let url = Url::parse(&side.url(more)).expect("a URL");
    let path = format!("{}?{}", url.path(), url.query().unwrap_or_default());
    [
        (side.host.to_owned(), path.clone()),
        (
            sandbox.address.to_string(),
            format!("/_host/{}{path}", side.host),
        ),
    ]
}

async fn get(sandbox: &Running, host: &str, path: &str) -> Reply {
    sandbox.call(Method::GET, host, path).answer().await
}

async fn post(sandbox: &Running, host: &str, path: &str, fields: &[(&str, &str)]) -> Reply {
    let call = sandbox.call(Method::POST, host, path);
    call.body(FORM, &form(fields)).answer().await
}

fn text(reply: &Reply) -> String {
    String::from_utf8(reply.body.to_vec()).expect("UTF-8")
}

fn location(reply: &Reply) -> Url {
    assert_eq!(reply.status, 302, "{reply:?}");
    Url::parse(reply.header("location").expect("a location")).expect("a URL")
}

const SAMPLE: [(&str, &str); 2] = [("email", "sample@sample.com"), ("password", "password")];

#[tokio::test]
async fn a_browser_logs_in_and_is_sent_back() {
    let sandbox = start().await;
    for side in SIDES {
        for (host, path) in places(&side, &sandbox, &[("state", "a&b=\"<é>+ ")]) {
            let page = get(&sandbox, &host, &path).await;
            assert_eq!(page.status, 200, "{page:?}");
            assert_eq!(
                page.header("content-type"),
                Some("text/html; charset=utf-8")
            );
            let html = text(&page);
            // Without an action the form goes to where the page came from; nothing is fetched from elsewhere.
            assert!(html.contains("<form method=\"post\">"), "{html}");
            for word in ["action=", "src=", "href=", "http:", "https:", "<script"] {
                assert!(!html.contains(word), "{word}: {html}");
            }
            let mut fields = SAMPLE.to_vec();
            fields.push(("decision", "allow"));
            let back = location(&post(&sandbox, &host, &path, &fields).await);
            assert_eq!(member(&back, "state").as_deref(), Some("a&b=\"<é>+ "));
            let code = member(&back, "code").expect("a code");
            let (access, _) = tokens(&side.exchange(&sandbox, &code).await);
            assert!(side.opens(&sandbox, &access).await);
            let back = location(&post(&sandbox, &host, &path, &[("decision", "deny")]).await);
            assert!(member(&back, "error").is_some() && member(&back, "code").is_none());
            assert_eq!(member(&back, "state").as_deref(), Some("a&b=\"<é>+ "));
        }
    }
}

#[tokio::test]
async fn a_wrong_password_shows_the_page_again() {
    let sandbox = start().await;
    for side in SIDES {
        let [(host, path), _] = places(&side, &sandbox, &[]);
        let fields = [
            ("email", "who\"<i>@sample.com"),
            ("password", "wrong"),
            ("decision", "allow"),
        ];
        let page = post(&sandbox, &host, &path, &fields).await;
        assert_eq!(page.status, 401);
        let html = text(&page);
        assert!(
            html.contains("role=\"alert\"") && html.contains("value=\"who&quot;"),
            "{html}"
        );
        assert!(
            !html.contains("<i>") && !html.contains("value=\"wrong\""),
            "{html}"
        );
        let fields = [SAMPLE[0], SAMPLE[1], ("decision", "perhaps")];
        assert_eq!(post(&sandbox, &host, &path, &fields).await.status, 400);
        assert_eq!(post(&sandbox, &host, &path, &[]).await.status, 400);
    }
    // The page counts failures like every log-in.
    let [(host, path), _] = places(&DOCUSIGN, &sandbox, &[]);
    let fields = [SAMPLE[0], ("password", "wrong"), ("decision", "allow")];
    assert_eq!(post(&sandbox, &host, &path, &fields).await.status, 401);
    let user = format!("docusign/users/{USER}");
    let shown = sandbox
        .control(Method::GET, &user, Value::Null)
        .await
        .json();
    assert_eq!(shown["failed_logins"], 1);
}

#[tokio::test]
async fn the_application_is_named_and_the_hint_filled_in() {
    let sandbox = start().await;
    let path = format!("oauth/applications/{}", DOCUSIGN.client_id);
    let name = json!({ "name": "<b>Acme</b>" });
    DOCUSIGN.set(&sandbox, Method::PATCH, &path, name).await;
    let [(host, path), _] = places(
        &DOCUSIGN,
        &sandbox,
        &[("login_hint", "a\"@b.example"), ("prompt", "login")],
    );
    let html = text(&get(&sandbox, &host, &path).await);
    assert!(
        html.contains("&lt;b&gt;Acme") && html.contains("<li>signature</li>"),
        "{html}"
    );
    assert!(html.contains("value=\"a&quot;@b.example\""), "{html}");
}

#[tokio::test]
async fn the_company_is_chosen_on_the_page() {
    let sandbox = start().await;
    let [(host, path), _] = places(&PIPEDRIVE, &sandbox, &[]);
    let html = text(&get(&sandbox, &host, &path).await);
    assert!(
        html.contains("<option value=\"second\">Sample Second</option>"),
        "{html}"
    );
    let fields = |place| {
        [
            ("email", "several@sample.com"),
            SAMPLE[1],
            ("decision", "allow"),
            ("place", place),
        ]
    };
    for (place, domain) in [("", "sample"), ("second", "second")] {
        let back = location(&post(&sandbox, &host, &path, &fields(place)).await);
        let code = member(&back, "code").expect("a code");
        let body = PIPEDRIVE.exchange(&sandbox, &code).await.json();
        assert_eq!(
            body["api_domain"],
            format!("https://{domain}.pipedrive.com")
        );
    }
    let fields = [
        SAMPLE[0],
        SAMPLE[1],
        ("decision", "allow"),
        ("place", "second"),
    ];
    assert_eq!(post(&sandbox, &host, &path, &fields).await.status, 401);
}

#[tokio::test]
async fn nobody_is_sent_to_an_address_that_is_not_registered() {
    let sandbox = start().await;
    for side in SIDES {
        let good = side.url(&[]);
        let back = "http%3A%2F%2F127.0.0.1%3A9%2Fback";
        for url in [
            good.replace(side.client_id, "unknown"),
            good.replace(back, "https%3A%2F%2Fevil.example%2F"),
            good.replace(back, "http%3A%2F%2F127.0.0.1.evil.example%2F"),
            good.replace(back, ""),
            good.replace("redirect_uri", "redirect"),
        ] {
            assert_ne!(url, good);
            let url = Url::parse(&url).expect("a URL");
            let path = format!("{}?{}", url.path(), url.query().unwrap_or_default());
            let page = get(&sandbox, side.host, &path).await;
            assert_eq!(
                (page.status.as_u16(), page.header("location")),
                (400, None),
                "{url}"
            );
            let fields = [SAMPLE[0], SAMPLE[1], ("decision", "allow")];
            let page = post(&sandbox, side.host, &path, &fields).await;
            assert_eq!(
                (page.status.as_u16(), page.header("location")),
                (400, None),
                "{url}"
            );
            let refused = side
                .control(
                    &sandbox,
                    Method::POST,
                    "oauth/decide",
                    json!({ "url": url.as_str() }),
                )
                .await;
            assert_eq!(refused.status, 400, "{refused:?}");
        }
    }
}

#[tokio::test]
async fn other_mistakes_go_back_to_the_application() {
    let sandbox = start().await;
    let good = DOCUSIGN.url(&[("state", "s")]);
    for (url, error) in [
        (
            good.replace("response_type=code", "response_type=token"),
            "unsupported_response_type",
        ),
        (
            good.replace("response_type=code", "x=y"),
            "unsupported_response_type",
        ),
        (
            good.replace("signature+extended", "everything"),
            "invalid_scope",
        ),
        (good.replace("signature+extended", ""), "invalid_scope"),
        (format!("{good}&prompt=none"), "login_required"),
    ] {
        let url = Url::parse(&url).expect("a URL");
        let path = format!("{}?{}", url.path(), url.query().unwrap_or_default());
        let back = location(&get(&sandbox, DOCUSIGN.host, &path).await);
        assert_eq!(member(&back, "error").as_deref(), Some(error));
        assert_eq!(member(&back, "state").as_deref(), Some("s"));
        let decided = DOCUSIGN
            .decide(&sandbox, json!({ "url": url.as_str() }))
            .await;
        assert_eq!(decided, back);
    }
}
