//! What holds for every list of every element, tried by the machine: pages, tokens, counts, `where`,
//! `orderBy`, `fields`, nulls.

mod check;
mod operators;
mod search;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::definition::{Operation, is_variable};
use super::pattern::{Kept, pairs};
use super::place::{Instance, Place, Sent};
use super::run::conventions;
use super::{elements, of_every_element};
use crate::server::examples;

/// `cases/lists.json`: what the machine cannot know.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Hints {
    #[expect(dead_code, reason = "for people")]
    note: Option<String>,
    /// By path of the operation.
    #[serde(default)]
    pub lists: Map<String, Value>,
    /// Searches that are not tried, with the reason.
    #[serde(default)]
    pub unlike: Vec<Unlike>,
    /// Calls with an id that is not there, whose answer is another than 404, with the reason.
    #[serde(default)]
    pub missing: Vec<Missing>,
    #[serde(default)]
    pub records: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unlike {
    list: String,
    field: String,
    #[expect(dead_code, reason = "for people")]
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Missing {
    pub call: String,
    pub status: u16,
    #[expect(dead_code, reason = "for people")]
    why: String,
}

impl Hints {
    pub fn of(key: &str) -> Self {
        let path = elements().join(key).join("cases/lists.json");
        match path.exists() {
            true => Self::deserialize(super::read(&path))
                .unwrap_or_else(|error| panic!("{}: {error}", path.display())),
            false => Self::default(),
        }
    }
}

/// One list of one instance.
#[derive(Clone)]
pub struct List<'a> {
    pub place: &'a Place,
    pub instance: Instance,
    pub operation: &'a Operation,
    /// With the ids of the records that it belongs to.
    pub path: String,
    /// What every call of it needs.
    query: Vec<(String, String)>,
}

/// An answer of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    pub records: Vec<Value>,
    pub next: Option<String>,
    pub total: Option<u64>,
    /// `Elements-Error`.
    pub notice: Option<String>,
    /// `Elements-Filtered-Here`.
    pub filtered: Option<String>,
}

impl<'a> List<'a> {
    /// `Err`: no record of the list that it belongs to has enough of them.
    pub async fn find(
        place: &'a Place,
        hints: &Hints,
        operation: &'a Operation,
    ) -> Result<Self, String> {
        let hint = &hints
            .lists
            .get(&operation.path)
            .cloned()
            .unwrap_or_default();
        let query = hint["query"].as_object().cloned().unwrap_or_default();
        let mut list = Self {
            place,
            instance: place.instance(&Map::new()).await,
            operation,
            path: operation.path.clone(),
            query: pairs(&query, &Kept::new()),
        };
        for call in hint["before"].as_array().into_iter().flatten() {
            let (method, path) = call["call"]
                .as_str()
                .and_then(|call| call.split_once(' '))
                .expect("a call");
            let answer = place
                .send_json(&list.instance, method, path, &call["body"])
                .await;
            if answer.status != 200 {
                return Err(format!("{method} {path} before {operation}: {answer}"));
            }
        }
        if let Some(path) = hint["path"].as_str() {
            list.path = path.to_owned();
            return Ok(list);
        }
        let Some((above, below)) = split(&operation.path) else {
            return Ok(list);
        };
        let mut best = (0, String::new());
        for id in list.ids(&above).await? {
            list.path = format!("{above}/{id}{below}");
            let found = list.page(&[("pageSize", "5")]).await?.records.len();
            if found > best.0 {
                best = (found, list.path.clone());
            }
            if found == 5 {
                break;
            }
        }
        if best.0 < 2 {
            return Err(format!(
                "{operation}: no record above has two; name one in cases/lists.json"
            ));
        }
        list.path = best.1;
        Ok(list)
    }

    /// The list at a path that is known.
    pub async fn at(place: &'a Place, operation: &'a Operation, path: &str) -> Self {
        Self {
            place,
            instance: place.instance(&Map::new()).await,
            operation,
            path: path.to_owned(),
            query: Vec::new(),
        }
    }

    /// Ids of some records of another list.
    async fn ids(&self, path: &str) -> Result<Vec<String>, String> {
        let other = self.place.definition.operation("GET", path);
        let operation = other.ok_or_else(|| format!("{path} is no list"))?;
        let above = Self {
            operation,
            path: path.to_owned(),
            query: Vec::new(),
            ..self.clone()
        };
        let page = above.page(&[("pageSize", "40")]).await?;
        Ok(page.records.iter().map(|record| above.id(record)).collect())
    }

    /// The record without our side's envelope.
    pub fn inner<'r>(&self, record: &'r Value) -> &'r Value {
        match self.operation.wrap() {
            Some(wrap) => &record[wrap],
            None => record,
        }
    }

    pub fn id(&self, record: &Value) -> String {
        match &self.inner(record)["id"] {
            Value::String(id) => id.clone(),
            other => other.to_string(),
        }
    }

    pub async fn page(&self, query: &[(&str, &str)]) -> Result<Page, String> {
        let answer = self.answer(query).await;
        let failed = |what: &str| Err(format!("GET {} {query:?}: {what}: {answer}", self.path));
        if answer.status != 200 {
            return failed("expected a list");
        }
        if let Some(mistake) = conventions(&self.instance, &answer).first() {
            return failed(mistake);
        }
        let Ok(Value::Array(records)) = serde_json::from_str(&answer.text) else {
            return failed("expected an array");
        };
        let header = |name: &str| answer.header(name).map(str::to_owned);
        Ok(Page {
            next: header("elements-next-page-token"),
            total: header("elements-total-count").map(|total| total.parse().expect("a number")),
            notice: header("elements-error"),
            filtered: header("elements-filtered-here"),
            records,
        })
    }

    pub async fn answer(&self, query: &[(&str, &str)]) -> crate::answer::Answer {
        let mut all = self.query.clone();
        all.extend(
            query
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        let sent = Sent {
            query: all,
            ..Sent::default()
        };
        self.place
            .send(&self.instance, "GET", &self.path, sent)
            .await
    }

    /// Every record, by tokens.
    pub async fn walk(&self, query: &[(&str, &str)]) -> Result<Vec<Value>, String> {
        let mut page = self.page(query).await?;
        let mut records = page.records;
        for _ in 0..60 {
            let Some(token) = page.next else {
                return Ok(records);
            };
            page = self.page(&[("nextPage", &token)]).await?;
            records.append(&mut page.records);
        }
        Err(format!(
            "GET {} {query:?}: sixty pages and no end",
            self.path
        ))
    }
}

/// `/accounts/{id}/notes` as `/accounts` and `/notes`.
pub fn split(path: &str) -> Option<(String, String)> {
    let segments: Vec<&str> = path.split('/').collect();
    let at = segments.iter().position(|segment| is_variable(segment))?;
    let below: String = segments[at + 1..]
        .iter()
        .map(|segment| format!("/{segment}"))
        .collect();
    Some((segments[..at].join("/"), below))
}

/// Runs `check` for every list of every element.
fn of_every_list(check: impl AsyncFn(&List<'_>, &Hints) -> Vec<String> + Sync) {
    of_every_element(async |place, findings| {
        let hints = Hints::of(&place.definition.key);
        for operation in place.definition.lists() {
            let what = format!("{} {operation}", place.definition.key);
            let mistakes = match List::find(place, &hints, operation).await {
                Ok(list) => check(&list, &hints).await,
                Err(mistake) => vec![mistake],
            };
            for mistake in mistakes {
                findings.add(format!("{what}: {mistake}"));
            }
        }
    });
}

/// Every example is of somebody who may call, whatever the credentials.
#[test]
fn a_list_by_the_credentials_of_every_example() {
    of_every_element(async |place, findings| {
        let key = &place.definition.key;
        let mut lists = place.definition.lists();
        // An element may have none but those by the vendor's names.
        let Some(list) = lists.find(|list| split(&list.path).is_none()) else {
            return;
        };
        let path = &list.path;
        for (name, body) in examples() {
            if body["element"]["key"] != key.as_str() {
                continue;
            }
            let instance = place.made_of(&body).await;
            let answer = place.get(&instance, path, &[("pageSize", "1")]).await;
            findings.status(&format!("{name}, GET {path}"), &answer, 200);
            findings.check(
                answer.header("elements-returned-count") == Some("1"),
                || format!("{name}, GET {path}: {answer}"),
            );
        }
    });
}

#[test]
fn pages_of_every_list() {
    of_every_list(async |list, _| check::everything(list).await);
}

#[test]
fn searches_in_every_list() {
    of_every_list(async |list, hints| search::of_every_field(list, hints).await);
}

#[test]
fn operators_in_every_list() {
    of_every_list(async |list, hints| operators::of_every_field(list, hints).await);
}
