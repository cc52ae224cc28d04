//! Instances, of one organization and never of another.

use bunsen::ids::{InstanceId, OrganizationId};
use bunsen::store::{ExternalAuthentication, InstanceFilter};

use super::{Made, World, commit, count, execute};
use crate::database::{TestDatabase, database_test};

#[database_test]
async fn an_instance_reads_as_it_was_made(database: TestDatabase) {
    let world = World::new(&database).await;
    let made = Made {
        name: "Größe % _ \\ <b>",
        tags: &["a", "b"],
        ..Made::default()
    };
    let id = world.instance(&world.one, made).await;
    let found = world.org().instance(id).await.expect("readable");
    let found = found.expect("there");
    assert_eq!(found.id, id);
    assert_eq!(found.account_id, world.one.account);
    assert_eq!(found.owner.id, world.one.user);
    assert_eq!(found.owner.email, "Admin@corp.example");
    assert_eq!(found.owner.last_name, "Acorn");
    assert_eq!(found.element_key, "crmdesk");
    assert_eq!(found.name, made.name);
    assert_eq!(found.tags, ["a", "b"]);
    assert_eq!(found.credential_group, "basic");
    assert_eq!(found.configuration["subdomain"], "acme");
    assert_eq!(found.credentials_sealed, b"sealed credentials");
    assert_eq!(found.token_sealed, b"sealed token");
    assert!(!found.disabled && found.valid);
    assert_eq!(found.invalid_since, None);
    assert_eq!(
        found.external_authentication,
        ExternalAuthentication::Initial
    );
    assert_eq!(found.generation, 1);
    let age = found.created_at.duration_until(jiff::Timestamp::now());
    assert!(age.abs().as_secs() < 60, "{age}");

    execute(
        &database,
        "update instances set valid = false, invalid_reason = 'refused', disabled = true,
             invalid_since = '2026-01-02T03:04:05Z'",
    )
    .await;
    let found = world.org().instance(id).await.expect("readable");
    let found = found.expect("there");
    assert!(found.disabled && !found.valid);
    assert_eq!(found.invalid_reason.as_deref(), Some("refused"));
    let since = found.invalid_since.expect("set").to_string();
    assert_eq!(since, "2026-01-02T03:04:05Z");
}

#[database_test]
async fn another_organizations_instance_is_not_found(database: TestDatabase) {
    let world = World::new(&database).await;
    let id = world.instance(&world.one, Made::default()).await;
    let foreign = world.other_org();
    assert!(foreign.instance(id).await.expect("readable").is_none());
    let all = InstanceFilter::default();
    assert!(foreign.instances(&all).await.expect("a list").is_empty());
    let by_account = InstanceFilter {
        account: Some(world.one.account),
        ..all
    };
    assert!(
        foreign
            .instances(&by_account)
            .await
            .expect("a list")
            .is_empty()
    );
    assert!(
        foreign
            .count_instances(&all)
            .await
            .expect("counts")
            .is_empty()
    );
    let deleted = commit(&world.store, async |connection| {
        foreign.delete_instance(connection, id).await
    })
    .await;
    assert!(deleted.expect("an answer").is_none());
    assert!(world.org().instance(id).await.expect("readable").is_some());
    let owner = world.store.directory().owner_of_instance(id).await;
    assert_eq!(owner.expect("an answer"), Some(world.one.id));
    // A user or account of another organization cannot own an instance.
    let nobody = world.store.org(OrganizationId(999));
    assert!(nobody.instance(id).await.expect("readable").is_none());
}

#[database_test]
async fn filters_narrow_together(database: TestDatabase) {
    let world = World::new(&database).await;
    let shop = world.one.account(&world.store, "shop").await;
    let make = async |element, name, tags: &[&str], account| {
        let made = Made {
            element,
            name,
            tags,
            account,
        };
        world.instance(&world.one, made).await
    };
    let first = make("crmdesk", "Müller 100%", &["blue", "big"], None).await;
    let second = make("crmdesk", "snake_case", &["blue"], None).await;
    let third = make("Mailwise", "MÜLLER 100", &["big"], Some(shop)).await;
    let fourth = make("crmdesk", "back\\slash", &[], Some(shop)).await;
    // The same names and tags elsewhere.
    let foreign = Made {
        name: "Müller 100%",
        tags: &["blue", "big"],
        ..Made::default()
    };
    world.instance(&world.other, foreign).await;

    let found = async |filter: InstanceFilter<'_>| {
        let list = world.org().instances(&filter).await.expect("a list");
        let counted: i64 = {
            let counts = world.org().count_instances(&filter).await.expect("counts");
            counts.values().sum()
        };
        assert_eq!(counted, i64::try_from(list.len()).expect("small"));
        list.into_iter()
            .map(|instance| instance.id)
            .collect::<Vec<_>>()
    };
    let all = InstanceFilter::default();
    assert_eq!(found(all).await, [first, second, third, fourth]);
    let search = |text| InstanceFilter {
        search_text: Some(text),
        ..InstanceFilter::default()
    };
    for (text, expected) in [
        ("müller", vec![first, third]),
        ("MÜLLER", vec![first, third]),
        ("100%", vec![first]),
        ("e_c", vec![second]),
        ("_", vec![second]),
        ("%", vec![first]),
        ("\\", vec![fourth]),
        ("k\\s", vec![fourth]),
        ("MAILW", vec![third]),
        ("desk", vec![first, second, fourth]),
        ("", vec![first, second, third, fourth]),
        ("nothing", vec![]),
    ] {
        assert_eq!(found(search(text)).await, expected, "{text}");
    }
    let tagged = |tags| InstanceFilter {
        tags,
        ..InstanceFilter::default()
    };
    let blue = "blue".to_owned();
    let both = ["big".to_owned(), blue.clone()];
    let wrong_case = ["Blue".to_owned()];
    assert_eq!(
        found(tagged(std::slice::from_ref(&blue))).await,
        [first, second]
    );
    assert_eq!(found(tagged(&both)).await, [first]);
    assert!(found(tagged(&wrong_case)).await.is_empty());
    let combined = InstanceFilter {
        search_text: Some("müller"),
        ..tagged(&[])
    };
    let in_shop = InstanceFilter {
        account: Some(shop),
        ..combined
    };
    assert_eq!(found(in_shop).await, [third]);
    let by_element = InstanceFilter {
        element_key: Some("crmdesk"),
        account: Some(shop),
        ..all
    };
    assert_eq!(found(by_element).await, [fourth]);
    let counts = world.org().count_instances(&all).await.expect("counts");
    assert_eq!(counts["crmdesk"], 3);
    assert_eq!(counts["Mailwise"], 1);
    assert_eq!(counts.len(), 2);
}

#[database_test]
async fn pages_follow_each_other_without_gap_or_repeat(database: TestDatabase) {
    let world = World::new(&database).await;
    let mut expected = Vec::new();
    for _ in 0..7 {
        expected.push(world.instance(&world.one, Made::default()).await);
        world.instance(&world.other, Made::default()).await;
    }
    for account in [None, Some(world.one.account)] {
        let mut after: Option<InstanceId> = None;
        let mut found = Vec::new();
        loop {
            let filter = InstanceFilter {
                account,
                after,
                limit: 3,
                ..InstanceFilter::default()
            };
            let page = world.org().instances(&filter).await.expect("a page");
            assert!(page.len() <= 3);
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            found.extend(page.into_iter().map(|instance| instance.id));
        }
        assert_eq!(found, expected);
    }
}

#[database_test]
async fn deleting_leaves_nothing_of_the_instance(database: TestDatabase) {
    let world = World::new(&database).await;
    let id = world.instance(&world.one, Made::default()).await;
    let kept = world.instance(&world.one, Made::default()).await;
    let foreign = world.instance(&world.other, Made::default()).await;
    for (instance, state) in [(id, "applied"), (id, "intent"), (kept, "applied")] {
        sqlx::query(
            "insert into exchanges (org_id, id, instance_id, purpose, state, holder, lease_until)
             values ($1, gen_random_uuid(), $2, 'create', $3, gen_random_uuid(), now())",
        )
        .bind(world.one.id)
        .bind(instance)
        .bind(state)
        .execute(&database.pool)
        .await
        .expect("an exchange");
    }
    let delete = async || {
        commit(&world.store, async |connection| {
            world.org().delete_instance(connection, id).await
        })
        .await
        .expect("an answer")
    };
    assert!(delete().await.is_some());
    assert!(delete().await.is_none(), "it is gone");
    assert!(world.org().instance(id).await.expect("readable").is_none());
    let owner = world.store.directory().owner_of_instance(id).await;
    assert_eq!(owner.expect("an answer"), None);
    let left = count(
        &database,
        "select count(*) from secret_index where kind = 'instance'",
    );
    assert_eq!(left.await, 2, "the other two tokens");
    assert_eq!(
        count(&database, "select count(*) from instance_directory").await,
        2
    );
    let open = "select count(*) from exchanges where state = 'intent'";
    assert_eq!(count(&database, open).await, 1, "still being worked on");
    let finished = "select count(*) from exchanges where state = 'applied'";
    assert_eq!(count(&database, finished).await, 1, "another instance's");
    assert!(
        world
            .org()
            .instance(kept)
            .await
            .expect("readable")
            .is_some()
    );
    let theirs = world.other_org().instance(foreign).await;
    assert!(theirs.expect("readable").is_some());
}

#[database_test]
async fn a_failed_transaction_leaves_no_trace(database: TestDatabase) {
    let world = World::new(&database).await;
    let token = world.vault.new_element_token();
    world
        .instance_with_token(&world.one, Made::default(), &token)
        .await;
    let fingerprint = world
        .vault
        .fingerprint(bunsen::ids::SecretKind::Instance, &token);
    // The same token again meets the index, after instance and directory were written.
    let again = commit(&world.store, async |connection| {
        let org = world.other_org();
        let new = bunsen::store::NewInstance {
            account_id: world.other.account,
            user_id: world.other.user,
            row_id: uuid::Uuid::new_v4(),
            element_key: "crmdesk",
            name: "x",
            tags: &[],
            credential_group: "basic",
            configuration: &Default::default(),
            credentials_sealed: b"",
            token_sealed: b"",
            token: &fingerprint,
            external_authentication: ExternalAuthentication::None,
        };
        org.insert_instance(connection, &new).await
    })
    .await;
    again.expect_err("a token has one owner");
    for table in [
        "select count(*) from instances",
        "select count(*) from instance_directory",
    ] {
        assert_eq!(count(&database, table).await, 1);
    }
}
