//! The legacy header `X-DocuSign-Authentication`: credentials as JSON, or as XML.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde::Deserialize;

use super::login::Credentials;

/// The names are exactly these; others are refused, so that a slip in a client is seen.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Written {
    username: String,
    password: String,
    #[serde(default)]
    integrator_key: String,
    send_on_behalf_of: Option<String>,
}

pub fn read(value: &str) -> Option<Credentials> {
    if value.trim_start().starts_with('<') {
        return xml(value);
    }
    let written: Written = serde_json::from_str(value).ok()?;
    Some(Credentials {
        username: written.username,
        password: written.password,
        integrator_key: written.integrator_key,
        send_on_behalf_of: written.send_on_behalf_of,
    })
}

/// `<DocuSignCredentials>` with one element for each value, nothing deeper.
fn xml(value: &str) -> Option<Credentials> {
    let mut reader = Reader::from_str(value);
    reader.config_mut().expand_empty_elements = true;
    let mut credentials = Credentials::default();
    let mut open: Vec<String> = Vec::new();
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                open.push(start.name().as_ref().to_owned());
                let known = match open.as_slice() {
                    [root] => root == "DocuSignCredentials",
                    [_, name] => field(&mut credentials, name).is_some(),
                    _ => false,
                };
                if !known {
                    return None;
                }
            }
            Event::Text(text) => match open.as_slice() {
                [_, name] => field(&mut credentials, name)?.push_str(&text),
                _ if text.trim().is_empty() => {}
                _ => return None,
            },
            Event::GeneralRef(reference) => {
                let [_, name] = open.as_slice() else {
                    return None;
                };
                let signs = match reference.resolve_char_ref().ok()? {
                    Some(sign) => sign.to_string(),
                    None => quick_xml::escape::resolve_predefined_entity(&reference)?.to_owned(),
                };
                field(&mut credentials, name)?.push_str(&signs);
            }
            Event::End(_) => {
                open.pop();
            }
            Event::Eof => return open.is_empty().then_some(credentials),
            _ => return None,
        }
    }
}

fn field<'c>(credentials: &'c mut Credentials, name: &str) -> Option<&'c mut String> {
    match name {
        "Username" => Some(&mut credentials.username),
        "Password" => Some(&mut credentials.password),
        "IntegratorKey" => Some(&mut credentials.integrator_key),
        "SendOnBehalfOf" => Some(credentials.send_on_behalf_of.get_or_insert_default()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(value: &str) -> Option<[String; 4]> {
        let found = read(value)?;
        Some([
            found.username,
            found.password,
            found.integrator_key,
            found.send_on_behalf_of.unwrap_or_default(),
        ])
    }

    #[test]
    fn both_forms_carry_the_same() {
        let expected = Some(["u".into(), "a\\<b&\u{e9}".into(), "k".into(), "o".into()]);
        let json =
            r#"{"Username":"u","Password":"a\\<b&é","IntegratorKey":"k","SendOnBehalfOf":"o"}"#;
        assert_eq!(parts(json), expected);
        let xml = "<DocuSignCredentials> <Username>u</Username><Password>a\\&lt;b&amp;&#233;</Password><IntegratorKey>k</IntegratorKey><SendOnBehalfOf>o</SendOnBehalfOf></DocuSignCredentials>";
        assert_eq!(parts(xml), expected);
    }

    #[test]
    fn other_names_and_broken_texts_are_refused() {
        for value in [
            "",
            "u:p",
            r#"{"Username":"u"}"#,
            r#"{"username":"u","password":"p"}"#,
            r#"{"Username":"u","Password":"p","Key":"k"}"#,
            "<Credentials/>",
            "<DocuSignCredentials><User>u</User></DocuSignCredentials>",
            "<DocuSignCredentials><Username>u</Username>",
            "<DocuSignCredentials><Username><b>u</b></Username></DocuSignCredentials>",
            "<DocuSignCredentials><Username>&nothing;</Username></DocuSignCredentials>",
            "<!DOCTYPE x><DocuSignCredentials></DocuSignCredentials>",
        ] {
            assert_eq!(parts(value), None, "{value}");
        }
    }
}
