//! Which addresses a proxy sends browsers on to. Whoever can name another one gets other people's
//! codes, so an address is taken apart first, and the parts are compared one by one: what stands for
//! anything in a host never reaches beyond the host.
//!
//! Three kinds, told apart by their signs: a literal address; one with `**`; a regular expression
//! (whoever has one of `\ ^ $ * + ( ) [ ] { } |`). A pattern without a scheme means https.
//!
//! | Sign | in the host | behind it |
//! |---|---|---|
//! | `**` as whole labels | letters, digits, `-` and `.` | anything |
//! | `**` in a label | letters, digits and `-` | – |
//! | `.` of an expression | a dot; repeated, as above | any sign |

mod expression;

use bunsen_engine::suffixes;
use regex::bytes::{Regex, RegexBuilder};
use url::{Host, Url};

const LONGEST: usize = 500;
/// Bytes of a compiled expression at most.
const COMPILED: usize = 64 * 1024;
const EXPRESSION: &[char] = &['\\', '^', '$', '*', '+', '(', ')', '[', ']', '{', '}', '|'];
/// What may stand for anything in a host.
const LABELS: &str = "[a-z0-9.-]";
const LABEL: &str = "[a-z0-9-]*";
/// A pattern that fits hosts that nobody can have meant fits every host.
const NOBODYS: &[&str] = &[
    "q7x2v9k4m1",
    "a.q7x2v9k4m1",
    "xn--q7x2v9k4m1",
    "qxvkmzwjq",
    "qx",
];
const ENDINGS: &[&str] = &[
    "com", "net", "org", "info", "io", "dev", "app", "co", "me", "xyz", "example", "test", "co.uk",
];

#[derive(Debug)]
pub struct Pattern {
    https: bool,
    http: bool,
    /// Host, and the port where it is not the usual one.
    authority: Regex,
    /// Path and query.
    rest: Regex,
}

/// https, or http on this very machine, as an address that browsers and people read alike.
///
/// # Errors
/// What is wrong with it.
pub fn web_url(text: &str) -> Result<Url, &'static str> {
    // Browsers read these otherwise than people do.
    if text.contains(|sign: char| sign.is_control() || sign.is_whitespace() || sign == '\\') {
        return Err("must not contain blanks, control characters or backslashes.");
    }
    let url =
        Url::parse(text).map_err(|_| "must be a whole URL, as https://app.example.com/back.")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user name or password.");
    }
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err("must name a host."),
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback => Ok(url),
        _ => Err("must begin with https:// (http:// only for this machine)."),
    }
}

/// The same, as the state of a log-in page that a proxy is asked for.
///
/// # Errors
/// What is wrong with it.
pub fn application_url(text: &str) -> Result<Url, &'static str> {
    // Signs that look like others would make people read another host than browsers do.
    if !text.is_ascii() {
        return Err("must be of ASCII signs; write others as %XX, and hosts as xn--….");
    }
    let url = web_url(text)?;
    // `https://@host` has an empty one, which the parser drops.
    let authority = text.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("must not hold a user name or password.");
    }
    match url.fragment() {
        None => Ok(url),
        Some(_) => Err("must not have a fragment (#…)."),
    }
}

impl Pattern {
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("must not be empty.".into());
        }
        if text.len() > LONGEST {
            return Err(format!("is longer than {LONGEST} bytes."));
        }
        if !text.is_ascii() || text.contains(|sign: char| sign.is_control() || sign == ' ') {
            return Err("must be of visible ASCII signs; write other hosts as xn--….".into());
        }
        let is_wildcard = text.contains("**");
        let is_expression = !is_wildcard && text.contains(EXPRESSION);
        let pattern = if is_wildcard {
            Self::wildcard(text)?
        } else if is_expression {
            Self::expression(text)?
        } else {
            Self::literal(text)?
        };
        let (name, ports) = host_and_ports(text);
        let fits = |host: &str| {
            let with = |port: &str| {
                pattern
                    .authority
                    .is_match(format!("{host}{port}").as_bytes())
            };
            with("") || ports.iter().any(|port| with(port))
        };
        // Also one that fits whatever host somebody may have in `de`, `co.uk` or `github.io`.
        let own = fixed_end(&name);
        let own = Some(own.as_str()).filter(|own| suffixes::is_anybodys(own));
        let endings = || ENDINGS.iter().copied().chain(["", "q7x2v9k4m2"]).chain(own);
        let wide = NOBODYS.iter().any(|host| {
            endings().any(|ending| match ending.is_empty() {
                true => fits(host),
                false => fits(&format!("{host}.{ending}")),
            })
        });
        // A class of some letters fits none of those, and still the hosts of whoever wants one.
        let open = is_expression && own.is_some() && expression::is_open(&dots_are_dots(&name));
        match wide || open {
            true => Err("lets any host in; name the host, as https://app.example.com/**.".into()),
            false => Ok(pattern),
        }
    }

    fn literal(text: &str) -> Result<Self, String> {
        let whole = match text.contains("://") {
            true => text.to_owned(),
            false => format!("https://{text}"),
        };
        let url = application_url(&whole)?;
        Self::of(
            (url.scheme() == "https", url.scheme() == "http"),
            &regex::escape(&authority(&url)),
            &regex::escape(&rest(&url)),
        )
    }

    fn wildcard(text: &str) -> Result<Self, String> {
        let (schemes, text) = match text.split_once("://") {
            Some(("https", behind)) => ((true, false), behind),
            Some(("http", behind)) => ((false, true), behind),
            Some(_) => return Err("must begin with https:// or http://.".into()),
            None => ((true, false), text),
        };
        if text.contains('#') || text.contains('\\') {
            return Err("must not contain # or a backslash.".into());
        }
        let end = text.find(['/', '?']).unwrap_or(text.len());
        let (host, rest) = text.split_at(end);
        let host = host.to_ascii_lowercase();
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
                (name, format!(":{port}"))
            }
            Some(_) => return Err("has a port that is no number.".into()),
            None => (host.as_str(), String::new()),
        };
        let sign = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '-' | '*');
        if name.is_empty() || !name.chars().all(sign) || name.replace("**", "").contains('*') {
            return Err(
                "must name a host, in which ** stands for letters, digits and dashes.".into(),
            );
        }
        let labels: Vec<&str> = name.split('.').collect();
        // `com.` is `com` for a browser, and no name for the list of those that anybody has one below.
        if labels.iter().any(|label| label.is_empty()) {
            return Err("must name a host without a dot at its beginning or end.".into());
        }
        if labels.last().is_some_and(|last| last.contains('*')) {
            return Err(
                "must end its host with a name, not with **: https://app.example.com/**.".into(),
            );
        }
        let labels = labels
            .iter()
            .enumerate()
            .map(|(number, label)| match *label {
                // Whole labels, one or more, only in front.
                "**" if number == 0 => format!("{LABELS}+"),
                label => {
                    let parts: Vec<String> = label.split("**").map(regex::escape).collect();
                    parts.join(LABEL)
                }
            });
        let authority = labels.collect::<Vec<_>>().join("\\.") + &regex::escape(&port);
        let rest = match rest.strip_prefix('/') {
            Some(_) => rest.to_owned(),
            None => format!("/{rest}"),
        };
        let rest: Vec<String> = rest.split("**").map(regex::escape).collect();
        Self::of(schemes, &authority, &rest.join(".*"))
    }

    fn expression(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix('^').unwrap_or(text);
        let text = match text.strip_suffix('$') {
            Some(bare) if !bare.ends_with('\\') => bare,
            _ => text,
        };
        let (schemes, text) = match text.split_once("://") {
            Some(("https", behind)) => ((true, false), behind),
            Some(("http", behind)) => ((false, true), behind),
            Some((
                "https?" | "http(s)?" | "http(s?)" | "(http|https)" | "(https|http)",
                behind,
            )) => ((true, true), behind),
            Some(_) => return Err("must begin with https://, http:// or https?://.".into()),
            None => ((true, false), text),
        };
        let end = text.find('/').unwrap_or(text.len());
        let (host, rest) = text.split_at(end);
        let rest = if rest.is_empty() { "/" } else { rest };
        expression::check_parts(host)?;
        let bare = host.replace("(?:", "(");
        let behind = bare.split_once(':').map(|(_, port)| port);
        if behind.is_some_and(|port| {
            !port.starts_with([
                '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '\\', '[', '(',
            ])
        }) {
            return Err("has a port that is no number.".into());
        }
        // Or names could go on behind what was meant to be their end.
        let name = bare.split_once(':').map_or(bare.as_str(), |(name, _)| name);
        let label = |sign: char| sign.is_ascii_alphanumeric() || sign == '-';
        let before = name.trim_end_matches(label);
        if before.len() == name.len() || !(before.is_empty() || before.ends_with('.')) {
            return Err(
                "must end its host with a name as it is, as in https://.*\\.example\\.com/.*"
                    .into(),
            );
        }
        Self::of(schemes, &dots_are_dots(host), rest)
    }

    fn of((https, http): (bool, bool), authority: &str, rest: &str) -> Result<Self, String> {
        // Each side by itself, or parentheses could join what must stay apart.
        let compiled = |side: &str, part: &str| {
            let build = |text: &str| {
                RegexBuilder::new(text)
                    .unicode(false)
                    .size_limit(COMPILED)
                    .build()
            };
            build(part)
                .and_then(|_| build(&format!("^(?:{part})$")))
                .map_err(|_| {
                    format!("has {side} that is no regular expression, or too large a one.")
                })
        };
        Ok(Self {
            https,
            http,
            authority: compiled("a host", authority)?,
            rest: compiled("a path", rest)?,
        })
    }

    pub fn fits(&self, url: &Url) -> bool {
        let scheme = match url.scheme() {
            "https" => self.https,
            "http" => self.http,
            _ => false,
        };
        scheme
            && self.authority.is_match(authority(url).as_bytes())
            && self.rest.is_match(rest(url).as_bytes())
    }
}

/// The host of a pattern as it is written, and ports that it may let in.
fn host_and_ports(pattern: &str) -> (String, Vec<String>) {
    let behind = pattern.split_once("://").map_or(pattern, |(_, rest)| rest);
    // In an expression a question mark belongs to the host.
    let end = match pattern.contains("**") {
        true => behind.find(['/', '?']),
        false => behind.find('/'),
    };
    let host = end.map_or(behind, |end| &behind[..end]).replace("(?:", "(");
    let (name, port) = host.split_once(':').unwrap_or((&host, ""));
    let said = port.split(|sign: char| !sign.is_ascii_digit());
    let ports = said.filter(|port| !port.is_empty()).chain(["1", "8080"]);
    (
        name.trim_end_matches('$').to_ascii_lowercase(),
        ports.map(|port| format!(":{port}")).collect(),
    )
}

/// The labels at the end of a host that stand for themselves.
fn fixed_end(host: &str) -> String {
    let mut labels: Vec<&str> = Vec::new();
    // A dot of an expression has a backslash before it.
    for label in host.rsplit('.') {
        let label = match labels.is_empty() {
            true => label,
            false => label.trim_end_matches('\\'),
        };
        let literal = |sign: char| sign.is_ascii_alphanumeric() || sign == '-';
        if label.is_empty() || !label.chars().all(literal) {
            break;
        }
        labels.push(label);
    }
    labels.reverse();
    labels.join(".")
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn rest(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

/// `app.example.com` means these dots, also in an expression; one that is repeated stands for signs
/// of a host.
fn dots_are_dots(host: &str) -> String {
    let mut written = String::new();
    let mut signs = host.chars().peekable();
    let mut in_class = false;
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => {
                written.push(sign);
                written.extend(signs.next());
            }
            '.' if !in_class => {
                let repeated = matches!(signs.peek(), Some('*' | '+' | '?' | '{'));
                written.push_str(if repeated { LABELS } else { "\\." });
            }
            _ => {
                match sign {
                    '[' => in_class = true,
                    ']' => in_class = false,
                    _ => {}
                }
                written.push(sign);
            }
        }
    }
    written
}

#[cfg(test)]
mod tests;
