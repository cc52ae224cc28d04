//! What one hub call may take.

use std::time::Duration;

use bunsen::app::CallLimits;
use bunsen_test_macros::database_test;
use serde_json::Value;

use super::turns::Quarry;
use crate::database::TestDatabase;
use crate::server::TestOptions;

const STONES: &str = "/elements/api-v2/hubs/crm/stones";

fn with(bytes: usize, time: Duration) -> TestOptions {
    TestOptions {
        call_limits: CallLimits { bytes, time },
        ..TestOptions::default()
    }
}

/// Rows of the vendor's, all of them, and calls of ours that it took.
async fn walked(quarry: &Quarry, header: &str) -> (Vec<u64>, usize) {
    let (mut ids, mut calls) = (Vec::new(), 0);
    let mut path = format!("{STONES}?pageSize=500");
    loop {
        let answer = quarry.get(&path, header).await;
        calls += 1;
        let rows = answer.success();
        let rows = rows.as_array().expect("a list").iter();
        ids.extend(rows.map(|row| row["id"].as_u64().expect("an id")));
        let Some(token) = answer.header("elements-next-page-token") else {
            return (ids, calls);
        };
        assert!(calls < 50, "{answer}");
        path = format!("{STONES}?nextPage={token}");
    }
}

#[database_test]
async fn a_list_holds_so_many_bytes_and_leaves_nothing_out(database: TestDatabase) {
    // A page of a hundred rows is some 5 KB.
    let quarry = Quarry::start(database, Value::Null, with(12_000, Duration::from_secs(60))).await;
    let header = quarry.instance(&quarry.server.admin).await;
    quarry.vendor.will_list("GET /base/stones", 1000);
    let short = quarry.get(&format!("{STONES}?pageSize=500"), &header).await;
    let rows = short.success().as_array().expect("a list").len();
    assert!((100..500).contains(&rows), "{rows}");
    let notice = short.header("elements-error").expect("a notice");
    assert!(notice.contains("not full"), "{notice}");
    let (ids, calls) = walked(&quarry, &header).await;
    assert_eq!(ids, (1..=1000).collect::<Vec<u64>>());
    assert!(calls > 2, "{calls}");
}

#[database_test]
async fn a_list_ends_with_its_time(database: TestDatabase) {
    let quarry = Quarry::start(database, Value::Null, with(usize::MAX, Duration::ZERO)).await;
    let header = quarry.instance(&quarry.server.admin).await;
    quarry.vendor.will_list("GET /base/stones", 10);
    let answer = quarry.get(STONES, &header).await;
    assert_eq!(answer.success(), serde_json::json!([]));
    assert!(
        answer.header("elements-next-page-token").is_some(),
        "{answer}"
    );
    let record = quarry.get(super::turns::STONE, &header).await;
    let error = record.error(502);
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains("--hub-call-timeout"), "{message}");
    assert_eq!(quarry.vendor.count(), 0);
}

#[database_test]
async fn what_was_read_before_a_refusal_is_not_read_again(database: TestDatabase) {
    let options = with(usize::MAX, Duration::from_secs(60));
    let quarry = Quarry::start(database, Value::Null, options).await;
    let header = quarry.instance(&quarry.server.admin).await;
    let vendor = &quarry.vendor;
    let wait = [("retry-after", "7")];
    for refused in [false, false, true, false, true] {
        match refused {
            false => vendor.will_list("GET /base/stones", 450),
            true => vendor.will_say("GET /base/stones", 429, &wait, "{}"),
        }
    }
    vendor.will_list("GET /base/stones", 450);
    let ids = |answer: &crate::answer::Answer| {
        let rows = answer.success();
        let rows = rows.as_array().expect("a list").iter();
        let ids = rows.map(|row| row["id"].as_u64().expect("an id"));
        ids.collect::<Vec<u64>>()
    };
    let short = quarry.get(&format!("{STONES}?pageSize=400"), &header).await;
    assert_eq!(ids(&short), (1..=200).collect::<Vec<u64>>());
    let notice = short.header("elements-error").expect("a notice");
    assert!(
        notice.contains("not full") && notice.contains("Retry-After: 7"),
        "{notice}"
    );
    assert_eq!(short.header("elements-vendor-status"), Some("429"));
    let mut found = ids(&short);
    let mut next = short.header("elements-next-page-token").map(str::to_owned);
    let mut calls = 3;
    while let Some(token) = next {
        let answer = quarry
            .get(&format!("{STONES}?nextPage={token}"), &header)
            .await;
        let attempts = answer.header("elements-attempts").expect("a number");
        calls += attempts.parse::<usize>().expect("a number");
        found.extend(ids(&answer));
        next = answer.header("elements-next-page-token").map(str::to_owned);
    }
    assert_eq!(found, (1..=450).collect::<Vec<u64>>());
    // Each of the five pages once, and the two that were refused.
    assert_eq!((calls, vendor.count()), (7, 7));
    // Whoever counts pages is told the refusal: the next number would leave records out.
    vendor.forget();
    vendor.will_list("GET /base/stones", 450);
    vendor.will_say("GET /base/stones", 429, &wait, "{}");
    let counted = quarry
        .get(&format!("{STONES}?pageSize=400&page=1"), &header)
        .await;
    counted.error(429);
    assert_eq!(counted.header("retry-after"), Some("7"));
}
