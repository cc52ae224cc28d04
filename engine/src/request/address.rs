//! The URL of a call. What a value may contain depends on where in the URL it stands.

use url::Url;

use super::{BuildError, Call};
use crate::element::{HostRule, Parameter, Source, Target};
use crate::language::{Filter, PlaceholderPart, Placeholders, is_label, percent_encode};

/// Defaults may refer to each other this deep.
const DEFAULT_DEPTH: usize = 4;

const BASE_URL: &str = "base.url";

/// Bytes of an instance's own base URL, and of a whole URL, at most.
const BASE_URL_LIMIT: usize = 2048;
const URL_LIMIT: usize = 8192;

/// Where the next character of a URL stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    Start,
    Host,
    Path,
    Query,
}

/// A URL that is being written, and which entries had a say in its host.
struct Address<'c, 'a> {
    call: &'c Call<'a>,
    text: String,
    host_keys: Vec<String>,
}

pub(super) fn build(call: &Call<'_>) -> Result<Url, BuildError> {
    let mut address = Address {
        call,
        text: String::new(),
        host_keys: Vec::new(),
    };
    let vendor_path = &call.resource.vendor_path;
    let absolute = match vendor_path.parts().first() {
        Some(PlaceholderPart::Text(text)) => text.starts_with("https://"),
        Some(PlaceholderPart::Key { .. }) => true,
        None => false,
    };
    if !absolute {
        address.push_base()?;
    }
    address.push_all(vendor_path, 0)?;
    address.push_query_parameters()?;
    address.finish()
}

/// The instance's base URL, without a slash at its end.
pub(super) fn base(call: &Call<'_>) -> Result<Url, BuildError> {
    let mut address = Address {
        call,
        text: String::new(),
        host_keys: Vec::new(),
    };
    address.push_base()?;
    address.finish()
}

/// Of `base.url`, when it can be resolved and leads somewhere.
pub(super) fn own_host(call: &Call<'_>) -> Option<(String, u16)> {
    let mut address = Address {
        call,
        text: String::new(),
        host_keys: Vec::new(),
    };
    address.push_key(BASE_URL, None, 0).ok()?;
    host_and_port(&Url::parse(&address.text).ok()?)
}

pub fn host_and_port(url: &Url) -> Option<(String, u16)> {
    Some((url.host_str()?.to_owned(), url.port_or_known_default()?))
}

fn entry(key: &str, message: impl Into<String>) -> BuildError {
    BuildError::Entry {
        key: key.to_owned(),
        message: message.into(),
    }
}

/// The text of `key`'s own default with its marks filled, wherever it will stand; `None` when
/// `text` is not that default, so that a caller's braces are never looked at.
pub(super) fn filled_default(
    call: &Call<'_>,
    key: &str,
    text: &str,
    depth: usize,
) -> Option<String> {
    let own = call.element.entry(key)?;
    if own.default.as_deref() != Some(text) || depth > DEFAULT_DEPTH {
        return None;
    }
    let mut filled = String::new();
    for part in Placeholders::parse_text(text).parts() {
        match part {
            PlaceholderPart::Text(text) => filled.push_str(text),
            PlaceholderPart::Key { key, .. } => {
                let value = call.values.get(key)?.reveal();
                let fill = call
                    .element
                    .entry(key)
                    .and_then(|entry| entry.fill.as_ref());
                filled.push_str(&match fill {
                    Some(fill) => fill.apply(value).ok()?,
                    None => filled_default(call, key, value, depth + 1)
                        .unwrap_or_else(|| value.to_owned()),
                });
            }
        }
    }
    Some(filled)
}

impl Address<'_, '_> {
    fn push_base(&mut self) -> Result<(), BuildError> {
        self.push_key(BASE_URL, None, 0)?;
        if self.position() == Position::Query {
            return Err(entry(BASE_URL, "must not contain a query"));
        }
        while self.text.ends_with('/') {
            self.text.pop();
        }
        Ok(())
    }

    fn position(&self) -> Position {
        match self.text.split_once("://") {
            None => Position::Start,
            Some((_, rest)) if rest.contains('?') => Position::Query,
            Some((_, rest)) if rest.contains('/') => Position::Path,
            Some(_) => Position::Host,
        }
    }

    fn push_all(&mut self, placeholders: &Placeholders, depth: usize) -> Result<(), BuildError> {
        for part in placeholders.parts() {
            match part {
                PlaceholderPart::Text(text) => self.text.push_str(text),
                PlaceholderPart::Key { key, .. } => self.push_mark(key, depth)?,
            }
        }
        Ok(())
    }

    /// `{name}`: a path parameter of that name, else the configuration key.
    fn push_mark(&mut self, name: &str, depth: usize) -> Result<(), BuildError> {
        let call = self.call;
        let is_bound =
            |parameter: &&Parameter| matches!(&parameter.target, Target::Path(n) if n == name);
        // The resource's own parameter comes last and wins.
        let Some(parameter) = call.parameters().filter(is_bound).last() else {
            return self.push_key(name, None, depth);
        };
        if let Source::Configuration(key) = &parameter.source {
            return self.push_key(key, parameter.fill.as_ref(), depth);
        }
        let Some(resolved) = call.resolve(parameter, |text| Ok(text.to_owned()))? else {
            return Err(BuildError::Definition(format!(
                "The step {} has no value for {{{name}}}.",
                call.resource.step()
            )));
        };
        let filled = match &parameter.fill {
            Some(fill) => fill.apply(&resolved.text()),
            None => Ok(resolved.text()),
        };
        filled
            .and_then(|text| self.push_value(&text, parameter.fill.as_ref()))
            .map_err(|message| resolved.refused(parameter, message))
    }

    fn push_key(
        &mut self,
        key: &str,
        fill: Option<&Filter>,
        depth: usize,
    ) -> Result<(), BuildError> {
        let call = self.call;
        let Some(value) = call.values.get(key) else {
            return Err(entry(
                key,
                format!("is needed for {}", call.resource.step()),
            ));
        };
        let own = call.element.entry(key);
        let is_default = own.is_some_and(|own| own.default.as_deref() == Some(value.reveal()));
        let at = self.position();
        if at == Position::Start {
            self.host_keys.push(key.to_owned());
            let text = value.reveal();
            if depth > DEFAULT_DEPTH {
                return Err(BuildError::Definition(format!(
                    "the default of {key} refers to itself"
                )));
            }
            return if is_default || key == BASE_URL {
                self.push_url_template(key, text, is_default, depth)
            } else {
                self.push_whole_url(text)
                    .map_err(|message| entry(key, message))
            };
        }
        if at == Position::Host {
            self.host_keys.push(key.to_owned());
        }
        let fill = fill.or_else(|| own.and_then(|own| own.fill.as_ref()));
        let own = own.and_then(|own| own.fill.as_ref());
        let filled = match (fill, own) {
            // A map says what the entry's own form becomes here.
            (Some(map @ Filter::Map(_)), Some(own)) if map != own => {
                own.apply(value.reveal()).and_then(|text| map.apply(&text))
            }
            (Some(fill), _) => fill.apply(value.reveal()),
            (None, _) => Ok(call.filled_text(key, value.reveal())),
        };
        filled
            .and_then(|text| self.push_value(&text, fill))
            .map_err(|message| entry(key, message))
    }

    /// A default, or an instance's own base URL. The latter may use marks too (it is shown with
    /// them, and sent back), but not to carry a secret somewhere.
    fn push_url_template(
        &mut self,
        key: &str,
        text: &str,
        is_default: bool,
        depth: usize,
    ) -> Result<(), BuildError> {
        let placeholders =
            Placeholders::parse_url(text).map_err(|error| entry(key, error.to_string()))?;
        if is_default {
            return self.push_all(&placeholders, depth + 1);
        }
        if text.len() > BASE_URL_LIMIT {
            let message = format!("must not be longer than {BASE_URL_LIMIT} bytes");
            return Err(entry(key, message));
        }
        let own = self.call.element.entry(key);
        let default = own.and_then(|own| own.default.as_deref());
        let default = Placeholders::parse_url(default.unwrap_or_default()).unwrap_or_default();
        for (used, _) in placeholders.keys() {
            let known = default.keys().any(|(known, _)| known == used) && used != key;
            if !known || self.call.element.is_secret(used) {
                return Err(entry(key, format!("must not use {{{used}}}")));
            }
        }
        check_plain(text).map_err(|message| entry(key, message))?;
        self.push_all(&placeholders, depth + 1)
    }

    fn push_whole_url(&mut self, text: &str) -> Result<(), String> {
        check_plain(text)?;
        self.text.push_str(text.trim_end_matches('/'));
        Ok(())
    }

    fn push_value(&mut self, text: &str, fill: Option<&Filter>) -> Result<(), String> {
        if self.text.len() + text.len() > URL_LIMIT {
            return Err(format!("makes the URL longer than {URL_LIMIT} bytes"));
        }
        match self.position() {
            Position::Start => return Err("must be an https URL".to_owned()),
            Position::Host => {
                if matches!(fill, Some(Filter::Host | Filter::Site)) {
                    // Both have made the host canonical; the path of a site keeps its case.
                    self.text.push_str(text);
                    return Ok(());
                }
                if !is_label(text) {
                    return Err("must be one name of a host: letters, digits, - and _".to_owned());
                }
                self.text.push_str(&text.to_ascii_lowercase());
            }
            Position::Path => {
                if matches!(text, "." | "..") || text.is_empty() {
                    return Err("must name something in the URL's path".to_owned());
                }
                self.text.push_str(&percent_encode(text));
            }
            Position::Query => self.text.push_str(&percent_encode(text)),
        }
        Ok(())
    }

    fn push_query_parameters(&mut self) -> Result<(), BuildError> {
        let mut pairs: Vec<(&str, String)> = Vec::new();
        for parameter in self.call.parameters() {
            let Target::Query(name) = &parameter.target else {
                continue;
            };
            if let Some(resolved) = self.call.resolve(parameter, |text| Ok(text.to_owned()))? {
                pairs.retain(|(other, _)| other != name);
                pairs.push((name, resolved.text()));
            }
        }
        // Conditions and order come last, and win over what a definition sends by default.
        for (name, value) in self
            .call
            .caller
            .into_iter()
            .flat_map(|caller| &caller.pushed)
        {
            pairs.retain(|(other, _)| other != name);
            pairs.push((name, value.clone()));
        }
        if !pairs.is_empty() && self.position() == Position::Host {
            self.text.push('/');
        }
        for (name, value) in pairs {
            let separator = match self.position() {
                Position::Query if self.text.ends_with(['?', '&']) => "",
                Position::Query => "&",
                _ => "?",
            };
            self.text.push_str(separator);
            self.text.push_str(&percent_encode(name));
            self.text.push('=');
            self.text.push_str(&percent_encode(&value));
        }
        Ok(())
    }

    /// The last word on every URL, however it came about.
    fn finish(self) -> Result<Url, BuildError> {
        let blamed = self.blamed();
        let refused = |message: &str| match &blamed {
            Some(key) => entry(key, message),
            None => BuildError::Definition(format!(
                "The step {} has an unusable URL: {message}.",
                self.call.resource.step()
            )),
        };
        let url = Url::parse(&self.text).map_err(|_| refused("does not make a URL"))?;
        if url.scheme() != "https" {
            return Err(refused("must be an https URL"));
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(refused("must not hold user name, password or fragment"));
        }
        let hosts = &self.call.element.hosts;
        if matches!(hosts, HostRule::Suffixes(_)) && url.port().is_some() {
            return Err(refused("must not name a port"));
        }
        if !url.host_str().is_some_and(|host| hosts.allows(host)) {
            return Err(refused("is not a host of this vendor"));
        }
        // Where every public host is allowed, what came from outside still leads to one only.
        if matches!(hosts, HostRule::Public) && blamed.is_some() {
            let own = own_host(self.call);
            if own.is_some() && own != host_and_port(&url) {
                return Err(refused("is not the host of this instance's base.url"));
            }
        }
        // Dots that would climb out of the path are resolved by the parser, and seen here.
        let written = self.text.split_once("://").map_or("", |(_, rest)| rest);
        let path = written
            .find('/')
            .and_then(|at| written.get(at..))
            .unwrap_or("/");
        let path = path.split('?').next().unwrap_or_default();
        if url.path() != path {
            return Err(refused("does not make a plain path"));
        }
        Ok(url)
    }

    /// The entry that decided on the host: the last one that differs from its default.
    fn blamed(&self) -> Option<String> {
        let given = |key: &&String| {
            let value = self.call.values.get(*key).map(|value| value.reveal());
            let default = self
                .call
                .element
                .entry(key)
                .and_then(|entry| entry.default.as_deref());
            value.is_some() && value != default
        };
        self.host_keys.iter().rev().find(given).cloned()
    }
}

/// An absolute https URL of a caller or vendor, before the whole is judged.
fn check_plain(text: &str) -> Result<(), String> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '\\' | '?' | '#' | '@');
    if text.starts_with("https://") && !text.contains(odd) {
        Ok(())
    } else {
        Err("must be an https URL without user name, query and fragment".to_owned())
    }
}
