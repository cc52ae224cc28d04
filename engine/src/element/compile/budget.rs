//! `bunsen.budget`: what the vendor lets an account do.

use std::time::Duration;

use http::HeaderName;

use super::Checker;
use crate::element::definition::ElementDefinition;
use crate::element::{Budget, Weights};

pub(super) fn budgets(definition: &ElementDefinition, checker: &mut Checker<'_>) -> Vec<Budget> {
    let mut budgets = Vec::new();
    for (index, words) in definition.bunsen.budget.0.iter().enumerate() {
        let place = format!("bunsen.budget[{index}]");
        for (index, key) in words.account.iter().enumerate() {
            let place = format!("{place}.account[{index}]");
            checker.known_key(&place, None, key);
            if checker.secrets.contains(key) {
                let message = format!("{key:?} is secret; name the account by what is none");
                checker.wrong(place, message);
            }
        }
        let mut header = |member: &str, name: &Option<String>| {
            let name = name.as_ref()?;
            let parsed = HeaderName::try_from(name.as_str()).ok();
            if parsed.is_none() {
                let message = format!("{name:?} is no name of a header");
                checker.wrong(format!("{place}.headers.{member}"), message);
            }
            parsed
        };
        let headers = &words.headers;
        let budget = Budget {
            calls: words.calls.unwrap_or(1),
            window: Duration::from_secs(words.seconds.unwrap_or(1)),
            account: words.account.clone(),
            weights: words.weights.as_ref().map(|weights| Weights {
                list: weights.list.unwrap_or(1),
                read: weights.read.unwrap_or(1),
                write: weights.write.unwrap_or(1),
                delete: weights.delete.unwrap_or(1),
            }),
            limit: header("limit", &headers.limit),
            remaining: header("remaining", &headers.remaining),
            reset: header("reset", &headers.reset),
        };
        budgets.push(budget);
    }
    budgets
}
