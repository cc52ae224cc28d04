use proptest::prelude::*;

use super::*;

/// Made once by another implementation (AES-GCM and HMAC of Python's `cryptography` and `hmac`)
/// from the keys below. They must never change: databases are full of values of this form.
const GOLDEN_KEYRING: &str = r#"{"version": 1,
    "encrypt": {"current": "encrypt-golden",
        "keys": [{"id": "encrypt-golden", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}]},
    "find": {"current": "find-golden",
        "keys": [{"id": "find-golden", "key": "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8="}]}}"#;
const GOLDEN_WRAPPED: &str = "01c8c9cacbcccdcecfd0d1d2d3315943f8a2e9dd075c153595322bc53bd0b6de9b\
    305e9e13d59001dae6ac95d6c1eb43252879090ab12da2a869297766";
const GOLDEN_SEALED: &str = "0100000007c8c9cacbcccdcecfd0d1d2d3de6bde83c025d5ad2cfba1d7c00027a9\
    5bf6c5056c23b84af3a8981dad83b1ae";
const GOLDEN_CLEAR: &[u8] = br#"{"password":"x"}"#;
const GOLDEN_FINGERPRINTS: [(SecretKind, &str); 3] = [
    (
        SecretKind::Organization,
        "3c1a17e338ab019124c385a8f6468ab6e0f5bcf56c49903309256a8ab7275c70",
    ),
    (
        SecretKind::User,
        "1624f1036944a80b8abd4d00a251e651efedcefe9830a8a284412d32f8c844e8",
    ),
    (
        SecretKind::Instance,
        "4db840bbbbd55ef3de2385e7390dfde14719461798099e08b2edb9aba1bb94df",
    ),
];

const ORGANIZATION: OrganizationId = OrganizationId(42);
const GOLDEN_PLACE: Place<'static> = Place {
    organization: ORGANIZATION,
    table: "instances",
    row: Uuid::from_u128(0x0123_4567_89ab_4def_8123_4567_89ab_cdef),
    column: "credentials_sealed",
};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex
        .chars()
        .map(|digit| u8::try_from(digit.to_digit(16).expect("a digit")).expect("below 16"))
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] * 16 + pair[1])
        .collect()
}

fn golden_vault() -> Vault {
    Vault::new(Keyring::parse(&Secret::new(GOLDEN_KEYRING)).expect("a valid keyring"))
}

fn golden_wrapped() -> WrappedKey {
    WrappedKey {
        number: 7,
        kek_id: "encrypt-golden".into(),
        wrapped: bytes(GOLDEN_WRAPPED),
        staged: false,
    }
}

fn golden_key() -> OrganizationKey {
    golden_vault()
        .open_organization_key(ORGANIZATION, &golden_wrapped())
        .expect("opens")
}

fn vault() -> Vault {
    Vault::new(Keyring::generate())
}

#[test]
fn golden_values_open() {
    let key = golden_key();
    let clear = key
        .open(&GOLDEN_PLACE, &bytes(GOLDEN_SEALED))
        .expect("opens");
    assert_eq!(clear.as_slice(), GOLDEN_CLEAR);
}

#[test]
fn what_is_sealed_today_has_the_golden_form() {
    let key = golden_key();
    let nonce: [u8; 12] = std::array::from_fn(|index| 200 + u8::try_from(index).expect("small"));
    let context = row_context(&GOLDEN_PLACE, 7);
    let sealed = sealed::seal_with_nonce(&key.bytes, 7, &context, GOLDEN_CLEAR, nonce);
    assert_eq!(sealed, bytes(GOLDEN_SEALED));

    let vault = golden_vault();
    let keyring = vault.keyring();
    let kek = keyring.encrypt_key("encrypt-golden").expect("held");
    let context = wrapping_context(ORGANIZATION, 7, "encrypt-golden");
    let wrapped = sealed::wrap_with_nonce(kek, &context, key.bytes.reveal(), nonce);
    assert_eq!(wrapped, bytes(GOLDEN_WRAPPED));
}

#[test]
fn golden_fingerprints() {
    let vault = golden_vault();
    let secret = Secret::new("c2VjcmV0");
    for (kind, hmac) in GOLDEN_FINGERPRINTS {
        let found = vault.fingerprints(kind, &secret);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].pepper_id, "find-golden");
        assert_eq!(found[0].hmac.as_slice(), bytes(hmac), "{kind:?}");
    }
}

#[test]
fn a_value_opens_at_its_place_alone() {
    let vault = vault();
    let (key, wrapped) = vault.new_organization_key(ORGANIZATION);
    let place = Place {
        row: Uuid::new_v4(),
        ..GOLDEN_PLACE
    };
    let sealed = key.seal(&place, b"secret");
    assert_eq!(
        key.open(&place, &sealed).expect("opens").as_slice(),
        b"secret"
    );
    for elsewhere in [
        Place {
            row: Uuid::new_v4(),
            ..place
        },
        Place {
            column: "token_sealed",
            ..place
        },
        Place {
            table: "users",
            ..place
        },
        Place {
            organization: OrganizationId(43),
            ..place
        },
        // The same letters, cut elsewhere.
        Place {
            table: "instancesc",
            column: "redentials_sealed",
            ..place
        },
    ] {
        assert_eq!(key.open(&elsewhere, &sealed), Err(VaultError::NotAuthentic));
    }
    // Nor does the data key itself serve another organization.
    let moved = vault.open_organization_key(OrganizationId(43), &wrapped);
    assert_eq!(moved.expect_err("bound"), VaultError::NotAuthentic);
    let renumbered = WrappedKey {
        number: 2,
        ..wrapped.clone()
    };
    let renumbered = vault.open_organization_key(ORGANIZATION, &renumbered);
    assert_eq!(renumbered.expect_err("bound"), VaultError::NotAuthentic);
    let (other, _) = vault.new_organization_key(ORGANIZATION);
    assert_eq!(other.open(&place, &sealed), Err(VaultError::NotAuthentic));
}

#[test]
fn every_flipped_bit_is_noticed() {
    let key = golden_key();
    let sealed = bytes(GOLDEN_SEALED);
    let wrapped = golden_wrapped();
    let vault = golden_vault();
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        key.open(&GOLDEN_PLACE, &changed).expect_err("changed");
    }
    for bit in 0..wrapped.wrapped.len() * 8 {
        let mut changed = wrapped.clone();
        changed.wrapped[bit / 8] ^= 1 << (bit % 8);
        vault
            .open_organization_key(ORGANIZATION, &changed)
            .expect_err("changed");
    }
}

#[test]
fn every_cut_is_an_error() {
    let key = golden_key();
    let sealed = bytes(GOLDEN_SEALED);
    for length in 0..sealed.len() {
        key.open(&GOLDEN_PLACE, &sealed[..length]).expect_err("cut");
    }
    let wrapped = golden_wrapped();
    for length in 0..wrapped.wrapped.len() {
        let cut = WrappedKey {
            wrapped: wrapped.wrapped[..length].to_vec(),
            ..wrapped.clone()
        };
        golden_vault()
            .open_organization_key(ORGANIZATION, &cut)
            .expect_err("cut");
    }
}

#[test]
fn unknown_keys_and_versions_are_named() {
    let vault = golden_vault();
    let foreign = WrappedKey {
        kek_id: "encrypt-lost".into(),
        ..golden_wrapped()
    };
    let error = vault
        .open_organization_key(ORGANIZATION, &foreign)
        .expect_err("not held");
    assert!(error.to_string().contains("encrypt-lost"), "{error}");

    for number in [0, -1, i32::MIN] {
        let bad = WrappedKey {
            number,
            ..golden_wrapped()
        };
        let error = vault
            .open_organization_key(ORGANIZATION, &bad)
            .expect_err("no such number");
        assert_eq!(error, VaultError::BadNumber(ORGANIZATION));
    }
    let mut newer = bytes(GOLDEN_SEALED);
    newer[0] = 2;
    let error = golden_key().open(&GOLDEN_PLACE, &newer).expect_err("newer");
    assert_eq!(error, VaultError::UnknownVersion(2));
}

#[test]
fn the_same_value_never_seals_to_the_same_bytes() {
    let (key, _) = vault().new_organization_key(ORGANIZATION);
    let sealed: Vec<_> = (0..100).map(|_| key.seal(&GOLDEN_PLACE, b"x")).collect();
    let different: std::collections::BTreeSet<_> = sealed.iter().collect();
    assert_eq!(different.len(), sealed.len());
}

#[test]
#[should_panic(expected = "sealed with another's key")]
fn sealing_for_another_organization_is_a_bug() {
    let (key, _) = vault().new_organization_key(OrganizationId(1));
    key.seal(&GOLDEN_PLACE, b"x");
}

#[test]
fn the_highest_number_seals_and_older_ones_open() {
    let vault = golden_vault();
    let (first, wrapped_first) = vault.new_organization_key(ORGANIZATION);
    let old = first.seal(&GOLDEN_PLACE, b"old");
    // Loaded in any order.
    let keys = vault.open_organization_keys(ORGANIZATION, &[golden_wrapped(), wrapped_first]);
    let keys = keys.expect("both open");
    let new = keys.seal(&GOLDEN_PLACE, b"new");
    assert_eq!(sealed::key_number(&new), Ok(7));
    assert_eq!(
        keys.open(&GOLDEN_PLACE, &new).expect("opens").as_slice(),
        b"new"
    );
    assert_eq!(
        keys.open(&GOLDEN_PLACE, &old).expect("opens").as_slice(),
        b"old"
    );

    let alone = vault
        .open_organization_keys(ORGANIZATION, &[golden_wrapped()])
        .expect("opens");
    assert_eq!(
        alone.open(&GOLDEN_PLACE, &old),
        Err(VaultError::UnknownNumber {
            organization: ORGANIZATION,
            number: 1
        })
    );
    let none = vault
        .open_organization_keys(ORGANIZATION, &[])
        .expect_err("no key");
    assert_eq!(none, VaultError::NoKey(ORGANIZATION));
}

#[tokio::test]
async fn opened_keys_are_kept_until_forgotten() {
    let vault = golden_vault();
    let load = || async { Ok::<_, VaultError>(vec![golden_wrapped()]) };
    let unreachable = || async { Err::<Vec<WrappedKey>, _>(VaultError::TooShort) };
    vault
        .organization_keys(ORGANIZATION, unreachable())
        .await
        .expect_err("nothing is kept yet");
    vault
        .organization_keys(ORGANIZATION, load())
        .await
        .expect("loaded");
    vault
        .organization_keys(ORGANIZATION, unreachable())
        .await
        .expect("kept");
    // Clones share what they keep, so one erasure suffices.
    vault.clone().forget(ORGANIZATION).await;
    vault
        .organization_keys(ORGANIZATION, unreachable())
        .await
        .expect_err("erased");
}

#[test]
fn the_current_pepper_comes_first() {
    let key = |byte: u8| STANDARD.encode([byte; 32]);
    let text = format!(
        r#"{{"version":1,
            "encrypt":{{"current":"e","keys":[{{"id":"e","key":"{}"}}]}},
            "find":{{"current":"new","keys":[{{"id":"old","key":"{}"}},{{"id":"new","key":"{}"}}]}}}}"#,
        key(1),
        key(2),
        key(3)
    );
    let vault = Vault::new(Keyring::parse(&Secret::new(text)).expect("valid"));
    let secret = Secret::new("x");
    let found = vault.fingerprints(SecretKind::User, &secret);
    let ids: Vec<_> = found.iter().map(|found| found.pepper_id.as_str()).collect();
    assert_eq!(ids, ["new", "old"]);
    assert_ne!(found[0].hmac, found[1].hmac);
    assert_eq!(vault.fingerprint(SecretKind::User, &secret), found[0]);
}

#[test]
fn new_secrets_have_the_forms_that_clients_know() {
    let vault = vault();
    let organization = vault.new_organization_secret();
    assert_eq!(organization.reveal().len(), 32);
    assert!(
        organization
            .reveal()
            .bytes()
            .all(|sign| b"0123456789abcdef".contains(&sign))
    );
    for secret in [vault.new_user_secret(), vault.new_element_token()] {
        assert_eq!(secret.reveal().len(), 44);
        assert_eq!(
            STANDARD
                .decode(secret.reveal())
                .expect("standard base64")
                .len(),
            32
        );
    }
    assert_ne!(
        vault.new_user_secret().reveal(),
        vault.new_user_secret().reveal()
    );
}

#[test]
fn debug_shows_no_key() {
    let vault = golden_vault();
    let keys = vault
        .open_organization_keys(ORGANIZATION, &[golden_wrapped()])
        .expect("opens");
    for shown in [
        format!("{vault:?}"),
        format!("{keys:?}"),
        format!("{keys:#?}"),
    ] {
        assert!(!shown.contains("AAECAwQF"), "{shown}");
        assert!(!shown.contains("32, 33, 34"), "{shown}");
        assert!(!shown.contains("0, 1, 2"), "{shown}");
    }
    assert!(
        format!("{vault:?}").contains("encrypt-golden"),
        "ids may be shown"
    );
}

proptest! {
    #[test]
    fn any_value_comes_back(clear in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let key = golden_key();
        let sealed = key.seal(&GOLDEN_PLACE, &clear);
        prop_assert_eq!(sealed.len(), clear.len() + 33);
        let opened = key.open(&GOLDEN_PLACE, &sealed).expect("opens");
        prop_assert_eq!(opened.as_slice(), clear.as_slice());
    }

    #[test]
    fn garbage_is_an_error(
        mut garbage in proptest::collection::vec(any::<u8>(), 0..200),
        known_start in any::<bool>(),
    ) {
        if known_start {
            garbage.splice(0..0, [1, 0, 0, 0, 7]);
        }
        prop_assert!(golden_key().open(&GOLDEN_PLACE, &garbage).is_err());
        let wrapped = WrappedKey { wrapped: garbage, ..golden_wrapped() };
        prop_assert!(golden_vault().open_organization_key(ORGANIZATION, &wrapped).is_err());
    }

    #[test]
    fn different_fields_encode_differently(
        one in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..4), 0..4),
        other in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..4), 0..4),
    ) {
        let encode = |list: &[Vec<u8>]| {
            let list: Vec<&[u8]> = list.iter().map(Vec::as_slice).collect();
            fields(&list).to_vec()
        };
        prop_assert_eq!(one == other, encode(&one) == encode(&other));
    }

    #[test]
    fn a_secret_of_one_kind_is_not_found_as_another(secret in "[A-Za-z0-9+/=]{1,44}") {
        let vault = golden_vault();
        let secret = Secret::new(secret);
        let hash = |kind| vault.fingerprint(kind, &secret).hmac;
        prop_assert_ne!(hash(SecretKind::User), hash(SecretKind::Instance));
        prop_assert_ne!(hash(SecretKind::User), hash(SecretKind::Organization));
        prop_assert_ne!(hash(SecretKind::Organization), hash(SecretKind::Instance));
    }
}

#[test]
fn a_request_is_known_by_key_and_body_under_each_pepper() {
    let vault = Vault::new(Keyring::generate());
    let of = |key, body: &str| vault.request_fingerprints(key, body.as_bytes()).remove(0);
    let one = of("key", "body");
    assert_eq!(of("key", "body"), one);
    assert_eq!(of("key", "other").key, one.key);
    assert_ne!(of("key", "other").body, one.body);
    assert_ne!(of("other", "body").key, one.key);
    // The same text as key and as body is not the same.
    let twice = of("same", "same");
    assert_ne!(twice.key, twice.body);
    let secret = vault.fingerprint(SecretKind::User, &Secret::new("same"));
    assert_ne!(secret.hmac, twice.key);
    assert_eq!(secret.pepper_id, twice.pepper_id);
}
