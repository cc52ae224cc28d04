//! Records that come and go: created, read, changed by either verb, found in their list, deleted.
//!
//! `records` of `cases/lists.json`: `in` a list, the `body` that makes one and what `change`s it;
//! `shows` and `changed` where answers look otherwise, `gone` what a reader finds of a deleted one
//! (default: 404).

use serde_json::{Map, Value, json};

use super::lists::{Hints, List, split};
use super::pattern::{Kept, filled, misfits};
use super::place::{Instance, Place, Sent};
use super::{of_every_element, run::conventions};

#[test]
fn records_come_and_go_in_every_element() {
    of_every_element(async |place, findings| {
        let hints = Hints::of(&place.definition.key);
        let made = place
            .definition
            .operations
            .iter()
            .filter(|operation| operation.method == "POST");
        for operation in made {
            let listed = hints
                .records
                .iter()
                .any(|record| record["in"] == operation.path.as_str());
            findings.check(listed, || {
                format!(
                    "{} {operation}: not in `records` of cases/lists.json",
                    place.definition.key
                )
            });
        }
        for record in &hints.records {
            let life = Life {
                place,
                record,
                instance: place.instance(&Map::new()).await,
                kept: Kept::from([("unique".to_owned(), json!(place.word()))]),
            };
            if let Err(mistake) = life.lived(&hints).await {
                findings.add(format!(
                    "{} {}: {mistake}",
                    place.definition.key, record["in"]
                ));
            }
        }
    });
}

struct Life<'a> {
    place: &'a Place,
    record: &'a Value,
    instance: Instance,
    kept: Kept,
}

impl Life<'_> {
    async fn lived(&self, hints: &Hints) -> Result<(), String> {
        let operation = self.record["in"].as_str().expect("a path");
        let path = self.path(hints, operation).await?;
        let definition = &self.place.definition;
        let body = self.pattern("body").expect("a body");
        let made = self.call("POST", &path, Some(&body)).await?;
        let shown = self.pattern("shows").unwrap_or(body);
        fitting(&shown, &made, "the answer to POST")?;
        let id = self.id(&made).ok_or_else(|| format!("no id in {made}"))?;
        let one = format!("{path}/{id}");
        let offers = |method: &str| {
            let found = definition.operation(method, &one);
            found.is_some_and(|operation| operation.is_of_one())
        };
        if offers("GET") {
            fitting(&shown, &self.call("GET", &one, None).await?, "what is read")?;
        }
        if let Some(change) = self.pattern("change") {
            let changed = self.pattern("changed").unwrap_or_else(|| change.clone());
            for verb in ["PUT", "PATCH"] {
                self.call(verb, &one, Some(&change)).await?;
                if offers("GET") {
                    let found = self.call("GET", &one, None).await?;
                    fitting(&changed, &found, &format!("what is read after {verb}"))?;
                }
            }
        }
        if offers("GET") && self.record.get("change").is_some() {
            self.written_back(&one).await?;
        }
        if definition.operation("GET", &path).is_some() {
            self.listed(hints, operation, &path, &id, true).await?;
        }
        if !offers("DELETE") {
            return Ok(());
        }
        self.call("DELETE", &one, None).await?;
        match self.pattern("gone") {
            Some(gone) => fitting(
                &gone,
                &self.call("GET", &one, None).await?,
                "what is deleted",
            )?,
            None if offers("GET") => {
                let answer = self.place.get(&self.instance, &one, &[]).await;
                answer.checked_error(404)?;
            }
            None => self.listed(hints, operation, &path, &id, false).await?,
        }
        Ok(())
    }

    /// A record is taken as it was read, and is then what it was.
    async fn written_back(&self, one: &str) -> Result<(), String> {
        let read = self.call("GET", one, None).await?;
        let before = self.without_what_the_vendor_writes(read.clone());
        for verb in ["PUT", "PATCH"] {
            self.call(verb, one, Some(&read)).await?;
            let after = self.call("GET", one, None).await?;
            if self.without_what_the_vendor_writes(after.clone()) != before {
                return Err(format!("{after} is read after {verb} of {read}"));
            }
        }
        Ok(())
    }

    fn without_what_the_vendor_writes(&self, mut record: Value) -> Value {
        let own = |name: &String| self.place.definition.read_only.contains(name);
        if let Value::Object(members) = &mut record {
            members.retain(|name, _| !own(name));
            let inner = std::mem::take(members).into_iter();
            members.extend(inner.map(|(name, value)| match value {
                Value::Object(_) => (name, self.without_what_the_vendor_writes(value)),
                value => (name, value),
            }));
        }
        record
    }

    fn pattern(&self, name: &str) -> Option<Value> {
        self.record
            .get(name)
            .map(|pattern| filled(pattern, &self.kept))
    }

    fn id(&self, made: &Value) -> Option<String> {
        let place = self.record["id"].as_str().unwrap_or("/id");
        match made.pointer(place)? {
            Value::String(id) => Some(id.clone()),
            Value::Number(id) => Some(id.to_string()),
            _ => None,
        }
    }

    /// With the id of the first record that it belongs to.
    async fn path(&self, hints: &Hints, path: &str) -> Result<String, String> {
        let Some((above, below)) = split(path) else {
            return Ok(path.to_owned());
        };
        let operation = self.place.definition.operation("GET", &above);
        let list = List::find(self.place, hints, operation.expect("a list")).await?;
        let page = list.page(&[("pageSize", "1")]).await?;
        let id = list.id(page.records.first().ok_or("nothing above")?);
        Ok(format!("{above}/{id}{below}"))
    }

    /// Whether the list has it, by its id where that can be asked for.
    async fn listed(
        &self,
        hints: &Hints,
        operation: &str,
        path: &str,
        id: &str,
        wanted: bool,
    ) -> Result<(), String> {
        let operation = self
            .place
            .definition
            .operation("GET", operation)
            .expect("a list");
        let mut list = match split(&operation.path) {
            None => List::find(self.place, hints, operation).await?,
            Some(_) => List::at(self.place, operation, path).await,
        };
        list.path = path.to_owned();
        let condition = format!("id='{id}'");
        let query: &[(&str, &str)] = match operation.fields().contains(&"id") {
            true => &[("where", &condition)],
            false => &[("pageSize", "100")],
        };
        let records = list.walk(query).await?;
        match records.iter().any(|record| list.id(record) == id) == wanted {
            true => Ok(()),
            false => Err(format!("{id} in the list by {query:?}: expected {wanted}")),
        }
    }

    async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, String> {
        let sent = Sent {
            body: body.map(Value::to_string),
            ..Sent::default()
        };
        let answer = self.place.send(&self.instance, method, path, sent).await;
        if answer.status != 200 {
            return Err(format!("{method} {path}: {answer}"));
        }
        match conventions(&self.instance, &answer).first() {
            Some(mistake) => Err(format!("{method} {path}: {mistake}: {answer}")),
            None => Ok(serde_json::from_str(&answer.text).unwrap_or_default()),
        }
    }
}

fn fitting(pattern: &Value, found: &Value, what: &str) -> Result<(), String> {
    let mistakes = misfits(pattern, Some(found), false);
    match mistakes.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "{what}: {} in {}",
            mistakes.join("; "),
            super::pattern::shortened(found)
        )),
    }
}
