//! Organizations, their keys, accounts and users.

use bunsen::error::Error;
use bunsen::ids::{AccountId, OrganizationId, SecretKind, UserId};
use bunsen::store::{AccountFilter, NewAccount, NewUser, UserFilter};
use bunsen::vault::Place;
use uuid::Uuid;

use super::{World, commit, count, execute};
use crate::database::{TestDatabase, database_test};

#[database_test]
async fn an_organizations_sealed_secret_opens_with_its_stored_key(database: TestDatabase) {
    let world = World::new(&database).await;
    let organization = world.org().organization().await.expect("readable");
    let organization = organization.expect("there");
    assert_eq!(organization.id, world.one.id);
    assert_eq!(organization.name, "Acorn");
    assert!(organization.active);
    let keys = world
        .vault
        .organization_keys(world.one.id, world.org().organization_keys())
        .await
        .expect("its key");
    let place = Place {
        organization: organization.id,
        table: "organizations",
        row: organization.row_id,
        column: "secret_sealed",
    };
    let secret = keys.open(&place, &organization.secret_sealed);
    let secret = secret.expect("opens");
    assert_eq!(secret.as_slice(), world.one.secret.reveal().as_bytes());

    // A row copied into another organization does not open there.
    let theirs = world
        .vault
        .organization_keys(world.other.id, world.other_org().organization_keys())
        .await
        .expect("their key");
    theirs
        .open(&place, &organization.secret_sealed)
        .expect_err("another's key");
    let nobody = world.store.org(OrganizationId(999));
    assert!(nobody.organization().await.expect("readable").is_none());
    assert!(
        nobody
            .organization_keys()
            .await
            .expect("readable")
            .is_empty()
    );
}

#[database_test]
async fn accounts_are_listed_by_page_and_filter(database: TestDatabase) {
    let world = World::new(&database).await;
    let north = world.one.account(&world.store, "north").await;
    let south = world.one.account(&world.store, "south").await;
    world.other.account(&world.store, "north").await;
    execute(
        &database,
        "update accounts set active = false where name = 'south'",
    )
    .await;
    let list = async |filter: AccountFilter<'_>| -> Vec<AccountId> {
        let found = world.org().accounts(&filter).await.expect("a list");
        found.into_iter().map(|account| account.id).collect()
    };
    let all = AccountFilter {
        include_inactive: true,
        ..AccountFilter::default()
    };
    let default = world.one.account;
    assert_eq!(list(AccountFilter::default()).await, [default, north]);
    assert_eq!(list(all).await, [default, north, south]);
    let page = AccountFilter {
        offset: 1,
        limit: 1,
        ..all
    };
    assert_eq!(list(page).await, [north]);
    let named = AccountFilter {
        name: Some("north"),
        ..all
    };
    assert_eq!(list(named).await, [north]);
    let others = AccountFilter {
        default_account: Some(false),
        ..all
    };
    assert_eq!(list(others).await, [north, south]);

    let found = world.org().default_account().await.expect("readable");
    let found = found.expect("there");
    assert_eq!(found.id, default);
    assert!(found.default_account && found.active);
    let inactive = world.org().account(south).await.expect("readable");
    assert!(!inactive.expect("also an inactive one").active);
    let foreign = world.other_org().account(north).await;
    assert!(foreign.expect("readable").is_none());
}

#[database_test]
async fn external_ids_and_the_default_account_are_unique_per_organization(database: TestDatabase) {
    let world = World::new(&database).await;
    world.one.account(&world.store, "north").await;
    let insert = async |external_id, default_account| {
        commit(&world.store, async |connection| {
            let new = NewAccount {
                external_id,
                name: "x",
                description: "x",
                default_account,
            };
            world.org().insert_account(connection, &new).await
        })
        .await
    };
    let twice = insert("north", false).await.expect_err("taken");
    assert!(
        matches!(&twice, Error::Conflict(text) if text.contains("externalId")),
        "{twice:?}"
    );
    insert("new", true).await.expect_err("there is one default");
    insert("new", false).await.expect("free again");
    world.other.account(&world.store, "north").await;
}

#[database_test]
async fn users_are_listed_by_account_page_and_activity(database: TestDatabase) {
    let world = World::new(&database).await;
    let shop = world.one.account(&world.store, "shop").await;
    let insert = async |email, account_id| {
        let secret = world.vault.new_user_secret();
        commit(&world.store, async |connection| {
            let new = NewUser {
                account_id,
                row_id: Uuid::new_v4(),
                email,
                first_name: "Bo",
                last_name: "Ek",
                password_hash: None,
                secret_sealed: b"sealed",
                secret: &world.vault.fingerprint(SecretKind::User, &secret),
                roles: &["default-user"],
            };
            world.org().insert_user(connection, &new).await
        })
        .await
    };
    let bo = insert("bo@shop.example", shop).await.expect("new");
    let cy = insert("cy@shop.example", shop).await.expect("new");
    execute(
        &database,
        "update users set active = false, last_login_at = '2026-01-02T03:04:05Z'
         where email like 'cy@%'",
    )
    .await;
    let list = async |filter: UserFilter| -> Vec<UserId> {
        let found = world.org().users(&filter).await.expect("a list");
        found.into_iter().map(|user| user.id).collect()
    };
    let ada = world.one.user;
    let all = UserFilter {
        include_inactive: true,
        ..UserFilter::default()
    };
    assert_eq!(list(UserFilter::default()).await, [ada, bo]);
    assert_eq!(list(all).await, [ada, bo, cy]);
    let of_shop = UserFilter {
        account: Some(shop),
        ..all
    };
    assert_eq!(list(of_shop).await, [bo, cy]);
    let active = UserFilter {
        include_inactive: false,
        ..of_shop
    };
    assert_eq!(list(active).await, [bo]);
    let second = UserFilter {
        after: Some(ada),
        limit: 1,
        ..all
    };
    assert_eq!(list(second).await, [bo]);

    let user = world.org().user(cy).await.expect("readable");
    let user = user.expect("also an inactive one");
    assert!(!user.active);
    assert_eq!(user.roles, ["default-user"]);
    let login = user.last_login_at.expect("set").to_string();
    assert_eq!(login, "2026-01-02T03:04:05Z");
    let foreign = world.other_org();
    assert!(foreign.user(cy).await.expect("readable").is_none());
    assert!(foreign.users(&of_shop).await.expect("a list").is_empty());

    let twice = insert("BO@shop.example", shop).await.expect_err("taken");
    assert!(
        matches!(&twice, Error::Conflict(text) if text.contains("email")),
        "{twice:?}"
    );
    // Nor can a user be put into another organization's account.
    insert("dee@shop.example", world.other.account)
        .await
        .expect_err("a foreign account");
    let index = "select count(*) from secret_index where kind = 'user'";
    assert_eq!(count(&database, index).await, 4, "refused users left none");
}
