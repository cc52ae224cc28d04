//! An element as checked: templates, paths, kinds and references resolved once, when definitions
//! are loaded. Everything that runs works on this form only.
//!
//! `definition` is the platform's model as written, `compile` makes this form
//! of it, [`catalog`] holds all elements.

mod assign;
mod budget;
pub mod catalog;
mod compile;
mod definition;
mod documents;
pub mod handed;
mod hook;
mod hosts;
pub mod oauth;
pub mod objects;
pub mod people;
pub(crate) mod platform;
mod schema;
pub mod shape;
#[cfg(test)]
pub(crate) mod tests;
mod text;
mod unsupported;

pub use assign::assign_ids;
pub use budget::{Budget, Counted, Kind, Weights};
pub use catalog::{Catalog, Mistake, SourceFile};
pub use handed::{BUILT_IN, Handed, HandedTo};
pub use hook::{Hook, HookKind};
pub use hosts::HostRule;
pub use oauth::{Assertion, ClientAuthentication, Grant, Login, OAuth, Renewal, Signature, Start};
pub use people::{ACCOUNT_ID, Ask, Choice, OtherAccount};
pub use schema::SCHEMA as DEFINITION_SCHEMA;
pub use unsupported::Unsupported;

use http::{HeaderName, Method};

use crate::configuration::Values;
use crate::ids::{ElementId, EntryId, ResourceId};
use crate::language::{AnswerPath, Filter, Placeholders, Template};
use crate::reply::Blame;

/// Stands in where a definition has no group, which compiling does not let happen.
static UNGROUPED: Group = Group {
    name: String::new(),
    title: String::new(),
    authentication: None,
    soap_header: None,
    today: false,
    retired: None,
    oauth: None,
    refresh: None,
};

/// A chain of `nextResource` is this many calls at most, the first included.
pub const CHAIN_LIMIT: usize = 5;

#[derive(Debug)]
pub struct Element {
    pub id: ElementId,
    pub key: String,
    pub name: String,
    pub hub: String,
    pub active: bool,
    /// Ways to authenticate; the first is the founding one. Never empty.
    pub groups: Vec<Group>,
    pub entries: Vec<Entry>,
    /// Where this element's credentials may go.
    pub hosts: HostRule,
    /// Those of them that share credentials with each other and with no other host.
    pub apart: Vec<String>,
    /// Apply to every call of the element.
    pub parameters: Vec<Parameter>,
    pub resources: Vec<Resource>,
    /// Around every call of the element.
    pub hooks: Vec<Hook>,
    /// Kinds of records: those that the definition declares, then those that only its resources show.
    pub objects: Vec<objects::Object>,
    /// Stands for calls that a caller writes, which no resource describes.
    pub(crate) passing: Resource,
    pub faults: Vec<FaultRule>,
    pub refresh: Option<Refresh>,
    /// Configuration keys that together identify one session at the vendor.
    pub session: Vec<String>,
    /// How many calls the vendor lets an account make.
    pub budgets: Vec<Budget>,
    /// What an added definition asks for and this server does not do yet; it is kept and shown.
    pub unsupported: Vec<Unsupported>,
    documents: documents::Documents,
}

/// One way to authenticate; chosen by `authentication.type`.
#[derive(Debug, Clone)]
pub struct Group {
    pub name: String,
    pub title: String,
    /// What every call carries; without it the element's parameters do it all.
    pub authentication: Option<Authentication>,
    /// What the envelopes that callers write carry besides, in their header.
    pub soap_header: Option<Template>,
    /// Meant for who connects an account now; people are offered these first.
    pub today: bool,
    pub retired: Option<Retired>,
    pub oauth: Option<OAuth>,
    /// In place of the element's own.
    pub refresh: Option<Refresh>,
}

#[derive(Debug, Clone)]
pub enum Authentication {
    Basic {
        username: Template,
        password: Template,
    },
    Headers(Vec<(HeaderName, Template)>),
    /// Every call is signed, RFC 5849.
    OAuth1(Signature),
}

/// A log-in that the vendor has switched off, or speaks of no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retired {
    /// The day, as `2026-03-31`, or the month where no more is known. `None`: nobody has said that it
    /// has ended, so whoever asks for it has it tried.
    pub date: Option<String>,
    /// Name of the group to use, where there is one.
    pub instead: Option<String>,
}

#[derive(Debug)]
pub struct Entry {
    pub id: EntryId,
    pub key: String,
    pub name: String,
    pub description: Option<String>,
    pub default: Option<String>,
    /// `TEXTFIELD_32`, `PASSWORD`, `BOOLEAN` and so on: a form hint.
    pub kind: String,
    pub required: bool,
    pub active: bool,
    /// Set by provisioning, not by callers.
    pub internal: bool,
    pub hide_from_console: bool,
    /// Counts only while this group is chosen; `None`: always.
    pub group: Option<String>,
    pub group_control: bool,
    pub secret: bool,
    pub display_order: i64,
    /// Applied whenever `{key}` is resolved; what is stored and shown stays as it was given.
    pub fill: Option<Filter>,
    /// Answers show this entry as null while it has no value.
    pub shown_empty: bool,
    /// Letters and digits that an instance gets, once, when it has no value.
    pub generated: Option<usize>,
    /// What may be chosen; empty: anything.
    pub options: Vec<Choice>,
    /// How people are asked for it; the first for their group counts.
    pub ask: Vec<Ask>,
    /// Another value is another account at the vendor.
    pub account: bool,
}

/// When to renew a session's token, and what an old one does at the vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refresh {
    /// Seconds before expiry.
    pub margin: u32,
    pub reuse: Reuse,
}

/// What happens when a refresh token is used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// It goes on working.
    Safe,
    /// It works for a short while.
    Grace,
    /// It ends the session.
    Fatal,
}

#[derive(Debug)]
pub struct Resource {
    pub id: ResourceId,
    pub kind: ResourceKind,
    /// Our side.
    pub method: Method,
    /// Our side, without `/hubs/{hub}`.
    pub path: String,
    pub description: Option<String>,
    pub vendor_method: Method,
    pub vendor_path: Placeholders,
    pub parameters: Vec<Parameter>,
    /// What is stored from the answer.
    pub outputs: Vec<Output>,
    /// What is handed on from the answer beside its records.
    pub handed: Vec<Handed>,
    /// A caller's call of it leaves something in the configuration, or hands something on.
    pub gives: bool,
    /// Index of the next call of the chain in [`Element::resources`].
    pub next: Option<usize>,
    /// Groups this call is for; empty: all.
    pub groups: Vec<String>,
    /// Goes out without what the group's calls carry: it is what gets them.
    pub anonymous: bool,
    /// The call must not be made again while it is not known what became of it; says what to look
    /// for at the vendor.
    pub once: Option<String>,
    /// Doing it twice is doing it once, although the method does not say so.
    pub repeatable: bool,
    /// Where this call's answers hold the vendor's own words, before the usual places.
    pub words: Option<AnswerPath>,
    /// What counts as success; without it any 2xx with JSON or without a body.
    pub expect: Option<Condition>,
    pub faults: Vec<FaultRule>,
    /// What a caller's own call of it looks like.
    pub shape: shape::Shape,
    pub hooks: Vec<Hook>,
    /// A call by which it is seen whether the credentials work.
    pub ping: bool,
    /// How its answer lists the vendor's fields, if it does.
    pub fields: Option<objects::FieldsRule>,
    /// What documentation says of it.
    pub described: objects::Described,
    /// Why this resource cannot be run, if it cannot.
    pub obstacle: Option<String>,
}

/// When a resource runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceKind {
    Api,
    ApiNoDocumentation,
    OnProvision,
    OnDelete,
    OnRefresh,
    ProvisionAuthValidation,
    OnProvisionWebhook,
    OnDeleteWebhook,
    OauthOnAuthorizeUrl,
    OauthOnTokenExchange,
    OauthOnTokenRefresh,
    OauthOnTokenRevoke,
    OauthOnTokenRequest,
    FormulaAsResource,
}

/// One value on its way into a vendor call.
#[derive(Debug)]
pub struct Parameter {
    pub name: String,
    pub source: Source,
    pub target: Target,
    pub required: bool,
    pub fill: Option<Filter>,
    /// How the vendor wants it in a JSON body.
    pub vendor_type: JsonType,
}

#[derive(Debug)]
pub enum Source {
    Configuration(String),
    Literal(Template),
    /// Body of the chain's previous answer.
    PreviousBody,
    /// A part of it.
    PreviousField(AnswerPath),
    /// The request that the call is made for, by the name of the parameter.
    Caller,
    /// A part of a caller's own request, by the name of the parameter.
    Request(shape::Origin),
}

#[derive(Debug)]
pub enum Target {
    Path(String),
    Query(String),
    Header(HeaderName),
    Form(String),
    /// A part of a form with files.
    Part(String),
    Body,
    /// Names from the outside in; `name[0]` is the first item of an array.
    BodyField(Vec<String>),
    /// `{name}` inside the body.
    BodyToken(String),
    /// What `where` says, in the vendor's own form.
    Conditions(shape::Converter),
    /// Not sent.
    Nowhere,
    /// The instance's configuration, once the call has succeeded.
    Configuration(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonType {
    Text,
    Number,
    Boolean,
}

/// A value that an answer gives to the instance's configuration.
#[derive(Debug)]
pub struct Output {
    pub key: String,
    pub from: OutputFrom,
    pub required: bool,
}

#[derive(Debug)]
pub enum OutputFrom {
    Field(AnswerPath),
    Header(HeaderName),
    Body,
    /// The moment of the call, in milliseconds since 1970.
    Now,
    /// Which account it is: each part must be there.
    AccountId(Vec<AnswerPath>),
    /// What people call it: those parts that are there.
    AccountName(Vec<AnswerPath>),
    /// Put together; each part of the answer must be there. One at the beginning is a whole origin,
    /// any other one segment of a path.
    Composed(Vec<Piece>),
}

#[derive(Debug)]
pub enum Piece {
    Text(String),
    Answer(AnswerPath),
}

/// What an answer may look like; every part that is given must hold.
#[derive(Debug, Default)]
pub struct Condition {
    /// Empty: any for `fault`, any 2xx for `expect`.
    pub statuses: Vec<u16>,
    pub content: Option<Content>,
    pub present: Vec<AnswerPath>,
    pub absent: Vec<AnswerPath>,
    /// Letter case is ignored here and below.
    pub equals: Vec<(AnswerPath, Vec<String>)>,
    /// Leads to something that is none of these.
    pub differs: Vec<(AnswerPath, Vec<String>)>,
    pub contains: Vec<(AnswerPath, Vec<String>)>,
    /// Configuration keys that have a value.
    pub given: Vec<String>,
    /// Configuration keys whose value, filled as it is in URLs, is one of these.
    pub given_equals: Vec<(String, Vec<String>)>,
    /// And those that have one which is none of these.
    pub given_differs: Vec<(String, Vec<String>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    Json,
    Html,
    Xml,
}

/// A vendor's answer that means a certain failure.
#[derive(Debug)]
pub struct FaultRule {
    pub when: Condition,
    /// Ours.
    pub status: u16,
    pub message: String,
    /// Configuration entry to correct.
    pub entry: Option<String>,
    /// The page where access is allowed helps; its URL follows the message.
    pub authorize: bool,
    /// Who can help, where that is not plain from the answer.
    pub blame: Option<Blame>,
}

impl Element {
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }

    pub fn founding_group(&self) -> &Group {
        self.groups.first().unwrap_or(&UNGROUPED)
    }

    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.active && entry.key == key)
    }

    /// The calls that make an instance with these credentials, in order.
    pub fn provisioning(&self, group: &Group) -> Vec<&Resource> {
        self.login_calls(group, Start::LogIn)
    }

    /// What to look for at the vendor when it is not known whether the log-in has happened; `None`:
    /// it makes nothing there.
    pub fn made_once(&self, group: &Group) -> Option<&str> {
        let calls = self.provisioning(group).into_iter();
        calls.filter_map(|call| call.once.as_deref()).next()
    }

    /// What identifies the vendor session that a log-in with these values begins, as pairs of key
    /// and value; two that are equal end each other. `None`: a log-in ends no other.
    ///
    /// Values are compared as hosts and texts without case: at worst two sessions are taken for
    /// one, and one log-in waits for the other.
    pub fn session_of(&self, group: &Group, stored: &Values) -> Option<Vec<(&str, String)>> {
        let counts = |key: &String| {
            self.entry(key).is_none() || self.entries_of(group).any(|entry| entry.key == *key)
        };
        if self.session.is_empty() || !self.session.iter().all(counts) {
            return None;
        }
        let values = self.effective(group, stored);
        Some(self.identity(&self.session, &values))
    }

    /// Configuration keys that the calls of [`Element::provisioning`] fill from answers.
    pub fn returned_keys<'a>(&'a self, group: &Group) -> impl Iterator<Item = &'a str> {
        self.provisioning(group)
            .into_iter()
            .flat_map(|resource| &resource.outputs)
            .map(|output| output.key.as_str())
    }

    /// What to tell a caller whose chosen log-in the vendor has switched off.
    pub fn retirement(&self, group: &Group) -> Option<String> {
        let retired = group.retired.as_ref()?;
        let date = retired.date.as_deref()?;
        let on = if date.len() > "2026-03".len() {
            "on"
        } else {
            "in"
        };
        let instead = retired.instead.as_deref();
        let instead = match instead.and_then(|name| self.group(name)) {
            Some(instead) => {
                let keys: Vec<&str> = self
                    .entries_of(instead)
                    .filter(|entry| entry.required && entry.default.is_none())
                    .map(|entry| entry.key.as_str())
                    .collect();
                format!("use '{}' instead ({})", instead.name, keys.join(", "))
            }
            None => "there is no other way to log in here".to_owned(),
        };
        Some(format!(
            "{} ended the log-in '{}' {on} {}; {instead}.",
            self.name, group.title, date,
        ))
    }

    /// Whether credentials for one host may go to the other: both are of the hosts kept apart, or
    /// neither is.
    pub fn go_together(&self, one: &str, other: &str) -> bool {
        let apart = |host: &str| self.apart.iter().any(|pattern| hosts::fits(pattern, host));
        apart(one) == apart(other)
    }

    /// The configuration entry that decides which host this call goes to: the first one that the
    /// call's own URL, else `base.url`, names in its host. For messages.
    pub fn host_entry<'a>(&'a self, resource: &'a Resource) -> &'a str {
        let in_host = |url: &str| {
            let authority = url.split_once("://")?.1.split('/').next()?;
            let key = authority.split_once('{')?.1.split_once('}')?.0;
            self.entry(key).map(|entry| entry.key.as_str())
        };
        let default_of = |key: &str| self.entry(key)?.default.as_deref();
        let path = resource.vendor_path.to_string();
        let of_path = in_host(&path).or_else(|| {
            let key = path.strip_prefix('{')?.split_once('}')?.0;
            in_host(default_of(key)?)
        });
        of_path
            .or_else(|| in_host(default_of("base.url")?))
            .unwrap_or("base.url")
    }

    /// The same for the base URL itself.
    pub fn base_entry(&self) -> &str {
        self.host_entry(&self.passing)
    }
}

impl Resource {
    /// The step in words, for messages that people read: `'the check of the credentials'`. Where the
    /// definition has none, our own call, never the vendor's, which is a template.
    pub fn step(&self) -> String {
        match &self.description {
            Some(description) => format!("'{description}'"),
            None => format!("'{} {}'", self.method, self.path),
        }
    }
}
