use super::*;

#[test]
fn a_token_is_due_before_it_ends() {
    let element = added(&export("oauth2"));
    let group = element.founding_group();
    let renewal = element.renewal(group).unwrap();
    let stored = |pairs: &[(&str, &str)]| element.effective(group, &values(&element, pairs));
    let granted = stored(&[(REFRESH_TIME, "1000000")]);
    assert_eq!(renewal.expires_at(&granted), Some(1_000_000 + 3_600_000));
    assert_eq!(renewal.due_at(&granted, 0.0), Some(1_000_000 + 3_540_000));
    assert_eq!(renewal.due_at(&granted, 0.1), Some(1_000_000 + 3_180_000));
    // Never before half of its life, and never within a minute, whatever anybody says.
    for (time, interval, early, due) in [
        ("0", "300", 0.9, 150_000),
        ("0", "121", 0.0, 61_000),
        ("0", "110", 0.0, 60_000),
        ("7000", "60", 0.1, 67_000),
        ("7000", "1", 0.0, 67_000),
        ("-7000", "1", 0.0, 53_000),
        ("-9223372036854775000", "1", 0.1, -9_223_372_036_854_715_000),
        ("0", "9000000000000000", 0.0, 8_999_999_999_999_940_000),
    ] {
        let values = stored(&[(REFRESH_TIME, time), (REFRESH_INTERVAL, interval)]);
        assert_eq!(
            renewal.due_at(&values, early),
            Some(due),
            "{time} {interval}"
        );
    }
    let fraction = stored(&[(REFRESH_TIME, "0"), (REFRESH_INTERVAL, "60.9")]);
    assert_eq!(renewal.expires_at(&fraction), Some(60_000));
    for endless in [
        stored(&[]),
        stored(&[(REFRESH_TIME, "x")]),
        stored(&[(REFRESH_TIME, "1"), (REFRESH_INTERVAL, "0")]),
        stored(&[(REFRESH_TIME, "1"), (REFRESH_INTERVAL, "-5")]),
        stored(&[(REFRESH_TIME, "1"), (REFRESH_INTERVAL, "0.5")]),
        stored(&[
            (REFRESH_TIME, "9223372036854775807"),
            (REFRESH_INTERVAL, "1"),
        ]),
        stored(&[
            (REFRESH_TIME, "1"),
            (REFRESH_INTERVAL, "9223372036854775807"),
        ]),
    ] {
        assert_eq!(renewal.due_at(&endless, 0.0), None);
    }
    assert_eq!(
        renewal.start(&stored(&[(REFRESH_TOKEN, "r")])),
        Some(Start::Refresh)
    );
    assert_eq!(renewal.start(&stored(&[])), None);
    assert_eq!(renewal.after_refusal(Start::Refresh), None);
}
