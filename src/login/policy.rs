//! What a password must look like. The words of the complaints are known to clients.

const SHORTEST: usize = 8;
/// More is only work for the hash.
const LONGEST: usize = 256;
const SYMBOLS: &str = "!@#$%^&*()_+-=[]{};':\"\\|,.<>/?`~";
/// Shorter names stand in every other word.
const SHORTEST_NAME: usize = 3;

/// Whose password it is to be.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    pub first_name: &'a str,
    pub last_name: &'a str,
    pub email: &'a str,
}

/// Everything that is wrong with it, as one sentence.
pub fn check(password: &str, owner: &Owner<'_>) -> Result<(), String> {
    let mut wrong = Vec::new();
    let length = password.chars().count();
    let has = |kind: fn(char) -> bool| password.chars().any(kind);
    if length < SHORTEST {
        wrong.push(format!("have at least {SHORTEST} characters"));
    }
    if length > LONGEST {
        wrong.push(format!("have at most {LONGEST} characters"));
    }
    for (there, kind) in [
        (has(char::is_numeric), "numeric"),
        (has(char::is_uppercase), "uppercase"),
        (has(char::is_lowercase), "lowercase"),
    ] {
        if !there {
            wrong.push(format!("hold a {kind} character"));
        }
    }
    let is_symbol = |sign: char| !sign.is_alphanumeric();
    let allowed = |sign: char| SYMBOLS.contains(sign);
    if !has(|sign| SYMBOLS.contains(sign)) || password.chars().any(|s| is_symbol(s) && !allowed(s))
    {
        wrong.push(format!("hold a special character, and only of {SYMBOLS}"));
    }
    let lower = password.to_lowercase();
    let local_part = owner.email.split('@').next().unwrap_or_default();
    for (part, name) in [
        (owner.first_name, "first name"),
        (owner.last_name, "last name"),
        (local_part, "username"),
    ] {
        let part = part.trim().to_lowercase();
        if part.chars().count() >= SHORTEST_NAME && lower.contains(&part) {
            wrong.push(format!("not contain the {name}"));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!("The password must {}.", wrong.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_name_what_is_wrong_and_nothing_else() {
        let owner = Owner {
            first_name: "Ida",
            last_name: "Berg",
            email: "lark@corp.example",
        };
        let words = [
            "at least",
            "at most",
            "numeric",
            "uppercase",
            "lowercase",
            "first name",
            "last name",
            "username",
            "special character",
        ];
        let long = format!("Aa1!{}", "x".repeat(300));
        for (password, expected) in [
            ("Aa1!aaaa", vec![]),
            ("Aa1!aaa", vec!["at least"]),
            (long.as_str(), vec!["at most"]),
            ("Aaa!aaaa", vec!["numeric"]),
            ("aa1!aaaa", vec!["uppercase"]),
            ("AA1!AAAA", vec!["lowercase"]),
            ("Aa1aaaaa", vec!["special character"]),
            ("Aa1! aaaa", vec!["special character"]),
            ("Aa1!IDAaa", vec!["first name"]),
            ("Aa1!bergaa", vec!["last name"]),
            ("Aa1!Larkaa", vec!["username"]),
            (
                "",
                vec![
                    "at least",
                    "numeric",
                    "uppercase",
                    "lowercase",
                    "special character",
                ],
            ),
        ] {
            let complaint = check(password, &owner).err().unwrap_or_default();
            let found: Vec<&str> = words
                .into_iter()
                .filter(|word| complaint.contains(word))
                .collect();
            assert_eq!(found, expected, "{password}: {complaint}");
        }
    }
}
