//! Whether an answer to a call that no resource describes refuses the credentials that it was made
//! with.

use http::StatusCode;

use super::{Seen, VendorReply};
use crate::configuration::Values;
use crate::element::{Element, FaultRule, Group};

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
