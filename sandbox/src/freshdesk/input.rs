//! Reading what callers send, strictly as the vendor does, and cutting lists into pages.

use http::header::LINK;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::errors::{self, Mistake, Refusal};
use crate::answer::{self, Answer};

const DEFAULT_PAGE_SIZE: usize = 30;
const LARGEST_PAGE: usize = 100;

/// The parameters of a call, all of them known.
#[derive(Debug)]
pub struct Query(Vec<(String, String)>);

impl Query {
    pub fn parse(text: &str, known: &[&str]) -> Result<Self, Refusal> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(text.as_bytes())
            .into_owned()
            .collect();
        let unknown = pairs
            .iter()
            .filter(|(name, _)| !known.contains(&name.as_str()));
        let mistakes: Vec<Mistake> = unknown.map(|(name, _)| Mistake::unknown(name)).collect();
        if mistakes.is_empty() {
            return Ok(Self(pairs));
        }
        Err(Refusal::Fields(StatusCode::BAD_REQUEST, mistakes))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.iter();
        pairs
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// One page of a list that is complete in memory.
    pub fn page<T: Serialize>(
        &self,
        rows: &[T],
        host: &str,
        path: &str,
    ) -> Result<Answer, Refusal> {
        let (from, to) = self.range(rows.len())?;
        self.answer(&&rows[from..to], to < rows.len(), host, path)
    }

    /// Where the asked page of so many rows begins and ends.
    pub fn range(&self, rows: usize) -> Result<(usize, usize), Refusal> {
        let page = self.number("page", 1, usize::MAX)?;
        let size = self.number("per_page", DEFAULT_PAGE_SIZE, LARGEST_PAGE)?;
        let from = (page - 1).saturating_mul(size).min(rows);
        Ok((from, from.saturating_add(size).min(rows)))
    }

    /// The answer with a page. `Link` is there only while another page exists, and there is no total count.
    pub fn answer(
        &self,
        shown: &impl Serialize,
        more: bool,
        host: &str,
        path: &str,
    ) -> Result<Answer, Refusal> {
        let page = self.number("page", 1, usize::MAX)?;
        let size = self.number("per_page", DEFAULT_PAGE_SIZE, LARGEST_PAGE)?;
        let mut answer = answer::json(StatusCode::OK, shown);
        if more {
            let mut query = form_urlencoded::Serializer::new(String::new());
            let others = self
                .0
                .iter()
                .filter(|(name, _)| name != "page" && name != "per_page");
            query.extend_pairs(others);
            query.append_pair("page", &(page + 1).to_string());
            query.append_pair("per_page", &size.to_string());
            let link = format!("<https://{host}{path}?{}>; rel=\"next\"", query.finish());
            if let Ok(link) = HeaderValue::try_from(link) {
                answer.headers_mut().insert(LINK, link);
            }
        }
        Ok(answer)
    }

    /// Too large is a mistake, not a cap.
    pub fn number(&self, name: &str, default: usize, most: usize) -> Result<usize, Refusal> {
        let Some(text) = self.get(name) else {
            return Ok(default);
        };
        match text.parse::<usize>() {
            Ok(number) if (1..=most).contains(&number) => Ok(number),
            Ok(_) if most < usize::MAX => {
                let message =
                    format!("It should be a Positive Integer less than or equal to {most}");
                Err(errors::invalid(Mistake::new(
                    name,
                    "invalid_value",
                    message,
                )))
            }
            _ => Err(errors::invalid(Mistake::wrong_type(
                name,
                "Positive Integer",
            ))),
        }
    }
}

/// The fields of a JSON body, taken one by one; every mistake is collected, none only first.
#[derive(Debug)]
pub struct Fields {
    left: Map<String, Value>,
    mistakes: Vec<Mistake>,
}

impl Fields {
    pub fn new(body: Map<String, Value>) -> Self {
        Self {
            left: body,
            mistakes: Vec::new(),
        }
    }

    pub fn mistake(&mut self, mistake: Mistake) {
        self.mistakes.push(mistake);
    }

    /// A field that was sent: `Some(None)` for an explicit null or a value of the wrong type.
    pub fn take<T>(
        &mut self,
        name: &str,
        wanted: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Option<Option<T>> {
        let value = self.left.remove(name)?;
        if value.is_null() {
            return Some(None);
        }
        let read = read(&value);
        if read.is_none() {
            self.mistake(Mistake::wrong_type(name, wanted));
        }
        Some(read)
    }

    pub fn text(&mut self, name: &str) -> Option<Option<String>> {
        self.take(name, "String", |value| value.as_str().map(str::to_owned))
    }

    pub fn number(&mut self, name: &str) -> Option<Option<u64>> {
        self.take(name, "Positive Integer", Value::as_u64)
    }

    pub fn numbers(&mut self, name: &str) -> Option<Option<Vec<u64>>> {
        self.take(name, "Array", |value| {
            value.as_array()?.iter().map(Value::as_u64).collect()
        })
    }

    /// Refuses what nobody took, with everything else that was wrong.
    pub fn finish(mut self) -> Result<(), Refusal> {
        let unknown: Vec<Mistake> = self
            .left
            .keys()
            .map(|name| Mistake::unknown(name))
            .collect();
        self.mistakes.extend(unknown);
        if self.mistakes.is_empty() {
            return Ok(());
        }
        Err(Refusal::Fields(StatusCode::BAD_REQUEST, self.mistakes))
    }
}
