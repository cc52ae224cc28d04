//! What can be done to a value on its way into a vendor call. Every filter either gives text that
//! is safe in its place or refuses with a sentence for the person who typed the value.

use std::fmt;

use url::Url;

use super::SyntaxError;

/// `json`, `xml`, `url`, `host`, `site`, `label:.suffix`, `map:from=to,*=other`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// Inside a JSON string.
    Json,
    /// Inside XML text or an attribute.
    Xml,
    /// One segment of a path or one value of a query.
    Url,
    /// The host (and explicit port) of a URL, or a bare host.
    Host,
    /// A host with port and path, where a system may be installed in a folder; scheme and slashes
    /// at the end are dropped.
    Site,
    /// One DNS label: scheme, trailing slash and this suffix are dropped.
    Label(String),
    /// One text for another, letter case aside; the last may stand for all others.
    Map(Vec<(String, String)>),
}

/// On the left side of a map: everything else.
const ANY: &str = "*";

impl Filter {
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let wrong = |column: usize, message: String| Err(SyntaxError { column, message });
        match text.split_once(':') {
            None => match text {
                "json" => Ok(Self::Json),
                "xml" => Ok(Self::Xml),
                "url" => Ok(Self::Url),
                "host" => Ok(Self::Host),
                "site" => Ok(Self::Site),
                "label" => wrong(
                    1,
                    "label needs the suffix it drops, as in label:.vendor.example".into(),
                ),
                other => wrong(
                    1,
                    format!(
                        "unknown filter {other:?}; one of json, xml, url, host, site, label:.suffix, map:from=to"
                    ),
                ),
            },
            Some(("label", suffix)) => {
                let labels = suffix.strip_prefix('.').unwrap_or_default();
                let fine = labels.split('.').all(is_label);
                if fine {
                    Ok(Self::Label(suffix.to_ascii_lowercase()))
                } else {
                    wrong(
                        "label:".len() + 1,
                        format!("{suffix:?} is not a suffix; write it as .vendor.example"),
                    )
                }
            }
            Some(("map", pairs)) => match map(pairs) {
                Some(pairs) => Ok(Self::Map(pairs)),
                None => wrong(
                    "map:".len() + 1,
                    format!("{pairs:?} is no map; write it as from=to,other=to,*=to"),
                ),
            },
            Some((name, _)) => wrong(1, format!("the filter {name:?} takes no argument")),
        }
    }

    /// `Err` is a sentence about the value that does not repeat it.
    pub fn apply(&self, value: &str) -> Result<String, String> {
        match self {
            Self::Json => Ok(json_escape(value)),
            Self::Xml => Ok(xml_escape(value)),
            Self::Url => Ok(percent_encode(value)),
            Self::Host => host(value),
            Self::Site => site(value),
            Self::Label(suffix) => label(value, suffix),
            Self::Map(pairs) => mapped(value, pairs),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json => f.write_str("json"),
            Self::Xml => f.write_str("xml"),
            Self::Url => f.write_str("url"),
            Self::Host => f.write_str("host"),
            Self::Site => f.write_str("site"),
            Self::Label(suffix) => write!(f, "label:{suffix}"),
            Self::Map(pairs) => {
                let pairs: Vec<String> = pairs.iter().map(|(a, b)| format!("{a}={b}")).collect();
                write!(f, "map:{}", pairs.join(","))
            }
        }
    }
}

/// A DNS label as vendors hand them out: some hold an underscore.
pub(crate) fn is_label(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|other| other.is_ascii_alphanumeric() || matches!(other, '-' | '_'))
}

fn map(text: &str) -> Option<Vec<(String, String)>> {
    let plain = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
    };
    let pair = |text: &str| {
        let (from, to) = text.split_once('=')?;
        let fine = (plain(from) || from == ANY) && plain(to);
        fine.then(|| (from.to_ascii_lowercase(), to.to_owned()))
    };
    text.split(',').map(pair).collect()
}

fn mapped(value: &str, pairs: &[(String, String)]) -> Result<String, String> {
    let value = value.trim();
    let found = pairs
        .iter()
        .find(|(from, _)| from == ANY || from.eq_ignore_ascii_case(value));
    match found {
        Some((_, to)) => Ok(to.clone()),
        None => {
            let known: Vec<&str> = pairs.iter().map(|(from, _)| from.as_str()).collect();
            Err(format!("must be one of {}", known.join(", ")))
        }
    }
}

fn label(value: &str, suffix: &str) -> Result<String, String> {
    let refused = || {
        format!(
            "must be one name (acme), acme{suffix} or https://acme{suffix}, without user, port or path"
        )
    };
    let lower = value.trim().to_ascii_lowercase();
    let bare = lower
        .strip_prefix("https://")
        .or_else(|| lower.strip_prefix("http://"))
        .unwrap_or(&lower);
    let bare = bare.strip_suffix('/').unwrap_or(bare);
    let bare = bare.strip_suffix(suffix).unwrap_or(bare);
    // What the URL parser would rewrite (an `xn--` label that is no punycode) is no name either.
    let whole = format!("{bare}{suffix}");
    if is_label(bare) && url::Host::parse(&whole).is_ok_and(|host| host.to_string() == whole) {
        Ok(bare.to_owned())
    } else {
        Err(refused())
    }
}

fn host(value: &str) -> Result<String, String> {
    let refused =
        || "must be a host name or an https URL, without user name or password".to_owned();
    let trimmed = value.trim();
    if trimmed.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err(refused());
    }
    let text = if trimmed.contains("://") {
        trimmed.to_owned()
    } else {
        format!("https://{trimmed}")
    };
    let parsed = Url::parse(&text).map_err(|_| refused())?;
    let plain = matches!(parsed.scheme(), "https" | "http")
        && parsed.username().is_empty()
        && parsed.password().is_none()
        && !text.contains('@');
    match (plain, parsed.host_str(), parsed.port()) {
        (true, Some(host), None) => Ok(host.to_owned()),
        (true, Some(host), Some(port)) => Ok(format!("{host}:{port}")),
        _ => Err(refused()),
    }
}

fn site(value: &str) -> Result<String, String> {
    let bare = value.trim();
    let bare = bare.split_once("://").map_or(bare, |(_, rest)| rest);
    let refused =
        || "must be a host name, or one with a path of plain names, without query".to_owned();
    if bare.contains(['?', '#']) {
        return Err(refused());
    }
    let path = bare.split_once('/').map_or("", |(_, path)| path);
    let path = path.trim_end_matches('/');
    let plain = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && segment.bytes().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
            })
    };
    if !path.is_empty() && !path.split('/').all(plain) {
        return Err(refused());
    }
    let host = host(value)?;
    Ok(if path.is_empty() {
        host
    } else {
        format!("{host}/{path}")
    })
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
pub fn percent_encode(value: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// In ASCII alone, because JSON also stands in headers, where nothing else is safe.
fn json_escape(value: &str) -> String {
    use std::fmt::Write as _;
    let quoted = serde_json::Value::from(value).to_string();
    let text = quoted
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or_default();
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii() && character != '\u{7f}' {
            escaped.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "\\u{unit:04x}");
        }
    }
    escaped
}

/// XML 1.0 has no form at all for most control characters, so those are left out.
fn xml_escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' => escaped.push_str("&#9;"),
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            '\u{FFFE}' | '\u{FFFF}' => {}
            other if other < ' ' => {}
            other => escaped.push(other),
        }
    }
    escaped
}
