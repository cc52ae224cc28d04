//! The connect page's way to the provider and back: `state`, the browser's cookie and the verifier
//! are what keeps one person's code out of another's account.

use bunsen_test_macros::database_test;
use reqwest::Url;
use serde_json::json;

use super::browser::{Browser, Left};
use super::{CONNECT_CALLBACK, Place, id, secret};
use crate::answer::Answer;
use crate::connect::{Page, url_of_refresh};
use crate::database::TestDatabase;
use crate::server::Caller;

const RETURN: &str = "https://app.example/done";
const PUBLIC_URL: &str = "http://127.0.0.1:8080";

/// A link in one person's browser.
struct Person {
    path: String,
    cookie: String,
    /// The provider's page.
    page: Url,
}

impl Place {
    async fn link(&self, who: &Caller) -> (i64, String) {
        let origins = json!({"returnOrigins": ["https://app.example"]});
        let settings = self
            .call_as(who, "PUT", "/connect/settings", Some(&origins))
            .await;
        settings.success();
        let body = json!({"element": "harbour", "returnUrl": RETURN, "configuration":
            {"site": self.provider.site, "oauth.api.key": id("code"), "oauth.api.secret": secret("code")}});
        let made = self
            .call_as(who, "POST", "/connect/links", Some(&body))
            .await
            .success();
        let url = made["url"].as_str().expect("a URL");
        let path = url.strip_prefix(PUBLIC_URL).expect("our own address");
        (made["id"].as_i64().expect("an id"), path.to_owned())
    }

    /// Opens a link and goes to the provider's page.
    async fn set_out(&self, path: &str) -> Person {
        let form = self
            .visit(&format!("{path}?element=harbour&login=code"), None)
            .await;
        let cookie = form.cookie.clone().expect("a cookie");
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form.hidden())
            .finish();
        let sent = self
            .server
            .request("POST", path)
            .header("cookie", &cookie)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        let page = Page::of(Answer::of(sent).await);
        page.says(200, "You sign in at Harbour");
        assert!(!page.answer.text.contains("s3cret"));
        Person {
            path: path.to_owned(),
            cookie,
            page: Url::parse(&url_of_refresh(&page.answer.text)).expect("a URL"),
        }
    }

    async fn visit(&self, path: &str, cookie: Option<&str>) -> Page {
        let mut request = self
            .server
            .request("GET", path)
            .header("accept", "text/html");
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        Page::of(Answer::of(request).await)
    }

    /// The way back from the provider, as path and query.
    async fn allowed(&self, person: &Person) -> String {
        let left = Browser::new(&self.provider).allow(&person.page).await;
        back(&left)
    }

    async fn codes(&self) -> usize {
        self.provider
            .log()
            .await
            .count("authorization_code.consumed")
    }
}

fn back(left: &Left) -> String {
    let Left::Back(url) = left else {
        panic!("the provider kept the person: {left:?}");
    };
    assert!(url.as_str().starts_with(CONNECT_CALLBACK), "{url}");
    format!("{}?{}", url.path(), url.query().expect("a query"))
}

/// One query member of a way back in place of another's.
fn member(back: &str, name: &str) -> String {
    let url = Url::parse(PUBLIC_URL)
        .and_then(|url| url.join(back))
        .expect("a URL");
    let found = url.query_pairs().find(|(key, _)| key == name);
    found.expect("the member").1.into_owned()
}

#[database_test]
async fn a_state_belongs_to_one_browser_and_one_code(database: TestDatabase) {
    let Some(place) = Place::start(database).await else {
        return;
    };
    let (mine, my_link) = place.link(&place.server.admin).await;
    let (theirs, their_link) = place.link(&place.server.foreign).await;
    let (me, they) = (
        place.set_out(&my_link).await,
        place.set_out(&their_link).await,
    );
    let (my_way, their_way) = (place.allowed(&me).await, place.allowed(&they).await);

    // Somebody else's way back in my browser, and mine in theirs.
    for (way, cookie) in [(&their_way, &me.cookie), (&my_way, &they.cookie)] {
        let page = place.visit(way, Some(cookie)).await;
        page.says(403, "begun in another browser");
    }
    assert_eq!(place.codes().await, 0);

    // My state with their code: the provider misses their verifier, and nobody loses anything.
    let state = member(&my_way, "state");
    let code = member(&their_way, "code");
    let mixed = format!("/connect/callback?code={code}&state={state}");
    let page = place.visit(&mixed, Some(&me.cookie)).await;
    assert!(page.answer.status >= 400, "{}", page.answer);
    page.checked();
    assert!(
        page.answer.text.contains("Try again"),
        "{}",
        page.answer.text
    );
    let log = place.provider.log().await;
    assert_eq!(
        log.refused(),
        [(
            "invalid_grant",
            "code_verifier does not match code_challenge"
        )]
    );
    assert_eq!((place.codes().await, place.stored().await), (0, 0));

    let done = place.visit(&their_way, Some(&they.cookie)).await;
    assert_eq!(done.answer.status, 303, "{}", done.answer);
    // Once more, and with a code that is new: the state has been used.
    let another = place.allowed(&they).await;
    assert_eq!(member(&another, "state"), member(&their_way, "state"));
    assert_ne!(member(&another, "code"), member(&their_way, "code"));
    for way in [&their_way, &another] {
        let page = place.visit(way, Some(&they.cookie)).await;
        page.says(200, "Your account is connected");
    }
    assert_eq!((place.codes().await, place.stored().await), (1, 1));

    // I begin again, and my first way is over.
    let me = place.set_out(&me.path).await;
    let over = place.visit(&my_way, Some(&me.cookie)).await;
    assert!([404, 409].contains(&over.answer.status), "{}", over.answer);
    let left = Browser::new(&place.provider).deny(&me.page).await;
    let page = place.visit(&back(&left), Some(&me.cookie)).await;
    page.says(200, "Access was not allowed");
    let me = place.set_out(&me.path).await;
    let way = place.allowed(&me).await;
    let done = place.visit(&way, Some(&me.cookie)).await;
    assert_eq!(done.answer.status, 303, "{}", done.answer);

    for (who, link) in [(&place.server.admin, mine), (&place.server.foreign, theirs)] {
        let outcome = format!("/connect/links/{link}");
        let outcome = place.call_as(who, "GET", &outcome, None).await.success();
        assert_eq!(outcome["status"], "connected");
    }
    assert_eq!((place.codes().await, place.stored().await), (2, 2));
    assert_eq!(place.provider.log().await.count("grant.revoked"), 0);
}
