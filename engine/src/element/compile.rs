//! From the definition as written to the element as checked. Every mistake is noted with its
//! place; what is missing or of the wrong type has been reported by the JSON Schema already and
//! is passed over here.

mod budget;
pub(super) mod chain;
mod hosts;
mod oauth;
mod objects;
mod parameter;
mod people;
mod record;
mod resource;
mod shape;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::catalog::Mistake;
use super::definition::{
    AuthenticateWords, DefaultValue, ElementDefinition, EntryDefinition, GroupWords, RefreshWords,
};
use super::documents::Documents;
use super::hook;
use super::platform;
use super::{Authentication, Element, Entry, Group, Refresh, Retired, Reuse, Signature};
use crate::configuration::{AUTHENTICATION_TYPE, GENERATED_LIMIT, RANDOM_BYTES, is_secret_key};
use crate::ids::{ElementId, EntryId};
use crate::language::{AnswerPath, Filter, Placeholders, SyntaxError, Template};

/// Collects the mistakes of one file and knows what references may refer to.
pub(super) struct Checker<'a> {
    file: &'a str,
    shipped: bool,
    pub mistakes: Vec<Mistake>,
    keys: BTreeSet<String>,
    /// Those of the keys whose values are sealed.
    secrets: BTreeSet<String>,
    groups: Vec<String>,
}

impl<'a> Checker<'a> {
    pub fn new(file: &'a str, shipped: bool) -> Self {
        Self {
            file,
            shipped,
            mistakes: Vec::new(),
            keys: BTreeSet::new(),
            secrets: BTreeSet::new(),
            groups: Vec::new(),
        }
    }

    fn wrong(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.mistakes.push(Mistake {
            file: self.file.to_owned(),
            place: place.into(),
            message: message.into(),
        });
    }

    /// The parsed text, or a noted mistake.
    fn parsed<T>(&mut self, place: &str, parsed: Result<T, SyntaxError>) -> Option<T> {
        parsed
            .map_err(|error| self.wrong(place, error.to_string()))
            .ok()
    }

    fn known_key(&mut self, place: &str, column: Option<usize>, key: &str) {
        if !self.keys.contains(key) && !platform::has_key(key) {
            let column = column.map_or(String::new(), |column| format!("column {column}: "));
            self.wrong(place, format!("{column}no configuration entry {key:?}"));
        }
    }

    fn template(&mut self, place: &str, text: &str) -> Option<Template> {
        let template = self.parsed(place, Template::parse(text))?;
        for (key, column) in template.keys() {
            self.known_key(place, Some(column), key);
        }
        Some(template)
    }

    fn answer_path(&mut self, place: &str, text: &str) -> Option<AnswerPath> {
        let path = self.parsed(place, AnswerPath::parse(text))?;
        for (key, column) in path.keys() {
            self.known_key(place, Some(column), key);
        }
        Some(path)
    }

    fn fill(&mut self, place: &str, text: Option<&str>) -> Option<Filter> {
        let place = format!("{place}.bunsen.fill");
        let filter = self.parsed(&place, Filter::parse(text?))?;
        if matches!(
            filter,
            Filter::Host | Filter::Site | Filter::Label(_) | Filter::Map(_)
        ) {
            return Some(filter);
        }
        let message = "only host, site, label:.suffix and map:from=to can fill a mark";
        self.wrong(place, message);
        None
    }

    fn group(&mut self, place: &str, name: &str) {
        if !self.groups.iter().any(|group| group == name) {
            let known = self.groups.join(", ");
            self.wrong(place, format!("unknown group {name:?}; one of {known}"));
        }
    }
}

/// `None` when there is not even a key; the mistakes tell.
pub(super) fn compile(
    definition: &ElementDefinition,
    original: &Map<String, Value>,
    checker: &mut Checker<'_>,
) -> Option<Element> {
    let key = definition.key.clone()?;
    let common = platform::missing_entries(original);
    let definition = &definition.with_entries(&common);
    let folder = format!("elements/{key}/element.json");
    if checker.shipped && checker.file != folder {
        checker.wrong("key", format!("{key:?} belongs into {folder}"));
    }
    checker.keys = definition
        .configuration
        .0
        .iter()
        .filter_map(|entry| entry.key.clone())
        .collect();
    checker.secrets = definition
        .configuration
        .0
        .iter()
        .filter(|entry| {
            let named = entry.key.as_deref().is_some_and(is_secret_key);
            named || entry.kind.as_deref() == Some("PASSWORD")
        })
        .filter_map(|entry| entry.key.clone())
        .collect();
    let groups = groups(definition, checker);
    let entries = entries(definition, checker);
    let hosts = hosts::hosts(definition, checker);
    let apart = hosts::apart(definition, checker);
    for (index, name) in definition.bunsen.session.iter().enumerate() {
        checker.known_key(&format!("bunsen.session[{index}]"), None, name);
    }
    let parameters = parameter::parameters(&definition.parameters.0, "parameters", true, checker);
    let mut above = definition.parameters.0.iter();
    if checker.shipped && above.any(|parameter| parameter.source.as_deref() == Some("response")) {
        let message = "what is read from an answer belongs to the resource that gives it";
        checker.wrong("parameters", message);
    }
    let mut resources = resource::resources(definition, &parameters, &hosts, checker);
    oauth::complete(definition, &groups, &mut resources);
    let objects = objects::objects(definition, &resources, checker);
    let faults = resource::faults(&definition.bunsen.fault.0, "bunsen.fault", checker);
    let mut element = Element {
        id: ElementId(definition.id.unwrap_or_default()),
        name: definition.name.clone().unwrap_or_else(|| key.clone()),
        hub: definition
            .hub
            .as_deref()
            .unwrap_or("general")
            .to_lowercase(),
        active: definition.active.unwrap_or(true),
        key,
        groups,
        entries,
        hosts,
        apart,
        parameters,
        resources,
        hooks: hook::hooks(&definition.hooks.0),
        objects,
        passing: resource::passing(),
        faults,
        refresh: definition.bunsen.refresh.as_ref().map(refresh),
        session: definition.bunsen.session.clone(),
        budgets: budget::budgets(definition, checker),
        unsupported: Vec::new(),
        documents: Documents::of(original, common),
    };
    let resources = element.resources.iter();
    let unsent = resources.map(|one| Element::unsent_by(element.object_of(one), &one.method));
    let unsent: Vec<_> = unsent.collect();
    for (resource, unsent) in element.resources.iter_mut().zip(unsent) {
        resource.shape.unsent = unsent;
    }
    Some(element)
}

fn refresh(words: &RefreshWords) -> Refresh {
    Refresh {
        // A minute covers a slow call and clocks that differ a little.
        margin: words.margin.unwrap_or(60),
        reuse: match words.reuse.as_deref() {
            Some("safe") => Reuse::Safe,
            Some("grace") => Reuse::Grace,
            // The careful reading of what the schema refuses anyway.
            _ => Reuse::Fatal,
        },
    }
}

/// `bunsen.groups`, else the options of the COMBO, else the one way that the element's own
/// authentication type names.
fn groups(definition: &ElementDefinition, checker: &mut Checker<'_>) -> Vec<Group> {
    let entries = &definition.configuration.0;
    let combo = entries
        .iter()
        .enumerate()
        .find(|(_, entry)| entry.group_control);
    let kind = definition.authentication.kind.as_deref();
    let plain = |name: &str, title: &str| {
        let oauth = oauth::of_platform(name, definition);
        let authentication = match &oauth {
            Some(oauth) => oauth::authentication_of_platform(oauth, definition),
            None => (kind == Some("basic")).then(basic_of_platform).flatten(),
        };
        Group {
            name: name.to_owned(),
            title: title.to_owned(),
            authentication,
            soap_header: None,
            today: false,
            retired: None,
            oauth,
            refresh: None,
        }
    };
    let words = &definition.bunsen.groups.0;
    let mut groups: Vec<Group> = if words.is_empty() {
        let options = combo.map(|(_, entry)| entry.options.0.as_slice());
        options
            .unwrap_or_default()
            .iter()
            .filter_map(|option| {
                let value = option.value.as_deref()?;
                Some(plain(value, option.description.as_deref().unwrap_or(value)))
            })
            .collect()
    } else {
        let names = words.iter().map(|group| group.name.clone());
        checker.groups = names.map(Option::unwrap_or_default).collect();
        let numbered = words.iter().enumerate();
        numbered
            .map(|(index, words)| group(index, words, checker))
            .collect()
    };
    if groups.is_empty() {
        let name = kind.unwrap_or("custom");
        groups.push(plain(name, name));
    }
    if words.is_empty() {
        // The platform's founding choice is the COMBO's default.
        let default = combo.map(|(_, entry)| &entry.default_value);
        if let Some(DefaultValue::Text(default)) = default {
            groups.sort_by_key(|group| group.name != *default);
        }
        checker.groups = groups.iter().map(|group| group.name.clone()).collect();
    }
    check_combo(combo, checker);
    groups
}

fn basic_of_platform() -> Option<Authentication> {
    Some(Authentication::Basic {
        username: Template::parse("{config.username}").ok()?,
        password: Template::parse("{config.password}").ok()?,
    })
}

fn group(index: usize, words: &GroupWords, checker: &mut Checker<'_>) -> Group {
    let place = format!("bunsen.groups[{index}]");
    let name = words.name.clone().unwrap_or_default();
    if checker
        .groups
        .iter()
        .filter(|other| **other == name)
        .count()
        > 1
    {
        checker.wrong(
            format!("{place}.name"),
            format!("{name:?} is declared twice"),
        );
    }
    let authentication = words
        .authenticate
        .as_ref()
        .and_then(|words| authentication(words, &format!("{place}.authenticate"), checker));
    let soap_header = words
        .soap_header
        .as_deref()
        .and_then(|text| checker.template(&format!("{place}.soapHeader"), text));
    let retired = words.retired.as_ref().map(|words| {
        if let Some(instead) = &words.instead {
            let place = format!("{place}.retired.instead");
            checker.group(&place, instead);
            if *instead == name {
                checker.wrong(place, "a group cannot stand in for itself");
            }
        }
        Retired {
            date: words.date.clone(),
            instead: words.instead.clone(),
        }
    });
    Group {
        title: words.title.clone().unwrap_or_else(|| name.clone()),
        name,
        authentication,
        soap_header,
        today: words.today,
        retired,
        oauth: oauth::oauth(words, &place, checker),
        refresh: words.refresh.as_ref().map(refresh),
    }
}

fn authentication(
    words: &AuthenticateWords,
    place: &str,
    checker: &mut Checker<'_>,
) -> Option<Authentication> {
    if let Some(basic) = &words.basic {
        let mut part = |member: &str, text: &Option<String>| {
            checker.template(&format!("{place}.basic.{member}"), text.as_deref()?)
        };
        let username = part("username", &basic.username);
        let password = part("password", &basic.password);
        return Some(Authentication::Basic {
            username: username?,
            password: password?,
        });
    }
    if let Some(signature) = &words.oauth1 {
        return Some(Authentication::OAuth1(match signature.as_str() {
            "PLAINTEXT" => Signature::Plaintext,
            "HMAC-SHA256" => Signature::HmacSha256,
            _ => Signature::HmacSha1,
        }));
    }
    let mut headers = Vec::new();
    for (name, text) in &words.headers {
        let place = format!("{place}.headers.{name}");
        let template = checker.template(&place, text);
        let header = parameter::header(name, &place, checker);
        headers.extend(header.zip(template));
    }
    (!headers.is_empty()).then_some(Authentication::Headers(headers))
}

/// Several groups need the platform's own COMBO, and it lists exactly them.
fn check_combo(combo: Option<(usize, &EntryDefinition)>, checker: &mut Checker<'_>) {
    let Some((index, entry)) = combo else {
        if checker.groups.len() > 1 {
            let message = format!(
                "several groups need an entry {AUTHENTICATION_TYPE:?} of type COMBO with groupControl"
            );
            checker.wrong("bunsen.groups", message);
        }
        return;
    };
    let place = format!("configuration[{index}]");
    if entry.key.as_deref() != Some(AUTHENTICATION_TYPE) {
        let message = format!("the entry with groupControl must be {AUTHENTICATION_TYPE:?}");
        checker.wrong(format!("{place}.key"), message);
    }
    let options: BTreeSet<&str> = entry
        .options
        .0
        .iter()
        .filter_map(|o| o.value.as_deref())
        .collect();
    let groups: BTreeSet<&str> = checker.groups.iter().map(String::as_str).collect();
    if options != groups {
        let message = format!("must list the groups: {}", checker.groups.join(", "));
        checker.wrong(format!("{place}.options"), message);
    }
    if let DefaultValue::Text(default) = &entry.default_value
        && checker.groups.first() != Some(default)
    {
        let message = "must be the founding group, the first of bunsen.groups";
        checker.wrong(format!("{place}.defaultValue"), message);
    }
}

fn entries(definition: &ElementDefinition, checker: &mut Checker<'_>) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut seen = BTreeSet::new();
    let whole_hosts = match checker.shipped {
        true => BTreeSet::new(),
        false => hosts::whole_hosts(definition),
    };
    for (index, written) in definition.configuration.0.iter().enumerate() {
        let place = format!("configuration[{index}]");
        let Some(key) = written.key.clone() else {
            continue;
        };
        if !seen.insert(key.clone()) {
            checker.wrong(format!("{place}.key"), format!("{key:?} occurs twice"));
        }
        if let Some(name) = &written.group_name {
            checker.group(&format!("{place}.groupName"), name);
        }
        let default = match &written.default_value {
            // An empty default is the platform's other way to say none.
            DefaultValue::Text(text) if !text.is_empty() => Some(text.clone()),
            _ => None,
        };
        if let Some(default) = &default {
            check_default(&format!("{place}.defaultValue"), default, checker);
        }
        let kind = written.kind.clone().unwrap_or_default();
        entries.push(Entry {
            id: EntryId(written.id.unwrap_or_default()),
            name: written.name.clone().unwrap_or_else(|| key.clone()),
            description: written.description.clone(),
            default,
            required: written.required,
            active: written.active.unwrap_or(true),
            internal: written.internal,
            hide_from_console: written.hide_from_console,
            group: written.group_name.clone(),
            group_control: written.group_control,
            secret: kind == "PASSWORD" || is_secret_key(&key),
            display_order: written.display_order.unwrap_or(i64::MAX),
            fill: checker
                .fill(&place, written.bunsen.fill.as_deref())
                .or_else(|| whole_hosts.contains(&key).then_some(Filter::Site)),
            shown_empty: written.default_value == DefaultValue::Null,
            generated: generated(&place, written.bunsen.generate.as_deref(), checker),
            options: people::options(written),
            ask: people::ask(written, &place, checker),
            account: written.bunsen.account,
            kind,
            key,
        });
    }
    let characters: usize = entries.iter().filter_map(|entry| entry.generated).sum();
    if characters > RANDOM_BYTES / 2 {
        let message = format!("generates more than {} characters", RANDOM_BYTES / 2);
        checker.wrong("configuration", message);
    }
    if !seen.contains("base.url") {
        checker.wrong("configuration", "the entry \"base.url\" is missing");
    }
    entries
}

/// `alphanumeric:16`: so many letters and digits. Fewer than 8 would meet again by chance.
fn generated(place: &str, text: Option<&str>, checker: &mut Checker<'_>) -> Option<usize> {
    let number = text?.strip_prefix("alphanumeric:");
    let number = number.and_then(|number| number.parse().ok());
    let fine = number.filter(|number| (8..=GENERATED_LIMIT).contains(number));
    if fine.is_none() {
        let message = format!("must be alphanumeric:8 to alphanumeric:{GENERATED_LIMIT}");
        checker.wrong(format!("{place}.bunsen.generate"), message);
    }
    fine
}

fn is_url(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

fn check_default(place: &str, default: &str, checker: &mut Checker<'_>) {
    let placeholders = if is_url(default) {
        if default.starts_with("http://") {
            checker.wrong(place, "vendors are called over https only");
        }
        checker.parsed(place, Placeholders::parse_url(default))
    } else {
        Some(Placeholders::parse_text(default))
    };
    for (key, column) in placeholders.iter().flat_map(Placeholders::keys) {
        checker.known_key(place, Some(column), key);
    }
}
