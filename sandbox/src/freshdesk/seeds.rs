//! The records of the start: the same in every run, but for times, which are counted back from today.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::accounts::Account;
use super::attachments::PER_ACCOUNT;
use super::resources::{
    ATTACHMENTS, COMPANIES, COMPANY, CONTACT, CONTACTS, CONVERSATION, CONVERSATIONS, PRIORITIES,
    PRODUCT, PRODUCTS, RATING, RATING_VALUES, RATINGS, TICKET, TICKETS, TIME_ENTRIES, TIME_ENTRY,
    TYPES,
};
use super::rows;
use crate::records::fields::{Field, blank};
use crate::records::seeds::Seed;
use crate::records::times;

/// How many of each an account begins with.
#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Amounts {
    pub companies: u64,
    pub contacts: u64,
    pub tickets: u64,
    /// Notes and replies, all on the first tickets.
    pub conversations: u64,
    pub products: u64,
    pub time_entries: u64,
    pub satisfaction_ratings: u64,
}

impl Amounts {
    /// Enough that pages mean something.
    pub fn plenty() -> Self {
        Self {
            companies: 130,
            contacts: 320,
            tickets: 360,
            conversations: 140,
            products: 3,
            time_entries: 45,
            satisfaction_ratings: 40,
        }
    }

    pub fn total(&self) -> u64 {
        let parts = [
            self.companies,
            self.contacts,
            self.tickets,
            self.conversations,
            self.products,
            self.time_entries,
            self.satisfaction_ratings,
        ];
        parts.into_iter().fold(0, u64::saturating_add)
    }
}

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

struct Seeding<'a> {
    account: &'a mut Account,
    seed: Seed,
    midnight: i64,
}

pub fn fill(account: &mut Account, amounts: Amounts) {
    let first = account.id * PER_ACCOUNT + 1;
    account.records.begin(ATTACHMENTS, first);
    for (table, first) in [
        (CONTACTS, 4001),
        (COMPANIES, 2001),
        (CONVERSATIONS, 7001),
        (PRODUCTS, 3001),
        (TIME_ENTRIES, 6001),
        (RATINGS, 9001),
    ] {
        account.records.begin(table, first);
    }
    let now = Timestamp::now().as_second();
    let mut seeding = Seeding {
        account,
        seed: Seed::new(20_260_101),
        midnight: now - now.rem_euclid(DAY),
    };
    for number in 0..amounts.companies {
        seeding.company(number);
    }
    for number in 0..amounts.contacts {
        seeding.contact(number, amounts.companies);
    }
    for number in 0..amounts.products {
        let name = format!("Product {}", number + 1);
        let set = json!({ "name": name, "description": null, "primary_email": null });
        seeding.put(PRODUCTS, PRODUCT, set, DAY * 400);
    }
    for number in 0..amounts.tickets {
        seeding.ticket(number, amounts.contacts);
    }
    for number in 0..amounts.conversations {
        seeding.conversation(number, amounts.tickets);
    }
    for number in 0..amounts.time_entries {
        seeding.time_entry(number, amounts.tickets);
    }
    for number in 0..amounts.satisfaction_ratings {
        seeding.rating(number, amounts.tickets);
    }
}

impl Seeding<'_> {
    fn at(&self, ago: i64) -> String {
        times::shown(self.midnight - ago)
    }

    /// Puts a record in that was made so many seconds before today and not changed since, unless it says so itself.
    fn put(&mut self, table: &'static str, fields: &[Field], set: Value, ago: i64) {
        let mut record = blank(fields);
        let at = json!(self.at(ago));
        record.insert(String::from("created_at"), at.clone());
        record.insert(String::from("updated_at"), at);
        rows::merge(&mut record, set.as_object().cloned().unwrap_or_default());
        // Control calls check that there is room.
        drop(self.account.records.insert(table, record));
    }

    fn company(&mut self, number: u64) {
        let words = [
            "Acme",
            "Nordlicht",
            "Übermut",
            "Société",
            "株式会社",
            "O'Hara & Sons",
            "Globex",
        ];
        let name = format!("{} {}", words[number as usize % words.len()], number + 1);
        let seed = &mut self.seed;
        let set = json!({
            "name": name,
            "description": if seed.once_in(3) { json!(seed.sentence()) } else { Value::Null },
            "note": if seed.once_in(40) { json!(seed.long_text()) } else { Value::Null },
            "domains": if number % 5 == 4 { json!([]) } else { json!([format!("company{}.example", number + 1)]) },
            "industry": if seed.once_in(2) { json!("Automotive") } else { Value::Null },
            "custom_fields": {
                "cf_region": seed.pick(&[json!("north"), json!("süd"), Value::Null]),
                "cf_history": Value::Null,
                "cf_partner": seed.pick(&[json!(true), json!(false), Value::Null]),
                "cf_employees": seed.number(5000),
                "cf_revenue": seed.number(1_000_000) as f64 / 4.0,
                "cf_sector": seed.pick(&[json!("finance"), json!("retail"), json!("public"), Value::Null]),
                "cf_signed_on": "2021-02-28",
            },
        });
        // Three at a time share their moment.
        self.put(
            COMPANIES,
            COMPANY,
            set,
            DAY * 500 - (number / 3) as i64 * HOUR,
        );
    }

    fn contact(&mut self, number: u64, companies: u64) {
        let seed = &mut self.seed;
        let name = format!("{} {}", seed.first_name(), seed.last_name());
        // Every ninth has a phone alone.
        let reachable = number % 9 != 8;
        let deleted = number % 50 == 49;
        let blocked = number % 60 == 59;
        let company = (companies > 0 && number % 4 != 3).then(|| 2001 + number % companies);
        let mut set = json!({
            "name": name,
            "email": reachable.then(|| format!("contact{}@company{}.example", number + 1, number % 130 + 1)),
            "phone": format!("+49 30 {:06}", 100_000 + number),
            "mobile": seed.pick(&[Value::Null, json!(format!("+1 555 {number:04}"))]),
            "active": !number.is_multiple_of(3),
            "company_id": company,
            "job_title": seed.pick(&[Value::Null, json!("Buyer"), json!("Geschäftsführerin")]),
            "description": if number == 7 { json!(seed.long_text()) } else { Value::Null },
            "tags": if seed.once_in(4) { json!(["vip", "naïve"]) } else { json!([]) },
            "unique_external_id": if number.is_multiple_of(10) { json!(format!("ext-{number}")) } else { Value::Null },
            "custom_fields": {
                "cf_department": seed.pick(&[json!("Sales"), json!("Einkauf"), Value::Null]),
                "cf_notes": Value::Null,
                "cf_vip": seed.pick(&[json!(true), json!(false)]),
                "cf_floor": seed.number(40),
                "cf_discount": seed.number(50) as f64 / 2.0,
                "cf_segment": seed.pick(&[json!("Small"), json!("Medium"), json!("Large"), Value::Null]),
                "cf_met_on": "2020-02-29",
            },
        });
        if deleted {
            set["deleted"] = json!(true);
        }
        if blocked {
            set["~blocked"] = json!(true);
        }
        // Ten at a time share their moment.
        let ago = DAY * 200 - (number / 10) as i64 * DAY;
        set["updated_at"] = json!(self.at(ago - (number % 2) as i64 * HOUR));
        self.put(CONTACTS, CONTACT, set, ago);
    }

    fn ticket(&mut self, number: u64, contacts: u64) {
        let agents: Vec<u64> = self.account.agents.keys().copied().collect();
        let seed = &mut self.seed;
        let description = if number == 11 {
            seed.long_text()
        } else {
            seed.sentence()
        };
        let status = seed.pick(&[2, 2, 3, 4, 5, 6, 7]);
        let subject = format!("{} #{}", seed.sentence(), number + 1);
        let responder = seed
            .once_in(3)
            .then(|| agents.get(number as usize % agents.len().max(1)).copied());
        let mut set = json!({
            "subject": subject,
            "description": format!("<div>{}</div>", html_escape::encode_text(&description)),
            "description_text": description,
            "structured_description": { "description_contents": [{ "type": "text", "data": { "content": description } }] },
            "status": status,
            "~status": status,
            "priority": seed.pick(PRIORITIES),
            "source": seed.pick(&[1, 2, 3, 7]),
            "type": seed.pick(&[Value::Null, json!(TYPES[0]), json!(TYPES[1]), json!(TYPES[3])]),
            "requester_id": if contacts == 0 { Value::Null } else { json!(4001 + number % contacts) },
            "responder_id": responder.flatten(),
            "product_id": Value::Null,
            "tags": seed.pick(&[json!([]), json!(["billing"]), json!(["größe", "two words"])]),
            "custom_fields": {
                "cf_reference": format!("R-{:05}", number + 1),
                "cf_long_story": Value::Null,
                "cf_urgent_call": seed.pick(&[json!(true), json!(false), Value::Null]),
                "cf_seats": seed.number(100),
                "cf_amount": seed.number(10_000) as f64 / 8.0,
                "cf_category": seed.pick(&[json!("Primary"), json!("Secondary"), json!("Außerhalb"), Value::Null]),
                "cf_visit_on": "2026-02-28",
            },
        });
        // Two thirds within the window of the list, the rest older; seven at a time share their moment.
        let ago = match number % 3 {
            0 => DAY * 40 + (number / 21) as i64 * DAY,
            _ => (number / 21) as i64 * DAY,
        };
        let company = set["requester_id"]
            .as_u64()
            .and_then(|id| self.account.records.get(CONTACTS, id));
        set["company_id"] = company.map_or(Value::Null, |contact| contact["company_id"].clone());
        set["due_by"] = json!(self.at(ago - 3 * DAY));
        set["fr_due_by"] = json!(self.at(ago - DAY));
        match number % 45 {
            43 => set["deleted"] = json!(true),
            44 => set["spam"] = json!(true),
            _ => {}
        }
        self.put(TICKETS, TICKET, set, ago);
    }

    fn conversation(&mut self, number: u64, tickets: u64) {
        if tickets == 0 {
            return;
        }
        // The first ticket has more than a page, the others a few.
        let ticket = if number < 105 {
            1
        } else {
            2 + number % tickets.min(12)
        };
        let body = self.seed.sentence();
        let note = number.is_multiple_of(2);
        let set = json!({
            "body": format!("<div>{}</div>", html_escape::encode_text(&body)),
            "body_text": body,
            "private": note,
            "source": if note { 2 } else { 0 },
            "user_id": 431,
            "ticket_id": ticket,
        });
        self.put(
            CONVERSATIONS,
            CONVERSATION,
            set,
            DAY * 30 - (number / 2) as i64 * HOUR,
        );
    }

    fn time_entry(&mut self, number: u64, tickets: u64) {
        let at = self.at(DAY * 20);
        let set = json!({
            "agent_id": 431, "billable": number.is_multiple_of(2), "executed_at": at, "start_time": at, "time_spent": "01:30",
            "note": self.seed.sentence(), "ticket_id": number % tickets.max(1) + 1,
        });
        self.put(TIME_ENTRIES, TIME_ENTRY, set, DAY * 20);
    }

    fn rating(&mut self, number: u64, tickets: u64) {
        let answer = self.seed.pick(RATING_VALUES);
        let set = json!({
            "survey_id": 1, "user_id": 4001 + number, "agent_id": 431, "feedback": self.seed.sentence(),
            "ticket_id": number % tickets.max(1) + 1, "ratings": { "default_question": answer },
        });
        self.put(RATINGS, RATING, set, DAY * 10 - number as i64 * HOUR);
    }
}
