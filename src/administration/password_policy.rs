//! The default password policy: what a password must have, and what it must not be made of.

use crate::error::{Error, Result};
use crate::ids::Secret;

const SHORTEST: usize = 8;
const SYMBOLS: &str = "!@#$%^&*()-_=+[]{}|;:,.<>?/~`'\"\\";

/// Whom the password is for: nobody's name may stand in it.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    pub email: &'a str,
    pub first_name: &'a str,
    pub last_name: &'a str,
}

/// 400 with everything that is wrong with it.
pub fn check(password: &Secret, person: Person<'_>) -> Result<()> {
    let text = password.reveal();
    let folded = text.to_lowercase();
    let holds = |part: &str| !part.is_empty() && folded.contains(&part.to_lowercase());
    let local_part = person.email.split('@').next().unwrap_or_default();
    let symbols = || text.chars().filter(|letter| !letter.is_alphanumeric());
    let wrong = [
        (
            text.chars().count() < SHORTEST,
            "needs at least 8 characters",
        ),
        (
            !text.chars().any(|letter| letter.is_ascii_digit()),
            "needs a numeric character",
        ),
        (
            !text.chars().any(char::is_uppercase),
            "needs an uppercase letter",
        ),
        (
            !text.chars().any(char::is_lowercase),
            "needs a lowercase letter",
        ),
        (symbols().next().is_none(), "needs a special character"),
        (
            symbols().any(|symbol| !SYMBOLS.contains(symbol)),
            "holds a special character that is not allowed",
        ),
        (holds(person.first_name), "must not contain the first name"),
        (holds(person.last_name), "must not contain the last name"),
        (holds(local_part), "must not contain the username"),
    ];
    let wrong: Vec<&str> = wrong
        .into_iter()
        .filter_map(|(wrong, words)| wrong.then_some(words))
        .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "The password {}.",
        wrong.join(", ")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_is_named() {
        let person = Person {
            email: "rowan@corp.example",
            first_name: "Hazel",
            last_name: "Elder",
        };
        for (password, words) in [
            ("Aa1!aaa", "at least"),
            ("Aaaaaaa!", "numeric"),
            ("aaaaaa1!", "uppercase"),
            ("AAAAAA1!", "lowercase"),
            ("xHAZEL1!", "first name"),
            ("xELDERa1!", "last name"),
            ("xRoWaN11!", "username"),
            ("Aaaaaaa1", "special character"),
            ("Aaaaaaa1!\u{20ac}", "special character"),
        ] {
            let error = check(&Secret::new(password), person).expect_err(password);
            assert!(error.to_string().contains(words), "{password}: {error}");
        }
        check(&Secret::new("Aaaaaa1!"), person).expect("a good password");
    }
}
