//! Pages, tokens, counts, order and shape of one list.

use serde_json::{Map, Value, json};

use super::List;
use crate::answer::message;

/// What a check found, if anything.
type Checked = Result<(), String>;

pub async fn everything(list: &List<'_>) -> Vec<String> {
    let checks = [
        pages(list).await,
        tokens(list).await,
        tokens_of_others(list).await,
        ends(list).await,
        words(list).await,
        refusals(list).await,
        fields(list).await,
        nulls(list).await,
        order(list).await,
    ];
    checks.into_iter().filter_map(Result::err).collect()
}

fn check(holds: bool, what: impl FnOnce() -> String) -> Checked {
    match holds {
        true => Ok(()),
        false => Err(what()),
    }
}

/// Page 1 and page 2 of n are page 1 of 2n, also where that takes several of the vendor's.
async fn pages(list: &List<'_>) -> Checked {
    for size in [1, 2, 7, 60] {
        let (one, two) = (size.to_string(), (2 * size).to_string());
        let first = list.page(&[("page", "1"), ("pageSize", &one)]).await?;
        let second = list.page(&[("page", "2"), ("pageSize", &one)]).await?;
        let both = list.page(&[("page", "1"), ("pageSize", &two)]).await?;
        check(
            first.records.len() <= size && both.records.len() <= 2 * size,
            || format!("more than pageSize={size} records"),
        )?;
        let together = [first.records.as_slice(), &second.records].concat();
        check(together == both.records, || {
            let ids = |records: &[Value]| {
                records
                    .iter()
                    .map(|record| list.id(record))
                    .collect::<Vec<_>>()
            };
            format!(
                "pages of {size} are {:?}, of {two} {:?}",
                ids(&together),
                ids(&both.records)
            )
        })?;
        check(first.next.is_some() || second.records.is_empty(), || {
            format!("no token at the end of page 1 of {size}")
        })?;
    }
    Ok(())
}

/// One record a call, and all of them in larger pages; the token knows the query.
async fn tokens(list: &List<'_>) -> Checked {
    let first = list.page(&[("pageSize", "50")]).await?;
    let mut page = list.page(&[("pageSize", "1"), ("nextPage", "")]).await?;
    for (number, record) in first.records.iter().take(5).enumerate() {
        check(page.records == [record.clone()], || {
            format!("record {number} by tokens is {:?}", page.records)
        })?;
        let Some(token) = page.next else {
            let last = number + 1 == first.records.len();
            return check(last && first.next.is_none(), || {
                format!("no token behind record {number}")
            });
        };
        // A page beside the token, or another condition, changes nothing.
        let query = [
            ("nextPage", token.as_str()),
            ("pageSize", "1"),
            ("page", "9"),
            ("where", "id=0"),
        ];
        page = list.page(&query).await?;
    }
    Ok(())
}

/// A token is good for its instance and its list alone.
async fn tokens_of_others(list: &List<'_>) -> Checked {
    let page = list.page(&[("pageSize", "1")]).await?;
    let token = page.next.ok_or("no token behind one record")?;
    let elsewhere = List {
        instance: list.place.instance(&with_nulls()).await,
        ..list.clone()
    };
    let answer = elsewhere.answer(&[("nextPage", &token)]).await;
    let error = answer
        .checked_error(400)
        .map_err(|what| format!("a token of another instance: {what}"))?;
    check(message(&error).contains("nextPage"), || {
        format!("a token of another instance: {answer}")
    })?;
    let mut others = list.place.definition.lists();
    let other = others.find(|other| *other != list.operation && !other.path.contains('{'));
    let Some(other) = other else {
        return Ok(());
    };
    let elsewhere = List {
        path: other.path.clone(),
        operation: other,
        ..list.clone()
    };
    let answer = elsewhere.answer(&[("nextPage", &token)]).await;
    answer
        .checked_error(400)
        .map(drop)
        .map_err(|what| format!("a token of another list: {what}"))
}

/// The walk ends, gives nothing twice, and behind its end there is nothing.
async fn ends(list: &List<'_>) -> Checked {
    let all = list.walk(&[("pageSize", "97")]).await?;
    let mut ids: Vec<String> = all.iter().map(|record| list.id(record)).collect();
    ids.sort();
    let found = ids.len();
    ids.dedup();
    check(ids.len() == found, || {
        format!("{} records come twice", found - ids.len())
    })?;
    check(found >= 2, || {
        format!("{found} records are too few to try anything")
    })?;
    let counted = list
        .page(&[("pageSize", "1"), ("returnCount", "true")])
        .await?;
    check(
        counted.total.is_none_or(|total| total == found as u64),
        || format!("Elements-Total-Count is {:?} of {found}", counted.total),
    )?;
    let beyond = (found / 97 + 2).to_string();
    let page = list.page(&[("pageSize", "97"), ("page", &beyond)]).await?;
    check(page.records.is_empty() && page.next.is_none(), || {
        format!(
            "page {beyond} of 97 has {} records, next {:?}",
            page.records.len(),
            page.next
        )
    })?;
    for page in ["9007199254740991", "18446744073709551615"] {
        // Nothing is there; some vendors say so.
        let answer = list.answer(&[("pageSize", "97"), ("page", page)]).await;
        check(
            matches!((answer.status, &*answer.text), (200, "[]") | (400, _)),
            || format!("page {page}: {answer}"),
        )?;
    }
    let largest = list.page(&[("pageSize", "100000")]).await?;
    check(
        largest.records.len() == found || largest.notice.is_some(),
        || {
            format!(
                "{} of {found} records, and no Elements-Error says why",
                largest.records.len()
            )
        },
    )
}

/// What clients send that have no token yet.
async fn words(list: &List<'_>) -> Checked {
    let plain = list.page(&[("pageSize", "3")]).await?;
    for query in [
        ("nextPage", "null"),
        ("nextPage", "undefined"),
        ("where", ""),
        ("unheard-of", "x"),
    ] {
        let page = list.page(&[("pageSize", "3"), query]).await?;
        check(page.records == plain.records, || {
            format!("{query:?} is not taken for nothing")
        })?;
    }
    Ok(())
}

async fn refusals(list: &List<'_>) -> Checked {
    let before = list.place.vendors.calls().await;
    for (query, part) in [
        (vec![("pageSize", "0")], "pageSize"),
        (vec![("pageSize", "-1")], "pageSize"),
        (vec![("pageSize", "ten")], "pageSize"),
        (vec![("page", "0"), ("pageSize", "2")], "page"),
        (vec![("page", "x"), ("pageSize", "2")], "page"),
        (vec![("pageSize", "99999999999999999999999")], "pageSize"),
        (vec![("page", "-9223372036854775809")], "page"),
        (vec![("nextPage", "no-token-of-ours")], "nextPage"),
        (
            vec![("where", &*format!("id='{}'", "x".repeat(9000)))],
            "Error parsing query",
        ),
        (vec![("where", "id=")], "Error parsing query"),
        (vec![("where", "select * contacts")], "Error parsing query"),
        (vec![("where", "(id=1")], "Error parsing query"),
        (
            vec![("where", "no_field_of_anybody='1'")],
            "no_field_of_anybody",
        ),
    ] {
        let answer = list.answer(&query).await;
        let error = answer
            .checked_error(400)
            .map_err(|what| format!("{query:?}: {what}"))?;
        check(message(&error).contains(part), || {
            format!("{query:?}: {answer}")
        })?;
    }
    let calls = list.place.vendors.calls().await - before;
    check(calls == 0, || {
        format!("the vendor got {calls} calls that we refused")
    })
}

async fn fields(list: &List<'_>) -> Checked {
    let offered = list
        .operation
        .parameters()
        .any(|parameter| parameter["name"] == "fields");
    if !offered {
        return Ok(());
    }
    let whole = list.page(&[("pageSize", "3")]).await?;
    let some = list.page(&[("pageSize", "3"), ("fields", "id")]).await?;
    let expected: Vec<Value> = whole
        .records
        .iter()
        .map(|record| json!({"id": list.inner(record)["id"]}))
        .collect();
    let found: Vec<&Value> = some
        .records
        .iter()
        .map(|record| list.inner(record))
        .collect();
    check(found.iter().copied().eq(&expected), || {
        format!("fields=id gives {found:?}")
    })
}

/// Members that are null are shown to those alone who ask for them.
async fn nulls(list: &List<'_>) -> Checked {
    let shown = List {
        instance: list.place.instance(&with_nulls()).await,
        ..list.clone()
    };
    let without = list.page(&[("pageSize", "40")]).await?.records;
    let mut with = shown.page(&[("pageSize", "40")]).await?.records;
    check(!has_null_member(&json!(without)), || {
        "a member is null".to_owned()
    })?;
    with.iter_mut().for_each(prune);
    check(with == without, || {
        "records without their nulls are others".to_owned()
    })
}

fn with_nulls() -> Map<String, Value> {
    Map::from_iter([("filter.response.nulls".to_owned(), json!("false"))])
}

fn has_null_member(value: &Value) -> bool {
    match value {
        Value::Object(members) => members
            .values()
            .any(|value| value.is_null() || has_null_member(value)),
        Value::Array(items) => items.iter().any(has_null_member),
        _ => false,
    }
}

fn prune(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, value| !value.is_null());
            members.values_mut().for_each(prune);
        }
        Value::Array(items) => items.iter_mut().for_each(prune),
        _ => {}
    }
}

/// What is offered is done, and what is not is said.
async fn order(list: &List<'_>) -> Checked {
    let offered = list.operation.ordered_by();
    if let Some(field) = offered.first() {
        let asked = format!("{field} desc");
        let whole = list.page(&[("pageSize", "4"), ("orderBy", &asked)]).await?;
        let first = list.page(&[("pageSize", "2"), ("orderBy", &asked)]).await?;
        let mut together = first.records;
        if let Some(token) = first.next {
            let second = list
                .page(&[("pageSize", "2"), ("nextPage", &token)])
                .await?;
            together.extend(second.records);
        }
        check(together == whole.records, || {
            format!("orderBy={asked} by tokens: {together:?}")
        })?;
    }
    for field in offered.iter().copied().chain(["id", "no_field_of_anybody"]) {
        for direction in ["asc", "desc"] {
            let asked = format!("{field} {direction}");
            let page = list
                .page(&[("pageSize", "50"), ("orderBy", &asked)])
                .await?;
            let ignored = page
                .notice
                .as_deref()
                .is_some_and(|notice| notice.contains("orderBy"));
            check(!(ignored && offered.contains(&field)), || {
                format!("orderBy={asked} is offered, and ignored: {:?}", page.notice)
            })?;
            let mut values: Vec<Value> = page
                .records
                .iter()
                .map(|record| list.inner(record)[field].clone())
                .collect();
            if direction == "desc" {
                values.reverse();
            }
            check(ignored || stands_in_order(&values), || {
                format!("orderBy={asked}: {values:?}, and {:?}", page.notice)
            })?;
        }
    }
    Ok(())
}

/// Numbers, and texts that begin with one, which moments do: how vendors sort words is theirs.
fn stands_in_order(values: &[Value]) -> bool {
    let known: Vec<&Value> = values.iter().filter(|value| !value.is_null()).collect();
    known.windows(2).all(|pair| match (pair[0], pair[1]) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() <= other.as_f64(),
        (Value::String(one), Value::String(other)) => {
            let moment = |text: &str| text.starts_with(|first: char| first.is_ascii_digit());
            !(moment(one) && moment(other)) || one <= other
        }
        _ => true,
    })
}
