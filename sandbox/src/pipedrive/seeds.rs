//! The records of the start: the same in every run, but for times, which are counted back from today.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::columns::{
    ACTIVITY, ACTIVITY_TYPE, DEAL, DEAL_PRODUCT, LEAD, NOTE, ORGANIZATION, PERSON, PIPELINE,
    PRODUCT, STAGE,
};
use super::resources::{
    ACTIVITIES, ACTIVITY_TYPES, CUSTOM_FIELDS, DEAL_PRODUCTS, DEALS, FILES, LEADS, MAIL_MESSAGES,
    MAIL_THREADS, NOTES, ORGANIZATIONS, PERSONS, PIPELINES, PRODUCTS, STAGES,
};
use super::world::Company;
use super::{custom, files, metadata, visit};
use crate::records::fields::{Field, blank};
use crate::records::seeds::Seed;
use crate::records::{Record, times};

/// How many of each a company begins with. Pipelines, stages and types of activities are always there.
#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Amounts {
    pub organizations: u64,
    pub persons: u64,
    pub deals: u64,
    pub leads: u64,
    pub activities: u64,
    pub notes: u64,
    pub products: u64,
    pub files: u64,
    pub mail_threads: u64,
    /// Whether there is a custom field of each type.
    pub custom_fields: bool,
}

impl Amounts {
    /// Enough that pages mean something.
    pub fn plenty() -> Self {
        Self {
            organizations: 240,
            persons: 640,
            deals: 620,
            leads: 130,
            activities: 260,
            notes: 210,
            products: 120,
            files: 12,
            mail_threads: 8,
            custom_fields: true,
        }
    }

    pub fn total(&self) -> u64 {
        let parts = [
            self.organizations,
            self.persons,
            self.deals,
            self.leads,
            self.activities,
            self.notes,
            self.products,
            self.files,
            self.mail_threads,
        ];
        parts.into_iter().fold(0, u64::saturating_add)
    }
}

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const KINDS: &[(&str, &str)] = &[
    ("Call", "call"),
    ("Meeting", "meeting"),
    ("Task", "task"),
    ("Deadline", "deadline"),
    ("Email", "email"),
    ("Lunch", "lunch"),
];

struct Seeding<'a> {
    company: &'a mut Company,
    seed: Seed,
    midnight: i64,
    user: u64,
    amounts: Amounts,
}

pub fn fill(company: &mut Company, amounts: Amounts, user: u64) {
    company.records.begin(CUSTOM_FIELDS, 40_001);
    let now = Timestamp::now().as_second();
    let mut seeding = Seeding {
        company,
        seed: Seed::new(20_260_202),
        midnight: now - now.rem_euclid(DAY),
        user,
        amounts,
    };
    seeding.always();
    if amounts.custom_fields {
        seeding.customs();
    }
    for number in 0..amounts.organizations {
        seeding.organization(number);
    }
    for number in 0..amounts.persons {
        seeding.person(number);
    }
    for number in 0..amounts.products {
        let name = format!(
            "Product {} {}",
            number + 1,
            seeding.seed.pick(&["Ö", "standard", "日本"])
        );
        let prices = json!([{ "product_id": number + 1, "price": seeding.seed.number(500), "currency": "EUR", "cost": 0, "direct_cost": null, "notes": "" }]);
        seeding.put(
            PRODUCTS,
            PRODUCT,
            json!({ "name": name, "code": format!("P-{number:04}"), "prices": prices }),
            DAY * 100,
        );
    }
    for number in 0..amounts.deals {
        seeding.deal(number);
    }
    for number in 0..amounts.leads {
        seeding.lead(number);
    }
    for number in 0..amounts.activities {
        seeding.activity(number);
    }
    for number in 0..amounts.notes {
        let set = json!({
            "content": if number == 3 { seeding.seed.long_text() } else { format!("<p>{}</p>", seeding.seed.sentence()) },
            "deal_id": some(number % 3 == 0, number % amounts.deals.max(1) + 1, amounts.deals),
            "person_id": some(number % 3 == 1, number % amounts.persons.max(1) + 1, amounts.persons),
            "org_id": some(number % 3 == 2, number % amounts.organizations.max(1) + 1, amounts.organizations),
        });
        seeding.put(NOTES, NOTE, set, DAY * 20 - (number / 10) as i64 * HOUR);
    }
    for number in 0..amounts.files {
        seeding.file(number);
    }
    for number in 0..amounts.mail_threads {
        seeding.mail(number);
    }
    if amounts.products > 0 && amounts.deals > 0 {
        for number in 0..30 {
            let price = 10 + number;
            let set = json!({
                "deal_id": number / 3 + 1, "product_id": number % amounts.products + 1, "item_price": price, "quantity": 2, "sum": price * 2,
                "name": "seeded", "comments": "", "order_nr": number + 1,
            });
            seeding.put(DEAL_PRODUCTS, DEAL_PRODUCT, set, DAY * 9);
        }
    }
}

fn some(when: bool, id: u64, there: u64) -> Option<u64> {
    (when && there > 0).then_some(id)
}

impl Seeding<'_> {
    fn at(&self, ago: i64) -> String {
        times::shown(self.midnight - ago)
    }

    fn put(&mut self, table: &'static str, fields: &[Field], set: Value, ago: i64) -> u64 {
        let mut record = blank(fields);
        for name in ["add_time", "update_time"] {
            record.insert(name.to_owned(), json!(self.at(ago)));
        }
        if fields.iter().any(|field| field.name == "owner_id") {
            record.insert(String::from("owner_id"), json!(self.user));
        }
        record.extend(set.as_object().cloned().unwrap_or_default());
        // Control calls check that there is room.
        self.company
            .records
            .insert(table, record)
            .unwrap_or_default()
    }

    fn always(&mut self) {
        for (number, name) in ["Pipeline", "Vertrieb Süd"].into_iter().enumerate() {
            let pipeline = self.put(
                PIPELINES,
                PIPELINE,
                json!({ "name": name, "order_nr": number + 1 }),
                DAY * 500,
            );
            for (place, stage) in [
                "Qualified",
                "Contact Made",
                "Demo",
                "Proposal",
                "Negotiations",
            ]
            .into_iter()
            .enumerate()
            {
                let set = json!({ "name": stage, "order_nr": place + 1, "pipeline_id": pipeline });
                self.put(STAGES, STAGE, set, DAY * 500);
            }
        }
        for (place, (name, key)) in KINDS.iter().enumerate() {
            let set = json!({ "name": name, "icon_key": key, "color": "FFFFFF", "order_nr": place + 1, "key_string": key, "is_custom_flag": false });
            self.put(ACTIVITY_TYPES, ACTIVITY_TYPE, set, DAY * 500);
        }
    }

    fn customs(&mut self) {
        for table in [PERSONS, ORGANIZATIONS, DEALS, PRODUCTS] {
            for kind in custom::TYPES {
                let options = ["Rot", "Grün", "Blau"];
                let field =
                    metadata::make(table, &format!("Custom {kind}"), kind, options.into_iter());
                if let Ok(id) = self.company.records.insert(CUSTOM_FIELDS, field)
                    && let Some(field) = self.company.records.get_mut(CUSTOM_FIELDS, id)
                {
                    metadata::identify(field, id);
                }
            }
        }
    }

    /// A value for each custom field of a table; every third record has none.
    fn custom_values(&mut self, table: &'static str, number: u64) -> Value {
        if number % 3 == 2 {
            return json!({});
        }
        let fields: Vec<(String, String)> = custom::of(self.company, table)
            .filter_map(|field| {
                Some((
                    field["key"].as_str()?.to_owned(),
                    field["field_type"].as_str()?.to_owned(),
                ))
            })
            .collect();
        let mut values = Record::new();
        for (key, kind) in fields {
            let value = match kind.as_str() {
                "double" => json!(number as f64 * 1.5),
                "date" => json!("2026-02-28"),
                "daterange" => json!({ "value": "2026-02-01", "until": "2026-02-28" }),
                "time" => json!({ "value": "10:30:00", "timezone_id": null }),
                "timerange" => {
                    json!({ "value": "10:30:00", "until": "11:00:00", "timezone_id": null })
                }
                "set" => json!([number % 3 + 1]),
                "enum" => json!(number % 3 + 1),
                "address" => {
                    json!({ "value": "Straße 1, Berlin", "locality": "Berlin", "country": "Germany", "postal_code": "10115", "formatted_address": "Straße 1, 10115 Berlin, Germany" })
                }
                "monetary" => json!({ "value": number * 10, "currency": "EUR" }),
                "user" => json!(self.user),
                "org" => json!(some(true, 1, self.amounts.organizations)),
                "people" => json!(some(
                    self.amounts.persons > number && table != PERSONS,
                    1,
                    self.amounts.persons
                )),
                _ => json!(self.seed.sentence()),
            };
            values.insert(key, value);
        }
        Value::Object(values)
    }

    fn organization(&mut self, number: u64) {
        let word = self.seed.pick(&[
            "Acme",
            "Œuvre",
            "Łódź Works",
            "株式会社",
            "O'Neill & Söhne",
            "100% GmbH",
        ]);
        let address = json!({
            "value": format!("Hauptstraße {number}, Berlin"), "street_number": number.to_string(), "route": "Hauptstraße",
            "sublocality": null, "locality": "Berlin", "admin_area_level_1": "Berlin", "admin_area_level_2": null, "country": "Germany",
            "postal_code": "10115", "formatted_address": null, "subpremise": null,
        });
        let set = json!({
            "name": format!("{word} {}", number + 1),
            "address": if number % 4 == 3 { Value::Null } else { address },
            "is_deleted": number % 80 == 79,
            "custom_fields": self.custom_values(ORGANIZATIONS, number),
        });
        // Five at a time share their moment.
        self.put(
            ORGANIZATIONS,
            ORGANIZATION,
            set,
            DAY * 300 - (number / 5) as i64 * HOUR,
        );
    }

    fn person(&mut self, number: u64) {
        let (first, last) = (self.seed.first_name(), self.seed.last_name());
        let email = json!([{ "value": format!("person{}@example.com", number + 1), "primary": true, "label": "work" }]);
        let set = json!({
            "name": format!("{first} {last}"), "first_name": first, "last_name": last,
            "emails": if number % 7 == 6 { json!([]) } else { email },
            "phones": if number % 5 == 4 { json!([]) } else { json!([{ "value": format!("+49 30 {number:06}"), "primary": true, "label": "mobile" }]) },
            "org_id": some(number % 4 != 3, number % self.amounts.organizations.max(1) + 1, self.amounts.organizations),
            "notes": if number == 5 { json!(self.seed.long_text()) } else { Value::Null },
            "is_deleted": number % 100 == 99,
            "custom_fields": self.custom_values(PERSONS, number),
        });
        self.put(
            PERSONS,
            PERSON,
            set,
            DAY * 250 - (number / 20) as i64 * DAY / 4,
        );
    }

    fn deal(&mut self, number: u64) {
        let status = self.seed.pick(&["open", "open", "open", "won", "lost"]);
        let ago = DAY * 120 - (number / 15) as i64 * DAY;
        let closed = json!(self.at(ago - DAY));
        let when = |wanted: &str| {
            if status == wanted {
                closed.clone()
            } else {
                Value::Null
            }
        };
        let deleted = number % 90 == 89;
        let pipeline = number % 2 + 1;
        let set = json!({
            "title": format!("{} #{}", self.seed.sentence(), number + 1),
            "value": self.seed.number(100_000) as f64 / 4.0,
            "currency": self.seed.pick(&["EUR", "USD", "JPY"]),
            "status": if deleted { "deleted" } else { status },
            "is_deleted": deleted,
            "is_archived": number % 70 == 69,
            "pipeline_id": pipeline,
            "stage_id": (pipeline - 1) * 5 + number % 5 + 1,
            "person_id": some(number % 3 != 2, number % self.amounts.persons.max(1) + 1, self.amounts.persons),
            "org_id": some(number % 5 != 4, number % self.amounts.organizations.max(1) + 1, self.amounts.organizations),
            "won_time": when("won"), "lost_time": when("lost"),
            "close_time": if status == "open" { Value::Null } else { closed.clone() },
            "lost_reason": if status == "lost" { json!("zu teuer") } else { Value::Null },
            "custom_fields": self.custom_values(DEALS, number),
        });
        self.put(DEALS, DEAL, set, ago);
    }

    fn lead(&mut self, number: u64) {
        let person = some(
            number.is_multiple_of(2),
            number % self.amounts.persons.max(1) + 1,
            self.amounts.persons,
        );
        let set = json!({
            "title": format!("Lead {} {}", number + 1, self.seed.sentence()), "creator_id": self.user, "person_id": person,
            "organization_id": some(person.is_none(), number % self.amounts.organizations.max(1) + 1, self.amounts.organizations),
            "value": if number.is_multiple_of(3) { Value::Null } else { json!({ "amount": number * 100, "currency": "EUR" }) },
            "is_archived": number % 40 == 39,
        });
        let id = self.put(LEADS, LEAD, set, DAY * 60 - (number / 4) as i64 * HOUR);
        if let Some(record) = self.company.records.get_mut(LEADS, id) {
            record.insert(String::from("id"), json!(visit::lead_id(id)));
        }
    }

    fn activity(&mut self, number: u64) {
        let person = some(
            number.is_multiple_of(3),
            number % self.amounts.persons.max(1) + 1,
            self.amounts.persons,
        );
        let (_, kind) = self.seed.pick(KINDS);
        let set = json!({
            "subject": self.seed.sentence(), "type": kind, "creator_user_id": self.user, "due_date": "2026-03-01", "due_time": "10:30",
            "duration": "00:30", "done": number.is_multiple_of(4),
            "marked_as_done_time": if number.is_multiple_of(4) { json!(self.at(DAY)) } else { Value::Null },
            "deal_id": some(number.is_multiple_of(2), number % self.amounts.deals.max(1) + 1, self.amounts.deals),
            "person_id": person,
            "org_id": some(number.is_multiple_of(5), number % self.amounts.organizations.max(1) + 1, self.amounts.organizations),
            "participants": person.map_or_else(|| json!([]), |person| json!([{ "person_id": person, "primary": true }])),
        });
        self.put(
            ACTIVITIES,
            ACTIVITY,
            set,
            DAY * 30 - (number / 8) as i64 * HOUR,
        );
    }

    fn file(&mut self, number: u64) {
        let bytes = Bytes::from(format!("content of file {}\n", number + 1));
        let mut record =
            files::record(&format!("datei-{}.txt", number + 1), bytes.len(), self.user);
        record.insert(
            String::from("deal_id"),
            json!(some(true, number + 1, self.amounts.deals)),
        );
        record.insert(String::from("~content_type"), json!("text/plain"));
        if let Ok(id) = self.company.records.insert(FILES, record) {
            drop(self.company.records.keep_file(FILES, id, bytes));
        }
    }

    fn mail(&mut self, number: u64) {
        let at = self.at(DAY * 3).replace('Z', ".000Z");
        let party = json!({
            "id": 1, "name": "Ada Abbott", "latest_sent": true, "email_address": "person1@example.com", "message_time": self.midnight,
            "linked_person_id": 1, "linked_person_name": "Ada Abbott", "mail_message_party_id": number + 1, "linked_organization_id": null,
        });
        // A deal has several, as deals do.
        let deal = some(true, number / 3 + 1, self.amounts.deals);
        let folder = if number.is_multiple_of(2) {
            "inbox"
        } else {
            "sent"
        };
        let thread = json!({
            "account_id": "5a6d0a1e", "user_id": self.user, "subject": self.seed.sentence(), "snippet": self.seed.sentence(), "read_flag": 0,
            "mail_tracking_status": null, "has_attachments_flag": 0, "has_inline_attachments_flag": 0, "has_real_attachments_flag": 0,
            "deleted_flag": 0, "synced_flag": 1, "smart_bcc_flag": 0, "mail_link_tracking_enabled_flag": 0,
            "parties": { "to": [party], "from": [party] }, "drafts_parties": [], "folders": [folder],
            "version": 1, "snippet_draft": null, "snippet_sent": null, "message_count": 1, "has_draft_flag": 0, "has_sent_flag": 0,
            "archived_flag": 0, "shared_flag": 1, "external_deleted_flag": 0, "first_message_to_me_flag": 0, "last_message_timestamp": at,
            "first_message_timestamp": at, "last_message_sent_timestamp": null, "last_message_received_timestamp": at, "add_time": at,
            "update_time": at, "deal_id": deal, "deal_status": "open", "lead_id": null, "all_messages_sent_flag": 0,
        });
        let thread = thread.as_object().cloned().unwrap_or_default();
        let subject = thread["subject"].clone();
        let thread = self
            .company
            .records
            .insert(MAIL_THREADS, thread)
            .unwrap_or_default();
        let person = json!({ "id": 1, "email_address": "person1@example.com", "name": "Ada Abbott", "linked_person_id": 1, "linked_person_name": "Ada Abbott", "mail_message_party_id": 1 });
        let message = json!({
            "~deal_id": deal, "~person_id": some(true, 1, self.amounts.persons), "~org_id": some(true, 1, self.amounts.organizations),
            "from": [person], "to": [person], "cc": [], "bcc": [], "body_url": format!("https://mail.storage.example/{thread}?signature=sandbox"),
            "account_id": "5a6d0a1e", "user_id": self.user, "mail_thread_id": thread, "subject": subject, "snippet": "…",
            "mail_tracking_status": null, "mail_link_tracking_enabled_flag": 0, "read_flag": 1, "draft": "", "draft_flag": 0,
            "synced_flag": 1, "deleted_flag": 0, "has_body_flag": 1, "sent_flag": 1, "sent_from_pipedrive_flag": 0, "smart_bcc_flag": 0,
            "message_time": at, "add_time": at, "update_time": at, "has_attachments_flag": 0, "has_inline_attachments_flag": 0,
            "has_real_attachments_flag": 0,
        });
        drop(self.company.records.insert(
            MAIL_MESSAGES,
            message.as_object().cloned().unwrap_or_default(),
        ));
    }
}
