//! An admitted call about records: what it brings, and the envelopes of both API versions.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::errors::{self, Refusal};
use super::front::Outcome;
use super::resources::Resource;
use super::shape::Shower;
use super::world::{Company, World};
use crate::answer;
use crate::form::Form;
use crate::records::{Full, Record, Store};
use crate::vendor::Call;

const PAGE: usize = 100;
const LARGEST_PAGE: usize = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    One,
    Two,
}

/// What v1 lists say of their page.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    pub start: usize,
    pub limit: usize,
    pub more: bool,
}

pub struct Visit<'a> {
    pub world: &'a mut World,
    pub user: u64,
    pub company: u64,
    pub call: &'a Call,
    pub query: Form,
    pub version: Version,
    pub resource: &'static Resource,
    pub parameters: Vec<&'a str>,
}

impl Visit<'_> {
    pub fn company(&self) -> &Company {
        &self.world.companies[&self.company]
    }

    pub fn store(&self) -> &Store {
        &self.company().records
    }

    /// The company was found when the call was admitted.
    pub fn store_mut(&mut self) -> Result<&mut Store, Refusal> {
        let company = self.world.companies.get_mut(&self.company);
        company
            .map(|company| &mut company.records)
            .ok_or(Refusal::Unauthorized)
    }

    pub fn shower(&self) -> Shower<'_> {
        Shower::new(self.company(), &self.world.users)
    }

    /// The number at a place of the path. Leads are called by a text that holds their number.
    pub fn number(&self, place: usize) -> Result<u64, Refusal> {
        let text = self.parameters.get(place).copied().unwrap_or_default();
        number_of(text).ok_or_else(|| self.not_found())
    }

    pub fn record(&self) -> Result<&Record, Refusal> {
        let record = self.store().get(self.resource.table, self.number(0)?);
        record.ok_or_else(|| self.not_found())
    }

    pub fn not_found(&self) -> Refusal {
        match self.version {
            Version::One => errors::said(
                StatusCode::NOT_FOUND,
                &format!("{} not found", self.resource.word),
            ),
            Version::Two => errors::entity_not_found(),
        }
    }

    pub fn body(&self) -> Result<Map<String, Value>, Refusal> {
        let text = self.call.body.as_ref();
        if text.is_empty() {
            return Ok(Map::new());
        }
        // v1 takes forms as well.
        if let Some(form) = Form::of(self.call).filter(|_| self.version == Version::One) {
            return Ok(form
                .into_pairs()
                .into_iter()
                .map(|(name, value)| (name, json!(value)))
                .collect());
        }
        serde_json::from_slice(text)
            .map_err(|_| errors::invalid("The request body is not valid JSON."))
    }

    /// The page that v1 is asked for. More than the most is cut to it; what is no number is a mistake.
    pub fn page(&self, most: usize) -> Result<(usize, usize), Refusal> {
        let number = |name: &str, default| match self.query.filled(name) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .map_err(|_| errors::invalid(&format!("{name} must be a number"))),
        };
        let limit: usize = number("limit", PAGE)?;
        if limit == 0 {
            return Err(errors::invalid("limit must be at least 1"));
        }
        Ok((number("start", 0)?, limit.min(most)))
    }

    /// v1: one object, with the linked ones beside it.
    pub fn one(&self, status: u16, record: &Record) -> Outcome {
        let shower = self.shower();
        let body = match self.version {
            Version::One => {
                let data = shower.v1(self.resource, record);
                let mut body = json!({ "success": true, "data": data });
                if self.related() {
                    body["related_objects"] = shower.related();
                }
                body
            }
            Version::Two => {
                json!({ "success": true, "data": shower.v2(self.resource, record, &self.includes()?) })
            }
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        Ok(answer::json(status, &body))
    }

    pub fn related(&self) -> bool {
        use super::shape::Show::{Organization, Person, User};
        let mut shape = self.resource.v1_shape.iter();
        shape.any(|(_, show)| matches!(show, User(_) | Person(_) | Organization(_)))
    }

    /// What v2 adds on demand; unknown names are refused.
    pub fn includes(&self) -> Result<Vec<String>, Refusal> {
        let names = self.query.filled("include_fields").unwrap_or_default();
        let names: Vec<String> = names
            .split(',')
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        let known = |name: &String| {
            self.resource.v2_includes.contains(&name.as_str())
                || name == "marketing_status"
                || name == "doi_status"
        };
        match names.iter().find(|name| !known(name)) {
            Some(name) => Err(errors::schema(&format!(
                "include_fields: {name} is not a known field"
            ))),
            None => Ok(names),
        }
    }

    /// The bytes behind a cursor: the sort value and the number of the last record.
    pub fn cursor(&self) -> Result<Option<(Value, u64)>, Refusal> {
        let Some(text) = self.query.filled("cursor") else {
            return Ok(None);
        };
        let wrong = || errors::schema("cursor: Invalid cursor");
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
        let cursor: Value = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
        let id = cursor["id"].as_u64().ok_or_else(wrong)?;
        Ok(Some((cursor["after"].clone(), id)))
    }

    /// The size of a page in v2, where too much is a mistake.
    pub fn limit(&self) -> Result<usize, Refusal> {
        let Some(text) = self.query.filled("limit") else {
            return Ok(PAGE);
        };
        let limit = text
            .parse()
            .ok()
            .filter(|limit| (1..=LARGEST_PAGE).contains(limit));
        limit.ok_or_else(|| errors::schema("limit: must be a number from 1 to 500"))
    }
}

/// Leads have texts for numbers.
pub fn number_of(text: &str) -> Option<u64> {
    match text.strip_prefix(LEAD) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

const LEAD: &str = "5a6d0a1e-0000-4000-8000-";

pub fn lead_id(number: u64) -> String {
    format!("{LEAD}{number:012x}")
}

pub fn cursor_after(value: &Value, id: u64) -> String {
    URL_SAFE_NO_PAD.encode(json!({ "after": value, "id": id }).to_string())
}

/// v1: an empty list is null, and `next_start` is there only while there is more.
pub fn v1_list(rows: Vec<Value>, page: Option<Page>, related: Option<Value>) -> Value {
    let data = if rows.is_empty() {
        Value::Null
    } else {
        Value::Array(rows)
    };
    let mut body = json!({ "success": true, "data": data });
    if let Some(Page { start, limit, more }) = page {
        let mut pagination =
            json!({ "start": start, "limit": limit, "more_items_in_collection": more });
        if more {
            pagination["next_start"] = json!(start + limit);
        }
        body["additional_data"] = json!({ "pagination": pagination });
    }
    if let Some(related) = related {
        body["related_objects"] = related;
    }
    body
}

/// The sandbox itself has no room, in the vendor's form so that callers can read it.
pub fn full(Full(text): Full) -> Refusal {
    errors::said(StatusCode::INSUFFICIENT_STORAGE, &text)
}
