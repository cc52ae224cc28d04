//! The request log: what stands in it, who finds it, and what becomes of it.

mod contents;
mod days;
mod queue;
mod search;
mod servers;

use serde_json::Value;

use crate::answer::Answer;
use crate::server::{Caller, TestServer};
use crate::vendors::until;

const USAGE: &str = "/elements/api-v2/usage";

/// The record of a call, once it is there.
pub async fn logged(server: &TestServer, caller: &Caller, id: &str) -> Value {
    let mut found = None;
    until("the call is in the log", async || {
        let request = server.request("GET", &format!("{USAGE}/{id}"));
        let answer = Answer::of(request.header("authorization", caller.header())).await;
        found = (answer.status == 200).then(|| answer.json());
        found.is_some()
    })
    .await;
    found.expect("a record")
}

fn id_of(answer: &Answer) -> &str {
    answer.header("elements-request-id").expect("a request id")
}

/// What a search answers.
async fn search(server: &TestServer, caller: &Caller, query: &str) -> Answer {
    let request = server.request("GET", &format!("{USAGE}?{query}"));
    Answer::of(request.header("authorization", caller.header())).await
}

/// Values of one member of all records.
async fn found(server: &TestServer, caller: &Caller, query: &str, member: &str) -> Vec<Value> {
    let all = search(server, caller, query).await.success();
    let records = all.as_array().expect("an array").iter();
    records.map(|record| record[member].clone()).collect()
}
