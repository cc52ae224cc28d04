//! Twenty organizations beside one that takes all it can.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::JoinSet;

use super::*;

const NEIGHBOURS: i64 = 20;
const RUNS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_neighbour_takes_its_own_places_only() {
    let mut settings = settings();
    settings.children = 8;
    settings.per_organization = 2;
    settings.limits.computing = Duration::from_secs(60);
    settings.limits.total = Duration::from_secs(60);
    let scripts = Scripts::new(settings);
    let ended = Arc::new(AtomicUsize::new(0));
    let mut hostile = JoinSet::new();
    for number in 0..8 {
        let (scripts, ended) = (scripts.clone(), Arc::clone(&ended));
        hostile.spawn(async move {
            let loops = ["while (true) {}", "new Array(4e9).join('')"];
            let outcome = run(&scripts, loops[number % 2], json!({})).await;
            ended.fetch_add(1, Ordering::Relaxed);
            outcome.is_err()
        });
    }
    while scripts.children() < 2 {
        tokio::task::yield_now().await;
    }
    let mut ordinary = JoinSet::new();
    for organization in 100..100 + NEIGHBOURS {
        let scripts = scripts.clone();
        ordinary.spawn(async move {
            for run in 0..RUNS {
                let variables = json!({"mine": organization});
                let source = "done({mine: require('lodash').get({a: mine}, 'a')})";
                let output =
                    run_as(OrganizationId(organization), &scripts, source, variables).await;
                let result = output
                    .unwrap_or_else(|error| panic!("run {run}: {error}"))
                    .result;
                assert_eq!(result, Some(json!({"mine": organization})));
            }
        });
    }
    while let Some(done) = ordinary.join_next().await {
        done.expect("an ordinary organization's runs");
        assert!(scripts.children() <= 8);
    }
    // All of theirs, before a single one of the hostile runs has come to its end.
    assert_eq!(ended.load(Ordering::Relaxed), 0);
    hostile.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_that_take_all_they_can_leave_a_place_for_a_fifth() {
    let mut settings = settings();
    settings.children = 8;
    settings.per_organization = 2;
    settings.limits.computing = Duration::from_secs(60);
    settings.limits.total = Duration::from_secs(60);
    // Nobody who holds a place gives it back in time.
    settings.queue = Duration::from_secs(20);
    let scripts = Scripts::new(settings);
    let mut greedy = JoinSet::new();
    for organization in [1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4] {
        let scripts = scripts.clone();
        let waits = "setTimeout(() => done(), 50000)";
        greedy.spawn(async move {
            let _ = run_as(OrganizationId(organization), &scripts, waits, json!({})).await;
        });
    }
    while scripts.children() < 7 {
        tokio::task::yield_now().await;
    }
    let fifth = run_as(OrganizationId(5), &scripts, "done({fine: true})", json!({}));
    let fifth = fifth.await.expect("a place for one that holds none");
    assert_eq!(fifth.result, Some(json!({"fine": true})));
    greedy.shutdown().await;
}

#[tokio::test]
async fn who_waits_too_long_for_a_place_is_told() {
    let mut settings = settings();
    settings.per_organization = 1;
    settings.queue = Duration::from_millis(300);
    settings.limits.total = Duration::from_secs(60);
    settings.limits.computing = Duration::from_secs(60);
    let scripts = Scripts::new(settings);
    let looping = run(&scripts, "while (true) {}", json!({}));
    let second = run(&scripts, "done()", json!({}));
    tokio::select! {
        biased;
        _ = looping => panic!("an endless loop ended"),
        outcome = second => assert_eq!(outcome.map(|_| ()), Err(ScriptError::OverShare(1))),
    }
}
