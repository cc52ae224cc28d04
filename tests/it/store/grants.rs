//! Grants: of one organization and one element.

use bunsen::store::Grant;

use super::{World, commit};
use crate::database::{TestDatabase, database_test};

fn grant(element: &str, port: u16) -> Grant {
    Grant {
        element_key: element.into(),
        host: "crm.corp.example".into(),
        port,
        ca_pem: None,
    }
}

#[database_test]
async fn a_grant_is_for_its_organization_and_element(database: TestDatabase) {
    let world = World::new(&database).await;
    let add = async |org: bunsen::store::OrgStore<'_>, grant: &Grant| {
        commit(&world.store, async |connection| {
            org.add_grant(connection, grant).await
        })
        .await
        .map(|_revocation| ())
    };
    let desk = grant("crmdesk", 443);
    let mail = grant("maildesk", 65535);
    add(world.org(), &desk).await.expect("new");
    add(world.org(), &mail).await.expect("new");
    add(world.other_org(), &desk).await.expect("theirs");

    let mine = world.org().grants(None).await.expect("a list");
    assert_eq!(mine, [desk.clone(), mail.clone()]);
    let of_mail = world.org().grants(Some("maildesk")).await.expect("a list");
    assert_eq!(of_mail, [mail]);
    let theirs = world.other_org().grants(Some("maildesk")).await;
    assert!(theirs.expect("a list").is_empty());
    let all = world.store.all_orgs().grants().await.expect("a list");
    assert_eq!(all.len(), 3);
    assert_eq!(all[2].organization, world.other.id);

    let with_ca = Grant {
        ca_pem: Some("PEM".into()),
        ..desk.clone()
    };
    add(world.org(), &with_ca).await.expect("replaced");
    let of_desk = world.org().grants(Some("crmdesk")).await;
    assert_eq!(of_desk.expect("a list"), [with_ca]);
    let theirs = world.other_org().grants(None).await.expect("a list");
    assert_eq!(theirs, std::slice::from_ref(&desk), "untouched");

    let remove = async |host: &str| {
        commit(&world.store, async |connection| {
            let org = world.org();
            org.remove_grant(connection, "crmdesk", host, 443).await
        })
        .await
        .expect("an answer")
        .is_some()
    };
    assert!(!remove("other.corp.example").await);
    assert!(remove("crm.corp.example").await);
    assert!(!remove("crm.corp.example").await);
    let theirs = world.other_org().grants(None).await.expect("a list");
    assert_eq!(theirs, [desk], "still theirs");

    let nobody = world.store.org(bunsen::ids::OrganizationId(999));
    add(nobody, &grant("crmdesk", 1))
        .await
        .expect_err("no such organization");
}
