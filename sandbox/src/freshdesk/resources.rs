//! The fields of the vendor's resources, as data: what callers may send, what answers carry, what stands for nothing.

use crate::records::fields::{Blank, Field, Kind, field, own};

pub const CONTACTS: &str = "contacts";
pub const COMPANIES: &str = "companies";
pub const TICKETS: &str = "tickets";
pub const CONVERSATIONS: &str = "conversations";
pub const PRODUCTS: &str = "products";
pub const TIME_ENTRIES: &str = "time_entries";
pub const RATINGS: &str = "satisfaction_ratings";
pub const ATTACHMENTS: &str = "attachments";
/// Not in the store of records: the account's own agents and groups.
pub const AGENTS: &str = "agents";
pub const GROUPS: &str = "groups";

pub const TYPES: &[&str] = &["Question", "Incident", "Problem", "Feature Request", "Lead"];
pub const STATUSES: &[i64] = &[2, 3, 4, 5, 6, 7];
pub const PRIORITIES: &[i64] = &[1, 2, 3, 4];
pub const SOURCES: &[i64] = &[1, 2, 3, 5, 6, 7, 9, 10];

const LINE: Kind = Kind::Text(255);
const TEXT: Kind = Kind::Text(65_535);

/// One custom field of each type, in each form.
pub const TICKET_CUSTOM: &[Field] = &[
    field("cf_reference", LINE),
    field("cf_long_story", TEXT),
    field("cf_urgent_call", Kind::Boolean),
    field("cf_seats", Kind::Integer),
    field("cf_amount", Kind::Number),
    field(
        "cf_category",
        Kind::OneOf(&["Primary", "Secondary", "Außerhalb"]),
    ),
    field("cf_visit_on", Kind::Date),
];
pub const CONTACT_CUSTOM: &[Field] = &[
    field("cf_department", LINE),
    field("cf_notes", TEXT),
    field("cf_vip", Kind::Boolean),
    field("cf_floor", Kind::Integer),
    field("cf_discount", Kind::Number),
    field("cf_segment", Kind::OneOf(&["Small", "Medium", "Large"])),
    field("cf_met_on", Kind::Date),
];
pub const COMPANY_CUSTOM: &[Field] = &[
    field("cf_region", LINE),
    field("cf_history", TEXT),
    field("cf_partner", Kind::Boolean),
    field("cf_employees", Kind::Integer),
    field("cf_revenue", Kind::Number),
    field("cf_sector", Kind::OneOf(&["finance", "retail", "public"])),
    field("cf_signed_on", Kind::Date),
];

/// `created_at` and `updated_at` as everything has them.
const CREATED: Field = own("created_at", Blank::Null);
const UPDATED: Field = own("updated_at", Blank::Null);
const ID: Field = own("id", Blank::Null);

const OTHER_COMPANIES: &[Field] = &[
    field("company_id", Kind::Link(COMPANIES)).needed(),
    field("view_all_tickets", Kind::Boolean),
];

pub const CONTACT: &[Field] = &[
    ID,
    own("active", Blank::False),
    field("address", TEXT),
    field("company_id", Kind::Link(COMPANIES)),
    field("view_all_tickets", Kind::Boolean).blank(Blank::False),
    field("description", TEXT),
    field("email", Kind::Email),
    own("contact_type", Blank::Text("contact")),
    field("job_title", LINE),
    field("language", Kind::OneOf(&["en", "de", "fr"])).blank(Blank::Text("en")),
    field("mobile", LINE),
    field("name", LINE).needed(),
    field("phone", LINE),
    field("time_zone", LINE).blank(Blank::Text("Eastern Time (US & Canada)")),
    field("twitter_id", LINE),
    own("facebook_id", Blank::Null),
    field("unique_external_id", LINE),
    field("social_handler", Kind::Own).blank(Blank::List),
    field("other_emails", Kind::Emails).blank(Blank::List),
    field("other_companies", Kind::Objects(OTHER_COMPANIES)).blank(Blank::List),
    field("custom_fields", Kind::Object(CONTACT_CUSTOM)).blank(Blank::Object),
    field("tags", Kind::Texts).blank(Blank::List),
    own("avatar", Blank::Null),
    field("lookup_parameter", Kind::OneOf(&["id", "display_id"])).blank(Blank::Absent),
    CREATED,
    UPDATED,
];

pub const COMPANY: &[Field] = &[
    ID,
    field("name", LINE).needed(),
    field("description", TEXT),
    field("note", TEXT),
    field("domains", Kind::Texts).blank(Blank::List),
    field(
        "health_score",
        Kind::OneOf(&["At risk", "Doing okay", "Happy"]),
    ),
    field(
        "account_tier",
        Kind::OneOf(&["Basic", "Premium", "Enterprise"]),
    ),
    field("renewal_date", Kind::DateTime),
    field("industry", LINE),
    field("custom_fields", Kind::Object(COMPANY_CUSTOM)).blank(Blank::Object),
    field("lookup_parameter", Kind::OneOf(&["id", "display_id"])).blank(Blank::Absent),
    CREATED,
    UPDATED,
];

pub const TICKET: &[Field] = &[
    ID,
    field("cc_emails", Kind::Emails)
        .creating()
        .blank(Blank::List),
    own("fwd_emails", Blank::List),
    own("reply_cc_emails", Blank::List),
    own("ticket_cc_emails", Blank::List),
    own("fr_escalated", Blank::False),
    own("spam", Blank::False),
    field("email_config_id", Kind::Integer),
    field("group_id", Kind::Link(GROUPS)),
    field("priority", Kind::OneNumber(PRIORITIES)).blank(Blank::Number(1)),
    field("requester_id", Kind::Link(CONTACTS)),
    field("responder_id", Kind::Link(AGENTS)),
    field("source", Kind::OneNumber(SOURCES)).blank(Blank::Number(2)),
    field("company_id", Kind::Link(COMPANIES)),
    field("status", Kind::OneNumber(STATUSES)).blank(Blank::Number(2)),
    field("subject", LINE),
    own("association_type", Blank::Null),
    own("to_emails", Blank::Null),
    field("product_id", Kind::Link(PRODUCTS)),
    field("type", Kind::OneOf(TYPES)),
    field("due_by", Kind::DateTime),
    field("fr_due_by", Kind::DateTime),
    own("is_escalated", Blank::False),
    field("description", TEXT),
    own("description_text", Blank::Null),
    own("structured_description", Blank::Null),
    field("custom_fields", Kind::Object(TICKET_CUSTOM)).blank(Blank::Object),
    field("tags", Kind::Texts).blank(Blank::List),
    own("attachments", Blank::List),
    // Inputs alone: they find or make the requester, or tie tickets together.
    field("name", LINE).blank(Blank::Absent),
    field("email", Kind::Email).blank(Blank::Absent),
    field("phone", LINE).blank(Blank::Absent),
    field("facebook_id", LINE).blank(Blank::Absent),
    field("twitter_id", LINE).blank(Blank::Absent),
    field("unique_external_id", LINE).blank(Blank::Absent),
    field("parent_id", Kind::Link(TICKETS)).blank(Blank::Absent),
    field("related_ticket_ids", Kind::Links(TICKETS)).blank(Blank::Absent),
    field("internal_agent_id", Kind::Link(AGENTS)).blank(Blank::Absent),
    field("internal_group_id", Kind::Link(GROUPS)).blank(Blank::Absent),
    field("lookup_parameter", Kind::OneOf(&["id", "display_id"])).blank(Blank::Absent),
    CREATED,
    UPDATED,
];

/// Mail to somebody new.
pub const OUTBOUND: &[Field] = &[
    field("email", Kind::Email).needed(),
    field("subject", LINE).needed(),
    field("email_config_id", Kind::Integer).needed(),
    field("name", LINE),
    field("description", TEXT),
    field("status", Kind::OneNumber(STATUSES)),
    field("priority", Kind::OneNumber(PRIORITIES)),
    field("type", Kind::OneOf(TYPES)),
    field("due_by", Kind::DateTime),
    field("fr_due_by", Kind::DateTime),
    field("group_id", Kind::Link(GROUPS)),
    field("cc_emails", Kind::Emails),
    field("custom_fields", Kind::Object(TICKET_CUSTOM)),
    field("tags", Kind::Texts),
];

pub const CONVERSATION: &[Field] = &[
    ID,
    own("body", Blank::Null),
    own("body_text", Blank::Null),
    own("incoming", Blank::False),
    own("private", Blank::False),
    own("user_id", Blank::Null),
    own("support_email", Blank::Null),
    own("source", Blank::Number(0)),
    own("ticket_id", Blank::Null),
    own("to_emails", Blank::List),
    own("from_email", Blank::Null),
    own("cc_emails", Blank::List),
    own("bcc_emails", Blank::List),
    own("attachments", Blank::List),
    own("last_edited_at", Blank::Null),
    own("last_edited_user_id", Blank::Null),
    CREATED,
    UPDATED,
];

/// What a note takes.
pub const NOTE: &[Field] = &[
    field("body", TEXT).needed(),
    field("private", Kind::Boolean),
    field("incoming", Kind::Boolean),
    field("notify_emails", Kind::Emails),
    field("user_id", Kind::Own),
];

/// What a reply takes.
pub const REPLY: &[Field] = &[
    field("body", TEXT).needed(),
    field("from_email", Kind::Email),
    field("user_id", Kind::Own),
    field("cc_emails", Kind::Emails),
    field("bcc_emails", Kind::Emails),
];

pub const NOTE_CHANGE: &[Field] = &[field("body", TEXT).needed()];

pub const PRODUCT: &[Field] = &[
    ID,
    own("name", Blank::Null),
    own("description", Blank::Null),
    own("primary_email", Blank::Null),
    CREATED,
    UPDATED,
];

pub const TIME_ENTRY: &[Field] = &[
    ID,
    field("agent_id", Kind::Link(AGENTS)),
    field("billable", Kind::Boolean).blank(Blank::True),
    own("company_id", Blank::Null),
    field("executed_at", Kind::DateTime),
    field("note", TEXT),
    field("start_time", Kind::DateTime),
    own("ticket_id", Blank::Null),
    field("time_spent", Kind::Clock).blank(Blank::Text("00:00")),
    field("timer_running", Kind::Boolean).blank(Blank::False),
    CREATED,
    UPDATED,
];

pub const RATING: &[Field] = &[
    ID,
    own("survey_id", Blank::Null),
    own("user_id", Blank::Null),
    own("agent_id", Blank::Null),
    own("feedback", Blank::Null),
    own("group_id", Blank::Null),
    own("ticket_id", Blank::Null),
    own("ratings", Blank::Object),
    CREATED,
    UPDATED,
];

/// The satisfaction survey's answers, from extremely happy to extremely unhappy.
pub const RATING_VALUES: &[i64] = &[103, 102, 101, 100, -101, -102, -103];
pub const RATING_INPUT: &[Field] = &[
    field("feedback", TEXT),
    field(
        "ratings",
        Kind::Object(&[field("default_question", Kind::OneNumber(RATING_VALUES)).needed()]),
    )
    .needed(),
];
