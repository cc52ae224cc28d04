//! What every operation of every element refuses, tried by the machine: ids that are not there,
//! bodies and parameters that are missing, verbs that are not offered.

use serde_json::{Map, Value, json};

use super::definition::{Operation, is_variable};
use super::lists::Hints;
use super::of_every_element;
use super::pattern::{Kept, filled, pairs};
use super::place::{Instance, Place, Sent};
use crate::answer::{Answer, Findings, message};

#[test]
fn refusals_of_every_element() {
    of_every_element(async |place, findings| {
        let round = Round {
            place,
            hints: Hints::of(&place.definition.key),
            instance: place.instance(&Map::new()).await,
        };
        for operation in &place.definition.operations {
            round.missing_ids(operation, findings).await;
            let before = place.vendors.calls().await;
            round.missing_bodies(operation, findings).await;
            round.missing_parameters(operation, findings).await;
            round.other_verbs(operation, findings).await;
            let calls = place.vendors.calls().await - before;
            findings.check(calls == 0, || {
                format!(
                    "{} {operation}: the vendor got {calls} calls that we refused",
                    place.definition.key
                )
            });
        }
        round.other_paths(findings).await;
    });
}

/// Whatever the operation, what the vendor does wrong is said as such.
#[test]
fn failures_of_the_vendor_in_every_operation() {
    of_every_element(async |place, findings| {
        let round = Round {
            place,
            hints: Hints::of(&place.definition.key),
            instance: place.instance(&Map::new()).await,
        };
        for (fault, status) in [
            (json!({"kind": "rate_limited", "retry_after": 9}), 429),
            (json!({"kind": "status", "status": 500, "body": "{}"}), 502),
            (json!({"kind": "invalid_json"}), 502),
            (json!({"kind": "refuse"}), 502),
        ] {
            place.vendors.fault(fault.clone()).await;
            for operation in &place.definition.operations {
                let what = format!("{} {operation} under {fault}", place.definition.key);
                let answer = round.called_well(operation).await;
                if fault["kind"] == "invalid_json"
                    && answer.text.is_empty()
                    && operation.method == "DELETE"
                {
                    // Nobody reads what a vendor says of what it has deleted.
                    continue;
                }
                findings.error(&what, &answer, status);
                let after = (status == 429).then_some("9");
                findings.check(answer.header("retry-after") == after, || {
                    format!("{what}: {answer}")
                });
            }
            place
                .vendors
                .control("DELETE", "/_control/faults", None)
                .await;
        }
    });
}

struct Round<'a> {
    place: &'a Place,
    hints: Hints,
    instance: Instance,
}

impl Round<'_> {
    async fn call(&self, method: &str, path: &str, body: Option<String>) -> Answer {
        let sent = Sent {
            body,
            ..Sent::default()
        };
        self.place.send(&self.instance, method, path, sent).await
    }

    /// A path with this id in every place for one.
    fn path(operation: &Operation, id: &str) -> String {
        let segments = operation.path.split('/');
        let filled = segments.map(|segment| if is_variable(segment) { id } else { segment });
        filled.collect::<Vec<_>>().join("/")
    }

    /// A body that the vendor would take.
    fn body(&self, operation: &Operation) -> Option<String> {
        if !operation.needs_body() {
            return None;
        }
        let record = self.hints.records.iter().find(|record| {
            record["in"]
                .as_str()
                .is_some_and(|list| operation.path.starts_with(list))
        });
        let body = record.map_or(&Value::Null, |record| match record["change"].is_null() {
            true => &record["body"],
            false => &record["change"],
        });
        let body = match body {
            Value::Null => json!({"name": "x"}),
            body => filled(body, &Kept::from([("unique".to_owned(), json!("x"))])),
        };
        Some(body.to_string())
    }

    /// With everything that the operation needs, of records that may be there or not.
    async fn called_well(&self, operation: &Operation) -> Answer {
        let hint = &self
            .hints
            .lists
            .get(&operation.path)
            .cloned()
            .unwrap_or_default();
        let query = hint["query"].as_object().cloned().unwrap_or_default();
        let mut query = pairs(&query, &Kept::new());
        for parameter in operation.parameters() {
            let name = parameter["name"].as_str().unwrap_or_default();
            let needed = parameter["type"] == "query" && parameter["required"] == true;
            if needed && query.iter().all(|(known, _)| known != name) {
                query.push((name.to_owned(), "1".to_owned()));
            }
        }
        let sent = Sent {
            query,
            body: self.body(operation),
            ..Sent::default()
        };
        let path = Self::path(operation, "1");
        self.place
            .send(&self.instance, &operation.method, &path, sent)
            .await
    }

    async fn missing_ids(&self, operation: &Operation, findings: &mut Findings) {
        if !operation.is_of_one() {
            return;
        }
        let path = Self::path(operation, "-1");
        let expected = self
            .hints
            .missing
            .iter()
            .find(|missing| missing.call == operation.to_string());
        let expected = expected.map_or(404, |missing| missing.status);
        let answer = self
            .call(&operation.method, &path, self.body(operation))
            .await;
        let what = format!("{} {operation} of -1", self.place.definition.key);
        match expected {
            200 => findings.status(&what, &answer, 200),
            status => drop(findings.error(&what, &answer, status)),
        }
    }

    async fn missing_bodies(&self, operation: &Operation, findings: &mut Findings) {
        if !operation.needs_body() {
            return;
        }
        let path = Self::path(operation, "1");
        for body in [
            None,
            Some(""),
            Some("{}"),
            Some("{ }"),
            Some("{\"name\":"),
            Some("nothing"),
        ] {
            let answer = self
                .call(&operation.method, &path, body.map(str::to_owned))
                .await;
            let what = format!("{} {operation} with {body:?}", self.place.definition.key);
            findings.error(&what, &answer, 400);
        }
    }

    async fn missing_parameters(&self, operation: &Operation, findings: &mut Findings) {
        for parameter in operation.parameters() {
            if parameter["type"] != "query" || parameter["required"] != true {
                continue;
            }
            let name = parameter["name"].as_str().expect("a name");
            let answer = self
                .call(&operation.method, &Self::path(operation, "1"), None)
                .await;
            let what = format!("{} {operation} without {name}", self.place.definition.key);
            if let Some(error) = findings.error(&what, &answer, 400) {
                findings.check(message(&error).contains(name), || {
                    format!("{what}: {answer}")
                });
            }
        }
    }

    /// 405, and what is offered instead. Some bare paths are the platform's own for other verbs, so a
    /// hub is named.
    async fn other_verbs(&self, operation: &Operation, findings: &mut Findings) {
        let path = format!("/hubs/any{}", Self::path(operation, "1"));
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            if self.place.definition.operation(method, &path).is_some() {
                continue;
            }
            let body =
                matches!(method, "POST" | "PUT" | "PATCH").then(|| r#"{"name":"x"}"#.to_owned());
            let answer = self.call(method, &path, body).await;
            let what = format!("{} {method} {path}", self.place.definition.key);
            findings.error(&what, &answer, 405);
            let allowed = answer.header("allow").unwrap_or_default();
            findings.check(allowed.contains(operation.method.as_str()), || {
                format!(
                    "{what}: Allow is {allowed:?}, {} is offered",
                    operation.method
                )
            });
        }
    }

    async fn other_paths(&self, findings: &mut Findings) {
        for path in [
            "/no-such-things",
            "/hubs/any/no-such-things/7",
            "/no/such/things/at/all",
        ] {
            for method in ["GET", "POST", "DELETE"] {
                let answer = self.call(method, path, None).await;
                let what = format!("{} {method} {path}", self.place.definition.key);
                findings.error(&what, &answer, 404);
            }
        }
    }
}
