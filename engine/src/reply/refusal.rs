//! Whether an answer to a call that no resource describes refuses the credentials that it was made
//! with.

use http::StatusCode;

use super::{Seen, VendorReply};
use crate::configuration::Values;
use crate::element::{Condition, Content, Element, FaultRule, Group, Resource};

/// What has to be known of an answer to tell whether it refuses the credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    No,
    Yes,
    /// Some rule of the definition asks what it says.
    AsItsBodySays,
}

/// What the status alone tells of an answer to a call that no resource describes. A success refuses
/// nothing, unless the definition names its status.
pub fn refuses_by_status(element: &Element, status: StatusCode) -> Refusal {
    let number = status.as_u16();
    let speaks = |rule: &&FaultRule| match rule.when.statuses.is_empty() {
        true => !status.is_success(),
        false => rule.when.statuses.contains(&number),
    };
    let mut rules = element.faults.iter().filter(speaks);
    let told = |status: u16| match status {
        401 => Refusal::Yes,
        _ => Refusal::No,
    };
    let told_anyway = |rule: &FaultRule| rule.when.asks_nothing_else();
    match rules.next() {
        None => told(number),
        Some(first) if told_anyway(first) => told(first.status),
        Some(first) => {
            let same = |rule: &FaultRule| rule.status != 401;
            match number != 401 && same(first) && rules.all(same) {
                true => Refusal::No,
                false => Refusal::AsItsBodySays,
            }
        }
    }
}

/// Whether this answer to a call that no resource describes refuses the credentials.
pub fn refuses(element: &Element, group: &Group, stored: &Values, reply: &VendorReply) -> bool {
    let values = element.effective(group, stored);
    let seen = Seen::new(reply, element, &element.passing, &values, 0);
    let rule = element.faults.iter().find(|rule| seen.matches(&rule.when));
    rule.map_or(reply.status.as_u16(), |rule| rule.status) == 401
}

/// Whether the answer speaks as the resource's own answers do. A page in front of the vendor, a
/// proxy's or one for maintenance, does not.
pub fn speaks_as_expected(element: &Element, resource: &Resource, reply: &VendorReply) -> bool {
    let values = Values::new();
    let seen = Seen::new(reply, element, resource, &values, 0);
    let expected = resource.expect.as_ref().and_then(|expect| expect.content);
    let fits = expected.is_none_or(|expected| seen.content == Some(expected));
    reply.body.is_empty() || (fits && seen.content != Some(Content::Html))
}

impl Condition {
    /// Only the status is asked for.
    fn asks_nothing_else(&self) -> bool {
        self.content.is_none()
            && self.present.is_empty()
            && self.absent.is_empty()
            && self.equals.is_empty()
            && self.differs.is_empty()
            && self.contains.is_empty()
            && self.given.is_empty()
            && self.given_equals.is_empty()
            && self.given_differs.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::element::tests::sample;
    use crate::request::tests::{element, values};

    fn with_faults(faults: Json) -> std::sync::Arc<Element> {
        let mut json = sample();
        json["bunsen"]["fault"] = faults;
        element(&json)
    }

    #[test]
    fn the_status_tells_where_the_definition_asks_for_no_more() {
        let by = |element: &Element, status| {
            refuses_by_status(element, StatusCode::from_u16(status).unwrap())
        };
        let plain = with_faults(json!([]));
        assert_eq!(by(&plain, 401), Refusal::Yes);
        assert_eq!(by(&plain, 200), Refusal::No);
        assert_eq!(by(&plain, 403), Refusal::No);
        let ruled = with_faults(json!([
            {"when": {"status": [200], "equals": {"ok": ["false"]}}, "status": 401, "message": "m"},
            {"when": {"equals": {"code": ["throttled"]}}, "status": 429, "message": "m"},
            {"when": {"status": [403]}, "status": 403, "message": "m"},
            {"when": {"status": [419]}, "status": 401, "message": "m"},
        ]));
        assert_eq!(by(&ruled, 200), Refusal::AsItsBodySays);
        assert_eq!(by(&ruled, 201), Refusal::No);
        assert_eq!(by(&ruled, 401), Refusal::AsItsBodySays);
        assert_eq!(by(&ruled, 403), Refusal::No);
        assert_eq!(by(&ruled, 419), Refusal::AsItsBodySays);
        let said = |status: u16, body: Json| {
            let reply = VendorReply {
                status: StatusCode::from_u16(status).unwrap(),
                headers: HeaderMap::new(),
                body: body.to_string().into(),
            };
            let stored = values(&ruled, &[("site", "acme")]);
            refuses(&ruled, ruled.founding_group(), &stored, &reply)
        };
        assert!(said(200, json!({"ok": false})) && !said(200, json!({"ok": true})));
        assert!(said(401, json!({})) && !said(401, json!({"code": "throttled"})));
        assert!(said(419, json!({})));
    }
}
