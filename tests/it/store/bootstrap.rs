//! The first `serve`, the second, and the one that must not.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bunsen::bootstrap::{
    BootstrapError, Bootstrapped, FirstCredentials, GivenKeyring, bootstrap, verify_keyring,
};
use bunsen::ids::{Secret, SecretKind};
use bunsen::keyring::Keyring;
use bunsen::store::{Mode, Owner, Store, UserFilter};
use bunsen::vault::{Place, Vault};

use super::{count, execute};
use crate::database::{TestDatabase, database_test};

const EMAIL: &str = "admin@corp.example";
const ORGANIZATIONS: &str = "select count(*) from organizations";

async fn store(database: &TestDatabase) -> Store {
    Store::connect(&Secret::new(database.url.as_str()), 64, 4)
        .await
        .expect("the test's database answers")
}

async fn start(
    store: &Store,
    given: GivenKeyring,
    mode: Mode,
) -> Result<(Keyring, Bootstrapped), BootstrapError> {
    bootstrap(store, given, mode, EMAIL, async |_, _| Ok(())).await
}

fn made(outcome: Bootstrapped) -> FirstCredentials {
    match outcome {
        Bootstrapped::Made(credentials) => credentials,
        Bootstrapped::Found => panic!("nothing was made"),
    }
}

fn ids(keyring: &Keyring) -> Vec<String> {
    keyring
        .checks()
        .into_iter()
        .map(|check| check.key_id)
        .collect()
}

#[database_test]
async fn the_first_start_makes_everything_and_the_second_finds_it(database: TestDatabase) {
    let store = store(&database).await;
    assert_eq!(store.mode().await.expect("readable"), None);
    let kept = RefCell::new(None);
    let (keyring, outcome) = bootstrap(
        &store,
        GivenKeyring::MayGenerate,
        Mode::Production,
        EMAIL,
        async |credentials, keyring| {
            // Not committed yet: nobody else sees it.
            assert_eq!(count(&database, ORGANIZATIONS).await, 0);
            let keyring = keyring.expect("one was made");
            *kept.borrow_mut() = Some((credentials.user_secret, keyring));
            Ok(())
        },
    )
    .await
    .expect("made");
    let credentials = made(outcome);
    let (kept_secret, kept_keyring) = kept.into_inner().expect("called");
    assert_eq!(kept_secret.reveal(), credentials.user_secret.reveal());
    assert_eq!(kept_keyring.checks(), keyring.checks());

    assert_eq!(credentials.user_email, EMAIL);
    assert_eq!(credentials.organization_secret.reveal().len(), 32);
    assert_eq!(credentials.user_secret.reveal().len(), 44);
    assert_eq!(
        store.mode().await.expect("readable"),
        Some(Mode::Production)
    );
    assert_eq!(store.key_checks().await.expect("readable").len(), 2);

    let vault = Vault::new(keyring.clone());
    let secrets = [
        (SecretKind::Organization, &credentials.organization_secret),
        (SecretKind::User, &credentials.user_secret),
    ];
    let hashes = secrets.map(|(kind, secret)| vault.fingerprint(kind, secret).hmac);
    let hashes = hashes.each_ref().map(|hash| hash.as_slice());
    let found = store.directory().resolve(&hashes).await.expect("an answer");
    assert_eq!(found.len(), 2);
    let user = found.iter().find_map(|found| match &found.owner {
        Owner::User(user) => Some(user),
        _ => None,
    });
    assert_eq!(
        user.expect("the administrator").roles,
        ["org-admin", "admin"]
    );

    let org = store.org(found[0].organization);
    let organization = org.organization().await.expect("readable");
    assert_eq!(
        organization.expect("there").name,
        credentials.organization_name
    );
    let account = org
        .default_account()
        .await
        .expect("readable")
        .expect("there");
    assert_eq!(account.name, "Company Default Account");
    let users = org.users(&UserFilter::default()).await.expect("a list");
    assert_eq!(users.len(), 1);
    assert_eq!(users[0].account_id, account.id);
    let keys = vault.organization_keys(org.id(), org.organization_keys());
    let place = Place {
        organization: org.id(),
        table: "users",
        row: users[0].row_id,
        column: "secret_sealed",
    };
    let secret = keys
        .await
        .expect("the data key")
        .open(&place, &users[0].secret_sealed);
    let secret = secret.expect("opens");
    assert_eq!(
        secret.as_slice(),
        credentials.user_secret.reveal().as_bytes()
    );
    let hash: String = sqlx::query_scalar("select password_hash from users")
        .fetch_one(&database.pool)
        .await
        .expect("a hash");
    assert!(hash.starts_with("$argon2id$"), "{hash}");

    let given = GivenKeyring::Present(keyring.clone());
    let (_, outcome) = start(&store, given, Mode::Production).await.expect("found");
    assert!(matches!(outcome, Bootstrapped::Found));
    assert_eq!(count(&database, ORGANIZATIONS).await, 1);
}

#[database_test]
async fn two_that_start_at_once_with_one_keyring_both_succeed(database: TestDatabase) {
    for servers in [2, 5] {
        execute(
            &database,
            "truncate server_stamp, key_checks, secret_index, organizations cascade",
        )
        .await;
        let keyring = Keyring::generate();
        let kept = Arc::new(AtomicU32::new(0));
        let barrier = Arc::new(tokio::sync::Barrier::new(servers));
        let mut starting = Vec::new();
        for _ in 0..servers {
            let store = store(&database).await;
            let (keyring, kept, barrier) = (keyring.clone(), kept.clone(), barrier.clone());
            starting.push(tokio::spawn(async move {
                barrier.wait().await;
                let given = GivenKeyring::Present(keyring);
                let outcome = bootstrap(
                    &store,
                    given,
                    Mode::Production,
                    EMAIL,
                    async |_, generated| {
                        assert!(generated.is_none(), "it was given");
                        kept.fetch_add(1, Ordering::SeqCst);
                        Ok(())
                    },
                )
                .await;
                store.close().await;
                outcome
            }));
        }
        let mut makers = 0;
        for server in starting {
            let (_, outcome) = server.await.expect("no panic").expect("made or found");
            makers += u32::from(matches!(outcome, Bootstrapped::Made(_)));
        }
        assert_eq!(makers, 1);
        assert_eq!(kept.load(Ordering::SeqCst), 1);
        assert_eq!(count(&database, ORGANIZATIONS).await, 1);
        assert_eq!(count(&database, "select count(*) from users").await, 1);
    }
}

#[database_test]
async fn of_two_that_start_at_once_the_foreign_keyring_is_refused(database: TestDatabase) {
    let barrier = Arc::new(tokio::sync::Barrier::new(2));
    let mut starting = Vec::new();
    for _ in 0..2 {
        let store = store(&database).await;
        let barrier = barrier.clone();
        starting.push(tokio::spawn(async move {
            let keyring = Keyring::generate();
            barrier.wait().await;
            let outcome = start(
                &store,
                GivenKeyring::Present(keyring.clone()),
                Mode::Production,
            )
            .await;
            (keyring, outcome)
        }));
    }
    let mut maker = None;
    let mut refusal = None;
    for server in starting {
        match server.await.expect("no panic") {
            (keyring, Ok((_, Bootstrapped::Made(_)))) => maker = Some(keyring),
            (_, Err(error)) => refusal = Some(error.to_string()),
            (_, Ok((_, Bootstrapped::Found))) => panic!("a foreign keyring was accepted"),
        }
    }
    let (maker, refusal) = (maker.expect("one made"), refusal.expect("one refused"));
    for id in ids(&maker) {
        assert!(refusal.contains(&id), "{refusal}");
    }
    assert_eq!(
        store(&database)
            .await
            .key_checks()
            .await
            .expect("readable")
            .len(),
        2
    );
    assert_eq!(count(&database, ORGANIZATIONS).await, 1);
}

#[database_test]
async fn a_keyring_that_does_not_fit_is_refused_by_name(database: TestDatabase) {
    let store = store(&database).await;
    let keyring = Keyring::generate();
    let given = GivenKeyring::Present(keyring.clone());
    start(&store, given, Mode::Production).await.expect("made");
    verify_keyring(&store, &keyring).await.expect("it fits");

    // No keyring at all must not become a new one.
    let none = start(&store, GivenKeyring::MayGenerate, Mode::Production).await;
    let none = none.expect_err("refused").to_string();
    let json = keyring.to_json();
    let [encrypt, find] = &ids(&keyring)[..] else {
        panic!("two keys")
    };
    assert!(none.contains(encrypt) && none.contains(find), "{none}");

    // The same ids with other keys.
    let other = Keyring::generate();
    let [other_encrypt, other_find] = &ids(&other)[..] else {
        panic!("two keys")
    };
    let renamed = other.to_json().reveal().replace(other_encrypt, encrypt);
    let renamed = renamed.replace(other_find, find);
    let renamed = Keyring::parse(&Secret::new(renamed)).expect("valid");
    let error = verify_keyring(&store, &renamed)
        .await
        .expect_err("other keys");
    let error = error.to_string();
    assert!(
        error.contains(encrypt) && error.contains("not the one"),
        "{error}"
    );

    // A key more is remembered, a key less is missed from then on.
    let mut more: serde_json::Value = serde_json::from_str(json.reveal()).expect("JSON");
    let extra: serde_json::Value = serde_json::from_str(other.to_json().reveal()).expect("JSON");
    let keys = more["find"]["keys"].as_array_mut().expect("keys");
    keys.push(extra["find"]["keys"][0].clone());
    let more = Keyring::parse(&Secret::new(more.to_string())).expect("valid");
    verify_keyring(&store, &more)
        .await
        .expect("a new key is fine");
    assert_eq!(store.key_checks().await.expect("readable").len(), 3);
    let error = verify_keyring(&store, &keyring)
        .await
        .expect_err("one is missing");
    let error = error.to_string();
    assert!(
        error.contains(other_find) && error.contains("missing"),
        "{error}"
    );

    // A refused keyring leaves nothing behind.
    verify_keyring(&store, &Keyring::generate())
        .await
        .expect_err("foreign");
    assert_eq!(store.key_checks().await.expect("readable").len(), 3);
}

#[database_test]
async fn a_server_of_the_other_mode_is_refused(database: TestDatabase) {
    let store = store(&database).await;
    let keyring = Keyring::generate();
    let given = || GivenKeyring::Present(keyring.clone());
    start(&store, given(), Mode::Sandbox).await.expect("made");
    let error = start(&store, given(), Mode::Production).await;
    let error = error.expect_err("refused").to_string();
    assert!(
        error.contains("sandbox") && error.contains("--sandbox"),
        "{error}"
    );
    start(&store, given(), Mode::Sandbox)
        .await
        .expect("its own");
}

#[database_test]
async fn if_the_credentials_cannot_be_kept_nothing_is_made(database: TestDatabase) {
    let store = store(&database).await;
    let outcome = bootstrap(
        &store,
        GivenKeyring::MayGenerate,
        Mode::Production,
        EMAIL,
        async |_, _| Err(io::Error::other("disk full")),
    )
    .await;
    let error = outcome.expect_err("refused");
    let cause = std::error::Error::source(&error)
        .expect("a cause")
        .to_string();
    assert!(cause.contains("disk full"), "{cause}");
    for table in [
        ORGANIZATIONS,
        "select count(*) from server_stamp",
        "select count(*) from key_checks",
        "select count(*) from secret_index",
    ] {
        assert_eq!(count(&database, table).await, 0, "{table}");
    }
    let again = start(&store, GivenKeyring::MayGenerate, Mode::Production).await;
    made(again.expect("nothing is in the way").1);
}

#[database_test]
async fn a_keyring_is_made_for_an_empty_database_alone(database: TestDatabase) {
    let store = store(&database).await;
    // Keys are known although no server was here: restored in part.
    let lost = Keyring::generate();
    verify_keyring(&store, &lost).await.expect("remembered");
    let error = start(&store, GivenKeyring::MayGenerate, Mode::Production).await;
    let error = error.expect_err("not empty").to_string();
    for id in ids(&lost) {
        assert!(error.contains(&id), "{error}");
    }
    assert_eq!(store.mode().await.expect("readable"), None);
    let given = GivenKeyring::Present(lost);
    start(&store, given, Mode::Production).await.expect("made");
}
