//! How many calls a vendor lets an account make, and which account a call counts for.

use std::time::Duration;

use http::{HeaderMap, HeaderName, Method};

use super::{Element, Resource};
use crate::configuration::Values;

/// So many calls of an account in a window that begins with the first of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    pub calls: u64,
    pub window: Duration,
    /// Configuration keys whose values together name the account; empty: each instance is one.
    pub account: Vec<String>,
    /// What a call counts; `None`: one.
    pub weights: Option<Weights>,
    pub(super) limit: Option<HeaderName>,
    pub(super) remaining: Option<HeaderName>,
    pub(super) reset: Option<HeaderName>,
}

/// What calls count by their kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weights {
    pub list: u64,
    pub read: u64,
    pub write: u64,
    pub delete: u64,
}

/// What is known of a call that counts.
#[derive(Debug, Clone, Copy)]
pub enum Kind<'a> {
    Of(&'a Resource),
    /// It was written by somebody else, and the definition has none like it.
    Foreign,
    Unknown,
}

/// What the vendor's answer says of the budget.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Calls of a window.
    pub limit: Option<u64>,
    pub remaining: Option<u64>,
    /// Until the window ends.
    pub reset: Option<Duration>,
}

impl Budget {
    /// What a call counts. What is not known for certain counts as the dearest that it can be.
    pub fn weight(&self, kind: Kind<'_>) -> u64 {
        let Some(weights) = self.weights else {
            return 1;
        };
        let Weights {
            list,
            read,
            write,
            delete,
        } = weights;
        match kind {
            Kind::Of(resource) => resource.shape.weight.unwrap_or_else(|| {
                match (&resource.vendor_method, resource.shape.is_list()) {
                    (&Method::GET, true) => list,
                    (&Method::GET, false) => read,
                    (&Method::DELETE, _) => delete,
                    _ => write,
                }
            }),
            Kind::Foreign => 1,
            Kind::Unknown => list.max(read).max(write).max(delete),
        }
    }

    pub fn counted(&self, headers: &HeaderMap) -> Counted {
        let number = |name: &Option<HeaderName>| {
            let text = headers.get(name.as_ref()?)?.to_str().ok()?;
            // Some vendors write `100.0`.
            let number: f64 = text.trim().parse().ok()?;
            // What is larger than can be meant, or no number at all, ends at the type's own limits.
            (number >= 0.0).then_some(number.ceil() as u64)
        };
        Counted {
            limit: number(&self.limit).filter(|limit| (1..=LARGEST).contains(limit)),
            remaining: number(&self.remaining),
            reset: number(&self.reset)
                .filter(|seconds| *seconds <= LONGEST)
                .map(Duration::from_secs),
        }
    }
}

/// Calls of a window that a header can mean.
const LARGEST: u64 = 1_000_000_000_000;
/// Seconds; more is a clock time, not a wait.
const LONGEST: u64 = 24 * 60 * 60;

impl Element {
    /// The values of these keys as they count: filled as they are in URLs, and without case. `values`
    /// are [`Element::effective`].
    pub fn identity<'k>(&self, keys: &'k [String], values: &Values) -> Vec<(&'k str, String)> {
        let value = |key: &str| {
            let text = values.get(key).map_or("", |value| value.reveal());
            let fill = self.entry(key).and_then(|entry| entry.fill.as_ref());
            let filled = fill.and_then(|fill| fill.apply(text).ok());
            filled.unwrap_or_else(|| text.to_owned()).to_lowercase()
        };
        keys.iter().map(|key| (key.as_str(), value(key))).collect()
    }

    /// The resource whose vendor's method and path a call is that somebody else has written: `path` is
    /// raw, below `base`, the path of the base URL. That with most literal segments counts.
    pub fn passed(&self, method: &Method, base: &str, path: &str) -> Option<&Resource> {
        let method = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let fits = |resource: &&Resource| resource.vendor_method == *method;
        let fitting = self.resources.iter().filter(fits).filter_map(|resource| {
            let template = resource.vendor_path.to_string();
            let template = template.split('?').next().unwrap_or_default();
            let variables = match template.split_once("://") {
                Some((_, rest)) => {
                    let own = rest.split_once('/').map_or("", |(_, path)| path);
                    let whole = format!("{}/{}", base.trim_end_matches('/'), path);
                    variables(own, &whole)?
                }
                None => variables(template, path)?,
            };
            Some((variables, resource))
        });
        let least = fitting.min_by_key(|(variables, _)| *variables);
        least.map(|(_, resource)| resource)
    }
}

/// How many of the path's segments stand where the template has variables; `None`: it is another path.
fn variables(template: &str, path: &str) -> Option<usize> {
    let segments = |text| str::split(text, '/').filter(|segment| !segment.is_empty());
    let (mut wanted, mut given) = (segments(template), segments(path));
    let mut variables = 0;
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(variables),
            (Some(wanted), Some(_)) if wanted.contains('{') => variables += 1,
            (Some(wanted), Some(given)) if wanted == given => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_vendors_write_them() {
        let budget = Budget {
            calls: 1,
            window: Duration::from_secs(1),
            account: Vec::new(),
            weights: None,
            limit: Some(HeaderName::from_static("x-limit")),
            remaining: Some(HeaderName::from_static("x-left")),
            reset: Some(HeaderName::from_static("x-reset")),
        };
        let counted = |limit: &str, left: &str, reset: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-limit", limit.parse().unwrap());
            headers.insert("x-left", left.parse().unwrap());
            headers.insert("x-reset", reset.parse().unwrap());
            let counted = budget.counted(&headers);
            (
                counted.limit,
                counted.remaining,
                counted.reset.map(|reset| reset.as_secs()),
            )
        };
        assert_eq!(
            counted("100.0", " 99 ", "2"),
            (Some(100), Some(99), Some(2))
        );
        assert_eq!(counted("0", "-1", "1795000000"), (None, None, None));
        assert_eq!(counted("NaN", "inf", ""), (None, Some(u64::MAX), None));
        assert_eq!(budget.counted(&HeaderMap::new()), Counted::default());
    }
}
