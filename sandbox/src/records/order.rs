//! The order of rows: by a member's value, and what decides between equals.

use std::cmp::Ordering;

use serde_json::Value;

use super::Record;

/// What decides between rows whose sort keys are equal.
#[derive(Debug, Clone, Copy)]
pub enum Ties {
    ById,
    /// Another order with every call, as of a database that was not told any.
    Shifting(u64),
}

/// One key: a member, and whether the largest comes first.
#[derive(Debug, Clone)]
pub struct Key {
    pub member: String,
    pub descending: bool,
}

pub fn sort(rows: &mut [&Record], keys: &[Key], ties: Ties) {
    rows.sort_by(|left, right| {
        for key in keys {
            let (first, second) = (left.get(&key.member), right.get(&key.member));
            let order = compare(
                first.unwrap_or(&Value::Null),
                second.unwrap_or(&Value::Null),
            );
            let order = if key.descending {
                order.reverse()
            } else {
                order
            };
            if order != Ordering::Equal {
                return order;
            }
        }
        place(left, ties).cmp(&place(right, ties))
    });
}

/// Nothing before truth values before numbers before texts before the rest. Texts regardless of case.
pub fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            let (left, right) = (left.as_f64(), right.as_f64());
            left.partial_cmp(&right).unwrap_or(Ordering::Equal)
        }
        (Value::String(left), Value::String(right)) => {
            left.to_lowercase().cmp(&right.to_lowercase())
        }
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        _ => rank(left).cmp(&rank(right)),
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) | Value::Object(_) => 4,
    }
}

fn place(row: &Record, ties: Ties) -> u64 {
    let id = row.get("id").and_then(Value::as_u64).unwrap_or_default();
    match ties {
        Ties::ById => id,
        Ties::Shifting(call) => (id ^ call)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .rotate_left(29),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ids(values: &[(u64, Value)], descending: bool, ties: Ties) -> Vec<u64> {
        let rows = values.iter();
        let rows: Vec<Record> = rows
            .map(|(id, value)| {
                json!({ "id": id, "x": value })
                    .as_object()
                    .cloned()
                    .unwrap_or_default()
            })
            .collect();
        let mut rows: Vec<&Record> = rows.iter().collect();
        let member = String::from("x");
        sort(&mut rows, &[Key { member, descending }], ties);
        rows.iter().filter_map(|row| row["id"].as_u64()).collect()
    }

    #[test]
    fn equals_go_by_number_and_nothing_comes_first() {
        let rows = [
            (3, json!("b")),
            (2, json!("B")),
            (1, json!("c")),
            (4, json!(null)),
            (5, json!(7)),
        ];
        assert_eq!(ids(&rows, false, Ties::ById), [4, 5, 2, 3, 1]);
        assert_eq!(ids(&rows, true, Ties::ById), [1, 2, 3, 5, 4]);
    }

    #[test]
    fn ties_shift_when_they_shall_and_keys_still_decide() {
        let rows: Vec<(u64, Value)> = (1..=20).map(|id| (id, json!(id / 10))).collect();
        let orders: Vec<Vec<u64>> = (0..4)
            .map(|call| ids(&rows, false, Ties::Shifting(call)))
            .collect();
        assert!(orders.iter().any(|order| *order != orders[0]));
        for order in orders {
            assert!(order[..9].iter().all(|id| *id < 10), "{order:?}");
        }
    }
}
