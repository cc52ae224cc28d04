//! OAuth clients that the operator keeps for everybody on a server, or for one organization.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::Site;
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::oauth::simulated::Case;
use crate::process::Server;

/// What a case says of its client: id, secret, callback URL.
fn client(body: &mut Value) -> [String; 3] {
    let configuration = body["configuration"].as_object_mut().expect("entries");
    let mut take = |key: &str| {
        let value = configuration.remove(key).expect("an entry");
        value.as_str().expect("a text").to_owned()
    };
    ["oauth.api.key", "oauth.api.secret", "oauth.callback.url"].map(&mut take)
}

async fn create(site: &Site, server: &Server, user: &str, case: &Case) -> Answer {
    let page = Answer::of(server.request("GET", &case.page(), user)).await;
    let brought = case.decide(&site.vendors, &page.success(), "allow").await;
    let mut body = case.body(&brought);
    client(&mut body);
    Answer::of(server.request("POST", "/instances", user).json(&body)).await
}

/// What people call the element, and the first page of a link that offers it.
async fn offered(server: &Server, user: &str, element: &str) -> (String, String) {
    let link = json!({"element": element});
    let link = server.request("POST", "/connect/links", user).json(&link);
    let link = Answer::of(link).await.success();
    let url = link["url"].as_str().expect("a URL");
    let path = reqwest::Url::parse(url).expect("a URL").path().to_owned();
    let page = crate::vendors::client().get(format!("{}{path}", server.url));
    let definition = server.request("GET", &format!("/elements/{element}"), user);
    let definition = Answer::of(definition).await.success();
    let name = definition["name"].as_str().expect("a name").to_owned();
    (
        name.trim_end_matches(" Beta").to_owned(),
        Answer::of(page).await.text,
    )
}

#[database_test]
async fn clients_of_the_operator(database: TestDatabase) {
    let site = Site::new(database).await;
    let server = site.serve("one").await;
    let user = server.authorization();
    let case = Case::all().remove(0);
    let element = case.element.as_str();
    let [id, secret, callback] = client(&mut case.body(&json!({})));
    let file = site.folder.path("secret.txt");
    std::fs::write(&file, format!("{secret}\n")).expect("a file");
    let file = file.to_str().expect("a UTF-8 path");
    let organization = site.json(&["org", "list"]).await[0]["id"].to_string();

    let way = format!("Sign in at {}", offered(&server, &user, element).await.0);
    assert!(!offered(&server, &user, element).await.1.contains(&way));
    create(&site, &server, &user, &case).await.error(400);
    let set = [
        "oauth-client",
        "set",
        "--element",
        element,
        "--client-id",
        &id,
    ];
    let with_secret = ["--secret-file", file, "--callback-url", &callback];
    let kept = site.json(&[&set[..], &with_secret].concat()).await;
    assert_eq!(kept["level"], "element");
    // People are offered the vendor's page on a connect link, too.
    let page = offered(&server, &user, element).await.1;
    assert!(page.contains(&way), "{page}");
    let made = create(&site, &server, &user, &case).await;
    assert!(
        !made.text.contains(&secret) && !made.text.contains(&id),
        "{made}"
    );
    let made = made.success();

    // The organization's own comes before it.
    let wrong = [
        "--organization",
        organization.as_str(),
        "--callback-url",
        callback.as_str(),
    ];
    let own = site.json(&[&set[..], &wrong].concat()).await;
    assert_eq!(
        (&own["level"], &own["secret"]),
        (&json!("organization"), &json!("none"))
    );
    let refused = create(&site, &server, &user, &case).await;
    assert!((400..500).contains(&refused.status), "{refused}");
    let listed = site.json(&["oauth-client", "list"]).await;
    assert!(!listed.to_string().contains(&secret), "{listed}");
    let used: Vec<&Value> = listed
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["instances"])
        .collect();
    assert_eq!(used, [1, 0], "{listed}");
    let remove = ["oauth-client", "remove", "--element", element];
    let of_organization = ["--organization", organization.as_str()];
    site.json(&[&remove[..], &of_organization].concat()).await;
    create(&site, &server, &user, &case).await.success();

    let told = site.refused(&remove).await;
    assert!(told.contains("2 instances"), "{told}");
    site.json(&[&remove[..], &["--force"]].concat()).await;
    assert!(site.refused(&remove).await.contains("no such client"));
    create(&site, &server, &user, &case).await.error(400);
    let path = format!("/instances/{}", made["id"]);
    assert_eq!(
        Answer::of(server.request("DELETE", &path, &user))
            .await
            .status,
        200
    );

    for (command, told) in [
        (
            vec![
                "oauth-client",
                "set",
                "--element",
                "nonsense",
                "--client-id",
                "x",
            ],
            "nonsense",
        ),
        (
            vec![
                "oauth-client",
                "set",
                "--element",
                element,
                "--client-id",
                "",
            ],
            "apiKey",
        ),
        (
            vec![
                "oauth-client",
                "set",
                "--element",
                element,
                "--client-id",
                "x",
                "--set",
                "x",
            ],
            "--set",
        ),
        (
            vec![
                "oauth-client",
                "set",
                "--element",
                element,
                "--client-id",
                "x",
                "--secret-file",
                "/none",
            ],
            "/none",
        ),
        (
            vec![
                "oauth-client",
                "set",
                "--element",
                element,
                "--client-id",
                "x",
                "--organization",
                "999999",
            ],
            "999999",
        ),
        (
            vec![
                "oauth-client",
                "remove",
                "--element",
                element,
                "--organization",
                "1",
                "--account",
                "999999",
            ],
            "999999",
        ),
    ] {
        let text = site.refused(&command).await;
        assert!(text.contains(told), "{command:?}: {text}");
    }
    assert!(!server.log().contains(&secret), "the log holds the secret");
    server.stop().await;
}
