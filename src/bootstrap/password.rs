//! A first password that the default password policy accepts.

use rand::RngExt as _;

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

#[cfg(test)]
mod tests {
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
}
