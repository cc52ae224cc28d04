//! From a secret to everything that decides whether it is good.

use bunsen::ids::{Secret, SecretKind};
use bunsen::store::{Found, Owner};

use super::{Made, World, execute};
use crate::database::{TestDatabase, database_test};

async fn resolve(world: &World, secrets: &[(SecretKind, &Secret)]) -> Vec<Found> {
    let hashes: Vec<[u8; 32]> = secrets
        .iter()
        .flat_map(|(kind, secret)| world.vault.fingerprints(*kind, secret))
        .map(|fingerprint| fingerprint.hmac)
        .collect();
    let hashes: Vec<&[u8]> = hashes.iter().map(<[u8; 32]>::as_slice).collect();
    let found = world.store.directory().resolve(&hashes).await;
    let mut found = found.expect("an answer");
    found.sort_by_key(|found| hashes.iter().position(|hash| *hash == found.hmac));
    found
}

#[database_test]
async fn three_secrets_resolve_in_one_question(database: TestDatabase) {
    let world = World::new(&database).await;
    let token = world.vault.new_element_token();
    let shop = world.other.account(&world.store, "shop").await;
    let made = Made {
        account: Some(shop),
        ..Made::default()
    };
    let instance = world.instance_with_token(&world.other, made, &token).await;
    let found = resolve(
        &world,
        &[
            (SecretKind::Organization, &world.one.secret),
            (SecretKind::User, &world.one.user_secret),
            (SecretKind::Instance, &token),
        ],
    )
    .await;
    assert_eq!(found.len(), 3);
    assert_eq!(found[0].organization, world.one.id);
    assert!(found[0].organization_active);
    assert_eq!(found[0].owner, Owner::Organization);

    assert_eq!(found[1].organization, world.one.id);
    let Owner::User(user) = &found[1].owner else {
        panic!("{found:?}")
    };
    assert_eq!(user.id, world.one.user);
    assert_eq!(user.account, world.one.account);
    assert!(user.active && user.account_active);
    assert_eq!(user.roles, ["org-admin", "admin"]);

    assert_eq!(found[2].organization, world.other.id);
    let Owner::Instance(found) = &found[2].owner else {
        panic!("{found:?}")
    };
    assert_eq!(found.id, instance);
    assert_eq!(found.account, shop);
    assert_eq!(found.element_key, "crmdesk");
    assert!(found.account_active && found.valid && !found.disabled);
}

#[database_test]
async fn a_secret_answers_for_its_kind_alone(database: TestDatabase) {
    let world = World::new(&database).await;
    for wrong in [SecretKind::Organization, SecretKind::Instance] {
        let found = resolve(&world, &[(wrong, &world.one.user_secret)]).await;
        assert!(found.is_empty(), "{found:?}");
    }
    let unknown = world.vault.new_user_secret();
    assert!(
        resolve(&world, &[(SecretKind::User, &unknown)])
            .await
            .is_empty()
    );
    assert!(resolve(&world, &[]).await.is_empty());
}

#[database_test]
async fn what_is_switched_off_says_so(database: TestDatabase) {
    let world = World::new(&database).await;
    let token = world.vault.new_element_token();
    world
        .instance_with_token(&world.one, Made::default(), &token)
        .await;
    let ask = async || {
        let found = resolve(
            &world,
            &[
                (SecretKind::User, &world.one.user_secret),
                (SecretKind::Instance, &token),
                (SecretKind::User, &world.other.user_secret),
            ],
        )
        .await;
        let [user, instance, foreign] = &found[..] else {
            panic!("{found:?}")
        };
        let Owner::User(theirs) = &foreign.owner else {
            panic!("{foreign:?}")
        };
        assert!(foreign.organization_active && theirs.active && theirs.account_active);
        let (Owner::User(user_), Owner::Instance(instance_)) = (&user.owner, &instance.owner)
        else {
            panic!("{found:?}")
        };
        assert_eq!(user.organization_active, instance.organization_active);
        assert_eq!(user_.account_active, instance_.account_active);
        [
            user.organization_active,
            user_.account_active,
            user_.active,
            !instance_.disabled,
            instance_.valid,
        ]
    };
    assert_eq!(ask().await, [true; 5]);
    // Of the first organization, which has the lower id.
    for (index, sql) in [
        "update organizations set active = false where id = (select min(id) from organizations)",
        "update accounts set active = false where org_id = (select min(id) from organizations)",
        "update users set active = false where org_id = (select min(id) from organizations)",
        "update instances set disabled = true",
        "update instances set valid = false",
    ]
    .into_iter()
    .enumerate()
    {
        execute(&database, sql).await;
        let mut expected = [true; 5];
        expected[..=index].fill(false);
        assert_eq!(ask().await, expected, "{sql}");
    }
}

#[database_test]
async fn an_index_row_without_its_owner_is_no_answer(database: TestDatabase) {
    let world = World::new(&database).await;
    execute(&database, "delete from users").await;
    let found = resolve(&world, &[(SecretKind::User, &world.one.user_secret)]).await;
    assert!(found.is_empty(), "{found:?}");
}
