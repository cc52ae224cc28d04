//! The grammar of the `Authorization` header, as a pure function.
//!
//! `User u, Organization o, Element t` in any order, keywords without regard to case, `Token` a
//! synonym of `Element`, quotes around a secret or around the whole value dropped; or
//! `Bearer session`. Anything else is malformed, which is 401 like an unknown secret.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::ids::{self, Secret};

/// What a request brought. Knows nothing of whether it is true.
#[derive(Debug)]
pub enum Presented {
    Nothing,
    Secrets(Secrets),
    /// `Bearer …`, a session token.
    Bearer(Secret),
}

#[derive(Debug, Default)]
pub struct Secrets {
    pub user: Option<Secret>,
    pub organization: Option<Secret>,
    pub element: Option<ElementPart>,
}

#[derive(Debug)]
pub enum ElementPart {
    Token(Secret),
    /// `undefined` or `null`: a client that has no token yet.
    Placeholder,
}

/// The header is there and cannot be read. Says nothing more, on purpose.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

pub fn read(headers: &HeaderMap) -> Result<Presented, Malformed> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(first) = values.next() else {
        return Ok(Presented::Nothing);
    };
    if values.next().is_some() {
        return Err(Malformed);
    }
    parse(first.to_str().map_err(|_| Malformed)?)
}

fn parse(value: &str) -> Result<Presented, Malformed> {
    let value = trim(unquote(trim(value)));
    let mut parts: Vec<&str> = value.split(',').map(trim).collect();
    if parts.len() > 1 && parts.last() == Some(&"") {
        parts.pop();
    }
    let pairs = parts.into_iter().map(pair).collect::<Result<Vec<_>, _>>()?;
    if let [(keyword, token)] = pairs.as_slice()
        && keyword.eq_ignore_ascii_case("bearer")
    {
        return Ok(Presented::Bearer(Secret::new(*token)));
    }
    let mut secrets = Secrets::default();
    for (keyword, secret) in pairs {
        let fresh = match keyword.to_ascii_lowercase().as_str() {
            "user" => secrets.user.replace(Secret::new(secret)).is_none(),
            "organization" => secrets.organization.replace(Secret::new(secret)).is_none(),
            "element" | "token" => {
                let part = match secret {
                    placeholder if ids::is_placeholder(placeholder) => ElementPart::Placeholder,
                    token => ElementPart::Token(Secret::new(token)),
                };
                secrets.element.replace(part).is_none()
            }
            _ => false,
        };
        if !fresh {
            return Err(Malformed);
        }
    }
    Ok(Presented::Secrets(secrets))
}

/// `keyword 1*blank secret`.
fn pair(part: &str) -> Result<(&str, &str), Malformed> {
    let (keyword, secret) = part.split_once([' ', '\t']).ok_or(Malformed)?;
    let secret = unquote(trim(secret));
    if !ids::can_be_presented(secret) {
        return Err(Malformed);
    }
    Ok((keyword, secret))
}

/// Only blank and tab: other white space is part of what is wrong.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// Drops one pair of equal quotes around the whole text.
///
/// `"User a", "Organization b"` starts and ends with a quote and is still not a quoted whole: the
/// text between may not hold the quote.
fn unquote(text: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = text
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
            && !inner.contains(quote)
        {
            return inner;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `user|organization|element`, `-` for an absent part, `?` for a placeholder.
    fn shape(value: &str) -> String {
        match parse(value) {
            Err(Malformed) => "malformed".into(),
            Ok(Presented::Nothing) => "nothing".into(),
            Ok(Presented::Bearer(_)) => "bearer".into(),
            Ok(Presented::Secrets(secrets)) => {
                let text = |secret: &Option<Secret>| {
                    secret
                        .as_ref()
                        .map_or("-".into(), |secret| secret.reveal().to_owned())
                };
                let element = match &secrets.element {
                    None => "-".into(),
                    Some(ElementPart::Placeholder) => "?".into(),
                    Some(ElementPart::Token(secret)) => secret.reveal().to_owned(),
                };
                format!(
                    "{}|{}|{element}",
                    text(&secrets.user),
                    text(&secrets.organization)
                )
            }
        }
    }

    #[test]
    fn forms_in_real_use() {
        for (value, expected) in [
            ("User u+/=, Organization 0a", "u+/=|0a|-"),
            ("User u, Element t", "u|-|t"),
            ("User u, Organization o, Element t", "u|o|t"),
            ("Element t, User u", "u|-|t"),
            ("Element t, User u, Organization o", "u|o|t"),
            ("User u,Organization o,Token t", "u|o|t"),
            ("user u , ORGANIZATION   o,", "u|o|-"),
            ("\tUser\t u, Organization\to \t", "u|o|-"),
            ("User \"u=\", Organization 'o'", "u=|o|-"),
            ("\"User u, Organization o\"", "u|o|-"),
            ("'User u, Organization o'", "u|o|-"),
            ("User u, Organization o, Element undefined", "u|o|?"),
            ("User u, Organization o, Element null", "u|o|?"),
            ("Bearer abc=", "bearer"),
            ("bearer abc", "bearer"),
        ] {
            assert_eq!(shape(value), expected, "{value}");
        }
    }

    #[test]
    fn what_is_malformed() {
        for value in [
            "",
            "User",
            "User ",
            "User u, User v",
            "Element t, Token t",
            "User u, Organisation o",
            "User u, Organization <o>",
            "User u,, Organization o",
            ", User u",
            "Basic dTpw",
            "User u v",
            "User u; Organization o",
            "User \"u",
            "User u, Bearer b",
            "Organization o, UserId 7",
            "User u\u{a0}, Organization o",
            "\"User u\", \"Organization o\"",
        ] {
            assert_eq!(shape(value), "malformed", "{value}");
        }
    }

    #[test]
    fn two_headers_are_malformed() {
        let mut headers = HeaderMap::new();
        assert!(matches!(read(&headers), Ok(Presented::Nothing)));
        headers.append(AUTHORIZATION, "User u".parse().expect("value"));
        assert!(matches!(read(&headers), Ok(Presented::Secrets(_))));
        headers.append(AUTHORIZATION, "Organization o".parse().expect("value"));
        assert!(matches!(read(&headers), Err(Malformed)));
    }

    #[test]
    fn debug_hides_secrets() {
        let read = parse("User hidden1, Organization hidden2, Element hidden3").expect("reads");
        assert!(!format!("{read:?}").contains("hidden"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_malformed(value in "\\PC{0,80}") {
            let _ = parse(&value);
        }

        #[test]
        fn every_order_and_spacing_reads_the_same(
            order in Just(vec!["User u+/=", "Organization 0123ab", "Element t-_="]).prop_shuffle(),
            blank in "[ \t]{0,3}",
            trailing in any::<bool>(),
        ) {
            let mut value = order.join(&format!("{blank},{blank}"));
            if trailing {
                value.push(',');
            }
            prop_assert_eq!(shape(&value), "u+/=|0123ab|t-_=");
        }
    }
}
