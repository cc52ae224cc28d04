//! Every shipped element with its simulated vendor.

use bunsen_test_macros::database_test;
use serde_json::Value;

use super::{BASE, swagger};
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::server::TestServer;
use crate::vendors::example_of_each;

#[database_test]
async fn every_element_says_what_it_is(database: TestDatabase) {
    let server = TestServer::start(database).await;
    let mut with_custom = 0;
    for (key, body) in example_of_each() {
        let instance = server.create(&server.admin, &body).await;
        let header = server
            .admin
            .with_token(instance["token"].as_str().expect("a token"));
        let get = async |path: &str| {
            let request = server.request("GET", &format!("{BASE}{path}"));
            let request = request
                .header("authorization", &header)
                .header("elements-version", "Helium");
            let answer = Answer::of(request).await;
            assert_eq!(answer.status, 200, "{key} {path}: {answer}");
            answer.success()
        };
        let pong = get("/ping").await;
        assert_eq!(
            (&pong["valid"], &pong["endpoint"]),
            (&true.into(), &key.as_str().into()),
            "{pong}"
        );
        let objects = get("/objects").await;
        let objects = objects.as_array().expect("a list");
        let declared = objects
            .iter()
            .filter(|object| object["type"] == "ceCanonical");
        for object in declared {
            let name = object["name"].as_str().expect("a name");
            let found = get(&format!("/objects/{name}/metadata")).await;
            let fields = found["fields"].as_array().expect("fields");
            let own = fields
                .iter()
                .filter(|field| field["custom"] == false)
                .count();
            assert!(own > 0, "{key} {name}");
            // People are written to where they can be.
            if name == "contacts" {
                let mail = |field: &&Value| {
                    matches!(field["vendorPath"].as_str(), Some("email" | "emails"))
                };
                let mail = fields.iter().find(mail).expect("an address");
                assert_eq!(mail["createable"], true, "{key} {mail}");
                assert_eq!(mail["updateable"], true, "{key} {mail}");
                assert!(mail["vendorDisplayName"].is_string(), "{key} {mail}");
            }
            let custom = get(&format!("/objects/{name}/metadata?customFieldsOnly=true")).await;
            let custom = custom["fields"].as_array().expect("fields");
            assert!(
                custom.iter().all(|field| field["custom"] == true),
                "{key} {name}"
            );
            with_custom += usize::from(!custom.is_empty());
            let document = get(&format!("/objects/{name}/docs?discovery=true")).await;
            assert_eq!(
                swagger::mistakes(&document),
                Vec::<String>::new(),
                "{key} {name}"
            );
        }
    }
    assert!(with_custom > 2, "the simulated vendors have custom fields");
}
