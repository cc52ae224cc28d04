//! Signed assertions (JWT bearer grant): reading them, and checking an RS256 signature against registered keys.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// An RSA public key, as PKCS #1 has it.
#[derive(Debug, Clone)]
pub struct PublicKey(Vec<u8>);

/// Every claim must be there.
#[derive(Debug, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub sub: String,
    pub aud: String,
    pub iat: i64,
    pub exp: i64,
    pub scope: String,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
}

/// An assertion whose signature has not been checked.
#[derive(Debug)]
pub struct Assertion<'t> {
    pub claims: Claims,
    algorithm: String,
    signed: &'t str,
    signature: Vec<u8>,
}

impl<'t> Assertion<'t> {
    /// Nothing when the text is no complete assertion.
    pub fn read(text: &'t str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: Header = part(header)?;
        Some(Self {
            claims: part(claims)?,
            algorithm: header.alg,
            signed,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// Whether one of the keys made its RS256 signature. Other algorithms are refused, `none` among them.
    pub fn is_signed_by(&self, keys: &[PublicKey]) -> bool {
        let good = |key: &PublicKey| {
            let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &key.0);
            key.verify(self.signed.as_bytes(), &self.signature).is_ok()
        };
        self.algorithm == "RS256" && keys.iter().any(good)
    }
}

fn part<T: DeserializeOwned>(text: &str) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    serde_json::from_slice(&bytes).ok()
}

impl PublicKey {
    /// From PEM: `PUBLIC KEY`, or `RSA PUBLIC KEY`.
    pub fn from_pem(text: &str) -> Option<Self> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let label = lines.next()?;
        let body: Vec<&str> = lines
            .take_while(|line| !line.starts_with("-----"))
            .collect();
        let bytes = STANDARD.decode(body.concat()).ok()?;
        match label {
            "-----BEGIN RSA PUBLIC KEY-----" => {
                element(&bytes, SEQUENCE).map(|_| Self(bytes.clone()))
            }
            "-----BEGIN PUBLIC KEY-----" => {
                let (info, _) = element(&bytes, SEQUENCE)?;
                let (algorithm, rest) = element(info, SEQUENCE)?;
                let (key, _) = element(rest, BIT_STRING)?;
                let key = algorithm
                    .starts_with(RSA)
                    .then(|| key.strip_prefix(&[0]))??;
                Some(Self(key.to_vec()))
            }
            _ => None,
        }
    }
}

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
/// The object identifier of RSA keys.
const RSA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];

/// The content of the DER element with this tag at the start, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let (&short, rest) = rest.split_first()?;
    let (length, rest) = match short {
        0..=0x7f => (usize::from(short), rest),
        0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(short & 3))?;
            let length = digits
                .iter()
                .fold(0, |sum, digit| sum << 8 | usize::from(*digit));
            (length, rest)
        }
        _ => return None,
    };
    (first == tag).then(|| rest.split_at_checked(length))?
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: &str = include_str!("../../keys/docusign-jwt.pub.pem");

    #[test]
    fn both_pem_forms_are_the_same_key_and_nothing_else_is_one() {
        let key = PublicKey::from_pem(PUBLIC).expect("a key");
        let body: String = {
            let encoded = STANDARD.encode(&key.0);
            format!("-----BEGIN RSA PUBLIC KEY-----\n{encoded}\n-----END RSA PUBLIC KEY-----\n")
        };
        assert_eq!(PublicKey::from_pem(&body).expect("a key").0, key.0);
        let private = include_str!("../../keys/docusign-jwt.pem");
        for text in [
            "",
            "nonsense",
            private,
            "-----BEGIN PUBLIC KEY-----\nMA==\n-----END PUBLIC KEY-----",
        ] {
            assert!(PublicKey::from_pem(text).is_none(), "{text}");
        }
    }

    #[test]
    fn unsigned_and_broken_assertions_are_refused() {
        let keys = [PublicKey::from_pem(PUBLIC).expect("a key")];
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let claims = encode(r#"{"iss":"a","sub":"b","aud":"c","iat":1,"exp":2,"scope":"d"}"#);
        for algorithm in ["none", "RS256", "HS256"] {
            let header = encode(&format!("{{\"alg\":\"{algorithm}\"}}"));
            let text = format!("{header}.{claims}.");
            let assertion = Assertion::read(&text).expect("readable");
            assert!(!assertion.is_signed_by(&keys), "{algorithm}");
        }
        for text in ["", "a.b", "a.b.c", &format!("{}.{claims}.", encode("{}"))] {
            assert!(Assertion::read(text).is_none(), "{text}");
        }
    }
}
