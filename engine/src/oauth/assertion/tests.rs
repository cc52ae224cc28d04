use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256,
    UnparsedPublicKey,
};
use serde_json::json;

use super::*;
use crate::configuration::Value;

/// Made for these tests and known to everybody.
const PEM: &str = include_str!("key.pem");

fn assertion() -> Assertion {
    let template = |text: &str| Template::parse(text).unwrap();
    Assertion {
        issuer: template("{config.client}"),
        subject: Some(template("{config.user}")),
        audience: template("{config.site|map:demo=test,*=live}.vendor.example"),
        scope: Some(template("read write")),
        lifetime: 600,
        unique: true,
        key: "key".into(),
    }
}

fn values(pem: &str) -> Values {
    let secret = |text: &str| Value::Secret(Secret::new(text));
    let clear = |text: &str| Value::Clear(text.to_owned());
    Values::from([
        ("client".into(), secret("c1")),
        ("user".into(), clear(" u1 ")),
        ("site".into(), clear("Demo")),
        ("key".into(), secret(pem)),
    ])
}

fn der() -> Vec<u8> {
    let lines = PEM.lines().filter(|line| !line.starts_with('-'));
    STANDARD.decode(lines.collect::<String>()).unwrap()
}

fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

#[test]
fn what_is_signed_can_be_checked() {
    let signed = sign(&assertion(), &values(PEM), (1_700_000_000_999, &[7; 16])).unwrap();
    let (text, signature) = signed.reveal().rsplit_once('.').unwrap();
    let (head, claims) = text.split_once('.').unwrap();
    let read = |part: &str| -> Json {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    assert_eq!(read(head), json!({"alg": "RS256", "typ": "JWT"}));
    assert_eq!(
        read(claims),
        json!({"iss": "c1", "sub": "u1", "aud": "test.vendor.example", "scope": "read write",
               "iat": 1_700_000_000, "exp": 1_700_000_600, "jti": "BwcHBwcHBwcHBwcHBwcHBw"})
    );
    let pair = RsaKeyPair::from_pkcs8(&der()).unwrap();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref())
        .verify(text.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
        .unwrap();
}

#[test]
fn keys_come_in_many_forms() {
    let der = der();
    // Inside of PKCS#8 stands PKCS#1, behind 26 bytes that tell the algorithm.
    for text in [
        PEM.to_owned(),
        PEM.replace('\n', "\\n"),
        PEM.replace('\n', " "),
        PEM.replace('\n', "\r\n"),
        format!("  some words before\n{PEM}\nand after"),
        pem("RSA PRIVATE KEY", &der[26..]),
    ] {
        sign(&assertion(), &values(&text), (0, &Nonce::default())).unwrap();
    }
}

#[test]
fn every_mistake_in_a_key_names_its_entry_and_nothing_of_it() {
    let random = SystemRandom::new();
    let curve = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
    for (text, expected) in [
        (
            "secret-thing".to_owned(),
            "must be an RSA private key in PEM form",
        ),
        (String::new(), "must be an RSA private key in PEM form"),
        (PEM.replace("-----END", ""), "is cut off"),
        (
            PEM.replace("BEGIN PRIVATE", "BEGIN ENCRYPTED PRIVATE"),
            "passphrase",
        ),
        (
            pem("RSA PRIVATE KEY", b"x").replace("\n", "\nProc-Type: 4,ENCRYPTED\n"),
            "passphrase",
        ),
        (pem("PUBLIC KEY", &der()), "is the public half (PUBLIC KEY)"),
        (
            pem("CERTIFICATE", &der()),
            "is the public half (CERTIFICATE)",
        ),
        (pem("EC PRIVATE KEY", &der()), "must be an RSA private key"),
        (pem("PRIVATE KEY", curve.as_ref()), "is no RSA key"),
        (pem("PRIVATE KEY", &der()[..300]), "is damaged"),
        (pem("PRIVATE KEY", b""), "is damaged"),
        (PEM.replace('M', "?"), "is damaged"),
    ] {
        let error = sign(&assertion(), &values(&text), (0, &Nonce::default())).unwrap_err();
        let BuildError::Entry { key, message } = &error else {
            panic!("{error}");
        };
        assert_eq!(key, "key");
        assert!(message.contains(expected), "{expected}: {message}");
        assert!(!message.contains("secret-thing"));
    }
}

#[test]
fn what_is_missing_is_named() {
    for key in ["client", "user", "site", "key"] {
        let mut values = values(PEM);
        values.remove(key);
        let error = sign(&assertion(), &values, (0, &Nonce::default())).unwrap_err();
        assert_eq!(error.to_string(), format!("{key}: is needed to log in"));
    }
}
