//! What a caller's own call of a resource looks like, beside what every call has: where the records
//! are in an answer, how the vendor pages, filters and sorts, and which paths are meant.

mod index;

use std::sync::OnceLock;

use serde_json::{Map, Value as Json};

pub use self::index::{Added, Index, Indexed};
use super::ResourceKind;
use crate::language::AnswerPath;

#[derive(Debug, Default)]
pub struct Shape {
    /// Segments of our path, without hub.
    pub path: Vec<PathSegment>,
    /// What the path stands for where variables of it are names of the vendor's; empty: for whatever
    /// fits.
    pub only: Vec<Named>,
    /// The resource that takes a form with files in place of this one: index in
    /// [`super::Element::resources`].
    pub form: Option<usize>,
    /// Objects that a caller's body is put into, from the outside in.
    pub request_root: Vec<String>,
    pub answer_root: Root,
    /// Our side's own envelope: a caller's body may stand in it, and every record of ours does.
    pub wrap: Option<String>,
    /// Dotted names of members that a caller's body may have and the vendor does not take.
    pub unsent: Vec<String>,
    /// Members that callers know under other names than the vendor.
    pub record: Option<Record>,
    /// What a call of it counts in budgets that weigh; `None`: as its kind.
    pub weight: Option<u64>,
    pub paging: Paging,
    /// How conditions and order reach the vendor; `None`: only as the parameters say.
    pub filter: Option<FilterRules>,
    pub order: Option<OrderRule>,
    /// The answer is handed on as it is, whatever it is.
    pub raw: bool,
    /// The vendor answers with XML.
    pub xml: bool,
    /// Whether the answer is a list that is paged, filtered and put in order.
    pub list: bool,
}

/// How members of our records are members of the vendor's.
#[derive(Debug, Default)]
pub struct Record {
    pub members: Vec<Member>,
    pub lifted: Option<Lifted>,
    pub slots: Vec<Slot>,
    pub joined: Vec<Joined>,
    /// The resource that reads the record before a part of it is changed: index in
    /// [`super::Element::resources`].
    pub known: Option<usize>,
    /// Made of the rest when it is first needed.
    pub(crate) index: OnceLock<Index>,
}

impl Record {
    pub fn index(&self) -> &Index {
        self.index
            .get_or_init(|| Index::of(&self.members, self.lifted.as_ref(), &self.slots))
    }
}

/// A member of our records that is one of the vendor's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    /// The vendor's; the same name where only the form is another.
    pub of: String,
    pub form: Form,
    /// What an object of the form has: of a link all that hold the number, of parts all with the
    /// whole first, of items what a plain value stands for.
    pub members: Vec<String>,
    /// What the first item gets if none has it.
    pub first: Map<String, Json>,
    /// Of each item of a list.
    pub inside: Vec<Member>,
    pub only: Option<Only>,
}

impl Member {
    /// Whether records have it under the vendor's own name.
    pub fn is_in_place(&self) -> bool {
        self.name == self.of && self.is_shown()
    }

    pub fn is_shown(&self) -> bool {
        self.only != Some(Only::Sent)
    }
}

/// What our form and the vendor's are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Same,
    /// `2017-03-01 10:00:00` in UTC, the vendor's by RFC 3339.
    Time,
    /// `10:30` is shown of `10:30:00`.
    Minute,
    /// A text, the vendor's a number.
    Text,
    /// The vendor's number may be sent as text.
    Number,
    /// The vendor's boolean may be sent as 0 or 1.
    Boolean,
    /// The vendor's is the contrary.
    Reversed,
    /// An object around the vendor's number.
    Link,
    /// The first of the vendor's list.
    First,
    /// The vendor's list by comma.
    Joined,
    /// The vendor's list of objects may be sent as plain values, or as one.
    Items,
    /// A text, and `name_part` beside it; the vendor's is one object.
    Parts,
}

/// Where a member is known in one direction alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Only {
    Sent,
    /// In a body it is left out.
    Shown,
}

/// Members of ours that the vendor has in an object below, by what their names look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifted {
    pub of: String,
    pub letters: String,
    pub length: usize,
}

/// Numbered members in place of the first items of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Before the number.
    pub name: String,
    /// The vendor's member.
    pub list: String,
    pub count: usize,
    /// Members of an item that are shown; the first is what a plain text stands for.
    pub members: Vec<String>,
    /// What the first item gets if none has it.
    pub first: Map<String, Json>,
}

/// A text of the vendor's that callers know in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    pub name: String,
    pub of: Vec<String>,
}

/// One of the paths that a path with variables stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub path: String,
    pub segments: Vec<PathSegment>,
}

impl Named {
    /// The vendor's name of the records that it leads to.
    pub fn name(&self) -> Option<&str> {
        let mut segments = self.segments.iter().rev();
        segments.find_map(|segment| match segment {
            PathSegment::Literal(name) => Some(name.as_str()),
            PathSegment::Variable(_) => None,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathSegment {
    Literal(String),
    Variable(String),
}

/// Where an answer holds what callers get.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Root {
    pub steps: Vec<Step>,
    /// Names inside of each record of a list that lead to the record itself.
    pub inside: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Name(String),
    Index(usize),
}

/// Where a caller's request holds a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Header,
    Path,
    Query,
    Form,
    Body,
    BodyField,
}

/// Makes the vendor's form of `where`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Converter {
    /// One query parameter per condition.
    QueryParameters,
    /// This query parameter holds an expression of OData.
    OData(String),
}

#[derive(Debug, Default)]
pub struct Paging {
    /// `None`: the instance's configuration decides.
    pub kind: Option<PagingKind>,
    /// The vendor gives everything at once.
    pub whole: bool,
    /// Where the next page's token is.
    pub next: Option<AnswerPath>,
    /// Leads to `true` while there is more.
    pub more: Option<AnswerPath>,
    pub total: Option<AnswerPath>,
    /// A header `Link` with `rel="next"` stands while there is more.
    pub link: bool,
    /// The most records that the vendor gives at once.
    pub max: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PagingKind {
    /// Pages are counted.
    Page,
    /// Records are counted.
    Offset,
    /// The vendor hands out tokens.
    Cursor,
}

#[derive(Debug, Default)]
pub struct FilterRules {
    pub push: Vec<PushRule>,
    /// Fields of records that this server filters by itself; `name.*` all below, `*` all.
    pub local: Vec<String>,
    pub means: Vec<Meaning>,
}

/// A name of callers that no record has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meaning {
    pub field: String,
    /// The field that is asked about in truth.
    pub of: String,
    /// With what it begins; the test is `=` then.
    pub begins: bool,
}

/// A condition that the vendor can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushRule {
    pub field: String,
    /// As [`crate::ceql::Test::operator`] writes them.
    pub operators: Vec<String>,
    pub to: PushTarget,
    pub form: PushForm,
    /// The vendor may answer more than what was asked for, and the condition is applied again.
    pub loose: bool,
    /// It steers the call and is no field of the records.
    pub parameter: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushTarget {
    /// A query parameter of the vendor's.
    Query(String),
    /// Another call in place of this one, which finds one record by the value in its path: index in
    /// [`super::Element::resources`].
    Resource(usize),
    /// No record but one can have the value: before the list is looked through, the call `by` names
    /// some that may have it, and `record` reads one, as [`PushTarget::Resource`] does.
    Hint { by: usize, record: usize },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushForm {
    /// As it was written; lists by comma.
    Text,
    /// A moment in UTC, to the second: the last one before it for what is greater, the next one
    /// after it for what is less.
    Moment,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRule {
    pub query: String,
    /// A parameter of its own for `asc` or `desc`, and then one field alone; else `field ASC` by
    /// comma.
    pub direction: Option<String>,
    pub fields: Vec<String>,
}

/// Segments of a path without a hub.
pub(crate) fn segments(path: &str) -> Vec<PathSegment> {
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    segments
        .map(|segment| {
            let variable = segment.strip_prefix('{').and_then(|s| s.strip_suffix('}'));
            match variable {
                Some(name) => PathSegment::Variable(name.to_owned()),
                None => PathSegment::Literal(segment.to_owned()),
            }
        })
        .collect()
}

impl ResourceKind {
    /// Whether callers call it.
    pub fn answers_callers(self) -> bool {
        matches!(self, Self::Api | Self::ApiNoDocumentation)
    }
}

impl Shape {
    pub fn is_list(&self) -> bool {
        self.list && !self.raw
    }
}

impl FilterRules {
    /// Whether this server may apply conditions on the field itself.
    pub fn is_local(&self, field: &str) -> bool {
        self.local
            .iter()
            .any(|known| match known.strip_suffix('*') {
                Some(prefix) => field.starts_with(prefix),
                None => known == field,
            })
    }
}
