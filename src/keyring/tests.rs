use std::os::unix::fs::PermissionsExt as _;

use proptest::prelude::*;

use super::*;

const ENCRYPT: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const FIND: &str = "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8=";

fn written(encrypt_id: &str, find_id: &str) -> String {
    format!(
        r#"{{"version":1,"encrypt":{{"current":"{encrypt_id}","keys":[{{"id":"{encrypt_id}","key":"{ENCRYPT}"}}]}},
            "find":{{"current":"{find_id}","keys":[{{"id":"{find_id}","key":"{FIND}"}}]}}}}"#
    )
}

fn parse(text: &str) -> Result<Keyring, KeyringError> {
    Keyring::parse(&Secret::new(text))
}

fn refusal(text: &str) -> String {
    let error = parse(text).expect_err("refused").to_string();
    for secret in [ENCRYPT, FIND, "AAECAwQF", "QEFCQ0RF", "marked-secret"] {
        assert!(!error.contains(secret), "{error}");
    }
    error
}

#[test]
fn a_written_keyring_reads_back_the_same() {
    let keyring = Keyring::generate();
    let again = parse(keyring.to_json().reveal()).expect("its own form");
    assert_eq!(again.checks(), keyring.checks());
    assert_eq!(again.to_json().reveal(), keyring.to_json().reveal());
    assert_ne!(
        Keyring::generate().checks(),
        keyring.checks(),
        "every keyring is another"
    );
}

#[test]
fn several_keys_survive_the_round_trip() {
    let text = format!(
        r#"{{"version":1,
            "encrypt":{{"current":"b","keys":[{{"id":"a","key":"{ENCRYPT}"}},{{"id":"b","key":"{FIND}"}}]}},
            "find":{{"current":"c","keys":[{{"id":"c","key":"{FIND}"}}]}}}}"#
    );
    let keyring = parse(&text).expect("valid");
    assert_eq!(
        keyring.current_encrypt().0,
        "b",
        "as written, not the last or the first"
    );
    assert!(keyring.encrypt_key("a").is_some());
    let again = parse(keyring.to_json().reveal()).expect("its own form");
    assert_eq!(again.checks(), keyring.checks());
    assert_eq!(again.current_encrypt().0, "b");
}

#[test]
fn golden_checks() {
    // Made once by another implementation; kept in every database.
    let checks = parse(&written("encrypt-golden", "find-golden"))
        .expect("valid")
        .checks();
    let shown: Vec<_> = checks
        .iter()
        .map(|check| {
            let hex: String = check
                .check_value
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            (check.key_id.as_str(), check.use_, hex)
        })
        .collect();
    assert_eq!(
        shown,
        [
            (
                "encrypt-golden",
                KeyUse::Encrypt,
                "627c10b154a39fec9e41db1c91a303e2c52a09025ab5a02b59718697b319723f".into()
            ),
            (
                "find-golden",
                KeyUse::Find,
                "1fdf6b5e287576fd11fe1a71a1aa1dbf16bf8d914f133b7faed671e9fe405da9".into()
            ),
        ]
    );
}

#[test]
fn mistakes_are_named_and_keys_are_not_shown() {
    let valid = written("e", "f");
    for (mistake, expected) in [
        (valid.replace(r#""version":1"#, r#""version":2"#), "version"),
        (
            valid.replace(r#""current":"e""#, r#""current":"x""#),
            "encrypt.current",
        ),
        (valid.replace(FIND, "QEFCQ0RF"), "find.keys[0].key"),
        (valid.replace(FIND, "marked-secret"), "find.keys[0].key"),
        (
            valid.replace(r#""id":"f""#, r#""id":"f g""#),
            "find.keys[0].id",
        ),
        (
            valid.replace(r#""id":"f""#, r#""id":"""#),
            "find.keys[0].id",
        ),
        (written("same", "same"), "'same'"),
        (
            valid.replace(
                &format!(r#"{{"id":"e","key":"{ENCRYPT}"}}"#),
                &format!(r#"{{"id":"e","key":"{ENCRYPT}"}},{{"id":"e","key":"{FIND}"}}"#),
            ),
            "twice",
        ),
        (valid.replace(r#""key":"#, r#""kee":"#), "line 1"),
        (
            valid.replace(&format!(r#""{ENCRYPT}""#), r#"["marked-secret"]"#),
            "line 1",
        ),
        (valid.replace("1,", r#""marked-secret","#), "line 1"),
        (
            valid.replace(r#"{"version""#, r#"{"extra":"marked-secret","version""#),
            "line 1",
        ),
        (String::new(), "line 1"),
        ("marked-secret".into(), "line 1"),
    ] {
        assert_ne!(mistake, valid, "{expected}");
        let error = refusal(&mistake);
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn the_file_is_its_owners_alone_and_written_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("keyring.json");
    let missing = Keyring::read(&path).expect_err("not there yet");
    assert!(matches!(missing, KeyringError::Missing(_)));
    assert!(missing.to_string().contains("keys init"), "{missing}");

    let keyring = Keyring::generate();
    keyring.write_new(&path).expect("new");
    assert_eq!(
        Keyring::read(&path).expect("readable").checks(),
        keyring.checks()
    );
    let before = std::fs::read(&path).expect("there");
    let again = Keyring::generate()
        .write_new(&path)
        .expect_err("never overwritten");
    assert_eq!(again.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(&path).expect("there"), before);

    for mode in [0o640, 0o604, 0o660, 0o610, 0o601, 0o644] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("own file");
        let error = Keyring::read(&path).expect_err("exposed").to_string();
        assert!(
            error.contains(&format!("{mode:04o}")) && error.contains("chmod 600"),
            "{error}"
        );
        assert!(error.contains("keyring.json"), "{error}");
    }
    for mode in [0o600, 0o400] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("own file");
        Keyring::read(&path).expect("its owner's alone");
    }
    let error = Keyring::read(folder.path()).expect_err("a folder");
    assert!(matches!(error, KeyringError::Unreadable { .. }), "{error}");
}

#[test]
fn debug_shows_ids_alone() {
    let shown = format!("{:?}", parse(&written("the-e", "the-f")).expect("valid"));
    assert!(
        shown.contains("the-e") && shown.contains("the-f"),
        "{shown}"
    );
    assert!(
        !shown.contains("AAEC") && !shown.contains("0, 1, 2"),
        "{shown}"
    );
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,300}") {
        let _ = parse(&text);
    }

    #[test]
    fn no_cut_is_a_keyring(length in 0_usize..300) {
        let text = written("e", "f");
        let length = length.min(text.len() - 1);
        if let Some(cut) = text.get(..length) {
            prop_assert!(parse(cut).is_err());
        }
    }
}
