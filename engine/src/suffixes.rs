//! Names below which hosts belong to whoever asks for one, by the Public Suffix List: `co.uk`,
//! where anybody registers a name, and `github.io`, where a company gives them to its customers.

/// Below this name anybody may register one of his own. A name of one label always is such, also
/// when the list does not know it.
pub fn is_registry(name: &str) -> bool {
    is_suffix(name, |kind| kind != Some(psl::Type::Private))
}

/// The same, and those of companies.
pub fn is_anybodys(name: &str) -> bool {
    is_suffix(name, |_| true)
}

fn is_suffix(name: &str, counts: impl Fn(Option<psl::Type>) -> bool) -> bool {
    let whole = |name: &str| {
        let suffix = psl::suffix(name.as_bytes());
        suffix.is_some_and(|suffix| suffix.as_bytes() == name.as_bytes() && counts(suffix.typ()))
    };
    if name.is_empty() {
        return false;
    }
    // Of some names everything below is a suffix, and the name itself is none.
    whole(name) || whole(&format!("q7x2v9k4m1.{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_nobodys_own() {
        for registry in [
            "de",
            "com",
            "co.uk",
            "kawasaki.jp",
            "ck",
            "xn--p1ai",
            "intranet",
        ] {
            assert!(is_registry(registry) && is_anybodys(registry), "{registry}");
        }
        for company in ["github.io", "herokuapp.com"] {
            assert!(!is_registry(company) && is_anybodys(company), "{company}");
        }
        for own in [
            "example.com",
            "a.co.uk",
            "vendor.example",
            "a.github.io",
            "",
        ] {
            assert!(!is_anybodys(own), "{own}");
        }
    }
}
