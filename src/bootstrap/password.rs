//! A first password that the default password policy accepts, and the hash that is kept of it.

use argon2::Argon2;
use argon2::password_hash::PasswordHasher as _;
use argon2::password_hash::phc::PasswordHash;
use rand::RngExt as _;

use crate::error::{Error, Result};
use crate::ids::Secret;

const LENGTH: usize = 24;
// Without the signs that are mistaken for others, and without those that a shell takes for its
// own inside double quotes.
const UPPER: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
const LOWER: &[u8] = b"abcdefghijkmnopqrstuvwxyz";
const DIGITS: &[u8] = b"23456789";
const SYMBOLS: &[u8] = b"@#%^*";

/// More than 140 bits, with each kind of sign that the policy asks for. It starts with a letter.
pub(super) fn generate() -> Secret {
    let alphabet = [UPPER, LOWER, DIGITS, SYMBOLS].concat();
    let mut random = rand::rng();
    // Drawn again until it suits: choosing places for the kinds would make some passwords
    // likelier than others. About every second one suits.
    loop {
        let mut text = String::with_capacity(LENGTH);
        for _ in 0..LENGTH {
            let index = random.random_range(0..alphabet.len());
            text.extend(alphabet.get(index).map(|sign| char::from(*sign)));
        }
        let password = Secret::new(text);
        let bytes = password.reveal().as_bytes();
        let has = |kind: &[u8]| bytes.iter().any(|sign| kind.contains(sign));
        if bytes.first().is_some_and(u8::is_ascii_alphabetic)
            && [UPPER, LOWER, DIGITS, SYMBOLS].into_iter().all(has)
        {
            return password;
        }
    }
}

/// Argon2id in PHC form. Takes some 20 MB and tens of milliseconds, so not on a thread that
/// serves requests.
pub(crate) async fn hash(password: Secret) -> Result<Secret> {
    let hash = tokio::task::spawn_blocking(move || {
        let hash: Result<PasswordHash, _> =
            Argon2::default().hash_password(password.reveal().as_bytes());
        hash.map(|hash| Secret::new(hash.to_string()))
    });
    hash.await
        .map_err(Error::internal)?
        .map_err(|error| Error::internal(error.to_string()))
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::PasswordVerifier as _;

    use super::*;

    #[test]
    fn a_password_has_every_kind_of_sign() {
        for _ in 0..200 {
            let password = generate();
            let text = password.reveal();
            assert_eq!(text.len(), LENGTH);
            assert!(text.starts_with(|first: char| first.is_ascii_alphabetic()));
            for kind in [UPPER, LOWER, DIGITS, SYMBOLS] {
                assert!(text.bytes().any(|sign| kind.contains(&sign)));
            }
        }
    }

    #[tokio::test]
    async fn the_hash_is_argon2id_and_fits_the_password_alone() {
        let password = generate();
        let hash = hash(password.clone()).await.expect("hashing works");
        assert!(hash.reveal().starts_with("$argon2id$v=19$"));
        let parsed = PasswordHash::new(hash.reveal()).expect("PHC form");
        let fits = |text: &str| {
            Argon2::default()
                .verify_password(text.as_bytes(), &parsed)
                .is_ok()
        };
        assert!(fits(password.reveal()));
        assert!(!fits("something else"));
    }
}
