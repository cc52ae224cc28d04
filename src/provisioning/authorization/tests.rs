use serde_json::json;

use super::*;

fn data(value: Json) -> Option<ProviderData> {
    Some(serde_json::from_value(value).unwrap())
}

#[test]
fn nothing_that_a_browser_brought_prints() {
    let given = data(json!({"code": "c0de-1", "oauth_token": "t0ken-1"}));
    assert_eq!(format!("{given:?}"), "Some(ProviderData(2 members))");
    let brought = read(given).unwrap();
    let login = Login {
        start: Start::LogIn,
        brought: brought.0.0.clone(),
    };
    let told = format!("{brought:?} {login:?}");
    assert!(
        !told.contains("c0de-1") && !told.contains("t0ken-1"),
        "{told}"
    );
}

#[test]
fn members_in_either_spelling_count_and_odd_ones_do_not() {
    let given = json!({"code": 17, "codeVerifier": "v", "state": "", "debug": true, "list": [1]});
    let brought = read(data(given)).unwrap();
    let names: Vec<&str> = brought.0.0.keys().map(String::as_str).collect();
    assert_eq!(names, ["code", "code_verifier"]);
    assert_eq!(brought.0.0["code"].reveal(), "17");
    assert!(brought.is_from_browser());
    assert!(!read(None).unwrap().is_from_browser());
    let long = "x".repeat(MEMBER_LIMIT + 1);
    let told = read(data(json!({"code": long}))).unwrap_err().to_string();
    assert!(told.contains("'code' is longer than"), "{told}");
}

#[test]
fn a_refusal_is_told_in_the_vendors_words() {
    let refused = |given: Json| read(data(given)).unwrap_err().to_string();
    let told = refused(json!({"error": "access_denied", "code": "c0de-1", "state": "s"}));
    assert_eq!(told, "The vendor did not allow access: access_denied");
    let told = refused(json!({"error": "access_denied", "error_description": " Not\nnow. "}));
    assert_eq!(
        told,
        "The vendor did not allow access: access_denied (Not now.)"
    );
}
