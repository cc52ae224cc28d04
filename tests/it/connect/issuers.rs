//! Who says that it answers: `iss`, RFC 9207.

use bunsen_test_macros::database_test;
use serde_json::json;

use super::vendor::ISSUED;
use super::{Place, RETURN, client};
use crate::database::TestDatabase;

#[database_test]
async fn an_answer_of_another_page_is_refused(database: TestDatabase) {
    let place = Place::start(database).await;
    let body = json!({"element": "tidemark", "returnUrl": RETURN, "configuration": client()});
    let (id, path) = place.link(&body).await;
    for wrong in [
        "",
        "iss=https%3A%2F%2Fevil.example",
        "iss=https%3A%2F%2Flogin.tideline.example%2F",
        "iss=https%3A%2F%2FLOGIN.tideline.example",
    ] {
        let (url, cookie) = place.set_out("tidemark", &path, "oauth2").await;
        let good = place.vendor.allow(&url);
        let back = format!("/connect/callback{}", good.replace(ISSUED, wrong));
        let page = place.get(&back, Some(&cookie)).await;
        page.says(403, "This did not come from Tideline");
        // It was used up by trying.
        let late = place
            .get(&format!("/connect/callback{good}"), Some(&cookie))
            .await;
        late.says(409, "This step is over");
        // A refusal by another page is none either.
        let (url, cookie) = place.set_out("tidemark", &path, "oauth2").await;
        let good = place.vendor.allow(&url);
        let state = good.split("&state=").nth(1).expect("a state");
        let no = format!("/connect/callback?error=access_denied&{wrong}&state={state}");
        let page = place.get(&no, Some(&cookie)).await;
        page.says(403, "This did not come from Tideline");
    }
    assert_eq!(place.vendor.world().exchanges, 0);
    assert_eq!(place.outcome(id).await["status"], "failed");
    let (url, cookie) = place.set_out("tidemark", &path, "oauth2").await;
    let back = format!("/connect/callback{}", place.vendor.allow(&url));
    let done = place.get(&back, Some(&cookie)).await;
    assert_eq!(done.answer.status, 303, "{}", done.answer);
}

#[database_test]
async fn a_vendor_that_says_nothing_is_not_asked(database: TestDatabase) {
    let place = Place::start(database).await;
    let body = json!({"element": "tideline", "configuration": client()});
    let (_, path) = place.link(&body).await;
    let (url, cookie) = place.set_out("tideline", &path, "oauth2").await;
    let back = place.vendor.allow(&url).replace(ISSUED, "iss=anything");
    let back = format!("/connect/callback{back}");
    let done = place.get(&back, Some(&cookie)).await;
    assert_eq!(done.answer.status, 303, "{}", done.answer);
}
