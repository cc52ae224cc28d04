//! The vendor's resources as data: their tables, their fields, what v1 calls them and how it shows them, what lists take.

use super::columns::{
    ACTIVITY, ACTIVITY_TYPE, DEAL, LEAD, MAIL_THREAD, NOTE, ORGANIZATION, PERSON, PIPELINE,
    PRODUCT, STAGE,
};
use super::shape::Show;
use super::v1_shapes::{
    ACTIVITY_TYPE_V1, ACTIVITY_V1, DEAL_V1, LEAD_V1, NOTE_V1, ORGANIZATION_V1, PERSON_V1,
    PIPELINE_V1, PRODUCT_V1, STAGE_V1,
};
use crate::records::fields::Field;

pub const USERS: &str = "users";
pub const PERSONS: &str = "persons";
pub const ORGANIZATIONS: &str = "organizations";
pub const DEALS: &str = "deals";
pub const ACTIVITIES: &str = "activities";
pub const PRODUCTS: &str = "products";
pub const PIPELINES: &str = "pipelines";
pub const STAGES: &str = "stages";
pub const LEADS: &str = "leads";
pub const NOTES: &str = "notes";
pub const ACTIVITY_TYPES: &str = "activityTypes";
pub const FILTERS: &str = "filters";
pub const FILES: &str = "files";
pub const DEAL_PRODUCTS: &str = "dealProducts";
pub const MAIL_THREADS: &str = "mailThreads";
pub const MAIL_MESSAGES: &str = "mailMessages";
/// Custom fields of all resources.
pub const CUSTOM_FIELDS: &str = "customFields";

/// What a parameter of a list selects.
#[derive(Debug, Clone, Copy)]
pub enum Select {
    /// The member has this number.
    Link(&'static str),
    /// The member has this text.
    Text(&'static str),
    Flag(&'static str),
    /// Numbers, in a row with commas.
    Ids,
    FirstLetter,
    DealStatus,
    /// At or after, at or before, and before.
    Since(&'static str),
    From(&'static str),
    Until(&'static str),
    /// A filter of the customer's.
    Filter,
    /// The owner; without it the token's user, with 0 everybody.
    OwnerOrAll,
    /// Checked where it is used.
    Other,
}

pub type Selects = &'static [(&'static str, Select)];

/// One resource of the vendor, for the calls that all resources share.
#[derive(Debug)]
pub struct Resource {
    pub table: &'static str,
    /// In texts: "Deal not found".
    pub word: &'static str,
    pub fields: &'static [Field],
    /// What v1 calls members: its name, ours.
    pub v1_names: &'static [(&'static str, &'static str)],
    pub v1_shape: &'static [(&'static str, Show)],
    pub v1_selects: Selects,
    pub v2_selects: Selects,
    pub v2_sorts: &'static [&'static str],
    /// What `include_fields` adds in v2.
    pub v2_includes: &'static [&'static str],
    pub paged: bool,
    /// Whether deleted ones stay to be read.
    pub soft: bool,
    /// Statuses of creation in v1 and v2.
    pub created: (u16, u16),
    /// What v1 says when what is needed is missing. The texts are unverified.
    pub missing: &'static str,
    /// Whether records carry custom fields.
    pub custom: bool,
}

const OWNED: (&str, Select) = ("user_id", Select::Link("owner_id"));
const FILTERED: (&str, Select) = ("filter_id", Select::Filter);
const SINCE: (&str, Select) = ("updated_since", Select::Since("update_time"));
const UNTIL: (&str, Select) = ("updated_until", Select::Until("update_time"));
const V2_OWNED: (&str, Select) = ("owner_id", Select::Link("owner_id"));
const V2_CUSTOM: (&str, Select) = ("custom_fields", Select::Other);
const SORTS: &[&str] = &["id", "update_time", "add_time"];
const PEOPLE_COUNTS: &[&str] = &[
    "next_activity_id",
    "last_activity_id",
    "open_deals_count",
    "related_open_deals_count",
    "closed_deals_count",
    "related_closed_deals_count",
    "email_messages_count",
    "people_count",
    "activities_count",
    "done_activities_count",
    "undone_activities_count",
    "files_count",
    "notes_count",
    "followers_count",
    "won_deals_count",
    "related_won_deals_count",
    "lost_deals_count",
    "related_lost_deals_count",
    "smart_bcc_email",
];

pub static PERSON_RESOURCE: Resource = Resource {
    table: PERSONS,
    word: "Person",
    fields: PERSON,
    v1_names: &[
        ("email", "emails"),
        ("phone", "phones"),
        ("label", "label_ids"),
        ("user_id", "owner_id"),
    ],
    v1_shape: PERSON_V1,
    v1_selects: &[OWNED, FILTERED, ("first_char", Select::FirstLetter)],
    v2_selects: &[
        FILTERED,
        ("ids", Select::Ids),
        V2_OWNED,
        ("org_id", Select::Link("org_id")),
        SINCE,
        UNTIL,
        V2_CUSTOM,
    ],
    v2_sorts: SORTS,
    v2_includes: PEOPLE_COUNTS,
    paged: true,
    soft: true,
    created: (201, 200),
    missing: "Name must be given.",
    custom: true,
};
pub static ORGANIZATION_RESOURCE: Resource = Resource {
    table: ORGANIZATIONS,
    word: "Organization",
    fields: ORGANIZATION,
    v1_names: &[("label", "label_ids"), ("user_id", "owner_id")],
    v1_shape: ORGANIZATION_V1,
    v2_selects: &[
        FILTERED,
        ("ids", Select::Ids),
        V2_OWNED,
        SINCE,
        UNTIL,
        V2_CUSTOM,
    ],
    ..PERSON_RESOURCE
};
pub static DEAL_RESOURCE: Resource = Resource {
    table: DEALS,
    word: "Deal",
    fields: DEAL,
    v1_names: &[("user_id", "owner_id"), ("label", "label_ids")],
    v1_shape: DEAL_V1,
    v1_selects: &[
        OWNED,
        FILTERED,
        ("stage_id", Select::Link("stage_id")),
        ("status", Select::DealStatus),
        ("owned_by_you", Select::Other),
    ],
    v2_selects: &[
        FILTERED,
        ("ids", Select::Ids),
        V2_OWNED,
        ("person_id", Select::Link("person_id")),
        ("org_id", Select::Link("org_id")),
        ("pipeline_id", Select::Link("pipeline_id")),
        ("stage_id", Select::Link("stage_id")),
        ("status", Select::DealStatus),
        SINCE,
        UNTIL,
        V2_CUSTOM,
    ],
    v2_includes: &[
        "next_activity_id",
        "last_activity_id",
        "first_won_time",
        "products_count",
        "files_count",
        "notes_count",
        "followers_count",
        "email_messages_count",
        "activities_count",
        "done_activities_count",
        "undone_activities_count",
        "participants_count",
        "last_incoming_mail_time",
        "last_outgoing_mail_time",
        "smart_bcc_email",
        "source_lead_id",
    ],
    missing: "Deal title was not properly given.",
    ..PERSON_RESOURCE
};
pub static ACTIVITY_RESOURCE: Resource = Resource {
    table: ACTIVITIES,
    word: "Activity",
    fields: ACTIVITY,
    v1_names: &[("user_id", "owner_id"), ("busy_flag", "busy")],
    v1_shape: ACTIVITY_V1,
    v1_selects: &[
        ("user_id", Select::OwnerOrAll),
        FILTERED,
        ("type", Select::Text("type")),
        ("start_date", Select::From("due_date")),
        ("end_date", Select::Until("due_date")),
        ("done", Select::Flag("done")),
    ],
    v2_selects: &[
        FILTERED,
        ("ids", Select::Ids),
        V2_OWNED,
        ("deal_id", Select::Link("deal_id")),
        ("lead_id", Select::Text("lead_id")),
        ("person_id", Select::Link("person_id")),
        ("org_id", Select::Link("org_id")),
        ("done", Select::Flag("done")),
        SINCE,
        UNTIL,
    ],
    v2_sorts: &["id", "update_time", "add_time", "due_date"],
    v2_includes: &["attendees"],
    missing: "Subject must be given.",
    custom: false,
    ..PERSON_RESOURCE
};
pub static PRODUCT_RESOURCE: Resource = Resource {
    table: PRODUCTS,
    word: "Product",
    fields: PRODUCT,
    v1_names: &[("selectable", "is_linkable"), ("user_id", "owner_id")],
    v1_shape: PRODUCT_V1,
    v1_selects: &[
        OWNED,
        FILTERED,
        ("ids", Select::Ids),
        ("first_char", Select::FirstLetter),
    ],
    v2_selects: &[V2_OWNED, ("ids", Select::Ids), FILTERED, SINCE, V2_CUSTOM],
    v2_sorts: &["id", "name", "add_time", "update_time"],
    v2_includes: &[],
    created: (201, 201),
    ..PERSON_RESOURCE
};
pub static PIPELINE_RESOURCE: Resource = Resource {
    table: PIPELINES,
    word: "Pipeline",
    fields: PIPELINE,
    v1_names: &[("deal_probability", "is_deal_probability_enabled")],
    v1_shape: PIPELINE_V1,
    v1_selects: &[],
    v2_selects: &[],
    v2_includes: &[],
    paged: false,
    created: (200, 200),
    custom: false,
    ..PERSON_RESOURCE
};
pub static STAGE_RESOURCE: Resource = Resource {
    table: STAGES,
    word: "Stage",
    fields: STAGE,
    v1_names: &[
        ("rotten_flag", "is_deal_rot_enabled"),
        ("rotten_days", "days_to_rotten"),
    ],
    v1_shape: STAGE_V1,
    v1_selects: &[("pipeline_id", Select::Link("pipeline_id"))],
    v2_selects: &[("pipeline_id", Select::Link("pipeline_id"))],
    v2_sorts: &["id", "update_time", "add_time", "order_nr"],
    ..PIPELINE_RESOURCE
};
pub static LEAD_RESOURCE: Resource = Resource {
    table: LEADS,
    word: "Lead",
    fields: LEAD,
    v1_names: &[],
    v1_shape: LEAD_V1,
    v1_selects: &[
        V2_OWNED,
        ("person_id", Select::Link("person_id")),
        ("organization_id", Select::Link("organization_id")),
        FILTERED,
        SINCE,
    ],
    v2_selects: &[],
    v2_includes: &[],
    soft: false,
    missing: "A person or organization must be linked.",
    ..PERSON_RESOURCE
};
pub static NOTE_RESOURCE: Resource = Resource {
    table: NOTES,
    word: "Note",
    fields: NOTE,
    v1_names: &[("user_id", "owner_id")],
    v1_shape: NOTE_V1,
    v1_selects: &[
        OWNED,
        ("lead_id", Select::Text("lead_id")),
        ("deal_id", Select::Link("deal_id")),
        ("person_id", Select::Link("person_id")),
        ("org_id", Select::Link("org_id")),
        ("start_date", Select::From("add_time")),
        ("end_date", Select::Until("add_time")),
        SINCE,
        ("pinned_to_lead_flag", Select::Flag("pinned_to_lead_flag")),
        ("pinned_to_deal_flag", Select::Flag("pinned_to_deal_flag")),
        (
            "pinned_to_organization_flag",
            Select::Flag("pinned_to_organization_flag"),
        ),
        (
            "pinned_to_person_flag",
            Select::Flag("pinned_to_person_flag"),
        ),
    ],
    v2_selects: &[],
    v2_includes: &[],
    created: (200, 200),
    missing: "Content must be given, and what the note belongs to.",
    custom: false,
    ..PERSON_RESOURCE
};
pub static ACTIVITY_TYPE_RESOURCE: Resource = Resource {
    table: ACTIVITY_TYPES,
    word: "Activity type",
    fields: ACTIVITY_TYPE,
    v1_names: &[],
    v1_shape: ACTIVITY_TYPE_V1,
    v1_selects: &[],
    missing: "Name and icon_key must be given.",
    ..PIPELINE_RESOURCE
};
/// Resources with calls of their own, which need no more than their table.
const BARE: Resource = Resource {
    table: FILES,
    word: "File",
    fields: &[],
    v1_names: &[],
    v1_shape: &[],
    v1_selects: &[],
    v2_selects: &[],
    v2_sorts: &[],
    v2_includes: &[],
    paged: true,
    soft: true,
    created: (200, 200),
    missing: "",
    custom: false,
};
pub static FILE_RESOURCE: Resource = BARE;
pub static FILTER_RESOURCE: Resource = Resource {
    table: FILTERS,
    word: "Filter",
    soft: false,
    ..BARE
};
pub static THREAD_RESOURCE: Resource = Resource {
    table: MAIL_THREADS,
    word: "Mail thread",
    fields: MAIL_THREAD,
    ..BARE
};
pub static USER_RESOURCE: Resource = Resource {
    table: USERS,
    word: "User",
    ..BARE
};
